/*
 * snapshot.h - an image as a file: Kafka's checkpoints
 *
 *	<end offset, 20 digits>-<epoch, 10 digits>.checkpoint
 *
 * holds what the records below the end offset have made, as record batches
 * whose offsets count from 0: a control batch with a SnapshotHeaderRecord
 * (and, where voters can change, the quorum's own records), metadata records,
 * a control batch with a SnapshotFooterRecord.  While it is written it has
 * .part behind its name; what has no footer is not whole.
 */
#ifndef KBROKERD_METADATA_SNAPSHOT_H
#define KBROKERD_METADATA_SNAPSHOT_H

#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/record_list.h"

struct snapshot_id {
	int64_t end_offset;
	int32_t epoch;
};

enum { SNAPSHOT_NAME_BYTES = 64 };

void snapshot_name(struct snapshot_id id, char name[SNAPSHOT_NAME_BYTES]);

/* Returns 0, or -EINVAL when it is no snapshot's name. */
int snapshot_parse_name(const char *name, struct snapshot_id *id_out);

/* Append the file's bytes to out.  Returns 0 or -ENOMEM. */
int snapshot_encode(const struct image *image, int64_t now_ms,
		    struct buffer *out);

/* The same for records that no log contains yet (bootstrap.checkpoint). */
int snapshot_encode_records(const struct record_list *records, int64_t now_ms,
			    struct buffer *out);

#endif /* KBROKERD_METADATA_SNAPSHOT_H */
