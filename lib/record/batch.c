/*
 * batch.c - the header of a record batch, read and patched where it lies
 *
 * Numbers go in and out byte by byte at the places that batch.h draws.  A
 * patch behind the checksum's start makes the checksum anew; whoever patches
 * has read the header before, so that the sizes here are asserted.
 */
#include "record/batch.h"

#include <assert.h>
#include <errno.h>

#include "base/crc32c.h"

/* The batch length of a batch without records. */
enum { BATCH_LENGTH_MIN = BATCH_HEADER_BYTES - BATCH_LENGTH_FROM };

enum { BATCH_MAGIC_2 = 2 };

int batch_header_read(struct slice bytes, struct batch_header *header_out)
{
	const uint8_t *b = bytes.data;
	int32_t length;

	if (bytes.len < BATCH_HEADER_BYTES)
		return -EMSGSIZE;
	length = (int32_t)get_be32(b + BATCH_LENGTH);
	if (length < BATCH_LENGTH_MIN || b[BATCH_MAGIC] != BATCH_MAGIC_2)
		return -EBADMSG;

	*header_out = (struct batch_header){
		.base_offset = (int64_t)get_be64(b + BATCH_BASE_OFFSET),
		.size = (uint32_t)length + BATCH_LENGTH_FROM,
		.leader_epoch = (int32_t)get_be32(b + BATCH_LEADER_EPOCH),
		.magic = (int8_t)b[BATCH_MAGIC],
		.crc = get_be32(b + BATCH_CRC),
		.attributes = (int16_t)get_be16(b + BATCH_ATTRIBUTES),
		.last_offset_delta =
			(int32_t)get_be32(b + BATCH_LAST_OFFSET_DELTA),
		.base_timestamp_ms =
			(int64_t)get_be64(b + BATCH_BASE_TIMESTAMP),
		.max_timestamp_ms = (int64_t)get_be64(b + BATCH_MAX_TIMESTAMP),
		.producer_id = (int64_t)get_be64(b + BATCH_PRODUCER_ID),
		.producer_epoch = (int16_t)get_be16(b + BATCH_PRODUCER_EPOCH),
		.base_sequence = (int32_t)get_be32(b + BATCH_BASE_SEQUENCE),
		.records_count = (int32_t)get_be32(b + BATCH_RECORDS_COUNT),
	};
	return 0;
}

void batch_header_write(uint8_t *b, const struct batch_header *h)
{
	assert(h->size >= BATCH_HEADER_BYTES);
	assert(h->size <= (uint32_t)INT32_MAX);
	put_be64(b + BATCH_BASE_OFFSET, (uint64_t)h->base_offset);
	put_be32(b + BATCH_LENGTH, h->size - BATCH_LENGTH_FROM);
	put_be32(b + BATCH_LEADER_EPOCH, (uint32_t)h->leader_epoch);
	b[BATCH_MAGIC] = BATCH_MAGIC_2;
	put_be16(b + BATCH_ATTRIBUTES, (uint16_t)h->attributes);
	put_be32(b + BATCH_LAST_OFFSET_DELTA, (uint32_t)h->last_offset_delta);
	put_be64(b + BATCH_BASE_TIMESTAMP, (uint64_t)h->base_timestamp_ms);
	put_be64(b + BATCH_MAX_TIMESTAMP, (uint64_t)h->max_timestamp_ms);
	put_be64(b + BATCH_PRODUCER_ID, (uint64_t)h->producer_id);
	put_be16(b + BATCH_PRODUCER_EPOCH, (uint16_t)h->producer_epoch);
	put_be32(b + BATCH_BASE_SEQUENCE, (uint32_t)h->base_sequence);
	put_be32(b + BATCH_RECORDS_COUNT, (uint32_t)h->records_count);
	batch_set_crc(b);
}

static uint32_t batch_crc(const uint8_t *batch, uint32_t size)
{
	return crc32c(batch + BATCH_CRC_FROM, size - BATCH_CRC_FROM);
}

bool batch_crc_holds(const uint8_t *batch, const struct batch_header *h)
{
	return batch_crc(batch, h->size) == h->crc;
}

void batch_set_crc(uint8_t *batch)
{
	uint32_t length = get_be32(batch + BATCH_LENGTH);

	assert(length >= BATCH_LENGTH_MIN);
	put_be32(batch + BATCH_CRC,
		 batch_crc(batch, length + BATCH_LENGTH_FROM));
}

void batch_set_base_offset(uint8_t *batch, int64_t base_offset)
{
	put_be64(batch + BATCH_BASE_OFFSET, (uint64_t)base_offset);
}

void batch_set_leader_epoch(uint8_t *batch, int32_t leader_epoch)
{
	put_be32(batch + BATCH_LEADER_EPOCH, (uint32_t)leader_epoch);
}

static void set_max_timestamp(uint8_t *batch, int64_t max_timestamp_ms,
			      bool log_append_time)
{
	uint16_t attributes = get_be16(batch + BATCH_ATTRIBUTES);
	uint16_t wanted = attributes & (uint16_t)~BATCH_LOG_APPEND_TIME;

	if (log_append_time)
		wanted |= BATCH_LOG_APPEND_TIME;
	if (attributes == wanted &&
	    get_be64(batch + BATCH_MAX_TIMESTAMP) == (uint64_t)max_timestamp_ms)
		return;
	put_be16(batch + BATCH_ATTRIBUTES, wanted);
	put_be64(batch + BATCH_MAX_TIMESTAMP, (uint64_t)max_timestamp_ms);
	batch_set_crc(batch);
}

void batch_set_create_time(uint8_t *batch, int64_t max_timestamp_ms)
{
	set_max_timestamp(batch, max_timestamp_ms, false);
}

void batch_set_log_append_time(uint8_t *batch, int64_t now_ms)
{
	set_max_timestamp(batch, now_ms, true);
}

void batch_set_producer(uint8_t *batch, int64_t producer_id,
			int16_t producer_epoch, int32_t base_sequence)
{
	put_be64(batch + BATCH_PRODUCER_ID, (uint64_t)producer_id);
	put_be16(batch + BATCH_PRODUCER_EPOCH, (uint16_t)producer_epoch);
	put_be32(batch + BATCH_BASE_SEQUENCE, (uint32_t)base_sequence);
	batch_set_crc(batch);
}
