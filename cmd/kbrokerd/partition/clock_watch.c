/*
 * clock_watch.c - did the wall clock jump?
 */
#include "kbrokerd/partition/clock_watch.h"

int64_t clock_watch_look(struct clock_watch *watch, int64_t wall_ms,
			 int64_t monotonic_us)
{
	bool first = watch->wall_ms == 0 && watch->monotonic_us == 0;
	int64_t jump_ms = wall_ms - watch->wall_ms -
			  (monotonic_us - watch->monotonic_us) / 1000;

	watch->wall_ms = wall_ms;
	watch->monotonic_us = monotonic_us;
	if (first || (jump_ms < CLOCK_JUMP_MS && jump_ms > -CLOCK_JUMP_MS))
		return 0;
	watch->distrust_until_us = monotonic_us + CLOCK_DISTRUST_US;
	return jump_ms;
}

bool clock_watch_is_sound(const struct clock_watch *watch)
{
	return watch->monotonic_us >= watch->distrust_until_us;
}
