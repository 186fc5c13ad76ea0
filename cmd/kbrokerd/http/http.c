/*
 * http.c - what a broker tells and takes by HTTP: the thread
 *
 * It receives and sends, and answers by itself what takes no time, such as
 * /livez; the rest is the clerk's.  The lock is held while it answers, and
 * while the phase changes: so nobody reads what is being taken apart.
 */
#include "kbrokerd/http/http.h"

#include <assert.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/http/clerk.h"
#include "kbrokerd/http/host_check.h"
#include "kbrokerd/http/pages.h"
#include "kbrokerd/http/sockets.h"
#include "kbrokerd/http/visitors.h"

enum {
	HEADER_BYTES_MAX = 16 << 10,
	BODY_BYTES_MAX = 16 << 10,
	SILENCE_SECONDS_MAX = 30, /* of a connection, in either direction */
	STACK_BYTES = 512 << 10,
};

struct http {
	struct broker *broker;
	struct event_base *base;
	struct evhttp *server;
	struct evhttp_bound_socket *bound[HTTP_SOCKETS_MAX];
	struct visitors *visitors;
	struct clerk *clerk;
	struct event on_bell, on_second;
	struct http_sockets sockets;
	int32_t port;
	int bell_fd; /* rung for what the clerk has done, and for the end */
	atomic_bool stopping;
	pthread_t id;
	bool started;

	pthread_mutex_t lock; /* for the rest */
	enum http_phase phase;
};

static int64_t now_ms(const struct http *h)
{
	struct clock *clock = h->broker->clock;

	return clock->monotonic_us(clock) / 1000;
}

/* Requests */

/* Did it come in at an address that only this machine has? */
static bool is_on_loopback(struct bufferevent *bev)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = { .any = { .sa_family = AF_UNSPEC } };
	socklen_t len = sizeof(at);

	if (getsockname(bufferevent_getfd(bev), &at.any, &len) < 0)
		return false;
	if (at.any.sa_family == AF_INET)
		return ntohl(at.v4.sin_addr.s_addr) >> 24 == 127;
	return at.any.sa_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
}

/* A page that reads or changes something, asked for by a stranger's page? */
static bool is_tricked(const struct visit *v, const struct page *page,
		       struct bufferevent *bev)
{
	const char *host = visit_header(v, "Host");

	if (!page->is_guarded)
		return false;
	if (page->method == PAGE_POST &&
	    !origin_is_same(visit_header(v, "Origin"), host))
		return true;
	return (page->method == PAGE_POST || is_on_loopback(bev)) &&
	       !host_is_ours(v->broker->config, host);
}

static bool is_allowed(const struct page *page, enum evhttp_cmd_type command)
{
	if (page->method == PAGE_POST)
		return command == EVHTTP_REQ_POST;
	return command == EVHTTP_REQ_GET || command == EVHTTP_REQ_HEAD;
}

static void refuse_method(struct visit *v, const struct page *page)
{
	const char *allow = page->method == PAGE_POST ? "POST" : "GET, HEAD";

	visit_set_header(v, "Allow", allow);
	visit_say(v, HTTP_BADMETHOD, "%s takes %s", page->path, allow);
}

/* What need not be answered by the page itself; false: it is not answered. */
static bool refuse(struct visit *v, struct bufferevent *bev)
{
	const struct page *page = v->page;

	if (page == NULL)
		visit_say(v, HTTP_NOTFOUND,
			  "there is / /status /metrics /metrics/kafka /livez "
			  "/readyz /config /clients?topic=T, and POST "
			  "/advertised");
	else if (!is_allowed(page, evhttp_request_get_command(v->request)))
		refuse_method(v, page);
	else if (is_tricked(v, page, bev))
		visit_say(v, 403,
			  "this broker does not go by that Host or Origin; "
			  "use an address, or name the host in "
			  "http.allowed.hosts");
	else
		return false;
	return true;
}

/* Its connection ends while the clerk has it. */
static void on_close(struct evhttp_connection *connection, void *arg)
{
	struct visit *v = arg;

	(void)connection;
	v->request = NULL;
}

static void send_and_free(struct visit *v)
{
	if (v->request != NULL)
		evhttp_connection_set_closecb(
			evhttp_request_get_connection(v->request), NULL, NULL);
	visit_send(v);
	visit_free(v);
}

/* "//x" would be taken for the host x and no path. */
static const char *path_of(const struct evhttp_uri *uri)
{
	const char *path = evhttp_uri_get_path(uri);

	if (evhttp_uri_get_host(uri) != NULL &&
	    evhttp_uri_get_scheme(uri) == NULL)
		return "//";
	return path == NULL || path[0] == '\0' ? "/" : path;
}

static void answer_now(struct http *h, struct visit *v)
{
	pthread_mutex_lock(&h->lock);
	v->phase = h->phase;
	page_answer(v);
	pthread_mutex_unlock(&h->lock);
}

static void on_request(struct evhttp_request *request, void *arg)
{
	struct http *h = arg;
	struct evhttp_connection *connection =
		evhttp_request_get_connection(request);
	struct bufferevent *bev = evhttp_connection_get_bufferevent(connection);
	struct visit *v = visit_new(h->broker, request);

	visitors_note(h->visitors, bev, now_ms(h));
	if (v == NULL) {
		evhttp_send_error(request, HTTP_INTERNAL, NULL);
		return;
	}
	v->page = page_find(path_of(evhttp_request_get_evhttp_uri(request)));
	if (!refuse(v, bev)) {
		if (!v->page->is_quick) {
			evhttp_connection_set_closecb(connection, on_close, v);
			clerk_take(h->clerk, v);
			return;
		}
		answer_now(h, v);
	}
	send_and_free(v);
}

/* The thread */

static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;

	(void)fd;
	(void)what;
	visitors_sweep(h->visitors, now_ms(h));
	clerk_sample(h->clerk);
}

static void ring(void *arg)
{
	struct http *h = arg;
	uint64_t one = 1;
	ssize_t n = write(h->bell_fd, &one, sizeof(one));

	assert(n == sizeof(one));
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
	struct http *h = arg;
	struct visit *v;
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n; /* rung again meanwhile, or not */
	(void)what;
	while ((v = clerk_done(h->clerk)) != NULL)
		send_and_free(v);
	if (atomic_load(&h->stopping))
		event_base_loopbreak(h->base);
}

static void *run(void *arg)
{
	struct http *h = arg;

	pthread_setname_np(pthread_self(), "http");
	event_base_dispatch(h->base);
	return NULL;
}

static void set_accepting(void *arg, bool on)
{
	struct http *h = arg;

	for (size_t i = 0; i < HTTP_SOCKETS_MAX; i++) {
		struct evconnlistener *l;

		if (h->bound[i] == NULL)
			continue;
		l = evhttp_bound_socket_get_listener(h->bound[i]);
		if (on)
			evconnlistener_enable(l);
		else
			evconnlistener_disable(l);
	}
}

/* Starting */

static int make_server(struct http *h)
{
	h->base = event_base_new();
	h->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (h->base == NULL || h->bell_fd < 0)
		return -ENOMEM;
	h->server = evhttp_new(h->base);
	h->visitors = visitors_new(h->base, set_accepting, h);
	h->clerk = clerk_new(ring, h);
	if (h->server == NULL || h->visitors == NULL || h->clerk == NULL)
		return -ENOMEM;
	evhttp_set_bevcb(h->server, visitors_connect, h->visitors);
	evhttp_set_gencb(h->server, on_request, h);
	evhttp_set_timeout(h->server, SILENCE_SECONDS_MAX);
	evhttp_set_max_headers_size(h->server, HEADER_BYTES_MAX);
	evhttp_set_max_body_size(h->server, BODY_BYTES_MAX);
	/* Each, so that it is us who say what a page takes. */
	evhttp_set_allowed_methods(
		h->server, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD |
				   EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE |
				   EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	return 0;
}

/* The sockets become the server's. */
static int accept_on_sockets(struct http *h)
{
	struct http_sockets *s = &h->sockets;

	while (s->count > 0) {
		size_t i = s->count - 1;

		h->bound[i] =
			evhttp_accept_socket_with_handle(h->server, s->fds[i]);
		if (h->bound[i] == NULL)
			return -ENOMEM;
		s->count--;
	}
	return 0;
}

static int run_threads(struct http *h)
{
	struct timeval second = { .tv_sec = 1 };
	pthread_attr_t attributes;
	int rc;

	event_assign(&h->on_bell, h->base, h->bell_fd, EV_READ | EV_PERSIST,
		     on_bell, h);
	event_assign(&h->on_second, h->base, -1, EV_PERSIST, on_second, h);
	if (event_add(&h->on_bell, NULL) < 0 ||
	    event_add(&h->on_second, &second) < 0)
		return -ENOMEM;
	rc = clerk_start(h->clerk);
	if (rc < 0)
		return rc;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	rc = pthread_create(&h->id, &attributes, run, h);
	pthread_attr_destroy(&attributes);
	h->started = rc == 0;
	return -rc;
}

static int start(struct http *h, char *error, size_t error_size)
{
	int rc = make_server(h);

	if (rc == 0)
		rc = accept_on_sockets(h);
	if (rc == 0)
		rc = run_threads(h);
	if (rc < 0)
		snprintf(error, error_size, "http: %s", strerror(-rc));
	return rc;
}

static int open_sockets(struct broker *broker, struct http_sockets *s,
			char *error, size_t error_size)
{
	const struct config *config = broker->config;
	int rc = 0;

	/* One that systemd opened stands for all. */
	if (config->http_fd >= 0)
		return http_sockets_adopt(s, config->http_fd, error,
					  error_size);
	for (size_t i = 0; rc == 0 && i < config->http.count; i++)
		rc = http_sockets_open(s, &config->http.listeners[i], error,
				       error_size);
	if (rc < 0)
		http_sockets_close(s);
	return rc;
}

static void tell(const struct http *h)
{
	const struct config *config = h->broker->config;
	const char *host = config->http.listeners[0].host;
	bool is_v6 = strchr(host, ':') != NULL;
	char url[400];

	snprintf(url, sizeof(url), "http://%s%s%s:%d/", is_v6 ? "[" : "",
		 host[0] == '\0' ? "*" : host, is_v6 ? "]" : "", h->port);
	logger_tell(h->broker->logger, LOGGER_INFO, "http", "status page",
		    "url", url, NULL);
}

int http_start(struct broker *broker, struct http **http_out, char *error,
	       size_t error_size)
{
	const struct config *config = broker->config;
	struct http_sockets sockets = { .count = 0 };
	struct http *h;
	int rc;

	*http_out = NULL;
	rc = open_sockets(broker, &sockets, error, error_size);
	if (rc < 0 && config->http.is_default) {
		logger_tell(broker->logger, LOGGER_INFO, "http",
			    "no status page and metrics: set http.listeners "
			    "to another port, or to off",
			    "why", error, NULL);
		return 0;
	}
	if (rc < 0 || sockets.count == 0)
		return rc;
	h = calloc(1, sizeof(*h));
	if (h == NULL) {
		http_sockets_close(&sockets);
		snprintf(error, error_size, "out of memory");
		return -ENOMEM;
	}
	h->broker = broker;
	h->sockets = sockets;
	h->port = sockets.port;
	h->bell_fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	rc = start(h, error, error_size);
	if (rc < 0) {
		http_stop(h);
		return rc;
	}
	tell(h);
	*http_out = h;
	return 0;
}

void http_enter(struct http *h, enum http_phase phase, struct metrics *metrics)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->phase = phase;
	pthread_mutex_unlock(&h->lock);
	clerk_enter(h->clerk, phase, metrics);
}

int32_t http_port(const struct http *h)
{
	return h == NULL ? -1 : h->port;
}

void http_stop(struct http *h)
{
	if (h == NULL)
		return;
	clerk_stop(h->clerk);
	if (h->started) {
		atomic_store(&h->stopping, true);
		ring(h);
		pthread_join(h->id, NULL);
		event_del(&h->on_bell);
		event_del(&h->on_second);
	}
	if (h->server != NULL)
		evhttp_free(h->server);
	clerk_free(h->clerk); /* a visit may be pointed to until here */
	visitors_free(h->visitors);
	if (h->base != NULL)
		event_base_free(h->base);
	if (h->bell_fd >= 0)
		close(h->bell_fd);
	http_sockets_close(&h->sockets);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
