/*
 * main.c - kbrokerd: options, signals, and one broker
 *
 * stdout has the one line that says where the broker is ready, or what -t, -T
 * and --help print; everything else goes to stderr, a line per event.
 *
 * Signals are taken by a thread that waits for them: the first SIGTERM or
 * SIGINT stops the broker in order, a second one ends the process at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/options.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/temporary.h"
#include "log/vfs.h"

enum { FILES_MIN = 4096 };

struct program {
	const char *file;
	struct option_texts sets;
	const char *port_file;
	int64_t ready_fd;
	bool temporary, lenient, test, print, quiet;
	int verbose;
	int log_format; /* enum logger_format */

	struct messages messages;
	struct logger logger;
	struct config *config;
	struct broker *broker;
	char temporary_dir[256]; /* "": none */
	sigset_t signals;
};

static const struct option_row option_rows[] = {
	{ 'F', "config", "FILE", OPTION_TEXT, OPTION_AT(struct program, file),
	  "Settings", "read settings from a server.properties",
	  "/etc/kbrokerd.conf where there is one", 0, 0, NULL, "file", NULL },
	{ 'X', "set", "KEY=VALUE", OPTION_TEXTS,
	  OPTION_AT(struct program, sets), "Settings",
	  "set one property, over the file's and KAFKA_*; repeatable", NULL, 0,
	  0, NULL, "property", NULL },
	{ 0, "lenient", NULL, OPTION_FLAG, OPTION_AT(struct program, lenient),
	  "Settings", "warn about unknown properties instead of stopping", NULL,
	  0, 0, NULL, NULL, NULL },
	{ 't', "test", NULL, OPTION_FLAG, OPTION_AT(struct program, test),
	  "Settings", "check the settings and exit", NULL, 0, 0, NULL, NULL,
	  NULL },
	{ 'T', "print", NULL, OPTION_FLAG, OPTION_AT(struct program, print),
	  "Settings",
	  "print the settings in effect, with their origin, and exit", NULL, 0,
	  0, NULL, NULL, NULL },
	{ 0, "tmp", NULL, OPTION_FLAG, OPTION_AT(struct program, temporary),
	  "Running",
	  "use a private data directory that is removed at the end; nothing "
	  "is synced",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "port-file", "FILE", OPTION_TEXT,
	  OPTION_AT(struct program, port_file), "Running",
	  "write the port to a file when the broker is ready", NULL, 0, 0, NULL,
	  "file", NULL },
	{ 0, "ready-fd", "N", OPTION_INT, OPTION_AT(struct program, ready_fd),
	  "Running",
	  "write the ready line to this descriptor too, and close it", NULL, 0,
	  1 << 20, NULL, NULL, NULL },
	{ 0, "log", "FORMAT", OPTION_CHOICE,
	  OPTION_AT(struct program, log_format), "Talking",
	  "how lines on stderr are written", "logfmt", 0, 0, "logfmt|json",
	  NULL, NULL },
	{ 'v', "verbose", NULL, OPTION_COUNT,
	  OPTION_AT(struct program, verbose), "Talking", "tell more on stderr",
	  NULL, 0, 0, NULL, NULL, NULL },
	{ 'q', "quiet", NULL, OPTION_FLAG, OPTION_AT(struct program, quiet),
	  "Talking", "tell only warnings and errors", NULL, 0, 0, NULL, NULL,
	  NULL },
	{ 'V', "version", NULL, OPTION_VERSION, 0, "Talking",
	  "print the version and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 'h', "help", NULL, OPTION_HELP, 0, "Talking",
	  "print this text and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 0, "help-json", NULL, OPTION_HELP_JSON, 0, "Talking",
	  "print the options as JSON and exit", NULL, 0, 0, NULL, NULL, NULL },
	{ 0, NULL, NULL, OPTION_END, 0, NULL, NULL, NULL, 0, 0, NULL, NULL,
	  NULL },
};

static const struct option_row *const tables[] = { option_rows, NULL };

static const char *const examples[] = {
	"kbrokerd   # data in /var/lib/kbrokerd or ~/.local/share/kbrokerd",
	"kbrokerd --tmp --port-file port -X listeners=PLAINTEXT://localhost:0",
	"kbrokerd -F server.properties -X num.partitions=6", NULL
};

static const struct option_tool tool = {
	.name = "kbrokerd",
	.doc = "store and serve records for Kafka clients",
	.operands = "",
	.tables = tables,
	.examples = examples,
};

/* Settings */

static void on_notice(void *arg, int level, const char *text)
{
	struct program *p = arg;

	logger_tell(&p->logger, (enum logger_level)level, "config", text, NULL);
}

static int load_config(struct program *p)
{
	struct config_input input = {
		.file = p->file,
		.sets = p->sets.items,
		.set_count = p->sets.count,
		.environment = environ,
		.temporary_dir =
			p->temporary_dir[0] == '\0' ? NULL : p->temporary_dir,
		.lenient = p->lenient,
		.notice = on_notice,
		.notice_arg = p,
	};
	char error[1024];

	if (config_load(&input, &p->config, error, sizeof(error)) < 0)
		return message_fail(&p->messages, EXIT_USAGE, "%s", error);
	if (p->print)
		config_print(p->config, stdout);
	if (p->print || p->test) {
		if (fflush(stdout) != 0)
			return message_fail(&p->messages, EXIT_REFUSED,
					    "stdout: %s", strerror(errno));
		return EXIT_OK;
	}
	return EXIT_GO_ON;
}

/* The process */

/* An allocator for few threads and large buffers: no arena for each thread,
 * no system call for each request of some hundred kilobytes. */
static void tune_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
}

static int raise_files(struct program *p)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		return EXIT_GO_ON;
	if (files.rlim_max != RLIM_INFINITY && files.rlim_max < FILES_MIN)
		return message_fail(
			&p->messages, EXIT_REFUSED,
			"only %llu files may be open, and %d are needed; type: "
			"ulimit -Hn %d",
			(unsigned long long)files.rlim_max, FILES_MIN,
			FILES_MIN);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return EXIT_GO_ON;
}

static void block_signals(struct program *p)
{
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&p->signals);
	sigaddset(&p->signals, SIGTERM);
	sigaddset(&p->signals, SIGINT);
	sigaddset(&p->signals, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &p->signals, NULL);
}

static int wait_for_signal(const struct program *p)
{
	int number = 0;

	do {
		if (sigwait(&p->signals, &number) != 0)
			number = SIGTERM;
	} while (number == SIGHUP);
	return number;
}

/* While the broker stops: the next signal ends the process. */
static void *on_second_signal(void *arg)
{
	const struct program *p = arg;
	int number = wait_for_signal(p);

	if (p->temporary_dir[0] != '\0')
		temporary_remove(p->temporary_dir);
	_exit(128 + number);
}

/* Telling that it is ready */

static int write_port_file(struct program *p)
{
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", broker_port(p->broker));

	return file_replace(vfs_system(), p->port_file, text, (size_t)len);
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
	if (p->port_file != NULL) {
		rc = write_port_file(p);
		if (rc < 0)
			return message_fail(&p->messages, EXIT_REFUSED,
					    "%s: %s", p->port_file,
					    strerror(-rc));
	}
	fwrite(line, 1, (size_t)len, stdout);
	fflush(stdout);
	if (p->ready_fd >= 0) {
		ssize_t n = write((int)p->ready_fd, line, (size_t)len);

		(void)n;
		close((int)p->ready_fd);
	}
	return EXIT_GO_ON;
}

/* The run */

static int stop(struct program *p)
{
	pthread_t watcher;
	int rc;

	if (pthread_create(&watcher, NULL, on_second_signal, p) == 0)
		pthread_detach(watcher);
	rc = broker_stop(p->broker);
	if (rc < 0)
		return message_fail(&p->messages, EXIT_REFUSED,
				    "not everything could be written: %s",
				    strerror(-rc));
	logger_tell(&p->logger, LOGGER_INFO, "broker", "stopped", NULL);
	return EXIT_OK;
}

static int serve(struct program *p)
{
	char error[1024];
	int status;
	int stopped;
	int number;

	block_signals(p);
	if (broker_start(p->config, &p->logger, &p->broker, error,
			 sizeof(error)) < 0)
		return message_fail(&p->messages, EXIT_REFUSED, "%s", error);
	status = tell_ready(p);
	if (status == EXIT_GO_ON) {
		number = wait_for_signal(p);
		logger_tell(&p->logger, LOGGER_INFO, "broker", "stopping",
			    "signal", strsignal(number), NULL);
	}
	stopped = stop(p);
	return status == EXIT_GO_ON ? stopped : status;
}

static void init_talk(struct program *p)
{
	p->messages.verbosity = p->quiet ? -1 : p->verbose;
	p->logger = (struct logger){
		.fd = STDERR_FILENO,
		.level = p->quiet         ? LOGGER_WARN
			 : p->verbose > 0 ? LOGGER_DEBUG
					  : LOGGER_INFO,
		.format = (enum logger_format)p->log_format,
		.journal = getenv("JOURNAL_STREAM") != NULL,
		.clock = clock_system(),
	};
}

static int run(struct program *p)
{
	int status;

	init_talk(p);
	if (p->temporary && !p->test && !p->print) {
		int rc = temporary_make(p->temporary_dir,
					sizeof(p->temporary_dir));

		if (rc < 0)
			return message_fail(&p->messages, EXIT_REFUSED,
					    "--tmp: %s", strerror(-rc));
	}
	status = load_config(p);
	if (status == EXIT_GO_ON)
		status = raise_files(p);
	if (status == EXIT_GO_ON)
		status = serve(p);
	if (p->temporary_dir[0] != '\0')
		temporary_remove(p->temporary_dir);
	return status;
}

int main(int argc, char **argv)
{
	struct program p = { .ready_fd = -1 };
	struct option_result result;
	int status;

	tune_memory();
	messages_init(&p.messages, tool.name, STDERR_FILENO);
	status = options_parse(&tool, argc, argv, &p, &p.messages, &result);
	if (status == EXIT_GO_ON)
		status = run(&p);
	config_free(p.config);
	option_texts_clear(&p.sets);
	return status;
}
