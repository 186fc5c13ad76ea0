/*
 * admin_group_call.c - one question to the coordinators of many groups
 *
 * Rounds: look up the coordinators that are not known, ask each of them about
 * its groups, keep what is answered; what a coordinator could not say yet is
 * asked again in the next round, until the time is over.
 */
#include "client/admin_group_call.h"

#include <errno.h>
#include <stdlib.h>

#include "client/admin.h"
#include "client/admin_fan.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	KEY_FIND_COORDINATOR = 10,
	FIND_MANY_FROM = 4, /* KIP-699 */
	BATCH_MAX = 1000,   /* groups of one request */
};

struct group_call {
	struct client *client;
	const struct group_api *api;
	struct admin_group **left; /* without an answer */
	size_t count;
	bool one_by_one; /* a broker takes no more at once */
	bool find_one_by_one;
	int64_t deadline_ms;
	struct admin_answers *answers;
	struct client_error error; /* of the last request that failed */
	bool any_answered;
};

/* Answers */

int admin_answers_keep(struct admin_answers *answers,
		       struct client_request *request)
{
	struct client_request **more = answers->requests;

	/* NOLINTBEGIN(bugprone-sizeof-expression): an array of pointers */
	if ((answers->count & (answers->count - 1)) == 0)
		more = reallocarray(answers->requests,
				    answers->count == 0 ? 1
							: answers->count * 2,
				    sizeof(*more));
	/* NOLINTEND(bugprone-sizeof-expression) */
	if (more == NULL) {
		client_request_free(request);
		return -ENOMEM;
	}
	answers->requests = more;
	answers->requests[answers->count++] = request;
	return 0;
}

void admin_answers_clear(struct admin_answers *answers)
{
	for (size_t i = 0; i < answers->count; i++)
		client_request_free(answers->requests[i]);
	free(answers->requests);
	arena_clear(&answers->arena);
	*answers = (struct admin_answers){ 0 };
}

/* Batches */

struct admin_group *group_batch_find(const struct group_batch *batch, size_t at,
				     struct slice name)
{
	if (at < batch->count && slice_is(name, batch->groups[at]->name))
		return batch->groups[at];
	for (size_t i = 0; i < batch->count; i++) {
		if (slice_is(name, batch->groups[i]->name))
			return batch->groups[i];
	}
	return NULL;
}

struct slice *group_batch_names(const struct group_batch *batch,
				struct arena *arena)
{
	struct slice *names = arena_calloc(arena, batch->count, sizeof(*names));

	for (size_t i = 0; names != NULL && i < batch->count; i++)
		names[i] = slice_of(batch->groups[i]->name);
	return names;
}

/* Must the coordinator be looked up, or asked, again? */
static bool is_passing(int16_t code)
{
	return code == WIRE_COORDINATOR_LOAD_IN_PROGRESS ||
	       code == WIRE_COORDINATOR_NOT_AVAILABLE ||
	       code == WIRE_NOT_COORDINATOR;
}

static int64_t time_left(const struct group_call *call)
{
	int64_t left =
		call->deadline_ms - loop_now_ms(client_loop(call->client));

	return left < 1 ? 1 : left;
}

/* Coordinators */

static int ask_coordinators(struct client_request *request,
			    const struct group_batch *batch)
{
	struct find_coordinator_request *q = client_request_message(request);

	q->key = slice_of(batch->groups[0]->name);
	q->key_type = WIRE_COORDINATOR_TYPE_GROUP;
	q->coordinator_keys =
		group_batch_names(batch, client_request_arena(request));
	q->coordinator_keys_count = (int32_t)batch->count;
	if (batch->count > 1)
		client_request_limit_versions(request, FIND_MANY_FROM,
					      INT16_MAX);
	return q->coordinator_keys == NULL ? -ENOMEM : 0;
}

static void set_coordinator(struct admin_group *group, int16_t code,
			    struct slice message, int32_t node)
{
	if (group == NULL)
		return;
	if (code != WIRE_NONE) {
		group->code = code;
		group->message = message;
		return;
	}
	group->coordinator = node;
}

static void take_coordinators(struct client_request *request,
			      const struct group_batch *batch)
{
	const struct find_coordinator_response *a =
		client_request_answer(request);

	if (client_request_version(request) < FIND_MANY_FROM) {
		set_coordinator(batch->groups[0], a->error_code,
				a->error_message, a->node_id);
		return;
	}
	for (int32_t i = 0; i < a->coordinators_count; i++) {
		const struct find_coordinator_response_coordinators *c =
			&a->coordinators[i];

		set_coordinator(group_batch_find(batch, (size_t)i, c->key),
				c->error_code, c->error_message, c->node_id);
	}
}

/* Look up those of the batch: 0, or the error of the request. */
static int find_batch(struct group_call *call, const struct group_batch *batch)
{
	struct client_request *request =
		client_request_new(call->client, KEY_FIND_COORDINATOR);
	int rc;

	if (request == NULL || ask_coordinators(request, batch) < 0) {
		client_request_free(request);
		return client_error_set(&call->error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	}
	rc = client_call(request, CLIENT_ANY_NODE, time_left(call));
	if (rc < 0) {
		call->error = *client_request_error(request);
		client_request_free(request);
		return rc;
	}
	take_coordinators(request, batch);
	/* A message to an error is part of it. */
	return admin_answers_keep(call->answers, request);
}

static int find_in_batches(struct group_call *call, size_t max)
{
	struct admin_group *unknown[BATCH_MAX];
	struct group_batch batch = { .groups = unknown };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < call->count; i++) {
		if (call->left[i]->coordinator < 0)
			unknown[batch.count++] = call->left[i];
		if (batch.count == 0 ||
		    (batch.count < max && i + 1 < call->count))
			continue;
		rc = find_batch(call, &batch);
		batch.count = 0;
	}
	return rc;
}

static int find_coordinators(struct group_call *call)
{
	int rc = -ENOTSUP;

	if (!call->find_one_by_one)
		rc = find_in_batches(call, BATCH_MAX);
	if (rc != -ENOTSUP)
		return rc;
	call->find_one_by_one = true;
	return find_in_batches(call, 1);
}

/*
 * A coordinator that the client does not know cannot be asked: nothing may
 * have made it ask for the brokers yet, or this one is new.
 */
static int know_coordinators(struct group_call *call)
{
	static const char *const none[1];
	struct client_request *request;
	int rc;

	for (size_t i = 0; i < call->count; i++) {
		int32_t node = call->left[i]->coordinator;

		if (node < 0 || client_node(call->client, node) != NULL)
			continue;
		rc = admin_metadata(call->client, none, 0, time_left(call),
				    &request, &call->error);
		client_request_free(request);
		return rc;
	}
	return 0;
}

/* Asking */

static int by_coordinator(const void *a, const void *b)
{
	const struct admin_group *const *x = a;
	const struct admin_group *const *y = b;

	return ((*x)->coordinator > (*y)->coordinator) -
	       ((*x)->coordinator < (*y)->coordinator);
}

static int add_batch(struct group_call *call, struct admin_fan *fan,
		     struct group_batch *batch)
{
	struct client_request *request =
		client_request_new(call->client, call->api->key);
	int16_t min_version = 0;

	if (request == NULL || call->api->ask(request, batch) < 0) {
		client_request_free(request);
		return -ENOMEM;
	}
	if (batch->count > 1)
		min_version = call->api->many_from;
	client_request_limit_versions(request, min_version,
				      call->api->max_version);
	return admin_fan_add(fan, request, batch->groups[0]->coordinator,
			     batch);
}

/* How many from first on go into one request. */
static size_t batch_count(const struct group_call *call, size_t first)
{
	size_t max = call->one_by_one || call->api->many_from == INT16_MAX
			     ? 1
			     : BATCH_MAX;
	size_t i = first;

	while (i < call->count && i - first < max &&
	       call->left[i]->coordinator == call->left[first]->coordinator)
		i++;
	return i - first;
}

static int take_part(struct group_call *call, struct admin_fan_part *part)
{
	const struct client_error *error = client_request_error(part->request);
	struct group_batch *batch = part->arg;
	struct client_request *request = part->request;
	int rc;

	if (error->kind != CLIENT_OK) {
		call->error = *error;
		for (size_t i = 0; i < batch->count; i++)
			batch->groups[i]->code =
				error->rc == -ENOTSUP ? WIRE_UNSUPPORTED_VERSION
						      : WIRE_REQUEST_TIMED_OUT;
		return 0;
	}
	call->any_answered = true;
	rc = call->api->take(request, batch);
	part->request = NULL;
	if (admin_answers_keep(call->answers, request) < 0)
		rc = -ENOMEM;
	return rc;
}

static int fill_fan(struct group_call *call, struct admin_fan *fan,
		    struct group_batch *batches)
{
	size_t batch_at = 0;

	for (size_t i = 0; i < call->count;) {
		size_t count = batch_count(call, i);
		struct group_batch *batch = &batches[batch_at++];

		*batch = (struct group_batch){ call->left + i, count,
					       call->answers };
		i += count;
		/* Those of no coordinator are for the next round. */
		if (batch->groups[0]->coordinator < 0)
			continue;
		if (add_batch(call, fan, batch) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int ask_coordinators_of_all(struct group_call *call)
{
	struct group_batch *batches = calloc(call->count, sizeof(*batches));
	struct admin_fan fan = { .client = call->client };
	int rc = batches == NULL ? -ENOMEM : 0;

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
	qsort(call->left, call->count, sizeof(*call->left), by_coordinator);
	if (rc == 0)
		rc = fill_fan(call, &fan, batches);
	if (rc == 0)
		rc = admin_fan_run(&fan, time_left(call), &call->error);
	for (size_t i = 0; rc == 0 && i < fan.count; i++)
		rc = take_part(call, &fan.parts[i]);
	admin_fan_clear(&fan);
	free(batches);
	if (rc == -ENOMEM)
		client_error_set(&call->error, CLIENT_REFUSED, rc,
				 "out of memory");
	return rc;
}

/* Rounds */

/* Keep those that are to be asked again. */
static void drop_answered(struct group_call *call)
{
	size_t kept = 0;

	for (size_t i = 0; i < call->count; i++) {
		struct admin_group *group = call->left[i];

		if (call->error.rc == -ENOTSUP && !call->one_by_one &&
		    group->code == WIRE_UNSUPPORTED_VERSION) {
			call->left[kept++] = group;
			continue;
		}
		if (!is_passing(group->code))
			continue;
		group->coordinator = -1;
		call->left[kept++] = group;
	}
	if (call->error.rc == -ENOTSUP)
		call->one_by_one = true;
	call->count = kept;
}

static void wait_a_little(struct group_call *call)
{
	struct loop *loop = client_loop(call->client);
	int64_t now_ms = loop_now_ms(loop);
	int64_t end_ms = now_ms + client_config(call->client)->retry_backoff_ms;

	for (; now_ms < end_ms; now_ms = loop_now_ms(loop))
		loop_run_once(loop, end_ms - now_ms);
}

static int run_rounds(struct group_call *call)
{
	struct loop *loop = client_loop(call->client);
	int64_t last_ms = call->deadline_ms -
			  client_config(call->client)->retry_backoff_ms;
	int rc;

	/* No round that has no time left: what the last one said counts. */
	for (;;) {
		rc = find_coordinators(call);
		if (rc == 0)
			rc = know_coordinators(call);
		if (rc == 0)
			rc = ask_coordinators_of_all(call);
		if (rc < 0)
			return rc;
		drop_answered(call);
		if (call->count == 0 || loop_now_ms(loop) >= last_ms)
			return 0;
		if (!call->one_by_one || call->any_answered)
			wait_a_little(call);
	}
}

int group_call(struct client *client, const struct group_api *api,
	       struct admin_group *groups, size_t count, int64_t timeout_ms,
	       struct admin_answers *answers, struct client_error *error)
{
	struct group_call call = {
		.client = client,
		.api = api,
		/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
		.left = calloc(count + 1, sizeof(*call.left)),
		.deadline_ms = loop_now_ms(client_loop(client)) + timeout_ms,
		.answers = answers,
	};
	int rc;

	if (call.left == NULL)
		return client_error_set(error, CLIENT_REFUSED, -ENOMEM,
					"out of memory");
	for (size_t i = 0; i < count; i++) {
		groups[i].code = WIRE_COORDINATOR_NOT_AVAILABLE;
		call.left[call.count++] = &groups[i];
	}
	rc = count == 0 ? 0 : run_rounds(&call);
	if (rc == 0 && count > 0 && !call.any_answered &&
	    call.error.kind != CLIENT_OK)
		rc = call.error.rc;
	free(call.left);
	if (rc < 0 && error != NULL)
		*error = call.error;
	return rc;
}
