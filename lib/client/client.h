/*
 * client.h - requests to a cluster
 *
 * A client knows the bootstrap servers, learns the brokers, keeps a
 * connection to each that it needs, and chooses versions.  One client, one
 * loop, one thread.
 *
 *	struct client_request *r = client_request_new(client, 60);
 *	struct describe_cluster_request *q = client_request_message(r);
 *	...                                  fill *q, arrays from the arena
 *	rc = client_call(r, CLIENT_ANY_NODE, 5000);
 *	if (rc == 0)
 *		answer = client_request_answer(r);
 *	else
 *		... client_request_error(r)->text
 *	client_request_free(r);
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include <sys/queue.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "client/client_config.h"
#include "client/client_error.h"
#include "net/loop.h"

struct client;
struct client_request;
struct frame;

/* Keys of the requests that are made most; any other number works as well. */
enum {
	API_PRODUCE = 0,
	API_FETCH = 1,
	API_LIST_OFFSETS = 2,
	API_METADATA = 3,
	API_OFFSET_COMMIT = 8,
	API_OFFSET_FETCH = 9,
	API_FIND_COORDINATOR = 10,
	API_JOIN_GROUP = 11,
	API_HEARTBEAT = 12,
	API_LEAVE_GROUP = 13,
	API_SYNC_GROUP = 14,
	API_DESCRIBE_GROUPS = 15,
	API_API_VERSIONS = 18,
	API_CREATE_TOPICS = 19,
	API_DELETE_TOPICS = 20,
	API_INIT_PRODUCER_ID = 22,
	API_DESCRIBE_CONFIGS = 32,
	API_CREATE_PARTITIONS = 37,
	API_INCREMENTAL_ALTER_CONFIGS = 44,
	API_DESCRIBE_CLUSTER = 60,
	API_CONSUMER_GROUP_HEARTBEAT = 68,
};

enum {
	CLIENT_ANY_NODE = -1,   /* whoever is connected, else whoever answers */
	CLIENT_CONTROLLER = -2, /* looked up first */
};

/*
 * Starts to connect at once.  config must outlive the client; it is finished
 * by client_config_finish().  Returns 0, -ENOMEM, or -EINVAL with *error told
 * (no usable bootstrap server, a configuration that makes no sense).
 */
int client_new(struct loop *loop, struct client_config *config,
	       struct client **client_out, struct client_error *error);

/* Producers, consumers and requests of the client have been freed before. */
void client_free(struct client *client);

struct loop *client_loop(struct client *client);
const struct client_config *client_config(const struct client *client);

/*
 * Requests
 */

/*
 * A request of that api whose message has its defaults.  The request owns an
 * arena from which the message's arrays and texts are best taken; others must
 * outlive it.  NULL when out of memory.
 */
struct client_request *client_request_new(struct client *client,
					  int16_t api_key);

/* Also cancels one that is under way: its callback will not be called. */
void client_request_free(struct client_request *request);

/*
 * Free it and close the connection that it was sent on, so that what is sent
 * next has not to wait for its answer; others on that connection fail.
 */
void client_request_abort(struct client_request *request);

void *client_request_message(struct client_request *request);
struct arena *client_request_arena(struct client_request *request);

/*
 * Send only in versions within [min, max]; the default is all that the codec
 * knows.  A broker that has none of them fails the request (CLIENT_REFUSED,
 * -ENOTSUP) with api and versions in the text.
 */
void client_request_limit_versions(struct client_request *request, int16_t min,
				   int16_t max);

/*
 * Send to the node.  The answer, or the failure, comes once as
 * on_done(arg, request), after which the request is the caller's to free, or
 * to look at as long as it likes; its message can be sent again.
 *
 * timeout_ms counts from now until the answer, connecting included.  A
 * request to a certain node fails as soon as connecting to it fails; one to
 * any node tries every address that is known, and fails when none is left, or
 * once a connection stood before, at its timeout.  A request that ran out of
 * time closes its connection when it was sent already.  Nothing is sent twice.
 */
void client_send(struct client_request *request, int32_t node,
		 int64_t timeout_ms,
		 void (*on_done)(void *arg, struct client_request *request),
		 void *arg);

/*
 * The same, running the loop until the answer.  Not from within a callback.
 * Returns 0 or a negative errno, with the rest in client_request_error();
 * -EINTR when loop_stop() was called meanwhile (the request is cancelled).
 */
int client_call(struct client_request *request, int32_t node,
		int64_t timeout_ms);

/*
 * Records to send without copying them: in a message, records.file points to
 * one and records.len is the sum of its parts.  Payload and bytes stay as they
 * are until the request is done or freed.
 */
struct client_payload {
	struct slice parts[2];
};

/* There will be no answer (acks=0): the request is done once it is sent. */
void client_request_expect_nothing(struct client_request *request);

/*
 * The answer may be long: the timeout counts from the last bytes received
 * rather than from the sending.
 */
void client_request_expect_much(struct client_request *request);

/* The answer decoded; NULL unless it succeeded.  Lives in the request. */
void *client_request_answer(struct client_request *request);
int16_t client_request_version(const struct client_request *request);

/* kind CLIENT_OK when it succeeded.  Error codes in the answer do not count. */
const struct client_error *client_request_error(
	const struct client_request *request);

/* Did the request leave, so that a broker may have acted on it? */
bool client_request_was_sent(const struct client_request *request);

/* Where it went: the node's id, or -1. */
int32_t client_request_node(const struct client_request *request);

/*
 * Take the received bytes from the request: records of the answer, which are
 * slices of them, then live until frame_free().
 */
struct frame *client_request_take_frame(struct client_request *request);

/* Version in which such a request would go to the node now, or -ENOTSUP;
 * -EAGAIN as long as no connection to it stands. */
int client_api_version(struct client *client, int32_t node, int16_t api_key);

/*
 * What the client knows of the cluster
 */

struct client_node {
	int32_t id;
	const char *host;
	uint16_t port;
	const char *rack; /* NULL for none */
};

struct client_partition {
	int32_t leader; /* -1 for none */
	int32_t leader_epoch;
	int16_t code;            /* WIRE_NONE, WIRE_LEADER_NOT_AVAILABLE ... */
	const int32_t *replicas; /* nodes, whether they are alive or not */
	int32_t replica_count;
};

struct client_topic {
	const char *name;
	struct uuid id; /* zero where the broker knows no ids */
	int16_t code;   /* WIRE_NONE, or why the rest is empty */
	bool is_known;  /* an answer has come */
	bool is_internal;
	int32_t partition_count;
	struct client_partition *partitions;
};

const struct client_node *client_nodes(const struct client *client,
				       size_t *count_out);
const struct client_node *client_node(const struct client *client, int32_t id);
const char *client_cluster_id(const struct client *client); /* or NULL */
int32_t client_controller_id(const struct client *client);  /* or -1 */

/*
 * The topic, kept up to date from now on; the pointer is valid as long as the
 * client, its partitions until the loop runs.  NULL when out of memory.
 */
const struct client_topic *client_topic(struct client *client,
					const char *name);
const struct client_topic *client_topic_by_id(const struct client *client,
					      struct uuid id);

/*
 * Something is stale: ask for the metadata of all topics of client_topic()
 * soon (at most once per retry.backoff.ms, growing).
 */
void client_refresh(struct client *client);

/* Told after each answer, and each failure, of a refresh. */
struct client_watcher {
	/* error is NULL when it succeeded. */
	void (*on_metadata)(void *arg, const struct client_error *error);
	void *arg;
	TAILQ_ENTRY(client_watcher) next;
};

void client_watch(struct client *client, struct client_watcher *watcher);
void client_unwatch(struct client *client, struct client_watcher *watcher);

/*
 * Run the loop until topic is known and, with need_leaders, each partition
 * has a leader.  Topics are never created by asking.  A topic that is not
 * there fails at once unless wait_for_it.  Returns 0 or a negative errno with
 * *error told (-ENOENT, CLIENT_MISSING for no such topic; -EINTR when
 * loop_stop() was called meanwhile).
 */
int client_topic_load(struct client *client, const char *name,
		      bool need_leaders, bool wait_for_it, int64_t timeout_ms,
		      const struct client_topic **topic_out,
		      struct client_error *error);

#endif /* CLIENT_CLIENT_H */
