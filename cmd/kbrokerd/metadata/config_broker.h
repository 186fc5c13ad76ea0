/*
 * config_broker.h - which settings of a broker may change while it runs
 *
 * A key may have a listener's prefix, listener.name.NAME., and then is that
 * of one listener.  A key that nobody knows is kept: it may be a plugin's.
 */
#ifndef KBROKERD_METADATA_CONFIG_BROKER_H
#define KBROKERD_METADATA_CONFIG_BROKER_H

#include "kbrokerd/metadata/controller.h"
#include "wire/config_defs.h"

/* The key behind a listener's prefix, or NULL when it has none. */
const char *config_listener_key(const char *name);

/* The row of a key, Kafka's or our own, without its prefix; or NULL. */
const struct config_def *config_broker_def(const char *name);

/* May it be set while the broker runs, on one broker at least? */
bool config_is_dynamic(const struct config_def *def);

/*
 * May the dynamic configuration of a broker (of all: for_all) be set?  old is
 * what it was, or NULL: what is not new in it is taken as it is.
 */
struct controller_error config_check_broker(const struct controller *c,
					    bool for_all,
					    const struct config_set *old,
					    const struct config_set *set,
					    struct arena *arena);

#endif /* KBROKERD_METADATA_CONFIG_BROKER_H */
