/*
 * tail.h - the last N records of several partitions, by their time
 *
 * Keeps copies of the N youngest records seen; memory is theirs alone.
 */
#ifndef KCONSUME_TAIL_H
#define KCONSUME_TAIL_H

#include "client/consumer.h"

struct tail;

/* Keep up to limit records.  NULL when out of memory. */
struct tail *tail_new(size_t limit);
void tail_free(struct tail *t);

/* Take the record in if it is among the youngest.  0 or -ENOMEM. */
int tail_add(struct tail *t, const struct consumer_record *r);

size_t tail_count(const struct tail *t);

/* Forget all. */
void tail_reset(struct tail *t);

/*
 * Give the records in order of time, those of one partition in order of
 * offset, until on_record() is not 0; returns that, or 0.
 */
int tail_each(struct tail *t,
	      int (*on_record)(void *arg, const struct consumer_record *r),
	      void *arg);

#endif /* KCONSUME_TAIL_H */
