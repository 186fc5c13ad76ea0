/*
 * regex_test.c - patterns of topics: what they match, what is refused, and
 * that none takes long
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kbrokerd/group/consumer_kit.h"
#include "kbrokerd/group/regex.h"

static bool matches(const char *pattern, const char *name)
{
	struct arena arena = { 0 };
	struct regex *regex;
	const char *wrong;
	bool yes;

	assert_int_equal(regex_new(slice_of(pattern), &arena, &regex, &wrong),
			 0);
	regex_allow(regex, REGEX_STEPS_MORE);
	yes = regex_matches(regex, slice_of(name));
	assert_false(regex_is_exhausted(regex));
	regex_free(regex);
	arena_clear(&arena);
	return yes;
}

static void a_pattern_matches_the_whole_name(void **state)
{
	(void)state;
	assert_true(matches("orders", "orders"));
	assert_false(matches("orders", "orders2"));
	assert_false(matches("rders", "orders"));
	assert_true(matches("o.*s", "orders"));
	assert_true(matches("^o.*s$", "orders"));
	assert_true(matches("a|ab", "ab"));
	assert_true(matches("[a-c]+-\\d{2,3}", "abc-123"));
	assert_true(matches("(?i)ORDERS", "orders"));
	assert_true(matches("(?U)o.*s", "orders"));
	assert_true(matches("(?U-i:o.+)s?", "orders"));
	assert_true(matches("(?:a|b)*?c", "abac"));
	assert_true(matches("(?P<x>a)\\.b", "a.b"));
	assert_true(matches("\\Qa.b\\E", "a.b"));
	assert_false(matches("\\Qa.b\\E", "acb"));
	assert_true(matches("\\pL+", "abc"));
	assert_true(matches("[[:alpha:]]+", "abc"));
	assert_true(matches("[]a]+", "a]"));
	assert_true(matches("\\x41\\101", "AA"));
	assert_true(matches("a{,2}", "a{,2}"));
	assert_false(matches(".+", ""));
}

/* What RE2/J, which Kafka uses, does not know either. */
static void what_is_not_a_pattern_is_refused(void **state)
{
	static const char *const wrong[] = {
		"(",         "a)",      "[a",
		"a**",       "a++",     "a{2}{3}",
		"(?=a)",     "(?!a)",   "(?<=a)",
		"(?<!a)",    "(?>a)",   "(a)\\1",
		"\\",        "*a",      "a{1001}",
		"(?R)",      "(*UTF)a", "(?|a|b)",
		"\\K",       "(?#x)",   "\\R",
		"(?(1)a|b)", "(?C1)a",  "a?+",
		"[b-a]",     "\\pX",    "(((((a{100}){100}){100}){100}){100})",
	};
	struct arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct regex *regex;
		const char *text = NULL;

		assert_int_equal(
			regex_new(slice_of(wrong[i]), &arena, &regex, &text),
			-EINVAL);
		assert_non_null(text);
		assert_null(regex);
	}
	arena_clear(&arena);
}

static void a_pattern_has_a_greatest_length(void **state)
{
	static char text[REGEX_BYTES_MAX + 2];
	struct arena arena = { 0 };
	struct regex *regex;
	const char *wrong;

	(void)state;
	memset(text, 'a', REGEX_BYTES_MAX + 1);
	assert_int_equal(regex_new(slice_of(text), &arena, &regex, &wrong),
			 -EINVAL);
	assert_string_equal(wrong, "expression too large");
	text[REGEX_BYTES_MAX] = '\0';
	assert_int_equal(regex_new(slice_of(text), &arena, &regex, &wrong), 0);
	regex_free(regex);
	arena_clear(&arena);
}

/* Without a limit each of these would take years. */
static void a_hostile_pattern_stops(void **state)
{
	static const char *const hostile[] = {
		"(a+)+[bc]",     "(a|aa)+[bc]",         "((a*)*)*[bc]",
		"(.*a){25}[bc]", "(a?){200}a{200}[bc]", "(x+x+)+y|(a|a?)+[bc]",
	};
	struct arena arena = { 0 };
	char name[250];

	(void)state;
	memset(name, 'a', 249);
	name[249] = '\0';
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct regex *regex;
		const char *wrong;

		assert_int_equal(
			regex_new(slice_of(hostile[i]), &arena, &regex, &wrong),
			0);
		regex_allow(regex, 100000);
		for (int k = 0; k < 1000; k++)
			assert_false(regex_matches(regex, slice_of(name)));
		assert_true(regex_is_exhausted(regex));
		regex_free(regex);
	}
	arena_clear(&arena);
}

static void steps_are_counted_over_all_names(void **state)
{
	struct arena arena = { 0 };
	struct regex *regex;
	const char *wrong;
	int matched = 0;

	(void)state;
	assert_int_equal(regex_new(slice_of("a.*"), &arena, &regex, &wrong), 0);
	regex_allow(regex, 100);
	while (regex_matches(regex, slice_of("abc")))
		matched++;
	assert_in_range(matched, 10, 100);
	assert_true(regex_is_exhausted(regex));
	regex_free(regex);
	arena_clear(&arena);
}

/* In groups */

static struct consumer_client pattern_client(struct group_kit *kit,
					     const char *id,
					     const char *pattern)
{
	struct consumer_client c = consumer_client(kit, id);

	c.topic_count = 0;
	c.pattern = pattern;
	return c;
}

static void members_get_the_topics_that_their_pattern_names(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { pattern_client(kit, "a", "t.*"),
					pattern_client(kit, "b", "t.*") };

	(void)state;
	kit_add_topic(kit, "t1", 2);
	kit_add_topic(kit, "t2", 4);
	kit_add_topic(kit, "u", 2);
	assert_int_equal(consumer_join(&c[0]), WIRE_NONE);
	assert_int_equal(consumer_count(&c[0]), 6);
	assert_int_equal(consumer_join(&c[1]), WIRE_NONE);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 3);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 1);
	assert_true(group_subscribes(consumer_kit_group(kit)->group,
				     slice_of("t2")));
	assert_false(group_subscribes(consumer_kit_group(kit)->group,
				      slice_of("u")));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

static void new_topics_are_found_within_ten_seconds(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t.*");

	(void)state;
	kit_add_topic(kit, "t1", 2);
	consumer_join(&a);
	kit_add_topic(kit, "t2", 2);
	kit_advance_ms(kit, 9999);
	consumer_beat(&a);
	assert_int_equal(consumer_count(&a), 2);
	kit_advance_ms(kit, 1);
	consumer_beat(&a);
	assert_int_equal(consumer_count(&a), 4);

	/* One that goes is not waited for. */
	kit_remove_topic(kit, "t1");
	consumer_settle(&a, 1);
	assert_int_equal(consumer_count(&a), 2);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_pattern_goes_with_its_last_member(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t.*");
	struct consumer_client b = pattern_client(kit, "b", "u.*");

	(void)state;
	kit_add_topic(kit, "t", 2);
	kit_add_topic(kit, "u", 2);
	consumer_join(&a);
	consumer_join(&b);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 2);
	consumer_bye(&b, EPOCH_LEAVE);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 1);

	/* Or when it wants another. */
	a.pattern = "u.*";
	assert_int_equal(consumer_beat_full(&a), WIRE_NONE);
	consumer_settle(&a, 1);
	assert_int_equal(consumer_count(&a), 2);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 1);
	assert_non_null(consumer_find_pattern(consumer_kit_group(kit),
					      slice_of("u.*")));
	a.pattern = "";
	assert_int_equal(consumer_beat_full(&a), WIRE_NONE);
	consumer_settle(&a, 1);
	assert_int_equal(consumer_count(&a), 0);
	assert_null(consumer_kit_group(kit)->patterns);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void names_and_a_pattern_go_together(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	kit_add_topic(kit, "u", 3);
	a.pattern = "u|t";
	consumer_join(&a);
	assert_int_equal(consumer_count(&a), 5);
	consumer_join(&b);
	consumer_beat(&a);
	consumer_beat(&a);
	consumer_beat(&b);
	assert_int_equal(consumer_count(&a), 3);
	assert_int_equal(consumer_count(&b), 2);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_pattern_that_is_none_keeps_the_member_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t(");
	char name[64];

	(void)state;
	assert_int_equal(consumer_join(&a), WIRE_INVALID_REGULAR_EXPRESSION);
	assert_non_null(strstr(a.text, "SubscribedTopicRegex `t(` is not a "
				       "valid regular expression: "));
	assert_null(kit->shard.groups);

	/* Nor does one that would stall everybody. */
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name),
			 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%d", i);
		kit_add_topic(kit, name, 1);
	}
	a.pattern = "(a+)+[bc]";
	assert_int_equal(consumer_join(&a), WIRE_INVALID_REGULAR_EXPRESSION);
	assert_non_null(strstr(a.text, "takes more than"));
	assert_null(kit->shard.groups);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

/* Steps that one heartbeat took. */
static int64_t steps_of(struct consumer_client *c)
{
	int64_t before = c->kit->shard.counters.regex_steps;

	assert_int_equal(consumer_beat(c), WIRE_NONE);
	return c->kit->shard.counters.regex_steps - before;
}

/* Each of them alone takes all the steps that there are for a pattern. */
static void slow_patterns_are_tried_one_at_a_time(void **state)
{
	static const char *const slow[] = { "(a+)+[bc]", "(a+)+[bd]",
					    "(a+)+[be]" };
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[4];
	const int64_t most = REGEX_STEPS_MORE + 4 * REGEX_STEPS_PER_TOPIC +
			     REGEX_STEPS_TO_MAKE * (REGEX_BYTES_MAX + 1000);
	int turns = 0;

	(void)state;
	kit_add_topic(kit, "t1", 1);
	for (int i = 0; i < 3; i++)
		c[i] = pattern_client(kit, slow[i], slow[i]);
	c[3] = pattern_client(kit, "d", "t.*");
	for (int i = 0; i < 4; i++)
		assert_int_equal(consumer_join(&c[i]), WIRE_NONE);
	consumer_settle(c, 4);
	kit_add_topic(kit, "t2", 1);
	kit_add_topic(kit, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1);
	kit_advance_ms(kit, 10000);

	/* The last is tried when the slow ones have been, whoever speaks. */
	while (consumer_count(&c[3]) < 2) {
		assert_in_range(steps_of(&c[turns % 4]), 1, most);
		assert_int_equal(steps_of(&c[3]), 0);
		kit_advance_ms(kit, 500);
		assert_true(++turns < 10);
	}
	assert_in_range(turns, 3, 5);
	assert_int_equal(steps_of(&c[0]), 0);
	kit_assert_replayed(kit, consumer_assert_same);
	for (int i = 0; i < 4; i++)
		consumer_client_clear(&c[i]);
	group_kit_free(kit);
}

static void patterns_are_tried_again_though_nothing_was_heard(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t.*");

	(void)state;
	kit->settings.regex_refresh_ms = 30000;
	kit_add_topic(kit, "t1", 2);
	kit_add_topic(kit, "x2", 2);
	consumer_join(&a);
	assert_int_equal(consumer_count(&a), 2);
	kit->topics->items[1].name[0] = 't';
	kit_advance_ms(kit, 29999);
	assert_int_equal(steps_of(&a), 0);
	kit_advance_ms(kit, 1);
	assert_in_range(steps_of(&a), 1, INT32_MAX);
	assert_int_equal(consumer_count(&a), 4);
	assert_int_equal(steps_of(&a), 0);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void what_was_found_in_vain_is_found_again(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t.*");

	(void)state;
	kit_add_topic(kit, "t1", 2);
	consumer_join(&a);
	kit_add_topic(kit, "t2", 2);
	kit_advance_ms(kit, 10000);
	kit->append_rc = -ENOSPC;
	assert_int_equal(consumer_beat(&a), WIRE_COORDINATOR_NOT_AVAILABLE);
	kit->append_rc = 0;
	kit_advance_ms(kit, 500);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_int_equal(consumer_count(&a), 4);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_pattern_that_nobody_has_goes_in_the_end(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = pattern_client(kit, "a", "t.*");
	struct consumer_group_regular_expression_key key = {
		.group_id = slice_of("g"),
		.regular_expression = slice_of("u.*"),
	};
	struct consumer_group_regular_expression_value value;
	struct group_changes changes;
	struct arena arena = { 0 };

	(void)state;
	wire_init(&consumer_group_regular_expression_value_desc, &value);
	group_changes_init(&changes, &arena);
	group_changes_add(&changes, RECORD_CONSUMER_REGEX, &key, 0, &value);
	kit_add_topic(kit, "t1", 2);
	consumer_join(&a);
	assert_int_equal(group_commit(&kit->shard, &changes, NULL), 0);
	kit_restart(kit);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 2);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 1);
	assert_int_equal(consumer_count(&a), 2);
	kit_assert_replayed(kit, consumer_assert_same);
	arena_clear(&arena);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_pattern_that_nobody_had_stays_for_who_brings_it(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { pattern_client(kit, "a", "t.*"),
					consumer_client(kit, "b") };
	struct consumer_group_regular_expression_key key = {
		.group_id = slice_of("g"),
		.regular_expression = slice_of("u.*"),
	};
	struct consumer_group_regular_expression_value value;
	struct group_changes changes;
	struct arena arena = { 0 };

	(void)state;
	wire_init(&consumer_group_regular_expression_value_desc, &value);
	group_changes_init(&changes, &arena);
	group_changes_add(&changes, RECORD_CONSUMER_REGEX, &key, 0, &value);
	kit_add_topic(kit, "t1", 2);
	kit_add_topic(kit, "u1", 3);
	consumer_join(&c[0]);
	assert_int_equal(group_commit(&kit->shard, &changes, NULL), 0);
	kit_restart(kit);
	c[0].pattern = "u.*";
	assert_int_equal(consumer_beat_full(&c[0]), WIRE_NONE);
	/* The next target, for whatever reason, has its topics still. */
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 3);
	kit_assert_replayed(kit, consumer_assert_same);
	arena_clear(&arena);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pattern_matches_the_whole_name),
		cmocka_unit_test(what_is_not_a_pattern_is_refused),
		cmocka_unit_test(a_pattern_has_a_greatest_length),
		cmocka_unit_test(a_hostile_pattern_stops),
		cmocka_unit_test(steps_are_counted_over_all_names),
		cmocka_unit_test(
			members_get_the_topics_that_their_pattern_names),
		cmocka_unit_test(new_topics_are_found_within_ten_seconds),
		cmocka_unit_test(a_pattern_goes_with_its_last_member),
		cmocka_unit_test(names_and_a_pattern_go_together),
		cmocka_unit_test(a_pattern_that_is_none_keeps_the_member_out),
		cmocka_unit_test(slow_patterns_are_tried_one_at_a_time),
		cmocka_unit_test(
			patterns_are_tried_again_though_nothing_was_heard),
		cmocka_unit_test(what_was_found_in_vain_is_found_again),
		cmocka_unit_test(a_pattern_that_nobody_has_goes_in_the_end),
		cmocka_unit_test(
			a_pattern_that_nobody_had_stays_for_who_brings_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
