/*
 * codec.h - what the files of the codec share
 */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include "wire/desc.h"

static inline bool wire_is_flexible(const struct wire_desc *d, int16_t version)
{
	return version >= d->flexible_from;
}

static inline bool wire_has_version(const struct wire_desc *d, int16_t version)
{
	return version >= d->min_version && version <= d->max_version;
}

/* The tagged field of that number, if the version has it; or NULL. */
static inline const struct wire_field *wire_tagged_field(
	const struct wire_desc *d, uint32_t tag, int16_t version)
{
	const struct wire_field *f;

	if (tag >= d->tagged_count)
		return NULL;
	f = &d->fields[d->plain_count + tag];
	return wire_field_in(f, version) ? f : NULL;
}

/* Unknown tagged fields of the struct at message, or NULL. */
static inline const struct wire_tags *wire_tags_of(const struct wire_desc *d,
						   const void *message)
{
	const struct wire_tags *const *tags;

	if (d->tags_offset == WIRE_NO_TAGS)
		return NULL;
	tags = (const void *)((const uint8_t *)message + d->tags_offset);
	return *tags;
}

/* Walks those of kept tags that the version does not know. */
struct wire_tag_iter {
	const struct wire_desc *desc;
	int16_t version;
	const uint8_t *at, *end;
	/* What wire_tag_next() found. */
	uint32_t tag;
	struct slice whole;   /* tag, size and bytes */
	struct slice content; /* the bytes alone */
};

struct wire_tag_iter wire_tag_iter(const struct wire_desc *d, int16_t version,
				   const void *message);
bool wire_tag_next(struct wire_tag_iter *iter);

/* Do the values at a and b say the same, as far as version has them? */
bool wire_field_equal(const struct wire_field *f, int16_t version,
		      const void *a, const void *b);

/* Has the tagged field of the struct at message its default? */
bool wire_field_is_default(const struct wire_desc *d,
			   const struct wire_field *f, int16_t version,
			   const void *message);

#endif /* WIRE_CODEC_H */
