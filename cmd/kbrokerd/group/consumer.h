/*
 * consumer.h - the consumer group protocol (KIP-848)
 */
#ifndef KBROKERD_GROUP_CONSUMER_H
#define KBROKERD_GROUP_CONSUMER_H

#include "kbrokerd/group/group.h"

struct consumer_group_describe_response_groups;
struct consumer_group_heartbeat_request;
struct heartbeat_request;
struct join_group_request;
struct leave_group_request;
struct sync_group_request;

/* Answers ask with the API's response.  The request need not live longer than
 * the call. */
void consumer_heartbeat(struct group_shard *shard, struct group_ask *ask,
			const struct consumer_group_heartbeat_request *request);

/*
 * Members that speak the classic protocol in a consumer group (while it
 * migrates): classic.c hands over what is asked of a group that is one, or
 * that may become one.
 */
void consumer_classic_join(struct group_shard *shard, struct group_ask *ask,
			   const struct join_group_request *request);
void consumer_classic_sync(struct group_shard *shard, struct group_ask *ask,
			   const struct sync_group_request *request);
void consumer_classic_heartbeat(struct group_shard *shard,
				struct group_ask *ask,
				const struct heartbeat_request *request);
void consumer_classic_leave(struct group_shard *shard, struct group_ask *ask,
			    const struct leave_group_request *request);

/* May this member commit or read offsets at that epoch?  An error code. */
int16_t consumer_check_commit(struct group *group, struct slice member_id,
			      struct slice instance_id, int32_t epoch,
			      int16_t version);
int16_t consumer_check_fetch(struct group *group, struct slice member_id,
			     int32_t epoch);

/* Fill in one group; the arena is the answer's.  Returns 0 or -ENOMEM. */
int consumer_describe(const struct group *group, struct arena *arena,
		      struct consumer_group_describe_response_groups *out);

const char *consumer_state(const struct group *group);
int32_t consumer_member_count(const struct group *group);
bool consumer_has_members(const struct group *group);
bool consumer_subscribes(const struct group *group, struct slice topic);
int64_t consumer_empty_since(const struct group *group);

/* Records that make it go. */
void consumer_delete(const struct group *group, struct group_changes *changes);

/* Its state is freed. */
void consumer_free(struct group *group, int16_t error);

/* It was loaded. */
void consumer_loaded(struct group *group);

/* Other topics: does it concern the group?  Then its next heartbeat tells. */
void consumer_topics_changed(struct group *group);

/* Records 3 to 8 and 16. */
int consumer_apply_metadata(struct group_shard *shard, const void *key,
			    const void *value, int16_t version, int64_t offset);
int consumer_apply_partition_metadata(struct group_shard *shard,
				      const void *key, const void *value,
				      int16_t version, int64_t offset);
int consumer_apply_member(struct group_shard *shard, const void *key,
			  const void *value, int16_t version, int64_t offset);
int consumer_apply_target_metadata(struct group_shard *shard, const void *key,
				   const void *value, int16_t version,
				   int64_t offset);
int consumer_apply_target_member(struct group_shard *shard, const void *key,
				 const void *value, int16_t version,
				 int64_t offset);
int consumer_apply_current_member(struct group_shard *shard, const void *key,
				  const void *value, int16_t version,
				  int64_t offset);
int consumer_apply_regex(struct group_shard *shard, const void *key,
			 const void *value, int16_t version, int64_t offset);

#endif /* KBROKERD_GROUP_CONSUMER_H */
