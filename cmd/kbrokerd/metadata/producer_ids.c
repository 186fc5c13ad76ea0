/*
 * producer_ids.c - ids for idempotent producers, a block at a time
 *
 * At most one block is asked for at a time, when one is wanted and none is
 * left; all who come meanwhile wait for it.
 */
#include "producer_ids.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "wire/errors.h"
#include "wire/messages.h"

struct producer_ids {
	struct metadata *metadata;
	int32_t node_id;
	pthread_mutex_t lock;
	int64_t next, end;
	struct producer_ids_waiter *waiters;
	bool asking;
	/* What is asked, while asking. */
	struct metadata_change change;
	struct allocate_producer_ids_request request;
	struct allocate_producer_ids_response response;
	struct arena arena;
};

static void hook(struct producer_ids *ids, struct producer_ids_waiter *waiter)
{
	waiter->next = ids->waiters;
	waiter->prev = &ids->waiters;
	if (ids->waiters != NULL)
		ids->waiters->prev = &waiter->next;
	ids->waiters = waiter;
}

static void unhook(struct producer_ids_waiter *waiter)
{
	if (waiter->prev == NULL)
		return;
	*waiter->prev = waiter->next;
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	waiter->prev = NULL;
}

/* With the lock held: so nobody that is woken can have gone. */
static void wake_all(struct producer_ids *ids, int16_t error_code)
{
	while (ids->waiters != NULL) {
		struct producer_ids_waiter *waiter = ids->waiters;

		unhook(waiter);
		waiter->error_code = error_code;
		waiter->wake(waiter);
	}
}

static void on_block(struct metadata_change *change)
{
	struct producer_ids *ids = change->arg;

	pthread_mutex_lock(&ids->lock);
	if (ids->response.error_code == WIRE_NONE) {
		ids->next = ids->response.producer_id_start;
		ids->end = ids->next + ids->response.producer_id_len;
	}
	ids->asking = false;
	wake_all(ids, ids->response.error_code);
	pthread_mutex_unlock(&ids->lock);
}

static void ask(struct producer_ids *ids)
{
	const struct image *image = metadata_image(ids->metadata);
	const struct broker_image *self = image_broker(image, ids->node_id);

	wire_init(&allocate_producer_ids_request_desc, &ids->request);
	ids->request.broker_id = ids->node_id;
	ids->request.broker_epoch = self == NULL ? -1 : self->epoch;
	image_release(image);
	ids->change = (struct metadata_change){
		.api_key = 67,
		.request = &ids->request,
		.response = &ids->response,
		.arena = &ids->arena,
		.done = on_block,
		.arg = ids,
	};
	ids->asking = true;
	metadata_submit(ids->metadata, &ids->change);
}

int64_t producer_ids_take(struct producer_ids *ids,
			  struct producer_ids_waiter *waiter)
{
	int64_t id = -EAGAIN;

	pthread_mutex_lock(&ids->lock);
	if (ids->next < ids->end) {
		id = ids->next++;
	} else {
		hook(ids, waiter);
		if (!ids->asking)
			ask(ids);
	}
	pthread_mutex_unlock(&ids->lock);
	return id;
}

void producer_ids_unwait(struct producer_ids *ids,
			 struct producer_ids_waiter *waiter)
{
	pthread_mutex_lock(&ids->lock);
	unhook(waiter);
	pthread_mutex_unlock(&ids->lock);
}

struct producer_ids *producer_ids_new(struct metadata *m, int32_t node_id)
{
	struct producer_ids *ids = calloc(1, sizeof(*ids));

	if (ids == NULL)
		return NULL;
	ids->metadata = m;
	ids->node_id = node_id;
	pthread_mutex_init(&ids->lock, NULL);
	return ids;
}

void producer_ids_free(struct producer_ids *ids)
{
	if (ids == NULL)
		return;
	arena_clear(&ids->arena);
	pthread_mutex_destroy(&ids->lock);
	free(ids);
}
