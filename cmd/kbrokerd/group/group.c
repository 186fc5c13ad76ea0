/*
 * group.c - one group: what is common to both protocols
 *
 * Where a protocol has a word to say, this file asks it; each is asked only
 * while the group has its state.
 */
#include "group.h"

#include <stdlib.h>

#include "kbrokerd/group/classic.h"
#include "kbrokerd/group/consumer.h"
#include "kbrokerd/group/memory.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"

struct group *group_find(const struct group_shard *shard, struct slice id)
{
	struct group *group;

	HASH_FIND(hh, shard->groups, id.data, id.len, group);
	return group;
}

struct group *group_get(struct group_shard *shard, struct slice id)
{
	struct group *group = group_find(shard, id);
	uint8_t *bytes;

	if (group != NULL)
		return group;
	group = calloc(1, sizeof(*group) + id.len);
	if (group == NULL)
		return NULL;
	bytes = (uint8_t *)(group + 1);
	if (id.len > 0)
		memcpy(bytes, id.data, id.len);
	group->id = (struct slice){ bytes, id.len };
	group->shard = shard;
	HASH_ADD_KEYPTR(hh, shard->groups, group->id.data, group->id.len,
			group);
	if (group->hh.tbl == NULL) {
		free(group);
		return NULL;
	}
	group_memory_add(shard, group);
	return group;
}

void group_free(struct group *group, int16_t error)
{
	classic_free(group, error);
	consumer_free(group, error);
	group_offsets_free(group);
	HASH_DELETE(hh, group->shard->groups, group);
	group_memory_remove(group->shard, group);
	free(group);
}

static bool is_void(const struct group *group)
{
	return group->classic == NULL && group->consumer == NULL &&
	       group->offsets == NULL;
}

void group_drop_if_void(struct group *group)
{
	struct group_shard *shard = group->shard;

	if (!is_void(group) || group->is_doubtful)
		return;
	if (!shard->applying) {
		group_free(group, WIRE_NONE);
		return;
	}
	group->is_doubtful = true;
	group->next_doubtful = shard->doubtful;
	shard->doubtful = group;
}

void group_drop_doubtful(struct group_shard *shard)
{
	while (shard->doubtful != NULL) {
		struct group *group = shard->doubtful;

		shard->doubtful = group->next_doubtful;
		group->is_doubtful = false;
		group_drop_if_void(group);
	}
}

void group_loaded(struct group *group)
{
	if (group->classic != NULL)
		classic_loaded(group);
	consumer_loaded(group);
}

void group_topics_changed(struct group *group)
{
	if (group->consumer != NULL)
		consumer_topics_changed(group);
}

const char *group_state(const struct group *group)
{
	return group->consumer != NULL ? consumer_state(group)
				       : classic_state(group);
}

const char *group_type(const struct group *group)
{
	return group->consumer != NULL ? "consumer" : "classic";
}

const char *group_protocol_type(const struct group *group)
{
	if (group->consumer != NULL)
		return "consumer";
	return classic_protocol_type(group);
}

bool group_has_members(const struct group *group)
{
	return group->consumer != NULL ? consumer_has_members(group)
				       : classic_has_members(group);
}

int32_t group_member_count(const struct group *group)
{
	return group->consumer != NULL ? consumer_member_count(group)
				       : classic_member_count(group);
}

bool group_subscribes(const struct group *group, struct slice topic)
{
	if (group->consumer != NULL)
		return consumer_subscribes(group, topic);
	return group->classic != NULL && classic_subscribes(group, topic);
}

int16_t group_check_commit(struct group *group, struct slice member_id,
			   struct slice instance_id, int32_t generation,
			   int16_t version)
{
	if (group->consumer != NULL)
		return consumer_check_commit(group, member_id, instance_id,
					     generation, version);
	return classic_check_commit(group, member_id, instance_id, generation,
				    version);
}

int16_t group_check_fetch(struct group *group, struct slice member_id,
			  int32_t epoch)
{
	if (group->consumer != NULL)
		return consumer_check_fetch(group, member_id, epoch);
	return WIRE_NONE;
}

int64_t group_empty_since(const struct group *group)
{
	return group->consumer != NULL ? consumer_empty_since(group)
				       : classic_empty_since(group);
}

void group_delete(const struct group *group, struct group_changes *changes)
{
	if (group->consumer != NULL)
		consumer_delete(group, changes);
	else
		classic_delete(group, changes);
}

int group_describe_classic(const struct group *group, struct arena *arena,
			   struct describe_groups_response_groups *out)
{
	return classic_describe(group, arena, out);
}

int group_describe_modern(const struct group *group, struct arena *arena,
			  struct consumer_group_describe_response_groups *out)
{
	return consumer_describe(group, arena, out);
}
