/*
 * codec_test.c - every message of every version, from random values
 */
#include "wire/wire.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "wire/messages.h"

#include "random_message.h"

enum { ROUNDS = 20, MUTATIONS = 200, ARENA_FIRST = 2048 };

static int rounds_done;

static void check_law(const struct wire_desc *d, size_t len,
		      const struct arena *arena)
{
	assert_true(arena->total <=
		    ARENA_FIRST + 4 * wire_decode_bound(d, len));
}

/* Decode a copy of its own, so that a sanitizer sees a read behind it. */
static int64_t decode_copy(const struct wire_desc *d, int16_t version,
			   const uint8_t *bytes, size_t len)
{
	struct arena arena = { 0 };
	uint8_t *copy = malloc(len == 0 ? 1 : len);
	void *message = malloc(d->size);
	int64_t taken;

	assert_non_null(copy);
	assert_non_null(message);
	if (len > 0)
		memcpy(copy, bytes, len);
	taken = wire_decode(d, version, (struct slice){ copy, len }, &arena,
			    message);
	check_law(d, len, &arena);
	free(message);
	free(copy);
	arena_clear(&arena);
	return taken;
}

/* A random message, encoded. */
struct sample {
	struct arena arena;
	void *message;
	struct buffer bytes;
};

static void sample_make(struct sample *s, const struct wire_desc *d,
			int16_t version, uint64_t seed)
{
	*s = (struct sample){ 0 };
	s->message = random_message(seed, d, version, &s->arena);
	assert_int_equal(wire_encode(d, version, s->message, &s->bytes, NULL),
			 0);
	assert_int_equal(s->bytes.len, wire_size(d, version, s->message));
}

static void sample_clear(struct sample *s)
{
	buffer_clear(&s->bytes);
	arena_clear(&s->arena);
}

static void check_round_trip(const struct wire_desc *d, int16_t version,
			     uint64_t seed)
{
	struct sample s;
	struct buffer again = { 0 };
	void *back;

	sample_make(&s, d, version, seed);
	back = arena_alloc(&s.arena, d->size);
	assert_int_equal(
		wire_decode(d, version, buffer_slice(&s.bytes), &s.arena, back),
		s.bytes.len);
	assert_true(wire_equal(d, version, s.message, back));
	assert_int_equal(wire_encode(d, version, back, &again, NULL), 0);
	assert_int_equal(again.len, s.bytes.len);
	if (again.len > 0)
		assert_memory_equal(again.data, s.bytes.data, again.len);
	buffer_clear(&again);
	sample_clear(&s);
	rounds_done++;
}

static void round_trip_table(const struct wire_desc *d)
{
	for (int16_t v = d->min_version; v <= d->max_version; v++) {
		for (uint64_t seed = 1; seed <= ROUNDS; seed++)
			check_round_trip(d, v, seed);
	}
}

static void random_messages_of_every_version_come_back(void **state)
{
	(void)state;
	rounds_done = 0;
	each_table(round_trip_table);
	assert_true(rounds_done > 700 * ROUNDS);
}

static void truncate_table(const struct wire_desc *d)
{
	for (int16_t v = d->min_version; v <= d->max_version; v++) {
		for (uint64_t seed = 1; seed <= 3; seed++) {
			struct sample s;

			sample_make(&s, d, v, seed);
			for (size_t len = 0; len < s.bytes.len; len++)
				assert_int_equal(
					decode_copy(d, v, s.bytes.data, len),
					-EBADMSG);
			sample_clear(&s);
		}
	}
}

static void a_message_cut_anywhere_is_refused(void **state)
{
	(void)state;
	each_table(truncate_table);
}

static void mutate(struct buffer *bytes, struct seeded_random *seeded)
{
	static const uint8_t extremes[] = { 0x00, 0x7f, 0x80, 0xff };
	size_t at = random_below(&seeded->random, bytes->len);

	switch (random_below(&seeded->random, 3)) {
	case 0:
		bytes->data[at] ^=
			(uint8_t)(1 << random_below(&seeded->random, 8));
		return;
	case 1:
		bytes->data[at] = extremes[random_below(&seeded->random, 4)];
		return;
	default:
		seeded->random.fill(&seeded->random, bytes->data + at, 1);
		return;
	}
}

static void mutate_table(const struct wire_desc *d)
{
	for (int16_t v = d->min_version; v <= d->max_version; v++) {
		struct seeded_random seeded;
		struct sample s;

		seeded_random_init(&seeded, (uint64_t)v + 1);
		sample_make(&s, d, v, (uint64_t)v + 100);
		for (int i = 0; i < MUTATIONS && s.bytes.len > 0; i++) {
			int64_t taken;

			mutate(&s.bytes, &seeded);
			taken = decode_copy(d, v, s.bytes.data, s.bytes.len);
			assert_true(taken == -EBADMSG || taken >= 0);
			assert_true(taken <= (int64_t)s.bytes.len);
		}
		sample_clear(&s);
	}
}

static void a_mutated_message_stays_within_memory(void **state)
{
	(void)state;
	each_table(mutate_table);
}

static void json_table(const struct wire_desc *d)
{
	for (int16_t v = d->min_version; v <= d->max_version; v++) {
		struct buffer text = { 0 };
		struct sample s;
		json_error_t error;
		json_t *json;

		sample_make(&s, d, v, (uint64_t)v + 7);
		assert_int_equal(wire_print_json(d, v, s.message, &text), 0);
		json = json_loadb((const char *)text.data, text.len,
				  JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES,
				  &error);
		if (json == NULL)
			fail_msg("%s: %s: %s", d->name, error.text,
				 buffer_text(&text));
		json_decref(json);
		buffer_clear(&text);
		sample_clear(&s);
	}
}

static void every_message_prints_as_json(void **state)
{
	(void)state;
	each_table(json_table);
}

/* By hand: bytes from the schema's README */

#define BYTES(...)                                                             \
	((struct slice){ (const uint8_t[]){ __VA_ARGS__ },                     \
			 sizeof((const uint8_t[]){ __VA_ARGS__ }) })

static void assert_encodes(const struct wire_desc *d, int16_t version,
			   const void *message, struct slice want)
{
	struct buffer out = { 0 };

	assert_int_equal(wire_encode(d, version, message, &out, NULL), 0);
	assert_int_equal(out.len, want.len);
	assert_memory_equal(out.data, want.data, want.len);
	buffer_clear(&out);
}

static void heartbeat_has_both_encodings(void **state)
{
	const struct heartbeat_request beat = {
		.group_id = slice_of("g"),
		.generation_id = 1,
		.member_id = slice_of("m"),
	};

	(void)state;
	assert_encodes(&heartbeat_request_desc, 3, &beat,
		       BYTES(0, 1, 'g', 0, 0, 0, 1, 0, 1, 'm', 0xff, 0xff));
	assert_encodes(&heartbeat_request_desc, 4, &beat,
		       BYTES(2, 'g', 0, 0, 0, 1, 2, 'm', 0, 0));
}

static void a_struct_that_may_be_null_has_a_mark(void **state)
{
	struct describe_topic_partitions_request_topics topic = {
		.name = slice_of("t"),
	};
	struct describe_topic_partitions_request_cursor cursor = {
		.topic_name = slice_of("t"),
		.partition_index = 1,
	};
	struct describe_topic_partitions_request request = {
		.topics = &topic,
		.topics_count = 1,
		.response_partition_limit = 2000,
	};
	const struct wire_desc *d = &describe_topic_partitions_request_desc;

	(void)state;
	assert_encodes(d, 0, &request,
		       BYTES(2, 2, 't', 0, 0, 0, 7, 0xd0, 0xff, 0));
	request.cursor = &cursor;
	assert_encodes(d, 0, &request,
		       BYTES(2, 2, 't', 0, 0, 0, 7, 0xd0, 1, 2, 't', 0, 0, 0, 1,
			     0, 0));
}

static void a_tagged_field_is_sent_unless_it_is_default(void **state)
{
	struct api_versions_response response;

	(void)state;
	wire_init(&api_versions_response_desc, &response);
	assert_encodes(&api_versions_response_desc, 3, &response,
		       BYTES(0, 0, 1, 0, 0, 0, 0, 0));
	response.finalized_features_epoch = 7;
	assert_encodes(
		&api_versions_response_desc, 3, &response,
		BYTES(0, 0, 1, 0, 0, 0, 0, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 7));
}

static void null_that_is_not_default_is_sent_as_a_tag(void **state)
{
	struct consumer_group_member_metadata_value value;
	struct buffer out = { 0 };

	(void)state;
	wire_init(&consumer_group_member_metadata_value_desc, &value);
	assert_non_null(value.classic_member_metadata);
	value.classic_member_metadata = NULL;
	assert_int_equal(wire_encode(&consumer_group_member_metadata_value_desc,
				     0, &value, &out, NULL),
			 0);
	assert_memory_equal(out.data + out.len - 4, ((uint8_t[]){ 1, 0, 1, 0 }),
			    4);
	buffer_clear(&out);
}

static void init_sets_written_defaults(void **state)
{
	struct fetch_request request;
	struct fetch_response_responses_partitions partition;

	(void)state;
	wire_init(&fetch_request_desc, &request);
	assert_int_equal(request.replica_id, -1);
	assert_int_equal(request.replica_state.replica_epoch, -1);
	assert_int_equal(request.max_bytes, INT32_MAX);
	assert_true(slice_is_null(request.cluster_id));
	assert_true(slice_is(request.rack_id, ""));
	wire_init(&fetch_response_responses_partitions_desc, &partition);
	assert_int_equal(partition.aborted_transactions_count, 0);
	assert_int_equal(partition.current_leader.leader_epoch, -1);
	assert_null(partition.records.data);
}

/* librdkafka's Metadata for all topics has three bytes too many. */
static void bytes_behind_the_body_are_left(void **state)
{
	struct slice bytes = BYTES(0, 0, 0, 0, 0, 1, 0, 0);
	struct arena arena = { 0 };
	struct metadata_request request;

	(void)state;
	assert_int_equal(
		wire_decode(&metadata_request_desc, 9, bytes, &arena, &request),
		5);
	assert_int_equal(request.topics_count, -1);
	arena_clear(&arena);
}

static void no_bytes_at_all_are_a_message_without_fields(void **state)
{
	struct list_groups_request request;

	(void)state;
	assert_int_equal(wire_decode(&list_groups_request_desc, 0, SLICE_NULL,
				     NULL, &request),
			 0);
	assert_int_equal(wire_decode(&list_groups_request_desc, 3, SLICE_NULL,
				     NULL, &request),
			 -EBADMSG);
}

static void a_version_out_of_range_is_refused(void **state)
{
	struct slice bytes = BYTES(0, 0, 0, 0);
	struct buffer out = { 0 };
	struct fetch_request request;

	(void)state;
	wire_init(&fetch_request_desc, &request);
	assert_int_equal(
		wire_decode(&fetch_request_desc, 3, bytes, NULL, &request),
		-ENOTSUP);
	assert_int_equal(
		wire_decode(&fetch_request_desc, 19, bytes, NULL, &request),
		-ENOTSUP);
	assert_int_equal(
		wire_encode(&fetch_request_desc, -1, &request, &out, NULL),
		-ENOTSUP);
	assert_int_equal(out.len, 0);
}

static void what_a_length_cannot_say_is_refused(void **state)
{
	static const uint8_t text[INT16_MAX + 1];
	struct heartbeat_request beat = { .group_id = { text, INT16_MAX } };
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(
		wire_encode(&heartbeat_request_desc, 3, &beat, &out, NULL), 0);
	buffer_reset(&out);
	beat.group_id.len++;
	assert_int_equal(
		wire_encode(&heartbeat_request_desc, 3, &beat, &out, NULL),
		-EOVERFLOW);
	assert_int_equal(
		wire_encode(&heartbeat_request_desc, 4, &beat, &out, NULL),
		-EOVERFLOW);
	assert_int_equal(out.len, 0);
	buffer_clear(&out);
}

static void null_where_it_is_not_allowed_is_empty(void **state)
{
	struct heartbeat_request beat = { .generation_id = 1 };

	(void)state;
	assert_encodes(&heartbeat_request_desc, 4, &beat,
		       BYTES(1, 0, 0, 0, 1, 1, 0, 0));
}

static void malformed_bytes_are_refused(void **state)
{
	/* The response of Heartbeat 4 is an int32, an int16 and tags. */
	static const struct {
		const char *what;
		uint8_t bytes[16];
		size_t len;
	} cases[] = {
		{ "tag twice", { 0, 0, 0, 0, 0, 0, 2, 5, 0, 5, 0 }, 11 },
		{ "tags descend", { 0, 0, 0, 0, 0, 0, 2, 5, 0, 4, 0 }, 11 },
		{ "tag too large", { 0, 0, 0, 0, 0, 0, 1, 5, 2, 0 }, 10 },
		{ "a tag is missing", { 0, 0, 0, 0, 0, 0, 2, 5, 0 }, 9 },
		{ "a varint of six bytes",
		  { 0, 0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0 },
		  12 },
		{ "a varint above 32 bits",
		  { 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0 },
		  13 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (decode_copy(&heartbeat_response_desc, 4, cases[i].bytes,
				cases[i].len) != -EBADMSG)
			fail_msg("taken: %s", cases[i].what);
	}
}

static void a_tagged_field_fills_its_size(void **state)
{
	/* ApiVersions 3 response: tag 1 is an int64. */
	static const uint8_t bytes[] = { 0, 0, 1, 0, 0, 0, 0, 1, 1, 9,
					 0, 0, 0, 0, 0, 0, 0, 7, 0 };

	(void)state;
	assert_int_equal(decode_copy(&api_versions_response_desc, 3, bytes,
				     sizeof(bytes)),
			 -EBADMSG);
}

static void null_that_may_not_be_is_refused(void **state)
{
	static const uint8_t null_group[] = { 0, 0, 0, 0, 1, 2, 'm', 0, 0 };
	static const uint8_t null_array[] = { 0, 0, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	assert_int_equal(decode_copy(&heartbeat_request_desc, 4, null_group,
				     sizeof(null_group)),
			 -EBADMSG);
	assert_int_equal(decode_copy(&api_versions_response_desc, 0, null_array,
				     sizeof(null_array)),
			 -EBADMSG);
}

/*
 * Metadata 12 with as many topics as the bytes could hold, of which the first
 * has as many partitions as the bytes could hold: only one can be true.
 */
static void counts_cannot_claim_bytes_twice(void **state)
{
	enum {
		LEN = 4000,
		TOPIC_LEAST = 10,
		TOPICS = (LEN - 12) / TOPIC_LEAST
	};
	const struct wire_desc *topic = &metadata_response_topics_desc;
	uint8_t bytes[LEN] = { 0 };
	struct arena arena = { 0 };
	struct metadata_response response;

	(void)state;
	assert_int_equal(topic->least[1], TOPIC_LEAST);
	bytes[4] = 1; /* after the throttle time: no brokers */
	bytes[5] = 1; /* an empty cluster id, then the controller id */
	assert_int_equal(uvarint_put(bytes + 10, TOPICS + 1), 2);
	bytes[14] = 2; /* after the error: a name of one byte, an id, a bool */
	assert_int_equal(uvarint_put(bytes + 33, 200 + 1), 2);

	assert_int_equal(wire_decode(&metadata_response_desc, 12,
				     (struct slice){ bytes, LEN }, &arena,
				     &response),
			 -EBADMSG);
	assert_int_equal(response.topics_count, TOPICS);
	assert_int_equal(response.topics[0].partitions_count, 0);
	assert_int_equal(arena.total, (TOPICS * topic->size + 15) / 16 * 16);
	arena_clear(&arena);
}

static void a_mark_alone_claims_no_struct(void **state)
{
	struct slice bytes = BYTES(1, 0, 0, 0, 1, 1);
	struct describe_topic_partitions_request request;
	struct arena arena = { 0 };

	(void)state;
	assert_int_equal(wire_decode(&describe_topic_partitions_request_desc, 0,
				     bytes, &arena, &request),
			 -EBADMSG);
	assert_int_equal(arena.total, 0);
}

static void a_string_longer_than_an_int16_is_refused(void **state)
{
	uint8_t bytes[INT16_MAX + 30] = { 0 };

	(void)state;
	/* The group id of Heartbeat 4, then zeroes; 1 is an empty string. */
	bytes[uvarint_put(bytes, INT16_MAX + 1) + INT16_MAX + 4] = 1;
	assert_true(decode_copy(&heartbeat_request_desc, 4, bytes,
				sizeof(bytes)) > INT16_MAX);
	memset(bytes, 0, sizeof(bytes));
	bytes[uvarint_put(bytes, INT16_MAX + 2) + INT16_MAX + 5] = 1;
	assert_int_equal(
		decode_copy(&heartbeat_request_desc, 4, bytes, sizeof(bytes)),
		-EBADMSG);
}

static void equal_knows_null_from_empty_where_both_can_be(void **state)
{
	struct heartbeat_request a;
	struct heartbeat_request b;

	(void)state;
	wire_init(&heartbeat_request_desc, &a);
	wire_init(&heartbeat_request_desc, &b);
	a.group_id = SLICE_NULL;
	assert_true(wire_equal(&heartbeat_request_desc, 4, &a, &b));
	a.group_instance_id = slice_of("");
	assert_false(wire_equal(&heartbeat_request_desc, 4, &a, &b));
	/* Version 2 has no group_instance_id. */
	assert_true(wire_equal(&heartbeat_request_desc, 2, &a, &b));
	b.generation_id = 1;
	assert_false(wire_equal(&heartbeat_request_desc, 2, &a, &b));
}

static void no_memory_is_told(void **state)
{
	struct arena arena = { .limit = 16 };
	struct slice bytes = BYTES(2, 2, 't', 0, 0, 0, 7, 0xd0, 0xff, 0);
	struct describe_topic_partitions_request request;

	(void)state;
	assert_int_equal(wire_decode(&describe_topic_partitions_request_desc, 0,
				     bytes, &arena, &request),
			 -EMSGSIZE);
	arena_clear(&arena);
}

/* Names of one byte: each is a struct. */
static void tiny_items_take_no_more_than_they_are_worth(void **state)
{
	enum { NAMES = 1000000 };
	size_t len = 5 + (size_t)NAMES * 2 + 16;
	uint8_t *names = calloc(1, len);
	uint8_t count[8];
	size_t count_len = uvarint_put(count, NAMES + 1);
	struct describe_topic_partitions_request request;
	struct arena arena;

	(void)state;
	assert_non_null(names);
	memcpy(names, count, count_len);
	for (size_t i = 0; i < NAMES; i++)
		names[count_len + 2 * i] = 1; /* an empty name, no tags */
	arena_init(&arena, wire_decode_budget(len));
	assert_int_equal(wire_decode(&describe_topic_partitions_request_desc, 0,
				     (struct slice){ names, len }, &arena,
				     &request),
			 -EMSGSIZE);
	assert_true(arena.total <= wire_decode_budget(len));
	arena_clear(&arena);
	free(names);
}

static void a_file_leaves_a_hole(void **state)
{
	static const uint8_t batch[] = { 'b', 'a', 't', 'c', 'h' };
	int file = 0;
	struct fetch_response_responses_partitions partitions[2];
	struct fetch_response_responses topic = {
		.topic = slice_of("t"),
		.partitions = partitions,
		.partitions_count = 2,
	};
	struct fetch_response response = {
		.responses = &topic,
		.responses_count = 1,
	};
	const struct wire_desc *d = &fetch_response_desc;
	struct buffer whole = { 0 };
	struct buffer holed = { 0 };
	struct wire_holes holes = { 0 };
	const struct wire_hole *hole;

	(void)state;
	for (int i = 0; i < 2; i++) {
		wire_init(&fetch_response_responses_partitions_desc,
			  &partitions[i]);
		partitions[i].records = (struct wire_records){
			.data = batch,
			.len = sizeof(batch),
		};
	}
	assert_int_equal(wire_encode(d, 12, &response, &whole, NULL), 0);
	partitions[0].records = (struct wire_records){
		.file = &file,
		.position = 99,
		.len = sizeof(batch),
	};
	buffer_put_text(&holed, "....");
	assert_int_equal(wire_encode(d, 12, &response, &holed, &holes), 0);

	assert_int_equal(wire_size(d, 12, &response), whole.len);
	assert_int_equal(holes.count, 1);
	hole = &holes.items[0];
	assert_ptr_equal(hole->file, &file);
	assert_int_equal(hole->position, 99);
	assert_int_equal(hole->len, sizeof(batch));
	assert_int_equal(holed.len - 4, whole.len - sizeof(batch));
	assert_memory_equal(holed.data + 4, whole.data, hole->at - 4);
	assert_memory_equal(holed.data + hole->at,
			    whole.data + hole->at - 4 + sizeof(batch),
			    holed.len - hole->at);
	wire_holes_clear(&holes);
	buffer_clear(&whole);
	buffer_clear(&holed);
}

static void unknown_tags_are_written_back_in_order(void **state)
{
	/* throttle, error, then tags 3 and 9; tag 0 is a struct. */
	struct slice frame = BYTES(0, 0, 0, 0, 0, 0, 2, 3, 1, 0xee, 9, 0);
	struct arena arena = { 0 };
	struct buffer out = { 0 };
	struct update_raft_voter_response response;

	(void)state;
	assert_int_equal(wire_decode(&update_raft_voter_response_desc, 0, frame,
				     &arena, &response),
			 12);
	assert_encodes(&update_raft_voter_response_desc, 0, &response, frame);

	response.current_leader.leader_id = 1;
	assert_int_equal(wire_encode(&update_raft_voter_response_desc, 0,
				     &response, &out, NULL),
			 0);
	assert_int_equal(out.data[6], 3);
	assert_int_equal(out.data[7], 0); /* the known one comes first */
	assert_memory_equal(out.data + out.len - 5,
			    ((uint8_t[]){ 3, 1, 0xee, 9, 0 }), 5);
	buffer_clear(&out);
	arena_clear(&arena);
}

/* Fetch 18 has a tag of a partition that Fetch 17 has not. */
static void a_tag_of_another_version_is_kept_as_unknown(void **state)
{
	const struct wire_desc *d = &fetch_request_topics_partitions_desc;
	struct fetch_request_topics_partitions sent;
	struct fetch_request_topics_partitions back;
	struct arena arena = { 0 };
	struct buffer out = { 0 };
	struct buffer again = { 0 };

	(void)state;
	wire_init(d, &sent);
	sent.high_watermark = 5;
	sent.replica_directory_id.bytes[0] = 1;
	assert_int_equal(wire_encode(d, 18, &sent, &out, NULL), 0);
	assert_int_equal(wire_decode(d, 17, buffer_slice(&out), &arena, &back),
			 out.len);
	assert_int_equal(back.high_watermark, INT64_MAX);
	assert_int_equal(back.replica_directory_id.bytes[0], 1);
	assert_int_equal(wire_encode(d, 17, &back, &again, NULL), 0);
	assert_true(slice_equal(buffer_slice(&out), buffer_slice(&again)));

	/* A version that knows the tag takes the field's value alone. */
	buffer_reset(&again);
	back.high_watermark = 6;
	sent.high_watermark = 6;
	buffer_reset(&out);
	assert_int_equal(wire_encode(d, 18, &sent, &out, NULL), 0);
	assert_int_equal(wire_encode(d, 18, &back, &again, NULL), 0);
	assert_true(slice_equal(buffer_slice(&out), buffer_slice(&again)));
	buffer_clear(&out);
	buffer_clear(&again);
	arena_clear(&arena);
}

/* PartitionChangeRecord 1 knows tag 8, but neither 6 nor 7 before it. */
static void unknown_tags_go_in_front_of_known_ones(void **state)
{
	const struct wire_desc *d = &partition_change_record_desc;
	struct uuid directory = { { 1 } };
	int32_t replica = 1;
	struct partition_change_record sent;
	struct partition_change_record back;
	struct arena arena = { 0 };
	struct buffer out = { 0 };
	struct buffer again = { 0 };

	(void)state;
	wire_init(d, &sent);
	sent.leader = 1;
	sent.directories = &directory;
	sent.directories_count = 1;
	sent.eligible_leader_replicas = &replica;
	sent.eligible_leader_replicas_count = 1;
	sent.last_known_elr_count = 0;
	assert_int_equal(wire_encode(d, 2, &sent, &out, NULL), 0);
	assert_int_equal(wire_decode(d, 1, buffer_slice(&out), &arena, &back),
			 out.len);
	assert_int_equal(back.eligible_leader_replicas_count, -1);
	assert_int_equal(back.directories_count, 1);
	assert_int_equal(wire_encode(d, 1, &back, &again, NULL), 0);
	assert_true(slice_equal(buffer_slice(&out), buffer_slice(&again)));
	buffer_clear(&out);
	buffer_clear(&again);
	arena_clear(&arena);
}

static void apis_tell_what_kafka_accepts(void **state)
{
	const struct wire_api *fetch = wire_api(1);
	const struct wire_api *versions = wire_api(18);
	size_t count;

	(void)state;
	wire_apis(&count);
	assert_int_equal(count, 94);
	assert_string_equal(fetch->name, "Fetch");
	assert_int_equal(fetch->min_version, 4);
	assert_int_equal(fetch->max_version, 18);
	assert_true(fetch->on_broker && fetch->on_controller);
	assert_int_equal(wire_request_header_version(fetch, 11), 1);
	assert_int_equal(wire_request_header_version(fetch, 12), 2);
	assert_int_equal(wire_response_header_version(fetch, 12), 1);
	assert_int_equal(wire_request_header_version(versions, 3), 2);
	assert_int_equal(wire_response_header_version(versions, 3), 0);
	assert_true(wire_api(4)->max_version < wire_api(4)->min_version);
	assert_null(wire_api(4)->request);
	assert_int_equal(wire_api(22)->max_version, 5);
	assert_int_equal(wire_desc_max_version(wire_api(22)->request), 6);
	assert_null(wire_api(94));
	assert_null(wire_api(-1));
}

static void metadata_records_carry_their_frame(void **state)
{
	struct slice bytes = BYTES(1, 2, 0, 2, 't', 0, 1, 2, 3, 4, 5, 6, 7, 8,
				   9, 10, 11, 12, 13, 14, 15, 0);
	const struct wire_desc *d;
	struct arena arena = { 0 };
	struct buffer out = { 0 };
	int16_t version;
	void *message;

	(void)state;
	assert_int_equal(
		wire_metadata_decode(bytes, &arena, &d, &version, &message), 0);
	assert_ptr_equal(d, &topic_record_desc);
	assert_int_equal(wire_desc_type_id(d), 2);
	assert_true(slice_is(((struct topic_record *)message)->name, "t"));
	assert_int_equal(wire_metadata_encode(d, version, message, &out), 0);
	assert_true(slice_equal(buffer_slice(&out), bytes));
	buffer_clear(&out);
	arena_clear(&arena);
}

static void metadata_frames_that_are_wrong_are_refused(void **state)
{
	static const struct {
		uint8_t bytes[8];
		size_t len;
		int want;
	} cases[] = {
		{ { 1, 20, 0, 0 }, 4, 0 },           /* NoOpRecord */
		{ { 1, 20, 0, 0, 0 }, 5, -EBADMSG }, /* a byte too many */
		{ { 1, 20, 0 }, 3, -EBADMSG },       /* cut */
		{ { 1, 20 }, 2, -EBADMSG },          /* cut */
		{ { 0 }, 0, -EBADMSG },              /* empty */
		{ { 0, 20, 0, 0 }, 4, -ENOTSUP },    /* frame version 0 */
		{ { 2, 20, 0, 0 }, 4, -ENOTSUP },    /* frame version 2 */
		{ { 1, 6, 0, 0 }, 4, -ENOTSUP },     /* unused type id */
		{ { 1, 99, 0, 0 }, 4, -ENOTSUP },    /* unknown type id */
		{ { 1, 20, 1, 0 }, 4, -ENOTSUP },    /* unknown version */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice bytes = { cases[i].bytes, cases[i].len };
		struct arena arena = { 0 };
		const struct wire_desc *d;
		int16_t version;
		void *message;

		assert_int_equal(wire_metadata_decode(bytes, &arena, &d,
						      &version, &message),
				 cases[i].want);
		arena_clear(&arena);
	}
}

static void keys_carry_their_type_id(void **state)
{
	struct slice bytes = BYTES(0, 1, 0, 2, 'g', '1', 0, 1, 't', 0, 0, 0, 2);
	struct offset_commit_key key;
	struct arena arena = { 0 };
	struct buffer out = { 0 };
	int16_t version;

	(void)state;
	assert_int_equal(wire_versioned_decode(&offset_commit_key_desc, bytes,
					       &arena, &version, &key),
			 bytes.len);
	assert_int_equal(version, 0);
	assert_true(slice_is(key.group, "g1"));
	assert_int_equal(key.partition, 2);
	assert_int_equal(
		wire_versioned_encode(&offset_commit_key_desc, 0, &key, &out),
		0);
	assert_true(slice_equal(buffer_slice(&out), bytes));
	assert_int_equal(wire_versioned_decode(&group_metadata_key_desc, bytes,
					       &arena, &version, &key),
			 -ENOTSUP);
	buffer_clear(&out);
}

static void json_names_fields_and_kinds(void **state)
{
	struct topic_record topic = { .name = slice_of(
					      "a\"\\\n\x01\xff\xc3\xa9") };
	struct client_quota_record quota = { .value = 0.5 };
	struct produce_request_topic_data_partition_data partition = {
		.records = { .data = (const uint8_t *)"xyz", .len = 3 },
	};
	struct buffer out = { 0 };

	(void)state;
	wire_print_json(&topic_record_desc, 0, &topic, &out);
	assert_string_equal(
		buffer_text(&out),
		"{\"name\":\"a\\\"\\\\\\u000a\\u0001\\ufffd\xc3\xa9\","
		"\"topic_id\":\"AAAAAAAAAAAAAAAAAAAAAA\"}");
	buffer_reset(&out);
	wire_print_json(&client_quota_record_desc, 0, &quota, &out);
	assert_string_equal(buffer_text(&out), "{\"entity\":[],\"key\":\"\","
					       "\"value\":0.5,"
					       "\"remove\":false}");
	buffer_reset(&out);
	wire_print_json(&produce_request_topic_data_partition_data_desc, 9,
			&partition, &out);
	assert_string_equal(buffer_text(&out),
			    "{\"index\":0,\"records\":{\"bytes\":3}}");
	buffer_clear(&out);
}

static bool index_is_secret(void *arg, const struct wire_desc *desc,
			    const char *field, const void *message)
{
	const struct produce_request_topic_data_partition_data *p = message;

	return arg == NULL &&
	       desc == &produce_request_topic_data_partition_data_desc &&
	       strcmp(field, "index") == 0 && p->index == 7;
}

static int copy_records(void *arg, const struct wire_records *records,
			struct buffer *bytes)
{
	(void)arg;
	buffer_put(bytes, records->data, records->len);
	return 0;
}

static void json_by_rules_hides_and_shows(void **state)
{
	struct produce_request_topic_data_partition_data partition = {
		.index = 7,
		.records = { .data = (const uint8_t *)"xyz", .len = 3 },
	};
	const struct wire_json_rules rules = {
		.is_secret = index_is_secret,
		.read_records = copy_records,
	};
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(
		wire_print_json_by(
			&rules, &produce_request_topic_data_partition_data_desc,
			9, &partition, &out),
		0);
	assert_string_equal(buffer_text(&out),
			    "{\"index\":\"***\",\"records\":"
			    "{\"bytes\":3,\"base64\":\"eHl6\"}}");
	buffer_clear(&out);
}

static void json_by_rules_ends_where_it_may_not_go_on(void **state)
{
	struct metadata_request_topics topics[100] = { 0 };
	struct metadata_request request = { .topics = topics,
					    .topics_count = 100 };
	const struct wire_json_rules rules = { .bytes_max = 200 };
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(wire_print_json_by(&rules, &metadata_request_desc, 12,
					    &request, &out),
			 -EMSGSIZE);
	assert_true(out.len < 400);
	buffer_clear(&out);
}

/* Two topics of Metadata. */
static void fill_two_topics(struct metadata_response_topics topics[2])
{
	for (int i = 0; i < 2; i++)
		wire_init(&metadata_response_topics_desc, &topics[i]);
	topics[0].name = slice_of("a");
	topics[1].name = slice_of("b");
	topics[1].error_code = 3;
}

static void an_array_encoded_beforehand_is_the_same(void **state)
{
	struct metadata_response_topics topics[2];
	struct metadata_response plain, ready;

	(void)state;
	fill_two_topics(topics);
	wire_init(&metadata_response_desc, &plain);
	ready = plain;
	plain.topics = topics;
	plain.topics_count = 2;
	for (int16_t v = 0; v <= 13; v++) {
		struct buffer array = { 0 }, x = { 0 }, y = { 0 };
		struct slice bytes;

		assert_int_equal(
			wire_encode_array(&metadata_response_topics_desc, v,
					  topics, 2, &array),
			0);
		bytes = buffer_slice(&array);
		ready.topics = (void *)&bytes;
		ready.topics_count = WIRE_ENCODED;

		wire_encode(&metadata_response_desc, v, &plain, &x, NULL);
		wire_encode(&metadata_response_desc, v, &ready, &y, NULL);
		assert_int_equal(x.len, y.len);
		assert_memory_equal(x.data, y.data, x.len);

		buffer_reset(&x);
		buffer_reset(&y);
		wire_print_json(&metadata_response_desc, v, &plain, &x);
		wire_print_json(&metadata_response_desc, v, &ready, &y);
		assert_string_equal(buffer_text(&x), buffer_text(&y));
		buffer_clear(&array);
		buffer_clear(&x);
		buffer_clear(&y);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heartbeat_has_both_encodings),
		cmocka_unit_test(a_struct_that_may_be_null_has_a_mark),
		cmocka_unit_test(a_tagged_field_is_sent_unless_it_is_default),
		cmocka_unit_test(null_that_is_not_default_is_sent_as_a_tag),
		cmocka_unit_test(init_sets_written_defaults),
		cmocka_unit_test(bytes_behind_the_body_are_left),
		cmocka_unit_test(no_bytes_at_all_are_a_message_without_fields),
		cmocka_unit_test(a_version_out_of_range_is_refused),
		cmocka_unit_test(what_a_length_cannot_say_is_refused),
		cmocka_unit_test(null_where_it_is_not_allowed_is_empty),
		cmocka_unit_test(malformed_bytes_are_refused),
		cmocka_unit_test(a_tagged_field_fills_its_size),
		cmocka_unit_test(null_that_may_not_be_is_refused),
		cmocka_unit_test(counts_cannot_claim_bytes_twice),
		cmocka_unit_test(a_mark_alone_claims_no_struct),
		cmocka_unit_test(a_string_longer_than_an_int16_is_refused),
		cmocka_unit_test(equal_knows_null_from_empty_where_both_can_be),
		cmocka_unit_test(unknown_tags_go_in_front_of_known_ones),
		cmocka_unit_test(no_memory_is_told),
		cmocka_unit_test(tiny_items_take_no_more_than_they_are_worth),
		cmocka_unit_test(an_array_encoded_beforehand_is_the_same),
		cmocka_unit_test(a_file_leaves_a_hole),
		cmocka_unit_test(unknown_tags_are_written_back_in_order),
		cmocka_unit_test(a_tag_of_another_version_is_kept_as_unknown),
		cmocka_unit_test(apis_tell_what_kafka_accepts),
		cmocka_unit_test(metadata_records_carry_their_frame),
		cmocka_unit_test(metadata_frames_that_are_wrong_are_refused),
		cmocka_unit_test(keys_carry_their_type_id),
		cmocka_unit_test(json_names_fields_and_kinds),
		cmocka_unit_test(json_by_rules_hides_and_shows),
		cmocka_unit_test(json_by_rules_ends_where_it_may_not_go_on),
		cmocka_unit_test(random_messages_of_every_version_come_back),
		cmocka_unit_test(a_message_cut_anywhere_is_refused),
		cmocka_unit_test(a_mutated_message_stays_within_memory),
		cmocka_unit_test(every_message_prints_as_json),
	};

	return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
