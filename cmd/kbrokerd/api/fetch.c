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

#include "kbrokerd/api/fetch_session.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	STORAGE_ERROR_VERSION = 6, /* the first that knows it */
	TOPIC_ID_VERSION = 13,
	REPLICA_STATE_VERSION = 15,
	CURRENT_LEADER_VERSION = 16,
	READ_COMMITTED = 1,
	WAIT_UNIT_US = 1000,
};

typedef struct fetch_response_responses_partitions fetched_partition;

/* A fetch at work; in the request's arena. */
struct fetch {
	struct fetch_session *session; /* a reference; NULL: none */
	int32_t epoch;                 /* the session's after this request */

	/* Without a session. */
	struct fetch_queue own_queue;
	size_t own_count;
	struct partition_wait_set own_waits;

	int64_t min_bytes, max_bytes;
	int64_t available; /* of the entries that were looked at */
	int64_t deadline_us;
	bool committed; /* isolation level */
	bool follower;  /* a replica asks, which we have none of */
	bool parked;    /* once, at least */
};

/* One look at the entries of a fetch, and what the answer says of them. */
struct look {
	struct request *req;
	struct fetch *fetch;
	const struct image *image; /* a reference, once it was needed */
	fetched_partition *partitions;
	struct fetch_entry **entries;
	struct log_slice *slices;
	size_t count;  /* looked at */
	size_t chosen; /* of these to be told, at the front */
	int64_t bytes;
	bool urgent; /* an error, or epochs that diverge */
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

static struct partition_wait_set *waits_of(struct fetch *f)
{
	return f->session != NULL ? fetch_session_waits(f->session)
				  : &f->own_waits;
}

/* Entries and their partitions */

static void forget_partition(struct fetch_entry *e)
{
	partition_unwait(&e->waiter);
	e->hooked = false;
	partition_release(e->partition);
	e->partition = NULL;
}

static int16_t resolve(struct look *look, struct fetch_entry *e)
{
	struct broker *broker = look->req->broker;
	bool by_id = slice_is_null(e->topic->name);
	const struct topic_image *topic;

	if (e->partition != NULL)
		return WIRE_NONE;
	if (look->image == NULL)
		look->image = metadata_image(broker->metadata);
	topic = by_id ? image_topic_by_id(look->image, e->topic->id)
		      : image_topic(look->image, e->topic->name);
	if (topic == NULL)
		return by_id ? WIRE_UNKNOWN_TOPIC_ID
			     : WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	if (e->partition_index < 0 ||
	    e->partition_index >= topic->partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	e->partition = partition_find(broker->partitions, look->image, topic,
				      e->partition_index);
	e->on_forget = forget_partition;
	return e->partition == NULL ? WIRE_NOT_LEADER_OR_FOLLOWER : WIRE_NONE;
}

static int16_t check_epoch(const struct fetch_entry *e)
{
	int32_t epoch = partition_leader_epoch(e->partition);

	if (e->current_leader_epoch < 0 || e->current_leader_epoch == epoch)
		return WIRE_NONE;
	return e->current_leader_epoch < epoch ? WIRE_FENCED_LEADER_EPOCH
					       : WIRE_UNKNOWN_LEADER_EPOCH;
}

/* Does what the reader has end where its last epoch ended here (KIP-595)? */
struct divergence {
	int32_t epoch; /* of the reader's last record */
	int64_t fetch_offset;
	int32_t end_epoch; /* -1: it does not diverge */
	int64_t end_offset;
};

static int find_divergence(void *arg, struct log *log,
			   const struct partition_offsets *offsets)
{
	struct divergence *d = arg;
	int32_t epoch;
	int64_t end;

	log_end_offset_of_epoch(log, d->epoch, &epoch, &end);
	if (end < 0 || epoch < 0 || d->fetch_offset < offsets->log_start)
		return -ERANGE;
	if (epoch < d->epoch || end < d->fetch_offset) {
		d->end_epoch = epoch;
		d->end_offset = end;
	}
	return 0;
}

static int16_t error_of(int rc)
{
	switch (rc) {
	case 0:
		return WIRE_NONE;
	case -ERANGE:
		return WIRE_OFFSET_OUT_OF_RANGE;
	case -ENOENT:
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	default:
		return WIRE_KAFKA_STORAGE_ERROR;
	}
}

/* Looking */

/* Limits of one read. */
struct allowance {
	int64_t bytes;
	bool first; /* nothing was read so far: one batch in any case */
};

static int read_partition(struct fetch_entry *e, struct allowance allowance,
			  fetched_partition *out, struct log_slice *slice)
{
	struct divergence d = { e->last_fetched_epoch, e->fetch_offset, -1,
				-1 };
	int64_t bytes =
		e->max_bytes < allowance.bytes ? e->max_bytes : allowance.bytes;
	int rc = 0;

	if (e->last_fetched_epoch >= 0)
		rc = partition_with_log(e->partition, find_divergence, &d);
	if (rc == 0 && d.end_epoch >= 0) {
		out->diverging_epoch.epoch = d.end_epoch;
		out->diverging_epoch.end_offset = d.end_offset;
		return partition_offsets(e->partition, &e->seen);
	}
	if (rc < 0)
		return rc;
	return partition_read(e->partition, e->fetch_offset,
			      bytes > 0 ? (size_t)bytes : 0, allowance.first,
			      slice, &e->seen);
}

static int16_t read_entry(struct look *look, struct fetch_entry *e,
			  struct allowance allowance, fetched_partition *out,
			  struct log_slice *slice)
{
	int rc = -ENOENT;

	/* Twice: the topic may have been deleted and made anew. */
	for (int i = 0; i < 2 && rc == -ENOENT; i++) {
		int16_t error = look->fetch->follower
					? WIRE_NOT_LEADER_OR_FOLLOWER
					: resolve(look, e);

		if (error == WIRE_NONE)
			error = check_epoch(e);
		if (error != WIRE_NONE)
			return error;
		rc = read_partition(e, allowance, out, slice);
		if (rc == -ENOENT)
			forget_partition(e);
	}
	return error_of(rc);
}

/* Is there nothing new since the last look, as the waiter has not fired? */
static bool is_quiet(const struct fetch_entry *e)
{
	return e->hooked && e->fetch_offset >= e->seen.high_watermark;
}

static void fill_error(struct look *look, const struct fetch_entry *e,
		       int16_t error, fetched_partition *out)
{
	if (error == WIRE_KAFKA_STORAGE_ERROR &&
	    look->req->version < STORAGE_ERROR_VERSION)
		error = WIRE_NOT_LEADER_OR_FOLLOWER;
	out->error_code = error;
	out->high_watermark = -1;
	/* As Kafka: the list is there for what it does not know. */
	if (error != WIRE_UNKNOWN_TOPIC_OR_PARTITION &&
	    error != WIRE_UNKNOWN_TOPIC_ID)
		out->aborted_transactions_count = -1;
	if (error == WIRE_FENCED_LEADER_EPOCH &&
	    look->req->version >= CURRENT_LEADER_VERSION) {
		out->current_leader.leader_id =
			look->req->broker->identity.node_id;
		out->current_leader.leader_epoch =
			partition_leader_epoch(e->partition);
	}
}

static void fill_offsets(const struct look *look, const struct fetch_entry *e,
			 fetched_partition *out)
{
	out->high_watermark = e->seen.high_watermark;
	out->last_stable_offset = e->seen.last_stable;
	out->log_start_offset = e->seen.log_start;
	if (!look->fetch->committed)
		out->aborted_transactions_count = -1;
}

/* Look at one entry; its part of the answer is filled in. */
static void look_at(struct look *look, struct fetch_entry *e)
{
	fetched_partition *out = &look->partitions[look->count];
	struct log_slice *slice = &look->slices[look->count];
	struct allowance allowance = {
		.bytes = look->fetch->max_bytes - look->bytes,
		.first = look->bytes == 0,
	};
	int16_t error = WIRE_NONE;

	look->entries[look->count++] = e;
	*slice = (struct log_slice){ .fd = -1 };
	out->partition_index = e->partition_index;
	out->records.data = (const uint8_t *)"";
	if (!is_quiet(e))
		error = read_entry(look, e, allowance, out, slice);
	if (error != WIRE_NONE)
		fill_error(look, e, error, out);
	else
		fill_offsets(look, e, out);
	if (error != WIRE_NONE || out->diverging_epoch.epoch >= 0)
		look->urgent = true;
	e->available = (int64_t)slice->len;
	look->bytes += (int64_t)slice->len;
	if (slice->len > 0)
		out->records = (struct wire_records){
			.len = slice->len,
			.file = slice,
			.position = slice->position,
		};
}

static int look_begin(struct look *look, struct request *req, struct fetch *f)
{
	size_t count = queued(f);

	*look = (struct look){ .req = req, .fetch = f };
	look->partitions = wire_array(&fetch_response_responses_partitions_desc,
				      &req->arena, (int32_t)count);
	look->entries =
		arena_calloc(&req->arena, count, sizeof(struct fetch_entry *));
	look->slices =
		arena_calloc(&req->arena, count, sizeof(struct log_slice));
	if (look->partitions == NULL || look->entries == NULL ||
	    look->slices == NULL)
		return -ENOMEM;
	return 0;
}

static void look_at_all(struct look *look)
{
	struct fetch_entry *e;

	TAILQ_FOREACH (e, queue_of(look->fetch), in_queue)
		look_at(look, e);
}

static void look_end(struct look *look)
{
	if (look->image != NULL)
		image_release(look->image);
	look->image = NULL;
}

static void give_back_slices(struct look *look)
{
	for (size_t i = 0; i < look->count; i++)
		log_slice_release(&look->slices[i]);
}

/* Waiting */

/* Returns false when it has moved since the last look. */
static bool hook(struct fetch *f, struct fetch_entry *e)
{
	if (e->hooked)
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
		forget_partition(e);
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
static bool tell(struct look *look, size_t i)
{
	struct fetch *f = look->fetch;
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

/* Move what is to be told to the front; the slices stay where they are. */
static void choose_news(struct look *look)
{
	for (size_t i = 0; i < look->count; i++) {
		if (!tell(look, i))
			continue;
		look->entries[look->chosen] = look->entries[i];
		look->partitions[look->chosen] = look->partitions[i];
		look->chosen++;
	}
}

static int32_t count_topics(const struct look *look)
{
	int32_t count = 0;

	for (size_t i = 0; i < look->chosen; i++)
		if (i == 0 ||
		    look->entries[i]->topic != look->entries[i - 1]->topic)
			count++;
	return count;
}

/* Neighbours of one topic share its row. */
static int fill_topics(struct look *look, struct fetch_response *response)
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

		if (i > 0 && topic != look->entries[i - 1]->topic)
			row++;
		row->partitions_count++;
		if (row->partitions_count > 1)
			continue;
		row->partitions = &look->partitions[i];
		row->topic_id = topic->id;
		row->topic = topic->name;
		/* A session's may go once it is unlocked. */
		if (look->fetch->session != NULL)
			row->topic = arena_copy(arena, topic->name);
		if (!slice_is_null(topic->name) && slice_is_null(row->topic))
			return -ENOMEM;
	}
	return 0;
}

/* Those who asked with an old epoch are told where the leader is. */
static int fill_endpoints(struct look *look, struct fetch_response *response)
{
	struct request *req = look->req;
	struct fetch_response_node_endpoints *node;
	struct endpoint *at;
	bool needed = false;

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

/* End the request with what the look has found; unlocks the session. */
static void reply(struct look *look)
{
	struct request *req = look->req;
	struct fetch *f = look->fetch;
	struct fetch_response response;
	int rc;

	wire_init(&fetch_response_desc, &response);
	choose_news(look);
	rc = fill_topics(look, &response);
	if (rc == 0)
		rc = fill_endpoints(look, &response);
	look_end(look);
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
	give_back_slices(look);
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
	struct look look;

	if (look_begin(&look, req, f) < 0) {
		give_up(req, f);
		return true;
	}
	look_at_all(&look);
	if (must || look.urgent || look.bytes >= f->min_bytes) {
		reply(&look);
		return true;
	}
	f->available = look.bytes;
	give_back_slices(&look);
	look_end(&look);
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
 * once. */
static int64_t probe(struct request *req, struct fetch *f,
		     struct fetch_entry *e)
{
	fetched_partition partition;
	struct fetch_entry *entry;
	struct log_slice slice;
	struct look look = {
		.req = req,
		.fetch = f,
		.partitions = &partition,
		.entries = &entry,
		.slices = &slice,
	};

	wire_init(&fetch_response_responses_partitions_desc, &partition);
	look_at(&look, e);
	give_back_slices(&look);
	look_end(&look);
	return look.urgent ? -1 : look.bytes;
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

static void fill_entry(struct fetch_entry *e, struct fetch_topic *topic,
		       const struct fetch_request_topics_partitions *from)
{
	e->topic = topic;
	e->partition_index = from->partition;
	e->current_leader_epoch = from->current_leader_epoch;
	e->last_fetched_epoch = from->last_fetched_epoch;
	e->fetch_offset = from->fetch_offset;
	e->max_bytes = from->partition_max_bytes;
}

/* Without a session: the entries are just those of the request. */
static int list_entries(struct request *req, struct fetch *f,
			const struct fetch_request *message)
{
	struct fetch_topic *topics;
	struct fetch_entry *e;

	for (int32_t i = 0; i < message->topics_count; i++)
		f->own_count += (size_t)message->topics[i].partitions_count;
	topics = arena_calloc(&req->arena, (size_t)message->topics_count,
			      sizeof(*topics));
	e = arena_calloc(&req->arena, f->own_count, sizeof(*e));
	if (topics == NULL || e == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < message->topics_count; i++) {
		const struct fetch_request_topics *from = &message->topics[i];

		if (req->version >= TOPIC_ID_VERSION)
			topics[i].id = from->topic_id;
		else
			topics[i].name = from->topic;
		for (int32_t k = 0; k < from->partitions_count; k++, e++) {
			fill_entry(e, &topics[i], &from->partitions[k]);
			TAILQ_INSERT_TAIL(&f->own_queue, e, in_queue);
		}
	}
	return 0;
}

static void fill_limits(const struct request *req, struct fetch *f,
			const struct fetch_request *message)
{
	int32_t replica = req->version >= REPLICA_STATE_VERSION
				  ? message->replica_state.replica_id
				  : message->replica_id;
	int64_t most = req->broker->config->fetch_bytes_max;

	f->max_bytes = message->max_bytes < most ? message->max_bytes : most;
	f->min_bytes = message->min_bytes < f->max_bytes ? message->min_bytes
							 : f->max_bytes;
	f->committed = message->isolation_level == READ_COMMITTED;
	f->follower = replica >= 0;
	f->deadline_us = request_now_us(req) +
			 (int64_t)message->max_wait_ms * WAIT_UNIT_US;
}

/* A fetch of nothing is not worth waiting. */
static bool has_partitions(const struct fetch *f)
{
	return f->session != NULL ? fetch_session_size(f->session) > 0
				  : f->own_count > 0;
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
	must = message->max_wait_ms <= 0 || !has_partitions(f);
	while (!try_answer(req, f, must)) {
		if (f->session == NULL && keep_names(req, f) < 0)
			must = true;
		else if (park(req, f))
			return;
	}
}
