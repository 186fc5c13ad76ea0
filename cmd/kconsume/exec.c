/*
 * exec.c - a shell command that gets bytes on its stdin, once for each batch
 *
 * Its end is what SIGCHLD says.  What is left to be written by then is left:
 * somebody else may hold the read end, but the command has judged.
 */
#include "kconsume/exec.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct exec {
	struct loop *loop;
	const char *command;
	void (*on_exit)(void *arg, int wait_status);
	void *arg;
	struct loop_signal *signal;
	struct loop_watch *watch; /* of fd; NULL with it */
	int fd;                   /* our end of its stdin, or -1 */
	pid_t pid;                /* 0: none runs */
	struct slice input;       /* that it has not taken yet */
};

static void close_input(struct exec *e)
{
	loop_watch_free(e->watch);
	e->watch = NULL;
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static void on_writable(void *arg, unsigned events)
{
	struct exec *e = arg;
	ssize_t n = 0;

	(void)events;
	if (e->input.len > 0)
		n = write(e->fd, e->input.data, e->input.len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= 0) {
		e->input.data += n;
		e->input.len -= (size_t)n;
	}
	/* EPIPE: it wants no more. */
	if (n < 0 || e->input.len == 0)
		close_input(e);
}

static void on_child(void *arg)
{
	struct exec *e = arg;
	int status;

	if (e->pid == 0 || waitpid(e->pid, &status, WNOHANG) != e->pid)
		return;
	e->pid = 0;
	close_input(e);
	e->on_exit(e->arg, status);
}

int exec_new(struct loop *loop, const char *command,
	     void (*on_exit)(void *arg, int wait_status), void *arg,
	     struct exec **exec_out)
{
	struct exec *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return -ENOMEM;
	*e = (struct exec){ .loop = loop,
			    .command = command,
			    .on_exit = on_exit,
			    .arg = arg,
			    .fd = -1 };
	if (loop_signal_new(loop, SIGCHLD, on_child, e, &e->signal) < 0) {
		free(e);
		return -ENOMEM;
	}
	*exec_out = e;
	return 0;
}

void exec_free(struct exec *e)
{
	if (e == NULL)
		return;
	if (e->pid != 0)
		kill(e->pid, SIGTERM);
	close_input(e);
	loop_signal_free(e->signal);
	free(e);
}

/* What we ignore or block is no concern of the command's. */
static int set_signals(posix_spawnattr_t *attributes)
{
	sigset_t set;

	sigemptyset(&set);
	posix_spawnattr_setsigmask(attributes, &set);
	sigaddset(&set, SIGPIPE);
	posix_spawnattr_setsigdefault(attributes, &set);
	return posix_spawnattr_setflags(
		attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int spawn(struct exec *e, int stdin_fd)
{
	const char *argv[] = { "sh", "-c", e->command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return -error;
	error = posix_spawnattr_init(&attributes);
	if (error == 0) {
		error = set_signals(&attributes);
		if (error == 0)
			error = posix_spawn_file_actions_adddup2(
				&actions, stdin_fd, STDIN_FILENO);
		if (error == 0)
			error = posix_spawn(&e->pid, "/bin/sh", &actions,
					    &attributes, (char **)argv,
					    environ);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0)
		e->pid = 0;
	return -error;
}

int exec_start(struct exec *e, struct slice input)
{
	int fds[2];
	int rc;

	assert(e->pid == 0);
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	e->input = input;
	e->fd = fds[1];
	if (fcntl(e->fd, F_SETFL, O_NONBLOCK) < 0)
		rc = -errno;
	else
		rc = loop_watch_new(e->loop, e->fd, on_writable, e, &e->watch);
	if (rc == 0)
		rc = loop_watch_set(e->watch, LOOP_WRITE);
	if (rc == 0)
		rc = spawn(e, fds[0]);
	close(fds[0]);
	if (rc < 0)
		close_input(e);
	return rc;
}

bool exec_is_running(const struct exec *e)
{
	return e->pid != 0;
}

void exec_status_text(int wait_status, char text[EXEC_STATUS_MAX])
{
	if (WIFSIGNALED(wait_status))
		snprintf(text, EXEC_STATUS_MAX, "killed by signal %d (%s)",
			 WTERMSIG(wait_status),
			 strsignal(WTERMSIG(wait_status)));
	else
		snprintf(text, EXEC_STATUS_MAX, "exit status %d",
			 WEXITSTATUS(wait_status));
}
