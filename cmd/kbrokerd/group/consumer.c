/*
 * consumer.c - the consumer group protocol (KIP-848): heartbeats
 *
 * A heartbeat joins, tells what has changed for the member, and asks what has
 * changed for it.  Who is heard of for the first time is a member from then
 * on; what it asks for that the group does not have makes a new epoch of the
 * group; each epoch has one set of targets; and each member goes its own way
 * to its own target (consumer_reconcile.c).
 */
#include "kbrokerd/group/consumer.h"

#include "kbrokerd/group/classic.h"
#include "kbrokerd/group/consumer_turn.h"
#include "kbrokerd/group/migrate.h"
#include "wire/error_codes.h"
#include "wire/wire.h"

typedef struct consumer_group_heartbeat_request request_type;
typedef struct consumer_group_heartbeat_response response_type;

/* From this version on the client makes the member's id (KIP-1082). */
enum { VERSION_OF_CLIENT_IDS = 1 };

/* One heartbeat. */
struct beat {
	struct group_ask *ask;
	const request_type *request;
	struct consumer_turn turn;
	char made_id[UUID_TEXT_LEN + 1];
	bool has_migrated; /* the group was a classic one until now */
};

/* Answers */

static response_type *new_response(struct group_ask *ask)
{
	response_type *r = arena_alloc(ask->arena, sizeof(*r));

	if (r != NULL)
		wire_init(&consumer_group_heartbeat_response_desc, r);
	return r;
}

static void refuse_ask(struct group_ask *ask, int16_t error, const char *text,
		       int64_t offset)
{
	response_type *r = new_response(ask);

	if (r != NULL) {
		r->error_code = error;
		r->error_message = arena_copy(
			ask->arena, slice_of(text == NULL ? "" : text));
	}
	group_ask_answer(ask, r, offset);
}

/* What the member has, copied: the group may change before it is sent. */
static bool put_assignment(struct arena *arena, const struct assignment *a,
			   response_type *r)
{
	static const struct assignment nothing;
	struct assignment copy;

	r->assignment = arena_calloc(arena, 1, sizeof(*r->assignment));
	if (r->assignment == NULL ||
	    assignment_union(arena, a, &nothing, &copy) != 0)
		return false;
	r->assignment->topic_partitions = assignment_to_wire(arena, &copy);
	r->assignment->topic_partitions_count = copy.count;
	return r->assignment->topic_partitions != NULL;
}

/* A request that leaves nothing out wants everything answered. */
static bool is_full(const request_type *request)
{
	return request->rebalance_timeout_ms != -1 &&
	       (request->subscribed_topic_names_count >= 0 ||
		!slice_is_null(request->subscribed_topic_regex)) &&
	       request->topic_partitions_count >= 0;
}

static response_type *member_response(const struct beat *beat)
{
	const struct consumer_turn *turn = &beat->turn;
	const struct group_topics *topics = turn->shard->topics;
	struct arena *arena = beat->ask->arena;
	response_type *r = new_response(beat->ask);
	struct group_consumer_settings settings;
	const struct assignment *assigned = &turn->progress.assigned;

	if (r == NULL)
		return NULL;
	topics->consumer_settings(topics, turn->c->group->id, &settings);
	r->member_id = arena_copy(arena, turn->member_id);
	r->member_epoch = turn->progress.epoch;
	r->heartbeat_interval_ms = settings.heartbeat_interval_ms;
	if (slice_is_null(r->member_id))
		return NULL;
	if (beat->request->member_epoch != EPOCH_JOIN &&
	    !is_full(beat->request) && turn->member != NULL &&
	    assignment_equal(assigned, &turn->member->progress.assigned))
		return r;
	return put_assignment(arena, assigned, r) ? r : NULL;
}

/* What is wrong with a request, whatever the group is. */

static bool is_blank(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] > ' ')
			return false;
	}
	return !slice_is_null(text);
}

static const char *fault_of_join(const request_type *request)
{
	if (request->rebalance_timeout_ms == -1)
		return "RebalanceTimeoutMs must be provided in first request.";
	if (request->topic_partitions_count < 0 ||
	    request->topic_partitions_count > 0)
		return "TopicPartitions must be empty when (re-)joining.";
	if (request->subscribed_topic_names_count < 0 &&
	    slice_is_null(request->subscribed_topic_regex))
		return "Either SubscribedTopicNames or SubscribedTopicRegex "
		       "must be non-null when (re-)joining.";
	return NULL;
}

static const char *find_fault(const request_type *request, int16_t version)
{
	bool needs_id = version >= VERSION_OF_CLIENT_IDS ||
			request->member_epoch > 0 ||
			request->member_epoch == EPOCH_LEAVE;

	if (needs_id && is_blank(request->member_id))
		return "MemberId can't be empty.";
	if (is_blank(request->group_id))
		return "GroupId can't be empty.";
	if (is_blank(request->instance_id))
		return "InstanceId can't be empty.";
	if (is_blank(request->rack_id))
		return "RackId can't be empty.";
	if (request->member_epoch == EPOCH_JOIN)
		return fault_of_join(request);
	if (request->member_epoch < EPOCH_LEAVE_STATIC)
		return "MemberEpoch is invalid.";
	if (request->member_epoch == EPOCH_LEAVE_STATIC &&
	    slice_is_null(request->instance_id))
		return "InstanceId can't be null.";
	return NULL;
}

static bool has_assignor(const struct group_settings *settings,
			 struct slice name)
{
	for (int32_t i = 0; i < settings->assignor_count; i++) {
		if (slice_is(name, settings->assignors[i]))
			return true;
	}
	return slice_is_null(name);
}

static const char *assignor_fault(struct arena *arena,
				  const struct group_settings *settings,
				  struct slice name)
{
	const char *list = "";

	for (int32_t i = 0; list != NULL && i < settings->assignor_count; i++)
		list = arena_printf(arena, "%s%s%s", list, i > 0 ? ", " : "",
				    settings->assignors[i]);
	return arena_printf(arena,
			    "ServerAssignor %.*s is not supported. "
			    "Supported assignors: %s.",
			    (int)name.len, (const char *)name.data,
			    list == NULL ? "" : list);
}

/* Who it is from */

/* An epoch before the last is that of a member whose answer was lost, if it
 * has nothing but what it was given since. */
static int16_t check_epoch(struct beat *beat,
			   const struct consumer_member *member)
{
	const request_type *request = beat->request;
	const struct consumer_progress *p = &member->progress;
	struct assignment owned;
	struct assignment others;
	struct arena *arena = &beat->turn.arena;
	bool is_older = request->member_epoch < p->epoch;

	if (request->member_epoch == EPOCH_JOIN ||
	    request->member_epoch == p->epoch)
		return 0;
	if (is_older && request->member_epoch == p->previous_epoch &&
	    request->topic_partitions_count >= 0 &&
	    assignment_from_wire(arena, request->topic_partitions,
				 request->topic_partitions_count,
				 &owned) == 0 &&
	    assignment_split(arena, &owned, &p->assigned, false, &others) ==
		    0 &&
	    others.count == 0)
		return 0;
	return consumer_refuse(&beat->turn, WIRE_FENCED_MEMBER_EPOCH,
			       "The consumer group member has a %s member "
			       "epoch (%d) than the one known by the group "
			       "coordinator (%d). The member must abandon all "
			       "its partitions and rejoin.",
			       is_older ? "smaller" : "greater",
			       request->member_epoch, p->epoch);
}

static int16_t take_dynamic(struct beat *beat, struct slice id)
{
	struct consumer_turn *turn = &beat->turn;
	struct consumer_member *member = consumer_find(turn->c, id);
	int16_t error;

	if (member == NULL && beat->request->member_epoch != EPOCH_JOIN)
		return consumer_refuse(
			turn, WIRE_UNKNOWN_MEMBER_ID,
			"Member %.*s is not a member of group %.*s.",
			(int)id.len, (const char *)id.data,
			(int)turn->c->group->id.len,
			(const char *)turn->c->group->id.data);
	if (member == NULL)
		return consumer_turn_take(turn, id, NULL, NULL);
	error = check_epoch(beat, member);
	if (error != 0)
		return error;
	return consumer_turn_take(turn, id, member, NULL);
}

int16_t consumer_check_instance(struct consumer_turn *turn,
				const struct consumer_member *member,
				struct slice member_id,
				struct slice instance_id)
{
	if (member == NULL)
		return consumer_refuse(turn, WIRE_UNKNOWN_MEMBER_ID,
				       "Instance id %.*s is unknown.",
				       (int)instance_id.len,
				       (const char *)instance_id.data);
	if (slice_equal(member->id, member_id))
		return 0;
	return consumer_refuse(
		turn, WIRE_FENCED_INSTANCE_ID,
		"Static member %.*s with instance id %.*s was "
		"fenced by member %.*s.",
		(int)member_id.len, (const char *)member_id.data,
		(int)instance_id.len, (const char *)instance_id.data,
		(int)member->id.len, (const char *)member->id.data);
}

/* Who joins as an instance takes the place of the member that had it, once
 * that has left for a while. */
static int16_t take_static(struct beat *beat, struct slice id)
{
	struct consumer_turn *turn = &beat->turn;
	struct slice instance_id = beat->request->instance_id;
	struct consumer_member *old =
		consumer_find_instance(turn->c, instance_id);
	int16_t error;

	if (beat->request->member_epoch != EPOCH_JOIN) {
		error = consumer_check_instance(turn, old, id, instance_id);
		if (error == 0)
			error = check_epoch(beat, old);
		if (error != 0)
			return error;
		return consumer_turn_take(turn, id, old, NULL);
	}
	if (old == NULL)
		return consumer_turn_take(turn, id, consumer_find(turn->c, id),
					  NULL);
	if (old->facts.classic == NULL &&
	    old->progress.epoch != EPOCH_LEAVE_STATIC)
		return consumer_refuse(
			turn, WIRE_UNRELEASED_INSTANCE_ID,
			"Static member %.*s with instance id %.*s cannot join "
			"the group because the instance id is owned by %.*s "
			"member.",
			(int)id.len, (const char *)id.data,
			(int)instance_id.len, (const char *)instance_id.data,
			(int)old->id.len, (const char *)old->id.data);
	return consumer_turn_take(turn, id, NULL, old);
}

static int16_t check_room(struct consumer_turn *turn, struct slice id)
{
	int32_t most = turn->shard->settings->consumer_max_size;

	if (turn->c->member_count < most ||
	    (id.len > 0 && consumer_find(turn->c, id) != NULL))
		return 0;
	return consumer_refuse(turn, WIRE_GROUP_MAX_SIZE_REACHED,
			       "The consumer group has reached its maximum "
			       "capacity of %d members.",
			       most);
}

static int16_t take_member(struct beat *beat)
{
	struct slice id = beat->request->member_id;
	int16_t error = check_room(&beat->turn, id);

	if (error != 0)
		return error;
	if (id.len == 0) {
		uuid_format(uuid_random(beat->turn.shard->random),
			    beat->made_id);
		id = slice_of(beat->made_id);
	}
	if (slice_is_null(beat->request->instance_id))
		return take_dynamic(beat, id);
	return take_static(beat, id);
}

/* What it says */

static void put_if_given(struct slice *to, struct slice given)
{
	if (!slice_is_null(given))
		*to = given;
}

static int16_t take_facts(struct beat *beat)
{
	struct consumer_turn *turn = &beat->turn;
	struct consumer_facts *facts = &turn->facts;
	const request_type *request = beat->request;

	put_if_given(&facts->instance_id, request->instance_id);
	put_if_given(&facts->rack_id, request->rack_id);
	put_if_given(&facts->assignor, request->server_assignor);
	facts->client_id = beat->ask->client_id;
	facts->client_host = beat->ask->client_host;
	facts->classic = NULL;
	if (request->rebalance_timeout_ms != -1)
		facts->rebalance_timeout_ms = request->rebalance_timeout_ms;
	return consumer_turn_subscribe(turn, request->subscribed_topic_names,
				       request->subscribed_topic_names_count,
				       request->subscribed_topic_regex);
}

/* The member as it shall be, its group, its target, its next step. */
static int16_t decide(struct beat *beat)
{
	struct consumer_turn *turn = &beat->turn;
	const request_type *request = beat->request;
	bool names_changed, pattern_changed, topics_changed;
	struct assignment owned;
	int16_t error = take_member(beat);

	if (error == 0)
		error = take_facts(beat);
	if (error != 0)
		return error;
	consumer_turn_facts(turn, &names_changed, &pattern_changed);
	error = consumer_turn_patterns(turn, &topics_changed);
	if (error == 0)
		error = consumer_turn_advance(
			turn, turn->epoch == 0 || names_changed ||
				      pattern_changed || topics_changed);
	if (error != 0)
		return error;
	if (request->topic_partitions_count >= 0 &&
	    assignment_from_wire(&turn->arena, request->topic_partitions,
				 request->topic_partitions_count, &owned) != 0)
		return consumer_refuse(turn, WIRE_COORDINATOR_NOT_AVAILABLE,
				       "out of memory");
	return consumer_turn_reconcile(
		turn, request->topic_partitions_count < 0 ? NULL : &owned,
		names_changed || pattern_changed);
}

/* The group that it names */

static int16_t no_group(struct beat *beat, const char *format)
{
	struct slice id = beat->request->group_id;

	beat->turn.error = WIRE_GROUP_ID_NOT_FOUND;
	beat->turn.error_text = arena_printf(
		beat->ask->arena, format, (int)id.len, (const char *)id.data);
	return beat->turn.error;
}

/* Find it, make it, or make it out of a classic one.  Returns an error code;
 * then the turn has not begun. */
static int16_t enter_group(struct group_shard *shard, struct beat *beat)
{
	struct slice id = beat->request->group_id;
	bool joins = beat->request->member_epoch == EPOCH_JOIN;
	struct group *group =
		joins ? group_get(shard, id) : group_find(shard, id);
	int16_t error = 0;

	if (group == NULL && joins)
		return WIRE_COORDINATOR_NOT_AVAILABLE;
	if (group == NULL)
		return no_group(beat, "Consumer group %.*s not found.");
	if (group->consumer == NULL && !joins)
		return no_group(beat, "Group %.*s is not a consumer group.");
	if (group->classic != NULL && classic_has_members(group)) {
		error = migrate_to_consumer(group, beat->ask->arena,
					    &beat->turn.error_text);
		beat->has_migrated = error == 0;
	}
	if (error != 0)
		return error;
	if (consumer_get(group) == NULL) {
		group_drop_if_void(group);
		return WIRE_COORDINATOR_NOT_AVAILABLE;
	}
	consumer_turn_init(&beat->turn, shard, group->consumer);
	if (group->classic != NULL)
		classic_delete(group, &beat->turn.changes);
	return 0;
}

static void set_timers(const struct consumer_turn *turn)
{
	struct consumer_member *member =
		consumer_find(turn->c, turn->member_id);

	consumer_set_session(member);
	if (turn->has_moved)
		consumer_set_rebalance(member);
}

static void heartbeat(struct group_shard *shard, struct beat *beat)
{
	struct consumer_turn *turn = &beat->turn;
	int16_t error = enter_group(shard, beat);
	response_type *r = NULL;
	struct group *group;

	if (error != 0) {
		refuse_ask(beat->ask, error, turn->error_text, 0);
		return;
	}
	group = turn->c->group;
	error = decide(beat);
	if (error == 0)
		r = member_response(beat);
	if (error == 0 && r == NULL)
		error = WIRE_COORDINATOR_NOT_AVAILABLE;
	if (error == 0)
		error = consumer_turn_commit(turn);
	if (error == 0) {
		set_timers(turn);
		group_ask_answer(beat->ask, r, group->offset);
	} else {
		refuse_ask(beat->ask, error, turn->error_text, group->offset);
	}
	consumer_turn_clear(turn);
	/* All for nothing: then it goes on as it was. */
	if (error != 0 && beat->has_migrated)
		migrate_back(group->consumer, false);
	consumer_drop_if_void(group);
}

void consumer_heartbeat(struct group_shard *shard, struct group_ask *ask,
			const struct consumer_group_heartbeat_request *request)
{
	const char *fault = find_fault(request, ask->version);

	if (fault != NULL) {
		refuse_ask(ask, WIRE_INVALID_REQUEST, fault, 0);
	} else if (!has_assignor(shard->settings, request->server_assignor)) {
		refuse_ask(ask, WIRE_UNSUPPORTED_ASSIGNOR,
			   assignor_fault(ask->arena, shard->settings,
					  request->server_assignor),
			   0);
	} else if (request->member_epoch == EPOCH_LEAVE ||
		   request->member_epoch == EPOCH_LEAVE_STATIC) {
		consumer_leave(shard, ask, request);
	} else {
		struct beat beat = { .ask = ask, .request = request };

		heartbeat(shard, &beat);
	}
}
