/*
 * partitioner.c - which partition a key belongs to
 *
 * Each gives the number that its namesake in librdkafka and Java gives, so
 * that clients of all kinds put a key into the same place.
 */
#include "client/partitioner.h"

#include <assert.h>
#include <errno.h>

#include "base/hash.h"

static const char *const names[] = {
	[PARTITIONER_RANDOM] = "random",
	[PARTITIONER_CONSISTENT] = "consistent",
	[PARTITIONER_CONSISTENT_RANDOM] = "consistent_random",
	[PARTITIONER_MURMUR2] = "murmur2",
	[PARTITIONER_MURMUR2_RANDOM] = "murmur2_random",
	[PARTITIONER_FNV1A] = "fnv1a",
	[PARTITIONER_FNV1A_RANDOM] = "fnv1a_random",
};

int partitioner_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], name) == 0)
			return (int)i;
	}
	return -EINVAL;
}

const char *partitioner_name(enum client_partitioner partitioner)
{
	assert(partitioner < sizeof(names) / sizeof(names[0]));
	return names[partitioner];
}

static const void *bytes_of(struct slice key)
{
	return key.data == NULL ? (const void *)"" : key.data;
}

static int32_t by_murmur2(struct slice key, int32_t count)
{
	uint32_t hash = hash_murmur2(bytes_of(key), key.len);

	return (int32_t)(hash & INT32_MAX) % count;
}

static int32_t by_crc32(struct slice key, int32_t count)
{
	uint32_t hash = hash_crc32(bytes_of(key), key.len);

	return (int32_t)(hash % (uint32_t)count);
}

/* Sarama's way, which librdkafka follows: the absolute remainder. */
static int32_t by_fnv1a(struct slice key, int32_t count)
{
	int32_t hash = (int32_t)hash_fnv1a(bytes_of(key), key.len);
	int32_t remainder = hash % count;

	return remainder < 0 ? -remainder : remainder;
}

int32_t partitioner_choose(enum client_partitioner partitioner,
			   struct slice key, int32_t count)
{
	bool is_null = slice_is_null(key);

	assert(count >= 1);
	switch (partitioner) {
	case PARTITIONER_CONSISTENT:
		return by_crc32(key, count);
	case PARTITIONER_CONSISTENT_RANDOM:
		return key.len == 0 ? -1 : by_crc32(key, count);
	case PARTITIONER_MURMUR2:
		return by_murmur2(key, count);
	case PARTITIONER_MURMUR2_RANDOM:
		return is_null ? -1 : by_murmur2(key, count);
	case PARTITIONER_FNV1A:
		return by_fnv1a(key, count);
	case PARTITIONER_FNV1A_RANDOM:
		return is_null ? -1 : by_fnv1a(key, count);
	default:
		return -1;
	}
}
