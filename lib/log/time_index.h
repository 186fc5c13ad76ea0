/*
 * time_index.h - sparse index from timestamp to record offset
 *
 * A segment <base offset>.log has this index beside it, in the file
 * <base offset>.timeindex.  An entry says: no record up to this offset has a
 * later timestamp than this.  The last one, written when the segment is
 * sealed or closed, therefore tells the greatest timestamp in the segment.
 *
 * Entries of 12 bytes, ascending strictly in time, big endian:
 *
 *	at  width  field
 *	 0    8    timestamp, ms
 *	 8    4    last offset of the batch that has it, minus the base offset
 */
#ifndef LOG_TIME_INDEX_H
#define LOG_TIME_INDEX_H

#include "log/index_file.h"

enum { TIME_INDEX_ENTRY_BYTES = 12 };

struct time_offset {
	int64_t timestamp_ms; /* -1: none */
	int64_t offset;
};

struct time_index {
	struct index_file file;
	int64_t base_offset;
};

void time_index_init(struct time_index *index, int64_t base_offset);
void time_index_clear(struct time_index *index);

/*
 * Add an entry, unless its timestamp is not above the last one's.  Returns 0
 * or -ENOMEM.
 */
int time_index_append(struct time_index *index, struct time_offset entry);

/* The last entry whose timestamp is at or below target_ms, or -1 and the base
 * offset. */
struct time_offset time_index_lookup(const struct time_index *index,
				     int64_t target_ms);

/* The last entry, or -1 and the base offset. */
struct time_offset time_index_last(const struct time_index *index);

/* Drop the entries whose offset is at or beyond end_offset. */
void time_index_truncate(struct time_index *index, int64_t end_offset);

/* Drop all from the first entry on that does not ascend. */
void time_index_keep_sound(struct time_index *index);

/* time_index_lookup() in the file of a sealed segment; without a file
 * nothing is found.  Returns 0 or an error of the file system. */
int time_index_lookup_file(struct vfs *vfs, const char *path,
			   int64_t base_offset, int64_t target_ms,
			   struct time_offset *found_out);

#endif /* LOG_TIME_INDEX_H */
