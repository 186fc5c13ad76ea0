/*
 * random.c - the kernel's random bytes, and ones that a seed repeats
 */
#include "base/random.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>

static void system_fill(struct random *random, void *bytes, size_t len)
{
	uint8_t *to = bytes;

	(void)random;
	while (len > 0) {
		ssize_t got = getrandom(to, len, 0);

		/* Only a signal can stop it: the flags and the place are good.
		 */
		assert(got >= 0 || errno == EINTR);
		if (got > 0) {
			to += got;
			len -= (size_t)got;
		}
	}
}

struct random *random_system(void)
{
	static struct random system = { system_fill };

	return &system;
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void seeded_fill(struct random *random, void *bytes, size_t len)
{
	struct seeded_random *seeded = (struct seeded_random *)random;
	uint8_t *to = bytes;

	while (len > 0) {
		uint64_t word = splitmix64(&seeded->state);
		size_t n = len < sizeof(word) ? len : sizeof(word);

		memcpy(to, &word, n);
		to += n;
		len -= n;
	}
}

void seeded_random_init(struct seeded_random *seeded, uint64_t seed)
{
	*seeded = (struct seeded_random){ { seeded_fill }, seed };
}

uint64_t random_u64(struct random *random)
{
	uint64_t value;

	random->fill(random, &value, sizeof(value));
	return value;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	uint64_t tail;
	uint64_t value;

	assert(bound >= 1);
	/* Of the 2^64 values the first few are one too many: draw again. */
	tail = -bound % bound;
	do
		value = random_u64(random);
	while (value < tail);
	return value % bound;
}
