/*
 * visitors.h - how many HTTP connections there are, and for how long
 *
 * evhttp has no bound for either.  It asks us for the bufferevent of each new
 * connection; we keep a reference, by which we see when it has ended, and end
 * what takes too long.  On the HTTP thread.
 */
#ifndef KBROKERD_HTTP_VISITORS_H
#define KBROKERD_HTTP_VISITORS_H

#include <stdbool.h>
#include <stdint.h>

struct bufferevent;
struct event_base;
struct visitors;

enum {
	VISITORS_MAX = 128,
	/* From one request's beginning to the next one's. */
	VISITOR_MS_MAX = 75000,
	/* From the connection to the first request's last byte. */
	VISITOR_FIRST_MS_MAX = 15000
};

/* set_accepting(arg, false) is called when there are VISITORS_MAX, and true
 * when there are fewer again.  NULL: out of memory. */
struct visitors *visitors_new(struct event_base *base,
			      void (*set_accepting)(void *arg, bool on),
			      void *arg);
/* After evhttp_free(). */
void visitors_free(struct visitors *v);

/* For evhttp_set_bevcb(). */
struct bufferevent *visitors_connect(struct event_base *base, void *visitors);

/* A request has come in whole on this connection. */
void visitors_note(struct visitors *v, struct bufferevent *bev, int64_t now_ms);

/* Forget those that have ended, end those that take too long.  now_ms is
 * monotonic; call it once a second. */
void visitors_sweep(struct visitors *v, int64_t now_ms);

#endif /* KBROKERD_HTTP_VISITORS_H */
