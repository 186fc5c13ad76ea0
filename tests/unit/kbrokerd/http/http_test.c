/*
 * http_test.c - tests of http.c: what it takes, over a socket
 *
 * The broker behind it has settings and a clock and never gets to serve.
 */
#include "kbrokerd/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
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
#include "kbrokerd/http/visitors.h"

enum { PATIENCE_MS = 60000 };

struct fixture {
	struct config *config;
	struct broker broker;
	struct http *http;
	char answer[1 << 16];
};

static int setup(void **state)
{
	static const char *const sets[] = { "http.listeners=127.0.0.1:0" };
	struct fixture *f = calloc(1, sizeof(*f));
	char error[256] = "";

	assert_non_null(f);
	assert_int_equal(config_for_test("/nowhere", sets, 1, &f->config), 0);
	atomic_init(&f->broker.config, f->config);
	f->broker.clock = clock_system();
	assert_int_equal(http_start(&f->broker, &f->http, error, sizeof(error)),
			 0);
	assert_non_null(f->http);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_enter(f->http, HTTP_OVER, NULL);
	http_stop(f->http);
	config_free(f->config);
	free(f);
	return 0;
}

/* Talking */

static int dial(const struct fixture *f)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	to.sin_port = htons((uint16_t)http_port(f->http));
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void say(int fd, const char *text)
{
	size_t len = strlen(text);

	/* The other side may have heard enough. */
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

/* All until the other side hangs up. */
static const char *listen_to(struct fixture *f, int fd)
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

static const char *ask(struct fixture *f, const char *line, const char *headers)
{
	char request[2048];
	int fd = dial(f);

	snprintf(request, sizeof(request),
		 "%s HTTP/1.1\r\nConnection: close\r\n%s\r\n", line, headers);
	say(fd, request);
	return listen_to(f, fd);
}

static bool has(const char *answer, const char *text)
{
	if (strstr(answer, text) != NULL)
		return true;
	print_error("no '%s' in: %s\n", text, answer);
	return false;
}

static bool is_status(const char *answer, const char *status)
{
	return has(answer, "HTTP/1.1 ") &&
	       strncmp(answer + 9, status, strlen(status)) == 0;
}

#define LOCAL "Host: localhost\r\n"

/* Tests */

static void a_broker_that_recovers_lives_and_is_not_ready(void **state)
{
	struct fixture *f = *state;

	assert_true(is_status(ask(f, "GET /livez", ""), "200"));
	assert_true(is_status(ask(f, "GET /readyz", ""), "503"));
	assert_true(has(f->answer, "recovering"));
	assert_true(is_status(ask(f, "GET /metrics", ""), "503"));
	assert_true(has(f->answer, "Retry-After: 1"));
	assert_true(is_status(ask(f, "GET /status", LOCAL), "503"));
	assert_true(is_status(ask(f, "GET /", LOCAL), "200"));
}

static void a_broker_that_stops_is_not_ready(void **state)
{
	struct fixture *f = *state;

	http_enter(f->http, HTTP_STOPPING, NULL);
	assert_true(is_status(ask(f, "GET /readyz", ""), "503"));
	assert_true(has(f->answer, "stopping"));
	http_enter(f->http, HTTP_OVER, NULL);
	assert_true(is_status(ask(f, "GET /readyz", ""), "503"));
	assert_true(is_status(ask(f, "GET /livez", ""), "200"));
	assert_true(is_status(ask(f, "GET /metrics", ""), "503"));
}

static void head_is_get_without_a_body(void **state)
{
	struct fixture *f = *state;
	const char *end;

	ask(f, "HEAD /", LOCAL);
	assert_true(is_status(f->answer, "200"));
	assert_true(has(f->answer, "Content-Type: text/html"));
	assert_true(has(f->answer, "Content-Length: "));
	assert_null(strstr(f->answer, "Content-Length: 0\r\n"));
	end = strstr(f->answer, "\r\n\r\n");
	assert_non_null(end);
	assert_string_equal(end, "\r\n\r\n");
}

static void what_is_not_there_or_not_to_be_done_is_said(void **state)
{
	struct fixture *f = *state;

	assert_true(is_status(ask(f, "GET /nosuch", LOCAL), "404"));
	assert_true(is_status(ask(f, "GET //livez", LOCAL), "404"));
	assert_true(is_status(ask(f, "GET /../etc/passwd", LOCAL), "404"));
	assert_true(is_status(
		ask(f, "PUT /livez", LOCAL "Content-Length: 0\r\n"), "405"));
	assert_true(has(f->answer, "Allow: GET, HEAD\r\n"));
	assert_true(is_status(ask(f, "GET /advertised", LOCAL), "405"));
	assert_true(has(f->answer, "Allow: POST\r\n"));
}

static void a_page_protects_itself(void **state)
{
	struct fixture *f = *state;

	ask(f, "GET /", LOCAL);
	assert_true(
		has(f->answer, "Content-Security-Policy: default-src 'none'"));
	assert_true(has(f->answer, "X-Content-Type-Options: nosniff"));
	assert_true(has(f->answer, "X-Frame-Options: DENY"));
}

static void a_stranger_s_name_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_true(
		is_status(ask(f, "GET /", "Host: evil.example\r\n"), "403"));
	assert_true(is_status(ask(f, "GET /status", "Host: evil.example\r\n"),
			      "403"));
	assert_true(is_status(ask(f, "POST /advertised",
				  "Host: evil.example\r\n"
				  "Content-Length: 4\r\n\r\nauto"),
			      "403"));
	assert_true(is_status(ask(f, "POST /advertised",
				  LOCAL "Origin: http://evil.example\r\n"
					"Content-Length: 4\r\n\r\nauto"),
			      "403"));
	/* Probes and Prometheus call it as they like. */
	assert_true(
		is_status(ask(f, "GET /livez", "Host: broker.svc\r\n"), "200"));
}

static void too_much_of_a_header_or_body_is_refused(void **state)
{
	struct fixture *f = *state;
	char *much = malloc(1 << 17);
	int fd = dial(f);

	assert_non_null(much);
	memset(much, 'x', 1 << 17);
	much[(1 << 17) - 1] = '\0';
	say(fd, "GET /livez HTTP/1.1\r\nX-Much: ");
	say(fd, much);
	assert_false(strncmp(listen_to(f, fd), "HTTP/1.1 200", 12) == 0);

	fd = dial(f);
	say(fd, "POST /advertised HTTP/1.1\r\n" LOCAL
		"Content-Length: 1000000000\r\n\r\n");
	assert_true(is_status(listen_to(f, fd), "413"));
	free(much);
}

static void nonsense_does_no_harm(void **state)
{
	struct fixture *f = *state;
	static const char *const texts[] = {
		"\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET / HTTP/9.9\r\n\r\n",
		"BREW / HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\x02",
		"GET / HTTP/1.1",
		"GET /status?a=%&=%00&&&q HTTP/1.1\r\nConnection: "
		"close\r\n\r\n",
		"POST /advertised HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		"Host: localhost\r\n\r\nfffffffffffffff\r\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int fd = dial(f);

		say(fd, texts[i]);
		shutdown(fd, SHUT_WR);
		listen_to(f, fd);
	}
	assert_true(is_status(ask(f, "GET /livez", ""), "200"));
}

/* Is asked for on a connection that stays. */
static void ask_on(int fd)
{
	say(fd, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
}

static void expect_ok(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[1024] = "";
	size_t len = 0;
	ssize_t n;

	while (strstr(text, "\r\n\r\nok\n") == NULL) {
		assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		assert_true(n > 0);
		len += (size_t)n;
		text[len] = '\0';
	}
}

/* They wait in the kernel, and are served when others have gone. */
static void there_is_a_bound_of_connections(void **state)
{
	struct fixture *f = *state;
	struct pollfd late = { .events = POLLIN };
	int fds[VISITORS_MAX];

	for (size_t i = 0; i < VISITORS_MAX; i++) {
		ask_on(fds[i] = dial(f));
		expect_ok(fds[i]);
	}
	ask_on(late.fd = dial(f));
	for (size_t i = 0; i < 2; i++) { /* it would have come in by now */
		ask_on(fds[i]);
		expect_ok(fds[i]);
	}
	assert_int_equal(poll(&late, 1, 0), 0);
	for (size_t i = 0; i < VISITORS_MAX; i++)
		close(fds[i]);
	expect_ok(late.fd);
	close(late.fd);
	assert_true(is_status(ask(f, "GET /livez", ""), "200"));
}

static void it_can_be_off(void **state)
{
	static const char *const sets[] = { "http.listeners=off" };
	struct config *config = NULL;
	struct broker broker = { .clock = clock_system() };
	struct http *http = NULL;
	char error[256];

	(void)state;
	assert_int_equal(config_for_test("/nowhere", sets, 1, &config), 0);
	atomic_init(&broker.config, config);
	assert_int_equal(http_start(&broker, &http, error, sizeof(error)), 0);
	assert_null(http);
	assert_int_equal(http_port(http), -1);
	http_enter(http, HTTP_SERVING, NULL);
	http_stop(http);
	config_free(config);
}

static void a_port_that_is_taken_is_an_error_if_it_was_set(void **state)
{
	struct fixture *f = *state;
	char set[64];
	const char *const sets[] = { set };
	struct config *config = NULL;
	struct broker broker = { .clock = clock_system() };
	struct http *http = NULL;
	char error[256] = "";

	snprintf(set, sizeof(set), "http.listeners=127.0.0.1:%d",
		 http_port(f->http));
	assert_int_equal(config_for_test("/nowhere", sets, 1, &config), 0);
	atomic_init(&broker.config, config);
	assert_int_equal(http_start(&broker, &http, error, sizeof(error)),
			 -EADDRINUSE);
	assert_true(has(error, "http.listeners: cannot listen on 127.0.0.1:"));

	/* As the default it is gone without. */
	config->http.is_default = true;
	assert_int_equal(http_start(&broker, &http, error, sizeof(error)), 0);
	assert_null(http);
	config_free(config);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_broker_that_recovers_lives_and_is_not_ready),
		TEST(a_broker_that_stops_is_not_ready),
		TEST(head_is_get_without_a_body),
		TEST(what_is_not_there_or_not_to_be_done_is_said),
		TEST(a_page_protects_itself),
		TEST(a_stranger_s_name_is_refused),
		TEST(too_much_of_a_header_or_body_is_refused),
		TEST(nonsense_does_no_harm),
		TEST(there_is_a_bound_of_connections),
		cmocka_unit_test(it_can_be_off),
		TEST(a_port_that_is_taken_is_an_error_if_it_was_set),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
