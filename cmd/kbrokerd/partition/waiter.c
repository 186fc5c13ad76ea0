/*
 * waiter.c - who waits for partitions to move
 *
 * A waiter is in one list at most: that of its partition, under the
 * partition's lock, or that of its set's ready ones, under the set's.  It
 * moves from the first to the second with both locks held, so that its owner,
 * who takes both in the same order, can unhook it wherever it is.
 *
 * w->partition is the owner's alone: it names the lock.
 */
#include <assert.h>
#include <stddef.h>

#include "kbrokerd/partition/internal.h"

static void list_insert(struct partition_waiter **head,
			struct partition_waiter *w)
{
	w->next = *head;
	w->prev = head;
	if (w->next != NULL)
		w->next->prev = &w->next;
	*head = w;
}

static void list_remove(struct partition_waiter *w)
{
	*w->prev = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	w->prev = NULL;
}

void partition_wait_set_init(struct partition_wait_set *set)
{
	*set = (struct partition_wait_set){ 0 };
	pthread_mutex_init(&set->lock, NULL);
}

void partition_wait_set_clear(struct partition_wait_set *set)
{
	assert(set->ready == NULL);
	pthread_mutex_destroy(&set->lock);
}

void partition_wait_set_listen(struct partition_wait_set *set,
			       void (*on_ready)(void *arg), void *arg)
{
	pthread_mutex_lock(&set->lock);
	set->on_ready = on_ready;
	set->arg = arg;
	if (set->ready != NULL)
		on_ready(arg);
	pthread_mutex_unlock(&set->lock);
}

void partition_wait_set_ignore(struct partition_wait_set *set, void *arg)
{
	pthread_mutex_lock(&set->lock);
	if (set->arg == arg) {
		set->on_ready = NULL;
		set->arg = NULL;
	}
	pthread_mutex_unlock(&set->lock);
}

struct partition_waiter *partition_wait_set_take(struct partition_wait_set *set)
{
	struct partition_waiter *w;

	pthread_mutex_lock(&set->lock);
	w = set->ready;
	if (w != NULL)
		list_remove(w);
	pthread_mutex_unlock(&set->lock);
	return w;
}

static void fire(struct partition_waiter *w)
{
	struct partition_wait_set *set = w->set;

	list_remove(w);
	pthread_mutex_lock(&set->lock);
	list_insert(&set->ready, w);
	if (set->on_ready != NULL)
		set->on_ready(set->arg);
	pthread_mutex_unlock(&set->lock);
}

void waiters_advance(struct partition *p)
{
	struct partition_waiter *next;

	for (struct partition_waiter *w = p->waiters; w != NULL; w = next) {
		next = w->next;
		if (p->high_watermark > w->above)
			fire(w);
	}
}

void waiters_fire_all(struct partition *p)
{
	while (p->waiters != NULL)
		fire(p->waiters);
}

bool partition_wait(struct partition *p, struct partition_waiter *w)
{
	bool hooked;

	assert(w->partition == NULL || w->partition == p);
	assert(w->prev == NULL);
	pthread_mutex_lock(&p->lock);
	hooked = (p->state == PARTITION_OPEN || p->state == PARTITION_CLOSED) &&
		 p->high_watermark <= w->above;
	if (hooked)
		list_insert(&p->waiters, w);
	pthread_mutex_unlock(&p->lock);
	if (hooked && w->partition == NULL) {
		w->partition = p;
		partition_retain(p);
	}
	return hooked;
}

void partition_unwait(struct partition_waiter *w)
{
	struct partition *p = w->partition;

	if (p == NULL)
		return;
	pthread_mutex_lock(&p->lock);
	pthread_mutex_lock(&w->set->lock);
	if (w->prev != NULL)
		list_remove(w);
	pthread_mutex_unlock(&w->set->lock);
	pthread_mutex_unlock(&p->lock);
	w->partition = NULL;
	partition_release(p);
}
