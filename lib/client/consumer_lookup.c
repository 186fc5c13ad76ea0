/*
 * consumer_lookup.c - from places to offsets
 *
 * Each partition has a few offsets that it wants to know; those of one kind
 * and one leader are asked for together.  When all are there the partition is
 * placed.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/admin.h"
#include "client/consumer_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* A ListOffsets under way. */
struct consumer_lookup {
	struct consumer *consumer;
	struct client_request *request;
	unsigned want;
	int32_t node;
	TAILQ_ENTRY(consumer_lookup) next;
};

static unsigned wants_of(const struct consumer_position *place, bool is_stop)
{
	switch (place->place) {
	case CONSUMER_BEGINNING:
	case CONSUMER_FROM_BEGINNING:
		return WANT_EARLIEST;
	case CONSUMER_END:
		return WANT_LATEST;
	case CONSUMER_FROM_END:
		return WANT_EARLIEST | WANT_LATEST;
	case CONSUMER_TIME:
		return WANT_LATEST |
		       (unsigned)(is_stop ? WANT_STOP_TIME : WANT_START_TIME);
	default:
		return 0;
	}
}

unsigned consumer_wants(const struct consumer_partition *p, bool with_stop)
{
	return wants_of(&p->start, false) |
	       (with_stop ? wants_of(&p->stop, true) : 0);
}

static int64_t found(const struct consumer_partition *p, unsigned want)
{
	return p->found[__builtin_ctz(want)];
}

static int64_t resolve(const struct consumer_partition *p,
		       const struct consumer_position *place, unsigned time)
{
	int64_t offset;

	switch (place->place) {
	case CONSUMER_BEGINNING:
		return found(p, WANT_EARLIEST);
	case CONSUMER_FROM_BEGINNING:
		return found(p, WANT_EARLIEST) + place->value;
	case CONSUMER_END:
		return found(p, WANT_LATEST);
	case CONSUMER_OFFSET:
		return place->value;
	case CONSUMER_FROM_END:
		offset = found(p, WANT_LATEST) - place->value;
		return offset > found(p, WANT_EARLIEST)
			       ? offset
			       : found(p, WANT_EARLIEST);
	case CONSUMER_TIME:
		offset = found(p, time);
		return offset >= 0 ? offset : found(p, WANT_LATEST);
	default:
		return INT64_MAX;
	}
}

void consumer_place(struct consumer *c, struct consumer_partition *p)
{
	p->position = resolve(p, &p->start, WANT_START_TIME);
	if (p->stop_offset < 0)
		p->stop_offset = resolve(p, &p->stop, WANT_STOP_TIME);
	p->fetch_offset = p->position;
	p->is_placed = true;
	p->is_doubtful = p->start.place == CONSUMER_OFFSET &&
			 p->stop.place == CONSUMER_END &&
			 p->position > p->stop_offset;
	p->failing_since_ms = -1;
	consumer_check_end(c, p);
}

static void take_partition(
	struct consumer_lookup *lookup,
	const struct list_offsets_response_topics *topic,
	const struct list_offsets_response_topics_partitions *answer)
{
	struct consumer *c = lookup->consumer;
	struct consumer_partition *p;
	int bit = __builtin_ctz(lookup->want);

	p = consumer_find(c, topic->name, UUID_ZERO, answer->partition_index);
	if (p == NULL || p->lookups[bit] != lookup)
		return;
	p->lookups[bit] = NULL;
	if (answer->error_code != WIRE_NONE) {
		consumer_take_code(c, p, answer->error_code);
		return;
	}
	p->found[bit] = answer->offset;
	p->wanted &= ~lookup->want;
	if (p->wanted == 0)
		consumer_place(c, p);
}

/* What was asked for and has no answer may be asked for again. */
static void take_failure(struct consumer_lookup *lookup,
			 const struct client_error *error)
{
	struct consumer *c = lookup->consumer;
	int bit = __builtin_ctz(lookup->want);
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->lookups[bit] != lookup)
			continue;
		p->lookups[bit] = NULL;
		consumer_trouble(c, p, error, c->config->retry_backoff_ms);
	}
}

static void take_answer(struct consumer_lookup *lookup)
{
	const struct list_offsets_response *response =
		client_request_answer(lookup->request);
	struct client_error error;

	for (int32_t t = 0; t < response->topics_count; t++) {
		const struct list_offsets_response_topics *topic =
			&response->topics[t];

		for (int32_t i = 0; i < topic->partitions_count; i++)
			take_partition(lookup, topic, &topic->partitions[i]);
	}
	client_error_set(&error, CLIENT_BAD_DATA, -EBADMSG,
			 "broker %d: its ListOffsets answer leaves partitions "
			 "out",
			 lookup->node);
	take_failure(lookup, &error);
}

static void lookup_free(struct consumer_lookup *lookup)
{
	TAILQ_REMOVE(&lookup->consumer->lookups, lookup, next);
	client_request_free(lookup->request);
	free(lookup);
}

static void on_looked_up(void *arg, struct client_request *request)
{
	struct consumer_lookup *lookup = arg;
	struct consumer *c = lookup->consumer;
	const struct client_error *error = client_request_error(request);

	if (error->kind == CLIENT_OK) {
		take_answer(lookup);
	} else if (error->kind == CLIENT_UNREACHABLE) {
		take_failure(lookup, error);
		client_refresh(c->client);
	} else {
		consumer_fail(c, error);
	}
	lookup_free(lookup);
	consumer_pump(c);
	consumer_ready(c);
}

static int64_t query_of(const struct consumer_partition *p, unsigned want)
{
	switch (want) {
	case WANT_EARLIEST:
		return ADMIN_EARLIEST;
	case WANT_LATEST:
		return ADMIN_LATEST;
	case WANT_START_TIME:
		return p->start.value;
	default:
		return p->stop.value;
	}
}

static bool is_to_ask(const struct consumer_partition *p, unsigned want,
		      int32_t node, int64_t now)
{
	return p != NULL && (p->wanted & want) != 0 &&
	       p->lookups[__builtin_ctz(want)] == NULL &&
	       p->retry_at_ms <= now && consumer_source(p) == node;
}

/* Write the question for one topic; 0 or -ENOMEM. */
static int ask_topic(struct consumer_lookup *lookup,
		     const struct consumer_topic *t, int64_t now)
{
	struct list_offsets_request *m =
		client_request_message(lookup->request);
	struct list_offsets_request_topics *topic = &m->topics[m->topics_count];

	for (int32_t i = 0; i < t->count; i++) {
		struct consumer_partition *p = t->partitions[i];
		struct list_offsets_request_topics_partitions *q;

		if (!is_to_ask(p, lookup->want, lookup->node, now))
			continue;
		if (topic->partitions == NULL) {
			topic->name = slice_of(t->meta->name);
			topic->partitions = wire_array(
				&list_offsets_request_topics_partitions_desc,
				client_request_arena(lookup->request),
				t->count - i);
			if (topic->partitions == NULL)
				return -ENOMEM;
			m->topics_count++;
		}
		q = &topic->partitions[topic->partitions_count++];
		q->partition_index = p->index;
		q->timestamp = query_of(p, lookup->want);
		p->lookups[__builtin_ctz(lookup->want)] = lookup;
	}
	return 0;
}

static struct consumer_lookup *lookup_new(struct consumer *c, int32_t node,
					  unsigned want)
{
	struct consumer_lookup *lookup = calloc(1, sizeof(*lookup));
	struct list_offsets_request *m;

	if (lookup == NULL)
		return NULL;
	lookup->consumer = c;
	lookup->node = node;
	lookup->want = want;
	lookup->request = client_request_new(c->client, API_LIST_OFFSETS);
	TAILQ_INSERT_TAIL(&c->lookups, lookup, next);
	if (lookup->request == NULL)
		goto fail;
	m = client_request_message(lookup->request);
	m->replica_id = -1;
	m->isolation_level = c->config->read_committed;
	m->timeout_ms = (int32_t)c->config->request_timeout_ms;
	m->topics = wire_array(&list_offsets_request_topics_desc,
			       client_request_arena(lookup->request),
			       (int32_t)c->topic_count);
	if (m->topics == NULL)
		goto fail;
	return lookup;

fail:
	lookup_free(lookup);
	return NULL;
}

static void ask(struct consumer *c, int32_t node, unsigned want, int64_t now)
{
	struct consumer_lookup *lookup = lookup_new(c, node, want);
	int rc = lookup == NULL ? -ENOMEM : 0;
	struct client_error error;

	for (size_t t = 0; t < c->topic_count && rc == 0; t++)
		rc = ask_topic(lookup, c->topics[t], now);
	if (rc < 0) {
		client_error_set(&error, CLIENT_REFUSED, rc, "out of memory");
		consumer_fail(c, &error);
		return;
	}
	client_send(lookup->request, node, consumer_timeout_ms(c), on_looked_up,
		    lookup);
}

void consumer_lookup_send(struct consumer *c)
{
	int64_t now = loop_now_ms(c->loop);
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while (!c->has_failed && (p = consumer_each(c, &t, &i)) != NULL) {
		int32_t node = consumer_source(p);

		if (node < 0 || p->retry_at_ms > now)
			continue;
		for (unsigned bit = 0; bit < WANT_COUNT; bit++) {
			if ((p->wanted & 1U << bit) && p->lookups[bit] == NULL)
				ask(c, node, 1U << bit, now);
		}
	}
}

void consumer_lookup_clear(struct consumer *c)
{
	struct consumer_lookup *lookup;

	while ((lookup = TAILQ_FIRST(&c->lookups)) != NULL)
		lookup_free(lookup);
}
