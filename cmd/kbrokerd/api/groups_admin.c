/*
 * groups_admin.c - DescribeGroups, ListGroups, DeleteGroups
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/api/group_call.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/group/describe.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

/* DescribeGroups */

static int32_t describe_count(const struct request *req)
{
	return ((const struct describe_groups_request *)req->message)
		->groups_count;
}

static struct slice describe_group(const struct request *req, int32_t i)
{
	return ((const struct describe_groups_request *)req->message)
		->groups[i];
}

/* Every answer says what may be done with the group, if that is asked. */
static void add_operations(const struct describe_groups_request *request,
			   struct describe_groups_response_groups *answer)
{
	if (answer != NULL && request->include_authorized_operations)
		answer->authorized_operations = view_group_operations();
}

static void describe_run(struct group_shard *shard, struct group_ask *ask,
			 const void *message, int32_t i)
{
	const struct describe_groups_request *request = message;

	group_describe(shard, ask, request->groups[i]);
	add_operations(request, ask->answer);
}

static int describe_blank(struct request *req, int32_t i, void *answer)
{
	struct describe_groups_response_groups *group = answer;

	group->group_id = arena_copy(&req->arena, describe_group(req, i));
	add_operations(req->message, group);
	return slice_is_null(group->group_id) ? -ENOMEM : 0;
}

static void *describe_join(struct request *req, void *const *answers,
			   int32_t count)
{
	struct describe_groups_response *response =
		arena_alloc(&req->arena, sizeof(*response));

	if (response == NULL)
		return NULL;
	wire_init(&describe_groups_response_desc, response);
	response->groups = wire_array(&describe_groups_response_groups_desc,
				      &req->arena, count);
	if (response->groups == NULL)
		return NULL;
	response->groups_count = count;
	for (int32_t i = 0; i < count; i++)
		response->groups[i] =
			*(const struct describe_groups_response_groups *)
				answers[i];
	return response;
}

void api_describe_groups(struct request *req)
{
	static const struct group_api api = {
		.answer = &describe_groups_response_groups_desc,
		.count = describe_count,
		.group_of = describe_group,
		.run = describe_run,
		.blank = describe_blank,
		.join = describe_join,
	};

	group_call(req, &api);
}

/* ListGroups */

static void list_run(struct group_shard *shard, struct group_ask *ask,
		     const void *message, int32_t i)
{
	(void)i;
	group_list(shard, ask, message);
}

/* A shard that went elsewhere has no groups here; one that is being loaded
 * fails it all. */
static int16_t list_error(void *const *answers, int32_t count)
{
	for (int32_t i = 0; i < count; i++) {
		const struct list_groups_response *part = answers[i];

		if (part->error_code != WIRE_NONE &&
		    part->error_code != WIRE_NOT_COORDINATOR)
			return part->error_code;
	}
	return WIRE_NONE;
}

static void *list_join(struct request *req, void *const *answers, int32_t count)
{
	struct list_groups_response *all =
		arena_alloc(&req->arena, sizeof(*all));
	int32_t total = 0;

	if (all == NULL)
		return NULL;
	wire_init(&list_groups_response_desc, all);
	all->error_code = list_error(answers, count);
	if (all->error_code != WIRE_NONE)
		return all;
	for (int32_t i = 0; i < count; i++)
		total += ((const struct list_groups_response *)answers[i])
				 ->groups_count;
	all->groups = wire_array(&list_groups_response_groups_desc, &req->arena,
				 total);
	if (all->groups == NULL)
		return NULL;
	for (int32_t i = 0; i < count; i++) {
		const struct list_groups_response *part = answers[i];

		for (int32_t k = 0; k < part->groups_count; k++)
			all->groups[all->groups_count++] = part->groups[k];
	}
	return all;
}

void api_list_groups(struct request *req)
{
	static const struct group_api api = {
		.answer = &list_groups_response_desc,
		.run = list_run,
		.join = list_join,
	};

	group_call(req, &api);
}

/* DeleteGroups */

static int32_t delete_count(const struct request *req)
{
	return ((const struct delete_groups_request *)req->message)
		->groups_names_count;
}

static struct slice delete_group(const struct request *req, int32_t i)
{
	return ((const struct delete_groups_request *)req->message)
		->groups_names[i];
}

static void delete_run(struct group_shard *shard, struct group_ask *ask,
		       const void *message, int32_t i)
{
	const struct delete_groups_request *request = message;

	group_remove(shard, ask, request->groups_names[i]);
}

static int delete_blank(struct request *req, int32_t i, void *answer)
{
	struct delete_groups_response_results *result = answer;

	result->group_id = arena_copy(&req->arena, delete_group(req, i));
	return slice_is_null(result->group_id) ? -ENOMEM : 0;
}

typedef struct delete_groups_response_results deleted_group;

static int by_group_and_place(const void *a, const void *b)
{
	const deleted_group *x = *(const deleted_group *const *)a;
	const deleted_group *y = *(const deleted_group *const *)b;
	size_t len = x->group_id.len < y->group_id.len ? x->group_id.len
						       : y->group_id.len;
	int c = memcmp(x->group_id.data, y->group_id.data, len);

	if (c == 0)
		c = (x->group_id.len > y->group_id.len) -
		    (x->group_id.len < y->group_id.len);
	return c != 0 ? c : (x > y) - (x < y);
}

/* A group that is named twice is answered once: the first time. */
static int drop_repeated(struct request *req,
			 struct delete_groups_response *response)
{
	int32_t count = response->results_count;
	deleted_group **sorted =
		arena_alloc(&req->arena, (size_t)count * sizeof(void *));

	if (sorted == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++)
		sorted[i] = &response->results[i];
	qsort(sorted, (size_t)count, sizeof(void *), by_group_and_place);
	for (int32_t i = count - 1; i > 0; i--) {
		if (slice_equal(sorted[i]->group_id, sorted[i - 1]->group_id))
			sorted[i]->group_id = SLICE_NULL;
	}
	response->results_count = 0;
	for (int32_t i = 0; i < count; i++) {
		if (!slice_is_null(response->results[i].group_id))
			response->results[response->results_count++] =
				response->results[i];
	}
	return 0;
}

static void *delete_join(struct request *req, void *const *answers,
			 int32_t count)
{
	struct delete_groups_response *response =
		arena_alloc(&req->arena, sizeof(*response));

	if (response == NULL)
		return NULL;
	wire_init(&delete_groups_response_desc, response);
	response->results = wire_array(&delete_groups_response_results_desc,
				       &req->arena, count);
	if (response->results == NULL)
		return NULL;
	response->results_count = count;
	for (int32_t i = 0; i < count; i++)
		response->results[i] = *(const deleted_group *)answers[i];
	return drop_repeated(req, response) < 0 ? NULL : response;
}

void api_delete_groups(struct request *req)
{
	static const struct group_api api = {
		.answer = &delete_groups_response_results_desc,
		.count = delete_count,
		.group_of = delete_group,
		.run = delete_run,
		.blank = delete_blank,
		.join = delete_join,
	};

	group_call(req, &api);
}
