/*
 * config_test.c - tests of config.c
 *
 * A test gives texts as a user would, and looks at the settings or at what is
 * said of them.
 */
#include "kbrokerd/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	assert_int_equal(f->config->listener_count, 1);
	assert_string_equal(f->config->listeners[0].name, "PLAINTEXT");
	assert_string_equal(f->config->listeners[0].host, "localhost");
	assert_int_equal(f->config->listeners[0].port, 9092);
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
		{ "flush.mode=never", "'never' is not one of {commit,os}" },
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
		{ "novalue", "should be key=value" },
		{ "=x", "should be key=value" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(load_set(f, cases[i].set), -EINVAL);
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
		strstr(text, "listeners=PLAINTEXT://localhost:9092\t# "));
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
		TEST(printing_says_where_a_value_is_from),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
