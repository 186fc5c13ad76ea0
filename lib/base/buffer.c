/*
 * buffer.c - bytes that grow
 *
 * Capacity doubles, so that n puts cost n copies of a byte at most twice.
 * Once failed a buffer stays as it is until it is reset or cleared.
 */
#include "base/buffer.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BUFFER_FIRST_BYTES = 64, READ_BYTES = 4096 };

void buffer_init(struct buffer *b)
{
	*b = (struct buffer){ 0 };
}

void buffer_clear(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){ 0 };
}

void buffer_reset(struct buffer *b)
{
	b->len = 0;
	b->failed = false;
}

/* The capacity to grow to for need bytes; 0 when that is too many. */
static size_t next_capacity(size_t capacity, size_t need)
{
	if (capacity < BUFFER_FIRST_BYTES)
		capacity = BUFFER_FIRST_BYTES;
	while (capacity < need) {
		if (capacity > SIZE_MAX / 2)
			return 0;
		capacity *= 2;
	}
	return capacity;
}

uint8_t *buffer_reserve(struct buffer *b, size_t size)
{
	size_t capacity = 0;
	uint8_t *data;

	if (b->failed)
		return NULL;
	if (b->data != NULL && size <= b->capacity - b->len)
		return b->data + b->len;

	if (size <= SIZE_MAX - b->len)
		capacity = next_capacity(b->capacity, b->len + size);
	data = capacity == 0 ? NULL : realloc(b->data, capacity);
	if (data == NULL) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->capacity = capacity;
	return b->data + b->len;
}

uint8_t *buffer_grow(struct buffer *b, size_t size)
{
	uint8_t *at = buffer_reserve(b, size);

	if (at != NULL)
		buffer_commit(b, size);
	return at;
}

void buffer_put(struct buffer *b, const void *data, size_t len)
{
	uint8_t *at = buffer_grow(b, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void buffer_put_text(struct buffer *b, const char *text)
{
	buffer_put(b, text, strlen(text));
}

void buffer_put_u8(struct buffer *b, uint8_t value)
{
	buffer_put(b, &value, sizeof(value));
}

void buffer_put_be16(struct buffer *b, uint16_t value)
{
	uint8_t *at = buffer_grow(b, sizeof(value));

	if (at != NULL)
		put_be16(at, value);
}

void buffer_put_be32(struct buffer *b, uint32_t value)
{
	uint8_t *at = buffer_grow(b, sizeof(value));

	if (at != NULL)
		put_be32(at, value);
}

void buffer_put_be64(struct buffer *b, uint64_t value)
{
	uint8_t *at = buffer_grow(b, sizeof(value));

	if (at != NULL)
		put_be64(at, value);
}

void buffer_put_uvarint(struct buffer *b, uint64_t value)
{
	uint8_t *at = buffer_reserve(b, VARINT64_BYTES_MAX);

	if (at != NULL)
		buffer_commit(b, uvarint_put(at, value));
}

void buffer_put_varint(struct buffer *b, int64_t value)
{
	buffer_put_uvarint(b, zigzag_encode(value));
}

void buffer_printf(struct buffer *b, const char *format, ...)
{
	va_list args;
	uint8_t *at;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(len >= 0);

	at = buffer_reserve(b, (size_t)len + 1);
	if (at == NULL)
		return;
	va_start(args, format);
	vsnprintf((char *)at, (size_t)len + 1, format, args);
	va_end(args);
	buffer_commit(b, (size_t)len);
}

int buffer_read(struct buffer *b, int fd, size_t max)
{
	for (;;) {
		uint8_t *to = buffer_reserve(b, READ_BYTES);
		ssize_t n;

		if (to == NULL)
			return -ENOMEM;
		n = read(fd, to, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		buffer_commit(b, (size_t)n);
		if (b->len > max)
			return -EFBIG;
	}
}

void buffer_consume(struct buffer *b, size_t len)
{
	assert(len <= b->len);
	if (len == 0)
		return;
	b->len -= len;
	memmove(b->data, b->data + len, b->len);
}

const char *buffer_text(struct buffer *b)
{
	uint8_t *end = buffer_reserve(b, 1);

	if (end == NULL)
		return NULL;
	*end = '\0';
	return (const char *)b->data;
}
