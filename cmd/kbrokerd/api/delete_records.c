/*
 * delete_records.c - DeleteRecords: move a partition's log start (KIP-107)
 *
 * Readers see it at once; whole segments below it go, their files a little
 * later.  It is answered when the log start checkpoint is on disk: what was
 * said to be deleted does not come back with a crash.
 */
#include <errno.h>

#include "kbrokerd/api/hosted.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	AT_HIGH_WATERMARK = -1,
	LOW_WATERMARK_NONE = -1,
	/* For who gives no time at all. */
	TIMEOUT_LEAST_MS = 1000,
};

typedef struct delete_records_request_topics_partitions asked_row;
typedef struct delete_records_response_topics_partitions answered_row;

/* A request at work; in its arena. */
struct deletion {
	struct delete_records_response response;
	struct checkpoint_waiter waiter;
	struct request *req;
	bool any; /* something was deleted */
};

/* Deleting */

struct trim {
	int64_t offset;    /* as asked for */
	int64_t start_out; /* the log start offset after it */
};

static int run_trim(void *arg, struct log *log,
		    const struct partition_offsets *offsets)
{
	struct trim *trim = arg;
	int64_t offset = trim->offset == AT_HIGH_WATERMARK
				 ? offsets->high_watermark
				 : trim->offset;
	int rc = 0;

	if (offset < 0 || offset > offsets->high_watermark)
		return -ERANGE;
	if (offset > offsets->log_start)
		rc = log_set_start_offset(log, offset);
	trim->start_out = log_start_offset(log);
	return rc;
}

/* Compaction alone says when a record goes. */
static bool may_delete(struct partition *p)
{
	struct topic_config config;

	partition_topic_config(p, &config);
	return config.delete_old || !config.compact;
}

static int16_t delete_from(struct request *req, const struct image *image,
			   const struct topic_image *topic,
			   const asked_row *asked, int64_t *start_out)
{
	struct trim trim = { .offset = asked->offset };
	struct partition *p;
	int16_t error;

	if (topic != NULL && topic_name_is_internal(topic->name))
		return WIRE_INVALID_TOPIC_EXCEPTION;
	error = hosted_find(req, image, topic, asked->partition_index, &p);
	if (error == WIRE_NONE && !may_delete(p))
		error = WIRE_POLICY_VIOLATION;
	if (error == WIRE_NONE)
		error = hosted_error(partition_with_log(p, run_trim, &trim));
	if (error == WIRE_NONE)
		*start_out = trim.start_out;
	partition_release(p);
	return error;
}

static int delete_from_topic(struct deletion *d, const struct image *image,
			     const struct delete_records_request_topics *from,
			     struct delete_records_response_topics *to)
{
	struct request *req = d->req;
	const struct topic_image *topic = image_topic(image, from->name);

	to->name = arena_copy(&req->arena, from->name);
	to->partitions =
		wire_array(&delete_records_response_topics_partitions_desc,
			   &req->arena, from->partitions_count);
	if (to->partitions == NULL || slice_is_null(to->name))
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < from->partitions_count; i++) {
		answered_row *row = &to->partitions[i];

		row->partition_index = from->partitions[i].partition_index;
		row->low_watermark = LOW_WATERMARK_NONE;
		row->error_code =
			delete_from(req, image, topic, &from->partitions[i],
				    &row->low_watermark);
		d->any = d->any || row->error_code == WIRE_NONE;
	}
	return 0;
}

/* Waiting for the checkpoint */

/* What was deleted may come back: that is no success. */
static void fail_all(struct deletion *d, int16_t error)
{
	for (int32_t i = 0; i < d->response.topics_count; i++) {
		struct delete_records_response_topics *topic =
			&d->response.topics[i];

		for (int32_t k = 0; k < topic->partitions_count; k++) {
			answered_row *row = &topic->partitions[k];

			if (row->error_code != WIRE_NONE)
				continue;
			row->error_code = error;
			row->low_watermark = LOW_WATERMARK_NONE;
		}
	}
}

static void wake(struct checkpoint_waiter *waiter)
{
	struct deletion *d =
		(struct deletion *)((char *)waiter -
				    offsetof(struct deletion, waiter));

	request_wake(d->req);
}

static void on_wake(struct request *req)
{
	struct deletion *d = req->state;

	if (d->waiter.rc < 0)
		fail_all(d, WIRE_KAFKA_STORAGE_ERROR);
	request_reply(req, &d->response);
}

static void on_drop(struct request *req)
{
	struct deletion *d = req->state;

	partition_table_unwait_checkpoint(req->broker->partitions, &d->waiter);
}

static void on_deadline(struct request *req)
{
	struct deletion *d = req->state;

	on_drop(req);
	fail_all(d, WIRE_REQUEST_TIMED_OUT);
	request_reply(req, &d->response);
}

static void wait_for_checkpoint(struct request *req, struct deletion *d)
{
	const struct delete_records_request *message = req->message;
	int64_t timeout_ms = message->timeout_ms > TIMEOUT_LEAST_MS
				     ? message->timeout_ms
				     : TIMEOUT_LEAST_MS;

	d->waiter.wake = wake;
	req->state = d;
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	request_park(req, request_now_us(req) + timeout_ms * 1000);
	partition_table_wait_checkpoint(req->broker->partitions, &d->waiter);
}

void api_delete_records(struct request *req)
{
	const struct delete_records_request *message = req->message;
	struct deletion *d = arena_calloc(&req->arena, 1, sizeof(*d));
	const struct image *image;
	int rc = 0;

	if (d == NULL) {
		request_close(req, "out of memory");
		return;
	}
	d->req = req;
	wire_init(&delete_records_response_desc, &d->response);
	d->response.topics = wire_array(&delete_records_response_topics_desc,
					&req->arena, message->topics_count);
	if (d->response.topics == NULL)
		rc = -ENOMEM;
	image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < message->topics_count && rc == 0; i++)
		rc = delete_from_topic(
			d, image, &message->topics[i],
			&d->response.topics[d->response.topics_count++]);
	image_release(image);
	if (rc < 0)
		request_close(req, "out of memory");
	else if (d->any)
		wait_for_checkpoint(req, d);
	else
		request_reply(req, &d->response);
}
