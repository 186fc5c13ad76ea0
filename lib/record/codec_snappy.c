/*
 * codec_snappy.c - snappy, in the framing of the Java library or raw
 *
 * The frame (xerial's) is what Java clients write:
 *
 *	 0   8   82 'S' 'N' 'A' 'P' 'P' 'Y' 00
 *	 8   4   version, 1
 *	12   4   least version of a reader, 1
 *	16   -   blocks: 4 bytes of length, then that much raw snappy
 *
 * Other clients (librdkafka) send one raw block without a frame.  A block
 * cannot be unpacked in parts: memory is taken for one whole, after a check
 * that it can be as large as it says.
 */
#include "record/codec.h"

#include <errno.h>
#include <stdlib.h>

#include <snappy-c.h>

enum {
	FRAME_HEADER_BYTES = 16,
	FRAME_MAGIC_BYTES = 8,
	BLOCK_BYTES = 32 << 10, /* what Java writes */
	/* Three bytes of snappy can stand for 64, none for more. */
	RATIO_MAX = 22,
};

static const uint8_t frame_header[FRAME_HEADER_BYTES] = {
	0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1,
};

/* Compress */

static int compress_block(struct slice block, struct buffer *out)
{
	size_t len = snappy_max_compressed_length(block.len);
	uint8_t *to = buffer_reserve(out, 4 + len);

	if (to == NULL)
		return -ENOMEM;
	if (snappy_compress((const char *)block.data, block.len, (char *)to + 4,
			    &len) != SNAPPY_OK)
		return -EIO; /* UNTESTED: the room is always enough */
	put_be32(to, (uint32_t)len);
	buffer_commit(out, 4 + len);
	return 0;
}

static int snappy_compress_frame(int level, struct slice data,
				 struct buffer *out)
{
	int rc = 0;

	(void)level;
	buffer_put(out, frame_header, sizeof(frame_header));
	while (data.len > 0 && rc == 0) {
		size_t n = data.len < BLOCK_BYTES ? data.len : BLOCK_BYTES;

		rc = compress_block((struct slice){ data.data, n }, out);
		data.data += n;
		data.len -= n;
	}
	return rc;
}

/* Decompress */

struct snappy_decoder {
	struct decompressor base;
	bool raw;
	struct buffer block; /* unpacked */
	size_t taken;        /* of it */
};

static struct decompressor *snappy_new(void)
{
	struct snappy_decoder *s = calloc(1, sizeof(*s));

	return s == NULL ? NULL : &s->base;
}

static void snappy_free(struct decompressor *d)
{
	buffer_clear(&((struct snappy_decoder *)d)->block);
	free(d);
}

static bool starts_frame(struct slice in)
{
	return in.len >= FRAME_HEADER_BYTES &&
	       memcmp(in.data, frame_header, FRAME_MAGIC_BYTES) == 0;
}

static struct slice take(struct slice *in, size_t len)
{
	struct slice taken = { in->data, len };

	in->data += len;
	in->len -= len;
	return taken;
}

static int snappy_start(struct decompressor *d)
{
	struct snappy_decoder *s = (struct snappy_decoder *)d;

	if (d->in.len == 0)
		return -EBADMSG;
	buffer_reset(&s->block);
	s->taken = 0;
	s->raw = !starts_frame(d->in);
	return 0;
}

/* Take the next block off the input: 1, 0 at its end, or -EBADMSG. */
static int next_block(struct snappy_decoder *s, struct slice *block_out)
{
	struct slice *in = &s->base.in;
	uint32_t len;

	if (s->raw) {
		*block_out = take(in, in->len);
		return block_out->len > 0;
	}
	/* Frames may follow each other: Java's reader knows that too. */
	while (starts_frame(*in))
		take(in, FRAME_HEADER_BYTES);
	if (in->len == 0)
		return 0;
	if (in->len < 4)
		return -EBADMSG;
	len = get_be32(take(in, 4).data);
	if (len > in->len)
		return -EBADMSG;
	*block_out = take(in, len);
	return 1;
}

static int unpack_block(struct snappy_decoder *s, struct slice block)
{
	const char *from = (const char *)block.data;
	size_t len;
	uint8_t *to;

	if (snappy_uncompressed_length(from, block.len, &len) != SNAPPY_OK ||
	    len > block.len * RATIO_MAX)
		return -EBADMSG;
	if (len > s->base.limit)
		return -E2BIG;
	buffer_reset(&s->block);
	s->taken = 0;
	to = buffer_reserve(&s->block, len);
	if (to == NULL)
		return -ENOMEM;
	if (snappy_uncompress(from, block.len, (char *)to, &len) != SNAPPY_OK)
		return -EBADMSG;
	buffer_commit(&s->block, len);
	return 0;
}

static int64_t snappy_read(struct decompressor *d, uint8_t *to, size_t len)
{
	struct snappy_decoder *s = (struct snappy_decoder *)d;

	while (s->taken == s->block.len) {
		struct slice block;
		int rc = next_block(s, &block);

		if (rc == 1)
			rc = unpack_block(s, block);
		else if (rc == 0)
			return 0;
		if (rc < 0)
			return rc;
	}
	if (len > s->block.len - s->taken)
		len = s->block.len - s->taken;
	memcpy(to, s->block.data + s->taken, len);
	s->taken += len;
	return (int64_t)len;
}

static size_t snappy_size(const struct decompressor *d)
{
	const struct snappy_decoder *s = (const struct snappy_decoder *)d;

	return sizeof(*s) + s->block.capacity;
}

const struct codec_ops codec_snappy = {
	.name = "snappy",
	.compress = snappy_compress_frame,
	.decoder_new = snappy_new,
	.decoder_free = snappy_free,
	.decoder_start = snappy_start,
	.decoder_read = snappy_read,
	.decoder_size = snappy_size,
};
