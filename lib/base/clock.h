/*
 * clock.h - what time it is, as a seam
 *
 * Nothing that decides reads the system's clock: it is given now, or a clock.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

struct clock {
	/* Milliseconds since 1970, may jump. */
	int64_t (*wall_ms)(struct clock *clock);
	/* Microseconds since some start, never goes back. */
	int64_t (*monotonic_us)(struct clock *clock);
};

/* The machine's own; shared, needs no release. */
struct clock *clock_system(void);

/* A clock that stands still until it is moved, for tests. */
struct fake_clock {
	struct clock clock; /* pass &fake.clock */
	int64_t now_wall_ms;
	int64_t now_monotonic_us;
};

void fake_clock_init(struct fake_clock *fake, int64_t wall_ms);
void fake_clock_advance_ms(struct fake_clock *fake, int64_t ms);

#endif /* BASE_CLOCK_H */
