/*
 * partitioner_test.c - tests of partitioner.c
 *
 * The hashes behind the numbers are Java's (UtilsTest of Apache Kafka),
 * CRC-32 and FNV-1a as published; the remainders are worked out by hand.
 */
#include "client/partitioner.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct golden {
	enum client_partitioner partitioner;
	const char *key;   /* NULL is null */
	int32_t partition; /* of 10 */
};

static const struct golden goldens[] = {
	/* murmur2: "21" -973932308, "foobar" -790332482, "abc" 479470107 */
	{ PARTITIONER_MURMUR2_RANDOM, "21", 0 },
	{ PARTITIONER_MURMUR2_RANDOM, "foobar", 6 },
	{ PARTITIONER_MURMUR2_RANDOM, "abc", 7 },
	{ PARTITIONER_MURMUR2, "foobar", 6 },
	/* An empty key hashes as one, also in Java: 0x106e08d9. */
	{ PARTITIONER_MURMUR2_RANDOM, "", 1 },
	{ PARTITIONER_MURMUR2, NULL, 1 },
	{ PARTITIONER_MURMUR2_RANDOM, NULL, -1 },
	/* CRC-32: "foobar" 0x9ef61f95, "" 0 */
	{ PARTITIONER_CONSISTENT, "foobar", 9 },
	{ PARTITIONER_CONSISTENT, NULL, 0 },
	{ PARTITIONER_CONSISTENT, "", 0 },
	{ PARTITIONER_CONSISTENT_RANDOM, "foobar", 9 },
	{ PARTITIONER_CONSISTENT_RANDOM, "", -1 },
	{ PARTITIONER_CONSISTENT_RANDOM, NULL, -1 },
	/* FNV-1a: "foobar" 0xbf9cf968 = -1080231576, "" 0x811c9dc5 */
	{ PARTITIONER_FNV1A, "foobar", 6 },
	{ PARTITIONER_FNV1A, NULL, 5 },
	{ PARTITIONER_FNV1A_RANDOM, "foobar", 6 },
	{ PARTITIONER_FNV1A_RANDOM, NULL, -1 },
	{ PARTITIONER_RANDOM, "foobar", -1 },
};

static void each_gives_what_its_namesake_gives(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		const struct golden *g = &goldens[i];
		int32_t p = partitioner_choose(g->partitioner, slice_of(g->key),
					       10);

		if (p != g->partition)
			fail_msg("%s of '%s' is %d, not %d",
				 partitioner_name(g->partitioner),
				 g->key == NULL ? "(null)" : g->key, p,
				 g->partition);
	}
}

static void a_partition_is_always_one_of_them(void **state)
{
	char key[16];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		int count = 1 + i % 7;

		snprintf(key, sizeof(key), "key-%d", i);
		for (enum client_partitioner p = PARTITIONER_CONSISTENT;
		     p <= PARTITIONER_FNV1A_RANDOM; p++)
			assert_in_range(
				partitioner_choose(p, slice_of(key), count), 0,
				count - 1);
	}
}

static void names_lead_there_and_back(void **state)
{
	(void)state;
	for (int p = PARTITIONER_RANDOM; p <= PARTITIONER_FNV1A_RANDOM; p++)
		assert_int_equal(partitioner_by_name(partitioner_name(
					 (enum client_partitioner)p)),
				 p);
	assert_int_equal(partitioner_by_name("roundrobin"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_gives_what_its_namesake_gives),
		cmocka_unit_test(a_partition_is_always_one_of_them),
		cmocka_unit_test(names_lead_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
