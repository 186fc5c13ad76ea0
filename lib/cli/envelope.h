/*
 * envelope.h - a record as a JSON object (kspool-envelope(5))
 *
 * Written by kconsume -J, read by kproduce -J; kcat's field names, and every
 * byte of a record survives the way through both.  Order of the fields:
 *
 *	{"topic":"t","partition":0,"offset":7,"tstype":"create","ts":1,
 *	 "broker":1,"group":"g","gen":3,"member":"id",
 *	 "headers":["n","v"],"headers_enc":"b64",
 *	 "key":null,"key_enc":"b64","payload":"...","payload_enc":"b64"}
 *
 * The reader also takes what rpk, kaf, kafkactl and kt print: names in any
 * case, "value" for "payload", headers as objects.  A field that it does not
 * know is ignored.
 */
#ifndef CLI_ENVELOPE_H
#define CLI_ENVELOPE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "cli/record_place.h"
#include "record/record.h"

enum envelope_encoding {
	ENVELOPE_AUTO, /* text where it is UTF-8, else base64 */
	ENVELOPE_B64,
	ENVELOPE_HEX,
};

struct envelope_style {
	enum envelope_encoding encoding; /* of key and payload */
	bool meta; /* no key, payload and headers, but "size" */
};

/*
 * Append the record as one line, newline included.  Always valid JSON and
 * UTF-8.  Out of memory shows in out->failed.
 */
void envelope_write(const struct envelope_style *style,
		    const struct record_place *place,
		    const struct record *record, struct buffer *out);

/* What an object said.  All is the arena's. */
struct envelope {
	struct slice topic;   /* null: not said */
	int32_t partition;    /* -1: not said */
	int64_t offset;       /* -1: not said; only to name it in messages */
	int64_t timestamp_ms; /* -1: not said */
	struct slice key;     /* null also where not said */
	struct slice value;
	struct record_header *headers;
	int32_t header_count;
};

enum { ENVELOPE_WHY_MAX = 160 };

/*
 * Read the one object that text is (a frame of FRAMING_JSON).  Returns 0,
 * -ENOMEM, or -EBADMSG with a reason in why: bad JSON, a field of the wrong
 * type, no payload, bytes that its encoding does not allow.
 */
int envelope_read(struct slice text, struct arena *arena,
		  struct envelope *envelope_out, char why[ENVELOPE_WHY_MAX]);

#endif /* CLI_ENVELOPE_H */
