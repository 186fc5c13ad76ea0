/*
 * quorum.c - DescribeQuorum: who votes on the metadata, and how far they are
 *
 * The quorum of one: this node leads it and is all there is of it.
 */
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/feature_level.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/errors.h"
#include "wire/messages.h"

static bool asks_for_the_quorum(const struct describe_quorum_request *request)
{
	return request->topics_count == 1 &&
	       slice_is(request->topics[0].topic_name, METADATA_TOPIC) &&
	       request->topics[0].partitions_count == 1 &&
	       request->topics[0].partitions[0].partition_index == 0;
}

static void *partitions_of(struct request *req, int32_t count)
{
	return wire_array(&describe_quorum_response_topics_partitions_desc,
			  &req->arena, count);
}

/* Nothing else has a quorum: an error for each partition. */
static void refuse(struct request *req,
		   const struct describe_quorum_request *request,
		   struct describe_quorum_response *response)
{
	for (int32_t i = 0; i < request->topics_count; i++) {
		struct describe_quorum_response_topics *to =
			&response->topics[i];
		int32_t count = request->topics[i].partitions_count;

		response->topics_count++;
		to->topic_name = request->topics[i].topic_name;
		to->partitions = partitions_of(req, count);
		for (int32_t j = 0; to->partitions != NULL && j < count; j++) {
			struct describe_quorum_response_topics_partitions *p =
				&to->partitions[j];

			p->partition_index = request->topics[i]
						     .partitions[j]
						     .partition_index;
			p->error_code = WIRE_UNKNOWN_TOPIC_OR_PARTITION;
			p->error_message =
				slice_of(wire_error_text(p->error_code));
			to->partitions_count++;
		}
	}
}

/* The log ends at the offset behind the image's last record: what is in the
 * image is on disk, and what is not was not answered. */
static int fill_partition(struct request *req, const struct image *image,
			  struct describe_quorum_response_topics_partitions *to)
{
	const struct broker *broker = req->broker;
	int64_t end = image_offset(image) + 1;

	to->current_voters = wire_array(
		&describe_quorum_response_topics_partitions_current_voters_desc,
		&req->arena, 1);
	if (to->current_voters == NULL)
		return -1;
	to->leader_id = broker->identity.node_id;
	to->leader_epoch = metadata_leader_epoch(broker->metadata);
	to->high_watermark = end;
	to->current_voters_count = 1;
	to->current_voters[0].replica_id = broker->identity.node_id;
	/* Voters that are fixed by settings are known by their ids alone. */
	if (feature_level(image, KRAFT_VERSION) > 0)
		to->current_voters[0].replica_directory_id =
			broker->identity.directory_id;
	to->current_voters[0].log_end_offset = end;
	to->current_voters[0].last_fetch_timestamp = request_now_ms(req);
	to->current_voters[0].last_caught_up_timestamp = request_now_ms(req);
	return 0;
}

static int fill_node(struct request *req, const struct image *image,
		     struct describe_quorum_response *response)
{
	const struct register_controller_record *node = view_controller(
		image, req->broker->identity.node_id, &req->arena);
	struct describe_quorum_response_nodes *to;

	response->nodes = wire_array(&describe_quorum_response_nodes_desc,
				     &req->arena, 1);
	if (response->nodes == NULL)
		return -1;
	response->nodes_count = 1;
	to = &response->nodes[0];
	to->node_id = req->broker->identity.node_id;
	if (node == NULL)
		return 0;
	to->listeners =
		wire_array(&describe_quorum_response_nodes_listeners_desc,
			   &req->arena, node->end_points_count);
	if (to->listeners == NULL)
		return -1;
	for (int32_t i = 0; i < node->end_points_count; i++) {
		to->listeners[i].name = node->end_points[i].name;
		to->listeners[i].host = node->end_points[i].host;
		to->listeners[i].port = node->end_points[i].port;
		to->listeners_count++;
	}
	return 0;
}

static int fill(struct request *req, const struct image *image,
		struct describe_quorum_response *response)
{
	struct describe_quorum_response_topics *topic = &response->topics[0];

	topic->topic_name = slice_of(METADATA_TOPIC);
	topic->partitions = partitions_of(req, 1);
	if (topic->partitions == NULL ||
	    fill_partition(req, image, &topic->partitions[0]) < 0)
		return -1;
	topic->partitions_count = 1;
	response->topics_count = 1;
	return fill_node(req, image, response);
}

void api_describe_quorum(struct request *req)
{
	const struct describe_quorum_request *request = req->message;
	struct describe_quorum_response response;
	const struct image *image = metadata_image(req->broker->metadata);
	int rc = 0;

	wire_init(&describe_quorum_response_desc, &response);
	response.topics = wire_array(&describe_quorum_response_topics_desc,
				     &req->arena, request->topics_count);
	if (response.topics == NULL)
		rc = -1;
	else if (asks_for_the_quorum(request))
		rc = fill(req, image, &response);
	else
		refuse(req, request, &response);
	if (rc < 0)
		request_close(req, "out of memory");
	else
		request_reply(req, &response);
	image_release(image);
}
