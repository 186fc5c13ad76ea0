/*
 * assign_balance.c - the uniform assignor where members want different topics
 *
 * Each free partition goes to whoever of those that want it has least of all
 * topics, scarce topics first.  Then, topic by topic, partitions move from who
 * has most to who has least while that makes it more even; again until nothing
 * moves, but not for ever: what is left then is uneven by little.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/assign.h"

enum { ROUNDS_MAX = 16 };

/* Members by their load, the one in front first: least or most loaded, then
 * the one that was given first. */
struct heap {
	const int32_t *load;
	int32_t sign;             /* 1: least in front; -1: most */
	int32_t *members, *place; /* place[member], -1: not in it */
	int32_t count;
};

struct balance {
	struct assign_task *task;
	int32_t *load;
	/* Who wants topic t: wanters[first[t]] to before wanters[first[t+1]] */
	int32_t *first, *wanters;
	int32_t *order; /* of topics, scarce ones first */
	struct heap least, most;
	/* A topic's partitions of each owner, the last in front: as a list. */
	int32_t *head, *next;
};

static bool is_before(const struct heap *heap, int32_t a, int32_t b)
{
	int32_t x = heap->load[a] * heap->sign;
	int32_t y = heap->load[b] * heap->sign;

	return x != y ? x < y : a < b;
}

static void heap_put(struct heap *heap, int32_t at, int32_t member)
{
	heap->members[at] = member;
	heap->place[member] = at;
}

static void sift_up(struct heap *heap, int32_t at)
{
	int32_t member = heap->members[at];

	while (at > 0 && is_before(heap, member, heap->members[(at - 1) / 2])) {
		heap_put(heap, at, heap->members[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_put(heap, at, member);
}

static void sift_down(struct heap *heap, int32_t at)
{
	int32_t member = heap->members[at];

	for (int32_t child; (child = 2 * at + 1) < heap->count; at = child) {
		if (child + 1 < heap->count &&
		    is_before(heap, heap->members[child + 1],
			      heap->members[child]))
			child++;
		if (!is_before(heap, heap->members[child], member))
			break;
		heap_put(heap, at, heap->members[child]);
	}
	heap_put(heap, at, member);
}

static void heap_add(struct heap *heap, int32_t member)
{
	heap_put(heap, heap->count++, member);
	sift_up(heap, heap->count - 1);
}

static void heap_drop_front(struct heap *heap)
{
	heap->place[heap->members[0]] = -1;
	heap->count--;
	if (heap->count == 0)
		return;
	heap_put(heap, 0, heap->members[heap->count]);
	sift_down(heap, 0);
}

/* Its load is another. */
static void heap_move(struct heap *heap, int32_t member)
{
	if (heap->place[member] < 0)
		return;
	sift_up(heap, heap->place[member]);
	sift_down(heap, heap->place[member]);
}

static void heap_empty(struct heap *heap)
{
	for (int32_t i = 0; i < heap->count; i++)
		heap->place[heap->members[i]] = -1;
	heap->count = 0;
}

static int heap_make(struct heap *heap, struct balance *b, int32_t sign)
{
	size_t members = (size_t)b->task->member_count;
	struct arena *arena = b->task->arena;

	*heap = (struct heap){
		.load = b->load,
		.sign = sign,
		.members = arena_alloc(arena, members * sizeof(int32_t)),
		.place = arena_alloc(arena, members * sizeof(int32_t)),
	};
	if (heap->members == NULL || heap->place == NULL)
		return -ENOMEM;
	for (size_t m = 0; m < members; m++)
		heap->place[m] = -1;
	return 0;
}

static int32_t wanter_count(const struct balance *b, int32_t topic)
{
	return b->first[topic + 1] - b->first[topic];
}

/* Who wants which topic, by counting. */
static int list_wanters(struct balance *b)
{
	const struct assign_task *task = b->task;
	size_t topics = (size_t)task->topic_count;
	int32_t *at;

	b->first = arena_calloc(task->arena, topics + 1, sizeof(*b->first));
	at = arena_calloc(task->arena, topics + 1, sizeof(*at));
	if (b->first == NULL || at == NULL)
		return -ENOMEM;
	for (int32_t m = 0; m < task->member_count; m++) {
		const struct assign_set *set =
			&task->sets[task->members[m].set];

		for (int32_t i = 0; i < set->count; i++)
			b->first[set->topics[i] + 1]++;
	}
	for (size_t t = 0; t < topics; t++)
		at[t + 1] = b->first[t + 1] += b->first[t];
	b->wanters = arena_calloc(task->arena, (size_t)b->first[topics],
				  sizeof(*b->wanters));
	if (b->wanters == NULL)
		return -ENOMEM;
	for (int32_t m = 0; m < task->member_count; m++) {
		const struct assign_set *set =
			&task->sets[task->members[m].set];

		for (int32_t i = 0; i < set->count; i++)
			b->wanters[at[set->topics[i]]++] = m;
	}
	return 0;
}

/* Partitions for each that wants it, most first; then fewer wanters first. */
static int by_need(const void *a, const void *b, void *arg)
{
	const struct balance *balance = arg;
	const struct assign_topic *topics = balance->task->topics;
	int32_t x = *(const int32_t *)a;
	int32_t y = *(const int32_t *)b;
	int64_t x_wanters = wanter_count(balance, x);
	int64_t y_wanters = wanter_count(balance, y);
	int64_t x_share = topics[x].partition_count * y_wanters;
	int64_t y_share = topics[y].partition_count * x_wanters;

	if (x_share != y_share)
		return x_share > y_share ? -1 : 1;
	if (x_wanters != y_wanters)
		return x_wanters < y_wanters ? -1 : 1;
	return x < y ? -1 : 1;
}

static int order_topics(struct balance *b)
{
	int32_t count = b->task->topic_count;

	b->order =
		arena_alloc(b->task->arena, (size_t)count * sizeof(*b->order));
	if (b->order == NULL)
		return -ENOMEM;
	for (int32_t t = 0; t < count; t++)
		b->order[t] = t;
	qsort_r(b->order, (size_t)count, sizeof(*b->order), by_need, b);
	return 0;
}

static int prepare(struct balance *b)
{
	struct assign_task *task = b->task;
	size_t members = (size_t)task->member_count;
	size_t partitions = (size_t)task->partition_count;
	int rc = list_wanters(b);

	b->load = arena_calloc(task->arena, members, sizeof(*b->load));
	b->head = arena_calloc(task->arena, members, sizeof(*b->head));
	b->next = arena_calloc(task->arena, partitions, sizeof(*b->next));
	if (rc != 0 || b->load == NULL || b->head == NULL || b->next == NULL)
		return -ENOMEM;
	for (int32_t p = 0; p < task->partition_count; p++) {
		if (task->owner[p] >= 0)
			b->load[task->owner[p]]++;
	}
	rc = order_topics(b);
	if (rc == 0)
		rc = heap_make(&b->least, b, 1);
	return rc != 0 ? rc : heap_make(&b->most, b, -1);
}

static void compete(struct balance *b, int32_t topic)
{
	heap_empty(&b->least);
	for (int32_t i = b->first[topic]; i < b->first[topic + 1]; i++)
		heap_add(&b->least, b->wanters[i]);
}

static void give(struct balance *b, int32_t partition, int32_t member)
{
	b->task->owner[partition] = member;
	b->load[member]++;
	heap_move(&b->least, member);
}

static void give_free_ones(struct balance *b, int32_t topic)
{
	const struct assign_topic *t = &b->task->topics[topic];
	bool competing = false;

	if (wanter_count(b, topic) == 0)
		return;
	for (int32_t p = t->first; p < t->first + t->partition_count; p++) {
		if (b->task->owner[p] >= 0)
			continue;
		if (!competing)
			compete(b, topic);
		competing = true;
		give(b, p, b->least.members[0]);
	}
}

/* Nobody that wants it has two more than another. */
static bool is_even(const struct balance *b, int32_t topic)
{
	int32_t least = INT32_MAX;
	int32_t most = 0;

	for (int32_t i = b->first[topic]; i < b->first[topic + 1]; i++) {
		int32_t load = b->load[b->wanters[i]];

		least = load < least ? load : least;
		most = load > most ? load : most;
	}
	return wanter_count(b, topic) < 2 || most - least < 2;
}

/* Its partitions by owner; owners compete for giving one up. */
static void list_owned(struct balance *b, int32_t topic)
{
	const struct assign_topic *t = &b->task->topics[topic];

	heap_empty(&b->most);
	for (int32_t p = t->first; p < t->first + t->partition_count; p++) {
		int32_t owner = b->task->owner[p];

		if (b->most.place[owner] < 0) {
			b->head[owner] = -1;
			heap_add(&b->most, owner);
		}
		b->next[p] = b->head[owner];
		b->head[owner] = p;
	}
}

/* Returns whether anything moved. */
static bool even_out(struct balance *b, int32_t topic)
{
	bool moved = false;

	if (is_even(b, topic))
		return false;
	compete(b, topic);
	list_owned(b, topic);
	while (b->most.count > 0) {
		int32_t from = b->most.members[0];
		int32_t to = b->least.members[0];
		int32_t partition = b->head[from];

		if (b->load[from] - b->load[to] < 2)
			break;
		b->head[from] = b->next[partition];
		b->load[from]--;
		heap_move(&b->least, from);
		if (b->head[from] < 0)
			heap_drop_front(&b->most);
		else
			heap_move(&b->most, from);
		give(b, partition, to);
		/* Not given up again: it only grows now. */
		heap_move(&b->most, to);
		moved = true;
	}
	return moved;
}

int assign_balance(struct assign_task *task)
{
	struct balance b = { .task = task };
	int rc = prepare(&b);
	bool moved = true;

	if (rc != 0)
		return rc;
	for (int32_t i = 0; i < task->topic_count; i++)
		give_free_ones(&b, b.order[i]);
	for (int round = 0; moved && round < ROUNDS_MAX; round++) {
		moved = false;
		for (int32_t i = 0; i < task->topic_count; i++)
			moved |= even_out(&b, b.order[i]);
	}
	return 0;
}
