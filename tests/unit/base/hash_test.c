/*
 * hash_test.c - tests of hash.c and crc32c.c, by other people's numbers
 */
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "base/crc32c.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* From Kafka's own test of its partitioner's hash, as Java's int. */
static void murmur2_is_javas(void **state)
{
	static const struct {
		const char *text;
		int32_t want;
	} cases[] = {
		{ "21", -973932308 },
		{ "foobar", -790332482 },
		{ "a-little-bit-long-string", -985981536 },
		{ "a-little-bit-longer-string", -1486304829 },
		{ "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
		  -58897971 },
		{ "abc", 479470107 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal((int32_t)hash_murmur2(cases[i].text,
						       strlen(cases[i].text)),
				 cases[i].want);
}

static void crc32_is_zlibs(void **state)
{
	(void)state;
	assert_int_equal(hash_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(hash_crc32("", 0), 0);
	assert_int_equal(hash_crc32(NULL, 0), 0);
}

static void fnv1a_is_the_one_of_32_bits(void **state)
{
	(void)state;
	assert_int_equal(hash_fnv1a("", 0), 0x811c9dc5);
	assert_int_equal(hash_fnv1a("a", 1), 0xe40c292c);
	assert_int_equal(hash_fnv1a("foobar", 6), 0xbf9cf968);
}

/* What jshell says of "text".hashCode(). */
static void java_hash_is_of_utf16(void **state)
{
	static const struct {
		const char *text;
		int32_t want, positive;
	} cases[] = {
		{ "", 0, 0 },
		{ "group", 98629247, 98629247 },
		{ "console-consumer-12345", 158455506, 158455506 },
		{ "polygenelubricants", INT32_MIN, 0 },
		{ "gr\xc3\xbc\xc3\x9f", 3186062, 3186062 },
		{ "\xf0\x9f\x98\x80", 1772899, 1772899 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t len = strlen(cases[i].text);

		assert_int_equal(hash_java(cases[i].text, len), cases[i].want);
		assert_int_equal(hash_java_positive(cases[i].text, len),
				 cases[i].positive);
	}
}

static void crc32c_is_castagnolis(void **state)
{
	/* RFC 3720, B.4 */
	uint8_t bytes[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32c("", 0), 0);
	assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
}

static void crc32c_goes_on_where_it_stopped(void **state)
{
	uint8_t bytes[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (size_t cut = 0; cut <= sizeof(bytes); cut += 37) {
		uint32_t crc = crc32c_update(0, bytes, cut);

		crc = crc32c_update(crc, bytes + cut, sizeof(bytes) - cut);
		assert_int_equal(crc, crc32c(bytes, sizeof(bytes)));
	}
}

static void own_hash_spreads(void **state)
{
	unsigned buckets[64] = { 0 };

	(void)state;
	assert_true(hash_bytes("ab", 2) == hash_bytes("ab", 2));
	assert_true(hash_bytes("ab", 2) != hash_bytes("ab\0", 3));
	assert_true(hash_bytes("", 0) != hash_bytes("\0", 1));
	for (int i = 0; i < 64000; i++) {
		char text[16];
		int len = snprintf(text, sizeof(text), "topic-%d", i);

		buckets[hash_bytes(text, (size_t)len) % 64]++;
	}
	for (int i = 0; i < 64; i++)
		assert_true(buckets[i] > 800 && buckets[i] < 1200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(murmur2_is_javas),
		cmocka_unit_test(crc32_is_zlibs),
		cmocka_unit_test(java_hash_is_of_utf16),
		cmocka_unit_test(fnv1a_is_the_one_of_32_bits),
		cmocka_unit_test(crc32c_is_castagnolis),
		cmocka_unit_test(crc32c_goes_on_where_it_stopped),
		cmocka_unit_test(own_hash_spreads),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
