/*
 * room.c - is there room on the disk for more records?
 */
#include "kbrokerd/partition/room.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/units.h"
#include "kbrokerd/logger.h"

enum {
	MIN_FREE_PERCENT = 5,
	ALL_PERCENT = 100,
	BUDGET_SHARE = 8, /* of what is left above the limit */
};

#define MIN_FREE_BYTES (INT64_C(1) << 30)
#define BUDGET_LEAST   (INT64_C(1) << 20)
#define BUDGET_MOST    (INT64_C(64) << 20)
#define NEVER          INT64_MAX

/* Told when so much is left, and when it is more again. */
static const int steps[] = { 20, 10, 5 };

void room_init(struct room *room, int64_t min_free_bytes)
{
	*room = (struct room){
		.min_free_bytes = min_free_bytes,
		.short_since_us = NEVER,
		.full_since_us = NEVER,
		.told_percent = ALL_PERCENT,
	};
}

int64_t room_limit_bytes(const struct room *room)
{
	int64_t share =
		room->space.total_bytes / ALL_PERCENT * MIN_FREE_PERCENT;

	if (room->min_free_bytes >= 0)
		return room->min_free_bytes;
	return share < MIN_FREE_BYTES ? share : MIN_FREE_BYTES;
}

/* The lowest step that what is left does not reach; 100: it reaches all. */
static int step_of(const struct vfs_space *space)
{
	int step = ALL_PERCENT;

	if (space->total_bytes <= 0)
		return step;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (space->usable_bytes <
		    space->total_bytes / ALL_PERCENT * steps[i])
			step = steps[i];
	return step;
}

static void describe(const struct vfs_space *space, char *text,
		     size_t text_size)
{
	char usable[UNITS_TEXT_MAX];
	char total[UNITS_TEXT_MAX];

	format_size(space->usable_bytes, usable);
	format_size(space->total_bytes, total);
	snprintf(text, text_size, "%s of %s are free on the disk", usable,
		 total);
}

/* Did it pass one of the steps? */
static int tell_step(struct room *room, char *text, size_t text_size)
{
	int step = step_of(&room->space);
	bool less = step < room->told_percent;

	if (step == room->told_percent)
		return -1;
	room->told_percent = step;
	describe(&room->space, text, text_size);
	return less ? LOGGER_WARN : LOGGER_INFO;
}

int room_update(struct room *room, const struct vfs_space *space,
		int64_t now_us, char *text, size_t text_size)
{
	bool was_short = room->short_since_us != NEVER;
	bool is_short;
	char left[2 * UNITS_TEXT_MAX + 32];
	int level;

	room->space = *space;
	is_short = space->usable_bytes < room_limit_bytes(room);
	level = tell_step(room, text, text_size);
	if (is_short == was_short)
		return level;
	describe(space, left, sizeof(left));
	room->short_since_us = is_short ? now_us : NEVER;
	snprintf(text, text_size,
		 is_short ? "%s, less than min.free.bytes=%" PRId64
			    ": records are refused"
			  : "%s, min.free.bytes=%" PRId64
			    " again: records are taken",
		 left, room_limit_bytes(room));
	return is_short ? LOGGER_ERROR : LOGGER_INFO;
}

void room_note_full(struct room *room, int64_t now_us)
{
	if (room->full_since_us == NEVER)
		room->full_since_us = now_us;
}

void room_note_written(struct room *room)
{
	room->full_since_us = NEVER;
}

bool room_is_short(const struct room *room)
{
	return room->short_since_us != NEVER;
}

enum room_verdict room_verdict(const struct room *room, int64_t now_us)
{
	int64_t since_us = room->short_since_us < room->full_since_us
				   ? room->short_since_us
				   : room->full_since_us;

	if (since_us == NEVER)
		return ROOM_ENOUGH;
	return now_us - since_us < ROOM_GRACE_US ? ROOM_SHORT : ROOM_NONE;
}

int64_t room_budget_bytes(const struct room *room)
{
	int64_t left = room->space.usable_bytes - room_limit_bytes(room);
	int64_t budget = left / BUDGET_SHARE;

	if (budget > BUDGET_MOST)
		return BUDGET_MOST;
	return budget < BUDGET_LEAST ? BUDGET_LEAST : budget;
}

void room_explain(const struct room *room, const char *dir, char *text,
		  size_t text_size)
{
	if (room->short_since_us != NEVER)
		snprintf(text, text_size,
			 "the disk of %s is full: %" PRId64
			 " bytes are free, and min.free.bytes=%" PRId64
			 " are to stay so; delete records or topics, lower "
			 "retention.ms or retention.bytes, or add room",
			 dir, room->space.usable_bytes, room_limit_bytes(room));
	else
		snprintf(text, text_size,
			 "the disk of %s is full: nothing can be written, "
			 "although %" PRId64
			 " bytes are free; delete records or topics, lower "
			 "retention.ms or retention.bytes, or add room",
			 dir, room->space.usable_bytes);
}
