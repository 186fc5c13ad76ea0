/*
 * assignment.h - sets of partitions: what a member owns, shall own, gives up
 *
 * Topics in the order of their ids, partitions ascending, none twice, no topic
 * without partitions: so sets are compared and split by walking both at once.
 */
#ifndef KBROKERD_GROUP_ASSIGNMENT_H
#define KBROKERD_GROUP_ASSIGNMENT_H

#include "base/arena.h"
#include "base/uuid.h"

struct assignment_topic {
	struct uuid id;
	int32_t *partitions;
	int32_t count;
};

struct assignment {
	struct assignment_topic *topics;
	int32_t count;
};

/*
 * Out of a list of messages.h that has a topic's id and its partitions, in any
 * order (all five of them have one shape): from outside, so it may name a
 * partition twice.  Negative ones are passed over.  The result lives in the
 * arena.  Returns 0 or -ENOMEM.
 */
int assignment_from_wire(struct arena *arena, const void *topics, int32_t count,
			 struct assignment *out);

/* The other way: a list for any of those messages, of a->count elements; or
 * NULL when out of memory.  Partitions are not copied. */
void *assignment_to_wire(struct arena *arena, const struct assignment *a);

/* A copy on the heap, for assignment_clear().  Returns 0 or -ENOMEM. */
int assignment_copy(const struct assignment *a, struct assignment *out);
void assignment_clear(struct assignment *a);

bool assignment_equal(const struct assignment *a, const struct assignment *b);
bool assignment_overlaps(const struct assignment *a,
			 const struct assignment *b);
bool assignment_has(const struct assignment *a, const struct uuid *topic_id,
		    int32_t partition);
/* The topic of that id in it, or NULL. */
const struct assignment_topic *assignment_topic(const struct assignment *a,
						const struct uuid *topic_id);
int32_t assignment_partition_count(const struct assignment *a);

/* What is in a and, if wanted, in b; else what is in a and not in b.  Returns
 * 0 or -ENOMEM. */
int assignment_split(struct arena *arena, const struct assignment *a,
		     const struct assignment *b, bool wanted,
		     struct assignment *out);

/* What is in either.  Returns 0 or -ENOMEM. */
int assignment_union(struct arena *arena, const struct assignment *a,
		     const struct assignment *b, struct assignment *out);

/* Only what keep says yes to.  Returns how many partitions went, or
 * -ENOMEM. */
int32_t assignment_filter(struct arena *arena, const struct assignment *a,
			  bool (*keep)(void *arg, const struct uuid *topic_id,
				       int32_t partition),
			  void *arg, struct assignment *out);

#endif /* KBROKERD_GROUP_ASSIGNMENT_H */
