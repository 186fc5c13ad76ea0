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
struct consumer_group_describe_response_groups;
struct describe_groups_response_groups;
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
	struct group *next_doubtful; /* see group_drop_if_void() */
	bool is_doubtful;
};

struct group *group_find(const struct group_shard *shard, struct slice id);

/* The group, made when there is none: NULL is out of memory. */
struct group *group_get(struct group_shard *shard, struct slice id);

/* Free it and all it has; who waits is answered error.  For the shard. */
void group_free(struct group *group, int16_t error);

/* Free it if nothing keeps it: no members, no offsets, no protocol's state.
 * While changes are applied that is put off until all are. */
void group_drop_if_void(struct group *group);

/* Kafka's names: "Empty", "Dead", "Stable", "PreparingRebalance" ... */
const char *group_state(const struct group *group);
const char *group_type(const struct group *group); /* "classic" "consumer" */
/* "consumer" for most, "" for one without members so far. */
const char *group_protocol_type(const struct group *group);
bool group_has_members(const struct group *group);
int32_t group_member_count(const struct group *group);

/* Does it read that topic by a subscription, so that its offsets stay? */
bool group_subscribes(const struct group *group, struct slice topic);

/* May this member commit offsets, or read them?  An error code; see
 * classic_check_commit(), consumer_check_fetch(). */
int16_t group_check_commit(struct group *group, struct slice member_id,
			   struct slice instance_id, int32_t generation,
			   int16_t version);
int16_t group_check_fetch(struct group *group, struct slice member_id,
			  int32_t epoch);

/* Wall ms since when it is empty; -1: it is not, or that is not known. */
int64_t group_empty_since(const struct group *group);

/* Records that make what the protocol keeps go; not its offsets. */
void group_delete(const struct group *group, struct group_changes *changes);

/* Fill in what its protocol knows; it is of that type.  0 or -ENOMEM. */
int group_describe_classic(const struct group *group, struct arena *arena,
			   struct describe_groups_response_groups *out);
int group_describe_modern(const struct group *group, struct arena *arena,
			  struct consumer_group_describe_response_groups *out);

/* For the shard: free what was put off. */
void group_drop_doubtful(struct group_shard *shard);

/* For the shard: its records are all loaded; there are other topics. */
void group_loaded(struct group *group);
void group_topics_changed(struct group *group);

#endif /* KBROKERD_GROUP_GROUP_H */
