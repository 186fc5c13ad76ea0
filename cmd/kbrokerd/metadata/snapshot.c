/*
 * snapshot.c - an image as a file: Kafka's checkpoints
 */
#include "snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/builder.h"
#include "wire/enums.h"
#include "wire/messages.h"

/* A batch is ended when it holds this much. */
enum { BATCH_BYTES = 1 << 20 };

void snapshot_name(struct snapshot_id id, char name[SNAPSHOT_NAME_BYTES])
{
	snprintf(name, SNAPSHOT_NAME_BYTES, "%020lld-%010d.checkpoint",
		 (long long)id.end_offset, id.epoch);
}

int snapshot_parse_name(const char *name, struct snapshot_id *id_out)
{
	char again[SNAPSHOT_NAME_BYTES];
	char *end;
	long long end_offset = strtoll(name, &end, 10);
	long epoch = *end == '-' ? strtol(end + 1, NULL, 10) : -1;

	if (end_offset < 0 || epoch < 0 || epoch > INT32_MAX)
		return -EINVAL;
	/* Only what we would write ourselves is one. */
	*id_out = (struct snapshot_id){ end_offset, (int32_t)epoch };
	snapshot_name(*id_out, again);
	return strcmp(name, again) == 0 ? 0 : -EINVAL;
}

struct writer {
	struct batch_builder builder;
	struct buffer *out;
	int64_t next_offset;
	int32_t epoch;
	int64_t now_ms;
};

static int flush_batch(struct writer *w)
{
	struct batch_params params = {
		.base_offset = w->next_offset,
		.leader_epoch = w->epoch,
		.codec = CODEC_NONE,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	int rc;

	if (w->builder.count == 0)
		return 0;
	rc = batch_builder_finish(&w->builder, &params, w->out);
	w->next_offset += w->builder.count;
	batch_builder_reset(&w->builder);
	return rc;
}

static int put_record(void *arg, struct slice value)
{
	struct writer *w = arg;
	int rc = batch_builder_add(&w->builder, w->now_ms, SLICE_NULL, value,
				   NULL, 0);

	if (rc == 0 && batch_builder_size(&w->builder) >= BATCH_BYTES)
		rc = flush_batch(w);
	return rc;
}

static int put_controls(struct writer *w, const struct control_record *controls,
			size_t count)
{
	int rc = control_batch(controls, count, w->next_offset, w->epoch,
			       w->now_ms, w->out);

	w->next_offset += (int64_t)count;
	return rc;
}

/* A header and what the quorum keeps. */
enum { CONTROLS_MAX = 3 };

struct controls {
	struct control_record records[CONTROLS_MAX];
	size_t count;
};

static int collect_control(void *arg, int16_t type, struct slice value)
{
	struct controls *controls = arg;

	if (controls->count < CONTROLS_MAX)
		controls->records[controls->count++] =
			(struct control_record){ .type = type, .value = value };
	return 0;
}

static int put_header(struct writer *w, const struct image *image,
		      int64_t last_timestamp_ms)
{
	struct snapshot_header_record header = {
		.version = 0,
		.last_contained_log_timestamp = last_timestamp_ms,
	};
	struct controls controls = {
		.records = { { .type = WIRE_CONTROL_RECORD_TYPE_SNAPSHOT_HEADER,
			       .desc = &snapshot_header_record_desc,
			       .message = &header } },
		.count = 1,
	};
	int rc = 0;

	if (image != NULL)
		rc = image_each_control(image, collect_control, &controls);
	return rc < 0 ? rc : put_controls(w, controls.records, controls.count);
}

static int put_footer(struct writer *w)
{
	struct snapshot_footer_record footer = { .version = 0 };
	struct control_record control = {
		.type = WIRE_CONTROL_RECORD_TYPE_SNAPSHOT_FOOTER,
		.desc = &snapshot_footer_record_desc,
		.message = &footer,
	};
	int rc = flush_batch(w);

	return rc < 0 ? rc : put_controls(w, &control, 1);
}

int snapshot_encode(const struct image *image, int64_t now_ms,
		    struct buffer *out)
{
	struct writer w = { .out = out,
			    .epoch = image_epoch(image),
			    .now_ms = now_ms };
	int rc;

	batch_builder_init(&w.builder);
	rc = put_header(&w, image, image_timestamp_ms(image));
	if (rc == 0)
		rc = image_each_record(image, put_record, &w);
	if (rc == 0)
		rc = put_footer(&w);
	batch_builder_clear(&w.builder);
	return rc;
}

int snapshot_encode_records(const struct record_list *records, int64_t now_ms,
			    struct buffer *out)
{
	struct writer w = { .out = out, .now_ms = now_ms };
	int rc;

	batch_builder_init(&w.builder);
	rc = put_header(&w, NULL, 0);
	for (size_t i = 0; i < records->count && rc == 0; i++)
		rc = put_record(&w, record_list_at(records, i));
	if (rc == 0)
		rc = put_footer(&w);
	batch_builder_clear(&w.builder);
	return rc;
}
