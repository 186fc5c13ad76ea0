/*
 * golden_test.c - our files against those that Apache Kafka wrote
 *
 * data/README.md tells how they were made.  A test that writes gets Kafka's
 * batches one by one, as Kafka got them, and must end with the same bytes in
 * every file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "log/data_dir.h"
#include "log/log.h"
#include "log/partition_metadata.h"
#include "support/log_kit.h"

#define DATA      "tests/unit/log/data"
#define GOLDEN    DATA "/golden-0"
#define TOPIC_ID  "MqFhGzH3RDGlTuvxlx4Fug"
#define FIRST_LOG "00000000000000000000.log"
#define LAST_LOG  "00000000000000000012.log"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* A moment at which no producer of the data has expired: 1 s after them. */
#define SOON_MS 1795254781076

struct fixture {
	char root[KIT_PATH_MAX];
	char dir[KIT_PATH_MAX + 16];
	struct fake_clock clock;
	struct log_open params;
	struct log *log;
	struct log_recovery recovery;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	kit_make_dir(f->root);
	snprintf(f->dir, sizeof(f->dir), "%s/golden-0", f->root);
	fake_clock_init(&f->clock, SOON_MS);
	f->params = (struct log_open){
		.vfs = vfs_system(),
		.clock = &f->clock.clock,
		.dir = f->dir,
		.config = log_config_default,
	};
	assert_int_equal(uuid_parse(slice_of(TOPIC_ID), &f->params.topic_id),
			 0);
	f->params.config.index_interval_bytes = 150;
	f->params.config.segment_ms = 1500;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_close(f->log, false);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

static void open_log(struct fixture *f, bool clean, int64_t recovery_point)
{
	f->params.clean = clean;
	f->params.recovery_point = recovery_point;
	assert_int_equal(log_open(&f->params, &f->log, &f->recovery), 0);
}

static void close_log(struct fixture *f)
{
	assert_int_equal(log_close(f->log, true), 0);
	f->log = NULL;
}

static void copy_golden(struct fixture *f)
{
	assert_int_equal(vfs_system()->mkdir(vfs_system(), f->dir, 0755), 0);
	kit_copy_dir(GOLDEN, f->dir);
}

static void assert_file_equal(const struct fixture *f, const char *name)
{
	size_t want_len;
	size_t got_len;
	uint8_t *want = kit_read_file(GOLDEN, name, &want_len);
	uint8_t *got = kit_read_file(f->dir, name, &got_len);

	if (got_len != want_len || memcmp(got, want, got_len) != 0)
		fail_msg("%s differs: %zu bytes, %zu wanted", name, got_len,
			 want_len);
	free(want);
	free(got);
}

static const char *const all_names[] = {
	"00000000000000000000.index",
	FIRST_LOG,
	"00000000000000000000.timeindex",
	"00000000000000000012.index",
	LAST_LOG,
	"00000000000000000012.snapshot",
	"00000000000000000012.timeindex",
	"00000000000000000018.snapshot",
	"leader-epoch-checkpoint",
	"partition.metadata",
};

static void assert_all_equal(const struct fixture *f)
{
	for (size_t i = 0; i < ARRAY_LEN(all_names); i++)
		assert_file_equal(f, all_names[i]);
}

/* Append the batches of one of Kafka's segments one by one. */
static void append_segment(struct fixture *f, const char *name)
{
	size_t len;
	uint8_t *bytes = kit_read_file(GOLDEN, name, &len);

	for (size_t at = 0; at < len;) {
		struct slice left = { bytes + at, len - at };
		struct batch_header header;
		struct log_appended appended;
		enum log_refusal refusal;

		assert_int_equal(batch_header_read(left, &header), 0);
		assert_int_equal(log_append(f->log, bytes + at, &header,
					    header.leader_epoch, &appended,
					    &refusal),
				 0);
		assert_int_equal(appended.base_offset, header.base_offset);
		at += header.size;
	}
	free(bytes);
}

static void same_batches_make_the_same_files(void **state)
{
	struct fixture *f = *state;

	open_log(f, true, 0);
	append_segment(f, FIRST_LOG);
	append_segment(f, LAST_LOG);
	close_log(f);

	assert_all_equal(f);
}

static void clean_directory_opens_without_recovery(void **state)
{
	struct fixture *f = *state;
	struct log_time_offset found;

	copy_golden(f);
	open_log(f, true, 0);

	assert_int_equal(f->recovery.scanned_bytes, 0);
	assert_int_equal(f->recovery.rebuilt_indexes, 0);
	assert_int_equal(log_start_offset(f->log), 0);
	assert_int_equal(log_end_offset(f->log), 18);
	assert_int_equal(log_recovery_point(f->log), 18);
	assert_int_equal(log_segment_count(f->log), 2);
	assert_int_equal(log_leader_epoch(f->log), 0);
	assert_int_equal(log_size_bytes(f->log), 1049 + 140);
	assert_int_equal(log_offset_of_max_timestamp(f->log, &found), 0);
	assert_int_equal(found.timestamp_ms, log_max_timestamp_ms(f->log));
	assert_int_equal(found.timestamp_ms, 0x1a1fd850494);
	assert_int_equal(found.offset, 12); /* all six are of one time */
	close_log(f);
	assert_all_equal(f);
}

/* Kafka's active segment has large index files, of zeroes. */
static void unclean_directory_is_recovered_to_the_same_files(void **state)
{
	struct fixture *f = *state;
	char path[KIT_PATH_MAX + 128];

	copy_golden(f);
	for (size_t i = 0; i < ARRAY_LEN(all_names); i++) {
		if (strstr(all_names[i], "12.") == NULL ||
		    strstr(all_names[i], "index") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->dir, all_names[i]);
		assert_int_equal(truncate(path, 0), 0);
		assert_int_equal(truncate(path, 10485756), 0);
	}
	snprintf(path, sizeof(path), "%s/00000000000000000018.snapshot",
		 f->dir);
	assert_int_equal(unlink(path), 0);
	open_log(f, false, 0);

	assert_int_equal(f->recovery.scanned_bytes, 1049 + 140);
	assert_int_equal(f->recovery.truncated_bytes, 0);
	assert_int_equal(log_end_offset(f->log), 18);
	close_log(f);
	assert_all_equal(f);
}

static void clean_directory_with_zeroes_in_its_indexes_opens(void **state)
{
	struct fixture *f = *state;
	char path[KIT_PATH_MAX + 128];
	struct log_slice slice;

	copy_golden(f);
	for (size_t i = 0; i < ARRAY_LEN(all_names); i++) {
		if (strstr(all_names[i], "index") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", f->dir, all_names[i]);
		assert_int_equal(truncate(path, 10485756), 0);
	}
	open_log(f, true, 0);

	assert_int_equal(log_end_offset(f->log), 18);
	assert_int_equal(log_max_timestamp_ms(f->log), 0x1a1fd850494);
	for (int64_t offset = 0; offset < 18; offset++) {
		assert_int_equal(log_read(f->log, offset, 1, 18, true, &slice),
				 0);
		assert_true(slice.len > 0);
		log_slice_release(&slice);
	}
}

struct producers {
	int count;
	struct log_producer last;
};

static void note_producer(void *arg, const struct log_producer *p)
{
	struct producers *seen = arg;

	seen->count++;
	if (p->producer_id == 5)
		seen->last = *p;
}

static void producers_come_from_the_snapshot(void **state)
{
	struct fixture *f = *state;
	struct producers seen = { 0 };

	copy_golden(f);
	open_log(f, true, 0);
	log_each_producer(f->log, note_producer, &seen);

	assert_int_equal(seen.count, 6);
	assert_int_equal(seen.last.last_sequence, 5);
	assert_int_equal(seen.last.producer_epoch, 0);
	assert_int_equal(seen.last.coordinator_epoch, -1);
	assert_int_equal(seen.last.current_txn_start_offset, -1);
	log_expire_producers(f->log, SOON_MS + 24LL * 3600 * 1000);
	seen.count = 0;
	log_each_producer(f->log, note_producer, &seen);
	assert_int_equal(seen.count, 0);
}

static void directory_of_another_topic_is_refused(void **state)
{
	struct fixture *f = *state;

	copy_golden(f);
	f->params.topic_id.bytes[3] ^= 1;

	assert_int_equal(log_open(&f->params, &f->log, NULL), -EEXIST);
}

static void messages_of_an_old_format_are_not_cut(void **state)
{
	/* A message of magic 1: offset 0, size, CRC-32, attributes, time,
	 * no key, value "x". */
	static const uint8_t old[] = {
		0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0,    0x17,
		0x53, 0xd9, 0x6a, 0x29, 1,    0,    0, 0, 0, 0, 0,    0,
		0,    0,    0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0x78,
	};
	struct fixture *f = *state;

	assert_int_equal(vfs_system()->mkdir(vfs_system(), f->dir, 0755), 0);
	kit_write_file(f->dir, FIRST_LOG, old, sizeof(old));

	assert_int_equal(log_open(&f->params, &f->log, NULL), -EBADMSG);
}

static void large_message_of_an_old_format_is_not_cut_either(void **state)
{
	enum { SIZE = 700000, HEADER = 12 };
	struct fixture *f = *state;
	uint8_t *old = calloc(1, HEADER + SIZE);

	/* Larger than recovery reads at once. */
	assert_non_null(old);
	put_be32(old + 8, SIZE);
	memset(old + 40, 'x', HEADER + SIZE - 40);
	put_be32(old + HEADER, hash_crc32(old + 16, SIZE - 4));
	assert_int_equal(vfs_system()->mkdir(vfs_system(), f->dir, 0755), 0);
	kit_write_file(f->dir, FIRST_LOG, old, HEADER + SIZE);
	assert_int_equal(log_open(&f->params, &f->log, NULL), -EBADMSG);

	/* But what a crash tore is cut. */
	old[HEADER + SIZE - 1] ^= 1;
	kit_write_file(f->dir, FIRST_LOG, old, HEADER + SIZE);
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	assert_int_equal(log_end_offset(f->log), 0);
	free(old);
}

static void note_entry(void *arg, const struct checkpoint_entry *e)
{
	struct checkpoint_entry *seen = arg;

	assert_string_equal(e->topic, "golden");
	*seen = *e;
}

static void data_directory_of_kafka_is_understood(void **state)
{
	const struct data_dir_identity any = { .node_id = -1 };
	struct fixture *f = *state;
	struct checkpoint_entry seen = { .partition = -1 };
	struct data_dir_identity identity;
	struct data_dir_found found;
	struct data_dir *dir;
	char id[UUID_TEXT_LEN + 1];

	kit_copy_dir(DATA "/dir", f->root);
	assert_int_equal(data_dir_open(vfs_system(), f->root, &any,
				       random_system(), &dir, &identity,
				       &found),
			 0);
	assert_int_equal(data_dir_read_checkpoint(dir,
						  CHECKPOINT_RECOVERY_POINT,
						  note_entry, &seen),
			 0);
	data_dir_close(dir, false);

	assert_false(found.fresh);
	assert_false(found.clean);
	assert_string_equal(identity.cluster_id, "MkU3OEVBNTcwNTJENDM2Qk");
	assert_int_equal(identity.node_id, 1);
	uuid_format(identity.directory_id, id);
	assert_string_equal(id, "Dyv8lrvk86imZU_5bEvcyg");
	assert_int_equal(seen.partition, 0);
	assert_int_equal(seen.offset, 18);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(same_batches_make_the_same_files),
		TEST(clean_directory_opens_without_recovery),
		TEST(unclean_directory_is_recovered_to_the_same_files),
		TEST(clean_directory_with_zeroes_in_its_indexes_opens),
		TEST(producers_come_from_the_snapshot),
		TEST(directory_of_another_topic_is_refused),
		TEST(messages_of_an_old_format_are_not_cut),
		TEST(large_message_of_an_old_format_is_not_cut_either),
		TEST(data_directory_of_kafka_is_understood),
	};

	return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
