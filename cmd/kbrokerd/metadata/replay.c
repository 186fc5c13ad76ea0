/*
 * replay.c - read snapshot and log of the metadata, batch by batch
 */
#include "replay.h"

#include <errno.h>

#include "base/limits.h"
#include "wire/enums.h"
#include "wire/messages.h"

int replay_init(struct replay *r)
{
	*r = (struct replay){ .offset = -1 };
	r->image = image_edit_begin(NULL);
	return r->image == NULL ? -ENOMEM : 0;
}

void replay_clear(struct replay *r)
{
	image_release(r->image);
	image_release(r->before);
	record_iter_free(r->records);
	arena_clear(&r->scratch);
	*r = (struct replay){ 0 };
}

bool replay_in_transaction(const struct replay *r)
{
	return r->before != NULL;
}

static int bad(struct replay *r, const char *problem)
{
	r->problem = problem;
	return -EBADMSG;
}

static int begin_transaction(struct replay *r)
{
	struct image *inside;

	if (r->before != NULL)
		return bad(r, "a transaction begins within another");
	inside = image_edit_begin(r->image);
	if (inside == NULL)
		return -ENOMEM;
	r->before = r->image;
	r->image = inside;
	return 0;
}

static int end_transaction(struct replay *r)
{
	if (r->before == NULL)
		return bad(r, "a transaction ends that has not begun");
	image_release(r->before);
	r->before = NULL;
	return 0;
}

static int abort_transaction(struct replay *r)
{
	if (r->before == NULL)
		return bad(r, "a transaction is aborted that has not begun");
	image_release(r->image);
	r->image = r->before;
	r->before = NULL;
	return 0;
}

static int replay_record(struct replay *r, struct slice value)
{
	const struct wire_desc *desc;
	int16_t version;
	void *message;
	int rc;

	arena_reset(&r->scratch);
	rc = wire_metadata_decode(value, &r->scratch, &desc, &version,
				  &message);
	if (rc == -EBADMSG)
		return bad(r, "a record does not decode");
	if (rc < 0)
		return rc;
	if (desc == &begin_transaction_record_desc)
		return begin_transaction(r);
	if (desc == &end_transaction_record_desc)
		return end_transaction(r);
	if (desc == &abort_transaction_record_desc)
		return abort_transaction(r);
	rc = image_edit_apply(r->image, desc, version, message, value);
	if (rc == -EBADMSG)
		return bad(r, "a record contradicts those before it");
	return rc;
}

static int replay_control(struct replay *r, const struct record *record)
{
	struct snapshot_header_record header;
	int16_t version;
	int16_t type;

	if (record->key.len < 4)
		return bad(r, "a control record has no type");
	type = (int16_t)get_be16(record->key.data + 2);
	switch (type) {
	case WIRE_CONTROL_RECORD_TYPE_SNAPSHOT_HEADER:
		arena_reset(&r->scratch);
		if (wire_versioned_decode(&snapshot_header_record_desc,
					  record->value, &r->scratch, &version,
					  &header) < 0)
			return bad(r, "a snapshot header does not decode");
		r->snapshot_timestamp_ms = header.last_contained_log_timestamp;
		return 0;
	case WIRE_CONTROL_RECORD_TYPE_SNAPSHOT_FOOTER:
		r->snapshot_ended = true;
		return 0;
	case WIRE_CONTROL_RECORD_TYPE_KRAFT_VERSION:
	case WIRE_CONTROL_RECORD_TYPE_KRAFT_VOTERS:
		return image_edit_keep_control(r->image, type, record->value);
	default:
		return 0;
	}
}

static int replay_batch(struct replay *r, const struct batch_header *header,
			int64_t from_offset)
{
	bool control = (header->attributes & BATCH_CONTROL) != 0;
	struct record record;
	int rc;

	while ((rc = record_next(r->records, &record)) > 0) {
		if (record.offset < from_offset)
			continue;
		rc = control ? replay_control(r, &record)
			     : replay_record(r, record.value);
		if (rc < 0)
			return rc;
		r->offset = record.offset;
	}
	r->epoch = header->leader_epoch;
	if (!control)
		r->timestamp_ms = header->max_timestamp_ms;
	return rc < 0 ? bad(r, "a batch is malformed") : 0;
}

int replay_batches(struct replay *r, struct slice batches, int64_t from_offset)
{
	struct batch_header header;
	int rc = 0;

	while (batches.len > 0 && rc == 0) {
		if (batch_header_read(batches, &header) < 0 ||
		    header.size > batches.len)
			return bad(r, "a batch is cut off");
		if (!batch_crc_holds(batches.data, &header))
			return bad(r, "a batch's checksum does not hold");
		rc = record_iter_reset(
			&r->records,
			(struct slice){ batches.data, header.size },
			RECORD_BYTES_DECOMPRESSED_MAX);
		if (rc == 0 && batch_last_offset(&header) >= from_offset)
			rc = replay_batch(r, &header, from_offset);
		batches.data += header.size;
		batches.len -= header.size;
	}
	return rc;
}

int replay_take(struct replay *r, struct image **image_out)
{
	int rc;

	if (r->before != NULL) {
		rc = abort_transaction(r);
		if (rc < 0)
			return rc;
	}
	rc = image_edit_end(r->image, r->offset, r->epoch, r->timestamp_ms);
	if (rc < 0)
		return bad(r, "a topic lacks a partition");
	*image_out = r->image;
	r->image = NULL;
	return 0;
}
