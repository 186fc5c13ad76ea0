/*
 * kgroups.h - the run of a kgroups verb
 *
 * Each verb is a file with one function, or two that belong together; what it
 * says goes through cli/run.h.
 */
#ifndef KGROUPS_KGROUPS_H
#define KGROUPS_KGROUPS_H

#include "cli/run.h"

struct kgroups_options {
	struct run_options run;
	bool long_list;
	const char *states; /* "empty,stable"; NULL: any */
	const char *types;
	struct option_texts topics; /* TOPIC[:PARTITIONS] */
	bool all_topics;
	bool time;         /* read timestamps of records */
	int by;            /* enum lag_by */
	const char *watch; /* NULL: no; "": the default time */
	int64_t count;     /* frames, or records; 0: not given */
	int64_t over_ms;   /* measure so long; 0: not given */
	int64_t warn;      /* -1: not given */
	int64_t critical;
	int64_t time_warn_ms; /* 0: not given */
	int64_t time_critical_ms;
	int64_t stalled_ms;
	int64_t lag;       /* -1: not given */
	const char *state; /* of wait */
	int64_t members;   /* -1: not given */
	const char *to;
	bool execute;
	const char *group; /* -G */
	const char *undo;  /* a file; NULL: a name of its own */
	bool force;
	int64_t wait_empty_ms; /* 0: do not */
	int64_t partition;     /* -1: not given */
	const char *to_dlq;
	int64_t before; /* -1: not given */
	int64_t after;
	bool if_exists;
};

struct kgroups {
	struct run run;
	struct kgroups_options options;
};

extern const struct option_tool kgroups_tool;

/* The verbs; each takes the struct kgroups. */
int kgroups_list(void *run);
int kgroups_describe(void *run);
int kgroups_members(void *run);
int kgroups_lag(void *run);
int kgroups_check(void *run);
int kgroups_wait(void *run);
int kgroups_why(void *run);
int kgroups_reset(void *run);
int kgroups_apply(void *run);
int kgroups_skip(void *run);
int kgroups_peek(void *run);
int kgroups_export(void *run);
int kgroups_import(void *run);
int kgroups_clone(void *run);
int kgroups_delete(void *run);
int kgroups_forget(void *run);

#endif /* KGROUPS_KGROUPS_H */
