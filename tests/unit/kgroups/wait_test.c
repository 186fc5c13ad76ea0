/*
 * wait_test.c - tests of kgroups' wait.c, which is in no library
 *
 * Whether what is waited for holds; the snapshots are made by hand.
 */
#include "kgroups/figures.c" /* NOLINT(bugprone-suspicious-include) */
#include "kgroups/wait.c"    /* NOLINT(bugprone-suspicious-include) */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cmocka.h>

#include "snapshot_stubs.h"

static enum client_error_kind trouble; /* of the next look */

int snapshot_take(struct kgroups *k, const struct group_list *names,
		  const struct topic_choices *choices, unsigned flags,
		  struct snapshot *s, struct client_error *error)
{
	(void)k;
	(void)names;
	(void)choices;
	(void)flags;
	*s = (struct snapshot){ 0 };
	return client_error_set(error, trouble, -EIO, "trouble");
}

bool groups_word_in(const char *word, const char *list)
{
	return strcasecmp(word, list) == 0;
}

struct fixture {
	struct kgroups k;
	struct waiting w;
	struct snapshot s;
	struct admin_group_info groups[2];
	struct position items[3];
};

/* Two groups of no members; the first has committed for three partitions and
 * lags by 0, 4 and 7. */
static void begin(struct fixture *f, int64_t lag)
{
	static const int64_t lags[] = { 0, 4, 7 };

	*f = (struct fixture){ 0 };
	f->k.options.lag = lag;
	f->k.options.members = -1;
	f->w.k = &f->k;
	for (size_t g = 0; g < 2; g++) {
		f->groups[g].name = g == 0 ? "g" : "h";
		f->groups[g].state = "Empty";
	}
	for (int32_t i = 0; i < 3; i++)
		f->items[i] = (struct position){
			.topic = "t",
			.partition = i,
			.committed = 10,
			.start = 0,
			.end = 10 + lags[i],
		};
	f->s = (struct snapshot){ .groups = f->groups,
				  .group_count = 2,
				  .items = f->items,
				  .count = 3 };
}

static void each_partition_must_be_near_enough(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 7);
	assert_true(holds(&f.w, &f.s));
	begin(&f, 6);
	assert_false(holds(&f.w, &f.s));
	assert_string_equal(f.w.why, "g/t[2] lags by 7 records, not 6");
	/* Of another group that is not asked for. */
	f.s.items[2].group = 1;
	assert_true(lag_holds(&f.w, &f.s, 0));
	assert_false(holds(&f.w, &f.s));
}

static void what_is_not_known_does_not_hold(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 7);
	f.items[1].end = -1;
	f.items[1].code = WIRE_LEADER_NOT_AVAILABLE;
	assert_false(holds(&f.w, &f.s));
	assert_string_equal(f.w.why, "t[1]: LEADER_NOT_AVAILABLE");
	/* Nothing waits where the topic is gone. */
	f.items[1].code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	assert_true(holds(&f.w, &f.s));
}

static void a_group_that_cannot_be_told_is_an_error(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, -1);
	f.k.options.members = 0;
	assert_true(holds(&f.w, &f.s));
	f.groups[1].code = WIRE_GROUP_ID_NOT_FOUND; /* it may still come */
	assert_true(holds(&f.w, &f.s));
	f.groups[1].code = WIRE_GROUP_AUTHORIZATION_FAILED;
	client_error_clear(&f.w.error);
	assert_false(holds(&f.w, &f.s));
	assert_int_not_equal(f.w.error.kind, CLIENT_OK);
}

/* Who cannot be reached may be so later; who refuses refuses. */
static void what_waiting_cannot_mend_ends_it(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, 7);
	messages_init(&f.k.run.messages, "test",
		      open("/dev/null", O_WRONLY | O_CLOEXEC));
	trouble = CLIENT_UNREACHABLE;
	assert_int_equal(look(&f.w), EXIT_GO_ON);
	trouble = CLIENT_AUTH;
	assert_int_equal(look(&f.w), CLIENT_AUTH);
	close(f.k.run.messages.fd);
}

static void members_and_state_are_those_of_every_group(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f, -1);
	f.k.options.members = 2;
	f.groups[0].member_count = 3;
	f.groups[1].member_count = 2;
	assert_true(holds(&f.w, &f.s));
	f.groups[1].member_count = 1;
	assert_false(holds(&f.w, &f.s));
	f.k.options.members = 0;
	assert_false(holds(&f.w, &f.s));
	begin(&f, -1);
	f.k.options.state = "empty";
	assert_true(holds(&f.w, &f.s));
	f.groups[1].state = "Stable";
	assert_false(holds(&f.w, &f.s));
	assert_string_equal(f.w.why, "group 'h' is Stable, not empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_partition_must_be_near_enough),
		cmocka_unit_test(what_is_not_known_does_not_hold),
		cmocka_unit_test(a_group_that_cannot_be_told_is_an_error),
		cmocka_unit_test(what_waiting_cannot_mend_ends_it),
		cmocka_unit_test(members_and_state_are_those_of_every_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
