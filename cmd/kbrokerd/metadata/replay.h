/*
 * replay.h - read snapshot and log of the metadata, batch by batch
 */
#ifndef KBROKERD_METADATA_REPLAY_H
#define KBROKERD_METADATA_REPLAY_H

#include "kbrokerd/metadata/image_edit.h"
#include "record/record.h"

/*
 * Metadata transactions (BeginTransactionRecord and such) are seen to here:
 * what stands in one counts when it ends, and never when it is aborted.
 */
struct replay {
	struct image *image;  /* as of the last record */
	struct image *before; /* as of the begin of a transaction; NULL: none */
	struct record_iter *records;
	struct arena scratch;
	int64_t offset; /* of the last record; -1 before the first */
	int32_t epoch;
	int64_t timestamp_ms;
	int64_t snapshot_timestamp_ms; /* what its header says */
	bool snapshot_ended;           /* its footer has been seen */
	const char *problem; /* what is wrong, in words, with -EBADMSG */
};

/* Start from nothing.  Returns 0 or -ENOMEM. */
int replay_init(struct replay *r);
void replay_clear(struct replay *r);

/*
 * Apply whole batches, back to back.  Offsets below from_offset are passed
 * over.  Returns 0; -EBADMSG with a text in problem; -ENOTSUP for a record of
 * a later Kafka; -ENOMEM.
 */
int replay_batches(struct replay *r, struct slice batches, int64_t from_offset);

/* Is a transaction open?  Its end may never come: abort it in the log. */
bool replay_in_transaction(const struct replay *r);

/* The image, ended at the last record; the caller's now.  -EBADMSG. */
int replay_take(struct replay *r, struct image **image_out);

#endif /* KBROKERD_METADATA_REPLAY_H */
