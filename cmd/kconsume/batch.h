/*
 * batch.h - the records that a command gets at once
 *
 * Their bytes as printed, one after the other, and where each came from; for
 * those that may go to another topic also what they are.
 */
#ifndef KCONSUME_BATCH_H
#define KCONSUME_BATCH_H

#include "base/arena.h"
#include "base/buffer.h"
#include "client/consumer.h"

enum {
	BATCH_BYTES_MAX = 64 << 20, /* it is full then, whatever its count */
	BATCH_RECORDS_MAX = 1000000,
	BATCH_MS = 1000, /* that one waits to fill, unless said */
};

struct batch_record {
	const char *topic;
	int32_t partition;
	struct record record; /* key, value and headers: null if not kept */
};

struct batch {
	bool keeps_records;           /* to be set at the start, if wanted */
	struct buffer bytes;          /* append a record's, then batch_add() */
	struct batch_record *records; /* count */
	size_t count, capacity;
	struct arena arena;
};

/* All zeroes is an empty batch. */
void batch_clear(struct batch *b);

/* Forget the records, keep memory for the next. */
void batch_reset(struct batch *b);

/* Count the record in, copied.  0 or -ENOMEM. */
int batch_add(struct batch *b, const struct consumer_record *record);

/* Is there room for no more? */
bool batch_is_full(const struct batch *b);

/* "3 records: orders [0] 17 to orders [2] 4", appended to out. */
void batch_describe(const struct batch *b, struct buffer *out);

#endif /* KCONSUME_BATCH_H */
