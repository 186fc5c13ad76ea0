/*
 * plan_read.c - plans as text, ours and other tools'
 *
 * A line is JSON, CSV or blanks, by its first character and whether it has a
 * comma.  A header names the columns of the CSV lines after it; without one
 * their number does.  What a column that we do not know says is ignored.
 */
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/encoding.h"
#include "base/units.h"
#include "kgroups/plan.h"

enum { FIELDS_MAX = 16 };

enum column_name {
	NAME_GROUP,
	NAME_TOPIC,
	NAME_PARTITION,
	NAME_FROM,
	NAME_TO,
	NAME_OTHER,
};

struct reader {
	struct plan *plan;
	const char *default_group;
	char *why;
	const uint8_t *at;
	const uint8_t *end;
	int64_t line; /* of the row that is read */
	int64_t next_line;
	char *fields[FIELDS_MAX];
	size_t count;
	enum column_name columns[FIELDS_MAX]; /* of the header */
	size_t column_count;                  /* 0: there was none */
};

__attribute__((format(printf, 2, 3))) static int bad(struct reader *r,
						     const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(r->why, PLAN_WHY_MAX, format, args);
	va_end(args);
	return -EBADMSG;
}

/* Fields of a line */

static bool at_line_end(const struct reader *r)
{
	return r->at == r->end || *r->at == '\n' ||
	       (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n') ||
	       (*r->at == '\r' && r->at + 1 == r->end);
}

static void skip_line_end(struct reader *r)
{
	if (r->at < r->end && *r->at == '\r')
		r->at++;
	if (r->at < r->end && *r->at == '\n')
		r->at++;
	r->next_line++;
}

static int add_field(struct reader *r, struct slice text)
{
	char *copy = arena_text(&r->plan->arena, text);

	if (r->count == FIELDS_MAX)
		return bad(r, "more than %d fields", FIELDS_MAX);
	if (copy == NULL)
		return -ENOMEM;
	if (memchr(text.data, '\0', text.len) != NULL)
		return bad(r, "a NUL byte");
	r->fields[r->count++] = copy;
	return 0;
}

static int quoted_field(struct reader *r)
{
	struct buffer text = { 0 };
	bool closed = false;
	int rc;

	r->at++;
	while (r->at < r->end && !closed) {
		uint8_t c = *r->at++;

		if (c == '\n')
			r->next_line++;
		if (c != '"') {
			buffer_put_u8(&text, c);
		} else if (r->at < r->end && *r->at == '"') {
			buffer_put_u8(&text, c);
			r->at++;
		} else {
			closed = true;
		}
	}
	if (!closed)
		rc = bad(r, "a quote is not closed");
	else if (!at_line_end(r) && *r->at != ',')
		rc = bad(r, "a comma is missing after a closing quote");
	else
		rc = add_field(
			r, (struct slice){ (const uint8_t *)buffer_text(&text),
					   text.len });
	buffer_clear(&text);
	return rc;
}

static int plain_field(struct reader *r)
{
	const uint8_t *start = r->at;

	while (!at_line_end(r) && *r->at != ',')
		r->at++;
	return add_field(r, (struct slice){ start, (size_t)(r->at - start) });
}

static int csv_fields(struct reader *r)
{
	int rc;

	for (;;) {
		rc = r->at < r->end && *r->at == '"' ? quoted_field(r)
						     : plain_field(r);
		if (rc < 0)
			return rc;
		if (at_line_end(r))
			return 0;
		r->at++; /* the comma */
	}
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static int blank_fields(struct reader *r)
{
	int rc = 0;

	while (rc == 0 && !at_line_end(r)) {
		const uint8_t *start = r->at;

		while (!at_line_end(r) && !is_blank(*r->at))
			r->at++;
		if (r->at > start)
			rc = add_field(
				r, (struct slice){ start,
						   (size_t)(r->at - start) });
		while (!at_line_end(r) && is_blank(*r->at))
			r->at++;
	}
	return rc;
}

/* Rows */

static int offset_of(struct reader *r, const char *name, const char *text,
		     int64_t *out)
{
	*out = -1;
	if (text[0] == '\0' || parse_int64_in(text, 0, INT64_MAX, out) == 0)
		return 0;
	return bad(r, "%s '%s' is not an offset", name, text);
}

static int finish_row(struct reader *r, struct plan_row *row)
{
	if (row->group == NULL || row->group[0] == '\0')
		row->group = r->default_group;
	if (row->group == NULL)
		return bad(r, "no group is named; -G names one");
	if (row->topic == NULL || row->topic[0] == '\0')
		return bad(r, "no topic is named");
	if (row->partition < 0)
		return bad(r, "no partition is named");
	row->line = r->line;
	return plan_add(r->plan, row);
}

static int set_field(struct reader *r, struct plan_row *row,
		     enum column_name name, const char *text)
{
	int64_t partition;

	switch (name) {
	case NAME_GROUP:
		row->group = text;
		return 0;
	case NAME_TOPIC:
		row->topic = text;
		return 0;
	case NAME_PARTITION:
		if (parse_int64_in(text, 0, INT32_MAX, &partition) < 0)
			return bad(r, "'%s' is not a partition", text);
		row->partition = (int32_t)partition;
		return 0;
	case NAME_FROM:
		row->has_from = true;
		return offset_of(r, "from", text, &row->from);
	case NAME_TO:
		return offset_of(r, "to", text, &row->to);
	default:
		return 0;
	}
}

static int row_of(struct reader *r, const enum column_name *names, size_t count)
{
	struct plan_row row = {
		.partition = -1,
		.from = -1,
		.to = -1,
		.from_ms = -1,
		.to_ms = -1,
	};
	int rc = 0;

	if (r->count != count)
		return bad(r, "%zu fields where %zu are wanted", r->count,
			   count);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = set_field(r, &row, names[i], r->fields[i]);
	return rc < 0 ? rc : finish_row(r, &row);
}

static enum column_name name_of(const char *text)
{
	static const struct {
		const char *text;
		enum column_name name;
	} names[] = {
		{ "group", NAME_GROUP },
		{ "topic", NAME_TOPIC },
		{ "partition", NAME_PARTITION },
		{ "from", NAME_FROM },
		{ "to", NAME_TO },
		{ "offset", NAME_TO },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(text, names[i].text) == 0)
			return names[i].name;
	}
	return NAME_OTHER;
}

/* A line of names: it has topic, partition and where to. */
static bool take_header(struct reader *r)
{
	bool seen[NAME_OTHER + 1] = { false };

	for (size_t i = 0; i < r->count; i++)
		seen[name_of(r->fields[i])] = true;
	if (!seen[NAME_TOPIC] || !seen[NAME_PARTITION] || !seen[NAME_TO])
		return false;
	for (size_t i = 0; i < r->count; i++)
		r->columns[i] = name_of(r->fields[i]);
	r->column_count = r->count;
	return true;
}

static int csv_row(struct reader *r)
{
	static const enum column_name three[] = { NAME_TOPIC, NAME_PARTITION,
						  NAME_TO };
	static const enum column_name four[] = { NAME_GROUP, NAME_TOPIC,
						 NAME_PARTITION, NAME_TO };
	static const enum column_name own[] = {
		NAME_GROUP, NAME_TOPIC, NAME_PARTITION, NAME_FROM,
		NAME_TO,    NAME_OTHER, NAME_OTHER,     NAME_OTHER,
	};

	if (take_header(r))
		return 0;
	if (r->column_count > 0)
		return row_of(r, r->columns, r->column_count);
	if (r->count == 3)
		return row_of(r, three, 3);
	if (r->count == 4)
		return row_of(r, four, 4);
	if (r->count == 8)
		return row_of(r, own, 8);
	return bad(r,
		   "%zu fields: not topic,partition,offset, not "
		   "group,topic,partition,offset and not a plan's 8",
		   r->count);
}

/* JSON */

static int json_offset(struct reader *r, const json_t *object, const char *name,
		       int64_t *out)
{
	const json_t *value = json_object_get(object, name);

	*out = -1;
	if (value == NULL || json_is_null(value))
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return bad(r, "\"%s\" is not an offset", name);
	*out = json_integer_value(value);
	return 0;
}

/* Bytes that json_member_bytes() wrote in base64. */
static int base64_text(struct reader *r, const char *name, const char *text,
		       const char **out)
{
	struct buffer bytes = { 0 };
	int rc = base64_decode(&bytes, slice_of(text));

	if (rc == -EINVAL || (rc == 0 && bytes.len > 0 &&
			      memchr(bytes.data, '\0', bytes.len) != NULL)) {
		rc = bad(r, "\"%s\" is not base64 of a name", name);
	} else if (rc == 0) {
		*out = arena_text(&r->plan->arena, buffer_slice(&bytes));
		rc = *out == NULL ? -ENOMEM : 0;
	}
	buffer_clear(&bytes);
	return rc;
}

static int json_text(struct reader *r, const json_t *object, const char *name,
		     const char *name_enc, const char **out)
{
	const json_t *value = json_object_get(object, name);
	const json_t *enc = json_object_get(object, name_enc);

	*out = NULL;
	if (value == NULL)
		return 0;
	if (!json_is_string(value))
		return bad(r, "\"%s\" is not text", name);
	if (enc != NULL && (!json_is_string(enc) ||
			    strcmp(json_string_value(enc), "b64") != 0))
		return bad(r, "\"%s\" is not b64", name_enc);
	if (enc != NULL)
		return base64_text(r, name, json_string_value(value), out);
	*out = arena_text(&r->plan->arena, slice_of(json_string_value(value)));
	return *out == NULL ? -ENOMEM : 0;
}

static int json_fields(struct reader *r, const json_t *object)
{
	const json_t *partition = json_object_get(object, "partition");
	const char *to = "to";
	struct plan_row row = { .from_ms = -1, .to_ms = -1 };
	int rc;

	if (!json_is_integer(partition) || json_integer_value(partition) < 0 ||
	    json_integer_value(partition) > INT32_MAX)
		return bad(r, "\"partition\" is not a partition");
	row.partition = (int32_t)json_integer_value(partition);
	if (json_object_get(object, to) == NULL)
		to = "offset";
	if (json_object_get(object, to) == NULL)
		return bad(r, "\"to\" is missing");
	row.has_from = json_object_get(object, "from") != NULL;
	rc = json_offset(r, object, to, &row.to);
	if (rc == 0)
		rc = json_offset(r, object, "from", &row.from);
	if (rc == 0)
		rc = json_text(r, object, "group", "group_enc", &row.group);
	if (rc == 0)
		rc = json_text(r, object, "topic", "topic_enc", &row.topic);
	return rc < 0 ? rc : finish_row(r, &row);
}

static int json_row(struct reader *r)
{
	const uint8_t *start = r->at;
	json_error_t error;
	json_t *object;
	int rc;

	while (!at_line_end(r))
		r->at++;
	object = json_loadb((const char *)start, (size_t)(r->at - start),
			    JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return bad(r, "not JSON: %s", error.text);
	rc = json_is_object(object) ? json_fields(r, object)
				    : bad(r, "not a JSON object");
	json_decref(object);
	return rc;
}

/* Lines */

/* Is there a comma before the end of the line? */
static bool has_comma(const struct reader *r)
{
	const uint8_t *line_end = memchr(r->at, '\n', (size_t)(r->end - r->at));
	const uint8_t *end = line_end == NULL ? r->end : line_end;

	return memchr(r->at, ',', (size_t)(end - r->at)) != NULL;
}

static int blank_row(struct reader *r)
{
	static const enum column_name names[] = { NAME_TOPIC, NAME_PARTITION,
						  NAME_TO };
	int rc = blank_fields(r);

	return rc < 0 ? rc : row_of(r, names, 3);
}

static int read_line(struct reader *r)
{
	int rc;

	r->count = 0;
	while (!at_line_end(r) && is_blank(*r->at))
		r->at++;
	if (at_line_end(r))
		return 0;
	if (*r->at == '#') {
		while (!at_line_end(r))
			r->at++;
		return 0;
	}
	if (*r->at == '{')
		return json_row(r);
	if (!has_comma(r) && *r->at != '"')
		return blank_row(r);
	rc = csv_fields(r);
	return rc < 0 ? rc : csv_row(r);
}

/* NOLINTBEGIN(readability-non-const-parameter): bad() writes to why */
int plan_read(struct plan *plan, struct slice text, const char *default_group,
	      char why[PLAN_WHY_MAX], int64_t *line_out)
{
	struct reader r = {
		.plan = plan,
		.default_group = default_group,
		.why = why,
		.at = text.data,
		.end = text.data + text.len,
		.next_line = 1,
	};
	int rc = 0;

	while (rc == 0 && r.at < r.end) {
		r.line = r.next_line;
		rc = read_line(&r);
		if (rc == 0)
			skip_line_end(&r);
	}
	*line_out = r.line;
	return rc;
}
/* NOLINTEND(readability-non-const-parameter) */
