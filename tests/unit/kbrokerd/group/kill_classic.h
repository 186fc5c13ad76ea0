/*
 * kill_classic.h - kill_members.h of the classic protocol
 *
 * A generation is written when its leader syncs: until then a broker that was
 * killed knows nothing of it, nor of who is new in it.
 */
#ifndef TESTS_UNIT_KBROKERD_GROUP_KILL_CLASSIC_H
#define TESTS_UNIT_KBROKERD_GROUP_KILL_CLASSIC_H

#include "kill_members.h"

static void ask_join(struct member *m)
{
	/* Version 0, one topic, no user data. */
	static const uint8_t metadata[] = "\0\0\0\0\0\1\0\1t\0\0\0";
	struct join_group_request_protocols protocol;
	struct join_group_request request;

	own(m, 0);
	m->state = MEMBER_JOINING;
	wire_init(&join_group_request_desc, &request);
	wire_init(&join_group_request_protocols_desc, &protocol);
	request.group_id = slice_of(m->team->id);
	request.session_timeout_ms = FOREVER_MS;
	request.rebalance_timeout_ms = FOREVER_MS;
	request.member_id = slice_of(m->id);
	request.protocol_type = slice_of("consumer");
	request.protocols = &protocol;
	request.protocols_count = 1;
	protocol.name = slice_of("range");
	protocol.metadata = (struct slice){ metadata, sizeof(metadata) };
	ask(m, JOIN_GROUP, 9, &request);
}

static void keep_id(char *to, struct slice id)
{
	assert_true(id.len > 0 && id.len < sizeof(((struct member *)0)->id));
	memcpy(to, id.data, id.len);
	to[id.len] = '\0';
}

static void take_joined(struct member *m,
			const struct join_group_response *response)
{
	assert_true(slice_is(response->member_id, m->id));
	assert_true(response->generation_id > 0 &&
		    response->generation_id >= m->synced);
	assert_true(is_mixed(m) || response->generation_id >= m->team->synced);
	m->epoch = response->generation_id;
	m->joined_in = m->team->all->life;
	m->state = MEMBER_SYNCING;
	m->leads = slice_equal(response->leader, response->member_id);
	assert_true(response->members_count <= MEMBERS * 2);
	m->other_count = response->members_count;
	for (int32_t i = 0; i < m->other_count; i++)
		keep_id(m->others[i], response->members[i].member_id);
}

static void take_join(struct member *m)
{
	struct join_group_response response;

	if (!take(m, 9, &response))
		return;
	m->asked = 0;
	m->lost = 0;
	if (response.error_code == WIRE_MEMBER_ID_REQUIRED) {
		keep_id(m->id, response.member_id);
	} else if (response.error_code == WIRE_UNKNOWN_MEMBER_ID) {
		assert_false(m->told);
		forget(m);
	} else if (response.error_code == WIRE_NONE) {
		take_joined(m, &response);
	} else {
		assert_true(
			whole_is_passing(response.error_code) ||
			(response.error_code == WIRE_REBALANCE_IN_PROGRESS &&
			 is_mixed(m)));
	}
}

/* Version 0 of a ConsumerProtocolAssignment: one topic, no user data. */
static void put_assignment(struct buffer *out, unsigned owned)
{
	buffer_reset(out);
	buffer_put_be16(out, 0);
	buffer_put_be32(out, 1);
	buffer_put_be16(out, 1);
	buffer_put_u8(out, 't');
	buffer_put_be32(out, (uint32_t)__builtin_popcount(owned));
	for (uint32_t p = 0; p < PARTITIONS; p++) {
		if ((owned >> p & 1) != 0)
			buffer_put_be32(out, p);
	}
	buffer_put_be32(out, UINT32_MAX);
}

/* Of any version; without topics it is nothing. */
static unsigned get_assignment(struct slice bytes)
{
	const uint8_t *at = bytes.data + 13;
	unsigned owned = 0;

	if (bytes.len < 13 || get_be32(bytes.data + 2) == 0)
		return 0;
	assert_int_equal(get_be32(bytes.data + 2), 1);
	assert_memory_equal(bytes.data + 6, "\0\1t", 3);
	for (uint32_t n = get_be32(bytes.data + 9); n > 0; n--, at += 4) {
		assert_true(at + 4 <= bytes.data + bytes.len);
		assert_in_range(get_be32(at), 0, PARTITIONS - 1);
		owned |= 1U << get_be32(at);
	}
	return owned;
}

/* The leader deals them out in turn. */
static void ask_sync(struct member *m)
{
	struct sync_group_request_assignments rows[MEMBERS * 2];
	struct buffer bytes[MEMBERS * 2] = { 0 };
	unsigned owned[MEMBERS * 2] = { 0 };
	struct sync_group_request request;

	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of(m->team->id);
	request.generation_id = m->epoch;
	request.member_id = slice_of(m->id);
	request.protocol_type = slice_of("consumer");
	request.protocol_name = slice_of("range");
	request.assignments = rows;
	for (int32_t p = 0; m->other_count > 0 && p < PARTITIONS; p++)
		owned[p % m->other_count] |= 1U << p;
	for (int32_t i = 0; i < m->other_count; i++) {
		put_assignment(&bytes[i], owned[i]);
		rows[i] = (struct sync_group_request_assignments){
			.member_id = slice_of(m->others[i]),
			.assignment = { bytes[i].data, bytes[i].len },
		};
	}
	request.assignments_count = m->other_count;
	ask(m, SYNC_GROUP, 5, &request);
	for (int32_t i = 0; i < m->other_count; i++)
		buffer_clear(&bytes[i]);
}

static void take_sync(struct member *m)
{
	struct sync_group_response response;

	if (!take(m, 5, &response))
		return;
	m->asked = 0;
	if (response.error_code == WIRE_NONE) {
		own(m, get_assignment(response.assignment));
		m->state = MEMBER_IN;
		m->told = true;
		m->synced = m->epoch;
		m->team->synced = m->epoch;
		m->lost = 0;
	} else if (response.error_code == WIRE_REBALANCE_IN_PROGRESS) {
		m->state = MEMBER_JOINING;
	} else if (response.error_code == WIRE_ILLEGAL_GENERATION) {
		/* One that was never synced may be given again. */
		assert_true(m->joined_in < m->team->all->life || is_mixed(m));
		m->state = MEMBER_JOINING;
	} else if (response.error_code == WIRE_UNKNOWN_MEMBER_ID) {
		assert_true(m->joined_in < m->team->all->life);
		assert_false(m->told);
		forget(m);
	} else {
		assert_true(whole_is_passing(response.error_code));
	}
}

static void ask_heartbeat(struct member *m)
{
	struct heartbeat_request request;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of(m->team->id);
	request.member_id = slice_of(m->id);
	request.generation_id = m->epoch;
	ask(m, HEARTBEAT, 4, &request);
}

/* It is in: it may only be told to join again. */
static void take_word(struct member *m, int16_t error)
{
	if (error == WIRE_REBALANCE_IN_PROGRESS ||
	    (error == WIRE_ILLEGAL_GENERATION && is_mixed(m)))
		m->state = MEMBER_JOINING;
	else
		assert_true(error == WIRE_NONE || whole_is_passing(error));
}

static void take_heartbeat(struct member *m)
{
	struct heartbeat_response response;

	if (!take(m, 4, &response))
		return;
	m->asked = 0;
	take_word(m, response.error_code);
}

static void send_leave(int fd, const char *group, struct slice id)
{
	struct leave_group_request_members who;
	struct leave_group_request request;

	wire_init(&leave_group_request_desc, &request);
	wire_init(&leave_group_request_members_desc, &who);
	request.group_id = slice_of(group);
	request.members = &who;
	request.members_count = 1;
	who.member_id = id;
	whole_send(fd, LEAVE_GROUP, 5, &request);
}

static void ask_leave(struct member *m)
{
	own(m, 0);
	m->state = MEMBER_LEAVING;
	send_leave(m->fd, m->team->id, slice_of(m->id));
	m->asked = LEAVE_GROUP;
}

static void take_leave(struct member *m)
{
	struct leave_group_response response;

	if (!take(m, 5, &response))
		return;
	m->asked = 0;
	if (whole_is_passing(response.error_code))
		return;
	if (response.members[0].error_code != WIRE_NONE) {
		assert_int_equal(response.members[0].error_code,
				 WIRE_UNKNOWN_MEMBER_ID);
		assert_true(m->lost > 0 || !m->told);
	}
	m->lost = 0;
	forget(m);
}

static void classic_ask(struct member *m)
{
	bool calm = m->team->all->calm;

	switch (m->state) {
	case MEMBER_OUT:
	case MEMBER_JOINING:
		ask_join(m);
		return;
	case MEMBER_SYNCING:
		if (!calm && chance(m, 5))
			ask_leave(m);
		else
			ask_sync(m);
		return;
	case MEMBER_LEAVING:
		ask_leave(m);
		return;
	case MEMBER_IN:
		break;
	}
	if (!calm && chance(m, 6))
		ask_leave(m);
	else if (!calm && chance(m, 6))
		ask_join(m);
	else if (!calm && m->owned != 0 && chance(m, 60))
		ask_commit(m);
	else
		ask_heartbeat(m);
}

static void classic_take(struct member *m)
{
	switch (m->asked) {
	case JOIN_GROUP:
		take_join(m);
		return;
	case SYNC_GROUP:
		take_sync(m);
		return;
	case LEAVE_GROUP:
		take_leave(m);
		return;
	case OFFSET_COMMIT:
		take_word(m, take_commit(m));
		return;
	default:
		take_heartbeat(m);
	}
}

static const struct protocol classic = { classic_ask, classic_take };

#endif /* TESTS_UNIT_KBROKERD_GROUP_KILL_CLASSIC_H */
