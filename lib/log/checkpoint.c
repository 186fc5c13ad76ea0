/*
 * checkpoint.c - Kafka's text files of counted lines
 */
#include "log/checkpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

void checkpoint_begin(struct buffer *text, size_t count)
{
	buffer_printf(text, "0\n%zu\n", count);
}

/* Take the line at *at, ended by NUL in place; NULL at the end. */
static char *next_line(char **at)
{
	char *line = *at;
	char *end;

	if (*line == '\0')
		return NULL;
	end = strchr(line, '\n');
	if (end == NULL) {
		*at = line + strlen(line);
	} else {
		*end = '\0';
		*at = end + 1;
	}
	return line;
}

/* The number that is all of the next line. */
static int next_number(char **at, int64_t *number_out)
{
	const char *line = next_line(at);

	if (line == NULL || parse_int64(line, number_out) < 0)
		return -EBADMSG;
	return 0;
}

static int read_lines(char *at, int (*on_line)(void *arg, char *line),
		      void *arg)
{
	int64_t version;
	int64_t count;
	char *line;

	if (*at == '\0')
		return 0;
	if (next_number(&at, &version) < 0 || version != 0 ||
	    next_number(&at, &count) < 0 || count < 0)
		return -EBADMSG;
	while ((line = next_line(&at)) != NULL) {
		int rc = count-- > 0 ? on_line(arg, line) : -EBADMSG;

		if (rc != 0)
			return rc;
	}
	return count == 0 ? 0 : -EBADMSG;
}

int checkpoint_read(struct vfs *vfs, const char *path,
		    int (*on_line)(void *arg, char *line), void *arg)
{
	char *text;
	size_t len;
	int rc = file_read(vfs, path, CHECKPOINT_FILE_BYTES_MAX, &text, &len);

	if (rc == -ENOENT)
		return 0;
	if (rc < 0)
		return rc;
	rc = memchr(text, '\0', len) != NULL ? -EBADMSG
					     : read_lines(text, on_line, arg);
	free(text);
	return rc;
}
