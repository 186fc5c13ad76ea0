/*
 * assign.h - server-side assignors: which member shall read which partition
 *
 * Pure: a task in, an owner of each partition out.  All of it lies in the
 * caller's arena.  Members are numbered in the order given; so are topics and
 * sets of topics.  Each assignor costs about members + partitions, and in a
 * group whose members want different topics, members times topics.
 */
#ifndef KBROKERD_GROUP_ASSIGN_H
#define KBROKERD_GROUP_ASSIGN_H

#include "kbrokerd/group/assignment.h"

/* In the order of their ids. */
struct assign_topic {
	struct uuid id;
	int32_t partition_count;
	int32_t first; /* its partition 0's place in owner[] */
};

/* Topics that members want: numbers of topics, ascending. */
struct assign_set {
	const int32_t *topics;
	int32_t count;
};

struct assign_member {
	struct slice id;
	struct slice instance_id; /* null: a dynamic one */
	int32_t set;
	const struct assignment *before; /* its share so far */
	struct assignment after;         /* the answer */
};

struct assign_task {
	struct arena *arena;
	struct assign_topic *topics;
	int32_t topic_count;
	/* No two the same: one set means that all want the same. */
	struct assign_set *sets;
	int32_t set_count;
	struct assign_member *members;
	int32_t member_count;
	/* Of the topics' partitions, by assign_run(): a member or -1. */
	int32_t *owner;
	int32_t partition_count;
};

struct assignor {
	const char *name;
	/* Sets owner[] anew.  Returns 0 or -ENOMEM. */
	int (*assign)(struct assign_task *task);
};

/* By name: "uniform", "range"; NULL when there is none. */
const struct assignor *assignor_find(struct slice name);

/*
 * Let it share out the task's topics: sets each member's `after`.  What stays
 * where it was is up to the assignor; uniform moves as little as balance
 * allows.  Returns 0 or -ENOMEM.
 */
int assign_run(const struct assignor *assignor, struct assign_task *task);

/* For the assignors: does that member want that topic? */
bool assign_wants(const struct assign_task *task, int32_t member,
		  int32_t topic);

int assign_uniform(struct assign_task *task);
int assign_range(struct assign_task *task);

/* A uniform one's second half, when sets differ: owner[] has what stays. */
int assign_balance(struct assign_task *task);

#endif /* KBROKERD_GROUP_ASSIGN_H */
