/*
 * classic_group.h - the state of a classic group, for classic*.c and for a
 * group that moves to the consumer protocol
 *
 * The log knows a group as its last completed generation.  What happens since,
 * who joins and who waits, is here only: members that joined but have not been
 * in a record are lost with the broker and join again.
 */
#ifndef KBROKERD_GROUP_CLASSIC_GROUP_H
#define KBROKERD_GROUP_CLASSIC_GROUP_H

#include "kbrokerd/group/classic.h"

struct classic_topics;
struct join_group_request_protocols;

enum classic_state {
	CLASSIC_EMPTY,
	CLASSIC_PREPARING,  /* members are joining */
	CLASSIC_COMPLETING, /* they have joined; the leader assigns */
	CLASSIC_STABLE,
};

enum {
	/* A member that joins for the first time has no session yet: a client
	 * that has gone is forgotten after this. */
	CLASSIC_NEW_MEMBER_MS = 5 * 60 * 1000,
	/* Until the next attempt to write down that a group is empty. */
	CLASSIC_RETRY_MS = 5000,
	CLASSIC_PROTOCOLS_MAX = 128, /* of one member */
	CLASSIC_PENDING_MAX =
		65536, /* ids given out and not used, of a group */
	CLASSIC_ID_PREFIX_MAX = 4096, /* of the client's id, in a member's */
	CLASSIC_REASON_MAX = 255,     /* bytes of a client's (KIP-800) */
};

/* What a member can do, the most wanted first; names are distinct. */
struct classic_protocol {
	struct slice name, metadata;
};
struct classic_protocols {
	int32_t count;
	struct classic_protocol items[]; /* and their bytes behind */
};

struct classic_member {
	UT_hash_handle hh; /* in group->classic->members, by id */
	struct group *group;
	struct slice id;
	struct slice instance_id; /* null: a dynamic member */
	struct slice client_id, client_host;
	int32_t rebalance_timeout_ms, session_timeout_ms;
	struct classic_protocols *protocols;
	struct slice assignment; /* its own memory; empty is NULL */
	struct slice offered;    /* while the leader's are being written */
	/* It is joined, or synced, and waits for the others; the ask may have
	 * been dropped, which changes nothing for them. */
	bool awaits_join, awaits_sync;
	struct group_ask *join, *sync;
	bool is_new;       /* was in no generation yet */
	bool owes_sync;    /* of this generation */
	bool is_in_record; /* while one is applied */
	struct group_timer session;
};

/* Who is the static member of that name (KIP-345). */
struct classic_static {
	UT_hash_handle hh;
	struct slice instance_id; /* the bytes follow */
	struct classic_member *member;
};

/* A member id that was given out and has not joined (KIP-394). */
struct classic_pending {
	UT_hash_handle hh;
	struct group *group;
	struct slice id;
	struct group_timer session;
};

/* How many members can do a protocol. */
struct classic_support {
	UT_hash_handle hh;
	struct slice name;
	int32_t count;
};

struct classic_group {
	struct group *group;
	enum classic_state state, previous;
	int64_t since_ms;           /* in this state, wall clock; -1: unknown */
	struct slice protocol_type; /* null: never had a member */
	struct slice protocol;      /* null: none chosen */
	int32_t generation;
	struct classic_member *leader;
	struct classic_member *members; /* in the order they came */
	/* A member that a record being written will make: else the record's few
	 * facts would be all that is known of it. */
	struct classic_member *incoming;
	struct classic_static *statics;
	struct classic_pending *pending;
	struct classic_support *support;
	int32_t joined;       /* members that wait for the others to join */
	int32_t owing;        /* members that owe a sync */
	bool is_recorded;     /* the log has a record of it */
	bool has_new_members; /* came while the first rebalance waits */
	int32_t delay_ms, remaining_ms; /* of the first rebalance */
	struct group_timer join_timer, sync_timer;
	/* Of the subscriptions, sorted; NULL: nobody has asked yet. */
	struct classic_topics *topics;
};

/* The group's state, made if there is none.  Returns 0 or -ENOMEM. */
int classic_group_make(struct group *group);

/* Nothing of it is worth keeping: free it, and the group if it is void. */
void classic_group_release(struct group *group);

/* All of its memory; nobody waits any more. */
void classic_group_free(struct group *group);

/* Go over to a state, now. */
void classic_group_set_state(struct group *group, enum classic_state state);

/* A copy of s, a NUL behind it, that the caller frees by its data; null and
 * empty have none.  Returns 0 or -ENOMEM. */
int classic_text_copy(struct slice s, struct slice *copy_out);

/* A text of the group or of one of its members is that copy from now on, which
 * it takes over. */
void classic_text_set(struct group *group, struct slice *text,
		      struct slice copy);

struct classic_member *classic_member_find(const struct classic_group *classic,
					   struct slice id);
struct classic_member *classic_member_find_static(
	const struct classic_group *classic, struct slice instance_id);

/*
 * May who says to be this member speak for it?  Returns WIRE_NONE,
 * WIRE_UNKNOWN_MEMBER_ID or WIRE_FENCED_INSTANCE_ID.
 */
int16_t classic_member_check(const struct classic_group *classic,
			     struct slice id, struct slice instance_id);

/* What a new member is made of; all is copied. */
struct classic_member_facts {
	struct slice id, instance_id, client_id, client_host;
	int32_t rebalance_timeout_ms, session_timeout_ms;
};

/* Takes over protocols, also on failure; NULL when out of memory, or when
 * protocols is NULL. */
struct classic_member *classic_member_new(
	struct group *group, const struct classic_member_facts *facts,
	struct classic_protocols *protocols);
/* One that is in no group and that nobody waits for.  NULL is allowed. */
void classic_member_free(struct classic_member *member);

/* Put it into its group, which supports its protocols.  Returns 0, or -ENOMEM
 * with the group as it was. */
int classic_member_add(struct classic_member *member,
		       struct slice protocol_type);

/* Put a member in the place of another of the same instance id, whose
 * assignment it takes over, and who is fenced and freed.  Returns 0, or -ENOMEM
 * with nothing changed. */
int classic_member_replace(struct classic_member *old,
			   struct classic_member *with);

/* Take it out of its group and free it; asks of it that wait are answered
 * error. */
void classic_member_remove(struct classic_member *member, int16_t error);

/* Takes over protocols.  Returns 0, or -ENOMEM (also when they are NULL) with
 * nothing changed. */
int classic_member_set_protocols(struct classic_member *member,
				 struct classic_protocols *protocols);

/* Returns 0 or -ENOMEM. */
int classic_member_set_assignment(struct classic_member *member,
				  struct slice assignment);

/* Its metadata for a protocol, empty when it has none. */
struct slice classic_member_metadata(const struct classic_member *member,
				     struct slice protocol);

/* It is to be heard of within ms. */
void classic_member_expect(struct classic_member *member, int64_t ms);

/* The ask hangs on it until the others have joined, or synced.  An older one
 * is told to join again. */
void classic_member_await_join(struct classic_member *member,
			       struct group_ask *ask);
void classic_member_await_sync(struct classic_member *member,
			       struct group_ask *ask);

/* NULL when out of memory.  Of a name that comes twice the first counts. */
struct classic_protocols *classic_protocols_new(
	const struct join_group_request_protocols *protocols, int32_t count);
bool classic_protocols_equal(
	const struct classic_protocols *own,
	const struct join_group_request_protocols *protocols, int32_t count);

/* Have all members one of these in common? */
bool classic_group_supports(
	const struct classic_group *classic, struct slice protocol_type,
	const struct join_group_request_protocols *protocols, int32_t count);

/* The protocol that most members vote for, of those that all can do; with as
 * in the place of old unless both are NULL.  The memory is a member's.  There
 * are members. */
struct slice classic_group_vote(const struct classic_group *classic,
				const struct classic_member *old,
				const struct classic_member *as);

int32_t classic_group_size(const struct classic_group *classic);
int32_t classic_group_pending(const struct classic_group *classic);
/* The longest that a member asks for. */
int32_t classic_group_rebalance_ms(const struct classic_group *classic);
bool classic_group_all_joined(const struct classic_group *classic);

/* Pending members.  Adding returns 0 or -ENOMEM. */
struct classic_pending *classic_pending_find(
	const struct classic_group *classic, struct slice id);
int classic_pending_add(struct group *group, struct slice id,
			int64_t session_timeout_ms);
void classic_pending_remove(struct classic_pending *pending);

/* Rebalances (classic_rebalance.c) */

/* Members shall join anew, if they are not doing so; when all have, go on. */
void classic_rebalance(struct group *group, const char *why,
		       struct slice reason);
/* Go on if all have joined; the first rebalance waits for its delay. */
void classic_rebalance_continue(struct group *group);
/* Begin one whatever the state but Preparing. */
void classic_rebalance_begin(struct group *group, const char *why,
			     struct slice reason);
/* A member or pending one is not heard of any more: take it out, go on. */
void classic_rebalance_expire(struct classic_member *member);
void classic_rebalance_expire_pending(struct classic_pending *pending);
/* This member has synced. */
void classic_rebalance_synced(struct classic_member *member);
/* Answer all who wait for their assignment; error: instead of it. */
void classic_rebalance_spread(struct group *group, int16_t error);

/* Records (classic_record.c) */

/*
 * Write down a generation of the group and apply it.  Returns 0, or with
 * nothing changed what group_commit() does.
 */
struct classic_record {
	int32_t generation;
	struct slice protocol; /* null: none, there are no members */
	bool use_offered;      /* assignments: what the leader offers */
	/* This member, in no group yet, in the place of old; or NULL.  It is
	 * taken over, also on failure. */
	const struct classic_member *old;
	struct classic_member *as;
};
int classic_record_commit(struct group *group,
			  const struct classic_record *record);

/* Answers (classic_answer.c): all that they say is copied into the ask's arena;
 * out of memory is answered as NULL.  classic_keep() copies one text, and sets
 * failed when it cannot. */
struct slice classic_keep(struct arena *arena, struct slice s, bool *failed);
void classic_answer_join_error(struct group_ask *ask, int16_t error,
			       struct slice member_id);
struct classic_joined {
	struct slice member_id, leader;
	bool with_members, skip_assignment;
	int64_t offset;
};
void classic_answer_joined(struct group_ask *ask, const struct group *group,
			   const struct classic_joined *joined);
void classic_answer_sync_error(struct group_ask *ask, int16_t error);
void classic_answer_synced(struct group_ask *ask,
			   const struct classic_member *member);

/* Topics (classic_topics.c): forget what is known. */
void classic_topics_reset(struct classic_group *classic);

#endif /* KBROKERD_GROUP_CLASSIC_GROUP_H */
