/*
 * record.h - the records of a batch, one after the other
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include "base/bytes.h"
#include "record/batch.h"

struct record_header {
	struct slice key;   /* never null */
	struct slice value; /* may be null */
};

struct record {
	int64_t offset;
	int64_t timestamp_ms; /* the batch's max under LogAppendTime */
	struct slice key;     /* null and empty differ */
	struct slice value;
	int32_t header_count;
	struct slice headers; /* raw; walk with record_next_header() */
};

/*
 * Walks one batch.  Where the batch is compressed its records are unpacked
 * into memory of the iterator's, else they are slices of the batch.
 */
struct record_iter;

/*
 * bytes starts with a whole batch whose header has been read (and whose CRC
 * the caller has checked if it cares); it must outlive the iterator.
 * decompressed_max bounds what it may unpack to, bytes.
 *
 * Returns 0, -EBADMSG when it cannot be unpacked, -E2BIG over the bound,
 * -ENOMEM.  *iter_out ends with record_iter_free().
 */
int record_iter_new(struct slice bytes, size_t decompressed_max,
		    struct record_iter **iter_out);
void record_iter_free(struct record_iter *iter);

/*
 * Use the iterator again for another batch, keeping its memory; *iter may be
 * NULL at first.  As record_iter_new(); the iterator stays valid on error.
 */
int record_iter_reset(struct record_iter **iter, struct slice bytes,
		      size_t decompressed_max);

/* Returns 1 with the next record (slices valid until reset or free), 0 at
 * the end, -EBADMSG when it is malformed. */
int record_next(struct record_iter *iter, struct record *record_out);

/* Takes the next header off *headers: 1, 0 at the end, or -EBADMSG. */
int record_next_header(struct slice *headers, struct record_header *out);

#endif /* RECORD_RECORD_H */
