/*
 * checkpoint.h - Kafka's text files of counted lines
 *
 * leader-epoch-checkpoint in a partition's directory and the offset
 * checkpoints of a data directory have one form, ASCII, each line ended by a
 * newline:
 *
 *	0          version
 *	<count>
 *	<entry>    as many lines as count says
 *
 * Kafka creates the file empty before it first writes: that is no entry.  It
 * is replaced as a whole, so a crash leaves the old or the new one.
 */
#ifndef LOG_CHECKPOINT_H
#define LOG_CHECKPOINT_H

#include "base/buffer.h"
#include "log/vfs.h"

enum { CHECKPOINT_FILE_BYTES_MAX = 64 << 20 };

/* Start the text of a file with count entries; the caller adds the lines. */
void checkpoint_begin(struct buffer *text, size_t count);

/*
 * Read the file at path and call on_line for each entry, which it may write
 * into; what it returns when not 0 ends the reading.  A missing file has none.
 * Returns 0, -EBADMSG when the file is malformed, -ENOMEM, or an error of the
 * file system.
 */
int checkpoint_read(struct vfs *vfs, const char *path,
		    int (*on_line)(void *arg, char *line), void *arg);

#endif /* LOG_CHECKPOINT_H */
