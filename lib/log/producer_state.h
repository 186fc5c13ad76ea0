/*
 * producer_state.h - what is known of the producers that wrote to a log
 *
 * Idempotent producers number their batches, for each partition from 0 on.
 * The log remembers of each producer id its epoch and its last five batches:
 * a batch that was sent twice is found among them, one that leaves a gap is
 * refused.  Sequence numbers go from INT32_MAX to 0.
 *
 * The state at an offset is kept in <offset>.snapshot, in Kafka's form, big
 * endian:
 *
 *	at  width  field
 *	 0    2    version, 1
 *	 2    4    CRC-32C of every byte from 6 to the end
 *	 6    4    count of entries, of 46 bytes each:
 *	      8    producer id
 *	      2    producer epoch
 *	      4    last sequence             -1: none
 *	      8    last offset               -1: none
 *	      4    offset delta of the last batch
 *	      8    last timestamp, ms
 *	      4    coordinator epoch         -1: none
 *	      8    first offset of the open transaction, -1: none
 *
 * Of five batches a snapshot keeps the last one.
 */
#ifndef LOG_PRODUCER_STATE_H
#define LOG_PRODUCER_STATE_H

#include "base/buffer.h"
#include "log/log.h"

enum { PRODUCER_BATCHES_KEPT = 5 };

struct producer;

struct producer_state {
	struct producer *producers; /* a hash by producer id */
};

/* All zeroes is an empty one. */
void producer_state_clear(struct producer_state *state);

size_t producer_state_count(const struct producer_state *state);

/*
 * May the batch be appended?  Finds or makes its producer, so that
 * producer_commit() cannot fail; give up with producer_abandon().
 *
 * Returns 0; 1 when the batch was sent before, with the offsets it got then;
 * -ESTALE with *refusal_out; or -ENOMEM.  *producer_out is set with 0 only.
 */
int producer_check(struct producer_state *state,
		   const struct batch_header *header,
		   struct producer **producer_out, int64_t *base_offset_out,
		   int64_t *last_offset_out, enum log_refusal *refusal_out);

/* As producer_check(), for what is not to be checked. */
int producer_prepare(struct producer_state *state, int64_t producer_id,
		     struct producer **producer_out);

/* The batch is in the log; header has the offsets that it got. */
void producer_commit(struct producer *producer,
		     const struct batch_header *header);

/* A control batch ended the producer's transaction. */
void producer_end_transaction(struct producer *producer,
			      const struct batch_header *header,
			      int32_t coordinator_epoch);

/* It was not appended: a producer that has nothing is dropped again. */
void producer_abandon(struct producer_state *state, struct producer *producer);

/* Drop those without an open transaction that wrote nothing after
 * before_ms. */
void producer_state_expire(struct producer_state *state, int64_t before_ms);

void producer_state_each(const struct producer_state *state,
			 void (*on_producer)(void *arg,
					     const struct log_producer *p),
			 void *arg);

/* The bytes of a snapshot, to the end of out. */
void producer_state_encode(const struct producer_state *state,
			   struct buffer *out);

/* Fill an empty state.  Returns 0, -EBADMSG or -ENOMEM, the state being empty
 * then. */
int producer_state_decode(struct producer_state *state, struct slice bytes);

#endif /* LOG_PRODUCER_STATE_H */
