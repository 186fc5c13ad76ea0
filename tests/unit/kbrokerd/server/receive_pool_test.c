/*
 * receive_pool_test.c - tests of receive_pool.c and of the budget beside it
 */
#include "kbrokerd/server/receive_pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kbrokerd/server/budget.h"

static void the_buffer_given_last_is_taken_next(void **state)
{
	struct receive_pool pool = { .count = 0 };
	uint8_t *first = receive_pool_take(&pool);
	uint8_t *second = receive_pool_take(&pool);

	(void)state;
	assert_int_equal(pool.held, 2);
	receive_pool_give(&pool, first);
	receive_pool_give(&pool, second);
	assert_ptr_equal(receive_pool_take(&pool), second);
	assert_ptr_equal(receive_pool_take(&pool), first);
	receive_pool_give(&pool, first);
	receive_pool_give(&pool, second);
	receive_pool_clear(&pool);
	assert_int_equal(pool.held, 0);
}

static void no_more_than_so_many_are_kept(void **state)
{
	struct receive_pool pool = { .count = 0 };
	uint8_t *all[RECEIVE_SPARE_MAX + 5];

	(void)state;
	for (int i = 0; i < RECEIVE_SPARE_MAX + 5; i++)
		all[i] = receive_pool_take(&pool);
	for (int i = 0; i < RECEIVE_SPARE_MAX + 5; i++)
		receive_pool_give(&pool, all[i]);
	assert_int_equal(pool.count, RECEIVE_SPARE_MAX);
	receive_pool_clear(&pool);
}

static void trimming_frees_what_was_not_used_since(void **state)
{
	struct receive_pool pool = { .count = 0 };
	uint8_t *all[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		all[i] = receive_pool_take(&pool);
	for (int i = 0; i < 4; i++)
		receive_pool_give(&pool, all[i]);
	receive_pool_trim(&pool); /* all were used a moment ago */
	assert_int_equal(pool.count, 4);
	receive_pool_give(&pool, receive_pool_take(&pool));
	receive_pool_trim(&pool); /* three were not */
	assert_int_equal(pool.count, 1);
	receive_pool_trim(&pool); /* one stays */
	receive_pool_trim(&pool);
	assert_int_equal(pool.count, 1);
	receive_pool_clear(&pool);
}

static void a_budget_is_taken_to_its_end_and_no_further(void **state)
{
	struct budget budget = { .max = 100 };

	(void)state;
	assert_true(budget_take(&budget, 60));
	assert_false(budget_is_short(&budget));
	assert_false(budget_take(&budget, 41));
	assert_true(budget_take(&budget, 40));
	assert_true(budget_is_short(&budget));
	assert_true(budget_take(&budget, 0));
	budget_force(&budget, 10);
	assert_false(budget_take(&budget, 0));
	budget_give(&budget, 110);
	assert_int_equal(budget.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_buffer_given_last_is_taken_next),
		cmocka_unit_test(no_more_than_so_many_are_kept),
		cmocka_unit_test(trimming_frees_what_was_not_used_since),
		cmocka_unit_test(a_budget_is_taken_to_its_end_and_no_further),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
