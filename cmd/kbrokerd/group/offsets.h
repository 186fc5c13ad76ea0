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

/* What the group has committed there, or NULL. */
struct group_offset *group_offset_find(const struct group *group,
				       struct slice topic, int32_t partition);

/* Was it committed to a topic that had this name before?  Then it says nothing
 * of today's. */
bool group_offset_is_stale(const struct group_shard *shard,
			   const struct group_offset *o);

/* A tombstone of it; o must live until the commit. */
void group_offset_remove(const struct group_offset *o,
			 const struct group *group,
			 struct group_changes *changes);

/* For group.c: free all. */
void group_offsets_free(struct group *group);

/* OffsetCommit records, today's and those of before 0.9. */
int group_offset_apply(struct group_shard *shard, const void *key,
		       const void *value, int16_t version, int64_t offset);
int group_offset_apply_legacy(struct group_shard *shard, const void *key,
			      const void *value, int16_t version,
			      int64_t offset);

/* Each takes the decoded request and answers ask with the API's response. */
void group_offset_commit(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_commit_request *request);
/* One group of the request, index i (versions below 8 have just one): the
 * answer is a struct offset_fetch_response_groups. */
void group_offset_fetch(struct group_shard *shard, struct group_ask *ask,
			const struct offset_fetch_request *request, int32_t i);
void group_offset_delete(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_delete_request *request);

/* Topics were deleted: what was committed to them goes, in all groups.  before:
 * the topics that there were; the shard has the newer ones already. */
void group_offsets_forget_topics(struct group_shard *shard,
				 const struct group_topics *before);

/* Look for expired offsets, and forget groups that have nothing left. */
void group_expire_offsets(struct group_shard *shard);

#endif /* KBROKERD_GROUP_OFFSETS_H */
