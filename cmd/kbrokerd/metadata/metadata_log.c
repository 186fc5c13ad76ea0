/*
 * metadata_log.c - the metadata log on disk: __cluster_metadata-0
 *
 * Rules:
 *  - a snapshot is written whole and synced before it has its name, and the
 *    log below it goes only after that
 *  - the log is known to be on disk up to the newest snapshot: recovery after
 *    a crash starts there
 *  - where there was nothing before, the log alone is written, and nothing
 *    synced, until the first metadata_log_sync(): the other files follow then,
 *    so that a crash before it leaves a log that may be torn, and no more
 */
#include "metadata_log_private.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/metadata/snapshot.h"
#include "kbrokerd/metadata/topic_name.h"

enum { READ_BYTES = 1 << 20 };

/* Kafka's id of the topic: the first of the reserved ones. */
static const struct uuid metadata_topic_id = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
						 0, 0, 0, 0, 0, 1 } };

static int open_log(struct metadata_log *log,
		    const struct metadata_log_complaint *complaint)
{
	struct log_open params = {
		.vfs = log->params.vfs,
		.clock = log->params.clock,
		.dir = log->dir,
		.topic_id = metadata_topic_id,
		.config = log_config_default,
		.recovery_point = log->snapshot_end < 0 ? 0 : log->snapshot_end,
	};
	int64_t from = params.recovery_point;
	int rc;

	if (log->params.segment_bytes > 0)
		params.config.segment_bytes = log->params.segment_bytes;
	if (log->params.segment_ms > 0)
		params.config.segment_ms = log->params.segment_ms;
	rc = log_open(&params, &log->log, NULL);

	if (rc < 0)
		return metadata_log_complain(complaint, rc,
					     "cannot open %s: %s", log->dir,
					     strerror(-rc));
	if (log_end_offset(log->log) < from)
		rc = log_truncate_fully(log->log, from);
	if (rc < 0)
		return metadata_log_complain(complaint, rc,
					     "cannot empty %s: %s", log->dir,
					     strerror(-rc));
	if (log_start_offset(log->log) > from)
		return metadata_log_complain(
			complaint, -EBADMSG,
			"%s starts at offset %lld, and no snapshot "
			"reaches it: the newest ends at %lld",
			log->dir, (long long)log_start_offset(log->log),
			(long long)log->snapshot_end);
	return 0;
}

/* Bytes of the whole batches at the front; *next is moved behind them. */
static size_t whole_batches(struct slice bytes, int64_t *next)
{
	struct batch_header header;
	size_t whole = 0;

	while (batch_header_read(
		       (struct slice){ bytes.data + whole, bytes.len - whole },
		       &header) == 0 &&
	       header.size <= bytes.len - whole) {
		whole += header.size;
		*next = batch_last_offset(&header) + 1;
	}
	return whole;
}

static int replay_slice(const struct metadata_log *log,
			const struct log_slice *slice, struct replay *replay,
			int64_t from, int64_t *next)
{
	uint8_t *data = malloc(slice->len);
	size_t whole;
	int rc;

	if (data == NULL)
		return -ENOMEM;
	rc = vfs_read_all(log->params.vfs, slice->fd, data, slice->len,
			  slice->position);
	if (rc == 0) {
		whole = whole_batches((struct slice){ data, slice->len }, next);
		if (whole == 0)
			rc = -EBADMSG;
		else
			rc = replay_batches(
				replay, (struct slice){ data, whole }, from);
	}
	free(data);
	return rc;
}

static int replay_log(struct metadata_log *log, struct replay *replay,
		      const struct metadata_log_complaint *complaint)
{
	int64_t end = log_end_offset(log->log);
	int64_t from = log->snapshot_end < 0 ? 0 : log->snapshot_end;
	int64_t next = from;
	int rc = 0;

	while (next < end && rc == 0) {
		struct log_slice slice;

		rc = log_read(log->log, next, READ_BYTES, end, true, &slice);
		if (rc == 0) {
			log->unsnapshot_bytes += (int64_t)slice.len;
			rc = replay_slice(log, &slice, replay, from, &next);
			log_slice_release(&slice);
		}
	}
	if (rc < 0)
		return metadata_log_complain(
			complaint, rc, "cannot read %s from offset %lld on: %s",
			log->dir, (long long)next,
			rc == -ENOTSUP            ? "a record is of a later "
						    "release of Kafka"
			: replay->problem != NULL ? replay->problem
						  : strerror(-rc));
	return 0;
}

static int max_epoch(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

static int load(struct metadata_log *log, struct metadata_log_found *found,
		struct replay *replay,
		const struct metadata_log_complaint *complaint)
{
	int rc = metadata_log_load_snapshot(log, replay, complaint);

	if (rc == 0)
		rc = open_log(log, complaint);
	if (rc == 0)
		rc = replay_log(log, replay, complaint);
	if (rc == 0)
		rc = metadata_log_read_quorum(log, found, complaint);
	if (rc < 0)
		return rc;
	found->empty = log->snapshot_end < 0 && log_end_offset(log->log) == 0;
	log->late =
		log->params.sync && found->empty && !found->has_quorum_state;
	found->in_transaction = replay_in_transaction(replay);
	found->last_epoch = max_epoch(log_leader_epoch(log->log),
				      found->empty ? -1 : replay->epoch);
	if (found->has_quorum_state)
		found->last_epoch = max_epoch(found->last_epoch,
					      found->quorum.leader_epoch);
	rc = replay_take(replay, &found->image);
	if (rc < 0)
		return metadata_log_complain(
			complaint, rc, "%s does not hold together: %s",
			log->dir,
			replay->problem != NULL ? replay->problem
						: strerror(-rc));
	return 0;
}

/* NOLINTBEGIN(readability-non-const-parameter): it is written to */
int metadata_log_open(const struct metadata_log_params *params,
		      struct metadata_log **log_out,
		      struct metadata_log_found *found_out, char *error,
		      size_t error_size)
{
	struct metadata_log_complaint complaint = { error, error_size };
	struct metadata_log *log = calloc(1, sizeof(*log));
	struct replay replay;
	int rc;

	*found_out = (struct metadata_log_found){ .last_epoch = -1 };
	if (log == NULL || replay_init(&replay) < 0) {
		free(log);
		return metadata_log_complain(&complaint, -ENOMEM,
					     "out of memory");
	}
	log->params = *params;
	snprintf(log->data_dir, sizeof(log->data_dir), "%s", params->dir);
	log->params.dir = log->data_dir;
	snprintf(log->dir, sizeof(log->dir), "%s/" METADATA_TOPIC "-0",
		 log->data_dir);
	log->snapshot_ms = params->clock->wall_ms(params->clock);
	rc = load(log, found_out, &replay, &complaint);
	replay_clear(&replay);
	if (rc < 0) {
		log_close(log->log, false);
		free(log);
		return rc;
	}
	*log_out = log;
	return 0;
}

/* NOLINTEND(readability-non-const-parameter) */

int metadata_log_close(struct metadata_log *log)
{
	int rc;

	if (log == NULL)
		return 0;
	rc = log_close(log->log, log->params.sync);
	buffer_clear(&log->late_bootstrap);
	free(log);
	return rc;
}

int64_t metadata_log_end(const struct metadata_log *log)
{
	return log_end_offset(log->log);
}

int metadata_log_append(struct metadata_log *log, struct buffer *batch)
{
	struct log_appended appended;
	struct batch_header header;
	int rc = batch_header_read(buffer_slice(batch), &header);

	assert(rc == 0);
	assert(header.size == batch->len);
	assert(header.base_offset == metadata_log_end(log));
	rc = log_append_internal(log->log, batch->data, &header,
				 header.leader_epoch, &appended);
	if (rc < 0)
		return rc;
	assert(appended.base_offset == header.base_offset);
	log->unsnapshot_bytes += header.size;
	return 0;
}

/* Write what a new directory has been without. */
static int catch_up(struct metadata_log *log)
{
	struct slice bootstrap = buffer_slice(&log->late_bootstrap);
	int rc = metadata_log_put_quorum(log, &log->late_quorum);

	if (rc == 0 && bootstrap.len > 0)
		rc = metadata_log_put_bootstrap(log, bootstrap);
	if (rc < 0)
		return rc;
	buffer_clear(&log->late_bootstrap);
	log->late = false;
	return 0;
}

int metadata_log_sync(struct metadata_log *log)
{
	int rc = 0;

	if (!log->params.sync)
		return 0;
	if (log->late)
		rc = catch_up(log);
	return rc == 0 ? log_sync(log->log) : rc;
}

bool metadata_log_has_failed(const struct metadata_log *log)
{
	return log_has_failed(log->log);
}

int metadata_log_truncate(struct metadata_log *log, int64_t offset)
{
	return log_truncate(log->log, offset);
}

int metadata_log_start_epoch(struct metadata_log *log, int32_t epoch)
{
	return log_start_epoch(log->log, epoch);
}

int metadata_log_write_quorum(struct metadata_log *log,
			      const struct quorum_state *state)
{
	if (!log->late)
		return metadata_log_put_quorum(log, state);
	log->late_quorum = *state;
	return 0;
}

int64_t metadata_log_unsnapshot_bytes(const struct metadata_log *log)
{
	return log->unsnapshot_bytes;
}

int64_t metadata_log_snapshot_ms(const struct metadata_log *log)
{
	return log->snapshot_ms;
}

int metadata_log_write_bootstrap(struct metadata_log *log,
				 const struct record_list *records)
{
	struct buffer bytes = { 0 };
	int rc = snapshot_encode_records(
		records, log->params.clock->wall_ms(log->params.clock), &bytes);

	if (rc == 0 && log->late) {
		buffer_clear(&log->late_bootstrap);
		log->late_bootstrap = bytes;
		return 0;
	}
	if (rc == 0)
		rc = metadata_log_put_bootstrap(log, buffer_slice(&bytes));
	buffer_clear(&bytes);
	return rc;
}
