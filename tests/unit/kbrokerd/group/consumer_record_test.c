/*
 * consumer_record_test.c - records of a consumer group, against those that
 * Apache Kafka 4.2 wrote
 *
 * Its console consumer joined a group of one partition of __consumer_offsets;
 * topics have the ids that they had there.
 */
#include "kbrokerd/group/consumer_kit.h"

static struct slice from_hex(struct arena *arena, const char *hex)
{
	size_t len = strlen(hex) / 2;
	uint8_t *bytes = arena_alloc(arena, len);

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		bytes[i] = (uint8_t)byte;
	}
	return (struct slice){ bytes, len };
}

static void set_id(struct group_kit *kit, const char *name, const char *hex)
{
	struct kit_topics *t = kit_copy_topics(kit->topics);
	struct arena arena = { 0 };

	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->items[i].name, name) == 0)
			memcpy(t->items[i].topic.id.bytes,
			       from_hex(&arena, hex).data, UUID_BYTES);
	}
	kit_set_topics(kit, t);
	arena_clear(&arena);
}

static void join(struct group_kit *kit, const char *group, const char *id,
		 struct slice *names, int32_t count)
{
	struct kit_ask *ask =
		kit_ask_new_of(1, "console-consumer", "/127.0.0.1");
	struct consumer_client c = consumer_client(kit, id);
	struct consumer_group_heartbeat_request r;

	c.group = group;
	r = consumer_request(&c);
	r.rebalance_timeout_ms = 300000;
	r.subscribed_topic_names = names;
	r.subscribed_topic_names_count = count;
	r.topic_partitions_count = 0;
	consumer_heartbeat(&kit->shard, &ask->ask, &r);
	assert_int_equal(((const struct consumer_group_heartbeat_response *)
				  kit_answer(ask))
				 ->error_code,
			 WIRE_NONE);
	kit_ask_free(ask);
	consumer_client_clear(&c);
}

static void a_first_member_is_written_as_kafka_writes_it(void **state)
{
	static const char *const values[] = {
		"0000000011636f6e736f6c652d636f6e73756d65720b2f3132372e302e302e"
		"310206616c7068610100"
		"0493e00001000100",
		"0000000000010100080bbafae1ffaea7e6",
		"0000029a2a39f3ae814daca46855dcd2970a9b04000000000000000100000"
		"0020000",
		"00000000000100",
		"0000000000010000000000029a2a39f3ae814daca46855dcd2970a9b04000"
		"00000000000010000000200"
		"0100",
	};
	struct group_kit *kit = group_kit_new();
	struct slice name = slice_of("alpha");
	struct arena arena = { 0 };

	(void)state;
	kit_add_topic(kit, "alpha", 3);
	set_id(kit, "alpha", "9a2a39f3ae814daca46855dcd2970a9b");
	join(kit, "gn", "g_Th5xPlTgayxmMrBPFJ_g", &name, 1);
	assert_int_equal(kit->record_count, 5);
	assert_memory_equal(kit->records[0].key.data,
			    "\x00\x05\x00\x02gn\x00\x16g_Th5xPlTgayxmMrBPFJ_g",
			    30);
	for (size_t i = 0; i < 5; i++) {
		struct slice value = from_hex(&arena, values[i]);

		assert_int_equal(kit->records[i].value.len, value.len);
		assert_memory_equal(kit->records[i].value.data, value.data,
				    value.len);
	}
	arena_clear(&arena);
	group_kit_free(kit);
}

static void topics_are_hashed_as_kafka_hashes_them(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct slice names[2] = { slice_of("beta.topic"), slice_of("alpha") };

	(void)state;
	kit_add_topic(kit, "alpha", 3);
	kit_add_topic(kit, "beta.topic", 200);
	set_id(kit, "alpha", "9a2a39f3ae814daca46855dcd2970a9b");
	set_id(kit, "beta.topic", "9576cf6a6db7475a9477cdf06faaee5b");
	join(kit, "g", "m", names, 2);
	assert_int_equal(consumer_kit_group(kit)->metadata_hash,
			 (int64_t)0x90afed61ad17d9d3);
	group_kit_free(kit);
}

static int32_t one_rack(const struct group_topics *topics,
			const struct group_topic *topic, int32_t partition,
			struct slice *racks, int32_t most)
{
	(void)topics;
	(void)topic;
	(void)partition;
	assert_true(most > 0);
	/* As Kafka read the bytes of "räck1" in its properties file. */
	racks[0] = slice_of("r\xc3\x83\xc2\xa4"
			    "ck1");
	return 1;
}

static void racks_are_hashed_as_kafka_hashes_them(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct slice name = slice_of("alpha");

	(void)state;
	kit_add_topic(kit, "alpha", 3);
	set_id(kit, "alpha", "ebf25df3d29a4ad5bf152a674287dc32");
	kit->topics->topics.racks = one_rack;
	join(kit, "g", "m", &name, 1);
	assert_int_equal(consumer_kit_group(kit)->metadata_hash,
			 (int64_t)0xdb564f141b6d625d);
	group_kit_free(kit);
}

static void a_member_that_goes_leaves_tombstones(void **state)
{
	static const uint8_t types[] = { RECORD_CONSUMER_CURRENT_MEMBER,
					 RECORD_CONSUMER_TARGET_MEMBER,
					 RECORD_CONSUMER_MEMBER };
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");

	(void)state;
	kit_add_topic(kit, "t", 1);
	consumer_join(&a);
	consumer_bye(&a, EPOCH_LEAVE);
	assert_int_equal(kit->record_count, 9);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(get_be16(kit->records[5 + i].key.data),
				 types[i]);
		assert_true(slice_is_null(kit->records[5 + i].value));
	}
	/* No topics: no hash. */
	assert_int_equal(kit->records[8].value.len, 7);
	assert_memory_equal(kit->records[8].value.data,
			    "\x00\x00\x00\x00\x00\x02\x00", 7);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

static void a_deleted_group_leaves_nothing(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct group_changes changes;
	struct arena arena = { 0 };

	(void)state;
	kit_add_topic(kit, "t", 1);
	a.pattern = "t";
	consumer_join(&a);
	consumer_bye(&a, EPOCH_LEAVE);
	group_changes_init(&changes, &arena);
	consumer_delete(consumer_kit_group(kit)->group, &changes);
	assert_int_equal(group_commit(&kit->shard, &changes, NULL), 0);
	assert_null(group_find(&kit->shard, slice_of("g")));
	kit_restart(kit);
	assert_null(kit->shard.groups);
	arena_clear(&arena);
	consumer_client_clear(&a);
	group_kit_free(kit);
}

/* Record 4 of a Kafka before 4.1 is taken back with the next epoch. */
static void old_partition_metadata_goes(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");
	struct consumer_group_partition_metadata_key key = { slice_of("g") };
	struct consumer_group_partition_metadata_value value = { 0 };
	struct kit_record *last;

	(void)state;
	consumer_join(&a);
	assert_int_equal(consumer_apply_partition_metadata(&kit->shard, &key,
							   &value, 0, 1),
			 0);
	consumer_join(&b);
	last = &kit->records[7];
	assert_int_equal(get_be16(last->key.data),
			 RECORD_CONSUMER_PARTITION_METADATA);
	assert_true(slice_is_null(last->value));
	assert_false(consumer_kit_group(kit)->has_partition_metadata);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	group_kit_free(kit);
}

/* Compaction leaves what is newest, in any order. */
static void records_are_understood_in_any_order(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c[2] = { consumer_client(kit, "a"),
					consumer_client(kit, "b") };
	struct group_shard other;
	struct group *group;

	(void)state;
	kit_add_topic(kit, "t", 4);
	consumer_join(&c[0]);
	consumer_join(&c[1]);
	consumer_settle(c, 2);
	kit_init_shard(kit, &other);
	/* Newest first, and of each key only that. */
	for (size_t i = kit->record_count; i-- > 0;) {
		bool is_old = false;

		for (size_t k = i + 1; k < kit->record_count; k++)
			is_old |= slice_equal(kit->records[i].key,
					      kit->records[k].key);
		if (!is_old)
			assert_int_equal(
				group_shard_load(&other, kit->records[i].key,
						 kit->records[i].value, 1),
				0);
	}
	group_shard_loaded(&other);
	group = group_find(&other, slice_of("g"));
	assert_non_null(group);
	consumer_assert_same(consumer_kit_group(kit)->group, group);
	assert_string_equal(consumer_state(group), "Stable");
	group_shard_clear(&other);
	consumer_client_clear(&c[0]);
	consumer_client_clear(&c[1]);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_first_member_is_written_as_kafka_writes_it),
		cmocka_unit_test(topics_are_hashed_as_kafka_hashes_them),
		cmocka_unit_test(racks_are_hashed_as_kafka_hashes_them),
		cmocka_unit_test(a_member_that_goes_leaves_tombstones),
		cmocka_unit_test(a_deleted_group_leaves_nothing),
		cmocka_unit_test(old_partition_metadata_goes),
		cmocka_unit_test(records_are_understood_in_any_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
