/*
 * log_roll.c - the segments of a log, and when to start another
 *
 * Segments ascend, the last is active.  A new one is made before the old one
 * is sealed, so that what fails leaves the log as it was.  When to roll is
 * Kafka's rule: size, age by the records' own time, a full index, or an offset
 * too far from the segment's first.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/hash.h"
#include "log/log_private.h"

size_t log_segment_of(const struct log *log, int64_t offset)
{
	size_t low = 0;
	size_t high = log->segment_count;

	assert(high > 0);
	/* Nearly always it is the last one. */
	if (log_active(log)->base_offset <= offset)
		return high - 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (log->segments[middle]->base_offset <= offset)
			low = middle + 1;
		else
			high = middle;
	}
	return low == 0 ? 0 : low - 1;
}

int64_t log_segment_end(const struct log *log, size_t i)
{
	return i + 1 < log->segment_count ? log->segments[i + 1]->base_offset
					  : log->end_offset;
}

int log_reserve_segment(struct log *log)
{
	size_t capacity =
		log->segment_capacity == 0 ? 1 : 2 * log->segment_capacity;
	struct segment **segments;

	if (log->segment_count < log->segment_capacity)
		return 0;
	segments = realloc(log->segments, capacity * sizeof(struct segment *));
	if (segments == NULL)
		return -ENOMEM;
	log->segments = segments;
	log->segment_capacity = capacity;
	return 0;
}

void log_add_segment(struct log *log, struct segment *s)
{
	assert(log->segment_count < log->segment_capacity);
	log->segments[log->segment_count++] = s;
}

/* The same for a segment each time, so that it needs no random seam. */
static int64_t jitter_ms(const struct log *log, int64_t base_offset)
{
	int64_t max = log->config.segment_jitter_ms;

	if (max > log->config.segment_ms)
		max = log->config.segment_ms;
	if (max <= 0)
		return 0;
	return (int64_t)((hash_bytes(log->dir, strlen(log->dir)) ^
			  hash_bytes(&base_offset, sizeof(base_offset))) %
			 (uint64_t)max);
}

static int make_dir(struct log *log)
{
	int rc;

	if (log->dir_exists)
		return 0;
	rc = log->vfs->mkdir(log->vfs, log->dir, 0755);
	if (rc < 0 && rc != -EEXIST)
		return rc;
	log->dir_exists = true;
	log->parent_dirty = true;
	log->metadata_dirty = !uuid_is_zero(log->topic_id);
	return 0;
}

/* An empty segment with its file, which is not in the log yet. */
static int create_segment(struct log *log, int64_t base_offset,
			  struct segment **segment_out)
{
	struct segment *s = segment_new(log->vfs, log->dir, base_offset);
	int rc;

	if (s == NULL)
		return -ENOMEM;
	rc = make_dir(log);
	if (rc == 0)
		rc = segment_create(s, log->config.preallocate
					       ? log->config.segment_bytes
					       : 0);
	if (rc < 0) {
		segment_release(s);
		return rc;
	}
	s->created_ms = log->clock->wall_ms(log->clock);
	s->jitter_ms = jitter_ms(log, base_offset);
	log->dir_dirty = true;
	*segment_out = s;
	return 0;
}

int log_start_segment(struct log *log, int64_t base_offset)
{
	struct segment *old = log_active(log);
	struct segment *s;
	int rc;

	assert(old == NULL || old->base_offset < base_offset);
	/* First the memory: a file that is made and then not used would be
	 * taken for the end of the log by the next start. */
	rc = log_reserve_segment(log);
	if (rc == 0)
		rc = create_segment(log, base_offset, &s);
	if (rc < 0)
		return rc;
	log_add_segment(log, s);
	if (old == NULL)
		return 0;
	/* An index that cannot be written now stays in memory, a snapshot
	 * that cannot be written costs recovery more reading: no reason to
	 * refuse records. */
	segment_seal(old);
	log_write_snapshot(log, base_offset);
	return 0;
}

/* Replace an active segment that holds nothing by one that starts later. */
static int move_empty_segment(struct log *log, int64_t base_offset)
{
	struct segment *old = log_active(log);
	struct segment *s;
	int rc = create_segment(log, base_offset, &s);

	assert(old->size == 0);
	if (rc < 0)
		return rc;
	log->segments[log->segment_count - 1] = s;
	segment_mark_deleted(log->vfs, log->dir, old->base_offset);
	segment_unlink_deleted(log->vfs, log->dir, old->base_offset);
	segment_release(old);
	return 0;
}

/* Room for one entry more in both index files?  The time index keeps one for
 * the end. */
static bool index_is_full(const struct log *log, const struct segment *s)
{
	int64_t bytes = log->config.segment_index_bytes;

	return s->offsets.file.count >= bytes / OFFSET_INDEX_ENTRY_BYTES ||
	       s->times.file.count + 1 >= bytes / TIME_INDEX_ENTRY_BYTES;
}

/* Has the segment waited long enough?  By record time, if there is one. */
static int is_too_old(const struct log *log, struct segment *s,
		      const struct batch_header *header, bool *old_out)
{
	int64_t first_ms;
	int64_t waited_ms;
	int rc = segment_first_timestamp(s, &first_ms);

	if (rc < 0)
		return rc;
	if (first_ms > header->max_timestamp_ms)
		waited_ms = 0; /* and no difference that does not fit */
	else if (first_ms >= 0)
		waited_ms = header->max_timestamp_ms - first_ms;
	else
		waited_ms = log->clock->wall_ms(log->clock) - s->created_ms;
	*old_out = waited_ms > log->config.segment_ms - s->jitter_ms;
	return 0;
}

/* Must the batch go into a new segment? */
static int must_roll(const struct log *log, struct segment *s,
		     const struct batch_header *header, bool *roll_out)
{
	int64_t limit = log->config.segment_bytes;

	if (limit > SEGMENT_BYTES_MAX)
		limit = SEGMENT_BYTES_MAX;
	*roll_out = true;
	if (s->size + header->size > limit || index_is_full(log, s) ||
	    batch_last_offset(header) - s->base_offset > INT32_MAX)
		return 0;
	*roll_out = false;
	return s->size > 0 ? is_too_old(log, s, header, roll_out) : 0;
}

/* Where the next segment begins: at the log end offset, so that recovery can
 * tell a hole, unless the batch lies too far behind that. */
static int64_t next_base(const struct log *log,
			 const struct batch_header *header)
{
	if (batch_last_offset(header) - log->end_offset > INT32_MAX)
		return header->base_offset;
	return log->end_offset;
}

int log_prepare_segment(struct log *log, const struct batch_header *header,
			struct segment **segment_out)
{
	struct segment *s = log_active(log);
	bool roll = true;
	int rc = 0;

	if (s != NULL)
		rc = must_roll(log, s, header, &roll);
	if (rc == 0 && roll) {
		if (s != NULL && s->size == 0 &&
		    s->base_offset < header->base_offset)
			rc = move_empty_segment(log, header->base_offset);
		else if (s == NULL || s->size > 0)
			rc = log_start_segment(log, next_base(log, header));
	}
	*segment_out = log_active(log);
	return rc;
}

int log_roll(struct log *log)
{
	struct segment *s = log_active(log);

	if (log->failed)
		return -EIO;
	if (s == NULL || s->size == 0)
		return 0;
	return log_start_segment(log, log->end_offset);
}
