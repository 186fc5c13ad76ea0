/*
 * traffic.h - what went into the logs of a node and out of them
 *
 * Totals of all partitions, deleted ones included, in a few slots over which
 * the threads are spread, so that they do not fight for a cache line.
 */
#ifndef KBROKERD_PARTITION_TRAFFIC_H
#define KBROKERD_PARTITION_TRAFFIC_H

#include <stdatomic.h>
#include <stdint.h>

#include "kbrokerd/metrics/histogram.h"

enum { TRAFFIC_SLOTS = 16 };

/* Of the whole node, or of a partition since it was first asked for. */
struct traffic_counts {
	int64_t bytes_in, records_in; /* appended */
	/* Given to readers.  Records are an estimate where the end of what was
	 * read is not the end of the log. */
	int64_t bytes_out, records_out;
};

struct traffic_slot {
	_Atomic int64_t bytes_in, records_in;
	_Atomic int64_t bytes_out, records_out;
} __attribute__((aligned(64)));

struct traffic {
	struct traffic_slot slots[TRAFFIC_SLOTS];
	struct histogram syncs;
	_Atomic int64_t sync_failures;
};

/* Any thread. */
void traffic_add_in(struct traffic *t, int64_t bytes, int64_t records);
void traffic_add_out(struct traffic *t, int64_t bytes, int64_t records);
void traffic_read(const struct traffic *t, struct traffic_counts *out);

#endif /* KBROKERD_PARTITION_TRAFFIC_H */
