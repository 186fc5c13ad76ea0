/*
 * group_table.c - all groups and what waits for each in all, for people
 *
 * One group after the other is copied, measured and summed up: a shard is
 * locked for one of its groups at a time, and what one group takes is forgotten
 * before the next.
 */
#include "kbrokerd/metrics/group_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/groups.h"
#include "kbrokerd/metrics/label.h"

enum {
	LOOK_AGAIN_US = 1000000,
	LOOK_SHARE = 20, /* of the time at most one part is for looking */
};

struct group_table {
	struct group_summary *items; /* by name */
	size_t count;
	size_t total;
	struct arena arena;   /* theirs */
	struct arena scratch; /* of one group */
	int64_t next_look_us;
};

struct group_table *group_table_new(void)
{
	struct group_table *table = calloc(1, sizeof(*table));

	if (table != NULL)
		table->next_look_us = INT64_MIN;
	return table;
}

void group_table_clear(struct group_table *table)
{
	arena_clear(&table->arena);
	arena_clear(&table->scratch);
	*table = (struct group_table){ .next_look_us = INT64_MIN };
}

void group_table_free(struct group_table *table)
{
	if (table == NULL)
		return;
	group_table_clear(table);
	free(table);
}

size_t group_table_count(const struct group_table *table)
{
	return table->total;
}

/* Looking */

static int sum_up(struct group_table *table, const struct group_row *row)
{
	struct group_summary *s = &table->items[table->count];
	char name[LABEL_TEXT_MAX];

	label_text(row->id, name);
	*s = (struct group_summary){
		.id = arena_copy(&table->arena, row->id),
		.name = arena_text(&table->arena, slice_of(name)),
		.type = row->type,
		.state = row->state,
		.member_count = row->member_count,
		.partition_count = row->lag_count,
		.lag_ms = -1,
	};
	if (slice_is_null(s->id) || s->name == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < row->lag_count; i++) {
		s->lag_records += row->lags[i].records;
		s->lagging_count += row->lags[i].records > 0;
	}
	table->count++;
	return 0;
}

/* Returns 1, 0 when it has gone meanwhile, or -ENOMEM. */
static int read_row(struct group_table *table, struct broker *broker,
		    const struct image *image, struct slice id,
		    struct group_row *row)
{
	int rc;

	arena_reset(&table->scratch);
	rc = group_row_read(row, broker, id, GROUP_TABLE_LAGS_MAX,
			    &table->scratch);
	if (rc > 0)
		group_row_measure(row, broker, image);
	return rc;
}

static int read_all(struct group_table *table, struct broker *broker,
		    const struct group_names *names)
{
	size_t count =
		names->count < GROUP_TABLE_MAX ? names->count : GROUP_TABLE_MAX;
	const struct image *image = metadata_image(broker->metadata);
	int rc = 0;

	table->total = names->count;
	table->items =
		arena_calloc(&table->arena, count, sizeof(*table->items));
	if (table->items == NULL)
		rc = -ENOMEM;
	for (size_t i = 0; rc >= 0 && i < count; i++) {
		struct group_row row;

		rc = read_row(table, broker, image, names->items[i], &row);
		if (rc > 0)
			rc = sum_up(table, &row);
	}
	image_release(image);
	return rc < 0 ? rc : 0;
}

/* What was begun then has taken so long that the next look can wait. */
static void rest(struct group_table *table, struct clock *clock,
		 int64_t begun_us)
{
	int64_t now_us = clock->monotonic_us(clock);
	int64_t next_us = now_us + (now_us - begun_us) * LOOK_SHARE;

	if (table->next_look_us < next_us)
		table->next_look_us = next_us;
}

int group_table_look(struct group_table *table, struct broker *broker,
		     int64_t now_us)
{
	struct group_table fresh = { .next_look_us = now_us + LOOK_AGAIN_US };
	struct group_names names;
	int rc;

	if (now_us < table->next_look_us)
		return 0;
	rc = group_names_read(&names, broker, NULL);
	if (rc == 0)
		rc = read_all(&fresh, broker, &names);
	group_names_clear(&names);
	if (rc < 0) {
		group_table_clear(&fresh);
		return rc;
	}
	group_table_clear(table);
	*table = fresh;
	rest(table, broker->clock, now_us);
	return 0;
}

/* For how long */

static void time_one(struct group_table *table, struct broker *broker,
		     const struct image *image, struct group_summary *s,
		     int64_t now_ms)
{
	struct group_row row;

	s->is_timed = true;
	if (s->lagging_count == 0)
		s->lag_ms = 0;
	else if (read_row(table, broker, image, s->id, &row) > 0)
		group_row_time(&row, broker, image, now_ms);
	else
		return;
	for (size_t i = 0; s->lagging_count > 0 && i < row.lag_count; i++) {
		if (row.lags[i].ms > s->lag_ms)
			s->lag_ms = row.lags[i].ms;
	}
}

void group_table_time(struct group_table *table, struct broker *broker,
		      struct group_summary *const *rows, size_t count)
{
	const struct image *image = metadata_image(broker->metadata);
	struct clock *clock = broker->clock;
	int64_t begun_us = clock->monotonic_us(clock);
	int64_t now_ms = clock->wall_ms(clock);
	size_t left = GROUP_TABLE_TIMES_MAX;

	for (size_t i = 0; i < count; i++) {
		struct group_summary *s = rows[i];

		if (s->is_timed || s->lagging_count > left)
			continue;
		left -= s->lagging_count;
		time_one(table, broker, image, s, now_ms);
	}
	image_release(image);
	rest(table, clock, begun_us);
}

/* Listing */

static int by_name(const void *a, const void *b)
{
	const struct group_summary *const *x = a;
	const struct group_summary *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int by_type(const void *a, const void *b)
{
	const struct group_summary *const *x = a;
	const struct group_summary *const *y = b;
	int c = strcmp((*x)->type, (*y)->type);

	return c != 0 ? c : by_name(a, b);
}

static int by_state(const void *a, const void *b)
{
	const struct group_summary *const *x = a;
	const struct group_summary *const *y = b;
	int c = strcmp((*x)->state, (*y)->state);

	return c != 0 ? c : by_name(a, b);
}

/* The most come first when it descends; names ascend then. */
static int order_of(int64_t x, int64_t y, const void *a, const void *b)
{
	return x != y ? (x > y) - (x < y) : -by_name(a, b);
}

static int by_members(const void *a, const void *b)
{
	const struct group_summary *const *x = a;
	const struct group_summary *const *y = b;

	return order_of((*x)->member_count, (*y)->member_count, a, b);
}

static int by_lag(const void *a, const void *b)
{
	const struct group_summary *const *x = a;
	const struct group_summary *const *y = b;

	return order_of((*x)->lag_records, (*y)->lag_records, a, b);
}

static int (*const orders[])(const void *a, const void *b) = {
	[GROUPS_BY_NAME] = by_name,   [GROUPS_BY_TYPE] = by_type,
	[GROUPS_BY_STATE] = by_state, [GROUPS_BY_MEMBERS] = by_members,
	[GROUPS_BY_LAG] = by_lag,
};

static void reverse(struct group_summary **rows, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		struct group_summary *row = rows[i];

		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

size_t group_table_list(const struct group_table *table, const char *filter,
			enum group_order order, bool descending,
			struct group_summary ***rows_out)
{
	struct group_summary **rows =
		calloc(table->count + 1, sizeof(struct group_summary *));
	size_t n = 0;

	*rows_out = rows;
	if (rows == NULL)
		return 0;
	for (size_t i = 0; i < table->count; i++) {
		struct group_summary *s = &table->items[i];

		if (filter[0] == '\0' || strcasestr(s->name, filter) != NULL)
			rows[n++] = s;
	}
	if (n > 1)
		qsort(rows, n, sizeof(struct group_summary *), orders[order]);
	if (descending)
		reverse(rows, n);
	return n;
}
