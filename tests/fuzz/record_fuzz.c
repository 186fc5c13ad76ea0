/*
 * record_fuzz.c - hostile record batches
 *
 * The input is a batch, whose size, magic, base offset and checksum are made
 * right first: a fuzzer does not guess a CRC, and behind it are the bugs.
 * What validation lets through must then be read, record by record, and be
 * valid again once it is built anew.
 */
#include <assert.h>
#include <stdlib.h>

#include "record/builder.h"

enum { UNPACKED_MAX = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Put a record into b as it is; false when it has more headers than fit. */
static bool copy_record(const struct record *r, struct batch_builder *b)
{
	struct record_header headers[64];
	struct slice left = r->headers;
	int32_t count = 0;
	int rc;

	while (count < 64 && record_next_header(&left, &headers[count]) == 1)
		count++;
	if (left.len > 0)
		return false;
	assert(count == r->header_count);
	rc = batch_builder_add(b, r->timestamp_ms, r->key, r->value, headers,
			       count);
	assert(rc == 0);
	return true;
}

static void check_valid(struct slice bytes)
{
	struct batch_header header;
	struct batch_fault fault;
	int rc = batch_validate(bytes, &batch_rules_default, &header, &fault);

	assert(rc == 0);
}

/* Read all records; those of a valid batch are all good. */
static void read_records(struct slice bytes, bool valid, int32_t count)
{
	const struct batch_params params = { .codec = CODEC_NONE };
	struct record_iter *iter;
	struct batch_builder b = { 0 };
	struct buffer built = { 0 };
	struct record r;
	int32_t seen = 0;
	bool whole = true;
	int rc = record_iter_new(bytes, UNPACKED_MAX, &iter);

	assert(!valid || rc == 0);
	if (rc < 0)
		return;
	while ((rc = record_next(iter, &r)) == 1) {
		assert(!valid || r.offset == seen);
		seen++;
		whole &= copy_record(&r, &b);
	}
	assert(!valid || (rc == 0 && seen == count));
	if (valid && whole) {
		rc = batch_builder_finish(&b, &params, &built);
		assert(rc == 0);
		check_valid(buffer_slice(&built));
	}
	buffer_clear(&built);
	batch_builder_clear(&b);
	record_iter_free(iter);
}

/* Make right what a sender always makes right. */
static void mend(uint8_t *batch, size_t size)
{
	batch_set_base_offset(batch, 0);
	put_be32(batch + BATCH_LENGTH, (uint32_t)size - BATCH_LENGTH_FROM);
	batch[BATCH_MAGIC] = 2;
	batch_set_crc(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct batch_rules rules = batch_rules_default;
	struct batch_header header;
	struct batch_fault fault;
	struct slice bytes = { malloc(size + 1), size };
	int rc;

	assert(bytes.data != NULL);
	memcpy((uint8_t *)bytes.data, data, size);
	if (size >= BATCH_HEADER_BYTES)
		mend((uint8_t *)bytes.data, size);
	rules.decompressed_max = UNPACKED_MAX;
	rc = batch_validate(bytes, &rules, &header, &fault);
	assert((rc == 0) == (fault.problem == BATCH_OK));
	read_records(bytes, rc == 0, rc == 0 ? header.records_count : 0);
	free((uint8_t *)bytes.data);
	return 0;
}
