/*
 * offset_rules_test.c - which offsets a group with members keeps, and what is
 * written of a commit
 */
#include "kbrokerd/group/classic_kit.h"
#include "kbrokerd/group/consumer_kit.h"

enum { WEEK_MS = 7 * 24 * KIT_MS_PER_HOUR };

typedef struct offset_commit_request_topics_partitions commit_row;

static commit_row row(int32_t partition)
{
	commit_row r;

	wire_init(&offset_commit_request_topics_partitions_desc, &r);
	r.partition_index = partition;
	r.committed_offset = 5;
	return r;
}

/* The rows of one topic; their errors go to errors. */
static void commit(struct group_kit *kit, int16_t version, const char *topic,
		   int64_t retention_ms, commit_row *rows, int32_t count,
		   int16_t *errors)
{
	struct kit_ask *ask = kit_ask_new(version);
	struct offset_commit_request_topics one;
	struct offset_commit_request request;
	const struct offset_commit_response *r;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &one);
	request.group_id = slice_of("g");
	request.member_id = slice_of("");
	request.retention_time_ms = retention_ms;
	request.topics = &one;
	request.topics_count = 1;
	one.name = slice_of(topic);
	one.partitions = rows;
	one.partitions_count = count;
	group_offset_commit(&kit->shard, &ask->ask, &request);
	r = kit_answer(ask);
	for (int32_t i = 0; i < count; i++)
		errors[i] = r->topics[0].partitions[i].error_code;
	kit_ask_free(ask);
}

static void commit_one(struct group_kit *kit, const char *topic,
		       int64_t retention_ms, commit_row r)
{
	int16_t error;

	commit(kit, 4, topic, retention_ms, &r, 1, &error);
	assert_int_equal(error, WIRE_NONE);
}

/* What is kept of partition 0, or NULL. */
static const struct group_offset *kept(struct group_kit *kit, const char *topic)
{
	const struct group *group = group_find(&kit->shard, slice_of("g"));

	return group == NULL ? NULL
			     : group_offset_find(group, slice_of(topic), 0);
}

static struct group_kit *kit_with_commits(void)
{
	struct group_kit *kit = group_kit_new();

	kit_add_topic(kit, "other", 1);
	kit_add_topic(kit, "t", 1);
	commit_one(kit, "other", -1, row(0));
	commit_one(kit, "t", -1, row(0));
	return kit;
}

/* Some time later nobody has committed anything, but everybody lives. */
static void pass_ms(struct group_kit *kit, int64_t ms)
{
	kit->shard.wall_ms += ms;
	group_expire_offsets(&kit->shard);
}

/* Expiry */

static void what_members_subscribe_to_is_kept(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	pass_ms(kit, WEEK_MS);
	assert_null(kept(kit, "other"));
	assert_non_null(kept(kit, "t"));
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c);
	group_kit_free(kit);
}

static void a_group_with_members_outlives_its_offsets(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	c.topics[0] = "none";
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	pass_ms(kit, WEEK_MS);
	assert_null(kept(kit, "t"));
	assert_int_equal(consumer_beat(&c), WIRE_NONE);
	kit_assert_replayed(kit, consumer_assert_same);
	consumer_client_clear(&c);
	group_kit_free(kit);
}

static struct slice subscription_to(const char *topic)
{
	struct slice name = slice_of(topic);
	struct consumer_protocol_subscription s;

	wire_init(&consumer_protocol_subscription_desc, &s);
	s.topics = &name;
	s.topics_count = 1;
	s.user_data = SLICE_NULL;
	return kit_encode(&consumer_protocol_subscription_desc, 1, &s);
}

static void a_classic_group_keeps_what_it_reads_and_all_while_it_rebalances(
	void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct slice wanted = subscription_to("t");
	struct classic_client c = classic_client(NULL);
	struct classic_client d = classic_client(NULL);

	(void)state;
	c.protocols[0].metadata = wanted;
	c.protocols[1].name = NULL;
	classic_kit_stabilize(kit, &c, 1);
	d.protocols[0].metadata = wanted;
	classic_kit_join(kit, &d);
	assert_string_equal(classic_kit_state(kit), "PreparingRebalance");
	pass_ms(kit, WEEK_MS);
	assert_non_null(kept(kit, "other"));
	classic_ask_join(kit, &c);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	classic_kit_assign(kit, &c, &c, 1);
	assert_string_equal(classic_kit_state(kit), "Stable");
	pass_ms(kit, 0);
	assert_null(kept(kit, "other"));
	assert_non_null(kept(kit, "t"));
	classic_client_clear(&c);
	classic_client_clear(&d);
	free((void *)wanted.data);
	group_kit_free(kit);
}

static void what_is_no_consumer_s_group_keeps_all(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.protocol_type = "connect";
	classic_kit_stabilize(kit, &c, 1);
	pass_ms(kit, WEEK_MS);
	assert_non_null(kept(kit, "other"));
	assert_non_null(kept(kit, "t"));
	classic_client_clear(&c);
	group_kit_free(kit);
}

static void an_offset_goes_when_its_commit_said(void **state)
{
	struct group_kit *kit = group_kit_new();

	(void)state;
	kit_add_topic(kit, "t", 1);
	commit_one(kit, "t", 10, row(0));
	pass_ms(kit, 9);
	assert_non_null(kept(kit, "t"));
	pass_ms(kit, 1);
	assert_null(kept(kit, "t"));
	/* Never, or at once. */
	commit_one(kit, "t", INT64_MAX, row(0));
	assert_true(kept(kit, "t")->expire_ms == INT64_MAX);
	pass_ms(kit, 2LL * WEEK_MS);
	assert_non_null(kept(kit, "t"));
	commit_one(kit, "t", 0, row(0));
	pass_ms(kit, 0);
	assert_null(kept(kit, "t"));
	group_kit_free(kit);
}

/* Topics that come and go */

static void a_topic_made_anew_at_once_has_no_offsets(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct kit_topics *t = kit_copy_topics(kit->topics);

	(void)state;
	t->items[1].topic.id = uuid_random(&kit->random.random);
	kit_set_topics(kit, t);
	assert_null(kept(kit, "t"));
	assert_non_null(kept(kit, "other"));
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

/* As when groups are loaded before the topics are known. */
static void a_topic_that_was_not_known_is_not_deleted(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct kit_topics *t = kit_copy_topics(kit->topics);

	(void)state;
	kit->append_rc = -ENOSPC;
	kit_remove_topic(kit, "t");
	kit->append_rc = 0;
	t->topics.version += 2;
	kit_set_topics(kit, t);
	assert_non_null(kept(kit, "t"));
	group_kit_free(kit);
}

/* Commits */

static void all_of_a_commit_is_written(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct uuid id = kit_add_topic(kit, "t", 1);
	commit_row r = row(0);

	(void)state;
	r.committed_leader_epoch = 7;
	commit_one(kit, "t", -1, r);
	assert_int_equal(kept(kit, "t")->leader_epoch, 7);
	assert_true(uuid_equal(kept(kit, "t")->topic_id, id));
	assert_int_equal(kept(kit, "t")->commit_ms, kit_start_wall_ms);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void a_write_that_fails_is_told_of_what_was_to_be_written(void **state)
{
	struct group_kit *kit = group_kit_new();
	commit_row rows[] = { row(0), row(1) };
	int16_t errors[2];

	(void)state;
	kit_add_topic(kit, "t", 1);
	kit->append_rc = -ENOSPC;
	commit(kit, 9, "t", -1, rows, 2, errors);
	assert_int_equal(errors[0], WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_int_equal(errors[1], WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	group_kit_free(kit);
}

/* Deleting */

static int16_t delete_offset(struct group_kit *kit, const char *topic,
			     int32_t partition)
{
	struct kit_ask *ask = kit_ask_new(0);
	struct offset_delete_request_topics_partitions one = { partition };
	struct offset_delete_request_topics topics[] = {
		{ .name = slice_of("none"), .partitions_count = 0 },
		{ slice_of(topic), &one, 1 },
	};
	const struct offset_delete_request request = {
		.group_id = slice_of("g"),
		.topics = topics,
		.topics_count = 2,
	};
	const struct offset_delete_response *r;
	int16_t error;

	group_offset_delete(&kit->shard, &ask->ask, &request);
	r = kit_answer(ask);
	error = r->error_code;
	if (error == WIRE_NONE) {
		/* Of a topic without partitions there is nothing to tell. */
		assert_int_equal(r->topics_count, 1);
		error = r->topics[0].partitions[0].error_code;
	}
	kit_ask_free(ask);
	return error;
}

static void what_is_read_now_is_not_deleted(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct consumer_client c = consumer_client(kit, "c");

	(void)state;
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_int_equal(delete_offset(kit, "t", 0),
			 WIRE_GROUP_SUBSCRIBED_TO_TOPIC);
	assert_int_equal(delete_offset(kit, "other", 1),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(delete_offset(kit, "other", 0), WIRE_NONE);
	assert_null(kept(kit, "other"));
	assert_non_null(kept(kit, "t"));
	consumer_client_clear(&c);
	group_kit_free(kit);
}

static void nothing_of_a_group_of_others_is_deleted(void **state)
{
	struct group_kit *kit = kit_with_commits();
	struct classic_client c = classic_client(NULL);

	(void)state;
	c.protocol_type = "connect";
	classic_kit_stabilize(kit, &c, 1);
	assert_int_equal(delete_offset(kit, "t", 0), WIRE_NON_EMPTY_GROUP);
	classic_kit_leave(kit, c.member_id, NULL);
	assert_int_equal(delete_offset(kit, "t", 0), WIRE_NONE);
	classic_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_members_subscribe_to_is_kept),
		cmocka_unit_test(a_group_with_members_outlives_its_offsets),
		cmocka_unit_test(
			a_classic_group_keeps_what_it_reads_and_all_while_it_rebalances),
		cmocka_unit_test(what_is_no_consumer_s_group_keeps_all),
		cmocka_unit_test(an_offset_goes_when_its_commit_said),
		cmocka_unit_test(a_topic_made_anew_at_once_has_no_offsets),
		cmocka_unit_test(a_topic_that_was_not_known_is_not_deleted),
		cmocka_unit_test(all_of_a_commit_is_written),
		cmocka_unit_test(
			a_write_that_fails_is_told_of_what_was_to_be_written),
		cmocka_unit_test(what_is_read_now_is_not_deleted),
		cmocka_unit_test(nothing_of_a_group_of_others_is_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
