/*
 * assignor_trade.c - who reads what: trades that make an assignment better
 *
 * Members are the nodes of a graph; an edge from a to b weighs what it would
 * cost to move a's best suited partition to b.  A ring of edges is a trade;
 * one through the extra node, the pool, is a row of moves after which its last
 * member has one more and its first one less.  As long as a ring's weight is
 * negative the trade is made, and when there is none left, no assignment is
 * cheaper (this is cancelling negative cycles, for a flow of least cost).
 *
 * Costs: uneven loads (the sum of their squares) before distant partitions
 * before moves, each weighed so that no sum of the lesser outweighs the least
 * of the greater.  Work is bounded: what is not found by then stays as it is.
 */
#include <errno.h>
#include <stdlib.h>

#include "client/assignor_sticky.h"

/* Beyond that weights, or the matrix, would grow too large. */
enum { TRADE_MEMBERS_MAX = 1000, TRADE_ITEMS_MAX = 100000 };

/* Edges looked at, all in all: about half a second. */
enum { TRADE_STEPS_MAX = 200000000 };

#define NO_EDGE (INT64_MAX / 4)

struct trade_edge {
	int64_t weight;
	size_t item;
};

struct trade {
	struct sticky *s;
	size_t pool;              /* the last node; those before are members */
	size_t *topic;            /* of an item */
	struct trade_edge *edges; /* [from][to] */
	int64_t *cost;            /* of the cheapest way to a node so far */
	size_t *before;           /* the node before it on that way, or none */
	size_t *seen;             /* in which walk: to find rings */
	int64_t far;              /* what a distant partition costs */
	int64_t load;             /* and a square of a load */
	int64_t steps;            /* left */
};

static const size_t none = SIZE_MAX;

static struct trade_edge *edge(const struct trade *t, size_t from, size_t to)
{
	return &t->edges[from * (t->pool + 1) + to];
}

static int64_t cost_of(const struct trade *t, size_t item, size_t member)
{
	const struct sticky_item *i = &t->s->items[item];
	bool has_moved = i->home != STICKY_NOBODY && i->home != (int32_t)member;

	return sticky_is_far(t->s, t->topic[item], item, member) * t->far +
	       has_moved;
}

static void weigh_item(struct trade *t, size_t item)
{
	size_t from = (size_t)t->s->items[item].owner;
	const bool *wants = sticky_wants(t->s, t->topic[item]);
	int64_t now = cost_of(t, item, from);

	for (size_t to = 0; to < t->pool; to++) {
		struct trade_edge *e = edge(t, from, to);
		int64_t weight;

		if (to == from || !wants[to])
			continue;
		weight = cost_of(t, item, to) - now;
		if (weight < e->weight)
			*e = (struct trade_edge){ weight, item };
	}
	/* To ask for racks takes longer than to look at an edge. */
	t->steps -= (int64_t)t->pool * (t->s->uses_racks ? 16 : 1);
}

/* The edges from those members, whose partitions have changed. */
static void weigh(struct trade *t, const bool *is_changed)
{
	size_t total = t->s->first[t->s->topic_count];

	for (size_t m = 0; m < t->pool; m++) {
		int64_t load = (int64_t)t->s->loads[m];

		if (!is_changed[m])
			continue;
		for (size_t to = 0; to <= t->pool; to++)
			edge(t, m, to)->weight = NO_EDGE;
		edge(t, m, t->pool)->weight = (2 * load + 1) * t->load;
		edge(t, t->pool, m)->weight =
			load > 0 ? (1 - 2 * load) * t->load : NO_EDGE;
	}
	for (size_t i = 0; i < total; i++) {
		int32_t owner = t->s->items[i].owner;

		if (owner != STICKY_NOBODY && is_changed[owner])
			weigh_item(t, i);
	}
	t->steps -= (int64_t)total;
}

/* One round of Bellman and Ford: has any way become cheaper? */
static bool relax(struct trade *t)
{
	bool has_changed = false;

	for (size_t from = 0; from <= t->pool; from++) {
		for (size_t to = 0; to <= t->pool; to++) {
			int64_t weight = edge(t, from, to)->weight;

			if (weight == NO_EDGE ||
			    t->cost[from] + weight >= t->cost[to])
				continue;
			t->cost[to] = t->cost[from] + weight;
			t->before[to] = from;
			has_changed = true;
		}
	}
	t->steps -= (int64_t)((t->pool + 1) * (t->pool + 1));
	return has_changed;
}

/* A node on a ring of ways, whose weight then is negative; or none. */
static size_t find_ring(const struct trade *t)
{
	for (size_t i = 0; i <= t->pool; i++)
		t->seen[i] = none;
	for (size_t i = 0; i <= t->pool; i++) {
		size_t at = i;

		while (at != none && t->seen[at] == none) {
			t->seen[at] = i;
			at = t->before[at];
		}
		if (at != none && t->seen[at] == i)
			return at;
	}
	return none;
}

static size_t find_trade(struct trade *t)
{
	for (size_t i = 0; i <= t->pool; i++) {
		t->cost[i] = 0;
		t->before[i] = none;
	}
	while (t->steps > 0 && relax(t)) {
		size_t ring = find_ring(t);

		if (ring != none)
			return ring;
	}
	return none;
}

static void make_trade(struct trade *t, size_t ring, bool *is_changed)
{
	size_t to = ring;

	for (size_t m = 0; m < t->pool; m++)
		is_changed[m] = false;
	do {
		size_t from = t->before[to];

		if (from != t->pool && to != t->pool)
			sticky_put(t->s, edge(t, from, to)->item, (int32_t)to);
		if (from != t->pool)
			is_changed[from] = true;
		to = from;
	} while (to != ring);
}

static void trade_clear(struct trade *t)
{
	free(t->topic);
	free(t->edges);
	free(t->cost);
	free(t->before);
	free(t->seen);
}

static int trade_init(struct trade *t, struct sticky *s)
{
	size_t total = s->first[s->topic_count];
	size_t nodes = s->member_count + 1;

	*t = (struct trade){ .s = s,
			     .pool = s->member_count,
			     .far = (int64_t)total + 1,
			     .steps = TRADE_STEPS_MAX };
	t->load = t->far * t->far;
	t->topic = calloc(total + 1, sizeof(*t->topic));
	t->edges = calloc(nodes * nodes, sizeof(*t->edges));
	t->cost = calloc(nodes, sizeof(*t->cost));
	t->before = calloc(nodes, sizeof(*t->before));
	t->seen = calloc(nodes, sizeof(*t->seen));
	if (t->topic == NULL || t->edges == NULL || t->cost == NULL ||
	    t->before == NULL || t->seen == NULL)
		return -ENOMEM;
	for (size_t topic = 0; topic < s->topic_count; topic++) {
		for (size_t i = s->first[topic]; i < s->first[topic + 1]; i++)
			t->topic[i] = topic;
	}
	edge(t, t->pool, t->pool)->weight = NO_EDGE;
	return 0;
}

int sticky_trade(struct sticky *s)
{
	struct trade t;
	bool *is_changed;
	size_t ring;
	int rc;

	if (s->member_count > TRADE_MEMBERS_MAX ||
	    s->first[s->topic_count] > TRADE_ITEMS_MAX)
		return 0;
	is_changed = calloc(s->member_count + 1, sizeof(*is_changed));
	rc = trade_init(&t, s);
	if (is_changed == NULL)
		rc = -ENOMEM;
	for (size_t m = 0; m < s->member_count && rc == 0; m++)
		is_changed[m] = true;
	while (rc == 0) {
		weigh(&t, is_changed);
		ring = find_trade(&t);
		if (ring == none)
			break;
		make_trade(&t, ring, is_changed);
	}
	free(is_changed);
	trade_clear(&t);
	return rc;
}
