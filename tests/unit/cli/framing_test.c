/*
 * framing_test.c - lib/cli/framing
 *
 * The same input is fed in pieces of every size, so that each cut between two
 * reads is met; random inputs are compared with a plain model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"
#include "cli/framing.h"

enum { MAX = 1 << 20 };

static struct framer *framer(enum framing framing, const char *delimiter,
			     size_t max)
{
	struct framer *f;

	assert_int_equal(framer_new(framing, slice_of(delimiter), max, &f), 0);
	return f;
}

static void put_result(struct buffer *got, int rc, const struct framed *framed)
{
	if (rc == -E2BIG)
		buffer_printf(got, "<%zu too big>", framed->len);
	else
		buffer_printf(got, "%s%.*s|", rc < 0 ? "BAD:" : "",
			      (int)framed->bytes.len, framed->bytes.data);
}

static void take_all(struct framer *f, struct buffer *got)
{
	struct framed framed;
	int rc;

	while ((rc = framer_next(f, &framed)) != 0)
		put_result(got, rc, &framed);
}

/* Feed input in pieces of step bytes; what came out, as text. */
static const char *cut(struct framer *f, struct slice input, size_t step,
		       struct buffer *got)
{
	buffer_reset(got);
	for (size_t at = 0; at < input.len; at += step) {
		size_t n = input.len - at < step ? input.len - at : step;
		size_t room;
		uint8_t *to = framer_room(f, &room);

		assert_non_null(to);
		assert_true(room >= n);
		memcpy(to, input.data + at, n);
		framer_filled(f, n);
		take_all(f, got);
	}
	framer_end(f);
	take_all(f, got);
	framer_reset(f);
	return buffer_text(got);
}

struct row {
	enum framing framing;
	const char *delimiter;
	size_t max;
	const char *input;
	const char *want;
};

static void check_row(const struct row *row)
{
	struct framer *f = framer(row->framing, row->delimiter, row->max);
	struct buffer got = { 0 };

	for (size_t step = 1; step <= strlen(row->input) + 1; step++)
		assert_string_equal(cut(f, slice_of(row->input), step, &got),
				    row->want);
	buffer_clear(&got);
	framer_free(f);
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_row(&rows[i]);
}

#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

static void test_delimiters_end_records_and_the_last_may_lack_its(void **state)
{
	static const struct row rows[] = {
		{ FRAMING_DELIMITED, "\n", MAX, "", "" },
		{ FRAMING_DELIMITED, "\n", MAX, "\n", "|" },
		{ FRAMING_DELIMITED, "\n", MAX, "a", "a|" },
		{ FRAMING_DELIMITED, "\n", MAX, "a\n", "a|" },
		{ FRAMING_DELIMITED, "\n", MAX, "a\n\nb\n", "a||b|" },
		{ FRAMING_DELIMITED, "\r\n", MAX, "a\rb\r\nc\r", "a\rb|c\r|" },
		{ FRAMING_DELIMITED, "aab", MAX, "xaaabyaab", "xa|y|" },
		{ FRAMING_DELIMITED, "--", MAX, "---", "|-|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_whole_input_is_one_frame_even_if_empty(void **state)
{
	static const struct row rows[] = {
		{ FRAMING_WHOLE, NULL, MAX, "", "|" },
		{ FRAMING_WHOLE, NULL, MAX, "a\nb\n", "a\nb\n|" },
		{ FRAMING_WHOLE, NULL, 3, "abcd", "<4 too big>" },
	};

	(void)state;
	CHECK(rows);
}

static void test_a_frame_over_the_limit_is_told_once_and_skipped(void **state)
{
	static const struct row rows[] = {
		{ FRAMING_DELIMITED, "\n", 3, "abc\nabcd\nab\n",
		  "abc|<4 too big>ab|" },
		{ FRAMING_DELIMITED, "\n", 3, "abcdefgh", "<8 too big>" },
		{ FRAMING_DELIMITED, "\r\n", 3, "abcdefgh\r\nx\r\n",
		  "<8 too big>x|" },
		{ FRAMING_JSON, NULL, 8, "{\"a\":\"bcd\"} {}",
		  "<11 too big>{}|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_json_objects_are_found_whatever_stands_between(void **state)
{
	static const struct row rows[] = {
		{ FRAMING_JSON, NULL, MAX, "", "" },
		{ FRAMING_JSON, NULL, MAX, " \n\n", "" },
		{ FRAMING_JSON, NULL, MAX, "{}{} {}\n{}", "{}|{}|{}|{}|" },
		{ FRAMING_JSON, NULL, MAX, "{\n \"a\": [1,\n{\"b\": 2}]\n}\n",
		  "{\n \"a\": [1,\n{\"b\": 2}]\n}|" },
		{ FRAMING_JSON, NULL, MAX, "{\"}\":\"\\\"}\\\\\"}{}",
		  "{\"}\":\"\\\"}\\\\\"}|{}|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_a_cut_line_is_bad_and_what_follows_is_not(void **state)
{
	static const struct row rows[] = {
		{ FRAMING_JSON, NULL, MAX,
		  "{\"a\":1}\n{\"b\":", "{\"a\":1}|BAD:{\"b\":|" },
		{ FRAMING_JSON, NULL, MAX, "{\"a\":\"x\n{\"b\":1}\n",
		  "BAD:{\"a\":\"x|{\"b\":1}|" },
		{ FRAMING_JSON, NULL, MAX, "{\"a\":1,\n{\"b\":1}\n",
		  "BAD:{\"a\":1,\n|{\"b\":1}|" },
		{ FRAMING_JSON, NULL, MAX, "{\"a\n{\"b\":1}\n",
		  "BAD:{\"a|{\"b\":1}|" },
		{ FRAMING_JSON, NULL, MAX, "{\n{\"b\":1}\n",
		  "BAD:{\n|{\"b\":1}|" },
		{ FRAMING_JSON, NULL, MAX, "what\n{}\n", "BAD:what|{}|" },
		{ FRAMING_JSON, NULL, MAX, "[{}]", "BAD:[{}]|" },
	};

	(void)state;
	CHECK(rows);
}

static void test_a_frame_knows_its_number_position_and_line(void **state)
{
	struct framer *f = framer(FRAMING_JSON, NULL, MAX);
	const char *input = "{}\n\n {\"a\":\n1} {}";
	struct framed framed;
	size_t room;

	(void)state;
	memcpy(framer_room(f, &room), input, strlen(input));
	framer_filled(f, strlen(input));
	framer_end(f);
	assert_int_equal(framer_next(f, &framed), 1);
	assert_int_equal(framer_next(f, &framed), 1);
	assert_int_equal(framed.number, 2);
	assert_int_equal(framed.position, 5);
	assert_int_equal(framed.line, 3);
	assert_int_equal(framer_next(f, &framed), 1);
	assert_int_equal(framed.number, 3);
	assert_int_equal(framed.position, 14);
	assert_int_equal(framed.line, 4);
	framer_free(f);
}

/* What framing means, said the slow way. */
static void model(struct slice input, struct slice delimiter, size_t max,
		  struct buffer *want)
{
	struct slice rest = input;

	buffer_reset(want);
	while (rest.len > 0) {
		const uint8_t *at = memmem(rest.data, rest.len, delimiter.data,
					   delimiter.len);
		size_t len = at == NULL ? rest.len : (size_t)(at - rest.data);
		size_t used = at == NULL ? len : len + delimiter.len;

		if (len > max)
			buffer_printf(want, "<%zu too big>", len);
		else
			buffer_printf(want, "%.*s|", (int)len, rest.data);
		rest.data += used;
		rest.len -= used;
	}
}

static void test_random_input_is_cut_as_the_model_cuts(void **state)
{
	static const char *const delimiters[] = { "\n", "ab", "aab", "baba" };
	struct buffer got = { 0 };
	struct buffer want = { 0 };
	struct seeded_random seeded;

	(void)state;
	for (uint64_t seed = 0; seed < 2000; seed++) {
		const char *delimiter = delimiters[seed % 4];
		uint8_t bytes[200];
		struct slice input = { bytes, 0 };
		struct framer *f;
		size_t max;

		seeded_random_init(&seeded, seed);
		input.len = random_below(&seeded.random, sizeof(bytes));
		for (size_t i = 0; i < input.len; i++)
			bytes[i] = (uint8_t) "ab\n"[random_below(&seeded.random,
								 3)];
		max = random_below(&seeded.random, 30);
		f = framer(FRAMING_DELIMITED, delimiter, max);
		model(input, slice_of(delimiter), max, &want);
		cut(f, input, 1 + random_below(&seeded.random, 20), &got);
		if (!slice_equal(buffer_slice(&got), buffer_slice(&want)) &&
		    got.len + want.len > 0)
			fail_msg("seed %llu", (unsigned long long)seed);
		framer_free(f);
	}
	buffer_clear(&got);
	buffer_clear(&want);
}

static void test_a_large_frame_grows_the_buffer(void **state)
{
	struct framer *f = framer(FRAMING_DELIMITED, "\n", 8 << 20);
	struct framed framed;
	size_t sent = 0;

	(void)state;
	while (sent < 5 << 20) {
		size_t room;
		uint8_t *to = framer_room(f, &room);

		memset(to, 'x', room);
		framer_filled(f, room);
		assert_int_equal(framer_next(f, &framed), 0);
		sent += room;
	}
	framer_end(f);
	assert_int_equal(framer_next(f, &framed), 1);
	assert_int_equal(framed.len, sent);
	framer_free(f);
}

static void test_a_key_is_what_stands_before_the_first_delimiter(void **state)
{
	struct slice key;
	struct slice value;

	(void)state;
	assert_true(framing_split(slice_of("k::v::w"), slice_of("::"), &key,
				  &value));
	assert_true(slice_is(key, "k") && slice_is(value, "v::w"));
	assert_true(framing_split(slice_of(":v"), slice_of(":"), &key, &value));
	assert_true(slice_is(key, "") && slice_is(value, "v"));
	assert_true(framing_split(slice_of("k:"), slice_of(":"), &key, &value));
	assert_true(slice_is(key, "k") && slice_is(value, ""));
	assert_false(
		framing_split(slice_of("kv"), slice_of(":"), &key, &value));
	assert_true(slice_is_null(key) && slice_is(value, "kv"));
}

static void test_null_is_what_the_rule_says(void **state)
{
	struct null_rule none = { 0 };
	struct null_rule empty = { .empty = true };
	struct null_rule token = { .token = slice_of("NULL") };

	(void)state;
	assert_true(slice_is(null_rule_apply(&none, slice_of("")), ""));
	assert_true(slice_is_null(null_rule_apply(&empty, slice_of(""))));
	assert_true(slice_is_null(null_rule_apply(&token, slice_of("NULL"))));
	assert_true(slice_is(null_rule_apply(&token, slice_of("")), ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_delimiters_end_records_and_the_last_may_lack_its),
		cmocka_unit_test(test_whole_input_is_one_frame_even_if_empty),
		cmocka_unit_test(
			test_a_frame_over_the_limit_is_told_once_and_skipped),
		cmocka_unit_test(
			test_json_objects_are_found_whatever_stands_between),
		cmocka_unit_test(
			test_a_cut_line_is_bad_and_what_follows_is_not),
		cmocka_unit_test(
			test_a_frame_knows_its_number_position_and_line),
		cmocka_unit_test(test_random_input_is_cut_as_the_model_cuts),
		cmocka_unit_test(test_a_large_frame_grows_the_buffer),
		cmocka_unit_test(
			test_a_key_is_what_stands_before_the_first_delimiter),
		cmocka_unit_test(test_null_is_what_the_rule_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
