/*
 * export.h - the topics that are exported, with all of their partitions
 *
 * The first ones by name, so that a series does not come and go, and not more
 * partitions than a bound.  One thread.
 */
#ifndef KBROKERD_METRICS_EXPORT_H
#define KBROKERD_METRICS_EXPORT_H

#include "kbrokerd/metrics/topics.h"

/* Partitions that are told one by one, for each topic that may be. */
enum { EXPORT_PARTITIONS_EACH = 20 };

struct exported_topic {
	const struct topic_row *row; /* until the next look */
	const struct topic_image *image;
	/* image->partition_count of them, or NULL: not wanted, or too many. */
	struct partition_facts *partitions;
};

struct export
{
	struct exported_topic *topics; /* by name */
	size_t count;
	size_t left_out; /* topics beyond the limit */
	struct exported_topic **by_id;
};

/*
 * limit: topics at most.  image must live as long as the export.  with_facts
 * asks for the partitions' too.  Returns 0 or -ENOMEM.
 */
int export_make(struct export *ex, const struct topic_table *table,
		struct partition_table *partitions, const struct image *image,
		size_t limit, bool with_facts);
void export_clear(struct export *ex);

#endif /* KBROKERD_METRICS_EXPORT_H */
