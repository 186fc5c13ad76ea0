/*
 * group_kit.h - a shard of the group coordinator without a broker, for tests
 *
 * Its log keeps the records encoded, can be told to fail, and can be read into
 * a fresh shard.  Time stands still until it is moved; what is due on the way
 * is done in order.
 */
#ifndef TESTS_KBROKERD_GROUP_GROUP_KIT_H
#define TESTS_KBROKERD_GROUP_GROUP_KIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "kbrokerd/group/group.h"
#include "kbrokerd/group/memory.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	KIT_TOPICS_MAX = 64,
	KIT_START_MS = 1000,
	KIT_MS_PER_HOUR = 60 * 60 * 1000,
};

static const int64_t kit_start_wall_ms = 1750000000000;

struct kit_record {
	struct slice key, value; /* their own memory; value null: a tombstone */
};

/* Topics, in the order of their names. */
struct kit_topics {
	struct group_topics topics; /* the first member */
	size_t count;
	struct kit_topic {
		char name[256];
		struct group_topic topic;
	} items[KIT_TOPICS_MAX];
	struct group_consumer_settings consumer;
};

struct group_kit {
	struct group_shard shard;
	struct group_memory memory;
	struct group_settings settings;
	struct kit_topics *topics; /* the newest */
	struct kit_topics *older[256];
	size_t older_count;
	struct seeded_random random;
	struct kit_record *records;
	size_t record_count, record_size;
	size_t batch_count;
	int append_rc;    /* what the next appends return; 0: they work */
	int good_appends; /* so many work before that */
};

/* Topics */

static inline bool kit_by_name(const struct group_topics *topics,
			       struct slice name, struct group_topic *out)
{
	const struct kit_topics *t = (const struct kit_topics *)topics;

	for (size_t i = 0; i < t->count; i++) {
		if (slice_equal(t->items[i].topic.name, name)) {
			*out = t->items[i].topic;
			return true;
		}
	}
	return false;
}

static inline bool kit_by_id(const struct group_topics *topics,
			     const struct uuid *id, struct group_topic *out)
{
	const struct kit_topics *t = (const struct kit_topics *)topics;

	for (size_t i = 0; i < t->count; i++) {
		if (uuid_equal(t->items[i].topic.id, *id)) {
			*out = t->items[i].topic;
			return true;
		}
	}
	return false;
}

static inline void kit_each(const struct group_topics *topics,
			    void (*on_topic)(void *arg,
					     const struct group_topic *t),
			    void *arg)
{
	const struct kit_topics *t = (const struct kit_topics *)topics;

	for (size_t i = 0; i < t->count; i++)
		on_topic(arg, &t->items[i].topic);
}

static inline void kit_consumer_settings(const struct group_topics *topics,
					 struct slice group_id,
					 struct group_consumer_settings *out)
{
	(void)group_id;
	*out = ((const struct kit_topics *)topics)->consumer;
}

/* A copy of the topics to be changed and then given to kit_set_topics(). */
static inline struct kit_topics *kit_copy_topics(const struct kit_topics *from)
{
	struct kit_topics *to = malloc(sizeof(*to));

	assert_non_null(to);
	*to = *from;
	to->topics.version++;
	for (size_t i = 0; i < to->count; i++)
		to->items[i].topic.name = slice_of(to->items[i].name);
	return to;
}

/* They are the shard's from now on; older ones stay until the kit is freed. */
static inline void kit_set_topics(struct group_kit *kit,
				  struct kit_topics *topics)
{
	struct kit_topics *before = kit->topics;

	assert_true(kit->older_count < 256);
	kit->older[kit->older_count++] = before;
	kit->topics = topics;
	group_shard_set_topics(&kit->shard, &topics->topics);
	group_offsets_forget_topics(&kit->shard, &before->topics);
}

static inline void kit_remove_topic(struct group_kit *kit, const char *name)
{
	struct kit_topics *t = kit_copy_topics(kit->topics);
	size_t i = 0;

	while (i < t->count && strcmp(t->items[i].name, name) != 0)
		i++;
	assert_true(i < t->count);
	t->count--;
	memmove(&t->items[i], &t->items[i + 1],
		(t->count - i) * sizeof(t->items[0]));
	for (; i < t->count; i++)
		t->items[i].topic.name = slice_of(t->items[i].name);
	kit_set_topics(kit, t);
}

/* Add it, or give the one of that name another number of partitions.  Returns
 * its id. */
static inline struct uuid kit_add_topic(struct group_kit *kit, const char *name,
					int32_t partition_count)
{
	struct kit_topics *t = kit_copy_topics(kit->topics);
	struct uuid id;
	size_t i = 0;

	while (i < t->count && strcmp(t->items[i].name, name) < 0)
		i++;
	if (i == t->count || strcmp(t->items[i].name, name) != 0) {
		assert_true(t->count < KIT_TOPICS_MAX);
		memmove(&t->items[i + 1], &t->items[i],
			(t->count - i) * sizeof(t->items[0]));
		t->count++;
		t->items[i].topic.id = uuid_random(&kit->random.random);
		snprintf(t->items[i].name, sizeof(t->items[i].name), "%s",
			 name);
	}
	t->items[i].topic.partition_count = partition_count;
	id = t->items[i].topic.id;
	for (; i < t->count; i++)
		t->items[i].topic.name = slice_of(t->items[i].name);
	kit_set_topics(kit, t);
	return id;
}

/* The log */

static inline struct slice kit_encode(const struct wire_desc *desc,
				      int16_t version, const void *message)
{
	struct buffer out = { 0 };

	assert_int_equal(wire_versioned_encode(desc, version, message, &out),
			 0);
	return (struct slice){ out.data, out.len };
}

static inline void kit_keep_record(struct group_kit *kit,
				   const struct group_change *change)
{
	const struct group_record_kind *kind = group_record_kind(change->type);
	struct kit_record *r;

	assert_non_null(kind);
	if (kit->record_count == kit->record_size) {
		kit->record_size = kit->record_size * 2 + 64;
		kit->records =
			realloc(kit->records, kit->record_size * sizeof(*r));
		assert_non_null(kit->records);
	}
	r = &kit->records[kit->record_count++];
	r->key = kit_encode(kind->key_desc, 0, change->key);
	r->value = change->value == NULL
			   ? SLICE_NULL
			   : kit_encode(kind->value_desc, change->version,
					change->value);
}

static inline int kit_append(void *arg, const struct group_changes *changes,
			     int64_t wall_ms, int64_t *end_offset_out)
{
	struct group_kit *kit = arg;

	assert_int_equal(wall_ms, kit->shard.wall_ms);
	assert_true(changes->count > 0);
	if (kit->append_rc < 0 && kit->good_appends == 0)
		return kit->append_rc;
	kit->good_appends -= kit->append_rc < 0;
	for (const struct group_change *c = changes->first; c != NULL;
	     c = c->next)
		kit_keep_record(kit, c);
	kit->batch_count++;
	*end_offset_out = (int64_t)kit->record_count;
	return 0;
}

/* Life */

static inline void kit_init_shard(struct group_kit *kit,
				  struct group_shard *shard)
{
	group_shard_init(
		shard, &kit->random.random, &kit->settings,
		&kit->topics->topics,
		(struct group_log){ .arg = kit, .append = kit_append });
}

/* An empty shard, loaded.  Another seed gives other member ids. */
static inline struct group_kit *group_kit_new_seeded(uint64_t seed)
{
	struct group_kit *kit = calloc(1, sizeof(*kit));

	assert_non_null(kit);
	seeded_random_init(&kit->random, seed);
	kit->settings = (struct group_settings){
		.initial_rebalance_delay_ms = 3000,
		.min_session_timeout_ms = 6000,
		.max_session_timeout_ms = 1800000,
		.max_size = INT32_MAX,
		.classic_is_on = true,
		.consumer_is_on = true,
		.migration = MIGRATION_BIDIRECTIONAL,
		.consumer_max_size = INT32_MAX,
		.regex_refresh_ms = 600000,
		.assignors = { "uniform", "range" },
		.assignor_count = 2,
		.offsets_retention_ms = 7LL * 24 * KIT_MS_PER_HOUR,
		.offsets_check_interval_ms = 600000,
		.offset_metadata_max_bytes = 4096,
	};
	kit->topics = calloc(1, sizeof(*kit->topics));
	assert_non_null(kit->topics);
	kit->topics->topics = (struct group_topics){
		.by_name = kit_by_name,
		.by_id = kit_by_id,
		.each = kit_each,
		.consumer_settings = kit_consumer_settings,
		.version = 1,
	};
	kit->topics->consumer = (struct group_consumer_settings){
		.session_timeout_ms = 45000,
		.heartbeat_interval_ms = 5000,
	};
	kit_init_shard(kit, &kit->shard);
	kit->shard.now_ms = KIT_START_MS;
	kit->shard.wall_ms = kit_start_wall_ms;
	kit->memory.max = INT64_MAX / 2;
	kit->shard.memory = &kit->memory;
	group_shard_loaded(&kit->shard);
	return kit;
}

static inline struct group_kit *group_kit_new(void)
{
	return group_kit_new_seeded(1);
}

static inline void group_kit_free(struct group_kit *kit)
{
	group_shard_clear(&kit->shard);
	/* What was counted in was counted out. */
	assert_int_equal(kit->memory.bytes, 0);
	for (size_t i = 0; i < kit->record_count; i++) {
		free((void *)kit->records[i].key.data);
		free((void *)kit->records[i].value.data);
	}
	free(kit->records);
	for (size_t i = 0; i < kit->older_count; i++)
		free(kit->older[i]);
	free(kit->topics);
	free(kit);
}

/* Time */

static inline void kit_advance_ms(struct group_kit *kit, int64_t ms)
{
	struct group_shard *shard = &kit->shard;
	int64_t end_ms = shard->now_ms + ms;

	while (group_shard_next_ms(shard) <= end_ms) {
		int64_t next_ms = group_shard_next_ms(shard);

		if (next_ms > shard->now_ms) {
			shard->wall_ms += next_ms - shard->now_ms;
			shard->now_ms = next_ms;
		}
		group_shard_run(shard);
	}
	shard->wall_ms += end_ms - shard->now_ms;
	shard->now_ms = end_ms;
}

/* Starting again */

static inline void kit_load(struct group_kit *kit, struct group_shard *shard)
{
	int64_t now_ms = kit->shard.now_ms;
	int64_t wall_ms = kit->shard.wall_ms;

	kit_init_shard(kit, shard);
	shard->memory = &kit->memory;
	shard->now_ms = now_ms;
	shard->wall_ms = wall_ms;
	for (size_t i = 0; i < kit->record_count; i++)
		assert_int_equal(group_shard_load(shard, kit->records[i].key,
						  kit->records[i].value,
						  (int64_t)i + 1),
				 0);
	group_shard_loaded(shard);
}

/* What a restart would make of the log, in the place of what there is: who
 * waits is answered NOT_COORDINATOR. */
static inline void kit_restart(struct group_kit *kit)
{
	group_shard_clear(&kit->shard);
	assert_int_equal(kit->memory.bytes, 0);
	kit_load(kit, &kit->shard);
}

static inline int kit_group_order(const struct group *a, const struct group *b)
{
	size_t len = a->id.len < b->id.len ? a->id.len : b->id.len;
	int order = len == 0 ? 0 : memcmp(a->id.data, b->id.data, len);

	return order != 0 ? order
			  : (a->id.len > b->id.len) - (a->id.len < b->id.len);
}

static inline void kit_assert_same_offsets(const struct group *a,
					   const struct group *b)
{
	assert_int_equal(a->offset_count, b->offset_count);
	for (const struct group_offset *o = a->offsets; o != NULL;
	     o = o->hh.next) {
		const struct group_offset *same =
			group_offset_find(b, o->topic, o->partition);

		assert_non_null(same);
		assert_int_equal(o->offset, same->offset);
		assert_int_equal(o->commit_ms, same->commit_ms);
		assert_int_equal(o->expire_ms, same->expire_ms);
		assert_int_equal(o->log_offset, same->log_offset);
		assert_int_equal(o->leader_epoch, same->leader_epoch);
		assert_true(uuid_equal(o->topic_id, same->topic_id));
		assert_true(slice_equal(o->metadata, same->metadata));
	}
}

/*
 * Does memory say what the log says?  Loads the log into another shard and
 * compares groups, types and offsets; on_pair (or NULL) compares the rest of
 * two groups of one id.  Groups that are in no record are passed over.
 */
static inline void kit_assert_replayed(struct group_kit *kit,
				       void (*on_pair)(const struct group *live,
						       const struct group *log))
{
	struct group_shard other;
	struct group *group;
	struct group *next;
	size_t count = 0;

	kit_load(kit, &other);
	HASH_ITER(hh, kit->shard.groups, group, next)
	{
		const struct group *same = group_find(&other, group->id);

		if (same == NULL) {
			assert_null(group->offsets);
			continue;
		}
		count++;
		assert_string_equal(group_type(group), group_type(same));
		kit_assert_same_offsets(group, same);
		if (on_pair != NULL)
			on_pair(group, same);
	}
	assert_int_equal(count, HASH_COUNT(other.groups));
	group_shard_clear(&other);
}

/* Asking */

/* One question, and the memory of its answer. */
struct kit_ask {
	struct group_ask ask; /* the first member */
	struct arena arena;
	int answers; /* 1 when it was answered */
};

static inline void kit_on_answer(struct group_ask *ask)
{
	((struct kit_ask *)ask)->answers++;
}

static inline struct kit_ask *kit_ask_new_of(int16_t version,
					     const char *client_id,
					     const char *client_host)
{
	struct kit_ask *a = calloc(1, sizeof(*a));

	assert_non_null(a);
	a->ask = (struct group_ask){
		.arena = &a->arena,
		.client_id = slice_of(client_id),
		.client_host = slice_of(client_host),
		.version = version,
		.on_answer = kit_on_answer,
	};
	return a;
}

static inline struct kit_ask *kit_ask_new(int16_t version)
{
	return kit_ask_new_of(version, "client", "/127.0.0.1");
}

/* The answer, which must have come; exactly once. */
static inline const void *kit_answer(const struct kit_ask *a)
{
	assert_int_equal(a->answers, 1);
	assert_non_null(a->ask.answer);
	return a->ask.answer;
}

static inline bool kit_is_answered(const struct kit_ask *a)
{
	assert_true(a->answers <= 1);
	return a->answers == 1;
}

/* Who asks goes away: forgotten if it waits still. */
static inline void kit_ask_free(struct kit_ask *a)
{
	if (a == NULL)
		return;
	group_ask_drop(&a->ask);
	arena_clear(&a->arena);
	free(a);
}

#endif /* TESTS_KBROKERD_GROUP_GROUP_KIT_H */
