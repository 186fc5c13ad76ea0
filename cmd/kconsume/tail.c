/*
 * tail.c - the last N records of several partitions, by their time
 *
 * A binary heap whose root is the oldest record kept: a younger one takes its
 * place.  Age is the timestamp; where those of a partition go back the one
 * before counts on, so that its records stay in the order of their offsets.
 * Where age is equal the one of the lower topic, partition, offset is older.
 */
#include "kconsume/tail.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/limits.h"

struct kept {
	struct consumer_record record; /* its slices are in bytes */
	int64_t age_ms;                /* the latest timestamp so far */
	struct batch_header batch;
	uint8_t *bytes;
};

/* A partition that records came from. */
struct lane {
	UT_hash_handle hh;
	const char *topic;
	int64_t age_ms;
	size_t key_len;
	char key[]; /* the partition's bytes, the topic */
};

struct tail {
	size_t limit, count, capacity;
	struct kept **heap;
	struct lane *lanes;
	struct lane *last; /* the one used last */
	int32_t last_partition;
};

/* Total, as a heap needs: by age, topic, partition, offset. */
static int compare(const struct kept *a, const struct kept *b)
{
	const struct consumer_record *x = &a->record;
	const struct consumer_record *y = &b->record;
	int topics;

	if (a->age_ms != b->age_ms)
		return a->age_ms < b->age_ms ? -1 : 1;
	topics = x->topic == y->topic ? 0 : strcmp(x->topic, y->topic);
	if (topics != 0)
		return topics;
	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	return (x->record.offset > y->record.offset) -
	       (x->record.offset < y->record.offset);
}

static struct lane *add_lane(struct tail *t, const char *key, size_t key_len)
{
	struct lane *lane = malloc(sizeof(*lane) + key_len);

	if (lane == NULL)
		return NULL;
	lane->age_ms = INT64_MIN;
	lane->key_len = key_len;
	memcpy(lane->key, key, key_len);
	lane->topic = lane->key + sizeof(int32_t);
	HASH_ADD(hh, t->lanes, key, (unsigned)key_len, lane);
	if (lane->hh.tbl != NULL)
		return lane;
	free(lane); /* out of memory */
	return NULL;
}

/* The lane of the record's partition, or NULL when out of memory. */
static struct lane *lane_of(struct tail *t, const struct consumer_record *r)
{
	char key[sizeof(int32_t) + TOPIC_NAME_MAX + 1];
	size_t topic_len = strlen(r->topic);
	size_t key_len = sizeof(int32_t) + topic_len + 1;
	struct lane *lane;

	if (t->last != NULL && t->last_partition == r->partition &&
	    strcmp(t->last->topic, r->topic) == 0)
		return t->last;
	assert(key_len <= sizeof(key));
	memcpy(key, &r->partition, sizeof(int32_t));
	memcpy(key + sizeof(int32_t), r->topic, topic_len + 1);
	HASH_FIND(hh, t->lanes, key, (unsigned)key_len, lane);
	if (lane == NULL)
		lane = add_lane(t, key, key_len);
	t->last = lane;
	t->last_partition = r->partition;
	return lane;
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
	struct lane *lane = t->lanes;

	for (size_t i = 0; i < t->count; i++)
		free_kept(t->heap[i]);
	t->count = 0;
	/* The table first: its lanes are linked without it. */
	HASH_CLEAR(hh, t->lanes);
	while (lane != NULL) {
		struct lane *next = lane->hh.next;

		free(lane);
		lane = next;
	}
	t->last = NULL;
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
	struct kept **heap =
		reallocarray(t->heap, capacity, sizeof(struct kept *));

	if (heap == NULL)
		return -ENOMEM;
	t->heap = heap;
	t->capacity = capacity;
	return 0;
}

int tail_add(struct tail *t, const struct consumer_record *r)
{
	struct lane *lane;
	struct kept *k;

	if (t->limit == 0)
		return 0;
	if (t->count == t->capacity && t->count < t->limit && grow(t) < 0)
		return -ENOMEM;
	lane = lane_of(t, r);
	k = lane == NULL ? NULL : keep(r);
	if (k == NULL)
		return -ENOMEM;
	if (lane->age_ms < r->record.timestamp_ms)
		lane->age_ms = r->record.timestamp_ms;
	k->age_ms = lane->age_ms;
	k->record.topic = lane->topic;
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
		qsort(t->heap, t->count, sizeof(struct kept *),
		      compare_pointers);
	for (size_t i = 0; i < t->count && rc == 0; i++)
		rc = on_record(arg, &t->heap[i]->record);
	return rc;
}
