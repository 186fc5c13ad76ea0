/*
 * controller_configs.c - configurations of topics and brokers change
 *
 * A request's changes of one resource are applied to a copy of its set, the
 * set is checked as a whole, and what came out different becomes records.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "kbrokerd/metadata/config_check.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };
static const struct controller_error no_memory = { WIRE_UNKNOWN_SERVER_ERROR,
						   NULL };

/* What a request does to one key. */
struct config_op {
	struct slice name;
	struct slice value;
	int8_t op;
};

/* ... and to one resource. */
struct config_edit {
	int8_t type;
	struct slice resource;
	const struct config_op *ops;
	size_t op_count;
	bool replaces; /* what is not named goes (AlterConfigs) */
	bool validate_only;
};

/* The set as it is being changed; sorted by name. */
struct draft {
	struct config_entry *entries;
	size_t count;
};

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

static struct controller_error invalid(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_REQUEST, text };
}

static const char *draft_get(const struct draft *draft, const char *name)
{
	const struct config_set set = { draft->count, draft->entries };

	return config_set_get(&set, name);
}

/* Set, or with value NULL remove; the draft has room. */
static void draft_set(struct draft *draft, const char *name, const char *value)
{
	struct config_entry *e = draft->entries;
	size_t i = 0;
	bool found;

	while (i < draft->count && strcmp(e[i].name, name) < 0)
		i++;
	found = i < draft->count && strcmp(e[i].name, name) == 0;
	if (value != NULL && !found) {
		memmove(e + i + 1, e + i, (draft->count - i) * sizeof(*e));
		draft->count++;
	} else if (value == NULL && found) {
		draft->count--;
		memmove(e + i, e + i + 1, (draft->count - i) * sizeof(*e));
	}
	if (value != NULL)
		e[i] = (struct config_entry){ name, value };
}

/* Lists of words with commas between them */

static bool list_has(const char *list, const char *word, size_t len)
{
	while (*list != '\0') {
		size_t n = strcspn(list, ",");

		if (n == len && memcmp(list, word, len) == 0)
			return true;
		list += n;
		if (*list == ',')
			list++;
	}
	return false;
}

/* Append the words of from that (not) other has. */
static void put_words(struct buffer *to, const char *from, const char *other,
		      bool wanted)
{
	while (*from != '\0') {
		size_t n = strcspn(from, ",");

		if (n > 0 && list_has(other, from, n) == wanted) {
			if (to->len > 0)
				buffer_put_u8(to, ',');
			buffer_put(to, from, n);
		}
		from += n;
		if (*from == ',')
			from++;
	}
}

static const char *change_list(const char *old, const char *words, bool append,
			       struct arena *arena)
{
	struct buffer list = { 0 };
	char *text;

	put_words(&list, old, append ? "" : words, false);
	if (append)
		put_words(&list, words, old, false);
	text = list.failed
		       ? NULL
		       : arena_text(arena, list.len == 0 ? slice_of("")
							 : buffer_slice(&list));
	buffer_clear(&list);
	return text;
}

/* Operations */

static enum config_scope scope_of(int8_t type)
{
	return type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC ? CONFIG_TOPIC
						       : CONFIG_BROKER;
}

static struct controller_error apply_list_op(
	const struct controller *c, const struct config_edit *edit,
	const struct config_op *op, const char *name, const char *value,
	struct draft *draft, struct arena *arena)
{
	bool append = op->op == WIRE_ALTER_CONFIG_OP_APPEND;
	const struct config_def *def =
		config_def_find(scope_of(edit->type), name);
	const char *old = draft_get(draft, name);

	if (def == NULL || def->type != CONFIG_TYPE_LIST)
		return (struct controller_error){
			WIRE_INVALID_CONFIG,
			arena_printf(arena,
				     "Can't %s to key %s because its type is "
				     "not LIST.",
				     append ? "APPEND" : "SUBTRACT", name)
		};
	if (old == NULL && edit->type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC)
		old = topic_config_default(name, c->properties);
	if (old == NULL)
		old = def->default_value == NULL ? "" : def->default_value;
	value = change_list(old, value, append, arena);
	if (value == NULL)
		return no_memory;
	draft_set(draft, name, value);
	return none;
}

static struct controller_error apply_op(const struct controller *c,
					const struct config_edit *edit,
					const struct config_op *op,
					struct draft *draft,
					struct arena *arena)
{
	const char *name = arena_text(arena, op->name);
	const char *value = NULL;

	if (!slice_is_null(op->value))
		value = arena_text(arena, op->value);
	if (name == NULL || (value == NULL && !slice_is_null(op->value)))
		return no_memory;
	switch (op->op) {
	case WIRE_ALTER_CONFIG_OP_DELETE:
		draft_set(draft, name, NULL);
		return none;
	case WIRE_ALTER_CONFIG_OP_SET:
		draft_set(draft, name, value);
		return none;
	case WIRE_ALTER_CONFIG_OP_APPEND:
	case WIRE_ALTER_CONFIG_OP_SUBTRACT:
		return apply_list_op(c, edit, op, name, value, draft, arena);
	default:
		return invalid(arena_printf(
			arena, "Unknown operation type %d for config %s",
			op->op, name));
	}
}

/* Checks of a whole edit */

static struct controller_error check_ops(const struct config_edit *edit,
					 struct arena *arena)
{
	struct slice *names =
		arena_calloc(arena, edit->op_count, sizeof(*names));
	enum name_mark *marks;

	if (names == NULL)
		return no_memory;
	for (size_t i = 0; i < edit->op_count; i++)
		names[i] = edit->ops[i].name;
	marks = controller_mark_names(names, edit->op_count, arena);
	if (marks == NULL)
		return no_memory;
	for (size_t i = 0; i < edit->op_count; i++) {
		const struct config_op *op = &edit->ops[i];

		if (marks[i] != NAME_ONCE)
			return invalid("Error due to duplicate config keys");
		if (op->op != WIRE_ALTER_CONFIG_OP_DELETE &&
		    slice_is_null(op->value))
			return invalid(arena_printf(
				arena, "Null value not supported for : %.*s",
				(int)op->name.len,
				(const char *)op->name.data));
	}
	return none;
}

static struct controller_error check_topic(const struct controller *c,
					   struct slice name,
					   struct arena *arena)
{
	if (name.len == 0)
		return invalid("Default topic resources are not allowed.");
	if (!topic_name_is_valid(name))
		return (struct controller_error){ WIRE_INVALID_TOPIC_EXCEPTION,
						  topic_name_problem(name,
								     arena) };
	if (image_topic(c->image, name) != NULL)
		return none;
	return (struct controller_error){
		WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		arena_printf(arena, "The topic '%.*s' does not exist.",
			     (int)name.len, (const char *)name.data)
	};
}

static struct controller_error check_broker(const struct controller *c,
					    struct slice name,
					    struct arena *arena)
{
	char *text = arena_text(arena, name);
	int64_t id;

	if (text == NULL)
		return no_memory;
	if (name.len == 0)
		return none;
	if (parse_int64_in(text, 0, INT32_MAX, &id) < 0)
		return invalid(arena_printf(
			arena, "Node id must be an integer, but it is: %s",
			text));
	if (image_broker(c->image, (int32_t)id) == NULL)
		return invalid(arena_printf(
			arena,
			"Unexpected broker id %s: no such broker is "
			"registered.",
			text));
	return none;
}

/* Is it one from which a topic's configuration can come?  Those take effect
 * as soon as they are in the image. */
static bool is_topic_default(const char *name)
{
	size_t count;
	const struct config_def *defs = config_defs(CONFIG_TOPIC, &count);

	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < defs[i].synonym_count; j++) {
			if (strcmp(defs[i].synonyms[j].name, name) == 0)
				return true;
		}
	}
	return false;
}

static struct controller_error check_broker_key(const char *name,
						const char *value,
						struct arena *arena)
{
	const struct config_def *def = config_def_find(CONFIG_BROKER, name);
	struct controller_error e = { WIRE_INVALID_CONFIG, NULL };

	if (def != NULL && def->update != CONFIG_UPDATE_PER_BROKER &&
	    def->update != CONFIG_UPDATE_CLUSTER)
		return invalid(arena_printf(
			arena,
			"Cannot update these configs dynamically: Set(%s)",
			name));
	if (def != NULL && !is_topic_default(name))
		return invalid(arena_printf(
			arena,
			"%s cannot be changed while kbrokerd runs: set it in "
			"its properties and start it again.",
			name));
	e.text = config_check_entry(CONFIG_BROKER, name, value, arena);
	return e.text == NULL ? none : e;
}

static struct controller_error check_draft(const struct config_edit *edit,
					   const struct config_set *old,
					   const struct draft *draft,
					   struct arena *arena)
{
	const struct config_set set = { draft->count, draft->entries };
	struct controller_error e = none;

	if (edit->type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC) {
		e.text = config_check_topic(&set, arena);
		e.code = e.text == NULL ? WIRE_NONE : WIRE_INVALID_CONFIG;
		return e;
	}
	for (size_t i = 0; i < set.count && !failed(e); i++) {
		const struct config_entry *entry = &set.entries[i];
		const char *before = config_set_get(old, entry->name);

		if (before == NULL || strcmp(before, entry->value) != 0)
			e = check_broker_key(entry->name, entry->value, arena);
	}
	return e;
}

static struct controller_error check_resource(const struct controller *c,
					      const struct config_edit *edit,
					      struct arena *arena)
{
	switch (edit->type) {
	case WIRE_CONFIG_RESOURCE_TYPE_TOPIC:
		return check_topic(c, edit->resource, arena);
	case WIRE_CONFIG_RESOURCE_TYPE_BROKER:
		return check_broker(c, edit->resource, arena);
	case WIRE_CONFIG_RESOURCE_TYPE_BROKER_LOGGER:
		return invalid("Loggers cannot be altered on this broker.");
	case WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS:
		return invalid("Client metrics subscriptions are not "
			       "supported by this broker.");
	case WIRE_CONFIG_RESOURCE_TYPE_GROUP:
		return invalid("Configurations of groups are not supported by "
			       "this broker.");
	default:
		return invalid(arena_printf(arena, "Unknown resource type %d",
					    edit->type));
	}
}

/* Records */

static void add_config(const struct controller *c,
		       const struct config_edit *edit, const char *name,
		       const char *value)
{
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = edit->type;
	r.resource_name = edit->resource;
	r.name = slice_of(name);
	r.value = slice_of(value);
	controller_add(c, &config_record_desc, &r);
}

static void add_differences(const struct controller *c,
			    const struct config_edit *edit,
			    const struct config_set *old,
			    const struct draft *draft)
{
	size_t old_count = old == NULL ? 0 : old->count;

	for (size_t i = 0; i < old_count; i++) {
		if (draft_get(draft, old->entries[i].name) == NULL)
			add_config(c, edit, old->entries[i].name, NULL);
	}
	for (size_t i = 0; i < draft->count; i++) {
		const char *value = config_set_get(old, draft->entries[i].name);

		if (value == NULL ||
		    strcmp(value, draft->entries[i].value) != 0)
			add_config(c, edit, draft->entries[i].name,
				   draft->entries[i].value);
	}
}

static struct controller_error alter_one(const struct controller *c,
					 const struct config_edit *edit,
					 struct arena *arena)
{
	const struct config_set *old;
	struct draft draft = { 0 };
	size_t old_count;
	struct controller_error e = check_ops(edit, arena);

	if (!failed(e))
		e = check_resource(c, edit, arena);
	if (failed(e))
		return e;
	old = image_configs(c->image, edit->type, edit->resource);
	old_count = old == NULL || edit->replaces ? 0 : old->count;
	draft.entries = arena_calloc(arena, old_count + edit->op_count,
				     sizeof(*draft.entries));
	if (draft.entries == NULL)
		return no_memory;
	if (old_count > 0)
		memcpy(draft.entries, old->entries,
		       old_count * sizeof(*draft.entries));
	draft.count = old_count;
	for (size_t i = 0; i < edit->op_count && !failed(e); i++)
		e = apply_op(c, edit, &edit->ops[i], &draft, arena);
	if (!failed(e))
		e = check_draft(edit, old, &draft, arena);
	if (!failed(e) && !edit->validate_only)
		add_differences(c, edit, old, &draft);
	return e;
}

/* Type and name of a resource as one text, to see which occur twice. */
static struct slice resource_key(int8_t type, struct slice name,
				 struct arena *arena)
{
	return slice_of(arena_printf(arena, "%d %.*s", type, (int)name.len,
				     (const char *)name.data));
}

static const struct controller_error resource_twice = {
	WIRE_INVALID_REQUEST, "Each resource must appear at most once."
};

/* Requests */

static const struct config_op *incremental_ops(
	const struct incremental_alter_configs_request_resources *r,
	struct arena *arena)
{
	struct config_op *ops =
		arena_calloc(arena, (size_t)r->configs_count, sizeof(*ops));

	for (int32_t i = 0; ops != NULL && i < r->configs_count; i++)
		ops[i] = (struct config_op){ r->configs[i].name,
					     r->configs[i].value,
					     r->configs[i].config_operation };
	return ops;
}

void controller_incremental_alter_configs(const struct controller *c,
					  struct metadata_change *change)
{
	const struct incremental_alter_configs_request *req = change->request;
	struct incremental_alter_configs_response *resp = change->response;
	struct arena *arena = change->arena;
	size_t count = (size_t)req->resources_count;
	struct slice *keys = arena_calloc(arena, count, sizeof(*keys));
	enum name_mark *marks;

	for (size_t i = 0; keys != NULL && i < count; i++)
		keys[i] = resource_key(req->resources[i].resource_type,
				       req->resources[i].resource_name, arena);
	marks = keys == NULL ? NULL : controller_mark_names(keys, count, arena);
	resp->responses =
		wire_array(&incremental_alter_configs_response_responses_desc,
			   arena, req->resources_count);
	if (marks == NULL || resp->responses == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct incremental_alter_configs_request_resources *r =
			&req->resources[i];
		struct config_edit edit = {
			.type = r->resource_type,
			.resource = r->resource_name,
			.ops = incremental_ops(r, arena),
			.op_count = (size_t)r->configs_count,
			.validate_only = req->validate_only,
		};
		struct controller_error e = resource_twice;

		if (edit.ops == NULL)
			e = no_memory;
		else if (marks[i] == NAME_ONCE)
			e = alter_one(c, &edit, arena);
		resp->responses[i].resource_type = r->resource_type;
		resp->responses[i].resource_name = r->resource_name;
		resp->responses[i].error_code = e.code;
		resp->responses[i].error_message = slice_of(e.text);
		resp->responses_count++;
	}
}

static const struct config_op *replacing_ops(
	const struct alter_configs_request_resources *r, struct arena *arena)
{
	struct config_op *ops =
		arena_calloc(arena, (size_t)r->configs_count, sizeof(*ops));

	for (int32_t i = 0; ops != NULL && i < r->configs_count; i++)
		ops[i] = (struct config_op){ r->configs[i].name,
					     r->configs[i].value,
					     WIRE_ALTER_CONFIG_OP_SET };
	return ops;
}

void controller_alter_configs(const struct controller *c,
			      struct metadata_change *change)
{
	const struct alter_configs_request *req = change->request;
	struct alter_configs_response *resp = change->response;
	struct arena *arena = change->arena;
	size_t count = (size_t)req->resources_count;
	struct slice *keys = arena_calloc(arena, count, sizeof(*keys));
	enum name_mark *marks;

	for (size_t i = 0; keys != NULL && i < count; i++)
		keys[i] = resource_key(req->resources[i].resource_type,
				       req->resources[i].resource_name, arena);
	marks = keys == NULL ? NULL : controller_mark_names(keys, count, arena);
	resp->responses = wire_array(&alter_configs_response_responses_desc,
				     arena, req->resources_count);
	if (marks == NULL || resp->responses == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const struct alter_configs_request_resources *r =
			&req->resources[i];
		struct config_edit edit = {
			.type = r->resource_type,
			.resource = r->resource_name,
			.ops = replacing_ops(r, arena),
			.op_count = (size_t)r->configs_count,
			.replaces = true,
			.validate_only = req->validate_only,
		};
		struct controller_error e = resource_twice;

		if (edit.ops == NULL)
			e = no_memory;
		else if (marks[i] == NAME_ONCE)
			e = alter_one(c, &edit, arena);
		resp->responses[i].resource_type = r->resource_type;
		resp->responses[i].resource_name = r->resource_name;
		resp->responses[i].error_code = e.code;
		resp->responses[i].error_message = slice_of(e.text);
		resp->responses_count++;
	}
}
