/*
 * assign.c - what both assignors share: the way from members' shares to an
 * owner of each partition, and back
 */
#include "kbrokerd/group/assign.h"

#include <errno.h>
#include <stdlib.h>

static const struct assignor assignors[] = {
	{ "uniform", assign_uniform },
	{ "range", assign_range },
};

const struct assignor *assignor_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(assignors) / sizeof(*assignors); i++) {
		if (slice_is(name, assignors[i].name))
			return &assignors[i];
	}
	return NULL;
}

static int by_number(const void *a, const void *b)
{
	const int32_t *x = a;
	const int32_t *y = b;

	return (*x > *y) - (*x < *y);
}

bool assign_wants(const struct assign_task *task, int32_t member, int32_t topic)
{
	const struct assign_set *set = &task->sets[task->members[member].set];

	return set->count > 0 &&
	       bsearch(&topic, set->topics, (size_t)set->count, sizeof(topic),
		       by_number) != NULL;
}

static int32_t find_topic(const struct assign_task *task, struct uuid id)
{
	int32_t low = 0;
	int32_t high = task->topic_count;

	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		int order = memcmp(task->topics[middle].id.bytes, id.bytes,
				   UUID_BYTES);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/* What a member had and still wants is its own at first. */
static void take_over(struct assign_task *task, int32_t member)
{
	const struct assignment *before = task->members[member].before;

	for (int32_t i = 0; before != NULL && i < before->count; i++) {
		const struct assignment_topic *had = &before->topics[i];
		int32_t t = find_topic(task, had->id);
		const struct assign_topic *topic = &task->topics[t];

		if (t < 0 || !assign_wants(task, member, t))
			continue;
		for (int32_t k = 0; k < had->count; k++) {
			if (had->partitions[k] < topic->partition_count)
				task->owner[topic->first + had->partitions[k]] =
					member;
		}
	}
}

static int number_partitions(struct assign_task *task)
{
	task->partition_count = 0;
	for (int32_t t = 0; t < task->topic_count; t++) {
		task->topics[t].first = task->partition_count;
		task->partition_count += task->topics[t].partition_count;
	}
	task->owner = arena_alloc(task->arena, (size_t)task->partition_count *
						       sizeof(*task->owner));
	if (task->owner == NULL)
		return -ENOMEM;
	for (int32_t p = 0; p < task->partition_count; p++)
		task->owner[p] = -1;
	return 0;
}

/* Counts for each member, to take its memory in two pieces for all. */
struct share {
	int32_t topics, partitions;
	int32_t last_topic;
};

static void count_shares(const struct assign_task *task, struct share *shares)
{
	for (int32_t m = 0; m < task->member_count; m++)
		shares[m].last_topic = -1;
	for (int32_t t = 0; t < task->topic_count; t++) {
		const int32_t *owner = &task->owner[task->topics[t].first];

		for (int32_t p = 0; p < task->topics[t].partition_count; p++) {
			struct share *share = &shares[owner[p]];

			if (owner[p] < 0)
				continue;
			share->partitions++;
			share->topics += share->last_topic != t;
			share->last_topic = t;
		}
	}
}

static int reserve_shares(struct assign_task *task, const struct share *shares)
{
	for (int32_t m = 0; m < task->member_count; m++) {
		struct assignment *after = &task->members[m].after;

		*after = (struct assignment){ 0 };
		if (shares[m].topics == 0)
			continue;
		after->topics =
			arena_calloc(task->arena, (size_t)shares[m].topics,
				     sizeof(*after->topics));
		if (after->topics == NULL)
			return -ENOMEM;
		after->topics->partitions =
			arena_calloc(task->arena, (size_t)shares[m].partitions,
				     sizeof(int32_t));
		if (after->topics->partitions == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void hand_out(struct assignment *after, const struct uuid *id,
		     int32_t partition)
{
	struct assignment_topic *topic =
		after->count == 0 ? NULL : &after->topics[after->count - 1];

	if (topic == NULL || !uuid_equal(topic->id, *id)) {
		int32_t *at = topic == NULL ? after->topics->partitions
					    : topic->partitions + topic->count;

		topic = &after->topics[after->count++];
		*topic = (struct assignment_topic){ *id, at, 0 };
	}
	topic->partitions[topic->count++] = partition;
}

/* owner[] as the members' shares: topics and partitions come in order. */
static int make_shares(struct assign_task *task)
{
	struct share *shares = arena_calloc(
		task->arena, (size_t)task->member_count, sizeof(*shares));
	int rc;

	if (shares == NULL)
		return -ENOMEM;
	count_shares(task, shares);
	rc = reserve_shares(task, shares);
	if (rc != 0)
		return rc;
	for (int32_t t = 0; t < task->topic_count; t++) {
		const struct assign_topic *topic = &task->topics[t];

		for (int32_t p = 0; p < topic->partition_count; p++) {
			int32_t m = task->owner[topic->first + p];

			if (m >= 0)
				hand_out(&task->members[m].after, &topic->id,
					 p);
		}
	}
	return 0;
}

int assign_run(const struct assignor *assignor, struct assign_task *task)
{
	int rc = number_partitions(task);

	if (rc != 0)
		return rc;
	for (int32_t m = 0; m < task->member_count; m++)
		take_over(task, m);
	rc = assignor->assign(task);
	return rc != 0 ? rc : make_shares(task);
}
