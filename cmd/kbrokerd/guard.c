/*
 * guard.c - the process that leaves nothing behind
 *
 * Its life: make the directory, wait for the order, start the command, pass
 * signals on until it ends, end what it left running, tell its status, wait
 * for kbrokerd to go, remove the directory.  When kbrokerd goes before its
 * time the steps between are left out, and never the last two.
 *
 * Should the guard itself be killed, the kernel kills the command
 * (PR_SET_PDEATHSIG) and kbrokerd sweeps.
 */
#include "kbrokerd/guard.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/messages.h"
#include "kbrokerd/temporary.h"

enum {
	GRACE_MS = 2000, /* between asking to end and killing */
	LOOK_MS = 20,    /* how often new orphans are looked for meanwhile */
	ASKED_MAX = 256, /* past these one may be asked twice */
	STATUS_NOT_RUN = 126,
	STATUS_NOT_FOUND = 127,
};

struct guard {
	const struct guard_params *params;
	int fd;
	int child_fd; /* readable when a child has ended */
	sigset_t original;
	char dir[4096]; /* "": none */
	pid_t command;  /* -1: not started, or ended */
	int status;     /* of wait(2) */
	bool has_started;
	bool has_ended; /* status is the command's */
};

/* Messages */

void guard_tell(int fd, char kind, const char *text)
{
	char message[GUARD_MESSAGE_MAX];
	int len = snprintf(message, sizeof(message), "%c%s", kind, text);

	if (len >= (int)sizeof(message))
		len = (int)sizeof(message) - 1;
	/* Nobody there: the reader sees that too. */
	while (send(fd, message, (size_t)len, MSG_NOSIGNAL) < 0 &&
	       errno == EINTR)
		continue;
}

char guard_hear(int fd, char *text)
{
	char message[GUARD_MESSAGE_MAX];
	ssize_t n;

	do
		n = recv(fd, message, sizeof(message) - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return '\0';
	message[n] = '\0';
	snprintf(text, GUARD_MESSAGE_MAX, "%s", message + 1);
	return message[0];
}

/* Ending what is left */

/* The parent of a process, or -1. */
static pid_t parent_of(const char *pid_text)
{
	char path[64];
	char line[512];
	const char *at;
	FILE *file;
	int parent = -1;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid_text);
	file = fopen(path, "re");
	if (file == NULL)
		return -1;
	/* "PID (NAME) STATE PARENT", and the name may hold anything. */
	if (fgets(line, sizeof(line), file) != NULL) {
		at = strrchr(line, ')');
		if (at == NULL || sscanf(at + 1, " %*c %d", &parent) != 1)
			parent = -1;
	}
	fclose(file);
	return parent;
}

/* Who was asked to end: for many a program to be asked twice means at once. */
struct asked {
	pid_t pids[ASKED_MAX];
	size_t count;
};

static bool ask(struct asked *asked, pid_t pid)
{
	for (size_t i = 0; i < asked->count; i++) {
		if (asked->pids[i] == pid)
			return false;
	}
	if (asked->count < ASKED_MAX)
		asked->pids[asked->count++] = pid;
	return true;
}

static void signal_children(int number, struct asked *asked)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)atoi(entry->d_name);

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    parent_of(entry->d_name) != getpid())
			continue;
		if (number == SIGTERM && !ask(asked, pid))
			continue;
		kill(pid, number);
		kill(pid, SIGCONT); /* a stopped one would not hear of it */
	}
	closedir(dir);
}

/* Take all that have ended.  Returns whether any child is left. */
static bool reap(pid_t pid, int *status_out)
{
	pid_t ended;
	int status;

	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended == pid)
			*status_out = status;
	}
	return ended == 0;
}

static int64_t now_us(void)
{
	struct clock *clock = clock_system();

	return clock->monotonic_us(clock);
}

void guard_sweep(pid_t pid, int *status_out)
{
	int64_t until_us = now_us() + GRACE_MS * 1000L;
	struct asked asked = { .count = 0 };
	struct timespec look = { .tv_nsec = LOOK_MS * 1000000L };
	sigset_t child;
	sigset_t before;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	while (reap(pid, status_out)) {
		signal_children(now_us() < until_us ? SIGTERM : SIGKILL,
				&asked);
		sigtimedwait(&child, NULL, &look);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* The command */

_Noreturn static void become_command(const struct guard *g, pid_t guard_pid,
				     const char *broker)
{
	char *const *argv = g->params->argv;
	struct messages messages;
	int error;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard_pid)
		_exit(128 + SIGKILL);
	/* With kbrokerd, as if that had started it: ^C and ^Z reach both. */
	setpgid(0, g->params->group);
	setenv("KAFKA_BOOTSTRAP_SERVERS", broker, 1);
	/* No typo harms a broker of one's own. */
	setenv("KPRODUCE_CREATE", "1", 0);
	/* What would tell a client of another cluster. */
	setenv("KAFKA_CONFIG", "none", 1);
	unsetenv("KAFKA_PROFILE");
	unsetenv("KCAT_CONFIG");
	sigprocmask(SIG_SETMASK, &g->original, NULL);
	execvp(argv[0], argv);
	error = errno;
	messages_init(&messages, "kbrokerd", STDERR_FILENO);
	message_error(&messages, "--run: %s: %s", argv[0], strerror(error));
	_exit(error == ENOENT ? STATUS_NOT_FOUND : STATUS_NOT_RUN);
}

static void start_command(struct guard *g, const char *broker)
{
	pid_t self = getpid();

	g->has_started = true;
	g->command = fork();
	if (g->command == 0)
		become_command(g, self, broker);
	if (g->command > 0)
		return;
	g->has_ended = true;
	g->status = STATUS_NOT_RUN << 8;
}

static void on_children(struct guard *g)
{
	struct signalfd_siginfo info;
	pid_t ended;
	int status;

	while (read(g->child_fd, &info, sizeof(info)) > 0)
		continue;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended != g->command)
			continue;
		g->status = status;
		g->has_ended = true;
		g->command = -1;
	}
}

/* Returns false when kbrokerd has gone. */
static bool on_message(struct guard *g)
{
	char text[GUARD_MESSAGE_MAX];
	char kind = guard_hear(g->fd, text);

	if (kind == 'S')
		start_command(g, text);
	else if (kind == 'K' && g->command > 0)
		kill(g->command, atoi(text));
	return kind != '\0';
}

/* Until the command has ended, or kbrokerd is gone. */
static void watch(struct guard *g)
{
	struct pollfd fds[2] = { { .fd = g->fd, .events = POLLIN },
				 { .fd = g->child_fd, .events = POLLIN } };

	while (!g->has_ended) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents != 0)
			on_children(g);
		if (fds[0].revents != 0 && !on_message(g))
			return;
	}
}

/* The directory */

static int make_kept_dir(struct guard *g)
{
	if (snprintf(g->dir, sizeof(g->dir), "%s", g->params->keep_dir) >=
	    (int)sizeof(g->dir))
		return -ENAMETOOLONG;
	return mkdir(g->dir, 0777) < 0 ? -errno : 0;
}

static void make_dir(struct guard *g)
{
	char text[GUARD_MESSAGE_MAX];
	int rc = 0;

	if (g->params->keep_dir != NULL)
		rc = make_kept_dir(g);
	else if (g->params->make_dir)
		rc = temporary_make(g->dir, sizeof(g->dir));
	if (rc == 0) {
		guard_tell(g->fd, 'D', g->dir);
		return;
	}
	snprintf(text, sizeof(text), "%s%s%s",
		 g->params->keep_dir == NULL ? "" : g->params->keep_dir,
		 g->params->keep_dir == NULL ? "" : ": ", strerror(-rc));
	g->dir[0] = '\0';
	guard_tell(g->fd, 'E', text);
}

static void remove_dir(const struct guard *g)
{
	bool keep = g->params->keep_dir != NULL && g->has_started &&
		    (!g->has_ended || g->status != 0);

	if (g->dir[0] != '\0' && !keep)
		temporary_remove(g->dir);
}

/* Its life */

static void prepare(struct guard *g)
{
	sigset_t all;
	sigset_t child;

	prctl(PR_SET_NAME, "kbrokerd-guard");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	setpgid(0, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &g->original);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	g->child_fd = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

_Noreturn void guard_main(const struct guard_params *params, int fd)
{
	struct guard g = { .params = params, .fd = fd, .command = -1 };
	char text[GUARD_MESSAGE_MAX];

	prepare(&g);
	make_dir(&g);
	watch(&g);
	guard_sweep(g.command, &g.status);
	if (g.has_ended) {
		snprintf(text, sizeof(text), "%d", g.status);
		guard_tell(fd, 'X', text);
	}
	while (guard_hear(fd, text) != '\0')
		continue;
	remove_dir(&g);
	_exit(0);
}
