/*
 * ends.h - where partitions begin and end
 */
#ifndef KGROUPS_ENDS_H
#define KGROUPS_ENDS_H

#include "kgroups/kgroups.h"

struct partition_ends {
	const char *topic;
	int32_t partition;
	/* The answer; -1 where code says why not. */
	int64_t start, end;
	int64_t at; /* first record at or after the time; -1: none so late */
	int16_t code;
};

/*
 * Fill in the answers; a partition may be there several times and is asked for
 * once.  at_ms is the time of at, below 0: none is wanted.  Returns 0, or a
 * negative errno with *error told when nobody could be asked.
 */
int ends_read(struct kgroups *k, struct partition_ends *items, size_t count,
	      int64_t at_ms, struct client_error *error);

#endif /* KGROUPS_ENDS_H */
