/*
 * group_member.h - a member of a consumer group
 *
 * A member joins a group of any Kafka cluster, keeps its place by heartbeats,
 * and tells which partitions are its own and from where on; it fetches
 * nothing: that is consumer.h's work.  Both protocols: classic (JoinGroup and
 * SyncGroup, the assignor runs in the client that leads) and consumer
 * (KIP-848).
 *
 *	group_member_new(loop, config, &subscription, &handler, &member, &e);
 *	...  on_assigned() says what to consume, group_commit() how far it is
 *	group_member_leave(member, 5000);  ... until on_left()
 *	group_member_free(member);
 *
 * It has connections of its own, so that neither a long Fetch delays a
 * heartbeat nor a waiting JoinGroup a Fetch.  Everything is told from the
 * loop, nothing from within a call of this header.  Functions may be called
 * from within the callbacks, but for group_member_free().
 *
 * Of the config: group.id (required), group.protocol, group.instance.id,
 * group.remote.assignor, partition.assignment.strategy, session.timeout.ms,
 * heartbeat.interval.ms, max.poll.interval.ms (how long the coordinator waits
 * for this member in a rebalance), client.rack, isolation.level.
 */
#ifndef CLIENT_GROUP_MEMBER_H
#define CLIENT_GROUP_MEMBER_H

#include "client/client.h"

enum {
	GROUP_TOPICS_MAX = 10000,          /* of one subscription */
	GROUP_COMMIT_METADATA_MAX = 32767, /* bytes; brokers allow less */
};

struct group_member;

/*
 * What to read.  Topics need not exist: they are read once they do.  A
 * pattern is a regular expression that matches names from their first
 * character on ("^ord" and "ord" match "orders"); internal topics match none.
 */
struct group_subscription {
	const char *const *topics;
	size_t topic_count;
	const char *const *patterns;
	size_t pattern_count;
};

struct group_partition {
	const char *topic;
	int32_t partition;
	struct uuid topic_id; /* zero where the protocol does not say it */
};

/* Where the group is in a partition. */
struct group_position {
	struct group_partition partition;
	int64_t offset;       /* to read next, as committed; -1: none is */
	int32_t leader_epoch; /* of the record before it; -1: not known */
	const char *metadata; /* as committed; "" for none */
};

/*
 * What is told.  Arrays and texts are valid during the call only.  Only
 * on_assigned and on_revoked must be there.
 */
struct group_handler {
	/*
	 * These are the member's own from now on, besides those it has.  May
	 * be called with count 0: the group has nothing (more) for us.
	 */
	void (*on_assigned)(void *arg, const struct group_position *positions,
			    size_t count);
	/*
	 * These are to be given up, and still are the member's own: hand out
	 * no more of them, let what is under way come to its end, commit, and
	 * then, now or later, call group_revoked().  Heartbeats go on
	 * meanwhile; the group waits, max.poll.interval.ms at most.  Never
	 * called again before group_revoked().  Also the way to the end: after
	 * group_member_leave() it comes for all partitions.
	 */
	void (*on_revoked)(void *arg, const struct group_partition *partitions,
			   size_t count);
	/*
	 * These are someone else's already (the coordinator took us for dead,
	 * or fenced us): hand out no more, nothing of them can be committed.
	 * An on_revoked() for them is over, too: no group_revoked() then.
	 */
	void (*on_lost)(void *arg, const struct group_partition *partitions,
			size_t count);
	/*
	 * The membership is at its end: error NULL after
	 * group_member_leave(), also when saying goodbye took too long; else
	 * why it failed for good (on_lost() came before, for what it had).
	 * Told once; free the member then, not from within the call.
	 */
	void (*on_left)(void *arg, const struct client_error *error);
	/* Something to tell at -v: joined, rebalances, retried errors. */
	void (*on_note)(void *arg, const char *text);
	void *arg;
};

/*
 * Starts to join.  loop and config outlive the member; subscription and
 * handler are copied.  Returns 0, or -EINVAL or -ENOMEM with *error told (no
 * group.id, an unknown assignor, a pattern that does not compile).
 */
int group_member_new(struct loop *loop, struct client_config *config,
		     const struct group_subscription *subscription,
		     const struct group_handler *handler,
		     struct group_member **member_out,
		     struct client_error *error);

/* Without a goodbye; commits under way end without their callback. */
void group_member_free(struct group_member *member);

/* An error of the coordinator that lasts longer is the end, by on_left();
 * below 0 (the default) it is tried for ever. */
void group_member_set_patience(struct group_member *member, int64_t ms);

/* What on_revoked() asked for is done.  Commits that are under way are waited
 * for by the member itself. */
void group_revoked(struct group_member *member);

/*
 * Leave: on_revoked() for what there is, its commits, the goodbye to the
 * coordinator (not of a static member of the classic protocol: its place is
 * kept), then on_left(), after timeout_ms at the latest.  Once is enough;
 * a second call can only shorten the time.
 */
void group_member_leave(struct group_member *member, int64_t timeout_ms);

/*
 * Commits
 */

struct group_commit_item {
	const char *topic;
	int32_t partition;
	int64_t offset;       /* of the record to read next */
	int32_t leader_epoch; /* of the last record done; -1: not known */
	const char *metadata; /* or NULL */
	int16_t code;         /* of the answer; WIRE_NONE: it is stored */
};

/*
 * Commit these; items are copied, callbacks come in the order of the calls.
 * What may pass (the coordinator moves or loads, a rebalance is under way) is
 * tried again as long as the member lasts.  Then on_done(arg, items, count,
 * error), once, error being NULL when everything is stored; else it is of the
 * first item that is not, and each item has its code.  Items of partitions
 * that are not the member's own (any more) fail with ILLEGAL_GENERATION
 * (classic) or STALE_MEMBER_EPOCH (consumer) and are not sent, so that nobody
 * is ever set back.  on_done may be NULL.  Returns 0 or -ENOMEM.
 */
int group_commit(struct group_member *member,
		 const struct group_commit_item *items, size_t count,
		 void (*on_done)(void *arg,
				 const struct group_commit_item *items,
				 size_t count,
				 const struct client_error *error),
		 void *arg);

/* Commits whose callback is still to come. */
size_t group_commits_waiting(const struct group_member *member);

/*
 * What it is now
 */

/* Is the partition the member's own, and told so, and not to be given up? */
bool group_owns(const struct group_member *member, const char *topic,
		int32_t partition);

/*
 * Has it an assignment, told and with nothing in between?  An empty one only
 * counts once a heartbeat has confirmed it.
 */
bool group_is_settled(const struct group_member *member);

/*
 * What keeps it from its coordinator, tried again as it is, and since when (of
 * the loop's clock); NULL when nothing does.
 */
const struct client_error *group_member_trouble(
	const struct group_member *member, int64_t *since_ms_out);

/* "" as long as there is none; valid until the loop runs. */
const char *group_member_id(const struct group_member *member);
/* Generation (classic) or member epoch (consumer); -1: not a member now. */
int32_t group_member_generation(const struct group_member *member);
/* "classic", "consumer", or "" while it is not chosen yet. */
const char *group_member_protocol(const struct group_member *member);

#endif /* CLIENT_GROUP_MEMBER_H */
