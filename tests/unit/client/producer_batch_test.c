/*
 * producer_batch_test.c - tests of producer_batch.c: what is made again, what
 * is split
 */
#include "client/producer_batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/batch.h"

enum { HEADERS = 17, CREATED_MS = 99 }; /* more than lie on the stack */

/* Two records. */
static struct producer_batch *pair(void)
{
	struct producer_batch *b = producer_batch_new();
	struct record_header headers[HEADERS];

	assert_non_null(b);
	for (int i = 0; i < HEADERS; i++)
		headers[i] = (struct record_header){ slice_of("name"),
						     slice_of("value") };
	for (uint64_t i = 0; i < 2; i++)
		assert_int_equal(producer_batch_add(b, 1000, slice_of("key"),
						    slice_of("value"), headers,
						    HEADERS, i),
				 0);
	b->created_ms = CREATED_MS;
	b->has_sequence = true;
	b->id = (struct producer_id){ 7, 0 };
	b->base_sequence = 10;
	return b;
}

static void another_number_is_in_what_was_made_before(void **state)
{
	static const enum codec codecs[] = { CODEC_NONE, CODEC_GZIP };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct producer_batch *b = pair();
		struct batch_header h;

		assert_int_equal(
			producer_batch_make(b, codecs[i], CODEC_LEVEL_DEFAULT),
			0);
		b->id.epoch = 1;
		b->base_sequence = 5;
		producer_batch_unmake(b);
		assert_int_equal(
			producer_batch_make(b, codecs[i], CODEC_LEVEL_DEFAULT),
			0);
		assert_true(b->payload.parts[0].len >= BATCH_HEADER_BYTES);
		assert_int_equal(batch_header_read(b->payload.parts[0], &h), 0);
		assert_int_equal(h.producer_id, 7);
		assert_int_equal(h.producer_epoch, 1);
		assert_int_equal(h.base_sequence, 5);
		if (codecs[i] != CODEC_NONE) /* else it is in two parts */
			assert_true(
				batch_crc_holds(b->payload.parts[0].data, &h));
		producer_batch_free(b);
	}
}

static void halves_have_all_of_the_whole(void **state)
{
	struct producer_batch *b = pair();
	struct producer_batch *halves[] = { producer_batch_new(),
					    producer_batch_new() };

	(void)state;
	assert_int_equal(producer_batch_split(b, halves[0], halves[1]), 0);
	for (int32_t i = 0; i < 2; i++) {
		struct producer_delivery d;
		struct record record;
		struct slice at;

		assert_int_equal(halves[i]->created_ms, CREATED_MS);
		assert_int_equal(halves[i]->base_sequence, 10 + i);
		producer_batch_delivery(halves[i], &d);
		assert_int_equal(d.count, 1);
		assert_int_equal(d.opaques[0], i);
		at = d.records;
		assert_int_equal(producer_delivery_next(&d, &at, &record), 1);
		assert_int_equal(record.timestamp_ms, 1000);
		assert_true(slice_is(record.key, "key"));
		assert_int_equal(record.header_count, HEADERS);
		producer_batch_free(halves[i]);
	}
	producer_batch_free(b);
}

static void a_half_is_never_empty(void **state)
{
	static const uint8_t large[1000];
	struct producer_batch *b = producer_batch_new();
	struct producer_batch *first = producer_batch_new();
	struct producer_batch *second = producer_batch_new();

	(void)state;
	assert_int_equal(
		producer_batch_add(b, 0, SLICE_NULL, slice_of("v"), NULL, 0, 0),
		0);
	assert_int_equal(
		producer_batch_add(b, 0, SLICE_NULL,
				   (struct slice){ large, sizeof(large) }, NULL,
				   0, 1),
		0);
	assert_int_equal(producer_batch_split(b, first, second), 0);
	assert_int_equal(producer_batch_count(first), 1);
	assert_int_equal(producer_batch_count(second), 1);
	producer_batch_free(first);
	producer_batch_free(second);
	producer_batch_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_number_is_in_what_was_made_before),
		cmocka_unit_test(a_half_is_never_empty),
		cmocka_unit_test(halves_have_all_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
