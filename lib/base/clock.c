/*
 * clock.c - the machine's clock, and one that is moved by hand
 */
#include "base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
	struct timespec now;
	int rc = clock_gettime(id, &now);

	assert(rc == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t system_wall_ms(struct clock *clock)
{
	(void)clock;
	return read_us(CLOCK_REALTIME) / 1000;
}

static int64_t system_monotonic_us(struct clock *clock)
{
	(void)clock;
	return read_us(CLOCK_MONOTONIC);
}

struct clock *clock_system(void)
{
	static struct clock system = { system_wall_ms, system_monotonic_us };

	return &system;
}

static int64_t fake_wall_ms(struct clock *clock)
{
	return ((struct fake_clock *)clock)->now_wall_ms;
}

static int64_t fake_monotonic_us(struct clock *clock)
{
	return ((struct fake_clock *)clock)->now_monotonic_us;
}

void fake_clock_init(struct fake_clock *fake, int64_t wall_ms)
{
	*fake = (struct fake_clock){
		.clock = { fake_wall_ms, fake_monotonic_us },
		.now_wall_ms = wall_ms,
	};
}

void fake_clock_advance_ms(struct fake_clock *fake, int64_t ms)
{
	assert(ms >= 0);
	fake->now_wall_ms += ms;
	fake->now_monotonic_us += ms * 1000;
}
