/*
 * clock_watch_test.c - tests of clock_watch.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/partition/clock_watch.h"

#define WALL_MS   INT64_C(1800000000000)
#define MINUTE_US INT64_C(60000000)
#define MINUTE_MS INT64_C(60000)
#define YEAR_MS   (INT64_C(365) * 24 * 60 * MINUTE_MS)

static void clocks_that_agree_are_trusted(void **state)
{
	struct clock_watch w = { 0 };

	(void)state;
	for (int i = 0; i < 100; i++) {
		/* Slewed by some seconds each time. */
		assert_int_equal(clock_watch_look(&w,
						  WALL_MS + i * 5 * MINUTE_MS +
							  (i % 2) * 9000,
						  i * 5 * MINUTE_US),
				 0);
		assert_true(clock_watch_is_sound(&w));
	}
}

static void jump(int64_t by_ms)
{
	struct clock_watch w = { 0 };
	int64_t us = 0;

	clock_watch_look(&w, WALL_MS, us);
	us = 5 * MINUTE_US;
	assert_int_equal(
		clock_watch_look(&w, WALL_MS + 5 * MINUTE_MS + by_ms, us),
		by_ms);
	assert_false(clock_watch_is_sound(&w));
	/* It is told once, and not trusted for an hour. */
	us += CLOCK_DISTRUST_US - 1;
	assert_int_equal(clock_watch_look(&w, WALL_MS + us / 1000 + by_ms, us),
			 0);
	assert_false(clock_watch_is_sound(&w));
	us++;
	assert_int_equal(clock_watch_look(&w, WALL_MS + us / 1000 + by_ms, us),
			 0);
	assert_true(clock_watch_is_sound(&w));
}

static void clock_that_jumps_ahead_is_not_trusted_for_a_while(void **state)
{
	(void)state;
	jump(10 * YEAR_MS);
}

static void clock_that_jumps_back_is_not_trusted_for_a_while(void **state)
{
	(void)state;
	jump(-10 * YEAR_MS);
}

static void jump_and_back_again_is_two(void **state)
{
	struct clock_watch w = { 0 };

	(void)state;
	clock_watch_look(&w, WALL_MS, 0);
	assert_int_equal(clock_watch_look(&w, WALL_MS + YEAR_MS, 0), YEAR_MS);
	assert_int_equal(
		clock_watch_look(&w, WALL_MS + 30 * MINUTE_MS, 30 * MINUTE_US),
		-YEAR_MS);
	clock_watch_look(&w, WALL_MS + 61 * MINUTE_MS, 61 * MINUTE_US);
	assert_false(clock_watch_is_sound(&w));
	clock_watch_look(&w, WALL_MS + 91 * MINUTE_MS, 91 * MINUTE_US);
	assert_true(clock_watch_is_sound(&w));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_that_agree_are_trusted),
		cmocka_unit_test(
			clock_that_jumps_ahead_is_not_trusted_for_a_while),
		cmocka_unit_test(
			clock_that_jumps_back_is_not_trusted_for_a_while),
		cmocka_unit_test(jump_and_back_again_is_two),
	};

	return cmocka_run_group_tests_name("clock_watch", tests, NULL, NULL);
}
