/*
 * bytes_test.c - tests of bytes.h
 */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static void null_and_empty_differ(void **state)
{
	const struct slice empty = slice_of("");

	(void)state;
	assert_true(slice_is_null(slice_of(NULL)));
	assert_false(slice_is_null(empty));
	assert_true(slice_equal(empty, slice_of("")));
	assert_true(slice_equal(SLICE_NULL, SLICE_NULL));
	assert_false(slice_equal(SLICE_NULL, empty));
	assert_false(slice_equal(empty, SLICE_NULL));
	assert_true(slice_is(slice_of("ab"), "ab"));
	assert_false(slice_is(slice_of("ab"), "abc"));
	assert_false(slice_is(slice_of("ab"), "ac"));
}

static void numbers_are_big_endian(void **state)
{
	uint8_t bytes[14];
	static const uint8_t want[14] = { 1, 2, 3,  4,  5,  6,  7,
					  8, 9, 10, 11, 12, 13, 14 };

	(void)state;
	put_be16(bytes, 0x0102);
	put_be32(bytes + 2, 0x03040506);
	put_be64(bytes + 6, 0x0708090a0b0c0d0e);
	assert_memory_equal(bytes, want, sizeof(want));
	assert_int_equal(get_be16(bytes), 0x0102);
	assert_int_equal(get_be32(bytes + 2), 0x03040506);
	assert_int_equal(get_be64(bytes + 6), 0x0708090a0b0c0d0e);
}

/* The tables of the protocol's description, and the ends of the ranges. */
static const struct {
	uint64_t value;
	size_t size;
	uint8_t bytes[VARINT64_BYTES_MAX];
} uvarints[] = {
	{ 0, 1, { 0x00 } },
	{ 127, 1, { 0x7f } },
	{ 128, 2, { 0x80, 0x01 } },
	{ 300, 2, { 0xac, 0x02 } },
	{ 16383, 2, { 0xff, 0x7f } },
	{ 16384, 3, { 0x80, 0x80, 0x01 } },
	{ INT32_MAX, 5, { 0xff, 0xff, 0xff, 0xff, 0x07 } },
	{ UINT32_MAX, 5, { 0xff, 0xff, 0xff, 0xff, 0x0f } },
	{ UINT64_MAX,
	  10,
	  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 } },
};

static void uvarints_are_protobufs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(uvarints); i++) {
		uint8_t bytes[VARINT64_BYTES_MAX];
		size_t size = uvarints[i].size;
		uint64_t value = 0;

		assert_int_equal(uvarint_size(uvarints[i].value), size);
		assert_int_equal(uvarint_put(bytes, uvarints[i].value), size);
		assert_memory_equal(bytes, uvarints[i].bytes, size);
		assert_int_equal(uvarint_get(bytes, size, &value), size);
		assert_true(value == uvarints[i].value);
		for (size_t len = 0; len < size; len++)
			assert_int_equal(uvarint_get(bytes, len, &value), 0);
	}
}

static void uvarint_that_is_too_long_is_refused(void **state)
{
	static const uint8_t eleven[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					  0x80, 0x80, 0x80, 0x80, 0x00 };
	static const uint8_t bits_65[] = { 0xff, 0xff, 0xff, 0xff, 0xff,
					   0xff, 0xff, 0xff, 0xff, 0x02 };
	static const uint8_t padded[] = { 0x81, 0x80, 0x00 };
	uint64_t value = 7;

	(void)state;
	assert_int_equal(uvarint_get(eleven, sizeof(eleven), &value), 0);
	assert_int_equal(uvarint_get(bits_65, sizeof(bits_65), &value), 0);
	assert_int_equal(value, 7);
	assert_int_equal(uvarint_get(padded, sizeof(padded), &value), 3);
	assert_int_equal(value, 1);
}

static void varints_zigzag(void **state)
{
	static const struct {
		int64_t value;
		size_t size;
		uint8_t bytes[VARINT64_BYTES_MAX];
	} cases[] = {
		{ 0, 1, { 0x00 } },
		{ -1, 1, { 0x01 } },
		{ 1, 1, { 0x02 } },
		{ -64, 1, { 0x7f } },
		{ 64, 2, { 0x80, 1 } },
		{ INT64_MAX,
		  10,
		  { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 } },
		{ INT64_MIN,
		  10,
		  { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[VARINT64_BYTES_MAX];
		int64_t value = 0;

		assert_int_equal(varint_size(cases[i].value), cases[i].size);
		assert_int_equal(varint_put(bytes, cases[i].value),
				 cases[i].size);
		assert_memory_equal(bytes, cases[i].bytes, cases[i].size);
		assert_int_equal(varint_get(bytes, sizeof(bytes), &value),
				 cases[i].size);
		assert_true(value == cases[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_and_empty_differ),
		cmocka_unit_test(numbers_are_big_endian),
		cmocka_unit_test(uvarints_are_protobufs),
		cmocka_unit_test(uvarint_that_is_too_long_is_refused),
		cmocka_unit_test(varints_zigzag),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
