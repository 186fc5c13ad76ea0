/*
 * assign_test.c - who shall read which partition
 *
 * Topics are t0, t1 ... by ids; members say which of them they want.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "kbrokerd/group/assign.h"

enum { TOPICS = 6, MEMBERS = 40 };

struct world {
	struct arena arena;
	struct assign_task task;
	int32_t partitions[TOPICS];
	int topic_count;
	int32_t wants[MEMBERS][TOPICS];
	int32_t want_count[MEMBERS];
	char ids[MEMBERS][16];
	const char *instances[MEMBERS];
	int member_count;
	struct assignment before[MEMBERS];
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	return w;
}

static void world_free(struct world *w)
{
	for (int m = 0; m < MEMBERS; m++)
		assignment_clear(&w->before[m]);
	arena_clear(&w->arena);
	free(w);
}

static void add_topic(struct world *w, int32_t partitions)
{
	w->partitions[w->topic_count++] = partitions;
}

static int add_member(struct world *w, const char *id, const char *topics)
{
	int m = w->member_count++;

	snprintf(w->ids[m], sizeof(w->ids[m]), "%s", id);
	for (; *topics != '\0'; topics++)
		w->wants[m][w->want_count[m]++] = *topics - '0';
	return m;
}

static bool same_wants(const struct world *w, int a, int b)
{
	return w->want_count[a] == w->want_count[b] &&
	       memcmp(w->wants[a], w->wants[b],
		      (size_t)w->want_count[a] * sizeof(int32_t)) == 0;
}

static void make_task(struct world *w)
{
	struct assign_task *task = &w->task;

	*task = (struct assign_task){
		.arena = &w->arena,
		.topic_count = w->topic_count,
		.member_count = w->member_count,
	};
	task->topics = arena_calloc(&w->arena, TOPICS, sizeof(*task->topics));
	task->sets = arena_calloc(&w->arena, MEMBERS, sizeof(*task->sets));
	task->members =
		arena_calloc(&w->arena, MEMBERS, sizeof(*task->members));
	for (int t = 0; t < w->topic_count; t++) {
		task->topics[t].id.bytes[15] = (uint8_t)(t + 1);
		task->topics[t].partition_count = w->partitions[t];
	}
	for (int m = 0; m < w->member_count; m++) {
		struct assign_member *member = &task->members[m];
		int first = 0;

		while (!same_wants(w, first, m))
			first++;
		member->id = slice_of(w->ids[m]);
		member->instance_id = slice_of(w->instances[m]);
		member->before = &w->before[m];
		member->set = first < m ? task->members[first].set
					: task->set_count++;
		task->sets[member->set] =
			(struct assign_set){ w->wants[m], w->want_count[m] };
	}
}

/* Assign; what comes out is what was before, the next time. */
static void run(struct world *w, const char *assignor)
{
	make_task(w);
	assert_int_equal(
		assign_run(assignor_find(slice_of(assignor)), &w->task), 0);
	for (int m = 0; m < w->member_count; m++) {
		assignment_clear(&w->before[m]);
		assert_int_equal(assignment_copy(&w->task.members[m].after,
						 &w->before[m]),
				 0);
	}
}

static int32_t count_of(const struct world *w, int m)
{
	return assignment_partition_count(&w->before[m]);
}

/* "t0:0,1 t2:5" */
static const char *text_of(const struct world *w, int m)
{
	static char text[512];
	char *at = text;

	*at = '\0';
	for (int32_t i = 0; i < w->before[m].count; i++) {
		const struct assignment_topic *t = &w->before[m].topics[i];

		at += sprintf(at, "%st%d:", i > 0 ? " " : "",
			      t->id.bytes[15] - 1);
		for (int32_t k = 0; k < t->count; k++)
			at += sprintf(at, "%s%d", k > 0 ? "," : "",
				      t->partitions[k]);
	}
	return text;
}

static bool wants(const struct world *w, int m, int t)
{
	for (int32_t i = 0; i < w->want_count[m]; i++) {
		if (w->wants[m][i] == t)
			return true;
	}
	return false;
}

/* Each partition of a topic that somebody wants has one owner, who wants it. */
static void assert_whole(const struct world *w)
{
	for (int t = 0; t < w->topic_count; t++) {
		struct uuid id = w->task.topics[t].id;
		bool is_wanted = false;

		for (int m = 0; m < w->member_count; m++)
			is_wanted |= wants(w, m, t);
		for (int32_t p = 0; p < w->partitions[t]; p++) {
			int owners = 0;

			for (int m = 0; m < w->member_count; m++) {
				if (!assignment_has(&w->before[m], &id, p))
					continue;
				assert_true(wants(w, m, t));
				owners++;
			}
			assert_int_equal(owners, is_wanted);
		}
	}
}

/* No partition can move to where it would be more even. */
static void assert_even(const struct world *w)
{
	for (int m = 0; m < w->member_count; m++) {
		for (int32_t i = 0; i < w->before[m].count; i++) {
			int t = w->before[m].topics[i].id.bytes[15] - 1;

			for (int o = 0; o < w->member_count; o++) {
				if (wants(w, o, t))
					assert_true(count_of(w, m) -
							    count_of(w, o) <
						    2);
			}
		}
	}
}

static void no_assignor_has_another_name(void **state)
{
	(void)state;
	assert_non_null(assignor_find(slice_of("uniform")));
	assert_non_null(assignor_find(slice_of("range")));
	assert_null(assignor_find(slice_of("Uniform")));
	assert_null(assignor_find(slice_of("")));
}

static void range_gives_ranges_by_the_order_of_ids(void **state)
{
	struct world *w = world_new();

	(void)state;
	add_topic(w, 5);
	add_topic(w, 4);
	add_member(w, "b", "01");
	add_member(w, "a", "01");
	run(w, "range");
	assert_string_equal(text_of(w, 1), "t0:0,1,2 t1:0,1");
	assert_string_equal(text_of(w, 0), "t0:3,4 t1:2,3");

	/* Static ones first. */
	w->instances[add_member(w, "z", "01")] = "i";
	run(w, "range");
	assert_string_equal(text_of(w, 2), "t0:0,1 t1:0,1");
	assert_string_equal(text_of(w, 1), "t0:2,3 t1:2");
	assert_string_equal(text_of(w, 0), "t0:4 t1:3");
	assert_whole(w);
	world_free(w);
}

static void range_leaves_members_without_when_there_are_more(void **state)
{
	struct world *w = world_new();

	(void)state;
	add_topic(w, 2);
	add_topic(w, 1);
	add_member(w, "a", "01");
	add_member(w, "b", "0");
	add_member(w, "c", "01");
	run(w, "range");
	assert_string_equal(text_of(w, 0), "t0:0 t1:0");
	assert_string_equal(text_of(w, 1), "t0:1");
	assert_string_equal(text_of(w, 2), "");
	assert_whole(w);
	world_free(w);
}

static void uniform_moves_no_more_than_it_must(void **state)
{
	struct world *w = world_new();
	struct assignment kept[3] = { { 0 } };

	(void)state;
	add_topic(w, 10);
	add_member(w, "a", "0");
	add_member(w, "b", "0");
	add_member(w, "c", "0");
	run(w, "uniform");
	assert_string_equal(text_of(w, 0), "t0:0,1,2,3");
	assert_string_equal(text_of(w, 1), "t0:4,5,6");
	assert_string_equal(text_of(w, 2), "t0:7,8,9");
	for (int m = 0; m < 3; m++)
		assert_int_equal(assignment_copy(&w->before[m], &kept[m]), 0);

	/* A fourth takes what is over a quota: two keep the one more that two
	 * may have. */
	add_member(w, "d", "0");
	run(w, "uniform");
	assert_int_equal(count_of(w, 3), 2);
	assert_string_equal(text_of(w, 0), "t0:0,1,2");
	assert_string_equal(text_of(w, 1), "t0:4,5,6");
	assert_string_equal(text_of(w, 2), "t0:7,8");
	assert_whole(w);
	assert_even(w);
	for (int m = 0; m < 3; m++)
		assignment_clear(&kept[m]);
	world_free(w);
}

static void uniform_gives_the_extra_to_who_has_it(void **state)
{
	struct world *w = world_new();

	(void)state;
	add_topic(w, 3);
	add_member(w, "a", "0");
	add_member(w, "b", "0");
	run(w, "uniform");
	/* b is asked first now, but a has two. */
	memcpy(w->ids[0], "b", 2);
	memcpy(w->ids[1], "a", 2);
	struct assignment swap = w->before[0];
	w->before[0] = w->before[1];
	w->before[1] = swap;
	run(w, "uniform");
	assert_string_equal(text_of(w, 0), "t0:2");
	assert_string_equal(text_of(w, 1), "t0:0,1");
	world_free(w);
}

static void uniform_is_even_where_members_want_different_topics(void **state)
{
	struct world *w = world_new();

	(void)state;
	add_topic(w, 6);
	add_topic(w, 6);
	add_member(w, "a", "0");
	add_member(w, "b", "01");
	add_member(w, "c", "01");
	run(w, "uniform");
	assert_int_equal(count_of(w, 0), 4);
	assert_int_equal(count_of(w, 1), 4);
	assert_int_equal(count_of(w, 2), 4);
	assert_whole(w);

	/* Who wants a topic no longer has none of it. */
	w->want_count[2] = 1;
	run(w, "uniform");
	assert_int_equal(count_of(w, 1), 6);
	assert_int_equal(count_of(w, 0), 3);
	assert_int_equal(count_of(w, 2), 3);
	assert_whole(w);
	world_free(w);
}

static void nothing_to_share_out_is_no_trouble(void **state)
{
	struct world *w = world_new();

	(void)state;
	run(w, "uniform");
	run(w, "range");
	add_member(w, "a", "");
	run(w, "uniform");
	run(w, "range");
	assert_int_equal(count_of(w, 0), 0);
	add_topic(w, 0);
	add_member(w, "b", "0");
	run(w, "uniform");
	run(w, "range");
	world_free(w);
}

/* Members come, go and change their minds. */
static void any_history_is_whole_and_even(void **state)
{
	struct seeded_random random;

	(void)state;
	seeded_random_init(&random, 7);
	for (int round = 0; round < 300; round++) {
		struct world *w = world_new();
		int steps = 8;

		for (int t = 0; t < TOPICS; t++)
			add_topic(w, (int32_t)random_below(&random.random, 20));
		while (steps-- > 0) {
			char topics[TOPICS + 1] = { 0 };
			int n = 0;

			for (int t = 0; t < TOPICS; t++) {
				if (random_below(&random.random, 2) == 0)
					topics[n++] = (char)('0' + t);
			}
			add_member(w, "m", topics);
			snprintf(w->ids[w->member_count - 1], 16, "m%d",
				 (int)random_below(&random.random, 1000));
			if (random_below(&random.random, 3) == 0) {
				int gone = (int)random_below(
					&random.random,
					(uint64_t)w->member_count);

				w->want_count[gone] = 0;
			}
			run(w, "uniform");
			assert_whole(w);
			assert_even(w);
			make_task(w);
			assert_int_equal(
				assign_run(assignor_find(slice_of("range")),
					   &w->task),
				0);
		}
		world_free(w);
	}
}

static void sets_from_outside_are_put_in_order(void **state)
{
	struct consumer_group_heartbeat_request_topic_partitions {
		struct uuid topic_id;
		int32_t *partitions;
		int32_t partitions_count;
		void *unknown_tags;
	} list[3] = { 0 };
	int32_t first[] = { 5, 1, 5 }, second[] = { -1 }, third[] = { 1, 0 };
	struct arena arena = { 0 };
	struct assignment a;

	(void)state;
	list[0].topic_id.bytes[0] = 2;
	list[0].partitions = first;
	list[0].partitions_count = 3;
	list[1].topic_id.bytes[0] = 1;
	list[1].partitions = second;
	list[1].partitions_count = 1;
	list[2].topic_id.bytes[0] = 2;
	list[2].partitions = third;
	list[2].partitions_count = 2;
	assert_int_equal(assignment_from_wire(&arena, list, 3, &a), 0);
	assert_int_equal(a.count, 1);
	assert_int_equal(a.topics[0].count, 3);
	assert_int_equal(a.topics[0].partitions[0], 0);
	assert_int_equal(a.topics[0].partitions[1], 1);
	assert_int_equal(a.topics[0].partitions[2], 5);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_assignor_has_another_name),
		cmocka_unit_test(range_gives_ranges_by_the_order_of_ids),
		cmocka_unit_test(
			range_leaves_members_without_when_there_are_more),
		cmocka_unit_test(uniform_moves_no_more_than_it_must),
		cmocka_unit_test(uniform_gives_the_extra_to_who_has_it),
		cmocka_unit_test(
			uniform_is_even_where_members_want_different_topics),
		cmocka_unit_test(nothing_to_share_out_is_no_trouble),
		cmocka_unit_test(any_history_is_whole_and_even),
		cmocka_unit_test(sets_from_outside_are_put_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
