/*
 * peer.h - the connection to one broker
 *
 * Connects when there is something to send, asks for the versions first, and
 * keeps requests and answers in step.  For lib/client only.
 */
#ifndef CLIENT_PEER_H
#define CLIENT_PEER_H

#include "client/request.h"

struct peer;

enum peer_state {
	PEER_DOWN,
	PEER_CONNECTING,
	PEER_HANDSHAKE, /* ApiVersions is under way */
	PEER_READY,
};

/* What all brokers of a client share. */
struct peer_shared {
	struct loop *loop;
	const struct client_config *config;
	struct frame_pool pool;

	/*
	 * The request has an answer, or an error; it is in no list of the
	 * broker's any more.  May be called from within peer_send() and
	 * others, so nobody else is told from here.
	 */
	void (*on_done)(void *arg, struct client_request *request);
	void (*on_ready)(void *arg, struct peer *peer);
	void (*on_down)(void *arg, struct peer *peer);
	/* An event of the loop has been handled: time to tell others. */
	void (*on_settled)(void *arg);
	int entered; /* above 0 when on_settled() is still to come */
	void *arg;
};

/* A broker at that address, id -1 as long as it is not known. */
struct peer *peer_new(struct peer_shared *shared, int32_t id, const char *host,
		      uint16_t port);

/* Its requests end without on_done(); they are idle. */
void peer_free(struct peer *peer);

int32_t peer_id(const struct peer *peer);
void peer_set_id(struct peer *peer, int32_t id);
const char *peer_host(const struct peer *peer);
uint16_t peer_port(const struct peer *peer);
enum peer_state peer_state(const struct peer *peer);

/* It moved: the connection to the old address is closed. */
int peer_set_address(struct peer *peer, const char *host, uint16_t port);

/* "Connection refused": why it is down, or "" if it never was. */
const char *peer_reason(const struct peer *peer);
/* Is it down for what time does not mend: no such name, not Kafka? */
bool peer_is_hopeless(const struct peer *peer);
bool peer_was_ready(const struct peer *peer); /* ever */

/* When it may be connected to (again), by loop_now_ms(). */
int64_t peer_retry_at_ms(const struct peer *peer);

/* Let the pause be over in ms at the latest. */
void peer_hurry(struct peer *peer, int64_t ms);

/* Connect now, if it is down and its pause is over. */
void peer_connect(struct peer *peer);

/* Send, or wait for the connection; deadline and callback are set. */
void peer_send(struct peer *peer, struct client_request *request);

/* Take the request out; where its bytes are half sent the broker is closed. */
void peer_cancel(struct peer *peer, struct client_request *request);

/*
 * Take the request back from where it waits; where it was sent the broker is
 * closed, and it comes as done.
 */
void peer_recall(struct peer *peer, struct client_request *request);

/* The version that request would have: or -ENOTSUP; -EAGAIN if not ready. */
int peer_version(const struct peer *peer, const struct wire_api *api,
		 int16_t min, int16_t max);

#endif /* CLIENT_PEER_H */
