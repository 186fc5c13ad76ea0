/*
 * producer_state.c - what is known of the producers that wrote to a log
 *
 * The rules are Kafka's: a producer of which nothing is known may start with
 * any sequence (its records may have been deleted); a new epoch starts at 0;
 * an old epoch is refused; else the sequence must go on where it stopped.
 */
#include "log/producer_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/crc32c.h"

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

enum {
	SNAPSHOT_VERSION = 1,
	SNAPSHOT_CRC_AT = 2,
	SNAPSHOT_CRC_FROM = 6,
	SNAPSHOT_COUNT_AT = 6,
	SNAPSHOT_HEADER_BYTES = 10,
	SNAPSHOT_ENTRY_BYTES = 46,
};

struct producer_batch {
	int64_t last_offset;
	int64_t timestamp_ms;
	int32_t last_sequence;
	int32_t offset_delta;
};

struct producer {
	int64_t id;
	int64_t last_timestamp_ms;
	int64_t txn_first_offset; /* -1: no transaction is open */
	int32_t coordinator_epoch;
	int16_t epoch; /* -1: nothing known yet */
	uint8_t batch_count;
	struct producer_batch batches[PRODUCER_BATCHES_KEPT]; /* oldest first */
	UT_hash_handle hh;
};

static int32_t sequence_add(int32_t sequence, int32_t n)
{
	return (int32_t)(((uint32_t)sequence + (uint32_t)n) & INT32_MAX);
}

static int32_t first_sequence(const struct producer_batch *b)
{
	return (int32_t)(((uint32_t)b->last_sequence -
			  (uint32_t)b->offset_delta) &
			 INT32_MAX);
}

static const struct producer_batch *last_batch(const struct producer *p)
{
	return p->batch_count == 0 ? NULL : &p->batches[p->batch_count - 1];
}

static struct producer *find(const struct producer_state *state, int64_t id)
{
	struct producer *p;

	HASH_FIND(hh, state->producers, &id, sizeof(id), p);
	return p;
}

static struct producer *add(struct producer_state *state, int64_t id)
{
	struct producer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->id = id;
	p->last_timestamp_ms = -1;
	p->txn_first_offset = -1;
	p->coordinator_epoch = -1;
	p->epoch = -1;
	HASH_ADD(hh, state->producers, id, sizeof(p->id), p);
	if (p->hh.tbl == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static void drop(struct producer_state *state, struct producer *p)
{
	/* The last one takes the table with it, which is taken amiss.
	 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	HASH_DEL(state->producers, p);
	free(p);
}

void producer_state_clear(struct producer_state *state)
{
	struct producer *p = state->producers;

	/* The table first: its producers are linked without it. */
	HASH_CLEAR(hh, state->producers);
	while (p != NULL) {
		struct producer *next = p->hh.next;

		free(p);
		p = next;
	}
}

size_t producer_state_count(const struct producer_state *state)
{
	return HASH_COUNT(state->producers);
}

/* The batch of p with exactly these sequence numbers, or NULL. */
static const struct producer_batch *find_duplicate(
	const struct producer *p, const struct batch_header *header)
{
	int32_t last =
		sequence_add(header->base_sequence, header->last_offset_delta);

	if (p->epoch != header->producer_epoch)
		return NULL;
	for (uint8_t i = 0; i < p->batch_count; i++) {
		const struct producer_batch *b = &p->batches[i];

		if (first_sequence(b) == header->base_sequence &&
		    b->last_sequence == last)
			return b;
	}
	return NULL;
}

static enum log_refusal check_order(const struct producer *p,
				    const struct batch_header *header)
{
	const struct producer_batch *last = last_batch(p);

	if (p->epoch < 0)
		return LOG_REFUSED_NOT;
	if (header->producer_epoch < p->epoch)
		return LOG_REFUSED_EPOCH;
	if (header->producer_epoch > p->epoch)
		return header->base_sequence == 0 ? LOG_REFUSED_NOT
						  : LOG_REFUSED_SEQUENCE;
	if (header->base_sequence !=
	    (last == NULL ? 0 : sequence_add(last->last_sequence, 1)))
		return LOG_REFUSED_SEQUENCE;
	return LOG_REFUSED_NOT;
}

int producer_prepare(struct producer_state *state, int64_t producer_id,
		     struct producer **producer_out)
{
	struct producer *p = find(state, producer_id);

	if (p == NULL)
		p = add(state, producer_id);
	*producer_out = p;
	return p == NULL ? -ENOMEM : 0;
}

int producer_check(struct producer_state *state,
		   const struct batch_header *header,
		   struct producer **producer_out, int64_t *base_offset_out,
		   int64_t *last_offset_out, enum log_refusal *refusal_out)
{
	struct producer *p = find(state, header->producer_id);
	const struct producer_batch *duplicate;

	*refusal_out = LOG_REFUSED_NOT;
	if (p == NULL)
		return producer_prepare(state, header->producer_id,
					producer_out);
	duplicate = find_duplicate(p, header);
	if (duplicate != NULL) {
		*base_offset_out =
			duplicate->last_offset - duplicate->offset_delta;
		*last_offset_out = duplicate->last_offset;
		return 1;
	}
	*refusal_out = check_order(p, header);
	if (*refusal_out != LOG_REFUSED_NOT)
		return -ESTALE;
	*producer_out = p;
	return 0;
}

/* A new epoch forgets the batches of the old one. */
static void enter_epoch(struct producer *p, int16_t epoch)
{
	if (p->epoch == epoch)
		return;
	p->epoch = epoch;
	p->batch_count = 0;
}

static void push_batch(struct producer *p, struct producer_batch batch)
{
	if (p->batch_count == PRODUCER_BATCHES_KEPT) {
		memmove(p->batches, p->batches + 1,
			sizeof(p->batches) - sizeof(p->batches[0]));
		p->batch_count--;
	}
	p->batches[p->batch_count++] = batch;
}

void producer_commit(struct producer *producer,
		     const struct batch_header *header)
{
	enter_epoch(producer, header->producer_epoch);
	push_batch(producer,
		   (struct producer_batch){
			   .last_offset = batch_last_offset(header),
			   .timestamp_ms = header->max_timestamp_ms,
			   .last_sequence =
				   header->base_sequence < 0
					   ? header->base_sequence
					   : sequence_add(
						     header->base_sequence,
						     header->last_offset_delta),
			   .offset_delta = header->last_offset_delta,
		   });
	producer->last_timestamp_ms = header->max_timestamp_ms;
	if ((header->attributes & BATCH_TRANSACTIONAL) != 0 &&
	    producer->txn_first_offset < 0)
		producer->txn_first_offset = header->base_offset;
}

void producer_end_transaction(struct producer *producer,
			      const struct batch_header *header,
			      int32_t coordinator_epoch)
{
	enter_epoch(producer, header->producer_epoch);
	producer->coordinator_epoch = coordinator_epoch;
	producer->last_timestamp_ms = header->max_timestamp_ms;
	producer->txn_first_offset = -1;
}

void producer_abandon(struct producer_state *state, struct producer *producer)
{
	if (producer->epoch < 0)
		drop(state, producer);
}

void producer_state_expire(struct producer_state *state, int64_t before_ms)
{
	struct producer *p;
	struct producer *next;

	HASH_ITER(hh, state->producers, p, next)
	{
		if (p->txn_first_offset < 0 &&
		    p->last_timestamp_ms <= before_ms)
			drop(state, p);
	}
}

void producer_state_each(const struct producer_state *state,
			 void (*on_producer)(void *arg,
					     const struct log_producer *p),
			 void *arg)
{
	for (const struct producer *p = state->producers; p != NULL;
	     p = p->hh.next) {
		const struct producer_batch *last = last_batch(p);
		struct log_producer out = {
			.producer_id = p->id,
			.producer_epoch = p->epoch,
			.last_sequence =
				last == NULL ? -1 : last->last_sequence,
			.last_timestamp_ms = p->last_timestamp_ms,
			.coordinator_epoch = p->coordinator_epoch,
			.current_txn_start_offset = p->txn_first_offset,
		};

		on_producer(arg, &out);
	}
}

static void encode_producer(const struct producer *p, struct buffer *out)
{
	static const struct producer_batch none = {
		.last_offset = -1,
		.last_sequence = -1,
	};
	const struct producer_batch *last = last_batch(p);

	if (last == NULL)
		last = &none;
	buffer_put_be64(out, (uint64_t)p->id);
	buffer_put_be16(out, (uint16_t)p->epoch);
	buffer_put_be32(out, (uint32_t)last->last_sequence);
	buffer_put_be64(out, (uint64_t)last->last_offset);
	buffer_put_be32(out, (uint32_t)last->offset_delta);
	buffer_put_be64(out, (uint64_t)p->last_timestamp_ms);
	buffer_put_be32(out, (uint32_t)p->coordinator_epoch);
	buffer_put_be64(out, (uint64_t)p->txn_first_offset);
}

void producer_state_encode(const struct producer_state *state,
			   struct buffer *out)
{
	size_t start = out->len;
	uint32_t count = 0;

	buffer_put_be16(out, SNAPSHOT_VERSION);
	buffer_put_be32(out, 0);
	buffer_put_be32(out, 0);
	for (const struct producer *p = state->producers; p != NULL;
	     p = p->hh.next) {
		if (p->epoch < 0) /* its first batch is on its way */
			continue;
		encode_producer(p, out);
		count++;
	}
	if (out->failed)
		return;
	put_be32(out->data + start + SNAPSHOT_COUNT_AT, count);
	put_be32(out->data + start + SNAPSHOT_CRC_AT,
		 crc32c(out->data + start + SNAPSHOT_CRC_FROM,
			out->len - start - SNAPSHOT_CRC_FROM));
}

static int decode_producer(struct producer_state *state, const uint8_t *from)
{
	struct producer_batch last = {
		.last_sequence = (int32_t)get_be32(from + 10),
		.last_offset = (int64_t)get_be64(from + 14),
		.offset_delta = (int32_t)get_be32(from + 22),
		.timestamp_ms = (int64_t)get_be64(from + 26),
	};
	int64_t id = (int64_t)get_be64(from);
	struct producer *p;

	if (find(state, id) != NULL || last.offset_delta < 0)
		return -EBADMSG;
	p = add(state, id);
	if (p == NULL)
		return -ENOMEM;
	p->epoch = (int16_t)get_be16(from + 8);
	p->last_timestamp_ms = last.timestamp_ms;
	p->coordinator_epoch = (int32_t)get_be32(from + 34);
	p->txn_first_offset = (int64_t)get_be64(from + 38);
	if (last.last_offset >= 0)
		push_batch(p, last);
	return 0;
}

int producer_state_decode(struct producer_state *state, struct slice bytes)
{
	uint32_t count;
	int rc = 0;

	if (bytes.len < SNAPSHOT_HEADER_BYTES ||
	    get_be16(bytes.data) != SNAPSHOT_VERSION ||
	    get_be32(bytes.data + SNAPSHOT_CRC_AT) !=
		    crc32c(bytes.data + SNAPSHOT_CRC_FROM,
			   bytes.len - SNAPSHOT_CRC_FROM))
		return -EBADMSG;
	count = get_be32(bytes.data + SNAPSHOT_COUNT_AT);
	if (count != (bytes.len - SNAPSHOT_HEADER_BYTES) / SNAPSHOT_ENTRY_BYTES)
		return -EBADMSG;
	for (uint32_t i = 0; rc == 0 && i < count; i++)
		rc = decode_producer(state,
				     bytes.data + SNAPSHOT_HEADER_BYTES +
					     (size_t)i * SNAPSHOT_ENTRY_BYTES);
	if (rc < 0)
		producer_state_clear(state);
	return rc;
}
