/*
 * config_listeners.c - listeners, as they are set and as they are advertised
 *
 * Sockets that were open when the process began are the listeners when none
 * are set, and else each takes the place of the one with its name, or with its
 * port.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/units.h"
#include "kbrokerd/config_private.h"
#include "kbrokerd/listener_address.h"

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

/* Advertised addresses */

static int advertise(struct loading *l, const char *text,
		     struct listener_config told[LISTENERS_MAX])
{
	struct listener_config one = { 0 };
	int rc = parse_endpoint(l, "advertised.listeners", text, &one);

	if (rc < 0)
		return rc;
	if (host_is_wildcard(one.host))
		return config_fail(l,
				   "advertised.listeners: '%s' names no host "
				   "that a client could connect to",
				   text);
	for (size_t i = 0; i < l->config->listener_count; i++) {
		if (strcasecmp(told[i].name, one.name) != 0)
			continue;
		memcpy(told[i].advertised_host, one.host, sizeof(one.host));
		told[i].advertised_port = one.port;
		return 0;
	}
	return config_fail(l, "advertised.listeners: there is no listener '%s'",
			   one.name);
}

static int advertise_all(struct loading *l, const char *text,
			 struct listener_config told[LISTENERS_MAX])
{
	char item[PATH_MAX];
	int rc = 0;

	for (size_t i = 0; i < l->config->listener_count; i++) {
		told[i].advertised_host[0] = '\0';
		told[i].advertised_port = 0;
	}
	if (strcmp(text, "auto") == 0)
		return 0;
	while (rc == 0 && config_next_item(&text, item, sizeof(item)))
		rc = advertise(l, item, told);
	return rc;
}

int config_parse_advertised(
	const struct config *config, const char *text,
	struct listener_config told[LISTENERS_MAX],
	/* NOLINTNEXTLINE(readability-non-const-parameter) */
	char *error, size_t error_size)
{
	/* Nothing of the config is written. */
	struct loading l = { .config = (struct config *)config,
			     .error = error,
			     .error_size = error_size };

	memcpy(told, config->listeners, sizeof(config->listeners));
	return advertise_all(&l, text, told);
}

/* Containers */

bool config_in_container(void)
{
	return getpid() == 1 && (access("/.dockerenv", F_OK) == 0 ||
				 access("/run/.containerenv", F_OK) == 0 ||
				 getenv("KUBERNETES_SERVICE_HOST") != NULL);
}

/*
 * As the image of Apache Kafka does it: the listeners that are advertised, at
 * every address.
 */
static void listen_as_advertised(const char *advertised, char *text,
				 size_t size)
{
	char item[PATH_MAX];
	size_t len = 0;

	while (config_next_item(&advertised, item, sizeof(item)) &&
	       len < size) {
		const char *port = strrchr(item, ':');
		int name_len = (int)strcspn(item, ":");

		if (port != NULL)
			len += (size_t)snprintf(
				text + len, size - len, "%s%.*s://0.0.0.0%s",
				len == 0 ? "" : ",", name_len, item, port);
	}
}

/* Inherited sockets */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* Returns false for what is no listening socket of a kind we serve. */
static bool look_at(int fd, union address *address_out)
{
	socklen_t len = sizeof(*address_out);
	int listens = 0;
	socklen_t listens_len = sizeof(listens);

	memset(address_out, 0, sizeof(*address_out));
	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens,
			  &listens_len) == 0 &&
	       listens != 0 && getsockname(fd, &address_out->any, &len) == 0 &&
	       (address_out->any.sa_family == AF_INET ||
		address_out->any.sa_family == AF_INET6 ||
		(address_out->any.sa_family == AF_UNIX &&
		 address_out->local.sun_path[0] == '/'));
}

static int32_t port_of(const union address *a)
{
	/* v6 has it at the same place */
	return a->any.sa_family == AF_UNIX ? -1 : ntohs(a->v4.sin_port);
}

static bool is_protocol_name(struct loading *l, const char *name)
{
	const char *map =
		config_text(l->config, "listener.security.protocol.map");
	char item[256];

	while (config_next_item(&map, item, sizeof(item))) {
		item[strcspn(item, ":")] = '\0';
		if (strcasecmp(item, name) == 0)
			return true;
	}
	return strcasecmp(name, "CONTROLLER") == 0;
}

static const char *name_of(struct loading *l, const struct inherited_socket *s)
{
	return is_protocol_name(l, s->name) ? s->name : "PLAINTEXT";
}

static void address_item(const union address *a, const char *name, char *item,
			 size_t size)
{
	char host[INET6_ADDRSTRLEN] = "";

	if (a->any.sa_family == AF_UNIX) {
		snprintf(item, size, "unix:%s", a->local.sun_path);
		return;
	}
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, host, sizeof(host));
	else if (!IN6_IS_ADDR_UNSPECIFIED(&a->v6.sin6_addr))
		inet_ntop(AF_INET6, &a->v6.sin6_addr, host, sizeof(host));
	snprintf(item, size, strchr(host, ':') ? "%s://[%s]:%d" : "%s://%s:%d",
		 name, host, port_of(a));
}

/* Listeners made of inherited sockets; those of a name and port are one. */
static void listen_on_inherited(struct loading *l, char *text, size_t size)
{
	const struct inherited *in = l->input->inherited;
	size_t len = 0;

	for (size_t i = 0; i < in->count && len < size; i++) {
		const struct inherited_socket *s = &in->sockets[i];
		union address a;
		char item[PATH_MAX];
		char prefix[80];

		if (strcmp(s->name, "http") == 0 || !look_at(s->fd, &a))
			continue;
		snprintf(prefix, sizeof(prefix), "%s://", name_of(l, s));
		if (port_of(&a) >= 0 && strstr(text, prefix) != NULL)
			continue;
		address_item(&a, name_of(l, s), item, sizeof(item));
		len += (size_t)snprintf(text + len, size - len, "%s%s",
					len == 0 ? "" : ",", item);
	}
}

static bool fits(const struct listener_config *to, const union address *a,
		 const char *name)
{
	if (to->inherited_count == LISTENER_SOCKETS_MAX)
		return false;
	if (a->any.sa_family == AF_UNIX)
		return to->port < 0 && strcmp(to->host, a->local.sun_path) == 0;
	if (to->port < 0)
		return false;
	return strcasecmp(to->name, name) == 0 ||
	       (to->port > 0 && to->port == port_of(a));
}

static int adopt(struct loading *l, const struct inherited_socket *s)
{
	union address a;

	if (strcmp(s->name, "http") == 0) {
		l->config->http_fd = s->fd;
		return 0;
	}
	if (!look_at(s->fd, &a))
		return config_fail(l,
				   "LISTEN_FDS: descriptor %d is no "
				   "listening socket",
				   s->fd);
	for (size_t i = 0; i < l->config->listener_count; i++) {
		struct listener_config *to = &l->config->listeners[i];

		if (!fits(to, &a, name_of(l, s)))
			continue;
		to->inherited[to->inherited_count++] = s->fd;
		return 0;
	}
	return config_fail(l,
			   "LISTEN_FDS: socket '%s' with port %d is that of no "
			   "listener; set FileDescriptorName= to one",
			   s->name, port_of(&a));
}

/* All of them */

/* The socket in the data directory goes with the default, unless its path is
 * one that cannot be. */
static void add_unix(const struct config *config, char *text, size_t size)
{
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	size_t len = strlen(text);
	int n = snprintf(path, sizeof(path), "%s/kbrokerd.sock",
			 config->data_dir);

	if (n >= (int)sizeof(path) || path[0] != '/' ||
	    strchr(path, ',') != NULL)
		return;
	snprintf(text + len, size - len, ",unix:%s", path);
}

int config_default_listeners(struct loading *l)
{
	struct config *config = l->config;
	const char *advertised =
		properties_get(&config->properties, "advertised.listeners");
	const char *origin = "default";
	bool inherited =
		l->input->inherited != NULL && l->input->inherited->count > 0;
	char text[PATH_MAX] = "";

	if (properties_get(&config->properties, "listeners") != NULL)
		return 0;
	if (inherited) {
		listen_on_inherited(l, text, sizeof(text));
		origin = "LISTEN_FDS";
	} else if (config_in_container()) {
		if (advertised != NULL && strcmp(advertised, "auto") != 0)
			listen_as_advertised(advertised, text, sizeof(text));
		else
			snprintf(text, sizeof(text),
				 "PLAINTEXT://0.0.0.0:9092");
		origin = "container";
		config_notice(l, LOGGER_INFO,
			      "in a container, so listening on all addresses; "
			      "there is no access control");
	}
	if (text[0] == '\0')
		snprintf(text, sizeof(text), "%s", config_default("listeners"));
	if (!inherited)
		add_unix(config, text, sizeof(text));
	return properties_set(&config->computed, "listeners", text, origin);
}

static int check_names(struct loading *l)
{
	const struct listener_config *listeners = l->config->listeners;

	for (size_t i = 0; i < l->config->listener_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (listeners[i].port >= 0 && listeners[j].port >= 0 &&
			    strcasecmp(listeners[i].name, listeners[j].name) ==
				    0)
				return config_fail(
					l,
					"listeners: '%s' is there twice; each "
					"name may be used once, others come "
					"from listener.security.protocol.map",
					listeners[i].name);
		}
	}
	return 0;
}

static void warn_of_strangers(struct loading *l)
{
	const struct config *config = l->config;

	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_config *listener = &config->listeners[i];

		if (listener_is_of_this_machine(listener) ||
		    listener->inherited_count > 0)
			continue;
		config_notice(l, LOGGER_WARN,
			      "%s listens on %s, and there is no access "
			      "control: whoever reaches it may read, write "
			      "and delete everything",
			      listener->name,
			      listener->host[0] == '\0' ? "every address"
							: listener->host);
		return;
	}
}

int config_read_listeners(struct loading *l)
{
	struct config *config = l->config;
	const char *listeners = config_text(config, "listeners");
	char item[PATH_MAX];
	int rc = 0;

	while (rc == 0 && config_next_item(&listeners, item, sizeof(item)))
		rc = add_listener(l, item);
	if (rc == 0 && config->listener_count == 0)
		return config_fail(l, "listeners: there is none");
	if (rc == 0)
		rc = check_names(l);
	for (size_t i = 0; rc == 0 && l->input->inherited != NULL &&
			   i < l->input->inherited->count;
	     i++)
		rc = adopt(l, &l->input->inherited->sockets[i]);
	if (rc == 0)
		rc = advertise_all(l,
				   config_text(config, "advertised.listeners"),
				   config->listeners);
	/* The default of a container says so already. */
	if (rc == 0 && properties_get(&config->properties, "listeners") != NULL)
		warn_of_strangers(l);
	return rc;
}
