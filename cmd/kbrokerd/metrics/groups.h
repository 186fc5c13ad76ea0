/*
 * groups.h - groups and how far behind they are, for metrics
 *
 * The first ones by name, so that a series does not come and go.  Nothing is
 * kept: a group that is gone has no series the next time.  One thread.
 */
#ifndef KBROKERD_METRICS_GROUPS_H
#define KBROKERD_METRICS_GROUPS_H

#include "base/arena.h"
#include "kbrokerd/group/shard.h"

struct broker;

/* Partitions that are told one by one, of all groups. */
enum { GROUP_LAGS_MAX = 20000, GROUP_TALLIES_MAX = 32 };

/* A partition that a group has committed to. */
struct lag_row {
	const char *topic;
	int32_t partition;
	int64_t offset;  /* committed */
	int64_t records; /* behind the high watermark, 0 or more */
	int64_t ms;   /* since the first record that waits was written; 0: none
			 waits */
	bool is_last; /* of its topic, in its group */
};

struct group_row {
	const char *id;
	const char *type, *state; /* static */
	int32_t member_count;
	struct lag_row *lags; /* by topic and partition */
	size_t lag_count;
};

struct group_facts {
	struct arena arena;
	struct group_row *groups; /* by name */
	size_t group_count;
	size_t left_out; /* groups without series, beyond the limit */
	struct group_tally {
		const char *type, *state; /* static */
		int64_t count;
	} tallies[GROUP_TALLIES_MAX]; /* of all groups */
	size_t tally_count;
	int64_t member_count; /* of all groups */
	struct group_counters counters;
};

/* Returns 0 or -ENOMEM; to be cleared in any case.  now_ms: wall clock. */
int group_facts_read(struct group_facts *facts, struct broker *broker,
		     size_t limit, int64_t now_ms);
void group_facts_clear(struct group_facts *facts);

#endif /* KBROKERD_METRICS_GROUPS_H */
