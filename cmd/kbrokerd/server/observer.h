/*
 * observer.h - who wants to know what the server does
 *
 * Metrics and the trace.  An observer changes nothing.  Its functions run on
 * the io thread of the connection, several threads at once; each may be NULL.
 */
#ifndef KBROKERD_SERVER_OBSERVER_H
#define KBROKERD_SERVER_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct conn;
struct pending;
struct request;
struct server;

enum { OBSERVERS_MAX = 4 };

struct server_observer {
	void *arg;
	/* A request was decoded and its handler comes next.  frame: header and
	 * body, without the size; gone when this returns. */
	void (*on_request)(void *arg, const struct request *req,
			   struct slice frame);
	/*
	 * It was answered with message (the response struct, which lives until
	 * this returns; NULL: ended without an answer or with the connection).
	 * bytes: of the whole answer, its size and file slices included.
	 * req->answered_us - req->received_us is the time it took.  Called
	 * once for each on_request.
	 */
	void (*on_answer)(void *arg, const struct request *req,
			  const void *message, size_t bytes);
	/* A connection began (open) or ended. */
	void (*on_connection)(void *arg, const struct conn *conn, bool open);
	/* A connection was dropped for what it sent; api_key -1: not known.
	 * why is one of a few texts, and lives as long as the program. */
	void (*on_refused)(void *arg, const struct conn *conn, const char *why,
			   int16_t api_key);
};

/*
 * Have it look on; it must live as long as the server.  Before server_start().
 * Returns 0 or -ENOSPC.
 */
int server_observe(struct server *s, const struct server_observer *observer);

/* What the server calls: each tells all observers. */
void observe_request(struct pending *p, struct slice frame);
void observe_answer(struct pending *p, const void *message, size_t bytes);
void observe_connection(const struct conn *conn, bool open);
void observe_refused(const struct conn *conn, const char *why, int16_t api_key);

#endif /* KBROKERD_SERVER_OBSERVER_H */
