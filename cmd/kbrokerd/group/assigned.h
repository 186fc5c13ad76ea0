/*
 * assigned.h - which partitions the members of a group have
 */
#ifndef KBROKERD_GROUP_ASSIGNED_H
#define KBROKERD_GROUP_ASSIGNED_H

#include "kbrokerd/group/group.h"

/* Of what the leader of a classic group wrote, so much is read: it comes from a
 * client, and the shard is locked. */
enum { ASSIGNED_BYTES_MAX = 1 << 20 };

/*
 * Calls on_partition for each partition that is there and that a member has
 * now, as DescribeGroups and ConsumerGroupDescribe tell it; twice where two
 * classic members have it.  topic is the image's.  Ends with what on_partition
 * returns unless that is 0.  Else returns 0 or -ENOMEM.
 */
int group_each_assigned(const struct group *group,
			int (*on_partition)(void *arg, struct slice topic,
					    int32_t partition),
			void *arg);

#endif /* KBROKERD_GROUP_ASSIGNED_H */
