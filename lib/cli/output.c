/*
 * output.c - stdout, buffered and checked
 *
 * Once an error has come nothing more is written and the buffer stays empty:
 * the caller sees the error at its next call and ends.
 */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/exit_code.h"
#include "cli/signals.h"

void output_guard_stdio(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* Opened the wrong way round, so that it cannot be used. */
		int flags = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		/* The lowest that is free is the one looked at. */
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags) < 0)
			return;
	}
}

void output_init(struct output *o, int fd)
{
	*o = (struct output){
		.fd = fd,
		.oldest_us = -1,
		.terminal = isatty(fd) == 1,
	};
}

void output_clear(struct output *o)
{
	buffer_clear(&o->buffer);
}

/* The descriptor may be non-blocking, because another process made it so. */
static void wait_writable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EAGAIN) {
			wait_writable(fd);
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int output_flush(struct output *o)
{
	if (o->buffer.failed && o->error == 0)
		o->error = -ENOMEM;
	if (o->error == 0)
		o->error = write_all(o->fd, o->buffer.data, o->buffer.len);
	if (o->error == 0)
		o->written += (int64_t)o->buffer.len;
	buffer_reset(&o->buffer);
	o->oldest_us = -1;
	return o->error;
}

/*
 * So much a write takes at once, if poll(2) says that it takes any: POSIX has
 * a pipe so for PIPE_BUF bytes; a terminal says less of itself.  What always
 * takes all, a file, gets all.
 */
static size_t step_of(const struct output *o, size_t len)
{
	enum { TERMINAL_STEP = 256 };
	struct stat st;
	size_t step = PIPE_BUF;

	if (o->terminal)
		step = TERMINAL_STEP;
	else if (fstat(o->fd, &st) == 0 && S_ISREG(st.st_mode))
		step = len;
	return len < step ? len : step;
}

static ssize_t write_step(const struct output *o, const uint8_t *data,
			  size_t len)
{
	/* A socket takes what fits; who is no socket says so. */
	ssize_t n = send(o->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno == ENOTSOCK)
		n = write(o->fd, data, step_of(o, len));
	return n;
}

int output_flush_some(struct output *o)
{
	size_t done = 0;

	if (o->buffer.failed)
		return output_flush(o);
	while (done < o->buffer.len && o->error == 0) {
		struct pollfd p = { .fd = o->fd, .events = POLLOUT };
		ssize_t n;

		if (poll(&p, 1, 0) == 0)
			break;
		n = write_step(o, o->buffer.data + done, o->buffer.len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			o->error = -errno;
	}
	o->written += (int64_t)done;
	if (o->error != 0)
		buffer_reset(&o->buffer);
	else
		buffer_consume(&o->buffer, done);
	if (o->buffer.len == 0)
		o->oldest_us = -1;
	return o->error != 0 ? o->error : o->buffer.len == 0;
}

int output_filled(struct output *o, int64_t now_us)
{
	if (o->oldest_us < 0)
		o->oldest_us = now_us;
	if (o->deferred)
		return o->buffer.failed ? output_flush(o) : o->error;
	if (o->unbuffered || o->buffer.failed || o->error != 0 ||
	    o->buffer.len >= OUTPUT_BUFFER_BYTES)
		return output_flush(o);
	return 0;
}

int output_put(struct output *o, const void *data, size_t len)
{
	buffer_put(&o->buffer, data, len);
	return output_filled(o, 0);
}

int64_t output_due_us(const struct output *o)
{
	if (o->buffer.len == 0 || o->oldest_us < 0)
		return -1;
	return o->oldest_us + OUTPUT_DELAY_US;
}

bool output_reader_gone(const struct output *o)
{
	struct pollfd p = { .fd = o->fd };

	return o->error == -EPIPE ||
	       (poll(&p, 1, 0) == 1 && (p.revents & (POLLERR | POLLHUP)) != 0);
}

int output_finish(struct output *o, struct messages *messages, int status)
{
	int rc = output_flush(o);

	if (rc == 0)
		return status;
	if (rc == -EPIPE)
		signals_die(SIGPIPE);
	message_error(messages, "cannot write to stdout: %s", strerror(-rc));
	return exit_worse(EXIT_REFUSED, status);
}
