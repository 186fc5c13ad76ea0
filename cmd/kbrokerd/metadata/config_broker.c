/*
 * config_broker.c - which settings of a broker may change while it runs
 *
 * What Kafka takes is taken, and refused with its codes, also where kbrokerd
 * has no use for a setting: tools set them, and read them back.  Refused
 * beyond that is what would be a lie: other listeners, and classes of Java.
 */
#include "config_broker.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/units.h"
#include "kbrokerd/config.h"
#include "kbrokerd/metadata/topic_config.h"
#include "wire/errors.h"

#define LISTENER_PREFIX "listener.name."

static const struct controller_error none = { WIRE_NONE, NULL };

const char *config_listener_key(const char *name)
{
	const char *dot;

	if (strncmp(name, LISTENER_PREFIX, strlen(LISTENER_PREFIX)) != 0)
		return NULL;
	dot = strchr(name + strlen(LISTENER_PREFIX), '.');
	return dot == NULL ? NULL : dot + 1;
}

const struct config_def *config_broker_def(const char *name)
{
	const char *key = config_listener_key(name);

	return config_def(key == NULL ? name : key);
}

bool config_is_dynamic(const struct config_def *def)
{
	/* Not in Kafka; here a client in a container may be told later where
	 * the broker is. */
	if (strcmp(def->name, "advertised.listeners") == 0)
		return true;
	return def->update == CONFIG_UPDATE_PER_BROKER ||
	       def->update == CONFIG_UPDATE_CLUSTER;
}

/* What is being checked. */
struct check {
	const struct controller *c;
	bool for_all;
	const struct config_set *old, *set;
	struct arena *arena;
};

static bool is_new(const struct check *k, const struct config_entry *e)
{
	const char *before = config_set_get(k->old, e->name);

	return before == NULL || strcmp(before, e->value) != 0;
}

static struct controller_error invalid(const char *text)
{
	return (struct controller_error){ WIRE_INVALID_REQUEST, text };
}

/* Names alone */

static bool is_fixed(const char *name)
{
	const struct config_def *def = config_def(name);

	return def != NULL && !config_is_dynamic(def);
}

static bool lacks_listener(const char *name)
{
	return strncmp(name, "ssl.keystore.", 13) == 0 ||
	       strncmp(name, "ssl.truststore.", 15) == 0 ||
	       strcmp(name, "ssl.key.password") == 0;
}

static bool is_of_one_broker(const char *name)
{
	static const char *const of_all[] = { "max.connections",
					      "max.connection.creation.rate",
					      "num.network.threads" };
	const char *key = config_listener_key(name);
	const struct config_def *def = config_def(name);

	if (key == NULL)
		return def != NULL &&
		       (def->update == CONFIG_UPDATE_PER_BROKER ||
			strcmp(name, "advertised.listeners") == 0);
	for (size_t i = 0; i < sizeof(of_all) / sizeof(of_all[0]); i++) {
		if (strcmp(of_all[i], key) == 0)
			return false;
	}
	return true;
}

/* Refuse the new keys for which refused() holds: before, names, after. */
static struct controller_error refuse_names(const struct check *k,
					    bool (*refused)(const char *name),
					    const char *before,
					    const char *after)
{
	struct buffer names = { 0 };
	const char *text = NULL;

	for (size_t i = 0; i < k->set->count; i++) {
		const struct config_entry *e = &k->set->entries[i];

		if (!is_new(k, e) || !refused(e->name))
			continue;
		if (names.len > 0)
			buffer_put(&names, ", ", 2);
		buffer_put(&names, e->name, strlen(e->name));
	}
	if (names.len == 0 && !names.failed)
		return none;
	if (!names.failed)
		text = arena_printf(k->arena, "%s: Set(%.*s)%s", before,
				    (int)names.len, (const char *)names.data,
				    after);
	buffer_clear(&names);
	return invalid(text == NULL ? before : text);
}

/* Values, one by one */

static struct controller_error check_value(const struct check *k,
					   const struct config_entry *e)
{
	const struct config_def *def = config_broker_def(e->name);
	char why[256];

	if (def == NULL ||
	    config_value_check(def, e->value, why, sizeof(why)) == 0)
		return none;
	return invalid(arena_printf(
		k->arena, "Invalid value %s for configuration %s: %s",
		def->type == CONFIG_TYPE_PASSWORD ? "[hidden]" : e->value,
		e->name, why));
}

/* ... and what the table of settings does not tell.  NULL: it is right. */

/* What the key would be: the draft's, else what holds below it. */
static int64_t number_of(const struct check *k, const char *key)
{
	const struct config_def *def = config_def(key);
	const struct config_sources below = { .node = k->c->properties };
	const char *value = config_set_get(k->set, key);

	if (value == NULL)
		value = config_broker_value(&below, def);
	return value == NULL ? 0 : strtoll(value, NULL, 10);
}

static const char *check_threads(const struct check *k, const char *name,
				 const char *value)
{
	struct config_sources sources;
	int64_t now;
	int64_t wanted = strtoll(value, NULL, 10);

	config_sources_init(&sources, k->c->image, k->c->node_id,
			    k->c->properties, NULL);
	now = strtoll(config_broker_value(&sources, config_def(name)), NULL,
		      10);
	if (wanted > now * 2)
		return arena_printf(k->arena,
				    "Dynamic thread count update validation "
				    "failed for %s=%s, value should not be "
				    "greater than double the current value "
				    "%lld",
				    name, value, (long long)now);
	if (wanted < now / 2 || wanted == 0)
		return arena_printf(k->arena,
				    "Dynamic thread count update validation "
				    "failed for %s=%s, value should be at "
				    "least half the current value %lld",
				    name, value, (long long)now);
	return NULL;
}

static const char *check_retention(const struct check *k, const char *name,
				   const char *value)
{
	if (strtoll(value, NULL, 10) != 0)
		return NULL;
	return arena_printf(k->arena,
			    "%s must be unlimited (-1) or, greater than or "
			    "equal to 1",
			    name);
}

static const char *check_roll(const struct check *k, const char *name,
			      const char *value)
{
	if (strtoll(value, NULL, 10) >= 1)
		return NULL;
	return arena_printf(
		k->arena, "%s must be greater than or equal to 1, but it is %s",
		name, value);
}

static const char *check_jitter(const struct check *k, const char *name,
				const char *value)
{
	if (strtoll(value, NULL, 10) >= 0)
		return NULL;
	return arena_printf(
		k->arena, "%s must be greater than or equal to 0, but it is %s",
		name, value);
}

static const char *check_per_ip(const struct check *k, const char *name,
				const char *value)
{
	const char *overrides =
		config_set_get(k->set, "max.connections.per.ip.overrides");

	if (overrides == NULL && k->c->properties != NULL)
		overrides = properties_get(k->c->properties,
					   "max.connections.per.ip.overrides");
	if (strtoll(value, NULL, 10) > 0 ||
	    (overrides != NULL && overrides[0] != '\0'))
		return NULL;
	return arena_printf(k->arena,
			    "%s can be set to zero only if "
			    "max.connections.per.ip.overrides property is set.",
			    name);
}

/* host:count,... */
static const char *check_overrides(const struct check *k, const char *name,
				   const char *value)
{
	const char *at = value;

	while (*at != '\0') {
		size_t len = strcspn(at, ",");
		char item[512];
		const char *colon;
		int64_t count;

		snprintf(item, sizeof(item), "%.*s", (int)len, at);
		colon = strrchr(item, ':');
		if (len >= sizeof(item) || colon == NULL || colon == item ||
		    parse_int64_in(colon + 1, 0, INT32_MAX, &count) < 0)
			return arena_printf(k->arena,
					    "Error parsing configuration "
					    "property '%s': '%s' is not "
					    "HOST:COUNT",
					    name, item);
		at += len + (at[len] == ',');
	}
	return NULL;
}

static const char *check_rate(const struct check *k, const char *name,
			      const char *value)
{
	if (strtoll(value, NULL, 10) > 0)
		return NULL;
	return arena_printf(k->arena, "Invalid %s %s: it must be at least 1",
			    name, value);
}

static const char *check_dedupe(const struct check *k, const char *name,
				const char *value)
{
	int64_t threads = number_of(k, "log.cleaner.threads");
	int64_t bytes = number_of(k, "log.cleaner.dedupe.buffer.size");

	(void)value;
	if (threads == 0)
		return arena_printf(k->arena,
				    "log.cleaner.threads must be at least 1");
	if (bytes / threads >= 1 << 20)
		return NULL;
	return arena_printf(k->arena,
			    "log.cleaner.dedupe.buffer.size must be at least "
			    "1MB per cleaner thread: %s makes it %lld bytes "
			    "for %lld",
			    name, (long long)bytes, (long long)threads);
}

static const char *check_cleaner_threads(const struct check *k,
					 const char *name, const char *value)
{
	const char *text = check_dedupe(k, name, value);

	return text == NULL ? check_threads(k, name, value) : text;
}

static const char *check_class(const struct check *k, const char *name,
			       const char *value)
{
	const struct config_def *def = config_def(name);

	if (value[0] == '\0' || (def->default_value != NULL &&
				 strcmp(value, def->default_value) == 0))
		return NULL;
	return arena_printf(k->arena,
			    "Invalid value %s for configuration %s: Class %s "
			    "could not be found; kbrokerd has no Java classes.",
			    value, name, value);
}

static const char *check_startup(const struct check *k, const char *name,
				 const char *value)
{
	(void)value;
	return arena_printf(k->arena,
			    "%s cannot be changed while kbrokerd runs: set it "
			    "in its properties and start it again.",
			    name);
}

static const char *check_by_node(const struct check *k, const char *name,
				 const char *value)
{
	char why[512] = "";

	if (k->c->check_setting == NULL ||
	    k->c->check_setting(k->c->check_arg, name, value, why,
				sizeof(why)) == 0)
		return NULL;
	return arena_printf(k->arena,
			    "Invalid value %s for configuration %s: %s", value,
			    name, why);
}

static const struct rule {
	const char *key;
	const char *(*check)(const struct check *k, const char *name,
			     const char *value);
} rules[] = {
	{ "advertised.listeners", check_by_node },
	{ "background.threads", check_threads },
	{ "listener.security.protocol.map", check_startup },
	{ "listeners", check_startup },
	{ "log.cleaner.dedupe.buffer.size", check_dedupe },
	{ "log.cleaner.threads", check_cleaner_threads },
	{ "log.retention.ms", check_retention },
	{ "log.roll.jitter.ms", check_jitter },
	{ "log.roll.ms", check_roll },
	{ "max.connection.creation.rate", check_rate },
	{ "max.connections.per.ip", check_per_ip },
	{ "max.connections.per.ip.overrides", check_overrides },
	{ "metric.reporters", check_class },
	{ "num.io.threads", check_threads },
	{ "num.network.threads", check_threads },
	{ "num.recovery.threads.per.data.dir", check_threads },
	{ "num.replica.fetchers", check_threads },
	{ "principal.builder.class", check_class },
	{ "remote.log.manager.copier.thread.pool.size", check_threads },
	{ "remote.log.manager.expiration.thread.pool.size", check_threads },
	{ "remote.log.manager.follower.thread.pool.size", check_threads },
	{ "remote.log.reader.threads", check_threads },
	{ "ssl.engine.factory.class", check_class },
};

static struct controller_error check_rules(const struct check *k,
					   const struct config_entry *e)
{
	const char *text = NULL;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (strcmp(rules[i].key, e->name) == 0 &&
		    config_def(e->name) != NULL)
			text = rules[i].check(k, e->name, e->value);
	}
	return text == NULL ? none : invalid(text);
}

static struct controller_error check_names(const struct check *k)
{
	struct controller_error e = refuse_names(
		k, is_fixed, "Cannot update these configs dynamically",
		". Set them in the properties of the broker and start it "
		"again.");

	if (e.code == WIRE_NONE)
		e = refuse_names(k, lacks_listener,
				 "These security configs can be dynamically "
				 "updated only per-listener using the listener "
				 "prefix",
				 "");
	return e;
}

static struct controller_error check_each(
	const struct check *k,
	struct controller_error (*check)(const struct check *k,
					 const struct config_entry *e))
{
	struct controller_error e = none;

	for (size_t i = 0; i < k->set->count && e.code == WIRE_NONE; i++) {
		if (is_new(k, &k->set->entries[i]))
			e = check(k, &k->set->entries[i]);
	}
	return e;
}

struct controller_error config_check_broker(const struct controller *c,
					    bool for_all,
					    const struct config_set *old,
					    const struct config_set *set,
					    struct arena *arena)
{
	const struct check k = { c, for_all, old, set, arena };
	struct controller_error e = check_names(&k);

	if (e.code == WIRE_NONE)
		e = check_each(&k, check_value);
	if (e.code == WIRE_NONE && for_all)
		e = refuse_names(&k, is_of_one_broker,
				 "Cannot update these configs at default "
				 "cluster level, broker id must be specified",
				 "");
	if (e.code == WIRE_NONE)
		e = check_each(&k, check_rules);
	return e;
}
