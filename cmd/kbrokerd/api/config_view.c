/*
 * config_view.c - one resource while DescribeConfigs describes it
 */
#include "kbrokerd/api/config_view.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/config_broker.h"
#include "kbrokerd/metadata/config_show.h"
#include "wire/errors.h"

/* Entries of one answer: a resource may be named again and again, and each
 * time is told in full. */
enum { DESCRIBED_MAX = 4 << 20 };

void view_fail(struct config_view *v, int16_t error_code, const char *text)
{
	v->result->error_code = error_code;
	v->result->error_message = slice_of(text);
}

static int order_of_keys(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len == 0 ? 0 : memcmp(x->data, y->data, len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

int view_read_keys(struct config_view *v)
{
	int32_t count = v->resource->configuration_keys_count;

	v->key_count = 0;
	if (count <= 0)
		return 0;
	v->keys = arena_calloc(&v->req->arena, (size_t)count, sizeof(*v->keys));
	if (v->keys == NULL)
		return -ENOMEM;
	memcpy(v->keys, v->resource->configuration_keys,
	       (size_t)count * sizeof(*v->keys));
	qsort(v->keys, (size_t)count, sizeof(*v->keys), order_of_keys);
	for (int32_t i = 0; i < count; i++) {
		if (i == 0 ||
		    order_of_keys(&v->keys[v->key_count - 1], &v->keys[i]) != 0)
			v->keys[v->key_count++] = v->keys[i];
	}
	return 0;
}

bool view_wants(const struct config_view *v, const char *name)
{
	struct slice key = slice_of(name);

	return v->key_count == 0 || bsearch(&key, v->keys, v->key_count,
					    sizeof(key), order_of_keys) != NULL;
}

void view_add_synonyms(struct config_view *v,
		       struct describe_configs_response_results_configs *c,
		       const struct config_def *def,
		       const struct config_synonym_value *synonyms,
		       size_t count)
{
	c->synonyms = wire_array(
		&describe_configs_response_results_configs_synonyms_desc,
		&v->req->arena, (int32_t)count);
	for (size_t i = 0; c->synonyms != NULL && i < count; i++) {
		const char *value = NULL;

		/* Synonyms are of one type, but for their units. */
		if (!c->is_sensitive)
			value = config_show(def, synonyms[i].value,
					    &v->req->arena);
		c->synonyms[i].name = slice_of(synonyms[i].name);
		c->synonyms[i].value = slice_of(value);
		c->synonyms[i].source = (int8_t)synonyms[i].source;
		c->synonyms_count++;
	}
}

static bool is_read_only(const struct config_def *def)
{
	return def->scope == CONFIG_BROKER && !config_is_dynamic(def);
}

/* An entry for def; the caller has made room. */
void view_add(struct config_view *v, const struct config_def *def,
	      const char *value, const struct config_synonym_value *synonyms,
	      size_t count)
{
	struct describe_configs_response_results_configs *c =
		&v->result->configs[v->result->configs_count++];

	c->name = slice_of(def->name);
	c->is_sensitive = def->type == CONFIG_TYPE_PASSWORD;
	c->value = slice_of(config_show(def, value, &v->req->arena));
	c->read_only = is_read_only(def);
	c->config_source = (int8_t)(count > 0 ? synonyms[0].source
					      : CONFIG_SOURCE_DEFAULT);
	c->config_type = (int8_t)def->type;
	c->documentation = v->request->include_documentation
				   ? slice_of(def->doc)
				   : SLICE_NULL;
	if (v->request->include_synonyms)
		view_add_synonyms(v, c, def, synonyms, count);
}

void view_make_room(struct config_view *v, size_t *count)
{
	if (*count > DESCRIBED_MAX - v->described) {
		view_fail(v, WIRE_POLICY_VIOLATION,
			  "The request asks for too many settings at a time: "
			  "name fewer resources.");
		*count = 0;
		return;
	}
	v->described += *count;
	v->result->configs =
		wire_array(&describe_configs_response_results_configs_desc,
			   &v->req->arena, (int32_t)*count);
	if (v->result->configs == NULL)
		*count = 0;
}

const struct config_def *view_make_room_for(struct config_view *v,
					    enum config_scope scope,
					    size_t *count_out)
{
	const struct config_def *defs = config_defs(scope, count_out);

	view_make_room(v, count_out);
	return defs;
}
