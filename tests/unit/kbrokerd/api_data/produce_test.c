/*
 * produce_test.c - tests of produce.c, through a socket
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data_kit.h"

enum { VERSION = 12, BY_ID = 13 };

static int setup_commit(void **state)
{
	struct bench *b = bench_new(FLUSH_COMMIT);

	metadata_add_topic(&b->kit->metadata, "red", 1, 2);
	*state = b;
	return 0;
}

static int setup_os(void **state)
{
	struct bench *b = bench_new(FLUSH_OS);

	metadata_add_topic(&b->kit->metadata, "red", 1, 2);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* Produce one batch in a version; its error code. */
static int16_t error_of(struct bench *b, int16_t version,
			const struct buffer *bytes)
{
	int fd = dial(b);
	struct answer a;
	int16_t error;

	produce(fd, version, 1, buffer_slice(bytes), &a);
	error = produced(&a)->error_code;
	if (error != WIRE_NONE) {
		assert_int_equal(produced(&a)->base_offset, -1);
		if (version >= 8)
			assert_true(produced(&a)->error_message.len > 0);
	}
	answer_clear(&a);
	close(fd);
	return error;
}

static void every_version_gives_offsets(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .records = 3 };
	int fd = dial(b);

	for (int16_t version = 3; version <= 13; version++) {
		struct buffer bytes = make_batch(&what);
		struct answer a;

		produce(fd, version, -1, buffer_slice(&bytes), &a);
		assert_int_equal(produced(&a)->error_code, WIRE_NONE);
		assert_int_equal(produced(&a)->base_offset, 3 * (version - 3));
		assert_int_equal(produced(&a)->log_append_time_ms, -1);
		if (version >= 5)
			assert_int_equal(produced(&a)->log_start_offset, 0);
		answer_clear(&a);
		buffer_clear(&bytes);
	}
	close(fd);
}

static void acks_all_waits_for_the_sync(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	gate_hold(&b->kit->gate, true);
	fill_produce(&c, "red", 1, 0, -1, buffer_slice(&bytes));
	whole_send(fd, PRODUCE, VERSION, &c.request);
	gate_await(&b->kit->gate, &b->kit->gate.at_gate, 1);
	assert_true(is_silent(fd, 20));
	gate_hold(&b->kit->gate, false);
	assert_true(receive(fd, PRODUCE, VERSION, &a));
	assert_int_equal(produced(&a)->error_code, WIRE_NONE);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void acks_1_does_not(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	int fd = dial(b);
	struct answer a;

	gate_hold(&b->kit->gate, true);
	produce(fd, VERSION, 1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_NONE);
	/* But a sync has been started. */
	gate_await(&b->kit->gate, &b->kit->gate.at_gate, 1);
	gate_hold(&b->kit->gate, false);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void sync_that_takes_too_long_times_out(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct partition *p = kit_find(b->kit, "red", 0);
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	/* A sync runs already, so that the request is not synced inline. */
	gate_hold(&b->kit->gate, true);
	assert_int_equal(kit_append(p, 1), 0);
	gate_await(&b->kit->gate, &b->kit->gate.at_gate, 1);
	fill_produce(&c, "red", 1, 0, -1, buffer_slice(&bytes));
	c.request.timeout_ms = 20;
	call(fd, PRODUCE, VERSION, &c.request, &a);
	assert_int_equal(produced(&a)->error_code, WIRE_REQUEST_TIMED_OUT);
	gate_hold(&b->kit->gate, false);
	answer_clear(&a);
	partition_release(p);
	buffer_clear(&bytes);
	close(fd);
}

static void failed_sync_is_a_storage_error(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	int fd = dial(b);
	struct answer a;

	gate_fail(&b->kit->gate, -EIO, 0);
	for (int i = 0; i < 2; i++) {
		produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
		assert_int_equal(produced(&a)->error_code,
				 WIRE_KAFKA_STORAGE_ERROR);
		answer_clear(&a);
		gate_fail(&b->kit->gate, 0, 0);
	}
	buffer_clear(&bytes);
	close(fd);
}

static void full_disk_is_told_and_passes(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	int fd = dial(b);
	struct answer a;

	gate_fail(&b->kit->gate, 0, -ENOSPC);
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_KAFKA_STORAGE_ERROR);
	assert_non_null(memmem(produced(&a)->error_message.data,
			       produced(&a)->error_message.len, "is full", 7));
	answer_clear(&a);
	gate_fail(&b->kit->gate, 0, 0);
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_NONE);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void full_disk_is_refused_before_it_is_full_to_the_last_byte(
	void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct answer a;
	int fd;

	/* Given a broker that is to keep 1000 bytes free, of which 900 are. */
	kit_stop(b->kit);
	b->kit->min_free_bytes = 1000;
	gate_set_space(&b->kit->gate, 100000, 900);
	kit_start(b->kit, true);
	b->broker.partitions = b->kit->table;
	fd = dial(b);

	/* When somebody produces, he is told to try again, and why. */
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_KAFKA_STORAGE_ERROR);
	assert_non_null(memmem(produced(&a)->error_message.data,
			       produced(&a)->error_message.len,
			       "900 bytes are free, and min.free.bytes=1000",
			       43));
	answer_clear(&a);

	/* And when there is room again, by itself, it is taken. */
	gate_set_space(&b->kit->gate, 100000, 90000);
	do {
		produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
		answer_clear(&a);
	} while (!kit_logged(b->kit, "records are taken"));
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_NONE);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

/* Whoever promised to start a sync and goes must not leave the rest waiting. */
static void client_that_goes_does_not_strand_the_rest(void **state)
{
	struct bench *b = *state;
	struct produce_call c;

	for (int i = 0; i < 50; i++) {
		struct buffer bytes =
			make_batch(&(struct kit_batch){ .records = 1 });
		int gone = dial(b);
		int stays = dial(b);
		struct answer a;

		fill_produce(&c, "red", 1, 0, -1, buffer_slice(&bytes));
		whole_send(gone, PRODUCE, VERSION, &c.request);
		whole_send(stays, PRODUCE, VERSION, &c.request);
		close(gone);
		assert_true(receive(stays, PRODUCE, VERSION, &a));
		assert_int_equal(produced(&a)->error_code, WIRE_NONE);
		answer_clear(&a);
		close(stays);
		buffer_clear(&bytes);
	}
}

static void partitions_fail_one_by_one(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct produce_request_topic_data_partition_data parts[3] = {
		{ .index = 1 }, { .index = 7 }, { .index = 0 }
	};
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	fill_produce(&c, "red", 1, 0, -1, buffer_slice(&bytes));
	for (int i = 0; i < 3; i++)
		parts[i].records = c.partition.records;
	c.topic.partition_data = parts;
	c.topic.partition_data_count = 3;
	call(fd, PRODUCE, VERSION, &c.request, &a);
	assert_int_equal(a.produce.responses[0].partition_responses_count, 3);
	for (int i = 0; i < 3; i++) {
		const struct produce_response_responses_partition_responses *p =
			&a.produce.responses[0].partition_responses[i];

		assert_int_equal(p->index, parts[i].index);
		assert_int_equal(p->error_code,
				 i == 1 ? WIRE_UNKNOWN_TOPIC_OR_PARTITION
					: WIRE_NONE);
	}
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void unknown_topics_are_told_by_name_and_by_id(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	fill_produce(&c, "nosuch", 77, 0, -1, buffer_slice(&bytes));
	call(fd, PRODUCE, VERSION, &c.request, &a);
	assert_int_equal(produced(&a)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_true(slice_is(a.produce.responses[0].name, "nosuch"));
	answer_clear(&a);
	call(fd, PRODUCE, BY_ID, &c.request, &a);
	assert_int_equal(produced(&a)->error_code, WIRE_UNKNOWN_TOPIC_ID);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void acks_2_is_refused(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	int fd = dial(b);
	struct answer a;

	produce(fd, VERSION, 2, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_INVALID_REQUIRED_ACKS);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void acks_0_has_no_answer_and_errors_close(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct partition *p = kit_find(b->kit, "red", 0);
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	fill_produce(&c, "red", 1, 0, 0, buffer_slice(&bytes));
	whole_send(fd, PRODUCE, VERSION, &c.request);
	kit_await_high_watermark(p, 1);
	assert_true(is_silent(fd, 20));
	c.partition.index = 9;
	whole_send(fd, PRODUCE, VERSION, &c.request);
	assert_false(receive(fd, PRODUCE, VERSION, &a));
	partition_release(p);
	buffer_clear(&bytes);
	close(fd);
}

static void too_large_a_batch_is_told_with_both_numbers(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .value_bytes = 5000 };
	struct buffer bytes = make_batch(&what);
	char text[512];
	char number[32];
	int fd = dial(b);
	struct answer a;

	metadata_set(&b->kit->metadata, "red", "max.message.bytes", "4000");
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_MESSAGE_TOO_LARGE);
	snprintf(text, sizeof(text), "%.*s",
		 (int)produced(&a)->error_message.len,
		 (const char *)produced(&a)->error_message.data);
	snprintf(number, sizeof(number), "%zu", bytes.len);
	assert_non_null(strstr(text, number));
	assert_non_null(strstr(text, "4000"));
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

/* Ways to spoil a batch, and what comes of it. */
static void bad_batches_are_refused(void **state)
{
	static const struct {
		const char *what;
		size_t at; /* this byte */
		uint8_t flip;
		bool crc; /* made right again */
		int16_t error;
	} rows[] = {
		{ "checksum", BATCH_CRC, 1, false, WIRE_CORRUPT_MESSAGE },
		{ "magic 3", BATCH_MAGIC, 1, false, WIRE_CORRUPT_MESSAGE },
		{ "magic 0", BATCH_MAGIC, 2, false, WIRE_INVALID_RECORD },
		{ "length", BATCH_LENGTH + 2, 1, false, WIRE_INVALID_RECORD },
		{ "base offset", BATCH_BASE_OFFSET + 7, 1, false,
		  WIRE_INVALID_RECORD },
		{ "count", BATCH_RECORDS_COUNT + 3, 4, true,
		  WIRE_INVALID_RECORD },
		{ "control", BATCH_ATTRIBUTES + 1, BATCH_CONTROL, true,
		  WIRE_INVALID_RECORD },
		{ "codec 7", BATCH_ATTRIBUTES + 1, 7, true,
		  WIRE_UNKNOWN_SERVER_ERROR },
		{ "not gzip", BATCH_ATTRIBUTES + 1, CODEC_GZIP, true,
		  WIRE_UNKNOWN_SERVER_ERROR },
		{ "transactional", BATCH_ATTRIBUTES + 1, BATCH_TRANSACTIONAL,
		  true, WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kit_batch what = { .records = 2, .value_bytes = 50 };
		struct buffer bytes = make_batch(&what);

		bytes.data[rows[i].at] ^= rows[i].flip;
		if (rows[i].crc)
			batch_set_crc(bytes.data);
		if (error_of(b, VERSION, &bytes) != rows[i].error)
			fail_msg("%s", rows[i].what);
		buffer_clear(&bytes);
	}
}

static void no_batch_and_two_batches_are_refused(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct buffer none = { 0 };
	size_t len = bytes.len;

	assert_int_equal(error_of(b, VERSION, &none), WIRE_INVALID_RECORD);
	buffer_reserve(&bytes, len);
	buffer_put(&bytes, bytes.data, len);
	assert_int_equal(error_of(b, VERSION, &bytes), WIRE_INVALID_RECORD);
	buffer_clear(&bytes);
}

static void part_of_a_batch_behind_the_first_is_cut_off(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	size_t len = bytes.len;

	buffer_reserve(&bytes, len);
	buffer_put(&bytes, bytes.data, len - 1);
	assert_int_equal(error_of(b, VERSION, &bytes), WIRE_NONE);
	buffer_clear(&bytes);
}

static void zstd_needs_version_7(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .value_bytes = 100, .codec = CODEC_ZSTD };
	struct buffer bytes = make_batch(&what);

	assert_int_equal(error_of(b, 6, &bytes),
			 WIRE_UNSUPPORTED_COMPRESSION_TYPE);
	assert_int_equal(error_of(b, 7, &bytes), WIRE_NONE);
	buffer_clear(&bytes);
}

static void compacted_topic_needs_keys_and_names_the_records(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 2 });
	int fd = dial(b);
	struct answer a;

	metadata_set(&b->kit->metadata, "red", "cleanup.policy", "compact");
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_INVALID_RECORD);
	assert_int_equal(produced(&a)->record_errors_count, 2);
	assert_int_equal(produced(&a)->record_errors[1].batch_index, 1);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void times_too_far_off_are_refused(void **state)
{
	struct bench *b = *state;
	int64_t now_ms = clock_system()->wall_ms(clock_system());
	struct kit_batch old = { .timestamp_ms = now_ms - 100000 };
	struct kit_batch new = { .timestamp_ms = now_ms + 100000000 };
	struct buffer bytes = make_batch(&old);

	assert_int_equal(error_of(b, VERSION, &bytes), WIRE_NONE);
	metadata_set(&b->kit->metadata, "red",
		     "message.timestamp.before.max.ms", "50000");
	assert_int_equal(error_of(b, VERSION, &bytes), WIRE_INVALID_TIMESTAMP);
	buffer_clear(&bytes);
	bytes = make_batch(&new);
	assert_int_equal(error_of(b, VERSION, &bytes), WIRE_INVALID_TIMESTAMP);
	buffer_clear(&bytes);
}

static void log_append_time_is_given_and_told(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .timestamp_ms = 5 };
	struct buffer bytes = make_batch(&what);
	int64_t now_ms = clock_system()->wall_ms(clock_system());
	int fd = dial(b);
	struct answer a;

	metadata_set(&b->kit->metadata, "red", "message.timestamp.type",
		     "LogAppendTime");
	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	assert_int_equal(produced(&a)->error_code, WIRE_NONE);
	assert_in_range(produced(&a)->log_append_time_ms, now_ms - 1000,
			now_ms + 60000);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

/* The codec of the last batch of partition 0 of "red", which must be whole. */
static int stored_codec(struct bench *b, int64_t offset)
{
	struct partition *p = kit_find(b->kit, "red", 0);
	struct partition_offsets offsets;
	struct batch_header header;
	struct log_slice slice;
	uint8_t *bytes;

	assert_int_equal(
		partition_read(p, offset, 1 << 20, true, &slice, &offsets), 0);
	bytes = malloc(slice.len);
	assert_non_null(bytes);
	assert_int_equal(pread(slice.fd, bytes, slice.len, slice.position),
			 slice.len);
	assert_int_equal(
		batch_header_read((struct slice){ bytes, slice.len }, &header),
		0);
	assert_int_equal(header.size, slice.len);
	assert_int_equal(header.records_count, 5);
	assert_true(batch_crc_holds(bytes, &header));
	free(bytes);
	log_slice_release(&slice);
	partition_release(p);
	return batch_codec(&header);
}

static void topic_with_a_codec_of_its_own_recompresses(void **state)
{
	static const char *const names[] = { "uncompressed", "gzip", "snappy",
					     "lz4", "zstd" };
	struct bench *b = *state;
	int fd = dial(b);
	int64_t offset = 0;

	for (int to = CODEC_NONE; to < CODEC_COUNT; to++) {
		metadata_set(&b->kit->metadata, "red", "compression.type",
			     names[to]);
		for (int from = CODEC_NONE; from < CODEC_COUNT; from++) {
			struct kit_batch what = { .records = 5,
						  .value_bytes = 1000,
						  .codec = from };
			struct buffer bytes = make_batch(&what);
			struct answer a;

			produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
			assert_int_equal(produced(&a)->error_code, WIRE_NONE);
			assert_int_equal(produced(&a)->base_offset, offset);
			assert_int_equal(stored_codec(b, offset), to);
			offset += 5;
			answer_clear(&a);
			buffer_clear(&bytes);
		}
	}
	close(fd);
}

static int16_t produce_sequence(int fd, int16_t epoch, int32_t sequence,
				int64_t *base_offset_out)
{
	struct kit_batch what = { .idempotent = true,
				  .producer_id = 9,
				  .producer_epoch = epoch,
				  .base_sequence = sequence };
	struct buffer bytes = make_batch(&what);
	struct answer a;
	int16_t error;

	produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
	error = produced(&a)->error_code;
	*base_offset_out = produced(&a)->base_offset;
	answer_clear(&a);
	buffer_clear(&bytes);
	return error;
}

static void idempotent_producers_are_held_to_their_sequence(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int64_t offset;

	for (int32_t i = 0; i < 3; i++)
		assert_int_equal(produce_sequence(fd, 1, i, &offset),
				 WIRE_NONE);
	/* Sent again: the offset that it got then. */
	assert_int_equal(produce_sequence(fd, 1, 1, &offset), WIRE_NONE);
	assert_int_equal(offset, 1);
	assert_int_equal(produce_sequence(fd, 1, 5, &offset),
			 WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER);
	assert_int_equal(produce_sequence(fd, 0, 3, &offset),
			 WIRE_INVALID_PRODUCER_EPOCH);
	assert_int_equal(produce_sequence(fd, 1, 3, &offset), WIRE_NONE);
	assert_int_equal(offset, 3);
	close(fd);
}

static void topic_deleted_while_its_sync_runs_is_unknown(void **state)
{
	struct bench *b = *state;
	struct buffer bytes = make_batch(&(struct kit_batch){ .records = 1 });
	struct partition *p = kit_find(b->kit, "red", 0);
	struct produce_call c;
	int fd = dial(b);
	struct answer a;

	/* Who waits is answered at the deletion, not at its end. */
	assert_int_equal(kit_append(p, 1), 0);
	kit_await_high_watermark(p, 1);
	fill_produce(&c, "red", 1, 0, -1, buffer_slice(&bytes));
	whole_send(fd, PRODUCE, VERSION, &c.request);
	assert_true(receive(fd, PRODUCE, VERSION, &a));
	answer_clear(&a);
	metadata_remove_topic(&b->kit->metadata, 1);
	call(fd, PRODUCE, VERSION, &c.request, &a);
	assert_int_equal(produced(&a)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	answer_clear(&a);
	partition_release(p);
	buffer_clear(&bytes);
	close(fd);
}

enum { PRODUCERS = 16, ROUNDS = 40 };

static void *produce_many(void *arg)
{
	struct bench *b = arg;
	int fd = dial(b);

	for (int i = 0; i < ROUNDS; i++) {
		struct buffer bytes =
			make_batch(&(struct kit_batch){ .records = 1 });
		struct answer a;

		produce(fd, VERSION, -1, buffer_slice(&bytes), &a);
		assert_int_equal(produced(&a)->error_code, WIRE_NONE);
		answer_clear(&a);
		buffer_clear(&bytes);
	}
	close(fd);
	return NULL;
}

static void many_producers_share_syncs(void **state)
{
	struct bench *b = *state;
	pthread_t threads[PRODUCERS];
	struct partition *p = kit_find(b->kit, "red", 0);

	for (int i = 0; i < PRODUCERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, produce_many, b), 0);
	for (int i = 0; i < PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(kit_offsets(p).high_watermark, PRODUCERS * ROUNDS);
	/* Far fewer than one for each. */
	assert_true(gate_count(&b->kit->gate, &b->kit->gate.syncs) <
		    PRODUCERS * ROUNDS * 3 / 4);
	assert_int_equal(partition_table_count_commits(b->kit->table, 0), 0);
	partition_release(p);
}

#define COMMIT(name)                                                           \
	cmocka_unit_test_setup_teardown(name, setup_commit, teardown)
#define OS(name) cmocka_unit_test_setup_teardown(name, setup_os, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COMMIT(every_version_gives_offsets),
		OS(every_version_gives_offsets),
		COMMIT(acks_all_waits_for_the_sync),
		COMMIT(acks_1_does_not),
		COMMIT(sync_that_takes_too_long_times_out),
		COMMIT(failed_sync_is_a_storage_error),
		COMMIT(full_disk_is_told_and_passes),
		COMMIT(full_disk_is_refused_before_it_is_full_to_the_last_byte),
		COMMIT(client_that_goes_does_not_strand_the_rest),
		COMMIT(partitions_fail_one_by_one),
		OS(unknown_topics_are_told_by_name_and_by_id),
		OS(acks_2_is_refused),
		OS(acks_0_has_no_answer_and_errors_close),
		OS(too_large_a_batch_is_told_with_both_numbers),
		OS(bad_batches_are_refused),
		OS(no_batch_and_two_batches_are_refused),
		OS(part_of_a_batch_behind_the_first_is_cut_off),
		OS(zstd_needs_version_7),
		OS(compacted_topic_needs_keys_and_names_the_records),
		OS(times_too_far_off_are_refused),
		OS(log_append_time_is_given_and_told),
		OS(topic_with_a_codec_of_its_own_recompresses),
		OS(idempotent_producers_are_held_to_their_sequence),
		COMMIT(topic_deleted_while_its_sync_runs_is_unknown),
		COMMIT(many_producers_share_syncs),
	};

	return cmocka_run_group_tests_name("produce", tests, NULL, NULL);
}
