/*
 * digest.c - SHA-2 and HMAC: what credentials are made of (RFC 5802)
 *
 * By nettle, which costs next to nothing until it is used: libcrypto would
 * add a megabyte and a half to a program that only links it.  No other file
 * knows.
 */
#include "base/digest.h"

#include <assert.h>

#include <nettle/hmac.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>

/* Room for any state of nettle's hashes that we use. */
union state {
	struct sha256_ctx sha256;
	struct sha512_ctx sha512;
};

static const struct nettle_hash *hash_of(enum digest digest)
{
	return digest == DIGEST_SHA256 ? &nettle_sha256 : &nettle_sha512;
}

size_t digest_size(enum digest digest)
{
	return hash_of(digest)->digest_size;
}

void digest_hash(enum digest digest, struct slice data, uint8_t *out)
{
	const struct nettle_hash *hash = hash_of(digest);
	union state state;

	assert(hash->context_size <= sizeof(state));
	hash->init(&state);
	hash->update(&state, data.len, data.data);
	hash->digest(&state, hash->digest_size, out);
}

void digest_hmac(enum digest digest, struct slice key, struct slice data,
		 uint8_t *out)
{
	const struct nettle_hash *hash = hash_of(digest);
	union state outer;
	union state inner;
	union state state;

	hmac_set_key(&outer, &inner, &state, hash, key.len, key.data);
	hmac_update(&state, hash, data.len, data.data);
	hmac_digest(&outer, &inner, &state, hash, hash->digest_size, out);
	explicit_bzero(&outer, sizeof(outer));
	explicit_bzero(&inner, sizeof(inner));
	explicit_bzero(&state, sizeof(state));
}
