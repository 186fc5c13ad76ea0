/*
 * client_state.h - what the files of the client share
 *
 * client.c sends requests and tells what is done, client_brokers.c keeps the
 * brokers and their addresses, client_search.c finds a broker for what may go
 * to any, client_metadata.c keeps up with the cluster.  For lib/client only.
 */
#ifndef CLIENT_CLIENT_STATE_H
#define CLIENT_CLIENT_STATE_H

#include "client/client.h"
#include "client/cluster.h"
#include "client/peer.h"

#define CLIENT_LOOP_BROKEN "cannot wait for events"

TAILQ_HEAD(watcher_list, client_watcher);

struct client_broker {
	struct peer *peer;
	bool is_bootstrap;
	bool was_tried; /* in this round of the search */
};

struct client {
	struct peer_shared shared;
	struct loop *loop;
	const struct client_config *config;

	struct client_broker *brokers;
	size_t broker_count;
	bool was_connected;     /* ever, to any */
	char connected_to[300]; /* the first of them */

	struct request_list unplaced;
	struct request_list done;
	uint64_t turn;             /* of client_settle() */
	struct loop_timer *soon;   /* settle() */
	struct loop_timer *search; /* goes on with the search */

	struct cluster cluster;
	struct watcher_list watchers;
	struct client_request *refresh; /* the Metadata under way */
	bool refresh_again;             /* what it asks is not all any more */
	struct loop_timer *refresh_timer;
	bool refresh_is_due; /* the timer runs for it */
	int64_t refreshed_ms;
	int64_t refresh_pause_ms;
	struct client_error refresh_error;
	uint64_t refresh_failures;
};

/* Or NULL. */
struct client_broker *client_broker_by_id(const struct client *c, int32_t id);
struct client_broker *client_broker_at(const struct client *c, const char *host,
				       uint16_t port);

/* 0, -ENOMEM or -E2BIG; pointers to the others are void then. */
int client_add_broker(struct client *c, int32_t id, const char *host,
		      uint16_t port, bool is_bootstrap);

/* Those of bootstrap.servers: 0, -EINVAL or -ENOMEM with *error told. */
int client_add_bootstraps(struct client *c, struct client_error *error);

/* One that a request could be sent to now, or NULL. */
struct peer *client_ready_peer(const struct client *c);

/* Let the request be told as done, with its answer or its error. */
void client_request_done(void *arg, struct client_request *r);

/*
 * Tell what is done by now; what that leads to comes after other events.
 * From events of the loop only.
 */
void client_settle(struct client *c);

/* Send the request, to any node or the controller, or let it wait for one. */
void client_place(struct client *c, struct client_request *r);
void client_place_all(struct client *c);

/* What to say when an api was not answered in waited_ms: by whom. */
void client_tell_silence(const struct client *c, const char *api,
			 int64_t waited_ms, struct client_error *error);

/* Nobody knows the controller: fail what waits for it. */
void client_fail_controllers(struct client *c,
			     const struct client_error *error);

/* Learn from an answer: 0 or -ENOMEM. */
int client_take_metadata(struct client *c,
			 const struct metadata_response *response);

/* Events of the client's parts. */
void client_on_peer_ready(void *arg, struct peer *peer);
void client_on_peer_down(void *arg, struct peer *peer);
void client_on_search_timer(void *arg);
void client_on_refresh_timer(void *arg);

#endif /* CLIENT_CLIENT_STATE_H */
