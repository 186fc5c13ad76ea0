/*
 * consumer_classic.c - members that speak the classic protocol in a consumer
 * group, while it moves from one to the other
 *
 * For such a member a JoinGroup is a full heartbeat, its answer names the
 * member's epoch as the generation, and SyncGroup hands out what it has now.
 * It is told to join again (REBALANCE_IN_PROGRESS) when there is a newer epoch,
 * when it must give up partitions, and when those that it waits for are free.
 * Nobody leads, and nothing is waited for.
 */
#include <stddef.h>

#include "kbrokerd/group/classic.h"
#include "kbrokerd/group/consumer_embedded.h"
#include "kbrokerd/group/consumer_turn.h"
#include "kbrokerd/group/memory.h"
#include "kbrokerd/group/migrate.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

enum {
	JOIN_VERSION_OF_IDS = 4, /* KIP-394: who has no id is given one */
	JOIN_VERSION_OF_NO_PROTOCOL = 7, /* null where there is none */
	LEAVE_VERSION_OF_MANY = 3,       /* KIP-345 */
};

static const char consumer_type[] = "consumer";

typedef struct
	consumer_group_member_metadata_value_classic_member_metadata_supported_protocols
		classic_protocol;

/* Deadlines */

#define MEMBER_OF(timer, field)                                                \
	((struct consumer_member *)(void *)((char *)(timer)-offsetof(          \
		struct consumer_member, field)))

enum { AGAIN_MS = 1000 };

static void fence_late(struct group_shard *shard, struct group_timer *timer,
		       struct consumer_member *member)
{
	if (consumer_fence_member(member) != 0)
		group_timer_set(shard, timer, shard->now_ms + AGAIN_MS);
}

static void on_join_late(struct group_shard *shard, struct group_timer *timer)
{
	fence_late(shard, timer, MEMBER_OF(timer, join_timer));
}

static void on_sync_late(struct group_shard *shard, struct group_timer *timer)
{
	fence_late(shard, timer, MEMBER_OF(timer, sync_timer));
}

static void set_timer(struct consumer_member *member, struct group_timer *timer,
		      void (*fire)(struct group_shard *, struct group_timer *))
{
	struct group_shard *shard = member->consumer->group->shard;

	timer->fire = fire;
	group_timer_set(shard, timer,
			shard->now_ms + member->facts.rebalance_timeout_ms);
}

/* From when it was told first. */
static void expect_join(struct consumer_member *member)
{
	if (!member->join_timer.is_set)
		set_timer(member, &member->join_timer, on_join_late);
}

/* Who it is from */

/* Returns an error code. */
static int16_t find_member(const struct group *group, struct slice member_id,
			   struct slice instance_id,
			   struct consumer_member **out)
{
	const struct consumer_group *c = group == NULL ? NULL : group->consumer;

	*out = NULL;
	if (c == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	*out = slice_is_null(instance_id)
		       ? consumer_find(c, member_id)
		       : consumer_find_instance(c, instance_id);
	if (*out == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	if (!slice_equal((*out)->id, member_id))
		return WIRE_FENCED_INSTANCE_ID;
	return (*out)->facts.classic == NULL ? WIRE_UNKNOWN_MEMBER_ID : 0;
}

/* JoinGroup */

struct join {
	struct group_ask *ask;
	const struct join_group_request *request;
	struct consumer_turn turn;
	char made_id[UUID_TEXT_LEN + 1];
	struct slice id;
	bool changed; /* what it wants */
};

static struct join_group_response *join_response(struct group_ask *ask)
{
	struct join_group_response *r = arena_alloc(ask->arena, sizeof(*r));

	if (r != NULL) {
		wire_init(&join_group_response_desc, r);
		r->leader = slice_of("");
	}
	return r;
}

static void refuse_join(struct join *join, int16_t error)
{
	struct join_group_response *r = join_response(join->ask);

	if (r != NULL) {
		r->error_code = error;
		if (join->ask->version >= JOIN_VERSION_OF_NO_PROTOCOL)
			r->protocol_name = SLICE_NULL;
		r->member_id = arena_copy(join->ask->arena,
					  slice_is_null(join->id) ? slice_of("")
								  : join->id);
		if (slice_is_null(r->member_id))
			r = NULL;
	}
	group_ask_answer(join->ask, r, 0);
}

static int32_t count_support(const struct consumer_group *c, struct slice name)
{
	const struct consumer_member *member;
	int32_t count = 0;

	for (member = c->members; member != NULL; member = member->hh.next) {
		const consumer_classic *classic = member->facts.classic;

		for (int32_t i = 0;
		     classic != NULL && i < classic->supported_protocols_count;
		     i++)
			count += slice_equal(
				classic->supported_protocols[i].name, name);
	}
	return count;
}

/* Is one of its protocols known to all the others that are classic? */
static bool is_supported(const struct consumer_group *c,
			 const struct join_group_request *request)
{
	if (!slice_is(request->protocol_type, consumer_type))
		return false;
	for (int32_t i = 0; i < request->protocols_count; i++) {
		if (count_support(c, request->protocols[i].name) ==
		    c->classic_count)
			return true;
	}
	return false;
}

static int16_t take_static(struct join *join)
{
	struct consumer_turn *turn = &join->turn;
	struct slice instance_id = join->request->group_instance_id;
	struct consumer_member *old =
		consumer_find_instance(turn->c, instance_id);
	int16_t error;

	if (join->request->member_id.len > 0) {
		error = consumer_check_instance(turn, old, join->id,
						instance_id);
		if (error != 0)
			return error;
		return consumer_turn_take(turn, join->id, old, NULL);
	}
	return consumer_turn_take(turn, join->id, NULL, old);
}

static int16_t take_member(struct join *join)
{
	struct consumer_turn *turn = &join->turn;

	if (!slice_is_null(join->request->group_instance_id))
		return take_static(join);
	return consumer_turn_take(turn, join->id,
				  consumer_find(turn->c, join->id), NULL);
}

static int16_t take_protocols(struct join *join)
{
	const struct join_group_request *request = join->request;
	size_t count = (size_t)request->protocols_count;
	struct arena *arena = &join->turn.arena;
	consumer_classic *classic = arena_calloc(arena, 1, sizeof(*classic));
	classic_protocol *protocols =
		arena_calloc(arena, count, sizeof(*protocols));

	if (classic == NULL || protocols == NULL)
		return consumer_refuse(&join->turn,
				       WIRE_COORDINATOR_NOT_AVAILABLE,
				       "out of memory");
	for (size_t i = 0; i < count; i++) {
		protocols[i].name = request->protocols[i].name;
		protocols[i].metadata = request->protocols[i].metadata;
	}
	classic->session_timeout_ms = request->session_timeout_ms;
	classic->supported_protocols = protocols;
	classic->supported_protocols_count = request->protocols_count;
	join->turn.facts.classic = classic;
	return 0;
}

static int16_t take_facts(struct join *join,
			  const struct consumer_protocol_subscription *wanted)
{
	const struct join_group_request *request = join->request;
	struct consumer_facts *facts = &join->turn.facts;
	int16_t error = take_protocols(join);

	if (error != 0)
		return error;
	if (!slice_is_null(request->group_instance_id))
		facts->instance_id = request->group_instance_id;
	if (wanted->rack_id.len > 0)
		facts->rack_id = wanted->rack_id;
	facts->client_id = join->ask->client_id;
	facts->client_host = join->ask->client_host;
	facts->rebalance_timeout_ms =
		classic_rebalance_timeout_ms(join->ask, request);
	return consumer_turn_subscribe(&join->turn, wanted->topics,
				       wanted->topics_count, slice_of(""));
}

/* A full heartbeat, in other words. */
static int16_t decide(struct join *join)
{
	struct consumer_turn *turn = &join->turn;
	struct consumer_protocol_subscription wanted;
	bool names_changed, pattern_changed, topics_changed;
	struct assignment owned;
	int16_t error = take_member(join);

	if (error != 0)
		return error;
	if (embedded_read_subscription(join->request->protocols[0].metadata,
				       &turn->arena, &wanted) != 0)
		return consumer_refuse(turn, WIRE_UNKNOWN_SERVER_ERROR,
				       "the subscription cannot be read");
	error = take_facts(join, &wanted);
	if (error != 0)
		return error;
	consumer_turn_facts(turn, &names_changed, &pattern_changed);
	error = consumer_turn_patterns(turn, &topics_changed);
	join->changed = names_changed || pattern_changed;
	if (error == 0)
		error = consumer_turn_advance(turn,
					      join->changed || topics_changed);
	if (error != 0)
		return error;
	if (embedded_find_topics(&turn->arena, turn->shard->topics,
				 wanted.owned_partitions,
				 wanted.owned_partitions_count, &owned) != 0)
		return consumer_refuse(turn, WIRE_COORDINATOR_NOT_AVAILABLE,
				       "out of memory");
	return consumer_turn_reconcile(turn, &owned, join->changed);
}

static struct join_group_response *joined(const struct join *join)
{
	struct arena *arena = join->ask->arena;
	struct join_group_response *r = join_response(join->ask);

	if (r == NULL)
		return NULL;
	r->member_id = arena_copy(arena, join->id);
	r->generation_id = join->turn.progress.epoch;
	r->protocol_type = slice_of(consumer_type);
	r->protocol_name = arena_copy(arena, join->request->protocols[0].name);
	return slice_is_null(r->member_id) || slice_is_null(r->protocol_name)
		       ? NULL
		       : r;
}

static void set_timers(struct consumer_member *member)
{
	group_timer_stop(member->consumer->group->shard, &member->join_timer);
	consumer_set_session(member);
	consumer_set_rebalance(member);
	set_timer(member, &member->sync_timer, on_sync_late);
}

static void join_group(struct group *group, struct join *join)
{
	struct consumer_turn *turn = &join->turn;
	struct join_group_response *r = NULL;
	int16_t error;

	consumer_turn_init(turn, group->shard, group->consumer);
	error = decide(join);
	if (error == 0)
		r = joined(join);
	if (error == 0 && r == NULL)
		error = WIRE_COORDINATOR_NOT_AVAILABLE;
	if (error == 0)
		error = consumer_turn_commit(turn);
	if (error == 0)
		set_timers(consumer_find(turn->c, join->id));
	consumer_turn_clear(turn);
	/* It may have taken the place of the last that was none. */
	if (error == 0 && turn->replaced != NULL)
		migrate_back(group->consumer, join->changed);
	if (error != 0)
		refuse_join(join, error);
	else
		group_ask_answer(join->ask, r, group->offset);
}

static int16_t check_join(const struct group *group, const struct join *join)
{
	const struct consumer_group *c = group->consumer;
	int32_t most = group->shard->settings->consumer_max_size;

	if (c->member_count >= most && consumer_find(c, join->id) == NULL)
		return WIRE_GROUP_MAX_SIZE_REACHED;
	if (consumer_find(c, join->id) == NULL &&
	    group_memory_is_full(group->shard, 0))
		return WIRE_POLICY_VIOLATION;
	if (!is_supported(c, join->request))
		return WIRE_INCONSISTENT_GROUP_PROTOCOL;
	if (join->request->member_id.len == 0 &&
	    slice_is_null(join->request->group_instance_id) &&
	    join->ask->version >= JOIN_VERSION_OF_IDS)
		return WIRE_MEMBER_ID_REQUIRED;
	return 0;
}

void consumer_classic_join(struct group_shard *shard, struct group_ask *ask,
			   const struct join_group_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	struct join join = {
		.ask = ask,
		.request = request,
		.id = request->member_id,
	};
	int16_t error;

	if (request->member_id.len == 0) {
		uuid_format(uuid_random(shard->random), join.made_id);
		join.id = slice_of(join.made_id);
	}
	error = check_join(group, &join);
	if (error != 0)
		refuse_join(&join, error);
	else
		join_group(group, &join);
}

/* SyncGroup */

static bool names_other(struct slice given, struct slice own)
{
	return !slice_is_null(given) && !slice_equal(given, own);
}

static int16_t check_sync(struct consumer_member *member,
			  const struct sync_group_request *request)
{
	const struct consumer_progress *p = &member->progress;

	if (p->epoch != request->generation_id)
		return WIRE_ILLEGAL_GENERATION;
	if (names_other(request->protocol_type, slice_of(consumer_type)) ||
	    names_other(request->protocol_name,
			member->facts.classic->supported_protocols[0].name))
		return WIRE_INCONSISTENT_GROUP_PROTOCOL;
	if (member->consumer->epoch > p->epoch &&
	    p->state != WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS) {
		expect_join(member);
		return WIRE_REBALANCE_IN_PROGRESS;
	}
	return 0;
}

static bool put_synced(struct arena *arena, const struct consumer_member *m,
		       const struct sync_group_request *request,
		       struct sync_group_response *r)
{
	r->assignment = embedded_write_assignment(
		arena, m->consumer->group->shard->topics, &m->progress.assigned,
		m->facts.classic->supported_protocols[0].metadata);
	r->protocol_type = arena_copy(arena, request->protocol_type);
	r->protocol_name = arena_copy(arena, request->protocol_name);
	return !slice_is_null(r->assignment);
}

void consumer_classic_sync(struct group_shard *shard, struct group_ask *ask,
			   const struct sync_group_request *request)
{
	const struct group *group = group_find(shard, request->group_id);
	struct sync_group_response *r = arena_alloc(ask->arena, sizeof(*r));
	struct consumer_member *member;
	int16_t error = find_member(group, request->member_id,
				    request->group_instance_id, &member);

	if (error == 0)
		error = check_sync(member, request);
	if (r == NULL) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	wire_init(&sync_group_response_desc, r);
	r->assignment = slice_of("");
	r->error_code = error;
	if (error == 0) {
		group_timer_stop(shard, &member->sync_timer);
		consumer_set_session(member);
		if (!put_synced(ask->arena, member, request, r))
			r = NULL;
	}
	group_ask_answer(ask, r, group == NULL ? 0 : group->offset);
}

/* Heartbeat */

/* What it still shall get is others'. */
static bool waits_for_others(const struct consumer_member *member)
{
	const struct assignment *target = &member->target;

	for (int32_t i = 0; i < target->count; i++) {
		const struct assignment_topic *t = &target->topics[i];

		for (int32_t k = 0; k < t->count; k++) {
			if (!assignment_has(&member->progress.assigned, &t->id,
					    t->partitions[k]) &&
			    consumer_owner(member->consumer, &t->id,
					   t->partitions[k]) != NULL)
				return true;
		}
	}
	return false;
}

static int16_t beat(struct consumer_member *member, int32_t generation)
{
	const struct consumer_progress *p = &member->progress;

	if (p->epoch != generation)
		return WIRE_ILLEGAL_GENERATION;
	consumer_set_session(member);
	if (p->epoch < member->consumer->epoch ||
	    p->state == WIRE_MEMBER_STATE_UNREVOKED_PARTITIONS ||
	    (p->state == WIRE_MEMBER_STATE_UNRELEASED_PARTITIONS &&
	     !waits_for_others(member))) {
		expect_join(member);
		return WIRE_REBALANCE_IN_PROGRESS;
	}
	return 0;
}

void consumer_classic_heartbeat(struct group_shard *shard,
				struct group_ask *ask,
				const struct heartbeat_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	struct heartbeat_response *r = arena_alloc(ask->arena, sizeof(*r));
	struct consumer_member *member;
	int16_t error = find_member(group, request->member_id,
				    request->group_instance_id, &member);

	if (error == 0)
		error = beat(member, request->generation_id);
	if (r != NULL) {
		wire_init(&heartbeat_response_desc, r);
		r->error_code = error;
	}
	group_ask_answer(ask, r, group == NULL ? 0 : group->offset);
}

/* LeaveGroup */

/* A static one may be sent away by its instance id alone; and so may members
 * that speak KIP-848, as in Kafka: operators have no other request for that. */
static int16_t mark_leaver(const struct consumer_group *c,
			   const struct leave_group_request_members *who)
{
	struct consumer_member *member =
		slice_is_null(who->group_instance_id)
			? consumer_find(c, who->member_id)
			: consumer_find_instance(c, who->group_instance_id);

	if (member == NULL)
		return WIRE_UNKNOWN_MEMBER_ID;
	if (who->member_id.len > 0 && !slice_equal(member->id, who->member_id))
		return WIRE_FENCED_INSTANCE_ID;
	member->is_leaving = true;
	return 0;
}

static bool put_leaver(struct arena *arena,
		       const struct leave_group_request_members *who,
		       struct leave_group_response_members *out)
{
	out->member_id = arena_copy(arena, who->member_id);
	out->group_instance_id = arena_copy(arena, who->group_instance_id);
	return !slice_is_null(out->member_id) &&
	       slice_is_null(out->group_instance_id) ==
		       slice_is_null(who->group_instance_id);
}

static int16_t leave(struct group *group, struct arena *arena,
		     const struct leave_group_request_members *who,
		     int32_t count, struct leave_group_response *r)
{
	int32_t leaving = 0;

	r->members =
		wire_array(&leave_group_response_members_desc, arena, count);
	if (r->members == NULL)
		return WIRE_COORDINATOR_NOT_AVAILABLE;
	r->members_count = count;
	for (int32_t i = 0; i < count; i++) {
		if (!put_leaver(arena, &who[i], &r->members[i]))
			return WIRE_COORDINATOR_NOT_AVAILABLE;
	}
	for (int32_t i = 0; i < count; i++) {
		r->members[i].error_code =
			mark_leaver(group->consumer, &who[i]);
		leaving += r->members[i].error_code == 0;
	}
	if (leaving == 0)
		return 0;
	return consumer_fence(group->shard, group->consumer);
}

void consumer_classic_leave(struct group_shard *shard, struct group_ask *ask,
			    const struct leave_group_request *request)
{
	struct group *group = group_find(shard, request->group_id);
	struct leave_group_request_members one = {
		.member_id = request->member_id,
		.group_instance_id = SLICE_NULL,
	};
	bool many = ask->version >= LEAVE_VERSION_OF_MANY;
	struct leave_group_response *r = arena_alloc(ask->arena, sizeof(*r));

	if (r == NULL) {
		group_ask_answer(ask, NULL, 0);
		return;
	}
	wire_init(&leave_group_response_desc, r);
	r->error_code = leave(group, ask->arena, many ? request->members : &one,
			      many ? request->members_count : 1, r);
	if (r->error_code == 0 && !many)
		r->error_code = r->members[0].error_code;
	group_ask_answer(ask, r, group->offset);
}
