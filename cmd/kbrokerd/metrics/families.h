/*
 * families.h - which metrics there are
 */
#ifndef KBROKERD_METRICS_FAMILIES_H
#define KBROKERD_METRICS_FAMILIES_H

#include "kbrokerd/metrics/exposition.h"

struct metrics;

/* All of kbrokerd_...; on the reading thread.  A failed out: out of memory. */
void families_write(struct metrics *m, enum exposition_form form,
		    struct buffer *out);

/* Topics and partitions under the names of kafka_exporter, for dashboards
 * that know those. */
void families_write_kafka(struct metrics *m, enum exposition_form form,
			  struct buffer *out);

#endif /* KBROKERD_METRICS_FAMILIES_H */
