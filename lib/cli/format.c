/*
 * format.c - the output format of kconsume -f and kproduce --report
 *
 * The text is compiled once into a list of parts; writing a record walks it.
 * A part is a literal, or a field (what) with a way to print it (mod).  What a
 * mod means for a field is decided when it is compiled, so that writing has
 * nothing to refuse.
 */
#include "cli/format.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/units.h"
#include "cli/encoding.h"
#include "cli/json_writer.h"

enum { PARTS_MAX = 256, STRFTIME_MAX = 256 };

enum what {
	LITERAL,
	KEY,
	VALUE,
	HEADER, /* the last one of that name */
	TOPIC,
	TSTYPE,
	SOURCE_TOPIC,
	HEADERS,
	PARTITION, /* from here on: numbers */
	OFFSET,
	TS,
	EPOCH,
	BROKER,
	SIZE,
	LAG,
	SOURCE_RECORD,
	SOURCE_PARTITION,
	SOURCE_OFFSET,
};

enum mod {
	PLAIN,
	HEX,
	B64,
	JSON,
	CSV,
	LENGTH, /* in decimal */
	BINARY, /* width bytes */
	ISO,
	STRFTIME,
};

struct part {
	enum what what;
	enum mod mod;
	int width;         /* BINARY */
	bool little;       /* BINARY: little endian */
	struct slice text; /* LITERAL; HEADER: its name; STRFTIME: format */
	uint8_t *owned;    /* the bytes of text */
};

struct format {
	struct part parts[PARTS_MAX];
	size_t count;
	char *null_text; /* or NULL */
};

/* Compiling */

struct compiler {
	struct format *format;
	const char *text;
	const char *at;
	const char *why;
};

static int fail(struct compiler *c, const char *why)
{
	c->why = why;
	return -EINVAL;
}

static struct part *add_part(struct compiler *c)
{
	if (c->format->count == PARTS_MAX) {
		c->why = "too many fields";
		return NULL;
	}
	return &c->format->parts[c->format->count++];
}

static int set_text(struct part *part, const void *bytes, size_t len)
{
	uint8_t *copy = malloc(len + 1);

	if (copy == NULL)
		return -ENOMEM;
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	part->owned = copy;
	part->text = (struct slice){ copy, len };
	return 0;
}

static int add_literal(struct compiler *c, const void *bytes, size_t len)
{
	struct part *part;

	if (len == 0)
		return 0;
	part = add_part(c);
	return part == NULL ? -EINVAL : set_text(part, bytes, len);
}

static int add_field(struct compiler *c, enum what what, enum mod mod,
		     int width)
{
	struct part *part = add_part(c);

	if (part == NULL)
		return -EINVAL;
	*part = (struct part){ .what = what, .mod = mod, .width = width };
	return 0;
}

/* The text up to the next % that no backslash stands before. */
static int compile_literal(struct compiler *c)
{
	struct buffer bytes = { 0 };
	const char *end = c->at;
	char *run;
	int rc;

	while (*end != '\0' && *end != '%')
		end += *end == '\\' && end[1] != '\0' ? 2 : 1;
	run = strndup(c->at, (size_t)(end - c->at));
	if (run == NULL)
		return -ENOMEM;
	rc = escapes_decode(&bytes, run);
	free(run);
	if (rc == 0)
		rc = add_literal(c, bytes.data, bytes.len);
	else if (rc == -EINVAL)
		rc = fail(c, "a broken escape");
	if (rc == 0)
		c->at = end;
	buffer_clear(&bytes);
	return rc;
}

/* kcat's letters */
static int compile_letter(struct compiler *c)
{
	static const struct {
		char letter;
		enum what what;
		enum mod mod;
		int width;
	} letters[] = {
		{ 's', VALUE, PLAIN, 0 },     { 'S', VALUE, LENGTH, 0 },
		{ 'R', VALUE, BINARY, 4 },    { 'k', KEY, PLAIN, 0 },
		{ 'K', KEY, LENGTH, 0 },      { 'T', TS, PLAIN, 0 },
		{ 'h', HEADERS, PLAIN, 0 },   { 't', TOPIC, PLAIN, 0 },
		{ 'p', PARTITION, PLAIN, 0 }, { 'o', OFFSET, PLAIN, 0 },
	};
	char letter = c->at[1];

	if (letter == '\0')
		return fail(c, "a % at the end");
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++) {
		if (letters[i].letter != letter)
			continue;
		c->at += 2;
		return add_field(c, letters[i].what, letters[i].mod,
				 letters[i].width);
	}
	if (letter != '%')
		return fail(c, "an unknown letter after %");
	c->at += 2;
	return add_literal(c, "%", 1);
}

static int find_name(struct slice name, enum what *what_out)
{
	static const struct {
		const char *name;
		enum what what;
	} names[] = {
		{ "topic", TOPIC },
		{ "partition", PARTITION },
		{ "offset", OFFSET },
		{ "ts", TS },
		{ "key", KEY },
		{ "value", VALUE },
		{ "headers", HEADERS },
		{ "epoch", EPOCH },
		{ "tstype", TSTYPE },
		{ "broker", BROKER },
		{ "size", SIZE },
		{ "lag", LAG },
		{ "src.topic", SOURCE_TOPIC },
		{ "src.record", SOURCE_RECORD },
		{ "src.partition", SOURCE_PARTITION },
		{ "src.offset", SOURCE_OFFSET },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_is(name, names[i].name)) {
			*what_out = names[i].what;
			return 0;
		}
	}
	return -ENOENT;
}

static bool is_number(enum what what)
{
	return what >= PARTITION;
}

static bool is_bytes(enum what what)
{
	return what >= KEY && what <= SOURCE_TOPIC;
}

static int find_binary(struct slice mod, struct part *part)
{
	static const struct {
		const char *name;
		int width;
		bool little;
	} names[] = {
		{ "u8", 1, false },   { "u16be", 2, false },
		{ "u16le", 2, true }, { "u32be", 4, false },
		{ "u32le", 4, true }, { "u64be", 8, false },
		{ "u64le", 8, true },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_is(mod, names[i].name)) {
			part->mod = BINARY;
			part->width = names[i].width;
			part->little = names[i].little;
			return 0;
		}
	}
	return -ENOENT;
}

static int find_mod(struct slice mod, struct part *part)
{
	static const struct {
		const char *name;
		enum mod mod;
	} names[] = {
		{ "hex", HEX }, { "b64", B64 }, { "json", JSON },
		{ "csv", CSV }, { "iso", ISO },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_is(mod, names[i].name)) {
			part->mod = names[i].mod;
			return 0;
		}
	}
	if (memchr(mod.data, '%', mod.len) != NULL) {
		part->mod = STRFTIME;
		return 0;
	}
	return find_binary(mod, part);
}

/* Does the mod mean something for the field? */
static bool fits(const struct part *part)
{
	switch (part->mod) {
	case PLAIN:
	case LENGTH:
		return true;
	case HEX:
	case B64:
	case CSV:
		return is_bytes(part->what);
	case JSON:
		return is_bytes(part->what) || part->what == HEADERS;
	case ISO:
	case STRFTIME:
		return part->what == TS;
	case BINARY:
		return is_number(part->what) || part->what == KEY ||
		       part->what == VALUE || part->what == HEADER;
	}
	return false;
}

static int compile_mod(struct compiler *c, struct slice mod, struct part *part)
{
	if (find_mod(mod, part) < 0)
		return fail(c, "an unknown way to print a field");
	if (!fits(part))
		return fail(c, "this field cannot be printed so");
	if (part->mod == STRFTIME)
		return set_text(part, mod.data, mod.len);
	return 0;
}

static int compile_name(struct compiler *c, struct slice name,
			struct part *part)
{
	static const char prefix[] = "header.";
	size_t len = sizeof(prefix) - 1;

	if (name.len <= len || memcmp(name.data, prefix, len) != 0)
		return find_name(name, &part->what) < 0
			       ? fail(c, "an unknown field")
			       : 0;
	part->what = HEADER;
	return set_text(part, name.data + len, name.len - len);
}

/* %{name} or %{name:mod} */
static int compile_braces(struct compiler *c)
{
	const char *open = c->at + 2;
	const char *close = strchr(open, '}');
	struct slice name = { (const uint8_t *)open, 0 };
	struct part *part;
	int rc;

	if (close == NULL)
		return fail(c, "a brace that is not closed");
	part = add_part(c);
	if (part == NULL)
		return -EINVAL;
	name.len = strcspn(open, ":}");
	rc = compile_name(c, name, part);
	if (rc == 0 && open[name.len] == ':') {
		const char *mod = open + name.len + 1;

		rc = compile_mod(c,
				 (struct slice){ (const uint8_t *)mod,
						 (size_t)(close - mod) },
				 part);
	}
	if (rc == 0)
		c->at = close + 1;
	return rc;
}

static int compile(struct compiler *c)
{
	int rc = 0;

	while (rc == 0 && *c->at != '\0') {
		if (*c->at != '%')
			rc = compile_literal(c);
		else if (c->at[1] == '{')
			rc = compile_braces(c);
		else
			rc = compile_letter(c);
	}
	return rc;
}

static int format_new(const char *null_text, struct format **format_out)
{
	struct format *format = calloc(1, sizeof(*format));

	if (format == NULL)
		return -ENOMEM;
	if (null_text != NULL) {
		format->null_text = strdup(null_text);
		if (format->null_text == NULL) {
			free(format);
			return -ENOMEM;
		}
	}
	*format_out = format;
	return 0;
}

int format_compile(const char *text, const char *null_text,
		   struct format **format_out, const char **why_out,
		   size_t *at_out)
{
	struct compiler c = { .text = text, .at = text };
	int rc = format_new(null_text, &c.format);

	if (rc < 0)
		return rc;
	rc = compile(&c);
	if (rc < 0) {
		*why_out = c.why;
		*at_out = (size_t)(c.at - text);
		format_free(c.format);
		return rc;
	}
	*format_out = c.format;
	return 0;
}

int format_simple(struct slice delimiter, struct slice key_delimiter,
		  bool offset, const char *null_text,
		  struct format **format_out)
{
	struct compiler c = { 0 };
	int rc = format_new(null_text, &c.format);

	if (rc == 0 && offset && !slice_is_null(key_delimiter)) {
		rc = add_field(&c, OFFSET, PLAIN, 0);
		if (rc == 0)
			rc = add_literal(&c, key_delimiter.data,
					 key_delimiter.len);
	}
	if (rc == 0 && !slice_is_null(key_delimiter)) {
		rc = add_field(&c, KEY, PLAIN, 0);
		if (rc == 0)
			rc = add_literal(&c, key_delimiter.data,
					 key_delimiter.len);
	}
	if (rc == 0)
		rc = add_field(&c, VALUE, PLAIN, 0);
	if (rc == 0)
		rc = add_literal(&c, delimiter.data, delimiter.len);
	if (rc < 0) {
		format_free(c.format);
		return rc;
	}
	*format_out = c.format;
	return 0;
}

void format_free(struct format *format)
{
	if (format == NULL)
		return;
	for (size_t i = 0; i < format->count; i++)
		free(format->parts[i].owned);
	free(format->null_text);
	free(format);
}

/* Writing */

struct writer {
	const struct format *format;
	const struct record_place *place;
	const struct record *record;
	struct buffer *out;
};

static struct slice header_named(struct slice headers, struct slice name)
{
	struct slice found = SLICE_NULL;
	struct record_header header;

	while (record_next_header(&headers, &header) == 1) {
		if (slice_equal(header.key, name))
			found = header.value;
	}
	return found;
}

static struct slice bytes_of(const struct writer *w, const struct part *part)
{
	switch (part->what) {
	case KEY:
		return w->record->key;
	case VALUE:
		return w->record->value;
	case HEADER:
		return header_named(w->record->headers, part->text);
	case TOPIC:
		return slice_of(w->place->topic);
	case TSTYPE:
		return slice_of(timestamp_kind_name(w->place->timestamp_kind));
	case SOURCE_TOPIC:
		return slice_of(w->place->source_topic);
	default:
		return SLICE_NULL;
	}
}

static int64_t number_of(const struct writer *w, enum what what)
{
	const struct record_place *place = w->place;
	const struct record *record = w->record;

	switch (what) {
	case PARTITION:
		return place->partition;
	case OFFSET:
		return record->offset;
	case TS:
		return record->timestamp_ms;
	case EPOCH:
		return place->leader_epoch;
	case BROKER:
		return place->broker;
	case SIZE:
		return (int64_t)(record->key.len + record->value.len +
				 record->headers.len);
	case LAG:
		return place->high_watermark < 0
			       ? -1
			       : place->high_watermark - record->offset - 1;
	case SOURCE_RECORD:
		return place->source_record;
	case SOURCE_PARTITION:
		return place->source_partition;
	case SOURCE_OFFSET:
		return place->source_offset;
	default:
		return 0;
	}
}

static int64_t length_of(struct slice bytes)
{
	return slice_is_null(bytes) ? -1 : (int64_t)bytes.len;
}

static void put_binary(struct buffer *out, const struct part *part,
		       int64_t number)
{
	uint64_t bits = (uint64_t)number;

	for (int i = 0; i < part->width; i++) {
		int byte = part->little ? i : part->width - 1 - i;

		buffer_put_u8(out, (uint8_t)(bits >> (8 * byte)));
	}
}

static bool is_special(uint8_t c)
{
	return c == ',' || c == '"' || c == '\r' || c == '\n';
}

/* RFC 4180: quotes where a comma, a quote or the end of a line asks for it. */
static void put_csv(struct buffer *out, struct slice bytes)
{
	bool quote = false;

	for (size_t i = 0; i < bytes.len && !quote; i++)
		quote = is_special(bytes.data[i]);
	if (!quote) {
		buffer_put(out, bytes.data, bytes.len);
		return;
	}
	buffer_put_u8(out, '"');
	for (size_t i = 0; i < bytes.len; i++) {
		if (bytes.data[i] == '"')
			buffer_put_u8(out, '"');
		buffer_put_u8(out, bytes.data[i]);
	}
	buffer_put_u8(out, '"');
}

static void put_json(struct buffer *out, struct slice bytes)
{
	struct json_writer json = json_writer(out);

	json_put_slice(&json, bytes);
}

static void put_bytes(const struct writer *w, const struct part *part)
{
	struct slice bytes = bytes_of(w, part);

	if (part->mod == JSON) {
		put_json(w->out, bytes);
	} else if (part->mod == LENGTH) {
		decimal_encode(w->out, length_of(bytes));
	} else if (part->mod == BINARY) {
		put_binary(w->out, part, length_of(bytes));
	} else if (slice_is_null(bytes)) {
		if (w->format->null_text != NULL)
			buffer_put_text(w->out, w->format->null_text);
	} else if (part->mod == HEX) {
		hex_encode(w->out, bytes);
	} else if (part->mod == B64) {
		base64_encode(w->out, bytes);
	} else if (part->mod == CSV) {
		put_csv(w->out, bytes);
	} else {
		buffer_put(w->out, bytes.data, bytes.len);
	}
}

/* The part's text is a format of strftime(3); a time that is none is left out.
 */
static void put_strftime(struct buffer *out, const struct part *part,
			 int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	char text[STRFTIME_MAX];
	struct tm tm;
	size_t len;

	if (ms < 0 || gmtime_r(&seconds, &tm) == NULL)
		return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	len = strftime(text, sizeof(text), (const char *)part->text.data, &tm);
#pragma GCC diagnostic pop
	buffer_put(out, text, len);
}

static void put_number(const struct writer *w, const struct part *part)
{
	int64_t number = number_of(w, part->what);
	char text[UNITS_TEXT_MAX];

	if (part->mod == BINARY) {
		put_binary(w->out, part, number);
	} else if (part->mod == STRFTIME) {
		put_strftime(w->out, part, number);
	} else if (part->mod == ISO) {
		format_time(number, text);
		buffer_put_text(w->out, number < 0 ? "" : text);
	} else {
		decimal_encode(w->out, number);
	}
}

static void put_headers_json(const struct writer *w)
{
	struct json_writer json = json_writer(w->out);
	struct slice headers = w->record->headers;
	struct record_header header;

	json_put_open(&json, '[');
	while (record_next_header(&headers, &header) == 1) {
		json_put_slice(&json, header.key);
		json_put_slice(&json, header.value);
	}
	json_put_close(&json, ']');
}

static void put_headers(const struct writer *w, const struct part *part)
{
	struct slice headers = w->record->headers;
	struct record_header header;
	bool comma = false;

	if (part->mod == JSON) {
		put_headers_json(w);
		return;
	}
	while (record_next_header(&headers, &header) == 1) {
		if (comma)
			buffer_put_u8(w->out, ',');
		comma = true;
		buffer_put(w->out, header.key.data, header.key.len);
		buffer_put_u8(w->out, '=');
		if (slice_is_null(header.value))
			buffer_put_text(w->out, "NULL");
		else
			buffer_put(w->out, header.value.data, header.value.len);
	}
}

void format_write(const struct format *format, const struct record_place *place,
		  const struct record *record, struct buffer *out)
{
	struct writer w = { format, place, record, out };

	for (size_t i = 0; i < format->count; i++) {
		const struct part *part = &format->parts[i];

		if (part->what == LITERAL)
			buffer_put(out, part->text.data, part->text.len);
		else if (part->what == HEADERS)
			put_headers(&w, part);
		else if (is_number(part->what))
			put_number(&w, part);
		else
			put_bytes(&w, part);
	}
}
