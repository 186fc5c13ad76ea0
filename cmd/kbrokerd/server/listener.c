/*
 * listener.c - the addresses at which clients come in
 *
 * Accepting pauses when descriptors run out or the broker has as many
 * connections as it may: whoever comes then waits in the kernel's queue, and
 * is not turned away.
 */
#include "kbrokerd/server/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kbrokerd/logger.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"

enum { RETRY_MS = 100, ACCEPTS_A_TURN = 64 };

/* Accepting */

static void pause_accepting(struct listener *l, const char *why)
{
	struct timeval retry = { .tv_usec = RETRY_MS * 1000 };

	if (!l->paused && why != NULL)
		logger_tell(l->server->logger, LOGGER_WARN, "server",
			    "accepting no connections for now", "why", why,
			    "listener", l->config->name, NULL);
	l->paused = true;
	for (size_t i = 0; i < l->socket_count; i++)
		event_del(&l->events[i]);
	event_add(&l->on_retry, &retry);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (atomic_load(&l->server->conn_count) >=
	    l->server->config->connections_max) {
		pause_accepting(l, NULL);
		return;
	}
	l->paused = false;
	for (size_t i = 0; i < l->socket_count; i++)
		event_add(&l->events[i], NULL);
}

static void set_options(const struct listener *l, int fd)
{
	const struct config *config = l->server->config;
	int one = 1;

	if (l->port < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (config->send_buffer_bytes > 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF,
			   &config->send_buffer_bytes,
			   sizeof(config->send_buffer_bytes));
	if (config->receive_buffer_bytes > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF,
			   &config->receive_buffer_bytes,
			   sizeof(config->receive_buffer_bytes));
}

/* Hand an accepted socket to its thread; closes it when out of memory. */
static void hand_over(struct listener *l, int fd,
		      const union peer_address *peer)
{
	struct arrival *arrival = malloc(sizeof(*arrival));

	if (arrival == NULL) {
		close(fd);
		return;
	}
	set_options(l, fd);
	*arrival = (struct arrival){ .listener = l, .fd = fd, .peer = *peer };
	atomic_fetch_add(&l->server->conn_count, 1);
	io_thread_give(server_choose_thread(l->server), arrival);
}

/* Returns false when there is none more, or accepting has been paused. */
static bool accept_one(struct listener *l, int socket)
{
	union peer_address peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	if (atomic_load(&l->server->conn_count) >=
	    l->server->config->connections_max) {
		pause_accepting(l, "max.connections");
		return false;
	}
	fd = accept4(socket, &peer.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		hand_over(l, fd, &peer);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		pause_accepting(l, strerror(errno));
	return errno == ECONNABORTED || errno == EINTR;
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct io_thread *t = io_thread_self();

	(void)what;
	io_thread_turn(t);
	for (int i = 0; i < ACCEPTS_A_TURN && accept_one(l, fd); i++)
		continue;
	io_thread_settle(t);
}

int listener_attach(struct listener *l, struct event_base *base)
{
	for (size_t i = 0; i < l->socket_count; i++) {
		event_assign(&l->events[i], base, l->sockets[i],
			     EV_READ | EV_PERSIST, on_acceptable, l);
		if (event_add(&l->events[i], NULL) < 0)
			return -ENOMEM;
	}
	evtimer_assign(&l->on_retry, base, on_retry, l);
	l->attached = true;
	return 0;
}

/* Opening */

static int listen_on(struct listener *l, const struct sockaddr *address,
		     socklen_t len, int backlog)
{
	int fd = socket(address->sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, zero = 0, rc;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY,
			   l->config->host[0] == '\0' ? &zero : &one,
			   sizeof(one));
	if (bind(fd, address, len) < 0 || listen(fd, backlog) < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	l->sockets[l->socket_count++] = fd;
	return 0;
}

static int32_t bound_port(int fd)
{
	union peer_address address;
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0)
		return 0;
	return ntohs(address.v4.sin_port);
}

static void set_port(struct addrinfo *address, int32_t port)
{
	/* v4 and v6 have it at the same place */
	((struct sockaddr_in *)(void *)address->ai_addr)->sin_port =
		htons((uint16_t)port);
}

/* A resolver may name an address twice. */
static bool is_twin(const struct addrinfo *a, const struct addrinfo *b)
{
	return b != NULL && a->ai_addrlen == b->ai_addrlen &&
	       memcmp(a->ai_addr, b->ai_addr, a->ai_addrlen) == 0;
}

/* Listen on each address with one port.  An address of a family that the
 * machine has not is left out. */
static int listen_on_all(struct listener *l, struct addrinfo *addresses,
			 int backlog)
{
	struct addrinfo *before = NULL;
	int rc = -EADDRNOTAVAIL, last = 0;

	l->port = l->config->port;
	for (struct addrinfo *a = addresses; a != NULL; a = a->ai_next) {
		if (l->socket_count == LISTENER_SOCKETS_MAX)
			break;
		set_port(a, l->port);
		if (is_twin(a, before))
			continue;
		before = a;
		rc = listen_on(l, a->ai_addr, a->ai_addrlen, backlog);
		if (rc == 0 && l->port == 0)
			l->port = bound_port(l->sockets[0]);
		if (rc < 0 && rc != -EAFNOSUPPORT && rc != -EADDRNOTAVAIL)
			return rc;
		if (rc < 0)
			last = rc;
		if (rc == 0 && l->config->host[0] == '\0')
			break; /* one for v6 and v4 */
	}
	return l->socket_count > 0 ? 0 : last < 0 ? last : rc;
}

static void close_sockets(struct listener *l)
{
	for (size_t i = 0; i < l->socket_count; i++)
		close(l->sockets[i]);
	l->socket_count = 0;
}

/* With port 0 the port that v4 got may be taken at v6: then another. */
static int listen_with_retries(struct listener *l, struct addrinfo *addresses,
			       int backlog)
{
	int rc = listen_on_all(l, addresses, backlog);

	for (int i = 0; i < 20 && rc == -EADDRINUSE && l->config->port == 0;
	     i++) {
		close_sockets(l);
		rc = listen_on_all(l, addresses, backlog);
	}
	return rc;
}

static int open_tcp(struct listener *l, int backlog, char *error,
		    size_t error_size)
{
	const char *host = l->config->host;
	struct addrinfo hints = { .ai_family = host[0] == '\0' ? AF_INET6
							       : AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *addresses = NULL;
	int rc;

	rc = getaddrinfo(host[0] == '\0' ? NULL : host, "0", &hints,
			 &addresses);
	if (rc != 0) {
		snprintf(error, error_size, "listener %s: host '%s': %s",
			 l->config->name, host, gai_strerror(rc));
		return -EADDRNOTAVAIL;
	}
	rc = listen_with_retries(l, addresses, backlog);
	freeaddrinfo(addresses);
	if (rc == -EAFNOSUPPORT && host[0] == '\0') {
		/* A machine without v6. */
		struct sockaddr_in any = { .sin_family = AF_INET,
					   .sin_port = htons(
						   (uint16_t)l->config->port) };

		rc = listen_on(l, (struct sockaddr *)&any, sizeof(any),
			       backlog);
		l->port = rc == 0 ? bound_port(l->sockets[0]) : 0;
	}
	if (rc < 0)
		snprintf(error, error_size, "cannot listen on %s://%s:%d: %s",
			 l->config->name, host, l->config->port, strerror(-rc));
	return rc;
}

/* Is there a live one behind the socket file? */
static bool is_served(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool served;

	if (fd < 0)
		return true;
	served = connect(fd, (const struct sockaddr *)address,
			 sizeof(*address)) == 0 ||
		 errno != ECONNREFUSED;
	close(fd);
	return served;
}

static int open_unix(struct listener *l, int backlog, char *error,
		     size_t error_size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = l->config->host;
	struct stat st;
	int rc;

	l->port = -1;
	if (strlen(path) >= sizeof(address.sun_path)) {
		snprintf(error, error_size,
			 "cannot listen on unix:%s: a path may have %zu bytes",
			 path, sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	memcpy(address.sun_path, path, strlen(path));
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    !is_served(&address))
		unlink(path);
	rc = listen_on(l, (struct sockaddr *)&address, sizeof(address),
		       backlog);
	if (rc < 0)
		snprintf(error, error_size, "cannot listen on unix:%s: %s",
			 path, strerror(-rc));
	return rc;
}

int listener_open(struct listener *l, struct server *server,
		  const struct listener_config *config, int backlog,
		  char *error, size_t error_size)
{
	int rc;

	*l = (struct listener){ .server = server, .config = config };
	if (config->port < 0)
		rc = open_unix(l, backlog, error, error_size);
	else
		rc = open_tcp(l, backlog, error, error_size);
	if (rc < 0)
		close_sockets(l);
	return rc;
}

void listener_close(struct listener *l)
{
	if (l->attached) {
		for (size_t i = 0; i < l->socket_count; i++)
			event_del(&l->events[i]);
		event_del(&l->on_retry);
	}
	l->attached = false;
	if (l->port < 0 && l->socket_count > 0)
		unlink(l->config->host);
	close_sockets(l);
}
