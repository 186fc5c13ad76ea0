/*
 * regex.h - patterns of topics that members subscribe to, as RE2/J has them
 * (KIP-848), in bounded time
 *
 * They come from whoever may join a group.  A pattern is refused when it uses
 * what RE2/J does not have (look-around, back references, possessive
 * quantifiers), or is too big.  Tries are counted over all topics together: a
 * pattern that takes too many stops there.
 */
#ifndef KBROKERD_GROUP_REGEX_H
#define KBROKERD_GROUP_REGEX_H

#include "base/arena.h"

enum {
	REGEX_BYTES_MAX = 4096,
	/* Steps for each topic on average, and more for few topics.  A step
	 * takes some 40 ns. */
	REGEX_STEPS_PER_TOPIC = 300,
	REGEX_STEPS_MORE = 1000000,
	/* What takes time beside them, in steps: for each name that is tried;
	 * for each byte of a pattern when it is made. */
	REGEX_STEPS_PER_TRY = 4,
	REGEX_STEPS_TO_MAKE = 2,
};

struct regex;

/*
 * Returns 0, -EINVAL with what is wrong (a C string in the arena or static), or
 * -ENOMEM.
 */
int regex_new(struct slice pattern, struct arena *arena,
	      struct regex **regex_out, const char **error_out);
void regex_free(struct regex *regex);

/* Steps that the tries to come may take together. */
void regex_allow(struct regex *regex, int64_t steps);

int64_t regex_steps_left(const struct regex *regex);

/* Does it match the whole name?  False when steps have run out. */
bool regex_matches(struct regex *regex, struct slice name);

/* They ran out: what it was asked since is not known. */
bool regex_is_exhausted(const struct regex *regex);

#endif /* KBROKERD_GROUP_REGEX_H */
