/*
 * delete.c - kgroups delete, kgroups forget
 *
 * Both take names only, never patterns: '*' is a letter like others, and they
 * ask on a terminal.  forget is a
 * plan whose rows lead to nothing, so there is a way back from it.
 */
#include <stdio.h>

#include "kgroups/change.h"
#include "kgroups/snapshot.h"
#include "wire/errors.h"

/* Delete */

static int check_twins(struct kgroups *k)
{
	for (int i = 0; i < k->run.operand_count; i++) {
		for (int j = 0; j < i; j++) {
			if (strcmp(k->run.operands[i], k->run.operands[j]) == 0)
				return message_usage(
					&k->run.messages,
					"group '%s' is named twice",
					k->run.operands[i]);
		}
	}
	return EXIT_GO_ON;
}

static int confirm_delete(struct kgroups *k, const struct group_list *names)
{
	struct buffer question = { 0 };
	int status;

	buffer_printf(&question,
		      "Delete %zu group%s and all committed offsets:",
		      names->count, names->count == 1 ? "" : "s");
	for (size_t i = 0; i < names->count; i++)
		buffer_printf(&question, " %s", names->items[i]);
	status = run_confirm(&k->run, "deleting", buffer_text(&question));
	buffer_clear(&question);
	return status;
}

/* What became of a group, or would. */
static void tell(struct kgroups *k, const char *name, int16_t code,
		 struct slice message)
{
	if (code == WIRE_NONE)
		run_done(&k->run, "group", name, "group '%s' %s", name,
			 k->run.options->dry_run ? "would be deleted"
						 : "deleted");
	else if (code == WIRE_GROUP_ID_NOT_FOUND && k->options.if_exists)
		run_done(&k->run, "group", name, "group '%s' is not there",
			 name);
	else
		run_refused(&k->run, "group", name, code, message);
}

static void dry_run(struct kgroups *k, const struct group_list *names)
{
	struct client_error error = { 0 };
	struct snapshot s;

	if (snapshot_take(k, names, NULL, SNAPSHOT_NO_ENDS, &s, &error) < 0) {
		run_fail(&k->run, &error);
		s.group_count = 0;
	}
	for (size_t g = 0; g < s.group_count; g++) {
		const struct admin_group_info *info = &s.groups[g];
		int16_t code = info->code;

		if (code == WIRE_GROUP_ID_NOT_FOUND && !snapshot_lacks(&s, g))
			code = WIRE_NONE;
		if (info->member_count > 0)
			code = WIRE_NON_EMPTY_GROUP;
		tell(k, info->name, code, SLICE_NULL);
	}
	snapshot_clear(&s);
}

static void delete_all(struct kgroups *k, const struct group_list *names)
{
	struct admin_group *groups =
		run_alloc(&k->run, names->count, sizeof(*groups));
	struct admin_answers answers = { 0 };
	struct client_error error = { 0 };
	size_t count = names->count;

	for (size_t i = 0; i < count; i++)
		groups[i] = (struct admin_group){ .name = names->items[i],
						  .coordinator = -1 };
	if (admin_ask_groups(k->run.client, ADMIN_DELETE_GROUPS, groups, count,
			     k->run.options->common.step_timeout_ms, &answers,
			     &error) < 0) {
		run_fail(&k->run, &error);
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		if (groups[i].code != WIRE_NONE)
			run_tell_done(&k->run);
	}
	for (size_t i = 0; i < count; i++)
		tell(k, groups[i].name, groups[i].code, groups[i].message);
	admin_answers_clear(&answers);
}

int kgroups_delete(void *run)
{
	struct kgroups *k = run;
	struct group_list names = {
		.items = (const char **)k->run.operands,
		.count = (size_t)k->run.operand_count,
	};
	int status = check_twins(k);

	if (status == EXIT_GO_ON)
		status = confirm_delete(k, &names);
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status != EXIT_GO_ON)
		return status;
	if (k->run.options->dry_run)
		dry_run(k, &names);
	else
		delete_all(k, &names);
	return k->run.status;
}

/* Forget */

static int confirm_forget(struct kgroups *k, const struct plan *plan)
{
	char question[300];

	snprintf(question, sizeof(question),
		 "Delete what group '%.200s' committed for %zu partitions",
		 k->run.operands[0], plan->count);
	return run_confirm(&k->run, "forgetting", question);
}

static int plan_forget(struct kgroups *k, const struct topic_choices *choices,
		       struct plan *plan)
{
	const char *name[] = { k->run.operands[0] };
	const struct group_list names = { .items = name, .count = 1 };
	struct client_error error = { 0 };
	struct snapshot s;
	int status = EXIT_GO_ON;

	if (snapshot_take(k, &names, choices, SNAPSHOT_NO_ENDS, &s, &error) <
	    0) {
		run_fail(&k->run, &error);
		status = k->run.status;
	} else if (s.groups[0].code != WIRE_NONE && s.count == 0) {
		groups_refused(k, &s.groups[0]);
		status = k->run.status;
	}
	for (size_t i = 0; status == EXIT_GO_ON && i < s.count; i++) {
		const struct plan_row row = {
			.group = name[0],
			.topic = run_text(&k->run, slice_of(s.items[i].topic)),
			.partition = s.items[i].partition,
			.from = s.items[i].committed,
			.has_from = true,
			.to = -1,
			.from_ms = -1,
			.to_ms = -1,
		};

		if (row.from >= 0 && plan_add(plan, &row) < 0)
			run_out_of_memory(&k->run);
	}
	snapshot_clear(&s);
	if (status == EXIT_GO_ON && plan->count == 0)
		status = message_fail(&k->run.messages, EXIT_MISSING,
				      "group '%s' has committed nothing for "
				      "these topics",
				      name[0]);
	return status;
}

int kgroups_forget(void *run)
{
	struct kgroups *k = run;
	struct topic_choices choices;
	struct plan plan = { 0 };
	int status = EXIT_GO_ON;

	if (status == EXIT_GO_ON && k->options.topics.count == 0)
		status = message_usage(&k->run.messages,
				       "forget which topics? -t TOPIC");
	if (status == EXIT_GO_ON && !choices_read(k, &choices))
		status = EXIT_USAGE;
	if (status == EXIT_GO_ON)
		status = run_can_confirm(&k->run, "forgetting");
	if (status == EXIT_GO_ON)
		status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = plan_forget(k, &choices, &plan);
	if (status == EXIT_GO_ON)
		status = confirm_forget(k, &plan);
	if (status == EXIT_GO_ON)
		status = change_apply(k, &plan, NULL, NULL);
	plan_clear(&plan);
	return status;
}
