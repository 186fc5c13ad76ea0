/*
 * tail.c - the last N records of several partitions, by their time
 *
 * A binary heap whose root is the oldest record kept: a younger one takes its
 * place.  Age is the timestamp; where it is equal the one that came earlier
 * in its partition, then the lower partition, is older.
 */
#include "kconsume/tail.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct kept {
	struct consumer_record record; /* its slices are in bytes */
	struct batch_header batch;
	uint8_t *bytes;
};

struct tail {
	size_t limit, count, capacity;
	struct kept **heap;
};

static int compare(const struct kept *a, const struct kept *b)
{
	const struct consumer_record *x = &a->record, *y = &b->record;
	int topics = strcmp(x->topic, y->topic);

	/* Within a partition the order is that of the offsets. */
	if (topics == 0 && x->partition == y->partition)
		return (x->record.offset > y->record.offset) -
		       (x->record.offset < y->record.offset);
	if (x->record.timestamp_ms != y->record.timestamp_ms)
		return x->record.timestamp_ms < y->record.timestamp_ms ? -1 : 1;
	if (topics != 0)
		return topics;
	return x->partition < y->partition ? -1 : 1;
}

static void free_kept(struct kept *k)
{
	if (k == NULL)
		return;
	free(k->bytes);
	free(k);
}

static struct slice copy_slice(uint8_t **at, struct slice from)
{
	struct slice copy = { *at, from.len };

	if (slice_is_null(from))
		return from;
	memcpy(*at, from.data, from.len);
	*at += from.len;
	return copy;
}

static struct kept *keep(const struct consumer_record *r)
{
	const struct record *record = &r->record;
	struct kept *k = calloc(1, sizeof(*k));
	uint8_t *at;

	if (k == NULL)
		return NULL;
	/* One byte more, so that an empty slice has a place too. */
	k->bytes = malloc(record->key.len + record->value.len +
			  record->headers.len + 1);
	if (k->bytes == NULL) {
		free_kept(k);
		return NULL;
	}
	at = k->bytes;
	k->record = *r;
	k->batch = *r->batch;
	k->record.batch = &k->batch;
	k->record.record.key = copy_slice(&at, record->key);
	k->record.record.value = copy_slice(&at, record->value);
	k->record.record.headers = copy_slice(&at, record->headers);
	return k;
}

struct tail *tail_new(size_t limit)
{
	struct tail *t = calloc(1, sizeof(*t));

	if (t != NULL)
		t->limit = limit;
	return t;
}

void tail_reset(struct tail *t)
{
	for (size_t i = 0; i < t->count; i++)
		free_kept(t->heap[i]);
	t->count = 0;
}

void tail_free(struct tail *t)
{
	if (t == NULL)
		return;
	tail_reset(t);
	free(t->heap);
	free(t);
}

static void swap(struct tail *t, size_t i, size_t j)
{
	struct kept *k = t->heap[i];

	t->heap[i] = t->heap[j];
	t->heap[j] = k;
}

static void sift_up(struct tail *t, size_t i)
{
	while (i > 0 && compare(t->heap[i], t->heap[(i - 1) / 2]) < 0) {
		swap(t, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct tail *t, size_t i)
{
	for (;;) {
		size_t oldest = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2; c++) {
			if (c < t->count &&
			    compare(t->heap[c], t->heap[oldest]) < 0)
				oldest = c;
		}
		if (oldest == i)
			return;
		swap(t, i, oldest);
		i = oldest;
	}
}

static int grow(struct tail *t)
{
	size_t capacity = t->capacity == 0 ? 64 : t->capacity * 2;
	struct kept **heap = realloc(t->heap, capacity * sizeof(*heap));

	if (heap == NULL)
		return -ENOMEM;
	t->heap = heap;
	t->capacity = capacity;
	return 0;
}

int tail_add(struct tail *t, const struct consumer_record *r)
{
	struct kept *k;

	if (t->limit == 0)
		return 0;
	if (t->count == t->capacity && t->count < t->limit && grow(t) < 0)
		return -ENOMEM;
	k = keep(r);
	if (k == NULL)
		return -ENOMEM;
	if (t->count < t->limit) {
		t->heap[t->count] = k;
		sift_up(t, t->count++);
	} else if (compare(t->heap[0], k) < 0) {
		free_kept(t->heap[0]);
		t->heap[0] = k;
		sift_down(t, 0);
	} else {
		free_kept(k);
	}
	return 0;
}

size_t tail_count(const struct tail *t)
{
	return t->count;
}

static int compare_pointers(const void *a, const void *b)
{
	return compare(*(struct kept *const *)a, *(struct kept *const *)b);
}

int tail_each(struct tail *t,
	      int (*on_record)(void *arg, const struct consumer_record *r),
	      void *arg)
{
	int rc = 0;

	if (t->count > 0)
		qsort(t->heap, t->count, sizeof(*t->heap), compare_pointers);
	for (size_t i = 0; i < t->count && rc == 0; i++)
		rc = on_record(arg, &t->heap[i]->record);
	return rc;
}
