/*
 * groups_offsets.c - OffsetCommit, OffsetFetch, OffsetDelete
 *
 * What they do is group/offset_*.c's; this is how they are asked.
 */
#include <errno.h>

#include "kbrokerd/api/group_call.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	/* First versions of OffsetFetch with */
	FETCH_HAS_TOP_ERROR = 2,
	FETCH_HAS_GROUPS = 8,
};

/* OffsetCommit */

static struct slice commit_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct offset_commit_request *)req->message)->group_id;
}

static void commit_run(struct group_shard *shard, struct group_ask *ask,
		       const void *message, int32_t i)
{
	(void)i;
	group_offset_commit(shard, ask, message);
}

static int commit_blank_topic(struct request *req,
			      const struct offset_commit_request_topics *from,
			      struct offset_commit_response_topics *to)
{
	to->topic_id = from->topic_id;
	to->name = arena_copy(&req->arena, from->name);
	to->partitions =
		wire_array(&offset_commit_response_topics_partitions_desc,
			   &req->arena, from->partitions_count);
	if (to->partitions == NULL ||
	    slice_is_null(to->name) != slice_is_null(from->name))
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < to->partitions_count; i++)
		to->partitions[i].partition_index =
			from->partitions[i].partition_index;
	return 0;
}

static int commit_blank(struct request *req, int32_t i, void *answer)
{
	const struct offset_commit_request *request = req->message;
	struct offset_commit_response *response = answer;
	int rc = 0;

	(void)i;
	response->topics = wire_array(&offset_commit_response_topics_desc,
				      &req->arena, request->topics_count);
	if (response->topics == NULL)
		return -ENOMEM;
	response->topics_count = request->topics_count;
	for (int32_t k = 0; rc == 0 && k < request->topics_count; k++)
		rc = commit_blank_topic(req, &request->topics[k],
					&response->topics[k]);
	return rc;
}

/* Told with each partition that has not failed by itself. */
static void commit_fail(void *answer, int16_t version, int16_t error)
{
	struct offset_commit_response *response = answer;

	(void)version;
	for (int32_t i = 0; i < response->topics_count; i++) {
		struct offset_commit_response_topics *t = &response->topics[i];

		for (int32_t k = 0; k < t->partitions_count; k++) {
			if (t->partitions[k].error_code == WIRE_NONE)
				t->partitions[k].error_code = error;
		}
	}
}

void api_offset_commit(struct request *req)
{
	static const struct group_api api = {
		.answer = &offset_commit_response_desc,
		.group_of = commit_group,
		.run = commit_run,
		.blank = commit_blank,
		.fail = commit_fail,
	};

	group_call(req, &api);
}

/* OffsetFetch */

typedef struct offset_fetch_response_groups fetched_group;
typedef struct offset_fetch_response_groups_topics fetched_topic;
typedef struct offset_fetch_response_groups_topics_partitions fetched_row;

static int32_t fetch_count(const struct request *req)
{
	const struct offset_fetch_request *request = req->message;

	return req->version >= FETCH_HAS_GROUPS ? request->groups_count : 1;
}

static struct slice fetch_group(const struct request *req, int32_t i)
{
	const struct offset_fetch_request *request = req->message;

	return req->version >= FETCH_HAS_GROUPS ? request->groups[i].group_id
						: request->group_id;
}

static void fetch_run(struct group_shard *shard, struct group_ask *ask,
		      const void *message, int32_t i)
{
	group_offset_fetch(shard, ask, message, i);
}

static int fetch_blank_topic(struct request *req,
			     const struct offset_fetch_request_topics *from,
			     fetched_topic *to)
{
	to->name = arena_copy(&req->arena, from->name);
	to->partitions =
		wire_array(&offset_fetch_response_groups_topics_partitions_desc,
			   &req->arena, from->partition_indexes_count);
	if (slice_is_null(to->name) || to->partitions == NULL)
		return -ENOMEM;
	to->partitions_count = from->partition_indexes_count;
	for (int32_t i = 0; i < to->partitions_count; i++) {
		to->partitions[i].partition_index = from->partition_indexes[i];
		to->partitions[i].committed_offset = -1;
	}
	return 0;
}

/* The first version can tell an error only with its partitions. */
static int fetch_blank(struct request *req, int32_t i, void *answer)
{
	const struct offset_fetch_request *request = req->message;
	fetched_group *group = answer;
	int rc = 0;

	group->group_id = arena_copy(&req->arena, fetch_group(req, i));
	if (slice_is_null(group->group_id))
		return -ENOMEM;
	if (req->version >= FETCH_HAS_TOP_ERROR)
		return 0;
	group->topics = wire_array(&offset_fetch_response_groups_topics_desc,
				   &req->arena, request->topics_count);
	if (group->topics == NULL)
		return -ENOMEM;
	group->topics_count = request->topics_count;
	for (int32_t k = 0; rc == 0 && k < group->topics_count; k++)
		rc = fetch_blank_topic(req, &request->topics[k],
				       &group->topics[k]);
	return rc;
}

static void fetch_fail(void *answer, int16_t version, int16_t error)
{
	fetched_group *group = answer;

	if (version >= FETCH_HAS_TOP_ERROR) {
		group->error_code = error;
		group->topics_count = 0;
		return;
	}
	for (int32_t i = 0; i < group->topics_count; i++) {
		fetched_topic *t = &group->topics[i];

		for (int32_t k = 0; k < t->partitions_count; k++) {
			t->partitions[k].committed_offset = -1;
			t->partitions[k].metadata = slice_of("");
			t->partitions[k].error_code = error;
		}
	}
}

static int join_topic(struct request *req, const fetched_topic *from,
		      struct offset_fetch_response_topics *to)
{
	to->name = from->name;
	to->partitions =
		wire_array(&offset_fetch_response_topics_partitions_desc,
			   &req->arena, from->partitions_count);
	if (to->partitions == NULL)
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < to->partitions_count; i++) {
		const fetched_row *row = &from->partitions[i];

		to->partitions[i].partition_index = row->partition_index;
		to->partitions[i].committed_offset = row->committed_offset;
		to->partitions[i].committed_leader_epoch =
			row->committed_leader_epoch;
		to->partitions[i].metadata = row->metadata;
		to->partitions[i].error_code = row->error_code;
	}
	return 0;
}

static int join_one(struct request *req, const fetched_group *group,
		    struct offset_fetch_response *response)
{
	int rc = 0;

	response->error_code = group->error_code;
	response->topics = wire_array(&offset_fetch_response_topics_desc,
				      &req->arena, group->topics_count);
	if (response->topics == NULL)
		return -ENOMEM;
	response->topics_count = group->topics_count;
	for (int32_t i = 0; rc == 0 && i < group->topics_count; i++)
		rc = join_topic(req, &group->topics[i], &response->topics[i]);
	return rc;
}

static void *fetch_join(struct request *req, void *const *answers,
			int32_t count)
{
	struct offset_fetch_response *response =
		arena_alloc(&req->arena, sizeof(*response));

	if (response == NULL)
		return NULL;
	wire_init(&offset_fetch_response_desc, response);
	if (req->version < FETCH_HAS_GROUPS)
		return join_one(req, answers[0], response) < 0 ? NULL
							       : response;
	response->groups = wire_array(&offset_fetch_response_groups_desc,
				      &req->arena, count);
	if (response->groups == NULL)
		return NULL;
	response->groups_count = count;
	for (int32_t i = 0; i < count; i++)
		response->groups[i] = *(const fetched_group *)answers[i];
	return response;
}

void api_offset_fetch(struct request *req)
{
	static const struct group_api api = {
		.answer = &offset_fetch_response_groups_desc,
		.count = fetch_count,
		.group_of = fetch_group,
		.run = fetch_run,
		.blank = fetch_blank,
		.fail = fetch_fail,
		.join = fetch_join,
	};

	group_call(req, &api);
}

/* OffsetDelete */

static struct slice delete_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct offset_delete_request *)req->message)->group_id;
}

static int16_t delete_check(const struct request *req, int32_t i)
{
	return delete_group(req, i).len == 0 ? WIRE_INVALID_GROUP_ID
					     : WIRE_NONE;
}

static void delete_run(struct group_shard *shard, struct group_ask *ask,
		       const void *message, int32_t i)
{
	(void)i;
	group_offset_delete(shard, ask, message);
}

void api_offset_delete(struct request *req)
{
	static const struct group_api api = {
		.answer = &offset_delete_response_desc,
		.group_of = delete_group,
		.check = delete_check,
		.run = delete_run,
	};

	group_call(req, &api);
}
