/*
 * describe_test.c - tests of epochs.c, producers.c and log_dirs.c, through a
 * socket
 *
 * "red" has three records in partition 0, of leader epoch 0, the last of an
 * idempotent producer, and none in 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data_kit.h"

enum { RECORDS = 3, VALUE_BYTES = 100, PRODUCER = 77, SEQUENCE = 5 };

static int setup(void **state)
{
	struct kit_batch last = {
		.idempotent = true,
		.producer_id = PRODUCER,
		.producer_epoch = 2,
		.base_sequence = SEQUENCE,
		.timestamp_ms = 1000,
	};
	struct bench *b = bench_new(FLUSH_OS);
	struct buffer bytes = { 0 };
	struct log_appended appended;
	enum log_refusal refusal;
	struct batch_header header;
	struct partition *p;

	metadata_add_topic(&b->kit->metadata, "red", 1, 2);
	p = kit_find(b->kit, "red", 0);
	for (int i = 1; i < RECORDS; i++)
		assert_int_equal(kit_append(p, VALUE_BYTES), 0);
	kit_make_batch(&last, &bytes, &header);
	assert_int_equal(
		partition_append(p, bytes.data, &header, &appended, &refusal),
		0);
	buffer_clear(&bytes);
	partition_release(p);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* OffsetForLeaderEpoch */

struct epoch_end {
	int16_t error;
	int32_t epoch;
	int64_t end_offset;
};

static struct epoch_end ask_epoch(struct bench *b, int16_t version,
				  int32_t partition, int32_t current,
				  int32_t epoch)
{
	struct offset_for_leader_epoch_request_topics_partitions row = {
		.partition = partition,
		.current_leader_epoch = current,
		.leader_epoch = epoch,
	};
	struct offset_for_leader_epoch_request_topics topic = {
		.topic = slice_of("red"),
		.partitions = &row,
		.partitions_count = 1,
	};
	struct offset_for_leader_epoch_request request = {
		.replica_id = -1,
		.topics = &topic,
		.topics_count = 1,
	};
	const struct offset_for_leader_epoch_response_topics_partitions *got;
	struct epoch_end end;
	int fd = dial(b);
	struct answer a;

	call(fd, LEADER_EPOCH, version, &request, &a);
	got = &a.leader_epoch.topics[0].partitions[0];
	assert_int_equal(got->partition, partition);
	end = (struct epoch_end){ got->error_code, got->leader_epoch,
				  got->end_offset };
	answer_clear(&a);
	close(fd);
	return end;
}

static void every_version_tells_where_an_epoch_ends(void **state)
{
	for (int16_t version = 2; version <= 4; version++) {
		struct epoch_end end = ask_epoch(*state, version, 0, -1, 0);

		assert_int_equal(end.error, WIRE_NONE);
		assert_int_equal(end.epoch, 0);
		assert_int_equal(end.end_offset, RECORDS);
	}
}

static void epoch_without_records_ends_where_it_began(void **state)
{
	struct epoch_end end = ask_epoch(*state, 4, 1, 0, 0);

	assert_int_equal(end.epoch, 0);
	assert_int_equal(end.end_offset, 0);
}

static void epochs_that_were_not_yet_have_no_end(void **state)
{
	static const int32_t epochs[] = { -1, 1, INT32_MAX };

	for (size_t i = 0; i < 3; i++) {
		struct epoch_end end = ask_epoch(*state, 4, 0, -1, epochs[i]);

		assert_int_equal(end.error, WIRE_NONE);
		assert_int_equal(end.epoch, -1);
		assert_int_equal(end.end_offset, -1);
	}
}

static void known_leader_epoch_is_checked(void **state)
{
	assert_int_equal(ask_epoch(*state, 4, 0, 1, 0).error,
			 WIRE_UNKNOWN_LEADER_EPOCH);
	assert_int_equal(ask_epoch(*state, 4, 0, -5, 0).error,
			 WIRE_FENCED_LEADER_EPOCH);
	assert_int_equal(ask_epoch(*state, 4, 2, -1, 0).error,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

/* DescribeProducers */

static void producers_are_told_with_their_last_sequence(void **state)
{
	int32_t indexes[] = { 0, 1, 2 };
	struct describe_producers_request_topics topic = {
		.name = slice_of("red"),
		.partition_indexes = indexes,
		.partition_indexes_count = 3,
	};
	struct describe_producers_request request = { .topics = &topic,
						      .topics_count = 1 };
	const struct describe_producers_response_topics_partitions *got;
	int fd = dial(*state);
	struct answer a;

	call(fd, DESCRIBE_PRODUCERS, 0, &request, &a);
	got = a.producers.topics[0].partitions;
	assert_int_equal(got[0].error_code, WIRE_NONE);
	assert_int_equal(got[0].active_producers_count, 1);
	assert_int_equal(got[0].active_producers[0].producer_id, PRODUCER);
	assert_int_equal(got[0].active_producers[0].producer_epoch, 2);
	assert_int_equal(got[0].active_producers[0].last_sequence, SEQUENCE);
	assert_int_equal(got[0].active_producers[0].last_timestamp, 1000);
	assert_int_equal(got[0].active_producers[0].coordinator_epoch, -1);
	assert_int_equal(got[0].active_producers[0].current_txn_start_offset,
			 -1);
	assert_int_equal(got[1].error_code, WIRE_NONE);
	assert_int_equal(got[1].active_producers_count, 0);
	assert_int_equal(got[2].error_code, WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_false(slice_is_null(got[2].error_message));
	answer_clear(&a);
	close(fd);
}

static void name_that_no_topic_can_have_is_told_so(void **state)
{
	int32_t index = 0;
	struct describe_producers_request_topics topic = {
		.name = slice_of("a b"),
		.partition_indexes = &index,
		.partition_indexes_count = 1,
	};
	struct describe_producers_request request = { .topics = &topic,
						      .topics_count = 1 };
	int fd = dial(*state);
	struct answer a;

	call(fd, DESCRIBE_PRODUCERS, 0, &request, &a);
	assert_int_equal(a.producers.topics[0].partitions[0].error_code,
			 WIRE_INVALID_TOPIC_EXCEPTION);
	answer_clear(&a);
	close(fd);
}

/* DescribeLogDirs */

static const struct describe_log_dirs_response_results *ask_dirs(
	struct bench *b, int16_t version,
	struct describe_log_dirs_request *request, struct answer *a)
{
	int fd = dial(b);

	call(fd, LOG_DIRS, version, request, a);
	close(fd);
	assert_int_equal(a->log_dirs.error_code, WIRE_NONE);
	assert_int_equal(a->log_dirs.results_count, 1);
	return &a->log_dirs.results[0];
}

static void every_version_tells_the_size_of_all_partitions(void **state)
{
	struct bench *b = *state;
	struct describe_log_dirs_request all = { .topics_count = -1 };
	struct partition *p = kit_find(b->kit, "red", 0);
	int64_t size = partition_size_bytes(p);

	partition_release(p);
	gate_set_space(&b->kit->gate, 5000, 3000);
	assert_true(size > RECORDS * VALUE_BYTES / 2);
	for (int16_t version = 1; version <= 4; version++) {
		struct answer a;
		const struct describe_log_dirs_response_results *dir =
			ask_dirs(b, version, &all, &a);

		assert_true(slice_is(dir->log_dir, b->kit->path));
		assert_int_equal(dir->topics_count, 1);
		assert_true(slice_is(dir->topics[0].name, "red"));
		assert_int_equal(dir->topics[0].partitions_count, 2);
		assert_int_equal(dir->topics[0].partitions[0].partition_size,
				 size);
		assert_int_equal(dir->topics[0].partitions[0].offset_lag, 0);
		assert_int_equal(dir->topics[0].partitions[1].partition_size,
				 0);
		assert_int_equal(dir->total_bytes, version < 4 ? -1 : 5000);
		assert_int_equal(dir->usable_bytes, version < 4 ? -1 : 3000);
		answer_clear(&a);
	}
}

static void only_the_partitions_asked_for_are_told(void **state)
{
	int32_t indexes[] = { 1, 9 };
	struct describe_log_dirs_request_topics topics[] = {
		{ slice_of("red"), indexes, 2, NULL },
		{ slice_of("blue"), indexes, 2, NULL },
	};
	struct describe_log_dirs_request some = { .topics = topics,
						  .topics_count = 2 };
	struct describe_log_dirs_request none = { .topics = topics };
	const struct describe_log_dirs_response_results *dir;
	struct answer a;

	dir = ask_dirs(*state, 4, &some, &a);
	assert_int_equal(dir->topics_count, 1);
	assert_int_equal(dir->topics[0].partitions_count, 1);
	assert_int_equal(dir->topics[0].partitions[0].partition_index, 1);
	answer_clear(&a);
	dir = ask_dirs(*state, 4, &none, &a);
	assert_int_equal(dir->topics_count, 0);
	answer_clear(&a);
}

static void size_is_known_without_opening_the_log(void **state)
{
	struct bench *b = *state;
	struct partition *p = kit_find(b->kit, "red", 0);
	int64_t size = partition_size_bytes(p);

	partition_release(p);
	kit_stop(b->kit);
	kit_start(b->kit, true);
	p = kit_find(b->kit, "red", 0);
	assert_int_equal(partition_size_bytes(p), size);
	partition_release(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version_tells_where_an_epoch_ends),
		TEST(epoch_without_records_ends_where_it_began),
		TEST(epochs_that_were_not_yet_have_no_end),
		TEST(known_leader_epoch_is_checked),
		TEST(producers_are_told_with_their_last_sequence),
		TEST(name_that_no_topic_can_have_is_told_so),
		TEST(every_version_tells_the_size_of_all_partitions),
		TEST(only_the_partitions_asked_for_are_told),
		TEST(size_is_known_without_opening_the_log),
	};

	return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
