/*
 * topics.h - each topic's size, rates and last write, for metrics and people
 *
 * Made from the facts of all partitions when somebody looks, or from time to
 * time: nothing is counted per request.  One thread.
 */
#ifndef KBROKERD_METRICS_TOPICS_H
#define KBROKERD_METRICS_TOPICS_H

#include <stdbool.h>

#include "base/uuid.h"
#include "kbrokerd/partition/facts.h"

struct image;
struct topic_table;

/* A small chart: SPARK_POINTS means of SPARK_SECONDS each. */
enum { SPARK_POINTS = 60, SPARK_SECONDS = 10, SPARKS_MAX = 512 };

struct spark {
	int64_t last; /* number of the newest point since some start */
	float points[SPARK_POINTS];
};

struct topic_row {
	struct uuid id;
	char *name;
	int32_t partition_count;
	int32_t offline_count; /* without a leader, or with a failed disk */
	int32_t under_replicated_count;
	/* Sums over its partitions. */
	int64_t size_bytes, records;
	int64_t start_offset, end_offset;
	int64_t last_write_ms; /* -1: never */
	struct traffic_counts traffic;
	double in_rate, out_rate, records_in_rate; /* per second */
	struct spark *spark; /* of bytes in and out; NULL: was idle */
};

/* NULL when out of memory. */
struct topic_table *topic_table_new(void);
void topic_table_free(struct topic_table *table);

/*
 * Look at all partitions.  Rates are means over the time since the last look,
 * smoothed over some seconds.  now_us is monotonic.  Returns 0 or -ENOMEM.
 */
int topic_table_look(struct topic_table *table, struct partition_table *from,
		     const struct image *image, int64_t now_us);

/* When the last look was, us; INT64_MIN: never. */
int64_t topic_table_looked_us(const struct topic_table *table);

enum topic_order {
	TOPICS_BY_NAME,
	TOPICS_BY_PARTITIONS,
	TOPICS_BY_SIZE,
	TOPICS_BY_RECORDS,
	TOPICS_BY_IN,
	TOPICS_BY_OUT,
	TOPICS_BY_LAST_WRITE,
};

/*
 * Pointers to rows whose name has filter in it ("": all), in order, which are
 * valid until the next look.  Returns how many of *rows_out, which the caller
 * frees; NULL when out of memory or there are none.
 */
size_t topic_table_list(const struct topic_table *table, const char *filter,
			enum topic_order order, bool descending,
			const struct topic_row ***rows_out);

size_t topic_table_count(const struct topic_table *table);

#endif /* KBROKERD_METRICS_TOPICS_H */
