/*
 * ask.c - a question to the group coordinator: who waits, and where
 */
#include "ask.h"

#include <assert.h>
#include <stddef.h>

void group_ask_hang(struct group_ask *ask, struct group_ask **place)
{
	assert(ask->place == NULL);
	assert(*place == NULL);
	ask->place = place;
	*place = ask;
}

void group_ask_drop(struct group_ask *ask)
{
	if (ask->place == NULL)
		return;
	assert(*ask->place == ask);
	*ask->place = NULL;
	ask->place = NULL;
}

void group_ask_answer(struct group_ask *ask, void *answer, int64_t offset)
{
	group_ask_drop(ask);
	ask->answer = answer;
	ask->offset = offset;
	ask->on_answer(ask);
}
