/*
 * commit_mode.h - how kconsume -G decides what to commit: the seam
 *
 * The run (group_run.c) joins, fetches, prints and leaves; a mode hears of
 * each record and commits, by group_commit(), what it holds for done.  One
 * mode is in force in a run; a struct of functions is all that the run knows
 * of it.  All is called in the loop's thread.
 *
 * The life of records: take() or printed() for each, in the order of its
 * partition; written() as their bytes leave; then the mode commits.  When
 * partitions are given up, or the run ends, settle() is the mode's last
 * occasion; lost() says that there is none.
 */
#ifndef KCONSUME_COMMIT_MODE_H
#define KCONSUME_COMMIT_MODE_H

#include "client/consumer.h"
#include "client/group_member.h"
#include "kconsume/options.h"

struct printer;

/* What the run lends to its mode, for as long as the mode is open. */
struct commit_host {
	struct loop *loop;
	struct client_config *config;
	struct client *client; /* for dead letters and the like */
	struct group_member *member;
	struct printer *printer; /* stdout; do not flush it: see flush() */
	const struct consume_options *options;
	struct messages *messages;
	/* settle() is done: call it once for each settle(), then or later. */
	void (*on_settled)(void *arg);
	/* End the run with that status, all having been said. */
	void (*on_failed)(void *arg, int status);
	/* wants_more() may have changed, or there is something to flush. */
	void (*wake)(void *arg);
	/*
	 * The offset of the next record to come of the partition, behind what
	 * makes no record (markers of transactions); -1: not known.  NULL: it
	 * cannot be asked.
	 */
	int64_t (*position)(void *arg, const char *topic, int32_t partition);
	/*
	 * All having been written, and nothing more being printed: close
	 * stdout, so that its reader sees the end.
	 */
	void (*end_stdout)(void *arg);
	void *arg; /* of these */
};

struct commit_mode {
	const char *name; /* of --commit */
	/* What a run that goes on without progress waits for, where that is
	 * not stdout: "nothing was acknowledged"; NULL: there is no such. */
	const char *stalled;

	/*
	 * Begin; state_out is for the other functions.  EXIT_GO_ON, or a
	 * status, said.  NULL: there is no state.
	 */
	int (*open)(const struct commit_host *host, void **state_out);
	/* The end, after the last settle(); the member may be gone. */
	void (*close)(void *state);

	/*
	 * Where the mode itself brings records away (--exec): take this one;
	 * its slices are valid during the call.  0, or a negative errno after
	 * on_failed().  NULL: records are printed to stdout.
	 */
	int (*take)(void *state, const struct consumer_record *record);
	/*
	 * The record was printed into the buffer of stdout; it ends at byte
	 * end of all bytes ever printed.  NULL: not wanted.
	 */
	void (*printed)(void *state, const struct consumer_record *record,
			int64_t end);
	/* So many bytes have been taken by write(2), in all. */
	void (*written)(void *state, int64_t bytes);
	/*
	 * May another record come now?  Fetching ahead goes on up to
	 * queued.max.messages.kbytes.  NULL: always.
	 */
	bool (*wants_more)(void *state);

	/*
	 * These partitions are given up (the run's printing of them has
	 * stopped, its buffer is flushed): wait for what is under way as long
	 * as it makes sense, commit what is done, then host->on_settled().
	 * is_end: the whole run ends; reader_gone: nobody reads stdout any
	 * more, so nothing further will be drained or acknowledged.  NULL:
	 * nothing to do.
	 */
	void (*settle)(void *state, const struct group_partition *partitions,
		       size_t count, bool is_end, bool reader_gone);
	/* Forget these: they are someone else's.  A settle() that waits for
	 * them is over, without on_settled().  NULL: nothing to do. */
	void (*lost)(void *state, const struct group_partition *partitions,
		     size_t count);
	/*
	 * Begin at this position (after -o and stored offsets were looked at);
	 * offset -1 where it is a place and not known yet.  NULL: not wanted.
	 */
	void (*assigned)(void *state, const struct group_position *position);
};

/* --commit none: look, and leave no trace. */
extern const struct commit_mode commit_mode_none;

#endif /* KCONSUME_COMMIT_MODE_H */
