/*
 * change.c - requests that change the cluster: handed to the controller
 *
 * Once submitted a change cannot be called off: the request waits for it even
 * when its connection has gone (on_drop is NULL).
 */
#include "change.h"

#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/quota/quotas.h"

struct pending_change {
	struct metadata_change change;
	struct request *req;
	struct quota_client client;
	int32_t wait_ms; /* for its quota, since then */
	int64_t waits_from_ms;
	void (*finish)(struct request *req, const void *request,
		       void *response);
};

void *change_keep_message(struct request *req)
{
	const struct wire_desc *desc = req->wire->request;
	struct buffer bytes = { 0 };
	struct slice copy = SLICE_NULL;
	void *message = arena_alloc(&req->arena, wire_desc_size(desc));

	if (wire_encode(desc, req->version, req->message, &bytes, NULL) == 0 &&
	    !bytes.failed)
		copy = bytes.len == 0
			       ? slice_of("")
			       : arena_copy(&req->arena, buffer_slice(&bytes));
	buffer_clear(&bytes);
	if (message == NULL || slice_is_null(copy) ||
	    wire_decode(desc, req->version, copy, &req->arena, message) < 0)
		return NULL;
	return message;
}

/* From which version on a change beyond its quota is refused; before, it is
 * made, and whoever asked for it is silent afterwards (KIP-599). */
static int16_t strict_from(int16_t api_key)
{
	static const struct {
		int16_t key, version;
	} rows[] = { { 19, 6 }, { 20, 5 }, { 37, 3 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].key == api_key)
			return rows[i].version;
	}
	return INT16_MAX;
}

static int64_t now_ms(const struct request *req)
{
	struct clock *clock = req->broker->clock;

	return clock->monotonic_us(clock) / 1000;
}

static bool permit(void *arg, int32_t partitions)
{
	struct request *req = arg;
	struct pending_change *pending = req->state;
	bool strict = req->version >= strict_from(req->wire->key);

	pending->waits_from_ms = now_ms(req);
	return quotas_permit(req->broker->quotas, &pending->client, partitions,
			     strict, pending->waits_from_ms, &pending->wait_ms);
}

static void on_done(struct metadata_change *change)
{
	request_wake(change->arg);
}

static void on_wake(struct request *req)
{
	struct pending_change *pending = req->state;

	if (pending->finish != NULL)
		pending->finish(req, pending->change.request,
				pending->change.response);
	if (pending->wait_ms > 0)
		request_throttle(
			req, (int32_t)(pending->wait_ms -
				       (now_ms(req) - pending->waits_from_ms)));
	request_reply(req, pending->change.response);
}

void change_submit(struct request *req,
		   void (*finish)(struct request *req, const void *request,
				  void *response))
{
	struct pending_change *pending =
		arena_calloc(&req->arena, 1, sizeof(*pending));
	void *request = change_keep_message(req);
	void *response =
		arena_alloc(&req->arena, wire_desc_size(req->wire->response));

	if (pending == NULL || request == NULL || response == NULL) {
		request_close(req, "out of memory");
		return;
	}
	pending->finish = finish;
	pending->change = (struct metadata_change){
		.api_key = req->wire->key,
		.version = req->version,
		.request = request,
		.response = response,
		.arena = &req->arena,
		.done = on_done,
		.arg = req,
	};
	pending->client.user = request_user(req);
	pending->client.client_id = arena_copy(&req->arena, req->client_id);
	if (quotas_has(req->broker->quotas, QUOTA_MUTATION))
		pending->change.permit = permit;
	req->state = pending;
	req->on_wake = on_wake;
	request_park(req, INT64_MAX);
	metadata_submit(req->broker->metadata, &pending->change);
}

void change_refuse(struct request *req, int16_t error_code, const char *text)
{
	struct metadata_change change = {
		.api_key = req->wire->key,
		.version = req->version,
		.request = req->message,
		.arena = &req->arena,
	};

	change.response =
		arena_alloc(&req->arena, wire_desc_size(req->wire->response));
	if (change.response == NULL) {
		request_close(req, "out of memory");
		return;
	}
	controller_refuse(&change, error_code, text);
	request_reply(req, change.response);
}
