/*
 * topics.c - each topic's size, rates and last write
 *
 * A look has three parts: the image says which topics there are, the facts of
 * the partitions are added up, and what that changed since the last look makes
 * the rates.  Topics that the image lacks go.
 */
#include "kbrokerd/metrics/topics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "kbrokerd/metadata/image.h"

struct entry {
	UT_hash_handle hh; /* by row.id */
	struct topic_row row;
	struct traffic_counts was;
	uint32_t round;
};

struct topic_table {
	struct entry *by_id;
	uint32_t round; /* of looks */
	size_t spark_count;
	int64_t looked_us;
};

struct topic_table *topic_table_new(void)
{
	struct topic_table *table = calloc(1, sizeof(*table));

	if (table != NULL)
		table->looked_us = INT64_MIN;
	return table;
}

static void drop(struct topic_table *table, struct entry *e)
{
	HASH_DEL(table->by_id, e);
	if (e->row.spark != NULL)
		table->spark_count--;
	free(e->row.spark);
	free(e->row.name);
	free(e);
}

void topic_table_free(struct topic_table *table)
{
	struct entry *e;
	struct entry *next;

	if (table == NULL)
		return;
	HASH_ITER(hh, table->by_id, e, next)
	drop(table, e);
	free(table);
}

/* Which topics there are */

static struct entry *find(const struct topic_table *table, struct uuid id)
{
	struct entry *e;

	HASH_FIND(hh, table->by_id, &id, sizeof(id), e);
	return e;
}

static struct entry *add(struct topic_table *table,
			 const struct topic_image *topic)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->row.id = topic->id;
	e->row.name = strndup((const char *)topic->name.data, topic->name.len);
	if (e->row.name == NULL) {
		free(e);
		return NULL;
	}
	HASH_ADD(hh, table->by_id, row.id, sizeof(e->row.id), e);
	return e;
}

static void begin_row(struct topic_row *row, const struct topic_image *topic)
{
	row->partition_count = topic->partition_count;
	row->offline_count = row->under_replicated_count = 0;
	row->size_bytes = row->records = 0;
	row->start_offset = row->end_offset = 0;
	row->last_write_ms = -1;
	row->traffic = (struct traffic_counts){ 0 };
	for (int32_t i = 0; i < topic->partition_count; i++) {
		const struct partition_image *p = &topic->partitions[i];

		row->offline_count += p->leader < 0;
		row->under_replicated_count += p->isr_count < p->replica_count;
	}
}

static int on_topic(void *arg, const struct topic_image *topic)
{
	struct topic_table *table = arg;
	struct entry *e = find(table, topic->id);

	if (e == NULL)
		e = add(table, topic);
	if (e == NULL)
		return -ENOMEM;
	e->round = table->round;
	begin_row(&e->row, topic);
	return 0;
}

/* What its partitions say */

static void on_partition(void *arg, const struct partition_facts *f)
{
	struct entry *e = find(arg, f->topic_id);
	struct topic_row *row;

	if (e == NULL)
		return;
	row = &e->row;
	row->offline_count += f->offline;
	row->size_bytes += f->size_bytes;
	row->records += f->log_end - f->log_start;
	row->start_offset += f->log_start;
	row->end_offset += f->log_end;
	if (f->last_write_ms > row->last_write_ms)
		row->last_write_ms = f->last_write_ms;
	row->traffic.bytes_in += f->traffic.bytes_in;
	row->traffic.records_in += f->traffic.records_in;
	row->traffic.bytes_out += f->traffic.bytes_out;
	row->traffic.records_out += f->traffic.records_out;
}

/* Rates */

static double smooth(double was, int64_t delta, double seconds)
{
	double now = (double)delta / seconds;

	if (delta <= 0 && was < 1)
		return 0;
	return seconds > 3 ? now : was + (now - was) * seconds / 3;
}

/* Points for the time between are empty. */
static void spark_move(struct spark *s, int64_t number)
{
	if (number - s->last >= SPARK_POINTS)
		memset(s->points, 0, sizeof(s->points));
	else
		while (s->last < number)
			s->points[++s->last % SPARK_POINTS] = 0;
	s->last = number;
}

/* The bytes came evenly in the time since the last look, which is short next to
 * a point. */
static void draw(struct topic_table *table, struct entry *e, int64_t bytes,
		 int64_t now_us)
{
	int64_t number = now_us / 1000000 / SPARK_SECONDS;
	struct spark *s = e->row.spark;

	if (s == NULL && (bytes == 0 || table->spark_count == SPARKS_MAX))
		return;
	if (s == NULL) {
		s = e->row.spark = calloc(1, sizeof(*s));
		if (s == NULL)
			return;
		s->last = number;
		table->spark_count++;
	}
	spark_move(s, number);
	s->points[number % SPARK_POINTS] += (float)bytes / SPARK_SECONDS;
}

/* One that was idle for as long as it shows makes room for others. */
static void drop_idle_spark(struct topic_table *table, struct topic_row *row)
{
	for (size_t i = 0; i < SPARK_POINTS; i++) {
		if (row->spark->points[i] > 0)
			return;
	}
	free(row->spark);
	row->spark = NULL;
	table->spark_count--;
}

static void measure(struct topic_table *table, struct entry *e, int64_t now_us)
{
	struct topic_row *row = &e->row;
	int64_t in = row->traffic.bytes_in - e->was.bytes_in;
	int64_t out = row->traffic.bytes_out - e->was.bytes_out;
	int64_t records = row->traffic.records_in - e->was.records_in;
	double seconds;

	e->was = row->traffic;
	if (table->looked_us == INT64_MIN || now_us <= table->looked_us)
		return;
	seconds = (double)(now_us - table->looked_us) / 1e6;
	row->in_rate = smooth(row->in_rate, in, seconds);
	row->out_rate = smooth(row->out_rate, out, seconds);
	row->records_in_rate = smooth(row->records_in_rate, records, seconds);
	draw(table, e, in + out, now_us);
	if (row->spark != NULL && in + out == 0)
		drop_idle_spark(table, row);
}

int topic_table_look(struct topic_table *table, struct partition_table *from,
		     const struct image *image, int64_t now_us)
{
	struct entry *e;
	struct entry *next;
	int rc;

	table->round++;
	rc = image_each_topic(image, on_topic, table);
	if (rc == 0)
		rc = partition_facts_each(from, on_partition, table);
	if (rc < 0)
		return rc;
	HASH_ITER(hh, table->by_id, e, next)
	{
		if (e->round == table->round)
			measure(table, e, now_us);
		else
			drop(table, e);
	}
	table->looked_us = now_us;
	return 0;
}

int64_t topic_table_looked_us(const struct topic_table *table)
{
	return table->looked_us;
}

/* Listing */

static int by_name(const void *a, const void *b)
{
	const struct topic_row *const *x = a;
	const struct topic_row *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static int order_of(double x, double y, const void *a, const void *b)
{
	if (x < y || x > y)
		return x < y ? -1 : 1;
	return -by_name(a, b);
}

#define BY(member)                                                             \
	static int by_##member(const void *a, const void *b)                   \
	{                                                                      \
		const struct topic_row *const *x = a;                          \
		const struct topic_row *const *y = b;                          \
                                                                               \
		return order_of((double)(*x)->member, (double)(*y)->member, a, \
				b);                                            \
	}
BY(partition_count)
BY(size_bytes)
BY(records)
BY(in_rate)
BY(out_rate)
BY(last_write_ms)

static int (*const orders[])(const void *a, const void *b) = {
	[TOPICS_BY_NAME] = by_name,
	[TOPICS_BY_PARTITIONS] = by_partition_count,
	[TOPICS_BY_SIZE] = by_size_bytes,
	[TOPICS_BY_RECORDS] = by_records,
	[TOPICS_BY_IN] = by_in_rate,
	[TOPICS_BY_OUT] = by_out_rate,
	[TOPICS_BY_LAST_WRITE] = by_last_write_ms,
};

static void reverse(const struct topic_row **rows, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		const struct topic_row *row = rows[i];

		rows[i] = rows[n - 1 - i];
		rows[n - 1 - i] = row;
	}
}

size_t topic_table_list(const struct topic_table *table, const char *filter,
			enum topic_order order, bool descending,
			const struct topic_row ***rows_out)
{
	const struct topic_row **rows = calloc(topic_table_count(table) + 1,
					       sizeof(struct topic_row *));
	struct entry *e;
	struct entry *next;
	size_t n = 0;

	*rows_out = rows;
	if (rows == NULL)
		return 0;
	HASH_ITER(hh, table->by_id, e, next)
	{
		if (filter[0] == '\0' || strcasestr(e->row.name, filter))
			rows[n++] = &e->row;
	}
	if (n > 1)
		qsort(rows, n, sizeof(struct topic_row *), orders[order]);
	if (descending)
		reverse(rows, n);
	return n;
}

size_t topic_table_count(const struct topic_table *table)
{
	return HASH_COUNT(table->by_id);
}
