/*
 * producer_queue.h - the batches of one partition, in order
 *
 * The core of the producer, without sockets and clock: which batch may go
 * next, with which sequence, and what the answer does to the others.  For
 * lib/client only.
 *
 * Rules, with idempotence:
 *  - Batches are numbered when they are sent first, and keep id and sequence
 *    through every retry, so that a broker knows what it has already.
 *  - A batch that is to be sent again goes before all that follow it.
 *  - Until a first batch has been stored there is one in flight only: a broker
 *    that knows nothing of a producer takes any sequence, so that a second
 *    batch could get in front of a first that failed.
 *  - A broker knows the last five batches of a producer again.  So from the
 *    oldest batch that is not known to be stored on no more than five are ever
 *    sent, those stored meanwhile included.
 *  - OUT_OF_ORDER_SEQUENCE (and its like) for the oldest batch proves that it
 *    is not stored and cannot be under its number: once nothing is in flight
 *    the partition goes on in the next epoch, from sequence 0.  For a younger
 *    batch it only says that an older one is missing.
 */
#ifndef CLIENT_PRODUCER_QUEUE_H
#define CLIENT_PRODUCER_QUEUE_H

#include "client/producer_batch.h"

enum { PRODUCER_WINDOW = 5 }; /* what a broker remembers */

struct producer_queue {
	struct producer_batch *open;        /* or NULL */
	struct producer_batch_list batches; /* READY and IN_FLIGHT */
	int in_flight;

	struct producer_id id;
	int32_t next_sequence;
	bool is_established; /* something is stored under id */
	bool needs_bump;
};

struct producer_queue_rules {
	bool is_idempotent;
	/* The producer's; NONE as long as it is not known. */
	struct producer_id id;
};

void producer_queue_init(struct producer_queue *q);
bool producer_queue_is_empty(const struct producer_queue *q);

/* The open batch, which has records, takes no more. */
void producer_queue_seal(struct producer_queue *q);

/*
 * The batch that is to be sent now, numbered; NULL when there is none.  The
 * open batch is sealed for it if is_due.  *new_id_out is set when the
 * producer's id has run out of epochs and the queue cannot go on without
 * another.
 */
struct producer_batch *producer_queue_next(
	struct producer_queue *q, const struct producer_queue_rules *rules,
	int64_t now_ms, bool is_due, bool *new_id_out);

/* It is on its way. */
void producer_queue_sent(struct producer_queue *q, struct producer_batch *b);

/* It is stored, or has failed for good: out of the queue. */
void producer_queue_stored(struct producer_queue *q, struct producer_batch *b);
void producer_queue_failed(struct producer_queue *q, struct producer_batch *b);

/* It came back: send it again, not before retry_at_ms. */
void producer_queue_retry(struct producer_queue *q, struct producer_batch *b,
			  int64_t retry_at_ms);

/* The same, as its sequence was refused. */
void producer_queue_refused(struct producer_queue *q, struct producer_batch *b,
			    int64_t retry_at_ms);

/* It came back, and first and second take its place; b is out. */
void producer_queue_replace(struct producer_queue *q, struct producer_batch *b,
			    struct producer_batch *first,
			    struct producer_batch *second);

/* A batch that is not in flight and older than created_ms: or NULL. */
struct producer_batch *producer_queue_expired(struct producer_queue *q,
					      int64_t created_ms);

#endif /* CLIENT_PRODUCER_QUEUE_H */
