/*
 * client.c - requests to a cluster
 *
 * The parts know nothing of each other: a broker is a connection, the cluster
 * is what Metadata told; here a request finds its broker (client_state.h names
 * the other files).
 *
 * What is done is told by client_settle() only, which runs as the last thing in
 * an event of the loop: so nobody is called from within a call of his own.
 */
#include "client/client.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "client/client_state.h"
#include "wire/messages.h"

/*
 * What is done is told
 */

void client_request_done(void *arg, struct client_request *r)
{
	struct client *c = arg;

	r->state = REQUEST_DONE;
	r->turn = c->turn;
	TAILQ_INSERT_TAIL(&c->done, r, next);
	if (c->shared.entered == 0)
		loop_timer_set(c->soon, 0);
}

void client_settle(struct client *c)
{
	struct client_request *r;
	uint64_t turn;

	if (c->shared.entered > 0)
		return;
	turn = ++c->turn;
	while ((r = TAILQ_FIRST(&c->done)) != NULL && r->turn < turn) {
		TAILQ_REMOVE(&c->done, r, next);
		r->state = REQUEST_IDLE;
		/* What others ask of the cluster is news for us as well. */
		if (r->api->key == API_METADATA && r != c->refresh &&
		    r->answer != NULL)
			client_take_metadata(c, r->answer);
		r->on_done(r->arg, r);
	}
	if (r != NULL)
		loop_timer_set(c->soon, 0);
}

static void on_settled(void *arg)
{
	client_settle(arg);
}

/*
 * Requests
 */

/* Say what is wrong when the cluster names an address that does not answer. */
static void explain(const struct client *c, struct client_request *r)
{
	const struct client_broker *b;

	if (r->error.kind != CLIENT_UNREACHABLE || r->was_sent || r->node < 0)
		return;
	b = client_broker_by_id(c, r->node);
	if (b == NULL || b->is_bootstrap || peer_was_ready(b->peer) ||
	    peer_reason(b->peer)[0] == '\0')
		return;
	client_error_set(&r->error, CLIENT_UNREACHABLE, r->error.rc,
			 "bootstrap %s worked, but broker %d is advertised as "
			 "%s:%u: %s",
			 c->connected_to, r->node, peer_host(b->peer),
			 peer_port(b->peer), peer_reason(b->peer));
}

static void on_done_of_peer(void *arg, struct client_request *r)
{
	struct client *c = arg;

	explain(c, r);
	client_request_done(c, r);
}

void client_send(struct client_request *request, int32_t node,
		 int64_t timeout_ms,
		 void (*on_done)(void *arg, struct client_request *request),
		 void *arg)
{
	struct client *c = request->client;
	struct client_broker *b;

	assert(request->state == REQUEST_IDLE);
	request_rewind(request);
	request->node = node;
	request->timeout_ms = timeout_ms;
	request->deadline_ms = loop_now_ms(c->loop) + timeout_ms;
	request->on_done = on_done;
	request->arg = arg;
	if (node < 0) {
		client_place(c, request);
		return;
	}
	b = client_broker_by_id(c, node);
	if (b != NULL) {
		peer_send(b->peer, request);
		return;
	}
	client_error_set(&request->error, CLIENT_UNREACHABLE, -EHOSTUNREACH,
			 "broker %d is not in the cluster now", node);
	client_request_done(c, request);
}

void client_request_free(struct client_request *request)
{
	if (request == NULL)
		return;
	switch (request->state) {
	case REQUEST_WAITING:
	case REQUEST_SENT:
		peer_cancel(request->peer, request);
		return;
	case REQUEST_UNPLACED:
		TAILQ_REMOVE(&request->client->unplaced, request, next);
		break;
	case REQUEST_DONE:
		TAILQ_REMOVE(&request->client->done, request, next);
		break;
	default:
		break;
	}
	request_release(request);
}

void client_request_abort(struct client_request *request)
{
	if (request != NULL && request->state == REQUEST_SENT)
		peer_recall(request->peer, request);
	client_request_free(request);
}

static void on_call_done(void *arg, struct client_request *request)
{
	bool *is_done = arg;

	(void)request;
	*is_done = true;
}

/* Take the request back before it is done. */
static void call_interrupted(struct client_request *request, int rc,
			     const char *why)
{
	struct client *c = request->client;

	if (request->state == REQUEST_SENT || request->state == REQUEST_WAITING)
		peer_recall(request->peer, request);
	if (request->state == REQUEST_UNPLACED)
		TAILQ_REMOVE(&c->unplaced, request, next);
	if (request->state == REQUEST_DONE)
		TAILQ_REMOVE(&c->done, request, next);
	request->state = REQUEST_IDLE;
	client_error_set(&request->error, CLIENT_REFUSED, rc, "%s", why);
}

int client_call(struct client_request *request, int32_t node,
		int64_t timeout_ms)
{
	bool is_done = false;

	client_send(request, node, timeout_ms, on_call_done, &is_done);
	while (!is_done) {
		int rc = loop_run_once(request->client->loop, -1);

		if (!is_done && rc < 0)
			call_interrupted(request, rc, CLIENT_LOOP_BROKEN);
		else if (!is_done && loop_was_stopped(request->client->loop))
			call_interrupted(request, -EINTR, "interrupted");
		else
			continue;
		break;
	}
	return request->error.kind == CLIENT_OK ? 0 : request->error.rc;
}

int client_api_version(struct client *client, int32_t node, int16_t api_key)
{
	const struct wire_api *api = wire_api(api_key);
	const struct peer *b = NULL;

	if (node == CLIENT_ANY_NODE)
		b = client_ready_peer(client);
	else if (client_broker_by_id(client, node) != NULL)
		b = client_broker_by_id(client, node)->peer;
	if (b == NULL)
		return -EAGAIN;
	return peer_version(b, api, api->min_version, api->max_version);
}

/*
 * What is known of the cluster
 */

const struct client_node *client_nodes(const struct client *client,
				       size_t *count_out)
{
	*count_out = client->cluster.node_count;
	return client->cluster.nodes;
}

const struct client_node *client_node(const struct client *client, int32_t id)
{
	for (size_t i = 0; i < client->cluster.node_count; i++) {
		if (client->cluster.nodes[i].id == id)
			return &client->cluster.nodes[i];
	}
	return NULL;
}

const char *client_cluster_id(const struct client *client)
{
	return client->cluster.cluster_id;
}

int32_t client_controller_id(const struct client *client)
{
	return client->cluster.controller_id;
}

void client_watch(struct client *client, struct client_watcher *watcher)
{
	TAILQ_INSERT_TAIL(&client->watchers, watcher, next);
}

void client_unwatch(struct client *client, struct client_watcher *watcher)
{
	TAILQ_REMOVE(&client->watchers, watcher, next);
}

/*
 * Life
 */

static void on_soon(void *arg)
{
	client_settle(arg);
}

static int make_timers(struct client *c)
{
	if (loop_timer_new(c->loop, on_soon, c, &c->soon) < 0 ||
	    loop_timer_new(c->loop, client_on_search_timer, c, &c->search) <
		    0 ||
	    loop_timer_new(c->loop, client_on_refresh_timer, c,
			   &c->refresh_timer) < 0)
		return -ENOMEM;
	return 0;
}

int client_new(struct loop *loop, struct client_config *config,
	       struct client **client_out, struct client_error *error)
{
	struct client *c;
	int rc = client_config_finish(config, error);

	if (rc < 0)
		return rc;
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	c->loop = loop;
	c->config = config;
	c->shared = (struct peer_shared){
		.loop = loop,
		.config = config,
		.on_done = on_done_of_peer,
		.on_ready = client_on_peer_ready,
		.on_down = client_on_peer_down,
		.on_settled = on_settled,
		.arg = c,
	};
	c->refreshed_ms = INT32_MIN;
	c->refresh_pause_ms = config->retry_backoff_ms;
	TAILQ_INIT(&c->unplaced);
	TAILQ_INIT(&c->done);
	TAILQ_INIT(&c->watchers);
	cluster_init(&c->cluster);
	if (make_timers(c) < 0)
		rc = client_error_set(error, CLIENT_REFUSED, -ENOMEM,
				      "out of memory");
	if (rc == 0)
		rc = client_add_bootstraps(c, error);
	if (rc < 0) {
		client_free(c);
		return rc;
	}
	c->brokers[0].was_tried = true;
	peer_connect(c->brokers[0].peer);
	*client_out = c;
	return 0;
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	client_request_free(client->refresh);
	for (size_t i = 0; i < client->broker_count; i++)
		peer_free(client->brokers[i].peer);
	free(client->brokers);
	loop_timer_free(client->soon);
	loop_timer_free(client->search);
	loop_timer_free(client->refresh_timer);
	cluster_clear(&client->cluster);
	frame_pool_clear(&client->shared.pool);
	free(client);
}

struct loop *client_loop(struct client *client)
{
	return client->loop;
}

const struct client_config *client_config(const struct client *client)
{
	return client->config;
}
