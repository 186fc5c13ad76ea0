/*
 * list_offsets_test.c - tests of list_offsets.c, through a socket
 *
 * "red" has partition 0 with three batches of one record each, at times 1000,
 * 3000 and 2000, and partition 1 that nobody wrote to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data_kit.h"

enum { LAST = 11 };

static int setup(void **state)
{
	static const int64_t times_ms[] = { 1000, 3000, 2000 };
	struct bench *b = bench_new(FLUSH_OS);
	struct partition *p;

	metadata_add_topic(&b->kit->metadata, "red", 1, 2);
	p = kit_find(b->kit, "red", 0);
	for (int i = 0; i < 3; i++) {
		struct kit_batch what = { .timestamp_ms = times_ms[i] };
		struct buffer bytes = { 0 };
		struct batch_header header;
		struct log_appended appended;
		enum log_refusal refusal;

		kit_make_batch(&what, &bytes, &header);
		assert_int_equal(partition_append(p, bytes.data, &header,
						  &appended, &refusal),
				 0);
		buffer_clear(&bytes);
	}
	partition_release(p);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

struct found {
	int16_t error;
	int64_t timestamp, offset;
	int32_t epoch;
};

static struct found ask_partition(struct bench *b, int16_t version,
				  int32_t partition, int64_t timestamp,
				  int32_t epoch)
{
	struct list_offsets_request_topics_partitions row = {
		.partition_index = partition,
		.current_leader_epoch = epoch,
		.timestamp = timestamp,
	};
	struct list_offsets_request_topics topic = {
		.name = slice_of("red"),
		.partitions = &row,
		.partitions_count = 1,
	};
	struct list_offsets_request request = { .replica_id = -1,
						.topics = &topic,
						.topics_count = 1 };
	const struct list_offsets_response_topics_partitions *p;
	struct found found;
	int fd = dial(b);
	struct answer a;

	call(fd, LIST_OFFSETS, version, &request, &a);
	assert_true(slice_is(a.list_offsets.topics[0].name, "red"));
	p = &a.list_offsets.topics[0].partitions[0];
	assert_int_equal(p->partition_index, partition);
	found = (struct found){ p->error_code, p->timestamp, p->offset,
				p->leader_epoch };
	answer_clear(&a);
	close(fd);
	return found;
}

static void times_are_turned_into_offsets(void **state)
{
	static const struct {
		int32_t partition;
		int32_t epoch;
		int64_t timestamp;
		int64_t offset;
		int64_t found_ms;
	} rows[] = {
		{ 0, 0, -1, 3, -1 },   /* latest */
		{ 0, 0, -2, 0, -1 },   /* earliest */
		{ 0, 0, -3, 1, 3000 }, /* greatest time */
		{ 0, 0, -4, 0, -1 },   /* earliest local */
		{ 0, -1, -5, -1, -1 }, /* none is in remote storage */
		{ 0, -1, -6, -1, -1 },   { 0, 0, 0, 0, 1000 },
		{ 0, 0, 1000, 0, 1000 }, { 0, 0, 1001, 1, 3000 },
		{ 0, 0, 3000, 1, 3000 }, { 0, -1, 3001, -1, -1 },
		{ 1, 0, -1, 0, -1 },     { 1, 0, -2, 0, -1 },
		{ 1, -1, -3, -1, -1 },   { 1, -1, 5, -1, -1 },
	};
	struct bench *b = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct found f = ask_partition(b, LAST, rows[i].partition,
					       rows[i].timestamp, -1);

		assert_int_equal(f.error, WIRE_NONE);
		assert_int_equal(f.offset, rows[i].offset);
		assert_int_equal(f.timestamp, rows[i].found_ms);
		assert_int_equal(f.epoch, rows[i].epoch);
	}
}

static int advance_start(void *arg, struct log *log,
			 const struct partition_offsets *offsets)
{
	(void)arg;
	(void)offsets;
	return log_set_start_offset(log, 6);
}

static void time_finds_nothing_before_the_log_start(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .records = 10, .timestamp_ms = 5000 };
	struct partition *p = kit_find(b->kit, "red", 0);
	struct buffer bytes = { 0 };
	struct batch_header header;
	struct log_appended appended;
	enum log_refusal refusal;
	struct found f;

	/* given a batch of the offsets 3 to 12, and 6 as the log start */
	kit_make_batch(&what, &bytes, &header);
	assert_int_equal(
		partition_append(p, bytes.data, &header, &appended, &refusal),
		0);
	buffer_clear(&bytes);
	assert_int_equal(partition_with_log(p, advance_start, NULL), 0);
	partition_release(p);
	/* when asked for times before it */
	f = ask_partition(b, LAST, 0, 1000, -1);
	/* then the first record that is left is found */
	assert_int_equal(f.offset, 6);
	assert_int_equal(f.timestamp, 5003);
}

static void every_version_finds_the_latest(void **state)
{
	for (int16_t version = LAST; version >= 1; version--)
		assert_int_equal(
			ask_partition(*state, version, 0, -1, -1).offset, 3);
}

static void special_times_need_their_version(void **state)
{
	static const struct {
		int64_t timestamp;
		int16_t version;
	} rows[] = { { -3, 7 }, { -4, 8 }, { -5, 9 }, { -6, 11 } };
	struct bench *b = *state;

	for (size_t i = 0; i < 4; i++) {
		struct found f =
			ask_partition(b, (int16_t)(rows[i].version - 1), 0,
				      rows[i].timestamp, -1);

		assert_int_equal(f.error, WIRE_UNSUPPORTED_VERSION);
		f = ask_partition(b, rows[i].version, 0, rows[i].timestamp, -1);
		assert_int_equal(f.error, WIRE_NONE);
	}
	assert_int_equal(ask_partition(b, LAST, 0, -7, -1).error,
			 WIRE_UNSUPPORTED_VERSION);
}

static void epochs_are_checked(void **state)
{
	assert_int_equal(ask_partition(*state, LAST, 0, -1, 0).error,
			 WIRE_NONE);
	assert_int_equal(ask_partition(*state, LAST, 0, -1, 4).error,
			 WIRE_UNKNOWN_LEADER_EPOCH);
}

static void unknown_partition_is_told(void **state)
{
	struct found f = ask_partition(*state, LAST, 2, -1, -1);

	assert_int_equal(f.error, WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(f.offset, -1);
	assert_int_equal(f.timestamp, -1);
}

static void who_asks_twice_for_a_partition_is_refused(void **state)
{
	struct list_offsets_request_topics_partitions rows[] = {
		{ .partition_index = 0, .timestamp = -1 },
		{ .partition_index = 1, .timestamp = -1 },
		{ .partition_index = 0, .timestamp = -2 },
	};
	struct list_offsets_request_topics topic = {
		.name = slice_of("red"),
		.partitions = rows,
		.partitions_count = 3,
	};
	struct list_offsets_request request = { .replica_id = -1,
						.topics = &topic,
						.topics_count = 1 };
	int fd = dial(*state);
	struct answer a;

	call(fd, LIST_OFFSETS, 1, &request, &a);
	for (int i = 0; i < 3; i++)
		assert_int_equal(
			a.list_offsets.topics[0].partitions[i].error_code,
			i == 1 ? WIRE_NONE : WIRE_INVALID_REQUEST);
	answer_clear(&a);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(times_are_turned_into_offsets),
		TEST(time_finds_nothing_before_the_log_start),
		TEST(every_version_finds_the_latest),
		TEST(special_times_need_their_version),
		TEST(epochs_are_checked),
		TEST(unknown_partition_is_told),
		TEST(who_asks_twice_for_a_partition_is_refused),
	};

	return cmocka_run_group_tests_name("list_offsets", tests, NULL, NULL);
}
