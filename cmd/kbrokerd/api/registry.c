/*
 * registry.c - the APIs that this broker serves, one row each
 */
#include "kbrokerd/api/registry.h"

/* By rising key. */
static const struct api rows[] = {
	{ 0, 0, false, api_produce }, /* told from 0, served from 3 */
	{ 1, -1, true, api_fetch },
	{ 2, -1, false, api_list_offsets },
	{ 3, -1, false, api_metadata },
	{ 8, -1, false, api_offset_commit },
	{ 9, -1, false, api_offset_fetch },
	{ 10, -1, false, api_find_coordinator },
	{ 11, -1, true, api_join_group },
	{ 12, -1, false, api_heartbeat },
	{ 13, -1, false, api_leave_group },
	{ 14, -1, true, api_sync_group },
	{ 15, -1, false, api_describe_groups },
	{ 16, -1, false, api_list_groups },
	{ 18, -1, false, api_api_versions },
	{ 19, -1, false, api_create_topics },
	{ 20, -1, false, api_delete_topics },
	{ 21, -1, false, api_delete_records },
	{ 22, -1, false, api_init_producer_id },
	{ 23, -1, false, api_offset_for_leader_epoch },
	{ 32, -1, false, api_describe_configs },
	{ 33, -1, false, api_alter_configs },
	{ 35, -1, false, api_describe_log_dirs },
	{ 37, -1, false, api_create_partitions },
	{ 42, -1, false, api_delete_groups },
	{ 43, -1, false, api_elect_leaders },
	{ 44, -1, false, api_incremental_alter_configs },
	{ 45, -1, false, api_alter_partition_reassignments },
	{ 46, -1, false, api_list_partition_reassignments },
	{ 47, -1, false, api_offset_delete },
	{ 48, -1, false, api_describe_client_quotas },
	{ 49, -1, false, api_alter_client_quotas },
	{ 50, -1, false, api_describe_user_scram_credentials },
	{ 51, -1, false, api_alter_user_scram_credentials },
	{ 55, -1, false, api_describe_quorum },
	{ 57, -1, false, api_update_features },
	{ 60, -1, false, api_describe_cluster },
	{ 61, -1, false, api_describe_producers },
	{ 64, -1, false, api_unregister_broker },
	{ 68, -1, false, api_consumer_group_heartbeat },
	{ 69, -1, false, api_consumer_group_describe },
	{ 71, -1, false, api_get_telemetry_subscriptions },
	{ 72, -1, false, api_push_telemetry },
	{ 74, -1, false, api_list_config_resources },
	{ 75, -1, false, api_describe_topic_partitions },
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

const struct api *api_find(int16_t key)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (rows[i].key == key)
			return &rows[i];
	}
	return NULL;
}

const struct api *api_rows(size_t *count_out)
{
	*count_out = ROW_COUNT;
	return rows;
}
