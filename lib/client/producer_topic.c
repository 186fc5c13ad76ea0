/*
 * producer_topic.c - what a producer knows of a topic
 *
 * Partitions only ever become more, so that a record's partition stays where
 * it is.  The topic's limit is asked for when a record proves too large, as
 * it belongs into the text.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "base/units.h"
#include "client/admin.h"
#include "client/partitioner.h"
#include "client/producer_state.h"
#include "wire/errors.h"

/*
 * Partitions
 */

int32_t producer_leader_of(const struct producer_partition *pp)
{
	const struct client_topic *meta = pp->topic->meta;

	if (pp->index >= meta->partition_count)
		return -1;
	return meta->partitions[pp->index].leader;
}

int producer_topic_grow(struct producer_topic *t)
{
	int32_t count = t->meta->partition_count;
	struct producer_partition **more;

	if (count <= t->partition_count)
		return 0;
	more = reallocarray(t->partitions, (size_t)count, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	t->partitions = more;
	while (t->partition_count < count) {
		struct producer_partition *pp = calloc(1, sizeof(*pp));

		if (pp == NULL)
			return -ENOMEM;
		pp->topic = t;
		pp->index = t->partition_count;
		producer_queue_init(&pp->queue);
		t->partitions[t->partition_count++] = pp;
	}
	return 0;
}

static struct producer_topic *find_topic(const struct producer *p,
					 const char *name)
{
	struct producer_topic *t = p->topics;

	while (t != NULL && strcmp(t->meta->name, name) != 0)
		t = t->next;
	return t;
}

int producer_topic_open(struct producer *producer, const char *name,
			int64_t timeout_ms, struct producer_topic **topic_out,
			struct client_error *error)
{
	struct producer_topic *t = find_topic(producer, name);
	const struct client_topic *meta;
	int rc;

	if (t != NULL) {
		*topic_out = t;
		return 0;
	}
	rc = client_topic_load(producer->client, name, false, false, timeout_ms,
			       &meta, error);
	if (rc < 0)
		return rc;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		goto no_memory;
	t->producer = producer;
	t->meta = meta;
	t->sticky = -1;
	t->batch_size = (size_t)producer->config->batch_size;
	TAILQ_INIT(&t->too_large);
	t->next = producer->topics;
	producer->topics = t;
	if (producer_topic_grow(t) < 0)
		goto no_memory;
	*topic_out = t;
	return 0;

no_memory:
	return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
				"out of memory");
}

const char *producer_topic_name(const struct producer_topic *topic)
{
	return topic->meta->name;
}

int32_t producer_topic_partitions(const struct producer_topic *topic)
{
	return topic->partition_count;
}

/* Any partition, best one that has a leader. */
static int32_t choose_sticky(const struct producer_topic *t)
{
	int32_t count = t->partition_count;
	int32_t start;

	start = (int32_t)random_below(random_system(), (uint64_t)count);
	for (int32_t i = 0; i < count; i++) {
		int32_t p = (start + i) % count;

		if (producer_leader_of(t->partitions[p]) >= 0)
			return p;
	}
	return start;
}

int32_t producer_partition_for(struct producer *producer,
			       struct producer_topic *topic, struct slice key)
{
	int32_t p = partitioner_choose(producer->config->partitioner, key,
				       topic->partition_count);

	if (p >= 0)
		return p;
	if (topic->sticky < 0)
		topic->sticky = choose_sticky(topic);
	return topic->sticky;
}

/*
 * Records that are too large
 */

static void tell_too_large(struct producer_topic *t, struct producer_batch *b)
{
	struct client_error error;

	if (t->limit > 0)
		client_error_set(&error, CLIENT_BAD_DATA, -EMSGSIZE,
				 "MESSAGE_TOO_LARGE: %zu bytes, broker limit "
				 "%" PRId64 " (topic max.message.bytes)",
				 b->size, t->limit);
	else
		client_error_set(&error, CLIENT_BAD_DATA, -EMSGSIZE,
				 "MESSAGE_TOO_LARGE: %zu bytes are more than "
				 "the broker takes (topic max.message.bytes)",
				 b->size);
	error.code = WIRE_MESSAGE_TOO_LARGE;
	b->culprit = 0;
	producer_batch_fail(b, &error);
	TAILQ_INSERT_TAIL(&t->producer->over, b, next);
}

/* 0 for what is no number. */
static int64_t number_of(struct slice text)
{
	char digits[20];
	int64_t number = 0;

	snprintf(digits, sizeof(digits), "%.*s", (int)text.len,
		 (const char *)text.data);
	if (parse_int64_in(digits, 1, INT64_MAX, &number) < 0)
		return 0;
	return number;
}

static void on_limit(void *arg, struct client_request *request)
{
	struct producer_topic *t = arg;
	struct producer_batch *b;
	struct slice value;
	struct client_error error;

	t->limit_request = NULL;
	if (client_request_error(request)->kind == CLIENT_OK &&
	    admin_config_answer(request, &value, &error) == 0)
		t->limit = number_of(value);
	client_request_free(request);
	while ((b = TAILQ_FIRST(&t->too_large)) != NULL) {
		TAILQ_REMOVE(&t->too_large, b, next);
		tell_too_large(t, b);
	}
	producer_deliver(t->producer);
}

/* The batch of one record is out of its queue; ask for the limit, and wait. */
void producer_topic_too_large(struct producer *p, struct producer_batch *b)
{
	struct producer_partition *pp = b->owner;
	struct producer_topic *t = pp->topic;

	producer_queue_failed(&pp->queue, b);
	producer_deactivate(pp);
	if (t->limit_request == NULL && t->limit == 0) {
		t->limit_request = admin_config_request(
			p->client, t->meta->name, "max.message.bytes");
		if (t->limit_request != NULL)
			client_send(t->limit_request, CLIENT_ANY_NODE,
				    p->config->request_timeout_ms, on_limit, t);
	}
	if (t->limit_request == NULL)
		tell_too_large(t, b);
	else
		TAILQ_INSERT_TAIL(&t->too_large, b, next);
}

void producer_topic_free(struct producer_topic *t)
{
	for (int32_t i = 0; i < t->partition_count; i++) {
		producer_batch_free(t->partitions[i]->queue.open);
		producer_batches_free(&t->partitions[i]->queue.batches);
		free(t->partitions[i]);
	}
	producer_batches_free(&t->too_large);
	client_request_free(t->limit_request);
	free(t->partitions);
	free(t);
}
