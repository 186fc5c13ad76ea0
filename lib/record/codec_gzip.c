/*
 * codec_gzip.c - gzip: ISA-L, and zlib where a level was asked for
 *
 * ISA-L has four levels of its own and no others, but is several times as
 * fast; so the default is its, and levels 1 to 9 mean what they mean to zlib.
 * A stream may be several members one after the other (RFC 1952), as Java
 * reads them too.
 */
#include "record/codec.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <isa-l/igzip_lib.h>
#include <zlib.h>

#include "record/pool.h"

enum { IGZIP_LEVEL = 2, CHUNK_BYTES = 16 << 10 };

/* Compress with ISA-L */

struct igzip {
	struct isal_zstream stream;
	uint8_t level_memory[ISAL_DEF_LVL2_DEFAULT];
};

/* Run the stream to its end; returns 0, -ENOMEM or -EIO. */
static int igzip_run(struct isal_zstream *s, struct buffer *out)
{
	while (s->internal_state.state != ZSTATE_END) {
		uint8_t *to = buffer_reserve(out, CHUNK_BYTES);

		if (to == NULL)
			return -ENOMEM;
		s->next_out = to;
		s->avail_out = CHUNK_BYTES;
		if (isal_deflate(s) != COMP_OK)
			return -EIO; /* UNTESTED: our parameters are good */
		buffer_commit(out, CHUNK_BYTES - s->avail_out);
	}
	return 0;
}

static int igzip_compress(struct slice data, struct buffer *out)
{
	struct igzip *igzip = pool_take(POOL_ENCODER_GZIP);
	int rc;

	if (igzip == NULL)
		igzip = malloc(sizeof(*igzip));
	if (igzip == NULL)
		return -ENOMEM;
	isal_deflate_init(&igzip->stream);
	igzip->stream.level = IGZIP_LEVEL;
	igzip->stream.level_buf = igzip->level_memory;
	igzip->stream.level_buf_size = sizeof(igzip->level_memory);
	igzip->stream.gzip_flag = IGZIP_GZIP;
	igzip->stream.end_of_stream = 1;
	igzip->stream.next_in = (uint8_t *)data.data;
	igzip->stream.avail_in = (uint32_t)data.len;
	rc = igzip_run(&igzip->stream, out);
	pool_give(POOL_ENCODER_GZIP, igzip, free);
	return rc;
}

/* Compress with zlib */

enum { ZLIB_GZIP_WINDOW = 15 + 16 };

static int zlib_compress(int level, struct slice data, struct buffer *out)
{
	z_stream z = { .next_in = (uint8_t *)data.data,
		       .avail_in = (uInt)data.len };
	size_t bound;
	uint8_t *to;
	int rc;

	if (deflateInit2(&z, level, Z_DEFLATED, ZLIB_GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -ENOMEM;
	bound = deflateBound(&z, (uLong)data.len);
	to = buffer_reserve(out, bound);
	z.next_out = to;
	z.avail_out = (uInt)bound;
	rc = to == NULL ? Z_MEM_ERROR : deflate(&z, Z_FINISH);
	if (rc == Z_STREAM_END)
		buffer_commit(out, bound - z.avail_out);
	deflateEnd(&z);
	if (rc == Z_MEM_ERROR)
		return -ENOMEM;
	return rc == Z_STREAM_END ? 0 : -EIO;
}

static int gzip_compress(int level, struct slice data, struct buffer *out)
{
	assert(data.len <= INT32_MAX);
	if (level == CODEC_LEVEL_DEFAULT || level == Z_DEFAULT_COMPRESSION)
		return igzip_compress(data, out);
	return zlib_compress(level, data, out);
}

/* Decompress */

struct gzip_decoder {
	struct decompressor base;
	struct inflate_state state;
};

static struct decompressor *gzip_new(void)
{
	struct gzip_decoder *g = malloc(sizeof(*g));

	return g == NULL ? NULL : &g->base;
}

static void gzip_free(struct decompressor *d)
{
	free(d);
}

static void begin_member(struct inflate_state *state)
{
	isal_inflate_reset(state);
	state->crc_flag = ISAL_GZIP;
}

static int gzip_start(struct decompressor *d)
{
	struct gzip_decoder *g = (struct gzip_decoder *)d;

	if (d->in.len == 0 || d->in.len > UINT32_MAX)
		return -EBADMSG;
	isal_inflate_init(&g->state);
	begin_member(&g->state);
	g->state.next_in = (uint8_t *)d->in.data;
	g->state.avail_in = (uint32_t)d->in.len;
	return 0;
}

static int64_t gzip_read(struct decompressor *d, uint8_t *to, size_t len)
{
	struct inflate_state *state = &((struct gzip_decoder *)d)->state;
	uint32_t want = len > INT32_MAX ? INT32_MAX : (uint32_t)len;

	state->next_out = to;
	state->avail_out = want;
	for (;;) {
		uint32_t in_before = state->avail_in;

		if (state->block_state == ISAL_BLOCK_FINISH) {
			if (in_before == 0)
				return 0;
			begin_member(state);
		}
		if (isal_inflate(state) != ISAL_DECOMP_OK)
			return -EBADMSG;
		if (state->avail_out < want)
			return want - state->avail_out;
		/* No byte out: a member ended, else the input is cut off. */
		if (state->block_state != ISAL_BLOCK_FINISH)
			return -EBADMSG;
	}
}

static size_t gzip_size(const struct decompressor *d)
{
	(void)d;
	return sizeof(struct gzip_decoder);
}

const struct codec_ops codec_gzip = {
	.name = "gzip",
	.level_min = Z_DEFAULT_COMPRESSION,
	.level_max = Z_BEST_COMPRESSION,
	.compress = gzip_compress,
	.decoder_new = gzip_new,
	.decoder_free = gzip_free,
	.decoder_start = gzip_start,
	.decoder_read = gzip_read,
	.decoder_size = gzip_size,
};
