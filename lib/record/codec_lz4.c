/*
 * codec_lz4.c - LZ4 frames as Java reads and writes them
 *
 * Blocks of 64 KiB, each for itself, no checksum but the header's.  Java's
 * reader refuses linked blocks; so they are refused here, since what a broker
 * takes, every consumer must be able to read.
 */
#include "record/codec.h"

#include <errno.h>
#include <stdlib.h>

#include <lz4frame.h>

enum {
	LEVEL_MIN = 1,
	LEVEL_MAX = 17,
	LEVEL_FAST = 9, /* Kafka's default, and by it the fast compressor */
	LEVEL_HC_MIN = 3,
	LEVEL_HC_MAX = 12,

	FRAME_MAGIC = 0x184d2204, /* little endian */
	FRAME_FLAGS_AT = 4,
	FRAME_BLOCK_SIZE_AT = 5,
	FRAME_INDEPENDENT = 1 << 5,
	FRAME_HEADER_BYTES_MIN = 7,
};

/* Kafka's level as liblz4 counts: 0 is fast, from 3 on it searches. */
static int lz4_level(int level)
{
	if (level == CODEC_LEVEL_DEFAULT || level == LEVEL_FAST)
		return 0;
	if (level < LEVEL_HC_MIN)
		return LEVEL_HC_MIN;
	return level > LEVEL_HC_MAX ? LEVEL_HC_MAX : level;
}

static int lz4_compress(int level, struct slice data, struct buffer *out)
{
	const LZ4F_preferences_t preferences = {
		.frameInfo = { .blockSizeID = LZ4F_max64KB,
			       .blockMode = LZ4F_blockIndependent },
		.compressionLevel = lz4_level(level),
	};
	size_t bound = LZ4F_compressFrameBound(data.len, &preferences);
	uint8_t *to = buffer_reserve(out, bound);
	size_t len;

	if (to == NULL)
		return -ENOMEM;
	len = LZ4F_compressFrame(to, bound, data.data, data.len, &preferences);
	if (LZ4F_isError(len))
		return -EIO; /* UNTESTED: the room is always enough */
	buffer_commit(out, len);
	return 0;
}

struct lz4_decoder {
	struct decompressor base;
	LZ4F_dctx *context;
	size_t block_bytes; /* of the largest blocks so far */
	bool ended;
};

static struct decompressor *lz4_new(void)
{
	struct lz4_decoder *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	if (LZ4F_isError(LZ4F_createDecompressionContext(&l->context,
							 LZ4F_VERSION))) {
		free(l);
		return NULL;
	}
	return &l->base;
}

static void lz4_free(struct decompressor *d)
{
	LZ4F_freeDecompressionContext(((struct lz4_decoder *)d)->context);
	free(d);
}

/* The most that a block of this frame can hold: 64 KiB to 4 MiB. */
static size_t block_bytes(struct slice frame)
{
	return (size_t)1 << (8 +
			     2 * (frame.data[FRAME_BLOCK_SIZE_AT] >> 4 & 7));
}

static int lz4_start(struct decompressor *d)
{
	struct lz4_decoder *l = (struct lz4_decoder *)d;

	if (d->in.len < FRAME_HEADER_BYTES_MIN ||
	    get_be32(d->in.data) != __builtin_bswap32(FRAME_MAGIC) ||
	    (d->in.data[FRAME_FLAGS_AT] & FRAME_INDEPENDENT) == 0)
		return -EBADMSG;
	LZ4F_resetDecompressionContext(l->context);
	if (block_bytes(d->in) > l->block_bytes)
		l->block_bytes = block_bytes(d->in);
	l->ended = false;
	return 0;
}

static int64_t lz4_read(struct decompressor *d, uint8_t *to, size_t len)
{
	struct lz4_decoder *l = (struct lz4_decoder *)d;

	while (!l->ended) {
		size_t out = len;
		size_t in = d->in.len;
		size_t hint = LZ4F_decompress(l->context, to, &out, d->in.data,
					      &in, NULL);

		if (LZ4F_isError(hint))
			return -EBADMSG;
		d->in.data += in;
		d->in.len -= in;
		l->ended = hint == 0;
		if (out > 0)
			return (int64_t)out;
		if (in == 0 && !l->ended)
			return -EBADMSG; /* cut off */
	}
	return d->in.len == 0 ? 0 : -EBADMSG;
}

static size_t lz4_size(const struct decompressor *d)
{
	const struct lz4_decoder *l = (const struct lz4_decoder *)d;

	/* The library holds one block packed and one unpacked. */
	return sizeof(*l) + 2 * l->block_bytes;
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.level_min = LEVEL_MIN,
	.level_max = LEVEL_MAX,
	.compress = lz4_compress,
	.decoder_new = lz4_new,
	.decoder_free = lz4_free,
	.decoder_start = lz4_start,
	.decoder_read = lz4_read,
	.decoder_size = lz4_size,
};
