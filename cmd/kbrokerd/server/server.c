/*
 * server.c - sockets, threads, connections and requests of one broker
 *
 * The first thread accepts.  Its listeners are closed by the thread itself,
 * when it is asked to stop, since their events are on its loop.
 */
#include "kbrokerd/server/server.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/server/io_thread.h"
#include "kbrokerd/server/share.h"
#include "kbrokerd/server/throttle.h"

enum { BUSY_FROM_PERCENT = 60, STUCK_US = 5000000 };

/* Those with a port, or the local ones. */
static int open_listeners(struct server *s, bool local, char *error,
			  size_t error_size)
{
	const struct config *config = s->config;
	int rc = 0;

	for (size_t i = 0; i < s->listener_count && rc == 0; i++) {
		const struct listener_config *l = &config->listeners[i];

		if ((l->port < 0) == local)
			rc = listener_open(&s->listeners[i], s, l,
					   config->listen_backlog, error,
					   error_size);
	}
	return rc;
}

static void init_listeners(struct server *s)
{
	const struct config *config = s->config;

	for (size_t i = 0; i < config->listener_count; i++)
		s->listeners[i] = (struct listener){
			.server = s,
			.config = &config->listeners[i],
			.port = config->listeners[i].port,
		};
	s->listener_count = config->listener_count;
}

static int init_threads(struct server *s)
{
	const struct config *config = s->config;
	int32_t count = config->network_threads;

	s->threads = calloc((size_t)count, sizeof(*s->threads));
	if (s->threads == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++) {
		int rc;

		s->thread_count++;
		rc = io_thread_init(&s->threads[i], s, i);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int server_open_ports(struct broker *broker, server_find_api *find_api,
		      struct server **server_out, char *error,
		      size_t error_size)
{
	struct server *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->broker = broker;
	s->find_api = find_api;
	s->stuck_us = STUCK_US;
	s->busy_from_percent = BUSY_FROM_PERCENT;
	atomic_init(&s->config, broker->config);
	atomic_init(&s->connections_max, broker->config->connections_max);
	s->logger = broker->logger;
	s->clock = broker->clock;
	s->budget.max = broker->config->queued_bytes_max;
	init_listeners(s);
	throttle_init(s);
	doorman_init(&s->doorman);
	rc = advertised_set(&s->advertised, s->config,
			    config_text(s->config, "advertised.listeners"),
			    error, error_size);
	if (rc == 0)
		rc = open_listeners(s, false, error, error_size);
	if (rc == 0)
		rc = init_threads(s);
	if (rc < 0) {
		server_free(s);
		return rc;
	}
	*server_out = s;
	return 0;
}

int server_open_locals(struct server *s, char *error, size_t error_size)
{
	return open_listeners(s, true, error, error_size);
}

int server_open(struct broker *broker, server_find_api *find_api,
		struct server **server_out, char *error, size_t error_size)
{
	struct server *s;
	int rc = server_open_ports(broker, find_api, &s, error, error_size);

	if (rc < 0)
		return rc;
	rc = server_open_locals(s, error, error_size);
	if (rc < 0)
		server_free(s);
	else
		*server_out = s;
	return rc;
}

int server_start(struct server *s)
{
	int rc = 0;

	for (size_t i = 0; i < s->listener_count && rc == 0; i++)
		rc = listener_attach(&s->listeners[i], s->threads[0].base);
	for (int32_t i = 0; i < s->thread_count && rc == 0; i++)
		rc = io_thread_start(&s->threads[i]);
	if (rc < 0)
		server_stop(s, 0);
	return rc;
}

int32_t server_port(const struct server *s)
{
	for (size_t i = 0; i < s->listener_count; i++) {
		if (s->listeners[i].port > 0)
			return s->listeners[i].port;
	}
	return -1;
}

/* Has it turned since before?  Rung, so that an idle one does. */
static bool has_turned(struct io_thread *t, uint32_t before,
		       int64_t patience_ms)
{
	static const struct timespec ms = { .tv_nsec = 1000000 };

	io_thread_ring(t);
	for (int64_t i = 0; i <= patience_ms; i++) {
		if (atomic_load(&t->turns) != before)
			return true;
		nanosleep(&ms, NULL);
	}
	return false;
}

bool server_is_alive(struct server *s, int64_t patience_ms)
{
	for (int32_t i = 0; i < s->thread_count; i++) {
		uint32_t before = atomic_load(&s->threads[i].turns);

		if (!has_turned(&s->threads[i], before, patience_ms))
			return false;
	}
	return true;
}

struct io_thread *server_choose_thread(struct server *s)
{
	int64_t now_us = s->clock->monotonic_us(s->clock);
	struct io_thread *best = &s->threads[0];

	if (share_busy(best, now_us) < s->busy_from_percent)
		return best;
	for (int32_t i = 1; i < s->thread_count; i++) {
		if (share_busy(&s->threads[i], now_us) <
		    share_busy(best, now_us))
			best = &s->threads[i];
	}
	return best;
}

void server_stop_accepting(struct server *s)
{
	for (size_t i = 0; i < s->listener_count; i++)
		listener_close(&s->listeners[i]);
}

void server_stop(struct server *s, int64_t patience_ms)
{
	for (int32_t i = 0; i < s->thread_count; i++) {
		if (s->threads[i].started)
			io_thread_stop(&s->threads[i], patience_ms);
	}
	for (int32_t i = 0; i < s->thread_count; i++)
		io_thread_join(&s->threads[i]);
}

void server_free(struct server *s)
{
	if (s == NULL)
		return;
	server_stop_accepting(s);
	for (int32_t i = 0; i < s->thread_count; i++)
		io_thread_clear(&s->threads[i]);
	free(s->threads);
	doorman_clear(&s->doorman);
	free(s);
}
