/*
 * shard_test.c - timers, commits and loading of a shard
 */
#include "kbrokerd/group/group_kit.h"

/* Timers */

struct alarm {
	struct group_timer timer; /* the first member */
	int number;
};

static int rung[64];
static size_t rung_count;

static void on_fire(struct group_shard *shard, struct group_timer *timer)
{
	(void)shard;
	rung[rung_count++] = ((struct alarm *)timer)->number;
}

static void timers_fire_in_the_order_of_their_times(void **state)
{
	static const int64_t at_ms[] = { 50, 10, 40, 20, 30, 60, 5 };
	static const int expected[] = { 6, 1, 3, 4, 2, 0, 5 };
	struct group_kit *kit = group_kit_new();
	struct alarm alarms[7] = { 0 };

	(void)state;
	rung_count = 0;
	for (int i = 0; i < 7; i++) {
		alarms[i].timer.fire = on_fire;
		alarms[i].number = i;
		group_timer_set(&kit->shard, &alarms[i].timer,
				KIT_START_MS + at_ms[i]);
	}
	kit_advance_ms(kit, 100);
	assert_int_equal(rung_count, 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(rung[i], expected[i]);
	group_kit_free(kit);
}

static void a_timer_that_is_stopped_or_moved_does_not_fire_at_its_old_time(
	void **state)
{
	struct group_kit *kit = group_kit_new();
	struct alarm alarms[3] = { 0 };

	(void)state;
	rung_count = 0;
	for (int i = 0; i < 3; i++) {
		alarms[i].timer.fire = on_fire;
		alarms[i].number = i;
		group_timer_set(&kit->shard, &alarms[i].timer,
				KIT_START_MS + 10 + i);
	}
	group_timer_stop(&kit->shard, &alarms[0].timer);
	group_timer_stop(&kit->shard, &alarms[0].timer);
	group_timer_set(&kit->shard, &alarms[1].timer, KIT_START_MS + 500);
	kit_advance_ms(kit, 100);
	assert_int_equal(rung_count, 1);
	assert_int_equal(rung[0], 2);
	kit_advance_ms(kit, 400);
	assert_int_equal(rung_count, 2);
	assert_int_equal(rung[1], 1);
	group_kit_free(kit);
}

static int64_t last_due_ms;

static void on_fire_in_order(struct group_shard *shard,
			     struct group_timer *timer)
{
	(void)shard;
	assert_true(timer->due_ms >= last_due_ms);
	last_due_ms = timer->due_ms;
	rung_count++;
}

static void thousands_of_timers_set_again_and_again_keep_their_order(
	void **state)
{
	enum { COUNT = 5000, ROUNDS = 5 };
	struct group_kit *kit = group_kit_new();
	struct group_timer *timers = calloc(COUNT, sizeof(*timers));
	size_t left = 0;

	(void)state;
	assert_non_null(timers);
	group_timer_stop(&kit->shard, &kit->shard.offsets_timer);
	for (int i = 0; i < COUNT; i++)
		timers[i].fire = on_fire_in_order;
	for (int i = 0; i < COUNT * ROUNDS; i++) {
		size_t k = random_below(&kit->random.random, COUNT);
		int64_t ms = (int64_t)random_below(&kit->random.random, 1000);

		if (ms % 7 == 0)
			group_timer_stop(&kit->shard, &timers[k]);
		else
			group_timer_set(&kit->shard, &timers[k], ms);
	}
	for (size_t i = 0; i < COUNT; i++)
		left += timers[i].is_set;
	last_due_ms = 0;
	rung_count = 0;
	kit_advance_ms(kit, 1);
	assert_int_equal(rung_count, left);
	assert_null(kit->shard.timers);
	free(timers);
	group_kit_free(kit);
}

/* Commits */

static void add_offset(struct group_changes *changes, struct slice group,
		       struct slice topic, int64_t offset)
{
	struct offset_commit_key *key =
		arena_alloc(changes->arena, sizeof(*key));
	struct offset_commit_value *value =
		arena_alloc(changes->arena, sizeof(*value));

	*key = (struct offset_commit_key){ group, topic, 0 };
	wire_init(&offset_commit_value_desc, value);
	value->offset = offset;
	value->metadata = slice_of("");
	group_changes_add(changes, RECORD_OFFSET_COMMIT, key, 4, value);
}

static void a_commit_is_one_batch_and_is_applied(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct arena arena = { 0 };
	struct group_changes changes;
	int64_t offset;

	(void)state;
	group_changes_init(&changes, &arena);
	add_offset(&changes, slice_of("a"), slice_of("t"), 1);
	add_offset(&changes, slice_of("b"), slice_of("t"), 2);
	assert_int_equal(group_commit(&kit->shard, &changes, &offset), 0);
	assert_int_equal(offset, 2);
	assert_int_equal(kit->batch_count, 1);
	assert_int_equal(group_find(&kit->shard, slice_of("a"))->offset, 1);
	assert_int_equal(group_find(&kit->shard, slice_of("b"))->offset, 2);
	kit_assert_replayed(kit, NULL);
	arena_clear(&arena);
	group_kit_free(kit);
}

static void a_commit_that_the_log_refuses_changes_nothing(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct arena arena = { 0 };
	struct group_changes changes;
	int64_t offset;

	(void)state;
	group_changes_init(&changes, &arena);
	add_offset(&changes, slice_of("a"), slice_of("t"), 1);
	kit->append_rc = -ENOSPC;
	assert_int_equal(group_commit(&kit->shard, &changes, &offset), -ENOSPC);
	assert_null(kit->shard.groups);
	arena_clear(&arena);
	group_kit_free(kit);
}

static void no_changes_are_no_batch(void **state)
{
	struct group_kit *kit = group_kit_new();
	struct arena arena = { 0 };
	struct group_changes changes;
	int64_t offset = -1;

	(void)state;
	group_changes_init(&changes, &arena);
	assert_int_equal(group_commit(&kit->shard, &changes, &offset), 0);
	assert_int_equal(offset, 0);
	assert_int_equal(kit->batch_count, 0);
	group_kit_free(kit);
}

/* Loading */

static int load(struct group_kit *kit, const char *key, size_t key_len,
		const char *value, size_t value_len)
{
	return group_shard_load(
		&kit->shard, (struct slice){ (const uint8_t *)key, key_len },
		(struct slice){ (const uint8_t *)value, value_len }, 1);
}

static void records_of_unknown_types_and_versions_are_passed_over(void **state)
{
	struct group_kit *kit = group_kit_new();

	(void)state;
	/* type 99 */
	assert_int_equal(load(kit, "\0\x63whatever", 10, "\0\0", 2), 0);
	/* an offset whose value has version 99 */
	assert_int_equal(load(kit, "\0\1\0\1g\0\1t\0\0\0\0", 12, "\0\x63", 2),
			 0);
	assert_null(kit->shard.groups);
	group_kit_free(kit);
}

static void records_that_are_cut_off_are_refused(void **state)
{
	struct group_kit *kit = group_kit_new();

	(void)state;
	assert_int_equal(load(kit, "\0", 1, NULL, 0), -EBADMSG);
	assert_int_equal(load(kit, "\0\1\0\1g\0\1t\0\0", 10, NULL, 0),
			 -EBADMSG);
	assert_int_equal(load(kit, "\0\1\0\1g\0\1t\0\0\0\0", 12, "\0\4\0", 3),
			 -EBADMSG);
	group_kit_free(kit);
}

static void what_hangs_on_a_dropped_ask_is_forgotten(void **state)
{
	struct kit_ask *ask = kit_ask_new(0);
	struct group_ask *place = NULL;

	(void)state;
	group_ask_hang(&ask->ask, &place);
	assert_ptr_equal(place, &ask->ask);
	group_ask_drop(&ask->ask);
	assert_null(place);
	assert_false(kit_is_answered(ask));
	kit_ask_free(ask);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(
			a_timer_that_is_stopped_or_moved_does_not_fire_at_its_old_time),
		cmocka_unit_test(
			thousands_of_timers_set_again_and_again_keep_their_order),
		cmocka_unit_test(a_commit_is_one_batch_and_is_applied),
		cmocka_unit_test(a_commit_that_the_log_refuses_changes_nothing),
		cmocka_unit_test(no_changes_are_no_batch),
		cmocka_unit_test(
			records_of_unknown_types_and_versions_are_passed_over),
		cmocka_unit_test(records_that_are_cut_off_are_refused),
		cmocka_unit_test(what_hangs_on_a_dropped_ask_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
