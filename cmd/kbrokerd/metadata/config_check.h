/*
 * config_check.h - may a configuration be set so?
 */
#ifndef KBROKERD_METADATA_CONFIG_CHECK_H
#define KBROKERD_METADATA_CONFIG_CHECK_H

#include "base/arena.h"
#include "kbrokerd/metadata/image.h"
#include "wire/config_defs.h"

/*
 * Is value one that the scope's key takes?  NULL, or a text that says what is
 * wrong, in the arena.
 */
const char *config_check_entry(enum config_scope scope, const char *name,
			       const char *value, struct arena *arena);

/*
 * The same for a topic's whole set: each entry, and those that depend on each
 * other.
 */
const char *config_check_topic(const struct config_set *set,
			       struct arena *arena);

#endif /* KBROKERD_METADATA_CONFIG_CHECK_H */
