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

/* How much of the headers is in base64: as little as will do. */
enum headers_encoding { HEADERS_TEXT, HEADERS_B64, HEADERS_B64_ALL };

static const char *const headers_encoding_names[] = {
	[HEADERS_TEXT] = "text",
	[HEADERS_B64] = "b64",         /* the values */
	[HEADERS_B64_ALL] = "b64-all", /* the names too */
};

static enum headers_encoding headers_need(struct slice headers)
{
	enum headers_encoding need = HEADERS_TEXT;
	struct record_header header;

	while (record_next_header(&headers, &header) == 1) {
		if (!utf8_is_valid(header.key))
			return HEADERS_B64_ALL;
		if (!utf8_is_valid(header.value))
			need = HEADERS_B64;
	}
	return need;
}

static void put_element(struct json_writer *w, struct slice bytes, bool b64)
{
	if (!b64 || slice_is_null(bytes)) {
		json_put_slice(w, bytes);
		return;
	}
	if (w->comma)
		buffer_put_u8(w->out, ',');
	w->comma = true;
	put_b64(w->out, bytes);
}

static void put_headers(struct buffer *out, struct slice headers)
{
	enum headers_encoding encoding = headers_need(headers);
	struct json_writer w = json_writer(out);
	struct record_header header;

	buffer_put_text(out, ",\"headers\":");
	json_put_open(&w, '[');
	while (record_next_header(&headers, &header) == 1) {
		put_element(&w, header.key, encoding == HEADERS_B64_ALL);
		put_element(&w, header.value, encoding != HEADERS_TEXT);
	}
	json_put_close(&w, ']');
	if (encoding != HEADERS_TEXT)
		buffer_printf(out, ",\"headers_enc\":\"%s\"",
			      headers_encoding_names[encoding]);
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

static void put_reader(struct buffer *out, const struct record_place *place)
{
	buffer_put_text(out, ",\"group\":");
	put_quoted(out, slice_of(place->group));
	put_number(out, ",\"gen\":", place->generation);
	buffer_put_text(out, ",\"member\":");
	put_quoted(out, slice_of(place->member_id));
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
	if (place->group != NULL)
		put_reader(out, place);
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

/* The members that are read; others are not looked at. */
enum name {
	TOPIC,
	PARTITION,
	OFFSET,
	TS,
	TIMESTAMP,
	KEY,
	KEY_ENC,
	PAYLOAD,
	PAYLOAD_ENC,
	VALUE,
	HEADERS,
	HEADERS_ENC,
	NAME_COUNT,
};

static const char *const names[NAME_COUNT] = {
	[TOPIC] = "topic",
	[PARTITION] = "partition",
	[OFFSET] = "offset",
	[TS] = "ts",
	[TIMESTAMP] = "timestamp",
	[KEY] = "key",
	[KEY_ENC] = "key_enc",
	[PAYLOAD] = "payload",
	[PAYLOAD_ENC] = "payload_enc",
	[VALUE] = "value",
	[HEADERS] = "headers",
	[HEADERS_ENC] = "headers_enc",
};

struct reader {
	struct slice text;
	struct arena *arena;
	json_t *members[NAME_COUNT];  /* NULL where it is not there or null */
	const char *keys[NAME_COUNT]; /* as written */
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

static void note_member(struct reader *r, const char *key, json_t *value)
{
	for (int i = 0; i < NAME_COUNT; i++) {
		/* 0x20 makes a letter lower case. */
		if ((key[0] | 0x20) != names[i][0] ||
		    strcasecmp(key, names[i]) != 0)
			continue;
		/* One that is written exactly so wins over others. */
		if (r->keys[i] == NULL || strcmp(key, names[i]) == 0) {
			r->keys[i] = key;
			r->members[i] = value;
		}
		return;
	}
}

static void note_members(struct reader *r, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		note_member(r, key, value);
	}
}

/* The member, or NULL also where it is null. */
static json_t *member(const struct reader *r, enum name name)
{
	json_t *value = r->members[name];

	return value == NULL || json_is_null(value) ? NULL : value;
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

/* A number, or one in quotes as some tools print it. */
static int read_int(struct reader *r, enum name name, int64_t low, int64_t high,
		    int64_t *out)
{
	json_t *value = member(r, name);
	int64_t number = 0;

	if (value == NULL)
		return 0;
	if (json_is_integer(value))
		number = json_integer_value(value);
	else if (!json_is_string(value) ||
		 parse_int64(json_string_value(value), &number) < 0)
		return bad(r, "\"%s\" is not a whole number", names[name]);
	if (number < low || number > high)
		return bad(r, "\"%s\" is out of range", names[name]);
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
	json_t *value = member(r, TOPIC);

	if (value == NULL)
		return 0;
	if (!json_is_string(value) || json_string_length(value) == 0)
		return bad(r, "\"topic\" is not a name");
	return keep(r, string_slice(value), out);
}

/* kcat and we say ts, others timestamp. */
static int read_timestamp(struct reader *r, int64_t *out)
{
	enum name name = member(r, TS) != NULL ? TS : TIMESTAMP;
	json_t *value = member(r, name);
	int rc = 0;

	if (value == NULL)
		return 0;
	if (json_is_integer(value))
		*out = json_integer_value(value);
	else if (json_is_string(value))
		rc = parse_time(json_string_value(value), 0, out);
	else
		rc = -EINVAL;
	if (rc < 0 || *out < -1)
		return bad(r, "\"%s\" is not a time", names[name]);
	return 0;
}

/* Bytes */

enum encoding { ENC_TEXT, ENC_B64, ENC_HEX, ENC_JSON };

static int encoding_of(struct reader *r, enum name name,
		       enum encoding *encoding_out)
{
	static const struct {
		const char *name;
		enum encoding encoding;
	} encodings[] = {
		{ "b64", ENC_B64 },   { "base64", ENC_B64 }, { "hex", ENC_HEX },
		{ "json", ENC_JSON }, { "text", ENC_TEXT },
	};
	json_t *value = member(r, name);

	*encoding_out = ENC_TEXT;
	if (value == NULL)
		return 0;
	for (size_t i = 0; json_is_string(value) && i < 5; i++) {
		if (strcmp(json_string_value(value), encodings[i].name) == 0) {
			*encoding_out = encodings[i].encoding;
			return 0;
		}
	}
	return bad(r, "\"%s\" is none of b64, hex, json", names[name]);
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
static int read_raw(struct reader *r, enum name name, struct slice *out)
{
	struct slice raw = raw_member(r->text, r->keys[name]);

	if (slice_is_null(raw))
		return bad(r, "the name \"%s\" has escapes in it", names[name]);
	return keep(r, raw, out);
}

static int read_bytes(struct reader *r, enum name name, enum name enc_name,
		      struct slice *out)
{
	json_t *value = r->members[name];
	enum encoding encoding;
	int rc = encoding_of(r, enc_name, &encoding);

	if (rc < 0 || (json_is_null(value) && encoding != ENC_JSON))
		return rc;
	if (encoding == ENC_JSON || !json_is_string(value)) {
		if (encoding == ENC_B64 || encoding == ENC_HEX)
			return bad(r, "\"%s\" is not a string", names[name]);
		return read_raw(r, name, out);
	}
	if (encoding != ENC_TEXT)
		return decode(r, names[name], string_slice(value), encoding,
			      out);
	return keep(r, string_slice(value), out);
}

static int read_key(struct reader *r, struct slice *out)
{
	return r->members[KEY] == NULL ? 0 : read_bytes(r, KEY, KEY_ENC, out);
}

static int read_value(struct reader *r, struct slice *out)
{
	if (r->members[PAYLOAD] != NULL)
		return read_bytes(r, PAYLOAD, PAYLOAD_ENC, out);
	if (r->members[VALUE] != NULL)
		return read_bytes(r, VALUE, PAYLOAD_ENC, out);
	return bad(r, "no \"payload\"; a tombstone says \"payload\":null");
}

/* Headers */

static int read_element(struct reader *r, json_t *string, bool b64,
			struct slice *out)
{
	return b64 ? decode(r, "headers", string_slice(string), ENC_B64, out)
		   : keep(r, string_slice(string), out);
}

static int put_header(struct reader *r, struct envelope *e, json_t *name,
		      json_t *value, enum headers_encoding encoding)
{
	struct record_header *h = &e->headers[e->header_count];
	int rc;

	if (!json_is_string(name))
		return bad(r, "a header's name is not a string");
	rc = read_element(r, name, encoding == HEADERS_B64_ALL, &h->key);
	h->value = SLICE_NULL;
	if (rc == 0 && value != NULL && !json_is_null(value)) {
		if (!json_is_string(value))
			return bad(r, "a header's value is not a string");
		rc = read_element(r, value, encoding != HEADERS_TEXT,
				  &h->value);
	}
	e->header_count++;
	return rc;
}

/* [name, value, name, value...] */
static int read_flat_headers(struct reader *r, json_t *list,
			     enum headers_encoding encoding, struct envelope *e)
{
	int rc = 0;

	if (json_array_size(list) % 2 != 0)
		return bad(r, "\"headers\" ends after a name");
	for (size_t i = 0; rc == 0 && i < json_array_size(list); i += 2)
		rc = put_header(r, e, json_array_get(list, i),
				json_array_get(list, i + 1), encoding);
	return rc;
}

/* A member of a header, its name in any case. */
static json_t *header_member(json_t *pair, const char *name)
{
	const char *key;
	json_t *value;

	json_object_foreach(pair, key, value)
	{
		if (strcasecmp(key, name) == 0)
			return value;
	}
	return NULL;
}

/* [{"key":name,"value":value}...] */
static int read_pair_headers(struct reader *r, json_t *list,
			     enum headers_encoding encoding, struct envelope *e)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
		json_t *pair = json_array_get(list, i);
		json_t *name = header_member(pair, "key");

		if (name == NULL)
			return bad(r, "a header is not {\"key\",\"value\"}");
		rc = put_header(r, e, name, header_member(pair, "value"),
				encoding);
	}
	return rc;
}

/* {name: value...} */
static int read_map_headers(struct reader *r, json_t *map,
			    enum headers_encoding encoding, struct envelope *e)
{
	const char *key;
	json_t *value;
	int rc = 0;

	json_object_foreach(map, key, value)
	{
		json_t *name = json_string(key);

		rc = name == NULL ? -ENOMEM
				  : put_header(r, e, name, value, encoding);
		json_decref(name);
		if (rc < 0)
			break;
	}
	return rc;
}

static int read_headers_encoding(struct reader *r,
				 enum headers_encoding *encoding_out)
{
	json_t *value = member(r, HEADERS_ENC);
	const char *name = json_string_value(value); /* NULL: is no string */

	*encoding_out = HEADERS_TEXT;
	if (value == NULL)
		return 0;
	for (size_t i = 0; name != NULL && i <= HEADERS_B64_ALL; i++) {
		if (strcmp(name, headers_encoding_names[i]) == 0) {
			*encoding_out = (enum headers_encoding)i;
			return 0;
		}
	}
	if (name == NULL || strcmp(name, "base64") != 0)
		return bad(r, "\"headers_enc\" is none of b64, b64-all");
	*encoding_out = HEADERS_B64;
	return 0;
}

static int read_headers(struct reader *r, struct envelope *e)
{
	json_t *value = member(r, HEADERS);
	enum headers_encoding encoding;
	size_t count;
	int rc = read_headers_encoding(r, &encoding);

	if (rc < 0 || value == NULL)
		return rc;
	if (!json_is_object(value) && !json_is_array(value))
		return bad(r, "\"headers\" is neither a list nor an object");
	count = json_is_array(value) ? json_array_size(value)
				     : json_object_size(value);
	e->headers = arena_calloc(r->arena, count + 1, sizeof(*e->headers));
	if (e->headers == NULL)
		return -ENOMEM;
	if (json_is_object(value))
		return read_map_headers(r, value, encoding, e);
	if (json_is_object(json_array_get(value, 0)))
		return read_pair_headers(r, value, encoding, e);
	return read_flat_headers(r, value, encoding, e);
}

static int read_all(struct reader *r, struct envelope *e)
{
	int64_t partition = -1;
	int rc = read_topic(r, &e->topic);

	if (rc == 0)
		rc = read_int(r, PARTITION, -1, INT32_MAX, &partition);
	e->partition = (int32_t)partition;
	if (rc == 0)
		rc = read_int(r, OFFSET, INT64_MIN, INT64_MAX, &e->offset);
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
	json_t *root;
	int rc;

	root = json_loadb((const char *)text.data, text.len, JSON_ALLOW_NUL,
			  &error);
	if (root == NULL)
		return bad(&r, "not JSON: %s", error.text);
	note_members(&r, root);
	rc = json_is_object(root) ? read_all(&r, &e)
				  : bad(&r, "not a JSON object");
	json_decref(root);
	if (rc == 0)
		*envelope_out = e;
	return rc;
}
/* NOLINTEND(readability-non-const-parameter) */
