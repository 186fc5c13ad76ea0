/*
 * utf8_test.c - tests of utf8.c
 */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A code point that can be written, or not: every one that fits 21 bits. */
static void every_code_point_but_surrogates_is_a_character(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (unsigned c = 0; c < 0x200000; c++) {
		bool good = c < 0xd800 || (c >= 0xe000 && c < 0x110000);
		size_t len;

		buffer_reset(&b);
		utf8_put(&b, c);
		len = utf8_len(b.data, b.len);
		if (len != (good ? b.len : 0))
			fail_msg("U+%X: %zu", c, len);
		/* Cut, or followed by something else, it is as it was. */
		if (good && b.len > 1 && utf8_len(b.data, b.len - 1) != 0)
			fail_msg("U+%X is cut", c);
		buffer_put_u8(&b, 0xff);
		if (utf8_len(b.data, b.len) != len)
			fail_msg("U+%X: what follows counts", c);
	}
	buffer_clear(&b);
}

static void overlong_forms_and_lone_tails_are_refused(void **state)
{
	static const char *const rows[] = {
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x80\x80",
		"\xe0\x9f\xbf",
		"\xf0\x80\x80\x80",
		"\xf0\x8f\xbf\xbf",
		"\x80",
		"\xbf",
		"\xc3"
		"(",
		"\xe2\x82"
		"(",
		"\xf0\x9f\x98"
		"(",
		"\xf8\x88\x80\x80\x80",
		"\xfe",
		"\xff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice row = slice_of(rows[i]);

		if (utf8_len(row.data, row.len) != 0)
			fail_msg("row %zu", i);
	}
}

/* Words of eight bytes are looked at once: the bad byte may be anywhere. */
static void one_bad_byte_makes_a_text_invalid_wherever_it_stands(void **state)
{
	uint8_t text[40];

	(void)state;
	assert_true(utf8_is_valid(SLICE_NULL));
	for (size_t len = 0; len <= sizeof(text); len++) {
		memset(text, 'a', sizeof(text));
		assert_true(utf8_is_valid((struct slice){ text, len }));
		for (size_t i = 0; i < len; i++) {
			text[i] = 0xc3;
			assert_false(
				utf8_is_valid((struct slice){ text, len }));
			text[i] = 'a';
		}
		for (size_t i = 1; i < len; i++) {
			memcpy(text + i - 1, "\xc3\xa9", 2);
			assert_true(utf8_is_valid((struct slice){ text, len }));
			memset(text + i - 1, 'a', 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			every_code_point_but_surrogates_is_a_character),
		cmocka_unit_test(overlong_forms_and_lone_tails_are_refused),
		cmocka_unit_test(
			one_bad_byte_makes_a_text_invalid_wherever_it_stands),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
