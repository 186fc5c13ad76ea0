/*
 * label_test.c - tests of label.c: any bytes, as text that tells them apart
 */
#include "kbrokerd/metrics/label.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void expect(const char *bytes, size_t len, const char *text)
{
	char out[LABEL_TEXT_MAX];
	struct slice name = { (const uint8_t *)bytes, len };

	assert_int_equal(label_text(name, out), strlen(text));
	assert_string_equal(out, text);
}

static void text_is_as_it_is(void **state)
{
	(void)state;
	expect("app", 3, "app");
	expect("", 0, "");
	expect("gr\xc3\xbc\xc3\x9f \"\\n\n", 11, "gr\xc3\xbc\xc3\x9f \"\\n\n");
	expect("\\x", 2, "\\x");
	expect("\\xgg", 4, "\\xgg");
}

static void bytes_that_are_no_text_are_escaped(void **state)
{
	(void)state;
	expect("a\xff", 2, "a\\xff");
	expect("a\0b", 3, "a\\x00b");
	expect("\xc3", 1, "\\xc3");
}

static void what_looks_like_an_escape_is_escaped(void **state)
{
	(void)state;
	expect("a\\xff", 5, "a\\x5cxff");
	expect("\\\xff", 2, "\\\\xff");
}

static void a_long_name_is_cut_and_told_by_its_digest(void **state)
{
	char name[4000];
	char one[LABEL_TEXT_MAX];
	char other[LABEL_TEXT_MAX];
	struct slice s = { (const uint8_t *)name, sizeof(name) };

	(void)state;
	memset(name, 'a', sizeof(name));
	/* A character must not be cut in half. */
	memcpy(name + LABEL_WHOLE_MAX - 1, "\xc3\xbc", 2);
	label_text(s, one);
	name[sizeof(name) - 1] = 'b';
	label_text(s, other);

	assert_string_not_equal(one, other);
	assert_true(utf8_is_valid(slice_of(one)));
	assert_true(strlen(one) > LABEL_WHOLE_MAX);
	assert_memory_equal(one, other, LABEL_WHOLE_MAX - 1);
	assert_memory_equal(one + LABEL_WHOLE_MAX - 1, "...", 3);
}

static void the_longest_that_is_not_cut_is_whole(void **state)
{
	char name[LABEL_WHOLE_MAX + 1];

	(void)state;
	memset(name, 'a', LABEL_WHOLE_MAX);
	name[LABEL_WHOLE_MAX] = '\0';
	expect(name, LABEL_WHOLE_MAX, name);
}

static void bytes_that_grow_beyond_the_room_are_cut(void **state)
{
	char name[LABEL_WHOLE_MAX];
	char out[LABEL_TEXT_MAX];

	(void)state;
	memset(name, '\xff', sizeof(name));
	assert_int_equal(label_text((struct slice){ (const uint8_t *)name,
						    sizeof(name) },
				    out),
			 LABEL_TEXT_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_as_it_is),
		cmocka_unit_test(bytes_that_are_no_text_are_escaped),
		cmocka_unit_test(what_looks_like_an_escape_is_escaped),
		cmocka_unit_test(a_long_name_is_cut_and_told_by_its_digest),
		cmocka_unit_test(the_longest_that_is_not_cut_is_whole),
		cmocka_unit_test(bytes_that_grow_beyond_the_room_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
