/*
 * budget.h - the memory that half received requests may take, of all threads
 *
 * A bound, not an allocator: who wants to hold bytes takes them first, and
 * stops reading from its connection when there are none left.
 */
#ifndef KBROKERD_SERVER_BUDGET_H
#define KBROKERD_SERVER_BUDGET_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
	_Atomic int64_t used;
	int64_t max;
};

/* Take size bytes, if they are left. */
static inline bool budget_take(struct budget *b, size_t size)
{
	int64_t used = atomic_fetch_add_explicit(&b->used, (int64_t)size,
						 memory_order_relaxed);

	if (used + (int64_t)size <= b->max)
		return true;
	atomic_fetch_sub_explicit(&b->used, (int64_t)size,
				  memory_order_relaxed);
	return false;
}

/* Take them though they are not: for bytes that have been received. */
static inline void budget_force(struct budget *b, size_t size)
{
	atomic_fetch_add_explicit(&b->used, (int64_t)size,
				  memory_order_relaxed);
}

static inline void budget_give(struct budget *b, size_t size)
{
	int64_t used = atomic_fetch_sub_explicit(&b->used, (int64_t)size,
						 memory_order_relaxed);

	assert(used >= (int64_t)size);
}

/* Is more than three quarters of it in use? */
static inline bool budget_is_short(const struct budget *b)
{
	return atomic_load_explicit(&b->used, memory_order_relaxed) >
	       b->max / 4 * 3;
}

#endif /* KBROKERD_SERVER_BUDGET_H */
