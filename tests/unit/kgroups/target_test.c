/*
 * target_test.c - tests of kgroups' target.c, which is in no library
 */
#include "kgroups/target.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int64_t NOW_MS = 1785000000000;

static struct target parsed(const char *text)
{
	struct target t;

	assert_int_equal(target_parse(text, NOW_MS, &t), 0);
	return t;
}

static int64_t place_of(const char *text, int64_t committed, int64_t at_time)
{
	const struct target t = parsed(text);
	const struct target_place place = {
		.committed = committed,
		.start = 100,
		.end = 200,
		.at_time = at_time,
		.other = 170,
	};

	return target_offset(&t, &place, NULL);
}

static void words_mean_places(void **state)
{
	(void)state;
	assert_int_equal(place_of("earliest", 150, -1), 100);
	assert_int_equal(place_of("latest", 150, -1), 200);
	assert_int_equal(place_of("current", 150, -1), 150);
}

static void a_plain_number_is_an_offset_a_signed_one_a_shift(void **state)
{
	(void)state;
	assert_int_equal(place_of("120", 150, -1), 120);
	assert_int_equal(place_of("+5", 150, -1), 155);
	assert_int_equal(place_of("-5", 150, -1), 145);
	/* Ten digits are no time here. */
	assert_int_equal(parsed("1785000000").kind, TARGET_OFFSET);
}

static void a_duration_is_so_long_ago(void **state)
{
	const struct target t = parsed("-2h");

	(void)state;
	assert_int_equal(t.kind, TARGET_TIME);
	assert_int_equal(t.value, NOW_MS - 2 * 3600 * 1000);
	assert_int_equal(parsed("2026-08-01T10:00Z").kind, TARGET_TIME);
}

static void a_time_is_its_first_record_or_the_end(void **state)
{
	(void)state;
	assert_int_equal(place_of("-2h", 150, 133), 133);
	assert_int_equal(place_of("-2h", 150, -1), 200);
}

static void a_group_and_a_file_are_named(void **state)
{
	(void)state;
	assert_int_equal(parsed("group:app").kind, TARGET_GROUP);
	assert_string_equal(parsed("group:app").name, "app");
	assert_int_equal(parsed("file:p.csv").kind, TARGET_FILE);
	assert_int_equal(place_of("group:app", -1, -1), 170);
}

static void an_offset_outside_moves_to_the_nearest(void **state)
{
	const struct target t = parsed("50");
	const struct target_place place = { .start = 100, .end = 200 };
	int64_t wanted;

	(void)state;
	assert_int_equal(target_offset(&t, &place, &wanted), 100);
	assert_int_equal(wanted, 50);
	assert_int_equal(place_of("500", 150, -1), 200);
	assert_int_equal(place_of("-500", 150, -1), 100);
	assert_int_equal(place_of("+9223372036854775807", 150, -1), 200);
}

static void without_a_commit_there_is_nothing_to_shift(void **state)
{
	(void)state;
	assert_int_equal(place_of("+5", -1, -1), -1);
	assert_int_equal(place_of("current", -1, -1), -1);
	assert_int_equal(place_of("earliest", -1, -1), 100);
}

static void other_words_are_refused(void **state)
{
	static const char *const bad[] = {
		"",       "soon",  "+",  "--5",
		"group:", "file:", "5x", "99999999999999999999",
	};
	struct target t;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(target_parse(bad[i], NOW_MS, &t), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_mean_places),
		cmocka_unit_test(
			a_plain_number_is_an_offset_a_signed_one_a_shift),
		cmocka_unit_test(a_duration_is_so_long_ago),
		cmocka_unit_test(a_time_is_its_first_record_or_the_end),
		cmocka_unit_test(a_group_and_a_file_are_named),
		cmocka_unit_test(an_offset_outside_moves_to_the_nearest),
		cmocka_unit_test(without_a_commit_there_is_nothing_to_shift),
		cmocka_unit_test(other_words_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
