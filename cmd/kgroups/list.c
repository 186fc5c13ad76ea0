/*
 * list.c - kgroups list
 *
 * One request to each broker.  What costs more (members, lag) is asked for
 * only where its column is printed.
 */
#include <stdlib.h>

#include "kgroups/snapshot.h"
#include "wire/errors.h"

static const struct column columns[] = {
	{ "group", COLUMN_TEXT },      { "state", COLUMN_TEXT },
	{ "type", COLUMN_TEXT },       { "protocol", COLUMN_TEXT },
	{ "coordinator", COLUMN_INT }, { "members", COLUMN_INT },
	{ "lag", COLUMN_INT },
};

static int by_name(const void *a, const void *b)
{
	const struct admin_listed_group *x = a;
	const struct admin_listed_group *y = b;

	return strcmp(x->name, y->name);
}

/* "classic"; groups that only commit offsets are "simple". */
static const char *type_of(struct kgroups *k,
			   const struct admin_listed_group *group)
{
	char *type;

	if (group->protocol[0] == '\0' &&
	    (group->type[0] == '\0' || strcasecmp(group->type, "classic") == 0))
		return "simple";
	type = run_text(&k->run, slice_of(group->type));
	for (char *c = type; *c != '\0'; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
	return type;
}

static bool is_selected(struct kgroups *k, const struct group_list *names,
			const struct admin_listed_group *group)
{
	const struct kgroups_options *o = &k->options;
	bool named = k->run.operand_count == 0;

	for (size_t i = 0; !named && i < names->count; i++)
		named = strcmp(names->items[i], group->name) == 0;
	return named &&
	       (o->states == NULL || groups_word_in(group->state, o->states)) &&
	       (o->types == NULL ||
		groups_word_in(type_of(k, group), o->types));
}

static int64_t lag_of(const struct snapshot *s, size_t group)
{
	int64_t sum = 0;

	for (size_t i = 0; i < s->count; i++) {
		if (s->items[i].group == group &&
		    position_lag(&s->items[i]) > 0)
			sum += position_lag(&s->items[i]);
	}
	return sum;
}

static void put_row(struct kgroups *k, struct table *table,
		    const struct admin_listed_group *group,
		    const struct snapshot *s, size_t at)
{
	bool told = at < s->group_count && s->groups[at].code == WIRE_NONE;

	table_text(table, group->name);
	table_text(table, group->state[0] == '\0' ? NULL : group->state);
	table_text(table, type_of(k, group));
	table_text(table, group->protocol);
	table_int(table, group->coordinator);
	if (told)
		table_int(table, (int64_t)s->groups[at].member_count);
	else
		table_none(table);
	if (told && s->items != NULL)
		table_int(table, lag_of(s, at));
	else
		table_none(table);
	table_row_end(table);
}

/* Those that were selected, told more of if a column wants it. */
static void print(struct kgroups *k, struct table *table,
		  const struct admin_listed_group *groups, size_t count)
{
	struct group_list names = {
		.items = run_alloc(&k->run, count + 1, sizeof(*names.items)),
		.types = run_alloc(&k->run, count + 1, sizeof(*names.types)),
		.count = count,
	};
	struct client_error error = { 0 };
	struct snapshot s = { 0 };

	for (size_t i = 0; i < count; i++) {
		names.items[i] = groups[i].name;
		names.types[i] = groups[i].type;
	}
	if (table_wants(table, "members") || table_wants(table, "lag")) {
		unsigned flags =
			table_wants(table, "lag") ? 0 : SNAPSHOT_NO_ENDS;

		if (snapshot_take(k, &names, NULL, flags, &s, &error) < 0) {
			run_fail(&k->run, &error);
			s.group_count = 0;
		}
	}
	for (size_t i = 0; i < count; i++)
		put_row(k, table, &groups[i], &s, i);
	snapshot_clear(&s);
}

static void list(struct kgroups *k, struct table *table,
		 const struct group_list *names)
{
	int16_t min_version = 0;
	struct admin_answers answers = { 0 };
	struct admin_listed_group *groups;
	struct client_error error = { 0 };
	size_t kept = 0;
	size_t count;

	if (k->options.types != NULL)
		min_version = ADMIN_LIST_TYPES;
	else if (k->options.states != NULL)
		min_version = ADMIN_LIST_STATES;
	if (admin_list_groups(k->run.client, min_version,
			      k->run.options->common.step_timeout_ms, &answers,
			      &groups, &count, &error) < 0) {
		run_fail(&k->run, &error);
	} else {
		for (size_t i = 0; i < count; i++) {
			if (is_selected(k, names, &groups[i]))
				groups[kept++] = groups[i];
		}
		if (kept > 0)
			qsort(groups, kept, sizeof(*groups), by_name);
		print(k, table, groups, kept);
	}
	admin_answers_clear(&answers);
}

/* Names that are no pattern and that nobody lists. */
static void tell_missing(struct kgroups *k, const struct group_list *names)
{
	struct admin_answers answers = { 0 };
	struct admin_group_info *infos =
		run_alloc(&k->run, names->count + 1, sizeof(*infos));
	struct client_error error = { 0 };

	if (names->count > 0 &&
	    admin_describe_groups(k->run.client, names->items, names->types,
				  names->count,
				  k->run.options->common.step_timeout_ms,
				  &answers, infos, &error) < 0)
		run_fail(&k->run, &error);
	else
		for (size_t i = 0; i < names->count; i++) {
			if (infos[i].code == WIRE_GROUP_ID_NOT_FOUND)
				groups_refused(k, &infos[i]);
		}
	admin_answers_clear(&answers);
}

int kgroups_list(void *run)
{
	struct kgroups *k = run;
	struct group_list names = { 0 };
	struct table *table;
	int status;

	table = run_table(&k->run, columns,
			  sizeof(columns) / sizeof(columns[0]),
			  k->options.long_list ? NULL : "group");
	if (table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON && k->run.operand_count > 0)
		status = groups_find(k, &names);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	if (!groups_are_patterns(k->run.operands, k->run.operand_count))
		tell_missing(k, &names);
	list(k, table, &names);
	return run_finish(&k->run, table);
}
