/*
 * load.c - drives a broker and says what that cost it
 *
 *	load produce -b HOST:PORT -P PID -t TOPIC [-s RECORD] [-B BATCH] [-a
 *ACKS]
 *	             [-c CONNECTIONS] [-n BYTES]
 *	load fetch   -b HOST:PORT -P PID -t TOPIC [-c CONNECTIONS]
 *	load latency -b HOST:PORT -P PID -t TOPIC [-s RECORD] [-a ACKS] [-N
 *COUNT]
 *	             [-c CONNECTIONS]
 *	load e2e     -b HOST:PORT -P PID -t TOPIC [-s RECORD] [-N COUNT]
 *
 * Prints one JSON object.  Works against anything that speaks Produce 9 and
 * Fetch 12.  A connection has a thread and a partition of its own; a batch is
 * encoded once and sent from where it lies, 5 requests in flight.  The
 * broker's processor time is that of all its threads, from schedstat, which
 * counts nanoseconds.  Exits with 1 when the broker answers with an error, or
 * gives out or counts other offsets than it was sent.
 */
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "record/builder.h"
#include "wire/errors.h"
#include "wire/messages.h"
#include "wire/wire.h"

enum {
	IN_FLIGHT = 5,
	FETCH_BYTES = 1 << 20,
	CONNECTIONS_MAX = 256,
	PRODUCE_VERSION = 9,
	FETCH_VERSION = 12,
};

struct options {
	char host[128], port[16];
	const char *topic;
	int pid;
	size_t record_bytes, batch_bytes;
	int16_t acks;
	int connections;
	int64_t bytes, count;
};

static struct options options = {
	.record_bytes = 1024,
	.batch_bytes = 16384,
	.acks = 1,
	.connections = 1,
	.bytes = 1000000000,
	.count = 10000,
};

__attribute__((format(printf, 1, 2), noreturn)) static void fail(
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("load: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	exit(1);
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Processor time that the broker has had, nanoseconds. */
static int64_t broker_cpu_ns(void)
{
	char path[600];
	struct dirent *entry;
	int64_t total = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", options.pid);
	dir = opendir(path);
	if (dir == NULL)
		fail("no process %d", options.pid);
	while ((entry = readdir(dir)) != NULL) {
		long long ns = 0;
		FILE *file;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat",
			 options.pid, entry->d_name);
		file = fopen(path, "r");
		if (file == NULL)
			continue;
		if (fscanf(file, "%lld", &ns) == 1)
			total += ns;
		fclose(file);
	}
	closedir(dir);
	return total;
}

/* Sockets and frames */

static int dial(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	int one = 1, fd = -1;

	if (getaddrinfo(options.host, options.port, &hints, &found) != 0)
		fail("no address for %s", options.host);
	for (struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			break;
		close(fd);
		fd = -1;
	}
	freeaddrinfo(found);
	if (fd < 0)
		fail("cannot connect to %s:%s", options.host, options.port);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void send_all(int fd, struct iovec *iov, int count)
{
	while (count > 0) {
		ssize_t n = writev(fd, iov, count);

		if (n <= 0)
			fail("the broker closed the connection");
		while (count > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			count--;
		}
		if (count > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
}

static void read_all(int fd, void *to, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = recv(fd, (char *)to + at, len - at, MSG_WAITALL);

		if (n <= 0)
			fail("the broker closed the connection");
		at += (size_t)n;
	}
}

/* The next frame, in frame, which is reused. */
static struct slice read_frame(int fd, struct buffer *frame)
{
	uint8_t size[4];

	read_all(fd, size, sizeof(size));
	buffer_reset(frame);
	if (buffer_grow(frame, get_be32(size)) == NULL)
		fail("out of memory");
	read_all(fd, frame->data, frame->len);
	return buffer_slice(frame);
}

static void put_request(struct buffer *b, int16_t key, int16_t version,
			const void *message)
{
	const struct wire_api *api = wire_api(key);
	struct request_header header;
	size_t at = b->len;

	wire_init(&request_header_desc, &header);
	header.request_api_key = key;
	header.request_api_version = version;
	header.client_id = slice_of("load");
	buffer_put_be32(b, 0);
	if (wire_encode(&request_header_desc,
			wire_request_header_version(api, version), &header, b,
			NULL) < 0 ||
	    wire_encode(api->request, version, message, b, NULL) < 0)
		fail("cannot encode %s", api->name);
	put_be32(b->data + at, (uint32_t)(b->len - at - 4));
}

/* Ask and wait; the answer's memory is the arena's and the frame's. */
static void call(int fd, int16_t key, int16_t version, const void *request,
		 struct arena *arena, struct buffer *frame, void *response)
{
	const struct wire_api *api = wire_api(key);
	struct buffer b = { 0 };
	struct slice body;
	size_t skip = wire_response_header_version(api, version) == 1 ? 5 : 4;

	put_request(&b, key, version, request);
	send_all(fd, &(struct iovec){ b.data, b.len }, 1);
	buffer_clear(&b);
	body = read_frame(fd, frame);
	body.data += skip;
	body.len -= skip;
	if (wire_decode(api->response, version, body, arena, response) < 0)
		fail("cannot decode %s", api->name);
}

/* Topics */

static void create_topic(void)
{
	struct create_topics_request_topics topic;
	struct create_topics_request request;
	struct create_topics_response response;
	struct arena arena = { 0 };
	struct buffer frame = { 0 };
	int fd = dial();

	wire_init(&create_topics_request_desc, &request);
	wire_init(&create_topics_request_topics_desc, &topic);
	topic.name = slice_of(options.topic);
	topic.num_partitions = options.connections;
	topic.replication_factor = 1;
	request.topics = &topic;
	request.topics_count = 1;
	request.timeout_ms = 30000;
	call(fd, 19, 5, &request, &arena, &frame, &response);
	if (response.topics_count != 1 || response.topics[0].error_code != 0)
		fail("create: error %d", response.topics_count == 1
						 ? response.topics[0].error_code
						 : -1);
	arena_clear(&arena);
	buffer_clear(&frame);
	close(fd);
}

/* The partition's end, waiting until it is led. */
static int64_t end_offset(int fd, int32_t index)
{
	struct list_offsets_request_topics_partitions partition;
	struct list_offsets_request_topics topic;
	struct list_offsets_request request;
	struct list_offsets_response response;
	struct buffer frame = { 0 };
	struct arena arena = { 0 };
	int64_t offset = -1;
	int16_t error = 0;

	wire_init(&list_offsets_request_desc, &request);
	wire_init(&list_offsets_request_topics_desc, &topic);
	wire_init(&list_offsets_request_topics_partitions_desc, &partition);
	request.replica_id = -1;
	partition.partition_index = index;
	partition.timestamp = -1;
	topic.name = slice_of(options.topic);
	topic.partitions = &partition;
	topic.partitions_count = 1;
	request.topics = &topic;
	request.topics_count = 1;
	do {
		call(fd, 2, 6, &request, &arena, &frame, &response);
		error = response.topics[0].partitions[0].error_code;
		offset = response.topics[0].partitions[0].offset;
	} while (error != 0 && wire_error_is_retriable(error));
	if (error != 0)
		fail("ListOffsets: %s", wire_error_name(error));
	arena_clear(&arena);
	buffer_clear(&frame);
	return offset;
}

static int partition_count(void)
{
	struct metadata_request_topics topic;
	struct metadata_request request;
	struct metadata_response response;
	struct buffer frame = { 0 };
	struct arena arena = { 0 };
	int count, fd = dial();

	wire_init(&metadata_request_desc, &request);
	wire_init(&metadata_request_topics_desc, &topic);
	topic.name = slice_of(options.topic);
	request.topics = &topic;
	request.topics_count = 1;
	call(fd, 3, 9, &request, &arena, &frame, &response);
	count = response.topics[0].partitions_count;
	arena_clear(&arena);
	buffer_clear(&frame);
	close(fd);
	return count;
}

/* A produce request: head, batch, tail; only the batch is large. */

struct produce_frame {
	struct buffer bytes;
	int32_t records;
	size_t batch_bytes;
};

static void build_batch(struct buffer *batch, int32_t *count_out)
{
	struct batch_params params = {
		.leader_epoch = -1,
		.producer_id = -1,
		.producer_epoch = -1,
		.base_sequence = -1,
	};
	struct batch_builder builder;
	struct slice value;
	uint8_t *bytes = malloc(options.record_bytes);
	int64_t now_ms = (int64_t)time(NULL) * 1000;

	for (size_t i = 0; i < options.record_bytes; i++)
		bytes[i] = (uint8_t)('a' + i * 7 % 26);
	value = (struct slice){ bytes, options.record_bytes };
	batch_builder_init(&builder);
	do {
		batch_builder_add(&builder, now_ms, SLICE_NULL, value, NULL, 0);
	} while (batch_builder_size(&builder) +
			 record_size_max(SLICE_NULL, value, NULL, 0) <=
		 options.batch_bytes);
	if (batch_builder_finish(&builder, &params, batch) < 0)
		fail("cannot build a batch");
	*count_out = builder.count;
	batch_builder_clear(&builder);
	free(bytes);
}

static void build_produce(struct produce_frame *f, int32_t index)
{
	struct produce_request_topic_data_partition_data partition;
	struct produce_request_topic_data topic;
	struct produce_request request;
	struct buffer batch = { 0 };

	build_batch(&batch, &f->records);
	f->batch_bytes = batch.len;
	wire_init(&produce_request_desc, &request);
	wire_init(&produce_request_topic_data_desc, &topic);
	wire_init(&produce_request_topic_data_partition_data_desc, &partition);
	partition.index = index;
	partition.records.data = batch.data;
	partition.records.len = batch.len;
	topic.name = slice_of(options.topic);
	topic.partition_data = &partition;
	topic.partition_data_count = 1;
	request.acks = options.acks;
	request.timeout_ms = 30000;
	request.topic_data = &topic;
	request.topic_data_count = 1;
	put_request(&f->bytes, 0, PRODUCE_VERSION, &request);
	buffer_clear(&batch);
}

/* The base offset that the broker gave. */
static int64_t read_produced(int fd, struct buffer *frame, struct arena *arena)
{
	struct produce_response response;
	struct slice body = read_frame(fd, frame);
	struct produce_response_responses_partition_responses *p;

	body.data += 5;
	body.len -= 5;
	if (wire_decode(&produce_response_desc, PRODUCE_VERSION, body, arena,
			&response) < 0 ||
	    response.responses_count != 1 ||
	    response.responses[0].partition_responses_count != 1)
		fail("a malformed Produce response");
	p = response.responses[0].partition_responses;
	if (p->error_code != 0)
		fail("Produce: %s", wire_error_name(p->error_code));
	arena_reset(arena);
	return p->base_offset;
}

/* Workers: one a connection */

struct worker {
	pthread_t thread;
	int32_t index;
	int fd;
	int64_t bytes, records;
	int64_t *latencies_ns; /* count of them */
	int64_t count;
};

static void send_frame(int fd, const struct produce_frame *f)
{
	send_all(fd, &(struct iovec){ f->bytes.data, f->bytes.len }, 1);
}

static void *produce(void *arg)
{
	struct worker *w = arg;
	struct produce_frame f = { 0 };
	struct buffer frame = { 0 };
	struct arena arena = { 0 };
	int64_t requests, sent = 0, answered = 0;

	build_produce(&f, w->index);
	requests = options.bytes / options.connections / (int64_t)f.batch_bytes;
	while (answered < requests) {
		if (sent < requests && sent - answered < IN_FLIGHT) {
			send_frame(w->fd, &f);
			sent++;
			answered += options.acks == 0;
			continue;
		}
		if (read_produced(w->fd, &frame, &arena) !=
		    answered * f.records)
			fail("an offset is not the next one");
		answered++;
	}
	w->bytes = requests * (int64_t)f.batch_bytes;
	w->records = requests * f.records;
	if (end_offset(w->fd, w->index) != w->records)
		fail("the end offset is not what was sent");
	buffer_clear(&f.bytes);
	buffer_clear(&frame);
	arena_clear(&arena);
	return NULL;
}

static void *latency(void *arg)
{
	struct worker *w = arg;
	struct produce_frame f = { 0 };
	struct buffer frame = { 0 };
	struct arena arena = { 0 };

	build_produce(&f, w->index);
	w->count = options.count / options.connections;
	w->latencies_ns = calloc((size_t)w->count, sizeof(int64_t));
	for (int64_t i = 0; i < w->count; i++) {
		int64_t start = now_ns();

		send_frame(w->fd, &f);
		if (read_produced(w->fd, &frame, &arena) != i * f.records)
			fail("an offset is not the next one");
		w->latencies_ns[i] = now_ns() - start;
	}
	w->records = w->count * f.records;
	buffer_clear(&f.bytes);
	buffer_clear(&frame);
	arena_clear(&arena);
	return NULL;
}

static void send_fetch(int fd, int32_t index, int64_t offset)
{
	struct fetch_request_topics_partitions partition;
	struct fetch_request_topics topic;
	struct fetch_request request;
	struct buffer b = { 0 };

	wire_init(&fetch_request_desc, &request);
	wire_init(&fetch_request_topics_desc, &topic);
	wire_init(&fetch_request_topics_partitions_desc, &partition);
	partition.partition = index;
	partition.fetch_offset = offset;
	partition.partition_max_bytes = FETCH_BYTES;
	topic.topic = slice_of(options.topic);
	topic.partitions = &partition;
	topic.partitions_count = 1;
	request.max_wait_ms = 1000;
	request.min_bytes = 1;
	request.max_bytes = 50 << 20;
	request.topics = &topic;
	request.topics_count = 1;
	put_request(&b, 1, FETCH_VERSION, &request);
	send_all(fd, &(struct iovec){ b.data, b.len }, 1);
	buffer_clear(&b);
}

/* Reads an answer; *offset moves past its whole batches.  Its bytes. */
static int64_t read_fetched(int fd, struct buffer *frame, struct arena *arena,
			    int64_t *offset)
{
	struct fetch_response response;
	struct slice body = read_frame(fd, frame);
	struct fetch_response_responses_partitions *p;
	struct slice rest;
	int64_t bytes = 0;

	body.data += 5;
	body.len -= 5;
	if (wire_decode(&fetch_response_desc, FETCH_VERSION, body, arena,
			&response) < 0 ||
	    response.error_code != 0)
		fail("a malformed Fetch response");
	arena_reset(arena);
	if (response.responses_count == 0)
		return 0;
	p = response.responses[0].partitions;
	if (p->error_code != 0)
		fail("Fetch: %s", wire_error_name(p->error_code));
	rest = (struct slice){ p->records.data, p->records.len };
	while (rest.len >= BATCH_HEADER_BYTES) {
		struct batch_header h;

		if (batch_header_read(rest, &h) < 0)
			fail("a malformed batch");
		if (h.size > rest.len)
			break;
		if (h.base_offset > *offset)
			fail("a gap in what was fetched");
		*offset = batch_last_offset(&h) + 1;
		rest.data += h.size;
		rest.len -= h.size;
		bytes += h.size;
	}
	return bytes;
}

static void *fetch(void *arg)
{
	struct worker *w = arg;
	struct buffer frame = { 0 };
	struct arena arena = { 0 };
	int64_t end = end_offset(w->fd, w->index);

	while (w->records < end) {
		send_fetch(w->fd, w->index, w->records);
		w->bytes += read_fetched(w->fd, &frame, &arena, &w->records);
	}
	buffer_clear(&frame);
	arena_clear(&arena);
	return NULL;
}

/* From before a record is sent until a consumer that waits has it. */
static void *end_to_end(void *arg)
{
	struct worker *w = arg;
	struct produce_frame f = { 0 };
	struct buffer frame = { 0 };
	struct arena arena = { 0 };
	int consumer = dial();

	build_produce(&f, w->index);
	w->count = options.count;
	w->latencies_ns = calloc((size_t)w->count, sizeof(int64_t));
	for (int64_t i = 0; i < w->count; i++) {
		int64_t start, at = i * f.records;

		send_fetch(consumer, w->index, at);
		/* The fetch is to wait before the record comes. */
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		start = now_ns();
		send_frame(w->fd, &f);
		while (read_fetched(consumer, &frame, &arena, &at) == 0)
			send_fetch(consumer, w->index, at);
		w->latencies_ns[i] = now_ns() - start;
		read_produced(w->fd, &frame, &arena);
	}
	w->records = w->count * f.records;
	close(consumer);
	buffer_clear(&f.bytes);
	buffer_clear(&frame);
	arena_clear(&arena);
	return NULL;
}

/* Results */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void print_percentiles(struct worker *workers)
{
	int64_t total = 0, at = 0, *all;

	for (int i = 0; i < options.connections; i++)
		total += workers[i].count;
	if (total == 0)
		return;
	all = malloc((size_t)total * sizeof(*all));
	for (int i = 0; i < options.connections; i++) {
		memcpy(all + at, workers[i].latencies_ns,
		       (size_t)workers[i].count * sizeof(*all));
		at += workers[i].count;
		free(workers[i].latencies_ns);
	}
	qsort(all, (size_t)total, sizeof(*all), by_value);
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f",
	       (double)all[total / 2] / 1000,
	       (double)all[total * 99 / 100] / 1000);
	free(all);
}

static void run_workers(const char *mode, void *(*work)(void *))
{
	static struct worker workers[CONNECTIONS_MAX];
	int64_t bytes = 0, records = 0, start, cpu;
	double seconds, cpu_s;

	for (int i = 0; i < options.connections; i++) {
		workers[i] = (struct worker){ .index = i, .fd = dial() };
		end_offset(workers[i].fd, i);
	}
	cpu = broker_cpu_ns();
	start = now_ns();
	for (int i = 0; i < options.connections; i++) {
		if (pthread_create(&workers[i].thread, NULL, work,
				   &workers[i]) != 0)
			fail("cannot start a thread");
	}
	for (int i = 0; i < options.connections; i++)
		pthread_join(workers[i].thread, NULL);
	seconds = (double)(now_ns() - start) / 1e9;
	cpu_s = (double)(broker_cpu_ns() - cpu) / 1e9;
	for (int i = 0; i < options.connections; i++) {
		bytes += workers[i].bytes;
		records += workers[i].records;
		close(workers[i].fd);
	}
	printf("{\"mode\":\"%s\",\"seconds\":%.3f,\"broker_cpu_s\":%.3f,"
	       "\"records_per_s\":%.0f",
	       mode, seconds, cpu_s, (double)records / seconds);
	if (bytes > 0)
		printf(",\"mb_per_s\":%.1f,\"broker_cpu_s_per_gb\":%.3f",
		       (double)bytes / 1e6 / seconds,
		       cpu_s * 1e9 / (double)bytes);
	print_percentiles(workers);
	puts("}");
}

static void parse_options(int argc, char **argv)
{
	char *colon;
	int letter;

	while ((letter = getopt(argc, argv, "b:P:t:s:B:a:c:n:N:")) != -1) {
		switch (letter) {
		case 'b':
			colon = strrchr(optarg, ':');
			if (colon == NULL ||
			    (size_t)(colon - optarg) >= sizeof(options.host))
				fail("-b takes HOST:PORT");
			memcpy(options.host, optarg, (size_t)(colon - optarg));
			snprintf(options.port, sizeof(options.port), "%s",
				 colon + 1);
			break;
		case 'P':
			options.pid = atoi(optarg);
			break;
		case 't':
			options.topic = optarg;
			break;
		case 's':
			options.record_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'B':
			options.batch_bytes = strtoull(optarg, NULL, 10);
			break;
		case 'a':
			options.acks = (int16_t)atoi(optarg);
			break;
		case 'c':
			options.connections = atoi(optarg);
			break;
		case 'n':
			options.bytes = strtoll(optarg, NULL, 10);
			break;
		case 'N':
			options.count = strtoll(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (options.port[0] == 0 || options.topic == NULL || options.pid == 0 ||
	    options.connections < 1 || options.connections > CONNECTIONS_MAX)
		fail("-b, -P and -t are needed");
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (argc < 2)
		fail("produce, fetch, latency or e2e?");
	parse_options(argc - 1, argv + 1);
	if (strcmp(mode, "fetch") == 0) {
		if (options.connections > partition_count())
			fail("more connections than partitions");
		run_workers(mode, fetch);
		return 0;
	}
	if (strcmp(mode, "latency") == 0 || strcmp(mode, "e2e") == 0)
		options.batch_bytes = 1; /* one record each */
	create_topic();
	if (strcmp(mode, "produce") == 0)
		run_workers(mode, produce);
	else if (strcmp(mode, "latency") == 0)
		run_workers(mode, latency);
	else if (strcmp(mode, "e2e") == 0)
		run_workers(mode, end_to_end);
	else
		fail("no mode '%s'", mode);
	return 0;
}
