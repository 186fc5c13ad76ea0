/*
 * producer_queue.c - the batches of one partition, in order
 */
#include "client/producer_queue.h"

#include <assert.h>

void producer_queue_init(struct producer_queue *q)
{
	*q = (struct producer_queue){ .id = PRODUCER_ID_NONE };
	TAILQ_INIT(&q->batches);
}

bool producer_queue_is_empty(const struct producer_queue *q)
{
	return q->open == NULL && TAILQ_EMPTY(&q->batches);
}

void producer_queue_seal(struct producer_queue *q)
{
	struct producer_batch *b = q->open;

	assert(b != NULL && producer_batch_count(b) > 0);
	b->state = PRODUCER_BATCH_READY;
	TAILQ_INSERT_TAIL(&q->batches, b, next);
	q->open = NULL;
}

/* The oldest that is not with the broker. */
static struct producer_batch *first_ready(const struct producer_queue *q)
{
	struct producer_batch *b;

	TAILQ_FOREACH (b, &q->batches, next) {
		if (b->state == PRODUCER_BATCH_READY)
			return b;
	}
	return NULL;
}

static void start_sequences(struct producer_queue *q, struct producer_id id)
{
	q->is_established = q->is_established && q->id.id == id.id;
	q->id = id;
	q->next_sequence = 0;
	q->needs_bump = false;
}

static void number(struct producer_queue *q, struct producer_batch *b)
{
	b->has_sequence = true;
	b->id = q->id;
	b->base_sequence = q->next_sequence;
	b->stored_behind = 0;
	q->next_sequence = producer_sequence_after(q->next_sequence,
						   producer_batch_count(b));
	producer_batch_unmake(b);
}

/* Nothing is in flight: number what was numbered before in the new epoch. */
static void renumber(struct producer_queue *q)
{
	struct producer_batch *b;

	TAILQ_FOREACH (b, &q->batches, next) {
		if (b->has_sequence)
			number(q, b);
	}
}

/* Go on under another id or epoch; false when there is none yet. */
static bool bump(struct producer_queue *q, struct producer_id producer,
		 bool *new_id_out)
{
	struct producer_id next = q->id;

	if (producer.id != q->id.id) {
		next = producer;
	} else if (q->id.epoch < INT16_MAX) {
		next.epoch++;
	} else {
		*new_id_out = true;
		return false;
	}
	start_sequences(q, next);
	renumber(q);
	return true;
}

/* Is the queue's id one to send with?  Else take one, if that is possible. */
static bool settle_id(struct producer_queue *q, struct producer_id producer,
		      bool *new_id_out)
{
	if (producer.id < 0)
		return false;
	if (q->needs_bump)
		return q->in_flight == 0 && bump(q, producer, new_id_out);
	if (q->id.id < 0)
		start_sequences(q, producer);
	return true;
}

/*
 * May one more batch be sent, so that the broker would still know the oldest
 * again after it?  The oldest itself always may.
 */
static bool window_has_room(const struct producer_queue *q,
			    const struct producer_batch *candidate)
{
	const struct producer_batch *oldest = TAILQ_FIRST(&q->batches);
	const struct producer_batch *b = oldest;
	int behind;

	if (oldest == NULL || candidate == oldest)
		return true;
	if (!q->is_established)
		return q->in_flight == 0;
	behind = oldest->stored_behind + 1;
	while ((b = TAILQ_NEXT(b, next)) != NULL)
		behind += b != candidate && b->attempts > 0;
	return behind < PRODUCER_WINDOW;
}

struct producer_batch *producer_queue_next(
	struct producer_queue *q, const struct producer_queue_rules *rules,
	int64_t now_ms, bool is_due, bool *new_id_out)
{
	struct producer_batch *b = first_ready(q);

	*new_id_out = false;
	if (b == NULL && !(q->open != NULL && is_due))
		return NULL;
	if (b != NULL && b->retry_at_ms > now_ms)
		return NULL;
	if (rules->is_idempotent &&
	    (!settle_id(q, rules->id, new_id_out) || !window_has_room(q, b)))
		return NULL;
	if (b == NULL) {
		b = q->open;
		producer_queue_seal(q);
	}
	if (rules->is_idempotent && !b->has_sequence)
		number(q, b);
	return b;
}

void producer_queue_sent(struct producer_queue *q, struct producer_batch *b)
{
	assert(b->state == PRODUCER_BATCH_READY);
	b->state = PRODUCER_BATCH_IN_FLIGHT;
	b->attempts++;
	q->in_flight++;
}

static void came_back(struct producer_queue *q, struct producer_batch *b)
{
	assert(b->state == PRODUCER_BATCH_IN_FLIGHT);
	assert(q->in_flight > 0);
	q->in_flight--;
	b->state = PRODUCER_BATCH_READY;
}

static void take_out(struct producer_queue *q, struct producer_batch *b)
{
	if (b->state == PRODUCER_BATCH_IN_FLIGHT)
		came_back(q, b);
	TAILQ_REMOVE(&q->batches, b, next);
	b->state = PRODUCER_BATCH_OVER;
}

void producer_queue_stored(struct producer_queue *q, struct producer_batch *b)
{
	struct producer_batch *older = b;

	while ((older = TAILQ_PREV(older, producer_batch_list, next)) != NULL)
		older->stored_behind++;
	take_out(q, b);
	if (b->has_sequence && producer_id_equal(b->id, q->id))
		q->is_established = true;
}

void producer_queue_failed(struct producer_queue *q, struct producer_batch *b)
{
	/*
	 * Its numbers stay taken.  What follows is refused for the gap and
	 * then goes on in a new epoch, which is right whether this one was
	 * stored after all or not.
	 */
	take_out(q, b);
}

void producer_queue_retry(struct producer_queue *q, struct producer_batch *b,
			  int64_t retry_at_ms)
{
	came_back(q, b);
	b->retry_at_ms = retry_at_ms;
}

void producer_queue_refused(struct producer_queue *q, struct producer_batch *b,
			    int64_t retry_at_ms)
{
	bool is_current = b->has_sequence && producer_id_equal(b->id, q->id);

	producer_queue_retry(q, b, retry_at_ms);
	if (is_current && b == TAILQ_FIRST(&q->batches))
		q->needs_bump = true;
}

void producer_queue_replace(struct producer_queue *q, struct producer_batch *b,
			    struct producer_batch *first,
			    struct producer_batch *second)
{
	TAILQ_INSERT_AFTER(&q->batches, b, first, next);
	TAILQ_INSERT_AFTER(&q->batches, first, second, next);
	take_out(q, b);
}

struct producer_batch *producer_queue_expired(struct producer_queue *q,
					      int64_t created_ms)
{
	struct producer_batch *b = first_ready(q);

	if (b == NULL && q->open != NULL && q->open->created_ms <= created_ms) {
		producer_queue_seal(q);
		b = TAILQ_LAST(&q->batches, producer_batch_list);
	}
	return b != NULL && b->created_ms <= created_ms ? b : NULL;
}
