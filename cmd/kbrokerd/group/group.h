/*
 * group.h - one group: its offsets, and its members by either protocol
 *
 * A group exists while it has members or offsets.  One that was only ever
 * committed to is an empty classic group.  What a protocol keeps is its own
 * and opaque to the others: classic.h, consumer.h.
 */
#ifndef KBROKERD_GROUP_GROUP_H
#define KBROKERD_GROUP_GROUP_H

#include "kbrokerd/group/ask.h"
#include "kbrokerd/group/shard.h"

struct classic_group;
struct consumer_group;
struct group_offset;

struct group {
	UT_hash_handle hh;
	struct group_shard *shard;
	struct slice id;               /* its own memory */
	struct classic_group *classic; /* one of both at most: */
	struct consumer_group *consumer;
	struct group_offset *offsets; /* uthash by topic and partition */
	uint32_t offset_count;
	/* Behind the newest record about it: what a reader of it waits for. */
	int64_t offset;
};

struct group *group_find(const struct group_shard *shard, struct slice id);

/* The group, made when there is none: NULL is out of memory. */
struct group *group_get(struct group_shard *shard, struct slice id);

/* Free it if nothing keeps it: no members, no offsets, no protocol's state. */
void group_drop_if_void(struct group *group);

/* Kafka's names: "Empty", "Dead", "Stable", "PreparingRebalance" ... */
const char *group_state(const struct group *group);
const char *group_type(const struct group *group); /* "classic" "consumer" */
bool group_has_members(const struct group *group);

/* Does it read that topic by a subscription, so that its offsets stay? */
bool group_subscribes(const struct group *group, struct slice topic);

#endif /* KBROKERD_GROUP_GROUP_H */
