/*
 * consumer_turn.h - one decision about a consumer group, while it is made
 *
 * A turn starts with the group as it is, gathers the records that make it what
 * it shall be, and ends with one commit.  Nothing of the group changes before.
 */
#ifndef KBROKERD_GROUP_CONSUMER_TURN_H
#define KBROKERD_GROUP_CONSUMER_TURN_H

#include "kbrokerd/group/consumer_state.h"

/* A pattern's topics as they shall be. */
struct consumer_resolved {
	struct slice pattern;
	struct slice *topics; /* ascending */
	int32_t topic_count;
	struct consumer_pattern *known; /* has it as its news, or NULL */
	struct consumer_resolved *next;
};

struct consumer_turn {
	struct group_shard *shard;
	struct consumer_group *c;
	struct arena arena;
	struct group_changes changes;
	int16_t error;          /* why it is refused, and in words */
	const char *error_text; /* in the arena, or static */
	/* The group as it shall be. */
	int32_t epoch, assignment_epoch;
	int64_t metadata_hash;
	struct consumer_resolved *resolved; /* other than in memory */
	int64_t steps, steps_max; /* that patterns may take still; at first */
	bool topics_seen;         /* the newest, if it is committed */
	bool patterns_tried;      /* in vain, unless it is committed */
	/* The member it is about as it shall be; without one, members only
	 * leave: those are marked. */
	bool has_member;
	struct consumer_member *member;   /* as it is, or NULL */
	struct consumer_member *replaced; /* whose place it takes, or NULL */
	struct slice member_id;
	struct consumer_facts facts;        /* its subscription is counted */
	struct consumer_subscription *held; /* counted too, or NULL */
	struct consumer_progress progress;
	bool has_moved; /* its progress is another */
	const struct assignment *target;
	struct consumer_wants *wants; /* consumer_target.c's */
};

void consumer_turn_init(struct consumer_turn *turn, struct group_shard *shard,
			struct consumer_group *c);
void consumer_turn_clear(struct consumer_turn *turn);

/* Refuse it: the text is printf's.  Returns the code. */
__attribute__((format(printf, 3, 4))) int16_t consumer_refuse(
	struct consumer_turn *turn, int16_t error, const char *format, ...);

/* Append what was gathered.  Returns 0 or the error that it is refused with. */
int16_t consumer_turn_commit(struct consumer_turn *turn);

/* Begin with a member: it is it, takes replaced's place, or is new (both
 * NULL).  id must live as long as the turn.  Returns 0 or an error. */
int16_t consumer_turn_take(struct consumer_turn *turn, struct slice id,
			   struct consumer_member *member,
			   struct consumer_member *replaced);

/* Other names (count -1: as they were) or pattern (null) for the member.
 * Returns 0 or an error. */
int16_t consumer_turn_subscribe(struct consumer_turn *turn,
				const struct slice *names, int32_t count,
				struct slice pattern);

/* As they are before the turn; NULL: it is new. */
const struct consumer_facts *consumer_turn_old_facts(
	const struct consumer_turn *turn);

/* Write what differs of the member's facts; is what it subscribes to another?
 */
void consumer_turn_facts(struct consumer_turn *turn, bool *names_changed_out,
			 bool *pattern_changed_out);

/*
 * The member's pattern if it is new, and of those that are due to be tried
 * again as many as one turn has time for: find their topics.  Returns 0 or an
 * error (INVALID_REGULAR_EXPRESSION) with whether any names other topics than
 * before.
 */
int16_t consumer_turn_patterns(struct consumer_turn *turn,
			       bool *topics_changed_out);

/* Write that patterns go which no member has any longer. */
void consumer_turn_drop_patterns(struct consumer_turn *turn);

/* What was found counts no more: it is in memory now, or never will be. */
void consumer_turn_forget_patterns(struct consumer_turn *turn);

/* The topics that its pattern names as they shall be; none if there is none, or
 * nothing is known. */
const struct slice *consumer_turn_topics(const struct consumer_turn *turn,
					 const struct consumer_subscription *s,
					 int32_t *count_out);

/*
 * The next epoch if it must be, or if the topics that members want differ from
 * what they were; then new targets, if they are of an older epoch.  Returns 0
 * or an error.
 */
int16_t consumer_turn_advance(struct consumer_turn *turn, bool must);

/* Only the first half: members that leave leave their targets behind. */
int16_t consumer_turn_bump(struct consumer_turn *turn, bool must);

/*
 * Bring the member closer to its target.  owned: what it says it has (NULL: it
 * says nothing).  subscription_changed: give up at once what it wants no
 * longer.  Returns 0 or an error.
 */
int16_t consumer_turn_reconcile(struct consumer_turn *turn,
				const struct assignment *owned,
				bool subscription_changed);

/* Does the member, as it shall be, want that topic? */
bool consumer_turn_wants(const struct consumer_turn *turn,
			 const struct uuid *topic_id);

/* Targets for the members as they shall be, as records: consumer_target.c.
 * Each returns 0 or -ENOMEM. */
int consumer_retarget(struct consumer_turn *turn);
/* Of the topics that they want. */
int consumer_rehash(struct consumer_turn *turn, int64_t *hash_out);

/* Records */
void consumer_write_group(struct consumer_turn *turn);
void consumer_write_facts(struct consumer_turn *turn, struct slice member_id,
			  const struct consumer_facts *facts);
void consumer_write_target_epoch(struct consumer_turn *turn, int32_t epoch);
void consumer_write_target(struct consumer_turn *turn, struct slice member_id,
			   const struct assignment *target);
void consumer_write_progress(struct consumer_turn *turn, struct slice member_id,
			     const struct consumer_progress *progress);
void consumer_write_pattern(struct consumer_turn *turn,
			    const struct consumer_resolved *resolved);
/* They go.  The member's three records: */
void consumer_unwrite_member(struct consumer_turn *turn, struct slice id);
void consumer_unwrite_pattern(struct consumer_turn *turn, struct slice text);
void consumer_unwrite_partition_metadata(struct consumer_turn *turn);

/* Take members away (those marked), as one turn without a member.  Returns 0
 * or an error. */
int16_t consumer_fence(struct group_shard *shard, struct consumer_group *c);
/* The same for one. */
int16_t consumer_fence_member(struct consumer_member *member);

/* A heartbeat that says good-bye. */
void consumer_leave(struct group_shard *shard, struct group_ask *ask,
		    const struct consumer_group_heartbeat_request *request);

/* Has the member that has the instance (NULL: none has) that id?  Returns 0 or
 * an error. */
int16_t consumer_check_instance(struct consumer_turn *turn,
				const struct consumer_member *member,
				struct slice member_id,
				struct slice instance_id);

/* Its deadlines: after it was heard of, and after its progress has changed. */
void consumer_set_session(struct consumer_member *member);
void consumer_set_rebalance(struct consumer_member *member);

#endif /* KBROKERD_GROUP_CONSUMER_TURN_H */
