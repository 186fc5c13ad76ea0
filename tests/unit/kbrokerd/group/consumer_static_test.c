/*
 * consumer_static_test.c - static members of a consumer group (KIP-345,
 * KIP-848)
 */
#include "kbrokerd/group/consumer_kit.h"

static struct consumer_client static_client(struct group_kit *kit,
					    const char *id,
					    const char *instance)
{
	struct consumer_client c = consumer_client(kit, id);

	c.instance = instance;
	return c;
}

static void one_that_comes_back_has_what_it_had(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { static_client(kit, "a", "i"),
					consumer_client(kit, "b") };
	struct consumer_client again = static_client(kit, "a2", "i");
	struct assignment had = { 0 };
	int32_t epoch;

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c[0]);
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	assert_int_equal(assignment_copy(&c[0].owned, &had), 0);
	epoch = c[0].epoch;

	/* It leaves for a while: nobody gets its partitions. */
	assert_int_equal(consumer_bye(&c[0], EPOCH_LEAVE_STATIC), WIRE_NONE);
	assert_int_equal(c[0].epoch, EPOCH_LEAVE_STATIC);
	consumer_beat(&c[1]);
	assert_int_equal(consumer_count(&c[1]), 2);
	assert_int_equal(consumer_join(&again), WIRE_NONE);
	assert_int_equal(again.epoch, epoch);
	assert_true(assignment_equal(&again.owned, &had));
	assert_null(consumer_kit_member(kit, "a"));
	assert_string_equal(consumer_kit_state(kit), "Stable");
	kit_assert_replayed(kit, consumer_assert_same);
	assignment_clear(&had);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	consumer_client_clear(&again);
	group_kit_free(kit);
}

static void one_that_comes_back_may_want_something_else(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");
	struct consumer_client again = static_client(kit, "a2", "i");
	struct uuid id;

	(void)state;
	kit_add_topic(kit, "t", 4);
	id = kit_add_topic(kit, "u", 2);
	consumer_join(&a);
	consumer_bye(&a, EPOCH_LEAVE_STATIC);
	again.topics[0] = "u";
	assert_int_equal(consumer_join(&again), WIRE_NONE);
	consumer_settle(&again, 1);
	assert_int_equal(again.owned.count, 1);
	assert_true(uuid_equal(again.owned.topics[0].id, id));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&again);
	group_kit_free(kit);
}

static void an_instance_that_has_not_left_is_not_to_be_had(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");
	struct consumer_client b = static_client(kit, "b", "i");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	assert_int_equal(consumer_join(&b), WIRE_UNRELEASED_INSTANCE_ID);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);

	/* Once its session has ended it is. */
	kit_advance_ms(kit, 45000);
	assert_int_equal(consumer_join(&b), WIRE_NONE);
	assert_int_equal(consumer_count(&b), 4);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void the_one_that_was_replaced_is_fenced(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");
	struct consumer_client b = static_client(kit, "b", "i");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	consumer_bye(&a, EPOCH_LEAVE_STATIC);
	consumer_join(&b);
	a.epoch = 1;
	assert_int_equal(consumer_beat(&a), WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE),
			 WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE_STATIC),
			 WIRE_FENCED_INSTANCE_ID);
	a.instance = "other";
	a.epoch = 1;
	assert_int_equal(consumer_beat(&a), WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(consumer_beat(&b), WIRE_NONE);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void one_that_does_not_come_back_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { static_client(kit, "a", "i"),
					consumer_client(kit, "b") };

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c[0]);
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	consumer_bye(&c[0], EPOCH_LEAVE_STATIC);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(consumer_beat(&c[1]), WIRE_NONE);
		assert_int_equal(consumer_count(&c[1]), 2);
		kit_advance_ms(kit, 5000);
	}
	consumer_settle(&c[1], 1);
	assert_int_equal(consumer_count(&c[1]), 4);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

/* Its time to give something up is over with its epoch. */
static void one_that_leaves_while_it_must_revoke_has_its_session(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit->topics->consumer.session_timeout_ms = 3 * CONSUMER_REBALANCE_MS;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	consumer_join(&b);
	consumer_ping(&a);
	assert_int_equal(consumer_kit_member(kit, "a")->progress.state,
			 WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE_STATIC), WIRE_NONE);
	kit_advance_ms(kit, 2 * CONSUMER_REBALANCE_MS - 1);
	assert_non_null(consumer_kit_member(kit, "a"));

	/* Nor does a restart know of it, which gives a session anew. */
	kit_restart(kit);
	kit_advance_ms(kit, 3 * CONSUMER_REBALANCE_MS - 1);
	assert_non_null(consumer_kit_member(kit, "a"));
	kit_advance_ms(kit, 1);
	assert_null(consumer_kit_member(kit, "a"));
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void one_that_leaves_for_good_is_gone_at_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE), WIRE_NONE);
	assert_null(consumer_kit_member(kit, "a"));
	assert_null(
		consumer_find_instance(consumer_kit_group(kit), slice_of("i")));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_pattern_outlives_a_member_that_comes_back(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = static_client(kit, "a", "i");
	struct consumer_client again = static_client(kit, "a2", "i");

	(void)state;
	kit_add_topic(kit, "t", 4);
	a.topic_count = again.topic_count = 0;
	a.pattern = again.pattern = "t.*";
	consumer_join(&a);
	assert_int_equal(consumer_count(&a), 4);
	consumer_bye(&a, EPOCH_LEAVE_STATIC);
	assert_int_equal(consumer_join(&again), WIRE_NONE);
	assert_int_equal(consumer_count(&again), 4);
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->patterns), 1);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&again);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_comes_back_has_what_it_had),
		cmocka_unit_test(one_that_comes_back_may_want_something_else),
		cmocka_unit_test(
			an_instance_that_has_not_left_is_not_to_be_had),
		cmocka_unit_test(the_one_that_was_replaced_is_fenced),
		cmocka_unit_test(one_that_does_not_come_back_goes),
		cmocka_unit_test(
			one_that_leaves_while_it_must_revoke_has_its_session),
		cmocka_unit_test(one_that_leaves_for_good_is_gone_at_once),
		cmocka_unit_test(a_pattern_outlives_a_member_that_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
