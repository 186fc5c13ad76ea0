/*
 * controller_limits_test.c - one change asks for no more than so much
 */
#include "controller_kit.h"

enum { ITEMS_MAX = 10000, PARTITIONS_NAMED_MAX = 100000, SETTINGS_MAX = 1000 };

enum { CREATE = 19, DELETE = 20, GROW = 37, INCREMENTAL = 44 };
enum { ELECT = 43, REASSIGN = 45, QUOTAS = 49 };

static void settings_by_the_myriad_are_refused(void **state)
{
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;
	struct controller_kit *k = *state;

	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	resource.resource_type = WIRE_CONFIG_RESOURCE_TYPE_TOPIC;
	resource.resource_name = slice_of("t");
	resource.configs = wire_array(
		&incremental_alter_configs_request_resources_configs_desc,
		&k->arena, ITEMS_MAX + 1);
	request.resources = &resource;
	request.resources_count = 1;

	resource.configs_count = ITEMS_MAX;
	controller_kit_decide(k, INCREMENTAL, 1, &request, &response);
	assert_int_equal(response.responses[0].error_code,
			 WIRE_INVALID_REQUEST); /* for one is there twice */

	resource.configs_count = ITEMS_MAX + 1;
	controller_kit_decide(k, INCREMENTAL, 1, &request, &response);
	assert_int_equal(response.responses_count, 1);
	assert_int_equal(response.responses[0].error_code,
			 WIRE_POLICY_VIOLATION);
	assert_true(slice_is(response.responses[0].error_message,
			     "Unable to perform excessively large batch "
			     "operation."));
}

/* Set so many of a broker, all with the same start of their names. */
static struct incremental_alter_configs_response_responses set_of_broker(
	struct controller_kit *k, const char *start, int32_t count)
{
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	resource.resource_type = WIRE_CONFIG_RESOURCE_TYPE_BROKER;
	resource.resource_name = slice_of("1");
	resource.configs = wire_array(
		&incremental_alter_configs_request_resources_configs_desc,
		&k->arena, count);
	resource.configs_count = count;
	for (int32_t i = 0; i < count; i++) {
		resource.configs[i].name =
			slice_of(arena_printf(&k->arena, "%s%d", start, i));
		resource.configs[i].value = slice_of("x");
	}
	request.resources = &resource;
	request.resources_count = 1;
	controller_kit_decide(k, INCREMENTAL, 1, &request, &response);
	return response.responses[0];
}

static void a_broker_has_so_many_settings_and_no_more(void **state)
{
	struct incremental_alter_configs_response_responses r =
		set_of_broker(*state, "unknown", SETTINGS_MAX + 1);
	struct controller_kit *k = *state;

	assert_int_equal(r.error_code, WIRE_POLICY_VIOLATION);
	assert_true(slice_is(r.error_message,
			     "Resource '1' would have 1001 settings: 1000 are "
			     "the most. Remove some that are not needed."));
	assert_int_equal(set_of_broker(k, "unknown", SETTINGS_MAX).error_code,
			 WIRE_NONE);
	assert_int_equal(set_of_broker(k, "another", 1).error_code,
			 WIRE_POLICY_VIOLATION);
}

static void names_that_are_refused_are_all_told(void **state)
{
	struct incremental_alter_configs_response_responses r =
		set_of_broker(*state, "ssl.keystore.", 2);

	assert_int_equal(r.error_code, WIRE_INVALID_REQUEST);
	assert_true(slice_is(r.error_message,
			     "These security configs can be dynamically "
			     "updated only per-listener using the listener "
			     "prefix: Set(ssl.keystore.0, ssl.keystore.1)"));
}

static void settings_of_a_new_topic_are_counted_too(void **state)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;
	struct controller_kit *k = *state;

	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of("t");
	topic.configs = wire_array(&create_topics_request_topics_configs_desc,
				   &k->arena, ITEMS_MAX + 1);
	topic.configs_count = ITEMS_MAX + 1;
	wire_init(&create_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;

	assert_int_equal(
		controller_kit_decide(k, CREATE, 7, &request, &response), 0);
	assert_int_equal(response.topics[0].error_code, WIRE_POLICY_VIOLATION);
}

static void quotas_of_too_many_are_refused(void **state)
{
	struct alter_client_quotas_request request;
	struct alter_client_quotas_response response;
	struct controller_kit *k = *state;

	wire_init(&alter_client_quotas_request_desc, &request);
	request.entries_count = ITEMS_MAX + 1;
	request.entries = wire_array(&alter_client_quotas_request_entries_desc,
				     &k->arena, request.entries_count);

	controller_kit_decide(k, QUOTAS, 1, &request, &response);
	assert_int_equal(response.entries_count, ITEMS_MAX + 1);
	assert_int_equal(response.entries[ITEMS_MAX].error_code,
			 WIRE_POLICY_VIOLATION);
}

static void too_many_topics_go_not_at_once(void **state)
{
	struct delete_topics_request request;
	struct delete_topics_response response;
	struct controller_kit *k = *state;

	controller_kit_topic(k, "t");
	wire_init(&delete_topics_request_desc, &request);
	request.topics_count = ITEMS_MAX + 1;
	request.topics = wire_array(&delete_topics_request_topics_desc,
				    &k->arena, request.topics_count);
	request.topics[0].name = slice_of("t");

	assert_int_equal(
		controller_kit_decide(k, DELETE, 6, &request, &response), 0);
	assert_int_equal(response.responses[0].error_code,
			 WIRE_POLICY_VIOLATION);
	assert_non_null(image_topic(k->image, slice_of("t")));
}

static void all_topics_of_a_request_grow_within_one_limit(void **state)
{
	struct create_partitions_request_topics topics[2];
	struct create_partitions_request request;
	struct create_partitions_response response;
	struct controller_kit *k = *state;

	controller_kit_topic(k, "a");
	controller_kit_topic(k, "b");
	for (size_t i = 0; i < 2; i++) {
		wire_init(&create_partitions_request_topics_desc, &topics[i]);
		topics[i].name = slice_of(i == 0 ? "a" : "b");
		topics[i].assignments_count = -1;
		topics[i].count = 1 + ITEMS_MAX / 2;
	}
	wire_init(&create_partitions_request_desc, &request);
	request.topics = topics;
	request.topics_count = 2;

	topics[1].count++;
	assert_int_equal(controller_kit_decide(k, GROW, 3, &request, &response),
			 0);
	assert_int_equal(response.results_count, 2);
	assert_int_equal(response.results[0].error_code, WIRE_POLICY_VIOLATION);

	topics[1].count--;
	assert_int_equal(controller_kit_decide(k, GROW, 3, &request, &response),
			 ITEMS_MAX);
	assert_int_equal(response.results[1].error_code, WIRE_NONE);
}

static struct elect_leaders_response_replica_election_results elect(
	struct controller_kit *k, int32_t count)
{
	struct elect_leaders_request_topic_partitions topic;
	struct elect_leaders_request request;
	struct elect_leaders_response response;

	wire_init(&elect_leaders_request_topic_partitions_desc, &topic);
	topic.topic = slice_of("unknown");
	topic.partitions = arena_calloc(&k->arena, (size_t)count,
					sizeof(*topic.partitions));
	topic.partitions_count = count;
	wire_init(&elect_leaders_request_desc, &request);
	request.topic_partitions = &topic;
	request.topic_partitions_count = 1;
	controller_kit_decide(k, ELECT, 2, &request, &response);
	return response.replica_election_results[0];
}

static void elections_of_too_many_are_refused(void **state)
{
	assert_int_equal(elect(*state, PARTITIONS_NAMED_MAX + 1)
				 .partition_result[0]
				 .error_code,
			 WIRE_POLICY_VIOLATION);
	assert_int_equal(elect(*state, PARTITIONS_NAMED_MAX)
				 .partition_result[0]
				 .error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

/* Else a long name times many partitions would be the memory of the node. */
static void an_unknown_topic_has_one_text_for_all_partitions(void **state)
{
	struct alter_partition_reassignments_request_topics_partitions two[2];
	struct alter_partition_reassignments_request_topics topic;
	struct alter_partition_reassignments_request request;
	struct alter_partition_reassignments_response response;
	struct elect_leaders_response_replica_election_results elected =
		elect(*state, 2);

	for (size_t i = 0; i < 2; i++)
		wire_init(
			&alter_partition_reassignments_request_topics_partitions_desc,
			&two[i]);
	wire_init(&alter_partition_reassignments_request_topics_desc, &topic);
	topic.name = slice_of("unknown");
	topic.partitions = two;
	topic.partitions_count = 2;
	wire_init(&alter_partition_reassignments_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	controller_kit_decide(*state, REASSIGN, 1, &request, &response);

	assert_true(slice_is(elected.partition_result[1].error_message,
			     "No such topic as unknown"));
	assert_ptr_equal(elected.partition_result[0].error_message.data,
			 elected.partition_result[1].error_message.data);
	assert_true(slice_is(response.responses[0].partitions[1].error_message,
			     "Unable to find a topic named unknown."));
	assert_ptr_equal(
		response.responses[0].partitions[0].error_message.data,
		response.responses[0].partitions[1].error_message.data);
}

#define KIT_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, controller_kit_setup,               \
					controller_kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(settings_by_the_myriad_are_refused),
		KIT_TEST(a_broker_has_so_many_settings_and_no_more),
		KIT_TEST(names_that_are_refused_are_all_told),
		KIT_TEST(settings_of_a_new_topic_are_counted_too),
		KIT_TEST(quotas_of_too_many_are_refused),
		KIT_TEST(too_many_topics_go_not_at_once),
		KIT_TEST(all_topics_of_a_request_grow_within_one_limit),
		KIT_TEST(elections_of_too_many_are_refused),
		KIT_TEST(an_unknown_topic_has_one_text_for_all_partitions),
	};

	return cmocka_run_group_tests_name("controller_limits", tests, NULL,
					   NULL);
}
