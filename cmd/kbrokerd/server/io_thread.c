/*
 * io_thread.c - one event loop and the connections that live on it
 *
 * Other threads reach it by the inbox alone: woken requests, accepted sockets,
 * the wish that it stops.  Who fills an empty inbox writes to its eventfd;
 * the thread itself need not, since it looks there at the end of each turn.
 */
#include "kbrokerd/server/io_thread.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/outbox.h"
#include "kbrokerd/server/pending.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/server/share.h"

enum {
	STACK_BYTES = 512 << 10,
	OUTBOX_SPARE_MAX = 64,
	PENDING_SPARE_MAX = 128,
	SETTLE_ROUNDS = 8, /* before other events have their turn */
	WAKES_A_ROUND = 64,
	HUNGER_MS = 20, /* how often starving connections try again */
	IDLE_CHECK_MS = 5000,
	UNREAD_PATIENCE_MS = 2000 /* answers that are not taken, at the end */
};

static __thread struct io_thread *self;

struct io_thread *io_thread_self(void)
{
	return self;
}

void io_thread_turn(struct io_thread *t)
{
	struct clock *clock = t->server->clock;

	/* This thread alone counts. */
	atomic_store_explicit(
		&t->turns,
		atomic_load_explicit(&t->turns, memory_order_relaxed) + 1,
		memory_order_relaxed);
	t->now_us = clock->monotonic_us(clock);
	t->now_ms = clock->wall_ms(clock);
	if (t->now_us - t->sample_us >= SHARE_SAMPLE_US)
		share_sample(t);
}

/* Spare parts */

struct outbox *io_thread_take_outbox(struct io_thread *t)
{
	struct outbox *o = t->outboxes;

	if (o == NULL)
		return calloc(1, sizeof(*o));
	t->outboxes = o->next;
	t->outbox_count--;
	return o;
}

void io_thread_give_outbox(struct io_thread *t, struct outbox *o)
{
	if (t->outbox_count == OUTBOX_SPARE_MAX) {
		outbox_clear(o);
		free(o);
		return;
	}
	outbox_reset(o);
	o->next = t->outboxes;
	t->outboxes = o;
	t->outbox_count++;
}

struct pending *io_thread_take_pending(struct io_thread *t)
{
	struct pending *p = t->pendings;

	if (p == NULL)
		return calloc(1, sizeof(*p));
	t->pendings = p->next_spare;
	t->pending_count--;
	return p;
}

void io_thread_give_pending(struct io_thread *t, struct pending *p)
{
	struct arena arena = p->req.arena;

	if (t->pending_count == PENDING_SPARE_MAX) {
		arena_clear(&arena);
		free(p);
		return;
	}
	arena_reset(&arena);
	memset(p, 0, sizeof(*p));
	p->req.arena = arena;
	p->next_spare = t->pendings;
	t->pendings = p;
	t->pending_count++;
}

/* Memory that is short */

static void add_timer(struct event *timer, int64_t ms)
{
	struct timeval after = { .tv_sec = ms / 1000,
				 .tv_usec = ms % 1000 * 1000 };

	event_add(timer, &after);
}

void io_thread_starve(struct io_thread *t, struct conn *conn)
{
	if (conn->is_starving)
		return;
	if (TAILQ_EMPTY(&t->starving))
		add_timer(&t->on_hunger, HUNGER_MS);
	conn->is_starving = true;
	TAILQ_INSERT_TAIL(&t->starving, conn, starving_link);
}

void io_thread_unstarve(struct io_thread *t, struct conn *conn)
{
	assert(conn->is_starving);
	conn->is_starving = false;
	TAILQ_REMOVE(&t->starving, conn, starving_link);
	conn_heard(conn); /* its silence was our doing */
	conn_mark(conn);
}

/* The first may go beyond the budget, so that they do not all wait for each
 * other; one of a thread at a time. */
static bool feed(struct io_thread *t, struct conn *conn)
{
	if (input_feed(conn, false))
		return true;
	if (t->exempt != NULL && t->exempt != conn)
		return false;
	t->exempt = conn;
	return input_feed(conn, true);
}

/* What the silent sent before holds memory too: better go on with it. */
static void unmute_holders(struct io_thread *t)
{
	struct conn *conn;
	struct conn *next;

	for (conn = TAILQ_FIRST(&t->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn->mute != NULL && conn->in.charged > 0)
			conn_unmute(conn);
	}
}

/* Half requests of which nothing comes hold the memory that others want. */
static void drop_stuck(struct io_thread *t)
{
	int64_t since_us = t->now_us - t->server->stuck_us;
	struct conn *conn;

	TAILQ_FOREACH (conn, &t->conns, link) {
		if (conn->heard_us >= since_us)
			break;
		if (input_is_stuck(conn, since_us))
			conn_fail(conn, "half a request while memory is short",
				  -1, -1, SLICE_NULL);
	}
}

static void on_hunger(evutil_socket_t fd, short what, void *arg)
{
	struct io_thread *t = arg;
	struct conn *conn;
	struct conn *next;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	for (conn = TAILQ_FIRST(&t->starving); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, starving_link);
		if (feed(t, conn))
			io_thread_unstarve(t, conn);
	}
	if (!TAILQ_EMPTY(&t->starving)) {
		add_timer(&t->on_hunger, HUNGER_MS);
		drop_stuck(t);
		unmute_holders(t);
	}
	io_thread_settle(t);
}

/* Connections that are silent too long */

static int64_t idle_check_ms(const struct io_thread *t)
{
	int64_t ms = t->server->config->connections_max_idle_ms / 4;

	if (ms > IDLE_CHECK_MS || ms < 0)
		return IDLE_CHECK_MS;
	return ms < 10 ? 10 : ms;
}

static void on_idle(evutil_socket_t fd, short what, void *arg)
{
	struct io_thread *t = arg;
	int64_t max_ms = t->server->config->connections_max_idle_ms;
	struct conn *conn;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	TAILQ_FOREACH (conn, &t->conns, link) {
		if (max_ms < 0 || conn->heard_us >= t->now_us - max_ms * 1000)
			break;
		if ((conn->inflight > 0 && conn->out == NULL) ||
		    conn->mute != NULL)
			continue; /* it waits for us */
		conn->closing = true;
		conn_mark(conn);
	}
	receive_pool_trim(&t->receive_pool);
	add_timer(&t->on_idle, idle_check_ms(t));
	io_thread_settle(t);
}

/* The inbox */

void io_thread_ring(struct io_thread *t)
{
	uint64_t one = 1;
	ssize_t n = write(t->event_fd, &one, sizeof(one));

	(void)n; /* fails only when it is rung already */
}

void io_thread_give(struct io_thread *t, struct arrival *arrival)
{
	bool first;

	pthread_mutex_lock(&t->lock);
	arrival->next = t->arrivals;
	t->arrivals = arrival;
	first = !atomic_exchange(&t->inbox_full, true);
	pthread_mutex_unlock(&t->lock);
	if (first && self != t)
		io_thread_ring(t);
}

void io_thread_adopt(struct io_thread *t, struct conn *conn)
{
	bool first;

	pthread_mutex_lock(&t->lock);
	TAILQ_INSERT_TAIL(&t->movers, conn, link);
	first = !atomic_exchange(&t->inbox_full, true);
	pthread_mutex_unlock(&t->lock);
	if (first)
		io_thread_ring(t);
}

void io_thread_stop(struct io_thread *t, int64_t patience_ms)
{
	pthread_mutex_lock(&t->lock);
	t->stop_wanted = true;
	t->stop_patience_ms = patience_ms;
	atomic_store(&t->inbox_full, true);
	pthread_mutex_unlock(&t->lock);
	io_thread_ring(t);
}

static struct pending *next_woken(struct io_thread *t)
{
	struct pending *p;

	pthread_mutex_lock(&t->lock);
	p = TAILQ_FIRST(&t->woken);
	if (p != NULL) {
		TAILQ_REMOVE(&t->woken, p, woken_link);
		p->woken = false;
	}
	if (TAILQ_EMPTY(&t->woken) && t->arrivals == NULL &&
	    TAILQ_EMPTY(&t->movers) && !t->stop_wanted)
		atomic_store(&t->inbox_full, false);
	pthread_mutex_unlock(&t->lock);
	return p;
}

static void welcome(struct io_thread *t, struct arrival *arrivals)
{
	while (arrivals != NULL) {
		struct arrival *next = arrivals->next;

		conn_open(t, arrivals);
		free(arrivals);
		arrivals = next;
	}
}

static void welcome_movers(struct conn_list *movers)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(movers)) != NULL) {
		TAILQ_REMOVE(movers, conn, link);
		conn_arrive(conn);
	}
}

static void begin_stop(struct io_thread *t, int64_t patience_ms)
{
	struct conn *conn;

	t->stopping = true;
	if (t->number == 0)
		server_stop_accepting(t->server);
	TAILQ_FOREACH (conn, &t->conns, link)
		conn_wind_down(conn);
	add_timer(&t->on_patience, patience_ms);
	add_timer(&t->on_hurry, UNREAD_PATIENCE_MS);
}

/* Returns false when there was nothing. */
static bool empty_inbox(struct io_thread *t)
{
	struct conn_list movers = TAILQ_HEAD_INITIALIZER(movers);
	struct arrival *arrivals;
	struct pending *p;
	bool stop;

	if (!atomic_load_explicit(&t->inbox_full, memory_order_acquire))
		return false;
	pthread_mutex_lock(&t->lock);
	arrivals = t->arrivals;
	t->arrivals = NULL;
	TAILQ_CONCAT(&movers, &t->movers, link);
	stop = t->stop_wanted;
	t->stop_wanted = false;
	pthread_mutex_unlock(&t->lock);
	welcome(t, arrivals);
	welcome_movers(&movers);
	if (stop)
		begin_stop(t, t->stop_patience_ms);
	for (int i = 0; i < WAKES_A_ROUND && (p = next_woken(t)) != NULL; i++)
		pending_wake(p);
	return true;
}

static void settle_conns(struct io_thread *t)
{
	struct conn *conn;

	while ((conn = TAILQ_FIRST(&t->dirty)) != NULL) {
		TAILQ_REMOVE(&t->dirty, conn, dirty_link);
		conn->is_dirty = false;
		conn_settle(conn);
	}
}

static void end_when_quiet(struct io_thread *t)
{
	struct conn *conn;
	struct conn *next;

	for (conn = TAILQ_FIRST(&t->conns); conn != NULL; conn = next) {
		next = TAILQ_NEXT(conn, link);
		if (conn_is_quiet(conn) ||
		    (t->hurrying && conn->inflight == 0)) {
			conn->closing = true;
			conn_mark(conn);
		}
	}
	settle_conns(t);
	if (TAILQ_EMPTY(&t->conns) && t->orphan_count == 0)
		event_base_loopbreak(t->base);
}

void io_thread_settle(struct io_thread *t)
{
	int rounds = 0;

	do
		settle_conns(t);
	while (++rounds < SETTLE_ROUNDS && empty_inbox(t));
	settle_conns(t);
	if (atomic_load_explicit(&t->inbox_full, memory_order_relaxed))
		event_active(&t->on_inbox, EV_READ, 0);
	if (t->too_busy)
		share_conns(t);
	if (t->stopping)
		end_when_quiet(t);
}

static void on_inbox(evutil_socket_t fd, short what, void *arg)
{
	struct io_thread *t = arg;
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n;
	(void)what;
	io_thread_turn(t);
	io_thread_settle(t);
}

static void on_patience(evutil_socket_t fd, short what, void *arg)
{
	struct io_thread *t = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(t->base);
}

static void on_hurry(evutil_socket_t fd, short what, void *arg)
{
	struct io_thread *t = arg;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	t->hurrying = true;
	io_thread_settle(t);
}

/* Life */

static struct event_base *new_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base = NULL;

	if (config == NULL)
		return NULL;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int io_thread_init(struct io_thread *t, struct server *server, int32_t number)
{
	*t = (struct io_thread){ .server = server, .number = number };
	TAILQ_INIT(&t->conns);
	TAILQ_INIT(&t->dirty);
	TAILQ_INIT(&t->starving);
	TAILQ_INIT(&t->woken);
	TAILQ_INIT(&t->movers);
	pthread_mutex_init(&t->lock, NULL);
	t->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (t->event_fd < 0)
		return -errno;
	t->base = new_base();
	if (t->base == NULL)
		return -ENOMEM;
	event_assign(&t->on_inbox, t->base, t->event_fd, EV_READ | EV_PERSIST,
		     on_inbox, t);
	evtimer_assign(&t->on_idle, t->base, on_idle, t);
	evtimer_assign(&t->on_hunger, t->base, on_hunger, t);
	evtimer_assign(&t->on_patience, t->base, on_patience, t);
	evtimer_assign(&t->on_hurry, t->base, on_hurry, t);
	event_add(&t->on_inbox, NULL);
	io_thread_turn(t);
	return 0;
}

static void close_all(struct io_thread *t)
{
	struct conn_list movers = TAILQ_HEAD_INITIALIZER(movers);
	struct conn *conn;

	pthread_mutex_lock(&t->lock);
	TAILQ_CONCAT(&movers, &t->movers, link);
	pthread_mutex_unlock(&t->lock);
	welcome_movers(&movers);
	TAILQ_FOREACH (conn, &t->conns, link) {
		conn->closing = true;
		conn_mark(conn);
	}
	settle_conns(t);
}

static void *run(void *arg)
{
	struct io_thread *t = arg;
	sigset_t all;

	/* Signals are for others; sendfile(2) to a gone peer raises SIGPIPE. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	self = t;
	add_timer(&t->on_idle, idle_check_ms(t));
	event_base_dispatch(t->base);
	close_all(t); /* what has not ended in time */
	self = NULL;
	return NULL;
}

int io_thread_start(struct io_thread *t)
{
	pthread_attr_t attr;
	char name[16];
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	rc = pthread_create(&t->id, &attr, run, t);
	pthread_attr_destroy(&attr);
	if (rc != 0)
		return -rc;
	t->started = true;
	snprintf(name, sizeof(name), "io-%d", t->number);
	pthread_setname_np(t->id, name);
	return 0;
}

void io_thread_join(struct io_thread *t)
{
	if (t->started)
		pthread_join(t->id, NULL);
	t->started = false;
}

static void drop_arrivals(struct io_thread *t)
{
	while (t->arrivals != NULL) {
		struct arrival *arrival = t->arrivals;

		t->arrivals = arrival->next;
		close(arrival->fd);
		free(arrival);
	}
}

/* Orphans that were woken when nobody could run them any more. */
static void drop_woken(struct io_thread *t)
{
	struct pending *p;

	while ((p = next_woken(t)) != NULL)
		pending_discard(p);
}

void io_thread_clear(struct io_thread *t)
{
	assert(!t->started);
	if (t->server == NULL)
		return;
	close_all(t);
	drop_woken(t);
	drop_arrivals(t);
	while (t->pendings != NULL) {
		struct pending *p = t->pendings;

		t->pendings = p->next_spare;
		arena_clear(&p->req.arena);
		free(p);
	}
	while (t->outboxes != NULL) {
		struct outbox *o = t->outboxes;

		t->outboxes = o->next;
		outbox_clear(o);
		free(o);
	}
	receive_pool_clear(&t->receive_pool);
	if (t->base != NULL) {
		event_del(&t->on_inbox);
		event_base_free(t->base);
	}
	if (t->event_fd >= 0)
		close(t->event_fd);
	pthread_mutex_destroy(&t->lock);
}
