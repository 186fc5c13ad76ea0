/*
 * producer_call.c - one Produce request, and what its answer means
 *
 * Each batch of a request ends in one of four ways: it is stored, it has
 * failed, it is to be tried again, or it is split as too large.  What the
 * answer leaves out is tried again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/producer_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

/*
 * The answer
 */

static void split(struct producer *p, struct producer_batch *b)
{
	struct producer_partition *pp = b->owner;
	struct producer_batch *first = producer_take_batch(pp);
	struct producer_batch *second = producer_take_batch(pp);
	struct client_error error;

	if (first == NULL || second == NULL ||
	    producer_batch_split(b, first, second) < 0) {
		producer_batch_free(first);
		producer_batch_free(second);
		client_error_set(&error, CLIENT_REFUSED, -ENOMEM,
				 "out of memory");
		producer_fail_batch(p, b, &error);
		return;
	}
	/* Those to come had better not be as large. */
	if (batch_builder_size(&first->builder) < pp->topic->batch_size)
		pp->topic->batch_size = batch_builder_size(&first->builder);
	producer_queue_replace(&pp->queue, b, first, second);
	p->pending_bytes += first->reserved + second->reserved - b->reserved;
	producer_give_batch(p, b);
}

static void retry(struct producer *p, struct producer_batch *b,
		  const struct client_error *error)
{
	struct producer_partition *pp = b->owner;
	int64_t at = loop_now_ms(p->loop) +
		     producer_backoff_ms(p->config, b->attempts);

	b->error = *error;
	if (b->attempts > p->config->retries)
		producer_fail_batch(p, b, error);
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
	producer_finish(p, b);
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
	char subject[PRODUCER_SUBJECT_MAX];
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
	producer_subject_of(b, subject, sizeof(subject));
	client_error_from_code(&error, code, subject, text);
	if (wire_error_is_retriable(code) || is_sequence_problem(b, code)) {
		if (wire_error_is_retriable(code) && is_stale_metadata(code))
			client_refresh(p->client);
		retry(p, b, &error);
		return;
	}
	producer_fail_batch(p, b, &error);
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
			producer_topic_too_large(p, b);
		break;
	default:
		broker_error(p, b, answer);
		break;
	}
}

/* The batch of the call for that partition, taken out of the call. */
static struct producer_batch *batch_of(
	struct producer_call *call,
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

static void take_answers(struct producer_call *call)
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
static void take_failure(struct producer_call *call)
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
			producer_fail_batch(p, b, &error);
		else
			retry(p, b, &error);
	}
}

void producer_call_free(struct producer_call *call)
{
	TAILQ_REMOVE(&call->producer->calls, call, next);
	client_request_free(call->request);
	free(call->batches);
	free(call);
}

static void on_produced(void *arg, struct client_request *request)
{
	struct producer_call *call = arg;
	struct producer *p = call->producer;

	if (client_request_answer(request) != NULL)
		take_answers(call);
	take_failure(call);
	producer_call_free(call);
	producer_pump(p);
	producer_deliver(p);
}

/*
 * The request
 */

struct producer_call *producer_call_new(struct producer *p, int32_t node)
{
	struct producer_call *call = calloc(1, sizeof(*call));

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

int producer_call_add(struct producer_call *call, struct producer_batch *b)
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
int producer_call_fill(struct producer_call *call)
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
static int64_t call_timeout_ms(const struct producer_call *call)
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

void producer_call_send(struct producer_call *call)
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
