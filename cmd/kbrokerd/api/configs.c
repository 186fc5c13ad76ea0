/*
 * configs.c - DescribeConfigs, IncrementalAlterConfigs
 *
 * Describing reads the image and the node's settings; altering is the
 * controller's.
 */
#include "base/units.h"
#include "kbrokerd/api/change.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* One resource that is being described. */
struct view {
	struct request *req;
	const struct describe_configs_request *request;
	const struct describe_configs_request_resources *resource;
	struct describe_configs_response_results *result;
	const struct image *image;
	struct config_sources sources;
	char node_id[16]; /* as text */
};

static void fail(struct view *v, int16_t error_code, const char *text)
{
	v->result->error_code = error_code;
	v->result->error_message = slice_of(text);
}

/* None named is all. */
static bool is_wanted(const struct view *v, const char *name)
{
	int32_t count = v->resource->configuration_keys_count;

	for (int32_t i = 0; i < count; i++) {
		if (slice_is(v->resource->configuration_keys[i], name))
			return true;
	}
	return count <= 0;
}

static void add_synonyms(struct view *v,
			 struct describe_configs_response_results_configs *c,
			 const struct config_synonym_value *synonyms,
			 size_t count)
{
	c->synonyms = wire_array(
		&describe_configs_response_results_configs_synonyms_desc,
		&v->req->arena, (int32_t)count);
	for (size_t i = 0; c->synonyms != NULL && i < count; i++) {
		c->synonyms[i].name = slice_of(synonyms[i].name);
		c->synonyms[i].value = slice_of(synonyms[i].value);
		c->synonyms[i].source = (int8_t)synonyms[i].source;
		c->synonyms_count++;
	}
}

/* An entry for def; the caller has made room. */
static void add_entry(struct view *v, const struct config_def *def,
		      const char *value,
		      const struct config_synonym_value *synonyms, size_t count)
{
	struct describe_configs_response_results_configs *c =
		&v->result->configs[v->result->configs_count++];

	c->name = slice_of(def->name);
	c->is_sensitive = def->type == CONFIG_TYPE_PASSWORD;
	c->value = c->is_sensitive ? SLICE_NULL : slice_of(value);
	c->read_only = def->update == CONFIG_UPDATE_READ_ONLY;
	c->config_source = (int8_t)(count > 0 ? synonyms[0].source
					      : CONFIG_SOURCE_DEFAULT);
	c->config_type = (int8_t)def->type;
	c->documentation = v->request->include_documentation
				   ? slice_of(def->doc)
				   : SLICE_NULL;
	if (v->request->include_synonyms && !c->is_sensitive)
		add_synonyms(v, c, synonyms, count);
}

static const struct config_def *make_room(struct view *v,
					  enum config_scope scope,
					  size_t *count_out)
{
	const struct config_def *defs = config_defs(scope, count_out);

	v->result->configs =
		wire_array(&describe_configs_response_results_configs_desc,
			   &v->req->arena, (int32_t)*count_out);
	if (v->result->configs == NULL)
		*count_out = 0;
	return defs;
}

static void describe_topic(struct view *v)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	struct slice name = v->resource->resource_name;
	const struct topic_image *topic = image_topic(v->image, name);
	const struct config_def *defs;
	size_t count;

	if (!topic_name_is_valid(name)) {
		fail(v, WIRE_INVALID_TOPIC_EXCEPTION,
		     topic_name_problem(name, &v->req->arena));
		return;
	}
	if (topic == NULL) {
		fail(v, WIRE_UNKNOWN_TOPIC_OR_PARTITION, "");
		return;
	}
	v->sources.own = topic->configs;
	defs = make_room(v, CONFIG_TOPIC, &count);
	for (size_t i = 0; i < count; i++) {
		if (is_wanted(v, defs[i].name))
			add_entry(v, &defs[i],
				  config_topic_value(&v->sources, &defs[i],
						     &v->req->arena),
				  synonyms,
				  config_topic_synonyms(&v->sources, &defs[i],
							synonyms));
	}
}

/* Where our default is not Kafka's, ours is what counts. */
static const char *own_default(struct config_synonym_value *synonyms,
			       size_t *count, const struct config_def *def)
{
	const char *value = config_default(def->name);

	if (value == NULL)
		return def->default_value;
	if (*count > 0 && synonyms[*count - 1].source == CONFIG_SOURCE_DEFAULT)
		synonyms[*count - 1].value = value;
	else if (*count < CONFIG_SYNONYMS_MAX)
		synonyms[(*count)++] =
			(struct config_synonym_value){ def->name, value,
						       CONFIG_SOURCE_DEFAULT };
	return value;
}

static void describe_key(struct view *v, const struct config_def *def)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	size_t count = config_broker_synonyms(&v->sources, def, synonyms);
	const char *value = own_default(synonyms, &count, def);

	if (count > 0 && strcmp(synonyms[0].name, def->name) == 0)
		value = synonyms[0].value;
	/* A node that was not told its id has made one up. */
	if (value == NULL && strcmp(def->name, "node.id") == 0)
		value = v->node_id;
	add_entry(v, def, value, synonyms, count);
}

static void describe_node(struct view *v)
{
	size_t count;
	const struct config_def *defs = make_room(v, CONFIG_BROKER, &count);

	for (size_t i = 0; i < count; i++) {
		if (is_wanted(v, defs[i].name))
			describe_key(v, &defs[i]);
	}
}

/* What is set for all brokers, and nothing else. */
static void describe_all_nodes(struct view *v)
{
	size_t count;
	const struct config_def *defs = make_room(v, CONFIG_BROKER, &count);

	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value synonym = {
			defs[i].name,
			config_set_get(v->sources.cluster, defs[i].name),
			CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER
		};

		if (synonym.value != NULL && is_wanted(v, defs[i].name))
			add_entry(v, &defs[i], synonym.value, &synonym, 1);
	}
}

/* Does the resource name this node?  If not, v has been failed. */
static bool names_this_node(struct view *v, const char *allowed)
{
	struct arena *arena = &v->req->arena;
	const char *name = arena_text(arena, v->resource->resource_name);
	int64_t id;

	if (name == NULL)
		fail(v, WIRE_UNKNOWN_SERVER_ERROR, NULL);
	else if (parse_int64(name, &id) < 0)
		fail(v, WIRE_INVALID_REQUEST,
		     arena_printf(arena,
				  "Broker id must be an integer, but it is: %s",
				  name));
	else if (id != v->req->broker->identity.node_id)
		fail(v, WIRE_INVALID_REQUEST,
		     arena_printf(arena,
				  "Unexpected broker id, expected %s%s but "
				  "received %s",
				  v->node_id, allowed, name));
	else
		return true;
	return false;
}

static void describe_broker(struct view *v)
{
	if (v->resource->resource_name.len == 0)
		describe_all_nodes(v);
	else if (names_this_node(v, " or empty string,"))
		describe_node(v);
}

static void describe_loggers(struct view *v)
{
	names_this_node(v, "");
}

/* What is set of a scope that has no synonyms, else its defaults. */
static void describe_plain(struct view *v, enum config_scope scope,
			   enum config_source source, bool with_default)
{
	const struct config_set *set =
		image_configs(v->image, v->resource->resource_type,
			      v->resource->resource_name);
	size_t count;
	const struct config_def *defs = make_room(v, scope, &count);

	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value synonyms[2];
		const char *value = config_set_get(set, defs[i].name);
		size_t n = 0;

		if (!is_wanted(v, defs[i].name))
			continue;
		if (value != NULL)
			synonyms[n++] =
				(struct config_synonym_value){ defs[i].name,
							       value, source };
		if (with_default && defs[i].default_value != NULL)
			synonyms[n++] = (struct config_synonym_value){
				defs[i].name, defs[i].default_value,
				CONFIG_SOURCE_DEFAULT
			};
		add_entry(v, &defs[i],
			  value != NULL ? value : defs[i].default_value,
			  synonyms, n);
	}
}

static void describe_metrics(struct view *v)
{
	if (v->resource->resource_name.len == 0)
		fail(v, WIRE_INVALID_REQUEST,
		     "Client metrics subscription name must not be empty");
	else
		describe_plain(v, CONFIG_CLIENT_METRICS,
			       CONFIG_SOURCE_CLIENT_METRICS, false);
}

static void describe_group(struct view *v)
{
	if (v->resource->resource_name.len == 0)
		fail(v, WIRE_INVALID_REQUEST, "Group name must not be empty");
	else
		describe_plain(v, CONFIG_GROUP, CONFIG_SOURCE_GROUP, true);
}

static const struct describer {
	int8_t type;
	void (*describe)(struct view *v);
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

static void describe(struct view *v, const char *problem)
{
	v->result->resource_type = v->resource->resource_type;
	v->result->resource_name = v->resource->resource_name;
	if (problem != NULL) {
		fail(v, WIRE_INVALID_REQUEST, problem);
		return;
	}
	config_sources_init(&v->sources, v->image,
			    v->req->broker->identity.node_id,
			    &v->req->broker->config->properties, NULL);
	find_describer(v->resource->resource_type)->describe(v);
}

void api_describe_configs(struct request *req)
{
	const struct describe_configs_request *request = req->message;
	const char *problem = check(req, request);
	struct describe_configs_response response;
	struct view v = { .req = req, .request = request };

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

void api_incremental_alter_configs(struct request *req)
{
	change_submit(req, NULL);
}
