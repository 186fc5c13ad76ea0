/*
 * program.h - what the program kbrokerd was told, and what it runs
 *
 * Shared by main.c, the table of options and serve.c; nothing of the broker
 * itself knows it.
 */
#ifndef KBROKERD_PROGRAM_H
#define KBROKERD_PROGRAM_H

#include <signal.h>

#include "cli/options.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/notify.h"
#include "kbrokerd/trace.h"

struct run;

struct program {
	/* Options */
	const char *file;
	struct option_texts sets;
	struct option_texts topics;
	const char *port_file, *http_port_file;
	int64_t ready_fd;
	bool temporary, lenient, test, print, quiet;
	int verbose;
	int log_format; /* enum logger_format */
	const char *log_file;
	struct option_texts log_levels;
	bool run;                 /* --run: a command follows */
	const char *run_data_dir; /* --data */
	const char *run_keep_dir; /* --keep-on-failure */
	bool trace;               /* --trace */
	struct trace_params trace_params;
	struct trace *traced; /* NULL: not */
	bool probe;           /* --probe */

	struct run *command;
	int command_status; /* as of wait(2), once it has run */
	struct messages messages;
	struct logger logger;
	struct config *config;
	struct notify notify;
	struct inherited inherited; /* sockets that systemd opened */
	struct broker *broker;
	char temporary_dir[256]; /* "": none */
	sigset_t signals;
};

/* The table of options, in program_options.c. */
extern const struct option_tool program_tool;

/* Begin to talk: the log's file, form and levels.  EXIT_GO_ON, or the status
 * to exit with, the reason told. */
int program_init_talk(struct program *p);

/* Open --log-file, again after it was moved away.  Returns 0 or a negative
 * errno, with the log as it was. */
int program_open_log(struct program *p);

/* The levels of the log, by -q, -v, logging.level (config may be NULL) and
 * --log-level, in this order.  Returns 0, or -EINVAL with a text. */
int program_set_levels(struct program *p, const struct config *config,
		       char *error, size_t error_size);

/* Read all settings, or read them again.  Returns as config_load();
 * *config_out is the caller's. */
int program_load_config(struct program *p, struct config **config_out,
			char *error, size_t error_size);

/* Read them into p->config, and do what -t and -T ask.  EXIT_GO_ON, or the
 * status to exit with. */
int program_check(struct program *p);

/* --probe; address is an operand, or NULL for this machine's broker.  Returns
 * the status to exit with. */
int program_probe(struct program *p, const char *address);

/* Start a broker, say that it is ready, serve until a signal says to stop or
 * the command has ended.  Returns the status to exit with. */
int program_serve(struct program *p);

#endif /* KBROKERD_PROGRAM_H */
