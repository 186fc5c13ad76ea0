/*
 * client_metadata.c - keeps up with the cluster
 *
 * One Metadata is under way at most; it asks for all topics that anybody
 * wanted.  It is asked again when something proves stale, with a pause that
 * grows, and unasked after metadata.max.age.ms.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "client/client_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { SUBJECT_MAX = TOPIC_NAME_MAX + 40 };

/* Let each node of the cluster have its broker, with its address. */
static int update_brokers(struct client *c)
{
	int rc = 0;

	for (size_t i = 0; i < c->cluster.node_count && rc == 0; i++) {
		const struct client_node *node = &c->cluster.nodes[i];
		struct client_broker *b = client_broker_by_id(c, node->id);

		if (b != NULL && peer_port(b->peer) == node->port &&
		    strcmp(peer_host(b->peer), node->host) == 0)
			continue;
		if (b != NULL && !b->is_bootstrap) {
			if (peer_set_address(b->peer, node->host, node->port) <
			    0)
				return -ENOMEM;
			continue;
		}
		/* A bootstrap server stays what the user called it. */
		if (b != NULL)
			peer_set_id(b->peer, -1);
		b = client_broker_at(c, node->host, node->port);
		if (b != NULL && peer_id(b->peer) < 0)
			peer_set_id(b->peer, node->id);
		else
			rc = client_add_broker(c, node->id, node->host,
					       node->port, false);
	}
	return rc;
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

int client_take_metadata(struct client *c,
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
		client_fail_controllers(c, &error);
		return;
	}
	client_place_all(c);
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
		rc = client_take_metadata(c, response);
	}
	if (rc == -E2BIG)
		client_error_set(&request->error, CLIENT_REFUSED, rc,
				 "the cluster tells of too many brokers");
	else if (rc < 0)
		client_error_set(&request->error, CLIENT_REFUSED, rc,
				 "out of memory");
	if (request->error.kind == CLIENT_OK) {
		place_for_controller(c);
	} else {
		c->refresh_failures++;
		c->refresh_error = request->error;
		client_fail_controllers(c, &request->error);
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

void client_on_refresh_timer(void *arg)
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
		client_error_from_code(
			error, t->code, subject,
			t->code == WIRE_INVALID_TOPIC_EXCEPTION
				? "a name is 1 to 249 ASCII letters, digits, "
				  "'.', '_' and '-'"
				: NULL);
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
		     bool wait_for_it, int64_t left_ms, int64_t timeout_ms,
		     struct client_error *why)
{
	bool is_broken = c->refresh_failures > failures;

	if (is_fresh && is_hopeless(why, wait_for_it))
		return true;
	if (left_ms > 0 && (!is_broken || c->was_connected))
		return false;
	if (is_broken)
		*why = c->refresh_error;
	else if (!is_fresh)
		client_tell_silence(c, "Metadata", timeout_ms, why);
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
			     left, timeout_ms, &why)) {
			if (error != NULL)
				*error = why;
			return why.rc;
		}
		client_refresh(client);
		rc = loop_run_once(client->loop, left);
		if (rc < 0)
			return client_error_set(error, CLIENT_REFUSED, rc,
						CLIENT_LOOP_BROKEN);
		if (loop_was_stopped(client->loop))
			return client_error_set(error, CLIENT_REFUSED, -EINTR,
						"interrupted");
	}
	*topic_out = t;
	return 0;
}
