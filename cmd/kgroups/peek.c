/*
 * peek.c - kgroups peek
 *
 * Partition by partition, so that records that belong together stand together.
 * As JSON the records are envelopes, as kconsume -J prints them.
 */
#include "base/utf8.h"
#include "cli/envelope.h"
#include "kgroups/figures.h"
#include "kgroups/records.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT }, { "partition", COLUMN_INT },
	{ "offset", COLUMN_INT }, { "place", COLUMN_INT },
	{ "time", COLUMN_TIME },  { "key", COLUMN_TEXT },
	{ "value", COLUMN_TEXT },
};

struct peek {
	struct kgroups *k;
	struct table *table;
	struct topic_choices choices;
	int64_t before;
	int64_t after;
	int64_t committed; /* of the partition that is read */
	int64_t seen;      /* from there on */
};

/* Bytes that are no text, and backslashes, as \xNN. */
static const char *visible(struct kgroups *k, struct slice s)
{
	bool valid = utf8_is_valid(s);
	struct buffer out = { 0 };
	const char *copy;

	if (slice_is_null(s))
		return NULL;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.data[i];

		if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f ||
		    (c >= 0x80 && !valid))
			buffer_printf(&out, "\\x%02x", c);
		else
			buffer_put_u8(&out, c);
	}
	copy = run_printf(&k->run, "%s", out.len == 0 ? "" : buffer_text(&out));
	buffer_clear(&out);
	return copy;
}

static void put_envelope(struct peek *p, const struct consumer_record *r)
{
	static const struct envelope_style style;
	const struct record_place place = {
		.topic = r->topic,
		.partition = r->partition,
		.broker = r->leader,
		.leader_epoch = r->batch->leader_epoch,
		.timestamp_kind =
			(r->batch->attributes & BATCH_LOG_APPEND_TIME) != 0
				? TIMESTAMP_LOG_APPEND
				: TIMESTAMP_CREATE,
		.high_watermark = r->high_watermark,
	};

	envelope_write(&style, &place, &r->record, &p->k->run.out.buffer);
	output_filled(&p->k->run.out, 0);
}

static void put_row(struct peek *p, const struct consumer_record *r)
{
	table_text(p->table, r->topic);
	table_int(p->table, r->partition);
	table_int(p->table, r->record.offset);
	table_int(p->table, r->record.offset - p->committed);
	table_int(p->table, r->record.timestamp_ms);
	table_text(p->table, visible(p->k, r->record.key));
	table_text(p->table, visible(p->k, r->record.value));
	table_row_end(p->table);
}

static bool on_record(void *arg, const struct consumer_record *r)
{
	struct peek *p = arg;

	if (r->record.offset >= p->committed && p->seen++ == p->after)
		return false;
	if (p->k->run.options->common.json)
		put_envelope(p, r);
	else
		put_row(p, r);
	return p->seen < p->after || r->record.offset < p->committed;
}

static void peek_at(struct peek *p, const struct position *at)
{
	int64_t from = at->committed - p->before;
	int64_t to = p->after == 0 ? at->committed : at->end;

	if (figures_lost(at->committed, at->start) > 0)
		message_warning(&p->k->run.messages,
				"%s[%d]: %lld is before the start, %lld",
				at->topic, at->partition,
				(long long)at->committed, (long long)at->start);
	if (from < at->start)
		from = at->start;
	if (to > at->end)
		to = at->end;
	p->committed = figures_next(at->committed, at->start);
	p->seen = 0;
	if (from < to)
		records_read(p->k, at->topic, at->partition, from, to,
			     on_record, p);
}

static void peek_all(struct peek *p, const struct snapshot *s)
{
	struct kgroups *k = p->k;
	bool any = false;

	for (size_t i = 0; i < s->count; i++) {
		struct client_error error = { 0 };

		if (s->items[i].committed < 0)
			continue;
		any = true;
		if (s->items[i].code == WIRE_NONE) {
			peek_at(p, &s->items[i]);
			continue;
		}
		client_error_from_code(&error, s->items[i].code,
				       s->items[i].topic, NULL);
		run_fail(&k->run, &error);
	}
	if (!any && snapshot_lacks(s, 0))
		groups_refused(k, &s->groups[0]);
	else if (!any)
		k->run.status = exit_worse(
			k->run.status,
			message_fail(&k->run.messages, EXIT_MISSING,
				     "group '%s' has committed nothing%s",
				     s->groups[0].name,
				     p->choices.count == 0 ? "" : " there"));
}

int kgroups_peek(void *run)
{
	struct kgroups *k = run;
	const char *name[] = { k->run.operands[0] };
	const struct group_list names = { .items = name, .count = 1 };
	struct client_error error = { 0 };
	struct snapshot s = { 0 };
	struct peek p = {
		.k = k,
		.before = k->options.before < 0 ? 0 : k->options.before,
		.after = k->options.after,
	};
	int status;

	if (p.after < 0)
		p.after = k->options.before < 0 ? 1 : 0;
	if (!choices_read(k, &p.choices))
		return EXIT_USAGE;
	p.table = run_table(&k->run, columns,
			    sizeof(columns) / sizeof(columns[0]), NULL);
	if (p.table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status != EXIT_GO_ON) {
		table_free(p.table);
		return status;
	}
	if (snapshot_take(k, &names, &p.choices, 0, &s, &error) < 0)
		run_fail(&k->run, &error);
	else
		peek_all(&p, &s);
	snapshot_clear(&s);
	return run_finish(&k->run, p.table);
}
