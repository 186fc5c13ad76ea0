/*
 * recompress.h - a batch in another codec
 *
 * For topics whose compression.type is not producer.  The records stay as they
 * are, byte for byte; only the block that they are packed in changes.
 */
#ifndef KBROKERD_PARTITION_RECOMPRESS_H
#define KBROKERD_PARTITION_RECOMPRESS_H

#include "base/buffer.h"
#include "record/batch.h"
#include "record/compress.h"

/*
 * Append the batch, which has been validated, to out, packed by codec and
 * level.  header is the batch's and becomes that of the new one; unpacked_max
 * is what it may unpack to, bytes.
 *
 * Returns 0, or -ENOMEM, -EBADMSG, -E2BIG or -EIO as the codecs do, with out
 * and header as they were.
 */
int batch_recompress(const uint8_t *batch, struct batch_header *header,
		     enum codec codec, int level, size_t unpacked_max,
		     struct buffer *out);

#endif /* KBROKERD_PARTITION_RECOMPRESS_H */
