/*
 * rebalance_kill_test.c - a broker that is killed among rebalancing groups
 *
 * Members of both protocols join, leave, join again and commit all the time,
 * each with one request under way; one group has members of both, and changes
 * its type with them.  The broker is killed after a number of answers that the
 * seed says (KILL_SEED=n takes that one), and started again on the same
 * directory and port.  What was answered holds:
 *
 * - no answered commit is gone, and none is there that was never sent;
 * - who was told that it is a member is one, in no earlier generation or
 *   epoch, for as long as it does not leave;
 * - no partition has two owners; when nobody leaves any more the groups
 *   become stable, with one for each.
 *
 * Sessions and rebalances may take longer than the test: nothing happens
 * because time goes by.
 */
#include <stdlib.h>
#include <string.h>

#include "kill_classic.h"
#include "kill_modern.h"

enum {
	KILLS = 10,
	ANSWERS_MAX = 250,           /* of members, between two kills */
	CALM_MS = 5 * WHOLE_WAIT_MS, /* in which all are settled */
};

static const char *const settings[] = {
	"offsets.topic.num.partitions=2",
	"group.initial.rebalance.delay.ms=0",
	"offsets.commit.timeout.ms=600000",
	"group.consumer.session.timeout.ms=600000",
	"group.consumer.max.session.timeout.ms=600000",
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

/* What a process has written outlives it: in every other life answers do not
 * wait for the disk, so that more happens. */
static void start_broker(struct kills *k)
{
	const char *sets[SETTING_COUNT + 1];

	memcpy(sets, settings, sizeof(settings));
	sets[SETTING_COUNT] =
		k->life % 2 == 0 ? "flush.mode=commit" : "flush.mode=os";
	whole_process_start(&k->broker, sets, SETTING_COUNT + 1);
}

/* All of them */

static struct kills *prepare(void)
{
	const char *seed = getenv("KILL_SEED");
	struct kills *k = calloc(1, sizeof(*k));
	unsigned long n = seed != NULL ? strtoul(seed, NULL, 10) : 1;
	int fd;

	assert_non_null(k);
	print_message("seed %lu\n", n);
	seeded_random_init(&k->random, n);
	whole_process_init(&k->broker);
	start_broker(k);
	fd = whole_dial(k->broker.port);
	k->topic_id = whole_create_topic(fd, "t", PARTITIONS);
	whole_find_coordinator(fd, "g");
	close(fd);
	for (size_t i = 0; i < GROUPS; i++) {
		struct team *team = &k->teams[i];

		team->all = k;
		snprintf(team->id, sizeof(team->id), "group%zu", i);
		for (int32_t p = 0; p < PARTITIONS; p++) {
			team->sent[p] = p;
			team->answered[p] = -1;
		}
	}
	for (size_t i = 0; i < ALL_MEMBERS; i++) {
		size_t team = i / MEMBERS;
		bool is_classic = (team == MIXED ? i : team) % 2 == 0;

		k->members[i].team = &k->teams[team];
		k->members[i].protocol = is_classic ? &classic : &modern;
	}
	return k;
}

static void dial(struct kills *k)
{
	struct member *m;

	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++) {
		m->fd = whole_dial(k->broker.port);
		m->protocol->ask(m);
	}
}

/* Returns how many answers came. */
static int turn(struct kills *k)
{
	struct pollfd fds[ALL_MEMBERS];
	struct member *m;
	int ready;

	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++)
		fds[i] = (struct pollfd){ m->fd, POLLIN, 0 };
	ready = poll(fds, ALL_MEMBERS, WHOLE_WAIT_MS);
	assert_true(ready > 0);
	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++) {
		if (fds[i].revents == 0)
			continue;
		m->protocol->take(m);
		assert_int_equal(m->asked, 0);
		m->protocol->ask(m);
	}
	return ready;
}

/* What it answered before it was killed was answered. */
static void kill_broker(struct kills *k)
{
	struct member *m;

	whole_process_kill(&k->broker);
	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++) {
		m->protocol->take(m);
		m->lost += m->asked != 0;
		m->asked = 0;
		close(m->fd);
	}
	k->life++;
}

/* After a restart */

static void check_offsets(struct team *team, int fd)
{
	for (int32_t p = 0; p < PARTITIONS; p++) {
		int64_t offset = whole_fetch(fd, team->id, "t", p);

		assert_true(offset >= team->answered[p]);
		assert_true(offset <= team->sent[p]);
		assert_true(offset == -1 || offset % PARTITIONS == p);
		/* Nor does it go back from here. */
		team->answered[p] = offset;
	}
}

static void describe(struct kills *k, int fd, struct team *team,
		     struct describe_groups_response *response)
{
	struct slice names[] = { slice_of(team->id) };
	struct describe_groups_request request = { .groups = names,
						   .groups_count = 1 };

	arena_reset(&k->arena);
	whole_call(fd, DESCRIBE_GROUPS, 5, &request, &k->arena, response);
	assert_int_equal(response->groups[0].error_code, WIRE_NONE);
}

static bool is_known(struct kills *k, struct slice id)
{
	struct member *m;

	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++) {
		if (slice_is(id, m->id))
			return true;
	}
	return false;
}

/* Of classic groups what the leader last wrote is there, also members who have
 * left since: an operator has them leave. */
static void remove_ghosts(struct kills *k, int fd, struct team *team)
{
	struct describe_groups_response response;
	struct leave_group_response left;
	const struct describe_groups_response_groups *group;
	struct arena arena = { 0 };

	describe(k, fd, team, &response);
	group = &response.groups[0];
	for (int32_t i = 0; i < group->members_count; i++) {
		if (is_known(k, group->members[i].member_id))
			continue;
		send_leave(fd, team->id, group->members[i].member_id);
		whole_take(fd, LEAVE_GROUP, 5, &arena, &left);
		assert_int_equal(left.members[0].error_code, WIRE_NONE);
	}
	arena_clear(&arena);
}

static void start_again(struct kills *k)
{
	int fd;

	start_broker(k);
	fd = whole_dial(k->broker.port);
	for (size_t i = 0; i < GROUPS; i++) {
		check_offsets(&k->teams[i], fd);
		remove_ghosts(k, fd, &k->teams[i]);
	}
	close(fd);
	dial(k);
}

/* Settling */

static bool is_settled(struct kills *k)
{
	unsigned owned = 0; /* of one team */
	struct member *m;

	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++) {
		owned = i % MEMBERS == 0 ? 0 : owned;
		if (m->state != MEMBER_IN || m->owes_word ||
		    m->epoch != k->members[i - i % MEMBERS].epoch ||
		    (owned & m->owned) != 0)
			return false;
		owned |= m->owned;
		if (i % MEMBERS == MEMBERS - 1 &&
		    owned != (1 << PARTITIONS) - 1)
			return false;
	}
	return true;
}

static bool is_stable_classic(struct kills *k, int fd, struct team *team)
{
	struct describe_groups_response response;

	describe(k, fd, team, &response);
	return slice_is(response.groups[0].group_state, "Stable") &&
	       response.groups[0].members_count == MEMBERS;
}

static bool is_stable_modern(struct kills *k, int fd, struct team *team)
{
	const struct member *first = &k->members[(team - k->teams) * MEMBERS];
	struct slice id = slice_of(team->id);
	struct consumer_group_describe_request request = {
		.group_ids = &id,
		.group_ids_count = 1,
	};
	struct consumer_group_describe_response response;

	arena_reset(&k->arena);
	whole_call(fd, CONSUMER_DESCRIBE, 1, &request, &k->arena, &response);
	assert_int_equal(response.groups[0].error_code, WIRE_NONE);
	return slice_is(response.groups[0].group_state, "Stable") &&
	       response.groups[0].group_epoch == first->epoch &&
	       response.groups[0].members_count == MEMBERS;
}

/* As the coordinator sees it. */
static bool is_stable(struct kills *k, int fd)
{
	bool stable = true;

	for (size_t i = 0; stable && i < GROUPS; i++)
		stable = i % 2 == 0 && i != MIXED
				 ? is_stable_classic(k, fd, &k->teams[i])
				 : is_stable_modern(k, fd, &k->teams[i]);
	return stable;
}

static void print_members(struct kills *k)
{
	struct member *m;

	for (size_t i = 0; (m = member_at(k, i)) != NULL; i++)
		print_error("%s %s: state %d epoch %d owned %#x lost %d\n",
			    m->team->id, m->id, m->state, m->epoch, m->owned,
			    m->lost);
}

static void settle(struct kills *k)
{
	struct clock *clock = clock_system();
	int64_t until_us = clock->monotonic_us(clock) + CALM_MS * INT64_C(1000);
	int fd = whole_dial(k->broker.port);

	k->calm = true;
	while (!is_settled(k) || !is_stable(k, fd)) {
		if (clock->monotonic_us(clock) > until_us) {
			print_members(k);
			fail_msg("the groups do not settle");
		}
		turn(k);
	}
	k->calm = false;
	close(fd);
}

static void what_was_answered_holds_when_the_broker_is_killed_in_rebalances(
	void **state)
{
	struct kills *k = prepare();

	(void)state;
	dial(k);
	for (int i = 0; i < KILLS; i++) {
		int left = (int)random_below(&k->random.random, ANSWERS_MAX);

		while (left > 0)
			left -= turn(k);
		kill_broker(k);
		start_again(k);
		/* Now and then the next kill comes before all is well. */
		if (i % 3 != 1)
			settle(k);
	}
	kill_broker(k);
	whole_process_clear(&k->broker);
	arena_clear(&k->arena);
	free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			what_was_answered_holds_when_the_broker_is_killed_in_rebalances),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
