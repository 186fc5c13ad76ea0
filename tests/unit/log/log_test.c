/*
 * log_test.c - tests of log.c, log_read.c and log_sync.c
 *
 * A test is named for what must hold and reads as given, when, then.  Every
 * test has a directory of its own, a clock that stands still, and fails if it
 * leaves a descriptor open.
 */
#include "log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/fault_vfs.h"
#include "support/log_kit.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum { NOW_MS = 1700000000 };

struct fixture {
	char root[KIT_PATH_MAX];
	char dir[KIT_PATH_MAX + 16];
	int free_fd;
	struct fake_clock clock;
	struct fault_vfs *faults;
	struct log_open params;
	struct log_recovery recovery;
	struct log *log;
	struct buffer batch;
	struct batch_header header;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->free_fd = kit_free_fd();
	kit_make_dir(f->root);
	snprintf(f->dir, sizeof(f->dir), "%s/t-0", f->root);
	fake_clock_init(&f->clock, NOW_MS);
	f->faults = fault_vfs_new(f->dir);
	f->params = (struct log_open){
		.vfs = fault_vfs_vfs(f->faults),
		.clock = &f->clock.clock,
		.dir = f->dir,
		.config = log_config_default,
	};
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_close(f->log, false);
	buffer_clear(&f->batch);
	assert_int_equal(kit_free_fd(), f->free_fd);
	fault_vfs_free(f->faults);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

static void make(struct fixture *f, const struct kit_batch *what)
{
	buffer_reset(&f->batch);
	kit_make_batch(what, &f->batch, &f->header);
}

/* Append a batch as leader in epoch 3. */
static int append_batch(struct fixture *f, const struct kit_batch *what,
			struct log_appended *appended)
{
	enum log_refusal refusal;

	make(f, what);
	return log_append(f->log, f->batch.data, &f->header, 3, appended,
			  &refusal);
}

/* Append count records of size bytes; all must go well. */
static void append(struct fixture *f, int32_t count, size_t size)
{
	struct kit_batch what = {
		.records = count,
		.value_bytes = size,
		.timestamp_ms = f->clock.now_wall_ms,
	};
	struct log_appended appended = { 0 };

	assert_int_equal(append_batch(f, &what, &appended), 0);
	assert_int_equal(appended.last_offset,
			 appended.base_offset + count - 1);
}

static void reopen(struct fixture *f, bool clean)
{
	int64_t recovery_point = log_recovery_point(f->log);

	if (clean) {
		assert_int_equal(log_close(f->log, true), 0);
	} else {
		fault_vfs_stop(f->faults);
		log_close(f->log, false);
		fault_vfs_resume(f->faults);
	}
	f->log = NULL;
	f->params.clean = clean;
	f->params.recovery_point = recovery_point;
	assert_int_equal(log_open(&f->params, &f->log, &f->recovery), 0);
}

/* Read from offset; the header of the first batch must hold the offset. */
static size_t read_len(struct fixture *f, int64_t offset, size_t max_bytes,
		       bool at_least_one)
{
	uint8_t front[BATCH_HEADER_BYTES];
	struct batch_header header;
	struct log_slice slice;
	size_t len;

	assert_int_equal(log_read(f->log, offset, max_bytes, INT64_MAX,
				  at_least_one, &slice),
			 0);
	len = slice.len;
	if (len >= sizeof(front)) {
		assert_int_equal(
			pread(slice.fd, front, sizeof(front), slice.position),
			sizeof(front));
		assert_int_equal(batch_header_read(
					 (struct slice){ front, sizeof(front) },
					 &header),
				 0);
		assert_true(header.base_offset <= offset);
		assert_true(batch_last_offset(&header) >= offset);
	}
	log_slice_release(&slice);
	return len;
}

/* Opening */

static void log_without_directory_is_empty_and_touches_no_disk(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_start_offset(f->log), 0);
	assert_int_equal(log_end_offset(f->log), 0);
	assert_int_equal(log_size_bytes(f->log), 0);
	assert_int_equal(log_leader_epoch(f->log), -1);
	assert_int_equal(log_max_timestamp_ms(f->log), -1);
	assert_int_equal(read_len(f, 0, 100, true), 0);
	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(access(f->dir, F_OK), -1);
}

static void empty_log_starts_at_the_checkpoint(void **state)
{
	struct fixture *f = *state;

	log_close(f->log, true);
	f->params.log_start_offset = 42;
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	append(f, 1, 10);

	assert_int_equal(log_start_offset(f->log), 42);
	assert_int_equal(log_end_offset(f->log), 43);
	assert_true(kit_file_exists(f->dir, "00000000000000000042.log"));
}

/* Appending */

static void append_patches_offset_and_epoch(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .records = 5, .value_bytes = 10 };
	struct log_appended appended;
	struct batch_header header;

	append(f, 3, 10);
	assert_int_equal(append_batch(f, &what, &appended), 0);

	assert_int_equal(appended.base_offset, 3);
	assert_int_equal(appended.last_offset, 7);
	assert_int_equal(appended.log_append_time_ms, -1);
	assert_false(appended.duplicate);
	assert_int_equal(log_end_offset(f->log), 8);
	assert_int_equal(log_leader_epoch(f->log), 3);
	assert_int_equal(batch_header_read(buffer_slice(&f->batch), &header),
			 0);
	assert_int_equal(header.base_offset, 3);
	assert_int_equal(header.leader_epoch, 3);
	assert_true(batch_crc_holds(f->batch.data, &header));
}

static void append_tells_log_append_time(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .value_bytes = 10 };
	struct log_appended appended;
	enum log_refusal refusal;

	make(f, &what);
	batch_set_log_append_time(f->batch.data, 777);
	assert_int_equal(log_append(f->log, f->batch.data, &f->header, 0,
				    &appended, &refusal),
			 0);

	assert_int_equal(appended.log_append_time_ms, 777);
	assert_int_equal(log_max_timestamp_ms(f->log), 777);
}

static void batch_larger_than_a_segment_is_refused(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .value_bytes = 2000 };
	struct log_appended appended;

	f->params.config.segment_bytes = 1000;
	log_set_config(f->log, &f->params.config);

	assert_int_equal(append_batch(f, &what, &appended), -EMSGSIZE);
	assert_int_equal(log_end_offset(f->log), 0);
}

static void log_rolls_by_size(void **state)
{
	struct fixture *f = *state;

	f->params.config.segment_bytes = 1000;
	log_set_config(f->log, &f->params.config);
	for (int i = 0; i < 10; i++)
		append(f, 2, 150);

	assert_int_equal(log_segment_count(f->log), 5);
	assert_true(kit_file_exists(f->dir, "00000000000000000004.log"));
	assert_true(kit_file_exists(f->dir, "00000000000000000004.snapshot"));
	for (int64_t offset = 0; offset < 20; offset++)
		assert_true(read_len(f, offset, 10000, true) > 0);
}

static void log_rolls_by_record_time(void **state)
{
	struct fixture *f = *state;

	f->params.config.segment_ms = 1000;
	log_set_config(f->log, &f->params.config);
	append(f, 1, 10);
	fake_clock_advance_ms(&f->clock, 1000);
	append(f, 1, 10);
	assert_int_equal(log_segment_count(f->log), 1);
	fake_clock_advance_ms(&f->clock, 1);
	append(f, 1, 10);

	assert_int_equal(log_segment_count(f->log), 2);
}

static void log_rolls_when_its_index_is_full(void **state)
{
	struct fixture *f = *state;

	f->params.config.index_interval_bytes = 0;
	f->params.config.segment_index_bytes = 24; /* of time: 2, 1 spare */
	log_set_config(f->log, &f->params.config);
	for (int i = 0; i < 3; i++) {
		fake_clock_advance_ms(&f->clock, 1);
		append(f, 1, 10);
	}

	assert_int_equal(log_segment_count(f->log), 2);
}

/* As Kafka counts: more than the interval, without the batch itself. */
static void index_entry_comes_after_more_than_the_interval(void **state)
{
	struct fixture *f = *state;
	size_t len;

	append(f, 1, 100);
	f->params.config.index_interval_bytes = log_size_bytes(f->log);
	log_set_config(f->log, &f->params.config);
	append(f, 1, 100); /* as much as the interval: not yet */
	append(f, 1, 100);
	append(f, 1, 100);
	assert_int_equal(log_close(f->log, true), 0);
	f->log = NULL;

	free(kit_read_file(f->dir, "00000000000000000000.index", &len));
	assert_int_equal(len, 8);
}

static void roll_of_an_empty_segment_does_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_segment_count(f->log), 0);
	append(f, 1, 10);
	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_segment_count(f->log), 2);
}

/* A follower's gap may be wider than the offsets of one segment. */
static void follower_appends_across_a_gap(void **state)
{
	const int64_t far = 5LL * INT32_MAX;
	struct fixture *f = *state;
	struct kit_batch what = { .records = 2, .leader_epoch = 7 };

	make(f, &what);
	assert_int_equal(
		log_append_as_follower(f->log, buffer_slice(&f->batch)), 0);
	what.base_offset = far;
	make(f, &what);
	assert_int_equal(
		log_append_as_follower(f->log, buffer_slice(&f->batch)), 0);

	assert_int_equal(log_end_offset(f->log), far + 2);
	assert_int_equal(log_leader_epoch(f->log), 7);
	assert_int_equal(log_segment_count(f->log), 2);
	assert_int_equal(
		log_append_as_follower(f->log, buffer_slice(&f->batch)),
		-EBADMSG);
	what.base_offset = far + 2;
	make(f, &what);
	f->batch.data[f->batch.len - 1] ^= 1;
	assert_int_equal(
		log_append_as_follower(f->log, buffer_slice(&f->batch)),
		-EBADMSG);
}

/* Faults */

static void failed_write_leaves_the_log_as_it_was(void **state)
{
	static const int errors[] = { -ENOSPC, -EIO };
	struct fixture *f = *state;
	struct kit_batch what = { .records = 2, .value_bytes = 3000 };
	struct log_appended appended;
	size_t before;

	append(f, 1, 100);
	before = read_len(f, 0, 1 << 20, true);
	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		/* Part of the batch gets onto the disk. */
		fault_vfs_short_writes(f->faults, 1000);
		fault_vfs_fail(f->faults, FAULT_WRITE, errors[i], 3, 1);
		assert_int_equal(append_batch(f, &what, &appended), errors[i]);
		assert_int_equal(fault_vfs_heal(f->faults), 1);

		assert_int_equal(log_end_offset(f->log), 1);
		assert_int_equal(log_size_bytes(f->log), before);
		assert_int_equal(read_len(f, 0, 1 << 20, true), before);
	}
	assert_int_equal(append_batch(f, &what, &appended), 0);
	assert_int_equal(appended.base_offset, 1);
	reopen(f, false);
	assert_int_equal(log_end_offset(f->log), 3);
	assert_int_equal(f->recovery.truncated_bytes, 0);
}

static void log_that_cannot_be_cut_back_has_failed(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .value_bytes = 3000 };
	struct log_appended appended;

	append(f, 1, 100);
	fault_vfs_short_writes(f->faults, 1000);
	fault_vfs_fail(f->faults, FAULT_WRITE | FAULT_TRUNCATE, -EIO, 1, -1);
	assert_int_equal(append_batch(f, &what, &appended), -EIO);
	fault_vfs_heal(f->faults);
	fault_vfs_short_writes(f->faults, 0);

	assert_int_equal(append_batch(f, &what, &appended), -EIO);
	assert_true(read_len(f, 0, 1 << 20, true) > 0);
	reopen(f, false);
	assert_int_equal(log_end_offset(f->log), 1);
	assert_true(f->recovery.truncated_bytes > 0);
	assert_int_equal(append_batch(f, &what, &appended), 0);
}

static void failed_sync_is_final(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .value_bytes = 10 };
	struct log_appended appended;

	append(f, 1, 10);
	fault_vfs_fail(f->faults, FAULT_SYNC, -EIO, 0, 1);
	assert_int_equal(log_sync(f->log), -EIO);
	assert_int_equal(log_recovery_point(f->log), 0);
	assert_true(log_has_failed(f->log));

	assert_int_equal(log_sync(f->log), -EIO);
	assert_int_equal(append_batch(f, &what, &appended), -EIO);
	assert_int_equal(log_recovery_point(f->log), 0);
}

static void full_disk_for_a_small_file_is_not_final(void **state)
{
	struct fixture *f = *state;

	append(f, 1, 10);
	/* The records' file is open; the epochs' is not. */
	fault_vfs_fail(f->faults, FAULT_OPEN, -ENOSPC, 0, -1);
	assert_int_equal(log_sync(f->log), -ENOSPC);
	assert_int_equal(log_recovery_point(f->log), 0);
	assert_false(log_has_failed(f->log));
	fault_vfs_heal(f->faults);

	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(log_recovery_point(f->log), 1);
	assert_true(kit_file_exists(f->dir, "leader-epoch-checkpoint"));
}

static void too_many_open_files_are_not_final(void **state)
{
	struct fixture *f = *state;
	long syncs;

	append(f, 1, 10);
	/* The records are synced; their directory cannot be opened. */
	fault_vfs_fail(f->faults, FAULT_SYNC, -EMFILE, 1, 1);
	assert_int_equal(log_sync(f->log), -EMFILE);
	assert_int_equal(log_recovery_point(f->log), 0);
	assert_false(log_has_failed(f->log));
	fault_vfs_heal(f->faults);

	syncs = fault_vfs_calls(f->faults, FAULT_SYNC);
	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(log_recovery_point(f->log), 1);
	/* The records, the directory, the one above it, and two for the
	 * epochs. */
	assert_int_equal(fault_vfs_calls(f->faults, FAULT_SYNC) - syncs, 5);
}

static void segment_that_cannot_be_renamed_fails_a_truncation(void **state)
{
	struct fixture *f = *state;

	append(f, 1, 10);
	assert_int_equal(log_roll(f->log), 0);
	append(f, 1, 10);
	fault_vfs_fail(f->faults, FAULT_RENAME, -EIO, 0, -1);
	assert_int_equal(log_truncate(f->log, 1), 0);
	assert_int_equal(log_truncate(f->log, 0), -EIO);
	assert_true(log_has_failed(f->log));
	fault_vfs_heal(f->faults);
}

static void full_disk_when_rolling_refuses_and_recovers(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = { .value_bytes = 600 };
	struct log_appended appended;

	f->params.config.segment_bytes = 1000;
	log_set_config(f->log, &f->params.config);
	append(f, 1, 600);
	fault_vfs_fail(f->faults, FAULT_OPEN, -ENOSPC, 0, 1);
	assert_int_equal(append_batch(f, &what, &appended), -ENOSPC);
	assert_int_equal(log_segment_count(f->log), 1);
	/* The new segment is made, but not the old one's indexes. */
	fault_vfs_fail(f->faults, FAULT_OPEN, -ENOSPC, 1, -1);
	assert_int_equal(append_batch(f, &what, &appended), 0);
	assert_true(fault_vfs_heal(f->faults) > 0);

	assert_int_equal(log_segment_count(f->log), 2);
	reopen(f, true);
	assert_int_equal(log_end_offset(f->log), 2);
	assert_int_equal(f->recovery.rebuilt_indexes, 0);
}

static void what_recovery_cuts_off_is_synced(void **state)
{
	struct fixture *f = *state;
	char path[KIT_PATH_MAX + 64];
	long syncs;

	append(f, 1, 100);
	append(f, 1, 100);
	snprintf(path, sizeof(path), "%s/00000000000000000000.log", f->dir);
	assert_int_equal(truncate(path, log_size_bytes(f->log) - 1), 0);
	syncs = fault_vfs_calls(f->faults, FAULT_SYNC);
	reopen(f, false);

	assert_int_equal(log_end_offset(f->log), 1);
	assert_int_equal(fault_vfs_calls(f->faults, FAULT_SYNC) - syncs, 1);
}

/* Syncing */

static void sync_moves_the_recovery_point_to_where_it_began(void **state)
{
	struct fixture *f = *state;
	struct log_sync *sync;

	append(f, 3, 10);
	assert_int_equal(log_sync_begin(f->log, &sync), 1);
	append(f, 2, 10);
	assert_int_equal(log_sync_offset(sync), 3);
	assert_int_equal(log_sync_run(sync), 0);
	log_sync_end(f->log, sync, 0);

	assert_int_equal(log_recovery_point(f->log), 3);
	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(log_recovery_point(f->log), 5);
	assert_int_equal(log_sync_begin(f->log, &sync), 0);
}

static void steady_sync_is_one_call(void **state)
{
	struct fixture *f = *state;
	long before;

	append(f, 1, 10);
	assert_int_equal(log_sync(f->log), 0);
	append(f, 1, 10);
	before = fault_vfs_calls(f->faults, FAULT_ALL);
	assert_int_equal(log_sync(f->log), 0);

	assert_int_equal(fault_vfs_calls(f->faults, FAULT_ALL) - before, 1);
}

static void truncation_during_a_sync_keeps_the_recovery_point(void **state)
{
	struct fixture *f = *state;
	struct log_sync *sync;

	append(f, 1, 10);
	append(f, 1, 10);
	assert_int_equal(log_sync_begin(f->log, &sync), 1);
	assert_int_equal(log_truncate(f->log, 1), 0);
	append(f, 1, 10);
	assert_int_equal(log_sync_run(sync), 0);
	log_sync_end(f->log, sync, 0);

	assert_int_equal(log_recovery_point(f->log), 0);
	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(log_recovery_point(f->log), 2);
}

/* Reading */

static void read_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct log_slice slice;
	size_t one;

	append(f, 1, 100);
	one = (size_t)log_size_bytes(f->log);
	append(f, 1, 100);
	append(f, 1, 100);

	assert_int_equal(read_len(f, 0, SIZE_MAX, false), 3 * one);
	assert_int_equal(read_len(f, 1, SIZE_MAX, false), 2 * one);
	assert_int_equal(read_len(f, 0, 2 * one, false), 2 * one);
	assert_int_equal(read_len(f, 0, 2 * one + 5, false), 2 * one + 5);
	assert_int_equal(read_len(f, 0, 5, true), one);
	assert_int_equal(read_len(f, 0, 5, false), 0);
	assert_int_equal(read_len(f, 3, 100, true), 0);
	assert_int_equal(log_read(f->log, 0, SIZE_MAX, 2, true, &slice), 0);
	assert_int_equal(slice.len, 2 * one);
	log_slice_release(&slice);
	assert_int_equal(log_read(f->log, 1, SIZE_MAX, 1, true, &slice), 0);
	assert_int_equal(slice.len, 0);
	assert_int_equal(log_read(f->log, 4, 1, 9, true, &slice), -ERANGE);
	assert_int_equal(log_read(f->log, -1, 1, 9, true, &slice), -ERANGE);
}

static void reader_at_the_end_costs_no_read(void **state)
{
	struct fixture *f = *state;
	long before;

	append(f, 1, 100);
	assert_true(read_len(f, 0, SIZE_MAX, true) > 0);
	append(f, 1, 100);
	before = fault_vfs_calls(f->faults, FAULT_READ);
	assert_true(read_len(f, 1, SIZE_MAX, true) > 0);

	assert_int_equal(fault_vfs_calls(f->faults, FAULT_READ), before);
}

static void reader_behind_the_high_watermark_costs_no_read(void **state)
{
	struct fixture *f = *state;
	struct log_slice slice;
	long before;

	append(f, 1, 100);
	assert_int_equal(log_sync(f->log), 0);
	append(f, 1, 100);
	assert_int_equal(log_sync(f->log), 0);
	append(f, 1, 100);
	before = fault_vfs_calls(f->faults, FAULT_READ);
	assert_int_equal(log_read(f->log, 1, SIZE_MAX, 2, true, &slice), 0);

	assert_int_equal(slice.len, log_size_bytes(f->log) / 3);
	assert_int_equal(fault_vfs_calls(f->faults, FAULT_READ), before);
	log_slice_release(&slice);
}

/* What the file takes on the disk, bytes. */
static int64_t room_of(struct fixture *f, const char *name)
{
	char path[KIT_PATH_MAX + 64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", f->dir, name);
	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_blocks * 512;
}

static void preallocated_segment_has_its_room_until_it_is_sealed(void **state)
{
	static const char first[] = "00000000000000000000.log";
	struct fixture *f = *state;

	f->params.config.preallocate = true;
	f->params.config.segment_bytes = 4 << 20;
	log_close(f->log, false);
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	append(f, 1, 100);
	/* Where the file system can. */
	if (room_of(f, first) < 4 << 20)
		print_message("no fallocate(2) here\n");
	assert_int_equal(log_size_bytes(f->log), f->header.size);
	assert_int_equal(log_roll(f->log), 0);
	assert_true(room_of(f, first) < 1 << 20);
}

static void no_room_to_preallocate_refuses_the_records(void **state)
{
	struct kit_batch what = { .records = 1 };
	struct fixture *f = *state;
	struct log_appended appended;

	f->params.config.preallocate = true;
	log_close(f->log, false);
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	fault_vfs_fail(f->faults, FAULT_WRITE, -ENOSPC, 0, 1);
	assert_int_equal(append_batch(f, &what, &appended), -ENOSPC);
	/* Nor is there an empty segment for the next start to find. */
	assert_false(kit_file_exists(f->dir, "00000000000000000000.log"));
	assert_int_equal(append_batch(f, &what, &appended), 0);
	assert_int_equal(appended.base_offset, 0);
}

static void few_files_of_sealed_segments_stay_open(void **state)
{
	struct fixture *f = *state;

	f->params.config.segment_bytes = 200;
	log_set_config(f->log, &f->params.config);
	for (int i = 0; i < 50; i++)
		append(f, 1, 100);
	reopen(f, true);
	for (int64_t i = 0; i < 50; i++)
		assert_true(read_len(f, i, SIZE_MAX, true) > 0);

	assert_int_equal(log_segment_count(f->log), 50);
	/* as many as are kept, and the active one */
	assert_int_equal(kit_free_fd(), f->free_fd + 5);
}

static void slice_outlives_its_segment(void **state)
{
	struct fixture *f = *state;
	uint8_t byte;
	struct log_slice slice;

	append(f, 1, 100);
	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_read(f->log, 0, SIZE_MAX, 1, true, &slice), 0);
	log_slice_retain(&slice);
	assert_int_equal(log_set_start_offset(f->log, 1), 0);
	fake_clock_advance_ms(&f->clock, 60000);
	assert_int_equal(log_sync(f->log), 0);
	assert_int_equal(log_close(f->log, false), 0);
	f->log = NULL;

	assert_false(
		kit_file_exists(f->dir, "00000000000000000000.log.deleted"));
	log_slice_release(&(struct log_slice){ .segment = slice.segment });
	assert_int_equal(pread(slice.fd, &byte, 1, slice.position), 1);
	log_slice_release(&slice);
}

static void bytes_between_offsets_are_roughly_known(void **state)
{
	struct fixture *f = *state;
	int64_t size;

	for (int i = 0; i < 100; i++)
		append(f, 1, 1000);
	size = log_size_bytes(f->log);

	assert_int_equal(log_bytes_between(f->log, 100, 100), 0);
	assert_int_equal(log_bytes_between(f->log, 0, 100), size);
	assert_true(log_bytes_between(f->log, 99, 100) > 0);
	assert_in_range(log_bytes_between(f->log, 50, 100), size / 2,
			size / 2 + 6000);
}

/* Epochs */

static void epochs_survive_reopening(void **state)
{
	struct fixture *f = *state;
	int64_t end_offset;
	int32_t epoch;

	assert_int_equal(log_start_epoch(f->log, 1), 0);
	append(f, 5, 10); /* epoch 3 */
	assert_int_equal(log_start_epoch(f->log, 8), 0);
	for (int pass = 0; pass < 2; pass++) {
		assert_int_equal(log_leader_epoch(f->log), 8);
		assert_int_equal(log_epoch_of(f->log, 2), 3);
		log_end_offset_of_epoch(f->log, 3, &epoch, &end_offset);
		assert_int_equal(epoch, 3);
		assert_int_equal(end_offset, 5);
		log_end_offset_of_epoch(f->log, 9, &epoch, &end_offset);
		assert_int_equal(epoch, -1);
		assert_int_equal(end_offset, -1);
		append(f, 1, 10);
		assert_int_equal(log_end_offset(f->log), 6 + pass);
		if (pass == 0)
			reopen(f, true);
	}
}

/* The kill leaves names that no sync has covered. */
static void names_of_before_a_kill_outlive_the_power(void **state)
{
	struct fixture *f = *state;
	struct seeded_random random;

	seeded_random_init(&random, 1);
	for (int round = 0; round < 20; round++) {
		int64_t synced;

		append(f, 2, 100);
		assert_int_equal(log_roll(f->log), 0);
		append(f, 2, 100);
		reopen(f, false);
		assert_int_equal(log_sync(f->log), 0);
		synced = log_recovery_point(f->log);
		assert_int_equal(synced, log_end_offset(f->log));
		fault_vfs_stop(f->faults);
		log_close(f->log, false);
		f->log = NULL;
		fault_vfs_resume_after_power_loss(f->faults, &random.random);
		f->params.recovery_point = synced;
		assert_int_equal(log_open(&f->params, &f->log, &f->recovery),
				 0);
		assert_int_equal(log_end_offset(f->log), synced);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(log_without_directory_is_empty_and_touches_no_disk),
		TEST(empty_log_starts_at_the_checkpoint),
		TEST(append_patches_offset_and_epoch),
		TEST(append_tells_log_append_time),
		TEST(batch_larger_than_a_segment_is_refused),
		TEST(log_rolls_by_size),
		TEST(log_rolls_by_record_time),
		TEST(log_rolls_when_its_index_is_full),
		TEST(index_entry_comes_after_more_than_the_interval),
		TEST(roll_of_an_empty_segment_does_nothing),
		TEST(follower_appends_across_a_gap),
		TEST(failed_write_leaves_the_log_as_it_was),
		TEST(log_that_cannot_be_cut_back_has_failed),
		TEST(failed_sync_is_final),
		TEST(full_disk_for_a_small_file_is_not_final),
		TEST(too_many_open_files_are_not_final),
		TEST(segment_that_cannot_be_renamed_fails_a_truncation),
		TEST(full_disk_when_rolling_refuses_and_recovers),
		TEST(what_recovery_cuts_off_is_synced),
		TEST(sync_moves_the_recovery_point_to_where_it_began),
		TEST(steady_sync_is_one_call),
		TEST(truncation_during_a_sync_keeps_the_recovery_point),
		TEST(read_is_bounded),
		TEST(reader_at_the_end_costs_no_read),
		TEST(reader_behind_the_high_watermark_costs_no_read),
		TEST(preallocated_segment_has_its_room_until_it_is_sealed),
		TEST(no_room_to_preallocate_refuses_the_records),
		TEST(few_files_of_sealed_segments_stay_open),
		TEST(slice_outlives_its_segment),
		TEST(bytes_between_offsets_are_roughly_known),
		TEST(epochs_survive_reopening),
		TEST(names_of_before_a_kill_outlive_the_power),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
