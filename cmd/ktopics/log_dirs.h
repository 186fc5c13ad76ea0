/*
 * log_dirs.h - what partitions take on the disks of brokers
 */
#ifndef KTOPICS_LOG_DIRS_H
#define KTOPICS_LOG_DIRS_H

#include "ktopics/topics.h"

/* One replica of a partition. */
struct log_dir_entry {
	size_t topic; /* index in the list of topics */
	int32_t partition;
	int32_t broker;
	const char *dir; /* valid while told */
	int64_t bytes;
	int64_t lag;    /* behind the high watermark */
	bool is_future; /* on its way to this directory */
};

/*
 * Ask all brokers what they have of the topics, and tell each replica.
 * Brokers that do not answer are said and counted; those too old for the
 * question only with -v.  Returns whether any answered.
 */
bool log_dirs_each(struct ktopics *k, const struct topic_list *topics,
		   void (*tell)(void *arg, const struct log_dir_entry *entry),
		   void *arg);

#endif /* KTOPICS_LOG_DIRS_H */
