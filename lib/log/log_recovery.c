/*
 * log_recovery.c - opening what a log left on disk
 *
 * After a clean shutdown names and sizes are read, and headers behind the last
 * index entry.  After an unclean one the segment that holds the recovery point
 * and all that follow are read from end to end: the log ends at the first
 * batch that is not whole, their indexes are made anew, and their batches tell
 * their leader epochs.  Checksums are made from the recovery point on.
 *
 * What recovery cuts off or drops it syncs at once: nothing of it may come
 * back in another crash, among records that were written since.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/hash.h"
#include "log/log_dir.h"
#include "log/log_private.h"
#include "log/partition_metadata.h"

enum {
	READ_BYTES = 256 << 10, /* at once */
	/* Of a message before record batches, behind offset and size. */
	OLD_HEADER_BYTES = 17,
	OLD_LENGTH_MIN = 14,
	OLD_CRC_FROM = 16, /* from the front of it all */
};

/* Segments */

/* Add the segment whose file is there, as a sealed one that is closed. */
static int add_found_segment(struct log *log, int64_t base_offset)
{
	struct segment *s = segment_new(log->vfs, log->dir, base_offset);
	int rc;

	if (s == NULL)
		return -ENOMEM;
	s->sealed = true;
	s->resident = false;
	s->indexes_synced = true;
	s->max_timestamp_ms = TIMESTAMP_UNKNOWN;
	rc = log_reserve_segment(log);
	if (rc == 0)
		rc = segment_open_file(s);
	if (rc == 0 && s->size > SEGMENT_BYTES_MAX)
		rc = -EFBIG;
	if (rc < 0) {
		segment_release(s);
		return rc;
	}
	s->synced_size = s->size;
	segment_close_file(s);
	log_add_segment(log, s);
	return 0;
}

/* Reads a segment's file in large pieces, to check every byte of it. */
struct scan {
	struct segment *segment;
	int64_t recovery_point; /* checksums are made from here on */
	int64_t position;       /* of the next batch */
	int64_t next_offset;    /* it must not start below */
	uint8_t *buffer;
	int64_t scanned;
};

/* Does the checksum of the batch at the scan's position hold? */
static int check_crc(struct scan *scan, const struct batch_header *header,
		     const uint8_t *front, size_t front_len, bool *holds_out)
{
	struct segment *s = scan->segment;
	size_t left = header->size;
	size_t n = front_len < left ? front_len : left;
	int64_t at = scan->position + (int64_t)n;
	uint32_t crc =
		crc32c_update(0, front + BATCH_CRC_FROM, n - BATCH_CRC_FROM);

	left -= n;
	while (left > 0) {
		int rc;

		n = left < READ_BYTES ? left : READ_BYTES;
		rc = vfs_read_all(s->vfs, s->fd, scan->buffer, n, at);
		if (rc < 0)
			return rc;
		crc = crc32c_update(crc, scan->buffer, n);
		at += (int64_t)n;
		left -= n;
	}
	*holds_out = crc == header->crc;
	return 0;
}

static bool is_in_order(const struct scan *scan,
			const struct batch_header *header)
{
	int64_t base_offset = scan->segment->base_offset;

	return header->base_offset >= scan->next_offset &&
	       header->last_offset_delta >= 0 &&
	       header->base_offset <= INT64_MAX - INT32_MAX &&
	       batch_last_offset(header) - base_offset <= INT32_MAX;
}

/*
 * A whole message of the formats before record batches?  A crash does not
 * leave one: the directory is an old Kafka's, and is not to be cut.  Its front
 * is in bytes; a large one is read through the buffer.  1 or 0, or an error.
 */
static int is_old_format(struct scan *scan, const uint8_t *bytes, size_t len)
{
	struct segment *s = scan->segment;
	int64_t at = scan->position + OLD_CRC_FROM;
	int64_t end;
	uint32_t wanted;
	uint32_t size;
	uint32_t crc = 0;

	if (len < BATCH_LENGTH_FROM + OLD_HEADER_BYTES)
		return 0;
	size = get_be32(bytes + BATCH_LENGTH);
	wanted = get_be32(bytes + BATCH_LENGTH_FROM);
	end = scan->position + BATCH_LENGTH_FROM + (int64_t)size;
	if (bytes[BATCH_MAGIC] > 1 || size < OLD_LENGTH_MIN || end > s->size)
		return 0;
	while (at < end) {
		size_t n =
			end - at < READ_BYTES ? (size_t)(end - at) : READ_BYTES;
		int rc = vfs_read_all(s->vfs, s->fd, scan->buffer, n, at);

		if (rc < 0)
			return rc;
		crc = hash_crc32_update(crc, scan->buffer, n);
		at += (int64_t)n;
	}
	return crc == wanted;
}

/*
 * Look at the batch at the scan's position, the front of which is in bytes.
 * Returns 1 when it is whole, 0 when the log ends here, -EBADMSG for what must
 * not be cut, or an error of the file system.
 */
static int check_batch(struct scan *scan, const uint8_t *bytes, size_t len,
		       struct batch_header *header)
{
	struct slice slice = { bytes, len };
	bool holds = true;
	int rc;

	if (batch_header_read(slice, header) < 0) {
		rc = is_old_format(scan, bytes, len);
		return rc == 1 ? -EBADMSG : rc;
	}
	if (header->size > scan->segment->size - scan->position ||
	    !is_in_order(scan, header))
		return 0;
	if (batch_last_offset(header) < scan->recovery_point)
		return 1;
	rc = check_crc(scan, header, bytes, len, &holds);
	return rc < 0 ? rc : holds ? 1 : 0;
}

/* A whole batch was found: what log and segment learn from it. */
static int take_batch(struct log *log, struct scan *scan,
		      const struct batch_header *header)
{
	int rc = 0;

	segment_note_batch(scan->segment, header, scan->position,
			   log->config.index_interval_bytes);
	if (header->leader_epoch > leader_epochs_latest(&log->epochs)) {
		rc = leader_epochs_reserve(&log->epochs);
		if (rc == 0)
			leader_epochs_assign(&log->epochs, header->leader_epoch,
					     header->base_offset);
	}
	scan->position += header->size;
	scan->next_offset = batch_last_offset(header) + 1;
	scan->scanned += header->size;
	return rc;
}

/* Read on from the scan's position to the end, or to what is not whole. */
static int scan_batches(struct log *log, struct scan *scan)
{
	struct segment *s = scan->segment;
	int64_t window_at = 0;
	size_t window_len = 0;
	int rc = 1;

	while (rc == 1 && scan->position < s->size) {
		int64_t skip = scan->position - window_at;
		struct batch_header header = { 0 };

		/* A batch that began in the window is checked from it when
		 * it is all there, else the window is moved to it. */
		if (skip + BATCH_HEADER_BYTES > (int64_t)window_len ||
		    skip + 12 +
				    (int64_t)get_be32(scan->buffer + skip +
						      BATCH_LENGTH) >
			    (int64_t)window_len) {
			int64_t left = s->size - scan->position;

			window_at = scan->position;
			window_len =
				left < READ_BYTES ? (size_t)left : READ_BYTES;
			rc = vfs_read_all(s->vfs, s->fd, scan->buffer,
					  window_len, window_at);
			if (rc < 0)
				return rc;
			skip = 0;
		}
		rc = check_batch(scan, scan->buffer + skip,
				 window_len - (size_t)skip, &header);
		/* A large batch was read through the buffer. */
		if (header.size > window_len - (size_t)skip)
			window_len = 0;
		if (rc == 1 && take_batch(log, scan, &header) < 0)
			return -ENOMEM;
	}
	return rc < 0 ? rc : 0;
}

/* Cut the file of a segment to size, for good: a torn batch must not become
 * whole by another crash. */
static int cut_segment(struct segment *s, int64_t size)
{
	int rc = s->vfs->ftruncate(s->vfs, s->fd, size);

	if (rc == 0)
		rc = s->vfs->fdatasync(s->vfs, s->fd);
	if (rc == 0)
		s->size = size;
	return rc;
}

/*
 * Read a segment from end to end and make its indexes anew.  Returns how many
 * bytes were cut off behind the last whole batch, or an error.
 */
static int64_t recover_segment(struct log *log, struct segment *s,
			       int64_t recovery_point,
			       struct log_recovery *recovery)
{
	struct scan scan = {
		.segment = s,
		.recovery_point = recovery_point,
		.next_offset = s->base_offset,
		.buffer = malloc(READ_BYTES),
	};
	int64_t cut = 0;
	int rc = scan.buffer == NULL ? -ENOMEM : segment_open_file(s);

	if (rc == 0) {
		segment_reset_indexes(s);
		s->max_timestamp_ms = -1;
		s->max_timestamp_offset = s->base_offset;
		rc = scan_batches(log, &scan);
	}
	free(scan.buffer);
	if (rc < 0)
		return rc;
	cut = s->size - scan.position;
	if (cut > 0)
		rc = cut_segment(s, scan.position);
	recovery->scanned_bytes += scan.scanned;
	recovery->truncated_bytes += cut;
	recovery->rebuilt_indexes++;
	log->end_offset = scan.next_offset;
	return rc < 0 ? rc : cut;
}

/* The segments behind one that was cut are not of this log any more, nor after
 * another crash. */
static int drop_behind(struct log *log, size_t i, struct log_recovery *recovery)
{
	int rc;

	if (i + 1 == log->segment_count)
		return 0;
	for (size_t j = i + 1; j < log->segment_count; j++)
		recovery->truncated_bytes += log->segments[j]->size;
	rc = log_drop_segments(log, i + 1, log->segment_count - (i + 1));
	return rc < 0 ? rc : log->vfs->sync_dir(log->vfs, log->dir);
}

/* The segment was read, and another follows. */
static int seal_recovered(struct segment *s)
{
	struct time_offset max = { s->max_timestamp_ms,
				   s->max_timestamp_offset };

	time_index_append(&s->times, max);
	s->indexes_synced = false;
	return segment_flush_indexes(s);
}

/* The first segment that is not known to be on disk.  The one that ends at the
 * recovery point may have been sealed after that was reached: its indexes are
 * not to be relied on. */
static size_t first_unsure(const struct log *log, int64_t recovery_point)
{
	return log_segment_of(log, recovery_point - 1);
}

/*
 * Did the end of segment i get lost, at the very edge of a batch?  A log is
 * written without holes from one segment to the next; compaction makes holes,
 * but never beyond the recovery point.
 */
static bool lost_its_end(const struct log *log, size_t i,
			 int64_t recovery_point)
{
	int64_t next;

	if (i + 1 == log->segment_count)
		return false;
	next = log->segments[i + 1]->base_offset;
	return next > recovery_point && next != log->end_offset;
}

/* After an unclean shutdown: all from the recovery point on. */
static int recover_tail(struct log *log, int64_t recovery_point,
			struct log_recovery *recovery)
{
	size_t first = first_unsure(log, recovery_point);

	/* Names that were made may not have been synced. */
	log->dir_dirty = true;
	log->parent_dirty = true;
	/* Of what is not known to be on disk the file may tell old tales. */
	leader_epochs_truncate_end(&log->epochs, recovery_point);
	for (size_t i = first; i < log->segment_count; i++) {
		struct segment *s = log->segments[i];
		int64_t cut = recover_segment(log, s, recovery_point, recovery);
		int rc = 0;

		if (cut < 0)
			return (int)cut;
		s->synced_size = -1;
		if (cut > 0 || lost_its_end(log, i, recovery_point))
			rc = drop_behind(log, i, recovery);
		if (rc == 0 && i + 1 < log->segment_count)
			rc = seal_recovered(s);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Indexes that are not there, of the first count segments, which are taken to
 * be whole. */
static int rebuild_missing_indexes(struct log *log, const struct log_dir *dir,
				   size_t count, struct log_recovery *recovery)
{
	for (size_t i = 0; i < count && i + 1 < log->segment_count; i++) {
		struct segment *s = log->segments[i];
		int64_t cut;
		int rc;

		if (offset_list_has(&dir->indexes, s->base_offset))
			continue;
		cut = recover_segment(log, s, INT64_MAX, recovery);
		if (cut < 0)
			return (int)cut;
		rc = seal_recovered(s);
		if (rc == 0 && cut > 0)
			rc = drop_behind(log, i, recovery);
		if (rc < 0)
			return rc;
		segment_close_file(s);
	}
	return 0;
}

/* Does an index of count entries name an offset that the log does not have? */
static bool names_beyond(const struct log *log, uint32_t count,
			 int64_t last_offset)
{
	return count > 0 && last_offset >= log->end_offset;
}

/* After a clean shutdown: find the end of the active segment by its index and
 * the headers behind. */
static int find_end(struct log *log, struct segment *s)
{
	uint8_t window[BATCH_WINDOW_BYTES];
	struct offset_position last = offset_index_last(&s->offsets);
	struct time_offset max = time_index_last(&s->times);
	struct batch_cursor c;
	int rc;

	log->end_offset = s->base_offset;
	s->max_timestamp_ms = max.timestamp_ms;
	s->max_timestamp_offset = max.offset;
	s->unindexed_bytes = s->size - last.position;
	batch_cursor_init(&c, s, last.position, s->size, window,
			  sizeof(window));
	while ((rc = batch_cursor_next(&c)) == 1) {
		if (c.header.base_offset < log->end_offset)
			return -EBADMSG;
		log->end_offset = batch_last_offset(&c.header) + 1;
		if (c.header.max_timestamp_ms > s->max_timestamp_ms) {
			s->max_timestamp_ms = c.header.max_timestamp_ms;
			s->max_timestamp_offset = batch_last_offset(&c.header);
		}
	}
	if (rc == 0 && (names_beyond(log, s->offsets.file.count, last.offset) ||
			names_beyond(log, s->times.file.count, max.offset)))
		return -EBADMSG;
	return rc;
}

/* The last segment is to be appended to again. */
static int activate(struct log *log, struct log_recovery *recovery)
{
	struct segment *s = log_active(log);
	int64_t cut;
	int rc = segment_open_file(s);

	if (rc < 0)
		return rc;
	s->sealed = false;
	s->created_ms = s->vfs->modified_ms(s->vfs, s->fd);
	if (s->resident) /* it was recovered */
		return 0;
	rc = segment_load_indexes(s);
	if (rc == 0)
		rc = find_end(log, s);
	if (rc != -EBADMSG)
		return rc;
	/* The marker lied, or the file was touched: read it all. */
	cut = recover_segment(log, s, 0, recovery);
	return cut < 0 ? (int)cut : 0;
}

/* Small files */

static int load_epochs(struct log *log)
{
	char path[PATH_BYTES_MAX];
	int rc = log_path(path, log, LEADER_EPOCH_NAME);

	return rc < 0 ? rc : leader_epochs_load(&log->epochs, log->vfs, path);
}

/* A file that is missing, or that a crash tore, is written again; one that
 * names another topic is not ours. */
static int check_topic_id(struct log *log)
{
	char path[PATH_BYTES_MAX];
	struct uuid topic_id;
	int rc;

	if (uuid_is_zero(log->topic_id))
		return 0;
	rc = log_path(path, log, PARTITION_METADATA_NAME);
	if (rc == 0)
		rc = partition_metadata_read(log->vfs, path, &topic_id);
	if (rc == 0)
		return uuid_equal(topic_id, log->topic_id) ? 0 : -EEXIST;
	log->metadata_dirty = true;
	return rc == -ENOENT || rc == -EBADMSG ? 0 : rc;
}

/* All together */

static int64_t sum_sizes(const struct log *log)
{
	int64_t sum = 0;

	for (size_t i = 0; i < log->segment_count; i++)
		sum += log->segments[i]->size;
	return sum;
}

static int load_segments(struct log *log, const struct log_open *params,
			 const struct log_dir *dir,
			 struct log_recovery *recovery)
{
	size_t intact;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < dir->segments.count; i++)
		rc = add_found_segment(log, dir->segments.items[i]);
	if (rc < 0 || log->segment_count == 0)
		return rc;
	intact = params->clean ? log->segment_count - 1
			       : first_unsure(log, params->recovery_point);
	rc = rebuild_missing_indexes(log, dir, intact, recovery);
	if (rc == 0 && !params->clean)
		rc = recover_tail(log, params->recovery_point, recovery);
	if (rc == 0)
		rc = activate(log, recovery);
	log->size_bytes = sum_sizes(log);
	return rc;
}

/* Put start, end and recovery point into order. */
static int settle_offsets(struct log *log, const struct log_open *params)
{
	int64_t start = params->log_start_offset;

	if (log->end_offset < start)
		return log_truncate_fully(log, start);
	if (log->segment_count > 0 &&
	    log->segments[0]->base_offset > log->start_offset)
		log->start_offset = log->segments[0]->base_offset;
	log->recovery_point = log->end_offset;
	if (!params->clean && params->recovery_point < log->end_offset)
		log->recovery_point = params->recovery_point;
	if (log->recovery_point < log->start_offset)
		log->recovery_point = log->start_offset;
	leader_epochs_truncate_end(&log->epochs, log->end_offset);
	leader_epochs_truncate_start(&log->epochs, log->start_offset);
	return 0;
}

int log_recover(struct log *log, const struct log_open *params,
		struct log_recovery *recovery)
{
	struct log_dir dir;
	int rc = log_dir_read(&dir, log->vfs, log->dir);

	if (rc == -ENOENT) {
		log_dir_clear(&dir);
		return 0;
	}
	log->dir_exists = rc == 0;
	if (rc == 0)
		rc = check_topic_id(log);
	if (rc == 0)
		rc = load_epochs(log);
	if (rc == 0)
		rc = load_segments(log, params, &dir, recovery);
	if (rc == 0)
		rc = settle_offsets(log, params);
	if (rc == 0)
		rc = log_reload_producers(log, params->clean);
	log_dir_clear(&dir);
	return rc;
}
