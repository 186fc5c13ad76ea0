/*
 * config_print.c - all settings in effect, and where each is from
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "kbrokerd/config_private.h"

#define HIDDEN "********"

struct printing {
	const struct config *config;
	void (*on_setting)(void *arg, const char *key, const char *value,
			   const char *origin);
	void *arg;
};

static void print_def(const struct printing *p, const struct config_def *def)
{
	const struct config *config = p->config;
	const struct property *set =
		properties_find(&config->properties, def->name);
	const char *value = config_text(config, def->name);
	char place[PATH_MAX] = "default";

	if (set == NULL)
		set = properties_find(&config->computed, def->name);
	if (set != NULL)
		config_place(set, place, sizeof(place));
	if (value == NULL)
		return;
	if (def->type == CONFIG_TYPE_PASSWORD)
		value = HIDDEN;
	p->on_setting(p->arg, def->name, value, place);
}

/* Of a key that no table has, as a plugin's. */
static bool is_secret(const char *key)
{
	return strstr(key, "password") != NULL ||
	       strstr(key, "secret") != NULL || strstr(key, "jaas") != NULL ||
	       strstr(key, "keystore.key") != NULL ||
	       strstr(key, "credential") != NULL;
}

static void print_others(const struct printing *p)
{
	const struct properties *set = &p->config->properties;
	char place[PATH_MAX];

	for (size_t i = 0; i < set->count; i++) {
		const struct property *item = &set->items[i];

		if (config_def(item->key) != NULL)
			continue;
		config_place(item, place, sizeof(place));
		p->on_setting(p->arg, item->key,
			      is_secret(item->key) ? HIDDEN : item->value,
			      place);
	}
}

void config_each(const struct config *config,
		 void (*on_setting)(void *arg, const char *key,
				    const char *value, const char *origin),
		 void *arg)
{
	const struct printing p = { config, on_setting, arg };
	size_t count;
	size_t own_count;
	const struct config_def *own = config_own_defs(&own_count);
	const struct config_def *defs = config_defs(CONFIG_BROKER, &count);

	for (size_t i = 0; i < own_count; i++)
		print_def(&p, &own[i]);
	for (size_t i = 0; i < count; i++)
		print_def(&p, &defs[i]);
	print_others(&p);
}

static void print_line(void *arg, const char *key, const char *value,
		       const char *origin)
{
	fprintf(arg, "%s=%s\t# %s\n", key, value, origin);
}

void config_print(const struct config *config, FILE *to)
{
	config_each(config, print_line, to);
}
