/*
 * cluster_test.c - who coordinates, who votes, and topics page by page, asked
 * for by a client of a whole broker
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "wire/enums.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	METADATA = 3,
	FIND_COORDINATOR = 10,
	CREATE_TOPICS = 19,
	LIST_REASSIGNMENTS = 46,
	DESCRIBE_QUORUM = 55,
	DESCRIBE_CLUSTER = 60,
	DESCRIBE_TOPIC_PARTITIONS = 75,
	PARTITIONS = 5
};

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd, controller_fd;
	struct arena arena; /* of requests and answers */
};

static int setup(void **state)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:0",
		"controller.listener.names=CONTROLLER",
		"listener.security.protocol.map="
		"PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"offsets.topic.num.partitions=5",
		"num.network.threads=2",
	};
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256] = "";

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	assert_int_equal(config_for_test(f->dir, sets,
					 sizeof(sets) / sizeof(sets[0]),
					 &f->config),
			 0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = whole_dial(broker_listener_port(f->broker, 0));
	f->controller_fd = whole_dial(broker_listener_port(f->broker, 1));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	close(f->controller_fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

static void call(struct fixture *f, int fd, int16_t key, int16_t version,
		 const void *request, void *response)
{
	whole_call(fd, key, version, request, &f->arena, response);
}

static void create(struct fixture *f, const char *name, int32_t partitions)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_topics_desc, &topic);
	wire_init(&create_topics_request_desc, &request);
	topic.name = slice_of(name);
	topic.num_partitions = partitions;
	topic.replication_factor = 1;
	request.topics = &topic;
	request.topics_count = 1;
	call(f, f->fd, CREATE_TOPICS, 7, &request, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
}

/* Coordinators */

static struct find_coordinator_response find(struct fixture *f, int16_t version,
					     int8_t type,
					     const char *const *keys,
					     int32_t count)
{
	struct slice slices[4];
	struct find_coordinator_request request;
	struct find_coordinator_response response;

	wire_init(&find_coordinator_request_desc, &request);
	for (int32_t i = 0; i < count; i++)
		slices[i] = slice_of(keys[i]);
	request.key = slices[0];
	request.key_type = type;
	request.coordinator_keys = slices;
	request.coordinator_keys_count = count;
	call(f, f->fd, FIND_COORDINATOR, version, &request, &response);
	return response;
}

/* Until the internal topic is there. */
static void await_coordinator(struct fixture *f, int8_t type)
{
	static const char *const key[] = { "g" };

	while (find(f, 3, type, key, 1).error_code ==
	       WIRE_COORDINATOR_NOT_AVAILABLE)
		;
}

static void the_first_question_makes_the_topic(void **state)
{
	struct fixture *f = *state;
	static const char *const key[] = { "g" };
	struct find_coordinator_response r =
		find(f, 0, WIRE_COORDINATOR_TYPE_GROUP, key, 1);
	const struct topic_image *topic;
	const struct image *image;

	assert_int_equal(r.error_code, WIRE_COORDINATOR_NOT_AVAILABLE);
	assert_int_equal(r.node_id, -1);
	await_coordinator(f, WIRE_COORDINATOR_TYPE_GROUP);

	image = metadata_image(f->broker->metadata);
	topic = image_topic(image, slice_of("__consumer_offsets"));
	assert_non_null(topic);
	assert_int_equal(topic->partition_count, PARTITIONS);
	/* offsets.topic.replication.factor is 3, and there is one broker. */
	assert_int_equal(topic->partitions[0].replica_count, 1);
	assert_string_equal(config_set_get(topic->configs, "cleanup.policy"),
			    "compact");
	assert_null(image_topic(image, slice_of("__transaction_state")));
	image_release(image);
}

static void every_version_names_this_broker(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = { "a", "", "a" };

	await_coordinator(f, WIRE_COORDINATOR_TYPE_TRANSACTION);
	for (int16_t v = 1; v <= 6; v++) {
		struct find_coordinator_response r =
			find(f, v, WIRE_COORDINATOR_TYPE_TRANSACTION, keys, 3);

		if (v < 4) {
			assert_int_equal(r.error_code, WIRE_NONE);
			assert_int_equal(r.node_id, 1);
			assert_int_equal(r.port,
					 broker_listener_port(f->broker, 0));
			continue;
		}
		assert_int_equal(r.coordinators_count, 3);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(r.coordinators[i].error_code,
					 WIRE_NONE);
			assert_int_equal(r.coordinators[i].node_id, 1);
			assert_true(slice_is(r.coordinators[i].key, keys[i]));
		}
	}
}

static void keys_that_can_not_be_are_refused_one_by_one(void **state)
{
	struct fixture *f = *state;
	static const char *const keys[] = { "group", "g:x:0",
					    "g:AAAAAAAAAAAAAAAAAAAAAQ:1x",
					    "g:AAAAAAAAAAAAAAAAAAAAAQ:0" };
	struct find_coordinator_response r =
		find(f, 6, WIRE_COORDINATOR_TYPE_SHARE, keys, 4);

	assert_int_equal(r.coordinators_count, 4);
	for (int i = 0; i < 3; i++)
		assert_int_equal(r.coordinators[i].error_code,
				 WIRE_INVALID_REQUEST);
	assert_int_equal(r.coordinators[3].error_code,
			 WIRE_COORDINATOR_NOT_AVAILABLE);

	r = find(f, 5, WIRE_COORDINATOR_TYPE_SHARE, keys + 3, 1);
	assert_int_equal(r.coordinators[0].error_code, WIRE_INVALID_REQUEST);
	r = find(f, 4, 9, keys, 1);
	assert_int_equal(r.coordinators[0].error_code, WIRE_INVALID_REQUEST);
	assert_int_equal(find(f, 1, -1, keys, 1).error_code,
			 WIRE_INVALID_REQUEST);
}

/* Pages */

static struct describe_topic_partitions_response page(
	struct fixture *f, int32_t limit,
	struct describe_topic_partitions_request_cursor *cursor)
{
	struct describe_topic_partitions_request request;
	struct describe_topic_partitions_response response;

	wire_init(&describe_topic_partitions_request_desc, &request);
	request.response_partition_limit = limit;
	request.cursor = cursor;
	call(f, f->fd, DESCRIBE_TOPIC_PARTITIONS, 0, &request, &response);
	return response;
}

/* All partitions, in pages of limit; returns how many pages it took. */
static int read_pages(struct fixture *f, int32_t limit, char *all)
{
	struct describe_topic_partitions_request_cursor cursor = { 0 };
	struct describe_topic_partitions_response r = page(f, limit, NULL);
	int pages = 1;

	for (;; pages++) {
		for (int32_t i = 0; i < r.topics_count; i++) {
			for (int32_t j = 0; j < r.topics[i].partitions_count;
			     j++)
				all += sprintf(
					all, "%.*s%d ",
					(int)r.topics[i].name.len,
					(const char *)r.topics[i].name.data,
					r.topics[i]
						.partitions[j]
						.partition_index);
		}
		if (r.next_cursor == NULL)
			return pages;
		cursor.topic_name = r.next_cursor->topic_name;
		cursor.partition_index = r.next_cursor->partition_index;
		r = page(f, limit, &cursor);
	}
}

static void pages_have_every_partition_once(void **state)
{
	static const char want[] = "a0 a1 a2 b0 c0 c1 ";
	static const struct {
		int32_t limit;
		int pages;
	} cases[] = { { 1, 6 }, { 2, 3 }, { 3, 2 }, { 4, 2 },
		      { 5, 2 }, { 6, 1 }, { 7, 1 }, { 0, 6 } };
	struct fixture *f = *state;

	create(f, "c", 2);
	create(f, "a", 3);
	create(f, "b", 1);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char all[128] = "";

		assert_int_equal(read_pages(f, cases[i].limit, all),
				 cases[i].pages);
		assert_string_equal(all, want);
	}
}

static void a_cursor_must_be_among_the_topics(void **state)
{
	struct fixture *f = *state;
	struct describe_topic_partitions_request_topics topic = {
		.name = slice_of("a")
	};
	struct describe_topic_partitions_request_cursor cursor = {
		.topic_name = slice_of("b")
	};
	struct describe_topic_partitions_request request;
	struct describe_topic_partitions_response response;

	create(f, "a", 1);
	wire_init(&describe_topic_partitions_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	request.cursor = &cursor;
	call(f, f->fd, DESCRIBE_TOPIC_PARTITIONS, 0, &request, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_INVALID_REQUEST);
}

/* The quorum */

static struct describe_quorum_response describe_quorum(struct fixture *f,
						       int fd, int16_t version,
						       const char *name)
{
	struct describe_quorum_request_topics_partitions partition = { 0 };
	struct describe_quorum_request_topics topic = {
		.topic_name = slice_of(name),
		.partitions = &partition,
		.partitions_count = 1,
	};
	struct describe_quorum_request request = { .topics = &topic,
						   .topics_count = 1 };
	struct describe_quorum_response response;

	call(f, fd, DESCRIBE_QUORUM, version, &request, &response);
	return response;
}

static void the_quorum_is_this_node(void **state)
{
	struct fixture *f = *state;
	struct describe_quorum_response r;
	int64_t end;

	create(f, "a", 1);
	end = metadata_committed_offset(f->broker->metadata) + 1;
	for (int16_t v = 0; v <= 2; v++) {
		const struct describe_quorum_response_topics_partitions *p;

		r = describe_quorum(f, v == 1 ? f->controller_fd : f->fd, v,
				    "__cluster_metadata");
		p = &r.topics[0].partitions[0];
		assert_int_equal(p->leader_id, 1);
		assert_int_equal(p->leader_epoch, 1);
		assert_int_equal(p->high_watermark, end);
		assert_int_equal(p->current_voters_count, 1);
		assert_int_equal(p->current_voters[0].log_end_offset, end);
		assert_int_equal(p->observers_count, 0);
	}
	assert_int_equal(r.nodes_count, 1);
	assert_int_equal(r.nodes[0].listeners_count, 1);
	assert_true(slice_is(r.nodes[0].listeners[0].name, "CONTROLLER"));
	assert_int_equal(r.nodes[0].listeners[0].port,
			 broker_listener_port(f->broker, 1));

	r = describe_quorum(f, f->fd, 2, "a");
	assert_int_equal(r.topics[0].partitions[0].error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
}

static void each_listener_describes_its_own_kind(void **state)
{
	struct fixture *f = *state;
	struct describe_cluster_request request;
	struct describe_cluster_response r;

	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? f->fd : f->controller_fd;
		int8_t own = i == 0 ? WIRE_ENDPOINT_TYPE_BROKER
				    : WIRE_ENDPOINT_TYPE_CONTROLLER;

		wire_init(&describe_cluster_request_desc, &request);
		request.endpoint_type = own;
		call(f, fd, DESCRIBE_CLUSTER, 2, &request, &r);
		assert_int_equal(r.error_code, WIRE_NONE);
		assert_int_equal(r.endpoint_type, own);
		assert_int_equal(r.brokers_count, 1);
		assert_int_equal(r.brokers[0].port,
				 broker_listener_port(f->broker, (size_t)i));

		request.endpoint_type = i == 0 ? WIRE_ENDPOINT_TYPE_CONTROLLER
					       : WIRE_ENDPOINT_TYPE_BROKER;
		call(f, fd, DESCRIBE_CLUSTER, 2, &request, &r);
		assert_int_equal(r.error_code, WIRE_MISMATCHED_ENDPOINT_TYPE);
		request.endpoint_type = 9;
		call(f, fd, DESCRIBE_CLUSTER, 2, &request, &r);
		assert_int_equal(r.error_code, WIRE_UNSUPPORTED_ENDPOINT_TYPE);
	}
}

static void nothing_is_moving_on_one_node(void **state)
{
	struct fixture *f = *state;
	struct list_partition_reassignments_request request;
	struct list_partition_reassignments_response response;

	create(f, "a", 1);
	wire_init(&list_partition_reassignments_request_desc, &request);
	request.topics_count = -1;
	call(f, f->fd, LIST_REASSIGNMENTS, 0, &request, &response);
	assert_int_equal(response.error_code, WIRE_NONE);
	assert_int_equal(response.topics_count, 0);
}

/* What is kept encoded is told anew when something has changed. */
static void all_topics_are_told_as_they_are(void **state)
{
	struct fixture *f = *state;
	struct metadata_request request;
	struct metadata_response response;

	wire_init(&metadata_request_desc, &request);
	request.topics_count = -1;
	for (int32_t topics = 1; topics <= 3; topics++) {
		char name[8];

		snprintf(name, sizeof(name), "t%d", topics);
		create(f, name, topics);
		for (int16_t v = 1; v <= 13; v++) {
			call(f, f->fd, METADATA, v, &request, &response);
			assert_int_equal(response.topics_count, topics);
			for (int32_t i = 0; i < topics; i++)
				assert_int_equal(
					response.topics[i].partitions_count,
					response.topics[i].name.data[1] - '0');
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_first_question_makes_the_topic),
		TEST(every_version_names_this_broker),
		TEST(keys_that_can_not_be_are_refused_one_by_one),
		TEST(pages_have_every_partition_once),
		TEST(a_cursor_must_be_among_the_topics),
		TEST(the_quorum_is_this_node),
		TEST(each_listener_describes_its_own_kind),
		TEST(nothing_is_moving_on_one_node),
		TEST(all_topics_are_told_as_they_are),
	};

	return cmocka_run_group_tests_name("cluster", tests, NULL, NULL);
}
