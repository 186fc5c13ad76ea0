/*
 * run.c - kbrokerd --run: a private broker for the time of one command
 *
 * The command is the guard's child and in our process group.  What a terminal
 * sends, it sends to the group: the command has had that already.  Only what
 * was sent to this process alone is passed on.
 */
#include "kbrokerd/run.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/signals.h"
#include "kbrokerd/guard.h"
#include "kbrokerd/temporary.h"

static const int passed_on[] = { SIGHUP,  SIGINT,  SIGQUIT,
				 SIGTERM, SIGUSR1, SIGUSR2 };

struct run {
	struct guard_params params;
	pid_t guard;
	int fd;
	int signal_fd;
	char dir[GUARD_MESSAGE_MAX];
};

static int fork_guard(struct run *run)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	run->fd = pair[0];
	run->guard = fork();
	if (run->guard == 0) {
		close(pair[0]);
		guard_main(&run->params, pair[1]);
	}
	close(pair[1]);
	return run->guard < 0 ? -errno : 0;
}

static int take_dir(struct run *run, char *error, size_t error_size)
{
	char text[GUARD_MESSAGE_MAX] = "the guard was killed";

	if (guard_hear(run->fd, text) == 'D') {
		memcpy(run->dir, text, sizeof(text));
		return 0;
	}
	snprintf(error, error_size, "--run: %s", text);
	return -ECANCELED;
}

/* From here on they wait for run_command(). */
static int take_signals(struct run *run)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(passed_on) / sizeof(int); i++)
		sigaddset(&set, passed_on[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	run->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signal_fd < 0 ? -errno : 0;
}

int run_open(char *const *argv, bool make_dir, const char *keep_dir,
	     struct run **run_out, char *error, size_t error_size)
{
	struct run *run = calloc(1, sizeof(*run));
	int rc = -ENOMEM;

	if (run != NULL) {
		run->fd = run->signal_fd = -1;
		run->params.argv = argv;
		run->params.make_dir = make_dir;
		run->params.keep_dir = keep_dir;
		run->params.group = getpgrp();
		rc = fork_guard(run);
	}
	if (rc == 0)
		rc = take_signals(run);
	if (rc < 0)
		snprintf(error, error_size, "--run: %s", strerror(-rc));
	else
		rc = take_dir(run, error, error_size);
	if (rc < 0) {
		run_close(run);
		return rc;
	}
	/* For the day that the guard is killed. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	*run_out = run;
	return 0;
}

const char *run_dir(const struct run *run)
{
	return run->dir;
}

/* The signal that waits, or 0; from_terminal_out: the group has had it. */
static int next_signal(const struct run *run, bool *from_terminal_out)
{
	struct signalfd_siginfo info;

	if (read(run->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	*from_terminal_out = info.ssi_code == SI_KERNEL;
	return (int)info.ssi_signo;
}

static void pass_on(const struct run *run)
{
	char text[16];
	bool from_terminal;
	int number;

	while ((number = next_signal(run, &from_terminal)) != 0) {
		snprintf(text, sizeof(text), "%d", number);
		if (!from_terminal)
			guard_tell(run->fd, 'K', text);
	}
}

/* The guard is gone, and by then the kernel has killed the command. */
static int sweep_alone(void)
{
	int status = 0;

	guard_sweep(-1, &status);
	return SIGKILL;
}

int run_command(struct run *run, const char *bootstrap)
{
	struct pollfd fds[2] = { { .fd = run->fd, .events = POLLIN },
				 { .fd = run->signal_fd, .events = POLLIN } };
	char text[GUARD_MESSAGE_MAX];
	bool from_terminal;
	int early = next_signal(run, &from_terminal);

	if (early != 0)
		return early;
	guard_tell(run->fd, 'S', bootstrap);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return sweep_alone();
		if (fds[1].revents != 0)
			pass_on(run);
		if (fds[0].revents != 0)
			break;
	}
	if (guard_hear(run->fd, text) != 'X')
		return sweep_alone();
	return atoi(text);
}

void run_close(struct run *run)
{
	pid_t guard;

	if (run == NULL)
		return;
	guard = run->guard;
	if (run->fd >= 0)
		close(run->fd);
	if (run->signal_fd >= 0)
		close(run->signal_fd);
	while (guard > 0 && waitpid(guard, NULL, 0) < 0 && errno == EINTR)
		continue;
	/* Still there if the guard was killed. */
	if (run->dir[0] != '\0' && run->params.keep_dir == NULL)
		temporary_remove(run->dir);
	free(run);
}

_Noreturn void run_exit(int status)
{
	struct rlimit no_core = { 0, 0 };

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	/* The command has left one, if that was wanted. */
	setrlimit(RLIMIT_CORE, &no_core);
	signals_die(WTERMSIG(status));
}
