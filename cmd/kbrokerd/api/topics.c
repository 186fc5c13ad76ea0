/*
 * topics.c - CreateTopics, DeleteTopics, CreatePartitions
 *
 * The controller decides; here is added what clients are told besides.
 */
#include "kbrokerd/api/change.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/topic_config.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	CREATE_TELLS_CONFIGS = 5, /* first versions of CreateTopics and */
	DELETE_CAN_BE_OFF = 3     /* DeleteTopics with these */
};

/* The configs that a topic was asked to have, as a set. */
static int asked_configs(const struct create_topics_request_topics *topic,
			 struct arena *arena, struct config_set *set_out)
{
	size_t count = (size_t)topic->configs_count;
	struct config_entry *entries =
		arena_calloc(arena, count, sizeof(*entries));
	size_t n = 0;

	for (size_t i = 0; entries != NULL && i < count; i++) {
		char *name = arena_text(arena, topic->configs[i].name);
		char *value = arena_text(arena, topic->configs[i].value);
		size_t at = 0;

		if (name == NULL || value == NULL)
			return -1;
		while (at < n && strcmp(entries[at].name, name) < 0)
			at++;
		if (at == n || strcmp(entries[at].name, name) != 0)
			memmove(entries + at + 1, entries + at,
				(n++ - at) * sizeof(*entries));
		entries[at] = (struct config_entry){ name, value };
	}
	*set_out = (struct config_set){ n, entries };
	return entries == NULL ? -1 : 0;
}

static void tell_configs(const struct config_sources *sources,
			 struct arena *arena,
			 struct create_topics_response_topics *topic)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	size_t count;
	const struct config_def *defs = config_defs(CONFIG_TOPIC, &count);

	topic->configs = wire_array(&create_topics_response_topics_configs_desc,
				    arena, (int32_t)count);
	for (size_t i = 0; topic->configs != NULL && i < count; i++) {
		struct create_topics_response_topics_configs *c =
			&topic->configs[i];

		c->name = slice_of(defs[i].name);
		c->value =
			slice_of(config_topic_value(sources, &defs[i], arena));
		c->config_source = CONFIG_SOURCE_DEFAULT;
		if (config_topic_synonyms(sources, &defs[i], synonyms) > 0)
			c->config_source = (int8_t)synonyms[0].source;
		topic->configs_count++;
	}
}

/* The request's topic of that name; it is there once if it was created. */
static const struct create_topics_request_topics *find_asked(
	const struct create_topics_request *request, struct slice name,
	int32_t *from)
{
	for (; *from < request->topics_count; ++*from) {
		if (slice_equal(request->topics[*from].name, name))
			return &request->topics[*from];
	}
	return NULL;
}

static void finish_create(struct request *req, const void *request,
			  void *message)
{
	struct create_topics_response *response = message;
	const struct image *image;
	int32_t from = 0; /* answers stand in the order of the request */

	if (req->version < CREATE_TELLS_CONFIGS)
		return;
	image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < response->topics_count; i++) {
		struct create_topics_response_topics *topic =
			&response->topics[i];
		const struct create_topics_request_topics *asked =
			find_asked(request, topic->name, &from);
		struct config_sources sources;
		struct config_set own;

		if (topic->error_code != WIRE_NONE || asked == NULL ||
		    asked_configs(asked, &req->arena, &own) < 0)
			continue;
		config_sources_init(&sources, image,
				    req->broker->identity.node_id,
				    &req->broker->config->properties, &own);
		tell_configs(&sources, &req->arena, topic);
	}
	image_release(image);
}

void api_create_topics(struct request *req)
{
	change_submit(req, finish_create);
}

void api_delete_topics(struct request *req)
{
	static const char why[] = "Topic deletion is disabled: "
				  "delete.topic.enable is false.";

	if (req->broker->config->delete_topics)
		change_submit(req, NULL);
	else
		change_refuse(req,
			      req->version < DELETE_CAN_BE_OFF
				      ? WIRE_INVALID_REQUEST
				      : WIRE_TOPIC_DELETION_DISABLED,
			      why);
}

void api_create_partitions(struct request *req)
{
	change_submit(req, NULL);
}
