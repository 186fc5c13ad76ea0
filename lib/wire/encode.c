/*
 * encode.c - structs to bytes
 *
 * Two walks: the first one adds up the size and finds what the format cannot
 * say, the second one writes into room that is known to be there and cannot
 * fail but for the list of holes.  The two have the same shape and must stay
 * that way; wire_encode() asserts that they agree.
 */
#include "wire/wire.h"

#include <errno.h>
#include <stdlib.h>

#include "wire/codec.h"

struct sizer {
	int16_t version;
	bool flexible;
	bool too_long;
	size_t hole_bytes;
};

struct writer {
	uint8_t *at;
	uint8_t *start;      /* where at was at first */
	size_t start_offset; /* of the buffer */
	int16_t version;
	bool flexible;
	bool failed;
	struct wire_holes *holes;
};

/* Recursion goes over the tables, which are finite and not deep. */
/* NOLINTBEGIN(misc-no-recursion) */
static size_t size_field(struct sizer *s, const struct wire_field *f,
			 const void *at, bool in_tag);
static void write_field(struct writer *w, const struct wire_field *f,
			const void *at, bool in_tag);

static const uint8_t fixed_sizes[] = {
	[WIRE_OP_BOOL] = 1,          [WIRE_OP_INT8] = 1,
	[WIRE_OP_INT16] = 2,         [WIRE_OP_UINT16] = 2,
	[WIRE_OP_INT32] = 4,         [WIRE_OP_UINT32] = 4,
	[WIRE_OP_INT64] = 8,         [WIRE_OP_FLOAT64] = 8,
	[WIRE_OP_UUID] = UUID_BYTES,
};

static void *load_pointer(const void *at)
{
	void *pointer;

	memcpy(&pointer, at, sizeof(pointer));
	return pointer;
}

static int32_t load_count(const void *at)
{
	int32_t count;

	memcpy(&count, (const uint8_t *)at + sizeof(void *), sizeof(count));
	return count;
}

/* The struct behind a pointer that may be null in other versions only. */
static const void *pointee(const struct wire_field *f, int16_t version,
			   const void *at)
{
	const void *inner = load_pointer(at);

	if (inner == NULL && !wire_field_nullable(f, version))
		return f->desc->defaults;
	return inner;
}

/* Sizes */

static inline size_t size_length(bool compact, size_t width, size_t len)
{
	return compact ? uvarint_size((uint64_t)len + 1) : width;
}

static inline size_t size_bytes(struct sizer *s, bool compact, size_t width,
				size_t len)
{
	if (len > (width == 2 ? INT16_MAX : INT32_MAX))
		s->too_long = true;
	return size_length(compact, width, len) + len;
}

static size_t size_slice(struct sizer *s, const struct wire_field *f,
			 const struct slice *slice)
{
	size_t width = f->op == WIRE_OP_STRING ? 2 : 4;
	bool compact = s->flexible && !f->noncompact;

	if (slice->data == NULL) /* null or empty, it takes the same */
		return compact ? 1 : width;
	return size_bytes(s, compact, width, slice->len);
}

static size_t size_records(struct sizer *s, const struct wire_records *records)
{
	if (records->file == NULL && records->data == NULL)
		return s->flexible ? 1 : 4;
	if (records->file != NULL)
		s->hole_bytes += records->len;
	return size_bytes(s, s->flexible, 4, records->len);
}

/* Tag, size and bytes of a tagged field. */
static size_t size_tagged(struct sizer *s, const struct wire_field *f,
			  const void *at)
{
	size_t size = size_field(s, f, at, true);

	if (size > INT32_MAX)
		s->too_long = true;
	return uvarint_size((uint64_t)f->tag) + uvarint_size(size) + size;
}

static size_t size_tags(struct sizer *s, const struct wire_desc *d,
			const uint8_t *base)
{
	struct wire_tag_iter unknown = wire_tag_iter(d, s->version, base);
	size_t count = 0;
	size_t size = 0;

	for (uint32_t tag = 0; tag < d->tagged_count; tag++) {
		const struct wire_field *f =
			wire_tagged_field(d, tag, s->version);

		if (f == NULL || wire_field_is_default(d, f, s->version, base))
			continue;
		count++;
		size += size_tagged(s, f, base + f->offset);
	}
	while (wire_tag_next(&unknown)) {
		count++;
		size += unknown.whole.len;
	}
	return uvarint_size(count) + size;
}

static size_t size_fields(struct sizer *s, const struct wire_desc *d,
			  const uint8_t *base)
{
	const struct wire_field *end = d->fields + d->plain_count;
	size_t size = 0;

	for (const struct wire_field *f = d->fields; f < end; f++) {
		if (!wire_field_in(f, s->version))
			continue;
		if (f->op <= WIRE_OP_UUID)
			size += fixed_sizes[f->op];
		else
			size += size_field(s, f, base + f->offset, false);
	}
	return s->flexible ? size + size_tags(s, d, base) : size;
}

static size_t size_pointer(struct sizer *s, const struct wire_field *f,
			   const void *at, bool in_tag)
{
	const void *inner = pointee(f, s->version, at);
	size_t mark = in_tag || wire_field_nullable(f, s->version) ? 1 : 0;

	return inner == NULL ? mark : mark + size_fields(s, f->desc, inner);
}

static size_t size_array(struct sizer *s, const struct wire_field *f,
			 const void *at)
{
	const uint8_t *items = load_pointer(at);
	int32_t count = load_count(at);
	size_t size =
		size_length(s->flexible, 4, count < 0 ? 0 : (size_t)count);
	size_t elem_size = wire_elem_size(f);
	struct wire_field elem;

	if (count == WIRE_ENCODED)
		return ((const struct slice *)(const void *)items)->len;
	if (count <= 0)
		return size;
	if (f->type <= WIRE_OP_UUID)
		return size + (size_t)count * fixed_sizes[f->type];
	elem = wire_element(f);
	for (int32_t i = 0; i < count; i++, items += elem_size)
		size += f->type == WIRE_OP_STRUCT
				? size_fields(s, f->desc, items)
				: size_field(s, &elem, items, false);
	return size;
}

static size_t size_field(struct sizer *s, const struct wire_field *f,
			 const void *at, bool in_tag)
{
	switch ((enum wire_op)f->op) {
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		return size_slice(s, f, at);
	case WIRE_OP_RECORDS:
		return size_records(s, at);
	case WIRE_OP_STRUCT:
		return size_fields(s, f->desc, at);
	case WIRE_OP_POINTER:
		return size_pointer(s, f, at, in_tag);
	case WIRE_OP_ARRAY:
		return size_array(s, f, at);
	default:
		return fixed_sizes[f->op];
	}
}

/* Bytes */

static inline void put(struct writer *w, const void *data, size_t len)
{
	if (len > 0)
		memcpy(w->at, data, len);
	w->at += len;
}

static inline void put_u8(struct writer *w, uint8_t value)
{
	*w->at++ = value;
}

static inline void put_uvarint(struct writer *w, uint64_t value)
{
	w->at += uvarint_put(w->at, value);
}

static inline void put_number16(struct writer *w, const void *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	put_be16(w->at, value);
	w->at += sizeof(value);
}

static inline void put_number32(struct writer *w, const void *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	put_be32(w->at, value);
	w->at += sizeof(value);
}

static inline void put_number64(struct writer *w, const void *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	put_be64(w->at, value);
	w->at += sizeof(value);
}

/* -1 is null. */
static inline void put_length(struct writer *w, bool compact, size_t width,
			      int64_t len)
{
	if (compact) {
		put_uvarint(w, (uint64_t)(len + 1));
	} else if (width == 2) {
		put_be16(w->at, (uint16_t)len);
		w->at += 2;
	} else {
		put_be32(w->at, (uint32_t)len);
		w->at += 4;
	}
}

static void write_slice(struct writer *w, const struct wire_field *f,
			const struct slice *slice)
{
	size_t width = f->op == WIRE_OP_STRING ? 2 : 4;
	bool compact = w->flexible && !f->noncompact;

	if (slice->data == NULL) {
		put_length(w, compact, width,
			   wire_field_nullable(f, w->version) ? -1 : 0);
		return;
	}
	put_length(w, compact, width, (int64_t)slice->len);
	put(w, slice->data, slice->len);
}

static int add_hole(struct wire_holes *holes, struct wire_hole hole)
{
	if (holes->count == holes->capacity) {
		size_t capacity =
			holes->capacity == 0 ? 8 : holes->capacity * 2;
		struct wire_hole *items =
			reallocarray(holes->items, capacity, sizeof(*items));

		if (items == NULL)
			return -ENOMEM;
		holes->items = items;
		holes->capacity = capacity;
	}
	holes->items[holes->count++] = hole;
	return 0;
}

static void write_records(struct writer *w, const struct wire_field *f,
			  const struct wire_records *records)
{
	struct wire_hole hole;

	if (records->file == NULL && records->data == NULL) {
		put_length(w, w->flexible, 4,
			   wire_field_nullable(f, w->version) ? -1 : 0);
		return;
	}
	put_length(w, w->flexible, 4, (int64_t)records->len);
	if (records->file == NULL) {
		put(w, records->data, records->len);
		return;
	}
	hole = (struct wire_hole){
		.at = w->start_offset + (size_t)(w->at - w->start),
		.file = records->file,
		.position = records->position,
		.len = records->len,
	};
	assert(w->holes != NULL);
	if (add_hole(w->holes, hole) < 0)
		w->failed = true;
}

static void write_tagged(struct writer *w, const struct wire_field *f,
			 const void *at)
{
	struct sizer s = { .version = w->version, .flexible = true };

	put_uvarint(w, (uint64_t)f->tag);
	put_uvarint(w, size_field(&s, f, at, true));
	write_field(w, f, at, true);
}

/* Known and unknown tags, merged by rising tag. */
static void write_tags(struct writer *w, const struct wire_desc *d,
		       const uint8_t *base)
{
	struct wire_tag_iter unknown = wire_tag_iter(d, w->version, base);
	uint64_t present = 0;
	size_t count = 0;
	bool more;

	assert(d->tagged_count <= 64);
	for (uint32_t tag = 0; tag < d->tagged_count; tag++) {
		const struct wire_field *f =
			wire_tagged_field(d, tag, w->version);

		if (f == NULL || wire_field_is_default(d, f, w->version, base))
			continue;
		present |= UINT64_C(1) << tag;
		count++;
	}
	for (struct wire_tag_iter i = unknown; wire_tag_next(&i);)
		count++;
	put_uvarint(w, count);

	more = wire_tag_next(&unknown);
	for (uint32_t tag = 0; tag < d->tagged_count; tag++) {
		const struct wire_field *f = &d->fields[d->plain_count + tag];

		for (; more && unknown.tag < tag;
		     more = wire_tag_next(&unknown))
			put(w, unknown.whole.data, unknown.whole.len);
		if (present >> tag & 1)
			write_tagged(w, f, base + f->offset);
	}
	for (; more; more = wire_tag_next(&unknown))
		put(w, unknown.whole.data, unknown.whole.len);
}

static void write_fields(struct writer *w, const struct wire_desc *d,
			 const uint8_t *base)
{
	const struct wire_field *end = d->fields + d->plain_count;

	for (const struct wire_field *f = d->fields; f < end; f++) {
		if (wire_field_in(f, w->version))
			write_field(w, f, base + f->offset, false);
	}
	if (!w->flexible)
		return;
	if (d->tagged_count == 0 && wire_tags_of(d, base) == NULL)
		put_u8(w, 0);
	else
		write_tags(w, d, base);
}

static void write_pointer(struct writer *w, const struct wire_field *f,
			  const void *at, bool in_tag)
{
	const void *inner = pointee(f, w->version, at);

	if (in_tag)
		put_u8(w, inner == NULL ? 0 : 1);
	else if (wire_field_nullable(f, w->version))
		put_u8(w, inner == NULL ? UINT8_MAX : 1);
	if (inner != NULL)
		write_fields(w, f->desc, inner);
}

static void write_array(struct writer *w, const struct wire_field *f,
			const void *at)
{
	const uint8_t *items = load_pointer(at);
	int32_t count = load_count(at);
	size_t elem_size = wire_elem_size(f);
	struct wire_field elem;

	if (count == WIRE_ENCODED) {
		const struct slice *bytes = (const void *)items;

		put(w, bytes->data, bytes->len);
		return;
	}
	if (count < 0)
		count = wire_field_nullable(f, w->version) ? -1 : 0;
	put_length(w, w->flexible, 4, count);
	if (count <= 0)
		return;
	assert(items != NULL);
	elem = wire_element(f);
	for (int32_t i = 0; i < count; i++, items += elem_size) {
		if (f->type == WIRE_OP_STRUCT)
			write_fields(w, f->desc, items);
		else
			write_field(w, &elem, items, false);
	}
}

static void write_field(struct writer *w, const struct wire_field *f,
			const void *at, bool in_tag)
{
	switch ((enum wire_op)f->op) {
	case WIRE_OP_BOOL:
	case WIRE_OP_INT8:
		put(w, at, 1);
		return;
	case WIRE_OP_INT16:
	case WIRE_OP_UINT16:
		put_number16(w, at);
		return;
	case WIRE_OP_INT32:
	case WIRE_OP_UINT32:
		put_number32(w, at);
		return;
	case WIRE_OP_INT64:
	case WIRE_OP_FLOAT64:
		put_number64(w, at);
		return;
	case WIRE_OP_UUID:
		put(w, at, UUID_BYTES);
		return;
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		write_slice(w, f, at);
		return;
	case WIRE_OP_RECORDS:
		write_records(w, f, at);
		return;
	case WIRE_OP_STRUCT:
		write_fields(w, f->desc, at);
		return;
	case WIRE_OP_POINTER:
		write_pointer(w, f, at, in_tag);
		return;
	case WIRE_OP_ARRAY:
		write_array(w, f, at);
		return;
	}
	abort(); /* no such op */
}

int wire_encode_array(const struct wire_desc *elem, int16_t version,
		      const void *items, int32_t count, struct buffer *out)
{
	struct wire_field f = { .desc = elem,
				.op = WIRE_OP_ARRAY,
				.type = WIRE_OP_STRUCT };
	struct {
		const void *items;
		int32_t count;
	} array = { items, count };
	struct sizer s = { .version = version,
			   .flexible = wire_is_flexible(elem, version) };
	struct writer w = { .version = version, .flexible = s.flexible };
	size_t size = size_array(&s, &f, &array);

	assert(count >= 0);
	if (s.too_long)
		return -EOVERFLOW;
	w.at = buffer_reserve(out, size);
	if (w.at == NULL)
		return -ENOMEM;
	write_array(&w, &f, &array);
	buffer_commit(out, size);
	return 0;
}

size_t wire_size(const struct wire_desc *desc, int16_t version,
		 const void *message)
{
	struct sizer s = {
		.version = version,
		.flexible = wire_is_flexible(desc, version),
	};

	return size_fields(&s, desc, message);
}

int wire_encode(const struct wire_desc *desc, int16_t version,
		const void *message, struct buffer *out,
		struct wire_holes *holes)
{
	struct sizer s = {
		.version = version,
		.flexible = wire_is_flexible(desc, version),
	};
	struct writer w = {
		.version = version,
		.flexible = s.flexible,
		.holes = holes,
		.start_offset = out->len,
	};
	size_t hole_count = holes == NULL ? 0 : holes->count;
	size_t size;

	if (!wire_has_version(desc, version))
		return -ENOTSUP;
	size = size_fields(&s, desc, message);
	if (s.too_long)
		return -EOVERFLOW;
	size -= s.hole_bytes;

	w.start = w.at = buffer_reserve(out, size);
	if (w.start == NULL)
		return -ENOMEM;
	write_fields(&w, desc, message);
	assert((size_t)(w.at - w.start) == size);
	if (w.failed) {
		/* Only a hole can fail. */
		if (holes != NULL)
			holes->count = hole_count;
		return -ENOMEM;
	}
	buffer_commit(out, size);
	return 0;
}

void wire_holes_clear(struct wire_holes *holes)
{
	free(holes->items);
	*holes = (struct wire_holes){ 0 };
}

/* NOLINTEND(misc-no-recursion) */
