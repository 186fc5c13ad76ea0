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

static bool has_append_time(const struct batch_header *h)
{
	return h->attributes & BATCH_LOG_APPEND_TIME;
}

static bool in_bounds(const struct batch_rules *rules, int64_t ms)
{
	return ms == TIMESTAMP_NONE ||
	       (ms >= rules->timestamp_min_ms && ms <= rules->timestamp_max_ms);
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
	if (has_append_time(h) &&
	    (rules->log_append_time || !in_bounds(rules, h->max_timestamp_ms)))
		return BATCH_BAD_TIMESTAMP;
	return BATCH_OK;
}

/* The records */

struct scan {
	struct cursor cursor;
	int64_t record_end; /* where in the stream this record ends */
	int64_t base_ms;    /* to which the records' deltas are added */
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

/* Is it below zero?  That is a null where it is a length. */
static inline bool is_negative(struct cursor_number number)
{
	return number.raw & 1;
}

/* Sums wrap, as they do in Java. */
static inline int64_t timestamp_ms(const struct scan *s,
				   struct cursor_number delta)
{
	return (int64_t)((uint64_t)s->base_ms +
			 (uint64_t)zigzag_decode(delta.raw));
}

/* Step over as many bytes as len says; NULL when stop is not beyond them. */
static inline const uint8_t *pass_bytes(struct cursor_number len,
					const uint8_t *stop)
{
	if (len.at == NULL)
		return NULL;
	if (is_negative(len))
		return len.at < stop ? len.at : NULL;
	if ((int64_t)(len.raw >> 1) >= stop - len.at)
		return NULL;
	return len.at + (len.raw >> 1);
}

/*
 * Step over the record at, number index of its batch, if it is of the usual
 * kind: in the window with some bytes to spare, its numbers of two bytes at
 * most, no headers, nothing wrong.  Returns where it ends; NULL means that
 * scan_record() must look closely.
 *
 * This is where a broker's time goes: a few nanoseconds for each record that
 * anyone ever sends.  So there is no call in it, no check of the window but
 * the one, and what comes next is where the length says, whatever the fields
 * say: the processor can begin with it meanwhile.
 */
static inline const uint8_t *pass_record(struct scan *s, const uint8_t *at,
					 int32_t index)
{
	enum { SPARE = 16 }; /* more than seven numbers of two bytes */
	const uint8_t *end = s->cursor.end;
	struct cursor_number number;
	const uint8_t *stop;
	int64_t ms;

	if (end - at < SPARE)
		return NULL;
	number = cursor_varint_near(at);
	if (number.at == NULL || is_negative(number) ||
	    (int64_t)(number.raw >> 1) > end - number.at - SPARE)
		return NULL;
	stop = number.at + (number.raw >> 1);

	number = cursor_varint_near(number.at + 1); /* past the attributes */
	ms = timestamp_ms(s, number);
	if (number.at == NULL || ms < s->min_ms || ms > s->max_ms)
		return NULL;
	number = cursor_varint_near(number.at);
	if (number.at == NULL || number.raw != (uint64_t)index << 1)
		return NULL;

	number = cursor_varint_near(number.at); /* key */
	if (is_negative(number) && s->need_keys)
		return NULL;
	at = pass_bytes(number, stop);
	if (at == NULL)
		return NULL;
	at = pass_bytes(cursor_varint_near(at), stop);  /* value */
	if (at == NULL || at + 1 != stop || at[0] != 0) /* no headers */
		return NULL;

	if (ms > s->latest_ms)
		s->latest_ms = ms;
	return stop;
}

/* Step over count bytes, which must lie in this record. */
static const uint8_t *skip_bytes(struct scan *s, const uint8_t *at,
				 uint64_t count)
{
	int64_t left = s->record_end - cursor_position(&s->cursor, at);

	if (left < 0 || count > (uint64_t)left)
		return NULL;
	return cursor_skip(&s->cursor, at, (int64_t)count);
}

/* Step over a length and its bytes; the length goes to *len_out. */
static const uint8_t *skip_sized(struct scan *s, const uint8_t *at,
				 struct cursor_number *len_out)
{
	struct cursor_number len = cursor_varint(&s->cursor, at);

	*len_out = len;
	if (len.at == NULL)
		return NULL;
	return skip_bytes(s, len.at, is_negative(len) ? 0 : len.raw >> 1);
}

static const uint8_t *skip_headers(struct scan *s, const uint8_t *at)
{
	struct cursor_number count = cursor_varint(&s->cursor, at);
	struct cursor_number len;

	at = is_negative(count) ? NULL : count.at;
	for (uint64_t i = 0; i < count.raw >> 1 && at != NULL; i++) {
		at = skip_sized(s, at, &len);
		if (at == NULL || is_negative(len))
			return NULL;
		at = skip_sized(s, at, &len);
	}
	return at;
}

static void check_timestamp(struct scan *s, struct cursor_number delta)
{
	int64_t ms = timestamp_ms(s, delta);

	if (ms > s->latest_ms)
		s->latest_ms = ms;
	if ((ms < s->min_ms || ms > s->max_ms) && ms != TIMESTAMP_NONE)
		s->problem = BATCH_BAD_TIMESTAMP;
}

/* Step over all of a record but its length; NULL when it makes no sense. */
static const uint8_t *scan_fields(struct scan *s, const uint8_t *at,
				  int32_t index)
{
	struct cursor_number number;

	at = skip_bytes(s, at, 1); /* attributes: none are used */
	if (at == NULL)
		return NULL;
	number = cursor_varint(&s->cursor, at);
	if (number.at == NULL)
		return NULL;
	check_timestamp(s, number);
	number = cursor_varint(&s->cursor, number.at);
	if (number.at == NULL || number.raw != (uint64_t)index << 1)
		return NULL;

	at = skip_sized(s, number.at, &number);
	if (at == NULL)
		return NULL;
	if (s->need_keys && is_negative(number))
		s->problem = BATCH_NO_KEY;
	at = skip_sized(s, at, &number);
	return at == NULL ? NULL : skip_headers(s, at);
}

/*
 * Step over the record at, whatever it is like.  Returns where it ends; what
 * is wrong goes to s->problem, and the place means nothing then.
 */
static const uint8_t *scan_record(struct scan *s, const uint8_t *at,
				  int32_t index)
{
	struct cursor *c = &s->cursor;
	struct cursor_number length;

	if (cursor_at_end(c, &at)) {
		s->problem = BATCH_BAD_COUNT;
		return at;
	}
	length = cursor_varint(c, at);
	at = length.at;
	if (at != NULL && !is_negative(length) &&
	    length.raw >> 1 <= INT32_MAX) {
		s->record_end =
			cursor_position(c, at) + (int64_t)(length.raw >> 1);
		at = scan_fields(s, at, index);
		if (at != NULL && cursor_position(c, at) == s->record_end)
			return at;
	}
	s->problem = cursor_problem(c);
	return at;
}

/* Scan count records; returns the number of the one that stopped it. */
static int32_t scan_records(struct scan *s, int32_t count)
{
	const uint8_t *at = s->cursor.start;

	for (int32_t i = 0; i < count; i++) {
		const uint8_t *next = pass_record(s, at, i);

		if (next == NULL)
			next = scan_record(s, at, i);
		if (s->problem != BATCH_OK)
			return i;
		at = next;
	}
	if (!cursor_at_end(&s->cursor, &at))
		s->problem = s->cursor.error == 0 ? BATCH_BAD_COUNT
						  : cursor_problem(&s->cursor);
	return -1;
}

/*
 * What the records' timestamps must be.  In a batch with append time all have
 * the batch's, which check_header() has looked at.
 */
static void set_times(struct scan *s, const struct batch_rules *rules,
		      const struct batch_header *header)
{
	bool any = rules->log_append_time || has_append_time(header);

	s->base_ms = header->base_timestamp_ms;
	s->latest_ms = TIMESTAMP_NONE;
	s->min_ms = any ? INT64_MIN : rules->timestamp_min_ms;
	s->max_ms = any ? INT64_MAX : rules->timestamp_max_ms;
}

static struct batch_fault check_records(struct slice records,
					const struct batch_rules *rules,
					struct batch_header *header)
{
	struct scan s = { .need_keys = rules->need_keys };
	struct batch_fault fault = { BATCH_OK, -1 };

	set_times(&s, rules, header);
	if (cursor_init(&s.cursor, (enum codec)batch_codec(header), records,
			rules->decompressed_max) < 0)
		s.problem = cursor_problem(&s.cursor);
	else
		fault.record = scan_records(&s, header->records_count);
	cursor_clear(&s.cursor);
	fault.problem = s.problem;
	if (s.problem == BATCH_OK && !has_append_time(header))
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
