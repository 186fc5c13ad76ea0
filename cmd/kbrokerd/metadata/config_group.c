/*
 * config_group.c - the configuration of a group (KIP-848, KIP-932, KIP-1071)
 *
 * A broker says how far groups may go: group.consumer.min.session.timeout.ms
 * bounds consumer.session.timeout.ms, and so on.
 */
#include "config_group.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/metadata/config_check.h"
#include "wire/errors.h"

#define BY_DURATION "by_duration:"

static const struct controller_error none = { WIRE_NONE, NULL };

static const struct bounds {
	const char *key;
	const char *min, *max; /* the broker's; NULL: none */
} all_bounds[] = {
	{ "consumer.heartbeat.interval.ms",
	  "group.consumer.min.heartbeat.interval.ms",
	  "group.consumer.max.heartbeat.interval.ms" },
	{ "consumer.session.timeout.ms",
	  "group.consumer.min.session.timeout.ms",
	  "group.consumer.max.session.timeout.ms" },
	{ "share.heartbeat.interval.ms",
	  "group.share.min.heartbeat.interval.ms",
	  "group.share.max.heartbeat.interval.ms" },
	{ "share.record.lock.duration.ms",
	  "group.share.min.record.lock.duration.ms",
	  "group.share.max.record.lock.duration.ms" },
	{ "share.session.timeout.ms", "group.share.min.session.timeout.ms",
	  "group.share.max.session.timeout.ms" },
	{ "streams.heartbeat.interval.ms",
	  "group.streams.min.heartbeat.interval.ms",
	  "group.streams.max.heartbeat.interval.ms" },
	{ "streams.num.standby.replicas", NULL,
	  "group.streams.max.standby.replicas" },
	{ "streams.session.timeout.ms", "group.streams.min.session.timeout.ms",
	  "group.streams.max.session.timeout.ms" },
};

const char *config_group_default(const struct config_sources *sources,
				 const struct config_def *def)
{
	const struct config_def *broker;
	char name[128];

	snprintf(name, sizeof(name), "group.%s", def->name);
	broker = config_def_find(CONFIG_BROKER, name);
	return broker == NULL ? def->default_value
			      : config_broker_value(sources, broker);
}

static int64_t broker_number(const struct config_sources *sources,
			     const char *key)
{
	return strtoll(config_broker_value(sources,
					   config_def_find(CONFIG_BROKER, key)),
		       NULL, 10);
}

static const char *check_bounds(const struct config_sources *sources,
				const struct config_set *set,
				const struct bounds *b, struct arena *arena)
{
	const char *text = config_set_get(set, b->key);
	int64_t value = text == NULL ? 0 : strtoll(text, NULL, 10);

	if (text == NULL)
		return NULL;
	if (b->min != NULL && value < broker_number(sources, b->min))
		return arena_printf(
			arena,
			"%s must be greater than or equal to %s: %s < %lld",
			b->key, b->min, text,
			(long long)broker_number(sources, b->min));
	if (value > broker_number(sources, b->max))
		return arena_printf(
			arena, "%s must be less than or equal to %s: %s > %lld",
			b->key, b->max, text,
			(long long)broker_number(sources, b->max));
	return NULL;
}

/* A member must be able to send a heartbeat before it is given up. */
static const char *check_pace(const struct config_sources *sources,
			      const struct config_set *set, const char *kind,
			      struct arena *arena)
{
	char session[64];
	char heartbeat[64];
	const char *a;
	const char *b;

	snprintf(session, sizeof(session), "%s.session.timeout.ms", kind);
	snprintf(heartbeat, sizeof(heartbeat), "%s.heartbeat.interval.ms",
		 kind);
	a = config_set_get(set, session);
	b = config_set_get(set, heartbeat);
	if (a == NULL && b == NULL)
		return NULL;
	if (a == NULL)
		a = config_group_default(
			sources, config_def_find(CONFIG_GROUP, session));
	if (b == NULL)
		b = config_group_default(
			sources, config_def_find(CONFIG_GROUP, heartbeat));
	if (strtoll(a, NULL, 10) > strtoll(b, NULL, 10))
		return NULL;
	return arena_printf(arena, "%s must be greater than %s: %s <= %s",
			    session, heartbeat, a, b);
}

/* The number of ISO 8601's units in which a part of text counts, in order;
 * false when something else stands there. */
static bool has_units(const char **text, const char *units)
{
	bool any = false;

	while (isdigit((unsigned char)**text)) {
		const char *unit;

		*text += strspn(*text, "0123456789");
		if (**text == '.' && strchr(units, 'S') != NULL) {
			++*text;
			*text += strspn(*text, "0123456789");
			if (**text != 'S')
				return false;
		}
		unit = **text == '\0' ? NULL : strchr(units, **text);
		if (unit == NULL)
			return false;
		units = unit + 1;
		++*text;
		any = true;
	}
	return any;
}

/* PnDTnHnMn.nS, not below zero. */
static bool is_duration(const char *text)
{
	bool days;

	if (*text++ != 'P')
		return false;
	days = has_units(&text, "D");
	if (*text != 'T')
		return days && *text == '\0';
	text++;
	return has_units(&text, "HMS") && *text == '\0';
}

static const char *check_reset(const struct config_set *set,
			       struct arena *arena)
{
	const char *value = config_set_get(set, "share.auto.offset.reset");

	if (value == NULL || strcmp(value, "earliest") == 0 ||
	    strcmp(value, "latest") == 0 ||
	    (strncmp(value, BY_DURATION, strlen(BY_DURATION)) == 0 &&
	     is_duration(value + strlen(BY_DURATION))))
		return NULL;
	return arena_printf(arena,
			    "Invalid value %s for configuration "
			    "share.auto.offset.reset: The value must be "
			    "either 'earliest', 'latest' or of the format "
			    "'by_duration:<PnDTnHnMn.nS>'.",
			    value);
}

static const char *check_all(const struct config_sources *sources,
			     const struct config_set *set, struct arena *arena)
{
	static const char *const kinds[] = { "consumer", "share", "streams" };
	const char *text = NULL;

	for (size_t i = 0; i < set->count && text == NULL; i++)
		text = config_check_entry(CONFIG_GROUP, set->entries[i].name,
					  set->entries[i].value, arena);
	if (text == NULL)
		text = check_reset(set, arena);
	for (size_t i = 0;
	     text == NULL && i < sizeof(all_bounds) / sizeof(all_bounds[0]);
	     i++)
		text = check_bounds(sources, set, &all_bounds[i], arena);
	for (size_t i = 0; text == NULL && i < sizeof(kinds) / sizeof(kinds[0]);
	     i++)
		text = check_pace(sources, set, kinds[i], arena);
	return text;
}

struct controller_error config_check_group(const struct controller *c,
					   const struct config_set *set,
					   struct arena *arena)
{
	struct controller_error e = { WIRE_INVALID_CONFIG, NULL };
	struct config_sources sources;

	config_sources_init(&sources, c->image, c->node_id, c->properties,
			    NULL);
	e.text = check_all(&sources, set, arena);
	return e.text == NULL ? none : e;
}
