/*
 * families.c - which metrics there are
 *
 * Every label's values are bounded: APIs and error codes by the protocol,
 * listeners by the configuration, topics by metrics.topic.limit, groups by
 * metrics.group.limit.  An API has series from its first request on.
 */
#include "kbrokerd/metrics/families.h"

#include <stdlib.h>
#include <string.h>

#include "kbrokerd/api/fetch_session.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/export.h"
#include "kbrokerd/metrics/group_families.h"
#include "kbrokerd/metrics/metrics.h"
#include "kbrokerd/metrics/pushed.h"
#include "kbrokerd/server/server.h"
#include "wire/errors.h"
#include "wire/wire.h"

/* The process and the node */

static void write_process(struct exposition *e, const struct metrics *m)
{
	struct process_facts p;

	metrics_process(&p);
	exposition_family(e, "process_cpu_seconds", EXPOSITION_COUNTER,
			  "User and system time of the process.");
	exposition_us(e, p.cpu_us);
	exposition_one(e, "process_resident_memory_bytes", EXPOSITION_GAUGE,
		       "Memory of the process.", p.resident_bytes);
	exposition_one(e, "process_virtual_memory_bytes", EXPOSITION_GAUGE,
		       "Address space of the process.", p.virtual_bytes);
	exposition_one(e, "process_open_fds", EXPOSITION_GAUGE,
		       "Open file descriptors.", p.open_files);
	exposition_one(e, "process_max_fds", EXPOSITION_GAUGE,
		       "File descriptors that may be open; -1: no limit.",
		       p.max_files);
	exposition_family(e, "process_start_time_seconds", EXPOSITION_GAUGE,
			  "When the process began, since 1970.");
	exposition_ms(e, m->started_ms);
}

static void write_node(struct exposition *e, const struct metrics *m)
{
	const struct data_dir_identity *identity = &m->broker->identity;

	exposition_one(e, "kbrokerd_up", EXPOSITION_GAUGE,
		       "1 while the broker serves.", 1);
	exposition_family(e, "kbrokerd_build_info", EXPOSITION_GAUGE,
			  "The program's version.");
	exposition_label(e, "version", KSPOOL_VERSION);
	exposition_int(e, 1);
	exposition_family(e, "kbrokerd_node_info", EXPOSITION_GAUGE,
			  "Which node of which cluster this is.");
	exposition_label(e, "cluster", identity->cluster_id);
	exposition_label_int(e, "node", identity->node_id);
	exposition_int(e, 1);
}

static void write_cluster(struct exposition *e, const struct metrics *m)
{
	struct cluster_facts c;

	metrics_cluster(m, &c);
	exposition_one(e, "kbrokerd_brokers", EXPOSITION_GAUGE,
		       "Brokers that the cluster has.", c.brokers);
	exposition_one(e, "kbrokerd_topics", EXPOSITION_GAUGE,
		       "Topics that the cluster has.", c.topics);
	exposition_one(e, "kbrokerd_partitions", EXPOSITION_GAUGE,
		       "Partitions that the cluster has.", c.partitions);
	exposition_one(e, "kbrokerd_leader_partitions", EXPOSITION_GAUGE,
		       "Partitions that this node leads.", c.leaders);
	exposition_one(e, "kbrokerd_under_replicated_partitions",
		       EXPOSITION_GAUGE,
		       "Partitions with fewer replicas in sync than they have.",
		       c.under_replicated);
	exposition_one(e, "kbrokerd_offline_partitions", EXPOSITION_GAUGE,
		       "Partitions without a leader.", c.offline);
	exposition_one(e, "kbrokerd_metadata_offset", EXPOSITION_GAUGE,
		       "Last offset of the metadata log that is in effect.",
		       c.image_offset);
	exposition_one(e, "kbrokerd_metadata_lag_records", EXPOSITION_GAUGE,
		       "Committed metadata records that are not in effect yet.",
		       c.metadata_offset > c.image_offset
			       ? c.metadata_offset - c.image_offset
			       : 0);
}

static void write_traffic(struct exposition *e, const struct metrics *m)
{
	struct traffic_counts t;

	traffic_read(partition_table_traffic(m->broker->partitions), &t);
	exposition_one(e, "kbrokerd_received_bytes", EXPOSITION_COUNTER,
		       "Bytes of record batches appended.", t.bytes_in);
	exposition_one(e, "kbrokerd_received_records", EXPOSITION_COUNTER,
		       "Records appended.", t.records_in);
	exposition_one(e, "kbrokerd_sent_bytes", EXPOSITION_COUNTER,
		       "Bytes of record batches given to readers.",
		       t.bytes_out);
	exposition_one(e, "kbrokerd_sent_records", EXPOSITION_COUNTER,
		       "Records given to readers, estimated for reads that end "
		       "before the log does.",
		       t.records_out);
}

/* Requests */

typedef void api_sample(struct exposition *e, const struct api_totals *t);

static void put_requests(struct exposition *e, const struct api_totals *t)
{
	exposition_int(e, t->requests);
}

static void put_bytes_in(struct exposition *e, const struct api_totals *t)
{
	exposition_int(e, t->bytes_in);
}

static void put_bytes_out(struct exposition *e, const struct api_totals *t)
{
	exposition_int(e, t->bytes_out);
}

static void put_throttle(struct exposition *e, const struct api_totals *t)
{
	exposition_ms(e, t->throttle_ms);
}

static void put_took(struct exposition *e, const struct api_totals *t)
{
	exposition_histogram(e, &t->took);
}

static const struct {
	const char *name;
	enum exposition_type type;
	const char *help;
	api_sample *put;
} api_families[] = {
	{ "kbrokerd_requests", EXPOSITION_COUNTER, "Requests received.",
	  put_requests },
	{ "kbrokerd_request_bytes", EXPOSITION_COUNTER,
	  "Bytes of requests, whole.", put_bytes_in },
	{ "kbrokerd_response_bytes", EXPOSITION_COUNTER,
	  "Bytes of answers, whole.", put_bytes_out },
	{ "kbrokerd_throttle_seconds", EXPOSITION_COUNTER,
	  "Time for which quotas made clients wait.", put_throttle },
	{ "kbrokerd_request_duration_seconds", EXPOSITION_HISTOGRAM,
	  "From a request's last byte to its answer; Fetch waits for records.",
	  put_took },
};

static void write_apis(struct exposition *e, const struct metrics *m)
{
	struct api_totals t;

	for (size_t f = 0; f < sizeof(api_families) / sizeof(*api_families);
	     f++) {
		exposition_family(e, api_families[f].name, api_families[f].type,
				  api_families[f].help);
		for (int16_t key = 0; key < COUNTERS_APIS; key++) {
			counters_api(m->counters, key, &t);
			if (t.requests == 0)
				continue;
			exposition_label(e, "api", wire_api(key)->name);
			api_families[f].put(e, &t);
		}
	}
}

/* Several threads may have met the same. */
struct tally {
	const char *api, *text;
	int64_t count;
};

struct tallies {
	struct tally items[COUNTERS_ERRORS * 4];
	size_t count;
};

static void add_tally(struct tallies *to, const char *api, const char *text,
		      int64_t count)
{
	for (size_t i = 0; i < to->count; i++) {
		struct tally *t = &to->items[i];

		if (strcmp(t->text, text) == 0 && strcmp(t->api, api) == 0) {
			t->count += count;
			return;
		}
	}
	if (to->count < sizeof(to->items) / sizeof(*to->items))
		to->items[to->count++] = (struct tally){ api, text, count };
}

static void on_error(void *arg, int16_t api, int16_t code, int64_t count)
{
	const struct wire_api *wire = wire_api(api);
	const char *name = wire_error_name(code);

	add_tally(arg, wire == NULL ? "other" : wire->name,
		  name == NULL ? "UNKNOWN_SERVER_ERROR" : name, count);
}

static void on_refused(void *arg, const char *why, int64_t count)
{
	add_tally(arg, "", why, count);
}

static void write_errors(struct exposition *e, const struct metrics *m)
{
	struct tallies *tallies = calloc(1, sizeof(*tallies));

	if (tallies == NULL) {
		e->out->failed = true;
		return;
	}
	counters_each_error(m->counters, on_error, tallies);
	exposition_family(e, "kbrokerd_request_errors", EXPOSITION_COUNTER,
			  "Error codes in answers, each one counted.");
	for (size_t i = 0; i < tallies->count; i++) {
		exposition_label(e, "api", tallies->items[i].api);
		exposition_label(e, "error", tallies->items[i].text);
		exposition_int(e, tallies->items[i].count);
	}
	tallies->count = 0;
	counters_each_refused(m->counters, on_refused, tallies);
	exposition_family(e, "kbrokerd_refused_requests", EXPOSITION_COUNTER,
			  "Connections closed for what they sent.");
	for (size_t i = 0; i < tallies->count; i++) {
		exposition_label(e, "reason", tallies->items[i].text);
		exposition_int(e, tallies->items[i].count);
	}
	free(tallies);
}

static void write_connections(struct exposition *e, const struct metrics *m)
{
	const struct server *s = m->broker->server;
	struct all_totals all;

	counters_all(m->counters, &all);
	exposition_family(e, "kbrokerd_connections", EXPOSITION_GAUGE,
			  "Clients' connections.");
	for (size_t i = 0; i < s->listener_count; i++) {
		exposition_label(e, "listener", s->listeners[i].config->name);
		exposition_label_int(e, "port", s->listeners[i].port);
		exposition_int(e, all.opened[i] - all.closed[i]);
	}
	exposition_family(e, "kbrokerd_connections_opened", EXPOSITION_COUNTER,
			  "Connections that clients have made.");
	for (size_t i = 0; i < s->listener_count; i++) {
		exposition_label(e, "listener", s->listeners[i].config->name);
		exposition_label_int(e, "port", s->listeners[i].port);
		exposition_int(e, all.opened[i]);
	}
	exposition_one(e, "kbrokerd_requests_in_flight", EXPOSITION_GAUGE,
		       "Requests that are not answered yet, Fetch requests "
		       "that wait for records among them.",
		       all.requests > all.answers ? all.requests - all.answers
						  : 0);
	exposition_one(
		e, "kbrokerd_fetch_sessions", EXPOSITION_GAUGE,
		"Fetch sessions that are kept.",
		(int64_t)fetch_sessions_count(m->broker->fetch_sessions));
}

/* The disk */

static void write_disk(struct exposition *e, const struct metrics *m)
{
	const char *dir = data_dir_path(m->broker->dir);
	const struct traffic *t =
		partition_table_traffic(m->broker->partitions);
	struct histogram_copy syncs = { { 0 }, 0 };
	struct disk_facts disk;

	metrics_disk(m, &disk);
	exposition_family(e, "kbrokerd_disk_size_bytes", EXPOSITION_GAUGE,
			  "Size of the data directory's file system.");
	exposition_label(e, "dir", dir);
	exposition_int(e, disk.size_bytes);
	exposition_family(e, "kbrokerd_disk_free_bytes", EXPOSITION_GAUGE,
			  "What is left of it for this process.");
	exposition_label(e, "dir", dir);
	exposition_int(e, disk.free_bytes);
	exposition_family(e, "kbrokerd_disk_used_bytes", EXPOSITION_GAUGE,
			  "What the partitions' records take of it.");
	exposition_label(e, "dir", dir);
	exposition_int(e, disk.used_bytes);
	histogram_read(&t->syncs, &syncs);
	exposition_family(e, "kbrokerd_fsync_duration_seconds",
			  EXPOSITION_HISTOGRAM,
			  "How long syncing a partition to disk took.");
	exposition_histogram(e, &syncs);
	exposition_one(
		e, "kbrokerd_fsync_failures", EXPOSITION_COUNTER,
		"Syncs that failed.",
		atomic_load_explicit(&t->sync_failures, memory_order_relaxed));
}

/* Topics */

typedef void topic_sample(struct exposition *e, const struct topic_row *row);

#define TOPIC_INT(function, member)                                            \
	static void function(struct exposition *e,                             \
			     const struct topic_row *row)                      \
	{                                                                      \
		exposition_int(e, row->member);                                \
	}
TOPIC_INT(put_partitions, partition_count)
TOPIC_INT(put_start, start_offset)
TOPIC_INT(put_end, end_offset)
TOPIC_INT(put_size, size_bytes)
TOPIC_INT(put_received_bytes, traffic.bytes_in)
TOPIC_INT(put_received_records, traffic.records_in)
TOPIC_INT(put_sent_bytes, traffic.bytes_out)

static void put_last_write(struct exposition *e, const struct topic_row *row)
{
	if (row->last_write_ms >= 0)
		exposition_ms(e, row->last_write_ms);
	e->labels_len = 0;
}

static const struct {
	const char *name;
	enum exposition_type type;
	const char *help;
	topic_sample *put;
} topic_families[] = {
	{ "kbrokerd_topic_partitions", EXPOSITION_GAUGE,
	  "Partitions of the topic.", put_partitions },
	{ "kbrokerd_topic_start_offset", EXPOSITION_GAUGE,
	  "Sum of the log start offsets of its partitions.", put_start },
	{ "kbrokerd_topic_end_offset", EXPOSITION_GAUGE,
	  "Sum of the log end offsets of its partitions.", put_end },
	{ "kbrokerd_topic_size_bytes", EXPOSITION_GAUGE,
	  "Bytes on disk of its records.", put_size },
	{ "kbrokerd_topic_received_bytes", EXPOSITION_COUNTER,
	  "Bytes of record batches appended to it.", put_received_bytes },
	{ "kbrokerd_topic_received_records", EXPOSITION_COUNTER,
	  "Records appended to it.", put_received_records },
	{ "kbrokerd_topic_sent_bytes", EXPOSITION_COUNTER,
	  "Bytes of record batches that its readers were given.",
	  put_sent_bytes },
	{ "kbrokerd_topic_last_write_timestamp_seconds", EXPOSITION_GAUGE,
	  "When it was last written to, since 1970; no sample: never.",
	  put_last_write },
};

static void write_topics(struct exposition *e, const struct export *ex)
{
	size_t count = sizeof(topic_families) / sizeof(*topic_families);

	exposition_one(e, "kbrokerd_topics_not_exported", EXPOSITION_GAUGE,
		       "Topics without series, beyond metrics.topic.limit.",
		       (int64_t)ex->left_out);
	for (size_t f = 0; f < count; f++) {
		exposition_family(e, topic_families[f].name,
				  topic_families[f].type,
				  topic_families[f].help);
		for (size_t i = 0; i < ex->count; i++) {
			exposition_label(e, "topic", ex->topics[i].row->name);
			topic_families[f].put(e, ex->topics[i].row);
		}
	}
}

/* Partitions */

typedef int64_t partition_value(const struct exported_topic *t, int32_t index);

#define FACT(function, member)                                                 \
	static int64_t function(const struct exported_topic *t, int32_t index) \
	{                                                                      \
		return t->partitions[index].member;                            \
	}
#define IMAGE(function, expression)                                            \
	static int64_t function(const struct exported_topic *t, int32_t index) \
	{                                                                      \
		const struct partition_image *p =                              \
			&t->image->partitions[index];                          \
		return expression;                                             \
	}
FACT(start_of, log_start)
FACT(end_of, log_end)
FACT(visible_end_of, high_watermark)
FACT(size_of, size_bytes)
FACT(last_write_of,
     last_write_ms < 0 ? -1 : t->partitions[index].last_write_ms / 1000)
IMAGE(leader_of, p->leader)
IMAGE(replicas_of, p->replica_count)
IMAGE(in_sync_of, p->isr_count)
IMAGE(is_under_replicated, p->isr_count < p->replica_count)
IMAGE(is_preferred, p->replica_count > 0 && p->leader == p->replicas[0])

struct partition_family {
	const char *name, *help;
	partition_value *value;
};

static const struct partition_family partition_families[] = {
	{ "kbrokerd_partition_start_offset", "Log start offset.", start_of },
	{ "kbrokerd_partition_end_offset", "Log end offset.", end_of },
	{ "kbrokerd_partition_size_bytes", "Bytes on disk of its records.",
	  size_of },
	{ "kbrokerd_partition_last_write_timestamp_seconds",
	  "When it was last written to, since 1970; -1: never.",
	  last_write_of },
};

static const struct partition_family kafka_families[] = {
	{ "kafka_topic_partition_current_offset",
	  "Offset of the next record of the partition.", visible_end_of },
	{ "kafka_topic_partition_oldest_offset",
	  "Offset of the first record of the partition.", start_of },
	{ "kafka_topic_partition_leader", "Node that leads the partition.",
	  leader_of },
	{ "kafka_topic_partition_leader_is_preferred",
	  "1 if the leader is the first replica.", is_preferred },
	{ "kafka_topic_partition_replicas", "Replicas of the partition.",
	  replicas_of },
	{ "kafka_topic_partition_in_sync_replica",
	  "Replicas of the partition that are in sync.", in_sync_of },
	{ "kafka_topic_partition_under_replicated_partition",
	  "1 if not all replicas are in sync.", is_under_replicated },
};

static void write_partition_family(struct exposition *e,
				   const struct export *ex,
				   const struct partition_family *family)
{
	exposition_family(e, family->name, EXPOSITION_GAUGE, family->help);
	for (size_t i = 0; i < ex->count; i++) {
		const struct exported_topic *t = &ex->topics[i];

		for (int32_t p = 0;
		     t->partitions != NULL && p < t->image->partition_count;
		     p++) {
			exposition_label(e, "topic", t->row->name);
			exposition_label_int(e, "partition", p);
			exposition_int(e, family->value(t, p));
		}
	}
}

static void write_partitions(struct exposition *e, const struct export *ex)
{
	size_t count = sizeof(partition_families) / sizeof(*partition_families);

	for (size_t i = 0; i < count; i++)
		write_partition_family(e, ex, &partition_families[i]);
}

/* Whole texts */

static int make_export(struct metrics *m, const struct image *image,
		       bool with_facts, struct export *ex)
{
	int64_t limit = config_int(m->broker->config, "metrics.topic.limit");

	metrics_look(m);
	return export_make(ex, m->topics, m->broker->partitions, image,
			   (size_t)limit, with_facts);
}

void families_write(struct metrics *m, enum exposition_form form,
		    struct buffer *out)
{
	bool partitions = config_bool(m->broker->config, "metrics.partitions");
	const struct image *image = metadata_image(m->broker->metadata);
	struct exposition e = exposition(out, form);
	struct export ex;

	write_node(&e, m);
	write_process(&e, m);
	write_cluster(&e, m);
	write_traffic(&e, m);
	write_connections(&e, m);
	write_apis(&e, m);
	write_errors(&e, m);
	write_disk(&e, m);
	if (make_export(m, image, partitions, &ex) < 0) {
		out->failed = true;
	} else {
		write_topics(&e, &ex);
		if (partitions)
			write_partitions(&e, &ex);
		export_clear(&ex);
	}
	group_families_write(&e, m);
	pushed_write(&e, m->broker);
	exposition_end(&e);
	image_release(image);
}

static void write_kafka_brokers(struct exposition *e, const struct image *image)
{
	exposition_one(e, "kafka_brokers", EXPOSITION_GAUGE,
		       "Brokers that the cluster has.",
		       (int64_t)image_broker_count(image));
	exposition_family(e, "kafka_broker_info", EXPOSITION_GAUGE,
			  "Where each broker is.");
	for (size_t i = 0; i < image_broker_count(image); i++) {
		const struct broker_image *b = image_broker_at(image, i);
		char address[300];

		if (b->endpoint_count == 0)
			continue;
		snprintf(address, sizeof(address), "%s:%d",
			 b->endpoints[0].host, b->endpoints[0].port);
		exposition_label_int(e, "id", b->id);
		exposition_label(e, "address", address);
		exposition_int(e, 1);
	}
}

void families_write_kafka(struct metrics *m, enum exposition_form form,
			  struct buffer *out)
{
	size_t count = sizeof(kafka_families) / sizeof(*kafka_families);
	const struct image *image = metadata_image(m->broker->metadata);
	struct exposition e = exposition(out, form);
	struct export ex;

	write_kafka_brokers(&e, image);
	if (make_export(m, image, true, &ex) < 0) {
		out->failed = true;
		image_release(image);
		return;
	}
	exposition_family(&e, "kafka_topic_partitions", EXPOSITION_GAUGE,
			  "Partitions of the topic.");
	for (size_t i = 0; i < ex.count; i++) {
		exposition_label(&e, "topic", ex.topics[i].row->name);
		exposition_int(&e, ex.topics[i].row->partition_count);
	}
	for (size_t i = 0; i < count; i++)
		write_partition_family(&e, &ex, &kafka_families[i]);
	group_families_write_kafka(&e, m);
	exposition_end(&e);
	export_clear(&ex);
	image_release(image);
}
