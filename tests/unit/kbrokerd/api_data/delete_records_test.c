/*
 * delete_records_test.c - tests of delete_records.c, through a socket
 *
 * "red" has ten records in partition 0, a batch each, and none in 1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "data_kit.h"

enum { VERSION = 2, RECORDS = 10 };

static int setup(void **state)
{
	struct bench *b = bench_new(FLUSH_OS);
	struct partition *p;

	metadata_add_topic(&b->kit->metadata, "red", 1, 2);
	p = kit_find(b->kit, "red", 0);
	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(kit_append(p, 100), 0);
	partition_release(p);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

struct deleted {
	int16_t error;
	int64_t low_watermark;
};

static struct deleted delete_before(struct bench *b, int16_t version,
				    const char *name, int32_t partition,
				    int64_t offset)
{
	struct delete_records_request_topics_partitions row = {
		.partition_index = partition,
		.offset = offset,
	};
	struct delete_records_request_topics topic = {
		.name = slice_of(name),
		.partitions = &row,
		.partitions_count = 1,
	};
	struct delete_records_request request = {
		.topics = &topic,
		.topics_count = 1,
		.timeout_ms = KIT_WAIT_S * 1000,
	};
	const struct delete_records_response_topics_partitions *got;
	int fd = dial(b);
	struct deleted d;
	struct answer a;

	call(fd, DELETE_RECORDS, version, &request, &a);
	got = &a.delete_records.topics[0].partitions[0];
	assert_int_equal(got->partition_index, partition);
	d = (struct deleted){ got->error_code, got->low_watermark };
	answer_clear(&a);
	close(fd);
	return d;
}

static struct partition_offsets offsets_of(struct bench *b)
{
	struct partition *p = kit_find(b->kit, "red", 0);
	struct partition_offsets offsets = kit_offsets(p);

	partition_release(p);
	return offsets;
}

static void every_version_moves_the_log_start(void **state)
{
	for (int16_t version = 0; version <= VERSION; version++) {
		struct deleted d =
			delete_before(*state, version, "red", 0, version + 1);

		assert_int_equal(d.error, WIRE_NONE);
		assert_int_equal(d.low_watermark, version + 1);
		assert_int_equal(offsets_of(*state).log_start, version + 1);
	}
}

static void minus_1_deletes_up_to_the_high_watermark(void **state)
{
	struct deleted d = delete_before(*state, VERSION, "red", 0, -1);

	assert_int_equal(d.error, WIRE_NONE);
	assert_int_equal(d.low_watermark, RECORDS);
	/* Of an empty partition too. */
	d = delete_before(*state, VERSION, "red", 1, -1);
	assert_int_equal(d.error, WIRE_NONE);
	assert_int_equal(d.low_watermark, 0);
}

static void what_is_deleted_already_stays_so(void **state)
{
	struct deleted d;

	delete_before(*state, VERSION, "red", 0, 5);
	d = delete_before(*state, VERSION, "red", 0, 2);
	assert_int_equal(d.error, WIRE_NONE);
	assert_int_equal(d.low_watermark, 5);
}

static void offsets_that_are_none_are_out_of_range(void **state)
{
	static const int64_t offsets[] = { RECORDS + 1, -2, INT64_MIN,
					   INT64_MAX };

	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		struct deleted d =
			delete_before(*state, VERSION, "red", 0, offsets[i]);

		assert_int_equal(d.error, WIRE_OFFSET_OUT_OF_RANGE);
		assert_int_equal(d.low_watermark, -1);
	}
	assert_int_equal(offsets_of(*state).log_start, 0);
}

static void only_what_there_is_can_be_deleted(void **state)
{
	assert_int_equal(delete_before(*state, VERSION, "blue", 0, 1).error,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(delete_before(*state, VERSION, "red", 2, 1).error,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(delete_before(*state, VERSION, "red", -1, 1).error,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

static void compacted_topic_keeps_its_records(void **state)
{
	struct bench *b = *state;

	metadata_set(&b->kit->metadata, "red", "cleanup.policy", "compact");
	assert_int_equal(delete_before(b, VERSION, "red", 0, 1).error,
			 WIRE_POLICY_VIOLATION);
	metadata_set(&b->kit->metadata, "red", "cleanup.policy",
		     "compact,delete");
	assert_int_equal(delete_before(b, VERSION, "red", 0, 1).error,
			 WIRE_NONE);
}

static void topic_of_a_coordinator_keeps_its_records(void **state)
{
	struct bench *b = *state;

	metadata_add_topic(&b->kit->metadata, "__consumer_offsets", 2, 1);
	assert_int_equal(
		delete_before(b, VERSION, "__consumer_offsets", 0, 0).error,
		WIRE_INVALID_TOPIC_EXCEPTION);
}

static void note_start(void *arg, const struct checkpoint_entry *e)
{
	if (strcmp(e->topic, "red") == 0 && e->partition == 0)
		*(int64_t *)arg = e->offset;
}

static void checkpoint_is_written_before_the_answer(void **state)
{
	struct bench *b = *state;
	int64_t start = -1;

	delete_before(b, VERSION, "red", 0, 6);
	assert_int_equal(data_dir_read_checkpoint(b->kit->dir,
						  CHECKPOINT_LOG_START,
						  note_start, &start),
			 0);
	assert_int_equal(start, 6);
}

static void deletion_is_no_success_while_it_could_come_back(void **state)
{
	struct bench *b = *state;
	char path[KIT_PATH_MAX + 64];
	struct deleted d;

	/* Given a checkpoint that cannot be written. */
	snprintf(path, sizeof(path), "%s/log-start-offset-checkpoint.tmp",
		 b->kit->path);
	assert_int_equal(mkdir(path, 0755), 0);
	d = delete_before(b, VERSION, "red", 0, 6);
	assert_int_equal(d.error, WIRE_KAFKA_STORAGE_ERROR);
	assert_int_equal(d.low_watermark, -1);

	/* When it can be, trying again is enough. */
	assert_int_equal(rmdir(path), 0);
	d = delete_before(b, VERSION, "red", 0, 6);
	assert_int_equal(d.error, WIRE_NONE);
	assert_int_equal(d.low_watermark, 6);
}

static void whole_segments_go_with_their_files(void **state)
{
	struct bench *b = *state;
	char dir[KIT_PATH_MAX + 16];
	struct partition *p;

	/* Given a topic of small segments, which are removed at once. */
	metadata_set(&b->kit->metadata, "red", "segment.bytes", "400");
	metadata_set(&b->kit->metadata, "red", "file.delete.delay.ms", "0");
	p = kit_find(b->kit, "red", 1);
	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(kit_append(p, 100), 0);
	snprintf(dir, sizeof(dir), "%s/red-1", b->kit->path);
	assert_true(kit_file_exists(dir, "00000000000000000000.log"));

	assert_int_equal(
		delete_before(b, VERSION, "red", 1, RECORDS - 1).low_watermark,
		RECORDS - 1);
	assert_false(kit_file_exists(dir, "00000000000000000000.log"));
	while (kit_file_exists(dir, "00000000000000000000.log.deleted"))
		sched_yield();
	partition_release(p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version_moves_the_log_start),
		TEST(minus_1_deletes_up_to_the_high_watermark),
		TEST(what_is_deleted_already_stays_so),
		TEST(offsets_that_are_none_are_out_of_range),
		TEST(only_what_there_is_can_be_deleted),
		TEST(compacted_topic_keeps_its_records),
		TEST(topic_of_a_coordinator_keeps_its_records),
		TEST(checkpoint_is_written_before_the_answer),
		TEST(deletion_is_no_success_while_it_could_come_back),
		TEST(whole_segments_go_with_their_files),
	};

	return cmocka_run_group_tests_name("delete_records", tests, NULL, NULL);
}
