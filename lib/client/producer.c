/*
 * producer.c - records to topics
 *
 * Records go into the open batch of their partition's queue (see
 * producer_queue.h, which decides what may go).  pump() is the one place that
 * sends: it closes the batches that are due, and fills requests for each
 * broker that has room under max.in.flight, one batch of each partition in a
 * request.  It runs after whatever may have changed something.
 *
 * Batches that are over go through the list "over", and are told by
 * deliver(), which runs in events of the loop only: so an add() made from
 * within on_delivery() finds everything in order.
 */
#include "client/producer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/units.h"
#include "client/admin.h"
#include "client/partitioner.h"
#include "client/producer_queue.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	SUBJECT_MAX = TOPIC_NAME_MAX + 60,
	REQUEST_BYTES_TARGET = 8 << 20, /* no further batch beyond it */
	SPARE_BATCHES_MAX = 32,
	PRODUCER_ID_TIMEOUT_MS = 30000,
};

struct producer_partition {
	struct producer_topic *topic;
	int32_t index;
	struct producer_queue queue;
	bool is_active;     /* in the producer's list: has batches */
	uint64_t served_in; /* the round in which it was looked at last */
	TAILQ_ENTRY(producer_partition) next;
};

TAILQ_HEAD(partition_list, producer_partition);

struct producer_topic {
	struct producer *producer;
	const struct client_topic *meta;
	struct producer_partition **partitions;
	int32_t partition_count;
	int32_t sticky;    /* where records without a key go now; -1: choose */
	size_t batch_size; /* less than batch.size once it proved too large */

	/* Batches of one record that are too large, until the limit is known */
	struct producer_batch_list too_large;
	struct client_request *limit_request;
	int64_t limit; /* max.message.bytes; 0: not known */
	struct producer_topic *next;
};

/* A Produce request under way. */
struct produce_call {
	struct producer *producer;
	struct client_request *request;
	int32_t node;
	struct producer_batch **batches;
	size_t count;
	TAILQ_ENTRY(produce_call) next;
};

TAILQ_HEAD(call_list, produce_call);

struct producer {
	struct client *client;
	const struct client_config *config;
	struct loop *loop;
	void (*on_delivery)(void *arg,
			    const struct producer_delivery *delivery);
	void *arg;
	struct producer_topic *topics;
	struct partition_list active;
	struct call_list calls;
	struct producer_batch_list over;
	struct producer_batch_list spares;
	int spare_count;
	uint64_t pending;
	uint64_t pending_bytes;

	struct producer_id id;
	struct client_request *id_request;
	bool needs_id;
	int64_t id_retry_at_ms;
	int id_attempts;
	bool has_failed;
	struct client_error failure;

	struct client_watcher watcher;
	struct loop_timer *timer;
	bool is_pumping;
	uint64_t round; /* of send_to(), for served_in */
};

static void pump(struct producer *p);

static int64_t backoff_ms(const struct client_config *config, int attempts)
{
	int64_t ms = config->retry_backoff_ms;

	for (int i = 1; i < attempts && ms < config->retry_backoff_max_ms; i++)
		ms *= 2;
	return ms < config->retry_backoff_max_ms ? ms
						 : config->retry_backoff_max_ms;
}

/*
 * Batches
 */

static struct producer_batch *new_batch(struct producer_partition *pp)
{
	struct producer *p = pp->topic->producer;
	struct producer_batch *b = TAILQ_FIRST(&p->spares);

	if (b != NULL) {
		TAILQ_REMOVE(&p->spares, b, next);
		p->spare_count--;
	} else {
		b = producer_batch_new();
		if (b == NULL)
			return NULL;
	}
	b->owner = pp;
	b->created_ms = loop_now_ms(p->loop);
	return b;
}

static void old_batch(struct producer *p, struct producer_batch *b)
{
	if (p->spare_count == SPARE_BATCHES_MAX ||
	    b->builder.records.capacity > 4 * (size_t)p->config->batch_size) {
		producer_batch_free(b);
		return;
	}
	producer_batch_reset(b);
	TAILQ_INSERT_HEAD(&p->spares, b, next);
	p->spare_count++;
}

static void activate(struct producer_partition *pp)
{
	if (pp->is_active)
		return;
	pp->is_active = true;
	TAILQ_INSERT_TAIL(&pp->topic->producer->active, pp, next);
}

static void deactivate_if_empty(struct producer_partition *pp)
{
	if (!pp->is_active || !producer_queue_is_empty(&pp->queue))
		return;
	pp->is_active = false;
	TAILQ_REMOVE(&pp->topic->producer->active, pp, next);
}

static void subject_of(const struct producer_batch *b, char *text, size_t size)
{
	const struct producer_partition *pp = b->owner;

	snprintf(text, size, "topic '%s' partition %d", pp->topic->meta->name,
		 pp->index);
}

/* Tell what is over.  From events of the loop only. */
static void deliver(struct producer *p)
{
	struct producer_batch *b;

	while ((b = TAILQ_FIRST(&p->over)) != NULL) {
		const struct producer_partition *pp = b->owner;
		struct producer_delivery delivery;

		TAILQ_REMOVE(&p->over, b, next);
		p->pending -= (uint64_t)producer_batch_count(b);
		p->pending_bytes -= b->reserved;
		producer_batch_delivery(b, &delivery);
		delivery.topic = pp->topic;
		delivery.partition = pp->index;
		p->on_delivery(p->arg, &delivery);
		old_batch(p, b);
	}
}

/* The batch, out of its queue, is over. */
static void finish(struct producer *p, struct producer_batch *b)
{
	deactivate_if_empty(b->owner);
	TAILQ_INSERT_TAIL(&p->over, b, next);
}

static void fail_batch(struct producer *p, struct producer_batch *b,
		       const struct client_error *error)
{
	struct producer_partition *pp = b->owner;

	producer_batch_fail(b, error);
	producer_queue_failed(&pp->queue, b);
	finish(p, b);
}

/* Nothing can be produced any more; what is in flight may still succeed. */
static void fail_all(struct producer *p, const struct client_error *error)
{
	struct producer_partition *pp = TAILQ_FIRST(&p->active);
	struct producer_partition *next;
	struct producer_batch *b;

	p->has_failed = true;
	p->failure = *error;
	for (; pp != NULL; pp = next) {
		next = TAILQ_NEXT(pp, next);
		/* A future that is past for every batch. */
		while ((b = producer_queue_expired(&pp->queue, INT64_MAX)) !=
		       NULL)
			fail_batch(p, b, error);
	}
}

/*
 * The producer id
 */

static void ask_for_id(struct producer *p);

static void take_id(struct producer *p, struct client_request *request)
{
	const struct init_producer_id_response *response =
		client_request_answer(request);
	struct client_error error = *client_request_error(request);

	if (error.kind == CLIENT_OK && response->error_code == WIRE_NONE) {
		p->id = (struct producer_id){ response->producer_id,
					      response->producer_epoch };
		p->needs_id = false;
		p->id_attempts = 0;
		return;
	}
	if (error.kind == CLIENT_OK)
		client_error_from_code(&error, response->error_code,
				       "asking for a producer id", NULL);
	if (error.kind != CLIENT_UNREACHABLE) {
		if (error.rc == -ENOTSUP)
			client_error_set(&error, CLIENT_REFUSED, -ENOTSUP,
					 "%s (enable.idempotence=false goes "
					 "without)",
					 client_request_error(request)->text);
		fail_all(p, &error);
		return;
	}
	p->id_attempts++;
	p->id_retry_at_ms =
		loop_now_ms(p->loop) + backoff_ms(p->config, p->id_attempts);
}

static void on_id(void *arg, struct client_request *request)
{
	struct producer *p = arg;

	p->id_request = NULL;
	take_id(p, request);
	client_request_free(request);
	pump(p);
	deliver(p);
}

static void ask_for_id(struct producer *p)
{
	struct init_producer_id_request *m;
	struct client_request *r;

	if (p->id_request != NULL || loop_now_ms(p->loop) < p->id_retry_at_ms)
		return;
	r = client_request_new(p->client, API_INIT_PRODUCER_ID);
	if (r == NULL) {
		p->id_retry_at_ms =
			loop_now_ms(p->loop) + p->config->retry_backoff_max_ms;
		return;
	}
	m = client_request_message(r);
	m->transactional_id = SLICE_NULL;
	m->transaction_timeout_ms = INT32_MAX;
	p->id_request = r;
	client_send(r, CLIENT_ANY_NODE, PRODUCER_ID_TIMEOUT_MS, on_id, p);
}

/*
 * Records that are too large: the topic's limit belongs into the text
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
	deliver(t->producer);
}

/* The batch of one record is out of its queue; ask for the limit, and wait. */
static void fail_too_large(struct producer *p, struct producer_batch *b)
{
	struct producer_partition *pp = b->owner;
	struct producer_topic *t = pp->topic;

	producer_queue_failed(&pp->queue, b);
	deactivate_if_empty(pp);
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

static void split(struct producer *p, struct producer_batch *b)
{
	struct producer_partition *pp = b->owner;
	struct producer_batch *first = new_batch(pp);
	struct producer_batch *second = new_batch(pp);
	struct client_error error;

	if (first == NULL || second == NULL ||
	    producer_batch_split(b, first, second) < 0) {
		producer_batch_free(first);
		producer_batch_free(second);
		client_error_set(&error, CLIENT_REFUSED, -ENOMEM,
				 "out of memory");
		fail_batch(p, b, &error);
		return;
	}
	/* Those to come had better not be as large. */
	if (batch_builder_size(&first->builder) < pp->topic->batch_size)
		pp->topic->batch_size = batch_builder_size(&first->builder);
	producer_queue_replace(&pp->queue, b, first, second);
	p->pending_bytes += first->reserved + second->reserved - b->reserved;
	old_batch(p, b);
}

/*
 * Answers
 */

static void retry(struct producer *p, struct producer_batch *b,
		  const struct client_error *error)
{
	struct producer_partition *pp = b->owner;
	int64_t at = loop_now_ms(p->loop) + backoff_ms(p->config, b->attempts);

	b->error = *error;
	if (b->attempts > p->config->retries)
		fail_batch(p, b, error);
	else if (error->code == WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER ||
		 error->code == WIRE_UNKNOWN_PRODUCER_ID ||
		 error->code == WIRE_INVALID_PRODUCER_EPOCH)
		producer_queue_refused(&pp->queue, b, loop_now_ms(p->loop));
	else
		producer_queue_retry(&pp->queue, b, at);
}

static void stored(struct producer *p, struct producer_batch *b,
		   int64_t base_offset, int64_t log_append_time_ms)
{
	struct producer_partition *pp = b->owner;

	b->base_offset = base_offset;
	b->log_append_time_ms = log_append_time_ms;
	producer_queue_stored(&pp->queue, b);
	finish(p, b);
}

/* Does the code speak of an old idea of who leads? */
static bool is_stale_metadata(int16_t code)
{
	return code != WIRE_REQUEST_TIMED_OUT &&
	       code != WIRE_NOT_ENOUGH_REPLICAS &&
	       code != WIRE_NOT_ENOUGH_REPLICAS_AFTER_APPEND &&
	       code != WIRE_THROTTLING_QUOTA_EXCEEDED;
}

static bool is_sequence_problem(const struct producer_batch *b, int16_t code)
{
	return b->has_sequence && (code == WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER ||
				   code == WIRE_UNKNOWN_PRODUCER_ID ||
				   code == WIRE_INVALID_PRODUCER_EPOCH);
}

static void broker_error(
	struct producer *p, struct producer_batch *b,
	const struct produce_response_responses_partition_responses *answer)
{
	char subject[SUBJECT_MAX];
	char text[300];
	struct slice said = answer->error_message;
	struct client_error error;
	int16_t code = answer->error_code;

	if (answer->record_errors_count > 0) {
		b->culprit = answer->record_errors[0].batch_index;
		if (!slice_is_null(
			    answer->record_errors[0].batch_index_error_message))
			said = answer->record_errors[0]
				       .batch_index_error_message;
	}
	if (b->culprit < 0 || b->culprit >= producer_batch_count(b))
		b->culprit = -1;
	snprintf(text, sizeof(text), "%.*s", (int)said.len,
		 (const char *)said.data);
	subject_of(b, subject, sizeof(subject));
	client_error_from_code(&error, code, subject, text);
	if (wire_error_is_retriable(code) || is_sequence_problem(b, code)) {
		if (wire_error_is_retriable(code) && is_stale_metadata(code))
			client_refresh(p->client);
		retry(p, b, &error);
		return;
	}
	fail_batch(p, b, &error);
}

static void take_answer(
	struct producer *p, struct producer_batch *b,
	const struct produce_response_responses_partition_responses *answer)
{
	switch (answer->error_code) {
	case WIRE_NONE:
		stored(p, b, answer->base_offset, answer->log_append_time_ms);
		break;
	case WIRE_DUPLICATE_SEQUENCE_NUMBER:
		stored(p, b, -1, -1);
		break;
	case WIRE_MESSAGE_TOO_LARGE:
	case WIRE_RECORD_LIST_TOO_LARGE:
		if (producer_batch_count(b) > 1)
			split(p, b);
		else
			fail_too_large(p, b);
		break;
	default:
		broker_error(p, b, answer);
		break;
	}
}

/* The batch of the call for that partition, taken out of the call. */
static struct producer_batch *batch_of(
	struct produce_call *call,
	const struct produce_response_responses *topic, int32_t index)
{
	bool by_id = client_request_version(call->request) >= 13;

	for (size_t i = 0; i < call->count; i++) {
		struct producer_batch *b = call->batches[i];
		const struct producer_partition *pp;

		if (b == NULL)
			continue;
		pp = b->owner;
		if (pp->index != index)
			continue;
		if (by_id ? !uuid_equal(pp->topic->meta->id, topic->topic_id)
			  : !slice_is(topic->name, pp->topic->meta->name))
			continue;
		call->batches[i] = NULL;
		return b;
	}
	return NULL;
}

static void take_answers(struct produce_call *call)
{
	const struct produce_response *response =
		client_request_answer(call->request);

	for (int32_t t = 0; t < response->responses_count; t++) {
		const struct produce_response_responses *topic =
			&response->responses[t];

		for (int32_t i = 0; i < topic->partition_responses_count; i++) {
			struct producer_batch *b;

			b = batch_of(call, topic,
				     topic->partition_responses[i].index);
			if (b != NULL)
				take_answer(call->producer, b,
					    &topic->partition_responses[i]);
		}
	}
}

/* The request failed as a whole, or said nothing of these batches. */
static void take_failure(struct produce_call *call)
{
	const struct client_error *why = client_request_error(call->request);
	struct producer *p = call->producer;
	struct client_error error = *why;

	if (why->kind != CLIENT_OK)
		client_refresh(p->client);
	else if (p->config->acks != 0)
		client_error_set(&error, CLIENT_BAD_DATA, -EBADMSG,
				 "the broker's answer leaves partitions out");
	for (size_t i = 0; i < call->count; i++) {
		struct producer_batch *b = call->batches[i];

		if (b == NULL)
			continue;
		if (p->config->acks == 0 && why->kind == CLIENT_OK)
			stored(p, b, -1, -1);
		else if (error.kind == CLIENT_REFUSED ||
			 error.kind == CLIENT_AUTH)
			fail_batch(p, b, &error);
		else
			retry(p, b, &error);
	}
}

static void call_free(struct produce_call *call)
{
	TAILQ_REMOVE(&call->producer->calls, call, next);
	client_request_free(call->request);
	free(call->batches);
	free(call);
}

static void on_produced(void *arg, struct client_request *request)
{
	struct produce_call *call = arg;
	struct producer *p = call->producer;

	if (client_request_answer(request) != NULL)
		take_answers(call);
	take_failure(call);
	call_free(call);
	pump(p);
	deliver(p);
}

/*
 * Sending
 */

static struct produce_call *call_new(struct producer *p, int32_t node)
{
	struct produce_call *call = calloc(1, sizeof(*call));

	if (call == NULL)
		return NULL;
	call->producer = p;
	call->node = node;
	call->request = client_request_new(p->client, API_PRODUCE);
	if (call->request == NULL) {
		free(call);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&p->calls, call, next);
	return call;
}

static int call_add(struct produce_call *call, struct producer_batch *b)
{
	struct producer_batch **more;

	if ((call->count & (call->count + 1)) == 0) {
		more = reallocarray(call->batches, 2 * call->count + 2,
				    sizeof(*more));
		if (more == NULL)
			return -ENOMEM;
		call->batches = more;
	}
	call->batches[call->count++] = b;
	return 0;
}

static int by_topic(const void *a, const void *b)
{
	const struct producer_batch *const *left = a;
	const struct producer_batch *const *right = b;
	const struct producer_partition *l = (*left)->owner;
	const struct producer_partition *r = (*right)->owner;

	if (l->topic != r->topic)
		return l->topic < r->topic ? -1 : 1;
	return l->index < r->index ? -1 : l->index > r->index;
}

/* Write the message: partitions of one topic stand together. */
static int fill_message(struct produce_call *call)
{
	struct produce_request *m = client_request_message(call->request);
	struct arena *arena = client_request_arena(call->request);
	const struct producer_topic *last = NULL;
	struct produce_request_topic_data *topic = NULL;

	qsort(call->batches, call->count, sizeof(*call->batches), by_topic);
	m->topic_data = wire_array(&produce_request_topic_data_desc, arena,
				   (int32_t)call->count);
	if (m->topic_data == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < call->count; i++) {
		struct producer_batch *b = call->batches[i];
		const struct producer_partition *pp = b->owner;
		struct produce_request_topic_data_partition_data *data;

		if (pp->topic != last) {
			last = pp->topic;
			topic = &m->topic_data[m->topic_data_count++];
			topic->name = slice_of(last->meta->name);
			topic->topic_id = last->meta->id;
			if (uuid_is_zero(last->meta->id))
				client_request_limit_versions(call->request, 0,
							      12);
			topic->partition_data = wire_array(
				&produce_request_topic_data_partition_data_desc,
				arena, (int32_t)(call->count - i));
			if (topic->partition_data == NULL)
				return -ENOMEM;
		}
		data = &topic->partition_data[topic->partition_data_count++];
		data->index = pp->index;
		data->records = (struct wire_records){ .file = &b->payload,
						       .len = b->size };
	}
	return 0;
}

/* How long the request may take: no longer than its oldest batch. */
static int64_t call_timeout_ms(const struct produce_call *call)
{
	const struct client_config *config = call->producer->config;
	int64_t now = loop_now_ms(call->producer->loop);
	int64_t ms = config->socket_timeout_ms;

	for (size_t i = 0; i < call->count; i++) {
		int64_t left = call->batches[i]->created_ms +
			       config->delivery_timeout_ms - now;

		if (config->delivery_timeout_ms > 0 && left < ms)
			ms = left;
	}
	return ms < 1 ? 1 : ms;
}

static void call_send(struct produce_call *call)
{
	const struct client_config *config = call->producer->config;
	struct produce_request *m = client_request_message(call->request);
	int64_t timeout_ms = call_timeout_ms(call);

	m->transactional_id = SLICE_NULL;
	m->acks = (int16_t)config->acks;
	m->timeout_ms = (int32_t)(config->request_timeout_ms < timeout_ms
					  ? config->request_timeout_ms
					  : timeout_ms);
	if (config->compression == CODEC_ZSTD)
		client_request_limit_versions(call->request, 7, INT16_MAX);
	if (config->acks == 0)
		client_request_expect_nothing(call->request);
	for (size_t i = 0; i < call->count; i++) {
		struct producer_partition *pp = call->batches[i]->owner;

		producer_queue_sent(&pp->queue, call->batches[i]);
	}
	client_send(call->request, call->node, timeout_ms, on_produced, call);
}

static int in_flight(const struct producer *p, int32_t node)
{
	const struct produce_call *call;
	int count = 0;

	TAILQ_FOREACH (call, &p->calls, next)
		count += call->node == node;
	return count;
}

static int32_t leader_of(const struct producer_partition *pp)
{
	const struct client_topic *meta = pp->topic->meta;

	if (pp->index >= meta->partition_count)
		return -1;
	return meta->partitions[pp->index].leader;
}

/* When the open batch is to go although it is not full. */
static int64_t due_ms(const struct producer *p, const struct producer_batch *b)
{
	return b->is_due ? 0
			 : b->created_ms + (p->config->linger_us + 999) / 1000;
}

static void seal(struct producer_partition *pp)
{
	producer_queue_seal(&pp->queue);
	if (pp->topic->sticky == pp->index)
		pp->topic->sticky = -1;
}

/* The partition's batch that is to go now, made; or NULL. */
static struct producer_batch *take_batch(struct producer *p,
					 struct producer_partition *pp,
					 int64_t now)
{
	const struct producer_queue_rules rules = {
		.is_idempotent = p->config->enable_idempotence,
		.id = p->id,
	};
	const struct producer_batch *was_open;
	struct producer_batch *b;
	struct client_error error;
	bool new_id;
	int rc;

	was_open = pp->queue.open;
	b = producer_queue_next(&pp->queue, &rules, now,
				was_open != NULL && due_ms(p, was_open) <= now,
				&new_id);
	if (b == was_open && pp->topic->sticky == pp->index)
		pp->topic->sticky = -1;
	if (new_id)
		p->needs_id = true;
	if (b == NULL)
		return NULL;
	rc = producer_batch_make(b, p->config->compression,
				 p->config->compression_level);
	if (rc == 0)
		return b;
	client_error_set(&error, CLIENT_REFUSED, rc, "cannot make a batch: %s",
			 strerror(-rc));
	fail_batch(p, b, &error);
	return NULL;
}

/* Fill a request for the node with what waits for it; send it. */
static bool send_to(struct producer *p, int32_t node, int64_t now)
{
	struct produce_call *call = NULL;
	struct producer_partition *pp;
	struct producer_partition *next;
	size_t bytes = 0;

	p->round++;
	for (pp = TAILQ_FIRST(&p->active); pp != NULL; pp = next) {
		struct producer_batch *b;

		next = TAILQ_NEXT(pp, next);
		if (leader_of(pp) != node || pp->served_in == p->round)
			continue;
		pp->served_in = p->round;
		if (bytes >= REQUEST_BYTES_TARGET)
			break;
		b = take_batch(p, pp, now);
		if (b == NULL)
			continue;
		if (call == NULL)
			call = call_new(p, node);
		if (call == NULL || call_add(call, b) < 0)
			break;
		bytes += b->size;
		/* Whoever was served stands behind the others next time. */
		TAILQ_REMOVE(&p->active, pp, next);
		TAILQ_INSERT_TAIL(&p->active, pp, next);
	}
	if (call == NULL)
		return false;
	if (call->count == 0 || fill_message(call) < 0) {
		call_free(call); /* out of memory: the timer tries again */
		return false;
	}
	call_send(call);
	return true;
}

static void send_all(struct producer *p, int64_t now)
{
	size_t count;
	const struct client_node *nodes = client_nodes(p->client, &count);

	for (size_t i = 0; i < count; i++) {
		int32_t id = nodes[i].id;

		while (in_flight(p, id) < p->config->max_in_flight &&
		       send_to(p, id, now))
			nodes = client_nodes(p->client, &count);
	}
}

static void expire(struct producer *p, int64_t now)
{
	struct producer_partition *pp;
	struct producer_partition *next;
	struct producer_batch *b;

	if (p->config->delivery_timeout_ms == 0)
		return;
	for (pp = TAILQ_FIRST(&p->active); pp != NULL; pp = next) {
		next = TAILQ_NEXT(pp, next);
		while ((b = producer_queue_expired(
				&pp->queue,
				now - p->config->delivery_timeout_ms)) !=
		       NULL) {
			struct client_error error;
			char subject[SUBJECT_MAX];

			subject_of(b, subject, sizeof(subject));
			client_error_set(
				&error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				"%s: not delivered within %" PRId64 " ms%s%s",
				subject, p->config->delivery_timeout_ms,
				b->error.text[0] == '\0' ? "" : ": ",
				b->error.text);
			fail_batch(p, b, &error);
		}
	}
}

/* When pump() has something to do by itself, in ms from now; -1: never. */
static int64_t next_pump_ms(struct producer *p, int64_t now)
{
	int64_t at = INT64_MAX;
	const struct producer_partition *pp;

	TAILQ_FOREACH (pp, &p->active, next) {
		const struct producer_batch *b =
			TAILQ_FIRST(&pp->queue.batches);
		const struct producer_batch *oldest = b;
		int64_t expiry = INT64_MAX;

		if (oldest == NULL)
			oldest = pp->queue.open;
		if (p->config->delivery_timeout_ms > 0)
			expiry = oldest->created_ms +
				 p->config->delivery_timeout_ms;
		if (expiry < at)
			at = expiry;
		if (b != NULL && b->retry_at_ms > now && b->retry_at_ms < at)
			at = b->retry_at_ms;
		if (pp->queue.open != NULL && due_ms(p, pp->queue.open) > now &&
		    due_ms(p, pp->queue.open) < at)
			at = due_ms(p, pp->queue.open);
	}
	if (p->needs_id && p->id_request == NULL && p->id_retry_at_ms < at)
		at = p->id_retry_at_ms;
	if (at == INT64_MAX)
		return -1;
	return at > now ? at - now : 1;
}

static bool lacks_leader(const struct producer *p)
{
	const struct producer_partition *pp;

	TAILQ_FOREACH (pp, &p->active, next) {
		int32_t leader = leader_of(pp);

		if (leader < 0 || client_node(p->client, leader) == NULL)
			return true;
	}
	return false;
}

static void pump(struct producer *p)
{
	int64_t now = loop_now_ms(p->loop);
	int64_t ms;

	if (p->is_pumping)
		return;
	p->is_pumping = true;
	if (p->needs_id)
		ask_for_id(p);
	send_all(p, now);
	if (lacks_leader(p))
		client_refresh(p->client);
	ms = next_pump_ms(p, now);
	if (!TAILQ_EMPTY(&p->over))
		ms = 0;
	if (ms >= 0)
		loop_timer_set(p->timer, ms);
	else
		loop_timer_stop(p->timer);
	p->is_pumping = false;
}

static void on_timer(void *arg)
{
	struct producer *p = arg;

	expire(p, loop_now_ms(p->loop));
	pump(p);
	deliver(p);
}

/*
 * Topics
 */

static int grow_topic(struct producer_topic *t)
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

static void on_metadata(void *arg, const struct client_error *error)
{
	struct producer *p = arg;

	(void)error;
	for (struct producer_topic *t = p->topics; t != NULL; t = t->next)
		grow_topic(t); /* without memory: as before */
	pump(p);
	deliver(p);
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
	if (grow_topic(t) < 0)
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

		if (leader_of(t->partitions[p]) >= 0)
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
 * Records
 */

static bool has_room(const struct producer *p, size_t size)
{
	const struct client_config *config = p->config;

	if (p->pending == 0)
		return true;
	if (config->queue_max_messages > 0 &&
	    p->pending >= (uint64_t)config->queue_max_messages)
		return false;
	return p->pending_bytes + size <=
	       (uint64_t)config->queue_max_kbytes * 1024;
}

/* The open batch, with room for size bytes more; or NULL on no memory. */
static struct producer_batch *batch_for(struct producer_partition *pp,
					size_t size)
{
	struct producer_batch *b = pp->queue.open;

	if (b != NULL &&
	    batch_builder_size(&b->builder) + size > pp->topic->batch_size) {
		seal(pp);
		b = NULL;
	}
	if (b == NULL) {
		b = new_batch(pp);
		pp->queue.open = b;
	}
	return b;
}

/* Take back an open batch that has no record yet. */
static void drop_if_empty(struct producer *p, struct producer_partition *pp)
{
	struct producer_batch *b = pp->queue.open;

	if (b == NULL || producer_batch_count(b) > 0)
		return;
	pp->queue.open = NULL;
	old_batch(p, b);
}

int producer_add(struct producer *producer, struct producer_topic *topic,
		 int32_t partition, int64_t timestamp_ms, struct slice key,
		 struct slice value, const struct record_header *headers,
		 int32_t header_count, uint64_t opaque)
{
	const struct client_config *config = producer->config;
	size_t size = record_size_max(key, value, headers, header_count);
	struct producer_partition *pp;
	struct producer_batch *b;
	size_t grown;
	bool is_new;
	int rc;

	if (producer->has_failed)
		return -ECANCELED;
	if (size > (size_t)config->message_max_bytes)
		return -EMSGSIZE;
	if (partition >= topic->partition_count || partition < -1)
		return -ERANGE;
	if (!has_room(producer, size)) {
		/* Nothing more comes until some of it goes. */
		producer_flush(producer);
		return -EAGAIN;
	}
	if (partition < 0)
		partition = producer_partition_for(producer, topic, key);
	pp = topic->partitions[partition];
	is_new = pp->queue.open == NULL;
	b = batch_for(pp, size);
	if (b == NULL)
		return -ENOMEM;
	is_new |= producer_batch_count(b) == 0;
	rc = producer_batch_add(b, timestamp_ms, key, value, headers,
				header_count, opaque);
	if (rc < 0) {
		drop_if_empty(producer, pp);
		return rc == -E2BIG ? -EMSGSIZE : rc;
	}
	grown = batch_builder_size(&b->builder) - b->reserved;
	b->reserved += grown;
	producer->pending_bytes += grown;
	producer->pending++;
	activate(pp);
	if (batch_builder_size(&b->builder) >= topic->batch_size ||
	    producer_batch_count(b) >= config->batch_num_messages) {
		seal(pp);
		is_new = true;
	}
	/* A new batch needs the timer, a full one may go. */
	if (is_new || config->linger_us == 0)
		pump(producer);
	return 0;
}

void producer_flush(struct producer *producer)
{
	struct producer_partition *pp;

	TAILQ_FOREACH (pp, &producer->active, next) {
		if (pp->queue.open != NULL)
			pp->queue.open->is_due = true;
	}
	pump(producer);
}

int producer_wait(struct producer *producer, int64_t timeout_ms)
{
	int64_t deadline = loop_now_ms(producer->loop) + timeout_ms;
	int rc;

	while (producer->pending > 0) {
		int64_t left = -1;

		producer_flush(producer);
		if (timeout_ms >= 0) {
			left = deadline - loop_now_ms(producer->loop);
			if (left <= 0)
				return -ETIMEDOUT;
		}
		rc = loop_run_once(producer->loop, left);
		if (rc < 0)
			return rc;
		if (loop_was_stopped(producer->loop))
			return -EINTR;
	}
	return 0;
}

uint64_t producer_pending(const struct producer *producer)
{
	return producer->pending;
}

uint64_t producer_pending_bytes(const struct producer *producer)
{
	return producer->pending_bytes;
}

int64_t producer_oldest_ms(const struct producer *producer)
{
	const struct producer_partition *pp;
	int64_t oldest = -1;

	TAILQ_FOREACH (pp, &producer->active, next) {
		const struct producer_batch *b =
			TAILQ_FIRST(&pp->queue.batches);

		if (b == NULL)
			b = pp->queue.open;
		if (oldest < 0 || b->created_ms < oldest)
			oldest = b->created_ms;
	}
	return oldest;
}

const struct client_error *producer_failure(const struct producer *producer)
{
	return producer->has_failed ? &producer->failure : NULL;
}

/*
 * Life
 */

int producer_new(struct client *client,
		 void (*on_delivery)(void *arg,
				     const struct producer_delivery *delivery),
		 void *arg, struct producer **producer_out)
{
	struct producer *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return -ENOMEM;
	p->client = client;
	p->config = client_config(client);
	p->loop = client_loop(client);
	p->on_delivery = on_delivery;
	p->arg = arg;
	p->id = PRODUCER_ID_NONE;
	p->needs_id = p->config->enable_idempotence;
	p->watcher =
		(struct client_watcher){ .on_metadata = on_metadata, .arg = p };
	TAILQ_INIT(&p->active);
	TAILQ_INIT(&p->calls);
	TAILQ_INIT(&p->over);
	TAILQ_INIT(&p->spares);
	if (loop_timer_new(p->loop, on_timer, p, &p->timer) < 0) {
		free(p);
		return -ENOMEM;
	}
	client_watch(client, &p->watcher);
	pump(p);
	*producer_out = p;
	return 0;
}

static void free_batches(struct producer_batch_list *list)
{
	struct producer_batch *b;

	while ((b = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, b, next);
		producer_batch_free(b);
	}
}

static void free_topic(struct producer_topic *t)
{
	for (int32_t i = 0; i < t->partition_count; i++) {
		producer_batch_free(t->partitions[i]->queue.open);
		free_batches(&t->partitions[i]->queue.batches);
		free(t->partitions[i]);
	}
	free_batches(&t->too_large);
	client_request_free(t->limit_request);
	free(t->partitions);
	free(t);
}

void producer_free(struct producer *producer)
{
	struct producer_topic *t;
	struct produce_call *call;

	if (producer == NULL)
		return;
	client_unwatch(producer->client, &producer->watcher);
	client_request_free(producer->id_request);
	while ((call = TAILQ_FIRST(&producer->calls)) != NULL)
		call_free(call);
	while ((t = producer->topics) != NULL) {
		producer->topics = t->next;
		free_topic(t);
	}
	free_batches(&producer->over);
	free_batches(&producer->spares);
	loop_timer_free(producer->timer);
	free(producer);
}
