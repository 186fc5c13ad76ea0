/*
 * notify.c - what systemd is told, and what it hands down
 *
 * Nothing here may fail the broker: who does not listen is not told.
 */
#include "kbrokerd/notify.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/units.h"

enum { FIRST_FD = 3, NOTIFY_BYTES_MAX = 1024 };

/* Is the variable a number that is ours, or not there? */
static bool is_for_us(const char *variable)
{
	const char *text = getenv(variable);
	int64_t pid;

	return text == NULL ||
	       (parse_int64(text, &pid) == 0 && pid == getpid());
}

static int dial(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	/* '@' is the abstract name space. */
	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, len);
	if (path[0] == '@')
		to.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&to,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) <
		    0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

void notify_init(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const char *watchdog = getenv("WATCHDOG_USEC");

	*n = (struct notify){ .fd = path == NULL ? -1 : dial(path) };
	if (n->fd >= 0 && watchdog != NULL && is_for_us("WATCHDOG_PID") &&
	    parse_int64_in(watchdog, 1, INT64_MAX, &n->watchdog_us) < 0)
		n->watchdog_us = 0;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_clear(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

void notify_send(struct notify *n, const char *format, ...)
{
	char text[NOTIFY_BYTES_MAX];
	va_list args;
	int len;

	if (n->fd < 0)
		return;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len >= (int)sizeof(text))
		len = (int)sizeof(text) - 1;
	if (len > 0)
		send(n->fd, text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* Inherited sockets */

static void take_socket(struct inherited *in, int fd, const char **names)
{
	struct inherited_socket *s = &in->sockets[in->count++];
	size_t len = strcspn(*names, ":");

	s->fd = fd;
	snprintf(s->name, sizeof(s->name), "%.*s", (int)len, *names);
	*names += len + ((*names)[len] == ':');
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void inherited_take(struct inherited *in)
{
	const char *text = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int64_t count = 0;

	*in = (struct inherited){ 0 };
	if (names == NULL)
		names = "";
	if (text != NULL && getenv("LISTEN_PID") != NULL &&
	    is_for_us("LISTEN_PID") &&
	    parse_int64_in(text, 0, INHERITED_MAX, &count) == 0) {
		for (int i = 0; i < (int)count; i++)
			take_socket(in, FIRST_FD + i, &names);
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
}
