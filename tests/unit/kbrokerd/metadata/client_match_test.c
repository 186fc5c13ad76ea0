/*
 * client_match_test.c - clients are found by what they say of themselves
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/metadata/client_match.h"

static struct client_match *made(const char *text)
{
	struct client_match *match = NULL;
	struct slice wrong = SLICE_NULL;

	assert_int_equal(client_match_new(text, &match, &wrong), 0);
	assert_non_null(match);
	return match;
}

/* Of a client that calls itself id and is librdkafka 2.3.0. */
static bool matches(const char *text, const char *id)
{
	const struct slice values[CLIENT_SELECTOR_COUNT] = {
		[CLIENT_INSTANCE_ID] = slice_of("instance"),
		[CLIENT_ID] = slice_of(id),
		[CLIENT_SOFTWARE_NAME] = slice_of("librdkafka"),
		[CLIENT_SOFTWARE_VERSION] = slice_of("2.3.0"),
		[CLIENT_SOURCE_ADDRESS] = slice_of("10.0.0.7"),
		[CLIENT_SOURCE_PORT] = slice_of("40000"),
	};
	struct client_match *match = made(text);
	bool has = client_match_has(match, values);

	client_match_free(match);
	return has;
}

static void nothing_asked_is_anybody(void **state)
{
	(void)state;
	assert_true(matches("", "app"));
	assert_true(matches(" ", "app"));
	assert_true(matches("", ""));
}

static void a_pattern_matches_the_whole_value(void **state)
{
	(void)state;
	assert_true(matches("client_id=app", "app"));
	assert_false(matches("client_id=app", "app2"));
	assert_false(matches("client_id=pp", "app"));
	assert_true(matches("client_id=app.*", "app2"));
	assert_true(matches("client_id=a|app", "app"));
	assert_true(matches("client_id=app\\d+", "app17"));
}

static void all_selectors_must_match(void **state)
{
	(void)state;
	assert_true(matches("client_id=app,client_software_name=librdkafka,"
			    "client_software_version=2\\..*,"
			    "client_source_address=10\\.0\\.0\\.\\d,"
			    "client_source_port=[0-9]+,"
			    "client_instance_id=i.*",
			    "app"));
	assert_false(matches("client_id=app,client_software_name=java", "app"));
}

static void blanks_do_not_count(void **state)
{
	(void)state;
	assert_true(
		matches(" client_id = app , client_source_port = .* ", "app"));
}

static void the_last_pattern_of_a_selector_counts(void **state)
{
	(void)state;
	assert_true(matches("client_id=no,client_id=app", "app"));
	assert_false(matches("client_id=app,client_id=no", "app"));
}

static void a_client_without_the_value_has_the_empty_one(void **state)
{
	const struct slice nothing[CLIENT_SELECTOR_COUNT] = { { NULL, 0 } };
	struct client_match *match = made("client_id=.*");

	(void)state;
	assert_true(client_match_has(match, nothing));
	client_match_free(match);
	match = made("client_id=.+");
	assert_false(client_match_has(match, nothing));
	client_match_free(match);
}

static void what_is_no_match_is_refused_and_told(void **state)
{
	static const struct {
		const char *text, *wrong;
	} cases[] = {
		{ "nonsense", "nonsense" },
		{ "client_id=", "client_id=" },
		{ "=a", "=a" },
		{ "no_such=a", "no_such=a" },
		{ "client_id=a=b", "client_id=a=b" },
		{ "client_id=[", "client_id=[" },
		{ "client_id=a, client_id=(", "client_id=(" },
		{ "client_id=a,,client_id=b", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_match *match = NULL;
		struct slice wrong = SLICE_NULL;

		assert_int_equal(
			client_match_new(cases[i].text, &match, &wrong),
			-EINVAL);
		assert_null(match);
		assert_true(slice_is(wrong, cases[i].wrong));
	}
}

static void a_pattern_that_never_ends_does_not_match(void **state)
{
	char value[65];

	(void)state;
	memset(value, 'a', 64);
	value[64] = '\0';
	assert_false(matches("client_id=(a+)+b", value));
	assert_false(matches("client_id=(.*)(.*)(.*)(.*)(.*)x", value));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_asked_is_anybody),
		cmocka_unit_test(a_pattern_matches_the_whole_value),
		cmocka_unit_test(all_selectors_must_match),
		cmocka_unit_test(blanks_do_not_count),
		cmocka_unit_test(the_last_pattern_of_a_selector_counts),
		cmocka_unit_test(a_client_without_the_value_has_the_empty_one),
		cmocka_unit_test(what_is_no_match_is_refused_and_told),
		cmocka_unit_test(a_pattern_that_never_ends_does_not_match),
	};

	return cmocka_run_group_tests_name("client_match", tests, NULL, NULL);
}
