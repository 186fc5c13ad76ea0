/*
 * history.c - what the node did in each of the last seconds
 */
#include "kbrokerd/metrics/history.h"

#include <assert.h>
#include <string.h>

const char *const history_names[HISTORY_SERIES] = {
	[HISTORY_BYTES_IN] = "bytes_in",
	[HISTORY_BYTES_OUT] = "bytes_out",
	[HISTORY_RECORDS_IN] = "records_in",
	[HISTORY_RECORDS_OUT] = "records_out",
	[HISTORY_REQUESTS] = "requests",
	[HISTORY_ERRORS] = "errors",
	[HISTORY_CONNECTIONS] = "connections",
	[HISTORY_PRODUCE_P99_US] = "produce_p99_us",
	[HISTORY_CPU_PERCENT] = "cpu_percent",
};

void history_add(struct history *h, const float sample[HISTORY_SERIES])
{
	memcpy(h->samples[h->count % HISTORY_SECONDS], sample,
	       sizeof(h->samples[0]));
	h->count++;
}

int64_t history_first(const struct history *h, int64_t from)
{
	int64_t oldest = h->count - HISTORY_SECONDS;

	if (oldest < 0)
		oldest = 0;
	return from < oldest ? oldest : from;
}

const float *history_at(const struct history *h, int64_t number)
{
	assert(number >= 0);
	assert(number < h->count);
	return h->samples[number % HISTORY_SECONDS];
}
