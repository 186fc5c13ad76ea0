/*
 * fetch_look.c - one look at what is fetched
 */
#include "kbrokerd/api/fetch_look.h"

#include <errno.h>

#include "kbrokerd/api/hosted.h"
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

/* The topic as the newest image has it, or NULL. */
static const struct topic_image *find_topic(struct fetch_look *look,
					    const struct fetch_entry *e)
{
	if (look->image == NULL)
		look->image = metadata_image(look->req->broker->metadata);
	return slice_is_null(e->topic->name)
		       ? image_topic_by_id(look->image, e->topic->id)
		       : image_topic(look->image, e->topic->name);
}

static int16_t resolve(struct fetch_look *look, struct fetch_entry *e)
{
	const struct topic_image *topic;

	if (e->partition != NULL)
		return WIRE_NONE;
	topic = find_topic(look, e);
	if (topic == NULL && slice_is_null(e->topic->name))
		return WIRE_UNKNOWN_TOPIC_ID;
	e->on_forget = fetch_entry_forget;
	return hosted_find(look->req, look->image, topic, e->partition_index,
			   &e->partition);
}

static int16_t check_epoch(const struct fetch_entry *e)
{
	/* Here anything below 0 is not to be checked. */
	return e->current_leader_epoch < 0
		       ? WIRE_NONE
		       : hosted_check_epoch(e->partition,
					    e->current_leader_epoch);
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

	hosted_end_of_epoch(log, offsets, d->epoch, &epoch, &end);
	if (end < 0 || epoch < 0 || d->fetch_offset < offsets->log_start)
		return -ERANGE;
	if (epoch < d->epoch || end < d->fetch_offset) {
		d->end_epoch = epoch;
		d->end_offset = end;
	}
	return 0;
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
	bool negative = bytes < 0;
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
	rc = partition_read(e->partition, e->fetch_offset,
			    negative ? 0 : (size_t)bytes,
			    allowance.first || negative, slice, &e->seen);
	/* As Kafka, which finds out when it comes to reading. */
	if (rc == 0 && negative && slice->len > 0) {
		log_slice_release(slice);
		rc = -EINVAL;
	}
	return rc;
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
	return rc == -EINVAL ? WIRE_UNKNOWN_SERVER_ERROR : hosted_error(rc);
}

/* Is there nothing new since the last look, as the client asks for the same
 * and the waiter has not fired? */
static bool is_quiet(const struct fetch_entry *e)
{
	return e->looked_at && e->hooked &&
	       e->fetch_offset >= e->seen.high_watermark;
}

/* Who asked the wrong one, or with an old epoch, is told the leader. */
static void fill_leader(struct fetch_look *look, const struct fetch_entry *e,
			fetched_partition *out)
{
	const struct topic_image *topic = find_topic(look, e);
	const struct partition_image *p;

	if (topic == NULL || e->partition_index < 0 ||
	    e->partition_index >= topic->partition_count)
		return;
	p = &topic->partitions[e->partition_index];
	out->current_leader.leader_id = p->leader;
	out->current_leader.leader_epoch = p->leader_epoch;
}

static bool is_unknown(int16_t error)
{
	return error == WIRE_UNKNOWN_TOPIC_OR_PARTITION ||
	       error == WIRE_UNKNOWN_TOPIC_ID;
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
	if (!is_unknown(error))
		out->aborted_transactions_count = -1;
	if ((error == WIRE_FENCED_LEADER_EPOCH ||
	     error == WIRE_NOT_LEADER_OR_FOLLOWER) &&
	    look->req->version >= CURRENT_LEADER_VERSION)
		fill_leader(look, e, out);
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
		.bytes = look->left,
		.first = look->bytes == 0,
	};
	int16_t error = WIRE_NONE;

	look->entries[look->count++] = e;
	*slice = (struct log_slice){ .fd = -1 };
	out->partition_index = e->partition_index;
	out->records.data = (const uint8_t *)"";
	if (!is_quiet(e))
		error = read_entry(look, e, allowance, out, slice);
	e->looked_at = error == WIRE_NONE && out->diverging_epoch.epoch < 0;
	if (error != WIRE_NONE)
		fill_error(look, e, error, out);
	else
		fill_offsets(look, e, out);
	if (is_unknown(error))
		look->unknown++;
	else if (error != WIRE_NONE || out->diverging_epoch.epoch >= 0)
		look->urgent = true;
	look->left -= (int64_t)slice->len;
	if (look->left < 0 && !is_unknown(error))
		look->left = 0;
	e->available = (int64_t)slice->len;
	look->bytes += (int64_t)slice->len;
	if (slice->len > 0)
		out->records = (struct wire_records){
			.len = slice->len,
			.file = slice,
			.position = slice->position,
		};
}

bool fetch_look_is_unknown(const fetched_partition *p)
{
	return is_unknown(p->error_code);
}

int fetch_look_begin(struct fetch_look *look, struct request *req,
		     const struct fetch_limits *limits, size_t count)
{
	*look = (struct fetch_look){
		.req = req,
		.limits = limits,
		.left = limits->max_bytes,
	};
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
