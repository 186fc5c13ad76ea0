/*
 * produce.c - Produce: append what clients send
 *
 * Each batch is checked where it lies in the receive buffer, without a lock,
 * and appended.  Partitions fail one by one.  With acks 0 there is no answer,
 * and an error ends the connection, as that is all that can be told.
 *
 * With acks all under flush.mode=commit the request waits until the high
 * watermarks have passed its records, which is when they are on disk.  Who
 * starts the sync is decided at the end of the turn of the event loop, when
 * all that was received has been appended:
 *
 *  - a request that waits alone, while syncs are short, syncs on its own
 *    thread: handing it over and back would take longer than it saves
 *  - else the flusher does it, and one sync answers all who wait
 *
 * The first to append since the last sync began decides for all.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/partition/recompress.h"
#include "record/record.h"
#include "wire/error_codes.h"
#include "wire/messages.h"

enum {
	ACKS_ALL = -1,
	ACKS_NONE = 0,
	ACKS_LEADER = 1,
	ZSTD_VERSION = 7,
	TOPIC_ID_VERSION = 13,
	STORAGE_ERROR_VERSION = 4, /* the first that knows it */
	BATCH_LENGTH_MIN = 14,     /* of the oldest format */
	PREFIX_BYTES = BATCH_MAGIC + 1,
	SYNC_HERE_MAX_US = 2000,
	/* What a client may take for no time at all, as Kafka never waits on
	 * one node. */
	TIMEOUT_LEAST_MS = 1000,
};

typedef struct produce_response_responses_partition_responses produced_row;
typedef struct produce_response_responses_partition_responses_record_errors
	record_error;

/* One partition of a request. */
struct part {
	produced_row *row;
	struct partition *partition; /* a reference, while it waits */
	struct partition_waiter waiter;
	bool waiting;
	bool sync; /* we promised to start one */
};

/* A request at work; in its arena. */
struct produce {
	struct produce_response response;
	struct part *parts;
	size_t part_count;
	size_t waiting;
	size_t failed;
	struct partition_wait_set waits;
	int64_t deadline_us;
	bool deciding; /* until the end of this turn */
	bool counted;  /* among those that wait for a sync */
};

/* What is appended where. */
struct batch_to_append {
	struct request *req;
	const struct topic_image *topic;
	int32_t index;
	struct slice bytes;
	struct batch_header header;
	struct topic_config config;
	struct buffer
		repacked; /* the bytes, when the topic wants another codec */
};

/* Errors */

__attribute__((format(printf, 4, 5))) static void fail(struct request *req,
						       produced_row *row,
						       int16_t error,
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

static void fail_append(struct batch_to_append *b, produced_row *row, int rc,
			enum log_refusal refusal)
{
	static const struct {
		int16_t code;
		const char *text;
	} refusals[] = {
		[LOG_REFUSED_NOT] = { WIRE_UNKNOWN_SERVER_ERROR, "refused" },
		[LOG_REFUSED_SEQUENCE] = { WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER,
					   "sequence number left a gap" },
		[LOG_REFUSED_DUPLICATE] = { WIRE_DUPLICATE_SEQUENCE_NUMBER,
					    "was written already" },
		[LOG_REFUSED_EPOCH] = { WIRE_INVALID_PRODUCER_EPOCH,
					"an older producer epoch" },
	};

	if (rc == -ESTALE)
		fail(b->req, row, refusals[refusal].code,
		     "producer %" PRId64 ", epoch %d, sequence %" PRId32 ": %s",
		     b->header.producer_id, b->header.producer_epoch,
		     b->header.base_sequence, refusals[refusal].text);
	else if (rc == -EMSGSIZE)
		fail(b->req, row, WIRE_RECORD_LIST_TOO_LARGE,
		     "the batch has %" PRIu32
		     " bytes, a segment (segment.bytes) at most %" PRId64,
		     b->header.size, b->config.log.segment_bytes);
	else if (rc == -ENOENT)
		fail(b->req, row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		     "the topic is being deleted");
	else
		fail(b->req, row, WIRE_KAFKA_STORAGE_ERROR,
		     "cannot write to the log: %s", strerror(-rc));
}

/* Checking a batch */

/* Is there another batch behind the first?  Part of one does not count. */
static bool has_second(struct slice bytes, size_t first)
{
	size_t left = bytes.len - first;

	return left >= PREFIX_BYTES &&
	       left - BATCH_LENGTH_FROM >=
		       get_be32(bytes.data + first + BATCH_LENGTH);
}

/* What can be seen before the topic's rules are known, as Kafka does.  Part
 * of a batch at the end is cut off. */
static bool check_form(struct batch_to_append *b, produced_row *row)
{
	struct slice bytes = b->bytes;
	struct request *req = b->req;
	uint32_t length;

	if (bytes.len < PREFIX_BYTES) {
		fail(req, row, WIRE_INVALID_RECORD, "there is no batch");
		return false;
	}
	length = get_be32(bytes.data + BATCH_LENGTH);
	if ((int32_t)length < BATCH_LENGTH_MIN || bytes.data[BATCH_MAGIC] > 2) {
		fail(req, row, WIRE_CORRUPT_MESSAGE,
		     "batch of length %" PRId32 " and magic %d",
		     (int32_t)length, (int8_t)bytes.data[BATCH_MAGIC]);
		return false;
	}
	if (bytes.data[BATCH_MAGIC] < 2 || bytes.len < BATCH_HEADER_BYTES ||
	    bytes.len - BATCH_LENGTH_FROM < length ||
	    has_second(bytes, BATCH_LENGTH_FROM + length)) {
		fail(req, row, WIRE_INVALID_RECORD,
		     "must be exactly one batch of magic 2");
		return false;
	}
	if (req->version < ZSTD_VERSION && (bytes.data[BATCH_ATTRIBUTES + 1] &
					    BATCH_CODEC_MASK) == CODEC_ZSTD) {
		fail(req, row, WIRE_UNSUPPORTED_COMPRESSION_TYPE,
		     "zstd needs Produce version %d or later", ZSTD_VERSION);
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

static struct batch_rules rules_of(const struct batch_to_append *b)
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
static void name_records(struct batch_to_append *b, produced_row *row,
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

static void fail_invalid(struct batch_to_append *b, produced_row *row,
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
		fail(b->req, row, code_of(problem),
		     "record %" PRId32 " of the batch: %s", fault->record, why);
	else
		fail(b->req, row, code_of(problem), "%s", why);
	if (problem == BATCH_NO_KEY || problem == BATCH_BAD_TIMESTAMP)
		name_records(b, row, rules, problem,
			     arena_copy(&b->req->arena, slice_of(why)));
}

/* There are no transactions that it could be part of. */
static void fail_transactional(struct request *req, produced_row *row)
{
	const struct produce_request *message = req->message;

	if (slice_is_null(message->transactional_id))
		fail(req, row, WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
		     "a transactional batch needs a transactional id");
	else
		fail(req, row, WIRE_INVALID_TXN_STATE,
		     "the partition is in no transaction of this producer");
}

static bool check_size(struct batch_to_append *b, produced_row *row)
{
	if ((int64_t)b->bytes.len <= b->config.max_message_bytes)
		return true;
	fail(b->req, row, WIRE_MESSAGE_TOO_LARGE,
	     "the batch has %zu bytes, the topic takes (max.message.bytes) at "
	     "most %" PRId64,
	     b->bytes.len, b->config.max_message_bytes);
	return false;
}

/* Give the batch the codec of the topic, if it asks for one. */
static bool repack(struct batch_to_append *b, produced_row *row)
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
		fail(b->req, row, WIRE_UNKNOWN_SERVER_ERROR,
		     "cannot be compressed as the topic wants: %s",
		     strerror(-rc));
		return false;
	}
	b->bytes = buffer_slice(&b->repacked);
	return check_size(b, row);
}

/* Check the batch against the topic's rules; give it its codec and time. */
static bool check_batch(struct batch_to_append *b, produced_row *row)
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
	batch = (uint8_t *)(uintptr_t)b->bytes.data;
	if (b->config.log_append_time)
		batch_set_log_append_time(batch, request_now_ms(b->req));
	else
		batch_set_create_time(batch, b->header.max_timestamp_ms);
	return true;
}

/* Checking the topic */

static bool is_internal(struct slice name)
{
	return slice_is(name, "__consumer_offsets") ||
	       slice_is(name, "__transaction_state") ||
	       slice_is(name, "__share_group_state");
}

/* Fewer in-sync replicas than the topic wants of those it has? */
static bool lacks_replicas(const struct batch_to_append *b)
{
	const struct produce_request *message = b->req->message;
	const struct partition_image *p = &b->topic->partitions[b->index];
	int32_t least = b->config.min_insync_replicas;

	if (least > p->replica_count)
		least = p->replica_count;
	return message->acks == ACKS_ALL && p->isr_count < least;
}

static struct partition *find_partition(struct batch_to_append *b,
					const struct image *image,
					produced_row *row)
{
	struct request *req = b->req;
	struct partition *p = NULL;

	if (b->topic == NULL)
		fail(req, row,
		     req->version >= TOPIC_ID_VERSION
			     ? WIRE_UNKNOWN_TOPIC_ID
			     : WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		     "there is no such topic");
	else if (b->index < 0 || b->index >= b->topic->partition_count)
		fail(req, row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		     "the topic has %" PRId32 " partitions",
		     b->topic->partition_count);
	else if (is_internal(b->topic->name) &&
		 !slice_is(req->client_id, "__admin_client"))
		fail(req, row, WIRE_INVALID_TOPIC_EXCEPTION,
		     "the topic is the broker's own");
	else if (check_form(b, row)) {
		p = partition_find(req->broker->partitions, image, b->topic,
				   b->index);
		if (p == NULL)
			fail(req, row, WIRE_NOT_LEADER_OR_FOLLOWER,
			     "this broker does not lead the partition");
	}
	return p;
}

/* Appending */

/* Wait for the high watermark, if it has still to come. */
static void wait_for_sync(struct produce *produce, struct part *part,
			  int64_t last_offset)
{
	part->waiter.set = &produce->waits;
	part->waiter.above = last_offset;
	part->waiting = partition_wait(part->partition, &part->waiter);
	if (part->waiting)
		produce->waiting++;
}

static void append(struct produce *produce, struct part *part,
		   struct batch_to_append *b)
{
	const struct produce_request *message = b->req->message;
	uint8_t *batch = (uint8_t *)(uintptr_t)b->bytes.data;
	produced_row *row = part->row;
	struct log_appended appended;
	enum log_refusal refusal;
	int rc;

	if (message->acks == ACKS_ALL)
		rc = partition_append_deferred(part->partition, batch,
					       &b->header, &appended, &refusal,
					       &part->sync);
	else
		rc = partition_append(part->partition, batch, &b->header,
				      &appended, &refusal);
	if (rc < 0) {
		fail_append(b, row, rc, refusal);
		return;
	}
	row->base_offset = appended.base_offset;
	row->log_append_time_ms = appended.duplicate
					  ? b->header.max_timestamp_ms
					  : appended.log_append_time_ms;
	row->log_start_offset = appended.log_start_offset;
	if (message->acks == ACKS_ALL)
		wait_for_sync(produce, part, appended.last_offset);
}

/* Kafka tells it with refusals that are about records, not about bytes. */
static void tell_log_start(struct part *part)
{
	struct partition_offsets now;

	switch (part->row->error_code) {
	case WIRE_MESSAGE_TOO_LARGE:
	case WIRE_RECORD_LIST_TOO_LARGE:
	case WIRE_CORRUPT_MESSAGE:
	case WIRE_KAFKA_STORAGE_ERROR:
	case WIRE_UNKNOWN_TOPIC_OR_PARTITION:
	case WIRE_NOT_LEADER_OR_FOLLOWER:
	case WIRE_NOT_ENOUGH_REPLICAS:
	case WIRE_INVALID_TXN_STATE:
	case WIRE_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
		return;
	default:
		if (partition_offsets(part->partition, &now) == 0)
			part->row->log_start_offset = now.log_start;
	}
}

static void handle_part(struct produce *produce, struct part *part,
			struct batch_to_append *b, const struct image *image)
{
	produced_row *row = part->row;

	part->partition = find_partition(b, image, row);
	if (part->partition == NULL)
		return;
	partition_topic_config(part->partition, &b->config);
	if (lacks_replicas(b))
		fail(b->req, row, WIRE_NOT_ENOUGH_REPLICAS,
		     "fewer in-sync replicas than min.insync.replicas=%" PRId32,
		     b->config.min_insync_replicas);
	else if (check_batch(b, row))
		append(produce, part, b);
	if (row->error_code != WIRE_NONE)
		tell_log_start(part);
}

static void release_part(struct part *part)
{
	partition_unwait(&part->waiter);
	partition_release(part->partition);
	part->partition = NULL;
}

static const struct topic_image *find_topic(
	const struct request *req, const struct image *image,
	const struct produce_request_topic_data *from)
{
	return req->version >= TOPIC_ID_VERSION
		       ? image_topic_by_id(image, from->topic_id)
		       : image_topic(image, from->name);
}

static void handle_topic(struct request *req, struct produce *produce,
			 const struct image *image,
			 const struct produce_request_topic_data *from,
			 struct produce_response_responses *to)
{
	const struct produce_request *message = req->message;
	struct batch_to_append b = {
		.req = req,
		.topic = find_topic(req, image, from),
	};

	to->name = from->name;
	to->topic_id = from->topic_id;
	for (int32_t i = 0; i < from->partition_data_count; i++) {
		struct part *part = &produce->parts[produce->part_count++];

		part->row = &to->partition_responses[i];
		part->row->index = from->partition_data[i].index;
		b.index = part->row->index;
		b.bytes = (struct slice){
			from->partition_data[i].records.data,
			from->partition_data[i].records.len,
		};
		if (message->acks < ACKS_ALL || message->acks > ACKS_LEADER)
			fail(req, part->row, WIRE_INVALID_REQUIRED_ACKS,
			     "acks is %d, and must be -1, 0 or 1",
			     message->acks);
		else
			handle_part(produce, part, &b, image);
		buffer_clear(&b.repacked);
		if (part->row->error_code != WIRE_NONE)
			produce->failed++;
		if (!part->waiting && !part->sync)
			release_part(part);
	}
}

/* Rows for all topics and partitions of the request. */
static int make_rows(struct request *req, struct produce *produce)
{
	const struct produce_request *message = req->message;
	struct produce_response *response = &produce->response;
	size_t count = 0;

	wire_init(&produce_response_desc, response);
	response->responses =
		wire_array(&produce_response_responses_desc, &req->arena,
			   message->topic_data_count);
	if (response->responses == NULL)
		return -ENOMEM;
	response->responses_count = message->topic_data_count;
	for (int32_t i = 0; i < message->topic_data_count; i++) {
		int32_t n = message->topic_data[i].partition_data_count;
		struct produce_response_responses *to = &response->responses[i];

		to->partition_responses = wire_array(
			&produce_response_responses_partition_responses_desc,
			&req->arena, n);
		if (to->partition_responses == NULL)
			return -ENOMEM;
		to->partition_responses_count = n;
		count += (size_t)n;
	}
	produce->parts =
		arena_calloc(&req->arena, count, sizeof(*produce->parts));
	return produce->parts == NULL ? -ENOMEM : 0;
}

/* Waiting */

static void reply(struct request *req, struct produce *produce)
{
	if (produce->counted)
		partition_table_count_commits(req->broker->partitions, -1);
	partition_wait_set_clear(&produce->waits);
	request_reply(req, &produce->response);
}

static void on_ready(void *arg)
{
	request_wake(arg);
}

/* Is it on disk, or lost?  Else it waits on. */
static void settle(struct request *req, struct produce *produce,
		   struct part *part)
{
	struct partition_offsets now;
	int rc;

	do {
		rc = partition_offsets(part->partition, &now);
		if (rc < 0 || now.high_watermark > part->waiter.above)
			break;
	} while (!partition_wait(part->partition, &part->waiter));
	if (rc == 0 && now.high_watermark <= part->waiter.above)
		return;
	if (rc == -ENOENT)
		fail(req, part->row, WIRE_UNKNOWN_TOPIC_OR_PARTITION,
		     "the topic was deleted");
	else if (rc < 0)
		fail(req, part->row, WIRE_KAFKA_STORAGE_ERROR,
		     "the records may not be on disk: %s", strerror(-rc));
	part->waiting = false;
	produce->waiting--;
	release_part(part);
}

static void start_syncs(struct produce *produce)
{
	for (size_t i = 0; i < produce->part_count; i++) {
		struct part *part = &produce->parts[i];

		if (!part->sync)
			continue;
		part->sync = false;
		if (part->partition != NULL)
			partition_sync_start(part->partition);
		if (!part->waiting)
			release_part(part);
	}
}

/* Sync on this thread, if that is the quickest way to an answer. */
static bool sync_here(struct request *req, struct produce *produce)
{
	struct partition_table *table = req->broker->partitions;
	struct part *part = &produce->parts[0];

	if (produce->part_count != 1 || !part->sync || !part->waiting ||
	    partition_table_count_commits(table, 0) != 1 ||
	    partition_table_sync_us(table) > SYNC_HERE_MAX_US)
		return false;
	/* Not to be woken by ourselves. */
	partition_unwait(&part->waiter);
	part->sync = false;
	partition_sync_run(part->partition);
	settle(req, produce, part);
	return true;
}

static void park(struct request *req, struct produce *produce)
{
	request_park(req, produce->deciding ? request_now_us(req)
					    : produce->deadline_us);
}

/* The end of the turn in which the request came. */
static void on_turn_over(struct request *req, struct produce *produce)
{
	produce->deciding = false;
	if (!sync_here(req, produce))
		start_syncs(produce);
	if (produce->waiting == 0)
		reply(req, produce);
	else
		park(req, produce);
}

static void on_deadline(struct request *req)
{
	struct produce *produce = req->state;

	if (produce->deciding) {
		on_turn_over(req, produce);
		return;
	}
	for (size_t i = 0; i < produce->part_count; i++) {
		struct part *part = &produce->parts[i];

		if (!part->waiting)
			continue;
		part->row->error_code = WIRE_REQUEST_TIMED_OUT;
		release_part(part);
	}
	reply(req, produce);
}

static void on_wake(struct request *req)
{
	struct produce *produce = req->state;
	struct partition_waiter *w;

	while ((w = partition_wait_set_take(&produce->waits)) != NULL)
		settle(req, produce,
		       (struct part *)((char *)w -
				       offsetof(struct part, waiter)));
	if (produce->waiting > 0) {
		park(req, produce);
		return;
	}
	start_syncs(produce);
	reply(req, produce);
}

static void on_drop(struct request *req)
{
	struct produce *produce = req->state;

	/* Others may count on our promise. */
	start_syncs(produce);
	for (size_t i = 0; i < produce->part_count; i++)
		release_part(&produce->parts[i]);
	partition_wait_set_clear(&produce->waits);
	partition_table_count_commits(req->broker->partitions, -1);
}

/* The topics' names lie in the frame, which goes. */
static int keep_names(struct request *req, struct produce_response *response)
{
	for (int32_t i = 0; i < response->responses_count; i++) {
		struct slice *name = &response->responses[i].name;

		if (slice_is_null(*name))
			continue;
		*name = arena_copy(&req->arena, *name);
		if (slice_is_null(*name))
			return -ENOMEM;
	}
	return 0;
}

static void wait_or_reply(struct request *req, struct produce *produce)
{
	const struct produce_request *message = req->message;
	int64_t timeout_ms = message->timeout_ms > 0 ? message->timeout_ms
						     : TIMEOUT_LEAST_MS;

	if (produce->waiting == 0) {
		start_syncs(produce);
		reply(req, produce);
		return;
	}
	partition_table_count_commits(req->broker->partitions, 1);
	produce->counted = true;
	req->state = produce;
	if (keep_names(req, &produce->response) < 0) {
		on_drop(req);
		request_close(req, "out of memory");
		return;
	}
	for (size_t i = 0; i < produce->part_count; i++)
		produce->deciding = produce->deciding || produce->parts[i].sync;
	produce->deadline_us = request_now_us(req) + timeout_ms * 1000;
	req->on_wake = on_wake;
	req->on_deadline = on_deadline;
	req->on_drop = on_drop;
	park(req, produce);
	partition_wait_set_listen(&produce->waits, on_ready, req);
}

void api_produce(struct request *req)
{
	const struct produce_request *message = req->message;
	struct produce *produce =
		arena_calloc(&req->arena, 1, sizeof(*produce));
	const struct image *image;

	if (produce == NULL || make_rows(req, produce) < 0) {
		request_close(req, "out of memory");
		return;
	}
	partition_wait_set_init(&produce->waits);
	image = metadata_image(req->broker->metadata);
	for (int32_t i = 0; i < message->topic_data_count; i++)
		handle_topic(req, produce, image, &message->topic_data[i],
			     &produce->response.responses[i]);
	image_release(image);
	if (message->acks != ACKS_NONE)
		wait_or_reply(req, produce);
	else if (produce->failed == 0)
		request_end(req);
	else
		request_close(req, "produce with acks=0 failed");
}
