/*
 * config_check.c - may a configuration be set so?
 *
 * What the table of configurations tells of one value is checked by
 * lib/wire; here stands what goes beyond one value.
 */
#include "config_check.h"

#include <stdlib.h>

#include "kbrokerd/metadata/topic_config.h"

/* What could not be put into words is wrong all the same. */
static const char *said(const char *text)
{
	return text == NULL ? "Invalid configuration" : text;
}

static const char *scope_text(enum config_scope scope)
{
	switch (scope) {
	case CONFIG_TOPIC:
		return "topic";
	case CONFIG_GROUP:
		return "group";
	case CONFIG_CLIENT_METRICS:
		return "client metrics";
	case CONFIG_QUOTA:
		return "quota";
	case CONFIG_BROKER:
		break;
	}
	return "broker";
}

/* partition:broker,... or * */
static bool is_throttled_list(const char *value)
{
	if (*value == '\0' || strcmp(value, "*") == 0)
		return true;
	for (;;) {
		size_t digits = strspn(value, "0123456789");

		if (digits == 0 || value[digits] != ':')
			return false;
		value += digits + 1;
		digits = strspn(value, "0123456789");
		if (digits == 0)
			return false;
		value += digits;
		if (*value == '\0')
			return true;
		if (*value++ != ',')
			return false;
	}
}

static bool is_throttle(const char *name)
{
	return strcmp(name, "leader.replication.throttled.replicas") == 0 ||
	       strcmp(name, "follower.replication.throttled.replicas") == 0;
}

const char *config_check_entry(enum config_scope scope, const char *name,
			       const char *value, struct arena *arena)
{
	const struct config_def *def = config_def_find(scope, name);
	char why[256];

	if (def == NULL)
		return said(arena_printf(arena, "Unknown %s config name: %s",
					 scope_text(scope), name));
	if (config_value_check(def, value, why, sizeof(why)) < 0)
		return said(arena_printf(
			arena, "Invalid value %s for configuration %s: %s",
			value, name, why));
	if (is_throttle(name) && !is_throttled_list(value))
		return said(arena_printf(
			arena,
			"Invalid value [%s] for configuration %s: %s must be "
			"the literal '*' or a list of replicas in the "
			"following format: "
			"[partitionId]:[brokerId],[partitionId]:[brokerId],...",
			value, name, name));
	return NULL;
}

static const char *check_lags(const struct config_set *set, struct arena *arena)
{
	const char *least = config_set_get(set, "min.compaction.lag.ms");
	const char *most = config_set_get(set, "max.compaction.lag.ms");

	if (least == NULL || most == NULL ||
	    strtoll(least, NULL, 10) <= strtoll(most, NULL, 10))
		return NULL;
	return said(arena_printf(arena,
				 "conflict topic config setting "
				 "min.compaction.lag.ms (%s) > "
				 "max.compaction.lag.ms (%s)",
				 least, most));
}

static const char *check_remote(const struct config_set *set,
				struct arena *arena)
{
	const char *enable = config_set_get(set, "remote.storage.enable");

	if (enable == NULL || !config_is_true(enable))
		return NULL;
	return said(arena_printf(
		arena, "Tiered Storage functionality is disabled in the "
		       "broker. Topic cannot be configured with remote "
		       "log storage."));
}

const char *config_check_topic(const struct config_set *set,
			       struct arena *arena)
{
	const char *problem = NULL;

	for (size_t i = 0; i < set->count && problem == NULL; i++)
		problem = config_check_entry(CONFIG_TOPIC, set->entries[i].name,
					     set->entries[i].value, arena);
	if (problem == NULL)
		problem = check_lags(set, arena);
	if (problem == NULL)
		problem = check_remote(set, arena);
	return problem;
}
