/*
 * image_write.c - an image becomes the records that make it
 *
 * In the order and the versions in which Apache Kafka writes its snapshots:
 * features first, so that whoever reads knows what may follow.
 */
#include "image_edit.h"

#include <errno.h>

#include "kbrokerd/metadata/image_private.h"
#include "wire/enums.h"
#include "wire/messages.h"

/* Levels of metadata.version from which on records have newer versions. */
enum {
	LEVEL_CONTROLLED_SHUTDOWN = 7,
	LEVEL_MIGRATION = 8,
	LEVEL_DIRECTORIES = 17,
	LEVEL_ELR = 23
};

int16_t image_record_version(const struct image *image,
			     const struct wire_desc *desc)
{
	static const struct {
		const struct wire_desc *desc;
		int16_t level, version; /* the newest first */
	} versions[] = {
		{ &partition_record_desc, LEVEL_ELR, 2 },
		{ &partition_record_desc, LEVEL_DIRECTORIES, 1 },
		{ &partition_change_record_desc, LEVEL_ELR, 2 },
		{ &partition_change_record_desc, LEVEL_DIRECTORIES, 1 },
		{ &register_broker_record_desc, LEVEL_DIRECTORIES, 3 },
		{ &register_broker_record_desc, LEVEL_MIGRATION, 2 },
		{ &register_broker_record_desc, LEVEL_CONTROLLED_SHUTDOWN, 1 },
	};
	int16_t level = image_feature(image, "metadata.version");

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (versions[i].desc == desc && level >= versions[i].level)
			return versions[i].version;
	}
	return 0;
}

struct writer {
	const struct image *image;
	int (*on_record)(void *arg, struct slice value);
	void *arg;
	struct buffer value;
	struct arena scratch;
	int32_t kept_type; /* which kept records go now */
};

static int write_record(struct writer *w, const struct wire_desc *desc,
			const void *message)
{
	int rc;

	buffer_reset(&w->value);
	rc = wire_metadata_encode(desc, image_record_version(w->image, desc),
				  message, &w->value);
	if (rc < 0)
		return rc;
	return w->on_record(w->arg, buffer_slice(&w->value));
}

static int write_feature(struct writer *w, const char *name, int16_t level)
{
	struct feature_level_record r;

	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of(name);
	r.feature_level = level;
	return write_record(w, &feature_level_record_desc, &r);
}

static int write_features(struct writer *w)
{
	static const char first[] = "metadata.version";
	int16_t level = image_feature(w->image, first);
	int rc = level == 0 ? 0 : write_feature(w, first, level);

	for (size_t i = 0; i < image_feature_count(w->image) && rc == 0; i++) {
		const char *name = image_feature_at(w->image, i, &level);

		if (strcmp(name, first) != 0)
			rc = write_feature(w, name, level);
	}
	return rc;
}

static int write_broker(struct writer *w, const struct broker_image *b)
{
	struct register_broker_record r;

	arena_reset(&w->scratch);
	wire_init(&register_broker_record_desc, &r);
	r.broker_id = b->id;
	r.is_migrating_zk_broker = b->migrating;
	r.incarnation_id = b->incarnation_id;
	r.broker_epoch = b->epoch;
	r.rack = slice_of(b->rack);
	r.fenced = b->fenced;
	r.in_controlled_shutdown = b->in_controlled_shutdown;
	r.log_dirs = (struct uuid *)b->log_dirs;
	r.log_dirs_count = (int32_t)b->log_dir_count;
	r.end_points_count = (int32_t)b->endpoint_count;
	r.features_count = (int32_t)b->feature_count;
	r.end_points = wire_array(&register_broker_record_end_points_desc,
				  &w->scratch, r.end_points_count);
	r.features = wire_array(&register_broker_record_features_desc,
				&w->scratch, r.features_count);
	if (r.end_points == NULL || r.features == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < b->endpoint_count; i++) {
		r.end_points[i].name = slice_of(b->endpoints[i].name);
		r.end_points[i].host = slice_of(b->endpoints[i].host);
		r.end_points[i].port = (uint16_t)b->endpoints[i].port;
		r.end_points[i].security_protocol =
			b->endpoints[i].security_protocol;
	}
	for (size_t i = 0; i < b->feature_count; i++) {
		r.features[i].name = slice_of(b->features[i].name);
		r.features[i].min_supported_version = b->features[i].min_level;
		r.features[i].max_supported_version = b->features[i].max_level;
	}
	return write_record(w, &register_broker_record_desc, &r);
}

static int write_brokers(struct writer *w)
{
	int rc = 0;

	for (size_t i = 0; i < image_broker_count(w->image) && rc == 0; i++)
		rc = write_broker(w, image_broker_at(w->image, i));
	return rc;
}

/* The codec's structs do not say const. */
static int32_t *ids_of(const int32_t *ids)
{
	return (int32_t *)ids;
}

static int write_partition(struct writer *w, const struct topic_image *topic,
			   int32_t index)
{
	const struct partition_image *p = &topic->partitions[index];
	struct partition_record r;

	wire_init(&partition_record_desc, &r);
	r.partition_id = index;
	r.topic_id = topic->id;
	r.replicas = ids_of(p->replicas);
	r.replicas_count = p->replica_count;
	r.isr = ids_of(p->isr);
	r.isr_count = p->isr_count;
	r.removing_replicas = ids_of(p->removing);
	r.removing_replicas_count = p->removing_count;
	r.adding_replicas = ids_of(p->adding);
	r.adding_replicas_count = p->adding_count;
	r.leader = p->leader;
	r.leader_recovery_state = p->recovering ? 1 : 0;
	r.leader_epoch = p->leader_epoch;
	r.partition_epoch = p->partition_epoch;
	r.directories = (struct uuid *)p->directories;
	r.directories_count = p->replica_count;
	/* Null is left out; empty would not be. */
	if (p->eligible_count > 0) {
		r.eligible_leader_replicas = ids_of(p->eligible);
		r.eligible_leader_replicas_count = p->eligible_count;
	}
	if (p->last_known_count > 0) {
		r.last_known_elr = ids_of(p->last_known);
		r.last_known_elr_count = p->last_known_count;
	}
	return write_record(w, &partition_record_desc, &r);
}

static int write_topic(void *arg, const struct topic_image *topic)
{
	struct writer *w = arg;
	struct topic_record r;
	int rc;

	wire_init(&topic_record_desc, &r);
	r.name = topic->name;
	r.topic_id = topic->id;
	rc = write_record(w, &topic_record_desc, &r);
	for (int32_t i = 0; i < topic->partition_count && rc == 0; i++)
		rc = write_partition(w, topic, i);
	return rc;
}

static int write_configs(struct writer *w, int8_t type, struct slice resource,
			 const struct config_set *set)
{
	struct config_record r;
	int rc = 0;

	wire_init(&config_record_desc, &r);
	r.resource_type = type;
	r.resource_name = resource;
	for (size_t i = 0; set != NULL && i < set->count && rc == 0; i++) {
		r.name = slice_of(set->entries[i].name);
		r.value = slice_of(set->entries[i].value);
		rc = write_record(w, &config_record_desc, &r);
	}
	return rc;
}

static int write_topic_configs(void *arg, const struct topic_image *topic)
{
	return write_configs(arg, WIRE_CONFIG_RESOURCE_TYPE_TOPIC, topic->name,
			     topic->configs);
}

static int write_other_configs(void *arg, void *item)
{
	const struct config_node *node = item;

	return write_configs(arg, node->type, node->resource, &node->set);
}

static int write_producer_ids(struct writer *w)
{
	struct producer_ids_record r;

	if (w->image->next_producer_id == 0)
		return 0;
	wire_init(&producer_ids_record_desc, &r);
	r.broker_id = -1;
	r.broker_epoch = -1;
	r.next_producer_id = w->image->next_producer_id;
	return write_record(w, &producer_ids_record_desc, &r);
}

static int write_kept_item(void *arg, void *item)
{
	const struct kept_record *kept = item;
	struct writer *w = arg;

	if (kept->type != w->kept_type)
		return 0;
	return w->on_record(w->arg, (struct slice){ kept->bytes + kept->key_len,
						    kept->value_len });
}

static int write_kept(struct writer *w, const struct wire_desc *desc)
{
	w->kept_type = wire_desc_type_id(desc);
	return trie_each(&w->image->kept, write_kept_item, w);
}

static int write_all(struct writer *w)
{
	int rc = write_features(w);

	if (rc == 0)
		rc = write_brokers(w);
	if (rc == 0)
		rc = write_kept(w, &register_controller_record_desc);
	if (rc == 0)
		rc = image_each_topic(w->image, write_topic, w);
	if (rc == 0)
		rc = image_each_topic(w->image, write_topic_configs, w);
	if (rc == 0)
		rc = trie_each(&w->image->configs, write_other_configs, w);
	if (rc == 0)
		rc = write_kept(w, &client_quota_record_desc);
	if (rc == 0)
		rc = write_producer_ids(w);
	if (rc == 0)
		rc = write_kept(w, &access_control_entry_record_desc);
	if (rc == 0)
		rc = write_kept(w, &user_scram_credential_record_desc);
	if (rc == 0)
		rc = write_kept(w, &delegation_token_record_desc);
	return rc;
}

int image_each_record(const struct image *image,
		      int (*on_record)(void *arg, struct slice value),
		      void *arg)
{
	struct writer w = { .image = image,
			    .on_record = on_record,
			    .arg = arg };
	int rc = write_all(&w);

	buffer_clear(&w.value);
	arena_clear(&w.scratch);
	return rc;
}

struct control_visit {
	int (*on_record)(void *arg, int16_t type, struct slice value);
	void *arg;
	int16_t type;
};

static int visit_control(void *arg, void *item)
{
	const struct control_visit *visit = arg;
	const struct kept_record *kept = item;

	if (kept->type != KEPT_CONTROL + visit->type)
		return 0;
	return visit->on_record(
		visit->arg, visit->type,
		(struct slice){ kept->bytes + kept->key_len, kept->value_len });
}

int image_each_control(const struct image *image,
		       int (*on_record)(void *arg, int16_t type,
					struct slice value),
		       void *arg)
{
	static const int16_t types[] = {
		WIRE_CONTROL_RECORD_TYPE_KRAFT_VERSION,
		WIRE_CONTROL_RECORD_TYPE_KRAFT_VOTERS,
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]) && rc == 0;
	     i++) {
		struct control_visit visit = { on_record, arg, types[i] };

		rc = trie_each(&image->kept, visit_control, &visit);
	}
	return rc;
}
