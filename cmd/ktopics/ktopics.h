/*
 * ktopics.h - the run of a ktopics verb
 *
 * Each verb is a file with one function that takes the run, does its work and
 * returns an exit status.  What it says goes through the functions here, so
 * that -J, -q and the status are the same everywhere.
 */
#ifndef KTOPICS_KTOPICS_H
#define KTOPICS_KTOPICS_H

#include "base/arena.h"
#include "cli/common.h"
#include "cli/messages.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/table.h"
#include "client/client.h"

struct ktopics_options {
	struct common_options common;
	bool header;
	bool dry_run;
	bool yes;
	bool if_exists;
	bool if_not_exists;
	bool internal;
	bool long_list;
	const char *columns;
	int64_t partitions; /* -1: the broker's default */
	int64_t replicas;
	struct option_texts configs; /* NAME=VALUE */
	const char *assign;
	const char *wait; /* NULL: no; "": the default time; else a duration */
	bool under_replicated;
	bool unavailable;
	bool under_min_isr;
	bool at_min_isr;
	bool fail;
	int64_t broker; /* -1: topics are meant */
	const char *at; /* a time */
	bool summary;
	const char *before; /* a time, or "end" */
	int64_t to_offset;  /* -1: none */
	int64_t partition;  /* -1: all */
};

struct ktopics {
	struct ktopics_options options;
	struct messages messages;
	struct output out;
	struct client_config config;
	struct loop *loop;
	struct client *client; /* NULL until ktopics_connect() */
	struct arena arena;    /* texts that live as long as the run */
	char **operands;
	int operand_count;
	int status; /* the worst of all topics so far */
};

extern const struct option_tool ktopics_tool;

/* The verbs. */
int ktopics_list(void *run);
int ktopics_describe(void *run);
int ktopics_create(void *run);
int ktopics_delete(void *run);
int ktopics_get(void *run);
int ktopics_set(void *run);
int ktopics_unset(void *run);
int ktopics_partitions(void *run);
int ktopics_offsets(void *run);
int ktopics_trim(void *run);
int ktopics_du(void *run);

/* Returns EXIT_GO_ON, or a status, all having been said. */
int ktopics_connect(struct ktopics *k);

/*
 * What cannot be undone is asked for, unless -y or -n say so: "QUESTION?
 * [y/N]". Where stdin is no terminal that is a usage error, which the first
 * tells before anything else is done; doing is "deleting".  EXIT_GO_ON, or the
 * status.
 */
int ktopics_can_confirm(struct ktopics *k, const char *doing);
int ktopics_confirm(struct ktopics *k, const char *doing, const char *question);

/* --wait in ms; false with an error said when it is no duration. */
bool ktopics_wait_ms(struct ktopics *k, int64_t *ms_out);

/* A request of that api; dies on no memory, as all of a tool's do. */
struct client_request *ktopics_request(struct ktopics *k, int16_t api_key);

/*
 * Call it; on failure the error is said and counted in k->status, and false
 * returned.  -m is the timeout.
 */
bool ktopics_call(struct ktopics *k, struct client_request *request,
		  int32_t node);

/* Say and count an error that is not a topic's. */
void ktopics_fail(struct ktopics *k, const struct client_error *error);

/*
 * What became of one topic (or "broker 1"; kind says which): refused with a
 * code and a broker's text (null slice: the table's), or done.  With -J also
 * an object on stdout; done is said only to people: see message_notice().
 */
void ktopics_refused(struct ktopics *k, const char *kind, const char *name,
		     int16_t code, struct slice text);
__attribute__((format(printf, 4, 5))) void ktopics_done(struct ktopics *k,
							const char *kind,
							const char *name,
							const char *format,
							...);

/* Some of what was asked for failed: then say what was done, too. */
void ktopics_tell_done(struct ktopics *k);

/* A slice of an answer as C string, as long as the run. */
char *ktopics_text(struct ktopics *k, struct slice s);

/* Print the table, free it, and return the run's status. */
int ktopics_finish(struct ktopics *k, struct table *table);

/*
 * A table of the columns, cut down to --columns or, without it, to the first
 * default_columns ("a,b"; NULL: all).  NULL with a usage error said.
 */
struct table *ktopics_table(struct ktopics *k, const struct column *columns,
			    size_t count, const char *default_columns);

_Noreturn void ktopics_out_of_memory(struct ktopics *k);

#endif /* KTOPICS_KTOPICS_H */
