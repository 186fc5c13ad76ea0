/*
 * member_core.h - what a group member does next: decided, not done
 *
 * A pure core: from state, event and the time to the next action.  The shell
 * (group_member.c) asks member_next() until there is nothing to do, does each
 * action, and reports what came of it.  It owns no socket, loop or clock.
 *
 *	FIND            the coordinator, reported by member_found()
 *	CHOOSE          the protocol, by member_chosen()
 *	JOIN PLAN SYNC  classic: JoinGroup; the leader's work; SyncGroup
 *	BEAT            Heartbeat or ConsumerGroupHeartbeat (which joins, too)
 *	LEAVE           the goodbye
 *	                these by member_answered(), PLAN by member_planned()
 *	REVOKE          tell that told is to be given up: member_revoked()
 *	LOSE, ASSIGN    tell that told is lost, or new
 *	END             it is over: error says why, or kind CLIENT_OK
 */
#ifndef CLIENT_MEMBER_CORE_H
#define CLIENT_MEMBER_CORE_H

#include "client/assignor.h"
#include "client/client_error.h"

enum member_action {
	MEMBER_NOTHING, /* until *wake_at_ms */
	MEMBER_FIND,
	MEMBER_CHOOSE,
	MEMBER_JOIN,
	MEMBER_PLAN,
	MEMBER_SYNC,
	MEMBER_BEAT,
	MEMBER_LEAVE,
	MEMBER_REVOKE,
	MEMBER_LOSE,
	MEMBER_ASSIGN,
	MEMBER_END,
};

enum member_phase {
	MEMBER_OUT,    /* no member, or to join again */
	MEMBER_JOINED, /* classic: has the generation, not yet its assignment */
	MEMBER_STABLE, /* has an assignment */
};

struct member_core;

/* What differs between classic, consumer, and not chosen yet. */
struct member_protocol {
	const char *name;
	enum member_action (*next)(struct member_core *core, int64_t now_ms,
				   int64_t *wake_at_ms);
	/* The goodbye makes sense now. */
	bool (*has_goodbye)(const struct member_core *core);
};

extern const struct member_protocol member_undecided;
extern const struct member_protocol member_classic;
extern const struct member_protocol member_consumer;

/* What came of a request; of the fields only those that its api has. */
struct member_answer {
	int16_t code;          /* WIRE_NONE */
	const char *text;      /* the broker's, or NULL */
	const char *member_id; /* JOIN; BEAT of version 0; or NULL */
	int32_t generation;    /* JOIN; BEAT: the epoch */
	int32_t interval_ms;   /* BEAT of consumer */
	bool is_leader;        /* JOIN */
	struct slice assignor; /* JOIN: of the group */
	/* SYNC; BEAT where there is a new one: taken over; or NULL. */
	struct partition_set *assignment;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): read by people */
struct member_core {
	const struct member_protocol *protocol;

	/* Settings, set by the shell after member_core_init(). */
	const char *group_id;
	const char *instance_id; /* NULL: dynamic */
	int64_t heartbeat_interval_ms;
	int64_t retry_ms, retry_max_ms;
	bool is_eager;      /* gives all up before it joins again */
	bool may_fall_back; /* to classic, where a broker knows no better */

	/* Told by the shell: */
	bool is_ready;      /* the subscription is known */
	bool is_committing; /* commits are under way: no JOIN, no LEAVE */

	enum member_phase phase;
	bool has_coordinator;
	enum member_action in_flight; /* FIND to LEAVE, or NOTHING */
	char *member_id;              /* "" for none */
	int32_t generation;           /* -1: none */
	bool is_leader;
	const struct assignor *assignor; /* of the group; classic */

	int64_t retry_at_ms;
	int64_t pause_ms;
	int64_t beat_at_ms;
	bool must_rejoin;  /* classic: JOIN again */
	bool must_beat;    /* at once: there is something to say */
	bool must_say_all; /* consumer: a heartbeat with everything */
	bool is_planned;
	unsigned beats; /* confirmed since the last change */

	struct partition_set owned;  /* told as assigned, not yet given up */
	struct partition_set target; /* consumer: what it is to have */
	struct partition_set said;   /* consumer: owned as last heard there */
	struct partition_set giving; /* REVOKE is under way for these */
	struct partition_set last;   /* sticky: the last assignment */
	int32_t last_generation;     /* of last; -1: there is none */
	bool has_target;
	bool is_revoking;
	bool must_lose;
	bool has_news; /* ASSIGN is to be told, of news */
	struct partition_set news;
	struct partition_set told; /* of REVOKE, LOSE, ASSIGN */

	bool is_leaving;
	bool must_end; /* now, without a goodbye */
	bool said_goodbye;
	bool has_ended;
	struct client_error error;
};

/* 0 or -ENOMEM; clear it either way. */
int member_core_init(struct member_core *core,
		     const struct member_protocol *protocol);
void member_core_clear(struct member_core *core);

/*
 * The next thing to do; an action that has an answer is in flight from then
 * on.  NOTHING: ask again after an event, or at *wake_at_ms (INT64_MAX: only
 * then).
 */
enum member_action member_next(struct member_core *core, int64_t now_ms,
			       int64_t *wake_at_ms);

/* Events. */

/* FIND: the coordinator is known (code WIRE_NONE), or not (yet). */
void member_found(struct member_core *core, int16_t code, const char *text,
		  int64_t now_ms);
/* CHOOSE: it is that protocol. */
void member_chosen(struct member_core *core,
		   const struct member_protocol *protocol);
void member_answered(struct member_core *core,
		     const struct member_answer *answer, int64_t now_ms);
/* The request in flight did not come through: the coordinator may be gone. */
void member_failed(struct member_core *core, int64_t now_ms);
/* Consumer: the target is known better now. */
void member_retarget(struct member_core *core,
		     const struct partition_set *target);
/* PLAN: done, SYNC can go. */
void member_planned(struct member_core *core);
void member_revoked(struct member_core *core);
/* A commit or an OffsetFetch was refused so; codes without meaning for the
 * membership are ignored. */
void member_refused(struct member_core *core, int16_t code, int64_t now_ms);
/* Subscription or topics have changed. */
void member_rejoin(struct member_core *core);
void member_leave(struct member_core *core);
void member_end(struct member_core *core);
/* It is broken for good. */
void member_fail(struct member_core *core, const struct client_error *error);

/*
 * What a heartbeat of the consumer protocol, sent now, has to say: everything,
 * what the member owns, or just that it lives.
 */
void member_beat_parts(struct member_core *core, bool *all_out,
		       bool *partitions_out);

/* For member_*.c. */

void member_fail_code(struct member_core *core, int16_t code, const char *text);
int member_set_id(struct member_core *core, const char *id);
/* Try again, after a growing pause. */
void member_pause(struct member_core *core, int64_t now_ms);
/* All that it has is somebody else's: tell so, and join anew. */
void member_lose_all(struct member_core *core);
/* Give up those; they are owned. */
void member_give_up(struct member_core *core);
/* Each protocol's answers. */
void member_classic_answered(struct member_core *core,
			     enum member_action action,
			     const struct member_answer *answer,
			     int64_t now_ms);
void member_consumer_answered(struct member_core *core,
			      const struct member_answer *answer,
			      int64_t now_ms);
/* Is the code about where the coordinator is?  Then it is dealt with. */
bool member_take_retriable(struct member_core *core, int16_t code,
			   int64_t now_ms);

#endif /* CLIENT_MEMBER_CORE_H */
