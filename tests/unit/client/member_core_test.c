/*
 * member_core_test.c - tests of member_core.c, member_classic.c and
 * member_consumer.c
 *
 * The test is the shell: it asks for the next action, says what came of it,
 * and has the clock in its hand.
 */
#include "client/member_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "wire/errors.h"

struct fixture {
	struct member_core core;
	struct partition_set given;
	int64_t now;
	int64_t wake;
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));

	f->now = 1000;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	member_core_clear(&f->core);
	partition_set_clear(&f->given);
	test_free(f);
	return 0;
}

static void make(struct fixture *f, const struct member_protocol *protocol,
		 bool is_eager)
{
	assert_int_equal(member_core_init(&f->core, protocol), 0);
	f->core.group_id = "g";
	f->core.is_eager = is_eager;
	f->core.is_ready = true;
}

static enum member_action next(struct fixture *f)
{
	return member_next(&f->core, f->now, &f->wake);
}

static void expect(struct fixture *f, enum member_action action)
{
	enum member_action is = next(f);

	if (is != action)
		fail_msg("action %d, not %d", (int)is, (int)action);
}

/* "012": partitions of topic t. */
static struct partition_set *set_of(struct fixture *f, const char *digits)
{
	partition_set_reset(&f->given);
	for (; *digits != '\0'; digits++)
		partition_set_add(&f->given, slice_of("t"), *digits - '0',
				  UUID_ZERO);
	partition_set_sort(&f->given);
	return &f->given;
}

static void expect_set(const struct partition_set *set, const char *digits)
{
	char text[16] = "";

	assert_true(set->count < sizeof(text));
	for (size_t i = 0; i < set->count; i++)
		text[i] = (char)('0' + set->items[i].partition);
	assert_string_equal(text, digits);
}

static void expect_told(struct fixture *f, enum member_action action,
			const char *digits)
{
	expect(f, action);
	expect_set(&f->core.told, digits);
}

static void answer_code(struct fixture *f, int16_t code)
{
	member_answered(&f->core, &(struct member_answer){ .code = code },
			f->now);
}

static void find(struct fixture *f)
{
	expect(f, MEMBER_FIND);
	member_found(&f->core, WIRE_NONE, NULL, f->now);
}

/*
 * Classic
 */

static void joined(struct fixture *f, int32_t generation, bool is_leader,
		   const char *assignor)
{
	member_answered(
		&f->core,
		&(struct member_answer){ .generation = generation,
					 .is_leader = is_leader,
					 .member_id = "m1",
					 .assignor = slice_of(assignor) },
		f->now);
}

static void synced(struct fixture *f, const char *digits)
{
	member_answered(
		&f->core,
		&(struct member_answer){ .assignment = set_of(f, digits) },
		f->now);
}

static void join(struct fixture *f, int32_t generation, const char *digits)
{
	expect(f, MEMBER_JOIN);
	joined(f, generation, false,
	       f->core.is_eager ? "range" : "cooperative-sticky");
	expect(f, MEMBER_SYNC);
	synced(f, digits);
}

static void a_new_member_joins_syncs_and_beats(void **state)
{
	struct fixture *f = *state;

	make(f, &member_classic, true);
	find(f);
	/* KIP-394: first a name, then the group */
	expect(f, MEMBER_JOIN);
	member_answered(
		&f->core,
		&(struct member_answer){ .code = WIRE_MEMBER_ID_REQUIRED,
					 .member_id = "m1" },
		f->now);
	assert_string_equal(f->core.member_id, "m1");
	expect(f, MEMBER_JOIN);
	joined(f, 1, true, "range");
	/* the leader plans before it syncs */
	expect(f, MEMBER_PLAN);
	expect(f, MEMBER_NOTHING);
	member_planned(&f->core);
	expect(f, MEMBER_SYNC);
	synced(f, "012");
	expect_told(f, MEMBER_ASSIGN, "012");
	expect(f, MEMBER_NOTHING);
	assert_int_equal(f->wake, f->now + f->core.heartbeat_interval_ms);
	f->now = f->wake;
	expect(f, MEMBER_BEAT);
	answer_code(f, WIRE_NONE);
	expect(f, MEMBER_NOTHING);
}

static void it_waits_until_the_subscription_is_known(void **state)
{
	struct fixture *f = *state;

	make(f, &member_classic, true);
	f->core.is_ready = false;
	find(f);
	expect(f, MEMBER_NOTHING);
	f->core.is_ready = true;
	expect(f, MEMBER_JOIN);
}

static void start(struct fixture *f, bool is_eager, const char *digits)
{
	make(f, &member_classic, is_eager);
	find(f);
	join(f, 1, digits);
	expect_told(f, MEMBER_ASSIGN, digits);
}

static void beat(struct fixture *f, int16_t code)
{
	f->now += f->core.heartbeat_interval_ms;
	expect(f, MEMBER_BEAT);
	answer_code(f, code);
}

static void an_eager_member_gives_all_up_before_it_joins_again(void **state)
{
	struct fixture *f = *state;

	start(f, true, "012");
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	expect_told(f, MEMBER_REVOKE, "012");
	/* as long as the reader is not done, it only shows that it lives */
	expect(f, MEMBER_NOTHING);
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	expect(f, MEMBER_NOTHING);
	member_revoked(&f->core);
	/* nor does it join while a commit is under way */
	f->core.is_committing = true;
	expect(f, MEMBER_NOTHING);
	f->core.is_committing = false;
	join(f, 2, "0");
	expect_told(f, MEMBER_ASSIGN, "0");
}

static void a_cooperative_member_keeps_what_it_can(void **state)
{
	struct fixture *f = *state;

	start(f, false, "012");
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	/* nothing is given up before it is known what moves */
	join(f, 2, "01");
	expect_told(f, MEMBER_ASSIGN, "");
	expect_told(f, MEMBER_REVOKE, "2");
	expect_set(&f->core.owned, "012");
	member_revoked(&f->core);
	expect_set(&f->core.owned, "01");
	/* and then the group meets again, for the new owner's sake */
	join(f, 3, "01");
	expect_told(f, MEMBER_ASSIGN, "");
	expect(f, MEMBER_NOTHING);
	/* what is new comes on top */
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	join(f, 4, "0123");
	expect_told(f, MEMBER_ASSIGN, "23");
	expect_set(&f->core.owned, "0123");
}

static void who_is_taken_for_dead_loses_all_and_joins_anew(void **state)
{
	struct fixture *f = *state;

	start(f, false, "012");
	beat(f, WIRE_UNKNOWN_MEMBER_ID);
	expect_told(f, MEMBER_LOSE, "012");
	assert_string_equal(f->core.member_id, "");
	assert_int_equal(f->core.generation, -1);
	join(f, 7, "2");
	expect_told(f, MEMBER_ASSIGN, "2");
	/* with another generation only, it keeps its name */
	beat(f, WIRE_ILLEGAL_GENERATION);
	expect_told(f, MEMBER_LOSE, "2");
	assert_string_equal(f->core.member_id, "m1");
	expect(f, MEMBER_JOIN);
}

static void a_loss_ends_a_revocation(void **state)
{
	struct fixture *f = *state;

	start(f, true, "012");
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	expect_told(f, MEMBER_REVOKE, "012");
	beat(f, WIRE_UNKNOWN_MEMBER_ID);
	expect_told(f, MEMBER_LOSE, "012");
	expect(f, MEMBER_JOIN);
	/* what the reader says too late is about nothing */
	member_revoked(&f->core);
	assert_int_equal(f->core.owned.count, 0);
}

static void a_coordinator_that_moves_is_looked_for(void **state)
{
	struct fixture *f = *state;

	start(f, true, "01");
	beat(f, WIRE_NOT_COORDINATOR);
	expect(f, MEMBER_NOTHING);
	f->now = f->wake;
	find(f);
	/* the place is still ours */
	f->now += f->core.heartbeat_interval_ms;
	expect(f, MEMBER_BEAT);
	member_failed(&f->core, f->now);
	f->now += f->core.retry_max_ms;
	expect(f, MEMBER_FIND);
	member_found(&f->core, WIRE_COORDINATOR_NOT_AVAILABLE, NULL, f->now);
	expect(f, MEMBER_NOTHING);
	f->now = f->wake;
	find(f);
	expect(f, MEMBER_BEAT);
	answer_code(f, WIRE_NONE);
	expect_set(&f->core.owned, "01");
}

static void a_plan_that_came_too_late_is_made_again(void **state)
{
	struct fixture *f = *state;

	make(f, &member_classic, true);
	find(f);
	expect(f, MEMBER_JOIN);
	joined(f, 1, false, "range");
	expect(f, MEMBER_SYNC);
	answer_code(f, WIRE_REBALANCE_IN_PROGRESS);
	expect(f, MEMBER_JOIN);
}

static void what_a_broker_refuses_for_good_is_the_end(void **state)
{
	struct fixture *f = *state;

	start(f, true, "0");
	beat(f, WIRE_FENCED_INSTANCE_ID);
	expect_told(f, MEMBER_LOSE, "0");
	expect(f, MEMBER_END);
	assert_int_equal(f->core.error.code, WIRE_FENCED_INSTANCE_ID);
	expect(f, MEMBER_NOTHING);
}

static void leaving_is_revoke_commit_goodbye(void **state)
{
	struct fixture *f = *state;

	start(f, true, "01");
	member_leave(&f->core);
	expect_told(f, MEMBER_REVOKE, "01");
	expect(f, MEMBER_NOTHING);
	beat(f, WIRE_NONE);
	f->core.is_committing = true;
	member_revoked(&f->core);
	expect(f, MEMBER_NOTHING);
	f->core.is_committing = false;
	expect(f, MEMBER_LEAVE);
	answer_code(f, WIRE_NONE);
	expect(f, MEMBER_END);
	assert_int_equal(f->core.error.kind, CLIENT_OK);
}

static void who_leaves_while_joining_does_not_wait_for_it(void **state)
{
	struct fixture *f = *state;

	start(f, true, "");
	beat(f, WIRE_REBALANCE_IN_PROGRESS);
	expect(f, MEMBER_JOIN);
	member_leave(&f->core);
	expect(f, MEMBER_LEAVE);
	answer_code(f, WIRE_NONE);
	expect(f, MEMBER_END);
}

static void a_static_member_goes_without_a_goodbye(void **state)
{
	struct fixture *f = *state;

	make(f, &member_classic, true);
	f->core.instance_id = "i";
	find(f);
	join(f, 1, "0");
	expect_told(f, MEMBER_ASSIGN, "0");
	member_leave(&f->core);
	expect_told(f, MEMBER_REVOKE, "0");
	member_revoked(&f->core);
	expect(f, MEMBER_END);
}

static void out_of_time_it_ends_at_once(void **state)
{
	struct fixture *f = *state;

	start(f, true, "01");
	member_leave(&f->core);
	expect_told(f, MEMBER_REVOKE, "01");
	member_end(&f->core);
	expect_told(f, MEMBER_LOSE, "01");
	expect(f, MEMBER_END);
	assert_int_equal(f->core.error.kind, CLIENT_OK);
}

/*
 * Consumer
 */

static void heard(struct fixture *f, int32_t epoch, const char *digits)
{
	member_answered(&f->core,
			&(struct member_answer){
				.generation = epoch,
				.interval_ms = 500,
				.assignment = digits == NULL
						      ? NULL
						      : set_of(f, digits) },
			f->now);
}

/* A heartbeat goes, now: "all", "owned" or "alive". */
static void expect_beat(struct fixture *f, const char *what)
{
	bool all;
	bool partitions;

	expect(f, MEMBER_BEAT);
	member_beat_parts(&f->core, &all, &partitions);
	assert_string_equal(what, all ? "all" : partitions ? "owned" : "alive");
}

static void begin(struct fixture *f, const char *digits)
{
	make(f, &member_consumer, false);
	find(f);
	expect_beat(f, "all");
	heard(f, 1, digits);
	expect_told(f, MEMBER_ASSIGN, digits);
	if (digits[0] == '\0')
		return;
	/* what it took it says at once */
	expect_beat(f, "owned");
	heard(f, 1, NULL);
}

static void a_consumer_joins_and_says_what_it_took(void **state)
{
	struct fixture *f = *state;

	begin(f, "012");
	expect(f, MEMBER_NOTHING);
	assert_int_equal(f->wake, f->now + 500);
	f->now = f->wake;
	expect_beat(f, "alive");
	heard(f, 1, NULL);
	expect(f, MEMBER_NOTHING);
}

static void an_empty_assignment_is_told_once(void **state)
{
	struct fixture *f = *state;

	begin(f, "");
	expect(f, MEMBER_NOTHING);
	f->now += 500;
	expect_beat(f, "alive");
	heard(f, 2, "");
	expect(f, MEMBER_NOTHING);
	assert_int_equal(f->core.generation, 2);
}

static void a_consumer_gives_up_first_and_takes_then(void **state)
{
	struct fixture *f = *state;

	begin(f, "012");
	f->now += 500;
	expect_beat(f, "alive");
	heard(f, 2, "034");
	expect_told(f, MEMBER_REVOKE, "12");
	/* heartbeats go on, and say nothing new */
	f->now += 500;
	expect_beat(f, "alive");
	heard(f, 2, NULL);
	expect(f, MEMBER_NOTHING);
	member_revoked(&f->core);
	expect_told(f, MEMBER_ASSIGN, "34");
	expect_set(&f->core.owned, "034");
	expect_beat(f, "owned");
	expect_set(&f->core.said, "034");
}

static void a_target_that_changes_meanwhile_is_followed(void **state)
{
	struct fixture *f = *state;

	begin(f, "01");
	f->now += 500;
	expect_beat(f, "alive");
	heard(f, 2, "1");
	expect_told(f, MEMBER_REVOKE, "0");
	f->now += 500;
	expect_beat(f, "alive");
	heard(f, 3, "01");
	/* what is being given up is given up, and comes back as new */
	member_revoked(&f->core);
	expect_told(f, MEMBER_ASSIGN, "0");
	expect_set(&f->core.owned, "01");
}

static void a_fenced_consumer_joins_from_the_start(void **state)
{
	struct fixture *f = *state;

	begin(f, "01");
	f->now += 500;
	expect_beat(f, "alive");
	answer_code(f, WIRE_FENCED_MEMBER_EPOCH);
	expect_told(f, MEMBER_LOSE, "01");
	expect(f, MEMBER_NOTHING);
	f->now = f->wake;
	assert_int_equal(f->core.phase, MEMBER_OUT);
	expect_beat(f, "all");
	assert_int_equal(f->core.said.count, 0);
}

static void after_a_lost_heartbeat_everything_is_said_again(void **state)
{
	struct fixture *f = *state;

	begin(f, "01");
	f->now += 500;
	expect_beat(f, "alive");
	member_failed(&f->core, f->now);
	f->now += f->core.retry_max_ms;
	find(f);
	expect_beat(f, "all");
	expect_set(&f->core.said, "01");
}

static void where_brokers_know_no_better_it_is_classic(void **state)
{
	struct fixture *f = *state;

	make(f, &member_undecided, true);
	find(f);
	expect(f, MEMBER_CHOOSE);
	f->core.may_fall_back = true;
	member_chosen(&f->core, &member_consumer);
	expect_beat(f, "all");
	answer_code(f, WIRE_UNSUPPORTED_VERSION);
	expect(f, MEMBER_JOIN);
	assert_string_equal(f->core.protocol->name, "classic");
}

static void a_consumer_says_goodbye_even_if_static(void **state)
{
	struct fixture *f = *state;

	begin(f, "0");
	f->core.instance_id = "i";
	member_leave(&f->core);
	expect_told(f, MEMBER_REVOKE, "0");
	member_revoked(&f->core);
	expect(f, MEMBER_LEAVE);
	answer_code(f, WIRE_NONE);
	expect(f, MEMBER_END);
}

static void a_commit_that_is_fenced_is_heard(void **state)
{
	struct fixture *f = *state;

	start(f, false, "01");
	member_refused(&f->core, WIRE_REBALANCE_IN_PROGRESS, f->now);
	expect(f, MEMBER_JOIN);
	joined(f, 2, false, "cooperative-sticky");
	expect(f, MEMBER_SYNC);
	synced(f, "01");
	expect_told(f, MEMBER_ASSIGN, "");
	member_refused(&f->core, WIRE_UNKNOWN_MEMBER_ID, f->now);
	expect_told(f, MEMBER_LOSE, "01");
	/* what is not about the membership is not heard */
	member_refused(&f->core, WIRE_OFFSET_METADATA_TOO_LARGE, f->now);
	expect(f, MEMBER_JOIN);
}

/*
 * Whatever comes: the reader's idea of what it has is the core's.
 */

enum { STEPS = 400, SEEDS = 300 };

struct world {
	struct fixture *f;
	struct random *random;
	struct partition_set has; /* the reader's */
	struct partition_set giving;
	bool is_giving;
};

static void some(struct world *w, struct partition_set *out)
{
	partition_set_reset(out);
	for (int32_t p = 0; p < 6; p++) {
		if (random_below(w->random, 2) == 0)
			partition_set_add(out, slice_of("t"), p, UUID_ZERO);
	}
	partition_set_sort(out);
}

static int16_t some_code(struct world *w)
{
	static const int16_t codes[] = {
		WIRE_NOT_COORDINATOR,       WIRE_COORDINATOR_LOAD_IN_PROGRESS,
		WIRE_UNKNOWN_MEMBER_ID,     WIRE_ILLEGAL_GENERATION,
		WIRE_REBALANCE_IN_PROGRESS,
	};
	static const int16_t consumer_codes[] = {
		WIRE_NOT_COORDINATOR,
		WIRE_COORDINATOR_LOAD_IN_PROGRESS,
		WIRE_UNKNOWN_MEMBER_ID,
		WIRE_FENCED_MEMBER_EPOCH,
	};

	if (w->f->core.protocol == &member_consumer)
		return consumer_codes[random_below(w->random, 4)];
	return codes[random_below(w->random, 5)];
}

static void be_told(struct world *w, enum member_action action)
{
	const struct partition_set *told = &w->f->core.told;
	struct partition_set all = { 0 };
	struct partition_set rest = { 0 };

	switch (action) {
	case MEMBER_ASSIGN:
		/* never what it has already */
		partition_set_minus(told, &w->has, &rest);
		assert_int_equal(rest.count, told->count);
		partition_set_union(&w->has, told, &all);
		partition_set_move(&all, &w->has);
		break;
	case MEMBER_REVOKE:
		assert_false(w->is_giving);
		assert_true(told->count > 0);
		partition_set_minus(told, &w->has, &rest);
		assert_int_equal(rest.count, 0);
		partition_set_copy(told, &w->giving);
		w->is_giving = true;
		break;
	default:
		partition_set_minus(&w->has, told, &rest);
		assert_int_equal(rest.count, 0);
		partition_set_reset(&w->has);
		partition_set_reset(&w->giving);
		w->is_giving = false;
		break;
	}
	partition_set_clear(&rest);
}

/* One answer to what is in flight, good or bad. */
static void answer_something(struct world *w)
{
	struct member_core *core = &w->f->core;
	struct partition_set assignment = { 0 };
	struct member_answer answer = { .member_id = "m",
					.generation = core->generation + 1,
					.assignor = slice_of("range") };
	uint64_t dice = random_below(w->random, 10);

	if (!core->is_eager)
		answer.assignor = slice_of("cooperative-sticky");
	answer.is_leader = random_below(w->random, 2) == 0;
	some(w, &assignment);
	if (core->in_flight == MEMBER_SYNC ||
	    (core->protocol == &member_consumer && dice < 4))
		answer.assignment = &assignment;
	if (core->in_flight == MEMBER_FIND)
		member_found(core, dice < 8 ? WIRE_NONE : WIRE_NOT_COORDINATOR,
			     NULL, w->f->now);
	else if (core->in_flight == MEMBER_PLAN)
		member_planned(core);
	else if (dice == 9)
		member_failed(core, w->f->now);
	else if (dice == 8)
		member_answered(core,
				&(struct member_answer){ .code = some_code(w) },
				w->f->now);
	else
		member_answered(core, &answer, w->f->now);
	partition_set_clear(&assignment);
}

static void step(struct world *w)
{
	struct member_core *core = &w->f->core;

	switch (random_below(w->random, 5)) {
	case 0:
		w->f->now += (int64_t)random_below(w->random, 4000);
		break;
	case 1:
		if (w->is_giving) {
			partition_set_remove(&w->has, &w->giving);
			w->is_giving = false;
			member_revoked(core);
		}
		break;
	case 2:
		if (random_below(w->random, 20) == 0)
			member_rejoin(core);
		core->is_committing = random_below(w->random, 4) == 0;
		break;
	default:
		if (core->in_flight != MEMBER_NOTHING)
			answer_something(w);
		break;
	}
}

static bool act(struct world *w)
{
	for (int turns = 0;; turns++) {
		enum member_action action = next(w->f);

		assert_true(turns < 20);
		if (action == MEMBER_REVOKE || action == MEMBER_LOSE ||
		    action == MEMBER_ASSIGN)
			be_told(w, action);
		if (action == MEMBER_BEAT &&
		    w->f->core.protocol == &member_consumer) {
			bool all;
			bool partitions;

			member_beat_parts(&w->f->core, &all, &partitions);
		}
		if (action == MEMBER_JOIN && w->f->core.is_eager)
			assert_int_equal(w->has.count, 0);
		if (action == MEMBER_NOTHING)
			return true;
		if (action == MEMBER_END)
			return false;
	}
}

static void live(uint64_t seed, const struct member_protocol *protocol,
		 bool is_eager)
{
	struct fixture f = { .now = 1000 };
	struct seeded_random seeded;
	struct world w = { .f = &f, .random = &seeded.random };

	seeded_random_init(&seeded, seed);
	make(&f, protocol, is_eager);
	for (int i = 0; i < STEPS; i++) {
		assert_true(act(&w));
		assert_true(partition_set_equal(&w.has, &f.core.owned));
		assert_int_equal(w.is_giving, f.core.is_revoking);
		step(&w);
	}
	/* and it can always be left */
	member_leave(&f.core);
	f.core.is_committing = false;
	while (act(&w)) {
		if (w.is_giving) {
			partition_set_remove(&w.has, &w.giving);
			w.is_giving = false;
			member_revoked(&f.core);
		} else if (f.core.in_flight != MEMBER_NOTHING) {
			answer_something(&w);
		}
		f.now += 1000;
	}
	assert_int_equal(w.has.count, 0);
	assert_int_equal(f.core.error.kind, CLIENT_OK);
	partition_set_clear(&w.has);
	partition_set_clear(&w.giving);
	partition_set_clear(&f.given);
	member_core_clear(&f.core);
}

static void reader_and_core_agree_whatever_comes(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		live(seed, &member_classic, true);
		live(seed, &member_classic, false);
		live(seed, &member_consumer, false);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_member_joins_syncs_and_beats),
		TEST(it_waits_until_the_subscription_is_known),
		TEST(an_eager_member_gives_all_up_before_it_joins_again),
		TEST(a_cooperative_member_keeps_what_it_can),
		TEST(who_is_taken_for_dead_loses_all_and_joins_anew),
		TEST(a_loss_ends_a_revocation),
		TEST(a_coordinator_that_moves_is_looked_for),
		TEST(a_plan_that_came_too_late_is_made_again),
		TEST(what_a_broker_refuses_for_good_is_the_end),
		TEST(leaving_is_revoke_commit_goodbye),
		TEST(who_leaves_while_joining_does_not_wait_for_it),
		TEST(a_static_member_goes_without_a_goodbye),
		TEST(out_of_time_it_ends_at_once),
		TEST(a_consumer_joins_and_says_what_it_took),
		TEST(an_empty_assignment_is_told_once),
		TEST(a_consumer_gives_up_first_and_takes_then),
		TEST(a_target_that_changes_meanwhile_is_followed),
		TEST(a_fenced_consumer_joins_from_the_start),
		TEST(after_a_lost_heartbeat_everything_is_said_again),
		TEST(where_brokers_know_no_better_it_is_classic),
		TEST(a_consumer_says_goodbye_even_if_static),
		TEST(a_commit_that_is_fenced_is_heard),
		TEST(reader_and_core_agree_whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
