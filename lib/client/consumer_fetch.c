/*
 * consumer_fetch.c - ask brokers for records
 *
 * One Fetch is under way to each node.  A session (KIP-227) remembers on the
 * broker what is wanted, so that a request says only what has changed; after
 * any trouble the session is made anew, which is always right.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/consumer_state.h"
#include "net/frame_conn.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { FIRST_VERSION_WITH_IDS = 13, FIRST_VERSION_WITH_SESSIONS = 7 };

static struct consumer_node *node_for(struct consumer *c, int32_t id)
{
	struct consumer_node **more;
	struct consumer_node *node;

	for (size_t i = 0; i < c->node_count; i++) {
		if (c->nodes[i]->id == id)
			return c->nodes[i];
	}
	more = reallocarray(c->nodes, c->node_count + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	c->nodes = more;
	node = calloc(1, sizeof(*node));
	if (node == NULL)
		return NULL;
	node->id = id;
	node->consumer = c;
	c->nodes[c->node_count++] = node;
	return node;
}

static size_t limit_bytes(const struct consumer *c)
{
	return (size_t)c->config->queued_max_kbytes * 1024;
}

/* How much may be asked for now, in all. */
static size_t room(const struct consumer *c)
{
	size_t taken = c->queued_bytes;

	for (size_t i = 0; i < c->node_count; i++)
		taken += c->nodes[i]->asked_bytes;
	return taken < limit_bytes(c) ? limit_bytes(c) - taken : 0;
}

/* Has the partition enough waiting, so that others should have the room? */
static bool is_full(const struct consumer *c,
		    const struct consumer_partition *p)
{
	size_t share = limit_bytes(c) / c->partition_count;
	size_t least = 2 * (size_t)c->config->fetch_message_max_bytes;

	return p->queued_bytes >= (share > least ? share : least);
}

/* How much of the partition is asked for at once. */
static size_t asked_bytes(const struct consumer *c,
			  const struct consumer_partition *p)
{
	size_t bytes = (size_t)c->config->fetch_message_max_bytes;

	return p->fetch_bytes > bytes ? p->fetch_bytes : bytes;
}

static bool is_wanted(const struct consumer *c,
		      const struct consumer_partition *p, int32_t node,
		      int64_t now)
{
	return p->is_placed && !p->is_done && !p->is_paused &&
	       p->retry_at_ms <= now &&
	       (p->fetch_offset < p->stop_offset || p->is_doubtful) &&
	       !is_full(c, p) && consumer_source(p) == node;
}

/*
 * The request
 */

static int add_partition(struct consumer *c, struct fetch_request *m,
			 struct arena *arena, const struct consumer_topic *t,
			 struct consumer_partition *p)
{
	struct fetch_request_topics *topic = &m->topics[m->topics_count];
	struct fetch_request_topics_partitions *q;

	if (topic->partitions == NULL) {
		topic->topic = slice_of(t->meta->name);
		topic->topic_id = t->meta->id;
		topic->partitions = wire_array(
			&fetch_request_topics_partitions_desc, arena, t->count);
		if (topic->partitions == NULL)
			return -ENOMEM;
	}
	q = &topic->partitions[topic->partitions_count++];
	q->partition = p->index;
	q->fetch_offset = p->fetch_offset;
	q->partition_max_bytes = (int32_t)asked_bytes(c, p);
	return 0;
}

static int forget_partition(struct fetch_request *m, struct arena *arena,
			    const struct consumer_topic *t,
			    const struct consumer_partition *p)
{
	struct fetch_request_forgotten_topics_data *topic =
		&m->forgotten_topics_data[m->forgotten_topics_data_count];

	if (topic->partitions == NULL) {
		topic->topic = slice_of(t->meta->name);
		topic->topic_id = t->meta->id;
		topic->partitions =
			arena_calloc(arena, (size_t)t->count, sizeof(int32_t));
		if (topic->partitions == NULL)
			return -ENOMEM;
	}
	topic->partitions[topic->partitions_count++] = p->index;
	return 0;
}

/* Say what of the topic is wanted, or no longer so.  Counts the wanted. */
static int add_topic(struct consumer *c, struct consumer_node *node,
		     struct client_request *r, const struct consumer_topic *t,
		     bool is_full_fetch, size_t *wanted)
{
	struct fetch_request *m = client_request_message(r);
	struct arena *arena = client_request_arena(r);
	int64_t now = loop_now_ms(c->loop);
	int rc = 0;

	for (int32_t i = 0; i < t->count && rc == 0; i++) {
		struct consumer_partition *p = t->partitions[i];
		bool in_session;

		if (p == NULL)
			continue;
		in_session = !is_full_fetch && p->session == node->id;
		if (is_wanted(c, p, node->id, now)) {
			(*wanted)++;
			p->was_refused = false;
			if (in_session &&
			    p->session_offset == p->fetch_offset &&
			    p->fetch_bytes == 0)
				continue;
			rc = add_partition(c, m, arena, t, p);
			p->session = node->id;
			p->session_offset = p->fetch_offset;
		} else if (p->session == node->id) {
			p->session = -1;
			if (in_session)
				rc = forget_partition(m, arena, t, p);
		}
	}
	if (uuid_is_zero(t->meta->id))
		client_request_limit_versions(r, 4, FIRST_VERSION_WITH_IDS - 1);
	if (m->topics[m->topics_count].partitions_count > 0)
		m->topics_count++;
	if (m->forgotten_topics_data[m->forgotten_topics_data_count]
		    .partitions_count > 0)
		m->forgotten_topics_data_count++;
	return rc;
}

static void fill_limits(struct consumer *c, struct consumer_node *node,
			struct fetch_request *m, bool is_full_fetch)
{
	const struct client_config *config = c->config;
	size_t share = limit_bytes(c) / c->node_count;
	size_t bytes = room(c);

	if (bytes > share)
		bytes = share;
	if (bytes > (size_t)config->fetch_max_bytes)
		bytes = (size_t)config->fetch_max_bytes;
	node->asked_bytes = bytes;
	m->replica_id = -1;
	m->max_wait_ms = (int32_t)config->fetch_wait_max_ms;
	m->min_bytes = (int32_t)config->fetch_min_bytes;
	m->max_bytes = (int32_t)bytes;
	m->isolation_level = config->read_committed;
	/* With epoch 0 a session is made, and the one named ends. */
	if (is_full_fetch)
		node->session_epoch = 0;
	m->session_id = node->session_id;
	m->session_epoch = node->session_epoch;
	m->rack_id = slice_of(config->client_rack);
}

static int make_arrays(struct consumer *c, struct client_request *r)
{
	struct fetch_request *m = client_request_message(r);
	struct arena *arena = client_request_arena(r);
	int32_t count = (int32_t)c->topic_count + 1; /* one is scratch */

	m->topics = wire_array(&fetch_request_topics_desc, arena, count);
	m->forgotten_topics_data = wire_array(
		&fetch_request_forgotten_topics_data_desc, arena, count);
	return m->topics == NULL || m->forgotten_topics_data == NULL ? -ENOMEM
								     : 0;
}

static void on_fetched(void *arg, struct client_request *request);

/* Ask the node, if anything is wanted of it.  0 or -ENOMEM. */
static int fetch_from(struct consumer *c, struct consumer_node *node)
{
	bool is_full_fetch = node->session_id == 0 || node->start_over;
	struct client_request *r;
	size_t wanted = 0;
	int rc;

	if (node->request != NULL || room(c) == 0)
		return 0;
	r = client_request_new(c->client, API_FETCH);
	if (r == NULL)
		return -ENOMEM;
	rc = make_arrays(c, r);
	for (size_t t = 0; t < c->topic_count && rc == 0; t++)
		rc = add_topic(c, node, r, c->topics[t], is_full_fetch,
			       &wanted);
	if (rc < 0 || wanted == 0) {
		/* What was said to be in the session was not. */
		node->start_over = true;
		client_request_free(r);
		return rc;
	}
	fill_limits(c, node, client_request_message(r), is_full_fetch);
	node->start_over = false;
	node->request = r;
	client_request_expect_much(r);
	client_send(r, node->id,
		    c->config->fetch_wait_max_ms + consumer_timeout_ms(c),
		    on_fetched, node);
	return 0;
}

/* Is anything wanted of some node at all? */
static bool any_wanted(const struct consumer *c, int32_t node, int64_t now)
{
	const struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (is_wanted(c, p, node, now))
			return true;
	}
	return false;
}

void consumer_fetch_send(struct consumer *c)
{
	int64_t now = loop_now_ms(c->loop);
	const struct consumer_partition *p;
	struct client_error error;
	size_t t = 0;
	int32_t i = 0;
	int rc = 0;

	/* Nodes come into being where they are needed. */
	while ((p = consumer_each(c, &t, &i)) != NULL) {
		int32_t id = consumer_source(p);

		if (id >= 0 && node_for(c, id) == NULL)
			rc = -ENOMEM;
	}
	for (size_t n = 0; n < c->node_count && rc == 0; n++) {
		if (c->nodes[n]->request == NULL &&
		    any_wanted(c, c->nodes[n]->id, now))
			rc = fetch_from(c, c->nodes[n]);
	}
	if (rc < 0) {
		client_error_set(&error, CLIENT_REFUSED, rc, "out of memory");
		consumer_fail(c, &error);
	}
}

/*
 * The answer
 */

static void tell_reset(struct consumer *c, const char *text)
{
	if (c->handler.on_reset != NULL)
		c->handler.on_reset(c->handler.arg, text);
	else if (c->handler.on_note != NULL)
		c->handler.on_note(c->handler.arg, text);
}

static void out_of_range(struct consumer *c, struct consumer_partition *p)
{
	struct client_error error;
	char text[400];

	if (p->read_from >= 0) {
		p->read_from = -1; /* the leader knows better */
		return;
	}
	/* First what waits, then the jump; no broker makes it spin. */
	if (p->chunks > 0 || p->was_reset) {
		p->was_reset = false;
		p->retry_at_ms =
			loop_now_ms(c->loop) + c->config->retry_backoff_ms;
		return;
	}
	if (c->config->auto_offset_reset == RESET_ERROR) {
		client_error_set(&error, CLIENT_MISSING, -ERANGE,
				 "topic '%s' partition %d: offset %" PRId64
				 " is out of range (auto.offset.reset=error)",
				 p->topic->meta->name, p->index,
				 p->fetch_offset);
		error.code = WIRE_OFFSET_OUT_OF_RANGE;
		consumer_fail(c, &error);
		return;
	}
	snprintf(text, sizeof(text),
		 "topic '%s' partition %d: offset %" PRId64
		 " is out of range: going on at the %s",
		 p->topic->meta->name, p->index, p->fetch_offset,
		 c->config->auto_offset_reset == RESET_EARLIEST ? "beginning"
								: "end");
	tell_reset(c, text);
	p->was_reset = true;
	consumer_place_at(c, p,
			  c->config->auto_offset_reset == RESET_EARLIEST
				  ? CONSUMER_BEGINNING
				  : CONSUMER_END);
}

/*
 * Bytes without a whole batch at or after the offset, although there was room
 * for one: asked again at once it would be so again, without an end.
 */
static void leads_nowhere(struct consumer *c, struct consumer_partition *p,
			  size_t len)
{
	struct client_error error;

	client_error_set(&error, CLIENT_BAD_DATA, -EBADMSG,
			 "topic '%s' partition %d: the broker has no batch for "
			 "offset %" PRId64 " in the %zu bytes that it sends",
			 p->topic->meta->name, p->index, p->fetch_offset, len);
	consumer_trouble(c, p, &error, c->config->retry_backoff_ms);
}

static int take_records(struct consumer *c, struct consumer_node *node,
			struct consumer_partition *p,
			struct consumer_frame *frame,
			const struct fetch_response_responses_partitions *a)
{
	struct slice records = { a->records.data, a->records.len };
	struct consumer_aborted *aborted = NULL;
	size_t count = 0;
	struct consumer_chunk *chunk;
	size_t needed;

	if (c->config->read_committed && a->aborted_transactions_count > 0) {
		count = (size_t)a->aborted_transactions_count;
		aborted = calloc(count, sizeof(*aborted));
		if (aborted == NULL)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		aborted[i] = (struct consumer_aborted){
			a->aborted_transactions[i].producer_id,
			a->aborted_transactions[i].first_offset
		};
	chunk = consumer_chunk_new(frame, records, aborted, count);
	free(aborted);
	if (chunk == NULL)
		return -ENOMEM;
	chunk->owner = p;
	chunk->node = node->id;
	TAILQ_INSERT_TAIL(&c->chunks, chunk, next);
	c->queued_bytes += chunk->size;
	p->queued_bytes += chunk->size;
	p->chunks++;
	p->fetch_offset = consumer_chunk_end(records, p->fetch_offset, &needed);
	if (p->fetch_offset > p->session_offset)
		p->failing_since_ms = -1;
	else if (needed <= asked_bytes(c, p) ||
		 needed > (size_t)c->config->receive_message_max_bytes)
		leads_nowhere(c, p, records.len);
	p->fetch_bytes = needed;
	return 0;
}

static int take_partition(struct consumer *c, struct consumer_node *node,
			  struct consumer_partition *p,
			  struct consumer_frame *frame,
			  const struct fetch_response_responses_partitions *a)
{
	p->was_refused = a->error_code != WIRE_NONE;
	if (a->error_code == WIRE_OFFSET_OUT_OF_RANGE) {
		out_of_range(c, p);
		return 0;
	}
	if (a->error_code != WIRE_NONE) {
		p->read_from = -1;
		if (a->error_code == WIRE_UNKNOWN_TOPIC_ID ||
		    a->error_code == WIRE_INCONSISTENT_TOPIC_ID)
			node->start_over = true;
		consumer_take_code(c, p, a->error_code);
		return 0;
	}
	p->was_fetched = true;
	p->was_reset = false;
	p->is_doubtful = false;
	p->high_watermark = a->high_watermark;
	p->end_offset = c->config->read_committed && a->last_stable_offset >= 0
				? a->last_stable_offset
				: a->high_watermark;
	if (client_node(c->client, a->preferred_read_replica) != NULL)
		p->read_from = a->preferred_read_replica;
	if (a->records.len == 0) {
		p->failing_since_ms = -1;
		return 0;
	}
	return take_records(c, node, p, frame, a);
}

/*
 * Nothing came, of any partition, although the broker says that this one goes
 * further than its stop: what was between is not there any more.
 */
static void skip_nothing(struct consumer *c, const struct consumer_node *node)
{
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->session != node->id || !p->is_placed || p->is_done ||
		    p->was_refused || p->chunks > 0 ||
		    p->stop_offset == INT64_MAX ||
		    p->position >= p->stop_offset ||
		    p->end_offset < p->stop_offset ||
		    p->session_offset != p->fetch_offset)
			continue;
		p->position = p->stop_offset;
		p->fetch_offset = p->stop_offset;
	}
}

/* All partitions of the answer.  Returns how many had records, or -ENOMEM. */
static int take_partitions(struct consumer *c, struct consumer_node *node,
			   struct consumer_frame *frame,
			   const struct fetch_response *response)
{
	int with_records = 0;

	for (int32_t t = 0; t < response->responses_count; t++) {
		const struct fetch_response_responses *topic =
			&response->responses[t];

		for (int32_t i = 0; i < topic->partitions_count; i++) {
			const struct fetch_response_responses_partitions *a =
				&topic->partitions[i];
			struct consumer_partition *p;

			p = consumer_find(c, topic->topic, topic->topic_id,
					  a->partition_index);
			/* Asked for before it was moved or removed. */
			if (p == NULL || p->session != node->id ||
			    !p->is_placed || p->is_done ||
			    p->session_offset != p->fetch_offset)
				continue;
			with_records += a->records.len > 0;
			if (take_partition(c, node, p, frame, a) < 0)
				return -ENOMEM;
		}
	}
	return with_records;
}

static void check_ends(struct consumer *c, const struct consumer_node *node)
{
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->session == node->id && p->is_placed)
			consumer_check_end(c, p);
	}
}

static int take_response(struct consumer *c, struct consumer_node *node)
{
	const struct fetch_response *response =
		client_request_answer(node->request);
	struct consumer_frame *frame = calloc(1, sizeof(*frame));
	int rc;

	if (frame == NULL)
		return -ENOMEM;
	frame->holders = 1;
	frame->frame = client_request_take_frame(node->request);
	rc = take_partitions(c, node, frame, response);
	consumer_frame_release(frame);
	/* A throttled answer is empty and says nothing. */
	if (rc == 0 && response->throttle_time_ms == 0)
		skip_nothing(c, node);
	check_ends(c, node);
	return rc < 0 ? rc : 0;
}

/* The session goes on; or there is none, and each request says it all. */
static void next_epoch(struct consumer_node *node,
		       const struct fetch_response *response)
{
	node->session_id = response->session_id;
	if (client_request_version(node->request) < FIRST_VERSION_WITH_SESSIONS)
		node->session_id = 0;
	if (node->session_epoch == INT32_MAX)
		node->session_epoch = 0;
	node->session_epoch++;
}

static void session_lost(struct consumer_node *node)
{
	node->session_id = 0;
	node->session_epoch = 0;
	node->start_over = true;
}

/* The whole answer is a failure: everything asked of the node has trouble. */
static void node_trouble(struct consumer *c, struct consumer_node *node,
			 const struct client_error *error)
{
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	session_lost(node);
	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->session != node->id)
			continue;
		p->session = -1;
		p->read_from = -1;
		consumer_trouble(c, p, error, c->config->retry_backoff_ms);
	}
	client_refresh(c->client);
}

static void session_error(struct consumer *c, struct consumer_node *node,
			  int16_t code)
{
	struct client_error error;
	char subject[40];

	if (code == WIRE_FETCH_SESSION_ID_NOT_FOUND ||
	    code == WIRE_INVALID_FETCH_SESSION_EPOCH ||
	    code == WIRE_FETCH_SESSION_TOPIC_ID_ERROR) {
		session_lost(node);
		return;
	}
	snprintf(subject, sizeof(subject), "Fetch from broker %d", node->id);
	client_error_from_code(&error, code, subject, NULL);
	if (error.kind == CLIENT_UNREACHABLE || error.kind == CLIENT_MISSING)
		node_trouble(c, node, &error);
	else
		consumer_fail(c, &error);
}

static void take_fetch(struct consumer *c, struct consumer_node *node)
{
	const struct client_error *failure =
		client_request_error(node->request);
	const struct fetch_response *response =
		client_request_answer(node->request);
	struct client_error error;

	if (failure->kind == CLIENT_UNREACHABLE) {
		node_trouble(c, node, failure);
	} else if (failure->kind != CLIENT_OK) {
		consumer_fail(c, failure);
	} else if (response->error_code != WIRE_NONE) {
		session_error(c, node, response->error_code);
	} else {
		next_epoch(node, response);
		if (take_response(c, node) < 0) {
			client_error_set(&error, CLIENT_REFUSED, -ENOMEM,
					 "out of memory");
			consumer_fail(c, &error);
		}
	}
}

static void on_fetched(void *arg, struct client_request *request)
{
	struct consumer_node *node = arg;
	struct consumer *c = node->consumer;

	assert(request == node->request);
	node->asked_bytes = 0;
	take_fetch(c, node);
	node->request = NULL;
	client_request_free(request);
	consumer_pump(c);
	consumer_ready(c);
}

void consumer_fetch_forget(struct consumer *c, struct consumer_partition *p)
{
	for (size_t i = 0; i < c->node_count; i++) {
		if (c->nodes[i]->id == p->session)
			c->nodes[i]->start_over = true;
	}
}

void consumer_fetch_clear(struct consumer *c)
{
	for (size_t i = 0; i < c->node_count; i++) {
		client_request_free(c->nodes[i]->request);
		free(c->nodes[i]);
	}
	free(c->nodes);
	c->nodes = NULL;
	c->node_count = 0;
}
