/*
 * topic_name.h - which names topics may have
 */
#ifndef KBROKERD_METADATA_TOPIC_NAME_H
#define KBROKERD_METADATA_TOPIC_NAME_H

#include "base/arena.h"

/* The metadata log's own topic, which nobody may create. */
#define METADATA_TOPIC "__cluster_metadata"

/* Is it one of 1 to TOPIC_NAME_MAX letters, digits, ., _ and -, and neither .
 * nor ..? */
bool topic_name_is_valid(struct slice name);

/* Why it is not, for people; in the arena. */
const char *topic_name_problem(struct slice name, struct arena *arena);

/* One of those that coordinators keep their state in. */
bool topic_name_is_internal(struct slice name);

#endif /* KBROKERD_METADATA_TOPIC_NAME_H */
