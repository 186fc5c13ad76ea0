/*
 * uuid_test.c - tests of uuid.c
 */
#include "base/uuid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>

static void text_is_kafkas(void **state)
{
	/* From a cluster of Kafka's: its id, and the metadata topic's. */
	static const struct uuid metadata = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
						0, 0, 0, 0, 1 } };
	static const struct uuid bytes = { { 0xfb, 0xff, 0x00, 0x10, 0x83, 0x10,
					     0x51, 0x87, 0x20, 0x92, 0x8b, 0x30,
					     0xd3, 0x8f, 0x41, 0x14 } };
	char text[UUID_TEXT_LEN + 1];

	(void)state;
	uuid_format(metadata, text);
	assert_string_equal(text, "AAAAAAAAAAAAAAAAAAAAAQ");
	uuid_format(bytes, text);
	assert_string_equal(text, "-_8AEIMQUYcgkosw049BFA");
}

static void text_is_read_back(void **state)
{
	struct seeded_random seeded;

	(void)state;
	seeded_random_init(&seeded, 1);
	for (int i = 0; i < 1000; i++) {
		struct uuid want = uuid_random(&seeded.random);
		char text[UUID_TEXT_LEN + 1];
		struct uuid got;

		uuid_format(want, text);
		assert_int_equal(uuid_parse(slice_of(text), &got), 0);
		assert_true(uuid_equal(got, want));
	}
}

static void other_text_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"AAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAA+",
		"AAAAAAAAAAAAAAAAAAAA/A",
		"AAAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAA AAAAAAAAAA",
		"123e4567-e89b-12d3-a456-426614174000",
	};
	struct uuid u;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(uuid_parse(slice_of(bad[i]), &u), -EINVAL);
	assert_int_equal(uuid_parse(SLICE_NULL, &u), -EINVAL);
	assert_int_equal(uuid_parse(slice_of("AAAAAAAAAAAAAAAAAAAAAA=="), &u),
			 0);
	assert_true(uuid_is_zero(u));
}

static void random_ones_never_look_like_an_option(void **state)
{
	struct seeded_random seeded;

	(void)state;
	seeded_random_init(&seeded, 2);
	for (int i = 0; i < 10000; i++) {
		struct uuid u = uuid_random(&seeded.random);
		char text[UUID_TEXT_LEN + 1];

		uuid_format(u, text);
		assert_true(text[0] != '-');
		assert_int_equal(u.bytes[6] >> 4, 4);
		assert_int_equal(u.bytes[8] >> 6, 2);
		assert_false(uuid_is_zero(u));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_kafkas),
		cmocka_unit_test(text_is_read_back),
		cmocka_unit_test(other_text_is_refused),
		cmocka_unit_test(random_ones_never_look_like_an_option),
	};

	return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
