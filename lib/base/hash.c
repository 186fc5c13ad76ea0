/*
 * hash.c - the hashes by which clients choose a partition, and our own
 *
 * The first three are fixed for ever by other people's clients.
 */
#include "base/hash.h"

#include <stdatomic.h>
#include <string.h>
#include <zlib.h>

#include "base/random.h"
#include "base/utf8.h"

static uint32_t get_le32(const uint8_t *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 |
	       (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint32_t hash_murmur2(const void *data, size_t len)
{
	const uint32_t m = 0x5bd1e995;
	const uint8_t *at = data;
	uint32_t h = 0x9747b28c ^ (uint32_t)len;

	for (; len >= 4; at += 4, len -= 4) {
		uint32_t k = get_le32(at) * m;

		k ^= k >> 24;
		h = (h * m) ^ (k * m);
	}
	if (len > 2)
		h ^= (uint32_t)at[2] << 16;
	if (len > 1)
		h ^= (uint32_t)at[1] << 8;
	if (len > 0)
		h = (h ^ at[0]) * m;

	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return h;
}

uint32_t hash_crc32(const void *data, size_t len)
{
	return (uint32_t)crc32_z(0, data == NULL ? (const void *)"" : data,
				 len);
}

uint32_t hash_crc32_update(uint32_t crc, const void *data, size_t len)
{
	return (uint32_t)crc32_z(crc, data, len);
}

uint32_t hash_fnv1a(const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t h = 0x811c9dc5;

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 0x01000193;
	return h;
}

/* Drawn at the first use, so that nobody can choose keys that collide. */
static uint64_t process_seed(void)
{
	static _Atomic uint64_t seed;
	uint64_t now = atomic_load_explicit(&seed, memory_order_relaxed);
	uint64_t drawn;

	if (now != 0)
		return now;
	drawn = random_u64(random_system()) | 1;
	if (atomic_compare_exchange_strong(&seed, &now, drawn))
		return drawn;
	return now;
}

/* The two halves of a product, folded: each bit of it sees all of both. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Code point of the character of n bytes at s. */
static uint32_t code_point(const uint8_t *s, size_t n)
{
	static const uint8_t masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s[0] & masks[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

int32_t hash_java(const void *data, size_t len)
{
	const uint8_t *s = data;
	uint32_t hash = 0;

	while (len > 0) {
		size_t n = utf8_len(s, len);
		uint32_t c = n == 0 ? 0xfffd : code_point(s, n);

		if (n == 0)
			n = 1;
		if (c >= 0x10000) {
			hash = hash * 31 + (0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + (c & 0x3ff);
		}
		hash = hash * 31 + c;
		s += n;
		len -= n;
	}
	return (int32_t)hash;
}

int32_t hash_java_positive(const void *data, size_t len)
{
	int32_t hash = hash_java(data, len);

	if (hash == INT32_MIN)
		return 0;
	return hash < 0 ? -hash : hash;
}

uint64_t hash_bytes(const void *data, size_t len)
{
	const uint64_t p = 0x9e3779b97f4a7c15;
	const uint64_t q = 0xd6e8feb86659fd93;
	const uint8_t *at = data;
	uint64_t h = process_seed() ^ (len * p);

	while (len > 0) {
		size_t n = len < sizeof(uint64_t) ? len : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, at, n);
		h = mix(h ^ word ^ q, p);
		at += n;
		len -= n;
	}
	return mix(h ^ p, q);
}
