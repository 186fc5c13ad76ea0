/*
 * otlp.h - metrics as OpenTelemetry puts them into protobuf
 *
 * A decoder of just what clients push (KIP-714): the gauges and sums of a
 * MetricsData.  It allocates nothing, and reads any bytes.
 */
#ifndef KBROKERD_TELEMETRY_OTLP_H
#define KBROKERD_TELEMETRY_OTLP_H

#include <stdbool.h>

#include "base/bytes.h"

enum { OTLP_LABELS_MAX = 16 };

struct otlp_label {
	struct slice key;
	struct slice value; /* its text; of numbers: the number */
	int64_t number;
	enum { OTLP_TEXT, OTLP_NUMBER } kind;
};

/* One number; slices point into what was decoded. */
struct otlp_point {
	struct slice name; /* org.apache.kafka.producer.connection.count */
	bool is_sum, is_delta, is_monotonic;
	double value;
	struct otlp_label labels[OTLP_LABELS_MAX]; /* more are left out */
	size_t label_count;
};

/*
 * Call on_point for each.  Returns 0, or -EBADMSG when the bytes are no
 * protobuf, after those before were told.
 */
int otlp_decode(struct slice bytes,
		void (*on_point)(void *arg, const struct otlp_point *point),
		void *arg);

#endif /* KBROKERD_TELEMETRY_OTLP_H */
