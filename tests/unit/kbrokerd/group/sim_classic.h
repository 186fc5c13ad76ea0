/*
 * sim_classic.h - a client of the simulator that speaks the classic protocol
 */
#ifndef TESTS_KBROKERD_GROUP_SIM_CLASSIC_H
#define TESTS_KBROKERD_GROUP_SIM_CLASSIC_H

#include "kbrokerd/group/sim.h"

/* What clients make of an error: join again, as themselves or as new. */
static inline void sim_on_error(struct sim_client *c, int16_t error)
{
	sim_trace(c, "is refused: %d", error);
	switch (error) {
	case WIRE_UNKNOWN_MEMBER_ID:
		c->member_id[0] = '\0';
		break;
	case WIRE_FENCED_INSTANCE_ID:
		/* Another runs under its name: it gives up. */
		sim_forget_membership(c);
		c->state = SIM_DEAD;
		return;
	case WIRE_ILLEGAL_GENERATION:
	case WIRE_REBALANCE_IN_PROGRESS:
	case WIRE_NOT_COORDINATOR:
	case WIRE_COORDINATOR_NOT_AVAILABLE:
	case WIRE_GROUP_MAX_SIZE_REACHED:
	case WIRE_UNRELEASED_INSTANCE_ID:
		break;
	case WIRE_INCONSISTENT_GROUP_PROTOCOL:
		/* A generation that was not in the log when the coordinator
		 * went is counted again, maybe with another protocol. */
		assert_true(c->told_in < c->sim->restarts);
		break;
	default:
		fail_msg("error %d", error);
	}
	sim_forget_membership(c);
}

/* JoinGroup */

static inline unsigned sim_read_subscription(struct slice metadata)
{
	struct consumer_protocol_subscription s;
	struct arena arena = { 0 };
	unsigned subscribed = 0;
	int16_t version;

	assert_true(wire_versioned_decode(&consumer_protocol_subscription_desc,
					  metadata, &arena, &version, &s) > 0);
	for (int32_t i = 0; i < s.topics_count; i++)
		subscribed |= 1U << sim_topic_of(s.topics[i]);
	arena_clear(&arena);
	return subscribed;
}

static inline struct slice sim_write_subscription(const struct sim_client *c,
						  int16_t version)
{
	struct consumer_protocol_subscription s;
	struct slice topics[SIM_TOPICS];

	wire_init(&consumer_protocol_subscription_desc, &s);
	s.topics = topics;
	for (int i = 0; i < SIM_TOPICS; i++) {
		if ((c->subscribed >> i & 1) != 0)
			topics[s.topics_count++] = slice_of(sim_topic_names[i]);
	}
	s.generation_id = c->generation;
	return kit_encode(&consumer_protocol_subscription_desc, version, &s);
}

static inline void sim_on_joined(struct sim_ask *ask, const void *answer)
{
	struct sim_client *c = ask->client;
	const struct join_group_response *r = answer;

	if (r->error_code == WIRE_MEMBER_ID_REQUIRED || r->error_code == 0)
		snprintf(c->member_id, sizeof(c->member_id), "%.*s",
			 (int)r->member_id.len,
			 (const char *)r->member_id.data);
	if (r->error_code == WIRE_MEMBER_ID_REQUIRED) {
		c->state = SIM_OUT;
		return;
	}
	if (r->error_code != 0) {
		sim_on_error(c, r->error_code);
		return;
	}
	/* What was told durably is not taken back; but in a consumer group one
	 * that still has to give up partitions stays behind the others. */
	assert_true(r->generation_id >= ask->told || c->group == SIM_MIXED);
	c->generation = r->generation_id;
	c->told_in = c->sim->restarts;
	c->state = SIM_JOINED;
	sim_trace(c, "has joined %d", c->generation);
	snprintf(c->protocol, sizeof(c->protocol), "%.*s",
		 (int)r->protocol_name.len,
		 (const char *)r->protocol_name.data);
	c->leads = slice_equal(r->leader, r->member_id) && !r->skip_assignment;
	c->member_count = 0;
	assert_true(r->members_count <= 2 * SIM_CLIENTS);
	for (int32_t i = 0; c->leads && i < r->members_count; i++) {
		snprintf(c->members[i].member_id,
			 sizeof(c->members[i].member_id), "%.*s",
			 (int)r->members[i].member_id.len,
			 (const char *)r->members[i].member_id.data);
		c->members[i].subscribed =
			sim_read_subscription(r->members[i].metadata);
		c->member_count++;
	}
	/* One that was told not to assign does not know by what it was. */
	c->watches = slice_equal(r->leader, r->member_id);
	c->topics_version = c->leads ? c->sim->kit->topics->topics.version : 0;
}

static inline void sim_ask_join(struct sim_client *c)
{
	struct sim *sim = c->sim;
	int16_t version =
		(int16_t)(sim_one_in(sim, 4) ? sim_below(sim, 10) : 9);
	struct join_group_request_protocols protocols[2] = { 0 };
	struct join_group_request request;
	/* A group that goes over to KIP-848 takes the first for the chosen. */
	int first = c->group == SIM_MIXED ? 0 : c->index % 2;

	/* Before 9 nobody looks after the topics when a static leader has come
	 * back (KIP-814). */
	if (c->instance_id[0] != '\0')
		version = 9;
	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.session_timeout_ms = c->session_ms;
	request.rebalance_timeout_ms = version == 0 ? -1 : sim_rebalance_ms(c);
	request.member_id = slice_of(c->member_id);
	if (c->instance_id[0] != '\0')
		request.group_instance_id = slice_of(c->instance_id);
	request.protocol_type = slice_of("consumer");
	request.protocols = protocols;
	/* Both: a coordinator that has just started knows only the chosen one,
	 * and takes none who cannot do that. */
	request.protocols_count = 2;
	protocols[first].name = slice_of("range");
	protocols[1 - first].name = slice_of("roundrobin");
	protocols[0].metadata = protocols[1].metadata =
		sim_write_subscription(c, (int16_t)(c->index % 4));
	sim_lose_ask(c);
	c->ask = sim_ask_new(c, version, sim_on_joined);
	c->state = SIM_JOINING;
	sim_trace(c, "joins");
	classic_join(&sim->kit->shard, &c->ask->kit.ask, &request);
	free((void *)protocols[0].metadata.data);
}

/* SyncGroup */

static inline void sim_take_assignment(struct sim_ask *ask,
				       struct slice assignment)
{
	struct sim_client *c = ask->client;
	struct consumer_protocol_assignment a;
	struct arena arena = { 0 };
	int16_t version;

	memset(c->owned, 0, sizeof(c->owned));
	if (assignment.len == 0)
		return;
	assert_true(wire_versioned_decode(&consumer_protocol_assignment_desc,
					  assignment, &arena, &version,
					  &a) > 0);
	for (int32_t i = 0; i < a.assigned_partitions_count; i++) {
		int topic = sim_topic_of(a.assigned_partitions[i].topic);

		for (int32_t k = 0;
		     k < a.assigned_partitions[i].partitions_count; k++) {
			int p = a.assigned_partitions[i].partitions[k];

			c->owned[topic] |= 1U << p;
			sim_claim(ask, topic, p);
		}
	}
	arena_clear(&arena);
}

static inline void sim_on_synced(struct sim_ask *ask, const void *answer)
{
	struct sim_client *c = ask->client;
	const struct sync_group_response *r = answer;

	if (r->error_code != 0) {
		sim_on_error(c, r->error_code);
		return;
	}
	sim_tell(ask);
	c->state = SIM_IN;
	sim_take_assignment(ask, r->assignment);
}

/* To which of the members goes a partition?  -1: none reads the topic. */
static inline int sim_choose_owner(struct sim_client *c, int topic)
{
	int start = sim_below(c->sim, c->member_count);

	for (int i = 0; i < c->member_count; i++) {
		int m = (start + i) % c->member_count;

		if ((c->members[m].subscribed >> topic & 1) != 0)
			return m;
	}
	return -1;
}

static inline struct slice sim_write_assignment(
	const uint32_t owned[SIM_TOPICS])
{
	struct consumer_protocol_assignment_assigned_partitions
		topics[SIM_TOPICS] = { 0 };
	int32_t numbers[SIM_TOPICS][SIM_PARTITIONS_MAX];
	struct consumer_protocol_assignment a;

	wire_init(&consumer_protocol_assignment_desc, &a);
	a.assigned_partitions = topics;
	for (int t = 0; t < SIM_TOPICS; t++) {
		struct consumer_protocol_assignment_assigned_partitions *to =
			&topics[a.assigned_partitions_count];

		to->topic = slice_of(sim_topic_names[t]);
		to->partitions = numbers[t];
		for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++) {
			if ((owned[t] >> p & 1) != 0)
				numbers[t][to->partitions_count++] = p;
		}
		a.assigned_partitions_count += to->partitions_count > 0;
	}
	return kit_encode(&consumer_protocol_assignment_desc, 1, &a);
}

/* The leader's work; the assignments are the caller's. */
static inline void sim_assign(struct sim_client *c,
			      struct sync_group_request_assignments *out)
{
	uint32_t owned[2 * SIM_CLIENTS][SIM_TOPICS] = { 0 };

	for (int t = 0; t < SIM_TOPICS && c->member_count > 0; t++) {
		for (int32_t p = 0; p < sim_partitions(c->sim, t); p++) {
			int m = sim_choose_owner(c, t);

			if (m >= 0)
				owned[m][t] |= 1U << p;
		}
	}
	for (int m = 0; m < c->member_count; m++) {
		out[m] = (struct sync_group_request_assignments){
			.member_id = slice_of(c->members[m].member_id),
			.assignment = sim_write_assignment(owned[m]),
		};
	}
}

static inline void sim_ask_sync(struct sim_client *c)
{
	struct sync_group_request_assignments assignments[2 * SIM_CLIENTS] = {
		0
	};
	struct sync_group_request request;

	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.generation_id = c->generation;
	request.member_id = slice_of(c->member_id);
	if (c->instance_id[0] != '\0')
		request.group_instance_id = slice_of(c->instance_id);
	request.protocol_type = slice_of("consumer");
	request.protocol_name = slice_of(c->protocol);
	if (c->leads) {
		sim_assign(c, assignments);
		request.assignments = assignments;
		request.assignments_count = c->member_count;
	}
	sim_lose_ask(c);
	c->ask = sim_ask_new(c, 5, sim_on_synced);
	c->state = SIM_SYNCING;
	sim_trace(c, "syncs");
	classic_sync(&c->sim->kit->shard, &c->ask->kit.ask, &request);
	for (int32_t i = 0; i < request.assignments_count; i++)
		free((void *)assignments[i].assignment.data);
}

/* Heartbeat, LeaveGroup */

static inline void sim_heartbeat(struct sim_client *c)
{
	struct sim_ask *ask = sim_ask_new(c, 4, NULL);
	struct heartbeat_request request;
	int16_t error;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.generation_id = c->generation;
	request.member_id = slice_of(c->member_id);
	if (c->instance_id[0] != '\0')
		request.group_instance_id = slice_of(c->instance_id);
	classic_heartbeat(&c->sim->kit->shard, &ask->kit.ask, &request);
	error = ((const struct heartbeat_response *)kit_answer(&ask->kit))
			->error_code;
	kit_ask_free(&ask->kit);
	if (error != WIRE_NONE && !sim_mishap(c->sim, 10))
		sim_on_error(c, error);
}

static inline void sim_leave(struct sim_client *c)
{
	struct leave_group_request_members member = {
		.member_id = slice_of(c->member_id),
	};
	struct leave_group_request request;
	struct sim_ask *ask = sim_ask_new(c, 5, NULL);

	if (c->instance_id[0] != '\0')
		member.group_instance_id = slice_of(c->instance_id);
	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.members = &member;
	request.members_count = 1;
	sim_trace(c, "leaves");
	classic_leave(&c->sim->kit->shard, &ask->kit.ask, &request);
	kit_answer(&ask->kit);
	kit_ask_free(&ask->kit);
	sim_lose_ask(c);
	sim_forget_membership(c);
	c->member_id[0] = '\0';
}

/* What it does next by itself. */
static inline void sim_classic_act(struct sim_client *c)
{
	switch (c->state) {
	case SIM_OUT:
		if (!sim_mishap(c->sim, 10))
			sim_ask_join(c);
		break;
	case SIM_JOINED:
		if (!sim_mishap(c->sim, 10))
			sim_ask_sync(c);
		break;
	case SIM_JOINING:
	case SIM_SYNCING:
		/* Its connection broke: it asks again. */
		if (c->ask == NULL || sim_mishap(c->sim, 20)) {
			sim_lose_ask(c);
			c->state =
				c->state == SIM_JOINING ? SIM_OUT : SIM_JOINED;
		}
		break;
	case SIM_IN:
		sim_heartbeat(c);
		if (c->state == SIM_IN && c->watches &&
		    c->topics_version != c->sim->kit->topics->topics.version)
			sim_ask_join(c);
		break;
	case SIM_DEAD:
		break;
	}
}

#endif /* TESTS_KBROKERD_GROUP_SIM_CLASSIC_H */
