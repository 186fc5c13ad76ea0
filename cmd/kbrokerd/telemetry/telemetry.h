/*
 * telemetry.h - metrics that clients push (KIP-714)
 *
 * Every client that asks is an instance: it is told what is wanted of it, and
 * pushes that now and then.  The last values are kept for whoever scrapes the
 * broker, and forgotten when the client is silent for long.
 *
 * Any thread, and none waits but for the lock.
 */
#ifndef KBROKERD_TELEMETRY_TELEMETRY_H
#define KBROKERD_TELEMETRY_TELEMETRY_H

#include "base/random.h"
#include "kbrokerd/telemetry/subscriptions.h"

enum {
	TELEMETRY_INSTANCES_MAX = 16384,
	TELEMETRY_SERIES_MAX = 16384,     /* of all instances */
	TELEMETRY_UNPACKED_MAX = 8 << 20, /* bytes of a push */
	TELEMETRY_POINTS_MAX = 4096,  /* values of a push that are looked at */
	TELEMETRY_SILENCE_MS = 60000, /* or three push intervals */
};

struct telemetry;
struct metadata;
struct config;

/* bytes_max: of a push, telemetry.max.bytes.  NULL: out of memory. */
struct telemetry *telemetry_new(int32_t bytes_max, struct random *random);
void telemetry_free(struct telemetry *t); /* NULL is allowed */

/* The same, with subscriptions as the metadata has them from now on; it must
 * outlive that.  Returns 0 or -ENOMEM. */
int telemetry_follow(struct metadata *metadata, const struct config *config,
		     struct random *random, struct telemetry **t_out);

/* From now on these count; they become the telemetry's. */
void telemetry_set(struct telemetry *t, struct subscriptions *subscriptions);

/* Who asks.  The instance id goes into values by itself. */
struct telemetry_client {
	struct uuid instance_id;
	/* Set by the call: the instance is made for it, or what is wanted of
	 * it was looked up anew: it goes when this connection does. */
	bool is_owner;
	struct slice values[CLIENT_SELECTOR_COUNT];
};

/*
 * GetTelemetrySubscriptions: a zero instance id is replaced by a new one.
 * Returns a wire error code, or -ENOMEM; what is found lies in the arena.
 */
int telemetry_ask(struct telemetry *t, struct telemetry_client *client,
		  int64_t now_ms, struct arena *arena, struct subscribed *out);

struct telemetry_push {
	int32_t subscription_id;
	bool terminating;
	int8_t compression;
	struct slice metrics;
};

/* PushTelemetry: returns a wire error code, or -ENOMEM. */
int telemetry_push(struct telemetry *t, struct telemetry_client *client,
		   const struct telemetry_push *push, int64_t now_ms);

/* The connection that owned it has gone: it may begin anew.  Its values stay a
 * while. */
void telemetry_gone(struct telemetry *t, struct uuid instance_id);

int32_t telemetry_bytes_max(const struct telemetry *t);

/* What is exported. */

struct telemetry_label {
	const char *name, *value;
};

struct telemetry_sample {
	const char *metric; /* "kafka_client_producer_connection_count" */
	bool is_counter;
	double value;
	const struct telemetry_label *labels;
	size_t label_count;
};

/*
 * Call on_sample for each value, those of one metric in a row.  It must not
 * call the telemetry.  Returns 0 or -ENOMEM.
 */
int telemetry_each(struct telemetry *t, int64_t now_ms,
		   void (*on_sample)(void *arg,
				     const struct telemetry_sample *sample),
		   void *arg);

struct telemetry_counts {
	size_t instances, series;
	uint64_t pushes, refused; /* since the start */
	uint64_t left_out;        /* values for which there was no room */
};
void telemetry_count(struct telemetry *t, struct telemetry_counts *out);

#endif /* KBROKERD_TELEMETRY_TELEMETRY_H */
