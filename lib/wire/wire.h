/*
 * wire.h - the codec: Kafka messages as C structs and back
 *
 * The schema compiler turns lib/wire/schema/ into plain structs and
 * descriptor tables ("wire/messages.h"); this one codec walks a table to
 * decode, encode, size, compare and print any message of any version.
 *
 * How a struct says things (S is the struct's name, as produce_request):
 *
 *	api 0 Produce       struct produce_request, struct produce_response;
 *	                    their tables produce_request_desc, ..._desc
 *	record TopicRecord  struct topic_record, topic_record_desc
 *	headers             struct request_header, struct response_header
 *
 *	bool, int8..int64   bool, int8_t..int64_t; uint16, uint32 alike
 *	float64, uuid       double, struct uuid
 *	string, bytes       struct slice; null is data NULL, and where null
 *	                    is not allowed it encodes as empty
 *	records             struct wire_records
 *	T[]                 T *name; int32_t name_count; null is count -1
 *	struct              struct S_name name, the path joined by _
 *	struct, may be null struct S_name *name; NULL is null
 *	struct[]            struct S_name *name; int32_t name_count
 *
 * wire_init() sets the written defaults; a zeroed struct has 0, null, empty.
 * Where the default of a struct that may be null is not null, wire_init()
 * points to one that all share: replace the pointer, do not write through it.
 */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/uuid.h"

/* Tagged fields that the codec does not know, kept as they came: every struct
 * of a flexible message ends with a pointer to them, NULL when there are none.
 */
struct wire_tags;

/*
 * Record batches.  Received ones are bytes, slices of the frame.  Sent ones
 * are bytes, or (file not NULL) len bytes from position of something that
 * the codec does not look at: encoding leaves a hole for it.
 */
struct wire_records {
	const uint8_t *data; /* NULL with file NULL is null */
	size_t len;
	void *file;
	int64_t position;
};

/* A place in encoded bytes where len bytes of a file belong. */
struct wire_hole {
	size_t at; /* bytes of the buffer that come before it */
	void *file;
	int64_t position;
	size_t len;
};

struct wire_holes {
	struct wire_hole *items;
	size_t count;
	size_t capacity;
};

void wire_holes_clear(struct wire_holes *holes);

/* The table of one message: opaque but for what callers ask. */
struct wire_desc;

const char *wire_desc_name(const struct wire_desc *desc);
size_t wire_desc_size(const struct wire_desc *desc); /* of the struct */
/* Versions that the codec knows; newer ones than Kafka 4.2 has are among them.
 * What 4.2 accepts is in wire_api. */
int16_t wire_desc_min_version(const struct wire_desc *desc);
int16_t wire_desc_max_version(const struct wire_desc *desc);
bool wire_desc_is_flexible(const struct wire_desc *desc, int16_t version);
/* Where a field of that name lies in the struct, in bytes, or -1. */
int16_t wire_desc_offset(const struct wire_desc *desc, const char *field);

/* The int32 of that name at the top of the message; otherwise where there is
 * none, such as a response without throttle_time_ms. */
int32_t wire_int32(const struct wire_desc *desc, const void *message,
		   const char *name, int32_t otherwise);

/* Set every field to its default. */
void wire_init(const struct wire_desc *desc, void *message);

/* count structs of an array field, initialised: for builders of messages.
 * elem is the table of the element, e.g. fetch_response_responses_desc. */
void *wire_array(const struct wire_desc *elem, struct arena *arena,
		 int32_t count);

/*
 * Decode the message at the front of bytes into the struct at message, which
 * need not be initialised; fields the version lacks get their defaults.
 * Strings, bytes and records are slices of bytes; arrays are the arena's.
 * Counts are checked against what is left of bytes before anything is
 * allocated.
 *
 * Returns the count of bytes taken, or -EBADMSG when they are malformed,
 * -ENOTSUP for a version that the table has not, -EMSGSIZE when the arena's
 * limit is too low for it, -ENOMEM.
 */
int64_t wire_decode(const struct wire_desc *desc, int16_t version,
		    struct slice bytes, struct arena *arena, void *message);

/*
 * The memory that a message of len bytes is worth, as the limit of an arena:
 * what is meant well takes a few times its bytes, what is made of nothing but
 * tiny items up to forty times.
 */
size_t wire_decode_budget(size_t len);

/*
 * Most bytes that decoding a message of len bytes, good or bad, takes from an
 * arena (which in turn has up to four times that in blocks): len times the
 * memory of what costs most for its bytes on the wire, such as a slice for an
 * empty string of one byte.
 */
size_t wire_decode_bound(const struct wire_desc *desc, size_t len);

/* Bytes that wire_encode() will append, holes' included. */
size_t wire_size(const struct wire_desc *desc, int16_t version,
		 const void *message);

/*
 * Append the encoded message to out.  holes takes the file slices; it may be
 * NULL when there can be none.  Returns 0, -ENOTSUP, -ENOMEM, or -EOVERFLOW
 * for what the format cannot say (a string of over 32767 bytes).
 */
int wire_encode(const struct wire_desc *desc, int16_t version,
		const void *message, struct buffer *out,
		struct wire_holes *holes);

/*
 * An array of structs that was encoded beforehand, to be sent many times: its
 * count is WIRE_ENCODED, and its pointer is to a struct slice with the bytes.
 * It can be encoded and printed; everything else takes it for empty.
 *
 * Encoding appends count and structs to out; elem is the table of one, as for
 * wire_array().  Decoding gives the structs back, as wire_decode() would.
 */
enum { WIRE_ENCODED = INT32_MIN };

int wire_encode_array(const struct wire_desc *elem, int16_t version,
		      const void *items, int32_t count, struct buffer *out);
int wire_decode_array(const struct wire_desc *elem, int16_t version,
		      struct slice bytes, struct arena *arena, void **items_out,
		      int32_t *count_out);

/* Do two structs hold the same message, as far as version has it? */
bool wire_equal(const struct wire_desc *desc, int16_t version, const void *a,
		const void *b);

/*
 * Append the message as one line of JSON: field names as in the schema, uuids
 * as text, bytes in base64, records as {"bytes":N}.  Returns 0 or -ENOMEM.
 */
int wire_print_json(const struct wire_desc *desc, int16_t version,
		    const void *message, struct buffer *out);

/* What may be printed otherwise; each may be NULL or 0. */
struct wire_json_rules {
	void *arg;
	/* Is this field of message, a struct of the table desc, a secret?  It
	 * is printed as "***". */
	bool (*is_secret)(void *arg, const struct wire_desc *desc,
			  const char *field, const void *message);
	/* Append the bytes of records, which are then printed in base64 beside
	 * their number.  Returns 0, or anything else to leave them out. */
	int (*read_records)(void *arg, const struct wire_records *records,
			    struct buffer *bytes);
	/* out may be so long, roughly; past it the text is cut. */
	size_t bytes_max;
};

/* The same by rules.  Returns -EMSGSIZE when it was cut. */
int wire_print_json_by(const struct wire_json_rules *rules,
		       const struct wire_desc *desc, int16_t version,
		       const void *message, struct buffer *out);

/* One row for each api of the schema. */
struct wire_api {
	int16_t key;
	const char *name;                 /* "Fetch" */
	int16_t min_version, max_version; /* max below min: none accepted */
	int16_t flexible_from;            /* INT16_MAX: never */
	bool on_broker, on_controller;    /* listeners */
	const struct wire_desc *request, *response; /* NULL: no version known */
};

/* By key, or NULL.  And all of them, by rising key. */
const struct wire_api *wire_api(int16_t key);
const struct wire_api *wire_apis(size_t *count_out);

/* The tables of all records, in the schema's order. */
const struct wire_desc *const *wire_records(size_t *count_out);

/* Header versions (headers.def): 1 or 2; 0 or 1. */
int16_t wire_request_header_version(const struct wire_api *api,
				    int16_t version);
int16_t wire_response_header_version(const struct wire_api *api,
				     int16_t version);

/*
 * Framings: what stands in front of a record's fields (internal_topics.def,
 * metadata_records.def, records.def).
 *
 * Metadata records: append frame version, type id, version and the fields.
 * Errors as wire_encode(), out is then as it was.
 */
int wire_metadata_encode(const struct wire_desc *desc, int16_t version,
			 const void *message, struct buffer *out);

/*
 * Decode the value of a metadata record: the table is found by the type id,
 * the struct (the arena's) is *message_out.  Returns 0; -EBADMSG also for
 * bytes behind the fields; -ENOTSUP for a frame version, type id or version
 * that is not known; -ENOMEM.
 */
int wire_metadata_decode(struct slice value, struct arena *arena,
			 const struct wire_desc **desc_out,
			 int16_t *version_out, void **message_out);

int16_t wire_desc_type_id(const struct wire_desc *desc); /* or -1 */

/*
 * The other framings, by what the record's table says.  "version": int16
 * version, then the fields; "type-id" (keys): int16 type id, then the fields
 * in version 0; "leading-field": the message itself starts with its version.
 *
 * Decoding tells the version and returns the bytes taken; -EBADMSG, -ENOMEM,
 * or -ENOTSUP for a version not known (*version_out is set) or another type
 * id than that of desc.
 */
int wire_versioned_encode(const struct wire_desc *desc, int16_t version,
			  const void *message, struct buffer *out);
int64_t wire_versioned_decode(const struct wire_desc *desc, struct slice value,
			      struct arena *arena, int16_t *version_out,
			      void *message);

#endif /* WIRE_WIRE_H */
