/*
 * batch_test.c - tests of kconsume's batch.c, which is in no library
 */
#include "kconsume/batch.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add(struct batch *b, const char *topic, int64_t offset)
{
	struct consumer_record record = {
		.topic = topic,
		.record = { .offset = offset,
			    .key = SLICE_NULL,
			    .value = SLICE_NULL,
			    .headers = SLICE_NULL },
	};

	assert_int_equal(batch_add(b, &record), 0);
}

static void expect(const struct batch *b, const char *wanted)
{
	struct buffer out = { 0 };

	batch_describe(b, &out);
	assert_string_equal(buffer_text(&out), wanted);
	buffer_clear(&out);
}

static void it_says_where_its_records_are_from(void **state)
{
	struct batch b = { 0 };

	(void)state;
	expect(&b, "0 records");
	add(&b, "t", 17);
	expect(&b, "1 record: t [0] 17");
	add(&b, "t", 18);
	add(&b, "u", 4);
	expect(&b, "3 records: t [0] 17 to u [0] 4");
	batch_reset(&b);
	add(&b, "v", 1);
	expect(&b, "1 record: v [0] 1");
	batch_clear(&b);
}

static void it_is_full_of_so_many_records(void **state)
{
	struct batch b = { 0 };

	(void)state;
	for (int64_t i = 0; i < BATCH_RECORDS_MAX; i++) {
		assert_false(batch_is_full(&b));
		add(&b, "t", i);
	}
	assert_true(batch_is_full(&b));
	batch_reset(&b);
	assert_false(batch_is_full(&b));
	batch_clear(&b);
}

static void it_is_full_of_so_many_bytes(void **state)
{
	struct batch b = { 0 };

	(void)state;
	assert_non_null(buffer_reserve(&b.bytes, BATCH_BYTES_MAX));
	buffer_commit(&b.bytes, BATCH_BYTES_MAX - 1);
	assert_false(batch_is_full(&b));
	buffer_commit(&b.bytes, 1);
	assert_true(batch_is_full(&b));
	batch_clear(&b);
}

static void records_are_kept_if_wanted(void **state)
{
	char value[] = "value";
	const struct consumer_record record = {
		.topic = "t",
		.record = { .key = SLICE_NULL,
			    .value = slice_of(value),
			    .headers = slice_of("") },
	};
	struct batch b = { .keeps_records = true };
	struct batch none = { 0 };

	(void)state;
	assert_int_equal(batch_add(&b, &record), 0);
	assert_int_equal(batch_add(&none, &record), 0);
	value[0] = 'x'; /* a copy was made */
	assert_true(slice_is_null(b.records[0].record.key));
	assert_true(slice_is(b.records[0].record.value, "value"));
	assert_false(slice_is_null(b.records[0].record.headers));
	assert_true(slice_is_null(none.records[0].record.value));
	batch_clear(&b);
	batch_clear(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_where_its_records_are_from),
		cmocka_unit_test(it_is_full_of_so_many_records),
		cmocka_unit_test(it_is_full_of_so_many_bytes),
		cmocka_unit_test(records_are_kept_if_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
