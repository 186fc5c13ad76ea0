/*
 * assignor_test.c - tests of assignor.c and assignor_sticky.c
 *
 * range and roundrobin give exactly what Java's give.  For the sticky ones
 * there are many right answers: ours is at least as even as Java's, and where
 * it is as even it moves no more.
 */
#include "client/assignor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "assignor_vectors.h"
#include "base/random.h"

enum { TOPICS_MAX = 8, MEMBERS_MAX = 8, GENERATION = 3 };

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct group {
	char *text; /* taken apart */
	struct assignor_topic topics[TOPICS_MAX];
	size_t topic_count;
	struct assignor_member members[MEMBERS_MAX];
	const char *names[MEMBERS_MAX][TOPICS_MAX];
	struct partition_set wanted[MEMBERS_MAX]; /* Java's result */
	size_t member_count;
};

static int32_t number(const char *text)
{
	return (int32_t)strtol(text, NULL, 10);
}

/* "t0:1,t2:3" */
static void read_list(char *text, struct partition_set *out)
{
	char *rest = text;
	char *part;

	if (strcmp(text, "-") == 0)
		return;
	while ((part = strsep(&rest, ",")) != NULL) {
		char *colon = strchr(part, ':');

		*colon = '\0';
		partition_set_add(out, slice_of(part), number(colon + 1),
				  UUID_ZERO);
	}
	partition_set_sort(out);
}

static void read_topics(struct group *g, char *text)
{
	char *rest = text;
	char *part;

	while ((part = strsep(&rest, " ")) != NULL) {
		char *colon = strchr(part, ':');

		if (colon == NULL)
			continue;
		*colon = '\0';
		if (number(colon + 1) > 0)
			g->topics[g->topic_count++] =
				(struct assignor_topic){ part,
							 number(colon + 1) };
	}
}

static void read_member(struct group *g, char *text, bool has_owned)
{
	struct assignor_member *m = &g->members[g->member_count];
	const char **names = g->names[g->member_count];
	char *rest = text + 1;
	char *id = strsep(&rest, " ");
	char *instance = strsep(&rest, " ");
	char *topics = strsep(&rest, " ");
	char *part;

	m->id = id;
	m->instance_id = strcmp(instance, "-") == 0 ? NULL : instance;
	m->topics = names;
	m->generation = GENERATION;
	while (strcmp(topics == NULL ? "-" : topics, "-") != 0 &&
	       (part = strsep(&topics, ",")) != NULL)
		names[m->topic_count++] = part;
	if (has_owned)
		read_list(strsep(&rest, " "), &m->owned);
	read_list(strsep(&rest, " "), &g->wanted[g->member_count]);
	g->member_count++;
}

static void group_read(struct group *g, const char *text, bool has_owned)
{
	char *rest;

	*g = (struct group){ .text = strdup(text) };
	rest = g->text;
	read_topics(g, strsep(&rest, "|"));
	while (rest != NULL)
		read_member(g, strsep(&rest, "|"), has_owned);
}

static void group_clear(struct group *g)
{
	for (size_t i = 0; i < g->member_count; i++) {
		partition_set_clear(&g->members[i].owned);
		partition_set_clear(&g->members[i].assignment);
		partition_set_clear(&g->wanted[i]);
	}
	free(g->text);
}

static void assign(struct group *g, const char *name)
{
	const struct assignor *assignor = assignor_by_name(slice_of(name));

	assert_non_null(assignor);
	assert_int_equal(assignor->assign(g->topics, g->topic_count, g->members,
					  g->member_count),
			 0);
}

static void expect_same(const char *name, const char *const *vectors,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct group g;

		group_read(&g, vectors[i], false);
		assign(&g, name);
		for (size_t m = 0; m < g.member_count; m++) {
			if (!partition_set_equal(&g.members[m].assignment,
						 &g.wanted[m]))
				fail_msg("%s, member %s of: %s", name,
					 g.members[m].id, vectors[i]);
		}
		group_clear(&g);
	}
}

static void range_gives_what_java_gives(void **state)
{
	(void)state;
	expect_same("range", range_vectors, ARRAY_LEN(range_vectors));
}

static void roundrobin_gives_what_java_gives(void **state)
{
	(void)state;
	expect_same("roundrobin", roundrobin_vectors,
		    ARRAY_LEN(roundrobin_vectors));
}

/*
 * Sticky
 */

/* Every partition that somebody wants has one owner, who wants it. */
static void check_whole(const struct group *g, const char *what)
{
	for (size_t t = 0; t < g->topic_count; t++) {
		const char *topic = g->topics[t].name;

		for (int32_t p = 0; p < g->topics[t].partition_count; p++) {
			size_t owners = 0;
			bool is_wanted = false;

			for (size_t m = 0; m < g->member_count; m++) {
				bool wants = assignor_subscribes(&g->members[m],
								 topic);
				bool has = partition_set_has(
					&g->members[m].assignment, topic, p);

				is_wanted |= wants;
				owners += has;
				assert_true(wants || !has);
			}
			if (owners != is_wanted)
				fail_msg("%s %d has %zu owners: %s", topic, p,
					 owners, what);
		}
	}
}

/* Sum of squares: the evener, the less. */
static size_t unevenness(const struct group *g, bool of_java)
{
	size_t sum = 0;

	for (size_t m = 0; m < g->member_count; m++) {
		size_t n = of_java ? g->wanted[m].count
				   : g->members[m].assignment.count;

		sum += n * n;
	}
	return sum;
}

static size_t kept(const struct group *g, bool of_java)
{
	size_t count = 0;

	for (size_t m = 0; m < g->member_count; m++) {
		const struct partition_set *now =
			of_java ? &g->wanted[m] : &g->members[m].assignment;

		for (size_t i = 0; i < now->count; i++)
			count += partition_set_has_item(&g->members[m].owned,
							&now->items[i]);
	}
	return count;
}

static void sticky_is_as_even_as_java_and_moves_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++) {
		struct group g;

		group_read(&g, sticky_vectors[i], true);
		assign(&g, "sticky");
		check_whole(&g, sticky_vectors[i]);
		if (unevenness(&g, false) > unevenness(&g, true))
			fail_msg("uneven: %zu, Java %zu: %s",
				 unevenness(&g, false), unevenness(&g, true),
				 sticky_vectors[i]);
		if (unevenness(&g, false) == unevenness(&g, true) &&
		    kept(&g, false) < kept(&g, true))
			fail_msg("keeps %zu, Java %zu: %s", kept(&g, false),
				 kept(&g, true), sticky_vectors[i]);
		group_clear(&g);
	}
}

/* Until nothing changes: what each was given is what it says it has. */
static int settle_cooperatively(struct group *g)
{
	int rounds = 0;
	bool changed = true;

	while (changed && rounds < 10) {
		changed = false;
		assign(g, "cooperative-sticky");
		for (size_t m = 0; m < g->member_count; m++) {
			struct assignor_member *member = &g->members[m];

			changed |= !partition_set_equal(&member->owned,
							&member->assignment);
			partition_set_copy(&member->assignment, &member->owned);
			if (changed)
				partition_set_reset(&member->assignment);
		}
		rounds++;
		for (size_t m = 0; m < g->member_count && changed; m++)
			partition_set_reset(&g->members[m].assignment);
	}
	return rounds;
}

static void cooperative_gives_nothing_that_another_still_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++) {
		struct group g;

		group_read(&g, sticky_vectors[i], true);
		assign(&g, "cooperative-sticky");
		for (size_t m = 0; m < g.member_count; m++) {
			for (size_t o = 0; o < g.member_count; o++) {
				struct partition_set both = { 0 };

				if (o == m)
					continue;
				partition_set_minus(&g.members[m].assignment,
						    &g.members[o].owned, &both);
				assert_int_equal(both.count,
						 g.members[m].assignment.count);
				partition_set_clear(&both);
			}
		}
		group_clear(&g);
	}
}

static void cooperative_comes_to_the_sticky_end_in_few_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++) {
		struct group g;

		group_read(&g, sticky_vectors[i], true);
		assert_true(settle_cooperatively(&g) <= 3);
		check_whole(&g, sticky_vectors[i]);
		assert_true(unevenness(&g, false) <= unevenness(&g, true));
		group_clear(&g);
	}
}

static void the_newer_generation_is_believed(void **state)
{
	const char *const topics[] = { "t" };
	struct assignor_topic topic = { "t", 2 };
	struct assignor_member members[] = {
		{ .id = "a", .topics = topics, .topic_count = 1 },
		{ .id = "b", .topics = topics, .topic_count = 1 },
	};

	(void)state;
	/* given both say they have 0, b in a later generation */
	for (size_t i = 0; i < 2; i++)
		partition_set_add(&members[i].owned, slice_of("t"), 0,
				  UUID_ZERO);
	members[0].generation = 4;
	members[1].generation = 5;

	assert_int_equal(assignor_assign_sticky(&topic, 1, members, 2), 0);

	assert_true(partition_set_has(&members[1].assignment, "t", 0));
	assert_true(partition_set_has(&members[0].assignment, "t", 1));
	for (size_t i = 0; i < 2; i++) {
		partition_set_clear(&members[i].owned);
		partition_set_clear(&members[i].assignment);
	}
}

static void what_two_claim_at_once_is_nobodys(void **state)
{
	const char *const topics[] = { "t" };
	struct assignor_topic topic = { "t", 3 };
	struct assignor_member members[] = {
		{ .id = "a", .topics = topics, .topic_count = 1 },
		{ .id = "b", .topics = topics, .topic_count = 1 },
	};

	(void)state;
	for (int32_t p = 0; p < 3; p++)
		partition_set_add(&members[0].owned, slice_of("t"), p,
				  UUID_ZERO);
	partition_set_add(&members[1].owned, slice_of("t"), 0, UUID_ZERO);

	assert_int_equal(assignor_assign_sticky(&topic, 1, members, 2), 0);

	/* so it goes to who has less, and the others stay */
	assert_true(partition_set_has(&members[1].assignment, "t", 0));
	assert_int_equal(members[0].assignment.count, 2);
	for (size_t i = 0; i < 2; i++) {
		partition_set_clear(&members[i].owned);
		partition_set_clear(&members[i].assignment);
	}
}

static void nobody_and_nothing_are_fine(void **state)
{
	static const char *const names[] = { "range", "roundrobin", "sticky",
					     "cooperative-sticky" };
	struct assignor_topic topic = { "t", 3 };
	struct assignor_member idle = { .id = "a" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct assignor *a = assignor_by_name(slice_of(names[i]));

		assert_int_equal(a->assign(&topic, 1, NULL, 0), 0);
		assert_int_equal(a->assign(&topic, 1, &idle, 1), 0);
		assert_int_equal(a->assign(NULL, 0, &idle, 1), 0);
		assert_int_equal(idle.assignment.count, 0);
	}
	assert_null(assignor_by_name(slice_of("mine")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(range_gives_what_java_gives),
		cmocka_unit_test(roundrobin_gives_what_java_gives),
		cmocka_unit_test(sticky_is_as_even_as_java_and_moves_no_more),
		cmocka_unit_test(
			cooperative_gives_nothing_that_another_still_has),
		cmocka_unit_test(
			cooperative_comes_to_the_sticky_end_in_few_rounds),
		cmocka_unit_test(the_newer_generation_is_believed),
		cmocka_unit_test(what_two_claim_at_once_is_nobodys),
		cmocka_unit_test(nobody_and_nothing_are_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
