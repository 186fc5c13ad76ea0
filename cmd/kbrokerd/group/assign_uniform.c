/*
 * assign_uniform.c - the uniform assignor: as many partitions to each member
 * as to any other, and as few of them moved as that allows
 *
 * Where all want the same topics each may keep up to its quota; the rest goes
 * to who has less.  Members that have one more already keep it as long as
 * somebody must have one more.  Otherwise see assign_balance.c.
 */
#include <errno.h>

#include "kbrokerd/group/assign.h"

static void count_owned(const struct assign_task *task, int32_t *owned)
{
	for (int32_t p = 0; p < task->partition_count; p++) {
		if (task->owner[p] >= 0)
			owned[task->owner[p]]++;
	}
}

/* The least that each gets, and one more for some: first for those that have
 * it, then for who comes first. */
static void set_quotas(const struct assign_task *task, const int32_t *owned,
		       int32_t *quota)
{
	int32_t least = task->partition_count / task->member_count;
	int32_t extra = task->partition_count % task->member_count;

	for (int32_t m = 0; m < task->member_count; m++) {
		quota[m] = least;
		if (extra > 0 && owned[m] > least) {
			quota[m]++;
			extra--;
		}
	}
	for (int32_t m = 0; m < task->member_count && extra > 0; m++) {
		if (quota[m] == least) {
			quota[m]++;
			extra--;
		}
	}
}

/* Take from each what is over its quota: the later partitions.  Leaves in
 * quota what each may still get. */
static void keep_quotas(struct assign_task *task, int32_t *quota)
{
	for (int32_t p = 0; p < task->partition_count; p++) {
		int32_t m = task->owner[p];

		if (m < 0)
			continue;
		if (quota[m] > 0)
			quota[m]--;
		else
			task->owner[p] = -1;
	}
}

static void fill_quotas(struct assign_task *task, int32_t *quota)
{
	int32_t m = 0;

	for (int32_t p = 0; p < task->partition_count; p++) {
		if (task->owner[p] >= 0)
			continue;
		while (quota[m] == 0)
			m++;
		quota[m]--;
		task->owner[p] = m;
	}
}

static int share_alike(struct assign_task *task)
{
	int32_t *owned = arena_calloc(task->arena, (size_t)task->member_count,
				      sizeof(*owned));
	int32_t *quota = arena_calloc(task->arena, (size_t)task->member_count,
				      sizeof(*quota));

	if (owned == NULL || quota == NULL)
		return -ENOMEM;
	count_owned(task, owned);
	set_quotas(task, owned, quota);
	keep_quotas(task, quota);
	fill_quotas(task, quota);
	return 0;
}

int assign_uniform(struct assign_task *task)
{
	if (task->member_count == 0 || task->partition_count == 0)
		return 0;
	if (task->set_count == 1 && task->sets[0].count == task->topic_count)
		return share_alike(task);
	return assign_balance(task);
}
