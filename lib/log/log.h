/*
 * log.h - the log of one partition on disk
 *
 * A directory <topic>-<n>/ of segments as Apache Kafka lays them out, each
 * named by its first offset in 20 digits: .log (record batches back to back),
 * .index, .timeindex, .txnindex; beside them .snapshot files of the
 * producers' state, leader-epoch-checkpoint and partition.metadata.
 *
 * Locking: a log is not thread safe but for log_slice_release() and the
 * middle of a sync.  Its owner holds one mutex around every other call; no
 * call made under it waits for the disk to sync.
 *
 * A log knows batches and offsets: not requests, topics or a high watermark.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include "base/bytes.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "log/vfs.h"
#include "record/batch.h"

struct log;
struct segment; /* counted: a slice holds one */

/* What a topic's configuration says about its logs; may change at run time. */
struct log_config {
	int64_t segment_bytes;
	int64_t segment_ms;
	int64_t segment_jitter_ms;
	int64_t index_interval_bytes;
	int64_t segment_index_bytes;
	int64_t flush_messages; /* these two are for whoever calls */
	int64_t flush_ms;       /* log_sync_begin(): a log never does */
	int64_t file_delete_delay_ms;
	bool preallocate; /* take a segment's room when it is made */
	int64_t producer_expiration_ms; /* producer.id.expiration.ms */
};

/* Kafka's defaults. */
extern const struct log_config log_config_default;

struct log_open {
	struct vfs *vfs;
	struct clock *clock;
	const char *dir;      /* made at the first append if missing */
	struct uuid topic_id; /* for partition.metadata; zero: none */
	struct log_config config;
	int64_t log_start_offset; /* from the checkpoint; 0 when unknown */
	int64_t recovery_point;   /* all below is known to be on disk */
	bool clean;               /* the last shutdown was a clean one */
};

/* What recovery found and did. */
struct log_recovery {
	int64_t scanned_bytes;
	int64_t truncated_bytes; /* torn tail that was cut */
	int32_t rebuilt_indexes;
};

/*
 * Open the log.  After a clean shutdown no record is read.  Else every
 * segment from the recovery point on is read: the first batch that is not
 * whole (size, CRC, order) ends the log there, indexes and producer state are
 * rebuilt.  Opening a directory that is not there yet gives an empty log that
 * starts at log_start_offset, and touches no disk.
 *
 * Returns 0, -EBADMSG when the directory holds what no crash leaves (records of
 * a format before record batches, a leader-epoch-checkpoint that cannot be
 * read), -EEXIST when partition.metadata names another topic, -ENOMEM, or an
 * error of the file system.  *recovery_out may be NULL.
 */
int log_open(const struct log_open *params, struct log **log_out,
	     struct log_recovery *recovery_out);

/*
 * Write what is pending (indexes, a producer snapshot at the end) and release
 * all.  sync says whether to sync too, as a clean shutdown must.  The log is
 * gone whatever is returned.  NULL does nothing.
 */
int log_close(struct log *log, bool sync);

void log_set_config(struct log *log, const struct log_config *config);

/* Offsets.  The log end offset is the one that the next record gets. */
int64_t log_start_offset(const struct log *log);
int64_t log_end_offset(const struct log *log);
int64_t log_recovery_point(const struct log *log);
int64_t log_size_bytes(const struct log *log);
/* Greatest timestamp in the log, -1 when there is none. */
int64_t log_max_timestamp_ms(const struct log *log);
/* Wall clock of the last append, -1 before the first since opening. */
int64_t log_last_append_ms(const struct log *log);
int32_t log_leader_epoch(const struct log *log); /* latest, or -1 */
size_t log_segment_count(const struct log *log);
/* Did writing or syncing fail for good?  It can only be read then. */
bool log_has_failed(const struct log *log);

/* How an append came out, when it is not plainly refused. */
struct log_appended {
	int64_t base_offset;
	int64_t last_offset;
	int64_t log_start_offset;
	int64_t log_append_time_ms; /* -1 under CreateTime */
	bool duplicate; /* sent before: base_offset is what it got then */
};

enum log_refusal {
	LOG_REFUSED_NOT,
	/* OUT_OF_ORDER_SEQUENCE_NUMBER: a gap, or older than the last 5 */
	LOG_REFUSED_SEQUENCE,
	LOG_REFUSED_EPOCH, /* INVALID_PRODUCER_EPOCH */
};

/*
 * Append one validated batch as its leader: check the producer's sequence,
 * give offsets from the log end offset on, patch base offset and leader epoch
 * in the caller's bytes, write, index.  header is the batch's, as validation
 * read it.  Rolls the segment first where it must.
 *
 * Returns 0; -ESTALE with *refusal_out when the producer's state refuses it;
 * -EMSGSIZE when it is larger than a segment; or an error of the file system
 * (-ENOSPC, -EIO ...), the log being as it was.
 */
int log_append(struct log *log, uint8_t *batch,
	       const struct batch_header *header, int32_t leader_epoch,
	       struct log_appended *appended_out,
	       enum log_refusal *refusal_out);

/*
 * Append batches that have their offsets and epochs already (a follower's,
 * the metadata log's snapshot loading).  They must start at or after the log
 * end offset.  Control batches are allowed.  Errors as log_append(), and
 * -EBADMSG when batches are malformed or go back; those before the one at fault
 * are appended then.
 */
int log_append_as_follower(struct log *log, struct slice batches);

/*
 * As log_append() for control batches and such as a coordinator writes
 * itself, without sequence check.
 */
int log_append_internal(struct log *log, uint8_t *batch,
			const struct batch_header *header, int32_t leader_epoch,
			struct log_appended *appended_out);

/* Bytes of a segment file, for sendfile(2). */
struct log_slice {
	struct segment *segment; /* a reference; NULL when len is 0 */
	int fd;                  /* the segment's, open while referenced */
	int64_t position;
	size_t len;
};

/* Any thread may give the reference back.  An empty slice is allowed. */
void log_slice_release(struct log_slice *slice);
/* Any thread; takes one more. */
void log_slice_retain(struct log_slice *slice);

/*
 * Where to read from offset on: from the start of the batch that holds
 * offset, at most max_bytes, within one segment, nothing at or beyond
 * end_offset (the high watermark or last stable offset; a batch boundary).
 * The last batch may be cut by max_bytes, but never the first: with
 * at_least_one it is given whole however large, without the slice is empty
 * then.  Also empty when offset is end_offset.
 *
 * Returns 0, -ERANGE when offset is below the log start offset or beyond the
 * log end offset, -ENOMEM or an error of the file system.
 */
int log_read(struct log *log, int64_t offset, size_t max_bytes,
	     int64_t end_offset, bool at_least_one,
	     struct log_slice *slice_out);

/*
 * How many bytes of batches lie between two offsets, roughly (to the index's
 * grain): what a long poll adds up.
 */
int64_t log_bytes_between(const struct log *log, int64_t from_offset,
			  int64_t to_offset);

struct log_time_offset {
	int64_t timestamp_ms; /* -1: none found */
	int64_t offset;       /* -1: none found */
	int32_t leader_epoch; /* -1: unknown */
};

/*
 * Looking up a time in two steps, so that nothing is unpacked under the lock.
 * The first finds the first batch, from from_offset on and beginning below
 * end_offset, that can hold a record of target_ms or later: all of it in
 * *slice_out, with a reference, or an empty slice.  Then log_search_batch(),
 * on any thread and without the lock, finds its first such record at or above
 * from_offset; when there is none (found_out->offset is -1) the search goes on
 * at *next_offset_out.  Both return 0, -ENOMEM, -EBADMSG or an error of the
 * file system.
 */
int log_batch_for_time(struct log *log, int64_t target_ms, int64_t from_offset,
		       int64_t end_offset, struct log_slice *slice_out);
int log_search_batch(const struct log_slice *slice, int64_t target_ms,
		     int64_t from_offset, struct log_time_offset *found_out,
		     int64_t *next_offset_out);

/* The greatest timestamp that a record has, -1: none.  Unlike
 * log_max_timestamp_ms() it tells errors. */
int log_greatest_time(struct log *log, int64_t *timestamp_ms_out);

/* The first record below end_offset whose timestamp is target_ms or later. */
int log_offset_for_time(struct log *log, int64_t target_ms, int64_t end_offset,
			struct log_time_offset *found_out);

/* The record with the greatest timestamp; the first if there are several. */
int log_offset_of_max_timestamp(struct log *log,
				struct log_time_offset *found_out);

/* The leader epoch that offset was written in, or -1. */
int32_t log_epoch_of(const struct log *log, int64_t offset);

/*
 * The end offset of the largest epoch that is not above epoch (KIP-320):
 * epoch -1 and offset -1 when there is none.
 */
void log_end_offset_of_epoch(const struct log *log, int32_t epoch,
			     int32_t *epoch_out, int64_t *end_offset_out);

/* A new leader epoch starts at the log end offset. */
int log_start_epoch(struct log *log, int32_t epoch);

/*
 * Syncing without the lock: begin under the lock, run without it, end under
 * it again.  begin returns 0 with nothing to do, 1 with *sync_out to run, or
 * a negative errno.  After end with 0 log_recovery_point() covers what was
 * there at begin.  When records or names could not be synced that is not to be
 * retried, the pages may be gone: appends and syncs of this log are -EIO from
 * then on, and log_has_failed().  When only a small file could not be written
 * (-ENOSPC), or a file not be opened (-EMFILE, -ENFILE, -ENOMEM), the next sync
 * tries again.  Begin and end belong together: a log is not closed in between.
 */
struct log_sync;
int log_sync_begin(struct log *log, struct log_sync **sync_out);
int log_sync_run(struct log_sync *sync);
int64_t log_sync_offset(const struct log_sync *sync);
void log_sync_end(struct log *log, struct log_sync *sync, int rc);

/* All three, for whoever holds no lock. */
int log_sync(struct log *log);

/* Are there files of dropped segments yet, that a sync is to remove when
 * file_delete_delay_ms is over? */
bool log_has_garbage(const struct log *log);

/* Records below offset are gone for readers; whole segments go, later their
 * files.  Returns 0, -ERANGE beyond the end, or an error of the file system
 * when a file could not be renamed; its records are gone all the same. */
int log_set_start_offset(struct log *log, int64_t offset);

/* Drop records from offset on: indexes, epochs and producers follow. */
int log_truncate(struct log *log, int64_t offset);

/* Drop everything; the log is empty and starts at offset. */
int log_truncate_fully(struct log *log, int64_t offset);

/* Start a new segment now, if the active one holds anything. */
int log_roll(struct log *log);

/*
 * Retention, as a pure decision over what the segments say and then the deed:
 * drop old segments by time and size (-1: no limit), never the active one's
 * records unless all of it is too old, never beyond end_offset.  Returns how
 * many segments went, or an error.
 */
int log_apply_retention(struct log *log, int64_t retention_ms,
			int64_t retention_bytes, int64_t end_offset,
			int64_t now_ms);

/* Forget producers that were silent for producer_expiration_ms. */
void log_expire_producers(struct log *log, int64_t now_ms);

/* What is known of an active producer, for DescribeProducers. */
struct log_producer {
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t last_sequence;
	int64_t last_timestamp_ms;
	int32_t coordinator_epoch;        /* -1 */
	int64_t current_txn_start_offset; /* -1 */
};
void log_each_producer(const struct log *log,
		       void (*on_producer)(void *arg,
					   const struct log_producer *p),
		       void *arg);

#endif /* LOG_LOG_H */
