/*
 * kill_test.c - a broker that is killed while offsets are committed to it
 *
 * It is killed after a number of answers that the seed says, while more
 * commits are under way, and started again on the same directory: no offset
 * that was answered may be gone, and none may be there that was never sent.
 * Members and their rebalances are rebalance_kill_test.c's.
 */
#include "kbrokerd/whole_process.h"

enum {
	OFFSET_COMMIT = 8,
	ROUNDS = 6,
	COMMITTERS = 4, /* connections; each has a group and a partition */
	IN_FLIGHT = 3,
	ANSWERS_MAX = 60, /* in a round */
};

static const char *const settings[] = {
	"offsets.topic.num.partitions=2",
	/* A slow disk is no failure. */
	"offsets.commit.timeout.ms=600000",
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

struct committer {
	int fd;
	char group[16];
	int32_t partition;
	/* Offsets, each one more than the last: */
	int64_t sent, taken, answered;
};

static void commit_next(struct committer *c)
{
	whole_send_commit(c->fd, c->group, "", -1, "t", c->partition,
			  ++c->sent);
}

/* Answers come in the order of what was sent. */
static void take_answer(struct arena *arena, struct committer *c)
{
	struct offset_commit_response response;
	int16_t error;

	arena_reset(arena);
	whole_take(c->fd, OFFSET_COMMIT, 9, arena, &response);
	error = whole_commit_error(&response);
	c->taken++;
	if (error == WIRE_NONE)
		c->answered = c->taken;
	else
		assert_true(error == WIRE_COORDINATOR_LOAD_IN_PROGRESS ||
			    error == WIRE_NOT_COORDINATOR);
}

/* All at once, until so many answers have come: commits are under way then. */
static void commit_for_a_while(struct arena *arena, struct committer *all,
			       int answers)
{
	struct pollfd fds[COMMITTERS];

	for (size_t i = 0; i < COMMITTERS; i++) {
		fds[i] = (struct pollfd){ all[i].fd, POLLIN, 0 };
		for (int k = 0; k < IN_FLIGHT; k++)
			commit_next(&all[i]);
	}
	while (answers > 0) {
		assert_true(poll(fds, COMMITTERS, WHOLE_WAIT_MS) > 0);
		for (size_t i = 0; i < COMMITTERS; i++) {
			if (fds[i].revents == 0)
				continue;
			take_answer(arena, &all[i]);
			commit_next(&all[i]);
			answers--;
		}
	}
}

static void check_offset(int fd, struct committer *c)
{
	int64_t offset = whole_fetch(fd, c->group, "t", c->partition);

	assert_true(offset >= c->answered);
	assert_true(offset <= c->sent);
	c->taken = c->sent;
}

static void prepare(struct whole_process *broker, struct committer *all)
{
	int fd;

	whole_process_init(broker);
	whole_process_start(broker, settings, SETTING_COUNT);
	fd = whole_dial(broker->port);
	whole_create_topic(fd, "t", COMMITTERS);
	whole_find_coordinator(fd, "g");
	close(fd);
	for (int32_t i = 0; i < COMMITTERS; i++) {
		snprintf(all[i].group, sizeof(all[i].group), "g%d", i);
		all[i].partition = i;
		all[i].answered = -1;
	}
}

static void no_answered_commit_is_lost_however_often_the_broker_is_killed(
	void **state)
{
	struct committer all[COMMITTERS] = { 0 };
	struct whole_process broker;
	struct seeded_random random;
	struct arena arena = { 0 };

	(void)state;
	seeded_random_init(&random, 1);
	prepare(&broker, all);
	for (int round = 0; round < ROUNDS; round++) {
		int answers =
			1 + (int)random_below(&random.random, ANSWERS_MAX);
		int fd;

		for (size_t i = 0; i < COMMITTERS; i++)
			all[i].fd = whole_dial(broker.port);
		commit_for_a_while(&arena, all, answers);
		whole_process_kill(&broker);
		for (size_t i = 0; i < COMMITTERS; i++)
			close(all[i].fd);
		whole_process_start(&broker, settings, SETTING_COUNT);
		fd = whole_dial(broker.port);
		for (size_t i = 0; i < COMMITTERS; i++)
			check_offset(fd, &all[i]);
		close(fd);
	}
	whole_process_clear(&broker);
	arena_clear(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_answered_commit_is_lost_however_often_the_broker_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
