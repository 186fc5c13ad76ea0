/*
 * config_test.c - tests of config.c
 *
 * A test gives texts as a user would, and looks at the settings or at what is
 * said of them.
 */
#include "kbrokerd/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct config *config;
	char file[64];
	char error[512];
	char notices[2048];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	snprintf(f->file, sizeof(f->file), "/tmp/config_test.XXXXXX");
	fd = mkstemp(f->file);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	config_free(f->config);
	unlink(f->file);
	free(f);
	return 0;
}

static void on_notice(void *arg, int level, const char *text)
{
	struct fixture *f = arg;
	size_t len = strlen(f->notices);

	(void)level;
	snprintf(f->notices + len, sizeof(f->notices) - len, "%s\n", text);
}

static void write_file(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int load(struct fixture *f, struct config_input input)
{
	config_free(f->config);
	f->config = NULL;
	f->notices[0] = '\0';
	input.no_default_file = true;
	input.notice = on_notice;
	input.notice_arg = f;
	return config_load(&input, &f->config, f->error, sizeof(f->error));
}

static int load_set(struct fixture *f, const char *set)
{
	return load(f, (struct config_input){ .sets = &set, .set_count = 1 });
}

static void nothing_need_be_set(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, (struct config_input){ 0 }), 0);
	assert_int_equal(f->config->listener_count, 2);
	assert_string_equal(f->config->listeners[0].name, "PLAINTEXT");
	assert_string_equal(f->config->listeners[0].host, "localhost");
	assert_int_equal(f->config->listeners[0].port, 9092);
	assert_int_equal(f->config->listeners[1].port, -1);
	assert_string_equal(strrchr(f->config->listeners[1].host, '/'),
			    "/kbrokerd.sock");
	assert_string_equal(f->config->listeners[0].advertised_host, "");
	assert_int_equal(f->config->node_id, -1);
	assert_true(f->config->flush_commit);
	assert_true(f->config->sync_metadata);
	assert_true(f->config->auto_create_topics);
	assert_int_equal(f->config->request_bytes_max, 104857600);
	assert_true(f->config->network_threads >= 1);
	assert_int_equal(f->config->data_dir[0], '/');
	assert_string_equal(f->notices, "");
}

static void each_source_overrides_the_one_before(void **state)
{
	struct fixture *f = *state;
	const char *sets[] = { "num.partitions=4" };
	char a[] = "KAFKA_NUM_PARTITIONS=3";
	char b[] = "KAFKA_LOG_RETENTION_MS=77";
	char *environment[] = { a, b, NULL };

	write_file(f, "num.partitions=2\nlog.retention.ms=66\n"
		      "message.max.bytes=5\n");
	assert_int_equal(
		load(f, (struct config_input){ .file = f->file,
					       .sets = sets,
					       .set_count = 1,
					       .environment = environment }),
		0);
	assert_int_equal(f->config->default_partitions, 4);
	assert_int_equal(config_int(f->config, "log.retention.ms"), 77);
	assert_int_equal(config_int(f->config, "message.max.bytes"), 5);
	assert_string_equal(
		properties_find(&f->config->properties, "log.retention.ms")
			->origin,
		"KAFKA_LOG_RETENTION_MS");
}

static void variables_of_others_are_left_alone(void **state)
{
	struct fixture *f = *state;
	char a[] = "KAFKA_HEAP_OPTS=-Xmx1g";
	char b[] = "KAFKA_LOG4J_ROOT_LOGLEVEL=INFO";
	char c[] = "KAFKA_BOOTSTRAP_SERVERS=x:1";
	char d[] = "KAFKA_NUM_PARTITION=3";
	char *environment[] = { a, b, c, d, NULL };

	assert_int_equal(
		load(f, (struct config_input){ .environment = environment }),
		0);
	assert_string_equal(f->notices,
			    "KAFKA_NUM_PARTITION: unknown property "
			    "'num.partition' has no effect; did you mean "
			    "'num.partitions'?\n");
}

static void an_unknown_key_is_an_error_with_the_nearest(void **state)
{
	struct fixture *f = *state;

	write_file(f, "# x\nlog.dir.s=/x\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }),
			 -EINVAL);
	assert_non_null(strstr(f->error, f->file));
	assert_non_null(strstr(f->error, ":2: unknown property 'log.dir.s'; "
					 "did you mean 'log.dirs'?"));
	assert_int_equal(load(f, (struct config_input){ .file = f->file,
							.lenient = true }),
			 0);
	assert_non_null(strstr(f->notices, "has no effect"));
}

static void keys_of_zookeeper_are_told_and_left_out(void **state)
{
	struct fixture *f = *state;

	write_file(f, "zookeeper.connect=localhost:2181\n"
		      "inter.broker.protocol.version=3.0\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }), 0);
	assert_non_null(strstr(f->notices, "'zookeeper.connect' is of the "
					   "time of ZooKeeper"));
}

static void known_keys_without_effect_are_told_in_one_line(void **state)
{
	struct fixture *f = *state;

	write_file(f, "num.io.threads=8\nbackground.threads=4\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }), 0);
	assert_string_equal(f->notices, "known, but of no effect: "
					"num.io.threads, background.threads\n");
}

/* What Kafka ships as config/server.properties, in essence. */
static void a_server_properties_of_kafka_is_taken_as_it_is(void **state)
{
	struct fixture *f = *state;

	write_file(f, "process.roles=broker,controller\n"
		      "node.id=1\n"
		      "controller.quorum.bootstrap.servers=localhost:9093\n"
		      "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
		      "inter.broker.listener.name=PLAINTEXT\n"
		      "advertised.listeners=PLAINTEXT://localhost:9092,"
		      "CONTROLLER://localhost:9093\n"
		      "controller.listener.names=CONTROLLER\n"
		      "listener.security.protocol.map=CONTROLLER:PLAINTEXT,"
		      "PLAINTEXT:PLAINTEXT,SSL:SSL\n"
		      "num.network.threads=3\n"
		      "num.io.threads=8\n"
		      "socket.send.buffer.bytes=102400\n"
		      "log.dirs=/tmp/kraft-combined-logs\n"
		      "num.partitions=1\n"
		      "offsets.topic.replication.factor=1\n"
		      "log.retention.hours=168\n"
		      "log.segment.bytes=1073741824\n"
		      "log.retention.check.interval.ms=300000\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }), 0);
	assert_int_equal(f->config->listener_count, 2);
	assert_false(f->config->listeners[0].controller);
	assert_true(f->config->listeners[1].controller);
	assert_string_equal(f->config->listeners[0].host, "");
	assert_string_equal(f->config->listeners[0].advertised_host,
			    "localhost");
	assert_int_equal(f->config->listeners[0].advertised_port, 9092);
	assert_int_equal(f->config->node_id, 1);
	assert_int_equal(f->config->network_threads, 3);
	assert_string_equal(f->config->data_dir, "/tmp/kraft-combined-logs");
}

static void listeners_may_be_v6_and_unix(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load_set(f, "listeners=PLAINTEXT://[::1]:0, "
				     "unix:/run/k.sock"),
			 0);
	assert_string_equal(f->config->listeners[0].host, "::1");
	assert_int_equal(f->config->listeners[0].port, 0);
	assert_string_equal(f->config->listeners[1].host, "/run/k.sock");
	assert_int_equal(f->config->listeners[1].port, -1);
}

static void temporary_data_is_not_synced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		load(f, (struct config_input){ .temporary_dir = "/tmp/x" }), 0);
	assert_true(f->config->temporary);
	assert_string_equal(f->config->data_dir, "/tmp/x");
	assert_false(f->config->flush_commit);
	assert_false(f->config->sync_metadata);
}

static void what_is_wrong_is_named(void **state)
{
	static const struct {
		const char *set, *said;
	} cases[] = {
		{ "num.partitions=0", "num.partitions: 0 is less than 1" },
		{ "num.partitions=x", "'x' is not a whole number" },
		{ "auto.create.topics.enable=yes", "neither true nor false" },
		{ "flush.mode=never", "'never' is not one of commit, os" },
		{ "listeners=localhost:9092", "should be NAME://HOST:PORT" },
		{ "listeners=PLAINTEXT://h:99999", "should be NAME" },
		{ "listeners=OTHER://h:1",
		  "not in listener.security.protocol.map" },
		{ "listeners=SSL://h:1", "is SSL, which kbrokerd does not" },
		{ "listeners=unix:k.sock", "should be unix:/PATH" },
		{ "listeners=,", "there is none" },
		{ "advertised.listeners=SSL://h:1", "no listener 'SSL'" },
		{ "process.roles=broker", "cannot join a cluster yet" },
		{ "controller.quorum.voters=1@a:1,2@b:1", "a quorum of one" },
		{ "log.dirs=/a,/b", "one data directory" },
		{ "advertised.listeners=PLAINTEXT://0.0.0.0:1",
		  "names no host" },
		{ "advertised.listeners=PLAINTEXT", "should be NAME://" },
		{ "listeners=PLAINTEXT://a:1,PLAINTEXT://b:2", "twice" },
		{ "logging.level=loud", "'loud' is not one of error" },
		{ "logging.level=nobody=info", "no subsystem 'nobody'" },
		{ "topics.file=/no/file", "cannot read /no/file" },
		{ "novalue", "should be key=value" },
		{ "=x", "should be key=value" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(load_set(f, cases[i].set) < 0);
		if (strstr(f->error, cases[i].said) == NULL)
			fail_msg("%s: %s", cases[i].set, f->error);
	}
}

static void a_missing_file_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(load(f, (struct config_input){ .file = "/no/file" }),
			 -ENOENT);
	assert_string_equal(f->error,
			    "cannot read /no/file: No such file or directory");
}

static void printing_hides_what_is_secret(void **state)
{
	struct fixture *f = *state;
	const char *sets[] = { "ssl.key.password=hunter2",
			       "listener.name.x.ssl.keystore.password=hunter2",
			       "listener.name.x.ssl.keystore.type=PEM" };
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(
		load(f, (struct config_input){ .sets = sets, .set_count = 3 }),
		0);
	config_print(f->config, to);
	fclose(to);
	assert_null(strstr(text, "hunter2"));
	assert_non_null(strstr(text, "ssl.key.password=********\t# -X\n"));
	assert_non_null(
		strstr(text, "listener.name.x.ssl.keystore.password=****"));
	assert_non_null(
		strstr(text, "listener.name.x.ssl.keystore.type=PEM\t# -X\n"));
	free(text);
}

static void a_default_of_this_machine_says_so(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(
		load(f, (struct config_input){ .temporary_dir = "/tmp/x" }), 0);
	config_print(f->config, to);
	fclose(to);
	assert_non_null(strstr(text, "flush.mode=os\t# --tmp\n"));
	free(text);
}

static void a_directory_beside_tmp_is_told(void **state)
{
	struct fixture *f = *state;
	const char *set = "log.dirs=/data";

	assert_int_equal(
		load(f, (struct config_input){ .temporary_dir = "/tmp/x",
					       .sets = &set,
					       .set_count = 1 }),
		0);
	assert_string_equal(f->config->data_dir, "/tmp/x");
	assert_non_null(
		strstr(f->notices, "--tmp: log.dirs=/data is not used"));
}

/* The environment of docker/examples/.../single-node/plaintext of Kafka. */
static void the_environment_of_a_compose_file_works(void **state)
{
	static char *const environment[] = {
		"KAFKA_NODE_ID=1",
		"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP=CONTROLLER:PLAINTEXT,"
		"PLAINTEXT:PLAINTEXT,PLAINTEXT_HOST:PLAINTEXT",
		"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT_HOST://localhost:9092,"
		"PLAINTEXT://broker:19092",
		"KAFKA_PROCESS_ROLES=broker,controller",
		"KAFKA_CONTROLLER_QUORUM_VOTERS=1@broker:29093",
		"KAFKA_LISTENERS=CONTROLLER://:29093,PLAINTEXT_HOST://:9092,"
		"PLAINTEXT://:19092",
		"KAFKA_INTER_BROKER_LISTENER_NAME=PLAINTEXT",
		"KAFKA_CONTROLLER_LISTENER_NAMES=CONTROLLER",
		"CLUSTER_ID=4L6g3nShT-eMCtK--X86sw",
		"KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=1",
		"KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS=0",
		"KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=1",
		"KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR=1",
		"KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR=1",
		"KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR=1",
		"KAFKA_LOG_DIRS=/tmp/kraft-combined-logs",
		NULL
	};
	struct fixture *f = *state;
	const struct listener_config *l;

	if (load(f, (struct config_input){ .environment = environment }) < 0)
		fail_msg("%s", f->error);
	l = f->config->listeners;
	assert_int_equal(f->config->listener_count, 3);
	assert_true(l[0].controller);
	assert_int_equal(l[0].port, 29093);
	assert_string_equal(l[1].name, "PLAINTEXT_HOST");
	assert_string_equal(l[1].advertised_host, "localhost");
	assert_int_equal(l[1].advertised_port, 9092);
	assert_string_equal(l[2].advertised_host, "broker");
	assert_int_equal(l[2].advertised_port, 19092);
	assert_string_equal(f->config->cluster_id, "4L6g3nShT-eMCtK--X86sw");
	assert_null(strstr(f->notices, "unknown"));
}

static void variables_name_dots_underscores_and_dashes(void **state)
{
	struct fixture *f = *state;
	char a[] = "KAFKA_LISTENER_NAME_A__B_X___Y=1";
	char *environment[] = { a, NULL };

	assert_int_equal(
		load(f, (struct config_input){ .environment = environment }),
		0);
	assert_string_equal(
		properties_get(&f->config->properties, "listener.name.a_b.x-y"),
		"1");
}

static void advertised_addresses_may_be_parsed_alone(void **state)
{
	struct fixture *f = *state;
	struct listener_config told[LISTENERS_MAX];

	assert_int_equal(
		load_set(f, "listeners=PLAINTEXT://:1,CONTROLLER://:2"), 0);
	assert_int_equal(config_parse_advertised(
				 f->config, "PLAINTEXT://[2001:db8::1]:99",
				 told, f->error, sizeof(f->error)),
			 0);
	assert_string_equal(told[0].advertised_host, "2001:db8::1");
	assert_int_equal(told[0].advertised_port, 99);
	assert_string_equal(told[1].advertised_host, "");
	assert_int_equal(config_parse_advertised(f->config, "auto", told,
						 f->error, sizeof(f->error)),
			 0);
	assert_string_equal(told[0].advertised_host, "");
	assert_int_equal(config_parse_advertised(f->config, "A://b:1", told,
						 f->error, sizeof(f->error)),
			 -EINVAL);
	assert_non_null(strstr(f->error, "no listener 'A'"));
}

struct changes {
	char taken[128], left[128];
};

static void on_change(void *arg, const char *key, bool taken)
{
	struct changes *c = arg;

	strcat(taken ? c->taken : c->left, key);
	strcat(taken ? c->taken : c->left, " ");
}

static void merging_takes_only_what_may_change(void **state)
{
	struct fixture *f = *state;
	struct changes changes = { .taken = "" };
	struct config *before;
	struct config *merged;

	write_file(f, "num.partitions=2\nmax.connections=7\n"
		      "delete.topic.enable=false\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }), 0);
	before = f->config;
	f->config = NULL;
	write_file(f, "num.partitions=3\nmax.connections=8\n"
		      "fetch.max.bytes=2000\nlog.dirs=/elsewhere\n");
	assert_int_equal(load(f, (struct config_input){ .file = f->file }), 0);
	assert_int_equal(
		config_merge(before, f->config, on_change, &changes, &merged),
		0);
	assert_non_null(strstr(changes.taken, "delete.topic.enable "));
	assert_non_null(strstr(changes.taken, "max.connections "));
	assert_non_null(strstr(changes.taken, "fetch.max.bytes "));
	assert_non_null(strstr(changes.left, "log.dirs "));
	assert_non_null(strstr(changes.left, "num.partitions "));
	assert_int_equal(merged->connections_max, 8);
	assert_int_equal(merged->fetch_bytes_max, 2000);
	assert_int_equal(merged->default_partitions, 2);
	assert_true(merged->delete_topics);
	assert_string_equal(merged->data_dir, before->data_dir);
	assert_int_equal(
		properties_find(&merged->properties, "max.connections")->line,
		2);
	config_free(merged);
	config_free(before);
}

static void topics_are_read_and_the_command_line_wins(void **state)
{
	struct fixture *f = *state;
	const char *topic = "orders:5";
	char set[128];
	const char *sets[] = { set };

	snprintf(set, sizeof(set), "topics.file=%s", f->file);
	write_file(f, "# topics\norders:3,retention.ms=7\n\nplain # too\n");
	if (load(f, (struct config_input){ .sets = sets,
					   .set_count = 1,
					   .topics = &topic,
					   .topic_count = 1 }) < 0)
		fail_msg("%s", f->error);
	assert_int_equal(f->config->topics.count, 2);
	assert_string_equal(f->config->topics.items[0].name, "orders");
	assert_int_equal(f->config->topics.items[0].partitions, 5);
	assert_string_equal(properties_get(&f->config->topics.items[0].configs,
					   "retention.ms"),
			    "7");
	assert_string_equal(f->config->topics.items[1].name, "plain");
	assert_int_equal(f->config->topics.items[1].partitions, -1);
	topic = "orders:x";
	assert_int_equal(load(f, (struct config_input){ .topics = &topic,
							.topic_count = 1 }),
			 -EINVAL);
	assert_string_equal(f->error, "--topic 'orders:x': should be "
				      "NAME[:PARTITIONS][,KEY=VALUE...]");
}

/* Sockets that were open before */

static int listen_somewhere(int *port_out)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr =
					       htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	*port_out = ntohs(address.sin_port);
	return fd;
}

static void inherited_sockets_are_the_listeners(void **state)
{
	struct fixture *f = *state;
	struct inherited in = { .count = 2 };
	int port;
	int http_port;

	in.sockets[0].fd = listen_somewhere(&port);
	in.sockets[1].fd = listen_somewhere(&http_port);
	strcpy(in.sockets[1].name, "http");
	assert_int_equal(load(f, (struct config_input){ .inherited = &in }), 0);
	assert_int_equal(f->config->listener_count, 1);
	assert_string_equal(f->config->listeners[0].name, "PLAINTEXT");
	assert_string_equal(f->config->listeners[0].host, "127.0.0.1");
	assert_int_equal(f->config->listeners[0].port, port);
	assert_int_equal(f->config->listeners[0].inherited_count, 1);
	assert_int_equal(f->config->http_fd, in.sockets[1].fd);
	close(in.sockets[0].fd);
	close(in.sockets[1].fd);
}

static void an_inherited_socket_takes_the_place_of_its_name(void **state)
{
	struct fixture *f = *state;
	struct inherited in = { .count = 1 };
	const char *set = "listeners=CONTROLLER://:29093,PLAINTEXT://:9092";
	int port;

	in.sockets[0].fd = listen_somewhere(&port);
	strcpy(in.sockets[0].name, "CONTROLLER");
	assert_int_equal(load(f, (struct config_input){ .inherited = &in,
							.sets = &set,
							.set_count = 1 }),
			 0);
	assert_int_equal(f->config->listeners[0].inherited_count, 1);
	assert_int_equal(f->config->listeners[1].inherited_count, 0);
	close(in.sockets[0].fd);
}

static void what_is_inherited_must_listen(void **state)
{
	struct fixture *f = *state;
	struct inherited in = { .count = 1, .sockets = { { .fd = 0 } } };

	assert_int_equal(load(f, (struct config_input){ .inherited = &in }),
			 -EINVAL);
	assert_non_null(strstr(f->error, "descriptor 0 is no listening"));
}

static void printing_says_where_a_value_is_from(void **state)
{
	struct fixture *f = *state;
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	assert_int_equal(load_set(f, "num.partitions=9"), 0);
	config_print(f->config, to);
	fclose(to);
	assert_non_null(strstr(text, "num.partitions=9\t# -X\n"));
	assert_non_null(strstr(text, "flush.mode=commit\t# default\n"));
	assert_non_null(
		strstr(text, "\nlisteners=PLAINTEXT://localhost:9092,unix:/"));
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_need_be_set),
		TEST(each_source_overrides_the_one_before),
		TEST(variables_of_others_are_left_alone),
		TEST(an_unknown_key_is_an_error_with_the_nearest),
		TEST(keys_of_zookeeper_are_told_and_left_out),
		TEST(known_keys_without_effect_are_told_in_one_line),
		TEST(a_server_properties_of_kafka_is_taken_as_it_is),
		TEST(listeners_may_be_v6_and_unix),
		TEST(temporary_data_is_not_synced),
		TEST(what_is_wrong_is_named),
		TEST(a_missing_file_is_named),
		TEST(printing_hides_what_is_secret),
		TEST(a_default_of_this_machine_says_so),
		TEST(a_directory_beside_tmp_is_told),
		TEST(the_environment_of_a_compose_file_works),
		TEST(variables_name_dots_underscores_and_dashes),
		TEST(advertised_addresses_may_be_parsed_alone),
		TEST(merging_takes_only_what_may_change),
		TEST(topics_are_read_and_the_command_line_wins),
		TEST(inherited_sockets_are_the_listeners),
		TEST(an_inherited_socket_takes_the_place_of_its_name),
		TEST(what_is_inherited_must_listen),
		TEST(printing_says_where_a_value_is_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
