/*
 * program.h - what the files of kconsume share: the program in its run
 */
#ifndef KCONSUME_PROGRAM_H
#define KCONSUME_PROGRAM_H

#include "cli/progress.h"
#include "kconsume/choices.h"
#include "kconsume/options.h"
#include "kconsume/printer.h"
#include "kconsume/tail.h"

struct program {
	struct consume_options options;
	struct messages messages;
	struct client_config config;
	struct loop *loop;
	struct client *client;
	struct consumer *consumer;
	struct loop_watch *signal_watch, *reader_watch;
	struct printer printer;
	struct progress progress;
	struct choices choices;
	struct tail *tail; /* -n: records go here first */
	int64_t now_us;
	bool reader_gone;
	bool is_troubled; /* program_explain() has something to look at */
};

/* Say what went wrong; returns its exit status. */
int program_fail(struct program *p, const struct client_error *error);

/* Make p->consumer.  EXIT_GO_ON, or a status, said. */
int program_open_consumer(struct program *p);

/* The line of progress, where it is due at p->now_us, or asked for. */
void program_show_progress(struct program *p);

/*
 * Why it takes so long, for when --timeout ends it: why, since since_ms of the
 * loop's clock, or where that is NULL what troubles the consumer.
 */
void program_explain(struct program *p, const struct client_error *why,
		     int64_t since_ms);

/* Have so many records been printed as were asked for? */
bool program_has_enough(const struct program *p);

#endif /* KCONSUME_PROGRAM_H */
