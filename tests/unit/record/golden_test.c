/*
 * golden_test.c - bytes that Apache Kafka wrote, read by lib/record
 *
 * data/ holds batches of every codec with content that we know (see its
 * README), tests/vectors/ batches of every kind with what is in them.  Both
 * are found from the root of the checkout, where tests run.
 */
#include "record/record.h"

#include "batches.h"

#include <ctype.h>
#include <glob.h>
#include <inttypes.h>

#include "base/limits.h"

enum { UNPACKED_MAX = RECORD_BYTES_DECOMPRESSED_MAX };

static struct buffer read_golden(const char *size, enum codec codec)
{
	char path[128];

	snprintf(path, sizeof(path), "tests/unit/record/data/%s_%s.batch", size,
		 codec_name((int)codec));
	return read_file(path);
}

static void assert_valid(struct slice batch, enum codec codec, int count)
{
	struct batch_fault fault;
	struct batch_header h;

	batch_validate(batch, &batch_rules_default, &h, &fault);
	assert_int_equal(fault.problem, BATCH_OK);
	assert_int_equal(batch_codec(&h), codec);
	assert_int_equal(h.records_count, count);
	assert_int_equal(h.max_timestamp_ms,
			 (int64_t)get_be64(batch.data + BATCH_MAX_TIMESTAMP));
}

static void small_batch_of_any_codec_is_read(void **state)
{
	static const struct {
		struct slice key;
		struct slice value;
		int32_t headers;
	} want[] = {
		{ SLICE("key"), SLICE("value"), 3 },
		{ SLICE_NULL, SLICE("null key"), 0 },
		{ SLICE("only key"), SLICE_NULL, 0 },
		{ SLICE(""), SLICE(""), 0 },
		{ SLICE("k\xc3\xa9y"), SLICE("v\xc3\xa4lue \xe2\x9c\x93"), 1 },
		{ SLICE_NULL, SLICE_NULL, 0 },
	};
	static const struct record_header headers[] = {
		{ SLICE("h1"), SLICE("v1") },
		{ SLICE("h2"), SLICE_NULL },
		{ SLICE("h3"), SLICE("") },
	};

	(void)state;
	for (enum codec codec = CODEC_NONE; codec < CODEC_COUNT; codec++) {
		struct buffer batch = read_golden("small", codec);
		struct record_iter *iter;
		struct record_header header;
		struct record r;

		assert_valid(buffer_slice(&batch), codec, ARRAY_LEN(want));
		assert_int_equal(record_iter_new(buffer_slice(&batch),
						 UNPACKED_MAX, &iter),
				 0);
		for (size_t i = 0; i < ARRAY_LEN(want); i++) {
			assert_int_equal(record_next(iter, &r), 1);
			assert_int_equal(r.offset, i);
			assert_slice(r.key, want[i].key);
			assert_slice(r.value, want[i].value);
			assert_int_equal(r.header_count, want[i].headers);
			if (r.header_count < 3)
				continue;
			for (size_t j = 0; j < 3; j++) {
				record_next_header(&r.headers, &header);
				assert_slice(header.key, headers[j].key);
				assert_slice(header.value, headers[j].value);
			}
		}
		assert_int_equal(record_next(iter, &r), 0);
		record_iter_free(iter);
		buffer_clear(&batch);
	}
}

static void large_batch_of_any_codec_is_read(void **state)
{
	(void)state;
	for (enum codec codec = CODEC_GZIP; codec < CODEC_COUNT; codec++) {
		struct buffer batch = read_golden("large", codec);
		struct record_iter *iter;
		struct record r;

		assert_valid(buffer_slice(&batch), codec, 700);
		assert_int_equal(record_iter_new(buffer_slice(&batch),
						 UNPACKED_MAX, &iter),
				 0);
		for (int i = 0; i < 700; i++) {
			struct buffer value = { 0 };
			char key[16];

			snprintf(key, sizeof(key), "key-%d", i % 13);
			for (int j = 0; j < 1 + i % 8; j++)
				buffer_printf(&value,
					      "record %d of the large batch; ",
					      i);
			assert_int_equal(record_next(iter, &r), 1);
			assert_slice(r.key, slice_of(key));
			assert_slice(r.value, buffer_slice(&value));
			buffer_clear(&value);
		}
		assert_int_equal(record_next(iter, &r), 0);
		record_iter_free(iter);
		buffer_clear(&batch);
	}
}

/* Vectors */

/* The bytes that the lines behind "hex:" spell. */
static struct buffer hex_of(const char *text)
{
	const char *at = strstr(text, "\nhex:");
	const char *end = strstr(text, "\ndecoded:");
	struct buffer bytes = { 0 };

	assert_non_null(at);
	assert_non_null(end);
	for (at += 5; at < end; at++) {
		unsigned byte;

		if (isspace((unsigned char)*at))
			continue;
		assert_int_equal(sscanf(at, "%2x", &byte), 1);
		buffer_put_u8(&bytes, (uint8_t)byte);
		at++;
	}
	return bytes;
}

static int64_t number_of(const char *text, const char *name)
{
	char line[64];
	const char *at;

	snprintf(line, sizeof(line), "  batch.%s = ", name);
	at = strstr(text, line);
	assert_non_null(at);
	return strtoll(at + strlen(line), NULL, 10);
}

static void assert_header(const char *text, const struct batch_header *h)
{
	assert_int_equal(h->base_offset, number_of(text, "base_offset"));
	assert_int_equal(h->size, number_of(text, "batch_length") + 12);
	assert_int_equal(h->leader_epoch,
			 number_of(text, "partition_leader_epoch"));
	assert_int_equal(h->magic, number_of(text, "magic"));
	assert_int_equal(h->crc, number_of(text, "crc"));
	assert_int_equal(h->attributes, number_of(text, "attributes"));
	assert_int_equal(h->last_offset_delta,
			 number_of(text, "last_offset_delta"));
	assert_int_equal(h->base_timestamp_ms,
			 number_of(text, "base_timestamp"));
	assert_int_equal(h->max_timestamp_ms, number_of(text, "max_timestamp"));
	assert_int_equal(h->producer_id, number_of(text, "producer_id"));
	assert_int_equal(h->producer_epoch, number_of(text, "producer_epoch"));
	assert_int_equal(h->base_sequence, number_of(text, "base_sequence"));
	assert_int_equal(h->records_count, number_of(text, "records_count"));
}

/* Read all records, and put them into b again. */
static void copy_records(struct slice batch, const struct batch_header *h,
			 struct batch_builder *b)
{
	struct record_iter *iter;
	struct record r;

	assert_int_equal(record_iter_new(batch, UNPACKED_MAX, &iter), 0);
	for (int32_t i = 0; i < h->records_count; i++) {
		struct record_header headers[16];
		int32_t count = 0;

		assert_int_equal(record_next(iter, &r), 1);
		assert_true(r.header_count <= 16);
		while (record_next_header(&r.headers, &headers[count]) == 1)
			count++;
		assert_int_equal(batch_builder_add(b, r.timestamp_ms, r.key,
						   r.value, headers, count),
				 0);
	}
	assert_int_equal(record_next(iter, &r), 0);
	record_iter_free(iter);
}

static void assert_builds_the_same(struct slice batch,
				   const struct batch_header *h,
				   const struct batch_builder *b)
{
	struct batch_params params = {
		.base_offset = h->base_offset,
		.leader_epoch = h->leader_epoch,
		.attributes = h->attributes,
		.producer_id = h->producer_id,
		.producer_epoch = h->producer_epoch,
		.base_sequence = h->base_sequence,
	};
	struct buffer built = { 0 };

	assert_int_equal(batch_builder_finish(b, &params, &built), 0);
	assert_slice(buffer_slice(&built), batch);
	buffer_clear(&built);
}

static void check_vector(const char *path)
{
	struct buffer text = read_file(path);
	struct buffer batch;
	struct batch_builder b = { 0 };
	struct batch_header h;

	assert_non_null(buffer_text(&text));
	batch = hex_of((const char *)text.data);
	assert_int_equal(batch_header_read(buffer_slice(&batch), &h), 0);
	assert_int_equal(h.size, batch.len);
	assert_true(batch_crc_holds(batch.data, &h));
	assert_header((const char *)text.data, &h);
	copy_records(buffer_slice(&batch), &h, &b);
	if (batch_codec(&h) == CODEC_NONE)
		assert_builds_the_same(buffer_slice(&batch), &h, &b);
	batch_builder_clear(&b);
	buffer_clear(&batch);
	buffer_clear(&text);
}

static void vectors_are_read_and_built_again(void **state)
{
	glob_t paths;

	(void)state;
	assert_int_equal(glob("tests/vectors/batch_*.txt", 0, NULL, &paths), 0);
	assert_true(paths.gl_pathc >= 60);
	for (size_t i = 0; i < paths.gl_pathc; i++)
		check_vector(paths.gl_pathv[i]);
	globfree(&paths);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_batch_of_any_codec_is_read),
		cmocka_unit_test(large_batch_of_any_codec_is_read),
		cmocka_unit_test(vectors_are_read_and_built_again),
	};

	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
