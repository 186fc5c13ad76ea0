/*
 * buffer_test.c - tests of buffer.c
 */
#include "base/buffer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static void puts_follow_each_other(void **state)
{
	static const uint8_t want[] = { 1,  2,    3,  4,  5,   6,   7,
					8,  9,    10, 11, 12,  13,  14,
					15, 0xac, 2,  1,  'x', 'y', '7' };
	struct buffer b;

	(void)state;
	buffer_init(&b);
	buffer_put_u8(&b, 1);
	buffer_put_be16(&b, 0x0203);
	buffer_put_be32(&b, 0x04050607);
	buffer_put_be64(&b, 0x08090a0b0c0d0e0f);
	buffer_put_uvarint(&b, 300);
	buffer_put_varint(&b, -1);
	buffer_put_text(&b, "xy");
	buffer_printf(&b, "%d", 7);
	assert_false(b.failed);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.data, want, sizeof(want));
	buffer_clear(&b);
	assert_int_equal(b.len, 0);
	assert_null(b.data);
}

static void contents_survive_growth(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 10000; i++)
		buffer_put_be32(&b, i);
	assert_int_equal(b.len, 40000);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(get_be32(b.data + 4 * (size_t)i), i);
	buffer_clear(&b);
}

static void failure_is_remembered_until_reset(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_put_text(&b, "kept");
	assert_null(buffer_reserve(&b, SIZE_MAX));
	assert_true(b.failed);
	buffer_put_text(&b, "dropped");
	assert_null(buffer_text(&b));
	assert_int_equal(b.len, 4);
	assert_null(buffer_grow(&b, 1));
	buffer_reset(&b);
	buffer_put_text(&b, "again");
	assert_true(slice_is(buffer_slice(&b), "again"));
	buffer_clear(&b);
}

static void reserved_bytes_count_once_committed(void **state)
{
	struct buffer b = { 0 };
	uint8_t *to = buffer_reserve(&b, 100);

	(void)state;
	memset(to, 'x', 3);
	assert_int_equal(b.len, 0);
	buffer_commit(&b, 3);
	assert_ptr_equal(buffer_grow(&b, 2), b.data + 3);
	assert_int_equal(b.len, 5);
	buffer_clear(&b);
}

static void reserving_nothing_is_not_a_failure(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	assert_non_null(buffer_reserve(&b, 0));
	buffer_put(&b, NULL, 0);
	assert_false(b.failed);
	buffer_clear(&b);
}

static void consuming_moves_the_rest_to_the_front(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	buffer_put_text(&b, "front and rest");
	buffer_consume(&b, 10);
	assert_string_equal(buffer_text(&b), "rest");
	buffer_consume(&b, 0);
	buffer_consume(&b, 4);
	assert_int_equal(b.len, 0);
	buffer_clear(&b);
	buffer_consume(&b, 0);
}

static void text_ends_with_a_nul_that_is_not_counted(void **state)
{
	struct buffer b = { 0 };

	(void)state;
	assert_string_equal(buffer_text(&b), "");
	buffer_put_text(&b, "ab");
	assert_string_equal(buffer_text(&b), "ab");
	assert_int_equal(b.len, 2);
	buffer_printf(&b, "%0100d", 1);
	assert_int_equal(b.len, 102);
	buffer_clear(&b);
}

static void all_of_a_descriptor_is_read_up_to_a_limit(void **state)
{
	struct buffer b = { 0 };
	char bytes[5000];
	int fds[2];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	buffer_put_u8(&b, 'a');
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(buffer_read(&b, fds[0], 4000), -EFBIG);
	close(fds[1]);
	assert_int_equal(buffer_read(&b, fds[0], 10001), 0);
	assert_int_equal(b.len, 10001);
	assert_int_equal(b.data[0], 'a');
	assert_memory_equal(b.data + 5001, bytes, sizeof(bytes));
	close(fds[0]);
	assert_int_equal(buffer_read(&b, fds[0], 20000), -EBADF);
	buffer_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(puts_follow_each_other),
		cmocka_unit_test(contents_survive_growth),
		cmocka_unit_test(failure_is_remembered_until_reset),
		cmocka_unit_test(reserved_bytes_count_once_committed),
		cmocka_unit_test(reserving_nothing_is_not_a_failure),
		cmocka_unit_test(consuming_moves_the_rest_to_the_front),
		cmocka_unit_test(text_ends_with_a_nul_that_is_not_counted),
		cmocka_unit_test(all_of_a_descriptor_is_read_up_to_a_limit),
	};

	return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
