/*
 * consumer_test.c - heartbeats of a consumer group, and the way to a target
 */
#include "kbrokerd/group/consumer_kit.h"

static int8_t state_of(struct group_kit *kit, const char *id)
{
	return consumer_kit_member(kit, id)->progress.state;
}

static void a_first_member_is_given_everything(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 6);
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 1);
	assert_int_equal(a.interval_ms, 5000);
	assert_true(a.was_assigned);
	assert_int_equal(consumer_count(&a), 6);
	assert_string_equal(consumer_kit_state(kit), "Stable");
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_second_member_gets_what_the_first_gives_up(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 6);
	consumer_join(&a);

	/* b is a member of the new epoch, with nothing yet. */
	assert_int_equal(consumer_join(&b), WIRE_NONE);
	assert_int_equal(b.epoch, 2);
	assert_int_equal(consumer_count(&b), 0);
	assert_int_equal(state_of(kit, "b"),
			 WIRE_MEMBER_STATE_UNRELEASED_PARTITIONS);
	assert_string_equal(consumer_kit_state(kit), "Reconciling");

	/* a is told, stays in its epoch, and says that it has given them up. */
	assert_int_equal(consumer_ping(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 1);
	assert_int_equal(consumer_count(&a), 3);
	assert_int_equal(state_of(kit, "a"),
			 WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS);
	consumer_beat(&b);
	assert_int_equal(consumer_count(&b), 0);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 2);
	assert_int_equal(state_of(kit, "a"), WIRE_MEMBER_STATE_STABLE);

	/* Now they are b's. */
	consumer_ping(&b);
	assert_int_equal(consumer_count(&b), 3);
	assert_false(assignment_overlaps(&a.owned, &b.owned));
	assert_string_equal(consumer_kit_state(kit), "Stable");
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_member_that_does_not_say_what_it_has_keeps_it(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	consumer_join(&b);
	for (int i = 0; i < 3; i++) {
		consumer_ping(&a);
		consumer_ping(&b);
	}
	assert_int_equal(state_of(kit, "a"),
			 WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS);
	assert_int_equal(consumer_count(&b), 0);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_heartbeat_that_changes_nothing_writes_nothing(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	size_t records;

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	records = kit->record_count;
	assert_int_equal(consumer_ping(&a), WIRE_NONE);
	assert_false(a.was_assigned);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_false(a.was_assigned);

	/* Who says all is told all. */
	assert_int_equal(consumer_beat_full(&a), WIRE_NONE);
	assert_true(a.was_assigned);
	assert_int_equal(kit->record_count, records);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void the_records_are_kafka_s_in_kafka_s_order(void **state)
{
	static const uint8_t types[] = { RECORD_CONSUMER_MEMBER,
					 RECORD_CONSUMER_METADATA,
					 RECORD_CONSUMER_TARGET_MEMBER,
					 RECORD_CONSUMER_TARGET_METADATA,
					 RECORD_CONSUMER_CURRENT_MEMBER };
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	assert_int_equal(kit->record_count, 5);
	assert_int_equal(kit->batch_count, 1);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(get_be16(kit->records[i].key.data), types[i]);
	/* A member that speaks KIP-848: its tag 0 is there, and null. */
	assert_memory_equal(kit->records[0].value.data +
				    kit->records[0].value.len - 4,
			    "\x01\x00\x01\x00", 4);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void an_epoch_that_is_not_the_member_s_is_fenced(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	a.epoch = 2;
	assert_int_equal(consumer_beat(&a), WIRE_FENCED_MEMBER_EPOCH);
	assert_non_null(strstr(a.text, "greater member epoch (2)"));

	/* It may begin anew under its name. */
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 1);
	assert_int_equal(consumer_count(&a), 2);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void the_epoch_before_is_good_for_who_has_nothing_else(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");
	struct uuid other;

	(void)state;
	other = kit_add_topic(kit, "other", 1);
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	consumer_join(&b);
	consumer_beat(&a);
	consumer_beat(&a);
	assert_int_equal(a.epoch, 2);

	/* The answer was lost: it says 1 again. */
	a.epoch = 1;
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 2);
	a.epoch = 1;
	assert_int_equal(consumer_ping(&a), WIRE_FENCED_MEMBER_EPOCH);
	assert_non_null(strstr(a.text, "smaller member epoch (1)"));
	a.owned.topics[0].id = other;
	assert_int_equal(consumer_beat(&a), WIRE_FENCED_MEMBER_EPOCH);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void an_epoch_before_the_last_is_fenced(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	for (int i = 3; i < 5; i++) {
		kit_add_topic(kit, "t", i);
		consumer_beat(&a);
	}
	assert_int_equal(a.epoch, 3);
	a.epoch = 2;
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	a.epoch = 1;
	assert_int_equal(consumer_beat(&a), WIRE_FENCED_MEMBER_EPOCH);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void who_is_not_a_member_is_told(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	a.epoch = 1;
	assert_int_equal(consumer_beat(&a), WIRE_GROUP_ID_NOT_FOUND);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE),
			 WIRE_GROUP_ID_NOT_FOUND);
	assert_null(kit->shard.groups);
	consumer_join(&a);
	b.epoch = 1;
	assert_int_equal(consumer_beat(&b), WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(consumer_bye(&b, EPOCH_LEAVE), WIRE_UNKNOWN_MEMBER_ID);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_member_that_is_silent_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	consumer_join(&b);
	kit_advance_ms(kit, 44999);
	assert_int_equal(consumer_beat(&b), WIRE_NONE);
	assert_non_null(consumer_kit_member(kit, "a"));
	kit_advance_ms(kit, 1);
	assert_null(consumer_kit_member(kit, "a"));
	assert_int_equal(consumer_beat(&b), WIRE_NONE);
	assert_int_equal(consumer_count(&b), 2);
	assert_int_equal(consumer_beat(&a), WIRE_UNKNOWN_MEMBER_ID);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_member_that_gives_nothing_up_in_time_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	consumer_join(&b);
	consumer_ping(&a);
	for (int i = 0; i < 5; i++) {
		kit_advance_ms(kit, CONSUMER_REBALANCE_MS / 6);
		assert_int_equal(consumer_ping(&a), WIRE_NONE);
		assert_int_equal(consumer_beat(&b), WIRE_NONE);
	}
	kit_advance_ms(kit, CONSUMER_REBALANCE_MS / 6);
	assert_int_equal(consumer_ping(&a), WIRE_UNKNOWN_MEMBER_ID);
	consumer_beat(&b);
	assert_int_equal(consumer_count(&b), 2);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void who_leaves_frees_its_partitions_at_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	consumer_join(&b);
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE), WIRE_NONE);
	assert_int_equal(a.epoch, EPOCH_LEAVE);
	assert_string_equal(consumer_kit_state(kit), "Assigning");
	consumer_ping(&b);
	assert_int_equal(consumer_count(&b), 2);
	assert_int_equal(b.epoch, 3);
	assert_int_equal(consumer_bye(&b, EPOCH_LEAVE), WIRE_NONE);
	assert_string_equal(consumer_kit_state(kit), "Empty");
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_full_group_takes_only_its_own(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit->settings.consumer_max_size = 1;
	kit_add_topic(kit, "t", 2);
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	assert_int_equal(consumer_join(&b), WIRE_GROUP_MAX_SIZE_REACHED);
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void an_assignor_that_the_broker_has_not_is_refused(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	a.assignor = "sticky";
	assert_int_equal(consumer_join(&a), WIRE_UNSUPPORTED_ASSIGNOR);
	assert_string_equal(a.text, "ServerAssignor sticky is not supported. "
				    "Supported assignors: uniform, range.");
	assert_null(kit->shard.groups);
	a.assignor = "range";
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_request_that_lacks_something_is_invalid(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_group_heartbeat_request r;
	struct slice name = slice_of("t");

	(void)state;
	r = consumer_request(&a);
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	assert_string_equal(a.text, "RebalanceTimeoutMs must be provided in "
				    "first request.");
	r.rebalance_timeout_ms = 1;
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	assert_string_equal(a.text,
			    "TopicPartitions must be empty when (re-)joining.");
	r.topic_partitions_count = 0;
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	r.subscribed_topic_names = &name;
	r.subscribed_topic_names_count = 1;
	assert_int_equal(consumer_send(&a, &r), WIRE_NONE);
	r.rack_id = slice_of(" ");
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	r.rack_id = SLICE_NULL;
	r.member_epoch = EPOCH_LEAVE_STATIC;
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	r.member_epoch = -3;
	assert_int_equal(consumer_send(&a, &r), WIRE_INVALID_REQUEST);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void old_clients_are_given_a_member_id(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "");

	(void)state;
	assert_int_equal(consumer_join(&a), WIRE_INVALID_REQUEST);
	a.version = 0;
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	assert_int_equal(strlen(a.made_id), UUID_TEXT_LEN);
	assert_non_null(consumer_kit_member(kit, a.made_id));
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void more_partitions_and_other_topics_are_shared_out(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { consumer_client(kit, "a"),
					consumer_client(kit, "b") };
	struct uuid id;

	(void)state;
	/* A topic that is not there yet. */
	consumer_join(&c[0]);
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 0);
	kit_add_topic(kit, "t", 2);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 1);

	kit_add_topic(kit, "t", 8);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 4);
	assert_int_equal(consumer_count(&c[1]), 4);

	/* Gone, and another of that name. */
	kit_remove_topic(kit, "t");
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 0);
	id = kit_add_topic(kit, "t", 3);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]) + consumer_count(&c[1]), 3);
	assert_true(uuid_equal(c[0].owned.topics[0].id, id));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

static void topics_of_others_are_no_reason_for_an_epoch(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 2);
	consumer_join(&a);
	kit_add_topic(kit, "u", 2);
	consumer_beat(&a);
	assert_int_equal(a.epoch, 1);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_member_may_want_other_topics(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { consumer_client(kit, "a"),
					consumer_client(kit, "b") };

	(void)state;
	kit_add_topic(kit, "t", 4);
	kit_add_topic(kit, "u", 4);
	consumer_join(&c[0]);
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	c[0].topics[0] = "u";
	assert_int_equal(consumer_beat_full(&c[0]), WIRE_NONE);
	consumer_settle(c, 2);
	assert_int_equal(consumer_count(&c[0]), 4);
	assert_int_equal(consumer_count(&c[1]), 4);
	assert_int_equal(c[0].owned.count, 1);
	assert_false(assignment_overlaps(&c[0].owned, &c[1].owned));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

static void a_change_that_cannot_be_written_has_not_happened(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 2);
	kit->append_rc = -ENOSPC;
	assert_int_equal(consumer_join(&a), WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_null(kit->shard.groups);
	kit->append_rc = 0;
	consumer_join(&a);
	kit->append_rc = -ENOSPC;
	assert_int_equal(consumer_join(&b), WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_null(consumer_kit_member(kit, "b"));
	assert_int_equal(consumer_bye(&a, EPOCH_LEAVE),
			 WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_non_null(consumer_kit_member(kit, "a"));
	kit_assert_replayed(kit, consumer_assert_same);

	/* A deadline that cannot be kept comes again. */
	kit_advance_ms(kit, 50000);
	assert_non_null(consumer_kit_member(kit, "a"));
	kit->append_rc = 0;
	kit_advance_ms(kit, 2000);
	assert_null(consumer_kit_member(kit, "a"));
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_group_goes_on_after_a_restart(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	consumer_join(&b);
	consumer_ping(&a);
	kit_restart(kit);
	assert_int_equal(state_of(kit, "a"),
			 WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS);
	assert_int_equal(consumer_beat(&a), WIRE_NONE);
	assert_int_equal(a.epoch, 2);
	consumer_ping(&b);
	assert_int_equal(consumer_count(&b), 2);

	/* Whoever is not heard of within a session goes. */
	kit_restart(kit);
	kit_advance_ms(kit, 44999);
	assert_int_equal(consumer_beat(&b), WIRE_NONE);
	kit_advance_ms(kit, 1);
	assert_null(consumer_kit_member(kit, "a"));
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void offsets_are_committed_at_the_member_s_epoch_only(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct group *group;

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	group = consumer_kit_group(kit)->group;
	assert_int_equal(
		consumer_check_commit(group, slice_of("a"), SLICE_NULL, 1, 9),
		WIRE_NONE);
	assert_int_equal(
		consumer_check_commit(group, slice_of("a"), SLICE_NULL, 0, 9),
		WIRE_STALE_MEMBER_EPOCH);
	assert_int_equal(
		consumer_check_commit(group, slice_of("b"), SLICE_NULL, 1, 9),
		WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(
		consumer_check_commit(group, slice_of(""), SLICE_NULL, -1, 9),
		WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(
		consumer_check_commit(group, slice_of("a"), SLICE_NULL, 1, 8),
		WIRE_UNSUPPORTED_VERSION);
	assert_int_equal(consumer_check_fetch(group, SLICE_NULL, -1),
			 WIRE_NONE);
	assert_int_equal(consumer_check_fetch(group, slice_of("a"), 2),
			 WIRE_STALE_MEMBER_EPOCH);
	consumer_bye(&a, EPOCH_LEAVE);
	assert_int_equal(
		consumer_check_commit(group, slice_of(""), SLICE_NULL, -1, 9),
		WIRE_NONE);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_description_says_what_each_has_and_shall_have(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");
	struct consumer_group_describe_response_groups out;
	struct arena arena = { 0 };

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&a);
	consumer_join(&b);
	wire_init(&consumer_group_describe_response_groups_desc, &out);
	assert_int_equal(
		consumer_describe(consumer_kit_group(kit)->group, &arena, &out),
		0);
	assert_true(slice_is(out.group_state, "Reconciling"));
	assert_int_equal(out.group_epoch, 2);
	assert_int_equal(out.assignment_epoch, 2);
	assert_true(slice_is(out.assignor_name, "uniform"));
	assert_int_equal(out.members_count, 2);
	assert_true(slice_is(out.members[0].member_id, "a"));
	assert_true(slice_is(out.members[0].client_id, "client"));
	assert_int_equal(out.members[0].member_type, WIRE_MEMBER_TYPE_CONSUMER);
	assert_true(slice_is_null(out.members[0].instance_id));
	assert_true(slice_is(out.members[0].subscribed_topic_names[0], "t"));
	assert_true(slice_is(out.members[0].subscribed_topic_regex, ""));
	assert_int_equal(
		out.members[0].assignment.topic_partitions[0].partitions_count,
		4);
	assert_int_equal(out.members[0]
				 .target_assignment.topic_partitions[0]
				 .partitions_count,
			 2);
	assert_int_equal(out.members[1].assignment.topic_partitions_count, 0);
	arena_clear(&arena);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

static void a_thousand_members_share_a_thousand_partitions(void **state)
{
	enum { MANY = 1000 };
	static struct consumer_client c[MANY];
	static char ids[MANY][8];
	struct group_kit *kit = group_kit_new();

	(void)state;
	kit_add_topic(kit, "t", MANY);
	for (int i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), "m%d", i);
		c[i] = consumer_client(kit, ids[i]);
		assert_int_equal(consumer_join(&c[i]), WIRE_NONE);
	}
	consumer_settle(c, MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(consumer_count(&c[i]), 1);
	kit_assert_replayed(kit, consumer_assert_same);
	for (int i = 0; i < MANY; i++)
		consumer_client_clear(&c[i]);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_member_is_given_everything),
		cmocka_unit_test(a_second_member_gets_what_the_first_gives_up),
		cmocka_unit_test(
			a_member_that_does_not_say_what_it_has_keeps_it),
		cmocka_unit_test(
			a_heartbeat_that_changes_nothing_writes_nothing),
		cmocka_unit_test(the_records_are_kafka_s_in_kafka_s_order),
		cmocka_unit_test(an_epoch_that_is_not_the_member_s_is_fenced),
		cmocka_unit_test(
			the_epoch_before_is_good_for_who_has_nothing_else),
		cmocka_unit_test(an_epoch_before_the_last_is_fenced),
		cmocka_unit_test(who_is_not_a_member_is_told),
		cmocka_unit_test(a_member_that_is_silent_goes),
		cmocka_unit_test(a_member_that_gives_nothing_up_in_time_goes),
		cmocka_unit_test(who_leaves_frees_its_partitions_at_once),
		cmocka_unit_test(a_full_group_takes_only_its_own),
		cmocka_unit_test(
			an_assignor_that_the_broker_has_not_is_refused),
		cmocka_unit_test(a_request_that_lacks_something_is_invalid),
		cmocka_unit_test(old_clients_are_given_a_member_id),
		cmocka_unit_test(
			more_partitions_and_other_topics_are_shared_out),
		cmocka_unit_test(topics_of_others_are_no_reason_for_an_epoch),
		cmocka_unit_test(a_member_may_want_other_topics),
		cmocka_unit_test(
			a_change_that_cannot_be_written_has_not_happened),
		cmocka_unit_test(a_group_goes_on_after_a_restart),
		cmocka_unit_test(
			offsets_are_committed_at_the_member_s_epoch_only),
		cmocka_unit_test(
			a_description_says_what_each_has_and_shall_have),
		cmocka_unit_test(
			a_thousand_members_share_a_thousand_partitions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
