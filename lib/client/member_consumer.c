/*
 * member_consumer.c - a member of a consumer group (KIP-848)
 *
 * One request does it all.  The coordinator says what the member is to have
 * (target); it gives up what is not among it, takes what is new, and says so
 * with the next heartbeat, at once.  Epoch 0 joins.
 */
#include "client/member_core.h"
#include "wire/errors.h"

static void take_refusal(struct member_core *core,
			 const struct member_answer *answer, int64_t now)
{
	switch (answer->code) {
	case WIRE_UNKNOWN_MEMBER_ID:
	case WIRE_FENCED_MEMBER_EPOCH:
		member_lose_all(core);
		core->must_say_all = true;
		member_pause(core, now);
		return;
	case WIRE_UNSUPPORTED_VERSION:
	case WIRE_GROUP_ID_NOT_FOUND:
		if (!core->may_fall_back || core->phase != MEMBER_OUT)
			break;
		core->protocol = &member_classic;
		if (member_set_id(core, "") < 0)
			core->owned.failed = true;
		return;
	default:
		break;
	}
	if (member_take_retriable(core, answer->code, now)) {
		core->must_say_all = true;
		return;
	}
	member_fail_code(core, answer->code, answer->text);
}

void member_retarget(struct member_core *core,
		     const struct partition_set *target)
{
	partition_set_copy(target, &core->target);
	core->beats = 0;
	/* The first is told even if it is empty. */
	if (!core->has_target && core->target.count == 0)
		core->has_news = true;
	core->has_target = true;
}

void member_consumer_answered(struct member_core *core,
			      const struct member_answer *answer, int64_t now)
{
	if (answer->code != WIRE_NONE) {
		take_refusal(core, answer, now);
		return;
	}
	if (answer->member_id != NULL && answer->member_id[0] != '\0' &&
	    member_set_id(core, answer->member_id) < 0)
		core->owned.failed = true;
	if (core->phase == MEMBER_OUT)
		core->must_rejoin = false;
	core->phase = MEMBER_STABLE;
	core->generation = answer->generation;
	core->beats++;
	if (answer->interval_ms > 0)
		core->heartbeat_interval_ms = answer->interval_ms;
	core->beat_at_ms = now + core->heartbeat_interval_ms;
	if (answer->assignment == NULL)
		return;
	member_retarget(core, answer->assignment);
}

/* Move towards the target: REVOKE, ASSIGN, or NOTHING. */
static enum member_action reconcile(struct member_core *core)
{
	partition_set_minus(&core->owned, &core->target, &core->giving);
	if (core->giving.count > 0) {
		member_give_up(core);
		return MEMBER_REVOKE;
	}
	partition_set_minus(&core->target, &core->owned, &core->told);
	if (core->told.count == 0)
		return MEMBER_NOTHING;
	partition_set_copy(&core->target, &core->owned);
	core->must_beat = true;
	return MEMBER_ASSIGN;
}

void member_beat_parts(struct member_core *core, bool *all_out,
		       bool *partitions_out)
{
	*all_out = core->phase == MEMBER_OUT || core->must_say_all;
	*partitions_out =
		*all_out || !partition_set_equal(&core->owned, &core->said);
	core->must_say_all = false;
	partition_set_copy(&core->owned, &core->said);
}

static bool has_something_to_say(const struct member_core *core)
{
	return core->must_beat && core->phase == MEMBER_STABLE &&
	       (core->must_say_all ||
		!partition_set_equal(&core->owned, &core->said));
}

static enum member_action consumer_next(struct member_core *core, int64_t now,
					int64_t *wake)
{
	enum member_action action = MEMBER_NOTHING;
	int64_t at = core->phase == MEMBER_OUT || has_something_to_say(core)
			     ? now
			     : core->beat_at_ms;

	if (!core->is_revoking && !core->is_leaving && core->has_target)
		action = reconcile(core);
	if (action != MEMBER_NOTHING)
		return action;
	if (core->in_flight != MEMBER_NOTHING || !core->is_ready ||
	    (core->is_leaving && core->phase == MEMBER_OUT))
		return MEMBER_NOTHING;
	if (at < core->retry_at_ms)
		at = core->retry_at_ms;
	if (now < at) {
		*wake = at;
		return MEMBER_NOTHING;
	}
	core->must_beat = false;
	core->in_flight = MEMBER_BEAT;
	return MEMBER_BEAT;
}

static bool consumer_has_goodbye(const struct member_core *core)
{
	return core->phase == MEMBER_STABLE;
}

const struct member_protocol member_consumer = {
	.name = "consumer",
	.next = consumer_next,
	.has_goodbye = consumer_has_goodbye,
};
