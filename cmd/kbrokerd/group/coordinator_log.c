/*
 * coordinator_log.c - a shard's records to and from its partition
 *
 * What one decision changes is one batch: after a crash all of it is there or
 * nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "kbrokerd/group/coordinator_private.h"
#include "kbrokerd/group/load.h"
#include "wire/wire.h"

/* Writing */

static int add_record(struct coordinator_shard *s,
		      const struct group_change *change, int64_t wall_ms)
{
	const struct group_record_kind *kind = group_record_kind(change->type);
	struct buffer *out = &s->record;
	struct slice key;
	struct slice value = SLICE_NULL;
	int rc;

	buffer_reset(out);
	rc = wire_versioned_encode(kind->key_desc, 0, change->key, out);
	key.len = out->len;
	if (rc == 0 && change->value != NULL)
		rc = wire_versioned_encode(kind->value_desc, change->version,
					   change->value, out);
	if (rc < 0)
		return rc;
	key.data = out->data;
	if (change->value != NULL)
		value = (struct slice){ out->data + key.len,
					out->len - key.len };
	return batch_builder_add(&s->builder, wall_ms, key, value, NULL, 0);
}

static int make_batch(struct coordinator_shard *s,
		      const struct group_changes *changes, int64_t wall_ms)
{
	const struct batch_params params = {
		.leader_epoch = -1,
		.codec = s->coordinator->codec,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	int rc = 0;

	batch_builder_reset(&s->builder);
	for (const struct group_change *c = changes->first;
	     rc == 0 && c != NULL; c = c->next)
		rc = add_record(s, c, wall_ms);
	buffer_reset(&s->batch);
	if (rc == 0)
		rc = batch_builder_finish(&s->builder, &params, &s->batch);
	return rc;
}

/* Room on the disk is not asked about: commits go on where records of topics
 * are refused, until there is none at all. */
static int check_size(struct coordinator_shard *s)
{
	struct topic_config config;

	partition_topic_config(s->partition, &config);
	return (int64_t)s->batch.len > config.max_message_bytes ? -EMSGSIZE : 0;
}

int coordinator_append(void *arg, const struct group_changes *changes,
		       int64_t wall_ms, int64_t *end_offset_out)
{
	struct coordinator_shard *s = arg;
	struct batch_header header;
	struct log_appended appended;
	enum log_refusal refusal;
	bool sync = false;
	int rc = make_batch(s, changes, wall_ms);

	if (rc == 0)
		rc = check_size(s);
	if (rc == 0)
		rc = batch_header_read(
			(struct slice){ s->batch.data, s->batch.len }, &header);
	if (rc == 0)
		rc = partition_append_deferred(s->partition, s->batch.data,
					       &header, &appended, &refusal,
					       &sync);
	s->owes_sync = s->owes_sync || sync;
	if (rc == 0)
		*end_offset_out = appended.last_offset + 1;
	return rc;
}

/* Reading */

struct reader {
	struct coordinator_shard *shard;
	struct group_load load;
	struct buffer bytes;
	int64_t offset; /* the next */
	int64_t bad_batches;
};

/* Every whole batch of the bytes. */
static int load_batches(struct reader *r)
{
	struct slice left = { r->bytes.data, r->bytes.len };
	int64_t before = r->offset;
	struct batch_header h;
	int rc = 0;

	while (rc == 0 && batch_header_read(left, &h) == 0 &&
	       h.size <= left.len) {
		if (batch_last_offset(&h) >= r->offset) {
			rc = group_load_batch(
				&r->load, (struct slice){ left.data, h.size });
			if (rc == -EBADMSG) {
				r->bad_batches++;
				rc = 0;
			}
			r->offset = batch_last_offset(&h) + 1;
		}
		left.data += h.size;
		left.len -= h.size;
	}
	if (rc == 0 && r->offset == before)
		rc = -EBADMSG;
	return rc;
}

static int read_slice(struct reader *r, const struct log_slice *slice)
{
	size_t got = 0;

	buffer_reset(&r->bytes);
	if (buffer_reserve(&r->bytes, slice->len) == NULL)
		return -ENOMEM;
	while (got < slice->len) {
		ssize_t n =
			pread(slice->fd, r->bytes.data + got, slice->len - got,
			      slice->position + (int64_t)got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		got += (size_t)n;
	}
	buffer_commit(&r->bytes, got);
	return 0;
}

/* Not as a consumer reads: that would be counted as traffic. */
struct look {
	int64_t offset;
	size_t bytes_max;
	struct log_slice slice;
};

static int look_up(void *arg, struct log *log,
		   const struct partition_offsets *offsets)
{
	struct look *look = arg;

	return log_read(log, look->offset, look->bytes_max,
			offsets->high_watermark, true, &look->slice);
}

/* Returns 1 when there may be more, 0 at the end, or a negative errno. */
static int read_some(struct reader *r)
{
	const struct config *config = r->shard->coordinator->broker->config;
	struct look look = {
		.offset = r->offset,
		.bytes_max =
			(size_t)config_int(config, "offsets.load.buffer.size"),
	};
	int rc = partition_with_log(r->shard->partition, look_up, &look);

	if (rc < 0)
		return rc;
	if (look.slice.len == 0)
		return 0;
	rc = read_slice(r, &look.slice);
	log_slice_release(&look.slice);
	if (rc == 0)
		rc = load_batches(r);
	return rc < 0 ? rc : 1;
}

static void tell(const struct reader *r, int64_t started_us)
{
	struct coordinator_shard *s = r->shard;
	struct broker *broker = s->coordinator->broker;
	int64_t now_us = broker->clock->monotonic_us(broker->clock);
	char partition[16];
	char groups[16];
	char records[32];
	char ms[32];
	char bad[64] = "";

	if (r->load.records == 0)
		return;
	snprintf(partition, sizeof(partition), "%" PRId32, s->index);
	snprintf(groups, sizeof(groups), "%u", HASH_COUNT(s->core.groups));
	snprintf(records, sizeof(records), "%" PRId64, r->load.records);
	snprintf(ms, sizeof(ms), "%" PRId64, (now_us - started_us) / 1000);
	logger_tell(broker->logger, LOGGER_INFO, "group", "groups loaded",
		    "partition", partition, "groups", groups, "records",
		    records, "ms", ms, NULL);
	if (r->load.bad + r->bad_batches == 0)
		return;
	snprintf(bad, sizeof(bad), "%" PRId64 " records, %" PRId64 " batches",
		 r->load.bad, r->bad_batches);
	logger_tell(broker->logger, LOGGER_ERROR, "group",
		    "some of __consumer_offsets cannot be understood and was "
		    "passed over",
		    "partition", partition, "bad", bad, NULL);
}

/* All that is in the log counts: have it visible. */
static int find_start(struct coordinator_shard *s, int64_t *offset_out)
{
	struct partition_offsets offsets;
	int rc = partition_offsets(s->partition, &offsets);

	if (rc == 0 && offsets.high_watermark < offsets.log_end)
		partition_sync_run(s->partition);
	*offset_out = offsets.log_start;
	return rc;
}

int coordinator_read_log(struct coordinator_shard *s)
{
	struct clock *clock = s->coordinator->broker->clock;
	int64_t started_us = clock->monotonic_us(clock);
	struct reader r = { .shard = s };
	int rc = find_start(s, &r.offset);

	if (rc < 0)
		return rc;
	group_load_init(&r.load, &s->core);
	do
		rc = s->coordinator->stopping ? -ECANCELED : read_some(&r);
	while (rc > 0);
	if (rc == 0)
		tell(&r, started_us);
	group_load_clear(&r.load);
	buffer_clear(&r.bytes);
	return rc;
}
