/*
 * classic_sync_test.c - assignments, signs of life, and leaving
 */
#include "kbrokerd/group/classic_kit.h"

static void join_two(struct group_kit *kit, struct classic_client c[2])
{
	for (int i = 0; i < 2; i++) {
		c[i] = classic_client(NULL);
		classic_kit_join(kit, &c[i]);
	}
	kit_advance_ms(kit, 2 * CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c[0]), WIRE_NONE);
	assert_int_equal(classic_join_error(&c[1]), WIRE_NONE);
}

static void clear_two(struct group_kit *kit, struct classic_client c[2])
{
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void members_get_what_the_leader_assigns_when_it_is_in_the_log(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_false(kit_is_answered(c[1].sync));
	assert_int_equal(kit->record_count, 0);
	classic_kit_assign(kit, &c[0], c, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(classic_sync_error(&c[i]), WIRE_NONE);
		assert_int_equal(c[i].sync->ask.offset, 1);
		assert_true(slice_is(classic_synced(&c[i])->protocol_type,
				     "consumer"));
		assert_true(slice_is(classic_synced(&c[i])->protocol_name,
				     "range"));
	}
	assert_true(slice_is(classic_synced(&c[0])->assignment, "part 0"));
	assert_true(slice_is(classic_synced(&c[1])->assignment, "part 1"));
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_int_equal(kit->record_count, 1);
	assert_int_equal(kit->shard.counters.classic_rebalances, 1);
	kit_assert_replayed(kit, classic_kit_same);

	/* Whoever asks later gets the same. */
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_true(slice_is(classic_synced(&c[1])->assignment, "part 1"));
	assert_int_equal(c[1].sync->ask.offset, 1);
	clear_two(kit, c);
}

static void who_is_not_mentioned_gets_an_empty_assignment(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];
	struct sync_group_request_assignments for_strangers[2] = {
		{ .member_id = slice_of("stranger"),
		  .assignment = slice_of("x") },
	};

	(void)state;
	join_two(kit, c);
	for_strangers[1].member_id = slice_of(c[0].member_id);
	for_strangers[1].assignment = slice_of("all");
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_ask_sync(kit, &c[0], for_strangers, 2);
	assert_true(slice_is(classic_synced(&c[0])->assignment, "all"));
	assert_int_equal(classic_sync_error(&c[1]), WIRE_NONE);
	assert_true(slice_is(classic_synced(&c[1])->assignment, ""));

	/* Nor is it given what it was offered before. */
	classic_ask_join(kit, &c[0]);
	classic_ask_join(kit, &c[1]);
	classic_joined(&c[0]);
	classic_joined(&c[1]);
	classic_ask_sync(kit, &c[0], NULL, 0);
	assert_true(slice_is(classic_synced(&c[0])->assignment, ""));
	clear_two(kit, c);
}

static void a_sync_that_does_not_fit_is_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], other;

	(void)state;
	join_two(kit, c);
	other = c[1];
	other.join = other.sync = NULL;
	other.generation = 2;
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other), WIRE_ILLEGAL_GENERATION);
	other.generation = 1;
	other.protocol_type = "connect";
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	other.protocol_type = NULL;
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	other.protocol_type = "consumer";
	other.protocols[0].name = "roundrobin";
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	other.protocols[0].name = "range";
	snprintf(other.member_id, sizeof(other.member_id), "stranger");
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other), WIRE_UNKNOWN_MEMBER_ID);
	other.instance_id = "instance";
	classic_ask_sync(kit, &other, NULL, 0);
	assert_int_equal(classic_sync_error(&other), WIRE_UNKNOWN_MEMBER_ID);
	classic_client_clear(&other);
	clear_two(kit, c);
}

static void a_sync_of_a_group_that_is_not_there_is_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct kit_ask *ask = kit_ask_new(5);
	struct sync_group_request request;

	(void)state;
	classic_ask_sync(kit, &c, NULL, 0);
	assert_int_equal(classic_sync_error(&c), WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_kit_heartbeat(kit, &c),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_kit_leave(kit, "member", NULL),
			 WIRE_UNKNOWN_MEMBER_ID);
	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of("");
	request.protocol_type = request.protocol_name = slice_of("");
	classic_sync(&kit->shard, &ask->ask, &request);
	assert_int_equal(((const struct sync_group_response *)kit_answer(ask))
				 ->error_code,
			 WIRE_INVALID_GROUP_ID);
	assert_null(classic_kit_group(kit));
	kit_ask_free(ask);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void a_sync_while_members_join_is_told_to_join(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		c[i] = classic_client(NULL);
	classic_kit_stabilize(kit, c, 2);
	classic_kit_join(kit, &c[2]);
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_REBALANCE_IN_PROGRESS);
	classic_client_clear(&c[2]);
	clear_two(kit, c);
}

static void who_waits_for_an_assignment_joins_again_when_another_comes(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2], third = classic_client(NULL);

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_kit_join(kit, &third);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_REBALANCE_IN_PROGRESS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_client_clear(&third);
	clear_two(kit, c);
}

static void an_assignment_that_the_log_refuses_is_made_anew(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[1], NULL, 0);
	kit->append_rc = -ENOSPC;
	classic_kit_assign(kit, &c[0], c, 2);
	for (int i = 0; i < 2; i++)
		assert_int_equal(classic_sync_error(&c[i]),
				 group_commit_error(-ENOSPC));
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_int_equal(kit->shard.counters.classic_rebalances, 0);
	kit_assert_replayed(kit, classic_kit_same);
	kit->append_rc = 0;
	for (int i = 0; i < 2; i++)
		classic_ask_join(kit, &c[i]);
	for (int i = 0; i < 2; i++)
		assert_int_equal(classic_joined(&c[i])->generation_id, 2);
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_kit_assign(kit, &c[0], c, 2);
	assert_true(slice_is(classic_synced(&c[1])->assignment, "part 1"));
	clear_two(kit, c);
}

static void who_does_not_sync_in_time_is_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[0], NULL, 0);
	assert_int_equal(classic_sync_error(&c[0]), WIRE_NONE);
	assert_string_equal(classic_kit_state(kit), "Stable");
	/* It lives, but does not do its part. */
	classic_kit_live_ms(kit, c, 2, CLASSIC_REBALANCE_MS - 1);
	assert_string_equal(classic_kit_state(kit), "Stable");
	kit_advance_ms(kit, 1);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]),
			 WIRE_UNKNOWN_MEMBER_ID);
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_joined(&c[0])->generation_id, 2);
	clear_two(kit, c);
}

static void a_sync_that_is_repeated_while_it_waits_counts_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];
	struct kit_ask *first;

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[1], NULL, 0);
	first = c[1].sync;
	c[1].sync = NULL;
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_int_equal(((const struct sync_group_response *)kit_answer(first))
				 ->error_code,
			 WIRE_REBALANCE_IN_PROGRESS);
	classic_kit_assign(kit, &c[0], c, 2);
	assert_true(slice_is(classic_synced(&c[1])->assignment, "part 1"));
	kit_ask_free(first);
	clear_two(kit, c);
}

/* Signs of life */

static void a_member_that_is_not_heard_of_is_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	classic_kit_live_ms(kit, c, 2, 3 * CLASSIC_SESSION_MS);
	assert_string_equal(classic_kit_state(kit), "Stable");
	classic_kit_live_ms(kit, c, 1, CLASSIC_SESSION_MS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]),
			 WIRE_REBALANCE_IN_PROGRESS);
	clear_two(kit, c);
}

static void who_waits_need_not_show_that_it_lives(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	c[1].session_ms = 4 * CLASSIC_SESSION_MS;
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[0]);
	kit_advance_ms(kit, 3 * CLASSIC_SESSION_MS);
	assert_false(kit_is_answered(c[0].join));
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[0])->generation_id, 2);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	/* So it is with the sync. */
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_kit_live_ms(kit, c, 1, 5 * CLASSIC_SESSION_MS);
	classic_kit_assign(kit, &c[0], c, 2);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_NONE);
	clear_two(kit, c);
}

static void heartbeats_of_others_are_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };
	struct classic_client other;

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	other = c[1];
	other.generation = 0;
	assert_int_equal(classic_kit_heartbeat(kit, &other),
			 WIRE_ILLEGAL_GENERATION);
	other.generation = 1;
	other.instance_id = "instance";
	assert_int_equal(classic_kit_heartbeat(kit, &other),
			 WIRE_UNKNOWN_MEMBER_ID);
	clear_two(kit, c);
}

static void a_commit_is_a_sign_of_life(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	for (int i = 0; i < 5; i++) {
		kit_advance_ms(kit, CLASSIC_SESSION_MS - 1);
		assert_int_equal(classic_check_commit(classic_kit_group(kit),
						      slice_of(c.member_id),
						      SLICE_NULL, 1, 9),
				 WIRE_NONE);
	}
	assert_string_equal(classic_kit_state(kit), "Stable");
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void commits_are_of_the_members_of_this_generation(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];
	struct group *group;
	struct slice id;

	(void)state;
	join_two(kit, c);
	group = classic_kit_group(kit);
	id = slice_of(c[1].member_id);
	assert_int_equal(classic_check_commit(group, id, SLICE_NULL, 1, 9),
			 WIRE_REBALANCE_IN_PROGRESS);
	classic_ask_sync(kit, &c[1], NULL, 0);
	classic_kit_assign(kit, &c[0], c, 2);
	assert_int_equal(classic_check_commit(group, id, SLICE_NULL, 1, 9),
			 WIRE_NONE);
	assert_int_equal(classic_check_commit(group, id, SLICE_NULL, 2, 9),
			 WIRE_ILLEGAL_GENERATION);
	assert_int_equal(
		classic_check_commit(group, slice_of("x"), SLICE_NULL, 1, 9),
		WIRE_UNKNOWN_MEMBER_ID);
	/* A simple consumer must not disturb them. */
	assert_int_equal(
		classic_check_commit(group, slice_of(""), SLICE_NULL, -1, 9),
		WIRE_UNKNOWN_MEMBER_ID);
	/* What they did until now they may commit while they join again. */
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_check_commit(group, id, SLICE_NULL, 1, 9),
			 WIRE_NONE);
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, NULL),
			 WIRE_NONE);
	assert_int_equal(classic_kit_leave(kit, c[1].member_id, NULL),
			 WIRE_NONE);
	assert_int_equal(
		classic_check_commit(group, slice_of(""), SLICE_NULL, -1, 9),
		WIRE_NONE);
	assert_int_equal(classic_check_commit(group, id, SLICE_NULL, 1, 9),
			 WIRE_UNKNOWN_MEMBER_ID);
	clear_two(kit, c);
}

/* Leaving */

static void the_others_go_on_when_one_leaves(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	assert_int_equal(classic_kit_leave(kit, "stranger", NULL),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, NULL),
			 WIRE_NONE);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	assert_true(slice_is(classic_joined(&c[1])->leader, c[1].member_id));
	clear_two(kit, c);
}

static void who_waits_is_sent_away_when_it_leaves(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2];

	(void)state;
	join_two(kit, c);
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_int_equal(classic_kit_leave(kit, c[1].member_id, NULL),
			 WIRE_NONE);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_UNKNOWN_MEMBER_ID);
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_joined(&c[0])->members_count, 1);
	classic_ask_sync(kit, &c[0], NULL, 0);
	c[1].member_id[0] = '\0';
	classic_kit_join(kit, &c[1]);
	assert_int_equal(classic_kit_leave(kit, c[1].member_id, NULL),
			 WIRE_NONE);
	assert_int_equal(classic_join_error(&c[1]), WIRE_UNKNOWN_MEMBER_ID);
	clear_two(kit, c);
}

static void a_group_that_all_have_left_is_empty_and_the_log_says_so(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	assert_int_equal(classic_empty_since(classic_kit_group(kit)), -1);
	kit_advance_ms(kit, 5000);
	assert_int_equal(classic_kit_leave(kit, c.member_id, NULL), WIRE_NONE);
	assert_string_equal(classic_kit_state(kit), "Empty");
	assert_int_equal(kit->record_count, 2);
	kit_assert_replayed(kit, classic_kit_same);
	assert_int_equal(classic_empty_since(classic_kit_group(kit)),
			 kit->shard.wall_ms);
	assert_string_equal(classic_protocol_type(classic_kit_group(kit)),
			    "consumer");
	kit_restart(kit);
	assert_string_equal(classic_kit_state(kit), "Empty");
	/* Generations go on from where they were. */
	c.member_id[0] = '\0';
	classic_kit_join(kit, &c);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_joined(&c)->generation_id, 3);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void that_a_group_is_empty_is_written_as_soon_as_the_log_takes_it(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	kit->append_rc = -EIO;
	assert_int_equal(classic_kit_leave(kit, c.member_id, NULL), WIRE_NONE);
	kit_advance_ms(kit, 10 * CLASSIC_RETRY_MS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	kit->append_rc = 0;
	kit_advance_ms(kit, CLASSIC_RETRY_MS);
	assert_string_equal(classic_kit_state(kit), "Empty");
	kit_assert_replayed(kit, classic_kit_same);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void one_request_takes_many_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];
	struct leave_group_request_members members[4] = { 0 };
	struct leave_group_request request;
	const struct leave_group_response *response;
	struct kit_ask *ask = kit_ask_new(5);

	(void)state;
	c[0] = classic_client(NULL);
	c[1] = classic_client("b");
	c[2] = classic_client(NULL);
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[2]);
	assert_int_equal(classic_join_error(&c[2]), WIRE_MEMBER_ID_REQUIRED);
	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.members = members;
	request.members_count = 4;
	members[0].member_id = slice_of(c[0].member_id);
	members[1].member_id = slice_of("");
	members[1].group_instance_id = slice_of("b");
	members[2].member_id = slice_of(c[2].member_id);
	members[3].member_id = slice_of(c[0].member_id);
	classic_leave(&kit->shard, &ask->ask, &request);
	response = kit_answer(ask);
	assert_int_equal(response->error_code, WIRE_NONE);
	assert_int_equal(response->members_count, 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(response->members[i].error_code, WIRE_NONE);
	assert_int_equal(response->members[3].error_code,
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_true(slice_is(response->members[1].group_instance_id, "b"));
	assert_string_equal(classic_kit_state(kit), "Empty");
	/* It says that the group is empty: the log must too. */
	assert_int_equal(ask->ask.offset, 2);
	kit_ask_free(ask);
	classic_client_clear(&c[2]);
	clear_two(kit, c);
}

static void old_versions_leave_one_by_one(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct leave_group_request request;
	struct kit_ask *ask;

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of("g");
	for (int i = 0; i < 2; i++) {
		request.member_id = slice_of(i == 0 ? "x" : c.member_id);
		ask = kit_ask_new(2);
		classic_leave(&kit->shard, &ask->ask, &request);
		assert_int_equal(
			((const struct leave_group_response *)kit_answer(ask))
				->error_code,
			i == 0 ? WIRE_UNKNOWN_MEMBER_ID : WIRE_NONE);
		kit_ask_free(ask);
	}
	request.group_id = slice_of("");
	ask = kit_ask_new(2);
	classic_leave(&kit->shard, &ask->ask, &request);
	assert_int_equal(((const struct leave_group_response *)kit_answer(ask))
				 ->error_code,
			 WIRE_INVALID_GROUP_ID);
	kit_ask_free(ask);
	assert_string_equal(classic_kit_state(kit), "Empty");
	classic_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			members_get_what_the_leader_assigns_when_it_is_in_the_log),
		cmocka_unit_test(who_is_not_mentioned_gets_an_empty_assignment),
		cmocka_unit_test(a_sync_that_does_not_fit_is_refused),
		cmocka_unit_test(
			a_sync_of_a_group_that_is_not_there_is_refused),
		cmocka_unit_test(a_sync_while_members_join_is_told_to_join),
		cmocka_unit_test(
			who_waits_for_an_assignment_joins_again_when_another_comes),
		cmocka_unit_test(
			an_assignment_that_the_log_refuses_is_made_anew),
		cmocka_unit_test(who_does_not_sync_in_time_is_out),
		cmocka_unit_test(
			a_sync_that_is_repeated_while_it_waits_counts_once),
		cmocka_unit_test(a_member_that_is_not_heard_of_is_out),
		cmocka_unit_test(who_waits_need_not_show_that_it_lives),
		cmocka_unit_test(heartbeats_of_others_are_refused),
		cmocka_unit_test(a_commit_is_a_sign_of_life),
		cmocka_unit_test(commits_are_of_the_members_of_this_generation),
		cmocka_unit_test(the_others_go_on_when_one_leaves),
		cmocka_unit_test(who_waits_is_sent_away_when_it_leaves),
		cmocka_unit_test(
			a_group_that_all_have_left_is_empty_and_the_log_says_so),
		cmocka_unit_test(
			that_a_group_is_empty_is_written_as_soon_as_the_log_takes_it),
		cmocka_unit_test(one_request_takes_many_out),
		cmocka_unit_test(old_versions_leave_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
