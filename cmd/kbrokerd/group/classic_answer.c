/*
 * classic_answer.c - what members are answered, in every version
 *
 * An answer is sent later and by another thread, when the member may be gone:
 * all that it says is copied into the arena of who asked.
 */
#include "classic_group.h"

#include "wire/messages.h"

enum { NULL_PROTOCOL_VERSION = 7 }; /* of JoinGroup */

struct slice classic_keep(struct arena *arena, struct slice s, bool *failed)
{
	struct slice copy = arena_copy(arena, s);

	if (slice_is_null(copy) && !slice_is_null(s))
		*failed = true;
	return copy;
}

static struct join_group_response *join_response(struct group_ask *ask,
						 struct slice member_id,
						 bool *failed)
{
	struct join_group_response *response =
		arena_alloc(ask->arena, sizeof(*response));

	if (response == NULL) {
		*failed = true;
		return NULL;
	}
	wire_init(&join_group_response_desc, response);
	response->member_id = classic_keep(ask->arena, member_id, failed);
	response->leader = slice_of("");
	response->protocol_name = ask->version >= NULL_PROTOCOL_VERSION
					  ? SLICE_NULL
					  : slice_of("");
	return response;
}

void classic_answer_join_error(struct group_ask *ask, int16_t error,
			       struct slice member_id)
{
	bool failed = false;
	struct join_group_response *response =
		join_response(ask, member_id, &failed);

	if (!failed)
		response->error_code = error;
	group_ask_answer(ask, failed ? NULL : response, 0);
}

/* All members with what the leader assigns by. */
static void list_members(struct join_group_response *response,
			 struct arena *arena,
			 const struct classic_group *classic, bool *failed)
{
	int32_t count = classic_group_size(classic);
	struct join_group_response_members *out =
		wire_array(&join_group_response_members_desc, arena, count);

	if (out == NULL) {
		*failed = true;
		return;
	}
	response->members = out;
	response->members_count = count;
	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next, out++) {
		out->member_id = classic_keep(arena, m->id, failed);
		out->group_instance_id =
			classic_keep(arena, m->instance_id, failed);
		out->metadata = classic_keep(
			arena, classic_member_metadata(m, classic->protocol),
			failed);
	}
}

void classic_answer_joined(struct group_ask *ask, const struct group *group,
			   const struct classic_joined *joined)
{
	const struct classic_group *classic = group->classic;
	struct arena *arena = ask->arena;
	bool failed = false;
	struct join_group_response *response =
		join_response(ask, joined->member_id, &failed);

	if (!failed) {
		response->generation_id = classic->generation;
		response->protocol_type =
			classic_keep(arena, classic->protocol_type, &failed);
		response->leader = classic_keep(arena, joined->leader, &failed);
		response->skip_assignment = joined->skip_assignment;
		if (classic->protocol.len > 0)
			response->protocol_name =
				classic_keep(arena, classic->protocol, &failed);
		if (joined->with_members)
			list_members(response, arena, classic, &failed);
	}
	group_ask_answer(ask, failed ? NULL : response, joined->offset);
}

static struct sync_group_response *sync_response(struct group_ask *ask)
{
	struct sync_group_response *response =
		arena_alloc(ask->arena, sizeof(*response));

	if (response != NULL) {
		wire_init(&sync_group_response_desc, response);
		response->assignment = slice_of("");
	}
	return response;
}

void classic_answer_sync_error(struct group_ask *ask, int16_t error)
{
	struct sync_group_response *response = sync_response(ask);

	if (response != NULL)
		response->error_code = error;
	group_ask_answer(ask, response, 0);
}

void classic_answer_synced(struct group_ask *ask,
			   const struct classic_member *member)
{
	const struct group *group = member->group;
	const struct classic_group *classic = group->classic;
	struct sync_group_response *response = sync_response(ask);
	bool failed = response == NULL;

	if (!failed) {
		response->protocol_type = classic_keep(
			ask->arena, classic->protocol_type, &failed);
		response->protocol_name =
			classic_keep(ask->arena, classic->protocol, &failed);
		if (member->assignment.len > 0)
			response->assignment = classic_keep(
				ask->arena, member->assignment, &failed);
	}
	group_ask_answer(ask, failed ? NULL : response, group->offset);
}
