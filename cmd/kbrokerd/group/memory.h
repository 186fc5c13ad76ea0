/*
 * memory.h - what groups take of the memory, and how much they may
 *
 * Clients name groups, members and topics as they like: what is kept of that
 * is counted, for all shards of a coordinator together.  When it is full,
 * nothing new is taken; what is there goes on.
 */
#ifndef KBROKERD_GROUP_MEMORY_H
#define KBROKERD_GROUP_MEMORY_H

#include "kbrokerd/group/shard.h"

struct group_memory {
	_Atomic int64_t bytes;
	int64_t max;
};

/* Count memory of malloc(3) in, when it has been taken for the shard's groups,
 * or out, before it is freed.  NULL does nothing. */
void group_memory_add(struct group_shard *shard, const void *memory);
void group_memory_remove(struct group_shard *shard, const void *memory);

/* Count it out and free it. */
void group_memory_free(struct group_shard *shard, void *memory);

/* Is there no room for so many bytes more?  A shard that counts nothing always
 * has. */
bool group_memory_is_full(const struct group_shard *shard, size_t more);

#endif /* KBROKERD_GROUP_MEMORY_H */
