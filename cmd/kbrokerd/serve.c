/*
 * serve.c - kbrokerd's process while it serves
 *
 * The first thread takes all signals and waits for them.  SIGTERM or SIGINT
 * stops the broker in order, a second one ends the process at once; SIGHUP
 * reads settings again, SIGUSR1 tells how things stand.  As process 1 it also
 * reaps whatever is left to it.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kbrokerd/http/http.h"
#include "kbrokerd/listener_address.h"
#include "kbrokerd/program.h"
#include "kbrokerd/run.h"
#include "kbrokerd/temporary.h"
#include "log/vfs.h"

static void say(const struct program *p, enum logger_level level,
		const char *text)
{
	logger_tell(&p->logger, level, "broker", text, NULL);
}

/* Telling that it is ready */

static int write_port(struct program *p, const char *file, int32_t port)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", port);
	int rc;

	if (file == NULL)
		return EXIT_GO_ON;
	rc = file_replace(vfs_system(), file, text, (size_t)len);
	if (rc < 0)
		return message_fail(&p->messages, EXIT_REFUSED, "%s: %s", file,
				    strerror(-rc));
	return EXIT_GO_ON;
}

static void listeners_text(const struct program *p, char *text, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < p->config->listener_count && len < size; i++) {
		const struct listener_config *l = &p->config->listeners[i];
		bool is_v6 = strchr(l->host, ':') != NULL;
		const char *space = i == 0 ? "" : " ";

		if (l->port < 0)
			len += (size_t)snprintf(text + len, size - len,
						"%sunix:%s", space, l->host);
		else
			len += (size_t)snprintf(
				text + len, size - len, "%s%s://%s%s%s:%d",
				space, l->name, is_v6 ? "[" : "", l->host,
				is_v6 ? "]" : "",
				broker_listener_port(p->broker, i));
	}
}

static void write_ready_fd(struct program *p, const char *line, size_t len)
{
	ssize_t n = write((int)p->ready_fd, line, len);

	(void)n; /* who asked for it has gone */
	close((int)p->ready_fd);
}

static void notify_status(struct program *p, const char *first)
{
	char listeners[512] = "";
	char state[256] = "";

	if (p->notify.fd < 0)
		return;
	listeners_text(p, listeners, sizeof(listeners));
	broker_summary(p->broker, state, sizeof(state));
	notify_send(&p->notify, "%sSTATUS=Serving %s: %s", first, listeners,
		    state);
}

static int tell_ready(struct program *p)
{
	char listeners[2048] = "";
	char line[8192];
	int len;
	int rc;

	listeners_text(p, listeners, sizeof(listeners));
	len = snprintf(line, sizeof(line),
		       "kbrokerd: ready %s cluster=%s data=%s flush.mode=%s\n",
		       listeners, p->broker->identity.cluster_id,
		       p->config->data_dir,
		       p->config->flush_commit ? "commit" : "os");
	if (len >= (int)sizeof(line))
		len = (int)sizeof(line) - 1;
	if (p->config->temporary)
		logger_tell(&p->logger, LOGGER_INFO, "broker",
			    "--tmp: nothing is synced, all is removed at the "
			    "end",
			    "data", p->config->data_dir, NULL);
	rc = write_port(p, p->port_file, broker_port(p->broker));
	if (rc == EXIT_GO_ON)
		rc = write_port(p, p->http_port_file,
				http_port(p->broker->http));
	if (rc != EXIT_GO_ON)
		return rc;
	if (!p->run) {
		fwrite(line, 1, (size_t)len, stdout);
		fflush(stdout);
	}
	if (p->ready_fd >= 0)
		write_ready_fd(p, line, (size_t)len);
	notify_status(p, "READY=1\n");
	return EXIT_GO_ON;
}

/* Signals */

static void block_signals(struct program *p)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&p->signals);
	sigaddset(&p->signals, SIGTERM);
	sigaddset(&p->signals, SIGINT);
	sigaddset(&p->signals, SIGHUP);
	sigaddset(&p->signals, SIGUSR1);
	if (getpid() == 1 && !p->run)
		sigaddset(&p->signals, SIGCHLD);
	pthread_sigmask(SIG_BLOCK, &p->signals, NULL);
}

static bool ends(int number)
{
	return number == SIGTERM || number == SIGINT;
}

/* The next signal, or 0 when it is time to feed the watchdog. */
static int next_signal(const struct program *p)
{
	int64_t us = p->notify.watchdog_us / 2;
	struct timespec timeout = { .tv_sec = us / 1000000,
				    .tv_nsec = us % 1000000 * 1000 };
	int number;

	do {
		if (us > 0)
			number = sigtimedwait(&p->signals, NULL, &timeout);
		else
			number = sigwaitinfo(&p->signals, NULL);
	} while (number < 0 && errno == EINTR);
	return number < 0 ? 0 : number;
}

/* A broker whose threads do not turn is let die. */
static void feed_watchdog(struct program *p)
{
	int64_t patience_ms = p->notify.watchdog_us / 4000;

	if (broker_is_alive(p->broker, patience_ms))
		notify_status(p, "WATCHDOG=1\n");
	else
		say(p, LOGGER_ERROR,
		    "a thread does not turn; the watchdog is not fed");
}

static int64_t monotonic_us(void)
{
	struct clock *clock = clock_system();

	return clock->monotonic_us(clock);
}

static void reload(struct program *p)
{
	struct config *config = NULL;
	char error[1024];
	int rc;

	notify_send(&p->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		    monotonic_us());
	rc = program_open_log(p);
	if (rc < 0)
		logger_tell(&p->logger, LOGGER_ERROR, "broker",
			    "the log cannot be opened again", "file",
			    p->log_file, "error", strerror(-rc), NULL);
	rc = trace_reopen(p->traced);
	if (rc < 0)
		logger_tell(&p->logger, LOGGER_ERROR, "broker",
			    "the trace cannot be opened again", "file",
			    p->trace_params.file, "error", strerror(-rc), NULL);
	say(p, LOGGER_INFO, "reading the settings again");
	if (program_load_config(p, &config, error, sizeof(error)) < 0)
		logger_tell(&p->logger, LOGGER_ERROR, "config",
			    "the settings stay as they were", "error", error,
			    NULL);
	else
		broker_reload(p->broker, config);
	config_free(config);
	notify_status(p, "READY=1\n");
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

/* Until one that ends it, which is returned. */
static int serve_signals(struct program *p)
{
	for (;;) {
		int number = next_signal(p);

		if (ends(number))
			return number;
		if (number == 0)
			feed_watchdog(p);
		else if (number == SIGHUP)
			reload(p);
		else if (number == SIGUSR1)
			broker_tell_state(p->broker);
		else
			reap();
	}
}

/* While the broker stops: the next signal ends the process. */
static void *on_second_signal(void *arg)
{
	const struct program *p = arg;
	int number = 0;

	while (!ends(number)) {
		if (sigwait(&p->signals, &number) != 0)
			number = SIGTERM;
	}
	if (p->temporary_dir[0] != '\0')
		temporary_remove(p->temporary_dir);
	/* At once: no sanitizer must look at threads that are under way. */
	syscall(SYS_exit_group, 128 + number);
	return NULL;
}

/* The run */

static int stop(struct program *p)
{
	pthread_t watcher;
	int rc;

	notify_send(&p->notify, "STOPPING=1\nSTATUS=Stopping");
	if (pthread_create(&watcher, NULL, on_second_signal, p) == 0)
		pthread_detach(watcher);
	rc = broker_stop(p->broker);
	if (rc < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "not everything could be written: %s",
				    strerror(-rc));
	say(p, LOGGER_INFO, "stopped");
	return EXIT_OK;
}

/* What the command connects to: by TCP, if that can be. */
static void bootstrap_text(const struct program *p, char *text, size_t size)
{
	const struct config *config = p->config;
	const struct listener_config *l = config->listeners;
	size_t i = 0;

	while (i + 1 < config->listener_count &&
	       (l[i].port < 0 || l[i].controller))
		i++;
	listener_local_address(&l[i], broker_listener_port(p->broker, i), text,
			       size);
}

/* Until the command has ended, or a signal comes. */
static void wait_for_end(struct program *p)
{
	char bootstrap[512];
	int number;

	if (p->command != NULL) {
		bootstrap_text(p, bootstrap, sizeof(bootstrap));
		p->command_status = run_command(p->command, bootstrap);
		return;
	}
	number = serve_signals(p);
	logger_tell(&p->logger, LOGGER_INFO, "broker", "stopping", "signal",
		    strsignal(number), NULL);
}

/* --trace: who looks on. */
static int open_trace(struct program *p)
{
	char error[1024];

	if (p->trace &&
	    trace_open(&p->trace_params, &p->traced, error, sizeof(error)) < 0)
		return message_fail(&p->messages, EXIT_USAGE, "--trace: %s",
				    error);
	return EXIT_GO_ON;
}

int program_serve(struct program *p)
{
	struct broker_seams seams = { .observer = NULL };
	char error[1024];
	int status;
	int stopped;

	block_signals(p);
	status = open_trace(p);
	if (status != EXIT_GO_ON)
		return status;
	if (p->traced != NULL)
		seams.observer = trace_observer(p->traced);
	if (broker_start_with(p->config, &p->logger, &seams, &p->broker, error,
			      sizeof(error)) < 0) {
		trace_close(p->traced);
		return message_fail(&p->messages, EXIT_REFUSED, "%s", error);
	}
	status = tell_ready(p);
	if (status == EXIT_GO_ON)
		wait_for_end(p);
	stopped = stop(p);
	trace_close(p->traced);
	return status == EXIT_GO_ON ? stopped : status;
}
