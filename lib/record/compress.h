/*
 * compress.h - the codecs of record batches
 *
 * gzip by ISA-L (zlib for an explicit level), snappy with the framing of the
 * Java library or raw, LZ4 frames with independent blocks (Java refuses
 * linked ones), zstd frames.
 */
#ifndef RECORD_COMPRESS_H
#define RECORD_COMPRESS_H

#include "base/buffer.h"

enum codec {
	CODEC_NONE,
	CODEC_GZIP,
	CODEC_SNAPPY,
	CODEC_LZ4,
	CODEC_ZSTD,
	CODEC_COUNT
};

enum { CODEC_LEVEL_DEFAULT = -1000000 };

/* "none", "gzip" ...; NULL for no codec. */
const char *codec_name(int codec);

/* The codec of that name ("uncompressed" too), or -EINVAL. */
int codec_by_name(const char *name);

/* The levels that a codec takes; false when it has none. */
bool codec_levels(enum codec codec, int *min_out, int *max_out);

/* 0 when level is one the codec takes, else -ERANGE. */
int codec_check_level(enum codec codec, int level);

/*
 * Append data, up to 2 GiB, compressed, to out.  level is one that the codec
 * takes; one without levels does not look at it.  Returns 0, -ENOMEM or -EIO.
 */
int compress_bytes(enum codec codec, int level, struct slice data,
		   struct buffer *out);

/*
 * Append data, unpacked, to out, at most max bytes of it.  Returns 0,
 * -EBADMSG, -E2BIG when it is more, or -ENOMEM; out is then as it was.
 */
int decompress_bytes(enum codec codec, struct slice data, size_t max,
		     struct buffer *out);

/* Unpack piece by piece, for who needs to look but not to keep. */
struct decompressor;

/* limit: more bytes than that are not wanted.  A codec that must unpack a piece
 * as a whole says -E2BIG rather than take memory for more; the others do not
 * look at it. */
int decompressor_new(enum codec codec, struct slice data, size_t limit,
		     struct decompressor **d_out);
void decompressor_free(struct decompressor *d);

/* Up to len bytes more: how many (0 at the end), -EBADMSG, -E2BIG or
 * -ENOMEM. */
int64_t decompressor_read(struct decompressor *d, uint8_t *to, size_t len);

#endif /* RECORD_COMPRESS_H */
