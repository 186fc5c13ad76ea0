/*
 * clerk.h - the thread that makes the pages which take time
 *
 * What reads partitions may wait for a lock that is held while a disk is
 * written to, and a change of the metadata waits for the disk itself.  That is
 * done here, one after the other, so that the HTTP thread always has an answer
 * to who asks whether the broker lives.
 */
#ifndef KBROKERD_HTTP_CLERK_H
#define KBROKERD_HTTP_CLERK_H

#include "kbrokerd/http/visit.h"

struct clerk;

/* ring(arg) is called on the clerk's thread when there is something for
 * clerk_done().  NULL: out of memory. */
struct clerk *clerk_new(void (*ring)(void *arg), void *arg);
int clerk_start(struct clerk *clerk); /* 0 or a negative errno */

/* As http_enter(). */
void clerk_enter(struct clerk *clerk, enum http_phase phase,
		 struct metrics *metrics);

/* Have it answered; it is the clerk's until clerk_done() gives it back. */
void clerk_take(struct clerk *clerk, struct visit *visit);

/* The next that is answered, or NULL. */
struct visit *clerk_done(struct clerk *clerk);

/* Have the numbers sampled. */
void clerk_sample(struct clerk *clerk);

/* End the thread once all is answered.  NULL is allowed. */
void clerk_stop(struct clerk *clerk);

/* Stops it too; drops what nobody took.  NULL is allowed. */
void clerk_free(struct clerk *clerk);

#endif /* KBROKERD_HTTP_CLERK_H */
