/*
 * settings.h - what the group coordinator is told: settings and topics
 *
 * Two seams.  The broker fills them from its configuration and its image, the
 * simulator as it likes.
 */
#ifndef KBROKERD_GROUP_SETTINGS_H
#define KBROKERD_GROUP_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/uuid.h"

enum group_migration {
	MIGRATION_DISABLED,
	MIGRATION_UPGRADE = 1,
	MIGRATION_DOWNGRADE = 2,
	MIGRATION_BIDIRECTIONAL = 3,
};

enum { GROUP_ASSIGNORS_MAX = 8 };

/* The broker's (configs.def, group.* and offsets.*); times in ms. */
struct group_settings {
	int32_t initial_rebalance_delay_ms;
	int32_t min_session_timeout_ms, max_session_timeout_ms;
	int32_t max_size;
	bool classic_is_on, consumer_is_on;
	enum group_migration migration;
	int32_t consumer_max_size;
	int32_t regex_refresh_ms;
	const char *assignors[GROUP_ASSIGNORS_MAX]; /* the first: the default */
	int32_t assignor_count;
	int64_t offsets_retention_ms;
	int64_t offsets_check_interval_ms;
	int32_t offset_metadata_max_bytes;
};

/* A KIP-848 group's own, within the broker's bounds. */
struct group_consumer_settings {
	int32_t session_timeout_ms;
	int32_t heartbeat_interval_ms;
	/* group consumer.assignment.interval.ms and the like, if any: see
	 * configs.def. */
};

struct group_topic {
	struct slice name;
	struct uuid id;
	int32_t partition_count;
};

/* The cluster's topics at one moment; who holds it keeps them alive. */
struct group_topics {
	/* Returns false when there is none. */
	bool (*by_name)(const struct group_topics *topics, struct slice name,
			struct group_topic *out);
	bool (*by_id)(const struct group_topics *topics, const struct uuid *id,
		      struct group_topic *out);
	/* Calls each of them, in the order of their names. */
	void (*each)(const struct group_topics *topics,
		     void (*on_topic)(void *arg, const struct group_topic *t),
		     void *arg);
	/* The racks of a partition's replicas that are known, at most `most` of
	 * them.  NULL: none ever are. */
	int32_t (*racks)(const struct group_topics *topics,
			 const struct group_topic *topic, int32_t partition,
			 struct slice *racks, int32_t most);
	void (*consumer_settings)(const struct group_topics *topics,
				  struct slice group_id,
				  struct group_consumer_settings *out);
	uint64_t version; /* another when anything of it is */
};

#endif /* KBROKERD_GROUP_SETTINGS_H */
