/*
 * delete.c - ktopics delete
 *
 * Takes names only, never patterns, and asks on a terminal.
 */
#include "ktopics/topics.h"
#include "wire/errors.h"

static int confirm(struct ktopics *k)
{
	struct buffer question = { 0 };
	int status;

	buffer_printf(&question, "Delete %d topic%s and all records:",
		      k->run.operand_count,
		      k->run.operand_count == 1 ? "" : "s");
	for (int i = 0; i < k->run.operand_count; i++)
		buffer_printf(&question, " %s", k->run.operands[i]);
	status = run_confirm(&k->run, "deleting", buffer_text(&question));
	buffer_clear(&question);
	return status;
}

static int check_names(struct ktopics *k)
{
	for (int i = 0; i < k->run.operand_count; i++) {
		if (strpbrk(k->run.operands[i], "*?[~^") != NULL)
			return message_usage(&k->run.messages,
					     "'%s' is not a topic's name; "
					     "delete takes no patterns",
					     k->run.operands[i]);
	}
	return topics_repeat(k, k->run.operands, k->run.operand_count)
		       ? EXIT_USAGE
		       : EXIT_GO_ON;
}

static int dry_run(struct ktopics *k)
{
	unsigned flags = k->options.if_exists ? TOPICS_QUIET : 0;
	struct topic_list topics;
	int status = topics_find(k, k->run.operands, k->run.operand_count,
				 flags, &topics);

	if (status == EXIT_GO_ON) {
		for (size_t i = 0; i < topics.count; i++) {
			const char *name =
				run_text(&k->run, topics.items[i]->name);

			run_done(&k->run, "topic", name,
				 "topic '%s' would be deleted", name);
		}
	}
	topics_clear(&topics);
	return k->run.status;
}

/* By name, in the place of either version of the request. */
static struct client_request *build(struct ktopics *k)
{
	struct client_request *request =
		run_request(&k->run, API_DELETE_TOPICS);
	struct delete_topics_request *q = client_request_message(request);
	struct arena *arena = client_request_arena(request);
	int count = k->run.operand_count;

	q->timeout_ms = (int32_t)k->run.options->common.step_timeout_ms;
	q->topics =
		wire_array(&delete_topics_request_topics_desc, arena, count);
	q->topic_names =
		arena_calloc(arena, (size_t)count, sizeof(*q->topic_names));
	if (q->topics == NULL || q->topic_names == NULL)
		run_out_of_memory(&k->run);
	q->topics_count = q->topic_names_count = count;
	for (int i = 0; i < count; i++) {
		q->topics[i].name = slice_of(k->run.operands[i]);
		q->topic_names[i] = q->topics[i].name;
	}
	return request;
}

/* What came of each; those that are gone are left in the operands. */
static int take_answers(struct ktopics *k, struct client_request *request)
{
	const struct delete_topics_response *answer =
		client_request_answer(request);
	int gone = 0;

	for (int32_t i = 0; i < answer->responses_count; i++) {
		int16_t code = answer->responses[i].error_code;

		if (code != WIRE_NONE &&
		    (code != WIRE_UNKNOWN_TOPIC_OR_PARTITION ||
		     !k->options.if_exists))
			run_tell_done(&k->run);
	}
	for (int32_t i = 0; i < answer->responses_count; i++) {
		const struct delete_topics_response_responses *r =
			&answer->responses[i];
		char *name = run_text(&k->run, r->name);

		if (r->error_code == WIRE_UNKNOWN_TOPIC_OR_PARTITION &&
		    k->options.if_exists) {
			run_done(&k->run, "topic", name,
				 "topic '%s' is not there", name);
		} else if (r->error_code != WIRE_NONE) {
			run_refused(&k->run, "topic", name, r->error_code,
				    r->error_message);
		} else {
			run_done(&k->run, "topic", name, "topic '%s' deleted",
				 name);
			if (gone < k->run.operand_count)
				k->run.operands[gone++] = name;
		}
	}
	return gone;
}

int ktopics_delete(void *run)
{
	struct ktopics *k = run;
	struct client_request *request;
	int64_t wait_ms;
	int status = check_names(k);

	if (status == EXIT_GO_ON && !ktopics_wait_ms(k, &wait_ms))
		status = EXIT_USAGE;
	if (status == EXIT_GO_ON)
		status = confirm(k);
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status != EXIT_GO_ON)
		return status;
	if (k->run.options->dry_run)
		return dry_run(k);
	request = build(k);
	if (run_call(&k->run, request, CLIENT_CONTROLLER)) {
		int gone = take_answers(k, request);

		if (k->options.wait != NULL)
			topics_wait(k, k->run.operands, gone, true, wait_ms);
	}
	client_request_free(request);
	return k->run.status;
}
