/*
 * classic_record_test.c - what outlives the broker, and what others see
 */
#include "kbrokerd/group/classic_kit.h"

#include "kbrokerd/group/describe.h"

static void members_of_a_loaded_group_have_a_session_to_be_heard_of(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client("b") };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	kit_advance_ms(kit, CLASSIC_SESSION_MS - 1);
	kit_restart(kit);
	assert_string_equal(classic_kit_state(kit), "Stable");
	kit_advance_ms(kit, CLASSIC_SESSION_MS - 1);
	assert_int_equal(classic_kit_heartbeat(kit, &c[1]), WIRE_NONE);
	classic_ask_sync(kit, &c[1], NULL, 0);
	assert_true(slice_is(classic_synced(&c[1])->assignment, "part 1"));
	assert_true(slice_is(classic_synced(&c[1])->protocol_name, "range"));
	kit_advance_ms(kit, 1);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	assert_int_equal(classic_kit_heartbeat(kit, &c[0]),
			 WIRE_UNKNOWN_MEMBER_ID);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_loaded_group_knows_only_the_protocol_that_was_chosen(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_kit_stabilize(kit, &c, 1);
	kit_restart(kit);
	/* The same client has more: that is news, though it led before. */
	classic_ask_join(kit, &c);
	assert_int_equal(classic_joined(&c)->generation_id, 2);
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void who_waits_is_sent_to_the_new_coordinator(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_join(kit, &c[0]);
	classic_kit_join(kit, &c[1]);
	kit_advance_ms(kit, 2 * CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c[0]), WIRE_NONE);
	assert_int_equal(classic_join_error(&c[1]), WIRE_NONE);
	classic_ask_sync(kit, &c[1], NULL, 0);
	kit_restart(kit);
	assert_int_equal(classic_sync_error(&c[1]), WIRE_NOT_COORDINATOR);
	assert_null(classic_kit_group(kit));

	c[0].member_id[0] = '\0';
	classic_kit_join(kit, &c[0]);
	kit_restart(kit);
	assert_int_equal(classic_join_error(&c[0]), WIRE_NOT_COORDINATOR);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_loaded_group_over_the_size_limit_rebalances(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	kit->settings.max_size = 1;
	kit_restart(kit);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	classic_ask_join(kit, &c[0]);
	classic_ask_join(kit, &c[1]);
	assert_int_equal(classic_join_error(&c[1]),
			 WIRE_GROUP_MAX_SIZE_REACHED);
	assert_int_equal(classic_join_error(&c[0]), WIRE_NONE);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

/* One record of the group as it came from elsewhere. */
static void load_value(struct group_kit *kit, int16_t version,
		       const struct group_metadata_value *value)
{
	const struct group_metadata_key key = { .group = slice_of("g") };
	struct slice k = kit_encode(&group_metadata_key_desc, 0, &key);
	struct slice v = value == NULL ? SLICE_NULL
				       : kit_encode(&group_metadata_value_desc,
						    version, value);

	group_shard_clear(&kit->shard);
	kit_init_shard(kit, &kit->shard);
	kit->shard.now_ms = KIT_START_MS;
	kit->shard.wall_ms = kit_start_wall_ms;
	assert_int_equal(group_shard_load(&kit->shard, k, v, 1), 0);
	group_shard_loaded(&kit->shard);
	free((void *)k.data);
	free((void *)v.data);
}

static void records_of_all_versions_are_understood(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct group_metadata_value_members m[2] = {
		{ .member_id = slice_of("first"), .session_timeout = 9000 },
		{
			.member_id = slice_of("m"),
			.client_id = slice_of("c"),
			.client_host = slice_of("/h"),
			.rebalance_timeout = 70000,
			.session_timeout = 9000,
			.subscription = slice_of("s"),
			.assignment = slice_of("a"),
		},
	};
	struct group_metadata_value value = {
		.protocol_type = slice_of("consumer"),
		.generation = 7,
		.protocol = slice_of("range"),
		.leader = slice_of("m"),
		.current_state_timestamp = 5,
		.members = m,
		.members_count = 2,
	};

	(void)state;
	for (int16_t version = 0; version <= 4; version++) {
		const struct classic_group *classic;
		const struct classic_member *member;

		load_value(kit, version, &value);
		classic = classic_kit_group(kit)->classic;
		member = classic->members->hh.next;
		assert_int_equal(classic->state, CLASSIC_STABLE);
		assert_int_equal(classic->generation, 7);
		assert_ptr_equal(classic->leader, member);
		assert_int_equal(classic->since_ms, version < 2 ? -1 : 5);
		assert_int_equal(member->rebalance_timeout_ms,
				 version < 1 ? 9000 : 70000);
		assert_true(slice_is(member->assignment, "a"));
	}
	group_kit_free(kit);
}

static void records_that_contradict_themselves_do_no_harm(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct group_metadata_value_members m[3] = {
		{ .member_id = slice_of("m"),
		  .group_instance_id = slice_of("i"),
		  .session_timeout = 9000 },
		{ .member_id = slice_of("m2"),
		  .group_instance_id = slice_of("i"),
		  .session_timeout = 9000 },
		{ .member_id = slice_of("m2"),
		  .group_instance_id = slice_of("j"),
		  .session_timeout = 9000 },
	};
	struct group_metadata_value value = {
		.protocol_type = slice_of(""),
		.generation = -1,
		.leader = slice_of("nobody"),
		.members = m,
		.members_count = 3,
	};
	struct classic_client c = classic_client(NULL);

	(void)state;
	load_value(kit, 3, &value);
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_int_equal(classic_group_size(classic_kit_group(kit)->classic),
			 1);
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	kit_advance_ms(kit, 9000);
	assert_string_equal(classic_kit_state(kit), "Empty");
	/* A tombstone of what there is not. */
	load_value(kit, 3, NULL);
	assert_null(classic_kit_group(kit));
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void an_empty_group_is_deleted_whole(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };
	struct kit_ask *ask;

	(void)state;
	classic_kit_stabilize(kit, c, 1);
	for (int i = 0; i < 2; i++) {
		ask = kit_ask_new(2);
		group_remove(&kit->shard, &ask->ask, slice_of("g"));
		assert_int_equal(
			((const struct delete_groups_response_results *)
				 kit_answer(ask))
				->error_code,
			i == 0 ? WIRE_NON_EMPTY_GROUP : WIRE_NONE);
		kit_ask_free(ask);
		if (i == 0)
			assert_int_equal(
				classic_kit_leave(kit, c[0].member_id, NULL),
				WIRE_NONE);
		/* An id that was given out does not keep it. */
		if (i == 0)
			classic_ask_join(kit, &c[1]);
	}
	assert_null(classic_kit_group(kit));
	kit_assert_replayed(kit, classic_kit_same);
	kit_advance_ms(kit, CLASSIC_SESSION_MS);
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

/* Seen from outside */

static void a_description_tells_all_while_the_group_is_stable(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client("b") };

	(void)state;
	classic_kit_stabilize(kit, c, 2);
	for (int i = 0; i < 2; i++) {
		struct kit_ask *ask = kit_ask_new(6);
		const struct describe_groups_response_groups *g;

		group_describe(&kit->shard, &ask->ask, slice_of("g"));
		g = kit_answer(ask);
		assert_int_equal(g->error_code, WIRE_NONE);
		assert_true(slice_is(g->group_id, "g"));
		assert_true(slice_is(g->group_state,
				     i == 0 ? "Stable" : "PreparingRebalance"));
		assert_true(slice_is(g->protocol_type, "consumer"));
		assert_true(slice_is(g->protocol_data, i == 0 ? "range" : ""));
		assert_int_equal(g->members_count, 2);
		assert_true(slice_is(g->members[1].member_id, c[1].member_id));
		assert_true(slice_is(g->members[1].group_instance_id, "b"));
		assert_true(slice_is_null(g->members[0].group_instance_id));
		assert_true(slice_is(g->members[1].client_id, "client"));
		assert_true(slice_is(g->members[1].client_host, "/127.0.0.1"));
		assert_int_equal(g->members[1].member_metadata.len,
				 i == 0 ? 7 : 0);
		assert_true(
			slice_is(g->members[1].member_assignment, "part 1"));
		kit_ask_free(ask);
		classic_ask_join(kit, &c[0]);
	}
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_group_that_never_had_a_member_is_not_empty_since(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_MEMBER_ID_REQUIRED);
	assert_int_equal(classic_empty_since(classic_kit_group(kit)), -1);
	assert_string_equal(classic_protocol_type(classic_kit_group(kit)), "");
	classic_client_clear(&c);
	group_kit_free(kit);
}

/* Subscriptions */

static bool subscribes(struct group_kit *kit, const char *topic)
{
	return group_subscribes(classic_kit_group(kit), slice_of(topic));
}

static void a_group_reads_what_its_members_subscribe_to(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[2] = { classic_client(NULL),
				       classic_client(NULL) };
	struct slice topics[] = { slice_of("b"), slice_of("a"),
				  slice_of("abc") };
	struct consumer_protocol_subscription s;

	(void)state;
	for (int i = 0; i < 2; i++) {
		wire_init(&consumer_protocol_subscription_desc, &s);
		s.topics = topics + i;
		s.topics_count = 2;
		c[i].protocols[0].metadata =
			kit_encode(&consumer_protocol_subscription_desc,
				   (int16_t)(3 * i), &s);
	}
	classic_kit_stabilize(kit, c, 2);
	assert_true(subscribes(kit, "a"));
	assert_true(subscribes(kit, "b"));
	assert_true(subscribes(kit, "abc"));
	assert_false(subscribes(kit, "ab"));
	assert_false(subscribes(kit, ""));
	kit_restart(kit);
	assert_true(subscribes(kit, "abc"));
	assert_false(subscribes(kit, "d"));

	assert_int_equal(classic_kit_leave(kit, c[1].member_id, NULL),
			 WIRE_NONE);
	classic_ask_join(kit, &c[0]);
	assert_int_equal(classic_join_error(&c[0]), WIRE_NONE);
	assert_true(subscribes(kit, "b"));
	assert_false(subscribes(kit, "abc"));
	assert_int_equal(classic_kit_leave(kit, c[0].member_id, NULL),
			 WIRE_NONE);
	assert_false(subscribes(kit, "b"));
	for (int i = 0; i < 2; i++) {
		free((void *)c[i].protocols[0].metadata.data);
		classic_client_clear(&c[i]);
	}
	group_kit_free(kit);
}

#define BYTES(...)                                                             \
	((struct slice){ (const uint8_t[]){ __VA_ARGS__ },                     \
			 sizeof((const uint8_t[]){ __VA_ARGS__ }) })

static void metadata_that_makes_no_sense_keeps_all_offsets(void **state)
{
	const struct slice hostile[] = {
		slice_of(""),
		BYTES(0),
		BYTES(0, 0, 0, 0, 0),
		BYTES(0, 0, 0x7f, 0xff, 0xff, 0xff),
		BYTES(0, 0, 0xff, 0xff, 0xff, 0xff),
		BYTES(0, 0, 0, 0, 0, 1),
		BYTES(0, 0, 0, 0, 0, 1, 0),
		BYTES(0, 0, 0, 0, 0, 1, 0, 2, 'a'),
		BYTES(0, 0, 0, 0, 0, 1, 0xff, 0xff, 'a'),
		BYTES(0, 0, 0, 0, 0, 2, 0, 1, 'a', 0x7f, 0xff),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct group_kit *kit = group_kit_new();
		struct classic_client c = classic_client(NULL);

		c.protocols[0].metadata = hostile[i];
		classic_kit_stabilize(kit, &c, 1);
		assert_true(subscribes(kit, "a"));
		assert_true(subscribes(kit, "b"));
		classic_client_clear(&c);
		group_kit_free(kit);
	}
}

static void groups_that_are_no_consumers_subscribe_to_nothing(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.protocol_type = "connect";
	classic_kit_stabilize(kit, &c, 1);
	assert_false(subscribes(kit, "a"));
	assert_string_equal(group_protocol_type(classic_kit_group(kit)),
			    "connect");
	classic_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			members_of_a_loaded_group_have_a_session_to_be_heard_of),
		cmocka_unit_test(
			a_loaded_group_knows_only_the_protocol_that_was_chosen),
		cmocka_unit_test(who_waits_is_sent_to_the_new_coordinator),
		cmocka_unit_test(a_loaded_group_over_the_size_limit_rebalances),
		cmocka_unit_test(records_of_all_versions_are_understood),
		cmocka_unit_test(records_that_contradict_themselves_do_no_harm),
		cmocka_unit_test(an_empty_group_is_deleted_whole),
		cmocka_unit_test(
			a_description_tells_all_while_the_group_is_stable),
		cmocka_unit_test(
			a_group_that_never_had_a_member_is_not_empty_since),
		cmocka_unit_test(a_group_reads_what_its_members_subscribe_to),
		cmocka_unit_test(
			metadata_that_makes_no_sense_keeps_all_offsets),
		cmocka_unit_test(
			groups_that_are_no_consumers_subscribe_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
