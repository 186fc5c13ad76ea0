/*
 * groups.c - groups and how far behind they are, for metrics
 *
 * Each shard is locked for a short while: to count its groups and note their
 * names, and then once for each group that is told.  High watermarks are read
 * after the commits, so that no lag is negative.
 */
#include "kbrokerd/metrics/groups.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/group/coordinator.h"
#include "kbrokerd/group/offsets.h"
#include "wire/error_codes.h"

/* All groups */

static void add_tally(struct group_facts *facts, const struct group *group)
{
	const char *type = group_type(group);
	const char *state = group_state(group);
	size_t i = 0;

	while (i < facts->tally_count &&
	       (strcmp(facts->tallies[i].type, type) != 0 ||
		strcmp(facts->tallies[i].state, state) != 0))
		i++;
	if (i == GROUP_TALLIES_MAX)
		return;
	if (i == facts->tally_count) {
		facts->tallies[i] = (struct group_tally){ type, state, 0 };
		facts->tally_count++;
	}
	facts->tallies[i].count++;
	facts->member_count += group_member_count(group);
}

static void add_counters(struct group_counters *to,
			 const struct group_counters *from)
{
	to->commits += from->commits;
	to->expired += from->expired;
	to->classic_rebalances += from->classic_rebalances;
	to->consumer_rebalances += from->consumer_rebalances;
}

struct names {
	struct slice *items;
	size_t count, size;
};

static int add_name(struct names *names, struct slice name)
{
	if (names->count == names->size) {
		size_t size = names->size * 2 + 64;
		struct slice *items =
			reallocarray(names->items, size, sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		names->items = items;
		names->size = size;
	}
	names->items[names->count++] = name;
	return slice_is_null(name) ? -ENOMEM : 0;
}

static int read_shard(struct group_facts *facts, struct group_shard *shard,
		      struct names *names)
{
	struct group *group;
	struct group *next;
	int rc = 0;

	add_counters(&facts->counters, &shard->counters);
	HASH_ITER(hh, shard->groups, group, next)
	{
		add_tally(facts, group);
		rc = add_name(names, arena_copy(&facts->arena, group->id));
		if (rc < 0)
			break;
	}
	return rc;
}

static int by_name(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int c = len == 0 ? 0 : memcmp(x->data, y->data, len);

	return c != 0 ? c : (x->len > y->len) - (x->len < y->len);
}

static int read_names(struct group_facts *facts, struct coordinator *c,
		      struct names *names)
{
	size_t count = coordinator_shard_count(c);
	struct coordinator_shard *s;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++) {
		if (coordinator_enter_at(c, i, &s) != WIRE_NONE)
			continue;
		rc = read_shard(facts, coordinator_core(s), names);
		coordinator_leave(s);
	}
	if (names->count > 1)
		qsort(names->items, names->count, sizeof(*names->items),
		      by_name);
	return rc;
}

/* One group */

static int by_partition(const void *a, const void *b)
{
	const struct lag_row *x = a;
	const struct lag_row *y = b;
	int c = strcmp(x->topic, y->topic);

	return c != 0 ? c
		      : (x->partition > y->partition) -
				(x->partition < y->partition);
}

static int read_offsets(struct group_row *row, const struct group *group,
			size_t limit, struct arena *arena)
{
	size_t count =
		group->offset_count < limit ? group->offset_count : limit;
	const struct group_offset *o = group->offsets;

	row->lags = arena_calloc(arena, count, sizeof(*row->lags));
	if (row->lags == NULL)
		return -ENOMEM;
	for (; row->lag_count < count; o = o->hh.next) {
		struct lag_row *lag = &row->lags[row->lag_count++];

		lag->topic = arena_text(arena, o->topic);
		lag->partition = o->partition;
		lag->offset = o->offset;
		if (lag->topic == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* Returns 1 when it is there, 0 when it has gone, or -ENOMEM. */
static int read_group(struct group_facts *facts, struct coordinator *c,
		      struct slice id, size_t lag_limit)
{
	struct group_row *row = &facts->groups[facts->group_count];
	struct coordinator_shard *s;
	const struct group *group;
	int rc = 0;

	if (coordinator_enter(c, id, &s) != WIRE_NONE)
		return 0;
	group = group_find(coordinator_core(s), id);
	if (group != NULL) {
		*row = (struct group_row){
			.id = arena_text(&facts->arena, id),
			.type = group_type(group),
			.state = group_state(group),
			.member_count = group_member_count(group),
		};
		rc = row->id == NULL ? -ENOMEM
				     : read_offsets(row, group, lag_limit,
						    &facts->arena);
	}
	coordinator_leave(s);
	if (rc == 0 && group != NULL && row->lag_count > 1)
		qsort(row->lags, row->lag_count, sizeof(*row->lags),
		      by_partition);
	return rc < 0 ? rc : group != NULL;
}

/* Lag */

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

static void measure(struct lag_row *lag, struct partition *p, int64_t now_ms)
{
	struct partition_offsets offsets;
	int64_t since_ms;

	if (lag->offset < 0 || partition_offsets(p, &offsets) < 0 ||
	    offsets.high_watermark <= lag->offset)
		return;
	lag->records = offsets.high_watermark - lag->offset;
	since_ms = waiting_since(p, lag->offset);
	if (since_ms >= 0 && since_ms < now_ms)
		lag->ms = now_ms - since_ms;
}

static void measure_all(struct group_row *row, struct broker *broker,
			const struct image *image, int64_t now_ms)
{
	for (size_t i = 0; i < row->lag_count; i++) {
		struct lag_row *lag = &row->lags[i];
		const struct topic_image *topic =
			image_topic(image, slice_of(lag->topic));
		struct partition *p = NULL;

		lag->is_last = i + 1 == row->lag_count ||
			       strcmp(lag->topic, lag[1].topic) != 0;
		if (topic != NULL && lag->partition < topic->partition_count)
			p = partition_find(broker->partitions, image, topic,
					   lag->partition);
		if (p != NULL)
			measure(lag, p, now_ms);
		partition_release(p);
	}
}

/* All together */

static int read_groups(struct group_facts *facts, struct broker *broker,
		       const struct names *names, size_t limit)
{
	size_t count = names->count < limit ? names->count : limit;
	size_t lags = 0;

	facts->left_out = names->count - count;
	facts->groups =
		arena_calloc(&facts->arena, count, sizeof(*facts->groups));
	if (facts->groups == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int rc = read_group(facts, broker->coordinator, names->items[i],
				    GROUP_LAGS_MAX - lags);

		if (rc < 0)
			return rc;
		if (rc > 0)
			lags += facts->groups[facts->group_count++].lag_count;
	}
	return 0;
}

int group_facts_read(struct group_facts *facts, struct broker *broker,
		     size_t limit, int64_t now_ms)
{
	struct names names = { 0 };
	const struct image *image;
	int rc;

	*facts = (struct group_facts){ 0 };
	rc = read_names(facts, broker->coordinator, &names);
	if (rc == 0)
		rc = read_groups(facts, broker, &names, limit);
	free(names.items);
	if (rc < 0)
		return rc;
	image = metadata_image(broker->metadata);
	for (size_t i = 0; i < facts->group_count; i++)
		measure_all(&facts->groups[i], broker, image, now_ms);
	image_release(image);
	return 0;
}

void group_facts_clear(struct group_facts *facts)
{
	arena_clear(&facts->arena);
}
