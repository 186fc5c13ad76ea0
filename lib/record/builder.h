/*
 * builder.h - make a record batch, record by record
 *
 * Records are encoded uncompressed as they come; finishing compresses them
 * into one block, if that was asked for, and writes header and checksum.
 */
#ifndef RECORD_BUILDER_H
#define RECORD_BUILDER_H

#include "base/buffer.h"
#include "record/compress.h"
#include "record/record.h"

struct batch_builder {
	struct buffer records; /* encoded, uncompressed */
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
	int32_t count;
};

struct batch_params {
	int64_t base_offset;
	int32_t leader_epoch; /* -1 from a producer */
	int16_t attributes;   /* but the codec's bits */
	enum codec codec;
	int level;           /* CODEC_LEVEL_DEFAULT, or the codec's own */
	int64_t producer_id; /* -1, -1, -1 without idempotence */
	int16_t producer_epoch;
	int32_t base_sequence;
};

void batch_builder_init(struct batch_builder *b);
void batch_builder_clear(struct batch_builder *b);

/* Empty again, memory kept. */
void batch_builder_reset(struct batch_builder *b);

/*
 * Add a record; its bytes are copied.  headers are count pairs.  Offset
 * deltas run from 0.  Returns 0, -ENOMEM, or -E2BIG when the batch would pass
 * the 2 GiB of its format; the builder is then as it was.
 */
int batch_builder_add(struct batch_builder *b, int64_t timestamp_ms,
		      struct slice key, struct slice value,
		      const struct record_header *headers, int32_t count);

/* Bytes that such a record would take, at most. */
size_t record_size_max(struct slice key, struct slice value,
		       const struct record_header *headers, int32_t count);

/* Bytes of the batch if it were finished uncompressed. */
size_t batch_builder_size(const struct batch_builder *b);

/*
 * Append the finished batch to out.  The builder keeps its records until
 * reset, so that the batch can be made again; there is at least one.  Returns
 * 0, -ENOMEM, -E2BIG as above, or -EIO when the codec's library refuses; out
 * has then what it had.
 */
int batch_builder_finish(const struct batch_builder *b,
			 const struct batch_params *params, struct buffer *out);

#endif /* RECORD_BUILDER_H */
