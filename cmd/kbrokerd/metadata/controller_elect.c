/*
 * controller_elect.c - leaders by request, and brokers that leave
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/partition_change.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

static struct controller_error elect_one(const struct controller *c,
					 const struct topic_image *topic,
					 int32_t index, enum election election,
					 struct arena *arena)
{
	const struct partition_image *p = &topic->partitions[index];
	struct partition_change change;
	int rc;

	if (election == ELECT_PREFERRED
		    ? p->replica_count > 0 && p->leader == p->replicas[0]
		    : p->leader >= 0)
		return (struct controller_error){
			WIRE_ELECTION_NOT_NEEDED,
			wire_error_text(WIRE_ELECTION_NOT_NEEDED)
		};
	partition_change_init(&change, c, topic->id, index, p);
	change.election = election;
	rc = partition_change_add(&change, arena);
	if (rc < 0) {
		c->records->error = rc;
		return (struct controller_error){ WIRE_UNKNOWN_SERVER_ERROR,
						  NULL };
	}
	if (rc > 0)
		return (struct controller_error){ WIRE_NONE, NULL };
	if (election == ELECT_PREFERRED)
		return (struct controller_error){
			WIRE_PREFERRED_LEADER_NOT_AVAILABLE,
			arena_printf(arena,
				     "Broker %d, the first replica, is not "
				     "alive or not in sync.",
				     p->replicas[0])
		};
	return (struct controller_error){
		WIRE_ELIGIBLE_LEADERS_NOT_AVAILABLE,
		"None of the replicas is on a broker that is alive."
	};
}

static void put_result(
	struct elect_leaders_response_replica_election_results *result,
	int32_t index, struct controller_error e)
{
	int32_t i = result->partition_result_count++;

	result->partition_result[i].partition_id = index;
	result->partition_result[i].error_code = e.code;
	result->partition_result[i].error_message = slice_of(e.text);
}

static void *results_of(struct arena *arena, int32_t count)
{
	return wire_array(
		&elect_leaders_response_replica_election_results_partition_result_desc,
		arena, count);
}

/* All partitions: those that are led as they should are not told of. */

struct election_of_all {
	const struct controller *c;
	struct metadata_change *change;
	enum election election;
};

static int elect_in_topic(void *arg, const struct topic_image *topic)
{
	struct election_of_all *all = arg;
	struct elect_leaders_response *response = all->change->response;
	struct elect_leaders_response_replica_election_results *result =
		&response->replica_election_results
			 [response->replica_election_results_count++];

	result->topic = topic->name;
	result->partition_result =
		results_of(all->change->arena, topic->partition_count);
	if (result->partition_result == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < topic->partition_count; i++) {
		struct controller_error e = elect_one(
			all->c, topic, i, all->election, all->change->arena);

		if (e.code != WIRE_ELECTION_NOT_NEEDED)
			put_result(result, i, e);
	}
	/* The answer outlives the image. */
	result->topic = arena_copy(all->change->arena, topic->name);
	return slice_is_null(result->topic) ? -ENOMEM : 0;
}

static int elect_all(const struct controller *c, struct metadata_change *change,
		     enum election election)
{
	struct election_of_all all = { c, change, election };

	return image_each_topic(c->image, elect_in_topic, &all);
}

/* Those that are named */

static int elect_named(
	const struct controller *c, struct metadata_change *change,
	const struct elect_leaders_request_topic_partitions *t,
	enum election election,
	struct elect_leaders_response_replica_election_results *result)
{
	const struct topic_image *topic = image_topic(c->image, t->topic);
	struct arena *arena = change->arena;
	const char *unknown = NULL; /* one text for all: names may be long */

	if (topic == NULL)
		unknown = arena_printf(arena, "No such topic as %.*s",
				       (int)t->topic.len,
				       (const char *)t->topic.data);
	result->topic = t->topic;
	result->partition_result = results_of(arena, t->partitions_count);
	if (result->partition_result == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < t->partitions_count; i++) {
		int32_t index = t->partitions[i];
		struct controller_error e = { WIRE_UNKNOWN_TOPIC_OR_PARTITION,
					      NULL };

		if (topic == NULL)
			e.text = unknown;
		else if (index < 0 || index >= topic->partition_count)
			e.text = arena_printf(
				arena, "No such partition as %.*s-%d",
				(int)t->topic.len, (const char *)t->topic.data,
				index);
		else
			e = elect_one(c, topic, index, election, arena);
		put_result(result, index, e);
	}
	return 0;
}

void controller_elect_leaders(const struct controller *c,
			      struct metadata_change *change)
{
	const struct elect_leaders_request *req = change->request;
	struct elect_leaders_response *resp = change->response;
	bool all = req->topic_partitions_count < 0;
	int32_t count = all ? (int32_t)image_topic_count(c->image)
			    : req->topic_partitions_count;
	enum election election =
		req->election_type == WIRE_ELECTION_TYPE_UNCLEAN
			? ELECT_UNCLEAN
			: ELECT_PREFERRED;
	int rc = 0;

	if (count == 0 && !all)
		return;
	if (req->election_type != WIRE_ELECTION_TYPE_UNCLEAN &&
	    req->election_type != WIRE_ELECTION_TYPE_PREFERRED) {
		controller_refuse(change, WIRE_INVALID_REQUEST,
				  arena_printf(change->arena,
					       "Unknown election type %d",
					       req->election_type));
		return;
	}
	resp->replica_election_results = wire_array(
		&elect_leaders_response_replica_election_results_desc,
		change->arena, count);
	if (resp->replica_election_results == NULL)
		rc = -ENOMEM;
	else if (all)
		rc = elect_all(c, change, election);
	for (int32_t i = 0; !all && rc == 0 && i < count; i++)
		rc = elect_named(
			c, change, &req->topic_partitions[i], election,
			&resp->replica_election_results
				 [resp->replica_election_results_count++]);
	if (rc < 0)
		c->records->error = rc;
}

/* A broker leaves for good */

struct leaving {
	const struct controller *c;
	struct arena *arena;
	int32_t id;
};

static int leave_partition(const struct leaving *l,
			   const struct topic_image *topic, int32_t index)
{
	const struct partition_image *p = &topic->partitions[index];
	struct id_list gone = { &l->id, 1 };
	struct partition_change change;

	partition_change_init(&change, l->c, topic->id, index, p);
	if (!id_list_has(change.isr, l->id) && p->leader != l->id)
		return 0;
	change.not_to_lead = l->id;
	change.isr = id_list_minus(change.isr, gone, l->arena);
	if (change.isr.ids == NULL)
		return -ENOMEM;
	/* Who was the last in sync is remembered as such. */
	if (change.isr.count == 0)
		change.isr = (struct id_list){ p->isr, p->isr_count };
	return partition_change_add(&change, l->arena);
}

static int leave_topic(void *arg, const struct topic_image *topic)
{
	int rc = 0;

	for (int32_t i = 0; i < topic->partition_count && rc >= 0; i++)
		rc = leave_partition(arg, topic, i);
	return rc < 0 ? rc : 0;
}

void controller_unregister_broker(const struct controller *c,
				  struct metadata_change *change)
{
	const struct unregister_broker_request *req = change->request;
	const struct broker_image *b = image_broker(c->image, req->broker_id);
	struct leaving l = { c, change->arena, req->broker_id };
	struct unregister_broker_record r;
	int rc;

	if (b == NULL) {
		controller_refuse(
			change, WIRE_BROKER_ID_NOT_REGISTERED,
			arena_printf(change->arena,
				     "Broker ID %d is not currently registered",
				     req->broker_id));
		return;
	}
	if (req->broker_id == c->node_id) {
		controller_refuse(
			change, WIRE_INVALID_REQUEST,
			arena_printf(change->arena,
				     "Broker %d is the one that runs this "
				     "cluster: it would leave nobody to lead "
				     "its partitions.",
				     req->broker_id));
		return;
	}
	rc = image_each_topic(c->image, leave_topic, &l);
	if (rc < 0) {
		c->records->error = rc;
		return;
	}
	wire_init(&unregister_broker_record_desc, &r);
	r.broker_id = b->id;
	r.broker_epoch = b->epoch;
	controller_add(c, &unregister_broker_record_desc, &r);
}
