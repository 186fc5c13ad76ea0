/*
 * request_fuzz.c - whole requests through a whole broker, in one process
 *
 * An input is one frame without its size.  It goes in at a connection of an io
 * thread that does not run: the fuzzer turns its loop, so that the handler
 * runs here.  Metadata and partitions are the real ones, in a directory of
 * their own, and new ones from time to time, so that topics do not pile up.
 *
 * What must hold: nothing crashes, and an answer is a frame that starts with
 * the request's correlation id.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/temporary.h"

enum {
	INPUTS_A_BROKER = 2000,
	FRAME_BYTES_FUZZED = 64 << 10, /* what a socket takes at once */
	TURNS = 3
};

static struct {
	char dir[256];
	struct config *config;
	struct broker *broker;
	struct server *server; /* a second one, whose thread is ours */
	int inputs;
} fuzz;

/* Connections whose requests wait for the metadata are still there. */
static void close_conns(struct io_thread *t)
{
	struct conn *conn;

	TAILQ_FOREACH (conn, &t->conns, link) {
		conn->closing = true;
		conn_mark(conn);
	}
	io_thread_settle(t);
}

static void stop(void)
{
	close_conns(&fuzz.server->threads[0]);
	broker_stop(fuzz.broker); /* which may still wake what we hold */
	server_free(fuzz.server);
	config_free(fuzz.config);
	temporary_remove(fuzz.dir);
	fuzz.broker = NULL;
}

/* At the end of the process. */
static void clean_up(void)
{
	if (fuzz.broker != NULL)
		temporary_remove(fuzz.dir);
}

static void start(void)
{
	static const char *const sets[] = { "num.network.threads=1",
					    "flush.mode=os" };
	char error[512];

	if (fuzz.dir[0] == '\0')
		atexit(clean_up);
	assert(temporary_make(fuzz.dir, sizeof(fuzz.dir)) == 0);
	assert(config_for_test(fuzz.dir, sets, 2, &fuzz.config) == 0);
	if (broker_start(fuzz.config, NULL, &fuzz.broker, error,
			 sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	assert(server_open(fuzz.broker, api_find, &fuzz.server, error,
			   sizeof(error)) == 0);
	fuzz.inputs = 0;
}

static void turn(struct io_thread *t)
{
	for (int i = 0; i < TURNS; i++)
		event_base_loop(t->base, EVLOOP_NONBLOCK);
}

static void check_answer(int fd, const uint8_t *data)
{
	uint8_t head[8];
	ssize_t n = recv(fd, head, sizeof(head), MSG_DONTWAIT);

	if (n <= 0)
		return;
	assert(n == sizeof(head));
	assert(get_be32(head) >= 4);
	assert(memcmp(head + 4, data + 4, 4) == 0);
}

/* NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct io_thread *t;
	struct arrival arrival = { 0 };
	uint8_t prefix[4];
	int fds[2];

	if (size > FRAME_BYTES_FUZZED)
		return -1;
	if (fuzz.broker != NULL && ++fuzz.inputs == INPUTS_A_BROKER)
		stop();
	if (fuzz.broker == NULL)
		start();
	t = &fuzz.server->threads[0];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) < 0)
		return -1;
	put_be32(prefix, (uint32_t)size);
	assert(send(fds[1], prefix, 4, 0) == 4);
	assert(size == 0 || send(fds[1], data, size, 0) == (ssize_t)size);
	arrival.listener = &fuzz.server->listeners[0];
	arrival.fd = fds[0];
	atomic_fetch_add(&fuzz.server->conn_count, 1);
	io_thread_turn(t);
	conn_open(t, &arrival);
	io_thread_settle(t);
	turn(t);
	check_answer(fds[1], data);
	close(fds[1]); /* what waits is dropped */
	turn(t);
	return 0;
}
