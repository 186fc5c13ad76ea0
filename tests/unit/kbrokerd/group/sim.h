/*
 * sim.h - groups that live through everything, from a seed
 *
 * A shard of the coordinator, a log that loses what was not yet synced when it
 * crashes, and clients that do what clients do: join, assign, heartbeat,
 * commit, leave, vanish and come back.  Requests and answers get lost.  One
 * number decides all of it, so that whatever goes wrong can be seen again.
 *
 * An answer reaches its client when the log is durable as far as it says.
 */
#ifndef TESTS_KBROKERD_GROUP_SIM_H
#define TESTS_KBROKERD_GROUP_SIM_H

#include "kbrokerd/group/classic_kit.h"

enum {
	SIM_CLIENTS = 8,
	SIM_GROUPS = 3, /* of classic clients, of KIP-848's, of both */
	SIM_CLASSIC = 0,
	SIM_MODERN = 1,
	SIM_MIXED = 2,
	SIM_TOPICS = 3,
	SIM_PARTITIONS_MAX = 12,
	SIM_COMMITS = 8, /* of a client, under way */
	SIM_BATCHES = 4096,
};

struct sim;
struct sim_client;

/* A request under way. */
struct sim_ask {
	struct kit_ask kit; /* the first member */
	struct sim_client *client;
	/* When it was answered: the newest generation that was told, and the
	 * group's life. */
	int32_t told;
	int life;
	/* The answer is there, and true. */
	void (*on_answer)(struct sim_ask *ask, const void *answer);
};

/* A commit under way. */
struct sim_commit {
	struct kit_ask *ask; /* NULL: free */
	int topic, partition;
	int64_t offset;
};

enum sim_state {
	SIM_OUT,
	SIM_JOINING, /* asked */
	SIM_JOINED,  /* of a generation, without an assignment yet */
	SIM_SYNCING, /* asked */
	SIM_IN,
	SIM_DEAD, /* does nothing any more */
};

struct sim_client {
	struct sim *sim;
	int index, group;
	bool is_modern; /* speaks KIP-848 */
	int incarnation;
	char instance_id[8]; /* "": dynamic */
	unsigned subscribed; /* bit i: to topic i */
	bool by_pattern;     /* says so by a pattern, when it is modern */
	int32_t session_ms, rebalance_ms;
	enum sim_state state;
	char member_id[128];
	int32_t generation; /* or its epoch */
	int told_in;        /* after so many restarts */
	char protocol[16];
	bool leads;   /* and is to assign */
	bool watches; /* leads: joins again when topics change */
	struct {      /* whom to assign to, when it leads */
		char member_id[128];
		unsigned subscribed;
	} members[2 * SIM_CLIENTS];
	int member_count;
	uint64_t topics_version;    /* of what was assigned by */
	uint32_t owned[SIM_TOPICS]; /* bit i: partition i */
	struct sim_ask *ask;        /* JoinGroup or SyncGroup */
	struct sim_commit commits[SIM_COMMITS];
};

/* Who was told that a partition is his, in which generation. */
struct sim_claim {
	int group, life, topic, partition;
	int32_t generation;
	char who[128]; /* the instance, or the member */
};

struct sim {
	uint64_t seed;
	struct group_kit *kit;
	struct seeded_random random;
	struct sim_client clients[SIM_CLIENTS];
	bool is_traced; /* SIM_TRACE is set: tell what happens */
	bool is_calm;   /* nothing goes wrong any more */
	int restarts;
	size_t synced;         /* records that a crash does not take */
	int64_t full_until_ms; /* the disk: nothing can be appended */
	size_t batch_ends[SIM_BATCHES];
	size_t batch_count;
	struct sim_claim *claims;
	size_t claim_count, claim_room;
	int32_t generations[SIM_GROUPS]; /* the newest that was told */
	/* A group that was empty may begin anew, with the other protocol. */
	int lives[SIM_GROUPS];
	bool was_empty[SIM_GROUPS], was_consumer[SIM_GROUPS];
	int64_t next_offset;
	/* The newest that was answered, 0: none. */
	int64_t committed[SIM_GROUPS][SIM_TOPICS][SIM_PARTITIONS_MAX];
};

static const char *const sim_group_ids[SIM_GROUPS] = { "g0", "g1", "g2" };
static const char *const sim_topic_names[SIM_TOPICS] = { "t0", "t1", "t2" };

/* Chance */

static inline int sim_below(struct sim *sim, int bound)
{
	return (int)random_below(&sim->random.random, (uint64_t)bound);
}

static inline bool sim_one_in(struct sim *sim, int bound)
{
	return sim_below(sim, bound) == 0;
}

/* A thing that goes wrong about once in bound times, until it is calm. */
static inline bool sim_mishap(struct sim *sim, int bound)
{
	return !sim->is_calm && sim_one_in(sim, bound);
}

/* What happens, for who looks for the reason. */
__attribute__((format(printf, 2, 3))) static inline void sim_trace(
	const struct sim_client *c, const char *format, ...)
{
	const struct sim *sim = c->sim;
	const struct group *group;
	va_list args;

	if (!sim->is_traced)
		return;
	group = group_find(&sim->kit->shard, slice_of(sim_group_ids[c->group]));
	fprintf(stderr, "%8lld %s %-8s %-20s %c%d %s %s: ",
		(long long)sim->kit->shard.now_ms, sim_group_ids[c->group],
		group == NULL ? "none" : group_type(group),
		group == NULL ? "" : group_state(group),
		c->is_modern ? 'M' : 'C', c->index, c->instance_id,
		c->member_id);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* How long it says that it has for a rebalance, and until it is missed.  Who
 * has no time comes to nothing: in the end all have some. */
static inline void sim_choose_timeouts(struct sim_client *c)
{
	static const int32_t rebalance_ms[] = { 0, 1, 5000, 30000, 30000 };
	static const int32_t session_ms[] = { 6000, 10000, 20000, 45000 };

	c->rebalance_ms = rebalance_ms[sim_below(c->sim, 5)];
	c->session_ms = session_ms[sim_below(c->sim, 4)];
}

static inline int32_t sim_rebalance_ms(const struct sim_client *c)
{
	return c->sim->is_calm ? 30000 : c->rebalance_ms;
}

/* Topics */

static inline int32_t sim_partitions(const struct sim *sim, int topic)
{
	struct group_topic t;

	if (!kit_by_name(&sim->kit->topics->topics,
			 slice_of(sim_topic_names[topic]), &t))
		return 0;
	return t.partition_count;
}

static inline void sim_grow_topic(struct sim *sim, int topic)
{
	int32_t count = sim_partitions(sim, topic);

	if (count < SIM_PARTITIONS_MAX)
		kit_add_topic(sim->kit, sim_topic_names[topic], count + 1);
}

static inline int sim_topic_of(struct slice name)
{
	for (int i = 0; i < SIM_TOPICS; i++) {
		if (slice_is(name, sim_topic_names[i]))
			return i;
	}
	fail_msg("no such topic: %.*s", (int)name.len, name.data);
	return 0;
}

/* The log */

static inline int sim_append(void *arg, const struct group_changes *changes,
			     int64_t wall_ms, int64_t *end_offset_out)
{
	struct sim *sim = arg;
	int64_t now_ms = sim->kit->shard.now_ms;
	int rc;

	if (!sim->is_calm && now_ms < sim->full_until_ms)
		return -ENOSPC;
	if (sim_mishap(sim, 400))
		sim->full_until_ms = now_ms + sim_below(sim, 120000);
	if (sim_mishap(sim, 25))
		return sim_one_in(sim, 2) ? -ENOSPC : -EIO;
	rc = kit_append(sim->kit, changes, wall_ms, end_offset_out);
	if (rc == 0) {
		assert_true(sim->batch_count < SIM_BATCHES);
		sim->batch_ends[sim->batch_count++] = sim->kit->record_count;
	}
	return rc;
}

/* Lose batches that were not synced: some of the last, or none. */
static inline void sim_tear_log(struct sim *sim)
{
	struct group_kit *kit = sim->kit;
	size_t keep = sim->batch_count;

	while (keep > 0 && sim->batch_ends[keep - 1] > sim->synced &&
	       sim_one_in(sim, 2))
		keep--;
	while (kit->record_count >
	       (keep == 0 ? 0 : sim->batch_ends[keep - 1])) {
		struct kit_record *r = &kit->records[--kit->record_count];

		free((void *)r->key.data);
		free((void *)r->value.data);
	}
	sim->batch_count = keep;
}

static inline void sim_load(struct sim *sim)
{
	struct group_kit *kit = sim->kit;

	kit_load(kit, &kit->shard);
	kit->shard.log = (struct group_log){ sim, sim_append };
	sim->synced = kit->record_count;
	sim->restarts++;
}

/* Membership */

static inline void sim_forget_membership(struct sim_client *c)
{
	memset(c->owned, 0, sizeof(c->owned));
	c->generation = -1;
	c->leads = c->watches = false;
	c->state = SIM_OUT;
}

/* Asking */

static inline void sim_on_answer(struct group_ask *ask)
{
	struct sim_ask *a = (struct sim_ask *)ask;

	a->told = a->client->sim->generations[a->client->group];
	a->life = a->client->sim->lives[a->client->group];
	kit_on_answer(ask);
}

static inline struct sim_ask *sim_ask_new(struct sim_client *client,
					  int16_t version,
					  void (*on_answer)(struct sim_ask *ask,
							    const void *answer))
{
	struct sim_ask *ask = calloc(1, sizeof(*ask));

	assert_non_null(ask);
	ask->kit.ask = (struct group_ask){
		.arena = &ask->kit.arena,
		.client_id = slice_of("sim"),
		.client_host = slice_of("/127.0.0.1"),
		.version = version,
		.on_answer = sim_on_answer,
	};
	ask->client = client;
	ask->on_answer = on_answer;
	return ask;
}

/* The connection is lost, and with it the question or its answer. */
static inline void sim_lose_ask(struct sim_client *client)
{
	if (client->ask != NULL)
		kit_ask_free(&client->ask->kit);
	client->ask = NULL;
}

static inline void sim_lose_commits(struct sim_client *client)
{
	for (int i = 0; i < SIM_COMMITS; i++) {
		kit_ask_free(client->commits[i].ask);
		client->commits[i].ask = NULL;
	}
}

static inline bool sim_is_due(const struct sim *sim, const struct kit_ask *ask)
{
	return kit_is_answered(ask) && ask->ask.offset <= (int64_t)sim->synced;
}

static inline bool sim_is_alive(const struct sim_ask *ask)
{
	return ask->life == ask->client->sim->lives[ask->client->group];
}

/* It was told that it is of this generation. */
static inline void sim_tell(const struct sim_ask *ask)
{
	struct sim_client *c = ask->client;

	if (sim_is_alive(ask) && c->generation > c->sim->generations[c->group])
		c->sim->generations[c->group] = c->generation;
}

/* Claims: in one generation a partition has one owner. */
static inline void sim_claim(const struct sim_ask *ask, int topic,
			     int partition)
{
	const struct sim_client *client = ask->client;
	struct sim *sim = client->sim;
	const char *who = client->instance_id[0] != '\0' ? client->instance_id
							 : client->member_id;
	struct sim_claim *claim;

	sim_trace(client, "has %s-%d in %d", sim_topic_names[topic], partition,
		  client->generation);
	for (size_t i = 0; i < sim->claim_count; i++) {
		claim = &sim->claims[i];
		if (claim->group == client->group && claim->life == ask->life &&
		    claim->topic == topic && claim->partition == partition &&
		    claim->generation == client->generation) {
			assert_string_equal(claim->who, who);
			return;
		}
	}
	if (sim->claim_count == sim->claim_room) {
		sim->claim_room = 2 * sim->claim_room + 256;
		sim->claims = realloc(sim->claims,
				      sim->claim_room * sizeof(*sim->claims));
		assert_non_null(sim->claims);
	}
	claim = &sim->claims[sim->claim_count++];
	*claim = (struct sim_claim){ .group = client->group,
				     .life = ask->life,
				     .topic = topic,
				     .partition = partition,
				     .generation = client->generation };
	snprintf(claim->who, sizeof(claim->who), "%s", who);
}

#endif /* TESTS_KBROKERD_GROUP_SIM_H */
