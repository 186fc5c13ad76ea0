/*
 * histogram.h - how long things took, in buckets of 1, 2, 5, 10 ...
 *
 * Counted with relaxed atomics and read while they are being counted: a sum
 * may be one ahead of its count.  A leaf: includes nothing of the broker.
 */
#ifndef KBROKERD_METRICS_HISTOGRAM_H
#define KBROKERD_METRICS_HISTOGRAM_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* 50 us to 50 s; the last bucket takes what is longer. */
enum { HISTOGRAM_BOUNDS = 19, HISTOGRAM_BUCKETS = HISTOGRAM_BOUNDS + 1 };

/* The upper bound of each bucket but the last, in microseconds, included. */
extern const int64_t histogram_bounds_us[HISTOGRAM_BOUNDS];

struct histogram {
	_Atomic int64_t buckets[HISTOGRAM_BUCKETS];
	_Atomic int64_t sum_us;
};

/* What was in one, or in several, at a moment: plain numbers. */
struct histogram_copy {
	int64_t buckets[HISTOGRAM_BUCKETS];
	int64_t sum_us;
};

/* Count one.  Only one thread may ever do it. */
void histogram_add(struct histogram *h, int64_t us);

/* Count one.  Any thread, several at once. */
void histogram_add_shared(struct histogram *h, int64_t us);

/* Add what h has to a copy that was zeroed or holds another's. */
void histogram_read(const struct histogram *h, struct histogram_copy *to);

int64_t histogram_count(const struct histogram_copy *h);

/*
 * Below which time so many percent were, in us, evenly spread within a bucket;
 * -1 when there are none.  What is beyond the last bound counts as that.
 */
int64_t histogram_percentile_us(const struct histogram_copy *h, double percent);

/* What came since before, of the same histogram. */
struct histogram_copy histogram_since(const struct histogram_copy *now,
				      const struct histogram_copy *before);

#endif /* KBROKERD_METRICS_HISTOGRAM_H */
