/*
 * cursor.c - the window over a stream of unpacked bytes
 *
 * What is left of the window moves to its front before it is filled, so that
 * a number is never in two parts.  Large keys and values are passed over by
 * emptying the window, not by making it larger.
 */
#include "record/cursor.h"

#include <assert.h>
#include <stdlib.h>

#include "record/pool.h"

static int open_source(struct cursor *c, enum codec codec, struct slice bytes)
{
	int rc;

	c->memory = pool_take(POOL_WINDOW);
	if (c->memory == NULL)
		c->memory = malloc(CURSOR_WINDOW_BYTES);
	if (c->memory == NULL)
		return -ENOMEM;
	rc = decompressor_new(codec, bytes, (size_t)c->limit, &c->source);
	c->start = c->memory;
	c->end = c->memory;
	return rc;
}

int cursor_init(struct cursor *c, enum codec codec, struct slice bytes,
		size_t limit)
{
	*c = (struct cursor){
		.start = bytes.data,
		.end = bytes.data + bytes.len,
		.limit = limit > INT64_MAX ? INT64_MAX : (int64_t)limit,
	};
	if (codec != CODEC_NONE)
		c->error = open_source(c, codec, bytes);
	return c->error;
}

void cursor_clear(struct cursor *c)
{
	decompressor_free(c->source);
	if (c->memory != NULL)
		pool_give(POOL_WINDOW, c->memory, free);
	*c = (struct cursor){ 0 };
}

/*
 * Move what is from *at_io on to the front of the window, and fill the rest.
 * Returns whether more bytes came; *at_io names the same byte as before.
 */
static bool fill(struct cursor *c, const uint8_t **at_io)
{
	size_t left = (size_t)(c->end - *at_io);
	int64_t n;

	if (c->source == NULL || c->error != 0)
		return false;
	assert(left < CURSOR_WINDOW_BYTES);
	c->passed += *at_io - c->start;
	memmove(c->memory, *at_io, left);
	*at_io = c->memory;
	c->end = c->memory + left;
	n = decompressor_read(c->source, c->memory + left,
			      CURSOR_WINDOW_BYTES - left);
	if (n < 0)
		c->error = (int)n;
	else
		c->end += n;
	if (cursor_position(c, c->end) > c->limit)
		c->error = -E2BIG;
	return n > 0 && c->error == 0;
}

const uint8_t *cursor_more(struct cursor *c, const uint8_t *at)
{
	return fill(c, &at) ? at : NULL;
}

const uint8_t *cursor_skip_far(struct cursor *c, const uint8_t *at,
			       int64_t count)
{
	while (at != NULL && count > c->end - at) {
		count -= c->end - at;
		at = cursor_more(c, c->end);
	}
	return at == NULL ? NULL : at + count;
}

struct cursor_number cursor_varint_far(struct cursor *c, const uint8_t *at)
{
	struct cursor_number number = { 0 };
	size_t n = 0;

	/* The last number of a stream may have fewer bytes behind it. */
	while (c->end - at < VARINT64_BYTES_MAX && fill(c, &at))
		;
	if (c->error == 0)
		n = uvarint_get(at, (size_t)(c->end - at), &number.raw);
	if (n > 0)
		number.at = at + n;
	return number;
}
