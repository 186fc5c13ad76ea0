/*
 * metadata.c - Metadata: who the brokers are, what topics there are
 *
 * Everything of a topic is told by pointing into the image, which is held
 * until the answer is encoded.
 *
 * A topic that is not there is created, where that is allowed, but not waited
 * for: as from Kafka, the answer is UNKNOWN_TOPIC_OR_PARTITION, and clients
 * ask again.
 */
#include "kbrokerd/api/auto_create.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum { TOPICS_BY_ID = 12 }; /* first version that takes an id for a name */

struct answer {
	struct view view;
	struct request *req;
	const struct metadata_request *request;
	const struct image *image;
	struct metadata_response response;
	struct slice *missing; /* names to be created */
	size_t missing_count;
};

/* Brokers */

static bool fill_brokers(struct answer *a)
{
	size_t count = image_broker_count(a->image);
	struct metadata_response *r = &a->response;

	r->brokers = wire_array(&metadata_response_brokers_desc, &a->req->arena,
				(int32_t)count);
	if (r->brokers == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct broker_image *from = image_broker_at(a->image, i);
		struct metadata_response_brokers *to =
			&r->brokers[r->brokers_count];

		if (from->fenced)
			continue;
		to->node_id = from->id;
		to->rack = slice_of(from->rack);
		view_endpoint(&a->view, from, &to->host, &to->port);
		r->brokers_count++;
	}
	return true;
}

/* Topics */

static void fill_partition(struct answer *a, const struct partition_image *p,
			   int32_t index,
			   struct metadata_response_topics_partitions *to)
{
	int32_t leader = view_leader(&a->view, p);

	*to = (struct metadata_response_topics_partitions){
		.error_code =
			leader >= 0 ? WIRE_NONE : WIRE_LEADER_NOT_AVAILABLE,
		.partition_index = index,
		.leader_id = leader,
		.leader_epoch = p->leader_epoch,
		/* The codec's structs do not say const. */
		.replica_nodes = (int32_t *)p->replicas,
		.replica_nodes_count = p->replica_count,
		.isr_nodes = (int32_t *)p->isr,
		.isr_nodes_count = p->isr_count,
	};
	to->offline_replicas_count =
		view_offline(&a->view, p, &to->offline_replicas);
}

/* The next place for a topic; room has been made. */
static struct metadata_response_topics *next_topic(struct answer *a)
{
	struct metadata_response_topics *to =
		&a->response.topics[a->response.topics_count++];

	wire_init(&metadata_response_topics_desc, to);
	return to;
}

static int add_topic(void *arg, const struct topic_image *topic)
{
	struct answer *a = arg;
	struct metadata_response_topics *to = next_topic(a);

	to->name = topic->name;
	to->topic_id = topic->id;
	to->is_internal = topic_name_is_internal(topic->name);
	if (a->request->include_topic_authorized_operations)
		to->topic_authorized_operations = view_topic_operations();
	to->partitions = arena_alloc(
		&a->req->arena,
		(size_t)topic->partition_count *
			sizeof(struct metadata_response_topics_partitions));
	if (to->partitions == NULL)
		return -1;
	to->partitions_count = topic->partition_count;
	for (int32_t i = 0; i < topic->partition_count; i++)
		fill_partition(a, &topic->partitions[i], i, &to->partitions[i]);
	return 0;
}

/* Should it be created, because somebody names it? */
static bool is_to_be_created(const struct answer *a, struct slice name)
{
	return a->request->allow_auto_topic_creation &&
	       a->req->broker->config->auto_create_topics &&
	       !slice_is(name, METADATA_TOPIC);
}

static int add_unknown(struct answer *a, struct slice name)
{
	struct metadata_response_topics *to = next_topic(a);

	to->name = name;
	if (!topic_name_is_valid(name)) {
		to->error_code = WIRE_INVALID_TOPIC_EXCEPTION;
		return 0;
	}
	to->error_code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	to->is_internal = topic_name_is_internal(name);
	if (a->request->include_topic_authorized_operations)
		to->topic_authorized_operations = view_topic_operations();
	if (is_to_be_created(a, name))
		a->missing[a->missing_count++] = name;
	return 0;
}

static int add_by_name(struct answer *a, struct slice name)
{
	const struct topic_image *topic = image_topic(a->image, name);

	return topic != NULL ? add_topic(a, topic) : add_unknown(a, name);
}

static int add_by_id(struct answer *a, struct uuid id)
{
	const struct topic_image *topic = image_topic_by_id(a->image, id);
	struct metadata_response_topics *to;

	if (topic != NULL)
		return add_topic(a, topic);
	to = next_topic(a);
	to->name = SLICE_NULL;
	to->topic_id = id;
	to->error_code = WIRE_UNKNOWN_TOPIC_ID;
	return 0;
}

static int make_room(struct answer *a, size_t count)
{
	a->response.topics = arena_calloc(&a->req->arena, count,
					  sizeof(*a->response.topics));
	a->missing = arena_calloc(&a->req->arena, count, sizeof(*a->missing));
	return a->response.topics == NULL || a->missing == NULL ? -1 : 0;
}

/* All topics are told to many, and the same to all who ask in one version:
 * encoded once, and kept with the image. */
static uint32_t memo_key(const struct answer *a)
{
	return (uint32_t)a->req->wire->key << 16 |
	       (uint32_t)a->req->version << 1 |
	       a->request->include_topic_authorized_operations;
}

static int encode_all(struct answer *a, struct buffer *bytes)
{
	struct metadata_response *r = &a->response;
	int rc = make_room(a, image_topic_count(a->image));

	if (rc == 0)
		rc = image_each_topic(a->image, add_topic, a);
	if (rc == 0)
		rc = wire_encode_array(&metadata_response_topics_desc,
				       a->req->version, r->topics,
				       r->topics_count, bytes);
	return rc;
}

static int add_all(struct answer *a)
{
	struct slice *memo = arena_calloc(&a->req->arena, 1, sizeof(*memo));
	struct buffer bytes = { 0 };

	if (memo == NULL)
		return -1;
	*memo = image_memo(a->image, memo_key(a));
	if (slice_is_null(*memo)) {
		if (encode_all(a, &bytes) < 0) {
			buffer_clear(&bytes);
			return -1;
		}
		*memo = image_keep_memo(a->image, memo_key(a), &bytes);
		buffer_clear(&bytes);
	}
	/* Else too many others are kept: the structs have been made. */
	if (!slice_is_null(*memo)) {
		a->response.topics = (void *)memo;
		a->response.topics_count = WIRE_ENCODED;
	}
	return 0;
}

static bool names_an_id(const struct metadata_request *request)
{
	for (int32_t i = 0; i < request->topics_count; i++) {
		if (!uuid_is_zero(request->topics[i].topic_id))
			return true;
	}
	return false;
}

/* Each once.  Where any is asked for by id, those without do not count: so
 * Kafka has it. */
static int add_asked(struct answer *a)
{
	const struct metadata_request *request = a->request;
	size_t count = (size_t)request->topics_count;
	bool by_id = names_an_id(request);
	struct slice *keys = arena_calloc(&a->req->arena, count, sizeof(*keys));
	enum name_mark *marks;
	int rc = make_room(a, count);

	if (keys == NULL || rc < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		keys[i] = request->topics[i].name;
		if (by_id)
			keys[i] = (struct slice){
				request->topics[i].topic_id.bytes, UUID_BYTES
			};
	}
	marks = controller_mark_names(keys, count, &a->req->arena);
	if (marks == NULL)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct uuid id = request->topics[i].topic_id;

		if (marks[i] == NAME_AGAIN || (by_id && uuid_is_zero(id)))
			continue;
		rc = by_id ? add_by_id(a, id)
			   : add_by_name(a, request->topics[i].name);
	}
	return rc;
}

/* What cannot be answered at all: an error for every topic. */
static int16_t check(const struct request *req,
		     const struct metadata_request *request)
{
	for (int32_t i = 0; i < request->topics_count; i++) {
		bool has_id = !uuid_is_zero(request->topics[i].topic_id);
		bool has_name = !slice_is_null(request->topics[i].name);

		if (req->version < TOPICS_BY_ID && (has_id || !has_name))
			return WIRE_INVALID_REQUEST;
		if (!has_id && !has_name)
			return WIRE_UNKNOWN_SERVER_ERROR;
	}
	return WIRE_NONE;
}

static void refuse(struct request *req, const struct metadata_request *request,
		   int16_t error_code)
{
	struct metadata_response response;

	wire_init(&metadata_response_desc, &response);
	response.error_code = error_code;
	response.topics = wire_array(&metadata_response_topics_desc,
				     &req->arena, request->topics_count);
	for (int32_t i = 0;
	     response.topics != NULL && i < request->topics_count; i++) {
		response.topics[i].error_code = error_code;
		response.topics[i].name = slice_is_null(request->topics[i].name)
						  ? slice_of("")
						  : request->topics[i].name;
		response.topics[i].topic_id = request->topics[i].topic_id;
		response.topics_count++;
	}
	request_reply(req, &response);
}

static int fill(struct answer *a)
{
	const struct metadata_request *request = a->request;
	bool all = request->topics_count < 0 ||
		   (a->req->version == 0 && request->topics_count == 0);

	if (!fill_brokers(a))
		return -1;
	a->response.cluster_id = slice_of(a->req->broker->identity.cluster_id);
	a->response.controller_id = a->view.own_id;
	if (request->include_cluster_authorized_operations)
		a->response.cluster_authorized_operations =
			view_cluster_operations();
	return all ? add_all(a) : add_asked(a);
}

void api_metadata(struct request *req)
{
	const struct metadata_request *request = req->message;
	struct answer a = { .req = req, .request = request };
	int16_t error_code = check(req, request);

	if (error_code != WIRE_NONE) {
		refuse(req, request, error_code);
		return;
	}
	a.image = metadata_image(req->broker->metadata);
	view_init(&a.view, req, a.image);
	wire_init(&metadata_response_desc, &a.response);
	if (fill(&a) < 0) {
		request_close(req, "out of memory");
	} else {
		if (a.missing_count > 0)
			auto_create_topics(req, a.missing, a.missing_count);
		request_reply(req, &a.response);
	}
	image_release(a.image);
}
