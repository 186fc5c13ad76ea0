/*
 * signals.c - how signals and the clock end a tool
 *
 * Handlers only set a flag and write a byte to a pipe of our own, so that a
 * loop in poll(2) wakes.  The second ending signal finds SA_RESETHAND's default
 * action in place.
 */
#include "cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/units.h"
#include "cli/exit_code.h"

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP };

/* The rest of the text is for the reason, and a newline. */
enum { TIMEOUT_PREFIX_MAX = 160 };

enum { ENDING_COUNT = sizeof(ending_signals) / sizeof(ending_signals[0]) };

static atomic_int ending;
static atomic_bool progress_asked;
static int wake_pipe[2] = { -1, -1 };
static char timeout_text[640];
static size_t timeout_len;    /* of all of it */
static size_t timeout_prefix; /* of what comes before the reason */

static void wake(void)
{
	int saved = errno;
	ssize_t n = write(wake_pipe[1], "", 1);

	(void)n; /* full: it is awake already */
	errno = saved;
}

static void default_action(int number)
{
	struct sigaction action = { .sa_handler = SIG_DFL };

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void on_ending(int number)
{
	atomic_store(&ending, number);
	/* The next one, whichever it is, is not waited for. */
	for (size_t i = 0; i < ENDING_COUNT; i++)
		default_action(ending_signals[i]);
	wake();
}

static void on_progress(int number)
{
	(void)number;
	atomic_store(&progress_asked, true);
	wake();
}

static void on_timeout(int number)
{
	ssize_t n = write(STDERR_FILENO, timeout_text, timeout_len);

	(void)number;
	(void)n;
	_exit(EXIT_UNREACHABLE);
}

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = { .sa_handler = handler };
	struct sigaction old;

	sigaction(number, NULL, &old);
	if (old.sa_handler == SIG_IGN && number != SIGPIPE)
		return;
	sigemptyset(&action.sa_mask);
	action.sa_flags = SA_RESTART;
	sigaction(number, &action, NULL);
}

void signals_init(void)
{
	if (pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		wake_pipe[0] = wake_pipe[1] = -1;
	for (size_t i = 0; i < ENDING_COUNT; i++)
		handle(ending_signals[i], on_ending);
	handle(SIGUSR1, on_progress);
	handle(SIGPIPE, SIG_IGN);
}

int signals_ending(void)
{
	return atomic_load(&ending);
}

bool signals_take_progress(void)
{
	return atomic_exchange(&progress_asked, false);
}

int signals_fd(void)
{
	return wake_pipe[0];
}

void signals_drain(void)
{
	char bytes[64];

	while (read(wake_pipe[0], bytes, sizeof(bytes)) > 0)
		;
}

_Noreturn void signals_die(int signal_number)
{
	sigset_t set;

	default_action(signal_number);
	sigemptyset(&set);
	sigaddset(&set, signal_number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signal_number);
	/* Not reached: the default action of these signals is to die. */
	_exit(128 + signal_number);
}

static void end_timeout_text(void)
{
	timeout_len = strlen(timeout_text);
	timeout_text[timeout_len++] = '\n';
}

void signals_timeout(const char *tool, int64_t ms, int64_t said_ms)
{
	struct itimerval timer = { 0 };
	char said[UNITS_TEXT_MAX];

	format_duration(said_ms, said);
	snprintf(timeout_text, TIMEOUT_PREFIX_MAX,
		 "%s: error: not done after %s (--timeout)", tool, said);
	timeout_prefix = strlen(timeout_text);
	end_timeout_text();
	handle(SIGALRM, on_timeout);
	timer.it_value.tv_sec = ms / 1000;
	timer.it_value.tv_usec = ms % 1000 * 1000;
	setitimer(ITIMER_REAL, &timer, NULL);
}

void signals_timeout_because(const char *why, int64_t ms)
{
	struct itimerval left;
	char lasted[UNITS_TEXT_MAX];
	sigset_t alarm;
	sigset_t old;

	if (timeout_prefix == 0 || getitimer(ITIMER_REAL, &left) < 0)
		return;
	/* As long as it will have lasted when the time is over. */
	ms += left.it_value.tv_sec * 1000 + left.it_value.tv_usec / 1000;
	format_duration(ms, lasted);
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	sigprocmask(SIG_BLOCK, &alarm, &old);
	timeout_text[timeout_prefix] = '\0';
	if (why != NULL)
		snprintf(timeout_text + timeout_prefix,
			 sizeof(timeout_text) - timeout_prefix - 1,
			 "; %s, for %s", why, lasted);
	end_timeout_text();
	sigprocmask(SIG_SETMASK, &old, NULL);
}
