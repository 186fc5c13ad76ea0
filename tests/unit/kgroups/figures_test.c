/*
 * figures_test.c - tests of kgroups' figures.c, which is in no library
 */
#include "kgroups/figures.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void lag_is_from_the_commit_to_the_end(void **state)
{
	(void)state;
	assert_int_equal(figures_lag(40, 0, 100), 60);
	assert_int_equal(figures_lag(100, 0, 100), 0);
}

static void lag_is_never_below_zero(void **state)
{
	(void)state;
	/* A commit that came between the two questions. */
	assert_int_equal(figures_lag(120, 0, 100), 0);
	/* An idle topic, all of it deleted by retention. */
	assert_int_equal(figures_lag(40, 100, 100), 0);
}

static void without_a_commit_all_records_wait(void **state)
{
	(void)state;
	assert_int_equal(figures_lag(-1, 30, 100), 70);
	assert_int_equal(figures_lost(-1, 30), 0);
}

static void what_was_deleted_unread_is_lost_and_does_not_wait(void **state)
{
	(void)state;
	assert_int_equal(figures_lag(40, 60, 100), 40);
	assert_int_equal(figures_lost(40, 60), 20);
	assert_int_equal(figures_lost(60, 60), 0);
	assert_int_equal(figures_lost(61, 60), 0);
	assert_int_equal(figures_next(40, 60), 60);
	assert_int_equal(figures_next(80, 60), 80);
}

static void what_is_not_known_stays_unknown(void **state)
{
	(void)state;
	assert_int_equal(figures_lag(40, -1, -1), -1);
	assert_int_equal(figures_next(40, -1), -1);
	assert_int_equal(figures_time_lag(5, -1, 1000), -1);
	assert_int_equal(figures_time_lag(-1, 500, 1000), -1);
	assert_true(figures_rate(-1, 10, 1000000) < 0);
	assert_true(figures_rate(0, 10, 0) < 0);
	assert_int_equal(figures_eta_ms(-1, 10, 0), -1);
	assert_int_equal(figures_eta_ms(10, -1, -1), -1);
}

static void a_record_of_the_future_waits_for_no_time(void **state)
{
	(void)state;
	assert_int_equal(figures_time_lag(1, 400, 1000), 600);
	assert_int_equal(figures_time_lag(1, 2000, 1000), 0);
	assert_int_equal(figures_time_lag(0, -1, 1000), 0);
}

static void rates_are_by_the_second(void **state)
{
	(void)state;
	assert_true(figures_rate(100, 150, 500000) == 100.0);
	assert_true(figures_rate(100, 100, 500000) == 0.0);
	/* Somebody reset the group. */
	assert_true(figures_rate(100, 0, 500000) == 0.0);
}

static void lag_ends_when_more_is_read_than_written(void **state)
{
	(void)state;
	assert_int_equal(figures_eta_ms(1000, 150, 50), 10000);
	assert_int_equal(figures_eta_ms(1000, 100, -1), 10000);
	assert_int_equal(figures_eta_ms(0, -1, -1), 0);
	assert_int_equal(figures_eta_ms(1000, 50, 50), -1);
	assert_int_equal(figures_eta_ms(1000, 0, 0), -1);
	/* Some centuries are never. */
	assert_int_equal(figures_eta_ms(INT64_MAX, 1, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lag_is_from_the_commit_to_the_end),
		cmocka_unit_test(lag_is_never_below_zero),
		cmocka_unit_test(without_a_commit_all_records_wait),
		cmocka_unit_test(
			what_was_deleted_unread_is_lost_and_does_not_wait),
		cmocka_unit_test(what_is_not_known_stays_unknown),
		cmocka_unit_test(a_record_of_the_future_waits_for_no_time),
		cmocka_unit_test(rates_are_by_the_second),
		cmocka_unit_test(lag_ends_when_more_is_read_than_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
