/*
 * table.c - all hosted partitions, and what starts and ends with them
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/partition/internal.h"

/* How long what the disk said is believed. */
#define LOOK_AFTER_US  INT64_C(1000000)
#define WATCH_AFTER_US INT64_C(100000) /* while there is too little room */

enum {
	LINE_BYTES_MAX = 1024,
	BROKER_CONFIGS = 4, /* ConfigResourceType */
	THREADS_MAX = 64,
	LOGS_PER_CLOSER = 16,
};

void table_log(struct partition_table *table, int level, const char *format,
	       ...)
{
	char line[LINE_BYTES_MAX];
	va_list args;

	if (table->params.log == NULL)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	table->params.log(table->params.log_arg, level, line);
}

int64_t table_now_us(const struct partition_table *table)
{
	return table->params.clock->monotonic_us(table->params.clock);
}

/* Many at once */

struct each {
	struct partition **all;
	size_t count;
	atomic_size_t next;
	void (*run)(void *arg, struct partition *p);
	void *arg;
};

static void *run_some(void *arg)
{
	struct each *each = arg;
	size_t i;

	while ((i = atomic_fetch_add(&each->next, 1)) < each->count)
		each->run(each->arg, each->all[i]);
	return NULL;
}

void table_each(struct partition **all, size_t count, size_t threads,
		void (*run)(void *arg, struct partition *p), void *arg)
{
	struct each each = { all, count, 0, run, arg };
	pthread_t ids[THREADS_MAX];
	size_t started = 0;

	/* This thread is one of them. */
	while (started + 1 < threads && started + 1 < count &&
	       started < THREADS_MAX &&
	       pthread_create(&ids[started], NULL, run_some, &each) == 0)
		started++;
	run_some(&each);
	while (started > 0)
		pthread_join(ids[--started], NULL);
}

/* The disk */

const char *partition_table_dir(const struct partition_table *table)
{
	return data_dir_path(table->params.dir);
}

int partition_table_space(struct partition_table *table,
			  struct vfs_space *space_out)
{
	struct vfs *vfs = table->params.vfs;

	return vfs->space(vfs, partition_table_dir(table), space_out);
}

/* Under its lock: when it is to be looked at next. */
static void plan_next_look(struct partition_table *table, int64_t now_us)
{
	bool enough = room_verdict(&table->disk.room, now_us) == ROOM_ENOUGH;

	atomic_store(&table->disk.watched, !enough);
	atomic_store(&table->disk.look_us,
		     now_us + (enough ? LOOK_AFTER_US : WATCH_AFTER_US));
	atomic_store(&table->disk.budget_bytes,
		     room_budget_bytes(&table->disk.room));
}

void table_look_at_disk(struct partition_table *table, int64_t now_us)
{
	struct vfs_space space;
	char text[256];
	int level = -1;
	int rc = partition_table_space(table, &space);

	pthread_mutex_lock(&table->disk.lock);
	/* A disk that cannot be asked is no reason to refuse records. */
	if (rc == 0)
		level = room_update(&table->disk.room, &space, now_us, text,
				    sizeof(text));
	plan_next_look(table, now_us);
	pthread_mutex_unlock(&table->disk.lock);
	if (level >= 0)
		table_log(table, level, "%s: %s", partition_table_dir(table),
			  text);
}

/* And is it ours to look?  A disk that takes long to tell is asked by one. */
static bool is_time_to_look(struct partition_table *table, int64_t left_bytes,
			    int64_t now_us)
{
	int64_t look_us = atomic_load(&table->disk.look_us);

	if (left_bytes >= 0 && now_us < look_us)
		return false;
	return atomic_compare_exchange_strong(&table->disk.look_us, &look_us,
					      now_us + WATCH_AFTER_US);
}

enum room_verdict partition_table_room(struct partition_table *table,
				       size_t bytes, int64_t now_us, char *text,
				       size_t text_size)
{
	enum room_verdict verdict;
	int64_t left =
		atomic_fetch_sub(&table->disk.budget_bytes, (int64_t)bytes);

	if (is_time_to_look(table, left, now_us))
		table_look_at_disk(table, now_us);
	if (!atomic_load(&table->disk.watched))
		return ROOM_ENOUGH;
	pthread_mutex_lock(&table->disk.lock);
	verdict = room_verdict(&table->disk.room, now_us);
	if (verdict != ROOM_ENOUGH && text != NULL)
		room_explain(&table->disk.room, partition_table_dir(table),
			     text, text_size);
	pthread_mutex_unlock(&table->disk.lock);
	return verdict;
}

bool partition_table_is_short(struct partition_table *table)
{
	bool is_short;

	if (!atomic_load(&table->disk.watched))
		return false;
	pthread_mutex_lock(&table->disk.lock);
	is_short = room_is_short(&table->disk.room);
	pthread_mutex_unlock(&table->disk.lock);
	return is_short;
}

void table_note_append(struct partition_table *table, int rc)
{
	bool full = rc == -ENOSPC || rc == -EDQUOT;
	int64_t now_us;
	bool began;

	if (!full && (rc < 0 || !atomic_load(&table->disk.watched)))
		return;
	now_us = table_now_us(table);
	pthread_mutex_lock(&table->disk.lock);
	began = full && room_verdict(&table->disk.room, now_us) == ROOM_ENOUGH;
	if (full)
		room_note_full(&table->disk.room, now_us);
	else
		room_note_written(&table->disk.room);
	plan_next_look(table, now_us);
	pthread_mutex_unlock(&table->disk.lock);
	if (began)
		table_log(table, LOGGER_ERROR,
			  "%s: records cannot be written: %s",
			  partition_table_dir(table), strerror(-rc));
}

/* When the metadata changes */

static bool configs_moved(const struct image *before, const struct image *after,
			  const char *resource)
{
	struct slice name = slice_of(resource);

	return image_configs(before, BROKER_CONFIGS, name) !=
	       image_configs(after, BROKER_CONFIGS, name);
}

/* What the brokers are configured to is the default of every topic. */
static bool defaults_moved(const struct partition_table *table,
			   const struct image *before,
			   const struct image *after)
{
	char node[16];

	snprintf(node, sizeof(node), "%" PRId32, table->params.node_id);
	return configs_moved(before, after, "") ||
	       configs_moved(before, after, node);
}

static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	struct partition_table *table = arg;

	if (before != NULL)
		topics_compare(table, before, after,
			       defaults_moved(table, before, after));
}

/* Start and stop */

static int init(struct partition_table *table)
{
	struct keeper *k = &table->keeper;
	struct flusher *f = &table->flusher;
	pthread_condattr_t attributes;

	pthread_mutex_init(&table->drop_lock, NULL);
	pthread_cond_init(&table->dropped, NULL);
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->work, NULL);
	TAILQ_INIT(&f->queue);
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&k->work, &attributes);
	pthread_condattr_destroy(&attributes);
	TAILQ_INIT(&k->due);
	k->checkpoint_us = INT64_MAX;
	LIST_INIT(&k->waiting);
	pthread_mutex_init(&table->disk.lock, NULL);
	room_init(&table->disk.room, table->params.min_free_bytes);
	return topics_init(table);
}

static void close_one(void *arg, struct partition *p)
{
	atomic_int *first = arg;
	int none = 0;
	int rc = partition_close(p);

	if (rc == 0)
		return;
	atomic_compare_exchange_strong(first, &none, rc);
	table_log(p->table, LOGGER_ERROR, "cannot close %s-%" PRId32 ": %s",
		  p->topic->name, p->index, strerror(-rc));
}

/* Close every log: that is waiting for the disk, so many at once.  Returns the
 * first error. */
static int close_all(struct partition_table *table)
{
	atomic_int first = 0;
	size_t count;
	struct partition **all = topics_all(table, &count);

	if (all == NULL)
		return -ENOMEM;
	table_each(all, count, count / LOGS_PER_CLOSER, close_one, &first);
	topics_give_back(all, count);
	return atomic_load(&first);
}

static void release(struct partition_table *table)
{
	topics_clear(table);
	pthread_cond_destroy(&table->keeper.work);
	pthread_mutex_destroy(&table->keeper.lock);
	pthread_cond_destroy(&table->flusher.work);
	pthread_mutex_destroy(&table->flusher.lock);
	pthread_cond_destroy(&table->dropped);
	pthread_mutex_destroy(&table->drop_lock);
	pthread_mutex_destroy(&table->disk.lock);
	free(table);
}

int partition_table_start(const struct partition_table_params *params,
			  struct partition_table **table_out, char *error,
			  size_t error_size)
{
	struct partition_table *table =
		aligned_alloc(_Alignof(struct partition_table),
			      sizeof(struct partition_table));
	int rc;

	if (table == NULL) {
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	memset(table, 0, sizeof(*table));
	table->params = *params;
	snprintf(error, error_size, "cannot start the partitions' threads");
	rc = init(table);
	if (rc == 0)
		rc = flusher_start(table);
	if (rc == 0)
		rc = recovery_run(table, error, error_size);
	if (rc == 0)
		rc = keeper_start(table);
	if (rc < 0) {
		flusher_stop(table);
		close_all(table);
		release(table);
		return rc;
	}
	metadata_listen(params->metadata, on_image, table);
	*table_out = table;
	return 0;
}

/* The recovery point is on disk once all is closed; what the checkpoints say
 * must be asked before. */
int partition_table_stop(struct partition_table *table)
{
	int rc;
	int written;

	if (table == NULL)
		return 0;
	keeper_stop(table);
	flusher_stop(table);
	rc = close_all(table);
	written = keeper_write_checkpoints(table);
	release(table);
	return rc < 0 ? rc : written;
}
