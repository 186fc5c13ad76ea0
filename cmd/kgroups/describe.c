/*
 * describe.c - kgroups describe, kgroups members
 *
 * describe has a row for each group, as JSON an object with its members and
 * partitions inside; members has a row for each member.
 */
#include <stdlib.h>

#include "cli/json_writer.h"
#include "kgroups/figures.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

static const struct column group_columns[] = {
	{ "group", COLUMN_TEXT },    { "state", COLUMN_TEXT },
	{ "type", COLUMN_TEXT },     { "protocol", COLUMN_TEXT },
	{ "assignor", COLUMN_TEXT }, { "coordinator", COLUMN_INT },
	{ "epoch", COLUMN_INT },     { "assignment_epoch", COLUMN_INT },
	{ "members", COLUMN_INT },   { "partitions", COLUMN_INT },
	{ "lag", COLUMN_INT },
};

static const struct column member_columns[] = {
	{ "group", COLUMN_TEXT },      { "member", COLUMN_TEXT },
	{ "client_id", COLUMN_TEXT },  { "host", COLUMN_TEXT },
	{ "instance", COLUMN_TEXT },   { "rack", COLUMN_TEXT },
	{ "epoch", COLUMN_INT },       { "partitions", COLUMN_INT },
	{ "assigned", COLUMN_TEXT },   { "target", COLUMN_TEXT },
	{ "subscribed", COLUMN_TEXT },
};

static int64_t count_partitions(const struct admin_partitions *list,
				int32_t count)
{
	int64_t sum = 0;

	for (int32_t i = 0; i < count; i++)
		sum += list[i].count;
	return sum;
}

/* "orders:0,1 payments:3" */
static const char *partitions_text(struct kgroups *k,
				   const struct admin_partitions *list,
				   int32_t count)
{
	struct buffer text = { 0 };
	const char *copy;

	for (int32_t i = 0; i < count; i++) {
		buffer_printf(&text, "%s%s:", i == 0 ? "" : " ", list[i].topic);
		for (int32_t p = 0; p < list[i].count; p++)
			buffer_printf(&text, "%s%d", p == 0 ? "" : ",",
				      list[i].partitions[p]);
	}
	copy = run_printf(&k->run, "%s", count == 0 ? "" : buffer_text(&text));
	buffer_clear(&text);
	return copy;
}

/* "orders payments" and "~REGEX" */
static const char *subscription_text(struct kgroups *k,
				     const struct admin_member *m)
{
	struct buffer text = { 0 };
	const char *copy;

	for (int32_t i = 0; i < m->topic_count; i++)
		buffer_printf(&text, "%s%.*s", text.len == 0 ? "" : " ",
			      (int)m->topics[i].len,
			      (const char *)m->topics[i].data);
	if (m->regex != NULL)
		buffer_printf(&text, "%s~%s", text.len == 0 ? "" : " ",
			      m->regex);
	copy = run_printf(&k->run, "%s",
			  text.len == 0 ? "" : buffer_text(&text));
	buffer_clear(&text);
	return copy;
}

static void put_epoch(struct table *table, int32_t epoch)
{
	if (epoch < 0)
		table_none(table);
	else
		table_int(table, epoch);
}

/* Groups */

static void sums(const struct snapshot *s, size_t group, int64_t *lag_out,
		 int64_t *partitions_out)
{
	*lag_out = 0;
	*partitions_out = 0;
	for (size_t i = 0; i < s->count; i++) {
		int64_t lag = position_lag(&s->items[i]);

		if (s->items[i].group != group)
			continue;
		++*partitions_out;
		*lag_out += lag > 0 ? lag : 0;
	}
}

static void put_group(struct table *table, const struct snapshot *s, size_t g)
{
	const struct admin_group_info *info = &s->groups[g];
	int64_t partitions;
	int64_t lag;

	sums(s, g, &lag, &partitions);
	table_text(table, info->name);
	table_text(table, info->state);
	table_text(table, info->type);
	table_text(table, info->protocol);
	table_text(table, info->assignor);
	table_int(table, info->coordinator);
	put_epoch(table, info->epoch);
	put_epoch(table, info->assignment_epoch);
	table_int(table, (int64_t)info->member_count);
	table_int(table, partitions);
	table_int(table, lag);
	table_row_end(table);
}

static void member_number(struct json_writer *w, const char *key, int64_t value)
{
	json_put_key(w, key);
	if (value < 0)
		json_put_null(w);
	else
		json_put_int(w, value);
}

static void put_json_partitions(struct json_writer *w, const char *key,
				const struct admin_partitions *list,
				int32_t count)
{
	json_put_key(w, key);
	json_put_open(w, '{');
	for (int32_t i = 0; i < count; i++) {
		json_put_key(w, list[i].topic);
		json_put_open(w, '[');
		for (int32_t p = 0; p < list[i].count; p++)
			json_put_int(w, list[i].partitions[p]);
		json_put_close(w, ']');
	}
	json_put_close(w, '}');
}

static void put_json_member(struct json_writer *w, const struct admin_member *m)
{
	json_put_open(w, '{');
	json_member_bytes(w, "member", slice_of(m->id));
	json_member_bytes(w, "client_id", slice_of(m->client_id));
	json_member_text(w, "host", m->host);
	json_member_bytes(w, "instance", slice_of(m->instance_id));
	json_member_bytes(w, "rack", slice_of(m->rack));
	member_number(w, "epoch", m->epoch);
	put_json_partitions(w, "assigned", m->assigned, m->assigned_count);
	put_json_partitions(w, "target", m->target, m->target_count);
	json_put_key(w, "topics");
	json_put_open(w, '[');
	for (int32_t i = 0; i < m->topic_count; i++)
		json_put_slice(w, m->topics[i]);
	json_put_close(w, ']');
	json_member_text(w, "regex", m->regex);
	json_put_close(w, '}');
}

static void put_json_position(struct json_writer *w, const struct position *p)
{
	json_put_open(w, '{');
	json_member_text(w, "topic", p->topic);
	json_member_int(w, "partition", p->partition);
	member_number(w, "committed", p->committed);
	member_number(w, "start", p->start);
	member_number(w, "end", p->end);
	member_number(w, "lag", position_lag(p));
	json_member_bytes(w, "metadata", p->metadata);
	json_member_bytes(w, "member",
			  slice_of(p->member == NULL ? NULL : p->member->id));
	json_put_close(w, '}');
}

static void put_json_group(struct kgroups *k, const struct snapshot *s,
			   size_t g)
{
	struct json_writer w = json_writer(&k->run.out.buffer);
	const struct admin_group_info *info = &s->groups[g];

	json_put_open(&w, '{');
	json_member_bytes(&w, "group", slice_of(info->name));
	json_member_text(&w, "state", info->state);
	json_member_text(&w, "type", info->type);
	json_member_text(&w, "protocol", info->protocol);
	json_member_text(&w, "assignor", info->assignor);
	json_member_int(&w, "coordinator", info->coordinator);
	member_number(&w, "epoch", info->epoch);
	member_number(&w, "assignment_epoch", info->assignment_epoch);
	json_put_key(&w, "members");
	json_put_open(&w, '[');
	for (size_t m = 0; m < info->member_count; m++)
		put_json_member(&w, &info->members[m]);
	json_put_close(&w, ']');
	json_put_key(&w, "partitions");
	json_put_open(&w, '[');
	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == g)
			put_json_position(&w, &s->items[i]);
	}
	json_put_close(&w, ']');
	json_put_close(&w, '}');
	buffer_put_u8(&k->run.out.buffer, '\n');
	output_filled(&k->run.out, 0);
}

/* Members */

static void put_members(struct kgroups *k, struct table *table,
			const struct admin_group_info *info)
{
	for (size_t i = 0; i < info->member_count; i++) {
		const struct admin_member *m = &info->members[i];

		table_text(table, info->name);
		table_text(table, m->id);
		table_text(table, m->client_id);
		table_text(table, m->host);
		table_text(table, m->instance_id);
		table_text(table, m->rack);
		put_epoch(table, m->epoch);
		table_int(table,
			  count_partitions(m->assigned, m->assigned_count));
		table_text(table,
			   partitions_text(k, m->assigned, m->assigned_count));
		table_text(table,
			   partitions_text(k, m->target, m->target_count));
		table_text(table, subscription_text(k, m));
		table_row_end(table);
	}
}

/* The verbs */

static int look(struct kgroups *k, struct table *table, bool members)
{
	unsigned flags = members ? SNAPSHOT_NO_ENDS : 0;
	struct client_error error = { 0 };
	struct snapshot s = { 0 };
	struct group_list names;
	int status = run_connect(&k->run);

	if (status == EXIT_GO_ON)
		status = groups_find(k, &names);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	if (snapshot_take(k, &names, NULL, flags, &s, &error) < 0) {
		run_fail(&k->run, &error);
		s.group_count = 0;
	}
	for (size_t g = 0; g < s.group_count; g++) {
		if (s.groups[g].code != WIRE_NONE)
			groups_refused(k, &s.groups[g]);
		else if (members)
			put_members(k, table, &s.groups[g]);
		else if (k->run.options->common.json)
			put_json_group(k, &s, g);
		else
			put_group(table, &s, g);
	}
	snapshot_clear(&s);
	return run_finish(&k->run, table);
}

int kgroups_describe(void *run)
{
	struct kgroups *k = run;
	struct table *table = run_table(
		&k->run, group_columns,
		sizeof(group_columns) / sizeof(group_columns[0]), NULL);

	return table == NULL ? EXIT_USAGE : look(k, table, false);
}

int kgroups_members(void *run)
{
	struct kgroups *k = run;
	struct table *table = run_table(
		&k->run, member_columns,
		sizeof(member_columns) / sizeof(member_columns[0]), NULL);

	return table == NULL ? EXIT_USAGE : look(k, table, true);
}
