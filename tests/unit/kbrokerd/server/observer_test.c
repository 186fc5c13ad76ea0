/*
 * observer_test.c - what observers of a server are told
 */
#include "kbrokerd/server/server_kit.h"

/* What was told last, and how often; under seen.lock. */
static struct {
	int requests, answers, opened, closed, refused;
	int16_t error_code; /* of the last answer; -1: there was none */
	size_t bytes;
	int64_t took_us;
	size_t frame_len;
	int16_t refused_key;
	char refused_why[64];
	char client_id[32];
} told;

static void on_request(void *arg, const struct request *req, struct slice frame)
{
	assert_ptr_equal(arg, &told);
	pthread_mutex_lock(&seen.lock);
	told.frame_len = frame.len;
	snprintf(told.client_id, sizeof(told.client_id), "%.*s",
		 (int)req->client_id.len, (const char *)req->client_id.data);
	told.requests++;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void on_answer(void *arg, const struct request *req, const void *message,
		      size_t bytes)
{
	const struct heartbeat_response *response = message;

	(void)arg;
	pthread_mutex_lock(&seen.lock);
	told.error_code = response == NULL ? -1 : response->error_code;
	told.bytes = bytes;
	told.took_us = req->answered_us - req->received_us;
	told.answers++;
	pthread_cond_broadcast(&seen.changed);
	pthread_mutex_unlock(&seen.lock);
}

static void on_connection(void *arg, const struct conn *conn, bool open)
{
	(void)arg;
	assert_non_null(conn->listener);
	count(open ? &told.opened : &told.closed);
}

static void on_refused(void *arg, const struct conn *conn, const char *why,
		       int16_t api_key)
{
	(void)arg;
	(void)conn;
	told.refused_key = api_key;
	snprintf(told.refused_why, sizeof(told.refused_why), "%s", why);
	count(&told.refused);
}

static const struct server_observer observer = {
	.arg = &told,
	.on_request = on_request,
	.on_answer = on_answer,
	.on_connection = on_connection,
	.on_refused = on_refused,
};
static const struct server_observer blind = { 0 };

static void observe(struct fixture *f)
{
	memset(&told, 0, sizeof(told));
	assert_int_equal(server_observe(f->server, &blind), 0);
	assert_int_equal(server_observe(f->server, &observer), 0);
}

static int setup_observed(void **state)
{
	before_start = observe;
	return setup(state);
}

/* Close it so that nothing is sent to it any more. */
static void hang_up(int fd)
{
	struct linger hard = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void an_answer_is_told_with_its_bytes_and_time(void **state)
{
	int fd = dial(*state);
	struct buffer b = heartbeat("late", 5); /* 20 ms */

	send_all(fd, b.data, b.len);
	expect_heartbeat(fd, 5);
	await(&told.answers, 1);
	assert_int_equal(told.requests, 1);
	assert_int_equal(told.frame_len, b.len - 4);
	assert_string_equal(told.client_id, "test");
	assert_int_equal(told.error_code, 5);
	assert_int_equal(told.bytes, 4 + 4 + 1 + 4 + 2 + 1);
	assert_true(told.took_us >= 20000);
	buffer_clear(&b);
	close(fd);
}

static void work_inside_a_turn_counts_as_time(void **state)
{
	int fd = dial(*state);

	/* Its handler works for 5 ms and answers at once. */
	send_heartbeat(fd, "work", 6);
	expect_heartbeat(fd, 6);
	await(&told.answers, 1);
	assert_true(told.took_us >= 5000);
	close(fd);
}

static void an_end_without_answer_is_told(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "end", 1);
	await(&told.answers, 1);
	assert_int_equal(told.error_code, -1);
	assert_int_equal(told.bytes, 0);
	close(fd);
}

static void what_ends_with_its_connection_is_told_once(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "park", 1);
	await(&seen.parked_count, 1);
	hang_up(fd);
	await(&told.closed, 1);
	assert_int_equal(told.answers, 1);
	assert_int_equal(told.error_code, -1);
	assert_int_equal(told.opened, 1);
}

static void an_orphan_is_told_when_it_ends(void **state)
{
	struct leave_group_request request;
	int fd = dial(*state);

	wire_init(&leave_group_request_desc, &request);
	request.group_id = slice_of("g");
	request.member_id = slice_of("m");
	send_frame(fd, frame(LEAVE_GROUP, 1, 9, &request));
	await(&seen.parked_count, 1);
	hang_up(fd);
	await(&told.closed, 1);
	assert_int_equal(read_count(&told.answers), 0);
	seen.parked[0]->on_wake = request_end;
	wake(0);
	await(&told.answers, 1);
	assert_int_equal(told.error_code, -1);
}

static void a_refused_connection_is_told_with_its_reason(void **state)
{
	struct buffer b = heartbeat("now", 1);
	int fd = dial(*state);

	put_be16(b.data + 4, 12345);
	send_all(fd, b.data, b.len);
	assert_closed(fd);
	await(&told.refused, 1);
	assert_string_equal(told.refused_why, "unknown api");
	assert_int_equal(told.refused_key, 12345);
	assert_int_equal(told.requests, 0);
	buffer_clear(&b);
}

/* Metrics keep the text that they count by. */
static void a_reason_is_a_fixed_text(void **state)
{
	static const uint8_t sizes[][4] = { { 0x7f, 0, 0, 1 },
					    { 0x80, 0, 0, 0 } };

	for (int i = 0; i < 2; i++) {
		int fd = dial(*state);

		send_all(fd, sizes[i], sizeof(sizes[i]));
		assert_closed(fd);
		await(&told.refused, i + 1);
		assert_string_equal(told.refused_why,
				    "request beyond socket.request.max.bytes");
		assert_int_equal(told.refused_key, -1);
	}
}

static void there_is_a_limit_to_observers(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(server_observe(f->server, &blind), 0);
	assert_int_equal(server_observe(f->server, &blind), 0);
	assert_int_equal(server_observe(f->server, &blind), -ENOSPC);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, setup_observed, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_told_with_its_bytes_and_time),
		TEST(work_inside_a_turn_counts_as_time),
		TEST(an_end_without_answer_is_told),
		TEST(what_ends_with_its_connection_is_told_once),
		TEST(an_orphan_is_told_when_it_ends),
		TEST(a_refused_connection_is_told_with_its_reason),
		TEST(a_reason_is_a_fixed_text),
		TEST(there_is_a_limit_to_observers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
