/*
 * change.c - requests that change the cluster: handed to the controller
 *
 * Once submitted a change cannot be called off: the request waits for it even
 * when its connection has gone (on_drop is NULL).
 */
#include "change.h"

#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/controller.h"

struct pending_change {
	struct metadata_change change;
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
