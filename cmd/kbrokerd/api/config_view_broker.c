/*
 * config_view_broker.c - the settings of a broker, for DescribeConfigs
 *
 * The keys of the table, then whatever else somebody has set: keys of one
 * listener, and those that nobody here knows.  Our own keys are told to those
 * who ask for them by name.
 */
#include "kbrokerd/api/config_view.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/config_broker.h"

/* Where our default is not Kafka's, ours is what counts. */
static const char *own_default(struct config_view *v,
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

static void describe_key(struct config_view *v, const struct config_def *def)
{
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX];
	size_t count = config_broker_synonyms(&v->sources, def, synonyms);
	const char *value = own_default(v, synonyms, &count, def);

	if (count > 0 && strcmp(synonyms[0].name, def->name) == 0)
		value = synonyms[0].value;
	/* A node that was not told its id has made one up. */
	if (value == NULL && strcmp(def->name, "node.id") == 0)
		value = v->node_id;
	view_add(v, def, value, synonyms, count);
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
static bool find_others(struct config_view *v, bool cluster_only,
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
	const struct config_view *v, const char *name, const char *base,
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

static void describe_other(struct config_view *v, const char *name,
			   bool cluster_only)
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
	view_add(v, &as, synonyms[0].value, NULL, 0);
	c->name = slice_of(name);
	/* As in Kafka: what a key means that is not known may be a secret. */
	c->is_sensitive = base == NULL || base->type == CONFIG_TYPE_PASSWORD;
	c->read_only = true;
	c->config_source = (int8_t)synonyms[0].source;
	if (c->is_sensitive)
		c->value = SLICE_NULL;
	if (v->request->include_synonyms)
		view_add_synonyms(v, c, &as, synonyms, count);
}

/* Our own keys are described to those who know them. */
static void describe_own(struct config_view *v)
{
	for (size_t i = 0; i < v->key_count; i++) {
		const char *name = arena_text(&v->req->arena, v->keys[i]);

		if (name != NULL && config_def(name) != NULL &&
		    config_def_find(CONFIG_BROKER, name) == NULL)
			describe_key(v, config_def(name));
	}
}

static void describe_others(struct config_view *v,
			    const struct other_keys *others, bool cluster_only)
{
	for (size_t i = 0; i < others->count; i++) {
		if (view_wants(v, others->names[i]))
			describe_other(v, others->names[i], cluster_only);
	}
}

/* Kafka has no row for these, unless they are set. */
static bool is_hidden(const struct config_view *v, const char *name)
{
	static const char *const hidden[] = {
		"follower.replication.throttled.rate",
		"group.consumer.regex.refresh.interval.ms",
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

void view_node(struct config_view *v)
{
	size_t count, room;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);
	struct other_keys others;

	if (!find_others(v, false, &others))
		return;
	room = count + others.count + v->key_count;
	view_make_room(v, &room);
	if (room == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		if (view_wants(v, defs[i].name) && !is_hidden(v, defs[i].name))
			describe_key(v, &defs[i]);
	}
	describe_others(v, &others, false);
	describe_own(v);
}

/* What is set for all brokers, and nothing else. */
void view_all_nodes(struct config_view *v)
{
	size_t count, room;
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);
	struct other_keys others;

	if (!find_others(v, true, &others))
		return;
	room = count + others.count;
	view_make_room(v, &room);
	if (room == 0)
		return;
	for (size_t i = 0; i < count; i++) {
		struct config_synonym_value synonym = {
			defs[i].name,
			config_set_get(v->sources.cluster, defs[i].name),
			CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER
		};

		if (synonym.value != NULL && view_wants(v, defs[i].name))
			view_add(v, &defs[i], synonym.value, &synonym, 1);
	}
	describe_others(v, &others, true);
}
