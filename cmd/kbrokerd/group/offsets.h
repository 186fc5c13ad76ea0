/*
 * offsets.h - committed offsets of groups
 */
#ifndef KBROKERD_GROUP_OFFSETS_H
#define KBROKERD_GROUP_OFFSETS_H

#include "kbrokerd/group/group.h"

struct offset_commit_request;
struct offset_delete_request;
struct offset_fetch_request;
struct delete_groups_request;

/* A committed offset, as records have it. */
struct group_offset {
	UT_hash_handle hh;
	int64_t offset;
	int64_t commit_ms;    /* wall clock */
	int64_t expire_ms;    /* -1: by the broker's retention */
	int64_t log_offset;   /* behind its record */
	struct uuid topic_id; /* zero: unknown */
	int32_t leader_epoch; /* -1: none */
	int32_t partition;
	struct slice topic;
	struct slice metadata;
	/* the key and both texts' bytes follow */
};

/* Each takes the decoded request and answers ask with the API's response. */
void group_offset_commit(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_commit_request *request);
/* One group of the request, index i (versions below 8 have just one): the
 * answer is a struct offset_fetch_response_groups. */
void group_offset_fetch(struct group_shard *shard, struct group_ask *ask,
			const struct offset_fetch_request *request, int32_t i);
void group_offset_delete(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_delete_request *request);

/* Look for expired offsets, and forget groups that have nothing left. */
void group_expire_offsets(struct group_shard *shard);

#endif /* KBROKERD_GROUP_OFFSETS_H */
