/*
 * consumer_chunk.c - fetched bytes of one partition, record by record
 *
 * Aborted transactions as Kafka's own consumer sees them: a transaction in the
 * list begins at its first offset and ends at its producer's abort marker;
 * what its producer wrote between them is left out.
 */
#include "client/consumer_chunk.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "net/frame_conn.h"

enum { CONTROL_ABORT = 0, CONTROL_KEY_BYTES = 4 };

struct consumer_aborter {
	int64_t producer_id;
	bool is_aborting;
};

void consumer_frame_release(struct consumer_frame *frame)
{
	if (frame == NULL || --frame->holders > 0)
		return;
	frame_free(frame->frame);
	free(frame);
}

static int by_first_offset(const void *a, const void *b)
{
	const struct consumer_aborted *left = a;
	const struct consumer_aborted *right = b;

	return left->first_offset < right->first_offset
		       ? -1
		       : left->first_offset > right->first_offset;
}

static int by_producer(const void *a, const void *b)
{
	const struct consumer_aborter *left = a;
	const struct consumer_aborter *right = b;

	return left->producer_id < right->producer_id
		       ? -1
		       : left->producer_id > right->producer_id;
}

/* Whoever may be looked up for each batch is found in a sorted list: how long
 * it is, the broker says. */
static int take_aborted(struct consumer_chunk *chunk,
			const struct consumer_aborted *aborted, size_t count)
{
	chunk->aborted = calloc(count, sizeof(*aborted));
	chunk->aborters = calloc(count, sizeof(*chunk->aborters));
	if (chunk->aborted == NULL || chunk->aborters == NULL)
		return -ENOMEM;
	memcpy(chunk->aborted, aborted, count * sizeof(*aborted));
	qsort(chunk->aborted, count, sizeof(*aborted), by_first_offset);
	chunk->aborted_count = count;
	for (size_t i = 0; i < count; i++)
		chunk->aborters[i].producer_id = aborted[i].producer_id;
	qsort(chunk->aborters, count, sizeof(*chunk->aborters), by_producer);
	for (size_t i = 0; i < count; i++) {
		size_t n = chunk->aborter_count;

		if (n > 0 && chunk->aborters[n - 1].producer_id ==
				     chunk->aborters[i].producer_id)
			continue;
		chunk->aborters[chunk->aborter_count++] = chunk->aborters[i];
	}
	return 0;
}

struct consumer_chunk *consumer_chunk_new(
	struct consumer_frame *frame, struct slice records,
	const struct consumer_aborted *aborted, size_t aborted_count)
{
	struct consumer_chunk *chunk = calloc(1, sizeof(*chunk));

	if (chunk == NULL)
		return NULL;
	chunk->left = records;
	chunk->size = records.len;
	if (aborted_count > 0 &&
	    take_aborted(chunk, aborted, aborted_count) < 0) {
		consumer_chunk_free(chunk);
		return NULL;
	}
	chunk->frame = frame;
	if (frame != NULL)
		frame->holders++;
	return chunk;
}

void consumer_chunk_free(struct consumer_chunk *chunk)
{
	if (chunk == NULL)
		return;
	consumer_frame_release(chunk->frame);
	free(chunk->aborted);
	free(chunk->aborters);
	free(chunk);
}

/*
 * Transactions
 */

/* Set whether the producer is inside one, if it is in the list at all. */
static void set_aborting(struct consumer_chunk *chunk, int64_t producer_id,
			 bool is_aborting)
{
	struct consumer_aborter key = { .producer_id = producer_id };
	struct consumer_aborter *found = NULL;

	if (chunk->aborter_count > 0)
		found = bsearch(&key, chunk->aborters, chunk->aborter_count,
				sizeof(key), by_producer);
	if (found != NULL)
		found->is_aborting = is_aborting;
}

/* Let the aborted transactions begin that do so up to offset. */
static void begin_aborted(struct consumer_chunk *chunk, int64_t offset)
{
	while (chunk->aborted_seen < chunk->aborted_count) {
		const struct consumer_aborted *a =
			&chunk->aborted[chunk->aborted_seen];

		if (a->first_offset > offset)
			break;
		chunk->aborted_seen++;
		set_aborting(chunk, a->producer_id, true);
	}
}

/* What the one record of a control batch says: version, type. */
static int control_type(const struct record *record)
{
	if (record->key.len < CONTROL_KEY_BYTES)
		return -EBADMSG;
	return get_be16(record->key.data + 2);
}

static int take_control(struct consumer_chunk *chunk, struct slice batch,
			const struct consumer_chunk_rules *rules,
			struct record_iter **iter)
{
	struct record record;
	int rc;

	if (chunk->aborted_count == 0)
		return 0;
	rc = record_iter_reset(iter, batch, rules->decompressed_max);
	if (rc < 0)
		return rc;
	while ((rc = record_next(*iter, &record)) > 0) {
		if (control_type(&record) == CONTROL_ABORT)
			set_aborting(chunk, chunk->batch.producer_id, false);
	}
	return rc;
}

static bool is_aborted(const struct consumer_chunk *chunk)
{
	struct consumer_aborter key = { .producer_id =
						chunk->batch.producer_id };
	const struct consumer_aborter *found;

	if ((chunk->batch.attributes & BATCH_TRANSACTIONAL) == 0 ||
	    chunk->aborter_count == 0)
		return false;
	found = bsearch(&key, chunk->aborters, chunk->aborter_count,
			sizeof(key), by_producer);
	return found != NULL && found->is_aborting;
}

/*
 * Batches
 */

/*
 * The checksum does not cover the base offset: it may be any number.  There
 * has to be an offset behind the batch.
 */
static bool has_offsets(const struct batch_header *h)
{
	return h->base_offset >= 0 && h->last_offset_delta >= 0 &&
	       h->base_offset < INT64_MAX - h->last_offset_delta;
}

/* The next whole batch: 1, 0 when none is left, -EBADMSG. */
static int take_batch(struct consumer_chunk *chunk, struct slice *batch_out,
		      const char **problem_out)
{
	int rc = batch_header_read(chunk->left, &chunk->batch);

	if (rc == -EMSGSIZE || (rc == 0 && chunk->batch.size > chunk->left.len))
		return 0;
	if (rc < 0) {
		*problem_out = "not a record batch of version 2";
		return rc;
	}
	if (!has_offsets(&chunk->batch)) {
		*problem_out = "impossible offsets";
		return -EBADMSG;
	}
	*batch_out = (struct slice){ chunk->left.data, chunk->batch.size };
	chunk->left.data += chunk->batch.size;
	chunk->left.len -= chunk->batch.size;
	return 1;
}

static const char *problem_of(int rc)
{
	switch (rc) {
	case -E2BIG:
		return "unpacks to too much";
	case -ENOMEM:
		return "out of memory";
	default:
		return "malformed records";
	}
}

/* Go on to the next batch with records to hand out: 1, 0, or an error. */
static int next_batch(struct consumer_chunk *chunk,
		      const struct consumer_chunk_rules *rules,
		      struct record_iter **iter, int64_t *position,
		      const char **problem_out)
{
	struct slice batch;
	int rc;

	while ((rc = take_batch(chunk, &batch, problem_out)) > 0) {
		int64_t last = batch_last_offset(&chunk->batch);

		if (rules->check_crcs &&
		    !batch_crc_holds(batch.data, &chunk->batch)) {
			*problem_out = "wrong checksum";
			return -EBADMSG;
		}
		begin_aborted(chunk, last);
		rc = 0;
		if (chunk->batch.attributes & BATCH_CONTROL) {
			rc = take_control(chunk, batch, rules, iter);
		} else if (last >= *position && !is_aborted(chunk)) {
			rc = record_iter_reset(iter, batch,
					       rules->decompressed_max);
			chunk->in_batch = rc == 0;
		}
		if (rc < 0) {
			*problem_out = problem_of(rc);
			return rc;
		}
		if (chunk->in_batch)
			return 1;
		if (last >= *position)
			*position = last + 1;
	}
	return rc;
}

int consumer_chunk_next(struct consumer_chunk *chunk,
			const struct consumer_chunk_rules *rules,
			struct record_iter **iter, int64_t *position,
			struct record *record_out, const char **problem_out)
{
	int rc;

	for (;;) {
		if (!chunk->in_batch) {
			rc = next_batch(chunk, rules, iter, position,
					problem_out);
			if (rc <= 0)
				return rc;
		}
		while ((rc = record_next(*iter, record_out)) > 0) {
			if (record_out->offset < *position)
				continue;
			*position = record_out->offset + 1;
			return 1;
		}
		chunk->in_batch = false;
		if (rc < 0) {
			*problem_out = problem_of(rc);
			return rc;
		}
		if (batch_last_offset(&chunk->batch) >= *position)
			*position = batch_last_offset(&chunk->batch) + 1;
	}
}

void consumer_chunk_rewind(struct consumer_chunk *chunk)
{
	if (!chunk->in_batch)
		return;
	chunk->in_batch = false;
	chunk->left.data -= chunk->batch.size;
	chunk->left.len += chunk->batch.size;
}

int64_t consumer_chunk_end(struct slice records, int64_t start,
			   size_t *needed_out)
{
	struct batch_header h;
	int64_t end = start;
	bool is_first = true;

	*needed_out = 0;
	while (batch_header_read(records, &h) == 0 && has_offsets(&h)) {
		if (h.size > records.len) {
			if (is_first)
				*needed_out = h.size;
			break;
		}
		if (batch_last_offset(&h) >= end)
			end = batch_last_offset(&h) + 1;
		records.data += h.size;
		records.len -= h.size;
		is_first = false;
	}
	return end;
}
