/*
 * config.c - /config and POST /advertised
 *
 * The settings in effect as kbrokerd -T prints them, or as JSON for who asks
 * for that; what was changed while the broker runs is among them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/json_writer.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/http/pages.h"

enum { BROKER_CONFIGS = 4 };

struct listing {
	struct buffer out;
	struct json_writer json;
	bool is_json;
};

static void put(void *arg, const char *key, const char *value,
		const char *origin)
{
	struct listing *l = arg;

	if (!l->is_json) {
		buffer_printf(&l->out, "%s=%s\t# %s\n", key, value, origin);
		return;
	}
	json_put_open(&l->json, '{');
	json_member_text(&l->json, "key", key);
	json_member_text(&l->json, "value", value);
	json_member_text(&l->json, "origin", origin);
	json_put_close(&l->json, '}');
}

static void put_set(struct listing *l, const struct config_set *set,
		    const char *origin)
{
	for (size_t i = 0; set != NULL && i < set->count; i++) {
		const struct config_entry *entry = &set->entries[i];
		const struct config_def *def = config_def(entry->name);
		bool is_secret =
			def == NULL || def->type == CONFIG_TYPE_PASSWORD;

		put(l, entry->name, is_secret ? "********" : entry->value,
		    origin);
	}
}

/* Of all brokers, then of this one. */
static void put_dynamic(struct listing *l, const struct broker *broker)
{
	const struct image *image = metadata_image(broker->metadata);
	char node[16];

	snprintf(node, sizeof(node), "%d", broker->identity.node_id);
	put_set(l, image_configs(image, BROKER_CONFIGS, slice_of("")),
		"dynamic default");
	put_set(l, image_configs(image, BROKER_CONFIGS, slice_of(node)),
		"dynamic");
	image_release(image);
}

void page_config(struct visit *v)
{
	const char *accept = visit_header(v, "Accept");
	struct listing l = { .out = { 0 } };

	l.json = json_writer(&l.out);
	l.is_json = accept != NULL && strstr(accept, "json") != NULL;
	if (l.is_json)
		json_put_open(&l.json, '[');
	config_each(v->broker->config, put, &l);
	put_dynamic(&l, v->broker);
	if (l.is_json)
		json_put_close(&l.json, ']');
	visit_answer_buffer(
		v, l.is_json ? "application/json" : "text/plain; charset=utf-8",
		&l.out);
}

/* Spaces and the end of a line around it do not belong to it. */
static char *body_text(const struct visit *v)
{
	static const char space[] = " \t\r\n";
	char *text = strndup((const char *)v->body.data, v->body.len);
	size_t len = text == NULL ? 0 : strlen(text);
	size_t first;

	if (text == NULL)
		return NULL;
	while (len > 0 && strchr(space, text[len - 1]) != NULL)
		len--;
	text[len] = '\0';
	first = strspn(text, space);
	memmove(text, text + first, len - first + 1);
	return text;
}

void page_advertised(struct visit *v)
{
	char *text = body_text(v);
	char error[512] = "";
	int rc;

	if (text == NULL) {
		visit_say(v, HTTP_INTERNAL, "out of memory");
		return;
	}
	rc = broker_set_advertised(v->broker, text, error, sizeof(error));
	if (rc == 0)
		visit_say(v, HTTP_OK, "advertised.listeners=%s", text);
	else
		visit_say(v, rc == -EINVAL ? HTTP_BADREQUEST : HTTP_INTERNAL,
			  "%s", error);
	free(text);
}
