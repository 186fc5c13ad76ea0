/*
 * kill_modern.h - kill_members.h of the protocol of KIP-848
 *
 * Each answer is about what is written.  A member that missed one is taken
 * back, and fenced when it missed more.
 */
#ifndef TESTS_UNIT_KBROKERD_GROUP_KILL_MODERN_H
#define TESTS_UNIT_KBROKERD_GROUP_KILL_MODERN_H

#include "kill_members.h"

static void send_beat(struct member *m, int32_t epoch)
{
	struct consumer_group_heartbeat_request_topic_partitions owned;
	struct consumer_group_heartbeat_request request;
	struct slice topic = slice_of("t");
	int32_t partitions[PARTITIONS];

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	wire_init(&consumer_group_heartbeat_request_topic_partitions_desc,
		  &owned);
	request.group_id = slice_of(m->team->id);
	request.member_id = slice_of(m->id);
	request.member_epoch = epoch;
	request.rebalance_timeout_ms = FOREVER_MS;
	request.subscribed_topic_names = &topic;
	request.subscribed_topic_names_count = 1;
	owned.topic_id = m->team->all->topic_id;
	owned.partitions = partitions;
	for (int32_t p = 0; p < PARTITIONS; p++) {
		if ((m->owned >> p & 1) != 0)
			partitions[owned.partitions_count++] = p;
	}
	request.topic_partitions = &owned;
	request.topic_partitions_count = owned.partitions_count > 0;
	ask(m, CONSUMER_HEARTBEAT, 1, &request);
}

/* All that has not changed is left out. */
static void send_short_beat(struct member *m)
{
	struct consumer_group_heartbeat_request request;

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	request.group_id = slice_of(m->team->id);
	request.member_id = slice_of(m->id);
	request.member_epoch = m->epoch;
	request.subscribed_topic_names_count = -1;
	request.topic_partitions_count = -1;
	ask(m, CONSUMER_HEARTBEAT, 1, &request);
}

static void ask_beat(struct member *m)
{
	if (m->state == MEMBER_IN && !m->owes_word && m->lost == 0 &&
	    chance(m, 50))
		send_short_beat(m);
	else
		send_beat(m, m->state == MEMBER_IN ? m->epoch : 0);
}

static void ask_to_be_out(struct member *m)
{
	own(m, 0);
	m->state = MEMBER_LEAVING;
	send_beat(m, -1);
}

static void take_assignment(
	struct member *m,
	const struct consumer_group_heartbeat_response_assignment *a)
{
	unsigned owned = 0;

	for (int32_t i = 0; i < a->topic_partitions_count; i++) {
		const int32_t *partitions = a->topic_partitions[i].partitions;

		assert_true(uuid_equal(a->topic_partitions[i].topic_id,
				       m->team->all->topic_id));
		for (int32_t j = 0; j < a->topic_partitions[i].partitions_count;
		     j++) {
			assert_in_range(partitions[j], 0, PARTITIONS - 1);
			owned |= 1U << partitions[j];
		}
	}
	m->owes_word = owned != m->owned;
	own(m, owned);
}

/* It is behind: that takes two changes that it was not told of. */
static void take_fence(struct member *m)
{
	assert_true(m->lost > 1);
	own(m, 0);
	m->state = MEMBER_OUT;
}

/* Nothing that it was told goes back. */
static void take_epoch(struct member *m, int32_t epoch)
{
	assert_true(epoch > 0 && epoch >= m->epoch);
	m->epoch = epoch;
}

static void take_beat(struct member *m)
{
	struct consumer_group_heartbeat_response response;
	int16_t error;

	if (!take(m, 1, &response))
		return;
	m->asked = 0;
	error = response.error_code;
	if (whole_is_passing(error))
		return;
	if (m->state == MEMBER_LEAVING) {
		/* Refused: it had left already. */
		assert_true(error == WIRE_NONE || m->lost > 0);
		assert_true(error == WIRE_NONE ||
			    error == WIRE_UNKNOWN_MEMBER_ID ||
			    error == WIRE_GROUP_ID_NOT_FOUND);
		forget(m);
	} else if (error == WIRE_FENCED_MEMBER_EPOCH) {
		take_fence(m);
	} else {
		assert_int_equal(error, WIRE_NONE);
		m->state = MEMBER_IN;
		m->told = true;
		take_epoch(m, response.member_epoch);
		m->owes_word = false;
		if (response.assignment != NULL)
			take_assignment(m, response.assignment);
	}
	m->lost = 0;
}

static void modern_ask(struct member *m)
{
	bool may_change = m->state == MEMBER_IN && !m->team->all->calm;
	/* Without any the group is classic. */
	uint64_t leaves = is_mixed(m) ? 60 : 8;

	if (m->state == MEMBER_OUT && m->id[0] == '\0')
		snprintf(m->id, sizeof(m->id), "%s-%d-%d", m->team->id,
			 (int)(m - m->team->all->members), ++m->lives);
	if (m->state == MEMBER_LEAVING || (may_change && chance(m, leaves)))
		ask_to_be_out(m);
	else if (may_change && m->owned != 0 && chance(m, 50))
		ask_commit(m);
	else
		ask_beat(m);
}

static void modern_take(struct member *m)
{
	int16_t error;

	if (m->asked == CONSUMER_HEARTBEAT) {
		take_beat(m);
		return;
	}
	error = take_commit(m);
	assert_true(error == WIRE_NONE || whole_is_passing(error) ||
		    (error == WIRE_STALE_MEMBER_EPOCH && m->lost > 0));
}

static const struct protocol modern = { modern_ask, modern_take };

#endif /* TESTS_UNIT_KBROKERD_GROUP_KILL_MODERN_H */
