/*
 * controller_producer_ids.c - blocks of producer ids for brokers to hand out
 */
#include "kbrokerd/metadata/controller.h"
#include "wire/errors.h"
#include "wire/messages.h"

void controller_allocate_producer_ids(const struct controller *c,
				      struct metadata_change *change)
{
	const struct allocate_producer_ids_request *req = change->request;
	struct allocate_producer_ids_response *resp = change->response;
	const struct broker_image *broker =
		image_broker(c->image, req->broker_id);
	int64_t next = image_next_producer_id(c->image);
	struct producer_ids_record r;

	if (broker == NULL) {
		resp->error_code = WIRE_BROKER_ID_NOT_REGISTERED;
	} else if (broker->epoch != req->broker_epoch) {
		resp->error_code = WIRE_STALE_BROKER_EPOCH;
	} else if (next > INT64_MAX - PRODUCER_ID_BLOCK) {
		resp->error_code = WIRE_UNKNOWN_SERVER_ERROR;
	} else {
		wire_init(&producer_ids_record_desc, &r);
		r.broker_id = req->broker_id;
		r.broker_epoch = req->broker_epoch;
		r.next_producer_id = next + PRODUCER_ID_BLOCK;
		controller_add(c, &producer_ids_record_desc, &r);
		resp->producer_id_start = next;
		resp->producer_id_len = PRODUCER_ID_BLOCK;
	}
}
