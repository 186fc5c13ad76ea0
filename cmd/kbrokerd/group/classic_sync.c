/*
 * classic_sync.c - SyncGroup and Heartbeat
 *
 * Members that have joined ask for what they are assigned; the leader brings
 * it.  It is in the log before any of them hears of it.
 */
#include "classic_group.h"

#include "kbrokerd/group/consumer.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum { PROTOCOL_VERSION = 5 }; /* SyncGroup names the protocol since */

static bool differs(struct slice asked, struct slice own)
{
	return !slice_is_null(asked) && !slice_is_null(own) &&
	       !slice_equal(asked, own);
}

static int16_t check_sync(const struct classic_group *classic,
			  const struct sync_group_request *request)
{
	int16_t error = classic_member_check(classic, request->member_id,
					     request->group_instance_id);

	if (error != WIRE_NONE)
		return error;
	if (request->generation_id != classic->generation)
		return WIRE_ILLEGAL_GENERATION;
	if (differs(request->protocol_type, classic->protocol_type) ||
	    differs(request->protocol_name, classic->protocol))
		return WIRE_INCONSISTENT_GROUP_PROTOCOL;
	if (classic->state == CLASSIC_PREPARING)
		return WIRE_REBALANCE_IN_PROGRESS;
	return WIRE_NONE;
}

/* Who is not mentioned is assigned nothing; of two for one the last counts. */
static void lay_out_offers(struct classic_group *classic,
			   const struct sync_group_request *request)
{
	for (struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		m->offered = SLICE_NULL;
	for (int32_t i = 0; i < request->assignments_count; i++) {
		struct classic_member *member = classic_member_find(
			classic, request->assignments[i].member_id);

		if (member != NULL)
			member->offered = request->assignments[i].assignment;
	}
}

static void assign(struct group *group,
		   const struct sync_group_request *request)
{
	struct classic_group *classic = group->classic;
	int rc;

	lay_out_offers(classic, request);
	rc = classic_record_commit(group,
				   &(struct classic_record){
					   .generation = classic->generation,
					   .protocol = classic->protocol,
					   .use_offered = true,
				   });
	if (rc == 0) {
		group->shard->counters.classic_rebalances++;
		classic_rebalance_spread(group, WIRE_NONE);
		return;
	}
	classic_rebalance_spread(group, group_commit_error(rc));
	classic_rebalance(group, "the assignment could not be written",
			  SLICE_NULL);
}

static void sync(struct classic_member *member, struct group_ask *ask,
		 const struct sync_group_request *request)
{
	struct group *group = member->group;
	struct classic_group *classic = group->classic;

	classic_rebalance_synced(member);
	if (classic->state == CLASSIC_STABLE) {
		classic_answer_synced(ask, member);
		return;
	}
	classic_member_await_sync(member, ask);
	if (classic->leader == member)
		assign(group, request);
}

static bool names_protocol(const struct group_ask *ask,
			   const struct sync_group_request *request)
{
	return ask->version < PROTOCOL_VERSION ||
	       (!slice_is_null(request->protocol_type) &&
		!slice_is_null(request->protocol_name));
}

void classic_sync(struct group_shard *shard, struct group_ask *ask,
		  const struct sync_group_request *request)
{
	const struct group *group = group_find(shard, request->group_id);
	int16_t error = WIRE_NONE;

	if (!names_protocol(ask, request))
		error = WIRE_INCONSISTENT_GROUP_PROTOCOL;
	else if (request->group_id.len == 0)
		error = WIRE_INVALID_GROUP_ID;
	else if (group != NULL && group->consumer != NULL) {
		consumer_classic_sync(shard, ask, request);
		return;
	} else if (group == NULL || group->classic == NULL)
		error = WIRE_UNKNOWN_MEMBER_ID;
	else
		error = check_sync(group->classic, request);
	if (error != WIRE_NONE)
		classic_answer_sync_error(ask, error);
	else
		sync(classic_member_find(group->classic, request->member_id),
		     ask, request);
}

/* Heartbeats */

static void answer_heartbeat(struct group_ask *ask, int16_t error)
{
	struct heartbeat_response *response =
		arena_alloc(ask->arena, sizeof(*response));

	if (response != NULL) {
		wire_init(&heartbeat_response_desc, response);
		response->error_code = error;
	}
	group_ask_answer(ask, response, 0);
}

static int16_t heartbeat(struct classic_group *classic,
			 const struct heartbeat_request *request)
{
	int16_t error = classic_member_check(classic, request->member_id,
					     request->group_instance_id);
	struct classic_member *member;

	if (error != WIRE_NONE)
		return error;
	if (request->generation_id != classic->generation)
		return WIRE_ILLEGAL_GENERATION;
	member = classic_member_find(classic, request->member_id);
	classic_member_expect(member, member->session_timeout_ms);
	return classic->state == CLASSIC_PREPARING ? WIRE_REBALANCE_IN_PROGRESS
						   : WIRE_NONE;
}

void classic_heartbeat(struct group_shard *shard, struct group_ask *ask,
		       const struct heartbeat_request *request)
{
	const struct group *group = group_find(shard, request->group_id);
	int16_t error = WIRE_UNKNOWN_MEMBER_ID;

	if (group != NULL && group->consumer != NULL) {
		consumer_classic_heartbeat(shard, ask, request);
		return;
	}
	if (request->group_id.len == 0)
		error = WIRE_INVALID_GROUP_ID;
	else if (group != NULL && group->classic != NULL)
		error = heartbeat(group->classic, request);
	answer_heartbeat(ask, error);
}
