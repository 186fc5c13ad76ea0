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

/* For families_write(): what clients push of themselves. */
void families_write_telemetry(struct exposition *e, const struct metrics *m);

#endif /* KBROKERD_METRICS_FAMILIES_H */
