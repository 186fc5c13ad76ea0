/*
 * desc.h - the descriptor tables that the schema compiler writes
 *
 * For lib/wire and its tests only.  A table is one struct: its fields in the
 * order of the wire, those without a tag first, then the tagged ones, so that
 * tag T is fields[plain_count + T].
 */
#ifndef WIRE_DESC_H
#define WIRE_DESC_H

#include <assert.h>

#include "wire/wire.h"

/* How a field lies in its struct, and what an array's elements are. */
enum wire_op {
	WIRE_OP_BOOL,
	WIRE_OP_INT8,
	WIRE_OP_INT16,
	WIRE_OP_UINT16,
	WIRE_OP_INT32,
	WIRE_OP_UINT32,
	WIRE_OP_INT64,
	WIRE_OP_FLOAT64,
	WIRE_OP_UUID,
	WIRE_OP_STRING,
	WIRE_OP_BYTES,
	WIRE_OP_RECORDS,
	WIRE_OP_STRUCT,  /* lies in the struct around it */
	WIRE_OP_POINTER, /* a struct that may be null */
	WIRE_OP_ARRAY,   /* a pointer, then an int32_t count */
};

enum wire_framing {
	WIRE_FRAMING_NONE,
	WIRE_FRAMING_TYPE_ID,
	WIRE_FRAMING_VERSION,
	WIRE_FRAMING_METADATA,
	WIRE_FRAMING_LEADING_FIELD,
};

struct wire_field {
	const char *name;
	const struct wire_desc *desc; /* of structs, also as elements */
	uint16_t offset;
	uint8_t op;
	uint8_t type; /* the element's op when op is ARRAY, else the same */
	/* In versions first..first + more; 255 and 0 is in none. */
	uint8_t first, more;
	uint8_t null_first, null_more;
	int8_t tag; /* -1 for none */
	bool noncompact;
};

enum { WIRE_NO_TAGS = UINT16_MAX };

struct wire_desc {
	const char *name;
	const struct wire_field *fields;
	const void *defaults; /* a struct with the written defaults */
	uint16_t size;
	uint16_t tags_offset; /* of unknown_tags, or WIRE_NO_TAGS */
	uint16_t plain_count, tagged_count;
	uint16_t least[2]; /* fewest bytes of one; [1] when flexible */
	int16_t min_version, max_version;
	int16_t flexible_from; /* of the whole message; INT16_MAX: never */
	int16_t type_id;
	uint8_t framing;
};

/*
 * The tagged fields of one struct as they were received, kept when any of
 * them is not known in the version: tag, size and bytes of each.  They have
 * been checked.
 */
struct wire_tags {
	const uint8_t *data;
	uint32_t len;
};

static inline bool wire_field_in(const struct wire_field *f, int16_t version)
{
	return (uint8_t)(version - f->first) <= f->more;
}

static inline bool wire_field_nullable(const struct wire_field *f,
				       int16_t version)
{
	return (uint8_t)(version - f->null_first) <= f->null_more;
}

static inline void *wire_at(const void *message, const struct wire_field *f)
{
	return (uint8_t *)message + f->offset;
}

/* What an array's elements are, as a field: they are never null. */
static inline struct wire_field wire_element(const struct wire_field *f)
{
	struct wire_field elem = *f;

	elem.op = f->type;
	elem.null_first = UINT8_MAX;
	elem.null_more = 0;
	return elem;
}

/* An array's count lies right behind its pointer. */
static inline int32_t *wire_count_at(const void *message,
				     const struct wire_field *f)
{
	return (int32_t *)((uint8_t *)wire_at(message, f) + sizeof(void *));
}

/* Of one element of an array of this type, in memory. */
static inline size_t wire_elem_size(const struct wire_field *f)
{
	static const uint8_t sizes[] = {
		[WIRE_OP_BOOL] = sizeof(bool),
		[WIRE_OP_INT8] = 1,
		[WIRE_OP_INT16] = 2,
		[WIRE_OP_UINT16] = 2,
		[WIRE_OP_INT32] = 4,
		[WIRE_OP_UINT32] = 4,
		[WIRE_OP_INT64] = 8,
		[WIRE_OP_FLOAT64] = sizeof(double),
		[WIRE_OP_UUID] = sizeof(struct uuid),
		[WIRE_OP_STRING] = sizeof(struct slice),
		[WIRE_OP_BYTES] = sizeof(struct slice),
		[WIRE_OP_RECORDS] = sizeof(struct wire_records),
	};

	if (f->desc != NULL)
		return f->desc->size;
	assert(f->type < WIRE_OP_STRUCT);
	return sizes[f->type];
}

/* Of one element of an array, or struct behind a pointer: the fewest bytes on
 * the wire. */
static inline size_t wire_elem_least(const struct wire_field *f, bool flexible)
{
	static const uint8_t leasts[][2] = {
		[WIRE_OP_BOOL] = { 1, 1 },   [WIRE_OP_INT8] = { 1, 1 },
		[WIRE_OP_INT16] = { 2, 2 },  [WIRE_OP_UINT16] = { 2, 2 },
		[WIRE_OP_INT32] = { 4, 4 },  [WIRE_OP_UINT32] = { 4, 4 },
		[WIRE_OP_INT64] = { 8, 8 },  [WIRE_OP_FLOAT64] = { 8, 8 },
		[WIRE_OP_UUID] = { 16, 16 }, [WIRE_OP_STRING] = { 2, 1 },
		[WIRE_OP_BYTES] = { 4, 1 },  [WIRE_OP_RECORDS] = { 4, 1 },
	};

	if (f->desc != NULL)
		return f->desc->least[flexible];
	assert(f->type < WIRE_OP_STRUCT);
	return leasts[f->type][flexible];
}

#endif /* WIRE_DESC_H */
