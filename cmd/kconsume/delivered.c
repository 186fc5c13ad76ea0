/*
 * delivered.c - what was written of each partition, and what of it is done
 *
 * Records are kept in runs: offsets and positions that both go up by one.  Of
 * a partition's runs the oldest come first; runs that are done are dropped
 * from there, which is the only way that next_offset moves once the first
 * record is written, and it never falls.  Records that share a position (they
 * had no bytes, or only the end of a stretch matters) are done together: one
 * run of one record stands for all.
 *
 * What is done is noted in few places, however many records it is: one
 * position for all partitions, one offset for a partition, and, where exact,
 * a bitmap for a run.  They meet in settle().
 */
#include "kconsume/delivered.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	EXACT_RUN_MAX = 4096, /* records of a run that has a bitmap */
	WORD_BITS = 64,
};

struct run {
	int64_t offset, position; /* of its first record */
	int64_t count;
	uint64_t *done; /* exact: a bit for each record; NULL: none is */
};

struct part {
	char *topic;
	int32_t partition;
	bool begun;          /* ours, written or not */
	int64_t next_offset; /* -1: nothing was written, or is done yet */
	int64_t written;     /* one past the last record; -1: forgotten */
	int64_t ever;        /* the highest that written ever was */
	int64_t acked;       /* not exact: all before it are done */
	int64_t committed;   /* for delivered_each() */
	struct run *runs;    /* a ring, capacity a power of two or 0 */
	size_t first, count, capacity;
};

struct delivered {
	bool exact;
	struct part **parts; /* by topic, then partition; part_count */
	size_t part_count;
	struct part *last; /* written last */
	size_t run_count;  /* of all */
	int64_t position, reached;
};

struct delivered *delivered_new(bool exact)
{
	struct delivered *d = calloc(1, sizeof(*d));

	if (d != NULL)
		d->exact = exact;
	return d;
}

static struct run *run_at(const struct part *p, size_t i)
{
	return &p->runs[(p->first + i) & (p->capacity - 1)];
}

static void drop_first_run(struct delivered *d, struct part *p)
{
	free(run_at(p, 0)->done);
	p->first = (p->first + 1) & (p->capacity - 1);
	p->count--;
	d->run_count--;
}

static void part_free(struct part *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(run_at(p, i)->done);
	free(p->runs);
	free(p->topic);
	free(p);
}

void delivered_free(struct delivered *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->part_count; i++)
		part_free(d->parts[i]);
	free(d->parts);
	free(d);
}

/* Finding a partition */

static int part_compare(const struct part *p, const char *topic,
			int32_t partition)
{
	int order = strcmp(p->topic, topic);

	if (order != 0)
		return order;
	return (p->partition > partition) - (p->partition < partition);
}

/* Where it is, or is to be put in; *found_out says which. */
static size_t part_index(const struct delivered *d, const char *topic,
			 int32_t partition, bool *found_out)
{
	size_t low = 0;
	size_t high = d->part_count;

	*found_out = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = part_compare(d->parts[middle], topic, partition);

		if (order == 0) {
			*found_out = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct part *part_find(const struct delivered *d, const char *topic,
			      int32_t partition)
{
	bool found;
	size_t i = part_index(d, topic, partition, &found);

	return found ? d->parts[i] : NULL;
}

static struct part *part_new(const char *topic, int32_t partition)
{
	struct part *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->topic = strdup(topic);
	p->partition = partition;
	p->next_offset = p->written = p->ever = -1;
	p->acked = p->committed = -1;
	if (p->topic == NULL) {
		free(p);
		return NULL;
	}
	return p;
}

static struct part *part_get(struct delivered *d, const char *topic,
			     int32_t partition)
{
	struct part **parts;
	struct part *p;
	bool found;
	size_t at = part_index(d, topic, partition, &found);

	if (found)
		return d->parts[at];
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): they are pointers */
	parts = reallocarray(d->parts, d->part_count + 1, sizeof(*parts));
	if (parts == NULL)
		return NULL;
	d->parts = parts;
	p = part_new(topic, partition);
	if (p == NULL)
		return NULL;
	for (size_t i = d->part_count; i > at; i--)
		parts[i] = parts[i - 1];
	parts[at] = p;
	d->part_count++;
	return p;
}

/* Writing */

static int grow(struct part *p)
{
	size_t capacity = p->capacity == 0 ? 8 : p->capacity * 2;
	struct run *runs = calloc(capacity, sizeof(*runs));

	if (runs == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++)
		runs[i] = *run_at(p, i);
	free(p->runs);
	p->runs = runs;
	p->capacity = capacity;
	p->first = 0;
	return 0;
}

/* Does the last run have room for the record?  Then it is in. */
static bool run_takes(const struct delivered *d, struct run *run,
		      int64_t offset, int64_t position)
{
	if (run->count == 1 && run->position == position) {
		run->offset = offset;
		return true;
	}
	if (offset != run->offset + run->count ||
	    position != run->position + run->count ||
	    (d->exact && run->count == EXACT_RUN_MAX))
		return false;
	run->count++;
	return true;
}

static void forget(struct delivered *d, struct part *p)
{
	while (p->count > 0)
		drop_first_run(d, p);
	p->begun = false;
	p->next_offset = p->written = -1;
	p->acked = p->committed = -1;
}

int delivered_begin(struct delivered *d, const char *topic, int32_t partition)
{
	struct part *p = part_get(d, topic, partition);

	if (p == NULL)
		return -ENOMEM;
	p->begun = true;
	return 0;
}

int delivered_write(struct delivered *d, const char *topic, int32_t partition,
		    int64_t offset, int64_t position)
{
	struct part *p = d->last;

	assert(position >= d->position);
	if (p == NULL || part_compare(p, topic, partition) != 0)
		p = part_get(d, topic, partition);
	if (p == NULL)
		return -ENOMEM;
	/* The log began anew: what was, is no more. */
	if (offset < p->written)
		forget(d, p);
	/* The first since it is ours: whoever comes later begins here, too. */
	if (p->begun && p->next_offset < 0)
		p->next_offset = offset;
	if (p->count == 0 ||
	    !run_takes(d, run_at(p, p->count - 1), offset, position)) {
		if (p->count == p->capacity && grow(p) < 0)
			return -ENOMEM;
		*run_at(p, p->count) =
			(struct run){ offset, position, 1, NULL };
		p->count++;
		d->run_count++;
	}
	d->last = p;
	d->position = position;
	p->written = offset + 1;
	if (p->ever < p->written)
		p->ever = p->written;
	return 0;
}

bool delivered_is_full(const struct delivered *d)
{
	return d->run_count >= DELIVERED_RUNS_MAX;
}

int64_t delivered_position(const struct delivered *d)
{
	return d->position;
}

/* What is done */

void delivered_reach(struct delivered *d, int64_t position)
{
	if (d->reached < position)
		d->reached = position;
}

int64_t delivered_reached(const struct delivered *d)
{
	return d->reached;
}

static int64_t at_most(int64_t value, int64_t most)
{
	return value < most ? value : most;
}

static bool bit_is_set(const struct run *run, int64_t i)
{
	return (run->done[i / WORD_BITS] >> (i % WORD_BITS) & 1) != 0;
}

/* How many records of the run, from its first on, are done. */
static int64_t done_at_front(const struct delivered *d, const struct part *p,
			     const struct run *run)
{
	int64_t done = at_most(d->reached - run->position + 1, run->count);

	if (done < p->acked - run->offset)
		done = at_most(p->acked - run->offset, run->count);
	if (done < 0)
		done = 0;
	while (run->done != NULL && done < run->count && bit_is_set(run, done))
		done++;
	return done;
}

static void settle(struct delivered *d, struct part *p)
{
	while (p->count > 0) {
		struct run *run = run_at(p, 0);
		int64_t done = done_at_front(d, p, run);

		if (done > 0)
			p->next_offset = run->offset + done;
		if (done < run->count)
			break;
		drop_first_run(d, p);
	}
}

/* Note one record of a run in the middle. */
static int mark(struct run *run, int64_t offset)
{
	int64_t i = offset - run->offset;

	if (run->done == NULL) {
		run->done =
			calloc(EXACT_RUN_MAX / WORD_BITS, sizeof(*run->done));
		if (run->done == NULL)
			return -ENOMEM;
	}
	run->done[i / WORD_BITS] |= UINT64_C(1) << (i % WORD_BITS);
	return 0;
}

static int mark_exactly(struct part *p, int64_t offset)
{
	size_t low = 0;
	size_t high = p->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct run *run = run_at(p, middle);

		if (offset < run->offset)
			high = middle;
		else if (offset >= run->offset + run->count)
			low = middle + 1;
		else
			return mark(run, offset);
	}
	return 0; /* it was done before, or is no record */
}

int delivered_ack(struct delivered *d, const char *topic, int32_t partition,
		  int64_t offset, int64_t *written_out)
{
	struct part *p = part_find(d, topic, partition);
	int rc = 0;

	if (p == NULL || p->ever < 0)
		return -ENOENT;
	*written_out = p->ever;
	if (offset >= p->ever)
		return -ERANGE;
	if (offset >= p->written)
		return 0;
	if (d->exact)
		rc = mark_exactly(p, offset);
	else if (p->acked <= offset)
		p->acked = offset + 1;
	settle(d, p);
	return rc;
}

void delivered_forget(struct delivered *d, const char *topic, int32_t partition)
{
	struct part *p = part_find(d, topic, partition);

	if (p != NULL)
		forget(d, p);
}

void delivered_each(struct delivered *d,
		    void (*on_part)(void *arg,
				    const struct delivered_part *part),
		    void *arg)
{
	for (size_t i = 0; i < d->part_count; i++) {
		struct part *p = d->parts[i];
		struct delivered_part seen;

		if (p->written < 0 && !p->begun)
			continue;
		settle(d, p);
		seen = (struct delivered_part){
			.topic = p->topic,
			.partition = p->partition,
			.next_offset = p->next_offset,
			.idle = p->count == 0,
			.committed = &p->committed,
		};
		on_part(arg, &seen);
	}
}

static uint64_t left_in(const struct run *run, int64_t from)
{
	uint64_t left = 0;

	if (run->done == NULL)
		return (uint64_t)(run->count - from);
	for (int64_t i = from; i < run->count; i++)
		left += !bit_is_set(run, i);
	return left;
}

uint64_t delivered_left(struct delivered *d)
{
	uint64_t left = 0;

	for (size_t i = 0; i < d->part_count; i++) {
		struct part *p = d->parts[i];

		settle(d, p);
		for (size_t j = 0; j < p->count; j++) {
			struct run *run = run_at(p, j);

			left += left_in(run, done_at_front(d, p, run));
		}
	}
	return left;
}
