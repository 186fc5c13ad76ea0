/*
 * frame_conn.c - one outgoing connection that speaks frames
 *
 * Life: RESOLVING (a thread looks the name up), CONNECTING (one address after
 * the other), OPEN, CLOSED.
 *
 * Reading: bytes go into a small stage; the frame that is begun there gets a
 * buffer of its own, and from then on the socket is read straight into it,
 * what follows again into the stage, in one readv(2).  So a small frame costs
 * one system call and a large one is copied for its first few KB only.
 *
 * What was sent is told before a frame that came after it.
 *
 * Two rules keep callers safe: what fails inside a call of theirs is told
 * later, by the "soon" timer; and a connection freed inside its own callback
 * is released when that callback is over ("busy").
 */
#include "net/frame_conn.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/resolve.h"

enum { STAGE_BYTES = 16 << 10, READ_ROUNDS_MAX = 16 };

enum state { STATE_RESOLVING, STATE_CONNECTING, STATE_OPEN, STATE_CLOSED };

STAILQ_HEAD(send_list, frame_send);

struct frame_conn {
	struct loop *loop;
	struct frame_conn_handler handler;
	void *arg;
	struct frame_conn_options options; /* host is not kept */
	enum state state;
	int busy; /* callbacks of ours that are running */
	bool is_freed;

	/* Getting there. */
	struct resolve *resolve;
	struct addrinfo *addresses;
	struct addrinfo *next_address;
	struct sockaddr_un unix_address;
	bool is_unix;
	int64_t deadline_ms; /* of the connecting */
	struct loop_timer *connect_timer;

	int fd;
	struct loop_watch *watch;
	struct loop_timer *soon;
	int failure; /* to be told soon; negative errno */
	char text[160];

	/* Coming in. */
	uint8_t stage[STAGE_BYTES];
	size_t stage_len;
	struct frame *frame; /* begun, not whole */
	size_t frame_len;    /* bytes of it that are there */

	uint64_t received_bytes;

	/* Going out. */
	struct send_list unsent;
	struct send_list sent; /* to be told soon */
	size_t unsent_bytes;
};

static void try_connect(struct frame_conn *conn);

static void close_socket(struct frame_conn *conn)
{
	loop_watch_free(conn->watch);
	conn->watch = NULL;
	if (conn->fd >= 0)
		close(conn->fd);
	conn->fd = -1;
}

static void release(struct frame_conn *conn)
{
	close_socket(conn);
	resolve_free(conn->resolve);
	if (conn->addresses != NULL)
		freeaddrinfo(conn->addresses);
	loop_timer_free(conn->connect_timer);
	loop_timer_free(conn->soon);
	frame_free(conn->frame);
	free(conn);
}

static void enter(struct frame_conn *conn)
{
	conn->busy++;
}

static void leave(struct frame_conn *conn)
{
	assert(conn->busy > 0);
	conn->busy--;
	if (conn->busy == 0 && conn->is_freed)
		release(conn);
}

/* It is over: tell, once.  Within enter() and leave(). */
static void conn_close(struct frame_conn *conn, int rc, const char *text)
{
	if (conn->state == STATE_CLOSED || conn->is_freed)
		return;
	conn->state = STATE_CLOSED;
	close_socket(conn);
	loop_timer_stop(conn->connect_timer);
	conn->handler.on_closed(conn->arg, rc, text);
}

/* The same from within a call of the user's: not before the loop runs. */
static void fail_soon(struct frame_conn *conn, int rc, const char *text)
{
	if (conn->failure != 0)
		return;
	conn->failure = rc;
	snprintf(conn->text, sizeof(conn->text), "%s", text);
	if (conn->watch != NULL)
		loop_watch_set(conn->watch, 0);
	loop_timer_set(conn->soon, 0);
}

static void tell_sent(struct frame_conn *conn)
{
	struct frame_send *send;

	while (!conn->is_freed && (send = STAILQ_FIRST(&conn->sent)) != NULL) {
		STAILQ_REMOVE_HEAD(&conn->sent, next);
		conn->handler.on_sent(conn->arg, send);
	}
}

static void on_soon(void *arg)
{
	struct frame_conn *conn = arg;

	enter(conn);
	tell_sent(conn);
	if (conn->failure != 0)
		conn_close(conn, conn->failure, conn->text);
	leave(conn);
}

/*
 * Going out
 */

/* Drop the first n bytes of the pieces; true when nothing is left. */
static bool advance(struct frame_send *send, size_t n)
{
	while (send->count > 0 && n >= send->pieces->iov_len) {
		n -= send->pieces->iov_len;
		send->pieces++;
		send->count--;
	}
	if (n > 0) {
		send->pieces->iov_base = (uint8_t *)send->pieces->iov_base + n;
		send->pieces->iov_len -= n;
	}
	return send->count == 0;
}

static void finish_send(struct frame_conn *conn, struct frame_send *send)
{
	STAILQ_REMOVE_HEAD(&conn->unsent, next);
	if (!send->notify)
		return;
	STAILQ_INSERT_TAIL(&conn->sent, send, next);
	loop_timer_set(conn->soon, 0);
}

static void flush(struct frame_conn *conn)
{
	struct frame_send *send;

	while ((send = STAILQ_FIRST(&conn->unsent)) != NULL) {
		struct msghdr msg = { .msg_iov = send->pieces,
				      .msg_iovlen = (size_t)send->count };
		ssize_t n;

		if (msg.msg_iovlen > IOV_MAX)
			msg.msg_iovlen = IOV_MAX;
		n = sendmsg(conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0) {
			fail_soon(conn, -errno, strerror(errno));
			return;
		}
		conn->unsent_bytes -= (size_t)n;
		if (advance(send, (size_t)n))
			finish_send(conn, send);
	}
	if (loop_watch_set(conn->watch, STAILQ_EMPTY(&conn->unsent)
						? LOOP_READ
						: LOOP_READ | LOOP_WRITE) < 0)
		fail_soon(conn, -ENOMEM, strerror(ENOMEM));
}

void frame_conn_send(struct frame_conn *conn, struct frame_send *send)
{
	bool was_idle = STAILQ_EMPTY(&conn->unsent);

	assert(!send->notify || conn->handler.on_sent != NULL);
	for (int i = 0; i < send->count; i++)
		conn->unsent_bytes += send->pieces[i].iov_len;
	STAILQ_INSERT_TAIL(&conn->unsent, send, next);
	if (was_idle && conn->state == STATE_OPEN && conn->failure == 0)
		flush(conn);
}

size_t frame_conn_unsent(const struct frame_conn *conn)
{
	return conn->unsent_bytes;
}

uint64_t frame_conn_received(const struct frame_conn *conn)
{
	return conn->received_bytes;
}

/*
 * Coming in
 */

/* Hand over the frame that is whole now. */
static void deliver(struct frame_conn *conn)
{
	struct frame *frame = conn->frame;

	conn->frame = NULL;
	conn->frame_len = 0;
	tell_sent(conn);
	if (conn->is_freed) {
		frame_free(frame);
		return;
	}
	conn->handler.on_frame(conn->arg, frame);
}

/* Make a buffer for the frame whose length is at the front of the stage. */
static int begin_frame(struct frame_conn *conn, const uint8_t *at)
{
	int32_t len = (int32_t)get_be32(at);

	if (len < 0)
		return -EBADMSG;
	if ((size_t)len > conn->options.frame_bytes_max)
		return -EMSGSIZE;
	conn->frame = frame_new(conn->options.pool, (size_t)len);
	conn->frame_len = 0;
	return conn->frame == NULL ? -ENOMEM : 0;
}

static const char *frame_problem(int rc)
{
	switch (rc) {
	case -EBADMSG:
		return "a frame of negative length: not a Kafka broker?";
	case -EMSGSIZE:
		return "a frame larger than receive.message.max.bytes: not a "
		       "Kafka broker?";
	default:
		return strerror(-rc);
	}
}

/* Take the frames out of the stage; what remains moves to its front. */
static void unpack_stage(struct frame_conn *conn)
{
	size_t at = 0;
	int rc = 0;

	while (!conn->is_freed && rc == 0) {
		size_t left = conn->stage_len - at;
		size_t need;

		if (conn->frame == NULL) {
			if (left < 4)
				break;
			rc = begin_frame(conn, conn->stage + at);
			at += 4;
			continue;
		}
		need = conn->frame->len - conn->frame_len;
		if (need > left)
			need = left;
		memcpy(conn->frame->data + conn->frame_len, conn->stage + at,
		       need);
		conn->frame_len += need;
		at += need;
		if (conn->frame_len < conn->frame->len)
			break;
		deliver(conn);
	}
	if (rc < 0)
		conn_close(conn, rc, frame_problem(rc));
	conn->stage_len -= at;
	memmove(conn->stage, conn->stage + at, conn->stage_len);
}

/* Read once; true when there may be more at once. */
static bool read_some(struct frame_conn *conn)
{
	size_t rest = 0;
	struct iovec to[2];
	int count = 0;
	size_t room;
	ssize_t n;

	if (conn->frame != NULL) {
		rest = conn->frame->len - conn->frame_len;
		to[count++] =
			(struct iovec){ conn->frame->data + conn->frame_len,
					rest };
	}
	to[count++] = (struct iovec){ conn->stage + conn->stage_len,
				      STAGE_BYTES - conn->stage_len };
	room = rest + to[count - 1].iov_len;
	n = readv(conn->fd, to, count);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		conn_close(conn, n < 0 ? -errno : -EPIPE,
			   n < 0 ? strerror(errno)
				 : "connection closed by the broker");
		return false;
	}
	conn->received_bytes += (uint64_t)n;
	if (conn->frame != NULL && (size_t)n < rest) {
		conn->frame_len += (size_t)n;
		return false;
	}
	conn->frame_len += rest;
	conn->stage_len += (size_t)n - rest;
	if (conn->frame != NULL)
		deliver(conn);
	if (!conn->is_freed)
		unpack_stage(conn);
	return (size_t)n == room && !conn->is_freed &&
	       conn->state == STATE_OPEN;
}

static void on_open_ready(struct frame_conn *conn, unsigned events)
{
	if (events & LOOP_WRITE)
		flush(conn);
	if (!(events & LOOP_READ) || conn->failure != 0)
		return;
	for (int i = 0; i < READ_ROUNDS_MAX; i++) {
		if (!read_some(conn))
			break;
	}
}

/*
 * Getting there
 */

static void set_options(const struct frame_conn *conn)
{
	const struct frame_conn_options *o = &conn->options;
	int one = 1;

	if (!conn->is_unix && !o->nagle)
		setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &one,
			   sizeof(one));
	if (o->keepalive)
		setsockopt(conn->fd, SOL_SOCKET, SO_KEEPALIVE, &one,
			   sizeof(one));
	if (o->send_buffer_bytes > 0)
		setsockopt(conn->fd, SOL_SOCKET, SO_SNDBUF,
			   &o->send_buffer_bytes, sizeof(int));
	if (o->receive_buffer_bytes > 0)
		setsockopt(conn->fd, SOL_SOCKET, SO_RCVBUF,
			   &o->receive_buffer_bytes, sizeof(int));
}

/* The socket is connected.  TLS and SASL will have their turn here. */
static void on_connected(struct frame_conn *conn)
{
	conn->state = STATE_OPEN;
	loop_timer_stop(conn->connect_timer);
	if (loop_watch_set(conn->watch, LOOP_READ) < 0) {
		conn_close(conn, -ENOMEM, strerror(ENOMEM));
		return;
	}
	conn->handler.on_connected(conn->arg);
	if (!conn->is_freed && conn->state == STATE_OPEN)
		flush(conn);
}

/* This address is no good: go on to the next, if there is one. */
static void address_failed(struct frame_conn *conn, int rc)
{
	close_socket(conn);
	if (conn->next_address == NULL || conn->is_unix) {
		fail_soon(conn, rc, strerror(-rc));
		return;
	}
	try_connect(conn);
}

/*
 * A port of this machine that nobody listens to can be the one that the
 * system chose for us: then we would talk to ourselves, and stand in the way
 * of whoever is to listen there.  UNTESTED: the choice is the system's.
 */
static bool is_own_echo(int fd)
{
	struct sockaddr_storage ours = { 0 };
	struct sockaddr_storage theirs = { 0 };
	socklen_t our_len = sizeof(ours);
	socklen_t their_len = sizeof(theirs);

	if (getsockname(fd, (struct sockaddr *)&ours, &our_len) < 0 ||
	    getpeername(fd, (struct sockaddr *)&theirs, &their_len) < 0)
		return false;
	return ours.ss_family != AF_UNIX && our_len == their_len &&
	       memcmp(&ours, &theirs, our_len) == 0;
}

static void on_connect_ready(struct frame_conn *conn)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error == 0 && is_own_echo(conn->fd))
		error = ECONNREFUSED;
	if (error != 0)
		address_failed(conn, -error);
	else
		on_connected(conn);
}

static void on_ready(void *arg, unsigned events)
{
	struct frame_conn *conn = arg;

	enter(conn);
	if (conn->state == STATE_CONNECTING)
		on_connect_ready(conn);
	else if (conn->state == STATE_OPEN)
		on_open_ready(conn, events);
	leave(conn);
}

/* Begin to connect to one address; returns 0 when it is under way. */
static int start_connect(struct frame_conn *conn, const struct sockaddr *to,
			 socklen_t len)
{
	int rc;

	conn->fd = socket(to->sa_family,
			  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -errno;
	set_options(conn);
	if (connect(conn->fd, to, len) < 0 && errno != EINPROGRESS)
		return -errno;
	rc = loop_watch_new(conn->loop, conn->fd, on_ready, conn, &conn->watch);
	if (rc == 0)
		rc = loop_watch_set(conn->watch, LOOP_WRITE);
	return rc;
}

/* The time left is shared by the addresses left. */
static void set_connect_timer(struct frame_conn *conn)
{
	int64_t left = conn->deadline_ms - loop_now_ms(conn->loop);
	int64_t share = 1;

	for (struct addrinfo *a = conn->next_address; a != NULL; a = a->ai_next)
		share++;
	loop_timer_set(conn->connect_timer, left / share);
}

/* Try addresses until one is under way or none is left. */
static void try_connect(struct frame_conn *conn)
{
	int rc = -EADDRNOTAVAIL;

	while (conn->next_address != NULL) {
		struct addrinfo *address = conn->next_address;

		conn->next_address = address->ai_next;
		rc = start_connect(conn, address->ai_addr, address->ai_addrlen);
		if (rc == 0) {
			set_connect_timer(conn);
			return;
		}
		close_socket(conn);
	}
	fail_soon(conn, rc, strerror(-rc));
}

static void on_connect_timer(void *arg)
{
	struct frame_conn *conn = arg;

	enter(conn);
	if (conn->state == STATE_CONNECTING && conn->next_address != NULL) {
		close_socket(conn);
		try_connect(conn);
	} else if (conn->failure == 0) {
		conn_close(conn, -ETIMEDOUT,
			   conn->state == STATE_RESOLVING
				   ? "no answer from the name service in time"
				   : "no answer to connecting in time");
	}
	leave(conn);
}

static void on_resolved(void *arg, struct addrinfo *list, int gai)
{
	struct frame_conn *conn = arg;
	char text[160];

	enter(conn);
	if (list == NULL) {
		snprintf(text, sizeof(text), "the name does not resolve: %s",
			 gai_strerror(gai));
		conn_close(conn, gai == EAI_AGAIN ? -EAGAIN : -ENOENT, text);
	} else {
		conn->addresses = list;
		conn->next_address = list;
		conn->state = STATE_CONNECTING;
		try_connect(conn);
	}
	leave(conn);
}

static int connect_unix(struct frame_conn *conn, const char *path)
{
	struct sockaddr_un *un = &conn->unix_address;

	conn->is_unix = true;
	un->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(un->sun_path))
		return -ENAMETOOLONG;
	strcpy(un->sun_path, path);
	loop_timer_set(conn->connect_timer, conn->options.connect_timeout_ms);
	return start_connect(conn, (const struct sockaddr *)un, sizeof(*un));
}

static int connect_inet(struct frame_conn *conn, const char *host,
			uint16_t port)
{
	int family = conn->options.family;

	if (resolve_now(host, port, family, &conn->addresses) == 0) {
		conn->next_address = conn->addresses;
		try_connect(conn);
		return 0;
	}
	conn->state = STATE_RESOLVING;
	loop_timer_set(conn->connect_timer, conn->options.connect_timeout_ms);
	return resolve_start(conn->loop, host, port, family, on_resolved, conn,
			     &conn->resolve);
}

int frame_conn_open(struct loop *loop, const struct frame_conn_options *options,
		    const struct frame_conn_handler *handler, void *arg,
		    struct frame_conn **conn_out)
{
	struct frame_conn *conn = calloc(1, sizeof(*conn));
	int rc;

	if (conn == NULL)
		return -ENOMEM;
	conn->loop = loop;
	conn->handler = *handler;
	conn->arg = arg;
	conn->options = *options;
	conn->options.host = NULL;
	conn->fd = -1;
	conn->state = STATE_CONNECTING;
	conn->deadline_ms = loop_now_ms(loop) + options->connect_timeout_ms;
	STAILQ_INIT(&conn->unsent);
	STAILQ_INIT(&conn->sent);
	if (loop_timer_new(loop, on_soon, conn, &conn->soon) < 0 ||
	    loop_timer_new(loop, on_connect_timer, conn, &conn->connect_timer) <
		    0) {
		release(conn);
		return -ENOMEM;
	}
	if (strncmp(options->host, "unix:", 5) == 0)
		rc = connect_unix(conn, options->host + 5);
	else
		rc = connect_inet(conn, options->host, options->port);
	if (rc < 0)
		fail_soon(conn, rc, strerror(-rc));
	*conn_out = conn;
	return 0;
}

void frame_conn_free(struct frame_conn *conn)
{
	if (conn == NULL)
		return;
	conn->is_freed = true;
	if (conn->busy == 0)
		release(conn);
}
