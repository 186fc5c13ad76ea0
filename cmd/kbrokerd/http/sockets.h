/*
 * sockets.h - the addresses at which HTTP is listened for
 */
#ifndef KBROKERD_HTTP_SOCKETS_H
#define KBROKERD_HTTP_SOCKETS_H

#include <stddef.h>
#include <stdint.h>

struct http_listener_config;

enum { HTTP_SOCKETS_MAX = 8 };

struct http_sockets {
	int fds[HTTP_SOCKETS_MAX];
	size_t count;
	int32_t port; /* of the first */
};

/*
 * Listen at each address of the host; localhost has two, on one port.  A host
 * of "" is every address.  Added to what s has.  Returns 0 or a negative errno
 * with a text in error.
 */
int http_sockets_open(struct http_sockets *s,
		      const struct http_listener_config *at, char *error,
		      size_t error_size);

/* Add one that listens already; fd stays the caller's.  Returns 0 or a
 * negative errno with a text in error. */
int http_sockets_adopt(struct http_sockets *s, int fd, char *error,
		       size_t error_size);

/* Close them all. */
void http_sockets_close(struct http_sockets *s);

#endif /* KBROKERD_HTTP_SOCKETS_H */
