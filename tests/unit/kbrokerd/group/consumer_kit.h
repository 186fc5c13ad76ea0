/*
 * consumer_kit.h - members of a consumer group that behave, for tests
 *
 * A member sends what it has with each heartbeat and takes what it is given at
 * once: what is no longer in an assignment it has given up when it speaks next.
 */
#ifndef TESTS_KBROKERD_GROUP_CONSUMER_KIT_H
#define TESTS_KBROKERD_GROUP_CONSUMER_KIT_H

#include "group_kit.h"
#include "kbrokerd/group/consumer_state.h"
#include "wire/enums.h"
#include "wire/wire.h"

enum { CONSUMER_TOPICS_MAX = 8, CONSUMER_REBALANCE_MS = 60000 };

struct consumer_client {
	struct group_kit *kit;
	const char *group, *id, *instance, *pattern, *assignor;
	const char *topics[CONSUMER_TOPICS_MAX];
	int topic_count;
	int16_t version;
	int32_t epoch;
	struct arena arena; /* of what it has */
	struct assignment owned;
	/* The last answer. */
	int16_t error;
	bool was_assigned;
	int32_t interval_ms;
	char made_id[64], text[512];
};

static inline struct consumer_client consumer_client(struct group_kit *kit,
						     const char *id)
{
	return (struct consumer_client){
		.kit = kit,
		.group = "g",
		.id = id,
		.topics = { "t" },
		.topic_count = 1,
		.version = 1,
	};
}

static inline void consumer_client_clear(struct consumer_client *c)
{
	arena_clear(&c->arena);
}

/* Take what it was given. */
static inline void consumer_take(
	struct consumer_client *c,
	const struct consumer_group_heartbeat_response *r)
{
	struct arena old = c->arena;

	c->was_assigned = r->assignment != NULL;
	if (!c->was_assigned)
		return;
	c->arena = (struct arena){ 0 };
	assert_int_equal(
		assignment_from_wire(&c->arena, r->assignment->topic_partitions,
				     r->assignment->topic_partitions_count,
				     &c->owned),
		0);
	arena_clear(&old);
}

static inline int16_t consumer_send(
	struct consumer_client *c,
	const struct consumer_group_heartbeat_request *request)
{
	struct kit_ask *ask = kit_ask_new(c->version);
	const struct consumer_group_heartbeat_response *r;

	consumer_heartbeat(&c->kit->shard, &ask->ask, request);
	r = kit_answer(ask);
	c->error = r->error_code;
	snprintf(c->text, sizeof(c->text), "%.*s", (int)r->error_message.len,
		 (const char *)r->error_message.data);
	if (r->error_code == WIRE_NONE) {
		c->epoch = r->member_epoch;
		c->interval_ms = r->heartbeat_interval_ms;
		snprintf(c->made_id, sizeof(c->made_id), "%.*s",
			 (int)r->member_id.len,
			 (const char *)r->member_id.data);
		consumer_take(c, r);
	}
	kit_ask_free(ask);
	return c->error;
}

/* A request that says nothing but who it is from. */
static inline struct consumer_group_heartbeat_request consumer_request(
	const struct consumer_client *c)
{
	struct consumer_group_heartbeat_request request;

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	request.group_id = slice_of(c->group);
	request.member_id = slice_of(c->id);
	request.instance_id = slice_of(c->instance);
	request.member_epoch = c->epoch;
	request.subscribed_topic_regex = SLICE_NULL;
	return request;
}

/* All that there is to say. */
static inline int16_t consumer_beat_full(struct consumer_client *c)
{
	struct consumer_group_heartbeat_request request = consumer_request(c);
	struct slice names[CONSUMER_TOPICS_MAX];
	struct arena arena = { 0 };

	for (int i = 0; i < c->topic_count; i++)
		names[i] = slice_of(c->topics[i]);
	request.rebalance_timeout_ms = CONSUMER_REBALANCE_MS;
	request.subscribed_topic_names = names;
	request.subscribed_topic_names_count = c->topic_count;
	request.subscribed_topic_regex = slice_of(c->pattern);
	request.server_assignor = slice_of(c->assignor);
	request.topic_partitions = assignment_to_wire(&arena, &c->owned);
	request.topic_partitions_count = c->owned.count;
	consumer_send(c, &request);
	arena_clear(&arena);
	return c->error;
}

/* What it has. */
static inline int16_t consumer_beat(struct consumer_client *c)
{
	struct consumer_group_heartbeat_request request = consumer_request(c);
	struct arena arena = { 0 };

	request.topic_partitions = assignment_to_wire(&arena, &c->owned);
	request.topic_partitions_count = c->owned.count;
	consumer_send(c, &request);
	arena_clear(&arena);
	return c->error;
}

/* Nothing but that it lives. */
static inline int16_t consumer_ping(struct consumer_client *c)
{
	struct consumer_group_heartbeat_request request = consumer_request(c);

	return consumer_send(c, &request);
}

static inline int16_t consumer_join(struct consumer_client *c)
{
	c->epoch = EPOCH_JOIN;
	c->owned = (struct assignment){ 0 };
	return consumer_beat_full(c);
}

static inline int16_t consumer_bye(struct consumer_client *c, int32_t epoch)
{
	c->epoch = epoch;
	consumer_ping(c);
	c->owned = (struct assignment){ 0 };
	return c->error;
}

static inline struct consumer_group *consumer_kit_group(struct group_kit *kit)
{
	struct group *group = group_find(&kit->shard, slice_of("g"));

	return group == NULL ? NULL : group->consumer;
}

static inline struct consumer_member *consumer_kit_member(struct group_kit *kit,
							  const char *id)
{
	return consumer_find(consumer_kit_group(kit), slice_of(id));
}

static inline const char *consumer_kit_state(struct group_kit *kit)
{
	return consumer_state(consumer_kit_group(kit)->group);
}

static inline int32_t consumer_count(const struct consumer_client *c)
{
	return assignment_partition_count(&c->owned);
}

/* Let all of them speak until nothing more changes. */
static inline void consumer_settle(struct consumer_client *c, int count)
{
	struct group_kit *kit = c[0].kit;
	size_t before;

	do {
		before = kit->record_count;
		for (int i = 0; i < count; i++)
			assert_int_equal(consumer_beat(&c[i]), WIRE_NONE);
	} while (kit->record_count != before);
	assert_string_equal(consumer_kit_state(kit), "Stable");
}

static inline void consumer_assert_same(const struct group *live,
					const struct group *log)
{
	const struct consumer_group *a = live->consumer;
	const struct consumer_group *b = log->consumer;
	const struct consumer_member *m;

	assert_true((a == NULL) == (b == NULL));
	if (a == NULL || b == NULL)
		return;
	assert_int_equal(a->epoch, b->epoch);
	assert_int_equal(a->metadata_hash, b->metadata_hash);
	assert_int_equal(a->assignment_epoch, b->assignment_epoch);
	assert_int_equal(a->member_count, b->member_count);
	assert_int_equal(a->classic_count, b->classic_count);
	assert_int_equal(HASH_COUNT(a->members), HASH_COUNT(b->members));
	assert_int_equal(HASH_CNT(instance_hh, a->instances),
			 HASH_CNT(instance_hh, b->instances));
	assert_int_equal(HASH_COUNT(a->patterns), HASH_COUNT(b->patterns));
	for (m = a->members; m != NULL; m = m->hh.next) {
		const struct consumer_member *o = consumer_find(b, m->id);

		assert_non_null(o);
		assert_int_equal(m->progress.epoch, o->progress.epoch);
		assert_int_equal(m->progress.previous_epoch,
				 o->progress.previous_epoch);
		assert_int_equal(m->progress.state, o->progress.state);
		assert_true(assignment_equal(&m->target, &o->target));
		assert_true(assignment_equal(&m->progress.assigned,
					     &o->progress.assigned));
		assert_true(assignment_equal(&m->progress.revoking,
					     &o->progress.revoking));
		assert_true(slice_equal(m->facts.instance_id,
					o->facts.instance_id));
		assert_true(slice_equal(m->facts.client_host,
					o->facts.client_host));
		assert_int_equal(m->facts.subscription->name_count,
				 o->facts.subscription->name_count);
	}
}

#endif /* TESTS_KBROKERD_GROUP_CONSUMER_KIT_H */
