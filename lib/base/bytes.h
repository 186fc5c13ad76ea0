/*
 * bytes.h - slices, big-endian numbers and varints
 *
 * What every other module says about bytes: a slice names bytes that somebody
 * else owns; numbers on the wire and on disk are big endian; varints are
 * protobuf's, zigzagged where they are signed (KIP-98).
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Bytes owned by someone else.  data NULL is null, which is not the same as
 * empty: an empty slice has data and length 0.
 */
struct slice {
	const uint8_t *data;
	size_t len;
};

#define SLICE_NULL ((struct slice){ NULL, 0 })

/* The slice of a C string, without its NUL; NULL gives null. */
static inline struct slice slice_of(const char *text)
{
	return (struct slice){ (const uint8_t *)text,
			       text == NULL ? 0 : strlen(text) };
}

static inline bool slice_is_null(struct slice s)
{
	return s.data == NULL;
}

/* Equal bytes; null equals only null. */
static inline bool slice_equal(struct slice a, struct slice b)
{
	if (a.data == NULL || b.data == NULL)
		return a.data == b.data;
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static inline bool slice_is(struct slice s, const char *text)
{
	return slice_equal(s, slice_of(text));
}

static inline uint16_t get_be16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return be16toh(value);
}

static inline uint32_t get_be32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return be32toh(value);
}

static inline uint64_t get_be64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return be64toh(value);
}

static inline void put_be16(uint8_t *to, uint16_t value)
{
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
}

static inline void put_be32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
}

static inline void put_be64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
}

enum { VARINT32_BYTES_MAX = 5, VARINT64_BYTES_MAX = 10 };

static inline uint64_t zigzag_encode(int64_t value)
{
	return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t zigzag_decode(uint64_t value)
{
	return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Bytes that uvarint_put() writes for value: 1 to 10. */
static inline size_t uvarint_size(uint64_t value)
{
	unsigned bits = 64U - (unsigned)__builtin_clzll(value | 1);

	return (bits + 6) / 7;
}

/* Write value at to, where uvarint_size() bytes are free; returns the size. */
static inline size_t uvarint_put(uint8_t *to, uint64_t value)
{
	size_t n = 0;

	while (value >= 0x80) {
		to[n++] = (uint8_t)(value | 0x80);
		value >>= 7;
	}
	to[n++] = (uint8_t)value;
	return n;
}

/*
 * Read a uvarint of at most 64 bits from the len bytes at from.  Returns how
 * many bytes it takes, or 0 when it is cut off or too long.
 */
static inline size_t uvarint_get(const uint8_t *from, size_t len,
				 uint64_t *value_out)
{
	uint64_t value = 0;

	for (size_t n = 0; n < len && n < VARINT64_BYTES_MAX; n++) {
		uint64_t bits = from[n] & 0x7f;

		if (n == VARINT64_BYTES_MAX - 1 && bits > 1)
			return 0;
		value |= bits << (7 * n);
		if ((from[n] & 0x80) == 0) {
			*value_out = value;
			return n + 1;
		}
	}
	return 0;
}

static inline size_t varint_size(int64_t value)
{
	return uvarint_size(zigzag_encode(value));
}

static inline size_t varint_put(uint8_t *to, int64_t value)
{
	return uvarint_put(to, zigzag_encode(value));
}

/* As uvarint_get(), zigzagged. */
static inline size_t varint_get(const uint8_t *from, size_t len,
				int64_t *value_out)
{
	uint64_t raw;
	size_t n = uvarint_get(from, len, &raw);

	if (n > 0)
		*value_out = zigzag_decode(raw);
	return n;
}

#endif /* BASE_BYTES_H */
