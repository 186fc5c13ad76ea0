/*
 * config_resources.c - ListConfigResources: what has a configuration
 *
 * Topics, brokers and their loggers always have one; groups and subscriptions
 * of metrics are there when something is set.  Version 0 is the older
 * ListClientMetricsResources.
 */
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct listing {
	struct request *req;
	const struct image *image;
	struct list_config_resources_response *to; /* has room */
	int8_t type;                               /* that is listed now */
};

static void add(struct listing *l, struct slice name)
{
	struct list_config_resources_response_config_resources *r =
		&l->to->config_resources[l->to->config_resources_count++];

	r->resource_type = l->type;
	r->resource_name = name;
}

static int add_topic(void *arg, const struct topic_image *topic)
{
	add(arg, topic->name);
	return 0;
}

static void list_topics(struct listing *l)
{
	image_each_topic(l->image, add_topic, l);
}

static void list_brokers(struct listing *l)
{
	for (size_t i = 0; i < image_broker_count(l->image); i++)
		add(l,
		    slice_of(arena_printf(&l->req->arena, "%d",
					  image_broker_at(l->image, i)->id)));
}

static int add_resource(void *arg, int8_t type, struct slice name)
{
	struct listing *l = arg;

	if (type == l->type)
		add(l, name);
	return 0;
}

static void list_resources(struct listing *l)
{
	image_each_config(l->image, add_resource, l);
}

/* In Kafka's order. */
static const struct lister {
	int8_t type;
	void (*list)(struct listing *l);
} listers[] = {
	{ WIRE_CONFIG_RESOURCE_TYPE_GROUP, list_resources },
	{ WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS, list_resources },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER_LOGGER, list_brokers },
	{ WIRE_CONFIG_RESOURCE_TYPE_BROKER, list_brokers },
	{ WIRE_CONFIG_RESOURCE_TYPE_TOPIC, list_topics },
};

enum { LISTER_COUNT = sizeof(listers) / sizeof(listers[0]) };

static bool is_known(int8_t type)
{
	for (size_t i = 0; i < LISTER_COUNT; i++) {
		if (listers[i].type == type)
			return true;
	}
	return false;
}

/* None named is all. */
static bool is_wanted(const struct request *req, int8_t type)
{
	const struct list_config_resources_request *request = req->message;

	if (req->version == 0)
		return type == WIRE_CONFIG_RESOURCE_TYPE_CLIENT_METRICS;
	for (int32_t i = 0; i < request->resource_types_count; i++) {
		if (request->resource_types[i] == type)
			return true;
	}
	return request->resource_types_count <= 0;
}

static bool asks_for_unknown(const struct request *req)
{
	const struct list_config_resources_request *request = req->message;

	for (int32_t i = 0;
	     req->version > 0 && i < request->resource_types_count; i++) {
		if (!is_known(request->resource_types[i]))
			return true;
	}
	return false;
}

static int count_resource(void *arg, int8_t type, struct slice name)
{
	(void)type;
	(void)name;
	++*(size_t *)arg;
	return 0;
}

/* Room for everything.  Returns false when out of memory. */
static bool make_room(struct listing *l)
{
	size_t count =
		image_topic_count(l->image) + 2 * image_broker_count(l->image);

	image_each_config(l->image, count_resource, &count);
	l->to->config_resources = wire_array(
		&list_config_resources_response_config_resources_desc,
		&l->req->arena, (int32_t)count);
	return l->to->config_resources != NULL;
}

void api_list_config_resources(struct request *req)
{
	struct list_config_resources_response response;
	struct listing l = { .req = req, .to = &response };

	wire_init(&list_config_resources_response_desc, &response);
	if (asks_for_unknown(req)) {
		response.error_code = WIRE_UNSUPPORTED_VERSION;
		request_reply(req, &response);
		return;
	}
	l.image = metadata_image(req->broker->metadata);
	if (make_room(&l)) {
		for (size_t i = 0; i < LISTER_COUNT; i++) {
			l.type = listers[i].type;
			if (is_wanted(req, l.type))
				listers[i].list(&l);
		}
		request_reply(req, &response);
	} else {
		request_close(req, "out of memory");
	}
	image_release(l.image);
}
