/*
 * frame_conn_test.c - tests of frame_conn.c, frame.c and resolve.c
 *
 * The other end is a socket of the test itself, read and written by hand.
 */
#include "net/frame_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { FRAME_MAX = 4 << 20, FRAMES_MAX = 64 };

struct fixture {
	struct loop *loop;
	struct frame_conn *conn;
	struct frame_pool pool;
	char dir[64];
	char path[96];
	int listener;
	int peer; /* the accepted end, or -1 */
	uint16_t port;

	bool connected;
	struct frame *frames[FRAMES_MAX];
	size_t frame_count;
	int sent;
	int sent_before_frame;
	int closed_rc; /* 0: it is open */
	char closed_text[200];
	bool free_at_frame;
};

static void on_connected(void *arg)
{
	struct fixture *f = arg;

	f->connected = true;
}

static void on_frame(void *arg, struct frame *frame)
{
	struct fixture *f = arg;

	assert_true(f->frame_count < FRAMES_MAX);
	f->frames[f->frame_count++] = frame;
	f->sent_before_frame = f->sent;
	if (f->free_at_frame) {
		frame_conn_free(f->conn);
		f->conn = NULL;
	}
}

static void on_sent(void *arg, struct frame_send *send)
{
	struct fixture *f = arg;

	(void)send;
	f->sent++;
}

static void on_closed(void *arg, int rc, const char *text)
{
	struct fixture *f = arg;

	assert_int_equal(f->closed_rc, 0);
	f->closed_rc = rc;
	snprintf(f->closed_text, sizeof(f->closed_text), "%s", text);
}

static const struct frame_conn_handler handler = {
	.on_connected = on_connected,
	.on_frame = on_frame,
	.on_sent = on_sent,
	.on_closed = on_closed,
};

static void listen_inet(struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(to);

	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&to, len), 0);
	assert_int_equal(listen(f->listener, 4), 0);
	assert_int_equal(getsockname(f->listener, (struct sockaddr *)&to, &len),
			 0);
	f->port = ntohs(to.sin_port);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	snprintf(f->dir, sizeof(f->dir), "/tmp/frame_conn_test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/socket", f->dir);
	f->peer = -1;
	listen_inet(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < f->frame_count; i++)
		frame_free(f->frames[i]);
	frame_conn_free(f->conn);
	frame_pool_clear(&f->pool);
	loop_free(f->loop);
	close(f->listener);
	if (f->peer >= 0)
		close(f->peer);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void open_to(struct fixture *f, const char *host, uint16_t port)
{
	struct frame_conn_options options = {
		.host = host,
		.port = port,
		.connect_timeout_ms = 5000,
		.frame_bytes_max = FRAME_MAX,
		.pool = &f->pool,
	};

	assert_int_equal(
		frame_conn_open(f->loop, &options, &handler, f, &f->conn), 0);
}

static void open_and_accept(struct fixture *f)
{
	open_to(f, "127.0.0.1", f->port);
	while (!f->connected)
		loop_run_once(f->loop, 1000);
	f->peer = accept(f->listener, NULL, NULL);
	assert_true(f->peer >= 0);
}

static void run_until_closed(struct fixture *f)
{
	while (f->closed_rc == 0)
		loop_run_once(f->loop, 1000);
}

static void run_until_frames(struct fixture *f, size_t count)
{
	while (f->frame_count < count)
		loop_run_once(f->loop, 1000);
}

static void assert_frame(const struct fixture *f, size_t index,
			 const char *text)
{
	assert_true(f->frame_count > index);
	assert_int_equal(f->frames[index]->len, strlen(text));
	assert_memory_equal(f->frames[index]->data, text, strlen(text));
}

static void write_peer(const struct fixture *f, const void *bytes, size_t len)
{
	assert_int_equal(write(f->peer, bytes, len), (ssize_t)len);
}

static void several_frames_in_one_read_are_told_apart(void **state)
{
	struct fixture *f = *state;

	open_and_accept(f);
	write_peer(f, "\0\0\0\3abc\0\0\0\0\0\0\0\2de", 17);
	run_until_frames(f, 3);

	assert_frame(f, 0, "abc");
	assert_frame(f, 1, "");
	assert_frame(f, 2, "de");
}

static void a_frame_may_come_byte_by_byte(void **state)
{
	struct fixture *f = *state;
	static const char bytes[] = "\0\0\0\3abc\0\0\0\1d";

	open_and_accept(f);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		write_peer(f, bytes + i, 1);
		loop_run_once(f->loop, 0);
	}
	run_until_frames(f, 2);

	assert_frame(f, 0, "abc");
	assert_frame(f, 1, "d");
}

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 7 + i / 251);
}

static void large_frames_come_whole_and_in_order(void **state)
{
	struct fixture *f = *state;
	const size_t len = 1 << 20;
	uint8_t *bytes = malloc(4 + len);
	size_t at = 0;

	open_and_accept(f);
	put_be32(bytes, (uint32_t)len);
	fill(bytes + 4, len);
	/* Twice the same, then a small one. */
	for (int round = 0; round < 2; round++) {
		for (at = 0; at < 4 + len;) {
			ssize_t n = send(f->peer, bytes + at, 4 + len - at,
					 MSG_DONTWAIT);

			if (n > 0)
				at += (size_t)n;
			loop_run_once(f->loop, 0);
		}
	}
	write_peer(f, "\0\0\0\1x", 5);
	run_until_frames(f, 3);

	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(f->frames[i]->len, len);
		assert_memory_equal(f->frames[i]->data, bytes + 4, len);
	}
	assert_frame(f, 2, "x");
	free(bytes);
}

static void a_large_buffer_is_used_again(void **state)
{
	struct fixture *f = *state;
	struct frame *frame = frame_new(&f->pool, 1 << 20);
	uint8_t *data = frame->data;

	frame_free(frame);
	frame = frame_new(&f->pool, (1 << 20) - 5);

	assert_ptr_equal(frame->data, data);
	frame_free(frame);
}

static void what_is_sent_before_connecting_arrives(void **state)
{
	struct fixture *f = *state;
	struct iovec first[] = { { "\0\0\0\4ab", 6 }, { "cd", 2 } };
	struct iovec second[] = { { "\0\0\0\1e", 5 } };
	struct frame_send sends[] = {
		{ .pieces = first, .count = 2, .notify = true },
		{ .pieces = second, .count = 1 },
	};
	char got[16];

	open_to(f, "127.0.0.1", f->port);
	frame_conn_send(f->conn, &sends[0]);
	frame_conn_send(f->conn, &sends[1]);
	assert_int_equal(frame_conn_unsent(f->conn), 13);
	assert_int_equal(f->sent, 0);
	while (f->sent == 0)
		loop_run_once(f->loop, 1000);
	f->peer = accept(f->listener, NULL, NULL);

	assert_int_equal(recv(f->peer, got, 13, MSG_WAITALL), 13);
	assert_memory_equal(got, "\0\0\0\4abcd\0\0\0\1e", 13);
	assert_int_equal(f->sent, 1);
	assert_int_equal(frame_conn_unsent(f->conn), 0);
}

static void much_is_sent_in_pieces_as_the_peer_reads(void **state)
{
	struct fixture *f = *state;
	const size_t len = 8 << 20;
	uint8_t *bytes = malloc(len);
	uint8_t *got = malloc(len);
	struct iovec pieces[] = { { bytes, len / 2 },
				  { bytes + len / 2, len / 2 } };
	struct frame_send send = { .pieces = pieces, .count = 2, .notify = 1 };
	size_t at = 0;

	open_and_accept(f);
	fill(bytes, len);
	frame_conn_send(f->conn, &send);
	while (at < len) {
		ssize_t n = recv(f->peer, got + at, len - at, MSG_DONTWAIT);

		if (n > 0)
			at += (size_t)n;
		loop_run_once(f->loop, 0);
	}
	while (f->sent == 0)
		loop_run_once(f->loop, 1000);

	assert_memory_equal(got, bytes, len);
	free(bytes);
	free(got);
}

static void what_is_sent_is_told_before_the_answer_to_it(void **state)
{
	struct fixture *f = *state;
	struct iovec piece = { "\0\0\0\1e", 5 };
	struct frame_send send = { .pieces = &piece,
				   .count = 1,
				   .notify = true };

	open_and_accept(f);
	frame_conn_send(f->conn, &send);
	/* The answer is there when the loop looks first. */
	write_peer(f, "\0\0\0\1x", 5);
	run_until_frames(f, 1);

	assert_int_equal(f->sent_before_frame, 1);
	assert_int_equal(f->sent, 1);
}

static void nobody_listening_is_told_from_the_loop(void **state)
{
	struct fixture *f = *state;

	close(f->listener);
	f->listener = -1;
	open_to(f, "127.0.0.1", f->port);
	assert_int_equal(f->closed_rc, 0);
	run_until_closed(f);

	assert_int_equal(f->closed_rc, -ECONNREFUSED);
	assert_string_equal(f->closed_text, "Connection refused");
	assert_false(f->connected);
}

static void the_next_address_of_a_name_is_tried(void **state)
{
	struct fixture *f = *state;

	/* localhost may be ::1 first, where nobody listens. */
	open_to(f, "localhost", f->port);
	while (!f->connected && f->closed_rc == 0)
		loop_run_once(f->loop, 1000);

	assert_true(f->connected);
}

static void a_name_that_does_not_resolve_is_told(void **state)
{
	struct fixture *f = *state;

	open_to(f, "no-such-host.invalid", f->port);
	run_until_closed(f);

	assert_int_equal(f->closed_rc, -ENOENT);
	assert_non_null(strstr(f->closed_text, "does not resolve"));
}

static void freeing_while_a_name_is_looked_up_is_fine(void **state)
{
	struct fixture *f = *state;

	open_to(f, "no-such-host.invalid", f->port);
	frame_conn_free(f->conn);
	f->conn = NULL;
	loop_run_once(f->loop, 1);

	assert_int_equal(f->closed_rc, 0);
}

static void a_peer_that_closes_is_told(void **state)
{
	struct fixture *f = *state;

	open_and_accept(f);
	write_peer(f, "\0\0\0\1a\0\0\0\5b", 10);
	close(f->peer);
	f->peer = -1;
	run_until_closed(f);

	assert_frame(f, 0, "a");
	assert_int_equal(f->frame_count, 1);
	assert_int_equal(f->closed_rc, -EPIPE);
}

static void a_frame_of_impossible_length_closes(void **state)
{
	struct fixture *f = *state;

	open_and_accept(f);
	write_peer(f, "HTTP", 4);
	run_until_closed(f);
	assert_int_equal(f->closed_rc, -EMSGSIZE);

	frame_conn_free(f->conn);
	close(f->peer);
	f->closed_rc = 0;
	f->connected = false;
	open_and_accept(f);
	write_peer(f, "\xff\0\0\0", 4);
	run_until_closed(f);
	assert_int_equal(f->closed_rc, -EBADMSG);
}

static void it_may_be_freed_in_its_own_callback(void **state)
{
	struct fixture *f = *state;

	open_and_accept(f);
	f->free_at_frame = true;
	write_peer(f, "\0\0\0\1a\0\0\0\1b", 10);
	run_until_frames(f, 1);
	loop_run_once(f->loop, 0);

	assert_int_equal(f->frame_count, 1);
}

static void a_unix_socket_is_as_good(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char host[128];

	strcpy(un.sun_path, f->path);
	close(f->listener);
	f->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&un, sizeof(un)),
			 0);
	assert_int_equal(listen(f->listener, 4), 0);
	snprintf(host, sizeof(host), "unix:%s", f->path);
	open_to(f, host, 0);
	while (!f->connected)
		loop_run_once(f->loop, 1000);
	f->peer = accept(f->listener, NULL, NULL);
	write_peer(f, "\0\0\0\1a", 5);
	run_until_frames(f, 1);

	assert_frame(f, 0, "a");
}

static void a_unix_socket_that_is_not_there_is_told(void **state)
{
	struct fixture *f = *state;

	open_to(f, "unix:/no/such/socket", 0);
	run_until_closed(f);

	assert_int_equal(f->closed_rc, -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(several_frames_in_one_read_are_told_apart),
		TEST(a_frame_may_come_byte_by_byte),
		TEST(large_frames_come_whole_and_in_order),
		TEST(a_large_buffer_is_used_again),
		TEST(what_is_sent_before_connecting_arrives),
		TEST(much_is_sent_in_pieces_as_the_peer_reads),
		TEST(what_is_sent_is_told_before_the_answer_to_it),
		TEST(nobody_listening_is_told_from_the_loop),
		TEST(the_next_address_of_a_name_is_tried),
		TEST(a_name_that_does_not_resolve_is_told),
		TEST(freeing_while_a_name_is_looked_up_is_fine),
		TEST(a_peer_that_closes_is_told),
		TEST(a_frame_of_impossible_length_closes),
		TEST(it_may_be_freed_in_its_own_callback),
		TEST(a_unix_socket_is_as_good),
		TEST(a_unix_socket_that_is_not_there_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
