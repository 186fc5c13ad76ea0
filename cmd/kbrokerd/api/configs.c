/*
 * configs.c - DescribeConfigs
 *
 * Read from the image, the node's settings and its logger.  The keys of a
 * broker are those of the table, then whatever else somebody has set: keys of
 * one listener, and those that nobody here knows.  Our own keys are told to
 * those who ask for them by name.
 */
#include "base/units.h"
#include "kbrokerd/api/loggers.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/config_broker.h"
#include "kbrokerd/metadata/config_group.h"
#include "kbrokerd/metadata/config_show.h"
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
			 const struct config_def *def,
			 const struct config_synonym_value *synonyms,
			 size_t count)
{
	c->synonyms = wire_array(
		&describe_configs_response_results_configs_synonyms_desc,
		&v->req->arena, (int32_t)count);
	for (size_t i = 0; c->synonyms != NULL && i < count; i++) {
		const char *value = NULL;

		/* Synonyms are of one type, but for their units. */
		if (!c->is_sensitive)
			value = config_show(def, synonyms[i].value,
					    &v->req->arena);
		c->synonyms[i].name = slice_of(synonyms[i].name);
		c->synonyms[i].value = slice_of(value);
		c->synonyms[i].source = (int8_t)synonyms[i].source;
		c->synonyms_count++;
	}
}

static bool is_read_only(const struct config_def *def)
{
	return def->scope == CONFIG_BROKER && !config_is_dynamic(def);
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
	c->value = slice_of(config_show(def, value, &v->req->arena));
	c->read_only = is_read_only(def);
	c->config_source = (int8_t)(count > 0 ? synonyms[0].source
					      : CONFIG_SOURCE_DEFAULT);
	c->config_type = (int8_t)def->type;
	c->documentation = v->request->include_documentation
				   ? slice_of(def->doc)
				   : SLICE_NULL;
	if (v->request->include_synonyms)
		add_synonyms(v, c, def, synonyms, count);
}

static void make_room(struct view *v, size_t *count)
{
	v->result->configs =
		wire_array(&describe_configs_response_results_configs_desc,
			   &v->req->arena, (int32_t)*count);
	if (v->result->configs == NULL)
		*count = 0;
}

static const struct config_def *make_room_for(struct view *v,
					      enum config_scope scope,
					      size_t *count_out)
{
	const struct config_def *defs = config_defs(scope, count_out);

	make_room(v, count_out);
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
	defs = make_room_for(v, CONFIG_TOPIC, &count);
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
static const char *own_default(struct view *v,
			       struct config_synonym_value *synonyms,
			       size_t *count, const struct config_def *def)
{
	const struct config *config = v->req->broker->config;
	const char *value = config_default(def->name);

	/* What was found out about the machine is no default of what is set. */
	if (properties_get(v->sources.node, def->name) == NULL &&
	    properties_get(&config->computed, def->name) != NULL)
		value = properties_get(&config->computed, def->name);
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
	const char *value = own_default(v, synonyms, &count, def);

	if (count > 0 && strcmp(synonyms[0].name, def->name) == 0)
		value = synonyms[0].value;
	/* A node that was not told its id has made one up. */
	if (value == NULL && strcmp(def->name, "node.id") == 0)
		value = v->node_id;
	add_entry(v, def, value, synonyms, count);
}

/* Keys that are in no table */

/* All that is set under a name: the node's, the cluster's, the settings'. */
struct other_keys {
	const char **names;
	size_t count;
};

static void add_other(struct other_keys *others, const char *name)
{
	if (config_def(name) != NULL)
		return;
	for (size_t i = 0; i < others->count; i++) {
		if (strcmp(others->names[i], name) == 0)
			return;
	}
	others->names[others->count++] = name;
}

static void add_others_of(struct other_keys *others,
			  const struct config_set *set)
{
	for (size_t i = 0; set != NULL && i < set->count; i++)
		add_other(others, set->entries[i].name);
}

/* Returns false when out of memory. */
static bool find_others(struct view *v, bool cluster_only,
			struct other_keys *others)
{
	const struct config_set *broker = v->sources.broker;
	const struct config_set *cluster = v->sources.cluster;
	const struct properties *node = v->sources.node;
	size_t most = (broker == NULL ? 0 : broker->count) +
		      (cluster == NULL ? 0 : cluster->count) + node->count;

	others->count = 0;
	others->names = arena_calloc(&v->req->arena, most, sizeof(char *));
	if (others->names == NULL)
		return false;
	add_others_of(others, cluster);
	if (cluster_only)
		return true;
	add_others_of(others, broker);
	for (size_t i = 0; i < node->count; i++)
		add_other(others, node->items[i].key);
	return true;
}

static size_t other_synonyms(
	const struct view *v, const char *name, const char *base,
	bool cluster_only,
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX])
{
	const char *const names[] = { name, base };
	size_t count = 0;

	for (int source = CONFIG_SOURCE_DYNAMIC_BROKER;
	     source <= CONFIG_SOURCE_STATIC_BROKER; source++) {
		for (size_t i = 0; i < 2 && names[i] != NULL; i++) {
			const char *value;

			if (source == CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER)
				value = config_set_get(v->sources.cluster,
						       names[i]);
			else if (cluster_only)
				continue;
			else if (source == CONFIG_SOURCE_DYNAMIC_BROKER)
				value = config_set_get(v->sources.broker,
						       names[i]);
			else
				value = properties_get(v->sources.node,
						       names[i]);
			if (value != NULL)
				synonyms[count++] =
					(struct config_synonym_value){
						names[i], value,
						(enum config_source)source
					};
		}
	}
	return count;
}

static void describe_other(struct view *v, const char *name, bool cluster_only)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	struct describe_configs_response_results_configs *c;
	const struct config_def *base = config_broker_def(name);
	const struct config_def as =
		base == NULL ? (struct config_def){ 0 } : *base;
	size_t count = other_synonyms(v, name, base == NULL ? NULL : base->name,
				      cluster_only, synonyms);

	if (base != NULL && base->default_value != NULL && !cluster_only)
		synonyms[count++] = (struct config_synonym_value){
			base->name, base->default_value, CONFIG_SOURCE_DEFAULT
		};
	c = &v->result->configs[v->result->configs_count];
	add_entry(v, &as, synonyms[0].value, NULL, 0);
	c->name = slice_of(name);
	/* As in Kafka: what a key means that is not known may be a secret. */
	c->is_sensitive = base == NULL || base->type == CONFIG_TYPE_PASSWORD;
	c->read_only = true;
	c->config_source = (int8_t)synonyms[0].source;
	if (c->is_sensitive)
		c->value = SLICE_NULL;
	if (v->request->include_synonyms)
		add_synonyms(v, c, &as, synonyms, count);
}

/* Our own keys are described to those who know them. */
static void describe_own(struct view *v)
{
	for (int32_t i = 0; i < v->resource->configuration_keys_count; i++) {
		const char *name = arena_text(
			&v->req->arena, v->resource->configuration_keys[i]);

		if (name != NULL && config_def(name) != NULL &&
		    config_def_find(CONFIG_BROKER, name) == NULL)
			describe_key(v, config_def(name));
	}
}

static void describe_others(struct view *v, const struct other_keys *others,
			    bool cluster_only)
{
	for (size_t i = 0; i < others->count; i++) {
		if (is_wanted(v, others->names[i]))
			describe_other(v, others->names[i], cluster_only);
	}
}

/* Kafka has no row for these, unless they are set. */
static bool is_hidden(const struct view *v, const char *name)
{
	static const char *const hidden[] = {
		"follower.replication.throttled.rate",
		"group.share.enable",
		"leader.replication.throttled.rate",
		"replica.alter.log.dirs.io.max.bytes.per.second",
		"unstable.api.versions.enable",
		"unstable.feature.versions.enable",
	};

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (strcmp(hidden[i], name) == 0)
			return config_set_get(v->sources.broker, name) ==
				       NULL &&
			       config_set_get(v->sources.cluster, name) ==
				       NULL &&
			       properties_get(v->sources.node, name) == NULL;
	}
	return false;
}

static void describe_node(struct view *v)
{
	size_t count, room;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);
	struct other_keys others;

	if (!find_others(v, false, &others))
		return;
	room = count + others.count;
	if (v->resource->configuration_keys_count > 0)
		room += (size_t)v->resource->configuration_keys_count;
	make_room(v, &room);
	if (room == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (is_wanted(v, defs[i].name) && !is_hidden(v, defs[i].name))
			describe_key(v, &defs[i]);
	}
	describe_others(v, &others, false);
	describe_own(v);
}

/* What is set for all brokers, and nothing else. */
static void describe_all_nodes(struct view *v)
{
	size_t count, room;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);
	struct other_keys others;

	if (!find_others(v, true, &others))
		return;
	room = count + others.count;
	make_room(v, &room);
	if (room == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value synonym = {
			defs[i].name,
			config_set_get(v->sources.cluster, defs[i].name),
			CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER
		};

		if (synonym.value != NULL && is_wanted(v, defs[i].name))
			add_entry(v, &defs[i], synonym.value, &synonym, 1);
	}
	describe_others(v, &others, true);
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

static void add_logger(struct view *v, const char *name)
{
	struct describe_configs_response_results_configs *c =
		&v->result->configs[v->result->configs_count];

	if (!is_wanted(v, name))
		return;
	c->name = slice_of(name);
	c->value = slice_of(loggers_level(v->req->broker->logger, name));
	c->config_source = CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER;
	v->result->configs_count++;
}

static void describe_loggers(struct view *v)
{
	size_t count, room;
	const char *const *names = logger_subsystems(&count);

	if (v->resource->resource_name.len == 0) {
		fail(v, WIRE_INVALID_REQUEST, "Broker id must not be empty");
		return;
	}
	if (!names_this_node(v, "") || v->req->broker->logger == NULL)
		return;
	room = count + 1;
	make_room(v, &room);
	if (room == 0)
		return;
	add_logger(v, LOGGERS_ROOT);
	for (size_t i = 0; i < count; i++)
		add_logger(v, names[i]);
}

/* What is set of a scope that has no synonyms, else its defaults. */
static void describe_plain(struct view *v, enum config_scope scope,
			   enum config_source source, bool with_default)
{
	const struct config_set *set =
		image_configs(v->image, v->resource->resource_type,
			      v->resource->resource_name);
	size_t count;
	const struct config_def *defs = make_room_for(v, scope, &count);

	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value s = {
			defs[i].name, config_set_get(set, defs[i].name), source
		};
		bool is_set = s.value != NULL;

		if (!is_wanted(v, defs[i].name))
			continue;
		if (!is_set) {
			s.source = CONFIG_SOURCE_DEFAULT;
			s.value = config_group_default(&v->sources, &defs[i]);
		}
		add_entry(v, &defs[i], s.value, &s, is_set || with_default);
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
