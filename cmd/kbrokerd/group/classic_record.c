/*
 * classic_record.c - what the log says of a classic group
 *
 * One record says all: the last completed generation, its members and what
 * they were assigned, or that the group is empty.  Of what members can do it
 * has only the protocol that was chosen; who is in memory already knows more
 * and keeps it.
 */
#include "classic_group.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "wire/error_codes.h"
#include "wire/messages.h"

enum { VALUE_VERSION = 3 }; /* as Kafka 4.2 writes it */

/* Writing */

static struct group_metadata_value_members member_value(
	const struct classic_member *member, struct slice protocol,
	struct slice assignment)
{
	return (struct group_metadata_value_members){
		.member_id = member->id,
		.group_instance_id = member->instance_id,
		.client_id = member->client_id,
		.client_host = member->client_host,
		.rebalance_timeout = member->rebalance_timeout_ms,
		.session_timeout = member->session_timeout_ms,
		.subscription = classic_member_metadata(member, protocol),
		.assignment = assignment,
	};
}

static int fill(const struct group *group, const struct classic_record *record,
		struct arena *arena, struct group_metadata_value *value)
{
	const struct classic_group *classic = group->classic;
	const struct classic_member *leader = classic->leader;
	int32_t count = classic_group_size(classic);
	struct group_metadata_value_members *out =
		wire_array(&group_metadata_value_members_desc, arena, count);

	if (out == NULL)
		return -ENOMEM;
	wire_init(&group_metadata_value_desc, value);
	value->protocol_type = slice_is_null(classic->protocol_type)
				       ? slice_of("")
				       : classic->protocol_type;
	value->generation = record->generation;
	value->protocol = record->protocol;
	value->leader = SLICE_NULL;
	if (leader != NULL)
		value->leader =
			leader == record->old ? record->as->id : leader->id;
	value->current_state_timestamp = group->shard->wall_ms;
	value->members = out;
	value->members_count = count;
	for (const struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		*out++ = member_value(
			m == record->old ? record->as : m, record->protocol,
			record->use_offered ? m->offered : m->assignment);
	return 0;
}

int classic_record_commit(struct group *group,
			  const struct classic_record *record)
{
	struct classic_group *classic = group->classic;
	struct group_metadata_key key = { .group = group->id };
	struct group_metadata_value value;
	struct group_changes changes;
	struct arena arena;
	int rc;

	arena_init(&arena, 0);
	group_changes_init(&changes, &arena);
	rc = fill(group, record, &arena, &value);
	if (rc == 0) {
		group_changes_add(&changes, RECORD_GROUP_METADATA, &key,
				  VALUE_VERSION, &value);
		classic->incoming = record->as;
		rc = group_commit(group->shard, &changes, NULL);
		if (classic->incoming == NULL)
			record = NULL; /* it is in the group now */
		classic->incoming = NULL;
	}
	if (record != NULL)
		classic_member_free(record->as);
	arena_clear(&arena);
	return rc;
}

void classic_delete(const struct group *group, struct group_changes *changes)
{
	struct group_metadata_key *key =
		arena_alloc(changes->arena, sizeof(*key));

	if (group->classic == NULL)
		return;
	if (key != NULL)
		key->group = arena_copy(changes->arena, group->id);
	if (key != NULL && slice_is_null(key->group))
		key = NULL;
	group_changes_add(changes, RECORD_GROUP_METADATA, key, VALUE_VERSION,
			  NULL);
}

/* Reading */

/* The protocol of the record, which has no others. */
static struct classic_protocols *recorded_protocols(
	const struct group_metadata_value *value,
	const struct group_metadata_value_members *facts)
{
	struct join_group_request_protocols protocol = {
		.name = slice_is_null(value->protocol) ? slice_of("")
						       : value->protocol,
		.metadata = facts->subscription,
	};

	return classic_protocols_new(&protocol, 1);
}

static struct classic_member *make_member(
	struct group *group, const struct group_metadata_value *value,
	const struct group_metadata_value_members *facts)
{
	struct classic_member *incoming = group->classic->incoming;

	if (incoming != NULL && slice_equal(incoming->id, facts->member_id)) {
		group->classic->incoming = NULL;
		return incoming;
	}
	return classic_member_new(
		group,
		&(struct classic_member_facts){
			.id = facts->member_id,
			.instance_id = facts->group_instance_id,
			.client_id = facts->client_id,
			.client_host = facts->client_host,
		},
		recorded_protocols(value, facts));
}

/* It becomes a member, in the place of the one that had its instance id. */
static struct classic_member *take_in(
	struct group *group, const struct group_metadata_value *value,
	const struct group_metadata_value_members *facts)
{
	struct classic_member *member = make_member(group, value, facts);
	struct classic_member *old;
	int rc;

	if (member == NULL)
		return NULL;
	old = classic_member_find_static(group->classic, member->instance_id);
	if (old != NULL)
		rc = classic_member_replace(old, member);
	else
		rc = classic_member_add(member, value->protocol_type);
	if (rc == 0)
		return member;
	classic_member_free(member);
	return NULL;
}

static int apply_member(struct group *group,
			const struct group_metadata_value *value,
			const struct group_metadata_value_members *facts)
{
	struct classic_member *member =
		classic_member_find(group->classic, facts->member_id);

	if (member == NULL)
		member = take_in(group, value, facts);
	if (member == NULL)
		return -ENOMEM;
	member->session_timeout_ms = facts->session_timeout;
	member->rebalance_timeout_ms = facts->rebalance_timeout < 0
					       ? facts->session_timeout
					       : facts->rebalance_timeout;
	member->is_in_record = true;
	if (!slice_equal(classic_member_metadata(member, value->protocol),
			 facts->subscription) &&
	    classic_member_set_protocols(member,
					 recorded_protocols(value, facts)) < 0)
		return -ENOMEM;
	return classic_member_set_assignment(member, facts->assignment);
}

static int apply_members(struct group *group,
			 const struct group_metadata_value *value)
{
	struct classic_group *classic = group->classic;
	struct classic_member *member;
	struct classic_member *next;

	for (member = classic->members; member != NULL;
	     member = member->hh.next)
		member->is_in_record = false;
	for (int32_t i = 0; i < value->members_count; i++) {
		int rc = apply_member(group, value, &value->members[i]);

		if (rc < 0)
			return rc;
	}
	HASH_ITER(hh, classic->members, member, next)
	{
		if (!member->is_in_record)
			classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
	}
	classic->leader = classic_member_find(classic, value->leader);
	return 0;
}

static int set_text(struct group *group, struct slice *text, struct slice to)
{
	struct slice copy;

	if (slice_equal(*text, to))
		return 0;
	if (classic_text_copy(to, &copy) < 0)
		return -ENOMEM;
	classic_text_set(group, text, copy);
	return 0;
}

static int apply(struct group *group, const struct group_metadata_value *value)
{
	struct classic_group *classic = group->classic;
	enum classic_state state;

	if (apply_members(group, value) < 0 ||
	    set_text(group, &classic->protocol_type, value->protocol_type) <
		    0 ||
	    set_text(group, &classic->protocol, value->protocol) < 0)
		return -ENOMEM;
	state = classic->members == NULL ? CLASSIC_EMPTY : CLASSIC_STABLE;
	if (classic->state != state)
		classic_group_set_state(group, state);
	classic->since_ms = value->current_state_timestamp;
	classic->generation = value->generation;
	classic->is_recorded = true;
	classic_topics_reset(classic);
	return 0;
}

int classic_apply(struct group_shard *shard, const void *key, const void *value,
		  int16_t version, int64_t offset)
{
	const struct group_metadata_key *of = key;
	struct group *group = value == NULL ? group_find(shard, of->group)
					    : group_get(shard, of->group);
	int rc = 0;

	(void)version;
	if (group == NULL)
		return value == NULL ? 0 : -ENOMEM;
	group->offset = offset;
	if (value == NULL) {
		classic_free(group, WIRE_REBALANCE_IN_PROGRESS);
		group_drop_if_void(group);
		return 0;
	}
	rc = classic_group_make(group);
	return rc < 0 ? rc : apply(group, value);
}

void classic_loaded(struct group *group)
{
	struct classic_group *classic = group->classic;

	for (struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		classic_member_expect(m, m->session_timeout_ms);
	if (classic_group_size(classic) > group->shard->settings->max_size)
		classic_rebalance_begin(
			group, "the group is larger than group.max.size",
			SLICE_NULL);
}
