/*
 * wire_bench.c - what lib/wire costs for a message
 *
 * Prints nanoseconds to decode and to encode the messages that a broker sees
 * most, with one partition each.  Decoding copies no record bytes, encoding
 * copies them once unless they are a file: the last column is what memcpy(3)
 * takes for the encoded bytes, for scale.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/messages.h"
#include "wire/wire.h"

enum { ROUNDS_MAX = 400000, BATCH_MAX = 256 << 10 };

static _Alignas(4096) uint8_t batch[BATCH_MAX + 4096];

struct subject {
	const char *name;
	const struct wire_desc *desc;
	int16_t version;
	const void *message;
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "wire_bench: %s failed\n", what);
	exit(1);
}

static int rounds_for(size_t bytes)
{
	return bytes > 100000 ? 4000 : bytes > 4096 ? 40000 : ROUNDS_MAX;
}

static double decode_ns(const struct subject *s, struct slice bytes)
{
	static uint8_t message[4096];
	struct arena arena = { 0 };
	double start = now_ns();

	for (int i = 0; i < ROUNDS_MAX; i++) {
		int64_t taken;

		arena_reset(&arena);
		taken = wire_decode(s->desc, s->version, bytes, &arena,
				    message);
		check(taken == (int64_t)bytes.len, "decoding");
	}
	arena_clear(&arena);
	return (now_ns() - start) / ROUNDS_MAX;
}

static double encode_ns(const struct subject *s, struct buffer *out)
{
	struct wire_holes holes = { 0 };
	int rounds = rounds_for(out->len);
	double start = now_ns();

	for (int i = 0; i < rounds; i++) {
		holes.count = 0;
		buffer_reset(out);
		check(wire_encode(s->desc, s->version, s->message, out,
				  &holes) == 0,
		      "encoding");
	}
	wire_holes_clear(&holes);
	return (now_ns() - start) / rounds;
}

/* Between two aligned places: at unlucky distances memcpy(3) is far slower. */
static double copy_ns(size_t len)
{
	static _Alignas(4096) uint8_t to[BATCH_MAX + 4096];
	int rounds = rounds_for(len);
	double start;

	memcpy(to, batch, len);
	start = now_ns();
	for (int i = 0; i < rounds; i++) {
		memcpy(to, batch, len);
		__asm__ volatile("" : : "r"(to) : "memory");
	}
	return (now_ns() - start) / rounds;
}

static void measure(const struct subject *s)
{
	struct buffer out = { 0 };
	struct wire_holes holes = { 0 };
	double encode;
	double decode = 0;

	check(wire_desc_size(s->desc) <= 4096, "room for a message");
	check(wire_encode(s->desc, s->version, s->message, &out, &holes) == 0,
	      "encoding");
	encode = encode_ns(s, &out);
	if (holes.count == 0)
		decode = decode_ns(s, buffer_slice(&out));
	printf("%-28s v%-3d %7zu bytes  decode %6.0f ns  encode %6.0f ns  "
	       "memcpy %6.0f ns\n",
	       s->name, s->version, out.len, decode, encode, copy_ns(out.len));
	wire_holes_clear(&holes);
	buffer_clear(&out);
}

static void measure_produce(int16_t version, size_t batch_len)
{
	struct produce_request_topic_data_partition_data partition;
	struct produce_request_topic_data topic;
	struct produce_request request;
	char name[64];

	wire_init(&produce_request_topic_data_partition_data_desc, &partition);
	wire_init(&produce_request_topic_data_desc, &topic);
	wire_init(&produce_request_desc, &request);
	partition.records =
		(struct wire_records){ .data = batch, .len = batch_len };
	topic.name = slice_of("orders.payments");
	topic.partition_data = &partition;
	topic.partition_data_count = 1;
	request.acks = -1;
	request.timeout_ms = 30000;
	request.topic_data = &topic;
	request.topic_data_count = 1;
	snprintf(name, sizeof(name), "produce request, %zu KiB",
		 batch_len >> 10);
	measure(&(struct subject){ name, &produce_request_desc, version,
				   &request });
}

static void measure_produce_response(int16_t version)
{
	struct produce_response_responses_partition_responses partition;
	struct produce_response_responses topic;
	struct produce_response response;

	wire_init(&produce_response_responses_partition_responses_desc,
		  &partition);
	wire_init(&produce_response_responses_desc, &topic);
	wire_init(&produce_response_desc, &response);
	partition.base_offset = 123456;
	topic.name = slice_of("orders.payments");
	topic.partition_responses = &partition;
	topic.partition_responses_count = 1;
	response.responses = &topic;
	response.responses_count = 1;
	measure(&(struct subject){ "produce response", &produce_response_desc,
				   version, &response });
}

static void measure_fetch(int16_t version)
{
	struct fetch_request_topics_partitions partition;
	struct fetch_request_topics topic;
	struct fetch_request request;

	wire_init(&fetch_request_topics_partitions_desc, &partition);
	wire_init(&fetch_request_topics_desc, &topic);
	wire_init(&fetch_request_desc, &request);
	partition.fetch_offset = 123456;
	partition.partition_max_bytes = 1 << 20;
	topic.topic = slice_of("orders.payments");
	topic.partitions = &partition;
	topic.partitions_count = 1;
	request.topics = &topic;
	request.topics_count = 1;
	measure(&(struct subject){ "fetch request", &fetch_request_desc,
				   version, &request });
}

static void measure_fetch_response(int16_t version, bool from_file)
{
	struct fetch_response_responses_partitions partition;
	struct fetch_response_responses topic;
	struct fetch_response response;

	wire_init(&fetch_response_responses_partitions_desc, &partition);
	wire_init(&fetch_response_responses_desc, &topic);
	wire_init(&fetch_response_desc, &response);
	partition.high_watermark = 123456;
	partition.records = (struct wire_records){ .len = 16 << 10 };
	if (from_file)
		partition.records.file = batch;
	else
		partition.records.data = batch;
	topic.topic = slice_of("orders.payments");
	topic.partitions = &partition;
	topic.partitions_count = 1;
	response.responses = &topic;
	response.responses_count = 1;
	measure(&(struct subject){ from_file ? "fetch response, a file"
					     : "fetch response, 16 KiB",
				   &fetch_response_desc, version, &response });
}

static void measure_header(void)
{
	struct request_header header = {
		.request_api_version = 9,
		.correlation_id = 1,
		.client_id = slice_of("rdkafka"),
	};

	measure(&(struct subject){ "request header", &request_header_desc, 2,
				   &header });
}

int main(void)
{
	static const int16_t produce_versions[] = { 9, 13 };
	static const int16_t fetch_versions[] = { 11, 12, 16, 18 };

	memset(batch, 'x', sizeof(batch));
	measure_header();
	for (size_t i = 0; i < 2; i++) {
		measure_produce(produce_versions[i], 16 << 10);
		measure_produce(produce_versions[i], 256 << 10);
		measure_produce_response(produce_versions[i]);
	}
	for (size_t i = 0; i < 4; i++) {
		measure_fetch(fetch_versions[i]);
		measure_fetch_response(fetch_versions[i], false);
		measure_fetch_response(fetch_versions[i], true);
	}
	return 0;
}
