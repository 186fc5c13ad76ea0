/*
 * traffic.c - what went into the logs of a node and out of them
 *
 * A thread keeps to one slot.  Two may share one, so that counting is an
 * atomic addition, on a line that mostly nobody else has.
 */
#include "kbrokerd/partition/traffic.h"

#include <stddef.h>

static struct traffic_slot *slot(struct traffic *t)
{
	static _Atomic unsigned int threads;
	static _Thread_local unsigned int mine; /* from 1 on */

	if (mine == 0)
		mine = 1 + atomic_fetch_add(&threads, 1) % TRAFFIC_SLOTS;
	return &t->slots[mine - 1];
}

static void add(_Atomic int64_t *to, int64_t value)
{
	atomic_fetch_add_explicit(to, value, memory_order_relaxed);
}

static int64_t get(const _Atomic int64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

void traffic_add_in(struct traffic *t, int64_t bytes, int64_t records)
{
	struct traffic_slot *s = slot(t);

	add(&s->bytes_in, bytes);
	add(&s->records_in, records);
}

void traffic_add_out(struct traffic *t, int64_t bytes, int64_t records)
{
	struct traffic_slot *s = slot(t);

	add(&s->bytes_out, bytes);
	add(&s->records_out, records);
}

void traffic_read(const struct traffic *t, struct traffic_counts *out)
{
	*out = (struct traffic_counts){ 0 };
	for (size_t i = 0; i < TRAFFIC_SLOTS; i++) {
		out->bytes_in += get(&t->slots[i].bytes_in);
		out->records_in += get(&t->slots[i].records_in);
		out->bytes_out += get(&t->slots[i].bytes_out);
		out->records_out += get(&t->slots[i].records_out);
	}
}
