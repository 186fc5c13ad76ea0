/*
 * wanted_topics_apply.c - topics that must be there: making them so
 *
 * Three requests at most, as a client would send them: to create, to add
 * partitions, to set properties.  Each item of an answer stands for the item
 * of the request at its place.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/change_wait.h"
#include "kbrokerd/wanted_topics.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	CREATE_TOPICS = 19,
	CREATE_PARTITIONS = 37,
	INCREMENTAL_ALTER_CONFIGS = 44,
};

struct work {
	const struct wanted_topics *topics;
	struct broker *broker;
	const struct image *image;
	struct arena arena;
	int failures;
	char *error;
	size_t error_size;
};

static void refused(struct work *w, struct slice name, int16_t code,
		    struct slice message)
{
	const char *error = wire_error_name(code);

	if (code == WIRE_NONE)
		return;
	if (w->failures++ == 0)
		snprintf(w->error, w->error_size, "topic '%.*s': %s%s%.*s",
			 (int)name.len, (const char *)name.data,
			 error == NULL ? "unknown error" : error,
			 message.len > 0 ? ": " : "", (int)message.len,
			 (const char *)message.data);
}

static const struct topic_image *find(const struct work *w, size_t i)
{
	return image_topic(w->image, slice_of(w->topics->items[i].name));
}

static void tell(const struct work *w, const struct wanted_topic *t,
		 const char *what)
{
	char partitions[16];

	snprintf(partitions, sizeof(partitions), "%d", t->partitions);
	logger_tell(w->broker->logger, LOGGER_INFO, "broker", what, "topic",
		    t->name, "partitions",
		    t->partitions > 0 ? partitions : NULL, NULL);
}

/* Creating */

static void fill_configs(struct work *w, const struct wanted_topic *from,
			 struct create_topics_request_topics *to)
{
	const struct properties *p = &from->configs;

	to->configs = wire_array(&create_topics_request_topics_configs_desc,
				 &w->arena, (int32_t)p->count);
	for (size_t i = 0; to->configs != NULL && i < p->count; i++) {
		to->configs[i].name = slice_of(p->items[i].key);
		to->configs[i].value = slice_of(p->items[i].value);
		to->configs_count++;
	}
}

static int create_missing(struct work *w)
{
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_response_desc, &response);
	request.topics = wire_array(&create_topics_request_topics_desc,
				    &w->arena, (int32_t)w->topics->count);
	if (request.topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->topics->count; i++) {
		const struct wanted_topic *from = &w->topics->items[i];
		struct create_topics_request_topics *to;

		if (find(w, i) != NULL)
			continue;
		to = &request.topics[request.topics_count++];
		to->name = slice_of(from->name);
		to->num_partitions = from->partitions;
		to->replication_factor = -1;
		fill_configs(w, from, to);
		tell(w, from, "creating a topic that is wanted");
	}
	if (request.topics_count == 0)
		return 0;
	change_wait(w->broker->metadata, CREATE_TOPICS, 7, &request, &response,
		    &w->arena);
	for (int32_t i = 0; i < response.topics_count; i++)
		refused(w, response.topics[i].name,
			response.topics[i].error_code,
			response.topics[i].error_message);
	return 0;
}

/* Partitions */

static void tell_too_many(const struct work *w, const struct wanted_topic *t,
			  int32_t count)
{
	char there[16];
	char wanted[16];

	snprintf(there, sizeof(there), "%d", count);
	snprintf(wanted, sizeof(wanted), "%d", t->partitions);
	logger_tell(w->broker->logger, LOGGER_WARN, "broker",
		    "a topic has more partitions than are wanted; none is "
		    "taken away",
		    "topic", t->name, "partitions", there, "wanted", wanted,
		    NULL);
}

static int add_partitions(struct work *w)
{
	struct create_partitions_request request;
	struct create_partitions_response response;

	wire_init(&create_partitions_request_desc, &request);
	wire_init(&create_partitions_response_desc, &response);
	request.topics = wire_array(&create_partitions_request_topics_desc,
				    &w->arena, (int32_t)w->topics->count);
	if (request.topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->topics->count; i++) {
		const struct wanted_topic *from = &w->topics->items[i];
		const struct topic_image *there = find(w, i);
		struct create_partitions_request_topics *to;

		if (there == NULL || from->partitions < 0 ||
		    there->partition_count == from->partitions)
			continue;
		if (there->partition_count > from->partitions) {
			tell_too_many(w, from, there->partition_count);
			continue;
		}
		to = &request.topics[request.topics_count++];
		to->name = slice_of(from->name);
		to->count = from->partitions;
		to->assignments = NULL;
		to->assignments_count = -1;
		tell(w, from, "adding partitions that are wanted");
	}
	if (request.topics_count == 0)
		return 0;
	change_wait(w->broker->metadata, CREATE_PARTITIONS, 3, &request,
		    &response, &w->arena);
	for (int32_t i = 0; i < response.results_count; i++)
		refused(w, response.results[i].name,
			response.results[i].error_code,
			response.results[i].error_message);
	return 0;
}

/* Properties */

static bool is_set_so(const struct topic_image *topic, const struct property *p)
{
	const char *value = topic->configs == NULL
				    ? NULL
				    : config_set_get(topic->configs, p->key);

	return value != NULL && strcmp(value, p->value) == 0;
}

/* The properties of a topic that are not as wanted; NULL: out of memory. */
static struct incremental_alter_configs_request_resources_configs *differences(
	struct work *w, const struct wanted_topic *from,
	const struct topic_image *there, int32_t *count_out)
{
	const struct properties *p = &from->configs;
	struct incremental_alter_configs_request_resources_configs *to =
		wire_array(
			&incremental_alter_configs_request_resources_configs_desc,
			&w->arena, (int32_t)p->count);

	*count_out = 0;
	for (size_t i = 0; to != NULL && i < p->count; i++) {
		if (is_set_so(there, &p->items[i]))
			continue;
		to[*count_out].name = slice_of(p->items[i].key);
		to[*count_out].value = slice_of(p->items[i].value);
		to[*count_out].config_operation = WIRE_ALTER_CONFIG_OP_SET;
		(*count_out)++;
	}
	return to;
}

static int set_properties(struct work *w)
{
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_response_desc, &response);
	request.resources =
		wire_array(&incremental_alter_configs_request_resources_desc,
			   &w->arena, (int32_t)w->topics->count);
	if (request.resources == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < w->topics->count; i++) {
		const struct wanted_topic *from = &w->topics->items[i];
		const struct topic_image *there = find(w, i);
		struct incremental_alter_configs_request_resources *to =
			&request.resources[request.resources_count];

		if (there == NULL)
			continue;
		to->configs = differences(w, from, there, &to->configs_count);
		if (to->configs_count == 0)
			continue;
		to->resource_type = WIRE_CONFIG_RESOURCE_TYPE_TOPIC;
		to->resource_name = slice_of(from->name);
		request.resources_count++;
		tell(w, from, "setting properties that are wanted");
	}
	if (request.resources_count == 0)
		return 0;
	change_wait(w->broker->metadata, INCREMENTAL_ALTER_CONFIGS, 1, &request,
		    &response, &w->arena);
	for (int32_t i = 0; i < response.responses_count; i++)
		refused(w, response.responses[i].resource_name,
			response.responses[i].error_code,
			response.responses[i].error_message);
	return 0;
}

int wanted_topics_apply(const struct wanted_topics *topics,
			struct broker *broker, char *error, size_t error_size)
{
	struct work w = { .topics = topics,
			  .broker = broker,
			  .error = error,
			  .error_size = error_size };
	int rc;

	if (topics->count == 0)
		return 0;
	snprintf(error, error_size, "out of memory");
	w.image = metadata_image(broker->metadata);
	rc = create_missing(&w);
	if (rc == 0)
		rc = add_partitions(&w);
	if (rc == 0)
		rc = set_properties(&w);
	image_release(w.image);
	arena_clear(&w.arena);
	return rc < 0 ? rc : w.failures > 0 ? -EINVAL : 0;
}
