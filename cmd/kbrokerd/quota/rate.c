/*
 * rate.c - how much there was a second, in the last windows
 *
 * The ring has one sample more than there are windows: the oldest may overlap
 * the time that is looked at.
 */
#include "kbrokerd/quota/rate.h"

enum { WAIT_MAX_MS = INT32_MAX };

size_t rate_size(const struct rate_windows *w)
{
	return sizeof(struct rate) +
	       ((size_t)w->count + 1) * sizeof(struct rate_sample);
}

static void begin(struct rate_sample *s, int64_t now_ms)
{
	*s = (struct rate_sample){ .start_ms = now_ms, .last_ms = now_ms };
}

static struct rate_sample *current(struct rate *r, int64_t now_ms)
{
	if (r->used == 0)
		begin(&r->samples[r->used++], now_ms);
	return &r->samples[r->current];
}

static struct rate_sample *advance(struct rate *r, const struct rate_windows *w,
				   int64_t now_ms)
{
	r->current = (r->current + 1) % (w->count + 1);
	if (r->current >= r->used)
		r->used = r->current + 1;
	begin(&r->samples[r->current], now_ms);
	return &r->samples[r->current];
}

void rate_record(struct rate *r, const struct rate_windows *w, double value,
		 int64_t now_ms)
{
	struct rate_sample *s = current(r, now_ms);

	if (now_ms - s->start_ms >= w->ms)
		s = advance(r, w, now_ms);
	s->sum += value;
	s->last_ms = now_ms;
}

static void forget_old(struct rate *r, const struct rate_windows *w,
		       int64_t now_ms)
{
	for (int32_t i = 0; i < r->used; i++) {
		if (now_ms - r->samples[i].last_ms >= w->count * w->ms)
			begin(&r->samples[i], now_ms);
	}
}

/* The time that the samples cover. */
static int64_t covered_ms(const struct rate *r, const struct rate_windows *w,
			  int64_t now_ms)
{
	int64_t oldest_ms = now_ms;
	int64_t ms;
	int64_t full;

	for (int32_t i = 0; i < r->used; i++) {
		if (r->samples[i].start_ms < oldest_ms)
			oldest_ms = r->samples[i].start_ms;
	}
	ms = now_ms - oldest_ms;
	full = ms / w->ms;
	if (full < w->count - 1)
		ms += (w->count - 1 - full) * w->ms;
	return ms > 0 ? ms : 1;
}

int64_t rate_excess_ms(struct rate *r, const struct rate_windows *w,
		       double limit, int64_t now_ms)
{
	double sum = 0;
	double rate;
	double wait_ms;
	int64_t ms;

	forget_old(r, w, now_ms);
	ms = covered_ms(r, w, now_ms);
	for (int32_t i = 0; i < r->used; i++)
		sum += r->samples[i].sum;
	rate = sum / ((double)ms / 1000);
	if (rate <= limit)
		return 0;
	wait_ms = (rate - limit) / limit * (double)ms + 0.5;
	return wait_ms < WAIT_MAX_MS ? (int64_t)wait_ms : WAIT_MAX_MS;
}
