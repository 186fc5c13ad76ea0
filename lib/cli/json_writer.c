/*
 * json_writer.c - JSON text, appended to a buffer
 *
 * Strings are copied in runs: a table says which bytes need an escape.
 */
#include "cli/json_writer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/encoding.h"

enum { JSON_KEY_MAX = 60 }; /* of a member that may be bytes */

static void begin_value(struct json_writer *w)
{
	if (w->comma)
		buffer_put_u8(w->out, ',');
	w->comma = true;
}

void json_put_open(struct json_writer *w, char bracket)
{
	begin_value(w);
	buffer_put_u8(w->out, (uint8_t)bracket);
	w->comma = false;
}

void json_put_close(struct json_writer *w, char bracket)
{
	buffer_put_u8(w->out, (uint8_t)bracket);
	w->comma = true;
}

void json_put_key(struct json_writer *w, const char *key)
{
	json_put_text(w, key);
	buffer_put_u8(w->out, ':');
	w->comma = false;
}

void json_put_text(struct json_writer *w, const char *text)
{
	json_put_slice(w, slice_of(text));
}

static void put_replaced(struct buffer *out, struct slice text);

void json_put_slice(struct json_writer *w, struct slice text)
{
	if (slice_is_null(text)) {
		json_put_null(w);
		return;
	}
	begin_value(w);
	buffer_put_u8(w->out, '"');
	if (utf8_is_valid(text))
		json_escape(w->out, text);
	else
		put_replaced(w->out, text);
	buffer_put_u8(w->out, '"');
}

void json_put_int(struct json_writer *w, int64_t value)
{
	begin_value(w);
	decimal_encode(w->out, value);
}

void json_put_bool(struct json_writer *w, bool value)
{
	begin_value(w);
	buffer_put_text(w->out, value ? "true" : "false");
}

void json_put_null(struct json_writer *w)
{
	begin_value(w);
	buffer_put_text(w->out, "null");
}

void json_member_text(struct json_writer *w, const char *key, const char *text)
{
	json_put_key(w, key);
	json_put_text(w, text);
}

void json_member_int(struct json_writer *w, const char *key, int64_t value)
{
	json_put_key(w, key);
	json_put_int(w, value);
}

void json_member_bool(struct json_writer *w, const char *key, bool value)
{
	json_put_key(w, key);
	json_put_bool(w, value);
}

void json_member_bytes(struct json_writer *w, const char *key,
		       struct slice bytes)
{
	char enc[JSON_KEY_MAX + sizeof("_enc")];

	json_put_key(w, key);
	if (slice_is_null(bytes) || utf8_is_valid(bytes)) {
		json_put_slice(w, bytes);
		return;
	}
	begin_value(w);
	buffer_put_u8(w->out, '"');
	base64_encode(w->out, bytes);
	buffer_put_u8(w->out, '"');
	assert(strlen(key) <= JSON_KEY_MAX);
	snprintf(enc, sizeof(enc), "%s_enc", key);
	json_member_text(w, enc, "b64");
}

/* Escapes */

static void put_escape(struct buffer *out, uint8_t c)
{
	static const char names[] = "\"\\bfnrt";
	static const char means[] = "\"\\\b\f\n\r\t";
	const char *at = memchr(means, c, sizeof(means) - 1);
	char text[2] = { '\\', 0 };

	if (at == NULL) {
		buffer_printf(out, "\\u%04x", c);
		return;
	}
	text[1] = names[at - means];
	buffer_put(out, text, 2);
}

static bool needs_escape(uint8_t c)
{
	return c < 0x20 || c == '"' || c == '\\';
}

/* Has one of the 8 bytes of word the value of each byte of pattern? */
static bool has_byte(uint64_t word, uint64_t pattern)
{
	uint64_t x = word ^ pattern;

	return ((x - 0x0101010101010101ULL) & ~x & 0x8080808080808080ULL) != 0;
}

static bool has_control(uint64_t word)
{
	return ((word - 0x2020202020202020ULL) & ~word &
		0x8080808080808080ULL) != 0;
}

size_t json_plain_len(struct slice text)
{
	size_t i = 0;

	for (; text.len - i >= sizeof(uint64_t); i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, text.data + i, sizeof(word));
		if (has_control(word) ||
		    has_byte(word, 0x2222222222222222ULL) ||
		    has_byte(word, 0x5c5c5c5c5c5c5c5cULL))
			break;
	}
	while (i < text.len && !needs_escape(text.data[i]))
		i++;
	return i;
}

void json_escape(struct buffer *out, struct slice text)
{
	for (;;) {
		size_t len = json_plain_len(text);

		buffer_put(out, text.data, len);
		if (len == text.len)
			return;
		put_escape(out, text.data[len]);
		text.data += len + 1;
		text.len -= len + 1;
	}
}

/* Text that is not UTF-8: U+FFFD for each byte that is no character. */
static void put_replaced(struct buffer *out, struct slice text)
{
	size_t i = 0;

	while (i < text.len) {
		size_t n = utf8_len(text.data + i, text.len - i);

		if (n == 0)
			buffer_put_text(out, "\xef\xbf\xbd");
		else
			json_escape(out, (struct slice){ text.data + i, n });
		i += n == 0 ? 1 : n;
	}
}
