/*
 * fetch.c - Fetch: give out records as slices of segment files
 *
 * A fetch looks at its partitions in turn.  When they have min_bytes together,
 * or one has an error, it is answered at once.  Else it parks: each partition
 * gets a waiter, and only those that fire are looked at again, until there is
 * enough or max_wait is over.
 *
 * With a session (fetch_session.h) the waiters stay hooked between requests,
 * and only entries in the session's queue are looked at: those that the
 * request changed, that fired, or that were not told all they have.  So a
 * thousand idle partitions cost nothing.  Without one, the entries live in
 * the request's arena and all are answered.
 *
 * No record is touched here: an answer names slices (struct log_slice), whose
 * references go to the server with it.
 *
 * Locks: a session's is held while its entries are looked at, not while the
 * answer is encoded.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>

#include "base/hash.h"
#include "kbrokerd/api/fetch_look.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"

enum {
	TOPIC_ID_VERSION = 13,
	REPLICA_STATE_VERSION = 15,
	READ_UNCOMMITTED = 0,
	READ_COMMITTED = 1,
	WAIT_UNIT_US = 1000,
	FIRST_EPOCH = 1, /* of a session, after the request that began it */
};

/* A fetch at work; in the request's arena. */
struct fetch {
	struct fetch_session *session; /* a reference; NULL: none */
	int32_t epoch;                 /* the session's after this request */

	/* Without a session. */
	struct fetch_queue own_queue;
	size_t own_count;
	struct partition_wait_set own_waits;

	struct fetch_limits limits;
	int64_t min_bytes;
	int64_t available; /* of the entries that were looked at */
	int64_t deadline_us;
};

static struct fetch_queue *queue_of(struct fetch *f)
{
	return f->session != NULL ? fetch_session_queue(f->session)
				  : &f->own_queue;
}

static size_t queued(const struct fetch *f)
{
	return f->session != NULL ? fetch_session_queued(f->session)
				  : f->own_count;
}

/* How many partitions are fetched. */
static size_t size_of(const struct fetch *f)
{
	return f->session != NULL ? fetch_session_size(f->session)
				  : f->own_count;
}

static struct partition_wait_set *waits_of(struct fetch *f)
{
	return f->session != NULL ? fetch_session_waits(f->session)
				  : &f->own_waits;
}

/* Waiting */

/* Returns false when it has moved since the last look. */
static bool hook(struct fetch *f, struct fetch_entry *e)
{
	/* What we do not have does not move. */
	if (e->hooked || e->partition == NULL)
		return true;
	e->waiter.set = waits_of(f);
	e->waiter.above = e->seen.high_watermark;
	e->hooked = partition_wait(e->partition, &e->waiter);
	return e->hooked;
}

static bool hook_all(struct fetch *f)
{
	struct fetch_entry *e;

	TAILQ_FOREACH (e, queue_of(f), in_queue)
		if (!hook(f, e))
			return false;
	return true;
}

/* One that has fired, or NULL. */
static struct fetch_entry *take_fired(struct fetch *f)
{
	struct partition_waiter *w = partition_wait_set_take(waits_of(f));
	struct fetch_entry *e;

	if (w == NULL)
		return NULL;
	e = (struct fetch_entry *)((char *)w -
				   offsetof(struct fetch_entry, waiter));
	e->hooked = false;
	if (f->session != NULL && !e->queued)
		fetch_session_enqueue(f->session, e);
	return e;
}

static void on_ready(void *arg)
{
	request_wake(arg);
}

/* No wake comes any more; without a session nothing stays behind. */
static void stop_waiting(struct request *req, struct fetch *f)
{
	struct fetch_entry *e;

	partition_wait_set_ignore(waits_of(f), req);
	if (f->session != NULL)
		return;
	TAILQ_FOREACH (e, &f->own_queue, in_queue)
		fetch_entry_forget(e);
	partition_wait_set_clear(&f->own_waits);
}

/* Answering */

static void reply_error(struct request *req, int16_t error)
{
	struct fetch_response response;

	wire_init(&fetch_response_desc, &response);
	response.error_code = error;
	request_reply(req, &response);
}

/* Is the entry's part of the look to be told?  Then the entry moves in the
 * session's queue, or leaves it. */
static bool tell(struct fetch *f, struct fetch_look *look, size_t i)
{
	struct fetch_entry *e = look->entries[i];
	const fetched_partition *p = &look->partitions[i];
	struct fetch_news news = {
		.high_watermark = p->high_watermark,
		.log_start = p->log_start_offset,
		.has_records = look->slices[i].len > 0,
		.has_error = p->error_code != WIRE_NONE,
		.diverges = p->diverging_epoch.epoch >= 0,
	};

	if (f->session == NULL)
		return true;
	if (news.has_records)
		fetch_session_enqueue(f->session, e);
	else if (!news.has_error && !news.diverges &&
		 e->fetch_offset >= e->seen.high_watermark && hook(f, e))
		fetch_session_dequeue(f->session, e);
	return fetch_entry_tell(e, &news);
}

static void choose(struct fetch_look *look, struct fetch_entry *e,
		   const fetched_partition *partition)
{
	look->entries[look->chosen] = e;
	look->partitions[look->chosen] = *partition;
	look->chosen++;
}

/* What Kafka puts behind the rest: topics that it does not know, then
 * partitions. */
enum place { PLACE_KNOWN, PLACE_NO_TOPIC, PLACE_NO_PARTITION, PLACES };

static enum place place_of(const fetched_partition *p)
{
	return p->error_code == WIRE_UNKNOWN_TOPIC_ID ? PLACE_NO_TOPIC
	       : fetch_look_is_unknown(p)             ? PLACE_NO_PARTITION
						      : PLACE_KNOWN;
}

/* Copies of what has been looked at, of who has unknown ones among it. */
static int copy_rows(const struct fetch_look *look,
		     struct fetch_entry ***entries_out,
		     fetched_partition **partitions_out)
{
	struct arena *arena = &look->req->arena;
	size_t entry_bytes = look->chosen * sizeof(struct fetch_entry *);
	size_t row_bytes = look->chosen * sizeof(fetched_partition);

	*entries_out = arena_alloc(arena, entry_bytes);
	*partitions_out = arena_alloc(arena, row_bytes);
	if (*entries_out == NULL || *partitions_out == NULL)
		return -ENOMEM;
	memcpy(*entries_out, look->entries, entry_bytes);
	memcpy(*partitions_out, look->partitions, row_bytes);
	return 0;
}

static int sort_rows(struct fetch_look *look)
{
	struct fetch_entry **entries;
	fetched_partition *partitions;
	size_t count = look->chosen;

	if (look->unknown == 0)
		return 0;
	if (copy_rows(look, &entries, &partitions) < 0)
		return -ENOMEM;
	look->chosen = 0;
	for (int place = PLACE_KNOWN; place < PLACES; place++)
		for (size_t i = 0; i < count; i++)
			if ((int)place_of(&partitions[i]) == place)
				choose(look, entries[i], &partitions[i]);
	return 0;
}

/* Move what is to be told to the front; the slices stay where they are. */
static int choose_news(struct fetch *f, struct fetch_look *look)
{
	for (size_t i = 0; i < look->count; i++)
		if (tell(f, look, i))
			choose(look, look->entries[i], &look->partitions[i]);
	return sort_rows(look);
}

static bool is_same_topic(const struct fetch_topic *a,
			  const struct fetch_topic *b)
{
	return a == b || (a->hash == b->hash && uuid_equal(a->id, b->id) &&
			  slice_equal(a->name, b->name));
}

/* Does entry i begin another topic's row? */
static bool begins_topic(const struct fetch_look *look, size_t i)
{
	return i == 0 || !is_same_topic(look->entries[i]->topic,
					look->entries[i - 1]->topic);
}

static int32_t count_topics(const struct fetch_look *look)
{
	int32_t count = 0;

	for (size_t i = 0; i < look->chosen; i++)
		if (begins_topic(look, i))
			count++;
	return count;
}

/* Neighbours of one topic share its row. */
static int fill_topics(struct fetch_look *look, bool copy_names,
		       struct fetch_response *response)
{
	struct arena *arena = &look->req->arena;
	int32_t count = count_topics(look);
	struct fetch_response_responses *row;

	row = wire_array(&fetch_response_responses_desc, arena, count);
	if (row == NULL)
		return -ENOMEM;
	response->responses = row;
	response->responses_count = count;
	for (size_t i = 0; i < look->chosen; i++) {
		const struct fetch_topic *topic = look->entries[i]->topic;

		if (i > 0 && begins_topic(look, i))
			row++;
		row->partitions_count++;
		if (row->partitions_count > 1)
			continue;
		row->partitions = &look->partitions[i];
		row->topic_id = topic->id;
		row->topic = topic->name;
		/* A session's may go once it is unlocked. */
		if (copy_names)
			row->topic = arena_copy(arena, topic->name);
		if (!slice_is_null(topic->name) && slice_is_null(row->topic))
			return -ENOMEM;
	}
	return 0;
}

/* Those who asked with an old epoch are told where the leader is. */
static int fill_endpoints(struct fetch_look *look,
			  struct fetch_response *response)
{
	struct request *req = look->req;
	struct fetch_response_node_endpoints *node;
	struct endpoint *at;
	bool needed = false;

	/* A replica knows them. */
	if (look->limits->follower)
		return 0;
	for (size_t i = 0; i < look->chosen; i++)
		needed = needed ||
			 look->partitions[i].current_leader.leader_id >= 0;
	if (!needed)
		return 0;
	node = wire_array(&fetch_response_node_endpoints_desc, &req->arena, 1);
	at = arena_alloc(&req->arena, sizeof(*at));
	if (node == NULL || at == NULL)
		return -ENOMEM;
	request_advertised(req, at);
	node->node_id = req->broker->identity.node_id;
	node->host = slice_of(at->host);
	node->port = at->port;
	response->node_endpoints = node;
	response->node_endpoints_count = 1;
	return 0;
}

/*
 * End the request without records, for the client's quota; unlocks the
 * session.  One that begins with this request is not begun: its client gets
 * none of what it asked for.
 */
static void reply_empty(struct fetch *f, struct fetch_look *look)
{
	struct request *req = look->req;
	struct fetch_response response;
	bool is_new;

	wire_init(&fetch_response_desc, &response);
	fetch_look_drop_slices(look);
	fetch_look_end(look);
	stop_waiting(req, f);
	if (f->session != NULL) {
		is_new = f->epoch == FIRST_EPOCH;
		if (!is_new)
			response.session_id = fetch_session_id(f->session);
		fetch_session_unlock(f->session);
		if (is_new)
			fetch_sessions_drop(req->broker->fetch_sessions,
					    f->session);
		fetch_session_release(f->session);
	}
	request_reply(req, &response);
}

/* End the request with what the look has found; unlocks the session. */
static void reply(struct fetch *f, struct fetch_look *look)
{
	struct request *req = look->req;
	struct fetch_response response;
	int rc;

	if (!f->limits.follower &&
	    request_throttle_fetch(req, look->bytes) > 0) {
		reply_empty(f, look);
		return;
	}
	rc = choose_news(f, look);
	wire_init(&fetch_response_desc, &response);
	if (rc == 0)
		rc = fill_topics(look, f->session != NULL, &response);
	if (rc == 0)
		rc = fill_endpoints(look, &response);
	fetch_look_end(look);
	stop_waiting(req, f);
	if (f->session != NULL) {
		response.session_id = fetch_session_id(f->session);
		fetch_session_unlock(f->session);
		fetch_session_release(f->session);
	}
	if (rc == 0) {
		request_reply(req, &response);
		return;
	}
	fetch_look_drop_slices(look);
	request_close(req, "out of memory");
}

/* End the request because memory is out; unlocks the session. */
static void give_up(struct request *req, struct fetch *f)
{
	stop_waiting(req, f);
	if (f->session != NULL) {
		fetch_session_unlock(f->session);
		fetch_session_release(f->session);
	}
	request_close(req, "out of memory");
}

/*
 * Look at all that is queued, and answer when it is enough or must be.
 * Returns false when it is not: the session stays locked, the slices are
 * given back.
 */
static bool try_answer(struct request *req, struct fetch *f, bool must)
{
	struct fetch_look look;
	struct fetch_entry *e;

	if (fetch_look_begin(&look, req, &f->limits, queued(f)) < 0) {
		give_up(req, f);
		return true;
	}
	TAILQ_FOREACH (e, queue_of(f), in_queue)
		fetch_look_at(&look, e);
	if (must || look.urgent || look.bytes >= f->min_bytes ||
	    look.unknown == size_of(f)) {
		reply(f, &look);
		return true;
	}
	f->available = look.bytes;
	fetch_look_drop_slices(&look);
	fetch_look_end(&look);
	return false;
}

/* Parking */

static bool lock_session(struct request *req, struct fetch *f)
{
	if (f->session == NULL)
		return true;
	fetch_session_lock(f->session);
	if (fetch_session_epoch(f->session) == f->epoch)
		return true;
	/* Another request went on with the session meanwhile. */
	partition_wait_set_ignore(waits_of(f), req);
	fetch_session_unlock(f->session);
	fetch_session_release(f->session);
	reply_error(req, WIRE_INVALID_FETCH_SESSION_EPOCH);
	return false;
}

/* How much a fired entry has now, without keeping it; -1: it must be told at
 * once, as when it is no more. */
static int64_t probe(struct request *req, struct fetch *f,
		     struct fetch_entry *e)
{
	fetched_partition partition;
	struct fetch_entry *entry;
	struct log_slice slice;
	struct fetch_look look = {
		.req = req,
		.limits = &f->limits,
		.left = f->limits.max_bytes,
		.partitions = &partition,
		.entries = &entry,
		.slices = &slice,
	};

	wire_init(&fetch_response_responses_partitions_desc, &partition);
	fetch_look_at(&look, e);
	fetch_look_drop_slices(&look);
	fetch_look_end(&look);
	return look.urgent || look.unknown > 0 ? -1 : look.bytes;
}

/* Look at the fired ones.  Returns true when the fetch is to be answered. */
static bool add_up(struct request *req, struct fetch *f)
{
	struct fetch_entry *e;

	while ((e = take_fired(f)) != NULL) {
		do {
			int64_t before = e->available;
			int64_t now = probe(req, f, e);

			if (now < 0)
				return true;
			f->available += now - before;
			if (f->available >= f->min_bytes)
				return true;
		} while (!hook(f, e));
	}
	return false;
}

static void on_wake(struct request *req)
{
	struct fetch *f = req->state;

	if (!lock_session(req, f))
		return;
	if (add_up(req, f)) {
		try_answer(req, f, true);
		return;
	}
	if (f->session != NULL)
		fetch_session_unlock(f->session);
	request_park(req, f->deadline_us);
}

static void on_deadline(struct request *req)
{
	struct fetch *f = req->state;

	if (!lock_session(req, f))
		return;
	while (take_fired(f) != NULL)
		;
	try_answer(req, f, true);
}

static void on_drop(struct request *req)
{
	struct fetch *f = req->state;

	stop_waiting(req, f);
	if (f->session != NULL)
		fetch_session_release(f->session);
}

/* The topics' names lie in the frame, which goes. */
static int keep_names(struct request *req, struct fetch *f)
{
	struct fetch_topic *last = NULL;
	struct fetch_entry *e;

	TAILQ_FOREACH (e, &f->own_queue, in_queue) {
		if (e->topic == last || slice_is_null(e->topic->name))
			continue;
		last = e->topic;
		last->name = arena_copy(&req->arena, last->name);
		if (slice_is_null(last->name))
			return -ENOMEM;
	}
	return 0;
}

/* Returns false when something has moved since the last look. */
static bool park(struct request *req, struct fetch *f)
{
	if (!hook_all(f))
		return false;
	req->state = f;
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	request_park(req, f->deadline_us);
	partition_wait_set_listen(waits_of(f), on_ready, req);
	if (f->session != NULL)
		fetch_session_unlock(f->session);
	return true;
}

/* Beginning */

static void fill_entry(struct fetch_entry *e,
		       const struct fetch_request_topics_partitions *from)
{
	e->partition_index = from->partition;
	e->current_leader_epoch = from->current_leader_epoch;
	e->last_fetched_epoch = from->last_fetched_epoch;
	e->fetch_offset = from->fetch_offset;
	e->max_bytes = from->partition_max_bytes;
}

/* Finds an entry that the request has named before; open addressing. */
struct entry_table {
	struct fetch_entry **slots;
	size_t count; /* a power of two, at least twice the entries */
};

static int entry_table_init(struct entry_table *table, struct arena *arena,
			    size_t entries)
{
	table->count = 2;
	while (table->count < 2 * entries)
		table->count *= 2;
	table->slots =
		arena_calloc(arena, table->count, sizeof(struct fetch_entry *));
	return table->slots == NULL ? -ENOMEM : 0;
}

/* Where it is, or where it is to be put. */
static struct fetch_entry **entry_table_at(struct entry_table *table,
					   const struct fetch_topic *topic,
					   int32_t index)
{
	uint64_t hash = topic->hash + (uint32_t)index * 0x9e3779b97f4a7c15U;
	size_t i = (hash ^ hash >> 32) & (table->count - 1);

	while (table->slots[i] != NULL &&
	       (table->slots[i]->partition_index != index ||
		!is_same_topic(table->slots[i]->topic, topic)))
		i = (i + 1) & (table->count - 1);
	return &table->slots[i];
}

static void fill_topic(const struct request *req, struct fetch_topic *topic,
		       const struct fetch_request_topics *from)
{
	if (req->version >= TOPIC_ID_VERSION) {
		topic->id = from->topic_id;
		topic->hash = hash_bytes(topic->id.bytes, UUID_BYTES);
	} else {
		topic->name = from->topic;
		topic->hash = hash_bytes(from->topic.data, from->topic.len);
	}
}

/*
 * Without a session: the entries are just those of the request.  Of one that
 * is named twice the place is that of the first, the rest that of the last.
 */
static int list_entries(struct request *req, struct fetch *f,
			const struct fetch_request *message)
{
	struct entry_table table;
	struct fetch_topic *topics;
	struct fetch_entry *free_entry;
	size_t count = 0;

	for (int32_t i = 0; i < message->topics_count; i++)
		count += (size_t)message->topics[i].partitions_count;
	topics = arena_calloc(&req->arena, (size_t)message->topics_count,
			      sizeof(*topics));
	free_entry = arena_calloc(&req->arena, count, sizeof(*free_entry));
	if (topics == NULL || free_entry == NULL ||
	    entry_table_init(&table, &req->arena, count) < 0)
		return -ENOMEM;
	for (int32_t i = 0; i < message->topics_count; i++) {
		const struct fetch_request_topics *from = &message->topics[i];

		fill_topic(req, &topics[i], from);
		for (int32_t k = 0; k < from->partitions_count; k++) {
			struct fetch_entry **at =
				entry_table_at(&table, &topics[i],
					       from->partitions[k].partition);

			if (*at == NULL) {
				*at = free_entry++;
				(*at)->topic = &topics[i];
				TAILQ_INSERT_TAIL(&f->own_queue, *at, in_queue);
				f->own_count++;
			}
			fill_entry(*at, &from->partitions[k]);
		}
	}
	return 0;
}

static void fill_limits(struct request *req, struct fetch *f,
			const struct fetch_request *message)
{
	int32_t replica = req->version >= REPLICA_STATE_VERSION
				  ? message->replica_state.replica_id
				  : message->replica_id;
	int64_t most = req->broker->config->fetch_bytes_max;
	int64_t quota = replica >= 0 ? INT64_MAX : request_fetch_most(req);

	if (most > quota)
		most = quota; /* more would never be answered */
	f->limits = (struct fetch_limits){
		.max_bytes =
			message->max_bytes < most ? message->max_bytes : most,
		.committed = message->isolation_level == READ_COMMITTED,
		.follower = replica >= 0,
	};
	f->min_bytes = message->min_bytes < f->limits.max_bytes
			       ? message->min_bytes
			       : f->limits.max_bytes;
	f->deadline_us = request_now_us(req) +
			 (int64_t)message->max_wait_ms * WAIT_UNIT_US;
}

/* Kafka's answer to an isolation level that there is not: an error for each
 * partition too where those are named, up to version 12. */
static void refuse_isolation(struct request *req)
{
	const struct fetch_request *message = req->message;
	int32_t topics =
		req->version < TOPIC_ID_VERSION ? message->topics_count : 0;
	struct fetch_response response;

	wire_init(&fetch_response_desc, &response);
	response.error_code = WIRE_UNKNOWN_SERVER_ERROR;
	response.responses =
		wire_array(&fetch_response_responses_desc, &req->arena, topics);
	for (int32_t i = 0; i < topics && response.responses != NULL; i++) {
		const struct fetch_request_topics *from = &message->topics[i];
		struct fetch_response_responses *to = &response.responses[i];

		response.responses_count++;
		to->topic = from->topic;
		to->partitions =
			wire_array(&fetch_response_responses_partitions_desc,
				   &req->arena, from->partitions_count);
		for (int32_t k = 0;
		     k < from->partitions_count && to->partitions != NULL;
		     k++) {
			fetched_partition *row =
				&to->partitions[to->partitions_count++];

			row->partition_index = from->partitions[k].partition;
			row->error_code = WIRE_UNKNOWN_SERVER_ERROR;
			row->high_watermark = -1;
			row->records.data = (const uint8_t *)"";
		}
	}
	request_reply(req, &response);
}

void api_fetch(struct request *req)
{
	const struct fetch_request *message = req->message;
	struct fetch *f = arena_calloc(&req->arena, 1, sizeof(*f));
	bool must;
	int16_t error;

	if (f == NULL) {
		request_close(req, "out of memory");
		return;
	}
	if (message->isolation_level != READ_UNCOMMITTED &&
	    message->isolation_level != READ_COMMITTED) {
		refuse_isolation(req);
		return;
	}
	error = fetch_sessions_begin(req->broker->fetch_sessions, req->version,
				     message, request_now_ms(req), &f->session);
	if (error != WIRE_NONE) {
		reply_error(req, error);
		return;
	}
	TAILQ_INIT(&f->own_queue);
	partition_wait_set_init(&f->own_waits);
	fill_limits(req, f, message);
	if (f->session != NULL) {
		f->epoch = fetch_session_epoch(f->session);
		while (take_fired(f) != NULL)
			;
	} else if (list_entries(req, f, message) < 0) {
		give_up(req, f);
		return;
	}
	must = message->max_wait_ms <= 0;
	while (!try_answer(req, f, must)) {
		if (f->session == NULL && keep_names(req, f) < 0)
			must = true;
		else if (park(req, f))
			return;
	}
}
