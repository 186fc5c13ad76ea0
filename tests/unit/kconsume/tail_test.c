/*
 * tail_test.c - tests of kconsume's tail.c, which is in no library
 */
#include "kconsume/tail.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

static const struct batch_header no_batch;

static void add(struct tail *t, const char *topic, int32_t partition,
		int64_t offset, int64_t timestamp_ms, const char *value)
{
	/* Of bytes that do not outlive the call. */
	char bytes[32];
	struct consumer_record r = {
		.topic = topic,
		.partition = partition,
		.record = { .offset = offset, .timestamp_ms = timestamp_ms },
		.batch = &no_batch,
	};

	snprintf(bytes, sizeof(bytes), "%s", value);
	r.record.value = slice_of(bytes);
	r.record.key = SLICE_NULL;
	assert_int_equal(tail_add(t, &r), 0);
	memset(bytes, 'x', sizeof(bytes));
}

static int print(void *arg, const struct consumer_record *r)
{
	char *text = arg;

	assert_true(slice_is_null(r->record.key));
	strncat(text, (const char *)r->record.value.data, r->record.value.len);
	strncat(text, " ", 1);
	return 0;
}

static void expect(struct tail *t, const char *wanted)
{
	char text[256] = "";

	assert_int_equal(tail_each(t, print, text), 0);
	assert_string_equal(text, wanted);
}

static void keeps_the_youngest_of_all_partitions(void **state)
{
	struct tail *t = tail_new(3);

	(void)state;
	add(t, "t", 0, 0, 10, "a");
	add(t, "t", 0, 1, 40, "d");
	add(t, "t", 1, 0, 20, "b");
	add(t, "t", 1, 1, 30, "c");
	add(t, "u", 0, 0, 25, "u");
	assert_int_equal(tail_count(t), 3);
	expect(t, "u c d ");
	tail_free(t);
}

static void a_partition_stays_in_the_order_of_its_offsets(void **state)
{
	struct tail *t = tail_new(4);

	(void)state;
	/* Times go back: by offset and by time at once there is no order. */
	add(t, "t", 0, 1, 10, "p1");
	add(t, "t", 0, 2, 3, "p2");
	add(t, "t", 1, 0, 5, "q0");
	expect(t, "q0 p1 p2 ");
	tail_free(t);
}

static void equal_times_go_by_topic_and_partition(void **state)
{
	struct tail *t = tail_new(10);

	(void)state;
	add(t, "u", 0, 0, 7, "u0");
	add(t, "t", 1, 5, 7, "t1");
	add(t, "t", 0, 9, 7, "t0");
	expect(t, "t0 t1 u0 ");
	tail_free(t);
}

static void none_are_kept_of_a_limit_of_none(void **state)
{
	struct tail *t = tail_new(0);

	(void)state;
	add(t, "t", 0, 0, 1, "a");
	expect(t, "");
	tail_free(t);
}

static void reset_forgets_all(void **state)
{
	struct tail *t = tail_new(2);

	(void)state;
	add(t, "t", 0, 0, 100, "a");
	tail_reset(t);
	assert_int_equal(tail_count(t), 0);
	add(t, "t", 0, 0, 1, "b");
	add(t, "t", 1, 0, 0, "c");
	expect(t, "c b ");
	tail_free(t);
}

enum { RECORDS = 2000, PARTITIONS = 5 };

struct wanted {
	int64_t age_ms;
	int32_t partition;
	int64_t offset;
};

static int compare_wanted(const void *a, const void *b)
{
	const struct wanted *x = a;
	const struct wanted *y = b;

	if (x->age_ms != y->age_ms)
		return x->age_ms < y->age_ms ? -1 : 1;
	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	return x->offset < y->offset ? -1 : 1;
}

static int check_next(void *arg, const struct consumer_record *r)
{
	struct wanted **at = arg;

	assert_int_equal(r->partition, (*at)->partition);
	assert_true(r->record.offset == (*at)->offset);
	(*at)++;
	return 0;
}

/* Against sorting everything and taking the end. */
static void keeps_what_sorting_all_would(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		static struct wanted all[RECORDS];
		int64_t age[PARTITIONS] = { 0 };
		int64_t offsets[PARTITIONS] = { 0 };
		struct seeded_random seeded;
		struct wanted *at;
		size_t limit;
		struct tail *t;

		seeded_random_init(&seeded, seed);
		limit = 1 + (size_t)random_below(&seeded.random, 300);
		t = tail_new(limit);
		for (size_t i = 0; i < RECORDS; i++) {
			int32_t p = (int32_t)random_below(&seeded.random,
							  PARTITIONS);
			int64_t ms = (int64_t)random_below(&seeded.random, 500);

			if (age[p] < ms)
				age[p] = ms;
			all[i] = (struct wanted){ age[p], p, offsets[p] };
			add(t, "t", p, offsets[p]++, ms, "v");
		}
		qsort(all, RECORDS, sizeof(all[0]), compare_wanted);
		at = all + RECORDS - limit;
		assert_int_equal(tail_each(t, check_next, &at), 0);
		assert_ptr_equal(at, all + RECORDS);
		tail_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_the_youngest_of_all_partitions),
		cmocka_unit_test(a_partition_stays_in_the_order_of_its_offsets),
		cmocka_unit_test(equal_times_go_by_topic_and_partition),
		cmocka_unit_test(none_are_kept_of_a_limit_of_none),
		cmocka_unit_test(reset_forgets_all),
		cmocka_unit_test(keeps_what_sorting_all_would),
	};

	return cmocka_run_group_tests_name("kconsume/tail", tests, NULL, NULL);
}
