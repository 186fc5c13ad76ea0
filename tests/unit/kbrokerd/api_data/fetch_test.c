/*
 * fetch_test.c - tests of fetch.c, through a socket
 */
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data_kit.h"
#include "kbrokerd/partition/internal.h"

/* LONG_MS is more than a test waits for an answer. */
enum { VERSION = 12, BY_ID = 13, PARTITIONS = 8, LONG_MS = 600000 };

static int setup_os(void **state)
{
	struct bench *b = bench_new(FLUSH_OS);

	metadata_add_topic(&b->kit->metadata, "red", 1, PARTITIONS);
	*state = b;
	return 0;
}

static int setup_commit(void **state)
{
	struct bench *b = bench_new(FLUSH_COMMIT);

	metadata_add_topic(&b->kit->metadata, "red", 1, PARTITIONS);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	bench_free(*state);
	return 0;
}

/* A fetch of count partitions of "red", from 0 on, at offset 0. */
struct fetch_call {
	struct fetch_request request;
	struct fetch_request_topics topic;
	struct fetch_request_topics_partitions parts[PARTITIONS];
	struct fetch_request_forgotten_topics_data forgotten;
};

static void fill_fetch(struct fetch_call *c, int32_t count)
{
	memset(c, 0, sizeof(*c));
	wire_init(&fetch_request_desc, &c->request);
	c->request.max_wait_ms = LONG_MS;
	c->request.min_bytes = 1;
	c->request.topics = &c->topic;
	c->request.topics_count = count > 0;
	c->request.forgotten_topics_data = &c->forgotten;
	c->topic.topic = c->forgotten.topic = slice_of("red");
	c->topic.topic_id = c->forgotten.topic_id = kit_topic_id(1);
	c->topic.partitions = c->parts;
	c->topic.partitions_count = count;
	for (int32_t i = 0; i < count; i++) {
		wire_init(&fetch_request_topics_partitions_desc, &c->parts[i]);
		c->parts[i].partition = i;
		c->parts[i].partition_max_bytes = 1 << 20;
	}
}

/* One record to partition index of "red". */
static void add_record(struct bench *b, int32_t index, size_t bytes)
{
	struct partition *p = kit_find(b->kit, "red", index);

	assert_int_equal(kit_append(p, bytes), 0);
	partition_release(p);
}

static const struct fetch_response_responses_partitions *fetched(
	const struct answer *a, int32_t i)
{
	assert_int_equal(a->fetch.error_code, WIRE_NONE);
	assert_int_equal(a->fetch.responses_count, 1);
	assert_true(i < a->fetch.responses[0].partitions_count);
	return &a->fetch.responses[0].partitions[i];
}

/* How many records the partition's bytes hold, all checked. */
static int32_t count_records(
	const struct fetch_response_responses_partitions *p)
{
	struct slice left = { p->records.data, p->records.len };
	int32_t count = 0;

	while (left.len > 0) {
		struct batch_header h;

		assert_int_equal(batch_header_read(left, &h), 0);
		assert_true(h.size <= left.len);
		assert_true(batch_crc_holds(left.data, &h));
		count += h.records_count;
		left.data += h.size;
		left.len -= h.size;
	}
	return count;
}

static void every_version_gets_records(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);

	add_record(b, 0, 100);
	add_record(b, 0, 100);
	for (int16_t version = 4; version <= 18; version++) {
		struct answer a;

		fill_fetch(&c, 1);
		call(fd, FETCH, version, &c.request, &a);
		assert_int_equal(count_records(fetched(&a, 0)), 2);
		assert_int_equal(fetched(&a, 0)->high_watermark, 2);
		assert_int_equal(fetched(&a, 0)->last_stable_offset, 2);
		assert_int_equal(fetched(&a, 0)->aborted_transactions_count,
				 -1);
		assert_int_equal(fetched(&a, 0)->preferred_read_replica, -1);
		if (version >= 5)
			assert_int_equal(fetched(&a, 0)->log_start_offset, 0);
		if (version < 13)
			assert_true(
				slice_is(a.fetch.responses[0].topic, "red"));
		answer_clear(&a);
	}
	close(fd);
}

static void read_committed_gets_an_empty_list_of_aborted(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	add_record(b, 0, 10);
	fill_fetch(&c, 1);
	c.request.isolation_level = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->aborted_transactions_count, 0);
	answer_clear(&a);
	close(fd);
}

/* As Kafka says it: of each partition too, where those are named. */
static void another_isolation_level_is_an_error(void **state)
{
	struct bench *b = *state;
	const struct fetch_response_responses *topic;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	add_record(b, 0, 10);
	fill_fetch(&c, 2);
	c.request.isolation_level = 2;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.error_code, WIRE_UNKNOWN_SERVER_ERROR);
	assert_int_equal(a.fetch.responses_count, 1);
	topic = &a.fetch.responses[0];
	assert_int_equal(topic->partitions_count, 2);
	for (int32_t i = 0; i < 2; i++) {
		assert_int_equal(topic->partitions[i].partition_index, i);
		assert_int_equal(topic->partitions[i].error_code,
				 WIRE_UNKNOWN_SERVER_ERROR);
		assert_int_equal(topic->partitions[i].high_watermark, -1);
	}
	answer_clear(&a);
	call(fd, FETCH, BY_ID, &c.request, &a);
	assert_int_equal(a.fetch.error_code, WIRE_UNKNOWN_SERVER_ERROR);
	assert_int_equal(a.fetch.responses_count, 0);
	answer_clear(&a);
	close(fd);
}

static void fetch_in_the_middle_of_a_batch_gets_all_of_it(void **state)
{
	struct bench *b = *state;
	struct kit_batch what = { .records = 10 };
	struct buffer bytes = make_batch(&what);
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	produce(fd, 12, 1, buffer_slice(&bytes), &a);
	answer_clear(&a);
	fill_fetch(&c, 1);
	c.parts[0].fetch_offset = 7;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(count_records(fetched(&a, 0)), 10);
	answer_clear(&a);
	buffer_clear(&bytes);
	close(fd);
}

static void long_poll_is_answered_by_an_append(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, PARTITIONS);
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	add_record(b, 5, 10);
	assert_true(receive(fd, FETCH, VERSION, &a));
	for (int32_t i = 0; i < PARTITIONS; i++) {
		assert_int_equal(fetched(&a, i)->partition_index, i);
		assert_int_equal(count_records(fetched(&a, i)), i == 5);
		assert_non_null(fetched(&a, i)->records.data);
	}
	answer_clear(&a);
	close(fd);
}

static void long_poll_ends_after_max_wait(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, 2);
	c.request.max_wait_ms = 20;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->records.len, 0);
	assert_int_equal(fetched(&a, 1)->high_watermark, 0);
	answer_clear(&a);
	close(fd);
}

static void min_bytes_adds_up_over_partitions(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, 3);
	c.request.min_bytes = 2500;
	add_record(b, 0, 700); /* some is there already */
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	add_record(b, 1, 700);
	assert_true(is_silent(fd, 20));
	add_record(b, 1, 700);
	assert_true(is_silent(fd, 20));
	add_record(b, 2, 700);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	assert_int_equal(count_records(fetched(&a, 1)), 2);
	assert_int_equal(count_records(fetched(&a, 2)), 1);
	answer_clear(&a);
	close(fd);
}

static void just_as_many_bytes_as_wanted_are_enough(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;
	size_t len;

	fill_fetch(&c, 1);
	add_record(b, 0, 700);
	call(fd, FETCH, VERSION, &c.request, &a);
	len = fetched(&a, 0)->records.len;
	answer_clear(&a);
	c.request.min_bytes = (int32_t)len;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->records.len, len);
	answer_clear(&a);
	/* More than are let through would never come. */
	c.request.min_bytes = INT32_MAX;
	c.request.max_bytes = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->records.len, len);
	answer_clear(&a);
	c.request.max_bytes = INT32_MAX;
	/* Also when they come while it waits. */
	c.request.min_bytes = (int32_t)(2 * len);
	whole_send(fd, FETCH, VERSION, &c.request);
	add_record(b, 0, 700);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(fetched(&a, 0)->records.len, 2 * len);
	answer_clear(&a);
	close(fd);
}

static void first_batch_is_whole_and_the_rest_is_limited(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	for (int32_t i = 0; i < 3; i++)
		for (int n = 0; n < 4; n++)
			add_record(b, i, 1000);
	fill_fetch(&c, 3);
	c.request.max_bytes = 10;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	assert_int_equal(fetched(&a, 1)->records.len, 0);
	assert_int_equal(fetched(&a, 1)->high_watermark, 4);
	answer_clear(&a);

	c.request.max_bytes = 1 << 20;
	c.parts[0].partition_max_bytes = 10; /* the first: one batch */
	c.parts[1].partition_max_bytes = 10; /* not the first: none */
	c.parts[2].partition_max_bytes = 2500;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	assert_int_equal(fetched(&a, 1)->records.len, 0);
	assert_int_equal(fetched(&a, 2)->records.len, 2500);
	answer_clear(&a);
	close(fd);
}

static void errors_are_told_at_once_and_by_partition(void **state)
{
	static const struct {
		int32_t partition;
		int32_t epoch;
		int64_t offset;
		int16_t error;
	} rows[] = {
		{ 0, -1, 2, WIRE_OFFSET_OUT_OF_RANGE },
		{ 0, -1, -1, WIRE_OFFSET_OUT_OF_RANGE },
		{ PARTITIONS, -1, 0, WIRE_UNKNOWN_TOPIC_OR_PARTITION },
		{ -1, -1, 0, WIRE_UNKNOWN_TOPIC_OR_PARTITION },
		{ 0, 3, 0, WIRE_UNKNOWN_LEADER_EPOCH },
		{ 0, 0, 1, WIRE_NONE },
	};
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	add_record(b, 0, 10);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		fill_fetch(&c, 1);
		c.parts[0].partition = rows[i].partition;
		c.parts[0].current_leader_epoch = rows[i].epoch;
		c.parts[0].fetch_offset = rows[i].offset;
		if (rows[i].error == WIRE_NONE)
			c.request.max_wait_ms = 1;
		call(fd, FETCH, VERSION, &c.request, &a);
		assert_int_equal(fetched(&a, 0)->error_code, rows[i].error);
		if (rows[i].error != WIRE_NONE)
			assert_int_equal(fetched(&a, 0)->high_watermark, -1);
		answer_clear(&a);
	}
	close(fd);
}

static void unknown_topics_are_told_by_name_and_by_id(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, 1);
	c.topic.topic = slice_of("nosuch");
	c.topic.topic_id = kit_topic_id(99);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	answer_clear(&a);
	call(fd, FETCH, BY_ID, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code, WIRE_UNKNOWN_TOPIC_ID);
	assert_true(
		uuid_equal(a.fetch.responses[0].topic_id, kit_topic_id(99)));
	answer_clear(&a);
	close(fd);
}

static void diverging_epoch_is_told(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	add_record(b, 0, 10);
	fill_fetch(&c, 1);
	c.parts[0].fetch_offset = 1;
	c.parts[0].last_fetched_epoch = 0;
	c.request.max_wait_ms = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code, WIRE_NONE);
	assert_int_equal(fetched(&a, 0)->diverging_epoch.epoch, -1);
	answer_clear(&a);
	/* The reader has more of that epoch than there is. */
	c.parts[0].fetch_offset = 5;
	c.request.max_wait_ms = LONG_MS;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->diverging_epoch.epoch, 0);
	assert_int_equal(fetched(&a, 0)->diverging_epoch.end_offset, 1);
	answer_clear(&a);
	close(fd);
}

static void fetch_of_nothing_is_answered_at_once(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, 0);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.responses_count, 0);
	answer_clear(&a);
	close(fd);
}

static void followers_are_refused(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	fill_fetch(&c, 1);
	c.request.replica_id = 2;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code,
			 WIRE_NOT_LEADER_OR_FOLLOWER);
	answer_clear(&a);
	close(fd);
}

/* Wait until somebody waits for the partition. */
static void await_waiter(struct bench *b, int32_t index)
{
	struct partition *p = kit_find(b->kit, "red", index);
	bool found = false;

	while (!found) {
		pthread_mutex_lock(&p->lock);
		found = p->waiters != NULL;
		pthread_mutex_unlock(&p->lock);
		sched_yield();
	}
	partition_release(p);
}

static void deletion_ends_a_long_poll(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	add_record(b, 0, 10);
	fill_fetch(&c, 2);
	c.parts[0].fetch_offset = 1;
	whole_send(fd, FETCH, VERSION, &c.request);
	await_waiter(b, 0);
	await_waiter(b, 1);
	metadata_remove_topic(&b->kit->metadata, 1);
	assert_true(receive(fd, FETCH, VERSION, &a));
	/* Its partitions go one by one; those that are gone come last. */
	assert_int_equal(fetched(&a, 1)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	answer_clear(&a);
	close(fd);
}

static void client_that_goes_leaves_no_waiter(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;

	for (int i = 0; i < 20; i++) {
		int fd = dial(b);

		fill_fetch(&c, PARTITIONS);
		c.request.session_epoch = i % 2 == 0 ? -1 : 0;
		whole_send(fd, FETCH, VERSION, &c.request);
		close(fd);
		add_record(b, i % PARTITIONS, 10);
	}
}

static void commit_shows_records_when_they_are_synced(void **state)
{
	struct bench *b = *state;
	struct fetch_call c;
	int fd = dial(b);
	struct answer a;

	gate_hold(&b->kit->gate, true);
	fill_fetch(&c, 1);
	whole_send(fd, FETCH, VERSION, &c.request);
	add_record(b, 0, 10);
	gate_await(&b->kit->gate, &b->kit->gate.at_gate, 1);
	assert_true(is_silent(fd, 20));
	gate_hold(&b->kit->gate, false);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	answer_clear(&a);
	close(fd);
}

/* Sessions */

/* Begin one of all partitions; its id. */
static int32_t begin_session(int fd, int16_t version)
{
	struct fetch_call c;
	struct answer a;
	int32_t id;

	fill_fetch(&c, PARTITIONS);
	c.request.session_epoch = 0;
	c.request.max_wait_ms = 0;
	call(fd, FETCH, version, &c.request, &a);
	assert_int_equal(a.fetch.responses[0].partitions_count, PARTITIONS);
	id = a.fetch.session_id;
	assert_int_not_equal(id, 0);
	answer_clear(&a);
	return id;
}

/* An incremental fetch that changes nothing. */
static void fill_next(struct fetch_call *c, int32_t id, int32_t epoch)
{
	fill_fetch(c, 0);
	c->request.session_id = id;
	c->request.session_epoch = epoch;
}

static void session_tells_only_what_changed(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	struct fetch_call c;
	struct answer a;

	fill_next(&c, id, 1);
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	add_record(b, 3, 10);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(a.fetch.session_id, id);
	assert_int_equal(a.fetch.responses[0].partitions_count, 1);
	assert_int_equal(fetched(&a, 0)->partition_index, 3);
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	answer_clear(&a);

	/* Read on from there: nothing new. */
	fill_fetch(&c, 1);
	c.request.session_id = id;
	c.request.session_epoch = 2;
	c.request.max_wait_ms = 20;
	c.parts[0].partition = 3;
	c.parts[0].fetch_offset = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.responses_count, 0);
	answer_clear(&a);

	/* What came while no fetch waited is there at the next. */
	add_record(b, 6, 10);
	add_record(b, 2, 10);
	fill_next(&c, id, 3);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.responses[0].partitions_count, 2);
	answer_clear(&a);
	close(fd);
}

static void session_works_by_topic_id(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, BY_ID);
	struct fetch_call c;
	struct answer a;

	fill_next(&c, id, 1);
	whole_send(fd, FETCH, BY_ID, &c.request);
	add_record(b, 7, 10);
	assert_true(receive(fd, FETCH, BY_ID, &a));
	assert_true(uuid_equal(a.fetch.responses[0].topic_id, kit_topic_id(1)));
	assert_int_equal(fetched(&a, 0)->partition_index, 7);
	answer_clear(&a);
	close(fd);
}

static void records_that_did_not_fit_come_next_others_first(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	struct fetch_call c;
	struct answer a;

	add_record(b, 1, 1000);
	add_record(b, 1, 1000);
	add_record(b, 4, 1000);
	for (int32_t epoch = 1; epoch <= 2; epoch++) {
		const struct fetch_response_responses_partitions *p;
		int records = 0;

		fill_next(&c, id, epoch);
		c.request.max_bytes = 10; /* one batch */
		call(fd, FETCH, VERSION, &c.request, &a);
		for (int32_t i = 0; i < a.fetch.responses[0].partitions_count;
		     i++) {
			p = fetched(&a, i);
			records += count_records(p);
			/* In turn, though neither was read on from. */
			if (count_records(p) > 0 && epoch == 1)
				id = a.fetch.session_id;
		}
		assert_int_equal(records, 1);
		answer_clear(&a);
	}
	close(fd);
}

/* Once more than a seek: nothing moves, but the client asks for more. */
static void session_tells_who_seeks_beyond_the_end(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	struct fetch_call c;
	struct answer a;

	for (int32_t epoch = 1; epoch <= 3; epoch++) {
		fill_fetch(&c, epoch == 1);
		c.request.session_id = id;
		c.request.session_epoch = epoch;
		c.parts[0].partition = 3;
		c.parts[0].fetch_offset = 77;
		call(fd, FETCH, VERSION, &c.request, &a);
		assert_int_equal(fetched(&a, 0)->partition_index, 3);
		assert_int_equal(fetched(&a, 0)->error_code,
				 WIRE_OFFSET_OUT_OF_RANGE);
		answer_clear(&a);
	}
	close(fd);
}

static void partition_named_twice_is_read_once(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	struct fetch_call c;
	struct answer a;

	add_record(b, 0, 10);
	add_record(b, 0, 10);
	fill_fetch(&c, 3);
	c.parts[2].partition = 0;
	c.parts[2].fetch_offset = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.responses[0].partitions_count, 2);
	/* At the place of the first, what the last asks for. */
	assert_int_equal(fetched(&a, 0)->partition_index, 0);
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	assert_int_equal(fetched(&a, 1)->partition_index, 1);
	answer_clear(&a);
	close(fd);
}

/* Else a client that names one topic too many would never pause. */
static void unknown_partitions_do_not_end_the_wait(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	struct fetch_call c;
	struct answer a;

	fill_fetch(&c, 2);
	c.parts[0].partition = PARTITIONS;
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	add_record(b, 1, 10);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(count_records(fetched(&a, 0)), 1);
	assert_int_equal(fetched(&a, 1)->partition_index, PARTITIONS);
	assert_int_equal(fetched(&a, 1)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	answer_clear(&a);

	/* But there is nothing to wait for when there is nothing else. */
	c.topic.partitions_count = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	answer_clear(&a);
	close(fd);
}

static void negative_sizes_are_refused_where_there_are_records(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	struct fetch_call c;
	struct answer a;

	add_record(b, 0, 10);
	fill_fetch(&c, 2);
	c.request.min_bytes = 0;
	c.parts[0].partition_max_bytes = c.parts[1].partition_max_bytes = -1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code, WIRE_UNKNOWN_SERVER_ERROR);
	assert_int_equal(fetched(&a, 1)->error_code, WIRE_NONE);
	answer_clear(&a);
	close(fd);
}

static void forgotten_partitions_are_not_told(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	int32_t forgotten[] = { 3, 4 };
	struct fetch_call c;
	struct answer a;

	fill_next(&c, id, 1);
	c.request.forgotten_topics_data_count = 1;
	c.forgotten.partitions = forgotten;
	c.forgotten.partitions_count = 2;
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	add_record(b, 3, 10);
	assert_true(is_silent(fd, 20));
	add_record(b, 5, 10);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(a.fetch.responses[0].partitions_count, 1);
	assert_int_equal(fetched(&a, 0)->partition_index, 5);
	answer_clear(&a);
	close(fd);
}

static void session_errors_are_told_at_the_top(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	struct fetch_call c;
	struct answer a;

	fill_next(&c, id, 5);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.error_code, WIRE_INVALID_FETCH_SESSION_EPOCH);
	answer_clear(&a);
	fill_next(&c, id ^ 1, 1);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.error_code, WIRE_FETCH_SESSION_ID_NOT_FOUND);
	answer_clear(&a);
	fill_next(&c, id, 1);
	call(fd, FETCH, BY_ID, &c.request, &a);
	assert_int_equal(a.fetch.error_code, WIRE_FETCH_SESSION_TOPIC_ID_ERROR);
	answer_clear(&a);
	close(fd);
}

static void session_sees_a_topic_go_and_come_back(void **state)
{
	struct bench *b = *state;
	int fd = dial(b);
	int32_t id = begin_session(fd, VERSION);
	struct fetch_call c;
	struct answer a;

	fill_next(&c, id, 1);
	whole_send(fd, FETCH, VERSION, &c.request);
	assert_true(is_silent(fd, 20));
	metadata_remove_topic(&b->kit->metadata, 1);
	assert_true(receive(fd, FETCH, VERSION, &a));
	assert_int_equal(fetched(&a, 0)->error_code,
			 WIRE_UNKNOWN_TOPIC_OR_PARTITION);
	answer_clear(&a);
	/* Errors are told again and again, until they go away. */
	fill_next(&c, id, 2);
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(a.fetch.responses[0].partitions_count, PARTITIONS);
	answer_clear(&a);
	metadata_add_topic(&b->kit->metadata, "red", 2, PARTITIONS);
	fill_next(&c, id, 3);
	c.request.max_wait_ms = 1;
	call(fd, FETCH, VERSION, &c.request, &a);
	assert_int_equal(fetched(&a, 0)->error_code, WIRE_NONE);
	assert_int_equal(fetched(&a, 0)->high_watermark, 0);
	answer_clear(&a);
	close(fd);
}

static void second_request_takes_the_session_over(void **state)
{
	struct bench *b = *state;
	int first = dial(b);
	int second = dial(b);
	int32_t id = begin_session(first, VERSION);
	struct fetch_call c;
	struct answer a;

	/* The client has given up on a connection and goes on elsewhere. */
	fill_next(&c, id, 1);
	c.request.max_wait_ms = 100;
	whole_send(first, FETCH, VERSION, &c.request);
	assert_true(is_silent(first, 20));
	/* It is refused as long as the first was not begun. */
	fill_next(&c, id, 2);
	whole_send(second, FETCH, VERSION, &c.request);
	while (!is_silent(second, 20)) {
		assert_true(receive(second, FETCH, VERSION, &a));
		answer_clear(&a);
		whole_send(second, FETCH, VERSION, &c.request);
	}
	assert_true(receive(first, FETCH, VERSION, &a));
	assert_int_equal(a.fetch.error_code, WIRE_INVALID_FETCH_SESSION_EPOCH);
	answer_clear(&a);
	add_record(b, 1, 10);
	assert_true(receive(second, FETCH, VERSION, &a));
	assert_int_equal(fetched(&a, 0)->partition_index, 1);
	answer_clear(&a);
	close(first);
	close(second);
}

/* Producers, consumers and sessions at once: every record once, in order */

enum { RECORDS = 400 };

static void *produce_all(void *arg)
{
	struct bench *b = arg;
	int fd = dial(b);

	for (int i = 0; i < RECORDS; i++) {
		struct buffer bytes =
			make_batch(&(struct kit_batch){ .records = 1 });
		struct produce_call c;
		struct answer a;

		fill_produce(&c, "red", 1, i % PARTITIONS, -1,
			     buffer_slice(&bytes));
		call(fd, PRODUCE, 12, &c.request, &a);
		assert_int_equal(produced(&a)->error_code, WIRE_NONE);
		answer_clear(&a);
		buffer_clear(&bytes);
	}
	close(fd);
	return NULL;
}

/* Move on behind what the answer holds; how many records that is. */
static int32_t read_on(struct fetch_call *c, const struct answer *a,
		       int64_t *next)
{
	int32_t records = 0;

	fill_fetch(c, 0);
	for (int32_t i = 0; a->fetch.responses_count > 0 &&
			    i < a->fetch.responses[0].partitions_count;
	     i++) {
		const struct fetch_response_responses_partitions *p =
			fetched(a, i);
		struct fetch_request_topics_partitions *to;
		struct batch_header h;

		if (p->records.len == 0)
			continue;
		assert_int_equal(
			batch_header_read((struct slice){ p->records.data,
							  p->records.len },
					  &h),
			0);
		assert_int_equal(h.base_offset, next[p->partition_index]);
		next[p->partition_index] += count_records(p);
		records += count_records(p);
		c->request.topics_count = 1;
		to = &c->parts[c->topic.partitions_count++];
		wire_init(&fetch_request_topics_partitions_desc, to);
		to->partition = p->partition_index;
		to->partition_max_bytes = 1 << 20;
		to->fetch_offset = next[p->partition_index];
	}
	return records;
}

static void *consume_all(void *arg)
{
	struct bench *b = arg;
	int64_t next[PARTITIONS] = { 0 };
	int32_t records = 0;
	int32_t id = 0;
	struct fetch_call c;
	int fd = dial(b);

	fill_fetch(&c, PARTITIONS);
	for (int32_t epoch = 0; records < RECORDS; epoch++) {
		struct answer a;

		c.request.session_id = id;
		c.request.session_epoch = epoch;
		call(fd, FETCH, VERSION, &c.request, &a);
		assert_int_equal(a.fetch.error_code, WIRE_NONE);
		id = a.fetch.session_id;
		records += read_on(&c, &a, next);
		answer_clear(&a);
	}
	close(fd);
	return NULL;
}

static void consumers_with_sessions_see_each_record_once(void **state)
{
	pthread_t threads[5];

	for (int i = 0; i < 5; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL,
				       i == 0 ? produce_all : consume_all,
				       *state),
			0);
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
}

#define COMMIT(name)                                                           \
	cmocka_unit_test_setup_teardown(name, setup_commit, teardown)
#define OS(name) cmocka_unit_test_setup_teardown(name, setup_os, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OS(every_version_gets_records),
		OS(read_committed_gets_an_empty_list_of_aborted),
		OS(another_isolation_level_is_an_error),
		OS(fetch_in_the_middle_of_a_batch_gets_all_of_it),
		OS(long_poll_is_answered_by_an_append),
		OS(long_poll_ends_after_max_wait),
		OS(min_bytes_adds_up_over_partitions),
		OS(just_as_many_bytes_as_wanted_are_enough),
		OS(first_batch_is_whole_and_the_rest_is_limited),
		OS(errors_are_told_at_once_and_by_partition),
		OS(unknown_topics_are_told_by_name_and_by_id),
		OS(diverging_epoch_is_told),
		OS(fetch_of_nothing_is_answered_at_once),
		OS(followers_are_refused),
		OS(deletion_ends_a_long_poll),
		OS(client_that_goes_leaves_no_waiter),
		COMMIT(commit_shows_records_when_they_are_synced),
		OS(session_tells_only_what_changed),
		OS(session_works_by_topic_id),
		OS(records_that_did_not_fit_come_next_others_first),
		OS(session_tells_who_seeks_beyond_the_end),
		OS(partition_named_twice_is_read_once),
		OS(unknown_partitions_do_not_end_the_wait),
		OS(negative_sizes_are_refused_where_there_are_records),
		OS(forgotten_partitions_are_not_told),
		OS(session_errors_are_told_at_the_top),
		OS(session_sees_a_topic_go_and_come_back),
		OS(second_request_takes_the_session_over),
		COMMIT(consumers_with_sessions_see_each_record_once),
	};

	return cmocka_run_group_tests_name("fetch", tests, NULL, NULL);
}
