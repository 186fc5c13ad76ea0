/*
 * cluster.c - DescribeCluster: who is in the cluster
 */
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "wire/enums.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

static void *room_for(struct request *req, size_t count)
{
	return wire_array(&describe_cluster_response_brokers_desc, &req->arena,
			  (int32_t)count);
}

static void fill_brokers(struct request *req, const struct image *image,
			 bool with_fenced, struct describe_cluster_response *to)
{
	size_t count = image_broker_count(image);
	struct view view;

	view_init(&view, req, image);
	to->brokers = room_for(req, count);
	for (size_t i = 0; to->brokers != NULL && i < count; i++) {
		const struct broker_image *from = image_broker_at(image, i);
		struct describe_cluster_response_brokers *broker =
			&to->brokers[to->brokers_count];

		if (from->fenced && !with_fenced)
			continue;
		broker->broker_id = from->id;
		broker->rack = slice_of(from->rack);
		broker->is_fenced = from->fenced;
		view_endpoint(&view, from, &broker->host, &broker->port);
		to->brokers_count++;
	}
}

/* The quorum is this node alone: where the client came in. */
static void fill_controllers(struct request *req,
			     struct describe_cluster_response *to)
{
	struct endpoint own;

	to->brokers = room_for(req, 1);
	if (to->brokers == NULL)
		return;
	request_advertised(req, &own);
	to->brokers_count = 1;
	to->brokers[0].broker_id = req->broker->identity.node_id;
	to->brokers[0].host = arena_copy(&req->arena, slice_of(own.host));
	to->brokers[0].port = own.port;
}

static int16_t check(struct request *req,
		     const struct describe_cluster_request *request,
		     const char **text_out)
{
	int8_t wanted = request_on_controller_listener(req)
				? WIRE_ENDPOINT_TYPE_CONTROLLER
				: WIRE_ENDPOINT_TYPE_BROKER;

	if (request->endpoint_type == wanted)
		return WIRE_NONE;
	if (request->endpoint_type != WIRE_ENDPOINT_TYPE_BROKER &&
	    request->endpoint_type != WIRE_ENDPOINT_TYPE_CONTROLLER) {
		*text_out = arena_printf(&req->arena,
					 "Unsupported endpoint type %d",
					 request->endpoint_type);
		return WIRE_UNSUPPORTED_ENDPOINT_TYPE;
	}
	*text_out =
		wanted == WIRE_ENDPOINT_TYPE_BROKER
			? "The request was sent to an endpoint of type BROKER, "
			  "but we wanted an endpoint of type CONTROLLER"
			: "The request was sent to an endpoint of type "
			  "CONTROLLER, but we wanted an endpoint of type "
			  "BROKER";
	return WIRE_MISMATCHED_ENDPOINT_TYPE;
}

void api_describe_cluster(struct request *req)
{
	const struct describe_cluster_request *request = req->message;
	struct describe_cluster_response response;
	const struct image *image;
	const char *text = NULL;

	wire_init(&describe_cluster_response_desc, &response);
	response.error_code = check(req, request, &text);
	response.error_message = slice_of(text);
	if (response.error_code != WIRE_NONE) {
		request_reply(req, &response);
		return;
	}
	response.endpoint_type = request->endpoint_type;
	image = metadata_image(req->broker->metadata);
	response.cluster_id = slice_of(req->broker->identity.cluster_id);
	response.controller_id = req->broker->identity.node_id;
	if (request_on_controller_listener(req))
		fill_controllers(req, &response);
	else
		fill_brokers(req, image, request->include_fenced_brokers,
			     &response);
	if (request->include_cluster_authorized_operations)
		response.cluster_authorized_operations =
			view_cluster_operations();
	request_reply(req, &response);
	image_release(image);
}
