/*
 * change.c - a plan becomes what is committed
 */
#include "kgroups/change.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "kgroups/ends.h"
#include "kgroups/snapshot.h"
#include "kgroups/undo.h"
#include "wire/errors.h"

enum { POLL_MS = 250, GROUPS_AT_ONCE = 500 };

static const struct column columns[] = {
	{ "group", COLUMN_TEXT },    { "topic", COLUMN_TEXT },
	{ "partition", COLUMN_INT }, { "from", COLUMN_INT },
	{ "to", COLUMN_INT },        { "ok", COLUMN_BOOL },
	{ "error", COLUMN_TEXT },    { "code", COLUMN_INT },
	{ "message", COLUMN_TEXT },
};

static const char default_columns[] = "group,topic,partition,from,to,ok,error";

struct change {
	struct kgroups *k;
	struct plan *plan;
	struct group_list names;
	struct snapshot snapshot;
	const char **texts; /* why not, of each row; NULL: nothing */
	int16_t *codes;     /* of them; WIRE_NONE: it is ours to refuse */
	bool *good;         /* each row: to be done, later: done */
	struct table *table;
};

/* Refusing */

__attribute__((format(printf, 5, 6))) static void refuse(struct change *c,
							 size_t row, int status,
							 int16_t code,
							 const char *format,
							 ...)
{
	const struct plan_row *r = &c->plan->rows[row];
	struct run *run = &c->k->run;
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		run_out_of_memory(run);
	c->codes[row] = code;
	c->texts[row] = run_printf(run, "%s", text);
	free(text);
	c->good[row] = false;
	message_error(&run->messages, "%s/%s[%d]: %s", r->group, r->topic,
		      r->partition, c->texts[row]);
	run->status = exit_worse(run->status, status);
}

static void refuse_code(struct change *c, size_t row, int16_t code)
{
	refuse(c, row, (int)client_error_kind_of(code), code, "%s: %s",
	       client_code_name(code),
	       wire_error_text(code) == NULL ? "" : wire_error_text(code));
}

static int by_name(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

static size_t group_of(const struct change *c, const struct plan_row *row)
{
	/* NOLINTNEXTLINE(bugprone-sizeof-expression): pointers */
	const char **found = bsearch(row->group, c->names.items, c->names.count,
				     sizeof(*found), by_name);

	return (size_t)(found - c->names.items);
}

/* An offset for people: -1 is "nothing". */
static const char *offset_text(struct change *c, int64_t offset)
{
	return offset < 0 ? "nothing"
			  : run_printf(&c->k->run, "%lld", (long long)offset);
}

/* Can the group be changed by us? */
static bool check_group(struct change *c, size_t row)
{
	size_t g = group_of(c, &c->plan->rows[row]);
	const struct admin_group_info *info = &c->snapshot.groups[g];

	if (info->code != WIRE_NONE && info->code != WIRE_GROUP_ID_NOT_FOUND) {
		refuse_code(c, row, info->code);
		return false;
	}
	/* What no member reads may be forgotten; the coordinator knows. */
	if (info->member_count == 0 || c->plan->rows[row].to < 0)
		return true;
	refuse(c, row, EXIT_REFUSED, WIRE_NON_EMPTY_GROUP,
	       "the group is in use (%s, members: %zu); stop them, "
	       "--wait-empty "
	       "T waits for that",
	       info->state, info->member_count);
	return false;
}

static void check_row(struct change *c, size_t i,
		      const struct partition_ends *ends)
{
	struct plan_row *row = &c->plan->rows[i];
	const struct position *p = snapshot_find(&c->snapshot, group_of(c, row),
						 row->topic, row->partition);
	int64_t committed = p == NULL ? -1 : p->committed;
	bool force = c->k->options.force;

	if (!check_group(c, i))
		return;
	if (row->has_from && row->from != committed && !force) {
		refuse(c, i, EXIT_REFUSED, WIRE_NONE,
		       "%s is committed, not %s as the plan says; --force sets "
		       "it all the same",
		       offset_text(c, committed), offset_text(c, row->from));
		return;
	}
	row->from = committed;
	if (row->to < 0) {
		/* There is nothing to forget: it is done. */
		c->good[i] = true;
		return;
	}
	if (ends->code != WIRE_NONE) {
		refuse_code(c, i, ends->code);
		return;
	}
	if (row->to > ends->end && !force) {
		refuse(c, i, EXIT_REFUSED, WIRE_OFFSET_OUT_OF_RANGE,
		       "%lld is beyond the end, %lld; --force sets it all the "
		       "same",
		       (long long)row->to, (long long)ends->end);
		return;
	}
	if (row->to < ends->start)
		message_warning(&c->k->run.messages,
				"%s/%s[%d]: %lld is before the start, %lld: "
				"that is where it goes on",
				row->group, row->topic, row->partition,
				(long long)row->to, (long long)ends->start);
	c->good[i] = true;
}

static void check_rows(struct change *c)
{
	struct plan *plan = c->plan;
	struct partition_ends *ends =
		run_alloc(&c->k->run, plan->count, sizeof(*ends));
	struct client_error error = { 0 };

	for (size_t i = 0; i < plan->count; i++)
		ends[i] = (struct partition_ends){
			.topic = plan->rows[i].topic,
			.partition = plan->rows[i].partition,
		};
	if (ends_read(c->k, ends, plan->count, -1, &error) < 0) {
		run_fail(&c->k->run, &error);
		return;
	}
	for (size_t i = 0; i < plan->count; i++)
		check_row(c, i, &ends[i]);
}

/* Waiting until the groups are empty */

/* EXIT_GO_ON: they are, or whoever is not is refused later. */
static int wait_empty(struct change *c)
{
	struct run *run = &c->k->run;
	int64_t end_ms = loop_now_ms(run->loop) + c->k->options.wait_empty_ms;
	struct admin_group_info *infos =
		run_alloc(run, c->names.count, sizeof(*infos));
	bool empty = false;

	if (c->k->options.wait_empty_ms == 0)
		return EXIT_GO_ON;
	while (!empty) {
		struct admin_answers answers = { 0 };
		struct client_error error = { 0 };

		if (admin_describe_groups(run->client, c->names.items,
					  c->names.types, c->names.count,
					  run->options->common.step_timeout_ms,
					  &answers, infos, &error) < 0) {
			run_fail(run, &error);
			admin_answers_clear(&answers);
			return run->status;
		}
		empty = true;
		for (size_t g = 0; g < c->names.count; g++)
			empty = empty && infos[g].member_count == 0;
		admin_answers_clear(&answers);
		if (loop_now_ms(run->loop) >= end_ms)
			return EXIT_GO_ON;
		if (!empty)
			run_sleep(run, POLL_MS);
	}
	return EXIT_GO_ON;
}

/* Doing it */

/* Groups whose offsets are asked for side by side. */
struct asking {
	struct admin_group *groups;
	size_t group_count;
	struct admin_group_offset *offsets; /* of all groups, in order */
	size_t *places;                     /* the row of each */
	size_t count;
};

static size_t count_of_group(const struct plan *plan, size_t first)
{
	size_t i = first;

	while (i < plan->count &&
	       strcmp(plan->rows[i].group, plan->rows[first].group) == 0)
		i++;
	return i - first;
}

/* Rows of one group that are to be committed, or to be forgotten. */
static void pick(struct change *c, struct asking *a, size_t first, bool forget)
{
	size_t end = first + count_of_group(c->plan, first);
	size_t g = group_of(c, &c->plan->rows[first]);
	struct admin_group *group = &a->groups[a->group_count];

	*group = (struct admin_group){
		.name = c->names.items[g],
		.coordinator = c->snapshot.groups[g].coordinator,
		.offsets = a->offsets + a->count,
	};
	for (size_t i = first; i < end; i++) {
		const struct plan_row *row = &c->plan->rows[i];

		if (!c->good[i] || (row->to < 0) != forget)
			continue;
		a->places[a->count] = i;
		a->offsets[a->count++] = (struct admin_group_offset){
			.topic = row->topic,
			.partition = row->partition,
			.offset = row->to,
			.leader_epoch = -1,
			.metadata = slice_of(""),
			.code = WIRE_UNKNOWN_SERVER_ERROR,
		};
		group->offset_count++;
	}
	a->group_count += group->offset_count > 0;
}

static void tell_codes(struct change *c, const struct admin_group *group,
		       const size_t *places)
{
	for (size_t i = 0; i < group->offset_count; i++) {
		int16_t code = group->code;
		const struct plan_row *row = &c->plan->rows[places[i]];

		if (code == WIRE_NONE)
			code = group->offsets[i].code;
		/* Nothing was there, and nothing is: fine. */
		if (row->to < 0 && row->from < 0 &&
		    code == WIRE_GROUP_ID_NOT_FOUND)
			continue;
		if (code != WIRE_NONE)
			refuse_code(c, places[i], code);
	}
}

static void ask(struct change *c, struct asking *a,
		enum admin_group_question question)
{
	struct run *run = &c->k->run;
	struct admin_answers answers = { 0 };
	struct client_error error = { 0 };
	const size_t *places = a->places;

	if (a->group_count > 0 &&
	    admin_ask_groups(run->client, question, a->groups, a->group_count,
			     run->options->common.step_timeout_ms, &answers,
			     &error) < 0) {
		for (size_t i = 0; i < a->count; i++)
			refuse(c, a->places[i], (int)error.kind,
			       WIRE_REQUEST_TIMED_OUT, "%s", error.text);
		a->group_count = 0;
	}
	for (size_t g = 0; g < a->group_count; g++) {
		tell_codes(c, &a->groups[g], places);
		places += a->groups[g].offset_count;
	}
	admin_answers_clear(&answers);
	a->group_count = 0;
	a->count = 0;
}

static void ask_all(struct change *c, bool forget,
		    enum admin_group_question question)
{
	struct plan *plan = c->plan;
	struct run *run = &c->k->run;
	struct asking a = {
		.groups = run_alloc(run, GROUPS_AT_ONCE, sizeof(*a.groups)),
		.offsets = run_alloc(run, plan->count, sizeof(*a.offsets)),
		.places = run_alloc(run, plan->count, sizeof(*a.places)),
	};

	for (size_t i = 0; i < plan->count; i += count_of_group(plan, i)) {
		pick(c, &a, i, forget);
		if (a.group_count == GROUPS_AT_ONCE)
			ask(c, &a, question);
	}
	ask(c, &a, question);
}

/* Is it as it should be now? */
static void verify(struct change *c)
{
	struct client_error error = { 0 };
	struct snapshot now;

	if (snapshot_take(c->k, &c->names, NULL, SNAPSHOT_NO_ENDS, &now,
			  &error) < 0)
		run_fail(&c->k->run, &error);
	for (size_t i = 0; now.groups != NULL && error.kind == CLIENT_OK &&
			   i < c->plan->count;
	     i++) {
		const struct plan_row *row = &c->plan->rows[i];
		const struct position *p = snapshot_find(
			&now, group_of(c, row), row->topic, row->partition);
		int64_t committed = p == NULL ? -1 : p->committed;

		if (c->good[i] && committed != row->to)
			refuse(c, i, EXIT_REFUSED, WIRE_NONE,
			       "%s is committed now, not %s: somebody else "
			       "commits too",
			       offset_text(c, committed),
			       offset_text(c, row->to));
	}
	snapshot_clear(&now);
}

static bool all_good(const struct change *c)
{
	for (size_t i = 0; i < c->plan->count; i++) {
		if (!c->good[i])
			return false;
	}
	return true;
}

static bool any_good(const struct change *c)
{
	for (size_t i = 0; i < c->plan->count; i++) {
		if (c->good[i])
			return true;
	}
	return false;
}

static void put_error(struct change *c, size_t row)
{
	int16_t code = c->codes[row];

	if (c->texts[row] == NULL)
		table_none(c->table);
	else
		table_text(c->table, code == WIRE_NONE
					     ? "NOT_AS_PLANNED"
					     : client_code_name(code));
	if (code == WIRE_NONE)
		table_none(c->table);
	else
		table_int(c->table, code);
	table_text(c->table, c->texts[row]);
}

static void put_rows(struct change *c)
{
	for (size_t i = 0; i < c->plan->count; i++) {
		const struct plan_row *row = &c->plan->rows[i];

		table_text(c->table, row->group);
		table_text(c->table, row->topic);
		table_int(c->table, row->partition);
		if (row->from < 0)
			table_none(c->table);
		else
			table_int(c->table, row->from);
		if (row->to < 0)
			table_none(c->table);
		else
			table_int(c->table, row->to);
		table_int(c->table, c->good[i]);
		put_error(c, i);
		table_row_end(c->table);
	}
}

static void commit_all(struct change *c)
{
	struct undo undo;
	int status = undo_open(c->k, &undo);

	if (status == EXIT_GO_ON)
		status = undo_write(&undo, c->plan, c->good);
	if (status != EXIT_GO_ON) {
		c->k->run.status = exit_worse(c->k->run.status, status);
		for (size_t i = 0; i < c->plan->count; i++)
			c->good[i] = false;
		return;
	}
	ask_all(c, false, ADMIN_COMMIT_OFFSETS);
	ask_all(c, true, ADMIN_FORGET_OFFSETS);
	verify(c);
	if (!all_good(c))
		undo_write(&undo, c->plan, c->good);
	undo_close(&undo, any_good(c));
}

static int check_and_commit(struct change *c, int (*before_commit)(void *arg),
			    void *arg)
{
	struct kgroups *k = c->k;
	struct client_error error = { 0 };
	int status = wait_empty(c);

	if (status != EXIT_GO_ON)
		return status;
	if (snapshot_take(k, &c->names, NULL, SNAPSHOT_NO_ENDS, &c->snapshot,
			  &error) < 0) {
		run_fail(&k->run, &error);
		return k->run.status;
	}
	assert(c->snapshot.groups != NULL);
	check_rows(c);
	if (before_commit != NULL && all_good(c) && !k->run.options->dry_run) {
		status = before_commit(arg);
		if (status != EXIT_GO_ON)
			return status;
	}
	if (any_good(c) && !k->run.options->dry_run &&
	    (before_commit == NULL || all_good(c)))
		commit_all(c);
	put_rows(c);
	return EXIT_GO_ON;
}

static void list_names(struct change *c)
{
	const struct plan *plan = c->plan;

	c->names.items =
		run_alloc(&c->k->run, plan->count, sizeof(*c->names.items));
	c->names.types =
		run_alloc(&c->k->run, plan->count, sizeof(*c->names.types));
	for (size_t i = 0; i < plan->count; i += count_of_group(plan, i))
		c->names.items[c->names.count++] = plan->rows[i].group;
}

int change_apply(struct kgroups *k, struct plan *plan,
		 int (*before_commit)(void *arg), void *arg)
{
	struct change c = { .k = k, .plan = plan };
	const struct plan_row *twin;
	int status;

	plan_sort(plan);
	twin = plan_twin(plan);
	if (twin != NULL)
		return message_fail(&k->run.messages, EXIT_BAD_DATA,
				    "%s/%s[%d] is in the plan twice, also in "
				    "line %lld; nothing changed",
				    twin->group, twin->topic, twin->partition,
				    (long long)twin->line);
	if (plan->count == 0) {
		message_notice(&k->run.messages, "the plan is empty");
		return k->run.status;
	}
	c.table = run_table(
		&k->run, columns, sizeof(columns) / sizeof(columns[0]),
		k->run.options->common.json ? NULL : default_columns);
	if (c.table == NULL)
		return EXIT_USAGE;
	c.texts = run_alloc(&k->run, plan->count, sizeof(*c.texts));
	c.codes = run_alloc(&k->run, plan->count, sizeof(*c.codes));
	c.good = run_alloc(&k->run, plan->count, sizeof(*c.good));
	list_names(&c);
	status = check_and_commit(&c, before_commit, arg);
	snapshot_clear(&c.snapshot);
	if (status != EXIT_GO_ON) {
		table_free(c.table);
		return exit_worse(k->run.status, status);
	}
	return run_finish(&k->run, c.table);
}
