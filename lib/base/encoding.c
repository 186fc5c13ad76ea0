/*
 * encoding.c - bytes and numbers as text: base64, hex, decimal
 */
#include "base/encoding.h"

#include <errno.h>

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(struct buffer *out, struct slice bytes)
{
	size_t size = (bytes.len + 2) / 3 * 4;
	uint8_t *to = buffer_grow(out, size);
	const uint8_t *from = bytes.data;
	size_t i = 0;

	if (to == NULL)
		return;
	for (; i + 3 <= bytes.len; i += 3, to += 4) {
		uint32_t v = (uint32_t)from[i] << 16 |
			     (uint32_t)from[i + 1] << 8 | from[i + 2];

		to[0] = (uint8_t)base64_digits[v >> 18];
		to[1] = (uint8_t)base64_digits[v >> 12 & 63];
		to[2] = (uint8_t)base64_digits[v >> 6 & 63];
		to[3] = (uint8_t)base64_digits[v & 63];
	}
	if (i < bytes.len) {
		bool two = i + 2 == bytes.len;
		uint32_t v = (uint32_t)from[i] << 16 |
			     (two ? (uint32_t)from[i + 1] << 8 : 0);

		to[0] = (uint8_t)base64_digits[v >> 18];
		to[1] = (uint8_t)base64_digits[v >> 12 & 63];
		to[2] = two ? (uint8_t)base64_digits[v >> 6 & 63] : '=';
		to[3] = '=';
	}
}

/* The value of a digit of either alphabet, or -1. */
static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	if (c == '/' || c == '_')
		return 63;
	return -1;
}

int base64_decode(struct buffer *out, struct slice text)
{
	uint32_t bits = 0;
	size_t n = text.len;
	uint8_t *to;

	if (n % 4 == 0 && n > 0 && text.data[n - 1] == '=')
		n -= text.data[n - 2] == '=' ? 2 : 1;
	if (n % 4 == 1)
		return -EINVAL;
	to = buffer_reserve(out, n / 4 * 3 + 3);
	if (to == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int value = base64_value(text.data[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 == 3) {
			*to++ = (uint8_t)(bits >> 16);
			*to++ = (uint8_t)(bits >> 8);
			*to++ = (uint8_t)bits;
		}
	}
	if (n % 4 == 2)
		*to++ = (uint8_t)(bits >> 4);
	if (n % 4 == 3) {
		*to++ = (uint8_t)(bits >> 10);
		*to++ = (uint8_t)(bits >> 2);
	}
	buffer_commit(out, (size_t)(to - (out->data + out->len)));
	return 0;
}

void hex_encode(struct buffer *out, struct slice bytes)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t *to = buffer_grow(out, bytes.len * 2);

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes.len; i++) {
		*to++ = (uint8_t)digits[bytes.data[i] >> 4];
		*to++ = (uint8_t)digits[bytes.data[i] & 15];
	}
}

int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int hex_decode(struct buffer *out, struct slice text)
{
	uint8_t *to;

	if (text.len % 2 != 0)
		return -EINVAL;
	to = buffer_reserve(out, text.len / 2 + 1);
	if (to == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_value(text.data[i]);
		int low = hex_value(text.data[i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		to[i / 2] = (uint8_t)(high << 4 | low);
	}
	buffer_commit(out, text.len / 2);
	return 0;
}

void decimal_encode(struct buffer *out, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (value < 0)
		text[--at] = '-';
	buffer_put(out, text + at, sizeof(text) - at);
}
