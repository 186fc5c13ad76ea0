/*
 * classic_join.c - JoinGroup
 *
 * Who is new and dynamic is given an id first and comes back with it (KIP-394,
 * since version 4), so that a client which asks again is not two members.  A
 * static member that comes back without an id takes the place of the one it
 * was; when that changes nothing for the others they are left alone (KIP-345),
 * and if it leads it is told not to assign anew (KIP-814, since version 9).
 */
#include "classic_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/group/consumer.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	REBALANCE_TIMEOUT_VERSION = 1,
	ID_REQUIRED_VERSION = 4,
	SKIP_ASSIGNMENT_VERSION = 9
};

static void refuse(struct group_ask *ask, int16_t error)
{
	classic_answer_join_error(ask, error, slice_of(""));
}

static void no_memory(struct group_ask *ask)
{
	refuse(ask, group_commit_error(-ENOMEM));
}

int32_t classic_rebalance_timeout_ms(const struct group_ask *ask,
				     const struct join_group_request *request)
{
	if (ask->version < REBALANCE_TIMEOUT_VERSION)
		return request->session_timeout_ms;
	return request->rebalance_timeout_ms < 0
		       ? 0
		       : request->rebalance_timeout_ms;
}

static struct classic_protocols *protocols_of(
	const struct join_group_request *request)
{
	return classic_protocols_new(request->protocols,
				     request->protocols_count);
}

static struct classic_member *make_member(
	struct group *group, const struct group_ask *ask,
	const struct join_group_request *request, struct slice id)
{
	return classic_member_new(
		group,
		&(struct classic_member_facts){
			.id = id,
			.instance_id = request->group_instance_id,
			.client_id = ask->client_id,
			.client_host = ask->client_host,
			.rebalance_timeout_ms =
				classic_rebalance_timeout_ms(ask, request),
			.session_timeout_ms = request->session_timeout_ms,
		},
		protocols_of(request));
}

/* The client's id, or the instance's, and a uuid.  NULL data: no memory. */
static struct slice make_id(struct group_shard *shard, struct arena *arena,
			    const struct group_ask *ask,
			    const struct join_group_request *request)
{
	struct slice prefix = slice_is_null(request->group_instance_id)
				      ? ask->client_id
				      : request->group_instance_id;
	struct uuid u = uuid_random(shard->random);
	const uint8_t *b = u.bytes;
	size_t len = prefix.len < CLASSIC_ID_PREFIX_MAX ? prefix.len
							: CLASSIC_ID_PREFIX_MAX;
	uint8_t *id = arena_alloc(arena, len + 38);

	if (id == NULL)
		return SLICE_NULL;
	if (len > 0)
		memcpy(id, prefix.data, len);
	snprintf((char *)id + len, 38,
		 "-%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
		 "%02x%02x%02x%02x%02x%02x",
		 b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9],
		 b[10], b[11], b[12], b[13], b[14], b[15]);
	return (struct slice){ id, len + 37 };
}

/* New members */

static void add_member(struct group *group, struct group_ask *ask,
		       const struct join_group_request *request,
		       struct slice id)
{
	struct classic_group *classic = group->classic;
	struct classic_pending *pending = classic_pending_find(classic, id);
	struct classic_member *member = make_member(group, ask, request, id);

	if (member == NULL ||
	    classic_member_add(member, request->protocol_type) < 0) {
		classic_member_free(member);
		no_memory(ask);
		return;
	}
	if (pending != NULL)
		classic_pending_remove(pending);
	member->is_new = true;
	if (classic->state == CLASSIC_PREPARING &&
	    classic->previous == CLASSIC_EMPTY)
		classic->has_new_members = true;
	classic_member_await_join(member, ask);
	classic_member_expect(member, CLASSIC_NEW_MEMBER_MS);
	classic_rebalance(group, "a new member", request->reason);
}

static void give_id(struct group *group, struct group_ask *ask,
		    const struct join_group_request *request, struct slice id)
{
	if (classic_group_pending(group->classic) >= CLASSIC_PENDING_MAX)
		refuse(ask, WIRE_GROUP_MAX_SIZE_REACHED);
	else if (classic_pending_add(group, id, request->session_timeout_ms) <
		 0)
		no_memory(ask);
	else
		classic_answer_join_error(ask, WIRE_MEMBER_ID_REQUIRED, id);
}

/* Static members that come back */

static void answer_replaced(struct group *group, struct group_ask *ask,
			    struct slice id, struct slice old_leader)
{
	const struct classic_group *classic = group->classic;
	bool can_skip = ask->version >= SKIP_ASSIGNMENT_VERSION;
	bool is_leader =
		classic->leader != NULL && slice_equal(classic->leader->id, id);

	/* Who cannot be told to skip must not think that it leads: it would
	 * assign, and nobody waits for that. */
	classic_answer_joined(
		ask, group,
		&(struct classic_joined){
			.member_id = id,
			.leader = can_skip && classic->leader != NULL
					  ? classic->leader->id
					  : old_leader,
			.with_members = can_skip && is_leader,
			.skip_assignment = can_skip && is_leader,
			.offset = group->offset,
		});
}

/* Nothing changes for the others: their generation goes on with it. */
static void replace_quietly(struct group *group, struct group_ask *ask,
			    struct classic_member *old,
			    struct classic_member *with)
{
	struct classic_group *classic = group->classic;
	struct slice id = arena_copy(ask->arena, with->id);
	struct slice leader = SLICE_NULL;
	struct classic_member *member;
	int rc;

	if (classic->leader != NULL)
		leader = arena_copy(ask->arena, classic->leader->id);
	if (slice_is_null(id) ||
	    (classic->leader != NULL && slice_is_null(leader))) {
		classic_member_free(with);
		no_memory(ask);
		return;
	}
	rc = classic_record_commit(group,
				   &(struct classic_record){
					   .generation = classic->generation,
					   .protocol = classic->protocol,
					   .old = old,
					   .as = with,
				   });
	if (rc < 0) {
		refuse(ask, group_commit_error(rc));
		return;
	}
	member = classic_member_find(classic, id);
	classic_member_expect(member, member->session_timeout_ms);
	answer_replaced(group, ask, id, leader);
}

static void replace_loudly(struct group *group, struct group_ask *ask,
			   struct classic_member *old,
			   struct classic_member *with,
			   const struct join_group_request *request)
{
	if (classic_member_replace(old, with) < 0) {
		classic_member_free(with);
		no_memory(ask);
		return;
	}
	classic_member_await_join(with, ask);
	classic_member_expect(with, with->session_timeout_ms);
	classic_rebalance(group, "a static member came back", request->reason);
}

static void replace_member(struct group *group, struct group_ask *ask,
			   const struct join_group_request *request,
			   struct classic_member *old, struct slice id)
{
	const struct classic_group *classic = group->classic;
	struct classic_member *with = make_member(group, ask, request, id);

	if (with == NULL)
		no_memory(ask);
	else if (classic->state == CLASSIC_STABLE &&
		 slice_equal(classic_group_vote(classic, old, with),
			     classic->protocol))
		replace_quietly(group, ask, old, with);
	else
		replace_loudly(group, ask, old, with, request);
}

static void join_new(struct group *group, struct group_ask *ask,
		     const struct join_group_request *request)
{
	struct classic_member *old = classic_member_find_static(
		group->classic, request->group_instance_id);
	struct slice id = make_id(group->shard, ask->arena, ask, request);

	if (slice_is_null(id))
		no_memory(ask);
	else if (old != NULL)
		replace_member(group, ask, request, old, id);
	else if (slice_is_null(request->group_instance_id) &&
		 ask->version >= ID_REQUIRED_VERSION)
		give_id(group, ask, request, id);
	else
		add_member(group, ask, request, id);
}

/* Members that come back with their id */

static void rejoin(struct classic_member *member, struct group_ask *ask,
		   const struct join_group_request *request, const char *why)
{
	if (classic_member_set_protocols(member, protocols_of(request)) < 0) {
		no_memory(ask);
		return;
	}
	member->rebalance_timeout_ms =
		classic_rebalance_timeout_ms(ask, request);
	member->session_timeout_ms = request->session_timeout_ms;
	classic_member_await_join(member, ask);
	classic_rebalance(member->group, why, request->reason);
}

/* It has missed its answer, or knows no better: the generation as it is. */
static void repeat(const struct classic_member *member, struct group_ask *ask)
{
	const struct group *group = member->group;
	const struct classic_group *classic = group->classic;
	bool is_stable = classic->state == CLASSIC_STABLE;

	classic_answer_joined(
		ask, group,
		&(struct classic_joined){
			.member_id = member->id,
			.leader = classic->leader == NULL ? slice_of("")
							  : classic->leader->id,
			.with_members = !is_stable && classic->leader == member,
			.offset = is_stable ? group->offset : 0,
		});
}

static void join_again(struct classic_member *member, struct group_ask *ask,
		       const struct join_group_request *request)
{
	const struct classic_group *classic = member->group->classic;

	if (classic->state == CLASSIC_PREPARING)
		rejoin(member, ask, request, "a member joins again");
	else if (classic->state == CLASSIC_STABLE && classic->leader == member)
		rejoin(member, ask, request, "the leader joins again");
	else if (!classic_protocols_equal(member->protocols, request->protocols,
					  request->protocols_count))
		rejoin(member, ask, request, "a member has other metadata");
	else
		repeat(member, ask);
}

static void join_known(struct group *group, struct group_ask *ask,
		       const struct join_group_request *request)
{
	struct classic_group *classic = group->classic;
	struct slice id = request->member_id;
	int16_t error;

	if (classic_pending_find(classic, id) != NULL) {
		if (slice_is_null(request->group_instance_id))
			add_member(group, ask, request, id);
		else
			classic_answer_join_error(
				ask, WIRE_UNKNOWN_SERVER_ERROR, id);
		return;
	}
	error = classic_member_check(classic, id, request->group_instance_id);
	if (error != WIRE_NONE)
		classic_answer_join_error(ask, error, id);
	else
		join_again(classic_member_find(classic, id), ask, request);
}

/* All */

/* Is there room?  In a rebalance for who has joined, so that the last to come
 * are those for whom there is none. */
static bool accepts(const struct classic_group *classic, struct slice id,
		    int32_t max_size)
{
	const struct classic_member *member = classic_member_find(classic, id);

	if (classic->state == CLASSIC_EMPTY)
		return true;
	if (classic->state == CLASSIC_PREPARING)
		return (member != NULL && member->awaits_join) ||
		       classic->joined < max_size;
	return member != NULL || classic_group_size(classic) < max_size;
}

static void turn_away(struct group *group, struct group_ask *ask,
		      struct slice id)
{
	struct classic_group *classic = group->classic;
	struct classic_member *member = classic_member_find(classic, id);
	struct classic_pending *pending = classic_pending_find(classic, id);

	if (member != NULL)
		classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
	if (pending != NULL)
		classic_pending_remove(pending);
	refuse(ask, WIRE_GROUP_MAX_SIZE_REACHED);
	classic_rebalance_continue(group);
}

static void join(struct group *group, struct group_ask *ask,
		 const struct join_group_request *request)
{
	const struct classic_group *classic = group->classic;
	struct slice id = request->member_id;

	if (!accepts(classic, id, group->shard->settings->max_size))
		turn_away(group, ask, id);
	else if (!classic_group_supports(classic, request->protocol_type,
					 request->protocols,
					 request->protocols_count))
		classic_answer_join_error(ask, WIRE_INCONSISTENT_GROUP_PROTOCOL,
					  id);
	else if (id.len == 0)
		join_new(group, ask, request);
	else
		join_known(group, ask, request);
}

static int16_t check(const struct group_shard *shard,
		     const struct join_group_request *request)
{
	const struct group_settings *settings = shard->settings;

	if (request->group_id.len == 0)
		return WIRE_INVALID_GROUP_ID;
	if (request->session_timeout_ms < settings->min_session_timeout_ms ||
	    request->session_timeout_ms > settings->max_session_timeout_ms)
		return WIRE_INVALID_SESSION_TIMEOUT;
	if (request->protocols_count > CLASSIC_PROTOCOLS_MAX)
		return WIRE_INCONSISTENT_GROUP_PROTOCOL;
	if (request->member_id.len > 0 &&
	    group_find(shard, request->group_id) == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	return WIRE_NONE;
}

/* A consumer group that all have left becomes a classic one for who is new, not
 * for who thinks to be a member.  Returns an error code; the group may be gone
 * after it. */
static int16_t end_consumer_group(struct group *group, struct slice member_id)
{
	struct group_changes changes;
	struct arena arena;
	int rc;

	if (member_id.len > 0)
		return WIRE_UNKNOWN_MEMBER_ID;
	arena_init(&arena, 0);
	group_changes_init(&changes, &arena);
	consumer_delete(group, &changes);
	rc = group_commit(group->shard, &changes, NULL);
	arena_clear(&arena);
	return group_commit_error(rc);
}

void classic_join(struct group_shard *shard, struct group_ask *ask,
		  const struct join_group_request *request)
{
	int16_t error = check(shard, request);
	struct group *group = group_find(shard, request->group_id);

	if (error == WIRE_NONE && group != NULL && group->consumer != NULL) {
		if (consumer_has_members(group)) {
			consumer_classic_join(shard, ask, request);
			return;
		}
		error = end_consumer_group(group, request->member_id);
	}
	if (error != WIRE_NONE) {
		classic_answer_join_error(ask, error, request->member_id);
		return;
	}
	group = group_get(shard, request->group_id);
	if (group == NULL || classic_group_make(group) < 0) {
		if (group != NULL)
			group_drop_if_void(group);
		no_memory(ask);
		return;
	}
	join(group, ask, request);
	classic_group_release(group);
}
