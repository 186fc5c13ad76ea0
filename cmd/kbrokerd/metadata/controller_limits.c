/*
 * controller_limits.c - how much one change may ask for
 *
 * The controller is one thread, and everybody waits for it: what a request
 * names is counted before it is looked at.  In Kafka ten thousand records are
 * the most that come of one; what costs little, or mostly writes none, may
 * name more here.
 */
#include "kbrokerd/metadata/controller.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	ITEMS_MAX = 10000,
	CHEAP_ITEMS_MAX = 100000,
	TOO_MUCH = INT32_MAX /* a count beyond any limit */
};

/* What counts although it has nothing in it. */
static int64_t at_least_one(int32_t count)
{
	return count > 1 ? count : 1;
}

/* Settings of one resource: they are sorted by hand. */
static int64_t settings(int32_t count)
{
	return count > ITEMS_MAX ? TOO_MUCH : at_least_one(count);
}

static int64_t settings_of_topics(const struct image *image,
				  const void *request)
{
	const struct create_topics_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->topics_count; i++)
		total += settings(r->topics[i].configs_count);
	return total;
}

static int64_t deleted_topics(const struct image *image, const void *request)
{
	const struct delete_topics_request *r = request;

	(void)image;
	return (int64_t)r->topics_count + r->topic_names_count;
}

static int64_t replaced_settings(const struct image *image, const void *request)
{
	const struct alter_configs_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->resources_count; i++)
		total += settings(r->resources[i].configs_count);
	return total;
}

static int64_t changed_settings(const struct image *image, const void *request)
{
	const struct incremental_alter_configs_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->resources_count; i++)
		total += settings(r->resources[i].configs_count);
	return total;
}

static int64_t changed_quotas(const struct image *image, const void *request)
{
	const struct alter_client_quotas_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->entries_count; i++)
		total += at_least_one(r->entries[i].ops_count);
	return total;
}

static int64_t changed_features(const struct image *image, const void *request)
{
	const struct update_features_request *r = request;

	(void)image;
	return r->feature_updates_count;
}

static int64_t elections(const struct image *image, const void *request)
{
	const struct elect_leaders_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->topic_partitions_count; i++)
		total += at_least_one(r->topic_partitions[i].partitions_count);
	return total;
}

static int64_t reassignments(const struct image *image, const void *request)
{
	const struct alter_partition_reassignments_request *r = request;
	int64_t total = 0;

	(void)image;
	for (int32_t i = 0; i < r->topics_count; i++)
		total += at_least_one(r->topics[i].partitions_count);
	return total;
}

/* Of topics that there are: others get none. */
static int64_t added_partitions(const struct image *image, const void *request)
{
	const struct create_partitions_request *r = request;
	int64_t total = 0;

	for (int32_t i = 0; i < r->topics_count; i++) {
		const struct topic_image *topic =
			image_topic(image, r->topics[i].name);
		int32_t count = r->topics[i].count;

		if (topic != NULL && count > topic->partition_count &&
		    count - topic->partition_count <= REQUEST_PARTITIONS_MAX)
			total += count - topic->partition_count;
	}
	return total;
}

static const struct limit {
	const struct wire_desc *request;
	int64_t (*count)(const struct image *image, const void *request);
	int64_t most;
} limits[] = {
	{ &create_topics_request_desc, settings_of_topics, CHEAP_ITEMS_MAX },
	{ &delete_topics_request_desc, deleted_topics, ITEMS_MAX },
	{ &create_partitions_request_desc, added_partitions, ITEMS_MAX },
	{ &alter_configs_request_desc, replaced_settings, CHEAP_ITEMS_MAX },
	{ &incremental_alter_configs_request_desc, changed_settings,
	  CHEAP_ITEMS_MAX },
	{ &alter_client_quotas_request_desc, changed_quotas, ITEMS_MAX },
	{ &update_features_request_desc, changed_features, ITEMS_MAX },
	{ &elect_leaders_request_desc, elections, CHEAP_ITEMS_MAX },
	{ &alter_partition_reassignments_request_desc, reassignments,
	  CHEAP_ITEMS_MAX },
};

bool controller_asks_too_much(const struct controller *c,
			      const struct metadata_change *change)
{
	const struct wire_api *api = wire_api(change->api_key);

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (api != NULL && limits[i].request == api->request)
			return limits[i].count(c->image, change->request) >
			       limits[i].most;
	}
	return false;
}
