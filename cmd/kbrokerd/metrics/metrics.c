/*
 * metrics.c - what a broker can tell of itself in numbers
 *
 * The observer's functions run on the io threads and touch only what is that
 * thread's, or has a lock that is rarely taken.  Everything that sums, sorts
 * or remembers is the reading thread's.
 */
#include "kbrokerd/metrics/metrics.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "kbrokerd/broker.h"
#include "kbrokerd/metrics/error_walk.h"
#include "kbrokerd/server/conn.h"
#include "kbrokerd/server/request.h"
#include "kbrokerd/server/server.h"
#include "wire/messages.h"

enum {
	PRODUCE_KEY = 0,
	FETCH_KEY = 1,
	LOOK_AGAIN_US = 10000000, /* while nobody watches */
	WATCHED_US = 5000000,
};

/* Observing: on the io threads */

static struct thread_counters *counters_here(const struct metrics *m,
					     const struct io_thread *t)
{
	return counters_of_thread(m->counters, t->number);
}

static struct meter *meter_of(struct metrics *m, const struct request *req)
{
	struct conn *conn = req->conn;

	if (conn->meter == NULL && conn->fd >= 0)
		conn->meter = meters_add(m->meters, conn_peer(conn),
					 conn->listener->config->name,
					 request_now_ms(req));
	return conn->meter;
}

static void see(struct metrics *m, const struct request *req,
		enum client_deed deed, struct slice name, struct uuid id)
{
	struct client_sight sight = {
		.deed = deed,
		.topic = name,
		.topic_id = id,
		.conn = req->conn,
		.client_id = req->client_id,
		.peer = conn_peer(req->conn),
		.software = req->conn->software_text,
		.now_ms = request_now_ms(req),
	};

	clients_see(m->clients, m->filters[req->thread->number], &sight);
}

static void see_produced(struct metrics *m, const struct request *req)
{
	const struct produce_request *message = req->message;

	for (int32_t i = 0; i < message->topic_data_count; i++)
		see(m, req, CLIENT_WRITES, message->topic_data[i].name,
		    message->topic_data[i].topic_id);
}

static void see_fetched(struct metrics *m, const struct request *req)
{
	const struct fetch_request *message = req->message;

	for (int32_t i = 0; i < message->topics_count; i++)
		see(m, req, CLIENT_READS, message->topics[i].topic,
		    message->topics[i].topic_id);
}

/* In a session a request names few topics; those that have records tell. */
static void see_fetch_answer(struct metrics *m, const struct request *req,
			     const struct fetch_response *response)
{
	for (int32_t i = 0; i < response->responses_count; i++)
		see(m, req, CLIENT_READS, response->responses[i].topic,
		    response->responses[i].topic_id);
}

static void on_request(void *arg, const struct request *req, struct slice frame)
{
	struct metrics *m = arg;
	struct meter *meter = meter_of(m, req);
	size_t bytes = frame.len + sizeof(int32_t);

	counters_request(counters_here(m, req->thread), req->wire->key, bytes);
	if (meter != NULL)
		meter_request(m->meters, meter, bytes, request_now_ms(req),
			      req->client_id, req->conn->software_text);
	if (req->wire->key == PRODUCE_KEY)
		see_produced(m, req);
	else if (req->wire->key == FETCH_KEY)
		see_fetched(m, req);
}

struct error_place {
	struct thread_counters *counters;
	int16_t api;
};

static void on_error(void *arg, int16_t code)
{
	const struct error_place *place = arg;

	counters_error(place->counters, place->api, code);
}

static void on_answer(void *arg, const struct request *req, const void *message,
		      size_t bytes)
{
	struct metrics *m = arg;
	int16_t key = req->wire->key;
	struct error_place place = { counters_here(m, req->thread), key };
	const struct error_walk *walk =
		key < COUNTERS_APIS ? m->walks[key] : NULL;
	int32_t throttle_ms = 0;

	if (message != NULL && walk != NULL) {
		error_walk_run(walk, message, on_error, &place);
		throttle_ms = error_walk_throttle_ms(walk, message);
	}
	counters_answer(place.counters, key, bytes,
			req->answered_us - req->received_us, throttle_ms);
	if (req->conn->meter != NULL)
		meter_answer(req->conn->meter, bytes);
	if (message != NULL && key == FETCH_KEY)
		see_fetch_answer(m, req, message);
}

static void on_connection(void *arg, const struct conn *conn, bool open)
{
	struct metrics *m = arg;
	const struct listener *listeners = conn->thread->server->listeners;

	counters_connection(counters_here(m, conn->thread),
			    (size_t)(conn->listener - listeners), open);
	if (!open && conn->meter != NULL) {
		struct conn *ours = (struct conn *)conn; /* meter is ours */

		meters_remove(m->meters, ours->meter);
		ours->meter = NULL;
	}
}

static void on_refused(void *arg, const struct conn *conn, const char *why,
		       int16_t api_key)
{
	struct metrics *m = arg;

	(void)api_key;
	if (why != NULL)
		counters_refused(counters_here(m, conn->thread), why);
}

/* Life */

static int make_walks(struct metrics *m)
{
	size_t count;
	const struct wire_api *apis = wire_apis(&count);

	for (size_t i = 0; i < count; i++) {
		const struct wire_api *api = &apis[i];

		if (api->key < 0 || api->key >= COUNTERS_APIS ||
		    api->response == NULL)
			continue;
		m->walks[api->key] = error_walk_new(api->response);
		if (m->walks[api->key] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int make_parts(struct metrics *m)
{
	size_t threads = (size_t)m->broker->server->thread_count;

	m->thread_count = threads;
	m->counters = counters_new((int32_t)threads);
	m->meters = meters_new(m->started_us);
	m->clients = clients_new();
	m->topics = topic_table_new();
	m->groups = group_table_new();
	m->filters = calloc(threads, sizeof(struct client_filter *));
	m->observer = calloc(1, sizeof(*m->observer));
	if (m->counters == NULL || m->meters == NULL || m->clients == NULL ||
	    m->topics == NULL || m->groups == NULL || m->filters == NULL ||
	    m->observer == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < threads; i++) {
		m->filters[i] = client_filter_new();
		if (m->filters[i] == NULL)
			return -ENOMEM;
	}
	return make_walks(m);
}

int metrics_new(struct broker *broker, struct metrics **metrics_out)
{
	struct metrics *m = calloc(1, sizeof(*m));
	int rc = -ENOMEM;

	if (m == NULL)
		return rc;
	m->broker = broker;
	m->started_ms = broker->clock->wall_ms(broker->clock);
	m->started_us = broker->clock->monotonic_us(broker->clock);
	m->sampled_us = m->measured_us = m->started_us;
	m->watched_us = INT64_MIN / 2;
	rc = make_parts(m);
	if (rc == 0) {
		*m->observer = (struct server_observer){
			.arg = m,
			.on_request = on_request,
			.on_answer = on_answer,
			.on_connection = on_connection,
			.on_refused = on_refused,
		};
		rc = server_observe(broker->server, m->observer);
	}
	if (rc < 0) {
		metrics_free(m);
		return rc;
	}
	*metrics_out = m;
	return 0;
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (int32_t i = 0;
	     m->filters != NULL && i < m->broker->config->network_threads; i++)
		client_filter_free(m->filters[i]);
	for (size_t i = 0; i < COUNTERS_APIS; i++)
		error_walk_free(m->walks[i]);
	free(m->filters);
	free(m->observer);
	group_table_free(m->groups);
	topic_table_free(m->topics);
	clients_free(m->clients);
	meters_free(m->meters);
	counters_free(m->counters);
	free(m);
}

/* The process */

static int64_t count_files(void)
{
	struct stat status;
	DIR *dir;
	int64_t count = -1; /* the directory's own descriptor */

	/* Since Linux 6.2 the size tells. */
	if (stat("/proc/self/fd", &status) == 0 && status.st_size > 0)
		return status.st_size;
	dir = opendir("/proc/self/fd");
	if (dir == NULL)
		return -1;
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		count += e->d_name[0] != '.';
	closedir(dir);
	return count;
}

static int64_t cpu_us(void)
{
	struct rusage usage = { 0 };

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L +
	       usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

void metrics_process(struct process_facts *out)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long long pages = 0;
	long long resident = 0;
	struct rlimit files;

	*out = (struct process_facts){ .max_files = -1 };
	if (file != NULL) {
		if (fscanf(file, "%lld %lld", &pages, &resident) == 2) {
			out->virtual_bytes = pages * getpagesize();
			out->resident_bytes = resident * getpagesize();
		}
		fclose(file);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
	    files.rlim_cur != RLIM_INFINITY)
		out->max_files = (int64_t)files.rlim_cur;
	out->open_files = count_files();
	out->cpu_us = cpu_us();
}

/* The disk */

void metrics_disk(const struct metrics *m, struct disk_facts *out)
{
	const struct topic_row **rows;
	size_t count =
		topic_table_list(m->topics, "", TOPICS_BY_NAME, false, &rows);
	struct statvfs fs;

	*out = (struct disk_facts){ -1, -1, 0 };
	for (size_t i = 0; i < count; i++)
		out->used_bytes += rows[i]->size_bytes;
	free(rows);
	if (statvfs(data_dir_path(m->broker->dir), &fs) < 0)
		return;
	out->size_bytes = (int64_t)(fs.f_blocks * fs.f_frsize);
	out->free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
}

/* The cluster */

struct cluster_walk {
	struct cluster_facts *out;
	int32_t node_id;
};

static int on_topic(void *arg, const struct topic_image *topic)
{
	const struct cluster_walk *w = arg;

	for (int32_t i = 0; i < topic->partition_count; i++) {
		const struct partition_image *p = &topic->partitions[i];

		w->out->leaders += p->leader == w->node_id;
		w->out->offline += p->leader < 0;
		w->out->under_replicated += p->isr_count < p->replica_count;
	}
	w->out->partitions += topic->partition_count;
	return 0;
}

void metrics_cluster(const struct metrics *m, struct cluster_facts *out)
{
	struct cluster_walk walk = { out, m->broker->identity.node_id };
	const struct image *image = metadata_image(m->broker->metadata);

	*out = (struct cluster_facts){
		.topics = (int64_t)image_topic_count(image),
		.brokers = (int64_t)image_broker_count(image),
		.image_offset = image_offset(image),
	};
	image_each_topic(image, on_topic, &walk);
	image_release(image);
	out->metadata_offset = metadata_committed_offset(m->broker->metadata);
}

/* Sampling */

static int64_t connections(const struct all_totals *t)
{
	int64_t count = 0;

	for (size_t i = 0; i < LISTENERS_MAX; i++)
		count += t->opened[i] - t->closed[i];
	return count;
}

/* The 99th percentile of what Produce took in the last second, in us. */
static float produce_p99(struct metrics *m)
{
	struct api_totals now;
	struct histogram_copy since;
	int64_t us;

	counters_api(m->counters, PRODUCE_KEY, &now);
	since = histogram_since(&now.took, &m->last_produce.took);
	us = histogram_percentile_us(&since, 99);
	m->last_produce = now;
	return us < 0 ? 0 : (float)us;
}

static float per_second(int64_t now, int64_t before, double seconds)
{
	return (float)((double)(now - before) / seconds);
}

static void sample(struct metrics *m, double seconds)
{
	const struct traffic *from =
		partition_table_traffic(m->broker->partitions);
	struct traffic_counts traffic;
	struct all_totals all;
	int64_t cpu = cpu_us();
	float s[HISTORY_SERIES];

	traffic_read(from, &traffic);
	counters_all(m->counters, &all);
	s[HISTORY_BYTES_IN] =
		per_second(traffic.bytes_in, m->last_traffic.bytes_in, seconds);
	s[HISTORY_BYTES_OUT] = per_second(traffic.bytes_out,
					  m->last_traffic.bytes_out, seconds);
	s[HISTORY_RECORDS_IN] = per_second(traffic.records_in,
					   m->last_traffic.records_in, seconds);
	s[HISTORY_RECORDS_OUT] = per_second(
		traffic.records_out, m->last_traffic.records_out, seconds);
	s[HISTORY_REQUESTS] =
		per_second(all.requests, m->last.requests, seconds);
	s[HISTORY_ERRORS] = per_second(all.errors, m->last.errors, seconds);
	s[HISTORY_CONNECTIONS] = (float)connections(&all);
	s[HISTORY_PRODUCE_P99_US] = produce_p99(m);
	s[HISTORY_CPU_PERCENT] =
		per_second(cpu, m->last_cpu_us, seconds) / 10000;
	history_add(&m->history, s);
	m->last = all;
	m->last_traffic = traffic;
	m->last_cpu_us = cpu;
}

static bool is_watched(const struct metrics *m, int64_t now_us)
{
	return now_us - m->watched_us < WATCHED_US;
}

static void look(struct metrics *m, int64_t now_us)
{
	const struct image *image = metadata_image(m->broker->metadata);

	topic_table_look(m->topics, m->broker->partitions, image, now_us);
	image_release(image);
	m->looked_traffic = m->last_traffic;
}

/* Nobody watches: only so that the small charts have a past. */
static bool is_look_due(const struct metrics *m, int64_t now_us)
{
	int64_t looked_us = topic_table_looked_us(m->topics);

	if (memcmp(&m->last_traffic, &m->looked_traffic,
		   sizeof(m->last_traffic)) == 0)
		return false;
	return looked_us == INT64_MIN || now_us - looked_us >= LOOK_AGAIN_US;
}

static void measure_api(struct metrics *m, int16_t key, double seconds)
{
	struct api_rate *a = &m->apis[key];
	struct api_totals now;
	struct histogram_copy since;

	counters_api(m->counters, key, &now);
	if (now.requests == 0)
		return;
	since = histogram_since(&now.took, &a->last.took);
	a->rate = (double)(now.answers - a->last.answers) / seconds;
	a->p50_us = histogram_percentile_us(&since, 50);
	a->p99_us = histogram_percentile_us(&since, 99);
	a->last = now;
}

static void measure(struct metrics *m, int64_t now_us)
{
	double seconds = (double)(now_us - m->measured_us) / 1e6;

	if (seconds < 0.5)
		return;
	m->measured_us = now_us;
	for (int16_t key = 0; key < COUNTERS_APIS; key++)
		measure_api(m, key, seconds);
	meters_measure(m->meters, now_us);
}

static int64_t now_of(const struct metrics *m)
{
	return m->broker->clock->monotonic_us(m->broker->clock);
}

void metrics_sample(struct metrics *m)
{
	int64_t now_us = now_of(m);
	double seconds = (double)(now_us - m->sampled_us) / 1e6;

	if (seconds < 0.1)
		return;
	m->sampled_us = now_us;
	sample(m, seconds);
	if (is_watched(m, now_us))
		measure(m, now_us);
	else
		group_table_clear(m->groups);
	if (is_watched(m, now_us) || is_look_due(m, now_us))
		look(m, now_us);
}

void metrics_look(struct metrics *m)
{
	int64_t now_us = now_of(m);
	int64_t looked_us = topic_table_looked_us(m->topics);

	if (looked_us == INT64_MIN || now_us - looked_us > 1000000)
		look(m, now_us);
}

void metrics_look_at_groups(struct metrics *m)
{
	/* Without memory for it the page shows what there was. */
	group_table_look(m->groups, m->broker, now_of(m));
}

void metrics_watch(struct metrics *m)
{
	int64_t now_us = now_of(m);

	if (!is_watched(m, now_us)) {
		measure(m, now_us);
		metrics_look(m);
	}
	m->watched_us = now_us;
}
