/*
 * migrate.h - a group that goes over from one protocol to the other while its
 * members run (KIP-848)
 *
 * The first member that speaks the new protocol makes a consumer group out of
 * a classic one; those that are there stay, and are served by
 * consumer_classic.c.  When the last that speaks it has gone the group is a
 * classic one again.  group.consumer.migration.policy says which is allowed.
 */
#ifndef KBROKERD_GROUP_MIGRATE_H
#define KBROKERD_GROUP_MIGRATE_H

#include "kbrokerd/group/consumer_state.h"

/*
 * Make a consumer group out of a classic one that has members; who waits for
 * an answer is told to join again.  Returns 0, or an error code with the group
 * as it was and why in *text_out (in the arena).
 */
int16_t migrate_to_consumer(struct group *group, struct arena *arena,
			    const char **text_out);

/* Are all members that stay classic ones, and may the group become one? */
bool migrate_is_due(const struct consumer_group *c);

/* If it is due, have it done soon, until it works: for who could not do it at
 * once, and for what is loaded.  Members then join anew. */
void migrate_later(struct consumer_group *c);

/* If it is due, do it, else later, until it works.  Afterwards c is no more,
 * but where that failed. */
void migrate_back(struct consumer_group *c, bool rebalance);

/*
 * Make a classic group out of c, without the members that leave; they join
 * anew at once if rebalance.  Returns 0, with c gone, or an error code with all
 * as it was.
 */
int16_t migrate_to_classic(struct consumer_group *c, bool rebalance);

#endif /* KBROKERD_GROUP_MIGRATE_H */
