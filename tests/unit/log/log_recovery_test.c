/*
 * log_recovery_test.c - tests of log_recovery.c and log_producers.c
 *
 * Directories as a crash, a full disk or an interrupted operation would leave
 * them.  A log of three segments is made, closed, damaged and opened again.
 */
#include "log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/log_kit.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

#define FIRST  "00000000000000000000"
#define SECOND "00000000000000000010"
#define THIRD  "00000000000000000020"

enum {
	NOW_MS = 1700000000,
	BATCHES = 10, /* in each segment, of one record each */
	END = 3 * BATCHES,
};

struct fixture {
	char root[KIT_PATH_MAX];
	char copy[KIT_PATH_MAX]; /* to work on */
	char dir[KIT_PATH_MAX + 16];
	int free_fd;
	struct fake_clock clock;
	struct log_open params;
	struct log_recovery recovery;
	struct log *log;
	size_t batch_size;
};

static int append_one(struct fixture *f, int32_t sequence, bool idempotent)
{
	struct kit_batch what = {
		.value_bytes = 200,
		.timestamp_ms = NOW_MS + log_end_offset(f->log),
		.idempotent = idempotent,
		.producer_id = 7,
		.base_sequence = sequence,
	};
	struct buffer bytes = { 0 };
	struct batch_header header;
	struct log_appended appended;
	enum log_refusal refusal;
	int rc;

	kit_make_batch(&what, &bytes, &header);
	rc = log_append(f->log, bytes.data, &header,
			(int32_t)(log_end_offset(f->log) / BATCHES), &appended,
			&refusal);
	f->batch_size = bytes.len;
	buffer_clear(&bytes);
	return rc;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->free_fd = kit_free_fd();
	kit_make_dir(f->root);
	snprintf(f->dir, sizeof(f->dir), "%s/r-0", f->root);
	fake_clock_init(&f->clock, NOW_MS);
	f->params = (struct log_open){
		.vfs = vfs_system(),
		.clock = &f->clock.clock,
		.dir = f->dir,
		.config = log_config_default,
	};
	f->params.config.index_interval_bytes = 300;
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	for (int i = 0; i < END; i++) {
		if (i > 0 && i % BATCHES == 0)
			assert_int_equal(log_roll(f->log), 0);
		assert_int_equal(append_one(f, i, true), 0);
	}
	assert_int_equal(log_close(f->log, true), 0);
	f->log = NULL;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_close(f->log, false);
	assert_int_equal(kit_free_fd(), f->free_fd);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

static int try_open(struct fixture *f, bool clean, int64_t recovery_point)
{
	f->params.clean = clean;
	f->params.recovery_point = recovery_point;
	return log_open(&f->params, &f->log, &f->recovery);
}

static void open_log(struct fixture *f, bool clean, int64_t recovery_point)
{
	assert_int_equal(try_open(f, clean, recovery_point), 0);
}

static void path_of(char path[KIT_PATH_MAX + 128], const struct fixture *f,
		    const char *name)
{
	snprintf(path, KIT_PATH_MAX + 128, "%s/%s", f->dir, name);
}

static void drop(struct fixture *f, const char *name)
{
	char path[KIT_PATH_MAX + 128];

	path_of(path, f, name);
	assert_int_equal(unlink(path), 0);
}

static void cut(struct fixture *f, const char *name, int64_t size)
{
	char path[KIT_PATH_MAX + 128];

	path_of(path, f, name);
	assert_int_equal(truncate(path, size), 0);
}

static void move(struct fixture *f, const char *from, const char *to)
{
	char from_path[KIT_PATH_MAX + 128];
	char to_path[KIT_PATH_MAX + 128];

	path_of(from_path, f, from);
	path_of(to_path, f, to);
	assert_int_equal(rename(from_path, to_path), 0);
}

static void flip(struct fixture *f, const char *name, int64_t position,
		 uint8_t bits)
{
	char path[KIT_PATH_MAX + 128];
	uint8_t byte;
	int fd;

	path_of(path, f, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, position), 1);
	byte ^= bits;
	assert_int_equal(pwrite(fd, &byte, 1, position), 1);
	close(fd);
}

static size_t size_of(struct fixture *f, const char *name)
{
	size_t len;

	free(kit_read_file(f->dir, name, &len));
	return len;
}

/* Every record from the start to the end can be read, and is the one. */
static void assert_readable(struct fixture *f)
{
	for (int64_t offset = log_start_offset(f->log);
	     offset < log_end_offset(f->log); offset++) {
		uint8_t front[BATCH_HEADER_BYTES];
		struct batch_header header;
		struct log_slice slice;
		struct log_time_offset found;

		assert_int_equal(log_read(f->log, offset, 1, END, true, &slice),
				 0);
		assert_int_equal(slice.len, f->batch_size);
		assert_int_equal(
			pread(slice.fd, front, sizeof(front), slice.position),
			sizeof(front));
		log_slice_release(&slice);
		assert_int_equal(batch_header_read(
					 (struct slice){ front, sizeof(front) },
					 &header),
				 0);
		assert_int_equal(header.base_offset, offset);
		assert_int_equal(log_epoch_of(f->log, offset),
				 offset / BATCHES);
		assert_int_equal(log_offset_for_time(f->log, NOW_MS + offset,
						     END, &found),
				 0);
		assert_int_equal(found.offset, offset);
	}
	assert_int_equal(log_max_timestamp_ms(f->log),
			 NOW_MS + log_end_offset(f->log) - 1);
}

/* The producer goes on where the log ends. */
static void assert_producer_goes_on(struct fixture *f)
{
	int32_t next = (int32_t)log_end_offset(f->log);

	assert_int_equal(append_one(f, next + 1, true), -ESTALE);
	assert_int_equal(append_one(f, next, true), 0);
	assert_int_equal(log_end_offset(f->log), next + 1);
}

static void clean_start_reads_no_record(void **state)
{
	struct fixture *f = *state;

	open_log(f, true, 0);

	assert_int_equal(f->recovery.scanned_bytes, 0);
	assert_int_equal(log_end_offset(f->log), END);
	assert_int_equal(log_recovery_point(f->log), END);
	assert_readable(f);
	assert_producer_goes_on(f);
}

static void unclean_start_reads_from_the_recovery_point(void **state)
{
	static const struct {
		int64_t recovery_point;
		int64_t batches;
	} cases[] = {
		{ 0, 30 },  { 9, 30 },  { 10, 30 }, { 11, 20 },
		{ 20, 20 }, { 21, 10 }, { 30, 10 }, { 99, 10 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t point = cases[i].recovery_point;

		open_log(f, false, point);
		assert_int_equal(f->recovery.scanned_bytes,
				 cases[i].batches * (int64_t)f->batch_size);
		assert_int_equal(f->recovery.truncated_bytes, 0);
		assert_int_equal(log_end_offset(f->log), END);
		assert_int_equal(log_recovery_point(f->log),
				 point < END ? point : END);
		assert_readable(f);
		log_close(f->log, false);
		f->log = NULL;
	}
}

static void torn_tail_is_cut(void **state)
{
	struct fixture *f = *state;

	/* Each time something else is left of the last batch. */
	for (int64_t left = 300; left > 0; left -= left > 70 ? 40 : 9) {
		size_t whole = 9 * f->batch_size;
		int64_t kept = left;

		if (kept >= (int64_t)f->batch_size)
			kept = (int64_t)f->batch_size - 1;
		cut(f, THIRD ".log", (int64_t)whole + kept);
		open_log(f, false, 0);

		assert_int_equal(f->recovery.truncated_bytes, kept);
		assert_int_equal(log_end_offset(f->log), END - 1);
		assert_int_equal(size_of(f, THIRD ".log"), whole);
		assert_readable(f);
		assert_producer_goes_on(f);
		assert_int_equal(log_close(f->log, true), 0);
		f->log = NULL;
	}
}

static void tail_of_zeroes_is_cut(void **state)
{
	struct fixture *f = *state;

	cut(f, THIRD ".log", 5000000);
	open_log(f, false, 25);

	assert_int_equal(f->recovery.truncated_bytes,
			 5000000 - 10 * (int64_t)f->batch_size);
	assert_int_equal(log_end_offset(f->log), END);
	assert_readable(f);
}

static void log_ends_at_a_batch_that_is_not_whole(void **state)
{
	static const int64_t bytes[] = {
		BATCH_LENGTH,      BATCH_LENGTH + 3,   BATCH_MAGIC,
		BATCH_CRC,         BATCH_ATTRIBUTES,   BATCH_LAST_OFFSET_DELTA,
		BATCH_PRODUCER_ID, BATCH_HEADER_BYTES, 200,
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
		int64_t position = 4 * (int64_t)f->batch_size + bytes[i];

		flip(f, SECOND ".log", position, 0x10);
		kit_make_dir(f->copy);
		kit_copy_dir(f->dir, f->copy);
		f->params.dir = f->copy;
		open_log(f, false, 0);

		assert_int_equal(log_end_offset(f->log), 14);
		assert_int_equal(log_segment_count(f->log), 2);
		assert_int_equal(f->recovery.truncated_bytes,
				 16 * (int64_t)f->batch_size);
		assert_readable(f);
		assert_producer_goes_on(f);
		log_close(f->log, true);
		f->log = NULL;
		flip(f, SECOND ".log", position, 0x10);
		kit_remove_dir(f->copy);
		f->params.dir = f->dir;
	}
}

/* As a power loss leaves it when that end was not synced, and the next segment
 * was written by chance. */
static void segment_that_lost_its_end_ends_the_log(void **state)
{
	struct fixture *f = *state;

	cut(f, SECOND ".log", 4 * (int64_t)f->batch_size);
	open_log(f, false, 12);

	assert_int_equal(log_end_offset(f->log), 14);
	assert_int_equal(log_segment_count(f->log), 2);
	assert_int_equal(f->recovery.truncated_bytes,
			 10 * (int64_t)f->batch_size);
	assert_readable(f);
	assert_producer_goes_on(f);
}

/* As compaction leaves it: all that is there was synced. */
static void hole_below_the_recovery_point_is_kept(void **state)
{
	struct fixture *f = *state;
	struct log_slice slice;

	cut(f, SECOND ".log", 4 * (int64_t)f->batch_size);
	open_log(f, false, 20);

	assert_int_equal(log_end_offset(f->log), END);
	assert_int_equal(log_read(f->log, 15, 1, END, true, &slice), 0);
	assert_int_equal(slice.len, f->batch_size);
	log_slice_release(&slice);
}

static void batch_out_of_order_ends_the_log(void **state)
{
	struct fixture *f = *state;

	/* The base offset lies before the checksum: 14 becomes 4. */
	flip(f, SECOND ".log", 4 * (int64_t)f->batch_size + 7, 10);
	open_log(f, false, 0);

	assert_int_equal(log_end_offset(f->log), 14);
	assert_readable(f);
}

static void damage_below_the_recovery_point_is_not_looked_for(void **state)
{
	struct fixture *f = *state;

	flip(f, THIRD ".log", 200, 1); /* in the value of the first batch */
	open_log(f, false, 25);

	assert_int_equal(f->recovery.truncated_bytes, 0);
	assert_int_equal(log_end_offset(f->log), END);
}

static void missing_indexes_are_made_anew(void **state)
{
	static const char *const names[] = { FIRST, SECOND, THIRD };
	struct fixture *f = *state;
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		size_t before;
		size_t after;
		uint8_t *want;
		uint8_t *got;

		snprintf(name, sizeof(name), "%s.index", names[i]);
		want = kit_read_file(f->dir, name, &before);
		assert_true(before > 0);
		drop(f, name);
		snprintf(name, sizeof(name), "%s.timeindex", names[i]);
		drop(f, name);
		open_log(f, true, 0);
		assert_readable(f);
		assert_int_equal(log_close(f->log, true), 0);
		f->log = NULL;
		snprintf(name, sizeof(name), "%s.index", names[i]);
		got = kit_read_file(f->dir, name, &after);
		if (i < 2) { /* the active one's entries start anew */
			assert_int_equal(after, before);
			assert_memory_equal(got, want, before);
		}
		free(got);
		free(want);
	}
}

static void nonsense_in_indexes_does_no_harm(void **state)
{
	static const char *const names[] = {
		THIRD ".index",
		THIRD ".timeindex",
		SECOND ".index",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		static const uint8_t nonsense[25] = {
			0, 0, 0, 5, 0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0,
			0, 0, 1, 0, 0, 0, 0, 1, 2,    3,    4,    5,
		};

		kit_write_file(f->dir, names[i], nonsense, sizeof(nonsense));
		open_log(f, false, 0);
		assert_readable(f);
		assert_int_equal(log_close(f->log, true), 0);
		f->log = NULL;
	}
}

static void index_that_names_what_is_not_there_is_made_anew(void **state)
{
	/* Sound in themselves, and of another log. */
	uint8_t offsets[8] = { 0, 0, 1, 0 };
	const uint8_t times[12] = {
		0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0,
	};
	struct fixture *f = *state;

	put_be32(offsets + 4, (uint32_t)f->batch_size);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			kit_write_file(f->dir, THIRD ".index", offsets,
				       sizeof(offsets));
		else
			kit_write_file(f->dir, THIRD ".timeindex", times,
				       sizeof(times));
		open_log(f, true, 0);
		assert_int_equal(log_end_offset(f->log), END + i);
		assert_int_equal(f->recovery.rebuilt_indexes, 1);
		assert_producer_goes_on(f);
		assert_int_equal(log_close(f->log, true), 0);
		f->log = NULL;
	}
}

static void file_larger_than_any_segment_is_refused(void **state)
{
	struct fixture *f = *state;

	cut(f, THIRD ".log", (int64_t)3 << 30);
	assert_int_equal(try_open(f, false, 0), -EFBIG);
}

static void snapshot_that_is_torn_is_replaced_by_reading(void **state)
{
	struct fixture *f = *state;

	flip(f, "00000000000000000030.snapshot", 20, 1);
	cut(f, THIRD ".snapshot", 30);
	open_log(f, true, 0);

	assert_false(kit_file_exists(f->dir, THIRD ".snapshot"));
	assert_producer_goes_on(f);
}

/* The clock may have jumped: who may say so forgets them. */
static void opening_forgets_no_producer(void **state)
{
	struct fixture *f = *state;

	f->clock.now_wall_ms += f->params.config.producer_expiration_ms * 100;
	open_log(f, true, 0);
	assert_producer_goes_on(f);
	log_expire_producers(f->log, f->clock.now_wall_ms);
	assert_int_equal(append_one(f, 99, true), 0);
}

static void log_without_snapshots_is_read_after_a_crash(void **state)
{
	struct fixture *f = *state;

	drop(f, "00000000000000000030.snapshot");
	drop(f, THIRD ".snapshot");
	drop(f, SECOND ".snapshot");
	open_log(f, false, 30);

	assert_producer_goes_on(f);
}

static void snapshots_of_no_use_are_removed(void **state)
{
	struct fixture *f = *state;
	size_t len;
	uint8_t *bytes =
		kit_read_file(f->dir, "00000000000000000030.snapshot", &len);

	kit_write_file(f->dir, "00000000000000000025.snapshot", bytes, len);
	kit_write_file(f->dir, "00000000000000000099.snapshot", bytes, len);
	kit_write_file(f->dir, "00000000000000000000.snapshot", bytes, len);
	free(bytes);
	open_log(f, true, 0);

	assert_false(kit_file_exists(f->dir, "00000000000000000025.snapshot"));
	assert_false(kit_file_exists(f->dir, "00000000000000000099.snapshot"));
	assert_false(kit_file_exists(f->dir, "00000000000000000000.snapshot"));
	assert_true(kit_file_exists(f->dir, THIRD ".snapshot"));
	assert_true(kit_file_exists(f->dir, "00000000000000000030.snapshot"));
}

static void leftovers_go_and_strangers_stay(void **state)
{
	static const char *const gone[] = {
		"00000000000000000005.log.deleted",
		"00000000000000000005.index.deleted",
		"00000000000000000005.log.cleaned",
		"00000000000000000040.index",
		"00000000000000000040.timeindex",
	};
	static const char *const stay[] = {
		"notes.txt",
		"00000000000000000012-0000000003.checkpoint",
		"00000000000000000012-0000000003.checkpoint.deleted",
		"quorum-state",
		"99999999999999999999.log",
		"0000000000000000005.log",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		kit_write_file(f->dir, gone[i], "x", 1);
	for (size_t i = 0; i < ARRAY_LEN(stay); i++)
		kit_write_file(f->dir, stay[i], "x", 1);
	open_log(f, false, 0);

	for (size_t i = 0; i < ARRAY_LEN(gone); i++)
		assert_false(kit_file_exists(f->dir, gone[i]));
	for (size_t i = 0; i < ARRAY_LEN(stay); i++)
		assert_true(kit_file_exists(f->dir, stay[i]));
	assert_readable(f);
}

/* Compaction had put one segment in the place of two, but not yet renamed. */
static void swap_files_take_the_place_of_what_they_replace(void **state)
{
	struct fixture *f = *state;
	size_t first_len;
	size_t second_len;
	uint8_t *first = kit_read_file(f->dir, FIRST ".log", &first_len);
	uint8_t *second = kit_read_file(f->dir, SECOND ".log", &second_len);
	uint8_t *both = malloc(first_len + second_len);

	assert_non_null(both);
	memcpy(both, first, first_len);
	memcpy(both + first_len, second, second_len);
	kit_write_file(f->dir, FIRST ".log.swap", both, first_len + second_len);
	kit_write_file(f->dir, FIRST ".index.swap", "", 0);
	kit_write_file(f->dir, FIRST ".timeindex.swap", "", 0);
	free(first);
	free(second);
	free(both);
	drop(f, FIRST ".log");
	open_log(f, false, 30);

	assert_int_equal(log_segment_count(f->log), 2);
	assert_false(kit_file_exists(f->dir, SECOND ".log"));
	assert_false(kit_file_exists(f->dir, FIRST ".log.swap"));
	assert_readable(f);
}

static void swap_files_of_a_broken_split_are_removed(void **state)
{
	struct fixture *f = *state;

	kit_write_file(f->dir, SECOND ".log.swap", "x", 1);
	kit_write_file(f->dir, FIRST ".log.cleaned", "x", 1);
	open_log(f, false, 30);

	assert_false(kit_file_exists(f->dir, SECOND ".log.swap"));
	assert_int_equal(log_end_offset(f->log), END);
	assert_readable(f);
}

static void missing_tail_segment_shortens_the_log(void **state)
{
	struct fixture *f = *state;

	drop(f, THIRD ".log");
	open_log(f, false, 30);

	assert_int_equal(log_end_offset(f->log), 20);
	assert_int_equal(log_recovery_point(f->log), 20);
	assert_readable(f);
}

static void log_behind_its_start_offset_is_emptied(void **state)
{
	struct fixture *f = *state;

	f->params.log_start_offset = 100;
	open_log(f, false, 100);

	assert_int_equal(log_start_offset(f->log), 100);
	assert_int_equal(log_end_offset(f->log), 100);
	assert_int_equal(log_size_bytes(f->log), 0);
	assert_int_equal(append_one(f, 0, true), 0);
	assert_int_equal(log_end_offset(f->log), 101);
}

static void first_segment_decides_the_start(void **state)
{
	struct fixture *f = *state;

	drop(f, FIRST ".log");
	open_log(f, true, 0);

	assert_int_equal(log_start_offset(f->log), 10);
	assert_readable(f);
}

static void epochs_that_cannot_be_read_are_refused(void **state)
{
	static const char *const files[] = {
		"1\n0\n",       "0\n2\n0 0\n", "0\n1\n0\n", "0\n1\nx 0\n",
		"0\n1\n0 -1\n", "0\n0\n0 0\n", "0\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		kit_write_file(f->dir, "leader-epoch-checkpoint", files[i],
			       strlen(files[i]));
		assert_int_equal(try_open(f, true, 0), -EBADMSG);
	}
	kit_write_file(f->dir, "leader-epoch-checkpoint", "", 0);
	open_log(f, true, 0);
	assert_int_equal(log_leader_epoch(f->log), -1);
}

static void clean_marker_that_lied_costs_reading(void **state)
{
	struct fixture *f = *state;

	cut(f, THIRD ".log", 9 * (int64_t)f->batch_size + 50);
	open_log(f, true, 0);

	assert_int_equal(log_end_offset(f->log), END - 1);
	assert_int_equal(f->recovery.truncated_bytes, 50);
	assert_readable(f);
}

static void data_moved_by_hand_is_found(void **state)
{
	struct fixture *f = *state;

	move(f, THIRD ".log", "00000000000000000020.bak");
	open_log(f, true, 0);

	assert_int_equal(log_end_offset(f->log), 20);
	assert_true(kit_file_exists(f->dir, "00000000000000000020.bak"));
}

/* Damage where a crash does no harm: what follows has no place any more. */
static void a_cut_below_the_recovery_point_leaves_no_hole(void **state)
{
	struct fixture *f = *state;

	flip(f, FIRST ".log",
	     (BATCHES - 1) * (int64_t)f->batch_size + BATCH_LENGTH, 0x40);
	open_log(f, false, BATCHES);
	assert_int_equal(log_end_offset(f->log), BATCHES - 1);
	assert_readable(f);
	assert_producer_goes_on(f);
}

static void whose_log_it_is_is_written_again(void **state)
{
	struct fixture *f = *state;

	f->params.topic_id = (struct uuid){ { 1 } };
	for (int i = 0; i < 2; i++) {
		open_log(f, true, END + i);
		assert_int_equal(append_one(f, END + i, true), 0);
		assert_int_equal(log_sync(f->log), 0);
		assert_true(kit_file_exists(f->dir, "partition.metadata"));
		assert_int_equal(log_close(f->log, true), 0);
		drop(f, "partition.metadata");
	}
	f->log = NULL;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clean_start_reads_no_record),
		TEST(unclean_start_reads_from_the_recovery_point),
		TEST(torn_tail_is_cut),
		TEST(tail_of_zeroes_is_cut),
		TEST(log_ends_at_a_batch_that_is_not_whole),
		TEST(segment_that_lost_its_end_ends_the_log),
		TEST(hole_below_the_recovery_point_is_kept),
		TEST(batch_out_of_order_ends_the_log),
		TEST(damage_below_the_recovery_point_is_not_looked_for),
		TEST(missing_indexes_are_made_anew),
		TEST(nonsense_in_indexes_does_no_harm),
		TEST(index_that_names_what_is_not_there_is_made_anew),
		TEST(file_larger_than_any_segment_is_refused),
		TEST(snapshot_that_is_torn_is_replaced_by_reading),
		TEST(log_without_snapshots_is_read_after_a_crash),
		TEST(snapshots_of_no_use_are_removed),
		TEST(leftovers_go_and_strangers_stay),
		TEST(swap_files_take_the_place_of_what_they_replace),
		TEST(swap_files_of_a_broken_split_are_removed),
		TEST(missing_tail_segment_shortens_the_log),
		TEST(opening_forgets_no_producer),
		TEST(log_behind_its_start_offset_is_emptied),
		TEST(first_segment_decides_the_start),
		TEST(epochs_that_cannot_be_read_are_refused),
		TEST(clean_marker_that_lied_costs_reading),
		TEST(data_moved_by_hand_is_found),
		TEST(a_cut_below_the_recovery_point_leaves_no_hole),
		TEST(whose_log_it_is_is_written_again),
	};

	return cmocka_run_group_tests_name("log recovery", tests, NULL, NULL);
}
