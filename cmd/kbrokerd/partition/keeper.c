/*
 * keeper.c - the thread that looks after the rest, from time to time
 *
 *  - hands partitions whose sync is due to the flusher, so that the recovery
 *    point of each moves at least every 60 s
 *  - writes the checkpoints a minute after something changed
 *  - applies retention and forgets silent producers
 *  - removes the directories of deleted partitions
 *
 * It sleeps until the next of these, so an idle broker has none of it but
 * retention.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/partition/internal.h"

#define SECOND_US            INT64_C(1000000)
#define CHECKPOINT_AFTER_US  (60 * SECOND_US)
#define CLOSE_FOR_US         (SECOND_US / 2)
#define RETENTION_DEFAULT_MS (INT64_C(1000) * 60 * 5)

/* What is wanted of it */

/* Under the keeper's lock. */
static void insert_due(struct keeper *k, struct partition *p)
{
	struct partition *before;

	TAILQ_FOREACH_REVERSE(before, &k->due, partition_list, in_due)
	if (before->due_us <= p->due_us)
		break;
	if (before != NULL) {
		TAILQ_INSERT_AFTER(&k->due, before, p, in_due);
	} else {
		TAILQ_INSERT_HEAD(&k->due, p, in_due);
		pthread_cond_signal(&k->work);
	}
}

void keeper_add(struct partition *p, int64_t after_us)
{
	struct keeper *k = &p->table->keeper;
	int64_t due_us = table_now_us(p->table) + after_us;

	pthread_mutex_lock(&k->lock);
	if (!p->due || due_us < p->due_us) {
		if (p->due)
			TAILQ_REMOVE(&k->due, p, in_due);
		else
			partition_retain(p);
		p->due = true;
		p->due_us = due_us;
		insert_due(k, p);
	}
	pthread_mutex_unlock(&k->lock);
}

void keeper_want_checkpoint(struct partition_table *table)
{
	struct keeper *k = &table->keeper;

	/* A hint without the lock: called after each sync. */
	if (atomic_exchange_explicit(&k->checkpoint_wanted, true,
				     memory_order_acq_rel))
		return;
	pthread_mutex_lock(&k->lock);
	k->checkpoint_us = table_now_us(table) + CHECKPOINT_AFTER_US;
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->lock);
}

void partition_table_wait_checkpoint(struct partition_table *table,
				     struct checkpoint_waiter *waiter)
{
	struct keeper *k = &table->keeper;

	pthread_mutex_lock(&k->lock);
	LIST_INSERT_HEAD(&k->waiting, waiter, in_list);
	waiter->listed = true;
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->lock);
}

void partition_table_unwait_checkpoint(struct partition_table *table,
				       struct checkpoint_waiter *waiter)
{
	struct keeper *k = &table->keeper;

	pthread_mutex_lock(&k->lock);
	if (waiter->listed)
		LIST_REMOVE(waiter, in_list);
	waiter->listed = false;
	pthread_mutex_unlock(&k->lock);
}

void keeper_want_purge(struct partition_table *table)
{
	struct keeper *k = &table->keeper;

	pthread_mutex_lock(&k->lock);
	k->purge = true;
	pthread_cond_signal(&k->work);
	pthread_mutex_unlock(&k->lock);
}

/* Checkpoints */

struct checkpoint_lists {
	struct checkpoint_entry *entries[3]; /* by enum checkpoint_kind */
	size_t count;
};

static const int64_t *mark_of(const struct partition_marks *marks, int kind)
{
	static const size_t offsets[] = {
		[CHECKPOINT_RECOVERY_POINT] =
			offsetof(struct partition_marks, recovery_point),
		[CHECKPOINT_LOG_START] =
			offsetof(struct partition_marks, log_start),
		[CHECKPOINT_HIGH_WATERMARK] =
			offsetof(struct partition_marks, high_watermark),
	};

	return (const int64_t *)((const char *)marks + offsets[kind]);
}

static int make_lists(struct checkpoint_lists *lists, struct partition **all,
		      size_t count)
{
	struct partition_marks marks;

	for (int kind = 0; kind < 3; kind++) {
		lists->entries[kind] =
			calloc(count + 1, sizeof(struct checkpoint_entry));
		if (lists->entries[kind] == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		if (!partition_marks(all[i], &marks))
			continue;
		for (int kind = 0; kind < 3; kind++)
			lists->entries[kind][lists->count] =
				(struct checkpoint_entry){
					.topic = all[i]->topic->name,
					.partition = all[i]->index,
					.offset = *mark_of(&marks, kind),
				};
		lists->count++;
	}
	return 0;
}

/* Write the checkpoints of the kinds from first to last. */
static int write_checkpoints(struct partition_table *table, int first, int last)
{
	struct checkpoint_lists lists = { 0 };
	size_t count;
	struct partition **all = topics_all(table, &count);
	int rc = all == NULL ? -ENOMEM : make_lists(&lists, all, count);

	for (int kind = first; kind <= last && rc == 0; kind++)
		rc = data_dir_write_checkpoint(
			table->params.dir, (enum checkpoint_kind)kind,
			lists.entries[kind], lists.count);
	for (int kind = 0; kind < 3; kind++)
		free(lists.entries[kind]);
	topics_give_back(all, count);
	if (rc < 0)
		table_log(table, LOGGER_WARN, "cannot write checkpoints: %s",
			  strerror(-rc));
	return rc;
}

int keeper_write_checkpoints(struct partition_table *table)
{
	return write_checkpoints(table, 0, CHECKPOINT_HIGH_WATERMARK);
}

/* Write the log starts, for those who wait for that. */
static void serve_waiters(struct partition_table *table)
{
	struct keeper *k = &table->keeper;
	struct checkpoint_waiter *w;
	struct checkpoint_waiter *next;
	int rc = write_checkpoints(table, CHECKPOINT_LOG_START,
				   CHECKPOINT_LOG_START);

	pthread_mutex_lock(&k->lock);
	for (w = LIST_FIRST(&k->waiting); w != NULL; w = next) {
		next = LIST_NEXT(w, in_list);
		/* Else it came too late, and is for the next time. */
		if (!w->under_way)
			continue;
		LIST_REMOVE(w, in_list);
		w->listed = false;
		w->rc = rc;
		w->wake(w);
	}
	pthread_mutex_unlock(&k->lock);
}

/* Retention */

/* May ages be told by the wall clock?  Not just after it has jumped. */
static bool trust_clock(struct partition_table *table)
{
	struct clock *clock = table->params.clock;
	struct clock_watch *watch = &table->keeper.clock;
	int64_t jump_ms = clock_watch_look(watch, clock->wall_ms(clock),
					   clock->monotonic_us(clock));

	if (jump_ms != 0)
		table_log(table, LOGGER_WARN,
			  "the clock jumped by %" PRId64
			  " ms: what is too old is not removed for %d minutes",
			  jump_ms, (int)(CLOCK_DISTRUST_US / (60 * SECOND_US)));
	return clock_watch_is_sound(watch);
}

void keeper_apply_retention(struct partition_table *table)
{
	size_t count;
	struct partition **all = topics_all(table, &count);
	bool by_age = trust_clock(table);
	/* Closing waits for the disk: the rest at the next time. */
	int64_t close_until_us = table_now_us(table) + CLOSE_FOR_US;

	for (size_t i = 0; i < count; i++)
		partition_retention(all[i], table_now_us(table), by_age,
				    table_now_us(table) < close_until_us);
	topics_give_back(all, count);
}

/* Deleted directories */

static bool has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name);
	size_t suffix_len = strlen(suffix);

	return len > suffix_len && strcmp(name + len - suffix_len, suffix) == 0;
}

static int on_name(void *arg, const char *name)
{
	struct partition_table *table = arg;
	char path[4096];
	int n;
	int rc;

	if (!has_suffix(name, DELETED_SUFFIX))
		return 0;
	n = snprintf(path, sizeof(path), "%s/%s",
		     data_dir_path(table->params.dir), name);
	if (n < 0 || (size_t)n >= sizeof(path))
		return 0;
	rc = dir_remove(table->params.vfs, path);
	if (rc < 0)
		table_log(table, LOGGER_WARN, "cannot remove %s: %s", path,
			  strerror(-rc));
	return 0;
}

static void purge(struct partition_table *table)
{
	struct vfs *vfs = table->params.vfs;
	const char *path = data_dir_path(table->params.dir);

	/* The new names first: what is half removed must not come back. */
	if (vfs->sync_dir(vfs, path) == 0)
		vfs->list(vfs, path, on_name, table);
}

/* The thread */

struct chores {
	struct partition *due; /* one whose sync is due */
	bool checkpoint, log_starts, retention, purge, stop;
};

static int64_t retention_interval_us(const struct partition_table *table)
{
	int64_t ms = table->params.retention_check_ms;

	return (ms > 0 ? ms : RETENTION_DEFAULT_MS) * INT64_C(1000);
}

/* Under the lock: what is to be done now; else when, by pointer. */
static bool find_chores(struct partition_table *table, struct chores *chores,
			int64_t *wake_us_out)
{
	struct keeper *k = &table->keeper;
	struct partition *first = TAILQ_FIRST(&k->due);
	int64_t now_us = table_now_us(table);
	struct checkpoint_waiter *w;

	*chores = (struct chores){ .stop = k->stopping, .purge = k->purge };
	k->purge = false;
	if (first != NULL && first->due_us <= now_us) {
		TAILQ_REMOVE(&k->due, first, in_due);
		first->due = false;
		chores->due = first;
	}
	LIST_FOREACH (w, &k->waiting, in_list) {
		w->under_way = true;
		chores->log_starts = true;
	}
	if (k->checkpoint_us <= now_us) {
		chores->checkpoint = true;
		k->checkpoint_us = INT64_MAX;
		atomic_store(&k->checkpoint_wanted, false);
	}
	if (k->retention_us <= now_us) {
		chores->retention = true;
		k->retention_us = now_us + retention_interval_us(table);
	}
	*wake_us_out = k->retention_us;
	if (k->checkpoint_us < *wake_us_out)
		*wake_us_out = k->checkpoint_us;
	if (first != NULL && first->due_us < *wake_us_out)
		*wake_us_out = first->due_us;
	return chores->stop || chores->purge || chores->due != NULL ||
	       chores->log_starts || chores->checkpoint || chores->retention;
}

static void sleep_until(struct keeper *k, int64_t wake_us, int64_t now_us)
{
	struct timespec until;
	int64_t left_us = wake_us - now_us;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += left_us / SECOND_US;
	until.tv_nsec += left_us % SECOND_US * INT64_C(1000);
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&k->work, &k->lock, &until);
}

static struct chores next_chores(struct partition_table *table)
{
	struct keeper *k = &table->keeper;
	struct chores chores;
	int64_t wake_us;

	pthread_mutex_lock(&k->lock);
	while (!find_chores(table, &chores, &wake_us))
		sleep_until(k, wake_us, table_now_us(table));
	pthread_mutex_unlock(&k->lock);
	return chores;
}

static void *run(void *arg)
{
	struct partition_table *table = arg;
	struct chores chores;

	do {
		chores = next_chores(table);
		if (chores.due != NULL) {
			partition_sync_due(chores.due);
			partition_release(chores.due);
		}
		if (chores.purge)
			purge(table);
		if (chores.log_starts)
			serve_waiters(table);
		if (chores.checkpoint)
			keeper_write_checkpoints(table);
		if (chores.retention)
			table_look_at_disk(table, table_now_us(table));
		if (chores.retention)
			keeper_apply_retention(table);
	} while (!chores.stop);
	return NULL;
}

int keeper_start(struct partition_table *table)
{
	struct keeper *k = &table->keeper;
	int rc;

	k->retention_us = table_now_us(table) + retention_interval_us(table);
	trust_clock(table);
	rc = pthread_create(&k->thread, NULL, run, table);
	if (rc != 0)
		return -rc;
	k->started = true;
	return 0;
}

void keeper_stop(struct partition_table *table)
{
	struct keeper *k = &table->keeper;
	struct partition *p;

	if (k->started) {
		pthread_mutex_lock(&k->lock);
		k->stopping = true;
		pthread_cond_signal(&k->work);
		pthread_mutex_unlock(&k->lock);
		pthread_join(k->thread, NULL);
		k->started = false;
	}
	while ((p = TAILQ_FIRST(&k->due)) != NULL) {
		TAILQ_REMOVE(&k->due, p, in_due);
		partition_release(p);
	}
}
