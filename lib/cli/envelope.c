/*
 * envelope.c - a record as a JSON object (kspool-envelope(5))
 *
 * Writing is by hand, for speed: the parts of a line that are the same for all
 * records of a batch are short, and text is copied in runs.  Reading is
 * jansson's work; only a key or payload that is itself JSON is cut out of the
 * text as it stands there, so that no number in it changes.
 */
#include "cli/envelope.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/units.h"
#include "cli/encoding.h"
#include "cli/json_writer.h"

/* Writing */

static void put_quoted(struct buffer *out, struct slice text)
{
	buffer_put_u8(out, '"');
	json_escape(out, text);
	buffer_put_u8(out, '"');
}

static void put_b64(struct buffer *out, struct slice bytes)
{
	buffer_put_u8(out, '"');
	base64_encode(out, bytes);
	buffer_put_u8(out, '"');
}

/* The member called name, and how its bytes are written. */
struct field {
	const char *name;
	const char *b64;
	const char *hex;
};

static const struct field key_field = {
	",\"key\":",
	",\"key_enc\":\"b64\"",
	",\"key_enc\":\"hex\"",
};

static const struct field payload_field = {
	",\"payload\":",
	",\"payload_enc\":\"b64\"",
	",\"payload_enc\":\"hex\"",
};

static void put_field(struct buffer *out, const struct field *field,
		      struct slice bytes, enum envelope_encoding encoding)
{
	buffer_put_text(out, field->name);
	if (slice_is_null(bytes)) {
		buffer_put_text(out, "null");
	} else if (encoding == ENVELOPE_HEX) {
		buffer_put_u8(out, '"');
		hex_encode(out, bytes);
		buffer_put_u8(out, '"');
		buffer_put_text(out, field->hex);
	} else if (encoding == ENVELOPE_B64 || !utf8_is_valid(bytes)) {
		put_b64(out, bytes);
		buffer_put_text(out, field->b64);
	} else {
		put_quoted(out, bytes);
	}
}

static bool are_values_text(struct slice headers)
{
	struct record_header header;

	while (record_next_header(&headers, &header) == 1) {
		if (!utf8_is_valid(header.value))
			return false;
	}
	return true;
}

static void put_headers(struct buffer *out, struct slice headers)
{
	bool text = are_values_text(headers);
	struct json_writer w = json_writer(out);
	struct record_header header;

	buffer_put_text(out, ",\"headers\":");
	json_put_open(&w, '[');
	while (record_next_header(&headers, &header) == 1) {
		json_put_slice(&w, header.key);
		if (text || slice_is_null(header.value)) {
			json_put_slice(&w, header.value);
		} else {
			buffer_put_u8(out, ',');
			put_b64(out, header.value);
		}
	}
	json_put_close(&w, ']');
	if (!text)
		buffer_put_text(out, ",\"headers_enc\":\"b64\"");
}

static void put_number(struct buffer *out, const char *before, int64_t value)
{
	buffer_put_text(out, before);
	decimal_encode(out, value);
}

static void put_size(struct buffer *out, const struct record *record)
{
	buffer_printf(out, ",\"size\":%zu",
		      record->key.len + record->value.len +
			      record->headers.len);
}

void envelope_write(const struct envelope_style *style,
		    const struct record_place *place,
		    const struct record *record, struct buffer *out)
{
	buffer_put_text(out, "{\"topic\":");
	put_quoted(out, slice_of(place->topic));
	put_number(out, ",\"partition\":", place->partition);
	put_number(out, ",\"offset\":", record->offset);
	buffer_put_text(out, ",\"tstype\":\"");
	buffer_put_text(out, timestamp_kind_name(place->timestamp_kind));
	put_number(out, "\",\"ts\":", record->timestamp_ms);
	put_number(out, ",\"broker\":", place->broker);
	if (style->meta) {
		put_size(out, record);
	} else {
		if (record->header_count > 0)
			put_headers(out, record->headers);
		put_field(out, &key_field, record->key, style->encoding);
		put_field(out, &payload_field, record->value, style->encoding);
	}
	buffer_put_text(out, "}\n");
}

/* Reading */

struct reader {
	struct slice text;
	struct arena *arena;
	json_t *root;
	char *why;
};

__attribute__((format(printf, 2, 3))) static int bad(struct reader *r,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it is started */
	vsnprintf(r->why, ENVELOPE_WHY_MAX, format, args);
	va_end(args);
	return -EBADMSG;
}

/* The key of the member of that name, in any case; an exact one first. */
static const char *member_key(json_t *object, const char *name)
{
	const char *key;
	json_t *value;

	if (json_object_get(object, name) != NULL)
		return name;
	json_object_foreach(object, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return key;
	}
	return NULL;
}

static json_t *member(json_t *object, const char *name)
{
	const char *key = member_key(object, name);

	return key == NULL ? NULL : json_object_get(object, key);
}

/*
 * JSON inside JSON: where the value of a member stands in the text.  The text
 * has been parsed, so that only strings and brackets need care.
 */

static const uint8_t *skip_string(const uint8_t *at)
{
	for (at++; *at != '"'; at++)
		at += *at == '\\';
	return at + 1;
}

static const uint8_t *skip_blanks(const uint8_t *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
		at++;
	return at;
}

static const uint8_t *skip_value(const uint8_t *at)
{
	int depth = 0;

	if (*at == '"')
		return skip_string(at);
	for (;; at++) {
		if (*at == '"') {
			at = skip_string(at) - 1;
			continue;
		}
		if (depth == 0 && (*at == ',' || *at == '}' || *at == ']' ||
				   skip_blanks(at) != at))
			return at;
		if (*at == '{' || *at == '[')
			depth++;
		if ((*at == '}' || *at == ']') && --depth == 0)
			return at + 1;
	}
}

/* Is the string at key name?  One with escapes in it is not. */
static bool is_key(const uint8_t *key, const char *name)
{
	size_t len = strlen(name);

	return strncmp((const char *)key + 1, name, len) == 0 &&
	       key[1 + len] == '"';
}

/* The text of the last member of that name, as jansson takes the last; null
 * when its name is written with escapes. */
static struct slice raw_member(struct slice text, const char *name)
{
	const uint8_t *at = skip_blanks(text.data) + 1;
	struct slice found = SLICE_NULL;

	for (;;) {
		const uint8_t *key = skip_blanks(at);
		const uint8_t *value;

		if (*key != '"')
			return found;
		value = skip_blanks(skip_blanks(skip_string(key)) + 1);
		at = skip_value(value);
		if (is_key(key, name))
			found = (struct slice){ value, (size_t)(at - value) };
		at = skip_blanks(at);
		if (*at != ',')
			return found;
		at++;
	}
}

/* Scalars */

/* value as int64_t: a number, or one in quotes as some tools print it. */
static int read_int(struct reader *r, const char *name, int64_t low,
		    int64_t high, int64_t *out)
{
	json_t *value = member(r->root, name);
	int64_t number = 0;

	if (value == NULL || json_is_null(value))
		return 0;
	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (!json_is_string(value) ||
		 parse_int64(json_string_value(value), &number) < 0)
		return bad(r, "\"%s\" is not a whole number", name);
	if (number < low || number > high)
		return bad(r, "\"%s\" is out of range", name);
	*out = number;
	return 0;
}

static struct slice string_slice(json_t *string)
{
	return (struct slice){ (const uint8_t *)json_string_value(string),
			       json_string_length(string) };
}

static int keep(struct reader *r, struct slice bytes, struct slice *out)
{
	*out = arena_copy(r->arena, bytes);
	return slice_is_null(*out) ? -ENOMEM : 0;
}

static int read_topic(struct reader *r, struct slice *out)
{
	json_t *value = member(r->root, "topic");

	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return bad(r, "\"topic\" is not a name");
	return keep(r, string_slice(value), out);
}

static int read_timestamp_member(struct reader *r, json_t *value,
				 const char *name, int64_t *out)
{
	int rc = 0;

	if (json_is_integer(value))
		*out = json_integer_value(value);
	else if (json_is_string(value))
		rc = parse_time(json_string_value(value), 0, out);
	else
		rc = -EINVAL;
	if (rc < 0 || *out < -1)
		return bad(r, "\"%s\" is not a time", name);
	return 0;
}

/* kcat and we say ts, others timestamp. */
static int read_timestamp(struct reader *r, int64_t *out)
{
	static const char *const names[] = { "ts", "timestamp" };

	for (size_t i = 0; i < 2; i++) {
		json_t *value = member(r->root, names[i]);

		if (value != NULL && !json_is_null(value))
			return read_timestamp_member(r, value, names[i], out);
	}
	return 0;
}

/* Bytes */

enum encoding { ENC_TEXT, ENC_B64, ENC_HEX, ENC_JSON };

static int encoding_of(struct reader *r, const char *name,
		       enum encoding *encoding_out)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} encodings[] = {
		{ "b64", ENC_B64 },   { "base64", ENC_B64 }, { "hex", ENC_HEX },
		{ "json", ENC_JSON }, { "text", ENC_TEXT },
	};
	char field[32];
	json_t *value;

	snprintf(field, sizeof(field), "%s_enc", name);
	value = member(r->root, field);
	*encoding_out = ENC_TEXT;
	if (value == NULL || json_is_null(value))
		return 0;
	for (size_t i = 0; json_is_string(value) && i < 5; i++) {
		if (strcmp(json_string_value(value), encodings[i].name) == 0) {
			*encoding_out = encodings[i].encoding;
			return 0;
		}
	}
	return bad(r, "\"%s\" is none of b64, hex, json", field);
}

static int decode(struct reader *r, const char *name, struct slice text,
		  enum encoding encoding, struct slice *out)
{
	struct buffer bytes = { 0 };
	int rc = encoding == ENC_B64 ? base64_decode(&bytes, text)
				     : hex_decode(&bytes, text);

	if (rc == 0) {
		rc = keep(r, buffer_slice(&bytes), out);
	} else if (rc == -EINVAL) {
		rc = bad(r, "\"%s\" is not %s", name,
			 encoding == ENC_B64 ? "base64" : "hex");
	}
	buffer_clear(&bytes);
	return rc;
}

/* A value that is JSON itself: its text, as it stands. */
static int read_raw(struct reader *r, const char *name, struct slice *out)
{
	struct slice raw = raw_member(r->text, member_key(r->root, name));

	if (slice_is_null(raw))
		return bad(r, "the name \"%s\" has escapes in it", name);
	return keep(r, raw, out);
}

/* value is the member called name; enc_name is "key" or "payload". */
static int read_bytes(struct reader *r, json_t *value, const char *name,
		      const char *enc_name, struct slice *out)
{
	enum encoding encoding;
	int rc = encoding_of(r, enc_name, &encoding);

	if (rc < 0 || (json_is_null(value) && encoding != ENC_JSON))
		return rc;
	if (encoding == ENC_JSON || !json_is_string(value)) {
		if (encoding == ENC_B64 || encoding == ENC_HEX)
			return bad(r, "\"%s\" is not a string", name);
		return read_raw(r, name, out);
	}
	if (encoding != ENC_TEXT)
		return decode(r, name, string_slice(value), encoding, out);
	return keep(r, string_slice(value), out);
}

static int read_key(struct reader *r, struct slice *out)
{
	json_t *value = member(r->root, "key");

	return value == NULL ? 0 : read_bytes(r, value, "key", "key", out);
}

static int read_value(struct reader *r, struct slice *out)
{
	json_t *payload = member(r->root, "payload");
	json_t *value = member(r->root, "value");

	if (payload != NULL)
		return read_bytes(r, payload, "payload", "payload", out);
	if (value != NULL)
		return read_bytes(r, value, "value", "payload", out);
	return bad(r, "no \"payload\"; a tombstone says \"payload\":null");
}

/* Headers */

static int put_header(struct reader *r, struct envelope *e, json_t *name,
		      json_t *value, bool b64)
{
	struct record_header *h = &e->headers[e->header_count];
	int rc;

	if (!json_is_string(name))
		return bad(r, "a header's name is not a string");
	rc = keep(r, string_slice(name), &h->key);
	h->value = SLICE_NULL;
	if (rc == 0 && value != NULL && !json_is_null(value)) {
		if (!json_is_string(value))
			return bad(r, "a header's value is not a string");
		rc = b64 ? decode(r, "headers", string_slice(value), ENC_B64,
				  &h->value)
			 : keep(r, string_slice(value), &h->value);
	}
	e->header_count++;
	return rc;
}

/* [name, value, name, value...] */
static int read_flat_headers(struct reader *r, json_t *list, bool b64,
			     struct envelope *e)
{
	int rc = 0;

	if (json_array_size(list) % 2 != 0)
		return bad(r, "\"headers\" ends after a name");
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i += 2)
		rc = put_header(r, e, json_array_get(list, i),
				json_array_get(list, i + 1), b64);
	return rc;
}

/* [{"key":name,"value":value}...] */
static int read_pair_headers(struct reader *r, json_t *list, bool b64,
			     struct envelope *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		json_t *pair = json_array_get(list, i);
		json_t *name = member(pair, "key");

		if (!json_is_object(pair) || name == NULL)
			return bad(r, "a header is not {\"key\",\"value\"}");
		rc = put_header(r, e, name, member(pair, "value"), b64);
	}
	return rc;
}

/* {name: value...} */
static int read_map_headers(struct reader *r, json_t *map, bool b64,
			    struct envelope *e)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(map, key, value)
	{
		json_t *name = json_string(key);

		rc = name == NULL ? -ENOMEM
				  : put_header(r, e, name, value, b64);
		json_decref(name);
		if (rc < 0)
			break;
	}
	return rc;
}

static int are_headers_b64(struct reader *r, bool *b64_out)
{
	json_t *value = member(r->root, "headers_enc");

	*b64_out = false;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_string(value) ||
	    (strcmp(json_string_value(value), "b64") != 0 &&
	     strcmp(json_string_value(value), "base64") != 0))
		return bad(r, "\"headers_enc\" is not b64");
	*b64_out = true;
	return 0;
}

static int read_headers(struct reader *r, struct envelope *e)
{
	json_t *value = member(r->root, "headers");
	size_t count;
	bool b64;
	int rc = are_headers_b64(r, &b64);

	if (rc < 0 || value == NULL || json_is_null(value))
		return rc;
	if (!json_is_object(value) && !json_is_array(value))
		return bad(r, "\"headers\" is neither a list nor an object");
	count = json_is_array(value) ? json_array_size(value)
				     : json_object_size(value);
	e->headers = arena_calloc(r->arena, count + 1, sizeof(*e->headers));
	if (e->headers == NULL)
		return -ENOMEM;
	if (json_is_object(value))
		return read_map_headers(r, value, b64, e);
	if (json_is_object(json_array_get(value, 0)))
		return read_pair_headers(r, value, b64, e);
	return read_flat_headers(r, value, b64, e);
}

static int read_all(struct reader *r, struct envelope *e)
{
	int64_t partition = -1;
	int rc = read_topic(r, &e->topic);

	if (rc == 0)
		rc = read_int(r, "partition", -1, INT32_MAX, &partition);
	e->partition = (int32_t)partition;
	if (rc == 0)
		rc = read_int(r, "offset", INT64_MIN, INT64_MAX, &e->offset);
	if (rc == 0)
		rc = read_timestamp(r, &e->timestamp_ms);
	if (rc == 0)
		rc = read_key(r, &e->key);
	if (rc == 0)
		rc = read_value(r, &e->value);
	if (rc == 0)
		rc = read_headers(r, e);
	return rc;
}

/* NOLINTBEGIN(readability-non-const-parameter): bad() writes to why */
int envelope_read(struct slice text, struct arena *arena,
		  struct envelope *envelope_out, char why[ENVELOPE_WHY_MAX])
{
	struct reader r = { .text = text, .arena = arena, .why = why };
	struct envelope e = {
		.topic = SLICE_NULL,
		.partition = -1,
		.offset = -1,
		.timestamp_ms = -1,
	};
	json_error_t error;
	int rc;

	r.root = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL,
			    &error);
	if (r.root == NULL)
		return bad(&r, "not JSON: %s", error.text);
	rc = json_is_object(r.root) ? read_all(&r, &e)
				    : bad(&r, "not a JSON object");
	json_decref(r.root);
	if (rc == 0)
		*envelope_out = e;
	return rc;
}
/* NOLINTEND(readability-non-const-parameter) */
