/*
 * memory.c - what groups take of the memory, and how much they may
 */
#include "memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

static void count(struct group_shard *shard, const void *memory, int sign)
{
	if (shard->memory == NULL || memory == NULL)
		return;
	atomic_fetch_add_explicit(
		&shard->memory->bytes,
		sign * (int64_t)malloc_usable_size((void *)memory),
		memory_order_relaxed);
}

void group_memory_add(struct group_shard *shard, const void *memory)
{
	count(shard, memory, 1);
}

void group_memory_remove(struct group_shard *shard, const void *memory)
{
	count(shard, memory, -1);
}

void group_memory_free(struct group_shard *shard, void *memory)
{
	group_memory_remove(shard, memory);
	free(memory);
}

bool group_memory_is_full(const struct group_shard *shard, size_t more)
{
	const struct group_memory *m = shard->memory;

	return m != NULL &&
	       atomic_load_explicit(&m->bytes, memory_order_relaxed) +
			       (int64_t)more >
		       m->max;
}
