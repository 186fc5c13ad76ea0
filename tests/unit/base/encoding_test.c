/*
 * encoding_test.c - tests of encoding.c
 */
#include "base/encoding.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void base64_and_hex_refuse_what_they_did_not_write(void **state)
{
	static const struct {
		const char *plain;
		const char *b64;
	} rows[] = {
		{ "", "" },        { "f", "Zg==" },        { "fo", "Zm8=" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
	};
	static const char *const bad[] = { "Z", "Zg=", "Z===", "Zm9v!",
					   "Zg==Zg==" };
	struct buffer out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		buffer_reset(&out);
		base64_encode(&out, slice_of(rows[i].plain));
		assert_string_equal(buffer_text(&out), rows[i].b64);
		buffer_reset(&out);
		assert_int_equal(base64_decode(&out, slice_of(rows[i].b64)), 0);
		assert_string_equal(buffer_text(&out), rows[i].plain);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(base64_decode(&out, slice_of(bad[i])),
				 -EINVAL);
	buffer_reset(&out);
	assert_int_equal(hex_decode(&out, slice_of("00fFAb")), 0);
	assert_memory_equal(out.data, "\x00\xff\xab", 3);
	assert_int_equal(hex_decode(&out, slice_of("0")), -EINVAL);
	assert_int_equal(hex_decode(&out, slice_of("0g")), -EINVAL);
	buffer_clear(&out);
}

static void decimal_is_exact_to_both_ends(void **state)
{
	struct buffer out = { 0 };

	(void)state;
	decimal_encode(&out, INT64_MIN);
	decimal_encode(&out, INT64_MAX);
	decimal_encode(&out, 0);
	assert_string_equal(buffer_text(&out), "-9223372036854775808"
					       "9223372036854775807"
					       "0");
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_and_hex_refuse_what_they_did_not_write),
		cmocka_unit_test(decimal_is_exact_to_both_ends),
	};

	return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}
