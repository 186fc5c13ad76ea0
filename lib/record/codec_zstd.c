/*
 * codec_zstd.c - zstd frames
 *
 * A frame says how far it looks back, and the reader needs that much memory:
 * up to 128 MiB, the library's own limit and that of the Java readers.  Pages
 * of it are touched only as far as bytes come out.
 */
#include "record/codec.h"

#include <errno.h>
#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "record/pool.h"

enum {
	LEVEL_MIN = -131072,
	LEVEL_MAX = 22,
	ENCODER_KEEP_BYTES = 8 << 20,
};

static void encoder_release(void *encoder)
{
	ZSTD_freeCCtx(encoder);
}

static int zstd_compress(int level, struct slice data, struct buffer *out)
{
	size_t bound = ZSTD_compressBound(data.len);
	uint8_t *to = buffer_reserve(out, bound);
	ZSTD_CCtx *encoder = pool_take(POOL_ENCODER_ZSTD);
	size_t len;

	if (encoder == NULL)
		encoder = ZSTD_createCCtx();
	if (to == NULL || encoder == NULL) {
		ZSTD_freeCCtx(encoder);
		return -ENOMEM;
	}
	if (level == CODEC_LEVEL_DEFAULT)
		level = ZSTD_defaultCLevel();
	len = ZSTD_compressCCtx(encoder, to, bound, data.data, data.len, level);
	if (ZSTD_sizeof_CCtx(encoder) <= ENCODER_KEEP_BYTES)
		pool_give(POOL_ENCODER_ZSTD, encoder, encoder_release);
	else
		encoder_release(encoder);
	if (ZSTD_isError(len))
		return -ENOMEM; /* nothing else can be wrong */
	buffer_commit(out, len);
	return 0;
}

struct zstd_decoder {
	struct decompressor base;
	ZSTD_DCtx *context;
	bool inside; /* of a frame */
};

static struct decompressor *zstd_new(void)
{
	struct zstd_decoder *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return NULL;
	z->context = ZSTD_createDCtx();
	if (z->context == NULL) {
		free(z);
		return NULL;
	}
	return &z->base;
}

static void zstd_free(struct decompressor *d)
{
	ZSTD_freeDCtx(((struct zstd_decoder *)d)->context);
	free(d);
}

static int zstd_start(struct decompressor *d)
{
	struct zstd_decoder *z = (struct zstd_decoder *)d;

	if (d->in.len == 0)
		return -EBADMSG;
	ZSTD_DCtx_reset(z->context, ZSTD_reset_session_only);
	z->inside = true;
	return 0;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): zstd writes to it */
static int64_t zstd_read(struct decompressor *d, uint8_t *to, size_t len)
{
	struct zstd_decoder *z = (struct zstd_decoder *)d;
	ZSTD_outBuffer out = { to, len, 0 };

	while (z->inside || d->in.len > 0) {
		ZSTD_inBuffer in = { d->in.data, d->in.len, 0 };
		size_t hint = ZSTD_decompressStream(z->context, &out, &in);

		if (ZSTD_isError(hint))
			return ZSTD_getErrorCode(hint) ==
					       ZSTD_error_memory_allocation
				       ? -ENOMEM
				       : -EBADMSG;
		d->in.data += in.pos;
		d->in.len -= in.pos;
		z->inside = hint != 0;
		if (out.pos > 0)
			return (int64_t)out.pos;
		if (in.pos == 0 && z->inside)
			return -EBADMSG; /* cut off */
	}
	return 0;
}

static size_t zstd_size(const struct decompressor *d)
{
	return ZSTD_sizeof_DCtx(((const struct zstd_decoder *)d)->context);
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.level_min = LEVEL_MIN,
	.level_max = LEVEL_MAX,
	.compress = zstd_compress,
	.decoder_new = zstd_new,
	.decoder_free = zstd_free,
	.decoder_start = zstd_start,
	.decoder_read = zstd_read,
	.decoder_size = zstd_size,
};
