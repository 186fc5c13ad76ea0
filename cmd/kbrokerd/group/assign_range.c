/*
 * assign_range.c - the range assignor: of each topic a contiguous range to
 * each member that wants it
 *
 * Static members first by their instance ids, then dynamic ones by theirs; the
 * first ones get one more where it does not come out even.  So topics of the
 * same count are shared out alike.  Nothing of what was before counts: the
 * order of the members is what makes it sticky.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/assign.h"

struct rank {
	const struct assign_member *member;
	int32_t number;
};

static int compare_texts(struct slice a, struct slice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_rank(const void *a, const void *b)
{
	const struct assign_member *x = ((const struct rank *)a)->member;
	const struct assign_member *y = ((const struct rank *)b)->member;
	bool x_is_static = !slice_is_null(x->instance_id);
	bool y_is_static = !slice_is_null(y->instance_id);

	if (x_is_static && y_is_static)
		return compare_texts(x->instance_id, y->instance_id);
	if (x_is_static != y_is_static)
		return x_is_static ? -1 : 1;
	return compare_texts(x->id, y->id);
}

static struct rank *rank_members(const struct assign_task *task)
{
	struct rank *ranks = arena_calloc(
		task->arena, (size_t)task->member_count, sizeof(*ranks));

	if (ranks == NULL)
		return NULL;
	for (int32_t m = 0; m < task->member_count; m++)
		ranks[m] = (struct rank){ &task->members[m], m };
	if (task->member_count > 1)
		qsort(ranks, (size_t)task->member_count, sizeof(*ranks),
		      by_rank);
	return ranks;
}

/* How far a topic has been dealt out. */
struct deal {
	int32_t wanted_by;
	int32_t next;
	int32_t extra; /* members that still get one more */
};

static struct deal *start_deals(const struct assign_task *task)
{
	struct deal *deals = arena_calloc(
		task->arena, (size_t)task->topic_count, sizeof(*deals));

	if (deals == NULL)
		return NULL;
	for (int32_t m = 0; m < task->member_count; m++) {
		const struct assign_set *set =
			&task->sets[task->members[m].set];

		for (int32_t i = 0; i < set->count; i++)
			deals[set->topics[i]].wanted_by++;
	}
	for (int32_t t = 0; t < task->topic_count; t++) {
		if (deals[t].wanted_by > 0)
			deals[t].extra = task->topics[t].partition_count %
					 deals[t].wanted_by;
	}
	return deals;
}

static void deal(struct assign_task *task, int32_t t, struct deal *state,
		 int32_t member)
{
	const struct assign_topic *topic = &task->topics[t];
	int32_t quota = topic->partition_count / state->wanted_by;

	if (state->extra > 0) {
		state->extra--;
		quota++;
	}
	while (quota-- > 0)
		task->owner[topic->first + state->next++] = member;
}

int assign_range(struct assign_task *task)
{
	struct rank *ranks = rank_members(task);
	struct deal *deals = start_deals(task);

	if (ranks == NULL || deals == NULL)
		return -ENOMEM;
	for (int32_t p = 0; p < task->partition_count; p++)
		task->owner[p] = -1;
	for (int32_t r = 0; r < task->member_count; r++) {
		const struct assign_set *set =
			&task->sets[ranks[r].member->set];

		for (int32_t i = 0; i < set->count; i++)
			deal(task, set->topics[i], &deals[set->topics[i]],
			     ranks[r].number);
	}
	return 0;
}
