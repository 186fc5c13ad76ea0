/*
 * codec_none.c - no compression, so that nobody needs an exception for it
 */
#include "record/codec.h"

#include <stdlib.h>

static int none_compress(int level, struct slice data, struct buffer *out)
{
	(void)level;
	buffer_put(out, data.data, data.len);
	return 0;
}

static struct decompressor *none_new(void)
{
	return calloc(1, sizeof(struct decompressor));
}

static void none_free(struct decompressor *d)
{
	free(d);
}

static int none_start(struct decompressor *d)
{
	(void)d;
	return 0;
}

static int64_t none_read(struct decompressor *d, uint8_t *to, size_t len)
{
	if (len > d->in.len)
		len = d->in.len;
	if (len == 0)
		return 0;
	memcpy(to, d->in.data, len);
	d->in.data += len;
	d->in.len -= len;
	return (int64_t)len;
}

static size_t none_size(const struct decompressor *d)
{
	return sizeof(*d);
}

const struct codec_ops codec_none = {
	.name = "none",
	.compress = none_compress,
	.decoder_new = none_new,
	.decoder_free = none_free,
	.decoder_start = none_start,
	.decoder_read = none_read,
	.decoder_size = none_size,
};
