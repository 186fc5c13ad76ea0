/*
 * listener.c - the addresses at which clients come in
 *
 * Accepting pauses when descriptors run out or the broker has as many
 * connections as it may: whoever comes then waits in the kernel's queue, and
 * is not turned away.
 */
#include "kbrokerd/server/listener.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/logger.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"

enum {
	RETRY_MS = 100,
	ACCEPTS_A_TURN = 64,
	REFUSALS_TOLD = 5, /* a second */
	PORT_TRIES = 20,
	TELL_EVERY_US = 60000000,
	UNIX_MASK = 0117 /* owner and group may connect */
};

/* Accepting */

/* Said once, and again when it goes on for long. */
static void tell_pause(struct listener *l, const char *why)
{
	int64_t now_us = io_thread_self()->now_us;

	if (l->told_us != 0 && now_us - l->told_us < TELL_EVERY_US)
		return;
	l->told_us = now_us;
	logger_tell(l->server->logger, LOGGER_WARN, "server",
		    "accepting no connections for now", "why", why, "listener",
		    l->config->name, NULL);
}

static void pause_accepting(struct listener *l, const char *why, int64_t ms)
{
	struct timeval retry = { ms / 1000, ms % 1000 * 1000 };

	if (!l->paused)
		tell_pause(l, why);
	l->paused = true;
	for (size_t i = 0; i < l->socket_count; i++)
		event_del(&l->events[i]);
	event_add(&l->on_retry, &retry);
}

static bool is_full(const struct server *s)
{
	return atomic_load(&s->conn_count) >= atomic_load(&s->connections_max);
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;

	(void)fd;
	(void)what;
	if (is_full(l->server)) {
		pause_accepting(l, "max.connections", RETRY_MS);
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
		doorman_leave(&l->server->doorman, peer);
		return;
	}
	set_options(l, fd);
	*arrival = (struct arrival){ .listener = l, .fd = fd, .peer = *peer };
	atomic_fetch_add(&l->server->conn_count, 1);
	io_thread_give(server_choose_thread(l->server), arrival);
}

/* Closes those that may not. */
static bool may_stay(struct listener *l, int fd, const union peer_address *peer)
{
	struct server *s = l->server;
	struct io_thread *t = io_thread_self();
	const struct conn told = { .peer = *peer };
	char host[CONN_HOST_MAX];
	const char *why;
	int32_t missed;

	if (doorman_admit(&s->doorman, peer, s->broker->quotas,
			  t->now_us / 1000, &why))
		return true;
	close(fd);
	conn_peer_host(&told, host, sizeof(host));
	if (logger_allows(&l->refusals, t->now_ms, REFUSALS_TOLD, &missed))
		logger_tell(s->logger, LOGGER_INFO, "server",
			    "connection refused", "why", why, "address", host,
			    NULL);
	return false;
}

static bool is_too_fast(struct listener *l)
{
	int64_t wait_ms = doorman_wait_ms(&l->server->doorman,
					  io_thread_self()->now_us / 1000);

	if (wait_ms > 0)
		pause_accepting(l, "max.connection.creation.rate", wait_ms);
	return wait_ms > 0;
}

/* Returns false when there is none more, or accepting has been paused. */
static bool accept_one(struct listener *l, int socket)
{
	union peer_address peer = { 0 };
	socklen_t len = sizeof(peer);
	int fd;

	if (is_full(l->server)) {
		pause_accepting(l, "max.connections", RETRY_MS);
		return false;
	}
	fd = accept4(socket, &peer.any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		if (may_stay(l, fd, &peer))
			hand_over(l, fd, &peer);
		return !is_too_fast(l);
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
	    errno == ENOMEM)
		pause_accepting(l, strerror(errno), RETRY_MS);
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
	int one = 1;
	int zero = 0;
	int rc;

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
	union peer_address address = { 0 };
	socklen_t len = sizeof(address);

	if (getsockname(fd, &address.any, &len) < 0)
		return 0;
	return ntohs(address.v4.sin_port);
}

struct addresses {
	union peer_address items[LISTENER_SOCKETS_MAX];
	size_t count;
};

static socklen_t address_size(const union peer_address *a)
{
	return a->any.sa_family == AF_INET ? sizeof(a->v4) : sizeof(a->v6);
}

static bool same_address(const union peer_address *a,
			 const union peer_address *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr) &&
	       a->v6.sin6_scope_id == b->v6.sin6_scope_id;
}

/* A resolver may name an address several times. */
static void add_address(struct addresses *to, const void *address, size_t size)
{
	union peer_address *a = &to->items[to->count];

	if (to->count == LISTENER_SOCKETS_MAX || size > sizeof(*a))
		return;
	memset(a, 0, sizeof(*a));
	memcpy(a, address, size);
	for (size_t i = 0; i < to->count; i++) {
		if (same_address(&to->items[i], a))
			return;
	}
	to->count++;
}

static void add_known(struct addresses *to, struct in_addr v4,
		      struct in6_addr v6)
{
	struct sockaddr_in first = { .sin_family = AF_INET, .sin_addr = v4 };
	struct sockaddr_in6 second = { .sin6_family = AF_INET6,
				       .sin6_addr = v6 };

	add_address(to, &first, sizeof(first));
	add_address(to, &second, sizeof(second));
}

static int look_up(const char *host, struct addresses *to)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &found);

	if (rc != 0)
		return rc;
	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next)
		add_address(to, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

/* The addresses of a host; localhost needs no resolver (RFC 6761).  Returns
 * what getaddrinfo(3) does. */
static int resolve(const char *host, struct addresses *to)
{
	struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	struct in_addr any = { INADDR_ANY };

	if (strcmp(host, "localhost") == 0)
		add_known(to, loopback, in6addr_loopback);
	else if (host[0] == '\0')
		add_known(to, any, in6addr_any);
	else
		return look_up(host, to);
	return 0;
}

static void set_port(union peer_address *a, int32_t port)
{
	/* v6 has it at the same place */
	a->v4.sin_port = htons((uint16_t)port);
}

static bool is_missing(int rc)
{
	return rc == -EAFNOSUPPORT || rc == -EADDRNOTAVAIL;
}

/* Every address: one socket takes v6 and v4 where the machine has v6. */
static int listen_on_any(struct listener *l, struct addresses *addresses,
			 int backlog)
{
	int rc = 0;

	for (size_t i = addresses->count; i-- > 0;) {
		union peer_address *a = &addresses->items[i];

		set_port(a, l->port);
		rc = listen_on(l, &a->any, address_size(a), backlog);
		if (!is_missing(rc))
			break;
	}
	return rc;
}

/* Each address.  One of a family that the machine has not is left out. */
static int listen_on_each(struct listener *l, struct addresses *addresses,
			  int backlog)
{
	int rc = -EADDRNOTAVAIL;

	for (size_t i = 0; i < addresses->count; i++) {
		union peer_address *a = &addresses->items[i];

		set_port(a, l->port);
		rc = listen_on(l, &a->any, address_size(a), backlog);
		if (rc == 0 && l->port == 0)
			l->port = bound_port(l->sockets[0]);
		if (rc < 0 && !is_missing(rc))
			return rc;
	}
	return l->socket_count > 0 ? 0 : rc;
}

static void close_sockets(struct listener *l)
{
	for (size_t i = 0; i < l->socket_count; i++)
		close(l->sockets[i]);
	l->socket_count = 0;
}

static int try_listening(struct listener *l, struct addresses *addresses,
			 int backlog)
{
	int rc;

	l->port = l->config->port;
	if (l->config->host[0] == '\0')
		rc = listen_on_any(l, addresses, backlog);
	else
		rc = listen_on_each(l, addresses, backlog);
	if (rc < 0) {
		close_sockets(l);
		return rc;
	}
	assert(l->socket_count > 0);
	l->port = bound_port(l->sockets[0]);
	return 0;
}

static int open_tcp(struct listener *l, int backlog, char *error,
		    size_t error_size)
{
	const struct listener_config *config = l->config;
	struct addresses addresses = { .count = 0 };
	int rc = resolve(config->host, &addresses);

	if (rc != 0) {
		snprintf(error, error_size, "listener %s: host '%s': %s",
			 config->name, config->host, gai_strerror(rc));
		return -EADDRNOTAVAIL;
	}
	rc = try_listening(l, &addresses, backlog);
	/* The port that v4 got may be taken at v6: then another. */
	for (int i = 0;
	     i < PORT_TRIES && rc == -EADDRINUSE && config->port == 0; i++)
		rc = try_listening(l, &addresses, backlog);
	if (rc < 0)
		snprintf(error, error_size, "cannot listen on %s://%s:%d: %s",
			 config->name, config->host, config->port,
			 strerror(-rc));
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

	mode_t mask;

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
	/* From the moment that it is there nobody else may connect; no thread
	 * makes files yet. */
	mask = umask(UNIX_MASK);
	rc = listen_on(l, (struct sockaddr *)&address, sizeof(address),
		       backlog);
	umask(mask);
	if (rc < 0)
		snprintf(error, error_size, "cannot listen on unix:%s: %s",
			 path, strerror(-rc));
	return rc;
}

/* Sockets that were open when the process began listen already. */
static int take_inherited(struct listener *l)
{
	const struct listener_config *config = l->config;

	for (size_t i = 0; i < config->inherited_count; i++) {
		int fd = fcntl(config->inherited[i], F_DUPFD_CLOEXEC, 0);

		if (fd < 0 || evutil_make_socket_nonblocking(fd) < 0) {
			if (fd >= 0)
				close(fd);
			return -EMFILE;
		}
		l->sockets[l->socket_count++] = fd;
	}
	l->port = config->port < 0 ? -1 : bound_port(l->sockets[0]);
	return 0;
}

int listener_open(struct listener *l, struct server *server,
		  const struct listener_config *config, int backlog,
		  char *error, size_t error_size)
{
	int rc;

	*l = (struct listener){ .server = server, .config = config };
	if (config->inherited_count > 0)
		rc = take_inherited(l);
	else if (config->port < 0)
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
	if (l->port < 0 && l->socket_count > 0 &&
	    l->config->inherited_count == 0)
		unlink(l->config->host);
	close_sockets(l);
}
