/*
 * partition.c - one hosted partition: its log, high watermark and sync
 *
 * Rules, under the partition's lock:
 *  - the log is there when it is OPEN, and only then is it used
 *  - high_watermark never goes back; where commit is on it never passes what
 *    a sync has covered
 *  - unsynced is set from an append until the next sync begins; somebody has
 *    then seen to that sync: the appender who promised, the flusher's queue,
 *    the keeper's list, or the sync that runs, which looks again at its end
 *  - at most one sync runs; the log is not closed while it does
 *  - a sync that failed is not tried again: what the kernel could not write
 *    it may have forgotten, and a second sync would not know
 */
#include "kbrokerd/partition/partition.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "kbrokerd/partition/internal.h"

#define SYNC_AFTER_US  (60 * INT64_C(1000000))
#define TRY_AGAIN_US   INT64_C(1000000)
#define MILLISECOND_US 1000
/* A year is as good as never, and adds up. */
#define DELETE_DELAY_MAX_US (365 * 24 * 3600 * INT64_C(1000000))
/* The last sync's weight in the mean, as a power of two. */
#define SYNC_MEAN_SHIFT 3

/* Life */

void partition_remove_files_later(struct partition *p)
{
	keeper_add(p, p->delete_delay_us);
}

static void apply_config(struct partition *p, const struct topic_config *config)
{
	/* A topic that wants each record synced gets what commit gives. */
	p->commit = p->table->params.flush_mode == FLUSH_COMMIT ||
		    config->log.flush_messages <= 1;
	p->flush_messages = config->log.flush_messages;
	p->delete_delay_us = DELETE_DELAY_MAX_US;
	if (config->log.file_delete_delay_ms <
	    DELETE_DELAY_MAX_US / MILLISECOND_US)
		p->delete_delay_us =
			config->log.file_delete_delay_ms * MILLISECOND_US;
	p->flush_us = SYNC_AFTER_US;
	if (config->log.flush_ms < SYNC_AFTER_US / MILLISECOND_US)
		p->flush_us = config->log.flush_ms * MILLISECOND_US;
}

struct partition *partition_new(struct hosted_topic *topic, int32_t index,
				int32_t leader_epoch)
{
	struct partition *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->table = topic->table;
	p->topic = hosted_topic_retain(topic);
	p->index = index;
	atomic_init(&p->references, 1);
	atomic_init(&p->leader_epoch, leader_epoch);
	pthread_mutex_init(&p->lock, NULL);
	apply_config(p, &topic->config);
	return p;
}

void partition_retain(struct partition *p)
{
	atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
}

void partition_release(struct partition *p)
{
	if (p == NULL || atomic_fetch_sub_explicit(&p->references, 1,
						   memory_order_acq_rel) > 1)
		return;
	assert(p->log == NULL);
	assert(p->waiters == NULL);
	hosted_topic_release(p->topic);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int32_t partition_leader_epoch(const struct partition *p)
{
	return atomic_load_explicit(&p->leader_epoch, memory_order_relaxed);
}

void partition_set_config(struct partition *p,
			  const struct topic_config *config)
{
	pthread_mutex_lock(&p->lock);
	apply_config(p, config);
	if (p->log != NULL)
		log_set_config(p->log, &config->log);
	pthread_mutex_unlock(&p->lock);
}

/* Opening */

static char *directory_of(const struct partition *p)
{
	return data_dir_partition_path(p->table->params.dir, p->topic->name,
				       p->index);
}

/* A directory left by a topic of the same name that is no more. */
static int set_aside_stale(struct partition *p, const char *path)
{
	int rc;

	if (!p->has_directory ||
	    recovery_is_of_topic(p->table, path, p->topic->id))
		return 0;
	rc = recovery_set_aside(p->table, path);
	if (rc < 0)
		return rc;
	p->has_directory = false;
	p->log_start_offset = p->recovery_point = 0;
	return 0;
}

static int open_log(struct partition *p, bool clean,
		    struct log_recovery *recovery)
{
	const struct partition_table_params *table = &p->table->params;
	struct topic_config config;
	struct log_open params = {
		.vfs = table->vfs,
		.clock = table->clock,
		.topic_id = p->topic->id,
		.clean = clean,
	};
	char *path = directory_of(p);
	int rc;

	if (path == NULL)
		return -ENOMEM;
	rc = set_aside_stale(p, path);
	partition_topic_config(p, &config);
	params.dir = path;
	params.config = config.log;
	params.log_start_offset = p->log_start_offset;
	params.recovery_point = p->recovery_point;
	if (rc == 0)
		rc = log_open(&params, &p->log, recovery);
	free(path);
	return rc;
}

void partition_set_offline(struct partition *p, const char *what, int rc)
{
	p->state = PARTITION_OFFLINE;
	table_log(p->table, LOGGER_ERROR, "partition %s-%" PRId32 ": %s: %s",
		  p->topic->name, p->index, what, strerror(-rc));
	waiters_fire_all(p);
}

int partition_open(struct partition *p)
{
	int rc;

	switch ((enum partition_state)p->state) {
	case PARTITION_OPEN:
		return 0;
	case PARTITION_OFFLINE:
		return -EIO;
	case PARTITION_GONE:
		return -ENOENT;
	case PARTITION_CLOSED:
		break;
	}
	rc = open_log(p, true, NULL);
	if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE)
		return rc;
	if (rc < 0) {
		partition_set_offline(p, "cannot open its log", rc);
		return -EIO;
	}
	p->state = PARTITION_OPEN;
	p->high_watermark = log_end_offset(p->log);
	return 0;
}

int partition_recover(struct partition *p, struct log_recovery *recovery)
{
	int rc;

	*recovery = (struct log_recovery){ 0 };
	pthread_mutex_lock(&p->lock);
	assert(p->state == PARTITION_CLOSED);
	rc = open_log(p, false, recovery);
	/* What recovery read may be in the page cache only. */
	if (rc == 0)
		rc = log_sync(p->log);
	if (rc < 0) {
		partition_set_offline(p, "cannot recover its log", rc);
	} else {
		p->state = PARTITION_OPEN;
		p->high_watermark = log_end_offset(p->log);
		if (recovery->truncated_bytes > 0)
			table_log(p->table, LOGGER_WARN,
				  "recovered %s-%" PRId32 ": read %" PRId64
				  " bytes, cut %" PRId64
				  " bytes off its end, which is offset "
				  "%" PRId64 " now",
				  p->topic->name, p->index,
				  recovery->scanned_bytes,
				  recovery->truncated_bytes, p->high_watermark);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int partition_close_log(struct partition *p)
{
	int64_t end = log_end_offset(p->log);
	bool sync = p->state == PARTITION_OPEN;
	int rc;

	p->log_start_offset = log_start_offset(p->log);
	p->recovery_point = log_recovery_point(p->log);
	rc = log_close(p->log, sync);
	p->log = NULL;
	p->looked_at_files = false;
	if (sync && rc == 0)
		p->recovery_point = end;
	return rc;
}

int partition_close(struct partition *p)
{
	int rc = 0;
	int closed;

	pthread_mutex_lock(&p->lock);
	assert(!p->syncing);
	if (p->state == PARTITION_OFFLINE)
		rc = -EIO;
	if (p->log != NULL) {
		closed = partition_close_log(p);
		rc = rc < 0 ? rc : closed;
	}
	p->state = PARTITION_CLOSED;
	waiters_fire_all(p);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Deletion */

/* The log of a partition that is GONE, once no sync needs it. */
static struct log *take_log(struct partition *p)
{
	struct partition_table *table = p->table;
	struct log *log;

	pthread_mutex_lock(&table->drop_lock);
	while (p->syncing)
		pthread_cond_wait(&table->dropped, &table->drop_lock);
	pthread_mutex_unlock(&table->drop_lock);
	pthread_mutex_lock(&p->lock);
	log = p->log;
	p->log = NULL;
	pthread_mutex_unlock(&p->lock);
	return log;
}

/* Give the directory a name that no topic has; the keeper removes it. */
static int drop_directory(struct partition *p)
{
	char *path = directory_of(p);
	char *to = NULL;
	int rc = -ENOMEM;

	if (path != NULL)
		rc = recovery_rename(p->table, path, DELETED_SUFFIX, &to);
	free(path);
	free(to);
	if (rc == 0)
		keeper_want_purge(p->table);
	return rc == -ENOENT ? 0 : rc;
}

void partition_drop(struct partition *p)
{
	bool has_directory;
	int rc = 0;

	pthread_mutex_lock(&p->lock);
	p->state = PARTITION_GONE;
	has_directory = p->has_directory;
	waiters_fire_all(p);
	pthread_mutex_unlock(&p->lock);

	/* Before the directory gets its new name: it writes by path. */
	log_close(take_log(p), false);
	if (has_directory)
		rc = drop_directory(p);
	if (rc < 0)
		table_log(p->table, LOGGER_ERROR,
			  "cannot remove the directory of %s-%" PRId32 ": %s",
			  p->topic->name, p->index, strerror(-rc));
}

/* Appending */

/* Let a sync cover the end of the log.  Returns true when the caller is to
 * start it. */
static bool want_sync(struct partition *p, bool deferred)
{
	p->unsynced = true;
	if (p->syncing || p->promised || p->queued)
		return false;
	if (!deferred)
		flusher_add(p);
	else
		p->promised = true;
	return deferred;
}

/* Under flush.mode=os: sync some time, or after so many records. */
static void sync_later(struct partition *p)
{
	if (!p->unsynced) {
		p->unsynced = true;
		keeper_add(p, p->flush_us);
	}
	if (log_end_offset(p->log) - log_recovery_point(p->log) >=
		    p->flush_messages &&
	    !p->syncing)
		flusher_add(p);
}

/* The log has grown, or an append turned out to be there already. */
static bool after_append(struct partition *p, bool deferred)
{
	bool start = false;

	p->has_directory = true;
	if (!p->commit) {
		p->high_watermark = log_end_offset(p->log);
		waiters_advance(p);
		sync_later(p);
	} else if (p->high_watermark < log_end_offset(p->log)) {
		start = want_sync(p, deferred);
	}
	return start;
}

static void count_in(struct partition *p, const struct batch_header *header,
		     const struct log_appended *appended)
{
	int64_t bytes = (int64_t)header->size;
	int64_t records = appended->last_offset - appended->base_offset + 1;

	if (appended->duplicate)
		return;
	p->traffic.bytes_in += bytes;
	p->traffic.records_in += records;
	traffic_add_in(&p->table->traffic, bytes, records);
}

static int append(struct partition *p, uint8_t *batch,
		  const struct batch_header *header,
		  struct log_appended *appended_out,
		  enum log_refusal *refusal_out, bool deferred, bool *sync_out)
{
	int rc;

	*sync_out = false;
	*refusal_out = LOG_REFUSED_NOT;
	pthread_mutex_lock(&p->lock);
	rc = partition_open(p);
	if (rc == 0)
		rc = log_append(p->log, batch, header,
				partition_leader_epoch(p), appended_out,
				refusal_out);
	if (rc == 0) {
		count_in(p, header, appended_out);
		*sync_out = after_append(p, deferred);
	}
	pthread_mutex_unlock(&p->lock);
	table_note_append(p->table, rc);
	return rc;
}

int partition_append(struct partition *p, uint8_t *batch,
		     const struct batch_header *header,
		     struct log_appended *appended_out,
		     enum log_refusal *refusal_out)
{
	bool sync;

	return append(p, batch, header, appended_out, refusal_out, false,
		      &sync);
}

int partition_append_deferred(struct partition *p, uint8_t *batch,
			      const struct batch_header *header,
			      struct log_appended *appended_out,
			      enum log_refusal *refusal_out, bool *sync_out)
{
	return append(p, batch, header, appended_out, refusal_out, true,
		      sync_out);
}

/* Syncing */

static void note_sync_us(struct partition_table *table, int64_t took_us)
{
	int64_t mean =
		atomic_load_explicit(&table->sync_us, memory_order_relaxed);

	mean = mean == 0 ? took_us
			 : mean + (took_us - mean) / (1 << SYNC_MEAN_SHIFT);
	atomic_store_explicit(&table->sync_us, mean, memory_order_relaxed);
}

static void note_sync(struct partition_table *table, int64_t took_us, int rc)
{
	note_sync_us(table, took_us);
	histogram_add_shared(&table->traffic.syncs, took_us);
	if (rc < 0)
		atomic_fetch_add(&table->traffic.sync_failures, 1);
}

/* Everything up to offset is on disk. */
static void synced_to(struct partition *p, int64_t offset)
{
	if (offset <= p->high_watermark)
		return;
	p->high_watermark = offset;
	waiters_advance(p);
}

/* Returns 1 with a sync to run, else 0. */
static int begin_sync(struct partition *p, struct log_sync **sync_out)
{
	int rc;

	if (p->state != PARTITION_OPEN || p->syncing)
		return 0;
	p->unsynced = false;
	p->promised = false;
	rc = log_sync_begin(p->log, sync_out);
	if (rc == 0) {
		synced_to(p, log_end_offset(p->log));
	} else if (rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE) {
		p->unsynced = true;
		keeper_add(p, TRY_AGAIN_US);
	} else if (rc < 0) {
		partition_set_offline(p, "cannot sync", rc);
	} else {
		p->syncing = true;
	}
	return rc == 1;
}

/* The log may be closed now. */
static void stop_syncing(struct partition *p)
{
	struct partition_table *table = p->table;

	if (p->state != PARTITION_GONE) {
		p->syncing = false;
		return;
	}
	pthread_mutex_lock(&table->drop_lock);
	p->syncing = false;
	pthread_cond_broadcast(&table->dropped);
	pthread_mutex_unlock(&table->drop_lock);
}

static void end_sync(struct partition *p, struct log_sync *sync, int rc)
{
	int64_t offset = log_sync_offset(sync);

	log_sync_end(p->log, sync, rc);
	stop_syncing(p);
	if (rc < 0 && p->state == PARTITION_OPEN && !log_has_failed(p->log)) {
		/* Only a small file: nothing is lost, the disk is full. */
		p->unsynced = true;
		keeper_add(p, TRY_AGAIN_US);
		return;
	}
	if (rc < 0 && p->state == PARTITION_OPEN)
		partition_set_offline(p, "cannot sync", rc);
	else if (p->state == PARTITION_OPEN)
		synced_to(p, offset);
	if (p->state == PARTITION_OPEN && p->unsynced && p->commit)
		flusher_add(p);
	else if (p->state == PARTITION_OPEN && p->unsynced)
		keeper_add(p, p->flush_us);
}

/* Files that were still too young to be removed: the next sync does it. */
static void see_to_garbage(struct partition *p)
{
	if (p->state == PARTITION_OPEN && log_has_garbage(p->log))
		partition_remove_files_later(p);
}

/* Takes and gives back the lock. */
static void sync_partition(struct partition *p, bool queued)
{
	struct partition_table *table = p->table;
	struct log_sync *sync;
	int64_t began_us;
	int rc;

	pthread_mutex_lock(&p->lock);
	if (queued)
		p->queued = false;
	if (begin_sync(p, &sync)) {
		pthread_mutex_unlock(&p->lock);
		began_us = table_now_us(table);
		rc = log_sync_run(sync);
		note_sync(table, table_now_us(table) - began_us, rc);
		pthread_mutex_lock(&p->lock);
		end_sync(p, sync, rc);
	}
	see_to_garbage(p);
	pthread_mutex_unlock(&p->lock);
	keeper_want_checkpoint(table);
}

void partition_sync_queued(struct partition *p)
{
	sync_partition(p, true);
}

void partition_sync_run(struct partition *p)
{
	sync_partition(p, false);
}

void partition_sync_start(struct partition *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->state == PARTITION_OPEN && p->unsynced && !p->syncing)
		flusher_add(p);
	pthread_mutex_unlock(&p->lock);
}

void partition_sync_due(struct partition *p)
{
	pthread_mutex_lock(&p->lock);
	if (p->state == PARTITION_OPEN && !p->syncing)
		flusher_add(p);
	pthread_mutex_unlock(&p->lock);
}

int64_t partition_table_sync_us(const struct partition_table *table)
{
	return atomic_load_explicit(&table->sync_us, memory_order_relaxed);
}

int32_t partition_table_count_commits(struct partition_table *table,
				      int32_t delta)
{
	return atomic_fetch_add(&table->commits, delta) + delta;
}

/* Reading */

static void fill_offsets(const struct partition *p,
			 struct partition_offsets *out)
{
	*out = (struct partition_offsets){
		.log_start = log_start_offset(p->log),
		.high_watermark = p->high_watermark,
		.last_stable = p->high_watermark,
		.log_end = log_end_offset(p->log),
		.leader_epoch = partition_leader_epoch(p),
	};
}

int partition_offsets(struct partition *p, struct partition_offsets *out)
{
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = partition_open(p);
	if (rc == 0)
		fill_offsets(p, out);
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* Only a reader knows how many records he was given.  All to the high
 * watermark, if there is not more of average size. */
static void count_out(struct partition *p, int64_t offset,
		      const struct log_slice *slice)
{
	int64_t all = log_end_offset(p->log) - log_start_offset(p->log);
	int64_t bytes = (int64_t)slice->len;
	int64_t most = p->high_watermark - offset;
	int64_t records = most;

	if (bytes == 0)
		return;
	if (most > 1 && all > most)
		records = (int64_t)((double)bytes * (double)all /
				    (double)log_size_bytes(p->log));
	records = records < 1 ? 1 : records > most ? most : records;
	p->traffic.bytes_out += bytes;
	p->traffic.records_out += records;
	traffic_add_out(&p->table->traffic, bytes, records);
}

int partition_read(struct partition *p, int64_t offset, size_t max_bytes,
		   bool at_least_one, struct log_slice *slice_out,
		   struct partition_offsets *offsets_out)
{
	int rc;

	*slice_out = (struct log_slice){ .fd = -1 };
	pthread_mutex_lock(&p->lock);
	rc = partition_open(p);
	if (rc == 0) {
		fill_offsets(p, offsets_out);
		if (offset < offsets_out->log_start ||
		    offset > offsets_out->log_end)
			rc = -ERANGE;
		else if (offset < p->high_watermark &&
			 (max_bytes > 0 || at_least_one))
			rc = log_read(p->log, offset, max_bytes,
				      p->high_watermark, at_least_one,
				      slice_out);
		if (rc == 0)
			count_out(p, offset, slice_out);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int partition_with_log(struct partition *p,
		       int (*run)(void *arg, struct log *log,
				  const struct partition_offsets *offsets),
		       void *arg)
{
	struct partition_offsets offsets;
	int64_t start;
	int rc;

	pthread_mutex_lock(&p->lock);
	rc = partition_open(p);
	if (rc == 0) {
		fill_offsets(p, &offsets);
		rc = run(arg, p->log, &offsets);
		start = log_start_offset(p->log);
		if (start != offsets.log_start) {
			/* Readers are told, and where the end moved too. */
			if (p->high_watermark < start)
				p->high_watermark = start;
			waiters_fire_all(p);
			keeper_want_checkpoint(p->table);
			partition_remove_files_later(p);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* What the keeper does */

bool partition_marks(struct partition *p, struct partition_marks *out)
{
	bool known;

	pthread_mutex_lock(&p->lock);
	known = p->has_directory && p->state != PARTITION_GONE;
	out->high_watermark = p->high_watermark;
	if (p->log != NULL) {
		out->recovery_point = log_recovery_point(p->log);
		out->log_start = log_start_offset(p->log);
	} else {
		out->recovery_point = p->recovery_point;
		out->log_start = p->log_start_offset;
	}
	pthread_mutex_unlock(&p->lock);
	return known;
}
