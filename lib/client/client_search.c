/*
 * client_search.c - a broker, any broker
 *
 * Requests to any node, and those that need the controller while nobody knows
 * it, are "unplaced" until a broker is ready.  The search for one goes through
 * all addresses, each once in a round, and rounds follow each other until the
 * time of what is unplaced is over: who is asked for may be starting just now.
 * Only where no address can ever be one of Kafka, and no connection ever stood,
 * one round is enough.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/client_state.h"

/* The next address is tried beside one that does not answer. */
enum { IMPATIENCE_MS = 500, FIRST_ROUNDS_MS = 200 };

static bool is_at_work(const struct peer *b)
{
	return peer_state(b) == PEER_CONNECTING ||
	       peer_state(b) == PEER_HANDSHAKE;
}

static const char *reason_of(const struct client_broker *b)
{
	const char *reason = peer_reason(b->peer);

	if (peer_state(b->peer) == PEER_HANDSHAKE)
		return "it accepts connections but does not answer";
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
			 peer_host(c->brokers[i].peer),
			 reason_of(&c->brokers[i]));
	}
}

void client_tell_silence(const struct client *c, const char *api,
			 int64_t waited_ms, struct client_error *error)
{
	const struct peer *peer = client_ready_peer(c);
	struct client_error unreachable;

	if (peer != NULL) {
		client_error_set(error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				 "%s: no answer to %s within %" PRId64 " ms",
				 c->connected_to, api, waited_ms);
		return;
	}
	tell_unreachable(c, &unreachable);
	client_error_set(error, CLIENT_UNREACHABLE, -ETIMEDOUT,
			 "%s (tried for %" PRId64 " ms)", unreachable.text,
			 waited_ms);
}

static void fail_unplaced(struct client *c, const struct client_error *error)
{
	struct client_request *r;

	while ((r = TAILQ_FIRST(&c->unplaced)) != NULL) {
		TAILQ_REMOVE(&c->unplaced, r, next);
		r->error = *error;
		client_request_done(c, r);
	}
}

/* The same for those that wait for the controller. */
void client_fail_controllers(struct client *c, const struct client_error *error)
{
	struct client_request *r = TAILQ_FIRST(&c->unplaced);
	struct client_request *next;

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->node != CLIENT_CONTROLLER)
			continue;
		TAILQ_REMOVE(&c->unplaced, r, next);
		r->error = *error;
		client_request_done(c, r);
	}
}

static struct client_broker *next_to_try(const struct client *c)
{
	int64_t now = loop_now_ms(c->loop);

	for (size_t i = 0; i < c->broker_count; i++) {
		struct client_broker *b = &c->brokers[i];

		if (!b->was_tried && peer_state(b->peer) == PEER_DOWN &&
		    peer_retry_at_ms(b->peer) <= now)
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

/* Is there no sense in another round? */
static bool is_hopeless(const struct client *c)
{
	bool is_hopeless = !c->was_connected;

	for (size_t i = 0; i < c->broker_count; i++)
		is_hopeless &= peer_is_hopeless(c->brokers[i].peer);
	return is_hopeless;
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

	if (is_hopeless(c)) {
		tell_unreachable(c, &error);
		fail_unplaced(c, &error);
	}
	new_round(c);
	for (size_t i = 0; i < c->broker_count && !c->was_connected; i++)
		peer_hurry(c->brokers[i].peer, FIRST_ROUNDS_MS);
	if (!TAILQ_EMPTY(&c->unplaced))
		search_in(c, c->config->reconnect_backoff_ms + 1);
}

/* Try one more address; is_impatient: although another is at work. */
static void search(struct client *c, bool is_impatient)
{
	bool is_busy = false;
	struct client_broker *next;

	if (TAILQ_EMPTY(&c->unplaced) || client_ready_peer(c) != NULL)
		return;
	for (size_t i = 0; i < c->broker_count; i++)
		is_busy |= is_at_work(c->brokers[i].peer);
	next = is_busy && !is_impatient ? NULL : next_to_try(c);
	if (next != NULL) {
		next->was_tried = true;
		search_in(c, IMPATIENCE_MS);
		peer_connect(next->peer);
	} else if (!is_busy) {
		end_round(c);
	}
}

static void expire_unplaced(struct client *c)
{
	int64_t now = loop_now_ms(c->loop);
	struct client_request *r = TAILQ_FIRST(&c->unplaced);
	struct client_request *next;

	for (; r != NULL; r = next) {
		next = TAILQ_NEXT(r, next);
		if (r->deadline_ms > now)
			continue;
		TAILQ_REMOVE(&c->unplaced, r, next);
		client_tell_silence(c, r->api->name, r->timeout_ms, &r->error);
		client_request_done(c, r);
	}
}

void client_on_search_timer(void *arg)
{
	struct client *c = arg;

	c->shared.entered++;
	expire_unplaced(c);
	search(c, true);
	if (!TAILQ_EMPTY(&c->unplaced))
		search_in(c, c->config->reconnect_backoff_ms + 1);
	c->shared.entered--;
	client_settle(c);
}

void client_place(struct client *c, struct client_request *r)
{
	struct peer *any = client_ready_peer(c);
	struct client_broker *controller;

	if (r->node == CLIENT_CONTROLLER && c->cluster.controller_id >= 0) {
		controller = client_broker_by_id(c, c->cluster.controller_id);
		if (controller != NULL) {
			r->node = c->cluster.controller_id;
			peer_send(controller->peer, r);
			return;
		}
	}
	if (r->node == CLIENT_ANY_NODE && any != NULL) {
		peer_send(any, r);
		return;
	}
	r->state = REQUEST_UNPLACED;
	TAILQ_INSERT_TAIL(&c->unplaced, r, next);
	search_in(c, IMPATIENCE_MS);
	if (r->node == CLIENT_CONTROLLER)
		client_refresh(c);
	search(c, false);
}

void client_place_all(struct client *c)
{
	struct request_list list = TAILQ_HEAD_INITIALIZER(list);
	struct client_request *r;

	TAILQ_CONCAT(&list, &c->unplaced, next);
	while ((r = TAILQ_FIRST(&list)) != NULL) {
		TAILQ_REMOVE(&list, r, next);
		r->state = REQUEST_IDLE;
		client_place(c, r);
	}
}

void client_on_peer_ready(void *arg, struct peer *peer)
{
	struct client *c = arg;

	if (!c->was_connected) {
		c->was_connected = true;
		snprintf(c->connected_to, sizeof(c->connected_to), "%s",
			 peer_host(peer));
		if (peer_port(peer) != 0)
			snprintf(c->connected_to + strlen(c->connected_to), 16,
				 ":%u", peer_port(peer));
	}
	new_round(c);
	client_place_all(c);
}

void client_on_peer_down(void *arg, struct peer *peer)
{
	struct client *c = arg;

	(void)peer;
	search(c, false);
}
