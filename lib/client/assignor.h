/*
 * assignor.h - who reads what: the assignors that run in a client
 *
 * The leader of a classic group gives the partitions of all topics to the
 * members that subscribe to them.  range, roundrobin, sticky and
 * cooperative-sticky are those of the Java client and of librdkafka: groups of
 * different clients understand each other's subscriptions and user data.
 * All but roundrobin look at racks (KIP-881): a member that names its rack is
 * given partitions that have a replica there, as far as the shares stay even.
 * Pure: from topics and members to assignments.
 */
#ifndef CLIENT_ASSIGNOR_H
#define CLIENT_ASSIGNOR_H

#include "client/partition_set.h"

/* Where the replicas of a partition are: sorted, each once. */
struct assignor_racks {
	const char *const *names;
	size_t count;
};

struct assignor_topic {
	const char *name;
	int32_t partition_count;
	const struct assignor_racks *racks; /* of each partition; or NULL */
};

struct assignor_member {
	const char *id;
	const char *instance_id;   /* NULL for a dynamic member */
	const char *const *topics; /* sorted, each once */
	size_t topic_count;
	const char *rack; /* NULL or "" for none */
	/* What it says it has, for those that stick; as of generation, -1 for
	 * none. */
	struct partition_set owned;
	int32_t generation;

	struct partition_set assignment; /* the result */
};

struct assignor {
	const char *name;
	/*
	 * A partition that moves is given to nobody until its owner has given
	 * it up and the group has met again (KIP-429).
	 */
	bool is_cooperative;
	/* Members tell what they had last time, in their user data. */
	bool is_sticky;
	/* topics are sorted by name.  Fills in assignment; 0 or -ENOMEM. */
	int (*assign)(const struct assignor_topic *topics, size_t topic_count,
		      struct assignor_member *members, size_t member_count);
};

/* By name ("range"), or NULL. */
const struct assignor *assignor_by_name(struct slice name);

/* "range, roundrobin, ...", to tell. */
const char *assignor_names(void);

/* For assignor*.c. */

/* The order of members: static ones first, by instance id, then by id. */
int assignor_compare_members(const struct assignor_member *a,
			     const struct assignor_member *b);
bool assignor_subscribes(const struct assignor_member *member,
			 const char *topic);
/* Is a replica of the partition in the member's rack, if it names one? */
bool assignor_is_near(const struct assignor_member *member,
		      const struct assignor_topic *topic, int32_t partition);
/*
 * Do racks tell anything here: has a member one that has a replica, and are
 * the replicas not of all partitions in the same racks?
 */
bool assignor_uses_racks(const struct assignor_topic *topics,
			 size_t topic_count,
			 struct assignor_member *const *members,
			 size_t member_count);
/* The members in their order, to free(); NULL on no memory. */
struct assignor_member **assignor_in_order(struct assignor_member *members,
					   size_t count);
void assignor_give(struct assignor_member *member, const char *topic,
		   int32_t partition);
/* Assignments are sets again, or -ENOMEM. */
int assignor_finish(struct assignor_member *members, size_t count);

int assignor_assign_range(const struct assignor_topic *topics,
			  size_t topic_count, struct assignor_member *members,
			  size_t member_count);
int assignor_assign_sticky(const struct assignor_topic *topics,
			   size_t topic_count, struct assignor_member *members,
			   size_t member_count);
int assignor_assign_cooperative(const struct assignor_topic *topics,
				size_t topic_count,
				struct assignor_member *members,
				size_t member_count);

#endif /* CLIENT_ASSIGNOR_H */
