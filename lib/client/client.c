/*
 * client.c - requests to a cluster
 *
 * The parts know nothing of each other: a broker is a connection, the cluster
 * is what Metadata told; here a request finds its broker.
 *
 * Requests to any node, and those that need the controller while nobody knows
 * it, are "unplaced" until a broker is ready.  The search for one goes through
 * all addresses, each once in a round; as long as no connection ever stood,
 * one round without success is the end of what is unplaced.
 *
 * What is done is told by settle() only, which runs as the last thing in an
 * event of the loop: so nobody is called from within a call of his own.
 */
#include "client/client.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/units.h"
#include "client/broker.h"
#include "client/cluster.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	PORT_DEFAULT = 9092,
	/* The next address is tried beside one that does not answer. */
	IMPATIENCE_MS = 500,
	SUBJECT_MAX = TOPIC_NAME_MAX + 40,
};

#define LOOP_BROKEN "cannot wait for events"

TAILQ_HEAD(watcher_list, client_watcher);

struct client_broker {
	struct broker *broker;
	bool is_bootstrap;
	bool was_tried; /* in this round of the search */
};

struct client {
	struct broker_shared shared;
	struct loop *loop;
	const struct client_config *config;

	struct client_broker *brokers;
	size_t broker_count;
	bool was_connected;     /* ever, to any */
	char connected_to[300]; /* the first of them */

	struct request_list unplaced;
	struct request_list done;
	uint64_t turn;             /* of settle() */
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

/*
 * Brokers
 */

static struct client_broker *broker_by_id(const struct client *c, int32_t id)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		if (broker_id(c->brokers[i].broker) == id)
			return &c->brokers[i];
	}
	return NULL;
}

static struct client_broker *broker_at(const struct client *c, const char *host,
				       uint16_t port)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		struct broker *b = c->brokers[i].broker;

		if (broker_port(b) == port && strcmp(broker_host(b), host) == 0)
			return &c->brokers[i];
	}
	return NULL;
}

static int add_broker(struct client *c, int32_t id, const char *host,
		      uint16_t port, bool is_bootstrap)
{
	struct client_broker *more;
	struct broker *broker;

	more = reallocarray(c->brokers, c->broker_count + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	c->brokers = more;
	broker = broker_new(&c->shared, id, host, port);
	if (broker == NULL)
		return -ENOMEM;
	c->brokers[c->broker_count++] =
		(struct client_broker){ .broker = broker,
					.is_bootstrap = is_bootstrap };
	return 0;
}

/* Copy "host", "host:port", "[v6]:port" or "unix:/path" apart. */
static int split_address(char *text, const char **host_out, uint16_t *port_out)
{
	char *colon = strrchr(text, ':');
	int64_t port = PORT_DEFAULT;

	*host_out = text;
	*port_out = 0;
	if (strncmp(text, "unix:", 5) == 0)
		return text[5] == '\0' ? -EINVAL : 0;
	if (text[0] == '[') {
		char *end = strchr(text, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return -EINVAL;
		colon = end[1] == ':' ? end + 1 : NULL;
		*end = '\0';
		*host_out = text + 1;
	} else if (colon != NULL && strchr(text, ':') != colon) {
		colon = NULL; /* a bare IPv6 address */
	}
	if (colon != NULL) {
		*colon = '\0';
		if (parse_int64_in(colon + 1, 1, UINT16_MAX, &port) < 0)
			return -EINVAL;
	}
	*port_out = (uint16_t)port;
	return (*host_out)[0] == '\0' ? -EINVAL : 0;
}

static int add_bootstrap(struct client *c, char *text,
			 struct client_error *error)
{
	char shown[120];
	const char *scheme = strstr(text, "://");
	const char *host;
	uint16_t port;

	snprintf(shown, sizeof(shown), "%s", text);
	if (scheme != NULL) /* as in PLAINTEXT://host:9092 */
		text += scheme - text + 3;
	if (split_address(text, &host, &port) < 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"bootstrap.servers: '%s' is not "
					"HOST[:PORT]",
					shown);
	if (broker_at(c, host, port) != NULL)
		return 0;
	if (add_broker(c, -1, host, port, true) < 0)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	return 0;
}

static int add_bootstraps(struct client *c, struct client_error *error)
{
	char *list = strdup(c->config->bootstrap_servers);
	char *at = list;
	char *one;
	int rc = 0;

	if (list == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	while (rc == 0 && (one = strsep(&at, ", \t\n")) != NULL) {
		if (one[0] != '\0')
			rc = add_bootstrap(c, one, error);
	}
	free(list);
	if (rc == 0 && c->broker_count == 0)
		return client_error_set(error, CLIENT_USAGE, -EINVAL,
					"bootstrap.servers is empty");
	return rc;
}

/*
 * What is done is told
 */

static void on_broker_done(void *arg, struct client_request *r)
{
	struct client *c = arg;

	r->state = REQUEST_DONE;
	r->turn = c->turn;
	TAILQ_INSERT_TAIL(&c->done, r, next);
	if (c->shared.entered == 0)
		loop_timer_set(c->soon, 0);
}

static int take_metadata(struct client *c,
			 const struct metadata_response *response);

/* What is done by then; what that leads to comes after other events. */
static void settle(struct client *c)
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
			take_metadata(c, r->answer);
		r->on_done(r->arg, r);
	}
	if (r != NULL)
		loop_timer_set(c->soon, 0);
}

static void on_settled(void *arg)
{
	settle(arg);
}

/*
 * The search for a broker, any broker
 */

static bool is_at_work(const struct broker *b)
{
	return broker_state(b) == BROKER_CONNECTING ||
	       broker_state(b) == BROKER_HANDSHAKE;
}

static struct broker *ready_broker(const struct client *c)
{
	for (size_t i = 0; i < c->broker_count; i++) {
		if (broker_state(c->brokers[i].broker) == BROKER_READY)
			return c->brokers[i].broker;
	}
	return NULL;
}

static const char *reason_of(const struct client_broker *b)
{
	const char *reason = broker_reason(b->broker);

	return reason[0] == '\0' ? "no answer" : reason;
}

/* "a:1: Connection refused", with each address's own where they differ. */
static void tell_unreachable(const struct client *c, struct client_error *error)
{
	const char *first = reason_of(&c->brokers[0]);
	bool is_same = true;

	for (size_t i = 1; i < c->broker_count; i++) {
		if (strcmp(reason_of(&c->brokers[i]), first) != 0)
			is_same = false;
	}
	if (is_same || c->broker_count > 4) {
		client_error_set(error, CLIENT_UNREACHABLE, -ECONNREFUSED,
				 "cannot reach any of %s: %s",
				 c->config->bootstrap_servers, first);
		return;
	}
	client_error_set(error, CLIENT_UNREACHABLE, -ECONNREFUSED,
			 "cannot reach any of %s",
			 c->config->bootstrap_servers);
	for (size_t i = 0; i < c->broker_count; i++) {
		size_t len = strlen(error->text);

		snprintf(error->text + len, sizeof(error->text) - len,
			 "%s%s: %s", i == 0 ? ": " : "; ",
			 broker_host(c->brokers[i].broker),
			 reason_of(&c->brokers[i]));
	}
}

static void fail_unplaced(struct client *c, const struct client_error *error)
{
	struct client_request *r;

	while ((r = TAILQ_FIRST(&c->unplaced)) != NULL) {
		TAILQ_REMOVE(&c->unplaced, r, next);
		r->error = *error;
		on_broker_done(c, r);
	}
}

/* The same for those that wait for the controller. */
static void fail_controllers(struct client *c, const struct client_error *error)
{
	struct client_request *r = TAILQ_FIRST(&c->unplaced);
	struct client_request *next;

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->node != CLIENT_CONTROLLER)
			continue;
		TAILQ_REMOVE(&c->unplaced, r, next);
		r->error = *error;
		on_broker_done(c, r);
	}
}

static struct client_broker *next_to_try(const struct client *c)
{
	int64_t now = loop_now_ms(c->loop);

	for (size_t i = 0; i < c->broker_count; i++) {
		struct client_broker *b = &c->brokers[i];

		if (!b->was_tried && broker_state(b->broker) == BROKER_DOWN &&
		    broker_retry_at_ms(b->broker) <= now)
			return b;
	}
	return NULL;
}

/* Go on with the search in ms, or when the first of who waits expires. */
static void search_in(struct client *c, int64_t ms)
{
	int64_t now = loop_now_ms(c->loop);
	const struct client_request *r;

	TAILQ_FOREACH (r, &c->unplaced, next) {
		if (r->deadline_ms - now < ms)
			ms = r->deadline_ms - now;
	}
	loop_timer_set(c->search, ms);
}

static void new_round(struct client *c)
{
	for (size_t i = 0; i < c->broker_count; i++)
		c->brokers[i].was_tried = false;
}

/* Nobody is left to try in this round. */
static void end_round(struct client *c)
{
	struct client_error error;

	if (!c->was_connected) {
		tell_unreachable(c, &error);
		fail_unplaced(c, &error);
	}
	new_round(c);
	if (!TAILQ_EMPTY(&c->unplaced))
		search_in(c, c->config->reconnect_backoff_ms + 1);
}

/* Try one more address; is_impatient: although another is at work. */
static void search(struct client *c, bool is_impatient)
{
	bool is_busy = false;
	struct client_broker *next;

	if (TAILQ_EMPTY(&c->unplaced) || ready_broker(c) != NULL)
		return;
	for (size_t i = 0; i < c->broker_count; i++)
		is_busy |= is_at_work(c->brokers[i].broker);
	next = is_busy && !is_impatient ? NULL : next_to_try(c);
	if (next != NULL) {
		next->was_tried = true;
		search_in(c, IMPATIENCE_MS);
		broker_connect(next->broker);
	} else if (!is_busy) {
		end_round(c);
	}
}

static void expire_unplaced(struct client *c)
{
	int64_t now = loop_now_ms(c->loop);
	struct client_request *r = TAILQ_FIRST(&c->unplaced);
	struct client_request *next;
	struct client_error error;

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->deadline_ms > now)
			continue;
		TAILQ_REMOVE(&c->unplaced, r, next);
		tell_unreachable(c, &error);
		client_error_set(&r->error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				 "%s (tried for %" PRId64 " ms)", error.text,
				 r->timeout_ms);
		on_broker_done(c, r);
	}
}

static void on_search_timer(void *arg)
{
	struct client *c = arg;

	c->shared.entered++;
	expire_unplaced(c);
	search(c, true);
	if (!TAILQ_EMPTY(&c->unplaced))
		search_in(c, c->config->reconnect_backoff_ms + 1);
	c->shared.entered--;
	settle(c);
}

static void place(struct client *c, struct client_request *r)
{
	struct broker *any = ready_broker(c);
	struct client_broker *controller;

	if (r->node == CLIENT_CONTROLLER && c->cluster.controller_id >= 0) {
		controller = broker_by_id(c, c->cluster.controller_id);
		if (controller != NULL) {
			r->node = c->cluster.controller_id;
			broker_send(controller->broker, r);
			return;
		}
	}
	if (r->node == CLIENT_ANY_NODE && any != NULL) {
		broker_send(any, r);
		return;
	}
	r->state = REQUEST_UNPLACED;
	TAILQ_INSERT_TAIL(&c->unplaced, r, next);
	search_in(c, IMPATIENCE_MS);
	if (r->node == CLIENT_CONTROLLER)
		client_refresh(c);
	search(c, false);
}

static void place_all(struct client *c)
{
	struct request_list list = TAILQ_HEAD_INITIALIZER(list);
	struct client_request *r;

	TAILQ_CONCAT(&list, &c->unplaced, next);
	while ((r = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, r, next);
		r->state = REQUEST_IDLE;
		place(c, r);
	}
}

static void on_broker_ready(void *arg, struct broker *broker)
{
	struct client *c = arg;

	if (!c->was_connected) {
		c->was_connected = true;
		snprintf(c->connected_to, sizeof(c->connected_to), "%s",
			 broker_host(broker));
		if (broker_port(broker) != 0)
			snprintf(c->connected_to + strlen(c->connected_to), 16,
				 ":%u", broker_port(broker));
	}
	new_round(c);
	place_all(c);
}

static void on_broker_down(void *arg, struct broker *broker)
{
	struct client *c = arg;

	(void)broker;
	search(c, false);
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
	b = broker_by_id(c, r->node);
	if (b == NULL || b->is_bootstrap || broker_was_ready(b->broker) ||
	    broker_reason(b->broker)[0] == '\0')
		return;
	client_error_set(&r->error, CLIENT_UNREACHABLE, r->error.rc,
			 "bootstrap %s worked, but broker %d is advertised as "
			 "%s:%u: %s",
			 c->connected_to, r->node, broker_host(b->broker),
			 broker_port(b->broker), broker_reason(b->broker));
}

static void on_done_of_broker(void *arg, struct client_request *r)
{
	struct client *c = arg;

	explain(c, r);
	on_broker_done(c, r);
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
		place(c, request);
		return;
	}
	b = broker_by_id(c, node);
	if (b != NULL) {
		broker_send(b->broker, request);
		return;
	}
	client_error_set(&request->error, CLIENT_UNREACHABLE, -EHOSTUNREACH,
			 "broker %d is not in the cluster now", node);
	on_broker_done(c, request);
}

void client_request_free(struct client_request *request)
{
	if (request == NULL)
		return;
	switch (request->state) {
	case REQUEST_WAITING:
	case REQUEST_SENT:
		broker_cancel(request->broker, request);
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
		broker_recall(request->broker, request);
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
			call_interrupted(request, rc, LOOP_BROKEN);
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
	const struct broker *b = NULL;

	if (node == CLIENT_ANY_NODE)
		b = ready_broker(client);
	else if (broker_by_id(client, node) != NULL)
		b = broker_by_id(client, node)->broker;
	if (b == NULL)
		return -EAGAIN;
	return broker_version(b, api, api->min_version, api->max_version);
}

/*
 * Metadata
 */

/* Let each node of the cluster have its broker, with its address. */
static int update_brokers(struct client *c)
{
	for (size_t i = 0; i < c->cluster.node_count; i++) {
		const struct client_node *node = &c->cluster.nodes[i];
		struct client_broker *b = broker_by_id(c, node->id);

		if (b != NULL && broker_port(b->broker) == node->port &&
		    strcmp(broker_host(b->broker), node->host) == 0)
			continue;
		if (b != NULL && !b->is_bootstrap) {
			if (broker_set_address(b->broker, node->host,
					       node->port) < 0)
				return -ENOMEM;
			continue;
		}
		/* A bootstrap server stays what the user called it. */
		if (b != NULL)
			broker_set_id(b->broker, -1);
		b = broker_at(c, node->host, node->port);
		if (b != NULL && broker_id(b->broker) < 0)
			broker_set_id(b->broker, node->id);
		else if (add_broker(c, node->id, node->host, node->port,
				    false) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void tell_watchers(struct client *c, const struct client_error *error)
{
	struct client_watcher *w = TAILQ_FIRST(&c->watchers);
	struct client_watcher *next;

	for (; w != NULL; w = next) {
		next = TAILQ_NEXT(w, next);
		w->on_metadata(w->arg, error);
	}
}

static void schedule_refresh(struct client *c, int64_t ms)
{
	c->refresh_is_due = true;
	loop_timer_set(c->refresh_timer, ms);
}

/* Unasked, once it is old. */
static void schedule_next(struct client *c)
{
	if (c->refresh_is_due)
		return;
	loop_timer_set(c->refresh_timer, c->config->metadata_max_age_ms);
}

static int take_metadata(struct client *c,
			 const struct metadata_response *response)
{
	int rc = cluster_update(&c->cluster, response);

	return rc < 0 ? rc : update_brokers(c);
}

static void place_for_controller(struct client *c)
{
	struct client_error error;

	if (c->cluster.controller_id < 0) {
		client_error_set(&error, CLIENT_UNREACHABLE, -EHOSTUNREACH,
				 "the cluster has no controller now");
		fail_controllers(c, &error);
		return;
	}
	place_all(c);
}

static void on_refreshed(void *arg, struct client_request *request)
{
	struct client *c = arg;
	const struct metadata_response *response;
	int rc = 0;

	assert(request == c->refresh);
	c->refresh = NULL;
	c->refreshed_ms = loop_now_ms(c->loop);
	response = client_request_answer(request);
	if (request->error.kind == CLIENT_OK) {
		rc = take_metadata(c, response);
	}
	if (rc < 0)
		client_error_set(&request->error, CLIENT_REFUSED, rc,
				 "out of memory");
	if (request->error.kind == CLIENT_OK) {
		place_for_controller(c);
	} else {
		c->refresh_failures++;
		c->refresh_error = request->error;
		fail_controllers(c, &request->error);
	}
	if (c->refresh_again)
		schedule_refresh(c, 0);
	c->refresh_again = false;
	schedule_next(c);
	tell_watchers(c, request->error.kind == CLIENT_OK ? NULL
							  : &request->error);
	client_request_free(request);
}

static int ask_for_topics(struct client *c, struct client_request *r)
{
	struct metadata_request *m = client_request_message(r);
	struct client_topic *t = NULL;

	m->allow_auto_topic_creation = false;
	m->topics = wire_array(&metadata_request_topics_desc, &r->arena,
			       (int32_t)c->cluster.topic_count);
	if (m->topics == NULL)
		return -ENOMEM;
	while ((t = cluster_next(&c->cluster, t)) != NULL)
		m->topics[m->topics_count++].name =
			arena_copy(&r->arena, slice_of(t->name));
	/* Version 0 has no way to say "no topics": it would name them all. */
	client_request_limit_versions(r, 1, INT16_MAX);
	return 0;
}

static void on_refresh_timer(void *arg)
{
	struct client *c = arg;

	c->refresh_is_due = false;
	if (c->refresh != NULL) {
		c->refresh_again = true;
		return;
	}
	c->refresh = client_request_new(c, API_METADATA);
	if (c->refresh == NULL || ask_for_topics(c, c->refresh) < 0) {
		client_request_free(c->refresh);
		c->refresh = NULL;
		schedule_refresh(c, c->config->retry_backoff_max_ms);
		return;
	}
	client_send(c->refresh, CLIENT_ANY_NODE, c->config->socket_timeout_ms,
		    on_refreshed, c);
}

void client_refresh(struct client *client)
{
	int64_t since = loop_now_ms(client->loop) - client->refreshed_ms;
	int64_t quiet_ms = 10 * client->config->retry_backoff_max_ms;

	if (client->refresh != NULL || client->refresh_is_due)
		return;
	if (since >= quiet_ms) {
		client->refresh_pause_ms = client->config->retry_backoff_ms;
		schedule_refresh(client, 0);
		return;
	}
	schedule_refresh(client, client->refresh_pause_ms > since
					 ? client->refresh_pause_ms - since
					 : 0);
	client->refresh_pause_ms *= 2;
	if (client->refresh_pause_ms > client->config->retry_backoff_max_ms)
		client->refresh_pause_ms = client->config->retry_backoff_max_ms;
}

const struct client_topic *client_topic(struct client *client, const char *name)
{
	size_t before = client->cluster.topic_count;
	const struct client_topic *t = cluster_topic(&client->cluster, name);

	if (t == NULL || client->cluster.topic_count == before)
		return t;
	if (client->refresh != NULL)
		client->refresh_again = true;
	else
		schedule_refresh(client, 0);
	return t;
}

const struct client_topic *client_topic_by_id(const struct client *client,
					      struct uuid id)
{
	const struct client_topic *t = NULL;

	while ((t = cluster_next(&client->cluster, t)) != NULL) {
		if (uuid_equal(t->id, id))
			break;
	}
	return t;
}

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
 * Waiting for a topic
 */

/* 0: as wanted; -EAGAIN: not yet, with why in error. */
static int topic_state(const struct client_topic *t, bool need_leaders,
		       struct client_error *error)
{
	char subject[SUBJECT_MAX];

	if (!t->is_known) {
		client_error_set(error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				 "topic '%s': no metadata yet", t->name);
		return -EAGAIN;
	}
	snprintf(subject, sizeof(subject), "topic '%s'", t->name);
	if (t->code != WIRE_NONE) {
		client_error_from_code(error, t->code, subject, NULL);
		return -EAGAIN;
	}
	/* Nobody makes such a topic, but nobody could choose a partition. */
	if (t->partition_count == 0) {
		client_error_from_code(error, WIRE_LEADER_NOT_AVAILABLE,
				       subject, "it has no partitions");
		return -EAGAIN;
	}
	for (int32_t p = 0; need_leaders && p < t->partition_count; p++) {
		if (t->partitions[p].leader >= 0)
			continue;
		snprintf(subject, sizeof(subject), "topic '%s' partition %d",
			 t->name, p);
		client_error_from_code(error, WIRE_LEADER_NOT_AVAILABLE,
				       subject, NULL);
		return -EAGAIN;
	}
	return 0;
}

/* Is there no sense in going on to wait? */
static bool is_hopeless(const struct client_error *error, bool wait_for_it)
{
	if (error->code == WIRE_NONE || error->kind == CLIENT_UNREACHABLE)
		return false;
	return error->kind != CLIENT_MISSING || !wait_for_it;
}

/* Is it time to give up on what *why says?  May put in a better reason. */
static bool gives_up(const struct client *c, uint64_t failures, bool is_fresh,
		     bool wait_for_it, int64_t left_ms,
		     struct client_error *why)
{
	bool is_broken = c->refresh_failures > failures;

	if (is_fresh && is_hopeless(why, wait_for_it))
		return true;
	if (left_ms > 0 && (!is_broken || c->was_connected))
		return false;
	if (is_broken)
		*why = c->refresh_error;
	return true;
}

int client_topic_load(struct client *client, const char *name,
		      bool need_leaders, bool wait_for_it, int64_t timeout_ms,
		      const struct client_topic **topic_out,
		      struct client_error *error)
{
	int64_t deadline = loop_now_ms(client->loop) + timeout_ms;
	const struct client_topic *t = client_topic(client, name);
	uint64_t failures = client->refresh_failures;
	struct client_error why;
	uint64_t answers;
	int rc;

	if (t == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	answers = cluster_topic_answers(t);
	while (topic_state(t, need_leaders, &why) < 0) {
		int64_t left = deadline - loop_now_ms(client->loop);

		if (gives_up(client, failures,
			     cluster_topic_answers(t) > answers, wait_for_it,
			     left, &why)) {
			if (error != NULL)
				*error = why;
			return why.rc;
		}
		client_refresh(client);
		rc = loop_run_once(client->loop, left);
		if (rc < 0)
			return client_error_set(error, CLIENT_REFUSED, rc,
						LOOP_BROKEN);
		if (loop_was_stopped(client->loop))
			return client_error_set(error, CLIENT_REFUSED, -EINTR,
						"interrupted");
	}
	*topic_out = t;
	return 0;
}

/*
 * Life
 */

static void on_soon(void *arg)
{
	settle(arg);
}

static int make_timers(struct client *c)
{
	if (loop_timer_new(c->loop, on_soon, c, &c->soon) < 0 ||
	    loop_timer_new(c->loop, on_search_timer, c, &c->search) < 0 ||
	    loop_timer_new(c->loop, on_refresh_timer, c, &c->refresh_timer) < 0)
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
	c->shared = (struct broker_shared){
		.loop = loop,
		.config = config,
		.on_done = on_done_of_broker,
		.on_ready = on_broker_ready,
		.on_down = on_broker_down,
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
		rc = add_bootstraps(c, error);
	if (rc < 0) {
		client_free(c);
		return rc;
	}
	c->brokers[0].was_tried = true;
	broker_connect(c->brokers[0].broker);
	*client_out = c;
	return 0;
}

void client_free(struct client *client)
{
	if (client == NULL)
		return;
	client_request_free(client->refresh);
	for (size_t i = 0; i < client->broker_count; i++)
		broker_free(client->brokers[i].broker);
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
