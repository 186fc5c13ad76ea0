/*
 * epochs.c - OffsetForLeaderEpoch: where a leader epoch ends (KIP-101, 320)
 *
 * A consumer that was told of a new leader asks, before it reads on, whether
 * the records that it has seen are still there.
 */
#include <errno.h>

#include "kbrokerd/api/hosted.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

typedef struct offset_for_leader_epoch_request_topics_partitions asked_row;
typedef struct offset_for_leader_epoch_response_topics_partitions answered_row;

struct lookup {
	const asked_row *asked;
	answered_row *answer;
};

static int look_up(void *arg, struct log *log,
		   const struct partition_offsets *offsets)
{
	struct lookup *l = arg;

	hosted_end_of_epoch(log, offsets, l->asked->leader_epoch,
			    &l->answer->leader_epoch, &l->answer->end_offset);
	return 0;
}

static int16_t answer_partition(struct request *req, const struct image *image,
				const struct topic_image *topic,
				struct lookup *l)
{
	struct partition *p;
	int16_t error = hosted_find(req, image, topic, l->asked->partition, &p);

	if (error == WIRE_NONE)
		error = hosted_check_epoch(p, l->asked->current_leader_epoch);
	if (error == WIRE_NONE)
		error = hosted_error(partition_with_log(p, look_up, l));
	partition_release(p);
	return error;
}

static int answer_topic(
	struct request *req, const struct image *image,
	const struct offset_for_leader_epoch_request_topics *from,
	struct offset_for_leader_epoch_response_topics *to)
{
	const struct topic_image *topic = image_topic(image, from->topic);

	to->topic = from->topic;
	to->partitions = wire_array(
		&offset_for_leader_epoch_response_topics_partitions_desc,
		&req->arena, from->partitions_count);
	if (to->partitions == NULL)
		return -ENOMEM;
	to->partitions_count = from->partitions_count;
	for (int32_t i = 0; i < from->partitions_count; i++) {
		struct lookup l = { &from->partitions[i], &to->partitions[i] };

		l.answer->partition = l.asked->partition;
		l.answer->error_code = answer_partition(req, image, topic, &l);
	}
	return 0;
}

void api_offset_for_leader_epoch(struct request *req)
{
	const struct offset_for_leader_epoch_request *message = req->message;
	struct offset_for_leader_epoch_response response;
	const struct image *image;
	int rc = 0;

	wire_init(&offset_for_leader_epoch_response_desc, &response);
	response.topics =
		wire_array(&offset_for_leader_epoch_response_topics_desc,
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
