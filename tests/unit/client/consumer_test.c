/*
 * consumer_test.c - tests of consumer.c, consumer_lookup.c, consumer_fetch.c
 *
 * The broker of these tests keeps a log of batches for each partition and
 * fetch sessions as Kafka does; a Fetch for which there is nothing waits until
 * something is appended.
 */
#include "client/consumer.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "record/builder.h"
#include "support/fake_broker.h"
#include "wire/errors.h"

enum {
	PARTITIONS_MAX = 8,
	BATCHES_MAX = 512,
	SESSION_ID = 4711,
	TIME_STEP_MS = 10, /* a record's time is its offset times this */
};

struct model_batch {
	int64_t base, last;
	size_t at, len; /* in the log's bytes */
};

struct model_log {
	struct buffer bytes;
	struct model_batch batches[BATCHES_MAX];
	size_t count;
	int64_t start, end; /* log start offset, high watermark */
	int16_t code;       /* answer so instead */
	size_t cut;         /* no more bytes than these, whatever is asked */
	/* The session's idea of it. */
	bool in_session;
	int64_t wanted;
	int32_t bytes_max;
};

struct fixture {
	struct loop *loop;
	struct fake_broker *fake;
	struct fake_broker *second; /* the same logs */
	struct client_config config;
	struct client *client;
	struct consumer *consumer;
	struct client_error error;
	struct seeded_random random;

	struct model_log logs[PARTITIONS_MAX];
	int32_t session_epoch; /* that comes next */
	bool has_session;
	int sessions; /* made */
	int full_fetches;
	int last_mentions; /* partitions in the last request */
	int chaos;         /* one Fetch in so many goes wrong */
	int empty_offsets; /* so many ListOffsets are answered with nothing */
	bool hold_offsets;
	bool no_sessions;

	char seen[4096]; /* "p:offset " of each record */
	int64_t next[PARTITIONS_MAX];
	uint64_t count;
	int ends;
	int64_t end_offset;
	int notes;
	char note[300];
	size_t queued_max;
};

/*
 * Logs
 */

static void put_batch(struct fixture *f, int32_t p, int count, size_t size,
		      int16_t attributes, enum codec codec)
{
	struct model_log *log = &f->logs[p];
	struct model_batch *b = &log->batches[log->count++];
	struct batch_builder builder;
	struct batch_params params = {
		.base_offset = log->end,
		.attributes = attributes,
		.codec = codec,
		.level = CODEC_LEVEL_DEFAULT,
		.producer_id = -1,
	};
	uint8_t value[4096] = { 0 };
	uint8_t key[4] = { 0, 0, 0, 1 }; /* of a marker: commit */

	assert_true(log->count <= BATCHES_MAX && size <= sizeof(value));
	batch_builder_init(&builder);
	for (int i = 0; i < count; i++) {
		put_be64(value, (uint64_t)(log->end + i));
		assert_int_equal(
			batch_builder_add(
				&builder, (log->end + i) * TIME_STEP_MS,
				(struct slice){ key, 4 },
				(struct slice){ value, size }, NULL, 0),
			0);
	}
	b->at = log->bytes.len;
	b->base = log->end;
	b->last = log->end + count - 1;
	assert_int_equal(batch_builder_finish(&builder, &params, &log->bytes),
			 0);
	b->len = log->bytes.len - b->at;
	log->end += count;
	batch_builder_clear(&builder);
}

static void put(struct fixture *f, int32_t p, int count)
{
	put_batch(f, p, count, 10, 0, CODEC_NONE);
}

static void put_marker(struct fixture *f, int32_t p)
{
	put_batch(f, p, 1, 10, BATCH_CONTROL | BATCH_TRANSACTIONAL, CODEC_NONE);
}

/*
 * ListOffsets
 */

static int64_t offset_for(const struct model_log *log, int64_t query)
{
	int64_t offset;

	if (query == -1)
		return log->end;
	if (query == -2)
		return log->start;
	offset = (query + TIME_STEP_MS - 1) / TIME_STEP_MS;
	if (offset < log->start)
		offset = log->start;
	return offset < log->end ? offset : -1;
}

static bool answer_offsets(struct fixture *f, struct fake_request *r)
{
	const struct list_offsets_request *asked = r->message;
	struct list_offsets_response response;

	wire_init(&list_offsets_response_desc, &response);
	response.topics =
		wire_array(&list_offsets_response_topics_desc, &r->arena, 1);
	response.topics_count = 1;
	response.topics->name = slice_of("t");
	response.topics->partitions_count = asked->topics->partitions_count;
	response.topics->partitions =
		wire_array(&list_offsets_response_topics_partitions_desc,
			   &r->arena, asked->topics->partitions_count);
	for (int32_t i = 0; i < asked->topics->partitions_count; i++) {
		int32_t p = asked->topics->partitions[i].partition_index;

		response.topics->partitions[i].partition_index = p;
		response.topics->partitions[i].error_code = f->logs[p].code;
		response.topics->partitions[i].offset = offset_for(
			&f->logs[p], asked->topics->partitions[i].timestamp);
	}
	fake_answer(r, &response);
	return true;
}

/*
 * Fetch
 */

/* What the log has from offset on: whole batches, cut at max bytes. */
static struct slice read_log(const struct model_log *log, int64_t offset,
			     int64_t max, bool at_least_one)
{
	for (size_t i = 0; i < log->count; i++) {
		const struct model_batch *b = &log->batches[i];
		size_t len = log->bytes.len - b->at;

		if (b->last < offset)
			continue;
		if ((int64_t)len > max)
			len = (size_t)max;
		if (len < b->len && at_least_one)
			len = b->len;
		if (log->cut > 0)
			len = log->cut;
		return (struct slice){ log->bytes.data + b->at, len };
	}
	return SLICE_NULL;
}

static int16_t take_session(struct fixture *f, const struct fake_request *r)
{
	const struct fetch_request *m = r->message;

	/* Version 7 brought sessions. */
	if (m->session_epoch == 0 || r->version < 7) {
		f->full_fetches++;
		for (int i = 0; i < PARTITIONS_MAX; i++)
			f->logs[i].in_session = false;
		f->has_session = !f->no_sessions;
		f->session_epoch = 1;
		f->sessions++;
	} else {
		if (!f->has_session || m->session_id != SESSION_ID)
			return WIRE_FETCH_SESSION_ID_NOT_FOUND;
		if (m->session_epoch != f->session_epoch)
			return WIRE_INVALID_FETCH_SESSION_EPOCH;
		f->session_epoch++;
	}
	f->last_mentions = 0;
	for (int32_t t = 0; t < m->forgotten_topics_data_count; t++) {
		for (int32_t i = 0;
		     i < m->forgotten_topics_data[t].partitions_count; i++)
			f->logs[m->forgotten_topics_data[t].partitions[i]]
				.in_session = false;
	}
	for (int32_t t = 0; t < m->topics_count; t++) {
		for (int32_t i = 0; i < m->topics[t].partitions_count; i++) {
			const struct fetch_request_topics_partitions *p =
				&m->topics[t].partitions[i];
			struct model_log *log = &f->logs[p->partition];

			log->in_session = true;
			log->wanted = p->fetch_offset;
			log->bytes_max = p->partition_max_bytes;
			f->last_mentions++;
		}
	}
	return WIRE_NONE;
}

static int16_t code_for(const struct model_log *log)
{
	if (log->code != WIRE_NONE)
		return log->code;
	if (log->wanted < log->start || log->wanted > log->end)
		return WIRE_OFFSET_OUT_OF_RANGE;
	return WIRE_NONE;
}

/* Answer, or (may_wait) false when there is nothing to tell yet. */
static bool answer_fetch(struct fixture *f, struct fake_request *r,
			 bool may_wait)
{
	const struct fetch_request *m = r->message;
	struct fetch_response response;
	struct fetch_response_responses *topic;
	int64_t left = m->max_bytes;
	bool is_empty = true;

	wire_init(&fetch_response_desc, &response);
	response.session_id = f->has_session ? SESSION_ID : 0;
	topic = wire_array(&fetch_response_responses_desc, &r->arena, 1);
	response.responses = topic;
	response.responses_count = 1;
	topic->topic = slice_of("t");
	topic->topic_id = r->broker->topic_id;
	topic->partitions =
		wire_array(&fetch_response_responses_partitions_desc, &r->arena,
			   PARTITIONS_MAX);
	for (int32_t i = 0; i < PARTITIONS_MAX; i++) {
		struct model_log *log = &f->logs[i];
		struct fetch_response_responses_partitions *p;
		struct slice s = SLICE_NULL;

		if (!log->in_session)
			continue;
		p = &topic->partitions[topic->partitions_count++];
		p->partition_index = i;
		p->error_code = r->broker->leader == r->broker->id
					? code_for(log)
					: WIRE_NOT_LEADER_OR_FOLLOWER;
		p->high_watermark = log->end;
		p->last_stable_offset = log->end;
		if (p->error_code == WIRE_NONE)
			s = read_log(log, log->wanted,
				     left < log->bytes_max ? left
							   : log->bytes_max,
				     is_empty);
		p->records.data = s.data;
		p->records.len = s.len;
		left -= (int64_t)s.len;
		if (left < 0)
			left = 0;
		is_empty &= s.len == 0 && p->error_code == WIRE_NONE;
	}
	if (is_empty && may_wait)
		return false;
	fake_answer(r, &response);
	return true;
}

static bool go_wrong(struct fixture *f, struct fake_request *r)
{
	struct fetch_response response;

	switch (random_below(&f->random.random, 4)) {
	case 0:
		fake_close(r);
		return true;
	case 1: /* the broker forgot the session */
		wire_init(&fetch_response_desc, &response);
		f->has_session = false;
		response.error_code = WIRE_FETCH_SESSION_ID_NOT_FOUND;
		fake_answer(r, &response);
		return true;
	case 2: { /* one partition has moved, for a moment */
		struct model_log *log =
			&f->logs[random_below(&f->random.random, 3)];

		log->code = WIRE_NOT_LEADER_OR_FOLLOWER;
		if (!answer_fetch(f, r, true))
			fake_close(r);
		log->code = WIRE_NONE;
		return true;
	}
	default: /* half of it is there, and then no more */
		fake_close(r);
		return true;
	}
}

static bool on_request(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;
	int16_t code;

	if (r->key == API_LIST_OFFSETS && f->hold_offsets) {
		fake_hold(r);
		return true;
	}
	if (r->key == API_LIST_OFFSETS && f->empty_offsets > 0) {
		struct list_offsets_response nothing;

		f->empty_offsets--;
		wire_init(&list_offsets_response_desc, &nothing);
		fake_answer(r, &nothing);
		return true;
	}
	if (r->key == API_LIST_OFFSETS)
		return answer_offsets(f, r);
	if (r->key != API_FETCH)
		return false;
	code = take_session(f, r);
	if (code != WIRE_NONE) {
		struct fetch_response response;

		wire_init(&fetch_response_desc, &response);
		response.error_code = code;
		fake_answer(r, &response);
		return true;
	}
	if (f->chaos > 0 &&
	    random_below(&f->random.random, (uint64_t)f->chaos) == 0)
		return go_wrong(f, r);
	if (!answer_fetch(f, r, true))
		fake_hold(r);
	return true;
}

/* The waiting Fetch is over, whether there is something or not. */
static void release_fetch(struct fixture *f)
{
	struct fake_request *r = fake_held(f->fake);

	assert_non_null(r);
	assert_true(answer_fetch(f, r, false));
}

/*
 * The consumer
 */

static void on_end(void *arg, const char *topic, int32_t partition,
		   int64_t offset)
{
	struct fixture *f = arg;

	(void)partition;
	assert_string_equal(topic, "t");
	f->ends++;
	f->end_offset = offset;
}

static void on_note(void *arg, const char *text)
{
	struct fixture *f = arg;

	f->notes++;
	snprintf(f->note, sizeof(f->note), "%s", text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(loop_new(&f->loop), 0);
	assert_int_equal(client_config_init(&f->config), 0);
	f->fake = fake_broker_new(f->loop, 1);
	f->second = fake_broker_new(f->loop, 2);
	f->fake->arg = f;
	f->second->arg = f;
	f->fake->on_request = on_request;
	f->second->on_request = on_request;
	f->fake->partitions = PARTITIONS_MAX;
	f->second->partitions = PARTITIONS_MAX;
	/* SEED=n tries other trouble. */
	seeded_random_init(&f->random,
			   getenv("SEED") == NULL
				   ? 1
				   : strtoull(getenv("SEED"), NULL, 10));
	for (int i = 0; i < PARTITIONS_MAX; i++)
		f->next[i] = -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	consumer_free(f->consumer);
	client_free(f->client);
	fake_broker_free(f->fake);
	fake_broker_free(f->second);
	client_config_clear(&f->config);
	loop_free(f->loop);
	for (int i = 0; i < PARTITIONS_MAX; i++)
		buffer_clear(&f->logs[i].bytes);
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
	const struct consumer_handler handler = { .on_end = on_end,
						  .on_note = on_note,
						  .arg = f };
	char servers[64];

	snprintf(servers, sizeof(servers), "127.0.0.1:%u", f->fake->port);
	set(f, "bootstrap.servers", servers);
	set(f, "retry.backoff.ms", "1");
	set(f, "reconnect.backoff.ms", "1");
	assert_int_equal(client_new(f->loop, &f->config, &f->client, &f->error),
			 0);
	assert_int_equal(consumer_new(f->client, &handler, &f->consumer), 0);
	consumer_set_patience(f->consumer, 20000);
}

static void add(struct fixture *f, int32_t p, enum consumer_place start_place,
		int64_t value, enum consumer_place stop)
{
	const struct consumer_position from = { start_place, value };
	const struct consumer_position to = { stop, 0 };

	assert_int_equal(consumer_add(f->consumer, "t", p, from, to), 0);
}

static void take(struct fixture *f, const struct consumer_record *r)
{
	size_t len = strlen(f->seen);

	assert_int_equal(get_be64(r->record.value.data), r->record.offset);
	assert_int_equal(r->record.timestamp_ms,
			 r->record.offset * TIME_STEP_MS);
	/* Each once, in order, without a gap but for markers. */
	assert_true(r->record.offset >= f->next[r->partition]);
	f->next[r->partition] = r->record.offset + 1;
	f->count++;
	snprintf(f->seen + len, sizeof(f->seen) - len, "%d:%d ", r->partition,
		 (int)r->record.offset);
	if (consumer_queued_bytes(f->consumer) > f->queued_max)
		f->queued_max = consumer_queued_bytes(f->consumer);
}

/* Until it is done, has failed (its rc), or count records have come. */
static int run(struct fixture *f, uint64_t count)
{
	struct consumer_record r;
	int rc;

	while (f->count < count) {
		rc = consumer_next(f->consumer, &r);
		if (rc < 0)
			return rc;
		if (rc > 0) {
			take(f, &r);
			continue;
		}
		if (consumer_is_done(f->consumer))
			return 0;
		loop_run_once(f->loop, -1);
	}
	return 0;
}

static int run_to_end(struct fixture *f)
{
	return run(f, UINT64_MAX);
}

static void run_until_held(struct fixture *f)
{
	while (TAILQ_EMPTY(&f->fake->held))
		loop_run_once(f->loop, -1);
}

/*
 * Places
 */

static void all_that_is_there_is_read_and_no_more(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3);
	put(f, 0, 2);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 0:2 0:3 0:4 ");
	assert_int_equal(f->ends, 1);
	assert_int_equal(f->end_offset, 5);
	assert_int_equal(consumer_offset(f->consumer, "t", 0), 5);
}

static bool append_after_offsets(struct fake_request *r)
{
	struct fixture *f = r->broker->arg;

	if (r->key == API_FETCH && f->logs[0].end == 3)
		put_batch(f, 0, 3, 10, 0, CODEC_NONE);
	return on_request(r);
}

static void what_comes_after_the_start_is_beyond_the_end(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3);
	f->fake->on_request = append_after_offsets;
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 0:2 ");
}

static void an_empty_partition_is_done_at_once(void **state)
{
	struct fixture *f = *state;

	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);
	add(f, 1, CONSUMER_END, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->ends, 2);
	assert_int_equal(f->fake->requests[API_FETCH], 0);
}

static void an_offset_in_the_middle_of_a_batch_is_fine(void **state)
{
	struct fixture *f = *state;

	put_batch(f, 0, 10, 10, 0, CODEC_ZSTD);
	start(f);
	add(f, 0, CONSUMER_OFFSET, 7, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:7 0:8 0:9 ");
}

static void the_last_ones_are_counted_from_the_end(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 10);
	put(f, 1, 2);
	f->logs[1].start = 1;
	start(f);
	add(f, 0, CONSUMER_FROM_END, 3, CONSUMER_END);
	add(f, 1, CONSUMER_FROM_END, 3, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->count, 4);
	assert_int_equal(f->next[0], 10);
	assert_int_equal(f->next[1], 2);
}

static void a_time_leads_to_the_first_record_from_then_on(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 10);
	put(f, 1, 3);
	start(f);
	add(f, 0, CONSUMER_TIME, 75, CONSUMER_END);
	add(f, 1, CONSUMER_TIME, 75, CONSUMER_END); /* later than all */

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:8 0:9 ");
}

static void a_stop_may_be_a_time(void **state)
{
	struct fixture *f = *state;
	const struct consumer_position from = { CONSUMER_BEGINNING, 0 };
	const struct consumer_position to = { CONSUMER_TIME, 30 };

	put(f, 0, 10);
	start(f);
	consumer_add(f->consumer, "t", 0, from, to);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 0:2 ");
}

static void a_start_beyond_the_stop_is_done(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3);
	start(f);
	add(f, 0, CONSUMER_OFFSET, 99, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->count, 0);
}

/*
 * Ends
 */

static void markers_at_the_end_are_an_end_as_well(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	put_marker(f, 0);
	put_marker(f, 0);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 ");
	assert_int_equal(f->end_offset, 4);
}

static void an_end_that_was_compacted_away_is_reached(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	f->logs[0].end = 10; /* nothing is left of 2 to 9 */
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);
	run(f, 2);
	run_until_held(f);
	release_fetch(f);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->end_offset, 10);
}

static void following_tells_each_time_that_the_end_is_reached(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run(f, 2);
	while (f->ends < 1) {
		struct consumer_record r;

		assert_int_equal(consumer_next(f->consumer, &r), 0);
		/* It may have told just now, and nothing else will come. */
		if (f->ends == 0)
			loop_run_once(f->loop, -1);
	}
	assert_int_equal(f->ends, 1);
	assert_false(consumer_is_done(f->consumer));

	run_until_held(f);
	put(f, 0, 1);
	release_fetch(f);
	run(f, 3);
	assert_int_equal(f->count, 3);
}

/*
 * Trouble
 */

static void out_of_range_goes_where_the_policy_says(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 10);
	f->logs[0].start = 4;
	set(f, "auto.offset.reset", "earliest");
	start(f);
	add(f, 0, CONSUMER_OFFSET, 1, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:4 0:5 0:6 0:7 0:8 0:9 ");
	assert_string_equal(f->note, "topic 't' partition 0: offset 1 is out "
				     "of range: going on at the beginning");
}

static void out_of_range_may_be_the_end(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 10);
	f->logs[0].start = 4;
	set(f, "auto.offset.reset", "error");
	start(f);
	add(f, 0, CONSUMER_OFFSET, 1, CONSUMER_END);

	assert_int_equal(run_to_end(f), -ERANGE);

	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_MISSING);
	assert_non_null(strstr(consumer_error(f->consumer)->text,
			       "offset 1 is out of range"));
}

static void a_start_behind_the_end_is_out_of_range_as_well(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3);
	set(f, "auto.offset.reset", "earliest");
	start(f);
	add(f, 0, CONSUMER_OFFSET, 1000, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 0:2 ");
	assert_int_equal(f->notes, 1);
	assert_int_equal(f->end_offset, 3);
}

static void a_start_behind_the_end_may_be_there_by_then(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 3);
	set(f, "auto.offset.reset", "earliest");
	f->hold_offsets = true;
	start(f);
	add(f, 0, CONSUMER_OFFSET, 5, CONSUMER_END);
	run_until_held(f);
	assert_true(answer_offsets(f, fake_held(f->fake)));
	put(f, 0, 3);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "");
	assert_int_equal(f->notes, 0);
}

static void an_offset_that_nobody_told_is_asked_again(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	f->empty_offsets = 2;
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "0:0 0:1 ");
}

static void a_leader_that_moves_while_it_is_asked_is_followed(void **state)
{
	struct fixture *f = *state;
	int refreshes;

	put(f, 0, 2);
	f->hold_offsets = true;
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run_until_held(f);
	/* The second broker leads now, and then the first closes. */
	f->hold_offsets = false;
	f->fake->leader = 2;
	f->fake->leader_port = f->second->port;
	f->second->leader = 2;
	f->second->leader_port = f->second->port;
	refreshes = f->fake->requests[API_METADATA];
	client_refresh(f->client);
	while (client_topic(f->client, "t")->partitions[0].leader != 2)
		loop_run_once(f->loop, -1);
	assert_true(f->fake->requests[API_METADATA] > refreshes);
	fake_close(fake_held(f->fake));

	run(f, 2);

	assert_string_equal(f->seen, "0:0 0:1 ");
}

static void bytes_that_lead_nowhere_try_the_patience(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	f->logs[0].cut = 70;
	start(f);
	set(f, "retry.backoff.ms", "10");
	consumer_set_patience(f->consumer, 100);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -EBADMSG);

	assert_non_null(strstr(consumer_error(f->consumer)->text,
			       "has no batch for offset 0 in the 70 bytes"));
	assert_true(f->fake->requests[API_FETCH] < 20);
}

static void corrupt_bytes_are_told_with_their_offset(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	put(f, 0, 2);
	f->logs[0].bytes.data[f->logs[0].bytes.len - 3] ^= 1;
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -EBADMSG);

	assert_string_equal(f->seen, "0:0 0:1 ");
	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_BAD_DATA);
	assert_string_equal(consumer_error(f->consumer)->text,
			    "topic 't' partition 0: batch at offset 2: wrong "
			    "checksum");
}

static void a_topic_that_is_not_there_fails_at_once(void **state)
{
	struct fixture *f = *state;
	const struct consumer_position from = { CONSUMER_BEGINNING, 0 };

	start(f);
	consumer_add(f->consumer, "nosuch", 0, from, from);

	assert_int_equal(run_to_end(f), -ENOENT);
	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_MISSING);
}

static void a_partition_that_is_not_there_fails_at_once(void **state)
{
	struct fixture *f = *state;

	start(f);
	add(f, PARTITIONS_MAX, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -ENOENT);
}

/* Lets it be there once metadata was asked again. */
static bool answer_grown(struct fake_request *r)
{
	if (r->key == API_METADATA && r->broker->requests[API_METADATA] > 3)
		r->broker->partitions = 2;
	return on_request(r);
}

static void a_partition_that_is_expected_is_waited_for(void **state)
{
	struct fixture *f = *state;

	put(f, 1, 3);
	f->fake->partitions = 1;
	f->fake->on_request = answer_grown;
	start(f);
	consumer_expect(f->consumer);
	add(f, 1, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_string_equal(f->seen, "1:0 1:1 1:2 ");
}

static void a_partition_that_is_expected_in_vain_tries_the_patience(
	void **state)
{
	struct fixture *f = *state;

	start(f);
	consumer_set_patience(f->consumer, 20);
	consumer_expect(f->consumer);
	add(f, PARTITIONS_MAX, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -ENOENT);
}

static void nobody_there_is_told_in_time(void **state)
{
	struct fixture *f = *state;

	fake_broker_down(f->fake);
	set(f, "socket.timeout.ms", "50");
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -ETIMEDOUT);
	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_UNREACHABLE);
}

static void trouble_that_lasts_is_a_failure(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	f->logs[0].code = WIRE_NOT_LEADER_OR_FOLLOWER;
	start(f);
	consumer_set_patience(f->consumer, 50);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -ETIMEDOUT);

	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_UNREACHABLE);
	assert_non_null(strstr(consumer_error(f->consumer)->text,
			       "NOT_LEADER_OR_FOLLOWER"));
	assert_int_equal(f->notes, 1);
}

static void a_broker_that_falls_mute_is_trouble(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	set(f, "fetch.wait.max.ms", "10");
	start(f);
	consumer_set_patience(f->consumer, 300);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);

	/*
	 * The Fetch at the end is held, for ever.  The next ones fail in ways
	 * of this broker, which answers what comes behind one that it holds.
	 */
	assert_true(run_to_end(f) < 0);

	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_UNREACHABLE);
	assert_string_equal(f->seen, "0:0 0:1 ");
	assert_non_null(strstr(f->note, "no answer to Fetch"));
}

static void no_right_to_read_is_a_failure_at_once(void **state)
{
	struct fixture *f = *state;

	f->logs[0].code = WIRE_TOPIC_AUTHORIZATION_FAILED;
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), -EACCES);
	assert_int_equal(consumer_error(f->consumer)->kind, CLIENT_AUTH);
}

static void a_leader_that_moved_is_followed(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 2);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run(f, 2);
	run_until_held(f);
	/* The second broker leads now; both say so. */
	f->fake->leader = 2;
	f->fake->leader_port = f->second->port;
	f->second->leader_port = f->second->port;
	release_fetch(f);
	put(f, 0, 2);

	run(f, 4);

	assert_string_equal(f->seen, "0:0 0:1 0:2 0:3 ");
	assert_true(f->second->requests[API_FETCH] > 0);
}

/*
 * Sessions and bounds
 */

static void a_session_is_told_only_what_changes(void **state)
{
	struct fixture *f = *state;

	for (int32_t p = 0; p < 4; p++)
		put(f, p, 2);
	start(f);
	for (int32_t p = 0; p < 4; p++)
		add(f, p, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run(f, 8);
	run_until_held(f);
	put(f, 2, 1);
	release_fetch(f);
	run(f, 9);
	run_until_held(f);

	assert_int_equal(f->full_fetches, 1);
	assert_int_equal(f->last_mentions, 1);
}

static void a_broker_without_sessions_is_told_all_each_time(void **state)
{
	struct fixture *f = *state;

	f->no_sessions = true;
	for (int32_t p = 0; p < 3; p++)
		put(f, p, 2);
	start(f);
	for (int32_t p = 0; p < 3; p++)
		add(f, p, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run(f, 6);
	run_until_held(f);

	assert_int_equal(f->last_mentions, 3);
	assert_true(f->full_fetches > 1);
}

static void an_old_broker_is_asked_by_name(void **state)
{
	struct fixture *f = *state;

	f->fake->versions[API_FETCH] = (struct fake_version){ 4, 6 };
	f->fake->versions[API_METADATA] = (struct fake_version){ 0, 5 };
	f->fake->versions[API_LIST_OFFSETS] = (struct fake_version){ 1, 2 };
	f->no_sessions = true;
	put(f, 0, 3);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);
	assert_int_equal(f->count, 3);
}

static void no_more_is_fetched_ahead_than_told(void **state)
{
	struct fixture *f = *state;

	set(f, "queued.max.messages.kbytes", "16");
	set(f, "fetch.message.max.bytes", "4096");
	for (int i = 0; i < 100; i++)
		put_batch(f, 0, 1, 1000, 0, CODEC_NONE);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);
	/* Nobody takes any. */
	for (int i = 0; i < 200; i++)
		loop_run_once(f->loop, 1);
	assert_in_range(consumer_queued_bytes(f->consumer), 8192, 16384);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->count, 100);
	assert_true(f->queued_max <= 16384);
	assert_int_equal(consumer_queued_bytes(f->consumer), 0);
}

static void a_batch_larger_than_all_bounds_comes_anyway(void **state)
{
	struct fixture *f = *state;

	set(f, "queued.max.messages.kbytes", "1");
	set(f, "fetch.message.max.bytes", "100");
	put_batch(f, 0, 1, 4000, 0, CODEC_NONE);
	put_batch(f, 0, 1, 4000, 0, CODEC_NONE);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->count, 2);
}

static void a_paused_partition_lets_the_others_pass(void **state)
{
	struct fixture *f = *state;

	put_batch(f, 0, 4, 10, 0, CODEC_LZ4);
	put(f, 1, 4);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_END);
	add(f, 1, CONSUMER_BEGINNING, 0, CONSUMER_END);
	run(f, 2);
	assert_string_equal(f->seen, "0:0 0:1 ");

	consumer_pause(f->consumer, "t", 0, true);
	run(f, 6);
	assert_string_equal(f->seen, "0:0 0:1 1:0 1:1 1:2 1:3 ");

	consumer_pause(f->consumer, "t", 0, false);
	assert_int_equal(run_to_end(f), 0);
	assert_int_equal(f->count, 8);
}

static void a_removed_partition_is_forgotten(void **state)
{
	struct fixture *f = *state;

	put(f, 0, 4);
	put(f, 1, 4);
	start(f);
	add(f, 0, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	add(f, 1, CONSUMER_BEGINNING, 0, CONSUMER_NOWHERE);
	run(f, 1);
	assert_int_equal(consumer_remove(f->consumer, "t", 0), 0);
	assert_int_equal(consumer_remove(f->consumer, "t", 0), -ENOENT);
	run(f, 5);
	run_until_held(f);

	assert_string_equal(f->seen, "0:0 1:0 1:1 1:2 1:3 ");
}

/* Many batches of all kinds, trouble all the time: each record once. */
static void random_trouble_neither_loses_nor_doubles(void **state)
{
	struct fixture *f = *state;
	uint64_t records = 0;

	f->chaos = 3;
	set(f, "fetch.message.max.bytes", "3000");
	set(f, "queued.max.messages.kbytes", "10");
	for (int i = 0; i < 300; i++) {
		int32_t p = (int32_t)random_below(&f->random.random, 3);
		int count = 1 + (int)random_below(&f->random.random, 20);

		if (random_below(&f->random.random, 5) == 0) {
			put_marker(f, p);
			continue;
		}
		put_batch(f, p, count, 8 + random_below(&f->random.random, 200),
			  0,
			  (enum codec)random_below(&f->random.random,
						   CODEC_COUNT));
		records += (uint64_t)count;
	}
	start(f);
	for (int32_t p = 0; p < 3; p++)
		add(f, p, CONSUMER_BEGINNING, 0, CONSUMER_END);

	assert_int_equal(run_to_end(f), 0);

	assert_int_equal(f->count, records);
	assert_int_equal(f->ends, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(all_that_is_there_is_read_and_no_more),
		TEST(what_comes_after_the_start_is_beyond_the_end),
		TEST(an_empty_partition_is_done_at_once),
		TEST(an_offset_in_the_middle_of_a_batch_is_fine),
		TEST(the_last_ones_are_counted_from_the_end),
		TEST(a_time_leads_to_the_first_record_from_then_on),
		TEST(a_stop_may_be_a_time),
		TEST(a_start_beyond_the_stop_is_done),
		TEST(markers_at_the_end_are_an_end_as_well),
		TEST(an_end_that_was_compacted_away_is_reached),
		TEST(following_tells_each_time_that_the_end_is_reached),
		TEST(out_of_range_goes_where_the_policy_says),
		TEST(out_of_range_may_be_the_end),
		TEST(a_start_behind_the_end_is_out_of_range_as_well),
		TEST(a_start_behind_the_end_may_be_there_by_then),
		TEST(an_offset_that_nobody_told_is_asked_again),
		TEST(a_leader_that_moves_while_it_is_asked_is_followed),
		TEST(bytes_that_lead_nowhere_try_the_patience),
		TEST(corrupt_bytes_are_told_with_their_offset),
		TEST(a_topic_that_is_not_there_fails_at_once),
		TEST(a_partition_that_is_not_there_fails_at_once),
		TEST(a_partition_that_is_expected_is_waited_for),
		TEST(a_partition_that_is_expected_in_vain_tries_the_patience),
		TEST(nobody_there_is_told_in_time),
		TEST(trouble_that_lasts_is_a_failure),
		TEST(a_broker_that_falls_mute_is_trouble),
		TEST(no_right_to_read_is_a_failure_at_once),
		TEST(a_leader_that_moved_is_followed),
		TEST(a_session_is_told_only_what_changes),
		TEST(a_broker_without_sessions_is_told_all_each_time),
		TEST(an_old_broker_is_asked_by_name),
		TEST(no_more_is_fetched_ahead_than_told),
		TEST(a_batch_larger_than_all_bounds_comes_anyway),
		TEST(a_paused_partition_lets_the_others_pass),
		TEST(a_removed_partition_is_forgotten),
		TEST(random_trouble_neither_loses_nor_doubles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
