/*
 * random_message.h - messages drawn from a seed, for the tests of lib/wire
 *
 * Walks a table as the codec does, but shares no code with it.  Small counts
 * and lengths are the rule; null, empty, defaults, extremes and unknown tags
 * come up often.
 */
#ifndef TESTS_WIRE_RANDOM_MESSAGE_H
#define TESTS_WIRE_RANDOM_MESSAGE_H

#include <stdlib.h>

#include "base/random.h"
#include "wire/desc.h"

struct generator {
	struct seeded_random seeded;
	struct arena *arena;
	int16_t version;
	int depth;
};

static inline uint64_t pick(struct generator *g, uint64_t bound)
{
	return random_below(&g->seeded.random, bound);
}

static inline void *gen_alloc(struct generator *g, size_t size)
{
	void *at = arena_alloc(g->arena, size);

	if (at == NULL)
		abort();
	return at;
}

static inline struct slice random_slice(struct generator *g, bool nullable)
{
	size_t len = pick(g, 4) == 0 ? 0 : pick(g, 20);
	uint8_t *bytes;

	if (nullable && pick(g, 4) == 0)
		return SLICE_NULL;
	if (pick(g, 50) == 0)
		len = 120 + pick(g, 300); /* a length of two bytes */
	bytes = gen_alloc(g, len);
	g->seeded.random.fill(&g->seeded.random, bytes, len);
	return (struct slice){ bytes, len };
}

/* Recursion goes over the tables. */
/* NOLINTBEGIN(misc-no-recursion) */
static inline void random_struct(struct generator *g, const struct wire_desc *d,
				 void *message);

static inline void random_scalar(struct generator *g,
				 const struct wire_field *f, void *at)
{
	struct slice s;

	switch ((enum wire_op)f->type) {
	case WIRE_OP_BOOL:
		*(bool *)at = pick(g, 2) == 1;
		return;
	case WIRE_OP_STRING:
	case WIRE_OP_BYTES:
		s = random_slice(g, wire_field_nullable(f, g->version));
		memcpy(at, &s, sizeof(s));
		return;
	case WIRE_OP_RECORDS:
		s = random_slice(g, wire_field_nullable(f, g->version));
		*(struct wire_records *)at =
			(struct wire_records){ .data = s.data, .len = s.len };
		return;
	case WIRE_OP_STRUCT:
		random_struct(g, f->desc, at);
		return;
	default:
		g->seeded.random.fill(&g->seeded.random, at, wire_elem_size(f));
		return;
	}
}

static inline void random_array(struct generator *g, const struct wire_field *f,
				void *at)
{
	size_t size = wire_elem_size(f);
	struct wire_field elem = wire_element(f);
	int32_t count = (int32_t)pick(g, g->depth > 2 ? 2 : 4);
	uint8_t *items = NULL;

	if (wire_field_nullable(f, g->version) && pick(g, 4) == 0)
		count = -1;
	if (f->type != WIRE_OP_STRUCT && pick(g, 50) == 0)
		count = 130;
	if (count > 0)
		items = gen_alloc(g, (size_t)count * size);
	for (int32_t i = 0; i < count; i++) {
		if (f->desc != NULL)
			wire_init(f->desc, items + (size_t)i * size);
		random_scalar(g, &elem, items + (size_t)i * size);
	}
	memcpy(at, &items, sizeof(items));
	memcpy((uint8_t *)at + sizeof(items), &count, sizeof(count));
}

static inline void random_pointer(struct generator *g,
				  const struct wire_field *f, void *at)
{
	void *inner = NULL;

	if (!wire_field_nullable(f, g->version) || pick(g, 3) > 0) {
		inner = gen_alloc(g, f->desc->size);
		wire_init(f->desc, inner);
		random_struct(g, f->desc, inner);
	}
	memcpy(at, &inner, sizeof(inner));
}

/* One or two tags of above all that are known. */
static inline void random_unknown(struct generator *g,
				  const struct wire_desc *d, uint8_t *base)
{
	uint32_t tag = d->tagged_count + (uint32_t)pick(g, 200);
	struct wire_tags *tags = gen_alloc(g, sizeof(*tags));
	uint8_t *bytes = gen_alloc(g, 64);
	size_t len = 0;

	for (uint64_t i = 0, count = 1 + pick(g, 2); i < count; i++) {
		size_t size = pick(g, 9);

		len += uvarint_put(bytes + len, tag + i);
		len += uvarint_put(bytes + len, size);
		g->seeded.random.fill(&g->seeded.random, bytes + len, size);
		len += size;
	}
	tags->data = bytes;
	tags->len = (uint32_t)len;
	memcpy(base + d->tags_offset, &tags, sizeof(void *));
}

/* Fill the struct, which holds its defaults, with what the version has. */
static inline void random_struct(struct generator *g, const struct wire_desc *d,
				 void *message)
{
	size_t count = (size_t)d->plain_count + d->tagged_count;

	g->depth++;
	for (size_t i = 0; i < count; i++) {
		const struct wire_field *f = &d->fields[i];

		if (!wire_field_in(f, g->version) || pick(g, 5) == 0)
			continue; /* keeps its default */
		if (f->op == WIRE_OP_ARRAY)
			random_array(g, f, wire_at(message, f));
		else if (f->op == WIRE_OP_POINTER)
			random_pointer(g, f, wire_at(message, f));
		else
			random_scalar(g, f, wire_at(message, f));
	}
	g->depth--;
	if (g->version >= d->flexible_from && pick(g, 8) == 0)
		random_unknown(g, d, message);
}

/* NOLINTEND(misc-no-recursion) */

/* A message of the table in that version, from the arena. */
static inline void *random_message(uint64_t seed, const struct wire_desc *d,
				   int16_t version, struct arena *arena)
{
	struct generator g = { .arena = arena, .version = version };
	void *message;

	seeded_random_init(&g.seeded, seed);
	message = gen_alloc(&g, d->size);
	wire_init(d, message);
	random_struct(&g, d, message);
	return message;
}

/* Calls on_table for every message of the schema: apis, then records. */
static inline void each_table(void (*on_table)(const struct wire_desc *d))
{
	size_t count;
	const struct wire_api *apis = wire_apis(&count);
	const struct wire_desc *const *records;

	for (size_t i = 0; i < count; i++) {
		if (apis[i].request == NULL)
			continue;
		on_table(apis[i].request);
		on_table(apis[i].response);
	}
	records = wire_records(&count);
	for (size_t i = 0; i < count; i++)
		on_table(records[i]);
}

#endif /* TESTS_WIRE_RANDOM_MESSAGE_H */
