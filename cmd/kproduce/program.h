/*
 * program.h - one run of kproduce: input, producer, what became of records
 */
#ifndef KPRODUCE_PROGRAM_H
#define KPRODUCE_PROGRAM_H

#include "cli/format.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "client/producer.h"
#include "kproduce/ack_source.h"
#include "kproduce/options.h"
#include "kproduce/topics.h"
#include "kproduce/tracker.h"

enum { FAILURES_MAX = 16 }; /* told apart; the others are counted */

/* A record that was not stored, to be told from outside of callbacks. */
struct failure {
	uint64_t number;
	int64_t position;
	size_t size; /* of key, value and headers, bytes */
	const struct producer_topic *topic;
	int32_t partition;
	struct client_error error;
};

struct input {
	const char *name; /* "stdin", or the path */
	int fd;
	enum framing framing;
	uint64_t first_number; /* of its first frame, counted over all */
};

struct program {
	struct produce_options options;
	struct messages messages;
	struct client_config config;
	struct loop *loop;
	struct client *client;
	struct producer *producer;
	struct producer_topic *topic; /* used last */
	struct topics_made made;      /* by --create */
	struct loop_watch *signal_watch;
	struct arena arena; /* of one envelope */

	struct input *inputs; /* input_count; all that were opened */
	size_t input_count;
	struct tracker tracker;
	struct ack_sources *acks; /* --ack-src, else NULL */
	struct source source;     /* of this envelope; topic NULL: unknown */
	int64_t now_ms;           /* wall clock of this turn */

	struct output report, failed; /* fd -1: not asked for */
	struct format *report_format; /* NULL: JSON */

	struct failure failures[FAILURES_MAX];
	size_t failure_count;
	uint64_t failures_untold;

	uint64_t added, acked, failed_count, unread;
	uint64_t bytes;
	int64_t started_us;
	struct progress progress;
	int status;    /* the worst so far */
	bool stop;     /* read no more */
	bool all_read; /* every input, to its end */
};

/* results.c: what became of records */

/* Of producer_new(). */
void results_on_delivery(void *arg, const struct producer_delivery *delivery);

/* A frame that made no record: say so, keep it in --failed, stop unless -E. */
__attribute__((format(printf, 4, 5))) void results_bad_frame(
	struct program *p, const struct framed *frame, int status,
	const char *format, ...);

/* A frame that was read, then not used: count it and keep it in --failed. */
void results_unread(struct program *p, const struct framed *frame);

/* A frame that a signal cut off: part of one is none.  Counted, not kept. */
void results_cut_off(struct program *p, const struct framed *frame);

/* Say what was noted in callbacks; asks the broker about limits. */
void results_tell(struct program *p);

/* Let go what has waited for long enough. */
void results_flush_report(struct program *p);

/* Of ack_sources_new(): print it. */
void results_on_ack(void *arg, const struct source *source);

/* --ack-src: a last line, if all is well to the end. */
void results_ack_end(struct program *p);

/* The last line: sent, acked, failed. */
void results_summary(struct program *p);

void results_progress(struct program *p);

/* feed.c: input to producer */

/* Read all inputs into the producer, until their end, -c, a failure or a
 * signal. */
void feed_inputs(struct program *p, char **paths, int count);

/* One turn of the loop, and what it brought: told, and stopped for. */
void program_turn(struct program *p, int64_t timeout_ms);

#endif /* KPRODUCE_PROGRAM_H */
