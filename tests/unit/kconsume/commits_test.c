/*
 * commits_test.c - tests of kconsume's commits.c, which is in no library
 *
 * The group is the test: it has what is committed, and answers when told to.
 */
#include "kconsume/commits.c"   /* NOLINT(bugprone-suspicious-include) */
#include "kconsume/delivered.c" /* NOLINT(bugprone-suspicious-include) */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

enum { ITEMS_MAX = 8, FAR_MS = 1000000 };

/* The group */

static struct {
	struct group_commit_item items[ITEMS_MAX]; /* of the last commit */
	size_t count;
	int commits; /* not answered yet */
	void (*on_done)(void *arg, const struct group_commit_item *items,
			size_t count, const struct client_error *error);
	void *arg;
	int64_t position; /* where every partition's next record is; -1 */
	int settled;      /* on_settled() */
	int failed;       /* on_failed(): its status, or 0 */
} group;

int group_commit(struct group_member *member,
		 const struct group_commit_item *items, size_t count,
		 void (*done)(void *arg, const struct group_commit_item *items,
			      size_t count, const struct client_error *error),
		 void *arg)
{
	(void)member;
	assert_true(count > 0 && count <= ITEMS_MAX);
	memcpy(group.items, items, count * sizeof(*items));
	group.count = count;
	group.commits++;
	group.on_done = done;
	group.arg = arg;
	return 0;
}

/* All items have that code. */
static void answer(int16_t code)
{
	struct client_error error;

	assert_true(group.commits > 0);
	group.commits--;
	client_error_clear(&error);
	if (code != WIRE_NONE)
		client_error_from_code(&error, code, "x", NULL);
	for (size_t i = 0; i < group.count; i++)
		group.items[i].code = code;
	group.on_done(group.arg, group.items, group.count,
		      code == WIRE_NONE ? NULL : &error);
}

/* One item was committed, of partition 0. */
static void expect_commit(int64_t offset)
{
	assert_int_equal(group.commits, 1);
	assert_int_equal(group.count, 1);
	assert_string_equal(group.items[0].topic, "t");
	assert_int_equal(group.items[0].partition, 0);
	assert_int_equal(group.items[0].offset, offset);
}

/* Who commits */

static void on_settled(void *arg)
{
	(void)arg;
	group.settled++;
}

static void on_failed(void *arg, int status)
{
	(void)arg;
	group.failed = status;
}

static int64_t position(void *arg, const char *topic, int32_t partition)
{
	(void)arg;
	(void)topic;
	(void)partition;
	return group.position;
}

struct fixture {
	struct commits c;
	struct commit_host host;
	struct messages messages;
	int64_t written; /* positions */
};

static int setup(void **state)
{
	static struct fixture f;

	memset(&group, 0, sizeof(group));
	group.position = -1;
	f = (struct fixture){ .host = { .messages = &f.messages,
					.on_settled = on_settled,
					.on_failed = on_failed,
					.position = position } };
	messages_init(&f.messages, "test",
		      open("/dev/null", O_WRONLY | O_CLOEXEC));
	assert_int_equal(loop_new(&f.host.loop), 0);
	assert_int_equal(commits_init(&f.c, &f.host, false), EXIT_GO_ON);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	commits_clear(&f->c);
	loop_free(f->host.loop);
	close(f->messages.fd);
	return 0;
}

static void begin(struct fixture *f)
{
	const struct group_position at = {
		.partition = { .topic = "t" },
		.offset = -1,
	};

	commits_assigned(&f->c, &at);
}

/* Another record is written, and done. */
static void do_one(struct fixture *f, int64_t offset)
{
	const struct consumer_record record = {
		.topic = "t",
		.record = { .offset = offset },
	};

	assert_int_equal(commits_note(&f->c, &record, ++f->written), 0);
	delivered_reach(f->c.delivered, f->written);
}

static const struct group_partition own = { .topic = "t" };

static void what_is_done_is_committed_once(void **state)
{
	struct fixture *f = *state;

	do_one(f, 4);
	commits_soon(&f->c);
	expect_commit(5);
	answer(WIRE_NONE);
	assert_false(commits_now(&f->c));
	do_one(f, 5);
	assert_true(commits_now(&f->c));
	expect_commit(6);
	answer(WIRE_NONE);
}

static void where_it_begins_is_committed_once_that_is_known(void **state)
{
	struct fixture *f = *state;

	begin(f);
	assert_true(f->c.is_wanted);
	on_timer(&f->c);
	assert_int_equal(group.commits, 0);
	assert_true(f->c.is_wanted); /* and looked for again */
	group.position = 7;
	on_timer(&f->c);
	expect_commit(7);
	assert_false(f->c.is_wanted);
	answer(WIRE_NONE);
}

/* Behind the last record may be more that makes none. */
static void the_position_counts_only_when_all_is_done(void **state)
{
	struct fixture *f = *state;
	const struct consumer_record next = {
		.topic = "t",
		.record = { .offset = 12 },
	};

	group.position = 9;
	do_one(f, 4);
	assert_true(commits_now(&f->c));
	expect_commit(9);
	answer(WIRE_NONE);
	do_one(f, 9);
	assert_int_equal(commits_note(&f->c, &next, ++f->written), 0);
	group.position = 20;
	assert_true(commits_now(&f->c));
	expect_commit(10);
	answer(WIRE_NONE);
}

static void one_commit_is_under_way_at_a_time(void **state)
{
	struct fixture *f = *state;

	do_one(f, 4);
	commits_soon(&f->c);
	expect_commit(5);
	do_one(f, 5);
	commits_soon(&f->c);
	on_timer(&f->c);
	expect_commit(5);
	f->c.last_ms = -FAR_MS; /* long ago */
	answer(WIRE_NONE);
	expect_commit(6);
	answer(WIRE_NONE);
	/* The next is not as soon. */
	f->c.last_ms = loop_now_ms(f->host.loop) + FAR_MS;
	do_one(f, 6);
	commits_soon(&f->c);
	assert_int_equal(group.commits, 0);
	on_timer(&f->c);
	expect_commit(7);
	answer(WIRE_NONE);
}

static void whose_partition_it_is_now_goes_on_by_itself(void **state)
{
	static const int16_t codes[] = { WIRE_ILLEGAL_GENERATION,
					 WIRE_STALE_MEMBER_EPOCH,
					 WIRE_UNKNOWN_TOPIC_ID };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		do_one(f, (int64_t)i);
		assert_true(commits_now(&f->c));
		answer(codes[i]);
		assert_int_equal(group.failed, 0);
	}
	do_one(f, 10);
	assert_true(commits_now(&f->c));
	answer(WIRE_GROUP_AUTHORIZATION_FAILED);
	assert_int_not_equal(group.failed, 0);
}

static void what_is_lost_is_not_committed(void **state)
{
	struct fixture *f = *state;

	do_one(f, 4);
	commits_lost(&f->c, &own, 1);
	assert_false(commits_now(&f->c));
	/* Ours again, from where another had committed. */
	do_one(f, 4);
	begin(f);
	group.position = 2;
	assert_true(commits_now(&f->c));
	expect_commit(2);
	answer(WIRE_NONE);
}

static void what_is_given_up_is_committed_first(void **state)
{
	struct fixture *f = *state;
	const struct consumer_record record = {
		.topic = "t",
		.record = { .offset = 4 },
	};

	assert_int_equal(commits_note(&f->c, &record, ++f->written), 0);
	commits_settle(&f->c, &own, 1, false);
	assert_false(commits_are_settled(&f->c));
	delivered_reach(f->c.delivered, f->written);
	assert_true(commits_are_settled(&f->c));
	commits_finish(&f->c);
	expect_commit(5);
	assert_int_equal(group.settled, 0);
	answer(WIRE_NONE);
	assert_int_equal(group.settled, 1);
	/* It is not ours any more. */
	group.position = 6;
	assert_false(commits_now(&f->c));
}

static void what_is_lost_meanwhile_is_not_settled(void **state)
{
	struct fixture *f = *state;

	do_one(f, 4);
	commits_settle(&f->c, &own, 1, false);
	commits_lost(&f->c, &own, 1);
	commits_finish(&f->c);
	assert_int_equal(group.commits, 0);
	assert_int_equal(group.settled, 0);
}

static void the_end_waits_for_all_that_is_left(void **state)
{
	struct fixture *f = *state;
	const struct consumer_record record = {
		.topic = "t",
		.record = { .offset = 4 },
	};

	assert_int_equal(commits_note(&f->c, &record, ++f->written), 0);
	commits_settle(&f->c, NULL, 0, true);
	assert_false(commits_are_settled(&f->c));
	delivered_reach(f->c.delivered, f->written);
	assert_true(commits_are_settled(&f->c));
	commits_finish(&f->c);
	expect_commit(5);
	answer(WIRE_NONE);
	assert_int_equal(group.settled, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_done_is_committed_once),
		TEST(where_it_begins_is_committed_once_that_is_known),
		TEST(the_position_counts_only_when_all_is_done),
		TEST(one_commit_is_under_way_at_a_time),
		TEST(whose_partition_it_is_now_goes_on_by_itself),
		TEST(what_is_lost_is_not_committed),
		TEST(what_is_given_up_is_committed_first),
		TEST(what_is_lost_meanwhile_is_not_settled),
		TEST(the_end_waits_for_all_that_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
