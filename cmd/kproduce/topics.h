/*
 * topics.h - topics that kproduce makes (--create)
 *
 * Where the command line does not say how many partitions, a topic that was
 * made here gets as many as records ask for (-p keep).
 */
#ifndef KPRODUCE_TOPICS_H
#define KPRODUCE_TOPICS_H

#include <stdbool.h>

#include "client/producer.h"

struct program;

struct topics_made {
	const struct producer_topic **items;
	size_t count;
};

void topics_made_clear(struct topics_made *made);

/* Create the topic and wait for its leaders.  Returns 0 or a negative errno
 * with *error told; it may be there by now. */
int topics_create(struct program *p, const char *name,
		  struct client_error *error);

/* It was created here. */
int topics_note_made(struct topics_made *made,
		     const struct producer_topic *topic,
		     struct client_error *error);
bool topics_was_made(const struct topics_made *made,
		     const struct producer_topic *topic);

/* Give it count partitions and wait until the producer knows them.  Returns as
 * topics_create(). */
int topics_grow(struct program *p, struct producer_topic *topic, int32_t count,
		struct client_error *error);

#endif /* KPRODUCE_TOPICS_H */
