/*
 * clock_watch.h - did the wall clock jump?
 *
 * Ages are told by the wall clock: of segments for retention, of producers
 * that are silent.  A clock that is set years ahead by mistake would make
 * everything too old at once, and what is removed is gone.  So after a jump,
 * seen by the monotonic clock that did not take part in it, nothing is taken
 * to be too old for a while: time for the clock, or for people, to mend it.  A
 * jump that was right (a machine that was asleep) costs that while, no more.
 */
#ifndef KBROKERD_PARTITION_CLOCK_WATCH_H
#define KBROKERD_PARTITION_CLOCK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_JUMP_MS     (INT64_C(10) * 60 * 1000)
#define CLOCK_DISTRUST_US (INT64_C(60) * 60 * 1000000)

struct clock_watch {
	int64_t wall_ms, monotonic_us; /* at the last look; 0, 0: none yet */
	int64_t distrust_until_us;
};

/*
 * It is so late by both clocks.  Returns by how many ms the wall clock has
 * jumped since the last look, ahead or back, if that is CLOCK_JUMP_MS or more;
 * else 0.
 */
int64_t clock_watch_look(struct clock_watch *watch, int64_t wall_ms,
			 int64_t monotonic_us);

/* Was there no jump lately, at the last look? */
bool clock_watch_is_sound(const struct clock_watch *watch);

#endif /* KBROKERD_PARTITION_CLOCK_WATCH_H */
