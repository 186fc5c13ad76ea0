/*
 * describe.h - groups from outside: described, listed, deleted
 */
#ifndef KBROKERD_GROUP_DESCRIBE_H
#define KBROKERD_GROUP_DESCRIBE_H

#include "kbrokerd/group/group.h"

struct list_groups_request;

/* DescribeGroups for one group: the answer is a struct
 * describe_groups_response_groups, without authorized operations. */
void group_describe(struct group_shard *shard, struct group_ask *ask,
		    struct slice group_id);

/* ConsumerGroupDescribe for one group: the answer is a struct
 * consumer_group_describe_response_groups, likewise. */
void group_describe_consumer(struct group_shard *shard, struct group_ask *ask,
			     struct slice group_id);

/* The shard's groups by the request's filters (KIP-518, KIP-848): the answer
 * is a struct list_groups_response. */
void group_list(struct group_shard *shard, struct group_ask *ask,
		const struct list_groups_request *request);

/* DeleteGroups for one group: the answer is a struct
 * delete_groups_response_results. */
void group_remove(struct group_shard *shard, struct group_ask *ask,
		  struct slice group_id);

#endif /* KBROKERD_GROUP_DESCRIBE_H */
