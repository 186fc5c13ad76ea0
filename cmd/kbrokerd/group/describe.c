/*
 * describe.c - groups from outside: described, listed, deleted
 *
 * A group that only has offsets is a classic one, Empty and without a protocol
 * type.  Old versions of DescribeGroups take one that there is not for Dead.
 */
#include "describe.h"

#include <errno.h>
#include <strings.h>

#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	/* First version of DescribeGroups that tells what there is not. */
	DESCRIBE_HAS_NOT_FOUND = 6,
	/* Tombstones are written in batches of so many. */
	CHANGES_MAX = 1000,
};

/* DescribeGroups */

static void describe_none(struct group_ask *ask, bool other_type,
			  struct describe_groups_response_groups *out)
{
	out->group_state = slice_of("Dead");
	if (ask->version < DESCRIBE_HAS_NOT_FOUND)
		return;
	out->error_code = WIRE_GROUP_ID_NOT_FOUND;
	out->error_message = slice_of(arena_printf(
		ask->arena,
		other_type ? "Group %.*s is not a classic group."
			   : "Group %.*s not found.",
		(int)out->group_id.len, (const char *)out->group_id.data));
}

static int describe(struct group_shard *shard, struct group_ask *ask,
		    struct slice group_id, int64_t *offset_out,
		    struct describe_groups_response_groups *out)
{
	const struct group *group = group_find(shard, group_id);
	int rc = 0;

	out->group_id = arena_copy(ask->arena, group_id);
	if (slice_is_null(out->group_id))
		return -ENOMEM;
	if (group != NULL)
		*offset_out = group->offset;
	if (group == NULL || group->consumer != NULL)
		describe_none(ask, group != NULL, out);
	else if (group->classic != NULL)
		rc = group_describe_classic(group, ask->arena, out);
	else
		out->group_state = slice_of("Empty");
	return rc;
}

void group_describe(struct group_shard *shard, struct group_ask *ask,
		    struct slice group_id)
{
	struct describe_groups_response_groups *out =
		arena_alloc(ask->arena, sizeof(*out));
	int64_t offset = 0;

	if (out != NULL)
		wire_init(&describe_groups_response_groups_desc, out);
	if (out != NULL && describe(shard, ask, group_id, &offset, out) < 0)
		out = NULL;
	group_ask_answer(ask, out, offset);
}

/* ConsumerGroupDescribe */

static int describe_consumer(
	struct group_shard *shard, struct group_ask *ask, struct slice group_id,
	int64_t *offset_out,
	struct consumer_group_describe_response_groups *out)
{
	const struct group *group = group_find(shard, group_id);

	out->group_id = arena_copy(ask->arena, group_id);
	if (slice_is_null(out->group_id))
		return -ENOMEM;
	if (group != NULL)
		*offset_out = group->offset;
	if (group != NULL && group->consumer != NULL)
		return group_describe_modern(group, ask->arena, out);
	out->error_code = WIRE_GROUP_ID_NOT_FOUND;
	out->error_message = slice_of(arena_printf(
		ask->arena,
		group != NULL ? "Group %.*s is not a consumer group."
			      : "Group %.*s not found.",
		(int)group_id.len, (const char *)group_id.data));
	return 0;
}

void group_describe_consumer(struct group_shard *shard, struct group_ask *ask,
			     struct slice group_id)
{
	struct consumer_group_describe_response_groups *out =
		arena_alloc(ask->arena, sizeof(*out));
	int64_t offset = 0;

	if (out != NULL)
		wire_init(&consumer_group_describe_response_groups_desc, out);
	if (out != NULL &&
	    describe_consumer(shard, ask, group_id, &offset, out) < 0)
		out = NULL;
	group_ask_answer(ask, out, offset);
}

/* ListGroups */

/* Is it among the texts, in whatever case?  None at all let everything pass. */
static bool passes(const struct slice *texts, int32_t count, const char *name)
{
	size_t len = strlen(name);

	for (int32_t i = 0; i < count; i++) {
		if (texts[i].len == len &&
		    strncasecmp((const char *)texts[i].data, name, len) == 0)
			return true;
	}
	return count <= 0;
}

static int list_one(const struct group *group, struct arena *arena,
		    struct list_groups_response_groups *out)
{
	out->group_id = arena_copy(arena, group->id);
	/* A classic group may call its protocol what it likes. */
	out->protocol_type =
		arena_copy(arena, slice_of(group_protocol_type(group)));
	out->group_state = slice_of(group_state(group));
	out->group_type = slice_of(group_type(group));
	return slice_is_null(out->group_id) || slice_is_null(out->protocol_type)
		       ? -ENOMEM
		       : 0;
}

static int list(struct group_shard *shard, struct arena *arena,
		const struct list_groups_request *request, int64_t *offset_out,
		struct list_groups_response *out)
{
	struct group *group;
	struct group *next;

	out->groups = wire_array(&list_groups_response_groups_desc, arena,
				 (int32_t)HASH_COUNT(shard->groups));
	if (out->groups == NULL)
		return -ENOMEM;
	HASH_ITER(hh, shard->groups, group, next)
	{
		if (!passes(request->states_filter,
			    request->states_filter_count, group_state(group)) ||
		    !passes(request->types_filter, request->types_filter_count,
			    group_type(group)))
			continue;
		if (group->offset > *offset_out)
			*offset_out = group->offset;
		if (list_one(group, arena, &out->groups[out->groups_count++]) <
		    0)
			return -ENOMEM;
	}
	return 0;
}

void group_list(struct group_shard *shard, struct group_ask *ask,
		const struct list_groups_request *request)
{
	struct list_groups_response *out =
		arena_alloc(ask->arena, sizeof(*out));
	int64_t offset = 0;

	if (out != NULL)
		wire_init(&list_groups_response_desc, out);
	if (out != NULL && list(shard, ask->arena, request, &offset, out) < 0)
		out = NULL;
	group_ask_answer(ask, out, offset);
}

/* DeleteGroups */

/* Tombstones of all that it has; the last ones are of the group itself. */
static int remove_all(struct group_shard *shard, const struct group *group,
		      struct arena *arena, int64_t *offset_out)
{
	const struct group_offset *o;
	const struct group_offset *next;
	struct group_changes changes;
	int rc = 0;

	group_changes_init(&changes, arena);
	for (o = group->offsets; rc == 0 && o != NULL; o = next) {
		next = o->hh.next;
		if (changes.count >= CHANGES_MAX) {
			/* This one is left: the group stays. */
			rc = group_commit(shard, &changes, offset_out);
			arena_reset(arena);
			group_changes_init(&changes, arena);
		}
		group_offset_remove(o, group, &changes);
	}
	if (rc < 0)
		return rc;
	group_delete(group, &changes);
	return group_commit(shard, &changes, offset_out);
}

static int16_t remove_group(struct group_shard *shard, struct slice group_id,
			    int64_t *offset_out)
{
	struct group *group = group_find(shard, group_id);
	struct arena scratch;
	int rc;

	if (group == NULL)
		return WIRE_GROUP_ID_NOT_FOUND;
	if (group_has_members(group))
		return WIRE_NON_EMPTY_GROUP;
	arena_init(&scratch, 0);
	rc = remove_all(shard, group, &scratch, offset_out);
	arena_clear(&scratch);
	group = group_find(shard, group_id);
	if (group != NULL)
		group_drop_if_void(group);
	return group_commit_error(rc);
}

void group_remove(struct group_shard *shard, struct group_ask *ask,
		  struct slice group_id)
{
	struct delete_groups_response_results *out =
		arena_alloc(ask->arena, sizeof(*out));
	int64_t offset = 0;

	if (out != NULL) {
		wire_init(&delete_groups_response_results_desc, out);
		out->group_id = arena_copy(ask->arena, group_id);
		out->error_code = remove_group(shard, group_id, &offset);
	}
	group_ask_answer(ask, out, offset);
}
