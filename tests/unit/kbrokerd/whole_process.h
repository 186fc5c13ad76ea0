/*
 * whole_process.h - a whole broker in a process of its own, to be killed
 *
 * Made by fork: call it from a process that has no threads.  The port stays
 * the same however often it is killed: it is ours, bound but not listening,
 * so that nobody else can take it meanwhile.
 */
#ifndef TESTS_UNIT_KBROKERD_WHOLE_PROCESS_H
#define TESTS_UNIT_KBROKERD_WHOLE_PROCESS_H

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "kbrokerd/whole_kit.h"

struct whole_process {
	char dir[64];
	pid_t pid; /* 0: it does not run */
	int port;
	int port_fd;
};

/* A directory and a port for it. */
static inline void whole_process_init(struct whole_process *p)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int one = 1;

	*p = (struct whole_process){ 0 };
	assert_int_equal(temporary_make(p->dir, sizeof(p->dir)), 0);
	p->port_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(p->port_fd >= 0);
	setsockopt(p->port_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	assert_int_equal(bind(p->port_fd, (struct sockaddr *)&address, len), 0);
	assert_int_equal(
		getsockname(p->port_fd, (struct sockaddr *)&address, &len), 0);
	p->port = ntohs(address.sin_port);
}

_Noreturn static inline void whole_process_run(const struct whole_process *p,
					       const char *const *sets,
					       size_t count, int ready_fd)
{
	struct config *config;
	struct broker *broker;
	const char *all[32];
	char listeners[64];
	char error[256] = "the configuration";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(listeners, sizeof(listeners),
		 "listeners=PLAINTEXT://127.0.0.1:%d", p->port);
	for (size_t i = 0; i < count; i++)
		all[i] = sets[i];
	all[count] = listeners;
	if (config_for_test(p->dir, all, count + 1, &config) < 0 ||
	    broker_start(config, NULL, &broker, error, sizeof(error)) < 0) {
		fprintf(stderr, "broker: %s\n", error);
		_exit(1);
	}
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Returns when it answers. */
static inline void whole_process_start(struct whole_process *p,
				       const char *const *sets, size_t count)
{
	int fds[2];
	char c;

	assert_int_equal(pipe(fds), 0);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0)
		whole_process_run(p, sets, count, fds[1]);
	close(fds[1]);
	assert_int_equal(read(fds[0], &c, 1), 1);
	close(fds[0]);
}

static inline void whole_process_kill(struct whole_process *p)
{
	assert_int_equal(kill(p->pid, SIGKILL), 0);
	assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
	p->pid = 0;
}

static inline void whole_process_clear(struct whole_process *p)
{
	if (p->pid != 0)
		whole_process_kill(p);
	close(p->port_fd);
	temporary_remove(p->dir);
}

#endif /* TESTS_UNIT_KBROKERD_WHOLE_PROCESS_H */
