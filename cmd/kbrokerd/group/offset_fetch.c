/*
 * offset_fetch.c - OffsetFetch: what one group has committed
 *
 * Partitions that nothing was committed to are answered with offset -1; so is
 * a group that there is not.  All that a group has is given in order.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	/* First versions of OffsetFetch with */
	FETCH_HAS_GROUPS = 8,
	FETCH_HAS_TOPIC_IDS = 10,
	OFFSET_NONE = -1,
};

typedef struct offset_fetch_request_groups asked_group;
typedef struct offset_fetch_request_groups_topics asked_topic;
typedef struct offset_fetch_response_groups answered_group;
typedef struct offset_fetch_response_groups_topics answered_topic;
typedef struct offset_fetch_response_groups_topics_partitions answered_row;

static int fill_row(answered_row *row, const struct group_offset *o,
		    struct arena *arena)
{
	row->committed_offset = OFFSET_NONE;
	row->metadata = slice_of("");
	if (o == NULL)
		return 0;
	row->committed_offset = o->offset;
	row->committed_leader_epoch = o->leader_epoch;
	row->metadata = arena_copy(arena, o->metadata);
	return slice_is_null(row->metadata) ? -ENOMEM : 0;
}

static int add_rows(answered_topic *to, int32_t count, struct arena *arena)
{
	to->partitions =
		wire_array(&offset_fetch_response_groups_topics_partitions_desc,
			   arena, count);
	return to->partitions == NULL ? -ENOMEM : 0;
}

/* Those that are asked for */

/* Its name for who asks by id; an error code. */
static int16_t find_name(const struct group_shard *shard,
			 const struct group_ask *ask, const asked_topic *from,
			 struct slice *name_out)
{
	struct group_topic topic;

	*name_out = from->name;
	if (ask->version < FETCH_HAS_TOPIC_IDS)
		return WIRE_NONE;
	if (!shard->topics->by_id(shard->topics, &from->topic_id, &topic))
		return WIRE_UNKNOWN_TOPIC_ID;
	*name_out = topic.name;
	return WIRE_NONE;
}

static int fetch_topic(const struct group_shard *shard,
		       const struct group *group, const struct group_ask *ask,
		       const asked_topic *from, answered_topic *to)
{
	struct slice name;
	int16_t error = find_name(shard, ask, from, &name);

	to->topic_id = from->topic_id;
	if (!slice_is_null(from->name))
		to->name = arena_copy(ask->arena, from->name);
	if (add_rows(to, from->partition_indexes_count, ask->arena) < 0 ||
	    slice_is_null(to->name) != slice_is_null(from->name))
		return -ENOMEM;
	for (int32_t i = 0; i < from->partition_indexes_count; i++) {
		int32_t partition = from->partition_indexes[i];
		const struct group_offset *o = NULL;
		answered_row *row = &to->partitions[i];

		row->partition_index = partition;
		row->error_code = error;
		if (group != NULL && error == WIRE_NONE)
			o = group_offset_find(group, name, partition);
		if (o != NULL && group_offset_is_stale(shard, o))
			o = NULL;
		if (fill_row(row, o, ask->arena) < 0)
			return -ENOMEM;
		to->partitions_count++;
	}
	return 0;
}

static int fetch_some(const struct group_shard *shard,
		      const struct group *group, const struct group_ask *ask,
		      const asked_group *asked, answered_group *answer)
{
	int rc = 0;

	answer->topics = wire_array(&offset_fetch_response_groups_topics_desc,
				    ask->arena, asked->topics_count);
	if (answer->topics == NULL)
		return -ENOMEM;
	for (int32_t i = 0; rc == 0 && i < asked->topics_count; i++) {
		rc = fetch_topic(shard, group, ask, &asked->topics[i],
				 &answer->topics[i]);
		answer->topics_count++;
	}
	return rc;
}

/* All of them */

static int order(const void *a, const void *b)
{
	const struct group_offset *x = *(const struct group_offset *const *)a;
	const struct group_offset *y = *(const struct group_offset *const *)b;
	size_t len = x->topic.len < y->topic.len ? x->topic.len : y->topic.len;
	int c = memcmp(x->topic.data, y->topic.data, len);

	if (c == 0)
		c = (x->topic.len > y->topic.len) -
		    (x->topic.len < y->topic.len);
	return c != 0 ? c
		      : (x->partition > y->partition) -
				(x->partition < y->partition);
}

static const struct group_offset **sorted(const struct group_shard *shard,
					  const struct group *group,
					  struct arena *arena,
					  uint32_t *count_out)
{
	const struct group_offset **all =
		arena_alloc(arena, group->offset_count * sizeof(void *));
	uint32_t n = 0;

	for (const struct group_offset *o = group->offsets;
	     all != NULL && o != NULL; o = o->hh.next) {
		if (!group_offset_is_stale(shard, o))
			all[n++] = o;
	}
	if (n > 0)
		qsort(all, n, sizeof(void *), order);
	*count_out = n;
	return all;
}

/* The first count of these are of one topic: fill in *to. */
static int fill_topic(answered_topic *to, const struct group_offset *const *of,
		      int32_t count, struct arena *arena)
{
	to->name = arena_copy(arena, of[0]->topic);
	if (slice_is_null(to->name) || add_rows(to, count, arena) < 0)
		return -ENOMEM;
	to->partitions_count = count;
	for (int32_t i = 0; i < count; i++) {
		to->partitions[i].partition_index = of[i]->partition;
		if (fill_row(&to->partitions[i], of[i], arena) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* A topic that is told by its id must have one. */
static bool find_id(const struct group_shard *shard,
		    const struct group_ask *ask, struct slice name,
		    struct uuid *id_out)
{
	struct group_topic topic;

	if (ask->version < FETCH_HAS_TOPIC_IDS)
		return true;
	if (!shard->topics->by_name(shard->topics, name, &topic))
		return false;
	*id_out = topic.id;
	return true;
}

static int fetch_all(const struct group_shard *shard, const struct group *group,
		     const struct group_ask *ask, answered_group *answer)
{
	const struct group_offset **all;
	uint32_t count, end;
	int rc = 0;

	if (group == NULL || group->offset_count == 0)
		return 0;
	all = sorted(shard, group, ask->arena, &count);
	answer->topics = wire_array(&offset_fetch_response_groups_topics_desc,
				    ask->arena, (int32_t)count);
	if (all == NULL || answer->topics == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; rc == 0 && i < count; i = end) {
		answered_topic *to = &answer->topics[answer->topics_count];

		for (end = i + 1; end < count &&
				  slice_equal(all[end]->topic, all[i]->topic);)
			end++;
		if (!find_id(shard, ask, all[i]->topic, &to->topic_id))
			continue;
		rc = fill_topic(to, &all[i], (int32_t)(end - i), ask->arena);
		answer->topics_count++;
	}
	return rc;
}

/* The group i of a request of any version, as the newest have it. */
static int read_group(const struct group_ask *ask,
		      const struct offset_fetch_request *request, int32_t i,
		      asked_group *out)
{
	if (ask->version >= FETCH_HAS_GROUPS) {
		*out = request->groups[i];
		return 0;
	}
	wire_init(&offset_fetch_request_groups_desc, out);
	out->group_id = request->group_id;
	out->topics_count = request->topics_count;
	if (request->topics_count < 0)
		return 0;
	out->topics = wire_array(&offset_fetch_request_groups_topics_desc,
				 ask->arena, request->topics_count);
	for (int32_t k = 0; out->topics != NULL && k < out->topics_count; k++) {
		const struct offset_fetch_request_topics *from =
			&request->topics[k];

		out->topics[k].name = from->name;
		out->topics[k].partition_indexes = from->partition_indexes;
		out->topics[k].partition_indexes_count =
			from->partition_indexes_count;
	}
	return out->topics == NULL ? -ENOMEM : 0;
}

static int fetch(const struct group_shard *shard, const struct group_ask *ask,
		 const asked_group *asked, answered_group *answer,
		 int64_t *offset_out)
{
	struct group *group = group_find(shard, asked->group_id);

	answer->group_id = arena_copy(ask->arena, asked->group_id);
	if (slice_is_null(answer->group_id))
		return -ENOMEM;
	if (group != NULL) {
		*offset_out = group->offset;
		answer->error_code = group_check_fetch(group, asked->member_id,
						       asked->member_epoch);
		if (answer->error_code != WIRE_NONE)
			return 0;
	}
	return asked->topics_count < 0
		       ? fetch_all(shard, group, ask, answer)
		       : fetch_some(shard, group, ask, asked, answer);
}

void group_offset_fetch(struct group_shard *shard, struct group_ask *ask,
			const struct offset_fetch_request *request, int32_t i)
{
	answered_group *answer = arena_alloc(ask->arena, sizeof(*answer));
	asked_group asked;
	int64_t offset = 0;

	if (answer != NULL)
		wire_init(&offset_fetch_response_groups_desc, answer);
	if (answer != NULL && (read_group(ask, request, i, &asked) < 0 ||
			       fetch(shard, ask, &asked, answer, &offset) < 0))
		answer = NULL;
	group_ask_answer(ask, answer, offset);
}
