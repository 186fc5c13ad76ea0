/*
 * client_brokers.c - the brokers of a client and their addresses
 *
 * Bootstrap servers come first, without an id; the others as metadata names
 * them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "client/client_state.h"

enum {
	PORT_DEFAULT = 9092,
	BROKERS_MAX = 8192, /* all that the cluster ever told of */
};

struct client_broker *client_broker_by_id(const struct client *c, int32_t id)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		if (peer_id(c->brokers[i].peer) == id)
			return &c->brokers[i];
	}
	return NULL;
}

struct client_broker *client_broker_at(const struct client *c, const char *host,
				       uint16_t port)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		struct peer *b = c->brokers[i].peer;

		if (peer_port(b) == port && strcmp(peer_host(b), host) == 0)
			return &c->brokers[i];
	}
	return NULL;
}

int client_add_broker(struct client *c, int32_t id, const char *host,
		      uint16_t port, bool is_bootstrap)
{
	struct client_broker *more;
	struct peer *peer;

	if (c->broker_count == BROKERS_MAX)
		return -E2BIG;
	more = reallocarray(c->brokers, c->broker_count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	c->brokers = more;
	peer = peer_new(&c->shared, id, host, port);
	if (peer == NULL)
		return -ENOMEM;
	c->brokers[c->broker_count++] =
		(struct client_broker){ .peer = peer,
					.is_bootstrap = is_bootstrap };
	return 0;
}

/* Part "host:port" and its like, or "unix:/path", which has no port. */
static int split_address(char *text, const char **host_out, uint16_t *port_out)
{
	if (strncmp(text, "unix:", 5) != 0)
		return address_split(text, PORT_DEFAULT, host_out, port_out);
	*host_out = text;
	*port_out = 0;
	return text[5] == '\0' ? -EINVAL : 0;
}

static int add_bootstrap(struct client *c, char *text,
			 struct client_error *error)
{
	char shown[120];
	const char *scheme = strstr(text, "://");
	const char *host;
	uint16_t port;

	snprintf(shown, sizeof(shown), "%s", text);
	if (scheme != NULL) /* as in PLAINTEXT://host:9092 */
		text += scheme - text + 3;
	if (split_address(text, &host, &port) < 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"bootstrap.servers: '%s' is not "
					"HOST[:PORT]",
					shown);
	if (client_broker_at(c, host, port) != NULL)
		return 0;
	if (client_add_broker(c, -1, host, port, true) < 0)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	return 0;
}

int client_add_bootstraps(struct client *c, struct client_error *error)
{
	char *list = strdup(c->config->bootstrap_servers);
	char *at = list;
	char *one;
	int rc = 0;

	if (list == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	while (rc == 0 && (one = strsep(&at, ", \t\n")) != NULL) {
		if (one[0] != '\0')
			rc = add_bootstrap(c, one, error);
	}
	free(list);
	if (rc == 0 && c->broker_count == 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"bootstrap.servers is empty");
	return rc;
}

struct peer *client_ready_peer(const struct client *c)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		if (peer_state(c->brokers[i].peer) == PEER_READY)
			return c->brokers[i].peer;
	}
	return NULL;
}
