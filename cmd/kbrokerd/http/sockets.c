/*
 * sockets.c - the addresses at which HTTP is listened for
 */
#include "kbrokerd/http/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbrokerd/config.h"
#include "net/resolve.h"

enum { BACKLOG = 64, PORT_TRIES = 20 };

static int listen_at(const struct addrinfo *a, int32_t port, int32_t *port_out)
{
	int fd = socket(a->ai_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage address;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	socklen_t len = a->ai_addrlen;
	int one = 1;
	int rc;

	if (fd < 0)
		return -errno;
	memcpy(&address, a->ai_addr, len);
	v4->sin_port = htons((uint16_t)port); /* v6 has it in the same place */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
	    listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	*port_out = ntohs(v4->sin_port);
	return fd;
}

/* Does the machine have no such address at all? */
static bool is_absent(int rc)
{
	return rc == -EADDRNOTAVAIL || rc == -EAFNOSUPPORT;
}

/* All of them on one port.  Returns 0 or a negative errno. */
static int listen_at_all(struct http_sockets *s, const struct addrinfo *list,
			 int32_t port)
{
	size_t before = s->count;
	int last = -EADDRNOTAVAIL;

	for (const struct addrinfo *a = list; a != NULL; a = a->ai_next) {
		int fd = s->count == HTTP_SOCKETS_MAX
				 ? -ENOSPC
				 : listen_at(a, port, &port);

		if (fd >= 0) {
			s->fds[s->count++] = fd;
			continue;
		}
		last = fd;
		if (is_absent(fd))
			continue;
		while (s->count > before)
			close(s->fds[--s->count]);
		return fd;
	}
	if (s->count == before)
		return last;
	if (before == 0)
		s->port = port;
	return 0;
}

static int look_up(const char *host, struct addrinfo **list_out)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };

	if (host[0] != '\0' && resolve_now(host, 0, AF_UNSPEC, list_out) == 0)
		return 0;
	return getaddrinfo(host[0] == '\0' ? NULL : host, "0", &hints,
			   list_out);
}

int http_sockets_open(struct http_sockets *s,
		      const struct http_listener_config *at, char *error,
		      size_t error_size)
{
	struct addrinfo *list = NULL;
	int rc = look_up(at->host, &list);

	if (rc != 0) {
		snprintf(error, error_size, "http.listeners: %s: %s", at->host,
			 gai_strerror(rc));
		return -EADDRNOTAVAIL;
	}
	rc = listen_at_all(s, list, at->port);
	/* A port that is free on one address may be taken on another. */
	for (int i = 0; rc == -EADDRINUSE && at->port == 0 && i < PORT_TRIES;
	     i++)
		rc = listen_at_all(s, list, 0);
	freeaddrinfo(list);
	if (rc < 0)
		snprintf(error, error_size,
			 "http.listeners: cannot listen on %s:%d: %s",
			 at->host[0] == '\0' ? "*" : at->host, at->port,
			 strerror(-rc));
	return rc;
}

int http_sockets_adopt(struct http_sockets *s, int fd, char *error,
		       size_t error_size)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
	socklen_t len = sizeof(address);
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (own < 0 || fcntl(own, F_SETFL, O_NONBLOCK) < 0 ||
	    getsockname(own, (struct sockaddr *)&address, &len) < 0) {
		snprintf(error, error_size, "http: the socket of systemd: %s",
			 strerror(errno));
		if (own >= 0)
			close(own);
		return -EINVAL;
	}
	s->fds[s->count++] = own;
	s->port = ntohs(v4->sin_port); /* v6 has it in the same place */
	return 0;
}

void http_sockets_close(struct http_sockets *s)
{
	while (s->count > 0)
		close(s->fds[--s->count]);
}
