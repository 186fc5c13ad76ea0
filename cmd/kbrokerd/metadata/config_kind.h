/*
 * config_kind.h - the kinds of resources that have a configuration
 */
#ifndef KBROKERD_METADATA_CONFIG_KIND_H
#define KBROKERD_METADATA_CONFIG_KIND_H

#include "kbrokerd/metadata/controller.h"
#include "wire/config_defs.h"

/* What a request does to one key. */
struct config_op {
	struct slice name;
	struct slice value;
	int8_t op;
};

/* ... and to one resource. */
struct config_edit {
	int8_t type;
	struct slice resource;
	struct config_op *ops; /* NULL: out of memory */
	size_t op_count;
	bool replaces; /* what is not named goes (AlterConfigs) */
	bool validate_only;
	struct controller_error error; /* what came of it */
};

struct config_kind {
	int8_t type;
	enum config_scope scope;
	bool has_lists; /* that can be appended to */
	/* May there be a resource of that name? */
	struct controller_error (*check_name)(const struct controller *c,
					      struct slice name,
					      struct arena *arena);
	/* May what is old (NULL: nothing) become set?  NULL: none is kept. */
	struct controller_error (*check_set)(const struct controller *c,
					     const struct config_edit *edit,
					     const struct config_set *old,
					     const struct config_set *set,
					     struct arena *arena);
};

/* The kind of the resource that is to be changed, or NULL when there is none
 * that can be changed so. */
const struct config_kind *config_kind_of(const struct config_edit *edit);

#endif /* KBROKERD_METADATA_CONFIG_KIND_H */
