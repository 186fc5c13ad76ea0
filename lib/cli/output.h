/*
 * output.h - stdout, buffered and checked
 *
 * Every write is checked, so that a full disk is an exit status and a reader
 * that has gone ends the tool.  The first error is kept and returned by every
 * later call.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "base/buffer.h"
#include "cli/messages.h"

enum {
	OUTPUT_BUFFER_BYTES = 64 << 10,
	OUTPUT_DELAY_US = 100 * 1000, /* most that a byte waits */
};

struct output {
	int fd;
	struct buffer buffer; /* append here, then output_filled() */
	int error;            /* 0, or the first negative errno */
	int64_t oldest_us;    /* when the oldest byte in buffer came, or -1 */
	bool terminal;
	bool unbuffered; /* -u: each output_filled() flushes */
	bool deferred; /* output_filled() never does: see output_flush_some() */
	int64_t written; /* bytes, in all */
};

/*
 * Where a tool was started without stdin, stdout or stderr: keep what is
 * opened next from taking its place.  Using it still says EBADF.  The first
 * call of main().
 */
void output_guard_stdio(void);

/* fd stays the caller's. */
void output_init(struct output *o, int fd);
void output_clear(struct output *o);

/*
 * Bytes were appended to o->buffer.  Writes when there are 64 KiB or more.
 * now_us is monotonic.  Returns 0 or the error.
 */
int output_filled(struct output *o, int64_t now_us);

/* Append and output_filled(); for tools that do not mind the clock. */
int output_put(struct output *o, const void *data, size_t len);

/* Write all; waits for the reader.  0, or -EPIPE, -ENOSPC, -EIO, -ENOMEM. */
int output_flush(struct output *o);

/*
 * Write what can be written without waiting for the reader, for tools that
 * have other things to do.  1 when all is out, 0 when the reader is to be
 * waited for (LOOP_WRITE of o->fd), or an error as above.
 */
int output_flush_some(struct output *o);

/* Monotonic time by which output_flush() is due, or -1 when nothing waits. */
int64_t output_due_us(const struct output *o);

/*
 * Has the reader of our pipe or socket gone?  Costs a poll(2); a loop that
 * polls anyway adds { o->fd, 0 } and looks for POLLERR.
 */
bool output_reader_gone(const struct output *o);

/*
 * The end of main(): flush, and turn the error into a status.  -EPIPE does not
 * return: the tool dies of SIGPIPE, silently.  Another one is said: "cannot
 * write to stdout: No space left on device", EXIT_REFUSED.  Returns the worse
 * of it and status.
 */
int output_finish(struct output *o, struct messages *messages, int status);

#endif /* CLI_OUTPUT_H */
