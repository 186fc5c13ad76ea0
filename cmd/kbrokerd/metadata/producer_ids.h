/*
 * producer_ids.h - ids for idempotent producers, a block at a time
 *
 * The controller hands out blocks; this node's share of them is handed on
 * from memory.  Any thread.
 */
#ifndef KBROKERD_METADATA_PRODUCER_IDS_H
#define KBROKERD_METADATA_PRODUCER_IDS_H

#include "kbrokerd/metadata/metadata.h"

struct producer_ids;

/* Someone who waits for a block; theirs, until woken or unhooked. */
struct producer_ids_waiter {
	void (*wake)(struct producer_ids_waiter *waiter); /* any thread */
	int16_t error_code; /* why there is no block; WIRE_NONE: take again */
	struct producer_ids_waiter *next, **prev; /* NULL prev: not hooked */
};

/* node_id: whose blocks they are.  NULL: no memory. */
struct producer_ids *producer_ids_new(struct metadata *m, int32_t node_id);

/* After the metadata has stopped: nothing is under way any more. */
void producer_ids_free(struct producer_ids *ids);

/* The next id; or -EAGAIN, and waiter is hooked until it is woken. */
int64_t producer_ids_take(struct producer_ids *ids,
			  struct producer_ids_waiter *waiter);

/* Unhook; harmless when it is not hooked.  After it returns the waiter is
 * not woken any more. */
void producer_ids_unwait(struct producer_ids *ids,
			 struct producer_ids_waiter *waiter);

#endif /* KBROKERD_METADATA_PRODUCER_IDS_H */
