/*
 * assignor_sticky.h - what the files of the sticky assignors share
 *
 * For assignor_sticky.c and assignor_trade.c only.
 */
#ifndef CLIENT_ASSIGNOR_STICKY_H
#define CLIENT_ASSIGNOR_STICKY_H

#include "client/assignor.h"

enum { STICKY_NOBODY = -1 };

/* One partition of one topic. */
struct sticky_item {
	int32_t owner;      /* index of a member, or STICKY_NOBODY */
	int32_t home;       /* who had it before: to move it on costs */
	int32_t generation; /* of the owner's claim */
	bool is_disputed;   /* claimed twice in that generation */
};

/* Topics that few want go first: others can give way to them. */
struct sticky_turn {
	size_t topic;
	size_t wanting; /* members */
};

struct sticky {
	const struct assignor_topic *topics;
	size_t topic_count;
	struct assignor_member *members;
	size_t member_count;

	size_t *first; /* of a topic: index of its partition 0 in items */
	struct sticky_item *items;
	size_t *loads; /* partitions of a member */
	bool *wants;   /* [topic][member] */
	struct sticky_turn *turns;
	size_t *order; /* of members, as assignor_compare_members() */
	bool uses_racks;
};

static inline bool *sticky_wants(const struct sticky *s, size_t topic)
{
	return s->wants + topic * s->member_count;
}

/* Do racks count, and has the item none in the member's? */
static inline bool sticky_is_far(const struct sticky *s, size_t topic,
				 size_t item, size_t member)
{
	return s->uses_racks &&
	       !assignor_is_near(&s->members[member], &s->topics[topic],
				 (int32_t)(item - s->first[topic]));
}

/* Give the item at that index to the member. */
void sticky_put(struct sticky *s, size_t at, int32_t member);

/*
 * Trade partitions until nothing is evener, nearer to its owner's rack, or
 * moved less, in this order of importance.  All items that anybody wants have
 * owners.  0 or -ENOMEM.
 */
int sticky_trade(struct sticky *s);

#endif /* CLIENT_ASSIGNOR_STICKY_H */
