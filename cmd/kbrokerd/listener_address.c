/*
 * listener_address.c - where a listener is, as hosts tell it
 */
#include "kbrokerd/listener_address.h"

#include <stdio.h>
#include <string.h>

#include "kbrokerd/config.h"

bool host_is_wildcard(const char *host)
{
	return host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 ||
	       strcmp(host, "::") == 0;
}

bool listener_is_of_this_machine(const struct listener_config *listener)
{
	const char *host = listener->host;

	return listener->port < 0 || strcmp(host, "localhost") == 0 ||
	       strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

size_t listener_first_for_clients(const struct config *config)
{
	size_t i = 0;

	while (i + 1 < config->listener_count &&
	       config->listeners[i].controller)
		i++;
	return i;
}

void listener_local_address(const struct listener_config *listener,
			    int32_t port, char *text, size_t size)
{
	const char *host = listener->host;

	if (listener->port < 0)
		snprintf(text, size, "unix:%s", host);
	else if (host_is_wildcard(host))
		snprintf(text, size, "localhost:%d", port);
	else
		snprintf(text, size, strchr(host, ':') ? "[%s]:%d" : "%s:%d",
			 host, port);
}
