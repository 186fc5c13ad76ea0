/*
 * log.c - the log of one partition on disk: open, append, close
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
#include <stdio.h>
#include <stdlib.h>

#include "log/log_private.h"

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
		rc = log_prepare_segment(log, header, &s);
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

/* Append a batch that is not checked against its producer's state. */
static int append_unchecked(struct log *log, const uint8_t *batch,
			    const struct batch_header *header)
{
	struct slice bytes = { batch, header->size };
	struct producer_note note;
	int rc = producer_note_prepare(log, header, bytes, &note);

	if (rc < 0)
		return rc;
	rc = write_batch(log, batch, header);
	if (rc == 0)
		producer_note_apply(&note, header);
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
		    header.base_offset >= INT64_MAX - INT32_MAX ||
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
