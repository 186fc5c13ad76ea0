/*
 * log_time.c - offsets by timestamp
 *
 * Timestamps need not ascend.  The time index leads to where a segment's
 * greatest timestamp so far was below the target; from there on headers are
 * read, and of the first batch that can hold it the records.
 */
#include "log/log.h"

#include <errno.h>
#include <stdlib.h>

#include "log/log_private.h"
#include "record/record.h"

int64_t log_max_timestamp_ms(const struct log *log)
{
	int64_t max_ms = -1;

	for (size_t i = 0; i < log->segment_count; i++) {
		struct time_offset max;

		if (segment_max_timestamp(log->segments[i], &max) == 0 &&
		    max.timestamp_ms > max_ms)
			max_ms = max.timestamp_ms;
	}
	return max_ms;
}

/* The first record at or above from_offset whose timestamp is target_ms or
 * later, of the batch in bytes: 1, or 0 when it has none. */
static int search_batch(struct slice bytes, int64_t target_ms,
			int64_t from_offset, struct log_time_offset *found_out)
{
	struct record_iter *iter;
	struct record record;
	int rc = record_iter_new(bytes, RECORD_BYTES_DECOMPRESSED_MAX, &iter);

	if (rc < 0)
		return rc;
	while ((rc = record_next(iter, &record)) == 1) {
		if (record.timestamp_ms < target_ms ||
		    record.offset < from_offset)
			continue;
		found_out->timestamp_ms = record.timestamp_ms;
		found_out->offset = record.offset;
		break;
	}
	record_iter_free(iter);
	return rc;
}

/* The same for the batch that the cursor stands on, which is read whole. */
static int search_batch_at(const struct batch_cursor *c, int64_t target_ms,
			   int64_t from_offset,
			   struct log_time_offset *found_out)
{
	struct segment *s = c->segment;
	size_t size = c->header.size;
	uint8_t *batch = malloc(size);
	int rc;

	if (batch == NULL)
		return -ENOMEM;
	rc = vfs_read_all(s->vfs, s->fd, batch, size, c->position);
	if (rc == 0)
		rc = search_batch((struct slice){ batch, size }, target_ms,
				  from_offset, found_out);
	free(batch);
	if (rc == 1)
		found_out->leader_epoch = c->header.leader_epoch;
	return rc;
}

/* Search one segment whose greatest timestamp reaches the target. */
static int search_segment(struct log *log, struct segment *s, int64_t target_ms,
			  int64_t end_offset, struct log_time_offset *found_out)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct offset_position from = { 0 };
	struct time_offset before;
	struct batch_cursor c;
	int rc = segment_lookup_time(s, target_ms, &before);

	if (rc == 0)
		rc = segment_lookup(s,
				    before.offset > log->start_offset
					    ? before.offset
					    : log->start_offset,
				    &from);
	if (rc == 0)
		rc = log_open_segment_file(log, s);
	if (rc < 0)
		return rc;
	batch_cursor_init(&c, s, from.position, s->size, window,
			  sizeof(window));
	while ((rc = batch_cursor_next(&c)) == 1) {
		if (c.header.base_offset >= end_offset)
			return 0;
		if (c.header.max_timestamp_ms < target_ms ||
		    batch_last_offset(&c.header) < log->start_offset)
			continue;
		rc = search_batch_at(&c, target_ms, log->start_offset,
				     found_out);
		if (rc != 0)
			return rc;
	}
	return rc;
}

static const struct log_time_offset not_found = { -1, -1, -1 };

int log_offset_for_time(struct log *log, int64_t target_ms, int64_t end_offset,
			struct log_time_offset *found_out)
{
	*found_out = not_found;
	for (size_t i = 0; i < log->segment_count; i++) {
		struct segment *s = log->segments[i];
		struct time_offset max;
		int rc;

		if (s->base_offset >= end_offset)
			break;
		if (log_segment_end(log, i) <= log->start_offset)
			continue;
		rc = segment_max_timestamp(s, &max);
		if (rc == 0 && max.timestamp_ms >= target_ms)
			rc = search_segment(log, s, target_ms, end_offset,
					    found_out);
		if (rc < 0)
			return rc;
		if (rc == 1)
			break;
	}
	if (found_out->offset >= end_offset)
		*found_out = not_found;
	return 0;
}

int log_offset_of_max_timestamp(struct log *log,
				struct log_time_offset *found_out)
{
	struct segment *best = NULL;
	int64_t best_ms = -1;
	int rc;

	*found_out = not_found;
	for (size_t i = 0; i < log->segment_count; i++) {
		struct time_offset max;

		rc = segment_max_timestamp(log->segments[i], &max);
		if (rc < 0)
			return rc;
		if (max.timestamp_ms > best_ms) {
			best_ms = max.timestamp_ms;
			best = log->segments[i];
		}
	}
	if (best == NULL)
		return 0;
	rc = search_segment(log, best, best_ms, INT64_MAX, found_out);
	return rc < 0 ? rc : 0;
}
