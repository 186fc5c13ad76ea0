/*
 * record.c - the records of a batch, one after the other
 *
 * A record is parted only once its whole length is known to be there, and all
 * of it must be used up.  Offsets are taken as they come: after compaction
 * they have gaps.
 */
#include "record/record.h"

#include <errno.h>
#include <stdlib.h>

#include "record/compress.h"

struct record_iter {
	struct batch_header header;
	struct buffer unpacked;
	struct slice left; /* records not yet given out */
	int32_t count_left;
};

int record_iter_new(struct slice bytes, size_t decompressed_max,
		    struct record_iter **iter_out)
{
	struct record_iter *iter = NULL;
	int rc = record_iter_reset(&iter, bytes, decompressed_max);

	if (rc < 0) {
		record_iter_free(iter);
		return rc;
	}
	*iter_out = iter;
	return 0;
}

void record_iter_free(struct record_iter *iter)
{
	if (iter == NULL)
		return;
	buffer_clear(&iter->unpacked);
	free(iter);
}

/* Set iter->left to the records, unpacked where they are packed. */
static int unpack(struct record_iter *iter, struct slice records, size_t max)
{
	int codec = batch_codec(&iter->header);
	int rc;

	if (codec == CODEC_NONE) {
		iter->left = records;
		return 0;
	}
	if (codec >= CODEC_COUNT)
		return -EBADMSG;
	buffer_reset(&iter->unpacked);
	rc = decompress_bytes((enum codec)codec, records, max, &iter->unpacked);
	iter->left = buffer_slice(&iter->unpacked);
	return rc;
}

int record_iter_reset(struct record_iter **iter_io, struct slice bytes,
		      size_t decompressed_max)
{
	struct record_iter *iter = *iter_io;
	struct batch_header *h;
	int rc;

	if (iter == NULL)
		iter = calloc(1, sizeof(*iter));
	if (iter == NULL)
		return -ENOMEM;
	*iter_io = iter;
	iter->count_left = 0; /* as long as the batch is not known to be good */
	iter->left = SLICE_NULL;

	h = &iter->header;
	if (batch_header_read(bytes, h) < 0 || h->size > bytes.len ||
	    h->records_count < 0)
		return -EBADMSG;
	/* Compaction leaves batches without records, and without a block. */
	if (h->size == BATCH_HEADER_BYTES)
		return h->records_count == 0 ? 0 : -EBADMSG;
	rc = unpack(iter,
		    (struct slice){ bytes.data + BATCH_HEADER_BYTES,
				    h->size - BATCH_HEADER_BYTES },
		    decompressed_max);
	if (rc == 0)
		iter->count_left = h->records_count;
	return rc;
}

/* Bytes of a record, read front to back; failed once they run out. */
struct reader {
	struct slice left;
	bool failed;
};

static int64_t read_varint(struct reader *r)
{
	int64_t value;
	size_t n = varint_get(r->left.data, r->left.len, &value);

	if (n == 0)
		r->failed = true;
	if (r->failed)
		return 0;
	r->left.data += n;
	r->left.len -= n;
	return value;
}

static struct slice read_bytes(struct reader *r, int64_t len)
{
	struct slice bytes = { r->left.data, (size_t)len };

	if (len < 0)
		return SLICE_NULL;
	if (bytes.len > r->left.len)
		r->failed = true;
	if (r->failed)
		return SLICE_NULL;
	r->left.data += bytes.len;
	r->left.len -= bytes.len;
	return bytes;
}

/* A length and its bytes; below 0 is null. */
static struct slice read_sized(struct reader *r)
{
	return read_bytes(r, read_varint(r));
}

int record_next_header(struct slice *headers, struct record_header *out)
{
	struct reader r = { .left = *headers };

	if (headers->len == 0)
		return 0;
	out->key = read_sized(&r);
	out->value = read_sized(&r);
	if (r.failed || slice_is_null(out->key))
		return -EBADMSG;
	*headers = r.left;
	return 1;
}

/* Are there exactly count headers in bytes? */
static bool headers_hold(struct slice bytes, int64_t count)
{
	struct record_header header;

	for (; count > 0; count--) {
		if (record_next_header(&bytes, &header) != 1)
			return false;
	}
	return count == 0 && bytes.len == 0;
}

/* Part the bytes of one record, without its length. */
static int part_record(const struct batch_header *h, struct slice bytes,
		       struct record *record_out)
{
	struct reader r = { .left = bytes };
	int64_t timestamp_delta;
	int64_t offset_delta;
	int64_t header_count;

	read_bytes(&r, 1); /* attributes: none are used */
	timestamp_delta = read_varint(&r);
	offset_delta = read_varint(&r);
	record_out->key = read_sized(&r);
	record_out->value = read_sized(&r);
	header_count = read_varint(&r);
	if (r.failed || header_count > INT32_MAX ||
	    !headers_hold(r.left, header_count))
		return -EBADMSG;

	/* Sums wrap, as they do in Java. */
	record_out->offset =
		(int64_t)((uint64_t)h->base_offset + (uint64_t)offset_delta);
	record_out->timestamp_ms = (int64_t)((uint64_t)h->base_timestamp_ms +
					     (uint64_t)timestamp_delta);
	if (h->attributes & BATCH_LOG_APPEND_TIME)
		record_out->timestamp_ms = h->max_timestamp_ms;
	record_out->header_count = (int32_t)header_count;
	record_out->headers = r.left;
	return 0;
}

int record_next(struct record_iter *iter, struct record *record_out)
{
	struct reader r = { .left = iter->left };
	struct slice bytes;

	if (iter->count_left == 0)
		return iter->left.len == 0 ? 0 : -EBADMSG;
	bytes = read_sized(&r);
	if (r.failed || slice_is_null(bytes) ||
	    part_record(&iter->header, bytes, record_out) < 0)
		return -EBADMSG;
	iter->left = r.left;
	iter->count_left--;
	return 1;
}
