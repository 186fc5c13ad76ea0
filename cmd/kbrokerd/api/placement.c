/*
 * placement.c - who leads partitions, and where their replicas are:
 * ElectLeaders, AlterPartitionReassignments, ListPartitionReassignments,
 * UnregisterBroker
 *
 * The controller decides all but the list, which is read off the image.
 */
#include "kbrokerd/api/change.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/messages.h"

void api_elect_leaders(struct request *req)
{
	change_submit(req, NULL);
}

void api_alter_partition_reassignments(struct request *req)
{
	change_submit(req, NULL);
}

void api_unregister_broker(struct request *req)
{
	change_submit(req, NULL);
}

/* Listing */

struct listing {
	struct request *req;
	struct list_partition_reassignments_response response;
};

static bool is_moving(const struct topic_image *topic, int32_t index)
{
	return index >= 0 && index < topic->partition_count &&
	       topic->partitions[index].adding_count +
			       topic->partitions[index].removing_count >
		       0;
}

static void put_partition(
	const struct topic_image *topic, int32_t index,
	struct list_partition_reassignments_response_topics_partitions *to)
{
	const struct partition_image *p = &topic->partitions[index];

	to->partition_index = index;
	/* The codec's structs do not say const. */
	to->replicas = (int32_t *)p->replicas;
	to->replicas_count = p->replica_count;
	to->adding_replicas = (int32_t *)p->adding;
	to->adding_replicas_count = p->adding_count;
	to->removing_replicas = (int32_t *)p->removing;
	to->removing_replicas_count = p->removing_count;
}

/* Those of count partitions that are moving: the numbers in indexes, or with
 * NULL the first ones. */
static int list_topic(struct listing *l, const struct topic_image *topic,
		      const int32_t *indexes, int32_t count)
{
	struct list_partition_reassignments_response_topics *to;
	int32_t moving = 0;

	for (int32_t i = 0; i < count; i++)
		moving += is_moving(topic, indexes == NULL ? i : indexes[i]);
	if (moving == 0)
		return 0;
	to = &l->response.topics[l->response.topics_count++];
	to->name = topic->name;
	to->partitions = wire_array(
		&list_partition_reassignments_response_topics_partitions_desc,
		&l->req->arena, moving);
	if (to->partitions == NULL)
		return -1;
	for (int32_t i = 0; i < count; i++) {
		int32_t index = indexes == NULL ? i : indexes[i];

		if (is_moving(topic, index))
			put_partition(topic, index,
				      &to->partitions[to->partitions_count++]);
	}
	return 0;
}

static int list_all_of(void *arg, const struct topic_image *topic)
{
	return list_topic(arg, topic, NULL, topic->partition_count);
}

static int list(struct listing *l, const struct image *image)
{
	const struct list_partition_reassignments_request *request =
		l->req->message;
	int32_t count = request->topics_count;
	int rc = 0;

	if (count < 0)
		count = (int32_t)image_topic_count(image);
	l->response.topics =
		wire_array(&list_partition_reassignments_response_topics_desc,
			   &l->req->arena, count);
	if (l->response.topics == NULL)
		return -1;
	if (request->topics_count < 0)
		return image_each_topic(image, list_all_of, l);
	for (int32_t i = 0; i < count && rc == 0; i++) {
		const struct topic_image *topic =
			image_topic(image, request->topics[i].name);

		if (topic != NULL)
			rc = list_topic(
				l, topic, request->topics[i].partition_indexes,
				request->topics[i].partition_indexes_count);
	}
	return rc;
}

void api_list_partition_reassignments(struct request *req)
{
	struct listing l = { .req = req };
	const struct image *image = metadata_image(req->broker->metadata);

	wire_init(&list_partition_reassignments_response_desc, &l.response);
	l.response.error_message = SLICE_NULL;
	if (list(&l, image) < 0)
		request_close(req, "out of memory");
	else
		request_reply(req, &l.response);
	image_release(image);
}
