/*
 * classic_rebalance.c - how a classic group gets from one generation to the
 * next
 *
 * Empty -> PreparingRebalance: the first member joins; others are given
 * group.initial.rebalance.delay.ms.
 *
 * Stable, CompletingRebalance -> PreparingRebalance: who joins, leaves or is
 * not heard of makes all join again.
 *
 * PreparingRebalance -> CompletingRebalance: all have joined, or the longest
 * rebalance timeout is over.
 *
 * CompletingRebalance -> Stable: the leader's assignments are in the log.
 *
 * PreparingRebalance -> Empty: nobody is left, and the log says so.
 *
 * A member that does not sync within the rebalance timeout is out.  Whatever
 * the log refuses is tried again: there is no state of which it knows nothing
 * and that nothing leads out of.
 */
#include "classic_group.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "wire/error_codes.h"

static void complete(struct group *group);

static struct group *group_of_join(struct group_timer *timer)
{
	struct classic_group *classic =
		(struct classic_group *)((char *)timer -
					 offsetof(struct classic_group,
						  join_timer));

	return classic->group;
}

/* All have joined who will */

static void remove_absent(struct classic_group *classic)
{
	struct classic_member *member;
	struct classic_member *next;

	HASH_ITER(hh, classic->members, member, next)
	{
		if (!member->awaits_join && slice_is_null(member->instance_id))
			classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
	}
}

/* The leader stays if it has joined.  Returns false when nobody has. */
static bool elect_leader(struct classic_group *classic)
{
	if (classic->leader != NULL && classic->leader->awaits_join)
		return true;
	for (struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next) {
		if (m->awaits_join) {
			classic->leader = m;
			return true;
		}
	}
	return false;
}

static void on_rebalance_timeout(struct group_shard *shard,
				 struct group_timer *timer)
{
	(void)shard;
	complete(group_of_join(timer));
}

static void wait_for_joins(struct group *group, int64_t ms)
{
	struct group_timer *timer = &group->classic->join_timer;

	timer->fire = on_rebalance_timeout;
	group_timer_set(group->shard, timer, group->shard->now_ms + ms);
}

static void on_sync_timeout(struct group_shard *shard,
			    struct group_timer *timer)
{
	struct classic_group *classic =
		(struct classic_group *)((char *)timer -
					 offsetof(struct classic_group,
						  sync_timer));
	struct classic_member *member;
	struct classic_member *next;

	(void)shard;
	if (classic->owing == 0)
		return; /* who owed has gone */
	HASH_ITER(hh, classic->members, member, next)
	{
		if (member->owes_sync)
			classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
	}
	classic_rebalance_begin(classic->group, "members did not sync in time",
				SLICE_NULL);
}

static void answer_joined(struct classic_member *member)
{
	struct classic_group *classic = member->group->classic;
	bool is_leader = classic->leader == member;
	struct group_ask *ask = member->join;

	if (member->awaits_join) {
		member->awaits_join = false;
		classic->joined--;
	}
	if (ask != NULL)
		classic_answer_joined(ask, member->group,
				      &(struct classic_joined){
					      .member_id = member->id,
					      .leader = classic->leader->id,
					      .with_members = is_leader,
				      });
	member->is_new = false;
	member->owes_sync = true;
	classic->owing++;
	classic_member_expect(member, member->session_timeout_ms);
}

/* Returns false when there was no memory. */
static bool next_generation(struct group *group)
{
	struct classic_group *classic = group->classic;
	struct slice protocol;

	if (classic_text_copy(classic_group_vote(classic, NULL, NULL),
			      &protocol) < 0)
		return false;
	classic_text_set(group, &classic->protocol, protocol);
	classic->generation++;
	classic->owing = 0;
	classic_topics_reset(classic);
	classic_group_set_state(group, CLASSIC_COMPLETING);
	for (struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		answer_joined(m);
	classic->sync_timer.fire = on_sync_timeout;
	group_timer_set(group->shard, &classic->sync_timer,
			group->shard->now_ms +
				classic_group_rebalance_ms(classic));
	return true;
}

/* Nobody is left: true when the log says so too. */
static bool become_empty(struct group *group)
{
	return classic_record_commit(
		       group,
		       &(struct classic_record){
			       .generation = group->classic->generation + 1,
		       }) == 0;
}

static void complete(struct group *group)
{
	struct classic_group *classic = group->classic;

	assert(classic->state == CLASSIC_PREPARING);
	group_timer_stop(group->shard, &classic->join_timer);
	remove_absent(classic);
	if (classic->members == NULL) {
		if (!become_empty(group))
			wait_for_joins(group, CLASSIC_RETRY_MS);
	} else if (!elect_leader(classic)) {
		/* Static members only, which have a session to come back.  A
		 * rebalance timeout of 0 must not have us try without end. */
		int32_t wait_ms = classic_group_rebalance_ms(classic);

		wait_for_joins(group, wait_ms > CLASSIC_RETRY_MS
					      ? wait_ms
					      : CLASSIC_RETRY_MS);
	} else if (!next_generation(group)) {
		wait_for_joins(group, CLASSIC_RETRY_MS);
	}
}

/* The first rebalance of a group */

static int32_t smaller(int32_t a, int32_t b)
{
	return a < b ? a : b;
}

static int32_t not_below_0(int32_t a)
{
	return a > 0 ? a : 0;
}

/* Whenever another member has come, wait as long again, but not longer than
 * the rebalance timeout in all. */
static void on_initial_delay(struct group_shard *shard,
			     struct group_timer *timer)
{
	struct group *group = group_of_join(timer);
	struct classic_group *classic = group->classic;
	int32_t delay_ms = classic->delay_ms;

	if (!classic->has_new_members || classic->remaining_ms == 0) {
		complete(group);
		return;
	}
	classic->has_new_members = false;
	classic->delay_ms = smaller(shard->settings->initial_rebalance_delay_ms,
				    classic->remaining_ms);
	classic->remaining_ms = not_below_0(classic->remaining_ms - delay_ms);
	group_timer_set(shard, timer, shard->now_ms + classic->delay_ms);
}

static void begin_initial(struct group *group)
{
	struct classic_group *classic = group->classic;
	struct group_shard *shard = group->shard;

	classic->delay_ms =
		not_below_0(shard->settings->initial_rebalance_delay_ms);
	classic->remaining_ms = not_below_0(
		classic_group_rebalance_ms(classic) - classic->delay_ms);
	classic->join_timer.fire = on_initial_delay;
	group_timer_set(shard, &classic->join_timer,
			shard->now_ms + classic->delay_ms);
}

/* Beginning */

static void tell(const struct group *group, const char *why,
		 struct slice reason)
{
	int len = reason.len < CLASSIC_REASON_MAX ? (int)reason.len
						  : CLASSIC_REASON_MAX;
	char text[CLASSIC_REASON_MAX + 128];

	if (group->shard->tell == NULL)
		return;
	snprintf(text, sizeof(text), "%s; client reason: %.*s", why,
		 len > 0 ? len : 12,
		 len > 0 ? (const char *)reason.data : "not provided");
	group->shard->tell(group, text);
}

static void forget_syncs(struct group *group)
{
	struct classic_group *classic = group->classic;

	for (struct classic_member *m = classic->members; m != NULL;
	     m = m->hh.next)
		m->owes_sync = false;
	classic->owing = 0;
	group_timer_stop(group->shard, &classic->sync_timer);
}

void classic_rebalance_begin(struct group *group, const char *why,
			     struct slice reason)
{
	struct classic_group *classic = group->classic;
	bool is_initial = classic->state == CLASSIC_EMPTY;

	assert(classic->state != CLASSIC_PREPARING);
	if (classic->state == CLASSIC_COMPLETING)
		classic_rebalance_spread(group, WIRE_REBALANCE_IN_PROGRESS);
	forget_syncs(group);
	tell(group, why, reason);
	classic_group_set_state(group, CLASSIC_PREPARING);
	if (is_initial)
		begin_initial(group);
	else if (classic_group_all_joined(classic))
		complete(group);
	else
		wait_for_joins(group, classic_group_rebalance_ms(classic));
}

void classic_rebalance_continue(struct group *group)
{
	const struct classic_group *classic = group->classic;

	if (classic->state == CLASSIC_PREPARING &&
	    classic->previous != CLASSIC_EMPTY &&
	    classic_group_all_joined(classic))
		complete(group);
}

void classic_rebalance(struct group *group, const char *why,
		       struct slice reason)
{
	if (group->classic->state == CLASSIC_PREPARING)
		classic_rebalance_continue(group);
	else
		classic_rebalance_begin(group, why, reason);
}

/* Members' signs of life */

/* As in Kafka this cuts a first rebalance's delay short. */
static void go_on_without(struct group *group)
{
	const struct classic_group *classic = group->classic;

	if (classic->state == CLASSIC_PREPARING &&
	    classic_group_all_joined(classic))
		complete(group);
}

void classic_rebalance_expire(struct classic_member *member)
{
	struct group *group = member->group;

	/* Who waits has no way to show that it lives; but one that was in no
	 * generation yet may be a client that has asked again since. */
	if (!member->is_new && (member->awaits_join || member->awaits_sync))
		return;
	classic_member_remove(member, WIRE_UNKNOWN_MEMBER_ID);
	if (group->classic->state == CLASSIC_PREPARING)
		go_on_without(group);
	else
		classic_rebalance_begin(group, "a member was not heard of",
					SLICE_NULL);
}

void classic_rebalance_expire_pending(struct classic_pending *pending)
{
	struct group *group = pending->group;

	classic_pending_remove(pending);
	go_on_without(group);
	classic_group_release(group);
}

void classic_rebalance_synced(struct classic_member *member)
{
	struct group *group = member->group;
	struct classic_group *classic = group->classic;

	if (!member->owes_sync)
		return;
	member->owes_sync = false;
	if (--classic->owing == 0)
		group_timer_stop(group->shard, &classic->sync_timer);
}

void classic_rebalance_spread(struct group *group, int16_t error)
{
	for (struct classic_member *m = group->classic->members; m != NULL;
	     m = m->hh.next) {
		struct group_ask *ask = m->sync;

		if (!m->awaits_sync)
			continue;
		m->awaits_sync = false;
		if (ask != NULL && error != WIRE_NONE)
			classic_answer_sync_error(ask, error);
		else if (ask != NULL)
			classic_answer_synced(ask, m);
		classic_member_expect(m, m->session_timeout_ms);
	}
}
