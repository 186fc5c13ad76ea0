/*
 * request.c - one request of the client, from message to answer
 *
 * A request is encoded once it is known which version its broker speaks.
 * Records that lie in payloads are not copied: they are pieces between the
 * encoded ones.
 */
#include "client/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "wire/messages.h"

enum { PAYLOAD_PARTS = 2, LENGTH_BYTES = 4 };

struct client_request *client_request_new(struct client *client,
					  int16_t api_key)
{
	const struct wire_api *api = wire_api(api_key);
	struct client_request *r = calloc(1, sizeof(*r));

	assert(api != NULL && api->request != NULL);
	if (r == NULL)
		return NULL;
	arena_init(&r->arena, 0);
	r->client = client;
	r->api = api;
	r->min_version = api->min_version;
	r->max_version = api->max_version;
	r->node_used = -1;
	r->message = arena_alloc(&r->arena, wire_desc_size(api->request));
	if (r->message == NULL) {
		free(r);
		return NULL;
	}
	wire_init(api->request, r->message);
	return r;
}

void request_release(struct client_request *request)
{
	arena_clear(&request->arena);
	buffer_clear(&request->head);
	wire_holes_clear(&request->holes);
	free(request->pieces);
	frame_free(request->frame);
	free(request);
}

void request_rewind(struct client_request *request)
{
	frame_free(request->frame);
	request->frame = NULL;
	request->answer = NULL;
	request->was_sent = false;
	request->node_used = -1;
	client_error_clear(&request->error);
}

void *client_request_message(struct client_request *request)
{
	return request->message;
}

struct arena *client_request_arena(struct client_request *request)
{
	return &request->arena;
}

void client_request_limit_versions(struct client_request *request, int16_t min,
				   int16_t max)
{
	if (min > request->min_version)
		request->min_version = min;
	if (max < request->max_version)
		request->max_version = max;
}

void client_request_expect_nothing(struct client_request *request)
{
	request->expect_nothing = true;
}

void client_request_expect_much(struct client_request *request)
{
	request->expect_much = true;
}

void *client_request_answer(struct client_request *request)
{
	return request->answer;
}

int16_t client_request_version(const struct client_request *request)
{
	return request->version;
}

const struct client_error *client_request_error(
	const struct client_request *request)
{
	return &request->error;
}

bool client_request_was_sent(const struct client_request *request)
{
	return request->was_sent;
}

int32_t client_request_node(const struct client_request *request)
{
	return request->node_used;
}

struct frame *client_request_take_frame(struct client_request *request)
{
	struct frame *frame = request->frame;

	request->frame = NULL;
	return frame;
}

static void add_piece(struct client_request *r, const uint8_t *data, size_t len)
{
	if (len == 0)
		return;
	r->pieces[r->send.count++] =
		(struct iovec){ .iov_base = (void *)(uintptr_t)data,
				.iov_len = len };
}

/* Lay the encoded bytes and the payloads in a row. */
static int make_pieces(struct client_request *r)
{
	size_t most = 1 + r->holes.count * (1 + PAYLOAD_PARTS);
	size_t at = 0;
	size_t total = r->head.len - LENGTH_BYTES;

	free(r->pieces);
	r->pieces = calloc(most, sizeof(*r->pieces));
	if (r->pieces == NULL)
		return -ENOMEM;
	r->send = (struct frame_send){ .pieces = r->pieces,
				       .notify = r->expect_nothing };
	for (size_t i = 0; i < r->holes.count; i++) {
		const struct wire_hole *hole = &r->holes.items[i];
		const struct client_payload *payload = hole->file;

		add_piece(r, r->head.data + at, hole->at - at);
		for (int p = 0; p < PAYLOAD_PARTS; p++)
			add_piece(r, payload->parts[p].data,
				  payload->parts[p].len);
		at = hole->at;
		total += hole->len;
	}
	add_piece(r, r->head.data + at, r->head.len - at);
	if (total > INT32_MAX)
		return -EOVERFLOW;
	put_be32(r->head.data, (uint32_t)total);
	return 0;
}

int request_encode(struct client_request *request, int16_t version,
		   int32_t correlation_id, const char *client_id)
{
	struct request_header header;
	int rc;

	wire_init(&request_header_desc, &header);
	header.request_api_key = request->api->key;
	header.request_api_version = version;
	header.correlation_id = correlation_id;
	header.client_id = slice_of(client_id);

	request->version = version;
	request->correlation_id = correlation_id;
	buffer_reset(&request->head);
	request->holes.count = 0;
	buffer_put_be32(&request->head, 0);
	rc = wire_encode(&request_header_desc,
			 wire_request_header_version(request->api, version),
			 &header, &request->head, NULL);
	if (rc == 0)
		rc = wire_encode(request->api->request, version,
				 request->message, &request->head,
				 &request->holes);
	if (rc == 0)
		rc = make_pieces(request);
	return rc;
}

int request_decode(struct client_request *request, struct frame *frame)
{
	const struct wire_api *api = request->api;
	struct slice bytes = { frame->data, frame->len };
	struct response_header header;
	void *answer;
	int64_t n;

	request->frame = frame;
	request->arena.limit =
		request->arena.total + wire_decode_budget(frame->len);
	answer = arena_alloc(&request->arena, wire_desc_size(api->response));
	if (answer == NULL)
		return client_error_set(&request->error, CLIENT_REFUSED,
					-ENOMEM, "out of memory");
	n = wire_decode(&response_header_desc,
			wire_response_header_version(api, request->version),
			bytes, &request->arena, &header);
	if (n >= 0) {
		bytes.data += n;
		bytes.len -= (size_t)n;
		n = wire_decode(api->response, request->version, bytes,
				&request->arena, answer);
	}
	request->arena.limit = 0;
	if (n == -EMSGSIZE)
		return client_error_set(
			&request->error, CLIENT_BAD_DATA, (int)n,
			"the broker's answer to %s %d has %zu bytes, and would "
			"take more than %zu of memory",
			api->name, request->version, frame->len,
			wire_decode_budget(frame->len));
	if (n < 0)
		return client_error_set(&request->error, CLIENT_BAD_DATA,
					(int)n,
					"the broker's answer to %s %d is "
					"malformed",
					api->name, request->version);
	request->answer = answer;
	return 0;
}
