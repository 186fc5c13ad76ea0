/*
 * server_kit.h - a server with APIs of its own, and scripted clients
 *
 * Two io threads on port 0, unless a test sets it otherwise:
 *  - Heartbeat does what its group id says: "now" answers, "park" waits until
 *    the test wakes it, "late" until its deadline (20 ms), "work" answers after
 *    5 ms of work, "end" ends without answer, "close" closes.  The answer's
 * error code is the generation.
 *  - Produce answers with the length of what it got, or -1 when its bytes are
 *    not those that the test sends.
 *  - Fetch is a long poll that nobody wakes.
 *  - DescribeCluster answers with a large text.
 *  - LeaveGroup waits as a change of the metadata does: it cannot be dropped.
 */
#ifndef TESTS_SERVER_KIT_H
#define TESTS_SERVER_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

#define KIT __attribute__((unused)) /* not every test needs all */

enum {
	PRODUCE = 0,
	FETCH = 1,
	HEARTBEAT = 12,
	LEAVE_GROUP = 13,
	API_VERSIONS = 18,
	DESCRIBE_CLUSTER = 60,
	PARKED_MAX = 128,
	WAIT_MS = 60000,
	LARGE_TEXT = 30000
};

/* What the handlers tell the test. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct request *parked[PARKED_MAX];
	int parked_count;
	int dropped, woken, timed_out, handled, described;
} seen = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .changed = PTHREAD_COND_INITIALIZER };

struct fixture {
	struct config *config;
	struct broker broker;
	struct server *server;
	int port;
};

static KIT void count(int *counter)
{
	pthread_mutex_lock(&seen.lock);
	++*counter;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static KIT int read_count(const int *counter)
{
	int value;

	pthread_mutex_lock(&seen.lock);
	value = *counter;
	pthread_mutex_unlock(&seen.lock);
	return value;
}

/* Wait until counter is at least wanted. */
static KIT void await(const int *counter, int wanted)
{
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += WAIT_MS / 1000;
	pthread_mutex_lock(&seen.lock);
	while (*counter < wanted && rc == 0)
		rc = pthread_cond_timedwait(&seen.changed, &seen.lock, &end);
	pthread_mutex_unlock(&seen.lock);
	assert_int_equal(rc, 0);
}

/* Handlers */

static KIT void answer_heartbeat(struct request *req)
{
	struct heartbeat_response response = { 0 };

	response.error_code = *(int16_t *)req->state;
	request_reply(req, &response);
}

/* Nobody wakes it any more after this. */
static KIT void unhook(struct request *req, int *counter)
{
	pthread_mutex_lock(&seen.lock);
	for (int i = 0; i < seen.parked_count; i++) {
		if (seen.parked[i] == req)
			seen.parked[i] = NULL;
	}
	++*counter;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static KIT void on_wake(struct request *req)
{
	unhook(req, &seen.woken);
	answer_heartbeat(req);
}

static KIT void on_deadline(struct request *req)
{
	unhook(req, &seen.timed_out);
	answer_heartbeat(req);
}

static KIT void on_drop(struct request *req)
{
	unhook(req, &seen.dropped);
}

static KIT void park(struct request *req, int64_t deadline_us)
{
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	pthread_mutex_lock(&seen.lock);
	if (seen.parked_count < PARKED_MAX)
		seen.parked[seen.parked_count++] = req;
	request_park(req, deadline_us);
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

/* The answer's error code. */
static KIT void remember(struct request *req, int16_t code)
{
	req->state = arena_alloc(&req->arena, sizeof(code));
	*(int16_t *)req->state = code;
}

static KIT void work(struct request *req)
{
	struct clock *clock = clock_system();
	int64_t end_us = request_now_us(req) + 5000;

	while (clock->monotonic_us(clock) < end_us)
		continue;
	answer_heartbeat(req);
}

static KIT void handle_heartbeat(struct request *req)
{
	const struct heartbeat_request *request = req->message;

	remember(req, (int16_t)request->generation_id);
	count(&seen.handled);
	if (slice_is(request->group_id, "park"))
		park(req, INT64_MAX);
	else if (slice_is(request->group_id, "late"))
		park(req, request_now_us(req) + 20000);
	else if (slice_is(request->group_id, "work"))
		work(req);
	else if (slice_is(request->group_id, "end"))
		request_end(req);
	else if (slice_is(request->group_id, "close"))
		request_close(req, "the test wants it");
	else
		answer_heartbeat(req);
}

static KIT void handle_leave_group(struct request *req)
{
	park(req, INT64_MAX);
	req->on_drop = NULL;
	req->state = NULL;
}

static KIT void on_fetch_deadline(struct request *req)
{
	struct fetch_response response;

	wire_init(&fetch_response_desc, &response);
	count(&seen.timed_out);
	request_reply(req, &response);
}

static KIT void handle_fetch(struct request *req)
{
	req->on_wake = on_fetch_deadline;
	req->on_deadline = on_fetch_deadline;
	req->on_drop = on_drop;
	request_park(req, request_now_us(req) + 600 * INT64_C(1000000));
	count(&seen.handled);
}

static KIT uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 2654435761U >> 13);
}

static KIT int64_t check_pattern(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != pattern(i))
			return -1;
	}
	return (int64_t)len;
}

static KIT void handle_produce(struct request *req)
{
	const struct produce_request *request = req->message;
	const struct wire_records *records =
		&request->topic_data[0].partition_data[0].records;
	struct produce_response response;

	wire_init(&produce_response_desc, &response);
	response.throttle_time_ms =
		(int32_t)check_pattern(records->data, records->len);
	request_reply(req, &response);
}

static KIT void handle_describe_cluster(struct request *req)
{
	struct describe_cluster_response response;
	uint8_t *text = arena_alloc(&req->arena, LARGE_TEXT);

	wire_init(&describe_cluster_response_desc, &response);
	memset(text, 'x', LARGE_TEXT);
	response.error_message = (struct slice){ text, LARGE_TEXT };
	count(&seen.described);
	request_reply(req, &response);
}

static KIT void handle_api_versions(struct request *req)
{
	struct api_versions_response response;

	wire_init(&api_versions_response_desc, &response);
	request_reply(req, &response);
}

static const struct api *find_api(int16_t key)
{
	static const struct api apis[] = {
		{ PRODUCE, 0, false, handle_produce },
		{ FETCH, -1, true, handle_fetch },
		{ HEARTBEAT, -1, false, handle_heartbeat },
		{ LEAVE_GROUP, -1, false, handle_leave_group },
		{ API_VERSIONS, -1, false, handle_api_versions },
		{ DESCRIBE_CLUSTER, -1, false, handle_describe_cluster },
	};

	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
		if (apis[i].key == key)
			return &apis[i];
	}
	return NULL;
}

/* Set-up */

/* Called between the opening of a server and its start, when it is set. */
static void (*before_start)(struct fixture *f);

static KIT struct fixture *start(const char *const *sets, size_t set_count)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256] = "";

	assert_non_null(f);
	memset(seen.parked, 0, sizeof(seen.parked));
	seen.parked_count = seen.dropped = seen.woken = 0;
	seen.timed_out = seen.handled = seen.described = 0;
	assert_int_equal(
		config_for_test("/nowhere", sets, set_count, &f->config), 0);
	f->broker.config = f->config;
	f->broker.clock = clock_system();
	if (server_open(&f->broker, find_api, &f->server, error,
			sizeof(error)) < 0)
		fail_msg("%s", error);
	if (before_start != NULL)
		before_start(f);
	assert_int_equal(server_start(f->server), 0);
	f->port = server_port(f->server);
	return f;
}

static KIT int setup(void **state)
{
	*state = start(NULL, 0);
	return 0;
}

static KIT void stop(struct fixture *f)
{
	server_stop(f->server, 0);
	server_free(f->server);
	config_free(f->config);
	free(f);
}

static KIT int teardown(void **state)
{
	if (*state != NULL)
		stop(*state);
	return 0;
}

/* Another server in place of the usual one. */
static KIT struct fixture *restart(void **state, const char *const *sets,
				   size_t set_count)
{
	stop(*state);
	*state = NULL;
	*state = start(sets, set_count);
	return *state;
}

/* Clients */

static KIT int dial(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)f->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static KIT void send_all(int fd, const void *data, size_t len)
{
	const uint8_t *at = data;

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		assert_true(n > 0);
		at += n;
		len -= (size_t)n;
	}
}

static KIT bool wait_readable(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, timeout_ms) == 1;
}

/* Returns false at the end of the stream. */
static KIT bool receive(int fd, void *to, size_t len)
{
	uint8_t *at = to;

	while (len > 0) {
		ssize_t n;

		assert_true(wait_readable(fd, WAIT_MS));
		n = recv(fd, at, len, 0);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static KIT void assert_closed(int fd)
{
	uint8_t byte;

	assert_false(receive(fd, &byte, 1));
	close(fd);
}

/* A request frame of a message. */
static KIT struct buffer frame(int16_t key, int16_t version,
			       int32_t correlation_id, const void *message)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header = { .request_api_key = key,
					 .request_api_version = version,
					 .correlation_id = correlation_id,
					 .client_id = slice_of("test") };
	struct buffer b = { 0 };

	buffer_put_be32(&b, 0);
	assert_int_equal(wire_encode(&request_header_desc,
				     wire_request_header_version(api, version),
				     &header, &b, NULL),
			 0);
	assert_int_equal(wire_encode(api->request, version, message, &b, NULL),
			 0);
	put_be32(b.data, (uint32_t)b.len - 4);
	return b;
}

static KIT struct buffer heartbeat(const char *what, int32_t correlation_id)
{
	struct heartbeat_request request;

	wire_init(&heartbeat_request_desc, &request);
	request.group_id = slice_of(what);
	request.member_id = slice_of("m");
	request.generation_id = correlation_id % 1000;
	return frame(HEARTBEAT, 4, correlation_id, &request);
}

static KIT void send_frame(int fd, struct buffer b)
{
	send_all(fd, b.data, b.len);
	buffer_clear(&b);
}

static KIT void send_heartbeat(int fd, const char *what, int32_t correlation_id)
{
	send_frame(fd, heartbeat(what, correlation_id));
}

/* Take an answer; returns its bytes after the correlation id, which is
 * checked, to be freed with buffer_clear(). */
static KIT struct buffer expect_answer(int fd, int32_t correlation_id)
{
	struct buffer b = { 0 };
	uint8_t size[4];

	assert_true(receive(fd, size, 4));
	assert_non_null(buffer_grow(&b, get_be32(size)));
	assert_true(receive(fd, b.data, b.len));
	assert_int_equal(get_be32(b.data), correlation_id);
	buffer_consume(&b, 4);
	return b;
}

static KIT void expect_heartbeat(int fd, int32_t correlation_id)
{
	struct buffer b = expect_answer(fd, correlation_id);

	/* tags, throttle time, error, tags */
	assert_int_equal(b.len, 1 + 4 + 2 + 1);
	assert_int_equal(get_be16(b.data + 5), correlation_id % 1000);
	buffer_clear(&b);
}

static KIT struct buffer produce(size_t len, int32_t correlation_id)
{
	struct produce_request_topic_data_partition_data partition = { 0 };
	struct produce_request_topic_data topic = { .name = slice_of("t") };
	struct produce_request request = { .acks = 1 };
	uint8_t *data = malloc(len);
	struct buffer b;

	assert_non_null(data);
	for (size_t i = 0; i < len; i++)
		data[i] = pattern(i);
	partition.records = (struct wire_records){ .data = data, .len = len };
	topic.partition_data = &partition;
	topic.partition_data_count = 1;
	request.topic_data = &topic;
	request.topic_data_count = 1;
	b = frame(PRODUCE, 7, correlation_id, &request);
	free(data);
	return b;
}

static KIT void expect_produce(int fd, size_t len, int32_t correlation_id)
{
	struct buffer b = expect_answer(fd, correlation_id);

	/* no topics, throttle time */
	assert_int_equal(b.len, 8);
	assert_int_equal(get_be32(b.data + 4), len);
	buffer_clear(&b);
}

static KIT void wake(int i)
{
	struct request *req;

	pthread_mutex_lock(&seen.lock);
	req = seen.parked[i];
	if (req != NULL)
		request_wake(req);
	pthread_mutex_unlock(&seen.lock);
	assert_non_null(req);
}

static KIT void assert_serves(const struct fixture *f)
{
	int fd = dial(f);

	send_heartbeat(fd, "now", 77);
	expect_heartbeat(fd, 77);
	close(fd);
}

#endif /* TESTS_SERVER_KIT_H */
