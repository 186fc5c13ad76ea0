/*
 * groups_classic.c - JoinGroup, SyncGroup, Heartbeat, LeaveGroup
 *
 * What they do is group/classic*.c's; this is how they are asked.
 */
#include <errno.h>

#include "kbrokerd/api/group_call.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/group/classic.h"
#include "kbrokerd/group/memory.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	JOIN_HAS_NULL_PROTOCOL = 7,
	/* What a member may offer that joins again, whatever there is. */
	SMALL_OFFER_BYTES = 64 << 10,
};

/* JoinGroup */

static struct slice join_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct join_group_request *)req->message)->group_id;
}

/* What a member offers is kept. */
static size_t offered_bytes(const struct join_group_request *request)
{
	size_t bytes = 0;

	for (int32_t i = 0; i < request->protocols_count; i++)
		bytes += request->protocols[i].name.len +
			 request->protocols[i].metadata.len;
	return bytes;
}

/* There is no room for another member. */
static void refuse_join(struct group_ask *ask)
{
	struct join_group_response *response =
		arena_alloc(ask->arena, sizeof(*response));

	if (response != NULL) {
		wire_init(&join_group_response_desc, response);
		response->error_code = WIRE_POLICY_VIOLATION;
	}
	group_ask_answer(ask, response, 0);
}

static void join_run(struct group_shard *shard, struct group_ask *ask,
		     const void *message, int32_t i)
{
	const struct join_group_request *request = message;
	size_t bytes = offered_bytes(request);

	(void)i;
	if ((request->member_id.len == 0 || bytes > SMALL_OFFER_BYTES) &&
	    group_memory_is_full(shard, bytes))
		refuse_join(ask);
	else
		classic_join(shard, ask, request);
}

static int join_blank(struct request *req, int32_t i, void *answer)
{
	const struct join_group_request *request = req->message;
	struct join_group_response *response = answer;

	(void)i;
	response->member_id = arena_copy(&req->arena, request->member_id);
	if (req->version >= JOIN_HAS_NULL_PROTOCOL)
		response->protocol_name = SLICE_NULL;
	return slice_is_null(response->member_id) ? -ENOMEM : 0;
}

void api_join_group(struct request *req)
{
	static const struct group_api api = {
		.answer = &join_group_response_desc,
		.group_of = join_group,
		.run = join_run,
		.blank = join_blank,
	};

	group_call(req, &api);
}

/* SyncGroup */

static struct slice sync_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct sync_group_request *)req->message)->group_id;
}

static void sync_run(struct group_shard *shard, struct group_ask *ask,
		     const void *message, int32_t i)
{
	(void)i;
	classic_sync(shard, ask, message);
}

void api_sync_group(struct request *req)
{
	static const struct group_api api = {
		.answer = &sync_group_response_desc,
		.group_of = sync_group,
		.run = sync_run,
	};

	group_call(req, &api);
}

/* Heartbeat */

static struct slice heartbeat_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct heartbeat_request *)req->message)->group_id;
}

static void heartbeat_run(struct group_shard *shard, struct group_ask *ask,
			  const void *message, int32_t i)
{
	(void)i;
	classic_heartbeat(shard, ask, message);
}

void api_heartbeat(struct request *req)
{
	static const struct group_api api = {
		.answer = &heartbeat_response_desc,
		.group_of = heartbeat_group,
		.run = heartbeat_run,
	};

	group_call(req, &api);
}

/* LeaveGroup */

static struct slice leave_group(const struct request *req, int32_t i)
{
	(void)i;
	return ((const struct leave_group_request *)req->message)->group_id;
}

static void leave_run(struct group_shard *shard, struct group_ask *ask,
		      const void *message, int32_t i)
{
	(void)i;
	classic_leave(shard, ask, message);
}

void api_leave_group(struct request *req)
{
	static const struct group_api api = {
		.answer = &leave_group_response_desc,
		.group_of = leave_group,
		.run = leave_run,
	};

	group_call(req, &api);
}
