/*
 * properties.h - key=value pairs, and the .properties files that hold them
 *
 * The file format is Java's: # and ! comments, = or : or blank between key
 * and value, backslash continuation and escapes (\t \n \r \f \\ \uXXXX).
 * Order of first mention is kept; a later value replaces an earlier one.
 */
#ifndef BASE_PROPERTIES_H
#define BASE_PROPERTIES_H

#include <stddef.h>

struct property {
	char *key;
	char *value;
	const char *origin; /* who said so: shared text, e.g. "-X", a path */
	int line;           /* in that file, 0 when not from one */
};

struct properties {
	struct property *items;
	size_t count;
	size_t capacity;
	char **origins; /* owned texts that items point to */
	size_t origin_count;
};

/* All zeroes is an empty set. */
void properties_clear(struct properties *p);

/* Copies all three.  Returns 0 or -ENOMEM. */
int properties_set(struct properties *p, const char *key, const char *value,
		   const char *origin);

/* The value, or NULL. */
const char *properties_get(const struct properties *p, const char *key);
const struct property *properties_find(const struct properties *p,
				       const char *key);

/*
 * Add what the text of a file says.  Returns 0, -ENOMEM, or -EINVAL with
 * *line_out at the first bad line (a broken \u escape).
 */
int properties_parse(struct properties *p, const char *text, size_t len,
		     const char *origin, int *line_out);

/* Read the file and parse it.  Also the errors of open(2) and read(2). */
int properties_read(struct properties *p, const char *path, int *line_out);

#endif /* BASE_PROPERTIES_H */
