/*
 * controller_reassign.c - partitions move to other brokers
 *
 * A reassignment writes the wanted replicas in front of those that are to go,
 * and is complete when the former are in sync: at once where nothing is to be
 * copied.
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/partition_change.h"
#include "kbrokerd/metadata/topic_config.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

static const struct controller_error none = { WIRE_NONE, NULL };

/* One partition of a request. */
struct reassignment {
	const struct controller *c;
	const struct topic_image *topic;
	struct placed wanted;  /* replicas */
	bool may_change_count; /* of the replicas */
	struct arena *arena;
	struct partition_change change;
};

static struct controller_error out_of_memory(const struct reassignment *r)
{
	r->c->records->error = -ENOMEM;
	return (struct controller_error){ WIRE_UNKNOWN_SERVER_ERROR, NULL };
}

static struct controller_error finish(struct reassignment *r)
{
	return partition_change_add(&r->change, r->arena) < 0 ? out_of_memory(r)
							      : none;
}

/* Cancelling */

static bool may_elect_uncleanly(const struct reassignment *r)
{
	const struct config_def *def =
		config_def_find(CONFIG_TOPIC, "unclean.leader.election.enable");
	struct config_sources sources;
	const char *value;

	config_sources_init(&sources, r->c->image, r->c->node_id,
			    r->c->properties, r->topic->configs);
	value = config_topic_value(&sources, def, r->arena);
	return value != NULL && config_is_true(value);
}

static struct controller_error cancel(struct reassignment *r)
{
	struct partition_change *change = &r->change;
	bool unclean_allowed = may_elect_uncleanly(r);

	if (change->adding.count == 0 && change->removing.count == 0)
		return (struct controller_error){
			WIRE_NO_REASSIGNMENT_IN_PROGRESS,
			wire_error_text(WIRE_NO_REASSIGNMENT_IN_PROGRESS)
		};
	change->replicas =
		id_list_minus(change->replicas, change->adding, r->arena);
	change->isr = id_list_minus(change->isr, change->adding, r->arena);
	if (change->replicas.ids == NULL || change->isr.ids == NULL)
		return out_of_memory(r);
	if (change->replicas.count == 0)
		return (struct controller_error){
			WIRE_INVALID_REPLICA_ASSIGNMENT,
			"Invalid replica assignment: addingReplicas contains "
			"all replicas."
		};
	if (change->isr.count == 0) {
		if (!unclean_allowed)
			return (struct controller_error){
				WIRE_INVALID_REPLICA_ASSIGNMENT,
				arena_printf(r->arena,
					     "Unable to revert partition "
					     "assignment for %.*s:%d because "
					     "it would require an unclean "
					     "leader election.",
					     (int)r->topic->name.len,
					     (const char *)r->topic->name.data,
					     change->index)
			};
		change->isr = (struct id_list){ change->replicas.ids, 1 };
	}
	change->adding.count = 0;
	change->removing.count = 0;
	if (unclean_allowed)
		change->election = ELECT_UNCLEAN;
	return finish(r);
}

/* Starting, or changing what is under way */

/* Replicas that the partition is to have as things stand. */
static int32_t target_count(const struct partition_change *change)
{
	return change->replicas.count - change->removing.count;
}

static void sort(struct id_list list)
{
	int32_t *ids = (int32_t *)list.ids; /* the arena's */

	for (int32_t i = 1; i < list.count; i++) {
		int32_t id = ids[i];
		int32_t at = i;

		for (; at > 0 && ids[at - 1] > id; at--)
			ids[at] = ids[at - 1];
		ids[at] = id;
	}
}

/* The wanted ones, and behind them those that are to go. */
static int set_target(struct reassignment *r, struct id_list target)
{
	struct partition_change *change = &r->change;
	struct id_list current = change->replicas;
	size_t most = (size_t)target.count + (size_t)current.count;
	int32_t *ids = arena_calloc(r->arena, most, sizeof(*ids));

	change->adding = id_list_minus(target, current, r->arena);
	change->removing = id_list_minus(current, target, r->arena);
	if (ids == NULL || change->adding.ids == NULL ||
	    change->removing.ids == NULL)
		return -ENOMEM;
	sort(change->adding);
	sort(change->removing);
	memcpy(ids, target.ids, (size_t)target.count * sizeof(*ids));
	if (change->removing.count > 0)
		memcpy(ids + target.count, change->removing.ids,
		       (size_t)change->removing.count * sizeof(*ids));
	change->replicas =
		(struct id_list){ ids, target.count + change->removing.count };
	return 0;
}

static struct controller_error start(struct reassignment *r)
{
	struct id_list target = { r->wanted.replicas, r->wanted.replica_count };
	int32_t count = target_count(&r->change);
	struct controller_error e =
		controller_check_replicas(r->c, &r->wanted, r->arena);

	if (!r->may_change_count && count != target.count)
		return (struct controller_error){
			WIRE_INVALID_REPLICATION_FACTOR,
			arena_printf(r->arena,
				     "The replication factor is changed from "
				     "%d to %d",
				     count, target.count)
		};
	if (e.code != WIRE_NONE)
		return e;
	return set_target(r, target) < 0 ? out_of_memory(r) : finish(r);
}

/* Requests */

/* What is wrong with the partition's name, if anything; unknown is the text
 * for a topic that there is not. */
static struct controller_error find(const struct topic_image *topic,
				    const char *unknown, struct slice name,
				    int32_t index, struct arena *arena)
{
	struct controller_error e = { WIRE_UNKNOWN_TOPIC_OR_PARTITION, NULL };

	if (topic == NULL)
		e.text = unknown;
	else if (index < 0 || index >= topic->partition_count)
		e.text = arena_printf(
			arena, "Unable to find partition %.*s:%d.",
			(int)name.len, (const char *)name.data, index);
	else
		e = none;
	return e;
}

static int reassign_topic(
	const struct controller *c, struct metadata_change *change,
	const struct alter_partition_reassignments_request_topics *t,
	struct alter_partition_reassignments_response_responses *result)
{
	const struct alter_partition_reassignments_request *req =
		change->request;
	const struct topic_image *topic = image_topic(c->image, t->name);
	const char *unknown = NULL; /* one text for all: names may be long */

	if (topic == NULL)
		unknown = arena_printf(
			change->arena, "Unable to find a topic named %.*s.",
			(int)t->name.len, (const char *)t->name.data);
	result->name = t->name;
	result->partitions = wire_array(
		&alter_partition_reassignments_response_responses_partitions_desc,
		change->arena, t->partitions_count);
	if (result->partitions == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < t->partitions_count; i++) {
		int32_t index = t->partitions[i].partition_index;
		struct controller_error e =
			find(topic, unknown, t->name, index, change->arena);
		struct reassignment r = {
			.c = c,
			.topic = topic,
			.wanted = { t->partitions[i].replicas,
				    t->partitions[i].replicas_count },
			.may_change_count =
				req->allow_replication_factor_change,
			.arena = change->arena,
		};

		if (e.code == WIRE_NONE) {
			partition_change_init(&r.change, c, topic->id, index,
					      &topic->partitions[index]);
			e = r.wanted.replica_count < 0 ? cancel(&r) : start(&r);
		}
		result->partitions[i].partition_index = index;
		result->partitions[i].error_code = e.code;
		result->partitions[i].error_message = slice_of(e.text);
		result->partitions_count++;
	}
	return 0;
}

void controller_alter_reassignments(const struct controller *c,
				    struct metadata_change *change)
{
	const struct alter_partition_reassignments_request *req =
		change->request;
	struct alter_partition_reassignments_response *resp = change->response;
	int rc = 0;

	resp->allow_replication_factor_change =
		req->allow_replication_factor_change;
	if (req->topics_count == 0)
		return;
	resp->error_message = SLICE_NULL;
	resp->responses = wire_array(
		&alter_partition_reassignments_response_responses_desc,
		change->arena, req->topics_count);
	if (resp->responses == NULL)
		rc = -ENOMEM;
	for (int32_t i = 0; i < req->topics_count && rc == 0; i++)
		rc = reassign_topic(c, change, &req->topics[i],
				    &resp->responses[resp->responses_count++]);
	if (rc < 0)
		c->records->error = rc;
}
