/*
 * pushed.h - what clients told of themselves, as families (KIP-714)
 */
#ifndef KBROKERD_METRICS_PUSHED_H
#define KBROKERD_METRICS_PUSHED_H

#include "kbrokerd/metrics/exposition.h"

struct broker;

/* All of kafka_client_..., and counts of pushes.  A failed out: no memory. */
void pushed_write(struct exposition *e, struct broker *broker);

#endif /* KBROKERD_METRICS_PUSHED_H */
