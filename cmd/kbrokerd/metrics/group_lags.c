/*
 * group_lags.c - one group, and how far behind it is in each partition
 *
 * What the group says is copied while its shard is locked, and compared with
 * the logs after: those may wait for a disk.
 */
#include "kbrokerd/metrics/group_lags.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/group/assigned.h"
#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"

enum { LAGS_FULL = 1, LAGS_FIRST = 16 };

/* Reading */

struct reading {
	const struct group *group;
	struct group_row *row;
	struct arena *arena;
	size_t size, limit;
};

static int make_room(struct reading *r)
{
	size_t size = r->size * 2 + LAGS_FIRST;
	struct group_lag *lags;

	if (r->row->lag_count < r->size)
		return 0;
	if (size > r->limit)
		size = r->limit;
	if (size == r->size)
		return LAGS_FULL;
	lags = arena_calloc(r->arena, size, sizeof(*lags));
	if (lags == NULL)
		return -ENOMEM;
	if (r->row->lag_count > 0)
		memcpy(lags, r->row->lags, r->row->lag_count * sizeof(*lags));
	r->row->lags = lags;
	r->size = size;
	return 0;
}

/* The partitions of a topic mostly come one after the other. */
static const char *topic_text(struct reading *r, struct slice topic)
{
	const struct group_row *row = r->row;

	if (row->lag_count > 0 &&
	    slice_is(topic, row->lags[row->lag_count - 1].topic))
		return row->lags[row->lag_count - 1].topic;
	return arena_text(r->arena, topic);
}

static int add_lag(struct reading *r, struct slice topic, int32_t partition,
		   int64_t offset)
{
	int rc = make_room(r);
	const char *text;

	if (rc != 0)
		return rc;
	text = topic_text(r, topic);
	if (text == NULL)
		return -ENOMEM;
	r->row->lags[r->row->lag_count++] = (struct group_lag){
		.topic = text, .partition = partition, .offset = offset
	};
	return 0;
}

/* Is it told to who fetches it? */
static bool says_something(const struct reading *r,
			   const struct group_offset *o)
{
	return o->offset >= 0 && !group_offset_is_stale(r->group->shard, o);
}

static int add_committed(struct reading *r)
{
	const struct group_offset *o = r->group->offsets;
	int rc = 0;

	for (; rc == 0 && o != NULL; o = o->hh.next) {
		if (says_something(r, o))
			rc = add_lag(r, o->topic, o->partition, o->offset);
	}
	return rc;
}

static int on_assigned(void *arg, struct slice topic, int32_t partition)
{
	struct reading *r = arg;
	const struct group_offset *o =
		group_offset_find(r->group, topic, partition);

	if (o != NULL && says_something(r, o))
		return 0;
	return add_lag(r, topic, partition, -1);
}

static int by_partition(const void *a, const void *b)
{
	const struct group_lag *x = a;
	const struct group_lag *y = b;
	int c = strcmp(x->topic, y->topic);

	return c != 0 ? c
		      : (x->partition > y->partition) -
				(x->partition < y->partition);
}

/* Two classic members may have the same partition. */
static void sort(struct group_row *row)
{
	size_t kept = 0;

	if (row->lag_count > 1)
		qsort(row->lags, row->lag_count, sizeof(*row->lags),
		      by_partition);
	for (size_t i = 0; i < row->lag_count; i++) {
		if (kept == 0 ||
		    by_partition(&row->lags[kept - 1], &row->lags[i]) != 0)
			row->lags[kept++] = row->lags[i];
	}
	row->lag_count = kept;
	for (size_t i = 0; i < kept; i++)
		row->lags[i].is_last =
			i + 1 == kept ||
			strcmp(row->lags[i].topic, row->lags[i + 1].topic) != 0;
}

static int read_group(struct reading *r, struct slice id)
{
	int rc;

	*r->row = (struct group_row){
		.id = arena_copy(r->arena, id),
		.type = group_type(r->group),
		.state = group_state(r->group),
		.member_count = group_member_count(r->group),
	};
	if (slice_is_null(r->row->id))
		return -ENOMEM;
	rc = add_committed(r);
	if (rc == 0)
		rc = group_each_assigned(r->group, on_assigned, r);
	return rc < 0 ? rc : 1;
}

int group_row_read(struct group_row *row, struct broker *broker,
		   struct slice id, size_t limit, struct arena *arena)
{
	struct reading r = { .row = row, .arena = arena, .limit = limit };
	struct coordinator_shard *s;
	int rc = 0;

	if (coordinator_enter(broker->coordinator, id, &s) != WIRE_NONE)
		return 0;
	r.group = group_find(coordinator_core(s), id);
	if (r.group != NULL)
		rc = read_group(&r, id);
	coordinator_leave(s);
	if (rc > 0)
		sort(row);
	return rc;
}

/* The first record that waits */

struct first_waiting {
	int64_t offset;
	struct log_slice slice;
};

/* The batch with the first record that the group has still to read. */
static int find_waiting(void *arg, struct log *log,
			const struct partition_offsets *offsets)
{
	struct first_waiting *w = arg;

	if (w->offset < offsets->log_start)
		w->offset = offsets->log_start;
	return log_read(log, w->offset, 1, offsets->high_watermark, true,
			&w->slice);
}

/* When that record was written, roughly: what its batch says.  -1: not known.
 */
static int64_t waiting_since(struct partition *p, int64_t offset)
{
	struct first_waiting w = { .offset = offset };
	uint8_t head[BATCH_HEADER_BYTES];
	struct batch_header h;
	ssize_t n;

	if (partition_with_log(p, find_waiting, &w) < 0 || w.slice.len == 0)
		return -1;
	n = pread(w.slice.fd, head, sizeof(head), w.slice.position);
	log_slice_release(&w.slice);
	if (n != (ssize_t)sizeof(head) ||
	    batch_header_read((struct slice){ head, sizeof(head) }, &h) < 0)
		return -1;
	return w.offset <= h.base_offset ? h.base_timestamp_ms
					 : h.max_timestamp_ms;
}

static void time_lag(struct group_lag *lag, struct partition *p, int64_t now_ms)
{
	int64_t since_ms =
		lag->records > 0 ? waiting_since(p, lag->offset) : -1;

	if (since_ms >= 0 && since_ms < now_ms)
		lag->ms = now_ms - since_ms;
}

/* Records */

static void count_records(struct group_lag *lag, struct partition *p,
			  int64_t unused)
{
	struct partition_offsets offsets;
	int64_t next = lag->offset;

	(void)unused;
	if (partition_offsets(p, &offsets) < 0)
		return;
	/* What is gone does not wait. */
	if (next < offsets.log_start)
		next = offsets.log_start;
	if (next < offsets.high_watermark)
		lag->records = offsets.high_watermark - next;
}

static void each_partition(struct group_row *row, struct broker *broker,
			   const struct image *image, int64_t now_ms,
			   void (*look)(struct group_lag *lag,
					struct partition *p, int64_t now_ms))
{
	const struct topic_image *topic = NULL;

	for (size_t i = 0; i < row->lag_count; i++) {
		struct group_lag *lag = &row->lags[i];
		struct partition *p = NULL;

		if (i == 0 || lag[-1].is_last)
			topic = image_topic(image, slice_of(lag->topic));
		if (topic != NULL && lag->partition < topic->partition_count)
			p = partition_find(broker->partitions, image, topic,
					   lag->partition);
		if (p != NULL)
			look(lag, p, now_ms);
		partition_release(p);
	}
}

void group_row_measure(struct group_row *row, struct broker *broker,
		       const struct image *image)
{
	each_partition(row, broker, image, 0, count_records);
}

void group_row_time(struct group_row *row, struct broker *broker,
		    const struct image *image, int64_t now_ms)
{
	each_partition(row, broker, image, now_ms, time_lag);
}
