/*
 * quotas_test.c - who has used how much, and must wait how long
 */
#include "kbrokerd/quota/quotas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct quotas_params params = {
	.windows = { .count = 11, .ms = 1000 },
	.mutation_windows = { .count = 11, .ms = 1000 },
};

static struct quota_setting of_clients(enum quota_kind kind, const char *name,
				       double value)
{
	struct quota_setting s = { .kind = kind, .value = value };

	s.entity.has[QUOTA_CLIENT_ID] = true;
	s.entity.name[QUOTA_CLIENT_ID] = slice_of(name);
	return s;
}

static struct quotas *quotas_of(enum quota_kind kind, const char *name,
				double value)
{
	const struct quota_setting s = of_clients(kind, name, value);
	struct quotas *q = quotas_new(&params);

	quotas_set(q, quota_limits_new(&s, 1));
	return q;
}

static struct quota_client client(const char *id)
{
	return (struct quota_client){ slice_of("ANONYMOUS"), slice_of(id) };
}

static void without_a_quota_nothing_is_remembered(void **state)
{
	struct quotas *q = quotas_new(&params);
	const struct quota_client c = client("a");

	(void)state;
	assert_false(quotas_has(NULL, QUOTA_FETCH));
	assert_false(quotas_has_any(q));
	assert_int_equal(quotas_record(q, QUOTA_FETCH, &c, 1e12, 5), 0);
	assert_int_equal(quotas_meter_count(q), 0);
	quotas_free(q);
}

/* As Kafka computes it: 10 whole windows before the first is over. */
static void the_wait_is_the_excess_over_the_covered_time(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, "a", 1000);
	const struct quota_client c = client("a");

	(void)state;
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 10000, 50), 0);
	/* 15,000 in 10 s: 1,500 a second, half too much, for 10 s. */
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 5000, 50), 5000);
	/* 5 s later 15 s are covered but for what is forgotten. */
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 0, 5050), 5000);
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 0, 11050), 0);
	quotas_free(q);
}

/* What comes when it is over counts for the next. */
static void a_window_ends_after_its_time(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, "a", 1000);
	const struct quota_client c = client("a");

	(void)state;
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 15000, 0), 5000);
	assert_true(quotas_record(q, QUOTA_PRODUCE, &c, 1, 1000) > 0);
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 0, 11000), 0);
	quotas_free(q);
}

static void a_client_that_waits_as_told_keeps_its_rate(void **state)
{
	static const double limits[] = { 1000, 1e6, 123456789 };

	(void)state;
	srand(3);
	for (int i = 0; i < 3; i++) {
		struct quotas *q = quotas_of(QUOTA_PRODUCE, NULL, limits[i]);
		const struct quota_client c = client("x");
		int64_t now_ms = 12345;
		double sent = 0;

		while (now_ms < 300000) {
			double size = limits[i] / 20 * (1 + rand() % 10);

			sent += size;
			now_ms += 1 + quotas_record(q, QUOTA_PRODUCE, &c, size,
						    now_ms);
		}
		sent /= (double)(now_ms - 12345) / 1000;
		assert_true(sent < limits[i] * 1.08);
		assert_true(sent > limits[i] * 0.95);
		quotas_free(q);
	}
}

static void what_is_taken_back_does_not_count(void **state)
{
	struct quotas *q = quotas_of(QUOTA_FETCH, "a", 1000);
	const struct quota_client c = client("a");

	(void)state;
	assert_int_equal(quotas_record(q, QUOTA_FETCH, &c, 9000, 1), 0);
	assert_true(quotas_record(q, QUOTA_FETCH, &c, 9000, 2) > 0);
	quotas_take_back(q, QUOTA_FETCH, &c, 9000, 2);
	assert_int_equal(quotas_record(q, QUOTA_FETCH, &c, 1000, 3), 0);
	assert_int_equal((int)quotas_most(q, QUOTA_FETCH, &c), 10000);
	quotas_free(q);
}

static void long_names_leave_room_for_fewer_clients(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, NULL, 1000);
	char name[30001];

	(void)state;
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	for (int i = 0; i < 1500; i++) {
		const struct quota_client c = client(name);

		snprintf(name, sizeof(name), "%06d", i);
		name[6] = 'x';
		assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 1, 1), 0);
	}
	assert_true(quotas_meter_count(q) * sizeof(name) <= 16 << 20);
	assert_true(quotas_meter_count(q) > 500);
	quotas_free(q);
}

static void request_time_waits_for_one_window_at_most(void **state)
{
	struct quotas *q = quotas_of(QUOTA_REQUEST, "a", 1);
	const struct quota_client c = client("a");

	(void)state;
	assert_int_equal(quotas_record(q, QUOTA_REQUEST, &c, 1000, 1), 1000);
	quotas_free(q);
}

static void each_client_of_a_default_has_its_own_share(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, NULL, 1000);
	const struct quota_client a = client("a");
	const struct quota_client b = client("b");

	(void)state;
	assert_true(quotas_record(q, QUOTA_PRODUCE, &a, 20000, 1) > 0);
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &b, 10000, 1), 0);
	assert_int_equal(quotas_meter_count(q), 2);
	quotas_free(q);
}

static void a_quota_that_changes_counts_at_once(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, "a", 1000);
	const struct quota_setting more = of_clients(QUOTA_PRODUCE, "a", 5000);
	const struct quota_client c = client("a");

	(void)state;
	assert_true(quotas_record(q, QUOTA_PRODUCE, &c, 20000, 1) > 0);
	quotas_set(q, quota_limits_new(&more, 1));
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 20000, 2), 0);
	quotas_set(q, quota_limits_new(NULL, 0));
	assert_int_equal(quotas_record(q, QUOTA_PRODUCE, &c, 1e9, 3), 0);
	quotas_free(q);
}

static void many_client_ids_take_bounded_memory(void **state)
{
	struct quotas *q = quotas_of(QUOTA_PRODUCE, NULL, 1000);
	const struct quota_client first = client("first");
	char name[32];

	(void)state;
	quotas_record(q, QUOTA_PRODUCE, &first, 1e6, 1);
	for (int i = 0; i < QUOTA_METERS_MAX * 2; i++) {
		snprintf(name, sizeof(name), "client-%d", i);
		const struct quota_client c = client(name);

		quotas_record(q, QUOTA_PRODUCE, &c, 1, 1);
		/* The one that is in use stays. */
		quotas_record(q, QUOTA_PRODUCE, &first, 0, 1);
	}
	assert_int_equal(quotas_meter_count(q), QUOTA_METERS_MAX);
	assert_true(quotas_record(q, QUOTA_PRODUCE, &first, 0, 1) > 0);
	quotas_free(q);
}

static void changes_spend_a_bucket_that_fills_again(void **state)
{
	struct quotas *q = quotas_of(QUOTA_MUTATION, "a", 2); /* 22 tokens */
	const struct quota_client c = client("a");
	int32_t wait_ms;

	(void)state;
	assert_true(quotas_permit(q, &c, 22, true, 100, &wait_ms));
	assert_int_equal(wait_ms, 0);
	assert_true(quotas_permit(q, &c, 10, true, 100, &wait_ms));
	assert_false(quotas_permit(q, &c, 1, true, 100, &wait_ms));
	assert_int_equal(wait_ms, 5000);
	assert_false(quotas_permit(q, &c, 1, true, 5000, &wait_ms));
	assert_int_equal(wait_ms, 100);
	assert_true(quotas_permit(q, &c, 1, true, 5100, &wait_ms));
	/* Who is not refused is told to wait. */
	assert_true(quotas_permit(q, &c, 1, false, 5100, &wait_ms));
	assert_int_equal(wait_ms, 1000);
	/* However long it is not used, it holds no more than it does. */
	assert_true(quotas_permit(q, &c, 22, true, 1000000, &wait_ms));
	assert_true(quotas_permit(q, &c, 1, true, 1000000, &wait_ms));
	assert_false(quotas_permit(q, &c, 1, true, 1000000, &wait_ms));
	quotas_free(q);
}

static void an_address_may_connect_as_often_as_its_quota_says(void **state)
{
	struct quota_setting s = { .kind = QUOTA_CONNECTION, .value = 2 };
	struct quotas *q = quotas_new(&params);
	int admitted = 0;

	(void)state;
	s.entity.has[QUOTA_IP] = true;
	quotas_set(q, quota_limits_new(&s, 1));
	for (int i = 0; i < 100; i++)
		admitted += quotas_admit(q, "127.0.0.1", 7);
	assert_int_equal(admitted, 20); /* of ten seconds */
	assert_true(quotas_admit(q, "127.0.0.2", 7));
	/* Those who were turned away do not count. */
	assert_false(quotas_admit(q, "127.0.0.1", 10506));
	assert_true(quotas_admit(q, "127.0.0.1", 10507));
	quotas_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_quota_nothing_is_remembered),
		cmocka_unit_test(the_wait_is_the_excess_over_the_covered_time),
		cmocka_unit_test(a_window_ends_after_its_time),
		cmocka_unit_test(a_client_that_waits_as_told_keeps_its_rate),
		cmocka_unit_test(what_is_taken_back_does_not_count),
		cmocka_unit_test(long_names_leave_room_for_fewer_clients),
		cmocka_unit_test(request_time_waits_for_one_window_at_most),
		cmocka_unit_test(each_client_of_a_default_has_its_own_share),
		cmocka_unit_test(a_quota_that_changes_counts_at_once),
		cmocka_unit_test(many_client_ids_take_bounded_memory),
		cmocka_unit_test(changes_spend_a_bucket_that_fills_again),
		cmocka_unit_test(
			an_address_may_connect_as_often_as_its_quota_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
