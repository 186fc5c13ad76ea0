/*
 * load_test.c - batches of the log, transactional ones among them
 */
#include "kbrokerd/group/group_kit.h"
#include "kbrokerd/group/load.h"
#include "record/builder.h"

enum { PLAIN = -1, PRODUCER = 7, OTHER_PRODUCER = 8 };

struct bench {
	struct group_kit *kit;
	struct group_load load;
	int64_t next_offset;
};

static void start(struct bench *b)
{
	b->kit = group_kit_new();
	b->next_offset = 0;
	group_load_init(&b->load, &b->kit->shard);
}

static void stop(struct bench *b)
{
	group_load_clear(&b->load);
	group_kit_free(b->kit);
}

static int add(struct bench *b, int64_t producer_id, int16_t attributes,
	       struct slice key, struct slice value, enum codec codec)
{
	const struct batch_params params = {
		.base_offset = b->next_offset++,
		.attributes = attributes,
		.codec = codec,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = producer_id,
		.producer_epoch = producer_id < 0 ? -1 : 0,
		.base_sequence = -1,
	};
	struct batch_builder builder;
	struct buffer out = { 0 };
	int rc;

	batch_builder_init(&builder);
	assert_int_equal(batch_builder_add(&builder, 1, key, value, NULL, 0),
			 0);
	assert_int_equal(batch_builder_finish(&builder, &params, &out), 0);
	rc = group_load_batch(&b->load, (struct slice){ out.data, out.len });
	batch_builder_clear(&builder);
	buffer_clear(&out);
	return rc;
}

/* The group's offset for partition 0 of "t"; below 0: a tombstone. */
static void add_offset(struct bench *b, int64_t producer_id, const char *group,
		       int64_t offset)
{
	const struct offset_commit_key key = { slice_of(group), slice_of("t"),
					       0 };
	struct offset_commit_value value;
	struct slice key_bytes = kit_encode(&offset_commit_key_desc, 0, &key);
	struct slice value_bytes;

	wire_init(&offset_commit_value_desc, &value);
	value.offset = offset;
	value.metadata = slice_of("");
	value_bytes = kit_encode(&offset_commit_value_desc, 4, &value);
	assert_int_equal(add(b, producer_id,
			     producer_id < 0 ? 0 : BATCH_TRANSACTIONAL,
			     key_bytes, offset < 0 ? SLICE_NULL : value_bytes,
			     CODEC_LZ4),
			 0);
	free((void *)key_bytes.data);
	free((void *)value_bytes.data);
}

static void add_marker(struct bench *b, int64_t producer_id, bool commits)
{
	const uint8_t key[4] = { 0, 0, 0, commits };
	const uint8_t value[6] = { 0 };

	assert_int_equal(
		add(b, producer_id, BATCH_CONTROL | BATCH_TRANSACTIONAL,
		    (struct slice){ key, sizeof(key) },
		    (struct slice){ value, sizeof(value) }, CODEC_NONE),
		0);
}

static int64_t offset_of(const struct bench *b, const char *group)
{
	const struct group *g = group_find(&b->kit->shard, slice_of(group));
	const struct group_offset *o =
		g == NULL ? NULL : group_offset_find(g, slice_of("t"), 0);

	return o == NULL ? -1 : o->offset;
}

static void transactions_count_when_they_are_committed(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	add_offset(&b, PRODUCER, "committed", 1);
	add_offset(&b, PRODUCER, "committed", 2);
	add_offset(&b, OTHER_PRODUCER, "aborted", 3);
	assert_int_equal(offset_of(&b, "committed"), -1);
	add_marker(&b, PRODUCER, true);
	add_marker(&b, OTHER_PRODUCER, false);
	add_offset(&b, PRODUCER, "open", 4);
	add_offset(&b, PLAIN, "plain", 5);
	assert_int_equal(offset_of(&b, "committed"), 2);
	assert_int_equal(offset_of(&b, "aborted"), -1);
	assert_int_equal(offset_of(&b, "open"), -1);
	assert_int_equal(offset_of(&b, "plain"), 5);
	assert_int_equal(b.load.records, 7);
	stop(&b);
}

static void a_plain_commit_after_that_of_a_transaction_wins(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	add_offset(&b, PRODUCER, "g", 1);
	add_offset(&b, PLAIN, "g", 2);
	add_marker(&b, PRODUCER, true);
	assert_int_equal(offset_of(&b, "g"), 2);
	stop(&b);
}

static void a_deletion_also_deletes_what_is_pending(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	add_offset(&b, PRODUCER, "g", 1);
	add_offset(&b, PRODUCER, "h", 2);
	add_offset(&b, PLAIN, "g", -1);
	add_marker(&b, PRODUCER, true);
	assert_int_equal(offset_of(&b, "g"), -1);
	assert_int_equal(offset_of(&b, "h"), 2);
	stop(&b);
}

static void records_that_make_no_sense_are_counted_and_passed_over(void **state)
{
	struct bench b;

	(void)state;
	start(&b);
	assert_int_equal(
		add(&b, PLAIN, 0, slice_of("x"), slice_of("y"), CODEC_NONE), 0);
	assert_int_equal(b.load.bad, 1);
	assert_int_equal(group_load_batch(&b.load, slice_of("no batch")),
			 -EBADMSG);
	stop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_count_when_they_are_committed),
		cmocka_unit_test(
			a_plain_commit_after_that_of_a_transaction_wins),
		cmocka_unit_test(a_deletion_also_deletes_what_is_pending),
		cmocka_unit_test(
			records_that_make_no_sense_are_counted_and_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
