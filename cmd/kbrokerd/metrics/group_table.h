/*
 * group_table.h - all groups and what waits for each in all, for people
 *
 * Made when somebody looks, from what /metrics is made of, for every group
 * there is, for the worst must be found.  Many groups take long to look at, so
 * they are looked at less often.  One thread.
 */
#ifndef KBROKERD_METRICS_GROUP_TABLE_H
#define KBROKERD_METRICS_GROUP_TABLE_H

#include "base/bytes.h"

struct broker;
struct group_table;

enum {
	GROUP_TABLE_MAX = 100000, /* groups, the first by name */
	/* Of one group, partitions that count. */
	GROUP_TABLE_LAGS_MAX = 100000,
	/* Partitions whose first record is read for one list, for the time. */
	GROUP_TABLE_TIMES_MAX = 10000,
};

struct group_summary {
	struct slice id;
	char *name;               /* as label.h writes the id */
	const char *type, *state; /* static */
	int32_t member_count;
	size_t partition_count; /* committed, or a member has them */
	size_t lagging_count;   /* of these, where records wait */
	int64_t lag_records;
	/* Since when the oldest of them waits, at the look; -1: not known. */
	int64_t lag_ms;
	bool is_timed;
};

/* NULL when out of memory. */
struct group_table *group_table_new(void);
void group_table_free(struct group_table *table); /* NULL is allowed */

/*
 * Look at all groups, unless the last look was lately: a second ago, or twenty
 * times as long as it took.  now_us is monotonic.  Returns 0 or -ENOMEM, with
 * what there was.
 */
int group_table_look(struct group_table *table, struct broker *broker,
		     int64_t now_us);

/* Forget all. */
void group_table_clear(struct group_table *table);

enum group_order {
	GROUPS_BY_NAME,
	GROUPS_BY_TYPE,
	GROUPS_BY_STATE,
	GROUPS_BY_MEMBERS,
	GROUPS_BY_LAG,
};

/*
 * Pointers to groups whose name has filter in it ("": all), in order, which
 * are valid until the next look.  Returns how many of *rows_out, which the
 * caller frees; NULL when out of memory or there are none.
 */
size_t group_table_list(const struct group_table *table, const char *filter,
			enum group_order order, bool descending,
			struct group_summary ***rows_out);

/* Have lag_ms of these, so far as GROUP_TABLE_TIMES_MAX goes. */
void group_table_time(struct group_table *table, struct broker *broker,
		      struct group_summary *const *rows, size_t count);

/* Groups that there are, also beyond GROUP_TABLE_MAX. */
size_t group_table_count(const struct group_table *table);

#endif /* KBROKERD_METRICS_GROUP_TABLE_H */
