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
#include "kbrokerd/metrics/group_lags.h"

struct group_facts;

/* Of the groups that this node coordinates, in order. */
struct group_names {
	struct slice *items;
	size_t count, size;
	struct arena arena;
};

/* facts (may be NULL) is given what it says of all groups.  Returns 0 or
 * -ENOMEM; to be cleared in any case. */
int group_names_read(struct group_names *names, struct broker *broker,
		     struct group_facts *facts);
void group_names_clear(struct group_names *names);

/* Partitions that are told one by one, of all groups. */
enum { GROUP_LAGS_MAX = 20000, GROUP_TALLIES_MAX = 32 };

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
