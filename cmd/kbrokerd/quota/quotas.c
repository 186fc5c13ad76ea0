/*
 * quotas.c - who has used how much, and must wait how long for it
 *
 * A meter is what one share of a quota has used.  The lock guards limits and
 * meters; who finds no bit in kinds does not come as far.  Meters are in a
 * hash table and in the order of their last use: memory is bounded by
 * forgetting the one that was used longest ago.
 */
#include "kbrokerd/quota/quotas.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/hash.h"

enum {
	BUCKETS = 4096, /* a power of two */
	METER_BYTES_MAX = 16 << 20,
	REQUEST_WAIT_WINDOWS = 1 /* requests wait for one window at most */
};

struct meter {
	TAILQ_ENTRY(meter) by_use;
	LIST_ENTRY(meter) in_bucket;
	uint64_t hash;
	size_t bytes; /* of all of it */
	enum quota_kind kind;
	bool has_user, has_client_id;
	uint32_t user_len, client_id_len;
	uint8_t *names; /* user, client id: behind the rate */
	/* QUOTA_MUTATION: a bucket of tokens in place of a rate. */
	double tokens;
	int64_t filled_ms;
	struct rate rate;
};

struct quotas {
	_Atomic uint32_t kinds; /* a bit for each that has a quota */
	struct quotas_params params;
	pthread_mutex_t lock; /* of what follows */
	struct quota_limits *limits;
	TAILQ_HEAD(, meter) by_use; /* the longest unused first */
	size_t meter_count, meter_bytes;
	LIST_HEAD(, meter) buckets[BUCKETS];
};

struct quotas *quotas_new(const struct quotas_params *params)
{
	struct quotas *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->params = *params;
	pthread_mutex_init(&q->lock, NULL);
	TAILQ_INIT(&q->by_use);
	return q;
}

static void drop_meter(struct quotas *q, struct meter *m)
{
	TAILQ_REMOVE(&q->by_use, m, by_use);
	LIST_REMOVE(m, in_bucket);
	q->meter_count--;
	q->meter_bytes -= m->bytes;
	free(m);
}

void quotas_free(struct quotas *q)
{
	struct meter *m;

	if (q == NULL)
		return;
	while ((m = TAILQ_FIRST(&q->by_use)) != NULL)
		drop_meter(q, m);
	quota_limits_free(q->limits);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void quotas_set(struct quotas *q, struct quota_limits *limits)
{
	struct quota_limits *old;
	uint32_t kinds = 0;

	for (int i = 0; i < QUOTA_KINDS; i++) {
		if (quota_limits_has(limits, (enum quota_kind)i))
			kinds |= 1U << i;
	}
	pthread_mutex_lock(&q->lock);
	old = q->limits;
	q->limits = limits;
	atomic_store_explicit(&q->kinds, kinds, memory_order_relaxed);
	pthread_mutex_unlock(&q->lock);
	quota_limits_free(old);
}

bool quotas_has_any(const struct quotas *q)
{
	return q != NULL &&
	       atomic_load_explicit(&q->kinds, memory_order_relaxed) != 0;
}

bool quotas_has(const struct quotas *q, enum quota_kind kind)
{
	return q != NULL &&
	       (atomic_load_explicit(&q->kinds, memory_order_relaxed) &
		1U << kind) != 0;
}

size_t quotas_meter_count(struct quotas *q)
{
	size_t count;

	pthread_mutex_lock(&q->lock);
	count = q->meter_count;
	pthread_mutex_unlock(&q->lock);
	return count;
}

/* Meters */

static uint64_t hash_of(enum quota_kind kind, const struct quota_share *share)
{
	uint64_t hash = (uint64_t)kind + 1;

	if (!slice_is_null(share->user))
		hash = hash * 31 +
		       hash_bytes(share->user.data, share->user.len);
	if (!slice_is_null(share->client_id))
		hash = hash * 37 +
		       hash_bytes(share->client_id.data, share->client_id.len);
	return hash;
}

static bool is_of(const struct meter *m, enum quota_kind kind, uint64_t hash,
		  const struct quota_share *share)
{
	const struct slice user = {
		m->has_user ? m->names : NULL,
		m->user_len,
	};
	const struct slice client_id = {
		m->has_client_id ? m->names + m->user_len : NULL,
		m->client_id_len,
	};

	return m->hash == hash && m->kind == kind &&
	       slice_equal(user, share->user) &&
	       slice_equal(client_id, share->client_id);
}

static struct meter *new_meter(struct quotas *q, enum quota_kind kind,
			       uint64_t hash, const struct quota_share *share)
{
	size_t size = sizeof(struct meter) + rate_size(&q->params.windows);
	size_t bytes = size + share->user.len + share->client_id.len;
	struct meter *m = calloc(1, bytes);

	if (m == NULL)
		return NULL;
	m->bytes = bytes;
	m->hash = hash;
	m->kind = kind;
	m->names = (uint8_t *)m + size;
	m->has_user = !slice_is_null(share->user);
	m->has_client_id = !slice_is_null(share->client_id);
	m->user_len = (uint32_t)share->user.len;
	m->client_id_len = (uint32_t)share->client_id.len;
	if (m->user_len > 0)
		memcpy(m->names, share->user.data, m->user_len);
	if (m->client_id_len > 0)
		memcpy(m->names + m->user_len, share->client_id.data,
		       m->client_id_len);
	m->filled_ms = INT64_MIN; /* full */
	return m;
}

/* What a client calls itself may be long: its bytes count. */
static void make_room(struct quotas *q, size_t bytes)
{
	while (q->meter_count > 0 && (q->meter_count >= QUOTA_METERS_MAX ||
				      q->meter_bytes + bytes > METER_BYTES_MAX))
		drop_meter(q, TAILQ_FIRST(&q->by_use));
}

/* The meter of a share, made when there is none; NULL when out of memory. */
static struct meter *meter_of(struct quotas *q, enum quota_kind kind,
			      const struct quota_share *share)
{
	uint64_t hash = hash_of(kind, share);
	struct meter *m;

	LIST_FOREACH (m, &q->buckets[hash % BUCKETS], in_bucket) {
		if (is_of(m, kind, hash, share))
			break;
	}
	if (m != NULL) {
		TAILQ_REMOVE(&q->by_use, m, by_use);
	} else {
		m = new_meter(q, kind, hash, share);
		if (m == NULL)
			return NULL;
		make_room(q, m->bytes);
		LIST_INSERT_HEAD(&q->buckets[hash % BUCKETS], m, in_bucket);
		q->meter_count++;
		q->meter_bytes += m->bytes;
	}
	TAILQ_INSERT_TAIL(&q->by_use, m, by_use);
	return m;
}

/* The meter and quota of a client, with the lock held; NULL: it has none. */
static struct meter *find(struct quotas *q, enum quota_kind kind,
			  const struct quota_client *client, double *limit_out)
{
	struct quota_share share;

	if (q->limits == NULL ||
	    !quota_limits_find(q->limits, kind, client, &share))
		return NULL;
	*limit_out = share.limit;
	return meter_of(q, kind, &share);
}

/* Counting */

int32_t quotas_record(struct quotas *q, enum quota_kind kind,
		      const struct quota_client *client, double value,
		      int64_t now_ms)
{
	const struct rate_windows *w = &q->params.windows;
	int64_t wait_ms = 0;
	struct meter *m;
	double limit;

	pthread_mutex_lock(&q->lock);
	m = find(q, kind, client, &limit);
	if (m != NULL) {
		rate_record(&m->rate, w, value, now_ms);
		wait_ms = rate_excess_ms(&m->rate, w, limit, now_ms);
	}
	pthread_mutex_unlock(&q->lock);
	if (kind == QUOTA_REQUEST && wait_ms > w->ms * REQUEST_WAIT_WINDOWS)
		wait_ms = w->ms * REQUEST_WAIT_WINDOWS;
	return (int32_t)wait_ms;
}

void quotas_take_back(struct quotas *q, enum quota_kind kind,
		      const struct quota_client *client, double value,
		      int64_t now_ms)
{
	struct meter *m;
	double limit;

	pthread_mutex_lock(&q->lock);
	m = find(q, kind, client, &limit);
	if (m != NULL)
		rate_record(&m->rate, &q->params.windows, -value, now_ms);
	pthread_mutex_unlock(&q->lock);
}

double quotas_most(struct quotas *q, enum quota_kind kind,
		   const struct quota_client *client)
{
	const struct rate_windows *w = &q->params.windows;
	struct quota_share share = { .limit = 0 };
	bool found;

	pthread_mutex_lock(&q->lock);
	found = q->limits != NULL &&
		quota_limits_find(q->limits, kind, client, &share);
	pthread_mutex_unlock(&q->lock);
	if (!found)
		return (double)INT64_MAX;
	return share.limit * (w->count - 1) * (double)w->ms / 1000;
}

/* Changes of partitions: a bucket that fills at the rate of the quota. */

static void fill(struct meter *m, const struct rate_windows *w, double limit,
		 int64_t now_ms)
{
	double most = limit * w->count * (double)w->ms / 1000;

	if (m->filled_ms == INT64_MIN)
		m->tokens = most;
	else
		m->tokens += limit * (double)(now_ms - m->filled_ms) / 1000;
	if (m->tokens > most)
		m->tokens = most;
	m->filled_ms = now_ms;
}

static int32_t debt_ms(const struct meter *m, double limit)
{
	double ms = m->tokens < 0 ? -m->tokens / limit * 1000 + 0.5 : 0;

	return ms < INT32_MAX ? (int32_t)ms : INT32_MAX;
}

bool quotas_permit(struct quotas *q, const struct quota_client *client,
		   int32_t partitions, bool strict, int64_t now_ms,
		   int32_t *wait_ms_out)
{
	bool permitted = true;
	struct meter *m;
	double limit;

	*wait_ms_out = 0;
	pthread_mutex_lock(&q->lock);
	m = find(q, QUOTA_MUTATION, client, &limit);
	if (m != NULL) {
		fill(m, &q->params.mutation_windows, limit, now_ms);
		permitted = !strict || m->tokens >= 0;
		if (!strict)
			m->tokens -= partitions;
		*wait_ms_out = debt_ms(m, limit);
		if (strict && permitted)
			m->tokens -= partitions;
	}
	pthread_mutex_unlock(&q->lock);
	return permitted;
}

/* Connections */

bool quotas_admit(struct quotas *q, const char *address, int64_t now_ms)
{
	const struct rate_windows *w = &q->params.windows;
	struct quota_share share = { .client_id = slice_of(address) };
	bool admitted = true;
	struct meter *m = NULL;

	pthread_mutex_lock(&q->lock);
	if (q->limits != NULL &&
	    quota_limits_of_address(q->limits, address, &share.limit))
		m = meter_of(q, QUOTA_CONNECTION, &share);
	if (m != NULL) {
		rate_record(&m->rate, w, 1, now_ms);
		admitted =
			rate_excess_ms(&m->rate, w, share.limit, now_ms) == 0;
		if (!admitted)
			rate_record(&m->rate, w, -1, now_ms);
	}
	pthread_mutex_unlock(&q->lock);
	return admitted;
}
