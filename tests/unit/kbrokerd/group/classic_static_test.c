/*
 * classic_static_test.c - static members of a classic group (KIP-345)
 */
#include "kbrokerd/group/classic_kit.h"

/* Two static members of a Stable group; the first leads. */
static void stabilize_two(struct group_kit *kit, struct classic_client c[2])
{
	c[0] = classic_client("a");
	c[1] = classic_client("b");
	classic_kit_stabilize(kit, c, 2);
}

static void clear_two(struct group_kit *kit, struct classic_client c[2])
{
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

/* The same process started again: it has forgotten its id. */
static struct classic_client restarted(const struct classic_client *c)
{
	struct classic_client again = *c;

	again.member_id[0] = '\0';
	again.join = again.sync = NULL;
	return again;
}

static void a_static_member_needs_no_id_to_join(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client("instance");

	(void)state;
	classic_ask_join(kit, &c);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	assert_memory_equal(c.member_id, "instance-", 9);
	assert_true(slice_is(classic_joined(&c)->members[0].group_instance_id,
			     "instance"));
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void one_that_comes_back_disturbs_nobody(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	again = restarted(&c[1]);
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again), WIRE_NONE);
	assert_int_equal(classic_joined(&again)->generation_id, 1);
	assert_string_not_equal(again.member_id, c[1].member_id);
	assert_true(slice_is(classic_joined(&again)->leader, c[0].member_id));
	assert_int_equal(again.join->ask.offset, kit->record_count);
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]), WIRE_NONE);

	/* It has what it had, and the log knows it by its new id. */
	classic_ask_sync(kit, &again, NULL, 0);
	assert_true(slice_is(classic_synced(&again)->assignment, "part 1"));
	kit_assert_replayed(kit, classic_kit_same);
	/* Whoever still has the old id is fenced. */
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]),
			 WIRE_FENCED_INSTANCE_ID);
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_FENCED_INSTANCE_ID);
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&c[1]), WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(classic_kit_leave(kit, c[1].member_id, "b"),
			 WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(classic_check_commit(classic_kit_group(kit),
					      slice_of(c[1].member_id),
					      slice_of("b"), 1, 9),
			 WIRE_FENCED_INSTANCE_ID);
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void a_leader_that_comes_back_is_told_not_to_assign(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	again = restarted(&c[0]);
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again), WIRE_NONE);
	assert_true(classic_joined(&again)->skip_assignment);
	assert_true(slice_is(classic_joined(&again)->leader, again.member_id));
	assert_int_equal(classic_joined(&again)->members_count, 2);
	classic_ask_sync(kit, &again, NULL, 0);
	assert_true(slice_is(classic_synced(&again)->assignment, "part 0"));
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void an_old_leader_that_comes_back_does_not_know_that_it_leads(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	again = restarted(&c[0]);
	again.version = 8;
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again), WIRE_NONE);
	assert_false(classic_joined(&again)->skip_assignment);
	assert_true(slice_is(classic_joined(&again)->leader, c[0].member_id));
	assert_int_equal(classic_joined(&again)->members_count, 0);
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void one_that_comes_back_with_another_protocol_makes_all_join(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	again = restarted(&c[1]);
	again.protocols[0] = again.protocols[1];
	again.protocols[1].name = NULL;
	classic_ask_join(kit, &again);
	assert_false(kit_is_answered(again.join));
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_ask_join(kit, &c[0]);
	assert_true(
		slice_is(classic_joined(&again)->protocol_name, "roundrobin"));
	assert_int_equal(classic_joined(&again)->generation_id, 2);
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void one_that_comes_back_while_others_join_takes_its_place(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	classic_ask_join(kit, &c[0]);
	kit_advance_ms(kit, 1000);
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	/* Completing: its old id may be with the leader. */
	again = restarted(&c[1]);
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_ask_join(kit, &again);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_FENCED_INSTANCE_ID);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_false(kit_is_answered(again.join));
	/* Preparing: who waited is fenced. */
	classic_client_clear(&c[1]);
	c[1] = restarted(&again);
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&again), WIRE_FENCED_INSTANCE_ID);
	assert_false(kit_is_answered(c[1].join));
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_joined(&c[0])->generation_id, 3);
	assert_int_equal(classic_joined(&c[0])->members_count, 2);
	classic_joined(&c[1]);
	assert_true(slice_is(classic_joined(&c[0])->members[1].member_id,
			     c[1].member_id));
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void one_that_comes_back_owes_no_sync_of_before(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	classic_ask_join(kit, &c[0]);
	classic_ask_join(kit, &c[1]);
	classic_joined(&c[0]);
	classic_joined(&c[1]);
	classic_ask_sync(kit, &c[0], NULL, 0);
	assert_string_equal(classic_kit_state(kit), "Stable");
	again = restarted(&c[1]);
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again), WIRE_NONE);
	for (int i = 0; i < 2 * CLASSIC_REBALANCE_MS / 1000; i++) {
		kit_advance_ms(kit, 1000);
		assert_int_equal(classic_kit_heartbeat(kit, &c[0]), WIRE_NONE);
		assert_int_equal(classic_kit_heartbeat(kit, &again), WIRE_NONE);
	}
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void what_the_log_refuses_replaces_nobody(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], again;

	(void)state;
	stabilize_two(kit, c);
	again = restarted(&c[1]);
	kit->append_rc = -ENOSPC;
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again),
			 group_commit_error(-ENOSPC));
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]), WIRE_NONE);
	kit->append_rc = 0;
	kit_assert_replayed(kit, classic_kit_same);
	classic_ask_join(kit, &again);
	assert_int_equal(classic_join_error(&again), WIRE_NONE);
	classic_client_clear(&again);
	clear_two(kit, c);
}

static void one_that_is_away_keeps_its_place_for_its_session(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	c[0] = classic_client("a");
	c[1] = classic_client("b");
	c[1].session_ms = 2 * CLASSIC_REBALANCE_MS;
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[0]);
	kit_advance_ms(kit, CLASSIC_REBALANCE_MS);
	/* A dynamic one would be out. */
	assert_int_equal(classic_joined(&c[0])->generation_id, 2);
	assert_int_equal(classic_joined(&c[0])->members_count, 2);
	clear_two(kit, c);
}

static void a_group_of_absent_static_members_waits_for_them(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	c[0] = classic_client(NULL);
	c[1] = classic_client("b");
	c[1].session_ms = 10 * CLASSIC_REBALANCE_MS;
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[0]);
	kit_ask_free(c[0].join);
	c[0].join = NULL;
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, NULL),
			 WIRE_NONE);
	/* Nobody has joined; it goes on waiting for b, and b comes. */
	kit_advance_ms(kit, 3 * CLASSIC_REBALANCE_MS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	assert_true(slice_is(classic_joined(&c[1])->leader, c[1].member_id));
	clear_two(kit, c);
}

static void one_without_time_to_rebalance_is_not_waited_for_at_once_again(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	c[0] = classic_client(NULL);
	c[1] = classic_client("b");
	c[1].rebalance_ms = 0;
	c[1].session_ms = 10 * CLASSIC_REBALANCE_MS;
	classic_kit_stabilize(kit, c, 2);
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, NULL),
			 WIRE_NONE);
	/* It would try for ever, and time would stand still. */
	kit_advance_ms(kit, CLASSIC_REBALANCE_MS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	clear_two(kit, c);
}

static void a_static_member_leaves_by_its_instance_id(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	stabilize_two(kit, c);
	assert_int_equal(classic_kit_leave(kit, NULL, "nobody"),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, "b"),
			 WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(classic_kit_leave(kit, NULL, "b"), WIRE_NONE);
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	clear_two(kit, c);
}

static void an_id_that_was_given_out_is_not_a_static_members(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	c.instance_id = "instance";
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_UNKNOWN_SERVER_ERROR);
	classic_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_static_member_needs_no_id_to_join),
		cmocka_unit_test(one_that_comes_back_disturbs_nobody),
		cmocka_unit_test(
			a_leader_that_comes_back_is_told_not_to_assign),
		cmocka_unit_test(
			an_old_leader_that_comes_back_does_not_know_that_it_leads),
		cmocka_unit_test(
			one_that_comes_back_with_another_protocol_makes_all_join),
		cmocka_unit_test(
			one_that_comes_back_while_others_join_takes_its_place),
		cmocka_unit_test(one_that_comes_back_owes_no_sync_of_before),
		cmocka_unit_test(what_the_log_refuses_replaces_nobody),
		cmocka_unit_test(
			one_that_is_away_keeps_its_place_for_its_session),
		cmocka_unit_test(
			a_group_of_absent_static_members_waits_for_them),
		cmocka_unit_test(
			one_without_time_to_rebalance_is_not_waited_for_at_once_again),
		cmocka_unit_test(a_static_member_leaves_by_its_instance_id),
		cmocka_unit_test(
			an_id_that_was_given_out_is_not_a_static_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
