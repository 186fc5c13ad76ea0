/*
 * partitioner.h - which partition a key belongs to
 */
#ifndef CLIENT_PARTITIONER_H
#define CLIENT_PARTITIONER_H

#include "base/bytes.h"
#include "client/client_config.h"

/* By name as librdkafka has it ("murmur2_random"), or -EINVAL. */
int partitioner_by_name(const char *name);
const char *partitioner_name(enum client_partitioner partitioner);

/*
 * The partition of the key among count (1 or more), or -1 when the
 * partitioner leaves it to chance: the caller sticks to one for a while.
 */
int32_t partitioner_choose(enum client_partitioner partitioner,
			   struct slice key, int32_t count);

#endif /* CLIENT_PARTITIONER_H */
