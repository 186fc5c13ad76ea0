/*
 * list_offsets.c - ListOffsets: turn a time into an offset
 *
 * Latest is the high watermark, which a consumer can reach; by time only what
 * lies below it is found.  There is no remote storage: what asks for it finds
 * none, and the earliest local offset is the earliest.
 */
#include <errno.h>
#include <stdlib.h>

#include "kbrokerd/api/hosted.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	AT_LATEST = -1,
	AT_EARLIEST = -2,
	AT_MAX_TIMESTAMP = -3,
	AT_EARLIEST_LOCAL = -4,
	AT_LATEST_TIERED = -5,
	AT_EARLIEST_PENDING_UPLOAD = -6,
};

enum { READ_UNCOMMITTED = 0, READ_COMMITTED = 1 };

typedef struct list_offsets_request_topics_partitions asked_row;
typedef struct list_offsets_response_topics_partitions answered_row;

/* One look-up. */
struct lookup {
	const asked_row *asked;
	int8_t isolation;
	answered_row *answer;

	/* By time. */
	int64_t target_ms;
	int64_t from_offset, end_offset;
	struct log_slice batch; /* a reference; the next one to be searched */
};

/* The first version that knows a special time; 0: there is no such. */
static int16_t version_of(int64_t timestamp)
{
	static const int16_t versions[] = {
		[-AT_LATEST] = 1,        [-AT_EARLIEST] = 1,
		[-AT_MAX_TIMESTAMP] = 7, [-AT_EARLIEST_LOCAL] = 8,
		[-AT_LATEST_TIERED] = 9, [-AT_EARLIEST_PENDING_UPLOAD] = 11,
	};

	if (timestamp < AT_EARLIEST_PENDING_UPLOAD || timestamp >= 0)
		return 0;
	return versions[-timestamp];
}

static int find_earliest(struct lookup *l, struct log *log,
			 const struct partition_offsets *offsets)
{
	int32_t epoch = log_epoch_of(log, offsets->log_start);

	l->answer->offset = offsets->log_start;
	/* Of an empty log: the epoch that its first record will have. */
	l->answer->leader_epoch =
		epoch < 0 && offsets->log_start == offsets->log_end
			? offsets->leader_epoch
			: epoch;
	return 0;
}

static int find_batch(struct lookup *l, struct log *log, int64_t end_offset)
{
	int rc = 0;

	l->target_ms = l->asked->timestamp;
	l->end_offset = end_offset;
	if (l->target_ms == AT_MAX_TIMESTAMP)
		rc = log_greatest_time(log, &l->target_ms);
	if (rc < 0 || l->target_ms < 0)
		return rc;
	/* Of a batch that begins before the start, the rest counts. */
	if (l->from_offset < log_start_offset(log))
		l->from_offset = log_start_offset(log);
	return log_batch_for_time(log, l->target_ms, l->from_offset, end_offset,
				  &l->batch);
}

static int look_up(void *arg, struct log *log,
		   const struct partition_offsets *offsets)
{
	struct lookup *l = arg;
	int64_t end_offset = l->isolation == READ_COMMITTED
				     ? offsets->last_stable
				     : offsets->high_watermark;

	switch (l->asked->timestamp) {
	case AT_LATEST:
		l->answer->offset = end_offset;
		l->answer->leader_epoch = offsets->leader_epoch;
		return 0;
	case AT_EARLIEST:
	case AT_EARLIEST_LOCAL:
		return find_earliest(l, log, offsets);
	case AT_LATEST_TIERED:
	case AT_EARLIEST_PENDING_UPLOAD:
		return 0;
	default:
		return find_batch(l, log, end_offset);
	}
}

/* By time: a batch is found under the lock, and searched without it. */
static int find(struct partition *p, struct lookup *l)
{
	struct log_time_offset found = { -1, -1, -1 };
	int rc;

	do {
		rc = partition_with_log(p, look_up, l);
		if (rc < 0 || l->batch.len == 0)
			return rc;
		rc = log_search_batch(&l->batch, l->target_ms, l->from_offset,
				      &found, &l->from_offset);
		log_slice_release(&l->batch);
	} while (rc == 0 && found.offset < 0);
	if (rc == 0 && found.offset < l->end_offset) {
		l->answer->timestamp = found.timestamp_ms;
		l->answer->offset = found.offset;
		l->answer->leader_epoch = found.leader_epoch;
	}
	return rc;
}

static int16_t answer_partition(struct request *req, const struct image *image,
				const struct topic_image *topic,
				struct lookup *l)
{
	const asked_row *asked = l->asked;
	struct partition *p;
	int16_t error;

	if (l->isolation != READ_UNCOMMITTED && l->isolation != READ_COMMITTED)
		return WIRE_UNKNOWN_SERVER_ERROR;
	if (asked->timestamp < 0 &&
	    (version_of(asked->timestamp) == 0 ||
	     version_of(asked->timestamp) > req->version))
		return WIRE_UNSUPPORTED_VERSION;
	error = hosted_find(req, image, topic, asked->partition_index, &p);
	if (error == WIRE_NONE)
		error = hosted_check_epoch(p, asked->current_leader_epoch);
	if (error == WIRE_NONE)
		error = hosted_error(find(p, l));
	partition_release(p);
	return error;
}

/* Who asks twice for a partition has made a mistake. */

static int by_index(const void *a, const void *b)
{
	int32_t x = (*(const asked_row *const *)a)->partition_index;
	int32_t y = (*(const asked_row *const *)b)->partition_index;

	return x < y ? -1 : x > y;
}

/* Marks the rows of partitions that stand there twice. */
static int mark_duplicates(struct arena *arena, const asked_row *rows,
			   int32_t count, bool *twice)
{
	const asked_row **sorted;

	if (count < 2)
		return 0;
	sorted = arena_calloc(arena, (size_t)count, sizeof(asked_row *));
	if (sorted == NULL)
		return -ENOMEM;
	for (int32_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, (size_t)count, sizeof(asked_row *), by_index);
	for (int32_t i = 1; i < count; i++)
		if (by_index(&sorted[i - 1], &sorted[i]) == 0)
			twice[sorted[i - 1] - rows] = twice[sorted[i] - rows] =
				true;
	return 0;
}

static int answer_topic(struct request *req, const struct image *image,
			const struct list_offsets_request_topics *from,
			struct list_offsets_response_topics *to)
{
	const struct list_offsets_request *message = req->message;
	const struct topic_image *topic = image_topic(image, from->name);
	int32_t count = from->partitions_count;
	bool *twice = arena_calloc(&req->arena, (size_t)count, sizeof(*twice));

	to->name = from->name;
	to->partitions =
		wire_array(&list_offsets_response_topics_partitions_desc,
			   &req->arena, count);
	if (to->partitions == NULL || twice == NULL ||
	    mark_duplicates(&req->arena, from->partitions, count, twice) < 0)
		return -ENOMEM;
	to->partitions_count = count;
	for (int32_t i = 0; i < count; i++) {
		struct lookup l = {
			.asked = &from->partitions[i],
			.isolation = message->isolation_level,
			.answer = &to->partitions[i],
		};

		l.answer->partition_index = l.asked->partition_index;
		l.answer->error_code = WIRE_INVALID_REQUEST;
		if (!twice[i])
			l.answer->error_code =
				answer_partition(req, image, topic, &l);
	}
	return 0;
}

void api_list_offsets(struct request *req)
{
	const struct list_offsets_request *message = req->message;
	struct list_offsets_response response;
	const struct image *image;
	int rc = 0;

	wire_init(&list_offsets_response_desc, &response);
	response.topics = wire_array(&list_offsets_response_topics_desc,
				     &req->arena, message->topics_count);
	response.topics_count = message->topics_count;
	if (response.topics == NULL)
		rc = -ENOMEM;
	image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < message->topics_count && rc == 0; i++)
		rc = answer_topic(req, image, &message->topics[i],
				  &response.topics[i]);
	image_release(image);
	if (rc == 0)
		request_reply(req, &response);
	else
		request_close(req, "out of memory");
}
