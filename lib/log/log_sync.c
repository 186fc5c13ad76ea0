/*
 * log_sync.c - making a log durable, without holding its lock
 *
 * A sync is a list of what was not on disk when it began: the segments with
 * unsynced bytes, oldest first; of those sealed since the last sync their
 * indexes; the newest producer snapshot; epochs and partition.metadata when
 * they changed; the directory when it got new names.  In the steady state that
 * is one descriptor.
 *
 * The recovery point moves only when all of it succeeded, and not when the
 * log was truncated meanwhile: what was written after that is not synced.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "log/log_private.h"
#include "log/partition_metadata.h"

struct sync_file {
	struct segment *segment; /* a reference */
	int64_t size;            /* as far as it goes */
	bool indexes;            /* these too */
};

struct log_sync {
	struct vfs *vfs;
	char *dir;
	int64_t end_offset;
	int64_t snapshot_offset; /* -1: none to sync */
	struct buffer epochs;    /* empty: not to be written */
	struct uuid topic_id;    /* zero: not to be written */
	struct garbage *garbage;
	uint32_t truncations;
	bool dir_dirty;
	bool parent_dirty;
	bool data_lost; /* a sync of records failed: not to be retried */
	size_t file_count;
	struct sync_file files[];
};

static bool is_dirty(const struct segment *s)
{
	return s->size > s->synced_size || (s->sealed && !s->indexes_synced);
}

/* The first segment that is dirty, or the count of all.  Those that end below
 * the recovery point are on disk; the one that ends there may have been sealed
 * since, and its indexes are not. */
static size_t first_dirty(const struct log *log)
{
	size_t i = 0;

	if (log->segment_count > 0)
		i = log_segment_of(log, log->recovery_point - 1);
	while (i < log->segment_count && !is_dirty(log->segments[i]))
		i++;
	return i;
}

static bool has_work(const struct log *log, size_t first)
{
	return first < log->segment_count || log->dir_dirty ||
	       log->parent_dirty || log->metadata_dirty ||
	       (log->epochs.dirty && log->dir_exists) || log->snapshot_dirty;
}

static void sync_free(struct log_sync *sync)
{
	if (sync == NULL)
		return;
	for (size_t i = 0; i < sync->file_count; i++)
		segment_release(sync->files[i].segment);
	log_free_garbage(sync->vfs, NULL, sync->garbage);
	buffer_clear(&sync->epochs);
	free(sync->dir);
	free(sync);
}

static void add_file(struct log_sync *sync, struct segment *s)
{
	/* What cannot be written now is only missing: see segment_seal(). */
	if (s->sealed)
		segment_flush_indexes(s);
	sync->files[sync->file_count++] = (struct sync_file){
		.segment = segment_retain(s),
		.size = s->size,
		.indexes = s->sealed && !s->resident && !s->indexes_synced,
	};
}

/* Have the files open: sync runs without the lock, and opens nothing that
 * somebody else may close. */
static int open_files(struct log *log, size_t first)
{
	for (size_t i = first; i < log->segment_count; i++) {
		int rc = segment_open_file(log->segments[i]);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int fill_sync(struct log *log, size_t first, struct log_sync *sync)
{
	sync->dir = strdup(log->dir);
	if (sync->dir == NULL)
		return -ENOMEM;
	if (log->epochs.dirty)
		leader_epochs_format(&log->epochs, &sync->epochs);
	if (sync->epochs.failed)
		return -ENOMEM;
	for (size_t i = first; i < log->segment_count; i++)
		add_file(sync, log->segments[i]);
	if (log->metadata_dirty)
		sync->topic_id = log->topic_id;
	sync->snapshot_offset = log->snapshot_dirty ? log->snapshot_offset : -1;
	sync->dir_dirty = log->dir_dirty;
	sync->parent_dirty = log->parent_dirty;
	return 0;
}

/* When a file must have been dropped to be removed now. */
static int64_t oldest_garbage_us(const struct log *log)
{
	int64_t delay_us;
	int64_t before_us;

	if (__builtin_mul_overflow(log->config.file_delete_delay_ms, 1000,
				   &delay_us) ||
	    __builtin_sub_overflow(log->clock->monotonic_us(log->clock),
				   delay_us, &before_us))
		return INT64_MIN;
	return before_us;
}

int log_sync_begin(struct log *log, struct log_sync **sync_out)
{
	size_t first = first_dirty(log);
	struct garbage *garbage;
	struct log_sync *sync;
	int rc;

	if (log->failed)
		return -EIO;
	garbage = log_take_garbage(log, oldest_garbage_us(log));
	if (!has_work(log, first) && garbage == NULL)
		return 0;
	sync = calloc(1, sizeof(*sync) + (log->segment_count - first) *
						 sizeof(sync->files[0]));
	rc = sync == NULL ? -ENOMEM : open_files(log, first);
	if (rc == 0) {
		sync->vfs = log->vfs;
		sync->end_offset = log->end_offset;
		sync->truncations = log->truncations;
		rc = fill_sync(log, first, sync);
	}
	if (rc < 0) {
		log_free_garbage(log->vfs, log->dir, garbage);
		sync_free(sync);
		return rc;
	}
	sync->garbage = garbage;
	/* The high watermark will be here: remember where that is. */
	if (log->segment_count > 0)
		log_remember_place(log, log_active(log), log->end_offset,
				   log_active(log)->size);
	/* What changes from now on is for the next sync. */
	log->dir_dirty = false;
	log->parent_dirty = false;
	log->metadata_dirty = false;
	log->snapshot_dirty = false;
	log->epochs.dirty = false;
	*sync_out = sync;
	return 1;
}

int64_t log_sync_offset(const struct log_sync *sync)
{
	return sync->end_offset;
}

/* Sync a file by its path; that it is gone is none of our business. */
static int sync_path(const struct log_sync *sync, int64_t offset,
		     const char *suffix)
{
	struct vfs *vfs = sync->vfs;
	char path[PATH_BYTES_MAX];
	int rc = segment_path(path, sync->dir, offset, suffix);
	int fd;

	if (rc < 0)
		return rc;
	fd = vfs->open(vfs, path, O_RDWR, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	rc = vfs->fdatasync(vfs, fd);
	vfs->close(vfs, fd);
	return rc;
}

static int sync_file(const struct log_sync *sync, const struct sync_file *file)
{
	int64_t offset = file->segment->base_offset;
	int rc = sync->vfs->fdatasync(sync->vfs, file->segment->fd);

	if (rc == 0 && file->indexes)
		rc = sync_path(sync, offset, SUFFIX_INDEX);
	if (rc == 0 && file->indexes)
		rc = sync_path(sync, offset, SUFFIX_TIME_INDEX);
	return rc;
}

/* The small files that are replaced as a whole. */
static int write_small_files(const struct log_sync *sync)
{
	char path[PATH_BYTES_MAX];
	int n;
	int rc = 0;

	if (!uuid_is_zero(sync->topic_id)) {
		n = snprintf(path, sizeof(path), "%s/%s", sync->dir,
			     PARTITION_METADATA_NAME);
		rc = n < 0 || (size_t)n >= sizeof(path)
			     ? -ENAMETOOLONG
			     : partition_metadata_write(sync->vfs, path,
							sync->topic_id);
	}
	if (rc == 0 && sync->epochs.len > 0) {
		n = snprintf(path, sizeof(path), "%s/%s", sync->dir,
			     LEADER_EPOCH_NAME);
		rc = n < 0 || (size_t)n >= sizeof(path)
			     ? -ENAMETOOLONG
			     : file_replace(sync->vfs, path, sync->epochs.data,
					    sync->epochs.len);
	}
	return rc;
}

/* The records, and what is only rewritten by recovery. */
static int sync_files(const struct log_sync *sync)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sync->file_count; i++)
		rc = sync_file(sync, &sync->files[i]);
	if (rc == 0 && sync->snapshot_offset >= 0)
		rc = sync_path(sync, sync->snapshot_offset, SUFFIX_SNAPSHOT);
	return rc;
}

static int sync_dirs(const struct log_sync *sync)
{
	int rc = 0;

	if (sync->dir_dirty)
		rc = sync->vfs->sync_dir(sync->vfs, sync->dir);
	if (rc == 0 && sync->parent_dirty)
		rc = vfs_sync_parent(sync->vfs, sync->dir);
	return rc;
}

/* Did it fail before anything was synced: at opening a file? */
static bool is_passing(int rc)
{
	return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM;
}

int log_sync_run(struct log_sync *sync)
{
	int rc = sync_files(sync);

	if (rc == 0)
		rc = sync_dirs(sync);
	sync->data_lost = rc < 0 && !is_passing(rc);
	if (rc == 0)
		rc = write_small_files(sync);
	log_free_garbage(sync->vfs, sync->dir, sync->garbage);
	sync->garbage = NULL;
	return rc;
}

/* The sync failed where it may be tried again: on a full disk, or when too
 * many files were open. */
static void keep_dirty(struct log *log, const struct log_sync *sync)
{
	log->dir_dirty = log->dir_dirty || sync->dir_dirty;
	log->parent_dirty = log->parent_dirty || sync->parent_dirty;
	log->snapshot_dirty = log->snapshot_dirty ||
			      (sync->snapshot_offset >= 0 &&
			       sync->snapshot_offset == log->snapshot_offset);
	log->metadata_dirty =
		log->metadata_dirty || !uuid_is_zero(sync->topic_id);
	log->epochs.dirty = log->epochs.dirty || sync->epochs.len > 0;
}

static void note_synced(struct log *log, const struct log_sync *sync)
{
	for (size_t i = 0; i < sync->file_count; i++) {
		const struct sync_file *file = &sync->files[i];

		file->segment->synced_size = file->size;
		if (file->indexes)
			file->segment->indexes_synced = true;
	}
	if (sync->end_offset > log->recovery_point)
		log->recovery_point = sync->end_offset;
}

void log_sync_end(struct log *log, struct log_sync *sync, int rc)
{
	if (sync->data_lost)
		log->failed = true;
	else if (rc < 0)
		keep_dirty(log, sync);
	else if (sync->truncations == log->truncations)
		note_synced(log, sync);
	sync_free(sync);
}

int log_sync(struct log *log)
{
	struct log_sync *sync;
	int rc = log_sync_begin(log, &sync);

	if (rc <= 0)
		return rc;
	rc = log_sync_run(sync);
	log_sync_end(log, sync, rc);
	return rc;
}
