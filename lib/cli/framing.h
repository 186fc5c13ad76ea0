/*
 * framing.h - cut a stream of input bytes into records
 *
 * The reader owns one buffer; whoever reads asks where the next bytes go,
 * reads them there, and takes the frames that are whole:
 *
 *	for (;;) {
 *		size_t room;
 *		uint8_t *to = frame_reader_room(r, &room);
 *		ssize_t n = read(fd, to, room);
 *
 *		if (n == 0)
 *			frame_reader_end(r);
 *		else
 *			frame_reader_filled(r, n);
 *		while (frame_reader_next(r, &frame) == 1)
 *			use(frame.bytes);
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

struct frame {
	struct slice bytes; /* without delimiter; valid until the next call
			       of frame_reader_room() or _free() */
	int64_t number;     /* which frame of the input, from 1 */
	int64_t position;   /* of its first byte in the input, from 0 */
	int64_t line;       /* that it starts in, from 1 (FRAMING_JSON only) */
	size_t len;         /* as it was in the input; over bytes.len only
			       where it was too large */
};

struct frame_reader;

/*
 * delimiter, copied, is of FRAMING_DELIMITED: one or more bytes.  frame_max
 * is the most bytes of a frame.  Returns 0 or -ENOMEM; frame_reader_free().
 */
int frame_reader_new(enum framing framing, struct slice delimiter,
		     size_t frame_max, struct frame_reader **reader_out);
void frame_reader_free(struct frame_reader *r);

/* Start a new input, numbering anew; what was left is dropped. */
void frame_reader_reset(struct frame_reader *r);

/*
 * Where up to *room_out (at least 64 KiB) more bytes may be written; NULL
 * when out of memory.  Frames got before are gone.
 */
uint8_t *frame_reader_room(struct frame_reader *r, size_t *room_out);
void frame_reader_filled(struct frame_reader *r, size_t len);

/* No more bytes will come. */
void frame_reader_end(struct frame_reader *r);

/*
 * The next frame.  Returns 1; 0 when it needs more bytes or the input has
 * ended; or, with *out saying where, and the reader ready to go on after it:
 *	-E2BIG    the frame is over the limit (len is known only when it has
 *	          ended: told then); bytes is its beginning
 *	-EBADMSG  FRAMING_JSON: not an object, a raw control character inside
 *	          a string, or the input ends inside an object; bytes is the
 *	          text up to the end of that line, where the reader goes on
 */
int frame_reader_next(struct frame_reader *r, struct frame *out);

/*
 * Part a record at the first delimiter into key and value.  Returns false,
 * with key null and value the record, when there is none.
 */
bool frame_split(struct slice record, struct slice delimiter,
		 struct slice *key_out, struct slice *value_out);

/* What an empty field and a field that is the token mean (-Z, --null). */
struct null_rule {
	bool empty;         /* -Z: empty is null */
	struct slice token; /* --null; null slice: none */
};

struct slice null_rule_apply(const struct null_rule *rule, struct slice field);

#endif /* CLI_FRAMING_H */
