/*
 * wanted_topics.h - topics that must be there before the broker is ready
 *
 * From --topic and from a file (topics.file) that has one a line, with # to
 * comment:
 *
 *	orders:3,retention.ms=604800000,cleanup.policy=compact,delete
 *
 * name, partitions (default: num.partitions), properties of the topic.  A part
 * without = goes on with the value before it.  A topic that is named again is
 * changed by what is said again.
 */
#ifndef KBROKERD_WANTED_TOPICS_H
#define KBROKERD_WANTED_TOPICS_H

#include <stdint.h>

#include "base/properties.h"

struct broker;

enum { WANTED_TOPICS_MAX = 10000, WANTED_NAME_MAX = 249 };

struct wanted_topic {
	char name[WANTED_NAME_MAX + 1];
	int32_t partitions; /* -1: not told */
	struct properties configs;
};

/* All zeroes is none. */
struct wanted_topics {
	struct wanted_topic *items;
	size_t count;
};

void wanted_topics_clear(struct wanted_topics *topics);

/* Add what one text says.  Returns 0, -ENOMEM, or -EINVAL with what is wrong
 * in error. */
int wanted_topics_add(struct wanted_topics *topics, const char *text,
		      char *error, size_t error_size);

/* Add what a file says.  Also the errors of reading it; error then names file
 * and line. */
int wanted_topics_read(struct wanted_topics *topics, const char *path,
		       char *error, size_t error_size);

/*
 * Make the cluster so: create what is missing, add partitions, set properties
 * that are set otherwise.  Nothing is taken away: partitions that are there
 * too many are told in the log.  Waits until all is committed; on any thread
 * but the metadata's.
 *
 * Returns 0, or -EINVAL or -EIO with the first refusal in error; what others
 * were asked is done all the same.
 */
int wanted_topics_apply(const struct wanted_topics *topics,
			struct broker *broker, char *error, size_t error_size);

#endif /* KBROKERD_WANTED_TOPICS_H */
