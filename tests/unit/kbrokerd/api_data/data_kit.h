/*
 * data_kit.h - a server with produce, fetch and list offsets, for tests
 *
 * The partition table is that of table_kit.h; clients are sockets that send
 * one request and read one answer.
 */
#ifndef TESTS_KBROKERD_API_DATA_DATA_KIT_H
#define TESTS_KBROKERD_API_DATA_DATA_KIT_H

#include "kbrokerd/api/fetch_session.h"
#include "kbrokerd/api/registry.h"
#include "kbrokerd/broker.h"
#include "kbrokerd/partition/table_kit.h"
#include "kbrokerd/server/server.h"
#include "kbrokerd/whole_kit.h"
#include "record/builder.h"
#include "wire/error_codes.h"

enum {
	PRODUCE = 0,
	FETCH = 1,
	LIST_OFFSETS = 2,
	DELETE_RECORDS = 21,
	LEADER_EPOCH = 23,
	LOG_DIRS = 35,
	DESCRIBE_PRODUCERS = 61,
};

struct bench {
	struct kit *kit;
	struct config *config;
	struct broker broker;
	struct server *server;
};

static inline const struct api *bench_find_api(int16_t key)
{
	static const struct api apis[] = {
		{ PRODUCE, -1, false, api_produce },
		{ FETCH, -1, true, api_fetch },
		{ LIST_OFFSETS, -1, false, api_list_offsets },
		{ DELETE_RECORDS, -1, false, api_delete_records },
		{ LEADER_EPOCH, -1, false, api_offset_for_leader_epoch },
		{ LOG_DIRS, -1, false, api_describe_log_dirs },
		{ DESCRIBE_PRODUCERS, -1, false, api_describe_producers },
	};

	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++)
		if (apis[i].key == key)
			return &apis[i];
	return NULL;
}

static inline struct bench *bench_new(enum flush_mode flush_mode)
{
	static const char *const sets[] = {
		"listeners=PLAINTEXT://127.0.0.1:0",
		"num.network.threads=2",
	};
	struct bench *b = calloc(1, sizeof(*b));
	char error[256] = "";

	assert_non_null(b);
	b->kit = kit_new(flush_mode);
	assert_int_equal(config_for_test(b->kit->path, sets, 2, &b->config), 0);
	b->broker = (struct broker){
		.config = b->config,
		.clock = clock_system(),
		.random = random_system(),
		.identity = { .node_id = KIT_NODE },
		.metadata = &b->kit->metadata,
		.partitions = b->kit->table,
	};
	assert_int_equal(fetch_sessions_new(10, 0, random_system(),
					    &b->broker.fetch_sessions),
			 0);
	if (server_open(&b->broker, bench_find_api, &b->server, error,
			sizeof(error)) < 0)
		fail_msg("%s", error);
	assert_int_equal(server_start(b->server), 0);
	return b;
}

static inline void bench_free(struct bench *b)
{
	server_stop(b->server, 0);
	server_free(b->server);
	fetch_sessions_free(b->broker.fetch_sessions);
	config_free(b->config);
	kit_free(b->kit);
	free(b);
}

/* A client */

static inline int dial(struct bench *b)
{
	return whole_dial(server_port(b->server));
}

/* What an answer was decoded to; its memory. */
struct answer {
	struct arena arena;
	union {
		struct produce_response produce;
		struct fetch_response fetch;
		struct list_offsets_response list_offsets;
		struct delete_records_response delete_records;
		struct offset_for_leader_epoch_response leader_epoch;
		struct describe_log_dirs_response log_dirs;
		struct describe_producers_response producers;
	};
};

static inline void answer_clear(struct answer *a)
{
	arena_clear(&a->arena);
	*a = (struct answer){ 0 };
}

/* Returns false when the connection was closed instead. */
static inline bool receive(int fd, int16_t key, int16_t version,
			   struct answer *a)
{
	*a = (struct answer){ 0 };
	return whole_take_if(fd, key, version, &a->arena, &a->produce);
}

static inline void call(int fd, int16_t key, int16_t version,
			const void *message, struct answer *a)
{
	whole_send(fd, key, version, message);
	assert_true(receive(fd, key, version, a));
}

/* Is nothing to be read? */
static inline bool is_silent(int fd, int for_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, for_ms) == 0;
}

/* Requests of one partition */

struct produce_call {
	struct produce_request request;
	struct produce_request_topic_data topic;
	struct produce_request_topic_data_partition_data partition;
};

static inline void fill_produce(struct produce_call *c, const char *topic,
				int id, int32_t index, int16_t acks,
				struct slice records)
{
	*c = (struct produce_call){
		.request = { .acks = acks,
			     .timeout_ms = 20000,
			     .topic_data = &c->topic,
			     .topic_data_count = 1 },
		.topic = { .name = slice_of(topic),
			   .topic_id = kit_topic_id(id),
			   .partition_data = &c->partition,
			   .partition_data_count = 1 },
		.partition = { .index = index,
			       .records = { .data = records.data,
					    .len = records.len } },
	};
}

/* Produce one batch as kit_make_batch() makes it to partition 0 of "red". */
static inline void produce(int fd, int16_t version, int16_t acks,
			   struct slice records, struct answer *a)
{
	struct produce_call c;

	fill_produce(&c, "red", 1, 0, acks, records);
	call(fd, PRODUCE, version, &c.request, a);
}

static inline const struct produce_response_responses_partition_responses *
produced(const struct answer *a)
{
	assert_int_equal(a->produce.responses_count, 1);
	assert_int_equal(a->produce.responses[0].partition_responses_count, 1);
	return &a->produce.responses[0].partition_responses[0];
}

static inline struct buffer make_batch(const struct kit_batch *what)
{
	struct kit_batch timed = *what;
	struct batch_header header;
	struct buffer bytes = { 0 };

	if (timed.timestamp_ms == 0)
		timed.timestamp_ms = clock_system()->wall_ms(clock_system());
	kit_make_batch(&timed, &bytes, &header);
	return bytes;
}

#endif /* TESTS_KBROKERD_API_DATA_DATA_KIT_H */
