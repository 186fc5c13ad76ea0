/*
 * clock_jump_test.c - tests of a whole broker whose wall clock jumps
 *
 * The clock is the machine's plus what the test says; the monotonic one does
 * not take part.  Retention is looked at many times a second.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/http/http.h"
#include "kbrokerd/temporary.h"
#include "record/builder.h"
#include "record/record.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

#define YEAR_MS (INT64_C(365) * 24 * 60 * 60 * 1000)

enum {
	WAIT_MS = 60000,
	PRODUCE = 0,
	FETCH = 1,
	LIST_OFFSETS = 2,
	HOUR_MS = 3600000,
	POLL_MS = 300,
	RECORDS_MAX = 8,
};

/* The clock */

struct jumping_clock {
	struct clock clock; /* first */
	_Atomic(int64_t) ahead_ms;
};

static int64_t jumping_wall_ms(struct clock *clock)
{
	struct jumping_clock *c = (struct jumping_clock *)clock;

	return clock_system()->wall_ms(clock_system()) +
	       atomic_load(&c->ahead_ms);
}

static int64_t real_monotonic_us(struct clock *clock)
{
	(void)clock;
	return clock_system()->monotonic_us(clock_system());
}

/* The broker */

struct fixture {
	char dir[64];
	struct jumping_clock clock;
	struct config *config;
	struct logger logger;
	struct broker *broker;
	int log_fd; /* what is logged, to be read */
	char log[1 << 16];
	size_t log_len;
	int fd; /* a connection */
	struct arena arena;
	struct buffer answer;
};

static int dial(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static int setup(void **state)
{
	static const char *const sets[] = {
		"log.retention.check.interval.ms=20",
		"log.message.timestamp.type=LogAppendTime",
		"log.segment.bytes=1048576",
		"http.listeners=127.0.0.1:0",
	};
	struct fixture *f = calloc(1, sizeof(*f));
	struct broker_seams seams = { .clock = &f->clock.clock };
	char error[512] = "";
	int pipe_fds[2];

	assert_non_null(f);
	f->clock.clock.wall_ms = jumping_wall_ms;
	f->clock.clock.monotonic_us = real_monotonic_us;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	f->log_fd = pipe_fds[0];
	f->logger.fd = pipe_fds[1];
	f->logger.level = LOGGER_WARN;
	f->logger.clock = clock_system();
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	assert_int_equal(config_for_test(f->dir, sets, 4, &f->config), 0);
	assert_int_equal(wanted_topics_add(&f->config->topics, "t:1", error,
					   sizeof(error)),
			 0);
	if (broker_start_with(f->config, &f->logger, &seams, &f->broker, error,
			      sizeof(error)) < 0)
		fail_msg("%s", error);
	f->fd = dial(broker_port(f->broker));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	close(f->log_fd);
	close(f->logger.fd);
	arena_clear(&f->arena);
	buffer_clear(&f->answer);
	temporary_remove(f->dir);
	free(f);
	return 0;
}

/* Wait until the broker has logged so many lines with text. */
static void await_logged(struct fixture *f, const char *text, int times)
{
	for (;;) {
		struct pollfd p = { .fd = f->log_fd, .events = POLLIN };
		const char *at = f->log;
		int found = 0;
		ssize_t n;

		while ((at = strstr(at, text)) != NULL) {
			found++;
			at++;
		}
		if (found >= times)
			return;
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = read(f->log_fd, f->log + f->log_len,
			 sizeof(f->log) - 1 - f->log_len);
		assert_true(n > 0);
		f->log_len += (size_t)n;
	}
}

static void jump_to(struct fixture *f, int64_t ahead_ms, int times)
{
	atomic_store(&f->clock.ahead_ms, ahead_ms);
	await_logged(f, "the clock jumped", times);
}

/* Requests */

static bool receive(int fd, void *to, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t *at = to;

	while (len > 0) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = recv(fd, at, len, 0);
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void ask(struct fixture *f, int16_t key, int16_t version,
		const void *request)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header = { .request_api_key = key,
					 .request_api_version = version,
					 .client_id = slice_of("test") };
	struct buffer b = { 0 };

	buffer_put_be32(&b, 0);
	wire_encode(&request_header_desc,
		    wire_request_header_version(api, version), &header, &b,
		    NULL);
	assert_int_equal(wire_encode(api->request, version, request, &b, NULL),
			 0);
	put_be32(b.data, (uint32_t)b.len - 4);
	assert_int_equal(send(f->fd, b.data, b.len, MSG_NOSIGNAL), b.len);
	buffer_clear(&b);
}

static void take(struct fixture *f, int16_t key, int16_t version,
		 void *response)
{
	const struct wire_api *api = wire_api(key);
	size_t head = wire_response_header_version(api, version) > 0 ? 5 : 4;
	uint8_t size[4];

	buffer_reset(&f->answer);
	arena_reset(&f->arena);
	assert_true(receive(f->fd, size, 4));
	assert_non_null(buffer_grow(&f->answer, get_be32(size)));
	assert_true(receive(f->fd, f->answer.data, f->answer.len));
	assert_int_equal(wire_decode(api->response, version,
				     (struct slice){ f->answer.data + head,
						     f->answer.len - head },
				     &f->arena, response),
			 f->answer.len - head);
}

/* One record; returns the LogAppendTime that is told. */
static int64_t produce(struct fixture *f)
{
	struct batch_params params = {
		.codec = CODEC_NONE,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	struct produce_request_topic_data_partition_data partition;
	struct produce_request_topic_data topic = {
		.name = slice_of("t"),
		.partition_data = &partition,
		.partition_data_count = 1,
	};
	struct produce_request request;
	struct produce_response response;
	struct batch_builder builder;
	struct buffer batch = { 0 };
	int64_t told_ms;

	batch_builder_init(&builder);
	assert_int_equal(batch_builder_add(&builder, 1000, SLICE_NULL,
					   slice_of("value"), NULL, 0),
			 0);
	assert_int_equal(batch_builder_finish(&builder, &params, &batch), 0);
	batch_builder_clear(&builder);
	wire_init(&produce_request_desc, &request);
	partition = (struct produce_request_topic_data_partition_data){
		.records = { .data = batch.data, .len = batch.len },
	};
	request.acks = -1;
	request.timeout_ms = WAIT_MS;
	request.topic_data = &topic;
	request.topic_data_count = 1;
	ask(f, PRODUCE, 9, &request);
	take(f, PRODUCE, 9, &response);
	assert_int_equal(
		response.responses[0].partition_responses[0].error_code,
		WIRE_NONE);
	told_ms =
		response.responses[0].partition_responses[0].log_append_time_ms;
	buffer_clear(&batch);
	return told_ms;
}

static void ask_fetch(struct fixture *f, int64_t offset, int32_t wait_ms)
{
	struct fetch_request request;
	struct fetch_request_topics_partitions partition;
	struct fetch_request_topics topic = {
		.topic = slice_of("t"),
		.partitions = &partition,
		.partitions_count = 1,
	};

	wire_init(&fetch_request_desc, &request);
	wire_init(&fetch_request_topics_partitions_desc, &partition);
	partition.fetch_offset = offset;
	partition.partition_max_bytes = 1 << 20;
	request.max_wait_ms = wait_ms;
	request.min_bytes = 1;
	request.topics = &topic;
	request.topics_count = 1;
	ask(f, FETCH, 12, &request);
}

/* Their times; returns how many. */
static size_t take_fetch(struct fixture *f, int64_t times_ms[RECORDS_MAX])
{
	struct fetch_response response;
	const struct fetch_response_responses_partitions *p;
	struct slice bytes;
	struct batch_header header;
	size_t count = 0;

	take(f, FETCH, 12, &response);
	p = &response.responses[0].partitions[0];
	assert_int_equal(p->error_code, WIRE_NONE);
	bytes = (struct slice){ p->records.data, p->records.len };
	while (bytes.len > 0 && count < RECORDS_MAX) {
		assert_int_equal(batch_header_read(bytes, &header), 0);
		times_ms[count++] = header.max_timestamp_ms;
		bytes.data += header.size;
		bytes.len -= header.size;
	}
	return count;
}

static int64_t earliest(struct fixture *f)
{
	struct list_offsets_request request;
	struct list_offsets_request_topics_partitions partition = {
		.timestamp = -2,
		.current_leader_epoch = -1,
	};
	struct list_offsets_request_topics topic = {
		.name = slice_of("t"),
		.partitions = &partition,
		.partitions_count = 1,
	};
	struct list_offsets_response response;

	wire_init(&list_offsets_request_desc, &request);
	request.topics = &topic;
	request.topics_count = 1;
	ask(f, LIST_OFFSETS, 6, &request);
	take(f, LIST_OFFSETS, 6, &response);
	assert_int_equal(response.topics[0].partitions[0].error_code,
			 WIRE_NONE);
	return response.topics[0].partitions[0].offset;
}

static bool is_about(int64_t a_ms, int64_t b_ms)
{
	return a_ms > b_ms - HOUR_MS && a_ms < b_ms + HOUR_MS;
}

/* Tests */

static void no_record_is_lost_to_a_jump_and_times_are_the_clock_s(void **state)
{
	struct fixture *f = *state;
	int64_t now_ms = clock_system()->wall_ms(clock_system());
	int64_t times_ms[RECORDS_MAX];

	assert_true(is_about(produce(f), now_ms));
	jump_to(f, YEAR_MS, 1);
	assert_int_equal(earliest(f), 0);
	assert_true(is_about(produce(f), now_ms + YEAR_MS));
	jump_to(f, 0, 2);
	assert_int_equal(earliest(f), 0);
	assert_true(is_about(produce(f), now_ms));
	jump_to(f, -YEAR_MS, 3);
	assert_true(is_about(produce(f), now_ms - YEAR_MS));
	jump_to(f, 0, 4);

	/* One at a time: a year later is another segment. */
	for (size_t i = 0; i < 4;) {
		size_t n;

		ask_fetch(f, (int64_t)i, 0);
		n = take_fetch(f, times_ms + i);
		assert_true(n > 0);
		i += n;
	}
	assert_true(is_about(times_ms[0], now_ms));
	assert_true(is_about(times_ms[1], now_ms + YEAR_MS));
	assert_true(is_about(times_ms[2], now_ms));
	assert_true(is_about(times_ms[3], now_ms - YEAR_MS));
}

/* One that waits is answered when its time is over, not before, and at once
 * when there is something. */
static void a_long_poll_does_not_see_a_jump(void **state)
{
	struct fixture *f = *state;
	struct clock *real = clock_system();
	int64_t times_ms[RECORDS_MAX];
	int64_t began_us = real->monotonic_us(real);
	int fetching = f->fd;

	ask_fetch(f, 0, POLL_MS);
	jump_to(f, YEAR_MS, 1);
	assert_int_equal(take_fetch(f, times_ms), 0);
	assert_true(real->monotonic_us(real) - began_us >=
		    (int64_t)POLL_MS * 1000);

	ask_fetch(f, 0, WAIT_MS);
	jump_to(f, -YEAR_MS, 2);
	f->fd = dial(broker_port(f->broker));
	produce(f);
	close(f->fd);
	f->fd = fetching;
	assert_int_equal(take_fetch(f, times_ms), 1);
	assert_true(real->monotonic_us(real) - began_us <
		    (int64_t)WAIT_MS * 1000);
}

/* All until the other side hangs up. */
static char *get_metrics(const struct fixture *f)
{
	static const char request[] = "GET /metrics HTTP/1.1\r\n"
				      "Connection: close\r\n\r\n";
	struct buffer b = { 0 };
	int fd = dial(http_port(f->broker->http));
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char part[4096];
	ssize_t n;

	assert_int_equal(send(fd, request, sizeof(request) - 1, 0),
			 sizeof(request) - 1);
	do {
		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = recv(fd, part, sizeof(part), 0);
		if (n > 0)
			buffer_put(&b, part, (size_t)n);
	} while (n > 0);
	close(fd);
	buffer_put_u8(&b, 0);
	return (char *)b.data;
}

/* No count goes back and no time is a year. */
static void metrics_do_not_see_a_jump(void **state)
{
	struct fixture *f = *state;
	char *text;
	char *save = NULL;
	int seen = 0;

	produce(f);
	jump_to(f, YEAR_MS, 1);
	produce(f);
	jump_to(f, 0, 2);
	produce(f);
	text = get_metrics(f);
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	     line = strtok_r(NULL, "\n", &save)) {
		const char *space = strrchr(line, ' ');
		double value;

		if (strncmp(line, "kbrokerd_", 9) != 0 || space == NULL)
			continue;
		value = strtod(space, NULL);
		seen++;
		if (strstr(line, "_duration_seconds_sum") != NULL ||
		    strstr(line, "kbrokerd_throttle_seconds") != NULL)
			assert_true(value >= 0 && value < HOUR_MS);
		if (strstr(line, "_total") != NULL)
			assert_true(value >= 0);
	}
	assert_true(seen > 50);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(no_record_is_lost_to_a_jump_and_times_are_the_clock_s),
		TEST(a_long_poll_does_not_see_a_jump),
		TEST(metrics_do_not_see_a_jump),
	};

	return cmocka_run_group_tests_name("clock_jump", tests, NULL, NULL);
}
