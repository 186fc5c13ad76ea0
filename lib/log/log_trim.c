/*
 * log_trim.c - dropping records at either end of a log
 *
 * At the front segments go as a whole, by retention or because the start
 * offset passed them.  At the back the log is cut inside a segment.  Files are
 * renamed at once, and removed later without the lock: freeing a large file
 * takes the file system a while.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "log/log_private.h"

/* Garbage */

struct garbage *log_take_garbage(struct log *log, int64_t before_us)
{
	struct garbage **at = &log->garbage;
	struct garbage *taken = NULL;

	while (*at != NULL) {
		struct garbage *g = *at;

		if (g->dropped_us <= before_us) {
			*at = g->next;
			g->next = taken;
			taken = g;
		} else {
			at = &g->next;
		}
	}
	return taken;
}

bool log_has_garbage(const struct log *log)
{
	return log->garbage != NULL;
}

void log_free_garbage(struct vfs *vfs, const char *dir, struct garbage *garbage)
{
	while (garbage != NULL) {
		struct garbage *next = garbage->next;

		/* What stays is removed when the log is opened again. */
		segment_unlink_deleted(vfs, dir, garbage->base_offset);
		free(garbage);
		garbage = next;
	}
}

static int drop_segment(struct log *log, struct segment *s)
{
	struct garbage *g = malloc(sizeof(*g));
	int rc = segment_mark_deleted(log->vfs, log->dir, s->base_offset);

	log->size_bytes -= s->size;
	if (g != NULL) {
		*g = (struct garbage){
			.next = log->garbage,
			.base_offset = s->base_offset,
			.dropped_us = log->clock->monotonic_us(log->clock),
		};
		log->garbage = g;
	}
	segment_release(s);
	return rc;
}

int log_drop_segments(struct log *log, size_t first, size_t count)
{
	int rc = 0;

	assert(first + count <= log->segment_count);
	if (count == 0)
		return 0;
	/* A crash must not leave a hole: from the outer end inwards. */
	for (size_t n = 0; n < count; n++) {
		size_t i = first == 0 ? n : first + count - 1 - n;
		int dropped = drop_segment(log, log->segments[i]);

		rc = rc < 0 ? rc : dropped;
	}
	memmove(log->segments + first, log->segments + first + count,
		(log->segment_count - first - count) *
			sizeof(struct segment *));
	log->segment_count -= count;
	log->dir_dirty = true;
	log_forget_places(log);
	return rc;
}

/* The front */

int log_set_start_offset(struct log *log, int64_t offset)
{
	size_t gone = 0;

	if (offset > log->end_offset)
		return -ERANGE;
	if (offset <= log->start_offset)
		return 0;
	log->start_offset = offset;
	if (log->recovery_point < offset)
		log->recovery_point = offset;
	while (gone + 1 < log->segment_count &&
	       log->segments[gone + 1]->base_offset <= offset)
		gone++;
	leader_epochs_truncate_start(&log->epochs, offset);
	return log_drop_segments(log, 0, gone);
}

/* What retention looks at. */
struct retention {
	int64_t oldest_ms; /* older than this is too old; INT64_MIN: none */
	int64_t excess_bytes;
	int64_t end_offset;
};

/* Is the segment to go, being the oldest there is?  1 or 0, or an error. */
static int is_expired(struct retention *r, struct segment *s, int64_t end)
{
	struct time_offset max;
	int rc;

	if (end > r->end_offset)
		return 0;
	if (r->excess_bytes >= s->size)
		return 1;
	if (r->oldest_ms == INT64_MIN)
		return 0;
	rc = segment_max_timestamp(s, &max);
	if (rc < 0)
		return rc;
	if (max.timestamp_ms < 0) {
		rc = segment_open_file(s);
		if (rc < 0)
			return rc;
		max.timestamp_ms = s->vfs->modified_ms(s->vfs, s->fd);
	}
	return max.timestamp_ms >= 0 && max.timestamp_ms < r->oldest_ms;
}

/* How many segments from the front on are to go. */
static int count_expired(struct log *log, struct retention *r)
{
	size_t i;

	for (i = 0; i < log->segment_count; i++) {
		struct segment *s = log->segments[i];
		int rc;

		if (i + 1 == log->segment_count && s->size == 0)
			break;
		rc = is_expired(r, s, log_segment_end(log, i));
		if (rc < 0)
			return rc;
		if (rc == 0)
			break;
		r->excess_bytes -= s->size;
	}
	return (int)i;
}

int log_apply_retention(struct log *log, int64_t retention_ms,
			int64_t retention_bytes, int64_t end_offset,
			int64_t now_ms)
{
	struct retention r = {
		.oldest_ms =
			retention_ms < 0 ? INT64_MIN : now_ms - retention_ms,
		.excess_bytes = retention_bytes < 0
					? -1
					: log->size_bytes - retention_bytes,
		.end_offset = end_offset,
	};
	int count = count_expired(log, &r);
	int rc = 0;

	if (count <= 0)
		return count;
	if ((size_t)count == log->segment_count)
		rc = log_roll(log);
	if (rc == 0)
		rc = log_set_start_offset(log,
					  log->segments[count]->base_offset);
	return rc < 0 ? rc : count;
}

/* The back */

/* Cut the active segment, which holds offset. */
static int cut_active(struct log *log, int64_t offset)
{
	struct segment *s = log_active(log);
	struct located found = { 0 };
	int64_t cut;
	int rc = 0;

	if (!s->resident)
		rc = segment_load_indexes(s);
	if (rc == 0)
		rc = log_locate(log, s, offset, &found);
	if (rc == 0)
		rc = segment_open_file(s);
	if (rc == 0)
		rc = s->vfs->ftruncate(s->vfs, s->fd, found.position);
	if (rc < 0)
		return rc;
	cut = s->size - found.position;
	s->sealed = false;
	s->size = found.position;
	s->synced_size = -1; /* that it was cut is to be synced too */
	log->size_bytes -= cut;
	return 0;
}

/* What the active segment knows beside its bytes, after it was cut. */
static int relearn_active(struct log *log, int64_t offset)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct segment *s = log_active(log);
	struct offset_position last;
	struct time_offset max;
	struct batch_cursor c;
	int rc;

	offset_index_truncate(&s->offsets, offset);
	time_index_truncate(&s->times, offset);
	last = offset_index_last(&s->offsets);
	max = time_index_last(&s->times);
	s->unindexed_bytes = s->size - last.position;
	if (s->size == 0)
		s->first_timestamp_ms = TIMESTAMP_UNKNOWN;
	s->max_timestamp_ms = max.timestamp_ms;
	s->max_timestamp_offset = max.offset;
	last = offset_index_lookup(&s->offsets, max.offset);
	batch_cursor_init(&c, s, last.position, s->size, window,
			  sizeof(window));
	while ((rc = batch_cursor_next(&c)) == 1) {
		if (c.header.max_timestamp_ms <= s->max_timestamp_ms)
			continue;
		s->max_timestamp_ms = c.header.max_timestamp_ms;
		s->max_timestamp_offset = batch_last_offset(&c.header);
	}
	if (rc == 0)
		rc = segment_flush_indexes(s);
	return rc;
}

int log_truncate(struct log *log, int64_t offset)
{
	size_t i;
	int rc;

	assert(offset >= 0);
	if (offset >= log->end_offset) {
		leader_epochs_truncate_end(&log->epochs, log->end_offset);
		return 0;
	}
	if (log->failed)
		return -EIO;
	if (log->segment_count == 0 || log->segments[0]->base_offset > offset)
		return log_truncate_fully(log, offset);
	i = log_segment_of(log, offset);
	log->truncations++;
	log->end_offset = offset;
	if (log->recovery_point > offset)
		log->recovery_point = offset;
	if (log->start_offset > offset)
		log->start_offset = offset;
	leader_epochs_truncate_end(&log->epochs, offset);
	rc = log_drop_segments(log, i + 1, log->segment_count - (i + 1));
	log_forget_places(log);
	if (rc == 0)
		rc = cut_active(log, offset);
	if (rc == 0)
		rc = relearn_active(log, offset);
	if (rc == 0)
		rc = log_reload_producers(log, false);
	log->failed = rc < 0;
	return rc;
}

int log_truncate_fully(struct log *log, int64_t offset)
{
	int rc = log_drop_segments(log, 0, log->segment_count);

	assert(offset >= 0);
	log->truncations++;
	log->start_offset = offset;
	log->end_offset = offset;
	log->recovery_point = offset;
	log->snapshot_offset = -1;
	log->snapshot_dirty = false;
	if (log->epochs.count > 0)
		log->epochs.dirty = true;
	log->epochs.count = 0;
	producer_state_clear(&log->producers);
	if (rc == 0 && log->dir_exists)
		rc = log_reload_producers(log, false);
	log->failed = log->failed || rc < 0;
	return rc;
}
