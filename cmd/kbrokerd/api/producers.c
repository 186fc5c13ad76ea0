/*
 * producers.c - DescribeProducers: who has written to a partition (KIP-664)
 */
#include <errno.h>

#include "kbrokerd/api/hosted.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/errors.h"
#include "wire/messages.h"

typedef struct describe_producers_response_topics_partitions answered_row;
typedef struct describe_producers_response_topics_partitions_active_producers
	producer_row;

/* Filling one partition's list, under its lock. */
struct listing {
	struct arena *arena;
	answered_row *answer;
};

static void count_producer(void *arg, const struct log_producer *p)
{
	(void)p;
	++*(int32_t *)arg;
}

static void add_producer(void *arg, const struct log_producer *p)
{
	answered_row *answer = arg;
	producer_row *row =
		&answer->active_producers[answer->active_producers_count++];

	row->producer_id = p->producer_id;
	row->producer_epoch = p->producer_epoch;
	row->last_sequence = p->last_sequence;
	row->last_timestamp = p->last_timestamp_ms;
	row->coordinator_epoch = p->coordinator_epoch;
	row->current_txn_start_offset = p->current_txn_start_offset;
}

static int list_producers(void *arg, struct log *log,
			  const struct partition_offsets *offsets)
{
	struct listing *l = arg;
	int32_t count = 0;

	(void)offsets;
	log_each_producer(log, count_producer, &count);
	l->answer->active_producers = wire_array(
		&describe_producers_response_topics_partitions_active_producers_desc,
		l->arena, count);
	if (l->answer->active_producers == NULL)
		return -ENOMEM;
	log_each_producer(log, add_producer, l->answer);
	return 0;
}

static void answer_partition(struct request *req, const struct image *image,
			     const struct topic_image *topic,
			     answered_row *answer)
{
	struct listing l = { &req->arena, answer };
	struct partition *p;

	answer->error_code =
		hosted_find(req, image, topic, answer->partition_index, &p);
	if (answer->error_code == WIRE_NONE)
		answer->error_code =
			hosted_error(partition_with_log(p, list_producers, &l));
	partition_release(p);
	if (answer->error_code != WIRE_NONE)
		answer->error_message =
			slice_of(wire_error_text(answer->error_code));
}

static int answer_topic(struct request *req, const struct image *image,
			const struct describe_producers_request_topics *from,
			struct describe_producers_response_topics *to)
{
	const struct topic_image *topic = image_topic(image, from->name);
	bool valid = topic_name_is_valid(from->name);

	to->name = from->name;
	to->partitions =
		wire_array(&describe_producers_response_topics_partitions_desc,
			   &req->arena, from->partition_indexes_count);
	if (to->partitions == NULL)
		return -ENOMEM;
	to->partitions_count = from->partition_indexes_count;
	for (int32_t i = 0; i < from->partition_indexes_count; i++) {
		answered_row *answer = &to->partitions[i];

		answer->partition_index = from->partition_indexes[i];
		if (valid) {
			answer_partition(req, image, topic, answer);
			continue;
		}
		answer->error_code = WIRE_INVALID_TOPIC_EXCEPTION;
		answer->error_message =
			slice_of(topic_name_problem(from->name, &req->arena));
	}
	return 0;
}

void api_describe_producers(struct request *req)
{
	const struct describe_producers_request *message = req->message;
	struct describe_producers_response response;
	const struct image *image;
	int rc = 0;

	wire_init(&describe_producers_response_desc, &response);
	response.topics = wire_array(&describe_producers_response_topics_desc,
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
