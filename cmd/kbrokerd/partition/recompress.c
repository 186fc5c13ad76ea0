/*
 * recompress.c - a batch in another codec
 */
#include "kbrokerd/partition/recompress.h"

#include <errno.h>

/* The records of the batch, unpacked: the batch's own bytes, or in space. */
static int unpack(const uint8_t *batch, const struct batch_header *header,
		  size_t unpacked_max, struct buffer *space,
		  struct slice *records_out)
{
	struct slice packed = { batch + BATCH_HEADER_BYTES,
				header->size - BATCH_HEADER_BYTES };
	int rc;

	*records_out = packed;
	if (batch_codec(header) == CODEC_NONE)
		return 0;
	rc = decompress_bytes((enum codec)batch_codec(header), packed,
			      unpacked_max, space);
	*records_out = buffer_slice(space);
	return rc;
}

static int pack(struct slice records, enum codec codec, int level,
		struct buffer *out)
{
	if (codec != CODEC_NONE)
		return compress_bytes(codec, level, records, out);
	buffer_put(out, records.data, records.len);
	return out->failed ? -ENOMEM : 0;
}

int batch_recompress(const uint8_t *batch, struct batch_header *header,
		     enum codec codec, int level, size_t unpacked_max,
		     struct buffer *out)
{
	struct buffer space = { 0 };
	size_t start = out->len;
	struct slice records;
	int rc = unpack(batch, header, unpacked_max, &space, &records);

	if (rc == 0 && buffer_grow(out, BATCH_HEADER_BYTES) == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc = pack(records, codec, level, out);
	if (rc == 0 && out->len - start > INT32_MAX)
		rc = -E2BIG;
	buffer_clear(&space);
	if (rc < 0) {
		out->len = start;
		return rc;
	}
	header->size = (uint32_t)(out->len - start);
	header->attributes =
		(int16_t)((header->attributes & ~BATCH_CODEC_MASK) |
			  (int)codec);
	batch_header_write(out->data + start, header);
	return 0;
}
