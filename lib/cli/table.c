/*
 * table.c - rows of named columns: aligned, tab-separated or JSON
 *
 * TSV and JSON rows are written as they end.  An aligned table keeps its
 * cells, as text, until it is finished, for only then the widths are known.
 */
#include "cli/table.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "cli/json_writer.h"

enum { COLUMNS_MAX = 64, GAP = 2 };

struct cell {
	enum { CELL_NONE, CELL_TEXT, CELL_INT } kind;
	char *text;
	int64_t number;
};

struct table {
	const struct column *columns;
	size_t count;
	enum table_style style;
	bool header;
	struct output *out;
	size_t shown[COLUMNS_MAX]; /* indexes of columns, in order */
	size_t shown_count;
	struct cell row[COLUMNS_MAX];
	size_t filled; /* cells of row */
	size_t rows;
	char **texts; /* of an aligned table, shown_count for each row */
	size_t texts_count;
	bool failed; /* out of memory */
};

enum table_style table_style_for(const struct output *out, bool json)
{
	if (json)
		return TABLE_JSON;
	return out->terminal ? TABLE_ALIGNED : TABLE_TSV;
}

struct table *table_new(const struct column *columns, size_t count,
			enum table_style style, bool header, struct output *out)
{
	struct table *t = calloc(1, sizeof(*t));

	assert(count <= COLUMNS_MAX);
	if (t == NULL)
		return NULL;
	t->columns = columns;
	t->count = count;
	t->style = style;
	t->header = header || style == TABLE_ALIGNED;
	t->out = out;
	for (size_t i = 0; i < count; i++)
		t->shown[i] = i;
	t->shown_count = count;
	return t;
}

static void clear_row(struct table *t)
{
	for (size_t i = 0; i < t->filled; i++)
		free(t->row[i].text);
	t->filled = 0;
}

void table_free(struct table *t)
{
	if (t == NULL)
		return;
	clear_row(t);
	for (size_t i = 0; i < t->texts_count; i++)
		free(t->texts[i]);
	free(t->texts);
	free(t);
}

static int find_column(const struct table *t, struct slice name)
{
	for (size_t i = 0; i < t->count; i++) {
		if (slice_is(name, t->columns[i].name))
			return (int)i;
	}
	return -1;
}

int table_select(struct table *t, const char *names, const char **unknown_out)
{
	size_t count = 0;

	while (*names != '\0') {
		size_t len = strcspn(names, ",");
		struct slice name = { (const uint8_t *)names, len };
		int found = find_column(t, name);

		if (found < 0 || count == COLUMNS_MAX) {
			*unknown_out = names;
			return -ENOENT;
		}
		t->shown[count++] = (size_t)found;
		names += len + (names[len] == ',' ? 1 : 0);
	}
	t->shown_count = count;
	return 0;
}

bool table_wants(const struct table *t, const char *name)
{
	int found = find_column(t, slice_of(name));

	for (size_t i = 0; i < t->shown_count; i++) {
		if ((int)t->shown[i] == found)
			return true;
	}
	return false;
}

/* Cells */

static struct cell *next_cell(struct table *t)
{
	assert(t->filled < t->count);
	return &t->row[t->filled++];
}

void table_text(struct table *t, const char *text)
{
	struct cell *cell = next_cell(t);

	*cell = (struct cell){ .kind = CELL_NONE };
	if (text == NULL)
		return;
	cell->kind = CELL_TEXT;
	cell->text = strdup(text);
	t->failed = t->failed || cell->text == NULL;
}

void table_int(struct table *t, int64_t value)
{
	*next_cell(t) = (struct cell){ .kind = CELL_INT, .number = value };
}

void table_none(struct table *t)
{
	*next_cell(t) = (struct cell){ .kind = CELL_NONE };
}

/* JSON */

static void put_list_json(struct json_writer *w, const char *list)
{
	json_put_open(w, '[');
	while (*list != '\0') {
		json_put_int(w, strtoll(list, NULL, 10));
		list += strcspn(list, ",");
		list += *list == ',' ? 1 : 0;
	}
	json_put_close(w, ']');
}

static void put_cell_json(struct json_writer *w, enum column_kind kind,
			  const struct cell *cell)
{
	if (cell->kind == CELL_NONE)
		json_put_null(w);
	else if (kind == COLUMN_BOOL)
		json_put_bool(w, cell->number != 0);
	else if (cell->kind == CELL_INT)
		json_put_int(w, cell->number);
	else if (kind == COLUMN_LIST)
		put_list_json(w, cell->text);
	else
		json_put_text(w, cell->text);
}

static void put_row_json(struct table *t)
{
	struct json_writer w = json_writer(&t->out->buffer);

	json_put_open(&w, '{');
	for (size_t i = 0; i < t->shown_count; i++) {
		const struct column *column = &t->columns[t->shown[i]];

		const struct cell *cell = &t->row[t->shown[i]];

		if (column->kind == COLUMN_TEXT && cell->kind == CELL_TEXT) {
			json_member_bytes(&w, column->name,
					  slice_of(cell->text));
			continue;
		}
		json_put_key(&w, column->name);
		put_cell_json(&w, column->kind, cell);
	}
	json_put_close(&w, '}');
	buffer_put_u8(&t->out->buffer, '\n');
}

/* TSV */

static void put_escaped(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '\t':
			buffer_put_text(out, "\\t");
			break;
		case '\n':
			buffer_put_text(out, "\\n");
			break;
		case '\\':
			buffer_put_text(out, "\\\\");
			break;
		default:
			buffer_put_u8(out, (uint8_t)*text);
		}
	}
}

static void put_cell_tsv(struct buffer *out, enum column_kind kind,
			 const struct cell *cell)
{
	if (cell->kind == CELL_TEXT)
		put_escaped(out, cell->text);
	else if (cell->kind == CELL_INT && kind == COLUMN_BOOL)
		buffer_put_text(out, cell->number != 0 ? "true" : "false");
	else if (cell->kind == CELL_INT)
		buffer_printf(out, "%lld", (long long)cell->number);
}

static void put_header_tsv(struct table *t)
{
	struct buffer *out = &t->out->buffer;

	for (size_t i = 0; i < t->shown_count; i++) {
		if (i > 0)
			buffer_put_u8(out, '\t');
		buffer_put_text(out, t->columns[t->shown[i]].name);
	}
	buffer_put_u8(out, '\n');
}

static void put_row_tsv(struct table *t)
{
	struct buffer *out = &t->out->buffer;

	for (size_t i = 0; i < t->shown_count; i++) {
		size_t column = t->shown[i];

		if (i > 0)
			buffer_put_u8(out, '\t');
		put_cell_tsv(out, t->columns[column].kind, &t->row[column]);
	}
	buffer_put_u8(out, '\n');
}

/* Aligned */

static bool is_right(enum column_kind kind)
{
	return kind == COLUMN_INT || kind == COLUMN_BYTES ||
	       kind == COLUMN_DURATION;
}

/* How wide text is on a terminal: its characters. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text != '\0'; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static char *cell_for_people(enum column_kind kind, const struct cell *cell)
{
	struct buffer out = { 0 };
	char text[UNITS_TEXT_MAX];

	if (cell->kind == CELL_NONE) {
		buffer_put_u8(&out, '-');
	} else if (cell->kind == CELL_INT && kind == COLUMN_BYTES) {
		format_size(cell->number, text);
		buffer_put_text(&out, text);
	} else if (cell->kind == CELL_INT && kind == COLUMN_TIME) {
		format_time(cell->number, text);
		buffer_put_text(&out, text);
	} else if (cell->kind == CELL_INT && kind == COLUMN_DURATION) {
		format_duration(cell->number, text);
		buffer_put_text(&out, text);
	} else {
		put_cell_tsv(&out, kind, cell);
	}
	/* Hands the buffer's memory over. */
	return (char *)buffer_text(&out);
}

static void keep_text(struct table *t, char *text)
{
	char **texts = realloc(t->texts, (t->texts_count + 1) * sizeof(*texts));

	if (texts == NULL || text == NULL) {
		free(text);
		t->failed = true;
		if (texts != NULL)
			t->texts = texts;
		return;
	}
	t->texts = texts;
	texts[t->texts_count++] = text;
}

static void keep_header(struct table *t)
{
	for (size_t i = 0; i < t->shown_count; i++) {
		char *name = strdup(t->columns[t->shown[i]].name);

		for (char *at = name; at != NULL && *at != '\0'; at++)
			*at = (char)toupper((unsigned char)*at);
		keep_text(t, name);
	}
}

static void keep_row(struct table *t)
{
	for (size_t i = 0; i < t->shown_count; i++) {
		size_t column = t->shown[i];

		keep_text(t, cell_for_people(t->columns[column].kind,
					     &t->row[column]));
	}
}

static void put_spaces(struct buffer *out, size_t count)
{
	while (count-- > 0)
		buffer_put_u8(out, ' ');
}

static void put_aligned_row(struct table *t, char **texts, const size_t *widths)
{
	struct buffer *out = &t->out->buffer;

	for (size_t i = 0; i < t->shown_count; i++) {
		size_t pad = widths[i] - width_of(texts[i]);
		bool right = is_right(t->columns[t->shown[i]].kind);
		bool last = i + 1 == t->shown_count;

		if (right)
			put_spaces(out, pad);
		buffer_put_text(out, texts[i]);
		if (!last)
			put_spaces(out, GAP + (right ? 0 : pad));
	}
	buffer_put_u8(out, '\n');
}

static void put_aligned(struct table *t)
{
	size_t widths[COLUMNS_MAX] = { 0 };

	for (size_t i = 0; i < t->texts_count; i++) {
		size_t width = width_of(t->texts[i]);

		if (width > widths[i % t->shown_count])
			widths[i % t->shown_count] = width;
	}
	for (size_t i = 0; i < t->texts_count; i += t->shown_count)
		put_aligned_row(t, t->texts + i, widths);
}

/* Rows */

static void begin(struct table *t)
{
	if (!t->header)
		return;
	if (t->style == TABLE_ALIGNED)
		keep_header(t);
	else if (t->style == TABLE_TSV)
		put_header_tsv(t);
}

void table_row_end(struct table *t)
{
	assert(t->filled == t->count);
	if (t->rows++ == 0)
		begin(t);
	if (t->style == TABLE_ALIGNED)
		keep_row(t);
	else if (t->style == TABLE_TSV)
		put_row_tsv(t);
	else
		put_row_json(t);
	clear_row(t);
	if (t->style != TABLE_ALIGNED)
		output_filled(t->out, 0);
}

bool table_is_empty(const struct table *t)
{
	return t->rows == 0;
}

int table_finish(struct table *t)
{
	if (t->rows == 0)
		begin(t);
	if (t->failed)
		return -ENOMEM;
	if (t->style == TABLE_ALIGNED)
		put_aligned(t);
	return output_filled(t->out, 0);
}
