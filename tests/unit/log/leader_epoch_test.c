/*
 * leader_epoch_test.c - tests of leader_epoch.c
 */
#include "log/leader_epoch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

static void assign(struct leader_epochs *e, int32_t epoch, int64_t offset)
{
	assert_int_equal(leader_epochs_reserve(e), 0);
	leader_epochs_assign(e, epoch, offset);
}

/* 0 from 0, 2 from 10, 5 from 20 */
static void make_three(struct leader_epochs *e)
{
	*e = (struct leader_epochs){ 0 };
	assign(e, 0, 0);
	assign(e, 2, 10);
	assign(e, 5, 20);
}

static void assert_text(const struct leader_epochs *e, const char *want)
{
	struct buffer text = { 0 };

	leader_epochs_format(e, &text);
	assert_string_equal(buffer_text(&text), want);
	buffer_clear(&text);
}

static void assignments_keep_the_order(void **state)
{
	static const struct {
		int32_t epoch;
		int64_t offset;
		const char *want;
	} cases[] = {
		{ 6, 30, "0\n4\n0 0\n2 10\n5 20\n6 30\n" },
		{ 5, 30, "0\n3\n0 0\n2 10\n5 20\n" }, /* known */
		{ 5, 15, "0\n3\n0 0\n2 10\n5 15\n" },
		{ 6, 20, "0\n3\n0 0\n2 10\n6 20\n" }, /* 5 wrote nothing */
		{ 6, 5, "0\n2\n0 0\n6 5\n" },
		{ 1, 40, "0\n2\n0 0\n1 40\n" },
		{ 9, 0, "0\n1\n9 0\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct leader_epochs e;

		make_three(&e);
		assign(&e, cases[i].epoch, cases[i].offset);
		assert_text(&e, cases[i].want);
		leader_epochs_clear(&e);
	}
}

static void epoch_of_an_offset_is_found(void **state)
{
	static const struct {
		int64_t offset;
		int32_t want;
	} cases[] = {
		{ -1, -1 }, { 0, 0 }, { 9, 0 }, { 10, 2 }, { 19, 2 }, { 99, 5 },
	};
	struct leader_epochs e;

	(void)state;
	make_three(&e);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(leader_epochs_of(&e, cases[i].offset),
				 cases[i].want);
	leader_epochs_clear(&e);
	assert_int_equal(leader_epochs_of(&e, 5), -1);
}

static void end_of_an_epoch_is_the_start_of_the_next(void **state)
{
	static const struct {
		int32_t asked;
		int32_t epoch;
		int64_t end;
	} cases[] = {
		{ 0, 0, 10 }, { 1, 0, 10 },  { 2, 2, 20 },   { 4, 2, 20 },
		{ 5, 5, 33 }, { 6, -1, -1 }, { -1, -1, -1 },
	};
	struct leader_epochs e;
	int32_t epoch;
	int64_t end;

	(void)state;
	make_three(&e);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		leader_epochs_end_of(&e, cases[i].asked, 33, &epoch, &end);
		assert_int_equal(epoch, cases[i].epoch);
		assert_int_equal(end, cases[i].end);
	}
	/* An epoch below all known ones ends where they begin. */
	leader_epochs_truncate_start(&e, 12);
	leader_epochs_end_of(&e, 1, 33, &epoch, &end);
	assert_int_equal(epoch, 1);
	assert_int_equal(end, 12);
	leader_epochs_clear(&e);
}

static void truncation_drops_and_moves_entries(void **state)
{
	struct leader_epochs e;

	(void)state;
	make_three(&e);
	e.dirty = false;
	leader_epochs_truncate_end(&e, 21);
	leader_epochs_truncate_start(&e, 0);
	assert_false(e.dirty);
	leader_epochs_truncate_end(&e, 20);
	assert_text(&e, "0\n2\n0 0\n2 10\n");
	assert_true(e.dirty);
	leader_epochs_truncate_start(&e, 9);
	assert_text(&e, "0\n2\n0 9\n2 10\n");
	leader_epochs_truncate_start(&e, 10);
	assert_text(&e, "0\n1\n2 10\n");
	leader_epochs_truncate_start(&e, 15);
	assert_text(&e, "0\n1\n2 15\n");
	leader_epochs_truncate_end(&e, 15);
	assert_text(&e, "0\n0\n");
	leader_epochs_clear(&e);
}

/* Epochs come from clients: any number may. */
static void a_log_without_epochs_has_no_end_of_one(void **state)
{
	struct leader_epochs e = { 0 };

	(void)state;
	for (int32_t asked = -3; asked <= 1; asked++) {
		int32_t epoch = 7;
		int64_t end = 7;

		leader_epochs_end_of(&e, asked, 33, &epoch, &end);
		assert_int_equal(epoch, -1);
		assert_int_equal(end, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(assignments_keep_the_order),
		cmocka_unit_test(epoch_of_an_offset_is_found),
		cmocka_unit_test(end_of_an_epoch_is_the_start_of_the_next),
		cmocka_unit_test(a_log_without_epochs_has_no_end_of_one),
		cmocka_unit_test(truncation_drops_and_moves_entries),
	};

	return cmocka_run_group_tests_name("leader epochs", tests, NULL, NULL);
}
