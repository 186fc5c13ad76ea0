/*
 * offsets_test.c - offsets committed, fetched, deleted, expired
 */
#include "kbrokerd/group/describe.h"
#include "kbrokerd/group/group_kit.h"

enum { NEWEST_COMMIT = 10, NEWEST_FETCH = 10, DAY_MS = 24 * KIT_MS_PER_HOUR };

/* Asking */

struct commit {
	const char *group, *topic, *metadata;
	int32_t partition;
	int64_t offset;
	int32_t generation; /* 0: -1 */
	int64_t retention_ms;
	struct uuid topic_id;
};

/* Returns the partition's error. */
static int16_t commit(struct group_kit *kit, int16_t version, struct commit c)
{
	struct kit_ask *ask = kit_ask_new(version);
	struct offset_commit_request_topics_partitions partition;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;
	const struct offset_commit_response *response;
	int16_t error;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &partition);
	request.group_id = slice_of(c.group);
	request.member_id = slice_of("");
	request.generation_id_or_member_epoch =
		c.generation == 0 ? -1 : c.generation;
	if (c.retention_ms != 0)
		request.retention_time_ms = c.retention_ms;
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of(c.topic);
	topic.topic_id = c.topic_id;
	topic.partitions = &partition;
	topic.partitions_count = 1;
	partition.partition_index = c.partition;
	partition.committed_offset = c.offset;
	partition.committed_metadata = slice_of(c.metadata);
	group_offset_commit(&kit->shard, &ask->ask, &request);
	response = kit_answer(ask);
	error = response->topics[0].partitions[0].error_code;
	assert_int_equal(response->topics[0].partitions[0].partition_index,
			 c.partition);
	if (error == WIRE_NONE)
		assert_int_equal(ask->ask.offset, kit->record_count);
	kit_ask_free(ask);
	return error;
}

static void commit_offset(struct group_kit *kit, const char *group,
			  const char *topic, int32_t partition, int64_t offset)
{
	assert_int_equal(commit(kit, 9,
				(struct commit){ .group = group,
						 .topic = topic,
						 .partition = partition,
						 .offset = offset }),
			 WIRE_NONE);
}

/* The offset, -1: none. */
static int64_t fetch(struct group_kit *kit, const char *group,
		     const char *topic, int32_t partition)
{
	struct kit_ask *ask = kit_ask_new(9);
	struct offset_fetch_request_groups_topics asked = {
		.name = slice_of(topic),
		.partition_indexes = &partition,
		.partition_indexes_count = 1,
	};
	struct offset_fetch_request_groups one;
	struct offset_fetch_request request = { .groups = &one,
						.groups_count = 1 };
	const struct offset_fetch_response_groups *answer;
	int64_t offset;

	wire_init(&offset_fetch_request_groups_desc, &one);
	one.group_id = slice_of(group);
	one.topics = &asked;
	one.topics_count = 1;
	group_offset_fetch(&kit->shard, &ask->ask, &request, 0);
	answer = kit_answer(ask);
	assert_int_equal(answer->error_code, WIRE_NONE);
	assert_int_equal(answer->topics_count, 1);
	assert_int_equal(answer->topics[0].partitions[0].error_code, WIRE_NONE);
	offset = answer->topics[0].partitions[0].committed_offset;
	kit_ask_free(ask);
	return offset;
}

/* All that the group has; the ask is the caller's. */
static const struct offset_fetch_response_groups *fetch_all(
	struct group_kit *kit, const char *group, struct kit_ask *ask)
{
	struct offset_fetch_request_groups one;
	struct offset_fetch_request request = { .groups = &one,
						.groups_count = 1 };

	wire_init(&offset_fetch_request_groups_desc, &one);
	one.group_id = slice_of(group);
	one.topics_count = -1;
	group_offset_fetch(&kit->shard, &ask->ask, &request, 0);
	return kit_answer(ask);
}

/* The partition's error, or the group's. */
static int16_t delete_offset(struct group_kit *kit, const char *group,
			     const char *topic, int32_t partition,
			     int32_t times)
{
	struct kit_ask *ask = kit_ask_new(0);
	struct offset_delete_request_topics_partitions partitions[2] = {
		{ partition }, { partition }
	};
	struct offset_delete_request_topics asked = {
		.name = slice_of(topic),
		.partitions = partitions,
		.partitions_count = times,
	};
	const struct offset_delete_request request = {
		.group_id = slice_of(group),
		.topics = &asked,
		.topics_count = 1,
	};
	const struct offset_delete_response *response;
	int16_t error;

	group_offset_delete(&kit->shard, &ask->ask, &request);
	response = kit_answer(ask);
	error = response->error_code;
	if (error == WIRE_NONE)
		error = response->topics[0].partitions[0].error_code;
	kit_ask_free(ask);
	return error;
}

static int16_t remove_group(struct group_kit *kit, const char *group)
{
	struct kit_ask *ask = kit_ask_new(2);
	const struct delete_groups_response_results *result;
	int16_t error;

	group_remove(&kit->shard, &ask->ask, slice_of(group));
	result = kit_answer(ask);
	error = result->error_code;
	kit_ask_free(ask);
	return error;
}

static struct group_kit *kit_with_topics(void)
{
	struct group_kit *kit = group_kit_new();

	kit_add_topic(kit, "a", 4);
	kit_add_topic(kit, "b", 4);
	return kit;
}

/* Commits */

static void what_was_committed_is_fetched_also_after_a_restart(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 10);
	commit_offset(kit, "g", "a", 1, 11);
	commit_offset(kit, "g", "a", 0, 12);
	assert_int_equal(fetch(kit, "g", "a", 0), 12);
	assert_int_equal(fetch(kit, "g", "a", 1), 11);
	assert_int_equal(fetch(kit, "g", "a", 2), -1);
	assert_int_equal(fetch(kit, "other", "a", 0), -1);
	kit_assert_replayed(kit, NULL);
	kit_restart(kit);
	assert_int_equal(fetch(kit, "g", "a", 0), 12);
	assert_int_equal(kit->shard.counters.commits, 0);
	group_kit_free(kit);
}

static void a_group_id_of_any_bytes_is_one(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "", "a", 0, 1);
	commit_offset(kit, "\xff\xfe \n%s", "a", 0, 2);
	assert_int_equal(fetch(kit, "", "a", 0), 1);
	assert_int_equal(fetch(kit, "\xff\xfe \n%s", "a", 0), 2);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void topics_and_partitions_that_there_are_not_fail_alone(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct uuid id = kit_add_topic(kit, "c", 1);

	(void)state;
	assert_int_equal(
		commit(kit, 9, (struct commit){ .group = "g", .topic = "x" }),
		WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(commit(kit, 9,
				(struct commit){ .group = "g",
						 .topic = "c",
						 .partition = 1 }),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(commit(kit, 9,
				(struct commit){ .group = "g",
						 .topic = "c",
						 .partition = -1 }),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(commit(kit, NEWEST_COMMIT,
				(struct commit){ .group = "g",
						 .offset = 7,
						 .topic_id = { { 9 } } }),
			 WIRE_UNKNOWN_TOPIC_ID);
	assert_null(kit->shard.groups);
	assert_int_equal(commit(kit, NEWEST_COMMIT,
				(struct commit){ .group = "g",
						 .offset = 7,
						 .topic_id = id }),
			 WIRE_NONE);
	assert_int_equal(fetch(kit, "g", "c", 0), 7);
	group_kit_free(kit);
}

static void only_a_simple_consumer_commits_to_a_group_without_members(
	void **state)
{
	struct group_kit *kit = kit_with_topics();
	const struct commit c = { .group = "g", .topic = "a", .generation = 3 };

	(void)state;
	assert_int_equal(commit(kit, 8, c), WIRE_ILLEGAL_GENERATION);
	assert_int_equal(commit(kit, 9, c), WIRE_GROUP_ID_NOT_FOUND);
	commit_offset(kit, "g", "a", 0, 1);
	assert_int_equal(commit(kit, 9, c), WIRE_UNKNOWN_MEMBER_ID);
	group_kit_free(kit);
}

static void metadata_is_limited_in_utf16_units(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct commit c = { "g", "a",
			    .metadata = "\xf0\x9f\x98\x80"
					"ab" };

	(void)state;
	kit->settings.offset_metadata_max_bytes = 4;
	assert_int_equal(commit(kit, 9, c), WIRE_NONE);
	c.metadata = "\xf0\x9f\x98\x80"
		     "abc";
	assert_int_equal(commit(kit, 9, c), WIRE_OFFSET_METADATA_TOO_LARGE);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void a_commit_that_is_not_written_is_none(void **state)
{
	struct group_kit *kit = kit_with_topics();
	const struct commit c = { .group = "g", .topic = "a", .offset = 5 };

	(void)state;
	commit_offset(kit, "g", "a", 0, 4);
	kit->append_rc = -ENOSPC;
	assert_int_equal(commit(kit, 9, c), WIRE_COORDINATOR_NOT_AVAILABLE);
	kit->append_rc = -EMSGSIZE;
	assert_int_equal(commit(kit, 9, c), WIRE_UNKNOWN_SERVER_ERROR);
	kit->append_rc = -EIO;
	assert_int_equal(commit(kit, 9, c), WIRE_NOT_COORDINATOR);
	assert_int_equal(fetch(kit, "g", "a", 0), 4);
	assert_int_equal(kit->shard.counters.commits, 1);
	group_kit_free(kit);
}

static void nothing_new_is_taken_when_the_memory_is_full(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct commit c = { .group = "g", .topic = "a", .offset = 5 };

	(void)state;
	commit_offset(kit, "g", "a", 0, 4);
	kit->memory.max = kit->memory.bytes - 1;
	assert_int_equal(commit(kit, 9, c), WIRE_NONE);
	c.metadata = "more";
	assert_int_equal(commit(kit, 9, c), WIRE_POLICY_VIOLATION);
	c.partition = 1;
	assert_int_equal(commit(kit, 9, c), WIRE_POLICY_VIOLATION);
	c.group = "h";
	assert_int_equal(commit(kit, 9, c), WIRE_POLICY_VIOLATION);
	assert_int_equal(delete_offset(kit, "g", "a", 0, 1), WIRE_NONE);
	assert_int_equal(remove_group(kit, "g"), WIRE_NONE);
	assert_int_equal(kit->memory.bytes, 0);
	assert_int_equal(commit(kit, 9, c), WIRE_NONE);
	group_kit_free(kit);
}

/* Fetching all */

static void all_offsets_of_a_group_come_in_order(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct kit_ask *ask = kit_ask_new(NEWEST_FETCH);
	struct uuid id = kit_add_topic(kit, "c", 1);
	const struct offset_fetch_response_groups *answer;

	(void)state;
	commit_offset(kit, "g", "c", 0, 30);
	commit_offset(kit, "g", "a", 2, 12);
	commit_offset(kit, "g", "a", 1, 11);
	answer = fetch_all(kit, "g", ask);
	assert_int_equal(answer->topics_count, 2);
	assert_true(slice_is(answer->topics[0].name, "a"));
	assert_int_equal(answer->topics[0].partitions_count, 2);
	assert_int_equal(answer->topics[0].partitions[0].partition_index, 1);
	assert_int_equal(answer->topics[0].partitions[1].committed_offset, 12);
	assert_true(uuid_equal(answer->topics[1].topic_id, id));
	assert_int_equal(answer->topics[1].partitions[0].committed_offset, 30);
	assert_int_equal(ask->ask.offset, 3);
	kit_ask_free(ask);
	group_kit_free(kit);
}

static void a_group_that_there_is_not_has_no_offsets(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct kit_ask *ask = kit_ask_new(NEWEST_FETCH);
	const struct offset_fetch_response_groups *answer =
		fetch_all(kit, "g", ask);

	(void)state;
	assert_int_equal(answer->error_code, WIRE_NONE);
	assert_int_equal(answer->topics_count, 0);
	kit_ask_free(ask);
	group_kit_free(kit);
}

/* Deleting */

static void offsets_are_deleted_one_by_one(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	assert_int_equal(delete_offset(kit, "g", "a", 0, 1),
			 WIRE_GROUP_ID_NOT_FOUND);
	commit_offset(kit, "g", "a", 0, 1);
	commit_offset(kit, "g", "a", 1, 2);
	assert_int_equal(delete_offset(kit, "g", "x", 0, 1),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(delete_offset(kit, "g", "a", 3, 1), WIRE_NONE);
	assert_int_equal(kit->record_count, 2);
	assert_int_equal(delete_offset(kit, "g", "a", 0, 2), WIRE_NONE);
	assert_int_equal(fetch(kit, "g", "a", 0), -1);
	assert_int_equal(fetch(kit, "g", "a", 1), 2);
	kit_assert_replayed(kit, NULL);
	assert_int_equal(delete_offset(kit, "g", "a", 1, 2), WIRE_NONE);
	assert_int_equal(delete_offset(kit, "g", "a", 1, 2), WIRE_NONE);
	kit_assert_replayed(kit, NULL);
	kit_advance_ms(kit, 600000);
	assert_null(kit->shard.groups);
	group_kit_free(kit);
}

static void offsets_go_with_their_topic(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	commit_offset(kit, "g", "b", 0, 2);
	commit_offset(kit, "h", "a", 0, 3);
	kit_remove_topic(kit, "a");
	assert_int_equal(fetch(kit, "g", "b", 0), 2);
	assert_int_equal(fetch(kit, "h", "a", 0), -1);
	kit_add_topic(kit, "a", 4);
	assert_int_equal(fetch(kit, "g", "a", 0), -1);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void what_is_left_of_a_topic_is_not_given_to_the_next(void **state)
{
	struct group_kit *kit = kit_with_topics();
	struct kit_ask *ask;

	(void)state;
	commit_offset(kit, "g", "a", 0, 5);
	commit_offset(kit, "g", "b", 0, 2);
	kit->append_rc = -ENOSPC; /* its end cannot be written */
	kit_remove_topic(kit, "a");
	kit->append_rc = 0;
	kit_add_topic(kit, "a", 4);
	assert_int_equal(fetch(kit, "g", "a", 0), -1);
	ask = kit_ask_new(8);
	assert_int_equal(fetch_all(kit, "g", ask)->topics_count, 1);
	kit_ask_free(ask);
	group_expire_offsets(&kit->shard);
	assert_int_equal(group_find(&kit->shard, slice_of("g"))->offset_count,
			 1);
	group_kit_free(kit);
}

static void thousands_of_offsets_go_in_batches(void **state)
{
	enum { COUNT = 2500 };
	struct group_kit *kit = group_kit_new();

	(void)state;
	kit_add_topic(kit, "a", COUNT);
	for (int32_t i = 0; i < COUNT; i++)
		commit_offset(kit, "g", "a", i, i);
	kit->batch_count = 0;
	kit_advance_ms(kit, 8LL * DAY_MS);
	assert_null(kit->shard.groups);
	assert_int_equal(kit->batch_count, 3);
	assert_int_equal(kit->shard.counters.expired, COUNT);
	group_kit_free(kit);
}

/* Expiry */

static void offsets_of_a_simple_consumer_expire_by_their_commit(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	kit_advance_ms(kit, 3LL * DAY_MS);
	commit_offset(kit, "g", "a", 1, 2);
	kit_advance_ms(kit, 4LL * DAY_MS - 1);
	assert_int_equal(fetch(kit, "g", "a", 0), 1);
	kit_advance_ms(kit, 600000);
	assert_int_equal(fetch(kit, "g", "a", 0), -1);
	assert_int_equal(fetch(kit, "g", "a", 1), 2);
	kit_advance_ms(kit, 3LL * DAY_MS);
	assert_null(kit->shard.groups);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void old_versions_may_say_when_an_offset_goes(void **state)
{
	struct group_kit *kit = kit_with_topics();
	const struct commit c = { .group = "g",
				  .topic = "a",
				  .retention_ms = DAY_MS };

	(void)state;
	assert_int_equal(commit(kit, 4, c), WIRE_NONE);
	kit_assert_replayed(kit, NULL);
	kit_advance_ms(kit, DAY_MS - 600000);
	assert_int_equal(fetch(kit, "g", "a", 0), 0);
	kit_advance_ms(kit, 1200000);
	assert_int_equal(fetch(kit, "g", "a", 0), -1);
	group_kit_free(kit);
}

/* A classic group that had members until now. */
static void put_empty_group(struct group_kit *kit, const char *id)
{
	struct arena arena = { 0 };
	struct group_changes changes;
	struct group_metadata_key key = { slice_of(id) };
	struct group_metadata_value value;

	wire_init(&group_metadata_value_desc, &value);
	value.protocol_type = slice_of("consumer");
	value.generation = 5;
	value.protocol = SLICE_NULL;
	value.leader = SLICE_NULL;
	value.current_state_timestamp = kit->shard.wall_ms;
	group_changes_init(&changes, &arena);
	group_changes_add(&changes, RECORD_GROUP_METADATA, &key, 3, &value);
	assert_int_equal(group_commit(&kit->shard, &changes, NULL), 0);
	arena_clear(&arena);
}

static void offsets_of_a_group_expire_after_its_last_member_left(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	kit_advance_ms(kit, 5LL * DAY_MS);
	put_empty_group(kit, "g");
	kit_restart(kit);
	kit_advance_ms(kit, 6LL * DAY_MS);
	assert_int_equal(fetch(kit, "g", "a", 0), 1);
	kit_advance_ms(kit, 1LL * DAY_MS + 600000);
	assert_null(kit->shard.groups);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

static void what_cannot_be_deleted_now_is_deleted_later(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	kit->append_rc = -ENOSPC;
	kit_advance_ms(kit, 8LL * DAY_MS);
	assert_int_equal(fetch(kit, "g", "a", 0), 1);
	assert_int_equal(kit->shard.counters.expired, 0);
	kit->append_rc = 0;
	kit_advance_ms(kit, 600000);
	assert_null(kit->shard.groups);
	group_kit_free(kit);
}

/* Groups from outside */

static int32_t count_listed(struct group_kit *kit, const char *a_state,
			    const char *a_type)
{
	struct kit_ask *ask = kit_ask_new(5);
	struct slice state = slice_of(a_state);
	struct slice type = slice_of(a_type);
	const struct list_groups_request request = {
		.states_filter = &state,
		.states_filter_count = a_state != NULL,
		.types_filter = &type,
		.types_filter_count = a_type != NULL,
	};
	const struct list_groups_response *response;
	int32_t count;

	group_list(&kit->shard, &ask->ask, &request);
	response = kit_answer(ask);
	count = response->groups_count;
	kit_ask_free(ask);
	return count;
}

static void groups_are_listed_by_state_and_type(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	commit_offset(kit, "h", "a", 0, 1);
	assert_int_equal(count_listed(kit, NULL, NULL), 2);
	assert_int_equal(count_listed(kit, "empty", "Classic"), 2);
	assert_int_equal(count_listed(kit, "Stable", NULL), 0);
	assert_int_equal(count_listed(kit, NULL, "consumer"), 0);
	assert_int_equal(count_listed(kit, NULL, "nonsense"), 0);
	group_kit_free(kit);
}

static int16_t describe(struct group_kit *kit, int16_t version,
			const char *group, const char *expected_state)
{
	struct kit_ask *ask = kit_ask_new(version);
	const struct describe_groups_response_groups *answer;
	int16_t error;

	group_describe(&kit->shard, &ask->ask, slice_of(group));
	answer = kit_answer(ask);
	assert_true(slice_is(answer->group_id, group));
	assert_true(slice_is(answer->group_state, expected_state));
	error = answer->error_code;
	kit_ask_free(ask);
	return error;
}

static void a_group_that_there_is_not_is_dead_or_not_found(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	commit_offset(kit, "g", "a", 0, 1);
	assert_int_equal(describe(kit, 6, "g", "Empty"), WIRE_NONE);
	assert_int_equal(describe(kit, 5, "x", "Dead"), WIRE_NONE);
	assert_int_equal(describe(kit, 6, "x", "Dead"),
			 WIRE_GROUP_ID_NOT_FOUND);
	group_kit_free(kit);
}

static void a_deleted_group_has_nothing_left(void **state)
{
	struct group_kit *kit = kit_with_topics();

	(void)state;
	assert_int_equal(remove_group(kit, "g"), WIRE_GROUP_ID_NOT_FOUND);
	commit_offset(kit, "g", "a", 0, 1);
	put_empty_group(kit, "g");
	assert_int_equal(remove_group(kit, "g"), WIRE_NONE);
	assert_null(kit->shard.groups);
	kit_assert_replayed(kit, NULL);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_committed_is_fetched_also_after_a_restart),
		cmocka_unit_test(a_group_id_of_any_bytes_is_one),
		cmocka_unit_test(
			topics_and_partitions_that_there_are_not_fail_alone),
		cmocka_unit_test(
			only_a_simple_consumer_commits_to_a_group_without_members),
		cmocka_unit_test(metadata_is_limited_in_utf16_units),
		cmocka_unit_test(a_commit_that_is_not_written_is_none),
		cmocka_unit_test(nothing_new_is_taken_when_the_memory_is_full),
		cmocka_unit_test(all_offsets_of_a_group_come_in_order),
		cmocka_unit_test(a_group_that_there_is_not_has_no_offsets),
		cmocka_unit_test(offsets_are_deleted_one_by_one),
		cmocka_unit_test(offsets_go_with_their_topic),
		cmocka_unit_test(
			what_is_left_of_a_topic_is_not_given_to_the_next),
		cmocka_unit_test(thousands_of_offsets_go_in_batches),
		cmocka_unit_test(
			offsets_of_a_simple_consumer_expire_by_their_commit),
		cmocka_unit_test(old_versions_may_say_when_an_offset_goes),
		cmocka_unit_test(
			offsets_of_a_group_expire_after_its_last_member_left),
		cmocka_unit_test(what_cannot_be_deleted_now_is_deleted_later),
		cmocka_unit_test(groups_are_listed_by_state_and_type),
		cmocka_unit_test(
			a_group_that_there_is_not_is_dead_or_not_found),
		cmocka_unit_test(a_deleted_group_has_nothing_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
