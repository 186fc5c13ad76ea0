/*
 * assigned_test.c - which partitions members have: told for what they are,
 * whatever a leader writes
 */
#include "kbrokerd/group/assigned.h"

#include "kbrokerd/group/classic_kit.h"
#include "kbrokerd/group/consumer_kit.h"

/* "t0 t2 ": what was told. */
struct told {
	char text[256];
	int count, most;
};

static int on_partition(void *arg, struct slice topic, int32_t partition)
{
	struct told *told = arg;
	size_t len = strlen(told->text);

	snprintf(told->text + len, sizeof(told->text) - len, "%.*s%d ",
		 (int)topic.len, (const char *)topic.data, partition);
	told->count++;
	return told->most > 0 && told->count == told->most ? 1 : 0;
}

static int tell(struct group_kit *kit, struct told *told)
{
	const struct group *group = group_find(&kit->shard, slice_of("g"));

	assert_non_null(group);
	return group_each_assigned(group, on_partition, told);
}

static void expect(struct group_kit *kit, const char *text)
{
	struct told told = { 0 };

	assert_int_equal(tell(kit, &told), 0);
	assert_string_equal(told.text, text);
}

/* Partitions of a topic as a classic leader writes them. */
static struct slice written(const char *topic, int32_t *partitions,
			    int32_t count)
{
	struct consumer_protocol_assignment_assigned_partitions list = {
		slice_of(topic), partitions, count
	};
	struct consumer_protocol_assignment a;
	struct buffer out = { 0 };

	wire_init(&consumer_protocol_assignment_desc, &a);
	a.assigned_partitions = &list;
	a.assigned_partitions_count = 1;
	a.user_data = SLICE_NULL;
	assert_int_equal(
		wire_versioned_encode(&consumer_protocol_assignment_desc, 1, &a,
				      &out),
		0);
	return (struct slice){ out.data, out.len };
}

/* Two members, to whom the first, as their leader, gives these. */
static void assign(struct group_kit *kit, struct classic_client *c,
		   struct slice first, struct slice second)
{
	struct sync_group_request_assignments list[2] = { 0 };

	for (int i = 0; i < 2; i++)
		classic_kit_join(kit, &c[i]);
	kit_advance_ms(kit, 4 * CLASSIC_DELAY_MS);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(classic_join_error(&c[i]), WIRE_NONE);
		list[i].member_id = slice_of(c[i].member_id);
	}
	list[0].assignment = first;
	list[1].assignment = second;
	classic_ask_sync(kit, &c[0], list, 2);
	assert_int_equal(classic_sync_error(&c[0]), WIRE_NONE);
}

static void clear(struct group_kit *kit, struct classic_client *c)
{
	classic_client_clear(&c[0]);
	classic_client_clear(&c[1]);
	group_kit_free(kit);
}

static void what_a_consumer_group_s_members_have_is_told(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c = consumer_client(kit, "m");

	(void)state;
	kit_add_topic(kit, "t", 3);
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	expect(kit, "t0 t1 t2 ");

	/* Of a topic that has gone nothing is had. */
	kit_remove_topic(kit, "t");
	expect(kit, "");
	consumer_client_clear(&c);
	group_kit_free(kit);
}

static void of_a_classic_leader_s_words_those_that_make_sense_count(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[] = { classic_client(NULL),
				      classic_client(NULL) };
	int32_t odd[] = { 1, 3, -1, INT32_MAX, 0 };
	struct slice good = written("t", odd, 5);

	(void)state;
	kit_add_topic(kit, "t", 3);
	assign(kit, c, good, slice_of("no assignment"));
	expect(kit, "t1 t0 ");
	free((void *)good.data);
	clear(kit, c);
}

static void a_topic_that_nobody_knows_is_passed_over(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[] = { classic_client(NULL),
				      classic_client(NULL) };
	int32_t partitions[] = { 0, 1 };
	struct slice unknown = written("nowhere", partitions, 2);
	struct slice known = written("t", partitions, 2);

	(void)state;
	kit_add_topic(kit, "t", 2);
	assign(kit, c, unknown, known);
	expect(kit, "t0 t1 ");
	free((void *)unknown.data);
	free((void *)known.data);
	clear(kit, c);
}

static void members_that_are_no_consumers_have_no_partitions(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[] = { classic_client(NULL),
				      classic_client(NULL) };
	int32_t partitions[] = { 0 };
	struct slice bytes = written("t", partitions, 1);

	(void)state;
	kit_add_topic(kit, "t", 2);
	c[0].protocol_type = c[1].protocol_type = "connect";
	assign(kit, c, bytes, bytes);
	expect(kit, "");
	free((void *)bytes.data);
	clear(kit, c);
}

static void too_much_of_it_is_not_read(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct classic_client c[] = { classic_client(NULL),
				      classic_client(NULL) };
	enum { MANY = ASSIGNED_BYTES_MAX / sizeof(int32_t) };
	int32_t *many = calloc(MANY, sizeof(*many));
	int32_t one[] = { 1 };
	struct slice huge;
	struct slice small = written("t", one, 1);

	(void)state;
	assert_non_null(many);
	huge = written("t", many, MANY);
	kit_add_topic(kit, "t", 2);
	assign(kit, c, huge, small);
	expect(kit, "t1 ");
	free(many);
	free((void *)huge.data);
	free((void *)small.data);
	clear(kit, c);
}

static void who_has_heard_enough_is_told_no_more(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct consumer_client c = consumer_client(kit, "m");
	struct told told = { .most = 2 };

	(void)state;
	kit_add_topic(kit, "t", 3);
	assert_int_equal(consumer_join(&c), WIRE_NONE);
	assert_int_equal(tell(kit, &told), 1);
	assert_string_equal(told.text, "t0 t1 ");
	consumer_client_clear(&c);
	group_kit_free(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_consumer_group_s_members_have_is_told),
		cmocka_unit_test(
			of_a_classic_leader_s_words_those_that_make_sense_count),
		cmocka_unit_test(a_topic_that_nobody_knows_is_passed_over),
		cmocka_unit_test(
			members_that_are_no_consumers_have_no_partitions),
		cmocka_unit_test(too_much_of_it_is_not_read),
		cmocka_unit_test(who_has_heard_enough_is_told_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
