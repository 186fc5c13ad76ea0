/*
 * assignor.c - who reads what: roundrobin, and what the others share
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

struct assignor_member **assignor_in_order(struct assignor_member *members,
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

void assignor_give(struct assignor_member *member, const char *topic,
		   int32_t partition)
{
	partition_set_add(&member->assignment, slice_of(topic), partition,
			  UUID_ZERO);
}

int assignor_finish(struct assignor_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		partition_set_sort(&members[i].assignment);
		if (members[i].assignment.failed)
			return -ENOMEM;
	}
	return 0;
}

static int compare_racks(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool has_replica(const struct assignor_topic *topic, int32_t partition,
			const char *rack)
{
	const struct assignor_racks *racks;

	if (topic->racks == NULL)
		return false;
	racks = &topic->racks[partition];
	return racks->count > 0 &&
	       bsearch(&rack, racks->names, racks->count, sizeof(*racks->names),
		       compare_racks) != NULL;
}

static bool has_rack(const struct assignor_member *member)
{
	return member->rack != NULL && member->rack[0] != '\0';
}

bool assignor_is_near(const struct assignor_member *member,
		      const struct assignor_topic *topic, int32_t partition)
{
	return !has_rack(member) || has_replica(topic, partition, member->rack);
}

static bool is_same_racks(const struct assignor_racks *a,
			  const struct assignor_racks *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->names[i], b->names[i]) != 0)
			return false;
	}
	return true;
}

static bool is_everywhere_alike(const struct assignor_topic *topics,
				size_t count)
{
	static const struct assignor_racks none;
	const struct assignor_racks *first = NULL;

	for (size_t t = 0; t < count; t++) {
		for (int32_t p = 0; p < topics[t].partition_count; p++) {
			const struct assignor_racks *racks =
				topics[t].racks == NULL ? &none
							: &topics[t].racks[p];

			if (first == NULL)
				first = racks;
			else if (!is_same_racks(first, racks))
				return false;
		}
	}
	return true;
}

static bool has_any_replica(const struct assignor_topic *topics, size_t count,
			    const char *rack)
{
	for (size_t t = 0; t < count; t++) {
		for (int32_t p = 0; p < topics[t].partition_count; p++) {
			if (has_replica(&topics[t], p, rack))
				return true;
		}
	}
	return false;
}

bool assignor_uses_racks(const struct assignor_topic *topics,
			 size_t topic_count,
			 struct assignor_member *const *members,
			 size_t member_count)
{
	if (is_everywhere_alike(topics, topic_count))
		return false;
	for (size_t i = 0; i < member_count; i++) {
		if (has_rack(members[i]) &&
		    has_any_replica(topics, topic_count, members[i]->rack))
			return true;
	}
	return false;
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
	struct assignor_member **refs =
		assignor_in_order(members, member_count);
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
			assignor_give(refs[turn++ % member_count],
				      topics[t].name, p);
		}
	}
	free(refs);
	return assignor_finish(members, member_count);
}

static const struct assignor assignors[] = {
	{ "range", false, false, assignor_assign_range },
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
