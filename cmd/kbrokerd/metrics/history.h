/*
 * history.h - what the node did in each of the last seconds, for charts
 *
 * A ring of fixed size.  One thread.
 */
#ifndef KBROKERD_METRICS_HISTORY_H
#define KBROKERD_METRICS_HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum { HISTORY_SECONDS = 600 };

enum history_series {
	HISTORY_BYTES_IN,
	HISTORY_BYTES_OUT,
	HISTORY_RECORDS_IN,
	HISTORY_RECORDS_OUT,
	HISTORY_REQUESTS,
	HISTORY_ERRORS,
	HISTORY_CONNECTIONS, /* as many as there were */
	HISTORY_PRODUCE_P99_US,
	HISTORY_CPU_PERCENT,
	HISTORY_SERIES
};

/* As in the JSON of the status page: "bytes_in". */
extern const char *const history_names[HISTORY_SERIES];

struct history {
	int64_t count; /* samples ever; the last has the number count - 1 */
	float samples[HISTORY_SECONDS][HISTORY_SERIES]; /* per second */
};

void history_add(struct history *h, const float sample[HISTORY_SERIES]);

/* The number of the oldest sample still there that is not below from. */
int64_t history_first(const struct history *h, int64_t from);

/* A sample from history_first() on, below count. */
const float *history_at(const struct history *h, int64_t number);

#endif /* KBROKERD_METRICS_HISTORY_H */
