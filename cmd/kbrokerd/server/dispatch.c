/*
 * dispatch.c - from a received frame to the handler of its API
 *
 * Only the first eight bytes of a header can be relied on: a client may speak
 * a version of ApiVersions that we do not know, which is answered in version
 * 0 all the same.  Any other unknown API or version ends the connection, since
 * the form of an answer is not known.  Bytes after the body are not looked at
 * (librdkafka sends some).
 */
#include "kbrokerd/server/dispatch.h"

#include <errno.h>
#include <stdatomic.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/pending.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/server/throttle.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	HEADER_BYTES_MIN = 8, /* key, version, correlation id */
	API_VERSIONS_KEY = 18,
	/* What a handler may take besides the decoded message. */
	HANDLER_BYTES_MAX = 512 << 20
};

static void refuse(struct conn *conn, const char *why, const uint8_t *frame)
{
	conn_fail(conn, why, (int16_t)get_be16(frame),
		  (int16_t)get_be16(frame + 2), SLICE_NULL);
}

static struct pending *pending_begin(struct conn *conn, const struct api *api,
				     const struct wire_api *wire,
				     const uint8_t *frame, size_t len)
{
	struct io_thread *t = conn->thread;
	struct pending *p = io_thread_take_pending(t);

	if (p == NULL)
		return NULL;
	p->api = api;
	p->state = PENDING_RUNNING;
	p->req.broker = t->server->broker;
	p->req.conn = conn;
	p->req.thread = t;
	p->req.wire = wire;
	p->req.version = (int16_t)get_be16(frame + 2);
	p->req.correlation_id = (int32_t)get_be32(frame + 4);
	p->req.received_us = t->now_us;
	p->req.arena.limit = wire_decode_budget(len);
	p->frame_bytes = (uint32_t)len;
	TAILQ_INSERT_TAIL(&conn->queue, p, link);
	conn->inflight++;
	return p;
}

static const char *why_not_decoded(int64_t rc)
{
	if (rc == -EMSGSIZE)
		return "request takes too much memory when it is decoded: over "
		       "8 times its bytes, or 128 MiB";
	return rc == -ENOMEM ? "out of memory" : "malformed request";
}

/* Decode header and body.  Returns 0 or -EBADMSG and the like. */
static int64_t decode(struct pending *p, struct slice bytes)
{
	struct request *req = &p->req;
	struct request_header header;
	int64_t n;

	n = wire_decode(&request_header_desc,
			wire_request_header_version(req->wire, req->version),
			bytes, &req->arena, &header);
	if (n < 0)
		return n;
	req->client_id = header.client_id;
	bytes.data += n;
	bytes.len -= (size_t)n;
	req->message =
		arena_alloc(&req->arena, wire_desc_size(req->wire->request));
	if (req->message == NULL)
		return -ENOMEM;
	n = wire_decode(req->wire->request, req->version, bytes, &req->arena,
			req->message);
	req->arena.limit = req->arena.total + HANDLER_BYTES_MAX;
	return n;
}

/* KIP-511: version 0, with an error and the range of this one API. */
static void answer_unknown_api_versions(struct pending *p)
{
	struct api_versions_response_api_keys range = {
		.api_key = API_VERSIONS_KEY,
		.min_version = p->req.wire->min_version,
		.max_version = p->req.wire->max_version,
	};
	struct api_versions_response response;

	wire_init(&api_versions_response_desc, &response);
	response.error_code = WIRE_UNSUPPORTED_VERSION;
	response.api_keys = &range;
	response.api_keys_count = 1;
	p->req.version = 0;
	request_reply(&p->req, &response);
}

static void run(struct pending *p, struct slice frame)
{
	struct io_thread *t = p->req.thread;
	const struct wire_api *wire = p->req.wire;
	int64_t rc;

	if (p->req.version < wire->min_version ||
	    p->req.version > wire->max_version) {
		answer_unknown_api_versions(p);
		return;
	}
	rc = decode(p, frame);
	if (rc < 0) {
		request_close(&p->req, why_not_decoded(rc));
		return;
	}
	observe_request(p, frame);
	throttle_begin_work(p);
	t->running = p;
	p->api->handle(&p->req);
	assert(t->running == NULL); /* answered, parked or closed */
}

/* Controllers' listeners serve other APIs than brokers'. */
static bool is_served_here(const struct conn *conn, const struct wire_api *wire)
{
	return conn->listener->config->controller ? wire->on_controller
						  : wire->on_broker;
}

void dispatch_frame(struct conn *conn, uint8_t *frame, size_t len)
{
	const struct wire_api *wire;
	const struct api *api;
	struct pending *p;
	int16_t key;
	int16_t version;

	if (len < HEADER_BYTES_MIN) {
		conn_fail(conn, "request without a header", -1, -1, SLICE_NULL);
		return;
	}
	key = (int16_t)get_be16(frame);
	version = (int16_t)get_be16(frame + 2);
	api = conn->thread->server->find_api(key);
	if (api == NULL) {
		refuse(conn, "unknown api", frame);
		return;
	}
	wire = wire_api(key);
	if (!is_served_here(conn, wire)) {
		refuse(conn, "api of another kind of listener", frame);
		return;
	}
	if ((version < wire->min_version || version > wire->max_version) &&
	    key != API_VERSIONS_KEY) {
		refuse(conn, "unsupported version", frame);
		return;
	}
	p = pending_begin(conn, api, wire, frame, len);
	if (p == NULL)
		refuse(conn, "out of memory", frame);
	else
		run(p, (struct slice){ frame, len });
}
