/*
 * tracker.c - where in the input each record stood that is on its way
 */
#include "kproduce/tracker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { FORGOTTEN = -1 };

void tracker_clear(struct tracker *t)
{
	for (size_t i = 0; i < t->topic_count; i++)
		free(t->topics[i]);
	free(t->topics);
	free(t->positions);
	free(t->sources);
	*t = (struct tracker){ 0 };
}

static size_t slot_of(const struct tracker *t, uint64_t number)
{
	return number & (t->capacity - 1);
}

static int grow(struct tracker *t)
{
	size_t capacity = t->capacity == 0 ? 1024 : t->capacity * 2;
	int64_t *positions = calloc(capacity, sizeof(*positions));
	struct source *sources = NULL;

	if (t->keeps_sources)
		sources = calloc(capacity, sizeof(*sources));
	if (positions == NULL || (t->keeps_sources && sources == NULL)) {
		free(positions);
		free(sources);
		return -ENOMEM;
	}
	for (uint64_t n = t->first; n < t->next; n++) {
		positions[n & (capacity - 1)] = t->positions[slot_of(t, n)];
		if (sources != NULL)
			sources[n & (capacity - 1)] = t->sources[slot_of(t, n)];
	}
	free(t->positions);
	free(t->sources);
	t->positions = positions;
	t->sources = sources;
	t->capacity = capacity;
	return 0;
}

int tracker_add(struct tracker *t, uint64_t number, int64_t position,
		const struct source *source)
{
	if (t->first == t->next)
		t->first = t->next = number;
	while (number - t->first >= t->capacity) {
		if (grow(t) < 0)
			return -ENOMEM;
	}
	while (t->next < number) /* frames that made no record */
		t->positions[slot_of(t, t->next++)] = FORGOTTEN;
	t->positions[slot_of(t, number)] = position;
	if (t->keeps_sources)
		t->sources[slot_of(t, number)] = *source;
	t->next = number + 1;
	return 0;
}

void tracker_done(struct tracker *t, uint64_t number)
{
	if (number < t->first || number >= t->next)
		return;
	t->positions[slot_of(t, number)] = FORGOTTEN;
	while (t->first < t->next &&
	       t->positions[slot_of(t, t->first)] == FORGOTTEN)
		t->first++;
}

int64_t tracker_position(const struct tracker *t, uint64_t number)
{
	if (number < t->first || number >= t->next)
		return FORGOTTEN;
	return t->positions[slot_of(t, number)];
}

const struct source *tracker_source(const struct tracker *t, uint64_t number)
{
	if (!t->keeps_sources || tracker_position(t, number) == FORGOTTEN)
		return NULL;
	return &t->sources[slot_of(t, number)];
}

/* There are few, and the one used last is mostly the one used next. */
const char *tracker_topic(struct tracker *t, const char *name, size_t len)
{
	char **topics;

	for (size_t i = t->topic_count; i > 0; i--) {
		if (strncmp(t->topics[i - 1], name, len) == 0 &&
		    t->topics[i - 1][len] == '\0')
			return t->topics[i - 1];
	}
	topics = reallocarray(t->topics, t->topic_count + 1, sizeof(*topics));
	if (topics == NULL)
		return NULL;
	t->topics = topics;
	topics[t->topic_count] = strndup(name, len);
	if (topics[t->topic_count] == NULL)
		return NULL;
	return topics[t->topic_count++];
}
