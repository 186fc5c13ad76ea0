/*
 * topic_config.h - the effective configuration of a topic, as numbers
 *
 * Topic's own, else the cluster's and broker's dynamic, else the broker's
 * static, else Kafka's default (the synonym chain of configs.def).
 */
#ifndef KBROKERD_METADATA_TOPIC_CONFIG_H
#define KBROKERD_METADATA_TOPIC_CONFIG_H

#include "base/arena.h"
#include "base/properties.h"
#include "kbrokerd/metadata/image.h"
#include "log/log.h"
#include "wire/config_defs.h"

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

/* Where a node looks for the value of a configuration; each may be NULL. */
struct config_sources {
	const struct config_set *own;     /* the topic's */
	const struct config_set *broker;  /* dynamic, of this broker */
	const struct config_set *cluster; /* dynamic, of all brokers */
	const struct properties *node;    /* static */
};

void config_sources_init(struct config_sources *sources,
			 const struct image *image, int32_t node_id,
			 const struct properties *properties,
			 const struct config_set *own);

/* The value of a topic's key as text, NULL where the key's default is null;
 * texts that are neither in a source nor in a table are the arena's. */
const char *config_topic_value(const struct config_sources *sources,
			       const struct config_def *def,
			       struct arena *arena);

/* The same of a broker's key. */
const char *config_broker_value(const struct config_sources *sources,
				const struct config_def *def);

/*
 * The places that a value could come from, the one that it does come from
 * first, as DescribeConfigs tells them: Kafka leaves out those before the
 * first that has the key's own name.  Returns how many of synonyms were
 * filled; at most CONFIG_SYNONYMS_MAX.
 */
struct config_synonym_value {
	const char *name;
	const char *value;
	enum config_source source;
};

enum { CONFIG_SYNONYMS_MAX = 16 };

size_t config_topic_synonyms(
	const struct config_sources *sources, const struct config_def *def,
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX]);
size_t config_broker_synonyms(
	const struct config_sources *sources, const struct config_def *def,
	struct config_synonym_value synonyms[CONFIG_SYNONYMS_MAX]);

/* A truth that has been checked keeps the blanks and capitals that it was set
 * with: is it true? */
bool config_is_true(const char *value);

/* What a topic's key is as long as nothing dynamic says otherwise; NULL for
 * no such key.  properties may be NULL. */
const char *topic_config_default(const char *name,
				 const struct properties *properties);

#endif /* KBROKERD_METADATA_TOPIC_CONFIG_H */
