/*
 * arena_test.c - tests of arena.c
 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void allocations_are_apart_and_aligned(void **state)
{
	struct arena a = { 0 };
	uint8_t *last = NULL;
	size_t last_size = 0;

	(void)state;
	for (size_t size = 0; size < 5000; size += 7) {
		uint8_t *at = arena_alloc(&a, size);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % 16, 0);
		assert_true(last == NULL || at >= last + last_size ||
			    at + size <= last);
		memset(at, 0xff, size);
		last = at;
		last_size = size;
	}
	arena_clear(&a);
	assert_int_equal(a.total, 0);
}

static void calloc_is_zeroed_and_checks_its_product(void **state)
{
	struct arena a = { 0 };
	uint8_t *at;

	(void)state;
	memset(arena_alloc(&a, 1000), 0xff, 1000);
	arena_reset(&a);
	at = arena_calloc(&a, 100, 10);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(at[i], 0);
	assert_null(arena_calloc(&a, SIZE_MAX / 2, 3));
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX / 2));
	arena_clear(&a);
}

static void limit_holds_and_smaller_ones_still_fit(void **state)
{
	struct arena a;
	size_t total = 0;

	(void)state;
	arena_init(&a, 10000);
	assert_null(arena_alloc(&a, 10001));
	while (arena_alloc(&a, 100) != NULL)
		total += 100;
	assert_true(total > 7000);
	assert_true(a.total <= 10000);
	arena_reset(&a);
	assert_non_null(arena_alloc(&a, 1000));
	arena_clear(&a);
}

static void reset_keeps_a_block_that_is_not_too_large(void **state)
{
	struct arena a = { 0 };
	void *first;

	(void)state;
	first = arena_alloc(&a, 30000);
	arena_alloc(&a, ARENA_KEEP_BYTES + 1);
	arena_reset(&a);
	assert_int_equal(a.total, 30000);
	assert_ptr_equal(arena_alloc(&a, 30000), first);

	arena_clear(&a);
	arena_alloc(&a, ARENA_KEEP_BYTES + 1);
	arena_reset(&a);
	assert_int_equal(a.total, 0);
	arena_clear(&a);
}

static void copies_are_the_arenas(void **state)
{
	struct arena a = { 0 };
	char text[] = "text";
	struct slice copy;

	(void)state;
	copy = arena_copy(&a, slice_of(text));
	assert_ptr_not_equal(copy.data, text);
	assert_true(slice_is(copy, "text"));
	assert_true(slice_is_null(arena_copy(&a, SLICE_NULL)));
	copy = arena_copy(&a, slice_of(""));
	assert_true(slice_is(copy, ""));
	assert_string_equal(arena_text(&a, slice_of(text)), "text");
	assert_null(arena_text(&a, SLICE_NULL));
	assert_string_equal(arena_printf(&a, "%s-%05d", text, 42),
			    "text-00042");
	arena_clear(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_apart_and_aligned),
		cmocka_unit_test(calloc_is_zeroed_and_checks_its_product),
		cmocka_unit_test(limit_holds_and_smaller_ones_still_fit),
		cmocka_unit_test(reset_keeps_a_block_that_is_not_too_large),
		cmocka_unit_test(copies_are_the_arenas),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
