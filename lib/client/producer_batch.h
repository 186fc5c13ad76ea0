/*
 * producer_batch.h - records that travel together, and back as a delivery
 *
 * For lib/client only.  Records are encoded where they are added; they stay
 * there, uncompressed, until the batch is delivered, so that it can be made
 * again for another producer epoch, be split, or be handed back.
 */
#ifndef CLIENT_PRODUCER_BATCH_H
#define CLIENT_PRODUCER_BATCH_H

#include <sys/queue.h>

#include "client/producer.h"
#include "record/builder.h"

/* Who sends: -1 and -1 without idempotence. */
struct producer_id {
	int64_t id;
	int16_t epoch;
};

#define PRODUCER_ID_NONE ((struct producer_id){ -1, -1 })

static inline bool producer_id_equal(struct producer_id a, struct producer_id b)
{
	return a.id == b.id && a.epoch == b.epoch;
}

enum producer_batch_state {
	PRODUCER_BATCH_OPEN,      /* takes records */
	PRODUCER_BATCH_READY,     /* to be sent, again perhaps */
	PRODUCER_BATCH_IN_FLIGHT, /* with a broker */
	PRODUCER_BATCH_OVER,      /* in no queue any more */
};

struct producer_batch {
	enum producer_batch_state state;
	struct batch_builder builder;
	uint64_t *opaques;
	int32_t opaque_capacity;

	int64_t created_ms;
	bool is_due; /* goes although it is not full */
	int64_t retry_at_ms;
	int attempts;    /* how often it was sent */
	size_t reserved; /* bytes that it counts for in the producer's queue */

	bool has_sequence;
	struct producer_id id;
	int32_t base_sequence;
	int stored_behind; /* batches numbered after it, stored before it */

	/* As it goes over the wire, once it is made. */
	bool is_made;
	uint8_t header[BATCH_HEADER_BYTES];
	struct buffer packed; /* header and records, where compressed */
	struct client_payload payload;
	size_t size;

	/* Its end. */
	int64_t base_offset;
	int64_t log_append_time_ms;
	int32_t culprit;
	bool has_failed;
	struct client_error error; /* why, or what went wrong so far */

	void *owner; /* for producer.c: the partition */
	TAILQ_ENTRY(producer_batch) next;
};

TAILQ_HEAD(producer_batch_list, producer_batch);

struct producer_batch *producer_batch_new(void);
void producer_batch_free(struct producer_batch *batch);

/* As new, memory kept. */
void producer_batch_reset(struct producer_batch *batch);

/* Returns 0, -ENOMEM or -E2BIG, with nothing added. */
int producer_batch_add(struct producer_batch *batch, int64_t timestamp_ms,
		       struct slice key, struct slice value,
		       const struct record_header *headers,
		       int32_t header_count, uint64_t opaque);

static inline int32_t producer_batch_count(const struct producer_batch *batch)
{
	return batch->builder.count;
}

/*
 * Make header and payload, with its id and sequence as they are now.  Made
 * again it is compressed no second time.  Returns 0, -ENOMEM, -E2BIG, -EIO.
 */
int producer_batch_make(struct producer_batch *batch, enum codec codec,
			int level);

/* It will be made anew, as id or sequence have changed. */
void producer_batch_unmake(struct producer_batch *batch);

/*
 * Move the records, two or more, into two fresh batches, about half the bytes
 * each, with the sequences that follow from the batch's own.  0 or -ENOMEM.
 */
int producer_batch_split(const struct producer_batch *batch,
			 struct producer_batch *first,
			 struct producer_batch *second);

/* What the batch says as a delivery; topic and partition are left out. */
void producer_batch_delivery(const struct producer_batch *batch,
			     struct producer_delivery *delivery_out);

/* Keep a copy of the error as the batch's end. */
void producer_batch_fail(struct producer_batch *batch,
			 const struct client_error *error);

/* Kafka counts sequences from 0 to INT32_MAX and then from 0 again. */
int32_t producer_sequence_after(int32_t sequence, int32_t count);

#endif /* CLIENT_PRODUCER_BATCH_H */
