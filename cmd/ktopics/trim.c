/*
 * trim.c - ktopics trim
 *
 * Moves the start of partitions forward: to the first record that is not older
 * than a time, to an offset, or to the end.  What goes is shown before it is
 * asked for, from the same answers that the request is made of.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/units.h"
#include "client/consumer.h"
#include "ktopics/log_dirs.h"
#include "ktopics/offsets.h"
#include "wire/errors.h"

enum { API_DELETE_RECORDS = 21 };

enum { START, END, NEWEST, BEFORE, QUERY_COUNT };

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },  { "partition", COLUMN_INT },
	{ "start", COLUMN_INT },   { "to", COLUMN_INT },
	{ "records", COLUMN_INT }, { "bytes", COLUMN_BYTES },
};

/* What becomes of one partition. */
struct cut {
	size_t topic; /* in the list */
	const char *name;
	int32_t partition;
	int32_t leader;
	int64_t start, end, to;
	int64_t bytes; /* of the whole partition; -1: not known */
	/* The first of its newest records; -1: not known, or the last one. */
	int64_t newest, newest_ms;
	bool is_asked, is_done;
};

struct trim {
	struct ktopics *k;
	const struct topic_list *topics;
	struct cut *cuts; /* by topic, then by number */
	size_t count;
	bool by_time;
	int64_t place; /* a time, an offset, or ADMIN_LATEST */
};

/* Where to */

static bool parse_place(struct trim *t)
{
	struct ktopics *k = t->k;
	int64_t now_ms = clock_system()->wall_ms(clock_system());

	if ((k->options.before != NULL) == (k->options.to_offset >= 0)) {
		message_usage(&k->run.messages,
			      "trim wants --before TIME (or end), or --offset "
			      "N");
		return false;
	}
	t->place = k->options.to_offset;
	if (k->options.before == NULL)
		return true;
	t->place = ADMIN_LATEST;
	if (strcmp(k->options.before, "end") == 0)
		return true;
	t->by_time = true;
	if (parse_time(k->options.before, now_ms, &t->place) == 0)
		return true;
	message_usage(&k->run.messages,
		      "--before: '%s' is not a time, such as -7d or "
		      "2026-08-01T10:00Z, and not end",
		      k->options.before);
	return false;
}

static void make_cut(struct trim *t, const struct partition_offsets *p,
		     size_t topic)
{
	const struct admin_offset *start = &p->items[START];
	const struct admin_offset *end = &p->items[END];
	const struct admin_offset *newest = &p->items[NEWEST];
	const struct admin_offset *before = &p->items[BEFORE];
	struct cut *cut = &t->cuts[t->count];

	offsets_check(t->k, start);
	if (start->code != WIRE_NONE)
		return;
	offsets_check(t->k, end);
	if (end->code != WIRE_NONE)
		return;
	*cut = (struct cut){
		.topic = topic,
		.name = start->topic,
		.partition = start->partition,
		.leader = p->partition->leader_id,
		.start = start->offset,
		.end = end->offset,
		.to = end->offset,
		.bytes = -1,
		.newest = -1,
	};
	if (t->by_time) {
		offsets_check(t->k, before);
		if (before->code != WIRE_NONE)
			return;
		if (before->offset >= 0)
			cut->to = before->offset;
	} else if (t->place != ADMIN_LATEST) {
		cut->to = t->place;
	}
	if (cut->to < cut->start)
		cut->to = cut->start;
	t->count++;
	if (!t->by_time || newest->code != WIRE_NONE || cut->to >= cut->end ||
	    newest->offset + 1 >= cut->end)
		return;
	cut->newest = newest->offset;
	cut->newest_ms = newest->timestamp_ms;
}

static bool is_chosen(const struct ktopics *k,
		      const struct partition_offsets *p)
{
	return k->options.partition < 0 ||
	       k->options.partition == p->partition->partition_index;
}

static bool make_cuts(struct trim *t, const struct topic_list *topics)
{
	const int64_t queries[QUERY_COUNT] = { ADMIN_EARLIEST, ADMIN_LATEST,
					       ADMIN_MAX_TIMESTAMP, t->place };
	struct offset_list offsets;
	size_t topic = 0;

	/* Who cannot tell the newest record need not be asked. */
	if (!offsets_ask(t->k, topics, queries, t->by_time ? QUERY_COUNT : 2,
			 &offsets))
		return false;
	t->cuts = calloc(offsets.count + 1, sizeof(*t->cuts));
	if (t->cuts == NULL)
		run_out_of_memory(&t->k->run);
	for (size_t i = 0; i < offsets.count; i++) {
		while (topics->items[topic] != offsets.partitions[i].topic)
			topic++;
		if (is_chosen(t->k, &offsets.partitions[i]))
			make_cut(t, &offsets.partitions[i], topic);
	}
	offsets_clear(&offsets);
	return true;
}

/*
 * Timestamps that go back: records older than the time stay behind the first
 * that is not.  The last record of a partition tells.
 */

static struct cut *cut_of(struct trim *t, size_t topic, int32_t partition);

static void check_last(struct trim *t, const struct consumer_record *r)
{
	ssize_t topic = topics_index(t->topics, slice_of(r->topic));
	const struct cut *cut =
		topic < 0 ? NULL : cut_of(t, (size_t)topic, r->partition);

	if (cut == NULL || r->record.timestamp_ms >= cut->newest_ms)
		return;
	message_warning(&t->k->run.messages,
			"%s[%d]: timestamps go back after offset %lld; records "
			"older than the time may stay",
			cut->name, cut->partition, (long long)cut->newest);
}

static void read_lasts(struct trim *t, struct consumer *consumer)
{
	struct consumer_record record;
	int rc = 0;

	consumer_set_patience(consumer,
			      t->k->run.options->common.step_timeout_ms);
	while (rc >= 0 && !consumer_is_done(consumer)) {
		while ((rc = consumer_next(consumer, &record)) > 0)
			check_last(t, &record);
		if (rc == 0 && !consumer_is_done(consumer))
			rc = loop_run_once(t->k->run.loop, -1);
	}
	if (rc < 0 && consumer_error(consumer) != NULL)
		message_info(&t->k->run.messages, "order of timestamps: %s",
			     consumer_error(consumer)->text);
}

static void check_order(struct trim *t)
{
	struct consumer *consumer;

	if (consumer_new(t->k->run.client, NULL, &consumer) < 0)
		run_out_of_memory(&t->k->run);
	for (size_t i = 0; i < t->count; i++) {
		const struct cut *cut = &t->cuts[i];
		struct consumer_position last = { CONSUMER_OFFSET,
						  cut->end - 1 };
		struct consumer_position end = { CONSUMER_OFFSET, cut->end };

		if (cut->newest >= 0 &&
		    consumer_add(consumer, cut->name, cut->partition, last,
				 end) == -ENOMEM)
			run_out_of_memory(&t->k->run);
	}
	read_lasts(t, consumer);
	consumer_free(consumer);
}

/* How much */

static int place_order(const void *key, const void *item)
{
	const struct log_dir_entry *entry = key;
	const struct cut *cut = item;

	if (entry->topic != cut->topic)
		return entry->topic < cut->topic ? -1 : 1;
	return (entry->partition > cut->partition) -
	       (entry->partition < cut->partition);
}

/* The leader's replica is what counts. */
static void take_bytes(void *arg, const struct log_dir_entry *entry)
{
	struct trim *t = arg;
	struct cut *cut = NULL;

	if (t->count > 0)
		cut = bsearch(entry, t->cuts, t->count, sizeof(*t->cuts),
			      place_order);
	if (cut != NULL && entry->broker == cut->leader && !entry->is_future)
		cut->bytes = entry->bytes;
}

/* About: as if all records were of one size. */
static int64_t bytes_gone(const struct cut *cut)
{
	int64_t all = cut->end - cut->start;
	int64_t gone = cut->to - cut->start;

	if (cut->bytes < 0 || all <= 0 || gone > all)
		return cut->bytes < 0 ? -1 : 0;
	return (int64_t)((double)cut->bytes * (double)gone / (double)all);
}

static void put_cuts(struct trim *t, struct table *table)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct cut *cut = &t->cuts[i];
		int64_t bytes = bytes_gone(cut);

		if (!t->k->run.options->dry_run && !cut->is_done)
			continue;
		table_text(table, cut->name);
		table_int(table, cut->partition);
		table_int(table, cut->start);
		table_int(table, cut->to);
		table_int(table, cut->to - cut->start);
		if (bytes < 0)
			table_none(table);
		else
			table_int(table, bytes);
		table_row_end(table);
	}
}

static int confirm(struct trim *t)
{
	char size[UNITS_TEXT_MAX];
	char question[160];
	int64_t records = 0;
	int64_t bytes = 0;

	for (size_t i = 0; i < t->count; i++) {
		int64_t gone = bytes_gone(&t->cuts[i]);

		records += t->cuts[i].to - t->cuts[i].start;
		bytes += gone > 0 ? gone : 0;
	}
	format_size(bytes, size);
	snprintf(question, sizeof(question),
		 "Delete %lld records (about %s) of %zu partitions",
		 (long long)records, size, t->count);
	return run_confirm(&t->k->run, "trimming", question);
}

/* Asking for it */

/* How many of the cuts from first on are of its topic. */
static int32_t count_of_topic(const struct trim *t, size_t first)
{
	size_t i = first;

	while (i < t->count && t->cuts[i].topic == t->cuts[first].topic)
		i++;
	return (int32_t)(i - first);
}

static void fill(struct trim *t, struct delete_records_request *q,
		 struct arena *arena, int32_t leader)
{
	struct delete_records_request_topics *topic = NULL;

	q->timeout_ms = (int32_t)t->k->run.options->common.step_timeout_ms;
	q->topics = wire_array(&delete_records_request_topics_desc, arena,
			       (int32_t)t->count);
	if (q->topics == NULL)
		run_out_of_memory(&t->k->run);
	for (size_t i = 0; i < t->count; i++) {
		struct cut *cut = &t->cuts[i];

		if (cut->leader != leader)
			continue;
		if (topic == NULL ||
		    topic->name.data != (const uint8_t *)cut->name) {
			topic = &q->topics[q->topics_count++];
			topic->name = slice_of(cut->name);
			topic->partitions = wire_array(
				&delete_records_request_topics_partitions_desc,
				arena, count_of_topic(t, i));
			if (topic->partitions == NULL)
				run_out_of_memory(&t->k->run);
		}
		topic->partitions[topic->partitions_count].partition_index =
			cut->partition;
		topic->partitions[topic->partitions_count++].offset = cut->to;
		cut->is_asked = true;
	}
}

static struct cut *cut_of(struct trim *t, size_t topic, int32_t partition)
{
	const struct log_dir_entry key = { .topic = topic,
					   .partition = partition };

	return t->count == 0 ? NULL
			     : bsearch(&key, t->cuts, t->count,
				       sizeof(*t->cuts), place_order);
}

static void take_answer(
	struct trim *t, size_t topic,
	const struct delete_records_response_topics_partitions *p)
{
	struct cut *cut = cut_of(t, topic, p->partition_index);
	struct client_error error = { 0 };
	char subject[320];

	if (cut == NULL)
		return;
	if (p->error_code == WIRE_NONE) {
		cut->is_done = true;
		cut->to = p->low_watermark;
		return;
	}
	snprintf(subject, sizeof(subject), "%s[%d]", cut->name, cut->partition);
	client_error_from_code(&error, p->error_code, subject, NULL);
	if (p->error_code == WIRE_OFFSET_OUT_OF_RANGE)
		snprintf(error.text, sizeof(error.text),
			 "%s: offset %lld is beyond its end, %lld", subject,
			 (long long)cut->to, (long long)cut->end);
	run_fail(&t->k->run, &error);
}

static void take_topic(struct trim *t,
		       const struct delete_records_response_topics *answer)
{
	ssize_t topic = topics_index(t->topics, answer->name);

	for (int32_t p = 0; topic >= 0 && p < answer->partitions_count; p++)
		take_answer(t, (size_t)topic, &answer->partitions[p]);
}

static void trim_of(struct trim *t, int32_t leader)
{
	struct client_request *request =
		run_request(&t->k->run, API_DELETE_RECORDS);
	const struct delete_records_response *answer;

	fill(t, client_request_message(request), client_request_arena(request),
	     leader);
	if (run_call(&t->k->run, request, leader)) {
		answer = client_request_answer(request);
		for (int32_t i = 0; i < answer->topics_count; i++)
			take_topic(t, &answer->topics[i]);
	}
	client_request_free(request);
}

static void trim_all(struct trim *t)
{
	for (size_t i = 0; i < t->count; i++) {
		struct cut *cut = &t->cuts[i];

		if (cut->is_asked)
			continue;
		if (cut->leader >= 0) {
			trim_of(t, cut->leader);
			continue;
		}
		cut->is_asked = true;
		t->k->run.status = message_fail(
			&t->k->run.messages,
			exit_worse(t->k->run.status, EXIT_UNREACHABLE),
			"%s[%d]: has no leader now", cut->name, cut->partition);
	}
}

/* What a real run would be told. */
static void check_all(struct trim *t)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct cut *cut = &t->cuts[i];

		if (cut->to <= cut->end)
			continue;
		t->k->run.status = message_fail(
			&t->k->run.messages,
			exit_worse(t->k->run.status,
				   (int)client_error_kind_of(
					   WIRE_OFFSET_OUT_OF_RANGE)),
			"%s[%d]: offset %lld is beyond its end, %lld",
			cut->name, cut->partition, (long long)cut->to,
			(long long)cut->end);
	}
}

static void trim(struct trim *t, const struct topic_list *topics)
{
	int status;

	t->topics = topics;
	if (!make_cuts(t, topics))
		return;
	if (t->count == 0 && t->k->options.partition >= 0 &&
	    t->k->run.status == EXIT_OK) {
		t->k->run.status =
			message_fail(&t->k->run.messages, EXIT_MISSING,
				     "there is no partition %d",
				     (int)t->k->options.partition);
		return;
	}
	check_order(t);
	log_dirs_each(t->k, topics, take_bytes, t);
	if (t->k->run.options->dry_run) {
		check_all(t);
		return;
	}
	status = confirm(t);
	if (status == EXIT_GO_ON)
		trim_all(t);
	else
		t->k->run.status = exit_worse(t->k->run.status, status);
}

int ktopics_trim(void *run)
{
	struct ktopics *k = run;
	struct trim t = { .k = k };
	struct topic_list topics;
	struct table *table;
	int status;

	if (!parse_place(&t) ||
	    topics_repeat(k, k->run.operands, k->run.operand_count))
		return EXIT_USAGE;
	table = run_table(&k->run, columns,
			  sizeof(columns) / sizeof(columns[0]), NULL);
	if (table == NULL)
		return EXIT_USAGE;
	status = run_can_confirm(&k->run, "trimming");
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = topics_find(k, k->run.operands, k->run.operand_count,
				     0, &topics);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	trim(&t, &topics);
	put_cuts(&t, table);
	free(t.cuts);
	topics_clear(&topics);
	return run_finish(&k->run, table);
}
