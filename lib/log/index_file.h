/*
 * index_file.h - entries of one size, in memory and in a file
 *
 * What the offset index and the time index of a segment share.  An index of
 * the active segment is resident: all its entries lie in memory as they lie in
 * the file, and go there in blocks.  One of a sealed segment holds nothing; it
 * is searched on disk.
 *
 * The file is Kafka's: entries back to back, no header, no checksum.  Kafka
 * makes the files of an active segment larger than their contents; what it
 * leaves after a crash ends in entries of zeroes, which are none.
 */
#ifndef LOG_INDEX_FILE_H
#define LOG_INDEX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "log/vfs.h"

enum {
	INDEX_ENTRY_BYTES_MAX = 12,
	INDEX_FLUSH_ENTRIES = 512, /* appended in blocks of so many */
};

struct index_file {
	uint8_t *bytes;    /* the entries, NULL when there is none */
	uint32_t count;    /* of entries in memory */
	uint32_t capacity; /* of entries that bytes has room for */
	uint32_t written;  /* of count, how many are in the file */
	uint8_t entry_bytes;
	bool stale; /* the file may hold more than what was written */
};

/* An empty one; the file, if there is one, is overwritten by the first
 * flush. */
void index_file_init(struct index_file *index, uint8_t entry_bytes);

/* Release the memory; what was not flushed is lost. */
void index_file_clear(struct index_file *index);

/* Add an entry of entry_bytes.  Returns 0 or -ENOMEM. */
int index_file_append(struct index_file *index, const uint8_t *entry);

/* The entry at slot, which is below count. */
const uint8_t *index_file_entry(const struct index_file *index, uint32_t slot);

/* Keep the first count entries; the file follows at the next flush. */
void index_file_truncate(struct index_file *index, uint32_t count);

/* Are there so many entries to write that it is worth a system call? */
static inline bool index_file_is_due(const struct index_file *index)
{
	return index->count - index->written >= INDEX_FLUSH_ENTRIES;
}

/*
 * Write to the file at path what it lacks, and cut off what it has too much;
 * makes the file if it is not there.  Returns 0 or an error of the file
 * system, after which it can be called again.
 */
int index_file_flush(struct index_file *index, struct vfs *vfs,
		     const char *path);

/*
 * Read the whole file into memory, up to the entries of zeroes at its end.
 * A torn entry at the end is dropped.  Returns 0, -ENOENT, -ENOMEM, -EFBIG
 * for an absurd size, or an error of the file system.
 */
int index_file_load(struct index_file *index, struct vfs *vfs,
		    const char *path);

/*
 * Binary search: how many entries in front are not beyond the target, as
 * is_beyond() tells.
 */
typedef bool index_is_beyond(const uint8_t *entry, int64_t target);

uint32_t index_file_count_up_to(const struct index_file *index,
				index_is_beyond *is_beyond, int64_t target);

/*
 * The same on disk, without keeping anything: copies the last entry that is
 * not beyond the target.  Returns 1 with the entry, 0 when there is none, or
 * an error of the file system (-ENOENT when there is no file).
 */
int index_file_search(struct vfs *vfs, const char *path, uint8_t entry_bytes,
		      index_is_beyond *is_beyond, int64_t target,
		      uint8_t entry_out[INDEX_ENTRY_BYTES_MAX]);

#endif /* LOG_INDEX_FILE_H */
