/*
 * tracker.c - where in the input each record stood that is on its way
 */
#include "kproduce/tracker.h"

#include <errno.h>
#include <stdlib.h>

enum { FORGOTTEN = -1 };

void tracker_clear(struct tracker *t)
{
	free(t->positions);
	*t = (struct tracker){ 0 };
}

static int64_t *slot_of(const struct tracker *t, uint64_t number)
{
	return &t->positions[number & (t->capacity - 1)];
}

static int grow(struct tracker *t)
{
	struct tracker grown = { .capacity = t->capacity == 0
						     ? 1024
						     : t->capacity * 2 };

	grown.positions = malloc(grown.capacity * sizeof(*grown.positions));
	if (grown.positions == NULL)
		return -ENOMEM;
	for (uint64_t n = t->first; n < t->next; n++)
		*slot_of(&grown, n) = *slot_of(t, n);
	free(t->positions);
	t->positions = grown.positions;
	t->capacity = grown.capacity;
	return 0;
}

int tracker_add(struct tracker *t, uint64_t number, int64_t position)
{
	if (t->first == t->next)
		t->first = t->next = number;
	while (number - t->first >= t->capacity) {
		if (grow(t) < 0)
			return -ENOMEM;
	}
	while (t->next < number) /* frames that made no record */
		*slot_of(t, t->next++) = FORGOTTEN;
	*slot_of(t, number) = position;
	t->next = number + 1;
	return 0;
}

void tracker_done(struct tracker *t, uint64_t number)
{
	if (number < t->first || number >= t->next)
		return;
	*slot_of(t, number) = FORGOTTEN;
	while (t->first < t->next && *slot_of(t, t->first) == FORGOTTEN)
		t->first++;
}

int64_t tracker_position(const struct tracker *t, uint64_t number)
{
	if (number < t->first || number >= t->next)
		return FORGOTTEN;
	return *slot_of(t, number);
}
