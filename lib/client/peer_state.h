/*
 * peer_state.h - what the files of a peer share
 *
 * peer.c sends and keeps time, peer_handshake.c finds out what it speaks.
 */
#ifndef CLIENT_PEER_STATE_H
#define CLIENT_PEER_STATE_H

#include "client/peer.h"

enum {
	API_KEYS_MAX = 128,
	REASON_MAX = 200,
};

struct version_range {
	int16_t min;
	int16_t max; /* below min: the broker has it not */
};

struct peer {
	struct peer_shared *shared;
	int32_t id;
	char *host;
	uint16_t port;
	enum peer_state state;
	bool was_ready; /* ever, at this address */
	char reason[REASON_MAX];
	int reason_rc;

	struct frame_conn *conn;
	struct version_range versions[API_KEYS_MAX];
	int32_t next_correlation_id;
	struct request_list waiting;
	struct request_list sent;

	/* The handshake's request; not in a list. */
	struct client_request *handshake;
	int handshakes;
	int64_t handshake_deadline_ms;

	int64_t throttled_until_ms; /* it asked to be left alone (KIP-219) */

	int64_t pause_ms; /* after the next failure */
	int64_t retry_at_ms;
	struct loop_timer *timer;
	int64_t timer_at_ms; /* INT64_MAX: not running */
};

/* In turn, for the next request. */
int32_t peer_next_correlation_id(struct peer *b);

/* The connection is over: so is every request that waits for it. */
void peer_fail(struct peer *b, int rc, const char *reason);

/* The handshake is done: what waits is sent. */
void peer_become_ready(struct peer *b);

/* Begin it.  Returns 0 or -ENOMEM. */
int peer_handshake_begin(struct peer *b);
/* An answer of it, which is taken; the peer is ready, asked again or failed. */
void peer_handshake_answer(struct peer *b, struct frame *frame);
void peer_handshake_drop(struct peer *b);

#endif /* CLIENT_PEER_STATE_H */
