/*
 * ack_source.c - which source records are delivered, and all before them
 *
 * For each source partition a queue in the order of the input, of which the
 * front that is delivered is acknowledged and dropped.  Deliveries come in any
 * order.  A failure cuts the queue: what came before it may still be
 * acknowledged, itself and what comes later may not.
 */
#include "kproduce/ack_source.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Records of one source offset, the first of them numbered number. */
struct item {
	uint64_t number;
	int64_t offset;
	uint64_t left; /* not delivered yet */
};

struct part {
	const char *topic;
	int32_t partition;
	uint64_t cut;       /* from this number on nothing is acknowledged */
	struct item *items; /* a ring, capacity a power of two or 0 */
	size_t first, count, capacity;
};

struct ack_sources {
	void (*on_ack)(void *arg, const struct source *source);
	void *arg;
	struct part *parts; /* part_count; by topic's address, partition */
	size_t part_count;
	uint64_t left;      /* of all */
	struct source last; /* that was added; topic NULL: none */
	uint64_t cut;       /* as that of a part, for all of them */
	bool any_failed;
};

struct ack_sources *ack_sources_new(void (*on_ack)(void *arg,
						   const struct source *source),
				    void *arg)
{
	struct ack_sources *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->on_ack = on_ack;
	a->arg = arg;
	a->cut = UINT64_MAX;
	return a;
}

void ack_sources_free(struct ack_sources *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->part_count; i++)
		free(a->parts[i].items);
	free(a->parts);
	free(a);
}

/* Partitions */

static int compare(const struct part *p, const struct source *source)
{
	if (p->topic != source->topic)
		return (uintptr_t)p->topic < (uintptr_t)source->topic ? -1 : 1;
	return (p->partition > source->partition) -
	       (p->partition < source->partition);
}

/* Where it is, or is to be put in; *found_out says which. */
static size_t part_index(const struct ack_sources *a,
			 const struct source *source, bool *found_out)
{
	size_t low = 0;
	size_t high = a->part_count;

	*found_out = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(&a->parts[middle], source);

		if (order == 0) {
			*found_out = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct part *part_get(struct ack_sources *a, const struct source *source)
{
	struct part *parts;
	bool found;
	size_t at = part_index(a, source, &found);

	if (found)
		return &a->parts[at];
	parts = reallocarray(a->parts, a->part_count + 1, sizeof(*parts));
	if (parts == NULL)
		return NULL;
	a->parts = parts;
	memmove(&parts[at + 1], &parts[at],
		(a->part_count - at) * sizeof(*parts));
	parts[at] = (struct part){ .topic = source->topic,
				   .partition = source->partition,
				   .cut = UINT64_MAX };
	a->part_count++;
	return &parts[at];
}

/* Items */

static struct item *item_at(const struct part *p, size_t i)
{
	return &p->items[(p->first + i) & (p->capacity - 1)];
}

static int grow(struct part *p)
{
	size_t capacity = p->capacity == 0 ? 64 : p->capacity * 2;
	struct item *items = calloc(capacity, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++)
		items[i] = *item_at(p, i);
	free(p->items);
	p->items = items;
	p->capacity = capacity;
	p->first = 0;
	return 0;
}

/* The item that the record is in: the last that begins at or before it. */
static struct item *item_of(const struct part *p, uint64_t number)
{
	size_t low = 0;
	size_t high = p->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (item_at(p, middle)->number <= number)
			low = middle;
		else
			high = middle;
	}
	assert(high > low);
	return item_at(p, low);
}

/* Drop what is later than the record of that number, and what has its source,
 * whether it was added or not. */
static void cut(struct ack_sources *a, struct part *p, uint64_t number,
		int64_t offset)
{
	while (p->count > 0) {
		const struct item *last = item_at(p, p->count - 1);

		if (last->number <= number && last->offset != offset)
			break;
		if (last->number < number)
			number = last->number;
		a->left -= last->left;
		p->count--;
	}
	if (number < p->cut)
		p->cut = number;
}

int ack_sources_add(struct ack_sources *a, uint64_t number,
		    const struct source *source)
{
	struct part *p = part_get(a, source);
	struct item *last;

	if (p == NULL)
		return -ENOMEM;
	a->last = *source;
	if (number >= p->cut || number >= a->cut)
		return 0;
	last = p->count > 0 ? item_at(p, p->count - 1) : NULL;
	if (last != NULL && last->offset == source->offset) {
		last->left++;
	} else {
		if (p->count == p->capacity && grow(p) < 0)
			return -ENOMEM;
		*item_at(p, p->count++) =
			(struct item){ number, source->offset, 1 };
	}
	a->left++;
	return 0;
}

static void acknowledge_front(struct ack_sources *a, struct part *p)
{
	while (p->count > 0 && item_at(p, 0)->left == 0) {
		const struct source source = { p->topic, p->partition,
					       item_at(p, 0)->offset };

		p->first = (p->first + 1) & (p->capacity - 1);
		p->count--;
		a->on_ack(a->arg, &source);
	}
}

void ack_sources_delivered(struct ack_sources *a, uint64_t number,
			   const struct source *source)
{
	bool found;
	size_t at = part_index(a, source, &found);
	struct part *p;

	assert(found && a->parts != NULL);
	p = &a->parts[at];
	if (number >= p->cut || number >= a->cut)
		return;
	item_of(p, number)->left--;
	a->left--;
	acknowledge_front(a, p);
}

void ack_sources_fail(struct ack_sources *a, uint64_t number,
		      const struct source *source)
{
	struct part *p = part_get(a, source);

	a->any_failed = true;
	if (p != NULL)
		cut(a, p, number, source->offset);
	else
		a->cut = 0; /* out of memory */
}

static bool is_same(const struct source *a, const struct source *b)
{
	return a->topic == b->topic && a->partition == b->partition &&
	       a->offset == b->offset;
}

void ack_sources_fail_unknown(struct ack_sources *a, uint64_t number,
			      const struct source *guess)
{
	a->any_failed = true;
	if (number < a->cut)
		a->cut = number;
	if (a->last.topic != NULL &&
	    (guess == NULL || is_same(guess, &a->last)))
		ack_sources_fail(a, number, &a->last);
}

bool ack_sources_are_clean(const struct ack_sources *a)
{
	return !a->any_failed && a->left == 0;
}
