/*
 * batches.h - what the tests of lib/record share: files, batches, random ones
 */
#ifndef TESTS_RECORD_BATCHES_H
#define TESTS_RECORD_BATCHES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "record/builder.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define SLICE(text)                                                            \
	((struct slice){ (const uint8_t *)(text), sizeof(text) - 1 })

/* The whole file; the caller clears the buffer. */
static inline struct buffer read_file(const char *path)
{
	struct buffer bytes = { 0 };
	FILE *file = fopen(path, "rb");

	if (file == NULL)
		fail_msg("cannot open %s", path);
	for (;;) {
		uint8_t *to = buffer_reserve(&bytes, 4096);
		size_t n;

		assert_non_null(to);
		n = fread(to, 1, 4096, file);
		if (n == 0)
			break;
		buffer_commit(&bytes, n);
	}
	fclose(file);
	return bytes;
}

/* The batch that the protocol's description shows: "hi" at time 1000. */
__attribute__((unused)) static const uint8_t hi_batch[] = {
	0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0x3a,
	0xff, 0xff, 0xff, 0xff, 2,    0x23, 0x3d, 0xad, 0x44, 0,    0,    0,
	0,    0,    0,    0,    0,    0,    0,    0,    0,    0x03, 0xe8, 0,
	0,    0,    0,    0,    0,    0x03, 0xe8, 0xff, 0xff, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,    0,    0,
	1,    0x10, 0,    0,    0,    1,    4,    'h',  'i',  0,
};
#define HI ((struct slice){ hi_batch, sizeof(hi_batch) })

/* Bytes of a producer without idempotence. */
static inline struct batch_params plain_params(enum codec codec)
{
	return (struct batch_params){ .leader_epoch = -1,
				      .codec = codec,
				      .level = CODEC_LEVEL_DEFAULT,
				      .producer_id = -1,
				      .producer_epoch = -1,
				      .base_sequence = -1 };
}

static inline void add_record(struct batch_builder *b, int64_t timestamp_ms,
			      struct slice key, struct slice value)
{
	assert_int_equal(
		batch_builder_add(b, timestamp_ms, key, value, NULL, 0), 0);
}

static inline struct buffer finish(const struct batch_builder *b,
				   enum codec codec)
{
	struct batch_params params = plain_params(codec);
	struct buffer batch = { 0 };

	assert_int_equal(batch_builder_finish(b, &params, &batch), 0);
	return batch;
}

/* A batch of count records, "value 0" on, at times 1000, 1001 ... */
static inline struct buffer make_batch(int count, enum codec codec)
{
	struct batch_builder b = { 0 };
	struct buffer batch;

	for (int i = 0; i < count; i++) {
		char value[32];

		snprintf(value, sizeof(value), "value %d", i);
		add_record(&b, 1000 + i, SLICE("key"), slice_of(value));
	}
	batch = finish(&b, codec);
	batch_builder_clear(&b);
	return batch;
}

/* A batch whose records are the bytes given, whatever they are. */
static inline struct buffer make_raw_batch(struct slice records, int count,
					   enum codec codec)
{
	struct batch_header h = {
		.attributes = (int16_t)codec,
		.last_offset_delta = count - 1,
		.base_timestamp_ms = 1000,
		.max_timestamp_ms = 1000,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
		.records_count = count,
		.size = (uint32_t)(BATCH_HEADER_BYTES + records.len),
	};
	struct buffer batch = { 0 };

	assert_non_null(buffer_grow(&batch, BATCH_HEADER_BYTES));
	buffer_put(&batch, records.data, records.len);
	batch_header_write(batch.data, &h);
	return batch;
}

/* Bytes that repeat themselves somewhat. */
static inline void fill_text(struct random *random, uint8_t *to, size_t len)
{
	static const char words[] = "a log is read from front to back; ";

	for (size_t i = 0; i < len; i++)
		to[i] = random_below(random, 8) == 0
				? (uint8_t)random_u64(random)
				: (uint8_t)words[i % (sizeof(words) - 1)];
}

static inline void assert_slice(struct slice got, struct slice want)
{
	assert_int_equal(slice_is_null(got), slice_is_null(want));
	assert_int_equal(got.len, want.len);
	if (want.len > 0)
		assert_memory_equal(got.data, want.data, want.len);
}

#endif /* TESTS_RECORD_BATCHES_H */
