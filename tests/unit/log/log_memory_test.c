/*
 * log_memory_test.c - a log when memory runs out
 *
 * Each call is made again and again, with the first, the second ... of its
 * allocations failing, until it needs no more.  Whenever it fails it must say
 * -ENOMEM and leave the log as it was.
 *
 * The allocator is replaced for this program only.  The sanitizers bring one
 * of their own, so under them the test has nothing to do.
 */
#include "log/log.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/log_kit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define REPLACE_ALLOCATOR 0
#else
#define REPLACE_ALLOCATOR 1
#endif

static long allocations_left = -1; /* -1: without end */
static bool failed;

#if REPLACE_ALLOCATOR
/* NOLINTBEGIN: glibc's own, under the names that it keeps for this. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool may_allocate(void)
{
	if (allocations_left < 0)
		return true;
	if (allocations_left == 0) {
		failed = true;
		errno = ENOMEM;
		return false;
	}
	allocations_left--;
	return true;
}

void *malloc(size_t size)
{
	return may_allocate() ? __libc_malloc(size) : NULL;
}

void *calloc(size_t count, size_t size)
{
	return may_allocate() ? __libc_calloc(count, size) : NULL;
}

void *realloc(void *old, size_t size)
{
	return may_allocate() ? __libc_realloc(old, size) : NULL;
}
/* NOLINTEND */
#endif

struct fixture {
	char root[KIT_PATH_MAX];
	char dir[KIT_PATH_MAX + 16];
	struct fake_clock clock;
	struct log_open params;
	struct log *log;
	struct buffer bytes;
	struct batch_header header;
	int64_t producer_id;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	kit_make_dir(f->root);
	snprintf(f->dir, sizeof(f->dir), "%s/m-0", f->root);
	fake_clock_init(&f->clock, 1700000000000);
	f->params = (struct log_open){
		.vfs = vfs_system(),
		.clock = &f->clock.clock,
		.dir = f->dir,
		.config = log_config_default,
	};
	f->params.config.segment_bytes = 4000;
	f->params.config.index_interval_bytes = 200;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	log_close(f->log, false);
	buffer_clear(&f->bytes);
	kit_remove_dir(f->root);
	free(f);
	return 0;
}

/* Make run() fail at each of its allocations.  check() is called after each
 * failure, with all the memory in the world. */
static void exhaust(struct fixture *f, int (*run)(struct fixture *f),
		    void (*check)(struct fixture *f))
{
	for (long n = 0;; n++) {
		int rc;

		failed = false;
		allocations_left = n;
		rc = run(f);
		allocations_left = -1;
		if (!failed) {
			assert_int_equal(rc, 0);
			return;
		}
		/* What is not essential may be left out. */
		if (rc == 0)
			return;
		assert_int_equal(rc, -ENOMEM);
		check(f);
	}
}

static void check_nothing(struct fixture *f)
{
	assert_null(f->log);
}

static int run_open(struct fixture *f)
{
	return log_open(&f->params, &f->log, NULL);
}

/* A batch of a producer that is new. */
static void make_batch(struct fixture *f)
{
	struct kit_batch what = {
		.records = 3,
		.value_bytes = 100,
		.timestamp_ms = 1700000000000,
		.idempotent = true,
		.producer_id = f->producer_id++,
	};

	buffer_reset(&f->bytes);
	kit_make_batch(&what, &f->bytes, &f->header);
}

static int run_append(struct fixture *f)
{
	struct log_appended appended;
	enum log_refusal refusal;

	return log_append(f->log, f->bytes.data, &f->header, 0, &appended,
			  &refusal);
}

static int64_t end_before;

static void count_producer(void *arg, const struct log_producer *p)
{
	(void)p;
	++*(int64_t *)arg;
}

/* A file too many would be taken for the end of the log by the next start. */
static size_t count_log_files(const struct fixture *f)
{
	DIR *dir = opendir(f->dir);
	struct dirent *entry;
	size_t count = 0;

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += strstr(entry->d_name, ".log") != NULL;
	closedir(dir);
	return count;
}

static void check_as_before(struct fixture *f)
{
	int64_t producers = 0;

	assert_int_equal(log_end_offset(f->log), end_before);
	log_each_producer(f->log, count_producer, &producers);
	assert_int_equal(producers, end_before / 3);
	assert_int_equal(count_log_files(f), log_segment_count(f->log));
}

static void append(struct fixture *f)
{
	make_batch(f);
	end_before = log_end_offset(f->log);
	exhaust(f, run_append, check_as_before);
	assert_int_equal(log_end_offset(f->log), end_before + 3);
	end_before += 3;
}

static int run_sync(struct fixture *f)
{
	return log_sync(f->log);
}

static int run_read(struct fixture *f)
{
	struct log_slice slice;
	int rc = log_read(f->log, 1, 100000, INT64_MAX, true, &slice);

	if (rc == 0)
		log_slice_release(&slice);
	return rc;
}

static int run_time(struct fixture *f)
{
	struct log_time_offset found;

	return log_offset_for_time(f->log, 1700000000001, INT64_MAX, &found);
}

static void open_append_and_sync_survive(void **state)
{
	struct fixture *f = *state;

	exhaust(f, run_open, check_nothing);
	for (int i = 0; i < 40; i++)
		append(f);
	assert_true(log_segment_count(f->log) > 2);
	exhaust(f, run_sync, check_as_before);
	assert_int_equal(log_recovery_point(f->log), end_before);
	exhaust(f, run_read, check_as_before);
	exhaust(f, run_time, check_as_before);
}

static void recovery_survives(void **state)
{
	struct fixture *f = *state;
	int64_t producers = 0;

	assert_int_equal(log_open(&f->params, &f->log, NULL), 0);
	for (int i = 0; i < 40; i++)
		append(f);
	assert_int_equal(log_close(f->log, true), 0);
	f->log = NULL;
	exhaust(f, run_open, check_nothing);

	assert_int_equal(log_end_offset(f->log), 120);
	log_each_producer(f->log, count_producer, &producers);
	assert_int_equal(producers, 40);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_append_and_sync_survive),
		TEST(recovery_survives),
	};

	return cmocka_run_group_tests_name("log memory", tests, NULL, NULL);
}
