/*
 * random.h - random bytes, as a seam
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
	void (*fill)(struct random *random, void *bytes, size_t len);
};

/* The kernel's, by getrandom(2); shared, needs no release. */
struct random *random_system(void);

/* The same numbers for the same seed (splitmix64), for tests. */
struct seeded_random {
	struct random random; /* pass &seeded.random */
	uint64_t state;
};

void seeded_random_init(struct seeded_random *seeded, uint64_t seed);

uint64_t random_u64(struct random *random);

/* From 0 to below bound, which is at least 1, without bias. */
uint64_t random_below(struct random *random, uint64_t bound);

#endif /* BASE_RANDOM_H */
