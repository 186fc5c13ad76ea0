/*
 * producer_pump.c - what goes when
 *
 * The pump is the one place that sends: it closes the batches that are due,
 * and fills requests for each broker that has room under max.in.flight, one
 * batch of each partition in a request.  It runs after whatever may have
 * changed something.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "client/producer_state.h"

enum { REQUEST_BYTES_TARGET = 8 << 20 /* no further batch beyond it */ };

static int in_flight(const struct producer *p, int32_t node)
{
	const struct producer_call *call;
	int count = 0;

	TAILQ_FOREACH (call, &p->calls, next)
		count += call->node == node;
	return count;
}

/* When the open batch is to go although it is not full. */
static int64_t due_ms(const struct producer *p, const struct producer_batch *b)
{
	return b->is_due ? 0
			 : b->created_ms + (p->config->linger_us + 999) / 1000;
}

/* The partition's batch that is to go now, made; or NULL. */
static struct producer_batch *take_batch(struct producer *p,
					 struct producer_partition *pp,
					 int64_t now)
{
	const struct producer_queue_rules rules = {
		.is_idempotent = p->config->enable_idempotence,
		.id = p->id,
	};
	const struct producer_batch *was_open;
	struct producer_batch *b;
	struct client_error error;
	bool new_id;
	int rc;

	was_open = pp->queue.open;
	b = producer_queue_next(&pp->queue, &rules, now,
				was_open != NULL && due_ms(p, was_open) <= now,
				&new_id);
	if (b == was_open && pp->topic->sticky == pp->index)
		pp->topic->sticky = -1;
	if (new_id)
		p->needs_id = true;
	if (b == NULL)
		return NULL;
	rc = producer_batch_make(b, p->config->compression,
				 p->config->compression_level);
	if (rc == 0)
		return b;
	client_error_set(&error, CLIENT_REFUSED, rc, "cannot make a batch: %s",
			 strerror(-rc));
	producer_fail_batch(p, b, &error);
	return NULL;
}

/* Fill a request for the node with what waits for it; send it. */
static bool send_to(struct producer *p, int32_t node, int64_t now)
{
	struct producer_call *call = NULL;
	struct producer_partition *pp;
	struct producer_partition *next;
	size_t bytes = 0;

	p->round++;
	for (pp = TAILQ_FIRST(&p->active); pp != NULL; pp = next) {
		struct producer_batch *b;

		next = TAILQ_NEXT(pp, next);
		if (producer_leader_of(pp) != node || pp->served_in == p->round)
			continue;
		pp->served_in = p->round;
		if (bytes >= REQUEST_BYTES_TARGET)
			break;
		b = take_batch(p, pp, now);
		if (b == NULL)
			continue;
		if (call == NULL)
			call = producer_call_new(p, node);
		if (call == NULL || producer_call_add(call, b) < 0)
			break;
		bytes += b->size;
		/* Whoever was served stands behind the others next time. */
		TAILQ_REMOVE(&p->active, pp, next);
		TAILQ_INSERT_TAIL(&p->active, pp, next);
	}
	if (call == NULL)
		return false;
	if (call->count == 0 || producer_call_fill(call) < 0) {
		producer_call_free(
			call); /* out of memory: the timer tries again */
		return false;
	}
	producer_call_send(call);
	return true;
}

static void send_all(struct producer *p, int64_t now)
{
	size_t count;
	const struct client_node *nodes = client_nodes(p->client, &count);

	for (size_t i = 0; i < count; i++) {
		int32_t id = nodes[i].id;

		while (in_flight(p, id) < p->config->max_in_flight &&
		       send_to(p, id, now))
			nodes = client_nodes(p->client, &count);
	}
}

static void expire(struct producer *p, int64_t now)
{
	struct producer_partition *pp;
	struct producer_partition *next;
	struct producer_batch *b;

	if (p->config->delivery_timeout_ms == 0)
		return;
	for (pp = TAILQ_FIRST(&p->active); pp != NULL; pp = next) {
		next = TAILQ_NEXT(pp, next);
		while ((b = producer_queue_expired(
				&pp->queue,
				now - p->config->delivery_timeout_ms)) !=
		       NULL) {
			struct client_error error;
			char subject[PRODUCER_SUBJECT_MAX];

			producer_subject_of(b, subject, sizeof(subject));
			client_error_set(
				&error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				"%s: not delivered within %" PRId64 " ms%s%s",
				subject, p->config->delivery_timeout_ms,
				b->error.text[0] == '\0' ? "" : ": ",
				b->error.text);
			producer_fail_batch(p, b, &error);
		}
	}
}

/* When producer_pump() has something to do by itself, in ms from now; -1:
 * never. */
static int64_t next_pump_ms(struct producer *p, int64_t now)
{
	int64_t at = INT64_MAX;
	const struct producer_partition *pp;

	TAILQ_FOREACH (pp, &p->active, next) {
		const struct producer_batch *b =
			TAILQ_FIRST(&pp->queue.batches);
		const struct producer_batch *oldest = b;
		int64_t expiry = INT64_MAX;

		if (oldest == NULL)
			oldest = pp->queue.open;
		if (p->config->delivery_timeout_ms > 0)
			expiry = oldest->created_ms +
				 p->config->delivery_timeout_ms;
		if (expiry < at)
			at = expiry;
		if (b != NULL && b->retry_at_ms > now && b->retry_at_ms < at)
			at = b->retry_at_ms;
		if (pp->queue.open != NULL && due_ms(p, pp->queue.open) > now &&
		    due_ms(p, pp->queue.open) < at)
			at = due_ms(p, pp->queue.open);
	}
	if (p->needs_id && p->id_request == NULL && p->id_retry_at_ms < at)
		at = p->id_retry_at_ms;
	if (at == INT64_MAX)
		return -1;
	return at > now ? at - now : 1;
}

static bool lacks_leader(const struct producer *p)
{
	const struct producer_partition *pp;

	TAILQ_FOREACH (pp, &p->active, next) {
		int32_t leader = producer_leader_of(pp);

		if (leader < 0 || client_node(p->client, leader) == NULL)
			return true;
	}
	return false;
}

void producer_pump(struct producer *p)
{
	int64_t now = loop_now_ms(p->loop);
	int64_t ms;

	if (p->is_pumping)
		return;
	p->is_pumping = true;
	if (p->needs_id)
		producer_id_ask(p);
	send_all(p, now);
	if (lacks_leader(p))
		client_refresh(p->client);
	ms = next_pump_ms(p, now);
	if (!TAILQ_EMPTY(&p->over))
		ms = 0;
	if (ms >= 0)
		loop_timer_set(p->timer, ms);
	else
		loop_timer_stop(p->timer);
	p->is_pumping = false;
}

void producer_on_timer(void *arg)
{
	struct producer *p = arg;

	expire(p, loop_now_ms(p->loop));
	producer_pump(p);
	producer_deliver(p);
}
