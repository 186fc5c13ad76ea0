/*
 * classic_join_test.c - who may join a classic group, and when all have
 */
#include "kbrokerd/group/classic_kit.h"

#include "kbrokerd/group/consumer_kit.h"

static void a_first_join_without_an_id_is_given_one(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	const struct join_group_response *response;

	(void)state;
	classic_ask_join(kit, &c);
	response = classic_joined(&c);
	assert_int_equal(response->error_code, WIRE_MEMBER_ID_REQUIRED);
	assert_int_equal(response->generation_id, -1);
	assert_true(slice_is_null(response->protocol_name));
	assert_memory_equal(c.member_id, "client-", 7);
	assert_int_equal(strlen(c.member_id), 7 + 36);
	assert_string_equal(classic_kit_state(kit), "Empty");

	classic_client_clear(&c);
	group_kit_free(kit);
}

static void versions_before_4_are_members_at_once(void **state)
{
	(void)state;
	for (int16_t version = 0; version <= 9; version++) {
		struct group_kit *kit = group_kit_new();
		struct classic_client c = classic_client(NULL);

		c.version = version;
		classic_ask_join(kit, &c);
		assert_int_equal(kit_is_answered(c.join), version >= 4);
		classic_client_clear(&c);
		group_kit_free(kit);
	}
}

static void a_protocol_that_is_named_twice_counts_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	c[0].protocols[1] = c[0].protocols[0];
	c[0].protocols[1].metadata = slice_of("another");
	classic_kit_join(kit, &c[0]);
	classic_kit_join(kit, &c[1]);
	kit_advance_ms(kit, (int64_t)2 * CLASSIC_DELAY_MS);
	assert_true(slice_is(classic_joined(&c[1])->protocol_name, "range"));
	assert_true(slice_is(classic_joined(&c[0])->members[0].metadata,
			     "range's"));
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void who_joins_again_may_have_other_timeouts(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	c.session_ms = 3 * CLASSIC_SESSION_MS;
	c.rebalance_ms = 2 * CLASSIC_REBALANCE_MS;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	assert_int_equal(
		classic_group_rebalance_ms(classic_kit_group(kit)->classic),
		2 * CLASSIC_REBALANCE_MS);
	kit_advance_ms(kit, 3 * CLASSIC_SESSION_MS - 1);
	assert_int_equal(classic_kit_heartbeat(kit, &c), WIRE_NONE);
	kit_advance_ms(kit, (int64_t)3 * CLASSIC_SESSION_MS);
	assert_int_equal(classic_kit_heartbeat(kit, &c),
			 WIRE_UNKNOWN_MEMBER_ID);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void an_id_that_is_not_used_in_time_is_forgotten(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	kit_advance_ms(kit, CLASSIC_SESSION_MS - 1);
	assert_string_equal(classic_kit_state(kit), "Empty");
	kit_advance_ms(kit, 1);
	assert_null(classic_kit_group(kit));
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_UNKNOWN_MEMBER_ID);
	assert_null(classic_kit_group(kit));
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void the_first_to_join_waits_for_others_and_leads(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };
	const struct join_group_response *first, *second;

	(void)state;
	classic_kit_join(kit, &c[0]);
	kit_advance_ms(kit, CLASSIC_DELAY_MS - 1);
	assert_false(kit_is_answered(c[0].join));
	classic_kit_join(kit, &c[1]);
	/* Another came: as long again. */
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_false(kit_is_answered(c[0].join));
	kit_advance_ms(kit, 1);

	first = classic_joined(&c[0]);
	second = classic_joined(&c[1]);
	assert_int_equal(first->error_code, WIRE_NONE);
	assert_int_equal(first->generation_id, 1);
	assert_true(slice_is(first->protocol_type, "consumer"));
	assert_true(slice_is(first->protocol_name, "range"));
	assert_true(slice_is(first->leader, c[0].member_id));
	assert_false(first->skip_assignment);
	assert_int_equal(first->members_count, 2);
	assert_true(slice_is(first->members[1].member_id, c[1].member_id));
	assert_true(slice_is(first->members[1].metadata, "range's"));
	assert_true(slice_is_null(first->members[1].group_instance_id));
	assert_int_equal(second->members_count, 0);
	assert_true(slice_is(second->leader, c[0].member_id));
	assert_int_equal(second->generation_id, 1);
	assert_string_equal(classic_kit_state(kit), "CompletingRebalance");
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void the_first_rebalance_waits_no_longer_than_its_timeout(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		c[i] = classic_client(NULL);
		c[i].rebalance_ms = 7000;
		classic_kit_join(kit, &c[i]);
		assert_false(kit_is_answered(c[0].join));
		kit_advance_ms(kit, 2000);
	}
	assert_int_equal(classic_join_error(&c[0]), WIRE_NONE);
	assert_int_equal(classic_joined(&c[0])->members_count, 4);
	for (int i = 0; i < 4; i++)
		classic_client_clear(&c[i]);
	group_kit_free(kit);
}

static void groups_and_timeouts_that_cannot_be_are_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct join_group_request request;
	struct kit_ask *ask = kit_ask_new(9);

	(void)state;
	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of("");
	classic_join(&kit->shard, &ask->ask, &request);
	assert_int_equal(((const struct join_group_response *)kit_answer(ask))
				 ->error_code,
			 WIRE_INVALID_GROUP_ID);
	kit_ask_free(ask);

	c.session_ms = kit->settings.min_session_timeout_ms - 1;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_INVALID_SESSION_TIMEOUT);
	c.session_ms = kit->settings.max_session_timeout_ms + 1;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_INVALID_SESSION_TIMEOUT);
	c.session_ms = kit->settings.max_session_timeout_ms;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void a_member_without_a_common_protocol_is_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	c[0].protocol_type = "";
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_join_error(&c[0]),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	assert_null(classic_kit_group(kit));
	c[0].protocol_type = "consumer";
	classic_kit_join(kit, &c[0]);

	c[1].protocol_type = "connect";
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&c[1]),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	c[1].protocol_type = "consumer";
	c[1].protocols[0].name = "sticky";
	c[1].protocols[1].name = NULL;
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&c[1]),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	c[1].protocols[1].name = "roundrobin";
	classic_kit_join(kit, &c[1]);
	kit_advance_ms(kit, (int64_t)2 * CLASSIC_DELAY_MS);
	assert_true(
		slice_is(classic_joined(&c[1])->protocol_name, "roundrobin"));
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void most_votes_choose_among_what_all_can(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		c[i] = classic_client(NULL);
	/* sticky has most first places, but not all can do it. */
	for (int i = 1; i < 3; i++) {
		c[i].protocols[0].name = "sticky";
		c[i].protocols[1].name = "roundrobin";
		c[i].protocols[2].name = "range";
	}
	for (int i = 0; i < 3; i++)
		classic_kit_join(kit, &c[i]);
	kit_advance_ms(kit, (int64_t)4 * CLASSIC_DELAY_MS);
	for (int i = 0; i < 3; i++)
		assert_true(slice_is(classic_joined(&c[i])->protocol_name,
				     "roundrobin"));
	for (int i = 0; i < 3; i++)
		classic_client_clear(&c[i]);
	group_kit_free(kit);
}

static void an_id_that_the_group_does_not_know_is_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct classic_client stranger = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	snprintf(stranger.member_id, sizeof(stranger.member_id), "stranger");
	classic_ask_join(kit, &stranger);
	assert_int_equal(classic_join_error(&stranger), WIRE_UNKNOWN_MEMBER_ID);
	assert_true(slice_is(classic_joined(&stranger)->member_id, "stranger"));
	stranger.instance_id = "instance";
	classic_ask_join(kit, &stranger);
	assert_int_equal(classic_join_error(&stranger), WIRE_UNKNOWN_MEMBER_ID);
	assert_string_equal(classic_kit_state(kit), "Stable");
	classic_client_clear(&stranger);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static char told[512];

static void on_tell(const struct group *group, const char *why)
{
	assert_true(slice_is(group->id, "g"));
	snprintf(told, sizeof(told), "%s", why);
}

static void a_new_member_makes_the_others_join_again(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];

	(void)state;
	kit->shard.tell = on_tell;
	for (int i = 0; i < 3; i++)
		c[i] = classic_client(NULL);
	classic_kit_stabilize(kit, c, 2);
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]), WIRE_NONE);
	classic_kit_join(kit, &c[2]);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_string_equal(told, "a new member; client reason: test");
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]),
			 WIRE_REBALANCE_IN_PROGRESS);
	classic_ask_join(kit, &c[1]);
	assert_false(kit_is_answered(c[1].join));
	/* The last one: nobody waits for a timeout. */
	classic_ask_join(kit, &c[0]);
	for (int i = 0; i < 3; i++)
		assert_int_equal(classic_joined(&c[i])->generation_id, 2);
	assert_true(slice_is(classic_joined(&c[2])->leader, c[0].member_id));
	for (int i = 0; i < 3; i++)
		classic_client_clear(&c[i]);
	group_kit_free(kit);
}

static void who_does_not_join_again_in_time_is_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	c[0].session_ms = c[1].session_ms = 2 * CLASSIC_REBALANCE_MS;
	classic_kit_stabilize(kit, c, 2);
	/* The leader stays away: the other leads from now on. */
	c[1].protocols[0].metadata = slice_of("other");
	classic_ask_join(kit, &c[1]);
	kit_advance_ms(kit, CLASSIC_REBALANCE_MS - 1);
	assert_false(kit_is_answered(c[1].join));
	kit_advance_ms(kit, 1);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	assert_int_equal(classic_joined(&c[1])->members_count, 1);
	assert_true(slice_is(classic_joined(&c[1])->leader, c[1].member_id));
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]),
			 WIRE_UNKNOWN_MEMBER_ID);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_follower_that_joins_unchanged_is_answered_at_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[1])->error_code, WIRE_NONE);
	assert_int_equal(classic_joined(&c[1])->generation_id, 1);
	assert_true(slice_is(classic_joined(&c[1])->protocol_name, "range"));
	assert_string_equal(classic_kit_state(kit), "Stable");
	/* What it has is told when it is durable. */
	assert_int_equal(c[1].join->ask.offset, kit->record_count);

	/* The leader may want to assign anew. */
	classic_ask_join(kit, &c[0]);
	assert_false(kit_is_answered(c[0].join));
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void an_answer_that_was_lost_is_given_again(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_join(kit, &c);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	classic_ask_join(kit, &c);
	assert_int_equal(classic_joined(&c)->generation_id, 1);
	assert_int_equal(classic_joined(&c)->members_count, 1);
	assert_string_equal(classic_kit_state(kit), "CompletingRebalance");
	/* With other metadata it is not the same question. */
	c.protocols[0].metadata = slice_of("other");
	classic_ask_join(kit, &c);
	assert_int_equal(classic_joined(&c)->generation_id, 2);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void a_join_that_is_repeated_while_it_waits_counts_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct kit_ask *first;

	(void)state;
	classic_kit_join(kit, &c);
	first = c.join;
	c.join = NULL;
	classic_ask_join(kit, &c);
	assert_int_equal(((const struct join_group_response *)kit_answer(first))
				 ->error_code,
			 WIRE_REBALANCE_IN_PROGRESS);
	assert_false(kit_is_answered(c.join));
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_joined(&c)->members_count, 1);
	kit_ask_free(first);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void a_client_that_goes_while_it_waits_is_a_member_for_its_session(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_join(kit, &c[0]);
	classic_kit_join(kit, &c[1]);
	kit_ask_free(c[0].join);
	c[0].join = NULL;
	kit_advance_ms(kit, (int64_t)2 * CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c[1]), WIRE_NONE);
	assert_true(slice_is(classic_joined(&c[1])->leader, c[0].member_id));
	/* Its session is over: the other joins again and is alone. */
	classic_kit_live_ms(kit, &c[1], 1, CLASSIC_SESSION_MS);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	assert_true(slice_is(classic_joined(&c[1])->leader, c[1].member_id));
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_new_member_of_a_long_rebalance_is_forgotten_after_five_minutes(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	c[0].session_ms = 900000;
	c[0].rebalance_ms = 900000;
	classic_kit_stabilize(kit, c, 1);
	classic_kit_join(kit, &c[1]);
	kit_advance_ms(kit, CLASSIC_NEW_MEMBER_MS - 1);
	assert_false(kit_is_answered(c[1].join));
	kit_advance_ms(kit, 1);
	assert_int_equal(classic_join_error(&c[1]), WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_joined(&c[1])->member_id.len, 0);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_full_group_takes_no_more(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];

	(void)state;
	kit->settings.max_size = 2;
	for (int i = 0; i < 3; i++)
		c[i] = classic_client(NULL);
	classic_kit_stabilize(kit, c, 2);
	classic_ask_join(kit, &c[2]);
	assert_int_equal(classic_join_error(&c[2]),
			 WIRE_GROUP_MAX_SIZE_REACHED);
	assert_string_equal(classic_kit_state(kit), "Stable");
	/* Its members may always join again. */
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&c[1]), WIRE_NONE);
	for (int i = 0; i < 3; i++)
		classic_client_clear(&c[i]);
	group_kit_free(kit);
}

static void a_rebalance_takes_as_many_as_there_is_room_for(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		c[i] = classic_client(NULL);
	classic_kit_stabilize(kit, c, 3);
	kit->settings.max_size = 2;
	classic_ask_join(kit, &c[0]);
	classic_ask_join(kit, &c[1]);
	classic_ask_join(kit, &c[2]);
	assert_int_equal(classic_join_error(&c[2]),
			 WIRE_GROUP_MAX_SIZE_REACHED);
	assert_int_equal(classic_joined(&c[0])->members_count, 2);
	assert_int_equal(classic_joined(&c[1])->generation_id, 2);
	assert_int_equal(classic_kit_heartbeat(kit, &c[2]),
			 WIRE_UNKNOWN_MEMBER_ID);
	for (int i = 0; i < 3; i++)
		classic_client_clear(&c[i]);
	group_kit_free(kit);
}

static void too_many_ids_are_not_given_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_ask_join(kit, &c);
	for (int i = 1; i < CLASSIC_PENDING_MAX; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(classic_pending_add(classic_kit_group(kit),
						     slice_of(id), 1000),
				 0);
	}
	c.member_id[0] = '\0';
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_GROUP_MAX_SIZE_REACHED);
	kit_advance_ms(kit, 1000);
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void version_0_has_the_session_timeout_for_a_rebalance(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.version = 0;
	c.rebalance_ms = -1;
	classic_kit_join(kit, &c);
	assert_int_equal(
		classic_group_rebalance_ms(classic_kit_group(kit)->classic),
		CLASSIC_SESSION_MS);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	assert_false(slice_is_null(classic_joined(&c)->protocol_name));
	classic_client_clear(&c);
	group_kit_free(kit);
}

/* As in Kafka: who has no time to sync has not synced. */
static void a_rebalance_timeout_below_0_is_none(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.rebalance_ms = -1;
	classic_kit_join(kit, &c);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	kit_advance_ms(kit, 1);
	assert_string_equal(classic_kit_state(kit), "Empty");
	assert_int_equal(classic_kit_heartbeat(kit, &c),
			 WIRE_UNKNOWN_MEMBER_ID);
	kit_assert_replayed(kit, classic_kit_same);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void errors_name_no_protocol_in_old_versions(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.version = 6;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	assert_true(slice_is(classic_joined(&c)->protocol_name, ""));
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void a_consumer_group_becomes_a_classic_one_when_all_have_left(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client modern = consumer_client(kit, "modern");
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.protocol_type = "connect";
	kit_add_topic(kit, "t", 2);
	assert_int_equal(consumer_beat_full(&modern), WIRE_NONE);
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	modern.epoch = EPOCH_LEAVE;
	assert_int_equal(consumer_beat(&modern), WIRE_NONE);
	assert_string_equal(classic_kit_state(kit), "Empty");

	snprintf(c.member_id, sizeof(c.member_id), "of before");
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_UNKNOWN_MEMBER_ID);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	c.member_id[0] = '\0';
	kit->append_rc = -ENOSPC;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), group_commit_error(-ENOSPC));
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	kit->append_rc = 0;
	classic_kit_stabilize(kit, &c, 1);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	kit_assert_replayed(kit, classic_kit_same);
	consumer_client_clear(&modern);
	classic_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_join_without_an_id_is_given_one),
		cmocka_unit_test(versions_before_4_are_members_at_once),
		cmocka_unit_test(a_protocol_that_is_named_twice_counts_once),
		cmocka_unit_test(who_joins_again_may_have_other_timeouts),
		cmocka_unit_test(an_id_that_is_not_used_in_time_is_forgotten),
		cmocka_unit_test(the_first_to_join_waits_for_others_and_leads),
		cmocka_unit_test(
			the_first_rebalance_waits_no_longer_than_its_timeout),
		cmocka_unit_test(
			groups_and_timeouts_that_cannot_be_are_refused),
		cmocka_unit_test(a_member_without_a_common_protocol_is_refused),
		cmocka_unit_test(most_votes_choose_among_what_all_can),
		cmocka_unit_test(an_id_that_the_group_does_not_know_is_refused),
		cmocka_unit_test(a_new_member_makes_the_others_join_again),
		cmocka_unit_test(who_does_not_join_again_in_time_is_out),
		cmocka_unit_test(
			a_follower_that_joins_unchanged_is_answered_at_once),
		cmocka_unit_test(an_answer_that_was_lost_is_given_again),
		cmocka_unit_test(
			a_join_that_is_repeated_while_it_waits_counts_once),
		cmocka_unit_test(
			a_client_that_goes_while_it_waits_is_a_member_for_its_session),
		cmocka_unit_test(
			a_new_member_of_a_long_rebalance_is_forgotten_after_five_minutes),
		cmocka_unit_test(a_full_group_takes_no_more),
		cmocka_unit_test(
			a_rebalance_takes_as_many_as_there_is_room_for),
		cmocka_unit_test(too_many_ids_are_not_given_out),
		cmocka_unit_test(
			version_0_has_the_session_timeout_for_a_rebalance),
		cmocka_unit_test(a_rebalance_timeout_below_0_is_none),
		cmocka_unit_test(errors_name_no_protocol_in_old_versions),
		cmocka_unit_test(
			a_consumer_group_becomes_a_classic_one_when_all_have_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
