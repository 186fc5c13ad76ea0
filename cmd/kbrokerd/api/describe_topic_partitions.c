/*
 * describe_topic_partitions.c - DescribeTopicPartitions: topics page by page
 *
 * Topics go by name.  A page is full when it has the limit's partitions; its
 * cursor says with which partition of which topic the next one starts.  All of
 * a partition is told by pointing into the image.
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/api/view.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metadata/topic_name.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct page {
	struct view view;
	const struct describe_topic_partitions_request *request;
	struct describe_topic_partitions_response response;
	const struct slice *names; /* from the cursor's on, sorted */
	size_t count;
	int32_t room; /* for partitions */
};

static int order_of_names(const void *a, const void *b)
{
	const struct slice *x = a;
	const struct slice *y = b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = len == 0 ? 0 : memcmp(x->data, y->data, len);

	return order != 0 ? order : (x->len > y->len) - (x->len < y->len);
}

/* Which topics */

static void sort(struct slice *names, size_t count)
{
	if (count > 0) /* qsort(3) takes no NULL */
		qsort(names, count, sizeof(*names), order_of_names);
}

/* Those that are asked for, each once. */
static int find_asked(struct page *page)
{
	const struct describe_topic_partitions_request *request = page->request;
	size_t count = (size_t)request->topics_count;
	struct slice *names =
		arena_calloc(&page->view.req->arena, count, sizeof(*names));

	if (names == NULL)
		return -1;
	for (size_t i = 0; i < count; i++)
		names[i] = request->topics[i].name;
	sort(names, count);
	for (size_t i = 0; i < count; i++) {
		if (page->count == 0 ||
		    !slice_equal(names[page->count - 1], names[i]))
			names[page->count++] = names[i];
	}
	page->names = names;
	return 0;
}

static int add_name(void *arg, const struct topic_image *topic)
{
	buffer_put(arg, &topic->name, sizeof(topic->name));
	return 0;
}

/* The names of all topics are sorted once for an image: many pages are read
 * off it. */
enum { SORTED_NAMES = 75 << 16 };

static int find_all(struct page *page)
{
	const struct image *image = page->view.image;
	struct slice sorted = image_memo(image, SORTED_NAMES);
	struct buffer names = { 0 };

	page->count = image_topic_count(image);
	if (page->count == 0)
		return 0;
	if (slice_is_null(sorted)) {
		image_each_topic(image, add_name, &names);
		if (names.failed) {
			buffer_clear(&names);
			return -1;
		}
		sort((void *)names.data, page->count);
		sorted = image_keep_memo(image, SORTED_NAMES, &names);
		if (slice_is_null(sorted))
			sorted = arena_copy(&page->view.req->arena,
					    buffer_slice(&names));
		buffer_clear(&names);
	}
	page->names = (const void *)sorted.data;
	return page->names == NULL ? -1 : 0;
}

static void skip_to_cursor(struct page *page)
{
	const struct describe_topic_partitions_request_cursor *cursor =
		page->request->cursor;
	size_t low = 0;
	size_t high = page->count;

	while (cursor != NULL && low < high) {
		size_t middle = low + (high - low) / 2;

		if (order_of_names(&page->names[middle], &cursor->topic_name) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	page->names += low;
	page->count -= low;
}

static int find_names(struct page *page)
{
	int rc = page->request->topics_count > 0 ? find_asked(page)
						 : find_all(page);

	if (rc == 0 && page->count > 0)
		skip_to_cursor(page);
	return rc;
}

/* What of them */

static void fill_partition(
	const struct view *view, const struct partition_image *p, int32_t index,
	struct describe_topic_partitions_response_topics_partitions *to)
{
	/* The codec's structs do not say const, and null is not empty. */
	static int32_t no_id;

	*to = (struct describe_topic_partitions_response_topics_partitions){
		.partition_index = index,
		.leader_id = view_leader(view, p),
		.leader_epoch = p->leader_epoch,
		.replica_nodes = (int32_t *)p->replicas,
		.replica_nodes_count = p->replica_count,
		.isr_nodes = (int32_t *)p->isr,
		.isr_nodes_count = p->isr_count,
		.eligible_leader_replicas = p->eligible_count == 0
						    ? &no_id
						    : (int32_t *)p->eligible,
		.eligible_leader_replicas_count = p->eligible_count,
		.last_known_elr = p->last_known_count == 0
					  ? &no_id
					  : (int32_t *)p->last_known,
		.last_known_elr_count = p->last_known_count,
	};
	to->offline_replicas_count =
		view_offline(view, p, &to->offline_replicas);
}

static int end_page(struct page *page, struct slice name, int32_t index)
{
	struct describe_topic_partitions_response_next_cursor *next =
		arena_calloc(&page->view.req->arena, 1, sizeof(*next));

	if (next == NULL)
		return -1;
	next->topic_name = name;
	next->partition_index = index;
	page->response.next_cursor = next;
	return 1;
}

static int32_t first_partition(const struct page *page, struct slice name)
{
	const struct describe_topic_partitions_request_cursor *cursor =
		page->request->cursor;

	return cursor != NULL && slice_equal(cursor->topic_name, name)
		       ? cursor->partition_index
		       : 0;
}

/* Returns 1 when that was all of the page, 0 to go on, -1 without memory. */
static int add_topic(struct page *page, const struct topic_image *topic)
{
	struct describe_topic_partitions_response_topics *to =
		&page->response.topics[page->response.topics_count++];
	int32_t first = first_partition(page, topic->name);
	int32_t count = topic->partition_count - first;

	to->name = topic->name;
	to->topic_id = topic->id;
	to->is_internal = topic_name_is_internal(topic->name);
	to->topic_authorized_operations = view_topic_operations();
	if (count <= 0)
		return 0;
	if (count > page->room)
		count = page->room;
	to->partitions = arena_alloc(
		&page->view.req->arena,
		(size_t)count *
			sizeof(struct
			       describe_topic_partitions_response_topics_partitions));
	if (to->partitions == NULL)
		return -1;
	to->partitions_count = count;
	for (int32_t i = 0; i < count; i++)
		fill_partition(&page->view, &topic->partitions[first + i],
			       first + i, &to->partitions[i]);
	page->room -= count;
	return first + count < topic->partition_count
		       ? end_page(page, topic->name, first + count)
		       : 0;
}

static void add_unknown(struct page *page, struct slice name)
{
	struct describe_topic_partitions_response_topics *to =
		&page->response.topics[page->response.topics_count++];

	to->name = name;
	to->error_code = topic_name_is_valid(name)
				 ? WIRE_UNKNOWN_TOPIC_OR_PARTITION
				 : WIRE_INVALID_TOPIC_EXCEPTION;
	to->is_internal = topic_name_is_internal(name);
	to->topic_authorized_operations = view_topic_operations();
}

static int fill(struct page *page)
{
	int rc = find_names(page);
	size_t most = page->count;

	if (rc < 0)
		return -1;
	/* Of all topics hardly more than partitions: the cursor's may have
	 * none left. */
	if (page->request->topics_count <= 0 && most > (size_t)page->room)
		most = (size_t)page->room + 1;
	page->response.topics =
		wire_array(&describe_topic_partitions_response_topics_desc,
			   &page->view.req->arena, (int32_t)most);
	if (page->response.topics == NULL)
		return -1;
	for (size_t i = 0; i < page->count && rc == 0; i++) {
		const struct topic_image *topic =
			image_topic(page->view.image, page->names[i]);

		if (page->room == 0 ||
		    (size_t)page->response.topics_count == most)
			rc = end_page(page, page->names[i], 0);
		else if (topic != NULL)
			rc = add_topic(page, topic);
		else
			add_unknown(page, page->names[i]);
	}
	return rc;
}

/* What cannot be answered: an error for every topic. */

static bool names_cursor(
	const struct describe_topic_partitions_request *request)
{
	for (int32_t i = 0; i < request->topics_count; i++) {
		if (slice_equal(request->topics[i].name,
				request->cursor->topic_name))
			return true;
	}
	return request->topics_count <= 0;
}

static int16_t check(const struct describe_topic_partitions_request *request)
{
	if (request->cursor != NULL &&
	    (request->cursor->partition_index < 0 || !names_cursor(request)))
		return WIRE_INVALID_REQUEST;
	for (int32_t i = 0; i < request->topics_count; i++) {
		/* Kafka stumbles over it. */
		if (request->topics[i].name.len == 0)
			return WIRE_UNKNOWN_SERVER_ERROR;
	}
	return WIRE_NONE;
}

static void refuse(struct request *req,
		   const struct describe_topic_partitions_request *request,
		   int16_t error_code)
{
	struct describe_topic_partitions_response response;

	wire_init(&describe_topic_partitions_response_desc, &response);
	response.topics =
		wire_array(&describe_topic_partitions_response_topics_desc,
			   &req->arena, request->topics_count);
	for (int32_t i = 0;
	     response.topics != NULL && i < request->topics_count; i++) {
		response.topics[i].error_code = error_code;
		response.topics[i].name = request->topics[i].name;
		response.topics_count++;
	}
	request_reply(req, &response);
}

static int32_t limit_of(const struct request *req,
			const struct describe_topic_partitions_request *request)
{
	int64_t limit = config_int(req->broker->config,
				   "max.request.partition.size.limit");

	if (limit > request->response_partition_limit)
		limit = request->response_partition_limit;
	return limit < 1 ? 1 : (int32_t)limit;
}

void api_describe_topic_partitions(struct request *req)
{
	struct page page = { .request = req->message };
	int16_t error_code = check(page.request);
	const struct image *image;

	if (error_code != WIRE_NONE) {
		refuse(req, page.request, error_code);
		return;
	}
	image = metadata_image(req->broker->metadata);
	view_init(&page.view, req, image);
	page.room = limit_of(req, page.request);
	wire_init(&describe_topic_partitions_response_desc, &page.response);
	if (fill(&page) < 0)
		request_close(req, "out of memory");
	else
		request_reply(req, &page.response);
	image_release(image);
}
