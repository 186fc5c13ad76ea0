/*
 * list.c - ktopics list
 *
 * Names and counts come from one metadata request; what costs more (bytes,
 * records, last write) is asked for only where its column is printed.
 */
#include <stdlib.h>

#include "ktopics/log_dirs.h"
#include "ktopics/offsets.h"
#include "wire/errors.h"

static const struct column columns[] = {
	{ "name", COLUMN_TEXT },     { "partitions", COLUMN_INT },
	{ "replicas", COLUMN_INT },  { "bytes", COLUMN_BYTES },
	{ "records", COLUMN_INT },   { "last_write", COLUMN_TIME },
	{ "internal", COLUMN_BOOL }, { "id", COLUMN_TEXT },
};

/* What is known of a topic beyond its metadata; -1: not known. */
struct figures {
	int64_t bytes;
	int64_t records;
	int64_t last_write_ms;
};

/* Bytes on disk */

static void add_bytes(void *arg, const struct log_dir_entry *entry)
{
	struct figures *f = (struct figures *)arg + entry->topic;

	f->bytes = (f->bytes < 0 ? 0 : f->bytes) + entry->bytes;
}

static void fill_bytes(struct ktopics *k, const struct topic_list *topics,
		       struct figures *figures)
{
	bool answered = log_dirs_each(k, topics, add_bytes, figures);

	/* A topic that no broker has on disk yet is empty. */
	for (size_t i = 0; answered && i < topics->count; i++) {
		if (figures[i].bytes < 0)
			figures[i].bytes = 0;
	}
}

/* Records and last write */

static void add_records(struct figures *f, const struct partition_offsets *p)
{
	const struct admin_offset *start = &p->items[0];
	const struct admin_offset *end = &p->items[1];

	if (start->code != WIRE_NONE || end->code != WIRE_NONE)
		return;
	f->records =
		(f->records < 0 ? 0 : f->records) + end->offset - start->offset;
}

static void fill_records(struct ktopics *k, const struct topic_list *topics,
			 struct figures *figures)
{
	static const int64_t queries[] = { ADMIN_EARLIEST, ADMIN_LATEST };
	struct offset_list list;
	size_t topic = 0;

	if (!offsets_ask(k, topics, queries, 2, &list))
		return;
	for (size_t i = 0; i < list.count; i++) {
		while (topics->items[topic] != list.partitions[i].topic)
			topic++;
		offsets_check(k, &list.partitions[i].items[0]);
		add_records(&figures[topic], &list.partitions[i]);
	}
	offsets_clear(&list);
}

static void fill_last_write(struct ktopics *k, const struct topic_list *topics,
			    struct figures *figures)
{
	static const int64_t queries[] = { ADMIN_MAX_TIMESTAMP };
	struct offset_list list;
	size_t topic = 0;

	if (!offsets_ask(k, topics, queries, 1, &list))
		return;
	for (size_t i = 0; i < list.count; i++) {
		const struct admin_offset *item = list.partitions[i].items;

		while (topics->items[topic] != list.partitions[i].topic)
			topic++;
		if (item->code == WIRE_NONE &&
		    item->timestamp_ms > figures[topic].last_write_ms)
			figures[topic].last_write_ms = item->timestamp_ms;
	}
	offsets_clear(&list);
}

static struct figures *gather(struct ktopics *k, const struct table *table,
			      const struct topic_list *topics)
{
	struct figures *figures = calloc(topics->count + 1, sizeof(*figures));

	if (figures == NULL)
		run_out_of_memory(&k->run);
	for (size_t i = 0; i < topics->count; i++)
		figures[i] = (struct figures){ -1, -1, -1 };
	if (topics->count == 0)
		return figures;
	if (table_wants(table, "bytes"))
		fill_bytes(k, topics, figures);
	if (table_wants(table, "records"))
		fill_records(k, topics, figures);
	if (table_wants(table, "last_write"))
		fill_last_write(k, topics, figures);
	return figures;
}

/* Rows */

static void put_figure(struct table *table, int64_t value)
{
	if (value < 0)
		table_none(table);
	else
		table_int(table, value);
}

static void put_row(struct ktopics *k, struct table *table,
		    const struct metadata_response_topics *topic,
		    const struct figures *figures)
{
	char id[UUID_TEXT_LEN + 1];

	table_text(table, run_text(&k->run, topic->name));
	table_int(table, topic->partitions_count);
	table_int(table, topic->partitions_count == 0
				 ? 0
				 : topic->partitions[0].replica_nodes_count);
	put_figure(table, figures->bytes);
	put_figure(table, figures->records);
	put_figure(table, figures->last_write_ms);
	table_int(table, topic->is_internal);
	uuid_format(topic->topic_id, id);
	table_text(table, uuid_is_zero(topic->topic_id) ? NULL : id);
	table_row_end(table);
}

int ktopics_list(void *run)
{
	struct ktopics *k = run;
	struct topic_list topics;
	struct figures *figures;
	struct table *table;
	int status;

	table = run_table(
		&k->run, columns, sizeof(columns) / sizeof(columns[0]),
		k->options.long_list
			? "name,partitions,replicas,bytes,records,last_write"
			: "name");
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
	figures = gather(k, table, &topics);
	for (size_t i = 0; i < topics.count; i++)
		put_row(k, table, topics.items[i], &figures[i]);
	free(figures);
	topics_clear(&topics);
	return run_finish(&k->run, table);
}
