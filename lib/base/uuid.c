/*
 * uuid.c - uuids as Kafka draws and writes them
 */
#include "base/uuid.h"

#include <errno.h>

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* What the first character, '-', makes of the first byte's upper six bits. */
enum { FIRST_IS_DASH = 62 };

struct uuid uuid_random(struct random *random)
{
	struct uuid u;

	do {
		random->fill(random, u.bytes, UUID_BYTES);
		/* A version and a variant: so it is no reserved one either. */
		u.bytes[6] = (uint8_t)((u.bytes[6] & 0x0f) | 0x40);
		u.bytes[8] = (uint8_t)((u.bytes[8] & 0x3f) | 0x80);
	} while (u.bytes[0] >> 2 == FIRST_IS_DASH);
	return u;
}

void uuid_format(struct uuid u, char text[UUID_TEXT_LEN + 1])
{
	unsigned bits = 0;
	int count = 0;
	size_t len = 0;

	for (size_t i = 0; i < UUID_BYTES; i++) {
		bits = bits << 8 | u.bytes[i];
		for (count += 8; count >= 6; count -= 6)
			text[len++] = alphabet[bits >> (count - 6) & 0x3f];
	}
	text[len++] = alphabet[bits << (6 - count) & 0x3f];
	text[len] = '\0';
}

int uuid_parse(struct slice text, struct uuid *uuid_out)
{
	struct uuid u;
	unsigned bits = 0;
	int count = 0;
	size_t len = 0;

	/* Padding is never written, but Kafka takes it. */
	if (text.len == UUID_TEXT_LEN + 2 && text.data[22] == '=' &&
	    text.data[23] == '=')
		text.len = UUID_TEXT_LEN;
	if (text.len != UUID_TEXT_LEN)
		return -EINVAL;
	for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
		const char *at =
			memchr(alphabet, text.data[i], sizeof(alphabet) - 1);

		if (at == NULL)
			return -EINVAL;
		bits = bits << 6 | (unsigned)(at - alphabet);
		count += 6;
		if (count >= 8 && len < UUID_BYTES) {
			count -= 8;
			u.bytes[len++] = (uint8_t)(bits >> count);
		}
	}
	*uuid_out = u;
	return 0;
}
