/*
 * check_test.c - tests of kgroups' check.c, which is in no library
 *
 * What it says of a partition; the snapshots are made by hand.
 */
#include "kgroups/check.c"   /* NOLINT(bugprone-suspicious-include) */
#include "kgroups/figures.c" /* NOLINT(bugprone-suspicious-include) */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "snapshot_stubs.h"

enum { NOW_MS = 1000000 };

struct position *snapshot_find(const struct snapshot *s, size_t group,
			       const char *topic, int32_t partition)
{
	for (size_t i = 0; i < s->count; i++) {
		struct position *p = &s->items[i];

		if (p->group == group && p->partition == partition &&
		    strcmp(p->topic, topic) == 0)
			return p;
	}
	return NULL;
}

int snapshot_take(struct kgroups *k, const struct group_list *names,
		  const struct topic_choices *choices, unsigned flags,
		  struct snapshot *s, struct client_error *error)
{
	(void)k;
	(void)names;
	(void)choices;
	(void)flags;
	(void)s;
	(void)error;
	fail();
	return -EIO;
}

void times_prepare(struct kgroups *k)
{
	(void)k;
}

/* A partition of t */

static struct position position(int32_t partition, int64_t committed,
				int64_t end)
{
	return (struct position){
		.topic = "t",
		.partition = partition,
		.committed = committed,
		.start = 0,
		.end = end,
		.record_ms = -1,
	};
}

struct fixture {
	struct kgroups k;
	struct check c;
	struct snapshot s;
};

static void begin(struct fixture *f, int64_t warn, int64_t critical)
{
	*f = (struct fixture){ .s = { .at_ms = NOW_MS } };
	f->k.options.warn = warn;
	f->k.options.critical = critical;
	f->c.k = &f->k;
}

static void what_is_not_known_is_not_well(void **state)
{
	struct position p = position(0, 5, -1);
	struct fixture f;

	(void)state;
	begin(&f, 10, 20);
	p.code = WIRE_LEADER_NOT_AVAILABLE;
	judge(&f.c, &f.s, &p);
	assert_int_equal(f.c.level, LEVEL_UNKNOWN);
	assert_non_null(strstr(f.c.why, "t[0]: LEADER_NOT_AVAILABLE"));
}

static void of_a_topic_that_is_gone_nothing_waits(void **state)
{
	struct position p = position(0, 5, -1);
	struct fixture f;

	(void)state;
	begin(&f, 10, 20);
	p.code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	judge(&f.c, &f.s, &p);
	assert_int_equal(f.c.level, LEVEL_OK);
	assert_null(f.c.worst);
}

static void the_worst_is_told_and_the_most(void **state)
{
	const struct position all[] = {
		position(0, 0, 3),
		position(1, 0, 9),
		position(2, 0, 5),
	};
	struct fixture f;

	(void)state;
	begin(&f, 2, 20);
	for (size_t i = 0; i < 3; i++)
		judge(&f.c, &f.s, &all[i]);
	assert_int_equal(f.c.level, LEVEL_WARNING);
	assert_ptr_equal(f.c.worst, &all[1]);
	assert_int_equal(f.c.lag, 9);
	begin(&f, 2, 5);
	judge(&f.c, &f.s, &all[2]);
	assert_int_equal(f.c.level, LEVEL_WARNING);
	begin(&f, 2, 4);
	judge(&f.c, &f.s, &all[2]);
	judge(&f.c, &f.s, &all[0]);
	assert_int_equal(f.c.level, LEVEL_CRITICAL);
	assert_ptr_equal(f.c.worst, &all[2]);
}

static void a_record_whose_time_cannot_be_read_is_not_well(void **state)
{
	struct position p = position(0, 0, 3);
	struct fixture f;

	(void)state;
	begin(&f, -1, -1);
	f.k.options.time_warn_ms = 1000;
	judge(&f.c, &f.s, &p);
	assert_int_equal(f.c.level, LEVEL_UNKNOWN);
	begin(&f, -1, -1);
	f.k.options.time_warn_ms = 1000;
	p.record_ms = NOW_MS - 1000;
	judge(&f.c, &f.s, &p);
	assert_int_equal(f.c.level, LEVEL_OK);
	p.record_ms = NOW_MS - 1001;
	judge(&f.c, &f.s, &p);
	assert_int_equal(f.c.level, LEVEL_WARNING);
}

static void who_commits_is_not_stalled(void **state)
{
	struct position before[] = { position(0, 0, 9), position(1, 0, 9),
				     position(2, 9, 9) };
	struct position after[] = { position(0, 1, 9), position(1, 0, 9),
				    position(2, 9, 9) };
	bool waiting[3];
	struct snapshot now;
	struct fixture f;

	(void)state;
	begin(&f, -1, -1);
	f.k.options.stalled_ms = 1000;
	for (size_t i = 0; i < 3; i++)
		before[i].record_ms = after[i].record_ms = NOW_MS - 1001;
	f.s.items = before;
	f.s.count = 3;
	now = f.s;
	now.items = after;
	/* Where nothing waits nothing need be committed. */
	assert_int_equal(mark_waiting(&f.c, &f.s, waiting), 2);
	assert_false(waiting[2]);
	assert_int_equal(drop_moved(&f.s, &now, waiting), 1);
	assert_false(waiting[0]);
	assert_true(waiting[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_not_well),
		cmocka_unit_test(of_a_topic_that_is_gone_nothing_waits),
		cmocka_unit_test(the_worst_is_told_and_the_most),
		cmocka_unit_test(
			a_record_whose_time_cannot_be_read_is_not_well),
		cmocka_unit_test(who_commits_is_not_stalled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
