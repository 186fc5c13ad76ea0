/*
 * receive_pool.h - the receive buffers of one io thread
 *
 * A connection holds one only while it is read from, or has a good part of a
 * request in it; so a few serve thousands, and the one in use stays in the
 * processor's cache.
 */
#ifndef KBROKERD_SERVER_RECEIVE_POOL_H
#define KBROKERD_SERVER_RECEIVE_POOL_H

#include <stddef.h>
#include <stdint.h>

enum {
	RECEIVE_BYTES = 320 << 10, /* stays in the L2 cache */
	RECEIVE_SPARE_MAX = 32
};

struct receive_pool {
	uint8_t *spare[RECEIVE_SPARE_MAX]; /* the last given one last */
	size_t count;
	size_t idle; /* of them, not used since the last trim */
	size_t held; /* taken and not given back */
};

/* A buffer of RECEIVE_BYTES, or NULL when out of memory. */
uint8_t *receive_pool_take(struct receive_pool *pool);
void receive_pool_give(struct receive_pool *pool, uint8_t *buffer);

/* Free what was not used since the last call, but one. */
void receive_pool_trim(struct receive_pool *pool);

void receive_pool_clear(struct receive_pool *pool);

#endif /* KBROKERD_SERVER_RECEIVE_POOL_H */
