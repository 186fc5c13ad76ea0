/*
 * findings_test.c - tests of kgroups' findings.c, which is in no library
 *
 * A group of one or more members and some partitions is drawn twice, ten
 * seconds apart; the snapshots are made by hand.
 */
#include "kgroups/figures.c"  /* NOLINT(bugprone-suspicious-include) */
#include "kgroups/findings.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stddef.h>

#include <cmocka.h>

enum { PARTITIONS_MAX = 8, ELAPSED_US = 10 * 1000 * 1000, NOW_MS = 1000000 };

/* What findings.c wants of snapshot.c, whose other half asks brokers. */

int64_t position_lag(const struct position *p)
{
	return figures_lag(p->committed, p->start, p->end);
}

struct position *snapshot_find(const struct snapshot *s, size_t group,
			       const char *topic, int32_t partition)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == group &&
		    s->items[i].partition == partition &&
		    strcmp(s->items[i].topic, topic) == 0)
			return &s->items[i];
	}
	return NULL;
}

/* The scene */

static struct position before_items[PARTITIONS_MAX];
static struct position after_items[PARTITIONS_MAX];
static struct snapshot before;
static struct snapshot after;
static struct admin_group_info info;
static const int32_t zero[] = { 0 };
static const struct admin_partitions some = { "t", zero, 1 };
static struct admin_member members[2];
static struct evidence evidence;
static struct findings findings;
static struct arena arena;

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		members[i] = (struct admin_member){
			.id = i == 0 ? "m0" : "m1",
			.client_id = i == 0 ? "c0" : "c1",
			.host = "10.0.0.1",
			.epoch = -1,
			.assigned = &some,
			.assigned_count = 1,
		};
	info = (struct admin_group_info){
		.name = "g",
		.state = "Stable",
		.members = members,
		.member_count = 2,
	};
	before = (struct snapshot){ .at_us = 0,
				    .groups = &info,
				    .group_count = 1,
				    .items = before_items };
	after = (struct snapshot){ .at_us = ELAPSED_US,
				   .at_ms = NOW_MS,
				   .groups = &info,
				   .group_count = 1,
				   .items = after_items };
	evidence = (struct evidence){ .before = &before, .after = &after };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_clear(&arena);
	return 0;
}

/* One more partition: committed and end, then and now. */
static struct position *draw(const struct admin_member *member,
			     int64_t old_committed, int64_t old_end,
			     int64_t committed, int64_t end)
{
	struct position p = {
		.topic = "t",
		.partition = (int32_t)after.count,
		.committed = old_committed,
		.end = old_end,
		.record_ms = -1,
		.member = member,
	};

	before_items[before.count++] = p;
	p.committed = committed;
	p.end = end;
	after_items[after.count++] = p;
	return &after_items[after.count - 1];
}

static void look(void)
{
	assert_int_equal(findings_make(&evidence, &arena, &findings), 0);
}

static void expect(size_t i, const char *kind, int32_t partition)
{
	assert_true(i < findings.count);
	assert_string_equal(findings.items[i].kind, kind);
	assert_int_equal(findings.items[i].partition, partition);
}

static void expect_only(const char *kind, int32_t partition)
{
	look();
	assert_int_equal(findings.count, 1);
	expect(0, kind, partition);
}

/* Tests */

static void a_group_without_lag_is_fine(void **state)
{
	(void)state;
	draw(&members[0], 100, 100, 100, 100);
	expect_only("fine", -1);
}

static void a_group_that_has_nothing_is_told_so(void **state)
{
	(void)state;
	expect_only("nothing", -1);
}

static void records_that_have_just_come_are_fine(void **state)
{
	struct position *p = draw(&members[0], 100, 100, 100, 103);

	(void)state;
	/* Nothing waited before, so nobody could be late. */
	p->record_ms = NOW_MS - 1000;
	expect_only("fine", -1);
	p->record_ms = NOW_MS - 9000;
	expect_only("slow", 0);
}

static void a_member_that_commits_other_partitions_is_stuck_at_one(void **state)
{
	(void)state;
	draw(&members[0], 100, 500, 100, 500);
	draw(&members[0], 100, 500, 500, 500);
	expect_only("stuck", 0);
	assert_non_null(strstr(findings.items[0].text, "kgroups peek"));
}

static void a_member_that_commits_nothing_hangs(void **state)
{
	(void)state;
	draw(&members[0], 100, 500, 100, 600);
	expect_only("stuck", 0);
	assert_non_null(
		strstr(findings.items[0].text, "client c0 at 10.0.0.1"));
	assert_non_null(strstr(findings.items[0].text, "sends heartbeats"));
}

static void a_group_without_members_is_empty(void **state)
{
	(void)state;
	info.member_count = 0;
	info.state = "Empty";
	draw(NULL, 100, 500, 100, 500);
	draw(NULL, 100, 600, 100, 600);
	expect_only("empty", -1);
	assert_non_null(strstr(findings.items[0].text, "900 records"));
	assert_int_equal(findings.items[0].severity, FINDING_CRITICAL);
}

static void a_simple_group_that_commits_is_not_empty(void **state)
{
	(void)state;
	info.member_count = 0;
	info.state = "Empty";
	draw(NULL, 100, 500, 300, 500);
	expect_only("catching-up", 0);
}

static void a_partition_without_a_member_is_unassigned(void **state)
{
	(void)state;
	draw(NULL, 100, 500, 100, 500);
	expect_only("unassigned", 0);
}

static void lost_records_come_first(void **state)
{
	struct position *p;

	(void)state;
	draw(&members[0], 0, 1000, 10, 1200);
	p = draw(&members[1], 100, 500, 100, 500);
	p->start = 300;
	look();
	assert_true(findings.count >= 2);
	expect(0, "lost", 1);
	assert_non_null(strstr(findings.items[0].text, "200 records are gone"));
	assert_string_equal(findings.items[findings.count - 1].kind, "slow");
}

static void a_reader_slower_than_the_writer_grows_the_lag(void **state)
{
	(void)state;
	draw(&members[0], 100, 500, 200, 1500);
	draw(&members[0], 0, 0, 0, 900);
	look();
	/* Both are slow; the one that loses more is first. */
	expect(0, "slow", 0);
	assert_non_null(strstr(findings.items[0].text, "grows by 90 a second"));
	expect(1, "slow", 1);
}

static void a_reader_that_is_faster_catches_up(void **state)
{
	(void)state;
	draw(&members[0], 0, 2000, 1000, 2000);
	expect_only("catching-up", 0);
	assert_non_null(strstr(findings.items[0].text, "done in 10.0s"));
}

static void a_partition_that_takes_most_is_hot(void **state)
{
	(void)state;
	draw(&members[0], 0, 0, 100, 9000);
	draw(&members[1], 0, 0, 100, 100);
	draw(&members[1], 0, 0, 100, 100);
	look();
	for (size_t i = 0; i < findings.count; i++) {
		if (strcmp(findings.items[i].kind, "hot") != 0)
			continue;
		assert_int_equal(findings.items[i].partition, 0);
		return;
	}
	fail();
}

static void even_writing_is_not_hot(void **state)
{
	(void)state;
	draw(&members[0], 0, 1000, 400, 2000);
	draw(&members[1], 0, 1000, 400, 2000);
	look();
	for (size_t i = 0; i < findings.count; i++)
		assert_string_not_equal(findings.items[i].kind, "hot");
}

static void rebalancing_again_and_again_is_critical(void **state)
{
	(void)state;
	draw(&members[0], 100, 100, 100, 100);
	evidence.changes = 3;
	expect_only("churn", -1);
	assert_int_equal(findings.items[0].severity, FINDING_CRITICAL);
	evidence.changes = 1;
	expect_only("rebalanced", -1);
	assert_int_equal(findings.items[0].severity, FINDING_INFO);
}

static void a_rebalance_that_goes_on_is_told(void **state)
{
	(void)state;
	draw(&members[0], 100, 100, 100, 100);
	info.state = "PreparingRebalance";
	expect_only("rebalancing", -1);
}

static void members_without_a_partition_are_counted(void **state)
{
	(void)state;
	draw(&members[0], 100, 100, 100, 100);
	members[1].assigned_count = 0;
	expect_only("idle", -1);
	assert_non_null(strstr(findings.items[0].text, "1 of 2 members"));
}

static void records_near_the_end_of_their_life_expire(void **state)
{
	static const struct topic_rule rules[] = { { "t", 10000 } };
	struct position *p = draw(&members[0], 0, 2000, 1000, 2000);

	(void)state;
	evidence.rules = rules;
	evidence.rule_count = 1;
	p->record_ms = NOW_MS - 9000;
	look();
	expect(0, "expiring", 0);
	assert_non_null(strstr(findings.items[0].text, "in 1.0s"));
	p->record_ms = NOW_MS - 20000;
	look();
	assert_non_null(strstr(findings.items[0].text, "any moment"));
	p->record_ms = NOW_MS - 1000;
	expect_only("catching-up", 0);
}

static void a_topic_that_is_gone_is_told_and_does_not_lag(void **state)
{
	struct position *p = draw(NULL, 100, 500, 100, 500);

	(void)state;
	p->code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	p->start = p->end = -1;
	expect_only("unknown", 0);
	assert_non_null(strstr(findings.items[0].text, "kgroups forget"));
}

static void only_the_group_that_was_asked_for_is_told(void **state)
{
	(void)state;
	draw(&members[0], 100, 500, 100, 500);
	after_items[0].group = 1;
	expect_only("nothing", -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_group_without_lag_is_fine),
		TEST(a_group_that_has_nothing_is_told_so),
		TEST(records_that_have_just_come_are_fine),
		TEST(a_member_that_commits_other_partitions_is_stuck_at_one),
		TEST(a_member_that_commits_nothing_hangs),
		TEST(a_group_without_members_is_empty),
		TEST(a_simple_group_that_commits_is_not_empty),
		TEST(a_partition_without_a_member_is_unassigned),
		TEST(lost_records_come_first),
		TEST(a_reader_slower_than_the_writer_grows_the_lag),
		TEST(a_reader_that_is_faster_catches_up),
		TEST(a_partition_that_takes_most_is_hot),
		TEST(even_writing_is_not_hot),
		TEST(rebalancing_again_and_again_is_critical),
		TEST(a_rebalance_that_goes_on_is_told),
		TEST(members_without_a_partition_are_counted),
		TEST(records_near_the_end_of_their_life_expire),
		TEST(a_topic_that_is_gone_is_told_and_does_not_lag),
		TEST(only_the_group_that_was_asked_for_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
