/*
 * log_private.h - what the files of the log share
 *
 * log.c opens, appends and closes; log_roll.c has the segments; log_read.c
 * reads; log_time.c looks up timestamps; log_sync.c syncs; log_recovery.c opens
 * what is on disk, and log_producers.c the producers' state; log_trim.c drops
 * records at either end.
 */
#ifndef LOG_LOG_PRIVATE_H
#define LOG_LOG_PRIVATE_H

#include "log/leader_epoch.h"
#include "log/producer_state.h"
#include "log/segment.h"

#define LEADER_EPOCH_NAME "leader-epoch-checkpoint"

enum {
	/* Sealed segments whose files are open though nobody reads now. */
	SEALED_OPEN_MAX = 4,
	/* Batch boundaries that are remembered. */
	PLACES_KEPT = 8,
};

/* The batch that starts with offset, or what follows, is at position. */
struct place {
	int64_t offset;
	int64_t base_offset; /* of the segment; -1: free */
	int64_t position;
};

/* A segment that was dropped, its files renamed and not yet removed. */
struct garbage {
	struct garbage *next;
	int64_t base_offset;
	int64_t dropped_us; /* monotonic: the wall clock may jump */
};

struct log {
	struct vfs *vfs;
	struct clock *clock;
	char *dir;
	struct log_config config;
	struct segment **segments; /* ascending; the last one is active */
	size_t segment_count;
	size_t segment_capacity;
	int64_t start_offset;
	int64_t end_offset;
	int64_t recovery_point;
	int64_t size_bytes;
	int64_t last_append_ms;
	int64_t snapshot_offset; /* of the newest snapshot file, or -1 */
	struct leader_epochs epochs;
	struct producer_state producers;
	struct garbage *garbage;
	struct uuid topic_id;
	uint64_t reads;       /* counts, for which file was used last */
	uint32_t truncations; /* counts, so that a sync knows of them */
	uint8_t next_place;
	bool dir_exists;
	bool dir_dirty;      /* its names are not synced */
	bool parent_dirty;   /* nor its own */
	bool metadata_dirty; /* partition.metadata is to be written */
	bool snapshot_dirty; /* the newest snapshot is not synced */
	bool failed;         /* writing or syncing failed for good */
	struct place places[PLACES_KEPT];
};

/* The segment that is appended to, or NULL. */
static inline struct segment *log_active(const struct log *log)
{
	return log->segment_count == 0 ? NULL
				       : log->segments[log->segment_count - 1];
}

/* "<dir>/<name>".  Returns 0 or -ENAMETOOLONG. */
int log_path(char path[PATH_BYTES_MAX], const struct log *log,
	     const char *name);

/* Have an active segment that the batch may go into. */
int log_prepare_segment(struct log *log, const struct batch_header *header,
			struct segment **segment_out);

/* Which segment holds offset: the last one that starts at or below it, or the
 * first.  There must be one. */
size_t log_segment_of(const struct log *log, int64_t offset);

/* Have room for one segment more (0 or -ENOMEM); then add it at the end.  It
 * becomes the log's. */
int log_reserve_segment(struct log *log);
void log_add_segment(struct log *log, struct segment *s);

/* Where a segment ends: at the next one, or at the log end offset. */
int64_t log_segment_end(const struct log *log, size_t i);

/* Seal the active segment, if there is one, and start an empty one at
 * base_offset. */
int log_start_segment(struct log *log, int64_t base_offset);

/* Drop count segments from the one at first on, files and all (later).  All of
 * them are gone from the log also when a file could not be renamed, which is
 * an error: it would come back with the next start. */
int log_drop_segments(struct log *log, size_t first, size_t count);

/* Have the segment's file open; closes others that were opened for reading
 * and are not used. */
int log_open_segment_file(struct log *log, struct segment *s);

/* Remember or forget batch boundaries. */
void log_remember_place(struct log *log, const struct segment *s,
			int64_t offset, int64_t position);
void log_forget_places(struct log *log);

/* A batch that holds or follows an offset; at the end of the segment there is
 * none: position is the end and size 0. */
struct located {
	int64_t position;
	int64_t size; /* 0 also when it was found without reading */
};

/* Find the first batch in s whose last offset is not below offset. */
int log_locate(struct log *log, struct segment *s, int64_t offset,
	       struct located *found_out);

/*
 * What a batch that is not checked will tell its producer's state: found out
 * before it is written, so that nothing can fail after.  batch is all of it
 * when it is a control batch of a producer, else it may be null.
 */
struct producer_note {
	struct producer *producer; /* NULL: nothing */
	int32_t coordinator_epoch;
};
int producer_note_prepare(struct log *log, const struct batch_header *header,
			  struct slice batch, struct producer_note *note);
void producer_note_apply(const struct producer_note *note,
			 const struct batch_header *header);

/* Write <offset>.snapshot; not synced. */
int log_write_snapshot(struct log *log, int64_t offset);

/*
 * Read the newest sound snapshot at or below the log end offset, and replay
 * the log from there; removes snapshots that cannot be of this log.  With
 * clean a log without a snapshot is taken to have no producers.
 */
int log_reload_producers(struct log *log, bool clean);

/* Remove garbage that was dropped before before_us: takes it off the list,
 * under the lock; then removes the files, without. */
struct garbage *log_take_garbage(struct log *log, int64_t before_us);
void log_free_garbage(struct vfs *vfs, const char *dir,
		      struct garbage *garbage);

/* Read the directory into log.  See log_open(). */
int log_recover(struct log *log, const struct log_open *params,
		struct log_recovery *recovery);

#endif /* LOG_LOG_PRIVATE_H */
