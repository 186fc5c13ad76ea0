/*
 * counters_test.c - tests of counters.c, histogram.c and history.c
 */
#include "kbrokerd/metrics/counters.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/metrics/history.h"

/* Histograms */

static void a_time_falls_into_the_first_bucket_that_holds_it(void **state)
{
	struct histogram h = { { 0 }, 0 };
	struct histogram_copy copy = { { 0 }, 0 };

	(void)state;
	histogram_add(&h, 50);
	histogram_add(&h, 51);
	histogram_add_shared(&h, 50000000);
	histogram_add_shared(&h, 50000001);
	histogram_read(&h, &copy);

	assert_int_equal(copy.buckets[0], 1);
	assert_int_equal(copy.buckets[1], 1);
	assert_int_equal(copy.buckets[HISTOGRAM_BOUNDS - 1], 1);
	assert_int_equal(copy.buckets[HISTOGRAM_BOUNDS], 1);
	assert_int_equal(histogram_count(&copy), 4);
	assert_int_equal(copy.sum_us, 50 + 51 + 50000000 + 50000001);
}

static void a_percentile_lies_within_its_bucket(void **state)
{
	struct histogram h = { { 0 }, 0 };
	struct histogram_copy copy = { { 0 }, 0 };

	(void)state;
	assert_int_equal(histogram_percentile_us(&copy, 99), -1);
	for (int i = 0; i < 99; i++)
		histogram_add(&h, 150); /* 100 to 200 */
	histogram_add(&h, 70000);       /* 50 to 100 ms */
	histogram_read(&h, &copy);

	assert_int_equal(histogram_percentile_us(&copy, 99), 200);
	assert_in_range(histogram_percentile_us(&copy, 50), 140, 160);
	assert_in_range(histogram_percentile_us(&copy, 99.5), 50000, 100000);
}

static void what_came_since_is_the_difference(void **state)
{
	struct histogram h = { { 0 }, 0 };
	struct histogram_copy before = { { 0 }, 0 };
	struct histogram_copy now = { { 0 }, 0 };
	struct histogram_copy since;

	(void)state;
	histogram_add(&h, 10);
	histogram_read(&h, &before);
	histogram_add(&h, 10);
	histogram_add(&h, 1500);
	histogram_read(&h, &now);
	since = histogram_since(&now, &before);

	assert_int_equal(histogram_count(&since), 2);
	assert_int_equal(since.sum_us, 1510);
}

/* Counters */

struct found {
	int16_t api, code;
	int64_t count;
	int kinds;
};

static void on_error(void *arg, int16_t api, int16_t code, int64_t count)
{
	struct found *f = arg;

	f->kinds++;
	if (api == f->api && code == f->code)
		f->count += count;
}

static void sums_are_over_all_threads(void **state)
{
	struct counters *c = counters_new(3);
	struct api_totals totals;
	struct all_totals all;
	struct found found = { 1, 6, 0, 0 };

	(void)state;
	for (int32_t i = 0; i < 3; i++) {
		struct thread_counters *t = counters_of_thread(c, i);

		counters_connection(t, 1, true);
		counters_request(t, 1, 100);
		counters_answer(t, 1, 1000, 70, 5);
		counters_error(t, 1, 6);
	}
	counters_connection(counters_of_thread(c, 2), 1, false);
	counters_api(c, 1, &totals);
	counters_all(c, &all);
	counters_each_error(c, on_error, &found);

	assert_int_equal(totals.requests, 3);
	assert_int_equal(totals.answers, 3);
	assert_int_equal(totals.bytes_in, 300);
	assert_int_equal(totals.bytes_out, 3000);
	assert_int_equal(totals.throttle_ms, 15);
	assert_int_equal(histogram_count(&totals.took), 3);
	assert_int_equal(all.requests, 3);
	assert_int_equal(all.errors, 3);
	assert_int_equal(all.opened[1], 3);
	assert_int_equal(all.closed[1], 1);
	assert_int_equal(found.count, 3);
	counters_free(c);
}

static void an_api_out_of_range_is_counted_nowhere(void **state)
{
	struct counters *c = counters_new(1);
	struct thread_counters *t = counters_of_thread(c, 0);
	struct all_totals all;

	(void)state;
	counters_request(t, -1, 1);
	counters_request(t, COUNTERS_APIS, 1);
	counters_answer(t, 32000, 1, 1, 0);
	counters_all(c, &all);

	assert_int_equal(all.requests, 0);
	assert_int_equal(all.answers, 0);
	counters_free(c);
}

static void kinds_of_errors_are_bounded_and_none_is_lost(void **state)
{
	struct counters *c = counters_new(1);
	struct thread_counters *t = counters_of_thread(c, 0);
	struct found others = { -1, -1, 0, 0 };
	struct all_totals all;

	(void)state;
	for (int16_t api = 0; api < COUNTERS_APIS; api++)
		for (int16_t code = 1; code <= 20; code++)
			counters_error(t, api, code);
	counters_all(c, &all);
	counters_each_error(c, on_error, &others);

	assert_int_equal(all.errors, COUNTERS_APIS * 20);
	assert_true(others.kinds <= COUNTERS_ERRORS + 1);
	assert_int_equal(others.count + others.kinds - 1, all.errors);
	counters_free(c);
}

static void on_reason(void *arg, const char *why, int64_t count)
{
	struct found *f = arg;

	f->kinds++;
	if (strcmp(why, "other") == 0)
		f->count += count;
}

static void reasons_are_bounded_too(void **state)
{
	static char texts[COUNTERS_REASONS * 2][4];
	struct counters *c = counters_new(1);
	struct thread_counters *t = counters_of_thread(c, 0);
	struct found others = { 0, 0, 0, 0 };

	(void)state;
	for (size_t i = 0; i < COUNTERS_REASONS * 2; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%zu", i);
		counters_refused(t, texts[i]);
	}
	counters_each_refused(c, on_reason, &others);

	assert_int_equal(others.kinds, COUNTERS_REASONS);
	assert_int_equal(others.count, COUNTERS_REASONS + 1);
	counters_free(c);
}

static void *count_much(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		counters_request(arg, 3, 1);
		counters_error(arg, 3, (int16_t)(i % 7 + 1));
		counters_answer(arg, 3, 1, i, 0);
	}
	return NULL;
}

static void they_can_be_read_while_threads_count(void **state)
{
	struct counters *c = counters_new(2);
	struct api_totals totals = { 0 };
	struct found found = { 3, 1, 0, 0 };
	pthread_t ids[2];
	int64_t before = 0;

	(void)state;
	for (int32_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&ids[i], NULL, count_much,
						counters_of_thread(c, i)),
				 0);
	for (int i = 0; i < 1000; i++) {
		counters_api(c, 3, &totals);
		counters_each_error(c, on_error, &found);
		assert_true(totals.requests >= before);
		before = totals.requests;
	}
	for (size_t i = 0; i < 2; i++)
		pthread_join(ids[i], NULL);
	counters_api(c, 3, &totals);

	assert_int_equal(totals.requests, 40000);
	assert_int_equal(histogram_count(&totals.took), 40000);
	counters_free(c);
}

/* History */

static void the_history_keeps_the_last_samples(void **state)
{
	struct history *h = calloc(1, sizeof(*h));
	float sample[HISTORY_SERIES] = { 0 };

	(void)state;
	assert_non_null(h);
	assert_int_equal(history_first(h, 0), 0);
	for (int i = 0; i < HISTORY_SECONDS + 5; i++) {
		sample[HISTORY_BYTES_IN] = (float)i;
		history_add(h, sample);
	}

	assert_int_equal(h->count, HISTORY_SECONDS + 5);
	assert_int_equal(history_first(h, 0), 5);
	assert_int_equal(history_first(h, 300), 300);
	assert_true(history_at(h, 5)[HISTORY_BYTES_IN] == 5.0F);
	assert_true(history_at(h, h->count - 1)[HISTORY_BYTES_IN] ==
		    (float)(HISTORY_SECONDS + 4));
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_time_falls_into_the_first_bucket_that_holds_it),
		cmocka_unit_test(a_percentile_lies_within_its_bucket),
		cmocka_unit_test(what_came_since_is_the_difference),
		cmocka_unit_test(sums_are_over_all_threads),
		cmocka_unit_test(an_api_out_of_range_is_counted_nowhere),
		cmocka_unit_test(kinds_of_errors_are_bounded_and_none_is_lost),
		cmocka_unit_test(reasons_are_bounded_too),
		cmocka_unit_test(they_can_be_read_while_threads_count),
		cmocka_unit_test(the_history_keeps_the_last_samples),
	};

	return cmocka_run_group_tests_name("counters", tests, NULL, NULL);
}
