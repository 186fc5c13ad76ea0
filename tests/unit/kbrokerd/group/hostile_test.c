/*
 * hostile_test.c - a client that names groups without end, and odd ones
 *
 * The broker is a process of its own, so that its memory can be looked at.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "kbrokerd/whole_process.h"

enum {
	OFFSET_COMMIT = 8,
	OFFSET_FETCH = 9,
	JOIN_GROUP = 11,
	LIST_GROUPS = 16,
	DELETE_GROUPS = 42,
	CONSUMER_GROUP_HEARTBEAT = 68,
	BURST = 500, /* requests under way */
	GROUP_MEMORY = 4 << 20,
	SMALLEST_GROUP = 100, /* bytes: fewer no group can take */
	BROKER_MEMORY = 64 << 20,
};

static const char *const settings[] = {
	"group.initial.rebalance.delay.ms=0",
	"offsets.topic.num.partitions=1",
	"group.memory.max.bytes=4194304",
	"flush.mode=os",
};

enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

struct fixture {
	struct whole_process broker;
	int fd;
	struct arena arena;
};

static bool is_sanitized(void)
{
	return getenv("KSPOOL_SANITIZED") != NULL;
}

/* So many groups does the client name. */
static int many(void)
{
	return is_sanitized() ? 20000 : 100000;
}

static void start(struct fixture *f)
{
	whole_process_start(&f->broker, settings, SETTING_COUNT);
	f->fd = whole_dial(f->broker.port);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	whole_process_init(&f->broker);
	start(f);
	whole_create_topic(f->fd, "t", 1);
	whole_find_coordinator(f->fd, "mine");
	/* Until it has loaded it refuses everybody. */
	assert_int_equal(whole_fetch(f->fd, "mine", "t", 0), -1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	whole_process_clear(&f->broker);
	arena_clear(&f->arena);
	free(f);
	return 0;
}

/* What it has taken most so far. */
static int64_t most_resident_bytes(const struct fixture *f)
{
	int64_t kb = 0;
	char line[128];
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)f->broker.pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "VmHWM: %" SCNd64, &kb);
	fclose(file);
	assert_true(kb > 0);
	return kb * 1024;
}

/* One group after the other */

static struct slice numbered(char *text, size_t size, int i)
{
	snprintf(text, size, "group-of-one-client-%d", i);
	return slice_of(text);
}

static void send_commit_of(int fd, struct slice group, int64_t offset)
{
	struct offset_commit_request_topics_partitions row;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &row);
	request.group_id = group;
	request.member_id = slice_of("");
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of("t");
	topic.partitions = &row;
	topic.partitions_count = 1;
	row.committed_offset = offset;
	whole_send(fd, OFFSET_COMMIT, 9, &request);
}

static int16_t take_commit(struct fixture *f)
{
	struct offset_commit_response response;

	arena_reset(&f->arena);
	whole_take(f->fd, OFFSET_COMMIT, 9, &f->arena, &response);
	return whole_commit_error(&response);
}

static int16_t commit(struct fixture *f, struct slice group, int64_t offset)
{
	int16_t error;

	do {
		send_commit_of(f->fd, group, offset);
		error = take_commit(f);
	} while (whole_is_passing(error));
	return error;
}

static void send_commit(int fd, struct slice group)
{
	send_commit_of(fd, group, 1);
}

static void send_join(int fd, struct slice group)
{
	struct join_group_request_protocols protocol = {
		.name = slice_of("range"),
		.metadata = slice_of("some metadata"),
	};
	struct join_group_request request;

	wire_init(&join_group_request_desc, &request);
	request.group_id = group;
	request.session_timeout_ms = 60000;
	request.rebalance_timeout_ms = 60000;
	request.protocol_type = slice_of("consumer");
	request.protocols = &protocol;
	request.protocols_count = 1;
	whole_send(fd, JOIN_GROUP, 9, &request);
}

static int16_t take_join(struct fixture *f)
{
	struct join_group_response response;

	arena_reset(&f->arena);
	whole_take(f->fd, JOIN_GROUP, 9, &f->arena, &response);
	/* It is given an id and asked to come again: it is kept as pending. */
	return response.error_code == WIRE_MEMBER_ID_REQUIRED
		       ? WIRE_NONE
		       : response.error_code;
}

static void send_beat_of(int fd, struct slice group, struct slice *names,
			 int32_t count)
{
	struct consumer_group_heartbeat_request request;

	wire_init(&consumer_group_heartbeat_request_desc, &request);
	request.group_id = group;
	request.member_id = slice_of("a");
	request.rebalance_timeout_ms = 60000;
	request.subscribed_topic_names = names;
	request.subscribed_topic_names_count = count;
	request.topic_partitions_count = 0;
	whole_send(fd, CONSUMER_GROUP_HEARTBEAT, 1, &request);
}

static void send_beat(int fd, struct slice group)
{
	struct slice name = slice_of("t");

	send_beat_of(fd, group, &name, 1);
}

static int16_t take_beat(struct fixture *f)
{
	struct consumer_group_heartbeat_response response;

	arena_reset(&f->arena);
	whole_take(f->fd, CONSUMER_GROUP_HEARTBEAT, 1, &f->arena, &response);
	return response.error_code;
}

static size_t list(struct fixture *f, struct list_groups_response *out)
{
	struct list_groups_request request;

	wire_init(&list_groups_request_desc, &request);
	do {
		arena_reset(&f->arena);
		whole_call(f->fd, LIST_GROUPS, 5, &request, &f->arena, out);
	} while (whole_is_passing(out->error_code));
	assert_int_equal(out->error_code, WIRE_NONE);
	return (size_t)out->groups_count;
}

/* Returns how many of them were taken. */
static int name_many(struct fixture *f, void (*send)(int, struct slice),
		     int16_t (*take)(struct fixture *))
{
	int taken = 0;
	char id[64];

	for (int i = 0; i < many(); i += BURST) {
		for (int k = 0; k < BURST; k++)
			send(f->fd, numbered(id, sizeof(id), i + k));
		for (int k = 0; k < BURST; k++) {
			int16_t error = take(f);

			taken += error == WIRE_NONE;
			if (error != WIRE_NONE)
				assert_int_equal(error, WIRE_POLICY_VIOLATION);
		}
	}
	return taken;
}

static void expect_bounded(struct fixture *f, void (*send)(int, struct slice),
			   int16_t (*take)(struct fixture *))
{
	struct list_groups_response listed;
	int taken;

	assert_int_equal(commit(f, slice_of("mine"), 7), WIRE_NONE);

	taken = name_many(f, send, take);

	assert_in_range(taken, 100, GROUP_MEMORY / SMALLEST_GROUP);
	if (!is_sanitized())
		assert_true(most_resident_bytes(f) < BROKER_MEMORY);
	/* Who was there goes on. */
	assert_int_equal(commit(f, slice_of("mine"), 8), WIRE_NONE);
	assert_int_equal(whole_fetch(f->fd, "mine", "t", 0), 8);
	assert_true(list(f, &listed) <= (size_t)taken + 1);
}

static void groups_of_simple_consumers_are_bounded_in_memory(void **state)
{
	expect_bounded(*state, send_commit, take_commit);
}

static void groups_that_are_joined_are_bounded_in_memory(void **state)
{
	expect_bounded(*state, send_join, take_join);
}

static void groups_that_send_heartbeats_are_bounded_in_memory(void **state)
{
	expect_bounded(*state, send_beat, take_beat);
}

static void deleted_groups_make_room_again(void **state)
{
	struct fixture *f = *state;
	struct delete_groups_response response;
	struct list_groups_response listed;
	struct delete_groups_request request;
	struct arena names = { 0 };
	size_t count;

	name_many(f, send_commit, take_commit);
	assert_int_equal(commit(f, slice_of("late"), 1), WIRE_POLICY_VIOLATION);
	count = list(f, &listed);
	wire_init(&delete_groups_request_desc, &request);
	request.groups_names =
		arena_alloc(&names, count * sizeof(*request.groups_names));
	assert_non_null(request.groups_names);
	for (size_t i = 0; i < count; i++)
		request.groups_names[i] =
			arena_copy(&names, listed.groups[i].group_id);
	request.groups_names_count = (int32_t)count;

	arena_reset(&f->arena);
	whole_call(f->fd, DELETE_GROUPS, 2, &request, &f->arena, &response);

	for (size_t i = 0; i < count; i++)
		assert_int_equal(response.results[i].error_code, WIRE_NONE);
	assert_int_equal(list(f, &listed), 0);
	assert_int_equal(commit(f, slice_of("late"), 1), WIRE_NONE);
	arena_clear(&names);
}

/* What one request may bring */

static void a_giant_subscription_is_refused(void **state)
{
	enum { COUNT = 1000000 };
	struct fixture *f = *state;
	struct slice *names = calloc(COUNT, sizeof(*names));

	assert_non_null(names);
	for (int i = 0; i < COUNT; i++)
		names[i] = slice_of("t");
	send_beat_of(f->fd, slice_of("giant"), names, COUNT);
	assert_int_equal(take_beat(f), WIRE_POLICY_VIOLATION);
	assert_int_equal(commit(f, slice_of("mine"), 8), WIRE_NONE);
	free(names);
}

static void giant_metadata_of_a_member_is_refused(void **state)
{
	enum { BYTES = 16 << 20 };
	struct fixture *f = *state;
	uint8_t *bytes = calloc(1, BYTES);
	struct join_group_request_protocols protocol = {
		.name = slice_of("range"),
		.metadata = { bytes, BYTES },
	};
	struct join_group_request request;

	assert_non_null(bytes);
	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of("giant");
	request.session_timeout_ms = 60000;
	request.protocol_type = slice_of("consumer");
	request.protocols = &protocol;
	request.protocols_count = 1;
	whole_send(f->fd, JOIN_GROUP, 9, &request);
	assert_int_equal(take_join(f), WIRE_POLICY_VIOLATION);
	assert_int_equal(commit(f, slice_of("mine"), 8), WIRE_NONE);
	free(bytes);
}

static int64_t fetch(struct fixture *f, struct slice group)
{
	int32_t partition = 0;
	struct offset_fetch_request_groups_topics topic = {
		.name = slice_of("t"),
		.partition_indexes = &partition,
		.partition_indexes_count = 1,
	};
	struct offset_fetch_request_groups one;
	struct offset_fetch_request request;
	struct offset_fetch_response response;

	wire_init(&offset_fetch_request_desc, &request);
	wire_init(&offset_fetch_request_groups_desc, &one);
	one.group_id = group;
	one.topics = &topic;
	one.topics_count = 1;
	request.groups = &one;
	request.groups_count = 1;
	do {
		arena_reset(&f->arena);
		whole_call(f->fd, OFFSET_FETCH, 9, &request, &f->arena,
			   &response);
	} while (whole_is_passing(response.groups[0].error_code));
	assert_int_equal(response.groups[0].error_code, WIRE_NONE);
	return response.groups[0].topics[0].partitions[0].committed_offset;
}

static void a_group_may_have_any_bytes_as_its_name(void **state)
{
	static const struct slice names[] = {
		{ (const uint8_t *)"nul\0a", 5 },
		{ (const uint8_t *)"nul\0b", 5 },
		{ (const uint8_t *)"\xff\xfe", 2 },
		{ (const uint8_t *)"\"\n{}='\\", 7 },
		{ (const uint8_t *)" ", 1 },
	};
	enum { COUNT = sizeof(names) / sizeof(names[0]) };
	struct fixture *f = *state;
	struct list_groups_response listed;

	for (int i = 0; i < COUNT; i++)
		assert_int_equal(commit(f, names[i], 10 + i), WIRE_NONE);
	whole_process_kill(&f->broker);
	close(f->fd);
	start(f);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(fetch(f, names[i]), 10 + i);
	assert_int_equal(list(f, &listed), COUNT);
	for (int i = 0; i < COUNT; i++) {
		int found = 0;

		for (int k = 0; k < COUNT; k++)
			found += slice_equal(listed.groups[k].group_id,
					     names[i]);
		assert_int_equal(found, 1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(groups_of_simple_consumers_are_bounded_in_memory),
		TEST(groups_that_are_joined_are_bounded_in_memory),
		TEST(groups_that_send_heartbeats_are_bounded_in_memory),
		TEST(deleted_groups_make_room_again),
		TEST(a_giant_subscription_is_refused),
		TEST(giant_metadata_of_a_member_is_refused),
		TEST(a_group_may_have_any_bytes_as_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
