/*
 * host_check.c - does a request mean us, or was a browser tricked?
 */
#include "kbrokerd/http/host_check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "kbrokerd/config.h"

enum { HOST_MAX = 256 };

/* Without port and brackets; false when it is no host. */
static bool bare(const char *host, char to[HOST_MAX])
{
	size_t len = strcspn(host, ":");

	if (host[0] == '[') {
		host++;
		len = strcspn(host, "]");
		if (host[len] != ']')
			return false;
	}
	if (len == 0 || len >= HOST_MAX)
		return false;
	memcpy(to, host, len);
	to[len] = '\0';
	return true;
}

static bool is_address(const char *host)
{
	struct in6_addr address;

	return inet_pton(AF_INET, host, &address) == 1 ||
	       inet_pton(AF_INET6, host, &address) == 1;
}

static bool is_localhost(const char *host)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(host);

	return strcasecmp(host, "localhost") == 0 ||
	       (len >= sizeof(suffix) &&
		strcasecmp(host + len - (sizeof(suffix) - 1), suffix) == 0);
}

/* The machine's, whole or up to the first dot. */
static bool is_machine(const char *host)
{
	char name[HOST_MAX] = "";

	if (gethostname(name, sizeof(name) - 1) < 0 || name[0] == '\0')
		return false;
	if (strcasecmp(host, name) == 0)
		return true;
	name[strcspn(name, ".")] = '\0';
	return strcasecmp(host, name) == 0;
}

static bool is_allowed(const char *list, const char *host)
{
	size_t host_len = strlen(host);

	while (list != NULL && *list != '\0') {
		size_t len = strcspn(list, ", ");

		if (len == host_len && strncasecmp(list, host, len) == 0)
			return true;
		list += len + strspn(list + len, ", ");
	}
	return false;
}

bool host_is_ours(const struct config *config, const char *host)
{
	char name[HOST_MAX];

	if (host == NULL || !bare(host, name))
		return false;
	if (is_address(name) || is_localhost(name) || is_machine(name))
		return true;
	for (size_t i = 0; i < config->http.count; i++) {
		if (strcasecmp(config->http.listeners[i].host, name) == 0)
			return true;
	}
	return is_allowed(config_text(config, "http.allowed.hosts"), name);
}

bool origin_is_same(const char *origin, const char *host)
{
	static const char *const schemes[] = { "http://", "https://" };

	if (origin == NULL)
		return true;
	for (size_t i = 0; i < 2; i++) {
		size_t len = strlen(schemes[i]);

		if (host != NULL && strncmp(origin, schemes[i], len) == 0)
			return strcasecmp(origin + len, host) == 0;
	}
	return false;
}
