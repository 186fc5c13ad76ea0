/*
 * consumer_state.h - what a consumer group keeps, for consumer_*.c and
 * migrate.c
 *
 * A member is made by any of its three records: what it wants (5), what it
 * shall own (7), how far it is (8).  It is one of the group while it has the
 * first.  All of this is changed by consumer_apply.c alone; only deadlines and
 * what is known of the topics are not in records.
 */
#ifndef KBROKERD_GROUP_CONSUMER_STATE_H
#define KBROKERD_GROUP_CONSUMER_STATE_H

#include <sys/queue.h>

#include "kbrokerd/group/assignment.h"
#include "kbrokerd/group/consumer.h"
#include "wire/messages.h"

typedef struct consumer_group_member_metadata_value_classic_member_metadata
	consumer_classic;

enum {
	EPOCH_JOIN = 0,
	EPOCH_LEAVE = -1,
	EPOCH_LEAVE_STATIC = -2, /* for a while */
};

/* What members want to read: one for all that want the same. */
struct consumer_subscription {
	UT_hash_handle hh;   /* by its texts */
	struct slice *names; /* ascending, none twice */
	int32_t name_count;
	struct slice pattern; /* empty: none */
	/* What is known of it, while members have the subscription. */
	struct consumer_pattern *known;
	uint32_t refs;
	uint32_t members; /* of the group that have it */
	int32_t number;   /* while targets are made */
};

/* Record 5.  Texts are null where the member gave none. */
struct consumer_facts {
	struct slice instance_id, rack_id, client_id, client_host, assignor;
	struct consumer_subscription *subscription;
	int32_t rebalance_timeout_ms;
	const consumer_classic *classic; /* NULL: it speaks KIP-848 */
};

/* Record 8. */
struct consumer_progress {
	int32_t epoch, previous_epoch;
	int8_t state; /* enum MemberState */
	struct assignment assigned, revoking;
};

struct consumer_member {
	UT_hash_handle hh; /* by id */
	UT_hash_handle instance_hh;
	struct consumer_group *consumer;
	struct slice id;
	bool is_member;  /* has facts */
	bool is_leaving; /* while a decision is made that takes it away */
	bool has_target, has_progress, has_instance;
	struct consumer_facts facts;
	void *facts_memory;
	struct assignment target; /* record 7 */
	struct consumer_progress progress;
	struct group_timer session_timer;
	struct group_timer rebalance_timer; /* it must give up partitions */
	struct group_timer join_timer, sync_timer; /* of a classic one */
};

/* A pattern that members have, and by record 16 the topics that it names.  One
 * of both keeps it. */
struct consumer_pattern {
	UT_hash_handle hh;
	struct slice text;    /* the bytes follow */
	uint32_t members;     /* of the group that have it */
	uint32_t leaving;     /* of these, while a decision is made */
	bool is_resolved;     /* has a record */
	struct slice *topics; /* ascending; the bytes follow */
	int32_t topic_count;
	const struct consumer_resolved *news; /* while a decision is made */
	bool is_due;                          /* it is to be tried again: */
	TAILQ_ENTRY(consumer_pattern) due;
};

/* Who has the partitions of a topic now. */
struct consumer_owned {
	UT_hash_handle hh;
	struct uuid id;
	int32_t size, count;
	struct consumer_member **owners; /* of each partition, or NULL */
};

struct consumer_group {
	struct group *group;
	int32_t epoch;
	int64_t metadata_hash;
	bool is_recorded;            /* has a record 3, be it of epoch 0 */
	int32_t assignment_epoch;    /* of the targets */
	bool has_partition_metadata; /* record 4, of an older Kafka */
	struct consumer_member *members, *instances;
	int32_t member_count, classic_count;
	struct consumer_subscription *subscriptions;
	struct consumer_pattern *patterns;
	struct consumer_owned *owned;
	/* Soft: topics may be other ones than when last looked.  All patterns
	 * were due last at that time and version of the topics; who is still,
	 * and when the next of them may be tried. */
	bool topics_changed;
	bool patterns_tried;
	uint64_t patterns_version;
	int64_t patterns_ms, next_patterns_ms;
	TAILQ_HEAD(, consumer_pattern) due_patterns;
	/* All members are classic: it is to be a classic group. */
	struct group_timer back_timer;
};

/* Made when there is none; NULL is out of memory. */
struct consumer_group *consumer_get(struct group *group);

/* Free it if it has neither members nor anything in records. */
void consumer_drop_if_void(struct group *group);

struct consumer_member *consumer_find(const struct consumer_group *c,
				      struct slice member_id);
struct consumer_member *consumer_find_instance(const struct consumer_group *c,
					       struct slice instance_id);
/* Made when there is none; NULL is out of memory. */
struct consumer_member *consumer_make(struct consumer_group *c,
				      struct slice member_id);
/* Free it if no record speaks of it. */
void consumer_forget_if_void(struct consumer_member *member);
void consumer_stop_timers(struct consumer_member *member);

/* names may have any order and repeat.  What is returned is counted: give it
 * back.  NULL is out of memory. */
struct consumer_subscription *consumer_subscribe(struct consumer_group *c,
						 const struct slice *names,
						 int32_t count,
						 struct slice pattern);
void consumer_unsubscribe(struct consumer_group *c,
			  struct consumer_subscription *subscription);

/* Also one that nobody has resolved. */
struct consumer_pattern *consumer_find_pattern(const struct consumer_group *c,
					       struct slice text);
/* One member more has the subscription and, if there is one, its pattern.
 * Returns 0 or -ENOMEM. */
int consumer_add_subscriber(struct consumer_group *c,
			    struct consumer_subscription *subscription);
void consumer_remove_subscriber(struct consumer_group *c,
				struct consumer_subscription *subscription);
/* It names these, copied.  Returns 0 or -ENOMEM. */
int consumer_resolve_pattern(struct consumer_group *c, struct slice text,
			     const struct slice *topics, int32_t count);
/* Nothing is known of what it names. */
void consumer_unresolve_pattern(struct consumer_group *c, struct slice text);
/* Try it again, or do not. */
void consumer_set_due(struct consumer_group *c,
		      struct consumer_pattern *pattern, bool is_due);

/* One of the member's sets is that from now on, taken over from where it was
 * copied to. */
void consumer_set_assignment(struct consumer_member *member,
			     struct assignment *to, struct assignment from);

/* Who has that partition, or is still giving it up; NULL: nobody. */
struct consumer_member *consumer_owner(const struct consumer_group *c,
				       const struct uuid *topic_id,
				       int32_t partition);
/* They are the member's now.  Returns 0 or -ENOMEM. */
int consumer_own(struct consumer_member *member, const struct assignment *a);
/* They are not the member's any longer; others' stay theirs. */
void consumer_disown(struct consumer_member *member,
		     const struct assignment *a);

/* Which assignor most members ask for: count each member's (null: none), one
 * count for each of the broker's; the first of the most, or the broker's
 * first. */
void consumer_count_assignor(const struct group_settings *settings,
			     struct slice name, int32_t *counts);
const char *consumer_first_assignor(const struct group_settings *settings,
				    const int32_t *counts);

/* Ascending by bytes. */
int consumer_compare_texts(const void *a, const void *b);

#endif /* KBROKERD_GROUP_CONSUMER_STATE_H */
