/*
 * load.h - a shard from the batches of its log
 *
 * kbrokerd writes no transactional offsets, but a directory of Apache Kafka's
 * may hold some: they count from the marker that commits them on, and those
 * of open or aborted transactions never do.
 */
#ifndef KBROKERD_GROUP_LOAD_H
#define KBROKERD_GROUP_LOAD_H

#include "kbrokerd/group/shard.h"
#include "record/record.h"

struct pending_record;

struct group_load {
	struct group_shard *shard;
	struct record_iter *iter;
	struct pending_record *pending; /* of open transactions, newest first */
	int64_t records;                /* read so far */
	int64_t bad;                    /* those that could not be understood */
};

void group_load_init(struct group_load *load, struct group_shard *shard);
void group_load_clear(struct group_load *load);

/*
 * One whole batch, in the log's order.  Returns 0; -EBADMSG when the batch
 * cannot be read; -ENOMEM.  A record that cannot be understood is counted and
 * passed over.
 */
int group_load_batch(struct group_load *load, struct slice batch);

#endif /* KBROKERD_GROUP_LOAD_H */
