/*
 * consumer_classic_test.c - one classic member of a consumer group: what is
 * believed of it, how long it is waited for
 */
#include "kbrokerd/group/classic_kit.h"
#include "kbrokerd/group/consumer_embedded.h"
#include "kbrokerd/group/consumer_kit.h"

enum { PARTITIONS = 4 };

/* A group of a KIP-848 member "c" that has all of "t", and a classic one. */
struct pair {
	struct group_kit *kit;
	struct consumer_client c;
	struct classic_client o;
	struct slice metadata; /* of the heap */
};

static struct slice subscription(const char *rack)
{
	struct slice name = slice_of("t");
	struct consumer_protocol_subscription s;

	wire_init(&consumer_protocol_subscription_desc, &s);
	s.topics = &name;
	s.topics_count = 1;
	s.user_data = SLICE_NULL;
	s.rack_id = slice_of(rack);
	return kit_encode(&consumer_protocol_subscription_desc, 3, &s);
}

static struct pair pair_new(void)
{
	struct pair p = { .kit = group_kit_new(), .o = classic_client(NULL) };

	p.c = consumer_client(p.kit, "c");
	p.metadata = subscription("rack");
	p.o.protocols[0].metadata = p.metadata;
	p.o.protocols[1].name = NULL;
	kit_add_topic(p.kit, "t", PARTITIONS);
	assert_int_equal(consumer_join(&p.c), WIRE_NONE);
	assert_int_equal(consumer_count(&p.c), PARTITIONS);
	return p;
}

static void pair_free(struct pair *p)
{
	consumer_client_clear(&p->c);
	classic_client_clear(&p->o);
	free((void *)p->metadata.data);
	group_kit_free(p->kit);
}

static int16_t join(struct pair *p)
{
	classic_kit_join(p->kit, &p->o);
	return classic_join_error(&p->o);
}

static int16_t sync(struct pair *p)
{
	classic_ask_sync(p->kit, &p->o, NULL, 0);
	return classic_sync_error(&p->o);
}

static int16_t beat(struct pair *p)
{
	return classic_kit_heartbeat(p->kit, &p->o);
}

static const struct consumer_member *old_member(const struct pair *p)
{
	return consumer_kit_member(p->kit, p->o.member_id);
}

/* What is in the messages */

static void what_is_cut_off_is_not_read(void **state)
{
	static const uint8_t zeros[32];
	static const uint8_t negative[] = { 0xff, 0xff, 0, 0, 0, 0,
					    0,    0,    0, 0, 0, 0 };
	struct consumer_protocol_subscription s;
	struct arena arena = { 0 };

	(void)state;
	for (size_t len = 0; len < 10; len++)
		assert_true(
			embedded_read_subscription((struct slice){ zeros, len },
						   &arena, &s) < 0);
	assert_int_equal(embedded_read_subscription((struct slice){ zeros, 10 },
						    &arena, &s),
			 0);
	assert_int_equal(embedded_read_subscription(
				 (struct slice){ negative, sizeof(negative) },
				 &arena, &s),
			 -EBADMSG);
	arena_clear(&arena);
}

static void only_partitions_that_there_are_are_believed(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct uuid id = kit_add_topic(kit, "t", PARTITIONS);
	int32_t partitions[] = { -1, PARTITIONS - 1, PARTITIONS };
	int32_t other = 0;
	struct consumer_protocol_subscription_owned_partitions owned[] = {
		{ slice_of("gone"), &other, 1 },
		{ slice_of("t"), partitions, 3 },
	};
	struct arena arena = { 0 };
	struct assignment a;

	(void)state;
	assert_int_equal(
		embedded_find_topics(&arena, kit->shard.topics, owned, 2, &a),
		0);
	assert_int_equal(assignment_partition_count(&a), 1);
	assert_true(assignment_has(&a, &id, PARTITIONS - 1));
	arena_clear(&arena);
	group_kit_free(kit);
}

static void a_topic_that_is_gone_is_not_named(void **state)
{
	struct group_kit *kit = group_kit_new();
	int32_t first = 0;
	struct assignment_topic topics[] = {
		{ { { 1 } }, &first, 1 },
		{ kit_add_topic(kit, "t", PARTITIONS), &first, 1 },
	};
	const struct assignment a = { topics, 2 };
	struct consumer_protocol_assignment read;
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(
		embedded_read_assignment(
			embedded_write_assignment(&arena, kit->shard.topics, &a,
						  slice_of("")),
			&arena, &read),
		0);
	assert_int_equal(read.assigned_partitions_count, 1);
	assert_true(slice_is(read.assigned_partitions[0].topic, "t"));
	arena_clear(&arena);
	group_kit_free(kit);
}

/* Joining */

static void a_full_house_takes_nobody_new(void **state)
{
	struct pair p = pair_new();

	(void)state;
	p.kit->memory.max = p.kit->memory.bytes - 1;
	assert_int_equal(join(&p), WIRE_POLICY_VIOLATION);
	p.kit->memory.max = INT64_MAX / 2;
	assert_int_equal(join(&p), WIRE_NONE);
	/* Who is in stays in. */
	p.kit->memory.max = 0;
	assert_int_equal(join(&p), WIRE_NONE);
	p.kit->memory.max = INT64_MAX / 2;
	p.kit->settings.consumer_max_size = 2;
	assert_int_equal(join(&p), WIRE_NONE);
	pair_free(&p);
}

static void ids_are_asked_for_since_version_4(void **state)
{
	struct pair p = pair_new();

	(void)state;
	p.o.version = 4;
	classic_ask_join(p.kit, &p.o);
	assert_int_equal(classic_join_error(&p.o), WIRE_MEMBER_ID_REQUIRED);
	p.o.member_id[0] = '\0';
	p.o.version = 3;
	classic_ask_join(p.kit, &p.o);
	assert_int_equal(classic_join_error(&p.o), WIRE_NONE);
	pair_free(&p);
}

static void what_a_member_says_of_itself_is_kept(void **state)
{
	struct pair p = pair_new();

	(void)state;
	p.o.rebalance_ms = -1;
	p.o.version = 0; /* which has none */
	assert_int_equal(join(&p), WIRE_NONE);
	assert_int_equal(old_member(&p)->facts.rebalance_timeout_ms,
			 CLASSIC_SESSION_MS);
	assert_true(slice_is(old_member(&p)->facts.rack_id, "rack"));
	pair_free(&p);
}

/* Living */

static void a_sync_is_for_the_group_s_protocol(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(join(&p), WIRE_NONE);
	p.o.protocol_type = "connect";
	assert_int_equal(sync(&p), WIRE_INCONSISTENT_GROUP_PROTOCOL);
	p.o.protocol_type = "consumer";
	assert_int_equal(sync(&p), WIRE_NONE);
	pair_free(&p);
}

static void a_sync_is_a_sign_of_life(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(join(&p), WIRE_NONE);
	kit_advance_ms(p.kit, CLASSIC_SESSION_MS - 1);
	assert_int_equal(sync(&p), WIRE_NONE);
	kit_advance_ms(p.kit, CLASSIC_SESSION_MS - 1);
	assert_non_null(old_member(&p));
	kit_advance_ms(p.kit, 1);
	assert_null(old_member(&p));
	pair_free(&p);
}

/* It is told to join again when what it waits for is free, not before. */
static void who_waits_for_others_is_left_alone(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(join(&p), WIRE_NONE);
	assert_int_equal(sync(&p), WIRE_NONE);
	assert_int_equal(beat(&p), WIRE_NONE);
	assert_int_equal(consumer_beat(&p.c), WIRE_NONE);
	assert_int_equal(beat(&p), WIRE_NONE);
	assert_int_equal(consumer_beat(&p.c), WIRE_NONE); /* gives up */
	assert_int_equal(beat(&p), WIRE_REBALANCE_IN_PROGRESS);
	pair_free(&p);
}

static void live_ms(struct pair *p, int64_t ms, int16_t error)
{
	for (int64_t at = 0; at < ms; at += 1000) {
		kit_advance_ms(p->kit, 1000);
		assert_int_equal(consumer_beat(&p->c), WIRE_NONE);
		assert_int_equal(beat(p), error);
	}
}

static void who_joins_again_and_syncs_in_time_stays(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(join(&p), WIRE_NONE);
	assert_int_equal(sync(&p), WIRE_NONE);
	consumer_beat(&p.c);
	consumer_beat(&p.c);
	live_ms(&p, CLASSIC_REBALANCE_MS - 1000, WIRE_REBALANCE_IN_PROGRESS);
	assert_int_equal(join(&p), WIRE_NONE);
	live_ms(&p, CLASSIC_REBALANCE_MS - 1000, WIRE_NONE);
	assert_int_equal(sync(&p), WIRE_NONE);
	live_ms(&p, 2LL * CLASSIC_REBALANCE_MS, WIRE_NONE);
	assert_non_null(old_member(&p));
	pair_free(&p);
}

/* However often it is told, it is the first time that counts. */
static void who_does_not_join_again_goes(void **state)
{
	struct pair p = pair_new();

	(void)state;
	assert_int_equal(join(&p), WIRE_NONE);
	assert_int_equal(sync(&p), WIRE_NONE);
	consumer_beat(&p.c);
	consumer_beat(&p.c);
	assert_int_equal(beat(&p), WIRE_REBALANCE_IN_PROGRESS);
	live_ms(&p, CLASSIC_REBALANCE_MS - 1000, WIRE_REBALANCE_IN_PROGRESS);
	kit_advance_ms(p.kit, 1000);
	assert_null(old_member(&p));
	pair_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_cut_off_is_not_read),
		cmocka_unit_test(only_partitions_that_there_are_are_believed),
		cmocka_unit_test(a_topic_that_is_gone_is_not_named),
		cmocka_unit_test(a_full_house_takes_nobody_new),
		cmocka_unit_test(ids_are_asked_for_since_version_4),
		cmocka_unit_test(what_a_member_says_of_itself_is_kept),
		cmocka_unit_test(a_sync_is_for_the_group_s_protocol),
		cmocka_unit_test(a_sync_is_a_sign_of_life),
		cmocka_unit_test(who_waits_for_others_is_left_alone),
		cmocka_unit_test(who_joins_again_and_syncs_in_time_stays),
		cmocka_unit_test(who_does_not_join_again_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
