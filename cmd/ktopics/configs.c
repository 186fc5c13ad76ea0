/*
 * configs.c - ktopics get, set and unset
 *
 * Changes are made by IncrementalAlterConfigs only, so that two who change
 * different properties at once do not undo each other.
 */
#include "ktopics/configs.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "client/admin.h"
#include "wire/enums.h"
#include "wire/errors.h"

/* Values as people write them */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Returns the number that value stands for as text, or value itself. */
static const char *to_number(struct ktopics *k, const char *name,
			     const char *value)
{
	char text[UNITS_TEXT_MAX];

	if (!property_number(name, value, text))
		return value;
	return run_text(&k->run, slice_of(text));
}

bool configs_parse(struct ktopics *k, const char *text,
		   struct config_setting *out)
{
	const char *equal = strchr(text, '=');

	if (equal == NULL || equal == text) {
		message_usage(&k->run.messages, "'%s' is not NAME=VALUE", text);
		return false;
	}
	out->name = run_text(&k->run, (struct slice){ (const uint8_t *)text,
						      (size_t)(equal - text) });
	out->value = to_number(k, out->name, equal + 1);
	return true;
}

const char *configs_nearest(enum config_scope scope, const char *name)
{
	const char *names[512];
	size_t count;
	const struct config_def *defs = config_defs(scope, &count);

	if (count > 512)
		count = 512;
	for (size_t i = 0; i < count; i++)
		names[i] = defs[i].name;
	return nearest_name(name, names, count);
}

/* Which resources */

static enum config_scope scope_of(const struct ktopics *k)
{
	return k->options.broker >= 0 ? CONFIG_BROKER : CONFIG_TOPIC;
}

static const char *kind_of(const struct ktopics *k)
{
	return k->options.broker >= 0 ? "broker" : "topic";
}

/*
 * A broker's properties are known to that broker only.  One that does not
 * answer where it is advertised may still be who answered as the bootstrap
 * server: how else would a wrong advertised.listeners be taken back?  Another
 * one refuses, as the request names the broker.
 */
static bool call(struct ktopics *k, struct client_request *request)
{
	int64_t timeout_ms = k->run.options->common.step_timeout_ms;
	const struct client_error *error = client_request_error(request);

	if (k->options.broker < 0)
		return run_call(&k->run, request, CLIENT_ANY_NODE);
	if (client_call(request, (int32_t)k->options.broker, timeout_ms) == 0)
		return true;
	if (error->kind != CLIENT_UNREACHABLE ||
	    client_request_was_sent(request)) {
		run_fail(&k->run, error);
		return false;
	}
	message_warning(&k->run.messages, "%s; asking the former", error->text);
	return run_call(&k->run, request, CLIENT_ANY_NODE);
}

struct resources {
	struct config_resource *items;
	size_t count;
};

/* The broker is known to the client only once it has seen the cluster. */
static int add_broker(struct ktopics *k, struct resources *r)
{
	static const char *const no_topics[] = { NULL };
	struct client_request *metadata = NULL;
	struct client_error error = { 0 };
	char id[16];
	int rc = admin_metadata(k->run.client, no_topics, 0,
				k->run.options->common.step_timeout_ms,
				&metadata, &error);

	client_request_free(metadata);
	if (rc < 0) {
		run_fail(&k->run, &error);
		return k->run.status;
	}
	if (client_node(k->run.client, (int32_t)k->options.broker) == NULL)
		return message_fail(&k->run.messages, EXIT_MISSING,
				    "there is no broker %d in the cluster",
				    (int)k->options.broker);
	snprintf(id, sizeof(id), "%d", (int)k->options.broker);
	r->items[r->count++] = (struct config_resource){
		WIRE_CONFIG_RESOURCE_TYPE_BROKER,
		run_text(&k->run, slice_of(id)),
	};
	return EXIT_GO_ON;
}

/* The resources that operands from first on name. */
static int find_resources(struct ktopics *k, int first, unsigned flags,
			  struct resources *r)
{
	struct topic_list topics = { 0 };
	int status = EXIT_GO_ON;

	*r = (struct resources){ 0 };
	if (k->options.broker < 0)
		status = topics_find(k, k->run.operands + first,
				     k->run.operand_count - first, flags,
				     &topics);
	if (status != EXIT_GO_ON)
		return status;
	r->items = calloc(topics.count + 1, sizeof(*r->items));
	if (r->items == NULL)
		run_out_of_memory(&k->run);
	if (k->options.broker >= 0)
		status = add_broker(k, r);
	for (size_t i = 0; i < topics.count; i++)
		r->items[r->count++] = (struct config_resource){
			WIRE_CONFIG_RESOURCE_TYPE_TOPIC,
			run_text(&k->run, topics.items[i]->name),
		};
	topics_clear(&topics);
	return status;
}

/* Topics and --broker exclude each other, and one of them there must be. */
static int check_operands(struct ktopics *k, int first, bool all_if_none)
{
	bool named = k->run.operand_count > first;

	if (k->options.broker >= 0 && named)
		return message_usage(&k->run.messages,
				     "--broker and topic '%s' exclude each "
				     "other",
				     k->run.operands[first]);
	if (k->options.broker < 0 && !named && !all_if_none)
		return message_usage(&k->run.messages,
				     "a topic is missing (or --broker ID)");
	if (topics_repeat(k, k->run.operands + first,
			  k->run.operand_count - first))
		return EXIT_USAGE;
	return EXIT_GO_ON;
}

/* "a,b,c" */
struct names {
	const char *items[64];
	size_t count;
};

static int split_names(struct ktopics *k, const char *text, struct names *names)
{
	names->count = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, ",");

		if (names->count == 64)
			return message_usage(&k->run.messages,
					     "too many properties at once");
		if (len > 0)
			names->items[names->count++] = run_text(
				&k->run,
				(struct slice){ (const uint8_t *)text, len });
		text += len + (text[len] == ',' ? 1 : 0);
	}
	if (names->count == 0)
		return message_usage(&k->run.messages, "no property is named");
	return EXIT_GO_ON;
}

/* Describing */

static void fill_resource(struct ktopics *k, struct arena *arena,
			  struct describe_configs_request_resources *to,
			  const struct config_resource *from,
			  const char *const *names, size_t name_count)
{
	to->resource_type = from->type;
	to->resource_name = slice_of(from->name);
	to->configuration_keys = NULL;
	to->configuration_keys_count = -1;
	if (names == NULL)
		return;
	to->configuration_keys = arena_calloc(arena, name_count,
					      sizeof(*to->configuration_keys));
	if (to->configuration_keys == NULL)
		run_out_of_memory(&k->run);
	to->configuration_keys_count = (int32_t)name_count;
	for (size_t i = 0; i < name_count; i++)
		to->configuration_keys[i] = slice_of(names[i]);
}

struct client_request *configs_describe(struct ktopics *k,
					const struct config_resource *resources,
					size_t count, const char *const *names,
					size_t name_count)
{
	struct client_request *request =
		run_request(&k->run, API_DESCRIBE_CONFIGS);
	struct describe_configs_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);

	q->resources = wire_array(&describe_configs_request_resources_desc,
				  arena, (int32_t)count);
	if (q->resources == NULL)
		run_out_of_memory(&k->run);
	q->resources_count = (int32_t)count;
	q->include_synonyms = true;
	for (size_t i = 0; i < count; i++)
		fill_resource(k, arena, &q->resources[i], &resources[i], names,
			      name_count);
	if (call(k, request))
		return request;
	client_request_free(request);
	return NULL;
}

const struct describe_configs_response_results_configs *configs_find(
	const struct describe_configs_response_results *result,
	const char *name)
{
	for (int32_t i = 0; i < result->configs_count; i++) {
		if (slice_is(result->configs[i].name, name))
			return &result->configs[i];
	}
	return NULL;
}

/* get */

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },   { "property", COLUMN_TEXT },
	{ "value", COLUMN_TEXT },   { "source", COLUMN_TEXT },
	{ "default", COLUMN_TEXT }, { "read_only", COLUMN_BOOL },
};

static const struct column broker_columns[] = {
	{ "broker", COLUMN_TEXT },  { "property", COLUMN_TEXT },
	{ "value", COLUMN_TEXT },   { "source", COLUMN_TEXT },
	{ "default", COLUMN_TEXT }, { "read_only", COLUMN_BOOL },
};

static const char *source_name(int8_t source)
{
	switch (source) {
	case WIRE_CONFIG_SOURCE_TOPIC_CONFIG:
		return "topic";
	case WIRE_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG:
		return "broker";
	case WIRE_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER_CONFIG:
		return "cluster";
	case WIRE_CONFIG_SOURCE_STATIC_BROKER_CONFIG:
		return "file";
	case WIRE_CONFIG_SOURCE_DEFAULT_CONFIG:
		return "default";
	default:
		return "unknown";
	}
}

/*
 * The value of a synonym in the unit of the property itself: that of
 * retention.ms may be log.retention.hours=168.
 */
static const char *synonym_value(
	struct ktopics *k, const char *name,
	const struct describe_configs_response_results_configs_synonyms *from)
{
	static const struct {
		const char *end;
		int64_t ms;
	} units[] = {
		{ ".minutes", 60LL * 1000 },
		{ ".hours", 60LL * 60 * 1000 },
	};
	const char *value = run_text(&k->run, from->value);
	const char *synonym = run_text(&k->run, from->name);
	char text[24];
	int64_t number;

	if (value == NULL || !ends_with(name, ".ms"))
		return value;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!ends_with(synonym, units[i].end) ||
		    parse_int64(value, &number) < 0 ||
		    __builtin_mul_overflow(number, units[i].ms, &number))
			continue;
		snprintf(text, sizeof(text), "%lld", (long long)number);
		return run_text(&k->run, slice_of(text));
	}
	return value;
}

/* What the property would be without the setting of this topic or broker. */
static const char *default_of(
	struct ktopics *k,
	const struct describe_configs_response_results_configs *config,
	const char *name)
{
	const struct config_def *def;
	bool own = config->config_source == WIRE_CONFIG_SOURCE_TOPIC_CONFIG ||
		   config->config_source ==
			   WIRE_CONFIG_SOURCE_DYNAMIC_BROKER_CONFIG;

	if (!own)
		return run_text(&k->run, config->value);
	for (int32_t i = 0; i < config->synonyms_count; i++) {
		if (config->synonyms[i].source != config->config_source)
			return synonym_value(k, name, &config->synonyms[i]);
	}
	/* Where a broker's own property is unset it is not among them. */
	def = config_def_find(scope_of(k), name);
	return def == NULL ? NULL : def->default_value;
}

static int by_config_name(const void *a, const void *b)
{
	const struct describe_configs_response_results_configs *x = a;
	const struct describe_configs_response_results_configs *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = memcmp(x->name.data, y->name.data, len);

	return order != 0 ? order
			  : (x->name.len > y->name.len) -
				    (x->name.len < y->name.len);
}

static void put_config(
	struct ktopics *k, struct table *table, const char *resource,
	const struct describe_configs_response_results_configs *config)
{
	const char *name = run_text(&k->run, config->name);

	table_text(table, resource);
	table_text(table, name);
	table_text(table, config->is_sensitive
				  ? NULL
				  : run_text(&k->run, config->value));
	table_text(table, source_name(config->config_source));
	table_text(table,
		   config->is_sensitive ? NULL : default_of(k, config, name));
	table_int(table, config->read_only);
	table_row_end(table);
}

static void no_such_property(struct ktopics *k, const char *name)
{
	const char *near = configs_nearest(scope_of(k), name);

	message_error(&k->run.messages, "no property '%s'%s%s%s", name,
		      near == NULL ? "" : "; did you mean '",
		      near == NULL ? "" : near, near == NULL ? "" : "'?");
	k->run.status = exit_worse(k->run.status, EXIT_MISSING);
}

static void put_result(struct ktopics *k, struct table *table,
		       struct describe_configs_response_results *result,
		       const struct names *names)
{
	const char *resource = run_text(&k->run, result->resource_name);

	if (result->error_code != WIRE_NONE) {
		run_refused(&k->run, kind_of(k), resource, result->error_code,
			    result->error_message);
		return;
	}
	if (result->configs_count > 0)
		qsort(result->configs, (size_t)result->configs_count,
		      sizeof(result->configs[0]), by_config_name);
	for (int32_t i = 0; names == NULL && i < result->configs_count; i++)
		put_config(k, table, resource, &result->configs[i]);
	for (size_t i = 0; names != NULL && i < names->count; i++) {
		const struct describe_configs_response_results_configs *config =
			configs_find(result, names->items[i]);

		if (config == NULL)
			no_such_property(k, names->items[i]);
		else
			put_config(k, table, resource, config);
	}
}

static void get(struct ktopics *k, struct table *table,
		const struct resources *resources, const struct names *names)
{
	struct describe_configs_response *answer;
	struct client_request *request;

	if (resources->count == 0)
		return;
	request = configs_describe(k, resources->items, resources->count,
				   names == NULL ? NULL : names->items,
				   names == NULL ? 0 : names->count);
	if (request == NULL)
		return;
	answer = client_request_answer(request);
	for (int32_t i = 0; i < answer->results_count; i++)
		put_result(k, table, &answer->results[i], names);
	client_request_free(request);
}

int ktopics_get(void *run)
{
	struct ktopics *k = run;
	bool all = strcmp(k->run.operands[0], "all") == 0;
	struct resources resources = { 0 };
	struct table *table;
	struct names names;
	int status = check_operands(k, 1, true);

	if (status == EXIT_GO_ON && !all)
		status = split_names(k, k->run.operands[0], &names);
	if (status != EXIT_GO_ON)
		return status;
	table = run_table(&k->run,
			  k->options.broker >= 0 ? broker_columns : columns,
			  sizeof(columns) / sizeof(columns[0]), NULL);
	if (table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = find_resources(
			k, 1, TOPICS_ALL_IF_NONE | TOPICS_PATTERNS, &resources);
	if (status != EXIT_GO_ON) {
		free(resources.items);
		table_free(table);
		return status;
	}
	get(k, table, &resources, all ? NULL : &names);
	free(resources.items);
	return run_finish(&k->run, table);
}

/* set and unset */

struct settings_list {
	struct config_setting items[64];
	size_t count;
};

static void fill_change(struct ktopics *k, struct arena *arena,
			struct incremental_alter_configs_request_resources *to,
			const struct config_resource *from,
			const struct settings_list *settings)
{
	to->resource_type = from->type;
	to->resource_name = slice_of(from->name);
	to->configs = wire_array(
		&incremental_alter_configs_request_resources_configs_desc,
		arena, (int32_t)settings->count);
	if (to->configs == NULL)
		run_out_of_memory(&k->run);
	to->configs_count = (int32_t)settings->count;
	for (size_t i = 0; i < settings->count; i++) {
		const struct config_setting *s = &settings->items[i];

		to->configs[i].name = slice_of(s->name);
		to->configs[i].value = slice_of(s->value);
		to->configs[i].config_operation =
			s->value == NULL ? WIRE_ALTER_CONFIG_OP_DELETE
					 : WIRE_ALTER_CONFIG_OP_SET;
	}
}

/* The broker's text does not say what was meant by a name it does not know. */
static void hint_at_names(struct ktopics *k,
			  const struct settings_list *settings)
{
	for (size_t i = 0; i < settings->count; i++) {
		const char *name = settings->items[i].name;
		const char *near;

		if (config_def_find(scope_of(k), name) != NULL)
			continue;
		near = configs_nearest(scope_of(k), name);
		if (near != NULL)
			message_error(&k->run.messages,
				      "no property '%s'; did you mean '%s'?",
				      name, near);
	}
}

static void take_answers(struct ktopics *k, struct client_request *request,
			 const struct settings_list *settings)
{
	const struct incremental_alter_configs_response *answer =
		client_request_answer(request);
	bool hint = false;

	for (int32_t i = 0; i < answer->responses_count; i++) {
		if (answer->responses[i].error_code != WIRE_NONE)
			run_tell_done(&k->run);
	}
	for (int32_t i = 0; i < answer->responses_count; i++) {
		const struct incremental_alter_configs_response_responses *r =
			&answer->responses[i];
		const char *name = run_text(&k->run, r->resource_name);

		if (r->error_code == WIRE_NONE) {
			run_done(&k->run, kind_of(k), name, "%s '%s' %s",
				 kind_of(k), name,
				 k->run.options->dry_run ? "would be changed"
							 : "changed");
		} else {
			run_refused(&k->run, kind_of(k), name, r->error_code,
				    r->error_message);
			hint = true;
		}
	}
	if (hint)
		hint_at_names(k, settings);
}

static int change(struct ktopics *k, const struct resources *resources,
		  const struct settings_list *settings)
{
	struct client_request *request =
		run_request(&k->run, API_INCREMENTAL_ALTER_CONFIGS);
	struct incremental_alter_configs_request *q =
		client_request_message(request);
	struct arena *arena = client_request_arena(request);

	q->validate_only = k->run.options->dry_run;
	q->resources =
		wire_array(&incremental_alter_configs_request_resources_desc,
			   arena, (int32_t)resources->count);
	if (q->resources == NULL)
		run_out_of_memory(&k->run);
	q->resources_count = (int32_t)resources->count;
	for (size_t i = 0; i < resources->count; i++)
		fill_change(k, arena, &q->resources[i], &resources->items[i],
			    settings);
	if (call(k, request))
		take_answers(k, request, settings);
	client_request_free(request);
	return k->run.status;
}

/* A broker takes the removal of anything.  What is not known here may be known
 * there: then it is among what the broker tells. */
static bool has_property(struct ktopics *k, const struct resources *resources,
			 const char *name)
{
	struct describe_configs_response *answer;
	struct client_request *request;
	bool is_there;

	if (config_def_find(scope_of(k), name) != NULL)
		return true;
	request = configs_describe(k, resources->items, 1, &name, 1);
	if (request == NULL)
		return false;
	answer = client_request_answer(request);
	is_there = answer->results_count > 0 &&
		   configs_find(&answer->results[0], name) != NULL;
	client_request_free(request);
	if (!is_there)
		no_such_property(k, name);
	return is_there;
}

static bool has_all(struct ktopics *k, const struct resources *resources,
		    const struct settings_list *settings)
{
	bool all = true;

	for (size_t i = 0; i < settings->count && resources->count > 0; i++) {
		if (settings->items[i].value == NULL)
			all &= has_property(k, resources,
					    settings->items[i].name);
	}
	return all;
}

static int change_operands(struct ktopics *k, int first,
			   const struct settings_list *settings)
{
	struct resources resources = { 0 };
	int status = check_operands(k, first, false);

	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = find_resources(k, first, 0, &resources);
	if (status == EXIT_GO_ON && resources.count > 0 &&
	    has_all(k, &resources, settings))
		status = change(k, &resources, settings);
	else if (status == EXIT_GO_ON)
		status = k->run.status;
	free(resources.items);
	return status;
}

int ktopics_set(void *run)
{
	struct ktopics *k = run;
	struct settings_list settings = { .count = 0 };
	int first = 0;

	while (first < k->run.operand_count &&
	       strchr(k->run.operands[first], '=') != NULL) {
		if (settings.count == 64)
			return message_usage(&k->run.messages,
					     "too many properties at once");
		if (!configs_parse(k, k->run.operands[first++],
				   &settings.items[settings.count++]))
			return EXIT_USAGE;
	}
	if (settings.count == 0)
		return message_usage(&k->run.messages,
				     "'%s' is not NAME=VALUE; properties come "
				     "before topics",
				     k->run.operands[0]);
	return change_operands(k, first, &settings);
}

int ktopics_unset(void *run)
{
	struct ktopics *k = run;
	struct settings_list settings = { .count = 0 };
	struct names names;
	int status = split_names(k, k->run.operands[0], &names);

	if (status != EXIT_GO_ON)
		return status;
	for (size_t i = 0; i < names.count; i++)
		settings.items[settings.count++].name = names.items[i];
	return change_operands(k, 1, &settings);
}
