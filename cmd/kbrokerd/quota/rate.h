/*
 * rate.h - how much there was a second, in the last windows
 *
 * Kafka's rate: a ring of samples, each of one window of time.  The rate is
 * what all of them hold over the time since the oldest began, which counts as
 * all windows but one even when it is less; so a client may spend the quota of
 * all windows at once.
 */
#ifndef KBROKERD_QUOTA_RATE_H
#define KBROKERD_QUOTA_RATE_H

#include <stddef.h>
#include <stdint.h>

/* How long it looks back. */
struct rate_windows {
	int32_t count; /* quota.window.num, at least 1 */
	int64_t ms;    /* of one; quota.window.size.seconds */
};

struct rate_sample {
	int64_t start_ms;
	int64_t last_ms; /* of the last event in it */
	double sum;
};

struct rate {
	int32_t used;    /* samples that were begun */
	int32_t current; /* of them */
	struct rate_sample samples[];
};

/* Bytes of a rate; all zeroes is an empty one. */
size_t rate_size(const struct rate_windows *w);

void rate_record(struct rate *r, const struct rate_windows *w, double value,
		 int64_t now_ms);

/*
 * Milliseconds to wait until the rate is below limit (a second) again; 0 when
 * it is not beyond it.
 */
int64_t rate_excess_ms(struct rate *r, const struct rate_windows *w,
		       double limit, int64_t now_ms);

#endif /* KBROKERD_QUOTA_RATE_H */
