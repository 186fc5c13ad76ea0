/*
 * equal.c - do two structs hold the same message?
 *
 * Compared is what would be sent: fields that the version has, with null and
 * empty alike where the version cannot say null.
 */
#include "wire/wire.h"

#include "wire/codec.h"

struct wire_tag_iter wire_tag_iter(const struct wire_desc *d, int16_t version,
				   const void *message)
{
	const struct wire_tags *tags = wire_tags_of(d, message);
	struct wire_tag_iter iter = { .desc = d, .version = version };

	if (tags != NULL) {
		iter.at = tags->data;
		iter.end = tags->data + tags->len;
	}
	return iter;
}

/* The bytes were checked when they were decoded. */
static uint32_t next_uvarint(struct wire_tag_iter *iter)
{
	uint64_t value = 0;
	size_t n =
		uvarint_get(iter->at, (size_t)(iter->end - iter->at), &value);

	assert(n > 0);
	iter->at += n;
	return (uint32_t)value;
}

bool wire_tag_next(struct wire_tag_iter *iter)
{
	while (iter->at < iter->end) {
		const uint8_t *start = iter->at;
		uint32_t size;

		iter->tag = next_uvarint(iter);
		size = next_uvarint(iter);
		iter->content = (struct slice){ iter->at, size };
		iter->at += size;
		iter->whole =
			(struct slice){ start, (size_t)(iter->at - start) };
		if (wire_tagged_field(iter->desc, iter->tag, iter->version) ==
		    NULL)
			return true;
	}
	return false;
}

static bool unknown_equal(const struct wire_desc *d, int16_t version,
			  const void *a, const void *b)
{
	struct wire_tag_iter in_a = wire_tag_iter(d, version, a);
	struct wire_tag_iter in_b = wire_tag_iter(d, version, b);

	while (wire_tag_next(&in_a)) {
		if (!wire_tag_next(&in_b) || in_a.tag != in_b.tag ||
		    !slice_equal(in_a.content, in_b.content))
			return false;
	}
	return !wire_tag_next(&in_b);
}

/* Recursion goes over the tables, which are finite and not deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static bool fields_equal(const struct wire_desc *d, int16_t version,
			 const void *a, const void *b)
{
	const struct wire_field *end =
		d->fields + d->plain_count + d->tagged_count;

	for (const struct wire_field *f = d->fields; f < end; f++) {
		if (wire_field_in(f, version) &&
		    !wire_field_equal(f, version, wire_at(a, f), wire_at(b, f)))
			return false;
	}
	return !wire_is_flexible(d, version) || unknown_equal(d, version, a, b);
}

static bool slices_equal(const struct slice *a, const struct slice *b,
			 bool nullable)
{
	if (nullable)
		return slice_equal(*a, *b);
	return a->len == b->len &&
	       (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static bool records_equal(const struct wire_records *a,
			  const struct wire_records *b, bool nullable)
{
	struct slice in_a = { a->data, a->len };
	struct slice in_b = { b->data, b->len };

	if (a->file != NULL || b->file != NULL)
		return a->file == b->file && a->position == b->position &&
		       a->len == b->len;
	return slices_equal(&in_a, &in_b, nullable);
}

static bool pointers_equal(const struct wire_field *f, int16_t version,
			   const void *a, const void *b)
{
	const void *in_a;
	const void *in_b;

	memcpy(&in_a, a, sizeof(in_a));
	memcpy(&in_b, b, sizeof(in_b));
	if (!wire_field_nullable(f, version)) {
		in_a = in_a == NULL ? f->desc->defaults : in_a;
		in_b = in_b == NULL ? f->desc->defaults : in_b;
	}
	if (in_a == NULL || in_b == NULL)
		return in_a == in_b;
	return fields_equal(f->desc, version, in_a, in_b);
}

static int32_t count_at(const struct wire_field *f, int16_t version,
			const void *at)
{
	int32_t count;

	memcpy(&count, (const uint8_t *)at + sizeof(void *), sizeof(count));
	if (count < 0)
		return wire_field_nullable(f, version) ? -1 : 0;
	return count;
}

static bool arrays_equal(const struct wire_field *f, int16_t version,
			 const void *a, const void *b)
{
	int32_t count = count_at(f, version, a);
	size_t size = wire_elem_size(f);
	const uint8_t *in_a;
	const uint8_t *in_b;
	struct wire_field elem = wire_element(f);

	if (count != count_at(f, version, b))
		return false;
	memcpy(&in_a, a, sizeof(in_a));
	memcpy(&in_b, b, sizeof(in_b));
	for (int32_t i = 0; i < count; i++, in_a += size, in_b += size) {
		if (!wire_field_equal(&elem, version, in_a, in_b))
			return false;
	}
	return true;
}

bool wire_field_equal(const struct wire_field *f, int16_t version,
		      const void *a, const void *b)
{
	bool nullable = wire_field_nullable(f, version);

	switch ((enum wire_op)f->op) {
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		return slices_equal(a, b, nullable);
	case WIRE_OP_RECORDS:
		return records_equal(a, b, nullable);
	case WIRE_OP_STRUCT:
		return fields_equal(f->desc, version, a, b);
	case WIRE_OP_POINTER:
		return pointers_equal(f, version, a, b);
	case WIRE_OP_ARRAY:
		return arrays_equal(f, version, a, b);
	default:
		return memcmp(a, b, wire_elem_size(f)) == 0;
	}
}

bool wire_field_is_default(const struct wire_desc *d,
			   const struct wire_field *f, int16_t version,
			   const void *message)
{
	const void *value = wire_at(message, f);
	const void *start = wire_at(d->defaults, f);

	/* Most are a copy of the default, bit for bit. */
	if (f->op == WIRE_OP_STRUCT && memcmp(value, start, f->desc->size) == 0)
		return true;
	return wire_field_equal(f, version, value, start);
}

bool wire_equal(const struct wire_desc *desc, int16_t version, const void *a,
		const void *b)
{
	return fields_equal(desc, version, a, b);
}

/* NOLINTEND(misc-no-recursion) */
