/*
 * validate.c - everything that can be wrong with a producer's batch
 *
 * First the header, then the checksum, then one pass over the records that
 * looks at their numbers and steps over their bytes.  Nothing is allocated
 * for an uncompressed batch; a compressed one goes through the window of a
 * cursor.
 */
#include "record/batch.h"

#include <assert.h>
#include <errno.h>

#include "base/limits.h"
#include "record/cursor.h"

enum { TIMESTAMP_NONE = -1 };

const struct batch_rules batch_rules_default = {
	.timestamp_min_ms = INT64_MIN,
	.timestamp_max_ms = INT64_MAX,
	.decompressed_max = RECORD_BYTES_DECOMPRESSED_MAX,
};

const char *batch_problem_text(enum batch_problem problem)
{
	static const char *const texts[] = {
		[BATCH_OK] = "ok",
		[BATCH_TRUNCATED] = "bytes are not exactly one batch",
		[BATCH_BAD_MAGIC] = "magic is not 2",
		[BATCH_BAD_CRC] = "checksum does not match",
		[BATCH_BAD_COUNT] = "number of records does not match",
		[BATCH_BAD_CODEC] = "unknown compression",
		[BATCH_BAD_RECORD] = "malformed record",
		[BATCH_BAD_COMPRESSION] = "cannot be decompressed",
		[BATCH_TOO_LARGE] = "too large when decompressed",
		[BATCH_IS_CONTROL] = "clients may not send control batches",
		[BATCH_NO_KEY] = "a compacted topic needs keys",
		[BATCH_BAD_SEQUENCE] = "producer id without epoch or sequence",
		[BATCH_BAD_TIMESTAMP] = "timestamp is out of bounds",
		[BATCH_NO_MEMORY] = "out of memory",
		[BATCH_BAD_OFFSET] = "base offset is not 0",
	};

	assert(problem < BATCH_PROBLEMS);
	return texts[problem];
}

/* The header */

static enum batch_problem check_bytes(struct slice bytes,
				      struct batch_header *header_out)
{
	int rc = batch_header_read(bytes, header_out);

	/* Old formats are shorter, but have their magic at the same place. */
	if (bytes.len > BATCH_MAGIC && bytes.data[BATCH_MAGIC] != 2)
		return BATCH_BAD_MAGIC;
	if (rc < 0 || header_out->size != bytes.len)
		return BATCH_TRUNCATED;
	if (!batch_crc_holds(bytes.data, header_out))
		return BATCH_BAD_CRC;
	return BATCH_OK;
}

static enum batch_problem check_header(const struct batch_header *h,
				       const struct batch_rules *rules)
{
	if (h->base_offset != 0)
		return BATCH_BAD_OFFSET;
	if (h->records_count < 1 ||
	    h->last_offset_delta != h->records_count - 1)
		return BATCH_BAD_COUNT;
	if (h->attributes & BATCH_CONTROL)
		return BATCH_IS_CONTROL;
	if (h->producer_id >= 0 &&
	    (h->base_sequence < 0 || h->producer_epoch < 0))
		return BATCH_BAD_SEQUENCE;
	if (batch_codec(h) >= CODEC_COUNT)
		return BATCH_BAD_CODEC;
	if (rules->log_append_time && (h->attributes & BATCH_LOG_APPEND_TIME))
		return BATCH_BAD_TIMESTAMP;
	return BATCH_OK;
}

/* The records */

struct scan {
	struct cursor cursor;
	const struct batch_header *header;
	int64_t record_end; /* where in the stream this record ends */
	int64_t min_ms;     /* bounds for timestamps */
	int64_t max_ms;
	int64_t latest_ms; /* of the records so far */
	bool need_keys;
	enum batch_problem problem;
};

/* Why the cursor stopped. */
static enum batch_problem cursor_problem(const struct cursor *c)
{
	switch (c->error) {
	case 0:
		return BATCH_BAD_RECORD;
	case -E2BIG:
		return BATCH_TOO_LARGE;
	case -ENOMEM:
		return BATCH_NO_MEMORY;
	default:
		return BATCH_BAD_COMPRESSION;
	}
}

/* Step over count bytes, which must lie in this record; below 0 is null. */
static inline const uint8_t *skip_field(struct scan *s, const uint8_t *at,
					int64_t count)
{
	if (count <= 0)
		return at;
	if (count > s->record_end - cursor_position(&s->cursor, at))
		return NULL;
	return cursor_skip(&s->cursor, at, count);
}

/* Step over a length and its bytes; the length goes to *len_out. */
static inline const uint8_t *skip_sized(struct scan *s, const uint8_t *at,
					int64_t *len_out)
{
	struct cursor_number len = cursor_varint(&s->cursor, at);

	*len_out = len.value;
	return len.at == NULL ? NULL : skip_field(s, len.at, len.value);
}

static const uint8_t *skip_headers(struct scan *s, const uint8_t *at,
				   int64_t count)
{
	for (int64_t i = 0; i < count && at != NULL; i++) {
		int64_t len;

		at = skip_sized(s, at, &len);
		if (at == NULL || len < 0)
			return NULL;
		at = skip_sized(s, at, &len);
	}
	return at;
}

static inline void check_timestamp(struct scan *s, int64_t delta_ms)
{
	/* Sums wrap, as they do in Java. */
	int64_t ms = (int64_t)((uint64_t)s->header->base_timestamp_ms +
			       (uint64_t)delta_ms);

	if (s->header->attributes & BATCH_LOG_APPEND_TIME)
		ms = s->header->max_timestamp_ms;
	if (ms > s->latest_ms)
		s->latest_ms = ms;
	if ((ms < s->min_ms || ms > s->max_ms) && ms != TIMESTAMP_NONE)
		s->problem = BATCH_BAD_TIMESTAMP;
}

/*
 * Step over the record at, number index of its batch.  Returns where it ends,
 * or NULL when its bytes make no sense; what else is wrong goes to
 * s->problem.
 */
static inline const uint8_t *scan_record(struct scan *s, const uint8_t *at,
					 int64_t index)
{
	struct cursor *c = &s->cursor;
	struct cursor_number number = cursor_varint(c, at);
	int64_t len;

	if (number.at == NULL || number.value < 1 || number.value > INT32_MAX)
		return NULL;
	s->record_end = cursor_position(c, number.at) + number.value;
	at = cursor_skip(c, number.at, 1); /* attributes: none are used */
	if (at == NULL)
		return NULL;
	number = cursor_varint(c, at);
	if (number.at == NULL)
		return NULL;
	check_timestamp(s, number.value);
	number = cursor_varint(c, number.at);
	if (number.at == NULL || number.value != index)
		return NULL;

	at = skip_sized(s, number.at, &len);
	if (at == NULL)
		return NULL;
	if (len < 0 && s->need_keys)
		s->problem = BATCH_NO_KEY;
	at = skip_sized(s, at, &len);
	if (at == NULL)
		return NULL;
	number = cursor_varint(c, at);
	if (number.at == NULL || number.value < 0)
		return NULL;
	at = number.at;
	if (number.value > 0)
		at = skip_headers(s, at, number.value);
	if (at == NULL || cursor_position(c, at) != s->record_end)
		return NULL;
	return at;
}

/* Scan all records; returns the number of the one that stopped it. */
static int32_t scan_records(struct scan *s)
{
	const uint8_t *at = s->cursor.start;
	int32_t count = s->header->records_count;

	for (int32_t i = 0; i < count; i++) {
		if (cursor_at_end(&s->cursor, &at)) {
			s->problem = BATCH_BAD_COUNT;
			return -1;
		}
		at = scan_record(s, at, i);
		if (at == NULL)
			s->problem = cursor_problem(&s->cursor);
		if (s->problem != BATCH_OK)
			return i;
	}
	if (!cursor_at_end(&s->cursor, &at))
		s->problem = s->cursor.error == 0 ? BATCH_BAD_COUNT
						  : cursor_problem(&s->cursor);
	return -1;
}

static struct batch_fault check_records(struct slice records,
					const struct batch_rules *rules,
					struct batch_header *header)
{
	struct scan s = {
		.header = header,
		.min_ms = rules->timestamp_min_ms,
		.max_ms = rules->timestamp_max_ms,
		.latest_ms = TIMESTAMP_NONE,
		.need_keys = rules->need_keys,
	};
	struct batch_fault fault = { BATCH_OK, -1 };

	if (rules->log_append_time) {
		s.min_ms = INT64_MIN;
		s.max_ms = INT64_MAX;
	}
	if (cursor_init(&s.cursor, (enum codec)batch_codec(header), records,
			rules->decompressed_max) < 0)
		s.problem = cursor_problem(&s.cursor);
	else
		fault.record = scan_records(&s);
	cursor_clear(&s.cursor);
	fault.problem = s.problem;
	if (s.problem == BATCH_OK)
		header->max_timestamp_ms = s.latest_ms;
	return fault;
}

int batch_validate(struct slice bytes, const struct batch_rules *rules,
		   struct batch_header *header_out,
		   struct batch_fault *fault_out)
{
	struct batch_fault fault = { BATCH_OK, -1 };

	fault.problem = check_bytes(bytes, header_out);
	if (fault.problem == BATCH_OK)
		fault.problem = check_header(header_out, rules);
	if (fault.problem == BATCH_OK)
		fault = check_records(
			(struct slice){ bytes.data + BATCH_HEADER_BYTES,
					bytes.len - BATCH_HEADER_BYTES },
			rules, header_out);
	*fault_out = fault;
	return fault.problem == BATCH_OK ? 0 : -EBADMSG;
}
