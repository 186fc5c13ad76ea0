/*
 * api_metadata_test.c - metadata, topics, configs and producer ids, asked for
 * by a client of a whole broker
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum {
	METADATA = 3,
	CREATE_TOPICS = 19,
	DELETE_TOPICS = 20,
	INIT_PRODUCER_ID = 22,
	DESCRIBE_CONFIGS = 32,
	CREATE_PARTITIONS = 37,
	ALTER_CONFIGS = 44,
	NEWEST_METADATA = 13
};

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd;
	struct arena arena; /* of requests and answers */
};

static void start(struct fixture *f, const char *set)
{
	const char *const sets[] = { "listeners=PLAINTEXT://127.0.0.1:0",
				     "num.network.threads=2", set };
	char error[256] = "";

	assert_int_equal(
		config_for_test(f->dir, sets, set == NULL ? 2 : 3, &f->config),
		0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = whole_dial(broker_port(f->broker));
}

static void stop(struct fixture *f)
{
	close(f->fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	start(f, NULL);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	stop(f);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

/* Start again, with a setting, on what is there. */
static void restart(struct fixture *f, const char *set)
{
	stop(f);
	start(f, set);
}

static void call(struct fixture *f, int16_t key, int version,
		 const void *request, void *response)
{
	whole_call(f->fd, key, (int16_t)version, request, &f->arena, response);
}

/* Requests in a few words */

static struct metadata_response ask_metadata(struct fixture *f, int version,
					     const char *name, bool create)
{
	struct metadata_request_topics topic;
	struct metadata_request request;
	struct metadata_response response;

	wire_init(&metadata_request_desc, &request);
	wire_init(&metadata_request_topics_desc, &topic);
	topic.name = slice_of(name);
	request.topics = &topic;
	request.topics_count = name == NULL ? (version == 0 ? 0 : -1) : 1;
	request.allow_auto_topic_creation = create;
	call(f, METADATA, version, &request, &response);
	return response;
}

static struct metadata_response ask_by_id(struct fixture *f, struct uuid id)
{
	struct metadata_request_topics topic;
	struct metadata_request request;
	struct metadata_response response;

	wire_init(&metadata_request_desc, &request);
	wire_init(&metadata_request_topics_desc, &topic);
	topic.name = SLICE_NULL;
	topic.topic_id = id;
	request.topics = &topic;
	request.topics_count = 1;
	call(f, METADATA, NEWEST_METADATA, &request, &response);
	return response;
}

static struct create_topics_response_topics create(struct fixture *f,
						   int version,
						   const char *name,
						   int32_t partitions)
{
	struct create_topics_request_topics_configs config;
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_topics_configs_desc, &config);
	config.name = slice_of("retention.ms");
	config.value = slice_of("12345");
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(name);
	topic.num_partitions = partitions;
	topic.replication_factor = 1;
	topic.configs = &config;
	topic.configs_count = 1;
	wire_init(&create_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	call(f, CREATE_TOPICS, version, &request, &response);
	assert_int_equal(response.topics_count, 1);
	return response.topics[0];
}

static int16_t delete_by_name(struct fixture *f, int version, const char *name)
{
	struct slice names = slice_of(name);
	struct delete_topics_request_topics topic;
	struct delete_topics_request request;
	struct delete_topics_response response;

	wire_init(&delete_topics_request_topics_desc, &topic);
	topic.name = names;
	wire_init(&delete_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	request.topic_names = &names;
	request.topic_names_count = 1;
	call(f, DELETE_TOPICS, version, &request, &response);
	assert_int_equal(response.responses_count, 1);
	assert_true(slice_is(response.responses[0].name, name));
	return response.responses[0].error_code;
}

/* Metadata */

static void every_version_tells_brokers_and_topics(void **state)
{
	struct fixture *f = *state;

	create(f, 7, "t", 3);
	for (int version = 0; version <= NEWEST_METADATA; version++) {
		struct metadata_response r =
			ask_metadata(f, version, NULL, false);
		const struct metadata_response_topics_partitions *p;

		assert_int_equal(r.brokers_count, 1);
		assert_true(slice_is(r.brokers[0].host, "127.0.0.1"));
		assert_int_equal(r.brokers[0].port, broker_port(f->broker));
		if (version >= 1)
			assert_int_equal(r.controller_id, r.brokers[0].node_id);
		if (version >= 2)
			assert_int_equal(r.cluster_id.len, 22);
		assert_int_equal(r.topics_count, 1);
		assert_true(slice_is(r.topics[0].name, "t"));
		assert_int_equal(uuid_is_zero(r.topics[0].topic_id),
				 version < 10);
		assert_int_equal(r.topics[0].topic_authorized_operations,
				 INT32_MIN);
		assert_int_equal(r.topics[0].partitions_count, 3);
		p = &r.topics[0].partitions[2];
		assert_int_equal(p->partition_index, 2);
		assert_int_equal(p->leader_id, r.brokers[0].node_id);
		assert_int_equal(p->leader_epoch, version >= 7 ? 0 : -1);
		assert_int_equal(p->replica_nodes_count, 1);
		assert_int_equal(p->isr_nodes_count, 1);
		assert_int_equal(p->offline_replicas_count, 0);
	}
}

static void no_topics_asked_for_is_none_told(void **state)
{
	struct fixture *f = *state;
	struct metadata_request request;
	struct metadata_response r;

	create(f, 7, "t", 1);
	wire_init(&metadata_request_desc, &request);
	for (int version = 1; version <= NEWEST_METADATA; version++) {
		call(f, METADATA, version, &request, &r);
		assert_int_equal(r.topics_count, 0);
		assert_int_equal(r.brokers_count, 1);
	}
}

static void a_topic_is_found_by_its_id(void **state)
{
	struct fixture *f = *state;
	struct uuid id = create(f, 7, "t", 1).topic_id;
	struct metadata_response r = ask_by_id(f, id);

	assert_int_equal(r.topics[0].error_code, WIRE_NONE);
	assert_true(slice_is(r.topics[0].name, "t"));

	id.bytes[0] ^= 1;
	r = ask_by_id(f, id);
	assert_int_equal(r.topics[0].error_code, WIRE_UNKNOWN_TOPIC_ID);
	assert_true(slice_is_null(r.topics[0].name));
	assert_true(uuid_equal(r.topics[0].topic_id, id));

	r = ask_by_id(f, UUID_ZERO);
	assert_int_equal(r.topics[0].error_code, WIRE_UNKNOWN_SERVER_ERROR);
	assert_int_equal(r.brokers_count, 0);
}

static void names_are_judged_each(void **state)
{
	static const struct {
		const char *name;
		int16_t code;
	} cases[] = {
		{ "t", WIRE_NONE },
		{ "nosuch", WIRE_UNKNOWN_TOPIC_OR_PARTITION },
		{ "a b", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "__cluster_metadata", WIRE_UNKNOWN_TOPIC_OR_PARTITION },
	};
	struct fixture *f = *state;
	struct metadata_request_topics topics[2 * ARRAY_LEN(cases)];
	struct metadata_request request;
	struct metadata_response r;

	create(f, 7, "t", 1);
	wire_init(&metadata_request_desc, &request);
	request.allow_auto_topic_creation = false;
	request.topics = topics;
	request.topics_count = ARRAY_LEN(topics);
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		wire_init(&metadata_request_topics_desc, &topics[i]);
		topics[i].name = slice_of(cases[i % ARRAY_LEN(cases)].name);
	}

	call(f, METADATA, 9, &request, &r);

	/* Each once. */
	assert_int_equal(r.topics_count, ARRAY_LEN(cases));
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_true(slice_is(r.topics[i].name, cases[i].name));
		assert_int_equal(r.topics[i].error_code, cases[i].code);
	}
}

static void operations_are_told_to_who_asks(void **state)
{
	struct fixture *f = *state;
	struct metadata_request request;
	struct metadata_response r;

	create(f, 7, "t", 1);
	wire_init(&metadata_request_desc, &request);
	request.topics_count = -1;
	request.include_cluster_authorized_operations = true;
	request.include_topic_authorized_operations = true;
	call(f, METADATA, 8, &request, &r);
	/* As Apache Kafka 4.2 without an authorizer. */
	assert_int_equal(r.cluster_authorized_operations, 8096);
	assert_int_equal(r.topics[0].topic_authorized_operations, 3576);
}

static void a_topic_that_is_named_comes_into_being(void **state)
{
	struct fixture *f = *state;
	struct metadata_response r = ask_metadata(f, 1, "new", false);

	/* Version 1 cannot say that it must not: the first answer is no. */
	assert_int_equal(r.topics[0].error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	do
		r = ask_metadata(f, 4, "new", false);
	while (r.topics[0].error_code == WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(r.topics[0].error_code, WIRE_NONE);
	assert_int_equal(r.topics[0].partitions_count, 1);
}

static void a_topic_is_not_created_for_who_does_not_want_it(void **state)
{
	struct fixture *f = *state;

	ask_metadata(f, 4, "new", false);
	create(f, 7, "other", 1); /* whatever came before is done by now */
	assert_int_equal(ask_metadata(f, 4, "new", false).topics[0].error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);

	restart(f, "auto.create.topics.enable=false");
	ask_metadata(f, 4, "new", true);
	create(f, 7, "another", 1);
	assert_int_equal(ask_metadata(f, 4, "new", true).topics[0].error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

static void a_coordinators_topic_comes_as_its_coordinator_wants_it(void **state)
{
	struct fixture *f = *state;
	struct metadata_response r;

	do
		r = ask_metadata(f, 12, "__consumer_offsets", true);
	while (r.topics[0].error_code == WIRE_UNKNOWN_TOPIC_OR_PARTITION);

	assert_int_equal(r.topics[0].partitions_count, 50);
	assert_true(r.topics[0].is_internal);
}

/* Topics */

static void every_version_creates_and_deletes(void **state)
{
	struct fixture *f = *state;

	for (int version = 2; version <= 7; version++) {
		struct create_topics_response_topics t =
			create(f, version, "t", 2);

		assert_int_equal(t.error_code, WIRE_NONE);
		assert_true(slice_is_null(t.error_message));
		assert_int_equal(uuid_is_zero(t.topic_id), version < 7);
		assert_int_equal(t.num_partitions, version < 5 ? -1 : 2);
		assert_int_equal(t.configs_count > 0, version >= 5);

		t = create(f, version, "t", 2);
		assert_int_equal(t.error_code, WIRE_TOPIC_ALREADY_EXISTS);
		assert_true(
			slice_is(t.error_message, "Topic 't' already exists."));
		assert_int_equal(delete_by_name(f, version - 1, "t"),
				 WIRE_NONE);
	}
	for (int version = 1; version <= 6; version++)
		assert_int_equal(delete_by_name(f, version, "t"),
				 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

static void a_new_topics_configs_are_told(void **state)
{
	struct fixture *f = *state;
	struct create_topics_response_topics t = create(f, 7, "t", 1);
	int found = 0;

	assert_int_equal(t.configs_count, 33);
	for (int32_t i = 0; i < t.configs_count; i++) {
		const struct create_topics_response_topics_configs *c =
			&t.configs[i];

		assert_false(c->read_only);
		if (slice_is(c->name, "retention.ms")) {
			assert_true(slice_is(c->value, "12345"));
			assert_int_equal(c->config_source, 1);
			found++;
		} else if (slice_is(c->name, "min.insync.replicas")) {
			/* Set for all brokers when the cluster began. */
			assert_int_equal(c->config_source, 3);
			found++;
		} else {
			assert_int_equal(c->config_source, 5);
		}
	}
	assert_int_equal(found, 2);
}

static void deletion_can_be_off(void **state)
{
	struct fixture *f = *state;

	create(f, 7, "t", 1);
	restart(f, "delete.topic.enable=false");
	assert_int_equal(delete_by_name(f, 2, "t"), WIRE_INVALID_REQUEST);
	assert_int_equal(delete_by_name(f, 6, "t"),
			 WIRE_TOPIC_DELETION_DISABLED);
}

static void every_version_adds_partitions(void **state)
{
	struct fixture *f = *state;

	create(f, 7, "t", 1);
	for (int version = 0; version <= 3; version++) {
		struct create_partitions_request_topics topic;
		struct create_partitions_request request;
		struct create_partitions_response r;

		wire_init(&create_partitions_request_topics_desc, &topic);
		topic.name = slice_of("t");
		topic.count = version + 2;
		topic.assignments_count = -1;
		wire_init(&create_partitions_request_desc, &request);
		request.topics = &topic;
		request.topics_count = 1;
		call(f, CREATE_PARTITIONS, version, &request, &r);
		assert_int_equal(r.results[0].error_code, WIRE_NONE);
		call(f, CREATE_PARTITIONS, version, &request, &r);
		assert_int_equal(r.results[0].error_code,
				 WIRE_INVALID_PARTITIONS);
	}
	assert_int_equal(
		ask_metadata(f, 9, "t", false).topics[0].partitions_count, 5);
}

/* Configs */

static struct describe_configs_response_results describe(struct fixture *f,
							 int version,
							 int8_t type,
							 const char *name,
							 const char *key)
{
	struct slice keys = slice_of(key);
	struct describe_configs_request_resources resource;
	struct describe_configs_request request;
	struct describe_configs_response response;

	wire_init(&describe_configs_request_resources_desc, &resource);
	resource.resource_type = type;
	resource.resource_name = slice_of(name);
	resource.configuration_keys = &keys;
	resource.configuration_keys_count = key == NULL ? -1 : 1;
	wire_init(&describe_configs_request_desc, &request);
	request.resources = &resource;
	request.resources_count = 1;
	request.include_synonyms = true;
	request.include_documentation = true;
	call(f, DESCRIBE_CONFIGS, version, &request, &response);
	assert_int_equal(response.results_count, 1);
	return response.results[0];
}

static int16_t set_config(struct fixture *f, int version, const char *key,
			  const char *value)
{
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_resources_configs_desc,
		  &config);
	config.name = slice_of(key);
	config.value = slice_of(value);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	resource.resource_type = 2;
	resource.resource_name = slice_of("t");
	resource.configs = &config;
	resource.configs_count = 1;
	wire_init(&incremental_alter_configs_request_desc, &request);
	request.resources = &resource;
	request.resources_count = 1;
	call(f, ALTER_CONFIGS, version, &request, &response);
	assert_int_equal(response.responses_count, 1);
	return response.responses[0].error_code;
}

static void a_topics_configs_are_described_in_every_version(void **state)
{
	struct fixture *f = *state;

	create(f, 7, "t", 1);
	for (int version = 1; version <= 4; version++) {
		struct describe_configs_response_results r =
			describe(f, version, 2, "t", NULL);
		const struct describe_configs_response_results_configs *c;

		assert_int_equal(r.error_code, WIRE_NONE);
		assert_int_equal(r.configs_count, 33);
		r = describe(f, version, 2, "t", "retention.ms");
		assert_int_equal(r.configs_count, 1);
		c = &r.configs[0];
		assert_true(slice_is(c->value, "12345"));
		assert_int_equal(c->config_source, 1);
		assert_int_equal(c->synonyms_count, 1);
		assert_false(c->read_only);
		if (version >= 3) {
			assert_int_equal(c->config_type, WIRE_CONFIG_TYPE_LONG);
			assert_true(c->documentation.len > 0);
		}
	}
}

static void a_changed_config_is_described_as_changed(void **state)
{
	struct fixture *f = *state;

	create(f, 7, "t", 1);
	for (int version = 0; version <= 1; version++) {
		const char *value = version == 0 ? "60000" : "70000";

		assert_int_equal(set_config(f, version, "segment.ms", value),
				 WIRE_NONE);
		assert_true(slice_is(
			describe(f, 4, 2, "t", "segment.ms").configs[0].value,
			value));
	}
	assert_int_equal(set_config(f, 1, "segment.ms", "never"),
			 WIRE_INVALID_CONFIG);
}

static void the_brokers_configs_are_described(void **state)
{
	struct fixture *f = *state;
	struct describe_configs_response_results r;
	char id[16];

	restart(f, "log.retention.hours=5");
	snprintf(id, sizeof(id), "%d", f->broker->identity.node_id);
	r = describe(f, 4, 4, id, NULL);
	assert_true(r.configs_count > 200);
	r = describe(f, 4, 4, id, "log.retention.hours");
	assert_int_equal(r.configs_count, 1);
	assert_true(slice_is(r.configs[0].value, "5"));
	assert_int_equal(r.configs[0].config_source, 4);
	assert_true(r.configs[0].read_only);
	r = describe(f, 4, 4, id, "log.retention.ms");
	assert_false(r.configs[0].read_only);
	r = describe(f, 4, 4, id, "sasl.jaas.config");
	assert_true(r.configs[0].is_sensitive);
	assert_true(slice_is_null(r.configs[0].value));
	r = describe(f, 4, 4, "", NULL);
	assert_int_equal(r.configs_count, 1); /* min.insync.replicas */
}

static void what_is_not_there_is_not_described(void **state)
{
	static const struct {
		const char *name;
		int8_t type;
		int16_t code;
	} cases[] = {
		{ "nosuch", 2, WIRE_UNKNOWN_TOPIC_OR_PARTITION },
		{ "a b", 2, WIRE_INVALID_TOPIC_EXCEPTION },
		{ "", 2, WIRE_INVALID_TOPIC_EXCEPTION },
		{ "77", 4, WIRE_INVALID_REQUEST },
		{ "x", 4, WIRE_INVALID_REQUEST },
		{ "77", 8, WIRE_INVALID_REQUEST },
		{ "", 16, WIRE_INVALID_REQUEST },
		{ "m", 16, WIRE_NONE },
		{ "", 32, WIRE_INVALID_REQUEST },
		{ "g", 32, WIRE_NONE },
		{ "q", 5, WIRE_INVALID_REQUEST },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct describe_configs_response_results r =
			describe(f, 4, cases[i].type, cases[i].name, NULL);

		assert_int_equal(r.error_code, cases[i].code);
		assert_int_equal(r.resource_type, cases[i].type);
		assert_true(slice_is(r.resource_name, cases[i].name));
	}
}

/* Producer ids */

static struct init_producer_id_response init_producer(
	struct fixture *f, int version, const char *transactional_id,
	int64_t id, int16_t epoch)
{
	struct init_producer_id_request request;
	struct init_producer_id_response response;

	wire_init(&init_producer_id_request_desc, &request);
	request.transactional_id = slice_of(transactional_id);
	request.transaction_timeout_ms = 1000;
	request.producer_id = id;
	request.producer_epoch = epoch;
	call(f, INIT_PRODUCER_ID, version, &request, &response);
	return response;
}

static void every_producer_gets_an_id_of_its_own(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1100; i++) {
		struct init_producer_id_response r =
			init_producer(f, i % 6, NULL, -1, -1);

		assert_int_equal(r.error_code, WIRE_NONE);
		assert_int_equal(r.producer_id, i);
		assert_int_equal(r.producer_epoch, 0);
		arena_reset(&f->arena);
	}
}

static void what_a_producer_says_of_itself_is_checked(void **state)
{
	static const struct {
		const char *transactional_id;
		int64_t id;
		int16_t epoch;
		int16_t code;
	} cases[] = {
		{ NULL, 5, 0, WIRE_NONE }, /* gets a new one */
		{ NULL, -1, 4, WIRE_INVALID_REQUEST },
		{ NULL, 5, -1, WIRE_INVALID_REQUEST },
		{ "", -1, -1, WIRE_INVALID_REQUEST },
		{ "tx", -1, -1, WIRE_COORDINATOR_NOT_AVAILABLE },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct init_producer_id_response r =
			init_producer(f, 5, cases[i].transactional_id,
				      cases[i].id, cases[i].epoch);

		assert_int_equal(r.error_code, cases[i].code);
		if (r.error_code != WIRE_NONE)
			assert_int_equal(r.producer_id, -1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_version_tells_brokers_and_topics),
		TEST(no_topics_asked_for_is_none_told),
		TEST(a_topic_is_found_by_its_id),
		TEST(names_are_judged_each),
		TEST(operations_are_told_to_who_asks),
		TEST(a_topic_that_is_named_comes_into_being),
		TEST(a_topic_is_not_created_for_who_does_not_want_it),
		TEST(a_coordinators_topic_comes_as_its_coordinator_wants_it),
		TEST(every_version_creates_and_deletes),
		TEST(a_new_topics_configs_are_told),
		TEST(deletion_can_be_off),
		TEST(every_version_adds_partitions),
		TEST(a_topics_configs_are_described_in_every_version),
		TEST(a_changed_config_is_described_as_changed),
		TEST(the_brokers_configs_are_described),
		TEST(what_is_not_there_is_not_described),
		TEST(every_producer_gets_an_id_of_its_own),
		TEST(what_a_producer_says_of_itself_is_checked),
	};

	return cmocka_run_group_tests_name("api_metadata", tests, NULL, NULL);
}
