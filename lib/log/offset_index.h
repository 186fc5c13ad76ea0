/*
 * offset_index.h - sparse index from record offset to segment position
 *
 * A segment <base offset>.log has this index beside it, in the file
 * <base offset>.index.  About once per index.interval.bytes of log an entry is
 * added, so that a fetch can start reading close to an offset.  Being sparse,
 * the index need not be complete: a missing entry costs a longer scan, not an
 * answer.
 *
 * Entries of 8 bytes, ascending strictly in both fields, big endian:
 *
 *	at  width  field
 *	 0    4    offset of the last record in a batch, minus the base offset
 *	 4    4    position of that batch in the segment, never 0
 *
 * The batch at position 0 needs no entry: an entry of zeroes is none.
 */
#ifndef LOG_OFFSET_INDEX_H
#define LOG_OFFSET_INDEX_H

#include "log/index_file.h"

enum { OFFSET_INDEX_ENTRY_BYTES = 8 };

/* A place to start reading: the record at offset, like every later one, is at
 * position or after it. */
struct offset_position {
	int64_t offset;
	uint32_t position;
};

struct offset_index {
	struct index_file file;
	int64_t base_offset;
};

void offset_index_init(struct offset_index *index, int64_t base_offset);
void offset_index_clear(struct offset_index *index);

/*
 * Add an entry, which must lie beyond the last one and fit into 31 bits.
 * Returns 0 or -ENOMEM: then the index lacks an entry, which is no harm.
 */
int offset_index_append(struct offset_index *index,
			struct offset_position entry);

/* The last entry at or below target, or the start of the segment. */
struct offset_position offset_index_lookup(const struct offset_index *index,
					   int64_t target);

/* The last entry, or the start of the segment. */
struct offset_position offset_index_last(const struct offset_index *index);

/* Drop the entries at or beyond end_offset. */
void offset_index_truncate(struct offset_index *index, int64_t end_offset);

/*
 * Drop what a crash or bit rot may have left: all from the first entry on that
 * does not ascend, or that does not lie within a segment of size bytes.
 */
void offset_index_keep_sound(struct offset_index *index, int64_t size);

/*
 * offset_index_lookup() in the file of a sealed segment, of size bytes.
 * Without a file, or with nonsense in it, the start of the segment is found.
 * Returns 0 or an error of the file system.
 */
int offset_index_lookup_file(struct vfs *vfs, const char *path,
			     int64_t base_offset, int64_t size, int64_t target,
			     struct offset_position *found_out);

#endif /* LOG_OFFSET_INDEX_H */
