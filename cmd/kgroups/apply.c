/*
 * apply.c - kgroups apply, import, export and clone
 *
 * apply compares what is committed with what the plan says; import does not,
 * for what was exported says nothing of what is there now; clone wants nothing
 * to be there.
 */
#include <string.h>

#include "cli/json_writer.h"
#include "kgroups/change.h"
#include "kgroups/plan_file.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

/* -G is for rows that name no group.  Who gives it beside a plan of another
 * group means one of the two, and we cannot know which. */
static int check_groups(struct kgroups *k, const struct plan *plan)
{
	const char *group = k->options.group;

	for (size_t i = 0; group != NULL && i < plan->count; i++) {
		const struct plan_row *row = &plan->rows[i];

		if (strcmp(row->group, group) != 0)
			return message_fail(
				&k->run.messages, EXIT_BAD_DATA,
				"line %lld of the plan is for group '%s', -G "
				"says '%s'; nothing changed",
				(long long)row->line, row->group, group);
	}
	return EXIT_GO_ON;
}

int kgroups_apply(void *run)
{
	struct kgroups *k = run;
	struct plan plan = { 0 };
	int status = plan_files_read(k, &plan);

	if (status == EXIT_GO_ON)
		status = check_groups(k, &plan);
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = change_apply(k, &plan, NULL, NULL);
	plan_clear(&plan);
	return status;
}

int kgroups_import(void *run)
{
	struct kgroups *k = run;
	struct plan plan = { 0 };
	int status = plan_files_read(k, &plan);

	for (size_t i = 0; i < plan.count; i++) {
		plan.rows[i].has_from = false;
		if (k->options.group != NULL)
			plan.rows[i].group = k->options.group;
	}
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = change_apply(k, &plan, NULL, NULL);
	plan_clear(&plan);
	return status;
}

/* Offsets of groups, for export and clone: EXIT_GO_ON, or the status. */
static int fetch(struct kgroups *k, const struct group_list *names,
		 struct snapshot *s)
{
	struct topic_choices choices;
	struct client_error error = { 0 };

	if (!choices_read(k, &choices))
		return EXIT_USAGE;
	if (snapshot_take(k, names, &choices, SNAPSHOT_NO_ENDS, s, &error) <
	    0) {
		run_fail(&k->run, &error);
		return k->run.status;
	}
	if (s->count == 0)
		choices_found_nothing(k, &choices);
	for (size_t g = 0; g < s->group_count; g++) {
		/* What -t leaves out does not make the group missing. */
		if (s->groups[g].code != WIRE_NONE &&
		    (choices.count == 0 ? snapshot_lacks(s, g) : true))
			groups_refused(k, &s->groups[g]);
	}
	return EXIT_GO_ON;
}

/* Export */

static void put_csv(struct buffer *out, const char *group,
		    const struct position *p)
{
	plan_put_field(out, group);
	buffer_put_u8(out, ',');
	plan_put_field(out, p->topic);
	buffer_printf(out, ",%d,%lld\n", p->partition, (long long)p->committed);
}

static void put_json(struct buffer *out, const char *group,
		     const struct position *p)
{
	struct json_writer w = json_writer(out);

	json_put_open(&w, '{');
	json_member_bytes(&w, "group", slice_of(group));
	json_member_text(&w, "topic", p->topic);
	json_member_int(&w, "partition", p->partition);
	json_member_int(&w, "offset", p->committed);
	json_member_int(&w, "leader_epoch", p->leader_epoch);
	json_member_bytes(&w, "metadata", p->metadata);
	json_put_close(&w, '}');
	buffer_put_u8(out, '\n');
}

int kgroups_export(void *run)
{
	struct kgroups *k = run;
	struct snapshot s = { 0 };
	struct group_list names;
	int status = run_connect(&k->run);

	if (status == EXIT_GO_ON)
		status = groups_find(k, &names);
	if (status == EXIT_GO_ON)
		status = fetch(k, &names, &s);
	for (size_t i = 0; status == EXIT_GO_ON && i < s.count; i++) {
		const struct position *p = &s.items[i];

		if (p->committed < 0)
			continue;
		if (k->run.options->common.json)
			put_json(&k->run.out.buffer, names.items[p->group], p);
		else
			put_csv(&k->run.out.buffer, names.items[p->group], p);
		output_filled(&k->run.out, 0);
	}
	snapshot_clear(&s);
	return status == EXIT_GO_ON ? k->run.status : status;
}

/* Clone */

int kgroups_clone(void *run)
{
	struct kgroups *k = run;
	const char *from[] = { k->run.operands[0] };
	const struct group_list names = { .items = from, .count = 1 };
	struct plan plan = { 0 };
	struct snapshot s = { 0 };
	int status = run_connect(&k->run);

	if (status == EXIT_GO_ON)
		status = fetch(k, &names, &s);
	for (size_t i = 0; status == EXIT_GO_ON && i < s.count; i++) {
		const struct plan_row row = {
			.group = k->run.operands[1],
			.topic = s.items[i].topic,
			.partition = s.items[i].partition,
			.from = -1,
			.has_from = true,
			.to = s.items[i].committed,
			.from_ms = -1,
			.to_ms = -1,
		};

		if (row.to >= 0 && plan_add(&plan, &row) < 0)
			run_out_of_memory(&k->run);
	}
	if (status == EXIT_GO_ON)
		status = k->run.status == EXIT_OK
				 ? change_apply(k, &plan, NULL, NULL)
				 : k->run.status;
	plan_clear(&plan);
	snapshot_clear(&s);
	return status;
}
