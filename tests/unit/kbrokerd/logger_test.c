/*
 * logger_test.c - tests of logger.c: lines as they come out of a pipe
 */
#include "kbrokerd/logger.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct fake_clock clock;
	struct logger logger;
	int read_fd;
	char text[16384];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	fake_clock_init(&f->clock, 1785578400123);
	f->read_fd = fds[0];
	f->logger = (struct logger){ .fd = fds[1],
				     .level = LOGGER_INFO,
				     .clock = &f->clock.clock };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->read_fd);
	close(f->logger.fd);
	free(f);
	return 0;
}

static const char *told(struct fixture *f)
{
	ssize_t n = read(f->read_fd, f->text, sizeof(f->text) - 1);

	f->text[n < 0 ? 0 : n] = '\0';
	return f->text;
}

static void an_event_is_one_line_of_pairs(void **state)
{
	struct fixture *f = *state;

	logger_tell(&f->logger, LOGGER_WARN, "server", "it broke", "peer",
		    "127.0.0.1:1", "gone", NULL, "why", "a \"b\"\n\x1b[1m",
		    NULL);
	assert_string_equal(told(f),
			    "ts=2026-08-01T10:00:00.123Z level=warn sub=server "
			    "msg=\"it broke\" peer=127.0.0.1:1 "
			    "why=\"a \\\"b\\\"\\u000a\\u001b[1m\"\n");
}

static void json_is_one_object_a_line(void **state)
{
	struct fixture *f = *state;

	f->logger.format = LOGGER_JSON;
	logger_tell(&f->logger, LOGGER_INFO, "a", "b", "k", "v\\", "#n", "7",
		    NULL);
	assert_string_equal(told(f),
			    "{\"ts\":\"2026-08-01T10:00:00.123Z\",\"level\":"
			    "\"info\",\"sub\":\"a\",\"msg\":\"b\",\"k\":"
			    "\"v\\\\\",\"n\":7}\n");
}

static void the_journal_gets_a_priority(void **state)
{
	struct fixture *f = *state;

	f->logger.journal = true;
	logger_tell(&f->logger, LOGGER_ERROR, "a", "b", NULL);
	assert_memory_equal(told(f), "<3>ts=", 6);
}

static void what_is_below_the_level_is_not_told(void **state)
{
	struct fixture *f = *state;

	logger_tell(&f->logger, LOGGER_DEBUG, "a", "b", NULL);
	logger_tell(NULL, LOGGER_ERROR, "a", "b", NULL);
	assert_string_equal(told(f), "");
}

static void a_long_line_is_cut(void **state)
{
	struct fixture *f = *state;
	char value[10000];
	size_t len;

	memset(value, '\n', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	logger_tell(&f->logger, LOGGER_INFO, "a", "b", "k", value, "l", "m",
		    NULL);
	len = strlen(told(f));
	assert_in_range(len, 8100, 8192);
	assert_string_equal(f->text + len - 8, "\\u000a\"\n");
}

/* No character is cut in two, and it is still JSON. */
static void a_long_line_of_json_ends_as_one(void **state)
{
	struct fixture *f = *state;
	char value[10000] = "";
	size_t len;

	for (size_t i = 0; i < 9000; i += 3)
		memcpy(value + i, "\xe2\x82\xac", 3); /* the euro sign */
	f->logger.format = LOGGER_JSON;
	logger_tell(&f->logger, LOGGER_INFO, "a", "b", "k", value, "#n", "7",
		    NULL);
	len = strlen(told(f));
	assert_in_range(len, 8100, 8192);
	assert_string_equal(f->text + len - 6, "\xe2\x82\xac\"}\n");
}

static void a_limit_counts_what_it_keeps_back(void **state)
{
	struct logger_limit limit = { 0 };
	int32_t missed = -1;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(logger_allows(&limit, 5000 + i, 3, &missed));
	for (int i = 0; i < 4; i++)
		assert_false(logger_allows(&limit, 5500, 3, &missed));
	assert_int_equal(missed, 0);
	assert_true(logger_allows(&limit, 6000, 3, &missed));
	assert_int_equal(missed, 4);
	assert_true(logger_allows(&limit, 6001, 3, &missed));
	assert_int_equal(missed, 0);
}

static void a_subsystem_may_have_a_level_of_its_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(
		logger_set_level(&f->logger, "partition", LOGGER_DEBUG), 0);
	assert_true(logger_tells(&f->logger, LOGGER_DEBUG, "partition"));
	assert_false(logger_tells(&f->logger, LOGGER_DEBUG, "server"));
	logger_set_level(&f->logger, NULL, LOGGER_ERROR);
	assert_true(logger_tells(&f->logger, LOGGER_DEBUG, "partition"));
	assert_false(logger_tells(&f->logger, LOGGER_WARN, "server"));
	assert_true(logger_has_own_level(&f->logger, "partition"));
	assert_int_equal(logger_unset_level(&f->logger, "partition"), 0);
	assert_false(logger_has_own_level(&f->logger, "partition"));
	assert_int_equal(logger_level(&f->logger, "partition"), LOGGER_ERROR);
	assert_int_equal(logger_set_level(&f->logger, "nobody", LOGGER_INFO),
			 -ENOENT);
}

static void levels_may_be_a_text(void **state)
{
	struct fixture *f = *state;
	char error[128];

	assert_int_equal(logger_set_levels(&f->logger,
					   "warn,partition=debug,api=ERROR",
					   error, sizeof(error)),
			 0);
	assert_int_equal(logger_level(&f->logger, NULL), LOGGER_WARN);
	assert_int_equal(logger_level(&f->logger, "partition"), LOGGER_DEBUG);
	assert_int_equal(logger_level(&f->logger, "api"), LOGGER_ERROR);
	assert_int_equal(logger_level(&f->logger, "server"), LOGGER_WARN);
}

static void a_wrong_text_of_levels_sets_none(void **state)
{
	struct fixture *f = *state;
	char error[128];

	assert_int_equal(logger_set_levels(&f->logger, "debug,api=loud", error,
					   sizeof(error)),
			 -EINVAL);
	assert_string_equal(error,
			    "'loud' is not one of error, warn, info, debug");
	assert_int_equal(logger_set_levels(&f->logger, "debug,nobody=info",
					   error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, "there is no subsystem 'nobody'");
	assert_int_equal(logger_level(&f->logger, NULL), LOGGER_INFO);
}

static void levels_of_log4j_have_ours(void **state)
{
	static const struct {
		const char *text;
		enum logger_level level;
	} cases[] = {
		{ "FATAL", LOGGER_ERROR }, { "ERROR", LOGGER_ERROR },
		{ "WARN", LOGGER_WARN },   { "INFO", LOGGER_INFO },
		{ "DEBUG", LOGGER_DEBUG }, { "TRACE", LOGGER_DEBUG },
	};
	enum logger_level level;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(logger_parse_level(cases[i].text, &level), 0);
		assert_int_equal(level, cases[i].level);
	}
	assert_int_equal(logger_parse_level("OFF", &level), -EINVAL);
}

static void subsystems_are_sorted(void **state)
{
	size_t count;
	const char *const *names = logger_subsystems(&count);

	(void)state;
	for (size_t i = 1; i < count; i++)
		assert_true(strcmp(names[i - 1], names[i]) < 0);
}

static void the_journal_is_known_by_device_and_inode(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char name[64];

	assert_int_equal(fstat(f->logger.fd, &st), 0);
	snprintf(name, sizeof(name), "%ju:%ju", (uintmax_t)st.st_dev,
		 (uintmax_t)st.st_ino);
	assert_true(logger_is_journal(f->logger.fd, name));
	assert_false(logger_is_journal(f->logger.fd, "1:1"));
	assert_false(logger_is_journal(f->logger.fd, NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_is_one_line_of_pairs),
		TEST(json_is_one_object_a_line),
		TEST(a_long_line_of_json_ends_as_one),
		TEST(the_journal_gets_a_priority),
		TEST(what_is_below_the_level_is_not_told),
		TEST(a_long_line_is_cut),
		TEST(a_limit_counts_what_it_keeps_back),
		TEST(a_subsystem_may_have_a_level_of_its_own),
		TEST(levels_may_be_a_text),
		TEST(a_wrong_text_of_levels_sets_none),
		TEST(levels_of_log4j_have_ours),
		TEST(subsystems_are_sorted),
		TEST(the_journal_is_known_by_device_and_inode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
