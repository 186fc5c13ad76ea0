/*
 * broker_state_test.c - tests of broker_state.c and of topics that are wanted:
 * a whole broker on port 0, without clients
 */
#include "kbrokerd/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/server/server.h"
#include "kbrokerd/temporary.h"
#include "wire/messages.h"

struct fixture {
	char dir[64];
	char socket[128]; /* of the unix listener */
	char listeners[256];
	struct config *config;
	struct logger logger;
	int told_fd;
	char told[16384];
	struct broker *broker;
	char error[512];
};

static int try_start(struct fixture *f, const char *const *sets, size_t count)
{
	const char *all[8] = { f->listeners };

	for (size_t i = 0; i < count; i++)
		all[i + 1] = sets[i];
	config_free(f->config);
	f->config = NULL;
	assert_int_equal(config_for_test(f->dir, all, count + 1, &f->config),
			 0);
	return broker_start(f->config, &f->logger, &f->broker, f->error,
			    sizeof(f->error));
}

static void start(struct fixture *f, const char *const *sets, size_t count)
{
	if (try_start(f, sets, count) < 0)
		fail_msg("%s", f->error);
}

static void stop(struct fixture *f)
{
	assert_int_equal(broker_stop(f->broker), 0);
	f->broker = NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	snprintf(f->socket, sizeof(f->socket), "%s/k.sock", f->dir);
	snprintf(f->listeners, sizeof(f->listeners),
		 "listeners=PLAINTEXT://127.0.0.1:0,unix:%s", f->socket);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	f->told_fd = fds[0];
	f->logger = (struct logger){ .fd = fds[1],
				     .level = LOGGER_INFO,
				     .clock = clock_system() };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->broker != NULL)
		stop(f);
	config_free(f->config);
	close(f->told_fd);
	close(f->logger.fd);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

static bool has_told(struct fixture *f, const char *text)
{
	size_t len = strlen(f->told);
	ssize_t n = read(f->told_fd, f->told + len, sizeof(f->told) - len - 1);

	if (n > 0)
		f->told[len + (size_t)n] = '\0';
	return strstr(f->told, text) != NULL;
}

/* What clients of the first listener are told; NULL: how they came. */
static const char *told_host(struct fixture *f)
{
	static char host[256];
	int32_t port;

	return advertised_get(&f->broker->server->advertised, 0, host, &port)
		       ? host
		       : NULL;
}

static int set(struct fixture *f, const char *text)
{
	return broker_set_advertised(f->broker, text, f->error,
				     sizeof(f->error));
}

static void addresses_change_at_once_and_are_kept(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	assert_null(told_host(f));
	if (set(f, "PLAINTEXT://a.example:1") < 0)
		fail_msg("%s", f->error);
	assert_string_equal(told_host(f), "a.example");
	assert_true(has_told(f, "advertised.listeners=PLAINTEXT://a.example:1 "
				"origin=dynamic"));
	stop(f);
	start(f, NULL, 0);
	assert_string_equal(told_host(f), "a.example");
	assert_int_equal(set(f, ""), 0);
	assert_null(told_host(f));
}

static void auto_is_over_what_the_settings_say(void **state)
{
	static const char *const sets[] = {
		"advertised.listeners=PLAINTEXT://s.example:5"
	};
	struct fixture *f = *state;

	start(f, sets, 1);
	assert_string_equal(told_host(f), "s.example");
	assert_int_equal(set(f, "auto"), 0);
	assert_null(told_host(f));
	assert_int_equal(set(f, ""), 0);
	assert_string_equal(told_host(f), "s.example");
}

static void addresses_of_no_listener_are_refused(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	assert_int_equal(set(f, "OTHER://a:1"), -EINVAL);
	assert_non_null(strstr(f->error, "no listener 'OTHER'"));
	assert_null(told_host(f));
}

static struct config *load(struct fixture *f, const char *const *sets,
			   size_t count)
{
	const char *all[8] = { f->listeners };
	struct config *config;

	for (size_t i = 0; i < count; i++)
		all[i + 1] = sets[i];
	assert_int_equal(config_for_test(f->dir, all, count + 1, &config), 0);
	return config;
}

static void reading_again_takes_what_may_change(void **state)
{
	static const char *const sets[] = {
		"advertised.listeners=PLAINTEXT://n.example:5",
		"max.connections=77", "num.partitions=9"
	};
	struct fixture *f = *state;
	struct config *loaded;

	start(f, NULL, 0);
	loaded = load(f, sets, 3);
	broker_reload(f->broker, loaded);
	config_free(loaded);
	assert_string_equal(told_host(f), "n.example");
	assert_int_equal(atomic_load(&f->broker->server->connections_max), 77);
	assert_int_equal(f->broker->config->default_partitions, 1);
	assert_true(has_told(f, "msg=\"changed settings that need a restart\" "
				"keys=num.partitions"));
	assert_true(has_told(f, "msg=\"changed settings are in effect\""));
}

static void what_was_set_in_flight_is_over_what_is_read_again(void **state)
{
	static const char *const sets[] = {
		"advertised.listeners=PLAINTEXT://n.example:5"
	};
	struct fixture *f = *state;
	struct config *loaded;

	start(f, NULL, 0);
	assert_int_equal(set(f, "PLAINTEXT://a.example:1"), 0);
	loaded = load(f, sets, 1);
	broker_reload(f->broker, loaded);
	config_free(loaded);
	assert_string_equal(told_host(f), "a.example");
	assert_int_equal(set(f, ""), 0);
	assert_string_equal(told_host(f), "n.example");
}

static void its_threads_turn(void **state)
{
	struct fixture *f = *state;
	char text[128];

	start(f, NULL, 0);
	assert_true(broker_is_alive(f->broker, 30000));
	broker_summary(f->broker, text, sizeof(text));
	assert_string_equal(text, "0 connections, 0 topics, 0 partitions");
	broker_tell_state(f->broker);
	assert_true(has_told(f, "msg=state connections=0"));
	assert_true(has_told(f, "msg=\"state of a thread\" thread=1"));
	assert_true(has_told(f, "msg=\"state of a listener\" listener=unix"));
}

/* Ports, sockets and directories */

static void a_port_in_use_leaves_no_directory_behind(void **state)
{
	struct fixture *f = *state;
	struct fixture second = { .logger = f->logger };
	char own_dir[64];

	start(f, NULL, 0);
	snprintf(own_dir, sizeof(own_dir), "%.40s/b", f->dir);
	snprintf(second.dir, sizeof(second.dir), "%.40s/b/c", f->dir);
	snprintf(second.listeners, sizeof(second.listeners),
		 "listeners=PLAINTEXT://127.0.0.1:%d", broker_port(f->broker));
	assert_int_equal(try_start(&second, NULL, 0), -EADDRINUSE);
	assert_int_equal(access(own_dir, F_OK), -1);
	config_free(second.config);
}

static void a_directory_in_use_is_told_before_the_port(void **state)
{
	struct fixture *f = *state;
	struct fixture second = { .logger = f->logger };
	char wanted[64];

	start(f, NULL, 0);
	memcpy(second.dir, f->dir, sizeof(second.dir));
	snprintf(second.listeners, sizeof(second.listeners),
		 "listeners=PLAINTEXT://127.0.0.1:%d", broker_port(f->broker));
	assert_int_equal(try_start(&second, NULL, 0), -EBUSY);
	snprintf(wanted, sizeof(wanted), "in use by process %d", getpid());
	assert_non_null(strstr(second.error, wanted));
	config_free(second.config);
}

static void a_unix_socket_is_for_owner_and_group(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	start(f, NULL, 0);
	assert_int_equal(stat(f->socket, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0660);
}

static void a_socket_that_a_crash_left_is_replaced(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct fixture *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	start(f, NULL, 0);
	stop(f);
	memcpy(address.sun_path, f->socket, strlen(f->socket));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	close(fd);
	start(f, NULL, 0);
}

static void a_file_in_place_of_the_socket_is_left_alone(void **state)
{
	struct fixture *f = *state;
	FILE *file;

	start(f, NULL, 0);
	stop(f);
	file = fopen(f->socket, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(try_start(f, NULL, 0), -EADDRINUSE);
	assert_int_equal(access(f->socket, F_OK), 0);
}

static void data_of_a_newer_format_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[128];
	FILE *file;

	start(f, NULL, 0);
	stop(f);
	snprintf(path, sizeof(path), "%s/meta.properties", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("version=2\ncluster.id=x\nnode.id=1\n", file);
	fclose(file);
	assert_int_equal(try_start(f, NULL, 0), -ENOTSUP);
	assert_non_null(strstr(f->error, "version 2"));
}

/* Topics */

static struct wanted_topics wanted(const char *const *texts, size_t count)
{
	struct wanted_topics topics = { 0 };
	char error[256];

	for (size_t i = 0; i < count; i++)
		assert_int_equal(wanted_topics_add(&topics, texts[i], error,
						   sizeof(error)),
				 0);
	return topics;
}

static int want(struct fixture *f, const char *text)
{
	struct wanted_topics topics = wanted(&text, 1);
	int rc = wanted_topics_apply(&topics, f->broker, f->error,
				     sizeof(f->error));

	wanted_topics_clear(&topics);
	return rc;
}

/* "PARTITIONS VALUE" of topic t and a property, or "" when it is not there. */
static const char *topic_is(struct fixture *f, const char *key)
{
	static char text[128];
	const struct image *image = metadata_image(f->broker->metadata);
	const struct topic_image *t = image_topic(image, slice_of("t"));
	const char *value = t == NULL || t->configs == NULL
				    ? NULL
				    : config_set_get(t->configs, key);

	text[0] = '\0';
	if (t != NULL)
		snprintf(text, sizeof(text), "%d %s", t->partition_count,
			 value == NULL ? "-" : value);
	image_release(image);
	return text;
}

static void wanted_topics_converge(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	assert_int_equal(want(f, "t:2,retention.ms=7000"), 0);
	assert_string_equal(topic_is(f, "retention.ms"), "2 7000");
	/* the same again changes nothing */
	assert_int_equal(want(f, "t:2,retention.ms=7000"), 0);
	assert_string_equal(topic_is(f, "retention.ms"), "2 7000");
	/* it grows */
	assert_int_equal(want(f, "t:3,retention.ms=8000"), 0);
	assert_string_equal(topic_is(f, "retention.ms"), "3 8000");
	/* what is not said stays */
	assert_int_equal(want(f, "t,segment.bytes=2000000"), 0);
	assert_string_equal(topic_is(f, "retention.ms"), "3 8000");
	assert_string_equal(topic_is(f, "segment.bytes"), "3 2000000");
}

static void wanted_topics_never_shrink(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	assert_int_equal(want(f, "t:3"), 0);
	assert_int_equal(want(f, "t:2"), 0);
	assert_string_equal(topic_is(f, "x"), "3 -");
	assert_true(has_told(f, "partitions=3 wanted=2"));
}

static void what_is_refused_of_a_wanted_topic_is_said(void **state)
{
	struct fixture *f = *state;

	start(f, NULL, 0);
	assert_int_equal(want(f, "t:1,retention.ms=soon"), -EINVAL);
	assert_non_null(strstr(f->error, "topic 't': INVALID_CONFIG"));
	assert_string_equal(topic_is(f, "x"), "");
	assert_int_equal(want(f, "a b"), -EINVAL);
	assert_non_null(strstr(f->error, "INVALID_TOPIC"));
}

static int64_t retention_of(struct partition *p)
{
	struct topic_config config;

	partition_topic_config(p, &config);
	return config.retention_ms;
}

static void topics_follow_defaults_that_are_read_again(void **state)
{
	static const char *const sets[] = { "log.retention.ms=5000" };
	struct fixture *f = *state;
	const struct image *image;
	struct partition *p;
	struct config *loaded;

	start(f, NULL, 0);
	assert_int_equal(want(f, "t:1"), 0);
	image = metadata_image(f->broker->metadata);
	p = partition_find(f->broker->partitions, image,
			   image_topic(image, slice_of("t")), 0);
	image_release(image);
	assert_int_equal(retention_of(p), 604800000);
	loaded = load(f, sets, 1);
	broker_reload(f->broker, loaded);
	config_free(loaded);
	assert_int_equal(retention_of(p), 5000);
	/* and one that says itself does not */
	assert_int_equal(want(f, "t,retention.ms=77"), 0);
	assert_int_equal(retention_of(p), 77);
	loaded = load(f, NULL, 0);
	broker_reload(f->broker, loaded);
	config_free(loaded);
	assert_int_equal(retention_of(p), 77);
	partition_release(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(addresses_change_at_once_and_are_kept),
		TEST(auto_is_over_what_the_settings_say),
		TEST(addresses_of_no_listener_are_refused),
		TEST(reading_again_takes_what_may_change),
		TEST(what_was_set_in_flight_is_over_what_is_read_again),
		TEST(its_threads_turn),
		TEST(a_port_in_use_leaves_no_directory_behind),
		TEST(a_directory_in_use_is_told_before_the_port),
		TEST(a_unix_socket_is_for_owner_and_group),
		TEST(a_socket_that_a_crash_left_is_replaced),
		TEST(a_file_in_place_of_the_socket_is_left_alone),
		TEST(data_of_a_newer_format_is_refused),
		TEST(wanted_topics_converge),
		TEST(wanted_topics_never_shrink),
		TEST(what_is_refused_of_a_wanted_topic_is_said),
		TEST(topics_follow_defaults_that_are_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
