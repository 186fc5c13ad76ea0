/*
 * decode.c - bytes to structs
 *
 * The rules:
 *  - a struct starts as a copy of its defaults, so that what the version has
 *    not, or was not sent, needs no further thought
 *  - no byte is promised twice: the elements of an accepted array have their
 *    fewest bytes set aside before the first of them is read, so that arrays
 *    inside of them cannot claim the same bytes again; memory stays within
 *    wire_decode_bound()
 *  - recursion goes over the tables, never over what the bytes say
 */
#include "wire/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/codec.h"

struct reader {
	const uint8_t *at, *end;
	size_t promised; /* of the bytes left: set aside for later elements */
	struct arena *arena;
	int16_t version;
	bool flexible;
	bool no_memory;
};

/* Recursion goes over the tables, which are finite and not deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static bool read_field(struct reader *r, const struct wire_field *f, void *to,
		       bool in_tag);

static size_t left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

/* Bytes that nothing is promised. */
static size_t room(const struct reader *r)
{
	return left(r) < r->promised ? 0 : left(r) - r->promised;
}

/* The next len bytes, or NULL. */
static inline const uint8_t *take(struct reader *r, size_t len)
{
	const uint8_t *from = r->at;

	if (len > left(r))
		return NULL;
	r->at += len;
	return from;
}

static void *allocate(struct reader *r, size_t size)
{
	void *at = arena_alloc(r->arena, size);

	if (at == NULL)
		r->no_memory = true;
	return at;
}

static bool read_long_uvarint(struct reader *r, uint32_t *value_out)
{
	uint64_t value;
	size_t n = uvarint_get(r->at, left(r), &value);

	if (n == 0 || n > VARINT32_BYTES_MAX || value > UINT32_MAX)
		return false;
	r->at += n;
	*value_out = (uint32_t)value;
	return true;
}

static inline bool read_uvarint(struct reader *r, uint32_t *value_out)
{
	if (r->at < r->end && *r->at < 0x80) {
		*value_out = *r->at++;
		return true;
	}
	return read_long_uvarint(r, value_out);
}

/* A length or count of this width in old versions; below 0 is null. */
static inline bool read_length(struct reader *r, bool compact, size_t width,
			       int64_t *length_out)
{
	const uint8_t *from;
	uint32_t raw;

	if (compact) {
		if (!read_uvarint(r, &raw))
			return false;
		*length_out = (int64_t)raw - 1;
		return true;
	}
	from = take(r, width);
	if (from == NULL)
		return false;
	*length_out =
		width == 2 ? (int16_t)get_be16(from) : (int32_t)get_be32(from);
	return true;
}

static bool read_slice(struct reader *r, uint8_t type, bool compact,
		       bool nullable, struct slice *out)
{
	bool is_string = type == WIRE_OP_STRING;
	int64_t len;

	if (!read_length(r, compact, is_string ? 2 : 4, &len))
		return false;
	if (len < 0) {
		*out = SLICE_NULL;
		return nullable;
	}
	if (is_string && len > INT16_MAX)
		return false;
	out->data = take(r, (size_t)len);
	out->len = (size_t)len;
	return out->data != NULL;
}

static bool read_records(struct reader *r, bool nullable,
			 struct wire_records *out)
{
	struct slice s;

	if (!read_slice(r, WIRE_OP_RECORDS, r->flexible, nullable, &s))
		return false;
	*out = (struct wire_records){ .data = s.data, .len = s.len };
	return true;
}

/* Structs */

/* A known tagged field has a frame of its own and must fill it. */
static bool read_tagged(struct reader *r, const struct wire_field *f,
			size_t size, void *to)
{
	const uint8_t *end = r->end;
	size_t promised = r->promised;
	bool ok;

	r->end = r->at + size;
	r->promised = 0;
	ok = read_field(r, f, to, true) && r->at == r->end;
	r->end = end;
	r->promised = promised;
	return ok;
}

static bool keep_tags(struct reader *r, const struct wire_desc *d,
		      const uint8_t *start, uint8_t *base)
{
	struct wire_tags *tags = allocate(r, sizeof(*tags));

	if (tags == NULL)
		return false;
	*tags = (struct wire_tags){
		.data = start,
		.len = (uint32_t)(r->at - start),
	};
	memcpy(base + d->tags_offset, &tags, sizeof(void *));
	return true;
}

static bool read_tags(struct reader *r, const struct wire_desc *d,
		      uint32_t count, uint8_t *base)
{
	const uint8_t *start = r->at;
	bool has_unknown = false;
	int64_t last = -1;

	for (uint32_t i = 0; i < count; i++) {
		const struct wire_field *f;
		uint32_t tag;
		uint32_t size;

		if (!read_uvarint(r, &tag) || !read_uvarint(r, &size) ||
		    tag <= last || size > room(r))
			return false;
		last = tag;
		f = wire_tagged_field(d, tag, r->version);
		if (f == NULL) {
			has_unknown = true;
			r->at += size;
		} else if (!read_tagged(r, f, size, base + f->offset)) {
			return false;
		}
	}
	return !has_unknown || keep_tags(r, d, start, base);
}

/* Read into a struct that holds its defaults. */
static bool read_fields(struct reader *r, const struct wire_desc *d,
			uint8_t *base)
{
	const struct wire_field *end = d->fields + d->plain_count;
	uint32_t tag_count;

	for (const struct wire_field *f = d->fields; f < end; f++) {
		if (wire_field_in(f, r->version) &&
		    !read_field(r, f, base + f->offset, false))
			return false;
	}
	if (!r->flexible)
		return true;
	if (!read_uvarint(r, &tag_count))
		return false;
	return tag_count == 0 || read_tags(r, d, tag_count, base);
}

static bool read_pointer(struct reader *r, const struct wire_field *f,
			 bool in_tag, void **out)
{
	const struct wire_desc *d = f->desc;
	const uint8_t *from;
	uint32_t mark = 1;

	*out = NULL;
	if (in_tag) {
		if (!read_uvarint(r, &mark))
			return false;
	} else if (wire_field_nullable(f, r->version)) {
		from = take(r, 1);
		if (from == NULL)
			return false;
		mark = (int8_t)*from < 0 ? 0 : 1;
	}
	if (mark == 0)
		return true;
	if (room(r) < d->least[r->flexible])
		return false;
	*out = allocate(r, d->size);
	if (*out == NULL)
		return false;
	memcpy(*out, d->defaults, d->size);
	return read_fields(r, d, *out);
}

/* Arrays */

static bool read_structs(struct reader *r, const struct wire_desc *d,
			 int32_t count, uint8_t *items)
{
	size_t least = d->least[r->flexible];

	r->promised += (size_t)count * least;
	for (int32_t i = 0; i < count; i++, items += d->size) {
		r->promised -= least;
		memcpy(items, d->defaults, d->size);
		if (!read_fields(r, d, items))
			return false;
	}
	return true;
}

/* All elements are known to be there. */
static void read_int32s(struct reader *r, int32_t count, uint8_t *items)
{
	for (int32_t i = 0; i < count; i++) {
		uint32_t value = get_be32(r->at);

		memcpy(items + (size_t)i * 4, &value, sizeof(value));
		r->at += sizeof(value);
	}
}

static bool read_elements(struct reader *r, const struct wire_field *f,
			  int32_t count, uint8_t *items)
{
	struct wire_field elem = wire_element(f);
	size_t size = wire_elem_size(f);

	if (f->type == WIRE_OP_STRUCT)
		return read_structs(r, f->desc, count, items);
	if (f->type == WIRE_OP_INT32) {
		read_int32s(r, count, items);
		return true;
	}
	for (int32_t i = 0; i < count; i++, items += size) {
		if (!read_field(r, &elem, items, false))
			return false;
	}
	return true;
}

static bool read_array(struct reader *r, const struct wire_field *f, void *to)
{
	int64_t count;
	void *items = NULL;
	int32_t count32;

	if (!read_length(r, r->flexible, 4, &count))
		return false;
	if (count < 0 && !wire_field_nullable(f, r->version))
		return false;
	if (count > 0) {
		if (count > INT32_MAX ||
		    (uint64_t)count * wire_elem_least(f, r->flexible) > room(r))
			return false;
		items = allocate(r, (size_t)count * wire_elem_size(f));
		if (items == NULL)
			return false;
	}
	count32 = count < 0 ? -1 : (int32_t)count;
	memcpy(to, &items, sizeof(items));
	memcpy((uint8_t *)to + sizeof(items), &count32, sizeof(count32));
	return count <= 0 || read_elements(r, f, count32, items);
}

/* Fields */

static inline bool read_fixed16(struct reader *r, void *to)
{
	const uint8_t *from = take(r, 2);
	uint16_t value;

	if (from == NULL)
		return false;
	value = get_be16(from);
	memcpy(to, &value, sizeof(value));
	return true;
}

static inline bool read_fixed32(struct reader *r, void *to)
{
	const uint8_t *from = take(r, 4);
	uint32_t value;

	if (from == NULL)
		return false;
	value = get_be32(from);
	memcpy(to, &value, sizeof(value));
	return true;
}

static inline bool read_fixed64(struct reader *r, void *to)
{
	const uint8_t *from = take(r, 8);
	uint64_t value;

	if (from == NULL)
		return false;
	value = get_be64(from);
	memcpy(to, &value, sizeof(value));
	return true;
}

static inline bool read_bytes(struct reader *r, void *to, size_t len)
{
	const uint8_t *from = take(r, len);

	if (from == NULL)
		return false;
	memcpy(to, from, len);
	return true;
}

static bool read_bool(struct reader *r, bool *to)
{
	const uint8_t *from = take(r, 1);

	if (from == NULL)
		return false;
	*to = *from != 0;
	return true;
}

static bool read_field(struct reader *r, const struct wire_field *f, void *to,
		       bool in_tag)
{
	switch ((enum wire_op)f->op) {
	case WIRE_OP_BOOL:
		return read_bool(r, to);
	case WIRE_OP_INT8:
		return read_bytes(r, to, 1);
	case WIRE_OP_INT16:
	case WIRE_OP_UINT16:
		return read_fixed16(r, to);
	case WIRE_OP_INT32:
	case WIRE_OP_UINT32:
		return read_fixed32(r, to);
	case WIRE_OP_INT64:
	case WIRE_OP_FLOAT64:
		return read_fixed64(r, to);
	case WIRE_OP_UUID:
		return read_bytes(r, to, UUID_BYTES);
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		return read_slice(r, f->op, r->flexible && !f->noncompact,
				  wire_field_nullable(f, r->version), to);
	case WIRE_OP_RECORDS:
		return read_records(r, wire_field_nullable(f, r->version), to);
	case WIRE_OP_STRUCT:
		return read_fields(r, f->desc, to);
	case WIRE_OP_POINTER:
		return read_pointer(r, f, in_tag, to);
	case WIRE_OP_ARRAY:
		return read_array(r, f, to);
	}
	abort(); /* no such op */
}

static int why_not(const struct reader *r)
{
	if (!r->no_memory)
		return -EBADMSG;
	return r->arena->is_over ? -EMSGSIZE : -ENOMEM;
}

int64_t wire_decode(const struct wire_desc *desc, int16_t version,
		    struct slice bytes, struct arena *arena, void *message)
{
	size_t len = bytes.len > INT32_MAX ? INT32_MAX : bytes.len;
	const uint8_t *start = len == 0 ? (const uint8_t *)"" : bytes.data;
	struct reader r = {
		.at = start,
		.end = start + len,
		.arena = arena,
		.version = version,
		.flexible = wire_is_flexible(desc, version),
	};

	if (!wire_has_version(desc, version))
		return -ENOTSUP;
	memcpy(message, desc->defaults, desc->size);
	if (!read_fields(&r, desc, message))
		return why_not(&r);
	return r.at - start;
}

int wire_decode_array(const struct wire_desc *elem, int16_t version,
		      struct slice bytes, struct arena *arena, void **items_out,
		      int32_t *count_out)
{
	const struct wire_field f = { .desc = elem,
				      .op = WIRE_OP_ARRAY,
				      .type = WIRE_OP_STRUCT,
				      .null_first = UINT8_MAX };
	struct {
		void *items;
		int32_t count;
	} array;
	struct reader r = {
		.at = bytes.data,
		.end = bytes.data + bytes.len,
		.arena = arena,
		.version = version,
		.flexible = wire_is_flexible(elem, version),
	};

	if (!read_array(&r, &f, &array))
		return why_not(&r);
	*items_out = array.items;
	*count_out = array.count;
	return 0;
}

/* The bound */

enum {
	BUDGET_BYTES_MIN = 1 << 20,
	BUDGET_FACTOR = 8,
	BUDGET_BYTES_MAX = 128 << 20,
};

size_t wire_decode_budget(size_t len)
{
	if (len >= BUDGET_BYTES_MAX / BUDGET_FACTOR)
		return BUDGET_BYTES_MAX;
	return BUDGET_BYTES_MIN + len * BUDGET_FACTOR < BUDGET_BYTES_MAX
		       ? BUDGET_BYTES_MIN + len * BUDGET_FACTOR
		       : BUDGET_BYTES_MAX;
}

static size_t round_up(size_t size)
{
	return (size + 15) / 16 * 16;
}

struct cost {
	size_t per_byte; /* most memory that one byte on the wire can claim */
	size_t slack;    /* bytes of open elements that can be claimed twice */
};

static size_t least_of(const struct wire_field *f)
{
	size_t plain = wire_elem_least(f, false);
	size_t flexible = wire_elem_least(f, true);

	return plain < flexible ? plain : flexible;
}

static struct cost cost_of(const struct wire_desc *d);

static struct cost field_cost(const struct wire_field *f)
{
	struct cost cost = { 0, 0 };
	size_t per_byte;

	if (f->desc != NULL)
		cost = cost_of(f->desc);
	if (f->op != WIRE_OP_ARRAY && f->op != WIRE_OP_POINTER)
		return cost;
	per_byte =
		(round_up(wire_elem_size(f)) + least_of(f) - 1) / least_of(f);
	if (per_byte > cost.per_byte)
		cost.per_byte = per_byte;
	cost.slack += wire_elem_least(f, false) + wire_elem_least(f, true);
	return cost;
}

/* The dearest field, with the most slack of any. */
static struct cost cost_of(const struct wire_desc *d)
{
	/* Unknown tags: one struct wire_tags for two bytes at least. */
	struct cost cost = { round_up(sizeof(struct wire_tags)) / 2, 0 };

	for (int i = 0; i < d->plain_count + d->tagged_count; i++) {
		struct cost inner = field_cost(&d->fields[i]);

		if (inner.per_byte > cost.per_byte)
			cost.per_byte = inner.per_byte;
		if (inner.slack > cost.slack)
			cost.slack = inner.slack;
	}
	return cost;
}

size_t wire_decode_bound(const struct wire_desc *desc, size_t len)
{
	struct cost cost = cost_of(desc);

	return cost.per_byte * (len + cost.slack);
}

/* NOLINTEND(misc-no-recursion) */
