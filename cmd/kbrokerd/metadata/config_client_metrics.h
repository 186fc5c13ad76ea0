/*
 * config_client_metrics.h - a subscription of clients' metrics (KIP-714)
 */
#ifndef KBROKERD_METADATA_CONFIG_CLIENT_METRICS_H
#define KBROKERD_METADATA_CONFIG_CLIENT_METRICS_H

#include "kbrokerd/metadata/controller.h"

/* May a subscription be set so? */
struct controller_error config_check_client_metrics(
	const struct config_set *set, struct arena *arena);

#endif /* KBROKERD_METADATA_CONFIG_CLIENT_METRICS_H */
