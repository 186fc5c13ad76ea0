/*
 * status_groups.c - the groups of /status: those that lag the most first
 */
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/http/status_json.h"
#include "kbrokerd/metrics/metrics.h"

enum { GROUPS_SHOWN = 30 };

static const struct {
	const char *key;
	enum group_order order;
} orders[] = {
	{ "name", GROUPS_BY_NAME },   { "type", GROUPS_BY_TYPE },
	{ "state", GROUPS_BY_STATE }, { "members", GROUPS_BY_MEMBERS },
	{ "lag", GROUPS_BY_LAG },
};

static enum group_order order_of(const struct visit *v, bool *descending_out)
{
	const char *key = visit_parameter(v, "gsort", "-lag");

	*descending_out = key[0] == '-';
	key += *descending_out;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(orders[i].key, key) == 0)
			return orders[i].order;
	}
	return GROUPS_BY_NAME;
}

static void put_group(struct json_writer *w, const struct group_summary *s)
{
	json_put_open(w, '{');
	json_member_text(w, "name", s->name);
	json_member_text(w, "type", s->type);
	json_member_text(w, "state", s->state);
	json_member_int(w, "members", s->member_count);
	json_member_int(w, "partitions", (int64_t)s->partition_count);
	json_member_int(w, "lag_records", s->lag_records);
	status_put_known(w, "lag_ms", s->lag_ms);
	json_put_close(w, '}');
}

void status_put_groups(struct json_writer *w, const struct visit *v)
{
	struct group_table *table = v->metrics->groups;
	size_t limit = (size_t)visit_number(v, "glimit", STATUS_ROWS_MAX,
					    GROUPS_SHOWN);
	struct group_summary **rows;
	bool descending;
	enum group_order order = order_of(v, &descending);
	size_t count;

	metrics_look_at_groups(v->metrics);
	count = group_table_list(table, visit_parameter(v, "gq", ""), order,
				 descending, &rows);
	if (limit > count)
		limit = count;
	group_table_time(table, v->broker, rows, limit);
	json_put_key(w, "groups");
	json_put_open(w, '{');
	json_member_int(w, "total", (int64_t)group_table_count(table));
	json_member_int(w, "matched", (int64_t)count);
	json_put_key(w, "rows");
	json_put_open(w, '[');
	for (size_t i = 0; i < limit; i++)
		put_group(w, rows[i]);
	json_put_close(w, ']');
	json_put_close(w, '}');
	free(rows);
}
