/*
 * request.h - one request of the client, from message to answer
 *
 * For lib/client only; what others may do is in client.h.
 */
#ifndef CLIENT_REQUEST_H
#define CLIENT_REQUEST_H

#include <sys/queue.h>

#include "client/client.h"
#include "net/frame_conn.h"
#include "wire/wire.h"

struct peer;

enum request_state {
	REQUEST_IDLE,     /* with its owner */
	REQUEST_UNPLACED, /* waits for any broker, or for the controller */
	REQUEST_WAITING,  /* in a broker's queue */
	REQUEST_SENT,     /* with a broker, answers come in this order */
	REQUEST_DONE,     /* its callback is to be called */
};

struct client_request {
	struct client *client;
	const struct wire_api *api;
	struct arena arena; /* of message and answer */
	void *message;
	int16_t min_version;
	int16_t max_version;
	bool expect_nothing;
	bool expect_much;        /* bytes that come move the deadline */
	uint64_t received_bytes; /* by the connection, as last looked at */

	enum request_state state;
	struct peer *peer; /* WAITING and SENT */
	int32_t node;      /* as asked for */
	int32_t node_used; /* that it was sent to, or -1 */
	int64_t deadline_ms;
	int64_t timeout_ms; /* as asked for, to tell */
	void (*on_done)(void *arg, struct client_request *request);
	void *arg;
	bool is_orphan; /* its owner freed it while it was SENT */
	bool was_sent;
	uint64_t turn; /* of client_settle(), DONE */
	TAILQ_ENTRY(client_request) next;

	int16_t version;
	int32_t correlation_id;
	struct buffer head; /* encoded but for the payloads */
	struct wire_holes holes;
	struct iovec *pieces;
	struct frame_send send;

	struct frame *frame;
	void *answer;
	struct client_error error;
};

TAILQ_HEAD(request_list, client_request);

/*
 * Encode with that correlation id and version; request->send is then ready.
 * Returns 0, -ENOMEM or -EOVERFLOW.
 */
int request_encode(struct client_request *request, int16_t version,
		   int32_t correlation_id, const char *client_id);

/*
 * Decode the answer, whose frame becomes the request's.  Returns 0, -EBADMSG
 * or -ENOMEM with request->error told.
 */
int request_decode(struct client_request *request, struct frame *frame);

/* Forget a former turn, so that it can be sent again. */
void request_rewind(struct client_request *request);

/* Release everything; it is in no list. */
void request_release(struct client_request *request);

#endif /* CLIENT_REQUEST_H */
