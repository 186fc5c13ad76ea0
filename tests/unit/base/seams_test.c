/*
 * seams_test.c - tests of clock.c and random.c
 */
#include "base/clock.h"
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

static void system_clock_tells_this_century_and_goes_on(void **state)
{
	struct clock *clock = clock_system();
	int64_t us = clock->monotonic_us(clock);

	(void)state;
	assert_true(clock->wall_ms(clock) > 1700000000000);
	assert_true(clock->wall_ms(clock) < 4100000000000);
	assert_true(clock->monotonic_us(clock) >= us);
}

static void fake_clock_stands_until_it_is_moved(void **state)
{
	struct fake_clock fake;
	struct clock *clock = &fake.clock;

	(void)state;
	fake_clock_init(&fake, 1000);
	assert_int_equal(clock->wall_ms(clock), 1000);
	assert_int_equal(clock->monotonic_us(clock), 0);
	fake_clock_advance_ms(&fake, 250);
	assert_int_equal(clock->wall_ms(clock), 1250);
	assert_int_equal(clock->monotonic_us(clock), 250000);
}

static void seed_repeats_its_numbers(void **state)
{
	struct seeded_random a;
	struct seeded_random b;
	uint8_t bytes[11];

	(void)state;
	seeded_random_init(&a, 0);
	seeded_random_init(&b, 0);
	/* splitmix64's own first number for seed 0 */
	assert_true(random_u64(&a.random) == 0xe220a8397b1dcdaf);
	assert_true(random_u64(&b.random) == 0xe220a8397b1dcdaf);
	b.random.fill(&b.random, bytes, sizeof(bytes));
	seeded_random_init(&b, 1);
	assert_true(random_u64(&b.random) != 0xe220a8397b1dcdaf);
}

static void system_bytes_differ(void **state)
{
	struct random *random = random_system();

	(void)state;
	assert_true(random_u64(random) != random_u64(random));
}

static void below_is_below_and_reaches_all(void **state)
{
	struct seeded_random seeded;
	unsigned seen[7] = { 0 };

	(void)state;
	seeded_random_init(&seeded, 1);
	for (int i = 0; i < 7000; i++)
		seen[random_below(&seeded.random, 7)]++;
	for (int i = 0; i < 7; i++)
		assert_true(seen[i] > 800 && seen[i] < 1200);
	assert_int_equal(random_below(&seeded.random, 1), 0);
	assert_true(random_below(&seeded.random, UINT64_MAX) < UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(system_clock_tells_this_century_and_goes_on),
		cmocka_unit_test(fake_clock_stands_until_it_is_moved),
		cmocka_unit_test(seed_repeats_its_numbers),
		cmocka_unit_test(system_bytes_differ),
		cmocka_unit_test(below_is_below_and_reaches_all),
	};

	return cmocka_run_group_tests_name("seams", tests, NULL, NULL);
}
