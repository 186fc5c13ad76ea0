/*
 * producer.h - records to topics
 *
 * Records are encoded straight into a batch of their partition.  A batch goes
 * when it is full, when linger.ms is over, or at producer_flush(); while the
 * connection has max.in.flight requests under way it goes on filling.  With
 * enable.idempotence the batches of a partition are stored in the order of the
 * adds, each exactly once, whatever is tried again.  Without it what is tried
 * again may be stored twice, and (max.in.flight above 1) behind what came
 * later; retries=0 avoids both.
 *
 * Bytes are bounded: producer_add() says -EAGAIN at
 * queue.buffering.max.kbytes, and on_delivery() tells of room again.
 */
#ifndef CLIENT_PRODUCER_H
#define CLIENT_PRODUCER_H

#include "client/client.h"
#include "record/record.h"

struct producer;
struct producer_topic;

/*
 * The end of some records of one partition, which follow each other there:
 * all stored, or all failed.  Deliveries come as brokers answer: after trouble
 * one may come before that of earlier records, which were stored earlier.
 */
struct producer_delivery {
	const struct producer_topic *topic;
	int32_t partition;
	int32_t count;
	const uint64_t *opaques; /* as given to producer_add(), in order */
	/* NULL when stored.  The text says what and where, not which record. */
	const struct client_error *error;
	int64_t base_offset; /* of the first record; -1 when not known */
	/* Every record's timestamp with LogAppendTime, else -1: its own. */
	int64_t log_append_time_ms;
	int32_t culprit; /* index of the record that is at fault; -1: none */
	size_t size;     /* of the batch as sent, bytes; 0: it never was */
	/* Only for producer_delivery_next(). */
	struct slice records;
	int64_t base_timestamp_ms;
};

/*
 * Walk the records of a delivery: *at starts as delivery->records.  Returns 1
 * with the record (its offset counts from 0; slices valid during the
 * callback) or 0 at the end.
 */
int producer_delivery_next(const struct producer_delivery *delivery,
			   struct slice *at, struct record *record_out);

/*
 * on_delivery() is called from the loop only.  Asks for a producer id if
 * idempotent.  Returns 0 or -ENOMEM.
 */
int producer_new(struct client *client,
		 void (*on_delivery)(void *arg,
				     const struct producer_delivery *delivery),
		 void *arg, struct producer **producer_out);

/* What is not delivered yet is dropped without a call. */
void producer_free(struct producer *producer);

/*
 * Run the loop until the topic is known and has partitions.  The topic lives
 * as long as the producer; opened twice it is the same.  Errors as of
 * client_topic_load().
 */
int producer_topic_open(struct producer *producer, const char *name,
			int64_t timeout_ms, struct producer_topic **topic_out,
			struct client_error *error);

const char *producer_topic_name(const struct producer_topic *topic);
int32_t producer_topic_partitions(const struct producer_topic *topic);

/*
 * Add a record; its bytes are copied.  partition -1 leaves it to the
 * partitioner.  opaque comes back in the delivery.
 *
 * Returns 0, or with nothing added:
 *	-EAGAIN    the queue is full: let the loop run until a delivery
 *	-EMSGSIZE  larger than message.max.bytes
 *	-ERANGE    the topic has no such partition
 *	-ECANCELED the producer has failed for good: producer_failure()
 *	-ENOMEM
 */
int producer_add(struct producer *producer, struct producer_topic *topic,
		 int32_t partition, int64_t timestamp_ms, struct slice key,
		 struct slice value, const struct record_header *headers,
		 int32_t header_count, uint64_t opaque);

/* Which partition the record would go to now (a key's for good). */
int32_t producer_partition_for(struct producer *producer,
			       struct producer_topic *topic, struct slice key);

/* Let every open batch go as soon as it can; does not wait. */
void producer_flush(struct producer *producer);

/*
 * Flush, and run the loop until nothing is left or timeout_ms is over (below
 * 0 for ever: deliveries time out by themselves).  Returns 0, -ETIMEDOUT,
 * -EINTR when loop_stop() was called meanwhile, or -EIO.
 */
int producer_wait(struct producer *producer, int64_t timeout_ms);

/* Records and bytes accepted and not delivered yet. */
uint64_t producer_pending(const struct producer *producer);
uint64_t producer_pending_bytes(const struct producer *producer);

/* When the oldest of them was added, by loop_now_ms(); -1 for none. */
int64_t producer_oldest_ms(const struct producer *producer);

/* Why nothing can be produced any more (no right to, say), or NULL. */
const struct client_error *producer_failure(const struct producer *producer);

#endif /* CLIENT_PRODUCER_H */
