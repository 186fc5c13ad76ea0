/*
 * quorum.h - the quorum of one: this node leads, and what is on disk is
 * committed
 *
 * Each start is a new epoch with a LeaderChangeMessage at its front, as in
 * Kafka.  Belongs to one thread.
 */
#ifndef KBROKERD_METADATA_QUORUM_H
#define KBROKERD_METADATA_QUORUM_H

#include "kbrokerd/metadata/metadata.h"
#include "kbrokerd/metadata/record_list.h"

struct quorum;

/*
 * Open the log, become leader, let a new cluster have its first records,
 * register this node.  *image_out is the caller's.  Returns 0, or a negative
 * errno with a text in error; -EINVAL when the log belongs to others.
 */
int quorum_start(const struct metadata_params *params,
		 struct quorum **quorum_out, const struct image **image_out,
		 char *error, size_t error_size);

/* Write a snapshot of the image if that is worth it, and close.  NULL does
 * nothing. */
int quorum_stop(struct quorum *q, const struct image *image);

int32_t quorum_epoch(const struct quorum *q);

/* Offset that the next record gets. */
int64_t quorum_next_offset(const struct quorum *q);

/*
 * Append records first to end - 1 as one batch, which counts as a whole or
 * not at all.  Nothing is committed until quorum_commit().
 */
int quorum_append(struct quorum *q, const struct record_list *records,
		  size_t first, size_t end, int64_t now_ms);

/*
 * Append that the voters are in the log from here on, kraft.version 1, and
 * keep that in the image; or only keep it, in one that is made once more.
 */
int quorum_append_voters(struct quorum *q, struct image *image, int64_t now_ms);
int quorum_keep_voters(const struct quorum *q, struct image *image);

/*
 * Commit all that was appended since the last commit; the first time, in a new
 * cluster, also what it started with.  On failure, here or
 * in quorum_append(), quorum_take_back() drops it; when even that fails, or
 * the disk did not sync, the quorum is dead: every later append is -EIO.  But
 * when the disk was full it is tried again from what was committed: until
 * there is room every append is -ENOSPC.
 */
int quorum_commit(struct quorum *q);
void quorum_take_back(struct quorum *q);

/*
 * Write a snapshot when enough has happened since the last one, or it is old.
 * One that fails is tried again a minute later.
 */
void quorum_snapshot_if_due(struct quorum *q, const struct image *image,
			    int64_t now_ms);

/* When the next one is due (wall clock, ms) if nothing else happens;
 * INT64_MAX: never. */
int64_t quorum_snapshot_due_ms(const struct quorum *q);

#endif /* KBROKERD_METADATA_QUORUM_H */
