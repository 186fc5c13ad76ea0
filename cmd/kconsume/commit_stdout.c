/*
 * commit_stdout.c - commit what has gone to stdout: --commit write and drain
 *
 * A record's position is the byte that it ends at.  write: it is done when
 * write(2) has taken that byte.  drain: when the reader of the pipe has read
 * it, which is looked at 1 ms later, then after twice as long each time up to
 * 50 ms; or when the file has it on disk.
 *
 * Looking at a file is a sync of it, so that it comes once a second and not
 * for each record; positions are counted in GRAIN_BYTES there, for what lies
 * between two looks is much.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/signals.h"
#include "kconsume/commit_modes.h"
#include "kconsume/commits.h"
#include "kconsume/drain.h"
#include "kconsume/printer.h"

enum { SYNC_EVERY_MS = 1000, GRAIN_BYTES = 64 << 10 };

struct stdout_mode {
	struct commits commits;
	struct drain drain;
	struct loop_timer *timer; /* to the next look */
	int64_t grain;            /* 1, or GRAIN_BYTES */
	int64_t printed, written; /* bytes, in all */
	int64_t looked_ms;        /* when a file was looked at last */
	bool will_look;           /* the timer runs */
	bool reader_gone;
	int64_t give_up_ms; /* settling: when; INT64_MAX: when told */
};

static void on_look(void *arg);

static int open_mode(const struct commit_host *host, enum drain_kind most,
		     struct stdout_mode **mode_out)
{
	struct stdout_mode *m = calloc(1, sizeof(*m));
	int status;

	*mode_out = m;
	if (m == NULL || loop_timer_new(host->loop, on_look, m, &m->timer) < 0)
		return message_fail(host->messages, EXIT_REFUSED,
				    "out of memory");
	status = commits_init(&m->commits, host, false);
	if (status != EXIT_GO_ON)
		return status;
	drain_init(&m->drain, STDOUT_FILENO);
	if (most == DRAIN_BLIND)
		m->drain.kind = DRAIN_BLIND;
	m->grain = m->drain.kind == DRAIN_FILE ? GRAIN_BYTES : 1;
	m->looked_ms = -SYNC_EVERY_MS;
	return EXIT_GO_ON;
}

static int open_write(const struct commit_host *host, void **state_out)
{
	struct stdout_mode *m;
	int status = open_mode(host, DRAIN_BLIND, &m);

	*state_out = m;
	return status;
}

/* What is thrown away needs no warning. */
static bool is_dev_null(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 3);
}

static int open_drain(const struct commit_host *host, void **state_out)
{
	struct stdout_mode *m;
	int status = open_mode(host, DRAIN_PIPE, &m);

	*state_out = m;
	if (status == EXIT_GO_ON && m->drain.kind == DRAIN_BLIND)
		message(host->messages,
			is_dev_null(STDOUT_FILENO) ? MESSAGE_INFO
						   : MESSAGE_WARNING,
			"stdout is %s: records are committed when they are "
			"written, as by --commit write",
			drain_blind_name(&m->drain));
	return status;
}

static void close_mode(void *state)
{
	struct stdout_mode *m = state;

	if (m == NULL)
		return;
	loop_timer_free(m->timer);
	commits_clear(&m->commits);
	free(m);
}

static void on_printed(void *state, const struct consumer_record *record,
		       int64_t end)
{
	struct stdout_mode *m = state;
	int64_t position = (end + m->grain - 1) / m->grain * m->grain;
	int64_t reached = delivered_reached(m->commits.delivered);

	/* A grain that was not full when it was done goes on as another. */
	if (m->grain > 1 && position <= reached)
		position = reached + 1;
	m->printed = end;
	commits_note(&m->commits, record, position);
}

/* Note what has left stdout.  Has anything? */
static bool look(struct stdout_mode *m)
{
	struct delivered *d = m->commits.delivered;
	int64_t before = delivered_reached(d);
	int64_t taken = drain_taken(&m->drain, m->written);

	m->looked_ms = loop_now_ms(m->commits.host->loop);
	if (taken < 0) {
		commits_fail(&m->commits, EXIT_REFUSED,
			     "cannot sync stdout: %s", strerror(-(int)taken));
		m->give_up_ms = m->looked_ms;
		return false;
	}
	/* The last grain is not full, but there is nothing more in it. */
	if (taken == m->printed && taken < delivered_position(d))
		taken = delivered_position(d);
	delivered_reach(d, taken);
	return delivered_reached(d) > before;
}

static bool should_give_up(struct stdout_mode *m)
{
	const struct commit_host *host = m->commits.host;
	int64_t now_ms = loop_now_ms(host->loop);

	if (m->give_up_ms == INT64_MAX && signals_ending() != 0)
		m->give_up_ms = now_ms + host->options->common.step_timeout_ms;
	return m->reader_gone || now_ms >= m->give_up_ms ||
	       output_reader_gone(&host->printer->output);
}

static void look_later(struct stdout_mode *m, bool moved)
{
	int64_t wait_ms;

	if (m->drain.kind == DRAIN_PIPE)
		wait_ms = drain_next_look(&m->drain, moved);
	else
		wait_ms = m->looked_ms + SYNC_EVERY_MS -
			  loop_now_ms(m->commits.host->loop);
	loop_timer_set(m->timer, wait_ms > 0 ? wait_ms : 0);
	m->will_look = true;
}

static void look_and_commit(struct stdout_mode *m)
{
	const struct delivered *d = m->commits.delivered;
	bool moved = look(m);

	if (moved)
		commits_soon(&m->commits);
	if (!m->will_look && delivered_reached(d) < delivered_position(d))
		look_later(m, moved);
	if (m->commits.is_settling &&
	    (commits_are_settled(&m->commits) || should_give_up(m))) {
		look(m); /* what was read before the reader went */
		commits_finish(&m->commits);
	}
}

static void on_look(void *arg)
{
	struct stdout_mode *m = arg;

	m->will_look = false;
	look_and_commit(m);
}

static void on_written(void *state, int64_t bytes)
{
	struct stdout_mode *m = state;

	m->written = bytes;
	if (m->drain.kind == DRAIN_BLIND)
		look_and_commit(m);
	else if (!m->will_look)
		look_later(m, true);
}

static void settle(void *state, const struct group_partition *partitions,
		   size_t count, bool is_end, bool reader_gone)
{
	struct stdout_mode *m = state;
	const struct commit_host *host = m->commits.host;

	commits_settle(&m->commits, partitions, count, is_end);
	m->reader_gone = reader_gone;
	m->give_up_ms = is_end ? INT64_MAX
			       : loop_now_ms(host->loop) +
					 host->options->common.step_timeout_ms;
	look_and_commit(m);
}

static void on_lost(void *state, const struct group_partition *partitions,
		    size_t count)
{
	struct stdout_mode *m = state;

	commits_lost(&m->commits, partitions, count);
}

static void on_assigned(void *state, const struct group_position *position)
{
	struct stdout_mode *m = state;

	commits_assigned(&m->commits, position);
}

#define STDOUT_FUNCTIONS                                                       \
	.close = close_mode, .printed = on_printed, .written = on_written,     \
	.settle = settle, .lost = on_lost, .assigned = on_assigned

const struct commit_mode commit_mode_write = {
	.name = "write",
	.open = open_write,
	STDOUT_FUNCTIONS,
};

const struct commit_mode commit_mode_drain = {
	.name = "drain",
	.open = open_drain,
	STDOUT_FUNCTIONS,
};
