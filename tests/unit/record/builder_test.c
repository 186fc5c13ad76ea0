/*
 * builder_test.c - tests of builder.c
 */
#include "record/builder.h"

#include "batches.h"

#include <errno.h>

static void batch_is_byte_for_byte_as_described(void **state)
{
	struct batch_builder b = { 0 };
	struct buffer batch;

	(void)state;
	add_record(&b, 1000, SLICE_NULL, SLICE("hi"));
	assert_int_equal(batch_builder_size(&b), sizeof(hi_batch));

	batch = finish(&b, CODEC_NONE);

	assert_slice(buffer_slice(&batch), HI);
	buffer_clear(&batch);
	batch_builder_clear(&b);
}

static void params_go_to_the_header(void **state)
{
	const struct batch_params params = {
		.base_offset = 1234567890123,
		.leader_epoch = 5,
		.attributes = BATCH_TRANSACTIONAL,
		.codec = CODEC_ZSTD,
		.level = 1,
		.producer_id = 6,
		.producer_epoch = 7,
		.base_sequence = 8,
	};
	struct batch_builder b = { 0 };
	struct buffer out = { 0 };
	struct batch_header h;

	(void)state;
	add_record(&b, 3000, SLICE_NULL, SLICE_NULL);
	add_record(&b, 5000, SLICE_NULL, SLICE_NULL);
	add_record(&b, 4000, SLICE_NULL, SLICE_NULL);
	buffer_put_text(&out, "before");
	assert_int_equal(batch_builder_finish(&b, &params, &out), 0);

	assert_memory_equal(out.data, "before", 6);
	assert_int_equal(
		batch_header_read((struct slice){ out.data + 6, out.len - 6 },
				  &h),
		0);
	assert_int_equal(h.size, out.len - 6);
	assert_true(batch_crc_holds(out.data + 6, &h));
	assert_int_equal(h.base_offset, 1234567890123);
	assert_int_equal(h.leader_epoch, 5);
	assert_int_equal(h.attributes, BATCH_TRANSACTIONAL | CODEC_ZSTD);
	assert_int_equal(h.producer_id, 6);
	assert_int_equal(h.producer_epoch, 7);
	assert_int_equal(h.base_sequence, 8);
	assert_int_equal(h.records_count, 3);
	assert_int_equal(h.last_offset_delta, 2);
	assert_int_equal(h.base_timestamp_ms, 3000);
	assert_int_equal(h.max_timestamp_ms, 5000);
	buffer_clear(&out);
	batch_builder_clear(&b);
}

static void finishing_again_gives_the_same(void **state)
{
	struct batch_builder b = { 0 };
	struct buffer first;
	struct buffer second;

	(void)state;
	add_record(&b, 1, SLICE("key"), SLICE("value"));
	first = finish(&b, CODEC_GZIP);
	second = finish(&b, CODEC_GZIP);
	assert_slice(buffer_slice(&first), buffer_slice(&second));
	buffer_clear(&first);
	buffer_clear(&second);
	batch_builder_clear(&b);
}

static void reset_begins_anew_and_keeps_the_memory(void **state)
{
	struct batch_builder b;
	struct buffer batch;
	const uint8_t *memory;

	(void)state;
	batch_builder_init(&b);
	add_record(&b, 9999, SLICE("key"), SLICE("value"));
	memory = b.records.data;
	batch_builder_reset(&b);
	assert_int_equal(b.count, 0);
	assert_int_equal(batch_builder_size(&b), BATCH_HEADER_BYTES);

	add_record(&b, 1000, SLICE_NULL, SLICE("hi"));
	assert_ptr_equal(b.records.data, memory);
	batch = finish(&b, CODEC_NONE);
	assert_slice(buffer_slice(&batch), HI);
	buffer_clear(&batch);
	batch_builder_clear(&b);
	batch_builder_clear(&b);
}

static void record_past_the_formats_end_is_refused(void **state)
{
	/* Never read: the length alone is too much. */
	const struct slice huge = { hi_batch, INT32_MAX };
	struct batch_builder b = { 0 };
	struct buffer batch;

	(void)state;
	add_record(&b, 1000, SLICE_NULL, SLICE("hi"));
	assert_int_equal(batch_builder_add(&b, 0, huge, huge, NULL, 0), -E2BIG);
	assert_int_equal(batch_builder_add(&b, 0, huge, SLICE_NULL, NULL, 0),
			 -E2BIG);
	batch = finish(&b, CODEC_NONE);
	assert_slice(buffer_slice(&batch), HI);
	buffer_clear(&batch);
	batch_builder_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_is_byte_for_byte_as_described),
		cmocka_unit_test(params_go_to_the_header),
		cmocka_unit_test(finishing_again_gives_the_same),
		cmocka_unit_test(reset_begins_anew_and_keeps_the_memory),
		cmocka_unit_test(record_past_the_formats_end_is_refused),
	};

	return cmocka_run_group_tests_name("builder", tests, NULL, NULL);
}
