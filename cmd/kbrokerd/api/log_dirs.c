/*
 * log_dirs.c - DescribeLogDirs: what takes how much room (KIP-113, 827)
 *
 * There is one data directory, and no replica is on its way to another.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "kbrokerd/api/hosted.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

typedef struct describe_log_dirs_response_results_topics answered_topic;
typedef struct describe_log_dirs_response_results_topics_partitions
	answered_row;

/* Filling the one result. */
struct listing {
	struct request *req;
	const struct image *image;
	struct describe_log_dirs_response_results *result;
	int32_t room; /* for topics */
	int rc;
};

/* Kafka tells absolute paths. */
static struct slice absolute(struct arena *arena, const char *path)
{
	char *here;
	char *joined;

	if (path[0] == '/')
		return slice_of(path);
	here = getcwd(NULL, 0);
	if (here == NULL)
		return slice_of(path);
	joined = arena_printf(arena, "%s/%s", here, path);
	free(here);
	return slice_of(joined == NULL ? path : joined);
}

/* The next free row for a topic, with room for so many partitions. */
static answered_topic *begin_topic(struct listing *l, struct slice name,
				   int32_t count)
{
	answered_topic *to = &l->result->topics[l->result->topics_count];

	if (l->result->topics_count >= l->room)
		return NULL;
	to->name = name;
	to->partitions = wire_array(
		&describe_log_dirs_response_results_topics_partitions_desc,
		&l->req->arena, count);
	if (to->partitions == NULL) {
		l->rc = -ENOMEM;
		return NULL;
	}
	return to;
}

/* What has no partition is left out. */
static void end_topic(struct listing *l, const answered_topic *to)
{
	if (to->partitions_count > 0)
		l->result->topics_count++;
}

static void add_partition(struct listing *l, const struct topic_image *topic,
			  int32_t index, answered_topic *to)
{
	answered_row *row = &to->partitions[to->partitions_count];
	struct partition *p;
	int64_t size;

	if (hosted_find(l->req, l->image, topic, index, &p) != WIRE_NONE)
		return;
	size = partition_size_bytes(p);
	partition_release(p);
	if (size < 0) /* lost, or deleted meanwhile */
		return;
	row->partition_index = index;
	row->partition_size = size;
	to->partitions_count++;
}

static int add_whole_topic(void *arg, const struct topic_image *topic)
{
	struct listing *l = arg;
	answered_topic *to =
		begin_topic(l, topic->name, topic->partition_count);

	if (to == NULL)
		return l->rc;
	for (int32_t i = 0; i < topic->partition_count; i++)
		add_partition(l, topic, i, to);
	end_topic(l, to);
	return 0;
}

static void add_asked(struct listing *l,
		      const struct describe_log_dirs_request_topics *asked)
{
	const struct topic_image *topic = image_topic(l->image, asked->topic);
	answered_topic *to;

	if (topic == NULL)
		return;
	to = begin_topic(l, topic->name, asked->partitions_count);
	if (to == NULL)
		return;
	for (int32_t i = 0; i < asked->partitions_count; i++)
		add_partition(l, topic, asked->partitions[i], to);
	end_topic(l, to);
}

static int list_topics(struct listing *l)
{
	const struct describe_log_dirs_request *message = l->req->message;
	bool all = message->topics_count < 0; /* null */

	l->room = all ? (int32_t)image_topic_count(l->image)
		      : message->topics_count;
	l->result->topics =
		wire_array(&describe_log_dirs_response_results_topics_desc,
			   &l->req->arena, l->room);
	if (l->result->topics == NULL)
		return -ENOMEM;
	if (all)
		image_each_topic(l->image, add_whole_topic, l);
	for (int32_t i = 0; i < message->topics_count; i++)
		add_asked(l, &message->topics[i]);
	return l->rc;
}

void api_describe_log_dirs(struct request *req)
{
	const char *path = partition_table_dir(req->broker->partitions);
	struct describe_log_dirs_response response;
	struct describe_log_dirs_response_results result;
	struct listing l = { .req = req, .result = &result };
	struct vfs_space space;
	int rc;

	wire_init(&describe_log_dirs_response_desc, &response);
	wire_init(&describe_log_dirs_response_results_desc, &result);
	response.results = &result;
	response.results_count = 1;
	result.log_dir = absolute(&req->arena, path);
	if (partition_table_space(req->broker->partitions, &space) == 0) {
		result.total_bytes = space.total_bytes;
		result.usable_bytes = space.usable_bytes;
	}
	l.image = metadata_image(req->broker->metadata);
	rc = list_topics(&l);
	if (rc == 0)
		request_reply(req, &response);
	else
		request_close(req, "out of memory");
	image_release(l.image);
}
