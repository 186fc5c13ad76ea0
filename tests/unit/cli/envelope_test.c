/*
 * envelope_test.c - lib/cli/envelope
 *
 * Golden lines, then the laws of kspool-envelope(5): what is written is read
 * back the same for any bytes, is valid JSON and UTF-8, and other tools' JSON
 * is taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>

#include "base/random.h"
#include "cli/envelope.h"
#include "cli/json_writer.h"

static const struct record_place place = {
	.topic = "orders",
	.partition = 3,
	.broker = 1,
	.timestamp_kind = TIMESTAMP_CREATE,
};

/* Raw headers as a record has them: varint lengths, -1 for null. */
static void put_field(struct buffer *b, struct slice field)
{
	buffer_put_varint(b, slice_is_null(field) ? -1 : (int64_t)field.len);
	if (!slice_is_null(field))
		buffer_put(b, field.data, field.len);
}

static const char *write(struct envelope_style style,
			 const struct record *record, struct buffer *out)
{
	buffer_reset(out);
	envelope_write(&style, &place, record, out);
	return buffer_text(out);
}

static void test_text_is_written_as_text(void **state)
{
	struct record record = {
		.offset = INT64_MAX,
		.timestamp_ms = 1700000000123,
		.key = slice_of("k\"1\""),
		.value = slice_of("a\tb\x01\xc3\xa9"),
	};
	struct buffer out = { 0 };

	(void)state;
	assert_string_equal(
		write((struct envelope_style){ 0 }, &record, &out),
		"{\"topic\":\"orders\",\"partition\":3,"
		"\"offset\":9223372036854775807,\"tstype\":\"create\","
		"\"ts\":1700000000123,\"broker\":1,\"key\":\"k\\\"1\\\"\","
		"\"payload\":\"a\\tb\\u0001\xc3\xa9\"}\n");
	buffer_clear(&out);
}

static void test_a_member_of_a_group_says_who_it_is(void **state)
{
	struct record_place by_member = place;
	const struct envelope_style style = { .meta = true };
	const struct record record = { .offset = 4, .timestamp_ms = 5 };
	struct buffer out = { 0 };

	(void)state;
	by_member.group = "etl \"1\"";
	by_member.generation = 7;
	by_member.member_id = "m-1";
	envelope_write(&style, &by_member, &record, &out);
	assert_string_equal(
		buffer_text(&out),
		"{\"topic\":\"orders\",\"partition\":3,\"offset\":4,"
		"\"tstype\":\"create\",\"ts\":5,\"broker\":1,"
		"\"group\":\"etl \\\"1\\\"\",\"gen\":7,"
		"\"member\":\"m-1\",\"size\":0}\n");
	buffer_clear(&out);
}

static void test_null_is_not_empty_and_bytes_are_base64(void **state)
{
	struct record record = {
		.offset = 0,
		.timestamp_ms = -1,
		.value = { (const uint8_t *)"\xff", 1 },
	};
	struct buffer out = { 0 };

	(void)state;
	assert_non_null(strstr(
		write((struct envelope_style){ 0 }, &record, &out),
		"\"key\":null,\"payload\":\"/w==\",\"payload_enc\":\"b64\"}"));
	record.value = slice_of("");
	assert_non_null(
		strstr(write((struct envelope_style){ 0 }, &record, &out),
		       "\"payload\":\"\"}"));
	assert_non_null(strstr(
		write((struct envelope_style){ .encoding = ENVELOPE_HEX },
		      &record, &out),
		"\"payload\":\"\",\"payload_enc\":\"hex\"}"));
	assert_non_null(strstr(
		write((struct envelope_style){ .meta = true }, &record, &out),
		"\"broker\":1,\"size\":0}"));
	buffer_clear(&out);
}

static void test_one_binary_header_makes_all_of_them_base64(void **state)
{
	struct buffer raw = { 0 };
	struct buffer out = { 0 };
	struct record record = { .value = slice_of("v"), .header_count = 3 };

	(void)state;
	put_field(&raw, slice_of("a"));
	put_field(&raw, slice_of("x"));
	put_field(&raw, slice_of("a"));
	put_field(&raw, SLICE_NULL);
	put_field(&raw, slice_of("b"));
	put_field(&raw, slice_of("\xff"));
	record.headers = buffer_slice(&raw);
	assert_non_null(
		strstr(write((struct envelope_style){ 0 }, &record, &out),
		       "\"headers\":[\"a\",\"eA==\",\"a\",null,\"b\",\"/w==\"],"
		       "\"headers_enc\":\"b64\",\"key\":null"));
	buffer_clear(&raw);
	buffer_clear(&out);
}

static void test_a_binary_name_makes_names_base64_too(void **state)
{
	struct buffer raw = { 0 };
	struct buffer out = { 0 };
	struct record record = { .value = slice_of("v"), .header_count = 2 };

	(void)state;
	put_field(&raw, slice_of("a"));
	put_field(&raw, SLICE_NULL);
	put_field(&raw, slice_of("\xff"));
	put_field(&raw, slice_of("x"));
	record.headers = buffer_slice(&raw);
	assert_non_null(
		strstr(write((struct envelope_style){ 0 }, &record, &out),
		       "\"headers\":[\"YQ==\",null,\"/w==\",\"eA==\"],"
		       "\"headers_enc\":\"b64-all\",\"key\":null"));
	buffer_clear(&raw);
	buffer_clear(&out);
}

/* Reading */

static int read_text(const char *text, struct arena *arena, struct envelope *e,
		     char *why)
{
	arena_reset(arena);
	return envelope_read(slice_of(text), arena, e, why);
}

static void test_fields_are_read_in_any_order_and_case(void **state)
{
	char why[ENVELOPE_WHY_MAX];
	struct arena arena = { 0 };
	struct envelope e;

	(void)state;
	assert_int_equal(
		read_text(" {\"note\":{\"x\":[1]},\"Value\":\"v\",\"Key\":\"\","
			  "\"offset\":9223372036854775807,\"Partition\":\"2\","
			  "\"topic\":\"t\",\"ts\":-1}\n",
			  &arena, &e, why),
		0);
	assert_true(slice_is(e.topic, "t"));
	assert_true(slice_is(e.key, "") && slice_is(e.value, "v"));
	assert_true(e.offset == INT64_MAX && e.partition == 2);
	assert_int_equal(e.timestamp_ms, -1);
	assert_int_equal(e.header_count, 0);
	arena_clear(&arena);
}

static void test_json_in_a_payload_keeps_its_text(void **state)
{
	static const struct {
		const char *text;
		const char *want;
	} rows[] = {
		{ "{\"payload\": {\"a\": 0.10, \"b\":[1e3]} }",
		  "{\"a\": 0.10, \"b\":[1e3]}" },
		{ "{\"payload\":12345678901234567}", "12345678901234567" },
		{ "{\"payload\":true,\"key\":1}", "true" },
		{ "{\"payload\":null,\"payload_enc\":\"json\"}", "null" },
		{ "{\"payload\":\"a\",\"payload_enc\":\"json\"}", "\"a\"" },
		{ "{\"x\":\"}\\\"\",\"payload\" : [ \"]\" ] , \"y\":0}",
		  "[ \"]\" ]" },
		{ "{\"VALUE\":{\"value\":1}}", "{\"value\":1}" },
	};
	char why[ENVELOPE_WHY_MAX];
	struct arena arena = { 0 };
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_text(rows[i].text, &arena, &e, why), 0);
		if (!slice_is(e.value, rows[i].want))
			fail_msg("%s: %.*s", rows[i].text, (int)e.value.len,
				 e.value.data);
	}
	arena_clear(&arena);
}

static void test_headers_come_in_three_shapes(void **state)
{
	static const char *const rows[] = {
		"{\"value\":null,\"headers\":[\"a\",\"1\",\"a\",null]}",
		"{\"value\":null,\"headers\":[{\"key\":\"a\",\"value\":\"1\"},"
		"{\"Key\":\"a\",\"Value\":null}]}",
	};
	char why[ENVELOPE_WHY_MAX];
	struct arena arena = { 0 };
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(read_text(rows[i], &arena, &e, why), 0);
		assert_int_equal(e.header_count, 2);
		assert_true(slice_is(e.headers[0].key, "a"));
		assert_true(slice_is(e.headers[0].value, "1"));
		assert_true(slice_is(e.headers[1].key, "a"));
		assert_true(slice_is_null(e.headers[1].value));
	}
	assert_int_equal(read_text("{\"value\":null,\"Headers\":{\"b\":\"eA\"},"
				   "\"headers_enc\":\"b64\"}",
				   &arena, &e, why),
			 0);
	assert_int_equal(e.header_count, 1);
	assert_true(slice_is(e.headers[0].value, "x"));
	arena_clear(&arena);
}

static void test_what_other_tools_print_is_taken(void **state)
{
	static const struct {
		const char *text;
		const char *key;
		const char *value;
		int64_t ts;
	} rows[] = {
		/* rpk topic consume */
		{ "{\n  \"topic\": \"t\",\n  \"key\": \"k\",\n"
		  "  \"value\": \"v\",\n  \"headers\": [\n    {\n"
		  "      \"key\": \"h\",\n      \"value\": \"x\"\n    }\n  ],\n"
		  "  \"timestamp\": 1700000000000,\n  \"partition\": 0,\n"
		  "  \"offset\": 1\n}",
		  "k", "v", 1700000000000 },
		/* kaf --output json-each-row */
		{ "{\"topic\":\"t\",\"headers\":[],\"key\":\"k\",\"timestamp\""
		  ":\"2023-11-14T22:13:20Z\",\"partition\":0,\"offset\":1,"
		  "\"payload\":{\"a\":1}}",
		  "k", "{\"a\":1}", 1700000000000 },
		/* kafkactl consume -o json */
		{ "{\"Partition\":0,\"Offset\":1,\"Headers\":{\"h\":\"x\"},"
		  "\"Key\":\"k\",\"Value\":\"v\","
		  "\"Timestamp\":\"2023-11-14T23:13:20.000+01:00\"}",
		  "k", "v", 1700000000000 },
		/* kt consume */
		{ "{\"partition\":0,\"offset\":1,\"key\":null,\"value\":\"v\","
		  "\"timestamp\":\"2023-11-14T22:13:20Z\"}",
		  NULL, "v", 1700000000000 },
	};
	char why[ENVELOPE_WHY_MAX] = "";
	struct arena arena = { 0 };
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (read_text(rows[i].text, &arena, &e, why) != 0)
			fail_msg("row %zu: %s", i, why);
		assert_true(slice_equal(e.key, slice_of(rows[i].key)));
		assert_true(slice_is(e.value, rows[i].value));
		assert_int_equal(e.timestamp_ms, rows[i].ts);
		assert_int_equal(e.offset, 1);
	}
	arena_clear(&arena);
}

static void test_what_is_wrong_is_said(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} rows[] = {
		{ "{\"key\":\"k\"}", "no \"payload\"" },
		{ "{\"payload\":", "not JSON" },
		{ "[1]", "not a JSON object" },
		{ "{\"payload\":\"?\",\"payload_enc\":\"b64\"}",
		  "\"payload\" is not base64" },
		{ "{\"value\":\"abc\",\"payload_enc\":\"hex\"}",
		  "\"value\" is not hex" },
		{ "{\"payload\":\"\",\"payload_enc\":\"avro\"}",
		  "\"payload_enc\" is none of" },
		{ "{\"payload\":\"\",\"topic\":1}", "\"topic\" is not" },
		{ "{\"payload\":\"\",\"partition\":2147483648}",
		  "\"partition\" is out of range" },
		{ "{\"payload\":\"\",\"partition\":1.0}",
		  "\"partition\" is not a whole number" },
		{ "{\"payload\":\"\",\"ts\":\"noon\"}",
		  "\"ts\" is not a time" },
		{ "{\"payload\":\"\",\"headers\":[\"a\"]}",
		  "ends after a name" },
		{ "{\"payload\":\"\",\"headers\":[1,\"a\"]}", "name is not" },
		{ "{\"payload\":\"\",\"headers\":[{\"a\":1}]}", "a header is" },
		{ "{\"payload\":\"\",\"headers\":5}", "\"headers\" is" },
		{ "{\"payload\":\"\",\"headers_enc\":\"hex\"}",
		  "\"headers_enc\" is none of" },
		{ "{\"payload\":\"\",\"headers_enc\":1}",
		  "\"headers_enc\" is none of" },
		{ "{\"payload\":\"\",\"offset\":9223372036854775808}",
		  "not JSON: too big" },
	};
	char why[ENVELOPE_WHY_MAX];
	struct arena arena = { 0 };
	struct envelope e;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(read_text(rows[i].text, &arena, &e, why),
				 -EBADMSG);
		if (strstr(why, rows[i].why) == NULL)
			fail_msg("%s: %s", rows[i].text, why);
	}
	arena_clear(&arena);
}

/* The law: any bytes come back. */

static struct slice random_bytes(struct random *random, struct arena *arena)
{
	static const char alphabet[] = "a\"\\\n\t\x01\x7f\xc3\xa9\xed\xa0\x00";
	size_t len = random_below(random, 12);
	bool text = random_below(random, 2) == 0;
	uint8_t *bytes;

	if (random_below(random, 5) == 0)
		return SLICE_NULL;
	bytes = arena_alloc(arena, len + 1);
	for (size_t i = 0; i < len; i++)
		bytes[i] = text ? (uint8_t)alphabet[random_below(
					  random, sizeof(alphabet))]
				: (uint8_t)random_below(random, 256);
	return (struct slice){ bytes, len };
}

static void check_round_trip(uint64_t seed)
{
	struct envelope_style style = { .encoding = seed % 3 };
	struct record record = { .timestamp_ms = (int64_t)seed };
	struct record_header headers[4];
	char why[ENVELOPE_WHY_MAX];
	struct arena arena = { 0 };
	struct buffer raw = { 0 };
	struct buffer out = { 0 };
	struct seeded_random seeded;
	struct envelope e;

	seeded_random_init(&seeded, seed);
	record.key = random_bytes(&seeded.random, &arena);
	record.value = random_bytes(&seeded.random, &arena);
	record.header_count = (int32_t)random_below(&seeded.random, 4);
	for (int i = 0; i < record.header_count; i++) {
		headers[i].key = random_bytes(&seeded.random, &arena);
		if (seed % 2 == 0 || slice_is_null(headers[i].key))
			headers[i].key = slice_of("n\"");
		headers[i].value = random_bytes(&seeded.random, &arena);
		put_field(&raw, headers[i].key);
		put_field(&raw, headers[i].value);
	}
	record.headers = buffer_slice(&raw);
	envelope_write(&style, &place, &record, &out);

	assert_true(utf8_is_valid(buffer_slice(&out)));
	if (envelope_read(buffer_slice(&out), &arena, &e, why) != 0)
		fail_msg("seed %llu: %s", (unsigned long long)seed, why);
	assert_true(slice_equal(e.key, record.key));
	assert_true(slice_equal(e.value, record.value));
	assert_int_equal(e.timestamp_ms, record.timestamp_ms);
	assert_int_equal(e.header_count, record.header_count);
	for (int i = 0; i < record.header_count; i++) {
		assert_true(slice_equal(e.headers[i].key, headers[i].key));
		assert_true(slice_equal(e.headers[i].value, headers[i].value));
	}
	buffer_clear(&raw);
	buffer_clear(&out);
	arena_clear(&arena);
}

static void test_any_record_comes_back_as_it_was(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20000; seed++)
		check_round_trip(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_written_as_text),
		cmocka_unit_test(test_a_member_of_a_group_says_who_it_is),
		cmocka_unit_test(test_null_is_not_empty_and_bytes_are_base64),
		cmocka_unit_test(
			test_one_binary_header_makes_all_of_them_base64),
		cmocka_unit_test(test_a_binary_name_makes_names_base64_too),
		cmocka_unit_test(test_fields_are_read_in_any_order_and_case),
		cmocka_unit_test(test_json_in_a_payload_keeps_its_text),
		cmocka_unit_test(test_headers_come_in_three_shapes),
		cmocka_unit_test(test_what_other_tools_print_is_taken),
		cmocka_unit_test(test_what_is_wrong_is_said),
		cmocka_unit_test(test_any_record_comes_back_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
