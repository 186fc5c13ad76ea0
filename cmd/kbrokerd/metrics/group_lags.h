/*
 * group_lags.h - one group, and how far behind it is in each partition
 *
 * As kgroups lag tells it: of what is committed, and of what a member has
 * though nothing is committed, where all from the start on waits.
 */
#ifndef KBROKERD_METRICS_GROUP_LAGS_H
#define KBROKERD_METRICS_GROUP_LAGS_H

#include "base/arena.h"

struct broker;
struct image;

struct group_lag {
	const char *topic;
	int32_t partition;
	int64_t offset;  /* committed; -1: nothing */
	int64_t records; /* that wait, 0 or more */
	int64_t ms;   /* since the first of them was written, by its own time */
	bool is_last; /* of its topic */
};

struct group_row {
	struct slice id;
	const char *type, *state; /* static */
	int32_t member_count;
	struct group_lag *lags; /* by topic and partition, none twice */
	size_t lag_count;
};

/*
 * Reads it with limit partitions at most, without records and ms; its shard is
 * locked meanwhile.  It lives in the arena.  Returns 1, 0 when there is no such
 * group here, or -ENOMEM.
 */
int group_row_read(struct group_row *row, struct broker *broker,
		   struct slice id, size_t limit, struct arena *arena);

/* Sets records.  No commit read before is beyond the ends it looks at. */
void group_row_measure(struct group_row *row, struct broker *broker,
		       const struct image *image);

/* Sets ms where there are records, which costs a read of the log each. */
void group_row_time(struct group_row *row, struct broker *broker,
		    const struct image *image, int64_t now_ms);

#endif /* KBROKERD_METRICS_GROUP_LAGS_H */
