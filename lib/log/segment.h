/*
 * segment.h - one segment of a log: a file of batches and its two indexes
 *
 * <base offset>.log holds record batches back to back.  The last segment of a
 * log is active: it is appended to, its file is open and its indexes are in
 * memory.  The others are sealed: their files are opened when somebody reads,
 * and their indexes are searched on disk.
 *
 * A segment is counted.  Who holds a reference may use the descriptor (any
 * thread); everything else belongs to the log, under its lock.  A segment that
 * the log has let go of keeps its descriptor until the last reader is done,
 * whatever has become of the file.
 */
#ifndef LOG_SEGMENT_H
#define LOG_SEGMENT_H

#include <stdatomic.h>

#include "base/limits.h"
#include "log/log.h"
#include "log/offset_index.h"
#include "log/time_index.h"

/* A segment's files never grow beyond what their indexes can say. */
#define SEGMENT_BYTES_MAX ((int64_t)INT32_MAX)

/* max_timestamp_ms before anybody looked. */
#define TIMESTAMP_UNKNOWN INT64_MIN

struct segment {
	atomic_int references;
	int fd; /* -1: closed */
	struct vfs *vfs;
	const char *dir; /* the log's: not to be used once it let go */
	int64_t base_offset;
	int64_t size;
	int64_t synced_size;
	int64_t max_timestamp_ms;     /* -1: no batch has one */
	int64_t max_timestamp_offset; /* last offset of the batch that has it */
	int64_t first_timestamp_ms;   /* of the first batch, for rolling */
	int64_t created_ms;
	int64_t jitter_ms;
	int64_t unindexed_bytes; /* since the last index entry */
	struct offset_index offsets;
	struct time_index times;
	uint64_t last_used; /* the log's count of reads */
	bool sealed;
	bool reserved; /* has room beyond its end */
	bool resident; /* the indexes are in memory */
	bool indexes_synced;
};

/* Suffixes of a segment's files. */
#define SUFFIX_LOG        ".log"
#define SUFFIX_INDEX      ".index"
#define SUFFIX_TIME_INDEX ".timeindex"
#define SUFFIX_TXN_INDEX  ".txnindex"
#define SUFFIX_SNAPSHOT   ".snapshot"

/* Writes "<dir>/<offset in 20 digits><suffix>".  Returns 0 or
 * -ENAMETOOLONG. */
int segment_path(char path[PATH_BYTES_MAX], const char *dir, int64_t offset,
		 const char *suffix);

/* A closed, empty, active one with one reference; NULL when out of memory. */
struct segment *segment_new(struct vfs *vfs, const char *dir,
			    int64_t base_offset);

/* One more reference. */
static inline struct segment *segment_retain(struct segment *s)
{
	atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
	return s;
}

/* Gives a reference back; the last closes the file and frees.  NULL does
 * nothing. */
void segment_release(struct segment *s);

/* Make the file, empty: what is there is lost.  Takes room for reserve_bytes,
 * where the file system can, until it is sealed.  Returns 0 or an error,
 * -ENOSPC also when there is not so much room. */
int segment_create(struct segment *s, int64_t reserve_bytes);

/* Open the file if it is not open, and learn its size.  Returns 0 or an
 * error of the file system. */
int segment_open_file(struct segment *s);

/* Close the file of a sealed segment that nobody else holds. */
void segment_close_file(struct segment *s);

/*
 * Write size bytes to the end, and index them.  header is that of the batch.
 * Returns 0, or an error of the file system with the segment as it was, or
 * -EIO with *broken_out set when the file could not be cut back.
 */
int segment_append(struct segment *s, const uint8_t *batch,
		   const struct batch_header *header,
		   int64_t index_interval_bytes, bool *broken_out);

/*
 * What indexes and timestamps learn of a batch that stands at position, be it
 * appended now or found by recovery.
 */
void segment_note_batch(struct segment *s, const struct batch_header *header,
			int64_t position, int64_t index_interval_bytes);

/*
 * No more appends: the last time index entry is added and the indexes are
 * written.  When that fails they stay in memory, to be written later.
 */
int segment_seal(struct segment *s);

/* Write what the index files lack; frees the memory of a sealed segment's
 * indexes.  Returns 0 or an error of the file system. */
int segment_flush_indexes(struct segment *s);

/* Read the indexes of the active segment into memory, as far as they make
 * sense.  Missing files make empty ones. */
int segment_load_indexes(struct segment *s);

/* Forget both indexes, in memory and with the next flush on disk. */
void segment_reset_indexes(struct segment *s);

/* Where to start reading for offset, from the offset index. */
int segment_lookup(struct segment *s, int64_t offset,
		   struct offset_position *found_out);

/* The time index entry at or below target_ms, or -1. */
int segment_lookup_time(struct segment *s, int64_t target_ms,
			struct time_offset *found_out);

/*
 * The greatest timestamp in the segment and the last offset of its batch,
 * found out if not known: -1 when there is none.
 */
int segment_max_timestamp(struct segment *s, struct time_offset *max_out);

/* The first batch's greatest timestamp, -1 when empty or without. */
int segment_first_timestamp(struct segment *s, int64_t *timestamp_out);

/* Rename the segment's files to <name>.deleted, those that there are. */
int segment_mark_deleted(struct vfs *vfs, const char *dir, int64_t base_offset);

/* Remove what segment_mark_deleted() left. */
int segment_unlink_deleted(struct vfs *vfs, const char *dir,
			   int64_t base_offset);

/*
 * Walks batch headers by reading small windows of the file, which must be
 * open.  window is the caller's, of at least BATCH_HEADER_BYTES.
 */
struct batch_cursor {
	struct segment *segment;
	int64_t position; /* of the batch in header, after a 1 */
	int64_t next;     /* where the next one begins */
	int64_t end;
	struct batch_header header;
	uint8_t *window;
	size_t window_bytes;
	int64_t window_at;
	size_t window_len;
};

/* About what lies between two entries of an index: mostly one read will do. */
enum { BATCH_WINDOW_BYTES = 4096 + 512 };

void batch_cursor_init(struct batch_cursor *c, struct segment *s,
		       int64_t position, int64_t end, uint8_t *window,
		       size_t window_bytes);

/* Returns 1 with the next header; 0 at the end; -EBADMSG when what follows is
 * no header of a batch that ends before the end; or an error of the file
 * system. */
int batch_cursor_next(struct batch_cursor *c);

#endif /* LOG_SEGMENT_H */
