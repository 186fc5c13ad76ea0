/*
 * histogram.c - how long things took, in buckets of 1, 2, 5, 10 ...
 *
 * Most of what is counted takes well under a millisecond, so that looking for
 * the bucket from the front is quicker than anything cleverer.
 */
#include "kbrokerd/metrics/histogram.h"

const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS] = {
	50,      100,     200,      500,      1000,     2000,   5000,
	10000,   20000,   50000,    100000,   200000,   500000, 1000000,
	2000000, 5000000, 10000000, 20000000, 50000000,
};

static size_t bucket_of(int64_t us)
{
	size_t i = 0;

	while (i < HISTOGRAM_BOUNDS && us > histogram_bounds_us[i])
		i++;
	return i;
}

/* Without a locked instruction: nobody else writes here. */
static void add_alone(_Atomic int64_t *to, int64_t value)
{
	int64_t was = atomic_load_explicit(to, memory_order_relaxed);

	atomic_store_explicit(to, was + value, memory_order_relaxed);
}

void histogram_add(struct histogram *h, int64_t us)
{
	add_alone(&h->buckets[bucket_of(us)], 1);
	add_alone(&h->sum_us, us);
}

void histogram_add_shared(struct histogram *h, int64_t us)
{
	atomic_fetch_add_explicit(&h->buckets[bucket_of(us)], 1,
				  memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, us, memory_order_relaxed);
}

void histogram_read(const struct histogram *h, struct histogram_copy *to)
{
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		to->buckets[i] += atomic_load_explicit(&h->buckets[i],
						       memory_order_relaxed);
	to->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

int64_t histogram_count(const struct histogram_copy *h)
{
	int64_t count = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		count += h->buckets[i];
	return count;
}

int64_t histogram_percentile_us(const struct histogram_copy *h, double percent)
{
	double wanted = (double)histogram_count(h) * percent / 100;
	int64_t from = 0;

	if (wanted <= 0)
		return -1;
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		int64_t to = histogram_bounds_us[i];
		double here = (double)h->buckets[i];

		if (here > 0 && wanted <= here)
			return from +
			       (int64_t)((double)(to - from) * wanted / here);
		wanted -= here;
		from = to;
	}
	return from;
}

struct histogram_copy histogram_since(const struct histogram_copy *now,
				      const struct histogram_copy *before)
{
	struct histogram_copy d;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		d.buckets[i] = now->buckets[i] - before->buckets[i];
	d.sum_us = now->sum_us - before->sum_us;
	return d;
}
