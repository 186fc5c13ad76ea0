/*
 * batch.h - a record batch (magic 2) where it lies
 *
 * A batch is the unit of everything: a producer sends it, the log stores it,
 * a consumer gets it, always the same bytes but for two fields in front of
 * the checksum, which the broker patches in place.
 *
 *	at  width  field
 *	 0    8    base offset             patched by the log
 *	 8    4    batch length            bytes after this field
 *	12    4    partition leader epoch  patched by the log
 *	16    1    magic                   2
 *	17    4    CRC-32C of every byte from 21 to the end
 *	21    2    attributes
 *	23    4    last offset delta
 *	27    8    base timestamp, ms
 *	35    8    max timestamp, ms
 *	43    8    producer id             -1 without idempotence
 *	51    2    producer epoch
 *	53    4    base sequence
 *	57    4    records count
 *	61    -    records, compressed as one block or not
 */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include "base/bytes.h"

enum {
	BATCH_BASE_OFFSET = 0,
	BATCH_LENGTH = 8,
	BATCH_LEADER_EPOCH = 12,
	BATCH_MAGIC = 16,
	BATCH_CRC = 17,
	BATCH_ATTRIBUTES = 21,
	BATCH_LAST_OFFSET_DELTA = 23,
	BATCH_BASE_TIMESTAMP = 27,
	BATCH_MAX_TIMESTAMP = 35,
	BATCH_PRODUCER_ID = 43,
	BATCH_PRODUCER_EPOCH = 51,
	BATCH_BASE_SEQUENCE = 53,
	BATCH_RECORDS_COUNT = 57,
	BATCH_HEADER_BYTES = 61,

	BATCH_LENGTH_FROM = 12, /* what batch length does not count */
	BATCH_CRC_FROM = 21,
};

enum {
	BATCH_CODEC_MASK = 7,
	BATCH_LOG_APPEND_TIME = 1 << 3,
	BATCH_TRANSACTIONAL = 1 << 4,
	BATCH_CONTROL = 1 << 5,
	BATCH_DELETE_HORIZON = 1 << 6,
};

/* What a header says, in the machine's byte order. */
struct batch_header {
	int64_t base_offset;
	uint32_t size; /* of the whole batch, bytes */
	int32_t leader_epoch;
	int8_t magic;
	uint32_t crc;
	int16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp_ms;
	int64_t max_timestamp_ms;
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t records_count;
};

static inline int64_t batch_last_offset(const struct batch_header *h)
{
	return h->base_offset + h->last_offset_delta;
}

static inline int batch_codec(const struct batch_header *h)
{
	return h->attributes & BATCH_CODEC_MASK;
}

/*
 * Read the header at the front of bytes.  Only that the bytes hold a header
 * and that its sizes make sense is checked: not the CRC, and the bytes may
 * end before the batch does (compare h->size with bytes.len).
 *
 * Returns 0, -EMSGSIZE when fewer than BATCH_HEADER_BYTES are there, or
 * -EBADMSG when batch length is below the least, or magic is not 2.
 */
int batch_header_read(struct slice bytes, struct batch_header *header_out);

/*
 * Write the header h, and the checksum, in front of the records that lie
 * behind it: h->size bytes at batch.  h->crc and h->magic do not count.
 */
void batch_header_write(uint8_t *batch, const struct batch_header *h);

/* Does the checksum of the whole batch (h->size bytes at batch) hold? */
bool batch_crc_holds(const uint8_t *batch, const struct batch_header *h);

/* In place, before the checksum's range: cheap. */
void batch_set_base_offset(uint8_t *batch, int64_t base_offset);
void batch_set_leader_epoch(uint8_t *batch, int32_t leader_epoch);

/* In place, and the checksum made anew: reads the whole batch. */
void batch_set_crc(uint8_t *batch);
void batch_set_log_append_time(uint8_t *batch, int64_t now_ms);
void batch_set_producer(uint8_t *batch, int64_t producer_id,
			int16_t producer_epoch, int32_t base_sequence);

/*
 * The counterpart of batch_set_log_append_time(): create times, of which the
 * latest is max_timestamp_ms.  Costs nothing when the batch says so already.
 */
void batch_set_create_time(uint8_t *batch, int64_t max_timestamp_ms);

/* What batch_validate() found wrong; texts in batch_problem_text(). */
enum batch_problem {
	BATCH_OK,
	BATCH_TRUNCATED, /* fewer bytes than it says, or trailing ones */
	BATCH_BAD_MAGIC,
	BATCH_BAD_CRC,
	BATCH_BAD_COUNT,       /* count, last offset delta and records differ */
	BATCH_BAD_CODEC,       /* unknown codec */
	BATCH_BAD_RECORD,      /* a record is malformed or out of order */
	BATCH_BAD_COMPRESSION, /* does not unpack */
	BATCH_TOO_LARGE,       /* unpacks to more than the limit */
	BATCH_IS_CONTROL,      /* a client may not send control batches */
	BATCH_NO_KEY,          /* a compacted topic needs keys */
	BATCH_BAD_SEQUENCE,    /* producer id without sequence or epoch */
	BATCH_BAD_TIMESTAMP,   /* a record outside the bounds given */
	BATCH_NO_MEMORY,
	BATCH_BAD_OFFSET, /* a producer's base offset is not 0 */
	BATCH_PROBLEMS    /* how many there are */
};

const char *batch_problem_text(enum batch_problem problem);

struct batch_rules {
	bool need_keys;           /* cleanup.policy has compact */
	bool log_append_time;     /* message.timestamp.type: no bounds then */
	int64_t timestamp_min_ms; /* bounds for create times; */
	int64_t timestamp_max_ms; /* INT64_MIN, INT64_MAX for none */
	size_t decompressed_max;  /* bytes */
};

/* Rules without bounds but RECORD_BYTES_DECOMPRESSED_MAX. */
extern const struct batch_rules batch_rules_default;

struct batch_fault {
	enum batch_problem problem;
	int32_t record; /* which record is at fault, -1 for the batch */
};

/*
 * Check everything about a batch that a producer sent, as Kafka's
 * LogValidator does, without changing it: the bytes hold exactly one batch;
 * magic, checksum, counts; each record's lengths, offset delta (0, 1, 2 ...),
 * key and timestamp rules.  A compressed batch is unpacked as a stream and
 * never held as a whole.  Fills *header_out whenever the header is readable.
 *
 * In two places Kafka is kinder than here.  Offset deltas that are not 0, 1, 2
 * it stores or numbers anew; no client sends them.  A wrong max timestamp it
 * mends, as some client may well send one: so after success
 * header_out->max_timestamp_ms is the latest time of the records themselves,
 * and the caller passes it to batch_set_create_time().
 *
 * Returns 0, or -EBADMSG with *fault_out saying why (-ENOMEM as
 * BATCH_NO_MEMORY).
 */
int batch_validate(struct slice bytes, const struct batch_rules *rules,
		   struct batch_header *header_out,
		   struct batch_fault *fault_out);

#endif /* RECORD_BATCH_H */
