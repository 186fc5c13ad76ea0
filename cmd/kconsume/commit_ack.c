/*
 * commit_ack.c - commit what the far end says is done: --commit ack
 *
 * Records are numbered as they are printed; lines on --ack-fd say which are
 * done.  "end" is believed only once we have ended stdout ourselves and its
 * reader has read all of it: one that comes sooner is of somebody whose own
 * input was cut off, and says nothing of records that never reached it.
 *
 * At the end of a run: wait until the pipe is empty, end stdout, so that the
 * far end comes to its end too, then wait for the last acknowledgements.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/signals.h"
#include "kconsume/ack_input.h"
#include "kconsume/commit_modes.h"
#include "kconsume/commits.h"
#include "kconsume/drain.h"
#include "kconsume/printer.h"

enum {
	/* At the end of a run say what is waited for, after so long. */
	TELL_MS = 5000,
	/* Partitions are given up when acknowledgements have been silent for
	 * so long: a filter that drops records may never tell of the last. */
	QUIET_MS = 1000,
};

struct ack_mode {
	struct commits commits;
	struct ack_input input;
	struct loop_watch *watch;
	struct loop_timer *timer; /* of settling */
	struct drain drain;
	int fd;
	int64_t number;  /* of the last record printed */
	int64_t written; /* bytes, in all */
	bool is_over;    /* no more acknowledgements, or none to believe */
	bool has_failed; /* and why has been said */
	bool has_told;   /* what is waited for */
	bool is_ending;
	bool reader_gone;
	bool stdout_ended;  /* by us, all of it having been read */
	int64_t heard_ms;   /* when the last acknowledgement came */
	int64_t give_up_ms; /* settling: when; INT64_MAX: when told */
};

static void step(struct ack_mode *m);

/* What has come */

__attribute__((format(printf, 3, 4))) static void fail(struct ack_mode *m,
						       int status,
						       const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	m->is_over = m->has_failed = true;
	commits_fail(&m->commits, status, "%s", text);
}

static void fail_line(struct ack_mode *m, const char *why)
{
	fail(m, EXIT_BAD_DATA, "descriptor %d, line %lld: %s", m->fd,
	     (long long)m->input.line, why);
}

static void take_record(struct ack_mode *m, const struct ack *ack)
{
	int64_t written = -1;
	char why[2 * ACK_WHY_MAX];

	switch (delivered_ack(m->commits.delivered, ack->topic, ack->partition,
			      ack->offset, &written)) {
	case 0:
		return;
	case -ENOENT:
		snprintf(why, sizeof(why), "nothing of %.249s [%d] was written",
			 ack->topic, ack->partition);
		fail_line(m, why);
		return;
	case -ERANGE:
		snprintf(why, sizeof(why),
			 "offset %lld of %s [%d] was not written, the last is "
			 "%lld",
			 (long long)ack->offset, ack->topic, ack->partition,
			 (long long)written - 1);
		fail_line(m, why);
		return;
	default:
		fail(m, EXIT_REFUSED, "out of memory");
	}
}

static void take_count(struct ack_mode *m, const struct ack *ack)
{
	int64_t reached = delivered_reached(m->commits.delivered);
	char why[ACK_WHY_MAX];

	if (ack->count <= m->number - reached) {
		delivered_reach(m->commits.delivered, reached + ack->count);
		return;
	}
	snprintf(why, sizeof(why),
		 "%lld records are acknowledged, but only %lld more were "
		 "written",
		 (long long)ack->count, (long long)(m->number - reached));
	fail_line(m, why);
}

static void take_end(struct ack_mode *m, const struct ack *ack)
{
	(void)ack;
	if (m->stdout_ended)
		delivered_reach(m->commits.delivered, m->number);
}

static void take_lines(struct ack_mode *m)
{
	static void (*const takers[])(struct ack_mode * m,
				      const struct ack *ack) = {
		[ACK_RECORD] = take_record,
		[ACK_COUNT] = take_count,
		[ACK_END] = take_end,
	};
	char why[ACK_WHY_MAX];
	struct ack ack;
	int rc = 0;

	while (!m->is_over && (rc = ack_input_next(&m->input, &ack, why)) == 1)
		takers[ack.kind](m, &ack);
	if (rc < 0)
		fail_line(m, why);
}

/* The far end has stopped while records are still to be written. */
static void on_early_end(struct ack_mode *m)
{
	const struct commit_host *host = m->commits.host;

	/* Its reader gone, the run ends anyhow, and dies of SIGPIPE. */
	if (output_reader_gone(&host->printer->output))
		return;
	fail(m, EXIT_REFUSED,
	     "descriptor %d has ended: nothing more can be acknowledged; %llu "
	     "records that were written are not",
	     m->fd, (unsigned long long)delivered_left(m->commits.delivered));
}

static void on_readable(void *arg, unsigned events)
{
	struct ack_mode *m = arg;
	int rc = ack_input_read(&m->input, m->fd);

	(void)events;
	m->heard_ms = loop_now_ms(m->commits.host->loop);
	drain_next_look(&m->drain, true);
	if (rc < 0)
		fail(m, EXIT_REFUSED, "cannot read descriptor %d: %s", m->fd,
		     strerror(-rc));
	else
		take_lines(m);
	commits_soon(&m->commits);
	if (m->input.ended && !m->is_over) {
		m->is_over = true;
		/* With nothing left our own end may be near. */
		if (!m->is_ending && delivered_left(m->commits.delivered) > 0)
			on_early_end(m);
	}
	if (m->is_over)
		loop_watch_set(m->watch, 0);
	m->commits.host->wake(m->commits.host->arg);
	step(m);
}

/* The end */

/* The reader has read all that we wrote: let it see the end. */
static void end_stdout(struct ack_mode *m)
{
	if (m->stdout_ended || m->reader_gone || !m->commits.is_end)
		return;
	if (output_reader_gone(&m->commits.host->printer->output)) {
		m->reader_gone = true;
		return;
	}
	if (drain_taken(&m->drain, m->written) < m->written)
		return;
	m->commits.host->end_stdout(m->commits.host->arg);
	m->stdout_ended = true;
}

static bool should_give_up(struct ack_mode *m)
{
	const struct commit_host *host = m->commits.host;
	int64_t now_ms = loop_now_ms(host->loop);

	/* What died after a signal or without a reader has little to say. */
	if (m->give_up_ms == INT64_MAX &&
	    (signals_ending() != 0 || m->reader_gone))
		m->give_up_ms = now_ms + host->options->common.step_timeout_ms;
	if (!m->commits.is_end && now_ms >= m->heard_ms + QUIET_MS)
		return true;
	return m->is_over || now_ms >= m->give_up_ms;
}

/* A run that ended as asked, and whose records did not. */
static void tell_left(struct ack_mode *m)
{
	uint64_t left = delivered_left(m->commits.delivered);

	if (left == 0 || !m->commits.is_end || m->reader_gone ||
	    m->has_failed || signals_ending() != 0)
		return;
	fail(m, EXIT_REFUSED,
	     "descriptor %d has ended without 'end': %llu records that were "
	     "written are not acknowledged",
	     m->fd, (unsigned long long)left);
}

/* Whoever else holds stdout open, as timeout(1) does, keeps the far end from
 * seeing the end of its input. */
static void tell_waiting(struct ack_mode *m)
{
	const struct commit_host *host = m->commits.host;

	if (!m->commits.is_end || m->has_told ||
	    loop_now_ms(host->loop) < m->heard_ms + TELL_MS)
		return;
	m->has_told = true;
	message_warning(
		host->messages,
		"waiting for %llu records to be acknowledged on descriptor "
		"%d; %s",
		(unsigned long long)delivered_left(m->commits.delivered), m->fd,
		m->stdout_ended ? "stdout is closed: who else holds it open "
				  "keeps its reader from the end"
				: "the reader of stdout has not read all yet");
}

/* Settling: what can be done now? */
static void step(struct ack_mode *m)
{
	if (!m->commits.is_settling)
		return;
	end_stdout(m);
	if (!commits_are_settled(&m->commits) && !should_give_up(m)) {
		tell_waiting(m);
		loop_timer_set(m->timer, drain_next_look(&m->drain, false));
		return;
	}
	loop_timer_stop(m->timer);
	tell_left(m);
	commits_finish(&m->commits);
}

static void on_timer(void *arg)
{
	step(arg);
}

static void settle(void *state, const struct group_partition *partitions,
		   size_t count, bool is_end, bool reader_gone)
{
	struct ack_mode *m = state;
	const struct commit_host *host = m->commits.host;

	commits_settle(&m->commits, partitions, count, is_end);
	m->is_ending |= is_end;
	m->reader_gone |= reader_gone;
	m->heard_ms = loop_now_ms(host->loop);
	m->give_up_ms =
		is_end ? INT64_MAX
		       : m->heard_ms + host->options->common.step_timeout_ms;
	step(m);
}

/* Records */

static void on_printed(void *state, const struct consumer_record *record,
		       int64_t end)
{
	struct ack_mode *m = state;

	(void)end;
	commits_note(&m->commits, record, ++m->number);
	if (m->is_over && !m->has_failed)
		on_early_end(m);
}

static void on_written(void *state, int64_t bytes)
{
	struct ack_mode *m = state;

	m->written = bytes;
}

static bool wants_more(void *state)
{
	const struct ack_mode *m = state;

	return !m->has_failed && !delivered_is_full(m->commits.delivered);
}

static void on_lost(void *state, const struct group_partition *partitions,
		    size_t count)
{
	struct ack_mode *m = state;

	commits_lost(&m->commits, partitions, count);
}

static void on_assigned(void *state, const struct group_position *position)
{
	struct ack_mode *m = state;

	commits_assigned(&m->commits, position);
}

/* Beginning */

/* Those of our own are closed on exec: they did not come with one. */
static bool is_given(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags >= 0 && (flags & FD_CLOEXEC) == 0;
}

static int watch_input(struct ack_mode *m, const struct commit_host *host)
{
	int flags = fcntl(m->fd, F_GETFL);
	int rc;

	if (!is_given(m->fd))
		return message_usage(host->messages,
				     "--ack-fd %d: %s; as in: kconsume ... "
				     "--ack-fd %d %d<fifo",
				     m->fd, strerror(EBADF), m->fd, m->fd);
	if ((flags & O_ACCMODE) == O_WRONLY)
		return message_usage(host->messages,
				     "--ack-fd %d: it is open for writing only",
				     m->fd);
	/* A command that we start must not keep it open. */
	fcntl(m->fd, F_SETFD, FD_CLOEXEC);
	rc = loop_watch_new(host->loop, m->fd, on_readable, m, &m->watch);
	if (rc == 0)
		rc = loop_watch_set(m->watch, LOOP_READ);
	if (rc == -EPERM)
		return message_usage(host->messages,
				     "--ack-fd %d: a file cannot be waited "
				     "for; it takes a pipe, fifo or socket",
				     m->fd);
	return rc < 0 ? message_fail(host->messages, EXIT_REFUSED,
				     "out of memory")
		      : EXIT_GO_ON;
}

static int open_mode(const struct commit_host *host, void **state_out)
{
	struct ack_mode *m = calloc(1, sizeof(*m));
	int status;

	*state_out = m;
	if (m == NULL || loop_timer_new(host->loop, on_timer, m, &m->timer) < 0)
		return message_fail(host->messages, EXIT_REFUSED,
				    "out of memory");
	m->fd = (int)host->options->ack_fd;
	drain_init(&m->drain, STDOUT_FILENO);
	host->printer->group = host->config->group_id;
	host->printer->member = host->member;
	status = commits_init(&m->commits, host,
			      host->options->ack == ACK_EXACT);
	return status == EXIT_GO_ON ? watch_input(m, host) : status;
}

static void close_mode(void *state)
{
	struct ack_mode *m = state;

	if (m == NULL)
		return;
	if (m->commits.host != NULL)
		m->commits.host->printer->member = NULL;
	loop_watch_free(m->watch);
	loop_timer_free(m->timer);
	commits_clear(&m->commits);
	free(m);
}

const struct commit_mode commit_mode_ack = {
	.name = "ack",
	.stalled = "nothing was acknowledged",
	.open = open_mode,
	.close = close_mode,
	.printed = on_printed,
	.written = on_written,
	.wants_more = wants_more,
	.settle = settle,
	.lost = on_lost,
	.assigned = on_assigned,
};
