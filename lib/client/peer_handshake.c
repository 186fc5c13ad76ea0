/*
 * peer_handshake.c - what a broker speaks
 *
 * ApiVersions, from the newest version down to what the broker says it has: it
 * answers one that it does not know in version 0, with an error and what it
 * does know (KIP-511).
 */
#include <errno.h>
#include <stdio.h>

#include "client/peer_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { HANDSHAKES_MAX = 3 };

void peer_handshake_drop(struct peer *b)
{
	if (b->handshake != NULL)
		request_release(b->handshake);
	b->handshake = NULL;
}

static int handshake_send(struct peer *b, int16_t version)
{
	struct api_versions_request *message;
	int rc;

	peer_handshake_drop(b);
	b->handshake = client_request_new(NULL, API_API_VERSIONS);
	if (b->handshake == NULL)
		return -ENOMEM;
	message = client_request_message(b->handshake);
	message->client_software_name = slice_of("kspool");
	message->client_software_version = slice_of(KSPOOL_VERSION);
	rc = request_encode(b->handshake, version, peer_next_correlation_id(b),
			    b->shared->config->client_id);
	if (rc == 0)
		frame_conn_send(b->conn, &b->handshake->send);
	return rc;
}

static void take_versions(struct peer *b,
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

void peer_handshake_answer(struct peer *b, struct frame *frame)
{
	const struct api_versions_response *response;
	int16_t asked = b->handshake->version;
	char text[120];

	if (frame->len < 4 ||
	    (int32_t)get_be32(frame->data) != b->handshake->correlation_id) {
		frame_free(frame);
		peer_fail(b, -EBADMSG,
			  "answers out of turn: not a Kafka broker?");
		return;
	}
	if (handshake_decode(b->handshake, frame) < 0) {
		peer_fail(b, -EBADMSG, "its ApiVersions answer is malformed");
		return;
	}
	response = client_request_answer(b->handshake);
	if (response->error_code == WIRE_UNSUPPORTED_VERSION && asked > 0 &&
	    ++b->handshakes < HANDSHAKES_MAX) {
		if (handshake_send(b, next_handshake(response, asked)) < 0)
			peer_fail(b, -ENOMEM, "out of memory");
		return;
	}
	if (response->error_code != WIRE_NONE) {
		snprintf(text, sizeof(text), "ApiVersions: %s",
			 client_code_name(response->error_code));
		peer_fail(b, -EPROTO, text);
		return;
	}
	take_versions(b, response);
	peer_become_ready(b);
}

int peer_handshake_begin(struct peer *b)
{
	b->handshakes = 0;
	return handshake_send(b, wire_api(API_API_VERSIONS)->max_version);
}
