/*
 * coordinator_test.c - groups of a whole broker, asked through a socket
 */
#include "kbrokerd/group/coordinator.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/server/observer.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"

enum {
	OFFSET_COMMIT = 8,
	OFFSET_FETCH = 9,
	JOIN_GROUP = 11,
	HEARTBEAT = 12,
	LEAVE_GROUP = 13,
	SYNC_GROUP = 14,
	DESCRIBE_GROUPS = 15,
	LIST_GROUPS = 16,
	DELETE_TOPICS = 20,
	DELETE_GROUPS = 42,
};

/* What the server tells of its connections. */
struct watch {
	struct server_observer observer;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int ended;   /* connections */
	int dropped; /* requests that ended with theirs */
};

struct fixture {
	char dir[64];
	struct watch watch;
	struct config *config;
	struct broker *broker;
	int fd; /* a connection */
	struct arena arena;
};

static const char *const settings[] = {
	"group.initial.rebalance.delay.ms=0",
	"offsets.topic.num.partitions=3",
	"group.min.session.timeout.ms=100",
	/* Groups go on where records are refused for lack of room. */
	"min.free.bytes=4000000000000000000",
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

/* The watch */

static void on_answer(void *arg, const struct request *req, const void *message,
		      size_t bytes)
{
	struct watch *w = arg;

	(void)req;
	(void)bytes;
	pthread_mutex_lock(&w->lock);
	w->dropped += message == NULL;
	pthread_mutex_unlock(&w->lock);
}

/* It ends after its requests have. */
static void on_connection(void *arg, const struct conn *conn, bool open)
{
	struct watch *w = arg;

	(void)conn;
	pthread_mutex_lock(&w->lock);
	w->ended += !open;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
}

static void watch_init(struct watch *w)
{
	*w = (struct watch){
		.observer = { .arg = w,
			      .on_answer = on_answer,
			      .on_connection = on_connection },
	};
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
}

static void watch_clear(struct watch *w)
{
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
}

/* Until so many connections have ended.  Returns how many requests had no
 * answer. */
static int watch_await(struct watch *w, int ended)
{
	struct timespec until;
	int dropped;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WHOLE_WAIT_MS / 1000;
	pthread_mutex_lock(&w->lock);
	while (w->ended < ended && rc == 0)
		rc = pthread_cond_timedwait(&w->changed, &w->lock, &until);
	dropped = w->dropped;
	pthread_mutex_unlock(&w->lock);
	assert_int_equal(rc, 0);
	return dropped;
}

/* The broker */

static int dial(const struct fixture *f)
{
	return whole_dial(broker_port(f->broker));
}

static void start(struct fixture *f)
{
	const struct broker_seams seams = { .observer = &f->watch.observer };
	char error[512];

	assert_int_equal(
		config_for_test(f->dir, settings, SETTING_COUNT, &f->config),
		0);
	if (broker_start_with(f->config, NULL, &seams, &f->broker, error,
			      sizeof(error)) < 0)
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

static void call(struct fixture *f, int16_t key, int16_t version,
		 const void *request, void *response)
{
	whole_call(f->fd, key, version, request, &f->arena, response);
}

static void delete_topic(struct fixture *f, const char *name)
{
	struct delete_topics_request request;
	struct delete_topics_response response;
	struct slice names[] = { slice_of(name) };

	wire_init(&delete_topics_request_desc, &request);
	request.topic_names = names;
	request.topic_names_count = 1;
	request.timeout_ms = WHOLE_WAIT_MS;
	call(f, DELETE_TOPICS, 5, &request, &response);
	assert_int_equal(response.responses[0].error_code, WIRE_NONE);
}

static int16_t commit(struct fixture *f, const char *group, int32_t partition,
		      int64_t offset)
{
	struct offset_commit_response response;

	do {
		whole_send_commit(f->fd, group, "", -1, "t", partition, offset);
		whole_take(f->fd, OFFSET_COMMIT, 9, &f->arena, &response);
	} while (whole_is_passing(whole_commit_error(&response)));
	return whole_commit_error(&response);
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
	} while (whole_is_passing(error));
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
	watch_init(&f->watch);
	start(f);
	whole_create_topic(f->fd, "t", 4);
	whole_find_coordinator(f->fd, "g");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->broker != NULL)
		stop(f);
	arena_clear(&f->arena);
	watch_clear(&f->watch);
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
	whole_create_topic(f->fd, "t", 4);
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
	while (whole_is_passing(response.error_code));
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
	while (whole_is_passing(joined.error_code));
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
	whole_send(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	describe(f, "PreparingRebalance");
	leave(f, first);
	whole_take(other, JOIN_GROUP, 3, &f->arena, &joined);
	assert_int_equal(joined.error_code, WIRE_NONE);
	assert_true(slice_equal(joined.leader, joined.member_id));
	close(other);
}

/* Without a word: the broker cannot answer any more. */
static void reset(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(fd);
}

static void a_join_whose_connection_ends_is_forgotten(void **state)
{
	struct fixture *f = *state;
	struct slice first = join_alone(f);
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	int other = dial(f);

	fill_join(&request, &protocol, slice_of(""));
	whole_send(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	reset(other);
	assert_int_equal(watch_await(&f->watch, 1), 1);
	leave(f, first);
	assert_int_equal(describe(f, NULL), 1);
}

/* It has said all that it will, and may still listen. */
static void a_join_is_answered_when_its_connection_is_half_closed(void **state)
{
	struct fixture *f = *state;
	struct join_group_request request;
	struct join_group_request_protocols protocol;
	struct join_group_response joined;
	int other = dial(f);

	join_alone(f);
	fill_join(&request, &protocol, slice_of(""));
	whole_send(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	shutdown(other, SHUT_WR);
	whole_take(other, JOIN_GROUP, 3, &f->arena, &joined);
	assert_int_equal(joined.error_code, WIRE_NOT_COORDINATOR);
	assert_int_equal(watch_await(&f->watch, 1), 0);
	close(other);
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
	whole_send(other, JOIN_GROUP, 3, &request);
	while (describe(f, NULL) < 2)
		;
	stop(f);
	whole_take(other, JOIN_GROUP, 3, &f->arena, &joined);
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
	watch_init(&f->watch);
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
		TEST(a_join_is_answered_when_its_connection_is_half_closed),
		TEST(a_stop_answers_who_waits),
		cmocka_unit_test(a_group_without_a_coordinator_is_told_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
