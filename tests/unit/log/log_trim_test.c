/*
 * log_trim_test.c - tests of log_trim.c, log_time.c and of what producers see
 *
 * Each test starts with five segments of four batches of one record each, at
 * offsets 0 to 19, a second apart.
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

#include "record/builder.h"
#include "support/log_kit.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum { SEGMENTS = 5, BATCHES = 4, END = SEGMENTS * BATCHES };

#define NOW_MS 1700000000000

struct fixture {
	char root[KIT_PATH_MAX];
	char dir[KIT_PATH_MAX + 16];
	int free_fd;
	struct fake_clock clock;
	struct log_open params;
	struct log *log;
	int64_t segment_size;
};

static int append_as(struct fixture *f, struct kit_batch what,
		     struct log_appended *appended, enum log_refusal *refusal)
{
	struct buffer bytes = { 0 };
	struct batch_header header;
	int rc;

	kit_make_batch(&what, &bytes, &header);
	rc = log_append(f->log, bytes.data, &header, 0, appended, refusal);
	buffer_clear(&bytes);
	return rc;
}

static void append(struct fixture *f, int64_t timestamp_ms)
{
	struct kit_batch what = {
		.value_bytes = 100,
		.timestamp_ms = timestamp_ms,
	};
	struct log_appended appended;
	enum log_refusal refusal;

	assert_int_equal(append_as(f, what, &appended, &refusal), 0);
}

static int64_t time_of(int64_t offset)
{
	return NOW_MS - (END - offset) * 1000;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->free_fd = kit_free_fd();
	kit_make_dir(f->root);
	snprintf(f->dir, sizeof(f->dir), "%s/t-0", f->root);
	fake_clock_init(&f->clock, NOW_MS);
	f->params = (struct log_open){
		.vfs = vfs_system(),
		.clock = &f->clock.clock,
		.dir = f->dir,
		.config = log_config_default,
		.clean = true,
	};
	f->params.config.index_interval_bytes = 150;
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	for (int i = 0; i < END; i++) {
		if (i > 0 && i % BATCHES == 0)
			assert_int_equal(log_roll(f->log), 0);
		append(f, time_of(i));
	}
	f->segment_size = log_size_bytes(f->log) / SEGMENTS;
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

static void reopen(struct fixture *f)
{
	f->params.log_start_offset = log_start_offset(f->log);
	assert_int_equal(log_close(f->log, true), 0);
	f->log = NULL;
	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
}

/* Start, end, segments and size are these, and each record can be had. */
static void assert_log(struct fixture *f, int64_t start, int64_t end,
		       size_t segments)
{
	assert_int_equal(log_start_offset(f->log), start);
	assert_int_equal(log_end_offset(f->log), end);
	assert_int_equal(log_segment_count(f->log), segments);
	for (int64_t offset = start; offset < end; offset++) {
		struct log_slice slice;

		assert_int_equal(log_read(f->log, offset, 1, end, true, &slice),
				 0);
		assert_int_equal(slice.len, f->segment_size / BATCHES);
		log_slice_release(&slice);
	}
}

/* The front */

static void start_offset_takes_whole_segments(void **state)
{
	struct fixture *f = *state;
	struct log_slice slice;

	assert_int_equal(log_set_start_offset(f->log, 3), 0);
	assert_log(f, 3, END, 5);
	assert_int_equal(log_read(f->log, 2, 1, END, true, &slice), -ERANGE);
	assert_int_equal(log_set_start_offset(f->log, 8), 0);
	assert_log(f, 8, END, 3);
	assert_int_equal(log_size_bytes(f->log), 3 * f->segment_size);
	assert_int_equal(log_set_start_offset(f->log, 5), 0);
	assert_log(f, 8, END, 3);
	assert_int_equal(log_set_start_offset(f->log, END + 1), -ERANGE);
	assert_int_equal(log_set_start_offset(f->log, END), 0);
	assert_log(f, END, END, 1);
	reopen(f);
	assert_log(f, END, END, 1);
	append(f, NOW_MS);
	assert_log(f, END, END + 1, 1);
}

static void dropped_files_go_after_a_delay(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_set_start_offset(f->log, 4), 0);
	assert_false(kit_file_exists(f->dir, "00000000000000000000.log"));
	assert_true(
		kit_file_exists(f->dir, "00000000000000000000.log.deleted"));
	assert_true(
		kit_file_exists(f->dir, "00000000000000000000.index.deleted"));
	fake_clock_advance_ms(&f->clock, 59999);
	assert_int_equal(log_sync(f->log), 0);
	assert_true(
		kit_file_exists(f->dir, "00000000000000000000.log.deleted"));
	fake_clock_advance_ms(&f->clock, 1);
	assert_int_equal(log_sync(f->log), 0);
	assert_false(
		kit_file_exists(f->dir, "00000000000000000000.log.deleted"));
	assert_false(
		kit_file_exists(f->dir, "00000000000000000000.index.deleted"));
}

static void retention_keeps_what_it_should(void **state)
{
	static const struct {
		int64_t ms;         /* in seconds, -1: none */
		int64_t bytes;      /* in segments, -1: none */
		int64_t end_offset; /* the high watermark */
		int want;
	} cases[] = {
		{ -1, -1, END, 0 }, { 100, -1, END, 0 },
		{ 17, -1, END, 0 }, /* the first one's newest is 17 s old */
		{ 16, -1, END, 1 }, { 9, -1, END, 2 },
		{ 9, -1, 7, 1 }, /* not beyond the high watermark */
		{ 0, -1, END, 5 },  { 0, -1, END - 1, 4 },
		{ -1, 5, END, 0 },  { -1, 4, END, 1 },
		{ -1, 1, END, 4 },  { -1, 0, END, 5 },
		{ 16, 4, END, 1 }, /* both mean the same segment */
		{ 12, 4, END, 2 },  { 16, 2, END, 3 },
	};
	struct fixture *f;
	void *each;

	teardown(state);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		int64_t ms = cases[i].ms;
		int64_t bytes = cases[i].bytes;
		int got;

		setup(&each);
		f = each;
		got = log_apply_retention(f->log, ms < 0 ? -1 : ms * 1000,
					  bytes < 0 ? -1
						    : bytes * f->segment_size,
					  cases[i].end_offset, NOW_MS);
		if (got != cases[i].want)
			fail_msg("case %zu: %d", i, got);
		assert_int_equal(log_start_offset(f->log), got * BATCHES);
		assert_int_equal(log_segment_count(f->log),
				 got == SEGMENTS ? 1 : SEGMENTS - got);
		assert_int_equal(log_end_offset(f->log), END);
		teardown(&each);
	}
	setup(state);
}

static void retention_knows_sealed_segments_after_reopening(void **state)
{
	struct fixture *f = *state;

	reopen(f);
	assert_int_equal(log_apply_retention(f->log, 9000, -1, END, NOW_MS), 2);
	assert_log(f, 8, END, 3);
}

/* What clients say may be no time at all: the file has one. */
static void retention_without_timestamps_looks_at_the_file(void **state)
{
	struct fixture *f = *state;
	struct log_slice slice;
	struct stat st;

	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_set_start_offset(f->log, END), 0);
	append(f, -1);
	assert_int_equal(log_roll(f->log), 0);
	assert_int_equal(log_read(f->log, END, 1, END + 1, true, &slice), 0);
	assert_int_equal(fstat(slice.fd, &st), 0);
	log_slice_release(&slice);
	assert_int_equal(log_apply_retention(f->log, 60000, -1, END + 1,
					     st.st_mtime * 1000),
			 0);
	assert_int_equal(log_apply_retention(f->log, 60000, -1, END + 1,
					     st.st_mtime * 1000 + 120000),
			 1);
}

static void what_is_trimmed_needs_no_recovery(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_recovery_point(f->log), 0);
	assert_int_equal(log_set_start_offset(f->log, 6), 0);
	assert_int_equal(log_recovery_point(f->log), 6);
}

static struct {
	int (*rename)(struct vfs *vfs, const char *from, const char *to);
	int left; /* so many work */
} renames;

static int some_renames(struct vfs *vfs, const char *from, const char *to)
{
	return renames.left-- > 0 ? renames.rename(vfs, from, to) : -EIO;
}

static bool has_segment(const struct fixture *f, int64_t base_offset)
{
	char name[64];

	snprintf(name, sizeof(name), "%020" PRId64 ".log", base_offset);
	return kit_file_exists(f->dir, name);
}

/* Segments go one by one: however few are gone, what is left is one log. */
static void a_crash_while_segments_go_leaves_no_hole(void **state)
{
	struct fixture *f;
	void *each;

	teardown(state);
	for (int back = 0; back < 2; back++) {
		setup(&each);
		f = each;
		renames.rename = vfs_system()->rename;
		renames.left = 1;
		vfs_system()->rename = some_renames;
		if (back)
			assert_int_equal(log_truncate(f->log, 2), -EIO);
		else
			assert_int_equal(log_set_start_offset(f->log, END),
					 -EIO);
		vfs_system()->rename = renames.rename;
		assert_int_equal(has_segment(f, 0), back);
		assert_true(has_segment(f, BATCHES));
		assert_true(has_segment(f, 2LL * BATCHES));
		assert_int_equal(has_segment(f, END - BATCHES), !back);
		teardown(&each);
	}
	setup(state);
}

static void retention_of_an_empty_log_does_nothing(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_apply_retention(f->log, 0, 0, END, NOW_MS), 5);
	assert_int_equal(log_apply_retention(f->log, 0, 0, END, NOW_MS), 0);
	assert_log(f, END, END, 1);
}

/* The back */

static void truncation_cuts_to_any_offset(void **state)
{
	struct fixture *f;
	void *each;

	teardown(state);
	for (int64_t end = END + 1; end >= 0; end--) {
		int64_t kept = end > END ? END : end;
		size_t segments = kept == 0 ? 1 : (size_t)kept / BATCHES + 1;

		if (segments > SEGMENTS)
			segments = SEGMENTS;
		setup(&each);
		f = each;
		assert_int_equal(log_sync(f->log), 0);
		assert_int_equal(log_truncate(f->log, end), 0);

		assert_log(f, 0, kept, segments);
		assert_int_equal(log_recovery_point(f->log), kept);
		assert_int_equal(log_size_bytes(f->log),
				 kept * f->segment_size / BATCHES);
		assert_int_equal(log_max_timestamp_ms(f->log),
				 kept == 0 ? -1 : time_of(kept - 1));
		append(f, NOW_MS + 5);
		assert_log(f, 0, kept + 1, segments);
		assert_int_equal(log_max_timestamp_ms(f->log), NOW_MS + 5);
		reopen(f);
		assert_log(f, 0, kept + 1, segments);
		teardown(&each);
	}
	setup(state);
}

static void truncation_below_the_start_empties_the_log(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_set_start_offset(f->log, 9), 0);
	assert_int_equal(log_truncate(f->log, 5), 0);
	assert_log(f, 5, 5, 0);
	append(f, NOW_MS);
	assert_log(f, 5, 6, 1);
}

static void truncation_between_batches_start_and_end(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_set_start_offset(f->log, 10), 0);
	assert_int_equal(log_truncate(f->log, 9), 0);
	assert_log(f, 9, 9, 1);
}

static void full_truncation_starts_anew(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(log_truncate_fully(f->log, 1000), 0);
	assert_log(f, 1000, 1000, 0);
	assert_int_equal(log_leader_epoch(f->log), -1);
	assert_int_equal(log_size_bytes(f->log), 0);
	append(f, NOW_MS);
	reopen(f);
	assert_log(f, 1000, 1001, 1);
}

/* Time */

static void time_finds_the_first_record_that_is_late_enough(void **state)
{
	struct fixture *f = *state;
	struct log_time_offset found;

	for (int pass = 0; pass < 2; pass++) {
		for (int64_t i = 0; i < END; i++) {
			assert_int_equal(log_offset_for_time(f->log, time_of(i),
							     END, &found),
					 0);
			assert_int_equal(found.offset, i);
			assert_int_equal(found.timestamp_ms, time_of(i));
			assert_int_equal(found.leader_epoch, 0);
			assert_int_equal(log_offset_for_time(f->log,
							     time_of(i) - 999,
							     END, &found),
					 0);
			assert_int_equal(found.offset, i);
		}
		assert_int_equal(
			log_offset_for_time(f->log, NOW_MS, END, &found), 0);
		assert_int_equal(found.offset, -1);
		assert_int_equal(found.timestamp_ms, -1);
		assert_int_equal(
			log_offset_for_time(f->log, time_of(7), 7, &found), 0);
		assert_int_equal(found.offset, -1);
		reopen(f);
	}
	assert_int_equal(log_set_start_offset(f->log, 6), 0);
	assert_int_equal(log_offset_for_time(f->log, 0, END, &found), 0);
	assert_int_equal(found.offset, 6);
}

static void time_looks_into_batches(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = {
		.records = 5,
		.value_bytes = 10,
		.timestamp_ms = NOW_MS + 100,
		.codec = CODEC_ZSTD,
	};
	struct log_time_offset found;
	struct log_appended appended;
	enum log_refusal refusal;

	assert_int_equal(append_as(f, what, &appended, &refusal), 0);
	append(f, NOW_MS + 50);
	assert_int_equal(
		log_offset_for_time(f->log, NOW_MS + 103, END + 9, &found), 0);
	assert_int_equal(found.offset, END + 3);
	assert_int_equal(found.timestamp_ms, NOW_MS + 103);
	assert_int_equal(log_offset_of_max_timestamp(f->log, &found), 0);
	assert_int_equal(found.offset, END + 4);
	assert_int_equal(found.timestamp_ms, NOW_MS + 104);
}

/* Producers */

static struct kit_batch batch_of(int16_t epoch, int32_t sequence)
{
	return (struct kit_batch){
		.records = 2,
		.value_bytes = 100,
		.timestamp_ms = NOW_MS,
		.idempotent = true,
		.producer_id = 77,
		.producer_epoch = epoch,
		.base_sequence = sequence,
	};
}

static void duplicates_get_their_first_answer(void **state)
{
	struct fixture *f = *state;
	struct log_appended appended = { 0 };
	enum log_refusal refusal;

	for (int32_t i = 0; i < 5; i++)
		assert_int_equal(
			append_as(f, batch_of(0, 2 * i), &appended, &refusal),
			0);
	for (int32_t i = 0; i < 5; i++) {
		assert_int_equal(
			append_as(f, batch_of(0, 2 * i), &appended, &refusal),
			0);
		assert_true(appended.duplicate);
		assert_int_equal(appended.base_offset, END + 2 * i);
		assert_int_equal(appended.last_offset, END + 2 * i + 1);
	}
	assert_int_equal(log_end_offset(f->log), END + 10);
}

static void gaps_and_old_epochs_are_refused(void **state)
{
	struct fixture *f = *state;
	struct log_appended appended;
	enum log_refusal refusal;

	assert_int_equal(append_as(f, batch_of(1, 0), &appended, &refusal), 0);
	assert_int_equal(append_as(f, batch_of(1, 4), &appended, &refusal),
			 -ESTALE);
	assert_int_equal(refusal, LOG_REFUSED_SEQUENCE);
	assert_int_equal(append_as(f, batch_of(0, 2), &appended, &refusal),
			 -ESTALE);
	assert_int_equal(refusal, LOG_REFUSED_EPOCH);
	assert_int_equal(append_as(f, batch_of(2, 1), &appended, &refusal),
			 -ESTALE);
	assert_int_equal(refusal, LOG_REFUSED_SEQUENCE);
	assert_int_equal(append_as(f, batch_of(2, 0), &appended, &refusal), 0);
	assert_int_equal(refusal, LOG_REFUSED_NOT);
	assert_int_equal(log_end_offset(f->log), END + 4);
}

static void truncation_makes_producers_forget(void **state)
{
	struct fixture *f = *state;
	struct log_appended appended = { 0 };
	enum log_refusal refusal;

	for (int32_t i = 0; i < 5; i++)
		assert_int_equal(
			append_as(f, batch_of(0, 2 * i), &appended, &refusal),
			0);
	assert_int_equal(log_truncate(f->log, END + 4), 0);
	assert_int_equal(append_as(f, batch_of(0, 6), &appended, &refusal),
			 -ESTALE);
	assert_int_equal(append_as(f, batch_of(0, 4), &appended, &refusal), 0);
	assert_false(appended.duplicate);
	assert_int_equal(appended.base_offset, END + 4);
}

static void note_producer(void *arg, const struct log_producer *p)
{
	*(struct log_producer *)arg = *p;
}

/* The record of an end marker: key is version and type, value is version and
 * coordinator epoch. */
static void make_marker(struct buffer *out, struct batch_header *header)
{
	static const uint8_t key[] = { 0, 0, 0, 1 };
	static const uint8_t value[] = { 0, 0, 0, 0, 0, 12 };
	const struct batch_params params = {
		.attributes = BATCH_CONTROL | BATCH_TRANSACTIONAL,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = 77,
		.producer_epoch = 0,
		.base_sequence = -1,
	};
	struct batch_builder b;

	batch_builder_init(&b);
	assert_int_equal(batch_builder_add(
				 &b, NOW_MS, (struct slice){ key, sizeof(key) },
				 (struct slice){ value, sizeof(value) }, NULL,
				 0),
			 0);
	assert_int_equal(batch_builder_finish(&b, &params, out), 0);
	batch_builder_clear(&b);
	assert_int_equal(batch_header_read(buffer_slice(out), header), 0);
}

static void unlink_newest_snapshot(const struct fixture *f)
{
	char path[KIT_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%020d.snapshot", f->dir, END + 3);
	assert_int_equal(unlink(path), 0);
}

static void end_marker_closes_a_transaction(void **state)
{
	struct fixture *f = *state;
	struct kit_batch what = batch_of(0, 0);
	struct buffer marker = { 0 };
	struct batch_header header;
	struct log_appended appended;
	enum log_refusal refusal;
	struct log_producer seen = { 0 };

	what.attributes = BATCH_TRANSACTIONAL;
	assert_int_equal(append_as(f, what, &appended, &refusal), 0);
	log_each_producer(f->log, note_producer, &seen);
	assert_int_equal(seen.current_txn_start_offset, END);
	make_marker(&marker, &header);
	assert_int_equal(
		log_append_internal(f->log, marker.data, &header, 0, &appended),
		0);
	assert_int_equal(appended.base_offset, END + 2);
	buffer_clear(&marker);

	for (int pass = 0; pass < 2; pass++) {
		log_each_producer(f->log, note_producer, &seen);
		assert_int_equal(seen.current_txn_start_offset, -1);
		assert_int_equal(seen.coordinator_epoch, 12);
		assert_int_equal(seen.last_sequence, 1);
		/* The second time it is read from the log again. */
		log_close(f->log, false);
		f->params.clean = false;
		unlink_newest_snapshot(f);
		assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(start_offset_takes_whole_segments),
		TEST(dropped_files_go_after_a_delay),
		TEST(retention_keeps_what_it_should),
		TEST(retention_knows_sealed_segments_after_reopening),
		TEST(retention_of_an_empty_log_does_nothing),
		TEST(truncation_cuts_to_any_offset),
		TEST(truncation_below_the_start_empties_the_log),
		TEST(truncation_between_batches_start_and_end),
		TEST(full_truncation_starts_anew),
		TEST(time_finds_the_first_record_that_is_late_enough),
		TEST(time_looks_into_batches),
		TEST(duplicates_get_their_first_answer),
		TEST(gaps_and_old_epochs_are_refused),
		TEST(truncation_makes_producers_forget),
		TEST(end_marker_closes_a_transaction),
		TEST(retention_without_timestamps_looks_at_the_file),
		TEST(what_is_trimmed_needs_no_recovery),
		TEST(a_crash_while_segments_go_leaves_no_hole),
	};

	return cmocka_run_group_tests_name("log trim", tests, NULL, NULL);
}
