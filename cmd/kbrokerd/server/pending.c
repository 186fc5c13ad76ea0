/*
 * pending.c - requests while they run, wait and are answered
 *
 * The functions of request.h.  All but request_wake() run on the request's io
 * thread, and never while another request of the thread is at work.
 *
 * A request ends exactly once, by pending_finish(): it leaves the timer and
 * the inbox, its memory is given back, and when all before it in its
 * connection have ended too, the answers go to the outbox in their order.
 */
#include "kbrokerd/server/pending.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/outbox.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/server/throttle.h"

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct pending *p = arg;
	struct io_thread *t = p->req.thread;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	p->has_deadline = false;
	pending_time_out(p);
	io_thread_settle(t);
}

/* What a handler must do once has been done. */
static void stop_running(struct pending *p)
{
	assert(p->state == PENDING_RUNNING);
	if (p->req.thread->running == p)
		p->req.thread->running = NULL;
}

static void start_running(struct pending *p)
{
	assert(p->state == PENDING_PARKED);
	p->state = PENDING_RUNNING;
	p->req.thread->running = p;
	throttle_begin_work(p);
}

void pending_wake(struct pending *p)
{
	struct io_thread *t = p->req.thread;

	start_running(p);
	p->req.on_wake(&p->req);
	assert(t->running == NULL);
}

void pending_time_out(struct pending *p)
{
	struct io_thread *t = p->req.thread;

	start_running(p);
	p->req.on_deadline(&p->req);
	assert(t->running == NULL);
}

static void clear_deadline(struct pending *p)
{
	event_del(&p->timer);
	p->has_deadline = false;
}

static void unhook(struct pending *p)
{
	struct io_thread *t = p->req.thread;

	if (p->has_deadline)
		clear_deadline(p);
	if (!p->has_parked)
		return;
	pthread_mutex_lock(&t->lock);
	if (p->woken)
		TAILQ_REMOVE(&t->woken, p, woken_link);
	p->woken = false;
	pthread_mutex_unlock(&t->lock);
}

static void recycle(struct pending *p)
{
	struct io_thread *t = p->req.thread;

	if (p->answer != NULL)
		io_thread_give_outbox(t, p->answer);
	io_thread_give_pending(t, p);
}

/* Append the answer of the first in the queue. */
static void send_answer(struct conn *conn, struct pending *p)
{
	if (p->answer == NULL)
		return;
	if (conn->out == NULL) {
		conn->out = p->answer;
		p->answer = NULL;
	} else if (outbox_join(conn->out, p->answer) < 0) {
		conn_fail(conn, "out of memory", p->req.wire->key,
			  p->req.version, SLICE_NULL);
	}
}

/* Those at the front of the queue that are done leave it. */
static void advance(struct conn *conn)
{
	struct pending *p;

	while ((p = TAILQ_FIRST(&conn->queue)) != NULL &&
	       p->state == PENDING_DONE) {
		TAILQ_REMOVE(&conn->queue, p, link);
		conn->inflight--;
		send_answer(conn, p);
		recycle(p);
	}
}

static void pending_finish(struct pending *p)
{
	struct conn *conn = p->req.conn;

	observe_answer(p, NULL, 0); /* it had none */
	unhook(p);
	arena_reset(&p->req.arena);
	p->state = PENDING_DONE;
	if (p->orphan) {
		p->req.thread->orphan_count--;
		recycle(p);
		conn_release(conn);
		return;
	}
	conn_mark(conn);
	if (TAILQ_FIRST(&conn->queue) == p)
		advance(conn);
}

void pending_drop(struct pending *p)
{
	struct conn *conn = p->req.conn;

	assert(p->state != PENDING_RUNNING);
	TAILQ_REMOVE(&conn->queue, p, link);
	conn->inflight--;
	if (p->state == PENDING_PARKED && p->req.on_drop == NULL) {
		p->orphan = true;
		conn->orphans++;
		p->req.thread->orphan_count++;
		return;
	}
	if (p->state == PENDING_PARKED) {
		observe_answer(p, NULL, 0);
		p->req.on_drop(&p->req);
		unhook(p);
		arena_reset(&p->req.arena);
	}
	recycle(p);
}

void pending_discard(struct pending *p)
{
	struct conn *conn = p->req.conn;

	assert(p->orphan);
	observe_answer(p, NULL, 0);
	recycle(p);
	conn_release(conn);
}

/* The answer goes, and then nothing is read for a while (KIP-219). */
static void silence(struct pending *p, int32_t ms)
{
	if (ms > 0 && !p->orphan)
		conn_mute(p->req.conn, ms);
}

/* Where the answer is to be encoded; NULL when out of memory. */
static struct outbox *answer_box(struct pending *p)
{
	struct conn *conn = p->req.conn;

	if (!p->orphan && TAILQ_FIRST(&conn->queue) == p)
		return conn_outbox(conn);
	p->answer = io_thread_take_outbox(p->req.thread);
	return p->answer;
}

void request_reply(struct request *req, void *message)
{
	struct pending *p = pending_of(req);
	int32_t silence_ms = throttle_answer(p, message);
	struct outbox *box;
	int64_t n;

	stop_running(p);
	box = answer_box(p);
	n = box == NULL ? -ENOMEM
			: outbox_put(box, req->wire, req->version,
				     req->correlation_id, message);
	if (n < 0 && !p->orphan)
		conn_fail(req->conn, "answer cannot be encoded", req->wire->key,
			  req->version, SLICE_NULL);
	if (n >= 0 && !p->orphan)
		observe_answer(p, message, (size_t)n);
	silence(p, silence_ms);
	pending_finish(p);
}

void request_end(struct request *req)
{
	struct pending *p = pending_of(req);

	stop_running(p);
	silence(p, throttle_answer(p, NULL));
	pending_finish(p);
}

void request_close(struct request *req, const char *why)
{
	struct pending *p = pending_of(req);

	stop_running(p);
	if (!p->orphan)
		conn_fail(req->conn, why, req->wire->key, req->version,
			  req->client_id);
	pending_finish(p);
}

static void set_deadline(struct pending *p, int64_t deadline_us)
{
	int64_t left_us = deadline_us - p->req.thread->now_us;
	struct timeval left;

	if (left_us < 0)
		left_us = 0;
	left.tv_sec = left_us / 1000000;
	left.tv_usec = left_us % 1000000;
	event_add(&p->timer, &left);
	p->has_deadline = true;
}

void pending_hurry(struct pending *p)
{
	assert(p->state == PENDING_PARKED);
	if (p->req.on_deadline != NULL)
		set_deadline(p, p->req.thread->now_us);
}

void request_park(struct request *req, int64_t deadline_us)
{
	struct pending *p = pending_of(req);
	struct io_thread *t = req->thread;

	stop_running(p);
	throttle_end_work(p);
	assert(req->on_wake != NULL);
	assert(req->on_deadline != NULL || deadline_us == INT64_MAX);
	p->state = PENDING_PARKED;
	if (!p->has_parked) /* it lies in the frame */
		req->client_id = arena_copy(&req->arena, req->client_id);
	if (!p->has_parked)
		evtimer_assign(&p->timer, t->base, on_timer, p);
	p->has_parked = true;
	if (p->api->long_poll && (t->stopping || req->conn->eof))
		set_deadline(p, t->now_us);
	else if (deadline_us != INT64_MAX)
		set_deadline(p, deadline_us);
	else if (p->has_deadline)
		clear_deadline(p);
}

void request_wake(struct request *req)
{
	struct pending *p = pending_of(req);
	struct io_thread *t = req->thread;
	bool first = false;

	pthread_mutex_lock(&t->lock);
	if (!p->woken) {
		p->woken = true;
		TAILQ_INSERT_TAIL(&t->woken, p, woken_link);
		first = !atomic_exchange(&t->inbox_full, true);
	}
	pthread_mutex_unlock(&t->lock);
	if (first && io_thread_self() != t)
		io_thread_ring(t);
}

int64_t request_now_us(const struct request *req)
{
	return req->thread->now_us;
}

int64_t request_now_ms(const struct request *req)
{
	return req->thread->now_ms;
}

struct slice request_user(const struct request *req)
{
	return conn_user(req->conn);
}

const char *request_peer(const struct request *req)
{
	return conn_peer(req->conn);
}

bool request_on_controller_listener(const struct request *req)
{
	return req->conn->listener->config->controller;
}

void request_set_client_software(struct request *req, struct slice name,
				 struct slice version)
{
	conn_set_software(req->conn, name, version);
}

void request_advertised(const struct request *req, struct endpoint *out)
{
	const struct server *s = req->thread->server;
	const struct listener *l = req->conn->listener;

	if (advertised_get(&s->advertised, (size_t)(l - s->listeners),
			   out->host, &out->port)) {
		if (out->port == 0)
			out->port = l->port;
		return;
	}
	/* Clients that can come by a socket can come by it again. */
	if (l->port < 0 && l->config->host[0] == '/') {
		snprintf(out->host, sizeof(out->host), "unix:%.*s",
			 (int)(sizeof(out->host) - sizeof("unix:")),
			 l->config->host);
		out->port = 0;
		return;
	}
	conn_local_address(req->conn, out->host, sizeof(out->host));
	out->port = l->port > 0 ? l->port : server_port(s);
}
