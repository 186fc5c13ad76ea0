/*
 * table.h - rows of named columns: aligned, tab-separated or JSON
 *
 * On a terminal: a header, columns aligned, sizes and times for people.  On a
 * pipe: raw values parted by tabs, no padding, nothing cut, a header only if
 * asked for; tab, newline and backslash in a value are \t \n \\.  As JSON: one
 * object a row, whose keys are the columns' names; json_member_bytes() writes
 * text.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/buffer.h"
#include "cli/output.h"

enum column_kind {
	COLUMN_TEXT,
	COLUMN_INT,
	COLUMN_BYTES,    /* int64_t; "1.5 MiB" on a terminal */
	COLUMN_TIME,     /* int64_t, ms since 1970 */
	COLUMN_DURATION, /* int64_t, ms; "2h 3m" on a terminal */
	COLUMN_LIST,     /* text, numbers parted by commas; an array in JSON */
	COLUMN_BOOL,
};

struct column {
	const char *name; /* lower case; upper case in the header */
	enum column_kind kind;
};

enum table_style { TABLE_ALIGNED, TABLE_TSV, TABLE_JSON };

struct table;

/* The style for this output: -J, terminal or pipe. */
enum table_style table_style_for(const struct output *out, bool json);

/*
 * columns, count of them, must outlive the table.  header asks for one in
 * TSV.  Returns NULL when out of memory.
 */
struct table *table_new(const struct column *columns, size_t count,
			enum table_style style, bool header,
			struct output *out);
void table_free(struct table *t);

/*
 * Print only these columns, in this order: "name,bytes".  Returns 0, or
 * -ENOENT with *unknown_out at the unknown name in names.
 */
int table_select(struct table *t, const char *names, const char **unknown_out);

/* Is the column printed?  So that what costs a request is left out. */
bool table_wants(const struct table *t, const char *name);

/* The cells of a row, in the order of columns; text is copied. */
void table_text(struct table *t, const char *text); /* NULL: none */
void table_int(struct table *t, int64_t value);
void table_none(struct table *t);
void table_row_end(struct table *t);

/* Is there no row yet? */
bool table_is_empty(const struct table *t);

/* Print what is left (an aligned table waits for its last row). */
int table_finish(struct table *t);

#endif /* CLI_TABLE_H */
