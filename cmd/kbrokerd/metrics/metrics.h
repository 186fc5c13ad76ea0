/*
 * metrics.h - what a broker can tell of itself in numbers
 *
 * Counted by an observer of the server on the io threads; read, and sampled
 * once a second, by one thread: the clerk of HTTP.
 */
#ifndef KBROKERD_METRICS_METRICS_H
#define KBROKERD_METRICS_METRICS_H

#include "kbrokerd/metrics/clients.h"
#include "kbrokerd/metrics/counters.h"
#include "kbrokerd/metrics/group_table.h"
#include "kbrokerd/metrics/history.h"
#include "kbrokerd/metrics/meters.h"
#include "kbrokerd/metrics/topics.h"

struct broker;
struct buffer;
struct server_observer;

/* Of one API lately: what the status page shows. */
struct api_rate {
	double rate;            /* answers per second */
	int64_t p50_us, p99_us; /* -1: none lately */
	struct api_totals last; /* at the last measuring */
};

struct metrics {
	struct broker *broker;
	struct counters *counters;
	struct meters *meters;
	struct clients *clients;
	struct client_filter **filters; /* of each thread */
	size_t thread_count;
	struct error_walk *walks[COUNTERS_APIS];
	struct server_observer *observer;
	int64_t started_ms; /* wall clock */
	int64_t started_us; /* monotonic */

	/* Of the reading thread. */
	struct topic_table *topics;
	struct group_table *groups;
	struct history history;
	int64_t sampled_us;
	struct all_totals last;
	struct traffic_counts last_traffic, looked_traffic;
	struct api_totals last_produce;
	int64_t last_cpu_us;
	struct api_rate apis[COUNTERS_APIS];
	int64_t measured_us, watched_us;
};

/*
 * For a broker whose server is open and does not run yet: hooks the observer
 * in.  Returns 0 or a negative errno.  It must be freed after the server.
 */
int metrics_new(struct broker *broker, struct metrics **metrics_out);
void metrics_free(struct metrics *m); /* NULL is allowed */

/* The rest is for the reading thread. */

/* Once a second: add to the history; look at the topics now and then while
 * there is traffic, or each time while somebody watches. */
void metrics_sample(struct metrics *m);

/* Somebody looks at the status page: have its numbers fresh, but for the
 * groups. */
void metrics_watch(struct metrics *m);

/* Look at the groups, unless that was lately; what they take is given back when
 * nobody watches any more. */
void metrics_look_at_groups(struct metrics *m);

/* Look at the topics unless that was less than a second ago. */
void metrics_look(struct metrics *m);

/* What the process takes. */
struct process_facts {
	int64_t resident_bytes, virtual_bytes;
	int64_t open_files, max_files; /* -1: not known */
	int64_t cpu_us;                /* since its start, all threads */
};
void metrics_process(struct process_facts *out);

/* What the image says of all partitions. */
struct cluster_facts {
	int64_t topics, partitions, leaders; /* leaders: here */
	int64_t under_replicated, offline;
	int64_t brokers;
	int64_t metadata_offset, image_offset;
};
void metrics_cluster(const struct metrics *m, struct cluster_facts *out);

/* The data directory's file system; used: by the partitions' records, as they
 * were at the last look. */
struct disk_facts {
	int64_t size_bytes, free_bytes, used_bytes; /* -1: not known */
};
void metrics_disk(const struct metrics *m, struct disk_facts *out);

#endif /* KBROKERD_METRICS_METRICS_H */
