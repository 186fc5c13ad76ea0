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

/* A record of that source has failed, added or not; NULL: of one that is not
 * known, so that nothing at all is acknowledged any more. */
void ack_sources_fail(struct ack_sources *a, const struct source *source);

/* Has nothing failed, and is nothing left? */
bool ack_sources_are_clean(const struct ack_sources *a);

#endif /* KPRODUCE_ACK_SOURCE_H */
