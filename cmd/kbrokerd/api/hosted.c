/*
 * hosted.c - what requests about partitions have in common
 */
#include "kbrokerd/api/hosted.h"

#include <errno.h>

#include "kbrokerd/broker.h"
#include "wire/error_codes.h"

enum { EPOCH_NONE = -1 };

int16_t hosted_find(struct request *req, const struct image *image,
		    const struct topic_image *topic, int32_t index,
		    struct partition **p_out)
{
	*p_out = NULL;
	if (topic == NULL || index < 0 || index >= topic->partition_count)
		return WIRE_UNKNOWN_TOPIC_OR_PARTITION;
	*p_out = partition_find(req->broker->partitions, image, topic, index);
	return *p_out == NULL ? WIRE_NOT_LEADER_OR_FOLLOWER : WIRE_NONE;
}

int16_t hosted_check_epoch(const struct partition *p, int32_t known)
{
	int32_t epoch = partition_leader_epoch(p);

	if (known == EPOCH_NONE || known == epoch)
		return WIRE_NONE;
	return known < epoch ? WIRE_FENCED_LEADER_EPOCH
			     : WIRE_UNKNOWN_LEADER_EPOCH;
}

int16_t hosted_error(int rc)
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

void hosted_end_of_epoch(const struct log *log,
			 const struct partition_offsets *offsets, int32_t epoch,
			 int32_t *epoch_out, int64_t *end_offset_out)
{
	int32_t latest = log_leader_epoch(log);

	*epoch_out = EPOCH_NONE;
	*end_offset_out = -1;
	if (epoch == EPOCH_NONE || epoch > offsets->leader_epoch)
		return;
	if (epoch < latest) {
		log_end_offset_of_epoch(log, epoch, epoch_out, end_offset_out);
		return;
	}
	/* The last one that has records, or the one that is to have some. */
	*epoch_out =
		epoch == offsets->leader_epoch || latest < 0 ? epoch : latest;
	*end_offset_out = offsets->log_end;
}
