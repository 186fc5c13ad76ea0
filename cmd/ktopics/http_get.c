/*
 * http_get.c - ask a broker's page
 *
 * As HTTP/1.0, so that the answer is what comes until the other side hangs up.
 * All of it is bounded by one deadline.
 */
#include "ktopics/http_get.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "cli/exit_code.h"

enum { HTTP_PORT = 9644, HOST_MAX = 256, LINE_MAX_BYTES = 1024 };

struct call {
	char host[HOST_MAX];
	char port[8];
	int fd;
	int64_t deadline_us;
};

/* With or without http:// before and / behind. */
static bool read_address(const char *text, struct call *c)
{
	static const char scheme[] = "http://";
	char copy[HOST_MAX];
	const char *host;
	uint16_t port;
	size_t len;

	if (strncmp(text, scheme, sizeof(scheme) - 1) == 0)
		text += sizeof(scheme) - 1;
	len = strcspn(text, "/");
	if (len >= sizeof(copy) || (text[len] == '/' && text[len + 1] != '\0'))
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	if (address_split(copy, HTTP_PORT, &host, &port) < 0)
		return false;
	snprintf(c->host, sizeof(c->host), "%s", host);
	snprintf(c->port, sizeof(c->port), "%u", port);
	return true;
}

/* Returns 0, -ETIMEDOUT, or another negative errno. */
static int wait_for(const struct call *c, short events)
{
	struct clock *clock = clock_system();
	struct pollfd p = { .fd = c->fd, .events = events };
	int64_t left_us = c->deadline_us - clock->monotonic_us(clock);
	int n;

	if (left_us <= 0)
		return -ETIMEDOUT;
	n = poll(&p, 1, (int)(left_us / 1000) + 1);
	if (n < 0 && errno != EINTR)
		return -errno;
	return n == 0 ? -ETIMEDOUT : 0;
}

static int connect_to(struct call *c, const struct addrinfo *to)
{
	socklen_t len = sizeof(int);
	int error = 0;
	int rc;

	c->fd = socket(to->ai_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd < 0)
		return -errno;
	if (connect(c->fd, to->ai_addr, to->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	rc = wait_for(c, POLLOUT);
	if (rc == 0 &&
	    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	return rc < 0 ? rc : -error;
}

/* One address after the other. */
static int dial(struct call *c, const struct addrinfo *list)
{
	int rc = -ENOENT;

	for (; list != NULL; list = list->ai_next) {
		rc = connect_to(c, list);
		if (rc == 0)
			break;
		if (c->fd >= 0)
			close(c->fd);
		c->fd = -1;
	}
	return rc;
}

static int send_all(struct call *c, const char *text)
{
	size_t len = strlen(text);
	int rc = 0;

	while (rc == 0 && len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL);

		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR) {
			rc = wait_for(c, POLLOUT);
		} else {
			rc = -errno;
		}
	}
	return rc;
}

static int receive_all(struct call *c, struct buffer *answer)
{
	char bytes[16 << 10];
	int rc = 0;

	while (rc == 0) {
		ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

		if (n == 0)
			return answer->failed ? -ENOMEM : 0;
		if (n > 0) {
			buffer_put(answer, bytes, (size_t)n);
			rc = answer->len > HTTP_GET_BODY_MAX ? -EMSGSIZE : 0;
		} else if (errno == EAGAIN || errno == EINTR) {
			rc = wait_for(c, POLLIN);
		} else {
			rc = -errno;
		}
	}
	return rc;
}

static int ask(struct call *c, const char *path, struct buffer *answer)
{
	bool is_v6 = strchr(c->host, ':') != NULL;
	char text[LINE_MAX_BYTES];
	int n = snprintf(text, sizeof(text),
			 "GET %s HTTP/1.0\r\nHost: %s%s%s:%s\r\n"
			 "Connection: close\r\n\r\n",
			 path, is_v6 ? "[" : "", c->host, is_v6 ? "]" : "",
			 c->port);
	int rc = n < 0 || (size_t)n >= sizeof(text) ? -EMSGSIZE : 0;

	if (rc == 0)
		rc = send_all(c, text);
	return rc == 0 ? receive_all(c, answer) : rc;
}

/* The body of a 200, or what another answer says in its first line. */
static int take(struct buffer *answer, struct buffer *body,
		char why[HTTP_GET_WHY_MAX])
{
	const char *text = buffer_text(answer);
	const char *end = text == NULL ? NULL : strstr(text, "\r\n\r\n");
	long code;

	if (end == NULL || strncmp(text, "HTTP/1.", 7) != 0) {
		snprintf(why, HTTP_GET_WHY_MAX, "that is no HTTP");
		return EXIT_BAD_DATA;
	}
	code = strtol(text + strcspn(text, " "), NULL, 10);
	end += 4;
	if (code != 200) {
		snprintf(why, HTTP_GET_WHY_MAX, "HTTP status %ld: %.*s", code,
			 (int)strcspn(end, "\r\n"), end);
		return code == 404 ? EXIT_MISSING : EXIT_REFUSED;
	}
	buffer_put_text(body, end);
	return EXIT_GO_ON;
}

int http_get(const char *address, const char *path, int64_t timeout_ms,
	     struct buffer *body, char why[HTTP_GET_WHY_MAX])
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct clock *clock = clock_system();
	struct call c = { .fd = -1 };
	struct buffer answer = { 0 };
	struct addrinfo *list;
	int rc;

	if (!read_address(address, &c)) {
		snprintf(why, HTTP_GET_WHY_MAX, "that is not HOST:PORT");
		return EXIT_USAGE;
	}
	c.deadline_us = clock->monotonic_us(clock) + timeout_ms * 1000;
	rc = getaddrinfo(c.host, c.port, &hints, &list);
	if (rc != 0) {
		snprintf(why, HTTP_GET_WHY_MAX, "%s", gai_strerror(rc));
		return EXIT_UNREACHABLE;
	}
	rc = dial(&c, list);
	freeaddrinfo(list);
	if (rc == 0)
		rc = ask(&c, path, &answer);
	if (c.fd >= 0)
		close(c.fd);
	if (rc < 0)
		snprintf(why, HTTP_GET_WHY_MAX, "%s", strerror(-rc));
	rc = rc < 0 ? EXIT_UNREACHABLE : take(&answer, body, why);
	buffer_clear(&answer);
	return rc;
}
