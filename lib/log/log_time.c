/*
 * log_time.c - offsets by timestamp
 *
 * Timestamps need not ascend.  The time index leads to where a segment's
 * greatest timestamp so far was below the target; from there on headers are
 * read, and of the first batch that can hold it the records: those by
 * whoever holds the log's lock no more, as unpacking may take long.
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

/* The first batch of s from from_offset on that can hold the target, or
 * nothing: then the slice stays empty. */
static int find_batch(struct log *log, struct segment *s, int64_t target_ms,
		      int64_t from_offset, int64_t end_offset,
		      struct log_slice *slice_out)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct offset_position from = { 0 };
	struct time_offset before;
	struct batch_cursor c;
	int rc = segment_lookup_time(s, target_ms, &before);

	if (rc == 0)
		rc = segment_lookup(s,
				    before.offset > from_offset ? before.offset
								: from_offset,
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
		    batch_last_offset(&c.header) < from_offset)
			continue;
		*slice_out = (struct log_slice){
			.segment = segment_retain(s),
			.fd = s->fd,
			.position = c.position,
			.len = c.header.size,
		};
		return 0;
	}
	return rc;
}

int log_batch_for_time(struct log *log, int64_t target_ms, int64_t from_offset,
		       int64_t end_offset, struct log_slice *slice_out)
{
	*slice_out = (struct log_slice){ .fd = -1 };
	if (from_offset < log->start_offset)
		from_offset = log->start_offset;
	for (size_t i = 0; i < log->segment_count; i++) {
		struct segment *s = log->segments[i];
		struct time_offset max;
		int rc;

		if (s->base_offset >= end_offset)
			break;
		if (log_segment_end(log, i) <= from_offset)
			continue;
		rc = segment_max_timestamp(s, &max);
		if (rc == 0 && max.timestamp_ms >= target_ms)
			rc = find_batch(log, s, target_ms, from_offset,
					end_offset, slice_out);
		if (rc < 0 || slice_out->len > 0)
			return rc;
	}
	return 0;
}

int log_greatest_time(struct log *log, int64_t *timestamp_ms_out)
{
	int64_t greatest_ms = -1;

	for (size_t i = 0; i < log->segment_count; i++) {
		struct time_offset max;
		int rc = segment_max_timestamp(log->segments[i], &max);

		if (rc < 0)
			return rc;
		if (max.timestamp_ms > greatest_ms)
			greatest_ms = max.timestamp_ms;
	}
	*timestamp_ms_out = greatest_ms;
	return 0;
}

/* Without the lock */

static const struct log_time_offset not_found = { -1, -1, -1 };

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
	return rc < 0 ? rc : 0;
}

int log_search_batch(const struct log_slice *slice, int64_t target_ms,
		     int64_t from_offset, struct log_time_offset *found_out,
		     int64_t *next_offset_out)
{
	struct vfs *vfs = slice->segment->vfs;
	struct slice bytes = { .len = slice->len };
	uint8_t *batch = malloc(slice->len);
	struct batch_header header;
	int rc;

	*found_out = not_found;
	if (batch == NULL)
		return -ENOMEM;
	bytes.data = batch;
	rc = vfs_read_all(vfs, slice->fd, batch, slice->len, slice->position);
	if (rc == 0)
		rc = batch_header_read(bytes, &header);
	if (rc == 0)
		rc = search_batch(bytes, target_ms, from_offset, found_out);
	if (rc == 0) {
		*next_offset_out = batch_last_offset(&header) + 1;
		if (found_out->offset >= 0)
			found_out->leader_epoch = header.leader_epoch;
	}
	free(batch);
	return rc;
}

/* All at once, for whoever holds no lock */

int log_offset_for_time(struct log *log, int64_t target_ms, int64_t end_offset,
			struct log_time_offset *found_out)
{
	int64_t from_offset = log->start_offset;
	struct log_slice slice;
	int rc;

	*found_out = not_found;
	do {
		rc = log_batch_for_time(log, target_ms, from_offset, end_offset,
					&slice);
		if (rc < 0 || slice.len == 0)
			return rc;
		rc = log_search_batch(&slice, target_ms, from_offset, found_out,
				      &from_offset);
		log_slice_release(&slice);
	} while (rc == 0 && found_out->offset < 0);
	if (found_out->offset >= end_offset)
		*found_out = not_found;
	return rc;
}

int log_offset_of_max_timestamp(struct log *log,
				struct log_time_offset *found_out)
{
	int64_t greatest_ms;
	int rc = log_greatest_time(log, &greatest_ms);

	*found_out = not_found;
	if (rc < 0 || greatest_ms < 0)
		return rc;
	return log_offset_for_time(log, greatest_ms, INT64_MAX, found_out);
}
