/*
 * ack_source_test.c - tests of kproduce's ack_source.c, which is in no library
 */
#include "kproduce/ack_source.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

static char acked[256];

static void print(void *arg, const struct source *source)
{
	size_t len = strlen(acked);

	(void)arg;
	snprintf(acked + len, sizeof(acked) - len, "%s%d:%lld ", source->topic,
		 source->partition, (long long)source->offset);
}

/* What was acknowledged since the last look. */
static void expect(const char *wanted)
{
	assert_string_equal(acked, wanted);
	acked[0] = '\0';
}

static void add(struct ack_sources *a, uint64_t number, int32_t partition,
		int64_t offset)
{
	const struct source source = { "t", partition, offset };

	assert_int_equal(ack_sources_add(a, number, &source), 0);
}

static void deliver(struct ack_sources *a, uint64_t number, int32_t partition)
{
	const struct source source = { "t", partition, 0 };

	ack_sources_delivered(a, number, &source);
}

static void a_source_waits_for_those_before_it_in_its_partition(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);

	(void)state;
	add(a, 1, 0, 10);
	add(a, 2, 0, 11);
	add(a, 3, 1, 10);
	add(a, 4, 0, 12);
	deliver(a, 2, 0);
	expect("");
	deliver(a, 3, 1);
	expect("t1:10 ");
	deliver(a, 1, 0);
	expect("t0:10 t0:11 ");
	assert_false(ack_sources_are_clean(a));
	deliver(a, 4, 0);
	expect("t0:12 ");
	assert_true(ack_sources_are_clean(a));
	ack_sources_free(a);
}

static void records_of_one_source_are_acknowledged_together(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);

	(void)state;
	add(a, 1, 0, 10);
	add(a, 2, 0, 10);
	add(a, 3, 0, 10);
	add(a, 4, 0, 11);
	deliver(a, 4, 0);
	deliver(a, 1, 0);
	deliver(a, 3, 0);
	expect("");
	deliver(a, 2, 0);
	expect("t0:10 t0:11 ");
	ack_sources_free(a);
}

static void a_failure_ends_its_partition_only(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);
	const struct source failed = { "t", 0, 11 };

	(void)state;
	add(a, 1, 0, 10);
	add(a, 2, 0, 11);
	add(a, 3, 1, 5);
	ack_sources_fail(a, 2, &failed);
	add(a, 4, 0, 12);
	deliver(a, 4, 0);
	expect("");
	deliver(a, 3, 1);
	expect("t1:5 ");
	/* What came before it is not its matter. */
	deliver(a, 1, 0);
	expect("t0:10 ");
	assert_int_equal(a->left, 0);
	assert_false(ack_sources_are_clean(a));
	ack_sources_free(a);
}

static void a_failure_takes_what_has_its_source_along(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);
	const struct source failed = { "t", 0, 11 };

	(void)state;
	add(a, 1, 0, 10);
	add(a, 2, 0, 11);
	add(a, 3, 1, 5);
	add(a, 4, 0, 11);
	add(a, 5, 0, 12);
	ack_sources_fail(a, 4, &failed);
	for (uint64_t number = 1; number <= 5; number++) {
		if (number != 4)
			deliver(a, number, number == 3 ? 1 : 0);
	}
	expect("t0:10 t1:5 ");
	assert_int_equal(a->left, 0);
	ack_sources_free(a);
}

static void the_first_of_two_failures_counts(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);
	const struct source later = { "t", 0, 12 };
	const struct source first = { "t", 0, 11 };

	(void)state;
	for (uint64_t number = 1; number <= 4; number++)
		add(a, number, 0, (int64_t)number + 9);
	ack_sources_fail(a, 3, &later);
	ack_sources_fail(a, 2, &first);
	deliver(a, 4, 0);
	deliver(a, 1, 0);
	expect("t0:10 ");
	ack_sources_free(a);
}

static void a_failure_of_an_unknown_source_ends_all_that_follows(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);

	(void)state;
	add(a, 1, 0, 10);
	add(a, 2, 1, 10);
	add(a, 3, 0, 11);
	/* It may be of the source of 3. */
	ack_sources_fail_unknown(a, 4, NULL);
	deliver(a, 1, 0);
	deliver(a, 2, 1);
	deliver(a, 3, 0);
	add(a, 5, 1, 11);
	deliver(a, 5, 1);
	add(a, 6, 2, 1);
	deliver(a, 6, 2);
	expect("t0:10 t1:10 ");
	assert_false(ack_sources_are_clean(a));
	ack_sources_free(a);
}

static void a_guess_of_its_source_spares_the_one_before(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);
	const struct source other = { "t", 0, 11 };

	(void)state;
	add(a, 1, 0, 10);
	ack_sources_fail_unknown(a, 2, &other);
	deliver(a, 1, 0);
	expect("t0:10 ");
	ack_sources_free(a);
}

static void a_guess_of_the_same_source_does_not(void **state)
{
	struct ack_sources *a = ack_sources_new(print, NULL);
	struct source same;

	(void)state;
	add(a, 1, 0, 10);
	same = a->last;
	ack_sources_fail_unknown(a, 2, &same);
	deliver(a, 1, 0);
	expect("");
	ack_sources_free(a);
}

/* Thousands on their way, delivered in any order: acknowledged in order. */

enum { RECORDS = 20000, PARTS = 5, WINDOW = 3000 };

static int64_t next_offset[PARTS];
static uint64_t ack_count;

static void check_order(void *arg, const struct source *source)
{
	(void)arg;
	assert_true(source->offset == next_offset[source->partition]);
	next_offset[source->partition]++;
	ack_count++;
}

static void any_order_of_deliveries_makes_acks_in_order(void **state)
{
	struct ack_sources *a = ack_sources_new(check_order, NULL);
	static uint64_t waiting[WINDOW];
	static int32_t partition_of[RECORDS + 1];
	int64_t offsets[PARTS] = { 0 };
	struct seeded_random seeded;
	uint64_t next = 1;
	size_t count = 0;

	(void)state;
	seeded_random_init(&seeded, 3);
	while (next <= RECORDS || count > 0) {
		if (next <= RECORDS && count < WINDOW &&
		    random_below(&seeded.random, 10) < 6) {
			int32_t part =
				(int32_t)random_below(&seeded.random, PARTS);

			partition_of[next] = part;
			add(a, next, part, offsets[part]++);
			waiting[count++] = next++;
		} else if (count > 0) {
			size_t i = random_below(&seeded.random, count);

			deliver(a, waiting[i], partition_of[waiting[i]]);
			waiting[i] = waiting[--count];
		}
	}
	assert_int_equal(ack_count, RECORDS);
	assert_true(ack_sources_are_clean(a));
	ack_sources_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_source_waits_for_those_before_it_in_its_partition),
		cmocka_unit_test(
			records_of_one_source_are_acknowledged_together),
		cmocka_unit_test(a_failure_ends_its_partition_only),
		cmocka_unit_test(a_failure_takes_what_has_its_source_along),
		cmocka_unit_test(the_first_of_two_failures_counts),
		cmocka_unit_test(
			a_failure_of_an_unknown_source_ends_all_that_follows),
		cmocka_unit_test(a_guess_of_its_source_spares_the_one_before),
		cmocka_unit_test(a_guess_of_the_same_source_does_not),
		cmocka_unit_test(any_order_of_deliveries_makes_acks_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
