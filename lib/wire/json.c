/*
 * json.c - a message as one line of JSON
 *
 * Only what the version has, in the order of the tables.  Text that is not
 * UTF-8 has its bad bytes replaced by U+FFFD, so that the line is always
 * JSON; unknown tagged fields stand under "unknown_tags" by their number.
 */
#include "wire/wire.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "base/encoding.h"
#include "base/utf8.h"
#include "wire/codec.h"

struct printer {
	const struct wire_json_rules *rules;
	struct buffer *out;
};

/* Recursion goes over the tables, which are finite and not deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static void print_field(const struct printer *p, const struct wire_field *f,
			int16_t version, const void *at);

static void print_text(struct slice text, struct buffer *out)
{
	buffer_put_u8(out, '"');
	for (size_t i = 0; i < text.len;) {
		const uint8_t *at = text.data + i;
		size_t n = utf8_len(at, text.len - i);

		if (n == 0) {
			buffer_put_text(out, "\\ufffd");
			i++;
			continue;
		}
		if (*at == '"' || *at == '\\') {
			buffer_put_u8(out, '\\');
			buffer_put_u8(out, *at);
		} else if (*at < 0x20 || *at == 0x7f) {
			buffer_printf(out, "\\u%04x", *at);
		} else {
			buffer_put(out, at, n);
		}
		i += n;
	}
	buffer_put_u8(out, '"');
}

static void print_base64(struct slice bytes, struct buffer *out)
{
	buffer_put_u8(out, '"');
	base64_encode(out, bytes);
	buffer_put_u8(out, '"');
}

static void print_slice(const struct slice *s, bool is_text, bool nullable,
			struct buffer *out)
{
	if (s->data == NULL && nullable)
		buffer_put_text(out, "null");
	else if (is_text)
		print_text(*s, out);
	else
		print_base64(*s, out);
}

static void print_records(const struct printer *p,
			  const struct wire_records *records, bool nullable)
{
	struct buffer *out = p->out;
	struct buffer bytes = { 0 };

	if (records->data == NULL && records->file == NULL && nullable) {
		buffer_put_text(out, "null");
		return;
	}
	buffer_printf(out, "{\"bytes\":%zu", records->len);
	if (p->rules->read_records != NULL &&
	    p->rules->read_records(p->rules->arg, records, &bytes) == 0) {
		buffer_put_text(out, ",\"base64\":");
		print_base64(buffer_slice(&bytes), out);
	}
	buffer_put_u8(out, '}');
	buffer_clear(&bytes);
}

static void print_double(const void *at, struct buffer *out)
{
	double value;

	memcpy(&value, at, sizeof(value));
	if (isnan(value))
		buffer_put_text(out, "\"NaN\"");
	else if (isinf(value))
		buffer_put_text(out,
				value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else
		buffer_printf(out, "%.17g", value);
}

static void print_uuid(const void *at, struct buffer *out)
{
	char text[UUID_TEXT_LEN + 1];
	struct uuid uuid;

	memcpy(&uuid, at, sizeof(uuid));
	uuid_format(uuid, text);
	buffer_printf(out, "\"%s\"", text);
}

static void print_name(const char *name, bool *is_first, struct buffer *out)
{
	buffer_put_text(out, *is_first ? "\"" : ",\"");
	buffer_put_text(out, name);
	buffer_put_text(out, "\":");
	*is_first = false;
}

static void print_unknown(struct wire_tag_iter *iter, bool *is_first,
			  struct buffer *out)
{
	const char *before = "{\"";

	if (!wire_tag_next(iter))
		return;
	print_name("unknown_tags", is_first, out);
	do {
		buffer_put_text(out, before);
		buffer_printf(out, "%" PRIu32 "\":", iter->tag);
		print_base64(iter->content, out);
		before = ",\"";
	} while (wire_tag_next(iter));
	buffer_put_u8(out, '}');
}

static bool is_secret(const struct printer *p, const struct wire_desc *d,
		      const struct wire_field *f, const void *base)
{
	return p->rules->is_secret != NULL &&
	       p->rules->is_secret(p->rules->arg, d, f->name, base);
}

static bool is_full(const struct printer *p)
{
	return p->rules->bytes_max > 0 && p->out->len > p->rules->bytes_max;
}

static void print_struct(const struct printer *p, const struct wire_desc *d,
			 int16_t version, const void *base)
{
	struct buffer *out = p->out;
	const struct wire_field *end =
		d->fields + d->plain_count + d->tagged_count;
	bool is_first = true;

	buffer_put_u8(out, '{');
	for (const struct wire_field *f = d->fields; f < end; f++) {
		if (!wire_field_in(f, version))
			continue;
		print_name(f->name, &is_first, out);
		if (is_secret(p, d, f, base))
			buffer_put_text(out, "\"***\"");
		else
			print_field(p, f, version, wire_at(base, f));
	}
	if (wire_is_flexible(d, version)) {
		struct wire_tag_iter iter = wire_tag_iter(d, version, base);

		print_unknown(&iter, &is_first, out);
	}
	buffer_put_u8(out, '}');
}

static void print_pointer(const struct printer *p, const struct wire_field *f,
			  int16_t version, const void *at)
{
	const void *inner;

	memcpy(&inner, at, sizeof(inner));
	if (inner == NULL && wire_field_nullable(f, version))
		buffer_put_text(p->out, "null");
	else
		print_struct(p, f->desc, version,
			     inner == NULL ? f->desc->defaults : inner);
}

static void print_array(const struct printer *p, const struct wire_field *f,
			int16_t version, const void *at)
{
	struct buffer *out = p->out;
	struct wire_field elem = wire_element(f);
	size_t size = wire_elem_size(f);
	struct arena arena = { 0 }; /* of an array that was encoded before */
	const uint8_t *items;
	int32_t count;

	memcpy(&items, at, sizeof(items));
	memcpy(&count, (const uint8_t *)at + sizeof(items), sizeof(count));
	if (count == WIRE_ENCODED &&
	    wire_decode_array(f->desc, version,
			      *(const struct slice *)(const void *)items,
			      &arena, (void **)&items, &count) < 0)
		count = 0;
	if (count < 0 && wire_field_nullable(f, version)) {
		buffer_put_text(out, "null");
		return;
	}
	buffer_put_u8(out, '[');
	for (int32_t i = 0; i < count && !is_full(p); i++, items += size) {
		if (i > 0)
			buffer_put_u8(out, ',');
		print_field(p, &elem, version, items);
	}
	buffer_put_u8(out, ']');
	arena_clear(&arena);
}

static int64_t load_number(enum wire_op op, const void *at)
{
	switch (op) {
	case WIRE_OP_INT8:
		return *(const int8_t *)at;
	case WIRE_OP_INT16:
		return *(const int16_t *)at;
	case WIRE_OP_UINT16:
		return *(const uint16_t *)at;
	case WIRE_OP_INT32:
		return *(const int32_t *)at;
	case WIRE_OP_UINT32:
		return *(const uint32_t *)at;
	default:
		return *(const int64_t *)at;
	}
}

static void print_field(const struct printer *p, const struct wire_field *f,
			int16_t version, const void *at)
{
	struct buffer *out = p->out;
	bool nullable = wire_field_nullable(f, version);

	switch ((enum wire_op)f->op) {
	case WIRE_OP_BOOL:
		buffer_put_text(out, *(const bool *)at ? "true" : "false");
		return;
	case WIRE_OP_FLOAT64:
		print_double(at, out);
		return;
	case WIRE_OP_UUID:
		print_uuid(at, out);
		return;
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		print_slice(at, f->op == WIRE_OP_STRING, nullable, out);
		return;
	case WIRE_OP_RECORDS:
		print_records(p, at, nullable);
		return;
	case WIRE_OP_STRUCT:
		print_struct(p, f->desc, version, at);
		return;
	case WIRE_OP_POINTER:
		print_pointer(p, f, version, at);
		return;
	case WIRE_OP_ARRAY:
		print_array(p, f, version, at);
		return;
	default:
		buffer_printf(out, "%" PRId64, load_number(f->op, at));
		return;
	}
}

int wire_print_json_by(const struct wire_json_rules *rules,
		       const struct wire_desc *desc, int16_t version,
		       const void *message, struct buffer *out)
{
	struct printer p = { .rules = rules, .out = out };

	print_struct(&p, desc, version, message);
	if (is_full(&p))
		return -EMSGSIZE;
	return out->failed ? -ENOMEM : 0;
}

int wire_print_json(const struct wire_desc *desc, int16_t version,
		    const void *message, struct buffer *out)
{
	static const struct wire_json_rules plain;

	return wire_print_json_by(&plain, desc, version, message, out);
}

/* NOLINTEND(misc-no-recursion) */
