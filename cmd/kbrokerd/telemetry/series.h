/*
 * series.h - the last values that one client pushed
 *
 * Named and labelled as Prometheus wants it: what a client calls
 * org.apache.kafka.producer.connection.count is
 * kafka_client_producer_connection_count.
 */
#ifndef KBROKERD_TELEMETRY_SERIES_H
#define KBROKERD_TELEMETRY_SERIES_H

#include <sys/queue.h>

#include "kbrokerd/telemetry/otlp.h"

enum {
	SERIES_MAX = 512, /* of one client */
	SERIES_NAME_MAX = 128,
	SERIES_LABEL_MAX = 96, /* bytes of a label's name, and of its value */
	SERIES_LABELS_MAX = 8
};

struct series {
	SLIST_ENTRY(series) link;
	uint64_t hash; /* of bytes */
	bool is_counter;
	double value;
	uint32_t label_count;
	uint32_t len;
	char bytes[]; /* name NUL, then name NUL value NUL of each label */
};

struct series_list {
	SLIST_HEAD(, series) all;
	size_t count;
};

/*
 * Take a value: a difference is added to what there is.  room is how many
 * series there may be more, of all clients, and counted down.  Returns 0,
 * -ENOSPC or -ENOMEM when it is left out.
 */
int series_take(struct series_list *list, const struct otlp_point *point,
		size_t *room);

/* Forget all; room grows by as many. */
void series_clear(struct series_list *list, size_t *room);

#endif /* KBROKERD_TELEMETRY_SERIES_H */
