/*
 * peer.c - the connection to one broker
 *
 * Life: DOWN, CONNECTING, HANDSHAKE (ApiVersions, from the newest version
 * down to what the broker says it has), READY, and DOWN again with a pause
 * before the next try that doubles.
 *
 * A request waits in one list until the broker is READY and is then in
 * another until its answer; Kafka answers in order, so that an answer always
 * belongs to the first.  A request whose time is over while it is with the
 * broker takes the connection with it: the answers behind it are late as
 * well, and nobody could tell them apart from a stuck broker.
 */
#include "client/peer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/peer_state.h"

/* Longer than a broker's quota window; what is longer is no quota. */
enum { THROTTLE_MAX_MS = 60 * 1000 };

static int64_t now_ms(const struct peer *b)
{
	return loop_now_ms(b->shared->loop);
}

/* Let the timer run no later than at_ms. */
static void wake_at(struct peer *b, int64_t at_ms)
{
	if (at_ms >= b->timer_at_ms)
		return;
	b->timer_at_ms = at_ms;
	loop_timer_set(b->timer, at_ms - now_ms(b));
}

int32_t peer_next_correlation_id(struct peer *b)
{
	int32_t id = b->next_correlation_id;

	b->next_correlation_id = id == INT32_MAX ? 0 : id + 1;
	return id;
}

static void take_out(struct peer *b, struct client_request *r)
{
	if (r->state == REQUEST_SENT)
		TAILQ_REMOVE(&b->sent, r, next);
	else
		TAILQ_REMOVE(&b->waiting, r, next);
	r->peer = NULL;
	r->state = REQUEST_IDLE;
}

static void finish(struct peer *b, struct client_request *r)
{
	take_out(b, r);
	if (r->is_orphan)
		request_release(r);
	else
		b->shared->on_done(b->shared->arg, r);
}

static enum client_error_kind kind_of(int rc)
{
	return rc == -EACCES ? CLIENT_AUTH : CLIENT_UNREACHABLE;
}

/* "broker 1 (host:9092)", or only the address. */
static void describe(const struct peer *b, char *text, size_t size)
{
	char address[300];

	if (strncmp(b->host, "unix:", 5) == 0)
		snprintf(address, sizeof(address), "%s", b->host);
	else
		snprintf(address, sizeof(address), "%s:%u", b->host, b->port);
	if (b->id < 0)
		snprintf(text, size, "%s", address);
	else
		snprintf(text, size, "broker %d (%s)", b->id, address);
}

static void finish_failed(struct peer *b, struct client_request *r,
			  enum client_error_kind kind, int rc,
			  const char *reason)
{
	char who[320];

	describe(b, who, sizeof(who));
	client_error_set(&r->error, kind, rc, "%s: %s", who, reason);
	finish(b, r);
}

/*
 * Sending
 */

int peer_version(const struct peer *peer, const struct wire_api *api,
		 int16_t min, int16_t max)
{
	const struct version_range *theirs;

	if (peer->state != PEER_READY)
		return -EAGAIN;
	if (api->key >= API_KEYS_MAX)
		return -ENOTSUP;
	theirs = &peer->versions[api->key];
	if (theirs->min > min)
		min = theirs->min;
	if (theirs->max < max)
		max = theirs->max;
	return max >= min ? max : -ENOTSUP;
}

static void refuse_version(struct peer *b, struct client_request *r)
{
	const struct version_range *v = &b->versions[r->api->key];
	char text[160];

	if (v->max < v->min)
		snprintf(text, sizeof(text), "does not know %s (api %d)",
			 r->api->name, r->api->key);
	else
		snprintf(text, sizeof(text),
			 "has %s in versions %d to %d, needed is %d to %d",
			 r->api->name, v->min, v->max, r->min_version,
			 r->max_version);
	finish_failed(b, r, CLIENT_REFUSED, -ENOTSUP, text);
}

/* Give a WAITING request to the connection. */
static void transmit(struct peer *b, struct client_request *r)
{
	int version = peer_version(b, r->api, r->min_version, r->max_version);
	int rc;

	if (version < 0) {
		refuse_version(b, r);
		return;
	}
	rc = request_encode(r, (int16_t)version, peer_next_correlation_id(b),
			    b->shared->config->client_id);
	if (rc < 0) {
		finish_failed(b, r, CLIENT_REFUSED, rc,
			      rc == -ENOMEM ? "out of memory"
					    : "the request is too large");
		return;
	}
	TAILQ_REMOVE(&b->waiting, r, next);
	TAILQ_INSERT_TAIL(&b->sent, r, next);
	r->state = REQUEST_SENT;
	r->was_sent = true;
	r->received_bytes = frame_conn_received(b->conn);
	r->node_used = b->id;
	frame_conn_send(b->conn, &r->send);
}

/* How long it is to be left alone yet. */
static int64_t throttle_left_ms(const struct peer *b)
{
	int64_t left = b->throttled_until_ms - now_ms(b);

	return left > 0 ? left : 0;
}

/* A quota is over: it says so, and the client waits (KIP-219). */
static void take_throttle(struct peer *b, const struct client_request *r)
{
	int64_t ms;

	if (r->answer == NULL)
		return;
	ms = wire_int32(r->api->response, r->answer, "throttle_time_ms", 0);
	if (ms > THROTTLE_MAX_MS)
		ms = THROTTLE_MAX_MS;
	if (ms > throttle_left_ms(b))
		b->throttled_until_ms = now_ms(b) + ms;
}

static void transmit_waiting(struct peer *b)
{
	struct client_request *r;

	while (b->state == PEER_READY && throttle_left_ms(b) == 0 &&
	       (r = TAILQ_FIRST(&b->waiting)) != NULL)
		transmit(b, r);
}

void peer_send(struct peer *peer, struct client_request *request)
{
	assert(request->state == REQUEST_IDLE);
	request->state = REQUEST_WAITING;
	request->peer = peer;
	TAILQ_INSERT_TAIL(&peer->waiting, request, next);
	/* To be throttled is not the request's fault. */
	request->deadline_ms += throttle_left_ms(peer);
	wake_at(peer, request->deadline_ms);
	if (peer->state != PEER_READY)
		peer_connect(peer);
	else if (throttle_left_ms(peer) > 0)
		wake_at(peer, peer->throttled_until_ms);
	else
		transmit(peer, request);
}

void peer_cancel(struct peer *peer, struct client_request *request)
{
	if (request->state == REQUEST_WAITING) {
		take_out(peer, request);
		request_release(request);
		return;
	}
	assert(request->state == REQUEST_SENT);
	request->is_orphan = true;
	/* Its payload goes with its owner, so nothing of it may be unsent. */
	if (request->holes.count > 0 && frame_conn_unsent(peer->conn) > 0)
		peer_fail(peer, -ECANCELED, "closed while sending");
}

void peer_recall(struct peer *peer, struct client_request *request)
{
	if (request->state == REQUEST_WAITING)
		take_out(peer, request);
	else
		peer_fail(peer, -ECANCELED, "interrupted");
}

void peer_become_ready(struct peer *b)
{
	peer_handshake_drop(b);
	b->state = PEER_READY;
	b->was_ready = true;
	b->pause_ms = b->shared->config->reconnect_backoff_ms;
	transmit_waiting(b);
	if (throttle_left_ms(b) > 0)
		wake_at(b, b->throttled_until_ms);
	b->shared->on_ready(b->shared->arg, b);
}

/*
 * The connection's events
 */

static void enter(struct peer *b)
{
	b->shared->entered++;
}

static void leave(struct peer *b)
{
	b->shared->entered--;
	b->shared->on_settled(b->shared->arg);
}

static void on_connected(void *arg)
{
	struct peer *b = arg;

	enter(b);
	b->state = PEER_HANDSHAKE;
	b->handshake_deadline_ms =
		now_ms(b) + b->shared->config->connection_setup_timeout_ms;
	wake_at(b, b->handshake_deadline_ms);
	if (peer_handshake_begin(b) < 0)
		peer_fail(b, -ENOMEM, "out of memory");
	leave(b);
}

static void on_answer(struct peer *b, struct frame *frame)
{
	struct client_request *r = TAILQ_FIRST(&b->sent);

	if (r == NULL || r->expect_nothing || frame->len < 4 ||
	    (int32_t)get_be32(frame->data) != r->correlation_id) {
		frame_free(frame);
		peer_fail(b, -EBADMSG,
			  "answers out of turn: not a Kafka broker?");
		return;
	}
	request_decode(r, frame);
	take_throttle(b, r);
	finish(b, r);
}

static void on_frame(void *arg, struct frame *frame)
{
	struct peer *b = arg;

	enter(b);
	if (b->state == PEER_HANDSHAKE)
		peer_handshake_answer(b, frame);
	else
		on_answer(b, frame);
	leave(b);
}

static struct client_request *request_of(struct frame_send *send)
{
	return (void *)((uint8_t *)send -
			offsetof(struct client_request, send));
}

static void on_sent(void *arg, struct frame_send *send)
{
	struct peer *b = arg;

	enter(b);
	finish(b, request_of(send));
	leave(b);
}

static void on_closed(void *arg, int rc, const char *text)
{
	struct peer *b = arg;

	enter(b);
	peer_fail(b, rc, text);
	leave(b);
}

static void set_pause(struct peer *b)
{
	const struct client_config *config = b->shared->config;

	b->retry_at_ms = now_ms(b) + b->pause_ms;
	b->pause_ms *= 2;
	if (b->pause_ms > config->reconnect_backoff_max_ms)
		b->pause_ms = config->reconnect_backoff_max_ms;
}

/* One that only closes may be anything: say how far it came. */
static void note_reason(struct peer *b, int rc, const char *reason)
{
	bool is_mute = b->state == PEER_HANDSHAKE &&
		       (rc == -EPIPE || rc == -ECONNRESET);

	b->reason_rc = rc;
	snprintf(b->reason, sizeof(b->reason), "%s%s", reason,
		 is_mute ? " before it said what it speaks" : "");
}

void peer_fail(struct peer *b, int rc, const char *reason)
{
	struct client_request *r;

	if (b->state == PEER_DOWN)
		return;
	note_reason(b, rc, reason);
	b->state = PEER_DOWN;
	frame_conn_free(b->conn);
	b->conn = NULL;
	peer_handshake_drop(b);
	set_pause(b);
	b->shared->on_down(b->shared->arg, b);
	while ((r = TAILQ_FIRST(&b->sent)) != NULL)
		finish_failed(b, r, kind_of(rc), rc, b->reason);
	while ((r = TAILQ_FIRST(&b->waiting)) != NULL)
		finish_failed(b, r, kind_of(rc), rc, b->reason);
}

void peer_connect(struct peer *peer)
{
	static const struct frame_conn_handler handler = {
		.on_connected = on_connected,
		.on_frame = on_frame,
		.on_sent = on_sent,
		.on_closed = on_closed,
	};
	const struct client_config *config = peer->shared->config;
	struct frame_conn_options options = {
		.host = peer->host,
		.port = peer->port,
		.family = config->broker_address_family,
		.connect_timeout_ms = config->connection_setup_timeout_ms,
		.frame_bytes_max = (size_t)config->receive_message_max_bytes,
		.send_buffer_bytes = (int)config->socket_send_buffer_bytes,
		.receive_buffer_bytes =
			(int)config->socket_receive_buffer_bytes,
		.keepalive = config->socket_keepalive,
		.nagle = !config->socket_nagle_disable,
		.pool = &peer->shared->pool,
	};

	if (peer->state != PEER_DOWN)
		return;
	if (now_ms(peer) < peer->retry_at_ms) {
		wake_at(peer, peer->retry_at_ms);
		return;
	}
	if (frame_conn_open(peer->shared->loop, &options, &handler, peer,
			    &peer->conn) < 0) {
		set_pause(peer); /* out of memory: later */
		wake_at(peer, peer->retry_at_ms);
		return;
	}
	peer->state = PEER_CONNECTING;
}

/*
 * Time
 */

static void expire_waiting(struct peer *b, int64_t now)
{
	struct client_request *r = TAILQ_FIRST(&b->waiting);
	struct client_request *next;
	char text[REASON_MAX + 60];

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->deadline_ms > now)
			continue;
		snprintf(text, sizeof(text), "%s within %" PRId64 " ms%s%s",
			 b->state == PEER_READY ? "throttled, not sent"
						: "no connection",
			 r->timeout_ms, b->reason[0] == '\0' ? "" : ": ",
			 b->reason);
		finish_failed(b, r, CLIENT_UNREACHABLE, -ETIMEDOUT, text);
	}
}

/* Has more of a long answer come since last time?  Then it may go on. */
static bool is_coming(const struct peer *b, struct client_request *r,
		      int64_t now)
{
	uint64_t received = frame_conn_received(b->conn);

	if (!r->expect_much || received == r->received_bytes)
		return false;
	r->received_bytes = received;
	r->deadline_ms = now + r->timeout_ms;
	return true;
}

static void expire_sent(struct peer *b, int64_t now)
{
	struct client_request *r;
	char text[100];

	TAILQ_FOREACH (r, &b->sent, next) {
		if (r->deadline_ms > now || is_coming(b, r, now))
			continue;
		snprintf(text, sizeof(text),
			 "no answer to %s within %" PRId64 " ms", r->api->name,
			 r->timeout_ms);
		peer_fail(b, -ETIMEDOUT, text);
		return;
	}
}

/* When is there something to do next? */
static int64_t next_wake_ms(const struct peer *b)
{
	const struct client_request *r;
	int64_t at = INT64_MAX;

	TAILQ_FOREACH (r, &b->waiting, next)
		at = r->deadline_ms < at ? r->deadline_ms : at;
	TAILQ_FOREACH (r, &b->sent, next)
		at = r->deadline_ms < at ? r->deadline_ms : at;
	if (b->state == PEER_READY && !TAILQ_EMPTY(&b->waiting) &&
	    b->throttled_until_ms < at)
		at = b->throttled_until_ms;
	if (b->state == PEER_HANDSHAKE && b->handshake_deadline_ms < at)
		at = b->handshake_deadline_ms;
	if (b->state == PEER_DOWN && !TAILQ_EMPTY(&b->waiting) &&
	    b->retry_at_ms < at)
		at = b->retry_at_ms;
	return at;
}

static void on_timer(void *arg)
{
	struct peer *b = arg;
	int64_t now = now_ms(b);

	enter(b);
	b->timer_at_ms = INT64_MAX;
	expire_waiting(b, now);
	expire_sent(b, now);
	transmit_waiting(b);
	if (b->state == PEER_HANDSHAKE && b->handshake_deadline_ms <= now)
		peer_fail(b, -ETIMEDOUT, "no answer to ApiVersions in time");
	if (b->state == PEER_DOWN && !TAILQ_EMPTY(&b->waiting))
		peer_connect(b);
	if (next_wake_ms(b) < INT64_MAX)
		wake_at(b, next_wake_ms(b));
	leave(b);
}

/*
 * Life and looks
 */

struct peer *peer_new(struct peer_shared *shared, int32_t id, const char *host,
		      uint16_t port)
{
	struct peer *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->shared = shared;
	b->id = id;
	b->port = port;
	b->host = strdup(host);
	b->timer_at_ms = INT64_MAX;
	b->pause_ms = shared->config->reconnect_backoff_ms;
	TAILQ_INIT(&b->waiting);
	TAILQ_INIT(&b->sent);
	if (b->host == NULL ||
	    loop_timer_new(shared->loop, on_timer, b, &b->timer) < 0) {
		peer_free(b);
		return NULL;
	}
	return b;
}

static void let_go(struct peer *b, struct request_list *list)
{
	struct client_request *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		take_out(b, r);
		if (r->is_orphan)
			request_release(r);
	}
}

void peer_free(struct peer *peer)
{
	if (peer == NULL)
		return;
	frame_conn_free(peer->conn);
	peer_handshake_drop(peer);
	let_go(peer, &peer->waiting);
	let_go(peer, &peer->sent);
	loop_timer_free(peer->timer);
	free(peer->host);
	free(peer);
}

int32_t peer_id(const struct peer *peer)
{
	return peer->id;
}

void peer_set_id(struct peer *peer, int32_t id)
{
	peer->id = id;
}

const char *peer_host(const struct peer *peer)
{
	return peer->host;
}

uint16_t peer_port(const struct peer *peer)
{
	return peer->port;
}

enum peer_state peer_state(const struct peer *peer)
{
	return peer->state;
}

int peer_set_address(struct peer *peer, const char *host, uint16_t port)
{
	char *copy = strdup(host);

	if (copy == NULL)
		return -ENOMEM;
	peer_fail(peer, -ECONNRESET, "the broker has moved");
	free(peer->host);
	peer->host = copy;
	peer->port = port;
	peer->retry_at_ms = 0;
	peer->was_ready = false;
	return 0;
}

const char *peer_reason(const struct peer *peer)
{
	return peer->reason;
}

bool peer_is_hopeless(const struct peer *peer)
{
	bool is_unix = strncmp(peer->host, "unix:", 5) == 0;

	return peer->state == PEER_DOWN &&
	       (peer->reason_rc == -EBADMSG || peer->reason_rc == -EPROTO ||
		(peer->reason_rc == -ENOENT && !is_unix));
}

void peer_hurry(struct peer *peer, int64_t ms)
{
	if (peer->retry_at_ms > now_ms(peer) + ms)
		peer->retry_at_ms = now_ms(peer) + ms;
}

bool peer_was_ready(const struct peer *peer)
{
	return peer->was_ready;
}

int64_t peer_retry_at_ms(const struct peer *peer)
{
	return peer->retry_at_ms;
}
