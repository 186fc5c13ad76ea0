/*
 * units_test.c - tests of units.c
 */
#include "base/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <time.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct parsed {
	const char *text;
	int rc;
	int64_t value;
};

static void integers(void **state)
{
	static const struct parsed cases[] = {
		{ "0", 0, 0 },
		{ "-17", 0, -17 },
		{ "007", 0, 7 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1.5", -EINVAL, 0 },
		{ "99999999999999999999x", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 4711;

		assert_int_equal(parse_int64(cases[i].text, &value),
				 cases[i].rc);
		assert_true(value ==
			    (cases[i].rc == 0 ? cases[i].value : 4711));
	}
}

static void integers_have_bounds(void **state)
{
	int64_t value = 4711;

	(void)state;
	assert_int_equal(parse_int64_in("1", 1, 9, &value), 0);
	assert_int_equal(value, 1);
	assert_int_equal(parse_int64_in("9", 1, 9, &value), 0);
	assert_int_equal(value, 9);
	assert_int_equal(parse_int64_in("0", 1, 9, &value), -ERANGE);
	assert_int_equal(parse_int64_in("10", 1, 9, &value), -ERANGE);
	assert_int_equal(parse_int64_in("x", 1, 9, &value), -EINVAL);
	assert_int_equal(value, 9);
}

static void sizes(void **state)
{
	static const struct parsed cases[] = {
		{ "123", 0, 123 },
		{ "123B", 0, 123 },
		{ "10k", 0, 10240 },
		{ "10K", 0, 10240 },
		{ "10kB", 0, 10000 },
		{ "10KiB", 0, 10240 },
		{ "10m", 0, 10 << 20 },
		{ "10MB", 0, 10000000 },
		{ "1GiB", 0, 1 << 30 },
		{ "1G", 0, 1 << 30 },
		{ "1gb", 0, 1000000000 },
		{ "2TiB", 0, 2199023255552 },
		{ "1.5GiB", 0, 1610612736 },
		{ "0.25k", 0, 256 },
		{ "8388607TiB", 0, 9223370937343148032 },
		{ "8388608TiB", -ERANGE, 0 },
		{ "99999999999999999999", -ERANGE, 0 },
		{ "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "1.k", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 },
		{ "1kb2", -EINVAL, 0 },
		{ "1ki", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 4711;

		assert_int_equal(parse_size(cases[i].text, &value),
				 cases[i].rc);
		assert_true(value ==
			    (cases[i].rc == 0 ? cases[i].value : 4711));
	}
}

static void durations_in_seconds_if_bare(void **state)
{
	static const struct parsed cases[] = {
		{ "5", 0, 5000 },
		{ "0.5", 0, 500 },
		{ "90s", 0, 90000 },
		{ "500ms", 0, 500 },
		{ "7d", 0, 604800000 },
		{ "1w", 0, 604800000 },
		{ "2h", 0, 7200000 },
		{ "15m", 0, 900000 },
		{ "15min", 0, 900000 },
		{ "1h30m", 0, 5400000 },
		{ "1d12h5s250ms", 0, 129605250 },
		{ "1.5h", 0, 5400000 },
		{ "-2h", 0, -7200000 },
		{ "-1", 0, -1000 },
		{ "1H", 0, 3600000 },
		{ "99999999999999w", -ERANGE, 0 },
		{ "9223372036854775807", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "h", -EINVAL, 0 },
		{ "1h30", -EINVAL, 0 },
		{ "1y", -EINVAL, 0 },
		{ "1h -1m", -EINVAL, 0 },
		{ "1 h", -EINVAL, 0 },
		{ "1.2.3", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 4711;

		assert_int_equal(parse_duration(cases[i].text, 1000, &value),
				 cases[i].rc);
		assert_true(value ==
			    (cases[i].rc == 0 ? cases[i].value : 4711));
	}
}

static void duration_without_a_bare_unit_needs_one(void **state)
{
	int64_t value = 4711;

	(void)state;
	assert_int_equal(parse_duration("5", 0, &value), -EINVAL);
	assert_int_equal(parse_duration("5s", 0, &value), 0);
	assert_int_equal(value, 5000);
}

static void times(void **state)
{
	/* Now is 2026-08-01 at 12:00, and the zone two hours east. */
	static const struct parsed cases[] = {
		{ "now", 0, 1785585600000 },
		{ "0", 0, 0 },
		{ "1785585600", 0, 1785585600000 },
		{ "1785585600123", 0, 1785585600123 },
		{ "-2h", 0, 1785578400000 },
		{ "-1d12h", 0, 1785456000000 },
		{ "2026-08-01", 0, 1785535200000 },
		{ "2026-08-01T12:00Z", 0, 1785585600000 },
		{ "2026-08-01T12:00:30Z", 0, 1785585630000 },
		{ "2026-08-01T12:00:30.5Z", 0, 1785585630500 },
		{ "2026-08-01T12:00:30.123456Z", 0, 1785585630123 },
		{ "2026-08-01T14:00+02:00", 0, 1785585600000 },
		{ "2026-08-01T14:00+0200", 0, 1785585600000 },
		{ "2026-08-01T10:00-02", 0, 1785585600000 },
		{ "2026-08-01T14:00", 0, 1785585600000 },
		{ "2026-08-01 14:00:00", 0, 1785585600000 },
		{ "2026-08-01Z", 0, 1785542400000 },
		{ "1969-12-31T23:59:59Z", 0, -1000 },
		{ "2024-02-29Z", 0, 1709164800000 },
		{ "2023-02-29Z", -EINVAL, 0 },
		{ "2026-13-01", -EINVAL, 0 },
		{ "2026-00-01", -EINVAL, 0 },
		{ "2026-08-32", -EINVAL, 0 },
		{ "2026-08-01T24:00", -EINVAL, 0 },
		{ "2026-08-01T12:60", -EINVAL, 0 },
		{ "2026-08-01T12:00:61", -EINVAL, 0 },
		{ "2026-08-01T12:00+25:00", -EINVAL, 0 },
		{ "2026-08-01T12", -EINVAL, 0 },
		{ "2026-08-01T12:00:30.Z", -EINVAL, 0 },
		{ "2026-08-01T", -EINVAL, 0 },
		{ "2026-8-1", -EINVAL, 0 },
		{ "2026-08-01T12:00ZZ", -EINVAL, 0 },
		{ "123456", -EINVAL, 0 },
		{ "178558560012", -EINVAL, 0 },
		{ "-2", -EINVAL, 0 },
		{ "2h", -EINVAL, 0 },
		{ "--2h", -EINVAL, 0 },
		{ "yesterday", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
	};

	(void)state;
	setenv("TZ", "EET-2", 1);
	tzset();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t value = 4711;

		assert_int_equal(
			parse_time(cases[i].text, 1785585600000, &value),
			cases[i].rc);
		assert_true(value ==
			    (cases[i].rc == 0 ? cases[i].value : 4711));
	}
}

struct formatted {
	int64_t value;
	const char *want;
};

static void sizes_for_people(void **state)
{
	static const struct formatted cases[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1572864, "1.5 MiB" },
		{ (1 << 20) - 1, "1.0 MiB" },
		{ 5LL << 40, "5.0 TiB" },
		{ INT64_MAX, "8.0 EiB" },
		{ -2048, "-2.0 KiB" },
	};
	char text[UNITS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_size(cases[i].value, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void durations_for_people(void **state)
{
	static const struct formatted cases[] = {
		{ 0, "0ms" },
		{ 999, "999ms" },
		{ 1000, "1.0s" },
		{ 59999, "59.9s" },
		{ 60000, "1m 0s" },
		{ 7380000, "2h 3m" },
		{ 604800000, "7d 0h" },
		{ -7380000, "-2h 3m" },
		{ INT64_MAX, "106751991167d 7h" },
		{ INT64_MIN, "-106751991167d 7h" },
	};
	char text[UNITS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_duration(cases[i].value, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void times_for_people(void **state)
{
	static const struct formatted cases[] = {
		{ 0, "1970-01-01T00:00:00.000Z" },
		{ -1, "1969-12-31T23:59:59.999Z" },
		{ 1785585600123, "2026-08-01T12:00:00.123Z" },
		{ 253402300799999, "9999-12-31T23:59:59.999Z" },
		{ 253402300800000, "253402300800000" },
		{ INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" },
	};
	char text[UNITS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		format_time(cases[i].value, text);
		assert_string_equal(text, cases[i].want);
	}
}

static void values_of_properties_become_numbers(void **state)
{
	char text[UNITS_TEXT_MAX] = "";

	(void)state;
	assert_true(property_number("retention.ms", "7d", text));
	assert_string_equal(text, "604800000");
	assert_true(property_number("segment.bytes", "64MiB", text));
	assert_string_equal(text, "67108864");
	assert_false(property_number("retention.ms", "12", text));
	assert_false(property_number("retention.ms", "soon", text));
	assert_false(property_number("cleanup.policy", "7d", text));
	assert_false(property_number("policy", "7d", text));
	assert_string_equal(text, "67108864");
}

static void near_name_is_found_and_a_far_one_not(void **state)
{
	static const char *const names[] = { "retention.ms", "retention.bytes",
					     "segment.ms", "acks" };
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "retention.ms", "retention.ms" },
		{ "retentoin.ms", "retention.ms" },
		{ "retention.byte", "retention.bytes" },
		{ "ack", "acks" },
		{ "segmentms", "segment.ms" },
		{ "compression", NULL },
		{ "x", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *got =
			nearest_name(cases[i].text, names, ARRAY_LEN(names));

		if (cases[i].want == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),
		cmocka_unit_test(integers_have_bounds),
		cmocka_unit_test(sizes),
		cmocka_unit_test(durations_in_seconds_if_bare),
		cmocka_unit_test(duration_without_a_bare_unit_needs_one),
		cmocka_unit_test(times),
		cmocka_unit_test(sizes_for_people),
		cmocka_unit_test(durations_for_people),
		cmocka_unit_test(times_for_people),
		cmocka_unit_test(values_of_properties_become_numbers),
		cmocka_unit_test(near_name_is_found_and_a_far_one_not),
	};

	return cmocka_run_group_tests_name("units", tests, NULL, NULL);
}
