/*
 * ack_source.h - which source records are delivered, and all before them
 *
 * With --ack-src each record of the input has a source: the topic, partition
 * and offset that its envelope names.  A source may be acknowledged once its
 * record is delivered and every record of that source partition that came
 * before it in the input; and never after one of that partition has failed.
 * Records that follow each other with the same source (a filter made several
 * of one) count as one, as far as they are known by then.
 */
#ifndef KPRODUCE_ACK_SOURCE_H
#define KPRODUCE_ACK_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kproduce/tracker.h"

struct ack_sources;

/*
 * on_ack(arg, source) is called for each source that may be acknowledged, in
 * the order of the input for each partition.  NULL when out of memory.
 */
struct ack_sources *ack_sources_new(void (*on_ack)(void *arg,
						   const struct source *source),
				    void *arg);
void ack_sources_free(struct ack_sources *a);

/*
 * A record of that number, which rises with each call, is on its way.  Topics
 * are compared by address: tracker_topic()'s.  Returns 0 or -ENOMEM.
 */
int ack_sources_add(struct ack_sources *a, uint64_t number,
		    const struct source *source);

/* The record, as it was added, is delivered. */
void ack_sources_delivered(struct ack_sources *a, uint64_t number,
			   const struct source *source);

/* The record of that number and source has failed, added or not. */
void ack_sources_fail(struct ack_sources *a, uint64_t number,
		      const struct source *source);

/*
 * What has that number, which is above those of all records added, was not
 * understood: nothing that comes after it is acknowledged.  Nor is the source
 * of the last record before it, which may be its source too; guess, unless that
 * is NULL, tells what it seems to be.
 */
void ack_sources_fail_unknown(struct ack_sources *a, uint64_t number,
			      const struct source *guess);

/* Has nothing failed, and is nothing left? */
bool ack_sources_are_clean(const struct ack_sources *a);

#endif /* KPRODUCE_ACK_SOURCE_H */
