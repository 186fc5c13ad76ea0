/*
 * classic_leave.c - LeaveGroup
 *
 * One member by its id until version 2, then many: by id, or static ones by
 * their instance id, whoever asks (an administrator).
 */
#include "classic_group.h"

#include <errno.h>

#include "kbrokerd/group/consumer.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum { MEMBERS_VERSION = 3 }; /* LeaveGroup names many since */

static int16_t remove_member(struct classic_group *classic,
			     const struct leave_group_request_members *who)
{
	struct classic_pending *pending;
	struct classic_member *member;
	int16_t error;

	if (who->member_id.len == 0) {
		member = classic_member_find_static(classic,
						    who->group_instance_id);
		if (member == NULL)
			return WIRE_UNKNOWN_MEMBER_ID;
		classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
		return WIRE_NONE;
	}
	pending = classic_pending_find(classic, who->member_id);
	if (pending != NULL) {
		classic_pending_remove(pending);
		return WIRE_NONE;
	}
	error = classic_member_check(classic, who->member_id,
				     who->group_instance_id);
	if (error == WIRE_NONE)
		classic_member_remove(
			classic_member_find(classic, who->member_id),
			WIRE_UNKNOWN_MEMBER_ID);
	return error;
}

/* Returns how many have gone; codes has an error for each. */
static int32_t remove_all(struct group *group,
			  const struct leave_group_request_members *members,
			  int32_t count, int16_t *codes)
{
	int32_t gone = 0;

	for (int32_t i = 0; i < count; i++) {
		codes[i] = group == NULL || group->classic == NULL
				   ? WIRE_UNKNOWN_MEMBER_ID
				   : remove_member(group->classic, &members[i]);
		gone += codes[i] == WIRE_NONE;
	}
	return gone;
}

static int fill(struct group_ask *ask,
		const struct leave_group_request_members *members,
		int32_t count, struct leave_group_response *response)
{
	struct leave_group_response_members *out = wire_array(
		&leave_group_response_members_desc, ask->arena, count);

	if (out == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++) {
		out[i].member_id = arena_copy(ask->arena, members[i].member_id);
		out[i].group_instance_id =
			arena_copy(ask->arena, members[i].group_instance_id);
		if (slice_is_null(out[i].member_id) ||
		    slice_is_null(out[i].group_instance_id) !=
			    slice_is_null(members[i].group_instance_id))
			return -ENOMEM;
	}
	response->members = out;
	response->members_count = count;
	return 0;
}

static void leave(struct group *group, struct group_ask *ask,
		  const struct leave_group_request_members *members,
		  int32_t count, struct leave_group_response *response)
{
	int16_t *codes =
		arena_calloc(ask->arena, (size_t)count, sizeof(*codes));
	int64_t offset = 0;
	struct slice reason = count > 0 ? members[0].reason : SLICE_NULL;

	if (codes == NULL || fill(ask, members, count, response) < 0) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	if (remove_all(group, members, count, codes) > 0) {
		if (group->classic->state == CLASSIC_STABLE ||
		    group->classic->state == CLASSIC_COMPLETING)
			classic_rebalance_begin(group, "a member left", reason);
		else
			classic_rebalance_continue(group);
		offset = group->offset;
		classic_group_release(group);
	}
	for (int32_t i = 0; i < count; i++)
		response->members[i].error_code = codes[i];
	if (ask->version < MEMBERS_VERSION)
		response->error_code = codes[0];
	group_ask_answer(ask, response, offset);
}

void classic_leave(struct group_shard *shard, struct group_ask *ask,
		   const struct leave_group_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	struct leave_group_request_members one = {
		.member_id = request->member_id,
	};
	bool has_many = ask->version >= MEMBERS_VERSION;
	struct leave_group_response *response;

	if (group != NULL && group->consumer != NULL) {
		consumer_classic_leave(shard, ask, request);
		return;
	}
	response = arena_alloc(ask->arena, sizeof(*response));
	if (response == NULL) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	wire_init(&leave_group_response_desc, response);
	if (request->group_id.len > 0) {
		leave(group, ask, has_many ? request->members : &one,
		      has_many ? request->members_count : 1, response);
		return;
	}
	response->error_code = WIRE_INVALID_GROUP_ID;
	group_ask_answer(ask, response, 0);
}
