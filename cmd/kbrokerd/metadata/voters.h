/*
 * voters.h - who votes, as the log of the metadata says it (KIP-853)
 *
 * At kraft.version 0 the voters are those of the settings, and the log says
 * nothing.  From 1 on two control records say it, KRaftVersionRecord and
 * VotersRecord; here with this node as the only voter.
 */
#ifndef KBROKERD_METADATA_VOTERS_H
#define KBROKERD_METADATA_VOTERS_H

#include "base/buffer.h"
#include "kbrokerd/metadata/image_edit.h"

/* The only one.  Its endpoints are those that it has registered as a
 * controller in the image. */
struct voter {
	int32_t node_id;
	struct uuid directory_id;
};

/* Append the batch with both records to out.  Returns 0 or -ENOMEM. */
int voters_batch(const struct voter *voter, const struct image *image,
		 int64_t base_offset, int32_t epoch, int64_t now_ms,
		 struct buffer *out);

/* Keep what they say in the image.  Returns 0 or -ENOMEM. */
int voters_keep(const struct voter *voter, struct image *image);

/* Does the image say that others than this node vote, or none? */
bool voters_are_others(const struct image *image, int32_t node_id);

#endif /* KBROKERD_METADATA_VOTERS_H */
