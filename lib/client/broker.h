/*
 * broker.h - the connection to one broker
 *
 * Connects when there is something to send, asks for the versions first, and
 * keeps requests and answers in step.  For lib/client only.
 */
#ifndef CLIENT_BROKER_H
#define CLIENT_BROKER_H

#include "client/request.h"

struct broker;

enum broker_state {
	BROKER_DOWN,
	BROKER_CONNECTING,
	BROKER_HANDSHAKE, /* ApiVersions is under way */
	BROKER_READY,
};

/* What all brokers of a client share. */
struct broker_shared {
	struct loop *loop;
	const struct client_config *config;
	struct frame_pool pool;

	/*
	 * The request has an answer, or an error; it is in no list of the
	 * broker's any more.  May be called from within broker_send() and
	 * others, so nobody else is told from here.
	 */
	void (*on_done)(void *arg, struct client_request *request);
	void (*on_ready)(void *arg, struct broker *broker);
	void (*on_down)(void *arg, struct broker *broker);
	/* An event of the loop has been handled: time to tell others. */
	void (*on_settled)(void *arg);
	int entered; /* above 0 when on_settled() is still to come */
	void *arg;
};

/* A broker at that address, id -1 as long as it is not known. */
struct broker *broker_new(struct broker_shared *shared, int32_t id,
			  const char *host, uint16_t port);

/* Its requests end without on_done(); they are idle. */
void broker_free(struct broker *broker);

int32_t broker_id(const struct broker *broker);
void broker_set_id(struct broker *broker, int32_t id);
const char *broker_host(const struct broker *broker);
uint16_t broker_port(const struct broker *broker);
enum broker_state broker_state(const struct broker *broker);

/* It moved: the connection to the old address is closed. */
int broker_set_address(struct broker *broker, const char *host, uint16_t port);

/* "Connection refused": why it is down, or "" if it never was. */
const char *broker_reason(const struct broker *broker);
bool broker_was_ready(const struct broker *broker); /* ever */

/* When it may be connected to (again), by loop_now_ms(). */
int64_t broker_retry_at_ms(const struct broker *broker);

/* Connect now, if it is down and its pause is over. */
void broker_connect(struct broker *broker);

/* Send, or wait for the connection; deadline and callback are set. */
void broker_send(struct broker *broker, struct client_request *request);

/* Take the request out; where its bytes are half sent the broker is closed. */
void broker_cancel(struct broker *broker, struct client_request *request);

/*
 * Take the request back from where it waits; where it was sent the broker is
 * closed, and it comes as done.
 */
void broker_recall(struct broker *broker, struct client_request *request);

/* The version that request would have: or -ENOTSUP; -EAGAIN if not ready. */
int broker_version(const struct broker *broker, const struct wire_api *api,
		   int16_t min, int16_t max);

#endif /* CLIENT_BROKER_H */
