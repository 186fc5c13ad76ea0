/*
 * why.c - kgroups why
 *
 * Looks at the groups for some seconds: offsets at the beginning and the end,
 * members often in between.  What that means is said by findings.c.
 */
#include <stdlib.h>

#include "base/units.h"
#include "client/admin.h"
#include "kgroups/findings.h"
#include "kgroups/times.h"
#include "wire/errors.h"

/* Longer than the five seconds in which most clients commit. */
enum { OVER_DEFAULT_MS = 6000, LOOK_MS = 500 };

static const struct column columns[] = {
	{ "group", COLUMN_TEXT },    { "severity", COLUMN_TEXT },
	{ "finding", COLUMN_TEXT },  { "topic", COLUMN_TEXT },
	{ "partition", COLUMN_INT }, { "text", COLUMN_TEXT },
};

struct why {
	struct kgroups *k;
	struct group_list names;
	struct topic_choices choices;
	struct snapshot before;
	struct snapshot after;
	/* What members, state and epoch of each group were at the last look. */
	uint64_t *marks;
	int *changes;
	struct topic_rule *rules;
	size_t rule_count;
};

/* Changes of members */

static uint64_t mix(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3;
	return hash;
}

/* The order of members does not matter, so their hashes are added. */
static uint64_t mark_of(const struct admin_group_info *info)
{
	uint64_t mark = 0;

	for (size_t i = 0; i < info->member_count; i++)
		mark += mix(0xcbf29ce484222325, info->members[i].id);
	mark ^= (uint64_t)(uint32_t)info->epoch << 20;
	return strcasecmp(info->state, "stable") == 0 ||
			       strcasecmp(info->state, "empty") == 0
		       ? mark
		       : mix(mark, info->state);
}

static void note_marks(struct why *w, const struct admin_group_info *infos,
		       bool first)
{
	for (size_t g = 0; g < w->names.count; g++) {
		uint64_t mark = mark_of(&infos[g]);

		if (!first && mark != w->marks[g])
			w->changes[g]++;
		w->marks[g] = mark;
	}
}

static void look_at_members(struct why *w)
{
	struct run *run = &w->k->run;
	struct admin_group_info *infos =
		calloc(w->names.count + 1, sizeof(*infos));
	struct admin_answers answers = { 0 };
	struct client_error error = { 0 };

	if (infos == NULL)
		run_out_of_memory(run);
	if (admin_describe_groups(run->client, w->names.items, w->names.types,
				  w->names.count,
				  run->options->common.step_timeout_ms,
				  &answers, infos, &error) == 0)
		note_marks(w, infos, false);
	admin_answers_clear(&answers);
	free(infos);
}

/* Retention */

static int64_t retention_of(struct why *w, const char *topic)
{
	struct run *run = &w->k->run;
	struct client_error error = { 0 };
	struct buffer value = { 0 };
	int64_t ms = -1;

	if (admin_topic_config(run->client, topic, "cleanup.policy",
			       run->options->common.step_timeout_ms, &value,
			       &error) == 0 &&
	    strstr(buffer_text(&value), "delete") != NULL) {
		buffer_reset(&value);
		if (admin_topic_config(run->client, topic, "retention.ms",
				       run->options->common.step_timeout_ms,
				       &value, &error) == 0)
			parse_int64(buffer_text(&value), &ms);
	}
	buffer_clear(&value);
	return ms;
}

static bool has_rule(const struct why *w, const char *topic)
{
	for (size_t i = 0; i < w->rule_count; i++) {
		if (strcmp(w->rules[i].topic, topic) == 0)
			return true;
	}
	return false;
}

/* Only of topics in which something waits. */
static void read_rules(struct why *w)
{
	const struct snapshot *s = &w->after;

	w->rules = run_alloc(&w->k->run, s->count + 1, sizeof(*w->rules));
	for (size_t i = 0; i < s->count; i++) {
		const char *topic = s->items[i].topic;

		if (position_lag(&s->items[i]) <= 0 || has_rule(w, topic))
			continue;
		w->rules[w->rule_count++] = (struct topic_rule){
			.topic = topic,
			.retention_ms = retention_of(w, topic),
		};
	}
}

/* Measuring */

static bool take(struct why *w, unsigned flags, struct snapshot *s)
{
	struct client_error error = { 0 };

	if (snapshot_take(w->k, &w->names, &w->choices, flags, s, &error) == 0)
		return true;
	run_fail(&w->k->run, &error);
	return false;
}

static bool measure(struct why *w)
{
	struct run *run = &w->k->run;
	int64_t over_ms = w->k->options.over_ms > 0 ? w->k->options.over_ms
						    : OVER_DEFAULT_MS;
	int64_t end_ms;

	if (!take(w, 0, &w->before))
		return false;
	note_marks(w, w->before.groups, true);
	end_ms = loop_now_ms(run->loop) + over_ms;
	for (;;) {
		int64_t left = end_ms - loop_now_ms(run->loop);

		if (left <= 0)
			break;
		run_sleep(run, left < LOOK_MS ? left : LOOK_MS);
		look_at_members(w);
	}
	if (!take(w, SNAPSHOT_TIMES, &w->after))
		return false;
	note_marks(w, w->after.groups, false);
	read_rules(w);
	return true;
}

/* Saying */

static void put_findings(struct why *w, struct table *table, size_t g)
{
	struct run *run = &w->k->run;
	const struct evidence evidence = {
		.before = &w->before,
		.after = &w->after,
		.group = g,
		.changes = w->changes[g],
		.rules = w->rules,
		.rule_count = w->rule_count,
	};
	struct findings findings;

	if (findings_make(&evidence, &run->arena, &findings) < 0)
		run_out_of_memory(run);
	for (size_t i = 0; i < findings.count; i++) {
		const struct finding *f = &findings.items[i];

		table_text(table, w->after.groups[g].name);
		table_text(table, finding_severity_name(f->severity));
		table_text(table, f->kind);
		table_text(table, f->topic);
		if (f->partition < 0)
			table_none(table);
		else
			table_int(table, f->partition);
		table_text(table, f->text);
		table_row_end(table);
	}
}

static void explain(struct why *w, struct table *table)
{
	for (size_t g = 0; g < w->after.group_count; g++) {
		const struct admin_group_info *info = &w->after.groups[g];

		/* Offsets may be there although nobody knows the group. */
		if (info->code != WIRE_NONE &&
		    (info->code != WIRE_GROUP_ID_NOT_FOUND ||
		     snapshot_lacks(&w->after, g)))
			groups_refused(w->k, info);
		else
			put_findings(w, table, g);
	}
}

int kgroups_why(void *run)
{
	struct kgroups *k = run;
	struct why w = { .k = k };
	struct table *table;
	int status;

	if (!choices_read(k, &w.choices))
		return EXIT_USAGE;
	table = run_table(&k->run, columns,
			  sizeof(columns) / sizeof(columns[0]),
			  "group,severity,finding,text");
	if (table == NULL)
		return EXIT_USAGE;
	times_prepare(k);
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = groups_find(k, &w.names);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	w.marks = run_alloc(&k->run, w.names.count + 1, sizeof(*w.marks));
	w.changes = run_alloc(&k->run, w.names.count + 1, sizeof(*w.changes));
	if (measure(&w))
		explain(&w, table);
	snapshot_clear(&w.before);
	snapshot_clear(&w.after);
	return run_finish(&k->run, table);
}
