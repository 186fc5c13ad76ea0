/*
 * leader_epoch.h - which leader epoch wrote what
 *
 * For each leader epoch the offset where it started, ascending in both, as
 * KIP-101 and KIP-320 ask for it.  In the file leader-epoch-checkpoint, in the
 * form that checkpoint.h draws, an entry is "<epoch> <start offset>".
 *
 * The file need not be newer than the recovery point: the batches beyond it
 * tell their epochs when they are recovered.
 */
#ifndef LOG_LEADER_EPOCH_H
#define LOG_LEADER_EPOCH_H

#include "base/buffer.h"
#include "log/vfs.h"

struct leader_epoch {
	int32_t epoch;
	int64_t start_offset;
};

struct leader_epochs {
	struct leader_epoch *entries;
	size_t count;
	size_t capacity;
	bool dirty; /* not as the file says */
};

/* All zeroes is an empty one. */
void leader_epochs_clear(struct leader_epochs *epochs);

/* Make room for one more entry.  Returns 0 or -ENOMEM. */
int leader_epochs_reserve(struct leader_epochs *epochs);

/*
 * epoch starts at offset: entries that contradict it go (an epoch as high, or
 * an offset as high).  Nothing changes when it is the latest epoch already
 * and starts no earlier.  Room must have been reserved.
 */
void leader_epochs_assign(struct leader_epochs *epochs, int32_t epoch,
			  int64_t start_offset);

/* The latest epoch, or -1. */
int32_t leader_epochs_latest(const struct leader_epochs *epochs);

/* The epoch that offset was written in, or -1. */
int32_t leader_epochs_of(const struct leader_epochs *epochs, int64_t offset);

/*
 * Where the largest known epoch not above epoch ends: the start of the next
 * one, or log_end_offset when epoch is the latest.  An epoch below all known
 * ones ends where the first starts.  -1 and -1 when that is not known.
 */
void leader_epochs_end_of(const struct leader_epochs *epochs, int32_t epoch,
			  int64_t log_end_offset, int32_t *epoch_out,
			  int64_t *end_offset_out);

/* Drop the epochs that start at or beyond end_offset. */
void leader_epochs_truncate_end(struct leader_epochs *epochs,
				int64_t end_offset);

/* Drop the epochs that end at or below start_offset; the one that holds it
 * starts there now. */
void leader_epochs_truncate_start(struct leader_epochs *epochs,
				  int64_t start_offset);

/* Read the file.  Returns 0 (none is empty), -EBADMSG, -ENOMEM or an error of
 * the file system. */
int leader_epochs_load(struct leader_epochs *epochs, struct vfs *vfs,
		       const char *path);

/* The text of the file, to the end of the buffer. */
void leader_epochs_format(const struct leader_epochs *epochs,
			  struct buffer *text);

#endif /* LOG_LEADER_EPOCH_H */
