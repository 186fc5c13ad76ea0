/*
 * listener.h - the addresses at which clients come in
 *
 * A configured listener has a socket for each address of its host: localhost
 * has one for IPv4 and one for IPv6, on the same port.
 */
#ifndef KBROKERD_SERVER_LISTENER_H
#define KBROKERD_SERVER_LISTENER_H

#include <event2/event_struct.h>
#include <stdatomic.h>

#include "kbrokerd/config.h"
#include "kbrokerd/logger.h"

struct server;

struct listener {
	struct server *server;
	const struct listener_config *config;
	int32_t port; /* the one it has; -1 for a unix socket */
	size_t socket_count;
	int sockets[LISTENER_SOCKETS_MAX];
	struct event events[LISTENER_SOCKETS_MAX];
	struct event on_retry; /* accepts again after a pause */
	bool attached;
	atomic_bool paused; /* others ask */
	int64_t told_us;    /* when it was last said that accepting pauses */
	struct logger_limit refusals;
};

/* Bind and listen, without accepting.  Returns 0 or a negative errno with a
 * text in error. */
int listener_open(struct listener *l, struct server *server,
		  const struct listener_config *config, int backlog,
		  char *error, size_t error_size);

/* Accept on this base: its thread's, or before that runs. */
int listener_attach(struct listener *l, struct event_base *base);

/* Accept no more, close the sockets.  On the same thread, or after it. */
void listener_close(struct listener *l);

#endif /* KBROKERD_SERVER_LISTENER_H */
