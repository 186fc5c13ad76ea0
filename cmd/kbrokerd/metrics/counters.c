/*
 * counters.c - what each io thread counts, and the sums of it
 *
 * Each counter has one writer; relaxed loads and stores make reading it from
 * elsewhere right.  A new kind of error or reason is published by its key,
 * which is written once.
 */
#include "kbrokerd/metrics/counters.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

typedef _Atomic int64_t counter;

struct api_counters {
	counter requests, answers;
	counter bytes_in, bytes_out;
	counter throttle_ms;
	struct histogram took;
};

/* key 0: free; else api, code and a bit. */
struct error_counter {
	_Atomic uint64_t key;
	counter count;
};

struct reason_counter {
	_Atomic(const char *) why; /* NULL: free */
	counter count;
};

struct thread_counters {
	counter errors, refused;
	counter other_errors; /* of kinds that found no room */
	counter opened[LISTENERS_MAX], closed[LISTENERS_MAX];
	struct reason_counter reasons[COUNTERS_REASONS];
	struct error_counter errors_by[COUNTERS_ERRORS];
	struct api_counters apis[COUNTERS_APIS];
} __attribute__((aligned(64)));

struct counters {
	int32_t thread_count;
	struct thread_counters *threads;
};

static void add(counter *to, int64_t value)
{
	int64_t was = atomic_load_explicit(to, memory_order_relaxed);

	atomic_store_explicit(to, was + value, memory_order_relaxed);
}

static int64_t get(const counter *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

/* Life */

struct counters *counters_new(int32_t thread_count)
{
	struct counters *counters = calloc(1, sizeof(*counters));
	size_t size = (size_t)thread_count * sizeof(struct thread_counters);

	if (counters == NULL)
		return NULL;
	counters->thread_count = thread_count;
	counters->threads =
		aligned_alloc(_Alignof(struct thread_counters), size);
	if (counters->threads == NULL) {
		free(counters);
		return NULL;
	}
	memset(counters->threads, 0, size);
	return counters;
}

void counters_free(struct counters *counters)
{
	if (counters == NULL)
		return;
	free(counters->threads);
	free(counters);
}

struct thread_counters *counters_of_thread(struct counters *counters,
					   int32_t number)
{
	assert(number >= 0);
	assert(number < counters->thread_count);
	return &counters->threads[number];
}

/* Counting */

static bool is_api(int16_t api)
{
	return api >= 0 && api < COUNTERS_APIS;
}

void counters_request(struct thread_counters *t, int16_t api, size_t bytes)
{
	if (!is_api(api))
		return;
	add(&t->apis[api].requests, 1);
	add(&t->apis[api].bytes_in, (int64_t)bytes);
}

void counters_answer(struct thread_counters *t, int16_t api, size_t bytes,
		     int64_t took_us, int32_t throttle_ms)
{
	struct api_counters *a;

	if (!is_api(api))
		return;
	a = &t->apis[api];
	add(&a->answers, 1);
	add(&a->bytes_out, (int64_t)bytes);
	if (throttle_ms > 0)
		add(&a->throttle_ms, throttle_ms);
	histogram_add(&a->took, took_us);
}

static uint64_t error_key(int16_t api, int16_t code)
{
	return UINT64_C(1) << 32 | (uint64_t)(uint16_t)api << 16 |
	       (uint16_t)code;
}

/* The counter of a key, or NULL when there is no room for one more. */
static struct error_counter *find_error(struct thread_counters *t, uint64_t key)
{
	size_t at = (key * UINT64_C(0x9e3779b97f4a7c15)) >> 56;

	_Static_assert(COUNTERS_ERRORS == 256, "eight bits of the hash");
	for (size_t i = 0; i < COUNTERS_ERRORS / 2; i++) {
		struct error_counter *e =
			&t->errors_by[(at + i) % COUNTERS_ERRORS];
		uint64_t is =
			atomic_load_explicit(&e->key, memory_order_relaxed);

		if (is == 0)
			atomic_store_explicit(&e->key, key,
					      memory_order_relaxed);
		if (is == 0 || is == key)
			return e;
	}
	return NULL;
}

void counters_error(struct thread_counters *t, int16_t api, int16_t code)
{
	struct error_counter *e = find_error(t, error_key(api, code));

	add(&t->errors, 1);
	add(e == NULL ? &t->other_errors : &e->count, 1);
}

void counters_connection(struct thread_counters *t, size_t listener, bool open)
{
	assert(listener < LISTENERS_MAX);
	add(open ? &t->opened[listener] : &t->closed[listener], 1);
}

void counters_refused(struct thread_counters *t, const char *why)
{
	size_t i = 0;

	add(&t->refused, 1);
	for (; i < COUNTERS_REASONS - 1; i++) {
		const char *is = atomic_load_explicit(&t->reasons[i].why,
						      memory_order_relaxed);

		if (is == NULL)
			atomic_store_explicit(&t->reasons[i].why, why,
					      memory_order_release);
		if (is == NULL || is == why)
			break;
	}
	if (i == COUNTERS_REASONS - 1)
		atomic_store_explicit(&t->reasons[i].why, "other",
				      memory_order_release);
	add(&t->reasons[i].count, 1);
}

/* Reading */

static void add_api(const struct api_counters *a, struct api_totals *out)
{
	out->requests += get(&a->requests);
	out->answers += get(&a->answers);
	out->bytes_in += get(&a->bytes_in);
	out->bytes_out += get(&a->bytes_out);
	out->throttle_ms += get(&a->throttle_ms);
	histogram_read(&a->took, &out->took);
}

void counters_api(const struct counters *counters, int16_t api,
		  struct api_totals *out)
{
	*out = (struct api_totals){ 0 };
	for (int32_t i = 0; is_api(api) && i < counters->thread_count; i++)
		add_api(&counters->threads[i].apis[api], out);
}

static void add_all(const struct thread_counters *t, struct all_totals *out)
{
	out->errors += get(&t->errors);
	out->refused += get(&t->refused);
	for (size_t i = 0; i < LISTENERS_MAX; i++) {
		out->opened[i] += get(&t->opened[i]);
		out->closed[i] += get(&t->closed[i]);
	}
	for (size_t i = 0; i < COUNTERS_APIS; i++) {
		const struct api_counters *a = &t->apis[i];

		out->requests += get(&a->requests);
		out->answers += get(&a->answers);
		out->bytes_in += get(&a->bytes_in);
		out->bytes_out += get(&a->bytes_out);
	}
}

void counters_all(const struct counters *counters, struct all_totals *out)
{
	*out = (struct all_totals){ 0 };
	for (int32_t i = 0; i < counters->thread_count; i++)
		add_all(&counters->threads[i], out);
}

static void each_error_of(const struct thread_counters *t,
			  void (*on_error)(void *arg, int16_t api, int16_t code,
					   int64_t count),
			  void *arg)
{
	for (size_t i = 0; i < COUNTERS_ERRORS; i++) {
		const struct error_counter *e = &t->errors_by[i];
		uint64_t key =
			atomic_load_explicit(&e->key, memory_order_relaxed);

		if (key != 0)
			on_error(arg, (int16_t)(uint16_t)(key >> 16),
				 (int16_t)(uint16_t)key, get(&e->count));
	}
	if (get(&t->other_errors) > 0)
		on_error(arg, -1, -1, get(&t->other_errors));
}

void counters_each_error(const struct counters *counters,
			 void (*on_error)(void *arg, int16_t api, int16_t code,
					  int64_t count),
			 void *arg)
{
	for (int32_t i = 0; i < counters->thread_count; i++)
		each_error_of(&counters->threads[i], on_error, arg);
}

void counters_each_refused(const struct counters *counters,
			   void (*on_reason)(void *arg, const char *why,
					     int64_t count),
			   void *arg)
{
	for (int32_t i = 0; i < counters->thread_count; i++) {
		const struct thread_counters *t = &counters->threads[i];

		for (size_t r = 0; r < COUNTERS_REASONS; r++) {
			const char *why = atomic_load_explicit(
				&t->reasons[r].why, memory_order_acquire);

			if (why != NULL)
				on_reason(arg, why, get(&t->reasons[r].count));
		}
	}
}
