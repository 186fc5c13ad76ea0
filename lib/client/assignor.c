/*
 * assignor.c - who reads what: range and roundrobin
 *
 * Members take their turns in one order, which all clients agree on: those
 * with an instance id first, so that static members keep what they have.
 */
#include "client/assignor.h"

#include <errno.h>
#include <stdlib.h>

int assignor_compare_members(const struct assignor_member *a,
			     const struct assignor_member *b)
{
	if (a->instance_id != NULL && b->instance_id != NULL)
		return strcmp(a->instance_id, b->instance_id);
	if (a->instance_id != NULL)
		return -1;
	if (b->instance_id != NULL)
		return 1;
	return strcmp(a->id, b->id);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool assignor_subscribes(const struct assignor_member *member,
			 const char *topic)
{
	return member->topic_count > 0 &&
	       bsearch(&topic, member->topics, member->topic_count,
		       sizeof(*member->topics), compare_names) != NULL;
}

static int compare_refs(const void *a, const void *b)
{
	return assignor_compare_members(*(struct assignor_member *const *)a,
					*(struct assignor_member *const *)b);
}

/* The members in their order, to free(); NULL on no memory. */
static struct assignor_member **in_order(struct assignor_member *members,
					 size_t count)
{
	/* NOLINTBEGIN(bugprone-sizeof-expression): an array of pointers */
	struct assignor_member **refs = calloc(count + 1, sizeof(*refs));

	if (refs == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		refs[i] = &members[i];
	if (count > 0)
		qsort(refs, count, sizeof(*refs), compare_refs);
	/* NOLINTEND(bugprone-sizeof-expression) */
	return refs;
}

static void give(struct assignor_member *member, const char *topic,
		 int32_t partition)
{
	partition_set_add(&member->assignment, slice_of(topic), partition,
			  UUID_ZERO);
}

static int finish(struct assignor_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		partition_set_sort(&members[i].assignment);
		if (members[i].assignment.failed)
			return -ENOMEM;
	}
	return 0;
}

/* One topic to those who want it: a run of partitions each. */
static void range_topic(const struct assignor_topic *topic,
			struct assignor_member **refs, size_t count)
{
	int32_t wanting = 0;
	int32_t next = 0;
	int32_t turn = 0;

	for (size_t i = 0; i < count; i++)
		wanting += assignor_subscribes(refs[i], topic->name);
	if (wanting == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		int32_t share;

		if (!assignor_subscribes(refs[i], topic->name))
			continue;
		share = topic->partition_count / wanting +
			(turn++ < topic->partition_count % wanting);
		while (share-- > 0)
			give(refs[i], topic->name, next++);
	}
}

static int assign_range(const struct assignor_topic *topics, size_t topic_count,
			struct assignor_member *members, size_t member_count)
{
	struct assignor_member **refs = in_order(members, member_count);

	if (refs == NULL)
		return -ENOMEM;
	for (size_t t = 0; t < topic_count; t++)
		range_topic(&topics[t], refs, member_count);
	free(refs);
	return finish(members, member_count);
}

static bool is_wanted(const struct assignor_topic *topic,
		      struct assignor_member **refs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (assignor_subscribes(refs[i], topic->name))
			return true;
	}
	return false;
}

static int assign_roundrobin(const struct assignor_topic *topics,
			     size_t topic_count,
			     struct assignor_member *members,
			     size_t member_count)
{
	struct assignor_member **refs = in_order(members, member_count);
	size_t turn = 0;

	if (refs == NULL)
		return -ENOMEM;
	for (size_t t = 0; t < topic_count; t++) {
		if (!is_wanted(&topics[t], refs, member_count))
			continue;
		for (int32_t p = 0; p < topics[t].partition_count; p++) {
			while (!assignor_subscribes(refs[turn % member_count],
						    topics[t].name))
				turn++;
			give(refs[turn++ % member_count], topics[t].name, p);
		}
	}
	free(refs);
	return finish(members, member_count);
}

static const struct assignor assignors[] = {
	{ "range", false, false, assign_range },
	{ "roundrobin", false, false, assign_roundrobin },
	{ "sticky", false, true, assignor_assign_sticky },
	{ "cooperative-sticky", true, true, assignor_assign_cooperative },
};

const struct assignor *assignor_by_name(struct slice name)
{
	for (size_t i = 0; i < sizeof(assignors) / sizeof(assignors[0]); i++) {
		if (slice_is(name, assignors[i].name))
			return &assignors[i];
	}
	return NULL;
}

const char *assignor_names(void)
{
	return "range, roundrobin, sticky, cooperative-sticky";
}
