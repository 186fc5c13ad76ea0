/*
 * format_test.c - lib/cli/format and lib/cli/encoding
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>

#include "cli/encoding.h"
#include "cli/format.h"

static const uint8_t raw_headers[] = {
	2, 'a', 4, 'x', 'y', /* a=xy */
	2, 'b', 1,           /* b, null */
};

static const struct record record = {
	.offset = 41,
	.timestamp_ms = 1700000000123,
	.key = { (const uint8_t *)"k,1", 3 },
	.value = { (const uint8_t *)"v\"", 2 },
	.header_count = 2,
	.headers = { raw_headers, sizeof(raw_headers) },
};

static const struct record tombstone = { .offset = 42, .timestamp_ms = -1 };

static const struct record_place place = {
	.topic = "t",
	.partition = 7,
	.broker = 3,
	.leader_epoch = 5,
	.timestamp_kind = TIMESTAMP_LOG_APPEND,
	.high_watermark = 50,
	.source_record = 9,
};

struct row {
	const char *format;
	const char *want;
	size_t len; /* 0: of the text */
};

static void check(const struct record *r, const char *null_text,
		  const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t len = rows[i].len ? rows[i].len : strlen(rows[i].want);
		struct slice want = { (const uint8_t *)rows[i].want, len };
		struct buffer out = { 0 };
		const char *why = NULL;
		struct format *f = NULL;
		size_t at;

		if (format_compile(rows[i].format, null_text, &f, &why, &at))
			fail_msg("%s: %s", rows[i].format, why);
		format_write(f, &place, r, &out);
		buffer_text(&out);
		if (!slice_equal(buffer_slice(&out), want))
			fail_msg("%s: %s", rows[i].format, (char *)out.data);
		format_free(f);
		buffer_clear(&out);
	}
}

#define CHECK(r, null_text, rows)                                              \
	check(r, null_text, rows, sizeof(rows) / sizeof((rows)[0]))

static void test_kcats_letters_print_what_kcat_prints(void **state)
{
	static const struct row rows[] = {
		{ "%t [%p] %o: %k=%s\\n", "t [7] 41: k,1=v\"\n", 0 },
		{ "%K %S %T 100%%", "3 2 1700000000123 100%", 0 },
		{ "%h", "a=xy,b=NULL", 0 },
		{ "%R%s", "\0\0\0\2v\"", 6 },
		{ "%s\\0", "v\"\0", 3 },
		{ "\\t\\r\\x41\\x4\\65\\012\\%\\\\",
		  "\t\rA\x04"
		  "A\n%\\",
		  0 },
	};
	static const struct row nulls[] = {
		{ "%k|%s|%K|%S|%T|%h", "||-1|-1|-1|", 0 },
		{ "%R", "\xff\xff\xff\xff", 0 },
	};
	static const struct row shown[] = { { "%k|%s", "NULL|NULL", 0 } };

	(void)state;
	CHECK(&record, NULL, rows);
	CHECK(&tombstone, NULL, nulls);
	CHECK(&tombstone, "NULL", shown);
}

static void test_named_fields_take_their_ways_to_print(void **state)
{
	static const struct row rows[] = {
		{ "%{topic}/%{partition}/%{offset}", "t/7/41", 0 },
		{ "%{epoch} %{broker} %{lag} %{tstype}", "5 3 8 logappend", 0 },
		{ "%{size}", "13", 0 },
		{ "%{key:hex} %{value:b64}", "6b2c31 diI=", 0 },
		{ "%{key:csv};%{value:csv}", "\"k,1\";\"v\"\"\"", 0 },
		{ "%{value:json}", "\"v\\\"\"", 0 },
		{ "%{headers:json}", "[\"a\",\"xy\",\"b\",null]", 0 },
		{ "%{header.a}|%{header.b}|%{header.c:json}", "xy||null", 0 },
		{ "%{ts:iso}", "2023-11-14T22:13:20.123Z", 0 },
		{ "%{ts:%Y/%m}", "2023/11", 0 },
		{ "%{key:u16le}%{partition:u32be}", "\3\0\0\0\0\7", 6 },
		{ "%{src.record}", "9", 0 },
	};
	static const struct row nulls[] = {
		{ "%{ts:iso}%{ts:%Y}%{key:json}", "null", 0 },
		{ "%{value:u8}", "\xff", 0 },
	};

	(void)state;
	CHECK(&record, NULL, rows);
	CHECK(&tombstone, NULL, nulls);
}

static void test_a_bad_format_says_where(void **state)
{
	static const struct {
		const char *format;
		const char *why;
		size_t at;
	} rows[] = {
		{ "%s %z", "an unknown letter after %", 3 },
		{ "%", "a % at the end", 0 },
		{ "ab%{key", "a brace that is not closed", 2 },
		{ "%{nokey}", "an unknown field", 0 },
		{ "%{key:rot13}", "an unknown way to print a field", 0 },
		{ "%{offset:hex}", "this field cannot be printed so", 0 },
		{ "\\xzz", "a broken escape", 0 },
		{ "\\", "a broken escape", 0 },
		{ "\\256", "a broken escape", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct format *f;
		const char *why = "";
		size_t at = 99;

		assert_int_equal(
			format_compile(rows[i].format, NULL, &f, &why, &at),
			-EINVAL);
		assert_string_equal(why, rows[i].why);
		assert_int_equal(at, rows[i].at);
	}
}

static void test_without_a_format_offset_key_and_value_are_delimited(
	void **state)
{
	struct buffer out = { 0 };
	struct format *f;

	(void)state;
	assert_int_equal(
		format_simple(slice_of("\n"), SLICE_NULL, false, NULL, &f), 0);
	format_write(f, &place, &record, &out);
	format_free(f);
	assert_int_equal(
		format_simple(slice_of("\n"), slice_of(":"), true, NULL, &f),
		0);
	format_write(f, &place, &record, &out);
	format_free(f);
	assert_string_equal(buffer_text(&out), "v\"\n41:k,1:v\"\n");
	buffer_clear(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kcats_letters_print_what_kcat_prints),
		cmocka_unit_test(test_named_fields_take_their_ways_to_print),
		cmocka_unit_test(test_a_bad_format_says_where),
		cmocka_unit_test(
			test_without_a_format_offset_key_and_value_are_delimited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
