/*
 * common.h - the options that every tool has
 *
 * A tool's struct of options begins with struct common_options, and its
 * option_tool.tables end with common_options_table, NULL:
 *
 *	struct produce_options {
 *		struct common_options common;   (first: the table relies on it)
 *		const char *topic;
 *	};
 *
 * The start of every main():
 *
 *	struct messages m;
 *	struct client_config config = { 0 };
 *
 *	messages_init(&m, "kproduce", STDERR_FILENO);
 *	signals_init();
 *	status = options_parse(&tool, argc, argv, &options, &m, &result);
 *	if (status == EXIT_GO_ON)
 *		status = common_begin(&options.common, &m, &config);
 *	if (status != EXIT_GO_ON)
 *		return status;
 */
#ifndef CLI_COMMON_H
#define CLI_COMMON_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/messages.h"
#include "cli/options.h"
#include "client/client_config.h"

struct common_options {
	const char *bootstrap;   /* -b; NULL: see settings */
	const char *config_file; /* -F; "none" */
	const char *profile;     /* --profile */
	struct option_texts x;   /* -X, each "k=v", "list" or "dump" */
	int64_t step_timeout_ms; /* -m: one connect, metadata or admin step;
				    5000 where common_begin() finds 0 */
	int64_t timeout_ms;      /* --timeout: the whole run; 0: none */
	bool json;               /* -J */
	bool quiet;              /* -q */
	int verbose;             /* -v: how often */
};

extern const struct option_row common_options_table[];

/* For option_tool.verbless: -X list and -X dump need no verb. */
bool common_verbless(const void *options);

/*
 * What every run begins with after its options are read: verbosity, the
 * settings, -X list and -X dump, and the clock of --timeout.
 *
 * Returns EXIT_GO_ON, or the status to exit with, all having been said.
 * config, zeroed before, is to be cleared by client_config_clear() either way.
 */
int common_begin(struct common_options *options, struct messages *messages,
		 struct client_config *config);

#endif /* CLI_COMMON_H */
