/*
 * member_classic.c - a member of a classic group
 *
 * JoinGroup, the leader's plan, SyncGroup, then heartbeats until something
 * changes.  Eager assignors give everything up before they join again;
 * cooperative ones (KIP-429) keep what they have, give up what moves once they
 * are told, and join once more for it.
 */
#include <assert.h>

#include "client/member_core.h"
#include "wire/errors.h"

/* The place is gone with that id, or with that generation only. */
static void fall_out(struct member_core *core, bool forget_id)
{
	if (forget_id && core->instance_id == NULL &&
	    member_set_id(core, "") < 0)
		core->owned.failed = true; /* noticed by member_next() */
	if (forget_id && core->instance_id != NULL)
		core->member_id[0] = '\0';
	member_lose_all(core);
}

static void take_refusal(struct member_core *core, enum member_action action,
			 const struct member_answer *answer, int64_t now)
{
	switch (answer->code) {
	case WIRE_UNKNOWN_MEMBER_ID:
		fall_out(core, true);
		return;
	case WIRE_ILLEGAL_GENERATION:
		fall_out(core, false);
		return;
	case WIRE_REBALANCE_IN_PROGRESS:
		/* Begun while a plan was made, or told to a heartbeat. */
		if (action == MEMBER_SYNC || action == MEMBER_BEAT)
			core->must_rejoin = true;
		else
			member_pause(core, now);
		if (action == MEMBER_SYNC)
			core->phase = MEMBER_OUT;
		return;
	default:
		break;
	}
	if (member_take_retriable(core, answer->code, now)) {
		if (action == MEMBER_SYNC)
			core->phase = MEMBER_OUT;
		return;
	}
	member_fail_code(core, answer->code, answer->text);
}

static void take_join(struct member_core *core,
		      const struct member_answer *answer)
{
	const struct assignor *assignor = assignor_by_name(answer->assignor);

	if (assignor == NULL || member_set_id(core, answer->member_id) < 0) {
		member_fail_code(core, WIRE_INCONSISTENT_GROUP_PROTOCOL, NULL);
		return;
	}
	core->assignor = assignor;
	core->generation = answer->generation;
	core->is_leader = answer->is_leader;
	core->is_planned = !answer->is_leader;
	core->phase = MEMBER_JOINED;
	core->must_rejoin = false;
}

static void take_assignment(struct member_core *core,
			    const struct member_answer *answer, int64_t now)
{
	struct partition_set *given = answer->assignment;

	assert(given != NULL);
	core->phase = MEMBER_STABLE;
	core->beats = 0;
	core->beat_at_ms = now + core->heartbeat_interval_ms;
	partition_set_copy(given, &core->last);
	core->last_generation = core->generation;
	partition_set_minus(&core->owned, given, &core->giving);
	partition_set_minus(given, &core->owned, &core->news);
	partition_set_union(given, &core->giving, &core->owned);
	core->has_news = true;
}

void member_classic_answered(struct member_core *core,
			     enum member_action action,
			     const struct member_answer *answer, int64_t now)
{
	if (action == MEMBER_JOIN && answer->code == WIRE_MEMBER_ID_REQUIRED) {
		if (member_set_id(core, answer->member_id) < 0)
			core->owned.failed = true;
		return;
	}
	if (answer->code != WIRE_NONE)
		take_refusal(core, action, answer, now);
	else if (action == MEMBER_JOIN)
		take_join(core, answer);
	else if (action == MEMBER_SYNC)
		take_assignment(core, answer, now);
	else
		core->beats++;
}

static enum member_action start(struct member_core *core,
				enum member_action action)
{
	core->in_flight = action;
	return action;
}

static enum member_action beat(struct member_core *core, int64_t now,
			       int64_t *wake)
{
	int64_t at = core->beat_at_ms > core->retry_at_ms ? core->beat_at_ms
							  : core->retry_at_ms;

	if (core->in_flight != MEMBER_NOTHING)
		return MEMBER_NOTHING;
	if (now < at) {
		*wake = at;
		return MEMBER_NOTHING;
	}
	core->beat_at_ms = now + core->heartbeat_interval_ms;
	return start(core, MEMBER_BEAT);
}

/* JOIN, once all is given up that must be, and committed. */
static enum member_action join(struct member_core *core, int64_t now,
			       int64_t *wake)
{
	if (core->is_eager && core->owned.count > 0) {
		partition_set_copy(&core->owned, &core->giving);
		member_give_up(core);
		return MEMBER_REVOKE;
	}
	if (core->in_flight != MEMBER_NOTHING || !core->is_ready)
		return MEMBER_NOTHING;
	if (core->is_committing)
		return core->phase == MEMBER_STABLE ? beat(core, now, wake)
						    : MEMBER_NOTHING;
	if (now < core->retry_at_ms) {
		*wake = core->retry_at_ms;
		return MEMBER_NOTHING;
	}
	core->phase = MEMBER_OUT;
	return start(core, MEMBER_JOIN);
}

static enum member_action classic_next(struct member_core *core, int64_t now,
				       int64_t *wake)
{
	if (core->phase == MEMBER_JOINED && core->in_flight == MEMBER_NOTHING &&
	    !core->is_leaving) {
		if (!core->is_planned)
			return start(core, MEMBER_PLAN);
		return start(core, MEMBER_SYNC);
	}
	if (core->phase == MEMBER_STABLE && !core->is_revoking &&
	    !core->is_leaving && core->giving.count > 0) {
		/* What moves: when it is given up the group meets again. */
		core->must_rejoin = true;
		member_give_up(core);
		return MEMBER_REVOKE;
	}
	if (core->is_revoking || core->is_leaving)
		return core->phase == MEMBER_STABLE ? beat(core, now, wake)
						    : MEMBER_NOTHING;
	if (core->phase == MEMBER_OUT || core->must_rejoin)
		return join(core, now, wake);
	return beat(core, now, wake);
}

/* A static member's place is kept for it. */
static bool classic_has_goodbye(const struct member_core *core)
{
	return core->member_id[0] != '\0' && core->instance_id == NULL;
}

const struct member_protocol member_classic = {
	.name = "classic",
	.next = classic_next,
	.has_goodbye = classic_has_goodbye,
};
