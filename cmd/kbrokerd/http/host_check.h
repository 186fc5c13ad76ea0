/*
 * host_check.h - does a request mean us, or was a browser tricked?
 *
 * A page of a stranger may have a name that leads to this machine (DNS
 * rebinding), or send forms to it.  Addresses, localhost and names that are
 * ours cannot be had by a stranger.
 */
#ifndef KBROKERD_HTTP_HOST_CHECK_H
#define KBROKERD_HTTP_HOST_CHECK_H

#include <stdbool.h>

struct config;

/* May a request with this Host header (NULL: has none) come from one of our
 * own?  "localhost", addresses, the machine's name, the hosts of
 * http.listeners and those of http.allowed.hosts. */
bool host_is_ours(const struct config *config, const char *host);

/* Is a request with this Origin header (NULL: none) from a page of the same
 * host? */
bool origin_is_same(const char *origin, const char *host);

#endif /* KBROKERD_HTTP_HOST_CHECK_H */
