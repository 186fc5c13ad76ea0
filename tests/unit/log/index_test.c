/*
 * index_test.c - tests of offset_index.c, time_index.c and index_file.c
 *
 * The segment has base offset 1000.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "log/offset_index.h"
#include "log/time_index.h"
#include "support/fault_vfs.h"
#include "support/log_kit.h"

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

enum { BASE_OFFSET = 1000 };

struct fixture {
	char root[KIT_PATH_MAX];
	char path[KIT_PATH_MAX + 16];
	struct fault_vfs *faults;
	struct vfs *vfs;
	struct offset_index offsets;
	struct time_index times;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	kit_make_dir(f->root);
	snprintf(f->path, sizeof(f->path), "%s/file", f->root);
	f->faults = fault_vfs_new(f->root);
	f->vfs = fault_vfs_vfs(f->faults);
	offset_index_init(&f->offsets, BASE_OFFSET);
	time_index_init(&f->times, BASE_OFFSET);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	offset_index_clear(&f->offsets);
	time_index_clear(&f->times);
	fault_vfs_free(f->faults);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

static void add(struct fixture *f, int64_t offset, uint32_t position)
{
	struct offset_position entry = { offset, position };

	assert_int_equal(offset_index_append(&f->offsets, entry), 0);
}

static void add_three(struct fixture *f)
{
	add(f, 1010, 4096);
	add(f, 1020, 8192);
	add(f, 1030, 12288);
}

static int flush(struct fixture *f)
{
	return index_file_flush(&f->offsets.file, f->vfs, f->path);
}

static void assert_file(struct fixture *f, const void *want, size_t want_len)
{
	size_t len;
	uint8_t *got = kit_read_file(f->root, "file", &len);

	assert_int_equal(len, want_len);
	assert_memory_equal(got, want, want_len);
	free(got);
}

static const uint8_t three[] = {
	0, 0, 0, 10, 0, 0, 0x10, 0, /* 1010 at 4096 */
	0, 0, 0, 20, 0, 0, 0x20, 0, /* 1020 at 8192 */
	0, 0, 0, 30, 0, 0, 0x30, 0, /* 1030 at 12288 */
};

static void lookup_gives_last_entry_not_beyond_target(void **state)
{
	static const struct {
		int64_t target;
		struct offset_position want;
	} cases[] = {
		{ 0, { BASE_OFFSET, 0 } },    /* below the segment */
		{ 1009, { BASE_OFFSET, 0 } }, /* below the first entry */
		{ 1010, { 1010, 4096 } },       { 1019, { 1010, 4096 } },
		{ 1020, { 1020, 8192 } },       { 1030, { 1030, 12288 } },
		{ INT64_MAX, { 1030, 12288 } },
	};
	struct fixture *f = *state;

	add_three(f);
	assert_int_equal(flush(f), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct offset_position got[2];

		got[0] = offset_index_lookup(&f->offsets, cases[i].target);
		assert_int_equal(offset_index_lookup_file(
					 f->vfs, f->path, BASE_OFFSET, 20000,
					 cases[i].target, &got[1]),
				 0);
		for (int j = 0; j < 2; j++) {
			assert_int_equal(got[j].offset, cases[i].want.offset);
			assert_int_equal(got[j].position,
					 cases[i].want.position);
		}
	}
}

static void lookup_in_missing_or_foolish_file_gives_the_start(void **state)
{
	struct fixture *f = *state;
	struct offset_position got;

	assert_int_equal(offset_index_lookup_file(f->vfs, f->path, BASE_OFFSET,
						  20000, 1015, &got),
			 0);
	assert_int_equal(got.position, 0);
	kit_write_file(f->root, "file", three, sizeof(three));
	assert_int_equal(offset_index_lookup_file(f->vfs, f->path, BASE_OFFSET,
						  8192, 1025, &got),
			 0);
	assert_int_equal(got.position, 0);
	assert_int_equal(got.offset, BASE_OFFSET);
}

static void file_has_kafkas_bytes_and_grows_by_what_is_new(void **state)
{
	struct fixture *f = *state;
	long writes;

	kit_write_file(f->root, "file", "what was there before, and longer",
		       33);
	add(f, 1010, 4096);
	assert_int_equal(flush(f), 0);
	assert_file(f, three, 8);
	add(f, 1020, 8192);
	add(f, 1030, 12288);
	writes = fault_vfs_calls(f->faults, FAULT_WRITE | FAULT_TRUNCATE);
	assert_int_equal(flush(f), 0);
	assert_int_equal(
		fault_vfs_calls(f->faults, FAULT_WRITE | FAULT_TRUNCATE) -
			writes,
		1);
	assert_file(f, three, sizeof(three));
	assert_int_equal(flush(f), 0);
	assert_int_equal(
		fault_vfs_calls(f->faults, FAULT_WRITE | FAULT_TRUNCATE) -
			writes,
		1);
}

static void failed_flush_can_be_done_again(void **state)
{
	struct fixture *f = *state;

	add_three(f);
	fault_vfs_short_writes(f->faults, 11);
	fault_vfs_fail(f->faults, FAULT_WRITE, -ENOSPC, 1, 1);
	assert_int_equal(flush(f), -ENOSPC);
	fault_vfs_fail(f->faults, FAULT_OPEN, -EIO, 0, 1);
	assert_int_equal(flush(f), -EIO);
	fault_vfs_heal(f->faults);
	assert_int_equal(flush(f), 0);
	assert_file(f, three, sizeof(three));
}

static void empty_index_makes_an_empty_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(flush(f), 0);
	assert_file(f, "", 0);
}

static void truncation_reaches_the_file(void **state)
{
	static const struct {
		int64_t end_offset;
		uint32_t want;
	} cases[] = {
		{ 1031, 3 }, { 1030, 2 }, { 1021, 2 }, { 1020, 1 }, { 1000, 0 },
	};
	struct fixture *f = *state;

	add_three(f);
	assert_int_equal(flush(f), 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		offset_index_truncate(&f->offsets, cases[i].end_offset);
		assert_int_equal(f->offsets.file.count, cases[i].want);
		assert_int_equal(flush(f), 0);
		assert_file(f, three, (size_t)cases[i].want * 8);
	}
}

static void load_ends_at_zeroes_and_torn_entries(void **state)
{
	static const struct {
		size_t extra; /* bytes of zeroes behind */
		size_t keep;  /* of the 24 bytes */
		uint32_t want;
	} cases[] = {
		{ 0, 24, 3 }, { 8, 24, 3 },  { 100000, 24, 3 },
		{ 3, 24, 3 }, { 0, 23, 2 },  { 0, 7, 0 },
		{ 0, 0, 0 },  { 800, 0, 0 }, { 0, 16, 2 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		kit_write_file(f->root, "file", three, cases[i].keep);
		assert_int_equal(truncate(f->path, (off_t)(cases[i].keep +
							   cases[i].extra)),
				 0);
		assert_int_equal(
			index_file_load(&f->offsets.file, f->vfs, f->path), 0);
		assert_int_equal(f->offsets.file.count, cases[i].want);
		add(f, 2000, 99999);
		assert_int_equal(flush(f), 0);
		offset_index_truncate(&f->offsets, 2000);
		assert_int_equal(flush(f), 0);
		assert_file(f, three, (size_t)cases[i].want * 8);
	}
}

static void entries_that_make_no_sense_are_dropped(void **state)
{
	static const struct {
		uint8_t second[8];
		int64_t size;
		uint32_t want;
	} cases[] = {
		{ { 0, 0, 0, 20, 0, 0, 0x20, 0 }, 20000, 3 },
		{ { 0, 0, 0, 9, 0, 0, 0x20, 0 }, 20000, 1 },  /* offset */
		{ { 0, 0, 0, 20, 0, 0, 0x0f, 0 }, 20000, 1 }, /* position */
		{ { 0, 0, 0, 0, 0, 0, 0, 0 }, 20000, 1 },     /* a hole */
		{ { 0xff, 0, 0, 20, 0, 0, 0x20, 0 }, 20000, 1 },
		{ { 0, 0, 0, 20, 0xff, 0, 0x20, 0 }, 20000, 1 },
		{ { 0, 0, 0, 20, 0, 0, 0x20, 0 }, 12288, 2 }, /* outside */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t bytes[sizeof(three)];

		memcpy(bytes, three, sizeof(three));
		memcpy(bytes + 8, cases[i].second, 8);
		kit_write_file(f->root, "file", bytes, sizeof(bytes));
		assert_int_equal(
			index_file_load(&f->offsets.file, f->vfs, f->path), 0);
		offset_index_keep_sound(&f->offsets, cases[i].size);
		if (f->offsets.file.count != cases[i].want)
			fail_msg("case %zu: %u", i, f->offsets.file.count);
	}
}

static void time_index_takes_only_later_times(void **state)
{
	static const uint8_t want[] = {
		0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, /* 5 ms at 1001 */
		0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9, /* 256 ms at 1009 */
	};
	static const struct time_offset entries[] = {
		{ -1, 1000 }, { 5, 1001 },   { 5, 1003 },
		{ 4, 1004 },  { 256, 1009 }, { 256, 1012 },
	};
	struct fixture *f = *state;
	struct time_offset got;

	for (size_t i = 0; i < ARRAY_LEN(entries); i++)
		assert_int_equal(time_index_append(&f->times, entries[i]), 0);
	assert_int_equal(index_file_flush(&f->times.file, f->vfs, f->path), 0);
	assert_file(f, want, sizeof(want));
	assert_int_equal(time_index_lookup(&f->times, 4).timestamp_ms, -1);
	assert_int_equal(time_index_lookup(&f->times, 4).offset, BASE_OFFSET);
	assert_int_equal(time_index_lookup(&f->times, 5).offset, 1001);
	assert_int_equal(time_index_lookup(&f->times, 255).offset, 1001);
	assert_int_equal(time_index_lookup(&f->times, 256).offset, 1009);
	assert_int_equal(time_index_lookup_file(f->vfs, f->path, BASE_OFFSET,
						INT64_MAX, &got),
			 0);
	assert_int_equal(got.timestamp_ms, 256);
	assert_int_equal(got.offset, 1009);
	time_index_truncate(&f->times, 1009);
	assert_int_equal(time_index_last(&f->times).timestamp_ms, 5);
	time_index_truncate(&f->times, 1001);
	assert_int_equal(time_index_last(&f->times).timestamp_ms, -1);
}

static void times_that_make_no_sense_are_dropped(void **state)
{
	static const uint8_t bytes[] = {
		0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 4, /**/
		0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, /* the offset goes back */
		0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 9,
	};
	struct fixture *f = *state;

	kit_write_file(f->root, "file", bytes, sizeof(bytes));
	assert_int_equal(index_file_load(&f->times.file, f->vfs, f->path), 0);
	time_index_keep_sound(&f->times);
	assert_int_equal(f->times.file.count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lookup_gives_last_entry_not_beyond_target),
		TEST(lookup_in_missing_or_foolish_file_gives_the_start),
		TEST(file_has_kafkas_bytes_and_grows_by_what_is_new),
		TEST(failed_flush_can_be_done_again),
		TEST(empty_index_makes_an_empty_file),
		TEST(truncation_reaches_the_file),
		TEST(load_ends_at_zeroes_and_torn_entries),
		TEST(entries_that_make_no_sense_are_dropped),
		TEST(time_index_takes_only_later_times),
		TEST(times_that_make_no_sense_are_dropped),
	};

	return cmocka_run_group_tests_name("indexes", tests, NULL, NULL);
}
