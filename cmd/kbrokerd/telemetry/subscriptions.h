/*
 * subscriptions.h - which metrics clients are asked for (KIP-714)
 *
 * Read from the client-metrics resources of the metadata; never changed.
 */
#ifndef KBROKERD_TELEMETRY_SUBSCRIPTIONS_H
#define KBROKERD_TELEMETRY_SUBSCRIPTIONS_H

#include "base/arena.h"
#include "base/uuid.h"
#include "kbrokerd/metadata/client_match.h"
#include "kbrokerd/metadata/image.h"

struct subscriptions;

/* NULL: out of memory. */
struct subscriptions *subscriptions_of(const struct image *image);
void subscriptions_free(struct subscriptions *s); /* NULL is allowed */

bool subscriptions_equal(const struct subscriptions *a,
			 const struct subscriptions *b);

/* What one client is asked for. */
struct subscribed {
	int32_t id;             /* another when anything of it changes */
	int32_t interval_ms;    /* between two pushes */
	struct slice *prefixes; /* of names; "*" alone is all; sorted */
	int32_t prefix_count;
};

/*
 * Find out for a client; what is found lies in the arena or in s.  Returns 0
 * or -ENOMEM.
 */
int subscriptions_find(const struct subscriptions *s, struct uuid instance_id,
		       const struct slice values[CLIENT_SELECTOR_COUNT],
		       struct arena *arena, struct subscribed *out);

#endif /* KBROKERD_TELEMETRY_SUBSCRIPTIONS_H */
