/*
 * admin_groups.c - what tools ask about groups, with the waiting done
 *
 * Offsets are asked for by topic name: versions that know only topic ids
 * (OffsetFetch and OffsetCommit 10) say nothing about topics that are gone.
 */
#include "client/admin_groups.h"

#include <assert.h>
#include <errno.h>

#include "client/admin.h"
#include "client/admin_fan.h"
#include "client/admin_group_call.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	KEY_OFFSET_COMMIT = 8,
	KEY_OFFSET_FETCH = 9,
	KEY_LIST_GROUPS = 16,
	KEY_DELETE_GROUPS = 42,
	KEY_OFFSET_DELETE = 47,
	BY_NAME_MAX = 9, /* version of OffsetFetch and OffsetCommit */
	FETCH_MANY_FROM = 8,
};

static int out_of_memory(struct client_error *error)
{
	return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
				"out of memory");
}

/* Listing */

static int add_listed(struct admin_answers *answers,
		      const struct list_groups_response *a, int32_t node,
		      struct admin_listed_group *list, size_t *count)
{
	for (int32_t i = 0; i < a->groups_count; i++) {
		const struct list_groups_response_groups *g = &a->groups[i];
		struct admin_listed_group *l = &list[(*count)++];

		l->name = arena_text(&answers->arena, g->group_id);
		l->protocol = arena_text(&answers->arena, g->protocol_type);
		l->state =
			slice_is_null(g->group_state)
				? ""
				: arena_text(&answers->arena, g->group_state);
		l->type = slice_is_null(g->group_type)
				  ? ""
				  : arena_text(&answers->arena, g->group_type);
		l->coordinator = node;
		if (l->name == NULL || l->protocol == NULL ||
		    l->state == NULL || l->type == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* The error of a part, or of its answer: 0 or negative. */
static int list_error(const struct admin_fan_part *part,
		      struct client_error *error)
{
	const struct client_error *own = client_request_error(part->request);
	const struct list_groups_response *a;

	if (own->kind != CLIENT_OK) {
		if (error != NULL)
			*error = *own;
		return own->rc;
	}
	a = client_request_answer(part->request);
	return a->error_code == WIRE_NONE
		       ? 0
		       : client_error_from_code(error, a->error_code,
						"listing groups", NULL);
}

static int take_lists(const struct admin_fan *fan,
		      struct admin_answers *answers,
		      struct admin_listed_group **list_out, size_t *count_out,
		      struct client_error *error)
{
	size_t count = 0;

	for (size_t i = 0; i < fan->count; i++) {
		const struct list_groups_response *a;
		int rc = list_error(&fan->parts[i], error);

		if (rc < 0)
			return rc;
		a = client_request_answer(fan->parts[i].request);
		count += (size_t)a->groups_count;
	}
	*count_out = 0;
	*list_out =
		arena_calloc(&answers->arena, count + 1, sizeof(**list_out));
	for (size_t i = 0; *list_out != NULL && i < fan->count; i++) {
		if (add_listed(answers,
			       client_request_answer(fan->parts[i].request),
			       fan->parts[i].node, *list_out, count_out) < 0)
			return out_of_memory(error);
	}
	return *list_out == NULL ? out_of_memory(error) : 0;
}

static int fill_list_fan(struct client *client, int16_t min_version,
			 struct admin_fan *fan)
{
	size_t node_count;
	const struct client_node *nodes = client_nodes(client, &node_count);

	for (size_t i = 0; i < node_count; i++) {
		struct client_request *request =
			client_request_new(client, KEY_LIST_GROUPS);

		if (request != NULL)
			client_request_limit_versions(request, min_version,
						      INT16_MAX);
		if (admin_fan_add(fan, request, nodes[i].id, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* Know the brokers. */
static int load_nodes(struct client *client, int64_t timeout_ms,
		      struct client_error *error)
{
	static const char *const none[1];
	struct client_request *request;
	int rc = admin_metadata(client, none, 0, timeout_ms, &request, error);

	client_request_free(request);
	return rc;
}

int admin_list_groups(struct client *client, int16_t min_version,
		      int64_t timeout_ms, struct admin_answers *answers,
		      struct admin_listed_group **list_out, size_t *count_out,
		      struct client_error *error)
{
	struct loop *loop = client_loop(client);
	int64_t deadline_ms = loop_now_ms(loop) + timeout_ms;
	int64_t backoff_ms = client_config(client)->retry_backoff_ms;
	struct client_error own = { 0 };
	int rc = load_nodes(client, timeout_ms, &own);

	while (rc == 0) {
		struct admin_fan fan = { .client = client };
		int64_t until_ms;

		rc = fill_list_fan(client, min_version, &fan);
		if (rc < 0)
			out_of_memory(&own);
		if (rc == 0)
			rc = admin_fan_run(&fan, timeout_ms, &own);
		if (rc == 0)
			rc = take_lists(&fan, answers, list_out, count_out,
					&own);
		admin_fan_clear(&fan);
		/* A coordinator that loads knows only part of its groups. */
		until_ms = loop_now_ms(loop) + backoff_ms;
		if (own.code != WIRE_COORDINATOR_LOAD_IN_PROGRESS ||
		    until_ms >= deadline_ms)
			break;
		while (loop_now_ms(loop) < until_ms)
			loop_run_once(loop, until_ms - loop_now_ms(loop));
		client_error_clear(&own);
		rc = 0;
	}
	if (rc < 0 && error != NULL)
		*error = own;
	return rc;
}

/* Fetching offsets */

static int ask_fetch(struct client_request *request,
		     const struct group_batch *batch)
{
	struct offset_fetch_request *q = client_request_message(request);

	q->group_id = slice_of(batch->groups[0]->name);
	q->topics = NULL;
	q->topics_count = -1;
	q->groups = wire_array(&offset_fetch_request_groups_desc,
			       client_request_arena(request),
			       (int32_t)batch->count);
	if (q->groups == NULL)
		return -ENOMEM;
	q->groups_count = (int32_t)batch->count;
	for (size_t i = 0; i < batch->count; i++) {
		q->groups[i].group_id = slice_of(batch->groups[i]->name);
		q->groups[i].topics = NULL;
		q->groups[i].topics_count = -1;
	}
	return 0;
}

/* Room for count more offsets of the group, which has none yet. */
static int make_room(struct admin_group *group, struct arena *arena,
		     size_t count)
{
	group->offset_count = 0;
	group->offsets =
		arena_calloc(arena, count + 1, sizeof(*group->offsets));
	return group->offsets == NULL ? -ENOMEM : 0;
}

static void add_offset(struct admin_group *group, const char *topic,
		       int32_t partition, int64_t offset, int32_t epoch,
		       struct slice metadata, int16_t code)
{
	group->offsets[group->offset_count++] = (struct admin_group_offset){
		.topic = topic,
		.partition = partition,
		.offset = offset,
		.leader_epoch = epoch,
		.metadata = metadata,
		.code = code,
	};
}

static int take_fetched(struct admin_group *group, struct arena *arena,
			const struct offset_fetch_response_groups *a)
{
	size_t count = 0;

	for (int32_t t = 0; t < a->topics_count; t++)
		count += (size_t)a->topics[t].partitions_count;
	if (make_room(group, arena, count) < 0)
		return -ENOMEM;
	for (int32_t t = 0; t < a->topics_count; t++) {
		const struct offset_fetch_response_groups_topics *topic =
			&a->topics[t];
		const char *name = arena_text(arena, topic->name);

		if (name == NULL)
			return -ENOMEM;
		for (int32_t p = 0; p < topic->partitions_count; p++)
			add_offset(group, name,
				   topic->partitions[p].partition_index,
				   topic->partitions[p].committed_offset,
				   topic->partitions[p].committed_leader_epoch,
				   topic->partitions[p].metadata,
				   topic->partitions[p].error_code);
	}
	group->code = a->error_code;
	return 0;
}

/* Before version 8 there is one group, at the top. */
static int take_fetched_old(struct admin_group *group, struct arena *arena,
			    const struct offset_fetch_response *a)
{
	size_t count = 0;

	for (int32_t t = 0; t < a->topics_count; t++)
		count += (size_t)a->topics[t].partitions_count;
	if (make_room(group, arena, count) < 0)
		return -ENOMEM;
	for (int32_t t = 0; t < a->topics_count; t++) {
		const struct offset_fetch_response_topics *topic =
			&a->topics[t];
		const char *name = arena_text(arena, topic->name);

		if (name == NULL)
			return -ENOMEM;
		for (int32_t p = 0; p < topic->partitions_count; p++)
			add_offset(group, name,
				   topic->partitions[p].partition_index,
				   topic->partitions[p].committed_offset,
				   topic->partitions[p].committed_leader_epoch,
				   topic->partitions[p].metadata,
				   topic->partitions[p].error_code);
	}
	group->code = a->error_code;
	return 0;
}

static int take_fetch(struct client_request *request,
		      const struct group_batch *batch)
{
	const struct offset_fetch_response *a = client_request_answer(request);
	struct arena *arena = &batch->answers->arena;
	int rc = 0;

	if (client_request_version(request) < FETCH_MANY_FROM)
		return take_fetched_old(batch->groups[0], arena, a);
	for (int32_t i = 0; rc == 0 && i < a->groups_count; i++) {
		struct admin_group *group = group_batch_find(
			batch, (size_t)i, a->groups[i].group_id);

		if (group != NULL)
			rc = take_fetched(group, arena, &a->groups[i]);
	}
	return rc;
}

/* Committing and forgetting */

/* How many offsets from first on are of its topic. */
static size_t count_of_topic(const struct admin_group *group, size_t first)
{
	const char *topic = group->offsets[first].topic;
	size_t i = first;

	while (i < group->offset_count &&
	       strcmp(group->offsets[i].topic, topic) == 0)
		i++;
	return i - first;
}

static int32_t count_topics(const struct admin_group *group)
{
	int32_t count = 0;

	for (size_t i = 0; i < group->offset_count;
	     i += count_of_topic(group, i))
		count++;
	return count;
}

static int ask_commit_topic(const struct admin_group *group, size_t first,
			    struct offset_commit_request_topics *topic,
			    struct arena *arena)
{
	size_t count = count_of_topic(group, first);

	topic->name = slice_of(group->offsets[first].topic);
	topic->partitions =
		wire_array(&offset_commit_request_topics_partitions_desc, arena,
			   (int32_t)count);
	if (topic->partitions == NULL)
		return -ENOMEM;
	topic->partitions_count = (int32_t)count;
	for (size_t i = 0; i < count; i++) {
		const struct admin_group_offset *o = &group->offsets[first + i];

		topic->partitions[i].partition_index = o->partition;
		topic->partitions[i].committed_offset = o->offset;
		topic->partitions[i].committed_leader_epoch = o->leader_epoch;
		if (!slice_is_null(o->metadata))
			topic->partitions[i].committed_metadata = o->metadata;
	}
	return 0;
}

static int ask_commit(struct client_request *request,
		      const struct group_batch *batch)
{
	struct offset_commit_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);
	const struct admin_group *group = batch->groups[0];

	q->group_id = slice_of(group->name);
	q->member_id = slice_of("");
	q->topics = wire_array(&offset_commit_request_topics_desc, arena,
			       count_topics(group));
	if (q->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < group->offset_count;
	     i += count_of_topic(group, i)) {
		if (ask_commit_topic(group, i, &q->topics[q->topics_count++],
				     arena) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void set_code(struct admin_group *group, struct slice topic,
		     int32_t partition, int16_t code)
{
	for (size_t i = 0; i < group->offset_count; i++) {
		if (group->offsets[i].partition == partition &&
		    slice_is(topic, group->offsets[i].topic))
			group->offsets[i].code = code;
	}
}

/*
 * A coordinator that moved says so for each offset: then it is the group's
 * code, so that all are asked for again.
 */
static void lift_code(struct admin_group *group)
{
	group->code = WIRE_NONE;
	if (group->offset_count == 0)
		return;
	switch (group->offsets[0].code) {
	case WIRE_NOT_COORDINATOR:
	case WIRE_COORDINATOR_NOT_AVAILABLE:
	case WIRE_COORDINATOR_LOAD_IN_PROGRESS:
		group->code = group->offsets[0].code;
	}
}

static int take_commit(struct client_request *request,
		       const struct group_batch *batch)
{
	const struct offset_commit_response *a = client_request_answer(request);
	struct admin_group *group = batch->groups[0];

	for (int32_t t = 0; t < a->topics_count; t++) {
		const struct offset_commit_response_topics *topic =
			&a->topics[t];

		for (int32_t p = 0; p < topic->partitions_count; p++)
			set_code(group, topic->name,
				 topic->partitions[p].partition_index,
				 topic->partitions[p].error_code);
	}
	lift_code(group);
	return 0;
}

static int ask_forget_topic(const struct admin_group *group, size_t first,
			    struct offset_delete_request_topics *topic,
			    struct arena *arena)
{
	size_t count = count_of_topic(group, first);

	topic->name = slice_of(group->offsets[first].topic);
	topic->partitions =
		wire_array(&offset_delete_request_topics_partitions_desc, arena,
			   (int32_t)count);
	if (topic->partitions == NULL)
		return -ENOMEM;
	topic->partitions_count = (int32_t)count;
	for (size_t i = 0; i < count; i++)
		topic->partitions[i].partition_index =
			group->offsets[first + i].partition;
	return 0;
}

static int ask_forget(struct client_request *request,
		      const struct group_batch *batch)
{
	struct offset_delete_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);
	const struct admin_group *group = batch->groups[0];

	q->group_id = slice_of(group->name);
	q->topics = wire_array(&offset_delete_request_topics_desc, arena,
			       count_topics(group));
	if (q->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < group->offset_count;
	     i += count_of_topic(group, i)) {
		if (ask_forget_topic(group, i, &q->topics[q->topics_count++],
				     arena) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int take_forget(struct client_request *request,
		       const struct group_batch *batch)
{
	const struct offset_delete_response *a = client_request_answer(request);
	struct admin_group *group = batch->groups[0];

	for (int32_t t = 0; t < a->topics_count; t++) {
		const struct offset_delete_response_topics *topic =
			&a->topics[t];

		for (int32_t p = 0; p < topic->partitions_count; p++)
			set_code(group, topic->name,
				 topic->partitions[p].partition_index,
				 topic->partitions[p].error_code);
	}
	group->code = a->error_code;
	return 0;
}

/* Deleting */

static int ask_delete(struct client_request *request,
		      const struct group_batch *batch)
{
	struct delete_groups_request *q = client_request_message(request);

	q->groups_names =
		group_batch_names(batch, client_request_arena(request));
	q->groups_names_count = (int32_t)batch->count;
	return q->groups_names == NULL ? -ENOMEM : 0;
}

static int take_delete(struct client_request *request,
		       const struct group_batch *batch)
{
	const struct delete_groups_response *a = client_request_answer(request);

	for (int32_t i = 0; i < a->results_count; i++) {
		struct admin_group *group = group_batch_find(
			batch, (size_t)i, a->results[i].group_id);

		if (group == NULL)
			continue;
		group->code = a->results[i].error_code;
		group->message = a->results[i].error_message;
	}
	return 0;
}

static const struct group_api questions[] = {
	[ADMIN_FETCH_OFFSETS] = { KEY_OFFSET_FETCH, FETCH_MANY_FROM,
				  BY_NAME_MAX, ask_fetch, take_fetch },
	[ADMIN_COMMIT_OFFSETS] = { KEY_OFFSET_COMMIT, INT16_MAX, BY_NAME_MAX,
				   ask_commit, take_commit },
	[ADMIN_FORGET_OFFSETS] = { KEY_OFFSET_DELETE, INT16_MAX, INT16_MAX,
				   ask_forget, take_forget },
	[ADMIN_DELETE_GROUPS] = { KEY_DELETE_GROUPS, 0, INT16_MAX, ask_delete,
				  take_delete },
};

int admin_ask_groups(struct client *client, enum admin_group_question question,
		     struct admin_group *groups, size_t count,
		     int64_t timeout_ms, struct admin_answers *answers,
		     struct client_error *error)
{
	assert(question < sizeof(questions) / sizeof(questions[0]));
	return group_call(client, &questions[question], groups, count,
			  timeout_ms, answers, error);
}
