/*
 * conn.c - one client's connection
 *
 * Its life: it is opened with an accepted socket and read from.  Reading stops
 * while too many of its requests are being handled, too much of its output is
 * unsent, memory is short, or the client has said that nothing more comes;
 * received requests that had to wait (stalled) are handled before more is
 * read.  Whoever wants it to end sets closing; only conn_settle() ends it, so
 * that no callback finds its connection gone.  With requests that cannot be
 * called off (orphans) a closed one stays until the last of them has ended.
 *
 * Requests are parsed and handled where they were received (input.c keeps what
 * is no whole one yet), and answered through the outbox in their order.
 */
#include "kbrokerd/server/conn.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/server/dispatch.h"
#include "kbrokerd/server/outbox.h"
#include "kbrokerd/server/pending.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/telemetry/telemetry.h"

enum {
	UNSENT_MAX = 1 << 20,       /* bytes in memory of one connection */
	UNSENT_SHORT_MAX = 64 << 10 /* the same while memory is short */
};

static struct budget *budget_of(const struct conn *conn)
{
	return &conn->thread->server->budget;
}

/* The end of it */

static void conn_free(struct conn *conn)
{
	assert(conn->orphans == 0 && conn->fd < 0);
	free(conn->peer_text);
	free(conn->software_text);
	free(conn);
}

void conn_release(struct conn *conn)
{
	if (--conn->orphans == 0 && conn->fd < 0)
		conn_free(conn);
}

static void conn_close(struct conn *conn)
{
	struct io_thread *t = conn->thread;
	struct pending *p;

	assert(!conn->is_dirty);
	if (conn->reading)
		event_del(&conn->on_readable);
	if (conn->writing)
		event_del(&conn->on_writable);
	if (conn->is_starving)
		io_thread_unstarve(t, conn);
	if (conn->mute != NULL)
		conn_unmute(conn);
	input_free(conn);
	while ((p = TAILQ_FIRST(&conn->queue)) != NULL)
		pending_drop(p);
	observe_connection(conn, false);
	if (!uuid_is_zero(conn->telemetry))
		telemetry_gone(t->server->broker->telemetry, conn->telemetry);
	if (conn->out != NULL)
		io_thread_give_outbox(t, conn->out);
	conn->out = NULL;
	close(conn->fd);
	conn->fd = -1;
	doorman_leave(&t->server->doorman, &conn->peer);
	TAILQ_REMOVE(&t->conns, conn, link);
	atomic_fetch_sub(&t->conn_count, 1);
	atomic_fetch_sub(&t->server->conn_count, 1);
	if (conn->orphans == 0)
		conn_free(conn);
}

void conn_mark(struct conn *conn)
{
	if (conn->is_dirty)
		return;
	conn->is_dirty = true;
	TAILQ_INSERT_TAIL(&conn->thread->dirty, conn, dirty_link);
}

static void conn_end(struct conn *conn)
{
	conn->closing = true;
	conn_mark(conn);
}

/* Observers are told why, which they may keep; the log is told text. */
static void fail(struct conn *conn, const char *why, const char *text,
		 int16_t api_key, int16_t version, struct slice client_id)
{
	struct io_thread *t = conn->thread;
	const struct wire_api *api = wire_api(api_key);
	char key[8];
	char number[8];
	char client[128];
	char missed_text[16];
	int32_t missed = 0;

	if (!conn->closing)
		observe_refused(conn, why, api_key);
	if (!conn->closing && t->server->logger != NULL &&
	    logger_allows(&t->log_limit, t->now_ms, 10, &missed)) {
		snprintf(key, sizeof(key), "%d", api_key);
		snprintf(number, sizeof(number), "%d", version);
		snprintf(client, sizeof(client), "%.*s",
			 (int)(client_id.len < 100 ? client_id.len : 100),
			 (const char *)client_id.data);
		snprintf(missed_text, sizeof(missed_text), "%d", missed);
		logger_tell(t->server->logger, LOGGER_WARN, "server",
			    "connection closed", "why", text, "peer",
			    conn_peer(conn), "client",
			    client_id.data == NULL ? NULL : client, "software",
			    conn->software_text, "api",
			    api == NULL         ? api_key < 0 ? NULL : key
			    : api->name == NULL ? key
						: api->name,
			    "#version", api_key < 0 ? NULL : number,
			    "#not_told", missed == 0 ? NULL : missed_text,
			    NULL);
	}
	conn_end(conn);
}

void conn_fail(struct conn *conn, const char *why, int16_t api_key,
	       int16_t version, struct slice client_id)
{
	fail(conn, why, why, api_key, version, client_id);
}

/* What may be done now */

static bool may_handle(const struct conn *conn)
{
	size_t unsent_max = UNSENT_MAX;

	if (conn->closing || conn->thread->stopping || conn->mute != NULL ||
	    conn->inflight >= CONN_INFLIGHT_MAX)
		return false;
	if (conn->out == NULL)
		return true;
	if (budget_is_short(budget_of(conn)))
		unsent_max = UNSENT_SHORT_MAX;
	return outbox_unsent(conn->out) <= unsent_max;
}

static bool may_read(const struct conn *conn)
{
	return may_handle(conn) && !conn->eof && !conn->is_starving &&
	       !conn->stalled;
}

bool conn_is_quiet(const struct conn *conn)
{
	return conn->inflight == 0 && conn->out == NULL && !conn->stalled;
}

/* Input */

/* What its first four bytes say of a client that is not one of Kafka's. */
static const char *what_else(uint32_t start)
{
	static const struct {
		const char *start;
		const char *what;
	} others[] = {
		{ "GET ", "HTTP" },   { "HEAD", "HTTP" }, { "POST", "HTTP" },
		{ "PUT ", "HTTP" },   { "DELE", "HTTP" }, { "OPTI", "HTTP" },
		{ "PRI ", "HTTP/2" }, { "SSH-", "SSH" },
	};

	if (start >> 24 == 0x16 && (start >> 16 & 0xff) == 3)
		return "TLS";
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (get_be32((const uint8_t *)others[i].start) == start)
			return others[i].what;
	}
	return NULL;
}

/* Somebody has taken the port for another one. */
static void fail_stranger(struct conn *conn, const char *what)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "%s spoken at a listener of Kafka's protocol, in plaintext%s",
		 what,
		 strcmp(what, "TLS") == 0
			 ? ": the client has another security.protocol"
			 : "; http.listeners is where the status page is");
	fail(conn, "not Kafka's protocol", text, -1, -1, SLICE_NULL);
}

/* Fails the connection, and returns false, when the size at at is one that no
 * peer of ours sends. */
static bool check_frame(struct conn *conn, size_t at)
{
	uint32_t size;
	char text[96];

	if (conn->in.len - at < FRAME_SIZE_BYTES ||
	    input_frame_bytes(conn, at) > 0)
		return true;
	size = get_be32(conn->in.data + at);
	if (what_else(size) != NULL) {
		fail_stranger(conn, what_else(size));
		return false;
	}
	snprintf(text, sizeof(text),
		 "request of %d bytes, socket.request.max.bytes is %d",
		 (int32_t)size,
		 conn->thread->server->config->request_bytes_max);
	fail(conn, "request beyond socket.request.max.bytes", text, -1, -1,
	     SLICE_NULL);
	return false;
}

/* Handle the requests that are there whole. */
static void handle_input(struct conn *conn)
{
	struct input *in = &conn->in;
	size_t at = 0;
	size_t frame;

	conn->stalled = false;
	while ((frame = input_frame_bytes(conn, at)) > 0 &&
	       frame <= in->len - at) {
		if (!may_handle(conn)) {
			conn->stalled =
				!conn->closing && !conn->thread->stopping;
			conn_mark(conn);
			break;
		}
		dispatch_frame(conn, in->data + at + FRAME_SIZE_BYTES,
			       frame - FRAME_SIZE_BYTES);
		at += frame;
	}
	if (!conn->closing && check_frame(conn, at))
		input_keep(conn, at);
}

/*
 * The client sends nothing more: it may have gone, or wait for answers.  What
 * is being handled is answered, long polls at once.
 */
static void end_of_input(struct conn *conn)
{
	conn->eof = true;
	conn_wind_down(conn);
}

void conn_heard(struct conn *conn)
{
	struct conn_list *conns = &conn->thread->conns;

	conn->heard_us = conn->thread->now_us;
	TAILQ_REMOVE(conns, conn, link);
	TAILQ_INSERT_TAIL(conns, conn, link);
}

static void receive(struct conn *conn)
{
	struct input *in = &conn->in;
	ssize_t n;

	if (input_prepare(conn) < 0) {
		conn_fail(conn, "out of memory", -1, -1, SLICE_NULL);
		return;
	}
	assert(in->len < in->capacity);
	n = recv(conn->fd, in->data + in->len, in->capacity - in->len,
		 MSG_DONTWAIT);
	if (n == 0) {
		end_of_input(conn);
		return;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_end(conn);
		return;
	}
	if (n > 0) {
		in->len += (uint32_t)n;
		conn_heard(conn);
	}
	handle_input(conn);
}

/* Events */

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	struct io_thread *t = conn->thread;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	receive(conn);
	io_thread_settle(t);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	struct io_thread *t = conn->thread;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	conn_mark(conn);
	io_thread_settle(t);
}

static void watch(struct event *event, bool *is_on, bool wanted)
{
	if (*is_on == wanted)
		return;
	if (wanted)
		event_add(event, NULL);
	else
		event_del(event);
	*is_on = wanted;
}

static void flush(struct conn *conn)
{
	int rc = outbox_flush(conn->out, conn->fd);

	if (rc == 0) {
		io_thread_give_outbox(conn->thread, conn->out);
		conn->out = NULL;
	} else if (rc != -EAGAIN) {
		conn->closing = true;
	}
}

void conn_settle(struct conn *conn)
{
	if (conn->out != NULL)
		flush(conn);
	if (conn->stalled && may_handle(conn))
		handle_input(conn);
	if (conn->eof && conn_is_quiet(conn))
		conn->closing = true;
	if (conn->is_dirty && !conn->closing)
		return; /* its turn comes again */
	if (conn->closing) {
		if (conn->is_dirty)
			TAILQ_REMOVE(&conn->thread->dirty, conn, dirty_link);
		conn->is_dirty = false;
		conn_close(conn);
		return;
	}
	watch(&conn->on_readable, &conn->reading, may_read(conn));
	watch(&conn->on_writable, &conn->writing, conn->out != NULL);
}

void conn_wind_down(struct conn *conn)
{
	struct pending *p;

	input_free(conn);
	conn->stalled = false;
	TAILQ_FOREACH (p, &conn->queue, link) {
		if (p->state == PENDING_PARKED && p->api->long_poll)
			pending_hurry(p);
	}
	conn_mark(conn);
}

static void assign_events(struct conn *conn)
{
	struct event_base *base = conn->thread->base;

	event_assign(&conn->on_readable, base, conn->fd, EV_READ | EV_PERSIST,
		     on_readable, conn);
	event_assign(&conn->on_writable, base, conn->fd, EV_WRITE | EV_PERSIST,
		     on_writable, conn);
}

/* Being mute */

struct mute {
	struct event timer;
	int64_t until_us;
};

static void on_silence_over(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	struct io_thread *t = conn->thread;

	(void)fd;
	(void)what;
	io_thread_turn(t);
	conn_unmute(conn);
	io_thread_settle(t);
}

void conn_mute(struct conn *conn, int32_t ms)
{
	struct io_thread *t = conn->thread;
	int64_t until_us = t->now_us + ms * INT64_C(1000);
	struct timeval left = { ms / 1000, ms % 1000 * 1000L };

	if (conn->mute == NULL) {
		conn->mute = calloc(1, sizeof(*conn->mute));
		if (conn->mute == NULL)
			return; /* it was told, which must do */
		evtimer_assign(&conn->mute->timer, t->base, on_silence_over,
			       conn);
	}
	if (conn->mute->until_us >= until_us)
		return;
	conn->mute->until_us = until_us;
	event_add(&conn->mute->timer, &left);
	conn_mark(conn);
}

void conn_unmute(struct conn *conn)
{
	event_del(&conn->mute->timer);
	free(conn->mute);
	conn->mute = NULL;
	conn_heard(conn); /* its silence was our doing */
	if (!conn->closing)
		conn_mark(conn);
}

struct slice conn_user(const struct conn *conn)
{
	(void)conn;
	return slice_of("ANONYMOUS");
}

/* Moving */

bool conn_can_move(const struct conn *conn)
{
	return conn_is_quiet(conn) && conn->orphans == 0 && !conn->eof &&
	       conn->mute == NULL && !conn->closing && !conn->is_dirty &&
	       !conn->is_starving && conn->thread->exempt != conn &&
	       (conn->in.kind == INPUT_NONE || conn->in.kind == INPUT_STASH ||
		conn->in.kind == INPUT_POOL);
}

void conn_leave(struct conn *conn, struct io_thread *to)
{
	struct io_thread *from = conn->thread;

	assert(conn_can_move(conn));
	if (input_shrink(conn) < 0 || conn->is_starving)
		return; /* it stays */
	watch(&conn->on_readable, &conn->reading, false);
	TAILQ_REMOVE(&from->conns, conn, link);
	atomic_fetch_sub(&from->conn_count, 1);
	atomic_fetch_add(&to->conn_count, 1);
	atomic_fetch_add(&from->moved, 1);
	conn->thread = to;
	io_thread_adopt(to, conn);
}

void conn_arrive(struct conn *conn)
{
	struct io_thread *t = conn->thread;

	assign_events(conn);
	conn->heard_us = t->now_us;
	TAILQ_INSERT_TAIL(&t->conns, conn, link);
	conn_mark(conn);
}

void conn_open(struct io_thread *t, const struct arrival *arrival)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	if (conn == NULL) {
		close(arrival->fd);
		doorman_leave(&t->server->doorman, &arrival->peer);
		atomic_fetch_sub(&t->server->conn_count, 1);
		return;
	}
	conn->thread = t;
	conn->listener = arrival->listener;
	conn->fd = arrival->fd;
	conn->peer = arrival->peer;
	conn->heard_us = t->now_us;
	TAILQ_INIT(&conn->queue);
	assign_events(conn);
	TAILQ_INSERT_TAIL(&t->conns, conn, link);
	atomic_fetch_add(&t->conn_count, 1);
	observe_connection(conn, true);
	conn_mark(conn);
}

struct outbox *conn_outbox(struct conn *conn)
{
	if (conn->out == NULL)
		conn->out = io_thread_take_outbox(conn->thread);
	return conn->out;
}

/* Names */

static void address_text(const union peer_address *a, char *text, size_t size)
{
	const uint8_t *bytes = a->v6.sin6_addr.s6_addr;

	text[0] = '\0';
	if (a->any.sa_family == AF_INET)
		inet_ntop(AF_INET, &a->v4.sin_addr, text, (socklen_t)size);
	else if (a->any.sa_family != AF_INET6)
		snprintf(text, size, "localhost");
	else if (IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr))
		inet_ntop(AF_INET, bytes + 12, text, (socklen_t)size);
	else
		inet_ntop(AF_INET6, bytes, text, (socklen_t)size);
}

const char *conn_peer(struct conn *conn)
{
	const union peer_address *a = &conn->peer;
	char host[INET6_ADDRSTRLEN];
	bool is_v6;

	if (conn->peer_text != NULL)
		return conn->peer_text;
	if (a->any.sa_family != AF_INET && a->any.sa_family != AF_INET6)
		return "unix";
	address_text(a, host, sizeof(host));
	is_v6 = strchr(host, ':') != NULL;
	if (asprintf(&conn->peer_text, "%s%s%s:%d", is_v6 ? "[" : "", host,
		     is_v6 ? "]" : "", ntohs(a->v4.sin_port)) < 0)
		conn->peer_text = NULL;
	return conn->peer_text == NULL ? "?" : conn->peer_text;
}

void conn_local_address(const struct conn *conn, char *host, size_t host_size)
{
	union peer_address local = { .any = { .sa_family = AF_UNIX } };
	socklen_t len = sizeof(local);

	if (conn->fd < 0 || getsockname(conn->fd, &local.any, &len) < 0)
		local.any.sa_family = AF_UNIX;
	address_text(&local, host, host_size);
}

int conn_peer_host(const struct conn *conn, char *host, size_t host_size)
{
	sa_family_t family = conn->peer.any.sa_family;

	address_text(&conn->peer, host, host_size);
	return family == AF_INET || family == AF_INET6
		       ? ntohs(conn->peer.v4.sin_port)
		       : 0;
}

struct slice conn_software(const struct conn *conn, struct slice *version_out)
{
	struct slice name = slice_of(conn->software_text);
	const char *slash;

	*version_out = SLICE_NULL;
	if (conn->software_text == NULL)
		return name;
	slash = strrchr(conn->software_text, '/');
	*version_out = slice_of(slash + 1);
	name.len = (size_t)(slash - conn->software_text);
	return name;
}

void conn_set_telemetry(struct conn *conn, struct uuid instance_id)
{
	conn->telemetry = instance_id;
}

void conn_set_software(struct conn *conn, struct slice name,
		       struct slice version)
{
	free(conn->software_text);
	if (asprintf(&conn->software_text, "%.*s/%.*s",
		     (int)(name.len < 64 ? name.len : 64),
		     (const char *)name.data,
		     (int)(version.len < 64 ? version.len : 64),
		     (const char *)version.data) < 0)
		conn->software_text = NULL;
}
