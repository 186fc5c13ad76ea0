/*
 * request.h - one request on its way through the broker
 *
 * The server decodes a frame and calls the handler of its API on the
 * connection's io thread.  The handler answers at once, or parks the request
 * and answers later, on the same thread.  Answers leave in the order of the
 * connection's requests, whatever finishes first.
 *
 * What the decoded message points to (strings, records) lies in the receive
 * buffer and is gone when handle() returns: a request that parks copies what
 * it still needs into its arena first.
 */
#ifndef KBROKERD_SERVER_REQUEST_H
#define KBROKERD_SERVER_REQUEST_H

#include "base/arena.h"
#include "wire/wire.h"

struct broker;
struct conn;
struct io_thread;
struct request;

struct request {
	struct broker *broker;
	struct conn *conn;
	struct io_thread *thread;
	const struct wire_api *wire; /* name, tables */
	int16_t version;
	int32_t correlation_id;
	struct slice client_id; /* may be null */
	void *message;          /* the decoded request struct */
	struct arena arena;     /* freed after the answer is encoded */
	int64_t received_us;    /* monotonic */
	int64_t answered_us;    /* the same; for observers only */

	/* For the handler while it is parked. */
	void *state;                              /* its own; in the arena */
	void (*on_wake)(struct request *req);     /* woken by request_wake() */
	void (*on_deadline)(struct request *req); /* its time is over */
	/*
	 * The connection has gone: unhook from what it waits for; there is no
	 * answer, and req is gone after it returns.  NULL for what cannot be
	 * called off (a change of the metadata): the request then lives on
	 * until it is woken or its time is over, and its answer goes nowhere.
	 */
	void (*on_drop)(struct request *req);
};

/*
 * Encode message (the API's response struct, at the request's version) as the
 * answer and end the request: req is gone.  Slices that it points to need
 * only live until this returns.  Files named by records (wire_records.file)
 * must be struct log_slice * (copied) whose reference passes to the server,
 * which releases it when the bytes are sent or the connection ends.  The
 * message's throttle time is filled in.
 */
void request_reply(struct request *req, void *message);

/* End the request without an answer (Produce with acks=0). */
void request_end(struct request *req);

/* Drop the connection, logged once with why: for what Kafka answers so. */
void request_close(struct request *req, const char *why);

/*
 * Wait: handle() returns, the request stays.  At deadline_us (monotonic;
 * INT64_MAX for none) on_deadline is called.  on_wake and on_deadline run on
 * the request's io thread; each must reply, end, close, or call
 * request_park() again to wait on.  on_wake must be set before, on_deadline
 * too when there is one.
 */
void request_park(struct request *req, int64_t deadline_us);

/*
 * Have on_wake called soon.  Any thread; several wakes before it runs are one.
 * The caller must know that the request still lives: a waiter list that
 * on_drop unhooks from under the same lock does.
 */
void request_wake(struct request *req);

/* Whoever asks went beyond a quota: nothing more is read from it for so long
 * after the answer, which says so. */
void request_throttle(struct request *req, int32_t ms);

/*
 * For Fetch.  Most bytes that the quota of who asks lets it have at once; and
 * before it answers with so many: returns milliseconds, and when that is not 0
 * the answer must be an empty one.
 */
int64_t request_fetch_most(struct request *req);
int32_t request_throttle_fetch(struct request *req, int64_t bytes);

/* Who asks: "ANONYMOUS" for all whose connection does not tell. */
struct slice request_user(const struct request *req);

/* Wall clock and monotonic time of this turn of the loop: no system call. */
int64_t request_now_us(const struct request *req);
int64_t request_now_ms(const struct request *req);

/* "127.0.0.1:40312", valid while the request lives. */
const char *request_peer(const struct request *req);

/*
 * Host and port that clients of this connection's listener are to be told
 * (advertised.listeners, or the address that the connection came in on).
 */
struct endpoint {
	char host[256];
	int32_t port;
};
void request_advertised(const struct request *req, struct endpoint *out);

/* Is the connection on a controller listener? */
bool request_on_controller_listener(const struct request *req);

/*
 * Per-connection state that an API keeps (fetch sessions are the broker's and
 * not kept here).  Software name and version from ApiVersions, for logs.
 */
void request_set_client_software(struct request *req, struct slice name,
				 struct slice version);

#endif /* KBROKERD_SERVER_REQUEST_H */
