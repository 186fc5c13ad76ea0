/*
 * coordinator.h - the group coordinator of one broker
 *
 * A shard for each partition of __consumer_offsets that this node leads,
 * locked one by one.  A shard is loaded on a thread of its own kind; another
 * one runs what is due.  Shards live as long as the coordinator, hosted or not.
 *
 * Locks, in the order in which they may be taken: a shard's, the
 * coordinator's, a partition's.
 */
#ifndef KBROKERD_GROUP_COORDINATOR_H
#define KBROKERD_GROUP_COORDINATOR_H

#include "kbrokerd/group/group.h"

struct broker;
struct coordinator;
struct coordinator_shard;
struct partition;

/*
 * Follow the broker's metadata and load what it leads, in the background.  Its
 * metadata, partitions and configuration outlive it, but the metadata must have
 * stopped before it is freed, also when this fails: *c_out is then to be freed
 * all the same.  Returns 0 or a negative errno.
 */
int coordinator_new(struct broker *broker, struct coordinator **c_out);

/* Stop the threads, which use the metadata: nothing is loaded any more, nothing
 * is done when it is due.  NULL does nothing. */
void coordinator_stop(struct coordinator *c);

/* Free what was stopped; asks that wait are answered NOT_COORDINATOR, which
 * must not be told to requests any more.  NULL does nothing. */
void coordinator_free(struct coordinator *c);

/* What it was told; valid as long as it. */
const struct group_settings *coordinator_settings(const struct coordinator *c);

/*
 * The shard of a group, locked, with the newest topics and the time set.
 * Returns WIRE_NONE, or what to answer instead: NOT_COORDINATOR,
 * COORDINATOR_LOAD_IN_PROGRESS.
 */
int16_t coordinator_enter(struct coordinator *c, struct slice group_id,
			  struct coordinator_shard **shard_out);

/* The same by number, below coordinator_shard_count(), which is the number of
 * partitions of __consumer_offsets. */
int16_t coordinator_enter_at(struct coordinator *c, size_t i,
			     struct coordinator_shard **shard_out);
size_t coordinator_shard_count(struct coordinator *c);

/* The core of one that was entered. */
struct group_shard *coordinator_core(struct coordinator_shard *shard);

/* The partition of its log, with a reference for the caller; while entered. */
struct partition *coordinator_log(struct coordinator_shard *shard);

/* Unlock it, and have what was appended synced. */
void coordinator_leave(struct coordinator_shard *shard);

/* Drop an ask that may wait there; not while entered. */
void coordinator_drop(struct coordinator_shard *shard, struct group_ask *ask);

#endif /* KBROKERD_GROUP_COORDINATOR_H */
