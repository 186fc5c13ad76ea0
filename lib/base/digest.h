/*
 * digest.h - SHA-2 and HMAC: what credentials are made of (RFC 5802)
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include "base/bytes.h"

enum digest { DIGEST_SHA256, DIGEST_SHA512 };

enum { DIGEST_SIZE_MAX = 64 };

/* Bytes that come out: 32 or 64. */
size_t digest_size(enum digest digest);

/* Write digest_size() bytes to out. */
void digest_hash(enum digest digest, struct slice data, uint8_t *out);

/* The same with a key of any length (RFC 2104). */
void digest_hmac(enum digest digest, struct slice key, struct slice data,
		 uint8_t *out);

#endif /* BASE_DIGEST_H */
