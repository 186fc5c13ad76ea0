/*
 * quotas_test.c - client quotas are set, told and checked
 */
#include "metadata_kit.h"

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/image_quotas.h"

enum { ALTER_CLIENT_QUOTAS = 49, PARTS_MAX = 4, OPS_MAX = 3, REMOVE = -1 };

typedef struct alter_client_quotas_request_entries_entity part;
typedef struct alter_client_quotas_request_entries_ops op;

struct fixture {
	const struct image *image;
	struct record_list records;
	struct arena arena;
	int64_t next_offset;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct image *image = image_edit_begin(NULL);

	assert_non_null(f);
	assert_int_equal(image_edit_end(image, 0, 1, 5), 0);
	f->image = image;
	f->next_offset = 1;
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

static void commit(struct fixture *f)
{
	struct image *image = image_edit_begin(f->image);
	struct arena scratch = { 0 };

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

/* What is asked for one entity: rows with type NULL and key NULL end them;
 * a name NULL is the default. */
struct wanted {
	struct {
		const char *type, *name;
	} parts[PARTS_MAX];
	struct {
		const char *key;
		double value; /* REMOVE: the key is removed */
	} ops[OPS_MAX];
};

static void fill(struct fixture *f,
		 struct alter_client_quotas_request_entries *to,
		 const struct wanted *w)
{
	to->entity = arena_calloc(&f->arena, PARTS_MAX, sizeof(part));
	to->ops = arena_calloc(&f->arena, OPS_MAX, sizeof(op));
	for (int i = 0; i < PARTS_MAX && w->parts[i].type != NULL; i++) {
		to->entity[i].entity_type = slice_of(w->parts[i].type);
		to->entity[i].entity_name = slice_of(w->parts[i].name);
		to->entity_count++;
	}
	for (int i = 0; i < OPS_MAX && w->ops[i].key != NULL; i++) {
		to->ops[i].key = slice_of(w->ops[i].key);
		to->ops[i].value = w->ops[i].value;
		to->ops[i].remove = w->ops[i].value < 0;
		to->ops_count++;
	}
}

/* Returns how many records came of it. */
static size_t alter(struct fixture *f, const struct wanted *wanted,
		    int32_t count, bool validate_only,
		    struct alter_client_quotas_response *response)
{
	struct alter_client_quotas_request request = {
		.entries_count = count,
		.validate_only = validate_only,
	};
	struct controller c = { .image = f->image, .records = &f->records };
	struct metadata_change change = {
		.api_key = ALTER_CLIENT_QUOTAS,
		.version = 1,
		.request = &request,
		.response = response,
		.arena = &f->arena,
	};
	size_t records;

	request.entries = arena_calloc(&f->arena, (size_t)count,
				       sizeof(*request.entries));
	for (int32_t i = 0; i < count; i++)
		fill(f, &request.entries[i], &wanted[i]);
	assert_int_equal(controller_decide(&c, &change), 0);
	records = f->records.count;
	commit(f);
	return records;
}

static void assert_refused(struct fixture *f, struct wanted w, const char *text)
{
	struct alter_client_quotas_response response;

	assert_int_equal(alter(f, &w, 1, false, &response), 0);
	assert_int_equal(response.entries_count, 1);
	assert_int_equal(response.entries[0].error_code, WIRE_INVALID_REQUEST);
	assert_true(slice_is(response.entries[0].error_message, text));
}

static void what_cannot_be_is_refused_as_by_kafka(void **state)
{
	static const struct {
		struct wanted wanted;
		const char *text;
	} rows[] = {
		{ { { { NULL, NULL } }, { { "producer_byte_rate", 1 } } },
		  "Invalid empty client quota entity" },
		{ { { { "group", "g" } }, { { "producer_byte_rate", 1 } } },
		  "Unhandled client quota entity type: group" },
		{ { { { "user", "" } }, { { "producer_byte_rate", 1 } } },
		  "Empty user not supported" },
		{ { { { "ip", "1.2.3.4" }, { "user", "u" } },
		    { { "connection_creation_rate", 1 } } },
		  "Invalid quota entity combination, IP entity should"
		  "not be combined with User or ClientId" },
		{ { { { "ip", "no address" } },
		    { { "connection_creation_rate", 1 } } },
		  "no address is not a valid IP or resolvable host." },
		{ { { { "user", "u" } },
		    { { "connection_creation_rate", 1 } } },
		  "Invalid configuration key connection_creation_rate" },
		{ { { { "ip", NULL } }, { { "producer_byte_rate", 1 } } },
		  "Invalid configuration key producer_byte_rate" },
		{ { { { "user", "u" } }, { { "speed", 1 } } },
		  "Invalid configuration key speed" },
		{ { { { "user", "u" } }, { { "producer_byte_rate", 0 } } },
		  "Quota producer_byte_rate must be greater than 0" },
		{ { { { "user", "u" } }, { { "producer_byte_rate", 1.5 } } },
		  "producer_byte_rate cannot be a fractional value." },
		{ { { { "user", "u" } }, { { "producer_byte_rate", 1e19 } } },
		  "Proposed value for producer_byte_rate is too large for a "
		  "LONG." },
		{ { { { "ip", NULL } },
		    { { "connection_creation_rate", 3e9 } } },
		  "Proposed value for connection_creation_rate is too large "
		  "for an INT." },
		{ { { { "user", "u" } },
		    { { "producer_byte_rate", 1 },
		      { "producer_byte_rate", 2 } } },
		  "Ignoring duplicate entity "
		  "ClientQuotaEntity(entries={user=u})" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(*state, rows[i].wanted, rows[i].text);
}

static double value_of(struct fixture *f, const char *user,
		       const char *client_id, const char *key)
{
	struct quota_entity e = {
		.has = { [QUOTA_USER] = true, [QUOTA_CLIENT_ID] = true },
		.name = { [QUOTA_USER] = slice_of(user),
			  [QUOTA_CLIENT_ID] = slice_of(client_id) },
	};
	double value = -1;

	image_quota(f->image, &e, slice_of(key), &value);
	return value;
}

static void what_changes_becomes_a_record(void **state)
{
	struct wanted w = { { { "client-id", "c" }, { "user", NULL } },
			    { { "producer_byte_rate", 10 },
			      { "request_percentage", 0.5 } } };
	struct alter_client_quotas_response response;
	struct fixture *f = *state;

	assert_int_equal(alter(f, &w, 1, true, &response), 0);
	assert_int_equal(response.entries[0].error_code, WIRE_NONE);
	assert_int_equal(alter(f, &w, 1, false, &response), 2);
	assert_int_equal((int)value_of(f, NULL, "c", "producer_byte_rate"), 10);
	w.ops[0].value = 11;
	assert_int_equal(alter(f, &w, 1, false, &response), 1);
	assert_int_equal((int)value_of(f, NULL, "c", "producer_byte_rate"), 11);
	w.ops[0].value = REMOVE;
	assert_int_equal(alter(f, &w, 1, false, &response), 1);
	assert_int_equal(alter(f, &w, 1, false, &response), 0);
	assert_int_equal((int)value_of(f, NULL, "c", "producer_byte_rate"), -1);
	assert_int_equal(
		(int)(value_of(f, NULL, "c", "request_percentage") * 2), 1);
}

/* The first of an entity counts; its answer tells of the second. */
static void an_entity_that_occurs_twice_is_answered_once(void **state)
{
	const struct wanted twice[] = {
		{ { { "user", "u" }, { "client-id", "c" } },
		  { { "producer_byte_rate", 10 } } },
		{ { { "client-id", "c" }, { "user", "u" } },
		  { { "producer_byte_rate", 20 } } },
	};
	struct alter_client_quotas_response response;
	struct fixture *f = *state;

	assert_int_equal(alter(f, twice, 2, false, &response), 1);
	assert_int_equal(response.entries_count, 1);
	assert_int_equal(response.entries[0].error_code, WIRE_INVALID_REQUEST);
	assert_int_equal((int)value_of(f, "u", "c", "producer_byte_rate"), 10);
}

static bool refuse(void *arg, int32_t partitions)
{
	*(int32_t *)arg += partitions;
	return false;
}

static void a_change_beyond_its_quota_is_refused(void **state)
{
	struct fixture *f = *state;
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;
	struct seeded_random random;
	struct controller_node node = { .node_id = 1,
					.endpoints = &kit_endpoint,
					.endpoint_count = 1 };
	int32_t asked = 0;
	struct metadata_change change = { .api_key = 19,
					  .version = 7,
					  .request = &request,
					  .response = &response,
					  .arena = &f->arena,
					  .permit = refuse,
					  .arg = &asked };
	struct controller c = { .image = f->image,
				.records = &f->records,
				.random = &random.random,
				.change = &change };

	seeded_random_init(&random, 1);
	controller_register(&c, &node, f->next_offset);
	commit(f);
	c.image = f->image;
	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of("t");
	topic.num_partitions = 7;
	topic.replication_factor = 1;
	request.topics = &topic;
	request.topics_count = 1;
	assert_int_equal(controller_decide(&c, &change), 0);
	assert_int_equal(asked, 7);
	assert_int_equal(response.topics[0].error_code,
			 WIRE_THROTTLING_QUOTA_EXCEEDED);
	assert_int_equal(f->records.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_cannot_be_is_refused_as_by_kafka),
		TEST(what_changes_becomes_a_record),
		TEST(an_entity_that_occurs_twice_is_answered_once),
		TEST(a_change_beyond_its_quota_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
