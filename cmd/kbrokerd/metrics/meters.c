/*
 * meters.c - what each connection moves
 *
 * Texts change under the lock (a client id may), numbers without: they have
 * one writer, the connection's io thread.
 */
#include "kbrokerd/metrics/meters.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

typedef _Atomic int64_t counter;

struct meter {
	TAILQ_ENTRY(meter) link;
	counter requests, bytes_in, bytes_out, last_ms;
	int64_t opened_ms;
	uint64_t name_hash; /* of client_id, to see that it changed */
	const char *software_seen;
	char *peer, *client_id, *software;
	const char *listener;
	/* What meters_measure() saw and made of it. */
	int64_t was_requests, was_in, was_out;
	float requests_rate, in_rate, out_rate;
};

TAILQ_HEAD(meter_list, meter);

struct meters {
	pthread_mutex_t lock;
	struct meter_list list;
	size_t count;
	int64_t measured_us;
};

static int64_t get(const counter *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void set(counter *to, int64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

/* Life */

struct meters *meters_new(int64_t now_us)
{
	struct meters *meters = calloc(1, sizeof(*meters));

	if (meters == NULL)
		return NULL;
	pthread_mutex_init(&meters->lock, NULL);
	TAILQ_INIT(&meters->list);
	meters->measured_us = now_us;
	return meters;
}

static void meter_free(struct meter *m)
{
	free(m->peer);
	free(m->client_id);
	free(m->software);
	free(m);
}

void meters_free(struct meters *meters)
{
	struct meter *m;

	if (meters == NULL)
		return;
	while ((m = TAILQ_FIRST(&meters->list)) != NULL) {
		TAILQ_REMOVE(&meters->list, m, link);
		meter_free(m);
	}
	pthread_mutex_destroy(&meters->lock);
	free(meters);
}

struct meter *meters_add(struct meters *meters, const char *peer,
			 const char *listener, int64_t now_ms)
{
	struct meter *m = calloc(1, sizeof(*m));
	bool has_room;

	if (m == NULL)
		return NULL;
	m->opened_ms = now_ms;
	m->listener = listener;
	m->peer = strdup(peer);
	pthread_mutex_lock(&meters->lock);
	has_room = m->peer != NULL && meters->count < METERS_MAX;
	if (has_room) {
		TAILQ_INSERT_TAIL(&meters->list, m, link);
		meters->count++;
	}
	pthread_mutex_unlock(&meters->lock);
	if (has_room)
		return m;
	meter_free(m);
	return NULL;
}

void meters_remove(struct meters *meters, struct meter *m)
{
	pthread_mutex_lock(&meters->lock);
	TAILQ_REMOVE(&meters->list, m, link);
	meters->count--;
	pthread_mutex_unlock(&meters->lock);
	meter_free(m);
}

/* Counting */

/* Quick, and good enough to see that a name is another one. */
static uint64_t hash_of(struct slice name)
{
	uint64_t hash = 14695981039346656037U + name.len;

	for (size_t i = 0; i < name.len; i++)
		hash = (hash ^ name.data[i]) * 1099511628211U;
	return hash;
}

static void set_text(struct meters *meters, char **to, const char *text,
		     size_t len)
{
	char *copy = strndup(
		text, len < METER_TEXT_MAX - 1 ? len : METER_TEXT_MAX - 1);

	pthread_mutex_lock(&meters->lock);
	free(*to);
	*to = copy;
	pthread_mutex_unlock(&meters->lock);
}

void meter_request(struct meters *meters, struct meter *m, size_t bytes,
		   int64_t now_ms, struct slice client_id, const char *software)
{
	uint64_t hash = hash_of(client_id);

	set(&m->requests, get(&m->requests) + 1);
	set(&m->bytes_in, get(&m->bytes_in) + (int64_t)bytes);
	set(&m->last_ms, now_ms);
	if (hash != m->name_hash) {
		m->name_hash = hash;
		set_text(meters, &m->client_id,
			 client_id.len == 0 ? "" : (const char *)client_id.data,
			 client_id.len);
	}
	if (software != m->software_seen) {
		m->software_seen = software;
		software = software == NULL ? "" : software;
		set_text(meters, &m->software, software, strlen(software));
	}
}

void meter_answer(struct meter *m, size_t bytes)
{
	set(&m->bytes_out, get(&m->bytes_out) + (int64_t)bytes);
}

/* Listing */

static float rate(float was, int64_t delta, double seconds)
{
	double now = (double)delta / seconds;
	/* The mean of some seconds; nothing comes to nothing. */
	double mean = seconds > 5 ? now : was + (now - was) * seconds / 5;

	return mean < 0.5 && delta == 0 ? 0 : (float)mean;
}

static void measure(struct meter *m, double seconds)
{
	int64_t requests = get(&m->requests);
	int64_t in = get(&m->bytes_in);
	int64_t out = get(&m->bytes_out);

	m->requests_rate =
		rate(m->requests_rate, requests - m->was_requests, seconds);
	m->in_rate = rate(m->in_rate, in - m->was_in, seconds);
	m->out_rate = rate(m->out_rate, out - m->was_out, seconds);
	m->was_requests = requests;
	m->was_in = in;
	m->was_out = out;
}

void meters_measure(struct meters *meters, int64_t now_us)
{
	double seconds = (double)(now_us - meters->measured_us) / 1e6;
	struct meter *m;

	if (seconds < 0.5)
		return;
	meters->measured_us = now_us;
	pthread_mutex_lock(&meters->lock);
	TAILQ_FOREACH (m, &meters->list, link)
		measure(m, seconds);
	pthread_mutex_unlock(&meters->lock);
}

static bool has(const char *text, const char *filter)
{
	return text != NULL && strcasestr(text, filter) != NULL;
}

static bool matches(const struct meter *m, const char *filter)
{
	return filter[0] == '\0' || has(m->peer, filter) ||
	       has(m->client_id, filter) || has(m->software, filter);
}

static void copy(char to[METER_TEXT_MAX], const char *text)
{
	snprintf(to, METER_TEXT_MAX, "%s", text == NULL ? "" : text);
}

static void fill(struct meter_row *row, const struct meter *m)
{
	copy(row->peer, m->peer);
	copy(row->client_id, m->client_id);
	copy(row->software, m->software);
	copy(row->listener, m->listener);
	row->opened_ms = m->opened_ms;
	row->last_ms = get(&m->last_ms);
	row->requests = get(&m->requests);
	row->bytes_in = get(&m->bytes_in);
	row->bytes_out = get(&m->bytes_out);
	row->requests_rate = (double)m->requests_rate;
	row->in_rate = (double)m->in_rate;
	row->out_rate = (double)m->out_rate;
}

/* The busier first; of idle ones who spoke last. */
static int by_traffic(const void *a, const void *b)
{
	const struct meter *const *x = a;
	const struct meter *const *y = b;
	float busy_x = (*x)->in_rate + (*x)->out_rate;
	float busy_y = (*y)->in_rate + (*y)->out_rate;
	int64_t last_x = get(&(*x)->last_ms);
	int64_t last_y = get(&(*y)->last_ms);

	if (busy_x < busy_y || busy_x > busy_y)
		return busy_x > busy_y ? -1 : 1;
	return (last_x < last_y) - (last_x > last_y);
}

size_t meters_list(struct meters *meters, const char *filter,
		   struct meter_row *rows, size_t max, size_t *count_out,
		   size_t *matched_out)
{
	const struct meter **all;
	struct meter *m;
	size_t n = 0;

	pthread_mutex_lock(&meters->lock);
	*count_out = meters->count;
	all = calloc(meters->count + 1, sizeof(struct meter *));
	TAILQ_FOREACH (m, &meters->list, link) {
		if (all != NULL && matches(m, filter))
			all[n++] = m;
	}
	if (n > 1)
		qsort(all, n, sizeof(struct meter *), by_traffic);
	for (size_t i = 0; i < n && i < max; i++)
		fill(&rows[i], all[i]);
	pthread_mutex_unlock(&meters->lock);
	free(all);
	*matched_out = n;
	return n < max ? n : max;
}
