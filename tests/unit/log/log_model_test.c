/*
 * log_model_test.c - a log against a plain list of batches
 *
 * Thousands of random steps by seed: appending with and without a producer,
 * reading, syncing, truncating, trimming, rolling, closing, being killed, and
 * losing power.  After each the log must say what the list says.  Seeds are
 * printed, so that a failure can be had again.
 */
#include "log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/compress.h"
#include "support/fault_vfs.h"
#include "support/log_kit.h"

enum {
	STEPS = 2500,
	PRODUCERS = 3,
	BATCHES_MAX = STEPS + 1,
	NOW_MS = 1000000,
};

struct entry {
	int64_t base_offset;
	int64_t last_offset;
	int64_t timestamp_ms; /* of the first record; then 1 more each */
	int32_t epoch;
	int producer; /* -1: none */
	int32_t base_sequence;
	uint8_t *bytes;
	size_t len;
};

struct model {
	struct seeded_random random;
	uint64_t seed;
	char root[KIT_PATH_MAX];
	char dir[KIT_PATH_MAX + 16];
	struct fake_clock clock;
	struct fault_vfs *faults;
	struct log_open params;
	struct log *log;
	struct entry entries[BATCHES_MAX]; /* that are in the log */
	int first, count;                  /* entries [first, count) */
	int64_t start;
	int64_t end;
	int32_t epoch;
	bool cut_unsynced; /* what was truncated might come back */
	bool may_lose_power;
	long losses;
};

static uint64_t pick(struct model *m, uint64_t bound)
{
	return random_below(&m->random.random, bound);
}

static void open_model_log(struct model *m)
{
	assert_int_equal(log_open(&m->params, &m->log, NULL), 0);
}

static void model_open(struct model *m, uint64_t seed)
{
	memset(m, 0, sizeof(*m));
	m->seed = seed;
	seeded_random_init(&m->random, seed);
	kit_make_dir(m->root);
	snprintf(m->dir, sizeof(m->dir), "%s/m-0", m->root);
	fake_clock_init(&m->clock, NOW_MS);
	m->faults = fault_vfs_new(m->dir);
	m->params = (struct log_open){
		.vfs = fault_vfs_vfs(m->faults),
		.clock = &m->clock.clock,
		.dir = m->dir,
		.config = log_config_default,
	};
	m->params.config.segment_bytes = 4000 + (int64_t)pick(m, 8000);
	m->params.config.index_interval_bytes = (int64_t)pick(m, 600);
	m->params.config.producer_expiration_ms = INT64_MAX / 2;
	open_model_log(m);
}

static void model_close(struct model *m)
{
	log_close(m->log, false);
	fault_vfs_free(m->faults);
	kit_remove_dir(m->root);
	for (int i = 0; i < m->count; i++)
		free(m->entries[i].bytes);
}

/* The list loses what is at or beyond end. */
static void model_truncate(struct model *m, int64_t end)
{
	while (m->count > m->first &&
	       (m->entries[m->count - 1].base_offset >= end || m->start >= end))
		free(m->entries[--m->count].bytes);
	m->end = end;
	if (m->start > end)
		m->start = end;
}

static void model_set_start(struct model *m, int64_t start)
{
	m->start = start;
	while (m->first < m->count && m->entries[m->first].last_offset < start)
		m->first++;
}

/* The newest batch of a producer that readers can see, or NULL. */
static struct entry *last_of(struct model *m, int producer)
{
	for (int i = m->count - 1; i >= m->first; i--) {
		if (m->entries[i].producer == producer)
			return &m->entries[i];
	}
	return NULL;
}

/* Steps */

static void step_append(struct model *m)
{
	int producer = (int)pick(m, PRODUCERS + 2);
	struct entry *before =
		producer < PRODUCERS ? last_of(m, producer) : NULL;
	struct kit_batch what = {
		.records = 1 + (int32_t)pick(m, 4),
		.value_bytes = pick(m, 10) == 0 ? pick(m, 800) : pick(m, 60),
		.timestamp_ms = NOW_MS + (int64_t)pick(m, 1000),
		.codec = (int)pick(m, 8) == 0 ? CODEC_LZ4 : CODEC_NONE,
		.fill = (uint8_t)pick(m, 256),
	};
	struct buffer bytes = { 0 };
	struct log_appended appended;
	struct batch_header header;
	enum log_refusal refusal;
	struct entry *e = &m->entries[m->count];

	/* A producer that the log may have forgotten starts with a new epoch,
	 * which here is a new id. */
	if (producer < PRODUCERS && before == NULL)
		producer = PRODUCERS;
	if (producer < PRODUCERS) {
		what.idempotent = true;
		what.producer_id = producer;
		what.base_sequence =
			before->base_sequence +
			(int32_t)(before->last_offset - before->base_offset) +
			1;
	}
	kit_make_batch(&what, &bytes, &header);
	assert_int_equal(log_append(m->log, bytes.data, &header, m->epoch,
				    &appended, &refusal),
			 0);
	assert_false(appended.duplicate);
	assert_int_equal(appended.base_offset, m->end);
	*e = (struct entry){
		.base_offset = m->end,
		.last_offset = m->end + what.records - 1,
		.timestamp_ms = what.timestamp_ms,
		.epoch = m->epoch,
		.producer = producer < PRODUCERS ? producer : -1,
		.base_sequence = what.base_sequence,
		.bytes = bytes.data,
		.len = bytes.len,
	};
	m->end = e->last_offset + 1;
	m->count++;
}

/* The first batch of a producer, when it has none that can be seen. */
static void step_introduce(struct model *m)
{
	int producer = (int)pick(m, PRODUCERS);
	struct kit_batch what = {
		.idempotent = true,
		.producer_id = producer,
		.producer_epoch = 0,
		.timestamp_ms = NOW_MS,
	};
	struct buffer bytes = { 0 };
	struct log_appended appended;
	struct batch_header header;
	enum log_refusal refusal;
	int rc;

	if (last_of(m, producer) != NULL)
		return;
	kit_make_batch(&what, &bytes, &header);
	rc = log_append(m->log, bytes.data, &header, m->epoch, &appended,
			&refusal);
	/* The log may still know it, though its batches are gone. */
	if (rc == 0 && !appended.duplicate) {
		m->entries[m->count++] = (struct entry){
			.base_offset = m->end,
			.last_offset = m->end,
			.timestamp_ms = NOW_MS,
			.epoch = m->epoch,
			.producer = producer,
			.bytes = bytes.data,
			.len = bytes.len,
		};
		assert_int_equal(appended.base_offset, m->end);
		m->end++;
		return;
	}
	if (rc != 0)
		assert_int_equal(rc, -ESTALE);
	buffer_clear(&bytes);
}

/* A batch that was sent twice is found; one that leaves a gap is refused. */
static void step_resend(struct model *m)
{
	int producer = (int)pick(m, PRODUCERS);
	struct entry *e = last_of(m, producer);
	struct batch_header header;
	struct log_appended appended = { 0 };
	enum log_refusal refusal;
	uint8_t *copy;

	if (e == NULL)
		return;
	copy = malloc(e->len);
	assert_non_null(copy);
	memcpy(copy, e->bytes, e->len);
	assert_int_equal(
		batch_header_read((struct slice){ copy, e->len }, &header), 0);
	assert_int_equal(log_append(m->log, copy, &header, m->epoch, &appended,
				    &refusal),
			 0);
	assert_true(appended.duplicate);
	assert_int_equal(appended.base_offset, e->base_offset);
	assert_int_equal(appended.last_offset, e->last_offset);
	header.base_sequence += header.last_offset_delta + 2;
	assert_int_equal(log_append(m->log, copy, &header, m->epoch, &appended,
				    &refusal),
			 -ESTALE);
	assert_int_equal(refusal, LOG_REFUSED_SEQUENCE);
	free(copy);
}

/* The disk is full, at some point of an append: nothing of it is there, or all
 * of it. */
static void step_full_disk(struct model *m)
{
	struct kit_batch what = {
		.records = 1,
		.value_bytes = pick(m, 2000),
		.timestamp_ms = NOW_MS,
	};
	struct buffer bytes = { 0 };
	struct log_appended appended;
	struct batch_header header;
	enum log_refusal refusal;
	int rc;

	kit_make_batch(&what, &bytes, &header);
	fault_vfs_short_writes(m->faults, 1 + pick(m, 1000));
	fault_vfs_fail(m->faults, FAULT_WRITE | FAULT_OPEN, -ENOSPC,
		       (long)pick(m, 4), -1);
	rc = log_append(m->log, bytes.data, &header, m->epoch, &appended,
			&refusal);
	fault_vfs_heal(m->faults);
	fault_vfs_short_writes(m->faults, 0);
	if (rc < 0) {
		assert_int_equal(rc, -ENOSPC);
		buffer_clear(&bytes);
		return;
	}
	m->entries[m->count++] = (struct entry){
		.base_offset = m->end,
		.last_offset = m->end,
		.timestamp_ms = NOW_MS,
		.epoch = m->epoch,
		.producer = -1,
		.bytes = bytes.data,
		.len = bytes.len,
	};
	m->end++;
}

static void step_sync(struct model *m)
{
	assert_int_equal(log_sync(m->log), 0);
	assert_int_equal(log_recovery_point(m->log), m->end);
	m->cut_unsynced = false;
}

static void step_truncate(struct model *m)
{
	int i = m->first;
	int64_t end;

	if (m->count == m->first)
		return;
	i += (int)pick(m, (uint64_t)(m->count - m->first));
	/* Most often only a little. */
	if (pick(m, 4) != 0 && m->count - i > 5)
		i = m->count - 5;
	end = m->entries[i].base_offset;
	assert_int_equal(log_truncate(m->log, end), 0);
	model_truncate(m, end);
	m->cut_unsynced = true;
	if (pick(m, 2) == 0)
		step_sync(m);
}

static void step_set_start(struct model *m)
{
	int64_t start = m->start +
			(int64_t)pick(m, (uint64_t)(m->end - m->start) / 4 + 1);

	assert_int_equal(log_set_start_offset(m->log, start), 0);
	model_set_start(m, start);
	assert_int_equal(log_set_start_offset(m->log, m->end + 1), -ERANGE);
}

static void step_retention(struct model *m)
{
	int64_t keep = (int64_t)pick(m, 40000);
	int64_t before = log_size_bytes(m->log);
	int rc = log_apply_retention(m->log, -1, keep, m->end, NOW_MS);

	assert_true(rc >= 0);
	assert_true(rc > 0 || log_size_bytes(m->log) == before);
	assert_true(log_size_bytes(m->log) >= (before < keep ? before : keep));
	if (rc > 0) {
		assert_true(log_start_offset(m->log) >= m->start);
		model_set_start(m, log_start_offset(m->log));
	}
}

static void step_roll(struct model *m)
{
	assert_int_equal(log_roll(m->log), 0);
}

static void step_new_epoch(struct model *m)
{
	m->epoch += 1 + (int32_t)pick(m, 3);
	if (pick(m, 2) == 0)
		assert_int_equal(log_start_epoch(m->log, m->epoch), 0);
}

static void step_reopen(struct model *m)
{
	assert_int_equal(log_close(m->log, true), 0);
	m->log = NULL;
	m->cut_unsynced = false;
	m->params.clean = true;
	m->params.recovery_point = 0; /* does not matter */
	m->params.log_start_offset = m->start;
	open_model_log(m);
}

static void step_kill(struct model *m)
{
	m->params.recovery_point = log_recovery_point(m->log);
	m->params.log_start_offset = m->start;
	m->params.clean = false;
	fault_vfs_stop(m->faults);
	log_close(m->log, false);
	m->log = NULL;
	fault_vfs_resume(m->faults);
	open_model_log(m);
}

static void step_lose_power(struct model *m)
{
	int64_t synced;
	int64_t end;

	if (m->cut_unsynced)
		step_sync(m);
	m->losses++;
	synced = log_recovery_point(m->log);
	m->params.recovery_point = synced;
	m->params.log_start_offset = m->start;
	m->params.clean = false;
	fault_vfs_stop(m->faults);
	log_close(m->log, false);
	m->log = NULL;
	fault_vfs_resume_after_power_loss(m->faults, &m->random.random);
	open_model_log(m);
	end = log_end_offset(m->log);
	if (end < synced || end > m->end)
		fail_msg("seed %" PRIu64 ": synced to %" PRId64
			 ", ends at %" PRId64 " of %" PRId64,
			 m->seed, synced, end, m->end);
	model_truncate(m, end);
}

/* Checks */

/* The batch that holds offset. */
static int entry_of(const struct model *m, int64_t offset)
{
	int i = m->first;

	while (i < m->count && m->entries[i].last_offset < offset)
		i++;
	return i;
}

/* The slice must hold the batches from i on, the last maybe cut. */
static void check_bytes(struct model *m, int i, const struct log_slice *slice,
			int64_t end_offset)
{
	uint8_t *got = malloc(slice->len + 1);
	size_t at = 0;

	assert_non_null(got);
	assert_int_equal(pread(slice->fd, got, slice->len, slice->position),
			 slice->len);
	while (at < slice->len) {
		const struct entry *e = &m->entries[i++];
		size_t n = slice->len - at < e->len ? slice->len - at : e->len;

		assert_true(i <= m->count);
		assert_true(e->last_offset < end_offset);
		assert_memory_equal(got + at, e->bytes, n);
		at += n;
	}
	free(got);
}

static void check_read(struct model *m)
{
	struct log_slice slice;
	int64_t offset;
	int64_t end_offset = m->end;
	size_t max = 1 + pick(m, 5000);
	int i;
	int last;

	if (m->first == m->count)
		return;
	offset = m->start + (int64_t)pick(m, (uint64_t)(m->end - m->start));
	i = entry_of(m, offset);
	last = i + (int)pick(m, (uint64_t)(m->count - i));
	if (pick(m, 2) == 0)
		end_offset = m->entries[last].last_offset + 1;
	assert_int_equal(
		log_read(m->log, offset, max, end_offset, true, &slice), 0);
	if (slice.len == 0)
		fail_msg("seed %" PRIu64 ": nothing at %" PRId64, m->seed,
			 offset);
	assert_true(slice.len <= max || slice.len == m->entries[i].len);
	check_bytes(m, i, &slice, end_offset);
	log_slice_release(&slice);
}

static void check_time(struct model *m)
{
	int64_t target = NOW_MS + (int64_t)pick(m, 1010);
	struct log_time_offset found;
	int64_t want = -1;

	for (int i = m->first; want < 0 && i < m->count; i++) {
		const struct entry *e = &m->entries[i];

		for (int64_t o = e->base_offset; o <= e->last_offset; o++) {
			if (o >= m->start &&
			    e->timestamp_ms + (o - e->base_offset) >= target) {
				want = o;
				break;
			}
		}
	}
	assert_int_equal(log_offset_for_time(m->log, target, m->end, &found),
			 0);
	if (found.offset != want)
		fail_msg("seed %" PRIu64 ": time %" PRId64 " is at %" PRId64
			 ", not %" PRId64,
			 m->seed, target, found.offset, want);
}

static void check_epoch(struct model *m)
{
	const struct entry *e;

	if (m->first == m->count)
		return;
	e = &m->entries[m->first +
			(int)pick(m, (uint64_t)(m->count - m->first))];
	assert_int_equal(log_epoch_of(m->log, e->last_offset), e->epoch);
}

struct known {
	bool is_known;
	int32_t last_sequence;
};

static void note_producer(void *arg, const struct log_producer *p)
{
	struct known *known = arg;

	assert_in_range(p->producer_id, 0, PRODUCERS - 1);
	known[p->producer_id] = (struct known){ true, p->last_sequence };
}

/* The log knows of each producer what readers can see it wrote last. */
static void check_producers(struct model *m)
{
	struct known known[PRODUCERS] = { 0 };

	log_each_producer(m->log, note_producer, known);
	for (int i = 0; i < PRODUCERS; i++) {
		const struct entry *e = last_of(m, i);
		int32_t want;

		if (e == NULL)
			continue;
		want = e->base_sequence +
		       (int32_t)(e->last_offset - e->base_offset);
		if (!known[i].is_known || known[i].last_sequence != want)
			fail_msg("seed %" PRIu64 ": producer %d is at %" PRId32
				 ", not %" PRId32,
				 m->seed, i, known[i].last_sequence, want);
	}
}

static void check(struct model *m)
{
	assert_int_equal(log_end_offset(m->log), m->end);
	assert_int_equal(log_start_offset(m->log), m->start);
	check_read(m);
	check_epoch(m);
	check_producers(m);
	if (pick(m, 8) == 0)
		check_time(m);
}

static void step(struct model *m)
{
	static const struct {
		int below; /* of 1000 */
		void (*run)(struct model *m);
	} steps[] = {
		{ 600, step_append },      { 640, step_introduce },
		{ 690, step_resend },      { 700, step_full_disk },
		{ 820, step_sync },        { 840, step_truncate },
		{ 860, step_set_start },   { 875, step_retention },
		{ 895, step_roll },        { 910, step_new_epoch },
		{ 950, step_reopen },      { 975, step_kill },
		{ 1000, step_lose_power },
	};
	int n = (int)pick(m, 1000);
	size_t i = 0;

	while (n >= steps[i].below)
		i++;
	if (m->count < BATCHES_MAX - 1)
		steps[i].run(m);
}

static void run_seed(uint64_t seed)
{
	struct model *m = malloc(sizeof(*m));

	assert_non_null(m);
	model_open(m, seed);
	for (int i = 0; i < STEPS; i++) {
		step(m);
		check(m);
	}
	assert_true(m->losses > 0);
	model_close(m);
	free(m);
}

static void log_agrees_with_model(void **state)
{
	const char *wanted = getenv("SEED");

	(void)state;
	if (wanted != NULL) {
		run_seed(strtoull(wanted, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= 6; seed++) {
		print_message("seed %" PRIu64 "\n", seed);
		run_seed(seed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_agrees_with_model),
	};

	return cmocka_run_group_tests_name("log model", tests, NULL, NULL);
}
