/*
 * segment.c - one segment of a log: a file of batches and its two indexes
 *
 * Rules:
 *  - size counts whole batches only; the file may be longer for as long as a
 *    failed write has not been cut off, never shorter
 *  - a sealed segment has nothing in memory but this struct, unless its
 *    indexes could not be written yet
 *  - index entries are as Kafka makes them: one for the batch being appended
 *    when more than index.interval.bytes came since the last
 */
#include "log/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

int segment_path(char path[PATH_BYTES_MAX], const char *dir, int64_t offset,
		 const char *suffix)
{
	int n = snprintf(path, PATH_BYTES_MAX, "%s/%020" PRId64 "%s", dir,
			 offset, suffix);

	return n < 0 || n >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

struct segment *segment_new(struct vfs *vfs, const char *dir,
			    int64_t base_offset)
{
	struct segment *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	atomic_init(&s->references, 1);
	s->fd = -1;
	s->resident = true;
	s->vfs = vfs;
	s->dir = dir;
	s->base_offset = base_offset;
	s->max_timestamp_ms = -1;
	s->max_timestamp_offset = base_offset;
	s->first_timestamp_ms = TIMESTAMP_UNKNOWN;
	offset_index_init(&s->offsets, base_offset);
	time_index_init(&s->times, base_offset);
	return s;
}

void segment_release(struct segment *s)
{
	if (s == NULL)
		return;
	if (atomic_fetch_sub_explicit(&s->references, 1,
				      memory_order_acq_rel) != 1)
		return;
	if (s->fd >= 0)
		s->vfs->close(s->vfs, s->fd);
	offset_index_clear(&s->offsets);
	time_index_clear(&s->times);
	free(s);
}

static int open_file(struct segment *s, int flags)
{
	char path[PATH_BYTES_MAX];
	int rc = segment_path(path, s->dir, s->base_offset, SUFFIX_LOG);

	assert(s->fd < 0);
	if (rc == 0)
		rc = s->vfs->open(s->vfs, path, flags, 0644);
	if (rc < 0)
		return rc;
	s->fd = rc;
	return 0;
}

int segment_create(struct segment *s, int64_t reserve_bytes)
{
	char path[PATH_BYTES_MAX];
	int rc = open_file(s, O_RDWR | O_CREAT | O_TRUNC);

	if (rc < 0 || reserve_bytes <= 0)
		return rc;
	rc = s->vfs->reserve(s->vfs, s->fd, reserve_bytes);
	s->reserved = rc == 0;
	/* Not every file system can. */
	if (rc == 0 || rc == -EOPNOTSUPP || rc == -ENOSYS)
		return 0;
	/* An empty file would be the end of the log for the next start. */
	if (segment_path(path, s->dir, s->base_offset, SUFFIX_LOG) == 0)
		s->vfs->unlink(s->vfs, path);
	return rc;
}

int segment_open_file(struct segment *s)
{
	int64_t size;
	int rc;

	if (s->fd >= 0)
		return 0;
	rc = open_file(s, O_RDWR);
	if (rc < 0)
		return rc;
	if (s->size > 0)
		return 0;
	size = s->vfs->size(s->vfs, s->fd);
	if (size < 0)
		return (int)size;
	s->size = size;
	return 0;
}

void segment_close_file(struct segment *s)
{
	assert(s->sealed);
	if (s->fd >= 0)
		s->vfs->close(s->vfs, s->fd);
	s->fd = -1;
}

/* Add the entries that are due before the batch at position. */
static void index_batch(struct segment *s, const struct batch_header *header,
			int64_t position)
{
	struct offset_position entry = { batch_last_offset(header),
					 (uint32_t)position };
	struct time_offset max = { s->max_timestamp_ms,
				   s->max_timestamp_offset };

	/* Without memory for an entry the index is only sparser: the next
	 * batch tries again. */
	if (offset_index_append(&s->offsets, entry) < 0)
		return;
	time_index_append(&s->times, max);
	s->unindexed_bytes = 0;
}

void segment_note_batch(struct segment *s, const struct batch_header *header,
			int64_t position, int64_t index_interval_bytes)
{
	if (position == 0)
		s->first_timestamp_ms = header->max_timestamp_ms;
	if (header->max_timestamp_ms > s->max_timestamp_ms) {
		s->max_timestamp_ms = header->max_timestamp_ms;
		s->max_timestamp_offset = batch_last_offset(header);
	}
	if (s->unindexed_bytes > index_interval_bytes && position > 0)
		index_batch(s, header, position);
	s->unindexed_bytes += header->size;
}

int segment_append(struct segment *s, const uint8_t *batch,
		   const struct batch_header *header,
		   int64_t index_interval_bytes, bool *broken_out)
{
	int rc;

	assert(!s->sealed && s->fd >= 0);
	assert(s->size + header->size <= SEGMENT_BYTES_MAX);
	rc = vfs_write_all(s->vfs, s->fd, batch, header->size, s->size);
	if (rc < 0) {
		*broken_out = s->vfs->ftruncate(s->vfs, s->fd, s->size) < 0;
		return *broken_out ? -EIO : rc;
	}
	segment_note_batch(s, header, s->size, index_interval_bytes);
	s->size += header->size;
	if (index_file_is_due(&s->offsets.file))
		segment_flush_indexes(s); /* if not now, then later */
	return 0;
}

int segment_flush_indexes(struct segment *s)
{
	char path[PATH_BYTES_MAX];
	int rc;

	if (!s->resident)
		return 0;
	rc = segment_path(path, s->dir, s->base_offset, SUFFIX_INDEX);
	if (rc == 0)
		rc = index_file_flush(&s->offsets.file, s->vfs, path);
	if (rc == 0)
		rc = segment_path(path, s->dir, s->base_offset,
				  SUFFIX_TIME_INDEX);
	if (rc == 0)
		rc = index_file_flush(&s->times.file, s->vfs, path);
	if (rc == 0 && s->sealed) {
		s->resident = false;
		offset_index_clear(&s->offsets);
		time_index_clear(&s->times);
	}
	return rc;
}

int segment_seal(struct segment *s)
{
	struct time_offset max = { s->max_timestamp_ms,
				   s->max_timestamp_offset };

	assert(!s->sealed);
	time_index_append(&s->times, max);
	s->sealed = true;
	s->indexes_synced = false;
	/* What is left of the reserve is for others. */
	if (s->reserved && s->fd >= 0)
		s->vfs->ftruncate(s->vfs, s->fd, s->size);
	s->reserved = false;
	return segment_flush_indexes(s);
}

int segment_load_indexes(struct segment *s)
{
	char path[PATH_BYTES_MAX];
	int rc = segment_path(path, s->dir, s->base_offset, SUFFIX_INDEX);

	if (rc == 0)
		rc = index_file_load(&s->offsets.file, s->vfs, path);
	if (rc == 0 || rc == -ENOENT)
		rc = segment_path(path, s->dir, s->base_offset,
				  SUFFIX_TIME_INDEX);
	if (rc == 0)
		rc = index_file_load(&s->times.file, s->vfs, path);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	offset_index_keep_sound(&s->offsets, s->size);
	time_index_keep_sound(&s->times);
	s->resident = true;
	return 0;
}

void segment_reset_indexes(struct segment *s)
{
	offset_index_clear(&s->offsets);
	time_index_clear(&s->times);
	s->resident = true;
	s->unindexed_bytes = 0;
}

int segment_lookup(struct segment *s, int64_t offset,
		   struct offset_position *found_out)
{
	char path[PATH_BYTES_MAX];
	int rc;

	if (s->resident) {
		*found_out = offset_index_lookup(&s->offsets, offset);
		return 0;
	}
	rc = segment_path(path, s->dir, s->base_offset, SUFFIX_INDEX);
	if (rc < 0)
		return rc;
	return offset_index_lookup_file(s->vfs, path, s->base_offset, s->size,
					offset, found_out);
}

int segment_lookup_time(struct segment *s, int64_t target_ms,
			struct time_offset *found_out)
{
	char path[PATH_BYTES_MAX];
	int rc;

	if (s->resident) {
		*found_out = time_index_lookup(&s->times, target_ms);
		return 0;
	}
	rc = segment_path(path, s->dir, s->base_offset, SUFFIX_TIME_INDEX);
	if (rc < 0)
		return rc;
	return time_index_lookup_file(s->vfs, path, s->base_offset, target_ms,
				      found_out);
}

/* Read headers from position on for a timestamp above the one known. */
static int scan_max_timestamp(struct segment *s, int64_t position,
			      struct time_offset *max)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct batch_cursor c;
	int rc = segment_open_file(s);

	if (rc < 0)
		return rc;
	batch_cursor_init(&c, s, position, s->size, window, sizeof(window));
	while ((rc = batch_cursor_next(&c)) == 1) {
		if (c.header.max_timestamp_ms > max->timestamp_ms) {
			max->timestamp_ms = c.header.max_timestamp_ms;
			max->offset = batch_last_offset(&c.header);
		}
	}
	return rc;
}

int segment_max_timestamp(struct segment *s, struct time_offset *max_out)
{
	int rc;

	if (s->max_timestamp_ms == TIMESTAMP_UNKNOWN) {
		struct time_offset last;

		rc = segment_lookup_time(s, INT64_MAX, &last);
		/* An index without entries says nothing; else the last one,
		 * made when the segment was sealed, says it all. */
		if (rc == 0 && last.timestamp_ms < 0)
			rc = scan_max_timestamp(s, 0, &last);
		if (rc < 0)
			return rc;
		s->max_timestamp_ms = last.timestamp_ms;
		s->max_timestamp_offset = last.offset;
	}
	max_out->timestamp_ms = s->max_timestamp_ms;
	max_out->offset = s->max_timestamp_offset;
	return 0;
}

int segment_first_timestamp(struct segment *s, int64_t *timestamp_out)
{
	uint8_t window[BATCH_HEADER_BYTES];
	struct batch_cursor c;
	int rc;

	if (s->first_timestamp_ms == TIMESTAMP_UNKNOWN && s->size > 0) {
		rc = segment_open_file(s);
		if (rc < 0)
			return rc;
		batch_cursor_init(&c, s, 0, s->size, window, sizeof(window));
		rc = batch_cursor_next(&c);
		if (rc < 0)
			return rc;
		s->first_timestamp_ms = c.header.max_timestamp_ms;
	}
	*timestamp_out = s->first_timestamp_ms == TIMESTAMP_UNKNOWN
				 ? -1
				 : s->first_timestamp_ms;
	return 0;
}

static const char *const file_suffixes[] = {
	SUFFIX_LOG,       SUFFIX_INDEX,    SUFFIX_TIME_INDEX,
	SUFFIX_TXN_INDEX, SUFFIX_SNAPSHOT,
};
enum { FILE_SUFFIXES = sizeof(file_suffixes) / sizeof(file_suffixes[0]) };

int segment_mark_deleted(struct vfs *vfs, const char *dir, int64_t base_offset)
{
	char from[PATH_BYTES_MAX];
	char to[PATH_BYTES_MAX];
	char suffix[32];
	int rc = 0;

	for (size_t i = 0; i < FILE_SUFFIXES; i++) {
		int renamed;

		snprintf(suffix, sizeof(suffix), "%s.deleted",
			 file_suffixes[i]);
		renamed =
			segment_path(from, dir, base_offset, file_suffixes[i]);
		if (renamed == 0)
			renamed = segment_path(to, dir, base_offset, suffix);
		if (renamed == 0)
			renamed = vfs->rename(vfs, from, to);
		if (renamed < 0 && renamed != -ENOENT && rc == 0)
			rc = renamed;
	}
	return rc;
}

int segment_unlink_deleted(struct vfs *vfs, const char *dir,
			   int64_t base_offset)
{
	char path[PATH_BYTES_MAX];
	char suffix[32];
	int rc = 0;

	for (size_t i = 0; i < FILE_SUFFIXES; i++) {
		int gone;

		snprintf(suffix, sizeof(suffix), "%s.deleted",
			 file_suffixes[i]);
		gone = segment_path(path, dir, base_offset, suffix);
		if (gone == 0)
			gone = vfs->unlink(vfs, path);
		if (gone < 0 && gone != -ENOENT && rc == 0)
			rc = gone;
	}
	return rc;
}

void batch_cursor_init(struct batch_cursor *c, struct segment *s,
		       int64_t position, int64_t end, uint8_t *window,
		       size_t window_bytes)
{
	assert(window_bytes >= BATCH_HEADER_BYTES);
	*c = (struct batch_cursor){
		.segment = s,
		.position = position,
		.next = position,
		.end = end,
		.window_bytes = window_bytes,
		.window_at = position,
	};
	c->window = window;
}

/* Have the header at c->next in the window. */
static int fill_window(struct batch_cursor *c)
{
	struct segment *s = c->segment;
	int64_t left = c->end - c->next;
	ssize_t n;

	if (c->next >= c->window_at &&
	    c->next + BATCH_HEADER_BYTES <=
		    c->window_at + (int64_t)c->window_len)
		return 0;
	if (left < BATCH_HEADER_BYTES)
		return -EBADMSG;
	n = s->vfs->pread(s->vfs, s->fd, c->window,
			  left < (int64_t)c->window_bytes ? (size_t)left
							  : c->window_bytes,
			  c->next);
	if (n < 0)
		return (int)n;
	if (n < BATCH_HEADER_BYTES)
		return -EBADMSG;
	c->window_at = c->next;
	c->window_len = (size_t)n;
	return 0;
}

/* So that sums of them fit. */
static bool has_sound_offsets(const struct batch_header *h)
{
	return h->base_offset >= 0 && h->base_offset < INT64_MAX - INT32_MAX &&
	       h->last_offset_delta >= 0;
}

int batch_cursor_next(struct batch_cursor *c)
{
	struct slice bytes;
	int rc;

	if (c->next >= c->end)
		return 0;
	rc = fill_window(c);
	if (rc < 0)
		return rc;
	bytes.data = c->window + (c->next - c->window_at);
	bytes.len = c->window_len - (size_t)(c->next - c->window_at);
	rc = batch_header_read(bytes, &c->header);
	if (rc < 0 || !has_sound_offsets(&c->header) ||
	    c->header.size > c->end - c->next)
		return -EBADMSG;
	c->position = c->next;
	c->next += c->header.size;
	return 1;
}
