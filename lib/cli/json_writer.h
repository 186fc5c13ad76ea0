/*
 * json_writer.h - JSON text, appended to a buffer
 *
 * Writes commas and quotes; nesting is the caller's to balance.  Numbers are
 * exact up to 2^63-1.  Text that is not UTF-8 is written with U+FFFD for each
 * bad byte; whoever must not lose a byte asks utf8_is_valid() first.
 */
#ifndef CLI_JSON_WRITER_H
#define CLI_JSON_WRITER_H

#include "base/buffer.h"
#include "base/utf8.h"

struct json_writer {
	struct buffer *out;
	bool comma; /* the next value needs one */
};

static inline struct json_writer json_writer(struct buffer *out)
{
	return (struct json_writer){ .out = out };
}

/* Values: within an array, or after json_put_key(). */
void json_put_open(struct json_writer *w, char bracket);  /* '{' or '[' */
void json_put_close(struct json_writer *w, char bracket); /* '}' or ']' */
void json_put_key(struct json_writer *w, const char *key);
void json_put_text(struct json_writer *w, const char *text); /* NULL: null */
void json_put_slice(struct json_writer *w, struct slice text);
void json_put_int(struct json_writer *w, int64_t value);
void json_put_bool(struct json_writer *w, bool value);
void json_put_null(struct json_writer *w);

/* Members: key and value at once. */
void json_member_text(struct json_writer *w, const char *key, const char *text);
void json_member_int(struct json_writer *w, const char *key, int64_t value);
void json_member_bool(struct json_writer *w, const char *key, bool value);

/* Text that must not lose a byte, as in an envelope: what is not UTF-8 is in
 * base64, and a member key_enc says "b64".  Null is null. */
void json_member_bytes(struct json_writer *w, const char *key,
		       struct slice bytes);

/*
 * How many bytes at the front need no escape in a JSON string: up to the first
 * quote, backslash or control character.
 */
size_t json_plain_len(struct slice text);

/* The bytes between the quotes: text, which is valid UTF-8, escaped. */
void json_escape(struct buffer *out, struct slice text);

#endif /* CLI_JSON_WRITER_H */
