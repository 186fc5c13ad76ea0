/*
 * config_show_test.c - values are shown as Kafka writes them, lists change
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/metadata/config_draft.h"
#include "kbrokerd/metadata/config_show.h"

static void a_value_is_shown_as_it_was_understood(void **state)
{
	static const struct {
		enum config_type type;
		const char *value, *want;
	} cases[] = {
		{ CONFIG_TYPE_LONG, " 5000 ", "5000" },
		{ CONFIG_TYPE_INT, "+5", "5" },
		{ CONFIG_TYPE_SHORT, "-007", "-7" },
		{ CONFIG_TYPE_BOOLEAN, " TRUE ", "true" },
		{ CONFIG_TYPE_BOOLEAN, "False", "false" },
		{ CONFIG_TYPE_STRING, " gzip ", "gzip" },
		{ CONFIG_TYPE_STRING, "gzip", "gzip" },
		{ CONFIG_TYPE_LIST, " delete , compact,delete ",
		  "delete,compact" },
		{ CONFIG_TYPE_LIST, "", "" },
		{ CONFIG_TYPE_DOUBLE, "0.50", "0.5" },
		{ CONFIG_TYPE_DOUBLE, "1e-1", "0.1" },
		{ CONFIG_TYPE_DOUBLE, "1", "1.0" },
		{ CONFIG_TYPE_DOUBLE, "0", "0.0" },
		{ CONFIG_TYPE_DOUBLE, "123456.75", "123456.75" },
		{ CONFIG_TYPE_DOUBLE, "0.0001", "1.0E-4" },
		{ CONFIG_TYPE_DOUBLE, "10000000", "1.0E7" },
		{ CONFIG_TYPE_DOUBLE, "1.7976931348623157e+308",
		  "1.7976931348623157E308" },
		{ CONFIG_TYPE_DOUBLE, "1e999", "Infinity" },
		{ CONFIG_TYPE_DOUBLE, "-Infinity", "-Infinity" },
		{ CONFIG_TYPE_DOUBLE, "NaN", "NaN" },
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct config_def def = { .type = cases[i].type };

		assert_string_equal(config_show(&def, cases[i].value, &arena),
				    cases[i].want);
	}
	arena_clear(&arena);
}

static void secrets_and_what_nobody_knows_are_not_shown(void **state)
{
	const struct config_def def = { .type = CONFIG_TYPE_PASSWORD };
	struct arena arena = { 0 };

	(void)state;
	assert_null(config_show(&def, "secret", &arena));
	assert_null(config_show(NULL, "5", &arena));
	arena_clear(&arena);
}

static void words_are_appended_and_taken_off_once(void **state)
{
	struct arena arena = { 0 };

	(void)state;
	assert_string_equal(config_list_append("a,b", " b , c,c", &arena),
			    "a,b,c");
	assert_string_equal(config_list_append("", "a", &arena), "a");
	assert_string_equal(config_list_subtract("a, b,c", "b", &arena), "a,c");
	assert_string_equal(config_list_subtract("a", " a ", &arena), "");
	assert_string_equal(config_list_subtract("ab", "a", &arena), "ab");
	arena_clear(&arena);
}

static void a_draft_stays_sorted(void **state)
{
	static const struct config_entry entries[] = { { "b", "1" },
						       { "d", "2" } };
	const struct config_set from = { 2, entries };
	struct arena arena = { 0 };
	struct config_draft draft;

	(void)state;
	assert_int_equal(config_draft_init(&draft, &from, 3, &arena), 0);
	config_draft_put(&draft, "c", "3");
	config_draft_put(&draft, "a", "4");
	config_draft_put(&draft, "e", "5");
	config_draft_put(&draft, "d", "6");
	config_draft_put(&draft, "b", NULL);
	config_draft_put(&draft, "x", NULL);
	assert_int_equal(draft.count, 4);
	for (size_t i = 1; i < draft.count; i++)
		assert_true(strcmp(draft.entries[i - 1].name,
				   draft.entries[i].name) < 0);
	assert_string_equal(config_draft_get(&draft, "d"), "6");
	assert_null(config_draft_get(&draft, "b"));
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_shown_as_it_was_understood),
		cmocka_unit_test(secrets_and_what_nobody_knows_are_not_shown),
		cmocka_unit_test(words_are_appended_and_taken_off_once),
		cmocka_unit_test(a_draft_stays_sorted),
	};

	return cmocka_run_group_tests_name("config_show", tests, NULL, NULL);
}
