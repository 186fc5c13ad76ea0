/*
 * classic.c - what others ask of a classic group
 *
 * A group without a classic state, one that was only ever committed to, is an
 * empty classic group to all who ask.
 */
#include "classic_group.h"

#include <errno.h>

#include "wire/error_codes.h"
#include "wire/messages.h"

static const char *const state_names[] = {
	[CLASSIC_EMPTY] = "Empty",
	[CLASSIC_PREPARING] = "PreparingRebalance",
	[CLASSIC_COMPLETING] = "CompletingRebalance",
	[CLASSIC_STABLE] = "Stable",
};

static enum classic_state state_of(const struct group *group)
{
	return group->classic == NULL ? CLASSIC_EMPTY : group->classic->state;
}

const char *classic_state(const struct group *group)
{
	return state_names[state_of(group)];
}

const char *classic_protocol_type(const struct group *group)
{
	return group->classic == NULL ||
			       slice_is_null(group->classic->protocol_type)
		       ? ""
		       : (const char *)group->classic->protocol_type.data;
}

int32_t classic_member_count(const struct group *group)
{
	return group->classic == NULL ? 0 : classic_group_size(group->classic);
}

bool classic_has_members(const struct group *group)
{
	return state_of(group) != CLASSIC_EMPTY;
}

int64_t classic_empty_since(const struct group *group)
{
	if (group->classic == NULL || group->classic->state != CLASSIC_EMPTY ||
	    slice_is_null(group->classic->protocol_type))
		return -1;
	return group->classic->since_ms;
}

void classic_free(struct group *group, int16_t error)
{
	struct classic_group *classic = group->classic;

	if (classic == NULL)
		return;
	while (classic->members != NULL)
		classic_member_remove(classic->members, error);
	classic_group_free(group);
}

/* Commits */

static int16_t check_commit(const struct classic_group *classic,
			    struct slice member_id, struct slice instance_id,
			    int32_t generation)
{
	bool is_named = generation >= 0 || member_id.len > 0 ||
			!slice_is_null(instance_id);
	int16_t error;

	if (!is_named)
		return WIRE_UNKNOWN_MEMBER_ID;
	error = classic_member_check(classic, member_id, instance_id);
	if (error != WIRE_NONE)
		return error;
	if (generation != classic->generation)
		return WIRE_ILLEGAL_GENERATION;
	/* It knows the generation and not yet its part of it. */
	if (classic->state == CLASSIC_COMPLETING)
		return WIRE_REBALANCE_IN_PROGRESS;
	return WIRE_NONE;
}

int16_t classic_check_commit(struct group *group, struct slice member_id,
			     struct slice instance_id, int32_t generation,
			     int16_t version)
{
	struct classic_member *member;
	int16_t error;

	(void)version;
	if (state_of(group) == CLASSIC_EMPTY)
		return generation < 0 ? WIRE_NONE : WIRE_UNKNOWN_MEMBER_ID;
	error = check_commit(group->classic, member_id, instance_id,
			     generation);
	if (error != WIRE_NONE)
		return error;
	member = classic_member_find(group->classic, member_id);
	classic_member_expect(member, member->session_timeout_ms);
	return WIRE_NONE;
}

/* Descriptions */

static void describe_member(const struct classic_member *member,
			    struct arena *arena,
			    struct describe_groups_response_groups_members *out,
			    bool *failed)
{
	const struct classic_group *classic = member->group->classic;

	out->member_id = classic_keep(arena, member->id, failed);
	out->group_instance_id =
		classic_keep(arena, member->instance_id, failed);
	out->client_id = classic_keep(arena, member->client_id, failed);
	out->client_host = classic_keep(arena, member->client_host, failed);
	if (member->assignment.len > 0)
		out->member_assignment =
			classic_keep(arena, member->assignment, failed);
	if (classic->state == CLASSIC_STABLE)
		out->member_metadata = classic_keep(
			arena,
			classic_member_metadata(member, classic->protocol),
			failed);
}

int classic_describe(const struct group *group, struct arena *arena,
		     struct describe_groups_response_groups *out)
{
	const struct classic_group *classic = group->classic;
	struct describe_groups_response_groups_members *to;
	bool failed = false;

	out->group_state = slice_of(classic_state(group));
	out->protocol_type = classic_keep(
		arena, slice_of(classic_protocol_type(group)), &failed);
	out->protocol_data = slice_of("");
	if (classic == NULL)
		return failed ? -ENOMEM : 0;
	if (classic->state == CLASSIC_STABLE &&
	    !slice_is_null(classic->protocol))
		out->protocol_data =
			classic_keep(arena, classic->protocol, &failed);
	out->members_count = classic_group_size(classic);
	to = wire_array(&describe_groups_response_groups_members_desc, arena,
			out->members_count);
	out->members = to;
	if (to == NULL)
		return -ENOMEM;
	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		describe_member(m, arena, to++, &failed);
	return failed ? -ENOMEM : 0;
}
