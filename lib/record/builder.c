/*
 * builder.c - make a record batch, record by record
 *
 * As in Java the base timestamp is the first record's, so that deltas are
 * small and may be negative.
 */
#include "record/builder.h"

#include <assert.h>
#include <errno.h>

/* The batch length has 31 bits. */
enum { RECORDS_BYTES_MAX = INT32_MAX - BATCH_HEADER_BYTES };

void batch_builder_init(struct batch_builder *b)
{
	*b = (struct batch_builder){ 0 };
}

void batch_builder_clear(struct batch_builder *b)
{
	buffer_clear(&b->records);
	batch_builder_init(b);
}

void batch_builder_reset(struct batch_builder *b)
{
	buffer_reset(&b->records);
	b->count = 0;
}

/* A length and its bytes; null has length -1. */
static size_t sized_size(struct slice s)
{
	if (slice_is_null(s))
		return varint_size(-1);
	return varint_size((int64_t)s.len) + s.len;
}

static uint8_t *put_sized(uint8_t *to, struct slice s)
{
	if (slice_is_null(s))
		return to + varint_put(to, -1);
	to += varint_put(to, (int64_t)s.len);
	memcpy(to, s.data, s.len);
	return to + s.len;
}

/* Key, value and headers: what does not depend on the place in the batch. */
static size_t content_size(struct slice key, struct slice value,
			   const struct record_header *headers, int32_t count)
{
	size_t size = sized_size(key) + sized_size(value) + varint_size(count);

	for (int32_t i = 0; i < count; i++)
		size += sized_size(headers[i].key) +
			sized_size(headers[i].value);
	return size;
}

size_t record_size_max(struct slice key, struct slice value,
		       const struct record_header *headers, int32_t count)
{
	return VARINT32_BYTES_MAX + 1 + VARINT64_BYTES_MAX +
	       VARINT32_BYTES_MAX + content_size(key, value, headers, count);
}

size_t batch_builder_size(const struct batch_builder *b)
{
	return BATCH_HEADER_BYTES + b->records.len;
}

/* Room for a record of size bytes behind its length, which is written. */
static uint8_t *grow_by_record(struct buffer *records, size_t size)
{
	size_t prefix = varint_size((int64_t)size);
	uint8_t *to = buffer_grow(records, prefix + size);

	if (to == NULL)
		return NULL;
	return to + varint_put(to, (int64_t)size);
}

int batch_builder_add(struct batch_builder *b, int64_t timestamp_ms,
		      struct slice key, struct slice value,
		      const struct record_header *headers, int32_t count)
{
	int64_t delta_ms = 0;
	size_t size;
	uint8_t *to;

	assert(count >= 0);
	if (b->count > 0) /* wraps, as it does in Java */
		delta_ms = (int64_t)((uint64_t)timestamp_ms -
				     (uint64_t)b->base_timestamp_ms);
	size = 1 + varint_size(delta_ms) + varint_size(b->count) +
	       content_size(key, value, headers, count);
	if (size + VARINT32_BYTES_MAX > RECORDS_BYTES_MAX - b->records.len)
		return -E2BIG;
	to = grow_by_record(&b->records, size);
	if (to == NULL)
		return -ENOMEM;

	*to++ = 0; /* attributes */
	to += varint_put(to, delta_ms);
	to += varint_put(to, b->count);
	to = put_sized(to, key);
	to = put_sized(to, value);
	to += varint_put(to, count);
	for (int32_t i = 0; i < count; i++) {
		assert(!slice_is_null(headers[i].key));
		to = put_sized(to, headers[i].key);
		to = put_sized(to, headers[i].value);
	}
	assert(to == b->records.data + b->records.len);

	if (b->count == 0)
		b->base_timestamp_ms = timestamp_ms;
	if (b->count == 0 || timestamp_ms > b->max_timestamp_ms)
		b->max_timestamp_ms = timestamp_ms;
	b->count++;
	return 0;
}

/* Append the records, packed, and write the header in front of them. */
static int write_batch(const struct batch_builder *b,
		       const struct batch_params *params, struct buffer *out)
{
	size_t start = out->len;
	struct batch_header h = {
		.base_offset = params->base_offset,
		.leader_epoch = params->leader_epoch,
		.attributes =
			(int16_t)(params->attributes | (int16_t)params->codec),
		.last_offset_delta = b->count - 1,
		.base_timestamp_ms = b->base_timestamp_ms,
		.max_timestamp_ms = b->max_timestamp_ms,
		.producer_id = params->producer_id,
		.producer_epoch = params->producer_epoch,
		.base_sequence = params->base_sequence,
		.records_count = b->count,
	};
	int rc;

	if (buffer_grow(out, BATCH_HEADER_BYTES) == NULL)
		return -ENOMEM;
	rc = compress_bytes(params->codec, params->level,
			    buffer_slice(&b->records), out);
	if (rc < 0)
		return rc;
	if (out->len - start > INT32_MAX)
		return -E2BIG; /* UNTESTED: 2 GiB that do not compress */
	h.size = (uint32_t)(out->len - start);
	batch_header_write(out->data + start, &h);
	return 0;
}

int batch_builder_finish(const struct batch_builder *b,
			 const struct batch_params *params, struct buffer *out)
{
	const size_t before = out->len;
	int rc;

	assert(b->count > 0);
	assert((params->attributes & BATCH_CODEC_MASK) == 0);
	rc = write_batch(b, params, out);
	if (rc < 0)
		out->len = before;
	return rc;
}
