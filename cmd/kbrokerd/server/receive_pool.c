/*
 * receive_pool.c - the receive buffers of one io thread
 *
 * A stack, so that the buffer used last, which is in the cache, is used next.
 */
#include "kbrokerd/server/receive_pool.h"

#include <assert.h>
#include <stdlib.h>

uint8_t *receive_pool_take(struct receive_pool *pool)
{
	uint8_t *buffer;

	if (pool->count > 0) {
		buffer = pool->spare[--pool->count];
		if (pool->idle > pool->count)
			pool->idle = pool->count;
	} else {
		buffer = malloc(RECEIVE_BYTES);
	}
	pool->held += buffer != NULL;
	return buffer;
}

void receive_pool_give(struct receive_pool *pool, uint8_t *buffer)
{
	assert(buffer != NULL && pool->held > 0);
	pool->held--;
	if (pool->count == RECEIVE_SPARE_MAX)
		free(buffer);
	else
		pool->spare[pool->count++] = buffer;
}

/* The idle ones are at the bottom of the stack. */
void receive_pool_trim(struct receive_pool *pool)
{
	size_t drop = pool->idle;

	if (drop == pool->count && drop > 0)
		drop--;
	for (size_t i = 0; i < drop; i++)
		free(pool->spare[i]);
	pool->count -= drop;
	for (size_t i = 0; i < pool->count; i++)
		pool->spare[i] = pool->spare[i + drop];
	pool->idle = pool->count;
}

void receive_pool_clear(struct receive_pool *pool)
{
	while (pool->count > 0)
		free(pool->spare[--pool->count]);
	pool->idle = 0;
}
