/*
 * config_show.h - a value as Kafka's tools are shown it
 */
#ifndef KBROKERD_METADATA_CONFIG_SHOW_H
#define KBROKERD_METADATA_CONFIG_SHOW_H

#include "base/arena.h"
#include "wire/config_defs.h"

/*
 * The value as Kafka writes what it has understood: "+5" is 5, " TRUE " true,
 * "a , b,a" a,b and 1e-1 0.1.  def NULL is a key that nobody knows; passwords
 * and those are hidden (NULL).  In the arena or value itself; NULL also when
 * out of memory.
 */
const char *config_show(const struct config_def *def, const char *value,
			struct arena *arena);

#endif /* KBROKERD_METADATA_CONFIG_SHOW_H */
