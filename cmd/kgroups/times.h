/*
 * times.h - when records were written that offsets point to
 */
#ifndef KGROUPS_TIMES_H
#define KGROUPS_TIMES_H

#include "kgroups/kgroups.h"

struct record_time {
	const char *topic;
	int32_t partition;
	int64_t offset;       /* the first record at or after it is meant */
	int64_t end;          /* before this offset */
	int64_t timestamp_ms; /* the answer; -1: none, or not in time */
};

/*
 * Fetch a record of each; partitions may be there several times.  Takes at
 * most -m; what is not known then stays -1.  The answers that are wanted are
 * small: call times_prepare() before run_connect().
 */
void times_read(struct kgroups *k, struct record_time *items, size_t count);
void times_prepare(struct kgroups *k);

#endif /* KGROUPS_TIMES_H */
