/*
 * controller_topics.c - topics come (CreateTopics)
 *
 * Each topic of a request succeeds or fails by itself; what one is refused
 * for, in this order: its name, its configuration, its replicas, its quota.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/config_check.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };
static const struct controller_error no_memory = { WIRE_UNKNOWN_SERVER_ERROR,
						   NULL };
static const struct controller_error duplicate = { WIRE_INVALID_REQUEST,
						   "Duplicate topic name." };
static const struct controller_error too_many = {
	WIRE_POLICY_VIOLATION,
	"Excessively large number of partitions per request."
};

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

static struct controller_error check_new_name(const struct controller *c,
					      struct slice name,
					      struct arena *arena)
{
	const struct topic_image *other;

	if (slice_is(name, METADATA_TOPIC))
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			"Creation of internal topic " METADATA_TOPIC
			" is prohibited."
		};
	if (!topic_name_is_valid(name))
		return (struct controller_error){ WIRE_INVALID_TOPIC_EXCEPTION,
						  topic_name_problem(name,
								     arena) };
	if (image_topic(c->image, name) != NULL)
		return (struct controller_error){
			WIRE_TOPIC_ALREADY_EXISTS,
			arena_printf(arena, "Topic '%.*s' already exists.",
				     (int)name.len, (const char *)name.data)
		};
	other = image_colliding_topic(c->image, name);
	if (other == NULL)
		return none;
	return (struct controller_error){
		WIRE_INVALID_TOPIC_EXCEPTION,
		arena_printf(arena,
			     "Topic '%.*s' collides with existing topic: %.*s",
			     (int)name.len, (const char *)name.data,
			     (int)other->name.len,
			     (const char *)other->name.data)
	};
}

/* Add an entry to a sorted set; a later one of a name replaces it. */
static void put_entry(struct config_entry *entries, size_t *count,
		      struct config_entry entry)
{
	size_t i = 0;

	while (i < *count && strcmp(entries[i].name, entry.name) < 0)
		i++;
	if (i == *count || strcmp(entries[i].name, entry.name) != 0) {
		memmove(entries + i + 1, entries + i,
			(*count - i) * sizeof(*entries));
		++*count;
	}
	entries[i] = entry;
}

static struct controller_error read_configs(
	const struct create_topics_request_topics *t, struct arena *arena,
	struct config_set *set_out)
{
	struct config_entry *entries =
		arena_calloc(arena, (size_t)t->configs_count, sizeof(*entries));
	struct controller_error e = { WIRE_INVALID_CONFIG, NULL };

	*set_out = (struct config_set){ 0, entries };
	for (int32_t i = 0; entries != NULL && i < t->configs_count; i++) {
		char *name = arena_text(arena, t->configs[i].name);
		char *value = arena_text(arena, t->configs[i].value);

		if (name != NULL && slice_is_null(t->configs[i].value)) {
			e.text = arena_printf(
				arena,
				"Null value not supported for topic configs: "
				"%s",
				name);
			return e;
		}
		if (name == NULL || value == NULL)
			return no_memory;
		put_entry(entries, &set_out->count,
			  (struct config_entry){ name, value });
	}
	if (entries == NULL)
		return no_memory;
	e.text = config_check_topic(set_out, arena);
	return e.text == NULL ? none : e;
}

/* Partitions 0 to n - 1, each once. */
static struct controller_error place_by_hand(
	const struct controller *c,
	const struct create_topics_request_topics *t, struct arena *arena,
	struct placement *placement)
{
	struct controller_error e = { WIRE_INVALID_REPLICA_ASSIGNMENT, NULL };
	int32_t count = t->assignments_count;
	int32_t replicas = 0; /* of each; not known yet */

	placement->count = count;
	placement->partitions =
		arena_calloc(arena, (size_t)count, sizeof(struct placed));
	if (placement->partitions == NULL)
		return no_memory;
	for (int32_t i = 0; i < count; i++) {
		int32_t index = t->assignments[i].partition_index;
		struct placed placed = { t->assignments[i].broker_ids,
					 t->assignments[i].broker_ids_count };

		if (index < 0 || index >= count) {
			e.text = "partitions should be a consecutive 0-based "
				 "integer sequence";
			return e;
		}
		if (placement->partitions[index].replicas != NULL) {
			e.text = arena_printf(arena,
					      "Found multiple manual partition "
					      "assignments for partition %d",
					      index);
			return e;
		}
		e = controller_check_placed(c, index, replicas, &placed, arena);
		if (failed(e))
			return e;
		replicas = placed.replica_count;
		e.code = WIRE_INVALID_REPLICA_ASSIGNMENT;
		placement->partitions[index] = placed;
	}
	return none;
}

static struct controller_error check_by_hand(
	const struct create_topics_request_topics *t)
{
	if (t->num_partitions != -1)
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			"A manual partition assignment was specified, but "
			"numPartitions was not set to -1."
		};
	if (t->replication_factor != -1)
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			"A manual partition assignment was specified, but "
			"replication factor was not set to -1."
		};
	return none;
}

static int32_t wanted_partitions(const struct controller *c,
				 const struct create_topics_request_topics *t)
{
	if (t->assignments_count > 0)
		return t->assignments_count;
	return t->num_partitions == -1 ? c->default_partitions
				       : t->num_partitions;
}

static struct controller_error place_new(
	const struct controller *c,
	const struct create_topics_request_topics *t, struct arena *arena,
	struct placement *placement)
{
	int16_t replication = t->replication_factor;
	struct controller_error e;

	if (t->assignments_count > 0) {
		e = check_by_hand(t);
		return failed(e) ? e : place_by_hand(c, t, arena, placement);
	}
	if (replication < -1 || replication == 0)
		return (struct controller_error){
			WIRE_INVALID_REPLICATION_FACTOR,
			"Replication factor must be larger than 0, or -1 to "
			"use the default value."
		};
	if (t->num_partitions < -1 || t->num_partitions == 0)
		return (struct controller_error){
			WIRE_INVALID_PARTITIONS,
			"Number of partitions was set to an invalid "
			"non-positive value."
		};
	if (replication == -1)
		replication = c->default_replication_factor;
	return controller_place(c, wanted_partitions(c, t), replication, arena,
				placement);
}

static void add_topic(const struct controller *c,
		      const struct create_topics_request_topics *t,
		      struct uuid id, const struct config_set *configs,
		      const struct placement *placement)
{
	struct topic_record topic;
	struct config_record config;

	wire_init(&topic_record_desc, &topic);
	topic.name = t->name;
	topic.topic_id = id;
	controller_add(c, &topic_record_desc, &topic);
	wire_init(&config_record_desc, &config);
	config.resource_type = WIRE_CONFIG_RESOURCE_TYPE_TOPIC;
	config.resource_name = t->name;
	for (size_t i = 0; i < configs->count; i++) {
		config.name = slice_of(configs->entries[i].name);
		config.value = slice_of(configs->entries[i].value);
		controller_add(c, &config_record_desc, &config);
	}
	controller_add_partitions(c, id, 0, placement);
}

static struct controller_error create_one(
	const struct controller *c,
	const struct create_topics_request_topics *t, bool validate_only,
	struct arena *arena, struct create_topics_response_topics *created)
{
	struct config_set configs;
	struct placement placement;
	struct controller_error e = check_new_name(c, t->name, arena);

	if (!failed(e))
		e = read_configs(t, arena, &configs);
	if (!failed(e))
		e = place_new(c, t, arena, &placement);
	if (!failed(e))
		e = controller_check_quota(c, placement.count);
	if (failed(e))
		return e;
	created->topic_id = uuid_random(c->random);
	created->num_partitions = placement.count;
	created->replication_factor =
		(int16_t)placement.partitions[0].replica_count;
	if (!validate_only)
		add_topic(c, t, created->topic_id, &configs, &placement);
	return none;
}

static bool creates_too_many(const struct controller *c,
			     const struct create_topics_request *req)
{
	int64_t total = 0;

	for (int32_t i = 0; i < req->topics_count; i++) {
		int32_t wanted = wanted_partitions(c, &req->topics[i]);

		total += wanted > 0 ? wanted : 0;
	}
	return total > REQUEST_PARTITIONS_MAX;
}

void controller_create_topics(const struct controller *c,
			      struct metadata_change *change)
{
	const struct create_topics_request *req = change->request;
	struct create_topics_response *resp = change->response;
	size_t count = (size_t)req->topics_count;
	struct slice *names =
		arena_calloc(change->arena, count, sizeof(*names));
	enum name_mark *marks;

	if (creates_too_many(c, req)) {
		controller_refuse(change, too_many.code, too_many.text);
		return;
	}
	for (size_t i = 0; names != NULL && i < count; i++)
		names[i] = req->topics[i].name;
	marks = names == NULL
			? NULL
			: controller_mark_names(names, count, change->arena);
	resp->topics = wire_array(&create_topics_response_topics_desc,
				  change->arena, req->topics_count);
	if (marks == NULL || resp->topics == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct create_topics_response_topics *item =
			&resp->topics[resp->topics_count];
		struct controller_error e = duplicate;

		if (marks[i] == NAME_AGAIN)
			continue;
		if (marks[i] == NAME_ONCE)
			e = create_one(c, &req->topics[i], req->validate_only,
				       change->arena, item);
		item->name = req->topics[i].name;
		item->error_code = e.code;
		item->error_message = slice_of(e.text);
		resp->topics_count++;
	}
}
