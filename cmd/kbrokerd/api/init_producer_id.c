/*
 * init_producer_id.c - InitProducerId: ids for idempotent producers
 *
 * Without a transactional id every request gets a new id, epoch 0, whatever
 * id it names.  Transactions do not exist yet.
 */
#include <errno.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/producer_ids.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct wait {
	struct producer_ids_waiter waiter;
	struct request *req;
};

static void reply(struct request *req, int16_t error_code, int64_t id)
{
	struct init_producer_id_response response;

	wire_init(&init_producer_id_response_desc, &response);
	response.error_code = error_code;
	response.producer_id = id;
	response.producer_epoch = error_code == WIRE_NONE ? 0 : -1;
	request_reply(req, &response);
}

static int16_t check(const struct init_producer_id_request *request)
{
	bool has_id = request->producer_id != -1;
	bool has_epoch = request->producer_epoch != -1;

	if (has_id != has_epoch)
		return WIRE_INVALID_REQUEST;
	if (slice_is_null(request->transactional_id))
		return WIRE_NONE;
	return request->transactional_id.len == 0
		       ? WIRE_INVALID_REQUEST
		       : WIRE_COORDINATOR_NOT_AVAILABLE;
}

static void wake(struct producer_ids_waiter *waiter)
{
	request_wake(((struct wait *)waiter)->req);
}

static void take(struct request *req)
{
	struct wait *wait = req->state;
	int64_t id = producer_ids_take(
		metadata_producer_ids(req->broker->metadata), &wait->waiter);

	if (id >= 0)
		reply(req, WIRE_NONE, id);
	else
		request_park(req, INT64_MAX);
}

static void on_wake(struct request *req)
{
	struct wait *wait = req->state;

	if (wait->waiter.error_code != WIRE_NONE)
		reply(req, WIRE_COORDINATOR_NOT_AVAILABLE, -1);
	else
		take(req);
}

static void on_drop(struct request *req)
{
	struct wait *wait = req->state;

	producer_ids_unwait(metadata_producer_ids(req->broker->metadata),
			    &wait->waiter);
}

void api_init_producer_id(struct request *req)
{
	const struct init_producer_id_request *request = req->message;
	int16_t error_code = check(request);
	struct wait *wait;

	if (error_code != WIRE_NONE) {
		reply(req, error_code, -1);
		return;
	}
	wait = arena_calloc(&req->arena, 1, sizeof(*wait));
	if (wait == NULL) {
		request_close(req, "out of memory");
		return;
	}
	wait->waiter.wake = wake;
	wait->req = req;
	req->state = wait;
	req->on_wake = on_wake;
	req->on_drop = on_drop;
	take(req);
}
