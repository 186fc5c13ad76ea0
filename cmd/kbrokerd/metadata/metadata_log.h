/*
 * metadata_log.h - the metadata log on disk: __cluster_metadata-0
 *
 * An ordinary partition log, and beside its segments the snapshots and
 * quorum-state.  Belongs to one thread.
 */
#ifndef KBROKERD_METADATA_METADATA_LOG_H
#define KBROKERD_METADATA_METADATA_LOG_H

#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/quorum_state.h"
#include "kbrokerd/metadata/record_list.h"
#include "log/log.h"

struct metadata_log;

struct metadata_log_params {
	struct vfs *vfs;
	struct clock *clock;
	const char *dir;                       /* the data directory */
	bool sync;                             /* false: nothing is synced */
	int64_t retention_bytes, retention_ms; /* of old snapshots; -1: none */
	int64_t segment_bytes, segment_ms;     /* 0: Kafka's defaults of logs */
};

/* What opening found. */
struct metadata_log_found {
	struct image *image; /* the caller's */
	bool empty;          /* neither snapshot nor record */
	bool in_transaction; /* one that never ended: to be aborted */
	bool has_quorum_state;
	struct quorum_state quorum;
	int32_t last_epoch; /* the highest seen; -1: none */
};

/*
 * Read the newest whole snapshot, and the log from there on.  Returns 0, or a
 * negative errno with a text in error.
 */
int metadata_log_open(const struct metadata_log_params *params,
		      struct metadata_log **log_out,
		      struct metadata_log_found *found_out, char *error,
		      size_t error_size);

/* Close; with sync what is in it is on disk first.  NULL does nothing. */
int metadata_log_close(struct metadata_log *log);

/* Offset that the next record gets. */
int64_t metadata_log_end(const struct metadata_log *log);

/* Append a batch that was made for metadata_log_end(); not synced yet. */
int metadata_log_append(struct metadata_log *log, struct buffer *batch);

/* All that was appended is on disk after it (where it is to be), and in a new
 * directory also the files that were put off until now. */
int metadata_log_sync(struct metadata_log *log);

/* Did syncing fail for good?  Nothing is ever written again then. */
bool metadata_log_has_failed(const struct metadata_log *log);

/* Take back what was appended from offset on. */
int metadata_log_truncate(struct metadata_log *log, int64_t offset);

/* A new epoch starts here. */
int metadata_log_start_epoch(struct metadata_log *log, int32_t epoch);

/* Replace quorum-state; in a new directory by the first sync. */
int metadata_log_write_quorum(struct metadata_log *log,
			      const struct quorum_state *state);

/* Bytes of log since the last snapshot, and when that was (wall clock, ms;
 * or when the log was opened). */
int64_t metadata_log_unsnapshot_bytes(const struct metadata_log *log);
int64_t metadata_log_snapshot_ms(const struct metadata_log *log);

/*
 * Write a snapshot of the image, whose records must all be in the log and
 * synced; then drop old snapshots, and segments that the oldest one left
 * covers.  Nothing is done when there is one of that offset.
 */
int metadata_log_snapshot(struct metadata_log *log, const struct image *image);

/*
 * bootstrap.checkpoint in the data directory: the records that a new cluster
 * starts with.  Reading gives -ENOENT when there is none, or -EBADMSG.
 */
int metadata_log_read_bootstrap(struct metadata_log *log,
				struct record_list *records);
int metadata_log_write_bootstrap(struct metadata_log *log,
				 const struct record_list *records);

#endif /* KBROKERD_METADATA_METADATA_LOG_H */
