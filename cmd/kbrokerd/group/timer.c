/*
 * timer.c - the deadlines of a shard: a pairing heap
 *
 * The timer at the top is the first to fire.  Each points to its first child
 * and next sibling, and to the pointer that points to it, so that any can be
 * taken out.  No timer is later than its children.
 */
#include <assert.h>
#include <stddef.h>

#include "kbrokerd/group/shard.h"

/* One heap of two; neither has siblings. */
static struct group_timer *meld(struct group_timer *a, struct group_timer *b)
{
	if (a == NULL || b == NULL)
		return a == NULL ? b : a;
	if (b->at_ms < a->at_ms) {
		struct group_timer *earlier = b;

		b = a;
		a = earlier;
	}
	b->next = a->child;
	if (b->next != NULL)
		b->next->link = &b->next;
	b->link = &a->child;
	a->child = b;
	return a;
}

/* Meld siblings in pairs, and then all of these: that keeps it flat. */
static struct group_timer *meld_siblings(struct group_timer *first)
{
	struct group_timer *pairs = NULL;
	struct group_timer *all = NULL;

	while (first != NULL) {
		struct group_timer *a = first;
		struct group_timer *b = a->next;
		struct group_timer *pair;

		first = b == NULL ? NULL : b->next;
		a->next = NULL;
		if (b != NULL)
			b->next = NULL;
		pair = meld(a, b);
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs != NULL) {
		struct group_timer *pair = pairs;

		pairs = pair->next;
		pair->next = NULL;
		all = meld(all, pair);
	}
	return all;
}

static void set_top(struct group_shard *shard, struct group_timer *top)
{
	shard->timers = top;
	if (top != NULL)
		top->link = &shard->timers;
}

static void put(struct group_shard *shard, struct group_timer *timer)
{
	timer->at_ms = timer->due_ms;
	timer->is_set = true;
	set_top(shard, meld(shard->timers, timer));
}

void group_timer_set(struct group_shard *shard, struct group_timer *timer,
		     int64_t at_ms)
{
	timer->due_ms = at_ms;
	if (timer->is_set && timer->at_ms <= at_ms)
		return; /* it is put off when its turn comes: few ever fire */
	group_timer_stop(shard, timer);
	put(shard, timer);
}

void group_timer_stop(struct group_shard *shard, struct group_timer *timer)
{
	struct group_timer *below;

	if (!timer->is_set)
		return;
	assert(*timer->link == timer);
	*timer->link = timer->next;
	if (timer->next != NULL)
		timer->next->link = timer->link;
	below = meld_siblings(timer->child);
	timer->child = NULL;
	timer->next = NULL;
	timer->link = NULL;
	timer->is_set = false;
	set_top(shard, meld(shard->timers, below));
}

int64_t group_shard_next_ms(const struct group_shard *shard)
{
	return shard->timers == NULL ? INT64_MAX : shard->timers->at_ms;
}

void group_shard_run(struct group_shard *shard)
{
	while (group_shard_next_ms(shard) <= shard->now_ms) {
		struct group_timer *timer = shard->timers;

		group_timer_stop(shard, timer);
		if (timer->due_ms > timer->at_ms)
			put(shard, timer);
		else
			timer->fire(shard, timer);
	}
}
