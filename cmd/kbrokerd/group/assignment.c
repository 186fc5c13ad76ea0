/*
 * assignment.c - sets of partitions
 *
 * Everything but assignment_from_wire() relies on the order and keeps it.
 * What is made lies in the caller's arena; only assignment_copy() takes from
 * the heap, one block for all of a set.
 */
#include "kbrokerd/group/assignment.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/messages.h"

/* The shape of each list of topics and partitions in messages.h. */
struct wire_topic {
	struct uuid topic_id;
	int32_t *partitions;
	int32_t partitions_count;
	struct wire_tags *unknown_tags;
};

#define SAME_SHAPE(type)                                                       \
	_Static_assert(                                                        \
		sizeof(struct type) == sizeof(struct wire_topic) &&            \
			offsetof(struct type, partitions) ==                   \
				offsetof(struct wire_topic, partitions) &&     \
			offsetof(struct type, partitions_count) ==             \
				offsetof(struct wire_topic, partitions_count), \
		#type)

SAME_SHAPE(consumer_group_heartbeat_request_topic_partitions);
SAME_SHAPE(consumer_group_heartbeat_response_assignment_topic_partitions);
SAME_SHAPE(consumer_group_target_assignment_member_value_topic_partitions);
SAME_SHAPE(consumer_group_current_member_assignment_value_assigned_partitions);
SAME_SHAPE(
	consumer_group_current_member_assignment_value_partitions_pending_revocation);

static int compare_ids(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, UUID_BYTES);
}

static int by_id(const void *a, const void *b)
{
	const struct assignment_topic *x = a;
	const struct assignment_topic *y = b;

	return compare_ids(&x->id, &y->id);
}

static int by_number(const void *a, const void *b)
{
	int32_t x;
	int32_t y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Sort, drop what is there twice or negative. */
static void tidy_partitions(struct assignment_topic *topic)
{
	int32_t kept = 0;

	if (topic->count > 1)
		qsort(topic->partitions, (size_t)topic->count,
		      sizeof(*topic->partitions), by_number);
	for (int32_t i = 0; i < topic->count; i++) {
		int32_t partition = topic->partitions[i];

		if (partition < 0 ||
		    (kept > 0 && topic->partitions[kept - 1] == partition))
			continue;
		topic->partitions[kept++] = partition;
	}
	topic->count = kept;
}

/* Make one of topics that have the same id: they are neighbours.  Their
 * partitions lie one behind the other already when they come from copy_wire()
 * in the order of the list, but sorting may have moved them: copy. */
static int join_topics(struct arena *arena, struct assignment *a)
{
	int32_t kept = 0;

	for (int32_t i = 0; i < a->count; i++) {
		struct assignment_topic *topic = &a->topics[i];
		struct assignment_topic *last =
			kept > 0 ? &a->topics[kept - 1] : NULL;
		int32_t *both;

		if (last == NULL || compare_ids(&last->id, &topic->id) != 0) {
			a->topics[kept++] = *topic;
			continue;
		}
		both = arena_calloc(arena, (size_t)(last->count + topic->count),
				    sizeof(*both));
		if (both == NULL)
			return -ENOMEM;
		memcpy(both, last->partitions,
		       (size_t)last->count * sizeof(*both));
		memcpy(both + last->count, topic->partitions,
		       (size_t)topic->count * sizeof(*both));
		last->partitions = both;
		last->count += topic->count;
	}
	a->count = kept;
	return 0;
}

static void drop_empty(struct assignment *a)
{
	int32_t kept = 0;

	for (int32_t i = 0; i < a->count; i++) {
		if (a->topics[i].count > 0)
			a->topics[kept++] = a->topics[i];
	}
	a->count = kept;
}

static int copy_wire(struct arena *arena, const struct wire_topic *from,
		     int32_t count, struct assignment *out)
{
	out->topics = arena_calloc(arena, (size_t)count, sizeof(*out->topics));
	if (out->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++) {
		struct assignment_topic *topic = &out->topics[i];
		size_t n = (size_t)from[i].partitions_count;

		topic->id = from[i].topic_id;
		topic->count = from[i].partitions_count;
		topic->partitions = arena_calloc(arena, n, sizeof(int32_t));
		if (topic->partitions == NULL)
			return -ENOMEM;
		if (n > 0)
			memcpy(topic->partitions, from[i].partitions,
			       n * sizeof(int32_t));
	}
	out->count = count;
	return 0;
}

int assignment_from_wire(struct arena *arena, const void *topics, int32_t count,
			 struct assignment *out)
{
	int rc;

	*out = (struct assignment){ 0 };
	if (count <= 0)
		return 0;
	rc = copy_wire(arena, topics, count, out);
	if (rc != 0)
		return rc;
	qsort(out->topics, (size_t)count, sizeof(*out->topics), by_id);
	rc = join_topics(arena, out);
	if (rc != 0)
		return rc;
	for (int32_t i = 0; i < out->count; i++)
		tidy_partitions(&out->topics[i]);
	drop_empty(out);
	return 0;
}

void *assignment_to_wire(struct arena *arena, const struct assignment *a)
{
	struct wire_topic *list =
		arena_calloc(arena, (size_t)a->count, sizeof(*list));

	for (int32_t i = 0; list != NULL && i < a->count; i++) {
		list[i].topic_id = a->topics[i].id;
		list[i].partitions = a->topics[i].partitions;
		list[i].partitions_count = a->topics[i].count;
	}
	return list;
}

int assignment_copy(const struct assignment *a, struct assignment *out)
{
	size_t total = (size_t)assignment_partition_count(a);
	struct assignment_topic *topics;
	int32_t *partitions;

	*out = (struct assignment){ 0 };
	if (total == 0)
		return 0;
	topics = malloc((size_t)a->count * sizeof(*topics) +
			total * sizeof(*partitions));
	if (topics == NULL)
		return -ENOMEM;
	partitions = (int32_t *)(void *)(topics + a->count);
	for (int32_t i = 0; i < a->count; i++) {
		topics[i] = a->topics[i];
		topics[i].partitions = partitions;
		memcpy(partitions, a->topics[i].partitions,
		       (size_t)a->topics[i].count * sizeof(*partitions));
		partitions += a->topics[i].count;
	}
	*out = (struct assignment){ topics, a->count };
	return 0;
}

void assignment_clear(struct assignment *a)
{
	free(a->topics);
	*a = (struct assignment){ 0 };
}

bool assignment_equal(const struct assignment *a, const struct assignment *b)
{
	if (a->count != b->count)
		return false;
	for (int32_t i = 0; i < a->count; i++) {
		const struct assignment_topic *x = &a->topics[i];
		const struct assignment_topic *y = &b->topics[i];

		if (compare_ids(&x->id, &y->id) != 0 || x->count != y->count ||
		    memcmp(x->partitions, y->partitions,
			   (size_t)x->count * sizeof(*x->partitions)) != 0)
			return false;
	}
	return true;
}

const struct assignment_topic *assignment_topic(const struct assignment *a,
						const struct uuid *topic_id)
{
	struct assignment_topic key = { .id = *topic_id };

	if (a->count == 0)
		return NULL;
	return bsearch(&key, a->topics, (size_t)a->count, sizeof(key), by_id);
}

static bool topic_has(const struct assignment_topic *topic, int32_t partition)
{
	return topic != NULL &&
	       bsearch(&partition, topic->partitions, (size_t)topic->count,
		       sizeof(partition), by_number) != NULL;
}

bool assignment_has(const struct assignment *a, const struct uuid *topic_id,
		    int32_t partition)
{
	return topic_has(assignment_topic(a, topic_id), partition);
}

bool assignment_overlaps(const struct assignment *a, const struct assignment *b)
{
	for (int32_t i = 0; i < a->count; i++) {
		const struct assignment_topic *other =
			assignment_topic(b, &a->topics[i].id);

		for (int32_t k = 0; other != NULL && k < a->topics[i].count;
		     k++) {
			if (topic_has(other, a->topics[i].partitions[k]))
				return true;
		}
	}
	return false;
}

int32_t assignment_partition_count(const struct assignment *a)
{
	int32_t count = 0;

	for (int32_t i = 0; i < a->count; i++)
		count += a->topics[i].count;
	return count;
}

/* Room for all of a's topics and partitions in the arena, empty yet. */
static int reserve(struct arena *arena, int32_t topics, int32_t partitions,
		   struct assignment *out, int32_t **partitions_out)
{
	*out = (struct assignment){ 0 };
	out->topics = arena_calloc(arena, (size_t)topics, sizeof(*out->topics));
	*partitions_out =
		arena_calloc(arena, (size_t)partitions, sizeof(int32_t));
	return out->topics == NULL || *partitions_out == NULL ? -ENOMEM : 0;
}

int32_t assignment_filter(struct arena *arena, const struct assignment *a,
			  bool (*keep)(void *arg, const struct uuid *topic_id,
				       int32_t partition),
			  void *arg, struct assignment *out)
{
	int32_t gone = 0;
	int32_t *at;
	int rc = reserve(arena, a->count, assignment_partition_count(a), out,
			 &at);

	if (rc != 0)
		return rc;
	for (int32_t i = 0; i < a->count; i++) {
		const struct assignment_topic *from = &a->topics[i];
		struct assignment_topic *to = &out->topics[out->count];

		*to = (struct assignment_topic){ from->id, at, 0 };
		for (int32_t k = 0; k < from->count; k++) {
			if (keep(arg, &from->id, from->partitions[k]))
				to->partitions[to->count++] =
					from->partitions[k];
			else
				gone++;
		}
		at += to->count;
		out->count += to->count > 0;
	}
	return gone;
}

struct split {
	const struct assignment *other;
	bool wanted;
};

static bool is_on_side(void *arg, const struct uuid *topic_id,
		       int32_t partition)
{
	const struct split *split = arg;

	return assignment_has(split->other, topic_id, partition) ==
	       split->wanted;
}

int assignment_split(struct arena *arena, const struct assignment *a,
		     const struct assignment *b, bool wanted,
		     struct assignment *out)
{
	struct split split = { b, wanted };
	int32_t rc = assignment_filter(arena, a, is_on_side, &split, out);

	return rc < 0 ? rc : 0;
}

/* Both topics' partitions at to, ascending; either may be NULL. */
static int32_t merge_partitions(const struct assignment_topic *a,
				const struct assignment_topic *b, int32_t *to)
{
	int32_t i = 0;
	int32_t k = 0;
	int32_t n = 0;
	int32_t a_count = a == NULL ? 0 : a->count;
	int32_t b_count = b == NULL ? 0 : b->count;

	while (i < a_count || k < b_count) {
		if (k == b_count ||
		    (i < a_count && a->partitions[i] < b->partitions[k])) {
			to[n++] = a->partitions[i++];
		} else {
			if (i < a_count && a->partitions[i] == b->partitions[k])
				i++;
			to[n++] = b->partitions[k++];
		}
	}
	return n;
}

int assignment_union(struct arena *arena, const struct assignment *a,
		     const struct assignment *b, struct assignment *out)
{
	int32_t *at;
	int32_t i = 0;
	int32_t k = 0;
	int rc = reserve(arena, a->count + b->count,
			 assignment_partition_count(a) +
				 assignment_partition_count(b),
			 out, &at);

	if (rc != 0)
		return rc;
	while (i < a->count || k < b->count) {
		const struct assignment_topic *x =
			i < a->count ? &a->topics[i] : NULL;
		const struct assignment_topic *y =
			k < b->count ? &b->topics[k] : NULL;
		int order = x == NULL   ? 1
			    : y == NULL ? -1
					: compare_ids(&x->id, &y->id);
		struct assignment_topic *to = &out->topics[out->count++];

		to->id = order <= 0 ? x->id : y->id;
		to->partitions = at;
		to->count = merge_partitions(order <= 0 ? x : NULL,
					     order >= 0 ? y : NULL, at);
		at += to->count;
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}
