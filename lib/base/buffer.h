/*
 * buffer.h - bytes that grow
 *
 * Appending never fails on the spot: a buffer that could not grow remembers
 * it in failed and drops what follows, so that an encoder is a plain list of
 * puts with one check at its end.
 */
#ifndef BASE_BUFFER_H
#define BASE_BUFFER_H

#include "base/bytes.h"

struct buffer {
	uint8_t *data;
	size_t len;
	size_t capacity;
	bool failed; /* out of memory: contents are cut, drop them */
};

/* An empty buffer is all zeroes; init is for one that is not. */
void buffer_init(struct buffer *b);

/* Give the memory back; the buffer is empty and usable again. */
void buffer_clear(struct buffer *b);

/* Forget the bytes and the failure, keep the memory. */
void buffer_reset(struct buffer *b);

/*
 * Make room for size more bytes and return where they go, without counting
 * them in; NULL when out of memory (failed is set).
 */
uint8_t *buffer_reserve(struct buffer *b, size_t size);

/* Count in size bytes written after buffer_reserve(). */
static inline void buffer_commit(struct buffer *b, size_t size)
{
	b->len += size;
}

/* Reserve and commit: where size fresh bytes lie, or NULL. */
uint8_t *buffer_grow(struct buffer *b, size_t size);

void buffer_put(struct buffer *b, const void *data, size_t len);
void buffer_put_text(struct buffer *b, const char *text);
void buffer_put_u8(struct buffer *b, uint8_t value);
void buffer_put_be16(struct buffer *b, uint16_t value);
void buffer_put_be32(struct buffer *b, uint32_t value);
void buffer_put_be64(struct buffer *b, uint64_t value);
void buffer_put_uvarint(struct buffer *b, uint64_t value);
void buffer_put_varint(struct buffer *b, int64_t value);

/* printf(3) to the end; no NUL is counted. */
__attribute__((format(printf, 2, 3))) void buffer_printf(struct buffer *b,
							 const char *format,
							 ...);

/*
 * Append all that can be read from the descriptor.  Returns 0, -ENOMEM, -EFBIG
 * when b gets longer than max, or an error of read(2).
 */
int buffer_read(struct buffer *b, int fd, size_t max);

/* Drop the first len bytes; the rest moves to the front. */
void buffer_consume(struct buffer *b, size_t len);

/*
 * End the text with a NUL that is not counted and return it; NULL when out of
 * memory.  The text is the buffer's.
 */
const char *buffer_text(struct buffer *b);

static inline struct slice buffer_slice(const struct buffer *b)
{
	return (struct slice){ b->data, b->len };
}

#endif /* BASE_BUFFER_H */
