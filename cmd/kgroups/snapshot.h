/*
 * snapshot.h - groups, their members and offsets at one moment
 *
 * Committed offsets are read first and ends of partitions after, so that no
 * commit can be beyond the end it is compared with.
 */
#ifndef KGROUPS_SNAPSHOT_H
#define KGROUPS_SNAPSHOT_H

#include "client/admin_groups.h"
#include "kgroups/groups.h"

/* A group and a partition that it has committed for, or that a member has. */
struct position {
	size_t group; /* index in the snapshot */
	const char *topic;
	int32_t partition;
	int64_t committed; /* -1: nothing */
	int32_t leader_epoch;
	struct slice metadata;
	int64_t start, end; /* -1: not known */
	int16_t code;       /* WIRE_NONE, or why they are not */
	int64_t record_ms;  /* timestamp of the next record; -1: not known */
	const struct admin_member *member; /* that has it, or NULL */
};

struct snapshot {
	int64_t at_ms; /* wall clock, as the ends were read */
	int64_t at_us; /* monotonic */
	struct admin_answers answers;
	struct admin_group_info *groups;
	size_t group_count;
	struct position *items; /* by group, topic and partition */
	size_t count;
};

enum {
	SNAPSHOT_TIMES = 1, /* record_ms of partitions with lag: costs reads */
	SNAPSHOT_NO_ENDS = 2, /* neither start nor end */
};

/*
 * Nothing is said: a group that cannot be told has its code.  Returns 0, or a
 * negative errno with *error told.  snapshot_clear() either way.
 */
int snapshot_take(struct kgroups *k, const struct group_list *names,
		  const struct topic_choices *choices, unsigned flags,
		  struct snapshot *s, struct client_error *error);
void snapshot_clear(struct snapshot *s);

/* The position of the group, or NULL. */
struct position *snapshot_find(const struct snapshot *s, size_t group,
			       const char *topic, int32_t partition);

/* Is there nothing of it: no members, no offsets? */
bool snapshot_lacks(const struct snapshot *s, size_t group);

/* Is there any position of it, committed or not? */
bool snapshot_has_positions(const struct snapshot *s, size_t group);

int64_t position_lag(const struct position *p);

#endif /* KGROUPS_SNAPSHOT_H */
