/*
 * framing.h - cut a stream of input bytes into records
 *
 * The framer owns one buffer; whoever reads asks where the next bytes go,
 * reads them there, and takes the frames that are whole:
 *
 *	for (;;) {
 *		size_t room;
 *		uint8_t *to = framer_room(f, &room);
 *		ssize_t n = read(fd, to, room);
 *
 *		if (n == 0)
 *			framer_end(f);
 *		else
 *			framer_filled(f, n);
 *		while (framer_next(f, &framed) == 1)
 *			use(framed.bytes);
 *	}
 *
 * Memory is bounded: a frame over the limit is an error, told once, and is
 * skipped to its end as it streams by.
 */
#ifndef CLI_FRAMING_H
#define CLI_FRAMING_H

#include "base/buffer.h"

enum framing {
	FRAMING_DELIMITED, /* ended by a delimiter; the last one may lack it */
	FRAMING_WHOLE,     /* all of the input is one frame, even if empty */
	FRAMING_JSON,      /* JSON objects, anything blank between them */
};

struct framed {
	struct slice bytes; /* without delimiter; valid until the next call
			       of framer_room() or _free() */
	int64_t number;     /* which frame of the input, from 1 */
	int64_t position;   /* of its first byte in the input, from 0 */
	int64_t line;       /* that it starts in, from 1 (FRAMING_JSON only) */
	size_t len;         /* as it was in the input; over bytes.len only
			       where it was too large */
};

struct framer;

/*
 * delimiter, copied, is of FRAMING_DELIMITED: one or more bytes.  frame_max
 * is the most bytes of a frame.  Returns 0 or -ENOMEM; framer_free().
 */
int framer_new(enum framing framing, struct slice delimiter, size_t frame_max,
	       struct framer **framer_out);
void framer_free(struct framer *f);

/* Start a new input, numbering anew; what was left is dropped. */
void framer_reset(struct framer *f);

/*
 * Where up to *room_out (at least 64 KiB) more bytes may be written; NULL
 * when out of memory.  Frames got before are gone.
 */
uint8_t *framer_room(struct framer *f, size_t *room_out);
void framer_filled(struct framer *f, size_t len);

/* No more bytes will come. */
void framer_end(struct framer *f);

/*
 * The next frame.  Returns 1; 0 when it needs more bytes or the input has
 * ended; or, with *out saying where, and the framer ready to go on after it:
 *	-E2BIG    the frame is over the limit (len is known only when it has
 *	          ended: told then); bytes is its beginning
 *	-EBADMSG  FRAMING_JSON: not an object, a raw control character inside
 *	          a string, or the input ends inside an object; bytes is the
 *	          text up to the end of that line, where the framer goes on
 */
int framer_next(struct framer *f, struct framed *out);

/*
 * Part a record at the first delimiter into key and value.  Returns false,
 * with key null and value the record, when there is none.
 */
bool framing_split(struct slice record, struct slice delimiter,
		   struct slice *key_out, struct slice *value_out);

/* What an empty field and a field that is the token mean (-Z, --null). */
struct null_rule {
	bool empty;         /* -Z: empty is null */
	struct slice token; /* --null; null slice: none */
};

struct slice null_rule_apply(const struct null_rule *rule, struct slice field);

#endif /* CLI_FRAMING_H */
