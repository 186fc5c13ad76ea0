/*
 * topic_config.h - the effective configuration of a topic, as numbers
 *
 * Topic's own, else the cluster's and broker's dynamic, else the broker's
 * static, else Kafka's default (the synonym chain of configs.def).
 */
#ifndef KBROKERD_METADATA_TOPIC_CONFIG_H
#define KBROKERD_METADATA_TOPIC_CONFIG_H

#include "kbrokerd/metadata/image.h"
#include "base/properties.h"
#include "log/log.h"

struct topic_config {
	struct log_config log;
	int64_t max_message_bytes;
	int64_t retention_ms;
	int64_t retention_bytes;
	bool compact;
	bool delete_old;
	bool log_append_time;
	int64_t timestamp_before_max_ms;
	int64_t timestamp_after_max_ms;
	int32_t min_insync_replicas;
	int compression; /* enum codec, or -1 for producer */
	int compression_level;
};

/* broker_properties: the static configuration of this node. */
void topic_config_resolve(const struct image *image,
			  const struct topic_image *topic, int32_t node_id,
			  const struct properties *broker_properties,
			  struct topic_config *config_out);

/* Where a value comes from (ConfigSource of DescribeConfigs). */
enum config_source {
	CONFIG_SOURCE_UNKNOWN,
	CONFIG_SOURCE_TOPIC,
	CONFIG_SOURCE_DYNAMIC_BROKER,
	CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER,
	CONFIG_SOURCE_STATIC_BROKER,
	CONFIG_SOURCE_DEFAULT,
	CONFIG_SOURCE_DYNAMIC_BROKER_LOGGER,
	CONFIG_SOURCE_CLIENT_METRICS,
	CONFIG_SOURCE_GROUP,
};

#endif /* KBROKERD_METADATA_TOPIC_CONFIG_H */
