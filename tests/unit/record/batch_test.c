/*
 * batch_test.c - tests of batch.c: the header and its patches
 */
#include "record/batch.h"

#include "batches.h"

#include <errno.h>

#include "base/crc32c.h"

/* The header */

static void header_is_read_as_it_was_written(void **state)
{
	const struct batch_header want = {
		.base_offset = 0x0102030405060708,
		.size = 100,
		.leader_epoch = 0x0a0b0c0d,
		.attributes = 0x0011,
		.last_offset_delta = 99,
		.base_timestamp_ms = 1700000000000,
		.max_timestamp_ms = 1700000000001,
		.producer_id = 4711,
		.producer_epoch = 3,
		.base_sequence = 17,
		.records_count = 100,
	};
	uint8_t bytes[100] = { 0 };
	struct batch_header got;

	(void)state;
	batch_header_write(bytes, &want);
	assert_int_equal(batch_header_read((struct slice){ bytes, 100 }, &got),
			 0);

	assert_int_equal(got.base_offset, want.base_offset);
	assert_int_equal(got.size, want.size);
	assert_int_equal(got.leader_epoch, want.leader_epoch);
	assert_int_equal(got.magic, 2);
	assert_int_equal(got.crc, crc32c(bytes + 21, 79));
	assert_int_equal(got.attributes, want.attributes);
	assert_int_equal(got.last_offset_delta, want.last_offset_delta);
	assert_int_equal(got.base_timestamp_ms, want.base_timestamp_ms);
	assert_int_equal(got.max_timestamp_ms, want.max_timestamp_ms);
	assert_int_equal(got.producer_id, want.producer_id);
	assert_int_equal(got.producer_epoch, want.producer_epoch);
	assert_int_equal(got.base_sequence, want.base_sequence);
	assert_int_equal(got.records_count, want.records_count);
	assert_true(batch_crc_holds(bytes, &got));
}

static void header_that_makes_no_sense_is_refused(void **state)
{
	uint8_t bytes[sizeof(hi_batch)];
	struct batch_header h;

	(void)state;
	assert_int_equal(batch_header_read((struct slice){ hi_batch, 60 }, &h),
			 -EMSGSIZE);
	assert_int_equal(batch_header_read((struct slice){ hi_batch, 61 }, &h),
			 0);
	assert_int_equal(h.size, sizeof(hi_batch));

	memcpy(bytes, hi_batch, sizeof(hi_batch));
	put_be32(bytes + BATCH_LENGTH, 48);
	assert_int_equal(batch_header_read((struct slice){ bytes, 70 }, &h),
			 -EBADMSG);
	put_be32(bytes + BATCH_LENGTH, 0xffffffff);
	assert_int_equal(batch_header_read((struct slice){ bytes, 70 }, &h),
			 -EBADMSG);
	put_be32(bytes + BATCH_LENGTH, 49);
	assert_int_equal(batch_header_read((struct slice){ bytes, 70 }, &h), 0);
	bytes[BATCH_MAGIC] = 1;
	assert_int_equal(batch_header_read((struct slice){ bytes, 70 }, &h),
			 -EBADMSG);
}

/* Patches */

static struct batch_header read_header(const uint8_t *bytes)
{
	struct batch_header h;

	assert_int_equal(batch_header_read(
				 (struct slice){ bytes, sizeof(hi_batch) }, &h),
			 0);
	assert_true(batch_crc_holds(bytes, &h));
	return h;
}

static void patches_change_what_they_say_and_the_checksum_holds(void **state)
{
	uint8_t bytes[sizeof(hi_batch)];
	struct batch_header h;

	(void)state;
	memcpy(bytes, hi_batch, sizeof(hi_batch));
	batch_set_base_offset(bytes, INT64_MAX - 1);
	batch_set_leader_epoch(bytes, 77);
	h = read_header(bytes);
	assert_int_equal(h.base_offset, INT64_MAX - 1);
	assert_int_equal(h.leader_epoch, 77);
	assert_int_equal(h.crc, 0x233dad44);

	batch_set_log_append_time(bytes, 123456);
	h = read_header(bytes);
	assert_int_equal(h.attributes, BATCH_LOG_APPEND_TIME);
	assert_int_equal(h.max_timestamp_ms, 123456);
	assert_int_equal(h.base_timestamp_ms, 1000);

	batch_set_create_time(bytes, 123456);
	h = read_header(bytes);
	assert_int_equal(h.attributes, 0);
	assert_int_equal(h.max_timestamp_ms, 123456);
	batch_set_create_time(bytes, 1000);
	h = read_header(bytes);
	assert_int_equal(h.attributes, 0);
	assert_int_equal(h.crc, 0x233dad44);

	batch_set_producer(bytes, 5, 6, 7);
	h = read_header(bytes);
	assert_int_equal(h.producer_id, 5);
	assert_int_equal(h.producer_epoch, 6);
	assert_int_equal(h.base_sequence, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_is_read_as_it_was_written),
		cmocka_unit_test(header_that_makes_no_sense_is_refused),
		cmocka_unit_test(
			patches_change_what_they_say_and_the_checksum_holds),
	};

	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
