/*
 * controller_test.c - what the controller decides, without thread or disk
 */
#include "metadata_kit.h"

#include <errno.h>
#include <time.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_name.h"

struct fixture {
	const struct image *image;
	struct seeded_random random;
	struct record_list records;
	struct arena arena;
	int64_t next_offset;
};

static struct controller core(struct fixture *f)
{
	return (struct controller){
		.image = f->image,
		.random = &f->random.random,
		.node_id = KIT_NODE,
		.default_partitions = 2,
		.default_replication_factor = 1,
		.records = &f->records,
	};
}

/* Commit what has been decided. */
static void commit(struct fixture *f)
{
	struct image *image = image_edit_begin(f->image);
	struct arena scratch = { 0 };

	assert_int_equal(f->records.error, 0);
	for (size_t i = 0; i < f->records.count; i++)
		assert_int_equal(image_edit_apply_bytes(
					 image, record_list_at(&f->records, i),
					 &scratch),
				 0);
	f->next_offset += (int64_t)f->records.count;
	assert_int_equal(image_edit_end(image, f->next_offset - 1, 1, 5), 0);
	image_release(f->image);
	f->image = image;
	record_list_reset(&f->records);
	arena_clear(&scratch);
}

static void register_node(struct fixture *f, int32_t id)
{
	struct controller_node node = {
		.node_id = id,
		.directory_id = { { (uint8_t)id } },
		.endpoints = &kit_endpoint,
		.endpoint_count = 1,
	};
	struct controller c = core(f);

	controller_register(&c, &node, f->next_offset);
	commit(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	seeded_random_init(&f->random, 3);
	f->image = image_edit_begin(NULL);
	controller_bootstrap(&f->records);
	commit(f);
	register_node(f, 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	image_release(f->image);
	record_list_clear(&f->records);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

/* Decide, and count the records that came of it. */
static size_t decide(struct fixture *f, int16_t key, int16_t version,
		     const void *request, void *response)
{
	struct controller c = core(f);
	struct metadata_change change = {
		.api_key = key,
		.version = version,
		.request = request,
		.response = response,
		.arena = &f->arena,
	};
	size_t count;

	assert_int_equal(controller_decide(&c, &change), 0);
	count = f->records.count;
	commit(f);
	return count;
}

/* A topic to create, in a few words. */

enum { LIST_MAX = 4 };

struct wanted {
	const char *name;
	int32_t partitions;
	int16_t replication;
	const char *configs[LIST_MAX][2]; /* NULL name: end */
	struct {
		int32_t index;
		int32_t brokers[3]; /* 0: end */
	} assignments[LIST_MAX];    /* no brokers and index 0: end */
	int assignment_count;
};

static void fill_topic(struct fixture *f, const struct wanted *w,
		       struct create_topics_request_topics *t)
{
	wire_init(&create_topics_request_topics_desc, t);
	t->name = slice_of(w->name);
	t->num_partitions = w->partitions;
	t->replication_factor = w->replication;
	t->configs = wire_array(&create_topics_request_topics_configs_desc,
				&f->arena, LIST_MAX);
	for (int i = 0; i < LIST_MAX && w->configs[i][0] != NULL; i++) {
		t->configs[i].name = slice_of(w->configs[i][0]);
		t->configs[i].value = slice_of(w->configs[i][1]);
		t->configs_count++;
	}
	t->assignments =
		wire_array(&create_topics_request_topics_assignments_desc,
			   &f->arena, LIST_MAX);
	t->assignments_count = w->assignment_count;
	for (int i = 0; i < w->assignment_count; i++) {
		int32_t n = 0;

		t->assignments[i].partition_index = w->assignments[i].index;
		t->assignments[i].broker_ids =
			(int32_t *)w->assignments[i].brokers;
		while (n < 3 && w->assignments[i].brokers[n] != 0)
			n++;
		t->assignments[i].broker_ids_count = n;
	}
}

static struct create_topics_response_topics create(struct fixture *f,
						   const struct wanted *w,
						   bool validate_only,
						   size_t *records_out)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	fill_topic(f, w, &topic);
	wire_init(&create_topics_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	request.validate_only = validate_only;
	*records_out = decide(f, 19, 7, &request, &response);
	assert_int_equal(response.topics_count, 1);
	assert_true(slice_is(response.topics[0].name, w->name));
	return response.topics[0];
}

static int16_t create_code(struct fixture *f, const struct wanted *w)
{
	size_t records;
	struct create_topics_response_topics t = create(f, w, false, &records);

	assert_int_equal(records > 0, t.error_code == WIRE_NONE);
	assert_int_equal(slice_is_null(t.error_message),
			 t.error_code == WIRE_NONE);
	return t.error_code;
}

/* Names */

static void names_follow_kafkas_rules(void **state)
{
	char long_name[251];
	const struct {
		const char *name;
		int16_t code;
	} cases[] = {
		{ "a", WIRE_NONE },
		{ "A-z_0.9", WIRE_NONE },
		{ "...", WIRE_NONE },
		{ "", WIRE_INVALID_TOPIC_EXCEPTION },
		{ ".", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "..", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "a b", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "a/b", WIRE_INVALID_TOPIC_EXCEPTION },
		{ "caf\xc3\xa9", WIRE_INVALID_TOPIC_EXCEPTION },
		{ long_name, WIRE_INVALID_TOPIC_EXCEPTION },
		{ long_name + 1, WIRE_NONE },
		{ "A-z.0_9", WIRE_INVALID_TOPIC_EXCEPTION }, /* collides */
		{ "A-z_0.9", WIRE_TOPIC_ALREADY_EXISTS },
		{ "__cluster_metadata", WIRE_INVALID_REQUEST },
		{ "__consumer_offsets", WIRE_NONE },
	};
	struct fixture *f = *state;

	memset(long_name, 'x', 250);
	long_name[250] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct wanted w = { .name = cases[i].name,
				    .partitions = 1,
				    .replication = 1 };

		assert_int_equal(create_code(f, &w), cases[i].code);
	}
}

static void a_collision_ends_with_its_topic(void **state)
{
	struct wanted dotted = { "a.b", 1, 1, .assignment_count = 0 };
	struct wanted under = { "a_b", 1, 1, .assignment_count = 0 };
	struct slice name = slice_of("a.b");
	struct delete_topics_request request;
	struct delete_topics_response response;
	struct fixture *f = *state;

	assert_int_equal(create_code(f, &dotted), WIRE_NONE);
	assert_int_equal(create_code(f, &under), WIRE_INVALID_TOPIC_EXCEPTION);
	wire_init(&delete_topics_request_desc, &request);
	request.topic_names = &name;
	request.topic_names_count = 1;
	assert_int_equal(decide(f, 20, 5, &request, &response), 1);
	assert_int_equal(create_code(f, &under), WIRE_NONE);
}

/* Numbers */

static void partition_and_replica_counts_are_checked(void **state)
{
	static const struct {
		int32_t partitions;
		int16_t replication;
		int16_t code;
		int32_t got;
	} cases[] = {
		{ 3, 1, WIRE_NONE, 3 },
		{ -1, -1, WIRE_NONE, 2 }, /* the defaults */
		{ 0, 1, WIRE_INVALID_PARTITIONS, -1 },
		{ -2, 1, WIRE_INVALID_PARTITIONS, -1 },
		{ 1, 0, WIRE_INVALID_REPLICATION_FACTOR, -1 },
		{ 1, -2, WIRE_INVALID_REPLICATION_FACTOR, -1 },
		{ 1, 2, WIRE_INVALID_REPLICATION_FACTOR, -1 },
		{ 10000, 1, WIRE_NONE, 10000 },
		{ 10001, 1, WIRE_POLICY_VIOLATION, -1 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[16];
		struct wanted w = { name, cases[i].partitions,
				    cases[i].replication,
				    .assignment_count = 0 };
		struct create_topics_response_topics t;
		size_t records;

		snprintf(name, sizeof(name), "t%zu", i);
		t = create(f, &w, false, &records);
		assert_int_equal(t.error_code, cases[i].code);
		assert_int_equal(t.num_partitions, cases[i].got);
		if (t.error_code == WIRE_NONE)
			assert_int_equal(records, 1 + cases[i].got);
	}
}

static void validate_only_decides_and_writes_nothing(void **state)
{
	struct wanted w = { "t", 2, 1, .assignment_count = 0 };
	struct fixture *f = *state;
	size_t records;
	struct create_topics_response_topics t = create(f, &w, true, &records);

	assert_int_equal(t.error_code, WIRE_NONE);
	assert_int_equal(t.num_partitions, 2);
	assert_int_equal(t.replication_factor, 1);
	assert_int_equal(records, 0);
	assert_null(image_topic(f->image, slice_of("t")));
}

static void a_new_partition_is_led_by_its_first_live_replica(void **state)
{
	struct wanted w = { "t", 1, 1, .assignment_count = 0 };
	const struct partition_image *p;
	struct fixture *f = *state;

	create_code(f, &w);

	p = image_topic(f->image, slice_of("t"))->partitions;
	assert_int_equal(p->leader, 1);
	assert_int_equal(p->leader_epoch, 0);
	assert_int_equal(p->partition_epoch, 0);
	assert_int_equal(p->replica_count, 1);
	assert_int_equal(p->isr_count, 1);
	assert_int_equal(p->directories[0].bytes[0], 1);
}

static void replicas_are_spread_over_all_brokers(void **state)
{
	struct wanted w = { "t", 30, 2, .assignment_count = 0 };
	int leads[4] = { 0 };
	const struct topic_image *t;
	struct fixture *f = *state;

	register_node(f, 2);
	register_node(f, 3);
	create_code(f, &w);

	t = image_topic(f->image, slice_of("t"));
	for (int i = 0; i < 30; i++) {
		const struct partition_image *p = &t->partitions[i];

		assert_int_equal(p->replica_count, 2);
		assert_int_not_equal(p->replicas[0], p->replicas[1]);
		assert_int_equal(p->leader, p->replicas[0]);
		leads[p->leader]++;
	}
	for (int id = 1; id <= 3; id++)
		assert_int_equal(leads[id], 10);
}

/* By hand */

static void assignments_are_checked(void **state)
{
	static const struct {
		struct wanted w;
		int16_t code;
	} cases[] = {
		{ { .name = "good",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 1, { 1, 2 } }, { 0, { 2, 1 } } },
		    .assignment_count = 2 },
		  WIRE_NONE },
		{ { .name = "uneven",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 2, 1 } }, { 1, { 1 } } },
		    .assignment_count = 2 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { .name = "count",
		    .partitions = 1,
		    .replication = -1,
		    .assignments = { { 0, { 1 } } },
		    .assignment_count = 1 },
		  WIRE_INVALID_REQUEST },
		{ { .name = "factor",
		    .partitions = -1,
		    .replication = 1,
		    .assignments = { { 0, { 1 } } },
		    .assignment_count = 1 },
		  WIRE_INVALID_REQUEST },
		{ { .name = "gap",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 1 } }, { 2, { 1 } } },
		    .assignment_count = 2 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { .name = "twice",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 1 } }, { 0, { 1 } } },
		    .assignment_count = 2 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { .name = "unknown",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 7 } } },
		    .assignment_count = 1 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { .name = "same",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 1, 1 } } },
		    .assignment_count = 1 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
		{ { .name = "none",
		    .partitions = -1,
		    .replication = -1,
		    .assignments = { { 0, { 0 } } },
		    .assignment_count = 1 },
		  WIRE_INVALID_REPLICA_ASSIGNMENT },
	};
	struct fixture *f = *state;
	const struct topic_image *t;

	register_node(f, 2);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(create_code(f, &cases[i].w), cases[i].code);
	t = image_topic(f->image, slice_of("good"));
	assert_int_equal(t->partition_count, 2);
	assert_int_equal(t->partitions[0].leader, 2);
	assert_int_equal(t->partitions[1].leader, 1);
}

/* Configs */

static void configs_of_new_topics_are_checked(void **state)
{
	static const struct {
		const char *configs[LIST_MAX][2];
		int16_t code;
		const char *text; /* part of it */
	} cases[] = {
		{ { { "retention.ms", "1000" },
		    { "cleanup.policy", "compact" } },
		  WIRE_NONE,
		  NULL },
		{ { { "cleanup.policy", "compact,delete" } }, WIRE_NONE, NULL },
		{ { { "no.such", "1" } },
		  WIRE_INVALID_CONFIG,
		  "Unknown topic config name: no.such" },
		{ { { "retention.ms", "abc" } },
		  WIRE_INVALID_CONFIG,
		  "Invalid value abc for configuration retention.ms" },
		{ { { "retention.ms", NULL } },
		  WIRE_INVALID_CONFIG,
		  "Null value not supported for topic configs: retention.ms" },
		{ { { "segment.bytes", "3" } },
		  WIRE_INVALID_CONFIG,
		  "segment.bytes" },
		{ { { "min.compaction.lag.ms", "10" },
		    { "max.compaction.lag.ms", "5" } },
		  WIRE_INVALID_CONFIG,
		  "min.compaction.lag.ms (10) > max.compaction.lag.ms (5)" },
		{ { { "remote.storage.enable", "true" } },
		  WIRE_INVALID_CONFIG,
		  "Tiered Storage" },
		{ { { "leader.replication.throttled.replicas", "0:1,2:3" } },
		  WIRE_NONE,
		  NULL },
		{ { { "leader.replication.throttled.replicas", "foo" } },
		  WIRE_INVALID_CONFIG,
		  "literal '*'" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char name[16];
		struct wanted w = { .name = name,
				    .partitions = 1,
				    .replication = 1 };
		struct create_topics_response_topics t;
		size_t records;

		snprintf(name, sizeof(name), "t%zu", i);
		memcpy(w.configs, cases[i].configs, sizeof(w.configs));
		t = create(f, &w, false, &records);
		assert_int_equal(t.error_code, cases[i].code);
		if (cases[i].text != NULL)
			assert_non_null(
				strstr((const char *)t.error_message.data,
				       cases[i].text));
	}
}

/* One change of one key of topic "t" (type 2) or another resource. */
/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): as it reads best */
struct alteration {
	int type;
	const char *resource;
	const char *name;
	int op;
	const char *value;
	int code;
	size_t records;
	const char *then; /* the value after it; NULL: not set */
};

enum { SET, DELETE, APPEND, SUBTRACT };

static void alter(struct fixture *f, const struct alteration *a)
{
	struct incremental_alter_configs_request_resources_configs config;
	struct incremental_alter_configs_request_resources resource;
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;
	const char *value;

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
	assert_int_equal(decide(f, 44, 1, &request, &response), a->records);
	assert_int_equal(response.responses[0].error_code, a->code);
	value = config_set_get(
		image_configs(f->image, (int8_t)a->type, slice_of(a->resource)),
		a->name);
	if (a->then == NULL)
		assert_null(value);
	else
		assert_string_equal(value, a->then);
}

static void single_configs_are_altered(void **state)
{
	static const struct alteration cases[] = {
		{ 2, "t", "retention.ms", SET, "5", WIRE_NONE, 1, "5" },
		{ 2, "t", "retention.ms", SET, "5", WIRE_NONE, 0, "5" },
		{ 2, "t", "retention.ms", SET, "x", WIRE_INVALID_CONFIG, 0,
		  "5" },
		{ 2, "t", "retention.ms", SET, NULL, WIRE_INVALID_REQUEST, 0,
		  "5" },
		{ 2, "t", "retention.ms", APPEND, "1", WIRE_INVALID_CONFIG, 0,
		  "5" },
		{ 2, "t", "retention.ms", 9, "1", WIRE_UNKNOWN_SERVER_ERROR, 0,
		  "5" },
		{ 2, "t", "retention.ms", DELETE, NULL, WIRE_NONE, 1, NULL },
		{ 2, "t", "retention.ms", DELETE, NULL, WIRE_NONE, 0, NULL },
		{ 2, "t", "cleanup.policy", APPEND, "compact", WIRE_NONE, 1,
		  "delete,compact" },
		{ 2, "t", "cleanup.policy", APPEND, "compact", WIRE_NONE, 0,
		  "delete,compact" },
		{ 2, "t", "cleanup.policy", SUBTRACT, "delete", WIRE_NONE, 1,
		  "compact" },
		{ 2, "t", "cleanup.policy", SUBTRACT, "nope", WIRE_NONE, 0,
		  "compact" },
		{ 2, "t", "cleanup.policy", SUBTRACT, "compact", WIRE_NONE, 1,
		  "" },
		{ 2, "t", "no.such", SET, "1", WIRE_INVALID_CONFIG, 0, NULL },
		{ 2, "t", "no.such", DELETE, NULL, WIRE_NONE, 0, NULL },
		{ 2, "u", "retention.ms", SET, "5",
		  WIRE_UNKNOWN_TOPIC_OR_PARTITION, 0, NULL },
		{ 2, "", "retention.ms", SET, "5", WIRE_INVALID_REQUEST, 0,
		  NULL },
		{ 2, "a b", "retention.ms", SET, "5",
		  WIRE_INVALID_TOPIC_EXCEPTION, 0, NULL },
		{ 4, "", "log.retention.ms", SET, "7", WIRE_NONE, 1, "7" },
		{ 4, "1", "log.retention.ms", SET, "8", WIRE_NONE, 1, "8" },
		{ 4, "9", "log.retention.ms", SET, "8", WIRE_INVALID_REQUEST, 0,
		  NULL },
		{ 4, "x", "log.retention.ms", SET, "8", WIRE_INVALID_REQUEST, 0,
		  NULL },
		{ 4, "1", "node.id", SET, "8", WIRE_INVALID_REQUEST, 0, NULL },
		{ 3, "1", "node.id", SET, "8", WIRE_INVALID_REQUEST, 0, NULL },
	};
	struct wanted w = { "t", 1, 1, .assignment_count = 0 };
	struct fixture *f = *state;

	create_code(f, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		alter(f, &cases[i]);
}

static void resources_and_keys_may_be_named_once(void **state)
{
	struct incremental_alter_configs_request_resources_configs configs[2];
	struct incremental_alter_configs_request_resources resources[2];
	struct incremental_alter_configs_request request;
	struct incremental_alter_configs_response response;
	struct wanted w = { "t", 1, 1, .assignment_count = 0 };
	struct fixture *f = *state;

	create_code(f, &w);
	wire_init(&incremental_alter_configs_request_desc, &request);
	for (int i = 0; i < 2; i++) {
		wire_init(
			&incremental_alter_configs_request_resources_configs_desc,
			&configs[i]);
		configs[i].name = slice_of("flush.ms");
		configs[i].value = slice_of("5");
		wire_init(&incremental_alter_configs_request_resources_desc,
			  &resources[i]);
		resources[i].resource_type = 2;
		resources[i].resource_name = slice_of("t");
		resources[i].configs = configs;
		resources[i].configs_count = 2 - i;
	}
	request.resources = resources;
	request.resources_count = 1;
	assert_int_equal(decide(f, 44, 1, &request, &response), 0);
	assert_int_equal(response.responses[0].error_code,
			 WIRE_INVALID_REQUEST);

	resources[0].configs_count = 1;
	request.resources_count = 2;
	assert_int_equal(decide(f, 44, 1, &request, &response), 0);
	assert_int_equal(response.responses[0].error_code,
			 WIRE_INVALID_REQUEST);
	assert_int_equal(response.responses[1].error_code,
			 WIRE_INVALID_REQUEST);
}

static void altering_all_configs_drops_those_not_named(void **state)
{
	struct alter_configs_request_resources_configs config;
	struct alter_configs_request_resources resource;
	struct alter_configs_request request;
	struct alter_configs_response response;
	struct wanted w = { .name = "t",
			    .partitions = 1,
			    .replication = 1,
			    .configs = { { "flush.ms", "5" },
					 { "segment.ms", "6" } } };
	const struct config_set *set;
	struct fixture *f = *state;

	create_code(f, &w);
	wire_init(&alter_configs_request_desc, &request);
	wire_init(&alter_configs_request_resources_desc, &resource);
	wire_init(&alter_configs_request_resources_configs_desc, &config);
	config.name = slice_of("segment.ms");
	config.value = slice_of("7");
	resource.resource_type = 2;
	resource.resource_name = slice_of("t");
	resource.configs = &config;
	resource.configs_count = 1;
	request.resources = &resource;
	request.resources_count = 1;
	assert_int_equal(decide(f, 33, 2, &request, &response), 2);

	assert_int_equal(response.responses[0].error_code, WIRE_NONE);
	set = image_configs(f->image, 2, slice_of("t"));
	assert_int_equal(set->count, 1);
	assert_string_equal(config_set_get(set, "segment.ms"), "7");
}

/* Several at a time */

static void a_name_that_occurs_twice_is_answered_once(void **state)
{
	struct create_topics_request_topics topics[3];
	struct create_topics_request request;
	struct create_topics_response response;
	static const char *const names[] = { "a", "b", "a" };
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		struct wanted w = { names[i], 1, 1, .assignment_count = 0 };

		fill_topic(f, &w, &topics[i]);
	}
	wire_init(&create_topics_request_desc, &request);
	request.topics = topics;
	request.topics_count = 3;
	assert_int_equal(decide(f, 19, 7, &request, &response), 2);

	assert_int_equal(response.topics_count, 2);
	assert_int_equal(response.topics[0].error_code, WIRE_INVALID_REQUEST);
	assert_int_equal(response.topics[1].error_code, WIRE_NONE);
}

/* Deleting */

static void topics_are_deleted_by_name_or_id(void **state)
{
	struct delete_topics_request_topics topics[7];
	struct delete_topics_request request;
	struct delete_topics_response response;
	static const char *const names[] = { "a", "b", "c" };
	static const int16_t codes[] = {
		WIRE_NONE, /* a, by name */
		WIRE_NONE, /* b, by id */
		WIRE_UNKNOWN_TOPIC_ID,
		WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		WIRE_INVALID_REQUEST, /* both */
		WIRE_INVALID_REQUEST, /* neither */
		WIRE_INVALID_REQUEST, /* c, by name; see below */
	};
	struct fixture *f = *state;

	for (int i = 0; i < 3; i++) {
		struct wanted w = { names[i], 1, 1, .assignment_count = 0 };

		create_code(f, &w);
	}
	for (size_t i = 0; i < ARRAY_LEN(topics); i++) {
		wire_init(&delete_topics_request_topics_desc, &topics[i]);
		topics[i].name = SLICE_NULL;
	}
	topics[0].name = slice_of("a");
	topics[1].topic_id = image_topic(f->image, slice_of("b"))->id;
	topics[2].topic_id.bytes[3] = 1;
	topics[3].name = slice_of("nosuch");
	topics[4].name = slice_of("c");
	topics[4].topic_id.bytes[3] = 1;
	topics[6].name = slice_of("x");
	topics[6].topic_id.bytes[3] = 2;
	wire_init(&delete_topics_request_desc, &request);
	request.topics = topics;
	request.topics_count = (int32_t)ARRAY_LEN(topics);

	assert_int_equal(decide(f, 20, 6, &request, &response), 2);

	assert_int_equal(response.responses_count, ARRAY_LEN(codes));
	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		assert_int_equal(response.responses[i].error_code, codes[i]);
	assert_true(slice_is(response.responses[1].name, "b"));
	assert_null(image_topic(f->image, slice_of("a")));
	assert_null(image_topic(f->image, slice_of("b")));
	assert_non_null(image_topic(f->image, slice_of("c")));
}

/* Growing */

static void topics_grow_and_never_shrink(void **state)
{
	static const struct {
		const char *name;
		int32_t count;
		int16_t code;
		size_t records;
	} cases[] = {
		{ "t", 5, WIRE_NONE, 3 },
		{ "t", 5, WIRE_INVALID_PARTITIONS, 0 },
		{ "t", 4, WIRE_INVALID_PARTITIONS, 0 },
		{ "t", 0, WIRE_INVALID_PARTITIONS, 0 },
		{ "t", 20000, WIRE_POLICY_VIOLATION, 0 },
		{ "u", 5, WIRE_UNKNOWN_TOPIC_OR_PARTITION, 0 },
	};
	struct wanted w = { "t", 2, 1, .assignment_count = 0 };
	struct fixture *f = *state;

	create_code(f, &w);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct create_partitions_request_topics topic;
		struct create_partitions_request request;
		struct create_partitions_response response;

		wire_init(&create_partitions_request_topics_desc, &topic);
		wire_init(&create_partitions_request_desc, &request);
		topic.name = slice_of(cases[i].name);
		topic.count = cases[i].count;
		topic.assignments_count = -1;
		request.topics = &topic;
		request.topics_count = 1;
		assert_int_equal(decide(f, 37, 3, &request, &response),
				 cases[i].records);
		assert_int_equal(response.results[0].error_code, cases[i].code);
	}
	assert_int_equal(image_topic(f->image, slice_of("t"))->partition_count,
			 5);
}

/* Producer ids */

static void blocks_of_producer_ids_follow_each_other(void **state)
{
	struct allocate_producer_ids_request request;
	struct allocate_producer_ids_response response;
	struct fixture *f = *state;

	wire_init(&allocate_producer_ids_request_desc, &request);
	request.broker_id = 1;
	request.broker_epoch = image_broker(f->image, 1)->epoch;
	for (int64_t i = 0; i < 3; i++) {
		assert_int_equal(decide(f, 67, 0, &request, &response), 1);
		assert_int_equal(response.error_code, WIRE_NONE);
		assert_int_equal(response.producer_id_start, i * 1000);
		assert_int_equal(response.producer_id_len, 1000);
	}
	request.broker_epoch--;
	assert_int_equal(decide(f, 67, 0, &request, &response), 0);
	assert_int_equal(response.error_code, WIRE_STALE_BROKER_EPOCH);
	request.broker_id = 7;
	assert_int_equal(decide(f, 67, 0, &request, &response), 0);
	assert_int_equal(response.error_code, WIRE_BROKER_ID_NOT_REGISTERED);
}

/* Elections */

static void a_partition_without_leader_gets_one_that_was_in_sync(void **state)
{
	struct wanted w = { "t", 2, 1, .assignment_count = 0 };
	struct partition_change_record r;
	struct controller c;
	struct fixture *f = *state;
	const struct partition_image *p;

	create_code(f, &w);
	wire_init(&partition_change_record_desc, &r);
	r.partition_id = 1;
	r.topic_id = image_topic(f->image, slice_of("t"))->id;
	r.leader = -1;
	record_list_add(&f->records, &partition_change_record_desc, 2, &r);
	commit(f);
	p = image_topic(f->image, slice_of("t"))->partitions;
	assert_int_equal(p[1].leader, -1);

	c = core(f);
	controller_elect(&c, 1);
	assert_int_equal(f->records.count, 1);
	commit(f);

	p = image_topic(f->image, slice_of("t"))->partitions;
	assert_int_equal(p[1].leader, 1);
	assert_int_equal(p[1].leader_epoch, 2);
	assert_int_equal(p[0].leader_epoch, 0);
}

/* Speed: printed, not asserted */

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void many_topics_take_time_that_is_told(void **state)
{
	struct fixture *f = *state;
	double start = now_ms();
	double taken;

	for (int i = 0; i < 10000; i++) {
		char name[16];
		struct wanted w = { name, 1, 1, .assignment_count = 0 };

		snprintf(name, sizeof(name), "topic.%d", i);
		assert_int_equal(create_code(f, &w), WIRE_NONE);
		arena_reset(&f->arena);
	}
	taken = now_ms() - start;
	print_message("10000 topics one after the other: %.0f ms\n", taken);
	assert_int_equal(image_topic_count(f->image), 10000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(names_follow_kafkas_rules),
		TEST(a_collision_ends_with_its_topic),
		TEST(partition_and_replica_counts_are_checked),
		TEST(validate_only_decides_and_writes_nothing),
		TEST(a_new_partition_is_led_by_its_first_live_replica),
		TEST(replicas_are_spread_over_all_brokers),
		TEST(assignments_are_checked),
		TEST(configs_of_new_topics_are_checked),
		TEST(single_configs_are_altered),
		TEST(resources_and_keys_may_be_named_once),
		TEST(altering_all_configs_drops_those_not_named),
		TEST(a_name_that_occurs_twice_is_answered_once),
		TEST(topics_are_deleted_by_name_or_id),
		TEST(topics_grow_and_never_shrink),
		TEST(blocks_of_producer_ids_follow_each_other),
		TEST(a_partition_without_leader_gets_one_that_was_in_sync),
		TEST(many_topics_take_time_that_is_told),
	};

	return cmocka_run_group_tests_name("controller", tests, NULL, NULL);
}
