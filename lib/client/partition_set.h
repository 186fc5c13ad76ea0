/*
 * partition_set.h - partitions of topics, by name
 *
 * What a member has, is to have, is to give up.  A set is sorted by topic,
 * partition and topic id; it owns its names.  Running out of memory is
 * remembered in failed, as by a buffer: fill, sort, then look once.
 */
#ifndef CLIENT_PARTITION_SET_H
#define CLIENT_PARTITION_SET_H

#include "base/arena.h"
#include "client/group_member.h"

struct partition_set {
	struct group_partition *items;
	size_t count;
	size_t capacity;
	struct arena names;
	bool failed;
};

/* All zeroes is an empty set. */
void partition_set_clear(struct partition_set *set);
/* Empty it, keep the memory. */
void partition_set_reset(struct partition_set *set);

/* Append; the set is one again after partition_set_sort(). */
void partition_set_add(struct partition_set *set, struct slice topic,
		       int32_t partition, struct uuid topic_id);
/* Sort, and keep one of equal ones. */
void partition_set_sort(struct partition_set *set);

/* Does it have that partition, under whatever topic id? */
bool partition_set_has(const struct partition_set *set, const char *topic,
		       int32_t partition);
/* The same partition of the same topic id? */
bool partition_set_has_item(const struct partition_set *set,
			    const struct group_partition *item);
bool partition_set_equal(const struct partition_set *a,
			 const struct partition_set *b);

/* How many items from i on are of one topic name? */
size_t partition_set_run(const struct partition_set *set, size_t i);

/* out, another set, becomes: a copy; what a has and b has not; all of both. */
void partition_set_copy(const struct partition_set *from,
			struct partition_set *out);
void partition_set_minus(const struct partition_set *a,
			 const struct partition_set *b,
			 struct partition_set *out);
void partition_set_union(const struct partition_set *a,
			 const struct partition_set *b,
			 struct partition_set *out);
/* from becomes empty. */
void partition_set_move(struct partition_set *from, struct partition_set *out);
/* Take b's items out of a. */
void partition_set_remove(struct partition_set *a,
			  const struct partition_set *b);

#endif /* CLIENT_PARTITION_SET_H */
