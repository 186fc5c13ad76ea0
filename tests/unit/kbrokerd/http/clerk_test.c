/*
 * clerk_test.c - tests of clerk.c: what waits is in nobody's way
 *
 * A whole broker, whose metadata stand still until they are let go on: as if
 * its disk did not answer.
 */
#include "kbrokerd/http/clerk.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <semaphore.h>
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
#include "kbrokerd/temporary.h"

enum { PATIENCE_MS = 60000 };

struct fixture {
	char dir[64];
	struct config *config;
	struct broker *broker;
	sem_t stuck, go_on;
	atomic_bool hold;
	char answer[1 << 16];
};

/* On the metadata's thread. */
static void on_image(void *arg, const struct image *before,
		     const struct image *after)
{
	struct fixture *f = arg;

	(void)before;
	(void)after;
	if (!atomic_exchange(&f->hold, false))
		return;
	sem_post(&f->stuck);
	sem_wait(&f->go_on);
}

static int setup(void **state)
{
	static const char *const sets[] = { "http.listeners=127.0.0.1:0" };
	struct fixture *f = calloc(1, sizeof(*f));
	char error[512] = "";

	assert_non_null(f);
	sem_init(&f->stuck, 0, 0);
	sem_init(&f->go_on, 0, 0);
	assert_int_equal(temporary_make(f->dir, sizeof(f->dir)), 0);
	assert_int_equal(config_for_test(f->dir, sets, 1, &f->config), 0);
	if (broker_start(f->config, NULL, &f->broker, error, sizeof(error)) < 0)
		fail_msg("%s", error);
	metadata_listen(f->broker->metadata, on_image, f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(broker_stop(f->broker), 0);
	config_free(f->config);
	temporary_remove(f->dir);
	sem_destroy(&f->stuck);
	sem_destroy(&f->go_on);
	free(f);
	return 0;
}

/* Talking */

static int ask(const struct fixture *f, const char *line, const char *rest)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char request[512];
	int len = snprintf(request, sizeof(request),
			   "%s HTTP/1.1\r\nHost: localhost\r\n"
			   "Connection: close\r\n%s",
			   line, rest);

	assert_true(fd >= 0);
	to.sin_port = htons((uint16_t)http_port(f->broker->http));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
	return fd;
}

static const char *answer_on(struct fixture *f, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	size_t len = 0;
	ssize_t n = 1;

	while (n > 0 && len < sizeof(f->answer) - 1) {
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = recv(fd, f->answer + len, sizeof(f->answer) - 1 - len, 0);
		len += n > 0 ? (size_t)n : 0;
	}
	f->answer[len] = '\0';
	close(fd);
	return f->answer;
}

static void expect(const char *answer, const char *status)
{
	if (strncmp(answer, status, strlen(status)) != 0)
		fail_msg("not '%s': %s", status, answer);
}

static int ask_for_a_change(struct fixture *f)
{
	atomic_store(&f->hold, true);
	return ask(f, "POST /advertised", "Content-Length: 4\r\n\r\nauto");
}

/* Tests */

static void who_asks_for_life_does_not_wait_for_the_disk(void **state)
{
	struct fixture *f = *state;
	int slow = ask_for_a_change(f);

	sem_wait(&f->stuck);
	expect(answer_on(f, ask(f, "GET /livez", "\r\n")), "HTTP/1.1 200");
	expect(answer_on(f, ask(f, "GET /readyz", "\r\n")), "HTTP/1.1 200");
	expect(answer_on(f, ask(f, "GET /", "\r\n")), "HTTP/1.1 200");
	sem_post(&f->go_on);
	expect(answer_on(f, slow), "HTTP/1.1 200");
	assert_non_null(strstr(f->answer, "advertised.listeners=auto"));
}

static void who_leaves_while_it_waits_does_no_harm(void **state)
{
	struct fixture *f = *state;
	int slow = ask_for_a_change(f);

	sem_wait(&f->stuck);
	close(slow);
	slow = ask(f, "GET /config", "\r\n");
	sem_post(&f->go_on);
	expect(answer_on(f, slow), "HTTP/1.1 200");
	assert_non_null(strstr(f->answer, "log.dirs="));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_asks_for_life_does_not_wait_for_the_disk),
		TEST(who_leaves_while_it_waits_does_no_harm),
	};

	return cmocka_run_group_tests_name("clerk", tests, NULL, NULL);
}
