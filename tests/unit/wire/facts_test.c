/*
 * facts_test.c - errors, enums, features and configurations
 */
#include "wire/errors.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/config_defs.h"
#include "wire/enums.h"
#include "wire/features.h"

static void errors_have_names_texts_and_classes(void **state)
{
	(void)state;
	assert_int_equal(WIRE_NONE, 0);
	assert_int_equal(WIRE_UNKNOWN_SERVER_ERROR, -1);
	assert_int_equal(WIRE_OFFSET_OUT_OF_RANGE, 1);
	assert_string_equal(wire_error_name(1), "OFFSET_OUT_OF_RANGE");
	assert_string_equal(wire_error_name(-1), "UNKNOWN_SERVER_ERROR");
	assert_string_equal(wire_error_text(0), "success");
	assert_true(wire_error_is_retriable(WIRE_NOT_LEADER_OR_FOLLOWER));
	assert_false(wire_error_is_retriable(WIRE_NONE));
	assert_true(wire_error_is_fatal(WIRE_SASL_AUTHENTICATION_FAILED));
	assert_false(wire_error_is_fatal(WIRE_NOT_LEADER_OR_FOLLOWER));
}

static void an_unknown_error_has_no_name(void **state)
{
	static const int16_t codes[] = { -2, INT16_MIN, 1000, INT16_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_null(wire_error_name(codes[i]));
		assert_null(wire_error_text(codes[i]));
		assert_false(wire_error_is_retriable(codes[i]));
		assert_false(wire_error_is_fatal(codes[i]));
	}
}

static void enums_are_numbers_or_texts(void **state)
{
	(void)state;
	assert_int_equal(WIRE_ISOLATION_LEVEL_READ_COMMITTED, 1);
	assert_int_equal(WIRE_LIST_OFFSETS_TIMESTAMP_EARLIEST, -2);
	assert_int_equal(WIRE_CONFIG_RESOURCE_TYPE_GROUP, 32);
	assert_string_equal(WIRE_GROUP_STATE_STABLE, "Stable");
}

static void features_have_their_levels(void **state)
{
	const struct feature_def *metadata =
		feature_def_find("metadata.version");
	const struct feature_def *transactions =
		feature_def_find("transaction.version");
	size_t count;

	(void)state;
	feature_defs(&count);
	assert_int_equal(count, 7);
	assert_int_equal(metadata->min_level, 7);
	assert_int_equal(metadata->default_level, 29);
	assert_int_equal(metadata->levels[29 - 7].level, 29);
	assert_int_equal(transactions->levels[2].metadata_version, 24);
	assert_int_equal(transactions->levels[0].metadata_version, -1);
	assert_null(feature_def_find("metadata"));
}

static void config_rows_are_found_by_scope_and_name(void **state)
{
	const struct config_def *policy =
		config_def_find(CONFIG_TOPIC, "cleanup.policy");
	const struct config_def *retention =
		config_def_find(CONFIG_TOPIC, "retention.ms");
	const struct config_def *threads =
		config_def_find(CONFIG_BROKER, "num.network.threads");

	(void)state;
	assert_int_equal(policy->type, CONFIG_TYPE_LIST);
	assert_string_equal(policy->default_value, "delete");
	assert_int_equal(policy->update, CONFIG_UPDATE_NONE);
	assert_int_equal(retention->synonym_count, 3);
	assert_string_equal(retention->synonyms[0].name, "log.retention.ms");
	assert_int_equal(retention->synonyms[0].factor, 1);
	assert_int_equal(retention->synonyms[2].factor, 3600000);
	assert_int_equal(threads->update, CONFIG_UPDATE_CLUSTER);
	assert_null(config_def_find(CONFIG_TOPIC, "num.network.threads"));
	assert_null(config_def_find(CONFIG_TOPIC, ""));
}

static void every_config_row_is_found_and_ascends(void **state)
{
	size_t total = 0;

	(void)state;
	for (int scope = CONFIG_TOPIC; scope <= CONFIG_BROKER; scope++) {
		enum config_scope s = (enum config_scope)scope;
		size_t count;
		const struct config_def *defs = config_defs(s, &count);

		assert_true(count > 0);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(defs[i].scope, s);
			assert_ptr_equal(config_def_find(s, defs[i].name),
					 &defs[i]);
			assert_true(i == 0 ||
				    strcmp(defs[i - 1].name, defs[i].name) < 0);
		}
		total += count;
	}
	assert_true(total > 250);
}

static void every_default_passes_its_own_check(void **state)
{
	(void)state;
	for (int scope = CONFIG_TOPIC; scope <= CONFIG_BROKER; scope++) {
		size_t count;
		const struct config_def *defs =
			config_defs((enum config_scope)scope, &count);

		for (size_t i = 0; i < count; i++) {
			char text[200] = "";

			if (defs[i].default_value == NULL)
				continue;
			if (config_value_check(&defs[i], defs[i].default_value,
					       text, sizeof(text)) != 0)
				fail_msg("%s: %s", defs[i].name, text);
		}
	}
}

static void values_are_checked_by_type_and_range(void **state)
{
	static const struct {
		const char *name, *value;
		int want;
	} cases[] = {
		{ "retention.ms", "-1", 0 },
		{ "retention.ms", " 1000 ", 0 },
		{ "retention.ms", "-2", -EINVAL },
		{ "retention.ms", "", -EINVAL },
		{ "retention.ms", "1h", -EINVAL },
		{ "retention.ms", "9223372036854775807", 0 },
		{ "retention.ms", "9223372036854775808", -EINVAL },
		{ "segment.bytes", "1048576", 0 },
		{ "segment.bytes", "1048575", -EINVAL },
		{ "segment.bytes", "2147483648", -EINVAL },
		{ "compression.gzip.level", "-1", 0 },
		{ "compression.gzip.level", "0", -EINVAL },
		{ "compression.gzip.level", "9", 0 },
		{ "compression.gzip.level", "10", -EINVAL },
		{ "min.cleanable.dirty.ratio", "0.75", 0 },
		{ "min.cleanable.dirty.ratio", "1.5", -EINVAL },
		{ "min.cleanable.dirty.ratio", "nan", -EINVAL },
		{ "min.cleanable.dirty.ratio", "x", -EINVAL },
		{ "preallocate", "true", 0 },
		{ "preallocate", "False", 0 },
		{ "preallocate", "yes", -EINVAL },
		{ "cleanup.policy", "compact", 0 },
		{ "cleanup.policy", "compact, delete", 0 },
		{ "cleanup.policy", "compact,", -EINVAL },
		{ "cleanup.policy", "comp", -EINVAL },
		{ "message.timestamp.type", "LogAppendTime", 0 },
		{ "message.timestamp.type", "CreateTime,LogAppendTime",
		  -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200] = "";
		int rc = config_value_check(
			config_def_find(CONFIG_TOPIC, cases[i].name),
			cases[i].value, text, sizeof(text));

		if (rc != cases[i].want)
			fail_msg("%s=%s: %d %s", cases[i].name, cases[i].value,
				 rc, text);
		assert_int_equal(rc != 0, text[0] != '\0');
	}
}

static void a_wrong_value_is_told_in_words(void **state)
{
	static const struct {
		const char *name, *value, *want;
	} cases[] = {
		{ "segment.bytes", "5", "5 is less than 1048576" },
		{ "segment.bytes", "2147483648",
		  "2147483648 is not from -2147483648 to 2147483647" },
		{ "compression.lz4.level", "18", "18 is not from 1 to 17" },
		{ "compression.gzip.level", "0",
		  "0 is neither -1 nor from 1 to 9" },
		{ "compression.zstd.level", "23",
		  "23 is not from -131072 to 22" },
		{ "cleanup.policy", "delete,x",
		  "'x' is not one of compact, delete" },
		{ "message.timestamp.type", "now",
		  "'now' is not one of CreateTime, LogAppendTime" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[200] = "";

		assert_int_equal(
			config_value_check(
				config_def_find(CONFIG_TOPIC, cases[i].name),
				cases[i].value, text, sizeof(text)),
			-EINVAL);
		assert_string_equal(text, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_names_texts_and_classes),
		cmocka_unit_test(an_unknown_error_has_no_name),
		cmocka_unit_test(enums_are_numbers_or_texts),
		cmocka_unit_test(features_have_their_levels),
		cmocka_unit_test(config_rows_are_found_by_scope_and_name),
		cmocka_unit_test(every_config_row_is_found_and_ascends),
		cmocka_unit_test(every_default_passes_its_own_check),
		cmocka_unit_test(values_are_checked_by_type_and_range),
		cmocka_unit_test(a_wrong_value_is_told_in_words),
	};

	return cmocka_run_group_tests_name("facts", tests, NULL, NULL);
}
