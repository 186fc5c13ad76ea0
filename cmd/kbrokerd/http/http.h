/*
 * http.h - what a broker tells and takes by HTTP
 *
 * A thread of its own, with libevent's evhttp, so that nothing it does is in
 * the way of clients.  It listens from the very start, so that who asks while
 * a broker recovers is told so.
 *
 *	/             the status page, for people
 *	/status       what that shows, as JSON
 *	/livez        200 while the broker's threads go round
 *	/readyz       200 while clients are served; 503 says why not
 *	/metrics      Prometheus, or OpenMetrics when asked
 *	/metrics/kafka  topics under the names of kafka_exporter
 *	/config       settings in effect, and where they come from
 *	/clients?topic=T  who writes and reads a topic
 *	/advertised   POST: where clients are told to find the broker
 *
 * Everything from outside is bounded: connections, bytes of headers and
 * bodies, and the time that a request may take.
 */
#ifndef KBROKERD_HTTP_HTTP_H
#define KBROKERD_HTTP_HTTP_H

#include <stddef.h>
#include <stdint.h>

struct broker;
struct http;
struct metrics;

enum http_phase {
	HTTP_STARTING, /* recovering: nothing of the broker is touched */
	HTTP_SERVING,
	HTTP_STOPPING, /* all is still there */
	HTTP_OVER      /* nothing may be touched any more */
};

/*
 * Listen as http.listeners says and start the thread.  *http_out is NULL when
 * it is off, or when nothing is set and the default port is taken, which is
 * logged.  Returns 0, or a negative errno with a text in error.
 */
int http_start(struct broker *broker, struct http **http_out, char *error,
	       size_t error_size);

/* After it returns no request of the phase before is under way.  metrics is
 * the broker's; for HTTP_SERVING.  A NULL http is allowed. */
void http_enter(struct http *http, enum http_phase phase,
		struct metrics *metrics);

/* The port of the first listener; -1 when it is off. */
int32_t http_port(const struct http *http);

/* End the thread.  NULL is allowed. */
void http_stop(struct http *http);

#endif /* KBROKERD_HTTP_HTTP_H */
