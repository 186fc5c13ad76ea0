/*
 * assignor_test.c - tests of assignor.c and assignor_sticky.c
 *
 * range and roundrobin give exactly what Java's give, with racks and without.
 * For the sticky ones there are many right answers: ours is at least as even as
 * Java's; where it is as even no more is far from its rack; and where that is
 * the same too it moves no more.
 */
#include "client/assignor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "assignor_vectors.h"
#include "base/random.h"
#include "rack_vectors.h"

enum {
	TOPICS_MAX = 8,
	PARTITIONS_MAX = 8,
	RACKS_MAX = 3,
	MEMBERS_MAX = 8,
	GENERATION = 3
};

/* What a member of a vector tells beside instance and topics. */
enum fields { PLAIN, WITH_OWNED, WITH_RACKS_AND_OWNED };

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

struct group {
	char *text; /* taken apart */
	struct assignor_topic topics[TOPICS_MAX];
	size_t topic_count;
	struct assignor_racks racks[TOPICS_MAX][PARTITIONS_MAX];
	const char *rack_names[TOPICS_MAX][PARTITIONS_MAX][RACKS_MAX];
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

/* "ab": a partition with a replica in a and one in b. */
static void read_racks(struct group *g, size_t topic, int32_t partition,
		       const char *text)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct assignor_racks *racks = &g->racks[topic][partition];

	racks->names = g->rack_names[topic][partition];
	for (; *text >= 'a' && *text <= 'd'; text++)
		g->rack_names[topic][partition][racks->count++] =
			names[*text - 'a'];
}

/* "t0:3", or with racks "t0=ab,-,c" */
static void read_topic(struct group *g, char *text)
{
	size_t at = strcspn(text, ":=");
	struct assignor_topic t = { .name = text };
	char *rest = text + at + 1;
	char *part;

	if (text[at] == ':') {
		t.partition_count = number(rest);
	} else {
		t.racks = g->racks[g->topic_count];
		while (*rest != '\0' && (part = strsep(&rest, ",")) != NULL) {
			read_racks(g, g->topic_count, t.partition_count++,
				   part);
			if (rest == NULL)
				break;
		}
	}
	text[at] = '\0';
	if (t.partition_count > 0)
		g->topics[g->topic_count++] = t;
}

static void read_topics(struct group *g, char *text)
{
	char *rest = text;
	char *part;

	while ((part = strsep(&rest, " ")) != NULL) {
		if (*part != '\0')
			read_topic(g, part);
	}
}

static const char *or_null(const char *text)
{
	return strcmp(text, "-") == 0 ? NULL : text;
}

static void read_member(struct group *g, char *text, enum fields fields)
{
	struct assignor_member *m = &g->members[g->member_count];
	const char **names = g->names[g->member_count];
	char *rest = text + 1;
	char *topics;
	char *part;

	m->id = strsep(&rest, " ");
	m->instance_id = or_null(strsep(&rest, " "));
	if (fields == WITH_RACKS_AND_OWNED)
		m->rack = or_null(strsep(&rest, " "));
	topics = strsep(&rest, " ");
	m->topics = names;
	m->generation = GENERATION;
	while (strcmp(topics == NULL ? "-" : topics, "-") != 0 &&
	       (part = strsep(&topics, ",")) != NULL)
		names[m->topic_count++] = part;
	if (fields != PLAIN)
		read_list(strsep(&rest, " "), &m->owned);
	read_list(strsep(&rest, " "), &g->wanted[g->member_count]);
	g->member_count++;
}

static void group_read(struct group *g, const char *text, enum fields fields)
{
	char *rest;

	*g = (struct group){ .text = strdup(text) };
	rest = g->text;
	read_topics(g, strsep(&rest, "|"));
	while (rest != NULL)
		read_member(g, strsep(&rest, "|"), fields);
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
			size_t count, enum fields fields)
{
	for (size_t i = 0; i < count; i++) {
		struct group g;

		group_read(&g, vectors[i], fields);
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
	expect_same("range", range_vectors, ARRAY_LEN(range_vectors), PLAIN);
	expect_same("range", range_rack_vectors, ARRAY_LEN(range_rack_vectors),
		    WITH_RACKS_AND_OWNED);
}

static void roundrobin_gives_what_java_gives(void **state)
{
	(void)state;
	expect_same("roundrobin", roundrobin_vectors,
		    ARRAY_LEN(roundrobin_vectors), PLAIN);
	expect_same("roundrobin", roundrobin_rack_vectors,
		    ARRAY_LEN(roundrobin_rack_vectors), WITH_RACKS_AND_OWNED);
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

/* Partitions that have no replica in the rack of whom they are given to. */
static size_t distant(struct group *g, bool of_java)
{
	struct assignor_member *refs[MEMBERS_MAX];
	size_t count = 0;

	for (size_t m = 0; m < g->member_count; m++)
		refs[m] = &g->members[m];
	if (!assignor_uses_racks(g->topics, g->topic_count, refs,
				 g->member_count))
		return 0;
	for (size_t m = 0; m < g->member_count; m++) {
		for (size_t t = 0; t < g->topic_count; t++) {
			const struct assignor_topic *topic = &g->topics[t];

			for (int32_t p = 0; p < topic->partition_count; p++) {
				bool has = partition_set_has(
					of_java ? &g->wanted[m]
						: &refs[m]->assignment,
					topic->name, p);

				count += has &&
					 !assignor_is_near(refs[m], topic, p);
			}
		}
	}
	return count;
}

static void expect_no_worse(const char *vector, enum fields fields)
{
	struct group g;
	size_t ours[3];
	size_t java[3];

	group_read(&g, vector, fields);
	assign(&g, "sticky");
	check_whole(&g, vector);
	for (int i = 0; i < 2; i++) {
		size_t *what = i == 0 ? ours : java;

		what[0] = unevenness(&g, i == 1);
		what[1] = distant(&g, i == 1);
		what[2] =
			(size_t)TOPICS_MAX * PARTITIONS_MAX - kept(&g, i == 1);
	}
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "uneven", "distant",
						     "moved" };

		if (ours[i] > java[i])
			fail_msg("%s: %zu, Java %zu: %s", names[i], ours[i],
				 java[i], vector);
		if (ours[i] < java[i])
			break;
	}
	group_clear(&g);
}

static void sticky_is_as_even_as_java_and_moves_no_more(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++)
		expect_no_worse(sticky_vectors[i], WITH_OWNED);
}

static void sticky_is_as_even_and_as_near_as_java(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_rack_vectors); i++)
		expect_no_worse(sticky_rack_vectors[i], WITH_RACKS_AND_OWNED);
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

static void expect_nothing_twice(const char *vector, enum fields fields)
{
	struct group g;

	group_read(&g, vector, fields);
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

static void cooperative_gives_nothing_that_another_still_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++)
		expect_nothing_twice(sticky_vectors[i], WITH_OWNED);
	for (size_t i = 0; i < ARRAY_LEN(sticky_rack_vectors); i++)
		expect_nothing_twice(sticky_rack_vectors[i],
				     WITH_RACKS_AND_OWNED);
}

static void expect_to_settle(const char *vector, enum fields fields)
{
	struct group g;

	group_read(&g, vector, fields);
	assert_true(settle_cooperatively(&g) <= 3);
	check_whole(&g, vector);
	assert_true(unevenness(&g, false) <= unevenness(&g, true));
	if (unevenness(&g, false) == unevenness(&g, true))
		assert_true(distant(&g, false) <= distant(&g, true));
	group_clear(&g);
}

static void cooperative_comes_to_the_sticky_end_in_few_rounds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sticky_vectors); i++)
		expect_to_settle(sticky_vectors[i], WITH_OWNED);
	for (size_t i = 0; i < ARRAY_LEN(sticky_rack_vectors); i++)
		expect_to_settle(sticky_rack_vectors[i], WITH_RACKS_AND_OWNED);
}

static void the_newer_generation_is_believed(void **state)
{
	const char *const topics[] = { "t" };
	struct assignor_topic topic = { "t", 2, NULL };
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
	struct assignor_topic topic = { "t", 3, NULL };
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
	struct assignor_topic topic = { "t", 3, NULL };
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
		cmocka_unit_test(sticky_is_as_even_and_as_near_as_java),
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
