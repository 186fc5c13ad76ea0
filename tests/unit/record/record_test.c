/*
 * record_test.c - tests of record.c, and of the law that what the builder
 * makes is valid and reads as it was put in
 */
#include "record/record.h"

#include "batches.h"

#include <errno.h>

#include "base/limits.h"

enum { UNPACKED_MAX = RECORD_BYTES_DECOMPRESSED_MAX };

static struct record_iter *open_iter(struct slice batch)
{
	struct record_iter *iter;

	assert_int_equal(record_iter_new(batch, UNPACKED_MAX, &iter), 0);
	return iter;
}

static void records_come_as_they_were_put_in(void **state)
{
	const struct record_header headers[] = {
		{ SLICE("a"), SLICE("1") },
		{ SLICE(""), SLICE_NULL },
		{ SLICE("a"), SLICE("") },
	};
	struct batch_builder b = { 0 };

	(void)state;
	assert_int_equal(batch_builder_add(&b, 2000, SLICE("key"),
					   SLICE("value"), headers, 3),
			 0);
	add_record(&b, 1000, SLICE_NULL, SLICE(""));
	add_record(&b, 3000, SLICE(""), SLICE_NULL);
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = finish(&b, codec);
		struct record_iter *iter;
		struct record_header header;
		struct record r;

		batch_set_base_offset(batch.data, 500);
		iter = open_iter(buffer_slice(&batch));
		assert_int_equal(record_next(iter, &r), 1);
		assert_int_equal(r.offset, 500);
		assert_int_equal(r.timestamp_ms, 2000);
		assert_slice(r.key, SLICE("key"));
		assert_slice(r.value, SLICE("value"));
		assert_int_equal(r.header_count, 3);
		for (size_t i = 0; i < 3; i++) {
			assert_int_equal(
				record_next_header(&r.headers, &header), 1);
			assert_slice(header.key, headers[i].key);
			assert_slice(header.value, headers[i].value);
		}
		assert_int_equal(record_next_header(&r.headers, &header), 0);

		assert_int_equal(record_next(iter, &r), 1);
		assert_int_equal(r.offset, 501);
		assert_int_equal(r.timestamp_ms, 1000);
		assert_slice(r.key, SLICE_NULL);
		assert_slice(r.value, SLICE(""));
		assert_int_equal(r.header_count, 0);

		assert_int_equal(record_next(iter, &r), 1);
		assert_int_equal(r.offset, 502);
		assert_int_equal(r.timestamp_ms, 3000);
		assert_slice(r.key, SLICE(""));
		assert_slice(r.value, SLICE_NULL);
		assert_int_equal(record_next(iter, &r), 0);
		assert_int_equal(record_next(iter, &r), 0);
		record_iter_free(iter);
		buffer_clear(&batch);
	}
	batch_builder_clear(&b);
}

static void append_time_is_every_records(void **state)
{
	struct buffer batch = make_batch(2, CODEC_NONE);
	struct record_iter *iter;
	struct record r;

	(void)state;
	batch_set_log_append_time(batch.data, 99);
	iter = open_iter(buffer_slice(&batch));
	while (record_next(iter, &r) == 1)
		assert_int_equal(r.timestamp_ms, 99);
	record_iter_free(iter);
	buffer_clear(&batch);
}

static void only_the_first_batch_of_the_bytes_is_read(void **state)
{
	struct buffer batch = make_batch(2, CODEC_NONE);
	struct buffer next = make_batch(3, CODEC_NONE);
	struct record_iter *iter;
	struct record r;

	(void)state;
	buffer_put(&batch, next.data, next.len);
	iter = open_iter(buffer_slice(&batch));
	assert_int_equal(record_next(iter, &r), 1);
	assert_int_equal(record_next(iter, &r), 1);
	assert_int_equal(record_next(iter, &r), 0);
	record_iter_free(iter);
	buffer_clear(&batch);
	buffer_clear(&next);
}

static void gaps_of_compaction_stay(void **state)
{
	static const uint8_t records[] = { 0x0c, 0, 0, 0x04, 1, 1, 0,
					   0x0c, 0, 2, 0x12, 1, 1, 0 };
	struct buffer batch = make_raw_batch(
		(struct slice){ records, sizeof(records) }, 2, CODEC_NONE);
	struct record_iter *iter = open_iter(buffer_slice(&batch));
	struct record r;

	(void)state;
	assert_int_equal(record_next(iter, &r), 1);
	assert_int_equal(r.offset, 2);
	assert_int_equal(record_next(iter, &r), 1);
	assert_int_equal(r.offset, 9);
	assert_int_equal(r.timestamp_ms, 1001);
	assert_int_equal(record_next(iter, &r), 0);
	record_iter_free(iter);
	buffer_clear(&batch);
}

static void batch_that_compaction_emptied_has_no_records(void **state)
{
	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = make_raw_batch(SLICE(""), 0, codec);
		struct record_iter *iter = open_iter(buffer_slice(&batch));
		struct record r;

		assert_int_equal(record_next(iter, &r), 0);
		record_iter_free(iter);
		buffer_clear(&batch);
	}
}

static void iterator_goes_on_to_other_batches(void **state)
{
	struct record_iter *iter = NULL;
	struct record r;

	(void)state;
	for (int i = 0; i < 3 * CODEC_COUNT; i++) {
		struct buffer batch =
			make_batch(i + 1, (enum codec)(i % CODEC_COUNT));
		int count = 0;

		assert_int_equal(record_iter_reset(&iter, buffer_slice(&batch),
						   UNPACKED_MAX),
				 0);
		while (record_next(iter, &r) == 1)
			count++;
		assert_int_equal(count, i + 1);
		buffer_clear(&batch);
	}
	record_iter_free(iter);
}

static void bad_batches_leave_an_iterator_that_ends(void **state)
{
	struct buffer batch = make_batch(100, CODEC_GZIP);
	struct record_iter *iter = NULL;
	struct record_iter *fresh = NULL;
	struct record r;

	(void)state;
	assert_int_equal(
		record_iter_reset(&iter, buffer_slice(&batch), UNPACKED_MAX),
		0);
	assert_int_equal(record_iter_reset(&iter, buffer_slice(&batch), 100),
			 -E2BIG);
	assert_int_equal(record_next(iter, &r), 0);
	assert_int_equal(record_iter_reset(&iter,
					   (struct slice){ batch.data, 99 },
					   UNPACKED_MAX),
			 -EBADMSG);
	assert_int_equal(record_next(iter, &r), 0);
	batch.data[BATCH_HEADER_BYTES] ^= 1;
	assert_int_equal(
		record_iter_reset(&iter, buffer_slice(&batch), UNPACKED_MAX),
		-EBADMSG);
	assert_int_equal(record_next(iter, &r), 0);
	assert_int_equal(
		record_iter_new(buffer_slice(&batch), UNPACKED_MAX, &fresh),
		-EBADMSG);
	assert_null(fresh);
	record_iter_free(iter);
	record_iter_free(NULL);
	buffer_clear(&batch);
}

/* Walk all of a batch and its headers: the number of records, or an error. */
static int walk(struct slice batch)
{
	struct record_iter *iter;
	struct record_header header;
	struct record r;
	int count = 0;
	int rc = record_iter_new(batch, UNPACKED_MAX, &iter);

	if (rc < 0)
		return rc;
	while ((rc = record_next(iter, &r)) == 1) {
		int32_t headers = 0;

		while (record_next_header(&r.headers, &header) == 1)
			headers++;
		assert_int_equal(headers, r.header_count);
		count++;
	}
	record_iter_free(iter);
	return rc < 0 ? rc : count;
}

static void changed_records_never_harm(void **state)
{
	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = make_batch(5, codec);

		for (size_t i = BATCH_ATTRIBUTES; i < batch.len; i++) {
			uint8_t was = batch.data[i];

			for (unsigned value = 0; value < 256; value += 5) {
				batch.data[i] = (uint8_t)value;
				walk(buffer_slice(&batch));
			}
			batch.data[i] = was;
		}
		buffer_clear(&batch);
	}
}

/* Against a model: records drawn from a seed, put in and read again. */

enum { MODEL_BATCHES = 400, MODEL_RECORDS = 60, MODEL_BYTES = 3000 };

struct model_record {
	int64_t timestamp_ms;
	struct slice key;
	struct slice value;
	struct record_header headers[4];
	int32_t header_count;
};

static uint8_t model_bytes[MODEL_BYTES];

static struct slice draw_slice(struct random *random, bool may_be_null)
{
	size_t len = random_below(
		random, random_below(random, 20) == 0 ? MODEL_BYTES : 40);

	if (may_be_null && random_below(random, 4) == 0)
		return SLICE_NULL;
	return (struct slice){
		model_bytes + random_below(random, MODEL_BYTES - len), len
	};
}

static struct model_record draw_record(struct random *random)
{
	struct model_record r = {
		.timestamp_ms = 1700000000000 +
				(int64_t)random_below(random, 20000) - 10000,
		.key = draw_slice(random, true),
		.value = draw_slice(random, true),
	};

	if (random_below(random, 20) == 0)
		r.timestamp_ms = (int64_t)random_u64(random);
	if (random_below(random, 3) == 0)
		r.header_count = (int32_t)random_below(random, 5);
	for (int32_t i = 0; i < r.header_count; i++) {
		r.headers[i].key = draw_slice(random, false);
		r.headers[i].value = draw_slice(random, true);
	}
	return r;
}

static void assert_record(const struct record *got,
			  const struct model_record *want)
{
	struct slice headers = got->headers;
	struct record_header header;

	assert_int_equal(got->timestamp_ms, want->timestamp_ms);
	assert_slice(got->key, want->key);
	assert_slice(got->value, want->value);
	assert_int_equal(got->header_count, want->header_count);
	for (int32_t i = 0; i < want->header_count; i++) {
		assert_int_equal(record_next_header(&headers, &header), 1);
		assert_slice(header.key, want->headers[i].key);
		assert_slice(header.value, want->headers[i].value);
	}
	assert_int_equal(record_next_header(&headers, &header), 0);
}

static void put_in(struct batch_builder *b, const struct model_record *r)
{
	size_t before = batch_builder_size(b);

	assert_int_equal(batch_builder_add(b, r->timestamp_ms, r->key, r->value,
					   r->headers, r->header_count),
			 0);
	assert_true(
		batch_builder_size(b) - before <=
		record_size_max(r->key, r->value, r->headers, r->header_count));
}

static void assert_valid(struct slice batch, int64_t latest_ms)
{
	struct batch_fault fault;
	struct batch_header h;

	batch_validate(batch, &batch_rules_default, &h, &fault);
	assert_int_equal(fault.problem, BATCH_OK);
	if (latest_ms >= -1)
		assert_int_equal(h.max_timestamp_ms, latest_ms);
}

static void what_is_built_is_valid_and_reads_the_same(void **state)
{
	struct record_iter *iter = NULL;
	struct batch_builder b = { 0 };
	struct seeded_random seeded;
	struct random *random = &seeded.random;

	(void)state;
	seeded_random_init(&seeded, 20260801);
	fill_text(random, model_bytes, sizeof(model_bytes));
	for (int n = 0; n < MODEL_BATCHES; n++) {
		struct model_record model[MODEL_RECORDS];
		size_t count = 1 + random_below(random, MODEL_RECORDS);
		int64_t latest_ms = INT64_MIN;
		struct buffer batch;
		struct record r;

		batch_builder_reset(&b);
		for (size_t i = 0; i < count; i++) {
			model[i] = draw_record(random);
			put_in(&b, &model[i]);
			if (model[i].timestamp_ms > latest_ms)
				latest_ms = model[i].timestamp_ms;
		}
		batch = finish(&b, (enum codec)(n % CODEC_COUNT));
		assert_valid(buffer_slice(&batch), latest_ms);

		assert_int_equal(record_iter_reset(&iter, buffer_slice(&batch),
						   UNPACKED_MAX),
				 0);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(record_next(iter, &r), 1);
			assert_int_equal(r.offset, i);
			assert_record(&r, &model[i]);
		}
		assert_int_equal(record_next(iter, &r), 0);
		buffer_clear(&batch);
	}
	record_iter_free(iter);
	batch_builder_clear(&b);
}

/*
 * Whatever validation lets through, the iterator reads: mutants of records,
 * and all agree on which of them are good.
 */
static void validation_and_iteration_agree(void **state)
{
	struct seeded_random seeded;
	struct buffer batch = make_batch(30, CODEC_NONE);
	int good = 0;

	(void)state;
	seeded_random_init(&seeded, 3);
	for (int i = 0; i < 30000; i++) {
		size_t at = BATCH_HEADER_BYTES +
			    random_below(&seeded.random,
					 batch.len - BATCH_HEADER_BYTES);
		uint8_t was = batch.data[at];
		struct batch_fault fault;
		struct batch_header h;
		int rc;

		batch.data[at] = (uint8_t)random_u64(&seeded.random);
		batch_set_crc(batch.data);
		rc = batch_validate(buffer_slice(&batch), &batch_rules_default,
				    &h, &fault);
		if (rc == 0) {
			good++;
			assert_int_equal(walk(buffer_slice(&batch)), 30);
		}
		batch.data[at] = was;
	}
	assert_true(good > 1000);
	buffer_clear(&batch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_as_they_were_put_in),
		cmocka_unit_test(append_time_is_every_records),
		cmocka_unit_test(only_the_first_batch_of_the_bytes_is_read),
		cmocka_unit_test(gaps_of_compaction_stay),
		cmocka_unit_test(batch_that_compaction_emptied_has_no_records),
		cmocka_unit_test(iterator_goes_on_to_other_batches),
		cmocka_unit_test(bad_batches_leave_an_iterator_that_ends),
		cmocka_unit_test(changed_records_never_harm),
		cmocka_unit_test(what_is_built_is_valid_and_reads_the_same),
		cmocka_unit_test(validation_and_iteration_agree),
	};

	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
