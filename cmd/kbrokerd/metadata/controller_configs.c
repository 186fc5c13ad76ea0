/*
 * controller_configs.c - configurations of all kinds of resources change
 *
 * A request's changes of one resource are applied to a copy of its set, the
 * set is checked as a whole, and what came out different becomes records.
 * Levels of loggers are no records: they are the node's, and set by whoever
 * asked the controller, once it has let them pass.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/config_draft.h"
#include "kbrokerd/metadata/config_kind.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_config.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

#define MIN_ISR     "min.insync.replicas"
#define ELR_VERSION "eligible.leader.replicas.version"

static const struct controller_error none = { WIRE_NONE, NULL };
static const struct controller_error no_memory = { WIRE_UNKNOWN_SERVER_ERROR,
						   NULL };

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

static struct controller_error invalid(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_REQUEST, text };
}

static struct controller_error bad_config(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_CONFIG, text };
}

/* Operations */

static struct controller_error refuse_list_op(const struct config_kind *kind,
					      bool append, const char *name,
					      struct arena *arena)
{
	if (kind->scope == CONFIG_BROKER)
		return bad_config(arena_printf(
			arena,
			"Config value %s is not allowed for config key: %s",
			append ? "append" : "subtract", name));
	return bad_config(arena_printf(
		arena, "Can't %s to key %s because its type is not LIST.",
		append ? "APPEND" : "SUBTRACT", name));
}

/* What a list is that nobody has set. */
static const char *list_default(const struct controller *c,
				const struct config_def *def)
{
	const char *value = def->default_value;

	if (def->scope == CONFIG_TOPIC)
		value = topic_config_default(def->name, c->properties);
	return value == NULL ? "" : value;
}

static struct controller_error apply_list_op(
	const struct controller *c, const struct config_kind *kind,
	const struct config_op *op, const char *name, const char *value,
	struct config_draft *draft, struct arena *arena)
{
	bool append = op->op == WIRE_ALTER_CONFIG_OP_APPEND;
	const struct config_def *def = config_def_find(kind->scope, name);
	const char *old = config_draft_get(draft, name);

	if (def == NULL || def->type != CONFIG_TYPE_LIST || !kind->has_lists)
		return refuse_list_op(kind, append, name, arena);
	if (old == NULL)
		old = list_default(c, def);
	value = append ? config_list_append(old, value, arena)
		       : config_list_subtract(old, value, arena);
	if (value == NULL)
		return no_memory;
	config_draft_put(draft, name, value);
	return none;
}

static struct controller_error apply_op(const struct controller *c,
					const struct config_kind *kind,
					const struct config_op *op,
					struct config_draft *draft,
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
		config_draft_put(draft, name, NULL);
		return none;
	case WIRE_ALTER_CONFIG_OP_SET:
		config_draft_put(draft, name, value);
		return none;
	case WIRE_ALTER_CONFIG_OP_APPEND:
	case WIRE_ALTER_CONFIG_OP_SUBTRACT:
		return apply_list_op(c, kind, op, name, value, draft, arena);
	default:
		return (struct controller_error){
			kind->scope == CONFIG_BROKER
				? WIRE_INVALID_REQUEST
				: WIRE_UNKNOWN_SERVER_ERROR,
			arena_printf(arena, "Unknown operations type %d",
				     op->op)
		};
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

/* A set is copied with each change of it, and a broker's may have keys that
 * nobody knows: so there are not to be any number of them. */
static struct controller_error check_size(const struct config_edit *edit,
					  const struct config_set *old,
					  const struct config_set *set,
					  struct arena *arena)
{
	if (set->count <= CONFIG_SETTINGS_MAX ||
	    (old != NULL && set->count < old->count))
		return none;
	return (struct controller_error){
		WIRE_POLICY_VIOLATION,
		arena_printf(arena,
			     "Resource '%.*s' would have %zu settings: %d are "
			     "the most. Remove some that are not needed.",
			     (int)edit->resource.len,
			     (const char *)edit->resource.data, set->count,
			     CONFIG_SETTINGS_MAX)
	};
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
	r.value = value == NULL ? SLICE_NULL : slice_of(value);
	controller_add(c, &config_record_desc, &r);
}

static void add_differences(const struct controller *c,
			    const struct config_edit *edit,
			    const struct config_set *old,
			    const struct config_set *set)
{
	size_t old_count = old == NULL ? 0 : old->count;

	for (size_t i = 0; i < old_count; i++) {
		if (config_set_get(set, old->entries[i].name) == NULL)
			add_config(c, edit, old->entries[i].name, NULL);
	}
	for (size_t i = 0; i < set->count; i++) {
		const struct config_entry *e = &set->entries[i];
		const char *value = config_set_get(old, e->name);

		if (value == NULL || strcmp(value, e->value) != 0)
			add_config(c, edit, e->name, e->value);
	}
}

static bool same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* With another number in sync, who is eligible to lead is no longer known. */
static void forget_eligible(const struct controller *c,
			    const struct config_edit *edit,
			    const struct config_set *old,
			    const struct config_set *set)
{
	struct clear_elr_record r;

	if ((edit->type != WIRE_CONFIG_RESOURCE_TYPE_TOPIC &&
	     edit->type != WIRE_CONFIG_RESOURCE_TYPE_BROKER) ||
	    image_feature(c->image, ELR_VERSION) == 0 ||
	    same_text(config_set_get(old, MIN_ISR),
		      config_set_get(set, MIN_ISR)))
		return;
	wire_init(&clear_elr_record_desc, &r);
	r.topic_name = edit->type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC
			       ? edit->resource
			       : slice_of("");
	controller_add(c, &clear_elr_record_desc, &r);
}

static struct controller_error alter_set(const struct controller *c,
					 const struct config_kind *kind,
					 const struct config_edit *edit,
					 struct arena *arena)
{
	const struct config_set *old =
		image_configs(c->image, edit->type, edit->resource);
	struct controller_error e = none;
	struct config_draft draft;
	struct config_set set;

	if (config_draft_init(&draft, edit->replaces ? NULL : old,
			      edit->op_count, arena) < 0)
		return no_memory;
	for (size_t i = 0; i < edit->op_count && !failed(e); i++)
		e = apply_op(c, kind, &edit->ops[i], &draft, arena);
	set = config_draft_view(&draft);
	if (!failed(e))
		e = check_size(edit, old, &set, arena);
	if (!failed(e))
		e = kind->check_set(c, edit, old, &set, arena);
	if (!failed(e) && !edit->validate_only) {
		add_differences(c, edit, old, &set);
		forget_eligible(c, edit, old, &set);
	}
	return e;
}

static struct controller_error alter_one(const struct controller *c,
					 const struct config_edit *edit,
					 struct arena *arena)
{
	const struct config_kind *kind = config_kind_of(edit);
	struct controller_error e = check_ops(edit, arena);

	if (failed(e))
		return e;
	if (kind == NULL)
		return invalid(arena_printf(arena, "Unknown resource type %d",
					    edit->type));
	e = kind->check_name(c, edit->resource, arena);
	if (failed(e) || kind->check_set == NULL)
		return e;
	return alter_set(c, kind, edit, arena);
}

/* Requests */

/* Type and name of a resource as one text, to see which occur twice. */
static struct slice resource_key(const struct config_edit *edit,
				 struct arena *arena)
{
	return slice_of(arena_printf(arena, "%d %.*s", edit->type,
				     (int)edit->resource.len,
				     (const char *)edit->resource.data));
}

static enum name_mark *mark_edits(const struct config_edit *edits, size_t count,
				  struct arena *arena)
{
	struct slice *keys = arena_calloc(arena, count, sizeof(*keys));

	for (size_t i = 0; keys != NULL && i < count; i++)
		keys[i] = resource_key(&edits[i], arena);
	return keys == NULL ? NULL : controller_mark_names(keys, count, arena);
}

/* Returns 0 or -ENOMEM. */
static int alter_all(const struct controller *c, struct config_edit *edits,
		     size_t count, struct arena *arena)
{
	enum name_mark *marks = mark_edits(edits, count, arena);

	if (marks == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (edits[i].ops == NULL)
			edits[i].error = no_memory;
		else if (marks[i] != NAME_ONCE)
			edits[i].error = invalid("Each resource must appear "
						 "at most once.");
		else
			edits[i].error = alter_one(c, &edits[i], arena);
	}
	return 0;
}

static struct config_edit *incremental_edits(
	const struct incremental_alter_configs_request *req,
	struct arena *arena)
{
	struct config_edit *edits = arena_calloc(
		arena, (size_t)req->resources_count, sizeof(*edits));

	for (int32_t i = 0; edits != NULL && i < req->resources_count; i++) {
		const struct incremental_alter_configs_request_resources *r =
			&req->resources[i];
		struct config_edit *e = &edits[i];

		*e = (struct config_edit){
			.type = r->resource_type,
			.resource = r->resource_name,
			.ops = arena_calloc(arena, (size_t)r->configs_count,
					    sizeof(*e->ops)),
			.op_count = (size_t)r->configs_count,
			.validate_only = req->validate_only,
		};
		for (int32_t j = 0; e->ops != NULL && j < r->configs_count; j++)
			e->ops[j] = (struct config_op){
				r->configs[j].name, r->configs[j].value,
				r->configs[j].config_operation
			};
	}
	return edits;
}

void controller_incremental_alter_configs(const struct controller *c,
					  struct metadata_change *change)
{
	const struct incremental_alter_configs_request *req = change->request;
	struct incremental_alter_configs_response *resp = change->response;
	struct config_edit *edits = incremental_edits(req, change->arena);
	size_t count = (size_t)req->resources_count;

	resp->responses =
		wire_array(&incremental_alter_configs_response_responses_desc,
			   change->arena, req->resources_count);
	if (edits == NULL || resp->responses == NULL ||
	    alter_all(c, edits, count, change->arena) < 0) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		resp->responses[i].resource_type = edits[i].type;
		resp->responses[i].resource_name = edits[i].resource;
		resp->responses[i].error_code = edits[i].error.code;
		resp->responses[i].error_message =
			slice_of(edits[i].error.text);
	}
	resp->responses_count = req->resources_count;
}

static struct config_edit *replacing_edits(
	const struct alter_configs_request *req, struct arena *arena)
{
	struct config_edit *edits = arena_calloc(
		arena, (size_t)req->resources_count, sizeof(*edits));

	for (int32_t i = 0; edits != NULL && i < req->resources_count; i++) {
		const struct alter_configs_request_resources *r =
			&req->resources[i];
		struct config_edit *e = &edits[i];

		*e = (struct config_edit){
			.type = r->resource_type,
			.resource = r->resource_name,
			.ops = arena_calloc(arena, (size_t)r->configs_count,
					    sizeof(*e->ops)),
			.op_count = (size_t)r->configs_count,
			.replaces = true,
			.validate_only = req->validate_only,
		};
		for (int32_t j = 0; e->ops != NULL && j < r->configs_count; j++)
			e->ops[j] =
				(struct config_op){ r->configs[j].name,
						    r->configs[j].value,
						    WIRE_ALTER_CONFIG_OP_SET };
	}
	return edits;
}

void controller_alter_configs(const struct controller *c,
			      struct metadata_change *change)
{
	const struct alter_configs_request *req = change->request;
	struct alter_configs_response *resp = change->response;
	struct config_edit *edits = replacing_edits(req, change->arena);
	size_t count = (size_t)req->resources_count;

	resp->responses = wire_array(&alter_configs_response_responses_desc,
				     change->arena, req->resources_count);
	if (edits == NULL || resp->responses == NULL ||
	    alter_all(c, edits, count, change->arena) < 0) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		resp->responses[i].resource_type = edits[i].type;
		resp->responses[i].resource_name = edits[i].resource;
		resp->responses[i].error_code = edits[i].error.code;
		resp->responses[i].error_message =
			slice_of(edits[i].error.text);
	}
	resp->responses_count = req->resources_count;
}
