/*
 * api_configs_test.c - settings and features of a whole broker: asked for by a
 * client, in effect at once, and still there after a restart
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
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum {
	API_VERSIONS = 18,
	CREATE_TOPICS = 19,
	DESCRIBE_CONFIGS = 32,
	ALTER_CONFIGS = 33,
	INCREMENTAL_ALTER_CONFIGS = 44,
	UPDATE_FEATURES = 57,
	LIST_CONFIG_RESOURCES = 74
};

enum { TOPIC = 2, BROKER = 4, LOGGER = 8, METRICS = 16, GROUP = 32 };
enum { SET, DELETE };

struct fixture {
	char dir[64];
	struct logger logger;
	struct config *config;
	struct broker *broker;
	int fd;
	struct arena arena; /* of requests and answers */
};

static void start(struct fixture *f)
{
	const char *const sets[] = { "listeners=PLAINTEXT://127.0.0.1:0",
				     "num.network.threads=1",
				     "log.retention.hours=5" };
	char error[256] = "";

	assert_int_equal(
		config_for_test(f->dir, sets, ARRAY_LEN(sets), &f->config), 0);
	if (broker_start(f->config, &f->logger, &f->broker, error,
			 sizeof(error)) < 0)
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
	f->logger.fd = -1;
	f->logger.clock = clock_system();
	atomic_init(&f->logger.level, LOGGER_INFO);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	start(f);
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

static void restart(struct fixture *f)
{
	stop(f);
	start(f);
}

static void call(struct fixture *f, int16_t key, int16_t version,
		 const void *request, void *response)
{
	whole_call(f->fd, key, version, request, &f->arena, response);
}

/* Requests in a few words */

static void create_topic(struct fixture *f, const char *name)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(name);
	topic.num_partitions = 1;
	topic.replication_factor = 1;
	wire_init(&create_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	call(f, CREATE_TOPICS, 7, &request, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
}

static int16_t alter(struct fixture *f, int type, const char *resource, int op,
		     const char *key, const char *value, bool validate_only)
{
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources r;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_resources_configs_desc,
		  &config);
	config.name = slice_of(key);
	config.config_operation = (int8_t)op;
	config.value = slice_of(value);
	wire_init(&incremental_alter_configs_request_resources_desc, &r);
	r.resource_type = (int8_t)type;
	r.resource_name = slice_of(resource);
	r.configs = &config;
	r.configs_count = 1;
	wire_init(&incremental_alter_configs_request_desc, &request);
	request.resources = &r;
	request.resources_count = 1;
	request.validate_only = validate_only;
	call(f, INCREMENTAL_ALTER_CONFIGS, 1, &request, &response);
	assert_int_equal(response.responses_count, 1);
	return response.responses[0].error_code;
}

static int16_t set(struct fixture *f, int type, const char *resource,
		   const char *key, const char *value)
{
	return alter(f, type, resource, SET, key, value, false);
}

/* One key, or with NULL all. */
/* With count -1 all keys. */
static struct describe_configs_response_results describe_keys(
	struct fixture *f, int type, const char *resource, struct slice *keys,
	int32_t count)
{
	struct describe_configs_request_resources r;
	struct describe_configs_request request;
	struct describe_configs_response response;

	wire_init(&describe_configs_request_resources_desc, &r);
	r.resource_type = (int8_t)type;
	r.resource_name = slice_of(resource);
	r.configuration_keys = keys;
	r.configuration_keys_count = count;
	wire_init(&describe_configs_request_desc, &request);
	request.resources = &r;
	request.resources_count = 1;
	request.include_synonyms = true;
	call(f, DESCRIBE_CONFIGS, 4, &request, &response);
	assert_int_equal(response.results_count, 1);
	return response.results[0];
}

static struct describe_configs_response_results describe(struct fixture *f,
							 int type,
							 const char *resource,
							 const char *key)
{
	struct slice keys = slice_of(key);

	return describe_keys(f, type, resource, &keys, key == NULL ? -1 : 1);
}

static void assert_config(struct fixture *f, int type, const char *resource,
			  const char *key, const char *value, int source)
{
	struct describe_configs_response_results r =
		describe(f, type, resource, key);

	assert_int_equal(r.configs_count, 1);
	assert_true(slice_is(r.configs[0].name, key));
	if (!slice_is(r.configs[0].value, value))
		fail_msg("%s is %.*s, not %s", key, (int)r.configs[0].value.len,
			 (const char *)r.configs[0].value.data, value);
	assert_int_equal(r.configs[0].config_source, source);
}

/* What a topic of the broker makes of it all. */
static struct topic_config effective(struct fixture *f, const char *topic)
{
	const struct image *image = metadata_image(f->broker->metadata);
	struct topic_config config;

	topic_config_resolve(image, image_topic(image, slice_of(topic)),
			     f->broker->identity.node_id,
			     &f->config->properties, &config);
	image_release(image);
	return config;
}

/* Tests */

static void a_brokers_settings_are_its_topics_defaults_at_once(void **state)
{
	struct fixture *f = *state;

	create_topic(f, "t");
	assert_int_equal(effective(f, "t").retention_ms, 5 * 3600 * 1000);
	assert_int_equal(set(f, BROKER, "", "log.retention.ms", "7000"),
			 WIRE_NONE);
	assert_int_equal(effective(f, "t").retention_ms, 7000);
	assert_config(f, TOPIC, "t", "retention.ms", "7000",
		      CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER);
	assert_int_equal(set(f, BROKER, "1", "log.retention.ms", "8000"),
			 WIRE_NONE);
	assert_int_equal(effective(f, "t").retention_ms, 8000);
	assert_config(f, BROKER, "1", "log.retention.ms", "8000",
		      CONFIG_SOURCE_DYNAMIC_BROKER);
	assert_int_equal(set(f, TOPIC, "t", "retention.ms", "9000"), WIRE_NONE);
	assert_int_equal(effective(f, "t").retention_ms, 9000);
	assert_int_equal(
		alter(f, BROKER, "1", DELETE, "log.retention.ms", NULL, false),
		WIRE_NONE);
	assert_int_equal(
		alter(f, TOPIC, "t", DELETE, "retention.ms", NULL, false),
		WIRE_NONE);
	assert_int_equal(effective(f, "t").retention_ms, 7000);
}

static void the_server_takes_a_new_number_of_connections(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, BROKER, "1", "max.connections", "77"),
			 WIRE_NONE);
	assert_int_equal(atomic_load(&f->broker->server->connections_max), 77);
}

static void addresses_that_make_no_sense_are_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, BROKER, "1", "advertised.listeners",
			     "PLAINTEXT://there:99"),
			 WIRE_NONE);
	assert_config(f, BROKER, "1", "advertised.listeners",
		      "PLAINTEXT://there:99", CONFIG_SOURCE_DYNAMIC_BROKER);
	assert_false(describe(f, BROKER, "1", "advertised.listeners")
			     .configs[0]
			     .read_only);
	assert_int_equal(set(f, BROKER, "1", "advertised.listeners",
			     "NOSUCH://there:99"),
			 WIRE_INVALID_REQUEST);
}

static void a_key_that_nobody_knows_is_a_secret(void **state)
{
	struct fixture *f = *state;
	struct describe_configs_response_results r;

	assert_int_equal(set(f, BROKER, "1", "of.a.plugin", "hush"), WIRE_NONE);
	r = describe(f, BROKER, "1", "of.a.plugin");
	assert_int_equal(r.configs_count, 1);
	assert_true(slice_is_null(r.configs[0].value));
	assert_true(r.configs[0].is_sensitive);
	assert_int_equal(r.configs[0].synonyms_count, 1);
	assert_true(slice_is_null(r.configs[0].synonyms[0].value));
}

static void a_listeners_key_has_that_of_all_for_a_synonym(void **state)
{
	const char *key = "listener.name.plaintext.max.connections";
	struct fixture *f = *state;
	struct describe_configs_response_results r;

	assert_int_equal(set(f, BROKER, "1", key, "100"), WIRE_NONE);
	assert_int_equal(set(f, BROKER, "", "max.connections", "200"),
			 WIRE_NONE);
	assert_config(f, BROKER, "1", key, "100", CONFIG_SOURCE_DYNAMIC_BROKER);
	r = describe(f, BROKER, "1", key);
	assert_int_equal(r.configs[0].config_type, WIRE_CONFIG_TYPE_INT);
	assert_int_equal(r.configs[0].synonyms_count, 3);
	assert_true(slice_is(r.configs[0].synonyms[1].name, "max.connections"));
	assert_true(slice_is(r.configs[0].synonyms[1].value, "200"));
	assert_int_equal(r.configs[0].synonyms[2].source,
			 CONFIG_SOURCE_DEFAULT);
}

static void our_own_keys_are_told_to_those_who_name_them(void **state)
{
	struct fixture *f = *state;
	struct describe_configs_response_results r =
		describe(f, BROKER, "1", NULL);

	for (int32_t i = 0; i < r.configs_count; i++)
		assert_false(slice_is(r.configs[i].name, "flush.mode"));
	assert_config(f, BROKER, "1", "flush.mode", "commit",
		      CONFIG_SOURCE_DEFAULT);
	assert_true(
		describe(f, BROKER, "1", "flush.mode").configs[0].read_only);
}

static void keys_named_again_and_again_are_told_once(void **state)
{
	struct slice keys[] = {
		slice_of("log.retention.ms"), slice_of("flush.mode"),
		slice_of("no.such.key"),      slice_of("flush.mode"),
		slice_of("log.retention.ms"), slice_of("flush.mode"),
	};
	struct describe_configs_response_results r =
		describe_keys(*state, BROKER, "1", keys, 6);

	assert_int_equal(r.configs_count, 2);
	assert_true(slice_is(r.configs[0].name, "log.retention.ms"));
	assert_true(slice_is(r.configs[1].name, "flush.mode"));
}

static void loggers_change_while_the_broker_runs(void **state)
{
	struct fixture *f = *state;
	struct describe_configs_response_results r;
	size_t count;

	logger_subsystems(&count);
	r = describe(f, LOGGER, "1", NULL);
	assert_int_equal(r.configs_count, count + 1);
	assert_config(f, LOGGER, "1", "server", "INFO",
		      CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER);

	assert_int_equal(set(f, LOGGER, "1", "server", "DEBUG"), WIRE_NONE);
	assert_int_equal(logger_level(&f->logger, "server"), LOGGER_DEBUG);
	assert_int_equal(logger_level(&f->logger, "api"), LOGGER_INFO);
	assert_int_equal(set(f, LOGGER, "1", "root", "FATAL"), WIRE_NONE);
	assert_config(f, LOGGER, "1", "api", "ERROR",
		      CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER);
	assert_int_equal(alter(f, LOGGER, "1", DELETE, "server", NULL, false),
			 WIRE_NONE);
	assert_int_equal(logger_level(&f->logger, "server"), LOGGER_ERROR);
}

static void wrong_levels_change_nothing(void **state)
{
	static const struct {
		const char *resource, *logger;
		int op;
		const char *value;
		int16_t code;
	} cases[] = {
		{ "1", "server", SET, "LOUD", WIRE_INVALID_CONFIG },
		{ "1", "server", SET, "debug", WIRE_INVALID_CONFIG },
		{ "1", "no.such", SET, "DEBUG", WIRE_INVALID_CONFIG },
		{ "1", "root", DELETE, NULL, WIRE_INVALID_REQUEST },
		{ "1", "server", 2, "DEBUG", WIRE_INVALID_REQUEST },
		{ "1", "server", 9, "DEBUG", WIRE_UNKNOWN_SERVER_ERROR },
		{ "2", "server", SET, "DEBUG", WIRE_INVALID_REQUEST },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(alter(f, LOGGER, cases[i].resource,
				       cases[i].op, cases[i].logger,
				       cases[i].value, false),
				 cases[i].code);
	assert_int_equal(alter(f, LOGGER, "1", SET, "server", "DEBUG", true),
			 WIRE_NONE);
	assert_int_equal(logger_level(&f->logger, "server"), LOGGER_INFO);
}

static void what_is_set_outlives_a_restart(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(set(f, BROKER, "1", "log.roll.ms", "6000"), WIRE_NONE);
	assert_int_equal(set(f, BROKER, "", "message.max.bytes", "7000"),
			 WIRE_NONE);
	assert_int_equal(set(f, METRICS, "m", "interval.ms", "8000"),
			 WIRE_NONE);
	assert_int_equal(
		set(f, GROUP, "g", "consumer.session.timeout.ms", "50000"),
		WIRE_NONE);
	for (int i = 0; i < 2; i++) {
		assert_config(f, BROKER, "1", "log.roll.ms", "6000",
			      CONFIG_SOURCE_DYNAMIC_BROKER);
		assert_config(f, BROKER, "1", "message.max.bytes", "7000",
			      CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER);
		assert_config(f, METRICS, "m", "interval.ms", "8000",
			      CONFIG_SOURCE_CLIENT_METRICS);
		assert_config(f, GROUP, "g", "consumer.session.timeout.ms",
			      "50000", CONFIG_SOURCE_GROUP);
		assert_config(f, GROUP, "g", "share.session.timeout.ms",
			      "45000", CONFIG_SOURCE_DEFAULT);
		restart(f);
	}
}

static int32_t list(struct fixture *f, int16_t version, int type,
		    const char *first, int16_t code)
{
	int8_t types[1] = { (int8_t)type };
	struct list_config_resources_request request;
	struct list_config_resources_response response;

	wire_init(&list_config_resources_request_desc, &request);
	request.resource_types = types;
	request.resource_types_count = type < 0 ? 0 : 1;
	call(f, LIST_CONFIG_RESOURCES, version, &request, &response);
	assert_int_equal(response.error_code, code);
	if (first != NULL)
		assert_true(slice_is(response.config_resources[0].resource_name,
				     first));
	return response.config_resources_count;
}

static void resources_are_listed_by_kind(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(list(f, 1, -1, "1", WIRE_NONE), 2);
	create_topic(f, "t");
	set(f, METRICS, "m", "interval.ms", "8000");
	set(f, GROUP, "g", "consumer.session.timeout.ms", "50000");
	assert_int_equal(list(f, 0, -1, "m", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, TOPIC, "t", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, BROKER, "1", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, LOGGER, "1", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, METRICS, "m", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, GROUP, "g", WIRE_NONE), 1);
	assert_int_equal(list(f, 1, -1, "g", WIRE_NONE), 5);
	assert_int_equal(list(f, 1, 3, NULL, WIRE_UNSUPPORTED_VERSION), 0);
}

static int16_t finalized(struct fixture *f, const char *name)
{
	struct api_versions_request request;
	struct api_versions_response response;

	wire_init(&api_versions_request_desc, &request);
	request.client_software_name = slice_of("test");
	request.client_software_version = slice_of("1");
	call(f, API_VERSIONS, 4, &request, &response);
	for (int32_t i = 0; i < response.finalized_features_count; i++) {
		if (slice_is(response.finalized_features[i].name, name))
			return response.finalized_features[i].max_version_level;
	}
	return 0;
}

static void a_features_level_outlives_a_restart(void **state)
{
	struct update_features_request_feature_updates update;
	struct update_features_request request;
	struct update_features_response response;
	struct fixture *f = *state;

	wire_init(&update_features_request_feature_updates_desc, &update);
	update.feature = slice_of("transaction.version");
	update.max_version_level = 1;
	update.upgrade_type = 2;
	wire_init(&update_features_request_desc, &request);
	request.feature_updates = &update;
	request.feature_updates_count = 1;
	for (int16_t version = 0; version <= 2; version++) {
		bool falls = version > 0; /* 0 cannot say it */

		call(f, UPDATE_FEATURES, version, &request, &response);
		assert_int_equal(response.error_code == WIRE_NONE, falls);
		assert_int_equal(finalized(f, "transaction.version"),
				 falls ? 1 : 2);
	}
	restart(f);
	assert_int_equal(finalized(f, "transaction.version"), 1);
	assert_int_equal(finalized(f, "metadata.version"), 29);
	assert_int_equal(finalized(f, "kraft.version"), 0);
}

static void a_whole_set_is_replaced_in_every_version(void **state)
{
	struct alter_configs_request_resources_configs config;
	struct alter_configs_request_resources r;
	struct alter_configs_request request;
	struct alter_configs_response response;
	struct fixture *f = *state;

	create_topic(f, "t");
	wire_init(&alter_configs_request_resources_configs_desc, &config);
	wire_init(&alter_configs_request_resources_desc, &r);
	r.resource_type = TOPIC;
	r.resource_name = slice_of("t");
	r.configs = &config;
	r.configs_count = 1;
	wire_init(&alter_configs_request_desc, &request);
	request.resources = &r;
	request.resources_count = 1;
	for (int16_t version = 0; version <= 2; version++) {
		set(f, TOPIC, "t", "flush.ms", "5");
		config.name = slice_of("segment.ms");
		config.value = slice_of("6");
		call(f, ALTER_CONFIGS, version, &request, &response);
		assert_int_equal(response.responses[0].error_code, WIRE_NONE);
		assert_config(f, TOPIC, "t", "segment.ms", "6",
			      CONFIG_SOURCE_TOPIC);
		assert_config(f, TOPIC, "t", "flush.ms", "9223372036854775807",
			      CONFIG_SOURCE_DEFAULT);
	}
}

#define BROKER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		BROKER_TEST(a_brokers_settings_are_its_topics_defaults_at_once),
		BROKER_TEST(the_server_takes_a_new_number_of_connections),
		BROKER_TEST(addresses_that_make_no_sense_are_refused),
		BROKER_TEST(a_key_that_nobody_knows_is_a_secret),
		BROKER_TEST(a_listeners_key_has_that_of_all_for_a_synonym),
		BROKER_TEST(our_own_keys_are_told_to_those_who_name_them),
		BROKER_TEST(keys_named_again_and_again_are_told_once),
		BROKER_TEST(loggers_change_while_the_broker_runs),
		BROKER_TEST(wrong_levels_change_nothing),
		BROKER_TEST(what_is_set_outlives_a_restart),
		BROKER_TEST(resources_are_listed_by_kind),
		BROKER_TEST(a_features_level_outlives_a_restart),
		BROKER_TEST(a_whole_set_is_replaced_in_every_version),
	};

	return cmocka_run_group_tests_name("api_configs", tests, NULL, NULL);
}
