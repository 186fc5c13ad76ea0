/*
 * producer_test.c - tests of producer.c, producer_queue.c, producer_batch.c
 *
 * The broker of these tests keeps logs as Kafka does: it checks sequences per
 * producer id and epoch, remembers the last five batches of each partition,
 * and takes any first sequence of a producer that it does not know.
 */
#include "client/producer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "client/producer_batch.h"
#include "record/batch.h"
#include "support/fake_broker.h"
#include "wire/errors.h"

enum {
	PARTITIONS_MAX = 4,
	RECORDS_MAX = 20000,
	REMEMBERED = 5,
	SOME_MS = 60000,
};

/* A batch that the broker has stored lately. */
struct remembered {
	int32_t first, last;
	int64_t offset;
};

struct model_log {
	int64_t producer_id;
	int16_t epoch;
	int32_t next_sequence;
	struct remembered last[REMEMBERED];
	int remembered;
	uint32_t values[RECORDS_MAX]; /* each record's own number */
	int64_t end;
};

struct fixture {
	struct loop *loop;
	struct fake_broker *fake;
	struct client_config config;
	struct client *client;
	struct producer *producer;
	struct producer_topic *topic;
	struct client_error error;
	struct seeded_random random;

	struct model_log logs[PARTITIONS_MAX];
	size_t batch_bytes_max; /* MESSAGE_TOO_LARGE beyond */
	int chaos;              /* one request in so many goes wrong; 0: none */
	/* Decides what happens to a Produce instead of chaos, if set. */
	bool (*script)(struct fake_request *r);
	int produced; /* requests */

	uint64_t stored, failed;
	uint64_t deliveries;
	int64_t base_offset;
	struct client_error delivery_error;
	int32_t culprit;
	int32_t sizes[64]; /* records of each delivery */
	bool delivered[RECORDS_MAX];
	bool add_again;
};

/*
 * The broker
 */

static int32_t after(int32_t sequence, int32_t count)
{
	return (int32_t)(((uint32_t)sequence + (uint32_t)count) & INT32_MAX);
}

static void store(struct model_log *log, struct slice bytes,
		  const struct batch_header *h)
{
	struct record_iter *iter;
	struct record record;

	assert_int_equal(record_iter_new(bytes, 64 << 20, &iter), 0);
	while (record_next(iter, &record) > 0) {
		assert_true(log->end < RECORDS_MAX);
		assert_true(record.value.len >= 4);
		log->values[log->end++] = get_be32(record.value.data);
	}
	record_iter_free(iter);
	if (h->producer_id < 0)
		return;
	log->producer_id = h->producer_id;
	log->epoch = h->producer_epoch;
	log->next_sequence = after(h->base_sequence, h->records_count);
	memmove(log->last + 1, log->last,
		(REMEMBERED - 1) * sizeof(log->last[0]));
	log->last[0] = (struct remembered){
		h->base_sequence, after(h->base_sequence, h->records_count - 1),
		log->end - h->records_count
	};
	log->remembered += log->remembered < REMEMBERED;
}

static int16_t append(struct fixture *f, struct model_log *log,
		      struct slice bytes, int64_t *offset_out)
{
	struct batch_header h;

	assert_int_equal(batch_header_read(bytes, &h), 0);
	assert_int_equal(h.size, bytes.len);
	assert_true(batch_crc_holds(bytes.data, &h));
	if (f->batch_bytes_max > 0 && bytes.len > f->batch_bytes_max)
		return WIRE_MESSAGE_TOO_LARGE;
	if (h.producer_id >= 0 && h.producer_id == log->producer_id &&
	    h.producer_epoch == log->epoch) {
		for (int i = 0; i < log->remembered; i++) {
			if (log->last[i].first == h.base_sequence &&
			    log->last[i].last == after(h.base_sequence,
						       h.records_count - 1)) {
				*offset_out = log->last[i].offset;
				return WIRE_NONE;
			}
		}
		if (h.base_sequence != log->next_sequence)
			return WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER;
	} else if (h.producer_id >= 0 && h.producer_id == log->producer_id) {
		if (h.producer_epoch < log->epoch)
			return WIRE_INVALID_PRODUCER_EPOCH;
		if (h.base_sequence != 0)
			return WIRE_OUT_OF_ORDER_SEQUENCE_NUMBER;
		log->remembered = 0;
	} else {
		log->remembered = 0;
	}
	*offset_out = log->end;
	store(log, bytes, &h);
	return WIRE_NONE;
}

/* Store what is asked, unless code says otherwise, and make the answer. */
static struct produce_response *handle(struct fixture *f,
				       struct fake_request *r, int16_t code)
{
	const struct produce_request *m = r->message;
	struct produce_response *response =
		arena_alloc(&r->arena, sizeof(*response));

	wire_init(&produce_response_desc, response);
	response->responses = wire_array(&produce_response_responses_desc,
					 &r->arena, m->topic_data_count);
	response->responses_count = m->topic_data_count;
	for (int32_t t = 0; t < m->topic_data_count; t++) {
		const struct produce_request_topic_data *topic =
			&m->topic_data[t];
		struct produce_response_responses *answer =
			&response->responses[t];

		answer->name = topic->name;
		answer->topic_id = topic->topic_id;
		answer->partition_responses = wire_array(
			&produce_response_responses_partition_responses_desc,
			&r->arena, topic->partition_data_count);
		answer->partition_responses_count = topic->partition_data_count;
		for (int32_t i = 0; i < topic->partition_data_count; i++) {
			struct produce_response_responses_partition_responses
				*p = &answer->partition_responses[i];
			const struct wire_records *records =
				&topic->partition_data[i].records;

			p->index = topic->partition_data[i].index;
			p->error_code = code;
			p->base_offset = -1;
			if (code == WIRE_NONE)
				p->error_code =
					append(f, &f->logs[p->index],
					       (struct slice){ records->data,
							       records->len },
					       &p->base_offset);
		}
	}
	return response;
}

/* Something goes wrong, before or after the records are stored. */
static void go_wrong(struct fixture *f, struct fake_request *r)
{
	switch (random_below(&f->random.random, 5)) {
	case 0: /* lost on the way there */
		fake_close(r);
		break;
	case 1: /* lost on the way back */
		handle(f, r, WIRE_NONE);
		fake_close(r);
		break;
	case 2:
		fake_answer(r, handle(f, r, WIRE_NOT_LEADER_OR_FOLLOWER));
		break;
	case 3:
		fake_answer(r, handle(f, r, WIRE_NOT_ENOUGH_REPLICAS));
		break;
	default: { /* stored, but the replicas were slow */
		struct produce_response *response = handle(f, r, WIRE_NONE);

		for (int32_t t = 0; t < response->responses_count; t++)
			response->responses[t]
				.partition_responses[0]
				.error_code = WIRE_REQUEST_TIMED_OUT;
		fake_answer(r, response);
		break;
	}
	}
}

static bool on_config_request(struct fake_request *r)
{
	struct describe_configs_response response;

	wire_init(&describe_configs_response_desc, &response);
	response.results = wire_array(&describe_configs_response_results_desc,
				      &r->arena, 1);
	response.results_count = 1;
	response.results->resource_name = slice_of("t");
	response.results->configs = wire_array(
		&describe_configs_response_results_configs_desc, &r->arena, 1);
	response.results->configs_count = 1;
	response.results->configs->name = slice_of("max.message.bytes");
	response.results->configs->value = slice_of("1000");
	fake_answer(r, &response);
	return true;
}

static bool on_request(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;
	const struct produce_request *m = r->message;

	if (r->key == API_DESCRIBE_CONFIGS)
		return on_config_request(r);
	if (r->key != API_PRODUCE)
		return false;
	f->produced++;
	if (f->script != NULL && f->script(r))
		return true;
	if (f->chaos > 0 &&
	    random_below(&f->random.random, (uint64_t)f->chaos) == 0) {
		go_wrong(f, r);
		return true;
	}
	if (m->acks == 0) {
		handle(f, r, WIRE_NONE);
		fake_ignore(r);
		return true;
	}
	fake_answer(r, handle(f, r, WIRE_NONE));
	return true;
}

/*
 * The producer
 */

static void add(struct fixture *f, int32_t partition, uint32_t number,
		size_t size);

static void on_delivery(void *arg, const struct producer_delivery *d)
{
	struct fixture *f = arg;

	if (f->deliveries < 64)
		f->sizes[f->deliveries] = d->count;
	f->deliveries++;
	f->base_offset = d->base_offset;
	f->culprit = d->culprit;
	if (d->error != NULL) {
		f->failed += (uint64_t)d->count;
		f->delivery_error = *d->error;
	} else {
		f->stored += (uint64_t)d->count;
	}
	for (int32_t i = 0; i < d->count; i++) {
		uint64_t opaque = d->opaques[i];

		/* Each once; their order is that of the log. */
		assert_true(opaque < RECORDS_MAX);
		assert_false(f->delivered[opaque]);
		f->delivered[opaque] = true;
	}
	if (f->add_again) {
		f->add_again = false;
		add(f, 0, 9999, 10);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(client_config_init(&f->config), 0);
	f->fake = fake_broker_new(f->loop, 1);
	f->fake->arg = f;
	f->fake->on_request = on_request;
	for (int i = 0; i < PARTITIONS_MAX; i++)
		f->logs[i].producer_id = -1;
	/* SEED=n tries other trouble. */
	seeded_random_init(&f->random,
			   getenv("SEED") == NULL
				   ? 1
				   : strtoull(getenv("SEED"), NULL, 10));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	producer_free(f->producer);
	client_free(f->client);
	fake_broker_free(f->fake);
	client_config_clear(&f->config);
	loop_free(f->loop);
	free(f);
	return 0;
}

static void set(struct fixture *f, const char *name, const char *value)
{
	assert_int_equal(client_config_set(&f->config, name, value, &f->error),
			 0);
}

static void start(struct fixture *f)
{
	char servers[64];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	set(f, "bootstrap.servers", servers);
	set(f, "retry.backoff.ms", "1");
	set(f, "reconnect.backoff.ms", "1");
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 0);
	assert_int_equal(producer_new(f->client, on_delivery, f, &f->producer),
			 0);
	assert_int_equal(producer_topic_open(f->producer, "t", SOME_MS,
					     &f->topic, &f->error),
			 0);
}

static int try_add(struct fixture *f, int32_t partition, uint32_t number,
		   size_t size)
{
	uint8_t *value = calloc(1, size);
	int rc;

	put_be32(value, number);
	rc = producer_add(f->producer, f->topic, partition, 1000, SLICE_NULL,
			  (struct slice){ value, size }, NULL, 0, number);
	free(value);
	return rc;
}

static void add(struct fixture *f, int32_t partition, uint32_t number,
		size_t size)
{
	assert_int_equal(try_add(f, partition, number, size), 0);
}

static void finish(struct fixture *f)
{
	assert_int_equal(producer_wait(f->producer, -1), 0);
	assert_int_equal(producer_pending(f->producer), 0);
	assert_int_equal(producer_pending_bytes(f->producer), 0);
	assert_int_equal(producer_oldest_ms(f->producer), -1);
}

/* Exactly the numbers from first on, in order. */
static void assert_log(const struct fixture *f, int32_t partition,
		       uint32_t first, int64_t count)
{
	const struct model_log *log = &f->logs[partition];

	assert_int_equal(log->end, count);
	for (int64_t i = 0; i < count; i++)
		assert_int_equal(log->values[i], first + i);
}

/*
 * Batching
 */

static void records_of_one_moment_go_as_one_batch(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "900000");
	start(f);
	for (uint32_t i = 0; i < 100; i++)
		add(f, 0, i, 10);
	loop_run_once(f->loop, 5);
	assert_int_equal(f->produced, 0);
	finish(f);

	assert_int_equal(f->produced, 1);
	assert_int_equal(f->deliveries, 1);
	assert_int_equal(f->base_offset, 0);
	assert_log(f, 0, 0, 100);
}

static void a_batch_that_lingers_goes_by_itself(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "5");
	start(f);
	add(f, 0, 0, 10);
	while (f->stored == 0)
		loop_run_once(f->loop, -1);

	assert_log(f, 0, 0, 1);
}

static void without_lingering_each_record_goes_at_once(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "0");
	start(f);
	for (uint32_t i = 0; i < 3; i++) {
		add(f, 0, i, 10);
		while (f->stored <= i)
			loop_run_once(f->loop, -1);
	}

	assert_int_equal(f->produced, 3);
}

static void a_full_batch_goes_at_once(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "900000");
	set(f, "batch.size", "1000");
	start(f);
	for (uint32_t i = 0; i < 30; i++)
		add(f, 0, i, 100);
	while (f->stored < 24)
		loop_run_once(f->loop, -1);

	assert_int_equal(f->sizes[0], 8);
	finish(f);
	assert_log(f, 0, 0, 30);
}

static void a_batch_has_no_more_records_than_told(void **state)
{
	struct fixture *f = *state;

	set(f, "batch.num.messages", "7");
	start(f);
	for (uint32_t i = 0; i < 20; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->sizes[0], 7);
	assert_int_equal(f->sizes[1], 7);
	assert_int_equal(f->sizes[2], 6);
}

static void batches_of_several_partitions_go_in_one_request(void **state)
{
	struct fixture *f = *state;

	f->fake->partitions = 4;
	set(f, "linger.ms", "900000");
	start(f);
	for (uint32_t i = 0; i < 40; i++)
		add(f, (int32_t)(i % 4), i, 10);
	finish(f);

	assert_int_equal(f->produced, 1);
	assert_int_equal(f->deliveries, 4);
}

static void keys_go_where_java_puts_them_and_the_rest_sticks(void **state)
{
	struct fixture *f = *state;
	int32_t sticky;

	f->fake->partitions = 4;
	start(f);
	/* murmur2 of "foobar" is -790332482: 1357151166 % 4. */
	assert_int_equal(producer_partition_for(f->producer, f->topic,
						slice_of("foobar")),
			 2);
	sticky = producer_partition_for(f->producer, f->topic, SLICE_NULL);
	for (uint32_t i = 0; i < 10; i++)
		add(f, -1, i, 10);
	finish(f);

	assert_int_equal(f->logs[sticky].end, 10);
}

static void what_sticks_moves_on_with_the_next_batch(void **state)
{
	struct fixture *f = *state;
	int used = 0;

	f->fake->partitions = 4;
	set(f, "batch.size", "200");
	start(f);
	for (uint32_t i = 0; i < 200; i++)
		add(f, -1, i, 100);
	finish(f);

	for (int p = 0; p < 4; p++)
		used += f->logs[p].end > 0;
	assert_true(used > 1);
}

static void every_codec_arrives(void **state)
{
	static const char *const names[] = { "gzip", "snappy", "lz4", "zstd" };
	struct fixture *f = *state;

	for (size_t i = 0; i < 4; i++) {
		set(f, "compression.codec", names[i]);
		start(f);
		for (uint32_t n = 0; n < 100; n++)
			add(f, 0, (uint32_t)i * 100 + n, 100);
		finish(f);
		assert_log(f, 0, 0, (int64_t)(i + 1) * 100);
		producer_free(f->producer);
		client_free(f->client);
		f->producer = NULL;
		f->client = NULL;
	}
}

/*
 * Bounds
 */

static void a_full_queue_says_so_and_has_room_after_a_delivery(void **state)
{
	struct fixture *f = *state;
	uint32_t n = 0;

	set(f, "queue.buffering.max.kbytes", "10");
	set(f, "linger.ms", "900000");
	start(f);
	while (try_add(f, 0, n, 1000) == 0)
		n++;
	assert_in_range(n, 9, 10);
	assert_int_equal(try_add(f, 0, n, 1000), -EAGAIN);
	assert_true(producer_pending_bytes(f->producer) <= 10240);
	/* Nobody has to flush: what is full goes. */
	while (f->stored == 0)
		loop_run_once(f->loop, -1);
	add(f, 0, n, 1000);
	finish(f);

	assert_log(f, 0, 0, n + 1);
}

static void a_record_larger_than_the_queue_goes_alone(void **state)
{
	struct fixture *f = *state;

	set(f, "queue.buffering.max.kbytes", "1");
	start(f);
	add(f, 0, 0, 5000);
	assert_int_equal(try_add(f, 0, 1, 5000), -EAGAIN);
	finish(f);
	add(f, 0, 1, 5000);
	finish(f);

	assert_log(f, 0, 0, 2);
}

static void a_record_over_the_limit_is_refused_at_once(void **state)
{
	struct fixture *f = *state;

	set(f, "message.max.bytes", "1000");
	start(f);
	assert_int_equal(try_add(f, 0, 0, 1001), -EMSGSIZE);
	assert_int_equal(try_add(f, 1, 0, 10), -ERANGE);
	add(f, 0, 0, 900);
	finish(f);

	assert_log(f, 0, 0, 1);
}

static void records_may_be_added_from_within_a_delivery(void **state)
{
	struct fixture *f = *state;

	start(f);
	f->add_again = true;
	add(f, 0, 1, 10);
	finish(f);

	assert_int_equal(f->stored, 2);
}

/*
 * Too large
 */

static void a_batch_that_is_too_large_is_split(void **state)
{
	struct fixture *f = *state;

	f->batch_bytes_max = 1000;
	set(f, "linger.ms", "900000");
	start(f);
	for (uint32_t i = 0; i < 100; i++)
		add(f, 0, i, 100);
	finish(f);

	assert_int_equal(f->failed, 0);
	assert_log(f, 0, 0, 100);
}

static void two_records_are_split_too(void **state)
{
	struct fixture *f = *state;

	f->batch_bytes_max = 1000;
	set(f, "linger.ms", "900000");
	start(f);
	add(f, 0, 0, 600);
	add(f, 0, 1, 600);
	finish(f);
	assert_int_equal(f->stored, 2);
	assert_int_equal(f->produced, 3);
	assert_log(f, 0, 0, 2);
}

static void a_record_that_is_too_large_fails_with_both_sizes(void **state)
{
	struct fixture *f = *state;

	f->batch_bytes_max = 1000;
	start(f);
	for (uint32_t i = 0; i < 10; i++)
		add(f, 0, i, i == 5 ? 2000 : 10);
	finish(f);

	assert_int_equal(f->stored, 9);
	assert_int_equal(f->failed, 1);
	assert_int_equal(f->logs[0].end, 9);
	assert_int_equal(f->delivery_error.kind, CLIENT_BAD_DATA);
	assert_int_equal(f->delivery_error.code, WIRE_MESSAGE_TOO_LARGE);
	assert_string_equal(f->delivery_error.text,
			    "MESSAGE_TOO_LARGE: 2070 bytes, broker limit 1000 "
			    "(topic max.message.bytes)");
}

/*
 * Errors
 */

static int16_t answer_code;

static bool answer_with_code(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	fake_answer(r, handle(f, r, answer_code));
	return true;
}

static void a_refused_batch_fails_and_says_why(void **state)
{
	struct fixture *f = *state;

	answer_code = WIRE_TOPIC_AUTHORIZATION_FAILED;
	f->script = answer_with_code;
	start(f);
	add(f, 0, 0, 10);
	add(f, 0, 1, 10);
	finish(f);

	assert_int_equal(f->failed, 2);
	assert_int_equal(f->delivery_error.kind, CLIENT_AUTH);
	assert_non_null(strstr(f->delivery_error.text,
			       "topic 't' partition 0: "
			       "TOPIC_AUTHORIZATION_FAILED"));
}

static bool name_the_culprit(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;
	struct produce_response *response =
		handle(f, r, WIRE_INVALID_TIMESTAMP);
	struct produce_response_responses_partition_responses *p =
		response->responses->partition_responses;

	p->record_errors = wire_array(
		&produce_response_responses_partition_responses_record_errors_desc,
		&r->arena, 1);
	p->record_errors_count = 1;
	p->record_errors->batch_index = 3;
	p->record_errors->batch_index_error_message = slice_of("too old");
	fake_answer(r, response);
	return true;
}

static void the_record_at_fault_is_named(void **state)
{
	struct fixture *f = *state;

	f->script = name_the_culprit;
	set(f, "linger.ms", "900000");
	start(f);
	for (uint32_t i = 0; i < 10; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->failed, 10);
	assert_int_equal(f->culprit, 3);
	assert_int_equal(f->delivery_error.kind, CLIENT_BAD_DATA);
	assert_non_null(strstr(f->delivery_error.text, "too old"));
}

static bool name_another_s_record(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;
	struct produce_response *response =
		handle(f, r, WIRE_INVALID_TIMESTAMP);
	struct produce_response_responses_partition_responses *p =
		response->responses->partition_responses;

	p->record_errors = wire_array(
		&produce_response_responses_partition_responses_record_errors_desc,
		&r->arena, 1);
	p->record_errors_count = 1;
	p->record_errors->batch_index = 1;
	fake_answer(r, response);
	return true;
}

static void a_record_at_fault_must_be_of_the_batch(void **state)
{
	struct fixture *f = *state;

	f->script = name_another_s_record;
	start(f);
	add(f, 0, 0, 10);
	finish(f);
	assert_int_equal(f->failed, 1);
	assert_int_equal(f->culprit, -1);
}

static bool leave_out(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;
	struct produce_response *response = handle(f, r, WIRE_NONE);

	response->responses_count = 0;
	fake_answer(r, response);
	return true;
}

static void an_answer_that_leaves_the_partition_out_is_none(void **state)
{
	struct fixture *f = *state;

	set(f, "retries", "1");
	f->script = leave_out;
	start(f);
	add(f, 0, 0, 10);
	finish(f);
	assert_int_equal(f->produced, 2);
	assert_int_equal(f->failed, 1);
	assert_int_equal(f->delivery_error.kind, CLIENT_BAD_DATA);
	assert_non_null(
		strstr(f->delivery_error.text, "leaves partitions out"));
}

/* Nor is it taken for sent where nothing is answered. */
static void what_no_version_can_say_fails_at_once(void **state)
{
	static const char *const acks[] = { "0", "-1" };
	struct fixture *f;
	void *each;

	teardown(state);
	for (size_t i = 0; i < 2; i++) {
		setup(&each);
		f = each;
		f->fake->versions[API_PRODUCE] = (struct fake_version){ 0, 6 };
		set(f, "compression.codec", "zstd");
		set(f, "acks", acks[i]);
		start(f);
		add(f, 0, 0, 10);
		finish(f);
		assert_int_equal(f->produced, 0);
		assert_int_equal(f->stored, 0);
		assert_int_equal(f->failed, 1);
		teardown(&each);
	}
	setup(state);
}

static bool never_leader(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	fake_answer(r, handle(f, r, WIRE_NOT_LEADER_OR_FOLLOWER));
	return true;
}

static void what_is_not_delivered_in_time_fails(void **state)
{
	struct fixture *f = *state;

	set(f, "delivery.timeout.ms", "50");
	f->script = never_leader;
	start(f);
	add(f, 0, 0, 10);
	finish(f);

	assert_int_equal(f->failed, 1);
	assert_true(f->produced > 1);
	assert_int_equal(f->delivery_error.kind, CLIENT_UNREACHABLE);
	/* And why: what the broker said, or that the last try was cut off. */
	assert_non_null(
		strstr(f->delivery_error.text, "not delivered within 50 ms: "));
}

static bool hold(struct fake_request *r)
{
	fake_hold(r);
	return true;
}

static void a_broker_that_says_nothing_is_given_up_in_time(void **state)
{
	struct fixture *f = *state;

	set(f, "delivery.timeout.ms", "50");
	set(f, "socket.timeout.ms", "300000");
	f->script = hold;
	start(f);
	add(f, 0, 0, 10);
	finish(f);

	assert_int_equal(f->failed, 1);
}

static void retries_are_counted(void **state)
{
	struct fixture *f = *state;

	set(f, "retries", "3");
	f->script = never_leader;
	start(f);
	add(f, 0, 0, 10);
	finish(f);

	assert_int_equal(f->produced, 4);
	assert_int_equal(f->failed, 1);
}

static void who_leads_is_asked_when_it_has_changed(void **state)
{
	struct fixture *f = *state;
	int asked;

	set(f, "retries", "1");
	f->script = never_leader;
	start(f);
	asked = f->fake->requests[API_METADATA];
	add(f, 0, 0, 10);
	finish(f);
	while (f->fake->requests[API_METADATA] == asked)
		loop_run_once(f->loop, -1);
}

static bool refuse_id(struct fake_request *r)
{
	struct init_producer_id_response response;

	if (r->key != API_INIT_PRODUCER_ID)
		return on_request(r);
	wire_init(&init_producer_id_response_desc, &response);
	response.error_code = WIRE_CLUSTER_AUTHORIZATION_FAILED;
	fake_answer(r, &response);
	return true;
}

static void without_a_producer_id_nothing_goes(void **state)
{
	struct fixture *f = *state;

	f->fake->on_request = refuse_id;
	set(f, "linger.ms", "900000");
	start(f);
	while (producer_failure(f->producer) == NULL)
		loop_run_once(f->loop, -1);

	assert_int_equal(producer_failure(f->producer)->kind, CLIENT_AUTH);
	assert_int_equal(try_add(f, 0, 0, 10), -ECANCELED);
	assert_int_equal(f->produced, 0);
}

/*
 * Idempotence
 */

static void a_lost_answer_does_not_store_twice(void **state)
{
	struct fixture *f = *state;

	f->chaos = 2; /* with seed 1 each kind of trouble comes */
	set(f, "linger.ms", "0");
	start(f);
	for (uint32_t i = 0; i < 100; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->failed, 0);
	assert_log(f, 0, 0, 100);
}

static bool lose_first(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	/* Not stored and refused at once; those behind it arrive. */
	if (f->produced != 2)
		return false;
	fake_answer(r, handle(f, r, WIRE_NOT_ENOUGH_REPLICAS));
	return true;
}

static void what_a_broker_has_already_is_stored(void **state)
{
	struct fixture *f = *state;

	answer_code = WIRE_DUPLICATE_SEQUENCE_NUMBER;
	f->script = answer_with_code;
	start(f);
	add(f, 0, 0, 10);
	finish(f);
	assert_int_equal(f->stored, 1);
	assert_int_equal(f->base_offset, -1);
}

static void those_behind_a_failed_batch_wait_for_it(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "0");
	f->script = lose_first;
	start(f);
	add(f, 0, 0, 10);
	while (f->stored == 0)
		loop_run_once(f->loop, -1);
	for (uint32_t i = 1; i < 6; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->failed, 0);
	assert_log(f, 0, 0, 6);
}

static void until_the_first_is_stored_one_is_in_flight(void **state)
{
	struct fixture *f = *state;
	struct fake_request *held;

	set(f, "linger.ms", "0");
	set(f, "batch.num.messages", "1");
	f->script = hold;
	start(f);
	for (uint32_t i = 0; i < 20; i++)
		add(f, 0, i, 10);
	while (f->produced == 0)
		loop_run_once(f->loop, -1);
	for (int i = 0; i < 10; i++)
		loop_run_once(f->loop, 1);
	assert_int_equal(f->produced, 1);

	held = fake_held(f->fake);
	fake_answer(held, handle(f, held, WIRE_NONE));
	while (f->produced < 6)
		loop_run_once(f->loop, -1);
	for (int i = 0; i < 10; i++)
		loop_run_once(f->loop, 1);

	/* And then five. */
	assert_int_equal(f->produced, 6);
}

static bool reject_second(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	if (f->produced != 2)
		return false;
	fake_answer(r, handle(f, r, WIRE_INVALID_RECORD));
	return true;
}

static void after_a_failed_batch_the_rest_goes_on_in_a_new_epoch(void **state)
{
	struct fixture *f = *state;

	set(f, "linger.ms", "0");
	set(f, "batch.num.messages", "1");
	f->script = reject_second;
	start(f);
	for (uint32_t i = 0; i < 10; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->failed, 1);
	assert_int_equal(f->stored, 9);
	assert_int_equal(f->logs[0].end, 9);
	for (int i = 0; i < 9; i++)
		assert_int_equal(f->logs[0].values[i], i < 1 ? i : i + 1);
	assert_int_equal(f->logs[0].epoch, 1);
}

static void sequences_begin_again_behind_the_last(void **state)
{
	(void)state;
	assert_int_equal(producer_sequence_after(INT32_MAX, 1), 0);
	assert_int_equal(producer_sequence_after(INT32_MAX - 2, 5), 2);
	assert_int_equal(producer_sequence_after(10, 5), 15);
}

/* Thousands of records, several partitions, trouble all the time. */
static void random_trouble_neither_loses_nor_doubles(void **state)
{
	struct fixture *f = *state;
	uint32_t next[PARTITIONS_MAX] = { 0 };
	uint32_t number = 0;

	f->chaos = 6;
	f->fake->partitions = PARTITIONS_MAX;
	set(f, "linger.ms", "0.5");
	set(f, "batch.size", "500");
	set(f, "queue.buffering.max.kbytes", "20");
	start(f);
	while (number < 5000) {
		int32_t p = (int32_t)random_below(&f->random.random,
						  PARTITIONS_MAX);
		size_t size = 4 + random_below(&f->random.random, 100);
		/* Its partition and its place there. */
		uint8_t value[128] = { 0 };
		int rc;

		put_be32(value, (uint32_t)p << 24 | next[p]);
		rc = producer_add(f->producer, f->topic, p, 1000, SLICE_NULL,
				  (struct slice){ value, size }, NULL, 0,
				  number);
		if (rc == -EAGAIN) {
			loop_run_once(f->loop, -1);
			continue;
		}
		assert_int_equal(rc, 0);
		next[p]++;
		number++;
		if (random_below(&f->random.random, 20) == 0)
			loop_run_once(f->loop, 0);
	}
	finish(f);

	assert_int_equal(f->stored, 5000);
	for (int32_t p = 0; p < PARTITIONS_MAX; p++) {
		assert_int_equal(f->logs[p].end, next[p]);
		for (uint32_t i = 0; i < next[p]; i++)
			assert_int_equal(f->logs[p].values[i],
					 (uint32_t)p << 24 | i);
	}
}

static void random_trouble_with_large_batches_too(void **state)
{
	struct fixture *f = *state;

	f->chaos = 4;
	f->batch_bytes_max = 700;
	set(f, "linger.ms", "0.5");
	start(f);
	for (uint32_t i = 0; i < 2000; i++) {
		add(f, 0, i, 50);
		if (i % 50 == 0)
			loop_run_once(f->loop, 0);
	}
	finish(f);

	assert_int_equal(f->failed, 0);
	assert_log(f, 0, 0, 2000);
}

/*
 * Without it
 */

static void without_acks_sent_is_delivered(void **state)
{
	struct fixture *f = *state;

	set(f, "acks", "0");
	start(f);
	for (uint32_t i = 0; i < 10; i++)
		add(f, 0, i, 10);
	finish(f);

	assert_int_equal(f->stored, 10);
	assert_int_equal(f->base_offset, -1);
	while (f->logs[0].end < 10)
		loop_run_once(f->loop, -1);
	assert_int_equal(f->logs[0].producer_id, -1);
	assert_int_equal(f->fake->requests[API_INIT_PRODUCER_ID], 0);
}

static bool has_names(struct fake_request *r)
{
	const struct produce_request *m = r->message;

	assert_true(slice_is(m->topic_data[0].name, "t"));
	return false;
}

static void a_broker_that_tells_no_ids_gets_none(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_METADATA] = (struct fake_version){ 0, 9 };
	f->script = has_names;
	start(f);
	add(f, 0, 0, 10);
	finish(f);
	assert_log(f, 0, 0, 1);
}

static void no_more_are_in_flight_than_told(void **state)
{
	struct fixture *f = *state;

	set(f, "enable.idempotence", "false");
	set(f, "max.in.flight", "2");
	set(f, "linger.ms", "0");
	f->script = hold;
	start(f);
	for (uint32_t i = 0; i < 5; i++) {
		add(f, 0, i, 10);
		while (f->produced < 2 && (int)i >= f->produced)
			loop_run_once(f->loop, -1);
	}
	for (int i = 0; i < 20; i++)
		loop_run_once(f->loop, 5);
	assert_int_equal(f->produced, 2);
}

static void an_old_broker_gets_names_instead_of_ids(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_PRODUCE] = (struct fake_version){ 0, 7 };
	f->fake->versions[API_METADATA] = (struct fake_version){ 0, 5 };
	start(f);
	add(f, 0, 0, 10);
	finish(f);

	assert_log(f, 0, 0, 1);
}

static void a_broker_that_was_away_gets_what_waited(void **state)
{
	struct fixture *f = *state;

	start(f);
	add(f, 0, 0, 10);
	finish(f);
	fake_broker_down(f->fake);
	for (uint32_t i = 1; i < 10; i++)
		add(f, 0, i, 10);
	producer_flush(f->producer);
	for (int i = 0; i < 20; i++)
		loop_run_once(f->loop, 5);
	fake_broker_up(f->fake);
	finish(f);

	assert_int_equal(f->failed, 0);
	assert_log(f, 0, 0, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(records_of_one_moment_go_as_one_batch),
		TEST(a_batch_that_lingers_goes_by_itself),
		TEST(without_lingering_each_record_goes_at_once),
		TEST(a_full_batch_goes_at_once),
		TEST(a_batch_has_no_more_records_than_told),
		TEST(batches_of_several_partitions_go_in_one_request),
		TEST(keys_go_where_java_puts_them_and_the_rest_sticks),
		TEST(what_sticks_moves_on_with_the_next_batch),
		TEST(every_codec_arrives),
		TEST(a_full_queue_says_so_and_has_room_after_a_delivery),
		TEST(a_record_larger_than_the_queue_goes_alone),
		TEST(a_record_over_the_limit_is_refused_at_once),
		TEST(records_may_be_added_from_within_a_delivery),
		TEST(a_batch_that_is_too_large_is_split),
		TEST(a_record_that_is_too_large_fails_with_both_sizes),
		TEST(a_refused_batch_fails_and_says_why),
		TEST(the_record_at_fault_is_named),
		TEST(what_is_not_delivered_in_time_fails),
		TEST(a_broker_that_says_nothing_is_given_up_in_time),
		TEST(retries_are_counted),
		TEST(without_a_producer_id_nothing_goes),
		TEST(a_lost_answer_does_not_store_twice),
		TEST(those_behind_a_failed_batch_wait_for_it),
		TEST(until_the_first_is_stored_one_is_in_flight),
		TEST(after_a_failed_batch_the_rest_goes_on_in_a_new_epoch),
		TEST(sequences_begin_again_behind_the_last),
		TEST(random_trouble_neither_loses_nor_doubles),
		TEST(random_trouble_with_large_batches_too),
		TEST(without_acks_sent_is_delivered),
		TEST(an_old_broker_gets_names_instead_of_ids),
		TEST(a_broker_that_was_away_gets_what_waited),
		TEST(a_record_at_fault_must_be_of_the_batch),
		TEST(an_answer_that_leaves_the_partition_out_is_none),
		TEST(what_no_version_can_say_fails_at_once),
		TEST(who_leads_is_asked_when_it_has_changed),
		TEST(what_a_broker_has_already_is_stored),
		TEST(two_records_are_split_too),
		TEST(a_broker_that_tells_no_ids_gets_none),
		TEST(no_more_are_in_flight_than_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
