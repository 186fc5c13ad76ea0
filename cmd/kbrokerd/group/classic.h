/*
 * classic.h - the classic group protocol: Join, Sync, Heartbeat, Leave
 *
 * KIP-394 (member ids), KIP-345 (static members), KIP-559 (protocol names),
 * KIP-800 (reasons), KIP-814 (a static leader that rejoins).
 */
#ifndef KBROKERD_GROUP_CLASSIC_H
#define KBROKERD_GROUP_CLASSIC_H

#include "kbrokerd/group/group.h"

struct describe_groups_response_groups;
struct heartbeat_request;
struct join_group_request;
struct leave_group_request;
struct sync_group_request;
struct consumer_group_describe_response_groups;
struct group_metadata_key;
struct group_metadata_value;

/* Each takes the decoded request and answers ask with the API's response.  The
 * request need not live longer than the call. */
void classic_join(struct group_shard *shard, struct group_ask *ask,
		  const struct join_group_request *request);
void classic_sync(struct group_shard *shard, struct group_ask *ask,
		  const struct sync_group_request *request);
void classic_heartbeat(struct group_shard *shard, struct group_ask *ask,
		       const struct heartbeat_request *request);
void classic_leave(struct group_shard *shard, struct group_ask *ask,
		   const struct leave_group_request *request);

/* How long a member has for a rebalance: its session timeout, in the version
 * that says nothing of it; no time at all when a newer one says -1, as in
 * Kafka. */
int32_t classic_rebalance_timeout_ms(const struct group_ask *ask,
				     const struct join_group_request *request);

/*
 * May this member commit offsets?  Answers an error code; generation -1 and no
 * member: a simple consumer, allowed while the group has no members.  Counts
 * as a heartbeat when it may.
 */
int16_t classic_check_commit(struct group *group, struct slice member_id,
			     struct slice instance_id, int32_t generation,
			     int16_t version);

/* Fill in one group; the arena is the answer's.  Returns 0 or -ENOMEM. */
int classic_describe(const struct group *group, struct arena *arena,
		     struct describe_groups_response_groups *out);

const char *classic_state(const struct group *group);
const char *classic_protocol_type(const struct group *group);
int32_t classic_member_count(const struct group *group);
bool classic_has_members(const struct group *group);
bool classic_subscribes(const struct group *group, struct slice topic);
/* Wall ms since when it is empty, for the expiry of offsets; -1: it is not, or
 * that is not known. */
int64_t classic_empty_since(const struct group *group);

/* Records that make it go: DeleteGroups, or when its offsets are gone. */
void classic_delete(const struct group *group, struct group_changes *changes);

/* All its members are sent away with error, its state is freed. */
void classic_free(struct group *group, int16_t error);

/* It was loaded: members are given one session timeout to be heard of. */
void classic_loaded(struct group *group);

/* GroupMetadata records. */
int classic_apply(struct group_shard *shard, const void *key, const void *value,
		  int16_t version, int64_t offset);

#endif /* KBROKERD_GROUP_CLASSIC_H */
