/*
 * group_classic.c - the requests of a classic group's member
 *
 * The member that leads makes the plan: it waits for the metadata of all
 * topics that any member reads, and lets the assignor divide them.  As long as
 * it leads it watches those topics: where one grows, appears or goes, the
 * group meets again.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "client/group_state.h"
#include "wire/errors.h"
#include "wire/messages.h"

/* JoinGroup is answered when all have come; a little later it never is. */
enum { JOIN_GRACE_MS = 5000 };

static const char protocol_type[] = "consumer";

static struct slice instance_of(const struct group_member *m)
{
	return slice_of(m->core.instance_id);
}

/* The request, in m->request; NULL after out of memory, dealt with. */
static void *begin(struct group_member *m, int16_t api_key)
{
	assert(m->request == NULL);
	m->request = client_request_new(m->client, api_key);
	if (m->request == NULL) {
		group_no_memory(m);
		return NULL;
	}
	return client_request_message(m->request);
}

static void send(struct group_member *m, int64_t timeout_ms,
		 void (*on_done)(void *arg, struct client_request *request))
{
	client_send(m->request, m->coordinator, timeout_ms, on_done, m);
}

/*
 * JoinGroup
 */

static void on_joined(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	const struct join_group_response *r;
	struct member_answer answer = { 0 };

	assert(request == m->request);
	m->request = NULL;
	if (!group_has_answer(m, request)) {
		client_request_free(request);
		group_pump(m);
		return;
	}
	r = client_request_answer(request);
	answer.code = r->error_code;
	answer.generation = r->generation_id;
	answer.assignor = r->protocol_name;
	answer.is_leader = slice_equal(r->leader, r->member_id) &&
			   r->error_code == WIRE_NONE;
	answer.member_id =
		arena_text(client_request_arena(request), r->member_id);
	if (answer.member_id == NULL)
		group_no_memory(m);
	if (answer.code != WIRE_MEMBER_ID_REQUIRED)
		group_take_code(m, answer.code, "JoinGroup");
	if (answer.member_id != NULL)
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
	group_plan_clear(&m->plan);
	if (answer.is_leader && !r->skip_assignment)
		m->plan.join = request;
	else
		client_request_free(request);
	group_pump(m);
}

static int put_protocols(struct group_member *m, struct join_group_request *q,
			 struct arena *arena)
{
	const struct member_core *core = &m->core;
	struct consumer_facts facts = {
		.topics = (const char *const *)m->topics.all,
		.topic_count = m->topics.all_count,
		.owned = &core->owned,
		.generation = core->generation,
		.last = &core->last,
		.last_generation = core->last_generation,
		.rack = m->config->client_rack[0] == '\0'
				? NULL
				: m->config->client_rack,
	};

	q->protocols = wire_array(&join_group_request_protocols_desc, arena,
				  (int32_t)m->assignor_count);
	if (q->protocols == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->assignor_count; i++) {
		struct buffer bytes = { 0 };
		int rc = consumer_subscription_encode(m->assignors[i], &facts,
						      &bytes);

		q->protocols[i].name = slice_of(m->assignors[i]->name);
		q->protocols[i].metadata =
			arena_copy(arena, buffer_slice(&bytes));
		buffer_clear(&bytes);
		if (rc < 0 || slice_is_null(q->protocols[i].metadata))
			return -ENOMEM;
		q->protocols_count++;
	}
	return 0;
}

void group_join(struct group_member *m)
{
	struct join_group_request *q = begin(m, API_JOIN_GROUP);
	const struct client_config *config = m->config;

	if (q == NULL)
		return;
	q->group_id = slice_of(config->group_id);
	q->session_timeout_ms = (int32_t)config->session_timeout_ms;
	q->rebalance_timeout_ms = (int32_t)config->max_poll_interval_ms;
	q->member_id = slice_of(m->core.member_id);
	q->group_instance_id = instance_of(m);
	q->protocol_type = slice_of(protocol_type);
	if (put_protocols(m, q, client_request_arena(m->request)) < 0) {
		group_no_memory(m);
		return;
	}
	send(m, config->max_poll_interval_ms + JOIN_GRACE_MS, on_joined);
}

/*
 * The plan
 */

void group_plan_clear(struct group_plan *plan)
{
	for (size_t i = 0; i < plan->member_count; i++)
		consumer_subscription_clear(&plan->subscriptions[i]);
	free(plan->subscriptions);
	for (size_t i = 0; i < plan->topic_count; i++)
		free(plan->topics[i]);
	free(plan->topics);
	client_request_free(plan->join);
	*plan = (struct group_plan){ 0 };
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int add_topic(struct group_plan *plan, const char *name)
{
	char **more = reallocarray(plan->topics, plan->topic_count + 1,
				   sizeof(*more));

	if (more == NULL)
		return -ENOMEM;
	plan->topics = more;
	more[plan->topic_count] = strdup(name);
	if (more[plan->topic_count] == NULL)
		return -ENOMEM;
	plan->topic_count++;
	return 0;
}

static void sort_topics(struct group_plan *plan)
{
	size_t kept = 0;

	if (plan->topic_count > 0)
		qsort(plan->topics, plan->topic_count, sizeof(*plan->topics),
		      compare_texts);
	for (size_t i = 0; i < plan->topic_count; i++) {
		if (kept > 0 &&
		    strcmp(plan->topics[kept - 1], plan->topics[i]) == 0)
			free(plan->topics[i]);
		else
			plan->topics[kept++] = plan->topics[i];
	}
	plan->topic_count = kept;
}

/* Who reads what; a subscription that makes no sense reads nothing. */
static int read_subscriptions(struct group_member *m)
{
	struct group_plan *plan = &m->plan;
	const struct join_group_response *r = client_request_answer(plan->join);

	plan->subscriptions = calloc((size_t)r->members_count + 1,
				     sizeof(*plan->subscriptions));
	if (plan->subscriptions == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < r->members_count; i++) {
		struct consumer_subscription *s = &plan->subscriptions[i];
		int rc = consumer_subscription_decode(
			m->core.assignor, r->members[i].metadata, s);

		plan->member_count++;
		if (rc == -ENOMEM)
			return rc;
		if (rc < 0) {
			group_note(m,
				   "group '%s': member %.*s does not say "
				   "properly what it reads",
				   m->config->group_id,
				   (int)r->members[i].member_id.len,
				   r->members[i].member_id.data);
			s->topic_count = 0;
		}
		for (size_t t = 0; t < s->topic_count; t++) {
			if (add_topic(plan, s->topics[t]) < 0)
				return -ENOMEM;
		}
		if (i % 64 == 63)
			sort_topics(plan);
	}
	sort_topics(plan);
	return 0;
}

/* 0 for a topic that is not there, or not known. */
static int32_t partitions_of(struct group_member *m, const char *topic)
{
	const struct client_topic *t = client_topic(m->client, topic);

	return t == NULL || !t->is_known || t->code != WIRE_NONE
		       ? 0
		       : t->partition_count;
}

static bool is_all_known(struct group_member *m)
{
	for (size_t i = 0; i < m->plan.topic_count; i++) {
		const struct client_topic *t =
			client_topic(m->client, m->plan.topics[i]);

		if (t != NULL && !t->is_known)
			return false;
	}
	return true;
}

/*
 * What a change would change.  Replicas that are in other racks now are no
 * news to a leader that has none.
 */
static uint64_t shape_of(struct group_member *m)
{
	uint64_t shape = 0;

	for (size_t i = 0; i < m->plan.topic_count; i++) {
		struct {
			uint64_t before;
			int64_t count;
		} step = { shape, partitions_of(m, m->plan.topics[i]) };

		shape = hash_bytes(&step, sizeof(step));
		if (step.count > 0 && m->config->client_rack[0] != '\0')
			shape = group_racks_shape(
				m, client_topic(m->client, m->plan.topics[i]),
				shape);
	}
	return shape;
}

void group_plan(struct group_member *m)
{
	if (m->plan.join == NULL) {
		/* As a static member whose place was kept. */
		member_planned(&m->core);
		return;
	}
	if (read_subscriptions(m) < 0) {
		group_no_memory(m);
		return;
	}
	m->plan.is_waiting = true;
	/* Asks for those that are new; what is old may be stale. */
	if (is_all_known(m))
		client_refresh(m->client);
	group_plan_check(m);
}

void group_plan_check(struct group_member *m)
{
	if (m->plan.is_waiting) {
		if (!is_all_known(m))
			return;
		m->plan.is_waiting = false;
		m->plan.shape = shape_of(m);
		member_planned(&m->core);
	} else if (m->core.is_leader && m->core.phase == MEMBER_STABLE &&
		   m->plan.topic_count > 0 && m->plan.shape != shape_of(m)) {
		group_note(m, "group '%s': its topics have changed",
			   m->config->group_id);
		m->plan.shape = shape_of(m);
		member_rejoin(&m->core);
	}
}

/*
 * SyncGroup
 */

/* For free(), and each member's assignment to clear; NULL on no memory. */
static struct assignor_member *members_of(const struct group_plan *plan,
					  struct arena *arena)
{
	const struct join_group_response *r = client_request_answer(plan->join);
	struct assignor_member *members =
		calloc(plan->member_count + 1, sizeof(*members));

	for (size_t i = 0; members != NULL && i < plan->member_count; i++) {
		const struct consumer_subscription *s = &plan->subscriptions[i];

		members[i] = (struct assignor_member){
			.id = arena_text(arena, r->members[i].member_id),
			.topics = s->topics,
			.topic_count = s->topic_count,
			.owned = s->owned,
			.generation = s->generation,
			.rack = s->rack,
		};
		if (!slice_is_null(r->members[i].group_instance_id))
			members[i].instance_id = arena_text(
				arena, r->members[i].group_instance_id);
		if (members[i].id == NULL) {
			free(members);
			return NULL;
		}
	}
	return members;
}

static bool knows_racks(const struct group_plan *plan)
{
	for (size_t i = 0; i < plan->member_count; i++) {
		if (plan->subscriptions[i].rack != NULL)
			return true;
	}
	return false;
}

static int divide(struct group_member *m, struct assignor_member *members,
		  struct arena *arena)
{
	struct assignor_topic *topics =
		arena_calloc(arena, m->plan.topic_count, sizeof(*topics));
	bool with_racks = knows_racks(&m->plan);
	size_t count = 0;

	if (topics == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < m->plan.topic_count; i++) {
		const char *name = m->plan.topics[i];
		struct assignor_topic *t = &topics[count];

		*t = (struct assignor_topic){ .name = name,
					      .partition_count =
						      partitions_of(m, name) };
		if (t->partition_count == 0)
			continue;
		if (with_racks)
			t->racks = group_racks(m, client_topic(m->client, name),
					       arena);
		if (with_racks && t->racks == NULL)
			return -ENOMEM;
		count++;
	}
	return m->core.assignor->assign(topics, count, members,
					m->plan.member_count);
}

static int put_assignment(const struct assignor_member *member,
			  struct sync_group_request_assignments *a,
			  struct arena *arena)
{
	struct buffer bytes = { 0 };
	int rc = consumer_assignment_encode(&member->assignment, &bytes);

	a->member_id = slice_of(member->id);
	a->assignment = arena_copy(arena, buffer_slice(&bytes));
	buffer_clear(&bytes);
	return rc < 0 || slice_is_null(a->assignment) ? -ENOMEM : 0;
}

static int put_assignments(struct group_member *m, struct sync_group_request *q)
{
	struct arena *arena = client_request_arena(m->request);
	size_t count = m->plan.member_count;
	struct assignor_member *members = members_of(&m->plan, arena);
	int rc = members == NULL ? -ENOMEM : divide(m, members, arena);

	if (rc == 0)
		q->assignments =
			wire_array(&sync_group_request_assignments_desc, arena,
				   (int32_t)count);
	if (q->assignments == NULL)
		rc = -ENOMEM;
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = put_assignment(&members[i],
				    &q->assignments[q->assignments_count++],
				    arena);
	for (size_t i = 0; members != NULL && i < count; i++)
		partition_set_clear(&members[i].assignment);
	free(members);
	return rc;
}

static void on_synced(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct partition_set assignment = { 0 };
	struct member_answer answer = { .assignment = &assignment };
	int rc = 0;

	assert(request == m->request);
	m->request = NULL;
	/* Topics are watched on, members not needed any more. */
	client_request_free(m->plan.join);
	m->plan.join = NULL;
	if (group_has_answer(m, request)) {
		const struct sync_group_response *r =
			client_request_answer(request);

		answer.code = r->error_code;
		if (answer.code == WIRE_NONE)
			rc = consumer_assignment_decode(r->assignment,
							&assignment);
		if (rc == -ENOMEM)
			group_no_memory(m);
		else if (rc < 0)
			member_fail_code(&m->core,
					 WIRE_INCONSISTENT_GROUP_PROTOCOL,
					 "the leader's assignment cannot be "
					 "read");
		group_take_code(m, answer.code, "SyncGroup");
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
	}
	partition_set_clear(&assignment);
	client_request_free(request);
	group_pump(m);
}

void group_sync(struct group_member *m)
{
	struct sync_group_request *q = begin(m, API_SYNC_GROUP);

	if (q == NULL)
		return;
	q->group_id = slice_of(m->config->group_id);
	q->generation_id = m->core.generation;
	q->member_id = slice_of(m->core.member_id);
	q->group_instance_id = instance_of(m);
	q->protocol_type = slice_of(protocol_type);
	q->protocol_name = slice_of(m->core.assignor->name);
	if (m->plan.join != NULL && put_assignments(m, q) < 0) {
		group_no_memory(m);
		return;
	}
	send(m, m->config->max_poll_interval_ms + JOIN_GRACE_MS, on_synced);
}

/*
 * Heartbeat and LeaveGroup
 */

static void on_beat(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct member_answer answer = { 0 };

	assert(request == m->request);
	m->request = NULL;
	if (group_has_answer(m, request)) {
		const struct heartbeat_response *r =
			client_request_answer(request);

		answer.code = r->error_code;
		group_take_code(m, answer.code, "Heartbeat");
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
	}
	client_request_free(request);
	group_pump(m);
}

void group_beat_classic(struct group_member *m)
{
	struct heartbeat_request *q = begin(m, API_HEARTBEAT);
	int64_t ms = group_timeout_ms(m);

	if (q == NULL)
		return;
	q->group_id = slice_of(m->config->group_id);
	q->generation_id = m->core.generation;
	q->member_id = slice_of(m->core.member_id);
	q->group_instance_id = instance_of(m);
	if (m->config->session_timeout_ms < ms)
		ms = m->config->session_timeout_ms;
	send(m, ms, on_beat);
}

static void on_gone(void *arg, struct client_request *request)
{
	struct group_member *m = arg;
	struct member_answer answer = { 0 };

	assert(request == m->request);
	m->request = NULL;
	if (client_request_error(request)->kind == CLIENT_OK) {
		const struct leave_group_response *r =
			client_request_answer(request);

		answer.code = r->error_code;
		member_answered(&m->core, &answer, loop_now_ms(m->loop));
	} else {
		member_failed(&m->core, loop_now_ms(m->loop));
	}
	client_request_free(request);
	group_pump(m);
}

void group_leave_classic(struct group_member *m)
{
	struct leave_group_request *q = begin(m, API_LEAVE_GROUP);

	if (q == NULL)
		return;
	q->group_id = slice_of(m->config->group_id);
	q->member_id = slice_of(m->core.member_id);
	q->members = wire_array(&leave_group_request_members_desc,
				client_request_arena(m->request), 1);
	if (q->members == NULL) {
		group_no_memory(m);
		return;
	}
	q->members_count = 1;
	q->members->member_id = slice_of(m->core.member_id);
	q->members->reason = slice_of("the member ends");
	send(m, group_timeout_ms(m), on_gone);
}
