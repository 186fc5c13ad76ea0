/*
 * commits.h - what is done goes to the group
 *
 * What the modes share: the book of what is done (delivered.h), commits of
 * what has become so, one under way at a time and not too many a second, and
 * which partitions are being given up.
 */
#ifndef KCONSUME_COMMITS_H
#define KCONSUME_COMMITS_H

#include "kconsume/commit_mode.h"
#include "kconsume/delivered.h"

enum { COMMIT_EVERY_MS = 100 };

struct commits {
	const struct commit_host *host;
	struct delivered *delivered;
	struct loop_timer *timer;
	size_t under_way; /* commits that are not answered yet */
	bool is_wanted;
	bool is_looked_up; /* of some partition the start is not known yet */
	int64_t last_ms;
	/* Called when a commit has ended; may be NULL. */
	void (*on_committed)(void *arg);
	void *arg;

	/* settle() for these; NULL and 0 for is_end or none. */
	bool is_settling, is_end;
	bool is_finishing;                /* and only commits are waited for */
	struct group_partition *settling; /* settling_count; topics our own */
	size_t settling_count;

	struct group_commit_item *items; /* for the next commit */
	size_t item_count, item_capacity;
};

/* host stays the caller's.  EXIT_GO_ON, or a status, said. */
int commits_init(struct commits *c, const struct commit_host *host, bool exact);
/* All zeroes is fine. */
void commits_clear(struct commits *c);

/* delivered_write(); when out of memory the run is ended. */
int commits_note(struct commits *c, const struct consumer_record *record,
		 int64_t position);

/* Something may be done: commit it, now or soon. */
void commits_soon(struct commits *c);

/* Commit whatever is done.  false: there is nothing to commit. */
bool commits_now(struct commits *c);

/* Forget the partitions: commit_mode.lost(). */
void commits_lost(struct commits *c, const struct group_partition *partitions,
		  size_t count);

/* commit_mode.assigned(): where it begins is committed too, so that the next
 * who comes begins there and not where nothing is stored leads to then. */
void commits_assigned(struct commits *c, const struct group_position *position);

/* commit_mode.settle() begins ... */
void commits_settle(struct commits *c, const struct group_partition *partitions,
		    size_t count, bool is_end);

/* ... is nothing left to be done of what it is for? */
bool commits_are_settled(struct commits *c);

/* ... and ends: commit what is done, and say so once that is answered. */
void commits_finish(struct commits *c);

/* Say why and end the run.  Returns -EIO, for the caller's caller. */
__attribute__((format(printf, 3, 4))) int commits_fail(struct commits *c,
						       int status,
						       const char *format, ...);

#endif /* KCONSUME_COMMITS_H */
