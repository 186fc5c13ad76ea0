/*
 * uuid.h - 16 bytes that name a topic, a directory or a cluster
 *
 * As text Kafka writes them in 22 characters of URL-safe base64 without
 * padding (org.apache.kafka.common.Uuid).
 */
#ifndef BASE_UUID_H
#define BASE_UUID_H

#include "base/bytes.h"
#include "base/random.h"

enum { UUID_BYTES = 16, UUID_TEXT_LEN = 22 };

struct uuid {
	uint8_t bytes[UUID_BYTES];
};

#define UUID_ZERO ((struct uuid){ { 0 } })

static inline bool uuid_equal(struct uuid a, struct uuid b)
{
	return memcmp(a.bytes, b.bytes, UUID_BYTES) == 0;
}

static inline bool uuid_is_zero(struct uuid u)
{
	return uuid_equal(u, UUID_ZERO);
}

/* A version 4 uuid; never a reserved one, never one whose text starts "-". */
struct uuid uuid_random(struct random *random);

/* Writes 22 characters and a NUL. */
void uuid_format(struct uuid u, char text[UUID_TEXT_LEN + 1]);

/* Returns 0, or -EINVAL when text is not a uuid in Kafka's form. */
int uuid_parse(struct slice text, struct uuid *uuid_out);

#endif /* BASE_UUID_H */
