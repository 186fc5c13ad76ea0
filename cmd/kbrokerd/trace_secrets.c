/*
 * trace_secrets.c - which fields of messages nobody is to read
 *
 * By name, in whatever message they are, so that a new one is covered; values
 * of properties by what the property is.  A property that is not known may be
 * a password: listener.name.x.ssl.keystore.password.
 */
#include "kbrokerd/trace_secrets.h"

#include <string.h>

#include "wire/config_defs.h"
#include "wire/messages.h"

static const char *const secret_fields[] = {
	"auth_bytes",   "salted_password", "salt",
	"stored_key",   "server_key",      "hmac",
	"request_data", "response_data",
};

static bool is_property_secret(struct slice name)
{
	static const enum config_scope scopes[] = { CONFIG_BROKER, CONFIG_TOPIC,
						    CONFIG_GROUP,
						    CONFIG_CLIENT_METRICS };
	char text[256];

	if (name.len >= sizeof(text))
		return true;
	memcpy(text, name.data, name.len);
	text[name.len] = '\0';
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		const struct config_def *def = config_def_find(scopes[i], text);

		if (def != NULL)
			return def->type == CONFIG_TYPE_PASSWORD;
	}
	return true;
}

/* The name of the property whose value is in message; null for none. */
static struct slice property_of(const struct wire_desc *desc,
				const void *message)
{
	if (desc == &alter_configs_request_resources_configs_desc) {
		const struct alter_configs_request_resources_configs *c =
			message;

		return c->name;
	}
	if (desc == &incremental_alter_configs_request_resources_configs_desc) {
		const struct incremental_alter_configs_request_resources_configs
			*c = message;

		return c->name;
	}
	if (desc == &create_topics_request_topics_configs_desc) {
		const struct create_topics_request_topics_configs *c = message;

		return c->name;
	}
	return SLICE_NULL;
}

bool trace_is_secret(void *arg, const struct wire_desc *desc, const char *field,
		     const void *message)
{
	struct slice name;

	(void)arg;
	for (size_t i = 0; i < sizeof(secret_fields) / sizeof(secret_fields[0]);
	     i++) {
		if (strcmp(field, secret_fields[i]) == 0)
			return true;
	}
	if (strcmp(field, "value") != 0)
		return false;
	name = property_of(desc, message);
	return name.data != NULL && is_property_secret(name);
}
