/*
 * lag.c - kgroups lag
 *
 * A frame is a snapshot and, for rates, the one before it.  With --watch there
 * is one frame after the other: drawn over the last one on a terminal, else
 * appended, each row with the time of its frame.
 */
#include "kgroups/lag.h"

#include <stdlib.h>

#include "base/units.h"
#include "kgroups/figures.h"
#include "kgroups/snapshot.h"
#include "kgroups/times.h"
#include "wire/errors.h"

enum { WATCH_DEFAULT_MS = 2000 };

static const struct column columns[] = {
	{ "group", COLUMN_TEXT },    { "topic", COLUMN_TEXT },
	{ "partition", COLUMN_INT }, { "committed", COLUMN_INT },
	{ "start", COLUMN_INT },     { "end", COLUMN_INT },
	{ "lag", COLUMN_INT },       { "time_lag", COLUMN_DURATION },
	{ "rate", COLUMN_INT },      { "eta", COLUMN_DURATION },
	{ "member", COLUMN_TEXT },   { "host", COLUMN_TEXT },
	{ "lost", COLUMN_INT },      { "client_id", COLUMN_TEXT },
	{ "written", COLUMN_INT },   { "time", COLUMN_TIME },
};

static const char default_columns[] =
	"group,topic,partition,committed,start,end,lag,time_lag,rate,eta,"
	"member,host,lost";
static const char watch_columns[] =
	"group,topic,partition,committed,start,end,lag,time_lag,rate,eta,"
	"member,host,lost,time";

static const struct column sum_columns[] = {
	{ "group", COLUMN_TEXT },        { "topic", COLUMN_TEXT },
	{ "partitions", COLUMN_INT },    { "lag", COLUMN_INT },
	{ "time_lag", COLUMN_DURATION }, { "rate", COLUMN_INT },
	{ "eta", COLUMN_DURATION },      { "lost", COLUMN_INT },
	{ "members", COLUMN_INT },       { "written", COLUMN_INT },
	{ "time", COLUMN_TIME },
};

/* What a row says, of a partition or summed up. */
struct row {
	int64_t partitions;
	int64_t lag;
	int64_t time_lag; /* -1: not known */
	double rate;      /* below 0: not known */
	double written;
	int64_t lost;
};

struct watching {
	struct kgroups *k;
	struct group_list names;
	struct topic_choices choices;
	struct snapshot before;
	struct snapshot now;
	bool has_before;
	unsigned flags;
	int64_t period_ms; /* 0: once */
	bool told_missing;
};

/* Figures */

static struct row row_of(const struct watching *w, const struct position *p)
{
	const struct snapshot *now = &w->now;
	const struct position *old =
		w->has_before ? snapshot_find(&w->before, p->group, p->topic,
					      p->partition)
			      : NULL;
	int64_t elapsed_us = now->at_us - w->before.at_us;
	struct row row = {
		.partitions = 1,
		.lag = position_lag(p),
		.rate = -1,
		.written = -1,
		.lost = figures_lost(p->committed, p->start),
	};

	row.time_lag = figures_time_lag(row.lag, p->record_ms, now->at_ms);
	if (old == NULL)
		return row;
	row.rate = figures_rate(old->committed, p->committed, elapsed_us);
	row.written = figures_rate(old->end, p->end, elapsed_us);
	return row;
}

static void add_row(struct row *sum, const struct row *row)
{
	sum->partitions += row->partitions;
	sum->lag += row->lag > 0 ? row->lag : 0;
	sum->lost += row->lost;
	if (row->time_lag > sum->time_lag)
		sum->time_lag = row->time_lag;
	if (row->rate >= 0)
		sum->rate = (sum->rate < 0 ? 0 : sum->rate) + row->rate;
	if (row->written >= 0)
		sum->written =
			(sum->written < 0 ? 0 : sum->written) + row->written;
}

/* Cells */

static void put_known(struct table *table, int64_t value)
{
	if (value < 0)
		table_none(table);
	else
		table_int(table, value);
}

static void put_rate(struct table *table, double rate)
{
	if (rate < 0)
		table_none(table);
	else
		table_int(table, (int64_t)(rate + 0.5));
}

static int64_t eta_of(const struct row *row)
{
	/* Without a rate only a lag of 0 tells when it is 0. */
	return figures_eta_ms(row->lag, row->rate, row->written);
}

static void put_position(const struct watching *w, struct table *table,
			 const struct position *p)
{
	struct row row = row_of(w, p);

	table_text(table, w->now.groups[p->group].name);
	table_text(table, p->topic);
	table_int(table, p->partition);
	put_known(table, p->committed);
	put_known(table, p->start);
	put_known(table, p->end);
	put_known(table, row.lag);
	put_known(table, row.time_lag);
	put_rate(table, row.rate);
	put_known(table, eta_of(&row));
	table_text(table, p->member == NULL ? NULL : p->member->id);
	table_text(table, p->member == NULL ? NULL : p->member->host);
	table_int(table, row.lost);
	table_text(table, p->member == NULL ? NULL : p->member->client_id);
	put_rate(table, row.written);
	table_int(table, w->now.at_ms);
	table_row_end(table);
}

static void put_sum(const struct watching *w, struct table *table, size_t group,
		    const char *topic, const struct row *row)
{
	table_text(table, w->now.groups[group].name);
	table_text(table, topic);
	table_int(table, row->partitions);
	table_int(table, row->lag);
	put_known(table, row->time_lag);
	put_rate(table, row->rate);
	put_known(table, eta_of(row));
	table_int(table, row->lost);
	table_int(table, (int64_t)w->now.groups[group].member_count);
	put_rate(table, row->written);
	table_int(table, w->now.at_ms);
	table_row_end(table);
}

/* Frames */

/* How many positions from first on make one row. */
static size_t run_length(const struct watching *w, size_t first, enum lag_by by)
{
	const struct position *items = w->now.items;
	size_t i = first;

	while (i < w->now.count && items[i].group == items[first].group &&
	       (by == LAG_BY_GROUP ||
		strcmp(items[i].topic, items[first].topic) == 0))
		i++;
	return i - first;
}

static void put_sums(const struct watching *w, struct table *table,
		     enum lag_by by)
{
	for (size_t i = 0; i < w->now.count;) {
		const struct position *first = &w->now.items[i];
		struct row sum = { .time_lag = -1, .rate = -1, .written = -1 };
		size_t count = run_length(w, i, by);

		for (size_t n = 0; n < count; n++) {
			struct row row = row_of(w, &first[n]);

			add_row(&sum, &row);
		}
		put_sum(w, table, first->group,
			by == LAG_BY_GROUP ? NULL : first->topic, &sum);
		i += count;
	}
}

static struct table *frame_table(struct kgroups *k, bool watch)
{
	bool pipe = watch && !k->run.out.terminal;

	switch ((enum lag_by)k->options.by) {
	case LAG_BY_TOPIC:
		return run_table(&k->run, sum_columns,
				 sizeof(sum_columns) / sizeof(sum_columns[0]),
				 pipe ? NULL
				      : "group,topic,partitions,lag,time_lag,"
					"rate,eta,lost,members");
	case LAG_BY_GROUP:
		return run_table(&k->run, sum_columns,
				 sizeof(sum_columns) / sizeof(sum_columns[0]),
				 pipe ? "group,partitions,lag,time_lag,rate,"
					"eta,lost,members,time"
				      : "group,partitions,lag,time_lag,rate,"
					"eta,lost,members");
	default:
		return run_table(&k->run, columns,
				 sizeof(columns) / sizeof(columns[0]),
				 pipe ? watch_columns : default_columns);
	}
}

/* Said once, however many frames there are. */
static void tell_missing(struct watching *w)
{
	for (size_t g = 0; !w->told_missing && g < w->now.group_count; g++) {
		const struct admin_group_info *info = &w->now.groups[g];

		if (snapshot_lacks(&w->now, g) ||
		    (info->code != WIRE_NONE &&
		     info->code != WIRE_GROUP_ID_NOT_FOUND))
			groups_refused(w->k, info);
	}
	w->told_missing = true;
}

/* Of a topic that is gone nothing waits, so that is no failure. */
static void tell_codes(struct watching *w)
{
	struct run *run = &w->k->run;

	for (size_t i = 0; i < w->now.count; i++) {
		const struct position *p = &w->now.items[i];
		struct client_error error = { 0 };

		if (p->code == WIRE_NONE)
			continue;
		client_error_from_code(
			&error, p->code,
			run_printf(run, "%s[%d]", p->topic, p->partition),
			NULL);
		if (p->code == WIRE_UNKNOWN_TOPIC_OR_PARTITION)
			message_info(&run->messages, "%s", error.text);
		else
			run_fail(run, &error);
	}
}

static void put_frame(struct watching *w, struct table *table)
{
	struct kgroups *k = w->k;
	bool redraw = w->period_ms > 0 && k->run.out.terminal &&
		      !k->run.options->common.json;

	tell_missing(w);
	tell_codes(w);
	if (redraw)
		buffer_put_text(&k->run.out.buffer, "\033[H\033[2J");
	if (k->options.by == LAG_BY_PARTITION) {
		for (size_t i = 0; i < w->now.count; i++)
			put_position(w, table, &w->now.items[i]);
	} else {
		put_sums(w, table, (enum lag_by)k->options.by);
	}
}

/* The snapshot that the next is compared with. */
static void step(struct watching *w)
{
	snapshot_clear(&w->before);
	w->before = w->now;
	w->now = (struct snapshot){ 0 };
	w->has_before = true;
}

static bool take(struct watching *w)
{
	struct client_error error = { 0 };

	if (snapshot_take(w->k, &w->names, &w->choices, w->flags, &w->now,
			  &error) == 0)
		return true;
	run_fail(&w->k->run, &error);
	return false;
}

static int one_frame(struct watching *w, struct table *table)
{
	struct kgroups *k = w->k;

	if (k->options.over_ms > 0) {
		if (!take(w)) {
			table_free(table);
			return k->run.status;
		}
		step(w);
		run_sleep(&k->run, k->options.over_ms);
	}
	if (take(w)) {
		put_frame(w, table);
		if (w->now.count == 0)
			choices_found_nothing(k, &w->choices);
	}
	return run_finish(&k->run, table);
}

static int watch(struct watching *w, struct table *table)
{
	struct kgroups *k = w->k;

	for (int64_t frame = 1; take(w); frame++) {
		put_frame(w, table);
		run_finish(&k->run, table);
		if (output_flush(&k->run.out) != 0 ||
		    (k->options.count > 0 && frame == k->options.count))
			return k->run.status;
		step(w);
		run_sleep(&k->run, w->period_ms);
		k->run.options->header = false; /* the first has it */
		table = frame_table(k, true);
	}
	table_free(table);
	return k->run.status;
}

static bool read_watch(struct watching *w)
{
	const char *text = w->k->options.watch;

	if (text == NULL)
		return true;
	w->period_ms = WATCH_DEFAULT_MS;
	if (text[0] == '\0' ||
	    (parse_duration(text, 1000, &w->period_ms) == 0 &&
	     w->period_ms > 0))
		return true;
	message_usage(&w->k->run.messages,
		      "--watch: '%s' is not a duration, such as 2s", text);
	return false;
}

int kgroups_lag(void *run)
{
	struct kgroups *k = run;
	struct watching w = { .k = k,
			      .flags = k->options.time ? SNAPSHOT_TIMES : 0 };
	struct table *table;
	int status;

	if (!read_watch(&w) || !choices_read(k, &w.choices))
		return EXIT_USAGE;
	table = frame_table(k, w.period_ms > 0);
	if (table == NULL)
		return EXIT_USAGE;
	if (k->options.time)
		times_prepare(k);
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = groups_find(k, &w.names);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	status = w.period_ms > 0 ? watch(&w, table) : one_frame(&w, table);
	snapshot_clear(&w.before);
	snapshot_clear(&w.now);
	return status;
}
