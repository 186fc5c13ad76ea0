/*
 * facts.h - what can be told of the hosted partitions, for metrics and people
 *
 * Nothing here opens a log: of one that was not asked for since a clean start
 * the checkpoints and the files' sizes are told.
 */
#ifndef KBROKERD_PARTITION_FACTS_H
#define KBROKERD_PARTITION_FACTS_H

#include <stdbool.h>

#include "base/uuid.h"
#include "kbrokerd/partition/traffic.h"

struct partition_table;

struct partition_facts {
	struct uuid topic_id;
	const char *topic; /* valid during the call */
	int32_t index;
	int32_t leader_epoch;
	bool offline; /* its disk failed */
	bool open;
	int64_t log_start, log_end, high_watermark;
	int64_t size_bytes;
	int64_t segment_count; /* -1: not known */
	int64_t last_write_ms; /* wall clock, -1: never */
	struct traffic_counts traffic;
};

/*
 * Call on_partition for each one hosted, those of a topic one after the
 * other; a partition that was never used need not be among them.  It may not
 * call into the table.  Returns 0 or -ENOMEM.  Any thread but not at once.
 */
int partition_facts_each(struct partition_table *table,
			 void (*on_partition)(void *arg,
					      const struct partition_facts *f),
			 void *arg);

/* The totals, and the syncs. */
const struct traffic *partition_table_traffic(
	const struct partition_table *table);

#endif /* KBROKERD_PARTITION_FACTS_H */
