/*
 * time_index.c - sparse index from timestamp to record offset
 *
 * Entries ascend strictly in time, and offsets never go back: an entry is the
 * greatest timestamp so far, with the batch that brought it.
 */
#include "log/time_index.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"

static struct time_offset decode(const uint8_t *entry, int64_t base_offset)
{
	return (struct time_offset){
		.timestamp_ms = (int64_t)get_be64(entry),
		.offset = base_offset + (int32_t)get_be32(entry + 8),
	};
}

/* The entry before slot, or none. */
static struct time_offset entry_before(const struct time_index *index,
				       uint32_t slot)
{
	if (slot == 0)
		return (struct time_offset){ -1, index->base_offset };
	return decode(index_file_entry(&index->file, slot - 1),
		      index->base_offset);
}

static bool time_is_beyond(const uint8_t *entry, int64_t target_ms)
{
	return (int64_t)get_be64(entry) > target_ms;
}

static bool offset_is_beyond(const uint8_t *entry, int64_t relative_offset)
{
	return (int32_t)get_be32(entry + 8) > relative_offset;
}

void time_index_init(struct time_index *index, int64_t base_offset)
{
	index_file_init(&index->file, TIME_INDEX_ENTRY_BYTES);
	index->base_offset = base_offset;
}

void time_index_clear(struct time_index *index)
{
	index_file_clear(&index->file);
}

int time_index_append(struct time_index *index, struct time_offset entry)
{
	struct time_offset last = time_index_last(index);
	uint8_t bytes[TIME_INDEX_ENTRY_BYTES];

	if (entry.timestamp_ms <= last.timestamp_ms)
		return 0;
	assert(entry.offset >= last.offset);
	assert(entry.offset - index->base_offset <= INT32_MAX);
	put_be64(bytes, (uint64_t)entry.timestamp_ms);
	put_be32(bytes + 8, (uint32_t)(entry.offset - index->base_offset));
	return index_file_append(&index->file, bytes);
}

struct time_offset time_index_lookup(const struct time_index *index,
				     int64_t target_ms)
{
	return entry_before(index,
			    index_file_count_up_to(&index->file, time_is_beyond,
						   target_ms));
}

struct time_offset time_index_last(const struct time_index *index)
{
	return entry_before(index, index->file.count);
}

void time_index_truncate(struct time_index *index, int64_t end_offset)
{
	int64_t last = end_offset - 1 - index->base_offset;

	index_file_truncate(
		&index->file,
		index_file_count_up_to(&index->file, offset_is_beyond, last));
}

void time_index_keep_sound(struct time_index *index)
{
	uint32_t sound = 0;

	while (sound < index->file.count) {
		struct time_offset before = entry_before(index, sound);
		struct time_offset entry = entry_before(index, sound + 1);

		if (entry.timestamp_ms <= before.timestamp_ms ||
		    entry.offset < before.offset)
			break;
		sound++;
	}
	index_file_truncate(&index->file, sound);
}

int time_index_lookup_file(struct vfs *vfs, const char *path,
			   int64_t base_offset, int64_t target_ms,
			   struct time_offset *found_out)
{
	uint8_t entry[INDEX_ENTRY_BYTES_MAX];
	int rc = index_file_search(vfs, path, TIME_INDEX_ENTRY_BYTES,
				   time_is_beyond, target_ms, entry);

	*found_out = (struct time_offset){ -1, base_offset };
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (rc == 1) {
		*found_out = decode(entry, base_offset);
		if (found_out->offset < base_offset)
			found_out->offset = base_offset;
	}
	return 0;
}
