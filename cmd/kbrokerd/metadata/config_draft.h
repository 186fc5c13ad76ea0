/*
 * config_draft.h - a resource's configuration while it is being changed
 */
#ifndef KBROKERD_METADATA_CONFIG_DRAFT_H
#define KBROKERD_METADATA_CONFIG_DRAFT_H

#include "base/arena.h"
#include "kbrokerd/metadata/image.h"

/* Settings that a resource may have. */
enum { CONFIG_SETTINGS_MAX = 1000 };

/* Sorted by name; has room for what it was made for. */
struct config_draft {
	struct config_entry *entries;
	size_t count;
};

/* Start out as from (NULL: empty), with room for as many more.  Returns 0 or
 * -ENOMEM; texts and entries are from's and the arena's. */
int config_draft_init(struct config_draft *draft, const struct config_set *from,
		      size_t more, struct arena *arena);

/* The value, or NULL. */
const char *config_draft_get(const struct config_draft *draft,
			     const char *name);

/* Set, or with value NULL remove. */
void config_draft_put(struct config_draft *draft, const char *name,
		      const char *value);

/* To be read as a set, as long as the draft does not change. */
struct config_set config_draft_view(const struct config_draft *draft);

/* The words of a list with those of other appended, or taken off; blanks
 * around words go.  In the arena; NULL when out of memory. */
const char *config_list_append(const char *list, const char *other,
			       struct arena *arena);
const char *config_list_subtract(const char *list, const char *other,
				 struct arena *arena);

#endif /* KBROKERD_METADATA_CONFIG_DRAFT_H */
