/*
 * config_group.h - the configuration of a group (KIP-848, KIP-932, KIP-1071)
 */
#ifndef KBROKERD_METADATA_CONFIG_GROUP_H
#define KBROKERD_METADATA_CONFIG_GROUP_H

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_config.h"

/* May a group's configuration be set so, within what the broker allows? */
struct controller_error config_check_group(const struct controller *c,
					   const struct config_set *set,
					   struct arena *arena);

/* What a group's key is that it does not set: the broker's setting, else the
 * table's default. */
const char *config_group_default(const struct config_sources *sources,
				 const struct config_def *def);

#endif /* KBROKERD_METADATA_CONFIG_GROUP_H */
