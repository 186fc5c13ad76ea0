/*
 * log.c - the log of one partition on disk: open, append, roll, close
 *
 * Rules:
 *  - segments ascend; only the last is appended to; a log that was never
 *    written to has none, and no directory
 *  - a failed append leaves everything as it was: what needs memory is
 *    reserved first, then bytes are written, and what follows cannot fail
 *  - nothing here waits for the disk to sync: files that must be durable are
 *    marked dirty, and log_sync.c sees to them
 */
#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "log/log_private.h"
#include "log/partition_metadata.h"
#include "record/record.h"

const struct log_config log_config_default = {
	.segment_bytes = 1 << 30,
	.segment_ms = 7LL * 24 * 3600 * 1000,
	.segment_jitter_ms = 0,
	.index_interval_bytes = 4096,
	.segment_index_bytes = 10 << 20,
	.flush_messages = INT64_MAX,
	.flush_ms = INT64_MAX,
	.file_delete_delay_ms = 60000,
	.preallocate = false,
	.producer_expiration_ms = 24LL * 3600 * 1000,
};

int log_path(char path[PATH_BYTES_MAX], const struct log *log, const char *name)
{
	int n = snprintf(path, PATH_BYTES_MAX, "%s/%s", log->dir, name);

	return n < 0 || n >= PATH_BYTES_MAX ? -ENAMETOOLONG : 0;
}

/* Open and close */

static void log_free(struct log *log)
{
	if (log == NULL)
		return;
	for (size_t i = 0; i < log->segment_count; i++)
		segment_release(log->segments[i]);
	free(log->segments);
	leader_epochs_clear(&log->epochs);
	producer_state_clear(&log->producers);
	while (log->garbage != NULL) {
		struct garbage *next = log->garbage->next;

		free(log->garbage);
		log->garbage = next;
	}
	free(log->dir);
	free(log);
}

static struct log *log_new(const struct log_open *params)
{
	struct log *log = calloc(1, sizeof(*log));

	if (log == NULL)
		return NULL;
	log->dir = strdup(params->dir);
	if (log->dir == NULL) {
		free(log);
		return NULL;
	}
	log->vfs = params->vfs;
	log->clock = params->clock;
	log->config = params->config;
	log->topic_id = params->topic_id;
	log->start_offset = params->log_start_offset;
	log->end_offset = params->log_start_offset;
	log->recovery_point = params->log_start_offset;
	log->last_append_ms = -1;
	log->snapshot_offset = -1;
	log_forget_places(log);
	return log;
}

int log_open(const struct log_open *params, struct log **log_out,
	     struct log_recovery *recovery_out)
{
	struct log_recovery recovery = { 0 };
	struct log *log;
	int rc;

	assert(params->log_start_offset >= 0);
	log = log_new(params);
	if (log == NULL)
		return -ENOMEM;
	rc = log_recover(log, params, &recovery);
	if (rc < 0) {
		log_free(log);
		return rc;
	}
	if (recovery_out != NULL)
		*recovery_out = recovery;
	*log_out = log;
	return 0;
}

/* What a clean shutdown leaves behind beside the batches. */
static int write_pending(struct log *log)
{
	struct segment *active = log_active(log);
	int rc = 0;
	int also;

	if (!log->dir_exists || log->failed)
		return log->failed ? -EIO : 0;
	for (size_t i = 0; i + 1 < log->segment_count; i++) {
		also = segment_flush_indexes(log->segments[i]);
		rc = rc < 0 ? rc : also;
	}
	if (active != NULL) {
		also = segment_seal(active);
		rc = rc < 0 ? rc : also;
	}
	if (log->end_offset > log->snapshot_offset) {
		also = log_write_snapshot(log, log->end_offset);
		rc = rc < 0 ? rc : also;
	}
	return rc;
}

int log_close(struct log *log, bool sync)
{
	int rc;

	if (log == NULL)
		return 0;
	rc = write_pending(log);
	log_free_garbage(log->vfs, log->dir, log_take_garbage(log, INT64_MAX));
	if (rc == 0 && sync)
		rc = log_sync(log);
	log_free(log);
	return rc;
}

void log_set_config(struct log *log, const struct log_config *config)
{
	log->config = *config;
}

/* What is known of it */

int64_t log_start_offset(const struct log *log)
{
	return log->start_offset;
}

int64_t log_end_offset(const struct log *log)
{
	return log->end_offset;
}

int64_t log_recovery_point(const struct log *log)
{
	return log->recovery_point;
}

int64_t log_size_bytes(const struct log *log)
{
	return log->size_bytes;
}

int64_t log_last_append_ms(const struct log *log)
{
	return log->last_append_ms;
}

size_t log_segment_count(const struct log *log)
{
	return log->segment_count;
}

bool log_has_failed(const struct log *log)
{
	return log->failed;
}

/* Segments */

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

int log_add_segment(struct log *log, struct segment *s)
{
	if (log->segment_count == log->segment_capacity) {
		size_t capacity = log->segment_capacity == 0
					  ? 1
					  : 2 * log->segment_capacity;
		struct segment **segments = realloc(
			log->segments, capacity * sizeof(struct segment *));

		if (segments == NULL)
			return -ENOMEM;
		log->segments = segments;
		log->segment_capacity = capacity;
	}
	log->segments[log->segment_count++] = s;
	return 0;
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
		rc = segment_create(s);
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
	rc = create_segment(log, base_offset, &s);
	if (rc < 0)
		return rc;
	rc = log_add_segment(log, s);
	if (rc < 0) {
		segment_release(s);
		return rc;
	}
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
	if (first_ms >= 0)
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

/* Have an active segment that the batch may go into. */
static int prepare_segment(struct log *log, const struct batch_header *header,
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

/* Append */

/* Write a batch that has its offsets, and move the log end offset. */
static int write_batch(struct log *log, const uint8_t *batch,
		       const struct batch_header *header)
{
	bool broken = false;
	struct segment *s;
	int rc;

	if (log->failed)
		return -EIO;
	if (header->size > log->config.segment_bytes ||
	    header->size > SEGMENT_BYTES_MAX)
		return -EMSGSIZE;
	rc = leader_epochs_reserve(&log->epochs);
	if (rc == 0)
		rc = prepare_segment(log, header, &s);
	if (rc == 0)
		rc = segment_append(s, batch, header,
				    log->config.index_interval_bytes, &broken);
	log->failed = log->failed || broken;
	if (rc < 0)
		return rc;
	if (header->leader_epoch > leader_epochs_latest(&log->epochs))
		leader_epochs_assign(&log->epochs, header->leader_epoch,
				     header->base_offset);
	log->end_offset = batch_last_offset(header) + 1;
	log->size_bytes += header->size;
	log->last_append_ms = log->clock->wall_ms(log->clock);
	return 0;
}

/* Give the batch, in place, what only the leader knows, and say in *out what
 * its header then is: the caller may have changed times since it read it. */
static void assign(const struct log *log, uint8_t *batch,
		   const struct batch_header *header, int32_t leader_epoch,
		   struct batch_header *out)
{
	batch_set_base_offset(batch, log->end_offset);
	batch_set_leader_epoch(batch, leader_epoch);
	*out = *header;
	out->base_offset = log->end_offset;
	out->leader_epoch = leader_epoch;
	out->attributes = (int16_t)get_be16(batch + BATCH_ATTRIBUTES);
	out->max_timestamp_ms = (int64_t)get_be64(batch + BATCH_MAX_TIMESTAMP);
}

static struct log_appended appended(const struct log *log,
				    const struct batch_header *header)
{
	return (struct log_appended){
		.base_offset = header->base_offset,
		.last_offset = batch_last_offset(header),
		.log_start_offset = log->start_offset,
		.log_append_time_ms =
			(header->attributes & BATCH_LOG_APPEND_TIME) != 0
				? header->max_timestamp_ms
				: -1,
	};
}

int log_append(struct log *log, uint8_t *batch,
	       const struct batch_header *header, int32_t leader_epoch,
	       struct log_appended *appended_out, enum log_refusal *refusal_out)
{
	struct producer *producer = NULL;
	struct batch_header assigned;
	int rc = 0;

	*refusal_out = LOG_REFUSED_NOT;
	if (header->producer_id >= 0)
		rc = producer_check(&log->producers, header, &producer,
				    &appended_out->base_offset,
				    &appended_out->last_offset, refusal_out);
	if (rc < 0)
		return rc;
	if (rc == 1) {
		appended_out->log_start_offset = log->start_offset;
		appended_out->log_append_time_ms = -1;
		appended_out->duplicate = true;
		return 0;
	}
	assign(log, batch, header, leader_epoch, &assigned);
	rc = write_batch(log, batch, &assigned);
	if (rc == 0 && producer != NULL)
		producer_commit(producer, &assigned);
	else if (rc < 0 && producer != NULL)
		producer_abandon(&log->producers, producer);
	if (rc == 0)
		*appended_out = appended(log, &assigned);
	return rc;
}

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

/* What a batch that is not checked will tell its producer's state: found out
 * before it is written, so that nothing can fail after. */
struct note {
	struct producer *producer; /* NULL: nothing */
	int32_t coordinator_epoch;
};

static int prepare_note(struct log *log, const struct batch_header *header,
			struct slice batch, struct note *note)
{
	int rc = 0;

	*note = (struct note){ NULL, -1 };
	if (header->producer_id < 0)
		return 0;
	if ((header->attributes & BATCH_CONTROL) != 0)
		rc = read_end_marker(batch, &note->coordinator_epoch);
	if (rc < 0)
		return rc;
	return producer_prepare(&log->producers, header->producer_id,
				&note->producer);
}

static void apply_note(const struct note *note,
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

int log_note_producer(struct log *log, const struct batch_header *header,
		      struct slice batch)
{
	struct note note;
	int rc = prepare_note(log, header, batch, &note);

	if (rc == 0)
		apply_note(&note, header);
	return rc;
}

/* Append a batch that is not checked against its producer's state. */
static int append_unchecked(struct log *log, const uint8_t *batch,
			    const struct batch_header *header)
{
	struct slice bytes = { batch, header->size };
	struct note note;
	int rc = prepare_note(log, header, bytes, &note);

	if (rc < 0)
		return rc;
	rc = write_batch(log, batch, header);
	if (rc == 0)
		apply_note(&note, header);
	else if (note.producer != NULL)
		producer_abandon(&log->producers, note.producer);
	return rc;
}

int log_append_internal(struct log *log, uint8_t *batch,
			const struct batch_header *header, int32_t leader_epoch,
			struct log_appended *appended_out)
{
	struct batch_header assigned;
	int rc;

	assign(log, batch, header, leader_epoch, &assigned);
	rc = append_unchecked(log, batch, &assigned);
	if (rc == 0)
		*appended_out = appended(log, &assigned);
	return rc;
}

int log_append_as_follower(struct log *log, struct slice batches)
{
	while (batches.len > 0) {
		struct batch_header header;
		int rc = batch_header_read(batches, &header);

		if (rc < 0 || header.size > batches.len ||
		    header.last_offset_delta < 0 ||
		    header.base_offset < log->end_offset ||
		    !batch_crc_holds(batches.data, &header))
			return -EBADMSG;
		rc = append_unchecked(log, batches.data, &header);
		if (rc < 0)
			return rc;
		batches.data += header.size;
		batches.len -= header.size;
	}
	return 0;
}

/* Epochs */

int32_t log_leader_epoch(const struct log *log)
{
	return leader_epochs_latest(&log->epochs);
}

int32_t log_epoch_of(const struct log *log, int64_t offset)
{
	return leader_epochs_of(&log->epochs, offset);
}

void log_end_offset_of_epoch(const struct log *log, int32_t epoch,
			     int32_t *epoch_out, int64_t *end_offset_out)
{
	leader_epochs_end_of(&log->epochs, epoch, log->end_offset, epoch_out,
			     end_offset_out);
}

int log_start_epoch(struct log *log, int32_t epoch)
{
	int rc = leader_epochs_reserve(&log->epochs);

	if (rc == 0)
		leader_epochs_assign(&log->epochs, epoch, log->end_offset);
	return rc;
}

/* Producers */

void log_expire_producers(struct log *log, int64_t now_ms)
{
	producer_state_expire(&log->producers,
			      now_ms - log->config.producer_expiration_ms);
}

void log_each_producer(const struct log *log,
		       void (*on_producer)(void *arg,
					   const struct log_producer *p),
		       void *arg)
{
	producer_state_each(&log->producers, on_producer, arg);
}
