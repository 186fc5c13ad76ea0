/*
 * registry.h - the APIs that this broker serves, one row each
 *
 * What has no row is neither advertised nor served: its connection is closed,
 * as Kafka does.  Versions are those of the schema (wire_api()).
 */
#ifndef KBROKERD_API_REGISTRY_H
#define KBROKERD_API_REGISTRY_H

#include <stdbool.h>

#include "kbrokerd/server/request.h"

/* A row of the table. */
struct api {
	int16_t key;
	/* The lowest version that ApiVersions tells, where that is not the
	 * lowest one served; else -1. */
	int16_t advertised_min;
	/* Waits for what may never come: when the broker stops, on_deadline is
	 * called at once, so that it answers with what there is. */
	bool long_poll;
	/* Answers, ends, parks or closes; one of them, exactly once. */
	void (*handle)(struct request *req);
};

/* The row, or NULL. */
const struct api *api_find(int16_t key);

/* All rows, by rising key. */
const struct api *api_rows(size_t *count_out);

/* Handlers, each in the file of its family. */
void api_produce(struct request *req);
void api_fetch(struct request *req);
void api_list_offsets(struct request *req);
void api_metadata(struct request *req);
void api_api_versions(struct request *req);
void api_create_topics(struct request *req);
void api_delete_topics(struct request *req);
void api_delete_records(struct request *req);
void api_offset_for_leader_epoch(struct request *req);
void api_describe_producers(struct request *req);
void api_describe_log_dirs(struct request *req);
void api_init_producer_id(struct request *req);
void api_describe_configs(struct request *req);
void api_create_partitions(struct request *req);
void api_alter_configs(struct request *req);
void api_incremental_alter_configs(struct request *req);
void api_list_config_resources(struct request *req);
void api_update_features(struct request *req);
void api_describe_client_quotas(struct request *req);
void api_alter_client_quotas(struct request *req);
void api_describe_user_scram_credentials(struct request *req);
void api_alter_user_scram_credentials(struct request *req);
void api_describe_cluster(struct request *req);
void api_get_telemetry_subscriptions(struct request *req);
void api_push_telemetry(struct request *req);
void api_find_coordinator(struct request *req);
void api_elect_leaders(struct request *req);
void api_alter_partition_reassignments(struct request *req);
void api_list_partition_reassignments(struct request *req);
void api_describe_quorum(struct request *req);
void api_unregister_broker(struct request *req);
void api_describe_topic_partitions(struct request *req);
void api_offset_commit(struct request *req);
void api_offset_fetch(struct request *req);
void api_offset_delete(struct request *req);
void api_join_group(struct request *req);
void api_sync_group(struct request *req);
void api_heartbeat(struct request *req);
void api_leave_group(struct request *req);
void api_consumer_group_heartbeat(struct request *req);
void api_consumer_group_describe(struct request *req);
void api_describe_groups(struct request *req);
void api_list_groups(struct request *req);
void api_delete_groups(struct request *req);

#endif /* KBROKERD_API_REGISTRY_H */
