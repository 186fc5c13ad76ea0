/*
 * known.h - the partitions that were there when a member began
 *
 * Where a group has stored nothing, auto.offset.reset says where its members
 * start.  That is for what was there: a partition that comes later, since its
 * topic grows or a new one matches a pattern, is read from its beginning.
 * Otherwise what is written before the member hears of it would be lost.
 */
#ifndef KCONSUME_KNOWN_H
#define KCONSUME_KNOWN_H

#include "kconsume/program.h"

struct known_topic;

/* All zeroes is not loaded: then all counts as having been there. */
struct known {
	struct known_topic *topics; /* by name */
	size_t count;
	bool is_loaded;
};

/*
 * Ask for the topics that p's options name, or where they have patterns, for
 * all, running the loop meanwhile.  EXIT_GO_ON, also after a signal; or a
 * status, said.
 */
int known_load(struct known *known, struct program *p);
void known_clear(struct known *known);

/* Was it there?  A topic of another id, where it has one, is another topic. */
bool known_has(const struct known *known, const struct group_partition *at);

#endif /* KCONSUME_KNOWN_H */
