/*
 * pending.h - a request and what the server knows of it
 *
 * A connection has its requests in a queue by arrival.  One that is done
 * before its turn keeps its answer until those before it are done.
 */
#ifndef KBROKERD_SERVER_PENDING_H
#define KBROKERD_SERVER_PENDING_H

#include <event2/event_struct.h>
#include <sys/queue.h>

#include "kbrokerd/server/request.h"

struct api;
struct outbox;

enum pending_state {
	PENDING_RUNNING, /* in handle() or one of the on_ functions */
	PENDING_PARKED,
	PENDING_DONE, /* waits for its turn, with answer */
};

struct pending {
	struct request req; /* first: a request is its pending */
	const struct api *api;
	enum pending_state state;
	bool has_deadline; /* the timer is on */
	bool has_parked;   /* the timer is made, others may have woken it */
	bool woken;        /* in the thread's inbox; under its lock */
	bool orphan;       /* the connection has gone */
	bool work_is_counted;
	uint32_t frame_bytes;            /* of the request */
	int64_t work_from_us, worked_us; /* while there is a quota of it */
	int32_t throttle_ms;             /* what is known of it already */
	bool observed; /* observers were told of it, not yet of its end */
	struct outbox *answer;
	struct event timer;
	TAILQ_ENTRY(pending) link;       /* in the connection's queue */
	TAILQ_ENTRY(pending) woken_link; /* in the thread's inbox */
	struct pending *next_spare;
};

static inline struct pending *pending_of(struct request *req)
{
	return (struct pending *)req;
}

/* Its time is over: have on_deadline called. */
void pending_time_out(struct pending *p);

/* It was woken: have on_wake called. */
void pending_wake(struct pending *p);

/* A parked long poll: let its time be over now. */
void pending_hurry(struct pending *p);

/*
 * The connection ends: drop what is parked or done.  The request lives on as
 * an orphan when it cannot be dropped.
 */
void pending_drop(struct pending *p);

/* The broker ends: free an orphan, which is not run any more. */
void pending_discard(struct pending *p);

#endif /* KBROKERD_SERVER_PENDING_H */
