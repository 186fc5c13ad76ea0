/*
 * consumer.c - records from partitions, without a group
 *
 * A partition is added, placed (consumer_lookup.c), fetched (consumer_fetch.c)
 * and handed out here, until it is done.  What was fetched waits as chunks in
 * the order in which it came.
 *
 * Trouble is whatever may pass: it is tried again, with fresh metadata, until
 * the consumer's patience is over.  A failure is for good; what was fetched
 * before is handed out first.
 */
#include "client/consumer.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "client/consumer_state.h"
#include "wire/errors.h"

enum { SUBJECT_MAX = TOPIC_NAME_MAX + 60 };

/*
 * Partitions
 */

static struct consumer_topic *find_topic(const struct consumer *c,
					 const char *name)
{
	for (size_t i = 0; i < c->topic_count; i++) {
		if (strcmp(c->topics[i]->meta->name, name) == 0)
			return c->topics[i];
	}
	return NULL;
}

static struct consumer_partition *partition_of(const struct consumer_topic *t,
					       int32_t index)
{
	if (t == NULL || index < 0 || index >= t->count)
		return NULL;
	return t->partitions[index];
}

struct consumer_partition *consumer_each(const struct consumer *c, size_t *t,
					 int32_t *i)
{
	for (; *t < c->topic_count; (*t)++, *i = 0) {
		const struct consumer_topic *topic = c->topics[*t];

		while (*i < topic->count) {
			struct consumer_partition *p = topic->partitions[*i];

			(*i)++;
			if (p != NULL)
				return p;
		}
	}
	return NULL;
}

struct consumer_partition *consumer_find(const struct consumer *c,
					 struct slice topic, struct uuid id,
					 int32_t index)
{
	for (size_t i = 0; i < c->topic_count; i++) {
		const struct client_topic *meta = c->topics[i]->meta;

		if (uuid_is_zero(id) ? slice_is(topic, meta->name)
				     : uuid_equal(meta->id, id))
			return partition_of(c->topics[i], index);
	}
	return NULL;
}

int32_t consumer_source(const struct consumer_partition *p)
{
	const struct client_topic *meta = p->topic->meta;

	if (p->read_from >= 0)
		return p->read_from;
	if (p->index >= meta->partition_count)
		return -1;
	return meta->partitions[p->index].leader;
}

static void subject_of(const struct consumer_partition *p, char *text,
		       size_t size)
{
	snprintf(text, size, "topic '%s' partition %d", p->topic->meta->name,
		 p->index);
}

static struct consumer_topic *topic_for(struct consumer *c, const char *name)
{
	struct consumer_topic *t = find_topic(c, name);
	struct consumer_topic **more;

	if (t != NULL)
		return t;
	more = reallocarray(c->topics, c->topic_count + 1, sizeof(*more));
	if (more == NULL)
		return NULL;
	c->topics = more;
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->meta = client_topic(c->client, name);
	if (t->meta == NULL) {
		free(t);
		return NULL;
	}
	c->topics[c->topic_count++] = t;
	return t;
}

static int make_slot(struct consumer_topic *t, int32_t index)
{
	struct consumer_partition **more;

	if (index < t->count)
		return 0;
	more = reallocarray(t->partitions, (size_t)index + 1, sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	memset(more + t->count, 0,
	       (size_t)(index + 1 - t->count) * sizeof(*more));
	t->partitions = more;
	t->count = index + 1;
	return 0;
}

static struct consumer_partition *partition_new(struct consumer_topic *t,
						int32_t index)
{
	struct consumer_partition *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->topic = t;
	p->index = index;
	p->position = -1;
	p->stop_offset = -1;
	p->end_offset = -1;
	p->high_watermark = -1;
	p->end_told = -1;
	p->read_from = -1;
	p->session = -1;
	p->failing_since_ms = -1;
	return p;
}

int consumer_add(struct consumer *consumer, const char *topic,
		 int32_t partition, struct consumer_position start,
		 struct consumer_position stop)
{
	struct consumer_topic *t = topic_for(consumer, topic);
	struct consumer_partition *p;

	assert(partition >= 0 && partition < PARTITIONS_PER_TOPIC_MAX);
	if (t == NULL || make_slot(t, partition) < 0)
		return -ENOMEM;
	if (t->partitions[partition] != NULL)
		return -EEXIST;
	p = partition_new(t, partition);
	if (p == NULL)
		return -ENOMEM;
	p->start = start;
	p->stop = stop;
	p->wanted = consumer_wants(p, true);
	t->partitions[partition] = p;
	consumer->partition_count++;
	loop_timer_set(consumer->timer, 0);
	return 0;
}

void consumer_place_at(struct consumer *c, struct consumer_partition *p,
		       enum consumer_place place)
{
	p->start = (struct consumer_position){ .place = place };
	p->is_placed = false;
	p->wanted = consumer_wants(p, false);
	memset(p->lookups, 0, sizeof(p->lookups));
	p->end_told = -1;
	loop_timer_set(c->timer, 0);
}

static void drop_chunk(struct consumer *c, struct consumer_chunk *chunk)
{
	struct consumer_partition *p = chunk->owner;

	TAILQ_REMOVE(&c->chunks, chunk, next);
	c->queued_bytes -= chunk->size;
	p->queued_bytes -= chunk->size;
	p->chunks--;
	consumer_chunk_free(chunk);
}

static void drop_chunks(struct consumer *c, const struct consumer_partition *p)
{
	struct consumer_chunk *chunk = TAILQ_FIRST(&c->chunks);
	struct consumer_chunk *next;

	for (; chunk != NULL; chunk = next) {
		next = TAILQ_NEXT(chunk, next);
		if (chunk->owner == p)
			drop_chunk(c, chunk);
	}
}

static struct consumer_partition *find_by_name(const struct consumer *c,
					       const char *topic, int32_t index)
{
	return partition_of(find_topic(c, topic), index);
}

int consumer_remove(struct consumer *consumer, const char *topic,
		    int32_t partition)
{
	struct consumer_partition *p;

	p = find_by_name(consumer, topic, partition);
	if (p == NULL)
		return -ENOENT;
	drop_chunks(consumer, p);
	consumer_fetch_forget(consumer, p);
	p->topic->partitions[partition] = NULL;
	consumer->partition_count--;
	free(p);
	loop_timer_set(consumer->timer, 0);
	return 0;
}

int consumer_pause(struct consumer *consumer, const char *topic,
		   int32_t partition, bool paused)
{
	struct consumer_partition *p;
	struct consumer_chunk *chunk;

	p = find_by_name(consumer, topic, partition);
	if (p == NULL)
		return -ENOENT;
	p->is_paused = paused;
	TAILQ_FOREACH (chunk, &consumer->chunks, next)
		consumer_chunk_rewind(chunk);
	loop_timer_set(consumer->timer, 0);
	return 0;
}

/*
 * Trouble and failure
 */

void consumer_fail(struct consumer *c, const struct client_error *error)
{
	if (c->has_failed)
		return;
	c->has_failed = true;
	c->error = *error;
}

int64_t consumer_timeout_ms(const struct consumer *c)
{
	int64_t ms = c->config->socket_timeout_ms;

	return c->patience_ms >= 0 && c->patience_ms < ms ? c->patience_ms : ms;
}

void consumer_trouble(struct consumer *c, struct consumer_partition *p,
		      const struct client_error *error, int64_t pause_ms)
{
	int64_t now = loop_now_ms(c->loop);
	bool is_new = p->failing_since_ms < 0;

	if (is_new)
		p->failing_since_ms = now;
	p->error = *error;
	p->retry_at_ms = now + pause_ms;
	if (is_new && c->handler.on_note != NULL)
		c->handler.on_note(c->handler.arg, error->text);
}

void consumer_take_code(struct consumer *c, struct consumer_partition *p,
			int16_t code)
{
	struct client_error error;
	char subject[SUBJECT_MAX];

	subject_of(p, subject, sizeof(subject));
	client_error_from_code(&error, code, subject, NULL);
	if (error.kind == CLIENT_UNREACHABLE || error.kind == CLIENT_MISSING) {
		consumer_trouble(c, p, &error, c->config->retry_backoff_ms);
		client_refresh(c->client);
		return;
	}
	consumer_fail(c, &error);
}

/* What metadata says of the topic of a partition: is there no hope? */
static void check_metadata(struct consumer *c, struct consumer_partition *p)
{
	const struct client_topic *meta = p->topic->meta;
	struct client_error error;
	char subject[SUBJECT_MAX];
	int16_t code = WIRE_NONE;

	if (!meta->is_known)
		return;
	if (meta->code != WIRE_NONE)
		code = meta->code;
	else if (p->index >= meta->partition_count)
		code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	else if (meta->partitions[p->index].leader < 0)
		code = meta->partitions[p->index].code;
	if (code == WIRE_NONE || p->is_done)
		return;
	subject_of(p, subject, sizeof(subject));
	client_error_from_code(&error, code, subject, NULL);
	/* One that was there a moment ago may come back. */
	if (error.kind == CLIENT_UNREACHABLE ||
	    (error.kind == CLIENT_MISSING &&
	     (p->is_placed || c->is_expecting))) {
		consumer_trouble(c, p, &error, c->config->retry_backoff_ms);
		client_refresh(c->client);
	} else {
		consumer_fail(c, &error);
	}
}

static void check_patience(struct consumer *c)
{
	int64_t now = loop_now_ms(c->loop);
	const struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	if (c->patience_ms < 0)
		return;
	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->failing_since_ms >= 0 && !p->is_done &&
		    now - p->failing_since_ms >= c->patience_ms) {
			consumer_fail(c, &p->error);
			return;
		}
	}
}

static void on_metadata(void *arg, const struct client_error *error)
{
	struct consumer *c = arg;
	struct consumer_partition *p;
	bool is_lost = false;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (error == NULL)
			check_metadata(c, p);
		else if (!p->topic->meta->is_known && !c->is_expecting)
			consumer_fail(c, error);
		else if (consumer_source(p) < 0 && !p->is_done) {
			is_lost = true;
			consumer_trouble(c, p, error,
					 c->config->retry_backoff_ms);
		}
	}
	/* Without a leader nothing else would ask again. */
	if (is_lost && !c->has_failed)
		client_refresh(c->client);
	consumer_pump(c);
	consumer_ready(c);
}

/*
 * Ends
 */

void consumer_finish(struct consumer *c, struct consumer_partition *p)
{
	p->is_done = true;
	p->failing_since_ms = -1;
	drop_chunks(c, p);
}

static void tell_end(struct consumer *c, struct consumer_partition *p)
{
	if (p->end_told == p->position)
		return;
	p->end_told = p->position;
	if (c->handler.on_end != NULL)
		c->handler.on_end(c->handler.arg, p->topic->meta->name,
				  p->index, p->position);
}

void consumer_check_end(struct consumer *c, struct consumer_partition *p)
{
	if (p->is_done || !p->is_placed || p->is_doubtful)
		return;
	if (p->position >= p->stop_offset) {
		consumer_finish(c, p);
		tell_end(c, p);
	} else if (p->stop_offset == INT64_MAX && p->chunks == 0 &&
		   p->end_offset >= 0 && p->position >= p->end_offset) {
		tell_end(c, p);
	}
}

bool consumer_is_done(const struct consumer *consumer)
{
	const struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(consumer, &t, &i)) != NULL) {
		if (!p->is_done)
			return false;
	}
	return true;
}

/*
 * Records
 */

static void corrupt(struct consumer *c, const struct consumer_partition *p,
		    const struct consumer_chunk *chunk, int rc,
		    const char *problem)
{
	struct client_error error;
	int64_t offset = chunk->batch.base_offset;

	if (offset < p->position)
		offset = p->position;
	client_error_set(&error, CLIENT_BAD_DATA, rc,
			 "topic '%s' partition %d: batch at offset %" PRId64
			 ": %s",
			 p->topic->meta->name, p->index, offset, problem);
	c->has_failed = true;
	c->error = error;
}

/* The chunk is at its end: on to what comes after it. */
static void end_chunk(struct consumer *c, struct consumer_chunk *chunk)
{
	struct consumer_partition *p = chunk->owner;

	drop_chunk(c, chunk);
	/* A cut batch that was asked for in vain leads nowhere. */
	if (p->chunks == 0 && p->position < p->fetch_offset)
		p->position = p->fetch_offset;
	consumer_check_end(c, p);
	consumer_pump(c);
}

/* One record of the chunk: 1, 0 when there is none, or an error. */
static int take_record(struct consumer *c, struct consumer_chunk *chunk,
		       struct consumer_record *out)
{
	const struct consumer_chunk_rules rules = {
		.check_crcs = c->config->check_crcs,
		.decompressed_max = RECORD_BYTES_DECOMPRESSED_MAX,
	};
	struct consumer_partition *p = chunk->owner;
	const char *problem = "";
	int rc;

	rc = consumer_chunk_next(chunk, &rules, &c->iter, &p->position,
				 &out->record, &problem);
	if (rc < 0) {
		corrupt(c, p, chunk, rc, problem);
		return rc;
	}
	if (rc == 0) {
		end_chunk(c, chunk);
		return 0;
	}
	if (out->record.offset >= p->stop_offset) {
		p->position = p->stop_offset;
		consumer_check_end(c, p);
		consumer_pump(c);
		return 0;
	}
	out->topic = p->topic->meta->name;
	out->partition = p->index;
	out->batch = &chunk->batch;
	out->high_watermark = p->high_watermark;
	out->leader = chunk->node;
	return 1;
}

/*
 * The first that is not paused.  The one iterator is in its batch, or in none:
 * whatever changes which is the first rewinds them.
 */
static struct consumer_chunk *next_chunk(const struct consumer *c)
{
	struct consumer_chunk *chunk;

	TAILQ_FOREACH (chunk, &c->chunks, next) {
		const struct consumer_partition *p = chunk->owner;

		if (!p->is_paused)
			return chunk;
	}
	return NULL;
}

int consumer_next(struct consumer *consumer, struct consumer_record *record_out)
{
	struct consumer_chunk *chunk;
	int rc;

	if (consumer->has_failed && consumer->error.kind == CLIENT_BAD_DATA)
		return consumer->error.rc;
	while ((chunk = next_chunk(consumer)) != NULL) {
		rc = take_record(consumer, chunk, record_out);
		if (rc != 0)
			return rc;
	}
	return consumer->has_failed ? consumer->error.rc : 0;
}

const struct client_error *consumer_error(const struct consumer *consumer)
{
	return &consumer->error;
}

int64_t consumer_offset(const struct consumer *consumer, const char *topic,
			int32_t partition)
{
	const struct consumer_partition *p;

	p = find_by_name(consumer, topic, partition);
	return p == NULL || !p->is_placed ? -1 : p->position;
}

size_t consumer_queued_bytes(const struct consumer *consumer)
{
	return consumer->queued_bytes;
}

/*
 * Running
 */

/* When something is to be tried again, in ms from now; -1: never. */
static int64_t next_pump_ms(const struct consumer *c)
{
	int64_t now = loop_now_ms(c->loop);
	int64_t at = INT64_MAX;
	const struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		if (p->is_done)
			continue;
		if (p->retry_at_ms > now && p->retry_at_ms < at)
			at = p->retry_at_ms;
		if (p->failing_since_ms >= 0 && c->patience_ms >= 0 &&
		    p->failing_since_ms + c->patience_ms < at)
			at = p->failing_since_ms + c->patience_ms;
	}
	if (at == INT64_MAX)
		return -1;
	return at > now ? at - now : 1;
}

void consumer_pump(struct consumer *c)
{
	int64_t ms;

	if (c->has_failed)
		return;
	consumer_lookup_send(c);
	consumer_fetch_send(c);
	ms = next_pump_ms(c);
	if (ms >= 0)
		loop_timer_set(c->timer, ms);
}

void consumer_ready(struct consumer *c)
{
	if (c->handler.on_ready != NULL)
		c->handler.on_ready(c->handler.arg);
}

static void on_timer(void *arg)
{
	struct consumer *c = arg;
	struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(c, &t, &i)) != NULL) {
		/* Nothing to look up, or known already: ready to go. */
		if (!p->is_placed && p->wanted == 0)
			consumer_place(c, p);
		else if (!p->is_placed && p->failing_since_ms < 0)
			check_metadata(c, p);
	}
	check_patience(c);
	consumer_pump(c);
	consumer_ready(c);
}

/*
 * Life
 */

int consumer_new(struct client *client, const struct consumer_handler *handler,
		 struct consumer **consumer_out)
{
	struct consumer *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return -ENOMEM;
	c->client = client;
	c->config = client_config(client);
	c->loop = client_loop(client);
	if (handler != NULL)
		c->handler = *handler;
	c->patience_ms = -1;
	TAILQ_INIT(&c->chunks);
	TAILQ_INIT(&c->lookups);
	c->watcher =
		(struct client_watcher){ .on_metadata = on_metadata, .arg = c };
	if (loop_timer_new(c->loop, on_timer, c, &c->timer) < 0) {
		free(c);
		return -ENOMEM;
	}
	client_watch(client, &c->watcher);
	*consumer_out = c;
	return 0;
}

void consumer_set_patience(struct consumer *consumer, int64_t ms)
{
	consumer->patience_ms = ms;
}

const struct client_error *consumer_trouble_now(const struct consumer *consumer,
						int64_t *since_ms_out)
{
	const struct consumer_partition *worst = NULL;
	const struct consumer_partition *p;
	size_t t = 0;
	int32_t i = 0;

	while ((p = consumer_each(consumer, &t, &i)) != NULL) {
		if (p->failing_since_ms >= 0 && !p->is_done &&
		    (worst == NULL ||
		     p->failing_since_ms < worst->failing_since_ms))
			worst = p;
	}
	if (worst == NULL)
		return NULL;
	*since_ms_out = worst->failing_since_ms;
	return &worst->error;
}

void consumer_expect(struct consumer *consumer)
{
	consumer->is_expecting = true;
}

static void free_topic(struct consumer_topic *t)
{
	for (int32_t i = 0; i < t->count; i++)
		free(t->partitions[i]);
	free(t->partitions);
	free(t);
}

void consumer_free(struct consumer *consumer)
{
	struct consumer_chunk *chunk;

	if (consumer == NULL)
		return;
	client_unwatch(consumer->client, &consumer->watcher);
	consumer_lookup_clear(consumer);
	consumer_fetch_clear(consumer);
	while ((chunk = TAILQ_FIRST(&consumer->chunks)) != NULL) {
		TAILQ_REMOVE(&consumer->chunks, chunk, next);
		consumer_chunk_free(chunk);
	}
	record_iter_free(consumer->iter);
	for (size_t i = 0; i < consumer->topic_count; i++)
		free_topic(consumer->topics[i]);
	free(consumer->topics);
	loop_timer_free(consumer->timer);
	free(consumer);
}
