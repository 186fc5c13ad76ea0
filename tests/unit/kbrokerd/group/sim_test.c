/*
 * sim_test.c - whatever happens to groups, what was promised holds
 *
 *  - in one generation a partition has one owner;
 *  - generations that members were told only rise;
 *  - a commit that was answered is there, whatever crashes;
 *  - memory is what the log says: reading the log anew gives the same;
 *  - once nothing goes wrong any more each group settles: everybody is in, each
 *    partition has an owner, and nothing moves.
 *
 * SIM_SEEDS=100000 runs so many seeds; SIM_SEED=n that one alone, with
 * SIM_TRACE=1 telling what happens.
 */
#include "kbrokerd/group/migrate.h"
#include "kbrokerd/group/sim_classic.h"
#include "kbrokerd/group/sim_modern.h"

#include <signal.h>
#include <unistd.h>

enum {
	STEPS = 250,
	CALM_SECONDS = 300, /* longer than any timeout */
	SETTLED_SECONDS = 15,
	SEEDS = 2000,
	SEEDS_SANITIZED = 300,
};

/* The one that runs, for who must replay it. */
static uint64_t running;

/* Also from a signal's handler. */
static void print_seed(void)
{
	char text[64] = "SIM_SEED=";
	char digits[32];
	size_t len = strlen(text);
	size_t count = 0;

	for (uint64_t rest = running; rest > 0; rest /= 10)
		digits[count++] = (char)('0' + rest % 10);
	while (count > 0)
		text[len++] = digits[--count];
	text[len++] = '\n';
	if (running != 0 && write(STDERR_FILENO, text, len) != (ssize_t)len)
		_exit(1);
}

static void on_abort(int sig)
{
	(void)sig;
	print_seed();
}

/* Setting up */

static void init_client(struct sim *sim, int index)
{
	struct sim_client *c = &sim->clients[index];

	c->sim = sim;
	c->index = index;
	c->group = sim_below(sim, SIM_GROUPS);
	if (sim_one_in(sim, 3))
		snprintf(c->instance_id, sizeof(c->instance_id), "i%d",
			 sim_one_in(sim, 6) ? 0 : index);
	c->subscribed = 1 + (unsigned)sim_below(sim, (1 << SIM_TOPICS) - 1);
	/* Two may have this name: they are copies of one program. */
	if (strcmp(c->instance_id, "i0") == 0)
		c->subscribed = (1 << SIM_TOPICS) - 1;
	c->is_modern = c->group == SIM_MODERN ||
		       (c->group == SIM_MIXED && sim_one_in(sim, 2));
	if (c->is_modern)
		sim_make_id(c);
	c->by_pattern = sim_one_in(sim, 3);
	sim_choose_timeouts(c);
	sim_forget_membership(c);
}

static void sim_init(struct sim *sim, uint64_t seed)
{
	*sim = (struct sim){ .seed = seed,
			     .is_traced = getenv("SIM_TRACE") != NULL };
	seeded_random_init(&sim->random, seed);
	sim->kit = group_kit_new_seeded(seed);
	sim->kit->settings.initial_rebalance_delay_ms =
		sim_one_in(sim, 2) ? 0 : 3000;
	if (sim_one_in(sim, 5))
		sim->kit->settings.max_size = 3;
	if (sim_one_in(sim, 2))
		sim->kit->topics->consumer.session_timeout_ms = 10000;
	sim->kit->shard.log = (struct group_log){ sim, sim_append };
	for (int t = 0; t < SIM_TOPICS; t++)
		kit_add_topic(sim->kit, sim_topic_names[t],
			      1 + sim_below(sim, 4));
	for (int i = 0; i < SIM_CLIENTS; i++)
		init_client(sim, i);
}

static void sim_clear(struct sim *sim)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		sim_lose_ask(&sim->clients[i]);
		sim_lose_commits(&sim->clients[i]);
	}
	group_kit_free(sim->kit);
	free(sim->claims);
}

/* Answers */

static void deliver_commits(struct sim_client *c)
{
	for (int i = 0; i < SIM_COMMITS; i++) {
		struct sim_commit *commit = &c->commits[i];
		const struct offset_commit_response *r;
		int64_t *newest;

		if (commit->ask == NULL || !sim_is_due(c->sim, commit->ask))
			continue;
		r = kit_answer(commit->ask);
		newest = &c->sim->committed[c->group][commit->topic]
					   [commit->partition];
		if (r->topics[0].partitions[0].error_code == WIRE_NONE &&
		    commit->offset > *newest)
			*newest = commit->offset;
		kit_ask_free(commit->ask);
		commit->ask = NULL;
	}
}

static void deliver(struct sim *sim)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		struct sim_client *c = &sim->clients[i];
		struct sim_ask *ask = c->ask;

		deliver_commits(c);
		if (ask == NULL || !sim_is_due(sim, &ask->kit))
			continue;
		c->ask = NULL;
		if (!sim_mishap(sim, 15))
			ask->on_answer(ask, kit_answer(&ask->kit));
		kit_ask_free(&ask->kit);
	}
}

/* What happens */

static void commit_offset(struct sim_client *c)
{
	struct sim *sim = c->sim;
	struct offset_commit_request_topics_partitions partition;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;
	struct sim_commit *to = &c->commits[sim_below(sim, SIM_COMMITS)];

	kit_ask_free(to->ask);
	to->topic = sim_below(sim, SIM_TOPICS);
	to->partition = sim_below(sim, sim_partitions(sim, to->topic));
	to->offset = ++sim->next_offset;
	to->ask = kit_ask_new(9);
	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &partition);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.generation_id_or_member_epoch = c->generation;
	request.member_id = slice_of(c->generation < 0 ? "" : c->member_id);
	if (c->instance_id[0] != '\0' && c->generation >= 0)
		request.group_instance_id = slice_of(c->instance_id);
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of(sim_topic_names[to->topic]);
	topic.partitions = &partition;
	topic.partitions_count = 1;
	partition.partition_index = to->partition;
	partition.committed_offset = to->offset;
	group_offset_commit(&sim->kit->shard, &to->ask->ask, &request);
}

static void act(struct sim_client *c)
{
	if (c->is_modern)
		sim_modern_act(c);
	else
		sim_classic_act(c);
}

static void leave(struct sim_client *c)
{
	if (c->is_modern)
		sim_modern_leave(c);
	else
		sim_leave(c);
}

static void vanish(struct sim_client *c)
{
	sim_trace(c, "vanishes");
	sim_lose_ask(c);
	sim_lose_commits(c);
	sim_forget_membership(c);
	c->member_id[0] = '\0';
	/* It may be another program when it is started again. */
	if (c->group == SIM_MIXED && sim_one_in(c->sim, 3))
		c->is_modern = !c->is_modern;
	if (c->is_modern)
		sim_make_id(c);
	sim_choose_timeouts(c);
}

/* A static one keeps to its topics: when it comes back to a classic group with
 * other ones nobody is told, in Kafka too. */
static void change_subscription(struct sim_client *c)
{
	if (c->state == SIM_DEAD ||
	    (c->instance_id[0] != '\0' && c->group != SIM_MODERN))
		return;
	c->subscribed = 1 + (unsigned)sim_below(c->sim, (1 << SIM_TOPICS) - 1);
	if (c->state != SIM_OUT && !c->is_modern)
		sim_ask_join(c);
}

static void is_same(const struct group *live, const struct group *log)
{
	classic_kit_same(live, log);
	consumer_assert_same(live, log);
}

static void stop_clean(struct sim *sim)
{
	kit_assert_replayed(sim->kit, is_same);
	group_shard_clear(&sim->kit->shard);
	sim->synced = sim->kit->record_count;
	deliver(sim);
	sim_load(sim);
	sim_trace(&sim->clients[0], "--- restart");
}

static void crash(struct sim *sim)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		sim_lose_ask(&sim->clients[i]);
		sim_lose_commits(&sim->clients[i]);
	}
	group_shard_clear(&sim->kit->shard);
	sim_tear_log(sim);
	sim_trace(&sim->clients[0], "--- crash");
	sim_load(sim);
}

static void step(struct sim *sim)
{
	struct sim_client *c = &sim->clients[sim_below(sim, SIM_CLIENTS)];
	int what = sim_below(sim, 100);

	if (what < 55)
		act(c);
	else if (what < 65)
		kit_advance_ms(sim->kit, sim_below(sim, 3000));
	else if (what < 67)
		kit_advance_ms(sim->kit, sim_below(sim, 60000));
	else if (what < 82)
		sim->synced = sim->kit->record_count;
	else if (what < 90)
		commit_offset(c);
	else if (what < 92)
		leave(c);
	else if (what < 95)
		vanish(c);
	else if (what < 97)
		sim_grow_topic(sim, sim_below(sim, SIM_TOPICS));
	else if (what < 98)
		change_subscription(c);
	else if (what < 99)
		stop_clean(sim);
	else
		crash(sim);
	deliver(sim);
}

/* What must hold */

static void check_offsets(const struct sim *sim)
{
	for (int g = 0; g < SIM_GROUPS; g++) {
		const struct group *group = group_find(
			&sim->kit->shard, slice_of(sim_group_ids[g]));

		for (int t = 0; t < SIM_TOPICS; t++) {
			for (int p = 0; p < SIM_PARTITIONS_MAX; p++) {
				const struct group_offset *o;

				if (sim->committed[g][t][p] == 0)
					continue;
				assert_non_null(group);
				o = group_offset_find(
					group, slice_of(sim_topic_names[t]), p);
				assert_non_null(o);
				assert_true(o->offset >=
					    sim->committed[g][t][p]);
				assert_true(o->offset <= sim->next_offset);
			}
		}
	}
}

/* Who was empty and is of the other type now is another group. */
static void note_life(struct sim *sim, int g, const struct group *group)
{
	bool is_consumer = group != NULL && group->consumer != NULL;

	if (sim->was_empty[g] && sim->was_consumer[g] != is_consumer) {
		sim->lives[g]++;
		sim->generations[g] = 0;
	}
	sim->was_empty[g] = group == NULL || !group_has_members(group);
	sim->was_consumer[g] = is_consumer;
}

static void note_lives(struct sim *sim)
{
	for (int g = 0; g < SIM_GROUPS; g++)
		note_life(sim, g,
			  group_find(&sim->kit->shard,
				     slice_of(sim_group_ids[g])));
}

static void check_epochs(struct sim *sim)
{
	note_lives(sim);
	for (int g = 0; g < SIM_GROUPS; g++) {
		const struct group *group = group_find(
			&sim->kit->shard, slice_of(sim_group_ids[g]));

		if (group != NULL && group->consumer != NULL) {
			sim_check_members(group->consumer);
			assert_true(group->consumer->epoch >=
				    sim->generations[g]);
		} else if (group != NULL && group->classic != NULL) {
			assert_true(group->classic->generation >=
				    sim->generations[g]);
		}
	}
	for (int i = 0; i < SIM_CLIENTS; i++) {
		if (sim->clients[i].is_modern)
			sim_check_owned(&sim->clients[i]);
	}
}

static int32_t generation_of(const struct group *group)
{
	return group->consumer != NULL ? group->consumer->epoch
				       : group->classic->generation;
}

static int32_t size_of(const struct group *group)
{
	return group->consumer != NULL ? group->consumer->member_count
				       : classic_group_size(group->classic);
}

static bool is_settled(const struct sim *sim, int g)
{
	const struct group *group =
		group_find(&sim->kit->shard, slice_of(sim_group_ids[g]));
	int count = 0;

	if (group != NULL && group->consumer != NULL &&
	    migrate_is_due(group->consumer))
		return false;
	for (int i = 0; i < SIM_CLIENTS; i++) {
		const struct sim_client *c = &sim->clients[i];

		if (c->group != g || c->state == SIM_DEAD)
			continue;
		if (c->state != SIM_IN || group == NULL ||
		    c->generation != generation_of(group))
			return false;
		count++;
	}
	if (count == 0)
		return group == NULL || !group_has_members(group);
	return group != NULL && strcmp(group_state(group), "Stable") == 0 &&
	       size_of(group) == count;
}

/*
 * Does anybody look after the topics?  When a static classic member takes the
 * place of the last that spoke KIP-848, the group is classic again and goes on
 * without a rebalance, as in Kafka: nobody was told that he leads.
 */
static bool is_watched(const struct sim *sim, int g)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		const struct sim_client *c = &sim->clients[i];

		if (c->group == g && c->state != SIM_DEAD &&
		    (c->watches || c->is_modern))
			return true;
	}
	return g != SIM_MIXED;
}

/* The subscribers of a topic own each partition of it once. */
static void check_owners(const struct sim *sim, int g)
{
	for (int t = 0; t < SIM_TOPICS; t++) {
		uint32_t all = (1U << sim_partitions(sim, t)) - 1;
		uint32_t owned = 0;
		bool is_read = false;

		for (int i = 0; i < SIM_CLIENTS; i++) {
			const struct sim_client *c = &sim->clients[i];

			if (c->group != g || c->state != SIM_IN)
				continue;
			assert_int_equal(owned & c->owned[t], 0);
			owned |= c->owned[t];
			is_read |= (c->subscribed >> t & 1) != 0;
		}
		if (is_watched(sim, g))
			assert_int_equal(owned, is_read ? all : 0);
	}
}

/* A second in which everybody does what is due. */
static void live_on(struct sim *sim)
{
	kit_advance_ms(sim->kit, 1000);
	note_lives(sim);
	for (int i = 0; i < SIM_CLIENTS; i++) {
		act(&sim->clients[i]);
		note_lives(sim);
	}
	check_epochs(sim);
	sim->synced = sim->kit->record_count;
	deliver(sim);
}

static bool are_settled(const struct sim *sim)
{
	for (int g = 0; g < SIM_GROUPS; g++) {
		if (!is_settled(sim, g))
			return false;
	}
	return true;
}

static void check_convergence(struct sim *sim)
{
	int32_t generations[SIM_GROUPS];
	int settled = 0;

	sim->is_calm = true;
	sim->kit->settings.max_size = INT32_MAX;
	for (int i = 0; i < CALM_SECONDS && settled < SETTLED_SECONDS; i++) {
		live_on(sim);
		settled = are_settled(sim) ? settled + 1 : 0;
	}
	for (int g = 0; g < SIM_GROUPS; g++) {
		assert_true(is_settled(sim, g));
		check_owners(sim, g);
		generations[g] = sim->generations[g];
	}
	for (int i = 0; i < SETTLED_SECONDS; i++)
		live_on(sim);
	for (int g = 0; g < SIM_GROUPS; g++) {
		assert_true(is_settled(sim, g));
		assert_int_equal(generations[g], sim->generations[g]);
	}
	kit_assert_replayed(sim->kit, is_same);
}

static void check_end(struct sim *sim)
{
	for (int i = 0; i < SIM_CLIENTS; i++)
		leave(&sim->clients[i]);
	/* Ids that were given out are waited for that long. */
	kit_advance_ms(sim->kit, 60000);
	for (int g = 0; g < SIM_GROUPS; g++) {
		const struct group *group = group_find(
			&sim->kit->shard, slice_of(sim_group_ids[g]));

		assert_true(group == NULL || !group_has_members(group));
	}
	kit_assert_replayed(sim->kit, is_same);
	check_offsets(sim);
}

static void run_seed(uint64_t seed)
{
	static struct sim sim; /* too large for a stack */

	running = seed;
	sim_init(&sim, seed);
	for (int i = 0; i < STEPS; i++) {
		step(&sim);
		check_offsets(&sim);
		check_epochs(&sim);
		if (i % 50 == 0)
			kit_assert_replayed(sim.kit, is_same);
	}
	check_convergence(&sim);
	check_end(&sim);
	sim_clear(&sim);
	running = 0;
}

static void groups_keep_their_promises_whatever_happens(void **state)
{
	const char *one = getenv("SIM_SEED");
	const char *many = getenv("SIM_SEEDS");
	unsigned long seeds =
		getenv("KSPOOL_SANITIZED") != NULL ? SEEDS_SANITIZED : SEEDS;

	(void)state;
	if (one != NULL) {
		run_seed(strtoull(one, NULL, 10));
		return;
	}
	if (many != NULL)
		seeds = strtoul(many, NULL, 10);
	for (uint64_t seed = 1; seed <= seeds; seed++)
		run_seed(seed);
}

static int tell_seed(void **state)
{
	(void)state;
	print_seed();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(
			groups_keep_their_promises_whatever_happens, tell_seed),
	};

	signal(SIGABRT, on_abort);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
