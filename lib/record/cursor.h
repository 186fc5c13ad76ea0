/*
 * cursor.h - one way to walk records, packed or not
 *
 * A cursor shows a stream of bytes through a window.  For an uncompressed
 * batch the window is the batch itself and nothing is copied; for a
 * compressed one it is some memory that is filled again and again, so that
 * the whole is never held.
 *
 * The place in the window is a pointer that the caller keeps and gets back
 * from each call, NULL at an error: so it stays in a register, which is what
 * the speed of validation depends on.
 */
#ifndef RECORD_CURSOR_H
#define RECORD_CURSOR_H

#include <errno.h>

#include "base/bytes.h"
#include "record/compress.h"

enum { CURSOR_WINDOW_BYTES = 64 << 10 };

struct cursor {
	const uint8_t *start; /* of the window */
	const uint8_t *end;
	int64_t passed;              /* bytes of the stream before start */
	int64_t limit;               /* most bytes that the stream may have */
	struct decompressor *source; /* NULL: the window is all there is */
	uint8_t *memory;             /* of the window, with a source */
	int error;                   /* 0 as long as the stream merely ended */
};

/*
 * A varint as it was read, not yet zigzagged back, and the place behind it:
 * NULL when it is cut off or too long.  That a length is null, or zero, or an
 * offset the expected one, shows in raw as well.
 */
struct cursor_number {
	const uint8_t *at;
	uint64_t raw;
};

/*
 * Start at the front of bytes, unpacked with codec, up to limit bytes.  Ends
 * with cursor_clear(), also after an error: 0, -EBADMSG or -ENOMEM.
 */
int cursor_init(struct cursor *c, enum codec codec, struct slice bytes,
		size_t limit);
void cursor_clear(struct cursor *c);

/*
 * Get more bytes behind those from at on.  Returns where at's byte is now, or
 * NULL at the end of the stream, and with c->error -EBADMSG, -ENOMEM or
 * -E2BIG (over the limit).
 */
const uint8_t *cursor_more(struct cursor *c, const uint8_t *at);

/* The ways around the window's end, of the two functions below. */
const uint8_t *cursor_skip_far(struct cursor *c, const uint8_t *at,
			       int64_t count);
struct cursor_number cursor_varint_far(struct cursor *c, const uint8_t *at);

/* How far into the stream at is, bytes. */
static inline int64_t cursor_position(const struct cursor *c, const uint8_t *at)
{
	return c->passed + (at - c->start);
}

/* Go on by count bytes, 0 or more; NULL when there are fewer. */
static inline const uint8_t *cursor_skip(struct cursor *c, const uint8_t *at,
					 int64_t count)
{
	if (count <= c->end - at)
		return at + count;
	return cursor_skip_far(c, at, count);
}

/* Read a varint where two bytes can be read; at is NULL when it is longer. */
static inline struct cursor_number cursor_varint_near(const uint8_t *at)
{
	if (at[0] < 0x80)
		return (struct cursor_number){ at + 1, at[0] };
	if (at[1] < 0x80)
		return (struct cursor_number){ at + 2,
					       (at[0] & 0x7fU) | (unsigned)at[1]
									 << 7 };
	return (struct cursor_number){ NULL, 0 };
}

/* Read a varint. */
static inline struct cursor_number cursor_varint(struct cursor *c,
						 const uint8_t *at)
{
	/* One or two bytes are nearly all there is. */
	if (c->end - at >= 2) {
		struct cursor_number near = cursor_varint_near(at);

		if (near.at != NULL)
			return near;
	}
	return cursor_varint_far(c, at);
}

/* Is there nothing left?  Not so either when c->error is set. */
static inline bool cursor_at_end(struct cursor *c, const uint8_t **at_io)
{
	const uint8_t *at;

	if (*at_io < c->end)
		return false;
	at = cursor_more(c, *at_io);
	if (at != NULL)
		*at_io = at;
	return at == NULL && c->error == 0;
}

#endif /* RECORD_CURSOR_H */
