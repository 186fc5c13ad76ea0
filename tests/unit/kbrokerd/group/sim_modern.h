/*
 * sim_modern.h - a client of the simulator that speaks KIP-848
 *
 * It takes what it is given at once and tells with its next heartbeat that it
 * has given up what it was not given again.
 */
#ifndef TESTS_KBROKERD_GROUP_SIM_MODERN_H
#define TESTS_KBROKERD_GROUP_SIM_MODERN_H

#include "kbrokerd/group/consumer_kit.h"
#include "kbrokerd/group/sim.h"

/* A new process has a new id. */
static inline void sim_make_id(struct sim_client *c)
{
	snprintf(c->member_id, sizeof(c->member_id), "c%d-%d", c->index,
		 ++c->incarnation);
}

/* Does another run under its name? */
static inline bool sim_has_twin(const struct sim_client *c)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		const struct sim_client *other = &c->sim->clients[i];

		if (other != c && other->group == c->group &&
		    other->state == SIM_IN &&
		    strcmp(other->instance_id, c->instance_id) == 0)
			return true;
	}
	return false;
}

static inline void sim_modern_on_error(struct sim_client *c, int16_t error)
{
	sim_trace(c, "is refused: %d", error);
	switch (error) {
	case WIRE_UNKNOWN_MEMBER_ID:
	case WIRE_FENCED_MEMBER_EPOCH:
	case WIRE_GROUP_ID_NOT_FOUND:
	case WIRE_GROUP_MAX_SIZE_REACHED:
		sim_forget_membership(c);
		break;
	case WIRE_UNRELEASED_INSTANCE_ID:
		/* It was that itself, some time ago, or gives up. */
		sim_forget_membership(c);
		if (c->sim->is_calm && sim_has_twin(c))
			c->state = SIM_DEAD;
		break;
	case WIRE_FENCED_INSTANCE_ID:
		sim_forget_membership(c);
		c->state = SIM_DEAD;
		break;
	case WIRE_NOT_COORDINATOR:
	case WIRE_COORDINATOR_NOT_AVAILABLE:
		break;
	default:
		fail_msg("error %d", error);
	}
}

static inline int sim_topic_of_id(const struct sim *sim, const struct uuid *id)
{
	struct group_topic topic = { 0 };

	assert_true(kit_by_id(&sim->kit->topics->topics, id, &topic));
	return sim_topic_of(topic.name);
}

static inline void sim_take(
	struct sim_client *c,
	const struct consumer_group_heartbeat_response_assignment *a)
{
	memset(c->owned, 0, sizeof(c->owned));
	for (int32_t i = 0; i < a->topic_partitions_count; i++) {
		int t = sim_topic_of_id(c->sim,
					&a->topic_partitions[i].topic_id);

		for (int32_t k = 0; k < a->topic_partitions[i].partitions_count;
		     k++)
			c->owned[t] |= 1U
				       << a->topic_partitions[i].partitions[k];
	}
}

static inline void sim_on_beat(struct sim_ask *ask, const void *answer)
{
	const struct consumer_group_heartbeat_response *r = answer;
	struct sim_client *c = ask->client;

	if (r->error_code != WIRE_NONE) {
		sim_modern_on_error(c, r->error_code);
		return;
	}
	/* While it is a member its epoch only rises. */
	assert_true(r->member_epoch >= c->generation);
	if (c->state == SIM_OUT)
		assert_true(r->member_epoch > 0);
	snprintf(c->member_id, sizeof(c->member_id), "%.*s",
		 (int)r->member_id.len, (const char *)r->member_id.data);
	c->generation = r->member_epoch;
	c->state = SIM_IN;
	sim_tell(ask);
	if (r->assignment != NULL)
		sim_take(c, r->assignment);
	sim_trace(c, "is of %d: %x %x %x", c->generation, c->owned[0],
		  c->owned[1], c->owned[2]);
}

typedef struct consumer_group_heartbeat_request_topic_partitions sim_owned;

/* What it has, as it says it; numbers is the memory. */
static inline int32_t sim_say_owned(
	const struct sim_client *c, sim_owned *out,
	int32_t numbers[SIM_TOPICS][SIM_PARTITIONS_MAX])
{
	int32_t count = 0;

	for (int t = 0; t < SIM_TOPICS; t++) {
		struct group_topic topic = { 0 };

		if (c->owned[t] == 0)
			continue;
		assert_true(kit_by_name(&c->sim->kit->topics->topics,
					slice_of(sim_topic_names[t]), &topic));
		out[count] = (sim_owned){ .topic_id = topic.id,
					  .partitions = numbers[t] };
		for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++) {
			if ((c->owned[t] >> p & 1) != 0)
				numbers[t][out[count].partitions_count++] = p;
		}
		count++;
	}
	return count;
}

static inline int32_t sim_say_names(const struct sim_client *c,
				    struct slice names[SIM_TOPICS])
{
	int32_t count = 0;

	for (int t = 0; t < SIM_TOPICS && !c->by_pattern; t++) {
		if ((c->subscribed >> t & 1) != 0)
			names[count++] = slice_of(sim_topic_names[t]);
	}
	return count;
}

/* The same, "t[02]"; or none. */
static inline const char *sim_pattern(const struct sim_client *c, char *text)
{
	char *at = text;

	if (!c->by_pattern)
		return "";
	at += sprintf(at, "t[");
	for (int t = 0; t < SIM_TOPICS; t++) {
		if ((c->subscribed >> t & 1) != 0)
			*at++ = (char)('0' + t);
	}
	snprintf(at, 2, "]");
	return text;
}

static inline void sim_beat(struct sim_client *c, int32_t epoch)
{
	struct consumer_group_heartbeat_request request;
	struct slice names[SIM_TOPICS];
	sim_owned owned[SIM_TOPICS];
	int32_t numbers[SIM_TOPICS][SIM_PARTITIONS_MAX];
	char pattern[SIM_TOPICS + 8];

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	request.group_id = slice_of(sim_group_ids[c->group]);
	request.member_id = slice_of(c->member_id);
	if (c->instance_id[0] != '\0')
		request.instance_id = slice_of(c->instance_id);
	request.member_epoch = epoch;
	request.rebalance_timeout_ms = sim_rebalance_ms(c);
	request.subscribed_topic_names = names;
	request.subscribed_topic_names_count = sim_say_names(c, names);
	request.subscribed_topic_regex = slice_of(sim_pattern(c, pattern));
	request.topic_partitions = owned;
	request.topic_partitions_count = sim_say_owned(c, owned, numbers);
	sim_lose_ask(c);
	c->ask = sim_ask_new(c, 1, sim_on_beat);
	sim_trace(c, "beats %d", epoch);
	consumer_heartbeat(&c->sim->kit->shard, &c->ask->kit.ask, &request);
	assert_true(kit_is_answered(&c->ask->kit));
}

/* A static one may be back soon. */
static inline void sim_modern_leave(struct sim_client *c)
{
	if (c->state == SIM_IN)
		sim_beat(c, c->instance_id[0] != '\0' && !c->sim->is_calm &&
					    sim_one_in(c->sim, 2)
				    ? EPOCH_LEAVE_STATIC
				    : EPOCH_LEAVE);
	sim_lose_ask(c);
	sim_forget_membership(c);
	sim_make_id(c);
}

static inline void sim_modern_act(struct sim_client *c)
{
	if (c->state == SIM_DEAD || sim_mishap(c->sim, 10))
		return;
	if (c->ask != NULL && !sim_mishap(c->sim, 10))
		return; /* an answer is on its way */
	if (c->state == SIM_OUT)
		sim_beat(c, EPOCH_JOIN);
	else
		sim_beat(c, c->generation);
}

/* What must hold of the group: nobody is given what another still has, and who
 * thinks that he has something does. */
static inline void sim_check_members(const struct consumer_group *g)
{
	const struct consumer_member *a;
	const struct consumer_member *b;

	for (a = g->members; a != NULL; a = a->hh.next) {
		assert_true(a->progress.epoch <= g->epoch);
		assert_false(assignment_overlaps(&a->progress.assigned,
						 &a->progress.revoking));
		for (b = a->hh.next; b != NULL; b = b->hh.next) {
			assert_false(assignment_overlaps(
				&a->progress.assigned, &b->progress.assigned));
			assert_false(assignment_overlaps(
				&a->progress.assigned, &b->progress.revoking));
			assert_false(assignment_overlaps(
				&a->progress.revoking, &b->progress.assigned));
			assert_false(assignment_overlaps(
				&a->progress.revoking, &b->progress.revoking));
		}
	}
}

static inline void sim_check_owned(const struct sim_client *c)
{
	const struct group *group = group_find(
		&c->sim->kit->shard, slice_of(sim_group_ids[c->group]));
	const struct consumer_member *m =
		group == NULL || group->consumer == NULL
			? NULL
			: consumer_find(group->consumer,
					slice_of(c->member_id));

	/* Who was fenced does not know it yet. */
	if (c->state != SIM_IN || m == NULL ||
	    m->progress.epoch < c->generation ||
	    (m->progress.epoch != c->generation &&
	     m->progress.previous_epoch != c->generation))
		return;
	for (int t = 0; t < SIM_TOPICS; t++) {
		struct group_topic topic = { 0 };

		assert_true(kit_by_name(&c->sim->kit->topics->topics,
					slice_of(sim_topic_names[t]), &topic));
		for (int32_t p = 0; p < SIM_PARTITIONS_MAX; p++) {
			if ((c->owned[t] >> p & 1) != 0)
				assert_true(
					assignment_has(&m->progress.assigned,
						       &topic.id, p) ||
					assignment_has(&m->progress.revoking,
						       &topic.id, p));
		}
	}
}

#endif /* TESTS_KBROKERD_GROUP_SIM_MODERN_H */
