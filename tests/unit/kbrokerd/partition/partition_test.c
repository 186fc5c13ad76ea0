/*
 * partition_test.c - tests of partitions: high watermark, sync, waiters, life
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/partition/facts.h"
#include "kbrokerd/partition/internal.h"
#include "table_kit.h"

static int setup_commit(void **state)
{
	struct kit *k = kit_new(FLUSH_COMMIT);

	metadata_add_topic(&k->metadata, "red", 1, 4);
	*state = k;
	return 0;
}

static int setup_os(void **state)
{
	struct kit *k = kit_new(FLUSH_OS);

	metadata_add_topic(&k->metadata, "red", 1, 4);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	kit_free(*state);
	return 0;
}

/* A partition whose first record is on disk: what follows is plain syncs. */
static struct partition *warm_partition(struct kit *k)
{
	struct partition *p = kit_find(k, "red", 0);

	assert_non_null(p);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 1);
	return p;
}

/* The directory of a partition, or of what became of it, exists. */
static bool directory_exists(struct kit *k, const char *name)
{
	char path[KIT_PATH_MAX + 64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", k->path, name);
	return stat(path, &st) == 0;
}

static void unknown_partitions_are_not_found(void **state)
{
	struct kit *k = *state;

	assert_null(kit_find(k, "red", 4));
	assert_null(kit_find(k, "red", -1));
	assert_null(kit_find(k, "green", 0));
}

static void partition_that_nobody_wrote_to_touches_no_disk(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 3);
	struct partition_offsets offsets = kit_offsets(p);

	assert_int_equal(offsets.log_end, 0);
	assert_int_equal(offsets.high_watermark, 0);
	assert_false(directory_exists(k, "red-3"));
	assert_int_equal(gate_count(&k->gate, &k->gate.opens), 0);
	partition_release(p);
}

static void without_commit_records_are_visible_at_once(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 0);
	struct log_slice slice;
	struct partition_offsets offsets;
	struct sleeper later;
	struct sleeper s;

	sleeper_init(&s);
	sleeper_init(&later);
	assert_true(sleeper_hook(&s, p, 0));
	assert_true(sleeper_hook(&later, p, 1));
	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(sleeper_wakes(&s), 1);
	assert_int_equal(sleeper_wakes(&later), 0);
	sleeper_clear(&later);
	assert_int_equal(kit_offsets(p).high_watermark, 1);
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), 0);
	assert_int_equal(partition_read(p, 0, 1000, true, &slice, &offsets), 0);
	assert_true(slice.len > 0);
	log_slice_release(&slice);
	sleeper_clear(&s);
	partition_release(p);
}

static void a_batch_that_comes_twice_is_counted_once(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 0);
	const struct kit_batch what = {
		.records = 3,
		.idempotent = true,
		.producer_id = 7,
	};
	struct traffic_counts counts;

	for (int i = 0; i < 2; i++) {
		struct log_appended appended;
		enum log_refusal refusal;
		struct batch_header header;
		struct buffer bytes = { 0 };

		kit_make_batch(&what, &bytes, &header);
		assert_int_equal(partition_append(p, bytes.data, &header,
						  &appended, &refusal),
				 0);
		assert_int_equal(appended.duplicate, i);
		buffer_clear(&bytes);
	}
	traffic_read(partition_table_traffic(k->table), &counts);
	assert_int_equal(counts.records_in, 3);
	partition_release(p);
}

static void without_commit_so_many_records_are_synced(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 0);

	metadata_set(&k->metadata, "red", "flush.messages", "3");
	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), 0);
	assert_int_equal(kit_append(p, 10), 0);
	gate_await(&k->gate, &k->gate.syncs, 1);
	partition_release(p);
}

static void topic_that_flushes_each_record_has_commit_without_it(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 0);

	metadata_set(&k->metadata, "red", "flush.messages", "1");
	gate_hold(&k->gate, true);
	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(kit_offsets(p).high_watermark, 0);
	gate_hold(&k->gate, false);
	kit_await_high_watermark(p, 1);
	partition_release(p);
}

static void commit_hides_what_is_not_synced(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct partition_offsets offsets;
	struct log_slice slice;

	gate_hold(&k->gate, true);
	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(kit_offsets(p).high_watermark, 1);
	assert_int_equal(kit_offsets(p).log_end, 2);
	assert_int_equal(partition_read(p, 1, 1000, true, &slice, &offsets), 0);
	assert_int_equal(slice.len, 0);
	assert_int_equal(partition_read(p, 3, 1000, true, &slice, &offsets),
			 -ERANGE);
	gate_hold(&k->gate, false);
	kit_await_high_watermark(p, 2);
	partition_release(p);
}

static void one_sync_answers_all_who_wait(void **state)
{
	enum { WAITERS = 50 };
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct sleeper first;
	struct sleeper rest[WAITERS];
	int before;

	/* A first record makes a sync start, which is held. */
	gate_hold(&k->gate, true);
	before = gate_count(&k->gate, &k->gate.syncs);
	sleeper_init(&first);
	assert_int_equal(kit_append(p, 10), 0);
	assert_true(sleeper_hook(&first, p, 1));
	gate_await(&k->gate, &k->gate.syncs, before + 1);

	/* Those who come meanwhile share the next one. */
	for (int i = 0; i < WAITERS; i++) {
		sleeper_init(&rest[i]);
		assert_int_equal(kit_append(p, 10), 0);
		assert_true(sleeper_hook(&rest[i], p, 2 + i));
	}
	assert_int_equal(sleeper_wakes(&first), 0);
	gate_hold(&k->gate, false);
	sleeper_await(&first, 1);
	for (int i = 0; i < WAITERS; i++) {
		sleeper_await(&rest[i], 1);
		sleeper_clear(&rest[i]);
	}
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), before + 2);
	assert_int_equal(kit_offsets(p).high_watermark, 2 + WAITERS);
	sleeper_clear(&first);
	partition_release(p);
}

static int append_deferred(struct partition *p, bool *sync_out)
{
	struct kit_batch what = { .value_bytes = 10 };
	struct log_appended appended;
	enum log_refusal refusal;
	struct batch_header header;
	struct buffer bytes = { 0 };
	int rc;

	kit_make_batch(&what, &bytes, &header);
	rc = partition_append_deferred(p, bytes.data, &header, &appended,
				       &refusal, sync_out);
	buffer_clear(&bytes);
	return rc;
}

static void only_the_first_is_to_start_the_sync(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	int before = gate_count(&k->gate, &k->gate.syncs);
	bool first;
	bool second;

	assert_int_equal(append_deferred(p, &first), 0);
	assert_int_equal(append_deferred(p, &second), 0);
	assert_int_equal(kit_append(p, 10), 0);
	assert_true(first);
	assert_false(second);
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), before);

	partition_sync_run(p);
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), before + 1);
	assert_int_equal(kit_offsets(p).high_watermark, 4);
	assert_true(partition_table_sync_us(k->table) > 0);
	partition_release(p);
}

static void sync_while_one_runs_is_followed_by_another(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	bool sync;

	gate_hold(&k->gate, true);
	assert_int_equal(kit_append(p, 10), 0);
	gate_await(&k->gate, &k->gate.at_gate, 1);
	assert_int_equal(append_deferred(p, &sync), 0);
	assert_false(sync);
	partition_sync_run(p); /* does not wait */
	partition_sync_start(p);
	gate_hold(&k->gate, false);
	kit_await_high_watermark(p, 3);
	partition_release(p);
}

static void failed_sync_takes_the_partition_offline_for_good(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct partition *other = kit_find(k, "red", 1);
	struct partition_offsets offsets;
	struct log_slice slice;
	struct sleeper s;
	int syncs;

	sleeper_init(&s);
	gate_hold(&k->gate, true);
	gate_fail(&k->gate, -EIO, 0);
	assert_int_equal(kit_append(p, 10), 0);
	assert_true(sleeper_hook(&s, p, 1));
	gate_hold(&k->gate, false);
	sleeper_await(&s, 1);
	gate_fail(&k->gate, 0, 0);
	syncs = gate_count(&k->gate, &k->gate.syncs);

	assert_int_equal(partition_offsets(p, &offsets), -EIO);
	assert_int_equal(kit_append(p, 10), -EIO);
	assert_int_equal(partition_read(p, 0, 1000, true, &slice, &offsets),
			 -EIO);
	assert_ptr_equal(partition_wait_set_take(&s.set), &s.waiter);
	assert_false(sleeper_hook(&s, p, 100));
	partition_sync_start(p);
	partition_sync_run(p);
	assert_int_equal(gate_count(&k->gate, &k->gate.syncs), syncs);
	assert_true(kit_logged(k, "red-0: cannot sync"));

	/* Others live on. */
	assert_int_equal(kit_append(other, 10), 0);
	kit_await_high_watermark(other, 1);
	sleeper_clear(&s);
	partition_release(other);
	partition_release(p);
	assert_int_equal(kit_stop(k), -EIO);
}

static void full_disk_refuses_and_then_takes_records_again(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);

	gate_fail(&k->gate, 0, -ENOSPC);
	assert_int_equal(kit_append(p, 10), -ENOSPC);
	assert_int_equal(kit_offsets(p).log_end, 1);
	gate_fail(&k->gate, 0, 0);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 2);
	partition_release(p);
}

static void deletion_wakes_who_waits_and_removes_the_directory(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct partition_offsets offsets;
	struct sleeper s;

	sleeper_init(&s);
	assert_true(sleeper_hook(&s, p, 1));
	metadata_remove_topic(&k->metadata, 1);
	sleeper_await(&s, 1);

	assert_int_equal(partition_offsets(p, &offsets), -ENOENT);
	assert_int_equal(kit_append(p, 10), -ENOENT);
	assert_ptr_equal(partition_wait_set_take(&s.set), &s.waiter);
	assert_false(sleeper_hook(&s, p, 100));
	assert_null(kit_find(k, "red", 0));
	assert_false(directory_exists(k, "red-0"));
	gate_await(&k->gate, &k->gate.rmdirs, 1);
	sleeper_clear(&s);
	partition_release(p);
}

static void topic_made_anew_starts_empty(void **state)
{
	struct kit *k = *state;
	struct partition *old = warm_partition(k);
	struct partition *p;

	metadata_remove_topic(&k->metadata, 1);
	metadata_add_topic(&k->metadata, "red", 2, 1);
	p = kit_find(k, "red", 0);
	assert_ptr_not_equal(p, old);
	assert_int_equal(kit_offsets(p).log_end, 0);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 1);
	assert_int_equal(kit_append(old, 10), -ENOENT);
	partition_release(old);
	partition_release(p);
}

static void *remove_topic(void *arg)
{
	struct kit *k = arg;

	metadata_remove_topic(&k->metadata, 1);
	return NULL;
}

static void deletion_waits_for_a_sync_that_runs(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	pthread_t thread;
	struct sleeper s;

	sleeper_init(&s);
	gate_hold(&k->gate, true);
	assert_int_equal(kit_append(p, 10), 0);
	gate_await(&k->gate, &k->gate.at_gate, 1);
	assert_true(sleeper_hook(&s, p, 1));
	assert_int_equal(pthread_create(&thread, NULL, remove_topic, k), 0);
	sleeper_await(&s, 1); /* who waits is not held up */
	assert_true(directory_exists(k, "red-0"));
	gate_hold(&k->gate, false);
	pthread_join(thread, NULL);
	assert_false(directory_exists(k, "red-0"));
	sleeper_clear(&s);
	partition_release(p);
}

static void clean_restart_opens_nothing_until_asked(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	int opens;

	partition_release(p);
	assert_int_equal(kit_stop(k), 0);
	opens = gate_count(&k->gate, &k->gate.opens);
	kit_start(k, true);
	assert_int_equal(gate_count(&k->gate, &k->gate.opens), opens);
	p = kit_find(k, "red", 0);
	assert_int_equal(kit_offsets(p).high_watermark, 1);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 2);
	partition_release(p);
}

static int set_start(void *arg, struct log *log,
		     const struct partition_offsets *offsets)
{
	(void)offsets;
	return log_set_start_offset(log, *(const int64_t *)arg);
}

static bool is_closed(struct partition *p)
{
	bool closed;

	pthread_mutex_lock(&p->lock);
	closed = p->state == PARTITION_CLOSED && p->log == NULL;
	pthread_mutex_unlock(&p->lock);
	return closed;
}

static void idle_log_is_closed_and_opened_again(void **state)
{
	struct kit *k = *state;
	struct partition *p = kit_find(k, "red", 0);
	struct partition *used = kit_find(k, "red", 1);
	struct sleeper s;
	int opens;

	/* Its records are of 1970. */
	metadata_set(&k->metadata, "red", "retention.ms", "-1");
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 1);
	keeper_apply_retention(k->table);
	/* Somebody waits for more: the log would be opened again at once. */
	sleeper_init(&s);
	assert_true(sleeper_hook(&s, p, 1));
	keeper_apply_retention(k->table);
	keeper_apply_retention(k->table);
	assert_false(is_closed(p));
	sleeper_clear(&s);
	/* It is looked at again and again, and the other one is used. */
	while (!is_closed(p)) {
		assert_int_equal(kit_append(used, 10), 0);
		keeper_apply_retention(k->table);
	}
	assert_false(is_closed(used));
	opens = gate_count(&k->gate, &k->gate.opens);

	/* Nothing is lost. */
	assert_int_equal(kit_append(p, 10), 0);
	assert_true(gate_count(&k->gate, &k->gate.opens) > opens);
	assert_int_equal(kit_offsets(p).log_end, 2);
	partition_release(p);
	partition_release(used);
}

static void log_start_outlives_a_restart_in_which_nobody_asks(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	int64_t start = 2;
	struct sleeper s;

	assert_int_equal(kit_append(p, 10), 0);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 3);
	sleeper_init(&s);
	assert_true(sleeper_hook(&s, p, 3));
	assert_int_equal(partition_with_log(p, set_start, &start), 0);
	assert_int_equal(sleeper_wakes(&s), 1);
	sleeper_clear(&s);
	partition_release(p);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(kit_stop(k), 0);
		kit_start(k, true);
	}
	p = kit_find(k, "red", 0);
	assert_int_equal(kit_offsets(p).log_start, 2);
	assert_int_equal(kit_offsets(p).log_end, 3);
	partition_release(p);
}

/* Add bytes to a segment, as a crash in the middle of a write does. */
static void tear(struct kit *k, const char *partition, size_t bytes)
{
	char path[KIT_PATH_MAX + 64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%020d.log", k->path, partition, 0);
	file = fopen(path, "a");
	assert_non_null(file);
	for (size_t i = 0; i < bytes; i++)
		fputc(0x55, file);
	fclose(file);
}

static void unclean_restart_cuts_torn_tails_and_says_so(void **state)
{
	struct kit *k = *state;

	for (int32_t i = 0; i < 4; i++) {
		struct partition *p = kit_find(k, "red", i);

		assert_int_equal(kit_append(p, 100), 0);
		kit_await_high_watermark(p, 1);
		partition_release(p);
	}
	assert_int_equal(kit_stop(k), 0);
	tear(k, "red-2", 33);
	kit_start(k, false);
	assert_true(kit_logged(k, "recovered red-2: read"));
	assert_true(kit_logged(k, "cut 33 bytes"));
	for (int32_t i = 0; i < 4; i++) {
		struct partition *p = kit_find(k, "red", i);

		assert_int_equal(kit_offsets(p).log_end, 1);
		assert_int_equal(kit_offsets(p).high_watermark, 1);
		partition_release(p);
	}
}

static void directories_of_no_topic_are_set_aside(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	char path[KIT_PATH_MAX + 64];

	partition_release(p);
	assert_int_equal(kit_stop(k), 0);
	/* Deleted, and made anew, and the broker did not live to see it. */
	metadata_remove_topic(&k->metadata, 1);
	metadata_add_topic(&k->metadata, "red", 2, 4);
	snprintf(path, sizeof(path), "%s/green-0", k->path);
	assert_int_equal(mkdir(path, 0755), 0);
	kit_start(k, false);
	assert_true(kit_logged(k, "green-0 is of no topic"));
	assert_true(kit_logged(k, "red-0 is of no topic"));
	assert_false(directory_exists(k, "green-0"));
	p = kit_find(k, "red", 0);
	assert_int_equal(kit_offsets(p).log_end, 0);
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 1);
	partition_release(p);
}

static void fired_waiters_can_be_taken_or_unhooked(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct partition_wait_set set;
	struct partition_waiter w[3] = { { .above = 1 },
					 { .above = 1 },
					 { .above = 5 } };

	partition_wait_set_init(&set);
	for (int i = 0; i < 3; i++) {
		w[i].set = &set;
		assert_true(partition_wait(p, &w[i]));
	}
	assert_null(partition_wait_set_take(&set));
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 2);
	partition_unwait(&w[0]); /* fired, not taken */
	assert_ptr_equal(partition_wait_set_take(&set), &w[1]);
	assert_null(partition_wait_set_take(&set));
	w[1].above = 2;
	assert_true(partition_wait(p, &w[1])); /* and again */
	for (int i = 0; i < 3; i++)
		partition_unwait(&w[i]);
	partition_unwait(&w[2]); /* harmless */
	partition_wait_set_clear(&set);
	partition_release(p);
}

static void late_listener_hears_of_what_fired_before(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct sleeper s;

	sleeper_init(&s);
	partition_wait_set_ignore(&s.set, &s);
	assert_true(sleeper_hook(&s, p, 1));
	assert_int_equal(kit_append(p, 10), 0);
	kit_await_high_watermark(p, 2);
	assert_int_equal(sleeper_wakes(&s), 0);
	partition_wait_set_listen(&s.set, sleeper_wake, &s);
	assert_int_equal(sleeper_wakes(&s), 1);
	sleeper_clear(&s);
	partition_release(p);
}

static void disk_that_cannot_be_asked_is_not_asked_each_time(void **state)
{
	struct kit *k = *state;
	int64_t now_us = clock_system()->monotonic_us(clock_system()) +
			 10 * INT64_C(1000000);
	int before = gate_count(&k->gate, &k->gate.looks);

	gate_fail_space(&k->gate, -EIO);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
			partition_table_room(k->table, 100, now_us, NULL, 0),
			ROOM_ENOUGH);
	assert_int_equal(gate_count(&k->gate, &k->gate.looks), before + 1);
}

static void changed_configuration_is_seen(void **state)
{
	struct kit *k = *state;
	struct partition *p = warm_partition(k);
	struct topic_config config;

	metadata_set(&k->metadata, "red", "max.message.bytes", "4321");
	partition_topic_config(p, &config);
	assert_int_equal(config.max_message_bytes, 4321);
	partition_release(p);
}

/* Many at once, for the thread sanitizer and the law of commit */

enum { STORM_THREADS = 4, STORM_APPENDS = 300 };

struct storm {
	struct kit *kit;
	int number;
};

static void *append_and_wait(void *arg)
{
	struct storm *storm = arg;
	struct partition *p = kit_find(storm->kit, "red", storm->number % 2);
	struct partition_offsets offsets;
	struct log_slice slice;

	for (int i = 0; i < STORM_APPENDS; i++) {
		struct sleeper s;
		bool sync = false;

		sleeper_init(&s);
		assert_int_equal(append_deferred(p, &sync), 0);
		if (sleeper_hook(&s, p, (int64_t)2 * i)) {
			if (sync && storm->number == 0)
				partition_sync_run(p);
			else if (sync)
				partition_sync_start(p);
			sleeper_await(&s, 1);
		} else if (sync) {
			partition_sync_start(p);
		}
		sleeper_clear(&s);
		assert_int_equal(
			partition_read(p, i, 200, true, &slice, &offsets), 0);
		assert_true(offsets.high_watermark <= offsets.log_end);
		log_slice_release(&slice);
	}
	partition_release(p);
	return NULL;
}

static void many_threads_append_wait_and_read(void **state)
{
	struct kit *k = *state;
	struct storm storms[STORM_THREADS];
	pthread_t threads[STORM_THREADS];

	for (int i = 0; i < STORM_THREADS; i++) {
		storms[i] = (struct storm){ k, i };
		assert_int_equal(pthread_create(&threads[i], NULL,
						append_and_wait, &storms[i]),
				 0);
	}
	metadata_set(&k->metadata, "red", "flush.ms", "1000");
	metadata_add_topic(&k->metadata, "blue", 3, 1);
	for (int i = 0; i < STORM_THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int32_t i = 0; i < 2; i++) {
		struct partition *p = kit_find(k, "red", i);

		kit_await_high_watermark(p, INT64_C(2) * STORM_APPENDS);
		assert_int_equal(kit_offsets(p).log_end, 2 * STORM_APPENDS);
		partition_release(p);
	}
}

#define COMMIT(name)                                                           \
	cmocka_unit_test_setup_teardown(name, setup_commit, teardown)
#define OS(name) cmocka_unit_test_setup_teardown(name, setup_os, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		COMMIT(unknown_partitions_are_not_found),
		COMMIT(partition_that_nobody_wrote_to_touches_no_disk),
		OS(without_commit_records_are_visible_at_once),
		OS(a_batch_that_comes_twice_is_counted_once),
		OS(without_commit_so_many_records_are_synced),
		OS(topic_that_flushes_each_record_has_commit_without_it),
		COMMIT(commit_hides_what_is_not_synced),
		COMMIT(one_sync_answers_all_who_wait),
		COMMIT(only_the_first_is_to_start_the_sync),
		COMMIT(sync_while_one_runs_is_followed_by_another),
		COMMIT(failed_sync_takes_the_partition_offline_for_good),
		COMMIT(full_disk_refuses_and_then_takes_records_again),
		COMMIT(deletion_wakes_who_waits_and_removes_the_directory),
		COMMIT(topic_made_anew_starts_empty),
		COMMIT(deletion_waits_for_a_sync_that_runs),
		COMMIT(clean_restart_opens_nothing_until_asked),
		COMMIT(idle_log_is_closed_and_opened_again),
		COMMIT(log_start_outlives_a_restart_in_which_nobody_asks),
		COMMIT(unclean_restart_cuts_torn_tails_and_says_so),
		COMMIT(directories_of_no_topic_are_set_aside),
		COMMIT(fired_waiters_can_be_taken_or_unhooked),
		COMMIT(late_listener_hears_of_what_fired_before),
		COMMIT(disk_that_cannot_be_asked_is_not_asked_each_time),
		COMMIT(changed_configuration_is_seen),
		COMMIT(many_threads_append_wait_and_read),
	};

	return cmocka_run_group_tests_name("partition", tests, NULL, NULL);
}
