/*
 * offsets.c - committed offsets, as records make them
 *
 * One allocation each.  What hangs on a group is found by partition and topic,
 * which stand behind each other in memory to be hashed as one key.
 */
#include "offsets.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/memory.h"
#include "wire/messages.h"

enum {
	PARTITION_BYTES = 4,
	/* A string of the protocol is no longer. */
	KEY_BYTES_MAX = PARTITION_BYTES + INT16_MAX,
	/* Versions of the record's value. */
	VALUE_HAS_EXPIRY = 1,
	VALUE_HAS_EPOCH = 3,
	VALUE_HAS_TOPIC_ID = 4,
};

static size_t put_key(uint8_t *to, struct slice topic, int32_t partition)
{
	put_be32(to, (uint32_t)partition);
	if (topic.len > 0)
		memcpy(to + PARTITION_BYTES, topic.data, topic.len);
	return PARTITION_BYTES + topic.len;
}

struct group_offset *group_offset_find(const struct group *group,
				       struct slice topic, int32_t partition)
{
	struct group_offset *o = NULL;
	uint8_t key[KEY_BYTES_MAX];
	size_t len;

	if (group->offsets == NULL || topic.len > INT16_MAX)
		return NULL;
	len = put_key(key, topic, partition);
	HASH_FIND(hh, group->offsets, key, len, o);
	return o;
}

bool group_offset_is_stale(const struct group_shard *shard,
			   const struct group_offset *o)
{
	struct group_topic now;

	return !uuid_equal(o->topic_id, UUID_ZERO) &&
	       shard->topics->by_name(shard->topics, o->topic, &now) &&
	       !uuid_equal(o->topic_id, now.id);
}

static struct group_offset *new_offset(struct slice topic, int32_t partition,
				       struct slice metadata)
{
	struct group_offset *o = calloc(1, sizeof(*o) + PARTITION_BYTES +
						   topic.len + metadata.len);
	uint8_t *bytes = (uint8_t *)(o + 1);
	size_t len;

	if (o == NULL)
		return NULL;
	len = put_key(bytes, topic, partition);
	o->topic = (struct slice){ bytes + PARTITION_BYTES, topic.len };
	o->partition = partition;
	if (metadata.len > 0)
		memcpy(bytes + len, metadata.data, metadata.len);
	o->metadata = (struct slice){ bytes + len, metadata.len };
	return o;
}

static int add(struct group *group, struct group_offset *o)
{
	HASH_ADD_KEYPTR(hh, group->offsets, (const uint8_t *)(o + 1),
			PARTITION_BYTES + o->topic.len, o);
	if (o->hh.tbl == NULL)
		return -ENOMEM;
	group->offset_count++;
	group_memory_add(group->shard, o);
	return 0;
}

static void delete (struct group *group, struct group_offset *o)
{
	HASH_DELETE(hh, group->offsets, o);
	group->offset_count--;
	group_memory_remove(group->shard, o);
	free(o);
}

void group_offsets_free(struct group *group)
{
	struct group_offset *o;
	struct group_offset *next;

	HASH_ITER(hh, group->offsets, o, next)
	delete (group, o);
}

void group_offset_remove(const struct group_offset *o,
			 const struct group *group,
			 struct group_changes *changes)
{
	struct offset_commit_key *key =
		arena_alloc(changes->arena, sizeof(*key));

	if (key != NULL)
		*key = (struct offset_commit_key){ .group = group->id,
						   .topic = o->topic,
						   .partition = o->partition };
	group_changes_add(changes, RECORD_OFFSET_COMMIT, key, 0, NULL);
}

/* Records */

/* A group that has nothing left stays until expired offsets are looked for, as
 * in Kafka, or all is loaded. */
static int apply_removal(struct group_shard *shard,
			 const struct offset_commit_key *key, int64_t offset)
{
	struct group *group = group_find(shard, key->group);
	struct group_offset *o;

	if (group == NULL)
		return 0;
	o = group_offset_find(group, key->topic, key->partition);
	if (o != NULL)
		delete (group, o);
	group->offset = offset;
	return 0;
}

/* One whose texts are those of value, in the place of what there was. */
static struct group_offset *make_room(struct group *group,
				      const struct offset_commit_key *key,
				      struct slice metadata)
{
	struct group_offset *old =
		group_offset_find(group, key->topic, key->partition);
	struct group_offset *o;

	if (old != NULL && slice_equal(old->metadata, metadata))
		return old;
	o = new_offset(key->topic, key->partition, metadata);
	if (o == NULL)
		return NULL;
	if (old != NULL)
		delete (group, old);
	if (add(group, o) < 0) {
		free(o);
		return NULL;
	}
	return o;
}

int group_offset_apply(struct group_shard *shard, const void *key_message,
		       const void *value_message, int16_t version,
		       int64_t offset)
{
	const struct offset_commit_key *key = key_message;
	const struct offset_commit_value *value = value_message;
	struct group_offset *o;
	struct group *group;

	if (value == NULL)
		return apply_removal(shard, key, offset);
	group = group_get(shard, key->group);
	if (group == NULL)
		return -ENOMEM;
	/* Those of a transaction are loaded when it ends. */
	o = group_offset_find(group, key->topic, key->partition);
	if (o != NULL && o->log_offset > offset)
		return 0;
	o = make_room(group, key, value->metadata);
	if (o == NULL) {
		group_drop_if_void(group);
		return -ENOMEM;
	}
	o->offset = value->offset;
	o->commit_ms = value->commit_timestamp;
	o->expire_ms =
		version == VALUE_HAS_EXPIRY ? value->expire_timestamp : -1;
	o->leader_epoch = version >= VALUE_HAS_EPOCH ? value->leader_epoch : -1;
	o->topic_id =
		version >= VALUE_HAS_TOPIC_ID ? value->topic_id : UUID_ZERO;
	o->log_offset = offset;
	group->offset = offset;
	return 0;
}

int group_offset_apply_legacy(struct group_shard *shard,
			      const void *key_message,
			      const void *value_message, int16_t version,
			      int64_t offset)
{
	const struct legacy_offset_commit_key *old_key = key_message;
	const struct legacy_offset_commit_value *old = value_message;
	const struct offset_commit_key key = { .group = old_key->group,
					       .topic = old_key->topic,
					       .partition =
						       old_key->partition };
	struct offset_commit_value value;

	if (old == NULL)
		return apply_removal(shard, &key, offset);
	value = (struct offset_commit_value){ .offset = old->offset,
					      .leader_epoch = -1,
					      .metadata = old->metadata,
					      .commit_timestamp =
						      old->commit_timestamp,
					      .expire_timestamp = -1 };
	return group_offset_apply(shard, &key, &value, version, offset);
}
