/*
 * offset_index.c - sparse index from record offset to segment position
 *
 * What the caller passes in is asserted to ascend; what the disk held is
 * checked, by offset_index_keep_sound() or on look-up.
 */
#include "log/offset_index.h"

#include <assert.h>
#include <errno.h>

#include "base/bytes.h"

static struct offset_position decode(const uint8_t *entry, int64_t base_offset)
{
	return (struct offset_position){
		.offset = base_offset + (int32_t)get_be32(entry),
		.position = get_be32(entry + 4),
	};
}

static bool ascends(struct offset_position from, struct offset_position to)
{
	return from.offset < to.offset && from.position < to.position;
}

/* The entry before slot, or the start of the segment if there is none. */
static struct offset_position entry_before(const struct offset_index *index,
					   uint32_t slot)
{
	if (slot == 0)
		return (struct offset_position){ index->base_offset, 0 };
	return decode(index_file_entry(&index->file, slot - 1),
		      index->base_offset);
}

static bool is_beyond(const uint8_t *entry, int64_t relative_offset)
{
	return (int32_t)get_be32(entry) > relative_offset;
}

void offset_index_init(struct offset_index *index, int64_t base_offset)
{
	index_file_init(&index->file, OFFSET_INDEX_ENTRY_BYTES);
	index->base_offset = base_offset;
}

void offset_index_clear(struct offset_index *index)
{
	index_file_clear(&index->file);
}

int offset_index_append(struct offset_index *index,
			struct offset_position entry)
{
	uint8_t bytes[OFFSET_INDEX_ENTRY_BYTES];

	assert(ascends(offset_index_last(index), entry));
	assert(entry.offset - index->base_offset <= INT32_MAX);
	assert(entry.position <= INT32_MAX);
	put_be32(bytes, (uint32_t)(entry.offset - index->base_offset));
	put_be32(bytes + 4, entry.position);
	return index_file_append(&index->file, bytes);
}

struct offset_position offset_index_lookup(const struct offset_index *index,
					   int64_t target)
{
	return entry_before(
		index, index_file_count_up_to(&index->file, is_beyond,
					      target - index->base_offset));
}

struct offset_position offset_index_last(const struct offset_index *index)
{
	return entry_before(index, index->file.count);
}

void offset_index_truncate(struct offset_index *index, int64_t end_offset)
{
	int64_t last = end_offset - 1 - index->base_offset;

	index_file_truncate(
		&index->file,
		index_file_count_up_to(&index->file, is_beyond, last));
}

void offset_index_keep_sound(struct offset_index *index, int64_t size)
{
	uint32_t sound = 0;

	while (sound < index->file.count) {
		struct offset_position entry = entry_before(index, sound + 1);

		if (!ascends(entry_before(index, sound), entry) ||
		    entry.position >= size)
			break;
		sound++;
	}
	index_file_truncate(&index->file, sound);
}

int offset_index_lookup_file(struct vfs *vfs, const char *path,
			     int64_t base_offset, int64_t size, int64_t target,
			     struct offset_position *found_out)
{
	uint8_t entry[INDEX_ENTRY_BYTES_MAX];
	int rc = index_file_search(vfs, path, OFFSET_INDEX_ENTRY_BYTES,
				   is_beyond, target - base_offset, entry);

	*found_out = (struct offset_position){ base_offset, 0 };
	if (rc < 0)
		return rc == -ENOENT ? 0 : rc;
	if (rc == 1) {
		struct offset_position found = decode(entry, base_offset);

		if (found.offset >= base_offset && found.position < size)
			*found_out = found;
	}
	return 0;
}
