/*
 * io_thread.h - one event loop and the connections that live on it
 *
 * Everything here belongs to the thread itself, but for the inbox, which has
 * a lock.  Each callback of libevent starts with io_thread_turn() and ends
 * with io_thread_settle(), which runs the requests woken meanwhile, sends the
 * answers that have come about and frees what has ended.
 */
#ifndef KBROKERD_SERVER_IO_THREAD_H
#define KBROKERD_SERVER_IO_THREAD_H

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "kbrokerd/logger.h"
#include "kbrokerd/server/receive_pool.h"

struct arrival;
struct conn;
struct outbox;
struct pending;
struct server;

TAILQ_HEAD(conn_list, conn);
TAILQ_HEAD(pending_list, pending);

struct io_thread {
	struct server *server;
	struct event_base *base;
	pthread_t id;
	bool started;
	int32_t number;

	_Atomic uint32_t turns; /* counted, for who asks whether it is alive */
	int64_t now_us;         /* of this turn of the loop, monotonic */
	int64_t now_ms;         /* the same, wall clock */

	struct conn_list conns;    /* the longest silent one first */
	struct conn_list dirty;    /* have something to send, or must end */
	struct conn_list starving; /* wait for memory */
	/* How busy it was lately, for the others too. */
	_Atomic int32_t busy_percent;
	_Atomic int64_t busy_at_us;
	int64_t sample_us, sample_cpu_us;
	bool too_busy;         /* since this turn */
	_Atomic int32_t moved; /* connections given to others */
	struct conn *exempt;   /* may have memory beyond the budget */
	_Atomic int32_t conn_count;
	int32_t orphan_count; /* requests that outlived their connection */

	struct receive_pool receive_pool;
	struct outbox *outboxes; /* spare ones */
	size_t outbox_count;
	struct pending *pendings; /* spare ones */
	size_t pending_count;

	struct event on_inbox;
	struct event on_idle;     /* looks for connections silent too long */
	struct event on_hunger;   /* tries the starving again */
	struct event on_hurry;    /* stopping takes a while */
	struct event on_patience; /* stopping has taken long enough */
	bool stopping;
	bool hurrying; /* who does not take its answers is not waited for */
	struct logger_limit log_limit;
	struct pending *running; /* whose handler is at work */

	/* The inbox: from any thread, under the lock. */
	pthread_mutex_t lock;
	struct pending_list woken;
	struct arrival *arrivals;
	struct conn_list
		movers; /* connections of other threads, to live here */
	bool stop_wanted;
	int64_t stop_patience_ms;
	int event_fd;
	_Atomic bool inbox_full; /* something is in it; a hint without lock */
};

int io_thread_init(struct io_thread *t, struct server *server, int32_t number);

/* Start the loop.  Returns 0 or a negative errno. */
int io_thread_start(struct io_thread *t);

/* Ask the thread to end: parked long polls are answered, what runs is waited
 * for, patience_ms at most.  Any thread. */
void io_thread_stop(struct io_thread *t, int64_t patience_ms);

/* Wait for its end. */
void io_thread_join(struct io_thread *t);

/* Nobody may wake a request of it any more. */
void io_thread_clear(struct io_thread *t);

/* The thread that runs, or NULL when it is none of any server. */
struct io_thread *io_thread_self(void);

/* Give the thread an accepted socket.  Any thread. */
void io_thread_give(struct io_thread *t, struct arrival *arrival);

/* Give it a connection that has left its thread.  Any thread. */
void io_thread_adopt(struct io_thread *t, struct conn *conn);

/* Wake the loop, so that it looks into the inbox.  Any thread. */
void io_thread_ring(struct io_thread *t);

void io_thread_turn(struct io_thread *t);
void io_thread_settle(struct io_thread *t);

/* Spare parts; NULL when out of memory. */
struct outbox *io_thread_take_outbox(struct io_thread *t);
void io_thread_give_outbox(struct io_thread *t, struct outbox *o);
struct pending *io_thread_take_pending(struct io_thread *t);
void io_thread_give_pending(struct io_thread *t, struct pending *p);

/* Wait for memory; and not any more. */
void io_thread_starve(struct io_thread *t, struct conn *conn);
void io_thread_unstarve(struct io_thread *t, struct conn *conn);

#endif /* KBROKERD_SERVER_IO_THREAD_H */
