/*
 * topics.c - topics that kproduce makes (--create)
 */
#include "kproduce/topics.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/admin.h"
#include "kproduce/program.h"
#include "wire/errors.h"
#include "wire/messages.h"

void topics_made_clear(struct topics_made *made)
{
	free(made->items);
	*made = (struct topics_made){ 0 };
}

static int no_memory(struct client_error *error)
{
	return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
				"out of memory");
}

int topics_note_made(struct topics_made *made,
		     const struct producer_topic *topic,
		     struct client_error *error)
{
	const struct producer_topic **grown;

	grown = reallocarray(made->items, made->count + 1, sizeof(*grown));
	if (grown == NULL)
		return no_memory(error);
	made->items = grown;
	grown[made->count++] = topic;
	return 0;
}

bool topics_was_made(const struct topics_made *made,
		     const struct producer_topic *topic)
{
	for (size_t i = 0; i < made->count; i++) {
		if (made->items[i] == topic)
			return true;
	}
	return false;
}

static int refused(struct client_error *error, int16_t code, const char *name,
		   struct slice why)
{
	char subject[300];
	char text[300];

	snprintf(subject, sizeof(subject), "topic '%s'", name);
	snprintf(text, sizeof(text), "%.*s", (int)why.len,
		 (const char *)why.data);
	return client_error_from_code(error, code, subject,
				      why.len == 0 ? NULL : text);
}

int topics_create(struct program *p, const char *name,
		  struct client_error *error)
{
	int64_t timeout_ms = p->options.common.step_timeout_ms;
	struct client_request *r =
		client_request_new(p->client, API_CREATE_TOPICS);
	const struct create_topics_response *answer;
	struct create_topics_request *q;
	const struct client_topic *topic;
	int16_t code;
	int rc;

	if (r == NULL)
		return no_memory(error);
	q = client_request_message(r);
	q->timeout_ms = (int32_t)timeout_ms;
	q->topics = wire_array(&create_topics_request_topics_desc,
			       client_request_arena(r), 1);
	if (q->topics == NULL) {
		client_request_free(r);
		return no_memory(error);
	}
	q->topics_count = 1;
	q->topics[0].name = slice_of(name);
	q->topics[0].num_partitions = (int32_t)p->options.create_partitions;
	q->topics[0].replication_factor = (int16_t)p->options.create_replicas;
	client_request_limit_versions(r, 4, INT16_MAX); /* -1: defaults */
	rc = admin_call(r, CLIENT_CONTROLLER, timeout_ms, error);
	answer = client_request_answer(r);
	if (rc == 0 && answer->topics_count == 1) {
		code = answer->topics[0].error_code;
		if (code != WIRE_NONE && code != WIRE_TOPIC_ALREADY_EXISTS)
			rc = refused(error, code, name,
				     answer->topics[0].error_message);
	}
	client_request_free(r);
	if (rc < 0)
		return rc;
	return client_topic_load(p->client, name, true, true, timeout_ms,
				 &topic, error);
}

/* Until the new partitions are known. */
static int wait_for(struct program *p, struct producer_topic *topic,
		    int32_t count, struct client_error *error)
{
	int64_t timeout_ms = p->options.common.step_timeout_ms;
	int64_t deadline_ms = loop_now_ms(p->loop) + timeout_ms;
	const char *name = producer_topic_name(topic);

	while (producer_topic_partitions(topic) < count) {
		if (loop_now_ms(p->loop) >= deadline_ms)
			return client_error_set(
				error, CLIENT_UNREACHABLE, -ETIMEDOUT,
				"topic '%s': partition %d is not there after "
				"%lld ms",
				name, count - 1, (long long)timeout_ms);
		client_refresh(p->client);
		program_turn(p, 100);
		if (p->stop || loop_was_stopped(p->loop))
			return client_error_set(error, CLIENT_REFUSED, -EINTR,
						"interrupted");
	}
	return 0;
}

int topics_grow(struct program *p, struct producer_topic *topic, int32_t count,
		struct client_error *error)
{
	int64_t timeout_ms = p->options.common.step_timeout_ms;
	struct client_request *r =
		client_request_new(p->client, API_CREATE_PARTITIONS);
	const struct create_partitions_response *answer;
	struct create_partitions_request *q;
	int rc;

	if (r == NULL)
		return no_memory(error);
	q = client_request_message(r);
	q->timeout_ms = (int32_t)timeout_ms;
	q->topics = wire_array(&create_partitions_request_topics_desc,
			       client_request_arena(r), 1);
	if (q->topics == NULL) {
		client_request_free(r);
		return no_memory(error);
	}
	q->topics_count = 1;
	q->topics[0].name = slice_of(producer_topic_name(topic));
	q->topics[0].count = count;
	q->topics[0].assignments_count = -1;
	rc = admin_call(r, CLIENT_CONTROLLER, timeout_ms, error);
	answer = client_request_answer(r);
	if (rc == 0 && answer->results_count == 1 &&
	    answer->results[0].error_code != WIRE_NONE)
		rc = refused(error, answer->results[0].error_code,
			     producer_topic_name(topic),
			     answer->results[0].error_message);
	client_request_free(r);
	return rc < 0 ? rc : wait_for(p, topic, count, error);
}
