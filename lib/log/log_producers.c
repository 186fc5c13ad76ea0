/*
 * log_producers.c - the producers' state of a log, on disk and anew
 *
 * A snapshot is written where a segment starts and when the log is closed.
 * Opening and truncating take the newest sound one and read the headers of the
 * batches behind it.  A snapshot that a crash tore has a wrong checksum: it is
 * removed, and an older one serves.
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "log/log_dir.h"
#include "log/log_private.h"
#include "record/record.h"

enum {
	SNAPSHOT_BYTES_MAX = 1 << 30,
	REPLAY_BYTES = 64 << 10, /* headers are read through so much */
};

static int note_snapshot(void *arg, const char *text)
{
	struct log_file_name name;

	if (!log_file_name_parse(text, &name) ||
	    name.kind != LOG_FILE_SNAPSHOT || name.rest[0] != '\0')
		return 0;
	return offset_list_add(arg, name.offset);
}

static void remove_snapshot(struct log *log, int64_t offset)
{
	char path[PATH_BYTES_MAX];

	if (segment_path(path, log->dir, offset, SUFFIX_SNAPSHOT) == 0)
		log->vfs->unlink(log->vfs, path);
	/* It must not come back: the log may get other records there. */
	log->dir_dirty = true;
}

static bool is_segment_start(const struct log *log, int64_t offset)
{
	return log->segment_count > 0 &&
	       log->segments[log_segment_of(log, offset)]->base_offset ==
		       offset;
}

/*
 * List the snapshots of this log, ascending, and remove the others: those
 * beyond the end or not beyond the start, and, but for the newest, those that
 * stand at no segment's start.
 */
static int list_snapshots(struct log *log, struct offset_list *found)
{
	size_t kept = 0;
	int rc = log->vfs->list(log->vfs, log->dir, note_snapshot, found);

	if (rc < 0)
		return rc;
	offset_list_sort(found);
	while (found->count > 0 &&
	       found->items[found->count - 1] > log->end_offset)
		remove_snapshot(log, found->items[--found->count]);
	for (size_t i = 0; i < found->count; i++) {
		int64_t offset = found->items[i];

		if (offset > log->start_offset &&
		    (i + 1 == found->count || is_segment_start(log, offset)))
			found->items[kept++] = offset;
		else
			remove_snapshot(log, offset);
	}
	found->count = kept;
	return 0;
}

static int load_snapshot(struct log *log, int64_t offset)
{
	char path[PATH_BYTES_MAX];
	char *bytes = NULL;
	size_t len = 0;
	int rc = segment_path(path, log->dir, offset, SUFFIX_SNAPSHOT);

	if (rc == 0)
		rc = file_read(log->vfs, path, SNAPSHOT_BYTES_MAX, &bytes,
			       &len);
	if (rc < 0)
		return rc;
	rc = producer_state_decode(
		&log->producers, (struct slice){ (const uint8_t *)bytes, len });
	free(bytes);
	return rc;
}

/* Load the newest that can be read; *offset_out is -1 when there is none. */
static int load_newest(struct log *log, struct offset_list *found,
		       int64_t *offset_out)
{
	*offset_out = -1;
	while (found->count > 0) {
		int64_t offset = found->items[found->count - 1];
		int rc = load_snapshot(log, offset);

		if (rc == 0) {
			*offset_out = offset;
			return 0;
		}
		if (rc != -EBADMSG && rc != -EFBIG)
			return rc;
		remove_snapshot(log, offset);
		found->count--;
	}
	return 0;
}

/* Batches */

/* The coordinator epoch in the end marker of a transaction that a control
 * batch is; -1 when it is another kind of control batch. */
static int read_end_marker(struct slice batch, int32_t *coordinator_epoch_out)
{
	struct record_iter *iter;
	struct record record;
	int rc = record_iter_new(batch, RECORD_BYTES_DECOMPRESSED_MAX, &iter);

	*coordinator_epoch_out = -1;
	if (rc < 0)
		return rc;
	rc = record_next(iter, &record);
	/* key: version, type (0 abort, 1 commit); value: version, epoch */
	if (rc == 1 && record.key.len >= 4 && record.value.len >= 6 &&
	    get_be16(record.key.data + 2) <= 1)
		*coordinator_epoch_out =
			(int32_t)get_be32(record.value.data + 2);
	record_iter_free(iter);
	return rc < 0 ? rc : 0;
}

int producer_note_prepare(struct log *log, const struct batch_header *header,
			  struct slice batch, struct producer_note *note)
{
	int rc = 0;

	*note = (struct producer_note){ NULL, -1 };
	if (header->producer_id < 0)
		return 0;
	if ((header->attributes & BATCH_CONTROL) != 0)
		rc = read_end_marker(batch, &note->coordinator_epoch);
	if (rc < 0)
		return rc;
	return producer_prepare(&log->producers, header->producer_id,
				&note->producer);
}

void producer_note_apply(const struct producer_note *note,
			 const struct batch_header *header)
{
	if (note->producer == NULL)
		return;
	if ((header->attributes & BATCH_CONTROL) != 0)
		producer_end_transaction(note->producer, header,
					 note->coordinator_epoch);
	else
		producer_commit(note->producer, header);
}

static int note_batch(struct log *log, const struct batch_header *header,
		      struct slice batch)
{
	struct producer_note note;
	int rc = producer_note_prepare(log, header, batch, &note);

	if (rc == 0)
		producer_note_apply(&note, header);
	return rc;
}

/* Note the batch that the cursor stands on. */
static int replay_batch(struct log *log, const struct batch_cursor *c)
{
	struct segment *s = c->segment;
	struct slice none = SLICE_NULL;
	uint8_t *batch;
	int rc;

	if (c->header.producer_id < 0 ||
	    (c->header.attributes & BATCH_CONTROL) == 0)
		return note_batch(log, &c->header, none);
	batch = malloc(c->header.size);
	if (batch == NULL)
		return -ENOMEM;
	rc = vfs_read_all(s->vfs, s->fd, batch, c->header.size, c->position);
	if (rc == 0)
		rc = note_batch(log, &c->header,
				(struct slice){ batch, c->header.size });
	free(batch);
	return rc;
}

static int replay_segment(struct log *log, struct segment *s,
			  int64_t from_offset, uint8_t *window)
{
	struct located from;
	struct batch_cursor c;
	int rc = log_locate(log, s, from_offset, &from);

	if (rc == 0)
		rc = log_open_segment_file(log, s);
	if (rc < 0)
		return rc;
	batch_cursor_init(&c, s, from.position, s->size, window, REPLAY_BYTES);
	while ((rc = batch_cursor_next(&c)) == 1) {
		rc = replay_batch(log, &c);
		if (rc < 0)
			return rc;
	}
	return rc;
}

/* Read what follows from_offset. */
static int replay(struct log *log, int64_t from_offset)
{
	uint8_t *window;
	int rc = 0;

	if (log->segment_count == 0 || from_offset >= log->end_offset)
		return 0;
	window = malloc(REPLAY_BYTES);
	if (window == NULL)
		return -ENOMEM;
	for (size_t i = log_segment_of(log, from_offset);
	     rc == 0 && i < log->segment_count; i++)
		rc = replay_segment(log, log->segments[i], from_offset, window);
	free(window);
	return rc;
}

int log_reload_producers(struct log *log, bool clean)
{
	struct offset_list found = { 0 };
	int64_t offset = -1;
	int rc = list_snapshots(log, &found);

	producer_state_clear(&log->producers);
	log->snapshot_offset = -1;
	log->snapshot_dirty = false;
	if (rc == 0)
		rc = load_newest(log, &found, &offset);
	offset_list_clear(&found);
	if (rc < 0)
		return rc;
	log->snapshot_offset = offset;
	/* A log that was closed in order and has none had no producers. */
	if (offset < 0 && clean)
		return 0;
	return replay(log,
		      offset < log->start_offset ? log->start_offset : offset);
}

int log_write_snapshot(struct log *log, int64_t offset)
{
	struct vfs *vfs = log->vfs;
	struct buffer bytes = { 0 };
	char path[PATH_BYTES_MAX];
	int fd = -1;
	int rc = segment_path(path, log->dir, offset, SUFFIX_SNAPSHOT);

	producer_state_encode(&log->producers, &bytes);
	if (rc == 0 && bytes.failed)
		rc = -ENOMEM;
	if (rc == 0) {
		fd = vfs->open(vfs, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
		rc = fd < 0 ? fd : 0;
	}
	if (rc == 0)
		rc = vfs_write_all(vfs, fd, bytes.data, bytes.len, 0);
	if (fd >= 0)
		vfs->close(vfs, fd);
	buffer_clear(&bytes);
	if (rc < 0)
		return rc;
	log->snapshot_offset = offset;
	log->snapshot_dirty = true;
	log->dir_dirty = true;
	return 0;
}
