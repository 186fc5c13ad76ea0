/*
 * controller_features_test.c - levels of features rise and fall
 */
#include "controller_kit.h"

#include "kbrokerd/metadata/feature_level.h"

enum { UPDATE_FEATURES = 57 };
enum { UPGRADE = 1, SAFE = 2, UNSAFE = 3 };

struct wish {
	const char *feature;
	int16_t level;
	int8_t type;
};

static int16_t update_all(struct controller_kit *k, int version,
			  const struct wish *wishes, size_t count,
			  bool validate_only,
			  struct update_features_response *response)
{
	struct update_features_request_feature_updates updates[4];
	struct update_features_request request;

	assert_true(count <= ARRAY_LEN(updates));
	wire_init(&update_features_request_desc, &request);
	for (size_t i = 0; i < count; i++) {
		wire_init(&update_features_request_feature_updates_desc,
			  &updates[i]);
		updates[i].feature = slice_of(wishes[i].feature);
		updates[i].max_version_level = wishes[i].level;
		updates[i].upgrade_type = wishes[i].type;
	}
	request.feature_updates = updates;
	request.feature_updates_count = (int32_t)count;
	request.validate_only = validate_only;
	controller_kit_decide(k, UPDATE_FEATURES, (int16_t)version, &request,
			      response);
	return response->error_code;
}

static int16_t update(struct controller_kit *k, const char *feature,
		      int16_t level, int8_t type)
{
	const struct wish wish = { feature, level, type };
	struct update_features_response response;

	return update_all(k, 2, &wish, 1, false, &response);
}

static void a_feature_falls_when_that_is_asked_for(void **state)
{
	struct controller_kit *k = *state;

	assert_int_equal(update(k, "group.version", 0, UPGRADE),
			 WIRE_INVALID_UPDATE_VERSION);
	assert_int_equal(feature_level(k->image, "group.version"), 1);
	assert_int_equal(update(k, "group.version", 0, SAFE), WIRE_NONE);
	assert_int_equal(feature_level(k->image, "group.version"), 0);
	assert_int_equal(update(k, "group.version", 1, UPGRADE), WIRE_NONE);
	assert_int_equal(feature_level(k->image, "group.version"), 1);
	assert_int_equal(update(k, "transaction.version", 1, UNSAFE),
			 WIRE_NONE);
	assert_int_equal(feature_level(k->image, "transaction.version"), 1);
}

static void what_there_is_not_is_refused(void **state)
{
	static const struct wish cases[] = {
		{ "group.version", 2, UPGRADE },
		{ "group.version", -1, SAFE },
		{ "group.version", 0, 0 },
		{ "group.version", 0, 4 },
		{ "metadata.version", 30, UPGRADE },
		{ "metadata.version", 6, SAFE },
		{ "metadata.version", 0, SAFE },
		{ "no.such", 1, UPGRADE },
		{ "no.such", 0, SAFE },
		{ "", 1, UPGRADE },
		{ "kraft.version", 2, UPGRADE },
		{ "kraft.version", 1, SAFE },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(update(*state, cases[i].feature,
					cases[i].level, cases[i].type),
				 WIRE_INVALID_UPDATE_VERSION);
}

/* The quorum's own: no record of the controller's says it. */
static void the_quorum_is_to_keep_its_voters(void **state)
{
	const struct wish wish = { "kraft.version", 1, UPGRADE };
	struct update_features_response response;
	struct controller_kit *k = *state;

	assert_int_equal(update_all(k, 2, &wish, 1, true, &response),
			 WIRE_NONE);
	assert_false(k->wants_voters);
	assert_int_equal(update_all(k, 2, &wish, 1, false, &response),
			 WIRE_NONE);
	assert_true(k->wants_voters);
	assert_int_equal(image_feature(k->image, "kraft.version"), 0);
}

static void metadata_falls_as_far_as_no_record_is_lost(void **state)
{
	struct controller_kit *k = *state;

	assert_int_equal(update(k, "metadata.version", 22, SAFE),
			 WIRE_INVALID_UPDATE_VERSION);
	assert_int_equal(update(k, "metadata.version", 22, UNSAFE),
			 WIRE_INVALID_UPDATE_VERSION);
	assert_int_equal(update(k, "metadata.version", 23, SAFE), WIRE_NONE);
	assert_int_equal(feature_level(k->image, "metadata.version"), 23);
	assert_int_equal(update(k, "metadata.version", 29, UPGRADE), WIRE_NONE);
	assert_int_equal(feature_level(k->image, "metadata.version"), 29);
}

static void one_wrong_level_fails_them_all(void **state)
{
	static const struct wish wishes[] = { { "group.version", 0, SAFE },
					      { "no.such", 1, UPGRADE } };
	struct update_features_response response;
	struct controller_kit *k = *state;

	assert_int_equal(update_all(k, 1, wishes, 2, false, &response),
			 WIRE_INVALID_UPDATE_VERSION);
	assert_int_equal(response.results_count, 0);
	assert_int_equal(feature_level(k->image, "group.version"), 1);
}

static void older_versions_are_told_of_each_feature(void **state)
{
	static const struct wish wishes[] = { { "group.version", 0, SAFE },
					      { "share.version", 0, SAFE } };
	struct update_features_response response;
	struct controller_kit *k = *state;

	assert_int_equal(update_all(k, 1, wishes, 2, true, &response),
			 WIRE_NONE);
	assert_int_equal(response.results_count, 2);
	assert_true(slice_is(response.results[1].feature, "share.version"));
	assert_int_equal(feature_level(k->image, "group.version"), 1);
	assert_int_equal(update_all(k, 2, wishes, 2, false, &response),
			 WIRE_NONE);
	assert_int_equal(response.results_count, 0);
	assert_int_equal(feature_level(k->image, "group.version"), 0);
	assert_int_equal(feature_level(k->image, "share.version"), 0);
}

static void later_updates_of_a_request_see_the_earlier(void **state)
{
	static const struct wish wishes[] = {
		{ "eligible.leader.replicas.version", 0, SAFE },
		{ "eligible.leader.replicas.version", 1, UPGRADE },
	};
	struct update_features_response response;
	struct controller_kit *k = *state;

	assert_int_equal(update_all(k, 2, wishes, 2, false, &response),
			 WIRE_NONE);
	assert_int_equal(
		feature_level(k->image, "eligible.leader.replicas.version"), 1);
}

static void set_min_isr(struct controller_kit *k, const char *broker,
			const char *value)
{
	struct controller c = controller_kit_core(k);
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = WIRE_CONFIG_RESOURCE_TYPE_BROKER;
	r.resource_name = slice_of(broker);
	r.name = slice_of("min.insync.replicas");
	r.value = slice_of(value);
	controller_add(&c, &config_record_desc, &r);
	controller_kit_commit(k);
}

static void eligible_leaders_take_the_in_sync_number_along(void **state)
{
	struct controller_kit *k = *state;

	assert_int_equal(update(k, "eligible.leader.replicas.version", 0, SAFE),
			 WIRE_NONE);
	set_min_isr(k, "1", "3");
	set_min_isr(k, "", NULL);
	assert_int_equal(
		properties_set(&k->properties, "min.insync.replicas", "2", "t"),
		0);
	assert_int_equal(
		update(k, "eligible.leader.replicas.version", 1, UPGRADE),
		WIRE_NONE);
	assert_null(image_configs(k->image, WIRE_CONFIG_RESOURCE_TYPE_BROKER,
				  slice_of("1")));
	assert_string_equal(
		config_set_get(image_configs(k->image,
					     WIRE_CONFIG_RESOURCE_TYPE_BROKER,
					     slice_of("")),
			       "min.insync.replicas"),
		"2");
}

#define KIT_TEST(f)                                                            \
	cmocka_unit_test_setup_teardown(f, controller_kit_setup,               \
					controller_kit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(a_feature_falls_when_that_is_asked_for),
		KIT_TEST(what_there_is_not_is_refused),
		KIT_TEST(the_quorum_is_to_keep_its_voters),
		KIT_TEST(metadata_falls_as_far_as_no_record_is_lost),
		KIT_TEST(one_wrong_level_fails_them_all),
		KIT_TEST(older_versions_are_told_of_each_feature),
		KIT_TEST(later_updates_of_a_request_see_the_earlier),
		KIT_TEST(eligible_leaders_take_the_in_sync_number_along),
	};

	return cmocka_run_group_tests_name("controller_features", tests, NULL,
					   NULL);
}
