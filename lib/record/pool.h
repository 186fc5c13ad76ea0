/*
 * pool.h - what a thread keeps from one batch to the next
 *
 * Contexts of the compression libraries take up to some MB; making one for
 * each batch would cost more than the batch.  Each thread keeps at most one
 * of each kind, so that nothing is locked; it is released when the thread
 * ends.  (What the main thread keeps at exit goes with the process.)
 */
#ifndef RECORD_POOL_H
#define RECORD_POOL_H

enum pool_kind {
	POOL_DECODER_NONE, /* decoders in the order of enum codec */
	POOL_DECODER_GZIP,
	POOL_DECODER_SNAPPY,
	POOL_DECODER_LZ4,
	POOL_DECODER_ZSTD,
	POOL_ENCODER_GZIP,
	POOL_ENCODER_ZSTD,
	POOL_WINDOW,
	POOL_KINDS
};

/* What this thread keeps of that kind, now the caller's; NULL for nothing. */
void *pool_take(enum pool_kind kind);

/*
 * Keep object, or release it where one is kept already.  release is also what
 * ends it with the thread.
 */
void pool_give(enum pool_kind kind, void *object, void (*release)(void *));

#endif /* RECORD_POOL_H */
