/*
 * controller.c - decides what changes of the cluster become
 *
 * The table of changes, and what the families share.
 */
#include "controller.h"

#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/metadata/image_edit.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	API_CREATE_TOPICS = 19,
	API_DELETE_TOPICS = 20,
	API_ALTER_CONFIGS = 33,
	API_CREATE_PARTITIONS = 37,
	API_ELECT_LEADERS = 43,
	API_INCREMENTAL_ALTER_CONFIGS = 44,
	API_ALTER_PARTITION_REASSIGNMENTS = 45,
	API_UPDATE_FEATURES = 57,
	API_UNREGISTER_BROKER = 64,
	API_ALTER_CLIENT_QUOTAS = 49,
	API_ALTER_USER_SCRAM_CREDENTIALS = 51,
	API_ALLOCATE_PRODUCER_IDS = 67
};

/* Answers that say no */

static struct slice text_of(const char *message)
{
	return slice_of(message);
}

static void refuse_create_topics(struct metadata_change *change, int16_t code,
				 const char *message)
{
	const struct create_topics_request *req = change->request;
	struct create_topics_response *resp = change->response;

	resp->topics = wire_array(&create_topics_response_topics_desc,
				  change->arena, req->topics_count);
	for (int32_t i = 0; resp->topics != NULL && i < req->topics_count;
	     i++) {
		resp->topics[i].name = req->topics[i].name;
		resp->topics[i].error_code = code;
		resp->topics[i].error_message = text_of(message);
		resp->topics_count++;
	}
}

static void refuse_delete_topics(struct metadata_change *change, int16_t code,
				 const char *message)
{
	const struct delete_topics_request *req = change->request;
	struct delete_topics_response *resp = change->response;
	bool by_topic = change->version >= 6;
	int32_t count = by_topic ? req->topics_count : req->topic_names_count;

	resp->responses = wire_array(&delete_topics_response_responses_desc,
				     change->arena, count);
	for (int32_t i = 0; resp->responses != NULL && i < count; i++) {
		resp->responses[i].name =
			by_topic ? req->topics[i].name : req->topic_names[i];
		if (by_topic)
			resp->responses[i].topic_id = req->topics[i].topic_id;
		resp->responses[i].error_code = code;
		resp->responses[i].error_message = text_of(message);
		resp->responses_count++;
	}
}

static void refuse_create_partitions(struct metadata_change *change,
				     int16_t code, const char *message)
{
	const struct create_partitions_request *req = change->request;
	struct create_partitions_response *resp = change->response;

	resp->results = wire_array(&create_partitions_response_results_desc,
				   change->arena, req->topics_count);
	for (int32_t i = 0; resp->results != NULL && i < req->topics_count;
	     i++) {
		resp->results[i].name = req->topics[i].name;
		resp->results[i].error_code = code;
		resp->results[i].error_message = text_of(message);
		resp->results_count++;
	}
}

static void refuse_alter_configs(struct metadata_change *change, int16_t code,
				 const char *message)
{
	const struct alter_configs_request *req = change->request;
	struct alter_configs_response *resp = change->response;

	resp->responses = wire_array(&alter_configs_response_responses_desc,
				     change->arena, req->resources_count);
	for (int32_t i = 0; resp->responses != NULL && i < req->resources_count;
	     i++) {
		resp->responses[i].resource_type =
			req->resources[i].resource_type;
		resp->responses[i].resource_name =
			req->resources[i].resource_name;
		resp->responses[i].error_code = code;
		resp->responses[i].error_message = text_of(message);
		resp->responses_count++;
	}
}

static void refuse_incremental(struct metadata_change *change, int16_t code,
			       const char *message)
{
	const struct incremental_alter_configs_request *req = change->request;
	struct incremental_alter_configs_response *resp = change->response;

	resp->responses =
		wire_array(&incremental_alter_configs_response_responses_desc,
			   change->arena, req->resources_count);
	for (int32_t i = 0; resp->responses != NULL && i < req->resources_count;
	     i++) {
		resp->responses[i].resource_type =
			req->resources[i].resource_type;
		resp->responses[i].resource_name =
			req->resources[i].resource_name;
		resp->responses[i].error_code = code;
		resp->responses[i].error_message = text_of(message);
		resp->responses_count++;
	}
}

static void refuse_producer_ids(struct metadata_change *change, int16_t code,
				const char *message)
{
	struct allocate_producer_ids_response *resp = change->response;

	(void)message;
	resp->error_code = code;
}

static void refuse_elect_leaders(struct metadata_change *change, int16_t code,
				 const char *message)
{
	const struct elect_leaders_request *req = change->request;
	struct elect_leaders_response *resp = change->response;

	resp->error_code = code;
	if (req->topic_partitions_count < 0) /* null: all */
		return;
	resp->replica_election_results = wire_array(
		&elect_leaders_response_replica_election_results_desc,
		change->arena, req->topic_partitions_count);
	for (int32_t i = 0; resp->replica_election_results != NULL &&
			    i < req->topic_partitions_count;
	     i++) {
		struct elect_leaders_response_replica_election_results *to =
			&resp->replica_election_results[i];
		int32_t count = req->topic_partitions[i].partitions_count;

		resp->replica_election_results_count++;
		to->topic = req->topic_partitions[i].topic;
		to->partition_result = wire_array(
			&elect_leaders_response_replica_election_results_partition_result_desc,
			change->arena, count);
		for (int32_t j = 0; to->partition_result != NULL && j < count;
		     j++) {
			to->partition_result[j].partition_id =
				req->topic_partitions[i].partitions[j];
			to->partition_result[j].error_code = code;
			to->partition_result[j].error_message =
				text_of(message);
			to->partition_result_count++;
		}
	}
}

static void refuse_reassignments(struct metadata_change *change, int16_t code,
				 const char *message)
{
	const struct alter_partition_reassignments_request *req =
		change->request;
	struct alter_partition_reassignments_response *resp = change->response;

	resp->error_code = code;
	resp->error_message = text_of(message);
	resp->allow_replication_factor_change =
		req->allow_replication_factor_change;
}

static void refuse_unregister_broker(struct metadata_change *change,
				     int16_t code, const char *message)
{
	struct unregister_broker_response *resp = change->response;

	resp->error_code = code;
	resp->error_message = text_of(message);
}

/* All changes */

static const struct row {
	int16_t api_key;
	const struct wire_desc *response;
	void (*decide)(const struct controller *c,
		       struct metadata_change *change);
	void (*refuse)(struct metadata_change *change, int16_t code,
		       const char *message);
} rows[] = {
	{ API_CREATE_TOPICS, &create_topics_response_desc,
	  controller_create_topics, refuse_create_topics },
	{ API_DELETE_TOPICS, &delete_topics_response_desc,
	  controller_delete_topics, refuse_delete_topics },
	{ API_ALTER_CONFIGS, &alter_configs_response_desc,
	  controller_alter_configs, refuse_alter_configs },
	{ API_CREATE_PARTITIONS, &create_partitions_response_desc,
	  controller_create_partitions, refuse_create_partitions },
	{ API_INCREMENTAL_ALTER_CONFIGS,
	  &incremental_alter_configs_response_desc,
	  controller_incremental_alter_configs, refuse_incremental },
	{ API_ELECT_LEADERS, &elect_leaders_response_desc,
	  controller_elect_leaders, refuse_elect_leaders },
	{ API_ALTER_PARTITION_REASSIGNMENTS,
	  &alter_partition_reassignments_response_desc,
	  controller_alter_reassignments, refuse_reassignments },
	{ API_UPDATE_FEATURES, &update_features_response_desc,
	  controller_update_features, controller_refuse_features },
	{ API_UNREGISTER_BROKER, &unregister_broker_response_desc,
	  controller_unregister_broker, refuse_unregister_broker },
	{ API_ALTER_CLIENT_QUOTAS, &alter_client_quotas_response_desc,
	  controller_alter_client_quotas, controller_refuse_client_quotas },
	{ API_ALTER_USER_SCRAM_CREDENTIALS,
	  &alter_user_scram_credentials_response_desc, controller_alter_scram,
	  controller_refuse_scram },
	{ API_ALLOCATE_PRODUCER_IDS, &allocate_producer_ids_response_desc,
	  controller_allocate_producer_ids, refuse_producer_ids },
};

static const struct row *find_row(int16_t api_key)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].api_key == api_key)
			return &rows[i];
	}
	return NULL;
}

bool controller_takes(int16_t api_key)
{
	return find_row(api_key) != NULL;
}

int controller_decide(const struct controller *c,
		      struct metadata_change *change)
{
	const struct row *row = find_row(change->api_key);

	wire_init(row->response, change->response);
	if (controller_asks_too_much(c, change))
		controller_refuse(change, WIRE_POLICY_VIOLATION,
				  "Unable to perform excessively large batch "
				  "operation.");
	else
		row->decide(c, change);
	return c->records->error;
}

void controller_refuse(struct metadata_change *change, int16_t error_code,
		       const char *message)
{
	const struct row *row = find_row(change->api_key);

	wire_init(row->response, change->response);
	row->refuse(change, error_code, message);
}

void controller_add(const struct controller *c, const struct wire_desc *desc,
		    const void *message)
{
	record_list_add(c->records, desc, image_record_version(c->image, desc),
			message);
}

struct controller_error controller_check_quota(const struct controller *c,
					       int32_t partitions)
{
	const struct metadata_change *change = c->change;
	struct controller_error e = { WIRE_NONE, NULL };

	if (change != NULL && change->permit != NULL &&
	    !change->permit(change->arg, partitions))
		e = (struct controller_error){
			WIRE_THROTTLING_QUOTA_EXCEEDED,
			"The throttling quota has been exceeded."
		};
	return e;
}

/* Names that occur more than once */

struct numbered_name {
	struct slice name;
	size_t number;
};

static int order_of_names(const void *a, const void *b)
{
	const struct numbered_name *x = a;
	const struct numbered_name *y = b;
	size_t len = x->name.len < y->name.len ? x->name.len : y->name.len;
	int order = len == 0 ? 0 : memcmp(x->name.data, y->name.data, len);

	if (order == 0)
		order = (x->name.len > y->name.len) -
			(x->name.len < y->name.len);
	if (order == 0)
		order = (x->number > y->number) - (x->number < y->number);
	return order;
}

enum name_mark *controller_mark_names(const struct slice *names, size_t count,
				      struct arena *arena)
{
	enum name_mark *marks = arena_calloc(arena, count, sizeof(*marks));
	struct numbered_name *sorted =
		arena_calloc(arena, count, sizeof(*sorted));

	if (marks == NULL || sorted == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct numbered_name){ names[i], i };
	qsort(sorted, count, sizeof(*sorted), order_of_names);
	for (size_t i = 1; i < count; i++) {
		if (!slice_equal(sorted[i - 1].name, sorted[i].name))
			continue;
		marks[sorted[i].number] = NAME_AGAIN;
		if (marks[sorted[i - 1].number] == NAME_ONCE)
			marks[sorted[i - 1].number] = NAME_FIRST_OF_SEVERAL;
	}
	return marks;
}
