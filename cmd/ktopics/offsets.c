/*
 * offsets.c - ktopics offsets, and the offsets of other verbs
 */
#include "ktopics/offsets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/units.h"
#include "wire/errors.h"

static int by_number(const void *a, const void *b)
{
	const struct metadata_response_topics_partitions *x = a;
	const struct metadata_response_topics_partitions *y = b;

	return (x->partition_index > y->partition_index) -
	       (x->partition_index < y->partition_index);
}

static size_t count_partitions(const struct topic_list *topics)
{
	size_t count = 0;

	for (size_t i = 0; i < topics->count; i++)
		count += (size_t)topics->items[i]->partitions_count;
	return count;
}

static void add_topic(struct ktopics *k, struct metadata_response_topics *topic,
		      const int64_t *queries, size_t query_count,
		      struct offset_list *list)
{
	const char *name = run_text(&k->run, topic->name);

	qsort(topic->partitions, (size_t)topic->partitions_count,
	      sizeof(topic->partitions[0]), by_number);
	for (int32_t i = 0; i < topic->partitions_count; i++) {
		struct partition_offsets *p = &list->partitions[list->count];

		p->topic = topic;
		p->partition = &topic->partitions[i];
		p->items = list->items + list->count * query_count;
		for (size_t q = 0; q < query_count; q++)
			p->items[q] = (struct admin_offset){
				.topic = name,
				.partition =
					topic->partitions[i].partition_index,
				.query = queries[q],
				.offset = -1,
				.timestamp_ms = -1,
			};
		list->count++;
	}
}

bool offsets_ask(struct ktopics *k, const struct topic_list *topics,
		 const int64_t *queries, size_t query_count,
		 struct offset_list *list_out)
{
	size_t count = count_partitions(topics);
	struct client_error error = { 0 };

	*list_out = (struct offset_list){
		.partitions = calloc(count + 1, sizeof(*list_out->partitions)),
		.items = calloc(count * query_count + 1,
				sizeof(*list_out->items)),
	};
	if (list_out->partitions == NULL || list_out->items == NULL)
		run_out_of_memory(&k->run);
	for (size_t i = 0; i < topics->count; i++)
		add_topic(k, topics->items[i], queries, query_count, list_out);
	if (count == 0)
		return true;
	if (admin_list_offsets(
		    k->run.client, list_out->items, count * query_count, false,
		    k->run.options->common.step_timeout_ms, &error) == 0)
		return true;
	run_fail(&k->run, &error);
	offsets_clear(list_out);
	return false;
}

void offsets_clear(struct offset_list *list)
{
	free(list->partitions);
	free(list->items);
	*list = (struct offset_list){ 0 };
}

void offsets_cell(struct table *table, const struct admin_offset *item)
{
	if (item->code != WIRE_NONE || item->offset < 0)
		table_none(table);
	else
		table_int(table, item->offset);
}

void offsets_check(struct ktopics *k, const struct admin_offset *item)
{
	struct client_error error = { 0 };
	char subject[300];

	if (item->code == WIRE_NONE)
		return;
	snprintf(subject, sizeof(subject), "offsets of %s[%d]", item->topic,
		 item->partition);
	client_error_from_code(&error, item->code, subject, NULL);
	run_fail(&k->run, &error);
}

/* ktopics offsets */

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },   { "partition", COLUMN_INT },
	{ "start", COLUMN_INT },    { "end", COLUMN_INT },
	{ "records", COLUMN_INT },  { "at", COLUMN_INT },
	{ "at_time", COLUMN_TIME },
};

enum { START, END, AT_TIME, QUERY_COUNT };

/* Past the last record the offset is the end, and there is no time. */
static void put_at(struct table *table, const struct admin_offset *items)
{
	const struct admin_offset *at = &items[AT_TIME];

	if (at->code == WIRE_NONE && at->offset >= 0) {
		table_int(table, at->offset);
		if (at->timestamp_ms >= 0)
			table_int(table, at->timestamp_ms);
		else
			table_none(table);
		return;
	}
	if (at->code == WIRE_NONE)
		offsets_cell(table, &items[END]);
	else
		table_none(table);
	table_none(table);
}

static void put_row(struct ktopics *k, struct table *table,
		    const struct partition_offsets *p, bool with_at)
{
	const struct admin_offset *start = &p->items[START];
	const struct admin_offset *end = &p->items[END];

	offsets_check(k, start);
	if (start->code == WIRE_NONE)
		offsets_check(k, end);
	table_text(table, start->topic);
	table_int(table, start->partition);
	offsets_cell(table, start);
	offsets_cell(table, end);
	if (start->code == WIRE_NONE && end->code == WIRE_NONE)
		table_int(table, end->offset - start->offset);
	else
		table_none(table);
	if (with_at) {
		put_at(table, p->items);
	} else {
		table_none(table);
		table_none(table);
	}
	table_row_end(table);
}

static int print(struct ktopics *k, const struct topic_list *topics,
		 struct table *table, int64_t at_ms)
{
	int64_t queries[QUERY_COUNT] = { ADMIN_EARLIEST, ADMIN_LATEST, at_ms };
	bool with_at = k->options.at != NULL;
	struct offset_list offsets;

	if (!offsets_ask(k, topics, queries, with_at ? QUERY_COUNT : AT_TIME,
			 &offsets))
		return k->run.status;
	for (size_t i = 0; i < offsets.count; i++)
		put_row(k, table, &offsets.partitions[i], with_at);
	offsets_clear(&offsets);
	return k->run.status;
}

int ktopics_offsets(void *run)
{
	struct ktopics *k = run;
	struct topic_list topics;
	struct table *table;
	int64_t at_ms = 0;
	int status;

	if (k->options.at != NULL &&
	    parse_time(k->options.at, clock_system()->wall_ms(clock_system()),
		       &at_ms) < 0)
		return message_usage(&k->run.messages,
				     "--at: '%s' is not a time, such as -1h "
				     "or 2026-08-01T10:00Z",
				     k->options.at);
	table = run_table(
		&k->run, columns, sizeof(columns) / sizeof(columns[0]),
		k->options.at == NULL ? "topic,partition,start,end,records"
				      : NULL);
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
	print(k, &topics, table, at_ms);
	topics_clear(&topics);
	return run_finish(&k->run, table);
}
