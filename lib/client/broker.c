/*
 * broker.c - the connection to one broker
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
#include "client/broker.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/errors.h"
#include "wire/messages.h"

enum {
	API_KEYS_MAX = 128,
	REASON_MAX = 200,
	HANDSHAKES_MAX = 3,
};

struct version_range {
	int16_t min;
	int16_t max; /* below min: the broker has it not */
};

struct broker {
	struct broker_shared *shared;
	int32_t id;
	char *host;
	uint16_t port;
	enum broker_state state;
	bool was_ready; /* ever, at this address */
	char reason[REASON_MAX];

	struct frame_conn *conn;
	struct version_range versions[API_KEYS_MAX];
	int32_t next_correlation_id;
	struct request_list waiting;
	struct request_list sent;

	/* The handshake's request; not in a list. */
	struct client_request *handshake;
	int handshakes;
	int64_t handshake_deadline_ms;

	int64_t pause_ms; /* after the next failure */
	int64_t retry_at_ms;
	struct loop_timer *timer;
	int64_t timer_at_ms; /* INT64_MAX: not running */
};

static void fail(struct broker *b, int rc, const char *reason);

static int64_t now_ms(const struct broker *b)
{
	return loop_now_ms(b->shared->loop);
}

/* Let the timer run no later than at_ms. */
static void wake_at(struct broker *b, int64_t at_ms)
{
	if (at_ms >= b->timer_at_ms)
		return;
	b->timer_at_ms = at_ms;
	loop_timer_set(b->timer, at_ms - now_ms(b));
}

static int32_t next_correlation_id(struct broker *b)
{
	int32_t id = b->next_correlation_id;

	b->next_correlation_id = id == INT32_MAX ? 0 : id + 1;
	return id;
}

static void take_out(struct broker *b, struct client_request *r)
{
	if (r->state == REQUEST_SENT)
		TAILQ_REMOVE(&b->sent, r, next);
	else
		TAILQ_REMOVE(&b->waiting, r, next);
	r->broker = NULL;
	r->state = REQUEST_IDLE;
}

static void finish(struct broker *b, struct client_request *r)
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
static void describe(const struct broker *b, char *text, size_t size)
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

static void finish_failed(struct broker *b, struct client_request *r,
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

int broker_version(const struct broker *broker, const struct wire_api *api,
		   int16_t min, int16_t max)
{
	const struct version_range *theirs;

	if (broker->state != BROKER_READY)
		return -EAGAIN;
	if (api->key >= API_KEYS_MAX)
		return -ENOTSUP;
	theirs = &broker->versions[api->key];
	if (theirs->min > min)
		min = theirs->min;
	if (theirs->max < max)
		max = theirs->max;
	return max >= min ? max : -ENOTSUP;
}

static void refuse_version(struct broker *b, struct client_request *r)
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
static void transmit(struct broker *b, struct client_request *r)
{
	int version = broker_version(b, r->api, r->min_version, r->max_version);
	int rc;

	if (version < 0) {
		refuse_version(b, r);
		return;
	}
	rc = request_encode(r, (int16_t)version, next_correlation_id(b),
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

void broker_send(struct broker *broker, struct client_request *request)
{
	assert(request->state == REQUEST_IDLE);
	request->state = REQUEST_WAITING;
	request->broker = broker;
	TAILQ_INSERT_TAIL(&broker->waiting, request, next);
	wake_at(broker, request->deadline_ms);
	if (broker->state == BROKER_READY)
		transmit(broker, request);
	else
		broker_connect(broker);
}

void broker_cancel(struct broker *broker, struct client_request *request)
{
	if (request->state == REQUEST_WAITING) {
		take_out(broker, request);
		request_release(request);
		return;
	}
	assert(request->state == REQUEST_SENT);
	request->is_orphan = true;
	/* Its payload goes with its owner, so nothing of it may be unsent. */
	if (request->holes.count > 0 && frame_conn_unsent(broker->conn) > 0)
		fail(broker, -ECANCELED, "closed while sending");
}

void broker_recall(struct broker *broker, struct client_request *request)
{
	if (request->state == REQUEST_WAITING)
		take_out(broker, request);
	else
		fail(broker, -ECANCELED, "interrupted");
}

/*
 * The handshake
 */

static void handshake_drop(struct broker *b)
{
	if (b->handshake != NULL)
		request_release(b->handshake);
	b->handshake = NULL;
}

static int handshake_send(struct broker *b, int16_t version)
{
	struct api_versions_request *message;
	int rc;

	handshake_drop(b);
	b->handshake = client_request_new(NULL, API_API_VERSIONS);
	if (b->handshake == NULL)
		return -ENOMEM;
	message = client_request_message(b->handshake);
	message->client_software_name = slice_of("kspool");
	message->client_software_version = slice_of(KSPOOL_VERSION);
	rc = request_encode(b->handshake, version, next_correlation_id(b),
			    b->shared->config->client_id);
	if (rc == 0)
		frame_conn_send(b->conn, &b->handshake->send);
	return rc;
}

static void take_versions(struct broker *b,
			  const struct api_versions_response *response)
{
	for (size_t i = 0; i < API_KEYS_MAX; i++)
		b->versions[i] = (struct version_range){ 0, -1 };
	for (int32_t i = 0; i < response->api_keys_count; i++) {
		const struct api_versions_response_api_keys *key;

		key = &response->api_keys[i];
		if (key->api_key < 0 || key->api_key >= API_KEYS_MAX)
			continue;
		b->versions[key->api_key] =
			(struct version_range){ key->min_version,
						key->max_version };
	}
}

/* A broker that has not this version answers in the layout of version 0. */
static int handshake_decode(struct client_request *r, struct frame *frame)
{
	enum { CODE_AT = 4 };
	uint16_t code;

	if (frame->len >= CODE_AT + 2) {
		code = get_be16(frame->data + CODE_AT);
		if ((int16_t)code == WIRE_UNSUPPORTED_VERSION)
			r->version = 0;
	}
	return request_decode(r, frame);
}

/* The newest version, below the one refused, that the answer offers. */
static int16_t next_handshake(const struct api_versions_response *response,
			      int16_t refused)
{
	for (int32_t i = 0; i < response->api_keys_count; i++) {
		int16_t max = response->api_keys[i].max_version;

		if (response->api_keys[i].api_key != API_API_VERSIONS)
			continue;
		if (max >= 0 && max < refused)
			return max;
	}
	return 0;
}

static void become_ready(struct broker *b)
{
	struct client_request *r;

	handshake_drop(b);
	b->state = BROKER_READY;
	b->was_ready = true;
	b->pause_ms = b->shared->config->reconnect_backoff_ms;
	while ((r = TAILQ_FIRST(&b->waiting)) != NULL)
		transmit(b, r);
	b->shared->on_ready(b->shared->arg, b);
}

static void on_handshake(struct broker *b, struct frame *frame)
{
	const struct api_versions_response *response;
	int16_t asked = b->handshake->version;
	char text[120];

	if (frame->len < 4 ||
	    (int32_t)get_be32(frame->data) != b->handshake->correlation_id) {
		frame_free(frame);
		fail(b, -EBADMSG, "answers out of turn: not a Kafka broker?");
		return;
	}
	if (handshake_decode(b->handshake, frame) < 0) {
		fail(b, -EBADMSG, "its ApiVersions answer is malformed");
		return;
	}
	response = client_request_answer(b->handshake);
	if (response->error_code == WIRE_UNSUPPORTED_VERSION && asked > 0 &&
	    ++b->handshakes < HANDSHAKES_MAX) {
		if (handshake_send(b, next_handshake(response, asked)) < 0)
			fail(b, -ENOMEM, "out of memory");
		return;
	}
	if (response->error_code != WIRE_NONE) {
		snprintf(text, sizeof(text), "ApiVersions: %s",
			 client_code_name(response->error_code));
		fail(b, -EPROTO, text);
		return;
	}
	take_versions(b, response);
	become_ready(b);
}

/*
 * The connection's events
 */

static void enter(struct broker *b)
{
	b->shared->entered++;
}

static void leave(struct broker *b)
{
	b->shared->entered--;
	b->shared->on_settled(b->shared->arg);
}

static void on_connected(void *arg)
{
	struct broker *b = arg;

	enter(b);
	b->state = BROKER_HANDSHAKE;
	b->handshakes = 0;
	b->handshake_deadline_ms =
		now_ms(b) + b->shared->config->connection_setup_timeout_ms;
	wake_at(b, b->handshake_deadline_ms);
	if (handshake_send(b, wire_api(API_API_VERSIONS)->max_version) < 0)
		fail(b, -ENOMEM, "out of memory");
	leave(b);
}

static void on_answer(struct broker *b, struct frame *frame)
{
	struct client_request *r = TAILQ_FIRST(&b->sent);

	if (r == NULL || r->expect_nothing || frame->len < 4 ||
	    (int32_t)get_be32(frame->data) != r->correlation_id) {
		frame_free(frame);
		fail(b, -EBADMSG, "answers out of turn: not a Kafka broker?");
		return;
	}
	request_decode(r, frame);
	finish(b, r);
}

static void on_frame(void *arg, struct frame *frame)
{
	struct broker *b = arg;

	enter(b);
	if (b->state == BROKER_HANDSHAKE)
		on_handshake(b, frame);
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
	struct broker *b = arg;

	enter(b);
	finish(b, request_of(send));
	leave(b);
}

static void on_closed(void *arg, int rc, const char *text)
{
	struct broker *b = arg;

	enter(b);
	fail(b, rc, text);
	leave(b);
}

static void set_pause(struct broker *b)
{
	const struct client_config *config = b->shared->config;

	b->retry_at_ms = now_ms(b) + b->pause_ms;
	b->pause_ms *= 2;
	if (b->pause_ms > config->reconnect_backoff_max_ms)
		b->pause_ms = config->reconnect_backoff_max_ms;
}

/* One that only closes may be anything: say how far it came. */
static void note_reason(struct broker *b, int rc, const char *reason)
{
	bool is_mute = b->state == BROKER_HANDSHAKE &&
		       (rc == -EPIPE || rc == -ECONNRESET);

	snprintf(b->reason, sizeof(b->reason), "%s%s", reason,
		 is_mute ? " before it said what it speaks" : "");
}

/* The connection is over: so is every request that waits for it. */
static void fail(struct broker *b, int rc, const char *reason)
{
	struct client_request *r;

	if (b->state == BROKER_DOWN)
		return;
	note_reason(b, rc, reason);
	b->state = BROKER_DOWN;
	frame_conn_free(b->conn);
	b->conn = NULL;
	handshake_drop(b);
	set_pause(b);
	b->shared->on_down(b->shared->arg, b);
	while ((r = TAILQ_FIRST(&b->sent)) != NULL)
		finish_failed(b, r, kind_of(rc), rc, b->reason);
	while ((r = TAILQ_FIRST(&b->waiting)) != NULL)
		finish_failed(b, r, kind_of(rc), rc, b->reason);
}

void broker_connect(struct broker *broker)
{
	static const struct frame_conn_handler handler = {
		.on_connected = on_connected,
		.on_frame = on_frame,
		.on_sent = on_sent,
		.on_closed = on_closed,
	};
	const struct client_config *config = broker->shared->config;
	struct frame_conn_options options = {
		.host = broker->host,
		.port = broker->port,
		.family = config->broker_address_family,
		.connect_timeout_ms = config->connection_setup_timeout_ms,
		.frame_bytes_max = (size_t)config->receive_message_max_bytes,
		.send_buffer_bytes = (int)config->socket_send_buffer_bytes,
		.receive_buffer_bytes =
			(int)config->socket_receive_buffer_bytes,
		.keepalive = config->socket_keepalive,
		.nagle = !config->socket_nagle_disable,
		.pool = &broker->shared->pool,
	};

	if (broker->state != BROKER_DOWN)
		return;
	if (now_ms(broker) < broker->retry_at_ms) {
		wake_at(broker, broker->retry_at_ms);
		return;
	}
	if (frame_conn_open(broker->shared->loop, &options, &handler, broker,
			    &broker->conn) < 0) {
		set_pause(broker); /* out of memory: later */
		wake_at(broker, broker->retry_at_ms);
		return;
	}
	broker->state = BROKER_CONNECTING;
}

/*
 * Time
 */

static void expire_waiting(struct broker *b, int64_t now)
{
	struct client_request *r = TAILQ_FIRST(&b->waiting);
	struct client_request *next;
	char text[REASON_MAX + 60];

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->deadline_ms > now)
			continue;
		snprintf(text, sizeof(text),
			 "no connection within %" PRId64 " ms%s%s",
			 r->timeout_ms, b->reason[0] == '\0' ? "" : ": ",
			 b->reason);
		finish_failed(b, r, CLIENT_UNREACHABLE, -ETIMEDOUT, text);
	}
}

/* Has more of a long answer come since last time?  Then it may go on. */
static bool is_coming(const struct broker *b, struct client_request *r,
		      int64_t now)
{
	uint64_t received = frame_conn_received(b->conn);

	if (!r->expect_much || received == r->received_bytes)
		return false;
	r->received_bytes = received;
	r->deadline_ms = now + r->timeout_ms;
	return true;
}

static void expire_sent(struct broker *b, int64_t now)
{
	struct client_request *r;
	char text[100];

	TAILQ_FOREACH (r, &b->sent, next) {
		if (r->deadline_ms > now || is_coming(b, r, now))
			continue;
		snprintf(text, sizeof(text),
			 "no answer to %s within %" PRId64 " ms", r->api->name,
			 r->timeout_ms);
		fail(b, -ETIMEDOUT, text);
		return;
	}
}

/* When is there something to do next? */
static int64_t next_wake_ms(const struct broker *b)
{
	const struct client_request *r;
	int64_t at = INT64_MAX;

	TAILQ_FOREACH (r, &b->waiting, next)
		at = r->deadline_ms < at ? r->deadline_ms : at;
	TAILQ_FOREACH (r, &b->sent, next)
		at = r->deadline_ms < at ? r->deadline_ms : at;
	if (b->state == BROKER_HANDSHAKE && b->handshake_deadline_ms < at)
		at = b->handshake_deadline_ms;
	if (b->state == BROKER_DOWN && !TAILQ_EMPTY(&b->waiting) &&
	    b->retry_at_ms < at)
		at = b->retry_at_ms;
	return at;
}

static void on_timer(void *arg)
{
	struct broker *b = arg;
	int64_t now = now_ms(b);

	enter(b);
	b->timer_at_ms = INT64_MAX;
	expire_waiting(b, now);
	expire_sent(b, now);
	if (b->state == BROKER_HANDSHAKE && b->handshake_deadline_ms <= now)
		fail(b, -ETIMEDOUT, "no answer to ApiVersions in time");
	if (b->state == BROKER_DOWN && !TAILQ_EMPTY(&b->waiting))
		broker_connect(b);
	if (next_wake_ms(b) < INT64_MAX)
		wake_at(b, next_wake_ms(b));
	leave(b);
}

/*
 * Life and looks
 */

struct broker *broker_new(struct broker_shared *shared, int32_t id,
			  const char *host, uint16_t port)
{
	struct broker *b = calloc(1, sizeof(*b));

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
		broker_free(b);
		return NULL;
	}
	return b;
}

static void let_go(struct broker *b, struct request_list *list)
{
	struct client_request *r;

	while ((r = TAILQ_FIRST(list)) != NULL) {
		take_out(b, r);
		if (r->is_orphan)
			request_release(r);
	}
}

void broker_free(struct broker *broker)
{
	if (broker == NULL)
		return;
	frame_conn_free(broker->conn);
	handshake_drop(broker);
	let_go(broker, &broker->waiting);
	let_go(broker, &broker->sent);
	loop_timer_free(broker->timer);
	free(broker->host);
	free(broker);
}

int32_t broker_id(const struct broker *broker)
{
	return broker->id;
}

void broker_set_id(struct broker *broker, int32_t id)
{
	broker->id = id;
}

const char *broker_host(const struct broker *broker)
{
	return broker->host;
}

uint16_t broker_port(const struct broker *broker)
{
	return broker->port;
}

enum broker_state broker_state(const struct broker *broker)
{
	return broker->state;
}

int broker_set_address(struct broker *broker, const char *host, uint16_t port)
{
	char *copy = strdup(host);

	if (copy == NULL)
		return -ENOMEM;
	fail(broker, -ECONNRESET, "the broker has moved");
	free(broker->host);
	broker->host = copy;
	broker->port = port;
	broker->retry_at_ms = 0;
	broker->was_ready = false;
	return 0;
}

const char *broker_reason(const struct broker *broker)
{
	return broker->reason;
}

bool broker_was_ready(const struct broker *broker)
{
	return broker->was_ready;
}

int64_t broker_retry_at_ms(const struct broker *broker)
{
	return broker->retry_at_ms;
}
