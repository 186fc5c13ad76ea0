/*
 * classic_kit.h - members of a classic group, for tests
 *
 * One group "g" in a shard of the kit.  A client speaks in the newest version
 * unless it is told otherwise; what it asks stays with it until it asks again.
 */
#ifndef TESTS_KBROKERD_GROUP_CLASSIC_KIT_H
#define TESTS_KBROKERD_GROUP_CLASSIC_KIT_H

#include "kbrokerd/group/classic_group.h"
#include "kbrokerd/group/group_kit.h"

enum {
	CLASSIC_SESSION_MS = 10000,
	CLASSIC_REBALANCE_MS = 60000,
	CLASSIC_DELAY_MS = 3000, /* the kit's group.initial.rebalance.delay */
	CLASSIC_PROTOCOLS = 4,
};

struct classic_client {
	const char *instance_id; /* NULL: dynamic */
	const char *protocol_type;
	struct {
		const char *name;
		struct slice metadata;
	} protocols[CLASSIC_PROTOCOLS];
	int32_t session_ms, rebalance_ms;
	int16_t version;
	char member_id[128];
	int32_t generation;
	struct kit_ask *join, *sync;
};

/* One that wants range, then roundrobin. */
static inline struct classic_client classic_client(const char *instance_id)
{
	struct classic_client c = {
		.instance_id = instance_id,
		.protocol_type = "consumer",
		.session_ms = CLASSIC_SESSION_MS,
		.rebalance_ms = CLASSIC_REBALANCE_MS,
		.version = 9,
		.generation = -1,
	};

	c.protocols[0].name = "range";
	c.protocols[0].metadata = slice_of("range's");
	c.protocols[1].name = "roundrobin";
	c.protocols[1].metadata = slice_of("roundrobin's");
	return c;
}

static inline void classic_client_clear(struct classic_client *c)
{
	kit_ask_free(c->join);
	kit_ask_free(c->sync);
	c->join = c->sync = NULL;
}

static inline struct group *classic_kit_group(struct group_kit *kit)
{
	return group_find(&kit->shard, slice_of("g"));
}

static inline const char *classic_kit_state(struct group_kit *kit)
{
	struct group *group = classic_kit_group(kit);

	return group == NULL ? "none" : group_state(group);
}

/* JoinGroup under a member id; the answer may come later. */
static inline void classic_ask_join(struct group_kit *kit,
				    struct classic_client *c)
{
	struct join_group_request_protocols protocols[CLASSIC_PROTOCOLS];
	struct join_group_request request;

	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.session_timeout_ms = c->session_ms;
	request.rebalance_timeout_ms = c->rebalance_ms;
	request.member_id = slice_of(c->member_id);
	request.group_instance_id = slice_of(c->instance_id);
	request.protocol_type = slice_of(c->protocol_type);
	request.protocols = protocols;
	while (request.protocols_count < CLASSIC_PROTOCOLS &&
	       c->protocols[request.protocols_count].name != NULL) {
		int32_t i = request.protocols_count++;

		protocols[i] = (struct join_group_request_protocols){
			.name = slice_of(c->protocols[i].name),
			.metadata = c->protocols[i].metadata,
		};
	}
	request.reason = slice_of("test");
	kit_ask_free(c->join);
	c->join = kit_ask_new(c->version);
	classic_join(&kit->shard, &c->join->ask, &request);
}

/* What it was answered; the client takes over what it says. */
static inline const struct join_group_response *classic_joined(
	struct classic_client *c)
{
	const struct join_group_response *response = kit_answer(c->join);

	if (response->error_code == WIRE_NONE ||
	    response->error_code == WIRE_MEMBER_ID_REQUIRED)
		snprintf(c->member_id, sizeof(c->member_id), "%.*s",
			 (int)response->member_id.len,
			 (const char *)response->member_id.data);
	if (response->error_code == WIRE_NONE)
		c->generation = response->generation_id;
	return response;
}

static inline int16_t classic_join_error(struct classic_client *c)
{
	return classic_joined(c)->error_code;
}

/* Join, with the id that one is given first if one must have one. */
static inline void classic_kit_join(struct group_kit *kit,
				    struct classic_client *c)
{
	classic_ask_join(kit, c);
	if (kit_is_answered(c->join) &&
	    classic_join_error(c) == WIRE_MEMBER_ID_REQUIRED)
		classic_ask_join(kit, c);
}

/* SyncGroup; NULL: nothing to assign. */
static inline void classic_ask_sync(
	struct group_kit *kit, struct classic_client *c,
	struct sync_group_request_assignments *assignments, int32_t count)
{
	struct sync_group_request request;

	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.generation_id = c->generation;
	request.member_id = slice_of(c->member_id);
	request.group_instance_id = slice_of(c->instance_id);
	request.protocol_type = slice_of(c->protocol_type);
	request.protocol_name = slice_of(c->protocols[0].name);
	request.assignments = assignments;
	request.assignments_count = count;
	kit_ask_free(c->sync);
	c->sync = kit_ask_new(5);
	classic_sync(&kit->shard, &c->sync->ask, &request);
}

static inline const struct sync_group_response *classic_synced(
	struct classic_client *c)
{
	return kit_answer(c->sync);
}

static inline int16_t classic_sync_error(struct classic_client *c)
{
	return classic_synced(c)->error_code;
}

/* The leader's sync, by which each of the clients gets its number. */
static inline void classic_kit_assign(struct group_kit *kit,
				      struct classic_client *leader,
				      struct classic_client *all, int32_t count)
{
	static const char *const parts[] = { "part 0", "part 1", "part 2",
					     "part 3" };
	struct sync_group_request_assignments assignments[4] = { 0 };

	assert_true(count <= 4);
	for (int32_t i = 0; i < count; i++) {
		assignments[i].member_id = slice_of(all[i].member_id);
		assignments[i].assignment = slice_of(parts[i]);
	}
	classic_ask_sync(kit, leader, assignments, count);
}

/* All join, the first leads, and the group is Stable. */
static inline void classic_kit_stabilize(struct group_kit *kit,
					 struct classic_client *all,
					 int32_t count)
{
	for (int32_t i = 0; i < count; i++)
		classic_kit_join(kit, &all[i]);
	kit_advance_ms(kit, (int64_t)4 * CLASSIC_DELAY_MS);
	for (int32_t i = 0; i < count; i++)
		assert_int_equal(classic_join_error(&all[i]), WIRE_NONE);
	for (int32_t i = 1; i < count; i++)
		classic_ask_sync(kit, &all[i], NULL, 0);
	classic_kit_assign(kit, &all[0], all, count);
	for (int32_t i = 0; i < count; i++)
		assert_int_equal(classic_sync_error(&all[i]), WIRE_NONE);
	assert_string_equal(classic_kit_state(kit), "Stable");
}

static inline int16_t classic_kit_heartbeat(struct group_kit *kit,
					    const struct classic_client *c)
{
	struct kit_ask *ask = kit_ask_new(4);
	struct heartbeat_request request;
	int16_t error;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of("g");
	request.generation_id = c->generation;
	request.member_id = slice_of(c->member_id);
	request.group_instance_id = slice_of(c->instance_id);
	classic_heartbeat(&kit->shard, &ask->ask, &request);
	error = ((const struct heartbeat_response *)kit_answer(ask))
			->error_code;
	kit_ask_free(ask);
	return error;
}

/* Time passes, and each of them heartbeats often enough. */
static inline void classic_kit_live_ms(struct group_kit *kit,
				       struct classic_client *all,
				       int32_t count, int64_t ms)
{
	for (int64_t at = 0; at < ms; at += 1000) {
		kit_advance_ms(kit, ms - at < 1000 ? ms - at : 1000);
		for (int32_t i = 0; i < count; i++)
			classic_kit_heartbeat(kit, &all[i]);
	}
}

/* LeaveGroup of one; NULL: not said. */
static inline int16_t classic_kit_leave(struct group_kit *kit,
					const char *member_id,
					const char *instance_id)
{
	struct leave_group_request_members member = {
		.member_id = slice_of(member_id == NULL ? "" : member_id),
		.group_instance_id = slice_of(instance_id),
	};
	struct leave_group_request request;
	struct kit_ask *ask = kit_ask_new(5);
	const struct leave_group_response *response;
	int16_t error;

	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.members = &member;
	request.members_count = 1;
	classic_leave(&kit->shard, &ask->ask, &request);
	response = kit_answer(ask);
	assert_int_equal(response->error_code, WIRE_NONE);
	assert_int_equal(response->members_count, 1);
	error = response->members[0].error_code;
	kit_ask_free(ask);
	return error;
}

/* Compares what is durable of two groups; for kit_assert_replayed(). */
static inline void classic_kit_same(const struct group *live,
				    const struct group *log)
{
	const struct classic_group *a = live->classic;
	const struct classic_group *b = log->classic;
	const struct classic_member *m;

	assert_int_equal(a == NULL || !a->is_recorded, b == NULL);
	if (b == NULL || a->state == CLASSIC_PREPARING ||
	    a->state == CLASSIC_COMPLETING)
		return;
	/* What is too large when it is loaded begins to rebalance at once: more
	 * may join than there is room for while static ones are away. */
	if (b->state == CLASSIC_PREPARING) {
		assert_true(classic_group_size(b) >
			    log->shard->settings->max_size);
		return;
	}
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->generation, b->generation);
	assert_int_equal(a->since_ms, b->since_ms);
	assert_true(slice_equal(a->protocol, b->protocol));
	assert_true(slice_equal(a->protocol_type, b->protocol_type));
	assert_int_equal(a->leader == NULL, b->leader == NULL);
	if (a->leader != NULL && b->leader != NULL)
		assert_true(slice_equal(a->leader->id, b->leader->id));
	assert_int_equal(classic_group_size(a), classic_group_size(b));
	for (m = a->members; m != NULL; m = m->hh.next) {
		const struct classic_member *same =
			classic_member_find(b, m->id);

		assert_non_null(same);
		assert_true(slice_equal(m->instance_id, same->instance_id));
		assert_true(slice_equal(m->client_id, same->client_id));
		assert_true(slice_equal(m->client_host, same->client_host));
		assert_int_equal(m->session_timeout_ms,
				 same->session_timeout_ms);
		assert_int_equal(m->rebalance_timeout_ms,
				 same->rebalance_timeout_ms);
		assert_true(slice_equal(m->assignment, same->assignment));
		assert_true(slice_equal(
			classic_member_metadata(m, a->protocol),
			classic_member_metadata(same, a->protocol)));
	}
}

#endif /* TESTS_KBROKERD_GROUP_CLASSIC_KIT_H */
