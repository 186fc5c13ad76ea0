/*
 * delivered.h - what was written of each partition, and what of it is done
 *
 * Each record that is written is noted with a position, which never falls:
 * the byte of the pipe that it ends at, or its number.  Later something says
 * what is done: everything up to a position (the reader has taken so many
 * bytes, a command has ended well), or a record by name (an acknowledgement).
 * From that follows how far a partition may be committed: up to its first
 * record that is not done.
 *
 * An acknowledgement of a record counts for every record of its partition
 * that was written before; where exact, for that record only.
 *
 * It knows nothing of groups, pipes or clocks.
 */
#ifndef KCONSUME_DELIVERED_H
#define KCONSUME_DELIVERED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Runs of records, with neither a gap in their offsets nor one of
	 * another partition between them, that may wait to be done. */
	DELIVERED_RUNS_MAX = 1 << 20,
};

struct delivered;

/* NULL when out of memory. */
struct delivered *delivered_new(bool exact);
void delivered_free(struct delivered *d);

/*
 * A record was written.  Offsets of a partition rise; a lower one says that
 * its log began anew, and forgets what was.  Returns 0 or -ENOMEM.
 */
int delivered_write(struct delivered *d, const char *topic, int32_t partition,
		    int64_t offset, int64_t position);

/*
 * The partition is ours from here on, though nothing of it was written yet.
 * What is written first is where it begins: before that nothing is left to be
 * done.  Returns 0 or -ENOMEM.
 */
int delivered_begin(struct delivered *d, const char *topic, int32_t partition);

/* Nothing more should be written before something is done. */
bool delivered_is_full(const struct delivered *d);

/* The position last written, 0 before the first. */
int64_t delivered_position(const struct delivered *d);

/* Every record at that position or before it is done. */
void delivered_reach(struct delivered *d, int64_t position);

/* That position, as far as is known. */
int64_t delivered_reached(const struct delivered *d);

/*
 * The record is done.  One of an earlier time that we had the partition, which
 * was forgotten since, is no concern any more.  Returns 0; -ENOENT, nothing
 * was ever written of that partition; -ERANGE, it was not written that far
 * (*written_out: one past the highest offset); -ENOMEM.
 */
int delivered_ack(struct delivered *d, const char *topic, int32_t partition,
		  int64_t offset, int64_t *written_out);

/* The partition is no longer ours: nothing of it is to be committed. */
void delivered_forget(struct delivered *d, const char *topic,
		      int32_t partition);

/* How far a partition is. */
struct delivered_part {
	const char *topic; /* delivered's, as long as it lives */
	int32_t partition;
	int64_t next_offset; /* all records before it are done; -1: none is */
	bool idle;           /* nothing written is left to be done */
	int64_t *committed;  /* the caller's; -1 since it was forgotten */
};

/* Call for each partition that was begun or written since it was last
 * forgotten. */
void delivered_each(struct delivered *d,
		    void (*on_part)(void *arg,
				    const struct delivered_part *part),
		    void *arg);

/* Records that are written and not done. */
uint64_t delivered_left(struct delivered *d);

#endif /* KCONSUME_DELIVERED_H */
