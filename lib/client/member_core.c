/*
 * member_core.c - what a group member does next, whatever the protocol
 *
 * What is to be told goes before what is to be asked, so that the reader hears
 * of a loss before anything new begins.  One request of the membership is in
 * flight at a time.  A revocation is begun by REVOKE and ended by
 * member_revoked(), or by a loss; meanwhile only heartbeats go on.
 */
#include "client/member_core.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/errors.h"

int member_core_init(struct member_core *core,
		     const struct member_protocol *protocol)
{
	*core = (struct member_core){
		.protocol = protocol,
		.generation = -1,
		.last_generation = -1,
		.retry_ms = 100,
		.retry_max_ms = 1000,
		.heartbeat_interval_ms = 3000,
	};
	return member_set_id(core, "");
}

void member_core_clear(struct member_core *core)
{
	free(core->member_id);
	partition_set_clear(&core->owned);
	partition_set_clear(&core->target);
	partition_set_clear(&core->said);
	partition_set_clear(&core->giving);
	partition_set_clear(&core->last);
	partition_set_clear(&core->news);
	partition_set_clear(&core->told);
	*core = (struct member_core){ 0 };
}

int member_set_id(struct member_core *core, const char *id)
{
	char *copy = strdup(id);

	if (copy == NULL)
		return -ENOMEM;
	free(core->member_id);
	core->member_id = copy;
	return 0;
}

void member_fail(struct member_core *core, const struct client_error *error)
{
	if (core->error.kind == CLIENT_OK)
		core->error = *error;
}

void member_fail_code(struct member_core *core, int16_t code, const char *text)
{
	struct client_error error;
	char subject[320];

	snprintf(subject, sizeof(subject), "group '%s'", core->group_id);
	client_error_from_code(&error, code, subject, text);
	member_fail(core, &error);
}

void member_pause(struct member_core *core, int64_t now_ms)
{
	if (core->pause_ms == 0)
		core->pause_ms = core->retry_ms;
	core->retry_at_ms = now_ms + core->pause_ms;
	core->pause_ms *= 2;
	if (core->pause_ms > core->retry_max_ms)
		core->pause_ms = core->retry_max_ms;
}

bool member_take_retriable(struct member_core *core, int16_t code,
			   int64_t now_ms)
{
	if (code == WIRE_NOT_COORDINATOR ||
	    code == WIRE_COORDINATOR_NOT_AVAILABLE)
		core->has_coordinator = false;
	else if (!wire_error_is_retriable(code))
		return false;
	member_pause(core, now_ms);
	return true;
}

void member_lose_all(struct member_core *core)
{
	core->phase = MEMBER_OUT;
	core->generation = -1;
	core->is_leader = false;
	core->must_rejoin = false;
	core->must_lose = core->owned.count > 0;
	core->is_revoking = false;
	core->has_news = false;
	core->has_target = false;
	core->beats = 0;
	partition_set_reset(&core->giving);
	partition_set_reset(&core->target);
	partition_set_reset(&core->said);
}

void member_give_up(struct member_core *core)
{
	assert(!core->is_revoking && core->giving.count > 0);
	core->is_revoking = true;
	partition_set_copy(&core->giving, &core->told);
}

/*
 * Events
 */

void member_found(struct member_core *core, int16_t code, const char *text,
		  int64_t now_ms)
{
	assert(core->in_flight == MEMBER_FIND);
	core->in_flight = MEMBER_NOTHING;
	if (code == WIRE_NONE) {
		core->has_coordinator = true;
		return;
	}
	if (!member_take_retriable(core, code, now_ms))
		member_fail_code(core, code, text);
}

void member_chosen(struct member_core *core,
		   const struct member_protocol *protocol)
{
	assert(core->in_flight == MEMBER_CHOOSE);
	core->in_flight = MEMBER_NOTHING;
	core->protocol = protocol;
}

static void take_goodbye(struct member_core *core, int16_t code, int64_t now)
{
	if (member_take_retriable(core, code, now))
		return;
	core->said_goodbye = true;
}

void member_answered(struct member_core *core,
		     const struct member_answer *answer, int64_t now_ms)
{
	enum member_action action = core->in_flight;

	core->in_flight = MEMBER_NOTHING;
	if (answer->code == WIRE_NONE)
		core->pause_ms = 0;
	if (action == MEMBER_LEAVE)
		take_goodbye(core, answer->code, now_ms);
	else if (core->protocol == &member_classic)
		member_classic_answered(core, action, answer, now_ms);
	else
		member_consumer_answered(core, answer, now_ms);
}

void member_failed(struct member_core *core, int64_t now_ms)
{
	enum member_action action = core->in_flight;

	core->in_flight = MEMBER_NOTHING;
	core->has_coordinator = false;
	core->must_say_all = true;
	/* Whether it has heard us nobody knows: the place was not taken. */
	if (core->phase == MEMBER_JOINED)
		core->phase = MEMBER_OUT;
	if (action == MEMBER_LEAVE)
		core->said_goodbye = true;
	core->beat_at_ms = now_ms;
	member_pause(core, now_ms);
}

void member_planned(struct member_core *core)
{
	if (core->in_flight != MEMBER_PLAN)
		return;
	core->in_flight = MEMBER_NOTHING;
	core->is_planned = true;
}

void member_revoked(struct member_core *core)
{
	if (!core->is_revoking)
		return;
	core->is_revoking = false;
	core->beats = 0;
	core->must_beat = true;
	partition_set_remove(&core->owned, &core->giving);
	partition_set_reset(&core->giving);
}

void member_refused(struct member_core *core, int16_t code, int64_t now_ms)
{
	struct member_answer answer = { .code = code };
	bool is_classic = core->protocol == &member_classic;

	switch (code) {
	case WIRE_NOT_COORDINATOR:
	case WIRE_COORDINATOR_NOT_AVAILABLE:
		member_take_retriable(core, code, now_ms);
		return;
	case WIRE_STALE_MEMBER_EPOCH:
		core->must_say_all = true;
		core->must_beat = true;
		return;
	case WIRE_UNKNOWN_MEMBER_ID:
	case WIRE_FENCED_INSTANCE_ID:
		break;
	case WIRE_ILLEGAL_GENERATION:
	case WIRE_REBALANCE_IN_PROGRESS:
		if (!is_classic)
			return;
		break;
	case WIRE_FENCED_MEMBER_EPOCH:
		if (is_classic)
			return;
		break;
	default:
		return;
	}
	if (core->phase != MEMBER_STABLE)
		return;
	if (is_classic)
		member_classic_answered(core, MEMBER_BEAT, &answer, now_ms);
	else
		member_consumer_answered(core, &answer, now_ms);
}

void member_rejoin(struct member_core *core)
{
	core->must_rejoin = true;
	core->must_say_all = true;
	core->must_beat = true;
}

void member_leave(struct member_core *core)
{
	core->is_leaving = true;
}

void member_end(struct member_core *core)
{
	core->must_end = true;
}

/*
 * What is next
 */

/* What is to be told, whatever else there is. */
static enum member_action next_told(struct member_core *core)
{
	if (core->must_lose) {
		core->must_lose = false;
		partition_set_move(&core->owned, &core->told);
		return MEMBER_LOSE;
	}
	if (core->has_news) {
		core->has_news = false;
		partition_set_move(&core->news, &core->told);
		return MEMBER_ASSIGN;
	}
	return MEMBER_NOTHING;
}

static enum member_action end(struct member_core *core)
{
	bool has_failed = core->error.kind != CLIENT_OK || core->must_end;

	/* What it still has is no longer looked after. */
	if (has_failed && core->owned.count > 0)
		member_lose_all(core);
	if (has_failed && core->must_lose)
		return next_told(core);
	core->has_ended = true;
	return MEMBER_END;
}

/* The end, step by step; NOTHING: heartbeats may go on meanwhile. */
static enum member_action next_leaving(struct member_core *core, bool *is_over)
{
	*is_over = false;
	if (core->is_revoking)
		return MEMBER_NOTHING;
	if (core->owned.count > 0) {
		partition_set_copy(&core->owned, &core->giving);
		member_give_up(core);
		return MEMBER_REVOKE;
	}
	if (core->is_committing)
		return MEMBER_NOTHING;
	*is_over = true;
	return MEMBER_NOTHING;
}

static bool is_memory_out(const struct member_core *core)
{
	return core->owned.failed || core->target.failed || core->said.failed ||
	       core->giving.failed || core->last.failed || core->news.failed ||
	       core->told.failed;
}

static enum member_action next_goodbye(struct member_core *core, int64_t now,
				       int64_t *wake)
{
	/* A JoinGroup may wait for long: the shell breaks it off. */
	if (core->in_flight == MEMBER_BEAT || core->in_flight == MEMBER_LEAVE)
		return MEMBER_NOTHING;
	if (core->said_goodbye || !core->has_coordinator ||
	    !core->protocol->has_goodbye(core))
		return end(core);
	if (now < core->retry_at_ms) {
		*wake = core->retry_at_ms;
		return MEMBER_NOTHING;
	}
	core->in_flight = MEMBER_LEAVE;
	return MEMBER_LEAVE;
}

static enum member_action start(struct member_core *core,
				enum member_action action)
{
	core->in_flight = action;
	return action;
}

enum member_action member_next(struct member_core *core, int64_t now_ms,
			       int64_t *wake_at_ms)
{
	enum member_action action;
	bool is_over = false;

	*wake_at_ms = INT64_MAX;
	if (core->has_ended)
		return MEMBER_NOTHING;
	if (is_memory_out(core)) {
		client_error_set(&core->error, CLIENT_REFUSED, -ENOMEM,
				 "out of memory");
		return end(core);
	}
	if (core->error.kind != CLIENT_OK || core->must_end)
		return end(core);
	action = next_told(core);
	if (action == MEMBER_NOTHING && core->is_leaving)
		action = next_leaving(core, &is_over);
	if (action != MEMBER_NOTHING)
		return action;
	if (is_over)
		return next_goodbye(core, now_ms, wake_at_ms);
	if (core->in_flight != MEMBER_NOTHING && core->in_flight != MEMBER_BEAT)
		return MEMBER_NOTHING;
	if (!core->has_coordinator && core->in_flight == MEMBER_NOTHING) {
		if (now_ms >= core->retry_at_ms)
			return start(core, MEMBER_FIND);
		*wake_at_ms = core->retry_at_ms;
		return MEMBER_NOTHING;
	}
	return core->protocol->next(core, now_ms, wake_at_ms);
}

/*
 * Not chosen yet
 */

static enum member_action undecided_next(struct member_core *core,
					 int64_t now_ms, int64_t *wake_at_ms)
{
	(void)now_ms;
	*wake_at_ms = INT64_MAX;
	return core->in_flight == MEMBER_NOTHING ? start(core, MEMBER_CHOOSE)
						 : MEMBER_NOTHING;
}

static bool has_no_goodbye(const struct member_core *core)
{
	(void)core;
	return false;
}

const struct member_protocol member_undecided = {
	.name = "",
	.next = undecided_next,
	.has_goodbye = has_no_goodbye,
};
