/*
 * tracker_test.c - tests of kproduce's tracker.c, which is in no library
 */
#include "kproduce/tracker.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

static void position_is_known_until_the_record_is_done(void **state)
{
	struct tracker t = { 0 };

	(void)state;
	assert_int_equal(tracker_add(&t, 1, 0, NULL), 0);
	assert_int_equal(tracker_add(&t, 2, 10, NULL), 0);
	assert_int_equal(tracker_position(&t, 1), 0);
	assert_int_equal(tracker_position(&t, 2), 10);
	tracker_done(&t, 1);
	assert_int_equal(tracker_position(&t, 1), -1);
	assert_int_equal(tracker_position(&t, 2), 10);
	tracker_done(&t, 2);
	assert_int_equal(tracker_position(&t, 2), -1);
	assert_int_equal(tracker_position(&t, 3), -1);
	tracker_clear(&t);
}

static void numbers_may_be_left_out(void **state)
{
	struct tracker t = { 0 };

	(void)state;
	assert_int_equal(tracker_add(&t, 5, 50, NULL), 0);
	assert_int_equal(tracker_add(&t, 5000, 7, NULL), 0);
	assert_int_equal(tracker_position(&t, 5), 50);
	assert_int_equal(tracker_position(&t, 6), -1);
	assert_int_equal(tracker_position(&t, 4999), -1);
	assert_int_equal(tracker_position(&t, 5000), 7);
	tracker_clear(&t);
}

static void sources_are_kept_if_wanted(void **state)
{
	struct tracker t = { .keeps_sources = true };
	const struct source *source;
	struct source from = { tracker_topic(&t, "orders!", 6), 3, INT64_MAX };

	(void)state;
	assert_string_equal(from.topic, "orders");
	assert_ptr_equal(tracker_topic(&t, "orders", 6), from.topic);
	assert_ptr_not_equal(tracker_topic(&t, "order", 5), from.topic);
	assert_int_equal(tracker_add(&t, 1, 0, &from), 0);
	source = tracker_source(&t, 1);
	assert_non_null(source);
	assert_string_equal(source->topic, "orders");
	assert_int_equal(source->partition, 3);
	assert_true(source->offset == INT64_MAX);
	tracker_done(&t, 1);
	assert_null(tracker_source(&t, 1));
	tracker_clear(&t);
}

enum { STEPS = 50000, WINDOW_MAX = 3000 };

/* Against a plain table: some are added, some done, in any order. */
static void behaves_as_a_table_would(void **state)
{
	static int64_t wanted[STEPS + 1];
	struct seeded_random seeded;
	struct tracker t = { 0 };
	uint64_t next = 1;
	uint64_t oldest = 1;

	(void)state;
	seeded_random_init(&seeded, 42);
	memset(wanted, 0xff, sizeof(wanted));
	while (next <= STEPS) {
		uint64_t n;

		if (random_below(&seeded.random, 100) < 55 &&
		    next - oldest < WINDOW_MAX) {
			next += random_below(&seeded.random, 20) == 0;
			if (next > STEPS)
				break;
			wanted[next] =
				(int64_t)random_below(&seeded.random, 1 << 30);
			assert_int_equal(
				tracker_add(&t, next, wanted[next], NULL), 0);
			next++;
			continue;
		}
		if (oldest == next)
			continue;
		n = random_below(&seeded.random, 2) == 0
			    ? oldest
			    : oldest + random_below(&seeded.random,
						    next - oldest);
		assert_true(tracker_position(&t, n) == wanted[n]);
		tracker_done(&t, n);
		wanted[n] = -1;
		while (oldest < next && wanted[oldest] < 0)
			oldest++;
	}
	for (uint64_t n = 1; n <= STEPS; n++)
		assert_true(tracker_position(&t, n) == wanted[n]);
	/* Memory is that of the window, not of all. */
	assert_true(t.capacity <= 8192);
	tracker_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(position_is_known_until_the_record_is_done),
		cmocka_unit_test(numbers_may_be_left_out),
		cmocka_unit_test(sources_are_kept_if_wanted),
		cmocka_unit_test(behaves_as_a_table_would),
	};

	return cmocka_run_group_tests_name("kproduce/tracker", tests, NULL,
					   NULL);
}
