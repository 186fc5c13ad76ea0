/*
 * controller_configs_test.c - settings of every kind of resource change
 */
#include "controller_kit.h"

enum { TOPIC = 2, BROKER = 4, LOGGER = 8, METRICS = 16, GROUP = 32 };
enum { SET, DELETE, APPEND, SUBTRACT };
enum { INCREMENTAL = 44, REPLACE = 33 };

/* One change of one key. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): as it reads best */
struct alteration {
	int type;
	const char *resource;
	const char *name;
	int op;
	const char *value;
	int code;
	const char *text; /* a part of the error's, or NULL */
	const char *then; /* the value after it; NULL: not set */
};

static struct incremental_alter_configs_response_responses ask(
	struct controller_kit *k, const struct alteration *a,
	bool validate_only, size_t *records_out)
{
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;

	wire_init(&incremental_alter_configs_request_desc, &request);
	wire_init(&incremental_alter_configs_request_resources_desc, &resource);
	wire_init(&incremental_alter_configs_request_resources_configs_desc,
		  &config);
	config.name = slice_of(a->name);
	config.value = slice_of(a->value);
	config.config_operation = (int8_t)a->op;
	resource.resource_type = (int8_t)a->type;
	resource.resource_name = slice_of(a->resource);
	resource.configs = &config;
	resource.configs_count = 1;
	request.resources = &resource;
	request.resources_count = 1;
	request.validate_only = validate_only;
	*records_out =
		controller_kit_decide(k, INCREMENTAL, 1, &request, &response);
	return response.responses[0];
}

static const char *value_of(const struct controller_kit *k, int type,
			    const char *resource, const char *name)
{
	return config_set_get(
		image_configs(k->image, (int8_t)type, slice_of(resource)),
		name);
}

static void check_text(struct slice text, const struct alteration *a)
{
	char have[1024];

	snprintf(have, sizeof(have), "%.*s", (int)text.len,
		 text.len == 0 ? "" : (const char *)text.data);
	if (a->text != NULL && strstr(have, a->text) == NULL)
		fail_msg("%s=%s: '%s' is not in '%s'", a->name,
			 a->value == NULL ? "" : a->value, a->text, have);
}

static void alter(struct controller_kit *k, const struct alteration *a)
{
	struct incremental_alter_configs_response_responses r;
	const char *value;
	size_t records;

	r = ask(k, a, false, &records);
	if (r.error_code != a->code)
		fail_msg("%s=%s: %d instead of %d", a->name,
			 a->value == NULL ? "" : a->value, r.error_code,
			 a->code);
	check_text(r.error_message, a);
	value = value_of(k, a->type, a->resource, a->name);
	if (a->then == NULL)
		assert_null(value);
	else
		assert_string_equal(value, a->then);
}

static void settings_of_brokers_change_by_kafkas_rules(void **state)
{
	static const struct alteration cases[] = {
		{ BROKER, "1", "log.retention.ms", SET, "7", WIRE_NONE, NULL,
		  "7" },
		{ BROKER, "1", "log.retention.ms", DELETE, NULL, WIRE_NONE,
		  NULL, NULL },
		{ BROKER, "", "max.connections", SET, "9", WIRE_NONE, NULL,
		  "9" },
		{ BROKER, "2", "max.connections", SET, "9",
		  WIRE_INVALID_REQUEST, "expected 1, but received 2", NULL },
		{ BROKER, "x", "max.connections", SET, "9",
		  WIRE_INVALID_REQUEST, "must be an integer", NULL },
		{ BROKER, "1", "node.id", SET, "7", WIRE_INVALID_REQUEST,
		  "Cannot update these configs dynamically: Set(node.id)",
		  NULL },
		{ BROKER, "1", "node.id", DELETE, NULL, WIRE_NONE, NULL, NULL },
		{ BROKER, "1", "flush.mode", SET, "os", WIRE_INVALID_REQUEST,
		  "Set(flush.mode)", NULL },
		{ BROKER, "1", "listeners", SET, "PLAINTEXT://:1",
		  WIRE_INVALID_REQUEST, "start it again", NULL },
		{ BROKER, "1", "message.max.bytes", SET, "-1",
		  WIRE_INVALID_REQUEST, "-1 is less than 0", NULL },
		{ BROKER, "1", "num.io.threads", SET, "6", WIRE_NONE, NULL,
		  "6" },
		{ BROKER, "1", "num.io.threads", SET, "13",
		  WIRE_INVALID_REQUEST, "double the current value 6", "6" },
		{ BROKER, "1", "num.io.threads", SET, "2", WIRE_INVALID_REQUEST,
		  "half the current value 6", "6" },
		{ BROKER, "1", "log.retention.ms", SET, "0",
		  WIRE_INVALID_REQUEST, "unlimited", NULL },
		{ BROKER, "1", "log.roll.ms", SET, "0", WIRE_INVALID_REQUEST,
		  "equal to 1", NULL },
		{ BROKER, "1", "log.roll.jitter.ms", SET, "-1",
		  WIRE_INVALID_REQUEST, "equal to 0", NULL },
		{ BROKER, "1", "max.connections.per.ip", SET, "0",
		  WIRE_INVALID_REQUEST, "per.ip.overrides", NULL },
		{ BROKER, "1", "max.connections.per.ip.overrides", SET,
		  "::1:5,host", WIRE_INVALID_REQUEST, "'host' is not HOST",
		  NULL },
		{ BROKER, "1", "max.connections.per.ip.overrides", SET,
		  "::1:5,host:6", WIRE_NONE, NULL, "::1:5,host:6" },
		{ BROKER, "1", "max.connections.per.ip", SET, "0", WIRE_NONE,
		  NULL, "0" },
		{ BROKER, "1", "max.connection.creation.rate", SET, "0",
		  WIRE_INVALID_REQUEST, "at least 1", NULL },
		{ BROKER, "1", "log.cleaner.threads", SET, "0",
		  WIRE_INVALID_REQUEST, "at least 1", NULL },
		{ BROKER, "1", "log.cleaner.dedupe.buffer.size", SET, "1",
		  WIRE_INVALID_REQUEST, "1MB per cleaner thread", NULL },
		{ BROKER, "1", "metric.reporters", SET, "a.B",
		  WIRE_INVALID_REQUEST, "Class a.B could not be found", NULL },
		{ BROKER, "1", "log.cleanup.policy", APPEND, "compact",
		  WIRE_NONE, NULL, "delete,compact" },
		{ BROKER, "1", "log.retention.ms", APPEND, "1",
		  WIRE_INVALID_CONFIG, "append is not allowed", NULL },
		{ BROKER, "1", "log.retention.ms", SUBTRACT, "1",
		  WIRE_INVALID_CONFIG, "subtract is not allowed", NULL },
		{ BROKER, "1", "log.retention.ms", 7, "1", WIRE_INVALID_REQUEST,
		  "operations type 7", NULL },
		{ BROKER, "1", "of.a.plugin", SET, "x", WIRE_NONE, NULL, "x" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(*state, &cases[i]);
}

static void a_listener_may_have_its_own_settings(void **state)
{
	static const struct alteration cases[] = {
		{ BROKER, "1", "ssl.keystore.location", SET, "/k",
		  WIRE_INVALID_REQUEST, "only per-listener", NULL },
		{ BROKER, "1", "listener.name.ssl.ssl.keystore.location", SET,
		  "/k", WIRE_NONE, NULL, "/k" },
		{ BROKER, "", "listener.name.ssl.ssl.keystore.location", SET,
		  "/k", WIRE_INVALID_REQUEST, "broker id must be specified",
		  NULL },
		{ BROKER, "", "listener.name.ssl.max.connections", SET, "5",
		  WIRE_NONE, NULL, "5" },
		{ BROKER, "1", "listener.name.ssl.max.connections", SET, "x",
		  WIRE_INVALID_REQUEST, "not a whole number", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(*state, &cases[i]);
}

/* What a node says of its listeners. */
static int refuse_elsewhere(void *arg, const char *name, const char *value,
			    char *error, size_t error_size)
{
	assert_string_equal(name, "advertised.listeners");
	snprintf(error, error_size, "no such listener");
	return strcmp(value, arg) == 0 ? 0 : -EINVAL;
}

static void the_node_checks_what_it_is_advertised_as(void **state)
{
	char good[] = "PLAINTEXT://here:1";
	struct controller_kit *k = *state;
	struct controller c = controller_kit_core(k);
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;
	struct metadata_change change = { .api_key = INCREMENTAL,
					  .version = 1,
					  .request = &request,
					  .response = &response,
					  .arena = &k->arena };
	static const struct {
		const char *resource, *value;
		int16_t code;
	} cases[] = {
		{ "1", "PLAINTEXT://there:1", WIRE_INVALID_REQUEST },
		{ "", "PLAINTEXT://here:1", WIRE_INVALID_REQUEST },
		{ "1", "PLAINTEXT://here:1", WIRE_NONE },
	};

	c.check_setting = refuse_elsewhere;
	c.check_arg = good;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		wire_init(&incremental_alter_configs_request_desc, &request);
		wire_init(&incremental_alter_configs_request_resources_desc,
			  &resource);
		wire_init(
			&incremental_alter_configs_request_resources_configs_desc,
			&config);
		config.name = slice_of("advertised.listeners");
		config.value = slice_of(cases[i].value);
		resource.resource_type = BROKER;
		resource.resource_name = slice_of(cases[i].resource);
		resource.configs = &config;
		resource.configs_count = 1;
		request.resources = &resource;
		request.resources_count = 1;
		assert_int_equal(controller_decide(&c, &change), 0);
		assert_int_equal(response.responses[0].error_code,
				 cases[i].code);
	}
	controller_kit_commit(k);
	assert_string_equal(value_of(k, BROKER, "1", "advertised.listeners"),
			    good);
}

static void min_isr_belongs_to_the_cluster_with_eligible_leaders(void **state)
{
	static const struct alteration cases[] = {
		{ BROKER, "1", "min.insync.replicas", SET, "2",
		  WIRE_INVALID_CONFIG, "Broker-level", NULL },
		{ BROKER, "1", "min.insync.replicas", DELETE, NULL,
		  WIRE_INVALID_CONFIG, "Broker-level", NULL },
		{ BROKER, "", "min.insync.replicas", DELETE, NULL,
		  WIRE_INVALID_CONFIG, "cannot be removed", "1" },
		{ BROKER, "", "min.insync.replicas", SET, "2", WIRE_NONE, NULL,
		  "2" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(*state, &cases[i]);
}

static void another_min_isr_forgets_who_was_eligible(void **state)
{
	static const struct alteration set = {
		TOPIC, "t", "min.insync.replicas", SET, "2", WIRE_NONE,
		NULL,  "2"
	};
	static const struct alteration other = { TOPIC, "t", "flush.ms",
						 SET,   "2", WIRE_NONE,
						 NULL,  "2" };
	size_t records;

	controller_kit_topic(*state, "t");
	ask(*state, &set, false, &records);
	assert_int_equal(records, 2);
	ask(*state, &set, false, &records);
	assert_int_equal(records, 0);
	ask(*state, &other, false, &records);
	assert_int_equal(records, 1);
}

static void groups_stay_within_what_the_broker_allows(void **state)
{
	static const struct alteration cases[] = {
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "50000",
		  WIRE_NONE, NULL, "50000" },
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "1",
		  WIRE_INVALID_CONFIG, "group.consumer.min.session.timeout.ms",
		  "50000" },
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "70001",
		  WIRE_INVALID_CONFIG, "70001 > 70000", "50000" },
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "70000",
		  WIRE_NONE, NULL, "70000" },
		{ GROUP, "g", "consumer.heartbeat.interval.ms", SET, "4999",
		  WIRE_INVALID_CONFIG, "4999 < 5000", NULL },
		{ GROUP, "g", "streams.num.standby.replicas", SET, "3",
		  WIRE_INVALID_CONFIG, "group.streams.max.standby.replicas",
		  NULL },
		{ GROUP, "g", "share.isolation.level", SET, "READ_COMMITTED",
		  WIRE_INVALID_CONFIG, "not one of", NULL },
		{ GROUP, "g", "share.auto.offset.reset", SET, "earliest",
		  WIRE_NONE, NULL, "earliest" },
		{ GROUP, "g", "share.auto.offset.reset", SET,
		  "by_duration:P1DT2H3M4.5S", WIRE_NONE, NULL,
		  "by_duration:P1DT2H3M4.5S" },
		{ GROUP, "g", "share.auto.offset.reset", SET, "by_duration:P",
		  WIRE_INVALID_CONFIG, "by_duration",
		  "by_duration:P1DT2H3M4.5S" },
		{ GROUP, "g", "share.auto.offset.reset", SET,
		  "by_duration:-PT1H", WIRE_INVALID_CONFIG, "by_duration",
		  "by_duration:P1DT2H3M4.5S" },
		{ GROUP, "g", "share.auto.offset.reset", SET,
		  "by_duration:PT1.5H", WIRE_INVALID_CONFIG, "by_duration",
		  "by_duration:P1DT2H3M4.5S" },
		{ GROUP, "g", "no.such", SET, "1", WIRE_INVALID_CONFIG,
		  "Unknown group config name", NULL },
		{ GROUP, "g", "no.such", DELETE, NULL, WIRE_NONE, NULL, NULL },
		{ GROUP, "g", "share.isolation.level", APPEND, "1",
		  WIRE_INVALID_CONFIG, "not LIST", NULL },
		{ GROUP, "", "share.isolation.level", SET, "read_committed",
		  WIRE_INVALID_REQUEST, "Default group", NULL },
	};
	struct controller_kit *k = *state;

	assert_int_equal(properties_set(&k->properties,
					"group.consumer.max.session.timeout.ms",
					"70000", "test"),
			 0);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(k, &cases[i]);
}

static void a_session_outlasts_its_heartbeats(void **state)
{
	static const struct alteration heartbeat = {
		GROUP,
		"g",
		"consumer.heartbeat.interval.ms",
		SET,
		"45000",
		WIRE_INVALID_CONFIG,
		"45000 <= 45000",
		NULL
	};
	struct controller_kit *k = *state;

	assert_int_equal(
		properties_set(&k->properties,
			       "group.consumer.max.heartbeat.interval.ms",
			       "60000", "test"),
		0);
	alter(k, &heartbeat);
}

static void subscriptions_of_metrics_are_checked(void **state)
{
	static const struct alteration cases[] = {
		{ METRICS, "m", "interval.ms", SET, "100", WIRE_NONE, NULL,
		  "100" },
		{ METRICS, "m", "interval.ms", SET, "99", WIRE_INVALID_REQUEST,
		  "between 100 and 3600000", "100" },
		{ METRICS, "m", "interval.ms", SET, "3600001",
		  WIRE_INVALID_REQUEST, "between 100 and 3600000", "100" },
		{ METRICS, "m", "interval.ms", SET, "x", WIRE_INVALID_CONFIG,
		  "not a whole number", "100" },
		{ METRICS, "m", "metrics", SET, "a.b,c", WIRE_NONE, NULL,
		  "a.b,c" },
		{ METRICS, "m", "metrics", SET, "", WIRE_NONE, NULL, "" },
		{ METRICS, "m", "metrics", SET, "a,", WIRE_INVALID_CONFIG,
		  "must not be empty", "" },
		{ METRICS, "m", "metrics", APPEND, "a", WIRE_INVALID_CONFIG,
		  "not LIST", "" },
		{ METRICS, "m", "match", SET, "client_id=x.*", WIRE_NONE, NULL,
		  "client_id=x.*" },
		{ METRICS, "m", "match", SET, "client_id=[",
		  WIRE_INVALID_CONFIG, "pattern: client_id=[",
		  "client_id=x.*" },
		{ METRICS, "m", "no.such", SET, "1", WIRE_INVALID_REQUEST,
		  "Unknown client metrics configuration", NULL },
		{ METRICS, "m", "no.such", DELETE, NULL, WIRE_NONE, NULL,
		  NULL },
		{ METRICS, "", "interval.ms", SET, "100", WIRE_INVALID_REQUEST,
		  "can't be empty", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(*state, &cases[i]);
}

static void levels_of_loggers_pass_without_a_record(void **state)
{
	static const struct alteration cases[] = {
		{ LOGGER, "1", "server", SET, "DEBUG", WIRE_NONE, NULL, NULL },
		{ LOGGER, "2", "server", SET, "DEBUG", WIRE_INVALID_REQUEST,
		  "Expected 1, but received 2", NULL },
		{ LOGGER, "", "server", SET, "DEBUG", WIRE_INVALID_REQUEST,
		  "must be an integer", NULL },
		{ 3, "1", "server", SET, "DEBUG", WIRE_INVALID_REQUEST,
		  "Unknown resource type 3", NULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t records;

		alter(*state, &cases[i]);
		ask(*state, &cases[i], false, &records);
		assert_int_equal(records, 0);
	}
}

static void validating_decides_and_changes_nothing(void **state)
{
	static const struct alteration cases[] = {
		{ TOPIC, "t", "retention.ms", SET, "5", WIRE_NONE, NULL, NULL },
		{ BROKER, "1", "log.retention.ms", SET, "5", WIRE_NONE, NULL,
		  NULL },
		{ BROKER, "", "log.retention.ms", SET, "x",
		  WIRE_INVALID_REQUEST, NULL, NULL },
		{ METRICS, "m", "interval.ms", SET, "1000", WIRE_NONE, NULL,
		  NULL },
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "50000",
		  WIRE_NONE, NULL, NULL },
	};
	struct controller_kit *k = *state;

	controller_kit_topic(k, "t");
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		size_t records;

		assert_int_equal(ask(k, &cases[i], true, &records).error_code,
				 cases[i].code);
		assert_int_equal(records, 0);
		assert_null(value_of(k, cases[i].type, cases[i].resource,
				     cases[i].name));
	}
}

/* AlterConfigs of one key of one resource; NULL: of none. */
static int16_t replace(struct controller_kit *k, int type, const char *resource,
		       const char *name, const char *value)
{
	struct alter_configs_request_resources_configs config;
	struct alter_configs_request_resources r;
	struct alter_configs_request request;
	struct alter_configs_response response;

	wire_init(&alter_configs_request_desc, &request);
	wire_init(&alter_configs_request_resources_desc, &r);
	wire_init(&alter_configs_request_resources_configs_desc, &config);
	config.name = slice_of(name);
	config.value = slice_of(value);
	r.resource_type = (int8_t)type;
	r.resource_name = slice_of(resource);
	r.configs = &config;
	r.configs_count = name == NULL ? 0 : 1;
	request.resources = &r;
	request.resources_count = 1;
	controller_kit_decide(k, REPLACE, 2, &request, &response);
	return response.responses[0].error_code;
}

static void replacing_a_set_drops_what_is_not_named(void **state)
{
	static const struct alteration before[] = {
		{ BROKER, "1", "log.retention.ms", SET, "5", WIRE_NONE, NULL,
		  "5" },
		{ GROUP, "g", "consumer.session.timeout.ms", SET, "50000",
		  WIRE_NONE, NULL, "50000" },
		{ METRICS, "m", "interval.ms", SET, "1000", WIRE_NONE, NULL,
		  "1000" },
	};
	struct controller_kit *k = *state;

	for (size_t i = 0; i < ARRAY_LEN(before); i++)
		alter(k, &before[i]);
	assert_int_equal(replace(k, BROKER, "1", "log.roll.ms", "6"),
			 WIRE_NONE);
	assert_int_equal(replace(k, GROUP, "g", NULL, NULL), WIRE_NONE);
	assert_int_equal(replace(k, METRICS, "m", "metrics", "a"), WIRE_NONE);

	assert_null(value_of(k, BROKER, "1", "log.retention.ms"));
	assert_string_equal(value_of(k, BROKER, "1", "log.roll.ms"), "6");
	assert_null(image_configs(k->image, GROUP, slice_of("g")));
	assert_null(value_of(k, METRICS, "m", "interval.ms"));
}

static void replacing_is_refused_as_changing_is(void **state)
{
	struct controller_kit *k = *state;

	assert_int_equal(replace(k, LOGGER, "1", "server", "DEBUG"),
			 WIRE_INVALID_REQUEST);
	assert_int_equal(replace(k, BROKER, "1", "node.id", "5"),
			 WIRE_INVALID_REQUEST);
	assert_int_equal(replace(k, BROKER, "1", "log.roll.ms", NULL),
			 WIRE_INVALID_REQUEST);
	/* It would take min.insync.replicas away. */
	assert_int_equal(replace(k, BROKER, "", "log.roll.ms", "6"),
			 WIRE_INVALID_CONFIG);
	assert_int_equal(replace(k, TOPIC, "t", "retention.ms", "6"),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

#define KIT_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, controller_kit_setup,               \
					controller_kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(settings_of_brokers_change_by_kafkas_rules),
		KIT_TEST(a_listener_may_have_its_own_settings),
		KIT_TEST(the_node_checks_what_it_is_advertised_as),
		KIT_TEST(min_isr_belongs_to_the_cluster_with_eligible_leaders),
		KIT_TEST(another_min_isr_forgets_who_was_eligible),
		KIT_TEST(groups_stay_within_what_the_broker_allows),
		KIT_TEST(a_session_outlasts_its_heartbeats),
		KIT_TEST(subscriptions_of_metrics_are_checked),
		KIT_TEST(levels_of_loggers_pass_without_a_record),
		KIT_TEST(validating_decides_and_changes_nothing),
		KIT_TEST(replacing_a_set_drops_what_is_not_named),
		KIT_TEST(replacing_is_refused_as_changing_is),
	};

	return cmocka_run_group_tests_name("controller_configs", tests, NULL,
					   NULL);
}
