/*
 * config_listeners.c - listeners, as they are set and as they are advertised
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "kbrokerd/config_private.h"

bool config_next_item(const char **text, char *item, size_t size)
{
	const char *at = *text;
	size_t len;

	while (*at == ',' || isspace((unsigned char)*at))
		at++;
	len = strcspn(at, ",");
	*text = at + len;
	while (len > 0 && isspace((unsigned char)at[len - 1]))
		len--;
	snprintf(item, size, "%.*s", (int)len, at);
	return len > 0;
}

bool config_list_has(const char *list, const char *word)
{
	char item[256];

	while (list != NULL && config_next_item(&list, item, sizeof(item))) {
		if (strcasecmp(item, word) == 0)
			return true;
	}
	return false;
}

/* NAME://HOST:PORT; HOST may be empty, or v6 in brackets. */
static int parse_endpoint(struct loading *l, const char *key, const char *text,
			  struct listener_config *to)
{
	const char *host = strstr(text, "://");
	const char *colon = strrchr(text, ':');
	int64_t port;
	size_t len;

	if (host == NULL || colon <= host || host == text ||
	    parse_int64_in(colon + 1, 0, UINT16_MAX, &port) < 0)
		return config_fail(l, "%s: '%s' should be NAME://HOST:PORT",
				   key, text);
	snprintf(to->name, sizeof(to->name), "%.*s", (int)(host - text), text);
	host += 3;
	len = (size_t)(colon - host);
	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (len >= sizeof(to->host))
		return config_fail(l, "%s: the host of '%s' is too long", key,
				   text);
	snprintf(to->host, sizeof(to->host), "%.*s", (int)len, host);
	to->port = (int32_t)port;
	return 0;
}

/* PLAINTEXT, SSL ... of a listener's name. */
static int check_protocol(struct loading *l, const char *name)
{
	const char *map =
		config_text(l->config, "listener.security.protocol.map");
	char item[256];
	char protocol[64] = "";

	while (map != NULL && config_next_item(&map, item, sizeof(item))) {
		char *colon = strchr(item, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		if (strcasecmp(item, name) == 0)
			snprintf(protocol, sizeof(protocol), "%s", colon + 1);
	}
	/* One name more than Kafka's map has, since it is our default. */
	if (protocol[0] == '\0' && strcasecmp(name, "CONTROLLER") == 0)
		return 0;
	if (protocol[0] == '\0')
		return config_fail(l,
				   "listeners: '%s' is not in "
				   "listener.security.protocol.map",
				   name);
	if (strcasecmp(protocol, "PLAINTEXT") != 0)
		return config_fail(
			l,
			"listeners: '%s' is %s, which kbrokerd does not "
			"speak yet; PLAINTEXT it does",
			name, protocol);
	return 0;
}

static int add_listener(struct loading *l, const char *text)
{
	struct config *config = l->config;
	struct listener_config *to = &config->listeners[config->listener_count];
	int rc;

	if (config->listener_count == LISTENERS_MAX)
		return config_fail(l, "listeners: more than %d", LISTENERS_MAX);
	if (config_has_prefix(text, "unix:")) {
		snprintf(to->name, sizeof(to->name), "unix");
		if (snprintf(to->host, sizeof(to->host), "%s", text + 5) >=
			    (int)sizeof(to->host) ||
		    to->host[0] != '/')
			return config_fail(
				l, "listeners: '%s' should be unix:/PATH",
				text);
		to->port = -1;
	} else {
		rc = parse_endpoint(l, "listeners", text, to);
		if (rc == 0)
			rc = check_protocol(l, to->name);
		if (rc < 0)
			return rc;
	}
	to->controller = config_list_has(
		config_text(config, "controller.listener.names"), to->name);
	config->listener_count++;
	return 0;
}

static int advertise(struct loading *l, const char *text)
{
	struct config *config = l->config;
	struct listener_config told = { 0 };
	int rc = parse_endpoint(l, "advertised.listeners", text, &told);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < config->listener_count; i++) {
		struct listener_config *to = &config->listeners[i];

		if (strcasecmp(to->name, told.name) != 0)
			continue;
		memcpy(to->advertised_host, told.host, sizeof(told.host));
		to->advertised_port = told.port;
		return 0;
	}
	return config_fail(l, "advertised.listeners: there is no listener '%s'",
			   told.name);
}

int config_read_listeners(struct loading *l)
{
	const char *listeners = config_text(l->config, "listeners");
	const char *advertised = config_text(l->config, "advertised.listeners");
	char item[PATH_MAX];
	int rc = 0;

	while (rc == 0 && config_next_item(&listeners, item, sizeof(item)))
		rc = add_listener(l, item);
	if (rc == 0 && l->config->listener_count == 0)
		return config_fail(l, "listeners: there is none");
	if (strcmp(advertised, "auto") == 0)
		return rc;
	while (rc == 0 && config_next_item(&advertised, item, sizeof(item)))
		rc = advertise(l, item);
	return rc;
}
