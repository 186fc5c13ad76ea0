/*
 * server_test.c - tests of the server with scripted clients (server_kit.h)
 */
#include <malloc.h>
#include <sys/resource.h>

#include "kbrokerd/server/server_kit.h"

/* Frames */

static void a_request_that_comes_byte_by_byte_is_answered(void **state)
{
	int fd = dial(*state);
	struct buffer b = heartbeat("now", 5);
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
	for (size_t i = 0; i < b.len; i++)
		send_all(fd, b.data + i, 1);
	expect_heartbeat(fd, 5);
	buffer_clear(&b);
	close(fd);
}

static void many_requests_in_one_write_are_all_answered(void **state)
{
	int fd = dial(*state);
	struct buffer all = { 0 };

	for (int i = 0; i < 5000; i++) {
		struct buffer b = heartbeat("now", i);

		buffer_put(&all, b.data, b.len);
		buffer_clear(&b);
	}
	send_all(fd, all.data, all.len);
	for (int i = 0; i < 5000; i++)
		expect_heartbeat(fd, i);
	buffer_clear(&all);
	close(fd);
}

static void requests_of_every_size_arrive_whole(void **state)
{
	static const size_t sizes[] = {
		0,
		1,
		4000,
		4096,
		100000,
		RECEIVE_BYTES - 60,
		RECEIVE_BYTES - 40,
		RECEIVE_BYTES,
		RECEIVE_BYTES + 1,
		1 << 20,
		5000000,
		20000000,
		3,
	};
	int fd = dial(*state);

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		send_frame(fd, produce(sizes[i], (int32_t)i));
		expect_produce(fd, sizes[i], (int32_t)i);
	}
	close(fd);
}

static void *send_in_pieces(void *arg)
{
	int fd = *(int *)arg;
	unsigned int seed = 42;

	for (int i = 0; i < 60; i++) {
		size_t size = i % 7 == 0 ? 900000 : (size_t)i * 700;
		struct buffer b = produce(size, i);

		for (size_t at = 0; at < b.len;) {
			size_t n = (size_t)rand_r(&seed) % 60000 + 1;

			n = n < b.len - at ? n : b.len - at;
			send_all(fd, b.data + at, n);
			at += n;
		}
		buffer_clear(&b);
	}
	return NULL;
}

static void pipelined_requests_cut_anywhere_arrive_whole(void **state)
{
	int fd = dial(*state);
	pthread_t sender;

	pthread_create(&sender, NULL, send_in_pieces, &fd);
	for (int i = 0; i < 60; i++)
		expect_produce(fd, i % 7 == 0 ? 900000 : (size_t)i * 700, i);
	pthread_join(sender, NULL);
	close(fd);
}

static void assert_frame_ends_connection(struct fixture *f, const void *bytes,
					 size_t len)
{
	int bad = dial(f);
	int good = dial(f);

	send_all(bad, bytes, len);
	assert_closed(bad);
	send_heartbeat(good, "now", 1);
	expect_heartbeat(good, 1);
	close(good);
}

static void a_lawless_size_ends_its_connection_alone(void **state)
{
	assert_frame_ends_connection(*state, "\xff\xff\xff\xff", 4);
	assert_frame_ends_connection(*state, "\x80\x00\x00\x00", 4);
	assert_frame_ends_connection(*state, "\x06\x40\x00\x01", 4);
	assert_frame_ends_connection(*state, "\x00\x00\x00\x00", 4);
	assert_frame_ends_connection(*state, "\x00\x00\x00\x02\x00\x12", 6);
	assert_frame_ends_connection(*state, "GET / HTTP/1.1\r\n\r\n", 18);
}

static void an_unknown_api_ends_its_connection(void **state)
{
	struct buffer b = heartbeat("now", 1);

	put_be16(b.data + 4, 11); /* JoinGroup: known, but not served here */
	assert_frame_ends_connection(*state, b.data, b.len);
	put_be16(b.data + 4, 12345);
	assert_frame_ends_connection(*state, b.data, b.len);
	buffer_clear(&b);
}

static void an_unsupported_version_ends_its_connection(void **state)
{
	struct buffer b = heartbeat("now", 1);

	put_be16(b.data + 6, 99);
	assert_frame_ends_connection(*state, b.data, b.len);
	put_be16(b.data + 6, (uint16_t)-1);
	assert_frame_ends_connection(*state, b.data, b.len);
	buffer_clear(&b);
}

static void produce_below_3_is_refused_though_it_is_advertised(void **state)
{
	struct buffer b = produce(10, 1);

	put_be16(b.data + 6, 2);
	assert_frame_ends_connection(*state, b.data, b.len);
	buffer_clear(&b);
}

static void a_malformed_body_ends_its_connection(void **state)
{
	struct buffer b = heartbeat("now", 1);

	/* The group id's length, beyond the frame. */
	b.data[19] = 0x7f;
	assert_frame_ends_connection(*state, b.data, b.len);
	buffer_clear(&b);
}

static void bytes_after_the_body_do_not_matter(void **state)
{
	int fd = dial(*state);
	struct buffer b = heartbeat("now", 3);

	buffer_put(&b, "\1\0\0", 3);
	put_be32(b.data, (uint32_t)b.len - 4);
	send_frame(fd, b);
	expect_heartbeat(fd, 3);
	close(fd);
}

static void an_unknown_version_of_api_versions_is_answered_in_v0(void **state)
{
	static const uint8_t request[] = {
		0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 9, 0xde, 0xad, 0xbe, 0xef
	};
	static const uint8_t expected[] = {
		0, 35, 0, 0, 0, 1, 0, 18, 0, 0, 0, 4
	};
	int fd = dial(*state);
	struct buffer b;

	send_all(fd, request, sizeof(request));
	b = expect_answer(fd, 9);
	assert_int_equal(b.len, sizeof(expected));
	assert_memory_equal(b.data, expected, sizeof(expected));
	buffer_clear(&b);
	send_heartbeat(fd, "now", 10);
	expect_heartbeat(fd, 10);
	close(fd);
}

static void a_null_client_id_is_fine(void **state)
{
	static const uint8_t request[] = { 0, 0, 0, 10, 0, 18,   0,
					   0, 0, 0, 0,  9, 0xff, 0xff };
	int fd = dial(*state);
	struct buffer b;

	send_all(fd, request, sizeof(request));
	b = expect_answer(fd, 9);
	buffer_clear(&b);
	close(fd);
}

/* Waiting */

static void answers_keep_the_order_of_the_requests(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "park", 1);
	for (int i = 2; i <= 20; i++)
		send_heartbeat(fd, i % 3 == 0 ? "late" : "now", i);
	await(&seen.handled, 20);
	assert_false(wait_readable(fd, 0));
	wake(0);
	for (int i = 1; i <= 20; i++)
		expect_heartbeat(fd, i);
	close(fd);
}

static void a_request_is_woken_by_its_deadline(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "late", 8);
	expect_heartbeat(fd, 8);
	assert_int_equal(seen.timed_out, 1);
	close(fd);
}

static void several_wakes_before_it_runs_are_one(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "park", 1);
	await(&seen.parked_count, 1);
	pthread_mutex_lock(&seen.lock);
	for (int i = 0; i < 10; i++)
		request_wake(seen.parked[0]);
	pthread_mutex_unlock(&seen.lock);
	expect_heartbeat(fd, 1);
	send_heartbeat(fd, "now", 2);
	expect_heartbeat(fd, 2);
	assert_int_equal(seen.woken, 1);
	close(fd);
}

static void no_more_than_so_many_requests_are_in_flight(void **state)
{
	int fd = dial(*state);

	for (int i = 0; i < CONN_INFLIGHT_MAX + 10; i++)
		send_heartbeat(fd, i == 0 ? "park" : "now", i);
	await(&seen.handled, CONN_INFLIGHT_MAX);
	assert_serves(*state);
	assert_int_equal(read_count(&seen.handled), CONN_INFLIGHT_MAX + 1);
	wake(0);
	for (int i = 0; i < CONN_INFLIGHT_MAX + 10; i++)
		expect_heartbeat(fd, i);
	close(fd);
}

static void a_request_may_end_without_answer(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "park", 1);
	send_heartbeat(fd, "end", 2);
	send_heartbeat(fd, "now", 3);
	send_heartbeat(fd, "end", 4);
	send_heartbeat(fd, "now", 5);
	await(&seen.handled, 5);
	wake(0);
	expect_heartbeat(fd, 1);
	expect_heartbeat(fd, 3);
	expect_heartbeat(fd, 5);
	close(fd);
}

static void a_handler_may_close_the_connection(void **state)
{
	int fd = dial(*state);

	send_heartbeat(fd, "close", 1);
	send_heartbeat(fd, "now", 2);
	assert_closed(fd);
	assert_serves(*state);
}

static void a_reset_client_drops_what_it_waits_for(void **state)
{
	struct linger hard = { .l_onoff = 1 };
	int fd = dial(*state);

	send_heartbeat(fd, "park", 1);
	await(&seen.parked_count, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	await(&seen.dropped, 1);
	assert_serves(*state);
}

static void what_cannot_be_dropped_outlives_its_connection(void **state)
{
	struct leave_group_request request;
	struct linger hard = { .l_onoff = 1 };
	int fd = dial(*state);

	wire_init(&leave_group_request_desc, &request);
	send_frame(fd, frame(LEAVE_GROUP, 4, 1, &request));
	await(&seen.parked_count, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
	assert_serves(*state);
	seen.parked[0]->on_wake = request_end;
	wake(0);
	assert_serves(*state);
}

static void a_half_closed_client_gets_its_answers(void **state)
{
	struct fetch_request request;
	struct buffer b;
	int fd = dial(*state);

	wire_init(&fetch_request_desc, &request);
	send_heartbeat(fd, "park", 1);
	send_heartbeat(fd, "now", 2);
	send_frame(fd, frame(FETCH, 12, 3, &request));
	shutdown(fd, SHUT_WR);
	await(&seen.timed_out, 1);
	wake(0);
	expect_heartbeat(fd, 1);
	expect_heartbeat(fd, 2);
	b = expect_answer(fd, 3);
	buffer_clear(&b);
	assert_closed(fd);
}

/* Slow and many */

static size_t heap_bytes(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void a_client_that_never_reads_stops_being_read(void **state)
{
	struct describe_cluster_request request;
	struct fixture *f = *state;
	struct buffer all = { 0 };
	struct buffer b;
	size_t before;
	int fd = dial(f);
	int before_count;

	/* 30 MB of answers */
	wire_init(&describe_cluster_request_desc, &request);
	for (int i = 0; i < 1000; i++) {
		b = frame(DESCRIBE_CLUSTER, 0, i, &request);
		buffer_put(&all, b.data, b.len);
		buffer_clear(&b);
	}
	before = heap_bytes();
	send_all(fd, all.data, all.len);
	await(&seen.described, 30);
	before_count = -1;
	while (before_count != read_count(&seen.described)) {
		/* until it stands still */
		before_count = read_count(&seen.described);
		assert_serves(f);
		assert_false(wait_readable(-1, 50));
	}
	assert_true(read_count(&seen.described) < 600);
	assert_true(heap_bytes() < before + (4 << 20));

	for (int i = 0; i < 1000; i++) {
		b = expect_answer(fd, i);
		assert_true(b.len > LARGE_TEXT);
		buffer_clear(&b);
	}
	buffer_clear(&all);
	close(fd);
}

static void idle_connections_are_small(void **state)
{
	enum { CONNS = 2000 };
	struct fixture *f = *state;
	struct rlimit limit = { 8192, 8192 };
	static int fds[CONNS];
	size_t before;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_serves(f);
	before = heap_bytes();
	for (int i = 0; i < CONNS; i++) {
		fds[i] = dial(f);
		send_heartbeat(fds[i], "now", i);
	}
	for (int i = 0; i < CONNS; i++)
		expect_heartbeat(fds[i], i);
	assert_in_range((heap_bytes() - before) / CONNS, 0, 1024);
	for (int i = 0; i < CONNS; i++)
		close(fds[i]);
}

static void sizes_that_lie_cost_nothing(void **state)
{
	enum { CONNS = 300 };
	struct fixture *f = *state;
	size_t before;
	int fds[CONNS];

	assert_serves(f);
	before = heap_bytes();
	for (int i = 0; i < CONNS; i++) {
		fds[i] = dial(f);
		send_all(fds[i], "\x06\x00\x00\x00\x00\x00\x00\x07", 8);
	}
	for (int i = 0; i < 10; i++)
		assert_serves(f);
	assert_true(heap_bytes() - before < CONNS * 2048 + (1 << 20));
	for (int i = 0; i < CONNS; i++)
		close(fds[i]);
}

static void *produce_large(void *arg)
{
	int fd = dial(arg);

	for (int i = 0; i < 3; i++) {
		send_frame(fd, produce(3000000, i));
		expect_produce(fd, 3000000, i);
	}
	close(fd);
	return NULL;
}

static void large_requests_beyond_the_budget_take_turns(void **state)
{
	static const char *const sets[] = { "queued.max.request.bytes=4000000",
					    "num.network.threads=1" };
	struct fixture *f = restart(state, sets, 2);
	struct buffer b = produce(3000000, 1);
	pthread_t threads[8];
	int stuck[3];

	f->server->stuck_us = 300000;
	for (int i = 0; i < 3; i++) { /* of these only the front comes */
		stuck[i] = dial(f);
		send_all(stuck[i], b.data, 700000);
	}
	for (int i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, produce_large, f);
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 3; i++)
		close(stuck[i]);
	buffer_clear(&b);
}

static void silent_connections_are_closed(void **state)
{
	static const char *const sets[] = { "connections.max.idle.ms=60" };
	struct fixture *f = restart(state, sets, 1);
	int fd = dial(f);
	int waiting = dial(f);

	send_heartbeat(waiting, "park", 1);
	await(&seen.parked_count, 1);
	assert_closed(fd);
	wake(0);
	expect_heartbeat(waiting, 1);
	assert_closed(waiting);
}

static void one_connection_too_many_waits_for_its_turn(void **state)
{
	static const char *const sets[] = { "max.connections=2" };
	struct fixture *f = restart(state, sets, 1);
	int first = dial(f);
	int second = dial(f);
	int third;

	send_heartbeat(first, "now", 1);
	expect_heartbeat(first, 1);
	send_heartbeat(second, "now", 2);
	expect_heartbeat(second, 2);
	third = dial(f);
	send_heartbeat(third, "now", 3);
	assert_false(wait_readable(third, 200));
	close(first);
	expect_heartbeat(third, 3);
	close(second);
	close(third);
}

static void accepting_goes_on_when_descriptors_come_back(void **state)
{
	struct rlimit before;
	struct rlimit low;
	int fds[3];

	getrlimit(RLIMIT_NOFILE, &before);
	for (int i = 0; i < 3; i++)
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
	low = before;
	low.rlim_cur = (rlim_t)fds[2] + 1;
	setrlimit(RLIMIT_NOFILE, &low);
	{
		struct fixture *f = *state;
		struct sockaddr_in to = { .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)f->port),
					  .sin_addr.s_addr =
						  htonl(INADDR_LOOPBACK) };

		assert_int_equal(
			connect(fds[0], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	send_heartbeat(fds[0], "now", 1);
	assert_false(wait_readable(fds[0], 150));
	setrlimit(RLIMIT_NOFILE, &before);
	expect_heartbeat(fds[0], 1);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

/* Addresses */

static void a_unix_socket_is_a_listener_too(void **state)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/server_test.XXXXXX";
	char set[128];
	const char *sets[] = { set };
	struct fixture *f;
	int fd;

	assert_non_null(mkdtemp(dir));
	snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", dir);
	snprintf(set, sizeof(set), "listeners=unix:%s,PLAINTEXT://localhost:0",
		 to.sun_path);
	f = restart(state, sets, 1);
	assert_true(f->port > 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	send_heartbeat(fd, "now", 1);
	expect_heartbeat(fd, 1);
	close(fd);
	assert_serves(f);
	stop(f);
	*state = NULL;
	assert_int_equal(access(to.sun_path, F_OK), -1);
	rmdir(dir);
}

static void a_taken_port_is_named_in_the_error(void **state)
{
	struct fixture *f = *state;
	char error[256] = "";
	char set[64];
	char port[16];
	const char *sets[] = { set };
	struct config *config;
	struct broker broker = { .clock = clock_system() };
	struct server *server;

	snprintf(port, sizeof(port), "%d", f->port);
	snprintf(set, sizeof(set), "listeners=PLAINTEXT://127.0.0.1:%s", port);
	assert_int_equal(config_for_test("/nowhere", sets, 1, &config), 0);
	broker.config = config;
	assert_int_equal(
		server_open(&broker, find_api, &server, error, sizeof(error)),
		-EADDRINUSE);
	assert_non_null(strstr(error, port));
	config_free(config);
}

/* Stopping */

static void stopping_answers_long_polls_at_once(void **state)
{
	struct fetch_request request;
	struct fixture *f = *state;
	struct buffer b;
	int fd = dial(f);

	wire_init(&fetch_request_desc, &request);
	send_frame(fd, frame(FETCH, 12, 3, &request));
	await(&seen.handled, 1);
	server_stop(f->server, WAIT_MS);
	b = expect_answer(fd, 3);
	buffer_clear(&b);
	assert_closed(fd);
}

static void *stop_patiently(void *arg)
{
	struct fixture *f = arg;

	server_stop(f->server, WAIT_MS);
	return NULL;
}

static void stopping_waits_for_what_is_being_handled(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	int idle = dial(f);
	pthread_t stopper;

	send_heartbeat(idle, "now", 1);
	expect_heartbeat(idle, 1);
	send_heartbeat(fd, "park", 4);
	await(&seen.parked_count, 1);
	pthread_create(&stopper, NULL, stop_patiently, f);
	assert_closed(idle); /* it is stopping */
	wake(0);
	expect_heartbeat(fd, 4);
	assert_closed(fd);
	pthread_join(stopper, NULL);
}

static void stopping_does_not_wait_for_ever(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	send_heartbeat(fd, "park", 4);
	await(&seen.parked_count, 1);
	server_stop(f->server, 30);
	assert_int_equal(seen.dropped, 1);
	assert_closed(fd);
}

static void stopping_does_not_wait_for_who_never_reads(void **state)
{
	struct describe_cluster_request request;
	struct fixture *f = *state;
	struct clock *clock = clock_system();
	int64_t start_us;
	int fd = dial(f);

	wire_init(&describe_cluster_request_desc, &request);
	for (int i = 0; i < 400; i++)
		send_frame(fd, frame(DESCRIBE_CLUSTER, 0, i, &request));
	await(&seen.described, 30);
	start_us = clock->monotonic_us(clock);
	server_stop(f->server, 30000);
	assert_true(clock->monotonic_us(clock) - start_us < 10000000);
	close(fd);
}

/* Both io threads wake each other's requests while clients come and go. */
static void *churn(void *arg)
{
	const struct fixture *f = arg;

	for (int round = 0; round < 30; round++) {
		int fd = dial(f);

		for (int i = 0; i < 50; i++)
			send_heartbeat(fd, i % 4 == 1 ? "late" : "now", i);
		for (int i = 0; i < 50 && round % 3 > 0; i++)
			expect_heartbeat(fd, i);
		close(fd);
	}
	return NULL;
}

static void clients_that_come_and_go_leave_nothing(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, churn, f);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_serves(f);
	for (int i = 0; i < 200 && f->server->conn_count > 0; i++)
		assert_false(wait_readable(-1, 10));
	assert_int_equal(f->server->conn_count, 0);
	assert_int_equal(f->server->budget.used, 0);
}

/* Requests in flight at any time, and large ones among them. */
static void *pipeline(void *arg)
{
	const struct fixture *f = arg;
	int fd = dial(f);

	for (int i = 0; i < 4000; i++) {
		if (i < 3990)
			send_frame(fd, i % 16 == 0 ? produce(50000, i)
						   : heartbeat("now", i));
		if (i < 10)
			continue;
		if ((i - 10) % 16 == 0)
			expect_produce(fd, 50000, i - 10);
		else
			expect_heartbeat(fd, i - 10);
	}
	close(fd);
	return NULL;
}

static void busy_connections_move_unnoticed(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[6];

	f->server->busy_from_percent = 0; /* share at every chance */
	for (int i = 0; i < 6; i++)
		pthread_create(&threads[i], NULL, pipeline, f);
	for (int i = 0; i < 6; i++)
		pthread_join(threads[i], NULL);
	assert_true(f->server->threads[0].moved > 0);
	assert_int_equal(f->server->budget.used, 0);
}

static void quiet_connections_stay_on_one_thread(void **state)
{
	struct fixture *f = *state;
	int fds[20];

	for (int i = 0; i < 20; i++) {
		fds[i] = dial(f);
		send_heartbeat(fds[i], "now", i);
		expect_heartbeat(fds[i], i);
	}
	assert_int_equal(f->server->threads[0].conn_count, 20);
	for (int i = 0; i < 20; i++)
		close(fds[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_that_comes_byte_by_byte_is_answered),
		TEST(many_requests_in_one_write_are_all_answered),
		TEST(requests_of_every_size_arrive_whole),
		TEST(pipelined_requests_cut_anywhere_arrive_whole),
		TEST(a_lawless_size_ends_its_connection_alone),
		TEST(an_unknown_api_ends_its_connection),
		TEST(an_unsupported_version_ends_its_connection),
		TEST(produce_below_3_is_refused_though_it_is_advertised),
		TEST(a_malformed_body_ends_its_connection),
		TEST(bytes_after_the_body_do_not_matter),
		TEST(an_unknown_version_of_api_versions_is_answered_in_v0),
		TEST(a_null_client_id_is_fine),
		TEST(answers_keep_the_order_of_the_requests),
		TEST(a_request_is_woken_by_its_deadline),
		TEST(several_wakes_before_it_runs_are_one),
		TEST(no_more_than_so_many_requests_are_in_flight),
		TEST(a_request_may_end_without_answer),
		TEST(a_handler_may_close_the_connection),
		TEST(a_reset_client_drops_what_it_waits_for),
		TEST(what_cannot_be_dropped_outlives_its_connection),
		TEST(a_half_closed_client_gets_its_answers),
		TEST(a_client_that_never_reads_stops_being_read),
		TEST(idle_connections_are_small),
		TEST(sizes_that_lie_cost_nothing),
		TEST(large_requests_beyond_the_budget_take_turns),
		TEST(silent_connections_are_closed),
		TEST(one_connection_too_many_waits_for_its_turn),
		TEST(accepting_goes_on_when_descriptors_come_back),
		TEST(a_unix_socket_is_a_listener_too),
		TEST(a_taken_port_is_named_in_the_error),
		TEST(stopping_answers_long_polls_at_once),
		TEST(stopping_waits_for_what_is_being_handled),
		TEST(stopping_does_not_wait_for_ever),
		TEST(stopping_does_not_wait_for_who_never_reads),
		TEST(clients_that_come_and_go_leave_nothing),
		TEST(busy_connections_move_unnoticed),
		TEST(quiet_connections_stay_on_one_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
