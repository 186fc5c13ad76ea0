/*
 * config_merge.c - settings that were read again
 *
 * What needs a restart keeps its value and the rest takes the new one; both
 * are told.  A merged config is a new one: whoever reads the one before can go
 * on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/config_private.h"

static const char *const taken_keys[] = {
	"advertised.listeners",    "auto.create.topics.enable",
	"connections.max.idle.ms", "delete.topic.enable",
	"fetch.max.bytes",         "logging.level",
	"max.connections",         "topics.file",
};

static bool is_taken(const char *key)
{
	for (size_t i = 0; i < CONFIG_COUNT(taken_keys); i++) {
		if (strcmp(taken_keys[i], key) == 0)
			return true;
	}
	return config_is_topic_default(key);
}

static int copy_property(struct properties *to, const struct property *p)
{
	int rc = properties_set(to, p->key, p->value, p->origin);

	if (rc == 0)
		to->items[to->count - 1].line = p->line;
	return rc;
}

/* Those whose being taken is as wanted. */
static int copy_some(struct properties *to, const struct properties *from,
		     bool taken)
{
	int rc = 0;

	for (size_t i = 0; i < from->count && rc == 0; i++) {
		if (is_taken(from->items[i].key) == taken)
			rc = copy_property(to, &from->items[i]);
	}
	return rc;
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

struct comparison {
	const struct config *current, *loaded;
	void (*on_change)(void *arg, const char *key, bool taken);
	void *arg;
};

static void compare(const struct comparison *c, const struct config_def *defs,
		    size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *key = defs[i].name;

		if (!same(config_text(c->current, key),
			  config_text(c->loaded, key)))
			c->on_change(c->arg, key, is_taken(key));
	}
}

int config_merge(const struct config *current, struct config *loaded,
		 void (*on_change)(void *arg, const char *key, bool taken),
		 void *arg, struct config **merged_out)
{
	const struct comparison c = { current, loaded, on_change, arg };
	struct config *merged = malloc(sizeof(*merged));
	size_t count;
	const struct config_def *defs;
	int rc;

	if (merged == NULL)
		return -ENOMEM;
	*merged = *current;
	merged->properties = (struct properties){ 0 };
	merged->computed = (struct properties){ 0 };
	merged->topics = (struct wanted_topics){ 0 };
	rc = copy_some(&merged->properties, &current->properties, false);
	if (rc == 0)
		rc = copy_some(&merged->properties, &loaded->properties, true);
	if (rc == 0)
		rc = copy_some(&merged->computed, &current->computed, false);
	if (rc < 0) {
		config_free(merged);
		return rc;
	}
	config_read_numbers(merged);
	merged->topics = loaded->topics;
	loaded->topics = (struct wanted_topics){ 0 };
	defs = config_own_defs(&count);
	compare(&c, defs, count);
	defs = config_defs(CONFIG_BROKER, &count);
	compare(&c, defs, count);
	*merged_out = merged;
	return 0;
}
