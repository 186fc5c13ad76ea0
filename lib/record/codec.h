/*
 * codec.h - what each codec does for compress.c
 *
 * A codec is a row of functions in a file of its own; nobody but compress.c
 * calls them.
 */
#ifndef RECORD_CODEC_H
#define RECORD_CODEC_H

#include "record/compress.h"

/* The front of each codec's own decompressor. */
struct decompressor {
	enum codec codec;
	struct slice in; /* what is left to unpack */
	size_t limit;    /* more than so many bytes nobody will take */
};

struct codec_ops {
	const char *name;
	int level_min; /* both 0 for a codec without levels */
	int level_max;

	/* As compress_bytes(); level is checked, or CODEC_LEVEL_DEFAULT. */
	int (*compress)(int level, struct slice data, struct buffer *out);

	/* A decompressor of no bytes yet, or NULL when out of memory. */
	struct decompressor *(*decoder_new)(void);
	void (*decoder_free)(struct decompressor *d);

	/*
	 * Begin with the bytes in d->in, whatever was before.  Returns 0 or
	 * -EBADMSG.
	 */
	int (*decoder_start)(struct decompressor *d);

	/* As decompressor_read(); len is never 0. */
	int64_t (*decoder_read)(struct decompressor *d, uint8_t *to,
				size_t len);

	/* Bytes of memory that it holds. */
	size_t (*decoder_size)(const struct decompressor *d);
};

extern const struct codec_ops codec_none;
extern const struct codec_ops codec_gzip;
extern const struct codec_ops codec_snappy;
extern const struct codec_ops codec_lz4;
extern const struct codec_ops codec_zstd;

#endif /* RECORD_CODEC_H */
