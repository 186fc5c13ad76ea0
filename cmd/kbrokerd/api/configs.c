/*
 * configs.c - DescribeConfigs
 *
 * Read from the image, the node's settings and its logger.
 */
#include "base/units.h"
#include "kbrokerd/api/config_view.h"
#include "kbrokerd/api/loggers.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/config_group.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"

static void describe_topic(struct config_view *v)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	struct slice name = v->resource->resource_name;
	const struct topic_image *topic = image_topic(v->image, name);
	const struct config_def *defs;
	size_t count;

	if (!topic_name_is_valid(name)) {
		view_fail(v, WIRE_INVALID_TOPIC_EXCEPTION,
			  topic_name_problem(name, &v->req->arena));
		return;
	}
	if (topic == NULL) {
		view_fail(v, WIRE_UNKNOWN_TOPIC_OR_PARTITION, "");
		return;
	}
	v->sources.own = topic->configs;
	defs = view_make_room_for(v, CONFIG_TOPIC, &count);
	for (size_t i = 0; i < count; i++) {
		if (view_wants(v, defs[i].name))
			view_add(v, &defs[i],
				 config_topic_value(&v->sources, &defs[i],
						    &v->req->arena),
				 synonyms,
				 config_topic_synonyms(&v->sources, &defs[i],
						       synonyms));
	}
}

/* Does the resource name this node?  If not, v has been failed. */
static bool names_this_node(struct config_view *v, const char *allowed)
{
	struct arena *arena = &v->req->arena;
	const char *name = arena_text(arena, v->resource->resource_name);
	int64_t id;

	if (name == NULL)
		view_fail(v, WIRE_UNKNOWN_SERVER_ERROR, NULL);
	else if (parse_int64(name, &id) < 0)
		view_fail(v, WIRE_INVALID_REQUEST,
			  arena_printf(
				  arena,
				  "Broker id must be an integer, but it is: %s",
				  name));
	else if (id != v->req->broker->identity.node_id)
		view_fail(
			v, WIRE_INVALID_REQUEST,
			arena_printf(arena,
				     "Unexpected broker id, expected %s%s but "
				     "received %s",
				     v->node_id, allowed, name));
	else
		return true;
	return false;
}

static void describe_broker(struct config_view *v)
{
	if (v->resource->resource_name.len == 0)
		view_all_nodes(v);
	else if (names_this_node(v, " or empty string,"))
		view_node(v);
}

static void add_logger(struct config_view *v, const char *name)
{
	struct describe_configs_response_results_configs *c =
		&v->result->configs[v->result->configs_count];

	if (!view_wants(v, name))
		return;
	c->name = slice_of(name);
	c->value = slice_of(loggers_level(v->req->broker->logger, name));
	c->config_source = CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER;
	v->result->configs_count++;
}

static void describe_loggers(struct config_view *v)
{
	size_t count, room;
	const char *const *names = logger_subsystems(&count);

	if (v->resource->resource_name.len == 0) {
		view_fail(v, WIRE_INVALID_REQUEST,
			  "Broker id must not be empty");
		return;
	}
	if (!names_this_node(v, "") || v->req->broker->logger == NULL)
		return;
	room = count + 1;
	view_make_room(v, &room);
	if (room == 0)
		return;
	add_logger(v, LOGGERS_ROOT);
	for (size_t i = 0; i < count; i++)
		add_logger(v, names[i]);
}

/* What is set of a scope that has no synonyms, else its defaults. */
static void describe_plain(struct config_view *v, enum config_scope scope,
			   enum config_source source, bool with_default)
{
	const struct config_set *set =
		image_configs(v->image, v->resource->resource_type,
			      v->resource->resource_name);
	size_t count;
	const struct config_def *defs = view_make_room_for(v, scope, &count);

	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value s = {
			defs[i].name, config_set_get(set, defs[i].name), source
		};
		bool is_set = s.value != NULL;

		if (!view_wants(v, defs[i].name))
			continue;
		if (!is_set) {
			s.source = CONFIG_SOURCE_DEFAULT;
			s.value = config_group_default(&v->sources, &defs[i]);
		}
		view_add(v, &defs[i], s.value, &s, is_set || with_default);
	}
}

static void describe_metrics(struct config_view *v)
{
	if (v->resource->resource_name.len == 0)
		view_fail(v, WIRE_INVALID_REQUEST,
			  "Client metrics subscription name must not be empty");
	else
		describe_plain(v, CONFIG_CLIENT_METRICS,
			       CONFIG_SOURCE_CLIENT_METRICS, false);
}

static void describe_group(struct config_view *v)
{
	if (v->resource->resource_name.len == 0)
		view_fail(v, WIRE_INVALID_REQUEST,
			  "Group name must not be empty");
	else
		describe_plain(v, CONFIG_GROUP, CONFIG_SOURCE_GROUP, true);
}

static const struct describer {
	int8_t type;
	void (*describe)(struct config_view *v);
} describers[] = {
	{ WIRE_CONFIG_RESOURCE_TYPE_TOPIC, describe_topic },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER, describe_broker },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER_LOGGER, describe_loggers },
	{ WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS, describe_metrics },
	{ WIRE_CONFIG_RESOURCE_TYPE_GROUP, describe_group },
};

static const struct describer *find_describer(int8_t type)
{
	for (size_t i = 0; i < sizeof(describers) / sizeof(describers[0]);
	     i++) {
		if (describers[i].type == type)
			return &describers[i];
	}
	return NULL;
}

/* As in Kafka, a type that there is not spoils the whole request. */
static const char *check(struct request *req,
			 const struct describe_configs_request *request)
{
	for (int32_t i = 0; i < request->resources_count; i++) {
		int8_t type = request->resources[i].resource_type;

		if (find_describer(type) == NULL)
			return arena_printf(&req->arena,
					    "Unexpected resource type %d",
					    type);
	}
	return NULL;
}

static void describe(struct config_view *v, const char *problem)
{
	v->result->resource_type = v->resource->resource_type;
	v->result->resource_name = v->resource->resource_name;
	if (problem != NULL) {
		view_fail(v, WIRE_INVALID_REQUEST, problem);
		return;
	}
	config_sources_init(&v->sources, v->image,
			    v->req->broker->identity.node_id,
			    &v->req->broker->config->properties, NULL);
	if (view_read_keys(v) < 0) {
		view_fail(v, WIRE_UNKNOWN_SERVER_ERROR, NULL);
		return;
	}
	find_describer(v->resource->resource_type)->describe(v);
}

void api_describe_configs(struct request *req)
{
	const struct describe_configs_request *request = req->message;
	const char *problem = check(req, request);
	struct describe_configs_response response;
	struct config_view v = { .req = req, .request = request };

	wire_init(&describe_configs_response_desc, &response);
	response.results = wire_array(&describe_configs_response_results_desc,
				      &req->arena, request->resources_count);
	if (response.results == NULL) {
		request_close(req, "out of memory");
		return;
	}
	snprintf(v.node_id, sizeof(v.node_id), "%d",
		 req->broker->identity.node_id);
	v.image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < request->resources_count; i++) {
		v.resource = &request->resources[i];
		v.result = &response.results[i];
		describe(&v, problem);
	}
	response.results_count = request->resources_count;
	request_reply(req, &response);
	image_release(v.image);
}
