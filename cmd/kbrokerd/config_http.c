/*
 * config_http.c - where HTTP is served
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "kbrokerd/config_private.h"

/* HOST:PORT, HOST, :PORT or [ADDRESS]:PORT; http:// may stand before and /
 * after it. */
static int parse(struct loading *l, const char *text,
		 struct http_listener_config *to)
{
	static const char scheme[] = "http://";
	const char *at = text;
	int64_t port = 9644;
	size_t len;

	if (config_has_prefix(at, scheme))
		at += sizeof(scheme) - 1;
	len = strcspn(at, ":/");
	if (at[0] == '[') {
		at++;
		len = strcspn(at, "]");
	}
	if (len >= sizeof(to->host))
		return config_fail(l,
				   "http.listeners: the host of '%s' is too "
				   "long",
				   text);
	memcpy(to->host, at, len);
	to->host[len] = '\0';
	at += len + (at[len] == ']');
	if (strcmp(to->host, "*") == 0)
		to->host[0] = '\0';
	if (at[0] == ':') {
		char number[8] = "";

		at++;
		len = strcspn(at, "/");
		if (len < sizeof(number))
			memcpy(number, at, len);
		if (parse_int64_in(number, 0, UINT16_MAX, &port) < 0)
			port = -1;
		at += len;
	}
	if (port < 0 || (at[0] != '\0' && strcmp(at, "/") != 0))
		return config_fail(l,
				   "http.listeners: '%s' should be HOST:PORT, "
				   "or off",
				   text);
	to->port = (int32_t)port;
	return 0;
}

/* What is not to be reached from elsewhere by default, is from a container. */
static int set_default(struct loading *l)
{
	if (!config_in_container())
		return 0;
	return properties_set(&l->config->computed, "http.listeners", ":9644",
			      "container");
}

int config_read_http(struct loading *l)
{
	struct config *config = l->config;
	const char *list;
	char item[512];
	int rc = 0;

	config->http.is_default =
		properties_get(&config->properties, "http.listeners") == NULL;
	if (config->http.is_default)
		rc = set_default(l);
	list = config_text(config, "http.listeners");
	if (rc < 0 || strcasecmp(list, "off") == 0)
		return rc;
	while (rc == 0 && config_next_item(&list, item, sizeof(item))) {
		if (config->http.count == HTTP_LISTENERS_MAX)
			return config_fail(l, "http.listeners: more than %d",
					   HTTP_LISTENERS_MAX);
		rc = parse(l, item,
			   &config->http.listeners[config->http.count++]);
	}
	return rc;
}
