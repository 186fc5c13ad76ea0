/*
 * partitions.c - ktopics partitions
 */
#include "base/limits.h"
#include "base/units.h"
#include "ktopics/topics.h"
#include "wire/errors.h"

static struct client_request *build(struct ktopics *k, int32_t count)
{
	struct client_request *request =
		run_request(&k->run, API_CREATE_PARTITIONS);
	struct create_partitions_request *q = client_request_message(request);

	q->timeout_ms = (int32_t)k->run.options->common.step_timeout_ms;
	q->validate_only = k->run.options->dry_run;
	q->topics = wire_array(&create_partitions_request_topics_desc,
			       client_request_arena(request), 1);
	if (q->topics == NULL)
		run_out_of_memory(&k->run);
	q->topics_count = 1;
	q->topics[0].name = slice_of(k->run.operands[0]);
	q->topics[0].count = count;
	q->topics[0].assignments = NULL;
	q->topics[0].assignments_count = -1;
	return request;
}

static bool take_answer(struct ktopics *k, struct client_request *request,
			int32_t count)
{
	const struct create_partitions_response *answer =
		client_request_answer(request);
	const char *name = k->run.operands[0];

	for (int32_t i = 0; i < answer->results_count; i++) {
		const struct create_partitions_response_results *r =
			&answer->results[i];

		if (r->error_code != WIRE_NONE) {
			run_refused(&k->run, "topic", name, r->error_code,
				    r->error_message);
			return false;
		}
	}
	message_warning(&k->run.messages,
			k->run.options->dry_run
				? "topic '%s': keys would go to other "
				  "partitions than before; dry run: nothing is "
				  "changed"
				: "topic '%s': keys go to other partitions "
				  "than before",
			name);
	run_done(&k->run, "topic", name, "topic '%s' %s %d partitions", name,
		 k->run.options->dry_run ? "would have" : "has", count);
	return true;
}

int ktopics_partitions(void *run)
{
	struct ktopics *k = run;
	struct client_request *request;
	int64_t wait_ms;
	int64_t count;
	int status;

	if (parse_int64_in(k->run.operands[1], 1, INT32_MAX, &count) < 0)
		return message_usage(&k->run.messages,
				     "'%s' is not a number of partitions",
				     k->run.operands[1]);
	if (!ktopics_wait_ms(k, &wait_ms))
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status != EXIT_GO_ON)
		return status;
	request = build(k, (int32_t)count);
	if (run_call(&k->run, request, CLIENT_CONTROLLER) &&
	    take_answer(k, request, (int32_t)count) &&
	    k->options.wait != NULL && !k->run.options->dry_run)
		topics_wait(k, k->run.operands, 1, false, wait_ms);
	client_request_free(request);
	return k->run.status;
}
