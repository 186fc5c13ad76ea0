/*
 * tracker.h - where in the input each record stood that is on its way
 *
 * A record's number counts the frames of all inputs from 1.  Only records
 * between the oldest undelivered and the newest cost memory, 8 bytes each.
 */
#ifndef KPRODUCE_TRACKER_H
#define KPRODUCE_TRACKER_H

#include <stddef.h>
#include <stdint.h>

struct tracker {
	int64_t *positions; /* ring; -1: delivered */
	size_t capacity;    /* a power of two, or 0 */
	uint64_t first;     /* the oldest number kept */
	uint64_t next;      /* one past the newest */
};

/* All zeroes is an empty tracker. */
void tracker_clear(struct tracker *t);

/* number rises with each call; position is of its first byte in its input.
 * Returns 0 or -ENOMEM. */
int tracker_add(struct tracker *t, uint64_t number, int64_t position);

/* The record is delivered, or given up: forget it. */
void tracker_done(struct tracker *t, uint64_t number);

/* Its position, or -1 when it is forgotten. */
int64_t tracker_position(const struct tracker *t, uint64_t number);

#endif /* KPRODUCE_TRACKER_H */
