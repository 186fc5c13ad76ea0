/*
 * describe.c - ktopics describe
 *
 * On a pipe a row for each partition.  On a terminal the same table with a
 * line for each topic above it; as JSON an object for each topic, with its
 * partitions and its own settings inside.
 */
#include <stdlib.h>

#include "base/units.h"
#include "cli/json_writer.h"
#include "ktopics/configs.h"
#include "ktopics/offsets.h"
#include "wire/enums.h"
#include "wire/errors.h"

static const struct column columns[] = {
	{ "topic", COLUMN_TEXT },    { "partition", COLUMN_INT },
	{ "leader", COLUMN_INT },    { "epoch", COLUMN_INT },
	{ "replicas", COLUMN_LIST }, { "isr", COLUMN_LIST },
	{ "offline", COLUMN_LIST },  { "start", COLUMN_INT },
	{ "end", COLUMN_INT },
};

enum { START, END, QUERY_COUNT };

typedef const struct metadata_response_topics_partitions partition_info;

struct description {
	struct ktopics *k;
	struct topic_list topics;
	struct offset_list offsets;
	struct client_request *configs; /* NULL: not there */
	size_t shown;                   /* partitions */
};

/* Settings */

static const struct describe_configs_response_results *configs_of(
	const struct description *d, struct slice topic)
{
	const struct describe_configs_response *answer;

	if (d->configs == NULL)
		return NULL;
	answer = client_request_answer(d->configs);
	for (int32_t i = 0; i < answer->results_count; i++) {
		if (slice_equal(answer->results[i].resource_name, topic))
			return &answer->results[i];
	}
	return NULL;
}

static int64_t min_isr(const struct description *d, struct slice topic)
{
	const struct describe_configs_response_results *result =
		configs_of(d, topic);
	const struct describe_configs_response_results_configs *config =
		result == NULL ? NULL
			       : configs_find(result, "min.insync.replicas");
	int64_t value = 1;

	if (config != NULL && !slice_is_null(config->value))
		parse_int64(run_text(&d->k->run, config->value), &value);
	return value;
}

static void ask_configs(struct description *d)
{
	struct config_resource *resources =
		calloc(d->topics.count + 1, sizeof(*resources));

	if (resources == NULL)
		run_out_of_memory(&d->k->run);
	for (size_t i = 0; i < d->topics.count; i++)
		resources[i] = (struct config_resource){
			WIRE_CONFIG_RESOURCE_TYPE_TOPIC,
			run_text(&d->k->run, d->topics.items[i]->name),
		};
	d->configs =
		configs_describe(d->k, resources, d->topics.count, NULL, 0);
	free(resources);
}

/* Which partitions */

static bool is_selected(const struct description *d,
			const struct metadata_response_topics *topic,
			partition_info *p)
{
	const struct ktopics_options *o = &d->k->options;
	int64_t low;

	if (!o->under_replicated && !o->unavailable && !o->under_min_isr &&
	    !o->at_min_isr)
		return true;
	if (o->under_replicated && p->isr_nodes_count < p->replica_nodes_count)
		return true;
	if (o->unavailable && p->leader_id < 0)
		return true;
	if (!o->under_min_isr && !o->at_min_isr)
		return false;
	low = min_isr(d, topic->name);
	return (o->under_min_isr && p->isr_nodes_count < low) ||
	       (o->at_min_isr && p->isr_nodes_count == low);
}

/* Table */

static void put_row(struct description *d, struct table *table,
		    const struct partition_offsets *offsets)
{
	partition_info *p = offsets->partition;
	struct ktopics *k = d->k;

	table_text(table, run_text(&k->run, offsets->topic->name));
	table_int(table, p->partition_index);
	if (p->leader_id < 0)
		table_none(table);
	else
		table_int(table, p->leader_id);
	if (p->leader_epoch < 0)
		table_none(table);
	else
		table_int(table, p->leader_epoch);
	table_text(table,
		   topics_ids(k, p->replica_nodes, p->replica_nodes_count));
	table_text(table, topics_ids(k, p->isr_nodes, p->isr_nodes_count));
	table_text(table, topics_ids(k, p->offline_replicas,
				     p->offline_replicas_count));
	offsets_cell(table, &offsets->items[START]);
	offsets_cell(table, &offsets->items[END]);
	table_row_end(table);
}

/* "orders: id=..., retention.ms=1": what a table has no column for. */
static void put_heading(struct description *d,
			const struct metadata_response_topics *topic)
{
	const struct describe_configs_response_results *result =
		configs_of(d, topic->name);
	struct buffer *out = &d->k->run.out.buffer;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(topic->topic_id, id);
	buffer_printf(out, "%s: id=%s", run_text(&d->k->run, topic->name), id);
	if (topic->is_internal)
		buffer_put_text(out, " internal");
	for (int32_t i = 0; result != NULL && i < result->configs_count; i++) {
		if (result->configs[i].config_source !=
		    WIRE_CONFIG_SOURCE_TOPIC_CONFIG)
			continue;
		buffer_printf(out, " %s=%s",
			      run_text(&d->k->run, result->configs[i].name),
			      slice_is_null(result->configs[i].value)
				      ? ""
				      : run_text(&d->k->run,
						 result->configs[i].value));
	}
	buffer_put_u8(out, '\n');
}

static void print_table(struct description *d, struct table *table)
{
	if (d->k->run.out.terminal) {
		for (size_t i = 0; i < d->topics.count; i++)
			put_heading(d, d->topics.items[i]);
	}
	for (size_t i = 0; i < d->offsets.count; i++) {
		const struct partition_offsets *p = &d->offsets.partitions[i];

		if (!is_selected(d, p->topic, p->partition))
			continue;
		put_row(d, table, p);
		d->shown++;
	}
}

/* JSON */

static void put_ids(struct json_writer *w, const char *key, const int32_t *ids,
		    int32_t count)
{
	json_put_key(w, key);
	json_put_open(w, '[');
	for (int32_t i = 0; i < count; i++)
		json_put_int(w, ids[i]);
	json_put_close(w, ']');
}

static void put_offset(struct json_writer *w, const char *key,
		       const struct admin_offset *item)
{
	json_put_key(w, key);
	if (item->code == WIRE_NONE && item->offset >= 0)
		json_put_int(w, item->offset);
	else
		json_put_null(w);
}

static void put_partition(struct json_writer *w,
			  const struct partition_offsets *offsets)
{
	partition_info *p = offsets->partition;

	json_put_open(w, '{');
	json_member_int(w, "partition", p->partition_index);
	json_member_int(w, "leader", p->leader_id);
	json_member_int(w, "epoch", p->leader_epoch);
	put_ids(w, "replicas", p->replica_nodes, p->replica_nodes_count);
	put_ids(w, "isr", p->isr_nodes, p->isr_nodes_count);
	put_ids(w, "offline", p->offline_replicas, p->offline_replicas_count);
	put_offset(w, "start", &offsets->items[START]);
	put_offset(w, "end", &offsets->items[END]);
	json_put_close(w, '}');
}

static void put_configs(struct description *d, struct json_writer *w,
			struct slice topic)
{
	const struct describe_configs_response_results *result =
		configs_of(d, topic);

	json_put_key(w, "configs");
	json_put_open(w, '{');
	for (int32_t i = 0; result != NULL && i < result->configs_count; i++) {
		if (result->configs[i].config_source !=
		    WIRE_CONFIG_SOURCE_TOPIC_CONFIG)
			continue;
		json_put_key(w, run_text(&d->k->run, result->configs[i].name));
		json_put_slice(w, result->configs[i].value);
	}
	json_put_close(w, '}');
}

/* at: the first partition of the topic in the list of offsets. */
static void put_topic(struct description *d,
		      const struct metadata_response_topics *topic, size_t at)
{
	struct json_writer w = json_writer(&d->k->run.out.buffer);
	size_t before = d->shown;
	size_t start = d->k->run.out.buffer.len;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(topic->topic_id, id);
	json_put_open(&w, '{');
	json_put_key(&w, "name");
	json_put_slice(&w, topic->name);
	json_member_text(&w, "id", id);
	json_member_bool(&w, "internal", topic->is_internal);
	json_put_key(&w, "partitions");
	json_put_open(&w, '[');
	for (; at < d->offsets.count; at++) {
		const struct partition_offsets *p = &d->offsets.partitions[at];

		if (p->topic != topic)
			break;
		if (!is_selected(d, topic, p->partition))
			continue;
		put_partition(&w, p);
		d->shown++;
	}
	json_put_close(&w, ']');
	put_configs(d, &w, topic->name);
	json_put_close(&w, '}');
	buffer_put_u8(&d->k->run.out.buffer, '\n');
	if (d->shown == before && topic->partitions_count > 0)
		d->k->run.out.buffer.len = start; /* none of it was selected */
}

static void print_json(struct description *d)
{
	size_t at = 0;

	for (size_t i = 0; i < d->topics.count; i++) {
		put_topic(d, d->topics.items[i], at);
		at += (size_t)d->topics.items[i]->partitions_count;
		output_filled(&d->k->run.out, 0);
	}
}

/* The verb */

static bool wants_configs(const struct ktopics *k)
{
	return k->run.options->common.json || k->run.out.terminal ||
	       k->options.under_min_isr || k->options.at_min_isr;
}

static void describe(struct description *d, struct table *table)
{
	static const int64_t queries[] = { ADMIN_EARLIEST, ADMIN_LATEST };
	struct ktopics *k = d->k;

	if (d->topics.count == 0)
		return;
	if (!offsets_ask(k, &d->topics, queries, QUERY_COUNT, &d->offsets))
		return;
	if (wants_configs(k))
		ask_configs(d);
	if (k->run.options->common.json)
		print_json(d);
	else
		print_table(d, table);
	if (k->options.fail && d->shown > 0)
		k->run.status = exit_worse(k->run.status, EXIT_REFUSED);
	offsets_clear(&d->offsets);
	client_request_free(d->configs);
}

int ktopics_describe(void *run)
{
	struct description d = { .k = run };
	struct ktopics *k = run;
	struct table *table;
	int status;

	table = run_table(&k->run, columns,
			  sizeof(columns) / sizeof(columns[0]), NULL);
	if (table == NULL)
		return EXIT_USAGE;
	status = run_connect(&k->run);
	if (status == EXIT_GO_ON)
		status = topics_find(k, k->run.operands, k->run.operand_count,
				     TOPICS_ALL_IF_NONE | TOPICS_PATTERNS,
				     &d.topics);
	if (status == EXIT_GO_ON)
		describe(&d, table);
	topics_clear(&d.topics);
	if (status != EXIT_GO_ON) {
		table_free(table);
		return status;
	}
	return run_finish(&k->run, table);
}
