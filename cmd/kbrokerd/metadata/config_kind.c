/*
 * config_kind.c - the kinds of resources that have a configuration
 */
#include "config_kind.h"

#include "base/units.h"
#include "kbrokerd/metadata/config_broker.h"
#include "kbrokerd/metadata/config_check.h"
#include "kbrokerd/metadata/config_client_metrics.h"
#include "kbrokerd/metadata/config_group.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"

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

static struct controller_error check_topic_name(const struct controller *c,
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

/* A node's own id; unexpected is a format for both ids. */
static struct controller_error check_node_id(const struct controller *c,
					     struct slice name,
					     const char *unexpected,
					     struct arena *arena)
{
	char *text = arena_text(arena, name);
	int64_t id;

	if (text == NULL)
		return no_memory;
	if (parse_int64_in(text, INT32_MIN, INT32_MAX, &id) < 0)
		return invalid(arena_printf(
			arena, "Node id must be an integer, but it is: %s",
			text));
	if (id != c->node_id)
		return invalid(arena_printf(arena,
					    "Unexpected %s %d, but received %s",
					    unexpected, c->node_id, text));
	return none;
}

static struct controller_error check_broker_name(const struct controller *c,
						 struct slice name,
						 struct arena *arena)
{
	if (name.len == 0)
		return none;
	return check_node_id(c, name, "broker id, expected", arena);
}

static struct controller_error check_logger_name(const struct controller *c,
						 struct slice name,
						 struct arena *arena)
{
	return check_node_id(c, name, "node id. Expected", arena);
}

static struct controller_error check_metrics_name(const struct controller *c,
						  struct slice name,
						  struct arena *arena)
{
	(void)c;
	(void)arena;
	return name.len > 0 ? none
			    : invalid("Subscription name can't be empty");
}

static struct controller_error check_group_name(const struct controller *c,
						struct slice name,
						struct arena *arena)
{
	(void)c;
	(void)arena;
	return name.len > 0
		       ? none
		       : invalid("Default group resources are not allowed.");
}

static struct controller_error check_topic_set(const struct controller *c,
					       const struct config_edit *edit,
					       const struct config_set *old,
					       const struct config_set *set,
					       struct arena *arena)
{
	const char *text = config_check_topic(set, arena);

	(void)c;
	(void)edit;
	(void)old;
	return text == NULL ? none : bad_config(text);
}

static bool names_key(const struct config_edit *edit, const char *key)
{
	for (size_t i = 0; i < edit->op_count; i++) {
		if (slice_is(edit->ops[i].name, key))
			return true;
	}
	return false;
}

/* Eligible leader replicas rest on one and the same number on all brokers. */
static struct controller_error check_min_isr(const struct controller *c,
					     const struct config_edit *edit,
					     const struct config_set *old,
					     const struct config_set *set)
{
	bool touched = names_key(edit, MIN_ISR) ||
		       (edit->replaces && config_set_get(old, MIN_ISR) != NULL);

	if (!touched || image_feature(c->image, ELR_VERSION) == 0)
		return none;
	if (edit->resource.len > 0)
		return bad_config("Broker-level min.insync.replicas cannot be "
				  "altered while ELR is enabled.");
	if (config_set_get(set, MIN_ISR) == NULL)
		return bad_config("Cluster-level min.insync.replicas cannot "
				  "be removed while ELR is enabled.");
	return none;
}

static struct controller_error check_broker_set(const struct controller *c,
						const struct config_edit *edit,
						const struct config_set *old,
						const struct config_set *set,
						struct arena *arena)
{
	struct controller_error e = config_check_broker(
		c, edit->resource.len == 0, old, set, arena);

	return failed(e) ? e : check_min_isr(c, edit, old, set);
}

static struct controller_error check_metrics_set(const struct controller *c,
						 const struct config_edit *edit,
						 const struct config_set *old,
						 const struct config_set *set,
						 struct arena *arena)
{
	(void)c;
	(void)edit;
	(void)old;
	return config_check_client_metrics(set, arena);
}

static struct controller_error check_group_set(const struct controller *c,
					       const struct config_edit *edit,
					       const struct config_set *old,
					       const struct config_set *set,
					       struct arena *arena)
{
	(void)edit;
	(void)old;
	return config_check_group(c, set, arena);
}

static const struct config_kind kinds[] = {
	{ WIRE_CONFIG_RESOURCE_TYPE_TOPIC, CONFIG_TOPIC, true, check_topic_name,
	  check_topic_set },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER, CONFIG_BROKER, true,
	  check_broker_name, check_broker_set },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER_LOGGER, CONFIG_BROKER, false,
	  check_logger_name, NULL },
	{ WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS, CONFIG_CLIENT_METRICS,
	  false, check_metrics_name, check_metrics_set },
	{ WIRE_CONFIG_RESOURCE_TYPE_GROUP, CONFIG_GROUP, false,
	  check_group_name, check_group_set },
};

const struct config_kind *config_kind_of(const struct config_edit *edit)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].type == edit->type &&
		    (kinds[i].check_set != NULL || !edit->replaces))
			return &kinds[i];
	}
	return NULL;
}
