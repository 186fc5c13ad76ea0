/*
 * records.h - some records of a partition
 */
#ifndef KGROUPS_RECORDS_H
#define KGROUPS_RECORDS_H

#include "client/consumer.h"
#include "kgroups/kgroups.h"

/*
 * Call on_record(arg, record) for those from offset from to before to, until
 * it returns false.  Returns false with the error said and counted when they
 * cannot be read, or not within -m.
 */
bool records_read(struct kgroups *k, const char *topic, int32_t partition,
		  int64_t from, int64_t to,
		  bool (*on_record)(void *arg,
				    const struct consumer_record *record),
		  void *arg);

#endif /* KGROUPS_RECORDS_H */
