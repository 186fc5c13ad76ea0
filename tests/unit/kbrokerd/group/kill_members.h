/*
 * kill_members.h - members of groups whose broker is killed
 *
 * Each has a connection with one request under way.  What it was told it
 * keeps, and checks against all that it is told later.
 */
#ifndef TESTS_UNIT_KBROKERD_GROUP_KILL_MEMBERS_H
#define TESTS_UNIT_KBROKERD_GROUP_KILL_MEMBERS_H

#include "kbrokerd/whole_process.h"

enum {
	OFFSET_COMMIT = 8,
	JOIN_GROUP = 11,
	HEARTBEAT = 12,
	LEAVE_GROUP = 13,
	SYNC_GROUP = 14,
	DESCRIBE_GROUPS = 15,
	CONSUMER_HEARTBEAT = 68,
	CONSUMER_DESCRIBE = 69,

	GROUPS = 5, /* classic and modern in turn; one of both at last */
	MIXED = GROUPS - 1,
	MEMBERS = 4, /* of each */
	PARTITIONS = 6,
	ALL_MEMBERS = GROUPS * MEMBERS,
	FOREVER_MS = 1800000,
};

struct member;

/* What speaks a protocol. */
struct protocol {
	void (*ask)(struct member *m);  /* the next request, by its state */
	void (*take)(struct member *m); /* the answer, if it came */
};

struct team {
	char id[16];
	struct kills *all;
	const struct member *owners[PARTITIONS];
	int32_t synced; /* classic: the last generation of any member */
	/* Offsets of commits; each is its partition's number more than a
	 * multiple of PARTITIONS. */
	int64_t sent[PARTITIONS], answered[PARTITIONS];
};

enum member_state {
	MEMBER_OUT,     /* not a member, as far as it knows */
	MEMBER_JOINING, /* classic: it has to join (again) */
	MEMBER_SYNCING, /* classic: it has to sync */
	MEMBER_IN,      /* has what the coordinator said it should have */
	MEMBER_LEAVING,
};

struct member {
	struct team *team;
	const struct protocol *protocol;
	int fd;
	enum member_state state;
	int16_t asked; /* the request that is under way; 0: none */
	bool told;     /* it was told that it is in, under this id */
	int lost;      /* requests whose answers were lost since the last */
	char id[96];
	int32_t lives;
	int32_t epoch;  /* or generation */
	unsigned owned; /* a bit for each partition */
	bool owes_word; /* modern: it has not said yet what it owns */
	int32_t partition;
	int64_t offset; /* of its commit under way */
	int32_t synced; /* classic: its last generation; */
	int joined_in;  /* the broker's life; */
	bool leads;
	char others[MEMBERS * 2][96];
	int32_t other_count; /* whom it assigns to */
};

struct kills {
	struct whole_process broker;
	struct seeded_random random;
	struct uuid topic_id;
	struct arena arena; /* of one answer */
	bool calm;          /* nobody leaves or commits */
	int life;           /* of the broker: how often it was killed */
	struct team teams[GROUPS];
	struct member members[ALL_MEMBERS];
};

static bool chance(struct member *m, uint64_t percent)
{
	struct kills *k = m->team->all;

	return random_below(&k->random.random, 100) < percent;
}

static struct member *member_at(struct kills *k, size_t i)
{
	return i < ALL_MEMBERS ? &k->members[i] : NULL;
}

/* Its group is now classic, now not: what was told by one kind of group may be
 * too old for the other. */
static bool is_mixed(const struct member *m)
{
	return m->team == &m->team->all->teams[MIXED];
}

/* Owning */

/*
 * From now on it has these alone.  As in Apache Kafka, a group that is made
 * classic and back within one rebalance takes the members' targets for what
 * they have, so that a partition may have a new owner before the old one has
 * heard of it; who is too old cannot commit.
 */
static void own(struct member *m, unsigned owned)
{
	for (unsigned p = 0; p < PARTITIONS; p++) {
		const struct member **owner = &m->team->owners[p];

		if ((owned >> p & 1) != 0) {
			assert_true(*owner == NULL || *owner == m ||
				    is_mixed(m));
			*owner = m;
		} else if (*owner == m) {
			*owner = NULL;
		}
	}
	m->owned = owned;
}

static void forget(struct member *m)
{
	own(m, 0);
	m->state = MEMBER_OUT;
	m->told = false;
	m->epoch = 0;
	m->synced = 0;
	m->id[0] = '\0';
}

/* Asking and taking */

static void ask(struct member *m, int16_t key, int16_t version,
		const void *request)
{
	whole_send(m->fd, key, version, request);
	m->asked = key;
}

/* false: the broker was killed before it answered. */
static bool take(struct member *m, int16_t version, void *response)
{
	struct arena *arena = &m->team->all->arena;

	arena_reset(arena);
	return whole_take_if(m->fd, m->asked, version, arena, response);
}

/* Committing, the same for both */

/* Of one of those that it has. */
static void ask_commit(struct member *m)
{
	struct team *team = m->team;
	int32_t p =
		(int32_t)random_below(&team->all->random.random, PARTITIONS);

	while ((m->owned >> p & 1) == 0)
		p = (p + 1) % PARTITIONS;
	team->sent[p] += PARTITIONS;
	m->partition = p;
	m->offset = team->sent[p];
	whole_send_commit(m->fd, team->id, m->id, m->epoch, "t", p, m->offset);
	m->asked = OFFSET_COMMIT;
}

/* Returns the error, or NONE when none was answered. */
static int16_t take_commit(struct member *m)
{
	struct offset_commit_response response;
	int16_t error;

	if (!take(m, 9, &response))
		return WIRE_NONE;
	error = whole_commit_error(&response);
	if (error == WIRE_NONE)
		m->team->answered[m->partition] = m->offset;
	m->asked = 0;
	return error;
}

#endif /* TESTS_UNIT_KBROKERD_GROUP_KILL_MEMBERS_H */
