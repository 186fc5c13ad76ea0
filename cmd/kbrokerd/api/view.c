/*
 * view.c - brokers and partitions as clients are told of them
 */
#include "kbrokerd/api/view.h"

#include <assert.h>

#include "kbrokerd/broker.h"
#include "wire/enums.h"
#include "wire/messages.h"

#define BIT(operation) (1 << WIRE_ACL_OPERATION_##operation)

int32_t view_cluster_operations(void)
{
	return BIT(CREATE) | BIT(ALTER) | BIT(DESCRIBE) | BIT(CLUSTER_ACTION) |
	       BIT(DESCRIBE_CONFIGS) | BIT(ALTER_CONFIGS) |
	       BIT(IDEMPOTENT_WRITE);
}

int32_t view_topic_operations(void)
{
	return BIT(READ) | BIT(WRITE) | BIT(CREATE) | BIT(DELETE) | BIT(ALTER) |
	       BIT(DESCRIBE) | BIT(DESCRIBE_CONFIGS) | BIT(ALTER_CONFIGS);
}

int32_t view_group_operations(void)
{
	return BIT(READ) | BIT(DELETE) | BIT(DESCRIBE) | BIT(DESCRIBE_CONFIGS) |
	       BIT(ALTER_CONFIGS);
}

void view_init(struct view *view, struct request *req,
	       const struct image *image)
{
	const struct broker_image *b;

	*view = (struct view){ .req = req,
			       .image = image,
			       .own_id = req->broker->identity.node_id };
	if (image_broker_count(image) != 1)
		return;
	b = image_broker_at(image, 0);
	view->only_self = b->id == view->own_id && !b->fenced;
}

bool view_is_alive(const struct view *view, int32_t id)
{
	const struct broker_image *b;

	if (view->only_self)
		return id == view->own_id;
	b = image_broker(view->image, id);
	return b != NULL && !b->fenced;
}

void view_endpoint(const struct view *view, const struct broker_image *broker,
		   struct slice *host_out, int32_t *port_out)
{
	struct endpoint own;

	*host_out = slice_of("");
	*port_out = -1;
	if (broker->id == view->own_id) {
		request_advertised(view->req, &own);
		*host_out = arena_copy(&view->req->arena, slice_of(own.host));
		*port_out = own.port;
	} else if (broker->endpoint_count > 0) {
		*host_out = slice_of(broker->endpoints[0].host);
		*port_out = broker->endpoints[0].port;
	}
}

int32_t view_leader(const struct view *view, const struct partition_image *p)
{
	return p->leader >= 0 && view_is_alive(view, p->leader) ? p->leader
								: -1;
}

int32_t view_offline(const struct view *view, const struct partition_image *p,
		     int32_t **ids_out)
{
	int32_t dead = 0;
	int32_t count = 0;
	int32_t *ids;

	*ids_out = NULL;
	for (int32_t i = 0; i < p->replica_count; i++)
		dead += !view_is_alive(view, p->replicas[i]);
	if (dead == 0)
		return 0;
	ids = arena_alloc(&view->req->arena, (size_t)dead * sizeof(*ids));
	for (int32_t i = 0; ids != NULL && i < p->replica_count; i++) {
		if (!view_is_alive(view, p->replicas[i]))
			ids[count++] = p->replicas[i];
	}
	*ids_out = ids;
	return count;
}

const struct register_controller_record *view_controller(
	const struct image *image, int32_t id, struct arena *arena)
{
	struct slice value = image_controller(image, id);
	const struct wire_desc *desc;
	int16_t version;
	void *message;

	if (slice_is_null(value) ||
	    wire_metadata_decode(value, arena, &desc, &version, &message) < 0)
		return NULL;
	assert(desc == &register_controller_record_desc);
	return message;
}
