/*
 * produce_batch.c - one batch of a produce request: its checks and refusals
 *
 * The order of the checks and the error codes are Kafka's; the texts name the
 * numbers that disagree and the setting to change.
 */
#include "kbrokerd/api/produce_batch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/partition/recompress.h"
#include "record/record.h"
#include "wire/error_codes.h"

enum {
	ZSTD_VERSION = 7,
	STORAGE_ERROR_VERSION = 4, /* the first that knows it */
	BATCH_LENGTH_MIN = 14,     /* of the oldest format */
	PREFIX_BYTES = BATCH_MAGIC + 1,
};

typedef struct produce_response_responses_partition_responses_record_errors
	record_error;

/* Errors */

void produce_fail(struct request *req, produced_row *row, int16_t error,
		  const char *format, ...)
{
	char text[512];
	va_list args;

	row->error_code = error;
	row->base_offset = -1;
	if (error == WIRE_KAFKA_STORAGE_ERROR &&
	    req->version < STORAGE_ERROR_VERSION)
		row->error_code = WIRE_NOT_LEADER_OR_FOLLOWER;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	row->error_message = arena_copy(&req->arena, slice_of(text));
}

static int16_t code_of(enum batch_problem problem)
{
	switch (problem) {
	case BATCH_OK:
		return WIRE_NONE;
	case BATCH_BAD_CRC:
		return WIRE_CORRUPT_MESSAGE;
	case BATCH_TOO_LARGE:
		return WIRE_MESSAGE_TOO_LARGE;
	case BATCH_BAD_TIMESTAMP:
		return WIRE_INVALID_TIMESTAMP;
	/* Kafka's code too: one that clients do not try again. */
	case BATCH_BAD_CODEC:
	case BATCH_BAD_COMPRESSION:
	case BATCH_NO_MEMORY:
		return WIRE_UNKNOWN_SERVER_ERROR;
	default:
		return WIRE_INVALID_RECORD;
	}
}

/* Retriable for a while only, as room.h says. */
static void fail_full(struct request *req, produced_row *row)
{
	char why[512] = "the disk is full";
	enum room_verdict verdict =
		partition_table_room(req->broker->partitions, 0,
				     request_now_us(req), why, sizeof(why));

	produce_fail(req, row,
		     verdict == ROOM_NONE ? WIRE_POLICY_VIOLATION
					  : WIRE_KAFKA_STORAGE_ERROR,
		     "%s", why);
}

void produce_batch_fail_append(const struct produce_batch *b, produced_row *row,
			       int rc, enum log_refusal refusal)
{
	static const struct {
		int16_t code;
		const char *text;
	} refusals[] = {
		[LOG_REFUSED_NOT] = { WIRE_UNKNOWN_SERVER_ERROR, "refused" },
		[LOG_REFUSED_SEQUENCE] = { WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER,
					   "sequence number left a gap" },
		[LOG_REFUSED_EPOCH] = { WIRE_INVALID_PRODUCER_EPOCH,
					"an older producer epoch" },
	};

	if (rc == -ESTALE)
		produce_fail(b->req, row, refusals[refusal].code,
			     "producer %" PRId64 ", epoch %d, sequence %" PRId32
			     ": %s",
			     b->header.producer_id, b->header.producer_epoch,
			     b->header.base_sequence, refusals[refusal].text);
	else if (rc == -EMSGSIZE)
		produce_fail(
			b->req, row, WIRE_RECORD_LIST_TOO_LARGE,
			"the batch has %" PRIu32
			" bytes, a segment (segment.bytes) at most %" PRId64,
			b->header.size, b->config.log.segment_bytes);
	else if (rc == -ENOENT)
		produce_fail(b->req, row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
			     "the topic is being deleted");
	else if (rc == -ENOSPC || rc == -EDQUOT)
		fail_full(b->req, row);
	else
		produce_fail(b->req, row, WIRE_KAFKA_STORAGE_ERROR,
			     "cannot write to the log: %s", strerror(-rc));
}

/* Checking a batch */

/* Does a batch that cannot be one begin at bytes? */
static bool is_corrupt(struct slice bytes)
{
	int32_t length = (int32_t)get_be32(bytes.data + BATCH_LENGTH);
	int8_t magic = (int8_t)bytes.data[BATCH_MAGIC];

	return length < BATCH_LENGTH_MIN || magic < 0 || magic > 2 ||
	       (magic == 2 && length < BATCH_HEADER_BYTES - BATCH_LENGTH_FROM);
}

/* Is there another batch behind the first?  Part of one does not count. */
static bool has_second(struct slice behind)
{
	return behind.len >= PREFIX_BYTES &&
	       behind.len - BATCH_LENGTH_FROM >=
		       get_be32(behind.data + BATCH_LENGTH);
}

static void fail_corrupt(struct request *req, produced_row *row,
			 struct slice bytes)
{
	produce_fail(req, row, WIRE_CORRUPT_MESSAGE,
		     "batch of length %" PRId32 " and magic %d",
		     (int32_t)get_be32(bytes.data + BATCH_LENGTH),
		     (int8_t)bytes.data[BATCH_MAGIC]);
}

bool produce_batch_check_form(struct produce_batch *b, produced_row *row)
{
	struct slice bytes = b->bytes;
	struct request *req = b->req;
	struct slice behind = { 0 };
	uint32_t length;

	if (bytes.len < PREFIX_BYTES) {
		produce_fail(req, row, WIRE_INVALID_RECORD,
			     "there is no batch");
		return false;
	}
	if (is_corrupt(bytes)) {
		fail_corrupt(req, row, bytes);
		return false;
	}
	length = get_be32(bytes.data + BATCH_LENGTH);
	if (bytes.len - BATCH_LENGTH_FROM > length) {
		behind.data = bytes.data + BATCH_LENGTH_FROM + length;
		behind.len = bytes.len - BATCH_LENGTH_FROM - length;
	}
	if (behind.len >= PREFIX_BYTES && is_corrupt(behind)) {
		fail_corrupt(req, row, behind);
		return false;
	}
	if (bytes.data[BATCH_MAGIC] < 2 || bytes.len < BATCH_HEADER_BYTES ||
	    bytes.len - BATCH_LENGTH_FROM < length || has_second(behind)) {
		produce_fail(req, row, WIRE_INVALID_RECORD,
			     "must be exactly one batch of magic 2");
		return false;
	}
	if (req->version < ZSTD_VERSION && (bytes.data[BATCH_ATTRIBUTES + 1] &
					    BATCH_CODEC_MASK) == CODEC_ZSTD) {
		produce_fail(req, row, WIRE_UNSUPPORTED_COMPRESSION_TYPE,
			     "zstd needs Produce version %d or later",
			     ZSTD_VERSION);
		return false;
	}
	b->bytes.len = BATCH_LENGTH_FROM + length;
	return true;
}

static int64_t sum_within(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b < 0 ? INT64_MIN : INT64_MAX;
	return sum;
}

static struct batch_rules rules_of(const struct produce_batch *b)
{
	int64_t now_ms = request_now_ms(b->req);

	return (struct batch_rules){
		.need_keys = b->config.compact,
		.log_append_time = b->config.log_append_time,
		.timestamp_min_ms =
			sum_within(now_ms, -b->config.timestamp_before_max_ms),
		.timestamp_max_ms =
			sum_within(now_ms, b->config.timestamp_after_max_ms),
		.decompressed_max = batch_rules_default.decompressed_max,
	};
}

/* Is this record at fault in the way that the batch was found to be? */
static bool is_at_fault(const struct record *record,
			const struct batch_rules *rules,
			enum batch_problem problem)
{
	if (problem == BATCH_NO_KEY)
		return slice_is_null(record->key);
	return rules->log_append_time ||
	       record->timestamp_ms < rules->timestamp_min_ms ||
	       record->timestamp_ms > rules->timestamp_max_ms;
}

/* Name each record that is at fault, with why; as many as there is memory
 * for. */
static void name_records(struct produce_batch *b, produced_row *row,
			 const struct batch_rules *rules,
			 enum batch_problem problem, struct slice why)
{
	record_error *errors;
	struct record_iter *iter;
	struct record record;

	errors = wire_array(
		&produce_response_responses_partition_responses_record_errors_desc,
		&b->req->arena, b->header.records_count);
	if (errors == NULL ||
	    record_iter_new(b->bytes, rules->decompressed_max, &iter) < 0)
		return;
	row->record_errors = errors;
	for (int32_t i = 0;
	     i < b->header.records_count && record_next(iter, &record) == 1;
	     i++) {
		if (!is_at_fault(&record, rules, problem))
			continue;
		errors[row->record_errors_count++] = (record_error){
			.batch_index = i,
			.batch_index_error_message = why,
		};
	}
	record_iter_free(iter);
}

static void fail_invalid(struct produce_batch *b, produced_row *row,
			 const struct batch_rules *rules,
			 const struct batch_fault *fault)
{
	enum batch_problem problem = fault->problem;
	char why[160];

	snprintf(why, sizeof(why), "%s", batch_problem_text(problem));
	if (problem == BATCH_BAD_TIMESTAMP && !rules->log_append_time)
		snprintf(why, sizeof(why),
			 "timestamp is not within [%" PRId64 ", %" PRId64 "]",
			 rules->timestamp_min_ms, rules->timestamp_max_ms);
	if (fault->record >= 0)
		produce_fail(b->req, row, code_of(problem),
			     "record %" PRId32 " of the batch: %s",
			     fault->record, why);
	else
		produce_fail(b->req, row, code_of(problem), "%s", why);
	if (problem == BATCH_NO_KEY || problem == BATCH_BAD_TIMESTAMP)
		name_records(b, row, rules, problem,
			     arena_copy(&b->req->arena, slice_of(why)));
}

/*
 * There are no transactions that it could be part of.  Kafka, whose
 * coordinator is not found at first, says NOT_ENOUGH_REPLICAS: to try again
 * would be in vain here.
 */
static void fail_transactional(struct request *req, produced_row *row)
{
	const struct produce_request *message = req->message;

	if (slice_is_null(message->transactional_id))
		produce_fail(req, row,
			     WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
			     "a transactional batch needs a transactional id");
	else
		produce_fail(
			req, row, WIRE_INVALID_TXN_STATE,
			"the partition is in no transaction of this producer");
}

static bool check_size(struct produce_batch *b, produced_row *row)
{
	if ((int64_t)b->bytes.len <= b->config.max_message_bytes)
		return true;
	produce_fail(b->req, row, WIRE_MESSAGE_TOO_LARGE,
		     "the batch has %zu bytes, the topic takes "
		     "(max.message.bytes) at "
		     "most %" PRId64,
		     b->bytes.len, b->config.max_message_bytes);
	return false;
}

/* Give the batch the codec of the topic, if it asks for one. */
static bool repack(struct produce_batch *b, produced_row *row)
{
	const struct topic_config *config = &b->config;
	int rc;

	if (config->compression < 0 ||
	    config->compression == batch_codec(&b->header))
		return true;
	rc = batch_recompress(
		b->bytes.data, &b->header, (enum codec)config->compression,
		config->compression_level, batch_rules_default.decompressed_max,
		&b->repacked);
	if (rc < 0) {
		produce_fail(b->req, row, WIRE_UNKNOWN_SERVER_ERROR,
			     "cannot be compressed as the topic wants: %s",
			     strerror(-rc));
		return false;
	}
	b->bytes = buffer_slice(&b->repacked);
	return check_size(b, row);
}

bool produce_batch_check(struct produce_batch *b, produced_row *row)
{
	struct batch_rules rules = rules_of(b);
	struct batch_fault fault;
	uint8_t *batch;

	if (get_be64(b->bytes.data + BATCH_BASE_OFFSET) == 0 &&
	    !check_size(b, row))
		return false;
	if (batch_validate(b->bytes, &rules, &b->header, &fault) < 0) {
		fail_invalid(b, row, &rules, &fault);
		return false;
	}
	if ((b->header.attributes & BATCH_TRANSACTIONAL) != 0) {
		fail_transactional(b->req, row);
		return false;
	}
	if (!repack(b, row))
		return false;
	batch = (uint8_t *)b->bytes.data;
	if (b->config.log_append_time)
		batch_set_log_append_time(batch, request_now_ms(b->req));
	else
		batch_set_create_time(batch, b->header.max_timestamp_ms);
	return true;
}
