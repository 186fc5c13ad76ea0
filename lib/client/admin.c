/*
 * admin.c - what tools ask of a cluster, with the waiting done
 *
 * Requests to several brokers are sent side by side and waited for together.
 */
#include "client/admin.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { SUBJECT_MAX = TOPIC_NAME_MAX + 40, RESOURCE_TOPIC = 2, TWINS_MAX = 200 };

static int out_of_memory(struct client_error *error)
{
	return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
				"out of memory");
}

int admin_call(struct client_request *request, int32_t node, int64_t timeout_ms,
	       struct client_error *error)
{
	int rc = client_call(request, node, timeout_ms);

	if (rc < 0 && error != NULL)
		*error = *client_request_error(request);
	return rc;
}

static int metadata_topics(struct client_request *r, const char *const *names,
			   size_t count)
{
	struct metadata_request *m = client_request_message(r);

	m->allow_auto_topic_creation = false;
	if (names == NULL) {
		/* In version 0 an empty list means all; we start at 1. */
		m->topics = NULL;
		m->topics_count = -1;
		return 0;
	}
	m->topics = wire_array(&metadata_request_topics_desc,
			       client_request_arena(r), (int32_t)count);
	if (m->topics == NULL)
		return -ENOMEM;
	m->topics_count = (int32_t)count;
	for (size_t i = 0; i < count; i++)
		m->topics[i].name = slice_of(names[i]);
	return 0;
}

int admin_metadata(struct client *client, const char *const *names,
		   size_t count, int64_t timeout_ms,
		   struct client_request **request_out,
		   struct client_error *error)
{
	struct client_request *r = client_request_new(client, API_METADATA);

	*request_out = r;
	if (r == NULL || metadata_topics(r, names, count) < 0)
		return out_of_memory(error);
	client_request_limit_versions(r, 1, INT16_MAX);
	return admin_call(r, CLIENT_ANY_NODE, timeout_ms, error);
}

/*
 * Offsets
 */

/* One ListOffsets request under way, and the items that it asks for. */
struct offsets_part {
	struct offsets_call *call;
	struct client_request *request;
	int32_t leader;
	int64_t place; /* the query, 0 for a time */
	struct admin_offset **items;
	size_t count;
};

struct offsets_call {
	struct offsets_part *parts;
	size_t part_count;
	size_t waiting;
	struct client_error error; /* of the last that failed as a whole */
	size_t failed;
};

static int16_t code_of_failure(const struct client_error *error)
{
	return error->rc == -ENOTSUP ? WIRE_UNSUPPORTED_VERSION
				     : WIRE_REQUEST_TIMED_OUT;
}

static void take_offset(struct admin_offset *item,
			const struct list_offsets_response_topics_partitions *p)
{
	item->code = p->error_code;
	item->offset = p->offset;
	item->timestamp_ms = p->timestamp;
	item->leader_epoch = p->leader_epoch;
}

/* Find the item that part of the answer is about. */
static struct admin_offset *item_of(const struct offsets_part *part,
				    struct slice topic, int32_t partition)
{
	for (size_t i = 0; i < part->count; i++) {
		if (part->items[i]->partition == partition &&
		    slice_is(topic, part->items[i]->topic))
			return part->items[i];
	}
	return NULL;
}

/*
 * Answers come in the order of the question from every broker known; where
 * that does not hold they are looked for.
 */
static void take_offsets(struct offsets_part *part,
			 const struct list_offsets_response *response)
{
	size_t next = 0;

	for (int32_t t = 0; t < response->topics_count; t++) {
		const struct list_offsets_response_topics *topic =
			&response->topics[t];

		for (int32_t p = 0; p < topic->partitions_count; p++) {
			int32_t index = topic->partitions[p].partition_index;
			struct admin_offset *item = NULL;

			if (next < part->count &&
			    part->items[next]->partition == index &&
			    slice_is(topic->name, part->items[next]->topic))
				item = part->items[next++];
			else
				item = item_of(part, topic->name, index);
			if (item != NULL)
				take_offset(item, &topic->partitions[p]);
		}
	}
}

static void on_offsets(void *arg, struct client_request *request)
{
	struct offsets_part *part = arg;
	struct offsets_call *call = part->call;

	call->waiting--;
	if (client_request_error(request)->kind == CLIENT_OK) {
		take_offsets(part, client_request_answer(request));
		return;
	}
	call->failed++;
	call->error = *client_request_error(request);
	for (size_t i = 0; i < part->count; i++)
		part->items[i]->code = code_of_failure(&call->error);
}

static bool same_topic(const struct admin_offset *a,
		       const struct admin_offset *b)
{
	return strcmp(a->topic, b->topic) == 0;
}

/* Fill in the question; items of one topic that follow each other are one. */
static int ask_offsets(struct offsets_part *part, bool read_committed,
		       int64_t timeout_ms)
{
	struct list_offsets_request *m = client_request_message(part->request);
	struct arena *arena = client_request_arena(part->request);
	struct list_offsets_request_topics *topic = NULL;

	m->replica_id = -1;
	m->isolation_level = read_committed;
	m->timeout_ms = (int32_t)timeout_ms;
	m->topics = wire_array(&list_offsets_request_topics_desc, arena,
			       (int32_t)part->count);
	if (m->topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < part->count; i++) {
		const struct admin_offset *item = part->items[i];
		struct list_offsets_request_topics_partitions *p;

		if (i == 0 || !same_topic(item, part->items[i - 1])) {
			topic = &m->topics[m->topics_count++];
			topic->name = slice_of(item->topic);
			topic->partitions = wire_array(
				&list_offsets_request_topics_partitions_desc,
				arena, (int32_t)(part->count - i));
			if (topic->partitions == NULL)
				return -ENOMEM;
		}
		p = &topic->partitions[topic->partitions_count++];
		p->partition_index = item->partition;
		p->timestamp = item->query;
		p->current_leader_epoch = -1;
	}
	/* What a place needs: KIP-396's max timestamp came with version 7. */
	for (size_t i = 0; i < part->count; i++) {
		if (part->items[i]->query == ADMIN_MAX_TIMESTAMP)
			client_request_limit_versions(part->request, 7,
						      INT16_MAX);
	}
	return 0;
}

static bool asks_twice(const struct offsets_part *part,
		       const struct admin_offset *item)
{
	return part->count > 0 &&
	       item_of(part, slice_of(item->topic), item->partition) != NULL;
}

/*
 * The part for that leader in which the item is not yet, made if need be:
 * brokers refuse a partition that is twice in one request.  So beginnings and
 * ends have a request each; further twins are looked for among few items only.
 */
static struct offsets_part *part_for(struct offsets_call *call, int32_t leader,
				     const struct admin_offset *item,
				     size_t count)
{
	int64_t place = item->query < 0 ? item->query : 0;
	struct offsets_part *part;

	for (size_t i = 0; i < call->part_count; i++) {
		part = &call->parts[i];
		if (part->leader == leader && part->place == place &&
		    (count > TWINS_MAX || !asks_twice(part, item)))
			return part;
	}
	part = reallocarray(call->parts, call->part_count + 1, sizeof(*part));
	if (part == NULL)
		return NULL;
	call->parts = part;
	part = &call->parts[call->part_count++];
	*part = (struct offsets_part){ .leader = leader,
				       .place = place,
				       .items = calloc(count,
						       sizeof(*part->items)) };
	return part->items == NULL ? NULL : part;
}

static int16_t leader_of(struct client *client, const struct admin_offset *item,
			 int32_t *leader_out)
{
	const struct client_topic *t = client_topic(client, item->topic);

	if (t == NULL || !t->is_known)
		return WIRE_LEADER_NOT_AVAILABLE;
	if (t->code != WIRE_NONE)
		return t->code;
	if (item->partition < 0 || item->partition >= t->partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	*leader_out = t->partitions[item->partition].leader;
	return t->partitions[item->partition].leader < 0
		       ? t->partitions[item->partition].code
		       : WIRE_NONE;
}

static int group_offsets(struct offsets_call *call, struct client *client,
			 struct admin_offset *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct admin_offset *item = &items[i];
		struct offsets_part *part;
		int32_t leader = -1;

		item->offset = -1;
		item->timestamp_ms = -1;
		item->leader_epoch = -1;
		item->code = leader_of(client, item, &leader);
		if (item->code != WIRE_NONE)
			continue;
		part = part_for(call, leader, item, count);
		if (part == NULL)
			return -ENOMEM;
		item->code = WIRE_REQUEST_TIMED_OUT;
		part->items[part->count++] = item;
	}
	return 0;
}

static int send_offsets(struct offsets_call *call, struct client *client,
			bool read_committed, int64_t timeout_ms)
{
	for (size_t i = 0; i < call->part_count; i++) {
		struct offsets_part *part = &call->parts[i];

		part->call = call;
		part->request = client_request_new(client, API_LIST_OFFSETS);
		if (part->request == NULL ||
		    ask_offsets(part, read_committed, timeout_ms) < 0)
			return -ENOMEM;
		client_send(part->request, part->leader, timeout_ms, on_offsets,
			    part);
		call->waiting++;
	}
	return 0;
}

/* Let metadata of all the topics come, once for them all. */
static int load_topics(struct client *client, const struct admin_offset *items,
		       size_t count, int64_t timeout_ms,
		       struct client_error *error)
{
	int64_t deadline = loop_now_ms(client_loop(client)) + timeout_ms;
	const struct client_topic *t;
	int rc;

	for (size_t i = 0; i < count; i++) {
		if (client_topic(client, items[i].topic) == NULL)
			return out_of_memory(error);
	}
	for (size_t i = 0; i < count; i++) {
		if (i > 0 && same_topic(&items[i], &items[i - 1]))
			continue;
		rc = client_topic_load(
			client, items[i].topic, true, false,
			deadline - loop_now_ms(client_loop(client)), &t, error);
		/* What is wrong with one topic is told with its items. */
		if (rc < 0 && (error->code == WIRE_NONE || rc == -EINTR))
			return rc;
	}
	return 0;
}

int admin_list_offsets(struct client *client, struct admin_offset *items,
		       size_t count, bool read_committed, int64_t timeout_ms,
		       struct client_error *error)
{
	struct loop *loop = client_loop(client);
	struct offsets_call call = { 0 };
	struct client_error own;
	int rc;

	rc = load_topics(client, items, count, timeout_ms, &own);
	if (rc == 0) {
		rc = group_offsets(&call, client, items, count);
		if (rc == 0)
			rc = send_offsets(&call, client, read_committed,
					  timeout_ms);
		if (rc < 0)
			out_of_memory(&own);
	}
	while (rc == 0 && call.waiting > 0) {
		loop_run_once(loop, -1);
		if (loop_was_stopped(loop))
			rc = client_error_set(&own, CLIENT_REFUSED, -EINTR,
					      "interrupted");
	}
	if (rc == 0 && call.failed > 0 && call.failed == call.part_count) {
		own = call.error;
		rc = own.rc;
	}
	for (size_t i = 0; i < call.part_count; i++) {
		client_request_free(call.parts[i].request);
		free(call.parts[i].items);
	}
	free(call.parts);
	if (rc < 0 && error != NULL)
		*error = own;
	return rc;
}

/*
 * Configs
 */

static int ask_config(struct client_request *r, const char *topic,
		      const char *name)
{
	struct describe_configs_request *m = client_request_message(r);
	struct arena *arena = client_request_arena(r);

	m->resources =
		wire_array(&describe_configs_request_resources_desc, arena, 1);
	if (m->resources == NULL)
		return -ENOMEM;
	m->resources_count = 1;
	m->resources->resource_type = RESOURCE_TOPIC;
	m->resources->resource_name = arena_copy(arena, slice_of(topic));
	m->resources->configuration_keys =
		arena_calloc(arena, 1, sizeof(struct slice));
	if (m->resources->configuration_keys == NULL)
		return -ENOMEM;
	m->resources->configuration_keys[0] = arena_copy(arena, slice_of(name));
	m->resources->configuration_keys_count = 1;
	return 0;
}

struct client_request *admin_config_request(struct client *client,
					    const char *topic, const char *name)
{
	struct client_request *r;

	r = client_request_new(client, API_DESCRIBE_CONFIGS);
	if (r != NULL && ask_config(r, topic, name) < 0) {
		client_request_free(r);
		r = NULL;
	}
	return r;
}

int admin_config_answer(struct client_request *request, struct slice *value_out,
			struct client_error *error)
{
	const struct describe_configs_response *response =
		client_request_answer(request);
	const struct describe_configs_response_results *result;
	char subject[SUBJECT_MAX];

	if (response->results_count < 1)
		return client_error_set(error, CLIENT_BAD_DATA, -EBADMSG,
					"the answer to DescribeConfigs is "
					"empty");
	result = &response->results[0];
	if (result->error_code != WIRE_NONE) {
		snprintf(subject, sizeof(subject), "topic '%.*s'",
			 (int)result->resource_name.len,
			 (const char *)result->resource_name.data);
		return client_error_from_code(error, result->error_code,
					      subject, NULL);
	}
	if (result->configs_count < 1)
		return client_error_set(error, CLIENT_MISSING, -ENOENT,
					"no such config");
	*value_out = result->configs[0].value;
	return 0;
}

int admin_topic_config(struct client *client, const char *topic,
		       const char *name, int64_t timeout_ms,
		       struct buffer *value_out, struct client_error *error)
{
	struct client_request *r = admin_config_request(client, topic, name);
	struct slice value;
	int rc;

	if (r == NULL)
		return out_of_memory(error);
	rc = admin_call(r, CLIENT_ANY_NODE, timeout_ms, error);
	if (rc == 0)
		rc = admin_config_answer(r, &value, error);
	if (rc == 0)
		buffer_put(value_out, value.data, value.len);
	client_request_free(r);
	return rc;
}
