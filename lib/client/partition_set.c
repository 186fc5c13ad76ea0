/*
 * partition_set.c - partitions of topics, by name
 *
 * Items that follow each other and are of one topic share one name, so that a
 * topic of many partitions costs its name once.
 */
#include "client/partition_set.h"

#include <assert.h>
#include <stdlib.h>

void partition_set_clear(struct partition_set *set)
{
	free(set->items);
	arena_clear(&set->names);
	*set = (struct partition_set){ 0 };
}

void partition_set_reset(struct partition_set *set)
{
	set->count = 0;
	set->failed = false;
	arena_reset(&set->names);
}

static bool make_room(struct partition_set *set)
{
	size_t capacity = set->capacity == 0 ? 16 : 2 * set->capacity;
	struct group_partition *items;

	if (set->count < set->capacity)
		return true;
	items = reallocarray(set->items, capacity, sizeof(*items));
	if (items == NULL)
		return false;
	set->items = items;
	set->capacity = capacity;
	return true;
}

static const char *name_for(struct partition_set *set, struct slice topic)
{
	if (set->count > 0 && slice_is(topic, set->items[set->count - 1].topic))
		return set->items[set->count - 1].topic;
	return arena_text(&set->names, topic);
}

void partition_set_add(struct partition_set *set, struct slice topic,
		       int32_t partition, struct uuid topic_id)
{
	const char *name;

	if (set->failed)
		return;
	name = name_for(set, topic);
	if (name == NULL || !make_room(set)) {
		set->failed = true;
		return;
	}
	set->items[set->count++] =
		(struct group_partition){ name, partition, topic_id };
}

static int compare_places(const struct group_partition *a,
			  const struct group_partition *b)
{
	int order = a->topic == b->topic ? 0 : strcmp(a->topic, b->topic);

	if (order != 0)
		return order;
	return (a->partition > b->partition) - (a->partition < b->partition);
}

static int compare(const void *left, const void *right)
{
	const struct group_partition *a = left;
	const struct group_partition *b = right;
	int order = compare_places(a, b);

	if (order != 0)
		return order;
	return memcmp(a->topic_id.bytes, b->topic_id.bytes, UUID_BYTES);
}

void partition_set_sort(struct partition_set *set)
{
	size_t kept = 0;

	if (set->count < 2)
		return;
	qsort(set->items, set->count, sizeof(*set->items), compare);
	for (size_t i = 1; i < set->count; i++) {
		if (compare(&set->items[kept], &set->items[i]) != 0)
			set->items[++kept] = set->items[i];
	}
	set->count = kept + 1;
}

static int compare_key(const void *key, const void *item)
{
	return compare_places(key, item);
}

bool partition_set_has(const struct partition_set *set, const char *topic,
		       int32_t partition)
{
	struct group_partition key = { topic, partition, UUID_ZERO };

	return set->count > 0 &&
	       bsearch(&key, set->items, set->count, sizeof(*set->items),
		       compare_key) != NULL;
}

bool partition_set_has_item(const struct partition_set *set,
			    const struct group_partition *item)
{
	return set->count > 0 && bsearch(item, set->items, set->count,
					 sizeof(*set->items), compare) != NULL;
}

bool partition_set_equal(const struct partition_set *a,
			 const struct partition_set *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (compare(&a->items[i], &b->items[i]) != 0)
			return false;
	}
	return true;
}

size_t partition_set_run(const struct partition_set *set, size_t i)
{
	size_t end = i + 1;

	while (end < set->count &&
	       strcmp(set->items[end].topic, set->items[i].topic) == 0)
		end++;
	return end - i;
}

static void append(struct partition_set *set,
		   const struct group_partition *item)
{
	partition_set_add(set, slice_of(item->topic), item->partition,
			  item->topic_id);
}

void partition_set_copy(const struct partition_set *from,
			struct partition_set *out)
{
	assert(from != out);
	partition_set_reset(out);
	out->failed = from->failed;
	for (size_t i = 0; i < from->count; i++)
		append(out, &from->items[i]);
}

void partition_set_minus(const struct partition_set *a,
			 const struct partition_set *b,
			 struct partition_set *out)
{
	assert(a != out && b != out);
	partition_set_reset(out);
	out->failed = a->failed || b->failed;
	for (size_t i = 0; i < a->count; i++) {
		if (!partition_set_has_item(b, &a->items[i]))
			append(out, &a->items[i]);
	}
}

void partition_set_union(const struct partition_set *a,
			 const struct partition_set *b,
			 struct partition_set *out)
{
	partition_set_copy(a, out);
	out->failed = out->failed || b->failed;
	for (size_t i = 0; i < b->count; i++)
		append(out, &b->items[i]);
	partition_set_sort(out);
}

void partition_set_move(struct partition_set *from, struct partition_set *out)
{
	assert(from != out);
	partition_set_clear(out);
	*out = *from;
	*from = (struct partition_set){ 0 };
}

void partition_set_remove(struct partition_set *a,
			  const struct partition_set *b)
{
	size_t kept = 0;

	assert(a != b);
	for (size_t i = 0; i < a->count; i++) {
		if (!partition_set_has_item(b, &a->items[i]))
			a->items[kept++] = a->items[i];
	}
	a->count = kept;
}
