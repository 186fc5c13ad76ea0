/*
 * run.h - the run of a verb, for tools that administer a cluster
 *
 * Each verb of such a tool is a function that takes the program, does its work
 * and returns an exit status.  What it says goes through the functions here, so
 * that -J, -q, -n and the status are the same everywhere.
 *
 * The program's struct begins with struct run, its options with struct
 * run_options:
 *
 *	struct ktopics {
 *		struct run run;
 *		struct ktopics_options options;   (begins with run_options)
 *	};
 *
 *	return run_main(&ktopics_tool, &k.run, &k.options.run, argc, argv);
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "base/arena.h"
#include "cli/common.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "client/client.h"

struct run_options {
	struct common_options common;
	bool header;
	bool dry_run;
	bool yes;
	const char *columns;
};

struct run {
	struct run_options *options;
	struct messages messages;
	struct output out;
	struct client_config config;
	struct loop *loop;
	struct client *client; /* NULL until run_connect() */
	struct arena arena;    /* texts that live as long as the run */
	char **operands;
	int operand_count;
	int status; /* the worst of all things so far */
};

/*
 * A main(): read the options, run the verb with the program that begins with
 * run, and turn what happened into an exit status.  options, preset, are the
 * program's.
 */
int run_main(const struct option_tool *tool, struct run *run,
	     struct run_options *options, int argc, char **argv);

/* Returns EXIT_GO_ON, or a status, all having been said. */
int run_connect(struct run *run);

/*
 * What cannot be undone is asked for, unless -y or -n say so: "QUESTION?
 * [y/N]".  Where stdin is no terminal that is a usage error, which the first
 * tells before anything else is done; doing is "deleting".  EXIT_GO_ON, or the
 * status.
 */
int run_can_confirm(struct run *run, const char *doing);
int run_confirm(struct run *run, const char *doing, const char *question);

/* A request of that api; dies on no memory, as all of a tool's do. */
struct client_request *run_request(struct run *run, int16_t api_key);

/*
 * Call it; on failure the error is said and counted in run->status, and false
 * returned.  -m is the timeout.
 */
bool run_call(struct run *run, struct client_request *request, int32_t node);

/* Say and count an error that is not a certain thing's. */
void run_fail(struct run *run, const struct client_error *error);

/*
 * What became of one topic, group (or "broker 1"; kind says which): refused
 * with a code and a broker's text (null slice: the table's), or done.  With -J
 * also an object on stdout; done is said only to people: see message_notice().
 */
void run_refused(struct run *run, const char *kind, const char *name,
		 int16_t code, struct slice text);
__attribute__((format(printf, 4, 5))) void run_done(struct run *run,
						    const char *kind,
						    const char *name,
						    const char *format, ...);

/* Some of what was asked for failed: then say what was done, too. */
void run_tell_done(struct run *run);

/* A slice of an answer as C string, as long as the run. */
char *run_text(struct run *run, struct slice s);

/* printf(3) to a text that lives as long. */
__attribute__((format(printf, 2, 3))) char *run_printf(struct run *run,
						       const char *format, ...);

/* Zeroed memory that lives as long; for count elements of size. */
void *run_alloc(struct run *run, size_t count, size_t size);

/*
 * A table of the columns, cut down to --columns or, without it, to
 * default_columns ("a,b"; NULL: all).  NULL with a usage error said.
 */
struct table *run_table(struct run *run, const struct column *columns,
			size_t count, const char *default_columns);

/* Print the table, free it, and return the run's status. */
int run_finish(struct run *run, struct table *table);

/* Let the loop go on for so long. */
void run_sleep(struct run *run, int64_t ms);

_Noreturn void run_out_of_memory(struct run *run);

#endif /* CLI_RUN_H */
