/*
 * du.c - ktopics du
 *
 * A row for each replica; with -s one for each topic, all replicas together.
 */
#include <stdlib.h>

#include "ktopics/log_dirs.h"

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },  { "partition", COLUMN_INT },
	{ "broker", COLUMN_INT },  { "bytes", COLUMN_BYTES },
	{ "lag", COLUMN_INT },     { "dir", COLUMN_TEXT },
	{ "future", COLUMN_BOOL },
};

static const struct column sum_columns[] = {
	{ "topic", COLUMN_TEXT },
	{ "bytes", COLUMN_BYTES },
};

struct entries {
	struct ktopics *k;
	struct log_dir_entry *items;
	size_t count;
};

static void add(void *arg, const struct log_dir_entry *entry)
{
	struct entries *e = arg;
	struct log_dir_entry *more = e->items;

	/* Grown at powers of two. */
	if ((e->count & (e->count - 1)) == 0)
		more = reallocarray(e->items, e->count == 0 ? 1 : e->count * 2,
				    sizeof(*more));
	if (more == NULL)
		run_out_of_memory(&e->k->run);
	e->items = more;
	e->items[e->count++] = *entry;
}

static int by_place(const void *a, const void *b)
{
	const struct log_dir_entry *x = a;
	const struct log_dir_entry *y = b;

	if (x->topic != y->topic)
		return x->topic < y->topic ? -1 : 1;
	if (x->partition != y->partition)
		return x->partition < y->partition ? -1 : 1;
	return (x->broker > y->broker) - (x->broker < y->broker);
}

static void put_entries(struct entries *e, const struct topic_list *topics,
			struct table *table)
{
	if (e->count > 0)
		qsort(e->items, e->count, sizeof(*e->items), by_place);
	for (size_t i = 0; i < e->count; i++) {
		const struct log_dir_entry *entry = &e->items[i];

		table_text(table, run_text(&e->k->run,
					   topics->items[entry->topic]->name));
		table_int(table, entry->partition);
		table_int(table, entry->broker);
		table_int(table, entry->bytes);
		table_int(table, entry->lag);
		table_text(table, entry->dir);
		table_int(table, entry->is_future);
		table_row_end(table);
	}
}

static void put_sums(struct entries *e, const struct topic_list *topics,
		     struct table *table)
{
	int64_t *sums = calloc(topics->count + 1, sizeof(*sums));

	if (sums == NULL)
		run_out_of_memory(&e->k->run);
	for (size_t i = 0; i < e->count; i++)
		sums[e->items[i].topic] += e->items[i].bytes;
	for (size_t i = 0; i < topics->count; i++) {
		table_text(table, run_text(&e->k->run, topics->items[i]->name));
		table_int(table, sums[i]);
		table_row_end(table);
	}
	free(sums);
}

int ktopics_du(void *run)
{
	struct ktopics *k = run;
	struct entries entries = { .k = k };
	bool sums = k->options.summary;
	struct topic_list topics;
	struct table *table;
	int status;

	table = sums ? run_table(&k->run, sum_columns, 2, NULL)
		     : run_table(&k->run, columns,
				 sizeof(columns) / sizeof(columns[0]),
				 "topic,partition,broker,bytes");
	if (table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = topics_find(k, k->run.operands, k->run.operand_count,
				     TOPICS_ALL_IF_NONE | TOPICS_PATTERNS,
				     &topics);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	if (!log_dirs_each(k, &topics, add, &entries) &&
	    k->run.status == EXIT_OK)
		k->run.status = message_fail(&k->run.messages, EXIT_REFUSED,
					     "no broker tells sizes: "
					     "DescribeLogDirs is not known");
	else if (sums)
		put_sums(&entries, &topics, table);
	else
		put_entries(&entries, &topics, table);
	free(entries.items);
	topics_clear(&topics);
	return run_finish(&k->run, table);
}
