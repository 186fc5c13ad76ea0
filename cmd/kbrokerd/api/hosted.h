/*
 * hosted.h - what requests about partitions have in common
 *
 * Looking a partition up, checking the leader epoch that a client knows, and
 * the error codes for what partition.h returns.
 */
#ifndef KBROKERD_API_HOSTED_H
#define KBROKERD_API_HOSTED_H

#include "kbrokerd/server/request.h"

struct image;
struct log;
struct partition;
struct partition_offsets;
struct topic_image;

/*
 * The partition, with a reference, in *p_out.  topic may be NULL.  Returns
 * WIRE_NONE, UNKNOWN_TOPIC_OR_PARTITION, or NOT_LEADER_OR_FOLLOWER when another
 * node has it.
 */
int16_t hosted_find(struct request *req, const struct image *image,
		    const struct topic_image *topic, int32_t index,
		    struct partition **p_out);

/*
 * Is this the leader epoch of which the client knows (KIP-320)?  -1 is not to
 * be checked.  Returns WIRE_NONE, FENCED_LEADER_EPOCH when ours is newer, or
 * UNKNOWN_LEADER_EPOCH when its is.
 */
int16_t hosted_check_epoch(const struct partition *p, int32_t known);

/* The wire error for what a function of partition.h has returned. */
int16_t hosted_error(int rc);

/*
 * Where leader epoch ends in the log: the end offset of the largest known one
 * that is not above it; -1 and -1 when that cannot be said.  The leader's own
 * epoch starts at the log end offset also when it has no records yet.  For
 * partition_with_log().
 */
void hosted_end_of_epoch(const struct log *log,
			 const struct partition_offsets *offsets, int32_t epoch,
			 int32_t *epoch_out, int64_t *end_offset_out);

#endif /* KBROKERD_API_HOSTED_H */
