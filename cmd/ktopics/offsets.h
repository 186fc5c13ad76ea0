/*
 * offsets.h - offsets of all partitions of some topics
 */
#ifndef KTOPICS_OFFSETS_H
#define KTOPICS_OFFSETS_H

#include "client/admin.h"
#include "ktopics/topics.h"

/* One partition of a topic: what was asked, in the order of the queries. */
struct partition_offsets {
	const struct metadata_response_topics *topic;
	const struct metadata_response_topics_partitions *partition;
	struct admin_offset *items; /* one for each query */
};

struct offset_list {
	struct partition_offsets *partitions; /* by topic, then by number */
	size_t count;
	struct admin_offset *items;
};

/*
 * Ask for the offsets that queries (ms, or ADMIN_EARLIEST and the like) name
 * in every partition of the topics, as they are sorted there.  Partitions
 * that cannot be asked have a code in their items; that nobody could be asked
 * is said and counted, and is false.
 */
bool offsets_ask(struct ktopics *k, const struct topic_list *topics,
		 const int64_t *queries, size_t query_count,
		 struct offset_list *list_out);
void offsets_clear(struct offset_list *list);

/* A cell: the offset, or none where it could not be had. */
void offsets_cell(struct table *table, const struct admin_offset *item);

/* Say and count why the item has no offset; nothing where it has one. */
void offsets_check(struct ktopics *k, const struct admin_offset *item);

#endif /* KTOPICS_OFFSETS_H */
