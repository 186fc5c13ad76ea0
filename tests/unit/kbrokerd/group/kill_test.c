/*
 * kill_test.c - a broker that is killed while offsets are committed to it
 *
 * The broker is a process of its own, made by fork.  It is killed after a
 * number of answers that the seed says, while more commits are under way, and
 * started again on the same directory: no offset that was answered may be
 * gone, and none may be there that was never sent.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
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
	CREATE_TOPICS = 19,
	ROUNDS = 6,
	COMMITTERS = 4, /* connections; each has a group and a partition */
	IN_FLIGHT = 3,
	ANSWERS_MAX = 60, /* in a round */
};

static const char *const settings[] = {
	"offsets.topic.num.partitions=2",
};

struct fixture {
	char dir[64];
	pid_t broker;
	int port;
	struct arena arena;
	struct buffer answer;
};

/* The broker */

_Noreturn static void be_broker(const char *dir, int port_to)
{
	struct config *config;
	struct broker *broker;
	char error[256];
	int port;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (config_for_test(dir, settings, 1, &config) < 0 ||
	    broker_start(config, NULL, &broker, error, sizeof(error)) < 0)
		_exit(1);
	port = broker_port(broker);
	if (write(port_to, &port, sizeof(port)) != sizeof(port))
		_exit(1);
	for (;;)
		pause();
}

static void start(struct fixture *f)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f->broker = fork();
	assert_true(f->broker >= 0);
	if (f->broker == 0)
		be_broker(f->dir, fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &f->port, sizeof(f->port)),
			 sizeof(f->port));
	close(fds[0]);
}

static void kill_broker(struct fixture *f)
{
	assert_int_equal(kill(f->broker, SIGKILL), 0);
	assert_int_equal(waitpid(f->broker, NULL, 0), f->broker);
	f->broker = 0;
}

/* Talking */

static int dial(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)f->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void ask(int fd, int16_t key, int16_t version, int32_t id,
		const void *request)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header = { .request_api_key = key,
					 .request_api_version = version,
					 .correlation_id = id,
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

/* Returns the correlation id. */
static int32_t take(struct fixture *f, int fd, int16_t key, int16_t version,
		    void *response)
{
	const struct wire_api *api = wire_api(key);
	size_t head = wire_response_header_version(api, version) > 0 ? 5 : 4;
	uint8_t size[4];

	receive(fd, size, sizeof(size));
	buffer_reset(&f->answer);
	arena_reset(&f->arena);
	assert_non_null(buffer_reserve(&f->answer, get_be32(size)));
	buffer_commit(&f->answer, get_be32(size));
	receive(fd, f->answer.data, f->answer.len);
	assert_int_equal(wire_decode(api->response, version,
				     (struct slice){ f->answer.data + head,
						     f->answer.len - head },
				     &f->arena, response),
			 f->answer.len - head);
	return (int32_t)get_be32(f->answer.data);
}

static void create_topic(struct fixture *f)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;
	int fd = dial(f);

	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of("t");
	topic.num_partitions = COMMITTERS;
	topic.replication_factor = -1;
	request.topics = &topic;
	request.topics_count = 1;
	ask(fd, CREATE_TOPICS, 7, 1, &request);
	take(f, fd, CREATE_TOPICS, 7, &response);
	assert_int_equal(response.topics[0].error_code, WIRE_NONE);
	close(fd);
}

static void find_coordinator(struct fixture *f)
{
	struct find_coordinator_request request;
	struct find_coordinator_response response;
	int fd = dial(f);

	wire_init(&find_coordinator_request_desc, &request);
	request.key = slice_of("g");
	do {
		ask(fd, FIND_COORDINATOR, 3, 1, &request);
		take(f, fd, FIND_COORDINATOR, 3, &response);
	} while (response.error_code != WIRE_NONE);
	close(fd);
}

/* Committing */

struct committer {
	int fd;
	char group[16];
	int32_t partition;
	int64_t sent, answered; /* offsets: each one more than the last */
};

static void commit_next(struct committer *c)
{
	struct offset_commit_request_topics_partitions row;
	struct offset_commit_request_topics topic;
	struct offset_commit_request request;

	wire_init(&offset_commit_request_desc, &request);
	wire_init(&offset_commit_request_topics_desc, &topic);
	wire_init(&offset_commit_request_topics_partitions_desc, &row);
	request.group_id = slice_of(c->group);
	request.member_id = slice_of("");
	request.topics = &topic;
	request.topics_count = 1;
	topic.name = slice_of("t");
	topic.partitions = &row;
	topic.partitions_count = 1;
	row.partition_index = c->partition;
	row.committed_offset = ++c->sent;
	ask(c->fd, OFFSET_COMMIT, 9, (int32_t)c->sent, &request);
}

static void take_answer(struct fixture *f, struct committer *c)
{
	struct offset_commit_response response;
	int32_t id = take(f, c->fd, OFFSET_COMMIT, 9, &response);
	int16_t error = response.topics[0].partitions[0].error_code;

	if (error == WIRE_NONE)
		c->answered = id;
	else
		assert_true(error == WIRE_COORDINATOR_LOAD_IN_PROGRESS ||
			    error == WIRE_NOT_COORDINATOR);
}

/* All at once, until so many answers have come: commits are under way then. */
static void commit_for_a_while(struct fixture *f, struct committer *all,
			       int answers)
{
	struct pollfd fds[COMMITTERS];

	for (size_t i = 0; i < COMMITTERS; i++) {
		fds[i] = (struct pollfd){ all[i].fd, POLLIN, 0 };
		for (int k = 0; k < IN_FLIGHT; k++)
			commit_next(&all[i]);
	}
	while (answers > 0) {
		assert_true(poll(fds, COMMITTERS, WAIT_MS) > 0);
		for (size_t i = 0; i < COMMITTERS; i++) {
			if (fds[i].revents == 0)
				continue;
			take_answer(f, &all[i]);
			commit_next(&all[i]);
			answers--;
		}
	}
}

static int64_t fetch(struct fixture *f, int fd, const struct committer *c)
{
	int32_t partition = c->partition;
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
	one.group_id = slice_of(c->group);
	one.topics = &topic;
	one.topics_count = 1;
	request.groups = &one;
	request.groups_count = 1;
	do {
		ask(fd, OFFSET_FETCH, 9, 1, &request);
		take(f, fd, OFFSET_FETCH, 9, &response);
	} while (response.groups[0].error_code != WIRE_NONE);
	return response.groups[0].topics[0].partitions[0].committed_offset;
}

static void no_answered_commit_is_lost_however_often_the_broker_is_killed(
	void **state)
{
	struct committer all[COMMITTERS] = { 0 };
	struct seeded_random random;
	struct fixture f = { 0 };

	(void)state;
	assert_int_equal(temporary_make(f.dir, sizeof(f.dir)), 0);
	seeded_random_init(&random, (uint64_t)getpid());
	print_message("seed %d\n", getpid());
	start(&f);
	create_topic(&f);
	find_coordinator(&f);
	for (int32_t i = 0; i < COMMITTERS; i++) {
		snprintf(all[i].group, sizeof(all[i].group), "g%d", i);
		all[i].partition = i;
		all[i].answered = -1;
	}
	for (int round = 0; round < ROUNDS; round++) {
		int answers =
			1 + (int)random_below(&random.random, ANSWERS_MAX);
		int fd;

		for (size_t i = 0; i < COMMITTERS; i++)
			all[i].fd = dial(&f);
		commit_for_a_while(&f, all, answers);
		kill_broker(&f);
		start(&f);
		fd = dial(&f);
		for (size_t i = 0; i < COMMITTERS; i++) {
			int64_t offset = fetch(&f, fd, &all[i]);

			close(all[i].fd);
			assert_true(offset >= all[i].answered);
			assert_true(offset <= all[i].sent);
		}
		close(fd);
	}
	kill_broker(&f);
	arena_clear(&f.arena);
	buffer_clear(&f.answer);
	temporary_remove(f.dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			no_answered_commit_is_lost_however_often_the_broker_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
