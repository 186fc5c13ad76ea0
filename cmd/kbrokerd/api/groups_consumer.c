/*
 * groups_consumer.c - ConsumerGroupHeartbeat, ConsumerGroupDescribe (KIP-848)
 *
 * What they do is group/consumer*.c's; this is how they are asked.  They are
 * there while the feature group.version is on, and the protocol among
 * group.coordinator.rebalance.protocols.
 */
#include <errno.h>

#include "kbrokerd/api/group_call.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/group/consumer.h"
#include "kbrokerd/group/describe.h"
#include "kbrokerd/group/memory.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

/* What a member may subscribe to that is there, whatever memory is left. */
enum { SMALL_SUBSCRIPTION_BYTES = 64 << 10 };

static int16_t check_is_on(const struct request *req, int32_t i)
{
	const struct image *image = metadata_image(req->broker->metadata);
	bool is_on = image_feature(image, "group.version") > 0;

	(void)i;
	image_release(image);
	return is_on && coordinator_settings(req->broker->coordinator)
				       ->consumer_is_on
		       ? WIRE_NONE
		       : WIRE_UNSUPPORTED_VERSION;
}

/* ConsumerGroupHeartbeat */

static struct slice heartbeat_group(const struct request *req, int32_t i)
{
	const struct consumer_group_heartbeat_request *request = req->message;

	(void)i;
	return request->group_id;
}

/* What a member subscribes to is kept: a name is more than its letters. */
static size_t names_bytes(
	const struct consumer_group_heartbeat_request *request)
{
	size_t bytes = request->subscribed_topic_regex.len;

	for (int32_t i = 0; i < request->subscribed_topic_names_count; i++)
		bytes += request->subscribed_topic_names[i].len +
			 sizeof(struct slice);
	return bytes;
}

/* There is no room for another member. */
static void refuse_member(struct group_ask *ask)
{
	struct consumer_group_heartbeat_response *response =
		arena_alloc(ask->arena, sizeof(*response));

	if (response != NULL) {
		wire_init(&consumer_group_heartbeat_response_desc, response);
		response->error_code = WIRE_POLICY_VIOLATION;
		response->error_message =
			slice_of("Groups take more memory than "
				 "group.memory.max.bytes.");
	}
	group_ask_answer(ask, response, 0);
}

static void heartbeat_run(struct group_shard *shard, struct group_ask *ask,
			  const void *message, int32_t i)
{
	const struct consumer_group_heartbeat_request *request = message;
	size_t bytes = names_bytes(request);

	(void)i;
	if ((request->member_epoch == 0 || bytes > SMALL_SUBSCRIPTION_BYTES) &&
	    group_memory_is_full(shard, bytes))
		refuse_member(ask);
	else
		consumer_heartbeat(shard, ask, request);
}

void api_consumer_group_heartbeat(struct request *req)
{
	static const struct group_api api = {
		.answer = &consumer_group_heartbeat_response_desc,
		.group_of = heartbeat_group,
		.check = check_is_on,
		.run = heartbeat_run,
	};

	group_call(req, &api);
}

/* ConsumerGroupDescribe */

typedef struct consumer_group_describe_request describe_request;
typedef struct consumer_group_describe_response_groups described_group;

static int32_t describe_count(const struct request *req)
{
	return ((const describe_request *)req->message)->group_ids_count;
}

static struct slice describe_group(const struct request *req, int32_t i)
{
	return ((const describe_request *)req->message)->group_ids[i];
}

/* An empty id is none. */
static int16_t describe_check(const struct request *req, int32_t i)
{
	if (describe_group(req, i).len == 0)
		return WIRE_INVALID_GROUP_ID;
	return check_is_on(req, i);
}

/* Every answer says what may be done with the group, if that is asked. */
static void add_operations(const describe_request *request,
			   described_group *answer)
{
	if (answer != NULL && request->include_authorized_operations)
		answer->authorized_operations = view_group_operations();
}

static void describe_run(struct group_shard *shard, struct group_ask *ask,
			 const void *message, int32_t i)
{
	const describe_request *request = message;

	group_describe_consumer(shard, ask, request->group_ids[i]);
	add_operations(request, ask->answer);
}

static int describe_blank(struct request *req, int32_t i, void *answer)
{
	described_group *group = answer;

	group->group_id = arena_copy(&req->arena, describe_group(req, i));
	add_operations(req->message, group);
	return slice_is_null(group->group_id) ? -ENOMEM : 0;
}

static void *describe_join(struct request *req, void *const *answers,
			   int32_t count)
{
	struct consumer_group_describe_response *response =
		arena_alloc(&req->arena, sizeof(*response));

	if (response == NULL)
		return NULL;
	wire_init(&consumer_group_describe_response_desc, response);
	response->groups =
		wire_array(&consumer_group_describe_response_groups_desc,
			   &req->arena, count);
	if (response->groups == NULL)
		return NULL;
	response->groups_count = count;
	for (int32_t i = 0; i < count; i++)
		response->groups[i] = *(const described_group *)answers[i];
	return response;
}

void api_consumer_group_describe(struct request *req)
{
	static const struct group_api api = {
		.answer = &consumer_group_describe_response_groups_desc,
		.count = describe_count,
		.group_of = describe_group,
		.check = describe_check,
		.run = describe_run,
		.blank = describe_blank,
		.join = describe_join,
	};

	group_call(req, &api);
}
