/*
 * status.c - /status: what the status page shows, as JSON
 *
 *	since=N      samples of the history from number N on (0: all)
 *	q=TEXT       topics with this in their name
 *	sort=KEY     name partitions size records in out last; -KEY: descending
 *	limit=N      topics at most (50; up to 500)
 *	topic=T      its partitions too, from=N on
 *	gq=TEXT      groups with this in their name
 *	gsort=KEY    name type state members lag; -KEY: descending (-lag)
 *	glimit=N     groups at most (30; up to 500)
 *	cq=TEXT      connections with this in address, client id or software
 *	climit=N     connections at most (30; up to 500)
 *
 * The searching and sorting is done here, so that the page shows a few rows of
 * ten thousand.  Sizes are bytes, rates are per second, times are ms since
 * 1970.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/http/pages.h"
#include "kbrokerd/http/status_json.h"
#include "kbrokerd/metrics/metrics.h"
#include "kbrokerd/server/server.h"
#include "wire/errors.h"
#include "wire/wire.h"

enum {
	TOPICS_SHOWN = 50,
	CONNECTIONS_SHOWN = 30,
	ERRORS_SHOWN = 50,
};

/* A number with a few digits behind the point, as a value. */
static void put_number(struct json_writer *w, double value)
{
	char text[32];
	bool small = value > -1e15 && value < 1e15;

	if (small && value == (double)(int64_t)value) {
		json_put_int(w, (int64_t)value);
		return;
	}
	snprintf(text, sizeof(text), "%.6g", value);
	if (w->comma)
		buffer_put_text(w->out, ",");
	buffer_put_text(w->out, text);
	w->comma = true;
}

static void put_rate(struct json_writer *w, const char *key, double value)
{
	json_put_key(w, key);
	put_number(w, value < 100 ? (double)(int64_t)(value * 10) / 10
				  : (double)(int64_t)value);
}

void status_put_known(struct json_writer *w, const char *key, int64_t value)
{
	json_put_key(w, key);
	if (value < 0)
		json_put_null(w);
	else
		json_put_int(w, value);
}

/* The broker */

static void put_listeners(struct json_writer *w, const struct broker *broker)
{
	const struct server *s = broker->server;
	char text[400];

	json_put_key(w, "listeners");
	json_put_open(w, '[');
	for (size_t i = 0; i < s->listener_count; i++) {
		const struct listener_config *config = s->listeners[i].config;
		bool is_v6 = strchr(config->host, ':') != NULL;

		if (s->listeners[i].port < 0)
			snprintf(text, sizeof(text), "unix:%s", config->host);
		else
			snprintf(text, sizeof(text), "%s://%s%s%s:%d",
				 config->name, is_v6 ? "[" : "", config->host,
				 is_v6 ? "]" : "", s->listeners[i].port);
		json_put_text(w, text);
	}
	json_put_close(w, ']');
}

static void put_broker(struct json_writer *w, const struct visit *v)
{
	const struct broker *broker = v->broker;
	const struct config *config = broker->config;
	struct clock *clock = broker->clock;
	int64_t up_us = clock->monotonic_us(clock) - v->metrics->started_us;
	struct process_facts p;

	metrics_process(&p);
	json_put_key(w, "broker");
	json_put_open(w, '{');
	json_member_text(w, "state",
			 v->phase == HTTP_SERVING ? "serving" : "stopping");
	json_member_text(w, "version", KSPOOL_VERSION);
	json_member_int(w, "node", broker->identity.node_id);
	json_member_text(w, "cluster", broker->identity.cluster_id);
	json_member_int(w, "started_ms", v->metrics->started_ms);
	json_member_int(w, "uptime_ms", up_us / 1000);
	json_member_int(w, "now_ms", clock->wall_ms(clock));
	json_member_text(w, "data_dir", config->data_dir);
	json_member_text(w, "flush_mode",
			 config->flush_commit ? "commit" : "os");
	put_listeners(w, broker);
	json_member_int(w, "resident_bytes", p.resident_bytes);
	status_put_known(w, "open_files", p.open_files);
	status_put_known(w, "max_files", p.max_files);
	json_put_close(w, '}');
}

static void put_disk(struct json_writer *w, const struct visit *v)
{
	struct disk_facts disk;

	metrics_disk(v->metrics, &disk);
	json_put_key(w, "disk");
	json_put_open(w, '{');
	status_put_known(w, "size_bytes", disk.size_bytes);
	status_put_known(w, "free_bytes", disk.free_bytes);
	json_member_int(w, "used_bytes", disk.used_bytes);
	json_put_close(w, '}');
}

static void put_cluster(struct json_writer *w, const struct visit *v)
{
	struct cluster_facts c;

	metrics_cluster(v->metrics, &c);
	json_put_key(w, "cluster");
	json_put_open(w, '{');
	json_member_int(w, "topics", c.topics);
	json_member_int(w, "partitions", c.partitions);
	json_member_int(w, "leaders", c.leaders);
	json_member_int(w, "under_replicated", c.under_replicated);
	json_member_int(w, "offline", c.offline);
	json_put_close(w, '}');
}

/* The last minutes */

static void put_history(struct json_writer *w, const struct visit *v)
{
	const struct history *h = &v->metrics->history;
	int64_t first =
		history_first(h, visit_number(v, "since", INT64_MAX, 0));

	json_put_key(w, "history");
	json_put_open(w, '{');
	json_member_int(w, "first", first);
	json_member_int(w, "next", h->count);
	for (size_t s = 0; s < HISTORY_SERIES; s++) {
		json_put_key(w, history_names[s]);
		json_put_open(w, '[');
		for (int64_t i = first; i < h->count; i++)
			put_number(w, (double)history_at(h, i)[s]);
		json_put_close(w, ']');
	}
	json_put_close(w, '}');
}

/* Topics */

static const struct {
	const char *key;
	enum topic_order order;
} orders[] = {
	{ "name", TOPICS_BY_NAME },
	{ "partitions", TOPICS_BY_PARTITIONS },
	{ "size", TOPICS_BY_SIZE },
	{ "records", TOPICS_BY_RECORDS },
	{ "in", TOPICS_BY_IN },
	{ "out", TOPICS_BY_OUT },
	{ "last", TOPICS_BY_LAST_WRITE },
};

static enum topic_order order_of(const struct visit *v, bool *descending_out)
{
	const char *key = visit_parameter(v, "sort", "name");

	*descending_out = key[0] == '-';
	key += *descending_out;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		if (strcmp(orders[i].key, key) == 0)
			return orders[i].order;
	}
	return TOPICS_BY_NAME;
}

/* The oldest first. */
static void put_spark(struct json_writer *w, const struct spark *s,
		      int64_t newest)
{
	json_put_key(w, "spark");
	if (s == NULL) {
		json_put_null(w);
		return;
	}
	json_put_open(w, '[');
	for (int64_t n = newest - SPARK_POINTS + 1; n <= newest; n++) {
		bool is_there =
			n <= s->last && n > s->last - SPARK_POINTS && n >= 0;

		put_number(w, is_there ? (double)(int64_t)(double)
						 s->points[n % SPARK_POINTS]
				       : 0);
	}
	json_put_close(w, ']');
}

static void put_topic(struct json_writer *w, const struct topic_row *row,
		      int64_t newest)
{
	json_put_open(w, '{');
	json_member_text(w, "name", row->name);
	json_member_int(w, "partitions", row->partition_count);
	if (row->offline_count > 0)
		json_member_int(w, "offline", row->offline_count);
	if (row->under_replicated_count > 0)
		json_member_int(w, "under_replicated",
				row->under_replicated_count);
	json_member_int(w, "size_bytes", row->size_bytes);
	json_member_int(w, "records", row->records);
	put_rate(w, "in", row->in_rate);
	put_rate(w, "out", row->out_rate);
	put_rate(w, "records_in", row->records_in_rate);
	status_put_known(w, "last_write_ms", row->last_write_ms);
	put_spark(w, row->spark, newest);
	json_put_close(w, '}');
}

static void put_topics(struct json_writer *w, const struct visit *v)
{
	const struct topic_table *table = v->metrics->topics;
	size_t limit =
		(size_t)visit_number(v, "limit", STATUS_ROWS_MAX, TOPICS_SHOWN);
	int64_t newest = topic_table_looked_us(table) / 1000000 / SPARK_SECONDS;
	const struct topic_row **rows;
	bool descending;
	enum topic_order order = order_of(v, &descending);
	size_t count = topic_table_list(table, visit_parameter(v, "q", ""),
					order, descending, &rows);

	json_put_key(w, "topics");
	json_put_open(w, '{');
	json_member_int(w, "total", (int64_t)topic_table_count(table));
	json_member_int(w, "matched", (int64_t)count);
	json_put_key(w, "rows");
	json_put_open(w, '[');
	for (size_t i = 0; i < count && i < limit; i++)
		put_topic(w, rows[i], newest);
	json_put_close(w, ']');
	json_put_close(w, '}');
	free(rows);
}

/* The partitions of one topic */

struct partition_walk {
	struct uuid id;
	int32_t from, count;
	struct partition_facts *facts; /* of from on */
};

static void on_partition(void *arg, const struct partition_facts *f)
{
	const struct partition_walk *walk = arg;

	if (!uuid_equal(f->topic_id, walk->id) || f->index < walk->from ||
	    f->index - walk->from >= walk->count)
		return;
	walk->facts[f->index - walk->from] = *f;
}

static void put_partition(struct json_writer *w,
			  const struct partition_image *image, int32_t index,
			  const struct partition_facts *f)
{
	json_put_open(w, '{');
	json_member_int(w, "partition", index);
	json_member_int(w, "leader", image->leader);
	json_member_int(w, "replicas", image->replica_count);
	json_member_int(w, "in_sync", image->isr_count);
	if (f->offline)
		json_member_bool(w, "offline", true);
	json_member_int(w, "start_offset", f->log_start);
	json_member_int(w, "end_offset", f->log_end);
	json_member_int(w, "high_watermark", f->high_watermark);
	json_member_int(w, "size_bytes", f->size_bytes);
	status_put_known(w, "segments", f->segment_count);
	status_put_known(w, "last_write_ms", f->last_write_ms);
	json_member_int(w, "bytes_in", f->traffic.bytes_in);
	json_member_int(w, "bytes_out", f->traffic.bytes_out);
	json_put_close(w, '}');
}

static void put_partitions_of(struct json_writer *w, const struct visit *v,
			      const struct topic_image *topic)
{
	int32_t from =
		(int32_t)visit_number(v, "from", topic->partition_count - 1, 0);
	int32_t left = topic->partition_count - from;
	struct partition_walk walk = {
		.id = topic->id,
		.from = from,
		.count = left < STATUS_ROWS_MAX ? left : STATUS_ROWS_MAX,
	};

	walk.facts = calloc((size_t)walk.count + 1, sizeof(*walk.facts));
	if (walk.facts == NULL) {
		w->out->failed = true;
		return;
	}
	for (int32_t i = 0; i < walk.count; i++)
		walk.facts[i].last_write_ms = -1;
	partition_facts_each(v->broker->partitions, on_partition, &walk);
	for (int32_t i = 0; i < walk.count; i++)
		put_partition(w, &topic->partitions[from + i], from + i,
			      &walk.facts[i]);
	free(walk.facts);
}

static void put_one_topic(struct json_writer *w, const struct visit *v)
{
	const char *name = visit_parameter(v, "topic", NULL);
	const struct image *image;
	const struct topic_image *topic;

	if (name == NULL)
		return;
	image = metadata_image(v->broker->metadata);
	topic = image_topic(image, slice_of(name));
	json_put_key(w, "topic");
	if (topic == NULL) {
		json_put_null(w);
	} else {
		json_put_open(w, '{');
		json_member_text(w, "name", name);
		json_member_int(w, "partitions", topic->partition_count);
		json_put_key(w, "rows");
		json_put_open(w, '[');
		put_partitions_of(w, v, topic);
		json_put_close(w, ']');
		json_put_close(w, '}');
	}
	image_release(image);
}

/* Connections */

static void put_connection(struct json_writer *w, const struct meter_row *row)
{
	json_put_open(w, '{');
	json_member_text(w, "peer", row->peer);
	json_member_text(w, "client_id", row->client_id);
	json_member_text(w, "software", row->software);
	json_member_text(w, "listener", row->listener);
	json_member_int(w, "opened_ms", row->opened_ms);
	json_member_int(w, "last_ms", row->last_ms);
	json_member_int(w, "requests", row->requests);
	put_rate(w, "request_rate", row->requests_rate);
	put_rate(w, "in", row->in_rate);
	put_rate(w, "out", row->out_rate);
	json_put_close(w, '}');
}

static void put_connections(struct json_writer *w, const struct visit *v)
{
	size_t limit = (size_t)visit_number(v, "climit", STATUS_ROWS_MAX,
					    CONNECTIONS_SHOWN);
	struct meter_row *rows = calloc(limit + 1, sizeof(*rows));
	size_t count;
	size_t total;
	size_t matched;

	if (rows == NULL) {
		w->out->failed = true;
		return;
	}
	count = meters_list(v->metrics->meters, visit_parameter(v, "cq", ""),
			    rows, limit, &total, &matched);
	json_put_key(w, "connections");
	json_put_open(w, '{');
	json_member_int(w, "total", (int64_t)total);
	json_member_int(w, "matched", (int64_t)matched);
	json_put_key(w, "rows");
	json_put_open(w, '[');
	for (size_t i = 0; i < count; i++)
		put_connection(w, &rows[i]);
	json_put_close(w, ']');
	json_put_close(w, '}');
	free(rows);
}

/* Requests and errors */

static void put_apis(struct json_writer *w, const struct visit *v)
{
	json_put_key(w, "apis");
	json_put_open(w, '[');
	for (int16_t key = 0; key < COUNTERS_APIS; key++) {
		const struct api_rate *a = &v->metrics->apis[key];

		if (a->last.requests == 0)
			continue;
		json_put_open(w, '{');
		json_member_text(w, "name", wire_api(key)->name);
		json_member_int(w, "requests", a->last.requests);
		put_rate(w, "rate", a->rate);
		status_put_known(w, "p50_us", a->p50_us);
		status_put_known(w, "p99_us", a->p99_us);
		status_put_known(w, "all_p50_us",
				 histogram_percentile_us(&a->last.took, 50));
		status_put_known(w, "all_p99_us",
				 histogram_percentile_us(&a->last.took, 99));
		json_put_close(w, '}');
	}
	json_put_close(w, ']');
}

struct error_sum {
	int16_t api, code;
	int64_t count;
};

struct error_sums {
	struct error_sum items[COUNTERS_ERRORS];
	size_t count;
};

static void on_error(void *arg, int16_t api, int16_t code, int64_t count)
{
	struct error_sums *sums = arg;

	for (size_t i = 0; i < sums->count; i++) {
		if (sums->items[i].api == api && sums->items[i].code == code) {
			sums->items[i].count += count;
			return;
		}
	}
	if (sums->count < COUNTERS_ERRORS)
		sums->items[sums->count++] =
			(struct error_sum){ api, code, count };
}

static int by_count(const void *a, const void *b)
{
	const struct error_sum *x = a;
	const struct error_sum *y = b;

	return (y->count > x->count) - (y->count < x->count);
}

static void put_errors(struct json_writer *w, const struct visit *v)
{
	struct error_sums sums = { .count = 0 };

	counters_each_error(v->metrics->counters, on_error, &sums);
	qsort(sums.items, sums.count, sizeof(sums.items[0]), by_count);
	json_put_key(w, "errors");
	json_put_open(w, '[');
	for (size_t i = 0; i < sums.count && i < ERRORS_SHOWN; i++) {
		const struct error_sum *e = &sums.items[i];
		const struct wire_api *api = wire_api(e->api);

		json_put_open(w, '{');
		json_member_text(w, "api", api == NULL ? "other" : api->name);
		json_member_text(w, "error", wire_error_name(e->code));
		json_member_int(w, "count", e->count);
		json_put_close(w, '}');
	}
	json_put_close(w, ']');
}

void page_status(struct visit *v)
{
	struct buffer out = { 0 };
	struct json_writer w = json_writer(&out);

	metrics_watch(v->metrics);
	json_put_open(&w, '{');
	put_broker(&w, v);
	put_cluster(&w, v);
	put_disk(&w, v);
	put_history(&w, v);
	put_topics(&w, v);
	put_one_topic(&w, v);
	status_put_groups(&w, v);
	put_connections(&w, v);
	put_apis(&w, v);
	put_errors(&w, v);
	json_put_close(&w, '}');
	visit_answer_buffer(v, "application/json", &out);
}
