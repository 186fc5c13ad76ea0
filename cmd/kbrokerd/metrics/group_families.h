/*
 * group_families.h - the metrics of groups
 */
#ifndef KBROKERD_METRICS_GROUP_FAMILIES_H
#define KBROKERD_METRICS_GROUP_FAMILIES_H

#include "kbrokerd/metrics/exposition.h"

struct metrics;

/* kbrokerd_group...; on the reading thread.  A failed out: out of memory. */
void group_families_write(struct exposition *e, const struct metrics *m);

/* The same under the names of kafka_exporter. */
void group_families_write_kafka(struct exposition *e, const struct metrics *m);

#endif /* KBROKERD_METRICS_GROUP_FAMILIES_H */
