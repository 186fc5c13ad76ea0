/*
 * controller_nodes.c - how a cluster starts, and nodes join it
 */
#include <errno.h>

#include "kbrokerd/metadata/controller.h"
#include "wire/enums.h"
#include "wire/features.h"
#include "wire/messages.h"

/* Only quorums whose voters can change have a level of it. */
static bool is_of_the_quorum(const struct feature_def *def)
{
	return strcmp(def->name, "kraft.version") == 0;
}

static void add_feature(struct record_list *records,
			const struct feature_def *def)
{
	struct feature_level_record r;

	if (is_of_the_quorum(def) || def->default_level == 0)
		return;
	wire_init(&feature_level_record_desc, &r);
	r.name = slice_of(def->name);
	r.feature_level = def->default_level;
	record_list_add(records, &feature_level_record_desc, 0, &r);
}

/* metadata.version first, then by name, as Kafka's format tool. */
void controller_bootstrap(struct record_list *records)
{
	const struct feature_def *last = feature_def_find("metadata.version");
	const struct feature_def *next = last;
	size_t count;
	const struct feature_def *defs = feature_defs(&count);

	add_feature(records, last);
	for (const char *after = ""; next != NULL;) {
		next = NULL;
		for (size_t i = 0; i < count; i++) {
			if (&defs[i] == last ||
			    strcmp(defs[i].name, after) <= 0)
				continue;
			if (next == NULL ||
			    strcmp(defs[i].name, next->name) < 0)
				next = &defs[i];
		}
		if (next != NULL) {
			add_feature(records, next);
			after = next->name;
		}
	}
}

void controller_bootstrap_configs(struct record_list *records)
{
	struct config_record r;

	wire_init(&config_record_desc, &r);
	r.resource_type = WIRE_CONFIG_RESOURCE_TYPE_BROKER;
	r.resource_name = slice_of("");
	r.name = slice_of("min.insync.replicas");
	r.value = slice_of("1");
	record_list_add(records, &config_record_desc, 0, &r);
}

static void add_controller(const struct controller *c,
			   const struct controller_node *node,
			   struct uuid incarnation, struct arena *arena)
{
	struct register_controller_record r;
	size_t count;
	const struct feature_def *defs = feature_defs(&count);

	wire_init(&register_controller_record_desc, &r);
	r.controller_id = node->node_id;
	r.incarnation_id = incarnation;
	r.features = wire_array(&register_controller_record_features_desc,
				arena, (int32_t)count);
	r.end_points =
		wire_array(&register_controller_record_end_points_desc, arena,
			   (int32_t)node->controller_endpoint_count);
	if (r.features == NULL || r.end_points == NULL) {
		c->records->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < node->controller_endpoint_count; i++) {
		const struct broker_endpoint *e =
			&node->controller_endpoints[i];

		r.end_points[i].name = slice_of(e->name);
		r.end_points[i].host = slice_of(e->host);
		r.end_points[i].port = (uint16_t)e->port;
		r.end_points[i].security_protocol = e->security_protocol;
	}
	for (size_t i = 0; i < count; i++) {
		r.features[i].name = slice_of(defs[i].name);
		r.features[i].min_supported_version = defs[i].min_level;
		r.features[i].max_supported_version = defs[i].max_level;
	}
	r.end_points_count = (int32_t)node->controller_endpoint_count;
	r.features_count = (int32_t)count;
	controller_add(c, &register_controller_record_desc, &r);
}

static int fill_broker(struct register_broker_record *r,
		       const struct controller_node *node, struct arena *arena)
{
	size_t count;
	const struct feature_def *defs = feature_defs(&count);

	r->end_points = wire_array(&register_broker_record_end_points_desc,
				   arena, (int32_t)node->endpoint_count);
	r->features = wire_array(&register_broker_record_features_desc, arena,
				 (int32_t)count);
	if (r->end_points == NULL || r->features == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < node->endpoint_count; i++) {
		const struct broker_endpoint *e = &node->endpoints[i];

		r->end_points[i].name = slice_of(e->name);
		r->end_points[i].host = slice_of(e->host);
		r->end_points[i].port = (uint16_t)e->port;
		r->end_points[i].security_protocol = e->security_protocol;
	}
	for (size_t i = 0; i < count; i++) {
		r->features[i].name = slice_of(defs[i].name);
		r->features[i].min_supported_version = defs[i].min_level;
		r->features[i].max_supported_version = defs[i].max_level;
	}
	r->end_points_count = (int32_t)node->endpoint_count;
	r->features_count = (int32_t)count;
	return 0;
}

static void add_broker(const struct controller *c,
		       const struct controller_node *node,
		       struct uuid incarnation, int64_t epoch,
		       struct arena *arena)
{
	struct uuid directory = node->directory_id;
	struct register_broker_record r;

	wire_init(&register_broker_record_desc, &r);
	r.broker_id = node->node_id;
	r.incarnation_id = incarnation;
	r.broker_epoch = epoch;
	r.rack = slice_of(node->rack);
	r.fenced = true;
	r.log_dirs = &directory;
	r.log_dirs_count = 1;
	if (fill_broker(&r, node, arena) < 0)
		c->records->error = -ENOMEM;
	else
		controller_add(c, &register_broker_record_desc, &r);
}

static void add_unfencing(const struct controller *c, int32_t id, int64_t epoch)
{
	struct broker_registration_change_record r;

	wire_init(&broker_registration_change_record_desc, &r);
	r.broker_id = id;
	r.broker_epoch = epoch;
	r.fenced = -1;
	controller_add(c, &broker_registration_change_record_desc, &r);
}

/* From this level of metadata.version on controllers register. */
enum { LEVEL_CONTROLLER_REGISTRATION = 15 };

void controller_register(const struct controller *c,
			 const struct controller_node *node,
			 int64_t next_offset)
{
	struct arena arena = { 0 };
	int64_t epoch;

	if (image_feature(c->image, "metadata.version") >=
	    LEVEL_CONTROLLER_REGISTRATION)
		add_controller(c, node, uuid_random(c->random), &arena);
	/* A broker's epoch is the offset of its registration. */
	epoch = next_offset + (int64_t)c->records->count;
	add_broker(c, node, uuid_random(c->random), epoch, &arena);
	add_unfencing(c, node->node_id, epoch);
	arena_clear(&arena);
}

static bool has_id(const int32_t *ids, int32_t count, int32_t id)
{
	for (int32_t i = 0; i < count; i++) {
		if (ids[i] == id)
			return true;
	}
	return false;
}

struct election {
	const struct controller *c;
	int32_t node_id;
};

static void elect_partition(const struct election *e, struct uuid topic_id,
			    int32_t index, const struct partition_image *p)
{
	int32_t isr[1] = { e->node_id };
	struct partition_change_record r;
	bool in_sync = has_id(p->isr, p->isr_count, e->node_id);
	bool eligible = has_id(p->eligible, p->eligible_count, e->node_id);

	if (p->leader != -1 || (!in_sync && !eligible))
		return;
	wire_init(&partition_change_record_desc, &r);
	r.partition_id = index;
	r.topic_id = topic_id;
	r.leader = e->node_id;
	if (!in_sync) {
		r.isr = isr;
		r.isr_count = 1;
		r.eligible_leader_replicas = isr;
		r.eligible_leader_replicas_count = 0;
		r.last_known_elr = isr;
		r.last_known_elr_count = 0;
	}
	controller_add(e->c, &partition_change_record_desc, &r);
}

static int elect_topic(void *arg, const struct topic_image *topic)
{
	for (int32_t i = 0; i < topic->partition_count; i++)
		elect_partition(arg, topic->id, i, &topic->partitions[i]);
	return 0;
}

void controller_elect(const struct controller *c, int32_t node_id)
{
	struct election e = { c, node_id };

	image_each_topic(c->image, elect_topic, &e);
}
