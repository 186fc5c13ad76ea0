/*
 * ktopics.h - the run of a ktopics verb
 *
 * Each verb is a file with one function; what it says goes through cli/run.h.
 */
#ifndef KTOPICS_KTOPICS_H
#define KTOPICS_KTOPICS_H

#include "cli/run.h"

struct ktopics_options {
	struct run_options run;
	bool if_exists;
	bool if_not_exists;
	bool internal;
	bool long_list;
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
	bool all;
	struct option_texts https; /* HOST:PORT of brokers' pages */
};

struct ktopics {
	struct run run;
	struct ktopics_options options;
};

extern const struct option_tool ktopics_tool;

/* The verbs; each takes the struct ktopics. */
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
int ktopics_who(void *run);

/* --wait in ms; false with an error said when it is no duration. */
bool ktopics_wait_ms(struct ktopics *k, int64_t *ms_out);

#endif /* KTOPICS_KTOPICS_H */
