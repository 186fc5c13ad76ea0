/*
 * durable_test.c - what a group answers is on disk, or is an error
 *
 * A whole broker, whose syncs of __consumer_offsets are held up or fail when
 * the test says so.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"
#include "log/vfs.h"
#include "wire/error_codes.h"

enum {
	OFFSET_COMMIT = 8,
	FIND_COORDINATOR = 10,
	JOIN_GROUP = 11,
	SYNC_GROUP = 14,
	CREATE_TOPICS = 19,
	HUGE_COUNT = 140000, /* more than a request that waits may have */
};

/* The disk */

static struct {
	int (*fdatasync)(struct vfs *vfs, int fd);
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool held; /* syncs wait */
	int error; /* what they return; 0: they work */
	int begun;
} disk = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.moved = PTHREAD_COND_INITIALIZER,
};

static bool is_of_groups(int fd)
{
	char link[64];
	char path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, "/__consumer_offsets-") != NULL;
}

static int disk_sync(struct vfs *vfs, int fd)
{
	int error;

	if (!is_of_groups(fd))
		return disk.fdatasync(vfs, fd);
	pthread_mutex_lock(&disk.lock);
	disk.begun++;
	pthread_cond_broadcast(&disk.moved);
	while (disk.held)
		pthread_cond_wait(&disk.moved, &disk.lock);
	error = disk.error;
	pthread_mutex_unlock(&disk.lock);
	return error != 0 ? error : disk.fdatasync(vfs, fd);
}

static void disk_set(bool held, int error)
{
	pthread_mutex_lock(&disk.lock);
	disk.held = held;
	disk.error = error;
	disk.begun = 0;
	pthread_cond_broadcast(&disk.moved);
	pthread_mutex_unlock(&disk.lock);
}

/* Until a sync is held up. */
static void disk_wait(void)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.begun == 0)
		pthread_cond_wait(&disk.moved, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

/* The clock, ahead of the machine's */

static _Atomic int64_t ahead_us;

static int64_t wall_ms(struct clock *clock)
{
	(void)clock;
	return clock_system()->wall_ms(clock_system());
}

static int64_t monotonic_us(struct clock *clock)
{
	(void)clock;
	return clock_system()->monotonic_us(clock_system()) + ahead_us;
}

/* The broker */

struct fixture {
	char dir[64];
	struct clock clock;
	struct config *config;
	struct broker *broker;
	int fd, other; /* connections */
	struct arena arena;
};

static void start(struct fixture *f, const char *timeout)
{
	const char *const sets[] = {
		"group.initial.rebalance.delay.ms=0",
		"offsets.topic.num.partitions=1",
		timeout,
	};
	const struct broker_seams seams = { .clock = &f->clock };
	struct create_topics_request_topics topic;
	struct create_topics_request create;
	struct create_topics_response created;
	struct find_coordinator_request find;
	struct find_coordinator_response found;
	char error[512];

	*f = (struct fixture){ .clock = { .wall_ms = wall_ms,
					  .monotonic_us = monotonic_us } };
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	assert_int_equal(config_for_test(f->dir, sets, 3, &f->config), 0);
	if (broker_start_with(f->config, NULL, &seams, &f->broker, error,
			      sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = whole_dial(broker_port(f->broker));
	f->other = whole_dial(broker_port(f->broker));
	wire_init(&create_topics_request_desc, &create);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of("t");
	topic.num_partitions = 1;
	topic.replication_factor = -1;
	create.topics = &topic;
	create.topics_count = 1;
	whole_call(f->fd, CREATE_TOPICS, 7, &create, &f->arena, &created);
	assert_int_equal(created.topics[0].error_code, WIRE_NONE);
	wire_init(&find_coordinator_request_desc, &find);
	find.key = slice_of("g");
	do
		whole_call(f->fd, FIND_COORDINATOR, 3, &find, &f->arena,
			   &found);
	while (found.error_code != WIRE_NONE);
}

static void stop(struct fixture *f)
{
	disk_set(false, 0);
	close(f->fd);
	close(f->other);
	broker_stop(f->broker); /* not clean where a sync has failed */
	config_free(f->config);
	arena_clear(&f->arena);
	temporary_remove(f->dir);
}

/* Offsets */

static int16_t commit(struct fixture *f)
{
	struct offset_commit_request_topics_partitions row;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;
	struct offset_commit_response response;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &row);
	request.group_id = slice_of("g");
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of("t");
	topic.partitions = &row;
	topic.partitions_count = 1;
	row.committed_offset = 5;
	whole_call(f->other, OFFSET_COMMIT, 8, &request, &f->arena, &response);
	return response.topics[0].partitions[0].error_code;
}

/* One when the groups are loaded, which may take a while. */
static int16_t commit_first(struct fixture *f)
{
	int16_t error;

	do
		error = commit(f);
	while (error == WIRE_NOT_COORDINATOR ||
	       error == WIRE_COORDINATOR_LOAD_IN_PROGRESS);
	return error;
}

static void a_commit_whose_sync_fails_is_none(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, "offsets.commit.timeout.ms=600000");
	assert_int_equal(commit_first(&f), WIRE_NONE);
	disk_set(false, -EIO);
	assert_int_equal(commit(&f), WIRE_NOT_COORDINATOR);
	stop(&f);
}

static void a_commit_whose_sync_takes_too_long_is_told_so(void **state)
{
	struct fixture f;

	(void)state;
	start(&f, "offsets.commit.timeout.ms=1");
	commit_first(&f); /* in time, or not */
	disk_set(true, 0);
	assert_int_equal(commit(&f), WIRE_COORDINATOR_NOT_AVAILABLE);
	stop(&f);
}

/* Members */

/* All on one connection, of which requests are begun in turn. */
struct member {
	struct slice id;
	struct join_group_response joined;
};

static void ask_join(const struct fixture *f, const struct member *m)
{
	struct join_group_request_protocols protocol = {
		.name = slice_of("range"), .metadata = slice_of("")
	};
	struct join_group_request request;

	wire_init(&join_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.session_timeout_ms = 1800000;
	request.rebalance_timeout_ms = 1800000;
	request.member_id = m->id;
	request.protocol_type = slice_of("consumer");
	request.protocols = &protocol;
	request.protocols_count = 1;
	whole_send(f->fd, JOIN_GROUP, 3, &request);
}

static int16_t take_join(struct fixture *f, struct member *m)
{
	whole_take(f->fd, JOIN_GROUP, 3, &f->arena, &m->joined);
	if (m->joined.error_code == WIRE_NONE)
		m->id = m->joined.member_id;
	return m->joined.error_code;
}

/* Two have joined, the first leads. */
static void join_two(struct fixture *f, struct member *a, struct member *b)
{
	*a = *b = (struct member){ .id = slice_of("") };
	assert_int_equal(commit_first(f), WIRE_NONE);
	ask_join(f, a);
	assert_int_equal(take_join(f, a), WIRE_NONE);
	ask_join(f, b);
	ask_join(f, a);
	assert_int_equal(take_join(f, b), WIRE_NONE);
	assert_int_equal(take_join(f, a), WIRE_NONE);
	assert_true(slice_equal(a->joined.leader, a->id));
}

static void ask_sync(const struct fixture *f, const struct member *m,
		     struct sync_group_request_assignments *assignments,
		     int32_t count)
{
	struct sync_group_request request;

	wire_init(&sync_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.member_id = m->id;
	request.generation_id = m->joined.generation_id;
	request.assignments = assignments;
	request.assignments_count = count;
	whole_send(f->fd, SYNC_GROUP, 3, &request);
}

static int16_t take_sync(struct fixture *f)
{
	struct sync_group_response response;

	whole_take(f->fd, SYNC_GROUP, 3, &f->arena, &response);
	if (response.error_code == WIRE_NONE)
		assert_true(slice_is(response.assignment, "all"));
	return response.error_code;
}

static void lead(const struct fixture *f, const struct member *a,
		 const struct member *b)
{
	struct sync_group_request_assignments all[] = {
		{ .member_id = a->id, .assignment = slice_of("all") },
		{ .member_id = b->id, .assignment = slice_of("all") },
	};

	ask_sync(f, a, all, 2);
}

static void who_waited_is_answered_when_it_is_on_disk(void **state)
{
	struct member a, b;
	struct fixture f;

	(void)state;
	start(&f, "offsets.commit.timeout.ms=600000");
	join_two(&f, &a, &b);
	ask_sync(&f, &b, NULL, 0);
	assert_int_equal(commit(&f), WIRE_UNKNOWN_MEMBER_ID);
	/* It waited longer for the leader than the disk may take. */
	ahead_us += INT64_C(1000000) * 900;
	disk_set(true, 0);
	lead(&f, &a, &b);
	disk_wait();
	disk_set(false, 0);
	assert_int_equal(take_sync(&f), WIRE_NONE);
	assert_int_equal(take_sync(&f), WIRE_NONE);
	stop(&f);
}

static void who_waited_is_told_when_the_sync_fails(void **state)
{
	struct member a, b;
	struct fixture f;

	(void)state;
	start(&f, "offsets.commit.timeout.ms=600000");
	join_two(&f, &a, &b);
	ask_sync(&f, &b, NULL, 0);
	disk_set(true, 0);
	lead(&f, &a, &b);
	disk_wait();
	disk_set(false, -EIO);
	assert_int_equal(take_sync(&f), WIRE_NOT_COORDINATOR);
	assert_int_equal(take_sync(&f), WIRE_NOT_COORDINATOR);
	stop(&f);
}

static void a_huge_request_does_not_wait(void **state)
{
	struct sync_group_request_assignments *huge =
		calloc(HUGE_COUNT, sizeof(*huge));
	struct member a, b;
	struct fixture f;

	(void)state;
	assert_non_null(huge);
	for (int32_t i = 0; i < HUGE_COUNT; i++)
		huge[i].member_id = huge[i].assignment = slice_of("");
	start(&f, "offsets.commit.timeout.ms=600000");
	join_two(&f, &a, &b);
	ask_sync(&f, &b, huge, HUGE_COUNT);
	assert_int_equal(take_sync(&f), WIRE_INVALID_REQUEST);
	/* It is forgotten: it is not answered again. */
	lead(&f, &a, &b);
	assert_int_equal(take_sync(&f), WIRE_NONE);
	ask_sync(&f, &b, NULL, 0);
	assert_int_equal(take_sync(&f), WIRE_NONE);
	stop(&f);
	free(huge);
}

static int hook_disk(void **state)
{
	(void)state;
	disk.fdatasync = vfs_system()->fdatasync;
	vfs_system()->fdatasync = disk_sync;
	return 0;
}

static int unhook_disk(void **state)
{
	(void)state;
	vfs_system()->fdatasync = disk.fdatasync;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commit_whose_sync_fails_is_none),
		cmocka_unit_test(a_commit_whose_sync_takes_too_long_is_told_so),
		cmocka_unit_test(who_waited_is_answered_when_it_is_on_disk),
		cmocka_unit_test(who_waited_is_told_when_the_sync_fails),
		cmocka_unit_test(a_huge_request_does_not_wait),
	};

	return cmocka_run_group_tests(tests, hook_disk, unhook_disk);
}
