/*
 * config_client_metrics.c - a subscription of clients' metrics (KIP-714)
 */
#include "config_client_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/client_match.h"
#include "kbrokerd/metadata/config_check.h"
#include "wire/config_defs.h"
#include "wire/errors.h"

enum { INTERVAL_MS_MIN = 100, INTERVAL_MS_MAX = 3600000 };

static const struct controller_error none = { WIRE_NONE, NULL };

static struct controller_error bad_config(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_CONFIG, text };
}

static struct controller_error check_interval(const char *value,
					      struct arena *arena)
{
	long long ms = strtoll(value, NULL, 10);

	/* Whether it is a number at all has been looked at. */
	if (ms >= INTERVAL_MS_MIN && ms <= INTERVAL_MS_MAX)
		return none;
	return (struct controller_error){
		WIRE_INVALID_REQUEST,
		arena_printf(arena,
			     "Invalid value %s for interval.ms, interval must "
			     "be between %d and %d (1 hour)",
			     value, INTERVAL_MS_MIN, INTERVAL_MS_MAX)
	};
}

/* A prefix of names, "" and "*" are all; but not one between commas. */
static struct controller_error check_metrics(const char *value,
					     struct arena *arena)
{
	size_t blank = strspn(value, " \t");

	if (value[blank] == '\0')
		return none;
	for (const char *at = value;; at++) {
		size_t len = strcspn(at, ",");

		if (strspn(at, " \t") >= len)
			return bad_config(arena_printf(
				arena,
				"Configuration 'metrics' values must not be "
				"empty: '%s'",
				value));
		at += len;
		if (*at == '\0')
			return none;
	}
}

static struct controller_error check_match(const char *value,
					   struct arena *arena)
{
	struct client_match *match = NULL;
	struct slice wrong = SLICE_NULL;
	int rc = client_match_new(value, &match, &wrong);

	client_match_free(match);
	if (rc == 0)
		return none;
	if (rc == -ENOMEM)
		return (struct controller_error){ WIRE_UNKNOWN_SERVER_ERROR,
						  NULL };
	return bad_config(
		arena_printf(arena, "Illegal client matching pattern: %.*s",
			     (int)wrong.len, (const char *)wrong.data));
}

static const struct rule {
	const char *key;
	struct controller_error (*check)(const char *value,
					 struct arena *arena);
} rules[] = {
	{ "interval.ms", check_interval },
	{ "match", check_match },
	{ "metrics", check_metrics },
};

static const struct rule *find_rule(const char *key)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].key, key) == 0)
			return &rules[i];
	}
	return NULL;
}

static bool is_int(const char *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(value, &end, 10);
	return end != value && end[strspn(end, " \t")] == '\0' && errno == 0 &&
	       number >= INT32_MIN && number <= INT32_MAX;
}

static struct controller_error check_entry(const struct config_entry *e,
					   struct arena *arena)
{
	const struct rule *rule = find_rule(e->name);

	if (rule == NULL)
		return (struct controller_error){
			WIRE_INVALID_REQUEST,
			arena_printf(arena,
				     "Unknown client metrics configuration: %s",
				     e->name)
		};
	if (strcmp(e->name, "interval.ms") == 0 && !is_int(e->value))
		return bad_config(config_check_entry(CONFIG_CLIENT_METRICS,
						     e->name, e->value, arena));
	return rule->check(e->value, arena);
}

struct controller_error config_check_client_metrics(
	const struct config_set *set, struct arena *arena)
{
	struct controller_error e = none;

	for (size_t i = 0; i < set->count && e.code == WIRE_NONE; i++)
		e = check_entry(&set->entries[i], arena);
	return e;
}
