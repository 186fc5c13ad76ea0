/*
 * produce.c - Produce: append what clients send
 *
 * Each batch is checked where it lies in the receive buffer, without a lock,
 * and appended.  Partitions fail one by one.  With acks 0 there is no answer,
 * and an error ends the connection, as that is all that can be told.
 *
 * With acks all under flush.mode=commit the request waits until the high
 * watermarks have passed its records, which is when they are on disk.  Who
 * starts the sync is decided at the end of the turn of the event loop, when
 * all that was received has been appended:
 *
 *  - a request that waits alone, while syncs are short, syncs on its own
 *    thread: handing it over and back would take longer than it saves
 *  - else the flusher does it, and one sync answers all who wait
 *
 * The first to append since the last sync began decides for all.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "kbrokerd/api/produce_batch.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"

enum {
	ACKS_ALL = -1,
	ACKS_NONE = 0,
	ACKS_LEADER = 1,
	TOPIC_ID_VERSION = 13,
	SYNC_HERE_MAX_US = 2000,
	/* What a client may take for no time at all, as Kafka never waits on
	 * one node. */
	TIMEOUT_LEAST_MS = 1000,
};

/* One partition of a request. */
struct part {
	produced_row *row;
	struct partition *partition; /* a reference, while it waits */
	struct partition_waiter waiter;
	bool waiting;
	bool sync; /* we promised to start one */
};

/* A request at work; in its arena. */
struct produce {
	struct produce_response response;
	struct part *parts;
	size_t part_count;
	size_t waiting;
	size_t failed;
	struct partition_wait_set waits;
	int64_t deadline_us;
	bool deciding; /* until the end of this turn */
	bool counted;  /* among those that wait for a sync */
};

/* Checking the topic */

static bool is_internal(struct slice name)
{
	return slice_is(name, "__consumer_offsets") ||
	       slice_is(name, "__transaction_state") ||
	       slice_is(name, "__share_group_state");
}

/* Fewer in-sync replicas than the topic wants of those it has? */
static bool lacks_replicas(const struct produce_batch *b)
{
	const struct produce_request *message = b->req->message;
	const struct partition_image *p = &b->topic->partitions[b->index];
	int32_t least = b->config.min_insync_replicas;

	if (least > p->replica_count)
		least = p->replica_count;
	return message->acks == ACKS_ALL && p->isr_count < least;
}

/* Is the disk so full that records are refused?  That room may come back is
 * hoped for a while only: who just tries again would never say why. */
static bool lacks_room(const struct produce_batch *b, produced_row *row)
{
	struct request *req = b->req;
	char why[512];
	enum room_verdict verdict =
		partition_table_room(req->broker->partitions, b->bytes.len,
				     request_now_us(req), why, sizeof(why));

	/* Writes fail for lack of room?  It is to be seen by writing. */
	if (verdict == ROOM_ENOUGH ||
	    !partition_table_is_short(req->broker->partitions))
		return false;
	produce_fail(req, row,
		     verdict == ROOM_SHORT ? WIRE_KAFKA_STORAGE_ERROR
					   : WIRE_POLICY_VIOLATION,
		     "%s", why);
	return true;
}

static struct partition *find_partition(struct produce_batch *b,
					const struct image *image,
					produced_row *row)
{
	struct request *req = b->req;
	struct partition *p = NULL;

	if (b->topic == NULL)
		produce_fail(req, row,
			     req->version >= TOPIC_ID_VERSION
				     ? WIRE_UNKNOWN_TOPIC_ID
				     : WIRE_UNKNOWN_TOPIC_OR_PARTITION,
			     "there is no such topic");
	else if (b->index < 0 || b->index >= b->topic->partition_count)
		produce_fail(req, row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
			     "the topic has %" PRId32 " partitions",
			     b->topic->partition_count);
	else if (is_internal(b->topic->name) &&
		 !slice_is(req->client_id, "__admin_client"))
		produce_fail(req, row, WIRE_INVALID_TOPIC_EXCEPTION,
			     "the topic is the broker's own");
	else if (produce_batch_check_form(b, row)) {
		p = partition_find(req->broker->partitions, image, b->topic,
				   b->index);
		if (p == NULL)
			produce_fail(req, row, WIRE_NOT_LEADER_OR_FOLLOWER,
				     "this broker does not lead the partition");
	}
	return p;
}

/* Appending */

/* Wait for the high watermark, if it has still to come. */
static void wait_for_sync(struct produce *produce, struct part *part,
			  int64_t last_offset)
{
	part->waiter.set = &produce->waits;
	part->waiter.above = last_offset;
	part->waiting = partition_wait(part->partition, &part->waiter);
	if (part->waiting)
		produce->waiting++;
}

static void append(struct produce *produce, struct part *part,
		   struct produce_batch *b)
{
	const struct produce_request *message = b->req->message;
	uint8_t *batch = (uint8_t *)b->bytes.data;
	produced_row *row = part->row;
	struct log_appended appended;
	enum log_refusal refusal;
	int rc;

	if (message->acks == ACKS_ALL)
		rc = partition_append_deferred(part->partition, batch,
					       &b->header, &appended, &refusal,
					       &part->sync);
	else
		rc = partition_append(part->partition, batch, &b->header,
				      &appended, &refusal);
	if (rc < 0) {
		produce_batch_fail_append(b, row, rc, refusal);
		return;
	}
	row->base_offset = appended.base_offset;
	row->log_append_time_ms = appended.duplicate
					  ? b->header.max_timestamp_ms
					  : appended.log_append_time_ms;
	row->log_start_offset = appended.log_start_offset;
	if (message->acks == ACKS_ALL)
		wait_for_sync(produce, part, appended.last_offset);
}

/* Kafka tells it with refusals that are about records, not about bytes. */
static void tell_log_start(struct part *part)
{
	struct partition_offsets now;

	switch (part->row->error_code) {
	case WIRE_MESSAGE_TOO_LARGE:
	case WIRE_RECORD_LIST_TOO_LARGE:
	case WIRE_CORRUPT_MESSAGE:
	case WIRE_KAFKA_STORAGE_ERROR:
	case WIRE_UNKNOWN_TOPIC_OR_PARTITION:
	case WIRE_NOT_LEADER_OR_FOLLOWER:
	case WIRE_NOT_ENOUGH_REPLICAS:
	case WIRE_INVALID_TXN_STATE:
	case WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return;
	default:
		if (partition_offsets(part->partition, &now) == 0)
			part->row->log_start_offset = now.log_start;
	}
}

static void handle_part(struct produce *produce, struct part *part,
			struct produce_batch *b, const struct image *image)
{
	produced_row *row = part->row;

	part->partition = find_partition(b, image, row);
	if (part->partition == NULL)
		return;
	partition_topic_config(part->partition, &b->config);
	if (lacks_replicas(b))
		produce_fail(b->req, row, WIRE_NOT_ENOUGH_REPLICAS,
			     "fewer in-sync replicas than "
			     "min.insync.replicas=%" PRId32,
			     b->config.min_insync_replicas);
	else if (!lacks_room(b, row) && produce_batch_check(b, row))
		append(produce, part, b);
	if (row->error_code != WIRE_NONE)
		tell_log_start(part);
}

static void release_part(struct part *part)
{
	partition_unwait(&part->waiter);
	partition_release(part->partition);
	part->partition = NULL;
}

static const struct topic_image *find_topic(
	const struct request *req, const struct image *image,
	const struct produce_request_topic_data *from)
{
	return req->version >= TOPIC_ID_VERSION
		       ? image_topic_by_id(image, from->topic_id)
		       : image_topic(image, from->name);
}

static void handle_topic(struct request *req, struct produce *produce,
			 const struct image *image,
			 const struct produce_request_topic_data *from,
			 struct produce_response_responses *to)
{
	const struct produce_request *message = req->message;
	struct produce_batch b = {
		.req = req,
		.topic = find_topic(req, image, from),
	};

	to->name = from->name;
	to->topic_id = from->topic_id;
	for (int32_t i = 0; i < from->partition_data_count; i++) {
		struct part *part = &produce->parts[produce->part_count++];

		part->row = &to->partition_responses[i];
		part->row->index = from->partition_data[i].index;
		b.index = part->row->index;
		b.bytes = (struct slice){
			from->partition_data[i].records.data,
			from->partition_data[i].records.len,
		};
		if (message->acks < ACKS_ALL || message->acks > ACKS_LEADER)
			produce_fail(req, part->row, WIRE_INVALID_REQUIRED_ACKS,
				     "acks is %d, and must be -1, 0 or 1",
				     message->acks);
		else
			handle_part(produce, part, &b, image);
		buffer_clear(&b.repacked);
		if (part->row->error_code != WIRE_NONE)
			produce->failed++;
		if (!part->waiting && !part->sync)
			release_part(part);
	}
}

/* Rows for all topics and partitions of the request. */
static int make_rows(struct request *req, struct produce *produce)
{
	const struct produce_request *message = req->message;
	struct produce_response *response = &produce->response;
	size_t count = 0;

	wire_init(&produce_response_desc, response);
	response->responses =
		wire_array(&produce_response_responses_desc, &req->arena,
			   message->topic_data_count);
	if (response->responses == NULL)
		return -ENOMEM;
	response->responses_count = message->topic_data_count;
	for (int32_t i = 0; i < message->topic_data_count; i++) {
		int32_t n = message->topic_data[i].partition_data_count;
		struct produce_response_responses *to = &response->responses[i];

		to->partition_responses = wire_array(
			&produce_response_responses_partition_responses_desc,
			&req->arena, n);
		if (to->partition_responses == NULL)
			return -ENOMEM;
		to->partition_responses_count = n;
		count += (size_t)n;
	}
	produce->parts =
		arena_calloc(&req->arena, count, sizeof(*produce->parts));
	return produce->parts == NULL ? -ENOMEM : 0;
}

/* Waiting */

static void reply(struct request *req, struct produce *produce)
{
	if (produce->counted)
		partition_table_count_commits(req->broker->partitions, -1);
	partition_wait_set_clear(&produce->waits);
	request_reply(req, &produce->response);
}

static void on_ready(void *arg)
{
	request_wake(arg);
}

/* Is it on disk, or lost?  Else it waits on. */
static void settle(struct request *req, struct produce *produce,
		   struct part *part)
{
	struct partition_offsets now;
	int rc;

	do {
		rc = partition_offsets(part->partition, &now);
		if (rc < 0 || now.high_watermark > part->waiter.above)
			break;
	} while (!partition_wait(part->partition, &part->waiter));
	if (rc == 0 && now.high_watermark <= part->waiter.above)
		return;
	if (rc == -ENOENT)
		produce_fail(req, part->row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
			     "the topic was deleted");
	else if (rc < 0)
		produce_fail(req, part->row, WIRE_KAFKA_STORAGE_ERROR,
			     "the records may not be on disk: %s",
			     strerror(-rc));
	part->waiting = false;
	produce->waiting--;
	release_part(part);
}

static void start_syncs(struct produce *produce)
{
	for (size_t i = 0; i < produce->part_count; i++) {
		struct part *part = &produce->parts[i];

		if (!part->sync)
			continue;
		part->sync = false;
		if (part->partition != NULL)
			partition_sync_start(part->partition);
		if (!part->waiting)
			release_part(part);
	}
}

/* Sync on this thread, if that is the quickest way to an answer. */
static bool sync_here(struct request *req, struct produce *produce)
{
	struct partition_table *table = req->broker->partitions;
	struct part *part = &produce->parts[0];

	if (produce->part_count != 1 || !part->sync || !part->waiting ||
	    partition_table_count_commits(table, 0) != 1 ||
	    partition_table_sync_us(table) > SYNC_HERE_MAX_US)
		return false;
	/* Not to be woken by ourselves. */
	partition_unwait(&part->waiter);
	part->sync = false;
	partition_sync_run(part->partition);
	settle(req, produce, part);
	return true;
}

static void park(struct request *req, struct produce *produce)
{
	request_park(req, produce->deciding ? request_now_us(req)
					    : produce->deadline_us);
}

/* The end of the turn in which the request came. */
static void on_turn_over(struct request *req, struct produce *produce)
{
	produce->deciding = false;
	if (!sync_here(req, produce))
		start_syncs(produce);
	if (produce->waiting == 0)
		reply(req, produce);
	else
		park(req, produce);
}

static void on_deadline(struct request *req)
{
	struct produce *produce = req->state;

	if (produce->deciding) {
		on_turn_over(req, produce);
		return;
	}
	for (size_t i = 0; i < produce->part_count; i++) {
		struct part *part = &produce->parts[i];

		if (!part->waiting)
			continue;
		part->row->error_code = WIRE_REQUEST_TIMED_OUT;
		release_part(part);
	}
	reply(req, produce);
}

static void on_wake(struct request *req)
{
	struct produce *produce = req->state;
	struct partition_waiter *w;

	while ((w = partition_wait_set_take(&produce->waits)) != NULL)
		settle(req, produce,
		       (struct part *)((char *)w -
				       offsetof(struct part, waiter)));
	if (produce->waiting > 0) {
		park(req, produce);
		return;
	}
	start_syncs(produce);
	reply(req, produce);
}

static void on_drop(struct request *req)
{
	struct produce *produce = req->state;

	/* Others may count on our promise. */
	start_syncs(produce);
	for (size_t i = 0; i < produce->part_count; i++)
		release_part(&produce->parts[i]);
	partition_wait_set_clear(&produce->waits);
	partition_table_count_commits(req->broker->partitions, -1);
}

/* The topics' names lie in the frame, which goes. */
static int keep_names(struct request *req, struct produce_response *response)
{
	for (int32_t i = 0; i < response->responses_count; i++) {
		struct slice *name = &response->responses[i].name;

		if (slice_is_null(*name))
			continue;
		*name = arena_copy(&req->arena, *name);
		if (slice_is_null(*name))
			return -ENOMEM;
	}
	return 0;
}

static void wait_or_reply(struct request *req, struct produce *produce)
{
	const struct produce_request *message = req->message;
	int64_t timeout_ms = message->timeout_ms > 0 ? message->timeout_ms
						     : TIMEOUT_LEAST_MS;

	if (produce->waiting == 0) {
		start_syncs(produce);
		reply(req, produce);
		return;
	}
	partition_table_count_commits(req->broker->partitions, 1);
	produce->counted = true;
	req->state = produce;
	if (keep_names(req, &produce->response) < 0) {
		on_drop(req);
		request_close(req, "out of memory");
		return;
	}
	for (size_t i = 0; i < produce->part_count; i++)
		produce->deciding = produce->deciding || produce->parts[i].sync;
	produce->deadline_us = request_now_us(req) + timeout_ms * 1000;
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	park(req, produce);
	partition_wait_set_listen(&produce->waits, on_ready, req);
}

void api_produce(struct request *req)
{
	const struct produce_request *message = req->message;
	struct produce *produce =
		arena_calloc(&req->arena, 1, sizeof(*produce));
	const struct image *image;

	if (produce == NULL || make_rows(req, produce) < 0) {
		request_close(req, "out of memory");
		return;
	}
	partition_wait_set_init(&produce->waits);
	image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < message->topic_data_count; i++)
		handle_topic(req, produce, image, &message->topic_data[i],
			     &produce->response.responses[i]);
	image_release(image);
	if (message->acks != ACKS_NONE)
		wait_or_reply(req, produce);
	else if (produce->failed == 0)
		request_end(req);
	else
		request_close(req, "produce with acks=0 failed");
}
