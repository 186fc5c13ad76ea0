/*
 * plan.c - which committed offsets are to become which
 */
#include "kgroups/plan.h"

#include <errno.h>
#include <stdlib.h>

#include "base/units.h"
#include "cli/json_writer.h"

void plan_clear(struct plan *plan)
{
	free(plan->rows);
	arena_clear(&plan->arena);
	*plan = (struct plan){ 0 };
}

int plan_add(struct plan *plan, const struct plan_row *row)
{
	struct plan_row *more = plan->rows;

	/* Grown at powers of two. */
	if ((plan->count & (plan->count - 1)) == 0)
		more = reallocarray(plan->rows,
				    plan->count == 0 ? 1 : plan->count * 2,
				    sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	plan->rows = more;
	plan->rows[plan->count++] = *row;
	return 0;
}

static int place_order(const struct plan_row *a, const struct plan_row *b)
{
	int order = strcmp(a->group, b->group);

	if (order == 0)
		order = strcmp(a->topic, b->topic);
	if (order == 0)
		order = (a->partition > b->partition) -
			(a->partition < b->partition);
	return order;
}

static int by_place(const void *a, const void *b)
{
	const struct plan_row *x = a;
	const struct plan_row *y = b;
	int order = place_order(x, y);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static int find_order(const void *key, const void *item)
{
	return place_order(key, item);
}

void plan_sort(struct plan *plan)
{
	if (plan->count > 0)
		qsort(plan->rows, plan->count, sizeof(*plan->rows), by_place);
}

const struct plan_row *plan_twin(const struct plan *plan)
{
	for (size_t i = 1; i < plan->count; i++) {
		if (place_order(&plan->rows[i - 1], &plan->rows[i]) == 0)
			return &plan->rows[i];
	}
	return NULL;
}

const struct plan_row *plan_find(const struct plan *plan, const char *group,
				 const char *topic, int32_t partition)
{
	const struct plan_row key = { .group = group,
				      .topic = topic,
				      .partition = partition };

	return plan->count == 0 ? NULL
				: bsearch(&key, plan->rows, plan->count,
					  sizeof(*plan->rows), find_order);
}

struct plan_row plan_undo(const struct plan_row *row)
{
	struct plan_row back = *row;

	back.from = row->to;
	back.from_ms = row->to_ms;
	back.to = row->from;
	back.to_ms = row->from_ms;
	back.has_from = true;
	return back;
}

/* Printing */

void plan_put_field(struct buffer *out, const char *text)
{
	size_t len = strlen(text);
	bool quote = len == 0 || strpbrk(text, ",\"\r\n") != NULL ||
		     strchr(" \t#{", text[0]) != NULL ||
		     strchr(" \t", text[len - 1]) != NULL;

	if (!quote) {
		buffer_put_text(out, text);
		return;
	}
	buffer_put_u8(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buffer_put_u8(out, '"');
		buffer_put_u8(out, (uint8_t)*text);
	}
	buffer_put_u8(out, '"');
}

void plan_put_header(struct buffer *out)
{
	buffer_put_text(
		out,
		"group,topic,partition,from,to,records,from_time,to_time\n");
}

static void put_number(struct buffer *out, int64_t value)
{
	buffer_put_u8(out, ',');
	if (value >= 0)
		buffer_printf(out, "%lld", (long long)value);
}

static void put_time(struct buffer *out, int64_t ms)
{
	char text[UNITS_TEXT_MAX];

	buffer_put_u8(out, ',');
	if (ms < 0)
		return;
	format_time(ms, text);
	buffer_put_text(out, text);
}

void plan_put_csv(struct buffer *out, const struct plan_row *row)
{
	plan_put_field(out, row->group);
	buffer_put_u8(out, ',');
	plan_put_field(out, row->topic);
	put_number(out, row->partition);
	put_number(out, row->from);
	put_number(out, row->to);
	buffer_put_u8(out, ',');
	if (row->from >= 0 && row->to >= 0)
		buffer_printf(out, "%lld", (long long)(row->to - row->from));
	put_time(out, row->from_ms);
	put_time(out, row->to_ms);
	buffer_put_u8(out, '\n');
}

static void member_offset(struct json_writer *w, const char *key, int64_t value)
{
	json_put_key(w, key);
	if (value >= 0)
		json_put_int(w, value);
	else
		json_put_null(w);
}

void plan_put_json(struct buffer *out, const struct plan_row *row)
{
	struct json_writer w = json_writer(out);

	json_put_open(&w, '{');
	json_member_bytes(&w, "group", slice_of(row->group));
	json_member_bytes(&w, "topic", slice_of(row->topic));
	json_member_int(&w, "partition", row->partition);
	member_offset(&w, "from", row->from);
	member_offset(&w, "to", row->to);
	json_put_key(&w, "records");
	if (row->from >= 0 && row->to >= 0)
		json_put_int(&w, row->to - row->from);
	else
		json_put_null(&w);
	member_offset(&w, "from_time", row->from_ms);
	member_offset(&w, "to_time", row->to_ms);
	json_put_close(&w, '}');
	buffer_put_u8(out, '\n');
}
