/*
 * producer.c - records to topics
 *
 * Records go into the open batch of their partition's queue (see
 * producer_queue.h, which decides what may go), and the pump sends them (see
 * producer_state.h for the other files).
 *
 * Batches that are over go through the list "over", and are told by
 * producer_deliver(), which runs in events of the loop only: so an add() made
 * from within on_delivery() finds everything in order.
 */
#include "client/producer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/producer_state.h"

enum { SPARE_BATCHES_MAX = 32 };

int64_t producer_backoff_ms(const struct client_config *config, int attempts)
{
	int64_t ms = config->retry_backoff_ms;

	for (int i = 1; i < attempts && ms < config->retry_backoff_max_ms; i++)
		ms *= 2;
	return ms < config->retry_backoff_max_ms ? ms
						 : config->retry_backoff_max_ms;
}

/*
 * Batches
 */

struct producer_batch *producer_take_batch(struct producer_partition *pp)
{
	struct producer *p = pp->topic->producer;
	struct producer_batch *b = TAILQ_FIRST(&p->spares);

	if (b != NULL) {
		TAILQ_REMOVE(&p->spares, b, next);
		p->spare_count--;
	} else {
		b = producer_batch_new();
		if (b == NULL)
			return NULL;
	}
	b->owner = pp;
	b->created_ms = loop_now_ms(p->loop);
	return b;
}

void producer_give_batch(struct producer *p, struct producer_batch *b)
{
	if (p->spare_count == SPARE_BATCHES_MAX ||
	    b->builder.records.capacity > 4 * (size_t)p->config->batch_size) {
		producer_batch_free(b);
		return;
	}
	producer_batch_reset(b);
	TAILQ_INSERT_HEAD(&p->spares, b, next);
	p->spare_count++;
}

static void activate(struct producer_partition *pp)
{
	if (pp->is_active)
		return;
	pp->is_active = true;
	TAILQ_INSERT_TAIL(&pp->topic->producer->active, pp, next);
}

void producer_deactivate(struct producer_partition *pp)
{
	if (!pp->is_active || !producer_queue_is_empty(&pp->queue))
		return;
	pp->is_active = false;
	TAILQ_REMOVE(&pp->topic->producer->active, pp, next);
}

void producer_subject_of(const struct producer_batch *b, char *text,
			 size_t size)
{
	const struct producer_partition *pp = b->owner;

	snprintf(text, size, "topic '%s' partition %d", pp->topic->meta->name,
		 pp->index);
}

/* Tell what is over.  From events of the loop only. */
void producer_deliver(struct producer *p)
{
	struct producer_batch *b;

	while ((b = TAILQ_FIRST(&p->over)) != NULL) {
		const struct producer_partition *pp = b->owner;
		struct producer_delivery delivery;

		TAILQ_REMOVE(&p->over, b, next);
		p->pending -= (uint64_t)producer_batch_count(b);
		p->pending_bytes -= b->reserved;
		producer_batch_delivery(b, &delivery);
		delivery.topic = pp->topic;
		delivery.partition = pp->index;
		p->on_delivery(p->arg, &delivery);
		producer_give_batch(p, b);
	}
}

/* The batch, out of its queue, is over. */
void producer_finish(struct producer *p, struct producer_batch *b)
{
	producer_deactivate(b->owner);
	TAILQ_INSERT_TAIL(&p->over, b, next);
}

void producer_fail_batch(struct producer *p, struct producer_batch *b,
			 const struct client_error *error)
{
	struct producer_partition *pp = b->owner;

	producer_batch_fail(b, error);
	producer_queue_failed(&pp->queue, b);
	producer_finish(p, b);
}

/* Nothing can be produced any more; what is in flight may still succeed. */
void producer_fail_all(struct producer *p, const struct client_error *error)
{
	struct producer_partition *pp = TAILQ_FIRST(&p->active);
	struct producer_partition *next;
	struct producer_batch *b;

	p->has_failed = true;
	p->failure = *error;
	for (; pp != NULL; pp = next) {
		next = TAILQ_NEXT(pp, next);
		/* A future that is past for every batch. */
		while ((b = producer_queue_expired(&pp->queue, INT64_MAX)) !=
		       NULL)
			producer_fail_batch(p, b, error);
	}
}

void producer_seal(struct producer_partition *pp)
{
	producer_queue_seal(&pp->queue);
	if (pp->topic->sticky == pp->index)
		pp->topic->sticky = -1;
}

/*
 * Records
 */

static bool has_room(const struct producer *p, size_t size)
{
	const struct client_config *config = p->config;

	if (p->pending == 0)
		return true;
	if (config->queue_max_messages > 0 &&
	    p->pending >= (uint64_t)config->queue_max_messages)
		return false;
	return p->pending_bytes + size <=
	       (uint64_t)config->queue_max_kbytes * 1024;
}

/* The open batch, with room for size bytes more; or NULL on no memory. */
static struct producer_batch *batch_for(struct producer_partition *pp,
					size_t size)
{
	struct producer_batch *b = pp->queue.open;

	if (b != NULL &&
	    batch_builder_size(&b->builder) + size > pp->topic->batch_size) {
		producer_seal(pp);
		b = NULL;
	}
	if (b == NULL) {
		b = producer_take_batch(pp);
		pp->queue.open = b;
	}
	return b;
}

/* Take back an open batch that has no record yet. */
static void drop_if_empty(struct producer *p, struct producer_partition *pp)
{
	struct producer_batch *b = pp->queue.open;

	if (b == NULL || producer_batch_count(b) > 0)
		return;
	pp->queue.open = NULL;
	producer_give_batch(p, b);
}

int producer_add(struct producer *producer, struct producer_topic *topic,
		 int32_t partition, int64_t timestamp_ms, struct slice key,
		 struct slice value, const struct record_header *headers,
		 int32_t header_count, uint64_t opaque)
{
	const struct client_config *config = producer->config;
	size_t size = record_size_max(key, value, headers, header_count);
	struct producer_partition *pp;
	struct producer_batch *b;
	size_t grown;
	bool is_new;
	int rc;

	if (producer->has_failed)
		return -ECANCELED;
	if (size > (size_t)config->message_max_bytes)
		return -EMSGSIZE;
	if (partition >= topic->partition_count || partition < -1)
		return -ERANGE;
	if (!has_room(producer, size)) {
		/* Nothing more comes until some of it goes. */
		producer_flush(producer);
		return -EAGAIN;
	}
	if (partition < 0)
		partition = producer_partition_for(producer, topic, key);
	pp = topic->partitions[partition];
	is_new = pp->queue.open == NULL;
	b = batch_for(pp, size);
	if (b == NULL)
		return -ENOMEM;
	is_new |= producer_batch_count(b) == 0;
	rc = producer_batch_add(b, timestamp_ms, key, value, headers,
				header_count, opaque);
	if (rc < 0) {
		drop_if_empty(producer, pp);
		return rc == -E2BIG ? -EMSGSIZE : rc;
	}
	grown = batch_builder_size(&b->builder) - b->reserved;
	b->reserved += grown;
	producer->pending_bytes += grown;
	producer->pending++;
	activate(pp);
	if (batch_builder_size(&b->builder) >= topic->batch_size ||
	    producer_batch_count(b) >= config->batch_num_messages) {
		producer_seal(pp);
		is_new = true;
	}
	/* A new batch needs the timer, a full one may go. */
	if (is_new || config->linger_us == 0)
		producer_pump(producer);
	return 0;
}

void producer_flush(struct producer *producer)
{
	struct producer_partition *pp;

	TAILQ_FOREACH (pp, &producer->active, next) {
		if (pp->queue.open != NULL)
			pp->queue.open->is_due = true;
	}
	producer_pump(producer);
}

int producer_wait(struct producer *producer, int64_t timeout_ms)
{
	int64_t deadline = loop_now_ms(producer->loop) + timeout_ms;
	int rc;

	while (producer->pending > 0) {
		int64_t left = -1;

		producer_flush(producer);
		if (timeout_ms >= 0) {
			left = deadline - loop_now_ms(producer->loop);
			if (left <= 0)
				return -ETIMEDOUT;
		}
		rc = loop_run_once(producer->loop, left);
		if (rc < 0)
			return rc;
		if (loop_was_stopped(producer->loop))
			return -EINTR;
	}
	return 0;
}

uint64_t producer_pending(const struct producer *producer)
{
	return producer->pending;
}

uint64_t producer_pending_bytes(const struct producer *producer)
{
	return producer->pending_bytes;
}

int64_t producer_oldest_ms(const struct producer *producer)
{
	const struct producer_partition *pp;
	int64_t oldest = -1;

	TAILQ_FOREACH (pp, &producer->active, next) {
		const struct producer_batch *b =
			TAILQ_FIRST(&pp->queue.batches);

		if (b == NULL)
			b = pp->queue.open;
		if (oldest < 0 || b->created_ms < oldest)
			oldest = b->created_ms;
	}
	return oldest;
}

const struct client_error *producer_failure(const struct producer *producer)
{
	return producer->has_failed ? &producer->failure : NULL;
}

/*
 * Life
 */

static void on_metadata(void *arg, const struct client_error *error)
{
	struct producer *p = arg;

	(void)error;
	for (struct producer_topic *t = p->topics; t != NULL; t = t->next)
		producer_topic_grow(t); /* without memory: as before */
	producer_pump(p);
	producer_deliver(p);
}

int producer_new(struct client *client,
		 void (*on_delivery)(void *arg,
				     const struct producer_delivery *delivery),
		 void *arg, struct producer **producer_out)
{
	struct producer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->client = client;
	p->config = client_config(client);
	p->loop = client_loop(client);
	p->on_delivery = on_delivery;
	p->arg = arg;
	p->id = PRODUCER_ID_NONE;
	p->needs_id = p->config->enable_idempotence;
	p->watcher =
		(struct client_watcher){ .on_metadata = on_metadata, .arg = p };
	TAILQ_INIT(&p->active);
	TAILQ_INIT(&p->calls);
	TAILQ_INIT(&p->over);
	TAILQ_INIT(&p->spares);
	if (loop_timer_new(p->loop, producer_on_timer, p, &p->timer) < 0) {
		free(p);
		return -ENOMEM;
	}
	client_watch(client, &p->watcher);
	producer_pump(p);
	*producer_out = p;
	return 0;
}

void producer_batches_free(struct producer_batch_list *list)
{
	struct producer_batch *b;

	while ((b = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, b, next);
		producer_batch_free(b);
	}
}

void producer_free(struct producer *producer)
{
	struct producer_topic *t;
	struct producer_call *call;

	if (producer == NULL)
		return;
	client_unwatch(producer->client, &producer->watcher);
	client_request_free(producer->id_request);
	while ((call = TAILQ_FIRST(&producer->calls)) != NULL)
		producer_call_free(call);
	while ((t = producer->topics) != NULL) {
		producer->topics = t->next;
		producer_topic_free(t);
	}
	producer_batches_free(&producer->over);
	producer_batches_free(&producer->spares);
	loop_timer_free(producer->timer);
	free(producer);
}
