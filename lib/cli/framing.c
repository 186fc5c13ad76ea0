/*
 * framing.c - cut a stream of input bytes into records
 *
 * The bytes in data[start, end) are those not handed out yet; up to scanned
 * they have been looked at and hold no end of a frame, so that no byte is
 * searched twice.  A frame that outgrows the limit is dropped as it comes
 * (dropped counts) and told as an error once its end is found.
 *
 * JSON is only scanned here, as far as it takes to see where an object ends;
 * whether it is good JSON is seen by who reads it.
 */
#include "cli/framing.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "cli/json_writer.h"

enum {
	ROOM_BYTES = 64 << 10,
	FIRST_BYTES = 256 << 10,
	HEAD_BYTES = 64, /* kept of a frame that is too large */
};

enum json_state {
	JSON_BETWEEN, /* blanks before an object */
	JSON_INSIDE,
	JSON_STRING,
	JSON_ESCAPE, /* after a backslash in a string */
	JSON_BAD,    /* up to the end of the line */
};

struct framer {
	enum framing framing;
	uint8_t *delimiter;
	size_t delimiter_len;
	size_t frame_max;
	uint8_t *data;
	size_t capacity;
	size_t start;
	size_t scanned;
	size_t end;
	bool ended;      /* no more input */
	bool whole_done; /* FRAMING_WHOLE: handed out */
	int64_t number;
	int64_t position; /* of data[start] in the input */
	size_t dropped;   /* bytes of the frame before start, with head */
	uint8_t head[HEAD_BYTES];
	size_t head_len;
	/* FRAMING_JSON */
	enum json_state state;
	int depth;
	uint8_t last;      /* significant character at depth 1 */
	int64_t line;      /* of data[scanned] */
	int64_t from_line; /* where the object started */
	size_t eol;        /* after the last newline in the object; 0: none */
	int64_t eol_line;
};

int framer_new(enum framing framing, struct slice delimiter, size_t frame_max,
	       struct framer **framer_out)
{
	struct framer *f = calloc(1, sizeof(*f));

	assert(framing != FRAMING_DELIMITED || delimiter.len > 0);
	if (f == NULL)
		return -ENOMEM;
	f->framing = framing;
	f->frame_max = frame_max;
	f->delimiter_len = delimiter.len;
	f->delimiter = malloc(delimiter.len + 1);
	f->capacity = FIRST_BYTES;
	f->data = malloc(f->capacity);
	if (f->delimiter == NULL || f->data == NULL) {
		framer_free(f);
		return -ENOMEM;
	}
	if (delimiter.len > 0)
		memcpy(f->delimiter, delimiter.data, delimiter.len);
	framer_reset(f);
	*framer_out = f;
	return 0;
}

void framer_free(struct framer *f)
{
	if (f == NULL)
		return;
	free(f->delimiter);
	free(f->data);
	free(f);
}

void framer_reset(struct framer *f)
{
	f->start = f->scanned = f->end = 0;
	f->ended = f->whole_done = false;
	f->number = 0;
	f->position = 0;
	f->dropped = 0;
	f->head_len = 0;
	f->state = JSON_BETWEEN;
	f->depth = 0;
	f->line = 1;
	f->eol = 0;
}

/* Input */

/* What was handed out goes; what is left moves to the front. */
static void compact(struct framer *f)
{
	if (f->start == 0)
		return;
	memmove(f->data, f->data + f->start, f->end - f->start);
	f->end -= f->start;
	f->scanned -= f->start;
	f->eol = f->eol > f->start ? f->eol - f->start : 0;
	f->start = 0;
}

uint8_t *framer_room(struct framer *f, size_t *room_out)
{
	compact(f);
	if (f->capacity - f->end < ROOM_BYTES) {
		uint8_t *data = realloc(f->data, f->capacity * 2);

		if (data == NULL)
			return NULL;
		f->data = data;
		f->capacity *= 2;
	}
	*room_out = f->capacity - f->end;
	return f->data + f->end;
}

void framer_filled(struct framer *f, size_t len)
{
	assert(len <= f->capacity - f->end);
	f->end += len;
}

void framer_end(struct framer *f)
{
	f->ended = true;
}

/* Frames */

/* Pass the bytes before to without handing them out. */
static void skip_to(struct framer *f, size_t to)
{
	f->position += (int64_t)(to - f->start);
	f->start = to;
	if (f->scanned < to)
		f->scanned = to;
}

/* Drop what there is before to of a frame that is too large. */
static void drop_to(struct framer *f, size_t to)
{
	size_t len = to > f->start ? to - f->start : 0;
	size_t room = HEAD_BYTES - f->head_len;

	if (f->dropped + len <= f->frame_max)
		return;
	if (room > len)
		room = len;
	memcpy(f->head + f->head_len, f->data + f->start, room);
	f->head_len += room;
	f->dropped += len;
	f->eol = 0;
	skip_to(f, f->start + len);
}

/*
 * Hand out the frame that ends at to; skip more bytes after it are its
 * delimiter.  rc is what to return for a good size.
 */
static int take(struct framer *f, size_t to, size_t skip, int rc,
		struct framed *out)
{
	size_t here = to - f->start;

	*out = (struct framed){
		.bytes = { f->data + f->start, here },
		.number = ++f->number,
		.position = f->position - (int64_t)f->dropped,
		.line = f->from_line,
		.len = f->dropped + here,
	};
	if (out->len > f->frame_max) {
		rc = -E2BIG;
		if (f->dropped > 0)
			out->bytes = (struct slice){ f->head, f->head_len };
	}
	f->dropped = 0;
	f->head_len = 0;
	f->eol = 0;
	skip_to(f, to + skip);
	return rc;
}

static const uint8_t *find_delimiter(const struct framer *f)
{
	size_t back = f->delimiter_len - 1;
	size_t from = f->scanned;

	if (f->delimiter_len == 1)
		return memchr(f->data + from, f->delimiter[0], f->end - from);
	/* A delimiter may have begun in what was looked at before. */
	from = from - f->start > back ? from - back : f->start;
	return memmem(f->data + from, f->end - from, f->delimiter,
		      f->delimiter_len);
}

static int next_delimited(struct framer *f, struct framed *out)
{
	const uint8_t *at = find_delimiter(f);

	if (at != NULL)
		return take(f, (size_t)(at - f->data), f->delimiter_len, 1,
			    out);
	f->scanned = f->end;
	if (f->ended && (f->start < f->end || f->dropped > 0))
		return take(f, f->end, 0, 1, out);
	if (f->end >= f->delimiter_len)
		drop_to(f, f->end - (f->delimiter_len - 1));
	return 0;
}

static int next_whole(struct framer *f, struct framed *out)
{
	f->scanned = f->end;
	if (f->ended && !f->whole_done) {
		f->whole_done = true;
		return take(f, f->end, 0, 1, out);
	}
	drop_to(f, f->scanned);
	return 0;
}

/* JSON */

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Pass blanks; the first other byte begins an object or is bad. */
static void scan_between(struct framer *f)
{
	while (f->scanned < f->end && is_blank(f->data[f->scanned])) {
		if (f->data[f->scanned++] == '\n')
			f->line++;
	}
	skip_to(f, f->scanned);
	if (f->scanned == f->end)
		return;
	f->from_line = f->line;
	f->depth = 0;
	f->last = ':';
	f->eol = 0;
	f->state = f->data[f->scanned] == '{' ? JSON_INSIDE : JSON_BAD;
}

static void scan_string(struct framer *f)
{
	const uint8_t *data = f->data;
	size_t at = f->scanned;

	at += json_plain_len((struct slice){ data + at, f->end - at });
	f->scanned = at;
	if (at == f->end)
		return;
	if (data[at] < 0x20) {
		f->state = JSON_BAD;
		return;
	}
	f->state = data[at] == '"' ? JSON_INSIDE : JSON_ESCAPE;
	f->scanned++;
}

static void scan_escape(struct framer *f)
{
	if (f->data[f->scanned] < 0x20) {
		f->state = JSON_BAD;
		return;
	}
	f->scanned++;
	f->state = JSON_STRING;
}

/* A byte outside strings.  Returns whether it ended the object. */
static bool scan_one(struct framer *f)
{
	uint8_t c = f->data[f->scanned];

	if ((c == '{' || c == '[') && f->depth <= 1 && f->last != ':') {
		/* No value can be here: the line before was cut. */
		f->state = JSON_BAD;
		return false;
	}
	f->scanned++;
	if (c == '\n') {
		f->line++;
		f->eol = f->scanned;
		f->eol_line = f->line;
	}
	if (c == '"')
		f->state = JSON_STRING;
	if (c == '{' || c == '[')
		f->depth++;
	if (c == '}' || c == ']')
		f->depth--;
	if (f->depth <= 1 && !is_blank(c))
		f->last = c == '{' && f->depth == 1 ? (uint8_t)',' : c;
	return f->depth == 0;
}

/*
 * Hand out what is bad: up to the last newline inside of the object, for what
 * follows that may be good again; else to the end of this line.
 */
static int take_bad(struct framer *f, struct framed *out)
{
	const uint8_t *at;

	if (f->eol > f->start) {
		f->scanned = f->eol;
		f->line = f->eol_line;
		f->state = JSON_BETWEEN;
		return take(f, f->eol, 0, -EBADMSG, out);
	}
	at = memchr(f->data + f->scanned, '\n', f->end - f->scanned);
	if (at == NULL && !f->ended) {
		f->scanned = f->end;
		return 0;
	}
	f->scanned = at == NULL ? f->end : (size_t)(at - f->data);
	f->state = JSON_BETWEEN;
	return take(f, f->scanned, 0, -EBADMSG, out);
}

static bool is_frame_begun(const struct framer *f)
{
	return f->state != JSON_BETWEEN || f->dropped > 0;
}

static int next_json(struct framer *f, struct framed *out)
{
	while (f->scanned < f->end && f->state != JSON_BAD) {
		if (f->state == JSON_BETWEEN) {
			scan_between(f);
		} else if (f->state == JSON_STRING) {
			scan_string(f);
		} else if (f->state == JSON_ESCAPE) {
			scan_escape(f);
		} else if (scan_one(f)) {
			f->state = JSON_BETWEEN;
			return take(f, f->scanned, 0, 1, out);
		}
	}
	if (f->state == JSON_BAD) {
		int rc = take_bad(f, out);

		if (rc != 0)
			return rc;
	}
	if (f->ended && is_frame_begun(f)) {
		f->state = JSON_BETWEEN;
		return take(f, f->end, 0, -EBADMSG, out);
	}
	if (is_frame_begun(f))
		drop_to(f, f->scanned);
	return 0;
}

int framer_next(struct framer *f, struct framed *out)
{
	switch (f->framing) {
	case FRAMING_DELIMITED:
		return next_delimited(f, out);
	case FRAMING_WHOLE:
		return next_whole(f, out);
	case FRAMING_JSON:
		return next_json(f, out);
	}
	return 0;
}

/* Fields */

bool framing_split(struct slice record, struct slice delimiter,
		   struct slice *key_out, struct slice *value_out)
{
	const uint8_t *at = NULL;

	if (record.len >= delimiter.len && record.len > 0)
		at = memmem(record.data, record.len, delimiter.data,
			    delimiter.len);
	if (at == NULL) {
		*key_out = SLICE_NULL;
		*value_out = record;
		return false;
	}
	*key_out = (struct slice){ record.data, (size_t)(at - record.data) };
	at += delimiter.len;
	*value_out =
		(struct slice){ at, record.len - (size_t)(at - record.data) };
	return true;
}

struct slice null_rule_apply(const struct null_rule *rule, struct slice field)
{
	if (rule->empty && field.len == 0)
		return SLICE_NULL;
	if (!slice_is_null(rule->token) && slice_equal(field, rule->token))
		return SLICE_NULL;
	return field;
}
