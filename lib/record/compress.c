/*
 * compress.c - the codecs of record batches, by number
 *
 * Every output is bounded while it comes out, never after: a decompressor
 * gives a piece at a time, and who asks for pieces counts.
 */
#include "record/compress.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "record/codec.h"
#include "record/pool.h"

/* A thread keeps no decompressor that is larger; most frames take 2.5 MiB. */
enum { DECODER_KEEP_BYTES = 4 << 20 };

enum { PIECE_BYTES = 64 << 10 };

static const struct codec_ops *const codecs[] = {
	[CODEC_NONE] = &codec_none,     [CODEC_GZIP] = &codec_gzip,
	[CODEC_SNAPPY] = &codec_snappy, [CODEC_LZ4] = &codec_lz4,
	[CODEC_ZSTD] = &codec_zstd,
};

static const struct codec_ops *find_codec(enum codec codec)
{
	assert(codec < CODEC_COUNT);
	return codecs[codec];
}

static enum pool_kind decoder_kind(enum codec codec)
{
	return (enum pool_kind)(POOL_DECODER_NONE + codec);
}

const char *codec_name(int codec)
{
	if (codec < 0 || codec >= CODEC_COUNT)
		return NULL;
	return codecs[codec]->name;
}

int codec_by_name(const char *name)
{
	for (int i = 0; i < CODEC_COUNT; i++) {
		if (strcmp(codecs[i]->name, name) == 0)
			return i;
	}
	return strcmp(name, "uncompressed") == 0 ? CODEC_NONE : -EINVAL;
}

static bool has_levels(const struct codec_ops *ops)
{
	return ops->level_min < ops->level_max;
}

bool codec_levels(enum codec codec, int *min_out, int *max_out)
{
	const struct codec_ops *ops = find_codec(codec);

	*min_out = ops->level_min;
	*max_out = ops->level_max;
	/* gzip's -1 is the default, and its 0 nobody means. */
	if (codec == CODEC_GZIP)
		*min_out = 1;
	return has_levels(ops);
}

int codec_check_level(enum codec codec, int level)
{
	const struct codec_ops *ops = find_codec(codec);

	if (level == CODEC_LEVEL_DEFAULT)
		return 0;
	if (!has_levels(ops) || level < ops->level_min ||
	    level > ops->level_max)
		return -ERANGE;
	return codec == CODEC_GZIP && level == 0 ? -ERANGE : 0;
}

int compress_bytes(enum codec codec, int level, struct slice data,
		   struct buffer *out)
{
	const struct codec_ops *ops = find_codec(codec);
	size_t before = out->len;
	int rc;

	assert(!has_levels(ops) || codec_check_level(codec, level) == 0);
	assert(data.len <= INT32_MAX);
	rc = ops->compress(level, data, out);
	if (rc == 0 && out->failed)
		rc = -ENOMEM;
	if (rc < 0)
		out->len = before;
	return rc;
}

int decompressor_new(enum codec codec, struct slice data, size_t limit,
		     struct decompressor **d_out)
{
	const struct codec_ops *ops = find_codec(codec);
	struct decompressor *d = pool_take(decoder_kind(codec));
	int rc;

	if (d == NULL)
		d = ops->decoder_new();
	if (d == NULL)
		return -ENOMEM;
	d->codec = codec;
	d->in = data;
	d->limit = limit;
	rc = ops->decoder_start(d);
	if (rc < 0) {
		decompressor_free(d);
		return rc;
	}
	*d_out = d;
	return 0;
}

static void decoder_release(void *decoder)
{
	struct decompressor *d = decoder;

	find_codec(d->codec)->decoder_free(d);
}

void decompressor_free(struct decompressor *d)
{
	if (d == NULL)
		return;
	if (find_codec(d->codec)->decoder_size(d) <= DECODER_KEEP_BYTES)
		pool_give(decoder_kind(d->codec), d, decoder_release);
	else
		decoder_release(d);
}

int64_t decompressor_read(struct decompressor *d, uint8_t *to, size_t len)
{
	if (len == 0)
		return 0;
	return find_codec(d->codec)->decoder_read(d, to, len);
}

/* Is there nothing more to come?  0 so, -E2BIG when there is. */
static int check_end(struct decompressor *d)
{
	uint8_t more;
	int64_t n = decompressor_read(d, &more, 1);

	return n > 0 ? -E2BIG : (int)n;
}

/* Append all that comes, at most max bytes. */
static int read_all(struct decompressor *d, size_t max, struct buffer *out)
{
	size_t total = 0;

	while (total < max) {
		size_t left = max - total;
		size_t room = left < PIECE_BYTES ? left : PIECE_BYTES;
		uint8_t *to = buffer_reserve(out, room);
		int64_t n;

		if (to == NULL)
			return -ENOMEM;
		/* What is reserved anyway may be filled at once. */
		if (out->capacity - out->len > room)
			room = out->capacity - out->len;
		n = decompressor_read(d, to, room < left ? room : left);
		if (n <= 0)
			return (int)n;
		buffer_commit(out, (size_t)n);
		total += (size_t)n;
	}
	return check_end(d);
}

int decompress_bytes(enum codec codec, struct slice data, size_t max,
		     struct buffer *out)
{
	const struct buffer before = *out;
	struct decompressor *d;
	int rc;

	rc = decompressor_new(codec, data, max, &d);
	if (rc < 0)
		return rc;
	rc = read_all(d, max, out);
	decompressor_free(d);
	if (rc < 0) {
		out->len = before.len;
		out->failed = before.failed;
	}
	return rc;
}
