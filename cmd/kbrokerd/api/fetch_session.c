/*
 * fetch_session.c - what consumers fetch, remembered between requests
 *
 * The cache finds sessions by id and has them in the order of their last use.
 * A session finds its entries by topic and partition, and has those that may
 * have something to tell in a queue.
 *
 * Rules:
 *  - a session is counted: one reference is the cache's, one of each request
 *    at work on it; it goes with the last, and its entries with it
 *  - an entry that is not in the queue has been told all there is, and its
 *    waiter is hooked or has fired
 *  - what the cache keeps of a session (last use, size, whether it may go) is
 *    under the cache's lock and only as new as the session's last request, as
 *    in Kafka
 */
#include "kbrokerd/api/fetch_session.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/hash.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	SESSION_NONE = 0,
	EPOCH_FINAL = -1, /* no session, or the end of one */
	EPOCH_INITIAL = 0,
	FIRST_VERSION = 7,
	TOPIC_ID_VERSION = 13,
	BUCKETS_FIRST = 8,
	EVICTION_DEFAULT_MS = 120 * 1000,
};

struct fetch_session {
	/* Under the cache's lock. */
	int32_t id; /* never changes */
	int64_t created_ms, used_ms;
	size_t cached_size;
	bool may_go; /* was old enough when it was used last */
	bool cached;
	TAILQ_ENTRY(fetch_session) in_use_order;
	struct fetch_session *next_in_bucket;

	atomic_int references;
	pthread_mutex_t lock; /* for all below */
	int32_t epoch;
	bool by_topic_id; /* never changes */
	struct fetch_entry **buckets;
	size_t bucket_count; /* a power of two */
	size_t size;
	struct fetch_queue queue;
	size_t queued;
	struct partition_wait_set waits;
};

TAILQ_HEAD(session_list, fetch_session);

struct fetch_sessions {
	pthread_mutex_t lock;
	struct random *random;
	size_t slots;
	int64_t eviction_ms;
	struct session_list use_order; /* the longest unused first */
	struct fetch_session **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

/* Entries */

static void topic_release(struct fetch_topic *topic)
{
	if (--topic->references == 0)
		free(topic);
}

/* With no reference yet. */
static struct fetch_topic *topic_new(struct uuid id, struct slice name,
				     uint64_t hash)
{
	struct fetch_topic *topic = malloc(sizeof(*topic) + name.len);
	uint8_t *bytes = (uint8_t *)(topic + 1);

	if (topic == NULL)
		return NULL;
	*topic = (struct fetch_topic){ .id = id, .hash = hash };
	if (!slice_is_null(name)) {
		memcpy(bytes, name.data, name.len);
		topic->name = (struct slice){ bytes, name.len };
	}
	return topic;
}

static struct fetch_entry **bucket_at(struct fetch_entry **buckets,
				      size_t count, uint64_t topic_hash,
				      int32_t index)
{
	uint64_t hash = topic_hash + (uint32_t)index * 0x9e3779b97f4a7c15U;

	return &buckets[(hash ^ hash >> 32) & (count - 1)];
}

/* A topic as a request names it. */
struct topic_key {
	struct uuid id;
	struct slice name; /* null by id */
	uint64_t hash;
	struct fetch_topic *made; /* for new entries, when there were some */
};

static struct topic_key topic_key(bool by_id, struct uuid id, struct slice name)
{
	if (by_id)
		return (struct topic_key){
			.id = id,
			.hash = hash_bytes(id.bytes, sizeof(id.bytes)),
		};
	return (struct topic_key){
		.name = name,
		.hash = hash_bytes(name.data, name.len),
	};
}

static struct fetch_entry **find_entry(struct fetch_session *s,
				       const struct topic_key *key,
				       int32_t index)
{
	struct fetch_entry **at =
		bucket_at(s->buckets, s->bucket_count, key->hash, index);

	while (*at != NULL && ((*at)->partition_index != index ||
			       !uuid_equal((*at)->topic->id, key->id) ||
			       !slice_equal((*at)->topic->name, key->name)))
		at = &(*at)->next_in_bucket;
	return at;
}

static int grow(struct fetch_session *s)
{
	size_t count =
		s->bucket_count == 0 ? BUCKETS_FIRST : 2 * s->bucket_count;
	struct fetch_entry **buckets =
		calloc(count, sizeof(struct fetch_entry *));

	if (buckets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < s->bucket_count; i++) {
		struct fetch_entry *e = s->buckets[i];

		while (e != NULL) {
			struct fetch_entry *next = e->next_in_bucket;
			struct fetch_entry **at =
				bucket_at(buckets, count, e->topic->hash,
					  e->partition_index);

			e->next_in_bucket = *at;
			*at = e;
			e = next;
		}
	}
	free(s->buckets);
	s->buckets = buckets;
	s->bucket_count = count;
	return 0;
}

static struct fetch_entry *add_entry(struct fetch_session *s,
				     struct topic_key *key, int32_t index)
{
	struct fetch_entry *e;
	struct fetch_entry **at;

	if (s->size >= s->bucket_count && grow(s) < 0)
		return NULL;
	if (key->made == NULL)
		key->made = topic_new(key->id, key->name, key->hash);
	e = key->made == NULL ? NULL : calloc(1, sizeof(*e));
	if (e == NULL)
		return NULL;
	e->topic = key->made;
	e->topic->references++;
	e->partition_index = index;
	e->told_high_watermark = -1;
	e->told_log_start = -1;
	at = bucket_at(s->buckets, s->bucket_count, key->hash, index);
	e->next_in_bucket = *at;
	*at = e;
	s->size++;
	return e;
}

static void remove_entry(struct fetch_session *s, struct fetch_entry **at)
{
	struct fetch_entry *e = *at;

	*at = e->next_in_bucket;
	s->size--;
	fetch_session_dequeue(s, e);
	if (e->on_forget != NULL)
		e->on_forget(e);
	topic_release(e->topic);
	free(e);
}

void fetch_session_enqueue(struct fetch_session *session, struct fetch_entry *e)
{
	fetch_session_dequeue(session, e);
	TAILQ_INSERT_TAIL(&session->queue, e, in_queue);
	e->queued = true;
	session->queued++;
}

void fetch_session_dequeue(struct fetch_session *session, struct fetch_entry *e)
{
	if (!e->queued)
		return;
	TAILQ_REMOVE(&session->queue, e, in_queue);
	e->queued = false;
	session->queued--;
}

bool fetch_entry_tell(struct fetch_entry *e, const struct fetch_news *news)
{
	bool tell = news->has_records || news->has_error || news->diverges ||
		    news->high_watermark != e->told_high_watermark ||
		    news->log_start != e->told_log_start;

	e->told_high_watermark = news->has_error ? -1 : news->high_watermark;
	e->told_log_start = news->log_start;
	return tell;
}

/* Sessions */

static struct fetch_session *session_new(bool by_topic_id, int64_t now_ms)
{
	struct fetch_session *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->created_ms = now_ms;
	s->by_topic_id = by_topic_id;
	s->epoch = EPOCH_INITIAL + 1;
	atomic_init(&s->references, 1);
	pthread_mutex_init(&s->lock, NULL);
	TAILQ_INIT(&s->queue);
	partition_wait_set_init(&s->waits);
	if (grow(s) < 0) {
		fetch_session_release(s);
		return NULL;
	}
	return s;
}

void fetch_session_release(struct fetch_session *s)
{
	if (atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) >
	    1)
		return;
	for (size_t i = 0; i < s->bucket_count; i++)
		while (s->buckets[i] != NULL)
			remove_entry(s, &s->buckets[i]);
	free(s->buckets);
	partition_wait_set_clear(&s->waits);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void fetch_session_lock(struct fetch_session *session)
{
	pthread_mutex_lock(&session->lock);
}

void fetch_session_unlock(struct fetch_session *session)
{
	pthread_mutex_unlock(&session->lock);
}

int32_t fetch_session_id(const struct fetch_session *session)
{
	return session->id;
}

int32_t fetch_session_epoch(const struct fetch_session *session)
{
	return session->epoch;
}

struct fetch_queue *fetch_session_queue(struct fetch_session *session)
{
	return &session->queue;
}

size_t fetch_session_queued(const struct fetch_session *session)
{
	return session->queued;
}

size_t fetch_session_size(const struct fetch_session *session)
{
	return session->size;
}

struct partition_wait_set *fetch_session_waits(struct fetch_session *session)
{
	return &session->waits;
}

/* What a request changes */

static int update_entry(struct fetch_session *s, struct topic_key *key,
			const struct fetch_request_topics_partitions *from)
{
	struct fetch_entry *e = *find_entry(s, key, from->partition);

	if (e == NULL)
		e = add_entry(s, key, from->partition);
	if (e == NULL)
		return -ENOMEM;
	e->current_leader_epoch = from->current_leader_epoch;
	e->last_fetched_epoch = from->last_fetched_epoch;
	e->fetch_offset = from->fetch_offset;
	e->max_bytes = from->partition_max_bytes;
	e->looked_at = false;
	if (!e->queued)
		fetch_session_enqueue(s, e);
	return 0;
}

static int update_topic(struct fetch_session *s,
			const struct fetch_request_topics *from)
{
	struct topic_key key =
		topic_key(s->by_topic_id, from->topic_id, from->topic);
	int rc = 0;

	for (int32_t i = 0; i < from->partitions_count && rc == 0; i++)
		rc = update_entry(s, &key, &from->partitions[i]);
	if (key.made != NULL && key.made->references == 0)
		free(key.made);
	return rc;
}

static void forget_topic(struct fetch_session *s,
			 const struct fetch_request_forgotten_topics_data *from)
{
	struct topic_key key =
		topic_key(s->by_topic_id, from->topic_id, from->topic);

	for (int32_t i = 0; i < from->partitions_count; i++) {
		struct fetch_entry **at =
			find_entry(s, &key, from->partitions[i]);

		if (*at != NULL)
			remove_entry(s, at);
	}
}

static int update(struct fetch_session *s, const struct fetch_request *request)
{
	int rc = 0;

	for (int32_t i = 0; i < request->topics_count && rc == 0; i++)
		rc = update_topic(s, &request->topics[i]);
	for (int32_t i = 0; i < request->forgotten_topics_data_count; i++)
		forget_topic(s, &request->forgotten_topics_data[i]);
	return rc;
}

/* The cache, under its lock */

static struct fetch_session **find_session(struct fetch_sessions *c, int32_t id)
{
	struct fetch_session **at =
		&c->buckets[(uint32_t)id & (c->bucket_count - 1)];

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next_in_bucket;
	return at;
}

/* Take it out; the cache's reference becomes the caller's. */
static struct fetch_session *take_out(struct fetch_sessions *c,
				      struct fetch_session *s)
{
	struct fetch_session **at = find_session(c, s->id);

	assert(*at == s);
	*at = s->next_in_bucket;
	TAILQ_REMOVE(&c->use_order, s, in_use_order);
	s->cached = false;
	c->count--;
	return s;
}

static void note_use(struct fetch_sessions *c, struct fetch_session *s,
		     int64_t now_ms)
{
	s->used_ms = now_ms;
	s->cached_size = s->size;
	s->may_go = now_ms - s->created_ms > c->eviction_ms;
	TAILQ_REMOVE(&c->use_order, s, in_use_order);
	TAILQ_INSERT_TAIL(&c->use_order, s, in_use_order);
}

static int32_t fresh_id(struct fetch_sessions *c)
{
	int32_t id;

	do {
		id = 1 + (int32_t)random_below(c->random, INT32_MAX);
	} while (*find_session(c, id) != NULL);
	return id;
}

static void put_in(struct fetch_sessions *c, struct fetch_session *s,
		   int64_t now_ms)
{
	struct fetch_session **at;

	s->id = fresh_id(c);
	at = find_session(c, s->id);
	assert(*at == NULL);
	*at = s;
	TAILQ_INSERT_TAIL(&c->use_order, s, in_use_order);
	s->cached = true;
	c->count++;
	atomic_fetch_add(&s->references, 1);
	note_use(c, s, now_ms);
}

/*
 * Which session is to make room for a new one of this size: the longest
 * unused, if that is long enough; else the smallest of the old ones, if it is
 * smaller.  NULL when none is.
 */
static struct fetch_session *choose_victim(struct fetch_sessions *c,
					   size_t size, int64_t now_ms)
{
	struct fetch_session *first = TAILQ_FIRST(&c->use_order);
	struct fetch_session *smallest = NULL;
	struct fetch_session *s;

	if (first == NULL)
		return NULL;
	if (now_ms - first->used_ms > c->eviction_ms)
		return first;
	TAILQ_FOREACH (s, &c->use_order, in_use_order)
		if (s->may_go && (smallest == NULL ||
				  s->cached_size < smallest->cached_size ||
				  (s->cached_size == smallest->cached_size &&
				   s->id < smallest->id)))
			smallest = s;
	if (smallest == NULL || size <= smallest->cached_size)
		return NULL;
	return smallest;
}

/* Requests */

/* Put a new session in, if there is or can be room.  Returns whether. */
static bool admit(struct fetch_sessions *c, struct fetch_session *s,
		  int64_t now_ms)
{
	struct fetch_session *victim = NULL;
	bool room;

	pthread_mutex_lock(&c->lock);
	room = c->count < c->slots;
	if (!room) {
		victim = choose_victim(c, s->size, now_ms);
		room = victim != NULL;
	}
	if (victim != NULL)
		take_out(c, victim);
	if (room)
		put_in(c, s, now_ms);
	pthread_mutex_unlock(&c->lock);
	if (victim != NULL)
		fetch_session_release(victim);
	return room;
}

static int16_t begin_full(struct fetch_sessions *c, int16_t version,
			  const struct fetch_request *request, int64_t now_ms,
			  struct fetch_session **session_out)
{
	struct fetch_session *s =
		session_new(version >= TOPIC_ID_VERSION, now_ms);

	if (s == NULL || update(s, request) < 0) {
		if (s != NULL)
			fetch_session_release(s);
		return WIRE_UNKNOWN_SERVER_ERROR;
	}
	/* Locked before others can find it. */
	pthread_mutex_lock(&s->lock);
	if (admit(c, s, now_ms)) {
		*session_out = s;
		return WIRE_NONE;
	}
	pthread_mutex_unlock(&s->lock);
	fetch_session_release(s);
	return WIRE_NONE;
}

static void close_session(struct fetch_sessions *c, int32_t id)
{
	struct fetch_session *s;

	pthread_mutex_lock(&c->lock);
	s = *find_session(c, id);
	if (s != NULL)
		take_out(c, s);
	pthread_mutex_unlock(&c->lock);
	if (s != NULL)
		fetch_session_release(s);
}

/* What an incremental request does to its session, which is locked. */
static int16_t continue_session(struct fetch_session *s, int16_t version,
				const struct fetch_request *request)
{
	if (s->epoch != request->session_epoch)
		return WIRE_INVALID_FETCH_SESSION_EPOCH;
	if (s->by_topic_id != (version >= TOPIC_ID_VERSION))
		return WIRE_FETCH_SESSION_TOPIC_ID_ERROR;
	if (update(s, request) < 0)
		return WIRE_UNKNOWN_SERVER_ERROR;
	if (s->size > 0)
		s->epoch = s->epoch == INT32_MAX ? 1 : s->epoch + 1;
	return WIRE_NONE;
}

static int16_t begin_incremental(struct fetch_sessions *c, int16_t version,
				 const struct fetch_request *request,
				 int64_t now_ms,
				 struct fetch_session **session_out)
{
	struct fetch_session *s;
	bool empty = false;
	int16_t error;

	pthread_mutex_lock(&c->lock);
	s = *find_session(c, request->session_id);
	if (s != NULL)
		atomic_fetch_add(&s->references, 1);
	pthread_mutex_unlock(&c->lock);
	if (s == NULL)
		return WIRE_FETCH_SESSION_ID_NOT_FOUND;

	pthread_mutex_lock(&s->lock);
	error = continue_session(s, version, request);
	if (error == WIRE_NONE) {
		empty = s->size == 0;
		pthread_mutex_lock(&c->lock);
		if (s->cached)
			note_use(c, s, now_ms);
		pthread_mutex_unlock(&c->lock);
		if (!empty) {
			*session_out = s;
			return WIRE_NONE;
		}
	}
	pthread_mutex_unlock(&s->lock);
	/* A session without partitions ends. */
	if (empty)
		close_session(c, s->id);
	fetch_session_release(s);
	return error;
}

int16_t fetch_sessions_begin(struct fetch_sessions *sessions, int16_t version,
			     const struct fetch_request *request,
			     int64_t now_ms, struct fetch_session **session_out)
{
	bool full = request->session_epoch == EPOCH_INITIAL ||
		    request->session_epoch == EPOCH_FINAL;

	*session_out = NULL;
	if (version < FIRST_VERSION)
		return WIRE_NONE;
	if (!full)
		return begin_incremental(sessions, version, request, now_ms,
					 session_out);
	/* A full request ends the session that it names. */
	if (request->session_id != SESSION_NONE)
		close_session(sessions, request->session_id);
	if (request->session_epoch == EPOCH_FINAL)
		return WIRE_NONE;
	return begin_full(sessions, version, request, now_ms, session_out);
}

/* The cache's life */

void fetch_sessions_drop(struct fetch_sessions *sessions,
			 const struct fetch_session *session)
{
	close_session(sessions, session->id);
}

int fetch_sessions_new(size_t slots, int64_t eviction_ms, struct random *random,
		       struct fetch_sessions **sessions_out)
{
	struct fetch_sessions *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->bucket_count = BUCKETS_FIRST;
	while (c->bucket_count < slots)
		c->bucket_count *= 2;
	c->buckets = calloc(c->bucket_count, sizeof(struct fetch_session *));
	if (c->buckets == NULL) {
		free(c);
		return -ENOMEM;
	}
	pthread_mutex_init(&c->lock, NULL);
	c->random = random;
	c->slots = slots;
	c->eviction_ms = eviction_ms > 0 ? eviction_ms : EVICTION_DEFAULT_MS;
	TAILQ_INIT(&c->use_order);
	*sessions_out = c;
	return 0;
}

void fetch_sessions_free(struct fetch_sessions *sessions)
{
	if (sessions == NULL)
		return;
	while (sessions->count > 0)
		fetch_session_release(
			take_out(sessions, TAILQ_FIRST(&sessions->use_order)));
	free(sessions->buckets);
	pthread_mutex_destroy(&sessions->lock);
	free(sessions);
}

size_t fetch_sessions_count(struct fetch_sessions *sessions)
{
	size_t count;

	pthread_mutex_lock(&sessions->lock);
	count = sessions->count;
	pthread_mutex_unlock(&sessions->lock);
	return count;
}
