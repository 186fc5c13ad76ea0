/*
 * producer_batch.c - records that travel together, and back as a delivery
 *
 * An uncompressed batch is sent from where its records lie: only the header
 * is made, beside them, and its checksum goes over both.
 */
#include "client/producer_batch.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/crc32c.h"

struct producer_batch *producer_batch_new(void)
{
	struct producer_batch *batch = calloc(1, sizeof(*batch));

	if (batch == NULL)
		return NULL;
	batch_builder_init(&batch->builder);
	producer_batch_reset(batch);
	return batch;
}

void producer_batch_free(struct producer_batch *batch)
{
	if (batch == NULL)
		return;
	batch_builder_clear(&batch->builder);
	buffer_clear(&batch->packed);
	free(batch->opaques);
	free(batch);
}

void producer_batch_reset(struct producer_batch *batch)
{
	batch_builder_reset(&batch->builder);
	buffer_reset(&batch->packed);
	batch->has_failed = false;
	batch->state = PRODUCER_BATCH_OPEN;
	batch->created_ms = 0;
	batch->is_due = false;
	batch->retry_at_ms = 0;
	batch->attempts = 0;
	batch->reserved = 0;
	batch->has_sequence = false;
	batch->id = PRODUCER_ID_NONE;
	batch->base_sequence = -1;
	batch->stored_behind = 0;
	batch->is_made = false;
	batch->base_offset = -1;
	batch->log_append_time_ms = -1;
	batch->culprit = -1;
}

static int grow_opaques(struct producer_batch *batch)
{
	int32_t capacity =
		batch->opaque_capacity == 0 ? 16 : batch->opaque_capacity * 2;
	uint64_t *opaques = reallocarray(batch->opaques, (size_t)capacity,
					 sizeof(*opaques));

	if (opaques == NULL)
		return -ENOMEM;
	batch->opaques = opaques;
	batch->opaque_capacity = capacity;
	return 0;
}

int producer_batch_add(struct producer_batch *batch, int64_t timestamp_ms,
		       struct slice key, struct slice value,
		       const struct record_header *headers,
		       int32_t header_count, uint64_t opaque)
{
	int32_t at = batch->builder.count;
	int rc;

	assert(batch->state == PRODUCER_BATCH_OPEN);
	if (at == batch->opaque_capacity && grow_opaques(batch) < 0)
		return -ENOMEM;
	rc = batch_builder_add(&batch->builder, timestamp_ms, key, value,
			       headers, header_count);
	if (rc == 0)
		batch->opaques[at] = opaque;
	return rc;
}

/* Write the header of the records where they lie; see batch.h. */
static void write_header(struct producer_batch *batch, size_t size)
{
	const struct batch_builder *b = &batch->builder;
	uint8_t *to = batch->header;
	uint32_t crc;

	put_be64(to + BATCH_BASE_OFFSET, 0);
	put_be32(to + BATCH_LENGTH, (uint32_t)(size - BATCH_LENGTH_FROM));
	put_be32(to + BATCH_LEADER_EPOCH, (uint32_t)-1);
	to[BATCH_MAGIC] = 2;
	put_be16(to + BATCH_ATTRIBUTES, 0);
	put_be32(to + BATCH_LAST_OFFSET_DELTA, (uint32_t)(b->count - 1));
	put_be64(to + BATCH_BASE_TIMESTAMP, (uint64_t)b->base_timestamp_ms);
	put_be64(to + BATCH_MAX_TIMESTAMP, (uint64_t)b->max_timestamp_ms);
	put_be64(to + BATCH_PRODUCER_ID, (uint64_t)batch->id.id);
	put_be16(to + BATCH_PRODUCER_EPOCH, (uint16_t)batch->id.epoch);
	put_be32(to + BATCH_BASE_SEQUENCE, (uint32_t)batch->base_sequence);
	put_be32(to + BATCH_RECORDS_COUNT, (uint32_t)b->count);
	crc = crc32c(to + BATCH_CRC_FROM, BATCH_HEADER_BYTES - BATCH_CRC_FROM);
	crc = crc32c_update(crc, b->records.data, b->records.len);
	put_be32(to + BATCH_CRC, crc);
}

static int make_plain(struct producer_batch *batch)
{
	size_t size = batch_builder_size(&batch->builder);

	if (size > INT32_MAX)
		return -E2BIG;
	write_header(batch, size);
	batch->payload.parts[0] =
		(struct slice){ batch->header, BATCH_HEADER_BYTES };
	batch->payload.parts[1] = buffer_slice(&batch->builder.records);
	batch->size = size;
	return 0;
}

static int make_packed(struct producer_batch *batch, enum codec codec,
		       int level)
{
	struct batch_params params = {
		.leader_epoch = -1,
		.codec = codec,
		.level = level,
		.producer_id = batch->id.id,
		.producer_epoch = batch->id.epoch,
		.base_sequence = batch->base_sequence,
	};
	int rc;

	if (batch->packed.len > 0) {
		batch_set_producer(batch->packed.data, batch->id.id,
				   batch->id.epoch, batch->base_sequence);
	} else {
		rc = batch_builder_finish(&batch->builder, &params,
					  &batch->packed);
		if (rc < 0)
			return rc;
	}
	batch->payload.parts[0] = buffer_slice(&batch->packed);
	batch->payload.parts[1] = SLICE_NULL;
	batch->size = batch->packed.len;
	return 0;
}

int producer_batch_make(struct producer_batch *batch, enum codec codec,
			int level)
{
	int rc;

	if (batch->is_made)
		return 0;
	rc = codec == CODEC_NONE ? make_plain(batch)
				 : make_packed(batch, codec, level);
	batch->is_made = rc == 0;
	return rc;
}

void producer_batch_unmake(struct producer_batch *batch)
{
	batch->is_made = false;
}

/*
 * Walking records that we have encoded ourselves
 */

static int64_t take_varint(struct slice *at)
{
	int64_t value = 0;
	size_t n = varint_get(at->data, at->len, &value);

	assert(n > 0);
	at->data += n;
	at->len -= n;
	return value;
}

static struct slice take_bytes(struct slice *at, int64_t len)
{
	struct slice s = { at->data, len < 0 ? 0 : (size_t)len };

	if (len < 0)
		return SLICE_NULL;
	assert(at->len >= s.len);
	at->data += s.len;
	at->len -= s.len;
	return s;
}

int producer_delivery_next(const struct producer_delivery *delivery,
			   struct slice *at, struct record *record_out)
{
	struct slice body;

	if (at->len == 0)
		return 0;
	body = take_bytes(at, take_varint(at));
	take_bytes(&body, 1); /* attributes */
	record_out->timestamp_ms =
		(int64_t)((uint64_t)delivery->base_timestamp_ms +
			  (uint64_t)take_varint(&body));
	record_out->offset = take_varint(&body);
	record_out->key = take_bytes(&body, take_varint(&body));
	record_out->value = take_bytes(&body, take_varint(&body));
	record_out->header_count = (int32_t)take_varint(&body);
	record_out->headers = body;
	return 1;
}

void producer_batch_delivery(const struct producer_batch *batch,
			     struct producer_delivery *delivery_out)
{
	*delivery_out = (struct producer_delivery){
		.count = batch->builder.count,
		.opaques = batch->opaques,
		.error = batch->has_failed ? &batch->error : NULL,
		.base_offset = batch->base_offset,
		.log_append_time_ms = batch->log_append_time_ms,
		.culprit = batch->culprit,
		.size = batch->size,
		.records = buffer_slice(&batch->builder.records),
		.base_timestamp_ms = batch->builder.base_timestamp_ms,
	};
}

/* Add the record to batch; its headers are walked into an array. */
static int add_again(struct producer_batch *batch, const struct record *record,
		     uint64_t opaque)
{
	struct record_header few[16];
	struct record_header *headers = few;
	struct slice at = record->headers;
	int rc;

	if (record->header_count > 16)
		headers =
			calloc((size_t)record->header_count, sizeof(*headers));
	if (headers == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < record->header_count; i++) {
		rc = record_next_header(&at, &headers[i]);
		assert(rc == 1);
	}
	rc = producer_batch_add(batch, record->timestamp_ms, record->key,
				record->value, headers, record->header_count,
				opaque);
	if (headers != few)
		free(headers);
	return rc;
}

static void inherit(struct producer_batch *part,
		    const struct producer_batch *whole, int32_t records_before)
{
	part->state = PRODUCER_BATCH_READY;
	part->created_ms = whole->created_ms;
	part->owner = whole->owner;
	part->has_sequence = whole->has_sequence;
	part->id = whole->id;
	part->stored_behind = whole->stored_behind;
	part->reserved = batch_builder_size(&part->builder);
	if (whole->has_sequence)
		part->base_sequence = producer_sequence_after(
			whole->base_sequence, records_before);
}

int producer_batch_split(const struct producer_batch *batch,
			 struct producer_batch *first,
			 struct producer_batch *second)
{
	int32_t count = producer_batch_count(batch);
	size_t half = batch->builder.records.len / 2;
	struct producer_delivery whole;
	struct slice at;
	struct record record;
	int rc = 0;

	assert(count >= 2);
	producer_batch_delivery(batch, &whole);
	at = whole.records;
	for (int32_t i = 0; i < count && rc == 0; i++) {
		struct producer_batch *to = first;

		/* At least one record in each. */
		if (i > 0 &&
		    (i == count - 1 || producer_batch_count(second) > 0 ||
		     first->builder.records.len >= half))
			to = second;
		producer_delivery_next(&whole, &at, &record);
		rc = add_again(to, &record, batch->opaques[i]);
	}
	if (rc < 0)
		return rc;
	inherit(first, batch, 0);
	inherit(second, batch, producer_batch_count(first));
	return 0;
}

void producer_batch_fail(struct producer_batch *batch,
			 const struct client_error *error)
{
	assert(error->kind != CLIENT_OK);
	batch->has_failed = true;
	batch->error = *error;
}

int32_t producer_sequence_after(int32_t sequence, int32_t count)
{
	uint32_t next = (uint32_t)sequence + (uint32_t)count;

	return (int32_t)(next & INT32_MAX);
}
