/*
 * memory_test.c - what groups keep is counted, all of it, and counted out when
 * it goes
 */
#include "kbrokerd/group/classic_kit.h"
#include "kbrokerd/group/consumer_kit.h"
#include "kbrokerd/group/describe.h"

enum { PARTITIONS = 500, TOPICS = 50, NAME = 200 };

static const int64_t long_bytes = 10000;

static int64_t counted(const struct group_kit *kit)
{
	return kit->memory.bytes;
}

/* DeleteGroups. */
static int16_t remove_group(struct group_kit *kit)
{
	struct kit_ask *ask = kit_ask_new(2);
	const struct delete_groups_response_results *r;
	int16_t error;

	group_remove(&kit->shard, &ask->ask, slice_of("g"));
	r = kit_answer(ask);
	error = r->error_code;
	kit_ask_free(ask);
	return error;
}

/* Nothing that was counted is left when there are no groups. */
static void assert_all_is_gone(struct group_kit *kit)
{
	assert_int_equal(remove_group(kit), WIRE_NONE);
	assert_null(kit->shard.groups);
	assert_int_equal(counted(kit), 0);
	group_kit_free(kit);
}

static char *long_text(char c)
{
	char *text = malloc((size_t)long_bytes + 1);

	assert_non_null(text);
	memset(text, c, (size_t)long_bytes);
	text[long_bytes] = '\0';
	return text;
}

/* Its target, what it has, and that it has it. */
static void partitions_of_a_member_are_counted(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");
	int64_t before;

	(void)state;
	consumer_join(&a);
	before = counted(kit);
	kit_add_topic(kit, "t", PARTITIONS);
	consumer_settle(&a, 1);
	assert_int_equal(consumer_count(&a), PARTITIONS);
	assert_true(counted(kit) - before >=
		    PARTITIONS * (int64_t)(2 * sizeof(int32_t) +
					   sizeof(struct consumer_member *)));

	/* What it is to give up is, too. */
	consumer_join(&b);
	consumer_ping(&a);
	kit_restart(kit);
	consumer_beat(&a);
	consumer_bye(&a, EPOCH_LEAVE);
	consumer_bye(&b, EPOCH_LEAVE);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	assert_all_is_gone(kit);
}

static void topics_that_a_pattern_names_are_counted(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct consumer_client b = consumer_client(kit, "b");
	char name[NAME + 1];
	int64_t before;

	(void)state;
	a.topic_count = b.topic_count = 0;
	a.pattern = b.pattern = "t.*";
	consumer_join(&a);
	consumer_join(&b);
	before = counted(kit);
	for (int i = 0; i < TOPICS; i++) {
		snprintf(name, sizeof(name), "t%0*d", NAME - 1, i);
		kit_add_topic(kit, name, 1);
	}
	kit_advance_ms(kit, 10000);
	consumer_ping(&a);
	assert_int_equal(consumer_kit_group(kit)->patterns->topic_count,
			 TOPICS);
	assert_true(counted(kit) - before >= (int64_t)TOPICS * NAME);
	kit_restart(kit);
	consumer_bye(&a, EPOCH_LEAVE);
	assert_non_null(consumer_kit_group(kit)->patterns);
	consumer_bye(&b, EPOCH_LEAVE);
	assert_null(consumer_kit_group(kit)->patterns);
	consumer_client_clear(&a);
	consumer_client_clear(&b);
	assert_all_is_gone(kit);
}

/* The texts of a classic member: in it, and in the tables of its group. */
static void texts_of_a_classic_member_are_counted(void **state)
{
	struct group_kit *kit = group_kit_new();
	char *protocol = long_text('p');
	struct classic_client c = classic_client("i");

	(void)state;
	c.protocols[0].name = protocol;
	c.protocols[1].name = NULL;
	classic_kit_stabilize(kit, &c, 1);
	/* What it can do, how many can, and what was chosen. */
	assert_true(counted(kit) >= 3 * long_bytes);
	kit_restart(kit);
	assert_true(counted(kit) >= 3 * long_bytes);
	classic_kit_leave(kit, NULL, "i");
	classic_client_clear(&c);
	assert_all_is_gone(kit);
	free(protocol);
}

/* Who says so many names, of nothing and all the same, has them not kept. */
static void topics_of_a_classic_group_are_counted(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c = classic_client(NULL);
	struct slice names[1000];
	struct consumer_protocol_subscription s;
	char *name = long_text('n');
	int64_t before;

	(void)state;
	wire_init(&consumer_protocol_subscription_desc, &s);
	for (int i = 0; i < 1000; i++)
		names[i] = slice_of("");
	names[0] = slice_of(name);
	s.topics = names;
	s.topics_count = 1000;
	c.protocols[0].metadata =
		kit_encode(&consumer_protocol_subscription_desc, 0, &s);
	classic_kit_stabilize(kit, &c, 1);
	before = counted(kit);
	assert_true(group_subscribes(classic_kit_group(kit), names[0]));
	assert_true(group_subscribes(classic_kit_group(kit), names[1]));
	assert_false(group_subscribes(classic_kit_group(kit), slice_of("x")));
	assert_in_range(counted(kit) - before, long_bytes, long_bytes + 200);
	classic_kit_leave(kit, c.member_id, NULL);
	free((void *)c.protocols[0].metadata.data);
	classic_client_clear(&c);
	assert_all_is_gone(kit);
	free(name);
}

static void a_group_that_goes_over_is_counted_once(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client a = consumer_client(kit, "a");
	struct classic_client c = classic_client("i");
	struct slice name = slice_of("t");
	struct consumer_protocol_subscription s;
	int64_t before;

	(void)state;
	wire_init(&consumer_protocol_subscription_desc, &s);
	s.topics = &name;
	s.topics_count = 1;
	c.protocols[1].name = NULL;
	c.protocols[0].metadata =
		kit_encode(&consumer_protocol_subscription_desc, 0, &s);
	kit_add_topic(kit, "t", PARTITIONS);
	classic_ask_join(kit, &c);
	kit_advance_ms(kit, CLASSIC_DELAY_MS);
	assert_int_equal(classic_join_error(&c), WIRE_NONE);
	classic_ask_sync(kit, &c, NULL, 0);
	before = counted(kit);
	assert_int_equal(consumer_join(&a), WIRE_NONE);
	assert_string_equal(group_type(classic_kit_group(kit)), "consumer");
	assert_true(counted(kit) > before);
	consumer_bye(&a, EPOCH_LEAVE);
	assert_string_equal(group_type(classic_kit_group(kit)), "classic");
	classic_kit_leave(kit, NULL, "i");
	free((void *)c.protocols[0].metadata.data);
	classic_client_clear(&c);
	consumer_client_clear(&a);
	assert_all_is_gone(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(partitions_of_a_member_are_counted),
		cmocka_unit_test(topics_that_a_pattern_names_are_counted),
		cmocka_unit_test(texts_of_a_classic_member_are_counted),
		cmocka_unit_test(topics_of_a_classic_group_are_counted),
		cmocka_unit_test(a_group_that_goes_over_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
