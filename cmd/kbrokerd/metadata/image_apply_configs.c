/*
 * image_apply_configs.c - records of configurations
 *
 * A resource's settings are one sorted set, made anew with each change.  A
 * topic's hang on the topic; all others are found by type and name.
 */
#include "image_apply.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/config_defs.h"
#include "wire/enums.h"
#include "wire/messages.h"

/* The table's own text for a name that it has: nothing to store. */
static const char *known_config_name(int8_t type, const char *name)
{
	static const struct {
		int8_t type;
		enum config_scope scope;
	} scopes[] = {
		{ WIRE_CONFIG_RESOURCE_TYPE_TOPIC, CONFIG_TOPIC },
		{ WIRE_CONFIG_RESOURCE_TYPE_BROKER, CONFIG_BROKER },
		{ WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS,
		  CONFIG_CLIENT_METRICS },
		{ WIRE_CONFIG_RESOURCE_TYPE_GROUP, CONFIG_GROUP },
	};
	const struct config_def *def = NULL;

	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		if (scopes[i].type == type)
			def = config_def_find(scopes[i].scope, name);
	}
	return def == NULL ? NULL : def->name;
}

struct config_list {
	int8_t type;
	size_t count;
	struct config_entry *entries; /* one more than the old set */
};

/* entries with name set to value, or without it when value is NULL. */
static void change_entries(struct config_list *list,
			   const struct config_set *old, const char *name,
			   const char *value)
{
	size_t i = 0;
	size_t n = 0;
	size_t count = old == NULL ? 0 : old->count;

	for (; i < count && strcmp(old->entries[i].name, name) < 0; i++)
		list->entries[n++] = old->entries[i];
	if (i < count && strcmp(old->entries[i].name, name) == 0)
		i++;
	if (value != NULL)
		list->entries[n++] = (struct config_entry){ name, value };
	for (; i < count; i++)
		list->entries[n++] = old->entries[i];
	list->count = n;
}

char *image_put_text(char **to, const char *text)
{
	char *start = *to;
	size_t size = strlen(text) + 1;

	memcpy(start, text, size);
	*to = start + size;
	return start;
}

static size_t entries_bytes(const struct config_list *list)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct config_entry *e = &list->entries[i];

		if (known_config_name(list->type, e->name) == NULL)
			bytes += strlen(e->name) + 1;
		bytes += strlen(e->value) + 1;
	}
	return bytes;
}

static struct config_node *new_config_node(const struct config_list *list,
					   struct slice resource)
{
	size_t table = list->count * sizeof(struct config_entry);
	struct config_node *node = malloc(sizeof(*node) + table +
					  entries_bytes(list) + resource.len);
	char *at;

	if (node == NULL)
		return NULL;
	at = (char *)node->entries + table;
	for (size_t i = 0; i < list->count; i++) {
		const struct config_entry *e = &list->entries[i];
		const char *known = known_config_name(list->type, e->name);

		node->entries[i].name =
			known != NULL ? known : image_put_text(&at, e->name);
		node->entries[i].value = image_put_text(&at, e->value);
	}
	memcpy(at, resource.data, resource.len);
	node->resource = (struct slice){ (uint8_t *)at, resource.len };
	node->type = list->type;
	node->hash =
		image_config_hash((struct config_key){ list->type, resource });
	node->set = (struct config_set){ list->count, node->entries };
	atomic_init(&node->refs, 1);
	return node;
}

/*
 * A set like old with one key changed: *node_out is NULL when none is left.
 * scratch is only used meanwhile.
 */
static int change_configs(const struct config_set *old,
			  const struct config_record *r, struct arena *scratch,
			  struct config_node **node_out)
{
	struct config_list list = { .type = r->resource_type };
	char *name = arena_text(scratch, r->name);
	char *value = NULL;

	*node_out = NULL;
	if (!slice_is_null(r->value))
		value = arena_text(scratch, r->value);
	list.entries = arena_calloc(scratch, (old == NULL ? 0 : old->count) + 1,
				    sizeof(*list.entries));
	if (name == NULL || list.entries == NULL ||
	    (value == NULL && !slice_is_null(r->value)))
		return -ENOMEM;
	change_entries(&list, old, name, value);
	if (list.count == 0)
		return 0;
	*node_out = new_config_node(&list, r->resource_name);
	return *node_out == NULL ? -ENOMEM : 0;
}

static int change_topic_configs(struct image *image, struct topic_node *node,
				const struct config_record *r,
				struct arena *scratch)
{
	struct config_node *configs = NULL;
	int rc = image_own_topic(image, &node);

	if (rc == 0)
		rc = change_configs(node->image.configs, r, scratch, &configs);
	if (rc < 0)
		return rc;
	image_config_release(node->configs);
	node->configs = configs;
	node->image.configs = configs == NULL ? NULL : &configs->set;
	return 0;
}

static int change_other_configs(struct image *image,
				const struct config_record *r,
				struct arena *scratch)
{
	struct config_key key = { r->resource_type, r->resource_name };
	struct config_node *old = image_config_node(image, key);
	struct config_node *configs;
	int rc = change_configs(old == NULL ? NULL : &old->set, r, scratch,
				&configs);

	if (rc < 0)
		return rc;
	if (configs != NULL)
		return trie_put(&image->configs, configs->hash, &key, configs);
	rc = trie_remove(&image->configs, image_config_hash(key), &key);
	return rc < 0 ? rc : 0;
}

int image_apply_config(struct image *image, const void *message)
{
	const struct config_record *r = message;
	struct topic_node *node = NULL;
	struct arena scratch = { 0 };
	int rc;

	if (r->resource_type == WIRE_CONFIG_RESOURCE_TYPE_TOPIC)
		node = image_topic_node(image, r->resource_name);
	if (node != NULL)
		rc = change_topic_configs(image, node, r, &scratch);
	else
		rc = change_other_configs(image, r, &scratch);
	arena_clear(&scratch);
	return rc;
}
