/*
 * figures.c - how far behind a group is, as arithmetic
 */
#include "kgroups/figures.h"

int64_t figures_next(int64_t committed, int64_t start)
{
	if (start < 0)
		return -1;
	return committed > start ? committed : start;
}

int64_t figures_lag(int64_t committed, int64_t start, int64_t end)
{
	int64_t next = figures_next(committed, start);

	if (next < 0 || end < 0)
		return -1;
	return end > next ? end - next : 0;
}

int64_t figures_lost(int64_t committed, int64_t start)
{
	return committed >= 0 && committed < start ? start - committed : 0;
}

int64_t figures_time_lag(int64_t lag, int64_t record_ms, int64_t now_ms)
{
	if (lag == 0)
		return 0;
	if (lag < 0 || record_ms < 0)
		return -1;
	/* A producer's clock may be ahead of ours. */
	return now_ms > record_ms ? now_ms - record_ms : 0;
}

double figures_rate(int64_t before, int64_t after, int64_t elapsed_us)
{
	if (before < 0 || after < 0 || elapsed_us <= 0)
		return -1;
	if (after < before)
		return 0;
	return (double)(after - before) * 1e6 / (double)elapsed_us;
}

int64_t figures_eta_ms(int64_t lag, double read_rate, double write_rate)
{
	double gain = read_rate - (write_rate > 0 ? write_rate : 0);
	double ms;

	if (lag == 0)
		return 0;
	if (lag < 0 || read_rate <= 0 || gain <= 0)
		return -1;
	ms = (double)lag * 1000 / gain;
	/* Longer than a century is never. */
	return ms < 100.0 * 365 * 86400 * 1000 ? (int64_t)ms : -1;
}
