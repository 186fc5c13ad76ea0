/*
 * fake_broker.h - a broker that says what a test tells it to
 *
 * Listens on a free port of this machine and lives in the client's own loop,
 * so that a test is one thread and nothing in it depends on time.  A request
 * is decoded and given to the test; what the test does not take is answered
 * as a quiet broker would: versions, metadata, a producer id.
 */
#ifndef SUPPORT_FAKE_BROKER_H
#define SUPPORT_FAKE_BROKER_H

#include <sys/queue.h>

#include "net/loop.h"
#include "wire/messages.h"
#include "wire/wire.h"

struct fake_conn;
struct fake_broker;

struct fake_request {
	struct fake_broker *broker;
	struct fake_conn *conn; /* NULL once it is closed */
	int16_t key;
	int16_t version;
	int32_t correlation_id;
	void *message; /* decoded, in arena */
	struct arena arena;
	struct slice frame;
	uint8_t *bytes;
	TAILQ_ENTRY(fake_request) next;
};

TAILQ_HEAD(fake_request_list, fake_request);
LIST_HEAD(fake_conn_list, fake_conn);

struct fake_version {
	int16_t min, max;
};

struct fake_broker {
	struct loop *loop;
	int32_t id;
	uint16_t port;
	int fd;
	struct loop_watch *watch;
	struct fake_conn_list conns;
	struct fake_request_list held;

	/* What ApiVersions says; by key, max below min for none. */
	struct fake_version versions[128];
	int16_t api_versions_max; /* of ApiVersions itself, in fact */

	/* Metadata: one topic, led by leader at leader_port. */
	const char *topic;
	struct uuid topic_id;
	int32_t partitions;
	int32_t leader;
	uint16_t leader_port;
	int16_t topic_code;
	/* Of each partition "a" to "d": where its only replica is; or NULL. */
	const char *racks;

	/* Returns true when the request was taken: answered, held, closed. */
	bool (*on_request)(struct fake_request *request);
	void *arg;

	/* Counted for the test. */
	int accepted;
	int requests[128];
};

/* Dies by assertion when there is no port. */
struct fake_broker *fake_broker_new(struct loop *loop, int32_t id);
void fake_broker_free(struct fake_broker *broker);

/* Close what is connected, and accept nothing more until fake_broker_up(). */
void fake_broker_down(struct fake_broker *broker);
void fake_broker_up(struct fake_broker *broker);

/* Send response in the request's version, or in another; frees request. */
void fake_answer(struct fake_request *request, const void *response);
void fake_answer_version(struct fake_request *request, int16_t version,
			 const void *response);

/* Send these bytes as they are (no length is put in front); frees request. */
void fake_answer_raw(struct fake_request *request, struct slice bytes);

/* Close its connection; frees request and all held ones of it. */
void fake_close(struct fake_request *request);

/* Say nothing, for ever. */
void fake_ignore(struct fake_request *request);

/* Keep it for later in broker->held. */
void fake_hold(struct fake_request *request);
struct fake_request *fake_held(struct fake_broker *broker);

#endif /* SUPPORT_FAKE_BROKER_H */
