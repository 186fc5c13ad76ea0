/*
 * consumer_leave.c - members that go: they say so, are not heard of, or give
 * up too late what they must
 *
 * Who goes takes its partitions with it: they are free at once.  Targets are
 * made anew by the next heartbeat of another.
 */
#include <stddef.h>

#include "kbrokerd/group/consumer_turn.h"
#include "kbrokerd/group/migrate.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

/* When a record cannot be written now, a deadline comes again. */
enum { AGAIN_MS = 1000 };

static void unmark(struct consumer_group *c)
{
	struct consumer_member *member;

	for (member = c->members; member != NULL; member = member->hh.next)
		member->is_leaving = false;
}

int16_t consumer_fence(struct group_shard *shard, struct consumer_group *c)
{
	struct consumer_turn turn;
	const struct consumer_member *member;
	int16_t error;

	if (migrate_is_due(c)) {
		error = migrate_to_classic(c, true);
		if (error != 0 && !shard->broken)
			unmark(c);
		return error;
	}
	consumer_turn_init(&turn, shard, c);
	for (member = c->members; member != NULL; member = member->hh.next) {
		if (member->is_leaving)
			consumer_unwrite_member(&turn, member->id);
	}
	consumer_turn_drop_patterns(&turn);
	error = consumer_turn_bump(&turn, true);
	if (error == 0)
		error = consumer_turn_commit(&turn);
	if (error != 0)
		unmark(c);
	consumer_turn_clear(&turn);
	return error;
}

int16_t consumer_fence_member(struct consumer_member *member)
{
	struct consumer_group *c = member->consumer;

	member->is_leaving = true;
	return consumer_fence(c->group->shard, c);
}

/* Deadlines */

static void fence_late(struct group_shard *shard, struct group_timer *timer,
		       struct consumer_member *member)
{
	if (consumer_fence_member(member) != 0)
		group_timer_set(shard, timer, shard->now_ms + AGAIN_MS);
}

#define MEMBER_OF(timer, field)                                                \
	((struct consumer_member *)(void *)((char *)(timer)-offsetof(          \
		struct consumer_member, field)))

static void on_session_end(struct group_shard *shard, struct group_timer *timer)
{
	fence_late(shard, timer, MEMBER_OF(timer, session_timer));
}

static void on_rebalance_end(struct group_shard *shard,
			     struct group_timer *timer)
{
	fence_late(shard, timer, MEMBER_OF(timer, rebalance_timer));
}

void consumer_set_session(struct consumer_member *member)
{
	struct group *group = member->consumer->group;
	struct group_shard *shard = group->shard;
	struct group_consumer_settings settings;
	int32_t timeout_ms;

	shard->topics->consumer_settings(shard->topics, group->id, &settings);
	timeout_ms = member->facts.classic == NULL
			     ? settings.session_timeout_ms
			     : member->facts.classic->session_timeout_ms;
	member->session_timer.fire = on_session_end;
	group_timer_set(shard, &member->session_timer,
			shard->now_ms + timeout_ms);
}

void consumer_set_rebalance(struct consumer_member *member)
{
	struct group_shard *shard = member->consumer->group->shard;
	const struct consumer_progress *p = &member->progress;
	bool must_revoke = p->state == WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS &&
			   p->epoch != EPOCH_LEAVE_STATIC &&
			   member->facts.classic == NULL;

	if (!must_revoke) {
		group_timer_stop(shard, &member->rebalance_timer);
		return;
	}
	member->rebalance_timer.fire = on_rebalance_end;
	group_timer_set(shard, &member->rebalance_timer,
			shard->now_ms + member->facts.rebalance_timeout_ms);
}

void consumer_loaded(struct group *group)
{
	struct consumer_group *c = group->consumer;
	struct consumer_member *member;
	struct consumer_member *next;

	if (c == NULL)
		return;
	HASH_ITER(hh, c->members, member, next)
	{
		if (!member->is_member) {
			member->has_target = false;
			member->has_progress = false;
			consumer_forget_if_void(member);
			continue;
		}
		consumer_set_session(member);
		consumer_set_rebalance(member);
	}
	migrate_later(c);
}

/* LeaveGroup, the new way */

typedef struct consumer_group_heartbeat_response response_type;

static response_type *new_response(struct group_ask *ask,
				   struct slice member_id, int32_t epoch)
{
	response_type *r = arena_alloc(ask->arena, sizeof(*r));

	if (r == NULL)
		return NULL;
	wire_init(&consumer_group_heartbeat_response_desc, r);
	r->member_id = arena_copy(ask->arena, member_id);
	r->member_epoch = epoch;
	return r;
}

/* It comes back: its partitions wait for it as long as its session lasts. */
static int16_t leave_for_a_while(struct consumer_turn *turn,
				 struct consumer_member *member)
{
	struct consumer_progress progress = member->progress;
	int16_t error;

	progress.epoch = EPOCH_LEAVE_STATIC;
	progress.revoking = (struct assignment){ 0 };
	consumer_write_progress(turn, member->id, &progress);
	error = consumer_turn_commit(turn);
	if (error == 0)
		consumer_set_rebalance(member);
	return error;
}

static int16_t find_leaver(
	struct consumer_turn *turn,
	const struct consumer_group_heartbeat_request *request,
	struct consumer_member **out)
{
	struct slice id = request->member_id;

	if (!slice_is_null(request->instance_id)) {
		*out = consumer_find_instance(turn->c, request->instance_id);
		return consumer_check_instance(turn, *out, id,
					       request->instance_id);
	}
	*out = consumer_find(turn->c, id);
	if (*out != NULL)
		return 0;
	return consumer_refuse(turn, WIRE_UNKNOWN_MEMBER_ID,
			       "Member %.*s is not a member of group %.*s.",
			       (int)id.len, (const char *)id.data,
			       (int)request->group_id.len,
			       (const char *)request->group_id.data);
}

void consumer_leave(struct group_shard *shard, struct group_ask *ask,
		    const struct consumer_group_heartbeat_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	response_type *r =
		new_response(ask, request->member_id, request->member_epoch);
	struct consumer_member *member = NULL;
	struct consumer_turn turn;
	int64_t offset;
	int16_t error;

	if (r != NULL && (group == NULL || group->consumer == NULL)) {
		r->member_id = SLICE_NULL;
		r->member_epoch = 0;
		r->error_code = WIRE_GROUP_ID_NOT_FOUND;
		r->error_message =
			slice_of("there is no consumer group of that name");
	}
	if (r == NULL || r->error_code != 0) {
		group_ask_answer(ask, r, 0);
		return;
	}
	consumer_turn_init(&turn, shard, group->consumer);
	error = find_leaver(&turn, request, &member);
	if (error == 0 && request->member_epoch == EPOCH_LEAVE_STATIC)
		error = leave_for_a_while(&turn, member);
	else if (error == 0)
		error = consumer_fence_member(member);
	if (error != 0) {
		r->member_id = SLICE_NULL;
		r->member_epoch = 0;
		r->error_code = error;
		r->error_message =
			arena_copy(ask->arena, slice_of(turn.error_text));
	}
	offset = group->offset;
	consumer_turn_clear(&turn);
	group_ask_answer(ask, r, offset);
}
