/*
 * ack_input.c - acknowledgements as lines on a descriptor
 *
 * A line is parsed where it stands, its newline and blanks becoming the ends
 * of its fields.
 */
#include "kconsume/ack_input.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"

enum { FIELDS_MAX = 3, SHOWN_BYTES = 80 };

int ack_input_read(struct ack_input *in, int fd)
{
	ssize_t n;

	memmove(in->bytes, in->bytes + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	/* A line that fills it all has been refused before. */
	assert(in->to < ACK_INPUT_BYTES);
	n = read(fd, in->bytes + in->to, ACK_INPUT_BYTES - in->to);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0)
		return -errno;
	in->to += (size_t)n;
	in->ended = n == 0;
	return 0;
}

static int bad(const char *line, const char *problem, char *why)
{
	snprintf(why, ACK_WHY_MAX, "'%.*s' %s", SHOWN_BYTES, line, problem);
	return -EBADMSG;
}

/* Part the line at its blanks; more than FIELDS_MAX are counted only. */
static int part_fields(char *line, char *fields[FIELDS_MAX])
{
	int count = 0;
	char *field;

	while ((field = strsep(&line, " \t")) != NULL) {
		if (field[0] == '\0')
			continue;
		if (count < FIELDS_MAX)
			fields[count] = field;
		count++;
	}
	return count;
}

static int parse(struct ack_input *in, char *line, struct ack *out, char *why)
{
	char copy[ACK_LINE_MAX + 1];
	char *fields[FIELDS_MAX];
	int64_t partition;
	int count;

	snprintf(copy, sizeof(copy), "%s", line);
	*out = (struct ack){ .kind = ACK_RECORD };
	count = part_fields(line, fields);
	if (count == 1 && strcmp(fields[0], "end") == 0) {
		out->kind = ACK_END;
		in->has_end = true;
		return 1;
	}
	if (count == 1 &&
	    parse_int64_in(fields[0], 1, INT64_MAX, &out->count) == 0) {
		out->kind = ACK_COUNT;
		return 1;
	}
	if (count != 3)
		return bad(copy,
			   "is not TOPIC PARTITION OFFSET, a number of "
			   "records, or end",
			   why);
	if (parse_int64_in(fields[1], 0, INT32_MAX, &partition) < 0)
		return bad(copy, "has a partition that is no number", why);
	if (parse_int64_in(fields[2], 0, INT64_MAX - 1, &out->offset) < 0)
		return bad(copy, "has an offset that is no number", why);
	out->topic = fields[0];
	out->partition = (int32_t)partition;
	return 1;
}

int ack_input_next(struct ack_input *in, struct ack *ack_out,
		   char why[ACK_WHY_MAX])
{
	char *line = in->bytes + in->from;
	char *newline = memchr(line, '\n', in->to - in->from);
	size_t len =
		newline == NULL ? in->to - in->from : (size_t)(newline - line);

	if (newline == NULL && len <= ACK_LINE_MAX)
		return 0;
	in->line++;
	if (len > ACK_LINE_MAX || memchr(line, '\0', len) != NULL) {
		line[len < SHOWN_BYTES ? len : SHOWN_BYTES] = '\0';
		return bad(line,
			   len > ACK_LINE_MAX ? "... is too long for a line"
					      : "has a NUL in it",
			   why);
	}
	line[len] = '\0';
	in->from += len + 1;
	if (in->has_end)
		return bad(line, "comes after end", why);
	return parse(in, line, ack_out, why);
}
