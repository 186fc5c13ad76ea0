/*
 * wanted_topics_test.c - tests of wanted_topics.c: what is written
 */
#include "kbrokerd/wanted_topics.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
	struct wanted_topics topics;
	char file[64];
	char error[512];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	snprintf(f->file, sizeof(f->file), "/tmp/wanted_topics.XXXXXX");
	fd = mkstemp(f->file);
	assert_true(fd >= 0);
	close(fd);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	wanted_topics_clear(&f->topics);
	unlink(f->file);
	free(f);
	return 0;
}

static int add(struct fixture *f, const char *text)
{
	return wanted_topics_add(&f->topics, text, f->error, sizeof(f->error));
}

static const char *value(const struct fixture *f, size_t i, const char *key)
{
	return properties_get(&f->topics.items[i].configs, key);
}

static void a_name_alone_will_do(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "orders"), 0);
	assert_int_equal(f->topics.count, 1);
	assert_string_equal(f->topics.items[0].name, "orders");
	assert_int_equal(f->topics.items[0].partitions, -1);
	assert_int_equal(f->topics.items[0].configs.count, 0);
}

static void partitions_and_properties_follow(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "a:3,retention.ms=1s,segment.bytes=99"), 0);
	assert_int_equal(f->topics.items[0].partitions, 3);
	assert_string_equal(value(f, 0, "retention.ms"), "1000");
	assert_string_equal(value(f, 0, "segment.bytes"), "99");
}

static void a_part_without_equals_belongs_to_the_value_before(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "a,cleanup.policy=compact,delete,x=y=z"), 0);
	assert_string_equal(value(f, 0, "cleanup.policy"), "compact,delete");
	assert_string_equal(value(f, 0, "x"), "y=z");
	assert_int_equal(add(f, "b,cleanup.policy=compact,delete"), 0);
	assert_string_equal(value(f, 1, "cleanup.policy"), "compact,delete");
}

static void what_is_said_again_wins_and_the_rest_stays(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(add(f, "a:3,x=1,y=2"), 0);
	assert_int_equal(add(f, "b"), 0);
	assert_int_equal(add(f, "a,x=9"), 0);
	assert_int_equal(f->topics.count, 2);
	assert_int_equal(f->topics.items[0].partitions, 3);
	assert_string_equal(value(f, 0, "x"), "9");
	assert_string_equal(value(f, 0, "y"), "2");
}

static void what_is_no_topic_is_refused(void **state)
{
	static const char *const texts[] = {
		"", ":3", "a:0", "a:-1", "a:3x", "a:", "a,=1", "a,b", "a:3,b",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (add(f, texts[i]) != -EINVAL)
			fail_msg("'%s' was taken", texts[i]);
		assert_non_null(strstr(f->error, texts[i]));
	}
}

static void a_name_has_an_end(void **state)
{
	struct fixture *f = *state;
	char name[WANTED_NAME_MAX + 2];

	memset(name, 'a', sizeof(name));
	name[WANTED_NAME_MAX + 1] = '\0';
	assert_int_equal(add(f, name), -EINVAL);
	name[WANTED_NAME_MAX] = '\0';
	assert_int_equal(add(f, name), 0);
}

static void write_file(struct fixture *f, const char *text)
{
	FILE *file = fopen(f->file, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int read_file(struct fixture *f)
{
	return wanted_topics_read(&f->topics, f->file, f->error,
				  sizeof(f->error));
}

static void a_file_has_a_topic_a_line(void **state)
{
	struct fixture *f = *state;

	write_file(f, "# ours\n\n  a:2 \r\nb,x=1 # why\nc:3");
	assert_int_equal(read_file(f), 0);
	assert_int_equal(f->topics.count, 3);
	assert_string_equal(f->topics.items[0].name, "a");
	assert_int_equal(f->topics.items[0].partitions, 2);
	assert_string_equal(value(f, 1, "x"), "1");
	assert_int_equal(f->topics.items[2].partitions, 3);
}

static void a_bad_line_is_named(void **state)
{
	struct fixture *f = *state;
	char wanted[256];

	write_file(f, "a\nb:none\n");
	assert_int_equal(read_file(f), -EINVAL);
	snprintf(wanted, sizeof(wanted), "%s:2: 'b:none': ", f->file);
	assert_memory_equal(f->error, wanted, strlen(wanted));
}

static void a_file_that_is_not_there_is_named(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(wanted_topics_read(&f->topics, "/no/file", f->error,
					    sizeof(f->error)),
			 -ENOENT);
	assert_string_equal(f->error,
			    "cannot read /no/file: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_name_alone_will_do),
		TEST(partitions_and_properties_follow),
		TEST(a_part_without_equals_belongs_to_the_value_before),
		TEST(what_is_said_again_wins_and_the_rest_stays),
		TEST(what_is_no_topic_is_refused),
		TEST(a_name_has_an_end),
		TEST(a_file_has_a_topic_a_line),
		TEST(a_bad_line_is_named),
		TEST(a_file_that_is_not_there_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
