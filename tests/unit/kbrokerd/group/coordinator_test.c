/*
 * coordinator_test.c - groups of a whole broker, asked through a socket
 */
#include "kbrokerd/group/coordinator.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	WAIT_MS = 20000,
	OFFSET_COMMIT = 8,
	OFFSET_FETCH = 9,
	FIND_COORDINATOR = 10,
	JOIN_GROUP = 11,
	HEARTBEAT = 12,
	LEAVE_GROUP = 13,
	SYNC_GROUP = 14,
	DESCRIBE_GROUPS = 15,
	LIST_GROUPS = 16,
	CREATE_TOPICS = 19,
	DELETE_TOPICS = 20,
	DELETE_GROUPS = 42,
};

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	int fd; /* a connection */
	struct arena arena;
	struct buffer answer;
};

static const char *const settings[] = {
	"group.initial.rebalance.delay.ms=0",
	"offsets.topic.num.partitions=3",
	"group.min.session.timeout.ms=100",
	/* Groups go on where records are refused for lack of room. */
	"min.free.bytes=4000000000000000000",
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

static int dial(const struct fixture *f)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)broker_port(f->broker)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void start(struct fixture *f)
{
	char error[512];

	assert_int_equal(
		config_for_test(f->dir, settings, SETTING_COUNT, &f->config),
		0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = dial(f);
}

static void stop(struct fixture *f)
{
	assert_int_equal(broker_stop(f->broker), 0);
	close(f->fd);
	config_free(f->config);
	f->broker = NULL;
}

/* Talking */

static void ask_on(int fd, int16_t key, int16_t version, const void *request)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header = { .request_api_key = key,
					 .request_api_version = version,
					 .correlation_id = 5,
					 .client_id = slice_of("test") };
	struct buffer b = { 0 };

	buffer_put_be32(&b, 0);
	assert_int_equal(wire_encode(&request_header_desc,
				     wire_request_header_version(api, version),
				     &header, &b, NULL),
			 0);
	assert_int_equal(wire_encode(api->request, version, request, &b, NULL),
			 0);
	put_be32(b.data, (uint32_t)b.len - 4);
	assert_int_equal(send(fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	buffer_clear(&b);
}

static void receive(int fd, uint8_t *to, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (len > 0) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = recv(fd, to, len, 0);
		assert_true(n > 0);
		to += n;
		len -= (size_t)n;
	}
}

/* The answer's memory is the fixture's until the next. */
static void take_on(struct fixture *f, int fd, int16_t key, int16_t version,
		    void *response)
{
	const struct wire_api *api = wire_api(key);
	size_t head = wire_response_header_version(api, version) > 0 ? 5 : 4;
	uint8_t size[4];

	receive(fd, size, sizeof(size));
	buffer_reset(&f->answer);
	assert_non_null(buffer_reserve(&f->answer, get_be32(size)));
	buffer_commit(&f->answer, get_be32(size));
	receive(fd, f->answer.data, f->answer.len);
	assert_int_equal(wire_decode(api->response, version,
				     (struct slice){ f->answer.data + head,
						     f->answer.len - head },
				     &f->arena, response),
			 f->answer.len - head);
}

static void call(struct fixture *f, int16_t key, int16_t version,
		 const void *request, void *response)
{
	ask_on(f->fd, key, version, request);
	take_on(f, f->fd, key, version, response);
}

/* Should it be asked again, because the coordinator is not there yet? */
static bool is_passing(int16_t error)
{
	return error == WIRE_NOT_COORDINATOR ||
	       error == WIRE_COORDINATOR_NOT_AVAILABLE ||
	       error == WIRE_COORDINATOR_LOAD_IN_PROGRESS;
}

static void find_coordinator(struct fixture *f, const char *group)
{
	struct find_coordinator_request request;
	struct find_coordinator_response response;

	wire_init(&find_coordinator_request_desc, &request);
	request.key = slice_of(group);
	do
		call(f, FIND_COORDINATOR, 3, &request, &response);
	while (is_passing(response.error_code));
	assert_int_equal(response.error_code, WIRE_NONE);
}

static void create_topic(struct fixture *f, const char *name)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;

	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(name);
	topic.num_partitions = 4;
	topic.replication_factor = -1;
	request.topics = &topic;
	request.topics_count = 1;
	call(f, CREATE_TOPICS, 7, &request, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
}

static void delete_topic(struct fixture *f, const char *name)
{
	struct delete_topics_request request;
	struct delete_topics_response response;
	struct slice names[] = { slice_of(name) };

	wire_init(&delete_topics_request_desc, &request);
	request.topic_names = names;
	request.topic_names_count = 1;
	request.timeout_ms = WAIT_MS;
	call(f, DELETE_TOPICS, 5, &request, &response);
	assert_int_equal(response.responses[0].error_code, WIRE_NONE);
}

static int16_t commit(struct fixture *f, const char *group, int32_t partition,
		      int64_t offset)
{
	struct offset_commit_request_topics_partitions row;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;
	struct offset_commit_response response;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &row);
	request.group_id = slice_of(group);
	request.member_id = slice_of("");
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of("t");
	topic.partitions = &row;
	topic.partitions_count = 1;
	row.partition_index = partition;
	row.committed_offset = offset;
	row.committed_metadata = slice_of("m");
	do
		call(f, OFFSET_COMMIT, 9, &request, &response);
	while (is_passing(response.topics[0].partitions[0].error_code));
	return response.topics[0].partitions[0].error_code;
}

/* One partition's, by every version's way of asking. */
static int64_t fetch(struct fixture *f, int16_t version, const char *group,
		     int32_t partition)
{
	struct offset_fetch_request_topics topic = { slice_of("t"), &partition,
						     1, NULL };
	struct offset_fetch_request_groups_topics group_topic = {
		.name = slice_of("t"),
		.partition_indexes = &partition,
		.partition_indexes_count = 1,
	};
	struct offset_fetch_request_groups one;
	struct offset_fetch_request request;
	struct offset_fetch_response response;
	int16_t error;

	wire_init(&offset_fetch_request_desc, &request);
	wire_init(&offset_fetch_request_groups_desc, &one);
	request.group_id = slice_of(group);
	request.topics = &topic;
	request.topics_count = 1;
	one.group_id = slice_of(group);
	one.topics = &group_topic;
	one.topics_count = 1;
	request.groups = &one;
	request.groups_count = 1;
	do {
		call(f, OFFSET_FETCH, version, &request, &response);
		if (version >= 8)
			error = response.groups[0].error_code;
		else if (version > 1)
			error = response.error_code;
		else
			error = response.topics[0].partitions[0].error_code;
	} while (is_passing(error));
	assert_int_equal(error, WIRE_NONE);
	return version >= 8 ? response.groups[0]
				      .topics[0]
				      .partitions[0]
				      .committed_offset
			    : response.topics[0].partitions[0].committed_offset;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	start(f);
	create_topic(f, "t");
	find_coordinator(f, "g");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->broker != NULL)
		stop(f);
	arena_clear(&f->arena);
	buffer_clear(&f->answer);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

/* Offsets */

static void offsets_are_fetched_in_every_version_also_after_a_restart(
	void **state)
{
	struct fixture *f = *state;

	assert_int_equal(commit(f, "g", 0, 10), WIRE_NONE);
	assert_int_equal(commit(f, "g", 1, 11), WIRE_NONE);
	assert_int_equal(commit(f, "h", 1, 12), WIRE_NONE);
	assert_int_equal(commit(f, "g", 4, 1), WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	for (int16_t version = 1; version <= 9; version++)
		assert_int_equal(fetch(f, version, "g", 1), 11);
	stop(f);
	start(f);
	for (int16_t version = 1; version <= 9; version++)
		assert_int_equal(fetch(f, version, "g", 0), 10);
	assert_int_equal(fetch(f, 9, "h", 1), 12);
	assert_int_equal(fetch(f, 9, "h", 0), -1);
}

static void many_groups_are_fetched_at_once(void **state)
{
	struct fixture *f = *state;
	struct offset_fetch_request_groups groups[3];
	struct offset_fetch_request request;
	struct offset_fetch_response response;
	const char *const ids[] = { "g", "h", "none" };

	commit(f, "g", 0, 10);
	commit(f, "h", 1, 12);
	wire_init(&offset_fetch_request_desc, &request);
	for (size_t i = 0; i < 3; i++) {
		wire_init(&offset_fetch_request_groups_desc, &groups[i]);
		groups[i].group_id = slice_of(ids[i]);
		groups[i].topics_count = -1;
	}
	request.groups = groups;
	request.groups_count = 3;
	fetch(f, 9, "none", 0); /* its shard is there */
	call(f, OFFSET_FETCH, 9, &request, &response);
	assert_int_equal(response.groups_count, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(response.groups[i].error_code, WIRE_NONE);
		assert_true(slice_is(response.groups[i].group_id, ids[i]));
		assert_int_equal(response.groups[i].topics_count, i < 2);
	}
	assert_int_equal(
		response.groups[1].topics[0].partitions[0].committed_offset,
		12);
}

static void offsets_of_a_deleted_topic_are_gone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(commit(f, "g", 0, 10), WIRE_NONE);
	delete_topic(f, "t");
	assert_int_equal(commit(f, "g", 0, 10),
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	create_topic(f, "t");
	assert_int_equal(fetch(f, 9, "g", 0), -1);
	stop(f);
	start(f);
	assert_int_equal(fetch(f, 9, "g", 0), -1);
}

static int32_t count_groups(struct fixture *f)
{
	struct list_groups_request request;
	struct list_groups_response response;

	wire_init(&list_groups_request_desc, &request);
	do
		call(f, LIST_GROUPS, 5, &request, &response);
	while (is_passing(response.error_code));
	assert_int_equal(response.error_code, WIRE_NONE);
	return response.groups_count;
}

static void groups_are_listed_and_deleted(void **state)
{
	struct fixture *f = *state;
	struct slice names[] = { slice_of("g"), slice_of("x") };
	struct delete_groups_request request = { names, 2, NULL };
	struct delete_groups_response response;

	commit(f, "g", 0, 1);
	commit(f, "h", 0, 1);
	fetch(f, 9, "x", 0);
	assert_int_equal(count_groups(f), 2);
	call(f, DELETE_GROUPS, 2, &request, &response);
	assert_int_equal(response.results_count, 2);
	assert_int_equal(response.results[0].error_code, WIRE_NONE);
	assert_int_equal(response.results[1].error_code,
			 WIRE_GROUP_ID_NOT_FOUND);
	assert_int_equal(count_groups(f), 1);
	stop(f);
	start(f);
	assert_int_equal(count_groups(f), 1);
}

/* Members */

static void fill_join(struct join_group_request *request,
		      struct join_group_request_protocols *protocol,
		      struct slice member_id)
{
	wire_init(&join_group_request_desc, request);
	wire_init(&join_group_request_protocols_desc, protocol);
	request->group_id = slice_of("g");
	request->session_timeout_ms = 10000;
	request->rebalance_timeout_ms = 10000;
	request->member_id = member_id;
	request->protocol_type = slice_of("consumer");
	request->protocols = protocol;
	request->protocols_count = 1;
	protocol->name = slice_of("range");
	protocol->metadata =
		(struct slice){ (const uint8_t *)"\0\0\0\0\0\0\0\0\0\0", 10 };
}

/* A first member, which joins and syncs; its id is the fixture's arena's. */
static struct slice join_alone(struct fixture *f)
{
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	struct join_group_response joined;
	struct sync_group_request sync;
	struct sync_group_response synced;
	struct slice id;

	fill_join(&request, &protocol, slice_of(""));
	do
		call(f, JOIN_GROUP, 3, &request, &joined);
	while (is_passing(joined.error_code));
	assert_int_equal(joined.error_code, WIRE_NONE);
	id = arena_copy(&f->arena, joined.member_id);
	wire_init(&sync_group_request_desc, &sync);
	sync.group_id = slice_of("g");
	sync.member_id = id;
	sync.generation_id = joined.generation_id;
	call(f, SYNC_GROUP, 3, &sync, &synced);
	assert_int_equal(synced.error_code, WIRE_NONE);
	return id;
}

static void leave(struct fixture *f, struct slice member_id)
{
	struct leave_group_request request;
	struct leave_group_response response;

	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.member_id = member_id;
	call(f, LEAVE_GROUP, 2, &request, &response);
	assert_int_equal(response.error_code, WIRE_NONE);
}

/* How many members the group has, and in what state it is. */
static int32_t describe(struct fixture *f, const char *expected_state)
{
	struct slice names[] = { slice_of("g") };
	struct describe_groups_request request = { .groups = names,
						   .groups_count = 1 };
	struct describe_groups_response response;

	call(f, DESCRIBE_GROUPS, 5, &request, &response);
	assert_int_equal(response.groups[0].error_code, WIRE_NONE);
	if (expected_state != NULL)
		assert_true(slice_is(response.groups[0].group_state,
				     expected_state));
	if (response.groups[0].members_count > 0)
		assert_true(slice_is(response.groups[0].members[0].client_host,
				     "/127.0.0.1"));
	return response.groups[0].members_count;
}

static void a_member_joins_and_leaves(void **state)
{
	struct fixture *f = *state;
	struct slice id = join_alone(f);

	assert_int_equal(describe(f, "Stable"), 1);
	leave(f, id);
	assert_int_equal(describe(f, "Empty"), 0);
}

static void a_join_that_waits_is_answered_when_another_leaves(void **state)
{
	struct fixture *f = *state;
	struct slice first = join_alone(f);
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	struct join_group_response joined;
	int other = dial(f);

	fill_join(&request, &protocol, slice_of(""));
	ask_on(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	describe(f, "PreparingRebalance");
	leave(f, first);
	take_on(f, other, JOIN_GROUP, 3, &joined);
	assert_int_equal(joined.error_code, WIRE_NONE);
	assert_true(slice_equal(joined.leader, joined.member_id));
	close(other);
}

static void a_join_whose_connection_ends_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct slice first = join_alone(f);
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	int other = dial(f);

	fill_join(&request, &protocol, slice_of(""));
	ask_on(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	close(other);
	leave(f, first);
	assert_int_equal(describe(f, NULL), 1);
}

static void a_stop_answers_who_waits(void **state)
{
	struct fixture *f = *state;
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	struct join_group_response joined;
	int other = dial(f);

	join_alone(f);
	fill_join(&request, &protocol, slice_of(""));
	ask_on(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	stop(f);
	take_on(f, other, JOIN_GROUP, 3, &joined);
	assert_int_equal(joined.error_code, WIRE_NOT_COORDINATOR);
	close(other);
}

static void a_group_without_a_coordinator_is_told_so(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct heartbeat_request request;
	struct heartbeat_response response;

	(void)state;
	assert_non_null(f);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	start(f);
	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of("g");
	request.member_id = slice_of("m");
	call(f, HEARTBEAT, 4, &request, &response);
	assert_int_equal(response.error_code, WIRE_NOT_COORDINATOR);
	assert_int_equal(count_groups(f), 0);
	teardown((void **)&f);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(offsets_are_fetched_in_every_version_also_after_a_restart),
		TEST(many_groups_are_fetched_at_once),
		TEST(offsets_of_a_deleted_topic_are_gone),
		TEST(groups_are_listed_and_deleted),
		TEST(a_member_joins_and_leaves),
		TEST(a_join_that_waits_is_answered_when_another_leaves),
		TEST(a_join_whose_connection_ends_is_forgotten),
		TEST(a_stop_answers_who_waits),
		cmocka_unit_test(a_group_without_a_coordinator_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
