/*
 * migrate_test.c - groups that go over from one protocol to the other while
 * their members run
 */
#include "kbrokerd/group/classic_kit.h"
#include "kbrokerd/group/consumer_embedded.h"
#include "kbrokerd/group/consumer_kit.h"

/* A classic consumer, cooperative or eager, that does what it is told. */
struct old_client {
	struct group_kit *kit;
	struct classic_client c;
	bool is_eager;
	struct arena arena;
	struct assignment owned;
	struct slice metadata; /* of the heap */
};

static struct old_client old_client(struct group_kit *kit, const char *instance)
{
	struct old_client o = { .kit = kit, .c = classic_client(instance) };

	o.c.protocols[1].name = NULL;
	return o;
}

static void old_client_clear(struct old_client *o)
{
	classic_client_clear(&o->c);
	arena_clear(&o->arena);
	free((void *)o->metadata.data);
}

/* Say what it wants, and what it has. */
static void tell(struct old_client *o)
{
	struct slice name = slice_of("t");
	struct consumer_protocol_subscription_owned_partitions owned = {
		.topic = name,
	};
	struct consumer_protocol_subscription s;
	struct buffer out = { 0 };

	wire_init(&consumer_protocol_subscription_desc, &s);
	s.topics = &name;
	s.topics_count = 1;
	s.user_data = SLICE_NULL;
	s.rack_id = SLICE_NULL;
	if (!o->is_eager && o->owned.count > 0) {
		owned.partitions = o->owned.topics[0].partitions;
		owned.partitions_count = o->owned.topics[0].count;
		s.owned_partitions = &owned;
		s.owned_partitions_count = 1;
	}
	assert_int_equal(
		wire_versioned_encode(&consumer_protocol_subscription_desc, 1,
				      &s, &out),
		0);
	free((void *)o->metadata.data);
	o->metadata = (struct slice){ out.data, out.len };
	o->c.protocols[0].metadata = o->metadata;
}

/* What the sync says; eager ones had nothing before. */
static void take(struct old_client *o)
{
	const struct sync_group_response *r = classic_synced(&o->c);
	struct consumer_protocol_assignment a;
	struct arena arena = { 0 };

	assert_int_equal(r->error_code, WIRE_NONE);
	assert_int_equal(embedded_read_assignment(r->assignment, &arena, &a),
			 0);
	assert_int_equal(embedded_find_topics(&arena, o->kit->shard.topics,
					      a.assigned_partitions,
					      a.assigned_partitions_count,
					      &o->owned),
			 0);
	arena_clear(&o->arena);
	o->arena = arena;
}

static int32_t count_of(const struct old_client *o)
{
	return assignment_partition_count(&o->owned);
}

/* Heartbeat; join and sync again if told so. */
static void live(struct old_client *o)
{
	int16_t error = classic_kit_heartbeat(o->kit, &o->c);

	if (error == WIRE_NONE)
		return;
	assert_int_equal(error, WIRE_REBALANCE_IN_PROGRESS);
	tell(o);
	classic_ask_join(o->kit, &o->c);
	if (!kit_is_answered(o->c.join))
		return;
	assert_int_equal(classic_join_error(&o->c), WIRE_NONE);
	classic_ask_sync(o->kit, &o->c, NULL, 0);
	take(o);
}

/* Two of them share four partitions. */
static void start(struct group_kit *kit, struct old_client *o)
{
	struct sync_group_request_assignments assignments[2] = { 0 };
	struct arena arena = { 0 };
	struct uuid id = kit_add_topic(kit, "t", 4);

	for (int i = 0; i < 2; i++) {
		tell(&o[i]);
		classic_kit_join(kit, &o[i].c);
	}
	kit_advance_ms(kit, (int64_t)4 * CLASSIC_DELAY_MS);
	for (int i = 0; i < 2; i++) {
		int32_t partitions[2] = { 2 * i, 2 * i + 1 };
		struct assignment_topic topic = { id, partitions, 2 };
		struct assignment a = { &topic, 1 };

		assert_int_equal(classic_join_error(&o[i].c), WIRE_NONE);
		assignments[i].member_id = slice_of(o[i].c.member_id);
		assignments[i].assignment = embedded_write_assignment(
			&arena, kit->shard.topics, &a, o[i].metadata);
	}
	classic_ask_sync(kit, &o[1].c, NULL, 0);
	classic_ask_sync(kit, &o[0].c, assignments, 2);
	take(&o[0]);
	take(&o[1]);
	assert_string_equal(classic_kit_state(kit), "Stable");
	arena_clear(&arena);
}

static void settle(struct group_kit *kit, struct old_client *o, int old_count,
		   struct consumer_client *c, int count)
{
	size_t before;
	int quiet = 0;

	while (quiet < 2) {
		before = kit->record_count;
		for (int i = 0; i < old_count; i++)
			live(&o[i]);
		for (int i = 0; i < count; i++)
			assert_int_equal(consumer_beat(&c[i]), WIRE_NONE);
		quiet = kit->record_count == before ? quiet + 1 : 0;
	}
	assert_string_equal(consumer_kit_state(kit), "Stable");
}

static void assert_disjoint(const struct assignment *a,
			    const struct assignment *b)
{
	assert_false(assignment_overlaps(a, b));
}

static void a_classic_group_goes_over_while_its_members_run(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");
	int32_t generation;

	(void)state;
	start(kit, o);
	generation = o[0].c.generation;
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	assert_int_equal(c.epoch, generation + 1);
	assert_int_equal(consumer_kit_group(kit)->classic_count, 2);

	/* Nobody loses anything before it has given it up. */
	assert_int_equal(consumer_count(&c), 0);
	assert_int_equal(classic_kit_heartbeat(kit, &o[0].c),
			 WIRE_REBALANCE_IN_PROGRESS);
	settle(kit, o, 2, &c, 1);
	assert_int_equal(count_of(&o[0]) + count_of(&o[1]) + consumer_count(&c),
			 4);
	assert_int_equal(consumer_count(&c), 1);
	assert_disjoint(&o[0].owned, &o[1].owned);
	assert_disjoint(&o[0].owned, &c.owned);
	assert_int_equal(o[0].c.generation, c.epoch);
	kit_assert_replayed(kit, consumer_assert_same);

	/* A restart in the middle changes nothing. */
	kit_restart(kit);
	settle(kit, o, 2, &c, 1);
	assert_int_equal(consumer_count(&c), 1);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void it_goes_back_when_the_last_new_member_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");
	int32_t generation;

	(void)state;
	start(kit, o);
	consumer_join(&c);
	settle(kit, o, 2, &c, 1);
	generation = o[0].c.generation;
	assert_int_equal(consumer_bye(&c, EPOCH_LEAVE), WIRE_NONE);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	kit_assert_replayed(kit, NULL);

	/* Its members are told as ever. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(classic_kit_heartbeat(kit, &o[i].c),
				 WIRE_REBALANCE_IN_PROGRESS);
		tell(&o[i]);
		classic_ask_join(kit, &o[i].c);
	}
	assert_int_equal(classic_join_error(&o[0].c), WIRE_NONE);
	assert_int_equal(classic_join_error(&o[1].c), WIRE_NONE);
	assert_int_equal(o[0].c.generation, generation + 1);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void it_goes_back_when_the_last_new_member_is_silent(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	start(kit, o);
	consumer_join(&c);
	settle(kit, o, 2, &c, 1);
	for (int i = 0; i < 9; i++) {
		kit_advance_ms(kit, 5000);
		if (group_find(&kit->shard, slice_of("g"))->consumer == NULL)
			break;
		live(&o[0]);
		live(&o[1]);
	}
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void the_policy_says_which_way_is_open(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	start(kit, o);
	kit->settings.migration = MIGRATION_DOWNGRADE;
	assert_int_equal(consumer_join(&c), WIRE_GROUP_ID_NOT_FOUND);
	assert_non_null(strstr(c.text, "online upgrade is disabled"));
	assert_string_equal(classic_kit_state(kit), "Stable");
	kit->settings.migration = MIGRATION_UPGRADE;
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	settle(kit, o, 2, &c, 1);
	consumer_bye(&c, EPOCH_LEAVE);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	settle(kit, o, 2, NULL, 0);
	assert_int_equal(count_of(&o[0]) + count_of(&o[1]), 4);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void a_join_that_fails_leaves_the_group_as_it_was(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	start(kit, o);
	c.pattern = "(";
	assert_int_equal(consumer_join(&c), WIRE_INVALID_REGULAR_EXPRESSION);
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_int_equal(classic_kit_heartbeat(kit, &o[0].c), WIRE_NONE);
	kit->append_rc = -ENOSPC;
	c.pattern = NULL;
	assert_int_equal(consumer_join(&c), WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_string_equal(classic_kit_state(kit), "Stable");
	assert_null(classic_kit_group(kit)->consumer);
	kit->append_rc = 0;
	kit_assert_replayed(kit, NULL);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void who_waits_for_a_classic_rebalance_is_told(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	kit_add_topic(kit, "t", 4);
	tell(&o);
	classic_kit_join(kit, &o.c);
	assert_false(kit_is_answered(o.c.join));
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_int_equal(classic_join_error(&o.c), WIRE_REBALANCE_IN_PROGRESS);
	classic_ask_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	classic_ask_sync(kit, &o.c, NULL, 0);
	take(&o);
	settle(kit, &o, 1, &c, 1);
	assert_int_equal(count_of(&o), 2);
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void what_is_no_consumer_s_group_stays_classic(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client connect = classic_client(NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	connect.protocol_type = "connect";
	classic_kit_stabilize(kit, &connect, 1);
	assert_int_equal(consumer_join(&c), WIRE_GROUP_ID_NOT_FOUND);
	assert_non_null(strstr(c.text, "consumer embedded protocol"));
	classic_client_clear(&connect);
	consumer_client_clear(&c);
	group_kit_free(kit);
}

static void what_cannot_be_read_stays_classic(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client odd = classic_client(NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	/* The kit's metadata is no subscription. */
	classic_kit_stabilize(kit, &odd, 1);
	assert_int_equal(consumer_join(&c), WIRE_GROUP_ID_NOT_FOUND);
	assert_non_null(strstr(c.text, "malformed"));
	assert_string_equal(classic_kit_state(kit), "Stable");
	classic_client_clear(&odd);
	consumer_client_clear(&c);
	group_kit_free(kit);
}

/* What an assignor of the clients' own says besides would be lost. */
static void an_assignment_that_says_more_stays_classic(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c = consumer_client(kit, "c");
	struct sync_group_request_assignments assignment = { 0 };
	static const uint8_t said[] = { 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 'x' };

	(void)state;
	tell(&o);
	classic_kit_join(kit, &o.c);
	kit_advance_ms(kit, (int64_t)4 * CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	assignment.member_id = slice_of(o.c.member_id);
	assignment.assignment = (struct slice){ said, sizeof(said) };
	classic_ask_sync(kit, &o.c, &assignment, 1);
	assert_int_equal(classic_sync_error(&o.c), WIRE_NONE);
	assert_int_equal(consumer_join(&c), WIRE_GROUP_ID_NOT_FOUND);
	assert_non_null(strstr(c.text, "custom assignor"));
	assert_string_equal(classic_kit_state(kit), "Stable");
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void a_classic_member_joins_a_consumer_group(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c);
	tell(&o);
	classic_ask_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_MEMBER_ID_REQUIRED);
	classic_ask_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	assert_true(slice_is(classic_joined(&o.c)->protocol_name, "range"));
	assert_int_equal(classic_joined(&o.c)->members_count, 0);
	classic_ask_sync(kit, &o.c, NULL, 0);
	take(&o);
	assert_int_equal(count_of(&o), 0);
	settle(kit, &o, 1, &c, 1);
	assert_int_equal(count_of(&o), 2);
	assert_disjoint(&o.owned, &c.owned);

	/* It may go as classic members go. */
	assert_int_equal(classic_kit_leave(kit, o.c.member_id, NULL),
			 WIRE_NONE);
	assert_int_equal(classic_kit_leave(kit, o.c.member_id, NULL),
			 WIRE_UNKNOWN_MEMBER_ID);
	consumer_settle(&c, 1);
	assert_int_equal(consumer_count(&c), 4);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void an_eager_member_is_never_robbed(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c[2] = { consumer_client(kit, "c"),
					consumer_client(kit, "d") };

	(void)state;
	o.is_eager = true;
	kit_add_topic(kit, "t", 6);
	consumer_join(&c[0]);
	tell(&o);
	classic_kit_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	classic_ask_sync(kit, &o.c, NULL, 0);
	take(&o);
	settle(kit, &o, 1, c, 1);
	assert_int_equal(count_of(&o), 3);
	consumer_join(&c[1]);
	settle(kit, &o, 1, c, 2);
	assert_int_equal(count_of(&o), 2);
	assert_disjoint(&o.owned, &c[1].owned);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void a_classic_member_must_fit_in(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct classic_client odd = classic_client(NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c);
	odd.protocol_type = "connect";
	classic_ask_join(kit, &odd);
	assert_int_equal(classic_join_error(&odd),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	tell(&o);
	classic_kit_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);

	/* The others can range only. */
	odd.protocol_type = "consumer";
	odd.protocols[0].name = "sticky";
	odd.protocols[1].name = NULL;
	classic_ask_join(kit, &odd);
	assert_int_equal(classic_join_error(&odd),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	kit->settings.consumer_max_size = 2;
	odd.protocols[0].name = "range";
	classic_ask_join(kit, &odd);
	assert_int_equal(classic_join_error(&odd), WIRE_GROUP_MAX_SIZE_REACHED);
	classic_client_clear(&odd);
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void syncs_and_heartbeats_are_checked(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c = consumer_client(kit, "c");
	struct classic_client as_c = classic_client(NULL);

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c);
	tell(&o);
	classic_kit_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	o.c.generation++;
	classic_ask_sync(kit, &o.c, NULL, 0);
	assert_int_equal(classic_sync_error(&o.c), WIRE_ILLEGAL_GENERATION);
	assert_int_equal(classic_kit_heartbeat(kit, &o.c),
			 WIRE_ILLEGAL_GENERATION);
	o.c.generation--;
	o.c.protocols[0].name = "sticky";
	classic_ask_sync(kit, &o.c, NULL, 0);
	assert_int_equal(classic_sync_error(&o.c),
			 WIRE_INCONSISTENT_GROUP_PROTOCOL);
	/* Nor may it speak for one of the new ones. */
	snprintf(as_c.member_id, sizeof(as_c.member_id), "c");
	as_c.generation = c.epoch;
	assert_int_equal(classic_kit_heartbeat(kit, &as_c),
			 WIRE_UNKNOWN_MEMBER_ID);
	classic_ask_sync(kit, &as_c, NULL, 0);
	assert_int_equal(classic_sync_error(&as_c), WIRE_UNKNOWN_MEMBER_ID);
	classic_client_clear(&as_c);
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

/* As Kafka 4.2 has it: that is how an operator removes any member. */
static void leave_group_takes_members_of_either_protocol_away(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c = consumer_client(kit, "c");
	struct consumer_client d = consumer_client(kit, "d");

	(void)state;
	d.instance = "i";
	kit_add_topic(kit, "t", 4);
	consumer_join(&c);
	consumer_join(&d);
	assert_int_equal(classic_kit_leave(kit, "c", NULL), WIRE_NONE);
	assert_null(consumer_kit_member(kit, "c"));
	assert_int_equal(classic_kit_leave(kit, "c", NULL),
			 WIRE_UNKNOWN_MEMBER_ID);
	assert_int_equal(classic_kit_leave(kit, "other", "i"),
			 WIRE_FENCED_INSTANCE_ID);
	assert_int_equal(classic_kit_leave(kit, NULL, "i"), WIRE_NONE);
	assert_string_equal(consumer_kit_state(kit), "Empty");
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c);
	consumer_client_clear(&d);
	group_kit_free(kit);
}

static void who_does_not_sync_or_join_again_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o = old_client(kit, NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c);
	tell(&o);
	classic_kit_join(kit, &o.c);
	assert_int_equal(classic_join_error(&o.c), WIRE_NONE);
	for (int i = 0; i < CLASSIC_REBALANCE_MS / 5000; i++) {
		assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->members),
				 2);
		classic_kit_heartbeat(kit, &o.c);
		consumer_beat(&c);
		kit_advance_ms(kit, 5000);
	}
	assert_int_equal(HASH_COUNT(consumer_kit_group(kit)->members), 1);
	consumer_client_clear(&c);
	old_client_clear(&o);
	group_kit_free(kit);
}

static void a_static_member_changes_over(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, "i0"),
				   old_client(kit, "i1") };
	struct consumer_client c = consumer_client(kit, "c");
	struct assignment had = { 0 };

	(void)state;
	start(kit, o);
	assert_int_equal(assignment_copy(&o[1].owned, &had), 0);

	/* The new one has what it had as the old one. */
	c.instance = "i1";
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_int_equal(consumer_kit_group(kit)->member_count, 2);
	assert_true(assignment_equal(&c.owned, &had));
	assert_int_equal(classic_kit_heartbeat(kit, &o[1].c),
			 WIRE_FENCED_INSTANCE_ID);
	settle(kit, o, 1, &c, 1);
	assert_true(assignment_equal(&c.owned, &had));
	kit_assert_replayed(kit, consumer_assert_same);

	/* And back: nothing new is left, and nobody is disturbed. */
	consumer_bye(&c, EPOCH_LEAVE_STATIC);
	o[1].c.member_id[0] = '\0';
	o[1].owned = (struct assignment){ 0 };
	tell(&o[1]);
	classic_ask_join(kit, &o[1].c);
	assert_int_equal(classic_join_error(&o[1].c), WIRE_NONE);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	assert_string_equal(classic_kit_state(kit), "Stable");
	classic_ask_sync(kit, &o[1].c, NULL, 0);
	take(&o[1]);
	assert_true(assignment_equal(&o[1].owned, &had));
	assert_int_equal(classic_kit_heartbeat(kit, &o[0].c), WIRE_NONE);
	kit_assert_replayed(kit, NULL);
	assignment_clear(&had);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

/* The log took the new member, but then not the classic group. */
static void the_way_back_is_tried_again(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, "i0"),
				   old_client(kit, "i1") };
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	start(kit, o);
	c.instance = "i1";
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	settle(kit, o, 1, &c, 1);
	consumer_bye(&c, EPOCH_LEAVE_STATIC);
	o[1].c.member_id[0] = '\0';
	o[1].owned = (struct assignment){ 0 };
	tell(&o[1]);
	kit->append_rc = -ENOSPC;
	kit->good_appends = 1;
	classic_ask_join(kit, &o[1].c);
	assert_int_equal(classic_join_error(&o[1].c), WIRE_NONE);
	kit_advance_ms(kit, 3000);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	kit_assert_replayed(kit, consumer_assert_same);
	kit->append_rc = 0;
	kit_advance_ms(kit, 1000);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	assert_int_equal(classic_kit_heartbeat(kit, &o[0].c),
			 WIRE_REBALANCE_IN_PROGRESS);
	kit_assert_replayed(kit, NULL);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

/* Nor when the broker goes down in between. */
static void the_way_back_is_tried_after_a_restart(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct old_client o[2] = { old_client(kit, NULL),
				   old_client(kit, NULL) };
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	start(kit, o);
	kit->append_rc = -ENOSPC;
	kit->good_appends = 1;
	assert_int_equal(consumer_join(&c), WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	kit_restart(kit);
	kit->append_rc = 0;
	kit_advance_ms(kit, 1000);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	kit_assert_replayed(kit, NULL);
	consumer_client_clear(&c);
	old_client_clear(&o[0]);
	old_client_clear(&o[1]);
	group_kit_free(kit);
}

static void an_empty_group_is_what_its_first_member_speaks(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client o = classic_client(NULL);
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	kit->settings.migration = MIGRATION_DISABLED;
	classic_kit_stabilize(kit, &o, 1);
	classic_kit_leave(kit, o.member_id, NULL);
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	assert_null(classic_kit_group(kit)->classic);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_bye(&c, EPOCH_LEAVE);
	o.member_id[0] = '\0';
	classic_kit_stabilize(kit, &o, 1);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	assert_null(classic_kit_group(kit)->consumer);
	kit_assert_replayed(kit, NULL);
	classic_client_clear(&o);
	consumer_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_classic_group_goes_over_while_its_members_run),
		cmocka_unit_test(it_goes_back_when_the_last_new_member_goes),
		cmocka_unit_test(
			it_goes_back_when_the_last_new_member_is_silent),
		cmocka_unit_test(the_policy_says_which_way_is_open),
		cmocka_unit_test(a_join_that_fails_leaves_the_group_as_it_was),
		cmocka_unit_test(who_waits_for_a_classic_rebalance_is_told),
		cmocka_unit_test(what_is_no_consumer_s_group_stays_classic),
		cmocka_unit_test(what_cannot_be_read_stays_classic),
		cmocka_unit_test(an_assignment_that_says_more_stays_classic),
		cmocka_unit_test(a_classic_member_joins_a_consumer_group),
		cmocka_unit_test(an_eager_member_is_never_robbed),
		cmocka_unit_test(a_classic_member_must_fit_in),
		cmocka_unit_test(syncs_and_heartbeats_are_checked),
		cmocka_unit_test(
			leave_group_takes_members_of_either_protocol_away),
		cmocka_unit_test(who_does_not_sync_or_join_again_goes),
		cmocka_unit_test(a_static_member_changes_over),
		cmocka_unit_test(the_way_back_is_tried_again),
		cmocka_unit_test(the_way_back_is_tried_after_a_restart),
		cmocka_unit_test(
			an_empty_group_is_what_its_first_member_speaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
