/*
 * index_file.c - entries of one size, in memory and in a file
 *
 * Between any two calls:
 *  - entries [0, written) of those in memory are also in the file
 *  - what else the file holds is cut off before anything is added to it
 */
#include "log/index_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIRST_CAPACITY = 16,
	FILE_BYTES_MAX = 1 << 30,
};

void index_file_init(struct index_file *index, uint8_t entry_bytes)
{
	assert(entry_bytes <= INDEX_ENTRY_BYTES_MAX);
	*index = (struct index_file){ .entry_bytes = entry_bytes,
				      .stale = true };
}

void index_file_clear(struct index_file *index)
{
	free(index->bytes);
	index_file_init(index, index->entry_bytes);
}

static int grow(struct index_file *index, uint32_t capacity)
{
	uint8_t *bytes =
		realloc(index->bytes, (size_t)capacity * index->entry_bytes);

	if (bytes == NULL)
		return -ENOMEM;
	index->bytes = bytes;
	index->capacity = capacity;
	return 0;
}

int index_file_append(struct index_file *index, const uint8_t *entry)
{
	if (index->count == index->capacity) {
		uint32_t capacity = index->capacity == 0 ? FIRST_CAPACITY
							 : index->capacity * 2;

		if (grow(index, capacity) < 0)
			return -ENOMEM;
	}
	memcpy(index->bytes + (size_t)index->count * index->entry_bytes, entry,
	       index->entry_bytes);
	index->count++;
	return 0;
}

const uint8_t *index_file_entry(const struct index_file *index, uint32_t slot)
{
	assert(slot < index->count);
	return index->bytes + (size_t)slot * index->entry_bytes;
}

void index_file_truncate(struct index_file *index, uint32_t count)
{
	assert(count <= index->count);
	index->count = count;
	if (index->written > count) {
		index->written = count;
		index->stale = true;
	}
}

static int flush_to(struct index_file *index, struct vfs *vfs, int fd)
{
	int64_t at = (int64_t)index->written * index->entry_bytes;
	size_t len =
		(size_t)(index->count - index->written) * index->entry_bytes;
	int rc;

	if (index->stale) {
		rc = vfs->ftruncate(vfs, fd, at);
		if (rc < 0)
			return rc;
		index->stale = false;
	}
	if (len == 0)
		return 0;
	rc = vfs_write_all(vfs, fd, index->bytes + at, len, at);
	if (rc < 0) {
		/* Part of it may be there: the next flush cuts it off. */
		index->stale = true;
		return rc;
	}
	index->written = index->count;
	return 0;
}

int index_file_flush(struct index_file *index, struct vfs *vfs,
		     const char *path)
{
	int fd;
	int rc;

	if (!index->stale && index->written == index->count)
		return 0;
	fd = vfs->open(vfs, path, O_WRONLY | O_CREAT, 0644);
	if (fd < 0)
		return fd;
	rc = flush_to(index, vfs, fd);
	vfs->close(vfs, fd);
	return rc;
}

static bool is_zero(const uint8_t *entry, uint8_t entry_bytes)
{
	for (uint8_t i = 0; i < entry_bytes; i++) {
		if (entry[i] != 0)
			return false;
	}
	return true;
}

static int load_from(struct index_file *index, struct vfs *vfs, int fd)
{
	int64_t size = vfs->size(vfs, fd);
	uint32_t count;
	int rc;

	if (size < 0)
		return (int)size;
	if (size > FILE_BYTES_MAX)
		return -EFBIG;
	count = (uint32_t)(size / index->entry_bytes);
	if (count == 0)
		return 0;
	rc = grow(index, count);
	if (rc == 0)
		rc = vfs_read_all(vfs, fd, index->bytes,
				  (size_t)count * index->entry_bytes, 0);
	if (rc < 0)
		return rc;
	while (count > 0 &&
	       is_zero(index->bytes + (size_t)(count - 1) * index->entry_bytes,
		       index->entry_bytes))
		count--;
	index->count = count;
	index->written = count;
	index->stale = (int64_t)count * index->entry_bytes != size;
	return 0;
}

/* Kafka's files are made large: do not keep room for all of that. */
static void shrink(struct index_file *index)
{
	if (index->count == 0)
		free(index->bytes);
	if (index->count == 0) {
		index->bytes = NULL;
		index->capacity = 0;
	} else if (index->capacity > 2 * index->count) {
		grow(index, index->count);
	}
}

int index_file_load(struct index_file *index, struct vfs *vfs, const char *path)
{
	int fd = vfs->open(vfs, path, O_RDONLY, 0);
	int rc;

	index_file_clear(index);
	if (fd < 0)
		return fd;
	rc = load_from(index, vfs, fd);
	vfs->close(vfs, fd);
	if (rc < 0)
		index_file_clear(index);
	else
		shrink(index);
	return rc;
}

uint32_t index_file_count_up_to(const struct index_file *index,
				index_is_beyond *is_beyond, int64_t target)
{
	uint32_t low = 0;
	uint32_t high = index->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (is_beyond(index_file_entry(index, middle), target))
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static int search_in(struct vfs *vfs, int fd, uint8_t entry_bytes,
		     index_is_beyond *is_beyond, int64_t target, uint8_t *entry)
{
	int64_t size = vfs->size(vfs, fd);
	int64_t low = 0;
	int64_t high = size / entry_bytes;
	uint8_t probe[INDEX_ENTRY_BYTES_MAX];

	if (size < 0)
		return (int)size;
	while (low < high) {
		int64_t middle = low + (high - low) / 2;
		int rc = vfs_read_all(vfs, fd, probe, entry_bytes,
				      middle * entry_bytes);

		if (rc < 0)
			return rc;
		if (is_zero(probe, entry_bytes) || is_beyond(probe, target)) {
			high = middle;
		} else {
			memcpy(entry, probe, entry_bytes);
			low = middle + 1;
		}
	}
	return low > 0 ? 1 : 0;
}

int index_file_search(struct vfs *vfs, const char *path, uint8_t entry_bytes,
		      index_is_beyond *is_beyond, int64_t target,
		      uint8_t entry_out[INDEX_ENTRY_BYTES_MAX])
{
	int fd = vfs->open(vfs, path, O_RDONLY, 0);
	int rc;

	if (fd < 0)
		return fd;
	rc = search_in(vfs, fd, entry_bytes, is_beyond, target, entry_out);
	vfs->close(vfs, fd);
	return rc;
}
