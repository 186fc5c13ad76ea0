/*
 * main.c - kbrokerd: what the command line asks for
 *
 * stdout has the one line that says where the broker is ready, or what -t, -T
 * and --help print; everything else goes to stderr, a line per event.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "kbrokerd/program.h"
#include "kbrokerd/run.h"
#include "kbrokerd/temporary.h"

enum { FILES_MIN = 4096 };

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
			"only %llu files may be open, and %d are needed; as "
			"root type: ulimit -n %d (systemd: LimitNOFILE=%d, "
			"docker: --ulimit nofile=%d)",
			(unsigned long long)files.rlim_max, FILES_MIN,
			FILES_MIN, FILES_MIN, FILES_MIN);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	return EXIT_GO_ON;
}

/* --run: the settings that it stands for, before those of the user. */
static int set_for_run(struct program *p, char *log_dirs, size_t size)
{
	struct option_texts *sets = &p->sets;
	const char **items = calloc(sets->count + 3, sizeof(*items));
	size_t n = 0;

	if (items == NULL)
		return message_fail(&p->messages, EXIT_REFUSED, "%s",
				    strerror(ENOMEM));
	items[n++] = "listeners=PLAINTEXT://127.0.0.1:0";
	items[n++] = "http.listeners=off";
	if (p->run_data_dir != NULL) {
		snprintf(log_dirs, size, "log.dirs=%s", p->run_data_dir);
		items[n++] = log_dirs;
	}
	for (size_t i = 0; i < sets->count; i++)
		items[n++] = sets->items[i];
	free(sets->items);
	sets->items = items;
	sets->count = n;
	return EXIT_GO_ON;
}

static bool sets_data_dir(const struct program *p)
{
	for (size_t i = 0; i < p->sets.count; i++) {
		if (strncmp(p->sets.items[i], "log.dirs=", 9) == 0 ||
		    strncmp(p->sets.items[i], "log.dir=", 8) == 0)
			return true;
	}
	return false;
}

static int check_run(struct program *p, const struct option_result *result)
{
	if (p->run && p->probe)
		return message_usage(&p->messages,
				     "--run does not go with --probe");
	if (!p->run && result->operand_count > (p->probe ? 1 : 0))
		return message_usage(&p->messages, "'%s' is not an option",
				     result->operands[p->probe ? 1 : 0]);
	if (!p->run && (p->run_data_dir != NULL || p->run_keep_dir != NULL))
		return message_usage(&p->messages,
				     "--data and --keep-on-failure go with "
				     "--run");
	if (p->run && result->operand_count == 0)
		return message_usage(&p->messages,
				     "--run wants a command: kbrokerd --run "
				     "-- COMMAND [ARG...]");
	if (p->run && sets_data_dir(p))
		return message_usage(&p->messages,
				     "--run has a data directory of its own; "
				     "--data DIR in place of -X log.dirs=DIR "
				     "uses one that stays");
	if (p->run_data_dir != NULL &&
	    (p->run_keep_dir != NULL || p->temporary))
		return message_usage(&p->messages,
				     "--data does not go with "
				     "--keep-on-failure or --tmp");
	return EXIT_GO_ON;
}

/* A private broker for one command; see run.h. */
static int run_command_line(struct program *p, char *const *argv)
{
	char log_dirs[sizeof(p->config->data_dir) + 16];
	char error[1024];
	int status = set_for_run(p, log_dirs, sizeof(log_dirs));

	if (status != EXIT_GO_ON)
		return status;
	if (p->test || p->print)
		return program_check(p);
	if (run_open(argv, p->run_data_dir == NULL, p->run_keep_dir,
		     &p->command, error, sizeof(error)) < 0)
		return message_fail(&p->messages, RUN_STATUS_NO_BROKER, "%s",
				    error);
	snprintf(p->temporary_dir, sizeof(p->temporary_dir), "%s",
		 run_dir(p->command));
	status = program_check(p);
	if (status == EXIT_GO_ON)
		status = raise_files(p);
	if (status == EXIT_GO_ON)
		status = program_serve(p);
	if (status == EXIT_REFUSED)
		status = RUN_STATUS_NO_BROKER;
	run_close(p->command);
	return status;
}

static int run(struct program *p, const struct option_result *result)
{
	int status = check_run(p, result);

	if (status != EXIT_GO_ON)
		return status;
	status = program_init_talk(p);
	if (status != EXIT_GO_ON)
		return status;
	if (p->probe)
		return program_probe(p, result->operand_count > 0
						? result->operands[0]
						: NULL);
	if (p->run)
		return run_command_line(p, result->operands);
	if (p->temporary && !p->test && !p->print) {
		int rc = temporary_make(p->temporary_dir,
					sizeof(p->temporary_dir));

		if (rc < 0)
			return message_fail(&p->messages, EXIT_REFUSED,
					    "--tmp: %s", strerror(-rc));
	}
	status = program_check(p);
	if (status == EXIT_GO_ON)
		status = raise_files(p);
	if (status == EXIT_GO_ON)
		status = program_serve(p);
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
	inherited_take(&p.inherited);
	notify_init(&p.notify);
	messages_init(&p.messages, program_tool.name, STDERR_FILENO);
	status = options_parse(&program_tool, argc, argv, &p, &p.messages,
			       &result);
	if (status == EXIT_GO_ON)
		status = run(&p, &result);
	config_free(p.config);
	option_texts_clear(&p.sets);
	option_texts_clear(&p.topics);
	option_texts_clear(&p.log_levels);
	notify_clear(&p.notify);
	if (status == EXIT_OK && p.command != NULL)
		run_exit(p.command_status);
	return status;
}
