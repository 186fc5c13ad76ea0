/*
 * properties_test.c - tests of properties.c
 */
#include "base/properties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static int parse(struct properties *p, const char *text, int *line_out)
{
	return properties_parse(p, text, strlen(text), "a file", line_out);
}

static void a_line_is_a_key_and_a_value(void **state)
{
	static const struct {
		const char *text;
		const char *key;
		const char *value;
	} cases[] = {
		{ "a=b", "a", "b" },
		{ "a = b\n", "a", "b" },
		{ "  a:b\r\n", "a", "b" },
		{ "a b", "a", "b" },
		{ "a\tb c ", "a", "b c " },
		{ "a==b", "a", "=b" },
		{ "a : = b", "a", "= b" },
		{ "a", "a", "" },
		{ "a=", "a", "" },
		{ "=b", "", "b" },
		{ "a=b#c", "a", "b#c" },
		{ "# no\n! nor this\n\n a=b", "a", "b" },
		{ "# no \\\na=b", "a", "b" },
		{ "a=b\\\n   c\\\r\n\td", "a", "bcd" },
		{ "a=b\\\n\nc=d", "c", "d" },
		{ "a=b\\", "a", "b" },
		{ "a=b\\\\\nc=d", "a", "b\\" },
		{ "a\\=b\\:\\ c=d", "a=b: c", "d" },
		{ "a=\\t\\n\\r\\f\\x\\\\", "a", "\t\n\r\fx\\" },
		{ "a=\\u0041\\u00e9\\u20ac", "a", "A\xc3\xa9\xe2\x82\xac" },
		{ "a=\\ud83d\\uDE00!", "a", "\xf0\x9f\x98\x80!" },
		{ "a=\xc3\xa9", "a", "\xc3\xa9" },
		{ "a=1\na=2", "a", "2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct properties p = { 0 };
		int line = 0;

		assert_int_equal(parse(&p, cases[i].text, &line), 0);
		assert_string_equal(properties_get(&p, cases[i].key),
				    cases[i].value);
		properties_clear(&p);
	}
}

static void file_without_properties_is_empty(void **state)
{
	static const char *const texts[] = { "", "\n\r\n", "# only\n", " \\" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct properties p = { 0 };
		int line;

		assert_int_equal(parse(&p, texts[i], &line), 0);
		assert_int_equal(p.count, 0);
		properties_clear(&p);
	}
}

static void broken_escape_is_refused_with_its_line(void **state)
{
	static const char *const values[] = { "\\u12",   "\\u12g4",
					      "\\u0000", "\\ud800",
					      "\\udc00", "\\ud800\\u0041" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct properties p = { 0 };
		char text[64];
		int line = 0;

		snprintf(text, sizeof(text), "a=b\\\n c\n\n# x\nd=%s\ne=f",
			 values[i]);
		assert_int_equal(parse(&p, text, &line), -EINVAL);
		assert_int_equal(line, 5);
		properties_clear(&p);
	}
}

static void nul_in_a_file_is_refused(void **state)
{
	static const char text[] = "a=b\0c";
	struct properties p = { 0 };
	int line = 0;

	(void)state;
	assert_int_equal(
		properties_parse(&p, text, sizeof(text) - 1, "f", &line),
		-EINVAL);
	assert_int_equal(line, 1);
	properties_clear(&p);
}

static void order_and_origin_are_kept(void **state)
{
	struct properties p = { 0 };
	char origin[] = "-X";
	int line;

	(void)state;
	assert_int_equal(parse(&p, "a=1\n\nb=2\nc=3", &line), 0);
	assert_int_equal(properties_set(&p, "b", "4", origin), 0);
	origin[0] = '?';

	assert_int_equal(p.count, 3);
	assert_string_equal(p.items[0].key, "a");
	assert_string_equal(p.items[0].origin, "a file");
	assert_int_equal(p.items[0].line, 1);
	assert_string_equal(p.items[1].key, "b");
	assert_string_equal(p.items[1].value, "4");
	assert_string_equal(p.items[1].origin, "-X");
	assert_int_equal(p.items[1].line, 0);
	assert_int_equal(p.items[2].line, 4);
	assert_null(properties_get(&p, "d"));
	assert_null(properties_find(&p, "d"));
	properties_clear(&p);
	properties_clear(&p);
}

static void many_properties_fit(void **state)
{
	struct properties p = { 0 };
	char key[16];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_int_equal(properties_set(&p, key, key + 3, "-X"), 0);
	}
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		assert_string_equal(properties_get(&p, key), key + 3);
	}
	assert_int_equal(p.origin_count, 1);
	properties_clear(&p);
}

static void file_is_read(void **state)
{
	struct properties p = { 0 };
	char path[] = "/tmp/properties_test.XXXXXX";
	int fd = mkstemp(path);
	int line;

	(void)state;
	assert_true(fd >= 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(dprintf(fd, "key%03d=value\n", i), 13);
	assert_int_equal(properties_read(&p, path, &line), 0);
	assert_int_equal(p.count, 1000);
	assert_string_equal(properties_get(&p, "key999"), "value");
	assert_string_equal(p.items[5].origin, path);
	properties_clear(&p);

	assert_int_equal(ftruncate(fd, 2 << 20), 0);
	assert_int_equal(properties_read(&p, path, &line), -EFBIG);
	close(fd);
	unlink(path);
	assert_int_equal(properties_read(&p, path, &line), -ENOENT);
	properties_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_a_key_and_a_value),
		cmocka_unit_test(file_without_properties_is_empty),
		cmocka_unit_test(broken_escape_is_refused_with_its_line),
		cmocka_unit_test(nul_in_a_file_is_refused),
		cmocka_unit_test(order_and_origin_are_kept),
		cmocka_unit_test(many_properties_fit),
		cmocka_unit_test(file_is_read),
	};

	return cmocka_run_group_tests_name("properties", tests, NULL, NULL);
}
