/*
 * controller_topics_grow.c - topics get more partitions (CreatePartitions)
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };
static const struct controller_error no_memory = { WIRE_UNKNOWN_SERVER_ERROR,
						   NULL };
static const struct controller_error duplicate = { WIRE_INVALID_REQUEST,
						   "Duplicate topic name." };
static const struct controller_error too_many = {
	WIRE_POLICY_VIOLATION,
	"Excessively large number of partitions per request."
};

static bool failed(struct controller_error e)
{
	return e.code != WIRE_NONE;
}

static struct controller_error check_growth(
	const struct create_partitions_request_topics *t,
	const struct topic_image *topic, struct arena *arena)
{
	struct controller_error e = { WIRE_INVALID_PARTITIONS, NULL };
	int32_t now = topic->partition_count;

	if (t->count == now)
		e.text = arena_printf(
			arena, "Topic already has %d partition(s).", now);
	else if (t->count < now)
		e.text =
			arena_printf(arena,
				     "The topic %.*s currently has %d "
				     "partition(s); %d would not be an "
				     "increase.",
				     (int)t->name.len,
				     (const char *)t->name.data, now, t->count);
	else if (t->assignments_count >= 0 &&
		 t->assignments_count != t->count - now)
		e = (struct controller_error){
			WIRE_INVALID_REPLICA_ASSIGNMENT,
			arena_printf(arena,
				     "Attempted to add %d additional "
				     "partition(s), but only %d assignment(s) "
				     "were specified.",
				     t->count - now, t->assignments_count)
		};
	else
		return none;
	return e;
}

static struct controller_error grow_by_hand(
	const struct controller *c,
	const struct create_partitions_request_topics *t,
	const struct topic_image *topic, struct arena *arena,
	struct placement *placement)
{
	int32_t first = topic->partition_count;

	placement->count = t->assignments_count;
	placement->partitions = arena_calloc(
		arena, (size_t)t->assignments_count, sizeof(struct placed));
	if (placement->partitions == NULL)
		return no_memory;
	for (int32_t i = 0; i < t->assignments_count; i++) {
		struct placed placed = { t->assignments[i].broker_ids,
					 t->assignments[i].broker_ids_count };
		struct controller_error e = controller_check_placed(
			c, first + i, topic->partitions[0].replica_count,
			&placed, arena);

		if (failed(e))
			return e;
		placement->partitions[i] = placed;
	}
	return none;
}

static struct controller_error grow_one(
	const struct controller *c,
	const struct create_partitions_request_topics *t, bool validate_only,
	struct arena *arena)
{
	const struct topic_image *topic = image_topic(c->image, t->name);
	struct placement placement;
	struct controller_error e;
	int32_t first;

	if (topic == NULL)
		return (struct controller_error){
			WIRE_UNKNOWN_TOPIC_OR_PARTITION, NULL
		};
	e = check_growth(t, topic, arena);
	if (failed(e))
		return e;
	first = topic->partition_count;
	if (t->count - first > REQUEST_PARTITIONS_MAX)
		return too_many;
	if (t->assignments_count >= 0)
		e = grow_by_hand(c, t, topic, arena, &placement);
	else
		e = controller_place(c, t->count - first,
				     topic->partitions[0].replica_count, arena,
				     &placement);
	if (!failed(e))
		e = controller_check_quota(c, placement.count);
	if (!failed(e) && !validate_only)
		controller_add_partitions(c, topic->id, first, &placement);
	return e;
}

void controller_create_partitions(const struct controller *c,
				  struct metadata_change *change)
{
	const struct create_partitions_request *req = change->request;
	struct create_partitions_response *resp = change->response;
	size_t count = (size_t)req->topics_count;
	struct slice *names =
		arena_calloc(change->arena, count, sizeof(*names));
	enum name_mark *marks;

	for (size_t i = 0; names != NULL && i < count; i++)
		names[i] = req->topics[i].name;
	marks = names == NULL
			? NULL
			: controller_mark_names(names, count, change->arena);
	resp->results = wire_array(&create_partitions_response_results_desc,
				   change->arena, req->topics_count);
	if (marks == NULL || resp->results == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct create_partitions_response_results *item =
			&resp->results[resp->results_count];
		struct controller_error e = duplicate;

		if (marks[i] == NAME_AGAIN)
			continue;
		if (marks[i] == NAME_ONCE)
			e = grow_one(c, &req->topics[i], req->validate_only,
				     change->arena);
		item->name = req->topics[i].name;
		item->error_code = e.code;
		item->error_message = slice_of(e.text);
		resp->results_count++;
	}
}
