/*
 * auto_create.c - topics that come into being because somebody named them
 *
 * The change outlives the request: it has its own memory, freed when it is
 * done.
 */
#include "auto_create.h"

#include <stdlib.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/controller.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct creation {
	struct metadata_change change;
	struct create_topics_request request;
	struct create_topics_response response;
	const struct logger *logger;
	struct clock *clock;
	char *client, *address; /* who asked, in the arena */
	struct arena arena;
};

static void free_creation(struct creation *c)
{
	arena_clear(&c->arena);
	free(c);
}

/* Clients ask again and again for what cannot be created. */
enum { FAILURES_TOLD_PER_SECOND = 5 };

static bool is_worth_telling(const struct creation *c,
			     const struct create_topics_response_topics *topic)
{
	/* The metadata's thread alone gets here. */
	static _Thread_local struct logger_limit limit;
	int32_t missed;

	/* Two may ask for it at a time. */
	return topic->error_code != WIRE_TOPIC_ALREADY_EXISTS &&
	       logger_allows(&limit, c->clock->wall_ms(c->clock),
			     FAILURES_TOLD_PER_SECOND, &missed);
}

static void tell(struct creation *c,
		 const struct create_topics_response_topics *topic)
{
	const char *name = arena_text(&c->arena, topic->name);
	const char *text = arena_text(&c->arena, topic->error_message);

	if (topic->error_code == WIRE_NONE)
		logger_tell(c->logger, LOGGER_INFO, "metadata",
			    "topic created because a client asked for it",
			    "topic", name, "client", c->client, "address",
			    c->address, NULL);
	else if (is_worth_telling(c, topic))
		logger_tell(c->logger, LOGGER_WARN, "metadata",
			    "cannot create a topic that a client asked for",
			    "topic", name, "error",
			    wire_error_name(topic->error_code), "reason", text,
			    "client", c->client, "address", c->address, NULL);
}

static void on_done(struct metadata_change *change)
{
	struct creation *c = change->arg;

	for (int32_t i = 0; i < c->response.topics_count; i++)
		tell(c, &c->response.topics[i]);
	free_creation(c);
}

/* What coordinators want of the topics that they keep their state in. */
struct internal_config {
	const char *name;
	const char *value; /* or of what the broker's setting is: */
	const char *broker_key;
};

enum { INTERNAL_CONFIGS_MAX = 5 };

static const struct internal_topic {
	const char *name;
	const char *partitions_key;
	const char *replication_key;
	struct internal_config configs[INTERNAL_CONFIGS_MAX];
} internal_topics[] = {
	{ "__consumer_offsets",
	  "offsets.topic.num.partitions",
	  "offsets.topic.replication.factor",
	  { { "cleanup.policy", "compact", NULL },
	    { "compression.type", "producer", NULL },
	    { "segment.bytes", NULL, "offsets.topic.segment.bytes" } } },
	{ "__transaction_state",
	  "transaction.state.log.num.partitions",
	  "transaction.state.log.replication.factor",
	  { { "cleanup.policy", "compact", NULL },
	    { "compression.type", "uncompressed", NULL },
	    { "min.insync.replicas", "1", NULL },
	    { "segment.bytes", NULL, "transaction.state.log.segment.bytes" },
	    { "unclean.leader.election.enable", "false", NULL } } },
	{ "__share_group_state",
	  "share.coordinator.state.topic.num.partitions",
	  "share.coordinator.state.topic.replication.factor",
	  { { "cleanup.policy", "delete", NULL },
	    { "compression.type", "producer", NULL },
	    { "retention.ms", "-1", NULL },
	    { "segment.bytes", NULL,
	      "share.coordinator.state.topic.segment.bytes" } } },
};

/* No more than there are brokers: one node is enough for a group. */
static int16_t replication_of(const struct config *config, const char *key,
			      const struct image *image)
{
	int64_t wanted = config_int(config, key);
	size_t alive = 0;

	for (size_t i = 0; i < image_broker_count(image); i++)
		alive += !image_broker_at(image, i)->fenced;
	if (alive > 0 && wanted > (int64_t)alive)
		wanted = (int64_t)alive;
	return (int16_t)wanted;
}

static void fill_internal(const struct config *config,
			  const struct image *image,
			  const struct internal_topic *internal,
			  struct create_topics_request_topics *topic,
			  struct arena *arena)
{
	topic->num_partitions =
		(int32_t)config_int(config, internal->partitions_key);
	topic->replication_factor =
		replication_of(config, internal->replication_key, image);
	topic->configs = wire_array(&create_topics_request_topics_configs_desc,
				    arena, INTERNAL_CONFIGS_MAX);
	for (size_t i = 0; topic->configs != NULL && i < INTERNAL_CONFIGS_MAX;
	     i++) {
		const struct internal_config *from = &internal->configs[i];

		if (from->name == NULL)
			break;
		topic->configs[i].name = slice_of(from->name);
		topic->configs[i].value = slice_of(
			from->value != NULL
				? from->value
				: config_text(config, from->broker_key));
		topic->configs_count++;
	}
}

static void fill_topic(const struct config *config, const struct image *image,
		       struct slice name,
		       struct create_topics_request_topics *topic,
		       struct arena *arena)
{
	topic->name = arena_copy(arena, name);
	topic->num_partitions = -1;
	topic->replication_factor = -1;
	for (size_t i = 0;
	     i < sizeof(internal_topics) / sizeof(internal_topics[0]); i++) {
		if (slice_is(name, internal_topics[i].name))
			fill_internal(config, image, &internal_topics[i], topic,
				      arena);
	}
}

static struct creation *new_creation(struct request *req,
				     const struct slice *names, size_t count)
{
	struct creation *c = calloc(1, sizeof(*c));
	const struct image *image;

	if (c == NULL)
		return NULL;
	wire_init(&create_topics_request_desc, &c->request);
	c->request.topics = wire_array(&create_topics_request_topics_desc,
				       &c->arena, (int32_t)count);
	if (c->request.topics == NULL) {
		free_creation(c);
		return NULL;
	}
	c->request.topics_count = (int32_t)count;
	image = metadata_image(req->broker->metadata);
	for (size_t i = 0; i < count; i++)
		fill_topic(req->broker->config, image, names[i],
			   &c->request.topics[i], &c->arena);
	image_release(image);
	c->logger = req->broker->logger;
	c->clock = req->broker->clock;
	c->client = arena_text(&c->arena, req->client_id);
	c->address = arena_text(&c->arena, slice_of(request_peer(req)));
	c->change = (struct metadata_change){
		.api_key = 19,
		.version = 7,
		.request = &c->request,
		.response = &c->response,
		.arena = &c->arena,
		.done = on_done,
		.arg = c,
	};
	return c;
}

void auto_create_topics(struct request *req, const struct slice *names,
			size_t count)
{
	struct creation *c;

	/* More than one change may make is refused as a whole, and told: there
	 * is no need to copy all of it. */
	if (count > REQUEST_PARTITIONS_MAX)
		count = REQUEST_PARTITIONS_MAX + 1;
	c = new_creation(req, names, count);
	if (c != NULL)
		metadata_submit(req->broker->metadata, &c->change);
}
