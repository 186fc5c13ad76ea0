/*
 * tracker.h - where in the input each record stood that is on its way
 *
 * A record's number counts the frames of all inputs from 1.  Only records
 * between the oldest undelivered and the newest cost memory: 8 bytes each, and
 * with sources, which only --report asks for, 24 more.
 */
#ifndef KPRODUCE_TRACKER_H
#define KPRODUCE_TRACKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an envelope says that its record came from. */
struct source {
	const char *topic; /* NULL: it did not say; else tracker_topic()'s */
	int32_t partition; /* -1 */
	int64_t offset;    /* -1 */
};

struct tracker {
	bool keeps_sources; /* to be set at the start, if wanted */
	int64_t *positions; /* ring; -1: delivered */
	struct source *sources;
	char **topics; /* topic_count; names of sources */
	size_t topic_count;
	size_t capacity; /* a power of two, or 0 */
	uint64_t first;  /* the oldest number kept */
	uint64_t next;   /* one past the newest */
};

/* All zeroes is an empty tracker. */
void tracker_clear(struct tracker *t);

/*
 * number rises with each call; position is of its first byte in its input.
 * source is copied if sources are kept.  Returns 0 or -ENOMEM.
 */
int tracker_add(struct tracker *t, uint64_t number, int64_t position,
		const struct source *source);

/* The name, kept as long as the tracker; NULL when out of memory. */
const char *tracker_topic(struct tracker *t, const char *name, size_t len);

/* The record is delivered, or given up: forget it. */
void tracker_done(struct tracker *t, uint64_t number);

/* Its position, or -1 when it is forgotten. */
int64_t tracker_position(const struct tracker *t, uint64_t number);

/* Its source, or NULL when it is forgotten or none are kept. */
const struct source *tracker_source(const struct tracker *t, uint64_t number);

#endif /* KPRODUCE_TRACKER_H */
