/*
 * fetch_session_test.c - tests of fetch_session.c
 *
 * A cache of four slots, requests made by hand, and a plain model of KIP-227
 * that thousands of random requests are compared with.
 */
/* Whole, for the epoch of a session. */
#include "kbrokerd/api/fetch_session.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	SLOTS = 4,
	EVICTION_MS = 120000,
	BY_NAME = 12, /* versions */
	BY_ID = 13,
	TOPICS = 3,
	PARTITIONS = 4,
	KEYS = TOPICS * PARTITIONS,
	MODEL_STEPS = 20000,
};

struct fixture {
	struct seeded_random random;
	struct fetch_sessions *cache;
	int64_t now_ms;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	seeded_random_init(&f->random, 7);
	assert_int_equal(fetch_sessions_new(SLOTS, EVICTION_MS,
					    &f->random.random, &f->cache),
			 0);
	f->now_ms = 1000000;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	fetch_sessions_free(f->cache);
	free(f);
	return 0;
}

/* A request of a few partitions; key k is partition k % 4 of topic k / 4. */
struct asked {
	struct fetch_request request;
	struct fetch_request_topics topics[KEYS];
	struct fetch_request_topics_partitions partitions[KEYS];
	struct fetch_request_forgotten_topics_data forgotten[KEYS];
	int32_t forgotten_partitions[KEYS];
};

static const char *const topic_names[TOPICS] = { "red", "green", "blue" };

static struct uuid topic_id(int topic)
{
	struct uuid id = UUID_ZERO;

	id.bytes[15] = (uint8_t)(topic + 1);
	return id;
}

static void begin_request(struct asked *a, int32_t session_id, int32_t epoch)
{
	memset(a, 0, sizeof(*a));
	a->request.session_id = session_id;
	a->request.session_epoch = epoch;
	a->request.topics = a->topics;
	a->request.forgotten_topics_data = a->forgotten;
}

/* Both ways of naming a topic are filled in, as the codec would not. */
static void ask(struct asked *a, int16_t version, int key, int64_t offset)
{
	int32_t n = a->request.topics_count++;

	if (version >= BY_ID)
		a->topics[n].topic_id = topic_id(key / PARTITIONS);
	else
		a->topics[n].topic = slice_of(topic_names[key / PARTITIONS]);
	a->topics[n].partitions = &a->partitions[n];
	a->topics[n].partitions_count = 1;
	a->partitions[n].partition = key % PARTITIONS;
	a->partitions[n].fetch_offset = offset;
	a->partitions[n].partition_max_bytes = 1000;
}

static void forget(struct asked *a, int16_t version, int key)
{
	int32_t n = a->request.forgotten_topics_data_count++;

	if (version >= BY_ID)
		a->forgotten[n].topic_id = topic_id(key / PARTITIONS);
	else
		a->forgotten[n].topic = slice_of(topic_names[key / PARTITIONS]);
	a->forgotten[n].partitions = &a->forgotten_partitions[n];
	a->forgotten[n].partitions_count = 1;
	a->forgotten_partitions[n] = key % PARTITIONS;
}

static int16_t begin(struct fixture *f, int16_t version, struct asked *a,
		     struct fetch_session **session_out)
{
	return fetch_sessions_begin(f->cache, version, &a->request, f->now_ms,
				    session_out);
}

static void end(struct fetch_session *s)
{
	fetch_session_unlock(s);
	fetch_session_release(s);
}

/* A session of count partitions; its id, 0 when there is no room. */
static int32_t make_session(struct fixture *f, int count)
{
	struct fetch_session *s;
	struct asked a;
	int32_t id;

	begin_request(&a, 0, 0);
	for (int key = 0; key < count; key++)
		ask(&a, BY_NAME, key, 0);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	if (s == NULL)
		return 0;
	id = fetch_session_id(s);
	end(s);
	return id;
}

/* Is there a session of this id?  Asked in a way that changes nothing. */
static bool exists(struct fixture *f, int32_t id)
{
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, id, 1000);
	return begin(f, BY_NAME, &a, &s) == WIRE_INVALID_FETCH_SESSION_EPOCH;
}

static void full_request_begins_a_session_at_epoch_1(void **state)
{
	struct fixture *f = *state;
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, 0, 0);
	ask(&a, BY_NAME, 0, 10);
	ask(&a, BY_NAME, 5, 20);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);

	assert_non_null(s);
	assert_int_not_equal(fetch_session_id(s), 0);
	assert_int_equal(fetch_session_epoch(s), 1);
	assert_int_equal(fetch_session_size(s), 2);
	assert_int_equal(fetch_session_queued(s), 2);
	end(s);
}

static void old_versions_and_epoch_minus_1_have_no_session(void **state)
{
	struct fixture *f = *state;
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, 0, 0);
	ask(&a, BY_NAME, 0, 0);
	assert_int_equal(begin(f, 6, &a, &s), WIRE_NONE);
	assert_null(s);
	begin_request(&a, 0, -1);
	ask(&a, BY_NAME, 0, 0);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	assert_null(s);
	assert_int_equal(fetch_sessions_count(f->cache), 0);
}

static void unknown_session_wrong_epoch_wrong_kind_are_refused(void **state)
{
	struct fixture *f = *state;
	int32_t id = make_session(f, 2);
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, id ^ 1, 1);
	assert_int_equal(begin(f, BY_NAME, &a, &s),
			 WIRE_FETCH_SESSION_ID_NOT_FOUND);
	begin_request(&a, id, 2);
	assert_int_equal(begin(f, BY_NAME, &a, &s),
			 WIRE_INVALID_FETCH_SESSION_EPOCH);
	begin_request(&a, id, 1);
	assert_int_equal(begin(f, BY_ID, &a, &s),
			 WIRE_FETCH_SESSION_TOPIC_ID_ERROR);
	assert_null(s);
}

static void what_is_asked_anew_counts(void **state)
{
	struct fixture *f = *state;
	int32_t id = make_session(f, 1);
	const struct fetch_entry *e;
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, id, 1);
	ask(&a, BY_NAME, 0, 9);
	a.partitions[0].partition_max_bytes = 77;
	a.partitions[0].current_leader_epoch = 3;
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	assert_int_equal(fetch_session_size(s), 1);
	e = TAILQ_FIRST(fetch_session_queue(s));
	assert_int_equal(e->fetch_offset, 9);
	assert_int_equal(e->max_bytes, 77);
	assert_int_equal(e->current_leader_epoch, 3);
	end(s);
}

static void epoch_wraps_to_1(void **state)
{
	struct fixture *f = *state;
	int32_t id = make_session(f, 1);
	struct fetch_session *s;
	struct asked a;

	for (int32_t epoch = 1; epoch < 100; epoch++) {
		begin_request(&a, id, epoch);
		assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
		assert_int_equal(fetch_session_epoch(s), epoch + 1);
		end(s);
	}
	s->epoch = INT32_MAX;
	begin_request(&a, id, INT32_MAX);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	assert_int_equal(fetch_session_epoch(s), 1);
	end(s);
}

static void forgetting_all_ends_the_session(void **state)
{
	struct fixture *f = *state;
	int32_t id = make_session(f, 2);
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, id, 1);
	forget(&a, BY_NAME, 0);
	forget(&a, BY_NAME, 1);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	assert_null(s);
	assert_false(exists(f, id));
}

static void full_request_ends_the_session_it_names(void **state)
{
	struct fixture *f = *state;
	int32_t id = make_session(f, 2);
	struct fetch_session *s;
	struct asked a;

	begin_request(&a, id, -1);
	assert_int_equal(begin(f, BY_NAME, &a, &s), WIRE_NONE);
	assert_false(exists(f, id));
}

static void full_cache_keeps_its_sessions_and_refuses_new_ones(void **state)
{
	struct fixture *f = *state;
	int32_t ids[SLOTS];

	for (int i = 0; i < SLOTS; i++)
		ids[i] = make_session(f, 1);
	assert_int_equal(make_session(f, 9), 0);
	for (int i = 0; i < SLOTS; i++)
		assert_true(exists(f, ids[i]));
}

static void stale_session_makes_room_for_any(void **state)
{
	struct fixture *f = *state;
	int32_t first = make_session(f, 9);

	for (int i = 1; i < SLOTS; i++)
		make_session(f, 9);
	f->now_ms += EVICTION_MS;
	assert_int_equal(make_session(f, 1), 0);
	f->now_ms++;
	assert_int_not_equal(make_session(f, 1), 0);
	assert_false(exists(f, first));
	assert_int_equal(fetch_sessions_count(f->cache), SLOTS);
}

static void old_smaller_session_makes_room_for_a_larger(void **state)
{
	struct fixture *f = *state;
	int32_t ids[SLOTS];
	struct fetch_session *s;
	struct asked a;

	for (int i = 0; i < SLOTS; i++)
		ids[i] = make_session(f, 2 + i);
	/* Used now and then, they grow old but not stale. */
	for (int32_t epoch = 1; epoch <= 3; epoch++) {
		f->now_ms += EVICTION_MS / 2;
		for (int i = 0; i < SLOTS; i++) {
			begin_request(&a, ids[i], epoch);
			begin(f, BY_NAME, &a, &s);
			end(s);
		}
	}
	assert_int_equal(make_session(f, 2), 0);
	assert_int_not_equal(make_session(f, 3), 0);
	assert_false(exists(f, ids[0]));
	assert_true(exists(f, ids[1]));
}

static void only_news_are_told(void **state)
{
	struct fetch_entry e = { .told_high_watermark = -1,
				 .told_log_start = -1 };
	struct fetch_news news = { .high_watermark = 5 };

	(void)state;
	assert_true(fetch_entry_tell(&e, &news));
	assert_false(fetch_entry_tell(&e, &news));
	news.high_watermark = 6;
	assert_true(fetch_entry_tell(&e, &news));
	news.log_start = 2;
	assert_true(fetch_entry_tell(&e, &news));
	assert_false(fetch_entry_tell(&e, &news));
	news.has_records = true;
	assert_true(fetch_entry_tell(&e, &news));
	assert_true(fetch_entry_tell(&e, &news));
	/* After an error it is told again though nothing changed. */
	news = (struct fetch_news){ .has_error = true,
				    .high_watermark = 6,
				    .log_start = 2 };
	assert_true(fetch_entry_tell(&e, &news));
	news = (struct fetch_news){ .high_watermark = 6, .log_start = 2 };
	assert_true(fetch_entry_tell(&e, &news));
	assert_false(fetch_entry_tell(&e, &news));
	news.diverges = true;
	assert_true(fetch_entry_tell(&e, &news));
	assert_true(fetch_entry_tell(&e, &news));
}

/* The model: arrays, and the rules as the KIP words them */

struct model_session {
	int32_t id; /* 0: a free one */
	int32_t epoch;
	int16_t version;
	int64_t created_ms, used_ms;
	int size;
	int cached_size;
	bool may_go;
	int64_t offsets[KEYS]; /* -1: not in it */
	int queue[KEYS];
	int queued;
};

struct model {
	struct model_session sessions[SLOTS];
	struct random *random;
	int64_t now_ms;
};

static int pick(struct model *m, int below)
{
	return (int)random_below(m->random, (uint64_t)below);
}

static void model_dequeue(struct model_session *s, int key)
{
	for (int i = 0; i < s->queued; i++) {
		if (s->queue[i] != key)
			continue;
		memmove(&s->queue[i], &s->queue[i + 1],
			(size_t)(s->queued - i - 1) * sizeof(int));
		s->queued--;
	}
}

static bool model_has_queued(const struct model_session *s, int key)
{
	for (int i = 0; i < s->queued; i++)
		if (s->queue[i] == key)
			return true;
	return false;
}

static void model_put(struct model_session *s, int key, int64_t offset)
{
	if (s->offsets[key] < 0)
		s->size++;
	s->offsets[key] = offset;
	if (!model_has_queued(s, key))
		s->queue[s->queued++] = key;
}

static void model_forget(struct model_session *s, int key)
{
	if (s->offsets[key] >= 0)
		s->size--;
	s->offsets[key] = -1;
	model_dequeue(s, key);
}

static void model_use(struct model *m, struct model_session *s)
{
	s->used_ms = m->now_ms;
	s->cached_size = s->size;
	s->may_go = m->now_ms - s->created_ms > EVICTION_MS;
}

static struct model_session *model_find(struct model *m, int32_t id)
{
	for (int i = 0; i < SLOTS; i++)
		if (m->sessions[i].id == id)
			return &m->sessions[i];
	return NULL;
}

/* A free slot, made free if the rules say so; or NULL. */
static struct model_session *model_room(struct model *m, int size)
{
	struct model_session *stalest = &m->sessions[0];
	struct model_session *smallest = NULL;

	if (model_find(m, 0) != NULL)
		return model_find(m, 0);
	for (int i = 0; i < SLOTS; i++) {
		struct model_session *s = &m->sessions[i];

		if (s->used_ms < stalest->used_ms)
			stalest = s;
		if (s->may_go && (smallest == NULL ||
				  s->cached_size < smallest->cached_size ||
				  (s->cached_size == smallest->cached_size &&
				   s->id < smallest->id)))
			smallest = s;
	}
	if (m->now_ms - stalest->used_ms > EVICTION_MS)
		return stalest;
	return smallest != NULL && size > smallest->cached_size ? smallest
								: NULL;
}

static void assert_same(const struct model_session *want,
			struct fetch_session *s)
{
	struct fetch_entry *e;
	int i = 0;

	assert_int_equal(fetch_session_epoch(s), want->epoch);
	assert_int_equal(fetch_session_size(s), want->size);
	assert_int_equal(fetch_session_queued(s), want->queued);
	TAILQ_FOREACH (e, fetch_session_queue(s), in_queue) {
		int key = want->queue[i++];

		assert_int_equal(e->partition_index, key % PARTITIONS);
		assert_int_equal(e->fetch_offset, want->offsets[key]);
		if (want->version >= BY_ID)
			assert_true(uuid_equal(e->topic->id,
					       topic_id(key / PARTITIONS)));
		else
			assert_true(slice_is(e->topic->name,
					     topic_names[key / PARTITIONS]));
	}
}

/* As an answer does: some entries go to the end, some leave the queue. */
static void serve_some(struct model *m, struct model_session *want,
		       struct fetch_session *s)
{
	struct fetch_entry *e = TAILQ_FIRST(fetch_session_queue(s));
	struct fetch_entry *next;
	int count = want->queued;

	for (int i = 0; i < count; i++, e = next) {
		int key = want->queue[0];

		next = TAILQ_NEXT(e, in_queue);
		model_dequeue(want, key);
		if (pick(m, 2)) {
			fetch_session_dequeue(s, e);
		} else {
			fetch_session_enqueue(s, e);
			want->queue[want->queued++] = key;
		}
	}
}

static void model_full(struct fixture *f, struct model *m)
{
	int16_t version = pick(m, 2) ? BY_NAME : BY_ID;
	struct model_session fresh = { .epoch = 1, .version = version };
	struct model_session *named;
	struct model_session *slot = NULL;
	struct fetch_session *s;
	struct asked a;
	int count = pick(m, KEYS);

	named = &m->sessions[pick(m, SLOTS)];
	begin_request(&a, pick(m, 4) == 0 ? named->id : 0,
		      pick(m, 8) == 0 ? -1 : 0);
	for (int key = 0; key < KEYS; key++)
		fresh.offsets[key] = -1;
	for (int i = 0; i < count; i++) {
		int key = pick(m, KEYS);
		int64_t offset = pick(m, 1000);

		ask(&a, version, key, offset);
		model_put(&fresh, key, offset);
	}
	if (a.request.session_id != 0)
		named->id = 0;
	if (a.request.session_epoch == 0)
		slot = model_room(m, fresh.size);
	assert_int_equal(begin(f, version, &a, &s), WIRE_NONE);
	assert_int_equal(s != NULL, slot != NULL);
	if (s == NULL)
		return;
	fresh.id = fetch_session_id(s);
	fresh.created_ms = m->now_ms;
	*slot = fresh;
	model_use(m, slot);
	assert_same(slot, s);
	serve_some(m, slot, s);
	end(s);
}

static void model_incremental(struct fixture *f, struct model *m)
{
	struct model_session *slot = &m->sessions[pick(m, SLOTS)];
	int32_t epoch = pick(m, 8) == 0 ? slot->epoch + 1 : slot->epoch;
	int16_t version = slot->version;
	struct fetch_session *s;
	struct asked a;

	if (slot->id == 0 || epoch <= 0)
		return;
	begin_request(&a, slot->id, epoch);
	for (int i = pick(m, 4); i > 0; i--) {
		int key = pick(m, KEYS);
		int64_t offset = pick(m, 1000);

		ask(&a, version, key, offset);
		if (epoch == slot->epoch)
			model_put(slot, key, offset);
	}
	for (int i = pick(m, 4); i > 0; i--) {
		int key = pick(m, KEYS);

		forget(&a, version, key);
		if (epoch == slot->epoch)
			model_forget(slot, key);
	}
	if (epoch != slot->epoch) {
		assert_int_equal(begin(f, version, &a, &s),
				 WIRE_INVALID_FETCH_SESSION_EPOCH);
		return;
	}
	assert_int_equal(begin(f, version, &a, &s), WIRE_NONE);
	if (slot->size == 0) {
		assert_null(s);
		slot->id = 0;
		return;
	}
	slot->epoch++;
	model_use(m, slot);
	assert_non_null(s);
	assert_same(slot, s);
	serve_some(m, slot, s);
	end(s);
}

static void cache_agrees_with_model(void **state)
{
	struct fixture *f = *state;
	struct seeded_random random;
	struct model m = { .random = &random.random };

	seeded_random_init(&random, 20260801);
	for (int step = 0; step < MODEL_STEPS; step++) {
		size_t count = 0;

		f->now_ms += 1 + pick(&m, 40000);
		m.now_ms = f->now_ms;
		if (pick(&m, 4) == 0)
			model_full(f, &m);
		else
			model_incremental(f, &m);
		for (int i = 0; i < SLOTS; i++)
			count += m.sessions[i].id != 0;
		assert_int_equal(fetch_sessions_count(f->cache), count);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_request_begins_a_session_at_epoch_1),
		TEST(old_versions_and_epoch_minus_1_have_no_session),
		TEST(unknown_session_wrong_epoch_wrong_kind_are_refused),
		TEST(epoch_wraps_to_1),
		TEST(forgetting_all_ends_the_session),
		TEST(full_request_ends_the_session_it_names),
		TEST(full_cache_keeps_its_sessions_and_refuses_new_ones),
		TEST(stale_session_makes_room_for_any),
		TEST(old_smaller_session_makes_room_for_a_larger),
		TEST(what_is_asked_anew_counts),
		TEST(only_news_are_told),
		TEST(cache_agrees_with_model),
	};

	return cmocka_run_group_tests_name("fetch_session", tests, NULL, NULL);
}
