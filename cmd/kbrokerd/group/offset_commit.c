/*
 * offset_commit.c - OffsetCommit and OffsetDelete
 *
 * Partitions fail one by one; what the group or its log has to say against it
 * is told with every partition that did not fail by itself.  All of a request
 * is one batch: either all of it is there after a crash, or nothing.
 */
#include <errno.h>

#include "kbrokerd/group/memory.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	/* First versions of OffsetCommit with */
	COMMIT_HAS_GROUP_ID_NOT_FOUND = 9,
	COMMIT_HAS_TOPIC_IDS = 10,
	/* Of the record: as Kafka writes it. */
	VALUE_WITH_EXPIRY = 1,
	VALUE_NEWEST = 4,
};

/* UTF-16 units of a text in UTF-8: what Kafka counts. */
static size_t utf16_len(struct slice text)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		bool continues = (text.data[i] & 0xc0) == 0x80;

		n += continues ? 0 : text.data[i] >= 0xf0 ? 2 : 1;
	}
	return n;
}

/* OffsetCommit */

/* A commit at work. */
struct commit {
	struct group_shard *shard;
	struct group_ask *ask;
	const struct offset_commit_request *request;
	int16_t group_error;
	struct group_changes changes;
};

/* What the group says to it. */
static int16_t check_group(struct group_shard *shard,
			   const struct group_ask *ask,
			   const struct offset_commit_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	int32_t generation = request->generation_id_or_member_epoch;

	if (group != NULL)
		return group_check_commit(group, request->member_id,
					  request->group_instance_id,
					  generation, ask->version);
	if (generation < 0)
		return WIRE_NONE;
	return ask->version >= COMMIT_HAS_GROUP_ID_NOT_FOUND
		       ? WIRE_GROUP_ID_NOT_FOUND
		       : WIRE_ILLEGAL_GENERATION;
}

/* Would it take more memory than what is there? */
static bool takes_more(const struct commit *c, const struct group_topic *topic,
		       const struct offset_commit_request_topics_partitions *p)
{
	const struct group *group = group_find(c->shard, c->request->group_id);
	const struct group_offset *o =
		group == NULL ? NULL
			      : group_offset_find(group, topic->name,
						  p->partition_index);

	return o == NULL || o->metadata.len < p->committed_metadata.len;
}

static void add_change(struct commit *c, const struct group_topic *topic,
		       const struct offset_commit_request_topics_partitions *p)
{
	int64_t retention_ms = c->request->retention_time_ms;
	struct arena *arena = c->changes.arena;
	struct offset_commit_key *key = arena_alloc(arena, sizeof(*key));
	struct offset_commit_value *value =
		arena_calloc(arena, 1, sizeof(*value));

	if (key == NULL || value == NULL) {
		c->changes.failed = true;
		return;
	}
	*key = (struct offset_commit_key){ .group = c->request->group_id,
					   .topic = topic->name,
					   .partition = p->partition_index };
	value->offset = p->committed_offset;
	value->leader_epoch = p->committed_leader_epoch;
	value->metadata = slice_is_null(p->committed_metadata)
				  ? slice_of("")
				  : p->committed_metadata;
	value->commit_timestamp = c->shard->wall_ms;
	value->expire_timestamp = -1;
	if (retention_ms >= 0)
		value->expire_timestamp =
			retention_ms > INT64_MAX - c->shard->wall_ms
				? INT64_MAX
				: c->shard->wall_ms + retention_ms;
	value->topic_id = topic->id;
	group_changes_add(&c->changes, RECORD_OFFSET_COMMIT, key,
			  retention_ms < 0 ? VALUE_NEWEST : VALUE_WITH_EXPIRY,
			  value);
}

static int16_t commit_partition(
	struct commit *c, const struct group_topic *topic, int16_t topic_error,
	const struct offset_commit_request_topics_partitions *p)
{
	size_t metadata_max =
		(size_t)c->shard->settings->offset_metadata_max_bytes;

	if (topic_error != WIRE_NONE)
		return topic_error;
	if (p->partition_index < 0 ||
	    p->partition_index >= topic->partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	if (c->group_error != WIRE_NONE)
		return c->group_error;
	if (utf16_len(p->committed_metadata) > metadata_max)
		return WIRE_OFFSET_METADATA_TOO_LARGE;
	if (group_memory_is_full(c->shard, 0) && takes_more(c, topic, p))
		return WIRE_POLICY_VIOLATION;
	add_change(c, topic, p);
	return WIRE_NONE;
}

static int16_t find_topic(const struct commit *c,
			  const struct offset_commit_request_topics *from,
			  struct group_topic *out)
{
	const struct group_topics *topics = c->shard->topics;

	if (c->ask->version >= COMMIT_HAS_TOPIC_IDS)
		return topics->by_id(topics, &from->topic_id, out)
			       ? WIRE_NONE
			       : WIRE_UNKNOWN_TOPIC_ID;
	return topics->by_name(topics, from->name, out)
		       ? WIRE_NONE
		       : WIRE_UNKNOWN_TOPIC_OR_PARTITION;
}

static int commit_topic(struct commit *c,
			const struct offset_commit_request_topics *from,
			struct offset_commit_response_topics *to)
{
	struct arena *arena = c->ask->arena;
	struct group_topic topic = { 0 };
	int16_t error = find_topic(c, from, &topic);

	to->topic_id = from->topic_id;
	to->name = arena_copy(arena, from->name);
	to->partitions =
		wire_array(&offset_commit_response_topics_partitions_desc,
			   arena, from->partitions_count);
	if (to->partitions == NULL ||
	    slice_is_null(to->name) != slice_is_null(from->name))
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < from->partitions_count; i++) {
		to->partitions[i].partition_index =
			from->partitions[i].partition_index;
		to->partitions[i].error_code = commit_partition(
			c, &topic, error, &from->partitions[i]);
	}
	return 0;
}

/* Those that have not failed by themselves. */
static void fail_rest(struct offset_commit_response *response, int16_t error)
{
	for (int32_t i = 0; i < response->topics_count; i++) {
		struct offset_commit_response_topics *t = &response->topics[i];

		for (int32_t k = 0; k < t->partitions_count; k++) {
			if (t->partitions[k].error_code == WIRE_NONE)
				t->partitions[k].error_code = error;
		}
	}
}

static int commit_topics(struct commit *c,
			 struct offset_commit_response *response)
{
	int32_t count = c->request->topics_count;
	int rc = 0;

	response->topics = wire_array(&offset_commit_response_topics_desc,
				      c->ask->arena, count);
	if (response->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; rc == 0 && i < count; i++) {
		rc = commit_topic(c, &c->request->topics[i],
				  &response->topics[i]);
		response->topics_count++;
	}
	return rc;
}

void group_offset_commit(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_commit_request *request)
{
	struct commit c = { .shard = shard, .ask = ask, .request = request };
	struct offset_commit_response *response =
		arena_alloc(ask->arena, sizeof(*response));
	struct arena scratch;
	int64_t offset = 0;
	int rc = 0;

	if (response == NULL) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	arena_init(&scratch, 0);
	wire_init(&offset_commit_response_desc, response);
	group_changes_init(&c.changes, &scratch);
	c.group_error = check_group(shard, ask, request);
	if (commit_topics(&c, response) < 0)
		response = NULL;
	else
		rc = group_commit(shard, &c.changes, &offset);
	if (response != NULL && rc < 0)
		fail_rest(response, group_commit_error(rc));
	else if (response != NULL)
		shard->counters.commits += c.changes.count;
	arena_clear(&scratch);
	group_ask_answer(ask, response, offset);
}

/* OffsetDelete */

static int16_t check_delete(const struct group *group)
{
	if (group == NULL)
		return WIRE_GROUP_ID_NOT_FOUND;
	if (group->consumer == NULL && group_has_members(group) &&
	    strcmp(group_protocol_type(group), "consumer") != 0)
		return WIRE_NON_EMPTY_GROUP;
	return WIRE_NONE;
}

/* A partition may be named twice: records have texts of the request. */
static int16_t delete_partition(const struct group *group, struct slice name,
				int32_t partition,
				struct group_changes *changes)
{
	const struct group_topics *topics = group->shard->topics;
	const struct group_offset *o;
	struct group_offset gone = { .topic = name, .partition = partition };
	struct group_topic topic;

	if (!topics->by_name(topics, name, &topic) || partition < 0 ||
	    partition >= topic.partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	if (group_subscribes(group, name))
		return WIRE_GROUP_SUBSCRIBED_TO_TOPIC;
	o = group_offset_find(group, name, partition);
	if (o != NULL)
		group_offset_remove(&gone, group, changes);
	return WIRE_NONE;
}

static int delete_offsets(const struct group *group, struct arena *arena,
			  const struct offset_delete_request_topics *from,
			  struct offset_delete_response_topics *to,
			  struct group_changes *changes)
{
	to->name = arena_copy(arena, from->name);
	to->partitions =
		wire_array(&offset_delete_response_topics_partitions_desc,
			   arena, from->partitions_count);
	if (to->partitions == NULL || slice_is_null(to->name))
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < from->partitions_count; i++) {
		int32_t partition = from->partitions[i].partition_index;

		to->partitions[i].partition_index = partition;
		to->partitions[i].error_code =
			delete_partition(group, from->name, partition, changes);
	}
	return 0;
}

static int delete_topics(const struct group_shard *shard,
			 const struct group_ask *ask,
			 const struct offset_delete_request *request,
			 struct offset_delete_response *response,
			 struct group_changes *changes)
{
	const struct group *group = group_find(shard, request->group_id);
	int rc = 0;

	response->error_code = check_delete(group);
	if (response->error_code != WIRE_NONE)
		return 0;
	response->topics = wire_array(&offset_delete_response_topics_desc,
				      ask->arena, request->topics_count);
	if (response->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; rc == 0 && i < request->topics_count; i++) {
		/* Kafka tells nothing of a topic without partitions. */
		if (request->topics[i].partitions_count == 0)
			continue;
		rc = delete_offsets(group, ask->arena, &request->topics[i],
				    &response->topics[response->topics_count],
				    changes);
		response->topics_count++;
	}
	return rc;
}

void group_offset_delete(struct group_shard *shard, struct group_ask *ask,
			 const struct offset_delete_request *request)
{
	struct offset_delete_response *response =
		arena_alloc(ask->arena, sizeof(*response));
	struct group_changes changes;
	struct arena scratch;
	int64_t offset = 0;
	int rc = 0;

	if (response == NULL) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	arena_init(&scratch, 0);
	wire_init(&offset_delete_response_desc, response);
	group_changes_init(&changes, &scratch);
	if (delete_topics(shard, ask, request, response, &changes) < 0)
		response = NULL;
	else
		rc = group_commit(shard, &changes, &offset);
	if (response != NULL && rc < 0) {
		wire_init(&offset_delete_response_desc, response);
		response->error_code = group_commit_error(rc);
	}
	arena_clear(&scratch);
	group_ask_answer(ask, response, offset);
}
