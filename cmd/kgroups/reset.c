/*
 * reset.c - kgroups reset
 *
 * Makes a plan: for each group and partition that is meant, what is committed,
 * and what is to be.  With --execute the plan is applied at once, the same way
 * as by kgroups apply.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "kgroups/change.h"
#include "kgroups/ends.h"
#include "kgroups/plan_file.h"
#include "kgroups/snapshot.h"
#include "kgroups/target.h"
#include "kgroups/times.h"
#include "wire/errors.h"

struct reset {
	struct kgroups *k;
	struct target target;
	struct topic_choices choices;
	struct group_list names;
	struct snapshot snapshot;
	struct plan other; /* of --to group:G and file:F */
	struct plan plan;
};

static void add_row(struct reset *r, const char *group, const char *topic,
		    int32_t partition, int64_t committed)
{
	const struct plan_row row = {
		.group = group,
		.topic = topic,
		.partition = partition,
		.from = committed,
		.to = -1,
		.has_from = true,
		.from_ms = -1,
		.to_ms = -1,
	};

	if (plan_add(&r->plan, &row) < 0)
		run_out_of_memory(&r->k->run);
}

/* What --to takes offsets from */

static int read_other_group(struct reset *r)
{
	const char *name[] = { r->target.name };
	const struct group_list names = { .items = name, .count = 1 };
	struct kgroups *k = r->k;
	struct client_error error = { 0 };
	struct snapshot s;
	int status = EXIT_GO_ON;

	if (snapshot_take(k, &names, NULL, SNAPSHOT_NO_ENDS, &s, &error) < 0) {
		run_fail(&k->run, &error);
		status = k->run.status;
	} else if (snapshot_lacks(&s, 0)) {
		groups_refused(k, &s.groups[0]);
		status = k->run.status;
	}
	for (size_t i = 0; status == EXIT_GO_ON && i < s.count; i++) {
		const struct plan_row row = {
			.group = r->target.name,
			.topic = run_text(&k->run, slice_of(s.items[i].topic)),
			.partition = s.items[i].partition,
			.to = s.items[i].committed,
		};

		if (row.to >= 0 && plan_add(&r->other, &row) < 0)
			run_out_of_memory(&k->run);
	}
	snapshot_clear(&s);
	plan_sort(&r->other);
	return status;
}

static int read_other_file(struct reset *r)
{
	char *name[] = { run_text(&r->k->run, slice_of(r->target.name)) };
	struct run *run = &r->k->run;
	char **operands = run->operands;
	int count = run->operand_count;
	int status;

	/* A row that names no group is for every group. */
	r->k->options.group = "";
	run->operands = name;
	run->operand_count = 1;
	status = plan_files_read(r->k, &r->other);
	run->operands = operands;
	run->operand_count = count;
	plan_sort(&r->other);
	return status;
}

static int64_t other_offset(const struct reset *r, const struct plan_row *row)
{
	const struct plan_row *found;

	if (r->target.kind == TARGET_GROUP) {
		found = plan_find(&r->other, r->target.name, row->topic,
				  row->partition);
	} else {
		found = plan_find(&r->other, row->group, row->topic,
				  row->partition);
		if (found == NULL)
			found = plan_find(&r->other, "", row->topic,
					  row->partition);
	}
	return found == NULL ? -1 : found->to;
}

/* Which partitions */

static int64_t committed_of(const struct reset *r, size_t g, const char *topic,
			    int32_t partition)
{
	const struct position *p =
		snapshot_find(&r->snapshot, g, topic, partition);

	return p == NULL ? -1 : p->committed;
}

/* All that the group has committed. */
static void add_committed(struct reset *r, size_t g)
{
	for (size_t i = 0; i < r->snapshot.count; i++) {
		const struct position *p = &r->snapshot.items[i];

		if (p->group == g && p->committed >= 0)
			add_row(r, r->names.items[g], p->topic, p->partition,
				p->committed);
	}
}

/* The partitions of --to group:G or file:F. */
static void add_other(struct reset *r, size_t g)
{
	const char *group = r->names.items[g];

	for (size_t i = 0; i < r->other.count; i++) {
		const struct plan_row *row = &r->other.rows[i];

		if (r->target.kind == TARGET_FILE && row->group[0] != '\0' &&
		    strcmp(row->group, group) != 0)
			continue;
		add_row(r, group, row->topic, row->partition,
			committed_of(r, g, row->topic, row->partition));
	}
}

static void add_choice(struct reset *r, size_t g, const struct topic_choice *c)
{
	struct run *run = &r->k->run;
	const char *group = r->names.items[g];
	const struct client_topic *topic;
	struct client_error error = { 0 };
	int32_t count;

	if (client_topic_load(run->client, c->topic, false, false,
			      run->options->common.step_timeout_ms, &topic,
			      &error) < 0) {
		if (g == 0)
			run_fail(run, &error);
		return;
	}
	count = topic->partition_count;
	for (size_t i = 0; c->partitions != NULL && i < c->count; i++) {
		if (c->partitions[i] < count) {
			add_row(r, group, c->topic, c->partitions[i],
				committed_of(r, g, c->topic, c->partitions[i]));
			continue;
		}
		run->status = exit_worse(
			run->status,
			message_fail(&run->messages, EXIT_MISSING,
				     "topic '%s' has no partition %d, only %d",
				     c->topic, c->partitions[i], count));
	}
	for (int32_t i = 0; c->partitions == NULL && i < count; i++)
		add_row(r, group, c->topic, i, committed_of(r, g, c->topic, i));
}

static void add_rows(struct reset *r)
{
	struct run *run = &r->k->run;

	for (size_t g = 0; g < r->names.count; g++) {
		if (r->choices.count == 0 && snapshot_lacks(&r->snapshot, g) &&
		    r->k->options.all_topics) {
			groups_refused(r->k, &r->snapshot.groups[g]);
			continue;
		}
		if (r->choices.count == 0 && r->k->options.all_topics)
			add_committed(r, g);
		else if (r->choices.count == 0)
			add_other(r, g);
		for (size_t i = 0; i < r->choices.count; i++)
			add_choice(r, g, &r->choices.items[i]);
	}
	plan_sort(&r->plan);
	if (plan_twin(&r->plan) != NULL)
		run->status = exit_worse(
			run->status,
			message_usage(&run->messages, "%s[%d] is named twice",
				      plan_twin(&r->plan)->topic,
				      plan_twin(&r->plan)->partition));
}

/* Where to */

static void tell_clamped(struct reset *r, const struct plan_row *row,
			 int64_t wanted)
{
	if (row->to != wanted)
		message_warning(
			&r->k->run.messages,
			"%s/%s[%d]: %lld is outside what is there; %lld "
			"is taken",
			row->group, row->topic, row->partition,
			(long long)wanted, (long long)row->to);
}

static bool aim(struct reset *r, struct plan_row *row,
		const struct partition_ends *ends)
{
	struct run *run = &r->k->run;
	const struct target_place place = {
		.committed = row->from,
		.start = ends->start,
		.end = ends->end,
		.at_time = ends->at,
		.other = other_offset(r, row),
	};
	struct client_error error = { 0 };
	char subject[300];
	int64_t wanted;

	if (ends->code != WIRE_NONE) {
		snprintf(subject, sizeof(subject), "%s[%d]", row->topic,
			 row->partition);
		client_error_from_code(&error, ends->code, subject, NULL);
		run_fail(run, &error);
		return false;
	}
	row->to = target_offset(&r->target, &place, &wanted);
	if (row->to < 0) {
		message_warning(&run->messages,
				"%s/%s[%d]: nothing is committed to go by; "
				"left out",
				row->group, row->topic, row->partition);
		return false;
	}
	tell_clamped(r, row, wanted);
	return true;
}

static bool aim_all(struct reset *r)
{
	struct run *run = &r->k->run;
	struct partition_ends *ends =
		run_alloc(run, r->plan.count + 1, sizeof(*ends));
	struct record_time *times =
		run_alloc(run, 2 * r->plan.count + 1, sizeof(*times));
	struct client_error error = { 0 };
	size_t kept = 0;

	for (size_t i = 0; i < r->plan.count; i++)
		ends[i] = (struct partition_ends){
			.topic = r->plan.rows[i].topic,
			.partition = r->plan.rows[i].partition,
		};
	if (ends_read(r->k, ends, r->plan.count,
		      r->target.kind == TARGET_TIME ? r->target.value : -1,
		      &error) < 0) {
		run_fail(run, &error);
		return false;
	}
	for (size_t i = 0; i < r->plan.count; i++) {
		struct plan_row row = r->plan.rows[i];

		if (!aim(r, &row, &ends[i]))
			continue;
		times[2 * kept] =
			(struct record_time){ row.topic, row.partition,
					      row.from, ends[i].end, -1 };
		times[2 * kept + 1] =
			(struct record_time){ row.topic, row.partition, row.to,
					      ends[i].end, -1 };
		if (times[2 * kept].offset < ends[i].start)
			times[2 * kept].offset = -1; /* it is gone */
		r->plan.rows[kept++] = row;
	}
	r->plan.count = kept;
	times_read(r->k, times, 2 * kept);
	for (size_t i = 0; i < kept; i++) {
		r->plan.rows[i].from_ms = times[2 * i].timestamp_ms;
		r->plan.rows[i].to_ms = times[2 * i + 1].timestamp_ms;
	}
	return true;
}

/* A name that was typed wrong is a new group once the plan is applied. */
static void warn_of_new_groups(struct reset *r)
{
	for (size_t g = 0; g < r->names.count; g++) {
		const char *group = r->names.items[g];
		size_t i = 0;

		while (i < r->plan.count &&
		       strcmp(r->plan.rows[i].group, group) != 0)
			i++;
		if (i < r->plan.count && snapshot_lacks(&r->snapshot, g))
			message_warning(&r->k->run.messages,
					"group '%s' does not exist yet; apply "
					"will make it",
					group);
	}
}

/* The verb */

static int check_options(struct reset *r)
{
	struct kgroups *k = r->k;
	struct clock *clock = clock_system();
	bool takes = false;

	if (k->options.to == NULL)
		return message_usage(&k->run.messages,
				     "--to says where: earliest, latest, an "
				     "offset, +N, -N, a time, -2h ...");
	if (target_parse(k->options.to, clock->wall_ms(clock), &r->target) < 0)
		return message_usage(&k->run.messages,
				     "--to: '%s' is not earliest, latest, "
				     "current, N, +N, -N, a time, group:G or "
				     "file:F",
				     k->options.to);
	takes = r->target.kind == TARGET_GROUP || r->target.kind == TARGET_FILE;
	if (!choices_read(k, &r->choices))
		return EXIT_USAGE;
	if (r->choices.count > 0 && k->options.all_topics)
		return message_usage(&k->run.messages,
				     "-t or --all-topics, not both");
	if (r->choices.count == 0 && !k->options.all_topics && !takes)
		return message_usage(&k->run.messages,
				     "of which partitions? -t TOPIC, -t "
				     "TOPIC:0,1 or --all-topics");
	return EXIT_GO_ON;
}

static void print_plan(struct reset *r)
{
	struct output *out = &r->k->run.out;
	bool json = r->k->run.options->common.json;

	if (!json && (r->plan.count > 0 || r->k->run.status == EXIT_OK))
		plan_put_header(&out->buffer);
	for (size_t i = 0; i < r->plan.count; i++) {
		if (json)
			plan_put_json(&out->buffer, &r->plan.rows[i]);
		else
			plan_put_csv(&out->buffer, &r->plan.rows[i]);
		output_filled(out, 0);
	}
	message_notice(&r->k->run.messages,
		       "nothing is changed; kgroups apply does it");
}

static int make_plan(struct reset *r)
{
	struct kgroups *k = r->k;
	struct client_error error = { 0 };
	int status = EXIT_GO_ON;

	if (r->target.kind == TARGET_FILE)
		status = read_other_file(r);
	if (status != EXIT_GO_ON)
		return status;
	times_prepare(k);
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = groups_find(k, &r->names);
	if (status == EXIT_GO_ON && r->target.kind == TARGET_GROUP)
		status = read_other_group(r);
	if (status != EXIT_GO_ON)
		return status;
	if (snapshot_take(k, &r->names, NULL, SNAPSHOT_NO_ENDS, &r->snapshot,
			  &error) < 0) {
		run_fail(&k->run, &error);
		return k->run.status;
	}
	for (size_t g = 0; g < r->names.count; g++) {
		int16_t code = r->snapshot.groups[g].code;

		if (code != WIRE_NONE && code != WIRE_GROUP_ID_NOT_FOUND) {
			groups_refused(k, &r->snapshot.groups[g]);
			return k->run.status;
		}
	}
	add_rows(r);
	if (!aim_all(r))
		return k->run.status;
	warn_of_new_groups(r);
	return EXIT_GO_ON;
}

int kgroups_reset(void *run)
{
	struct kgroups *k = run;
	struct reset r = { .k = k };
	int status = check_options(&r);

	if (status == EXIT_GO_ON)
		status = make_plan(&r);
	if (status == EXIT_GO_ON && k->run.status == EXIT_USAGE)
		status = EXIT_USAGE;
	if (status == EXIT_GO_ON) {
		if (k->options.execute && k->run.status == EXIT_OK) {
			status = change_apply(k, &r.plan, NULL, NULL);
		} else {
			print_plan(&r);
			status = k->run.status;
		}
	}
	plan_clear(&r.plan);
	plan_clear(&r.other);
	snapshot_clear(&r.snapshot);
	return status;
}
