/*
 * consumer_chunk_test.c - tests of consumer_chunk.c
 */
#include "client/consumer_chunk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "record/builder.h"

enum { ABORT = 0, COMMIT = 1 };

struct fixture {
	struct buffer bytes; /* batches back to back */
	struct consumer_chunk *chunk;
	struct record_iter *iter;
	int64_t position;
	const char *problem;
	struct consumer_chunk_rules rules;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->rules = (struct consumer_chunk_rules){ true, 1 << 20 };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	consumer_chunk_free(f->chunk);
	record_iter_free(f->iter);
	buffer_clear(&f->bytes);
	free(f);
	return 0;
}

/* A batch of count records, "v<offset>", from base_offset on. */
static void put(struct fixture *f, int64_t base_offset, int count,
		int64_t producer_id, enum codec codec)
{
	struct batch_builder b;
	struct batch_params params = {
		.base_offset = base_offset,
		.attributes = producer_id >= 0 ? BATCH_TRANSACTIONAL : 0,
		.codec = codec,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = producer_id,
	};
	char text[32];

	batch_builder_init(&b);
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "v%d", (int)base_offset + i);
		assert_int_equal(batch_builder_add(&b, 1000, SLICE_NULL,
						   slice_of(text), NULL, 0),
				 0);
	}
	assert_int_equal(batch_builder_finish(&b, &params, &f->bytes), 0);
	batch_builder_clear(&b);
}

static void put_marker(struct fixture *f, int64_t offset, int64_t producer_id,
		       int type)
{
	struct batch_builder b;
	struct batch_params params = {
		.base_offset = offset,
		.attributes = BATCH_TRANSACTIONAL | BATCH_CONTROL,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = producer_id,
	};
	uint8_t key[4] = { 0, 0, 0, (uint8_t)type };

	batch_builder_init(&b);
	assert_int_equal(batch_builder_add(&b, 1000, (struct slice){ key, 4 },
					   slice_of("coordinator"), NULL, 0),
			 0);
	assert_int_equal(batch_builder_finish(&b, &params, &f->bytes), 0);
	batch_builder_clear(&b);
}

/* A batch of which compaction left no record but the last's offset. */
static void put_hollow(struct fixture *f, int64_t base_offset, int count)
{
	uint8_t bytes[BATCH_HEADER_BYTES];
	struct batch_header h = { .base_offset = base_offset,
				  .size = BATCH_HEADER_BYTES,
				  .last_offset_delta = count - 1,
				  .producer_id = -1 };

	batch_header_write(bytes, &h);
	buffer_put(&f->bytes, bytes, sizeof(bytes));
}

static void open_with(struct fixture *f, const struct consumer_aborted *aborted,
		      size_t count)
{
	f->chunk = consumer_chunk_new(NULL, buffer_slice(&f->bytes), aborted,
				      count);
	assert_non_null(f->chunk);
}

static int next(struct fixture *f, struct record *record)
{
	return consumer_chunk_next(f->chunk, &f->rules, &f->iter, &f->position,
				   record, &f->problem);
}

/* The values that come out are these, and the position is then end. */
static void assert_values(struct fixture *f, const char *expected, int64_t end)
{
	char seen[1000] = "";
	struct record record;
	int rc;

	while ((rc = next(f, &record)) > 0) {
		assert_int_equal(f->position, record.offset + 1);
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen),
			 "%.*s ", (int)record.value.len, record.value.data);
	}
	assert_int_equal(rc, 0);
	assert_string_equal(seen, expected);
	assert_int_equal(f->position, end);
}

static void records_of_several_batches_come_in_order(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2, -1, CODEC_NONE);
	put(f, 2, 1, -1, CODEC_ZSTD);
	put(f, 3, 2, -1, CODEC_GZIP);
	open_with(f, NULL, 0);

	assert_values(f, "v0 v1 v2 v3 v4 ", 5);
}

static void what_lies_before_the_position_is_skipped(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3, -1, CODEC_NONE);
	put(f, 3, 4, -1, CODEC_LZ4);
	open_with(f, NULL, 0);
	f->position = 5;

	assert_values(f, "v5 v6 ", 7);
}

static void a_cut_last_batch_is_left_for_later(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2, -1, CODEC_NONE);
	put(f, 2, 2, -1, CODEC_NONE);
	f->bytes.len -= 5;
	open_with(f, NULL, 0);
	assert_values(f, "v0 v1 ", 2);

	/* Even in the middle of its header. */
	consumer_chunk_free(f->chunk);
	f->bytes.len = 30;
	f->position = 0;
	open_with(f, NULL, 0);
	assert_values(f, "", 0);
}

static void where_to_go_on_is_behind_the_last_whole_batch(void **state)
{
	struct fixture *f = *state;
	struct slice bytes;
	size_t needed;
	size_t whole;

	put(f, 10, 2, -1, CODEC_NONE);
	whole = f->bytes.len;
	put(f, 12, 5, -1, CODEC_NONE);
	bytes = buffer_slice(&f->bytes);
	assert_int_equal(consumer_chunk_end(bytes, 11, &needed), 17);
	bytes.len--;
	assert_int_equal(consumer_chunk_end(bytes, 11, &needed), 12);
	assert_int_equal(needed, 0);
	bytes.len = whole - 1;
	assert_int_equal(consumer_chunk_end(bytes, 11, &needed), 11);
	assert_int_equal(needed, whole);
}

static void markers_are_not_records(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 1, 7, CODEC_NONE);
	put_marker(f, 1, 7, COMMIT);
	put(f, 2, 1, -1, CODEC_NONE);
	put_marker(f, 3, 7, COMMIT);
	open_with(f, NULL, 0);

	assert_values(f, "v0 v2 ", 4);
}

static void batches_without_records_move_the_position(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 1, -1, CODEC_NONE);
	put_hollow(f, 1, 9);
	open_with(f, NULL, 0);

	assert_values(f, "v0 ", 10);
}

static void aborted_transactions_are_left_out_up_to_their_marker(void **state)
{
	struct fixture *f = *state;
	const struct consumer_aborted aborted[] = { { 7, 2 } };

	put(f, 0, 1, 7, CODEC_NONE); /* an earlier transaction */
	put_marker(f, 1, 7, COMMIT);
	put(f, 2, 2, 7, CODEC_NONE); /* aborted */
	put(f, 4, 1, 8, CODEC_NONE); /* another producer's */
	put(f, 5, 1, -1, CODEC_NONE);
	put(f, 6, 1, 7, CODEC_SNAPPY); /* aborted */
	put_marker(f, 7, 7, ABORT);
	put(f, 8, 1, 7, CODEC_NONE); /* a later one */
	put_marker(f, 9, 8, COMMIT);
	open_with(f, aborted, 1);

	assert_values(f, "v0 v4 v5 v8 ", 10);
}

static void several_transactions_of_a_producer_may_abort(void **state)
{
	struct fixture *f = *state;
	/* Not in order, as nobody promises one. */
	const struct consumer_aborted aborted[] = { { 7, 4 }, { 7, 0 } };

	put(f, 0, 1, 7, CODEC_NONE);
	put_marker(f, 1, 7, ABORT);
	put(f, 2, 1, 7, CODEC_NONE);
	put_marker(f, 3, 7, COMMIT);
	put(f, 4, 1, 7, CODEC_NONE);
	put_marker(f, 5, 7, ABORT);
	open_with(f, aborted, 2);

	assert_values(f, "v2 ", 6);
}

static void a_transaction_that_began_before_the_chunk_counts(void **state)
{
	struct fixture *f = *state;
	const struct consumer_aborted aborted[] = { { 7, 3 } };

	put(f, 100, 2, 7, CODEC_NONE);
	put_marker(f, 102, 7, ABORT);
	put(f, 103, 1, 7, CODEC_NONE);
	open_with(f, aborted, 1);

	assert_values(f, "v103 ", 104);
}

static void a_wrong_checksum_is_told_after_what_is_before_it(void **state)
{
	struct fixture *f = *state;
	struct record record;

	put(f, 0, 1, -1, CODEC_NONE);
	put(f, 1, 1, -1, CODEC_NONE);
	f->bytes.data[f->bytes.len - 1] ^= 1;
	open_with(f, NULL, 0);

	assert_int_equal(next(f, &record), 1);
	assert_int_equal(next(f, &record), -EBADMSG);
	assert_string_equal(f->problem, "wrong checksum");
	assert_int_equal(f->position, 1);
}

static void without_checking_a_wrong_checksum_is_nothing(void **state)
{
	struct fixture *f = *state;

	f->rules.check_crcs = false;
	put(f, 0, 1, -1, CODEC_NONE);
	f->bytes.data[BATCH_CRC] ^= 1;
	open_with(f, NULL, 0);

	assert_values(f, "v0 ", 1);
}

static void an_old_format_is_told(void **state)
{
	struct fixture *f = *state;
	struct record record;

	put(f, 0, 1, -1, CODEC_NONE);
	f->bytes.data[BATCH_MAGIC] = 1;
	open_with(f, NULL, 0);

	assert_int_equal(next(f, &record), -EBADMSG);
	assert_string_equal(f->problem, "not a record batch of version 2");
}

static void what_unpacks_to_too_much_is_refused(void **state)
{
	struct fixture *f = *state;
	struct record record;
	int rc;

	f->rules.decompressed_max = 20;
	put(f, 0, 100, -1, CODEC_ZSTD);
	open_with(f, NULL, 0);
	while ((rc = next(f, &record)) > 0)
		;

	assert_int_equal(rc, -E2BIG);
}

static void a_rewound_batch_goes_on_where_it_was(void **state)
{
	struct fixture *f = *state;
	struct record record;

	put(f, 0, 4, -1, CODEC_LZ4);
	put(f, 4, 1, -1, CODEC_NONE);
	open_with(f, NULL, 0);
	assert_int_equal(next(f, &record), 1);
	assert_int_equal(next(f, &record), 1);
	consumer_chunk_rewind(f->chunk);
	record_iter_free(f->iter); /* used for something else meanwhile */
	f->iter = NULL;

	assert_values(f, "v2 v3 v4 ", 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_of_several_batches_come_in_order),
		TEST(what_lies_before_the_position_is_skipped),
		TEST(a_cut_last_batch_is_left_for_later),
		TEST(where_to_go_on_is_behind_the_last_whole_batch),
		TEST(markers_are_not_records),
		TEST(batches_without_records_move_the_position),
		TEST(aborted_transactions_are_left_out_up_to_their_marker),
		TEST(several_transactions_of_a_producer_may_abort),
		TEST(a_transaction_that_began_before_the_chunk_counts),
		TEST(a_wrong_checksum_is_told_after_what_is_before_it),
		TEST(without_checking_a_wrong_checksum_is_nothing),
		TEST(an_old_format_is_told),
		TEST(what_unpacks_to_too_much_is_refused),
		TEST(a_rewound_batch_goes_on_where_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
