/*
 * fetch_look.c - one look at what is fetched
 */
#include "kbrokerd/api/fetch_look.h"

#include <errno.h>

#include "kbrokerd/broker.h"
#include "wire/error_codes.h"

enum {
	STORAGE_ERROR_VERSION = 6, /* the first that knows it */
	CURRENT_LEADER_VERSION = 16,
};

/* Entries and their partitions */

void fetch_entry_forget(struct fetch_entry *e)
{
	partition_unwait(&e->waiter);
	e->hooked = false;
	partition_release(e->partition);
	e->partition = NULL;
}

static int16_t resolve(struct fetch_look *look, struct fetch_entry *e)
{
	struct broker *broker = look->req->broker;
	bool by_id = slice_is_null(e->topic->name);
	const struct topic_image *topic;

	if (e->partition != NULL)
		return WIRE_NONE;
	if (look->image == NULL)
		look->image = metadata_image(broker->metadata);
	topic = by_id ? image_topic_by_id(look->image, e->topic->id)
		      : image_topic(look->image, e->topic->name);
	if (topic == NULL)
		return by_id ? WIRE_UNKNOWN_TOPIC_ID
			     : WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	if (e->partition_index < 0 ||
	    e->partition_index >= topic->partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	e->partition = partition_find(broker->partitions, look->image, topic,
				      e->partition_index);
	e->on_forget = fetch_entry_forget;
	return e->partition == NULL ? WIRE_NOT_LEADER_OR_FOLLOWER : WIRE_NONE;
}

static int16_t check_epoch(const struct fetch_entry *e)
{
	int32_t epoch = partition_leader_epoch(e->partition);

	if (e->current_leader_epoch < 0 || e->current_leader_epoch == epoch)
		return WIRE_NONE;
	return e->current_leader_epoch < epoch ? WIRE_FENCED_LEADER_EPOCH
					       : WIRE_UNKNOWN_LEADER_EPOCH;
}

/* Does what the reader has end where its last epoch ended here (KIP-595)? */
struct divergence {
	int32_t epoch; /* of the reader's last record */
	int64_t fetch_offset;
	int32_t end_epoch; /* -1: it does not diverge */
	int64_t end_offset;
};

static int find_divergence(void *arg, struct log *log,
			   const struct partition_offsets *offsets)
{
	struct divergence *d = arg;
	int32_t epoch;
	int64_t end;

	log_end_offset_of_epoch(log, d->epoch, &epoch, &end);
	if (end < 0 || epoch < 0 || d->fetch_offset < offsets->log_start)
		return -ERANGE;
	if (epoch < d->epoch || end < d->fetch_offset) {
		d->end_epoch = epoch;
		d->end_offset = end;
	}
	return 0;
}

static int16_t error_of(int rc)
{
	switch (rc) {
	case 0:
		return WIRE_NONE;
	case -ERANGE:
		return WIRE_OFFSET_OUT_OF_RANGE;
	case -ENOENT:
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	default:
		return WIRE_KAFKA_STORAGE_ERROR;
	}
}

/* Looking */

/* Limits of one read. */
struct allowance {
	int64_t bytes;
	bool first; /* nothing was read so far: one batch in any case */
};

static int read_partition(struct fetch_entry *e, struct allowance allowance,
			  fetched_partition *out, struct log_slice *slice)
{
	struct divergence d = { e->last_fetched_epoch, e->fetch_offset, -1,
				-1 };
	int64_t bytes =
		e->max_bytes < allowance.bytes ? e->max_bytes : allowance.bytes;
	int rc = 0;

	if (e->last_fetched_epoch >= 0)
		rc = partition_with_log(e->partition, find_divergence, &d);
	if (rc == 0 && d.end_epoch >= 0) {
		out->diverging_epoch.epoch = d.end_epoch;
		out->diverging_epoch.end_offset = d.end_offset;
		return partition_offsets(e->partition, &e->seen);
	}
	if (rc < 0)
		return rc;
	return partition_read(e->partition, e->fetch_offset,
			      bytes > 0 ? (size_t)bytes : 0, allowance.first,
			      slice, &e->seen);
}

static int16_t read_entry(struct fetch_look *look, struct fetch_entry *e,
			  struct allowance allowance, fetched_partition *out,
			  struct log_slice *slice)
{
	int rc = -ENOENT;
	int16_t error;

	if (look->limits->follower)
		return WIRE_NOT_LEADER_OR_FOLLOWER;
	/* Twice: the topic may have been deleted and made anew. */
	for (int i = 0; i < 2 && rc == -ENOENT; i++) {
		error = resolve(look, e);
		if (error == WIRE_NONE)
			error = check_epoch(e);
		if (error != WIRE_NONE)
			return error;
		rc = read_partition(e, allowance, out, slice);
		if (rc == -ENOENT)
			fetch_entry_forget(e);
	}
	return error_of(rc);
}

/* Is there nothing new since the last look, as the waiter has not fired? */
static bool is_quiet(const struct fetch_entry *e)
{
	return e->hooked && e->fetch_offset >= e->seen.high_watermark;
}

static void fill_error(struct fetch_look *look, const struct fetch_entry *e,
		       int16_t error, fetched_partition *out)
{
	if (error == WIRE_KAFKA_STORAGE_ERROR &&
	    look->req->version < STORAGE_ERROR_VERSION)
		error = WIRE_NOT_LEADER_OR_FOLLOWER;
	out->error_code = error;
	out->high_watermark = -1;
	/* As Kafka: the list is there for what it does not know. */
	if (error != WIRE_UNKNOWN_TOPIC_OR_PARTITION &&
	    error != WIRE_UNKNOWN_TOPIC_ID)
		out->aborted_transactions_count = -1;
	if (error == WIRE_FENCED_LEADER_EPOCH &&
	    look->req->version >= CURRENT_LEADER_VERSION) {
		out->current_leader.leader_id =
			look->req->broker->identity.node_id;
		out->current_leader.leader_epoch =
			partition_leader_epoch(e->partition);
	}
}

static void fill_offsets(const struct fetch_look *look,
			 const struct fetch_entry *e, fetched_partition *out)
{
	out->high_watermark = e->seen.high_watermark;
	out->last_stable_offset = e->seen.last_stable;
	out->log_start_offset = e->seen.log_start;
	if (!look->limits->committed)
		out->aborted_transactions_count = -1;
}

void fetch_look_at(struct fetch_look *look, struct fetch_entry *e)
{
	fetched_partition *out = &look->partitions[look->count];
	struct log_slice *slice = &look->slices[look->count];
	struct allowance allowance = {
		.bytes = look->limits->max_bytes - look->bytes,
		.first = look->bytes == 0,
	};
	int16_t error = WIRE_NONE;

	look->entries[look->count++] = e;
	*slice = (struct log_slice){ .fd = -1 };
	out->partition_index = e->partition_index;
	out->records.data = (const uint8_t *)"";
	if (!is_quiet(e))
		error = read_entry(look, e, allowance, out, slice);
	if (error != WIRE_NONE)
		fill_error(look, e, error, out);
	else
		fill_offsets(look, e, out);
	if (error != WIRE_NONE || out->diverging_epoch.epoch >= 0)
		look->urgent = true;
	e->available = (int64_t)slice->len;
	look->bytes += (int64_t)slice->len;
	if (slice->len > 0)
		out->records = (struct wire_records){
			.len = slice->len,
			.file = slice,
			.position = slice->position,
		};
}

int fetch_look_begin(struct fetch_look *look, struct request *req,
		     const struct fetch_limits *limits, size_t count)
{
	*look = (struct fetch_look){ .req = req, .limits = limits };
	look->partitions = wire_array(&fetch_response_responses_partitions_desc,
				      &req->arena, (int32_t)count);
	look->entries =
		arena_calloc(&req->arena, count, sizeof(struct fetch_entry *));
	look->slices =
		arena_calloc(&req->arena, count, sizeof(struct log_slice));
	if (look->partitions == NULL || look->entries == NULL ||
	    look->slices == NULL)
		return -ENOMEM;
	return 0;
}

void fetch_look_end(struct fetch_look *look)
{
	if (look->image != NULL)
		image_release(look->image);
	look->image = NULL;
}

void fetch_look_drop_slices(struct fetch_look *look)
{
	for (size_t i = 0; i < look->count; i++)
		log_slice_release(&look->slices[i]);
}
