/*
 * commit_exec.c - commit what a command has ended well on: --exec
 *
 * Records are collected until the batch is full or old enough, or its
 * partitions are given up; then the command gets them.  Where it ends with 0
 * they are committed, and only when that is answered comes the next batch: so
 * a crash at any time repeats one batch at most.  Where it fails it is tried
 * again (--retries), each time after a longer pause; then the batch goes to
 * --dlq and counts as done, or the run ends.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "cli/signals.h"
#include "kconsume/batch.h"
#include "kconsume/commit_modes.h"
#include "kconsume/commits.h"
#include "kconsume/dlq.h"
#include "kconsume/exec.h"
#include "kconsume/printer.h"

enum {
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 10000,
	LOOK_EVERY_MS = 50, /* for a signal, while settling */
};

enum exec_state {
	EXEC_FILLING,    /* takes records */
	EXEC_RUNNING,    /* the command has them */
	EXEC_PAUSING,    /* before it is tried again */
	EXEC_BURYING,    /* they are on their way to --dlq */
	EXEC_COMMITTING, /* they are done, and the group is being told */
	EXEC_OVER,       /* nothing more is run */
};

struct exec_mode {
	struct commits commits;
	enum exec_state state;
	struct batch batch;
	struct exec *exec;
	struct dlq *dlq;
	struct loop_timer *timer; /* the age of the batch; the pause */
	struct loop_timer *settle_timer;
	int64_t number; /* of the last record taken */
	int64_t failures;
	int64_t give_up_ms; /* settling after a signal; INT64_MAX: never */
	char reason[EXEC_STATUS_MAX];
};

static const struct consume_options *options_of(const struct exec_mode *m)
{
	return m->commits.host->options;
}

static int64_t now_ms(const struct exec_mode *m)
{
	return loop_now_ms(m->commits.host->loop);
}

/* It is over for all that is not done. */
static void end_run(struct exec_mode *m)
{
	m->state = EXEC_OVER;
	loop_timer_stop(m->timer);
	commits_finish(&m->commits);
}

__attribute__((format(printf, 2, 3))) static void fail(struct exec_mode *m,
						       const char *format, ...)
{
	struct buffer text = { 0 };
	char what[512];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	batch_describe(&m->batch, &text);
	commits_fail(&m->commits, EXIT_REFUSED, "%s; not committed: %s", what,
		     buffer_text(&text));
	buffer_clear(&text);
	end_run(m);
}

/* The batch is done with. */

static void start_next(struct exec_mode *m)
{
	batch_reset(&m->batch);
	m->failures = 0;
	m->state = EXEC_FILLING;
	m->commits.host->wake(m->commits.host->arg);
	commits_finish(&m->commits);
}

static void on_committed(void *arg)
{
	struct exec_mode *m = arg;

	if (m->state == EXEC_COMMITTING && m->commits.under_way == 0)
		start_next(m);
}

static void commit_batch(struct exec_mode *m)
{
	delivered_reach(m->commits.delivered, m->number);
	m->state = EXEC_COMMITTING;
	/* Its partitions may all be someone else's by now. */
	if (!commits_now(&m->commits) && m->commits.under_way == 0)
		start_next(m);
}

static void on_buried(void *arg, const struct client_error *error)
{
	struct exec_mode *m = arg;

	if (m->state != EXEC_BURYING)
		return;
	if (error != NULL)
		fail(m, "'%s' ended with %s, and --dlq %s: %s",
		     options_of(m)->exec, m->reason, options_of(m)->dlq,
		     error->text);
	else
		commit_batch(m);
}

static void bury(struct exec_mode *m)
{
	struct buffer text = { 0 };

	batch_describe(&m->batch, &text);
	message_warning(m->commits.host->messages,
			"'%s' ended with %s; to --dlq %s: %s",
			options_of(m)->exec, m->reason, options_of(m)->dlq,
			buffer_text(&text));
	buffer_clear(&text);
	m->state = EXEC_BURYING;
	dlq_put(m->dlq, &m->batch, m->reason);
}

/* The command */

static void run_batch(struct exec_mode *m)
{
	int rc;

	loop_timer_stop(m->timer);
	m->state = EXEC_RUNNING;
	rc = exec_start(m->exec, buffer_slice(&m->batch.bytes));
	if (rc < 0)
		fail(m, "cannot run '%s': %s", options_of(m)->exec,
		     strerror(-rc));
}

static void pause_before_retry(struct exec_mode *m)
{
	int64_t pause_ms = RETRY_MIN_MS;

	for (int64_t i = 1; i < m->failures && pause_ms < RETRY_MAX_MS; i++)
		pause_ms *= 2;
	if (pause_ms > RETRY_MAX_MS)
		pause_ms = RETRY_MAX_MS;
	message_warning(m->commits.host->messages,
			"'%s' ended with %s; once more in %lld ms (%lld of "
			"--retries %lld)",
			options_of(m)->exec, m->reason, (long long)pause_ms,
			(long long)m->failures,
			(long long)options_of(m)->retries);
	m->state = EXEC_PAUSING;
	loop_timer_set(m->timer, pause_ms);
}

static void on_exit_of_command(void *arg, int wait_status)
{
	struct exec_mode *m = arg;

	if (m->state != EXEC_RUNNING) /* we did not wait */
		return;
	if (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0) {
		commit_batch(m);
		return;
	}
	exec_status_text(wait_status, m->reason);
	m->failures++;
	if (signals_ending() != 0) /* ^C goes to both of us */
		end_run(m);
	else if (m->failures <= options_of(m)->retries)
		pause_before_retry(m);
	else if (m->dlq != NULL)
		bury(m);
	else
		fail(m, "'%s' ended with %s", options_of(m)->exec, m->reason);
}

static void on_timer(void *arg)
{
	struct exec_mode *m = arg;

	if ((m->state == EXEC_FILLING && m->batch.count > 0) ||
	    m->state == EXEC_PAUSING)
		run_batch(m);
}

/* Records */

static int take(void *state, const struct consumer_record *record)
{
	struct exec_mode *m = state;
	const struct consume_options *o = options_of(m);
	int rc;

	printer_format(m->commits.host->printer, record, &m->batch.bytes);
	rc = batch_add(&m->batch, record);
	if (rc == 0)
		rc = commits_note(&m->commits, record, ++m->number);
	if (rc < 0) {
		if (rc == -ENOMEM)
			commits_fail(&m->commits, EXIT_REFUSED,
				     "out of memory");
		m->state = EXEC_OVER;
		return rc;
	}
	if (batch_is_full(&m->batch) ||
	    (o->batch_count > 0 && (int64_t)m->batch.count >= o->batch_count))
		run_batch(m);
	else if (m->batch.count == 1 && o->batch_ms > 0)
		loop_timer_set(m->timer, o->batch_ms);
	return 0;
}

static bool wants_more(void *state)
{
	const struct exec_mode *m = state;

	return m->state == EXEC_FILLING && !m->commits.is_settling;
}

/* Giving up */

static void on_settle_timer(void *arg)
{
	struct exec_mode *m = arg;

	if (!m->commits.is_settling)
		return;
	if (m->give_up_ms == INT64_MAX && signals_ending() != 0)
		m->give_up_ms =
			now_ms(m) + options_of(m)->common.step_timeout_ms;
	if (now_ms(m) >= m->give_up_ms ||
	    (m->state == EXEC_PAUSING && signals_ending() != 0)) {
		end_run(m);
		return;
	}
	loop_timer_set(m->settle_timer, LOOK_EVERY_MS);
}

static void settle(void *state, const struct group_partition *partitions,
		   size_t count, bool is_end, bool reader_gone)
{
	struct exec_mode *m = state;

	commits_settle(&m->commits, partitions, count, is_end);
	m->give_up_ms = INT64_MAX;
	loop_timer_set(m->settle_timer, 0);
	if (m->state == EXEC_FILLING && m->batch.count > 0 &&
	    signals_ending() == 0 && !reader_gone)
		run_batch(m);
	else if (m->state == EXEC_FILLING && m->batch.count > 0)
		end_run(m);
	else if (m->state == EXEC_FILLING || m->state == EXEC_OVER)
		commits_finish(&m->commits);
}

static void on_lost(void *state, const struct group_partition *partitions,
		    size_t count)
{
	struct exec_mode *m = state;

	commits_lost(&m->commits, partitions, count);
}

static void on_assigned(void *state, const struct group_position *position)
{
	struct exec_mode *m = state;

	commits_assigned(&m->commits, position);
}

/* Beginning and end */

static void close_mode(void *state)
{
	struct exec_mode *m = state;

	if (m == NULL)
		return;
	exec_free(m->exec);
	dlq_close(m->dlq);
	loop_timer_free(m->timer);
	loop_timer_free(m->settle_timer);
	batch_clear(&m->batch);
	commits_clear(&m->commits);
	free(m);
}

static int open_mode(const struct commit_host *host, void **state_out)
{
	const struct consume_options *o = host->options;
	struct exec_mode *m = calloc(1, sizeof(*m));
	int status;

	*state_out = m;
	if (m == NULL ||
	    loop_timer_new(host->loop, on_timer, m, &m->timer) < 0 ||
	    loop_timer_new(host->loop, on_settle_timer, m, &m->settle_timer) <
		    0 ||
	    exec_new(host->loop, o->exec, on_exit_of_command, m, &m->exec) < 0)
		return message_fail(host->messages, EXIT_REFUSED,
				    "out of memory");
	status = commits_init(&m->commits, host, false);
	m->commits.on_committed = on_committed;
	m->commits.arg = m;
	if (status != EXIT_GO_ON || o->dlq == NULL)
		return status;
	m->batch.keeps_records = dlq_is_topic(o->dlq);
	return dlq_open(o->dlq, host->client, host->config->group_id,
			o->common.step_timeout_ms, host->messages, on_buried, m,
			&m->dlq);
}

const struct commit_mode commit_mode_exec = {
	.name = "exec",
	.stalled = "the command of --exec has not ended",
	.open = open_mode,
	.close = close_mode,
	.take = take,
	.wants_more = wants_more,
	.settle = settle,
	.lost = on_lost,
	.assigned = on_assigned,
};
