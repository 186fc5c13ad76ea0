/*
 * properties.c - key=value pairs, and Java's file format for them
 *
 * A file is read in three steps, as java.util.Properties does: natural lines
 * are joined to logical ones (a backslash before the line's end), a logical
 * line is parted into key and value at the first bare =, : or blank, and
 * escapes are undone in each.  Text is UTF-8.
 */
#include "base/properties.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/encoding.h"
#include "base/utf8.h"

enum { FILE_BYTES_MAX = 1 << 20 };

void properties_clear(struct properties *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->items[i].key);
		free(p->items[i].value);
	}
	for (size_t i = 0; i < p->origin_count; i++)
		free(p->origins[i]);
	free(p->items);
	free(p->origins);
	*p = (struct properties){ 0 };
}

const struct property *properties_find(const struct properties *p,
				       const char *key)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->items[i].key, key) == 0)
			return &p->items[i];
	}
	return NULL;
}

const char *properties_get(const struct properties *p, const char *key)
{
	const struct property *item = properties_find(p, key);

	return item == NULL ? NULL : item->value;
}

/* The set's own copy of origin, the same for all of the same text. */
static const char *own_origin(struct properties *p, const char *origin)
{
	char **origins;
	char *copy;

	for (size_t i = 0; i < p->origin_count; i++) {
		if (strcmp(p->origins[i], origin) == 0)
			return p->origins[i];
	}
	origins = realloc(p->origins, (p->origin_count + 1) * sizeof(*origins));
	if (origins == NULL)
		return NULL;
	p->origins = origins;
	copy = strdup(origin);
	if (copy != NULL)
		origins[p->origin_count++] = copy;
	return copy;
}

/* A fresh item at the end with a key and no value yet, or NULL. */
static struct property *add_item(struct properties *p, const char *key)
{
	size_t capacity = p->capacity == 0 ? 16 : p->capacity * 2;
	struct property *items = p->items;
	char *copy;

	if (p->count == p->capacity) {
		items = realloc(p->items, capacity * sizeof(*items));
		if (items == NULL)
			return NULL;
		p->items = items;
		p->capacity = capacity;
	}
	copy = strdup(key);
	if (copy == NULL)
		return NULL;
	items[p->count] = (struct property){ .key = copy };
	return &items[p->count++];
}

static int set(struct properties *p, const char *key, const char *value,
	       const char *origin, int line)
{
	const char *owned = own_origin(p, origin);
	char *copy = strdup(value);
	struct property *item = (struct property *)properties_find(p, key);

	if (owned != NULL && copy != NULL && item == NULL)
		item = add_item(p, key);
	if (owned == NULL || copy == NULL || item == NULL) {
		free(copy);
		return -ENOMEM;
	}
	free(item->value);
	item->value = copy;
	item->origin = owned;
	item->line = line;
	return 0;
}

int properties_set(struct properties *p, const char *key, const char *value,
		   const char *origin)
{
	return set(p, key, value, origin, 0);
}

/* The file format */

struct reader {
	const char *at;
	const char *end;
	int line;           /* of at, from 1 */
	struct buffer text; /* a logical line, escapes still in it */
	struct buffer key;  /* escapes undone */
	struct buffer value;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static bool is_eol(char c)
{
	return c == '\n' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
	while (r->at < r->end && is_blank(*r->at))
		r->at++;
}

static void skip_eol(struct reader *r)
{
	if (r->at == r->end)
		return;
	if (r->at[0] == '\r' && r->end - r->at > 1 && r->at[1] == '\n')
		r->at++;
	r->at++;
	r->line++;
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && !is_eol(*r->at))
		r->at++;
	skip_eol(r);
}

/*
 * Gather the rest of this line, and of those it goes on to, in r->text.  A
 * backslash keeps the character after it; before a line's end both go, and
 * the blanks that the next line begins with.
 */
static void gather_line(struct reader *r)
{
	buffer_reset(&r->text);
	while (r->at < r->end && !is_eol(*r->at)) {
		bool escape = *r->at == '\\';

		if (escape && (r->end - r->at == 1 || is_eol(r->at[1]))) {
			r->at++;
			skip_eol(r);
			skip_blanks(r);
			continue;
		}
		if (escape)
			buffer_put(&r->text, r->at++, 1);
		buffer_put(&r->text, r->at++, 1);
	}
	skip_eol(r);
}

/* The unit that \uXXXX at text names, or -1. */
static int read_unit(struct slice text)
{
	int unit = 0;

	if (text.len < 6 || text.data[0] != '\\' || text.data[1] != 'u')
		return -1;
	for (size_t i = 2; i < 6; i++) {
		int digit = hex_value(text.data[i]);

		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/*
 * Undo the \uXXXX at the front of text, two of them where they are a pair of
 * surrogates.  Returns how many bytes they take, or 0 when they are broken.
 */
static size_t undo_unit(struct slice text, struct buffer *out)
{
	int high = read_unit(text);
	int low;

	if (high <= 0 || (high >= 0xdc00 && high < 0xe000))
		return 0;
	if (high < 0xd800 || high >= 0xe000) {
		utf8_put(out, (unsigned)high);
		return 6;
	}
	low = read_unit((struct slice){ text.data + 6, text.len - 6 });
	if (low < 0xdc00 || low >= 0xe000)
		return 0;
	utf8_put(out, 0x10000U + ((unsigned)(high - 0xd800) << 10) +
			      (unsigned)(low - 0xdc00));
	return 12;
}

/* Undo the escape at the front of text, as undo_unit(). */
static size_t undo_escape(struct slice text, struct buffer *out)
{
	static const char names[] = "tnrf";
	static const char means[] = "\t\n\r\f";
	const char *at;

	if (text.data[1] == 'u')
		return undo_unit(text, out);
	at = strchr(names, text.data[1]); /* there is no NUL in text */
	buffer_put_u8(out,
		      at == NULL ? text.data[1] : (uint8_t)means[at - names]);
	return 2;
}

static int undo_escapes(struct slice text, struct buffer *out)
{
	buffer_reset(out);
	while (text.len > 0) {
		size_t n = 1;

		if (text.data[0] == '\\')
			n = undo_escape(text, out);
		else
			buffer_put_u8(out, text.data[0]);
		if (n == 0)
			return -EINVAL;
		text.data += n;
		text.len -= n;
	}
	return 0;
}

/* Where the key ends: at the first bare separator. */
static size_t key_len(struct slice text)
{
	size_t n = 0;

	while (n < text.len) {
		char c = (char)text.data[n];

		if (c == '=' || c == ':' || is_blank(c))
			break;
		n += c == '\\' ? 2 : 1;
	}
	return n;
}

/* Where the value starts, after blanks and one = or : among them. */
static size_t value_start(struct slice text, size_t n)
{
	while (n < text.len && is_blank((char)text.data[n]))
		n++;
	if (n < text.len && (text.data[n] == '=' || text.data[n] == ':'))
		n++;
	while (n < text.len && is_blank((char)text.data[n]))
		n++;
	return n;
}

static int set_line(struct properties *p, struct reader *r, const char *origin,
		    int line)
{
	struct slice text = slice_of(buffer_text(&r->text));
	struct slice key = { text.data, key_len(text) };
	size_t start = value_start(text, key.len);
	int rc;

	if (slice_is_null(text))
		return -ENOMEM;
	if (text.len < r->text.len) /* a NUL in the file */
		return -EINVAL;
	rc = undo_escapes(key, &r->key);
	if (rc == 0)
		rc = undo_escapes(
			(struct slice){ text.data + start, text.len - start },
			&r->value);
	if (rc < 0)
		return rc;
	if (buffer_text(&r->key) == NULL || buffer_text(&r->value) == NULL)
		return -ENOMEM;
	return set(p, (char *)r->key.data, (char *)r->value.data, origin, line);
}

int properties_parse(struct properties *p, const char *text, size_t len,
		     const char *origin, int *line_out)
{
	struct reader r = { .at = text, .end = text + len, .line = 1 };
	int rc = 0;

	while (rc == 0) {
		skip_blanks(&r);
		if (r.at == r.end)
			break;
		if (is_eol(*r.at)) {
			skip_eol(&r);
		} else if (*r.at == '#' || *r.at == '!') {
			skip_line(&r);
		} else {
			*line_out = r.line;
			gather_line(&r);
			rc = set_line(p, &r, origin, *line_out);
		}
	}
	buffer_clear(&r.text);
	buffer_clear(&r.key);
	buffer_clear(&r.value);
	return rc;
}

int properties_read(struct properties *p, const char *path, int *line_out)
{
	struct buffer bytes = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return -errno;
	rc = buffer_read(&bytes, fd, FILE_BYTES_MAX);
	close(fd);
	if (rc == 0)
		rc = properties_parse(p, (const char *)bytes.data, bytes.len,
				      path, line_out);
	buffer_clear(&bytes);
	return rc;
}
