/*
 * delivered_test.c - tests of kconsume's delivered.c, which is in no library
 */
#include "kconsume/delivered.c" /* NOLINT(bugprone-suspicious-include) */

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"

static void print(void *arg, const struct delivered_part *part)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 256 - len, "%s%s%d:%lld%s", len > 0 ? " " : "",
		 part->topic, part->partition, (long long)part->next_offset,
		 part->idle ? "!" : "");
}

/* "t0:7 t1:3!": up to where each may be committed, ! where nothing is left */
static void expect(struct delivered *d, const char *wanted)
{
	char text[256] = "";

	delivered_each(d, print, text);
	assert_string_equal(text, wanted);
}

static void write_one(struct delivered *d, int32_t partition, int64_t offset,
		      int64_t position)
{
	assert_int_equal(delivered_write(d, "t", partition, offset, position),
			 0);
}

static int ack(struct delivered *d, int32_t partition, int64_t offset)
{
	int64_t written;

	return delivered_ack(d, "t", partition, offset, &written);
}

static void a_position_ends_what_lies_before_it_in_all_partitions(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	write_one(d, 1, 100, 10);
	write_one(d, 0, 5, 30);
	write_one(d, 1, 103, 35); /* a gap in the log */
	expect(d, "t0:-1 t1:-1");
	delivered_reach(d, 29);
	expect(d, "t0:-1 t1:101");
	delivered_reach(d, 35);
	expect(d, "t0:6! t1:104!");
	delivered_free(d);
}

static void records_without_bytes_are_done_with_those_before(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	write_one(d, 0, 0, 0);
	expect(d, "t0:1!");
	write_one(d, 0, 1, 8);
	for (int64_t offset = 2; offset < 1000; offset++)
		write_one(d, 0, offset, 8);
	assert_int_equal(d->run_count, 1);
	delivered_reach(d, 7);
	expect(d, "t0:1");
	delivered_reach(d, 8);
	expect(d, "t0:1000!");
	delivered_free(d);
}

static void an_ack_is_of_all_records_before_in_its_partition(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	for (int64_t i = 0; i < 100; i++)
		write_one(d, (int32_t)(i % 2), i / 2, i + 1);
	assert_int_equal(ack(d, 0, 30), 0);
	expect(d, "t0:31 t1:-1");
	assert_int_equal(ack(d, 0, 7), 0); /* late, and says nothing new */
	expect(d, "t0:31 t1:-1");
	assert_int_equal(delivered_left(d), 19 + 50);
	delivered_reach(d, delivered_position(d));
	expect(d, "t0:50! t1:50!");
	assert_int_equal(delivered_left(d), 0);
	delivered_free(d);
}

static void an_exact_ack_is_of_one_record(void **state)
{
	struct delivered *d = delivered_new(true);

	(void)state;
	for (int64_t i = 0; i < 10; i++)
		write_one(d, 0, i * 2, i + 1);
	assert_int_equal(ack(d, 0, 2), 0);
	assert_int_equal(ack(d, 0, 6), 0);
	assert_int_equal(ack(d, 0, 3), 0); /* is no record */
	expect(d, "t0:-1");
	assert_int_equal(delivered_left(d), 8);
	assert_int_equal(ack(d, 0, 0), 0);
	assert_int_equal(ack(d, 0, 0), 0);
	expect(d, "t0:3");
	assert_int_equal(ack(d, 0, 4), 0);
	expect(d, "t0:7");
	delivered_free(d);
}

static void what_was_never_written_cannot_be_acknowledged(void **state)
{
	struct delivered *d = delivered_new(false);
	int64_t written = 0;

	(void)state;
	write_one(d, 0, 9, 1);
	assert_int_equal(ack(d, 1, 0), -ENOENT);
	assert_int_equal(delivered_ack(d, "u", 0, 9, &written), -ENOENT);
	assert_int_equal(delivered_ack(d, "t", 0, 10, &written), -ERANGE);
	assert_int_equal(written, 10);
	expect(d, "t0:-1");
	assert_int_equal(delivered_begin(d, "u", 0), 0);
	assert_int_equal(delivered_ack(d, "u", 0, 9, &written), -ENOENT);
	delivered_free(d);
}

static void a_run_of_exact_acks_ends_with_its_bitmap(void **state)
{
	struct delivered *d = delivered_new(true);

	(void)state;
	for (int64_t i = 0; i <= EXACT_RUN_MAX; i++)
		write_one(d, 0, i, i + 1);
	assert_int_equal(d->run_count, 2);
	assert_int_equal(ack(d, 0, EXACT_RUN_MAX), 0);
	assert_int_equal(delivered_left(d), EXACT_RUN_MAX);
	assert_int_equal(ack(d, 0, 3), 0);
	assert_int_equal(delivered_left(d), EXACT_RUN_MAX - 1);
	delivered_free(d);
}

static void it_is_full_of_so_many_runs(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	for (int64_t i = 0; i < DELIVERED_RUNS_MAX; i++) {
		assert_false(delivered_is_full(d));
		write_one(d, 0, i * 2, i + 1);
	}
	assert_true(delivered_is_full(d));
	delivered_reach(d, 1);
	expect(d, "t0:1");
	assert_false(delivered_is_full(d));
	delivered_free(d);
}

static void a_late_ack_for_a_partition_that_was_lost_is_ignored(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	for (int64_t i = 0; i < 10; i++)
		write_one(d, 0, i, i + 1);
	delivered_forget(d, "t", 0);
	expect(d, "");
	assert_int_equal(delivered_left(d), 0);
	assert_int_equal(ack(d, 0, 9), 0);
	expect(d, "");
	/* Ours again, from where another one had committed. */
	write_one(d, 0, 4, 11);
	assert_int_equal(ack(d, 0, 9), 0);
	expect(d, "t0:-1");
	assert_int_equal(ack(d, 0, 4), 0);
	expect(d, "t0:5!");
	delivered_free(d);
}

static void note_committed(void *arg, const struct delivered_part *part)
{
	*(int64_t *)arg = *part->committed;
	*part->committed = part->next_offset;
}

static void what_was_done_before_a_partition_was_lost_says_nothing(void **state)
{
	struct delivered *d = delivered_new(false);
	int64_t committed;

	(void)state;
	assert_int_equal(delivered_begin(d, "t", 0), 0);
	expect(d, "t0:-1!");
	for (int64_t i = 0; i < 10; i++)
		write_one(d, 0, i, i + 1);
	assert_int_equal(ack(d, 0, 5), 0);
	delivered_each(d, note_committed, &committed);
	delivered_each(d, note_committed, &committed);
	assert_int_equal(committed, 6);
	delivered_forget(d, "t", 0);
	expect(d, "");
	write_one(d, 0, 4, 11);
	expect(d, "t0:-1");
	delivered_each(d, note_committed, &committed);
	assert_int_equal(committed, -1);
	delivered_free(d);
}

static void where_a_partition_begins_it_may_be_committed(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	assert_int_equal(delivered_begin(d, "t", 0), 0);
	write_one(d, 0, 7, 1);
	expect(d, "t0:7");
	write_one(d, 0, 9, 2);
	expect(d, "t0:7");
	delivered_reach(d, 1);
	expect(d, "t0:8");
	delivered_free(d);
}

static void a_log_that_begins_anew_forgets_what_was(void **state)
{
	struct delivered *d = delivered_new(false);

	(void)state;
	write_one(d, 0, 50, 1);
	write_one(d, 0, 0, 2);
	delivered_reach(d, 1);
	expect(d, "t0:-1");
	delivered_reach(d, 2);
	expect(d, "t0:1!");
	delivered_free(d);
}

/* Against a plain table of records. */

enum { STEPS = 20000, PARTS = 3 };

struct model_record {
	int64_t offset;
	int32_t partition;
	bool done;
};

static struct model_record records[STEPS];
static size_t record_count;

static int64_t model_next(int32_t partition)
{
	int64_t next = -1;

	for (size_t i = 0; i < record_count; i++) {
		if (records[i].partition != partition)
			continue;
		if (!records[i].done)
			break;
		next = records[i].offset + 1;
	}
	return next;
}

static void model_ack(size_t i, bool exact)
{
	for (size_t j = 0; j <= i; j++) {
		if (j == i ||
		    (!exact && records[j].partition == records[i].partition))
			records[j].done = true;
	}
}

static void compare(void *arg, const struct delivered_part *part)
{
	(void)arg;
	assert_true(part->next_offset == model_next(part->partition));
}

static void behaves_as_a_table_would_if(bool exact)
{
	struct delivered *d = delivered_new(exact);
	struct seeded_random seeded;
	int64_t offsets[PARTS] = { 0 };
	struct random *random = &seeded.random;

	seeded_random_init(&seeded, exact ? 1 : 2);
	record_count = 0;
	for (int step = 0; step < STEPS; step++) {
		uint64_t dice = random_below(random, 100);
		size_t back = random_below(random, 200);

		if (dice < 70) {
			struct model_record *r = &records[record_count++];

			/* Mostly the one of the last step. */
			r->partition =
				dice < 60 && record_count > 1
					? r[-1].partition
					: (int32_t)random_below(random, PARTS);
			offsets[r->partition] += dice == 0 ? 5 : 1;
			r->offset = offsets[r->partition];
			r->done = false;
			write_one(d, r->partition, r->offset,
				  (int64_t)record_count);
		} else if (back < record_count && dice < 99) {
			size_t i = record_count - 1 - back;

			assert_int_equal(
				ack(d, records[i].partition, records[i].offset),
				0);
			model_ack(i, exact);
		} else if (back < record_count) {
			delivered_reach(d, (int64_t)(record_count - back));
			for (size_t j = 0; j < record_count - back; j++)
				records[j].done = true;
		}
		if (step % 50 == 0)
			delivered_each(d, compare, NULL);
	}
	delivered_each(d, compare, NULL);
	delivered_free(d);
}

static void behaves_as_a_table_would(void **state)
{
	(void)state;
	behaves_as_a_table_would_if(false);
	behaves_as_a_table_would_if(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_position_ends_what_lies_before_it_in_all_partitions),
		cmocka_unit_test(
			records_without_bytes_are_done_with_those_before),
		cmocka_unit_test(
			an_ack_is_of_all_records_before_in_its_partition),
		cmocka_unit_test(an_exact_ack_is_of_one_record),
		cmocka_unit_test(what_was_never_written_cannot_be_acknowledged),
		cmocka_unit_test(a_run_of_exact_acks_ends_with_its_bitmap),
		cmocka_unit_test(it_is_full_of_so_many_runs),
		cmocka_unit_test(
			a_late_ack_for_a_partition_that_was_lost_is_ignored),
		cmocka_unit_test(
			what_was_done_before_a_partition_was_lost_says_nothing),
		cmocka_unit_test(where_a_partition_begins_it_may_be_committed),
		cmocka_unit_test(a_log_that_begins_anew_forgets_what_was),
		cmocka_unit_test(behaves_as_a_table_would),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
