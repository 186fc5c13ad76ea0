/*
 * quorum.c - the quorum of one
 *
 * quorum-state is written before the first record of an epoch, so that no
 * epoch begins twice.
 *
 * A new cluster is told of before it is on disk: a crash takes all of it back,
 * and nobody has been promised anything.  The first change waits for the disk.
 */
#include "quorum.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kbrokerd/metadata/controller.h"
#include "kbrokerd/metadata/feature_level.h"
#include "kbrokerd/metadata/image_edit.h"
#include "kbrokerd/metadata/metadata_log.h"
#include "kbrokerd/metadata/topic_config.h"
#include "kbrokerd/metadata/voters.h"
#include "wire/enums.h"
#include "wire/features.h"
#include "wire/messages.h"

enum {
	/* On a clean stop, what is not worth a snapshot: read again in no
	 * time. */
	STOP_SNAPSHOT_BYTES = 128 << 10,
	RETRY_MS = 60000 /* for a snapshot that could not be written */
};

/* From this level of metadata.version on there are transactions. */
enum { LEVEL_TRANSACTIONS = 13 };

struct quorum {
	struct metadata_log *log;
	int32_t epoch;
	struct voter self;
	int64_t committed_end;
	int64_t snapshot_bytes, snapshot_interval_ms;
	int64_t snapshot_not_before_ms; /* one has failed */
	struct buffer batch;
	struct metadata_log_params log_params;
	bool has_synced; /* at least once: what is committed is on disk */
	/* The disk was full when it was to be synced: the log is opened again
	 * before anything is written to it; NULL when that has failed. */
	bool full;
	bool dead;
};

/* While starting. */
struct start {
	const struct metadata_params *params;
	struct quorum *q;
	struct metadata_log_found found;
	struct image *image; /* as of the records decided so far */
	struct record_list records;
	int64_t now_ms;
	char *error;
	size_t error_size;
};

__attribute__((format(printf, 3, 4))) static int complain(struct start *s,
							  int rc,
							  const char *format,
							  ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(s->error, s->error_size, format, args);
	va_end(args);
	return rc;
}

static int64_t setting(const struct metadata_params *params, const char *key)
{
	const struct config_sources sources = { .node = params->properties };

	return strtoll(config_broker_value(&sources,
					   config_def_find(CONFIG_BROKER, key)),
		       NULL, 10);
}

/* Appending */

int32_t quorum_epoch(const struct quorum *q)
{
	return q->epoch;
}

int64_t quorum_next_offset(const struct quorum *q)
{
	return metadata_log_end(q->log);
}

static int append_batch(struct quorum *q, int rc)
{
	if (rc == 0)
		rc = metadata_log_append(q->log, &q->batch);
	buffer_reset(&q->batch);
	return rc;
}

static bool is_full(int rc)
{
	return rc == -ENOSPC || rc == -EDQUOT;
}

/*
 * After a sync that failed the pages count as written, and are not.  So the
 * log is read again as after a crash, what was not committed is cut off, and
 * the rest, which is on disk, is synced once more.
 */
static int reopen(struct quorum *q)
{
	struct metadata_log_found found;
	char error[256];
	int rc;

	metadata_log_close(q->log);
	q->log = NULL;
	rc = metadata_log_open(&q->log_params, &q->log, &found, error,
			       sizeof(error));
	image_release(found.image);
	if (rc < 0)
		return rc;
	rc = metadata_log_truncate(q->log, q->committed_end);
	if (rc == 0)
		rc = metadata_log_sync(q->log);
	if (rc == 0)
		q->full = false;
	else if (metadata_log_has_failed(q->log) && !is_full(rc))
		q->dead = true;
	return rc;
}

static int get_ready(struct quorum *q)
{
	int rc = 0;

	if (q->dead)
		return -EIO;
	if (q->full)
		rc = reopen(q);
	/* Whatever else keeps it from being opened may pass, too. */
	return rc < 0 && !q->dead ? -ENOSPC : rc;
}

int quorum_append(struct quorum *q, const struct record_list *records,
		  size_t first, size_t end, int64_t now_ms)
{
	int rc = get_ready(q);

	if (rc < 0 || first == end)
		return rc;
	buffer_reset(&q->batch);
	return append_batch(q, record_list_batch(records, first, end,
						 quorum_next_offset(q),
						 q->epoch, now_ms, &q->batch));
}

int quorum_append_voters(struct quorum *q, struct image *image, int64_t now_ms)
{
	int rc = get_ready(q);

	buffer_reset(&q->batch);
	if (rc == 0)
		rc = append_batch(q, voters_batch(&q->self, image,
						  quorum_next_offset(q),
						  q->epoch, now_ms, &q->batch));
	return rc < 0 ? rc : voters_keep(&q->self, image);
}

int quorum_keep_voters(const struct quorum *q, struct image *image)
{
	return voters_keep(&q->self, image);
}

int quorum_commit(struct quorum *q)
{
	int rc = get_ready(q);

	if (rc < 0)
		return rc;
	rc = metadata_log_sync(q->log);
	if (rc == 0) {
		q->committed_end = quorum_next_offset(q);
		q->has_synced = true;
	} else if (metadata_log_has_failed(q->log)) {
		q->full = is_full(rc) && q->has_synced;
		q->dead = !q->full;
	}
	return rc;
}

void quorum_take_back(struct quorum *q)
{
	if (!q->dead && !q->full &&
	    metadata_log_truncate(q->log, q->committed_end) < 0)
		q->dead = true;
}

/* Who may lead */

static int check_voters(struct start *s)
{
	const struct quorum_state *state = &s->found.quorum;
	int32_t node_id = s->params->node_id;
	bool has_others = voters_are_others(s->found.image, node_id);

	for (size_t i = 0; i < state->voter_count; i++)
		has_others = has_others || state->voters[i] != node_id;
	if (!has_others)
		return 0;
	return complain(s, -EINVAL,
			"the metadata log in %s belongs to a quorum with other "
			"voters than node %d",
			s->params->dir, node_id);
}

static int check_level(struct start *s)
{
	int16_t level = image_feature(s->found.image, "metadata.version");
	const struct feature_def *def = feature_def_find("metadata.version");

	/* 0 is a cluster that has not got its first records yet. */
	if (level == 0 || (level >= def->min_level && level <= def->max_level))
		return 0;
	return complain(s, -ENOTSUP,
			"the metadata log in %s is at metadata.version %d; "
			"this program knows %d to %d",
			s->params->dir, level, def->min_level, def->max_level);
}

/* The first records of an epoch */

static int begin_epoch(struct start *s)
{
	struct quorum_state state = {
		.leader_id = s->params->node_id,
		.voted_id = -1,
		.voters = { s->params->node_id },
		.voter_count = 1,
	};
	bool in_log = feature_level(s->found.image, KRAFT_VERSION) > 0;

	s->q->epoch = (s->found.last_epoch < 0 ? 0 : s->found.last_epoch) + 1;
	state.version = in_log || s->found.quorum.version > 0 ? 1 : 0;
	state.leader_epoch = s->q->epoch;
	return metadata_log_write_quorum(s->q->log, &state);
}

static int append_leader_change(struct start *s)
{
	struct leader_change_message_voters voter = {
		.voter_id = s->params->node_id
	};
	struct leader_change_message_granting_voters granting = {
		.voter_id = s->params->node_id
	};
	struct leader_change_message message = {
		.leader_id = s->params->node_id,
		.voters = &voter,
		.voters_count = 1,
		.granting_voters = &granting,
		.granting_voters_count = 1,
	};
	struct control_record control = {
		.type = WIRE_CONTROL_RECORD_TYPE_LEADER_CHANGE,
		.desc = &leader_change_message_desc,
		.message = &message,
	};
	int rc = metadata_log_start_epoch(s->q->log, s->q->epoch);

	if (rc < 0)
		return rc;
	return append_batch(
		s->q, control_batch(&control, 1, quorum_next_offset(s->q),
				    s->q->epoch, s->now_ms, &s->q->batch));
}

static int append_abort(struct start *s)
{
	struct abort_transaction_record r;
	int rc;

	wire_init(&abort_transaction_record_desc, &r);
	r.reason = slice_of("The controller that began it has gone");
	record_list_add(&s->records, &abort_transaction_record_desc, 0, &r);
	rc = s->records.error;
	if (rc == 0)
		rc = quorum_append(s->q, &s->records, 0, 1, s->now_ms);
	record_list_reset(&s->records);
	return rc;
}

/* Apply what has been decided, and append it as one batch. */
static int append_records(struct start *s)
{
	struct arena scratch = { 0 };
	int rc = s->records.error;

	for (size_t i = 0; i < s->records.count && rc == 0; i++)
		rc = image_edit_apply_bytes(
			s->image, record_list_at(&s->records, i), &scratch);
	arena_clear(&scratch);
	if (rc == 0)
		rc = quorum_append(s->q, &s->records, 0, s->records.count,
				   s->now_ms);
	record_list_reset(&s->records);
	return rc;
}

static int16_t level_in(const struct record_list *records, const char *feature)
{
	struct image *image = image_edit_begin(NULL);
	struct arena scratch = { 0 };
	int16_t level = 0;

	for (size_t i = 0; image != NULL && i < records->count; i++)
		image_edit_apply_bytes(image, record_list_at(records, i),
				       &scratch);
	if (image != NULL)
		level = image_feature(image, feature);
	image_release(image);
	arena_clear(&scratch);
	return level;
}

/* What bootstrap.checkpoint says; it is written when there is none. */
static int bootstrap_records(struct start *s, struct record_list *records)
{
	int rc = metadata_log_read_bootstrap(s->q->log, records);

	if (rc != -ENOENT)
		return rc;
	controller_bootstrap(records);
	if (records->error != 0)
		return records->error;
	return metadata_log_write_bootstrap(s->q->log, records);
}

static void bracket(struct start *s, const struct record_list *records)
{
	struct begin_transaction_record begin;
	struct end_transaction_record end;
	bool in_transaction =
		level_in(records, "metadata.version") >= LEVEL_TRANSACTIONS;

	wire_init(&begin_transaction_record_desc, &begin);
	wire_init(&end_transaction_record_desc, &end);
	begin.name = slice_of("Bootstrap records");
	if (in_transaction)
		record_list_add(&s->records, &begin_transaction_record_desc, 0,
				&begin);
	for (size_t i = 0; i < records->count; i++)
		record_list_add_bytes(&s->records, record_list_at(records, i));
	if (level_in(records, "eligible.leader.replicas.version") > 0)
		controller_bootstrap_configs(&s->records);
	if (in_transaction)
		record_list_add(&s->records, &end_transaction_record_desc, 0,
				&end);
}

static int append_bootstrap(struct start *s)
{
	struct record_list records = { 0 };
	int rc = bootstrap_records(s, &records);

	if (rc == 0) {
		bracket(s, &records);
		rc = append_records(s);
	}
	record_list_clear(&records);
	return rc;
}

static int append_registration(struct start *s)
{
	const struct controller_node node = {
		.node_id = s->params->node_id,
		.directory_id = s->params->directory_id,
		.endpoints = s->params->endpoints,
		.endpoint_count = s->params->endpoint_count,
		.controller_endpoints = s->params->controller_endpoints,
		.controller_endpoint_count =
			s->params->controller_endpoint_count,
		.rack = s->params->rack,
	};
	const struct controller c = {
		.image = s->image,
		.random = s->params->random,
		.node_id = s->params->node_id,
		.records = &s->records,
	};

	controller_register(&c, &node, quorum_next_offset(s->q));
	controller_elect(&c, node.node_id);
	return append_records(s);
}

static int lead(struct start *s)
{
	int rc = begin_epoch(s);

	if (rc == 0)
		rc = append_leader_change(s);
	if (rc == 0 && s->found.in_transaction)
		rc = append_abort(s);
	if (rc == 0 && image_feature(s->image, "metadata.version") == 0)
		rc = append_bootstrap(s);
	if (rc == 0)
		rc = append_registration(s);
	if (rc == 0 && s->found.empty)
		s->q->committed_end = quorum_next_offset(s->q);
	else if (rc == 0)
		rc = quorum_commit(s->q);
	if (rc == 0)
		rc = image_edit_end(s->image, s->q->committed_end - 1,
				    s->q->epoch, s->now_ms);
	if (rc < 0)
		return complain(s, rc, "cannot lead the metadata log in %s: %s",
				s->params->dir, strerror(-rc));
	return 0;
}

static int open_log(struct start *s)
{
	const struct metadata_log_params params = {
		.vfs = s->params->vfs,
		.clock = s->params->clock,
		.dir = s->params->dir,
		.sync = s->params->sync,
		.retention_bytes =
			setting(s->params, "metadata.max.retention.bytes"),
		.retention_ms = setting(s->params, "metadata.max.retention.ms"),
		.segment_bytes =
			setting(s->params, "metadata.log.segment.bytes"),
		.segment_ms = setting(s->params, "metadata.log.segment.ms"),
	};

	s->q->snapshot_bytes = setting(
		s->params, "metadata.log.max.record.bytes.between.snapshots");
	s->q->snapshot_interval_ms =
		setting(s->params, "metadata.log.max.snapshot.interval.ms");
	s->q->log_params = params;
	return metadata_log_open(&params, &s->q->log, &s->found, s->error,
				 s->error_size);
}

/* NOLINTBEGIN(readability-non-const-parameter): complain() writes to error */
int quorum_start(const struct metadata_params *params,
		 struct quorum **quorum_out, const struct image **image_out,
		 char *error, size_t error_size)
{
	struct start s = { .params = params,
			   .error = error,
			   .error_size = error_size };
	int rc;

	s.now_ms = params->clock->wall_ms(params->clock);
	s.q = calloc(1, sizeof(*s.q));
	if (s.q == NULL)
		return complain(&s, -ENOMEM, "out of memory");
	s.q->self = (struct voter){ params->node_id, params->directory_id };
	rc = open_log(&s);
	if (rc == 0)
		rc = check_voters(&s);
	if (rc == 0)
		rc = check_level(&s);
	if (rc == 0) {
		s.image = image_edit_begin(s.found.image);
		rc = s.image == NULL ? -ENOMEM : lead(&s);
	}
	image_release(s.found.image);
	record_list_clear(&s.records);
	if (rc < 0) {
		image_release(s.image);
		metadata_log_close(s.q->log);
		buffer_clear(&s.q->batch);
		free(s.q);
		return rc;
	}
	*quorum_out = s.q;
	*image_out = s.image;
	return 0;
}

/* NOLINTEND(readability-non-const-parameter) */

/* Snapshots */

int64_t quorum_snapshot_due_ms(const struct quorum *q)
{
	int64_t due_ms = INT64_MAX;
	int64_t bytes;

	if (q->dead || q->full)
		return INT64_MAX;
	bytes = metadata_log_unsnapshot_bytes(q->log);

	if (bytes == 0)
		return INT64_MAX;
	if (bytes >= q->snapshot_bytes)
		due_ms = 0;
	else if (q->snapshot_interval_ms > 0)
		due_ms = metadata_log_snapshot_ms(q->log) +
			 q->snapshot_interval_ms;
	return due_ms > q->snapshot_not_before_ms ? due_ms
						  : q->snapshot_not_before_ms;
}

void quorum_snapshot_if_due(struct quorum *q, const struct image *image,
			    int64_t now_ms)
{
	if (now_ms >= quorum_snapshot_due_ms(q) &&
	    metadata_log_snapshot(q->log, image) < 0)
		q->snapshot_not_before_ms = now_ms + RETRY_MS;
}

int quorum_stop(struct quorum *q, const struct image *image)
{
	int rc = 0;
	int close_rc;

	if (q == NULL)
		return 0;
	if (!q->dead && !q->full &&
	    metadata_log_unsnapshot_bytes(q->log) >= STOP_SNAPSHOT_BYTES)
		rc = metadata_log_snapshot(q->log, image);
	close_rc = metadata_log_close(q->log);
	buffer_clear(&q->batch);
	free(q);
	return rc < 0 ? rc : close_rc;
}
