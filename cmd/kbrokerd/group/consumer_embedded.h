/*
 * consumer_embedded.h - what classic consumers put into each other's group
 * messages: their subscriptions and assignments, by topics' names
 */
#ifndef KBROKERD_GROUP_CONSUMER_EMBEDDED_H
#define KBROKERD_GROUP_CONSUMER_EMBEDDED_H

#include "kbrokerd/group/assignment.h"
#include "kbrokerd/group/settings.h"
#include "wire/messages.h"

/*
 * Read the metadata of a protocol, or an assignment; later versions as the
 * last one that is known.  What is read lies in the arena or in bytes.
 * Returns 0, -EBADMSG or -ENOMEM.
 */
int embedded_read_subscription(struct slice bytes, struct arena *arena,
			       struct consumer_protocol_subscription *out);
int embedded_read_assignment(struct slice bytes, struct arena *arena,
			     struct consumer_protocol_assignment *out);

/* A list of either's topics as a set; topics that are gone are left out.
 * Returns 0 or -ENOMEM. */
int embedded_find_topics(struct arena *arena, const struct group_topics *topics,
			 const void *list, int32_t count,
			 struct assignment *out);

/* An assignment for a member whose metadata is that; null data is out of
 * memory. */
struct slice embedded_write_assignment(struct arena *arena,
				       const struct group_topics *topics,
				       const struct assignment *a,
				       struct slice metadata);

#endif /* KBROKERD_GROUP_CONSUMER_EMBEDDED_H */
