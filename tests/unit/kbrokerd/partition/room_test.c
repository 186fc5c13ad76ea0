/*
 * room_test.c - tests of room.c
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "kbrokerd/logger.h"
#include "kbrokerd/partition/room.h"

#define GIB (INT64_C(1) << 30)

static int update(struct room *room, int64_t usable_percent, int64_t now_us)
{
	struct vfs_space space = { 100 * GIB, usable_percent * GIB };
	char text[256];

	return room_update(room, &space, now_us, text, sizeof(text));
}

static void limit_is_the_smaller_of_5_percent_and_1_gib(void **state)
{
	struct vfs_space small = { 1000, 500 };
	struct room room;
	char text[256];

	(void)state;
	room_init(&room, -1);
	update(&room, 50, 0);
	assert_int_equal(room_limit_bytes(&room), GIB);
	room_update(&room, &small, 0, text, sizeof(text));
	assert_int_equal(room_limit_bytes(&room), 50);
	room_init(&room, 7);
	assert_int_equal(room_limit_bytes(&room), 7);
}

static void grace_begins_when_too_little_is_left_and_ends(void **state)
{
	struct room room;

	(void)state;
	room_init(&room, 2 * GIB);
	assert_int_equal(room_verdict(&room, 0), ROOM_ENOUGH);
	update(&room, 2, 1000);
	assert_int_equal(room_verdict(&room, 1000), ROOM_ENOUGH);
	assert_int_equal(update(&room, 1, 2000), LOGGER_ERROR);
	assert_int_equal(room_verdict(&room, 2000), ROOM_SHORT);
	/* Looking again does not make it longer. */
	update(&room, 1, ROOM_GRACE_US);
	assert_int_equal(room_verdict(&room, 1999 + ROOM_GRACE_US), ROOM_SHORT);
	assert_int_equal(room_verdict(&room, 2000 + ROOM_GRACE_US), ROOM_NONE);
	assert_int_equal(update(&room, 3, 3000 + ROOM_GRACE_US), LOGGER_INFO);
	assert_int_equal(room_verdict(&room, 4000 + ROOM_GRACE_US),
			 ROOM_ENOUGH);
}

static void writes_that_fail_have_the_same_grace(void **state)
{
	struct room room;

	(void)state;
	room_init(&room, 0);
	update(&room, 50, 0);
	room_note_full(&room, 5000);
	room_note_full(&room, 6000);
	assert_int_equal(room_verdict(&room, 6000), ROOM_SHORT);
	assert_false(room_is_short(&room));
	assert_int_equal(room_verdict(&room, 5000 + ROOM_GRACE_US), ROOM_NONE);
	room_note_written(&room);
	assert_int_equal(room_verdict(&room, 5000 + ROOM_GRACE_US),
			 ROOM_ENOUGH);
}

static void each_step_is_told_once_down_and_up(void **state)
{
	static const struct {
		int percent, level;
	} steps[] = {
		{ 50, -1 },         { 19, LOGGER_WARN }, { 18, -1 },
		{ 9, LOGGER_WARN }, { 9, -1 },           { 4, LOGGER_WARN },
		{ 3, -1 },          { 6, LOGGER_INFO },  { 30, LOGGER_INFO },
		{ 3, LOGGER_WARN },
	};
	struct room room;

	(void)state;
	room_init(&room, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		assert_int_equal(update(&room, steps[i].percent, 0),
				 steps[i].level);
}

static void nearer_the_limit_it_is_looked_at_more_often(void **state)
{
	struct room room;
	int64_t far;

	(void)state;
	room_init(&room, 2 * GIB);
	update(&room, 50, 0);
	far = room_budget_bytes(&room);
	assert_int_equal(far, 64 << 20); /* however much there is */
	update(&room, 2, 0);
	assert_true(room_budget_bytes(&room) < far);
	assert_true(room_budget_bytes(&room) > 0);
}

static void both_numbers_are_told(void **state)
{
	struct vfs_space space = { 1000, 30 };
	struct room room;
	char text[512];

	(void)state;
	room_init(&room, 40);
	room_update(&room, &space, 0, text, sizeof(text));
	room_explain(&room, "/data", text, sizeof(text));
	assert_non_null(strstr(text, "/data"));
	assert_non_null(strstr(text, "30 bytes are free"));
	assert_non_null(strstr(text, "min.free.bytes=40"));
	assert_non_null(strstr(text, "retention.ms"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_is_the_smaller_of_5_percent_and_1_gib),
		cmocka_unit_test(grace_begins_when_too_little_is_left_and_ends),
		cmocka_unit_test(writes_that_fail_have_the_same_grace),
		cmocka_unit_test(each_step_is_told_once_down_and_up),
		cmocka_unit_test(nearer_the_limit_it_is_looked_at_more_often),
		cmocka_unit_test(both_numbers_are_told),
	};

	return cmocka_run_group_tests_name("room", tests, NULL, NULL);
}
